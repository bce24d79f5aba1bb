/**
 * How many units are active at given points, exactly. Units whose whole numbers are
 * below 2^53 go through the batch kernel, where every sum is then exact; the others
 * are computed in doubles with an error bound, and in big integers where that leaves
 * the sign open.
 */
import { countNetworkActivity, type ExactUnit, exactLevel } from '@fewfire/kernels';
import { createTurn, type RunOptions } from '../../base/index.ts';
import { bitAt, type CubePoints } from '../../cube/index.ts';
import type { SparseNetwork } from '../network.ts';
import { type AnyNetwork, isTreeNetwork } from '../tree-network.ts';
import type { TightenedNetwork } from './tighten.ts';
import { countTreeRows } from './tree-rows.ts';

export interface ExactCounts {
  readonly rowCount: number;
  /** The largest number of active units; 0 without rows. */
  readonly maximum: number;
  /** The first row that has it; -1 without rows. */
  readonly maximumRow: number;
  /** histogram[a] rows have a active units, a = 0 .. maximum. */
  readonly histogram: Float64Array;
  readonly unitCounts: Float64Array;
}

const EXACT_SUM = 2n ** 53n;

/** Weights that are laid out for the kernel at a time, in bytes: more units are counted one part after the other. */
const PART_BYTES = 2 ** 26;

export async function countRowsExactly(
  network: AnyNetwork,
  { units }: TightenedNetwork,
  points: CubePoints,
  options: RunOptions = {},
): Promise<ExactCounts> {
  const rowCounts = new Uint32Array(points.rowCount);
  const unitCounts = new Float64Array(units.length);
  if (isTreeNetwork(network)) await countTreeRows(network, points, rowCounts, unitCounts, options);
  else await countUnits(network, units, points, rowCounts, unitCounts, options);
  return summarise(rowCounts, unitCounts);
}

async function countUnits(
  network: SparseNetwork,
  units: readonly ExactUnit[],
  points: CubePoints,
  rowCounts: Uint32Array,
  unitCounts: Float64Array,
  options: RunOptions,
): Promise<void> {
  const { signal, threads, onProgress } = options;
  const { rowCount } = points;
  const kernelUnits: number[] = [];
  const otherUnits: number[] = [];
  units.forEach((unit, j) => {
    if (unit.highest < 1n) return;
    if (unit.lowest >= 1n) {
      unitCounts[j] = rowCount;
      for (let i = 0; i < rowCount; i++) rowCounts[i]++;
    } else if (doubledSpan(unit) <= EXACT_SUM) kernelUnits.push(j);
    else otherUnits.push(j);
  });
  const partSize = unitsAtOnce(network.inputCount);
  const partCount = Math.ceil(kernelUnits.length / partSize);
  for (let part = 0; part < partCount && rowCount > 0; part++) {
    const members = kernelUnits.slice(part * partSize, (part + 1) * partSize);
    const counts = await countNetworkActivity(
      levelNetwork(
        network.inputCount,
        members.map((j) => units[j]),
      ),
      points,
      {
        signal,
        threads,
        onRows: (rows) =>
          onProgress?.({
            phase: 'counting active units',
            done: part * rowCount + rows,
            total: partCount * rowCount,
            unit: 'rows',
          }),
      },
    );
    for (let i = 0; i < rowCount; i++) rowCounts[i] += counts.rowCounts[i];
    members.forEach((j, at) => {
      unitCounts[j] = counts.unitCounts[at];
    });
  }
  const turn = createTurn(signal);
  for (let first = 0; first < otherUnits.length; first += partSize) {
    const members = otherUnits.slice(first, first + partSize);
    for (const j of await countSettled(network, units, members, points, rowCounts, unitCounts, options)) {
      const test = unitTest(network, units[j], j);
      for (let i = 0; i < rowCount; i++) {
        if ((i & 255) === 0) await turn();
        if (!test((input) => bitAt(points, i, input) === 1)) continue;
        rowCounts[i]++;
        unitCounts[j]++;
      }
    }
  }
}

function unitsAtOnce(inputCount: number): number {
  return Math.max(64, Math.floor(PART_BYTES / (8 * inputCount)));
}

function summarise(rowCounts: Uint32Array, unitCounts: Float64Array): ExactCounts {
  const rowCount = rowCounts.length;
  let maximum = 0;
  let maximumRow = rowCount === 0 ? -1 : 0;
  for (let i = 0; i < rowCount; i++) {
    if (rowCounts[i] <= maximum) continue;
    maximum = rowCounts[i];
    maximumRow = i;
  }
  const histogram = new Float64Array(maximum + 1);
  for (let i = 0; i < rowCount; i++) histogram[rowCounts[i]]++;
  return { rowCount, maximum, maximumRow, histogram, unitCounts };
}

/** How many units are active at one point. */
export function countActive({ units }: TightenedNetwork, isNegative: (input: number) => boolean | number): number {
  let active = 0;
  for (const unit of units) if (unit.highest >= 1n && exactLevel(unit, isNegative) >= 1n) active++;
  return active;
}

// Counts units in doubles with their biases moved up and then down by more than all rounding. Where the two counts of a
// unit agree, no row leaves its sign open and it is added; gives the units that remain.
async function countSettled(
  network: SparseNetwork,
  units: readonly ExactUnit[],
  candidates: readonly number[],
  points: CubePoints,
  rowCounts: Uint32Array,
  unitCounts: Float64Array,
  { signal, threads, onProgress }: RunOptions,
): Promise<readonly number[]> {
  const { inputCount } = network;
  const margins = candidates.map((j) => 2 * unitMargin(network, units[j], j));
  let pass = 0;
  const onRows = (rows: number): void => {
    const done = pass * points.rowCount + rows;
    onProgress?.({ phase: 'counting active units', done, total: 3 * points.rowCount, unit: 'rows' });
    if (rows === points.rowCount) pass++;
  };
  const count = (members: readonly number[], direction: 1 | -1) =>
    countNetworkActivity(
      {
        inputCount,
        unitCount: members.length,
        weights: Float64Array.from(
          { length: members.length * inputCount },
          (_, at) => network.weights[candidates[members[Math.floor(at / inputCount)]] * inputCount + (at % inputCount)],
        ),
        biases: Float64Array.from(members, (c) => network.biases[candidates[c]] + direction * margins[c]),
        outputWeights: new Float64Array(members.length),
      },
      points,
      { signal, threads, onRows },
    );
  const bounded = candidates.flatMap((_, c) => (margins[c] < 1e300 ? [c] : []));
  if (bounded.length === 0 || points.rowCount === 0) return candidates;
  let sure = await count(bounded, 1);
  const possible = await count(bounded, -1);
  const settled = bounded.filter((_, at) => sure.unitCounts[at] === possible.unitCounts[at]);
  if (settled.length === 0) return candidates;
  if (settled.length < bounded.length) sure = await count(settled, 1);
  for (let i = 0; i < points.rowCount; i++) rowCounts[i] += sure.rowCounts[i];
  settled.forEach((c, at) => {
    unitCounts[candidates[c]] = sure.unitCounts[at];
  });
  const done = new Set(settled);
  return candidates.filter((_, c) => !done.has(c));
}

// Twice the level is <steps, x> - (sum of steps - 2 start); partial sums stay below the sum of all magnitudes.
function doubledSpan(unit: ExactUnit): bigint {
  let sum = 0n;
  let norm = 0n;
  for (const step of unit.steps) {
    sum += step;
    norm += step < 0n ? -step : step;
  }
  const bias = sum - 2n * unit.start;
  return norm + (bias < 0n ? -bias : bias);
}

function levelNetwork(inputCount: number, units: readonly ExactUnit[]) {
  const weights = new Float64Array(units.length * inputCount);
  const biases = new Float64Array(units.length);
  units.forEach((unit, at) => {
    let sum = 0n;
    unit.steps.forEach((step, k) => {
      weights[at * inputCount + unit.inputs[k]] = Number(step);
      sum += step;
    });
    biases[at] = Number(sum - 2n * unit.start);
  });
  return { inputCount, unitCount: units.length, weights, biases, outputWeights: new Float64Array(units.length) };
}

// Summation of m doubles is off by less than m 2^-52 times the sum of their magnitudes, in any order.
function unitMargin(network: SparseNetwork, { inputs }: ExactUnit, j: number): number {
  let total = Math.abs(network.biases[j]);
  for (const i of inputs) total += Math.abs(network.weights[j * network.inputCount + i]);
  return (inputs.length + 2) * 2 ** -52 * total;
}

function unitTest(
  network: SparseNetwork,
  unit: ExactUnit,
  j: number,
): (isNegative: (input: number) => boolean) => boolean {
  const base = j * network.inputCount;
  const bias = network.biases[j];
  const { inputs } = unit;
  const margin = unitMargin(network, unit, j);
  return (isNegative) => {
    let sum = -bias;
    for (const i of inputs) sum += isNegative(i) ? -network.weights[base + i] : network.weights[base + i];
    if (sum > margin) return true;
    if (sum < -margin) return false;
    return exactLevel(unit, isNegative) >= 1n;
  };
}

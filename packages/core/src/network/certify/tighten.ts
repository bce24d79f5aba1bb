/**
 * Tightening (THEORY section 7): units without the dead ones, biases raised to b+,
 * the least value above b that <w_j, x> can take on the cube. A unit is active
 * where <w_j, x> >= b_j+. The raised bias comes from the greatest common divisor of
 * the weights, so it is there for every finite network, not only for integers; for
 * sets of weights with few different sums the least attainable value may be higher.
 */
import { type ExactUnit, exactUnit, exactUnits } from '@fewfire/kernels';
import { createTurn, FewfireError, type RunOptions, type Turn } from '../../base/index.ts';
import type { SparseUnit } from '../families/index.ts';
import type { SparseNetwork } from '../network.ts';
import { type AnyNetwork, isTreeNetwork, treeUnits } from '../tree-network.ts';

export interface TightenedNetwork {
  /** Every unit in whole numbers. */
  readonly units: readonly ExactUnit[];
  /** Active on no point of the cube. */
  readonly deadUnits: Uint32Array;
  /** Active on every point of the cube. */
  readonly alwaysActiveUnits: Uint32Array;
  /** All but the dead. */
  readonly liveUnits: Uint32Array;
  /** b_j+ of every unit, rounded to a double (exact for integers below 2^53). */
  readonly leastAbove: Float64Array;
}

/** What whole numbers of a unit take, and of each of its weights: measured, with what search and pair tests add. */
const UNIT_BYTES = 1000;
const WEIGHT_BYTES = 120;

/** Exact for every network: no rounding decides whether a unit is dead. */
export function tighten(network: Pick<SparseNetwork, 'inputCount' | 'weights' | 'biases'>): TightenedNetwork {
  return sortUnits(exactUnits(network.inputCount, network.weights, network.biases));
}

/**
 * The same with pauses, because millions of weights take seconds; of trees too.
 * @throws FewfireError `memory-budget` before allocating
 */
export async function tightenWithPauses(network: AnyNetwork, options: RunOptions = {}): Promise<TightenedNetwork> {
  const { signal, memoryLimitBytes = Number.POSITIVE_INFINITY } = options;
  const turn = createTurn(signal);
  const needed = UNIT_BYTES * network.unitCount + WEIGHT_BYTES * (await countWeights(network, turn));
  if (needed > memoryLimitBytes) {
    const size = (bytes: number): string => Math.ceil(bytes / 1e6).toLocaleString('en-US');
    throw new FewfireError(
      'memory-budget',
      `the ${network.unitCount.toLocaleString('en-US')} units as whole numbers need ${size(needed)} MB, more than the ${size(memoryLimitBytes)} MB allowed; allow more memory`,
    );
  }
  const units: ExactUnit[] = [];
  for (const unit of exactUnitsOf(network)) {
    const wait = turn();
    if (wait !== undefined) await wait;
    units.push(unit);
  }
  return sortUnits(units);
}

async function countWeights(network: AnyNetwork, turn: Turn): Promise<number> {
  let count = 0;
  if (isTreeNetwork(network)) {
    for (const units of treeUnits(network)) for (const { weights } of units) count += weights.length;
    return count;
  }
  for (let i = 0; i < network.weights.length; i++) {
    if (network.weights[i] !== 0) count++;
    if ((i & 0xfffff) === 0) await turn();
  }
  return count;
}

function* exactUnitsOf(network: AnyNetwork): Generator<ExactUnit, void> {
  if (isTreeNetwork(network)) {
    for (const units of treeUnits(network)) yield* units.map(exactSparseUnit);
    return;
  }
  const { inputCount, weights, biases } = network;
  for (let j = 0; j < biases.length; j++) {
    yield exactUnit(weights.subarray(j * inputCount, (j + 1) * inputCount), biases[j]);
  }
}

function exactSparseUnit({ weights, bias }: SparseUnit): ExactUnit {
  const ordered = weights.toSorted(([a], [b]) => a - b);
  const unit = exactUnit(
    Float64Array.from(ordered, ([, weight]) => weight),
    bias,
  );
  return { ...unit, inputs: unit.inputs.map((at) => ordered[at][0]) };
}

function sortUnits(units: readonly ExactUnit[]): TightenedNetwork {
  const dead: number[] = [];
  const always: number[] = [];
  const live: number[] = [];
  units.forEach((unit, j) => {
    if (unit.highest < 1n) dead.push(j);
    else live.push(j);
    if (unit.lowest >= 1n) always.push(j);
  });
  return {
    units,
    deadUnits: Uint32Array.from(dead),
    alwaysActiveUnits: Uint32Array.from(always),
    liveUnits: Uint32Array.from(live),
    leastAbove: Float64Array.from(units, (unit) => unit.leastAbove),
  };
}

/**
 * Sparsity as a mixed-integer programme (THEORY section 7): maximise the number of
 * units that may be active, over the bits of a point and a switch a_j per unit.
 * Written for an upper bound that survives the solver's tolerances: a_j may be 1
 * wherever the unit's level is at least half a step below 1, so whatever is really
 * active is allowed with room to spare. The point found is counted exactly and is
 * the lower bound. The upper bound stays a *solver bound*: it is floating-point
 * branch and bound, and nothing here checks it.
 *
 * The solver itself is behind `MilpSolver`; @fewfire/node has one over HiGHS.
 */
import { FewfireError, type RunOptions } from '../../base/index.ts';
import { domainBits, liftedPair } from '../domain.ts';
import type { NetworkDomain } from '../network.ts';
import type { AnyNetwork } from '../tree-network.ts';
import { countActive } from './rows.ts';
import type { FoundPoint } from './search.ts';
import type { TightenedNetwork } from './tighten.ts';

/** Maximise objective . x with columnLower <= x <= columnUpper, rowLower <= A x <= rowUpper, some x whole. */
export interface MilpProblem {
  readonly columnCount: number;
  readonly objective: Float64Array;
  readonly columnLower: Float64Array;
  readonly columnUpper: Float64Array;
  /** 1 for columns that must be whole numbers. */
  readonly integer: Uint8Array;
  readonly rowCount: number;
  /** A by rows: entries rowStarts[r] .. rowStarts[r + 1] - 1. */
  readonly rowStarts: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float64Array;
  readonly rowLower: Float64Array;
  readonly rowUpper: Float64Array;
}

/** What a solver found and proved. */
export interface MilpResult {
  /** `limit`: stopped by time, with whatever was found and proven until then. */
  readonly status: 'optimal' | 'limit' | 'infeasible';
  /** A best point found, one number per column. */
  readonly bestPoint?: Float64Array | undefined;
  /** No point has a larger objective, by the solver's floating-point reckoning; Infinity where it proved nothing. */
  readonly provenUpperBound: number;
}

/** What a solver is told beside the problem. */
export interface MilpOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeLimitMs: number;
  /** Call it optimal once bound and point are this close. Default 0.99: objectives that count are settled then. */
  readonly absoluteGap?: number | undefined;
}

/** A solver of mixed-integer programmes, such as `createHighsSolver` of @fewfire/node. */
export interface MilpSolver {
  /** For the record, as in `HiGHS 1.15`. */
  readonly name: string;
  /** @throws FewfireError `invalid-data` for a problem the solver refuses; the signal's reason when aborted, within 100 ms */
  solve(problem: MilpProblem, options: MilpOptions): Promise<MilpResult>;
}

export interface MilpOutcome {
  readonly found: FoundPoint | undefined;
  readonly kUpper: number;
  readonly status: 'optimal' | 'limit';
}

/** Coefficients of a row are scaled to at most this. */
const LARGEST = 1000;
/** How far below "active" a unit may be and still count, in scaled units, where half a step would be less: far above a solver's 1e-7. */
const TOLERANCE = 1e-4;

export async function solveSparsity(
  network: AnyNetwork,
  tightened: TightenedNetwork,
  domain: Exclude<NetworkDomain, { kind: 'rows' }>,
  solver: MilpSolver,
  options: RunOptions & { readonly timeLimitMs: number; readonly classes?: readonly (readonly number[])[] },
): Promise<MilpOutcome> {
  const { problem, switches } = sparsityProblem(network, tightened, domain, options.classes ?? []);
  const always = tightened.alwaysActiveUnits.length;
  const { signal, timeLimitMs } = options;
  const result = await solver.solve(problem, { signal, timeLimitMs });
  if (result.status === 'infeasible') {
    throw new FewfireError(
      'not-converged',
      `${solver.name} calls the programme infeasible, but every point of the domain satisfies it; expected a bound: use method 'sweep' or 'conflicts'`,
    );
  }
  // Whole numbers, so anything below the next one is that of the one before; the slack is the solver's own.
  const bound = Math.min(switches, Math.floor(result.provenUpperBound + 1e-6));
  let found: FoundPoint | undefined;
  if (result.bestPoint !== undefined) {
    const point = result.bestPoint;
    const bits = Uint8Array.from({ length: domainBits({ inputCount: network.inputCount, domain }) }, (_, i) =>
      point[i] > 0.5 ? 1 : 0,
    );
    found = { bits, activeCount: countActive(tightened, coordinatesOf(domain, bits)) };
  }
  return { found, kUpper: bound + always, status: result.status };
}

/** Whether a coordinate is -1, from the bits of a domain. */
function coordinatesOf(
  domain: Exclude<NetworkDomain, { kind: 'rows' }>,
  bits: ArrayLike<number>,
): (input: number) => number {
  if (domain.kind === 'cube') return (input) => bits[input];
  const { bitCount } = domain;
  const values = new Uint8Array((bitCount * (bitCount + 1)) / 2);
  for (let l = 0; l < bitCount; l++) {
    values[l] = bits[l];
    for (let i = 0; i < l; i++) values[liftedPair(bitCount, i, l)] = bits[i] ^ bits[l];
  }
  return (input) => values[input];
}

/** Columns: the bits, then what the units use of their pairs (0 or 1 by its rows), then the switches of units that are neither dead nor always active. */
function sparsityProblem(
  network: AnyNetwork,
  tightened: TightenedNetwork,
  domain: Exclude<NetworkDomain, { kind: 'rows' }>,
  classes: readonly (readonly number[])[],
): { readonly problem: MilpProblem; readonly switches: number } {
  const { units } = tightened;
  const bitCount = domainBits({ inputCount: network.inputCount, domain });
  const switched = Array.from(tightened.liveUnits).filter((j) => units[j].lowest < 1n);
  const used = new Set<number>();
  for (const j of switched) for (const input of units[j].inputs) used.add(input);
  const columnOf = new Map<number, number>();
  for (let i = 0; i < bitCount; i++) columnOf.set(i, i);
  const pairs = [...used].filter((input) => input >= bitCount).sort((a, b) => a - b);
  for (const [p, input] of pairs.entries()) columnOf.set(input, bitCount + p);
  const firstSwitch = bitCount + pairs.length;
  const columnCount = firstSwitch + switched.length;
  const switchOf = new Map(switched.map((j, at) => [j, firstSwitch + at]));

  const rowStarts: number[] = [0];
  const columns: number[] = [];
  const values: number[] = [];
  const rowLower: number[] = [];
  const rowUpper: number[] = [];
  const addRow = (entries: readonly (readonly [number, number])[], lower: number, upper: number): void => {
    for (const [column, value] of entries) {
      columns.push(column);
      values.push(value);
    }
    rowStarts.push(columns.length);
    rowLower.push(lower);
    rowUpper.push(upper);
  };
  const infinity = Number.POSITIVE_INFINITY;
  if (domain.kind === 'lift') {
    for (let l = 1; l < bitCount; l++) {
      for (let i = 0; i < l; i++) {
        const z = columnOf.get(liftedPair(bitCount, i, l));
        if (z === undefined) continue;
        // z is the exclusive or of the two bits.
        addRow([[z, 1], [i, -1], [l, -1]], -infinity, 0); // biome-ignore format: one row
        addRow([[z, 1], [i, 1], [l, 1]], -infinity, 2); // biome-ignore format: one row
        addRow([[z, 1], [i, -1], [l, 1]], 0, infinity); // biome-ignore format: one row
        addRow([[z, 1], [i, 1], [l, -1]], 0, infinity); // biome-ignore format: one row
      }
    }
  }
  for (const j of switched) {
    const unit = units[j];
    let largest = 1n;
    for (const step of unit.steps) largest = max(largest, step < 0n ? -step : step);
    const scale = largest > BigInt(LARGEST) ? largest : 1n;
    const scaled = (value: bigint): number => (scale === 1n ? Number(value) : ratio(value * BigInt(LARGEST), scale));
    // level >= active where switched on, level >= lowest (always true) where off.
    const one = scaled(1n);
    const active = one - Math.max(one / 2, TOLERANCE);
    const lowest = scaled(unit.lowest) - TOLERANCE;
    const entries: [number, number][] = [];
    unit.inputs.forEach((input, k) => {
      entries.push([columnOf.get(input) as number, -scaled(unit.steps[k])]);
    });
    entries.push([switchOf.get(j) as number, -(active - lowest)]);
    addRow(entries, lowest - scaled(unit.start), infinity);
  }
  for (const members of classes) {
    const entries = members.flatMap((j) => {
      const column = switchOf.get(j);
      return column === undefined ? [] : [[column, 1] as const];
    });
    if (entries.length > 1) addRow(entries, -infinity, 1);
  }
  const objective = new Float64Array(columnCount);
  objective.fill(1, firstSwitch);
  const integer = new Uint8Array(columnCount).fill(1);
  integer.fill(0, bitCount, firstSwitch);
  return {
    problem: {
      columnCount,
      objective,
      columnLower: new Float64Array(columnCount),
      columnUpper: new Float64Array(columnCount).fill(1),
      integer,
      rowCount: rowLower.length,
      rowStarts: Int32Array.from(rowStarts),
      columns: Int32Array.from(columns),
      values: Float64Array.from(values),
      rowLower: Float64Array.from(rowLower),
      rowUpper: Float64Array.from(rowUpper),
    },
    switches: switched.length,
  };
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

// a / b as a double, for integers that may be too large for doubles.
function ratio(a: bigint, b: bigint): number {
  return Number((a << 80n) / b) / 2 ** 80;
}

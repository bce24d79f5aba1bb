/**
 * The best configuration as a mixed-integer programme. A switch per state of every group, of which exactly one is on:
 * so categories exclude each other and thresholds follow from each other by construction, and a coordinate is the sum
 * of the switches of its states. Over 0/1 coordinates the polynomial is its Moebius form; a product of coordinates is a
 * column between 0 and 1, held down by each of its factors where its coefficient is positive, and up by all of them
 * together where it is negative (standard linearisation, only the side that matters). Products within one group are
 * another coordinate of it, or nothing, before any column is made.
 */
import { FewfireError, type RunOptions, type Turn } from '../base/index.ts';
import type { MilpProblem, MilpSolver } from '../network/index.ts';
import { moebiusForm, moebiusTermList } from '../spectrum/index.ts';
import type { SearchSpace } from './optimise-space.ts';

export interface MilpChoice {
  readonly chosen: readonly number[] | undefined;
  /** No configuration has a larger value, by the solver's floating-point reckoning. */
  readonly bound: number;
}

/** The largest coefficient is scaled to this: far above the solver's tolerances of 1e-6 and 1e-7. */
const LARGEST = 1e4;
/** Scaled, so 1e-10 of the largest coefficient. */
const ABSOLUTE_GAP = 1e-6;

/** @throws FewfireError as the solver, and `not-converged` when it calls the programme infeasible, which it never is */
export async function solveByMilp(
  space: SearchSpace,
  solver: MilpSolver,
  turn: Turn,
  options: RunOptions & { readonly timeLimitMs: number },
): Promise<MilpChoice> {
  const { problem, scale, constant, firstColumn } = await configurationProblem(space, turn, options);
  options.onProgress?.({ phase: `solving with ${solver.name}`, done: 0, total: 0, unit: 'steps' });
  const { signal, timeLimitMs } = options;
  const result = await solver.solve(problem, { signal, timeLimitMs, absoluteGap: ABSOLUTE_GAP });
  if (result.status === 'infeasible') {
    throw new FewfireError(
      'not-converged',
      `${solver.name} calls the programme infeasible, but it has configurations; expected a bound: use method 'enumerate'`,
    );
  }
  const point = result.bestPoint;
  const chosen =
    point === undefined
      ? undefined
      : space.groups.map(({ states }, g) => {
          const switches = states.map((_, state) => point[firstColumn[g] + state]);
          return switches.indexOf(Math.max(...switches));
        });
  return { chosen, bound: constant + result.provenUpperBound / scale };
}

interface ConfigurationProblem {
  readonly problem: MilpProblem;
  readonly scale: number;
  readonly constant: number;
  /** Where the switches of every group begin. */
  readonly firstColumn: readonly number[];
}

async function configurationProblem(
  space: SearchSpace,
  turn: Turn,
  options: RunOptions,
): Promise<ConfigurationProblem> {
  const { groups } = space;
  const firstColumn: number[] = [];
  let columnCount = 0;
  for (const { states } of groups) {
    firstColumn.push(columnCount);
    columnCount += states.length;
  }
  const switchCount = columnCount;
  const { constant, products } = await reducedProducts(space, turn, options);

  // A coordinate as the switches of the states that have it.
  const switchesOf = new Map<number, number[]>();
  groups.forEach(({ coordinates, states }, g) => {
    coordinates.forEach((s, j) => {
      const on = Array.from(states.keys()).filter((state) => states[state].bits[j] === 1);
      switchesOf.set(
        s,
        on.map((state) => firstColumn[g] + state),
      );
    });
  });
  const objective: number[] = new Array<number>(switchCount).fill(0);
  const rows = createRows();
  const infinity = Number.POSITIVE_INFINITY;
  groups.forEach(({ states }, g) => {
    rows.add(
      states.map((_, state) => [firstColumn[g] + state, 1]),
      1,
      1,
    );
  });
  if (Number.isFinite(space.mostCounted)) {
    const counted = groups.flatMap(({ states }, g) =>
      states.flatMap((each, state) => (each.counted ? [[firstColumn[g] + state, 1] as const] : [])),
    );
    if (counted.length > 0) rows.add(counted, -infinity, space.mostCounted);
  }
  for (const { coordinates, dividend } of products) {
    await turn();
    const factors = coordinates.map((s) => switchesOf.get(s) as number[]);
    if (factors.length === 1) {
      for (const column of factors[0]) objective[column] += dividend;
      continue;
    }
    const product = columnCount++;
    objective.push(dividend);
    if (dividend > 0) {
      for (const factor of factors) rows.add([[product, 1], ...factor.map((c) => [c, -1] as const)], -infinity, 0);
    } else {
      rows.add([[product, 1], ...factors.flat().map((c) => [c, -1] as const)], 1 - factors.length, infinity);
    }
  }
  const largest = objective.reduce((most, c) => Math.max(most, Math.abs(c)), 0);
  const scale = largest > 0 ? LARGEST / largest : 1;
  const integer = new Uint8Array(columnCount);
  integer.fill(1, 0, switchCount);
  return {
    problem: {
      columnCount,
      objective: Float64Array.from(objective, (c) => scale * c),
      columnLower: new Float64Array(columnCount),
      columnUpper: new Float64Array(columnCount).fill(1),
      integer,
      ...rows.finish(),
    },
    scale,
    constant,
    firstColumn,
  };
}

// The Moebius form with at most one coordinate per group in a product, where the group's states allow that.
async function reducedProducts(
  space: SearchSpace,
  turn: Turn,
  { signal, memoryLimitBytes }: RunOptions,
): Promise<{ constant: number; products: { coordinates: number[]; dividend: number }[] }> {
  const placeOf = new Map(
    space.groups.flatMap(({ coordinates }, g) => coordinates.map((s, j) => [s, { g, j }] as const)),
  );
  const sums = new Map<string, { coordinates: number[]; dividend: number }>();
  let constant = 0;
  for (const { coordinates, dividend } of moebiusTermList(
    await moebiusForm(space.polynomial, { signal, memoryLimitBytes }),
  )) {
    await turn();
    const reduced = reduceProduct(space, coordinates, placeOf);
    if (reduced === undefined) continue;
    if (reduced.length === 0) {
      constant += dividend;
      continue;
    }
    const key = reduced.join(' ');
    const entry = sums.get(key);
    if (entry === undefined) sums.set(key, { coordinates: reduced, dividend });
    else entry.dividend += dividend;
  }
  return { constant, products: [...sums.values()].filter(({ dividend }) => dividend !== 0) };
}

function reduceProduct(
  space: SearchSpace,
  product: readonly number[],
  placeOf: ReadonlyMap<number, { readonly g: number; readonly j: number }>,
): number[] | undefined {
  const byGroup = new Map<number, number[]>();
  for (const s of product) {
    const { g, j } = placeOf.get(s) as { g: number; j: number };
    byGroup.set(g, [...(byGroup.get(g) ?? []), j]);
  }
  const reduced: number[] = [];
  for (const [g, members] of byGroup) {
    const { coordinates, states } = space.groups[g];
    const all = states.filter(({ bits }) => members.every((j) => bits[j] === 1));
    if (all.length === 0) return undefined;
    const alone = members.find((j) => states.filter(({ bits }) => bits[j] === 1).length === all.length);
    reduced.push(...(alone === undefined ? members : [alone]).map((j) => coordinates[j]));
  }
  return reduced.sort((a, b) => a - b);
}

interface Rows {
  add(entries: readonly (readonly [number, number])[], lower: number, upper: number): void;
  finish(): Pick<MilpProblem, 'rowCount' | 'rowStarts' | 'columns' | 'values' | 'rowLower' | 'rowUpper'>;
}

function createRows(): Rows {
  const rowStarts: number[] = [0];
  const columns: number[] = [];
  const values: number[] = [];
  const rowLower: number[] = [];
  const rowUpper: number[] = [];
  return {
    add(entries, lower, upper) {
      // Factors of one group may share switches, but a solver wants every column once in a row.
      const sums = new Map<number, number>();
      for (const [column, value] of entries) sums.set(column, (sums.get(column) ?? 0) + value);
      for (const [column, value] of sums) {
        columns.push(column);
        values.push(value);
      }
      rowStarts.push(columns.length);
      rowLower.push(lower);
      rowUpper.push(upper);
    },
    finish: () => ({
      rowCount: rowLower.length,
      rowStarts: Int32Array.from(rowStarts),
      columns: Int32Array.from(columns),
      values: Float64Array.from(values),
      rowLower: Float64Array.from(rowLower),
      rowUpper: Float64Array.from(rowUpper),
    }),
  };
}

/**
 * How likely it is that a column tells the target in every row though it has nothing to do with it: next to never where
 * rows are many, but easily where a class is rare, a target nearly always 0, or a table short. What luck explains is no leak.
 */
import { logFactorial, rowsWhere } from '../base/index.ts';

/** How many rows have each value of the column, each value of the target, and each pair that occurs. */
export interface JointCounts {
  readonly rowCount: number;
  readonly values: readonly number[];
  readonly targets: readonly number[];
  readonly pairs: readonly number[];
}

/** All columns of a table together look like leaks by luck at most this often. */
const LUCK = 1e-4;

/** Whether luck explains what has this probability (its logarithm), of so many columns looked at. */
export function mayBeLuck(logChance: number, columnCount: number): boolean {
  return logChance > Math.log(LUCK / Math.max(1, columnCount));
}

/** Counts the rows whose value is no NaN. */
export function jointCounts(values: Float64Array, target: Float64Array): JointCounts {
  const rows = rowsWhere(values.length, (row) => !Number.isNaN(values[row]) && !Number.isNaN(target[row]));
  rows.sort((a, b) => values[a] - values[b] || target[a] - target[b]);
  const valueRuns = runs(rows, (row, before) => values[row] === values[before]);
  const pairs = runs(rows, (row, before) => values[row] === values[before] && target[row] === target[before]);
  rows.sort((a, b) => target[a] - target[b]);
  const targets = runs(rows, (row, before) => target[row] === target[before]);
  return { rowCount: rows.length, values: valueRuns, targets, pairs };
}

function runs(rows: Uint32Array, same: (row: number, before: number) => boolean): number[] {
  const lengths: number[] = [];
  for (let i = 0; i < rows.length; i++) {
    if (i > 0 && same(rows[i], rows[i - 1])) lengths[lengths.length - 1]++;
    else lengths.push(1);
  }
  return lengths;
}

/**
 * The logarithm of the probability that every value of the column stands beside one value of the target only, were the
 * rows' targets drawn independently with the shares they have.
 */
export function logChanceOfTelling({ rowCount, values, targets }: JointCounts): number {
  // Values with as many rows have the same chance.
  const times = new Map<number, number>();
  for (const size of values) times.set(size, (times.get(size) ?? 0) + 1);
  const logShares = targets.map((count) => Math.log(count / rowCount));
  let logChance = 0;
  for (const [size, count] of times) logChance += count * logSumOfExp(logShares, size);
  return logChance;
}

/**
 * The logarithm of the probability that the targets, put to the rows in random order, rise with the column in every row:
 * given how many rows have each value and each target, one table of pairs does, and prod(values)! prod(targets)! /
 * (rows! prod(pairs)!) of the orders give it. At most `arrangements` times that for one of several such tables.
 */
export function logChanceOfOrder({ rowCount, values, targets, pairs }: JointCounts, logArrangements: number): number {
  const all = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + logFactorial(size), 0);
  return logArrangements + all(values) + all(targets) - all(pairs) - logFactorial(rowCount);
}

// ln sum(exp(factor * log)).
function logSumOfExp(logs: readonly number[], factor: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const log of logs) most = Math.max(most, factor * log);
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(factor * log - most), 0));
}

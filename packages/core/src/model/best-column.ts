/**
 * What one column alone would do: for each code of its cells the best constant, learned from the training rows and
 * measured on the test rows. The column is the one whose constants do best on the training rows, each row predicted
 * without itself, so that a column of names is not best for having one row per name.
 */
import type { EncoderSpec } from '../cube/index.ts';
import { drawnRows, type LabelledRows, labelledRows } from './column-importance.ts';
import type { BestColumnRecord } from './findings.ts';
import type { TargetSpec } from './model.ts';
import type { LabelledPoints } from './prepare.ts';
import { codesOf, tableColumns } from './table-columns.ts';
import { outputCount } from './target.ts';

/** Training rows that the column is chosen on, drawn where there are more. */
const MOST_ROWS = 20_000;

/** @param encoder of the training rows, which encodes the test rows too */
export function bestColumn(
  spec: TargetSpec,
  encoder: EncoderSpec,
  training: LabelledPoints,
  test: LabelledPoints,
  seed: number,
): BestColumnRecord | undefined {
  const some = labelledRows(training, drawnRows(training.target.length, MOST_ROWS, training.rowKeys, seed));
  let best: { readonly column: ReturnType<typeof tableColumns>[number]; right: number; error: number } | undefined;
  for (const column of tableColumns(encoder)) {
    const codes = codesOf(some.points, column);
    const { right, error } = withoutItself(countCodes(spec, codes, column.codeCount, some), codes, some);
    if (best === undefined || right > best.right || (right === best.right && error < best.error)) {
      best = { column, right, error };
    }
  }
  if (best === undefined) return undefined;
  const { column } = best;
  const counts = countCodes(spec, codesOf(training.points, column), column.codeCount, training);
  return { column: column.column, ...measured(spec, counts, codesOf(test.points, column), test) };
}

/** Of every code what its rows weigh, and the sums of their targets: of classes what the rows of each weigh. */
interface CodeCounts {
  readonly isNumber: boolean;
  readonly classCount: number;
  readonly weight: Float64Array;
  readonly sums: Float64Array;
  /** Of all rows together, for codes without any. */
  readonly total: number;
  readonly totals: Float64Array;
}

function countCodes(
  spec: TargetSpec,
  codes: Uint32Array,
  codeCount: number,
  { target, weights }: LabelledRows,
): CodeCounts {
  const isNumber = spec.kind === 'regression';
  const classCount = isNumber ? 1 : spec.kind === 'binary' ? 2 : outputCount(spec);
  const weight = new Float64Array(codeCount);
  const sums = new Float64Array(codeCount * classCount);
  const totals = new Float64Array(classCount);
  let total = 0;
  for (let row = 0; row < codes.length; row++) {
    const of = weights === undefined ? 1 : weights[row];
    const k = isNumber ? 0 : target[row];
    const amount = isNumber ? of * target[row] : of;
    weight[codes[row]] += of;
    sums[codes[row] * classCount + k] += amount;
    totals[k] += amount;
    total += of;
  }
  return { isNumber, classCount, weight, sums, total, totals };
}

// Of the training rows, each predicted by the others: what the right ones weigh (0 of numbers) and the squared error.
function withoutItself(
  counts: CodeCounts,
  codes: Uint32Array,
  { target, weights }: LabelledRows,
): { right: number; error: number } {
  const { isNumber, classCount, weight, sums, total, totals } = counts;
  const shares = new Float64Array(classCount);
  let right = 0;
  let error = 0;
  for (let row = 0; row < codes.length; row++) {
    const of = weights === undefined ? 1 : weights[row];
    const code = codes[row];
    // A row alone has what all others are like.
    const alone = !(weight[code] - of > 1e-9 * of);
    const rest = alone ? total - of : weight[code] - of;
    for (let k = 0; k < classCount; k++) {
      const own = isNumber ? of * target[row] : k === target[row] ? of : 0;
      shares[k] = ((alone ? totals[k] : sums[code * classCount + k]) - own) / rest;
    }
    if (isNumber) error += of * (target[row] - shares[0]) ** 2;
    else {
      if (largest(shares) === target[row]) right += of;
      for (let k = 0; k < classCount; k++) error += of * (Number(k === target[row]) - shares[k]) ** 2;
    }
  }
  return { right, error };
}

function measured(
  spec: TargetSpec,
  { isNumber, classCount, weight, sums, total, totals }: CodeCounts,
  codes: Uint32Array,
  { target, weights }: LabelledRows,
): Omit<BestColumnRecord, 'column'> {
  const shares = new Float64Array(classCount);
  let [right, error, all, mean, squares] = [0, 0, 0, 0, 0];
  for (let row = 0; row < codes.length; row++) {
    const of = weights === undefined ? 1 : weights[row];
    const code = codes[row];
    for (let k = 0; k < classCount; k++) {
      shares[k] = weight[code] > 0 ? sums[code * classCount + k] / weight[code] : totals[k] / total;
    }
    if (isNumber) error += of * (target[row] - shares[0]) ** 2;
    else {
      if (largest(shares) === target[row]) right += of;
      for (let k = 0; k < classCount; k++) error += of * (Number(k === target[row]) - shares[k]) ** 2;
    }
    all += of;
    const from = target[row] - mean;
    mean += all > 0 ? (of / all) * from : 0;
    squares += of * from * (target[row] - mean);
  }
  if (spec.kind !== 'regression') return { accuracy: right / all, mse: error / all };
  return { mse: error / all, r2: squares > 0 ? 1 - error / squares : null };
}

// Of two classes at exactly one half the second, the negative one, as predictions have it; of several the first.
function largest(shares: Float64Array): number {
  if (shares.length === 2) return shares[0] > shares[1] ? 0 : 1;
  let best = 0;
  for (let k = 1; k < shares.length; k++) if (shares[k] > shares[best]) best = k;
  return best;
}

/**
 * What stands beside each row of a table: its target, what it weighs, and which rows belong together. A row of weight 0
 * says nothing, so it is left out before anything is made of the table: thresholds, categories, classes and types come
 * from the others, as if the row were not in the file. These keep the names they have there, so that they are drawn for
 * the test and the folds as they were.
 */
import { effectiveCount, FewfireError, type RunOptions, rowsWhere } from '../base/index.ts';
import { answerOf, createFingerprintBuilder, type Table } from '../cube/index.ts';

/** The columns that weigh rows and hold them together. */
export interface LabelColumns {
  /** A column of numbers, at least 0: how much each row counts, in fits and measures. */
  readonly weight?: string | undefined;
  /** A column whose equal values say which rows belong together: they are never split between folds, or fit and test. */
  readonly group?: string | undefined;
}

/** One entry per row of the table. */
export interface RowLabels {
  /** As `readTarget` gives it; NaN where missing. */
  readonly target: Float64Array;
  /** Their mean over all rows with a target is 1; undefined where every row counts the same. */
  readonly weights: Float64Array | undefined;
  /** Number of the row's group; undefined where rows are independent. */
  readonly clusters: Uint32Array | undefined;
  /** What the groups are called, by number. */
  readonly groupNames: readonly string[] | undefined;
  /** Names to draw groups by, by number: hashes of what they are called, so that a group keeps its own whatever rows there are. */
  readonly clusterKeys: Float64Array | undefined;
}

/** Weights that say as much as fewer rows than this are no sample: folds would fit what one or two rows say. */
const FEWEST_EFFECTIVE_ROWS = 5;

/** The rows that count: the table without those of weight 0, of which it says how many there are. */
export async function weighingRows(
  table: Table,
  { weight }: LabelColumns,
  options: RunOptions,
): Promise<{ readonly table: Table; readonly zeroCount: number }> {
  const rows = weight === undefined ? undefined : await table.nonZeroRows(weight, options);
  if (rows === undefined) return { table, zeroCount: 0 };
  if (rows.rowCount > 0) return { table: rows, zeroCount: table.rowCount - rows.rowCount };
  throw new FewfireError(
    'invalid-data',
    `the weights ${JSON.stringify(weight)} of ${table.label} add up to 0; expected a finite sum above 0`,
  );
}

/** @param target of every row; rows without one need neither weight nor group */
export async function readLabels(
  table: Table,
  target: Float64Array,
  { weight, group }: LabelColumns,
  options: RunOptions,
): Promise<RowLabels & { readonly usable: Uint32Array }> {
  const usable = rowsWhere(target.length, (row) => !Number.isNaN(target[row]));
  const weights = weight === undefined ? undefined : await readWeights(table, weight, usable, options);
  const { clusters, names } =
    group === undefined ? { clusters: undefined, names: undefined } : await readGroups(table, group, usable, options);
  return { target, weights, clusters, groupNames: names, clusterKeys: names && hashesOf(names), usable };
}

// Scaled to a mean of 1 over the usable rows, so that a penalty means the same whatever unit the weights are in.
async function readWeights(
  table: Table,
  column: string,
  usable: Uint32Array,
  options: RunOptions,
): Promise<Float64Array | undefined> {
  const weights = await table.numbers(column, options);
  let sum = 0;
  for (const row of usable) {
    if (!(weights[row] >= 0)) {
      const found = Number.isNaN(weights[row]) ? 'missing' : String(weights[row]);
      throw new FewfireError(
        'invalid-data',
        `weight ${JSON.stringify(column)} is ${found} in row ${row + 1} of ${table.label}; expected a number in every row, at least 0`,
      );
    }
    sum += weights[row];
  }
  if (!(sum > 0 && Number.isFinite(sum))) {
    throw new FewfireError(
      'invalid-data',
      `the weights ${JSON.stringify(column)} of ${table.label} add up to ${sum}; expected a finite sum above 0`,
    );
  }
  // Rows that weigh the same are rows without weights, whose measures have exact intervals.
  if (usable.every((row) => weights[row] === weights[usable[0]])) return undefined;
  return weights.map((weight) => (weight * usable.length) / sum);
}

async function readGroups(
  table: Table,
  column: string,
  usable: Uint32Array,
  options: RunOptions,
): Promise<{ clusters: Uint32Array; names: readonly string[] }> {
  const texts = await table.texts(column, options);
  const numbers = new Map<string, number>();
  const clusters = new Uint32Array(texts.length);
  for (const row of usable) {
    const text = texts[row];
    if (text === null) {
      throw new FewfireError(
        'missing-values',
        `group ${JSON.stringify(column)} is missing in row ${row + 1} of ${table.label}; expected a value in every row: fill it in or remove these rows`,
      );
    }
    const known = numbers.get(text);
    clusters[row] = known ?? numbers.size;
    if (known === undefined) numbers.set(text, numbers.size);
  }
  return { clusters, names: [...numbers.keys()] };
}

// Answers are what they mean: a yes of one file is another's true.
function hashesOf(names: readonly string[]): Float64Array {
  const builder = createFingerprintBuilder(names.length);
  for (const [k, name] of names.entries()) builder.addText(k, String(answerOf(name) ?? name));
  return builder.values();
}

/**
 * Refuses weights that lie on too few rows to learn from.
 * @throws FewfireError `invalid-data`, with how many rows of equal weight they say as much as
 */
export function refuseFewWeights(
  column: string,
  label: string,
  rowCount: number,
  zeroCount: number,
  weights: Float64Array | undefined,
): void {
  const effective = weights === undefined ? rowCount : effectiveCount(weights);
  if (effective >= FEWEST_EFFECTIVE_ROWS) return;
  const total = rowCount + zeroCount;
  const found =
    weights === undefined
      ? `are above 0 in ${rowCount} of ${total} rows`
      : `are so unequal that the ${rowCount} rows above 0, of ${total}, say as much as ${Number(effective.toPrecision(2))} of equal weight`;
  throw new FewfireError(
    'invalid-data',
    `the weights ${JSON.stringify(column)} of ${label} ${found}; expected at least ${FEWEST_EFFECTIVE_ROWS}: check the column, or leave out \`weight\``,
  );
}

/**
 * Whether a test is a test: rows that were fitted say nothing of new ones. Rows are compared whole, by a fingerprint of
 * every column, and beside what chance gives: in tables of few columns equal rows are common, and then the fitted rows
 * have equals among themselves as well. Only a share clearly beyond that one means that rows were copied.
 */
import { clopperPearsonLowerLimit, FewfireError, type RunOptions } from '../base/index.ts';
import type { ColumnProfile, Table } from '../cube/index.ts';
import type { NoteOf } from './notes.ts';

/** How many test rows equal some fitted row. */
interface RowOverlap {
  readonly shared: number;
  readonly testCount: number;
  /** Share of the fitted rows that equal another one of them: what chance gives a test row. */
  readonly chance: number;
}

/** Surely more than this share of the test rows beyond chance, and they are refused. */
const REFUSED_SHARE = 0.1;
const CHANCE_OF_ERROR = 1e-3;

/**
 * Compares the rows of two tables over these columns; undefined where the tables are of different kinds, whose
 * fingerprints differ.
 */
async function rowOverlap(
  fitted: Table,
  test: Table,
  names: readonly string[],
  options: RunOptions,
): Promise<RowOverlap | undefined> {
  // The same rows may be spelled otherwise in another file.
  const how = { ...options, meaning: true };
  const [a, b] = [await fitted.fingerprints(names, how), await test.fingerprints(names, how)];
  return a.by === b.by ? compareRows(a.values, b.values) : undefined;
}

function compareRows(fitted: Float64Array, test: Float64Array): RowOverlap {
  const known = fitted.slice().sort();
  let twins = 0;
  for (let i = 0; i < known.length; i++) if (known[i] === known[i - 1] || known[i] === known[i + 1]) twins++;
  let shared = 0;
  let at = 0;
  for (const value of test.slice().sort()) {
    while (at < known.length && known[at] < value) at++;
    if (known[at] === value) shared++;
  }
  return { shared, testCount: test.length, chance: twins / known.length };
}

/** Whether surely more rows are shared than chance gives, to an extent that flatters the test. */
function beyondChance({ shared, testCount, chance }: RowOverlap): boolean {
  if (shared === 0 || chance >= 1) return false;
  const sure = clopperPearsonLowerLimit(shared, testCount, CHANCE_OF_ERROR);
  return (sure - chance) / (1 - chance) >= REFUSED_SHARE;
}

/** What was found of a test table, and what to say of it. */
export interface OverlapFinding {
  /** Test rows that equal a fitted row in every column; undefined where it could not be found out. */
  readonly sharedCount: number | undefined;
  readonly notes: readonly NoteOf<'test-overlap'>[];
}

/**
 * @param learned the target and the columns that are learned from: copies may have got new identifiers
 * @throws FewfireError `invalid-data` for test rows that were fitted, unless they are allowed
 */
export async function checkOverlap(
  fitted: Table,
  test: Table,
  learned: readonly string[],
  options: RunOptions & { readonly allowOverlap?: boolean | undefined },
): Promise<OverlapFinding> {
  const there = new Set(test.columns.filter(({ type }) => type !== 'unusable').map(({ name }) => name));
  const common = fitted.columns
    .filter(({ name, type }) => type !== 'unusable' && there.has(name))
    .map(({ name }) => name);
  const whole = await rowOverlap(fitted, test, common, options);
  if (whole === undefined) return { sharedCount: undefined, notes: [] };
  const sets: { readonly found: RowOverlap; readonly columns: 'all' | 'learned' }[] = [
    { found: whole, columns: 'all' },
  ];
  if (learned.length < common.length) {
    const found = await rowOverlap(fitted, test, learned, options);
    if (found !== undefined) sets.push({ found, columns: 'learned' });
  }
  const copied = sets.find(({ found }) => beyondChance(found));
  if (copied !== undefined && options.allowOverlap !== true) {
    const { found, columns } = copied;
    const where = columns === 'all' ? 'every column' : 'the target and every column learned from';
    throw new FewfireError(
      'invalid-data',
      `${found.shared} of the ${found.testCount} test rows of ${test.label} equal a row of ${fitted.label} in ${where}, where chance gives about ${chanceCount(found)}: they were fitted, and say nothing of new rows; expected rows that had no part in the fit: choose others, or measure on these all the same with \`allowOverlap\``,
    );
  }
  const { found, columns } = copied ?? sets[0];
  const { shared: sharedCount, testCount } = found;
  const note = { kind: 'test-overlap', sharedCount, testCount, chanceCount: chanceCount(found), columns } as const;
  return { sharedCount: whole.shared, notes: sharedCount === 0 ? [] : [note] };
}

// How many test rows chance would have among those fitted.
function chanceCount({ testCount, chance }: RowOverlap): number {
  return Math.round(chance * testCount);
}

/** A number column of at least so many different values to a row can tell copies from chance. */
const DIFFERENT_SHARE = 0.2;
/** Copies are said from this share of the test rows on, above a few times what chance would give independent columns. */
const NOTED_SHARE = 0.01;
const TIMES_CHANCE = 5;

/**
 * Copies of rows on both sides of a split: said where some number column has too many different values for chance.
 * @param isTest a flag per row of the table
 */
export async function duplicateNotes(
  table: Table,
  isTest: Uint8Array,
  profiles: readonly ColumnProfile[],
  options: RunOptions,
): Promise<NoteOf<'test-copies'>[]> {
  const numbers = profiles.filter(
    ({ type, distinctCount }) => type === 'number' && distinctCount >= DIFFERENT_SHARE * table.rowCount,
  );
  if (numbers.length === 0) return [];
  const telling = numbers.reduce((most, profile) => (profile.distinctCount > most.distinctCount ? profile : most));
  const names = table.columns.filter(({ type }) => type !== 'unusable').map(({ name }) => name);
  const fingerprints = async (some: readonly string[]): Promise<Float64Array> =>
    (await table.fingerprints(some, options)).values;
  const whole = await fingerprints(names);
  const { shared, testCount } = compareRows(
    whole.filter((_, row) => isTest[row] === 0),
    whole.filter((_, row) => isTest[row] === 1),
  );
  if (shared < 2 || shared < NOTED_SHARE * testCount) return [];
  const others = names.filter((name) => name !== telling.name);
  const sameNumber = table.rowCount * chanceOfEquals(await fingerprints([telling.name])) - 1;
  const chance = sameNumber * chanceOfEquals(await fingerprints(others));
  if (shared < (NOTED_SHARE + TIMES_CHANCE * chance) * testCount) return [];
  const { name, distinctCount } = telling;
  return [{ kind: 'test-copies', sharedCount: shared, testCount, column: name, distinctCount }];
}

/** The chance that two rows, drawn one after the other with return, are equal. */
function chanceOfEquals(values: Float64Array): number {
  const sorted = values.slice().sort();
  let squares = 0;
  for (let i = 0; i < sorted.length; ) {
    const start = i;
    while (i < sorted.length && sorted[i] === sorted[start]) i++;
    squares += (i - start) ** 2;
  }
  return squares / sorted.length ** 2;
}

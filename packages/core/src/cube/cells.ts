/**
 * What single cells mean, in one place, so that every `Table` reads them alike: which texts are missing, which read as
 * numbers, how values are ordered, what a profile says of counted values, and which cells of new data an encoded
 * column takes for a yes. Tables over SQL express the same rules in their language and are tested against these.
 */
import { FewfireError, listNames } from '../base/index.ts';
import type { EncodedColumn } from './encoder.ts';
import { type ColumnProfile, type ColumnType, MISSING_TOKENS, PROFILE_VALUE_LIMIT } from './profile.ts';

/** A cell that has a value. */
export type Cell = string | number | boolean;

/** Number columns are described by this many quantile bins unless told otherwise. */
export const DEFAULT_BINS = 4;

/** The most unseen values that `Table.encode` lists per column. */
export const UNSEEN_LIMIT = 20;

/** The characters cut from both ends of a text cell: space, tab and line ends, which is what SQL engines can do fast. */
export const TRIMMED_CHARACTERS = ' \t\r\n';

/** A text cell without the white space around it; null when it counts as missing. */
export function readText(cell: string): string | null {
  let start = 0;
  let end = cell.length;
  while (start < end && TRIMMED_CHARACTERS.includes(cell[start])) start++;
  while (end > start && TRIMMED_CHARACTERS.includes(cell[end - 1])) end--;
  const text = end - start === cell.length ? cell : cell.slice(start, end);
  return MISSING_TOKENS.includes(text) ? null : text;
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const NOT_FINITE = /^[+-]?(?:nan|inf|infinity)$/i;

const WHOLE = /^[+-]?\d+$/;

/**
 * The number a trimmed text spells (nan and inf included), or undefined when it is not a number. Whole numbers beyond 2^53
 * are none: as doubles different ones would become equal, and they are identifiers more often than quantities.
 */
export function readNumber(text: string): number | undefined {
  return WHOLE.test(text) && !Number.isSafeInteger(Number(text)) ? undefined : readQuantity(text);
}

/** The number nearest to what a text spells, where its size is what matters: at thresholds, in sums. */
export function readQuantity(text: string): number | undefined {
  // `+ 0` makes one zero of two.
  if (NUMBER.test(text)) return Number(text) + 0;
  if (!NOT_FINITE.test(text)) return undefined;
  if (/nan/i.test(text)) return Number.NaN;
  return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** Orders texts by code point, as UTF-8 bytes are ordered (JavaScript's `<` orders by UTF-16 units). */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return codePointRank(x) - codePointRank(y);
  }
  return a.length - b.length;
}

// Surrogates stand for code points above every other unit.
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}

/** Orders values of one kind: numbers by size (NaN last), texts by code point, false before true. */
export function compareCells(a: Cell, b: Cell): number {
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  const [x, y] = [Number(a), Number(b)];
  return x < y ? -1 : x > y ? 1 : Number(Number.isNaN(x)) - Number(Number.isNaN(y));
}

/** How many of `count` sorted values lie at or below the lower quantile `step / bins`: it is the value at that rank (from 1). */
export function quantileRank(step: number, bins: number, count: number): number {
  return Math.max(1, Math.ceil((step * count) / bins));
}

/** `bins` if it is a whole number of at least 2. @throws FewfireError `invalid-argument` */
export function checkBins(bins: number = DEFAULT_BINS): number {
  if (!Number.isInteger(bins) || bins < 2) {
    throw new FewfireError('invalid-argument', `bins is ${bins}, expected a whole number of at least 2`);
  }
  return bins;
}

/** `mask` if it has an entry per row. @throws FewfireError `invalid-argument` */
export function checkMask(mask: Uint8Array | undefined, rowCount: number): Uint8Array | undefined {
  if (mask !== undefined && mask.length !== rowCount) {
    throw new FewfireError('invalid-argument', `mask has ${mask.length} entries, expected one per row: ${rowCount}`);
  }
  return mask;
}

/** What is known of a column before its values are listed. */
export interface CountedColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly rowCount: number;
  readonly missingCount: number;
}

/** The profile of a column whose distinct values have been counted. Counts of zero are skipped. */
export function profileOfCounts(
  column: CountedColumn,
  counts: Iterable<readonly [Cell, number]>,
  bins: number,
): ColumnProfile {
  let nonFiniteCount = 0;
  const distinct: (readonly [Cell, number])[] = [];
  for (const entry of counts) {
    if (entry[1] === 0) continue;
    if (typeof entry[0] === 'number' && !Number.isFinite(entry[0])) nonFiniteCount += entry[1];
    else distinct.push(entry);
  }
  const isNumber = column.type === 'number';
  let quantiles: number[] = [];
  let maximum = Number.NaN;
  if (isNumber && distinct.length > 0) {
    const sorted = (distinct as [number, number][]).toSorted((a, b) => a[0] - b[0]);
    maximum = sorted[sorted.length - 1][0];
    if (distinct.length > 2) quantiles = quantilesOfCounts(sorted, bins);
  }
  const values = distinct
    .sort((a, b) => b[1] - a[1] || compareCells(a[0], b[0]))
    .slice(0, PROFILE_VALUE_LIMIT)
    .map(([value, count]) => ({ value: String(value), count }));
  return { ...column, nonFiniteCount, distinctCount: distinct.length, values, quantiles, maximum };
}

function quantilesOfCounts(sorted: readonly (readonly [number, number])[], bins: number): number[] {
  const total = sorted.reduce((sum, entry) => sum + entry[1], 0);
  const quantiles: number[] = [];
  let below = 0;
  let at = 0;
  for (let step = 1; step < bins; step++) {
    const rank = quantileRank(step, bins, total);
    while (below + sorted[at][1] < rank) below += sorted[at++][1];
    quantiles.push(sorted[at][0]);
  }
  return quantiles;
}

/** How the cells of a column of new data are read by an encoded column. */
export interface ColumnReading {
  /** What every cell is read as; a text read as `number` must spell one. */
  readonly as: ColumnType;
  /** Of a number read by thresholds: code j is a yes above `above[j]`. Otherwise undefined. */
  readonly above: readonly number[] | undefined;
  /** Without thresholds: code j is a yes when the cell is one of `codes[j]` (lists may share cells). */
  readonly codes: readonly (readonly Cell[])[];
  /** The cells that are a no at every code; what is in no list at all has not been seen. */
  readonly reference: readonly Cell[];
}

/**
 * How an encoded column reads cells of `source` type. Spellings cross types where they mean the same: 0/1 for
 * false/true both ways, `true` and `false` in any of the usual letter cases, texts that spell a number exactly.
 */
export function columnReading(column: EncodedColumn, source: ColumnType): ColumnReading {
  const { coding, type } = column;
  if (coding.kind === 'thresholds') {
    if (source !== 'boolean') return { as: 'number', above: coding.above, codes: [], reference: [] };
    const codes = coding.above.map((t) => [false, true].filter((value) => Number(value) > t));
    return { as: 'boolean', above: undefined, codes, reference: [false, true] };
  }
  const as = type === 'number' && source === 'text' ? 'number' : source;
  const cells = (value: string): readonly Cell[] => spellings(value, type, as);
  return coding.kind === 'two-valued'
    ? { as, above: undefined, codes: [cells(coding.yes)], reference: cells(coding.no) }
    : { as, above: undefined, codes: coding.values.map(cells), reference: cells(coding.reference) };
}

// The cells of type `as` that mean a value which a column of type `fitted` spells `value`.
function spellings(value: string, fitted: ColumnType, as: ColumnType): readonly Cell[] {
  if (value === '') return []; // the other side of a column with one value
  if (as === 'boolean') {
    const word = fitted === 'number' ? { '0': 'false', '1': 'true' }[value] : value.toLowerCase();
    return word === 'true' ? [true] : word === 'false' ? [false] : [];
  }
  if (fitted === 'boolean') {
    if (as === 'number') return [value === 'true' ? 1 : 0];
    return value === 'true' ? ['true', 'True', 'TRUE', '1'] : ['false', 'False', 'FALSE', '0'];
  }
  if (as === 'text') return [value];
  if (fitted === 'number') return [Number(value)];
  const number = readNumber(value);
  return number !== undefined && String(number) === value ? [number] : [];
}

/** The error for missing cells in columns that refuse them; undefined when there are none. */
export function refusedMissing(
  label: string,
  columns: readonly EncodedColumn[],
  missing: readonly { readonly column: string; readonly count: number }[],
  rowCount: number,
): FewfireError | undefined {
  const refusing = new Set(columns.filter((column) => column.missing === 'refuse').map((column) => column.column));
  const holes = missing.filter((entry) => refusing.has(entry.column));
  if (holes.length === 0) return undefined;
  const counts = holes.slice(0, 6).map((entry) => `${JSON.stringify(entry.column)} ${entry.count}`);
  const rest = holes.length - counts.length;
  return new FewfireError(
    'missing-values',
    `${label} misses values (empty, ? or NA) in ${holes.length} ${holes.length === 1 ? 'column' : 'columns'} that had none when the model was fitted: ${counts.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}, of ${rowCount} rows; fill the cells or leave the rows out, or fit with --missing indicator or --missing drop-rows`,
  );
}

/** What `Table.nonZeroRows` calls its table, whose rows have other numbers than those of the whole. */
export function nonZeroLabel(label: string, column: string): string {
  return `the rows of ${label} where ${JSON.stringify(column)} is not 0`;
}

/** The error for a cell that is not a finite number where one must be. `row` counts from 0. */
export function notANumber(label: string, column: string, row: number, cell: string): FewfireError {
  const shown = cell.length > 40 ? `${cell.slice(0, 40)}…` : cell;
  return new FewfireError(
    'invalid-data',
    `column ${JSON.stringify(column)} of ${label} holds ${JSON.stringify(shown)} in row ${row + 1}, expected a finite number; correct the cell or leave it empty`,
  );
}

/** The error for a column whose cells are lists, records or bytes. */
export function unusableColumn(label: string, name: string, sourceType: string): FewfireError {
  return new FewfireError(
    'unsupported',
    `column ${JSON.stringify(name)} of ${label} has the type ${sourceType}, expected yes/no values, numbers or texts; leave it out with --exclude`,
  );
}

/** The error for names that several columns share. */
export function duplicateColumns(label: string, names: readonly string[]): FewfireError {
  const numbers = names.every((name) => readNumber(name) !== undefined);
  return new FewfireError(
    'invalid-data',
    `${label} has several columns of the same name: ${listNames(names)}; expected every column to have its own name: ${
      numbers ? 'is the line with the names missing at the top?' : 'rename them'
    }`,
  );
}

/** Names that occur more than once, in order of their second appearance. */
export function repeatedNames(names: readonly string[]): string[] {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) repeated.add(name);
    seen.add(name);
  }
  return [...repeated];
}

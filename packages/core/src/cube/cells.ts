/**
 * What single cells mean, in one place, so that every `Table` reads them alike: how values are ordered, what a profile
 * says of counted values, where numbers are cut, and which cells of new data an encoded column takes for a yes. Tables over SQL express the same rules in their language and are tested against these.
 */
import { FewfireError, listNames } from '../base/index.ts';
import type { EncodedColumn, EncoderSpec } from './encoder.ts';
import { type ColumnProfile, type ColumnType, PROFILE_VALUE_LIMIT, type ValueCount } from './profile.ts';
import {
  datePart,
  dateText,
  MISSING_AMONG_OTHERS,
  MISSING_TEXTS,
  MONTHS,
  readDate,
  readNumber,
  type TextForm,
  WEEKDAYS,
} from './text-form.ts';
import { answerOf, NO_WORDS, YES_WORDS } from './words.ts';

/** A cell that has a value. */
export type Cell = string | number | boolean;

/** Number columns are described by this many quantile bins unless told otherwise. */
export const DEFAULT_BINS: number = 4;

/** The most unseen values that `Table.encode` lists per column. */
export const UNSEEN_LIMIT = 20;

/** The characters cut from both ends of a text cell: space, tab and line ends, which is what SQL engines can do fast. */
export const TRIMMED_CHARACTERS = ' \t\r\n';

/** A text cell without the white space around it; null when nothing is left, which is missing everywhere. */
export function readText(cell: string): string | null {
  let start = 0;
  let end = cell.length;
  while (start < end && TRIMMED_CHARACTERS.includes(cell[start])) start++;
  while (end > start && TRIMMED_CHARACTERS.includes(cell[end - 1])) end--;
  const text = end - start === cell.length ? cell : cell.slice(start, end);
  return text === '' ? null : text;
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
  /** Of a column of texts. */
  readonly form?: TextForm | undefined;
  /** Spellings that count as missing, and how many of the rows have each. */
  readonly missingTexts?: readonly ValueCount[] | undefined;
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
  const ordered = column.type === 'number' || column.type === 'date';
  const sorted = ordered ? (distinct as [number, number][]).toSorted((a, b) => a[0] - b[0]) : [];
  const shown = column.type === 'date' ? (cell: Cell) => dateText(cell as number) : String;
  const values = distinct
    .sort((a, b) => b[1] - a[1] || compareCells(a[0], b[0]))
    .slice(0, PROFILE_VALUE_LIMIT)
    .map(([value, count]) => ({ value: shown(value), count }));
  return {
    ...column,
    nonFiniteCount,
    distinctCount: distinct.length,
    values,
    cuts: cutsOfCounts(sorted, bins, column.type),
    ...(column.type === 'date' ? { parts: partsOfCounts(sorted) } : {}),
  };
}

/** A value that a quantile falls on, and its neighbours among the different values. */
export interface QuantileValue {
  readonly previous: number | undefined;
  readonly value: number;
  readonly next: number | undefined;
  /** How many rows have the value. */
  readonly count: number;
}

/**
 * Where a column is cut for quantiles that fall on given values: halfway to the next value, and where the value is
 * shared by so many rows that a bin may begin with it, halfway to the one before as well. Ascending, each once.
 */
export function cutsAtQuantiles(
  found: readonly QuantileValue[],
  total: number,
  bins: number,
  type: ColumnType,
): number[] {
  const cuts = new Set<number>();
  for (const { previous, value, next, count } of found) {
    if (next !== undefined) cuts.add(halfway(value, next, type));
    const isTie = count * 2 * bins > total;
    if (previous !== undefined && (isTie || next === undefined)) cuts.add(halfway(previous, value, type));
  }
  return [...cuts].sort((a, b) => a - b);
}

function cutsOfCounts(sorted: readonly (readonly [number, number])[], bins: number, type: ColumnType): number[] {
  const at = (i: number): number | undefined => sorted[i]?.[0];
  if (sorted.length <= bins) {
    return sorted.slice(1).map(([value], i) => halfway(sorted[i][0], value, type));
  }
  const total = sorted.reduce((sum, entry) => sum + entry[1], 0);
  const found: QuantileValue[] = [];
  let below = 0;
  let i = 0;
  for (let step = 1; step < bins; step++) {
    const rank = quantileRank(step, bins, total);
    while (below + sorted[i][1] < rank) below += sorted[i++][1];
    found.push({ previous: at(i - 1), value: sorted[i][0], next: at(i + 1), count: sorted[i][1] });
  }
  return cutsAtQuantiles(found, total, bins, type);
}

const DAY = 86_400;

/**
 * A number t with a <= t < b, so that `> t` tells b from a and the numbers between by the nearer one: the middle, to 15
 * digits where that is enough. Of two dates without a time it is a date.
 */
export function halfway(a: number, b: number, type: ColumnType): number {
  const middle = a / 2 + b / 2;
  if (type === 'date' && a % DAY === 0 && b % DAY === 0) return Math.floor(middle / DAY) * DAY;
  const short = Number(middle.toPrecision(15));
  if (short > a && short < b) return short;
  return middle > a && middle < b ? middle : a;
}

function partsOfCounts(sorted: readonly (readonly [number, number])[]): NonNullable<ColumnProfile['parts']> {
  return { weekday: partCounts(sorted, 'weekday', WEEKDAYS), month: partCounts(sorted, 'month', MONTHS) };
}

function partCounts(
  sorted: readonly (readonly [number, number])[],
  part: 'weekday' | 'month',
  names: readonly string[],
): ValueCount[] {
  const counts = new Map(names.map((name) => [name, 0]));
  for (const [seconds, count] of sorted) {
    const name = datePart(seconds, part);
    counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return valuesOfParts(counts);
}

/** Weekdays or months that occur, most frequent first, of equals the earlier. */
export function valuesOfParts(counts: ReadonlyMap<string, number>): ValueCount[] {
  return [...counts]
    .filter(([, count]) => count > 0)
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count);
}

/** How the cells of a column of new data are read by an encoded column. */
export interface ColumnReading {
  /** What every cell is read as; a text read as `number` or `date` must spell one, and a part of a date is a text. */
  readonly as: ColumnType;
  /** Whether texts are compared in lower case. */
  readonly lowerCase: boolean;
  /** Of a number read by thresholds: code j is a yes above `above[j]`. Otherwise undefined. */
  readonly above: readonly number[] | undefined;
  /** Without thresholds: code j is a yes when the cell is one of `codes[j]` (lists may share cells). */
  readonly codes: readonly (readonly Cell[])[];
  /** The cells that are a no at every code. */
  readonly reference: readonly Cell[];
  /** Whether a cell in no list is one of the others, which are a no at every code; if not, it has not been seen. */
  readonly others: boolean;
}

/**
 * How an encoded column reads cells of `source` type. Spellings cross types where they mean the same: 0/1 for
 * false/true both ways, all words for yes and no where a column has such, texts that spell a number exactly.
 */
export function columnReading(column: EncodedColumn, source: ColumnType): ColumnReading {
  const { coding, type } = column;
  const above = thresholdsOf(column);
  const rest = { lowerCase: false, above: undefined, others: false };
  if (above !== undefined) {
    if (source !== 'boolean') {
      return { ...rest, as: type === 'date' ? 'date' : 'number', above, codes: [], reference: [] };
    }
    const codes = above.map((t) => [false, true].filter((value) => Number(value) > t));
    return { ...rest, as: 'boolean', codes, reference: [false, true] };
  }
  const others = coding.kind === 'categories' && coding.reference === null;
  if (type === 'boolean' && source === 'text' && coding.kind === 'two-valued') {
    const [yes, no] = [answerOf(coding.yes), answerOf(coding.no)];
    const words = (answer: boolean | undefined): readonly string[] =>
      answer === undefined ? [] : answer ? YES_WORDS : NO_WORDS;
    return { ...rest, as: 'text', lowerCase: true, codes: [words(yes)], reference: words(no) };
  }
  const asTime = type === 'date' && column.part === undefined;
  // A weekday is looked for in dates; cells of another kind are none.
  const as = asTime ? 'date' : type === 'date' ? 'text' : type === 'number' && source === 'text' ? 'number' : source;
  const cells = (value: string): readonly Cell[] => {
    if (type === 'date' && !asTime) return [value];
    if (type === 'text' && as === 'boolean') {
      return [false, true].filter((answer) => textOfAnswer(answer, valuesOf(coding)) === value);
    }
    return spellings(value, type, as);
  };
  return coding.kind === 'two-valued'
    ? { ...rest, as, codes: [cells(coding.yes)], reference: cells(coding.no) }
    : {
        ...rest,
        as,
        codes: coding.kind === 'categories' ? coding.values.map(cells) : [],
        reference: coding.kind === 'categories' && coding.reference !== null ? cells(coding.reference) : [],
        others,
      };
}

/** The thresholds of a number or a time, also of one with two values: the new ones between them are nearer to one. */
export function thresholdsOf({ coding, type }: EncodedColumn): readonly number[] | undefined {
  if (coding.kind === 'thresholds') return coding.above;
  if (type !== 'number' || coding.kind !== 'two-valued' || coding.no === '') return undefined;
  return [halfway(Number(coding.no), Number(coding.yes), type)];
}

function valuesOf(coding: EncodedColumn['coding']): readonly string[] {
  if (coding.kind === 'thresholds') return [];
  const values = coding.kind === 'two-valued' ? [coding.no, coding.yes] : [coding.reference, ...coding.values];
  return values.filter((value) => value) as string[];
}

// The one of a list of texts that a boolean stands for: spelled so, or the only one that says the same.
function textOfAnswer(answer: boolean, texts: readonly string[]): string | undefined {
  const words = texts.filter((text) => answerOf(text) === answer);
  return words.find((text) => text === String(answer)) ?? (words.length < 2 ? words[0] : undefined);
}

// The cells of type `as` that mean a value which a column of type `fitted` spells `value`.
function spellings(value: string, fitted: ColumnType, as: ColumnType): readonly Cell[] {
  if (value === '') return []; // the other side of a column with one value
  const answer = answerOf(value);
  if (as === 'boolean') return answer === undefined ? [] : [answer];
  if (fitted === 'boolean') return as === 'number' ? [Number(answer)] : [value];
  if (as === 'text') return [value];
  if (fitted === 'number') return [Number(value)];
  if (as === 'date') {
    const time = readDate(value, 'ymd');
    return time !== undefined && dateText(time) === value ? [time] : [];
  }
  const number = readNumber(value);
  return number !== undefined && String(number) === value ? [number] : [];
}

/** The texts that a column of an encoder takes for missing in a table whose texts are typed or not. */
export function missingTextsOf(column: EncodedColumn, typed: boolean, spec: EncoderSpec): readonly string[] {
  const known = new Set(column.type === 'text' ? valuesOf(column.coding) : []);
  const among = column.type === 'text' ? (typed ? [] : MISSING_TEXTS) : [...MISSING_TEXTS, ...MISSING_AMONG_OTHERS];
  const all = spec.missingValues ?? [...among, ...(column.missingTexts ?? [])];
  return all.filter((text) => !known.has(text));
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
    `${label} misses values in ${holes.length} ${holes.length === 1 ? 'column' : 'columns'} that had none when the model was fitted: ${counts.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}, of ${rowCount} rows; fill the cells or leave the rows out, or fit with \`missing: 'indicator'\` or \`missing: 'drop-rows'\``,
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

/**
 * Refuses typed dates where the fit had numbers or answers: seconds since 1970 would be numbers too.
 * @throws FewfireError `invalid-data`
 */
export function refuseDates(label: string, { column, type }: EncodedColumn, source: ColumnType): void {
  if (source !== 'date' || type === 'date' || type === 'text') return;
  throw new FewfireError(
    'invalid-data',
    `column ${JSON.stringify(column)} of ${label} has dates, expected ${type === 'number' ? 'numbers' : 'answers'} as in the fit; is it another column?`,
  );
}

/** The error for a cell that is no date where one must be. `row` counts from 0. */
export function notADate(label: string, column: string, row: number, cell: string): FewfireError {
  const shown = cell.length > 40 ? `${cell.slice(0, 40)}…` : cell;
  return new FewfireError(
    'invalid-data',
    `column ${JSON.stringify(column)} of ${label} holds ${JSON.stringify(shown)} in row ${row + 1}, expected a date, all in one spelling as 2024-03-05; correct the cell or leave it empty`,
  );
}

/** How a column of answers spells no and yes: as most of its cells do, of equals as the first by code point. */
export function spellingsOfAnswers(counts: Iterable<readonly [string, number]>): readonly [string, string] {
  const best: [string, string] = ['false', 'true'];
  const most = [0, 0];
  for (const [text, count] of [...counts].sort((a, b) => compareTexts(a[0], b[0]))) {
    const answer = answerOf(text);
    if (answer === undefined || count <= most[Number(answer)]) continue;
    best[Number(answer)] = text;
    most[Number(answer)] = count;
  }
  return best;
}

/** Texts and their counts, most frequent first. */
export function countedTexts(counts: Iterable<readonly [string, number]>): ValueCount[] {
  return [...counts]
    .filter(([, count]) => count > 0)
    .sort((a, b) => b[1] - a[1] || compareTexts(a[0], b[0]))
    .map(([value, count]) => ({ value, count }));
}

/** Fewer cells than these may all be new to a column of many values. */
const FEW_CELLS = 20;

/**
 * Refuses a column of which no cell is a value that the fit saw: it is spelled otherwise, or another column.
 * @param unseen those found most often
 * @throws FewfireError `invalid-data`
 */
export function refuseAllUnseen(
  label: string,
  { column, coding }: EncodedColumn,
  presentCount: number,
  unknownCount: number,
  unseen: readonly { readonly value: string }[],
): void {
  if (presentCount === 0 || unknownCount < presentCount) return;
  // Where there are others, the fit saw more than it lists; so many, and none of those that it saw most often, it did not.
  if (
    coding.kind === 'categories' &&
    (presentCount < FEW_CELLS || (coding.reference === null && unseen.length < UNSEEN_LIMIT))
  )
    return;
  throw new FewfireError(
    'invalid-data',
    `column ${JSON.stringify(column)} of ${label} has no value that the model has seen: it holds ${listNames(
      unseen.map(({ value }) => value),
      3,
    )}, expected such as ${listNames(valuesOf(coding), 3)}; is it another column, or spelled otherwise?`,
  );
}

/** The error for a column whose cells are lists, records or bytes. */
export function unusableColumn(label: string, name: string, sourceType: string): FewfireError {
  return new FewfireError(
    'unsupported',
    `column ${JSON.stringify(name)} of ${label} has the type ${sourceType}, expected yes/no values, numbers or texts; leave it out with \`exclude\``,
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

/**
 * From table columns to coordinates of the cube. An encoder is plain data
 * (`EncoderSpec`), fitted once from column profiles and stored in the model, so
 * that new rows are encoded exactly as the training rows were.
 *
 * What counts as a yes: true, 1, a word that says yes, the larger of two numbers;
 * of two other texts the alphabetically later one unless it reads as a no. A
 * text column of v values gives v-1 coordinates `column=value` (the most
 * frequent value is the reference); of a long list the most frequent values have
 * one each, and the others together are the reference. A number column gives
 * thresholds `column>t`; a date gives thresholds in time, its weekday and its
 * month. Products of coordinates of one column (of one part of a date) are
 * redundant, so each is a group.
 */
import { checkOptions, FewfireError, FIT_OPTIONS } from '../base/index.ts';
import type { ColumnProfile, ColumnType, ValueCount } from './profile.ts';
import { dateText, MISSING_AMONG_OTHERS, readNumber, readQuantity, type TextForm, UNITS } from './text-form.ts';
import { answerOf, areAnswers } from './words.ts';

/** How a column becomes yes/no coordinates. */
export type ColumnCoding =
  | { readonly kind: 'two-valued'; readonly no: string; readonly yes: string }
  /** Values in no coordinate: the one that is most frequent, or (null) all others, unknown ones included. */
  | { readonly kind: 'categories'; readonly reference: string | null; readonly values: readonly string[] }
  | { readonly kind: 'thresholds'; readonly above: readonly number[] };

/** A column with its coding and what it does about missing cells. */
export interface EncodedColumn {
  readonly column: string;
  readonly type: ColumnType;
  /** Of a date: what is coded, if not the time. */
  readonly part?: 'weekday' | 'month' | undefined;
  readonly coding: ColumnCoding;
  /** Texts that count as missing here beside those that do everywhere. */
  readonly missingTexts?: readonly string[] | undefined;
  /** What a missing cell does: refuse the data, count as no (with a coordinate `column missing` if `missingCoordinate`), or drop its row. */
  readonly missing: 'refuse' | 'no' | 'drop';
  readonly missingCoordinate: boolean;
}

/** How a table's columns become coordinates: plain data, kept in the model. */
export interface EncoderSpec {
  readonly columns: readonly EncodedColumn[];
  /** The texts that count as missing, where they are not the usual ones. */
  readonly missingValues?: readonly string[] | undefined;
}

/** One yes/no question about a column. */
export interface Coordinate {
  /** Unlike that of every other coordinate of the encoder. */
  readonly name: string;
  /** Column and answer in quotes: says the same in every encoder, which a name need not. */
  readonly key: string;
  readonly column: string;
  /** Index of the column in the encoder: products of two coordinates of one group are redundant. */
  readonly group: number;
}

/** `auto` is `indicator`, and rows without a target are left out. */
export type MissingPolicy = 'auto' | 'refuse' | 'indicator' | 'drop-rows';

export interface EncoderNotes {
  /** Columns left out, each with the reason. */
  readonly dropped: readonly { readonly column: string; readonly reason: string }[];
  readonly warnings: readonly EncoderWarning[];
}

/** What a user should look at; kinds of the notes of a model. */
export type EncoderWarning =
  /** A column of texts most of which are numbers. */
  | ({ readonly kind: 'mostly-numbers'; readonly column: string } & MostlyNumbers)
  /** As many different whole numbers as rows, or nearly, that follow each other or are called an identifier. */
  | {
      readonly kind: 'identifier';
      readonly column: string;
      readonly distinctCount: number;
      readonly rowCount: number;
    }
  /** More different texts than have a coordinate each: the rows of the others. */
  | {
      readonly kind: 'many-values';
      readonly column: string;
      readonly distinctCount: number;
      readonly keptCount: number;
      readonly otherRowCount: number;
    };

export interface MostlyNumbers {
  readonly numberCount: number;
  readonly cellCount: number;
  /** The most frequent of the texts that are no numbers, and how many different ones there are. */
  readonly others: readonly string[];
  readonly otherCount: number;
}

/** Text columns keep this many values; where there are more, the others are the reference. Below `PROFILE_VALUE_LIMIT`. */
export const CATEGORY_LIMIT = 32;

const READS_AS_NO: ReadonlySet<string> = new Set([
  'n',
  'no',
  'false',
  'f',
  '0',
  'absent',
  'none',
  'off',
  'never',
  'not',
  'nay',
  'negative',
  'neg',
  '-',
  'missing',
  'without',
]);

/** Which of two spellings is the yes: the one that says so; otherwise the later one (numbers: the larger) unless it reads as a no and the other does not. */
export function orderTwoValues(a: string, b: string, type: ColumnType): { no: string; yes: string } {
  if (type === 'boolean' || areAnswers([a, b])) return answerOf(a) === true ? { no: b, yes: a } : { no: a, yes: b };
  const aFirst = type === 'number' ? Number(a) < Number(b) : a < b;
  const [first, second] = aFirst ? [a, b] : [b, a];
  const saysNo = (value: string): boolean => READS_AS_NO.has(value.toLowerCase());
  return type !== 'number' && saysNo(second) && !saysNo(first)
    ? { no: second, yes: first }
    : { no: first, yes: second };
}

/**
 * The coordinates of an encoder, in order.
 * @example
 * ```ts
 * import { encoderCoordinates, fitEncoder, memoryTable } from '@fewfire/core';
 *
 * const table = memoryTable({ years: [1, 2, 3, 4], pet: ['cat', 'dog', 'cat', 'cat'] });
 * const { spec } = fitEncoder(await table.profile(['years', 'pet'], { bins: 2 }));
 * console.log(encoderCoordinates(spec).map(({ name }) => name)); // [ 'years>2.5', 'pet=dog' ]
 * ```
 */
export function encoderCoordinates(spec: EncoderSpec): readonly Coordinate[] {
  const coordinates = spec.columns.flatMap((encoded, group) =>
    columnCoordinates(encoded).map((coordinate) => ({ ...coordinate, column: encoded.column, group })),
  );
  // Column `a` with the value `b=c` and column `a=b` with the value `c` are both called `a=b=c`: names that are not alone
  // become their keys. A key may be another coordinate's name, which then is not alone either.
  for (;;) {
    const counts = new Map<string, number>();
    for (const { name } of coordinates) counts.set(name, (counts.get(name) ?? 0) + 1);
    const shared = coordinates.filter(({ name, key }) => name !== key && (counts.get(name) as number) > 1);
    if (shared.length === 0) return coordinates;
    for (const coordinate of shared) coordinate.name = coordinate.key;
  }
}

/** The names of an encoder's coordinates, column by column. */
export function coordinateNamesByColumn(spec: EncoderSpec): readonly (readonly string[])[] {
  const names: string[][] = spec.columns.map(() => []);
  for (const { name, group } of encoderCoordinates(spec)) names[group].push(name);
  return names;
}

/** What to call an encoded column: the table's name of it, and the part of a date. */
export function encodedColumnName({ column, part }: EncodedColumn): string {
  return part === undefined ? column : `${column} ${part}`;
}

/**
 * What one column's coordinates are called where no other column's are called alike, in order: its codes, then
 * `column missing`.
 */
export function columnCoordinateNames(column: EncodedColumn): readonly string[] {
  return columnCoordinates(column).map(({ name }) => name);
}

function columnCoordinates(encoded: EncodedColumn): { name: string; key: string }[] {
  const { column, type, part, coding, missingCoordinate } = encoded;
  const shown = encodedColumnName(encoded);
  const quoted = part === undefined ? JSON.stringify(column) : `${JSON.stringify(column)} ${part}`;
  const valued = (value: string) => ({ name: `${shown}=${value}`, key: `${quoted}=${JSON.stringify(value)}` });
  const above = (threshold: number) => {
    const text = type === 'date' ? dateText(threshold) : String(threshold);
    return { name: `${shown}>${text}`, key: `${quoted}>${text}` };
  };
  const list =
    coding.kind === 'categories'
      ? coding.values.map(valued)
      : coding.kind === 'thresholds'
        ? coding.above.map(above)
        : [valued(coding.yes)];
  const saysYes = type === 'boolean' && coding.kind === 'two-valued' && answerOf(coding.yes) === true;
  if (saysYes || (coding.kind === 'two-valued' && ['true', 'yes', 'y', 't', '1'].includes(coding.yes.toLowerCase())))
    list[0].name = shown;
  if (missingCoordinate) list.push({ name: `${column} missing`, key: `${quoted} missing` });
  return list;
}

/**
 * Chooses a coding for every profiled column.
 *
 * @returns `spec`, the encoder; `notes.dropped`, the columns left out with the reason; and `notes.warnings`, what a user
 *   should look at, of the kinds `mostly-numbers`, `identifier` and `many-values` of `NoteFields`
 * @param options `keep`: columns named by the user, never left out for being near-unique
 * @throws FewfireError `missing-values` when `missing` is `refuse` and cells are missing, `invalid-data` when a number
 *   column holds NaN or infinities or when no column is left
 * @example
 * ```ts
 * import { encoderCoordinates, fitEncoder, memoryTable } from '@fewfire/core';
 *
 * const table = memoryTable({ pet: ['cat', 'dog', null, 'cat'] });
 * const { spec, notes } = fitEncoder(await table.profile(['pet']));
 * console.log(encoderCoordinates(spec).map(({ name }) => name), notes.dropped); // [ 'pet=dog', 'pet missing' ] []
 * ```
 */
export function fitEncoder(
  profiles: readonly ColumnProfile[],
  options: {
    readonly missing?: MissingPolicy | undefined;
    readonly keep?: readonly string[] | undefined;
    /** As `CellRules` has it. */
    readonly missingValues?: readonly string[] | undefined;
  } = {},
): { spec: EncoderSpec; notes: EncoderNotes } {
  checkOptions('fitEncoder', options, {
    missing: FIT_OPTIONS.missing,
    keep: 'names',
    missingValues: 'names',
  });
  const policy = options.missing ?? 'auto';
  const dropped: { column: string; reason: string }[] = [];
  const warnings: EncoderWarning[] = [];
  const columns: EncodedColumn[] = [];

  for (const profile of profiles) {
    if (profile.nonFiniteCount > 0) {
      throw new FewfireError(
        'invalid-data',
        `column ${JSON.stringify(profile.name)} holds infinity in ${profile.nonFiniteCount} of ${profile.rowCount} rows; expected finite numbers: leave the cells empty, or leave the column out with \`exclude\``,
      );
    }
  }
  if (policy === 'refuse') refuseMissing(profiles);

  const indicates = policy === 'indicator' || policy === 'auto';
  for (const profile of profiles) {
    const { name, type, missingCount, form } = profile;
    const present = profile.rowCount - missingCount;
    const missing = policy === 'refuse' ? 'refuse' : indicates ? 'no' : 'drop';
    if (present === 0) {
      dropped.push({ column: name, reason: 'every value is missing' });
      continue;
    }
    if (profile.distinctCount === 1 && !(indicates && missingCount > 0)) {
      dropped.push({
        column: name,
        reason: `constant: every value is ${JSON.stringify(profile.values[0]?.value ?? '')}`,
      });
      continue;
    }
    const nearUnique = type === 'text' && profile.distinctCount > Math.max(CATEGORY_LIMIT, present / 2);
    if (nearUnique && !options.keep?.includes(name)) {
      const hint = numberSpellingHint(profile);
      dropped.push({
        column: name,
        reason:
          form?.mostly === undefined
            ? `${profile.distinctCount} different texts in ${present} rows look like names or identifiers; name it in \`features\` to keep it${hint}`
            : hint.replace(/^; /, ''),
      });
      continue;
    }
    if (type === 'text' && form?.mostly !== undefined) {
      warnings.push({ kind: 'mostly-numbers', column: name, ...mostlyNumbers(form.mostly) });
    }
    if (numbersRows(profile)) {
      warnings.push({
        kind: 'identifier',
        column: name,
        distinctCount: profile.distinctCount,
        rowCount: present,
      });
    }
    const found = form?.type === 'text' && options.missingValues === undefined ? contextualMissing(profile) : [];
    const missingTexts = found.length === 0 ? {} : { missingTexts: found };
    // Of a column with one value, being present is the coordinate already.
    const missingCoordinate = indicates && missingCount > 0 && profile.distinctCount > 1;
    const whole = { column: name, type, ...missingTexts, missing } as const;
    columns.push({ ...whole, coding: chooseCoding(profile, warnings), missingCoordinate });
    for (const part of ['weekday', 'month'] as const) {
      const values = profile.parts?.[part] ?? [];
      if (values.length < 2 || profile.distinctCount === 1) continue;
      columns.push({ ...whole, part, coding: categoriesOf(values), missingCoordinate: false });
    }
  }
  if (columns.length === 0) {
    throw new FewfireError(
      'invalid-data',
      `no column is left to learn from: ${
        dropped
          .map((d) => `${JSON.stringify(d.column)} (${d.reason})`)
          .slice(0, 5)
          .join('; ') || 'the table has only the target'
      }`,
    );
  }
  const { missingValues } = options;
  return {
    spec: missingValues === undefined ? { columns } : { columns, missingValues },
    notes: { dropped, warnings },
  };
}

/** A running number fills what it spans to this part at least; of numbers drawn from so few, some would come twice. */
const FILLED = 0.25;
/** `id`, `customer_id`, `CustomerID`, `PID`, `row number`. */
const CALLED_IDENTIFIER = [
  /(?:^|[\W_])(?:id|uuid|key|index|idx|serial|row ?(?:no|nr|num|number))$/i,
  /[a-z]I[dD]$|^[A-Z]?ID$/,
];

// Whether the numbers of a column number its rows, rather than measure something. Measured numbers may all be different too.
function numbersRows({ name, type, rowCount, missingCount, distinctCount, values, cuts }: ColumnProfile): boolean {
  const present = rowCount - missingCount;
  if (type !== 'number' || distinctCount <= 20 || distinctCount < 0.95 * present) return false;
  const known = values.map(({ value }) => Number(value));
  // Cuts are in the middle between two values.
  if (!known.every(Number.isSafeInteger) || !cuts.every((cut) => Number.isSafeInteger(2 * cut))) return false;
  if (CALLED_IDENTIFIER.some((called) => called.test(name))) return true;
  if (cuts.length < 2) return false;
  const step = known.reduce((divisor, value) => greatestDivisor(divisor, Math.abs(value - known[0])), 0);
  const filled = (distinctCount * (cuts.length - 1)) / (cuts.length + 1);
  return filled >= (FILLED * (cuts[cuts.length - 1] - cuts[0])) / step;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

// Spellings that are missing in this column because they are rare there.
function contextualMissing({ form }: ColumnProfile): string[] {
  return (form?.missing ?? []).filter((text) => MISSING_AMONG_OTHERS.includes(text));
}

function refuseMissing(profiles: readonly ColumnProfile[]): void {
  const holes = profiles.filter((profile) => profile.missingCount > 0);
  if (holes.length === 0) return;
  const counts = holes.slice(0, 6).map((profile) => `${JSON.stringify(profile.name)} ${profile.missingCount}`);
  const rest = holes.length - counts.length;
  throw new FewfireError(
    'missing-values',
    `values are missing in ${holes.length} ${holes.length === 1 ? 'column' : 'columns'}: ${counts.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}, of ${holes[0].rowCount} rows; leave out \`missing: 'refuse'\` (a missing cell then counts as no, and being missing becomes a column), choose \`missing: 'drop-rows'\`, or leave the columns out with \`exclude\``,
  );
}

function chooseCoding(profile: ColumnProfile, warnings: EncoderWarning[]): ColumnCoding {
  const { name, type, distinctCount } = profile;
  const values = profile.values.map((entry) => entry.value);
  if (distinctCount === 1) return { kind: 'two-valued', no: '', yes: values[0] };
  if (type === 'date') return { kind: 'thresholds', above: profile.cuts };
  if (distinctCount === 2 && (type !== 'number' || values.every((value) => value === '0' || value === '1'))) {
    return { kind: 'two-valued', ...orderTwoValues(values[0], values[1], type) };
  }
  if (type === 'number') return { kind: 'thresholds', above: profile.cuts };
  if (distinctCount <= CATEGORY_LIMIT + 1) return categoriesOf(profile.values);
  const kept = values.slice(0, CATEGORY_LIMIT);
  const count = profile.values.slice(0, CATEGORY_LIMIT).reduce((sum, entry) => sum + entry.count, 0);
  const otherRowCount = profile.rowCount - profile.missingCount - count;
  warnings.push({ kind: 'many-values', column: name, distinctCount, keptCount: kept.length, otherRowCount });
  return { kind: 'categories', reference: null, values: kept };
}

function categoriesOf(values: readonly ValueCount[]): ColumnCoding {
  const [reference, ...rest] = values.map(({ value }) => value);
  return { kind: 'categories', reference, values: rest };
}

function mostlyNumbers({ numberCount, cellCount, odd }: NonNullable<TextForm['mostly']>): MostlyNumbers {
  return { numberCount, cellCount, others: odd.slice(0, 4), otherCount: odd.length };
}

/** What to do about a column of numbers and other texts. */
export function mostlyNumbersText({ numberCount, cellCount, others, otherCount }: MostlyNumbers): string {
  const rest = otherCount - others.length;
  return `${numberCount} of ${cellCount} cells are numbers, the others are ${others.map((text) => JSON.stringify(text)).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}: correct them, or say with \`missingValues\` that they are missing`;
}

/** What to do when texts of a column are numbers or dates in a spelling that is not read (`3,5`, `12 %`); empty when they are not. */
export function numberSpellingHint({ type, form, values }: ColumnProfile): string {
  const texts = values.map((entry) => entry.value);
  if (type !== 'text' || texts.length === 0) return '';
  if (form?.ambiguousDates === true)
    return '; these are dates in which day and month cannot be told apart: write them as 2024-03-05';
  if (form?.mostly !== undefined) {
    return `; ${mostlyNumbersText(mostlyNumbers(form.mostly))}`;
  }
  if (texts.every((text) => readQuantity(text) !== undefined) && texts.some((text) => readNumber(text) === undefined))
    return texts.some((text) => /^[+-]?0\d/.test(text))
      ? '; numbers with leading zeros count as texts: if they are quantities, name the column in `number`'
      : '; whole numbers beyond 2^53 count as texts, because numbers would not keep them apart: if they are quantities, name the column in `number`';
  const signs = UNITS.filter((unit) => texts.some((text) => /\d/.test(text) && text.includes(unit)));
  if (signs.length > 0 && texts.every((text) => /\d/.test(text)))
    return `; these read like numbers, some with ${signs.map((sign) => JSON.stringify(sign)).join(' or ')}: give all of them the same sign, or none`;
  if (texts.every((text) => /^[-+\u2212]?\d[\d.,]*$/.test(text)))
    return '; these read like numbers, with commas and points in no one way: write them with a decimal point and nothing between thousands';
  return '';
}

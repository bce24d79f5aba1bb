/**
 * From table columns to coordinates of the cube. An encoder is plain data
 * (`EncoderSpec`), fitted once from column profiles and stored in the model, so
 * that new rows are encoded exactly as the training rows were.
 *
 * What counts as a yes: true, 1, the larger of two numbers; of two texts the
 * alphabetically later one unless it reads as a no. A text column of v values
 * gives v-1 coordinates `column=value` (the most frequent value is the
 * reference); a number column gives thresholds `column>t`. Products of
 * coordinates of one column are redundant, so each column is a group.
 */
import { FewfireError } from '../base/index.ts';
import { readNumber, readQuantity } from './cells.ts';
import type { ColumnProfile, ColumnType } from './profile.ts';

export type ColumnCoding =
  | { readonly kind: 'two-valued'; readonly no: string; readonly yes: string }
  | { readonly kind: 'categories'; readonly reference: string; readonly values: readonly string[] }
  | { readonly kind: 'thresholds'; readonly above: readonly number[] };

export interface EncodedColumn {
  readonly column: string;
  readonly type: ColumnType;
  readonly coding: ColumnCoding;
  /** What a missing cell does: refuse the data, count as no (with a coordinate `column missing` if `missingCoordinate`), or drop its row. */
  readonly missing: 'refuse' | 'no' | 'drop';
  readonly missingCoordinate: boolean;
}

export interface EncoderSpec {
  readonly columns: readonly EncodedColumn[];
}

export interface Coordinate {
  /** Unlike that of every other coordinate of the encoder. */
  readonly name: string;
  /** Column and answer in quotes: says the same in every encoder, which a name need not. */
  readonly key: string;
  readonly column: string;
  /** Index of the column in the encoder: products of two coordinates of one group are redundant. */
  readonly group: number;
}

export type MissingPolicy = 'refuse' | 'indicator' | 'drop-rows';

export interface EncoderNotes {
  /** Columns left out, each with the reason. */
  readonly dropped: readonly { readonly column: string; readonly reason: string }[];
  readonly warnings: readonly string[];
}

/** Text columns keep this many values beside the reference; the others count as the reference. Below `PROFILE_VALUE_LIMIT`. */
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

/** Which of two spellings is the yes: the later one (numbers: the larger) unless it reads as a no and the other does not. */
export function orderTwoValues(a: string, b: string, type: ColumnType): { no: string; yes: string } {
  const aFirst = type === 'number' ? Number(a) < Number(b) : a < b;
  const [first, second] = aFirst ? [a, b] : [b, a];
  const saysNo = (value: string): boolean => READS_AS_NO.has(value.toLowerCase());
  return type !== 'number' && saysNo(second) && !saysNo(first)
    ? { no: second, yes: first }
    : { no: first, yes: second };
}

/** The coordinates of an encoder, in order. */
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

/**
 * What one column's coordinates are called where no other column's are called alike, in order: its codes, then
 * `column missing`.
 */
export function columnCoordinateNames(column: EncodedColumn): readonly string[] {
  return columnCoordinates(column).map(({ name }) => name);
}

function columnCoordinates({ column, coding, missingCoordinate }: EncodedColumn): { name: string; key: string }[] {
  const quoted = JSON.stringify(column);
  const valued = (value: string) => ({ name: `${column}=${value}`, key: `${quoted}=${JSON.stringify(value)}` });
  const list =
    coding.kind === 'categories'
      ? coding.values.map(valued)
      : coding.kind === 'thresholds'
        ? coding.above.map((threshold) => ({ name: `${column}>${threshold}`, key: `${quoted}>${threshold}` }))
        : [valued(coding.yes)];
  if (coding.kind === 'two-valued' && ['true', 'yes', 'y', 't', '1'].includes(coding.yes.toLowerCase()))
    list[0].name = column;
  if (missingCoordinate) list.push({ name: `${column} missing`, key: `${quoted} missing` });
  return list;
}

/**
 * Chooses a coding for every profiled column.
 *
 * @param keep columns named by the user: never left out for being near-unique
 * @throws FewfireError `missing-values` when `missing` is `refuse` and cells are missing, `invalid-data` when a number
 *   column holds NaN or infinities or when no column is left
 */
export function fitEncoder(
  profiles: readonly ColumnProfile[],
  options: { readonly missing?: MissingPolicy; readonly keep?: readonly string[] } = {},
): { spec: EncoderSpec; notes: EncoderNotes } {
  const policy = options.missing ?? 'refuse';
  const dropped: { column: string; reason: string }[] = [];
  const warnings: string[] = [];
  const columns: EncodedColumn[] = [];

  for (const profile of profiles) {
    if (profile.nonFiniteCount > 0) {
      throw new FewfireError(
        'invalid-data',
        `column ${JSON.stringify(profile.name)} holds NaN or infinity in ${profile.nonFiniteCount} of ${profile.rowCount} rows; expected finite numbers: leave the cells empty and use --missing indicator, or leave the column out with --exclude`,
      );
    }
  }
  if (policy === 'refuse') refuseMissing(profiles);

  for (const profile of profiles) {
    const { name, missingCount } = profile;
    const present = profile.rowCount - missingCount;
    const missing = policy === 'refuse' ? 'refuse' : policy === 'indicator' ? 'no' : 'drop';
    if (present === 0) {
      dropped.push({ column: name, reason: 'every value is missing' });
      continue;
    }
    if (profile.distinctCount === 1 && !(policy === 'indicator' && missingCount > 0)) {
      dropped.push({
        column: name,
        reason: `constant: every value is ${JSON.stringify(profile.values[0]?.value ?? '')}`,
      });
      continue;
    }
    const nearUnique = profile.type === 'text' && profile.distinctCount > Math.max(CATEGORY_LIMIT, present / 2);
    if (nearUnique && !options.keep?.includes(name)) {
      dropped.push({
        column: name,
        reason: `${profile.distinctCount} different texts in ${present} rows look like names or identifiers; name it in --features to keep it${numberSpellingHint(profile)}`,
      });
      continue;
    }
    if (profile.type === 'number' && profile.distinctCount > 20 && profile.distinctCount >= 0.95 * present) {
      warnings.push(
        `column ${JSON.stringify(name)} has ${profile.distinctCount} different numbers in ${present} rows: if it is an identifier, leave it out with --exclude`,
      );
    }
    // Of a column with one value, being present is the coordinate already.
    const missingCoordinate = policy === 'indicator' && missingCount > 0 && profile.distinctCount > 1;
    columns.push({
      column: name,
      type: profile.type,
      coding: chooseCoding(profile, warnings),
      missing,
      missingCoordinate,
    });
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
  return { spec: { columns }, notes: { dropped, warnings } };
}

function refuseMissing(profiles: readonly ColumnProfile[]): void {
  const holes = profiles.filter((profile) => profile.missingCount > 0);
  if (holes.length === 0) return;
  const counts = holes.slice(0, 6).map((profile) => `${JSON.stringify(profile.name)} ${profile.missingCount}`);
  const rest = holes.length - counts.length;
  throw new FewfireError(
    'missing-values',
    `values are missing (empty, ? or NA) in ${holes.length} ${holes.length === 1 ? 'column' : 'columns'}: ${counts.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}, of ${holes[0].rowCount} rows; choose --missing indicator (a missing cell counts as no, and being missing becomes a column) or --missing drop-rows, or leave the columns out with --exclude`,
  );
}

function chooseCoding(profile: ColumnProfile, warnings: string[]): ColumnCoding {
  const values = profile.values.map((entry) => entry.value);
  if (profile.distinctCount === 1) return { kind: 'two-valued', no: '', yes: values[0] };
  if (profile.distinctCount === 2) return { kind: 'two-valued', ...orderTwoValues(values[0], values[1], profile.type) };
  if (profile.type === 'number') {
    const all = values.map(Number).sort((a, b) => a - b);
    const few = profile.distinctCount <= profile.quantiles.length + 1 && all.length === profile.distinctCount;
    const above = [...new Set(few ? all : profile.quantiles)].filter((t) => t < profile.maximum);
    return { kind: 'thresholds', above };
  }
  const kept = values.slice(1, 1 + CATEGORY_LIMIT);
  if (profile.distinctCount > kept.length + 1) {
    warnings.push(
      `column ${JSON.stringify(profile.name)} has ${profile.distinctCount} different texts: the ${kept.length + 1} most frequent are kept, the others count as ${JSON.stringify(values[0])}`,
    );
  }
  return { kind: 'categories', reference: values[0], values: kept };
}

/** What to do when the texts of a column are numbers in another spelling (`3,5`, `12 %`); empty when they are not. */
export function numberSpellingHint(profile: ColumnProfile): string {
  const texts = profile.values.map((entry) => entry.value);
  if (profile.type !== 'text' || texts.length === 0) return '';
  if (texts.every((text) => readQuantity(text) !== undefined) && texts.some((text) => readNumber(text) === undefined))
    return '; whole numbers beyond 2^53 count as texts, because numbers would not keep them apart: if they are quantities, write them with a point or an exponent';
  if (texts.every((text) => /^[+-]?\d+(,\d+)?$/.test(text)))
    return '; these read like numbers with decimal commas: write them with points';
  if (texts.every((text) => /^[+-]?\d+([.,]\d+)?\s*%$/.test(text)))
    return '; these read like percentages: leave out the percent signs';
  return '';
}

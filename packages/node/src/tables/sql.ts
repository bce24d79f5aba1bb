/** SQL spelling: the only two places where a name or a text becomes part of a statement, and the rules of cells in SQL. */
import type { DateOrder, NumberForm, TextForm } from '@fewfire/core';
import {
  datePattern,
  MONTHS,
  missingNumbers,
  numberPattern,
  numberReplacements,
  TRIMMED_CHARACTERS,
  WEEKDAYS,
} from '@fewfire/core/internal';

/** A name as an identifier: any characters, in double quotes. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as a literal. The parser ends at a NUL, so one is spelled `chr(0)`. */
export function quoteLiteral(text: string): string {
  const parts = text.split('\0').map((part) => `'${part.replaceAll("'", "''")}'`);
  return parts.length === 1 ? parts[0] : `(${parts.join(' || chr(0) || ')})`;
}

/** A finite double, exactly: a bare `0.1` would be a decimal. */
export function doubleLiteral(value: number): string {
  return `'${value}'::DOUBLE`;
}

/**
 * A text expression trimmed, NULL when nothing is left (`readText` of core). Trimming a set of characters costs
 * DuckDB 300 ns a cell, so only cells that begin or end with white space pay it. Every function named here is bound
 * anew for every column, which takes longer than reading a small table: literals instead of `chr` bind four times as
 * fast.
 */
export function normalText(cell: string): string {
  const ends = [...TRIMMED_CHARACTERS].map((character) => `suffix(${cell}, ${quoteLiteral(character)})`).join(' OR ');
  const trimmed = `trim(${cell}, ${quoteLiteral(TRIMMED_CHARACTERS)})`;
  return `CASE WHEN ${cell} = '' THEN NULL WHEN NOT (${cell} < '!' OR ${ends}) THEN ${cell} WHEN ${trimmed} <> '' THEN ${trimmed} END`;
}

/** The cell, NULL where it is one of the texts that count as missing. */
function presentText(cell: string, missing: readonly string[]): string {
  return missing.length === 0
    ? cell
    : `CASE WHEN ${cell} NOT IN (${missing.map(quoteLiteral).join(', ')}) THEN ${cell} END`;
}

/** The cell, NULL where it counts as missing (`missingTest` of core). */
export function presentCell(cell: string, form: TextForm): string {
  const numbers = missingNumbers(form.missing, form.type);
  if (numbers.length === 0) return presentText(cell, form.missing);
  const texts = form.missing.map(quoteLiteral).join(', ');
  const isMissing = `${textValue(cell, form)} IN (${numbers.map(doubleLiteral).join(', ')})`;
  return `CASE WHEN ${cell} NOT IN (${texts}) AND (${isMissing}) IS NOT TRUE THEN ${cell} END`;
}

/** The number or time, NULL where it is one of those that count as missing. */
export function presentNumber(cell: string, missing: readonly number[]): string {
  if (missing.length === 0) return cell;
  return `(CASE WHEN ${cell} NOT IN (${missing.map(doubleLiteral).join(', ')}) THEN ${cell} END)`;
}

/** The number that a trimmed text spells plainly, NULL when it does not (`readNumber` of core). */
export function textNumber(cell: string): string {
  // Only texts that begin with a sign, a point or a zero are below '1'.
  const zeros = `length(${cell}) > 1 AND ${cell} < '1' AND regexp_full_match(${cell}, '[-+]?0[0-9]+')`;
  const whole = `length(${cell}) > 15 AND abs(TRY_CAST(${cell} AS DOUBLE)) > ${Number.MAX_SAFE_INTEGER} AND regexp_full_match(${cell}, '[-+]?[0-9]+')`;
  return numberUnless(`${NO_NUMBER(cell)} OR (${zeros}) OR (${whole})`, cell);
}

/** The number nearest to what a trimmed text spells (`readQuantity` of core). */
function textQuantity(cell: string): string {
  return numberUnless(NO_NUMBER(cell), cell);
}

/** The number or the time in seconds that a trimmed text of a column stands for (`readTextNumber` of core). */
export function textValue(cell: string, form: TextForm): string {
  if (form.date !== undefined) return textDate(cell, form.date);
  return form.number === undefined ? textQuantity(cell) : formedNumber(cell, form.number);
}

function formedNumber(cell: string, form: NumberForm): string {
  const plain = numberReplacements(form).reduce(
    (inner, [from, to]) => `replace(${inner}, ${quoteLiteral(from)}, ${quoteLiteral(to)})`,
    cell,
  );
  return `CASE WHEN regexp_full_match(${cell}, ${quoteLiteral(numberPattern(form))}) THEN TRY_CAST(${plain} AS DOUBLE) END`;
}

// The engine reads year, month, day between hyphens and a time with seconds; of an offset it takes no notice.
function textDate(cell: string, order: DateOrder): string {
  const [pattern, parts] =
    order === 'ymd'
      ? ['^([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})', '\\1-\\2-\\3']
      : ['^([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})', order === 'dmy' ? '\\3-\\2-\\1' : '\\3-\\1-\\2'];
  const iso = replaced(cell, pattern, parts);
  const hours = `regexp_extract(${cell}, '([+-][0-9]{2}):?[0-9]{2}$', 1)`;
  const minutes = `regexp_extract(${cell}, '([+-])[0-9]{2}:?([0-9]{2})$', 1) || regexp_extract(${cell}, '[+-][0-9]{2}:?([0-9]{2})$', 1)`;
  const offset = `CASE WHEN regexp_matches(${cell}, ':[0-9.]+ ?[+-][0-9]{2}:?[0-9]{2}$') THEN 3600 * (${hours})::INTEGER + 60 * (${minutes})::INTEGER ELSE 0 END`;
  const local = replaced(
    replaced(iso, '(:[0-9.]+) ?(?:Z|[+-][0-9]{2}:?[0-9]{2})$', '\\1'),
    '([T ][0-9]{1,2}:[0-9]{2})$',
    '\\1:00',
  );
  const isDate = `regexp_full_match(${cell}, ${quoteLiteral(datePattern(order))})`;
  const time = `CASE WHEN contains(${cell}, ':') THEN epoch_us(TRY_CAST(${local} AS TIMESTAMP)) - 1000000::BIGINT * (${offset}) ELSE epoch_us(TRY_CAST(${iso} AS TIMESTAMP)) END`;
  return `CASE WHEN ${isDate} THEN (${time}) / 1000000 END`;
}

function replaced(text: string, pattern: string, by: string): string {
  return `regexp_replace(${text}, ${quoteLiteral(pattern)}, ${quoteLiteral(by)})`;
}

/** Seconds since 1970 of a time, NULL for times without end. */
export function epochSeconds(time: string): string {
  return `CASE WHEN isfinite(${time}) THEN epoch_us(${time}) / 1000000 END`;
}

/** The name of the weekday or month of a time in seconds (`datePart` of core). */
export function partOfDate(seconds: string, part: 'weekday' | 'month'): string {
  const names = (part === 'weekday' ? WEEKDAYS : MONTHS).map(quoteLiteral).join(', ');
  const whole = `floor(${seconds})::BIGINT`;
  const at =
    part === 'weekday'
      ? `((floor(${seconds} / 86400)::BIGINT + 3) % 7 + 7) % 7 + 1`
      : `month(make_timestamp(${whole} * 1000000))`;
  return `CASE WHEN ${seconds} IS NOT NULL THEN [${names}][${at}] END`;
}

// The cast alone would also take `1_000`, `+-1` and `nan`.
const NO_NUMBER = (cell: string): string =>
  `contains(${cell}, '_') OR contains(${cell}, '(') OR starts_with(${cell}, '+-') OR contains(lower(${cell}), 'nan')`;

function numberUnless(condition: string, cell: string): string {
  return `CASE WHEN ${condition} THEN NULL ELSE TRY_CAST(${cell} AS DOUBLE) END`;
}

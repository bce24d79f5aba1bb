/**
 * What a fit, its predictions and its score ought to be, worked out anew in plain loops from the cells of a file by the
 * rules of `docs/tables.md`. It imports nothing, so that a fault would have to be made twice.
 */

export interface Options {
  readonly target: string;
  readonly exclude?: readonly string[];
  readonly bins?: number;
  readonly missing?: 'auto' | 'refuse' | 'indicator' | 'drop-rows';
  readonly logTarget?: boolean;
  readonly missingValues?: readonly string[];
  readonly text?: readonly string[];
  readonly number?: readonly string[];
  readonly decimal?: '.' | ',';
}
/** How a file holds a column: its cells are texts, or spell values of a type. */
export type Held = 'text' | 'number' | 'float' | 'whole' | 'boolean' | 'date' | 'timestamp';
interface HeldColumn {
  readonly name: string;
  readonly held: Held;
  readonly cells: readonly (string | null)[];
}
export interface HeldTable {
  readonly columns: readonly HeldColumn[];
  /** Of a file without types, between its cells. */
  readonly delimiter: string | undefined;
}
type Coding =
  | { readonly kind: 'two-valued'; readonly no: string; readonly yes: string }
  | { readonly kind: 'categories'; readonly reference: string | null; readonly values: readonly string[] }
  | { readonly kind: 'thresholds'; readonly above: readonly number[] };
type Type = 'number' | 'text' | 'boolean' | 'date';
export interface Encoded {
  readonly column: string;
  readonly type: Type;
  readonly part?: 'weekday' | 'month';
  readonly coding: Coding;
  readonly missingTexts?: readonly string[];
  readonly missing: 'refuse' | 'no' | 'drop';
  readonly missingCoordinate: boolean;
}
export interface Target {
  readonly kind: 'regression' | 'binary' | 'multiclass';
  /** Of two classes the positive one first; of more, the smallest. */
  readonly classes: readonly string[];
  /** Per row: the number as learned, or the position of the class; NaN where missing. */
  readonly values: Float64Array;
  readonly type: Type;
  /** Whether a cell is none of what a model was fitted on. */
  readonly isUnreadable?: boolean;
}
export interface Reference {
  readonly encoder: readonly Encoded[];
  readonly dropped: readonly { readonly column: string; readonly reason: string }[];
  readonly coordinates: readonly string[];
  /** Of every row without a missing cell that drops it, its number in the file. */
  readonly rows: readonly number[];
  /** Per coordinate, a byte for each of `rows`. */
  readonly bits: readonly Uint8Array[];
  /** Cells without a value, per column of the encoder that has any. */
  readonly missing: readonly { readonly column: string; readonly count: number }[];
  /** The same in rows with a target. */
  readonly missingUsed?: Reference['missing'];
  readonly target: Target;
  /** How numbers and dates were spelled, by column. */
  readonly forms: ReadonlyMap<string, string | undefined>;
}
/** Words of the message with which the data must be refused. */
export interface Refused {
  readonly refused: string;
}

/** Records of cells, quoted as in RFC 4180. */
export function readCsv(text: string, delimiter: string): string[][] {
  const d = delimiter === '|' ? '\\|' : delimiter;
  const cell = new RegExp(`(?:"([^"]*(?:""[^"]*)*)"|([^${d}\r\n]*))(${d}|\r\n|[\r\n]|$)`, 'y');
  const records: string[][] = [];
  let record: string[] = [];
  cell.lastIndex = text.startsWith('\ufeff') ? 1 : 0;
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex;
    const [, quoted, plain, end] = cell.exec(text) ?? [];
    if (end === undefined) throw new Error(`this is no CSV: ${JSON.stringify(text.slice(at, at + 60))}`);
    record.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === delimiter) {
      if (cell.lastIndex < text.length) continue;
      record.push('');
    }
    records.push(record);
    record = [];
  }
  return records;
}

/** A text file as a table of texts. */
export function tableOfTexts(csv: string, delimiter: string): HeldTable {
  const [names, ...records] = readCsv(csv, delimiter);
  const columns = names.map((name, k) => ({ name, held: 'text' as const, cells: records.map((record) => record[k]) }));
  return { columns, delimiter };
}

// ---- what a cell is

const ALWAYS = '? NA N/A n/a N.A. n.a. #N/A #NA <NA> NULL Null null nil NaN nan NAN'.split(' ');
const ELSEWHERE = 'None none NONE - -- --- – — . .. unknown Unknown UNKNOWN missing Missing'.split(' ');
/** Yes and no of each language. */
const ANSWERS = [
  'yes y true t 1 on/no n false f 0 off',
  ...['ja/nein', 'oui/non', 'sí si/no', 'sì si/no', 'sim/não nao', 'ja/nee', 'ja/nej', 'ja/nei', 'kyllä/ei', 'tak/nie'],
  ...['ano/ne', 'да/нет', 'evet/hayır hayir', 'はい/いいえ', '是/否'],
].map((line) => line.split('/').map((words) => words.split(' ')));
const READS_AS_NO = /^(n|no|false|f|0|absent|none|off|never|not|nay|negative|neg|-|missing|without)$/i;
const PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const CURRENCY = /[$€£¥₹]/;
const WEEKDAYS = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split(' ');
const MONTHS = 'January February March April May June July August September October November December'.split(' ');

type Cell = string | number | boolean | null;
interface Column {
  readonly type: Type;
  /** Texts, numbers, answers, or seconds since 1970. */
  readonly cells: readonly Cell[];
  /** Of answers and texts, as they are spelled. */
  readonly spelled: readonly (string | null)[];
  readonly missingTexts: readonly string[];
  /** How numbers or dates are spelled. */
  readonly form?: string;
}

const lower = (text: string): string => text.toLowerCase().normalize('NFC');

/** Which texts say yes and which no, where all are words of one language, at least one of each; or of any. */
function answersOf(texts: readonly string[], ofAny: boolean): Map<string, boolean> | undefined {
  const different = [...new Set(texts)];
  const languages = ofAny ? [[ANSWERS.flatMap(([yes]) => yes), ANSWERS.flatMap(([, no]) => no)]] : ANSWERS;
  for (const [yes, no] of languages) {
    const said = different.map((text) =>
      yes.includes(lower(text)) ? true : no.includes(lower(text)) ? false : undefined,
    );
    if (ofAny || (said.includes(true) && said.includes(false) && !said.includes(undefined)))
      return new Map(different.flatMap((text, i) => (said[i] === undefined ? [] : [[text, said[i]]])));
  }
  return undefined;
}

/** Numbers with one mark for decimals and one between thousands; undefined where a text is none. */
function numbersWith(texts: readonly string[], decimal: string, group: string): number[] | undefined {
  const whole = group === '' ? '\\d+' : `(?:\\d+|[1-9]\\d{0,2}(?:[${group}]\\d{3})+)`;
  const form = new RegExp(`^[+-]?(${whole}(?:[${decimal}]\\d*)?|[${decimal}]\\d+)(e[+-]?\\d+)?$`, 'i');
  if (!texts.every((text) => form.test(text))) return undefined;
  const plain = (text: string): string => text.replace(new RegExp(`[${group}]`, 'g'), '').replace(decimal, '.');
  return texts.map((text) => Number(group === '' ? text.replace(decimal, '.') : plain(text)) + 0);
}

interface Spelled {
  readonly values: readonly number[];
  readonly form: string;
}

/** All of the texts as numbers of one spelling. @param known how the fit read them, which is tried first */
function numbersOf(
  texts: readonly string[],
  {
    decimal,
    isNamed,
    delimiter,
    known,
  }: Readonly<Record<'decimal' | 'delimiter' | 'known', string | undefined>> & { readonly isNamed: boolean },
): Spelled | undefined {
  const signs = new Set(texts.map((text) => CURRENCY.exec(text)?.[0] ?? (/%/.test(text) ? '%' : '')));
  const [sign] = signs;
  if (texts.length === 0 || signs.size > 1) return undefined;
  const digits = texts.map((text) => {
    const plain = text.replace('−', '-');
    if (sign === '') return plain;
    const match = new RegExp(`^([+-]?)\\s?[${sign}]\\s?([+-]?)([^+-].*)$|^([+-]?.*?)\\s?[${sign}]$`).exec(plain);
    return match === null ? 'no number' : (match[4] ?? `${match[1]}${match[2]}${match[3]}`);
  });
  const isName = (text: string): boolean => /^[+-]?0\d/.test(text) || (/^[+-]?\d+$/.test(text) && !isSafe(text));
  if (!isNamed && digits.some(isName)) return undefined;
  // Commas that could be both stand between thousands, unless semicolons separate cells.
  const inOrder = delimiter === ';' ? ['.', ',', ',.', '.,'] : ['.', '.,', ',', ',.'];
  const styles = [...inOrder, '. ', ', ', ".'", ",'"].filter(([mark]) => decimal === undefined || mark === decimal);
  for (const form of known === undefined ? styles : [known, ...styles]) {
    const [mark, group = ''] = form;
    const values = numbersWith(digits, mark, group === ' ' ? ' \u00a0\u202f' : group);
    if (values !== undefined) return { values, form };
  }
  return undefined;
}

function isSafe(digits: string): boolean {
  const whole = BigInt(digits.replace(/^\+/, ''));
  return whole < 2n ** 53n && whole > -(2n ** 53n);
}

/** All of the texts as dates in one order, in seconds since 1970. @param known how the fit read them, which is tried first */
function datesOf(texts: readonly string[], known?: string): Spelled | undefined {
  if (texts.length === 0) return undefined;
  const time = '(?:[T ](\\d{1,2}):(\\d\\d)(?::(\\d\\d)(\\.\\d+)?)? ?(Z|[+-]\\d\\d(?::?\\d\\d)?)?)?';
  const year = new RegExp(`^(\\d{4})([-/.])(\\d{1,2})\\2(\\d{1,2})${time}$`, 'i');
  const last = new RegExp(`^(\\d{1,2})([-/.])(\\d{1,2})\\2(\\d{4})${time}$`, 'i');
  const read = (form: RegExp, places: readonly [number, number, number]): (number | undefined)[] =>
    texts.map((text) => {
      const match = form.exec(text);
      if (match === null) return undefined;
      const [y, m, d] = places.map((place) => Number(match[place]));
      const day = new Date(0);
      day.setUTCFullYear(y, m - 1, d);
      if (day.getUTCMonth() !== m - 1 || day.getUTCDate() !== d) return undefined;
      const [hours, minutes, seconds] = [5, 6, 7].map((place) => Number(match[place] ?? 0));
      if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
      const [, sign, hh, mm] = /^([+-])(\d\d):?(\d\d)?$/.exec(match[9] ?? '') ?? ['', '+', '0', '0'];
      const offset = (sign === '-' ? -1 : 1) * (3600 * Number(hh) + 60 * Number(mm ?? 0));
      const fraction = Math.round(1e6 * Number(match[8] ?? 0)) / 1e6;
      return day.getTime() / 1000 + 3600 * hours + 60 * minutes + seconds + fraction - offset;
    });
  const isWhole = (times: readonly (number | undefined)[]): times is number[] => !times.includes(undefined);
  const all = { ymd: read(year, [1, 3, 4]), dmy: read(last, [4, 3, 1]), mdy: read(last, [4, 1, 3]) };
  const hasPoints = texts.every((text) => /^\d+\.\d+\.\d{4}/.test(text));
  const possible = Object.entries(all).flatMap(([form, values]) => (isWhole(values) ? [{ form, values }] : []));
  const [one, other] = possible.filter(({ form }) => form !== 'mdy' || !hasPoints);
  const asKnown = possible.find(({ form }) => form === known);
  if (asKnown !== undefined) return asKnown;
  return other === undefined || String(one.values) === String(other.values) ? one : undefined;
}

/** What a fit knows of a column whose cells are read again. */
interface Fitted {
  readonly type: Type;
  /** Of inputs; of targets it is found anew. */
  readonly missingTexts?: readonly string[];
  readonly form: string | undefined;
  /** Its texts, which are none that are missing. */
  readonly known: readonly (string | null)[];
}

/** One column of a file, from all of its rows. @param as its type at the fit, for rows that are predicted */
function columnOf(
  { name, held, cells }: HeldColumn,
  { missingValues, text: asTexts, number: asNumbers, decimal }: Options,
  delimiter: string | undefined,
  fitted?: Fitted,
): Column | Refused {
  const isNamedText = asTexts?.includes(name) ?? false;
  const isNamed = asNumbers?.includes(name) ?? false;
  const missingNumbers = (missingValues ?? []).flatMap((text) => (PLAIN.test(text) ? [Number(text)] : []));
  const isMissing = (cell: Cell): boolean => typeof cell === 'number' && missingNumbers.includes(cell);
  const ofType = held === 'text' ? undefined : withoutCells(typedColumn(held, cells), isMissing);
  if (ofType !== undefined && fitted?.type === 'text') {
    const own = ofType.spelled.map((cell) => (ofType.type === 'boolean' ? wordFor(cell, fitted.known) : cell));
    return { ...ofType, type: 'text', cells: own };
  }
  if (ofType !== undefined && !isNamedText) return ofType;
  const texts = ofType === undefined ? cells.map(trimmed) : ofType.spelled;
  const always = missingValues ?? ALWAYS;
  const elsewhere = missingValues === undefined ? ELSEWHERE : [];
  const without = (from: readonly (string | null)[], missing: readonly string[]): (string | null)[] =>
    from.map((x) => (x === null || missing.includes(x) ? null : x));
  const bare = without(texts, [...always, ...elsewhere]);
  const present = bare.filter((x) => x !== null);
  const read = (type: Type, values: readonly Cell[], form?: string): Column => {
    let next = 0;
    const own = bare.map((x) => (x === null ? null : values[next++]));
    return { type, cells: own, spelled: bare, missingTexts: [], form };
  };
  const wanted = fitted?.type ?? (isNamedText ? 'text' : isNamed ? 'number' : undefined);
  const answers =
    wanted === 'boolean' || (wanted === undefined && !present.every((x) => PLAIN.test(x)))
      ? answersOf(present, fitted !== undefined)
      : undefined;
  if (answers !== undefined) {
    const values = present.map((x) => answers.get(x) ?? x);
    return read('boolean', values);
  }
  const isMaybe = (type: Type): boolean => wanted === undefined || wanted === type;
  const rules = { decimal, delimiter, isNamed: wanted === 'number', known: fitted?.form };
  const numbers = isMaybe('number') ? numbersOf(present, rules) : undefined;
  if (numbers !== undefined) return withoutCells(read('number', numbers.values, numbers.form), isMissing);
  const dates = isMaybe('date') ? datesOf(present, fitted?.form) : undefined;
  if (dates !== undefined) return read('date', dates.values, dates.form);
  if (!isMaybe('text')) {
    if (present.length === 0) return read(wanted as Type, []);
    const isFit = fitted === undefined;
    return { refused: isFit ? 'is in --number' : wanted === 'date' ? 'expected a date' : 'expected a finite number' };
  }
  const usual = delimiter === undefined && missingValues === undefined ? [] : always;
  const isKnown = (text: string): boolean => fitted?.known.includes(text) ?? false;
  const first = without(
    texts,
    usual.filter((text) => !isKnown(text)),
  );
  const given = texts.filter((x) => x !== null);
  const others = new Set(given.filter((x) => !ALWAYS.includes(x) && !elsewhere.includes(x)));
  const counts = countsOf(given.filter((x) => elsewhere.includes(x)));
  const rare = counts.filter(([, count]) => count <= 0.05 * given.length).map(([x]) => String(x));
  const canBeRare = delimiter !== undefined && !isNamedText && others.size >= 2;
  const missingTexts = fitted?.missingTexts ?? (canBeRare ? rare.sort() : []);
  const own = without(
    first,
    missingTexts.filter((text) => !isKnown(text)),
  );
  return { type: 'text', cells: own, spelled: own, missingTexts };
}

/** The text that a typed boolean is: spelled so, or the only one that says the same. */
function wordFor(cell: string | null, known: readonly (string | null)[]): string | null {
  if (cell === null || known.includes(cell)) return cell;
  const same = known.filter((word) => word !== null && says(word, cell === 'true' ? 0 : 1));
  return same.length === 1 ? same[0] : cell;
}

function withoutCells(column: Column, isMissing: (cell: Cell) => boolean): Column {
  const keep = <T>(from: readonly (T | null)[]): (T | null)[] =>
    from.map((each, row) => (isMissing(column.cells[row]) ? null : each));
  return { ...column, cells: keep(column.cells), spelled: keep(column.spelled) };
}

function trimmed(cell: string | null): string | null {
  const text = (cell ?? '').replace(/^[ \t\r\n]+/, '').replace(/[ \t\r\n]+$/, '');
  return text === '' ? null : text;
}

function typedColumn(held: Held, cells: readonly (string | null)[]): Column {
  const of = (type: Type, read: (cell: string) => Cell): Column => {
    const values = cells.map((cell) => (cell === null ? null : read(cell)));
    const own = values.map((value) => (typeof value === 'number' && Number.isNaN(value) ? null : value));
    const spell = (value: Cell): string => (type === 'date' ? timeText(Number(value)) : String(value));
    return { type, cells: own, spelled: own.map((value) => (value === null ? null : spell(value))), missingTexts: [] };
  };
  if (held === 'boolean') return of('boolean', (cell) => cell === 'true');
  if (held === 'date' || held === 'timestamp') return of('date', (cell) => (datesOf([cell])?.values ?? [])[0]);
  if (held === 'whole' && cells.some((cell) => cell !== null && !isSafe(cell))) return of('text', (cell) => cell);
  return of('number', (cell) => Number(cell) + 0);
}

function byCodePoint(a: string, b: string): number {
  const [x, y] = [[...a], [...b]];
  const at = x.findIndex((c, i) => c !== y[i]);
  return at < 0 ? x.length - y.length : at >= y.length ? 1 : (x[at].codePointAt(0) ?? 0) - (y[at].codePointAt(0) ?? 0);
}

/** Values and how often each occurs: the most frequent first, of equals the smaller number or text. */
function countsOf(cells: readonly Exclude<Cell, null>[]): [Exclude<Cell, null>, number][] {
  const counts = new Map<Exclude<Cell, null>, number>();
  for (const cell of cells) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  const inOrder = (a: Cell, b: Cell): number =>
    typeof a === 'string' ? byCodePoint(a, String(b)) : Number(a) - Number(b);
  return [...counts].sort((a, b) => b[1] - a[1] || inOrder(a[0], b[0]));
}

// ---- from cells to yes and no

/** Whether a word is a yes (0) or a no (1) of some language. */
function says(word: string, which: 0 | 1): boolean {
  return ANSWERS.some((words) => words[which].includes(lower(word)));
}

/** No and yes: the later text unless it reads as a no. */
function noAndYes(a: string, b: string): [string, string] {
  const [first, second] = byCodePoint(a, b) < 0 ? [a, b] : [b, a];
  if (says(first, 0) !== says(second, 0) && says(first, 1) !== says(second, 1))
    return says(first, 0) ? [second, first] : [first, second];
  const isTurned = (READS_AS_NO.test(second) && !READS_AS_NO.test(first)) || (says(first, 1) && !says(second, 1));
  return isTurned ? [second, first] : [first, second];
}

/** How answers are mostly spelled, in all rows, as what a column is is found from all of them. */
function spellingOf({ cells, spelled }: Column, answer: boolean): string {
  const spellings = spelled.filter((text, row) => text !== null && cells[row] === answer) as string[];
  return String(countsOf(spellings)[0][0]);
}

function spelledValue(column: Column, value: Exclude<Cell, null>): string {
  if (typeof value === 'boolean') return spellingOf(column, value);
  return column.type === 'date' ? timeText(Number(value)) : String(value);
}

/** Encodes a table and reads its target. */
export function encodeByHand(table: HeldTable, options: Options): Reference | Refused {
  const { target: targetName, exclude = [], bins = 4, missing: policy = 'auto' } = options;
  const read = new Map<string, Column>();
  for (const column of table.columns) {
    const each = columnOf(column, options, table.delimiter);
    if ('refused' in each) return each;
    read.set(column.name, each);
  }
  const target = targetOf(read.get(targetName) as Column, options);
  if ('refused' in target) return target;
  const used = (row: number): boolean => !Number.isNaN(target.values[row]);
  const dropped: { column: string; reason: string }[] = [];
  const encoder: Encoded[] = [];
  const isIndicator = policy === 'auto' || policy === 'indicator';
  for (const [column, each] of read) {
    if (column === targetName || exclude.includes(column)) continue;
    const { type, cells, missingTexts } = each;
    const present = cells.filter((cell, row) => cell !== null && used(row)) as Exclude<Cell, null>[];
    const holes = cells.filter((cell, row) => cell === null && used(row)).length;
    if (holes > 0 && policy === 'refuse') return { refused: 'values are missing' };
    const values = countsOf(present).map(([value]) => value);
    const names = type === 'text' && values.length > Math.max(32, present.length / 2);
    if (values.length === 0 || (values.length === 1 && !(isIndicator && holes > 0)))
      dropped.push({
        column,
        reason:
          values.length === 0
            ? 'every value is missing'
            : `constant: every value is "${spelledValue(each, values[0])}"`,
      });
    else if (names)
      dropped.push({ column, reason: `${values.length} different texts in ${present.length} rows look like names` });
    else {
      const rest = { missing: policy === 'refuse' ? 'refuse' : isIndicator ? 'no' : 'drop' } as const;
      const texts = missingTexts.length > 0 ? { missingTexts } : {};
      const add = (coding: Coding, part?: 'weekday' | 'month'): void => {
        const missingCoordinate = isIndicator && holes > 0 && part === undefined && values.length > 1;
        encoder.push({ column, type, ...(part && { part }), coding, ...texts, ...rest, missingCoordinate });
      };
      // Of one value, having it is what there is to ask.
      if (values.length === 1) add({ kind: 'two-valued', no: '', yes: spelledValue(each, values[0]) });
      else if (type === 'boolean')
        add({ kind: 'two-valued', no: spellingOf(each, false), yes: spellingOf(each, true) });
      else if (type === 'text') add(textCoding(values as string[]));
      else add(thresholds(present as number[], bins, type === 'date'));
      for (const part of type === 'date' && values.length > 1 ? (['weekday', 'month'] as const) : []) {
        const calendar = part === 'weekday' ? WEEKDAYS : MONTHS;
        const counts = countsOf(present.map((time) => calendar.indexOf(partOf(Number(time), part))));
        const [reference, ...values] = counts.map(([place]) => calendar[Number(place)]);
        if (values.length > 0) add({ kind: 'categories', reference, values }, part);
      }
    }
  }
  if (encoder.length === 0) return { refused: 'no column is left' };
  const rows = encodeRows(encoder, (column) => (read.get(column) as Column).cells);
  const usedCount = rows.rows.filter(used).length;
  if (usedCount < 2) return { refused: usedCount === 0 ? 'no row is left' : 'cannot make 2 folds' };
  const forms = new Map(Array.from(read, ([column, { form }]) => [column, form]));
  const missingUsed = rows.missing.flatMap(({ column }) => {
    const count = (read.get(column) as Column).cells.filter((cell, row) => cell === null && used(row)).length;
    return count > 0 ? [{ column, count }] : [];
  });
  return { encoder, dropped, target, forms, ...rows, missingUsed };
}

function partOf(time: number, part: 'weekday' | 'month'): string {
  const date = new Date(Math.floor(time) * 1000);
  return part === 'weekday' ? WEEKDAYS[(date.getUTCDay() + 6) % 7] : MONTHS[date.getUTCMonth()];
}

/** @param values the most frequent first */
function textCoding(values: readonly string[]): Coding {
  if (values.length === 2) {
    const [no, yes] = noAndYes(values[0], values[1]);
    return { kind: 'two-valued', no, yes };
  }
  if (values.length > 33) return { kind: 'categories', reference: null, values: values.slice(0, 32) };
  return { kind: 'categories', reference: values[0], values: values.slice(1) };
}

function thresholds(present: readonly number[], bins: number, areDates: boolean): Coding {
  const sorted = [...present].sort((a, b) => a - b);
  const values = [...new Set(sorted)];
  if (!areDates && values.length === 2 && values[0] === 0 && values[1] === 1)
    return { kind: 'two-valued', no: '0', yes: '1' };
  const halfway = (k: number): number[] => {
    const [a, b] = [values[k], values[k + 1]];
    if (k < 0 || b === undefined) return [];
    if (areDates && a % 86400 === 0 && b % 86400 === 0) return [86400 * Math.floor((a + b) / 2 / 86400)];
    const half = Number((a / 2 + b / 2).toPrecision(15));
    return [half >= a && half < b ? half : a];
  };
  const cuts = values.length <= bins ? values.flatMap((_, k) => halfway(k)) : [];
  for (let i = 1; i < bins && values.length > bins; i++) {
    const quantile = sorted[Math.ceil((i * sorted.length) / bins) - 1];
    const k = values.indexOf(quantile);
    const isTie = sorted.filter((value) => value === quantile).length > sorted.length / (2 * bins);
    cuts.push(...halfway(k));
    if (isTie || k === values.length - 1) cuts.push(...halfway(k - 1));
  }
  return { kind: 'thresholds', above: [...new Set(cuts)].sort((a, b) => a - b) };
}

/** Encodes other rows as those of a reference were; their target is of the same kind and classes. */
export function encodeMore(table: HeldTable, like: Reference, said: Options): Reference | Refused {
  const options: Options = { ...said, decimal: undefined }; // the spelling of the fit is known
  const read = new Map<string, readonly Cell[]>();
  for (const { column, type, coding, part, missingTexts = [] } of like.encoder) {
    if (read.has(column)) continue;
    const held = table.columns.find(({ name }) => name === column) as HeldColumn;
    const isText = type === 'text' && part === undefined;
    const known =
      !isText || coding.kind === 'thresholds'
        ? []
        : coding.kind === 'two-valued'
          ? [coding.no, coding.yes]
          : [coding.reference, ...coding.values];
    const form = like.forms.get(column);
    const each = columnOf(held, options, table.delimiter, { type, missingTexts, form, known });
    if ('refused' in each) return each;
    read.set(column, each.cells);
    const present = each.cells.filter((cell) => cell !== null);
    if (!isText || present.length === 0) continue;
    const isList = coding.kind === 'categories';
    if (
      present.every((cell) => !known.includes(String(cell))) &&
      !(isList && present.length < 20) &&
      !(known.includes(null) && new Set(present).size < 20)
    )
      return { refused: 'has no value that the model has seen' };
  }
  const { kind, classes, type } = like.target;
  const held = table.columns.find(({ name }) => name === options.target) as HeldColumn;
  const form = like.forms.get(options.target);
  const target = columnOf(held, options, table.delimiter, { type, form, known: classes });
  // Predictions are made all the same; a score is refused.
  const cells = 'refused' in target ? held.cells.map(() => null) : target.cells;
  const values = Float64Array.from(cells, (cell) => {
    if (cell === null) return Number.NaN;
    if (kind !== 'regression') return typeof cell === 'boolean' ? Number(!cell) : classes.indexOf(String(cell));
    return options.logTarget ? Math.log(Number(cell)) : Number(cell);
  });
  const rows = encodeRows(like.encoder, (column) => read.get(column) ?? []);
  const isUnreadable = 'refused' in target || (kind !== 'regression' && values.includes(-1));
  return { ...like, ...rows, target: { kind, classes, values, type, isUnreadable } };
}

function encodeRows(
  encoder: readonly Encoded[],
  cellsOf: (column: string) => readonly Cell[],
): Pick<Reference, 'rows' | 'coordinates' | 'bits' | 'missing'> {
  const isKept = (row: number): boolean =>
    encoder.every(({ missing, column }) => missing !== 'drop' || cellsOf(column)[row] !== null);
  const rows = Array.from(cellsOf(encoder[0].column).keys()).filter(isKept);
  const codes = encoder.flatMap((each) =>
    codesOf(
      each,
      rows.map((row) => cellsOf(each.column)[row]),
    ),
  );
  const columns = [...new Set(encoder.map(({ column }) => column))];
  const missing = columns.map((column) => ({ column, count: cellsOf(column).filter((cell) => cell === null).length }));
  return {
    rows,
    coordinates: codes.map(([name]) => name),
    bits: codes.map(([, bits]) => bits),
    missing: missing.filter(({ count }) => count > 0),
  };
}

/** Names of a column's coordinates, each with a byte per cell: 1 for a yes. */
function codesOf(
  { column, type, part, coding, missingCoordinate }: Encoded,
  cells: readonly Cell[],
): [string, Uint8Array][] {
  const name = part === undefined ? column : `${column} ${part}`;
  const code = (name: string, isYes: (cell: Exclude<Cell, null>) => boolean): [string, Uint8Array] => [
    name,
    Uint8Array.from(cells, (cell) => (cell !== null && isYes(part ? partOf(Number(cell), part) : cell) ? 1 : 0)),
  ];
  const codes: [string, Uint8Array][] = [];
  if (coding.kind === 'two-valued' && coding.no === '') {
    const spelled = (cell: Cell): string => (type === 'date' ? timeText(Number(cell)) : String(cell));
    const saysYes = says(coding.yes, 0) || (type !== 'boolean' && /^(true|yes|y|t|1)$/i.test(coding.yes));
    codes.push(code(saysYes ? name : `${name}=${coding.yes}`, (cell) => spelled(cell) === coding.yes));
  } else if (type === 'boolean') codes.push(code(name, (cell) => cell === true));
  else if (type === 'number' && coding.kind === 'two-valued') codes.push(code(name, (cell) => Number(cell) > 0.5));
  else if (coding.kind === 'two-valued') {
    const isPlain = /^(true|yes|y|t|1)$/i.test(coding.yes);
    codes.push(code(isPlain ? name : `${name}=${coding.yes}`, (cell) => cell === coding.yes));
  } else if (coding.kind === 'categories') {
    for (const value of coding.values) codes.push(code(`${name}=${value}`, (cell) => cell === value));
  } else {
    const spelled = (cut: number): string => (type === 'date' ? timeText(cut) : String(cut));
    for (const cut of coding.above) codes.push(code(`${name}>${spelled(cut)}`, (cell) => Number(cell) > cut));
  }
  if (missingCoordinate) codes.push([`${name} missing`, Uint8Array.from(cells, (cell) => (cell === null ? 1 : 0))]);
  return codes;
}

/** As ISO 8601 has it, without what is zero at its end. */
function timeText(time: number): string {
  const [day, clock] = new Date(Math.floor(time) * 1000).toISOString().replace('.000Z', '').split('T');
  if (time % 86400 === 0) return day;
  const fraction = String(Math.round((time - Math.floor(time)) * 1e6) / 1e6).slice(1);
  return `${day}T${time % 60 === 0 ? clock.slice(0, 5) : clock + fraction}`;
}

function targetOf(column: Column, { missing = 'auto', logTarget = false }: Options): Target | Refused {
  const { type, cells } = column;
  const present = cells.filter((cell) => cell !== null);
  const values = countsOf(present).map(([value]) => value);
  if (values.length < 2) return { refused: 'expected numbers that vary, or classes' };
  if (logTarget && type !== 'number') return { refused: 'expected numbers for --target-transform log' };
  const isNumber = logTarget || (type === 'number' && values.length > 2);
  if (!isNumber && values.length > Math.min(64, values.length > 2 ? present.length / 2 : 2))
    return { refused: 'expected numbers, or classes' };
  if ((missing === 'refuse' || missing === 'indicator') && present.length < cells.length)
    return { refused: 'is missing in' };
  if (isNumber) {
    const numbers = Float64Array.from(cells, (cell) => (cell === null ? Number.NaN : Number(cell)));
    if (logTarget && numbers.some((value) => value <= 0)) return { refused: 'expected numbers above 0' };
    return { kind: 'regression', classes: [], values: logTarget ? numbers.map(Math.log) : numbers, type };
  }
  const ordered =
    type !== 'text'
      ? [...values].sort((a, b) => Number(b) - Number(a))
      : values.length === 2
        ? noAndYes(String(values[0]), String(values[1])).reverse()
        : (values as string[]).sort(byCodePoint);
  const classes = ordered.map((value) => (typeof value === 'boolean' ? spellingOf(column, value) : String(value)));
  const places = Float64Array.from(cells, (cell) => (cell === null ? Number.NaN : ordered.indexOf(cell)));
  return { kind: classes.length === 2 ? 'binary' : 'multiclass', classes, values: places, type };
}

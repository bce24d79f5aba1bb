/**
 * What the texts of a column are: numbers (and in which spelling), dates, answers, or texts; and which of them count as
 * missing. It is a property of the whole column, found from its different texts. Every rule is a regular expression of
 * the plain kind that JavaScript and SQL engines share, so that a table in memory and one behind an engine read alike.
 */
import { areAnswers } from './words.ts';

/** How numbers are spelled. */
export interface NumberForm {
  readonly decimal: '.' | ',';
  /** Between groups of three digits; empty where there are none. */
  readonly thousands: '' | ',' | '.' | ' ' | "'";
  /** A currency or percent sign that every cell has; empty where there is none. It does not change the number. */
  readonly unit: string;
}

/** In which order a date is spelled. A time and an offset from UTC may follow. */
export type DateOrder = 'ymd' | 'dmy' | 'mdy';

/** How a column of texts is read. */
export interface TextForm {
  readonly type: 'text' | 'number' | 'boolean' | 'date';
  /** Spellings that count as missing here, beside the empty cell. */
  readonly missing: readonly string[];
  /** Of numbers that are not all plain, such as -1.5e3. */
  readonly number?: NumberForm;
  /** Of dates. */
  readonly date?: DateOrder;
  /** Of texts of which most are plain numbers: how many, and what the others are, the most frequent first. */
  readonly mostly?: { readonly numberCount: number; readonly cellCount: number; readonly odd: readonly string[] };
  /** Of texts that read as dates, with no telling which of day and month comes first. */
  readonly ambiguousDates?: true;
}

/** What its user says of a table's cells; what is left out is recognised. */
export interface CellRules {
  /** Spellings of a missing cell, instead of the usual ones; numbers (-999) and dates (1900-01-01) in any spelling and in typed columns too. An empty cell is always missing. */
  readonly missingValues?: readonly string[] | undefined;
  /** Columns whose cells are texts, whatever they look like. */
  readonly text?: readonly string[] | undefined;
  /** Columns whose cells are numbers. */
  readonly number?: readonly string[] | undefined;
  /** The decimal mark of numbers in texts. */
  readonly decimal?: '.' | ',' | undefined;
  /** How columns were read before: tried first. */
  readonly forms?: Readonly<Record<string, ColumnSpelling>> | undefined;
}

/** The part of a form that a file of a model keeps: nothing for plain numbers, ISO dates and texts. */
export interface ColumnSpelling {
  readonly number?: NumberForm | undefined;
  readonly date?: DateOrder | undefined;
}

/** Spellings that count as missing in every column of a text file. */
export const MISSING_TEXTS: readonly string[] = [
  '?',
  'NA',
  'N/A',
  'n/a',
  'N.A.',
  'n.a.',
  '#N/A',
  '#NA',
  '<NA>',
  'NULL',
  'Null',
  'null',
  'nil',
  'NaN',
  'nan',
  'NAN',
];

/** Spellings that count as missing among numbers, dates and answers, and in texts where they are rare. */
export const MISSING_AMONG_OTHERS: readonly string[] = [
  'None',
  'none',
  'NONE',
  '-',
  '--',
  '---',
  '–',
  '—',
  '.',
  '..',
  'unknown',
  'Unknown',
  'UNKNOWN',
  'missing',
  'Missing',
];

const ALL_MISSING: readonly string[] = [...MISSING_TEXTS, ...MISSING_AMONG_OTHERS];

/** Among texts a spelling such as `-` counts as missing up to this share of the cells. */
const RARE_SHARE = 0.05;

// ---- numbers

const EXPONENT = '(?:[eE][+-]?[0-9]+)?';
const SIGN = '[-+\u2212]?';
const SPACES = '[ \u00a0\u202f]';
const GROUPS: Readonly<Record<NumberForm['thousands'], string>> = {
  '': '',
  ',': ',',
  '.': '[.]',
  ' ': SPACES,
  "'": "['\u2019]",
};

/** Currency signs and codes, and percent, as they stand before or behind a number. */
export const UNITS: readonly string[] = [
  '%',
  '$',
  '€',
  '£',
  '¥',
  '₹',
  '₽',
  '₩',
  'USD',
  'EUR',
  'GBP',
  'CHF',
  'kr',
  'zł',
];

/** The texts that spell a number in a form: a regular expression over the whole text. */
export function numberPattern({ decimal, thousands, unit }: NumberForm): string {
  const mark = decimal === '.' ? '[.]' : ',';
  const fraction = `(?:${mark}[0-9]*)?`;
  const group = GROUPS[thousands];
  const plain = `(?:[0-9]+${fraction}|${mark}[0-9]+)${EXPONENT}`;
  const digits = thousands === '' ? plain : `(?:[1-9][0-9]{0,2}(?:${group}[0-9]{3})+${fraction}|${plain})`;
  if (unit === '') return `${SIGN}${digits}`;
  const sign = unit.replace(/[$]/g, '[$]');
  return `(?:${SIGN}${sign}${SPACES}?${SIGN}${digits}|${SIGN}${digits}${SPACES}?${sign})`;
}

/** What to replace, one after another, in a text that `numberPattern` takes, so that a plain number is left. */
export function numberReplacements({ decimal, thousands, unit }: NumberForm): readonly (readonly [string, string])[] {
  const list: (readonly [string, string])[] = [['\u2212', '-']];
  if (unit !== '') list.push([unit, '']);
  if (unit !== '' || thousands === ' ') for (const space of [' ', '\u00a0', '\u202f']) list.push([space, '']);
  if (thousands === "'") list.push(["'", ''], ['\u2019', '']);
  else if (thousands !== '' && thousands !== ' ') list.push([thousands, '']);
  if (decimal === ',') list.push([',', '.']);
  return list;
}

/** The number a text spells in a form, undefined when it does not. */
export function readNumberForm(text: string, form: NumberForm): number | undefined {
  if (!compiled(numberPattern(form)).test(text)) return undefined;
  let plain = text;
  for (const [from, to] of numberReplacements(form)) plain = plain.replaceAll(from, to);
  return Number(plain) + 0;
}

const PATTERNS = new Map<string, RegExp>();

function compiled(pattern: string): RegExp {
  let found = PATTERNS.get(pattern);
  if (found === undefined) {
    found = new RegExp(`^(?:${pattern})$`, 'u');
    PATTERNS.set(pattern, found);
  }
  return found;
}

const PLAIN = compiled(numberPattern({ decimal: '.', thousands: '', unit: '' }).replace('\u2212', ''));
const INFINITE = /^[+-]?(?:inf|infinity)$/i;
const WHOLE = /^[+-]?[0-9]+$/;
const LEADING_ZERO = /^[+-]?0[0-9]+$/;

/** Whether a text is a number as all programs write it; 007 and whole numbers beyond 2^53 are names of things. */
export function isPlainNumber(text: string): boolean {
  if (INFINITE.test(text)) return true;
  return PLAIN.test(text) && !LEADING_ZERO.test(text) && !(WHOLE.test(text) && !Number.isSafeInteger(Number(text)));
}

// Of 1,234 nobody can tell by itself; a file whose cells are separated by semicolons has decimal commas.
function numberForms(decimal: '.' | ',' | undefined, unit: string, commaFirst: boolean): NumberForm[] {
  const forms: NumberForm[] = [];
  const points = [['.', ',']] as const;
  const commas = [
    [',', ''],
    [',', '.'],
  ] as const;
  const marks = [
    ['.', ''],
    ...(commaFirst ? [...commas, ...points] : [...points, ...commas]),
    ['.', ' '],
    [',', ' '],
    ['.', "'"],
    [',', "'"],
  ] as const;
  for (const [mark, thousands] of marks) {
    if (decimal === undefined || decimal === mark) forms.push({ decimal: mark, thousands, unit });
  }
  return forms;
}

// ---- dates

const OFFSET = '[+-](?:0[0-9]|1[0-5]):?[0-5][0-9]';
const TIME = `(?:[T ]([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:[.]([0-9]{1,9}))?)? ?(Z|${OFFSET})?)?`;
const YEAR = '([1-9][0-9]{3})';

/** The texts that may spell a date in an order: a regular expression over the whole text. */
export function datePattern(order: DateOrder): string {
  return order === 'ymd'
    ? `${YEAR}[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})${TIME}`
    : `([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]${YEAR}${TIME}`;
}

/** The time a text spells, in seconds since 1970 UTC; undefined when it is no date of the calendar. */
export function readDate(text: string, order: DateOrder): number | undefined {
  const found = compiled(datePattern(order)).exec(text);
  if (found === null) return undefined;
  const [a, b, c, hour, minute, second] = found.slice(1, 7).map((part) => Number(part ?? 0));
  const [year, month, day] = order === 'ymd' ? [a, b, c] : order === 'dmy' ? [c, b, a] : [c, a, b];
  const lastDay = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  if (day < 1 || day > lastDay) return undefined;
  const micros = Number((found[7] ?? '').padEnd(6, '0').slice(0, 6));
  const zone = found[8] ?? 'Z';
  let offset = 0;
  if (zone !== 'Z') {
    const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(-2))];
    offset = (zone.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60);
  }
  const whole = Date.UTC(year, month - 1, day, hour, minute, second) / 1e3 - offset;
  return (whole * 1e6 + micros) / 1e6;
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

export const WEEKDAYS: readonly string[] = [
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
  'Sunday',
];

export const MONTHS: readonly string[] = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** The weekday or month of a time, by its name. */
export function datePart(seconds: number, part: 'weekday' | 'month'): string {
  if (part === 'month') return MONTHS[new Date(Math.floor(seconds) * 1e3).getUTCMonth()];
  const day = Math.floor(seconds / 86_400) + 3;
  return WEEKDAYS[((day % 7) + 7) % 7];
}

/** A time as text, to the microsecond and no longer than it needs: the date alone at midnight. */
export function dateText(seconds: number): string {
  const rest = Math.round((seconds - Math.floor(seconds)) * 1e6) / 1e6;
  const [date, clock] = new Date((Math.floor(seconds) + Math.floor(rest)) * 1e3).toISOString().slice(0, -5).split('T');
  const fraction = (rest % 1).toFixed(6).replace(/^0|\.?0+$/g, '');
  if (fraction !== '') return `${date}T${clock}${fraction}`;
  if (clock === '00:00:00') return date;
  return `${date}T${clock.replace(/:00$/, '')}`;
}

// ---- recognition

/** The different texts of a column, as far as they are listed. */
export interface ListedTexts {
  readonly name: string;
  /** Texts and how many cells have each; trimmed, none empty. */
  readonly entries: readonly (readonly [string, number])[];
  /** How many cells are plain numbers (`isPlainNumber`); those need not be among the entries. */
  readonly plainCount: number;
  /** Whether the source states that the cells are texts, as Parquet does and CSV does not. */
  readonly typed: boolean;
  /** Whether the file is of a kind that has decimal commas. */
  readonly commaFirst?: boolean | undefined;
}

/**
 * How a column of texts is read, if the texts listed are all there are or stand for the others.
 */
export function recogniseTexts(texts: ListedTexts, rules: CellRules = {}): TextForm {
  const { name, entries, plainCount, typed } = texts;
  const usual = rules.missingValues;
  const amongOthers = usual ?? ALL_MISSING;
  const amongTexts = usual ?? (typed ? [] : MISSING_TEXTS);
  const asNumber = rules.number?.includes(name) ?? false;
  if (rules.text?.includes(name)) return readAsTexts(texts, rules);

  const present = entries.filter(([text]) => !amongOthers.includes(text));
  const rest = present.filter(([text]) => !isPlainNumber(text));
  const listedPlain = entries.reduce((sum, [text, count]) => sum + (isPlainNumber(text) ? count : 0), 0);
  // Numbers that are not listed are no answers.
  const words = present.map(([text]) => text);
  if (!asNumber && rest.length > 0 && listedPlain === plainCount && areAnswers(words)) {
    return { type: 'boolean', missing: amongOthers };
  }
  const known = rules.forms?.[name];
  if (known?.number !== undefined && present.length + plainCount > 0 && readsAll(present, known.number)) {
    return { type: 'number', missing: amongOthers, number: known.number };
  }
  if (rest.length === 0 && (plainCount > 0 ? rules.decimal !== ',' : asNumber)) {
    return { type: 'number', missing: amongOthers };
  }
  const zeros = rest.some(([text]) => LEADING_ZERO.test(text));
  const wide = rest.some(([text]) => WHOLE.test(text) && !Number.isSafeInteger(Number(text)));
  if (rest.length + plainCount > 0 && (asNumber || !(zeros || wide))) {
    const form = numberFormOf(texts, present, rules.decimal);
    if (form !== undefined) return { type: 'number', missing: amongOthers, number: form };
  }
  if (rest.length > 0 && plainCount === 0 && !asNumber) {
    const orders = (['ymd', 'dmy', 'mdy'] as const).filter((order) =>
      rest.every(([text]) => readDate(text, order) !== undefined),
    );
    // Not those of fractions of a second.
    const points = rest.every(([text]) => /^\d+\./.test(text));
    const order = known?.date !== undefined && orders.includes(known.date) ? known.date : orders[0];
    if (orders.length === 1 || (order !== undefined && (order === known?.date || points))) {
      return { type: 'date', missing: amongOthers, date: order };
    }
    if (orders.length > 1) return { type: 'text', missing: amongTexts, ambiguousDates: true };
  }
  return readAsTexts(texts, rules);
}

/** How a column is read that is neither numbers nor dates nor answers; as `recogniseTexts`. */
function readAsTexts({ name, entries, plainCount, typed }: ListedTexts, rules: CellRules = {}): TextForm {
  const usual = rules.missingValues;
  const amongTexts = usual ?? (typed ? [] : MISSING_TEXTS);
  if (rules.text?.includes(name)) return { type: 'text', missing: amongTexts };
  const odd = entries.filter(([text]) => !isPlainNumber(text));
  const total = odd.reduce((sum, [, count]) => sum + count, plainCount);
  const others = entries.filter(([text]) => !ALL_MISSING.includes(text)).length;
  const isRare = ([text, count]: readonly [string, number]): boolean =>
    MISSING_AMONG_OTHERS.includes(text) && count <= RARE_SHARE * total;
  const rare = usual !== undefined || typed || others < 2 ? [] : entries.filter(isRare).map(([text]) => text);
  const missing = [...amongTexts, ...rare.toSorted()];
  const rest = odd.filter(([text]) => !(usual ?? ALL_MISSING).includes(text));
  const isName = ([text]: readonly [string, number]): boolean => WHOLE.test(text);
  if (plainCount > 0.5 * total && rest.length > 0 && !rest.some(isName)) {
    const byCount = rest.toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    const cellCount = plainCount + rest.reduce((sum, [, count]) => sum + count, 0);
    return {
      type: 'text',
      missing,
      mostly: { numberCount: plainCount, cellCount, odd: byCount.map(([text]) => text) },
    };
  }
  return { type: 'text', missing };
}

function readsAll(rest: readonly (readonly [string, number])[], form: NumberForm): boolean {
  return rest.every(([text]) => readNumberForm(text, form) !== undefined);
}

function numberFormOf(
  { plainCount, commaFirst }: ListedTexts,
  present: readonly (readonly [string, number])[],
  decimal: '.' | ',' | undefined,
): NumberForm | undefined {
  const odd = present.filter(([text]) => !isPlainNumber(text));
  const told = decimal === ',' ? present : odd;
  const unit = UNITS.find((sign) => told.length > 0 && told.every(([text]) => text.includes(sign))) ?? '';
  if (unit !== '' && plainCount > 0) return undefined;
  // With a decimal comma a plain number is another: 1.5 is none, and 1.234 is a thousand.
  return numberForms(decimal, unit, commaFirst === true).find((form) =>
    readsAll(form.decimal === ',' ? present : odd, form),
  );
}

/** The number that a text of a column of numbers or dates stands for; undefined when it is none in that form. */
export function readTextNumber(text: string, form: Pick<TextForm, 'number' | 'date'>): number | undefined {
  if (form.date !== undefined) return readDate(text, form.date);
  return form.number === undefined ? readQuantity(text) : readNumberForm(text, form.number);
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** The number that a trimmed text spells as a name of it: one that `isPlainNumber`, so that different texts stay apart. */
export function readNumber(text: string): number | undefined {
  return isPlainNumber(text) ? readQuantity(text) : undefined;
}

/** The number nearest to what a text spells, where its size is what matters: at thresholds, in sums. Infinities included. */
export function readQuantity(text: string): number | undefined {
  // `+ 0` makes one zero of two.
  if (NUMBER.test(text)) return Number(text) + 0;
  if (!INFINITE.test(text)) return undefined;
  return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** Which texts of a column count as missing: those named, and every spelling of a number or a date named in a column of such. */
export function missingTest(form: Pick<TextForm, 'type' | 'missing' | 'number' | 'date'>): (text: string) => boolean {
  const texts = new Set(form.missing);
  const numbers = missingNumbers(form.missing, form.type);
  return (text) => texts.has(text) || (numbers.length > 0 && numbers.includes(readTextNumber(text, form) as number));
}

/** Of the texts that count as missing those that are cells of typed columns too: numbers (-999), or times (of 1900-01-01) in seconds. */
export function missingNumbers(missingValues: readonly string[] | undefined, type: string): readonly number[] {
  const read =
    type === 'number' ? readQuantity : type === 'date' ? (text: string) => readDate(text, 'ymd') : () => Number.NaN;
  return (missingValues ?? []).map(read).filter((number) => Number.isFinite(number)) as number[];
}

/** The form that a column of numbers or dates most likely has, without a look at its texts. */
export function likelyForm(rules: CellRules, name: string, kind: 'number' | 'date'): TextForm {
  const missing = rules.missingValues ?? ALL_MISSING;
  const known = rules.forms?.[name];
  if (kind === 'date') return { type: 'date', missing, date: known?.date ?? 'ymd' };
  const number: NumberForm | undefined =
    known?.number ?? (rules.decimal === ',' ? { decimal: ',', thousands: '', unit: '' } : undefined);
  return number === undefined ? { type: 'number', missing } : { type: 'number', missing, number };
}

/** What a file of a model keeps of a form; undefined for what is recognised anyway. */
export function spellingOf({ number, date }: TextForm): ColumnSpelling | undefined {
  if (number !== undefined) return { number };
  return date === undefined || date === 'ymd' ? undefined : { date };
}

/**
 * What a fit, its predictions and its score ought to be, worked out anew in plain loops from the text of a CSV file by
 * the rules that the README and `--help` state. It imports nothing, so that a fault would have to be made twice.
 */

export interface Options {
  readonly target: string;
  readonly exclude?: readonly string[];
  readonly bins?: number;
  readonly missing?: 'refuse' | 'indicator' | 'drop-rows';
  readonly logTarget?: boolean;
}
export type Coding =
  | { readonly kind: 'two-valued'; readonly no: string; readonly yes: string }
  | { readonly kind: 'categories'; readonly reference: string; readonly values: readonly string[] }
  | { readonly kind: 'thresholds'; readonly above: readonly number[] };
export interface Encoded {
  readonly column: string;
  readonly type: 'number' | 'text';
  readonly coding: Coding;
  readonly missing: 'refuse' | 'no' | 'drop';
  readonly missingCoordinate: boolean;
}
export interface Target {
  readonly kind: 'regression' | 'binary' | 'multiclass';
  /** Of two classes the positive one first; of more, the smallest. */
  readonly classes: readonly string[];
  /** Per row: the number as learned, or the position of the class; NaN where missing. */
  readonly values: Float64Array;
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
  readonly target: Target;
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

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const READS_AS_NO = /^(n|no|false|f|0|absent|none|off|never|not|nay|negative|neg|-|missing|without)$/i;

function cellOf(raw: string): string | null {
  const text = raw.replace(/^[ \t\r\n]+/, '').replace(/[ \t\r\n]+$/, '');
  return text === '' || text === '?' || text === 'NA' ? null : text;
}

/** Undefined where a text spells no number; nan and infinities are numbers, though none to learn from. */
function numberOf(text: string): number | undefined {
  if (NUMBER.test(text)) return Number(text) + 0;
  const word = /^([+-]?)(nan|inf|infinity)$/i.exec(text)?.slice(1);
  if (word === undefined) return undefined;
  return word[1].toLowerCase() === 'nan' ? Number.NaN : word[0] === '-' ? -Infinity : Infinity;
}

function byCodePoint(a: string, b: string): number {
  const [x, y] = [[...a], [...b]];
  const at = x.findIndex((c, i) => c !== y[i]);
  return at < 0 ? x.length - y.length : at >= y.length ? 1 : (x[at].codePointAt(0) ?? 0) - (y[at].codePointAt(0) ?? 0);
}

/** Values and how often each occurs: the most frequent first, of equals the smaller number or text. */
function countsOf(cells: readonly (string | number)[]): [string | number, number][] {
  const counts = new Map<string | number, number>();
  for (const cell of cells) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  const inOrder = (a: string | number, b: string | number): number =>
    typeof a === 'number' ? a - Number(b) : byCodePoint(a, String(b));
  return [...counts].sort((a, b) => b[1] - a[1] || inOrder(a[0], b[0]));
}

/** A column's cells as they count, null where missing: numbers if every one of them spells a number. */
function columnOf(raw: readonly string[]): { type: 'number' | 'text'; cells: (string | number | null)[] } {
  const cells = raw.map(cellOf);
  const numbers = cells.map((cell) => (cell === null ? null : numberOf(cell)));
  const isNumber = numbers.some((x) => x !== null) && !numbers.includes(undefined);
  return isNumber ? { type: 'number', cells: numbers as (number | null)[] } : { type: 'text', cells };
}

/** No and yes: the larger number, the later text unless it reads as a no. */
function noAndYes(a: string | number, b: string | number): [string, string] {
  const isFirst = typeof a === 'number' ? a < Number(b) : byCodePoint(a, String(b)) < 0;
  const [first, second] = (isFirst ? [a, b] : [b, a]).map(String);
  const isTurned = typeof a === 'string' && READS_AS_NO.test(second) && !READS_AS_NO.test(first);
  return isTurned ? [second, first] : [first, second];
}

/** Encodes a table of CSV text and reads its target. */
export function encodeByHand(csv: string, delimiter: string, options: Options): Reference | Refused {
  const { target: targetName, exclude = [], bins = 4, missing: policy = 'refuse' } = options;
  const [names, ...records] = readCsv(csv, delimiter);
  const read = names.map((_, k) => columnOf(records.map((record) => record[k])));
  const target = targetOf(read[names.indexOf(targetName)], options);
  if ('refused' in target) return target;
  const used = (row: number): boolean => !Number.isNaN(target.values[row]);
  const dropped: { column: string; reason: string }[] = [];
  const encoder: Encoded[] = [];
  const cellsOfEncoder: (string | number | null)[][] = [];
  for (const [k, column] of names.entries()) {
    if (column === targetName || exclude.includes(column)) continue;
    const { type, cells } = read[k];
    const present = cells.filter((cell, row) => cell !== null && used(row)) as (string | number)[];
    const holes = cells.filter((cell, row) => cell === null && used(row)).length;
    if (present.some((cell) => typeof cell === 'number' && !Number.isFinite(cell)))
      return { refused: 'NaN or infinity' };
    if (holes > 0 && policy === 'refuse') return { refused: 'values are missing' };
    const counts = countsOf(present);
    const values = counts.map(([value]) => value);
    const reason =
      values.length === 0
        ? 'every value is missing'
        : values.length === 1 && !(policy === 'indicator' && holes > 0)
          ? 'constant'
          : type === 'text' && values.length > Math.max(32, present.length / 2)
            ? `${values.length} different texts in ${present.length} rows look like names`
            : undefined;
    if (reason !== undefined) dropped.push({ column, reason });
    else {
      encoder.push({
        ...{ column, type, coding: codingOf(values, present, bins) },
        missing: policy === 'refuse' ? 'refuse' : policy === 'indicator' ? 'no' : 'drop',
        missingCoordinate: policy === 'indicator' && holes > 0 && values.length > 1,
      });
      cellsOfEncoder.push(cells);
    }
  }
  if (encoder.length === 0) return { refused: 'no column is left' };
  const rows = encodeRows(encoder, cellsOfEncoder);
  const usedCount = rows.rows.filter(used).length;
  if (usedCount < 2) return { refused: usedCount === 0 ? 'no row is left' : 'cannot make 2 folds' };
  return { encoder, dropped, target, ...rows };
}

/** Encodes other rows as those of a reference were; their target is of the same kind and classes. */
export function encodeMore(csv: string, delimiter: string, like: Reference, options: Options): Reference {
  const [names, ...records] = readCsv(csv, delimiter);
  const rawOf = (column: string): string[] => records.map((record) => record[names.indexOf(column)]);
  const cells = like.encoder.map(({ column, type }) =>
    rawOf(column).map((raw) => {
      const text = cellOf(raw);
      return text === null || type === 'text' ? text : (numberOf(text) ?? Number.NaN);
    }),
  );
  const { kind, classes } = like.target;
  const values = Float64Array.from(columnOf(rawOf(options.target)).cells, (cell) => {
    if (cell === null) return Number.NaN;
    if (kind !== 'regression') return classes.indexOf(String(cell));
    return options.logTarget ? Math.log(Number(cell)) : Number(cell);
  });
  return { ...like, ...encodeRows(like.encoder, cells), target: { kind, classes, values } };
}

/** @param cells of each column of the encoder */
function encodeRows(
  encoder: readonly Encoded[],
  cells: readonly (string | number | null)[][],
): Pick<Reference, 'rows' | 'coordinates' | 'bits' | 'missing'> {
  const isKept = (row: number): boolean =>
    encoder.every(({ missing }, k) => missing !== 'drop' || cells[k][row] !== null);
  const rows = Array.from(cells[0].keys()).filter(isKept);
  const codes = encoder.flatMap((column, k) =>
    codesOf(
      column,
      rows.map((row) => cells[k][row]),
    ),
  );
  const missing = encoder.map(({ column }, k) => ({ column, count: cells[k].filter((cell) => cell === null).length }));
  return {
    rows,
    coordinates: codes.map(([name]) => name),
    bits: codes.map(([, bits]) => bits),
    missing: missing.filter(({ count }) => count > 0),
  };
}

function codingOf(values: (string | number)[], present: (string | number)[], bins: number): Coding {
  if (values.length === 1) return { kind: 'two-valued', no: '', yes: String(values[0]) };
  if (values.length === 2) {
    const [no, yes] = noAndYes(values[0], values[1]);
    return { kind: 'two-valued', no, yes };
  }
  if (typeof values[0] === 'string') {
    const [reference, ...rest] = values as string[];
    return { kind: 'categories', reference, values: rest.slice(0, 32) };
  }
  // The value at sorted place ceil(q n) - 1 for q = 1/bins, 2/bins ...; of few values all but the largest.
  const sorted = Float64Array.from(present as number[]).sort();
  const quantiles = Array.from({ length: bins - 1 }, (_, i) => sorted[Math.ceil(((i + 1) * sorted.length) / bins) - 1]);
  const cuts = values.length <= bins ? Array.from(sorted) : quantiles;
  return { kind: 'thresholds', above: [...new Set(cuts)].filter((cut) => cut < sorted[sorted.length - 1]) };
}

/** Names of a column's coordinates, each with a byte per cell: 1 for a yes. */
function codesOf(
  { column, coding, missingCoordinate }: Encoded,
  cells: (string | number | null)[],
): [string, Uint8Array][] {
  const code = (name: string, isYes: (cell: string | number) => boolean): [string, Uint8Array] => [
    name,
    Uint8Array.from(cells, (cell) => (cell !== null && isYes(cell) ? 1 : 0)),
  ];
  const codes: [string, Uint8Array][] = [];
  if (coding.kind === 'two-valued') {
    const isPlain = /^(true|yes|y|t|1)$/i.test(coding.yes);
    codes.push(code(isPlain ? column : `${column}=${coding.yes}`, (cell) => String(cell) === coding.yes));
  } else if (coding.kind === 'categories') {
    for (const value of coding.values) codes.push(code(`${column}=${value}`, (cell) => cell === value));
  } else for (const cut of coding.above) codes.push(code(`${column}>${cut}`, (cell) => Number(cell) > cut));
  if (missingCoordinate) codes.push([`${column} missing`, Uint8Array.from(cells, (cell) => (cell === null ? 1 : 0))]);
  return codes;
}

function targetOf(
  { type, cells }: ReturnType<typeof columnOf>,
  { missing, logTarget = false }: Options,
): Target | Refused {
  const present = cells.filter((cell) => cell !== null);
  if (present.some((cell) => typeof cell === 'number' && !Number.isFinite(cell))) return { refused: 'NaN or infinite' };
  const values = countsOf(present).map(([value]) => value);
  if (values.length < 2) return { refused: 'expected numbers that vary, or classes' };
  const isNumber = logTarget || (type === 'number' && values.length > 2);
  if (!isNumber && values.length > Math.min(64, values.length > 2 ? present.length / 2 : 2))
    return { refused: 'expected numbers, or classes' };
  if (missing !== 'drop-rows' && present.length < cells.length) return { refused: 'is missing in' };
  if (isNumber) {
    const numbers = Float64Array.from(cells, (cell) => (cell === null ? Number.NaN : Number(cell)));
    if (logTarget && numbers.some((value) => value <= 0)) return { refused: 'expected numbers above 0' };
    return { kind: 'regression', classes: [], values: logTarget ? numbers.map(Math.log) : numbers };
  }
  const inOrder = type === 'number' ? values.map(Number).sort((a, b) => a - b) : (values as string[]).sort(byCodePoint);
  const classes = values.length === 2 ? noAndYes(values[0], values[1]).reverse() : inOrder.map(String);
  const places = Float64Array.from(cells, (cell) => (cell === null ? Number.NaN : classes.indexOf(String(cell))));
  return { kind: classes.length === 2 ? 'binary' : 'multiclass', classes, values: places };
}

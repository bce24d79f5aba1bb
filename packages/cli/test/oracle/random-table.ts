/**
 * Random tables of the kinds of columns people have, with a target made of some of them. A cell is its spelling in a CSV
 * file; what a typed file holds in its place is the column's business. One seed is one table, on every machine.
 */
import type { Held, Options } from './reference.ts';

export interface TableColumn {
  readonly name: string;
  /** As text files spell them. */
  readonly cells: readonly string[];
  /** How typed files hold the column. */
  readonly held: Held;
  /** What typed files hold, spelled plainly. */
  readonly values: readonly (string | null)[];
}

export interface RandomTable {
  readonly seed: number;
  readonly columns: readonly TableColumn[];
  readonly rowCount: number;
  readonly options: Options;
  /** Of the fit, beside `options`. */
  readonly degree: number;
  readonly method: 'ridge' | 'least-squares' | 'lasso' | 'estimate';
  readonly loss: 'squared' | 'logistic';
  /** How the CSV file is written. */
  readonly delimiter: string;
  readonly newline: string;
}

export type Draw = () => number;

/** Mulberry32: numbers in [0, 1). */
export function drawing(seed: number): Draw {
  let state = Math.imul(seed, 0x9e3779b1) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const FLAGS = [
  ...[
    ['no', 'yes'],
    ['false', 'true'],
    ['False', 'True'],
    ['0', '1'],
    ['n', 'y'],
    ['f', 't'],
    ['off', 'on'],
    ['1', '2'],
  ],
  ...[
    ['absent', 'present'],
    ['left', 'right'],
    ['none', 'some'],
    ['-', 'x'],
    ['N', 'Y'],
    ['-1', '1'],
    ['1.0', '2.50'],
  ],
  ...[
    ['a,b', 'say "so"'],
    ['ä', 'ö'],
  ],
];
const WORDS = `red green blue amber violet ochre teal mauve olive ruby pearl jade onyx coral ivory slate rust sand plum
  lime navy gold silver bronze copper zinc lead iron tin nickel cobalt quartz mica topaz opal agate beryl garnet
  peridot zircon`.split(/\s+/);
const ODD_WORDS = [
  'é',
  '🙂',
  '\uffee',
  'two words',
  "it's",
  'say "so"',
  'a,b',
  'a;b',
  'x=y',
  'line\nbreak',
  'Red',
  'RED',
];
const NAMES = [
  'say "hi"',
  "it's",
  'a,b',
  'a;b',
  'größe',
  '🙂',
  'select',
  'x=y',
  'a>b',
  'c0',
  'data',
  'from',
  'two words',
  '1',
];
/** White space is missing everywhere, the rest where it says so. */
const HOLES = ['', '', '  '];
const USUAL_HOLES = ['', '?', 'NA', ' NA ', 'N/A', 'n/a', '#N/A', '<NA>', 'NULL', 'null', 'nan', 'NaN'];
const OTHER_HOLES = ['None', 'none', '-', '--', '—', '.', 'unknown', 'Missing'];
/** No, yes. */
const ANSWERS = [
  ...['nein/ja', 'non/oui', 'no/sí', 'no/sì', 'não/sim', 'nee/ja', 'nej/ja', 'nei/ja', 'ei/kyllä', 'nie/tak', 'ne/ano'],
  ...['нет/да', 'hayır/evet', 'いいえ/はい', '否/是', 'no/yes', 'n/y', 'false/true', 'f/t', 'off/on'],
].map((pair) => pair.split('/'));
const DAY = 86_400;

interface Making {
  readonly draw: Draw;
  readonly rowCount: number;
}

/** A column to be: its cells, and a number per row that a target may depend on. */
interface Made {
  readonly cells: string[];
  readonly held: Held;
  readonly values: (string | null)[];
  readonly size: Float64Array;
}

const whole = (draw: Draw, below: number): number => Math.floor(draw() * below);
const oneOf = <T>(draw: Draw, of: readonly T[]): T => of[whole(draw, of.length)];

/** @param cell of each row: its spelling, its size and, where typed files hold it otherwise, what they hold */
function column(
  { draw, rowCount }: Making,
  held: Held,
  cell: (row: number) => readonly [string, number, string?],
): Made {
  const size = new Float64Array(rowCount);
  const isTyped = held !== 'text' && draw() < 0.7;
  const values: string[] = [];
  const cells = Array.from({ length: rowCount }, (_, row) => {
    const [text, value, typed = text] = cell(row);
    size[row] = value;
    values.push(isTyped ? typed : text);
    return text;
  });
  return { held: isTyped ? held : 'text', cells, values, size };
}

function flag(making: Making): Made {
  const { draw } = making;
  const pair = oneOf(draw, FLAGS);
  const share = 0.1 + 0.8 * draw();
  const held = pair[1] === 'true' ? 'boolean' : /^\d$/.test(pair[1]) ? 'number' : 'text';
  return column(making, held, () => {
    const bit = Number(draw() < share);
    return [pair[bit], bit];
  });
}

/** Words for yes and no of one language, now and then in several letter cases or beside another word. */
function answers(making: Making): Made {
  const { draw } = making;
  const pair = oneOf(draw, ANSWERS);
  const cases = oneOf(draw, [1, 2, 3]);
  const odd = draw() < 0.1 ? 0.02 : 0;
  return column(making, cases === 1 && odd === 0 ? 'boolean' : 'text', () => {
    const bit = Number(draw() < 0.6);
    if (draw() < odd) return ['perhaps', 0];
    return [inCase(pair[bit], whole(draw, cases)), bit, String(bit === 1)];
  });
}

function inCase(word: string, as: number): string {
  if (as === 0) return word;
  // A Turkish i keeps its point, or has none, in both cases.
  const upper = word.toUpperCase();
  return as === 1 ? upper : upper.slice(0, 1) + word.slice(1);
}

function words(making: Making, fewest = 3): Made {
  const { draw } = making;
  const count = fewest + whole(draw, draw() < 0.2 ? 36 : 10);
  const first = whole(draw, WORDS.length);
  const list = Array.from({ length: count }, (_, i) => WORDS[(first + i) % WORDS.length]);
  if (draw() < 0.3) list.splice(0, 2, oneOf(draw, ODD_WORDS), 'Zürich');
  // A word that means missing where it is rare.
  if (draw() < 0.2) list.push(oneOf(draw, OTHER_HOLES));
  const skew = draw() < 0.5 ? 1 : 3;
  return column(making, 'text', () => {
    const at = Math.floor(list.length * draw() ** skew);
    return [list[at], at / count];
  });
}

/** One frequent value and many rare ones. */
function longList(making: Making): Made {
  const { draw } = making;
  const count = 30 + whole(draw, 40);
  const share = draw() < 0.5 ? 0.4 : 0.05;
  return column(making, 'text', () => {
    const isFirst = draw() < share;
    return [isFirst ? 'BIG' : `v${100 + whole(draw, count)}`, Number(isFirst)];
  });
}

function identifiers(making: Making): Made {
  const { draw, rowCount } = making;
  const count = Math.max(1, Math.round(rowCount * (0.3 + 0.7 * draw())));
  return column(making, 'text', (row) => [`name ${(row * 7919) % count}`, 0]);
}

function wholes(making: Making): Made {
  const { draw } = making;
  const range = oneOf(draw, [2, 3, 4, 5, 8, 40, 5000]);
  const low = whole(draw, 3) - 1;
  const spellings = [
    String,
    (x: number) => `${x}.0`,
    (x: number) => (x < 0 ? String(x) : `+${x}`),
    (x: number) => `${x}e0`,
  ];
  const isSpelled = draw() < 0.3;
  return column(making, oneOf(draw, ['number', 'whole'] as const), () => {
    const x = low + whole(draw, range);
    return [isSpelled ? oneOf(draw, spellings)(x) : String(x), (x - low) / range, String(x)];
  });
}

/** Most rows have the same number, at one end or within. */
function ties(making: Making): Made {
  const { draw } = making;
  const range = oneOf(draw, [5, 5, 9, 100]);
  const share = oneOf(draw, [0.3, 0.8, 0.99]);
  const at = oneOf(draw, [0, range - 1, Math.floor(range / 2)]);
  return column(making, 'number', () => {
    const x = draw() < share ? at : whole(draw, range);
    return [String(x + 1), Number(x === at)];
  });
}

function decimals(making: Making): Made {
  const { draw } = making;
  const scale = oneOf(draw, [1, 1e-7, 1e6, 1e22]);
  const digits = oneOf(draw, [2, 4, 17]);
  return column(making, 'number', () => {
    const x = Number(((draw() + draw() - 1) * scale).toPrecision(digits));
    return [spelled(x), x / scale];
  });
}

/** Numbers of 32 bits, which text files have in their shortest decimals. */
function floats(making: Making): Made {
  const { draw } = making;
  const [scale, steps] = [oneOf(draw, [1, 1e-4, 1e4]), oneOf(draw, [5, 100, 1e7])];
  return column(making, 'float', () => {
    const x = Math.fround((Math.floor(draw() * steps) / steps - 0.3) * scale);
    const digits = [1, 2, 3, 4, 5, 6, 7, 8, 9].find((count) => Math.fround(Number(x.toPrecision(count))) === x);
    return [spelled(Number(x.toPrecision(digits))), x / scale];
  });
}

/** Digits alone where they are few: many digits may as well be an identifier. */
export function spelled(x: number): string {
  return Math.abs(x) < 2 ** 53 ? String(x) : x.toExponential();
}

/** Numbers as people write them: decimal commas, thousands, a sign of money, a long minus. */
function money(making: Making): Made {
  const { draw } = making;
  const decimal = oneOf(draw, ['.', ',']);
  const group = oneOf(draw, ['', decimal === '.' ? ',' : '.', ' ', "'", '\u00a0']);
  const places = oneOf(draw, [0, 1, 2, 3]);
  const [before, after] = oneOf(draw, [
    ...[
      ['', ''],
      ['', ''],
      ['', ''],
      ['$', ''],
      ['€ ', ''],
      ['£', ''],
    ],
    ...[
      ['', ' €'],
      ['', '%'],
      ['', ' %'],
    ],
  ]);
  const minus = oneOf(draw, ['-', '−']);
  const scale = oneOf(draw, [30, 3000, 3e6]);
  const odd = draw() < 0.05 ? 0.03 : 0;
  return column(making, 'number', () => {
    const x = Number(((draw() - 0.2) * scale).toFixed(places));
    if (odd > draw()) return ['ask', 0, '0'];
    const [digits, rest] = Math.abs(x).toFixed(places).split('.');
    const groups = digits.replace(/\B(?=(\d{3})+$)/g, group);
    const text = `${before}${groups}${rest === undefined ? '' : decimal + rest}${after}`;
    return [x < 0 ? minus + text : text, x / scale, String(x)];
  });
}

/** Digits that are names, because some of them begin with a zero or are too long for a number. */
function codes(making: Making): Made {
  const { draw } = making;
  const isLong = draw() < 0.4;
  const list = isLong
    ? ['9007199254740992', '9007199254740993', '1750000000000000001', '-9007199254740993'].slice(0, 2 + whole(draw, 3))
    : ['007', '7', '07', '10', '00', '0', '1.5'].slice(0, 2 + whole(draw, 6));
  return column(making, isLong ? 'whole' : 'text', () => {
    const at = whole(draw, list.length);
    return [list[at], at / list.length];
  });
}

/** Days or times, in one of the orders and spellings that people have. */
function dates(making: Making): Made {
  const { draw } = making;
  const hasTime = draw() < 0.5;
  const span = oneOf(draw, [2, 25, 400, 9000]);
  const start = Math.floor(Date.UTC(oneOf(draw, [1961, 2020, 2023]), whole(draw, 12), 1) / 1000);
  const [order, mark] = oneOf(draw, [
    ...[
      ['ymd', '-'],
      ['ymd', '-'],
      ['ymd', '/'],
      ['ymd', '.'],
    ],
    ...[
      ['dmy', '.'],
      ['dmy', '/'],
      ['mdy', '/'],
      ['dmy', '-'],
    ],
  ]);
  const isPadded = order === 'ymd' || draw() < 0.5;
  const [unit, join] = [oneOf(draw, [60, 1, 0.001]), oneOf(draw, ['T', ' '])];
  const offsets = oneOf(draw, [[0], [0], [0], [0, 3600, -12_600]]);
  const isZoned = offsets.length > 1 || draw() < 0.2;
  return column(making, hasTime ? 'timestamp' : 'date', () => {
    const day = whole(draw, span);
    const clock = hasTime ? Math.floor((DAY / unit) * draw()) * unit : 0;
    const offset = hasTime ? oneOf(draw, offsets) : 0;
    const time = Math.round(1000 * (start + DAY * day + clock));
    const [date, hours] = new Date(time + 1000 * offset).toISOString().replace('Z', '').split('T');
    const [y, m, d] = date.split('-').map((part) => (isPadded ? part : String(Number(part))));
    const parts = { ymd: [y, m, d], dmy: [d, m, y], mdy: [m, d, y] }[order as 'ymd'].join(mark);
    const shown = unit === 60 ? hours.slice(0, 5) : unit === 1 ? hours.slice(0, 8) : hours;
    const sign = offset < 0 ? '-' : '+';
    const [hh, mm] = [Math.abs(offset) / 3600, (Math.abs(offset) / 60) % 60].map((x) =>
      String(Math.floor(x)).padStart(2, '0'),
    );
    const zone = !isZoned ? '' : offset === 0 ? 'Z' : `${sign}${hh}:${mm}`;
    const iso = new Date(time).toISOString().replace('Z', '');
    return [hasTime ? `${parts}${join}${shown}${zone}` : parts, day / span, hasTime ? iso : iso.slice(0, 10)];
  });
}

/** Numbers among which a few texts stand. */
function mostlyNumbers(making: Making): Made {
  const { draw } = making;
  const odd = oneOf(draw, ['ask', 'about 5', 'n.d.', '12a', '1,5']);
  const range = oneOf(draw, [4, 20, 60]);
  return column(making, 'text', () => {
    const x = whole(draw, range);
    return [draw() < 0.04 ? odd : String(x), x / range];
  });
}

function constant(making: Making): Made {
  const text = oneOf(making.draw, ['same', '1', 'yes', '-3.5', '2024-02-29', '-']);
  return column(making, 'text', () => [text, 0]);
}

const KINDS = [
  ...[flag, flag, answers, answers, words, words, words, longList, identifiers, constant],
  ...[wholes, wholes, decimals, decimals, floats, ties, money, money, money, codes, dates, dates, mostlyNumbers],
];

/** Holes and white space. Typed files have NULL, NaN or, among texts, what text files have. */
const SPELLS_NUMBER = /^-?\d/;

function withHoles({ draw }: Making, made: Made, share: number, usual: readonly string[] = USUAL_HOLES): Made {
  const { held } = made;
  const isPadded = held === 'text' && draw() < 0.3;
  const list = oneOf(draw, [HOLES, HOLES, usual, [...usual, ...OTHER_HOLES], OTHER_HOLES]);
  const isNan = (held === 'number' || held === 'float') && draw() < 0.3;
  const isNull = draw() < 0.6;
  const isNumber = held === 'number' || held === 'float' || held === 'whole';
  const values = [...made.values];
  const cells = made.cells.map((cell, row) => {
    if (draw() < share) {
      const hole = oneOf(draw, list);
      const isTold = !isNull && (held === 'text' || (isNumber && SPELLS_NUMBER.test(hole)));
      values[row] = isNan ? 'NaN' : !isTold ? null : held === 'text' ? hole : String(Number(hole));
      return hole;
    }
    if (!isPadded || draw() < 0.7) return cell;
    const padded = `${oneOf(draw, [' ', '\t', ''])}${cell}  `;
    if (values[row] === cell) values[row] = padded;
    return padded;
  });
  return { ...made, cells, values };
}

/** @param rowCount by default small, or now and then around the 2,048 rows of one of the engine's vectors */
export function randomTable(seed: number, rowCount?: number): RandomTable {
  const draw = drawing(seed);
  const usual =
    draw() < 0.2 ? oneOf(draw, [2047, 2048, 2049, 4096, 4097]) : 1 + whole(draw, oneOf(draw, [12, 300, 300, 900]));
  const making: Making = { draw, rowCount: rowCount ?? usual };
  const missing = oneOf(draw, ['auto', 'auto', 'auto', 'refuse', 'indicator', 'drop-rows'] as const);
  const isHoly = missing === 'refuse' ? draw() < 0.05 : draw() < 0.8;
  const missingValues = draw() < 0.85 ? undefined : oneOf(draw, [[], ['-999', 'NA'], ['none', 'x']]);
  const holes = missingValues?.includes('-999') ? ['-999', '-999.0', 'NA', ''] : undefined;
  const isOddlyNamed = draw() < 0.4;
  const isLarge = making.rowCount > 5000;
  const made = Array.from({ length: 2 + whole(draw, 6) }, (_, k) => {
    // Texts of five values and more are what rows once lost their order by, where there are many.
    const kind = isLarge && k === 0 ? words(making, 5) : oneOf(draw, KINDS)(making);
    return isHoly && draw() < 0.5 ? withHoles(making, kind, oneOf(draw, [0.02, 0.02, 0.1, 0.1, 0.3, 1]), holes) : kind;
  });
  const firstName = whole(draw, NAMES.length);
  const named = made.map((each, k) => ({
    ...each,
    name: isOddlyNamed ? NAMES[(firstName + k) % NAMES.length] : `column ${k}`,
  }));
  const { target, loss, logTarget } = targetColumn(making, made);
  const idAs = oneOf(draw, ['number', 'text'] as const);
  const start = whole(draw, 1000);
  const ids = Array.from({ length: making.rowCount }, (_, row) => `${idAs === 'text' ? 'row ' : ''}${start + row}`);
  const columns: TableColumn[] = named.map(({ size: _, ...column }) => column);
  const isHolyTarget = (missing === 'drop-rows' || missing === 'auto') && isHoly && draw() < 0.6;
  const { size: _, ...ofTarget } = isHolyTarget ? withHoles(making, target, 0.04, holes) : target;
  columns.splice(whole(draw, columns.length), 0, { name: 'the target', ...ofTarget });
  columns.splice(whole(draw, columns.length), 0, { name: 'id', held: idAs, cells: ids, values: ids });
  const isIdLeftOut = idAs === 'number' || draw() < 0.7;
  // Not times: how a typed one is spelled is for the file to say.
  const plain = named.filter(({ held, name }) => held === 'text' && !name.includes(',') && !name.includes('"'));
  const named1 = draw() < 0.15 && plain.length > 0 ? [oneOf(draw, plain).name] : [];
  const isNumberNamed = named1.length > 0 && draw() < 0.4;
  return {
    ...{ seed, columns, rowCount: making.rowCount, loss },
    options: {
      target: 'the target',
      exclude: isIdLeftOut ? ['id'] : [],
      bins: oneOf(draw, [4, 4, 2, 7]),
      ...{ missing, logTarget, missingValues },
      ...{ text: isNumberNamed ? [] : named1, number: isNumberNamed ? named1 : [] },
      decimal: draw() < 0.9 ? undefined : oneOf(draw, ['.', ','] as const),
    },
    degree: isLarge ? 1 : 1 + whole(draw, 2),
    method: isLarge
      ? 'estimate'
      : loss === 'logistic'
        ? 'ridge'
        : oneOf(draw, ['ridge', 'ridge', 'least-squares', 'lasso', 'estimate'] as const),
    delimiter: oneOf(draw, [',', ',', ';', '|', '\t']),
    newline: oneOf(draw, ['\n', '\n', '\r\n']),
  };
}

// Two classes, several or a number, from two of the columns and some noise.
function targetColumn(making: Making, made: readonly Made[]) {
  const { draw, rowCount } = making;
  const [a, b] = [oneOf(draw, made).size, oneOf(draw, made).size];
  const noise = 0.3 * draw();
  const score = Float64Array.from(
    a,
    (x, row) => (x > 0.5 ? 1 : 0) - (b[row] > 0.4 ? 0.6 : 0) + noise * (draw() - 0.5) * 4,
  );
  const kind = oneOf(draw, ['two', 'two', 'answers', 'number', 'comma', 'logarithm', 'several'] as const);
  const pair = oneOf(draw, kind === 'answers' ? ANSWERS : FLAGS);
  const cases = kind === 'answers' ? oneOf(draw, [1, 3]) : 1;
  const several = oneOf(draw, [
    ['low', 'middle', 'high'],
    ['b', 'a', 'ç', 'Z'],
    ['007', '7', '12'],
  ]);
  const isNumber = kind === 'number' || kind === 'comma' || kind === 'logarithm';
  const isDigit = /^\d$/.test(pair[1]);
  const held =
    isNumber || (kind === 'two' && isDigit) ? 'number' : kind === 'two' && pair[1] === 'true' ? 'boolean' : 'text';
  const target = column(making, held, (row) => {
    const x = score[row];
    const bit = Number(x > 0.2);
    if (kind === 'two' || kind === 'answers') return [inCase(pair[bit], whole(draw, cases)), x];
    if (kind === 'several') return [several[Math.min(several.length - 1, Math.max(0, Math.floor(1.5 * x + 1)))], x];
    const plain = String(Number((kind === 'logarithm' ? Math.exp(x) : 10 * x).toPrecision(6)));
    return [kind === 'comma' ? plain.replace('.', ',') : plain, x, plain];
  });
  const isTwo = kind === 'two' || kind === 'answers';
  const loss: RandomTable['loss'] = isTwo && rowCount < 3000 && draw() < 0.2 ? 'logistic' : 'squared';
  return { target: { ...target, size: score }, loss, logTarget: kind === 'logarithm' };
}

/**
 * Other rows for a model of this table: cells of their columns at random, now and then one that was never seen, and holes
 * where they are allowed. @param types as which the model reads its columns
 */
export function otherRows(table: RandomTable, types: ReadonlyMap<string, string>): RandomTable {
  const draw = drawing(table.seed + 2 ** 20);
  const holes = table.options.missing === 'refuse' ? 0 : 0.1;
  const columns = table.columns.map((column): TableColumn => {
    const { name, held } = column;
    if (name === 'id') return column;
    const isInput = name !== table.options.target;
    const type = types.get(name);
    // Another number, where numbers are spelled plainly.
    const isPlain = column.cells.every((cell) => cell.trim() === '' || /^-?[\d.]+$/.test(cell));
    const unseen =
      type === 'text' && held === 'text' ? 'never seen' : type === 'number' && isPlain ? '12345' : undefined;
    const values: (string | null)[] = [];
    const cells = column.cells.map(() => {
      const row = whole(draw, table.rowCount);
      const isHole = isInput && draw() < holes;
      const isUnseen = isInput && unseen !== undefined && draw() < 0.1;
      values.push(isHole ? null : isUnseen ? (unseen ?? null) : column.values[row]);
      return isHole ? '' : isUnseen ? (unseen ?? '') : column.cells[row];
    });
    return { name, held, cells, values };
  });
  return { ...table, columns };
}

/**
 * A table whose target is a copy of one of its columns, beside a text column of so many values: whoever keeps rows in
 * order is always right.
 */
export function copiedTable(
  rowCount: number,
  categoryCount: number,
): Pick<RandomTable, 'columns' | 'rowCount' | 'delimiter' | 'newline'> {
  const draw = drawing(categoryCount);
  const flags = Array.from({ length: rowCount }, () => draw() < 0.5);
  const of = (name: string, held: Held, cell: (row: number) => string): TableColumn => {
    const cells = Array.from({ length: rowCount }, (_, row) => cell(row));
    return { name, held, cells, values: cells };
  };
  const columns = [
    of('id', 'number', String),
    of('copy', 'number', (row) => (flags[row] ? '1' : '0')),
    of('colour', 'text', () => WORDS[whole(draw, categoryCount)]),
    of('target', 'text', (row) => (flags[row] ? 'won' : 'lost')),
  ];
  return { columns, rowCount, delimiter: ',', newline: '\n' };
}

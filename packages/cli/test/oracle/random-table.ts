/**
 * Random tables of the kinds of columns people have, with a target made of some of them. A cell is its spelling in a CSV
 * file; what a typed file holds in its place is the column's business. One seed is one table, on every machine.
 */
import type { Options } from './reference.ts';

/** How typed files hold a column. */
export type Stored = 'text' | 'number' | 'boolean';

export interface TableColumn {
  readonly name: string;
  readonly stored: Stored;
  readonly cells: readonly string[];
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
const HOLES = ['', '', '?', 'NA', ' NA ', '  '];

interface Making {
  readonly draw: Draw;
  readonly rowCount: number;
}

/** A column to be: its spellings, and a number per row that a target may depend on. */
interface Made {
  readonly stored: Stored;
  readonly cells: string[];
  readonly size: Float64Array;
}

const whole = (draw: Draw, below: number): number => Math.floor(draw() * below);
const oneOf = <T>(draw: Draw, of: readonly T[]): T => of[whole(draw, of.length)];

function column({ draw, rowCount }: Making, stored: Stored, cell: (row: number) => readonly [string, number]): Made {
  const size = new Float64Array(rowCount);
  const cells = Array.from({ length: rowCount }, (_, row) => {
    const [text, value] = cell(row);
    size[row] = value;
    return text;
  });
  const isTyped = stored !== 'text' && draw() < 0.7;
  return { stored: isTyped ? stored : 'text', cells, size };
}

function flag(making: Making): Made {
  const { draw } = making;
  const pair = oneOf(draw, FLAGS);
  const share = 0.1 + 0.8 * draw();
  const stored = pair[1] === 'true' ? 'boolean' : /^\d$/.test(pair[1]) ? 'number' : 'text';
  return column(making, stored, () => {
    const bit = Number(draw() < share);
    return [pair[bit], bit];
  });
}

function words(making: Making, fewest = 3): Made {
  const { draw } = making;
  const count = fewest + whole(draw, draw() < 0.2 ? 36 : 10);
  const first = whole(draw, WORDS.length);
  const list = Array.from({ length: count }, (_, i) => WORDS[(first + i) % WORDS.length]);
  if (draw() < 0.3) list.splice(0, 2, oneOf(draw, ODD_WORDS), 'Zürich');
  const skew = draw() < 0.5 ? 1 : 3;
  return column(making, 'text', () => {
    const at = Math.floor(count * draw() ** skew);
    return [list[at], at / count];
  });
}

function identifiers(making: Making): Made {
  const { draw, rowCount } = making;
  const count = Math.max(1, Math.round(rowCount * (0.3 + 0.7 * draw())));
  return column(making, 'text', (row) => [`name ${(row * 7919) % count}`, 0]);
}

function wholes(making: Making): Made {
  const { draw } = making;
  const range = oneOf(draw, [3, 4, 5, 8, 40, 5000]);
  const low = whole(draw, 3) - 1;
  const spellings = [
    String,
    (x: number) => `${x}.0`,
    (x: number) => (x < 0 ? String(x) : `+${x}`),
    (x: number) => `${x}e0`,
  ];
  const isSpelled = draw() < 0.3;
  return column(making, 'number', () => {
    const x = low + whole(draw, range);
    return [isSpelled ? oneOf(draw, spellings)(x) : String(x), (x - low) / range];
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

/** Digits alone where they are few: many digits may as well be an identifier. */
export function spelled(x: number): string {
  return Math.abs(x) < 2 ** 53 ? String(x) : x.toExponential();
}

function constant(making: Making): Made {
  const text = oneOf(making.draw, ['same', '1', 'yes', '-3.5']);
  return column(making, 'text', () => [text, 0]);
}

const KINDS = [flag, flag, words, words, words, wholes, wholes, decimals, decimals, identifiers, constant];

/** Holes and white space, which mean the same in every file. */
function withHoles({ draw }: Making, made: Made, share: number): Made {
  const isPadded = made.stored === 'text' && draw() < 0.3;
  const cells = made.cells.map((cell) => {
    if (draw() < share) return oneOf(draw, HOLES);
    return isPadded && draw() < 0.3 ? `${oneOf(draw, [' ', '\t', ''])}${cell}  ` : cell;
  });
  return { ...made, cells };
}

/** @param rowCount by default small, or now and then around the 2,048 rows of one of the engine's vectors */
export function randomTable(seed: number, rowCount?: number): RandomTable {
  const draw = drawing(seed);
  const usual =
    draw() < 0.2 ? oneOf(draw, [2047, 2048, 2049, 4096, 4097]) : 1 + whole(draw, oneOf(draw, [12, 300, 300, 900]));
  const making: Making = { draw, rowCount: rowCount ?? usual };
  const missing = oneOf(draw, ['refuse', 'refuse', 'indicator', 'indicator', 'drop-rows'] as const);
  const isHoly = missing === 'refuse' ? draw() < 0.05 : draw() < 0.8;
  const isOddlyNamed = draw() < 0.4;
  const isLarge = making.rowCount > 5000;
  const made = Array.from({ length: 2 + whole(draw, 6) }, (_, k) => {
    // Texts of five values and more are what rows once lost their order by, where there are many.
    const kind = isLarge && k === 0 ? words(making, 5) : oneOf(draw, KINDS)(making);
    return isHoly && draw() < 0.5 ? withHoles(making, kind, oneOf(draw, [0.02, 0.1, 0.1, 0.3, 1])) : kind;
  });
  const firstName = whole(draw, NAMES.length);
  const named = made.map((each, k) => ({
    name: isOddlyNamed ? NAMES[(firstName + k) % NAMES.length] : `column ${k}`,
    stored: each.stored,
    cells: each.cells,
  }));
  const { target, loss, logTarget } = targetColumn(making, made);
  const idAs = oneOf(draw, ['number', 'text'] as const);
  const start = whole(draw, 1000);
  const ids = Array.from({ length: making.rowCount }, (_, row) => `${idAs === 'text' ? 'row ' : ''}${start + row}`);
  const columns = [...named];
  const holyTarget = missing === 'drop-rows' && isHoly ? withHoles(making, target, 0.05) : target;
  columns.splice(whole(draw, columns.length), 0, {
    name: 'the target',
    stored: target.stored,
    cells: holyTarget.cells,
  });
  columns.splice(whole(draw, columns.length), 0, { name: 'id', stored: idAs, cells: ids });
  const isIdLeftOut = idAs === 'number' || draw() < 0.7;
  return {
    ...{ seed, columns, rowCount: making.rowCount, loss },
    options: {
      target: 'the target',
      exclude: isIdLeftOut ? ['id'] : [],
      bins: oneOf(draw, [4, 4, 2, 7]),
      ...{ missing, logTarget },
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
  const kind = oneOf(draw, ['two', 'two', 'number', 'logarithm', 'several'] as const);
  const pair = oneOf(draw, FLAGS);
  const several = oneOf(draw, [
    ['low', 'middle', 'high'],
    ['b', 'a', 'ç', 'Z'],
  ]);
  const cells = Array.from(score, (x) => {
    if (kind === 'two') return pair[Number(x > 0.2)];
    if (kind === 'several') return several[Math.min(several.length - 1, Math.max(0, Math.floor(1.5 * x + 1)))];
    return String(Number((kind === 'number' ? 10 * x : Math.exp(x)).toPrecision(6)));
  });
  const typed =
    kind === 'number' || kind === 'logarithm' || (kind === 'two' && /^\d$/.test(pair[1])) ? 'number' : 'text';
  const stored: Stored = kind === 'two' && pair[1] === 'true' ? 'boolean' : typed;
  const loss: RandomTable['loss'] = kind === 'two' && rowCount < 3000 && draw() < 0.2 ? 'logistic' : 'squared';
  return { target: { stored, cells, size: score }, loss, logTarget: kind === 'logarithm' };
}

/**
 * Other rows for a model of this table: cells of their columns at random, now and then one that was never seen, and holes
 * where they are allowed. @param numbers which columns the model reads as numbers
 */
export function otherRows(table: RandomTable, numbers: ReadonlySet<string>): RandomTable {
  const draw = drawing(table.seed + 2 ** 20);
  const holes = table.options.missing === 'refuse' ? 0 : 0.1;
  const columns = table.columns.map((column) => {
    const { name, stored, cells } = column;
    if (name === 'id') return column;
    const isInput = name !== table.options.target;
    const unseen = numbers.has(name) ? '12345.5' : 'never seen';
    const other = cells.map(() => {
      if (isInput && draw() < holes) return '';
      return isInput && stored !== 'boolean' && draw() < 0.1 ? unseen : oneOf(draw, cells);
    });
    return { name, stored, cells: other };
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
  const cells = (cell: (row: number) => string): string[] => Array.from({ length: rowCount }, (_, row) => cell(row));
  const columns: TableColumn[] = [
    { name: 'id', stored: 'number', cells: cells(String) },
    { name: 'copy', stored: 'number', cells: cells((row) => (flags[row] ? '1' : '0')) },
    { name: 'colour', stored: 'text', cells: cells(() => WORDS[whole(draw, categoryCount)]) },
    { name: 'target', stored: 'text', cells: cells((row) => (flags[row] ? 'won' : 'lost')) },
  ];
  return { columns, rowCount, delimiter: ',', newline: '\n' };
}

/**
 * Models of every kind for the tests of exports, made by hand with names that break whatever does not quote them, and
 * rows with cells of every type and in every spelling. What they predict is said by `predictPoints` over a `memoryTable`.
 */
import {
  type Calibration,
  createRandom,
  type EncodedColumn,
  type MemoryColumn,
  type Model,
  memoryTable,
  type Provenance,
  polynomialFromTerms,
  predictPoints,
  type Random,
  type TargetSpec,
} from '@fewfire/core';
import {
  cellRulesOf,
  MISSING_AMONG_OTHERS,
  modelCoordinates,
  NO_WORDS,
  targetClasses,
  YES_WORDS,
} from '@fewfire/core/internal';

export type RawCell = string | number | boolean | Date | null;

export interface ExportCase {
  readonly name: string;
  readonly model: Model;
  /** Cells by column. */
  readonly columns: Readonly<Record<string, readonly RawCell[] | Float32Array>>;
}

/** A prediction per row: null where the row is left out. */
export interface Expected {
  readonly prediction: number | string | null;
  readonly probabilities: readonly number[] | null;
}

type Missing = 'refuse' | 'no' | 'drop';

const FLAG = 'flag "quoted"\n-- \'';
const INJECTION = `'; DROP TABLE data; --"""\n*/ \\`;
// biome-ignore lint/suspicious/noTemplateCurlyInString: a name that a template would take for its own
const AMOUNT = '</script>\u2028${1}`{x}';
export const KEYWORD = 'class';
const WORDS = '日本 😀 \\u0041 \\';
export const RESERVED = 'prediction';
const ANSWER = 'réponse';
const NEVER = 'never';
const COMMA = 'décimale';
const MONEY = 'price in $';
const SPACED = 'spaced';
const PAIR = 'pair';
const ONLY = 'only';
const CITY = 'city';
export const NOTE = 'note';
export const SINCE = 'since "when"';
const BORN = 'born';
const ONE_DAY = 'one day';
export const SINGLE = 'single';

const SPELLINGS: NonNullable<Provenance['spellings']> = {
  [COMMA]: { number: { decimal: ',', thousands: '', unit: '' } },
  [MONEY]: { number: { decimal: '.', thousands: ',', unit: '$' } },
  [SPACED]: { number: { decimal: ',', thousands: ' ', unit: '%' } },
  [BORN]: { date: 'dmy' },
};

const day = (year: number, month: number, date: number): number => Date.UTC(year, month - 1, date) / 1e3;

// biome-ignore lint/suspicious/noTemplateCurlyInString: the same of a value
const VALUES = ["it's", '"q"', '</script>', '${x}`', '%s\n\\n', 'A', '1.5', 'NaN', '😀', 'coding: utf-7', '__proto__'];

/** An encoder with a column of every type and coding. */
export function encoderColumns(missing: Missing): EncodedColumn[] {
  const rest = { missing, missingCoordinate: missing === 'no' };
  const without = { missing, missingCoordinate: false };
  return [
    { column: FLAG, type: 'boolean', coding: { kind: 'two-valued', no: 'false', yes: 'true' }, ...rest },
    { column: INJECTION, type: 'number', coding: { kind: 'two-valued', no: '0', yes: '1' }, ...rest },
    { column: AMOUNT, type: 'number', coding: { kind: 'thresholds', above: [-1.5, 0, 0.1, 1e21] }, ...rest },
    { column: KEYWORD, type: 'text', coding: { kind: 'two-valued', no: "n'o", yes: 'yes\\' }, ...rest },
    { column: WORDS, type: 'text', coding: { kind: 'categories', reference: 'TRUE', values: VALUES }, ...rest },
    {
      column: RESERVED,
      type: 'text',
      coding: { kind: 'two-valued', no: '', yes: 'x' },
      missing,
      missingCoordinate: false,
    },
    { column: ANSWER, type: 'boolean', coding: { kind: 'two-valued', no: 'Non', yes: 'OUI' }, ...rest },
    { column: NEVER, type: 'boolean', coding: { kind: 'two-valued', no: '', yes: 'nein' }, ...without },
    { column: COMMA, type: 'number', coding: { kind: 'thresholds', above: [0.5, 3.25] }, ...rest },
    { column: MONEY, type: 'number', coding: { kind: 'thresholds', above: [-2, 1000.5, 999_999] }, ...rest },
    { column: SPACED, type: 'number', coding: { kind: 'thresholds', above: [-1, 1200.5] }, ...rest },
    { column: PAIR, type: 'number', coding: { kind: 'two-valued', no: '-2', yes: '5' }, ...rest },
    { column: ONLY, type: 'number', coding: { kind: 'two-valued', no: '', yes: '7' }, ...without },
    {
      column: CITY,
      type: 'text',
      coding: { kind: 'categories', reference: null, values: ['Ulm', '7', 'none'] },
      ...rest,
    },
    {
      column: NOTE,
      type: 'text',
      coding: { kind: 'categories', reference: 'NA', values: ['a', 'b'] },
      missingTexts: ['-', 'unknown'],
      ...rest,
    },
    {
      column: SINCE,
      type: 'date',
      coding: { kind: 'thresholds', above: [day(1969, 12, 31), day(2024, 3, 5), day(2024, 3, 5) + 36_000.5] },
      ...rest,
    },
    {
      ...{ column: SINCE, type: 'date', part: 'weekday' },
      coding: { kind: 'categories', reference: 'Monday', values: ['Sunday', 'Wednesday', 'Thursday'] },
      ...without,
    },
    {
      ...{ column: SINCE, type: 'date', part: 'month' },
      coding: { kind: 'categories', reference: 'March', values: ['December', 'February', 'January'] },
      ...without,
    },
    { column: BORN, type: 'date', coding: { kind: 'thresholds', above: [day(2001, 6, 1)] }, ...rest },
    {
      ...{ column: BORN, type: 'date', part: 'month' },
      coding: { kind: 'categories', reference: 'May', values: ['October', 'December'] },
      ...without,
    },
    { column: ONE_DAY, type: 'date', coding: { kind: 'two-valued', no: '', yes: '2024-03-05' }, ...without },
    { column: SINGLE, type: 'number', coding: { kind: 'thresholds', above: [0.15, 0.25, 0.6] }, ...rest },
  ];
}

const same = { missing: 'no', missingCoordinate: false } as const;

/** Two coordinates `a=b=c`, two `x>1`, two `a missing`. */
const ALIKE: readonly EncodedColumn[] = [
  {
    column: 'a',
    type: 'text',
    coding: { kind: 'categories', reference: 'u', values: ['b=c', 'b'] },
    ...{ missing: 'no', missingCoordinate: true },
  },
  { column: 'a=b', type: 'text', coding: { kind: 'two-valued', no: 'u', yes: 'c' }, ...same },
  { column: 'a missing', type: 'number', coding: { kind: 'two-valued', no: '0', yes: '1' }, ...same },
  { column: 'x', type: 'number', coding: { kind: 'thresholds', above: [0, 1] }, ...same },
  { column: 'x>1', type: 'number', coding: { kind: 'two-valued', no: '0', yes: '1' }, ...same },
];

// Every second letter of a word, from the first or the second, in the other case.
const mixedCases = (word: string): string[] =>
  [0, 1].map((from) => Array.from(word, (letter, i) => (i % 2 === from ? letter.toUpperCase() : letter)).join(''));
const ANSWERS = [...YES_WORDS, ...NO_WORDS].flatMap((word) => [word, word.toUpperCase(), ...mixedCases(word)]);

/** Cells of one kind that a column may have. */
type Pool = readonly string[] | readonly number[] | readonly boolean[] | readonly Date[] | 'float32';

const ISO = [
  ...['2024-03-05', '2024-3-6', '2024/02/29', '2023.12.31', '1969-12-31', '1969-12-31 23:59:59.999999', '1600-01-01'],
  ...['2024-03-05 10:00', ' 2024-03-05T10:00:00.4999999Z', '2024-03-05T10:00:00.75', '2024-03-05 09:30-00:31\n'],
  ...[
    '2024-03-06T01:00:00+0530',
    '2024-01-01 00:00:00 +01:00',
    '2024-12-31T23:59:59.5-0001',
    '1900-02-28',
    '9999-12-31',
  ],
];
const DATES = ISO.slice(0, 7).map((text) => new Date(`${text.replace(/[/.]/g, '-').slice(0, 10)}Z`));
const TIMES = [
  ...DATES,
  new Date(-1),
  new Date(0),
  new Date(day(2024, 3, 5) * 1e3 + 36_000_501),
  new Date('2024-02-29T12:00Z'),
];

/** For each column, the first pool is of its own spelling. */
const POOLS: Readonly<Record<string, readonly Pool[]>> = {
  [FLAG]: [
    ['true', 'false', 'TRUE', 'False', ' 1 ', '0', '\ttrue\r\n', 'tRUE', 'yes'],
    ANSWERS,
    [1, 0, 2, -0],
    [true, false],
  ],
  [INJECTION]: [
    ['1', '0', '1.0', ' 1 ', '1e0', '-0', '+1', '.1e1', '10E-1', '2'],
    [0, 1, 0.5, 0.6],
    [true, false],
  ],
  [AMOUNT]: [
    ['-1.5', '-1.4999', '0', '-0.0', '0.1', '0.10000000000000002', ' .1', '1e21', '2e21', '-7', '1.', '007'],
    [-1.5, 0.1, 0.10000000000000002, 3e21, -0, 5],
    [true, false],
  ],
  [KEYWORD]: [["n'o", 'yes\\', ' yes\\', 'yes\\\n', 'Yes\\', 'unseen']],
  [WORDS]: [
    [...VALUES, 'TRUE', 'true', ' A ', 'a', 'A\u00a0', 'unseen', '1.50', 'None'],
    [1.5, 2, 0, -1.5],
    [true, false],
  ],
  [RESERVED]: [['x', ' x', 'y']],
  [ANSWER]: [ANSWERS, ['oui', 'non', 'Oui', 'NON', 'peut-être'], [1, 0], [true, false]],
  [NEVER]: [ANSWERS, [1, 0], [true, false]],
  [COMMA]: [
    ['3,5', '-0,5', ' 1,5e1 ', ',25', '0,5', '3,25', '3,250001'],
    ['3.5', '4', '0.5', '-1e3'],
    [0.5, 3.25, 4],
  ],
  [MONEY]: [
    ['$1,000.50', '-$2', '$-3', '1,000.51$', '$ 12', '$1,000,000', '+$0.5'],
    ['1000.50', '1000.51', '-7', '1e9'],
    [1000.5, 1e6],
  ],
  [SPACED]: [
    ['1 200,5 %', '1\u00a0200,51%', '\u22121,5%', '-1 %', '12%', '0,5\u202f%', '1 000 000%'],
    ['1200.5', '-2'],
    [-1, 1201],
  ],
  [PAIR]: [
    ['-2', '5', '1', '1.5', '1.6', '5.0', '99'],
    [-2, 5, 1.5, 1.75],
    [true, false],
  ],
  [ONLY]: [
    ['7', '7.0', '8', ' 7e0'],
    [7, 8],
  ],
  [CITY]: [
    ['Ulm', ' Ulm', 'ulm', 'elsewhere', '7', '7.0', 'none', 'None', '-'],
    [7, 8],
  ],
  [NOTE]: [
    ['a', 'b', 'NA', 'Unknown', 'c'],
    ['a', 'b', 'NA', '-', 'unknown', 'Unknown', 'c'],
  ],
  [SINCE]: [ISO, TIMES, DATES],
  [BORN]: [
    [
      '1.6.2001',
      '31/12/1999',
      '01-10-2001 08:15:01.5 +0900',
      '1.6.2001 00:00:01',
      '31.5.2001 23:59:59-0001',
      '7.12.2020',
    ],
    ISO,
    TIMES,
  ],
  [ONE_DAY]: [['2024-03-05', ' 2024-03-05', '2024-03-06']],
  [SINGLE]: [['0.1', '0.2', '0.3', '0.7'], 'float32', [0.15, 0.1, 0.9]],
};

const CLASSES = ["it's", '__proto__', '</script>', 'b"\\\n'];

const TARGETS: Readonly<Record<string, readonly [TargetSpec, readonly Calibration[]]>> = {
  number: [{ kind: 'regression', column: 'y', transform: 'none' }, [{ kind: 'none' }]],
  'log number': [
    { kind: 'regression', column: 'y', transform: 'log' },
    [{ kind: 'smearing', rowCount: 9, factor: 1.25 }],
  ],
  'log number beyond the largest double': [
    { kind: 'regression', column: 'y', transform: 'log' },
    [{ kind: 'smearing', rowCount: 9, factor: 1e308 }],
  ],
  'log number without smearing': [{ kind: 'regression', column: 'y', transform: 'log' }, [{ kind: 'none' }]],
  'two classes': [
    { kind: 'binary', column: 'y', positive: CLASSES[0], negative: CLASSES[3] },
    [{ kind: 'platt', rowCount: 9, slope: 1.75, intercept: -0.5 }],
  ],
  'two classes that tie': [{ kind: 'binary', column: 'y', positive: CLASSES[2], negative: 'n' }, [{ kind: 'none' }]],
  'four classes': [
    { kind: 'multiclass', column: 'y', classes: CLASSES },
    [
      { kind: 'platt', rowCount: 9, slope: 1.5, intercept: 0.25 },
      { kind: 'none' },
      { kind: 'platt', rowCount: 9, slope: 0, intercept: -1 },
      { kind: 'none' },
    ],
  ],
  'three classes without a chance': [
    { kind: 'multiclass', column: 'y', classes: ['a', 'b', 'c'] },
    Array.from({ length: 3 }, () => ({ kind: 'platt', rowCount: 9, slope: 1, intercept: -800 })),
  ],
};

function makeModel(
  target: TargetSpec,
  calibrations: readonly Calibration[],
  missing: Missing,
  termCount: number,
  columns: readonly EncodedColumn[] = encoderColumns(missing),
  missingValues?: readonly string[],
): Model {
  const encoder = { columns, ...(missingValues === undefined ? {} : { missingValues }) };
  const coordinates = modelCoordinates(encoder);
  const random = createRandom(7);
  const halves = target.kind === 'binary' && calibrations[0].kind === 'none';
  return {
    target,
    loss: 'squared',
    encoder,
    outputs: calibrations.map((calibration) => ({
      polynomial: polynomialFromTerms(coordinates, randomTerms(termCount, coordinates.length, random, halves)),
      calibration,
      fit: {
        ...({ method: 'ridge', degree: 3, lambda: 1, basis: 'parity', monomialCount: 1, converged: true } as const),
        ...({ l1Ratio: 1, hierarchy: 'none', refit: false, dualityGap: null } as const),
        ...{ relativeGradient: 0, targetMean: 0, support: [], confirmation: null, stability: [] },
        selection: {
          folds: 0,
          validation: 'folds',
          reason: '',
          rowCount: 0,
          budgetSeconds: 0,
          predictedSeconds: 0,
          candidates: [],
          skipped: [],
        },
      },
    })),
    training: { sampleCount: 9, fittedOn: 'all rows', test: null, notes: [], dropped: [], missing: [] },
    provenance: {
      source: { label: '*/ --> \u2028\'\'\'\n"""\r</script> //# sourceMappingURL=x', rowCount: 9 },
      seed: 1,
      command: "fewfire fit 'a\nb' # -*- coding: utf-7 -*-",
      spellings: SPELLINGS,
      versions: { fewfire: '0.1.0' },
    },
  };
}

// Of all sizes up to 3, and one more for each bit where there are several; in halves, sums are exact in every order, and many are 0.
function randomTerms(count: number, n: number, random: Random, halves: boolean) {
  const coefficient = (): number => (random.uniform() < 0.5 ? -1 : 1) * (halves ? 0.5 : random.uniform());
  const terms = Array.from({ length: count }, (_, t) => {
    const coordinates = Array.from(random.permutation(n).subarray(0, t % 4));
    return { coordinates, coefficient: coefficient() };
  });
  const single = Array.from({ length: count > 1 && !halves ? n : 0 }, (_, i) => ({
    coordinates: [i],
    coefficient: coefficient(),
  }));
  return [...single, ...terms];
}

/** A number that is another one for every set of yes and no of a few columns. */
export function bitsModel(columns: readonly EncodedColumn[]): Model {
  const [{ model }] = exportCases();
  const encoder = { columns };
  const coordinates = modelCoordinates(encoder);
  const terms = coordinates.map((_, i) => ({ coordinates: [i], coefficient: 3 ** -i }));
  const outputs = [{ ...model.outputs[0], polynomial: polynomialFromTerms(coordinates, terms) }];
  return { ...model, encoder, outputs };
}

const MISSING_CELLS = [null, '', ' ?\t', ' NA ', 'N/A', 'nan', '#N/A'];

/** @param table 0 for cells as those of the fit, otherwise each column is of any of its kinds */
function randomColumns(missing: Missing, rowCount: number, table = 0): ExportCase['columns'] {
  const random = createRandom(3 + table);
  const pick = <T>(pool: readonly T[]): T => pool[Math.floor(random.uniform() * pool.length)];
  const cellsOf = (column: string, pools: readonly Pool[]): ExportCase['columns'][string] => {
    const pool = table === 0 ? pools[0] : pick(pools);
    const isHole = (): boolean => missing !== 'refuse' && random.uniform() < (missing === 'drop' ? 0.02 : 0.15);
    if (pool === 'float32') {
      return Float32Array.from({ length: rowCount }, () => (isHole() ? Number.NaN : pick([0.1, 0.2, 0.3, 0.7])));
    }
    const [some] = pool;
    const holes =
      typeof some === 'number'
        ? [null, Number.NaN]
        : some instanceof Date
          ? [null, new Date(Number.NaN)]
          : typeof some === 'boolean'
            ? [null]
            : [...MISSING_CELLS, ...(typeOf(column) === 'text' ? [] : MISSING_AMONG_OTHERS)];
    return Array.from({ length: rowCount }, () => (isHole() ? pick<RawCell>(holes) : pick<RawCell>(pool)));
  };
  return Object.fromEntries(Object.entries(POOLS).map(([column, pools]) => [column, cellsOf(column, pools)]));
}

function typeOf(column: string): EncodedColumn['type'] | undefined {
  return encoderColumns('no').find((encoded) => encoded.column === column)?.type;
}

export function exportCases(): ExportCase[] {
  const cases: ExportCase[] = [];
  for (const [name, [target, calibrations]] of Object.entries(TARGETS)) {
    cases.push({ name, model: makeModel(target, calibrations, 'refuse', 40), columns: randomColumns('refuse', 60) });
  }
  for (const missing of ['no', 'drop'] as const) {
    for (const name of ['number', 'log number beyond the largest double', 'two classes', 'four classes']) {
      const model = makeModel(...TARGETS[name], missing, 40);
      cases.push({ name: `${name}, missing cells: ${missing}`, model, columns: randomColumns(missing, 60) });
    }
  }
  const [target, calibrations] = TARGETS.number;
  cases.push(
    { name: 'no term', model: makeModel(target, calibrations, 'refuse', 0), columns: randomColumns('refuse', 5) },
    { name: 'a constant', model: makeModel(target, calibrations, 'refuse', 1), columns: randomColumns('refuse', 5) },
    { name: 'many terms', model: makeModel(target, calibrations, 'refuse', 900), columns: randomColumns('refuse', 60) },
    {
      name: 'coordinates that would be called alike',
      model: makeModel(target, calibrations, 'no', 40, ALIKE),
      columns: {
        a: ['b=c', 'u', 'b', 'b=c', 'u', 'u', 'b'],
        'a=b': ['u', 'c', 'c', 'c', 'u', 'u', 'u'],
        'a missing': ['1', '0', '1', '0', '1', null, '0'],
        x: ['1', '2', '0', '2', '1', '2', '1'],
        'x>1': ['1', '1', '0', '0', '1', '0', '0'],
      },
    },
  );
  for (const table of [1, 2, 3, 4, 5, 6]) {
    const missing = table % 3 === 0 ? 'drop' : 'no';
    const model = makeModel(...TARGETS[table % 2 === 0 ? 'number' : 'two classes'], missing, 40);
    cases.push({ name: `cells of any type, ${table}`, model, columns: randomColumns(missing, 80, table) });
  }
  const missingValues = ['Ulm', '8', '2024-03-05', 'nein', '$ 12'];
  cases.push({
    name: 'missing cells as the user says',
    model: makeModel(target, calibrations, 'no', 40, encoderColumns('no'), missingValues),
    columns: {
      ...randomColumns('refuse', 60),
      [NEVER]: Array.from({ length: 60 }, (_, i) => ['nein', 'NEIN', 'nee', 'ja', 'NA'][i % 5]),
      [ONE_DAY]: Array.from({ length: 60 }, () => '2024-03-05'),
    },
  });
  const isoDates = ['2024-03-05', '5.3.2024', '1900-01-01', '1969-12-31 23:59:59.5'];
  const typedDates = [new Date('2024-03-05'), new Date('1900-01-01')];
  cases.push({
    name: 'dates that count as missing',
    model: makeModel(target, calibrations, 'no', 40, encoderColumns('no'), ['2024-03-05', '1900/1/1', '8']),
    columns: {
      ...randomColumns('refuse', 60),
      [SINCE]: Array.from(
        { length: 60 },
        (_, i) => [isoDates[0], '2024/3/5T00:00Z', isoDates[3], '1900.01.01', ' 2024-03-06'][i % 5],
      ),
      [BORN]: Array.from(
        { length: 60 },
        (_, i) => ['05.03.2024', '5.3.2024 01:00+01:00', '1.1.1900', '7.12.2020'][i % 4],
      ),
      [ONE_DAY]: Array.from({ length: 60 }, (_, i) => typedDates[i % 2]),
    },
  });
  const numbers = [AMOUNT, COMMA, SPACED];
  cases.push({
    name: 'numbers that count as missing',
    model: makeModel(target, calibrations, 'no', 40, encoderColumns('no'), ['8', '999999.5']),
    columns: {
      ...randomColumns('refuse', 60),
      ...Object.fromEntries(
        numbers.map((name, k) => [name, Array.from({ length: 60 }, (_, i) => [8, 999_999.5, 2, -3][(i + k) % 4])]),
      ),
    },
  });
  return cases;
}

/** What the library predicts. */
export async function expectedOf({ model, columns }: Pick<ExportCase, 'model' | 'columns'>): Promise<Expected[]> {
  const table = memoryTable(columns as Record<string, MemoryColumn>, { rules: cellRulesOf(model) });
  const { points, rows } = await table.encode(model.encoder);
  const { numbers, classes, probabilities } = await predictPoints(model, points);
  const all: Expected[] = Array.from({ length: table.rowCount }, () => ({ prediction: null, probabilities: null }));
  for (let i = 0; i < points.rowCount; i++) {
    all[rows === undefined ? i : rows[i]] = {
      prediction: numbers === undefined ? (classes?.[i] ?? null) : numbers[i],
      probabilities: probabilities === undefined ? null : probabilities.map((each) => each[i]),
    };
  }
  return all;
}

/** The rows of columns, as objects. */
export function rowsOf({ columns }: Pick<ExportCase, 'columns'>): Record<string, RawCell>[] {
  const entries = Object.entries(columns);
  return Array.from(entries[0][1], (_, i) => Object.fromEntries(entries.map(([name, cells]) => [name, cells[i]])));
}

/** From what a runtime returned (an object of probabilities by class, or none) to what is expected. */
export function fromResult(
  model: Model,
  result: { prediction: number | string | null; probabilities?: Record<string, number> | null },
): Expected {
  const chances = result.probabilities ?? null;
  return {
    prediction: result.prediction,
    probabilities: chances === null ? null : targetClasses(model.target).map((name) => chances[name]),
  };
}

/** How far apart two predictions are, relative to the expected; infinite for different classes or gaps. */
export function difference(found: Expected, expected: Expected): number {
  const apart = (a: unknown, b: unknown): number => {
    if (typeof a === 'number' && typeof b === 'number') return a === b ? 0 : Math.abs(a - b) / Math.abs(b);
    return a === b ? 0 : Number.POSITIVE_INFINITY;
  };
  const chances = expected.probabilities?.map((p, k) => apart(found.probabilities?.[k], p)) ?? [];
  const same = (found.probabilities === null) === (expected.probabilities === null) ? 0 : Number.POSITIVE_INFINITY;
  return Math.max(same, apart(found.prediction, expected.prediction), ...chances);
}

/** Single cells that the library refuses, with the column the message must name. */
export const REFUSED: readonly (readonly [column: string, cell: RawCell])[] = [
  [AMOUNT, 'abc'],
  [AMOUNT, '1_000'],
  [AMOUNT, 'nan'],
  [AMOUNT, Number.NaN],
  [AMOUNT, '-Infinity'],
  [AMOUNT, Number.POSITIVE_INFINITY],
  [AMOUNT, '1e999'],
  [AMOUNT, '١'],
  [AMOUNT, '0x10'],
  [AMOUNT, '1,5'],
  [COMMA, '1,5,0'],
  [MONEY, '$1,00'],
  [MONEY, '€5'],
  [INJECTION, 'true'],
  [INJECTION, ''],
  [WORDS, ' ? '],
  [FLAG, null],
  [FLAG, ' N.A. '],
  [FLAG, '--'],
  [NOTE, 'unknown'],
  [SINCE, 'yesterday'],
  [SINCE, '2023-02-29'],
  [SINCE, '2024-00-10'],
  [SINCE, '2024-13-01'],
  [SINCE, '2024-03-05 24:00'],
  [SINCE, '2024-03-05Z'],
  [SINCE, 5],
  [SINCE, true],
  [SINCE, null],
  [BORN, '31.6.2001'],
  [BORN, '12/31/2001'],
];

/** A row that the library predicts. */
const GOOD: Readonly<Record<string, RawCell>> = {
  ...{
    [FLAG]: 'true',
    [INJECTION]: '1',
    [AMOUNT]: '1.5',
    [KEYWORD]: "n'o",
    [WORDS]: 'A',
    [RESERVED]: 'x',
    [ANSWER]: 'oui',
  },
  ...{
    [NEVER]: 'nein',
    [COMMA]: '1,5',
    [MONEY]: '$1,000.50',
    [SPACED]: '1 %',
    [PAIR]: '5',
    [ONLY]: '7',
    [CITY]: 'Ulm',
  },
  ...{ [NOTE]: 'a', [SINCE]: '2024-03-05', [BORN]: '31.5.2001', [ONE_DAY]: '2024-03-05', [SINGLE]: '0.1' },
};

/** A table in which the library refuses that cell: alone it might tell another spelling of its column. */
export function refusedTable(column: string, cell: RawCell): Record<string, RawCell[]> {
  return Object.fromEntries(
    Object.entries(rowWith(column, cell)).map(([name, cells]) => [name, [GOOD[name], ...cells]]),
  );
}

/** That row with one cell changed, for example to one that the library refuses. */
export function rowWith(column: string, cell: RawCell): Record<string, RawCell[]> {
  return Object.fromEntries(Object.entries({ ...GOOD, [column]: cell }).map(([name, value]) => [name, [value]]));
}

/**
 * Models of every kind for the tests of exports, made by hand with names that break whatever does not quote them, and
 * rows with cells in every spelling. What they predict is said by `predictPoints` over a `memoryTable`.
 */
import {
  type Calibration,
  createRandom,
  type EncodedColumn,
  type MemoryColumn,
  type Model,
  memoryTable,
  modelCoordinates,
  polynomialFromTerms,
  predictPoints,
  type Random,
  type TargetSpec,
  targetClasses,
} from '@fewfire/core';

export type RawCell = string | number | boolean | null;

export interface ExportCase {
  readonly name: string;
  readonly model: Model;
  /** Cells by column. */
  readonly columns: Readonly<Record<string, readonly RawCell[]>>;
}

/** A prediction per row: null where the row is left out. */
export interface Expected {
  readonly prediction: number | string | null;
  readonly probabilities: readonly number[] | null;
}

type Missing = 'refuse' | 'no' | 'drop';

export const FLAG = 'flag "quoted"\n-- \'';
export const INJECTION = `'; DROP TABLE data; --"""\n*/ \\`;
// biome-ignore lint/suspicious/noTemplateCurlyInString: a name that a template would take for its own
export const AMOUNT = '</script>\u2028${1}`{x}';
export const KEYWORD = 'class';
export const WORDS = '日本 😀 \\u0041 \\';
export const RESERVED = 'prediction';

// biome-ignore lint/suspicious/noTemplateCurlyInString: the same of a value
const VALUES = ["it's", '"q"', '</script>', '${x}`', '%s\n\\n', 'A', '1.5', 'NaN', '😀', 'coding: utf-7', '__proto__'];

/** An encoder with a column of every coding. */
export function encoderColumns(missing: Missing): EncodedColumn[] {
  const rest = { missing, missingCoordinate: missing === 'no' };
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

const POOLS: Readonly<Record<string, readonly string[]>> = {
  [FLAG]: ['true', 'false', 'TRUE', 'False', ' 1 ', '0', '\ttrue\r\n', 'tRUE', 'yes'],
  [INJECTION]: ['1', '0', '1.0', ' 1 ', '1e0', '-0', '+1', '.1e1', '10E-1', '2'],
  [AMOUNT]: ['-1.5', '-1.4999', '0', '-0.0', '0.1', '0.10000000000000002', ' .1', '1e21', '2e21', '-7', '1.'],
  [KEYWORD]: ["n'o", 'yes\\', ' yes\\', 'yes\\\n', 'Yes\\', 'unseen'],
  [WORDS]: [...VALUES, 'TRUE', 'true', ' A ', 'a', 'A\u00a0', 'unseen', '1.50'],
  [RESERVED]: ['x', ' x', 'y'],
};

const CLASSES = ["it's", '__proto__', '</script>', 'b"\\\n'];

const TARGETS: Readonly<Record<string, readonly [TargetSpec, readonly Calibration[]]>> = {
  number: [{ kind: 'regression', column: 'y', transform: 'none' }, [{ kind: 'none' }]],
  'log number': [
    { kind: 'regression', column: 'y', transform: 'log' },
    [{ kind: 'smearing', rowCount: 9, factor: 1.25 }],
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
): Model {
  const encoder = { columns };
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
        ...{ method: 'ridge', degree: 3, lambda: 1, basis: 'parity', monomialCount: 1, converged: true },
        ...{ relativeGradient: 0, targetMean: 0, support: [], confirmation: null, stability: [] },
        selection: { folds: 0, rowCount: 0, budgetSeconds: 0, predictedSeconds: 0, candidates: [], skipped: [] },
      },
    })),
    training: { sampleCount: 9, fittedOn: 'all rows', test: null, notes: [], dropped: [], missing: [] },
    provenance: {
      source: { label: '*/ --> \u2028\'\'\'\n"""\r</script> //# sourceMappingURL=x', rowCount: 9 },
      seed: 1,
      command: "fewfire fit 'a\nb' # -*- coding: utf-7 -*-",
      versions: { fewfire: '0.1.0' },
    },
  };
}

// Of all sizes up to 3; in halves, sums are exact in every order, and many are 0.
function randomTerms(count: number, n: number, random: Random, halves: boolean) {
  return Array.from({ length: count }, (_, t) => {
    const coordinates = Array.from(random.permutation(n).subarray(0, t % 4));
    const size = halves ? 0.5 : random.uniform();
    return { coordinates, coefficient: random.uniform() < 0.5 ? -size : size };
  });
}

function randomColumns(missing: Missing, rowCount: number): Record<string, RawCell[]> {
  const random = createRandom(3);
  const pick = (pool: readonly string[]): string => pool[Math.floor(random.uniform() * pool.length)];
  return Object.fromEntries(
    Object.entries(POOLS).map(([column, pool]) => [
      column,
      Array.from({ length: rowCount }, () => {
        if (missing === 'refuse' || random.uniform() > 0.15) return pick(pool);
        return [null, '', '?', ' NA '][Math.floor(random.uniform() * 4)];
      }),
    ]),
  );
}

/** Cells of other types than those of the fit. */
function typedColumns(): Record<string, RawCell[]> {
  return {
    [FLAG]: [1, 0, 2, 1, 0, 1],
    [INJECTION]: [true, false, true, true, false, false],
    [AMOUNT]: [-1.5, 0.1, 0.10000000000000002, 3e21, -0, 5],
    [KEYWORD]: [1, 2, 3, 4, 5, 6],
    [WORDS]: [1.5, 2, 0, 1.5, -1.5, 7],
    [RESERVED]: [3, 4, 5, 6, 7, 8],
  };
}

export function exportCases(): ExportCase[] {
  const cases: ExportCase[] = [];
  for (const [name, [target, calibrations]] of Object.entries(TARGETS)) {
    cases.push({ name, model: makeModel(target, calibrations, 'refuse', 40), columns: randomColumns('refuse', 60) });
  }
  for (const missing of ['no', 'drop'] as const) {
    for (const name of ['number', 'two classes', 'four classes']) {
      const model = makeModel(...TARGETS[name], missing, 40);
      cases.push({ name: `${name}, missing cells: ${missing}`, model, columns: randomColumns(missing, 60) });
    }
  }
  const [target, calibrations] = TARGETS.number;
  cases.push(
    { name: 'no term', model: makeModel(target, calibrations, 'refuse', 0), columns: randomColumns('refuse', 5) },
    { name: 'a constant', model: makeModel(target, calibrations, 'refuse', 1), columns: randomColumns('refuse', 5) },
    { name: 'many terms', model: makeModel(target, calibrations, 'refuse', 900), columns: randomColumns('refuse', 60) },
    { name: 'cells of other types', model: makeModel(target, calibrations, 'refuse', 40), columns: typedColumns() },
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
  return cases;
}

/** What the library predicts. */
export async function expectedOf({ model, columns }: Pick<ExportCase, 'model' | 'columns'>): Promise<Expected[]> {
  const table = memoryTable(columns as Record<string, MemoryColumn>);
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
  return entries[0][1].map((_, i) => Object.fromEntries(entries.map(([name, cells]) => [name, cells[i]])));
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
  [AMOUNT, '-Infinity'],
  [AMOUNT, '1e999'],
  [AMOUNT, '١'],
  [AMOUNT, '0x10'],
  [INJECTION, 'true'],
  [INJECTION, ''],
  [WORDS, ' ? '],
  [FLAG, null],
];

/** A row that the library predicts, with one cell changed to one it refuses. */
export function refusedColumns(column: string, cell: RawCell): Record<string, RawCell[]> {
  const good = { [FLAG]: 'true', [INJECTION]: '1', [AMOUNT]: '1', [KEYWORD]: 'x', [WORDS]: 'A', [RESERVED]: 'x' };
  return Object.fromEntries(Object.entries({ ...good, [column]: cell }).map(([name, value]) => [name, [value]]));
}

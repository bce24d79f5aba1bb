/** Rows that weigh nothing are not there, weights on few rows are no sample, and a score weighs as the fit did. */
import { describe, expect, it } from 'vitest';
import {
  createRandom,
  type FitTableOptions,
  fitTable,
  type MemoryColumn,
  type Model,
  meanSquaredError,
  memoryTable,
  noteText,
  parseModel,
  scoreTable,
  serializeModel,
  type Table,
} from '../src/index.ts';
import { checkFoldWeights } from '../src/internal.ts';
import { noteTexts } from './helpers.ts';

type Columns = Record<string, MemoryColumn & readonly unknown[]>;

const random = createRandom(31);
const ROWS = 240;
const bits = (): number[] => Array.from({ length: ROWS }, () => random.integer(2));
const a = bits();
const b = bits();
const size = a.map(() => Math.round(40 * random.normal()));
const colour = a.map(() => ['red', 'green', 'blue'][random.integer(3)]);
const y = a.map((bit, i) => 3 * bit + (b[i] ^ bit) + size[i] / 40 + 0.3 * random.normal());
const w = a.map(() => Math.exp(0.5 * random.normal()));

/** Every row twice: once as it is, and once spoilt in every column, with weight 0. */
function withZeros(columns: Columns): Columns {
  const spoilt: Columns = {
    a: a.map(() => 'neither'),
    b: a.map(() => 7),
    size: size.map((value) => 1000 + value),
    colour: colour.map(() => 'infra-red'),
    y: y.map((value) => -500 * value),
    kind: a.map(() => 'unheard of'),
    w: w.map(() => 0),
  };
  const both = (real: readonly unknown[], zero: readonly unknown[]): unknown[] =>
    real.flatMap((cell, i) => [zero[i], cell]);
  return Object.fromEntries(
    Object.entries(columns).map(([name, cells]) => [name, both(cells, spoilt[name])]),
  ) as Columns;
}

/** The rows as they are named among those of weight 0: draws go by names. */
function withoutZeros(columns: Columns): Table {
  return { ...memoryTable(columns), rowKeys: Uint32Array.from(a, (_, i) => 2 * i + 1) };
}

function withoutOrigin({ training, provenance: _, ...rest }: Model) {
  return { ...rest, training: { ...training, notes: training.notes.filter(({ kind }) => kind !== 'zero-weights') } };
}

describe('rows of weight 0', () => {
  const columns = { a, b, size, colour, y, w };
  const options: FitTableOptions = { target: 'y', weight: 'w', degree: 2 };

  it('leave the model what it is without them: types, thresholds, categories, test and intervals', async () => {
    const whole = await fitTable(withoutZeros(columns), options);
    const more = await fitTable(memoryTable(withZeros(columns)), options);
    expect(withoutOrigin(more.model)).toEqual(withoutOrigin(whole.model));
    expect(more.testRows).toEqual(whole.testRows);
    expect(noteTexts(more.model)).toContain('240 of 480 rows have weight 0 in "w" and were left out');
    expect(noteTexts(whole.model).join()).not.toContain('weight 0');
    expect(more.model.training.sampleCount).toBe(ROWS);
  });

  it('have no class either', async () => {
    const kind = y.map((value) => (value > 3 ? 'high' : value > 1 ? 'middle' : 'low'));
    const classes = { a, b, size, colour, kind, w };
    const whole = await fitTable(withoutZeros(classes), { ...options, target: 'kind' });
    const more = await fitTable(memoryTable(withZeros(classes)), { ...options, target: 'kind' });
    expect(more.model.target).toMatchObject({ classes: ['high', 'low', 'middle'] });
    expect(withoutOrigin(more.model)).toEqual(withoutOrigin(whole.model));
  });

  it('are left out of a test table too, and of a score', async () => {
    const zeros = withZeros(columns);
    const half = (table: Columns, from: number, to: number): Columns =>
      Object.fromEntries(Object.entries(table).map(([name, cells]) => [name, cells.slice(from, to)])) as Columns;
    const test = await fitTable(memoryTable(half(columns, 0, 120)), {
      ...options,
      test: memoryTable(half(zeros, 240, 480)),
    });
    expect(test.model.training.test?.sampleCount).toBe(120);
    expect(noteTexts(test.model)).toContain('test rows: 120 of 240 have weight 0 and were left out');
    const scored = await scoreTable(test.model, memoryTable(half(zeros, 240, 480)));
    expect(scored.zeroWeightCount).toBe(120);
    expect(scored.metrics).toEqual((await scoreTable(test.model, memoryTable(half(columns, 120, 240)))).metrics);
  });

  it('rows that all weigh the same are rows without weights', async () => {
    const equal = await fitTable(memoryTable({ ...columns, w: w.map(() => 2.5) }), options);
    const plain = await fitTable(memoryTable({ a, b, size, colour, y }), { target: 'y', degree: 2 });
    expect(equal.model.outputs).toEqual(plain.model.outputs);
    expect(equal.model.training.test).toEqual(plain.model.training.test);
  });
});

describe('weight on few rows', () => {
  const fit = (weights: readonly number[], more: Partial<FitTableOptions> = {}) =>
    fitTable(memoryTable({ a, b, y, w: weights }), { target: 'y', weight: 'w', degree: 1, ...more });

  it.each([
    [
      'one row',
      w.map((_, i) => (i === 9 ? 1 : 0)),
      /weights "w" of the table are above 0 in 1 of 240 rows; expected at least 5/,
    ],
    [
      'next to all on one row',
      w.map((_, i) => (i === 9 ? 1e9 : 1e-9)),
      /say as much as 1 of equal weight; expected at least 5/,
    ],
    ['on three', w.map((_, i) => (i < 3 ? 1 : 1e-5)), /say as much as 3 of equal weight/],
  ])('%s is refused by name', async (_name, weights, message) => {
    await expect(fit(weights)).rejects.toThrow(message);
  });

  it('is said where it is enough to go on', async () => {
    const { model } = await fit(w.map((_, i) => (i % 12 === 0 ? 1 : 1e-3)));
    const note = noteTexts(model).find((text) => text.includes('very unequal'));
    expect(note).toBe('the weights "w" are very unequal: the 240 rows say as much as 20 of equal weight');
    expect(model.training.test?.effectiveCount).toBeLessThan(12);
    expect(Number.isFinite(model.outputs[0].fit.selection.candidates[0].standardError)).toBe(true);
  });

  it('a fold or a test that has all of it is refused by name', async () => {
    const foldOf = Uint32Array.from({ length: 20 }, (_, i) => i % 5);
    const all = Float64Array.from(foldOf, (fold) => (fold === 2 ? 1 : 1e-12));
    expect(() => checkFoldWeights(foldOf, 5, all)).toThrow(/one of the 5 folds has next to all of them.*`weight`/);
    expect(() =>
      checkFoldWeights(
        foldOf,
        5,
        all.map((weight) => Math.max(weight, 1e-3)),
      ),
    ).not.toThrow();
    // One group with the weight, whichever side it falls on.
    const group = w.map((_, i) => `g${i % 8}`);
    const lopsided = memoryTable({ a, b, y, group, w: w.map((_, i) => (i % 8 === 3 ? 1 : 1e-12)) });
    await expect(
      fitTable(lopsided, { target: 'y', weight: 'w', group: 'group', degree: 1, test: 0.25 }),
    ).rejects.toThrow(/test rows have next to (all|nothing) of the weight in "w"|one of the 5 folds has next to all/);
  });
});

describe('a score weighs as the fit did', () => {
  const group = a.map((_, i) => `g${i % 30}`);
  const fitted = async (): Promise<Model> =>
    (await fitTable(memoryTable({ a, b, y, w, group }), { target: 'y', weight: 'w', group: 'group', degree: 1 })).model;

  it('also when the model has been in a file, and older files know of no weights', async () => {
    const text = await serializeModel(await fitted());
    const model = await parseModel(text, 'm.json');
    expect(model.training).toMatchObject({ weight: 'w', group: 'group' });
    const old = await parseModel(
      await serializeModel({ ...model, training: { ...model.training, weight: undefined, group: undefined } }),
      'old.json',
    );
    expect(old.training.weight).toBeUndefined();
    const scored = await scoreTable(old, memoryTable({ a, b, y, w, group }));
    expect(scored).toMatchObject({ weight: null, group: null, notes: [] });
  });

  it('by the definition of a weighted mean', async () => {
    const model = await fitted();
    const [{ polynomial }] = model.outputs;
    const scored = await scoreTable(model, memoryTable({ a, b, y, w, group }));
    expect(scored).toMatchObject({ weight: 'w', group: 'group', notes: [] });
    // Degree 1 over a and b by hand, a yes being -1.
    const value = (row: number): number => {
      let sum = 0;
      for (let t = 0; t < polynomial.termCount; t++) {
        const members = Array.from(polynomial.members.slice(polynomial.offsets[t], polynomial.offsets[t + 1]));
        sum += members.reduce((sign, s) => sign * ([a, b][s][row] === 1 ? -1 : 1), polynomial.coefficients[t]);
      }
      return sum;
    };
    const total = w.reduce((sum, weight) => sum + weight, 0);
    const error = w.reduce((sum, weight, i) => sum + weight * (y[i] - value(i)) ** 2, 0) / total;
    expect(scored.metrics.mse).toBeCloseTo(error, 9);
    expect(scored.metrics.groupCount).toBe(30);
    expect(scored.metrics.effectiveCount).toBeCloseTo(
      total ** 2 / w.reduce((sum, weight) => sum + weight * weight, 0),
      6,
    );
    expect(
      Math.abs(
        scored.metrics.mse -
          meanSquaredError(
            y,
            a.map((_, i) => value(i)),
          ),
      ),
    ).toBeGreaterThan(1e-4);
  });

  it('and says so where the table lacks the columns', async () => {
    const scored = await scoreTable(await fitted(), memoryTable({ a, b, y }, { label: 'new.csv' }));
    expect(scored).toMatchObject({ weight: null, group: null });
    expect(scored.notes.map(noteText)).toEqual([
      'new.csv has no column "w", which weighed the rows of the fit: all rows count the same',
      'new.csv has no column "group", which grouped the rows of the fit: rows count as independent',
    ]);
    expect(scored.metrics.effectiveCount).toBeUndefined();
  });
});

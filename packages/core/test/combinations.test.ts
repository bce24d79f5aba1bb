/** Combinations with what rows say of them, beside counting in the raw table; and the words they are told in. */
import { describe, expect, it } from 'vitest';
import {
  answerWords,
  type Combination,
  confirmedEffect,
  createRandom,
  fitTable,
  type MemoryColumn,
  type Model,
  memoryTable,
  patternEffectText,
  patternFactor,
  patternText,
  serializeModel,
  tellingPattern,
  toldPattern,
} from '../src/internal.ts';

const random = createRandom(9);
const rows = Array.from({ length: 1500 }, (_, i) => i);
const bits = (): number[] => rows.map(() => random.integer(2));
const table = {
  beta: bits(),
  newsletter: bits(),
  paid: bits(),
  late: bits(),
  age: rows.map((i) => (i % 13 === 0 ? null : 18 + random.integer(60))),
  city: rows.map(() => ['Rome', 'Rome', 'Oslo', 'Bern'][random.integer(4)]),
  sex: rows.map(() => ['f', 'm'][random.integer(2)]),
} satisfies Record<string, MemoryColumn>;
type Row = { [Name in keyof typeof table]: (typeof table)[Name][number] };
const rowAt = (i: number): Row =>
  Object.fromEntries(Object.entries(table).map(([name, cells]) => [name, cells[i]])) as unknown as Row;

/** What each row says, read from words by whoever knows the table: no encoder. */
const answers: Readonly<Record<string, (row: Row) => boolean>> = {
  'beta and not newsletter': (row) => row.beta === 1 && row.newsletter === 0,
  'exactly one of paid and late': (row) => row.paid !== row.late,
  'city is Oslo': (row) => row.city === 'Oslo',
  'city is Bern': (row) => row.city === 'Bern',
  'sex is f': (row) => row.sex === 'f',
};
const means = (values: readonly number[], isIn: (row: Row) => boolean): { in: number; out: number } => {
  const side = (wanted: boolean): number => {
    const some = rows.filter((i) => isIn(rowAt(i)) === wanted);
    return some.reduce((sum, i) => sum + values[i], 0) / some.length;
  };
  return { in: side(true), out: side(false) };
};

function told(model: Model, output = 0) {
  const words = answerWords(model.encoder);
  return (model.outputs[output].fit.combinations ?? []).map((combination) => ({
    ...toldPattern(combination, words),
    combination,
    text: patternText(
      toldPattern(combination, words).pattern,
      combination.coordinates.map((s) => words[s]),
    ),
  }));
}

function expectCounted(model: Model, values: readonly number[], wanted: readonly string[], output = 0): void {
  const list = told(model, output);
  for (const text of wanted) {
    const found = list.find((each) => each.text === text);
    expect(found, `${text} among ${list.map((each) => each.text)}`).toBeDefined();
    const isIn = answers[text];
    const count = rows.filter((i) => isIn(rowAt(i))).length;
    expect(found?.rows, text).toEqual({ in: count, out: rows.length - count });
    expect(found?.observed.in, text).toBeCloseTo(means(values, isIn).in, 10);
    expect(found?.observed.out, text).toBeCloseTo(means(values, isIn).out, 10);
  }
}

const value = rows.map((i) => {
  const row = rowAt(i);
  return (
    (answers['beta and not newsletter'](row) ? 3 : 0) +
    (row.paid !== row.late ? 2 : 0) +
    (row.city === 'Oslo' ? 2 : 0) +
    (row.sex === 'f' ? 1 : 0) +
    0.3 * random.normal()
  );
});

describe('what rows say', () => {
  const wanted = ['beta and not newsletter', 'exactly one of paid and late', 'city is Oslo', 'sex is f'];

  it('of a number, in its own unit', async () => {
    const { model } = await fitTable(memoryTable({ ...table, y: value }), { target: 'y', method: 'stacking' });
    expectCounted(model, value, wanted);
    // What matters more comes first, and every answer has its rows.
    const list = model.outputs[0].fit.combinations as readonly Combination[];
    const shares = list.map(({ share }) => share);
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
    for (const { cells, coordinates } of list) {
      expect(cells).toHaveLength(2 ** coordinates.length);
      expect(cells.reduce((sum, cell) => sum + cell.rows, 0)).toBe(rows.length);
      const total = cells.reduce((sum, cell) => sum + cell.rows * (cell.observed ?? 0), 0);
      expect(total / rows.length).toBeCloseTo(value.reduce((sum, each) => sum + each, 0) / rows.length, 10);
      // The model says much the same.
      for (const cell of cells) if (cell.rows > 100) expect(cell.predicted).toBeCloseTo(cell.observed as number, 0);
    }
    expect(await serializeModel(model)).toContain('"combinations":[{"coordinates":');
  });

  it('of a number whose logarithm is learned, in its own unit too', async () => {
    const prices = value.map((each) => Math.exp(each / 3));
    const { model } = await fitTable(memoryTable({ ...table, y: prices }), {
      target: 'y',
      targetTransform: 'log',
      method: 'stacking',
    });
    expectCounted(model, prices, wanted);
  });

  it('of two and of several classes, by any method', async () => {
    const two = value.map((each) => (each > 3 ? 'high' : 'low'));
    for (const method of ['stacking', 'lasso'] as const) {
      const { model } = await fitTable(memoryTable({ ...table, y: two }), {
        target: 'y',
        positive: 'high',
        method,
        ...(method === 'lasso' && { degree: 2 }),
      });
      expectCounted(
        model,
        two.map((each) => Number(each === 'high')),
        wanted.slice(0, 2),
      );
    }
    const three = value.map((each) => (each > 4 ? 'high' : each > 2 ? 'middle' : 'low'));
    const { model } = await fitTable(memoryTable({ ...table, y: three }), { target: 'y', method: 'stacking' });
    expectCounted(
      model,
      three.map((each) => Number(each === 'high')),
      ['beta and not newsletter'],
      0,
    );
  });

  it('by the weights of rows', async () => {
    const weights = rows.map((i) => 1 + (i % 3));
    const { model } = await fitTable(memoryTable({ ...table, w: weights, y: value }), {
      target: 'y',
      weight: 'w',
      method: 'stacking',
    });
    const found = told(model).find(({ text }) => text === 'beta and not newsletter');
    const some = rows.filter((i) => answers['beta and not newsletter'](rowAt(i)));
    const total = some.reduce((sum, i) => sum + weights[i], 0);
    expect(found?.observed.in).toBeCloseTo(some.reduce((sum, i) => sum + weights[i] * value[i], 0) / total, 10);
    expect(found?.rows.in).toBe(some.length);
  });
});

describe('the pattern that tells rows apart', () => {
  const cells = (means: readonly number[], counts = means.map(() => 100)) =>
    means.map((observed, i) => ({ rows: counts[i], observed }));

  it.each([
    [[0.1, 0.9], { kind: 'all', yes: 1 }],
    [[0.9, 0.1], { kind: 'all', yes: 1 }],
    [[0, 0, 0, 1], { kind: 'all', yes: 3 }],
    [[0, 1, 0, 0], { kind: 'all', yes: 1 }],
    [[0, 1, 1, 1], { kind: 'any' }],
    [[1, 0, 0, 0], { kind: 'any' }],
    [[0, 1, 1, 0], { kind: 'odd' }],
    [[1, 0, 0, 1, 0, 1, 1, 0], { kind: 'odd' }],
    [[0, 0, 0, 0, 0, 1, 0, 0], { kind: 'all', yes: 5 }],
  ])('of answers with the means %o is %o', (observed, pattern) => {
    expect(tellingPattern(cells(observed)).pattern).toEqual(pattern);
  });

  it('knows no means where there are no rows', () => {
    const empty = [
      { rows: 4, observed: 0.5 },
      { rows: 0, observed: null },
    ];
    expect(tellingPattern(empty)).toMatchObject({
      rows: { in: 0, out: 4 },
      observed: { in: null, out: 0.5 },
      apart: 0,
    });
  });

  it.each([
    ['all', 1, 1],
    ['all', 0, 1],
    ...[0, 1, 2, 3].map((yes) => ['all', yes, 2]),
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((yes) => ['all', yes, 3]),
    ['any', 0, 2],
    ['any', 0, 3],
    ['odd', 0, 2],
    ['odd', 0, 3],
  ] as [string, number, number][])('%s %i of %i: a coefficient of one adds what it says', (kind, yes, degree) => {
    const pattern = kind === 'all' ? { kind, yes } : { kind };
    // f = chi over all questions: what being in the pattern adds, when f is written by that pattern and smaller products.
    const size = 2 ** degree;
    const ones = (x: number): number => x.toString(2).replaceAll('0', '').length;
    const chi = (x: number): number => (ones(x) % 2 === 0 ? 1 : -1);
    const isIn = (x: number): number =>
      Number(kind === 'all' ? x === yes : kind === 'any' ? x !== 0 : ones(x) % 2 === 1);
    const factor = patternFactor(pattern as Parameters<typeof patternFactor>[0], degree);
    // What is left is without the whole product: its sum over all answers, by the sign of their number, is zero.
    let left = 0;
    for (let x = 0; x < size; x++) left += chi(x) * (chi(x) - factor * isIn(x));
    expect(left).toBeCloseTo(0, 12);
  });
});

describe('words', () => {
  it('say the answers to every kind of question', async () => {
    const dates = rows.map((i) => new Date(Date.UTC(2024, i % 12, 1 + (i % 28))).toISOString().slice(0, 10));
    const { model } = await fitTable(
      memoryTable({
        ...table,
        day: dates,
        'a is b': rows.map((i) => 'xyz'[i % 3]),
        only: rows.map((i) => (i % 2 ? 'on file' : null)),
        y: value,
      }),
      { target: 'y', method: 'ridge', degree: 1, bins: 2 },
    );
    const words = answerWords(model.encoder);
    expect(words).toHaveLength(model.outputs[0].polynomial.coordinates.length);
    const said = words.map(({ yes, no }) => `${yes} / ${no}`);
    expect(said).toEqual(
      expect.arrayContaining([
        'beta / not beta',
        expect.stringMatching(/^age above (\d+\.5|\d+) \/ age not above \1$/),
        'age missing / age not missing',
        'city is Oslo / city is not Oslo',
        'sex is m / sex is f',
        expect.stringMatching(/^day after (2024-\S+) \/ day up to \1$/),
        'day on a Friday / day not on a Friday',
        'day in March / day not in March',
        'only is on file / only missing',
      ]),
    );
    expect(new Set(words.map(({ yes }) => yes)).size).toBe(words.length);
  });

  it('say cuts in few digits, on the same side of all other cuts', async () => {
    const size = rows.map(() => 1000 + 50 * random.normal());
    const tiny = rows.map((i) => 1 + (i % 7) * 1.0000001e-5);
    for (const bins of [2, 4, 64]) {
      const { model } = await fitTable(memoryTable({ size, tiny, y: value }), {
        ...{ target: 'y', method: 'ridge', degree: 1, bins, intervals: 'none' },
      });
      const said = answerWords(model.encoder).map(({ yes }) => Number(yes.split(' above ')[1]));
      const exact = model.encoder.columns.flatMap(({ coding }) => (coding.kind === 'thresholds' ? coding.above : []));
      expect(said).toHaveLength(exact.length);
      for (const [k, cut] of exact.entries()) {
        const nearest = exact.reduce((best, each) =>
          Math.abs(each - said[k]) < Math.abs(best - said[k]) ? each : best,
        );
        expect(nearest).toBe(cut);
        // Next to no row changes sides.
        const cells = k < exact.length - 6 && bins === 4 ? (k < 3 ? size : tiny) : [];
        expect(cells.filter((cell) => cell > cut !== cell > said[k]).length).toBeLessThan(0.05 * rows.length);
      }
      expect(Math.max(...said.slice(0, bins - 1).map((cut) => String(cut).length))).toBeLessThanOrEqual(7);
    }
  });

  it('are those of the key where they would say two things', async () => {
    const columns = { a: rows.map((i) => ['b is c', 'e', 'f'][i % 3]), 'a is b': rows.map((i) => 'cgh'[(i >> 2) % 3]) };
    const { model } = await fitTable(memoryTable({ ...columns, y: value }), {
      target: 'y',
      method: 'ridge',
      degree: 1,
    });
    const said = answerWords(model.encoder).map(({ yes }) => yes);
    expect(new Set(said).size).toBe(said.length);
  });

  it('say effects in units that people read, and none that may be nothing', () => {
    const effect = { value: Math.log(4.4), low: Math.log(3.1), high: Math.log(6) };
    const two = { kind: 'binary', column: 'y', positive: 'a', negative: 'b' } as const;
    const number = { kind: 'regression', column: 'y', transform: 'none' } as const;
    expect(patternEffectText({ target: two, loss: 'logistic' }, effect)).toBe('x 4.4 (3.1 to 6)');
    expect(patternEffectText({ target: two, loss: 'squared' }, { value: 0.12, low: 0.08, high: 0.16 })).toBe(
      '+12.0 ± 4.0 points',
    );
    expect(patternEffectText({ target: { ...number, transform: 'log' }, loss: 'squared' }, effect)).toBe(
      'x 4.4 (3.1 to 6)',
    );
    expect(patternEffectText({ target: number, loss: 'squared' }, { value: -35912, low: -38511, high: -33313 })).toBe(
      '-35,900 ± 2,600',
    );
    expect(patternEffectText({ target: number, loss: 'squared' }, { value: 1.5, low: 0.25, high: 2 })).toBe(
      '+1.50 (0.25 to 2.00)',
    );
    const terms = [
      { coordinates: [], estimate: 0, standardError: 1, low: -1, high: 1 },
      { coordinates: [1], estimate: -0.5, standardError: 0.1, low: -0.7, high: -0.3 },
      { coordinates: [2], estimate: -0.5, standardError: 0.3, low: -1.1, high: 0.1 },
    ];
    const fit = { confirmation: { terms } } as unknown as Parameters<typeof confirmedEffect>[1];
    const model = { target: number, loss: 'squared' } as const;
    expect(confirmedEffect(model, fit, [1], { kind: 'all', yes: 1 })).toEqual({ value: 1, low: 0.6, high: 1.4 });
    expect(confirmedEffect(model, fit, [1], { kind: 'all', yes: 0 })).toEqual({ value: -1, low: -1.4, high: -0.6 });
    expect(confirmedEffect(model, fit, [2], { kind: 'all', yes: 1 })).toBeUndefined();
    expect(confirmedEffect(model, fit, [3], { kind: 'all', yes: 1 })).toBeUndefined();
  });
});

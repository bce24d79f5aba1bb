/** What shuffling a column costs, beside tables with shuffled cells that are encoded and predicted anew. */
import { describe, expect, it } from 'vitest';
import {
  createRandom,
  drawOrder,
  type FitTableOptions,
  fitTable,
  type MemoryColumn,
  type Model,
  memoryTable,
  parseModel,
  predictPoints,
  sampleSeed,
  serializeModel,
  targetClasses,
} from '../src/internal.ts';

const random = createRandom(5);
const ROWS = 160;
const day = (i: number): string => new Date(Date.UTC(2024, 0, 1 + ((i * 37) % 300))).toISOString().slice(0, 10);
const range = Array.from({ length: ROWS }, (_, i) => i);
const table: Record<string, MemoryColumn> = {
  flag: range.map(() => random.integer(2)),
  age: range.map((i) => (i % 9 === 4 ? null : 20 + random.integer(50))),
  city: range.map(() => ['Rome', 'Oslo', 'Bern', 'Cork'][random.integer(4)]),
  day: range.map(day),
  noise: range.map(() => random.normal()),
};
const truth = range.map(
  (i) =>
    (table.flag[i] === 1 ? 2 : 0) +
    (((table.age[i] as number | null) ?? 30) > 40 ? 1 : -1) * (table.city[i] === 'Rome' ? 2 : 1) +
    (String(table.day[i]) > '2024-06' ? 1 : 0) +
    0.3 * random.normal(),
);
const targets: Record<string, readonly (string | number)[]> = {
  number: truth,
  price: truth.map((value) => Math.exp(1 + value / 4)),
  two: truth.map((value) => (value > 1 ? 'high' : 'low')),
  three: truth.map((value) => (value > 2 ? 'high' : value > 0 ? 'middle' : 'low')),
};

/** Loss and score by their definitions, from what is predicted for a table. */
async function quality(
  model: Model,
  columns: Record<string, MemoryColumn>,
  y: readonly (string | number)[],
  weights: readonly number[],
) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = (value: (i: number) => number): number =>
    y.reduce<number>((sum, _, i) => sum + weights[i] * value(i), 0) / total;
  const { points } = await memoryTable(columns).encode(model.encoder);
  const { numbers = [], classes = [], probabilities = [] } = await predictPoints(model, points);
  const names = targetClasses(model.target);
  if (model.target.kind !== 'regression') {
    return {
      loss: mean((i) => -Math.log(Math.min(1 - 1e-15, Math.max(1e-15, probabilities[names.indexOf(String(y[i]))][i])))),
      score: mean((i) => Number(classes[i] === y[i])),
    };
  }
  // As learned: of the logarithm, without the factor back to the mean.
  const { calibration } = model.outputs[0];
  const isLog = model.target.transform === 'log';
  const factor = calibration.kind === 'smearing' ? calibration.factor : 1;
  const learned = (value: number): number => (isLog ? Math.log(value) : value);
  const center = mean((i) => learned(y[i] as number));
  const mse = mean((i) => (learned(y[i] as number) - learned(numbers[i] / factor)) ** 2);
  return { loss: mse, score: 1 - mse / mean((i) => (learned(y[i] as number) - center) ** 2) };
}

const methods: readonly Partial<FitTableOptions>[] = [{ method: 'stacking' }, { method: 'ridge', degree: 2 }];

describe.each(Object.keys(targets))('of a target of kind %s', (kind) => {
  it.each(methods)('%o: as tables with shuffled cells say', async (choice) => {
    const y = targets[kind];
    const weights = range.map((i) => 1 + (i % 3));
    const { model } = await fitTable(memoryTable({ ...table, w: weights, y }), {
      ...choice,
      ...{ target: 'y', weight: 'w', test: 0, intervals: 'none', seed: 3, missing: 'auto' },
      ...(kind === 'price' ? { targetTransform: 'log' } : {}),
    });
    const importance = model.training.importance;
    expect(importance).toMatchObject({ rows: 'fit', rowCount: ROWS, shuffleCount: 20 });
    const losses = importance?.columns.map(({ lossRise }) => lossRise) ?? [];
    expect(losses).toEqual(losses.toSorted((a, b) => b - a));
    expect(importance?.columns.map(({ column }) => column).toSorted()).toEqual(Object.keys(table).toSorted());

    const plain = await quality(model, table, y, weights);
    const order = drawOrder({ purpose: 'shuffles', seed: 3 }, Uint32Array.from(range));
    const drawn = createRandom(sampleSeed({ purpose: 'shuffles', seed: 3 }));
    const shuffles = range.slice(0, 20).map(() => drawn.permutation(ROWS));
    for (const column of ['flag', 'age', 'city', 'day']) {
      let [rise, fall] = [0, 0];
      for (const shuffle of shuffles) {
        const cells = [...table[column]] as (string | number | null)[];
        for (let i = 0; i < ROWS; i++) cells[order[i]] = table[column][order[shuffle[i]]] as string;
        const found = await quality(model, { ...table, [column]: cells }, y, weights);
        rise += (found.loss - plain.loss) / 20;
        fall += (plain.score - found.score) / 20;
      }
      const said = importance?.columns.find((each) => each.column === column);
      expect(said?.lossRise, column).toBeCloseTo(rise, 9);
      expect(said?.scoreFall, column).toBeCloseTo(fall, 9);
      expect(rise, column).not.toBe(0);
    }
  });
});

it('is of the test rows where there are any, of the fit that is measured there, and kept in the file', async () => {
  const rows = Array.from({ length: 400 }, (_, i) => i);
  const a = rows.map(() => random.integer(2));
  const b = rows.map(() => random.integer(2));
  const y = rows.map((i) => (a[i] ^ b[i] && random.uniform() < 0.9 ? 'in' : 'out'));
  const columns = { a, b, idle: rows.map(() => random.integer(2)), same: rows.map(() => 7), y };
  const { model } = await fitTable(memoryTable(columns), { target: 'y', method: 'stacking' });
  const { importance, bestColumn } = model.training;
  expect(importance).toMatchObject({ rows: 'test', rowCount: 80 });
  expect(
    importance?.columns
      .map(({ column }) => column)
      .slice(0, 2)
      .toSorted(),
  ).toEqual(['a', 'b']);
  expect(importance?.columns.map(({ column }) => column)).toHaveLength(3);
  expect(bestColumn).toBeDefined();
  expect((await parseModel(await serializeModel(model), 'm')).training).toEqual(model.training);
});

it('follows the rows, not their order', async () => {
  const rows = Array.from({ length: 300 }, (_, i) => i);
  const a = rows.map((i) => i % 2);
  const b = rows.map((i) => (i * 7) % 5);
  const y = rows.map((i) => ((a[i] === 1 && b[i] > 2) || i % 11 === 0 ? 'in' : 'out'));
  const whole = await fitTable(memoryTable({ a, b, y }), { target: 'y', test: 0, degree: 1, method: 'ridge' });
  const again = await fitTable(memoryTable({ a, b, y }), { target: 'y', test: 0, degree: 1, method: 'ridge' });
  expect(again.model.training.importance).toEqual(whole.model.training.importance);
  const other = await fitTable(memoryTable({ a, b, y }), { target: 'y', test: 0, degree: 1, method: 'ridge', seed: 2 });
  expect(other.model.training.importance).not.toEqual(whole.model.training.importance);
});

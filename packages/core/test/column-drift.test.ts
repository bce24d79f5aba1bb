/** Columns that were swapped, negated or rescaled after the fit are named, with what happened; fresh rows are not. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type ColumnDrift,
  createRandom,
  cubePointsFromRows,
  fitTable,
  type MemoryColumn,
  type Model,
  memoryTable,
  parseModel,
  scoreTable,
  serializeModel,
} from '../src/index.ts';
import { createColumnDriftMeter, logFisherP, yesCounts } from '../src/internal.ts';

const random = createRandom(3);
type Rows = Record<string, (string | number | null)[]>;

function draw(rowCount: number): Rows {
  const column = (make: () => string | number): (string | number)[] => Array.from({ length: rowCount }, make);
  const flag = column(() => (random.uniform() < 0.7 ? 'yes' : 'no'));
  const age = column(() => Math.round(20 + 50 * random.uniform())) as number[];
  return {
    flag,
    rare: column(() => (random.uniform() < 0.25 ? 'yes' : 'no')),
    even: column(() => random.integer(2)),
    age,
    income: column(() => Math.round(Math.exp(10 + random.normal()))),
    city: column(() => ['A', 'B', 'C'][Math.floor(3 * random.uniform() ** 2)]),
    town: column(() => ['C', 'B', 'A'][Math.floor(3 * random.uniform() ** 3)]),
    stars: column(() => 5 - Math.floor(5 * random.uniform() ** 2)),
    balance: column(() => Math.round(10 * (random.normal() + 0.7)) / 10),
    y: flag.map((value, i) => (Number(value === 'yes') + Number(age[i] > 40) + random.uniform() > 1.2 ? 'p' : 'q')),
  };
}

const FIT = { target: 'y', degree: 1, intervals: 'none', method: 'ridge', folds: 2 } as const;
let model: Model;
beforeAll(async () => {
  model = (await fitTable(memoryTable(draw(1000)), FIT)).model;
});

async function driftOf(rows: Record<string, MemoryColumn>, of: Model = model): Promise<readonly ColumnDrift[]> {
  const { parts } = await memoryTable(rows).encodeParts(of.encoder);
  const meter = createColumnDriftMeter(of);
  for await (const { points } of parts) meter.add(points);
  return meter.result();
}

const numbers =
  (of: (value: number) => number, name: string) =>
  (rows: Rows): Rows => ({
    ...rows,
    [name]: rows[name].map((value) => of(value as number)),
  });
const swap =
  (a: string, b: string) =>
  (rows: Rows): Rows => ({ ...rows, [a]: rows[b], [b]: rows[a] });
const turn =
  (name: string) =>
  (rows: Rows): Rows => ({
    ...rows,
    [name]: rows[name].map((value) => (value === 'yes' ? 'no' : 'yes')),
  });
const swapped = (a: string, b: string) => ({ [a]: { kind: 'swapped', with: b }, [b]: { kind: 'swapped', with: a } });
const rescaled = (name: string, orNegated: boolean) => ({ [name]: { kind: 'rescaled', orNegated } });

describe('rows whose columns were', () => {
  const cases: readonly (readonly [string, (rows: Rows) => Rows, object])[] = [
    ['swapped, two answers', swap('flag', 'rare'), swapped('flag', 'rare')],
    ['swapped, categories', swap('city', 'town'), swapped('city', 'town')],
    ['swapped, numbers apart', swap('age', 'income'), swapped('age', 'income')],
    ['swapped, numbers that overlap', swap('stars', 'balance'), swapped('stars', 'balance')],
    ['turned round, a yes for a no', turn('flag'), { flag: { kind: 'negated' } }],
    ['turned round, 1 to 5 stars', numbers((value) => 6 - value, 'stars'), { stars: { kind: 'negated' } }],
    ['negated, of both signs', numbers((value) => -value, 'balance'), { balance: { kind: 'negated' } }],
    ['negated, of one sign', numbers((value) => -value, 'age'), rescaled('age', true)],
    ['in months for years', numbers((value) => 12 * value, 'age'), rescaled('age', false)],
    ['in thousands', numbers((value) => value / 1000, 'income'), rescaled('income', true)],
    ['in another currency, to be seen but not named', numbers((value) => 2.2 * value, 'income'), { income: null }],
  ];
  it.each(cases)('%s', async (_name, change, guesses) => {
    for (const rowCount of [150, 2000]) {
      const drift = await driftOf(change(draw(rowCount)));
      expect(Object.fromEntries(drift.map(({ column, guess }) => [column, guess]))).toEqual(guesses);
      for (const { expected, found, expectedRowCount, rowCount: rows } of drift) {
        expect([expectedRowCount, rows]).toEqual([1000, rowCount]);
        expect(Math.abs(expected - found)).toBeGreaterThanOrEqual(0.1);
      }
    }
  });

  it('the shares are those of the cells', async () => {
    const before = draw(1000);
    const { model: own } = await fitTable(memoryTable(before), FIT);
    const after = turn('flag')(draw(500));
    const share = ({ flag }: Rows): number => flag.filter((value) => value === 'yes').length / flag.length;
    expect(await driftOf(after, own)).toEqual([
      {
        ...{ column: 'flag', coordinate: 'flag', expected: share(before), found: share(after) },
        ...{ expectedRowCount: 1000, rowCount: 500, guess: { kind: 'negated' } },
      },
    ]);
  });
});

describe('no alarm', () => {
  it('for fresh rows, however many', async () => {
    for (let round = 0; round < 400; round++) {
      const rowCount = [1, 2, 5, 10, 20, 50, 200, 1000][round % 8];
      expect(await driftOf(draw(rowCount))).toEqual([]);
    }
  });

  it('for up to ten rows, whatever they hold', async () => {
    for (const rowCount of [1, 3, 10]) {
      const one = draw(1);
      expect(
        await driftOf(
          Object.fromEntries(Object.entries(one).map(([name, [cell]]) => [name, new Array(rowCount).fill(cell)])),
        ),
      ).toEqual([]);
    }
  });

  it('for a small drift in many rows, which is beyond chance', async () => {
    const rows = draw(20_000);
    expect(await driftOf({ ...rows, flag: rows.flag.map((value, i) => (i % 6 === 0 ? 'yes' : value)) })).toEqual([]);
  });

  it('for a fit of few rows, whose shares are uncertain', async () => {
    for (let round = 0; round < 20; round++) {
      const { model: small } = await fitTable(memoryTable(draw(30)), { ...FIT, test: 0 });
      expect(await driftOf(draw(5000), small)).toEqual([]);
    }
  });

  it('for a model of an older file, which keeps no counts', async () => {
    const { yesCounts: _, ...training } = model.training;
    const older = await parseModel(await serializeModel({ ...model, training }), 'old.json');
    expect(older.training.yesCounts).toBeUndefined();
    expect(await driftOf(turn('flag')(draw(500)), older)).toEqual([]);
  });
});

describe('the counts a model keeps', () => {
  it('are of the rows it was fitted on, through the file', async () => {
    const rows = draw(300);
    const { model: own } = await fitTable(memoryTable(rows), FIT);
    const { points } = await memoryTable(rows).encode(own.encoder);
    expect(own.training.yesCounts).toEqual([...yesCounts(points)]);
    expect((await parseModel(await serializeModel(own), 'x')).training.yesCounts).toEqual(own.training.yesCounts);
  });

  it('are of rows, whatever these weigh, without those of weight 0 and those dropped', async () => {
    const rows = draw(400);
    const weight = rows.y.map((_, i) => (i % 4 === 0 ? 0 : i % 4 === 1 ? 30 : 1));
    const flag = rows.flag.map((value, i) => (i % 4 === 2 ? null : value));
    const table = memoryTable({ ...rows, flag, weight });
    const { model: weighed } = await fitTable(table, { ...FIT, weight: 'weight', missing: 'drop-rows' });
    const used = flag.filter((value, i) => value !== null && i % 4 !== 0);
    expect(weighed.training.sampleCount).toBe(200);
    expect(weighed.training.yesCounts?.[0]).toBe(used.filter((value) => value === 'yes').length);
    // Predicted rows with a missing cell are dropped too, and do not count.
    const fresh = draw(400);
    const [drift, ...others] = await driftOf(
      { ...fresh, flag: fresh.flag.map((value, i) => (i % 2 === 0 ? null : value === 'yes' ? 'no' : 'yes')) },
      weighed,
    );
    expect(others).toEqual([]);
    expect(drift).toMatchObject({ column: 'flag', rowCount: 200, expectedRowCount: 200, guess: { kind: 'negated' } });
  });

  it('a column missing far more often than at the fit', async () => {
    const holes = (rows: Rows, share: number): Rows => ({
      ...rows,
      age: rows.age.map((value) => (random.uniform() < share ? null : value)),
    });
    const { model: own } = await fitTable(memoryTable(holes(draw(600), 0.1)), { ...FIT, missing: 'indicator' });
    expect(await driftOf(holes(draw(600), 0.1), own)).toEqual([]);
    expect(await driftOf(holes(draw(600), 0.8), own)).toMatchObject([{ column: 'age', coordinate: 'age missing' }]);
    expect(await driftOf(swap('age', 'income')(holes(draw(600), 0.1)), own)).toMatchObject([
      { column: 'age', guess: { kind: 'swapped' } },
      { column: 'income', guess: { kind: 'swapped' } },
    ]);
  });
});

it('score says it, of the rows it reads', async () => {
  const { drift } = await scoreTable(model, memoryTable(swap('flag', 'rare')(draw(300))));
  expect(drift.map(({ column }) => column)).toEqual(['flag', 'rare']);
  expect((await scoreTable(model, memoryTable(draw(300)))).drift).toEqual([]);
});

it('counts of yes rows are those of a loop over the rows', () => {
  for (const coordinateCount of [1, 8, 9, 21]) {
    const rows = Array.from({ length: 77 }, () => Array.from({ length: coordinateCount }, () => random.integer(2)));
    const sums = Array.from({ length: coordinateCount }, (_, j) => rows.reduce((sum, row) => sum + row[j], 0));
    expect([...yesCounts(cubePointsFromRows(rows))]).toEqual(sums);
  }
});

it("Fisher's p-value is twice the smaller tail of all ways to choose the rows", () => {
  const choose = (n: number, k: number): number => (k < 0 || k > n ? 0 : k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);
  for (let round = 0; round < 300; round++) {
    const [n, m] = [1 + random.integer(25), 1 + random.integer(25)];
    const [a, b] = [random.integer(n + 1), random.integer(m + 1)];
    const chance = (k: number): number => (choose(m, k) * choose(n, a + b - k)) / choose(n + m, a + b);
    let upper = 0;
    let lower = 0;
    for (let k = 0; k <= m; k++) {
      if (k >= b) upper += chance(k);
      if (k <= b) lower += chance(k);
    }
    expect(Math.exp(logFisherP(a, n, b, m))).toBeCloseTo(Math.min(1, 2 * Math.min(upper, lower)), 10);
  }
});

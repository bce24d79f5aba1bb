/** Boosted trees beside a plain one that shares no code, and beside the polynomials they are turned into. */
import { describe, expect, it } from 'vitest';
import {
  type BoostingOptions,
  boostTrees,
  type CoordinateColumn,
  columnCodes,
  createTurn,
  cubePointsFromRows,
  evaluatePolynomial,
  fitBoosted,
  fitTable,
  type Model,
  memoryTable,
  parseModel,
  polynomialDegree,
  selectLowDegree,
  serializeModel,
  treesPolynomial,
} from '../src/internal.ts';
import { createRandom } from './helpers.ts';

const COLUMNS: readonly CoordinateColumn[] = [
  { kind: 'thresholds', first: 0, count: 5 },
  { kind: 'categories', first: 5, count: 3 },
  { kind: 'thresholds', first: 8, count: 1 },
  { kind: 'thresholds', first: 9, count: 2 },
];
const NAMES = Array.from({ length: 11 }, (_, k) => `x${k}`);

/** Rows of these columns, as bits. */
function rowsOf(count: number, seed: number) {
  const random = createRandom(seed);
  return Array.from({ length: count }, () =>
    COLUMNS.flatMap(({ kind, count: coordinates }) => {
      const code = random.integer(coordinates + 1);
      return Array.from({ length: coordinates }, (_, k) => (kind === 'thresholds' ? code > k : code === k + 1));
    }),
  );
}

const OPTIONS: BoostingOptions = {
  depth: 2,
  roundCount: 5,
  learningRate: 0.3,
  loss: 'squared',
  leafRows: 3,
  treeRows: Number.POSITIVE_INFINITY,
  seed: 1,
};

/**
 * The same by its definition: every coordinate is tried on the rows themselves.
 * Of equal gains the first column, and in it the last coordinate.
 */
function plainly(bits: boolean[][], target: number[], weights: number[], options: BoostingOptions): number[] {
  const { depth, roundCount, learningRate, loss, leafRows } = options;
  const total = weights.reduce((a, b) => a + b, 0);
  const mean = target.reduce((sum, y, i) => sum + weights[i] * y, 0) / total;
  const values = target.map(() => (loss === 'squared' ? mean : Math.log((1 + mean) / (1 - mean))));
  for (let round = 0; round < roundCount; round++) {
    const probability = values.map((v) => 1 / (1 + Math.exp(-v)));
    const g = values.map(
      (v, i) => weights[i] * (loss === 'squared' ? v - target[i] : probability[i] - (target[i] + 1) / 2),
    );
    const h = values.map((_, i) => weights[i] * (loss === 'squared' ? 1 : probability[i] * (1 - probability[i])));
    const sum = (list: number[], rows: number[]) => rows.reduce((s, i) => s + list[i], 0);
    const score = (rows: number[]) => sum(g, rows) ** 2 / (sum(h, rows) + 1);
    const step = (rows: number[], learned: number[], level: number): void => {
      let best: { at: number; gain: number } | undefined;
      if (level < depth) {
        for (const { first, count } of COLUMNS) {
          for (let at = first + count - 1; at >= first; at--) {
            const sides = [learned.filter((i) => !bits[i][at]), learned.filter((i) => bits[i][at])];
            if (sides.some((side) => side.length < leafRows)) continue;
            const gain = score(sides[0]) + score(sides[1]) - score(learned);
            if (gain > (best?.gain ?? 1e-9) + 1e-9) best = { at, gain };
          }
        }
      }
      if (best === undefined) {
        for (const i of rows) values[i] -= (learningRate * sum(g, learned)) / (sum(h, learned) + 1);
        return;
      }
      const { at } = best;
      for (const side of [false, true]) {
        const keep = (list: number[]) => list.filter((i) => bits[i][at] === side);
        step(keep(rows), keep(learned), level + 1);
      }
    };
    const all = target.map((_, i) => i);
    step(
      all,
      all.filter((i) => weights[i] > 0),
      0,
    );
  }
  return values;
}

describe('boosted trees', () => {
  for (const loss of ['squared', 'logistic'] as const) {
    for (const depth of [1, 2, 3]) {
      it(`are those of the definition: ${loss} loss, depth ${depth}`, async () => {
        for (let seed = 1; seed <= 8; seed++) {
          const random = createRandom(100 + seed);
          const bits = rowsOf(80, seed);
          const target = bits.map((row) => {
            const signal = (row[2] !== row[8] ? 1 : -1) + (row[6] ? 1 : 0) + random.normal();
            return loss === 'squared' ? signal : signal > 0 ? 1 : -1;
          });
          const weights = bits.map(() => (seed % 2 === 0 ? 1 : random.integer(3)));
          const options = { ...OPTIONS, loss, depth };
          const points = cubePointsFromRows(bits);
          const rows = { rowCount: bits.length, columns: COLUMNS, codes: columnCodes(points, COLUMNS) };
          let last: Float64Array = new Float64Array();
          const trees = await boostTrees(
            rows,
            Float64Array.from(target),
            Float64Array.from(weights),
            options,
            (_, values) => {
              last = values;
              return true;
            },
          );
          const expected = plainly(bits, target, weights, options);
          for (const [row, value] of expected.entries()) expect(last[row]).toBeCloseTo(value, 9);
          const polynomial = await treesPolynomial(NAMES, COLUMNS, trees, createTurn(undefined));
          expect(polynomialDegree(polynomial)).toBeLessThanOrEqual(depth);
          const values = await evaluatePolynomial(polynomial, points);
          for (const [row, value] of values.entries()) expect(value).toBeCloseTo(last[row], 10);
        }
      });
    }
  }

  it('learn a product of three columns', async () => {
    const random = createRandom(5);
    const bits = Array.from({ length: 400 }, () => Array.from({ length: 6 }, () => random.integer(2) === 1));
    const columns: CoordinateColumn[] = bits[0].map((_, first) => ({ kind: 'thresholds', first, count: 1 }));
    const target = Float64Array.from(bits, (row) => (row[0] && row[1] && row[2] ? 1 : 0));
    const points = cubePointsFromRows(bits);
    const rows = { rowCount: 400, columns, codes: columnCodes(points, columns) };
    const trees = await boostTrees(rows, target, undefined, { ...OPTIONS, depth: 3, roundCount: 60 });
    const names = columns.map((_, k) => `x${k}`);
    const polynomial = await treesPolynomial(names, columns, trees, createTurn(undefined));
    const values = await evaluatePolynomial(polynomial, points);
    for (const [row, value] of values.entries()) expect(value).toBeCloseTo(target[row], 2);
  });

  it('grown on a part of the rows each are the same for the same seed, and stop when told', async () => {
    const bits = rowsOf(300, 4);
    const rows = { rowCount: 300, columns: COLUMNS, codes: columnCodes(cubePointsFromRows(bits), COLUMNS) };
    const target = Float64Array.from(bits, (row, i) => (row[1] ? 1 : 0) + (i % 7));
    const grow = (seed: number) => boostTrees(rows, target, undefined, { ...OPTIONS, treeRows: 100, seed });
    expect(await grow(1)).toEqual(await grow(1));
    expect(await grow(1)).not.toEqual(await grow(2));
    let rounds = 0;
    const stopped = await boostTrees(rows, target, undefined, OPTIONS, (round) => {
      rounds = round;
      return round < 3;
    });
    expect([rounds, stopped.roots.length]).toEqual([3, 3]);
  });
});

describe('boosting as a method of a fit', () => {
  const random = createRandom(8);
  const count = 600;
  const age = Array.from({ length: count }, () => Math.round(random.uniform() * 6000) / 100);
  const colour = Array.from({ length: count }, () => ['red', 'green', 'blue', 'grey'][random.integer(4)]);
  const flag = Array.from({ length: count }, () => random.integer(2) === 1);
  const bend = age.map((years, row) => Math.sin(years / 8) * (flag[row] ? 1 : -1) + (colour[row] === 'blue' ? 2 : 0));
  const y = bend.map((value) => value + 0.2 * random.normal());
  const table = memoryTable({ age, colour, flag, y, class: y.map((value) => (value > 0.5 ? 'up' : 'down')) });

  it('follows a curve of which four bins know little, in combinations, and survives its file', async () => {
    const fit = async (method: 'boosting' | 'low-degree') =>
      (await fitTable(table, { target: 'y', exclude: ['class'], method, intervals: 'none' })).model;
    const [boosted, other] = [await fit('boosting'), await fit('low-degree')];
    const mse = (model: Model): number => model.training.test?.mse ?? Number.NaN;
    // The noise has 0.04.
    expect(mse(boosted)).toBeLessThan(0.12);
    expect(mse(other)).toBeGreaterThan(2 * mse(boosted));
    const { fit: record, polynomial } = boosted.outputs[0];
    expect(record.method).toBe('boosting');
    expect(record.degree).toBeGreaterThanOrEqual(2);
    expect(record.roundCount).toBeGreaterThan(10);
    expect(polynomialDegree(polynomial)).toBe(record.degree);
    const back = await parseModel(await serializeModel(boosted), 'm.json');
    expect(back).toEqual(boosted);
  });

  it('minimises the log-loss of classes unless told otherwise, and says which method is for what', async () => {
    const options = { target: 'class', exclude: ['y'], method: 'boosting', intervals: 'none' } as const;
    const { model } = await fitTable(table, options);
    expect(model.loss).toBe('logistic');
    expect(model.training.test?.accuracy).toBeGreaterThan(0.85);
    expect((await fitTable(table, { ...options, loss: 'squared' })).model.loss).toBe('squared');
    const refused = (more: object) => expect(fitTable(table, { ...options, ...more })).rejects;
    await refused({ method: 'lasso', loss: 'logistic' }).toThrow('expected `method` auto, ridge, boosting or stacking');
    await refused({ degree: 9 }).toThrow('`degree` is 9; boosted trees have one from 1 to 5');
  });

  it('chooses the same with weights of one as without', async () => {
    const points = cubePointsFromRows(rowsOf(300, 9));
    const target = Float64Array.from({ length: 300 }, (_, row) => bend[row]);
    const select = (rowWeights?: Float64Array) =>
      selectLowDegree(points, target, {
        degree: 2,
        method: 'boosting',
        columns: COLUMNS,
        ...(rowWeights && { rowWeights }),
      });
    const plain = await select();
    const weighted = await select(new Float64Array(300).fill(1));
    expect(weighted.best).toEqual(plain.best);
    expect(weighted.heldOut.predictions).toEqual(plain.heldOut.predictions);
  });

  it('stops when aborted at work', async () => {
    const points = cubePointsFromRows(rowsOf(20_000, 2));
    const target = Float64Array.from({ length: 20_000 }, () => random.normal());
    const controller = new AbortController();
    const work = fitBoosted(points, target, { degree: 3, roundCount: 100_000, signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 20);
    await expect(work).rejects.toThrow('enough');
  });

  it('counts its memory first: rows that cannot be are refused, a choice is made on fewer, and says so', async () => {
    const points = cubePointsFromRows(rowsOf(12_000, 6));
    const target = Float64Array.from({ length: 12_000 }, () => random.normal());
    // 4 columns of a byte, 48 for what a fit keeps of a row.
    const limit = 12_000 * 52;
    const fit = (memoryLimitBytes: number) =>
      fitBoosted(points, target, { degree: 1, roundCount: 2, columns: COLUMNS, memoryLimitBytes });
    await expect(fit(limit - 1)).rejects.toThrow(
      /^boosted trees on 12,000 rows of 4 columns need 624 kB, more than the 624 kB allowed; give fewer rows/,
    );
    expect((await fit(limit)).model.termCount).toBeGreaterThan(1);
    const select = (memoryLimitBytes: number) =>
      selectLowDegree(points, target, { degree: 1, method: 'boosting', columns: COLUMNS, memoryLimitBytes });
    await expect(select(limit)).rejects.toMatchObject({ code: 'memory-budget' });
    expect(await select(2 * limit)).toMatchObject({ rowCount: 5000, fewerFor: 'memory' });
    expect(await select(5 * limit)).toMatchObject({ rowCount: 12_000, fewerFor: undefined });
  });

  it('says how far the choice is', async () => {
    const points = cubePointsFromRows(rowsOf(100, 6));
    const target = Float64Array.from({ length: 100 }, () => random.normal());
    const seen: string[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) => void seen.push(`${done}/${total}`);
    await selectLowDegree(points, target, { degree: 2, method: 'boosting', columns: COLUMNS, folds: 3, onProgress });
    expect(seen).toEqual(['1/3', '2/3', '3/3']);
  });

  it('learns a constant as a constant, from few rows, and from classes of which one has no row', async () => {
    const points = cubePointsFromRows(rowsOf(5, 3));
    const numbers = await fitBoosted(points, new Float64Array(5).fill(2.5), { degree: 2, roundCount: 10 });
    expect(await evaluatePolynomial(numbers.model, points)).toEqual(new Float64Array(5).fill(2.5));
    const classes = await fitBoosted(points, new Float64Array(5).fill(1), {
      degree: 1,
      roundCount: 10,
      loss: 'logistic',
    });
    const values = await evaluatePolynomial(classes.model, points);
    expect(values.every((value) => value > 0 && Number.isFinite(value))).toBe(true);
  });
});

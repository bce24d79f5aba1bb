/**
 * Fits of tables in which a part of the rows has nothing to learn: a column with a single yes is constant in every fold
 * but one, rows of weight 0 leave others constant, a half has one value of the target. Every figure is finite, the model
 * is saved and read, and the solvers agree with dense elimination, which shares nothing with them.
 */
import { describe, expect, it } from 'vitest';
import {
  type CubePoints,
  createRandom,
  cubePointsFromRows,
  type FitTableOptions,
  fitElasticNet,
  fitLogistic,
  fitLowDegree,
  fitTable,
  leadingTerms,
  type MemoryColumn,
  type Model,
  memoryTable,
  type PenaltyBasis,
  type Polynomial,
  parseModel,
  type Random,
  selectLowDegree,
  serializeModel,
} from '../src/index.ts';
import { predictionFromValues } from '../src/internal.ts';
import { randomPoints, sign } from './helpers.ts';

/** Every number in a value, whatever holds it. */
function figures(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(figures) : [];
}

/** Fits, looks at every figure, and saves and reads the model. */
async function wholeFit(columns: Record<string, MemoryColumn>, options: Partial<FitTableOptions>): Promise<Model> {
  const { model } = await fitTable(memoryTable(columns), { target: 'y', intervals: 'none', ...options });
  expect(figures(model).every(Number.isFinite)).toBe(true);
  const text = await serializeModel(model);
  expect(await serializeModel(await parseModel(text, 'm.json'))).toBe(text);
  return model;
}

/** A flag that one row has, and two columns of 0 and 1 that may be constant in a part of the rows. */
function rareFlag(rows: number, random: Random): Record<string, number[]> {
  const only = random.integer(rows);
  const bits = (share: number): number[] => Array.from({ length: rows }, () => (random.uniform() < share ? 1 : 0));
  return { flag: bits(0).map((_, i) => (i === only ? 1 : 0)), usual: bits(0.5), rare: bits(0.2) };
}

describe('every figure is finite', () => {
  it('of 100 tables with one column, which has a single yes', async () => {
    const random = createRandom(11);
    let fitted = 0;
    for (let k = 0; k < 100; k++) {
      const rows = 8 + random.integer(20);
      const y = Array.from({ length: rows }, () => random.integer(2));
      if (new Set(y).size < 2) continue;
      // Without a test, the flag is in the table of the folds.
      await wholeFit({ flag: rareFlag(rows, random).flag, y }, { test: 0, seed: k });
      fitted++;
    }
    expect(fitted).toBeGreaterThan(90);
  });

  it('of 80 tables with weights, many of them 0', async () => {
    const random = createRandom(12);
    let fitted = 0;
    for (let k = 0; k < 80; k++) {
      const rows = 50 + random.integer(20);
      const y = Array.from({ length: rows }, () => random.integer(2));
      const w = y.map(() => [0, 0, 1, 2, 3][random.integer(5)]);
      await wholeFit({ ...rareFlag(rows, random), y, w }, { test: 0, weight: 'w', degree: 2, seed: k });
      fitted++;
    }
    expect(fitted).toBeGreaterThan(70);
  });

  const methods: Partial<FitTableOptions>[] = [
    ...(['ridge', 'least-squares', 'lasso', 'elastic-net', 'estimate'] as const).map((method) => ({ method })),
    { method: 'lasso', hierarchy: 'weak' },
    { method: 'lasso', hierarchy: 'strong' },
    { loss: 'logistic' },
  ];
  it.each(methods)('of %j, whatever the target', async (method) => {
    const random = createRandom(13);
    for (let k = 0; k < 6; k++) {
      const rows = 30;
      const columns = rareFlag(rows, random);
      const targets = [
        columns.flag.map((_, i) => (i % 3 === 0 ? 'a' : 'b')),
        columns.usual.map((bit) => (bit === 1 ? 'yes' : 'no')), // learned exactly
        ...(method.loss === undefined
          ? [
              columns.usual.map((bit) => 0.1 + 0.2 * bit + columns.rare[0]),
              columns.flag.map((bit) => 1e9 + 0.1 * bit), // constant in all folds' fits but those with the flag
              columns.flag.map(() => random.normal()),
            ]
          : []),
      ];
      for (const y of targets) {
        if (new Set<unknown>(y).size < 2) continue;
        await wholeFit({ ...columns, y }, { ...method, test: 0, degree: 2, seed: k });
      }
    }
  });

  it('of targets of any size, or they are refused by name', async () => {
    const random = createRandom(14);
    const columns = rareFlag(40, random);
    const noise = columns.usual.map((bit) => bit + 0.1 * random.normal());
    for (const unit of [1e-60, 1e-9, 1e9, 1e60]) {
      const model = await wholeFit({ ...columns, y: noise.map((value) => unit * value) }, { degree: 2 });
      const { mse, intervals } = model.training.test ?? {};
      expect((mse as number) / unit / unit).toBeLessThan(0.1);
      expect((intervals?.mse.high as number) / unit / unit).toBeLessThan(1);
      expect(leadingTerms(model)[0].coordinates).toEqual(['usual']);
    }
    for (const unit of [1e75, 1e-75]) {
      const table = memoryTable({ ...columns, y: noise.map((value) => unit * value) });
      await expect(fitTable(table, { target: 'y', degree: 1 })).rejects.toThrow('use another unit');
    }
  });

  it('of a half that confirms terms where every column is constant', async () => {
    // Three rows have a yes anywhere; by some of these seeds they are all in the half that chooses.
    const rows = 80;
    const some = Array.from({ length: rows }, (_, i) => (i < 3 ? 1 : 0));
    const other = some.map((bit, i) => (i === 1 ? 0 : bit));
    const random = createRandom(15);
    const y = some.map((bit) => 3 * bit + 0.1 * random.normal());
    let constant = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const model = await wholeFit(
        { some, other, y },
        { test: 0, seed, degree: 1, intervals: 'normal', method: 'ridge' },
      );
      const { confirmation } = model.outputs[0].fit;
      if ((confirmation?.collinear.length ?? 0) > 0 && confirmation?.terms.length === 1) constant++;
    }
    expect(constant).toBeGreaterThan(0);
  });

  it('of the logarithm of a target over hundreds of decades, or it is refused', async () => {
    const random = createRandom(16);
    const columns = rareFlag(60, random);
    const spread = (decades: number): number[] =>
      columns.usual.map((bit) => 10 ** (decades * (bit + 0.5 * (random.uniform() - 0.5))));
    await wholeFit({ ...columns, y: spread(100) }, { targetTransform: 'log', degree: 1 });
    const wild = columns.usual.map(() => 10 ** (600 * random.uniform() - 300));
    await expect(
      fitTable(memoryTable({ ...columns, y: wild }), { target: 'y', targetTransform: 'log', degree: 1 }),
    ).rejects.toThrow('fewer orders of magnitude');
  });
});

it('a prediction of a logarithm is a number for every answer', () => {
  const spec = { kind: 'regression', column: 'y', transform: 'log' } as const;
  const smearing = { kind: 'smearing', rowCount: 9, factor: 2 } as const;
  const { numbers } = predictionFromValues(spec, [smearing], [Float64Array.of(-800, 0, 710, 1e6)]);
  expect(Array.from(numbers as Float64Array)).toEqual([0, 2, Number.MAX_VALUE, Number.MAX_VALUE]);
});

describe('rows of weight 0', () => {
  it('take no part in the choice: the same as without them', async () => {
    const random = createRandom(17);
    const all = randomPoints(120, 4, random);
    const target = Float64Array.from({ length: 120 }, (_, i) => sign(all, i, 0) + random.normal());
    const weights = target.map((_, i) => (i % 3 === 0 ? 0 : 1 + (i % 2)));
    const kept = Array.from(target.keys()).filter((i) => weights[i] > 0);
    const pick = (values: Float64Array): Float64Array => Float64Array.from(kept, (i) => values[i]);
    const points = cubePointsFromRows(kept.map((i) => [0, 1, 2, 3].map((j) => (sign(all, i, j) < 0 ? 1 : 0))));
    const options = { degree: 2, method: 'auto' } as const;
    const whole = await selectLowDegree(all, target, { ...options, rowWeights: weights });
    const part = await selectLowDegree(points, pick(target), {
      ...{ ...options, rowWeights: pick(weights), rowKeys: Uint32Array.from(kept) },
    });
    expect(whole.candidates).toEqual(part.candidates);
    expect(whole.rowCount).toBe(120); // the budget asked for no fewer
    expect(whole.heldOut.predictions).toEqual(part.heldOut.predictions);
    expect(Array.from(whole.heldOut.rows)).toEqual(Array.from(part.heldOut.rows, (i) => kept[i]));
  });

  it('do not make folds', async () => {
    const points = randomPoints(40, 2, createRandom(18));
    const target = Float64Array.from({ length: 40 }, (_, i) => i % 3);
    for (const least of [0, 1e-40]) {
      const rowWeights = target.map((_, i) => (i < 3 ? 1 : least));
      await expect(selectLowDegree(points, target, { degree: 1, method: 'auto', rowWeights })).rejects.toThrow(
        '3 rows that weigh something cannot make 5 folds',
      );
    }
  });
});

it('serializeModel says which figure is none', async () => {
  const a = Array.from({ length: 40 }, (_, i) => i % 2);
  const { model } = await fitTable(memoryTable({ a, y: a.map((bit, i) => bit + (i % 3)) }), { target: 'y', degree: 1 });
  const [output] = model.outputs;
  const spoilt = { ...model, outputs: [{ ...output, fit: { ...output.fit, targetMean: Number.NaN } }] };
  const error = await serializeModel(spoilt).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ name: 'FewfireError', code: 'not-converged' });
  expect((error as Error).message).toMatch(
    /^the model cannot be saved: outputs\.0\.fit\.targetMean is NaN; expected .*$/,
  );
  const other = { ...model, loss: 'none' as Model['loss'] };
  await expect(serializeModel(other)).rejects.toMatchObject({ name: 'FewfireError', code: 'invalid-argument' });
});

describe('against dense elimination', () => {
  /** Subsets of at most `degree` of `n` coordinates. */
  function subsets(n: number, degree: number): number[][] {
    const list: number[][] = [];
    for (let mask = 0; mask < 2 ** n; mask++) {
      const subset = Array.from({ length: n }, (_, j) => j).filter((j) => (mask >> j) & 1);
      if (subset.length <= degree) list.push(subset);
    }
    return list;
  }

  /** Solves a x = b by elimination with complete row pivoting; rows without a pivot give 0. */
  function solve(a: number[][], b: number[]): number[] {
    const size = b.length;
    const rows = a.map((row, i) => [...row, b[i]]);
    const pivots: number[] = [];
    let rank = 0;
    for (let column = 0; column < size; column++) {
      let best = rank;
      for (let i = rank; i < size; i++) if (Math.abs(rows[i][column]) > Math.abs(rows[best]?.[column] ?? 0)) best = i;
      if (best >= size || Math.abs(rows[best][column]) < 1e-9) continue;
      [rows[rank], rows[best]] = [rows[best], rows[rank]];
      for (let i = 0; i < size; i++) {
        if (i === rank) continue;
        const factor = rows[i][column] / rows[rank][column];
        for (let k = column; k <= size; k++) rows[i][k] -= factor * rows[rank][k];
      }
      pivots[rank++] = column;
    }
    const x = new Array<number>(size).fill(0);
    for (let i = 0; i < rank; i++) x[pivots[i]] = rows[i][size] / rows[i][pivots[i]];
    return x;
  }

  interface Problem {
    readonly points: CubePoints;
    readonly target: Float64Array;
    readonly weights: Float64Array;
  }

  /** Predictions of least squares with a penalty on the coefficients over the given columns, the constant (first) free. */
  function densePredictions({ points, target, weights }: Problem, columns: number[][], lambda: number): number[] {
    const size = columns.length;
    const gram = Array.from({ length: size }, (_, a) =>
      Array.from({ length: size }, (_, b) =>
        weights.reduce((sum, w, i) => sum + w * columns[a][i] * columns[b][i], a === b && a > 0 ? lambda : 0),
      ),
    );
    const right = columns.map((column) => weights.reduce((sum, w, i) => sum + w * column[i] * target[i], 0));
    const c = solve(gram, right);
    return Array.from({ length: points.rowCount }, (_, i) =>
      columns.reduce((sum, column, a) => sum + c[a] * column[i], 0),
    );
  }

  function parities(points: CubePoints, terms: number[][]): number[][] {
    return terms.map((term) =>
      Array.from({ length: points.rowCount }, (_, i) => term.reduce((product, j) => product * sign(points, i, j), 1)),
    );
  }

  /** (x - mean) / deviation over the rows of weight; a coordinate that is constant there is left out. */
  function biasedColumns({ points, weights }: Problem, terms: number[][]): number[][] {
    const total = weights.reduce((sum, w) => sum + w, 0);
    const means = Array.from({ length: points.coordinateCount }, (_, j) =>
      weights.reduce((sum, w, i) => sum + (w / total) * sign(points, i, j), 0),
    );
    const varying = terms.filter((term) => term.every((j) => Math.abs(means[j]) < 1 - 1e-9));
    return varying.map((term) =>
      Array.from({ length: points.rowCount }, (_, i) =>
        term.reduce((product, j) => (product * (sign(points, i, j) - means[j])) / Math.sqrt(1 - means[j] ** 2), 1),
      ),
    );
  }

  function valuesOf({ offsets, members, coefficients, termCount }: Polynomial, points: CubePoints): number[] {
    return Array.from({ length: points.rowCount }, (_, i) => {
      let sum = 0;
      for (let t = 0; t < termCount; t++) {
        let product = coefficients[t];
        for (let m = offsets[t]; m < offsets[t + 1]; m++) product *= sign(points, i, members[m]);
        sum += product;
      }
      return sum;
    });
  }

  /** A few points with rows of weight 0, in which columns are often constant on the others. */
  function problem(random: Random): Problem {
    const points = randomPoints(24, 4, random, [0.5, 0.08, 0.04, 0.9]);
    const weights = Float64Array.from({ length: 24 }, () => [0, 0.5, 1, 1, 3][random.integer(5)]);
    const target = Float64Array.from(
      { length: 24 },
      (_, i) => 2 * sign(points, i, 0) - sign(points, i, 3) + random.normal(),
    );
    return { points, weights, target };
  }

  it.each([
    ['parity', 1],
    ['parity', 2],
    ['biased', 1],
    ['biased', 2],
  ] as [PenaltyBasis, number][])('ridge over %s, degree %i, on all rows', async (basis, degree) => {
    const random = createRandom(31);
    const terms = subsets(4, degree);
    for (let k = 0; k < 40; k++) {
      const given = problem(random);
      const lambda = [30, 1, 0.01][k % 3];
      const columns = basis === 'parity' ? parities(given.points, terms) : biasedColumns(given, terms);
      const expected = densePredictions(given, columns, lambda);
      const { model, summary } = await fitLowDegree(given.points, given.target, {
        ...{ degree, lambda, basis, rowWeights: given.weights, tolerance: 1e-11 },
      });
      expect(summary.converged).toBe(true);
      valuesOf(model, given.points).forEach((value, i) => {
        expect(value).toBeCloseTo(expected[i], 7);
      });
    }
  });

  it('least squares, on the rows that have weight', async () => {
    const random = createRandom(32);
    const terms = subsets(4, 2);
    for (let k = 0; k < 40; k++) {
      const given = problem(random);
      const expected = densePredictions(given, parities(given.points, terms), 0);
      const { model, summary } = await fitLowDegree(given.points, given.target, {
        ...{ degree: 2, rowWeights: given.weights, tolerance: 1e-11 },
      });
      expect(summary.converged).toBe(true);
      valuesOf(model, given.points).forEach((value, i) => {
        if (given.weights[i] > 0) expect(value).toBeCloseTo(expected[i], 6);
      });
    }
  });

  it('the lasso refitted on all terms, and a constant target by every method', async () => {
    const random = createRandom(33);
    const terms = subsets(4, 2);
    for (let k = 0; k < 40; k++) {
      const given = problem(random);
      const expected = densePredictions(given, parities(given.points, terms), 0);
      const options = { degree: 2, rowWeights: given.weights };
      const { model } = await fitElasticNet(given.points, given.target, { ...options, lambda: 1e-7, refit: true });
      valuesOf(model, given.points).forEach((value, i) => {
        if (given.weights[i] > 0) expect(value).toBeCloseTo(expected[i], 4);
      });
      const constant = given.target.map((value, i) => (given.weights[i] > 0 ? 0.1 : value));
      const fits = [
        await fitLowDegree(given.points, constant, options),
        await fitLowDegree(given.points, constant, { ...options, lambda: 1, basis: 'biased' }),
        await fitLowDegree(given.points, constant, { ...options, lambda: 1, basis: 'parity' }),
        await fitElasticNet(given.points, constant, { ...options, lambda: 1e-9 }),
      ];
      for (const fit of fits) {
        expect(fit.summary.converged).toBe(true);
        expect(fit.model.termCount).toBe(1);
        expect(fit.model.coefficients[0]).toBe(0.1);
      }
    }
  });

  it('rows that are all alike have their mean', async () => {
    const random = createRandom(35);
    for (let k = 0; k < 30; k++) {
      const rowCount = 5 + random.integer(30);
      const pattern = [0, 1, 2].map(() => random.integer(2));
      const points = cubePointsFromRows(Array.from({ length: rowCount }, () => pattern));
      const target = Float64Array.from({ length: rowCount }, () => random.normal());
      const mean = target.reduce((sum, value) => sum + value, 0) / rowCount;
      for (const lambda of [0, rowCount, 0.3 * rowCount, 1e-4 * rowCount]) {
        for (const basis of ['parity', 'biased'] as const) {
          const { model, summary } = await fitLowDegree(points, target, { degree: 2, lambda, basis });
          expect(summary.converged).toBe(true);
          expect(valuesOf(model, points)[0]).toBeCloseTo(mean, 12);
          expect(Math.max(0, ...Array.from(model.coefficients.subarray(1), Math.abs))).toBeLessThan(1e-12);
        }
      }
    }
  });

  it('classes that are as frequent at every point leave the logistic fit its constant', async () => {
    const random = createRandom(34);
    const half = randomPoints(20, 3, random, [0.5, 0.05, 0.9]);
    const rows = Array.from({ length: 40 }, (_, i) => [0, 1, 2].map((j) => (sign(half, i % 20, j) < 0 ? 1 : 0)));
    const target = Float64Array.from(rows, (_, i) => (i < 20 ? 1 : -1));
    for (const lambda of [0, 1]) {
      const { model, summary } = await fitLogistic(cubePointsFromRows(rows), target, { degree: 2, lambda });
      expect(summary.converged).toBe(true);
      expect(Math.max(...valuesOf(model, half).map(Math.abs))).toBeLessThan(1e-9);
    }
  });
});

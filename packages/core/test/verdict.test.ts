/** Means with their errors, and whether a model is called better than guessing: by definition, and how often by luck. */
import { describe, expect, it } from 'vitest';
import { createRandom, fitTable, memoryTable } from '../src/index.ts';
import {
  effectiveCount,
  type FoldContext,
  foldScores,
  type Measured,
  meanWithError,
  measure,
} from '../src/internal.ts';

/** The jackknife by leaving out, and the matrix of its square over the units' means. */
function byDefinition(values: readonly number[], weights: readonly number[], clusters: readonly number[]) {
  const names = [...new Set(clusters)];
  const shareOf = (name: number): number => weights.reduce((sum, w, i) => sum + (clusters[i] === name ? w : 0), 0);
  const total = weights.reduce((sum, w) => sum + w, 0);
  const meanOf = (keep: (i: number) => boolean): number => {
    const rows = values.map((_, i) => i).filter(keep);
    return rows.reduce((sum, i) => sum + weights[i] * values[i], 0) / rows.reduce((sum, i) => sum + weights[i], 0);
  };
  const mean = meanOf(() => true);
  const squares = names.reduce((sum, name) => sum + (meanOf((i) => clusters[i] !== name) - mean) ** 2, 0);
  // Without unit g the mean moves by a_g = sum_k A_gk (mean of unit k).
  const shares = names.map((name) => shareOf(name) / total);
  const moves = shares.map((h, g) => shares.map((k, j) => (g === j ? -h : k / (1 - h) - k)));
  const matrix = moves.map((a) => moves.map((b) => a.reduce((sum, value, j) => sum + value * b[j], 0)));
  const trace = matrix.reduce((sum, row, g) => sum + row[g], 0);
  const squareTrace = matrix.reduce((sum, row, g) => sum + row.reduce((s, value, k) => s + value * matrix[k][g], 0), 0);
  const truth = shares.reduce((sum, h) => sum + h * h, 0);
  return { mean, standardError: Math.sqrt((squares * truth) / trace), degreesOfFreedom: trace ** 2 / squareTrace };
}

describe('a mean with its error', () => {
  const random = createRandom(11);
  const values = Array.from({ length: 60 }, () => random.normal() + 1);
  const ones = values.map(() => 1);
  const own = values.map((_, i) => i);

  it('is the textbook one of independent rows, and of the means of equal clusters', () => {
    const textbook = (list: readonly number[]) => {
      const mean = list.reduce((sum, x) => sum + x, 0) / list.length;
      const variance = list.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (list.length - 1);
      return { mean, error: Math.sqrt(variance / list.length) };
    };
    const plain = meanWithError(values);
    expect(plain.mean).toBeCloseTo(textbook(values).mean, 14);
    expect(plain.standardError).toBeCloseTo(textbook(values).error, 14);
    expect(plain).toMatchObject({ degreesOfFreedom: 59, unitCount: 60 });
    const clustered = meanWithError(values, { clusters: values.map((_, i) => i % 12) });
    const means = Array.from({ length: 12 }, (_, g) => textbook(values.filter((_x, i) => i % 12 === g)).mean);
    expect(clustered.mean).toBeCloseTo(plain.mean, 14);
    expect(clustered.standardError).toBeCloseTo(textbook(means).error, 14);
    expect(clustered).toMatchObject({ degreesOfFreedom: 11, unitCount: 12 });
  });

  it.each([
    ['weights', values.map(() => Math.exp(random.normal())), own],
    ['one heavy row', values.map((_, i) => (i === 7 ? 300 : 1)), own],
    ['clusters of many sizes', ones, values.map((_, i) => Math.floor(Math.sqrt(i)))],
    ['weights and clusters', values.map(() => random.uniform()), values.map((_, i) => Math.floor(Math.sqrt(i)))],
  ])('with %s is the scaled jackknife, with its degrees of freedom', (_name, weights, clusters) => {
    const expected = byDefinition(values, weights, clusters);
    const found = meanWithError(values, { weights, clusters });
    expect(found.mean).toBeCloseTo(expected.mean, 12);
    expect(found.standardError / expected.standardError).toBeCloseTo(1, 9);
    expect(found.degreesOfFreedom / expected.degreesOfFreedom).toBeCloseTo(1, 8);
  });

  it('has no finite error where one row has all the weight, and rows of weight 0 are not there', () => {
    const weights = values.map((_, i) => (i === 3 ? 1 : 0));
    expect(meanWithError(values, { weights })).toEqual({
      mean: values[3],
      standardError: Number.POSITIVE_INFINITY,
      degreesOfFreedom: 0,
      unitCount: 1,
    });
    const half = values.map((_, i) => (i < 30 ? 2 : 0));
    const spoilt = values.map((value, i) => (i < 30 ? value : Number.NaN));
    expect(meanWithError(spoilt, { weights: half })).toEqual(
      meanWithError(values.slice(0, 30), { weights: half.slice(0, 30) }),
    );
    expect(effectiveCount(weights)).toBe(1);
    expect(effectiveCount(ones)).toBe(60);
  });
});

describe('the error of a candidate', () => {
  const random = createRandom(5);
  const target = Float64Array.from({ length: 90 }, () => random.normal());
  const heldOut = new Float64Array(90);
  const context = (parts: Partial<FoldContext>): FoldContext =>
    ({ target, rowWeights: undefined, clusters: undefined, folds: 5, ...parts }) as FoldContext;
  const squares = target.map((value) => value * value);

  it('is over clusters where a split has them, and over rows where it has one', () => {
    const foldOf = Uint32Array.from(target, (_, i) => (i < 40 ? 0 : 1 + (i % 4)));
    const clusters = Uint32Array.from(target, (_, i) => Math.floor(i / 8));
    const split = foldScores(context({ foldOf, heldOutCount: 1, clusters }), heldOut);
    const expected = byDefinition(
      Array.from(squares.slice(0, 40)),
      new Array(40).fill(1),
      Array.from(clusters.slice(0, 40)),
    );
    expect(split.mse).toBeCloseTo(expected.mean, 12);
    expect(split.standardError).toBeCloseTo(expected.standardError, 12);
    const one = foldScores(context({ foldOf, heldOutCount: 1, clusters: new Uint32Array(90) }), heldOut);
    const rows = foldScores(context({ foldOf, heldOutCount: 1 }), heldOut);
    expect(one).toEqual(rows);
    expect(rows.standardError).toBeCloseTo(
      byDefinition(
        Array.from(squares.slice(0, 40)),
        new Array(40).fill(1),
        Array.from({ length: 40 }, (_, i) => i),
      ).standardError,
      12,
    );
  });

  it('is over the folds where all are held out, weights and all', () => {
    const foldOf = Uint32Array.from(target, (_, i) => i % 5);
    const rowWeights = Float64Array.from(target, (_, i) => 1 + (i % 3));
    const found = foldScores(context({ foldOf, heldOutCount: 5, rowWeights }), heldOut);
    const expected = byDefinition(Array.from(squares), Array.from(rowWeights), Array.from(foldOf));
    expect(found.mse).toBeCloseTo(expected.mean, 12);
    expect(found.standardError).toBeCloseTo(expected.standardError, 12);
  });
});

describe('better than guessing', () => {
  const measured: Measured = {
    target: { kind: 'regression', column: 'y', transform: 'none' },
    loss: 'squared',
    calibrations: [{ kind: 'none' }],
    targetMeans: [0],
  };
  const draws = 2000;

  // A prediction p of a target p/2 + noise gains nothing on the constant 0 on average: 2 p noise, row by row.
  function shareCalledBetter(
    seed: number,
    shape: {
      rows: number;
      clusters?: (row: number) => number;
      weights?: (random: ReturnType<typeof createRandom>) => number;
    },
  ): number {
    const random = createRandom(seed);
    let better = 0;
    for (let draw = 0; draw < draws; draw++) {
      const clusterOf = Array.from({ length: shape.rows }, (_, i) => shape.clusters?.(i) ?? i);
      const shift = clusterOf.map(() => random.normal());
      const side = clusterOf.map(() => (random.integer(2) === 0 ? -1 : 1));
      const prediction = Float64Array.from(clusterOf, (g) => side[g]);
      const target = Float64Array.from(clusterOf, (g) => side[g] / 2 + shift[g] + 0.1 * random.normal());
      const { weights } = shape;
      const rows = {
        target,
        ...(shape.clusters && { clusters: Uint32Array.from(clusterOf) }),
        ...(weights && { weights: Float64Array.from(clusterOf, () => weights(random)) }),
      };
      if (measure(measured, rows, [prediction]).betterThanConstant) better++;
    }
    return better / draws;
  }

  // 2.3 % of a normal deviate lies above two standard errors, 15.9 % above one, 0.13 % above three.
  it('is said of 2.3 % of predictions that gain nothing: rows', () => {
    const share = shareCalledBetter(1, { rows: 100 });
    expect(share).toBeGreaterThan(0.012);
    expect(share).toBeLessThan(0.035);
  });

  it('rows of groups, where luck comes by the group', () => {
    const share = shareCalledBetter(2, { rows: 120, clusters: (row) => Math.floor(row / 8) });
    expect(share).toBeGreaterThan(0.012);
    expect(share).toBeLessThan(0.035);
  });

  it('six groups, the fewest, of which two standard errors are not enough', () => {
    // Two standard errors would be passed by 5.1 % (Student's t with five degrees of freedom).
    const share = shareCalledBetter(3, { rows: 48, clusters: (row) => Math.floor(row / 8) });
    expect(share).toBeGreaterThan(0.012);
    expect(share).toBeLessThan(0.035);
  });

  it('rows whose weights are very unequal: rarely more', () => {
    const share = shareCalledBetter(4, { rows: 100, weights: (random) => Math.exp(1.5 * random.normal()) });
    expect(share).toBeGreaterThan(0.002);
    expect(share).toBeLessThan(0.03);
  });

  it('noise of whole groups is not called better because each has many rows', async () => {
    let said = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const random = createRandom(1000 + seed);
      const columns: Record<string, (string | number)[]> = {
        g: [],
        y: [],
        x0: [],
        x1: [],
        x2: [],
        x3: [],
        x4: [],
        x5: [],
      };
      for (let g = 0; g < 60; g++) {
        const bits = Array.from({ length: 6 }, () => random.integer(2));
        const level = random.normal();
        for (let i = 0; i < 25; i++) {
          columns.g.push(`g${g}`);
          columns.y.push(level + 0.05 * random.normal());
          for (const [c, bit] of bits.entries()) columns[`x${c}`].push(bit);
        }
      }
      const { model } = await fitTable(memoryTable(columns), {
        ...{ target: 'y', group: 'g', degree: 1, method: 'ridge', test: 0.5, intervals: 'none', folds: 3, seed },
      });
      if (model.training.test?.betterThanConstant) said++;
    }
    // 2.3 % each: more than 4 of 40 would come once in 400 times.
    expect(said).toBeLessThanOrEqual(4);
  });

  it('a real effect is, in groups and with weights', async () => {
    const random = createRandom(3);
    const g = Array.from({ length: 600 }, (_, i) => `g${i % 60}`);
    const level = Array.from({ length: 60 }, () => random.normal());
    const x = g.map(() => random.integer(2));
    const w = g.map(() => Math.exp(random.normal()));
    const y = x.map((bit, i) => bit + 0.5 * level[i % 60] + 0.5 * random.normal());
    const table = memoryTable({ x, g, w, y });
    const options = { target: 'y', degree: 1, method: 'ridge', intervals: 'none', seed: 2 } as const;
    for (const more of [
      { group: 'g', exclude: ['w'] },
      { weight: 'w', exclude: ['g'] },
      { group: 'g', weight: 'w' },
    ]) {
      const { model } = await fitTable(table, { ...options, ...more });
      expect(model.training.test?.betterThanConstant).toBe(true);
    }
  });

  it('two groups that both come out right are luck as often as not', () => {
    const rows = { target: new Float64Array(40).fill(1), clusters: Uint32Array.from({ length: 40 }, (_, i) => i % 2) };
    expect(measure(measured, rows, [new Float64Array(40).fill(1)]).betterThanConstant).toBe(false);
    const many = { ...rows, clusters: Uint32Array.from({ length: 40 }, (_, i) => i % 6) };
    expect(measure(measured, many, [new Float64Array(40).fill(1)]).betterThanConstant).toBe(true);
  });

  it('one row with all the weight is not evidence', () => {
    const weights = Float64Array.from({ length: 40 }, (_, i) => (i === 0 ? 1e6 : 1e-6));
    const rows = { target: new Float64Array(40).fill(1), weights };
    expect(measure(measured, rows, [new Float64Array(40).fill(1)]).betterThanConstant).toBe(false);
  });
});

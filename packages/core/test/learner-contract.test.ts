/**
 * What every learner promises, checked on each of them: the same answer twice
 * and for any number of threads, arguments untouched, edge cases, refusals,
 * abort, and a round trip through JSON.
 */
import { describe, expect, it } from 'vitest';
import {
  type CubePoints,
  estimateLowDegree,
  fitLowDegree,
  type LowDegreeFit,
  type LowDegreeOptions,
  polynomialFromTerms,
  termList,
} from '../src/index.ts';
import { createRandom, randomPoints } from './helpers.ts';

type Learner = (points: CubePoints, target: Float64Array, options: LowDegreeOptions) => Promise<LowDegreeFit>;

const learners: Record<string, Learner> = {
  estimateLowDegree,
  'fitLowDegree, least squares': fitLowDegree,
  'fitLowDegree, ridge': (points, target, options) => fitLowDegree(points, target, { ...options, lambda: 3 }),
  'fitLowDegree, ridge in the biased basis': (points, target, options) =>
    fitLowDegree(points, target, { ...options, lambda: 3, basis: 'biased' }),
};

describe.each(Object.entries(learners))('%s', (_, learn) => {
  const random = createRandom(6);
  const points = randomPoints(
    400,
    14,
    random,
    Array.from({ length: 14 }, (_, j) => 0.1 + 0.06 * j),
  );
  const target = Float64Array.from({ length: 400 }, () => random.normal());

  it('gives the same answer twice, and leaves its arguments as they were', async () => {
    const planes = points.planes.slice();
    const values = target.slice();
    const first = await learn(points, target, { degree: 2 });
    const second = await learn(points, target, { degree: 2 });
    expect(second).toEqual(first);
    expect(points.planes).toEqual(planes);
    expect(target).toEqual(values);
  });

  it('gives the same answer for any number of threads, and for scalar kernels', async () => {
    // Large enough that threads are used.
    const big = randomPoints(30_000, 60, createRandom(9));
    const values = Float64Array.from({ length: 30_000 }, () => random.normal());
    const one = await learn(big, values, { degree: 2 });
    for (const options of [{ threads: 2 }, { threads: 3 }, { variant: 'scalar' as const }]) {
      expect((await learn(big, values, { degree: 2, ...options })).model).toEqual(one.model);
    }
  });

  it('learns from one row, and a constant target as a constant', async () => {
    const single = await learn(randomPoints(1, 3, random), Float64Array.of(7), { degree: 1 });
    expect(termList(single.model).every((term) => Number.isFinite(term.coefficient))).toBe(true);
    const cube = randomPoints(4096, 4, random);
    const constant = await learn(cube, new Float64Array(4096).fill(2.5), { degree: 2 });
    expect(Math.abs(constant.summary.trainingMse)).toBeLessThan(0.05);
    expect(termList(constant.model)[0].coefficient).toBeCloseTo(2.5, 6);
  });

  it('learns over one coordinate, and at a degree above the number of coordinates', async () => {
    const { summary } = await learn(
      randomPoints(50, 1, random),
      Float64Array.from({ length: 50 }, () => random.normal()),
      { degree: 5 },
    );
    expect(summary.degree).toBe(1);
    expect(summary.monomialCount).toBe(2);
  });

  it('refuses no rows, NaN, infinity, another length, a bad degree, and names what it expected', async () => {
    await expect(learn(randomPoints(0, 3, random), new Float64Array(0), { degree: 1 })).rejects.toMatchObject({
      code: 'invalid-data',
    });
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const values = target.slice();
      values[17] = bad;
      await expect(learn(points, values, { degree: 1 })).rejects.toThrow(
        `the target is ${bad} in row 17; expected finite numbers`,
      );
    }
    await expect(learn(points, target.slice(1), { degree: 1 })).rejects.toThrow(
      'the target has 399 values, the points 400 rows',
    );
    for (const degree of [0, 1.5, Number.NaN]) {
      await expect(learn(points, target, { degree })).rejects.toThrow('expected a whole number, at least 1');
    }
  });

  it('refuses what would not fit in memory before allocating it', async () => {
    const wide = randomPoints(10, 100, random);
    await expect(learn(wide, new Float64Array(10).fill(1), { degree: 5 })).rejects.toThrow(
      /degree 5 at n=100 needs 79,375,496 monomials, 635 MB per vector.*lower --degree or raise --memory/,
    );
    await expect(learn(wide, new Float64Array(10).fill(1), { degree: 30, memoryLimitBytes: 1e30 })).rejects.toThrow(
      /more than can be indexed; lower --degree$/,
    );
  });

  it('products within a group are left out', async () => {
    const groups = Array.from({ length: 14 }, (_, j) => Math.floor(j / 2));
    const { model, summary } = await learn(points, target, { degree: 2, groups });
    expect(summary.monomialCount).toBe(1 + 14 + 91 - 7);
    for (const { coordinates } of termList(model)) {
      expect(new Set(coordinates.map((j) => groups[j])).size).toBe(coordinates.length);
    }
  });

  it('stops when aborted, with the reason', async () => {
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    await expect(learn(points, target, { degree: 2, signal: controller.signal })).rejects.toThrow('enough');
  });

  it('survives a round trip through JSON', async () => {
    const { model } = await learn(points, target, { degree: 2 });
    const copy = JSON.parse(JSON.stringify({ coordinates: model.coordinates, terms: termList(model) }));
    expect(polynomialFromTerms(copy.coordinates, copy.terms)).toEqual(model);
  });
});

/**
 * What every learner promises, checked on each of them: the same answer twice
 * and for any number of threads, arguments untouched, edge cases, refusals,
 * abort, and a round trip through JSON. A learner of two classes is given targets
 * of -1 and +1; the promise about a constant then is about constant log-odds, a
 * target of one class being refused.
 */
import { describe, expect, it } from 'vitest';
import * as library from '../src/index.ts';
import {
  type CubePoints,
  estimateLowDegree,
  fitElasticNet,
  fitLogistic,
  fitLowDegree,
  type LogisticFit,
  type LowDegreeFit,
  type LowDegreeOptions,
  polynomialFromTerms,
  type Random,
  selectRows,
  termList,
} from '../src/index.ts';
import { createRandom, randomPoints, wholeCube } from './helpers.ts';

type Learner = (
  points: CubePoints,
  target: Float64Array,
  options: LowDegreeOptions,
) => Promise<LowDegreeFit | LogisticFit>;

/** What the target is: any numbers, or two classes as -1 and +1. */
type TargetKind = 'numbers' | 'classes';

const learners: Record<string, { readonly learn: Learner; readonly kind: TargetKind }> = {
  estimateLowDegree: { learn: estimateLowDegree, kind: 'numbers' },
  'fitLowDegree, least squares': { learn: fitLowDegree, kind: 'numbers' },
  'fitLowDegree, ridge': {
    learn: (points, target, options) => fitLowDegree(points, target, { ...options, lambda: 3 }),
    kind: 'numbers',
  },
  'fitLowDegree, ridge in the biased basis': {
    learn: (points, target, options) => fitLowDegree(points, target, { ...options, lambda: 3, basis: 'biased' }),
    kind: 'numbers',
  },
  'fitLogistic, ridge': {
    learn: (points, target, options) => fitLogistic(points, target, { ...options, lambda: 3 }),
    kind: 'classes',
  },
  'fitLogistic, maximum likelihood': { learn: fitLogistic, kind: 'classes' },
  'fitElasticNet, lasso': {
    learn: (points, target, options) => fitElasticNet(points, target, { ...options, lambda: 0.02 }),
    kind: 'numbers',
  },
  'fitElasticNet, elastic net': {
    learn: (points, target, options) => fitElasticNet(points, target, { ...options, lambda: 0.03, l1Ratio: 0.5 }),
    kind: 'numbers',
  },
  'fitElasticNet, relaxed lasso': {
    learn: (points, target, options) => fitElasticNet(points, target, { ...options, lambda: 0.05, refit: true }),
    kind: 'numbers',
  },
  'fitElasticNet, lasso with weak hierarchy': {
    learn: (points, target, options) => fitElasticNet(points, target, { ...options, lambda: 0.02, hierarchy: 'weak' }),
    kind: 'numbers',
  },
  'fitElasticNet, elastic net with strong hierarchy': {
    learn: (points, target, options) =>
      fitElasticNet(points, target, { ...options, lambda: 0.03, l1Ratio: 0.5, hierarchy: 'strong' }),
    kind: 'numbers',
  },
};

it('has every learner of the library', () => {
  // These take a table, a candidate or a model and learn by the others, or learn no polynomial.
  const others = ['fitTable', 'fitCandidate', 'fitReport', 'fitEncoder', 'fitPlatt'];
  const exported = Object.keys(library).filter((name) => /^fit[A-Z]/.test(name) && !others.includes(name));
  const tested = Object.keys(learners).map((name) => name.split(',')[0]);
  expect(new Set(tested)).toEqual(new Set(['estimateLowDegree', ...exported]));
});

describe.each(Object.entries(learners))('%s', (_, { learn, kind }) => {
  const random = createRandom(6);
  const points = randomPoints(
    400,
    14,
    random,
    Array.from({ length: 14 }, (_, j) => 0.1 + 0.06 * j),
  );
  const target = randomTarget(400, kind, random);

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
    const values = randomTarget(30_000, kind, random);
    const one = await learn(big, values, { degree: 2 });
    for (const options of [{ threads: 2 }, { threads: 3 }, { variant: 'scalar' as const }]) {
      expect((await learn(big, values, { degree: 2, ...options })).model).toEqual(one.model);
    }
  });

  if (kind === 'classes')
    it('refuses one row, and learns constant log-odds as a constant', async () => {
      await expect(learn(randomPoints(1, 3, random), Float64Array.of(-1), { degree: 1 })).rejects.toMatchObject({
        code: 'invalid-data',
      });
      // Two noes and one yes at every point of the cube.
      const cube = selectRows(
        wholeCube(4),
        Uint32Array.from({ length: 48 }, (_, i) => i % 16),
      );
      const constant = await learn(
        cube,
        Float64Array.from({ length: 48 }, (_, i) => (i < 16 ? -1 : 1)),
        { degree: 2 },
      );
      expect(constant.summary.converged).toBe(true);
      expect(termList(constant.model)[0]).toMatchObject({ coordinates: [] });
      expect(termList(constant.model)[0].coefficient).toBeCloseTo(Math.log(2), 6);
      for (const term of termList(constant.model).slice(1)) expect(Math.abs(term.coefficient)).toBeLessThan(1e-6);
    });

  if (kind === 'numbers')
    it('learns from one row, and a constant target as a constant', async () => {
      const single = await learn(randomPoints(1, 3, random), Float64Array.of(7), { degree: 1 });
      expect(termList(single.model).every((term) => Number.isFinite(term.coefficient))).toBe(true);
      const cube = randomPoints(4096, 4, random);
      const constant = await learn(cube, new Float64Array(4096).fill(2.5), { degree: 2 });
      expect(Math.abs(constant.summary.trainingMse)).toBeLessThan(0.05);
      expect(termList(constant.model)[0].coefficient).toBeCloseTo(2.5, 6);
    });

  it('learns over one coordinate, and at a degree above the number of coordinates', async () => {
    const { summary } = await learn(randomPoints(50, 1, random), randomTarget(50, kind, random), { degree: 5 });
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
    await expect(learn(wide, randomTarget(10, kind, random), { degree: 5 })).rejects.toThrow(
      /degree 5 at n=100 needs 79,375,496 monomials, 635 MB per vector.*lower `degree` or raise `memoryLimitBytes`/,
    );
    await expect(learn(wide, new Float64Array(10).fill(1), { degree: 30, memoryLimitBytes: 1e30 })).rejects.toThrow(
      /more than can be indexed; \d+ coordinates .* would fit, at degree 1 65,536: .* lower `degree`$/,
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

  it('stops when aborted at work, and does no more of it', async () => {
    const big = randomPoints(50_000, 80, createRandom(9));
    const values = randomTarget(50_000, kind, random);
    const controller = new AbortController();
    const work = learn(big, values, { degree: 3, signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 20);
    const startedAt = performance.now();
    await expect(work).rejects.toThrow('enough');
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  it('survives a round trip through JSON', async () => {
    const { model } = await learn(points, target, { degree: 2 });
    const copy = JSON.parse(JSON.stringify({ coordinates: model.coordinates, terms: termList(model) }));
    expect(polynomialFromTerms(copy.coordinates, copy.terms)).toEqual(model);
  });
});

function randomTarget(rowCount: number, kind: TargetKind, random: Random): Float64Array {
  return Float64Array.from({ length: rowCount }, () => {
    const value = random.normal();
    return kind === 'numbers' ? value : value < 0 ? -1 : 1;
  });
}

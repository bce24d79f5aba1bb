/**
 * Learning a sparse polynomial of degree <= d from labelled points: the lasso or
 * the elastic net over all monomials at one lambda, checked, in the form that
 * every learner has. `elastic-net.ts` says how it is solved.
 */
import { checkRunOptions, FewfireError, FIT_OPTIONS } from '../base/index.ts';
import type { CubePoints } from '../cube/index.ts';
import { polynomialFromVector } from '../spectrum/index.ts';
import { createElasticNetSolver } from './elastic-net.ts';
import type { Hierarchy } from './hierarchy.ts';
import {
  checkTarget,
  DEFAULT_MEMORY_BYTES,
  LOW_DEGREE_CHECKS,
  type LowDegreeFit,
  type LowDegreeOptions,
  openLowDegree,
  weightedMse,
} from './low-degree.ts';

/** Options of `fitElasticNet`. */
export interface ElasticNetFitOptions extends LowDegreeOptions {
  /**
   * Strength of the penalty, above 0: alpha of scikit-learn's Lasso and ElasticNet, per row. (`fitLowDegree`'s lambda is
   * the alpha of Ridge, on the sum over all rows.)
   */
  readonly lambda: number;
  /** Share of the penalty on absolute values, in (0, 1]. Default 1: the lasso. */
  readonly l1Ratio?: number;
  /**
   * Which products may be non-zero: any (`none`, the default), those beside at least one of their parts (`weak`) or
   * beside all of them (`strong`). Both are greedy fixed points, not optima over everything.
   */
  readonly hierarchy?: Hierarchy;
  /** Least squares on the monomials chosen, which takes the shrinkage out (the relaxed lasso). Default false. */
  readonly refit?: boolean;
  /** Stop when the duality gap is at most this share of the best constant's objective. Default 1e-8. */
  readonly gapTolerance?: number;
  /** Passes of coordinate descent. Default 10,000. */
  readonly maxIterations?: number;
}

/** Gradient at which a refit stops, in standard deviations of the target. */
const REFIT_TOLERANCE = 1e-10;
/** Share of the memory limit that the products of active monomials may take. */
const ACTIVE_SHARE = 1 / 4;

/**
 * The lasso (`l1Ratio` 1) or the elastic net over all monomials of degree <= d, with the duality gap over all of them in
 * `summary.dualityGap`. With `refit` that gap is the one of the lasso solution that chose the terms.
 *
 * @param target one finite number per row
 * @throws FewfireError `invalid-argument`, `invalid-data` (NaN or infinity in the target), `memory-budget`
 * @example
 * ```ts
 * import { cubePointsFromRows, fitElasticNet, termList } from '@fewfire/core';
 *
 * const bits = Array.from({ length: 64 }, (_, i) => [i & 1, (i >> 1) & 1, (i >> 2) & 1]);
 * const points = cubePointsFromRows(bits);
 * // 2 x0 x1 + x2, where a bit 0 is +1 and a bit 1 is -1.
 * const target = Float64Array.from(bits, ([a, b, c]) => 2 * (1 - 2 * a) * (1 - 2 * b) + (1 - 2 * c));
 * const { model } = await fitElasticNet(points, target, { degree: 2, lambda: 0.1, refit: true });
 * console.log(termList(model).map(({ coordinates, coefficient }) => `${coordinates}: ${coefficient.toFixed(2)}`)); // [ '2: 1.00', '0,1: 2.00' ]
 * ```
 */
export async function fitElasticNet(
  points: CubePoints,
  target: Float64Array,
  options: ElasticNetFitOptions,
): Promise<LowDegreeFit> {
  checkRunOptions('fitElasticNet', options, {
    ...LOW_DEGREE_CHECKS,
    lambda: { need: 'number' },
    l1Ratio: 'number',
    hierarchy: FIT_OPTIONS.hierarchy,
    refit: 'boolean',
    gapTolerance: 'number',
    maxIterations: 'number',
  });
  const {
    lambda,
    l1Ratio = 1,
    hierarchy = 'none',
    refit = false,
    gapTolerance = 1e-8,
    maxIterations = 10_000,
  } = options;
  if (!(lambda > 0 && Number.isFinite(lambda))) {
    throw new FewfireError(
      'invalid-argument',
      `lambda is ${lambda}; expected a finite number above 0: without a penalty use least squares`,
    );
  }
  checkL1Ratio(l1Ratio);
  checkTarget(points, target, options.rowWeights);
  const { operator, excluded, coordinates } = await openLowDegree(points, options);
  try {
    const solver = await createElasticNetSolver({
      operator,
      points,
      excluded,
      target,
      rowWeights: options.rowWeights,
      activeLimit: activeLimitOf(options.memoryLimitBytes, points.rowCount),
      variant: options.variant,
    });
    const { signal } = options;
    const solution = await solver.solve({
      lambda,
      l1Ratio,
      hierarchy,
      gapTolerance,
      maxIterations,
      signal,
      onIteration: (done) => options.onProgress?.({ phase: 'fitting', done, total: maxIterations, unit: 'iterations' }),
    });
    const refitted = refit ? await solver.refit({ tolerance: REFIT_TOLERANCE, signal }) : undefined;
    const { coefficients, predictions } = refitted ?? solution;
    return {
      model: polynomialFromVector(coordinates, operator.plan.degree, coefficients),
      summary: {
        method: l1Ratio === 1 ? 'lasso' : 'elastic-net',
        degree: operator.plan.degree,
        sampleCount: points.rowCount,
        coordinateCount: points.coordinateCount,
        monomialCount: operator.plan.monomialCount - excluded.length,
        lambda,
        basis: 'parity',
        l1Ratio,
        hierarchy,
        refit,
        termCount: solution.activeCount,
        iterations: solution.iterations,
        relativeGradient: 0,
        dualityGap: solution.relativeGap,
        converged: solution.converged && (refitted?.converged ?? true),
        trainingMse: weightedMse(target, predictions, options.rowWeights),
      },
    };
  } finally {
    operator.dispose();
  }
}

/** @throws FewfireError `invalid-argument` outside (0, 1] */
export function checkL1Ratio(l1Ratio: number): void {
  if (l1Ratio > 0 && l1Ratio <= 1) return;
  throw new FewfireError(
    'invalid-argument',
    `l1Ratio is ${l1Ratio}; expected a number above 0 and at most 1: for 0 use ridge`,
  );
}

/** How many monomials may be active at a time: their products (8 bytes a pair, with room to grow) and bit columns. */
export function activeLimitOf(memoryLimitBytes: number | undefined, rowCount: number, solverCount = 1): number {
  const bytes = (ACTIVE_SHARE * (memoryLimitBytes ?? DEFAULT_MEMORY_BYTES)) / solverCount;
  const columnBytes = rowCount / 4;
  return Math.max(1, Math.floor((Math.sqrt(columnBytes ** 2 + 64 * bytes) - columnBytes) / 32));
}

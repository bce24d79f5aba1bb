/**
 * Learning a polynomial of degree <= d from labelled points of the cube.
 *
 * `fitLowDegree` is least squares or ridge regression over all monomials of
 * degree <= d (the regression form of the low-degree algorithm, THEORY section
 * 3); `estimateLowDegree` takes the one-pass means of Lemma 2.3, which are right
 * only for uniform inputs. Both are agnostic: they approach the best degree-d
 * approximation of E[y|x].
 */
import {
  createMonomialOperator,
  type KernelVariant,
  type MonomialOperator,
  planMonomialOperator,
  planSignedEstimate,
  signedEstimate,
} from '@fewfire/kernels';
import { type ChecksOf, checkRunOptions, FewfireError, type RunOptions } from '../base/index.ts';
import {
  COORDINATE_LIMIT,
  type CubePoints,
  checkCoordinateCount,
  countMonomials,
  redundantMonomials,
  yesShares,
} from '../cube/index.ts';
import { type Polynomial, polynomialFromVector } from '../spectrum/index.ts';
import type { FitMethod, Stack } from './folds.ts';
import type { Hierarchy } from './hierarchy.ts';
import { createLeastSquaresSolver, type PenaltyBasis } from './least-squares.ts';

export const DEFAULT_MEMORY_BYTES: number = 4 * 2 ** 30;
/** What the summaries and candidates of methods that are not sparse have in common. */
export const DENSE: { readonly l1Ratio: 0; readonly hierarchy: 'none'; readonly refit: false } = {
  l1Ratio: 0,
  hierarchy: 'none',
  refit: false,
};
/** One vector of so many coefficients fills a WebAssembly memory. */
const MAX_MONOMIALS = 2 ** 29;

/** Options of every fit of a polynomial to points; of `estimateLowDegree` all there are. */
export interface LowDegreeOptions extends RunOptions {
  /** Largest number of coordinates in a term, at least 1; more than there are coordinates counts as all of them. */
  readonly degree: number;
  /** Names of the coordinates; by default x0, x1, ... */
  readonly coordinates?: readonly string[];
  /** One group per coordinate: products of two coordinates of one group are left out, being redundant. */
  readonly groups?: ArrayLike<number>;
  /** Weight of each row in the sum of squares, at least 0. */
  readonly rowWeights?: Float64Array;
  /** For tests: which implementation of the kernels to use. */
  readonly variant?: KernelVariant;
}

export const LOW_DEGREE_CHECKS: ChecksOf<Omit<LowDegreeOptions, keyof RunOptions>> = {
  degree: { need: 'number' },
  coordinates: 'names',
  groups: 'object',
  rowWeights: 'object',
  variant: ['simd', 'scalar', 'reference'],
};

/** Options of `fitLowDegree`. */
export interface LeastSquaresFitOptions extends LowDegreeOptions {
  /** Ridge penalty on the sum of squared coefficients, intercept free (scikit-learn's alpha). Default 0: least squares. */
  readonly lambda?: number;
  /** Which coefficients are penalised. Default `parity`. */
  readonly basis?: PenaltyBasis;
  /** Stop when the gradient is this much smaller than at the best constant. Default 1e-8. */
  readonly tolerance?: number;
  /** Default 1000. */
  readonly maxIterations?: number;
}

/** How a fit went. */
export interface LowDegreeSummary {
  readonly method: FitMethod;
  readonly degree: number;
  readonly sampleCount: number;
  readonly coordinateCount: number;
  /** Monomials of degree <= d that were allowed. */
  readonly monomialCount: number;
  /** Of ridge on the sum of squares, of the lasso and elastic net per row: scikit-learn's alpha in each case. */
  readonly lambda: number;
  readonly basis: PenaltyBasis;
  /** Share of the penalty on absolute values: 1 for the lasso, 0 for methods without one. */
  readonly l1Ratio: number;
  readonly hierarchy: Hierarchy;
  /** Whether the coefficients are least squares on the terms the lasso chose. */
  readonly refit: boolean;
  /** Of boosting: how many trees. */
  readonly roundCount?: number | undefined;
  /** Of stacking, whose lambda is per weight of the rows. */
  readonly stack?: Stack | undefined;
  /** Of stacking: products of coordinates in the additive part. */
  readonly products?: readonly (readonly number[])[] | undefined;
  /** Terms that are not zero, the constant not counted. */
  readonly termCount: number;
  readonly iterations: number;
  /**
   * Norm of the gradient over its norm at the best constant, computed from the data at the end; 0 for `estimate`, and for
   * the lasso and elastic net, which have the duality gap.
   */
  readonly relativeGradient: number;
  /** Upper bound on objective less optimum, over the objective of the best constant; null for methods without one. */
  readonly dualityGap: number | null;
  readonly converged: boolean;
  /** Mean squared error on the rows of the fit. */
  readonly trainingMse: number;
}

/** A polynomial that was fitted, and how the solver did. */
export interface LowDegreeFit {
  readonly model: Polynomial;
  readonly summary: LowDegreeSummary;
}

/**
 * Least squares (`lambda` 0) or ridge regression over all monomials of degree <= d.
 *
 * With more monomials than rows and no penalty the solution is not unique; the one found has the least norm in the
 * basis iterated in. A fit that stops at `maxIterations` says so in `summary.converged`.
 *
 * @param target one finite number per row
 * @throws FewfireError `invalid-argument`, `invalid-data` (NaN or infinity in the target), `memory-budget`
 * @example
 * ```ts
 * import { cubePointsFromRows, fitLowDegree, termList } from '@fewfire/core';
 *
 * const bits = Array.from({ length: 64 }, (_, i) => [i & 1, (i >> 1) & 1, (i >> 2) & 1]);
 * const points = cubePointsFromRows(bits);
 * // 2 x0 x1 + x2, where a bit 0 is +1 and a bit 1 is -1.
 * const target = Float64Array.from(bits, ([a, b, c]) => 2 * (1 - 2 * a) * (1 - 2 * b) + (1 - 2 * c));
 * const { model } = await fitLowDegree(points, target, { degree: 2 });
 * console.log(termList(model).map(({ coordinates, coefficient }) => `${coordinates}: ${coefficient.toFixed(2)}`)); // [ '2: 1.00', '0,1: 2.00' ]
 * ```
 */
export async function fitLowDegree(
  points: CubePoints,
  target: Float64Array,
  options: LeastSquaresFitOptions,
): Promise<LowDegreeFit> {
  checkRunOptions('fitLowDegree', options, {
    ...LOW_DEGREE_CHECKS,
    lambda: 'number',
    basis: ['parity', 'biased'],
    tolerance: 'number',
    maxIterations: 'number',
  });
  const lambda = options.lambda ?? 0;
  const basis = options.basis ?? 'parity';
  if (!(lambda >= 0 && Number.isFinite(lambda))) {
    throw new FewfireError('invalid-argument', `lambda is ${lambda}; expected a finite number, at least 0`);
  }
  checkTarget(points, target, options.rowWeights);
  const setup = await openLowDegree(points, options);
  try {
    const { operator, excluded } = setup;
    const maxIterations = options.maxIterations ?? 1000;
    const solver = createLeastSquaresSolver({
      operator,
      excluded,
      target,
      rowWeights: options.rowWeights,
      means: coordinateMeans(points, options.rowWeights),
    });
    const solution = await solver.solve({
      lambda,
      basis,
      tolerance: options.tolerance ?? 1e-8,
      maxIterations,
      signal: options.signal,
      onIteration: (done) => options.onProgress?.({ phase: 'fitting', done, total: maxIterations, unit: 'iterations' }),
    });
    return {
      model: polynomialFromVector(setup.coordinates, operator.plan.degree, solution.coefficients),
      summary: {
        method: lambda > 0 ? 'ridge' : 'least-squares',
        degree: operator.plan.degree,
        sampleCount: points.rowCount,
        coordinateCount: points.coordinateCount,
        monomialCount: operator.plan.monomialCount - excluded.length,
        lambda,
        basis,
        ...DENSE,
        dualityGap: null,
        termCount: countTerms(solution.coefficients),
        iterations: solution.iterations,
        relativeGradient: solution.relativeGradient,
        converged: solution.converged,
        trainingMse: weightedMse(target, solution.predictions, options.rowWeights),
      },
    };
  } finally {
    setup.operator.dispose();
  }
}

/**
 * Lemma 2.3: coefficient of S = mean of y chi_S over the rows. Unbiased for f^(S) when the points are uniform on the
 * cube; on other data it estimates correlations, not a regression. One pass.
 * @param target one finite number per row
 * @throws FewfireError as `fitLowDegree`
 * @example
 * ```ts
 * import { cubePointsFromRows, estimateLowDegree, termList } from '@fewfire/core';
 *
 * const bits = Array.from({ length: 64 }, (_, i) => [i & 1, (i >> 1) & 1, (i >> 2) & 1]);
 * const points = cubePointsFromRows(bits);
 * // 2 x0 x1 + x2, where a bit 0 is +1 and a bit 1 is -1.
 * const target = Float64Array.from(bits, ([a, b, c]) => 2 * (1 - 2 * a) * (1 - 2 * b) + (1 - 2 * c));
 * const { model } = await estimateLowDegree(points, target, { degree: 2 });
 * for (const { coordinates, coefficient } of termList(model)) console.log(coordinates, coefficient);
 * // [ 2 ] 1
 * // [ 0, 1 ] 2
 * ```
 */
export async function estimateLowDegree(
  points: CubePoints,
  target: Float64Array,
  options: LowDegreeOptions,
): Promise<LowDegreeFit> {
  checkRunOptions('estimateLowDegree', options, LOW_DEGREE_CHECKS);
  checkTarget(points, target, options.rowWeights);
  const setup = await openLowDegree(points, options);
  try {
    const { operator, excluded } = setup;
    const { coefficients, predictions } = await onePassEstimate(
      operator,
      excluded,
      points,
      target,
      options.rowWeights,
      options.signal,
    );
    return {
      model: polynomialFromVector(setup.coordinates, operator.plan.degree, coefficients),
      summary: {
        method: 'estimate',
        degree: operator.plan.degree,
        sampleCount: points.rowCount,
        coordinateCount: points.coordinateCount,
        monomialCount: operator.plan.monomialCount - excluded.length,
        lambda: 0,
        basis: 'parity',
        ...DENSE,
        dualityGap: null,
        termCount: countTerms(coefficients),
        iterations: 1,
        relativeGradient: 0,
        converged: true,
        trainingMse: weightedMse(target, predictions, options.rowWeights),
      },
    };
  } finally {
    setup.operator.dispose();
  }
}

/** The one-pass means and the values of their polynomial at all rows; `points` are those of the operator. */
export async function onePassEstimate(
  operator: MonomialOperator,
  excluded: Uint32Array,
  points: CubePoints,
  target: Float64Array,
  rowWeights: Float64Array | undefined,
  signal: AbortSignal | undefined,
): Promise<{ coefficients: Float64Array; predictions: Float64Array }> {
  const total = rowWeights === undefined ? target.length : rowWeights.reduce((sum, weight) => sum + weight, 0);
  const coefficients = await targetSums(operator, points, target, rowWeights, signal);
  for (let at = 0; at < coefficients.length; at++) coefficients[at] /= total;
  for (const at of excluded) coefficients[at] = 0;
  const predictions = new Float64Array(target.length);
  await operator.forward(coefficients, predictions, signal);
  return { coefficients, predictions };
}

// Sums of w y chi_S. Signs with weights of 0 and 1 give whole numbers either way, so the faster way is a free choice.
async function targetSums(
  operator: MonomialOperator,
  points: CubePoints,
  target: Float64Array,
  rowWeights: Float64Array | undefined,
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  const { plan } = operator;
  const signed = planSignedEstimate(plan);
  // Both are predictions, so it has to be clearly better; half of a plan's cost is its adjoint. The bits must fit where a
  // fit, for which memory was checked, holds four vectors more than an estimate.
  const isFaster = signed.costNs < (0.7 * plan.costNs) / 2 / plan.threads;
  const fits = signed.memoryBytes <= 4 * 8 * (plan.rowCount + plan.monomialCount);
  const isSigned = target.every((y) => y === 1 || y === -1) && (rowWeights?.every((w) => w === 0 || w === 1) ?? true);
  if (isFaster && fits && isSigned) return signedEstimate(points, target, plan.degree, { rowWeights, signal });
  const sums = new Float64Array(plan.monomialCount);
  await operator.adjoint(rowWeights === undefined ? target : target.map((y, i) => y * rowWeights[i]), sums, signal);
  return sums;
}

/** An operator for the fit, after the checks of shape and memory. */
export async function openLowDegree(
  points: CubePoints,
  options: LowDegreeOptions,
): Promise<{ operator: MonomialOperator; excluded: Uint32Array; coordinates: readonly string[] }> {
  const { coordinateCount } = points;
  if (!Number.isInteger(options.degree) || options.degree < 1) {
    throw new FewfireError('invalid-argument', `degree is ${options.degree}; expected a whole number, at least 1`);
  }
  checkCoordinateCount(coordinateCount);
  const coordinates = options.coordinates ?? Array.from({ length: coordinateCount }, (_, i) => `x${i}`);
  if (
    coordinates.length !== coordinateCount ||
    (options.groups !== undefined && options.groups.length !== coordinateCount)
  ) {
    throw new FewfireError(
      'invalid-argument',
      `expected ${coordinateCount} coordinate names and groups, one per coordinate`,
    );
  }
  checkMemory(points, options);
  const operator = await createMonomialOperator(points, {
    degree: options.degree,
    threads: options.threads,
    variant: options.variant,
  });
  return { operator, excluded: redundantMonomials(operator.index, options.groups), coordinates };
}

/** Bytes a fit will hold at its largest: the kernels' memory and the vectors beside it. Infinity beyond what kernels can index. */
export function predictFitBytes(rowCount: number, coordinateCount: number, degree: number, threads = 1): number {
  const monomialCount = countMonomials(coordinateCount, degree);
  // Six vectors of coefficients, the index pairs of the basis change (8 bytes per member of a monomial), six row vectors.
  const vectors = monomialCount * (6 * 8 + 8 + 8 * Math.min(degree, coordinateCount)) + rowCount * 6 * 8;
  if (monomialCount >= MAX_MONOMIALS) return Number.POSITIVE_INFINITY;
  try {
    return vectors + planMonomialOperator({ rowCount, coordinateCount, degree, threads }).memoryBytes;
  } catch (error) {
    // No plan: fewer monomials than that, but of too high a degree.
    if (error instanceof RangeError) return Number.POSITIVE_INFINITY;
    throw error;
  }
}

/** @throws FewfireError `memory-budget` before anything is allocated */
export function checkMemory(points: CubePoints, options: LowDegreeOptions): void {
  const limit = options.memoryLimitBytes ?? DEFAULT_MEMORY_BYTES;
  const { rowCount, coordinateCount } = points;
  const degree = Math.min(options.degree, coordinateCount);
  const bytesOf: BytesOf = (d, n) => predictFitBytes(rowCount, n, d, options.threads);
  if (bytesOf(degree, coordinateCount) > limit) throw memoryError(degree, coordinateCount, bytesOf, limit);
}

/**
 * Of a table's row beside its fit: its target, for all rows and for those to learn from, what side it is on, its coordinates,
 * and what is made of it on the way (measured: 98 bytes in all at 5,000,000 rows, of which a fit has 48).
 */
const HELD_ROW_BYTES = 50;

/** Refuses rows that no fit of a table has room for, whatever their columns. @throws FewfireError `memory-budget` */
export function checkRowMemory(rowCount: number, { memoryLimitBytes: limit = DEFAULT_MEMORY_BYTES }: RunOptions): void {
  const bytesOf: BytesOf = (d, n) => predictFitBytes(rowCount, n, d, 1) + HELD_ROW_BYTES * rowCount;
  if (bytesOf(1, 1) > limit) throw memoryError(1, 1, bytesOf, limit);
}

/** Bytes that a job takes at a degree over so many coordinates: more of either never take less. */
export type BytesOf = (degree: number, coordinateCount: number) => number;

/** The refusal of a degree that would take more than `limit`, with how many coordinates would not. */
export function memoryError(degree: number, coordinateCount: number, bytesOf: BytesOf, limit: number): FewfireError {
  const monomialCount = countMonomials(coordinateCount, degree);
  const bytes = bytesOf(degree, coordinateCount);
  const most = (d: number): string => mostCoordinates(d, bytesOf, limit).toLocaleString('en-US');
  const needs = `degree ${degree} at n=${coordinateCount} needs ${monomialCount.toLocaleString('en-US')} monomials, ${formatBytes(8 * monomialCount)} per vector`;
  const [why, last] = Number.isFinite(bytes)
    ? [` and ${formatBytes(bytes)} in all, more than the ${formatBytes(limit)} allowed`, ' or raise `memoryLimitBytes`']
    : [', more than can be indexed', ''];
  if (mostCoordinates(1, bytesOf, limit) === 0) {
    return new FewfireError(
      'memory-budget',
      `these rows need ${coordinateCount > 1 ? `${formatBytes(bytes)} at degree ${degree}, and ` : ''}${formatBytes(bytesOf(1, 1))} with a single coordinate, more than the ${formatBytes(limit)} that \`memoryLimitBytes\` leaves for the fit; give fewer rows or raise \`memoryLimitBytes\``,
    );
  }
  const fitting = `${most(degree)} coordinates (a column has one or more) would fit${degree > 1 ? `, at degree 1 ${most(1)}` : ''}`;
  return new FewfireError(
    'memory-budget',
    `${needs}${why}; ${fitting}: choose columns with \`features\` or \`exclude\`, lower \`degree\`${last}`,
  );
}

function mostCoordinates(degree: number, bytesOf: BytesOf, limit: number): number {
  let fitting = 0;
  let tooMany = COORDINATE_LIMIT + 1;
  while (tooMany - fitting > 1) {
    const middle = (fitting + tooMany) >> 1;
    if (bytesOf(degree, middle) <= limit) fitting = middle;
    else tooMany = middle;
  }
  return fitting;
}

/** Mean of each coordinate in {+1,-1} over the weighted rows. */
export function coordinateMeans(points: CubePoints, rowWeights: Float64Array | undefined): Float64Array {
  return yesShares(points, rowWeights).map((share) => 1 - 2 * share);
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toPrecision(2)} ${units[unit]}`;
}

/** @throws FewfireError `invalid-data` (no rows, NaN or infinity), `invalid-argument` (lengths, weights) */
export function checkTarget(points: CubePoints, target: Float64Array, rowWeights: Float64Array | undefined): void {
  if (points.rowCount === 0) throw new FewfireError('invalid-data', 'there are no rows; expected at least one');
  if (target.length !== points.rowCount) {
    throw new FewfireError(
      'invalid-argument',
      `the target has ${target.length} values, the points ${points.rowCount} rows; expected the same number`,
    );
  }
  const bad = target.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new FewfireError('invalid-data', `the target is ${target[bad]} in row ${bad}; expected finite numbers`);
  if (rowWeights === undefined) return;
  const wrong =
    rowWeights.length !== target.length || rowWeights.some((weight) => !(weight >= 0 && Number.isFinite(weight)));
  if (wrong || !rowWeights.some((weight) => weight > 0)) {
    throw new FewfireError(
      'invalid-argument',
      'rowWeights: expected one finite weight per row, at least 0 and not all 0',
    );
  }
}

/** Weighted mean of the squared differences. */
export function weightedMse(
  target: Float64Array,
  predictions: Float64Array,
  rowWeights: Float64Array | undefined,
): number {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < target.length; i++) {
    const weight = rowWeights === undefined ? 1 : rowWeights[i];
    sum += weight * (target[i] - predictions[i]) ** 2;
    total += weight;
  }
  return sum / total;
}

/** Coefficients that are not zero, the constant not counted. */
export function countTerms(coefficients: Float64Array): number {
  let count = 0;
  for (let at = 1; at < coefficients.length; at++) if (coefficients[at] !== 0) count++;
  return count;
}

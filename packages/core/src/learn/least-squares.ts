/**
 * Least squares and ridge regression over all monomials of degree <= d, by
 * conjugate gradients on the normal equations (CGLS), with the matrix of
 * monomials never formed.
 *
 * Minimises  sum_i w_i (y_i - p(x_i))^2 + lambda sum_{S != {}} c_S^2,
 * the second sum over the coefficients of parities (basis `parity`) or of the
 * biased basis (basis `biased`). lambda is scikit-learn's alpha; the intercept
 * is free. The iteration runs in the biased basis when that is what is penalised
 * and for plain least squares, where it conditions the equations well; a penalty
 * on parities is itself the better preconditioner (measured on one-hot columns at
 * degree 3: 98 against more than 500 iterations), so there it runs in parities.
 *
 * It starts from the best constant, the mean of the target, and stops when the
 * gradient, in the basis iterated in, has fallen below `tolerance` times its
 * norm there. (Against the gradient at zero, a target far from zero, such as a
 * year, would count as fitted once its mean is.) The gradient is then computed
 * afresh from the data (not from the recurrence), and that is what is reported.
 *
 * A part of the rows (a fold, rows of weight) may have nothing to learn in it, and
 * what rounding leaves of nothing must not be taken for a slope: conjugate
 * gradients would follow it without end. So correlations that are rounding are 0,
 * a coordinate that is constant on the rows of weight has no column in the biased
 * basis (it would be one of 0/0), a direction whose values are rounding is the last
 * one, and steps end at the minimum along them by the gradient at hand: no step
 * raises the objective, whatever the recurrence has come to.
 */
import type { MonomialIndex } from '../cube/index.ts';
import { type BasisChange, createBasisChange } from '../spectrum/index.ts';
import { clearRounding, constantValue, ROUNDING, sumOfSizes } from './rounding.ts';

/** Whether coefficients of the parities or of the centred, scaled parities are penalised. */
export type PenaltyBasis = 'parity' | 'biased';

/** A matrix of rows and columns that is never formed; its first column, the constant, is 1 and not penalised. */
export interface DesignOperator {
  readonly plan: { readonly rowCount: number; readonly monomialCount: number };
  /** Of columns that are monomials: what the biased basis needs. */
  readonly index?: MonomialIndex;
  /** The transpose: from row values to one sum per column. */
  adjoint(rowValues: Float64Array, coefficients: Float64Array, signal?: AbortSignal): Promise<void>;
  forward(coefficients: Float64Array, rowValues: Float64Array, signal?: AbortSignal): Promise<void>;
}

export interface LeastSquaresProblem {
  readonly operator: DesignOperator;
  /** Monomials that stay out, by index. */
  readonly excluded: Uint32Array;
  /** `rowCount` finite numbers. */
  readonly target: Float64Array;
  /** Non-negative weight of each row; rows of weight 0 are only predicted. */
  readonly rowWeights: Float64Array | undefined;
  /** Mean of each coordinate over the weighted rows, in [-1, 1]. */
  readonly means: Float64Array;
}

export interface LeastSquaresOptions {
  readonly lambda: number;
  readonly basis: PenaltyBasis;
  readonly tolerance: number;
  readonly maxIterations: number;
  readonly signal?: AbortSignal | undefined;
  readonly onIteration?: ((iteration: number, relativeGradient: number) => void) | undefined;
}

export interface LeastSquaresSolution {
  /** Over parities, in graded colexicographic order. */
  readonly coefficients: Float64Array;
  /** Values of the polynomial at all rows, those of weight 0 included. */
  readonly predictions: Float64Array;
  readonly iterations: number;
  /** Norm of the gradient at the solution, computed from the data, over its norm at the best constant. */
  readonly relativeGradient: number;
  readonly converged: boolean;
}

export interface LeastSquaresSolver {
  /** Solves for one penalty, starting from the last solution: go through penalties from large to small. */
  solve(options: LeastSquaresOptions): Promise<LeastSquaresSolution>;
}

/** Below this largest |mean| the biased basis is so close to parities that changing to it costs more than it saves. */
const UNBIASED_MEAN = 0.1;
/** The recurrence may drift from the true gradient; so often the iteration is started again from it. */
const MAX_RESTARTS = 3;

export function createLeastSquaresSolver(problem: LeastSquaresProblem): LeastSquaresSolver {
  const { operator, rowWeights } = problem;
  const { monomialCount, rowCount } = operator.plan;
  // Everything below is about the target less its mean; the mean comes back into what `solve` returns.
  const constant = constantValue(problem.target, rowWeights);
  const shift = constant ?? weightedMean(problem.target, rowWeights);
  const target = problem.target.map((value) => value - shift);
  const means = problem.means.map((mean) => (isConstant(mean, rowCount) ? Math.sign(mean) : mean));
  const biased = means.some((mean) => Math.abs(mean) > UNBIASED_MEAN);
  const monomials = (): MonomialIndex => {
    if (operator.index === undefined) throw new Error('columns that are no monomials have no biased basis');
    return operator.index;
  };
  let change: BasisChange | undefined;
  const basisChange = (): BasisChange => {
    change ??= createBasisChange(monomials(), means, 1 / Math.sqrt(rowCount + 1));
    return change;
  };
  let varying: Uint32Array | undefined;
  /** Monomials that stay out of the basis iterated in. */
  const excludedFrom = (isBiased: boolean): Uint32Array => {
    if (!isBiased) return problem.excluded;
    varying ??= withConstants(monomials(), problem.excluded, means);
    return varying;
  };

  const iteratesBiased = ({ lambda, basis }: LeastSquaresOptions): boolean =>
    lambda > 0 ? basis === 'biased' : biased;

  // State: the coefficients over parities (less the mean) and the residual y - p(x) that belongs to them.
  const coefficients = new Float64Array(monomialCount);
  const residual = target.slice();
  const weighted = rowWeights === undefined ? residual : new Float64Array(rowCount);
  const gradient = new Float64Array(monomialCount);
  const direction = new Float64Array(monomialCount);
  const step = new Float64Array(monomialCount);
  const stepRows = new Float64Array(rowCount);
  let atZero = true;
  const totalWeight = rowWeights?.reduce((sum, weight) => sum + weight, 0) ?? rowCount;

  const solve = async (options: LeastSquaresOptions): Promise<LeastSquaresSolution> => {
    const { lambda, basis, tolerance, maxIterations, signal } = options;
    const iterateBiased = iteratesBiased(options);
    const over = iterateBiased ? basisChange() : undefined;
    const excluded = excludedFrom(iterateBiased);

    // gradient := T^t (A^t W r - lambda J c), the steepest descent in the basis iterated in. In the biased penalty the
    // second term is lambda J z with z = T^-1 c.
    const computeGradient = async (): Promise<number> => {
      if (rowWeights !== undefined) for (let i = 0; i < rowCount; i++) weighted[i] = rowWeights[i] * residual[i];
      await operator.adjoint(weighted, gradient, signal);
      for (const at of problem.excluded) gradient[at] = 0;
      clearRounding(gradient, weighted);
      if (lambda > 0 && basis === 'parity')
        for (let at = 1; at < monomialCount; at++) gradient[at] -= lambda * coefficients[at];
      over?.transpose(gradient);
      if (lambda > 0 && basis === 'biased') {
        step.set(coefficients);
        basisChange().fromParities(step);
        for (let at = 1; at < monomialCount; at++) gradient[at] -= lambda * step[at];
      }
      // T maps the allowed monomials into themselves (subsets of allowed ones are allowed); its transpose does not.
      for (const at of excluded) gradient[at] = 0;
      return dot(gradient, gradient);
    };
    // step := T direction (over parities); returns the penalty's part of the curvature.
    const changeDirection = (): number => {
      step.set(direction);
      let penalty = 0;
      if (basis === 'biased') for (let at = 1; at < monomialCount; at++) penalty += step[at] * step[at];
      over?.toParities(step);
      if (basis === 'parity') for (let at = 1; at < monomialCount; at++) penalty += step[at] * step[at];
      return lambda * penalty;
    };

    let squared = await computeGradient();
    // The first solve starts at the constant, so its first gradient is the one to compare with.
    if (atZero) zeroNorms.set(iterateBiased, Math.sqrt(squared));
    atZero = false;
    const zeroNorm = await gradientAtZero(options);
    let iterations = 0;
    for (
      let restart = 0;
      restart <= MAX_RESTARTS && Math.sqrt(squared) > tolerance * zeroNorm && iterations < maxIterations;
      restart++
    ) {
      direction.set(gradient);
      while (iterations < maxIterations) {
        iterations++;
        const penalty = changeDirection();
        await operator.forward(step, stepRows, signal);
        let curvature = penalty;
        for (let i = 0; i < rowCount; i++)
          curvature += (rowWeights === undefined ? 1 : rowWeights[i]) * stepRows[i] * stepRows[i];
        if (!(curvature > totalWeight * (ROUNDING * sumOfSizes(step)) ** 2)) break;
        const length = dot(gradient, direction) / curvature;
        if (!(length > 0 && Number.isFinite(length))) break;
        for (let at = 0; at < monomialCount; at++) coefficients[at] += length * step[at];
        for (let i = 0; i < rowCount; i++) residual[i] -= length * stepRows[i];
        const next = await computeGradient();
        const relative = zeroNorm > 0 ? Math.sqrt(next) / zeroNorm : 0;
        options.onIteration?.(iterations, relative);
        const ratio = next / squared;
        squared = next;
        if (relative <= tolerance) break;
        for (let at = 0; at < monomialCount; at++) direction[at] = gradient[at] + ratio * direction[at];
      }
      // The residual was updated step by step: take it from the data and see whether the gradient is still small.
      await operator.forward(coefficients, stepRows, signal);
      for (let i = 0; i < rowCount; i++) residual[i] = target[i] - stepRows[i];
      squared = await computeGradient();
    }
    const relativeGradient = zeroNorm > 0 ? Math.sqrt(squared) / zeroNorm : 0;
    const predictions = new Float64Array(rowCount);
    for (let i = 0; i < rowCount; i++) predictions[i] = shift + (target[i] - residual[i]);
    const solution = coefficients.slice();
    solution[0] += shift;
    return {
      coefficients: solution,
      predictions,
      iterations,
      relativeGradient,
      converged: relativeGradient <= tolerance,
    };
  };

  // Norm of T^t A^t W y (y less its mean), once per basis iterated in.
  const zeroNorms = new Map<boolean, number>();
  const gradientAtZero = async (options: LeastSquaresOptions): Promise<number> => {
    const iterateBiased = iteratesBiased(options);
    const known = zeroNorms.get(iterateBiased);
    if (known !== undefined) return known;
    for (let i = 0; i < rowCount; i++) stepRows[i] = (rowWeights === undefined ? 1 : rowWeights[i]) * target[i];
    await operator.adjoint(stepRows, step, options.signal);
    for (const at of problem.excluded) step[at] = 0;
    clearRounding(step, stepRows);
    if (iterateBiased) basisChange().transpose(step);
    for (const at of excludedFrom(iterateBiased)) step[at] = 0;
    const norm = Math.sqrt(dot(step, step));
    zeroNorms.set(iterateBiased, norm);
    return norm;
  };

  return { solve };
}

// One row in the other state makes a difference of 2 / rowCount; rounding of the sums of weights, far less.
function isConstant(mean: number, rowCount: number): boolean {
  return 1 - Math.abs(mean) <= Math.min(4 * Number.EPSILON * rowCount, 1 / rowCount);
}

// The excluded monomials, and those with a coordinate that is constant.
function withConstants(index: MonomialIndex, excluded: Uint32Array, means: Float64Array): Uint32Array {
  if (!means.some((mean) => Math.abs(mean) === 1)) return excluded;
  const isOut = new Uint8Array(index.count);
  for (const at of excluded) isOut[at] = 1;
  index.forEach((subset, size, at) => {
    for (let j = 0; j < size; j++) if (Math.abs(means[subset[j]]) === 1) isOut[at] = 1;
  });
  const out = new Uint32Array(isOut.reduce((sum, flag) => sum + flag, 0));
  for (let at = 0, k = 0; at < isOut.length; at++) if (isOut[at] === 1) out[k++] = at;
  return out;
}

// In two passes: the second takes what rounding left of the first, so that a constant target has exactly its value.
function weightedMean(values: Float64Array, rowWeights: Float64Array | undefined): number {
  let total = 0;
  let mean = 0;
  for (let i = 0; i < values.length; i++) total += rowWeights === undefined ? 1 : rowWeights[i];
  for (let i = 0; i < values.length; i++) mean += ((rowWeights === undefined ? 1 : rowWeights[i]) / total) * values[i];
  let rest = 0;
  for (let i = 0; i < values.length; i++) rest += (rowWeights === undefined ? 1 : rowWeights[i]) * (values[i] - mean);
  return mean + rest / total;
}

function dot(a: Float64Array, b: Float64Array): number {
  // Four running sums: faster, and a fixed order.
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const whole = a.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    s0 += a[i] * b[i];
    s1 += a[i + 1] * b[i + 1];
    s2 += a[i + 2] * b[i + 2];
    s3 += a[i + 3] * b[i + 3];
  }
  for (let i = whole; i < a.length; i++) s0 += a[i] * b[i];
  return s0 + s1 + (s2 + s3);
}

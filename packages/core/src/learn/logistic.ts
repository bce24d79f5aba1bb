/**
 * Logistic regression over all monomials of degree <= d, for a target of two
 * classes, with the matrix of monomials never formed.
 *
 * Minimises  sum_i w_i log(1 + exp(-y_i p(x_i))) + lambda/2 sum_{S != {}} c_S^2
 * over parities, y_i in {+1,-1}; so Pr[y = -1, a yes] = 1 / (1 + exp(p(x))).
 * lambda is 1/C of scikit-learn's LogisticRegression; the intercept is free.
 *
 * Newton's method, each step solved by conjugate gradients on
 * A^t D A + lambda J with D_i = w_i s_i (1 - s_i), only as exactly as the gradient
 * is already small (truncated Newton: the operator is what costs). All columns have
 * entries +-1, so the diagonal of A^t D A is constant and says nothing to
 * precondition with. A line search keeps every step downhill; it needs no operator,
 * values along a step being linear. Values and gradient are computed afresh from the
 * coefficients after every step, so the gradient reported has no drift in it.
 *
 * Without a penalty there may be no minimum: when a polynomial separates the
 * classes, multiplying it makes the loss fall for ever. That is looked for and
 * reported; it would otherwise pass for convergence, the gradient falling too.
 */
import { checkRunOptions, FewfireError } from '../base/index.ts';
import type { CubePoints } from '../cube/index.ts';
import { type Polynomial, polynomialFromVector } from '../spectrum/index.ts';
import type { DesignOperator } from './least-squares.ts';
import { bestConstant, checkTwoClasses, logisticSlope, sigmoid, softplus } from './logit.ts';
import {
  checkTarget,
  countTerms,
  DENSE,
  LOW_DEGREE_CHECKS,
  type LowDegreeOptions,
  type LowDegreeSummary,
  openLowDegree,
} from './low-degree.ts';

export interface LogisticProblem {
  readonly operator: DesignOperator;
  /** Monomials that stay out, by index. */
  readonly excluded: Uint32Array;
  /** `rowCount` numbers, each +1 or -1. */
  readonly target: Float64Array;
  /** Non-negative weight of each row; rows of weight 0 are only predicted. */
  readonly rowWeights: Float64Array | undefined;
}

export interface LogisticSolveOptions {
  readonly lambda: number;
  readonly tolerance: number;
  /** Of conjugate gradients, over all Newton steps: one adjoint and one forward each. */
  readonly maxIterations: number;
  readonly signal?: AbortSignal | undefined;
  readonly onIteration?: ((iteration: number, relativeGradient: number) => void) | undefined;
}

export interface LogisticSolution {
  /** Over parities, in graded colexicographic order. */
  readonly coefficients: Float64Array;
  /** p(x), the log-odds of a no, at all rows, those of weight 0 included. */
  readonly predictions: Float64Array;
  readonly iterations: number;
  /** Norm of the gradient at the solution, computed from the data, over its norm at the best constant. */
  readonly relativeGradient: number;
  /** Never true when `separated`. */
  readonly converged: boolean;
  /** Without a penalty only: the classes are separated, wholly or in part, so that there is no minimum to converge to. */
  readonly separated: boolean;
  /** 2 sum_i w_i log(1 + exp(-y_i p(x_i))). */
  readonly deviance: number;
}

export interface LogisticSolver {
  /** Solves for one penalty, starting from the last solution: go through penalties from large to small. */
  solve(options: LogisticSolveOptions): Promise<LogisticSolution>;
}

/** Where a minimum exists, Newton's step at the tolerance is far below this many units of log-odds; where not, it is about 1. */
const SEPARATION_STEP = 0.1;
/** A step shorter than this share of Newton's is rounding: nothing can be gained any more. */
const SHORTEST_STEP = 1e-10;

/** @throws FewfireError `invalid-data` when the rows of positive weight have one class only: its log-odds are infinite */
export function createLogisticSolver(problem: LogisticProblem): LogisticSolver {
  const { operator, excluded, target } = problem;
  const { monomialCount, rowCount } = operator.plan;
  const weights = problem.rowWeights ?? new Float64Array(rowCount).fill(1);
  const constant = bestConstant(target, weights);

  // State: the coefficients over parities and the values of their polynomial at the rows.
  const coefficients = new Float64Array(monomialCount);
  coefficients[0] = constant;
  const values = new Float64Array(rowCount).fill(constant);
  const rows = new Float64Array(rowCount);
  const stepRows = new Float64Array(rowCount);
  const weighted = new Float64Array(rowCount);
  const gradient = new Float64Array(monomialCount);
  const step = new Float64Array(monomialCount);
  const residual = new Float64Array(monomialCount);
  const direction = new Float64Array(monomialCount);
  const product = new Float64Array(monomialCount);
  let constantNorm: number | undefined;

  // gradient := the steepest descent A^t (w y sigma(-y p)) - lambda J c; returns its norm.
  const computeGradient = async (lambda: number, signal: AbortSignal | undefined): Promise<number> => {
    for (let i = 0; i < rowCount; i++) rows[i] = weights[i] * target[i] * sigmoid(-target[i] * values[i]);
    await operator.adjoint(rows, gradient, signal);
    for (const at of excluded) gradient[at] = 0;
    for (let at = 1; at < monomialCount; at++) gradient[at] -= lambda * coefficients[at];
    return Math.sqrt(dot(gradient, gradient));
  };

  // At the best constant the penalty is 0, so this norm serves every lambda. What is below rounding is taken for 0:
  // classes that are equally frequent at every point have nothing to be learned.
  const computeConstantNorm = async (signal: AbortSignal | undefined): Promise<number> => {
    const saved = [coefficients.slice(), values.slice()];
    coefficients.fill(0);
    values.fill(constant);
    const norm = await computeGradient(0, signal);
    const size = rows.reduce((sum, value) => sum + Math.abs(value), 0);
    coefficients.set(saved[0]);
    values.set(saved[1]);
    return norm <= 8 * Number.EPSILON * Math.sqrt(monomialCount) * size ? 0 : norm;
  };

  // step := about (A^t D A + lambda J)^-1 gradient, to a residual of `goal`; stepRows := its values. Counts iterations.
  const solveNewton = async (
    { lambda, maxIterations, signal, onIteration }: LogisticSolveOptions,
    goal: number,
    done: number,
    relative: number,
  ): Promise<number> => {
    step.fill(0);
    stepRows.fill(0);
    residual.set(gradient);
    direction.set(gradient);
    let squared = dot(residual, residual);
    let iterations = done;
    while (iterations < maxIterations && Math.sqrt(squared) > goal) {
      iterations++;
      await operator.forward(direction, rows, signal);
      let curvature = 0;
      for (let at = 1; at < monomialCount; at++) curvature += lambda * direction[at] * direction[at];
      for (let i = 0; i < rowCount; i++) {
        weighted[i] = weights[i] * logisticSlope(values[i]) * rows[i];
        curvature += weighted[i] * rows[i];
      }
      if (!(curvature > 0)) break;
      const length = squared / curvature;
      for (let at = 0; at < monomialCount; at++) step[at] += length * direction[at];
      for (let i = 0; i < rowCount; i++) stepRows[i] += length * rows[i];
      await operator.adjoint(weighted, product, signal);
      for (const at of excluded) product[at] = 0;
      for (let at = 1; at < monomialCount; at++) product[at] += lambda * direction[at];
      for (let at = 0; at < monomialCount; at++) residual[at] -= length * product[at];
      const next = dot(residual, residual);
      for (let at = 0; at < monomialCount; at++) direction[at] = residual[at] + (next / squared) * direction[at];
      squared = next;
      onIteration?.(iterations, relative);
    }
    return iterations;
  };

  // The objective less the penalty's constant part, and its slope, at `size` times the step.
  const alongStep = (lambda: number, size: number): { value: number; slope: number } => {
    let value = 0;
    let slope = 0;
    for (let i = 0; i < rowCount; i++) {
      if (weights[i] === 0) continue;
      const margin = target[i] * (values[i] + size * stepRows[i]);
      value += weights[i] * softplus(-margin);
      slope -= weights[i] * target[i] * stepRows[i] * sigmoid(-margin);
    }
    for (let at = 1; at < monomialCount; at++) {
      const coefficient = coefficients[at] + size * step[at];
      value += (lambda / 2) * coefficient * coefficient;
      slope += lambda * coefficient * step[at];
    }
    return { value, slope };
  };

  // Halves the step until the objective has not risen. It is convex: while it still falls at the end, it fell all the way.
  const searchLine = (lambda: number): number => {
    const start = alongStep(lambda, 0);
    for (let size = 1; size > SHORTEST_STEP; size /= 2) {
      const { value, slope } = alongStep(lambda, size);
      if (slope <= 0) return size;
      if (value <= start.value * (1 + 1e-13) && slope <= -0.5 * start.slope) return size;
    }
    return 0;
  };

  // Every row on its side: this polynomial separates the classes. In part: a step that a minimum would not leave to be made.
  const separates = (): boolean => target.every((y, i) => weights[i] === 0 || y * values[i] > 0);
  const stepSize = (): number =>
    stepRows.reduce((most, value, i) => (weights[i] > 0 ? Math.max(most, Math.abs(value)) : most), 0);

  const solve = async (options: LogisticSolveOptions): Promise<LogisticSolution> => {
    const { lambda, tolerance, maxIterations, signal } = options;
    constantNorm ??= await computeConstantNorm(signal);
    let iterations = 0;
    let norm = await computeGradient(lambda, signal);
    let separated = false;
    let minimumExists = lambda > 0 || constantNorm === 0;
    while (constantNorm > 0 && iterations < maxIterations) {
      const relative = norm / constantNorm;
      // Without a penalty one more step is made at the tolerance, to see whether it leads away.
      if (relative <= tolerance && lambda > 0) break;
      const goal = Math.max(
        Math.min(0.5, Math.sqrt(relative)) * norm,
        Math.min(0.5 * tolerance * constantNorm, 0.1 * norm),
      );
      iterations = await solveNewton(options, goal, iterations, relative);
      if (relative <= tolerance) {
        separated = stepSize() > SEPARATION_STEP;
        minimumExists = !separated && iterations < maxIterations;
        break;
      }
      const size = searchLine(lambda);
      if (size === 0) break;
      for (let at = 0; at < monomialCount; at++) coefficients[at] += size * step[at];
      await operator.forward(coefficients, values, signal);
      norm = await computeGradient(lambda, signal);
      separated = lambda === 0 && separates();
      if (separated) break;
    }
    const relativeGradient = constantNorm > 0 ? norm / constantNorm : 0;
    let loss = 0;
    for (let i = 0; i < rowCount; i++) loss += weights[i] * softplus(-target[i] * values[i]);
    return {
      coefficients: coefficients.slice(),
      predictions: values.slice(),
      iterations,
      relativeGradient,
      converged: relativeGradient <= tolerance && minimumExists,
      separated,
      deviance: 2 * loss,
    };
  };

  return { solve };
}

/** Options of `fitLogistic`. */
export interface LogisticFitOptions extends LowDegreeOptions {
  /** Ridge penalty lambda/2 on the sum of squared coefficients, intercept free (1/C of scikit-learn). Default 0: maximum likelihood. */
  readonly lambda?: number;
  /** Stop when the gradient is this much smaller than at the best constant. Default 1e-8. */
  readonly tolerance?: number;
  /** Default 1000. */
  readonly maxIterations?: number;
}

/** How a logistic fit went. */
export interface LogisticSummary extends LowDegreeSummary {
  readonly method: 'logistic';
  readonly basis: 'parity';
  /** Mean of -log(probability of the true class) on the rows of the fit, in nats. */
  readonly meanLogLoss: number;
  /** Mean of (y - E[y|x])^2 on the rows of the fit, E[y|x] = tanh(p(x)/2): four times the Brier score. */
  readonly trainingMse: number;
  /** Why there is no fit to speak of: the classes are separated and there is no penalty. */
  readonly note?: string;
}

/** A polynomial whose sign is a class, and how the solver did. */
export interface LogisticFit {
  /** p(x), the log-odds of a no (+1): the probability of a yes (-1) is 1 / (1 + exp(p(x))). */
  readonly model: Polynomial;
  readonly summary: LogisticSummary;
}

/**
 * Logistic regression (`lambda` 0: maximum likelihood) over all monomials of degree <= d, for two classes.
 *
 * A fit that stops at `maxIterations` says so in `summary.converged`; so does one without a penalty on classes that
 * are separated, which has no solution, with a note.
 *
 * @param target one number per row, -1 for the positive class (a yes) and +1 for the other
 * @throws FewfireError `invalid-argument`, `invalid-data` (a target other than +1 and -1, or of one class only), `memory-budget`
 * @example
 * ```ts
 * import { cubePointsFromRows, fitLogistic, termList } from '@fewfire/core';
 *
 * const bits = Array.from({ length: 64 }, (_, i) => [i & 1, (i >> 1) & 1, (i >> 2) & 1]);
 * const points = cubePointsFromRows(bits);
 * // 2 x0 x1 + x2, where a bit 0 is +1 and a bit 1 is -1.
 * const target = Float64Array.from(bits, ([a, b, c]) => 2 * (1 - 2 * a) * (1 - 2 * b) + (1 - 2 * c));
 * const classes = target.map((value) => Math.sign(value));
 * const { model } = await fitLogistic(points, classes, { degree: 2, lambda: 0.1 });
 * console.log(termList(model).map(({ coordinates, coefficient }) => `${coordinates}: ${coefficient.toFixed(2)}`)); // [ '0,1: 4.87' ]
 * ```
 */
export async function fitLogistic(
  points: CubePoints,
  target: Float64Array,
  options: LogisticFitOptions,
): Promise<LogisticFit> {
  checkRunOptions('fitLogistic', options, {
    ...LOW_DEGREE_CHECKS,
    lambda: 'number',
    tolerance: 'number',
    maxIterations: 'number',
  });
  const lambda = options.lambda ?? 0;
  if (!(lambda >= 0 && Number.isFinite(lambda))) {
    throw new FewfireError('invalid-argument', `lambda is ${lambda}; expected a finite number, at least 0`);
  }
  checkTarget(points, target, options.rowWeights);
  checkTwoClasses(target);
  const { operator, excluded, coordinates } = await openLowDegree(points, options);
  try {
    const maxIterations = options.maxIterations ?? 1000;
    const solver = createLogisticSolver({ operator, excluded, target, rowWeights: options.rowWeights });
    const solution = await solver.solve({
      lambda,
      tolerance: options.tolerance ?? 1e-8,
      maxIterations,
      signal: options.signal,
      onIteration: (done) => options.onProgress?.({ phase: 'fitting', done, total: maxIterations, unit: 'iterations' }),
    });
    const total = options.rowWeights?.reduce((sum, weight) => sum + weight, 0) ?? target.length;
    return {
      model: polynomialFromVector(coordinates, operator.plan.degree, solution.coefficients),
      summary: {
        method: 'logistic',
        degree: operator.plan.degree,
        sampleCount: points.rowCount,
        coordinateCount: points.coordinateCount,
        monomialCount: operator.plan.monomialCount - excluded.length,
        lambda,
        basis: 'parity',
        ...DENSE,
        dualityGap: null,
        termCount: countTerms(solution.coefficients),
        iterations: solution.iterations,
        relativeGradient: solution.relativeGradient,
        converged: solution.converged,
        trainingMse: meanSquare(target, solution.predictions, options.rowWeights) / total,
        meanLogLoss: solution.deviance / (2 * total),
        ...(solution.separated && { note: SEPARATED_NOTE }),
      },
    };
  } finally {
    operator.dispose();
  }
}

const SEPARATED_NOTE =
  'the terms separate the two classes, wholly or in part, so that without a penalty no finite coefficients are best and these depend on where the fit stopped: give a lambda above 0 or a lower degree';

function meanSquare(target: Float64Array, values: Float64Array, rowWeights: Float64Array | undefined): number {
  let sum = 0;
  for (let i = 0; i < target.length; i++) sum += (rowWeights?.[i] ?? 1) * (target[i] - Math.tanh(values[i] / 2)) ** 2;
  return sum;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

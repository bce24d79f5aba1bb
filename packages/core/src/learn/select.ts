/**
 * Choosing degree, ridge strength and penalty basis by K-fold cross-validation.
 *
 * One operator per degree serves all folds: a fold's held-out rows have weight 0
 * in the fit and are predicted with the others. Penalties go from large to
 * small, each starting from the last solution, all folds in step, and a path
 * ends when the error has risen twice. What it may cost is fixed beforehand as
 * predicted work, not as time on a clock, so the choice is the same on every
 * machine: if need be the choice is made on fewer rows, and degrees that still
 * do not fit are skipped by name.
 */
import { createMonomialOperator, type MonomialOperator, planMonomialOperator } from '@fewfire/kernels';
import { createRandom, FewfireError, type RunOptions } from '../base/index.ts';
import {
  type CubePoints,
  checkCoordinateCount,
  countMonomials,
  redundantMonomials,
  selectRows,
} from '../cube/index.ts';
import { createLeastSquaresSolver, type PenaltyBasis } from './least-squares.ts';
import {
  coordinateMeans,
  DEFAULT_MEMORY_BYTES,
  formatBytes,
  memoryError,
  onePassEstimate,
  predictFitBytes,
} from './low-degree.ts';

export type FitMethod = 'least-squares' | 'ridge' | 'estimate';

export interface SelectOptions extends RunOptions {
  /** Degrees to try, or `auto`: 1, 2, ... while they fit the budget and have at most four monomials per row. */
  readonly degree: number | 'auto';
  /** `auto`: ridge, and least squares where there are at least twice as many rows as monomials. */
  readonly method: FitMethod | 'auto';
  /** Number of folds, at least 2. Default 5. */
  readonly folds?: number;
  readonly groups?: ArrayLike<number>;
  /** Predicted seconds of one thread that the choice may take. Default 60. */
  readonly budgetSeconds?: number;
}

export interface Candidate {
  readonly method: FitMethod;
  readonly degree: number;
  readonly lambda: number;
  readonly basis: PenaltyBasis;
  /** Mean squared error over the held-out rows of all folds. */
  readonly mse: number;
  /** Standard deviation of the folds' mean squared errors over the square root of their number: an estimate. */
  readonly standardError: number;
  /** False when a solver stopped before its tolerance in some fold. */
  readonly converged: boolean;
}

export interface Selection {
  readonly best: Candidate;
  /** Everything tried, in the order it was tried. */
  readonly candidates: readonly Candidate[];
  readonly skipped: readonly { readonly degree: number; readonly reason: string }[];
  readonly folds: number;
  /** Rows the choice was made on; all of them unless the budget asked for fewer. */
  readonly rowCount: number;
  readonly budgetSeconds: number;
  readonly predictedSeconds: number;
  /** Row numbers (in the points given) and held-out predictions of the best candidate: what calibration is made from. */
  readonly heldOut: { readonly rows: Uint32Array; readonly predictions: Float64Array };
}

const DEFAULT_FOLDS = 5;
const DEFAULT_BUDGET_SECONDS = 60;
/** Beyond this many monomials per row ridge has next to nothing to go by. */
const MAX_MONOMIALS_PER_ROW = 4;
const MAX_AUTO_DEGREE = 8;
/** Penalties as multiples of the number of rows. */
const LAMBDA_PATH = [1, 0.3, 0.1, 0.03, 0.01, 0.003, 1e-3, 3e-4, 1e-4, 1e-5];
const SELECTION_TOLERANCE = 3e-4;
const SELECTION_ITERATIONS = 300;
/** Iterations per penalty to plan with: typical of real, correlated columns. */
const PLANNED_ITERATIONS = 60;
/** The choice is never made on fewer rows than this because of the budget. */
const MIN_SELECTION_ROWS = 5000;

/**
 * @throws FewfireError `invalid-argument` (too few rows for the folds, folds below 2), `memory-budget` when even the
 *   degree that was asked for does not fit
 */
export async function selectLowDegree(
  points: CubePoints,
  target: Float64Array,
  options: SelectOptions,
): Promise<Selection> {
  const folds = options.folds ?? DEFAULT_FOLDS;
  if (!Number.isInteger(folds) || folds < 2) {
    throw new FewfireError('invalid-argument', `folds is ${folds}; expected a whole number, at least 2`);
  }
  if (points.rowCount < folds) {
    throw new FewfireError(
      'invalid-argument',
      `${points.rowCount} rows cannot make ${folds} folds; expected at least one row per fold: give more rows or fewer --folds`,
    );
  }
  checkCoordinateCount(points.coordinateCount);
  const plan = planSelection(points, options, folds);
  const order = createRandom(options.seed ?? 1).permutation(points.rowCount);
  const rows = order.slice(0, plan.rowCount).sort();
  const subset = plan.rowCount === points.rowCount ? points : selectRows(points, rows);
  const values = Float64Array.from(rows, (row) => target[row]);
  const foldOf = foldAssignment(plan.rowCount, folds, (options.seed ?? 1) + 1);

  const candidates: Candidate[] = [];
  let best: Candidate | undefined;
  let bestPredictions = new Float64Array(0);
  const consider = (candidate: Candidate, predictions: Float64Array): void => {
    candidates.push(candidate);
    if (best === undefined || candidate.mse < best.mse) {
      best = candidate;
      bestPredictions = predictions.slice();
    }
  };
  let fits = 0;
  const total = plan.degrees.length * pathsOf(options.method).length * LAMBDA_PATH.length * folds;
  const onFit = (): void =>
    options.onProgress?.({ phase: 'choosing', done: ++fits, total: Math.max(total, fits), unit: 'fits' });

  for (const degree of plan.degrees) {
    const operator = await createMonomialOperator(subset, { degree, threads: options.threads });
    try {
      const excluded = redundantMonomials(operator.index, options.groups);
      const context: FoldContext = {
        operator,
        excluded,
        points: subset,
        target: values,
        foldOf,
        folds,
        onFit,
        signal: options.signal,
      };
      for (const basis of pathsOf(options.method)) {
        if (degree === 1 && basis === 'biased' && options.degree === 'auto') continue; // chosen at degree 2 and above
        if (options.method === 'estimate') await tryEstimate(context, consider);
        else await tryPath(context, basis, options.method, consider);
      }
    } finally {
      operator.dispose();
    }
  }
  if (best === undefined) throw new Error('no candidate was tried');
  return {
    best,
    candidates,
    skipped: plan.skipped,
    folds,
    rowCount: plan.rowCount,
    budgetSeconds: plan.budgetSeconds,
    predictedSeconds: plan.predictedSeconds,
    heldOut: { rows, predictions: bestPredictions },
  };
}

/** Fold number of each row: sizes differ by at most one, the assignment is random. */
export function foldAssignment(rowCount: number, folds: number, seed: number): Uint32Array {
  const order = createRandom(seed).permutation(rowCount);
  const fold = new Uint32Array(rowCount);
  order.forEach((row, position) => {
    fold[row] = position % folds;
  });
  return fold;
}

interface FoldContext {
  readonly operator: MonomialOperator;
  readonly excluded: Uint32Array;
  readonly points: CubePoints;
  readonly target: Float64Array;
  readonly foldOf: Uint32Array;
  readonly folds: number;
  readonly onFit: () => void;
  readonly signal: AbortSignal | undefined;
}

type Consider = (candidate: Candidate, predictions: Float64Array) => void;

function pathsOf(method: SelectOptions['method']): readonly PenaltyBasis[] {
  return method === 'auto' || method === 'ridge' ? ['parity', 'biased'] : ['parity'];
}

async function tryPath(
  context: FoldContext,
  basis: PenaltyBasis,
  method: SelectOptions['method'],
  consider: Consider,
): Promise<void> {
  const { operator, excluded, points, target, foldOf, folds, signal } = context;
  const solvers = Array.from({ length: folds }, (_, fold) => {
    const rowWeights = Float64Array.from(foldOf, (f) => (f === fold ? 0 : 1));
    return createLeastSquaresSolver({
      operator,
      excluded,
      target,
      rowWeights,
      means: coordinateMeans(points, rowWeights),
    });
  });
  const heldOut = new Float64Array(target.length);
  let lowest = Number.POSITIVE_INFINITY;
  let rises = 0;
  for (const lambda of lambdaPath(context, basis, method)) {
    let converged = true;
    for (const [fold, solver] of solvers.entries()) {
      const solution = await solver.solve({
        lambda,
        basis,
        tolerance: SELECTION_TOLERANCE,
        maxIterations: SELECTION_ITERATIONS,
        signal,
      });
      converged &&= solution.converged;
      for (let i = 0; i < heldOut.length; i++) if (foldOf[i] === fold) heldOut[i] = solution.predictions[i];
      context.onFit();
    }
    const scores = foldScores(context, heldOut);
    consider(
      {
        method: lambda > 0 ? 'ridge' : 'least-squares',
        degree: operator.plan.degree,
        lambda,
        basis,
        ...scores,
        converged,
      },
      heldOut,
    );
    rises = scores.mse < lowest ? 0 : rises + 1;
    lowest = Math.min(lowest, scores.mse);
    if (rises === 2) break;
  }
}

// From large to small; 0, least squares, last and only where rows are plenty or nothing else was asked for.
function lambdaPath(context: FoldContext, basis: PenaltyBasis, method: SelectOptions['method']): number[] {
  if (method === 'least-squares') return [0];
  const rowCount = context.target.length;
  const path = LAMBDA_PATH.map((factor) => Number((factor * rowCount).toPrecision(2)));
  const monomials = context.operator.plan.monomialCount - context.excluded.length;
  if (method === 'auto' && basis === 'parity' && 2 * monomials <= rowCount * (1 - 1 / context.folds)) path.push(0);
  return path;
}

async function tryEstimate(context: FoldContext, consider: Consider): Promise<void> {
  const { operator, excluded, points, target, foldOf, folds, signal } = context;
  const heldOut = new Float64Array(target.length);
  for (let fold = 0; fold < folds; fold++) {
    const rowWeights = Float64Array.from(foldOf, (f) => (f === fold ? 0 : 1));
    const { predictions } = await onePassEstimate(operator, excluded, points, target, rowWeights, signal);
    for (let i = 0; i < heldOut.length; i++) if (foldOf[i] === fold) heldOut[i] = predictions[i];
    context.onFit();
  }
  consider(
    {
      method: 'estimate',
      degree: operator.plan.degree,
      lambda: 0,
      basis: 'parity',
      ...foldScores(context, heldOut),
      converged: true,
    },
    heldOut,
  );
}

function foldScores(context: FoldContext, heldOut: Float64Array): { mse: number; standardError: number } {
  const { target, foldOf, folds } = context;
  const sums = new Float64Array(folds);
  const counts = new Float64Array(folds);
  for (let i = 0; i < target.length; i++) {
    sums[foldOf[i]] += (target[i] - heldOut[i]) ** 2;
    counts[foldOf[i]]++;
  }
  const mse = sums.reduce((sum, value) => sum + value, 0) / target.length;
  const means = sums.map((sum, fold) => sum / counts[fold]);
  const center = means.reduce((sum, value) => sum + value, 0) / folds;
  const variance = means.reduce((sum, value) => sum + (value - center) ** 2, 0) / (folds - 1);
  return { mse, standardError: Math.sqrt(variance / folds) };
}

interface SelectionPlan {
  readonly degrees: readonly number[];
  readonly skipped: { degree: number; reason: string }[];
  readonly rowCount: number;
  readonly budgetSeconds: number;
  readonly predictedSeconds: number;
}

// Which degrees to try, on how many rows.
function planSelection(points: CubePoints, options: SelectOptions, folds: number): SelectionPlan {
  const { rowCount, coordinateCount } = points;
  const budgetSeconds = options.budgetSeconds ?? DEFAULT_BUDGET_SECONDS;
  const limit = options.memoryLimitBytes ?? DEFAULT_MEMORY_BYTES;
  const fitsPerDegree =
    folds *
    pathsOf(options.method).length *
    (options.method === 'auto' || options.method === 'ridge'
      ? LAMBDA_PATH.length * PLANNED_ITERATIONS
      : options.method === 'estimate'
        ? 1
        : PLANNED_ITERATIONS);
  const seconds = (degree: number, rows: number): number =>
    (fitsPerDegree *
      (planMonomialOperator({ rowCount: rows, coordinateCount, degree }).costNs +
        8 * countMonomials(coordinateCount, degree))) /
    1e9;
  // All folds' solvers are alive at once: five coefficient vectors, a basis change (a scale, and 8 bytes per member of a
  // monomial) and six row vectors each. The one-pass estimate keeps nothing.
  const foldBytes = (degree: number): number =>
    options.method === 'estimate'
      ? 0
      : countMonomials(coordinateCount, degree) * (40 + 8 + 8 * Math.min(degree, coordinateCount)) + 48 * rowCount;
  const bytes = (degree: number): number =>
    predictFitBytes(rowCount, coordinateCount, degree, options.threads) + folds * foldBytes(degree);

  const degrees: number[] = [];
  const skipped: { degree: number; reason: string }[] = [];
  if (options.degree !== 'auto') {
    const degree = Math.min(options.degree, coordinateCount);
    if (bytes(degree) > limit) throw memoryError(degree, coordinateCount, bytes(degree), limit);
    degrees.push(degree);
  } else {
    for (let degree = 1; degree <= Math.min(MAX_AUTO_DEGREE, coordinateCount); degree++) {
      const monomials = countMonomials(coordinateCount, degree);
      const reason =
        degree > 1 && monomials > MAX_MONOMIALS_PER_ROW * rowCount
          ? `${monomials.toLocaleString('en-US')} monomials for ${rowCount.toLocaleString('en-US')} rows`
          : degree > 1 && bytes(degree) > limit
            ? `needs ${formatBytes(bytes(degree))} of memory, more than the ${formatBytes(limit)} allowed`
            : degree > 1 && seconds(degree, Math.min(rowCount, MIN_SELECTION_ROWS)) > budgetSeconds
              ? `choosing it would take about ${Math.round(seconds(degree, Math.min(rowCount, MIN_SELECTION_ROWS)))} s, more than the ${budgetSeconds} s allowed`
              : undefined;
      if (reason !== undefined) {
        skipped.push({ degree, reason });
        break; // higher degrees cost more
      }
      degrees.push(degree);
    }
  }
  // Fewer rows until the budget is met, but never so few that the largest degree loses its footing.
  const cost = (rows: number): number => degrees.reduce((sum, degree) => sum + seconds(degree, rows), 0);
  const largest = countMonomials(coordinateCount, degrees[degrees.length - 1]);
  const fewest = Math.min(rowCount, Math.max(MIN_SELECTION_ROWS, 2 * largest));
  let rows = rowCount;
  while (rows > fewest && cost(rows) > budgetSeconds) rows = Math.max(fewest, Math.floor(rows / 2));
  return { degrees, skipped, rowCount: rows, budgetSeconds, predictedSeconds: cost(rows) };
}

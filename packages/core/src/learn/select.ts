/**
 * Choosing method, degree, penalty and its basis by K-fold cross-validation.
 *
 * One operator per degree serves all folds: a fold's held-out rows have weight 0
 * in the fit and are predicted with the others. Penalties go from large to
 * small, each starting from the last solution, all folds in step, and a path
 * ends when the error has risen twice. What it may cost is fixed beforehand as
 * predicted work, not as time on a clock, so the choice is the same on every
 * machine: if need be the choice is made on fewer rows, and degrees that still
 * do not fit are skipped by name. What a path of the lasso takes depends on the
 * data: its work is counted, and a path that overruns ends with what it has.
 *
 * The lasso and elastic net, asked for by name, go to degrees with far more
 * monomials than rows. One split takes the place of their folds where it holds out
 * 2,000 rows, or where folds would take more than the budget.
 */
import { createMonomialOperator, planMonomialOperator } from '@fewfire/kernels';
import {
  checkRunOptions,
  drawParts,
  FewfireError,
  FIT_OPTIONS,
  pickKeys,
  pickNumbers,
  pickWholes,
  placesIn,
  type RowNames,
  type RunOptions,
  rowsWhere,
} from '../base/index.ts';
import {
  type CoordinateColumn,
  type CubePoints,
  checkCoordinateCount,
  countMonomials,
  redundantMonomials,
  selectRows,
} from '../cube/index.ts';
import {
  boostingBytes,
  boostingFits,
  boostingSeconds,
  checkBoostingMemory,
  checkDepth,
  tryBoosting,
} from './boosted-fit.ts';
import { checkL1Ratio } from './elastic-net-fit.ts';
import {
  type Candidate,
  type Consider,
  checkFoldClasses,
  checkFoldWeights,
  type FitMethod,
  type FoldContext,
  type FoldTerms,
  foldAssignment,
  foldScores,
  foldTerms,
  foldWeights,
} from './folds.ts';
import type { Hierarchy } from './hierarchy.ts';
import { createLeastSquaresSolver, type PenaltyBasis } from './least-squares.ts';
import { createLogisticSolver } from './logistic.ts';
import {
  type BytesOf,
  coordinateMeans,
  DEFAULT_MEMORY_BYTES,
  DENSE,
  formatBytes,
  memoryError,
  onePassEstimate,
  predictFitBytes,
} from './low-degree.ts';
import { chooseSparsest, SPARSE_PATH_LENGTH, type SparsePathOptions, trySparsePath } from './sparse-path.ts';
import { stackedBytes, stackedSeconds, tryStacking } from './stacked-fit.ts';
import type { Work } from './work.ts';

/** Clusters, where there are any, are never split between folds. */
export interface SelectOptions extends RunOptions, RowNames {
  /**
   * Degree to try, or `auto`: 1, 2, ... while they fit the budget and have at most four monomials per row (the lasso and
   * elastic net: any number of them).
   */
  readonly degree: number | 'auto';
  /**
   * `lasso`: the sparsest terms within one standard error of the lowest, refitted (`chooseSparsest`). `auto`: the lowest
   * error of ridge, least squares where there are at least twice as many rows as monomials, and the lasso. All others:
   * the lowest error.
   */
  readonly method: FitMethod | 'auto';
  /** Share of the elastic net's penalty on absolute values, in (0, 1]. Default 0.5; for other methods it has no meaning. */
  readonly l1Ratio?: number;
  /** Whether `auto` tries the lasso. Default true. */
  readonly lasso?: boolean;
  /** Of the lasso and elastic net. Default `none`. */
  readonly hierarchy?: Hierarchy;
  /**
   * `logistic`: the target is -1 or +1 and the log-loss is minimised, with a ridge penalty (methods `auto` and `ridge`).
   * Candidates are still compared by squared error, of the expected target tanh(p/2). Default `squared`.
   */
  readonly loss?: 'squared' | 'logistic';
  /** What -1 and +1 stand for, in messages. */
  readonly classNames?: readonly [string, string];
  /** Weight of each row, in fits and errors. */
  readonly rowWeights?: Float64Array;
  /** Number of folds, at least 2. Default 5. */
  readonly folds?: number;
  readonly groups?: ArrayLike<number>;
  /** Of boosting: which coordinates belong together. By default each stands alone. */
  readonly columns?: readonly CoordinateColumn[];
  /** How many outputs share the time there is, such as classes that are each learned against the rest. Default 1. */
  readonly outputCount?: number;
  /** Predicted seconds of one thread that the choice may take. Default 60, of stacking 3 for all outputs together. */
  readonly budgetSeconds?: number;
}

/** The candidate that was chosen, all that were tried, and why. */
export interface Selection {
  readonly best: Candidate;
  /** Everything tried, in the order it was tried. */
  readonly candidates: readonly Candidate[];
  readonly skipped: readonly { readonly degree: number; readonly reason: string }[];
  /** Degrees at which the path of the lasso or elastic net ended before its time, having spent the work it was allowed. */
  readonly stopped: readonly number[];
  /** What all rows would have had too little of, where the choice was made on fewer. */
  readonly fewerFor: 'time' | 'memory' | undefined;
  readonly folds: number;
  /** How many of them were held out in turn, where not all; those of the others have no part in the errors. */
  readonly heldOutFolds?: number | undefined;
  /** `split`: only the first of the folds was held out, being large enough, or because all would have cost more than the budget. */
  readonly validation: 'folds' | 'split';
  /** Why the best one was chosen, in words. */
  readonly reason: string;
  /** Rows the choice was made on; all of them unless the budget asked for fewer. */
  readonly rowCount: number;
  readonly budgetSeconds: number;
  readonly predictedSeconds: number;
  /** Row numbers (in the points given) and held-out predictions of the best candidate: what calibration is made from. */
  readonly heldOut: { readonly rows: Uint32Array; readonly predictions: Float64Array };
  /** What the best candidate's fit without each fold found. */
  readonly foldTerms: readonly FoldTerms[];
}

/** Of those of a fit all but `low-degree`, which here is `auto`. */
const METHODS = FIT_OPTIONS.method.choices.filter((method) => method !== 'low-degree');
const DEFAULT_FOLDS = FIT_OPTIONS.folds.default;
const DEFAULT_BUDGET_SECONDS = 60;
/** Of stacking: more rows than it comes to with these say little more of weights and penalties. */
const STACKING_BUDGET_SECONDS = 3;
/** So many held-out rows tell a few weights and penalties apart. */
const STACKING_HELD_OUT_ROWS = 1000;
/** Beyond this many monomials per row ridge has next to nothing to go by. */
const MAX_MONOMIALS_PER_ROW = 4;
const MAX_AUTO_DEGREE = 8;
/** Penalties as multiples of what all rows weigh. */
const LAMBDA_PATH = [1, 0.3, 0.1, 0.03, 0.01, 0.003, 1e-3, 3e-4, 1e-4, 1e-5];
const SELECTION_TOLERANCE = 3e-4;
const SELECTION_ITERATIONS = 300;
// Nanoseconds of an iteration beside its adjoint and forward, per row and per monomial: measured.
const ITERATION_ROW_NS = 20;
const ITERATION_MONOMIAL_NS = 50;
/** Iterations per penalty to plan with: typical of real, correlated columns. */
const PLANNED_ITERATIONS = 60;
/** The choice is never made on fewer rows than this because of the budget. */
const MIN_SELECTION_ROWS = 5000;
/** Of the predicted work of the other methods, what `auto` lets the lasso have: it is predicted less surely. */
const AUTO_SPARSE_SHARE = 1 / 8;
/** Of the budget, what a lasso that was predicted to take less may take in the end. */
const SPARSE_OVERRUN = 1 / 20;
const DEFAULT_L1_RATIO = FIT_OPTIONS.l1Ratio.default;
/** So many held-out rows tell errors apart to a few percent: the other folds would only take time. */
const SPLIT_ROWS = 2000;
/** Share of the memory limit for vectors over all monomials; the rest is for what is active. */
const SPARSE_SHARE = 3 / 4;

/**
 * Rows whose weight is 0, or next to it, take no part: in a fold of nothing but such rows there would be nothing to
 * learn from, or nothing to measure.
 *
 * @throws FewfireError `invalid-argument` (too few rows for the folds, folds below 2), `memory-budget` when even the
 *   degree that was asked for does not fit, `not-converged` when no fit has a finite error
 * @example
 * ```ts
 * import { cubePointsFromRows, selectLowDegree } from '@fewfire/core';
 *
 * const bits = Array.from({ length: 64 }, (_, i) => [i & 1, (i >> 1) & 1, (i >> 2) & 1]);
 * const points = cubePointsFromRows(bits);
 * // 2 x0 x1 + x2, where a bit 0 is +1 and a bit 1 is -1.
 * const target = Float64Array.from(bits, ([a, b, c]) => 2 * (1 - 2 * a) * (1 - 2 * b) + (1 - 2 * c));
 * const { best } = await selectLowDegree(points, target, { degree: 'auto', method: 'auto' });
 * console.log(best.degree, best.method); // 2 lasso
 * ```
 */
export async function selectLowDegree(
  points: CubePoints,
  target: Float64Array,
  options: SelectOptions,
): Promise<Selection> {
  checkRunOptions('selectLowDegree', options, {
    degree: { need: FIT_OPTIONS.degree },
    method: { need: METHODS },
    l1Ratio: FIT_OPTIONS.l1Ratio,
    lasso: 'boolean',
    hierarchy: FIT_OPTIONS.hierarchy,
    loss: FIT_OPTIONS.loss,
    classNames: 'names',
    rowWeights: 'object',
    clusters: 'object',
    rowKeys: 'object',
    clusterKeys: 'object',
    folds: 'number',
    groups: 'object',
    columns: 'object',
    outputCount: 'number',
    budgetSeconds: 'number',
  });
  const folds = options.folds ?? DEFAULT_FOLDS;
  if (!Number.isInteger(folds) || folds < 2) {
    throw new FewfireError('invalid-argument', `folds is ${folds}; expected a whole number, at least 2`);
  }
  const keyCount = options.rowKeys?.length ?? points.rowCount;
  if (keyCount !== points.rowCount) {
    throw new FewfireError(
      'invalid-argument',
      `there are ${keyCount} row keys and ${points.rowCount} rows; expected one per row`,
    );
  }
  const counting = countingRows(options.rowWeights);
  const rowCount = counting?.length ?? points.rowCount;
  if (rowCount < folds) {
    const what = counting === undefined ? 'rows' : 'rows that weigh something';
    throw new FewfireError(
      'invalid-argument',
      `${rowCount} ${what} cannot make ${folds} folds; expected at least one per fold: give more rows or fewer \`folds\``,
    );
  }
  checkCoordinateCount(points.coordinateCount);
  if (counting !== undefined) {
    const { rowWeights, clusters, rowKeys, ...others } = options;
    const selection = await selectLowDegree(selectRows(points, counting), pickNumbers(target, counting), {
      ...others,
      rowWeights: pickNumbers(rowWeights as Float64Array, counting),
      rowKeys: pickKeys(rowKeys, counting),
      ...(clusters === undefined ? {} : { clusters: pickWholes(clusters, counting) }),
    });
    const { rows, predictions } = selection.heldOut;
    return {
      ...selection,
      // The budget asked for fewer only if it left out some that count.
      rowCount: selection.rowCount === counting.length ? points.rowCount : selection.rowCount,
      heldOut: { rows: rows.map((row) => counting[row]), predictions },
    };
  }
  if (options.loss === 'logistic' && !['auto', 'ridge', 'boosting', 'stacking'].includes(options.method)) {
    throw new FewfireError(
      'invalid-argument',
      `the logistic loss has a ridge penalty or boosted trees, and the method is ${options.method}; expected \`method\` auto, ridge, boosting or stacking`,
    );
  }
  if (options.l1Ratio !== undefined) checkL1Ratio(options.l1Ratio);
  const plan = planSelection(points, options, folds);
  const seed = options.seed ?? 1;
  const left = points.rowCount - plan.rowCount;
  const partOf =
    left === 0
      ? new Uint32Array(points.rowCount)
      : drawParts({ purpose: 'choice', seed }, [plan.rowCount, left], options.rowKeys);
  const rows = placesIn(partOf, 0);
  const clusters = options.clusters && pickNumbers(options.clusters, rows);
  const subset = plan.rowCount === points.rowCount ? points : selectRows(points, rows);
  const values = pickNumbers(target, rows);
  const rowWeights = options.rowWeights && pickNumbers(options.rowWeights, rows);
  const rowKeys = pickKeys(options.rowKeys, rows);
  const foldOf = foldAssignment(plan.rowCount, folds, seed, { rowKeys, clusters, clusterKeys: options.clusterKeys });
  checkFoldWeights(foldOf, folds, rowWeights);
  if (options.loss === 'logistic' && options.method !== 'stacking')
    checkFoldClasses(foldOf, folds, values, options.classNames ?? ['-1', '+1']);

  const tried: Tried[] = [];
  let skipped: Selection['skipped'] = plan.skipped;
  const sparsest = options.method === 'lasso';
  let lowest: Candidate | undefined;
  let widest = 0;
  const consider: Consider = (candidate, predictions, terms) => {
    // An error that is no number says nothing, in a comparison or in a model's record.
    if (!Number.isFinite(candidate.mse) || !Number.isFinite(candidate.standardError)) return;
    // Of the lasso only refitted candidates are chosen, and not only the lowest.
    if (!sparsest || candidate.refit) {
      if (lowest === undefined || candidate.mse < lowest.mse) lowest = candidate;
      if (sparsest) widest = Math.max(widest, candidate.standardError);
    }
    tried.push({ candidate, found: { predictions: predictions.slice(), terms } });
    // What was found is kept only of what may still be chosen.
    for (const entry of tried) {
      const { refit, mse } = entry.candidate;
      const near = sparsest && refit && lowest !== undefined && mse <= lowest.mse + widest;
      if (entry.candidate !== lowest && !near) entry.found = undefined;
    }
  };
  let fits = 0;
  const paths = pathsOf(options);
  const total =
    plan.degrees.length * paths.length * LAMBDA_PATH.length * plan.heldOutCount +
    plan.sparseDegrees.length * SPARSE_PATH_LENGTH * plan.heldOutCount +
    (options.method === 'boosting' ? boostingFits(options.degree, plan.heldOutCount) : 0);
  const onFit = (): void =>
    options.onProgress?.({ phase: 'choosing', done: ++fits, total: Math.max(total, fits), unit: 'fits' });

  const shared: Omit<FoldContext, 'operator' | 'excluded'> = {
    points: subset,
    target: values,
    rowWeights,
    clusters,
    foldOf,
    folds,
    heldOutCount: plan.heldOutCount,
    onFit,
    signal: options.signal,
  };
  if (options.method === 'boosting') {
    const { degree, loss = 'squared', columns } = options;
    await tryBoosting(shared, { degree, loss, columns, seed }, consider);
  }
  if (options.method === 'stacking') {
    const { degree, loss = 'squared', columns, signal, outputCount } = options;
    await tryStacking(shared, { degree, loss, columns, seed, signal, outputCount }, consider);
  }
  const stopped: number[] = [];
  let sparseNs = 1e9 * plan.sparseSeconds;
  for (const degree of [...new Set([...plan.degrees, ...plan.sparseDegrees])].sort((a, b) => a - b)) {
    const operator = await createMonomialOperator(subset, { degree, threads: options.threads });
    try {
      const excluded = redundantMonomials(operator.index, options.groups);
      const context: FoldContext = { ...shared, operator, excluded };
      for (const basis of plan.degrees.includes(degree) ? paths : []) {
        if (degree === 1 && basis === 'biased' && options.degree === 'auto') continue; // chosen at degree 2 and above
        if (options.method === 'estimate') await tryEstimate(context, consider);
        else await tryPath(context, basis, options, consider);
      }
      if (plan.sparseDegrees.includes(degree)) {
        const before = tried.length;
        // What a degree leaves is for those that follow.
        const limitNs = sparseNs / plan.sparseDegrees.filter((other) => other >= degree).length;
        const work: Work = { spentNs: 0, limitNs };
        const path = await trySparsePath(context, { ...sparseOptions(options), work }, consider);
        sparseNs -= work.spentNs;
        if (path.stopped) stopped.push(degree);
        // A path of nothing but the constant is no try of the degree.
        const alone = !path.settled && options.method === 'auto' && !plan.degrees.includes(degree);
        if (alone && !tried.slice(before).some((entry) => entry.candidate === lowest)) {
          tried.length = before;
          const reason = path.stopped
            ? `the lasso had no more of the ${plan.budgetSeconds} s`
            : 'the lasso did not settle there, its monomials being too much alike';
          skipped = [{ degree, reason }];
          break;
        }
      }
    } finally {
      operator.dispose();
    }
  }
  const kept = tried.filter((entry) => entry.found !== undefined);
  const chosen = sparsest ? chooseSparsest(kept) : kept.find((entry) => entry.candidate === lowest);
  if (chosen?.found === undefined) {
    throw new FewfireError(
      'not-converged',
      'no fit has a finite error on the rows held out; expected a target and weights whose squares can be added: give them in another unit, or choose another `method`',
    );
  }
  const candidates = tried.map((entry) => entry.candidate);
  const isHeldOut = (i: number): boolean => foldOf[i] < plan.heldOutCount;
  return {
    best: chosen.candidate,
    candidates,
    skipped,
    stopped,
    folds,
    ...(plan.heldOutCount === folds ? {} : { heldOutFolds: plan.heldOutCount }),
    validation: plan.heldOutCount === 1 ? 'split' : 'folds',
    reason: reasonOf(chosen.candidate, candidates, options.method),
    rowCount: plan.rowCount,
    fewerFor: plan.fewerFor,
    budgetSeconds: plan.budgetSeconds,
    predictedSeconds: plan.predictedSeconds,
    heldOut: {
      rows: rows.filter((_, i) => isHeldOut(i)),
      predictions: chosen.found.predictions.filter((_, i) => isHeldOut(i)),
    },
    foldTerms: chosen.found.terms,
  };
}

/**
 * Refuses what cannot be chosen from for its shape alone, so that nobody waits for its data to be read first.
 * @param shape the fewest coordinates there will be
 * @throws FewfireError `unsupported` and `memory-budget`, as the choice itself would
 */
export function checkSelectionShape(shape: SelectionShape, options: SelectOptions): void {
  checkCoordinateCount(shape.coordinateCount);
  planSelection(shape, options, options.folds ?? DEFAULT_FOLDS);
}

type SelectionShape = Pick<CubePoints, 'rowCount' | 'coordinateCount'>;

interface Tried {
  readonly candidate: Candidate;
  found: { readonly predictions: Float64Array; readonly terms: readonly FoldTerms[] } | undefined;
}

/** Relative to the largest weight, what is rounding of rounding. */
const NO_WEIGHT = Number.EPSILON ** 2;

// The rows that weigh something; undefined when they all do.
function countingRows(rowWeights: Float64Array | undefined): Uint32Array | undefined {
  if (rowWeights === undefined) return undefined;
  const least = NO_WEIGHT * rowWeights.reduce((most, weight) => Math.max(most, weight), 0);
  const rows = rowsWhere(rowWeights.length, (row) => rowWeights[row] > least);
  return rows.length === rowWeights.length ? undefined : rows;
}

function isSparse(method: SelectOptions['method']): boolean {
  return method === 'lasso' || method === 'elastic-net';
}

function sparseOptions(options: SelectOptions): Omit<SparsePathOptions, 'work'> {
  const l1Ratio = options.method === 'elastic-net' ? (options.l1Ratio ?? DEFAULT_L1_RATIO) : 1;
  const { hierarchy = 'none', memoryLimitBytes, method } = options;
  return { l1Ratio, hierarchy, memoryLimitBytes, refitsOnly: method === 'lasso' };
}

// "lasso at degree 3 has the lowest held-out error, 0.0312 ± 0.0011; ridge at degree 2 has 0.0340"
function reasonOf(best: Candidate, candidates: readonly Candidate[], method: SelectOptions['method']): string {
  const error = (value: number): string => String(Number(value.toPrecision(4)));
  const name = (candidate: Candidate): string =>
    `${candidate.refit ? `refitted ${candidate.method}` : candidate.method} at degree ${candidate.degree}`;
  const lowestOf = (some: readonly Candidate[]): Candidate => some.reduce((low, c) => (c.mse < low.mse ? c : low));
  if (method === 'lasso') {
    const low = lowestOf(candidates.filter((candidate) => candidate.refit));
    return `${name(best)} has the fewest terms, ${Math.round(best.termCount)}, of those with a held-out error within one standard error of the lowest, ${error(low.mse)} ± ${error(low.standardError)}: ${error(best.mse)}`;
  }
  const others = [...new Set(candidates.map((candidate) => candidate.method))]
    .filter((other) => other !== best.method)
    .map((other) => lowestOf(candidates.filter((candidate) => candidate.method === other)))
    .map((candidate) => `; ${name(candidate)} has ${error(candidate.mse)}`);
  return `${name(best)} has the lowest held-out error, ${error(best.mse)} ± ${error(best.standardError)}${others.join('')}`;
}

// Bases to go through the penalties in.
function pathsOf({ method, loss }: Pick<SelectOptions, 'method' | 'loss'>): readonly PenaltyBasis[] {
  if (isSparse(method)) return [];
  if (loss === 'logistic') return ['parity'];
  return method === 'auto' || method === 'ridge' ? ['parity', 'biased'] : ['parity'];
}

// Penalties from large to small, all folds in step.
async function tryPath(
  context: FoldContext,
  basis: PenaltyBasis,
  { method, loss }: Pick<SelectOptions, 'method' | 'loss'>,
  consider: Consider,
): Promise<void> {
  const { operator, excluded, points, target, rowWeights: weights, foldOf, heldOutCount, signal } = context;
  const isLogistic = loss === 'logistic';
  const solvers = Array.from({ length: heldOutCount }, (_, fold) => {
    const rowWeights = foldWeights(foldOf, fold, weights);
    const problem = { operator, excluded, target, rowWeights };
    return isLogistic
      ? createLogisticSolver(problem)
      : createLeastSquaresSolver({ ...problem, means: coordinateMeans(points, rowWeights) });
  });
  const heldOut = new Float64Array(target.length);
  let lowest = Number.POSITIVE_INFINITY;
  let rises = 0;
  for (const lambda of lambdaPath(context, basis, isLogistic ? 'ridge' : method)) {
    let converged = true;
    const terms: FoldTerms[] = [];
    for (const [fold, solver] of solvers.entries()) {
      const solution = await solver.solve({
        lambda,
        basis,
        tolerance: SELECTION_TOLERANCE,
        maxIterations: SELECTION_ITERATIONS,
        signal,
      });
      converged &&= solution.converged;
      terms.push(foldTerms(solution.coefficients));
      for (let i = 0; i < heldOut.length; i++) if (foldOf[i] === fold) heldOut[i] = solution.predictions[i];
      context.onFit();
    }
    const scores = foldScores(context, isLogistic ? heldOut.map((logOdds) => Math.tanh(logOdds / 2)) : heldOut);
    consider(
      {
        method: isLogistic ? 'logistic' : lambda > 0 ? 'ridge' : 'least-squares',
        degree: operator.plan.degree,
        lambda,
        basis,
        ...DENSE,
        termCount: meanCount(terms),
        ...scores,
        converged,
      },
      heldOut,
      terms,
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
  // What all rows weigh: for rows that count the same, their number.
  const total = context.rowWeights?.reduce((sum, weight) => sum + weight, 0) ?? rowCount;
  const path = LAMBDA_PATH.map((factor) => Number((factor * total).toPrecision(2)));
  const monomials = context.operator.plan.monomialCount - context.excluded.length;
  if (method === 'auto' && basis === 'parity' && 2 * monomials <= rowCount * (1 - 1 / context.folds)) path.push(0);
  return path;
}

// Non-zero terms, the constant not counted: mean over the folds.
function meanCount(folds: readonly FoldTerms[]): number {
  const counts = folds.map(({ at }) => at.length - (at[0] === 0 ? 1 : 0));
  return counts.reduce((sum, count) => sum + count, 0) / folds.length;
}

async function tryEstimate(context: FoldContext, consider: Consider): Promise<void> {
  const { operator, excluded, points, target, rowWeights: weights, foldOf, heldOutCount, signal } = context;
  const heldOut = new Float64Array(target.length);
  const terms: FoldTerms[] = [];
  for (let fold = 0; fold < heldOutCount; fold++) {
    const rowWeights = foldWeights(foldOf, fold, weights);
    const { coefficients, predictions } = await onePassEstimate(operator, excluded, points, target, rowWeights, signal);
    terms.push(foldTerms(coefficients));
    for (let i = 0; i < heldOut.length; i++) if (foldOf[i] === fold) heldOut[i] = predictions[i];
    context.onFit();
  }
  consider(
    {
      method: 'estimate',
      degree: operator.plan.degree,
      lambda: 0,
      basis: 'parity',
      ...DENSE,
      termCount: meanCount(terms),
      ...foldScores(context, heldOut),
      converged: true,
    },
    heldOut,
    terms,
  );
}

interface SelectionPlan {
  /** Degrees of ridge, least squares or the estimate. */
  readonly degrees: readonly number[];
  /** Degrees of the lasso or elastic net. */
  readonly sparseDegrees: readonly number[];
  /** Predicted seconds that their paths may take together. */
  readonly sparseSeconds: number;
  /** Folds held out in turn: all, or one. */
  readonly heldOutCount: number;
  readonly skipped: { degree: number; reason: string }[];
  readonly rowCount: number;
  readonly fewerFor: Selection['fewerFor'];
  readonly budgetSeconds: number;
  readonly predictedSeconds: number;
}

// Which degrees to try, on how many rows. `auto` lets the lasso have as much predicted work as the others.
function planSelection(points: SelectionShape, options: SelectOptions, folds: number): SelectionPlan {
  if (options.method === 'boosting') return planBoosting(points, options, folds);
  if (options.method === 'stacking') return planStacking(points, options, folds);
  if (isSparse(options.method)) return planSparse(points, options, folds);
  const plan = planDense(points, options, folds);
  if (options.method !== 'auto' || options.lasso === false || options.loss === 'logistic') return plan;
  const { rowCount, coordinateCount } = points;
  const limit = options.memoryLimitBytes ?? DEFAULT_MEMORY_BYTES;
  const last = typeof options.degree === 'number' ? plan.degrees[0] : Math.min(MAX_AUTO_DEGREE, coordinateCount);
  const sparseDegrees: number[] = [];
  const share = Math.min(plan.budgetSeconds, plan.predictedSeconds) * AUTO_SPARSE_SHARE;
  let left = share;
  let stopped: { degree: number; reason: string } | undefined;
  for (let degree = plan.degrees[0]; degree <= last && stopped === undefined; degree++) {
    const seconds = sparseSeconds(plan.rowCount, coordinateCount, degree, folds);
    const bytes = sparseBytes(rowCount, coordinateCount, degree, folds, options.threads);
    const reason =
      bytes > SPARSE_SHARE * limit
        ? memoryReason(bytes, limit)
        : seconds > left
          ? timeReason(seconds, left)
          : undefined;
    if (reason !== undefined) stopped = { degree, reason };
    else {
      sparseDegrees.push(degree);
      left -= seconds;
    }
  }
  // A degree that ridge skipped may have been the lasso's: what nobody tried is named.
  const beyond = plan.skipped.filter(({ degree }) => !sparseDegrees.includes(degree));
  const skipped = beyond.length < plan.skipped.length && stopped !== undefined ? [stopped] : beyond;
  const added = sparseDegrees.reduce(
    (sum, degree) => sum + sparseSeconds(plan.rowCount, coordinateCount, degree, folds),
    0,
  );
  return {
    ...plan,
    sparseDegrees,
    sparseSeconds: Math.max(share, SPARSE_OVERRUN * plan.budgetSeconds),
    skipped,
    predictedSeconds: plan.predictedSeconds + added,
  };
}

/** Predicted seconds of the paths of all folds at one degree: an adjoint or two per lambda, and passes over the monomials. */
function sparseSeconds(rowCount: number, coordinateCount: number, degree: number, heldOutCount: number): number {
  const { costNs, monomialCount } = planMonomialOperator({ rowCount, coordinateCount, degree });
  return (heldOutCount * SPARSE_PATH_LENGTH * (costNs + 30 * monomialCount)) / 1e9;
}

/** Of every fold's solver four vectors of coefficients, three of flags and five of rows, and five of rows for all; what is active has its own share. */
function sparseBytes(
  rowCount: number,
  n: number,
  degree: number,
  heldOutCount: number,
  threads: number | undefined,
): number {
  return (
    predictFitBytes(rowCount, n, degree, threads) +
    heldOutCount * (countMonomials(n, degree) * 35 + rowCount * 40) +
    rowCount * 40
  );
}

function memoryReason(bytes: number, limit: number): string {
  return `needs ${formatBytes(bytes)} of memory, more than the ${formatBytes(limit)} allowed`;
}

function timeReason(seconds: number, allowed: number): string {
  return `choosing would take about ${Math.ceil(seconds)} s, more than the ${Number(allowed.toPrecision(2))} s allowed`;
}

function planBoosting(points: SelectionShape, options: SelectOptions, folds: number): SelectionPlan {
  const { rowCount, coordinateCount } = points;
  const budgetSeconds = options.budgetSeconds ?? DEFAULT_BUDGET_SECONDS;
  if (options.degree !== 'auto') checkDepth(options.degree);
  const width = options.columns?.length ?? coordinateCount;
  const cost = (rows: number): number => boostingSeconds(rows, width, options.degree, folds);
  const fewest = Math.min(rowCount, MIN_SELECTION_ROWS);
  const limit = options.memoryLimitBytes ?? DEFAULT_MEMORY_BYTES;
  const least = Math.max(boostingBytes(rowCount, width), boostingBytes(fewest, width, true));
  checkBoostingMemory(rowCount, width, least, options);
  const hasRoom = (count: number): boolean => boostingBytes(count, width, true) <= limit;
  let rows = rowCount;
  while (rows > fewest && (cost(rows) > budgetSeconds || !hasRoom(rows))) rows = Math.max(fewest, Math.floor(rows / 2));
  return {
    ...{ degrees: [], sparseDegrees: [], sparseSeconds: 0, heldOutCount: folds, skipped: [] },
    rowCount: rows,
    fewerFor: rows === rowCount ? undefined : cost(rowCount) > budgetSeconds ? 'time' : 'memory',
    budgetSeconds,
    predictedSeconds: cost(rows),
  };
}

// No more folds held out than make enough rows, and on fewer rows where the budget or memory asks for it.
function planStacking(points: SelectionShape, options: SelectOptions, folds: number): SelectionPlan {
  const { rowCount, coordinateCount } = points;
  const budgetSeconds = options.budgetSeconds ?? STACKING_BUDGET_SECONDS / (options.outputCount ?? 1);
  const width = options.columns?.length ?? coordinateCount;
  const { outputCount = 1 } = options;
  const fewest = Math.min(rowCount, Math.max(1000, Math.round(MIN_SELECTION_ROWS / Math.sqrt(outputCount))));
  const limit = options.memoryLimitBytes ?? DEFAULT_MEMORY_BYTES;
  const enough = Math.max(1, Math.ceil((STACKING_HELD_OUT_ROWS * folds) / rowCount));
  const heldOutCount = options.clusters === undefined ? Math.min(folds, enough) : folds;
  const least = Math.max(stackedBytes(rowCount, width), stackedBytes(fewest, width, heldOutCount));
  checkBoostingMemory(rowCount, width, least, options, 'curves and trees');
  const cost = (rows: number): number => stackedSeconds(rows, width, heldOutCount);
  let rows = rowCount;
  while (rows > fewest && (cost(rows) > budgetSeconds || stackedBytes(rows, width, heldOutCount) > limit)) {
    rows = Math.max(fewest, Math.floor(rows / 2));
  }
  return {
    ...{ degrees: [], sparseDegrees: [], sparseSeconds: 0, heldOutCount, skipped: [] },
    rowCount: rows,
    fewerFor: rows === rowCount ? undefined : cost(rowCount) > budgetSeconds ? 'time' : 'memory',
    budgetSeconds,
    predictedSeconds: cost(rows),
  };
}

function planSparse(points: SelectionShape, options: SelectOptions, folds: number): SelectionPlan {
  const { rowCount, coordinateCount } = points;
  const budgetSeconds = options.budgetSeconds ?? DEFAULT_BUDGET_SECONDS;
  const limit = options.memoryLimitBytes ?? DEFAULT_MEMORY_BYTES;
  const fewest = Math.min(rowCount, MIN_SELECTION_ROWS);
  // Folds need not have all the rows; the fit of what they choose does.
  const bytesOf: BytesOf = (degree, n) =>
    Math.max(
      sparseBytes(rowCount, n, degree, 1, options.threads),
      sparseBytes(fewest, n, degree, folds, options.threads),
    ) / SPARSE_SHARE;
  const bytes = (degree: number): number => bytesOf(degree, coordinateCount);
  const sparseDegrees: number[] = [];
  const skipped: { degree: number; reason: string }[] = [];
  if (options.degree !== 'auto') {
    const degree = Math.min(options.degree, coordinateCount);
    if (bytes(degree) > limit) throw memoryError(degree, coordinateCount, bytesOf, limit);
    sparseDegrees.push(degree);
  } else {
    let left = budgetSeconds;
    for (let degree = 1; degree <= Math.min(MAX_AUTO_DEGREE, coordinateCount); degree++) {
      const tooLarge = degree > 1 && bytes(degree) > limit;
      const seconds = tooLarge ? 0 : sparseSeconds(fewest, coordinateCount, degree, 1);
      const reason = tooLarge
        ? memoryReason(bytes(degree), limit)
        : degree > 1 && seconds > left
          ? timeReason(seconds, left)
          : undefined;
      if (reason !== undefined) {
        skipped.push({ degree, reason });
        break; // higher degrees cost more
      }
      sparseDegrees.push(degree);
      left -= seconds;
    }
  }
  const cost = (rows: number, heldOutCount: number): number =>
    sparseDegrees.reduce((sum, degree) => sum + sparseSeconds(rows, coordinateCount, degree, heldOutCount), 0);
  const precise = rowCount / folds >= SPLIT_ROWS && options.clusters === undefined;
  const heldOutCount = cost(rowCount, folds) <= budgetSeconds && !precise ? folds : 1;
  // On fewer rows where the budget or memory asks for it.
  const hasRoom = (rows: number): boolean =>
    sparseDegrees.every(
      (degree) => sparseBytes(rows, coordinateCount, degree, heldOutCount, options.threads) <= SPARSE_SHARE * limit,
    );
  let rows = rowCount;
  while (rows > fewest && (cost(rows, heldOutCount) > budgetSeconds || !hasRoom(rows))) {
    rows = Math.max(fewest, Math.floor(rows / 2));
  }
  return {
    degrees: [],
    sparseDegrees,
    sparseSeconds: budgetSeconds,
    heldOutCount,
    skipped,
    rowCount: rows,
    fewerFor: rows === rowCount ? undefined : cost(rowCount, heldOutCount) > budgetSeconds ? 'time' : 'memory',
    budgetSeconds,
    predictedSeconds: cost(rows, heldOutCount),
  };
}

function planDense(points: SelectionShape, options: SelectOptions, folds: number): SelectionPlan {
  const { rowCount, coordinateCount } = points;
  const budgetSeconds = options.budgetSeconds ?? DEFAULT_BUDGET_SECONDS;
  const limit = options.memoryLimitBytes ?? DEFAULT_MEMORY_BYTES;
  // Where nothing is chosen folds only say how good it is, which so many rows do too.
  const isChoice = options.degree === 'auto' || !['least-squares', 'estimate'].includes(options.method);
  const precise = rowCount / folds >= SPLIT_ROWS && options.clusters === undefined;
  const heldOutCount = precise && !isChoice ? 1 : folds;
  const fitsPerDegree =
    heldOutCount *
    pathsOf(options).length *
    (options.method === 'auto' || options.method === 'ridge'
      ? LAMBDA_PATH.length * PLANNED_ITERATIONS
      : options.method === 'estimate'
        ? 1
        : PLANNED_ITERATIONS);
  const seconds = (degree: number, rows: number): number =>
    (fitsPerDegree *
      (planMonomialOperator({ rowCount: rows, coordinateCount, degree }).costNs +
        ITERATION_ROW_NS * rows +
        ITERATION_MONOMIAL_NS * countMonomials(coordinateCount, degree))) /
    1e9;
  // On fewer rows if the budget or memory asks for it, but never so few that the largest degree loses its footing.
  const fewestRows = (degree: number, n = coordinateCount): number =>
    Math.min(rowCount, Math.max(MIN_SELECTION_ROWS, 2 * countMonomials(n, degree)));
  // All folds' solvers are alive at once: five coefficient vectors, a basis change (a scale, and 8 bytes per member of a
  // monomial) and six row vectors each. The one-pass estimate keeps nothing.
  const foldBytes = (rows: number, degree: number, n: number): number =>
    options.method === 'estimate' ? 0 : countMonomials(n, degree) * (40 + 8 + 8 * Math.min(degree, n)) + 48 * rows;
  const choiceBytes = (rows: number, degree: number, n = coordinateCount): number =>
    predictFitBytes(rows, n, degree, options.threads) + folds * foldBytes(rows, degree, n);
  const bytesOf: BytesOf = (degree, n) =>
    Math.max(predictFitBytes(rowCount, n, degree, options.threads), choiceBytes(fewestRows(degree, n), degree, n));
  const bytes = (degree: number): number => bytesOf(degree, coordinateCount);

  const degrees: number[] = [];
  const skipped: { degree: number; reason: string }[] = [];
  const cost = (rows: number, upTo: readonly number[]): number =>
    upTo.reduce((sum, degree) => sum + seconds(degree, rows), 0);
  if (options.degree !== 'auto') {
    const degree = Math.min(options.degree, coordinateCount);
    if (bytes(degree) > limit) throw memoryError(degree, coordinateCount, bytesOf, limit);
    degrees.push(degree);
  } else {
    for (let degree = 1; degree <= Math.min(MAX_AUTO_DEGREE, coordinateCount); degree++) {
      const monomials = countMonomials(coordinateCount, degree);
      const refusal = (): string | undefined => {
        if (monomials > MAX_MONOMIALS_PER_ROW * rowCount) {
          return `${monomials.toLocaleString('en-US')} monomials for ${rowCount.toLocaleString('en-US')} rows`;
        }
        if (bytes(degree) > limit) return memoryReason(bytes(degree), limit);
        const least = cost(fewestRows(degree), [...degrees, degree]);
        return least > budgetSeconds ? timeReason(least, budgetSeconds) : undefined;
      };
      const reason = degree > 1 ? refusal() : undefined;
      if (reason !== undefined) {
        skipped.push({ degree, reason });
        break; // higher degrees cost more
      }
      degrees.push(degree);
    }
  }
  const fewest = fewestRows(degrees[degrees.length - 1]);
  const hasRoom = (rows: number): boolean => degrees.every((degree) => choiceBytes(rows, degree) <= limit);
  let rows = rowCount;
  while (rows > fewest && (cost(rows, degrees) > budgetSeconds || !hasRoom(rows))) {
    rows = Math.max(fewest, Math.floor(rows / 2));
  }
  return {
    degrees,
    sparseDegrees: [],
    sparseSeconds: 0,
    heldOutCount,
    skipped,
    rowCount: rows,
    fewerFor: rows === rowCount ? undefined : cost(rowCount, degrees) > budgetSeconds ? 'time' : 'memory',
    budgetSeconds,
    predictedSeconds: cost(rows, degrees),
  };
}

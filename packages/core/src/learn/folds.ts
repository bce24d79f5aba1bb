/**
 * What every way of choosing by held-out rows shares: the folds, what a
 * candidate is, and how one is scored. A fold's held-out rows have weight 0 in
 * its fits and are predicted with the others, so one operator serves all folds.
 */
import type { MonomialOperator } from '@fewfire/kernels';
import { drawOrder, drawParts, FewfireError, meanWithError, pickNumbers, type RowNames } from '../base/index.ts';
import type { CubePoints } from '../cube/index.ts';
import type { Hierarchy } from './hierarchy.ts';
import type { PenaltyBasis } from './least-squares.ts';

/** `logistic` is ridge under the logistic loss. */
export type FitMethod =
  | 'least-squares'
  | 'ridge'
  | 'estimate'
  | 'lasso'
  | 'elastic-net'
  | 'logistic'
  | 'boosting'
  | 'stacking';

/** What a stacked fit is a sum of. */
export interface Stack {
  /** Weight of the additive part. */
  readonly additive: number;
  /** Weight of the trees. */
  readonly trees: number;
  /** Of the trees. */
  readonly depth: number;
}

/** A fit that was tried, and its error on rows held out. */
export interface Candidate {
  readonly method: FitMethod;
  readonly degree: number;
  /** Of ridge on the sum of squares, of the lasso and elastic net per row. */
  readonly lambda: number;
  readonly basis: PenaltyBasis;
  /** Share of the penalty on absolute values; 0 for methods without one. */
  readonly l1Ratio: number;
  readonly hierarchy: Hierarchy;
  /** Whether the lasso only chose the terms, and least squares gave the coefficients. */
  readonly refit: boolean;
  /** Of boosting: how many trees. */
  readonly roundCount?: number | undefined;
  /** Of stacking, whose lambda is per weight of the rows. */
  readonly stack?: Stack | undefined;
  /** Of stacking: products of coordinates in the additive part. */
  readonly products?: readonly (readonly number[])[] | undefined;
  /** Non-zero terms, the constant not counted: mean over the folds. Of boosting, whose terms are many, the trees. */
  readonly termCount: number;
  /** Mean squared error over the held-out rows. */
  readonly mse: number;
  /**
   * An estimate: of the mean over folds as they vary; with one split over its rows, or clusters of them.
   */
  readonly standardError: number;
  /** False when a solver stopped before its tolerance in some fold. */
  readonly converged: boolean;
}

/** The non-zero coefficients of a fold's fit: their indices in graded colexicographic order, and their values. */
export interface FoldTerms {
  readonly at: Uint32Array;
  readonly values: Float64Array;
}

/** Takes note of a candidate and of what its folds found; the predictions are only right during the call. */
export type Consider = (candidate: Candidate, predictions: Float64Array, terms: readonly FoldTerms[]) => void;

export function foldTerms(coefficients: Float64Array): FoldTerms {
  let count = 0;
  for (const value of coefficients) if (value !== 0) count++;
  const at = new Uint32Array(count);
  let end = 0;
  for (let i = 0; i < coefficients.length; i++) if (coefficients[i] !== 0) at[end++] = i;
  return { at, values: pickNumbers(coefficients, at) };
}

export interface FoldContext {
  readonly operator: MonomialOperator;
  readonly excluded: Uint32Array;
  readonly points: CubePoints;
  readonly target: Float64Array;
  /** How much each row counts, in fits and errors; all the same without it. */
  readonly rowWeights: Float64Array | undefined;
  /** Number of each row's cluster, where rows of one may depend on each other. */
  readonly clusters: ArrayLike<number> | undefined;
  readonly foldOf: Uint32Array;
  readonly folds: number;
  /** How many of the folds are held out in turn, the first ones: all, or 1 for a single split. */
  readonly heldOutCount: number;
  readonly onFit: () => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Fold number of each row: sizes differ by at most one, the assignment is random, by the rows' names. Rows of one cluster
 * stay together; then each cluster, in random order, goes to the smallest fold.
 * @throws FewfireError `invalid-argument` when there are fewer clusters than folds
 */
export function foldAssignment(
  rowCount: number,
  folds: number,
  seed: number,
  { rowKeys, clusters, clusterKeys }: RowNames = {},
): Uint32Array {
  const draw = { purpose: 'folds', seed } as const;
  if (clusters === undefined) {
    const upTo = (fold: number): number => Math.floor((fold * rowCount) / folds);
    return drawParts(
      draw,
      Array.from({ length: folds }, (_, fold) => upTo(fold + 1) - upTo(fold)),
      rowKeys,
    );
  }
  const fold = new Uint32Array(rowCount);
  const members = new Map<number, number[]>();
  for (let row = 0; row < rowCount; row++) {
    const known = members.get(clusters[row]);
    if (known === undefined) members.set(clusters[row], [row]);
    else known.push(row);
  }
  if (members.size < folds) {
    throw new FewfireError(
      'invalid-argument',
      `${members.size} groups cannot make ${folds} folds; expected at least one group per fold: give more groups or fewer \`folds\``,
    );
  }
  const groups = [...members.values()];
  const groupKeys = Float64Array.from(members.keys(), (cluster) => clusterKeys?.[cluster] ?? cluster);
  const sizes = new Array<number>(folds).fill(0);
  for (const g of drawOrder(draw, groupKeys)) {
    const smallest = sizes.indexOf(Math.min(...sizes));
    for (const row of groups[g]) fold[row] = smallest;
    sizes[smallest] += groups[g].length;
  }
  return fold;
}

/** Beyond this share of the weight in one fold, what is left for its fit is rounding. */
const LARGEST_FOLD_WEIGHT = 1 - 1e-6;

/** @throws FewfireError `invalid-data` where one fold has next to all of the weight: the fit without it would learn from nothing */
export function checkFoldWeights(foldOf: Uint32Array, folds: number, rowWeights: Float64Array | undefined): void {
  if (rowWeights === undefined) return;
  const weights = new Float64Array(folds);
  foldOf.forEach((fold, row) => {
    weights[fold] += rowWeights[row];
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (weights.every((weight) => weight <= LARGEST_FOLD_WEIGHT * total)) return;
  throw new FewfireError(
    'invalid-data',
    `the weights lie on so few rows that one of the ${folds} folds has next to all of them; expected weight in every fold: check the column of \`weight\`, or leave it out`,
  );
}

/**
 * What the logistic loss needs: rows of both classes without each fold.
 * @param classNames of -1 and +1
 * @throws FewfireError `invalid-data`, naming the class that has too few rows
 */
export function checkFoldClasses(
  foldOf: Uint32Array,
  folds: number,
  target: Float64Array,
  classNames: readonly [string, string],
): void {
  for (const [k, name] of classNames.entries()) {
    const counts = new Uint32Array(folds);
    target.forEach((value, row) => {
      if (value < 0 === (k === 0)) counts[foldOf[row]]++;
    });
    const count = counts.reduce((sum, rows) => sum + rows, 0);
    if (counts.filter((rows) => rows > 0).length > 1) continue;
    const found = count === 0 ? 'no row' : count === 1 ? 'one row' : `${count} rows in one of the ${folds} folds`;
    const remedy = count > 1 ? 'choose another `seed` or fewer `folds`' : 'give more rows of it or leave it out';
    throw new FewfireError(
      'invalid-data',
      `${name} has ${found} of the ${target.length} that the folds are made of; the logistic loss expected rows of every class in two folds or more: ${remedy}, or use \`loss: 'squared'\``,
    );
  }
}

/** 0 for the rows held out in a fold, their weight (or 1) for the others. */
export function foldWeights(foldOf: Uint32Array, fold: number, rowWeights: Float64Array | undefined): Float64Array {
  return Float64Array.from(foldOf, (f, row) => (f === fold ? 0 : rowWeights === undefined ? 1 : rowWeights[row]));
}

/** Errors of the held-out predictions. */
export function foldScores(
  context: Omit<FoldContext, 'operator' | 'excluded'>,
  heldOut: Float64Array,
): { mse: number; standardError: number } {
  const { target, rowWeights, foldOf, heldOutCount, clusters } = context;
  const all = target.map((value, i) => (value - heldOut[i]) ** 2);
  // Of folds each is a unit: their fits differ. One split has one fit, and its rows or clusters are what may vary.
  const isSplit = heldOutCount === 1;
  const pick = (values: ArrayLike<number>): ArrayLike<number> =>
    heldOutCount < context.folds ? Array.from(values).filter((_, i) => foldOf[i] < heldOutCount) : values;
  const squares = pick(all);
  const weights = rowWeights && pick(rowWeights);
  const units = isSplit ? clusters : foldOf;
  const { mean: mse, standardError } = meanWithError(squares, { weights, clusters: units && pick(units) });
  if (Number.isFinite(standardError)) return { mse, standardError };
  // One cluster in all of the split: nothing but its rows is left to tell how far the error may be off; of one row, nothing.
  const ofRows = meanWithError(squares, { weights }).standardError;
  return { mse, standardError: Number.isFinite(ofRows) ? ofRows : 0 };
}

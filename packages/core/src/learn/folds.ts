/**
 * What every way of choosing by held-out rows shares: the folds, what a
 * candidate is, and how one is scored. A fold's held-out rows have weight 0 in
 * its fits and are predicted with the others, so one operator serves all folds.
 */
import type { MonomialOperator } from '@fewfire/kernels';
import { createRandom } from '../base/index.ts';
import type { CubePoints } from '../cube/index.ts';
import type { Hierarchy } from './hierarchy.ts';
import type { PenaltyBasis } from './least-squares.ts';

export type FitMethod = 'least-squares' | 'ridge' | 'estimate' | 'lasso' | 'elastic-net';

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
  /** Non-zero terms, the constant not counted: mean over the folds. */
  readonly termCount: number;
  /** Mean squared error over the held-out rows. */
  readonly mse: number;
  /**
   * An estimate: standard deviation of the folds' mean squared errors over the square root of their number; with one
   * split, of the rows' squared errors.
   */
  readonly standardError: number;
  /** False when a solver stopped before its tolerance in some fold. */
  readonly converged: boolean;
}

/** Takes note of a candidate; the predictions are only right during the call. */
export type Consider = (candidate: Candidate, predictions: Float64Array) => void;

export interface FoldContext {
  readonly operator: MonomialOperator;
  readonly excluded: Uint32Array;
  readonly points: CubePoints;
  readonly target: Float64Array;
  readonly foldOf: Uint32Array;
  readonly folds: number;
  /** How many of the folds are held out in turn, the first ones: all, or 1 for a single split. */
  readonly heldOutCount: number;
  readonly onFit: () => void;
  readonly signal: AbortSignal | undefined;
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

/** 0 for the rows held out in a fold, 1 for the others. */
export function foldWeights(foldOf: Uint32Array, fold: number): Float64Array {
  return Float64Array.from(foldOf, (f) => (f === fold ? 0 : 1));
}

/** Errors of the held-out predictions. */
export function foldScores(context: FoldContext, heldOut: Float64Array): { mse: number; standardError: number } {
  const { target, foldOf, folds, heldOutCount } = context;
  if (heldOutCount === 1) return splitScores(context, heldOut);
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

function splitScores(context: FoldContext, heldOut: Float64Array): { mse: number; standardError: number } {
  const { target, foldOf } = context;
  const squares: number[] = [];
  for (let i = 0; i < target.length; i++) if (foldOf[i] === 0) squares.push((target[i] - heldOut[i]) ** 2);
  const mse = squares.reduce((sum, value) => sum + value, 0) / squares.length;
  const variance = squares.reduce((sum, value) => sum + (value - mse) ** 2, 0) / Math.max(1, squares.length - 1);
  return { mse, standardError: Math.sqrt(variance / squares.length) };
}

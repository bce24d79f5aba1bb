/**
 * The inner solver of the elastic net: minimises
 *
 *   1/2 c' G c - q' c + l1 |c|_1 + l2/2 |c|^2
 *
 * over a few thousand coefficients, G being known (`active-gram.ts`). Cyclic
 * coordinate descent, with the gradient of the smooth part kept up to date, finds
 * which coefficients are zero; where columns are correlated it then creeps, so
 * every few passes the system on the non-zero ones, their signs held, is solved
 * by conjugate gradients, and the step is cut where the first sign would change.
 * Either kind of step lowers the objective. It stops on the duality gap.
 */

import type { Turn } from '../base/index.ts';
import { isSpent, type Work } from './work.ts';

export interface CoordinateProblem {
  readonly count: number;
  /** G; rows may be longer than `count`. */
  readonly gram: readonly Float64Array[];
  /** q: correlations of the columns with the target. */
  readonly targetCorrelations: Float64Array;
  /** sum_i w_i y_i^2 / W of the centred target. */
  readonly targetSquare: number;
  /** 0 where the coefficient must stay 0. */
  readonly usable: Uint8Array;
  /** c; changed in place. */
  readonly coefficients: Float64Array;
  /** q - G c; kept up to date in place. */
  readonly gradient: Float64Array;
  readonly work: Work;
}

export interface CoordinateOptions {
  readonly l1: number;
  readonly l2: number;
  /** Stop when the duality gap, over the usable coefficients, is at most this. */
  readonly gap: number;
  readonly maxPasses: number;
  /** Called between passes; lets the event loop run and throws when aborted. */
  readonly turn: Turn;
}

/** Passes of coordinate descent between two solves on the non-zero coefficients. */
const PASSES_PER_SOLVE = 10;
const SOLVE_ITERATIONS = 60;
const SOLVE_TOLERANCE = 1e-3;
/** A column that varies less than this is a constant. */
const SMALLEST_SQUARE = 1e-13;

/** Nanoseconds that a product of G's takes: measured, and more where its rows are not in the cache. */
const PRODUCT_NS = 3;

/** Returns how many passes it made; it also stops when the work is spent. */
export async function descend(problem: CoordinateProblem, options: CoordinateOptions): Promise<number> {
  const { coefficients } = problem;
  let passes = 0;
  while (passes < options.maxPasses && !isSpent(problem.work)) {
    const changed = descendOnce(problem, options, false);
    passes++;
    await options.turn();
    if (!changed || dualityGap(problem, options.l1, options.l2) <= options.gap) return passes;
    for (let k = 1; k < PASSES_PER_SOLVE && passes < options.maxPasses; k++, passes++) {
      if (!descendOnce(problem, options, true)) break;
      await options.turn();
    }
    if (dualityGap(problem, options.l1, options.l2) <= options.gap) return passes;
    const support = nonZeros(coefficients, problem.count);
    await stepOnSupport(problem, support, options);
    if (dualityGap(problem, options.l1, options.l2) <= options.gap) return passes;
  }
  return passes;
}

/** Objective less the best dual value that scaling the residual gives: an upper bound on the distance to the optimum. */
function dualityGap(problem: CoordinateProblem, l1: number, l2: number): number {
  const { count, targetCorrelations, targetSquare, usable, coefficients, gradient } = problem;
  let fitted = 0;
  let explained = 0;
  let absolute = 0;
  let square = 0;
  let largest = 0;
  for (let j = 0; j < count; j++) {
    if (usable[j] === 0) continue;
    const c = coefficients[j];
    largest = Math.max(largest, Math.abs(gradient[j] - l2 * c));
    if (c === 0) continue;
    fitted += c * targetCorrelations[j];
    explained += c * (targetCorrelations[j] + gradient[j]);
    absolute += Math.abs(c);
    square += c * c;
  }
  const residualSquare = Math.max(0, targetSquare - explained);
  return gapOf({ residualSquare, withTarget: targetSquare - fitted, absolute, square, largest, l1, l2 }).gap;
}

/** The same from its parts, with the scale of the dual point: `residualSquare` is r'r/W, `withTarget` y'r/W. */
export function gapOf(parts: {
  readonly residualSquare: number;
  readonly withTarget: number;
  /** Sums of |c| and of c^2. */
  readonly absolute: number;
  readonly square: number;
  /** Largest |correlation of a column with the residual - l2 c|. */
  readonly largest: number;
  readonly l1: number;
  readonly l2: number;
}): { gap: number; scale: number } {
  const { residualSquare, withTarget, absolute, square, largest, l1, l2 } = parts;
  const primal = residualSquare / 2 + l1 * absolute + (l2 / 2) * square;
  // The residual (with -sqrt(l2) c below it, the penalty's rows) times any such scale satisfies the dual's constraints.
  const length = residualSquare + l2 * square;
  if (length <= 0) return { gap: Math.max(0, primal), scale: 1 };
  const limit = largest > l1 ? l1 / largest : Math.max(1, largest > 0 ? l1 / largest : 1);
  const scale = Math.max(-limit, Math.min(limit, withTarget / length));
  return { gap: Math.max(0, primal - (scale * withTarget - (scale * scale * length) / 2)), scale };
}

/**
 * Least squares on the given coefficients, all others as they are: the change of those coefficients, by conjugate
 * gradients. Columns that depend on one another share it; the change is the smallest.
 */
export async function solveOnSupport(
  gram: readonly Float64Array[],
  support: readonly number[],
  right: Float64Array,
  options: {
    readonly l2: number;
    readonly tolerance: number;
    readonly maxIterations: number;
    readonly turn: Turn;
    readonly work: Work;
  },
): Promise<Float64Array> {
  const size = support.length;
  const solution = new Float64Array(size);
  const residual = right.slice(0, size);
  const direction = residual.slice();
  const product = new Float64Array(size);
  let square = dot(residual, residual);
  const enough = square * options.tolerance ** 2;
  for (let k = 0; k < options.maxIterations && square > enough && !isSpent(options.work); k++) {
    options.work.spentNs += PRODUCT_NS * size * size;
    let curvature = 0;
    for (let a = 0; a < size; a++) {
      const row = gram[support[a]];
      let sum = options.l2 * direction[a];
      for (let b = 0; b < size; b++) sum += row[support[b]] * direction[b];
      product[a] = sum;
      curvature += sum * direction[a];
    }
    if (!(curvature > 1e-14 * dot(direction, direction))) break;
    const length = square / curvature;
    for (let a = 0; a < size; a++) {
      solution[a] += length * direction[a];
      residual[a] -= length * product[a];
    }
    const next = dot(residual, residual);
    for (let a = 0; a < size; a++) direction[a] = residual[a] + (next / square) * direction[a];
    square = next;
    await options.turn();
  }
  return solution;
}

export function nonZeros(values: Float64Array, count: number): number[] {
  const places: number[] = [];
  for (let j = 0; j < count; j++) if (values[j] !== 0) places.push(j);
  return places;
}

/** Adds `change` to coefficient j and brings the gradient up to date. */
export function changeCoefficient(problem: CoordinateProblem, j: number, change: number): void {
  const { count, gradient } = problem;
  problem.work.spentNs += PRODUCT_NS * count;
  const row = problem.gram[j];
  problem.coefficients[j] += change;
  for (let k = 0; k < count; k++) gradient[k] -= change * row[k];
}

// One pass over all usable coefficients, or over the non-zero ones; false when nothing changed.
function descendOnce(problem: CoordinateProblem, { l1, l2 }: CoordinateOptions, nonZeroOnly: boolean): boolean {
  const { count, gram, usable, coefficients, gradient } = problem;
  let changed = false;
  for (let j = 0; j < count; j++) {
    const old = coefficients[j];
    if (usable[j] === 0 || (nonZeroOnly && old === 0)) continue;
    const square = gram[j][j];
    const pull = gradient[j] + square * old;
    const size = Math.abs(pull) - l1;
    const next = size > 0 && square > SMALLEST_SQUARE ? (Math.sign(pull) * size) / (square + l2) : 0;
    if (next === old) continue;
    changeCoefficient(problem, j, next - old);
    coefficients[j] = next; // exactly, so that a zero is one
    changed = true;
  }
  return changed;
}

// A step towards the optimum over the coefficients of `support` with their present signs, cut at the first sign change.
async function stepOnSupport(
  problem: CoordinateProblem,
  support: readonly number[],
  { l1, l2, turn }: CoordinateOptions,
): Promise<void> {
  const { gram, coefficients, gradient, work } = problem;
  const downhill = Float64Array.from(
    support,
    (j) => gradient[j] - l2 * coefficients[j] - l1 * Math.sign(coefficients[j]),
  );
  const limits = { l2, tolerance: SOLVE_TOLERANCE, maxIterations: SOLVE_ITERATIONS, turn, work };
  const step = await solveOnSupport(gram, support, downhill, limits);
  let length = 1;
  let first = -1;
  for (let a = 0; a < support.length; a++) {
    const crossing = -coefficients[support[a]] / step[a];
    if (crossing > 0 && crossing < length) {
      length = crossing;
      first = a;
    }
  }
  for (let a = 0; a < support.length; a++) {
    if (step[a] === 0) continue;
    if (a === first) {
      changeCoefficient(problem, support[a], -coefficients[support[a]]);
      coefficients[support[a]] = 0;
    } else changeCoefficient(problem, support[a], length * step[a]);
  }
  await turn();
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

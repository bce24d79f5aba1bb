/**
 * Lasso and elastic net over all monomials of degree <= d, for when there are as
 * many monomials as rows or more. Minimises
 *
 *   1/(2W) sum_i w_i (y_i - p(x_i))^2 + lambda (l1Ratio |c|_1 + (1 - l1Ratio)/2 |c|_2^2)
 *
 * W being the sum of the weights: the objective of scikit-learn's Lasso and
 * ElasticNet, lambda its alpha, per row. (The lambda of ridge, `least-squares.ts`,
 * is the alpha of Ridge, on the sum of squares: W times as large.) The intercept
 * is free: target and columns are centred by their weighted means.
 *
 * The matrix of monomials is never formed. One adjoint gives the correlations of
 * all monomials with the residual, and with them three things: the duality gap
 * over all monomials, by scaling the residual into the dual's constraints; the
 * monomials that are provably zero in every solution, which lie outside the
 * sphere around that dual point whose radius comes from the gap (Ndiaye, Fercoq,
 * Gramfort, Salmon 2017); and the ones to add, in batches of the most correlated
 * (batch matching pursuit on a cold start, the sequential strong rule of
 * Tibshirani et al. 2012 on a path). Those added are solved for on their matrix
 * of products (`active-gram.ts`, `coordinate-descent.ts`), the residual is made
 * afresh from the data, and the next adjoint tells how far off that still is. So
 * the gap reported is that of the coefficients returned, over everything.
 *
 * With a hierarchy the solution is a greedy fixed point, not an optimum over
 * everything: single coordinates are solved for first, then those products that
 * the non-zero monomials make eligible are let in, until none is new; products
 * left without their parts are shut out and the rest is solved again. The gap is
 * then over the monomials that were eligible at the end.
 */
import type { KernelVariant, MonomialOperator } from '@fewfire/kernels';
import { createTurn, pickNumbers } from '../base/index.ts';
import type { CubePoints } from '../cube/index.ts';
import { type ActiveGram, createActiveGram } from './active-gram.ts';
import { changeCoefficient, descend, gapOf, nonZeros, solveOnSupport } from './coordinate-descent.ts';
import { eligibleProducts, type Hierarchy, orphans } from './hierarchy.ts';
import { clearRounding, constantValue } from './rounding.ts';
import { isSpent, unlimitedWork, type Work } from './work.ts';

export interface ElasticNetProblem {
  readonly operator: MonomialOperator;
  readonly points: CubePoints;
  /** Monomials that stay out, by index. */
  readonly excluded: Uint32Array;
  /** `rowCount` finite numbers. */
  readonly target: Float64Array;
  /** Non-negative weight of each row; rows of weight 0 are only predicted. Weights of 0 and 1 are fastest. */
  readonly rowWeights: Float64Array | undefined;
  /** Most monomials worked on at a time, which bounds the memory: 8 bytes per pair. Beyond it a solve does not converge. */
  readonly activeLimit: number;
  /** Counted here, with that of others if they share it; when it is spent a solve stops, not converged. Default: no limit. */
  readonly work?: Work | undefined;
  readonly variant?: KernelVariant | undefined;
}

export interface ElasticNetOptions {
  /** scikit-learn's alpha, above 0. */
  readonly lambda: number;
  /** Share of the penalty that is on absolute values, in (0, 1]: 1 is the lasso. */
  readonly l1Ratio: number;
  readonly hierarchy: Hierarchy;
  /** Stop when the duality gap is at most this share of the objective of the best constant. */
  readonly gapTolerance: number;
  /** Passes of coordinate descent over the active monomials, at most. */
  readonly maxIterations: number;
  readonly signal?: AbortSignal | undefined;
  readonly onIteration?: ((iterations: number, relativeGap: number) => void) | undefined;
}

export interface ElasticNetSolution {
  /** Over parities, in graded colexicographic order. */
  readonly coefficients: Float64Array;
  /** Values of the polynomial at all rows, those of weight 0 included. */
  readonly predictions: Float64Array;
  /** Non-zero coefficients, the constant not counted. */
  readonly activeCount: number;
  /** Upper bound on objective less optimum, in f64 over all monomials (with a hierarchy: over those eligible at the end). */
  readonly dualityGap: number;
  /** The same over the objective of the best constant, 1/(2W) sum_i w_i (y_i - mean)^2; 0 when that is 0. */
  readonly relativeGap: number;
  /** Indices of the monomials not proven to be zero in every solution when it stopped (with a hierarchy: of the eligible). */
  readonly survivors: Uint32Array;
  /** Passes of coordinate descent. */
  readonly iterations: number;
  /** Adjoints of the operator this solve took. */
  readonly adjointCount: number;
  readonly converged: boolean;
}

export interface RefittedSupport {
  readonly coefficients: Float64Array;
  readonly predictions: Float64Array;
  readonly converged: boolean;
}

/** After an abort or an error the solver is of no more use: make a new one. */
export interface ElasticNetSolver {
  /** The smallest lambda at which the best constant is the solution. */
  lambdaMax(options: { l1Ratio: number; hierarchy: Hierarchy; signal?: AbortSignal | undefined }): Promise<number>;
  /** Solves for one penalty, starting from the last solution: go through lambdas from large to small. */
  solve(options: ElasticNetOptions): Promise<ElasticNetSolution>;
  /**
   * Least squares on the non-zero monomials of the last solution (the relaxed lasso), which stays what it is. Stops when
   * the largest correlation with the residual has fallen to `tolerance` standard deviations of the target. When
   * monomials depend on one another on these rows, the change from the last solution is the smallest there is.
   */
  refit(options: { tolerance: number; signal?: AbortSignal | undefined }): Promise<RefittedSupport>;
}

/** At least so many monomials are added at a time, if so many ask for it; more when more are active already. */
const SMALLEST_BATCH = 64;
/** Share of the gap asked for that the inner solver may use up at first, and what it is tightened by. */
const INNER_SHARE = 0.3;
const INNER_TIGHTENING = 0.1;
/** What rounding may hide of a gap, relative to the objective of the best constant: kept clear of when screening. */
const ROUNDING_SLACK = 1e-13;
/** Below this, relative to the objective of the best constant, a gap is rounding. */
const SMALLEST_GAP = 1e-18;
const REFIT_ROUNDS = 4;
// Nanoseconds, measured: the passes over all monomials and over the rows around an adjoint, the product of two columns
// of bits, that of a word of them (a row's weight takes longer where it is not 0 or 1), and a column's part of a row.
const MONOMIAL_NS = 15;
const ROW_NS = 20;
const PAIR_NS = 50;
const PAIR_ROW_NS = 0.02;
const WEIGHTED_PAIR_ROW_NS = 0.09;
const COLUMN_ROW_NS = 0.1;

export async function createElasticNetSolver(problem: ElasticNetProblem): Promise<ElasticNetSolver> {
  const { operator, points, excluded, rowWeights, activeLimit, work = unlimitedWork() } = problem;
  const { index } = operator;
  const { monomialCount, rowCount, costNs } = operator.plan;
  const isPlain = rowWeights?.every((weight) => weight === 0 || weight === 1) ?? true;
  const pairNs = PAIR_NS + rowCount * (isPlain ? PAIR_ROW_NS : WEIGHTED_PAIR_ROW_NS);
  const totalWeight = rowWeights === undefined ? rowCount : rowWeights.reduce((sum, weight) => sum + weight, 0);
  const weightedProduct = (a: Float64Array, b: Float64Array): number => {
    let sum = 0;
    for (let i = 0; i < rowCount; i++) sum += (rowWeights === undefined ? 1 : rowWeights[i]) * a[i] * b[i];
    return sum;
  };
  // Takes the weighted mean out of the values, and returns it.
  const centre = (values: Float64Array): number => {
    let sum = 0;
    for (let i = 0; i < rowCount; i++) sum += (rowWeights === undefined ? 1 : rowWeights[i]) * values[i];
    const mean = sum / totalWeight;
    for (let i = 0; i < rowCount; i++) values[i] -= mean;
    return mean;
  };
  const constant = constantValue(problem.target, rowWeights);
  const target = problem.target.map((value) => value - (constant ?? 0));
  // The second time takes what rounding left of the first.
  const targetMean = constant ?? centre(target) + centre(target);
  const targetSquare = weightedProduct(target, target) / totalWeight;
  const active: ActiveGram = await createActiveGram(points, index, rowWeights, problem.variant);

  // State: coefficients of the active monomials, the predictions (less the target's mean) and residual that belong to
  // them, and the correlations of all monomials with that residual once they are computed.
  let coefficients = new Float64Array(64);
  let gradient = new Float64Array(64);
  let targetCorrelation = new Float64Array(64);
  let usable = new Uint8Array(64);
  let intercept = 0;
  let lastL1 = Number.POSITIVE_INFINITY;
  const residual = target.slice();
  const predictions = new Float64Array(rowCount);
  const weighted = new Float64Array(rowCount);
  const correlations = new Float64Array(monomialCount);
  let nullCorrelations: Float64Array | undefined;
  let adjoints = 0;

  /** 1 where a monomial may be non-zero; `allowed` follows the hierarchy. */
  const candidates = new Uint8Array(monomialCount).fill(1);
  candidates[0] = 0;
  for (const at of excluded) candidates[at] = 0;
  const allowed = candidates.slice();
  /** Of the allowed ones, those not yet proven zero at the present lambda. */
  const alive = new Uint8Array(monomialCount);

  const correlate = async (signal: AbortSignal | undefined): Promise<void> => {
    for (let i = 0; i < rowCount; i++) weighted[i] = (rowWeights === undefined ? 1 : rowWeights[i]) * residual[i];
    await operator.adjoint(weighted, correlations, signal);
    clearRounding(correlations, weighted);
    adjoints++;
    work.spentNs += costNs / 2 + MONOMIAL_NS * monomialCount + ROW_NS * rowCount;
    for (let at = 0; at < monomialCount; at++) correlations[at] /= totalWeight;
    for (let j = 0; j < active.count; j++) gradient[j] = correlations[active.monomials[j]];
  };
  // The first adjoint of a solver, of the target itself; later solves start from correlations they find here.
  const start = async (signal: AbortSignal | undefined): Promise<Float64Array> => {
    if (nullCorrelations === undefined) {
      await correlate(signal);
      nullCorrelations = correlations.slice();
    }
    return nullCorrelations;
  };

  const add = (at: number): void => {
    const j = active.count;
    if (j === coefficients.length) {
      coefficients = longer(coefficients);
      gradient = longer(gradient);
      targetCorrelation = longer(targetCorrelation);
      const flags = new Uint8Array(2 * j);
      flags.set(usable);
      usable = flags;
    }
    active.add(at);
    work.spentNs += pairNs * (j + 1);
    coefficients[j] = 0;
    gradient[j] = correlations[at];
    targetCorrelation[j] = (nullCorrelations as Float64Array)[at];
    usable[j] = 1;
  };
  const inner = () => ({
    count: active.count,
    gram: active.rows,
    targetCorrelations: targetCorrelation,
    targetSquare,
    usable,
    coefficients,
    gradient,
    work,
  });
  const support = (): number[] => nonZeros(coefficients, active.count).map((j) => active.monomials[j]);

  // predictions and residual := those of the given active coefficients, from the data; returns the intercept.
  const predict = (values: Float64Array): number => {
    let constant = 0;
    for (let j = 0; j < active.count; j++) constant -= values[j] * active.means[j];
    active.combine(constant, values, predictions);
    work.spentNs += rowCount * (ROW_NS + COLUMN_ROW_NS * active.count);
    for (let i = 0; i < rowCount; i++) residual[i] = target[i] - predictions[i];
    const rest = centre(residual);
    for (let i = 0; i < rowCount; i++) predictions[i] += rest;
    return constant + rest;
  };

  // The gap of the present coefficients over the allowed monomials; takes those proven zero out of `alive`.
  const certify = (l1: number, l2: number): number => {
    let absolute = 0;
    let square = 0;
    // The penalty's square is rows of its own below the data, which belong to the columns of non-zero coefficients.
    for (let j = 0; j < active.count; j++) {
      absolute += Math.abs(coefficients[j]);
      square += coefficients[j] ** 2;
      correlations[active.monomials[j]] -= l2 * coefficients[j];
    }
    const largest = largestAllowed(correlations, allowed);
    const residualSquare = weightedProduct(residual, residual) / totalWeight;
    const withTarget = weightedProduct(target, residual) / totalWeight;
    const { gap, scale } = gapOf({ residualSquare, withTarget, absolute, square, largest, l1, l2 });
    // All columns have the same norm up to centring, which only makes it smaller.
    const radius = Math.sqrt(2 * (1 + l2) * (gap + ROUNDING_SLACK * targetSquare));
    const inside = (l1 - radius) / Math.abs(scale);
    for (let at = 0; at < monomialCount; at++) if (Math.abs(correlations[at]) < inside) alive[at] = 0;
    for (let j = 0; j < active.count; j++) correlations[active.monomials[j]] = gradient[j];
    return gap;
  };

  // The most correlated monomials above `threshold` that are alive and not active: at most `most`.
  const chooseBatch = (threshold: number, most: number): number[] => {
    const chosen: number[] = [];
    for (let at = 0; at < monomialCount; at++) {
      if (alive[at] === 1 && Math.abs(correlations[at]) > threshold && active.placeOf(at) === undefined)
        chosen.push(at);
    }
    if (chosen.length <= most) return chosen;
    if (most <= 0) return [];
    const sizes = Float64Array.from(chosen, (at) => Math.abs(correlations[at])).sort();
    const least = sizes[sizes.length - most];
    return chosen.filter((at) => Math.abs(correlations[at]) >= least).slice(0, most);
  };

  const solve = async (options: ElasticNetOptions): Promise<ElasticNetSolution> => {
    const { lambda, l1Ratio, hierarchy, gapTolerance, maxIterations, signal } = options;
    const l1 = lambda * l1Ratio;
    const l2 = lambda * (1 - l1Ratio);
    const turn = createTurn(signal);
    const before = adjoints;
    const nullObjective = targetSquare / 2;
    let iterations = 0;
    let gap = 0;
    let converged = false;

    // The optimum over the allowed monomials, from where the coefficients are.
    const solveAllowed = async (): Promise<void> => {
      alive.set(allowed);
      converged = false;
      let threshold = Math.min(l1, Math.max(0, 2 * l1 - lastL1));
      let solved = false;
      let innerGap = INNER_SHARE * gapTolerance * nullObjective;
      for (;;) {
        gap = certify(l1, l2);
        options.onIteration?.(iterations, nullObjective > 0 ? gap / nullObjective : 0);
        converged = gap <= gapTolerance * nullObjective;
        if (converged || iterations >= maxIterations || isSpent(work)) return;
        const nonZeroCount = nonZeros(coefficients, active.count).length;
        const room = Math.min(activeLimit - active.count, Math.max(SMALLEST_BATCH, 2 * nonZeroCount));
        const batch = chooseBatch(threshold, room);
        // Nothing to add after a solve, and still not there: what is active is not solved well enough, or there is no room.
        if (batch.length === 0 && solved) {
          innerGap *= INNER_TIGHTENING;
          if (room <= 0 || innerGap < SMALLEST_GAP * nullObjective) return;
        }
        for (const at of batch) {
          add(at);
          await turn();
        }
        iterations += await descend(inner(), { l1, l2, gap: innerGap, maxPasses: maxIterations - iterations, turn });
        intercept = predict(coefficients);
        await correlate(signal);
        threshold = l1;
        solved = true;
      }
    };
    // Coefficients of monomials that are no longer allowed become 0; true when one was not.
    const shutOut = (): boolean => {
      let changed = false;
      for (let j = 0; j < active.count; j++) {
        usable[j] = allowed[active.monomials[j]];
        if (usable[j] === 1 || coefficients[j] === 0) continue;
        changeCoefficient(inner(), j, -coefficients[j]);
        coefficients[j] = 0;
        changed = true;
      }
      return changed;
    };
    const refresh = async (): Promise<void> => {
      intercept = predict(coefficients);
      await correlate(signal);
    };

    await start(signal);
    if (lastL1 === Number.POSITIVE_INFINITY) lastL1 = largestAllowed(correlations, candidates);
    if (hierarchy === 'none') {
      allowed.set(candidates);
      shutOut();
      await solveAllowed();
    } else {
      for (let at = 1; at < monomialCount; at++) allowed[at] = at < index.offsets[2] ? candidates[at] : 0;
      letIn(eligibleProducts(index, support(), hierarchy));
      if (shutOut()) await refresh();
      do await solveAllowed();
      while (converged && letIn(eligibleProducts(index, support(), hierarchy)));
      for (let lost = orphans(index, support(), hierarchy); lost.length > 0; ) {
        for (const at of lost) allowed[at] = 0;
        shutOut();
        await refresh();
        await solveAllowed();
        lost = orphans(index, support(), hierarchy);
      }
      shutOut();
    }
    lastL1 = l1;
    return {
      coefficients: dense(coefficients),
      predictions: predictions.map((value) => value + targetMean),
      activeCount: nonZeros(coefficients, active.count).length,
      dualityGap: gap,
      relativeGap: nullObjective > 0 ? gap / nullObjective : 0,
      survivors: placesOf(alive),
      iterations,
      adjointCount: adjoints - before,
      converged,
    };
  };

  // Allows the given monomials, those that may be non-zero at all; true when one was not allowed before.
  const letIn = (monomials: readonly number[]): boolean => {
    let fresh = false;
    for (const at of monomials) {
      if (candidates[at] === 0 || allowed[at] === 1) continue;
      allowed[at] = 1;
      const j = active.placeOf(at);
      if (j !== undefined) usable[j] = 1;
      fresh = true;
    }
    return fresh;
  };

  const dense = (values: Float64Array): Float64Array => {
    const vector = new Float64Array(monomialCount);
    for (let j = 0; j < active.count; j++) vector[active.monomials[j]] = values[j];
    vector[0] = intercept + targetMean;
    return vector;
  };

  const refit = async (options: { tolerance: number; signal?: AbortSignal | undefined }): Promise<RefittedSupport> => {
    const turn = createTurn(options.signal);
    const places = nonZeros(coefficients, active.count);
    const refitted = coefficients.slice();
    const wanted = options.tolerance * Math.sqrt(targetSquare);
    const onActive = gradient.slice();
    const kept = { intercept, predictions: predictions.slice(), residual: residual.slice() };
    const pull = pickNumbers(gradient, places);
    let worst = largestOf(pull);
    // The matrix of products squares the condition number: what that loses, further rounds on the fresh residual win back.
    for (let round = 0; round < REFIT_ROUNDS && worst > wanted; round++) {
      const limits = { l2: 0, tolerance: Math.min(1e-3, (0.1 * wanted) / worst), maxIterations: 2000, turn, work };
      const change = await solveOnSupport(active.rows, places, pull, limits);
      for (let a = 0; a < places.length; a++) refitted[places[a]] += change[a];
      intercept = predict(refitted);
      for (let i = 0; i < rowCount; i++) weighted[i] = (rowWeights === undefined ? 1 : rowWeights[i]) * residual[i];
      active.correlations(weighted, onActive);
      work.spentNs += rowCount * COLUMN_ROW_NS * active.count;
      for (let a = 0; a < places.length; a++) pull[a] = onActive[places[a]] / totalWeight;
      worst = largestOf(pull);
    }
    const result = {
      coefficients: dense(refitted),
      predictions: predictions.map((value) => value + targetMean),
      converged: worst <= wanted,
    };
    intercept = kept.intercept;
    predictions.set(kept.predictions);
    residual.set(kept.residual);
    return result;
  };

  return {
    async lambdaMax({ l1Ratio, hierarchy, signal }): Promise<number> {
      const first = await start(signal);
      const singles = hierarchy === 'none' ? first : first.subarray(0, index.offsets[2]);
      return largestAllowed(singles, candidates) / l1Ratio;
    },
    solve,
    refit,
  };
}

function largestAllowed(values: Float64Array, allowed: Uint8Array): number {
  let largest = 0;
  for (let at = 0; at < values.length; at++) {
    if (allowed[at] === 1) largest = Math.max(largest, Math.abs(values[at]));
  }
  return largest;
}

function largestOf(values: Float64Array): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

function longer(values: Float64Array): Float64Array<ArrayBuffer> {
  const result = new Float64Array(2 * values.length);
  result.set(values);
  return result;
}

function placesOf(flags: Uint8Array): Uint32Array {
  const places = new Uint32Array(flags.reduce((sum, flag) => sum + flag, 0));
  for (let at = 0, k = 0; at < flags.length; at++) if (flags[at] === 1) places[k++] = at;
  return places;
}

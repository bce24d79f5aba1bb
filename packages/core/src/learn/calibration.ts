/**
 * From a fitted polynomial to what the user asked for. For two classes,
 * probabilities: a logistic curve over the polynomial's value, fitted to
 * predictions of rows that were not in the fit (Platt scaling, with his smoothed
 * targets). For a target learned on a log scale, the factor that makes
 * exp(prediction) right on average (Duan's smearing).
 */

import { effectiveCount } from '../base/index.ts';
import { weightedMean } from './metrics.ts';

/** The logistic curve from a value to a probability. */
export interface PlattScaling {
  /** probability of the positive class = 1 / (1 + exp(-(slope * value + intercept))) */
  readonly slope: number;
  readonly intercept: number;
}

/**
 * The probability of the positive class at a value: 1 / (1 + exp(-(slope * value + intercept))).
 * @example
 * ```ts
 * import { plattProbability } from '@fewfire/core';
 *
 * console.log(plattProbability({ slope: 2, intercept: -1 }, 0.5)); // 0.5
 * ```
 */
export function plattProbability(scaling: PlattScaling, value: number): number {
  return 1 / (1 + Math.exp(-(scaling.slope * value + scaling.intercept)));
}

/** Of a loss summed over rows, over its size. */
const LOSS_ROUNDING = 1e-12;

/**
 * Fits the curve by Newton's method with step halving (Lin, Lin and Weng's form of Platt's method); it never falls.
 * @param positive 1 for rows of the positive class, else 0
 * @param weights how much each row counts; the same for all without it
 * @example
 * ```ts
 * import { fitPlatt, plattProbability } from '@fewfire/core';
 *
 * const values = [2, 1, 1, -1, -2, -1];
 * const positive = [1, 1, 0, 0, 0, 1];
 * console.log(plattProbability(fitPlatt(values, positive), 2).toFixed(2)); // 0.70
 * ```
 */
export function fitPlatt(
  values: ArrayLike<number>,
  positive: ArrayLike<number>,
  weights?: ArrayLike<number>,
): PlattScaling {
  const weightOf = (i: number): number => (weights === undefined ? 1 : weights[i]);
  let count = 0;
  let positives = 0;
  for (let i = 0; i < values.length; i++) {
    count += weightOf(i);
    positives += weightOf(i) * positive[i];
  }
  // Smoothed targets keep the curve finite when the classes are separated.
  const high = (positives + 1) / (positives + 2);
  const low = 1 / (count - positives + 2);
  let slope = 0;
  let intercept = Math.log((positives + 1) / (count - positives + 1));
  const loss = (a: number, b: number): number => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) {
      const z = a * values[i] + b;
      const t = positive[i] === 1 ? high : low;
      sum += weightOf(i) * (z >= 0 ? (1 - t) * z + Math.log1p(Math.exp(-z)) : -t * z + Math.log1p(Math.exp(z)));
    }
    return sum;
  };
  let current = loss(slope, intercept);
  for (let iteration = 0; iteration < 100; iteration++) {
    let haa = 1e-12;
    let hbb = 1e-12;
    let hab = 0;
    let ga = 0;
    let gb = 0;
    for (let i = 0; i < values.length; i++) {
      const p = 1 / (1 + Math.exp(-(slope * values[i] + intercept)));
      const t = positive[i] === 1 ? high : low;
      const weight = weightOf(i);
      const curvature = weight * p * (1 - p);
      haa += values[i] * values[i] * curvature;
      hab += values[i] * curvature;
      hbb += curvature;
      ga += weight * values[i] * (p - t);
      gb += weight * (p - t);
    }
    if (Math.abs(ga) < 1e-9 * count && Math.abs(gb) < 1e-9 * count) break;
    const determinant = haa * hbb - hab * hab;
    const da = -(hbb * ga - hab * gb) / determinant;
    const db = -(haa * gb - hab * ga) / determinant;
    const fall = -(ga * da + gb * db);
    // Of many rows the loss is a large sum, whose rounding hides so small a fall: no step would be seen to lower it. Newton's
    // own is right there, and the last.
    if (fall <= LOSS_ROUNDING * current) {
      slope += da;
      intercept += db;
      break;
    }
    let size = 1;
    let next = loss(slope + da, intercept + db);
    while (size > 1e-10 && !(next <= current - 1e-4 * size * fall)) {
      size /= 2;
      next = loss(slope + size * da, intercept + size * db);
    }
    if (size <= 1e-10) break;
    slope += size * da;
    intercept += size * db;
    current = next;
  }
  // A falling curve would turn predictions round. It comes of noise: where nothing is learned, each fold is predicted by
  // the mean of the others, which is low where its own is high. Then values say nothing, and everyone gets the share.
  if (!(slope > 0)) return { slope: 0, intercept: Math.log((positives + 1) / (count - positives + 1)) };
  return { slope, intercept };
}

/** Duan's smearing factor: the mean of exp(residual) on the log scale, over rows that were not in the fit. */
export function smearingFactor(
  logTarget: ArrayLike<number>,
  logPrediction: ArrayLike<number>,
  weights?: ArrayLike<number>,
): number {
  return weightedMean(ratios(logTarget, logPrediction, 0), weights);
}

/** How many rows the factor rests on, counted as Kish does: of residuals that are far apart the largest is all there is. */
export function smearingSupport(
  logTarget: ArrayLike<number>,
  logPrediction: ArrayLike<number>,
  weights?: ArrayLike<number>,
): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logTarget.length; i++) largest = Math.max(largest, logTarget[i] - logPrediction[i]);
  return effectiveCount(ratios(logTarget, logPrediction, largest).map((ratio, i) => ratio * (weights?.[i] ?? 1)));
}

function ratios(logTarget: ArrayLike<number>, logPrediction: ArrayLike<number>, shift: number): Float64Array {
  return Float64Array.from(logTarget, (value, i) => Math.exp(value - logPrediction[i] - shift));
}

/** Of the search for a joint curve: how far it goes, and when it is near enough. */
const STEEPEST = [0.05, 8] as const;
const SHIFTS = [-12, -6, -4, -3, -2, -1, 0, 1];
const NEAR = 3e-3;

/**
 * One curve for all classes of several, each learned against the rest: the slope (a temperature) and the shift that make
 * the log-loss of the chances, divided by their sum, least. Far to the left a logistic curve is an exponential one, so
 * that a large shift is the softmax, and none one class against the rest.
 * @param logOdds of every class, for the same rows
 * @param classes the class of each row, from 0
 */
export function fitJointCurve(
  logOdds: readonly Float64Array[],
  classes: ArrayLike<number>,
  weights?: ArrayLike<number>,
): PlattScaling {
  const loss = (slope: number, intercept: number): number => {
    let sum = 0;
    for (let row = 0; row < classes.length; row++) {
      let chances = 0;
      let own = 0;
      for (const [k, values] of logOdds.entries()) {
        const chance = 1 / (1 + Math.exp(-(slope * values[row] + intercept)));
        chances += chance;
        if (k === classes[row]) own = chance;
      }
      sum -=
        (weights === undefined ? 1 : weights[row]) *
        Math.log(chances > 0 ? Math.max(own / chances, Number.MIN_VALUE) : 1 / logOdds.length);
    }
    return sum;
  };
  const slopeAt = (shift: number): number =>
    Math.exp(leastAlong((at) => loss(Math.exp(at), shift), Math.log(STEEPEST[0]), Math.log(STEEPEST[1])));
  const lossAt = (shift: number): number => loss(slopeAt(shift), shift);
  // Far out the shift changes nothing any more: where to look closely is seen from afar.
  const losses = SHIFTS.map(lossAt);
  const best = losses.indexOf(Math.min(...losses));
  const shift = leastAlong(lossAt, SHIFTS[Math.max(0, best - 1)], SHIFTS[Math.min(SHIFTS.length - 1, best + 1)]);
  return { slope: slopeAt(shift), intercept: shift };
}

// Golden section.
function leastAlong(value: (at: number) => number, from: number, to: number): number {
  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [from, to];
  let left = high - golden * (high - low);
  let right = low + golden * (high - low);
  let [atLeft, atRight] = [value(left), value(right)];
  while (high - low > NEAR) {
    if (atLeft <= atRight) {
      high = right;
      [right, atRight] = [left, atLeft];
      left = high - golden * (high - low);
      atLeft = value(left);
    } else {
      low = left;
      [left, atLeft] = [right, atRight];
      right = low + golden * (high - low);
      atRight = value(right);
    }
  }
  return (low + high) / 2;
}

/** Missed mass of single inputs, and intervals for its mean. The definition is in calibration.ts. */
import { createRandom, type Interval } from '../base/index.ts';
import { bettingInterval } from './betting.ts';
import type { IntervalMethod } from './calibration.ts';

const RESAMPLES = 2000;

/** @param units,values active units in increasing order, and activations; `kept`: those that a screen did not leave out */
export function missedShare(units: Uint32Array, values: Float32Array, kept: Uint32Array): number {
  let total = 0;
  let missed = 0;
  for (let k = 0, at = 0; k < units.length; k++) {
    const mass = Math.abs(values[k]);
    total += mass;
    while (at < kept.length && kept[at] < units[k]) at++;
    if (kept[at] !== units[k]) missed += mass;
  }
  // Sums that are not finite: nothing can be said of shares, and the screen lets every unit of such inputs through.
  return missed === 0 ? 0 : Number.isFinite(total) ? missed / total : 1;
}

/** Two-sided, for the mean of independent shares. */
export function shareInterval(
  shares: Float64Array,
  confidenceDelta: number,
  method: IntervalMethod,
  seed: number,
): Interval {
  return method === 'betting' ? bettingInterval(shares, confidenceDelta) : bootstrap(shares, confidenceDelta, seed);
}

// Percentiles of the mean over resampled inputs (Efron & Tibshirani 1993, chapter 13).
function bootstrap(shares: Float64Array, confidenceDelta: number, seed: number): Interval {
  const random = createRandom(seed);
  const means = Float64Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    for (let i = 0; i < shares.length; i++) sum += shares[random.integer(shares.length)];
    return sum / shares.length;
  }).sort();
  const at = Math.floor((confidenceDelta / 2) * RESAMPLES);
  return [means[at], means[RESAMPLES - 1 - at]];
}

/**
 * The mean share to aim for when choosing a threshold, so that the interval measured on `inputCount` other inputs has a fair
 * chance to lie below the target; null where not even a screen that misses nothing would.
 */
export function aimFor(
  target: number,
  inputCount: number,
  confidenceDelta: number,
  method: IntervalMethod,
): number | null {
  if (method === 'bootstrap') return inputCount < 100 ? null : target / 2;
  // About what betting costs at the largest bet, and some room for chance.
  const cost = (Math.log(2 / confidenceDelta) + 0.7) / inputCount;
  return 1.1 * cost >= target ? null : Math.min(0.7 * target, Math.max(0.05 * target, target - 1.5 * cost));
}

/** The least number of inputs for which `aimFor` is not null. */
export function leastInputs(target: number, confidenceDelta: number, method: IntervalMethod): number {
  return method === 'bootstrap' ? 100 : Math.floor((1.1 * (Math.log(2 / confidenceDelta) + 0.7)) / target) + 1;
}

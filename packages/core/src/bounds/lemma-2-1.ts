/**
 * Lemma 2.1 (Kane), explicit: a halfspace that is rarely (or nearly always)
 * true is insensitive on average. Proof in docs/theory.md: Cauchy-Schwarz and
 * the level-1 inequality; it holds for every unate function.
 */
import { checkOptions } from '../base/index.ts';
import { checkCount, checkShare } from './checks.ts';

/** g*(p) = q sqrt(ln(1/q)) with q = min(p, 1 - p): concave, symmetric, 0 at 0 and 1, largest at 1/2. */
export function biasFactor(probability: number): number {
  const q = Math.min(probability, 1 - probability);
  return q <= 0 ? 0 : q * Math.sqrt(-Math.log(q));
}

/** G = s g(min(k/s, 1/2)): the most that the g* of s rates with sum at most k add up to. */
export function biasFactorSum(unitCount: number, sparsity: number): number {
  return unitCount * biasFactor(Math.min(sparsity / unitCount, 0.5));
}

/**
 * Lemma 2.1: AS(f) <= (q / sqrt 2) sqrt(n ln(1/q)) for f = 1[<w, x> > b] with values 0 and 1 (so AS is a quarter of
 * the expected number of sensitive coordinates) and q = min(p, 1 - p), p = Pr[f = 1]. Proven; no constant is hidden.
 * @throws FewfireError `invalid-argument` for numbers out of range and options that are not known
 * @example
 * ```ts
 * import { halfspaceSensitivityBound } from '@fewfire/core';
 *
 * console.log(halfspaceSensitivityBound({ inputCount: 100, probability: 0.01 }).toFixed(3)); // 0.152
 * ```
 */
export function halfspaceSensitivityBound(options: {
  readonly inputCount: number;
  /** p = Pr[f(x) = 1] for uniform x. */
  readonly probability: number;
}): number {
  checkOptions('halfspaceSensitivityBound', options, { inputCount: 'any', probability: 'any' });
  checkCount('inputCount (n)', options.inputCount, 0);
  checkShare('probability (p)', options.probability);
  return biasFactor(options.probability) * Math.sqrt(options.inputCount / 2);
}

/**
 * Lemma 2.1 with Peres's bucketing: NS_delta(f) <= g*(p) / sqrt(2 floor(1/delta)) for a halfspace f with values 0 and
 * 1. Proven for delta = 1/r; other delta are rounded up to the next 1/r, since NS grows with delta.
 */
export function halfspaceNoiseSensitivityFactor(noiseDelta: number): number {
  // The nudge undoes the rounding of delta = 1/r; without it 1/(1/49) might count as 48 buckets.
  return 1 / Math.sqrt(2 * Math.floor(Math.min(1 / noiseDelta, 1e300) * (1 + 2 ** -51)));
}

/**
 * Lemma 3.4: the noise sensitivity of a sparsely activated network. The
 * published route (Peres's bucketing) falls like sqrt(delta); the new bound
 * falls like delta and is never larger than the explicit one.
 */
import { checkOptions } from '../base/index.ts';
import { checkClass, checkNoise } from './checks.ts';
import { biasFactorSum, halfspaceNoiseSensitivityFactor } from './lemma-2-1.ts';
import {
  averageSensitivityBound,
  averageSensitivityBounds,
  CLASS_CHECKS,
  largeValue,
  type NetworkClass,
  type StatementForms,
  valueBound,
} from './lemma-3-2.ts';
import { leastOverEta, paperLog, product } from './minimise.ts';

/**
 * Lemma 3.4 for a class. Published: sqrt(delta) O(k^4 W^2 log^2(ns/delta) + k^3 B^2 sqrt(log s)). Explicit: the least
 * over eta in (0, 1) of 2 delta k^2 W^2 ln(2s/(delta eta)) + 2 sqrt(2/r) G k^2 (W sqrt(2 ln(2s/eta)) + B)^2 + eta C_H^2
 * with r = floor(1/delta) (bucketing needs a whole number of buckets). New: delta times the new Lemma 3.2,
 * 4 delta k^2 W^2 for s >= 2k.
 * @throws FewfireError `invalid-argument` for numbers out of range and options that are not known
 * @example
 * ```ts
 * import { noiseSensitivityBounds } from '@fewfire/core';
 *
 * const bounds = noiseSensitivityBounds({
 *   inputCount: 16,
 *   unitCount: 64,
 *   sparsity: 2,
 *   weightScale: 1,
 *   biasScale: 0.5,
 *   noiseDelta: 0.1,
 * });
 * console.log(bounds.new.toFixed(3)); // 1.600
 * ```
 */
export function noiseSensitivityBounds(options: NetworkClass & { readonly noiseDelta: number }): StatementForms {
  checkOptions('noiseSensitivityBounds', options, { ...CLASS_CHECKS, noiseDelta: 'any' });
  checkClass(options);
  checkNoise('noiseDelta', options.noiseDelta);
  const { noiseDelta, ...given } = options;
  const { inputCount: n, unitCount: s, sparsity: k, weightScale: W, biasScale: B } = given;
  const lnPoints = Math.log(n) + Math.log(s) - Math.log(noiseDelta);
  const published =
    Math.sqrt(noiseDelta) *
    (k ** 4 * W ** 2 * paperLog(lnPoints) ** 2 + k ** 3 * B ** 2 * Math.sqrt(paperLog(Math.log(s))));
  const lnFailure = 2 * Math.log(valueBound(options));
  const factor = 4 * halfspaceNoiseSensitivityFactor(noiseDelta) * biasFactorSum(s, k);
  const lnUnits = Math.LN2 + Math.log(s) - Math.log(noiseDelta);
  const explicit = leastOverEta(
    (t) =>
      2 * noiseDelta * (k * W) ** 2 * (lnUnits + t) +
      product(factor, largeValue(options, t)) +
      Math.exp(Math.min(lnFailure - t, 1e6)),
  );
  return { published, explicit, new: noiseDelta * averageSensitivityBounds(given).new };
}

/**
 * New Lemma 3.4 for a given network: NS_delta <= delta AS <= 2 delta min(2k, s) Q. Proven like `averageSensitivityBound`.
 * @throws FewfireError `invalid-argument` for numbers out of range and options that are not known
 * @example
 * ```ts
 * import { noiseSensitivityBound } from '@fewfire/core';
 *
 * console.log(noiseSensitivityBound({ unitCount: 64, sparsity: 2, scaledFiring: 0.5, noiseDelta: 0.1 })); // 0.4
 * ```
 */
export function noiseSensitivityBound(options: {
  readonly unitCount: number;
  readonly sparsity: number;
  readonly scaledFiring: number;
  readonly noiseDelta: number;
}): number {
  checkOptions('noiseSensitivityBound', options, {
    unitCount: 'any',
    sparsity: 'any',
    scaledFiring: 'any',
    noiseDelta: 'any',
  });
  checkNoise('noiseDelta', options.noiseDelta);
  const { noiseDelta, ...network } = options;
  return noiseDelta * averageSensitivityBound(network);
}

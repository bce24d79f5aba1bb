/**
 * Claim 1 (Klivans, O'Donnell, Servedio): little noise sensitivity, or little
 * average sensitivity, means little weight on high degrees.
 */
import { checkOptions } from '../base/index.ts';
import { checkBound, checkCount, checkNoise } from './checks.ts';
import { ceilCount } from './minimise.ts';

/**
 * Claim 1: the weight beyond degree d is at most 2 NS_delta / (1 - (1 - 2 delta)^(d+1)). Proven.
 * @throws FewfireError `invalid-argument` for numbers out of range and options that are not known
 * @example
 * ```ts
 * import { tailFromNoiseSensitivity } from '@fewfire/core';
 *
 * console.log(tailFromNoiseSensitivity({ noiseSensitivity: 0.1, noiseDelta: 0.1, degree: 9 }).toFixed(3)); // 0.224
 * ```
 */
export function tailFromNoiseSensitivity(options: {
  readonly noiseSensitivity: number;
  readonly noiseDelta: number;
  readonly degree: number;
}): number {
  checkOptions('tailFromNoiseSensitivity', options, { noiseSensitivity: 'any', noiseDelta: 'any', degree: 'any' });
  checkBound('noiseSensitivity', options.noiseSensitivity);
  checkNoise('noiseDelta', options.noiseDelta);
  checkCount('degree (d)', options.degree, 0);
  // expm1 and log1p keep the difference for tiny delta; at delta = 1/2 the logarithm is -Infinity and the kept share 1.
  const kept = -Math.expm1((options.degree + 1) * Math.log1p(-2 * options.noiseDelta));
  return (2 * options.noiseSensitivity) / kept;
}

/**
 * The weight beyond degree d is at most AS / (d + 1). Proven.
 * @throws FewfireError `invalid-argument` for numbers out of range and options that are not known
 * @example
 * ```ts
 * import { tailFromAverageSensitivity } from '@fewfire/core';
 *
 * console.log(tailFromAverageSensitivity({ averageSensitivity: 2, degree: 3 })); // 0.5
 * ```
 */
export function tailFromAverageSensitivity(options: {
  readonly averageSensitivity: number;
  readonly degree: number;
}): number {
  checkOptions('tailFromAverageSensitivity', options, { averageSensitivity: 'any', degree: 'any' });
  checkBound('averageSensitivity', options.averageSensitivity);
  checkCount('degree (d)', options.degree, 0);
  return options.averageSensitivity / (options.degree + 1);
}

/** ceil(1/delta) - 1: beyond this degree the weight is at most 2 / (1 - e^-2) NS_delta < 2.32 NS_delta. Proven. */
export function degreeOfNoise(options: { readonly noiseDelta: number }): number {
  checkNoise('noiseDelta', options.noiseDelta);
  return ceilCount(1 / options.noiseDelta) - 1;
}

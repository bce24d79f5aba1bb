/**
 * What noise does to a function. y is x with every bit flipped independently
 * with probability noiseDelta; rho = 1 - 2 noiseDelta is the correlation of each
 * coordinate with its noisy copy.
 */
import { checkOptions, FewfireError } from '../base/index.ts';
import { bitCount, cubeDimension, forEachCoefficient, type Spectrum } from './spectrum.ts';

/**
 * NS_delta(f) = 1/4 E (f(x) - f(y))^2 = 1/2 sum_S (1 - (1 - 2 delta)^|S|) f^(S)^2 <= delta AS(f). For f into {+1,-1} it is
 * the chance that the noise changes the value.
 * @param options.noiseDelta in [0, 1/2]
 * @throws FewfireError `invalid-argument` for options that are not known or out of range
 * @example
 * ```ts
 * import { noiseSensitivity, polynomialFromTerms } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * console.log(noiseSensitivity(f, { noiseDelta: 0.1 }).toFixed(3)); // 0.205
 * ```
 */
export function noiseSensitivity(spectrum: Spectrum, options: { readonly noiseDelta: number }): number {
  checkOptions('noiseSensitivity', options, { noiseDelta: { need: 'number' } });
  checkNoiseDelta(options.noiseDelta);
  let sum = 0;
  const losses: number[] = [];
  forEachCoefficient(spectrum, (size, coefficient) => {
    losses[size] ??= noiseLoss(size, options.noiseDelta);
    sum += losses[size] * coefficient * coefficient;
  });
  return sum / 2;
}

/**
 * Stab_rho(f) = E f(x) f(y) = <f, T_rho f> = sum_S rho^|S| f^(S)^2.
 * @param options.rho in [-1, 1]
 * @throws FewfireError `invalid-argument` for options that are not known or out of range
 * @example
 * ```ts
 * import { noiseStability, polynomialFromTerms } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * console.log(noiseStability(f, { rho: 0.5 })); // 0.375
 * ```
 */
export function noiseStability(spectrum: Spectrum, options: { readonly rho: number }): number {
  checkOptions('noiseStability', options, { rho: { need: 'number' } });
  checkRho(options.rho);
  let sum = 0;
  const powers: number[] = [];
  forEachCoefficient(spectrum, (size, coefficient) => {
    powers[size] ??= options.rho ** size;
    sum += powers[size] * coefficient * coefficient;
  });
  return sum;
}

/** T_rho f(x) = E[f(y) | x] = sum_S rho^|S| f^(S) chi_S, as a spectrum of the same kind. @param options.rho in [-1, 1] */
export function noiseOperator<S extends Spectrum>(spectrum: S, options: { readonly rho: number }): S;
export function noiseOperator(spectrum: Spectrum, options: { readonly rho: number }): Spectrum {
  checkRho(options.rho);
  const { rho } = options;
  if (spectrum instanceof Float64Array) {
    const powers = Array.from({ length: cubeDimension(spectrum) + 1 }, (_, size) => rho ** size);
    return spectrum.map((coefficient, mask) => powers[bitCount(mask)] * coefficient);
  }
  const { offsets } = spectrum;
  const coefficients = spectrum.coefficients.map(
    (coefficient, t) => rho ** (offsets[t + 1] - offsets[t]) * coefficient,
  );
  return { ...spectrum, coefficients };
}

/** @throws FewfireError unless noiseDelta is in [0, 1/2] */
export function checkNoiseDelta(noiseDelta: number): void {
  if (noiseDelta >= 0 && noiseDelta <= 0.5) return;
  throw new FewfireError(
    'invalid-argument',
    `noiseDelta is ${noiseDelta}; expected the probability that a bit is flipped, from 0 to 0.5`,
  );
}

/** @throws FewfireError unless rho is in [-1, 1] */
export function checkRho(rho: number): void {
  if (rho >= -1 && rho <= 1) return;
  throw new FewfireError('invalid-argument', `rho is ${rho}; expected a correlation from -1 to 1`);
}

/** @throws FewfireError unless the degree is a whole number, at least 0 */
export function checkDegree(degree: number): void {
  if (Number.isInteger(degree) && degree >= 0) return;
  throw new FewfireError('invalid-argument', `the degree is ${degree}; expected a whole number, at least 0`);
}

// 1 - (1 - 2 delta)^size without cancellation for small delta.
function noiseLoss(size: number, noiseDelta: number): number {
  return size === 0 ? 0 : -Math.expm1(size * Math.log1p(-2 * noiseDelta));
}

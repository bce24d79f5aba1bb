/**
 * How the square of a function spreads over degrees: level weights, tails,
 * degree, norms. All of uniform points; Parseval makes the sums of squared
 * coefficients second moments of f.
 */
import { FewfireError } from '../base/index.ts';
import { cubeDimension, forEachCoefficient, type Spectrum, spectrumCoordinateCount } from './spectrum.ts';

/**
 * W^{=j} = sum_{|S|=j} f^(S)^2 for j from 0 to the number of coordinates (a vector) or to the degree (a polynomial).
 * @example
 * ```ts
 * import { levelWeights, polynomialFromTerms } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * console.log(levelWeights(f)); // [ 0, 0.25, 1 ]
 * ```
 */
export function levelWeights(spectrum: Spectrum): number[] {
  const weights = new Array<number>(spectrum instanceof Float64Array ? spectrumCoordinateCount(spectrum) + 1 : 1).fill(
    0,
  );
  forEachCoefficient(spectrum, (size, coefficient) => {
    while (weights.length <= size) weights.push(0);
    weights[size] += coefficient * coefficient;
  });
  return weights;
}

/** W^{=level}. */
export function levelWeight(spectrum: Spectrum, level: number): number {
  return levelWeights(spectrum)[level] ?? 0;
}

/**
 * sum_{|S|>degree} f^(S)^2: the square error of the best approximation of that degree.
 * @example
 * ```ts
 * import { polynomialFromTerms, tailWeight } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * console.log(tailWeight(f, 1)); // 1
 * ```
 */
export function tailWeight(spectrum: Spectrum, degree: number): number {
  // From the top down, so that a small tail is not what is left of a large sum.
  const weights = levelWeights(spectrum);
  let tail = 0;
  for (let level = weights.length - 1; level > degree; level--) tail += weights[level];
  return tail;
}

/** The largest |S| with |f^(S)| > tolerance; 0 for constants. A transform leaves rounding of about 1e-16 times the largest value. */
export function spectrumDegree(spectrum: Spectrum, tolerance = 0): number {
  let degree = 0;
  forEachCoefficient(spectrum, (size, coefficient) => {
    if (size > degree && Math.abs(coefficient) > tolerance) degree = size;
  });
  return degree;
}

/** ||f||_2 = sqrt(E f^2) = sqrt(sum_S f^(S)^2) (Parseval). */
export function euclideanNorm(spectrum: Spectrum): number {
  let sum = 0;
  forEachCoefficient(spectrum, (_, coefficient) => {
    sum += coefficient * coefficient;
  });
  return Math.sqrt(sum);
}

/** sum_S |f^(S)|, which bounds |f| everywhere. */
export function spectralNorm(spectrum: Spectrum): number {
  let sum = 0;
  forEachCoefficient(spectrum, (_, coefficient) => {
    sum += Math.abs(coefficient);
  });
  return sum;
}

/**
 * ||f||_p = (E |f|^p)^(1/p), the largest |f(x)| for p infinite.
 * @param values 2^n numbers, by point
 * @param p at least 1
 */
export function normFromValues(values: Float64Array, p: number): number {
  cubeDimension(values);
  if (!(p >= 1)) throw new FewfireError('invalid-argument', `the norm has p = ${p}; expected at least 1`);
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  if (p === Number.POSITIVE_INFINITY || largest === 0) return largest;
  let sum = 0;
  for (const value of values) sum += (Math.abs(value) / largest) ** p;
  return largest * (sum / values.length) ** (1 / p);
}

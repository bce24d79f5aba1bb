/**
 * Attributions and interactions of a game whose players are the coordinates,
 * present when x_i = -1 (bit 1, a yes); exact, straight from coefficients
 * (THEORY section 6). "All present" is f at x = (-1, ..., -1), "none" f at
 * x = (+1, ..., +1).
 */
import { checkRunOptions, FewfireError, type RunOptions } from '../base/index.ts';
import { type Polynomial, termList } from './polynomial.ts';
import { type Spectrum, sumByCoordinate } from './spectrum.ts';
import { sumOverSupersets } from './subset-sums.ts';

/** What some coordinates count for together. */
export interface Interaction {
  /** Positions of the players, ascending. */
  readonly coordinates: readonly number[];
  /** In units of f. */
  readonly value: number;
}

/**
 * Shapley values, one per coordinate: phi_i = -2 sum_{U containing i, |U| odd} f^(U) / |U|. They add up to
 * f(all present) - f(none).
 * @example
 * ```ts
 * import { polynomialFromTerms, shapleyValues } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * console.log(shapleyValues(f)); // Float64Array(3) [ 0, 0, -1 ]
 * ```
 */
export function shapleyValues(spectrum: Spectrum): Float64Array {
  return sumByCoordinate(spectrum, (size, coefficient) => (size % 2 === 1 ? (-2 * coefficient) / size : 0));
}

/**
 * Banzhaf values, one per coordinate: -2 f^({i}), the mean of f(with i) - f(without i) over all other answers.
 * @example
 * ```ts
 * import { banzhafValues, polynomialFromTerms } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * console.log(banzhafValues(f)); // Float64Array(3) [ 0, 0, -1 ]
 * ```
 */
export function banzhafValues(spectrum: Spectrum): Float64Array {
  return sumByCoordinate(spectrum, (size, coefficient) => (size === 1 ? -2 * coefficient : 0));
}

/** Banzhaf interaction of a set of players: (-2)^|S| f^(S), the mean of the discrete derivative over all other answers. */
export function banzhafInteraction(polynomial: Polynomial, coordinates: readonly number[]): number {
  const subset = checkSubset(polynomial, coordinates);
  const { offsets, members } = polynomial;
  for (let t = 0; t < polynomial.termCount; t++) {
    if (offsets[t + 1] - offsets[t] === subset.length && subset.every((s, j) => members[offsets[t] + j] === s)) {
      return (-2) ** subset.length * polynomial.coefficients[t];
    }
  }
  return 0;
}

/**
 * All Banzhaf interactions that are not 0, in graded colexicographic order; the empty set has the mean of f.
 * @example
 * ```ts
 * import { banzhafInteractions, polynomialFromTerms } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * for (const { coordinates, value } of banzhafInteractions(f)) console.log(coordinates, value);
 * // [ 2 ] -1
 * // [ 0, 1 ] 4
 * ```
 */
export function banzhafInteractions(polynomial: Polynomial): Interaction[] {
  return termList(polynomial).map(({ coordinates, coefficient }) => ({
    coordinates,
    value: (-2) ** coordinates.length * coefficient,
  }));
}

/**
 * Shapley interaction index (Grabisch & Roubens 1999) of a set of players:
 * (-2)^|S| sum_{U containing S, |U|-|S| even} f^(U) / (|U|-|S|+1). Of one player it is the Shapley value.
 */
export function shapleyInteraction(polynomial: Polynomial, coordinates: readonly number[]): number {
  const subset = checkSubset(polynomial, coordinates);
  const { offsets, members } = polynomial;
  let sum = 0;
  for (let t = 0; t < polynomial.termCount; t++) {
    const more = offsets[t + 1] - offsets[t] - subset.length;
    if (more < 0 || more % 2 === 1) continue;
    let found = 0;
    for (let k = offsets[t]; k < offsets[t + 1] && found < subset.length; k++)
      if (members[k] === subset[found]) found++;
    if (found === subset.length) sum += polynomial.coefficients[t] / (more + 1);
  }
  return (-2) ** subset.length * sum;
}

/**
 * The Shapley interaction index of every set of 1 to `order` players for which it is not 0, in graded colexicographic order.
 * @throws FewfireError `memory-budget` when the terms have too many subsets
 * @example
 * ```ts
 * import { polynomialFromTerms, shapleyInteractions } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * const found = await shapleyInteractions(f, { order: 2 });
 * for (const { coordinates, value } of found) console.log(coordinates, value);
 * // [ 2 ] -1
 * // [ 0, 1 ] 4
 * ```
 */
export async function shapleyInteractions(
  polynomial: Polynomial,
  options: Pick<RunOptions, 'signal' | 'memoryLimitBytes'> & { readonly order: number },
): Promise<Interaction[]> {
  checkRunOptions('shapleyInteractions', options, { order: { need: 'number' } });
  const weight = (termSize: number, size: number): number =>
    size > 0 && (termSize - size) % 2 === 0 ? 1 / (termSize - size + 1) : 0;
  const sums = await sumOverSupersets(polynomial, weight, (size) => (-2) ** size, options);
  return termList(sums).map(({ coordinates, coefficient }) => ({ coordinates, value: coefficient }));
}

function checkSubset(polynomial: Polynomial, coordinates: readonly number[]): number[] {
  const n = polynomial.coordinates.length;
  const subset = [...coordinates].sort((a, b) => a - b);
  if (subset.every((s, j) => Number.isInteger(s) && s >= 0 && s < n && s !== subset[j - 1])) return subset;
  throw new FewfireError(
    'invalid-argument',
    `the players [${coordinates.join(', ')}]; expected different coordinates from 0 to ${n - 1}`,
  );
}

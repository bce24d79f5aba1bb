/** Restrictions: the function that is left when some coordinates are fixed. */
import { FewfireError } from '../base/index.ts';
import { type Polynomial, polynomialFromTerms, type Term } from './polynomial.ts';

/** One coordinate and its value: bit 0 is +1 (a no), bit 1 is -1 (a yes). */
export interface FixedCoordinate {
  /** Position among the coordinates. */
  readonly coordinate: number;
  readonly bit: 0 | 1;
}

/**
 * The polynomial over the remaining coordinates, in their order and with their names. Terms that become equal are added,
 * those that cancel to 0 are dropped.
 * @throws FewfireError `invalid-argument` for a coordinate that is not there or is fixed twice, or a bit other than 0 and 1
 * @example
 * ```ts
 * import { polynomialFromTerms, restrictPolynomial, termList } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * // Bit 1 is a yes, -1: what is left is -b + c / 2.
 * for (const { coordinates, coefficient } of termList(restrictPolynomial(f, [{ coordinate: 0, bit: 1 }]))) console.log(coordinates, coefficient);
 * // [ 0 ] -1
 * // [ 1 ] 0.5
 * ```
 */
export function restrictPolynomial(polynomial: Polynomial, fixed: readonly FixedCoordinate[]): Polynomial {
  const { signs, position, remaining } = checkFixed(polynomial.coordinates.length, fixed);
  const { offsets, members, coefficients } = polynomial;
  const terms: Term[] = [];
  for (let t = 0; t < polynomial.termCount; t++) {
    let coefficient = coefficients[t];
    const coordinates: number[] = [];
    for (let k = offsets[t]; k < offsets[t + 1]; k++) {
      if (signs[members[k]] === 0) coordinates.push(position[members[k]]);
      else coefficient *= signs[members[k]];
    }
    terms.push({ coordinates, coefficient });
  }
  return polynomialFromTerms(
    remaining.map((i) => polynomial.coordinates[i]),
    terms,
  );
}

/** Signs of the fixed coordinates (0 where free), new positions of the free ones, and the free ones in order. */
export function checkFixed(
  coordinateCount: number,
  fixed: readonly FixedCoordinate[],
): { readonly signs: Int8Array; readonly position: Uint32Array; readonly remaining: readonly number[] } {
  const signs = new Int8Array(coordinateCount);
  for (const { coordinate, bit } of fixed) {
    const known = Number.isInteger(coordinate) && coordinate >= 0 && coordinate < coordinateCount;
    if (!known || signs[coordinate] !== 0 || (bit !== 0 && bit !== 1)) {
      throw new FewfireError(
        'invalid-argument',
        `coordinate ${coordinate} fixed at bit ${bit}; expected each of 0 to ${coordinateCount - 1} at most once, at bit 0 or 1`,
      );
    }
    signs[coordinate] = bit === 0 ? 1 : -1;
  }
  const remaining = Array.from(signs.keys()).filter((i) => signs[i] === 0);
  const position = new Uint32Array(coordinateCount);
  remaining.forEach((i, at) => {
    position[i] = at;
  });
  return { signs, position, remaining };
}

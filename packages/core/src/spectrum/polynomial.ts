/**
 * A polynomial over named coordinates of the cube: sum_S c_S chi_S, where
 * chi_S(x) is the product of the coordinates in S (+1 for a no, -1 for a yes).
 * Terms are kept flat and in graded colexicographic order, so that hundreds of
 * thousands of them stay cheap.
 */
import { createMonomialOperator, planMonomialOperator } from '@fewfire/kernels';
import { checkRunOptions, createTurn, FewfireError, type RunOptions } from '../base/index.ts';
import { type CubePoints, checkCoordinateCount, countMonomials, createMonomialIndex } from '../cube/index.ts';

/**
 * A polynomial over {+1,-1}^n in parities, terms in graded colexicographic order. `termList` gives its terms as objects.
 */
export interface Polynomial {
  /** Names of the coordinates; a term refers to them by position. */
  readonly coordinates: readonly string[];
  readonly termCount: number;
  /** Term t consists of the coordinates `members[offsets[t] .. offsets[t+1])`, ascending. */
  readonly offsets: Uint32Array;
  readonly members: Uint16Array;
  readonly coefficients: Float64Array;
}

/** A coefficient and the coordinates whose product it belongs to; none for the constant. */
export interface Term {
  readonly coordinates: readonly number[];
  readonly coefficient: number;
}

/**
 * The largest number of coordinates in a term; 0 for constants and for the zero polynomial.
 * @example
 * ```ts
 * import { polynomialDegree, polynomialFromTerms } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * console.log(polynomialDegree(f)); // 2
 * ```
 */
export function polynomialDegree(polynomial: Polynomial): number {
  let degree = 0;
  for (let t = 0; t < polynomial.termCount; t++) {
    degree = Math.max(degree, polynomial.offsets[t + 1] - polynomial.offsets[t]);
  }
  return degree;
}

/** The coordinates of term t, ascending. */
export function termCoordinates(polynomial: Polynomial, t: number): Uint16Array {
  return polynomial.members.subarray(polynomial.offsets[t], polynomial.offsets[t + 1]);
}

/** Numbers of the terms by decreasing |coefficient| (of equals the first first), the constant left out. */
export function termsBySize(polynomial: Polynomial): number[] {
  const { offsets, coefficients } = polynomial;
  return Array.from({ length: polynomial.termCount }, (_, t) => t)
    .filter((t) => offsets[t + 1] > offsets[t])
    .sort((a, b) => Math.abs(coefficients[b]) - Math.abs(coefficients[a]) || a - b);
}

/**
 * Builds a polynomial; terms with equal coordinates are added, zero terms dropped.
 * @throws FewfireError `invalid-argument` for a coordinate outside the names, a repeated one, or a coefficient that is not finite
 * @example
 * ```ts
 * import { polynomialDegree, polynomialFromTerms } from '@fewfire/core';
 *
 * const f = polynomialFromTerms(
 *   ['a', 'b'],
 *   [
 *     { coordinates: [], coefficient: 3 },
 *     { coordinates: [0, 1], coefficient: 1 },
 *   ],
 * );
 * console.log(f.termCount, polynomialDegree(f)); // 2 2
 * ```
 */
export function polynomialFromTerms(coordinates: readonly string[], terms: readonly Term[]): Polynomial {
  checkCoordinateCount(coordinates.length);
  const sums = new Map<string, { subset: number[]; coefficient: number }>();
  for (const term of terms) {
    const subset = [...term.coordinates].sort((a, b) => a - b);
    const valid = subset.every(
      (s, j) => Number.isInteger(s) && s >= 0 && s < coordinates.length && s !== subset[j - 1],
    );
    if (!valid || !Number.isFinite(term.coefficient)) {
      throw new FewfireError(
        'invalid-argument',
        `term [${term.coordinates.join(', ')}] with coefficient ${term.coefficient}: expected different coordinates from 0 to ${coordinates.length - 1} and a finite coefficient`,
      );
    }
    const key = subset.join(' ');
    const entry = sums.get(key);
    if (entry === undefined) sums.set(key, { subset, coefficient: term.coefficient });
    else entry.coefficient += term.coefficient;
  }
  const list = [...sums.values()]
    .filter((entry) => entry.coefficient !== 0)
    .sort((a, b) => compareSubsets(a.subset, b.subset));
  return pack(coordinates, list);
}

/** From a coefficient vector in graded colexicographic order (`createMonomialIndex`); zeros are dropped. */
export function polynomialFromVector(coordinates: readonly string[], degree: number, vector: Float64Array): Polynomial {
  const index = createMonomialIndex(coordinates.length, degree);
  let termCount = 0;
  let memberCount = 0;
  index.forEach((_, size, at) => {
    if (vector[at] === 0) return;
    termCount++;
    memberCount += size;
  });
  const offsets = new Uint32Array(termCount + 1);
  const members = new Uint16Array(memberCount);
  const coefficients = new Float64Array(termCount);
  let t = 0;
  let end = 0;
  index.forEach((subset, size, at) => {
    if (vector[at] === 0) return;
    for (let j = 0; j < size; j++) members[end++] = subset[j];
    coefficients[t++] = vector[at];
    offsets[t] = end;
  });
  return { coordinates, termCount, offsets, members, coefficients };
}

/** The coefficient vector in graded colexicographic order up to `degree`, which must be at least the polynomial's. */
export function polynomialToVector(polynomial: Polynomial, degree: number): Float64Array {
  const index = createMonomialIndex(polynomial.coordinates.length, degree);
  const vector = new Float64Array(index.count);
  for (let t = 0; t < polynomial.termCount; t++) {
    vector[index.indexOf(termCoordinates(polynomial, t))] += polynomial.coefficients[t];
  }
  return vector;
}

/**
 * a + scale * b, over the same coordinates.
 * @throws FewfireError `invalid-argument` for polynomials over other coordinates
 * @example
 * ```ts
 * import { addPolynomials, polynomialFromTerms, termList } from '@fewfire/core';
 *
 * const a = polynomialFromTerms(['x'], [{ coordinates: [0], coefficient: 1 }]);
 * console.log(termList(addPolynomials(a, a, 2))); // [ { coordinates: [ 0 ], coefficient: 3 } ]
 * ```
 */
export function addPolynomials(a: Polynomial, b: Polynomial, scale = 1): Polynomial {
  if (a.coordinates.length !== b.coordinates.length || a.coordinates.some((name, i) => name !== b.coordinates[i])) {
    throw new FewfireError(
      'invalid-argument',
      'the polynomials have different coordinates; expected the same names in the same order',
    );
  }
  const scaled = termList(b).map((term) => ({ ...term, coefficient: scale * term.coefficient }));
  return polynomialFromTerms(a.coordinates, [...termList(a), ...scaled]);
}

/**
 * The terms of degree at most `degree`.
 * @example
 * ```ts
 * import { polynomialFromTerms, termList, truncatePolynomial } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * console.log(termList(truncatePolynomial(f, 1))); // [ { coordinates: [ 2 ], coefficient: 0.5 } ]
 * ```
 */
export function truncatePolynomial(polynomial: Polynomial, degree: number): Polynomial {
  return polynomialFromTerms(
    polynomial.coordinates,
    termList(polynomial).filter((term) => term.coordinates.length <= degree),
  );
}

/**
 * All terms as objects.
 * @example
 * ```ts
 * import { polynomialFromTerms, termList } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * for (const { coordinates, coefficient } of termList(f)) console.log(coordinates, coefficient);
 * // [ 2 ] 0.5
 * // [ 0, 1 ] 1
 * ```
 */
export function termList(polynomial: Polynomial): Term[] {
  return Array.from({ length: polynomial.termCount }, (_, t) => ({
    coordinates: Array.from(termCoordinates(polynomial, t)),
    coefficient: polynomial.coefficients[t],
  }));
}

/**
 * The value at every point: `points.rowCount` numbers.
 * @throws FewfireError `invalid-argument` for points with another number of coordinates; `memory-budget`; the signal's
 *   reason
 * @example
 * ```ts
 * import { cubePointsFromRows, evaluatePolynomial, polynomialFromTerms } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * console.log(await evaluatePolynomial(f, cubePointsFromRows([[0, 0, 0], [1, 0, 1]]))); // Float64Array(2) [ 1.5, -1.5 ]
 * ```
 */
export async function evaluatePolynomial(
  polynomial: Polynomial,
  points: CubePoints,
  options: RunOptions = {},
): Promise<Float64Array> {
  checkRunOptions('evaluatePolynomial', options, {});
  if (points.coordinateCount !== polynomial.coordinates.length) {
    throw new FewfireError(
      'invalid-argument',
      `the points have ${points.coordinateCount} coordinates, the polynomial ${polynomial.coordinates.length}; expected the same number`,
    );
  }
  const degree = polynomialDegree(polynomial);
  // Term by term costs rows x members; the operator pays for every monomial of that degree.
  const termCost = 0.8 * points.rowCount * (polynomial.members.length + polynomial.termCount);
  const shape = { rowCount: points.rowCount, coordinateCount: points.coordinateCount, degree };
  const monomialCount = countMonomials(points.coordinateCount, degree);
  const dense = degree > 0 && termCost > 5e6 && monomialCount <= 20 * polynomial.termCount;
  if (dense && planMonomialOperator(shape).costNs / 2 + 20 * monomialCount < termCost) {
    const operator = await createMonomialOperator(points, { degree, threads: options.threads });
    try {
      const values = new Float64Array(points.rowCount);
      await operator.forward(polynomialToVector(polynomial, degree), values, options.signal);
      return values;
    } finally {
      operator.dispose();
    }
  }
  return evaluateByTerms(polynomial, points, options);
}

async function evaluateByTerms(polynomial: Polynomial, points: CubePoints, options: RunOptions): Promise<Float64Array> {
  const { rowCount, planes } = points;
  const values = new Float64Array(rowCount);
  const odd = new Uint8Array(rowCount);
  const turn = createTurn(options.signal);
  for (let t = 0; t < polynomial.termCount; t++) {
    const wait = turn();
    if (wait !== undefined) await wait;
    const coefficient = polynomial.coefficients[t];
    odd.fill(0);
    for (const s of termCoordinates(polynomial, t)) {
      const from = (s >> 3) * rowCount;
      const shift = s & 7;
      for (let i = 0; i < rowCount; i++) odd[i] ^= planes[from + i] >> shift;
    }
    for (let i = 0; i < rowCount; i++) values[i] += (odd[i] & 1) === 1 ? -coefficient : coefficient;
  }
  return values;
}

function pack(
  coordinates: readonly string[],
  list: readonly { subset: readonly number[]; coefficient: number }[],
): Polynomial {
  const offsets = new Uint32Array(list.length + 1);
  list.forEach((entry, t) => {
    offsets[t + 1] = offsets[t] + entry.subset.length;
  });
  return {
    coordinates,
    termCount: list.length,
    offsets,
    members: Uint16Array.from(list.flatMap((entry) => entry.subset)),
    coefficients: Float64Array.from(list, (entry) => entry.coefficient),
  };
}

// Graded colexicographic: by size, then by the largest coordinate, then the next.
function compareSubsets(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let j = a.length - 1; j >= 0; j--) if (a[j] !== b[j]) return a[j] - b[j];
  return 0;
}

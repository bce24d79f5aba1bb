/**
 * Points of the cube {+1,-1}^n, one bit per coordinate: bit 0 stands for +1 (a
 * "no"), bit 1 for -1 (a "yes").
 *
 * Coordinates are kept eight to a byte plane, plane after plane, because that is
 * what both ends want: SQL engines can pack eight columns into one byte, and the
 * kernels cut blocks of 1 to 8 neighbouring coordinates out of two planes.
 */
import { FewfireError } from '../base/index.ts';

/** Rows of yes/no answers, a bit each: what learners and networks take. */
export interface CubePoints {
  readonly rowCount: number;
  readonly coordinateCount: number;
  /** `ceil(coordinateCount / 8) * rowCount` bytes; bit j of `planes[p * rowCount + i]` is coordinate 8p+j of row i. */
  readonly planes: Uint8Array;
}

/** Bytes that `planes` of this shape take. */
export function cubePointsBytes(rowCount: number, coordinateCount: number): number {
  return Math.ceil(coordinateCount / 8) * rowCount;
}

/**
 * All-zero points (every coordinate "no", +1).
 * @example
 * ```ts
 * import { createCubePoints } from '@fewfire/core';
 *
 * const points = createCubePoints(3, 2);
 * console.log(points.rowCount, points.coordinateCount, points.planes.length); // 3 2 3
 * ```
 */
export function createCubePoints(rowCount: number, coordinateCount: number): CubePoints {
  return { rowCount, coordinateCount, planes: new Uint8Array(cubePointsBytes(rowCount, coordinateCount)) };
}

/**
 * Points from rows of booleans or 0/1 numbers (true and 1 are "yes", -1).
 * @throws FewfireError `invalid-data` for rows of other lengths and values that are none of true, false, 1 and 0
 * @example
 * ```ts
 * import { cubePointsFromRows, evaluatePolynomial, polynomialFromTerms } from '@fewfire/core';
 *
 * const points = cubePointsFromRows([
 *   [true, false],
 *   [false, false],
 * ]);
 * const polynomial = polynomialFromTerms(['a', 'b'], [{ coordinates: [0], coefficient: 1 }]);
 * console.log(await evaluatePolynomial(polynomial, points)); // Float64Array(2) [ -1, 1 ]
 * ```
 */
export function cubePointsFromRows(rows: readonly ArrayLike<boolean | number>[], coordinateCount?: number): CubePoints {
  const n = coordinateCount ?? rows[0]?.length ?? 0;
  const points = createCubePoints(rows.length, n);
  rows.forEach((row, i) => {
    if (row.length !== n) {
      throw new FewfireError('invalid-data', `row ${i} has ${row.length} values, expected ${n}`);
    }
    for (let j = 0; j < n; j++) {
      const value = row[j];
      if (value === true || value === 1) points.planes[(j >> 3) * rows.length + i] |= 1 << (j & 7);
      else if (value !== false && value !== 0) {
        throw new FewfireError(
          'invalid-data',
          `row ${i}, coordinate ${j} is ${String(value)}, expected 0/1 or false/true`,
        );
      }
    }
  });
  return points;
}

/** The bit (0 or 1) of one coordinate of one row. */
export function bitAt(points: CubePoints, row: number, coordinate: number): number {
  return (points.planes[(coordinate >> 3) * points.rowCount + row] >> (coordinate & 7)) & 1;
}

/** Of every row 1 where it answers an odd number of these coordinates with yes: where their parity is -1. */
export function oddAnswers({ planes, rowCount }: CubePoints, coordinates: ArrayLike<number>): Uint8Array {
  const odd = new Uint8Array(rowCount);
  for (let j = 0; j < coordinates.length; j++) {
    const from = (coordinates[j] >> 3) * rowCount;
    const shift = coordinates[j] & 7;
    for (let row = 0; row < rowCount; row++) odd[row] ^= (planes[from + row] >> shift) & 1;
  }
  return odd;
}

/**
 * The given rows, in the given order.
 * @throws FewfireError `invalid-argument` for a row that is not there
 * @example
 * ```ts
 * import { cubePointsFromRows, selectRows } from '@fewfire/core';
 *
 * const points = cubePointsFromRows([[0], [1], [1]]);
 * const chosen = selectRows(points, Uint32Array.of(2, 0));
 * console.log(chosen.rowCount, chosen.planes); // 2 Uint8Array(2) [ 1, 0 ]
 * ```
 */
export function selectRows(points: CubePoints, rows: Uint32Array): CubePoints {
  for (const row of rows) {
    if (row < points.rowCount) continue;
    throw new FewfireError(
      'invalid-argument',
      `row ${row} is not there; expected rows from 0 to ${points.rowCount - 1}`,
    );
  }
  const result = createCubePoints(rows.length, points.coordinateCount);
  const planeCount = Math.ceil(points.coordinateCount / 8);
  for (let p = 0; p < planeCount; p++) {
    const from = points.planes.subarray(p * points.rowCount, (p + 1) * points.rowCount);
    const to = result.planes.subarray(p * rows.length, (p + 1) * rows.length);
    for (let i = 0; i < rows.length; i++) to[i] = from[rows[i]];
  }
  return result;
}

/** How many rows have a "yes" (bit 1) at every one of the given coordinates. */
export function countAllYes(points: CubePoints, coordinates: ArrayLike<number>): number {
  const { planes, rowCount } = points;
  const masks = new Map<number, number>();
  for (let k = 0; k < coordinates.length; k++) {
    const plane = coordinates[k] >> 3;
    masks.set(plane, (masks.get(plane) ?? 0) | (1 << (coordinates[k] & 7)));
  }
  const tests = [...masks];
  let count = 0;
  for (let i = 0; i < rowCount; i++) {
    let all = 1;
    for (const [plane, mask] of tests) {
      if ((planes[plane * rowCount + i] & mask) !== mask) {
        all = 0;
        break;
      }
    }
    count += all;
  }
  return count;
}

/** Share of "yes" (bit 1) for every coordinate, over rows with a non-zero weight (all rows without `rowWeights`). */
export function yesShares(points: CubePoints, rowWeights?: ArrayLike<number>): Float64Array {
  const { planes, rowCount, coordinateCount } = points;
  const shares = new Float64Array(coordinateCount);
  let total = 0;
  for (let i = 0; i < rowCount; i++) total += rowWeights === undefined ? 1 : rowWeights[i];
  const histogram = new Float64Array(256);
  for (let p = 0; p * 8 < coordinateCount; p++) {
    histogram.fill(0);
    const base = p * rowCount;
    if (rowWeights === undefined) for (let i = 0; i < rowCount; i++) histogram[planes[base + i]]++;
    else for (let i = 0; i < rowCount; i++) histogram[planes[base + i]] += rowWeights[i];
    for (let j = 0; j < 8 && 8 * p + j < coordinateCount; j++) {
      let yes = 0;
      for (let code = 0; code < 256; code++) if ((code >> j) & 1) yes += histogram[code];
      shares[8 * p + j] = total > 0 ? yes / total : 0;
    }
  }
  return shares;
}

/** Of every coordinate, how many rows have a yes. */
export function yesCounts({ planes, rowCount, coordinateCount }: CubePoints): Float64Array {
  const counts = new Float64Array(coordinateCount);
  const bytes = new Uint32Array(256);
  for (let first = 0; first < coordinateCount; first += 8) {
    bytes.fill(0);
    const plane = first >> 3;
    for (const byte of planes.subarray(plane * rowCount, (plane + 1) * rowCount)) bytes[byte]++;
    for (let j = 0; j < Math.min(8, coordinateCount - first); j++) {
      for (let byte = 0; byte < 256; byte++) if ((byte & (1 << j)) !== 0) counts[first + j] += bytes[byte];
    }
  }
  return counts;
}

/**
 * Sensitivity: S_f(x) = 1/4 sum_i (f(x) - f(x^{(i)}))^2, x^{(i)} being x with
 * coordinate i flipped. For f into {+1,-1} it counts the coordinates that change
 * the value. Its mean is the average sensitivity AS(f) = sum_S |S| f^(S)^2, the
 * mean of its i-th part the influence of i, sum_{S containing i} f^(S)^2.
 */
import { createTurn, FewfireError, type RunOptions } from '../base/index.ts';
import type { CubePoints } from '../cube/index.ts';
import type { Polynomial } from './polynomial.ts';
import { cubeDimension, forEachCoefficient, type Spectrum, sumByCoordinate } from './spectrum.ts';

const BLOCK_ROWS = 256;

/**
 * Inf_i = sum of f^(S)^2 over the S containing i, for every coordinate: n numbers, in squared units of f.
 * @example
 * ```ts
 * import { influences, polynomialFromTerms } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * console.log(influences(f)); // Float64Array(3) [ 1, 1, 0.25 ]
 * ```
 */
export function influences(spectrum: Spectrum): Float64Array {
  return sumByCoordinate(spectrum, (_, coefficient) => coefficient * coefficient);
}

/**
 * AS(f) = sum_S |S| f^(S)^2, the sum of the influences, in squared units of f.
 * @example
 * ```ts
 * import { averageSensitivity, polynomialFromTerms } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * // 2 * 1 + 1 * 0.25
 * console.log(averageSensitivity(f)); // 2.25
 * ```
 */
export function averageSensitivity(spectrum: Spectrum): number {
  let sum = 0;
  forEachCoefficient(spectrum, (size, coefficient) => {
    sum += size * coefficient * coefficient;
  });
  return sum;
}

/** Inf_i for every coordinate, by the definition over all 2^n values; n 2^n steps (about 0.7 s at n = 24). */
export function influencesFromValues(values: Float64Array): Float64Array {
  return Float64Array.from({ length: cubeDimension(values) }, (_, i) => {
    const bit = 2 ** i;
    let sum = 0;
    for (let base = 0; base < values.length; base += 2 * bit) {
      for (let x = base; x < base + bit; x++) sum += (values[x] - values[x + bit]) ** 2;
    }
    // Every pair stands for two points.
    return sum / (2 * values.length);
  });
}

/** AS(f), by the definition over all 2^n values. */
export function averageSensitivityFromValues(values: Float64Array): number {
  return influencesFromValues(values).reduce((sum, influence) => sum + influence, 0);
}

/**
 * S_f(x) at one point of a function given by its values.
 * @param point the number whose bit i is coordinate i
 */
export function sensitivityFromValues(values: Float64Array, point: number): number {
  const n = cubeDimension(values);
  if (!Number.isInteger(point) || point < 0 || point >= values.length) {
    throw new FewfireError(
      'invalid-argument',
      `point ${point}; expected a whole number from 0 to ${values.length - 1}, bit i being coordinate i`,
    );
  }
  let sum = 0;
  for (let i = 0; i < n; i++) sum += (values[point] - values[point ^ (1 << i)]) ** 2;
  return sum / 4;
}

/**
 * S_f(x) of a polynomial at every point: `points.rowCount` numbers. Since f(x) - f(x^{(i)}) is twice the part of f that
 * contains i, it takes one pass over the terms.
 */
export async function polynomialSensitivities(
  polynomial: Polynomial,
  points: CubePoints,
  options: RunOptions = {},
): Promise<Float64Array> {
  const n = polynomial.coordinates.length;
  if (points.coordinateCount !== n) {
    throw new FewfireError(
      'invalid-argument',
      `the points have ${points.coordinateCount} coordinates, the polynomial ${n}; expected the same number`,
    );
  }
  const { offsets, members, coefficients } = polynomial;
  const { planes, rowCount } = points;
  const result = new Float64Array(rowCount);
  const parts = new Float64Array(n * BLOCK_ROWS);
  const odd = new Uint8Array(BLOCK_ROWS);
  const turn = createTurn(options.signal);
  for (let row = 0; row < rowCount; row += BLOCK_ROWS) {
    const rows = Math.min(BLOCK_ROWS, rowCount - row);
    parts.fill(0);
    for (let t = 0; t < polynomial.termCount; t++) {
      odd.fill(0);
      for (let k = offsets[t]; k < offsets[t + 1]; k++) {
        const from = (members[k] >> 3) * rowCount + row;
        const shift = members[k] & 7;
        for (let i = 0; i < rows; i++) odd[i] ^= planes[from + i] >> shift;
      }
      for (let k = offsets[t]; k < offsets[t + 1]; k++) {
        const part = members[k] * BLOCK_ROWS;
        for (let i = 0; i < rows; i++) parts[part + i] += odd[i] & 1 ? -coefficients[t] : coefficients[t];
      }
      if ((t & 255) === 0) await turn();
    }
    for (let j = 0; j < n; j++) {
      for (let i = 0; i < rows; i++) result[row + i] += parts[j * BLOCK_ROWS + i] ** 2;
    }
  }
  return result;
}

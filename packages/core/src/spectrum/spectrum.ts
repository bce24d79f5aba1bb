/**
 * The two ways a Fourier spectrum is held: all 2^n coefficients as a vector, or
 * the terms of a polynomial. Functions that only need "size of S, coefficient"
 * take either.
 */
import { FewfireError } from '../base/index.ts';
import type { Polynomial } from './polynomial.ts';

/**
 * f^ as 2^n numbers, entry S the coefficient of the subset whose coordinates are the set bits of S (`fourierTransform`),
 * or as a polynomial. Not the values of f: functions of those have `FromValues` in their name.
 */
export type Spectrum = Float64Array | Polynomial;

/** n of a vector of 2^n numbers. @throws FewfireError `invalid-argument` for other lengths */
export function cubeDimension(vector: { readonly length: number }): number {
  const n = Math.log2(vector.length);
  if (Number.isInteger(n)) return n;
  throw new FewfireError(
    'invalid-argument',
    `the vector has ${vector.length} numbers; expected 2^n, one for every point or subset of n coordinates`,
  );
}

/** How many coordinates a spectrum is over. */
export function spectrumCoordinateCount(spectrum: Spectrum): number {
  return spectrum instanceof Float64Array ? cubeDimension(spectrum) : spectrum.coordinates.length;
}

/** Calls `visit(|S|, f^(S))` for every stored coefficient. */
export function forEachCoefficient(spectrum: Spectrum, visit: (size: number, coefficient: number) => void): void {
  if (spectrum instanceof Float64Array) {
    cubeDimension(spectrum);
    for (let mask = 0; mask < spectrum.length; mask++) visit(bitCount(mask), spectrum[mask]);
    return;
  }
  const { offsets, coefficients } = spectrum;
  for (let t = 0; t < spectrum.termCount; t++) visit(offsets[t + 1] - offsets[t], coefficients[t]);
}

/** How many bits of a 32-bit number are set. */
export function bitCount(x: number): number {
  x -= (x >>> 1) & 0x55555555;
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/**
 * For every coordinate i, the sum over all S containing i of weight(S) = `weigh(|S|, coefficient)`; n numbers.
 * One pass: a vector is cut into blocks of 2^12, whose totals give the high coordinates and whose fold the low ones.
 */
export function sumByCoordinate(
  spectrum: Spectrum,
  weigh: (size: number, coefficient: number) => number,
): Float64Array {
  const n = spectrumCoordinateCount(spectrum);
  const sums = new Float64Array(n);
  if (!(spectrum instanceof Float64Array)) {
    const { offsets, members, coefficients } = spectrum;
    for (let t = 0; t < spectrum.termCount; t++) {
      const weight = weigh(offsets[t + 1] - offsets[t], coefficients[t]);
      for (let k = offsets[t]; k < offsets[t + 1]; k++) sums[members[k]] += weight;
    }
    return sums;
  }
  const lowBits = Math.min(12, n);
  const folded = new Float64Array(2 ** lowBits);
  for (let block = 0; block < spectrum.length; block += folded.length) {
    let total = 0;
    for (let low = 0; low < folded.length; low++) {
      const weight = weigh(bitCount(block + low), spectrum[block + low]);
      folded[low] += weight;
      total += weight;
    }
    for (let i = lowBits; i < n; i++) if ((block >>> i) & 1) sums[i] += total;
  }
  for (let i = 0; i < lowBits; i++) {
    for (let low = 0; low < folded.length; low++) if ((low >>> i) & 1) sums[i] += folded[low];
  }
  return sums;
}

/**
 * Exact spectra of functions given by all their values, through the full
 * Walsh-Hadamard transform of the kernels: n 2^n additions.
 *
 * Point x of the cube is the number whose bit i is coordinate i (bit 1 is -1),
 * and a subset S is the number whose set bits are its coordinates, so that
 * chi_S(x) = (-1)^popcount(x & S).
 */
import { createTransformBuffer } from '@fewfire/kernels';
import {
  checkOptions,
  checkRunOptions,
  createReportingTurn,
  createTurn,
  FewfireError,
  type RunOptions,
} from '../base/index.ts';
import { type Polynomial, polynomialDegree } from './polynomial.ts';
import { bitCount, cubeDimension } from './spectrum.ts';

/** Beyond this the three vectors of a transform pass 2 GB. */
export const MAX_TRANSFORM_COORDINATES = 26;
const DEFAULT_MEMORY_BYTES = 4 * 2 ** 30;

/**
 * The Fourier coefficients f^(S) = 2^-n sum_x f(x) chi_S(x).
 * Takes about 0.3 s at n = 24 and 2 s at n = 26; aborting takes effect before and after the kernel, not inside.
 * @param values 2^n finite numbers, n <= 26, by point; not changed
 * @returns 2^n coefficients, by subset
 * @throws FewfireError `invalid-argument`, `invalid-data` (NaN, infinity), `memory-budget`
 * @example
 * ```ts
 * import { fourierTransform } from '@fewfire/core';
 *
 * // All values of the parity of two bits, in the order 00, 10, 01, 11 (the first coordinate changes fastest).
 * console.log(await fourierTransform(Float64Array.of(1, -1, -1, 1))); // Float64Array(4) [ 0, 0, 0, 1 ]
 * ```
 */
export async function fourierTransform(values: Float64Array, options: RunOptions = {}): Promise<Float64Array> {
  checkRunOptions('fourierTransform', options, {});
  return transform(values, 'values', 2 ** -cubeDimension(values), options);
}

/**
 * The values of the function with these coefficients, f(x) = sum_S f^(S) chi_S(x): the inverse of `fourierTransform`.
 * @throws FewfireError `invalid-argument` for other lengths and more than 26 coordinates; `invalid-data` for numbers
 *   that are not finite; `memory-budget`
 * @example
 * ```ts
 * import { inverseFourierTransform } from '@fewfire/core';
 *
 * console.log(await inverseFourierTransform(Float64Array.of(0, 0, 0, 1))); // Float64Array(4) [ 1, -1, -1, 1 ]
 * ```
 */
export async function inverseFourierTransform(spectrum: Float64Array, options: RunOptions = {}): Promise<Float64Array> {
  checkRunOptions('inverseFourierTransform', options, {});
  return transform(spectrum, 'coefficients', 1, options);
}

/**
 * The 2^n values of a function of a point, in the order `fourierTransform` takes.
 * @param f called with the coordinates as +1 and -1 (an array reused between calls) and the number of the point
 * @throws FewfireError `invalid-argument` for more than 26 coordinates; `memory-budget`
 * @example
 * ```ts
 * import { valuesOnCube } from '@fewfire/core';
 *
 * const values = await valuesOnCube(2, (x) => x[0] * x[1]);
 * console.log(values); // Float64Array(4) [ 1, -1, -1, 1 ]
 * ```
 */
export async function valuesOnCube(
  coordinateCount: number,
  f: (x: Int8Array, point: number) => number,
  options: RunOptions = {},
): Promise<Float64Array> {
  checkRunOptions('valuesOnCube', options, {});
  checkTransformSize(coordinateCount, 1, options.memoryLimitBytes);
  const values = new Float64Array(2 ** coordinateCount);
  const x = new Int8Array(coordinateCount).fill(1);
  const turn = createReportingTurn('evaluating on the cube', options, 'rows');
  for (let point = 0; point < values.length; point++) {
    // Counting up flips the trailing ones and the zero above them.
    if (point > 0) for (let i = 0; i < coordinateCount && ((point ^ (point - 1)) >>> i) & 1; i++) x[i] = -x[i];
    values[point] = f(x, point);
    if (!Number.isFinite(values[point])) {
      throw new FewfireError('invalid-argument', `f is ${values[point]} at point ${point}; expected a finite number`);
    }
    if ((point & 1023) === 0) await turn(point, values.length);
  }
  options.signal?.throwIfAborted();
  return values;
}

/**
 * The polynomial with the coefficients of a spectrum.
 * @param options.coordinates names, by default x0, x1, ...
 * @param options.tolerance coefficients of at most this size are left out; by default 0, so that only zeros are
 * @throws FewfireError `invalid-argument` for a length that is no power of two, and names of another number
 * @example
 * ```ts
 * import { polynomialFromSpectrum, termList } from '@fewfire/core';
 *
 * const f = polynomialFromSpectrum(Float64Array.of(0, 0.5, 0, 1), { coordinates: ['a', 'b'] });
 * for (const { coordinates, coefficient } of termList(f)) console.log(coordinates, coefficient);
 * // [ 0 ] 0.5
 * // [ 0, 1 ] 1
 * ```
 */
export function polynomialFromSpectrum(
  spectrum: Float64Array,
  options: { readonly coordinates?: readonly string[]; readonly tolerance?: number } = {},
): Polynomial {
  checkOptions('polynomialFromSpectrum', options, { coordinates: 'names', tolerance: 'number' });
  const n = cubeDimension(spectrum);
  const coordinates = options.coordinates ?? Array.from({ length: n }, (_, i) => `x${i}`);
  const tolerance = options.tolerance ?? 0;
  if (coordinates.length !== n) {
    throw new FewfireError(
      'invalid-argument',
      `${coordinates.length} coordinate names for a spectrum over ${n} coordinates; expected one for each`,
    );
  }
  // Within a size, graded colexicographic order is the order of the masks as numbers: a counting sort by size.
  const starts = new Uint32Array(n + 2);
  let memberCount = 0;
  for (let mask = 0; mask < spectrum.length; mask++) {
    if (Math.abs(spectrum[mask]) <= tolerance) continue;
    starts[bitCount(mask) + 1]++;
    memberCount += bitCount(mask);
  }
  for (let size = 0; size <= n; size++) starts[size + 1] += starts[size];
  const termCount = starts[n + 1];
  const masks = new Uint32Array(termCount);
  for (let mask = 0; mask < spectrum.length; mask++) {
    if (Math.abs(spectrum[mask]) > tolerance) masks[starts[bitCount(mask)]++] = mask;
  }
  const offsets = new Uint32Array(termCount + 1);
  const members = new Uint16Array(memberCount);
  const coefficients = new Float64Array(termCount);
  let end = 0;
  masks.forEach((mask, t) => {
    for (let i = 0; i < n; i++) if ((mask >>> i) & 1) members[end++] = i;
    offsets[t + 1] = end;
    coefficients[t] = spectrum[mask];
  });
  return { coordinates, termCount, offsets, members, coefficients };
}

/**
 * All 2^n coefficients of a polynomial over at most 26 coordinates: entry S is that of the subset of its set bits.
 * @throws FewfireError `invalid-argument` for more than 26 coordinates; `memory-budget`
 * @example
 * ```ts
 * import { polynomialFromTerms, polynomialToSpectrum } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * // of a b
 * console.log(polynomialToSpectrum(f)[0b011]); // 1
 * ```
 */
export function polynomialToSpectrum(polynomial: Polynomial, options: RunOptions = {}): Float64Array {
  checkRunOptions('polynomialToSpectrum', options, {});
  const n = polynomial.coordinates.length;
  checkTransformSize(n, 1, options.memoryLimitBytes, ` (a polynomial of degree ${polynomialDegree(polynomial)})`);
  const spectrum = new Float64Array(2 ** n);
  for (let t = 0; t < polynomial.termCount; t++) {
    let mask = 0;
    for (let k = polynomial.offsets[t]; k < polynomial.offsets[t + 1]; k++) mask |= 1 << polynomial.members[k];
    spectrum[mask] += polynomial.coefficients[t];
  }
  return spectrum;
}

/** @throws FewfireError when `vectorCount` vectors over the whole cube of n coordinates are out of the question, before they are made */
export function checkTransformSize(
  coordinateCount: number,
  vectorCount: number,
  memoryLimitBytes: number = DEFAULT_MEMORY_BYTES,
  what = '',
): void {
  if (!Number.isInteger(coordinateCount) || coordinateCount < 0 || coordinateCount > MAX_TRANSFORM_COORDINATES) {
    throw new FewfireError(
      'invalid-argument',
      `all values over ${coordinateCount} coordinates${what}; expected at most ${MAX_TRANSFORM_COORDINATES}: use the estimates (estimateFourierCoefficient, ...) or a polynomial`,
    );
  }
  const bytes = vectorCount * 8 * 2 ** coordinateCount;
  if (bytes <= memoryLimitBytes) return;
  throw new FewfireError(
    'memory-budget',
    `all values over ${coordinateCount} coordinates need ${Math.ceil(bytes / 1e6)} MB, more than the ${Math.floor(memoryLimitBytes / 1e6)} MB allowed; raise \`memoryLimitBytes\` or fix some coordinates`,
  );
}

async function transform(from: Float64Array, what: string, scale: number, options: RunOptions): Promise<Float64Array> {
  // The result, and the copy in WebAssembly memory.
  checkTransformSize(cubeDimension(from), 2, options.memoryLimitBytes);
  for (let i = 0; i < from.length; i++) {
    if (!Number.isFinite(from[i])) {
      throw new FewfireError('invalid-data', `the ${what} are ${from[i]} at ${i}; expected finite numbers`);
    }
  }
  const turn = createTurn(options.signal);
  const result = new Float64Array(from.length);
  const buffer = await createTransformBuffer(from.length, 'f64');
  buffer.write(from);
  buffer.transform();
  buffer.read(result);
  await turn();
  if (scale !== 1) for (let i = 0; i < result.length; i++) result[i] *= scale;
  return result;
}

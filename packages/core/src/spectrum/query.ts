/**
 * A function that can only be evaluated: a model, a network, a program. It comes
 * with bounds on its values, because no interval from samples holds without them.
 */
import { createTurn, FewfireError, type Interval, type RunOptions } from '../base/index.ts';
import { type CubePoints, createCubePoints } from '../cube/index.ts';
import { spectralNorm } from './level-weights.ts';
import { evaluatePolynomial, type Polynomial } from './polynomial.ts';
import { checkFixed, type FixedCoordinate } from './restriction.ts';
import { cubeDimension } from './spectrum.ts';
import { checkTransformSize } from './transform.ts';

/** A function of yes/no inputs that can only be evaluated. */
export interface QueryFunction {
  readonly coordinateCount: number;
  /** Bounds on the values that are known to hold. A value outside is an error; intervals are only right if these are. */
  readonly range: Interval;
  /** The values are the two ends of `range` and nothing between (known, not observed): intervals are then exact binomial ones. */
  readonly twoValued?: boolean;
  /** The values at `points.rowCount` points. May be slow and asynchronous; called for one batch at a time. */
  readonly evaluate: (points: CubePoints, signal?: AbortSignal) => Float64Array | Promise<Float64Array>;
}

/**
 * A table of all 2^n values as a function to be evaluated.
 * @example
 * ```ts
 * import { queryFunctionFromValues } from '@fewfire/core';
 *
 * const f = queryFunctionFromValues(Float64Array.of(1, -1, -1, 1));
 * console.log(f.coordinateCount, f.range, f.twoValued); // 2 [ -1, 1 ] true
 * ```
 */
export function queryFunctionFromValues(values: Float64Array): QueryFunction {
  const coordinateCount = cubeDimension(values);
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return {
    coordinateCount,
    range: [low, high],
    twoValued: values.every((value) => value === low || value === high),
    evaluate({ planes, rowCount }) {
      return Float64Array.from({ length: rowCount }, (_, i) => {
        let point = 0;
        for (let p = 0; 8 * p < coordinateCount; p++) point += planes[p * rowCount + i] * 256 ** p;
        return values[point];
      });
    },
  };
}

/**
 * A polynomial as a function to be evaluated; its range is -+ the sum of |coefficients|.
 * @example
 * ```ts
 * import { polynomialFromTerms, queryFunctionFromPolynomial } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * console.log(queryFunctionFromPolynomial(f).range); // [ -1.5, 1.5 ]
 * ```
 */
export function queryFunctionFromPolynomial(polynomial: Polynomial): QueryFunction {
  const bound = spectralNorm(polynomial);
  return {
    coordinateCount: polynomial.coordinates.length,
    range: [-bound, bound],
    evaluate: (points, signal) => evaluatePolynomial(polynomial, points, { signal }),
  };
}

/**
 * The function of the remaining coordinates, in their order, when some are fixed.
 * @throws FewfireError `invalid-argument` for a coordinate that is not there or is fixed twice
 * @example
 * ```ts
 * import { cubePointsFromRows, restrictQueryFunction } from '@fewfire/core';
 *
 * // The parity of the first two of ten coordinates.
 * const f = {
 *   coordinateCount: 10,
 *   range: [-1, 1],
 *   twoValued: true,
 *   evaluate: (points) =>
 *     Float64Array.from({ length: points.rowCount }, (_, row) => {
 *       const bits = points.planes[row]; // of coordinates 0 to 7
 *       return ((bits ^ (bits >> 1)) & 1) === 1 ? -1 : 1;
 *     }),
 * };
 * const g = restrictQueryFunction(f, [{ coordinate: 0, bit: 1 }]);
 * console.log(g.coordinateCount, await g.evaluate(cubePointsFromRows([Array(9).fill(0)]))); // 9 Float64Array(1) [ -1 ]
 * ```
 */
export function restrictQueryFunction(f: QueryFunction, fixed: readonly FixedCoordinate[]): QueryFunction {
  const { signs, remaining } = checkFixed(f.coordinateCount, fixed);
  return {
    ...f,
    coordinateCount: remaining.length,
    evaluate(points, signal) {
      const { rowCount } = points;
      const full = createCubePoints(rowCount, f.coordinateCount);
      signs.forEach((sign, i) => {
        if (sign !== -1) return;
        for (let row = 0; row < rowCount; row++) full.planes[(i >> 3) * rowCount + row] |= 1 << (i & 7);
      });
      remaining.forEach((i, at) => {
        const from = (at >> 3) * rowCount;
        const to = (i >> 3) * rowCount;
        for (let row = 0; row < rowCount; row++) {
          full.planes[to + row] |= ((points.planes[from + row] >> (at & 7)) & 1) << (i & 7);
        }
      });
      return f.evaluate(full, signal);
    },
  };
}

/**
 * The values at the points, checked.
 * @throws FewfireError `invalid-data` for a wrong number of values or a value outside what the function promises; the
 * signal's reason when aborted, also while `evaluate` has not answered
 */
export async function evaluateQuery(f: QueryFunction, points: CubePoints, signal?: AbortSignal): Promise<Float64Array> {
  signal?.throwIfAborted();
  const values = await orAbort(f.evaluate(points, signal), signal);
  const [low, high] = f.range;
  const slack = 1e-9 * Math.max(Math.abs(low), Math.abs(high));
  if (values.length !== points.rowCount) {
    throw new FewfireError('invalid-data', `the function gave ${values.length} values for ${points.rowCount} points`);
  }
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const inside = value >= low - slack && value <= high + slack;
    if (inside && !(f.twoValued && value > low + slack && value < high - slack)) continue;
    throw new FewfireError(
      'invalid-data',
      `the function gave ${value}; expected ${f.twoValued ? `${low} or ${high}` : `a number from ${low} to ${high}`}, as its range says`,
    );
  }
  return values;
}

/** All 2^n values, in the order `fourierTransform` takes; n <= 26. */
export async function tabulate(f: QueryFunction, options: RunOptions = {}): Promise<Float64Array> {
  const n = f.coordinateCount;
  checkTransformSize(n, 1, options.memoryLimitBytes);
  const values = new Float64Array(2 ** n);
  const rowCount = Math.min(values.length, 4096);
  const turn = createTurn(options.signal);
  for (let start = 0; start < values.length; start += rowCount) {
    const points = createCubePoints(rowCount, n);
    for (let p = 0; 8 * p < n; p++) {
      for (let i = 0; i < rowCount; i++) points.planes[p * rowCount + i] = (start + i) >>> (8 * p);
    }
    values.set(await evaluateQuery(f, points, options.signal), start);
    options.onProgress?.({ phase: 'evaluating on the cube', done: start, total: values.length, unit: 'rows' });
    await turn();
  }
  return values;
}

/** S_f(x), exact from n + 1 evaluations. @param point the n bits of x: 0 for +1, 1 for -1 */
export async function querySensitivity(
  f: QueryFunction,
  point: ArrayLike<number>,
  options: RunOptions = {},
): Promise<number> {
  const n = f.coordinateCount;
  const points = repeatPoint(f, point, n + 1);
  for (let i = 0; i < n; i++) points.planes[(i >> 3) * (n + 1) + i + 1] ^= 1 << (i & 7);
  const values = await evaluateQuery(f, points, options.signal);
  let sum = 0;
  for (let i = 1; i <= n; i++) sum += (values[0] - values[i]) ** 2;
  return sum / 4;
}

/** One point, given by its bits, in so many rows. @throws FewfireError unless there are n bits, 0 or 1 */
export function repeatPoint(f: QueryFunction, point: ArrayLike<number>, rowCount: number): CubePoints {
  const bits = Array.from(point);
  if (bits.length !== f.coordinateCount || bits.some((bit) => bit !== 0 && bit !== 1)) {
    throw new FewfireError(
      'invalid-argument',
      `the point has ${bits.length} entries; expected ${f.coordinateCount} bits, 0 for +1 and 1 for -1`,
    );
  }
  const points = createCubePoints(rowCount, f.coordinateCount);
  bits.forEach((bit, i) => {
    if (bit === 0) return;
    for (let row = 0; row < rowCount; row++) points.planes[(i >> 3) * rowCount + row] |= 1 << (i & 7);
  });
  return points;
}

// Resolves with the value, or rejects as soon as the signal does, even if the function never answers.
async function orAbort<T>(value: T | Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined || !(value instanceof Promise)) return value;
  let stop: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([value, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/**
 * Estimates for a function that can only be evaluated. Each is the mean of
 * independent bounded numbers made from random points, and comes with an
 * interval that holds with probability >= 1 - confidenceDelta whatever the
 * function is, as long as its stated range is right.
 *
 * How many samples: with a wanted `accuracy` (largest distance from the estimate
 * to either end of its interval) Hoeffding's inequality says how many always
 * suffice. Half of confidenceDelta is kept for that last look; the other half is
 * spread over looks at 64, 96, 144, ... samples, each with an empirical Bernstein
 * interval (an exact binomial one for two-valued numbers), and the first look
 * that is accurate enough ends the sampling. Calls may be paid for: when the
 * variance is small this needs a small part of Hoeffding's number.
 */
import {
  checkConfidenceDelta,
  checkRunOptions,
  clopperPearsonInterval,
  createRandom,
  createTurn,
  empiricalBernsteinHalfWidth,
  FewfireError,
  hoeffdingHalfWidth,
  hoeffdingSampleCount,
  type Interval,
  type Random,
  type RunOptions,
} from '../base/index.ts';
import { tailFromNoiseSensitivity } from '../bounds/index.ts';
import type { CubePoints } from '../cube/index.ts';
import { drawDistance, levelKernel } from './krawtchouk.ts';
import { checkDegree, checkNoiseDelta, checkRho } from './noise.ts';
import { evaluateQuery, type QueryFunction, repeatPoint } from './query.ts';
import { addNoise, flip, parityAt, uniformPairs, uniformPoints } from './sampling.ts';

/** Options of the estimates of a function that can only be evaluated: `accuracy`, `sampleCount` or both. */
export interface EstimateOptions extends RunOptions {
  /** Wanted largest distance from the estimate to either end of its interval, in the units of the estimate. */
  readonly accuracy?: number | undefined;
  /** At most so many samples (exactly so many without `accuracy`); the interval is as wide as they leave it. */
  readonly sampleCount?: number | undefined;
  /** Allowed probability that the interval misses; default 0.05. */
  readonly confidenceDelta?: number | undefined;
}

const ESTIMATE_CHECKS = { accuracy: 'number', sampleCount: 'number', confidenceDelta: 'number' } as const;

/** What an interval of an estimate rests on. */
export type EstimateMethod = 'hoeffding' | 'empirical-bernstein' | 'clopper-pearson';

/** A number estimated from samples, with an interval that holds with the confidence stated. */
export interface Estimate {
  readonly estimate: number;
  /** Contains the true value with probability at least `confidence`; contains `estimate`. */
  readonly interval: Interval;
  /** 1 - confidenceDelta. */
  readonly confidence: number;
  /** Independent samples drawn. */
  readonly sampleCount: number;
  /** Points at which the function was evaluated: a sample may be a pair. */
  readonly evaluationCount: number;
  /** Where the interval comes from. */
  readonly method: EstimateMethod;
  readonly seed: number;
}

/**
 * E f, the mean over uniform points.
 * @throws FewfireError `invalid-argument` for options out of range; `invalid-data` where the function gives a value
 *   outside of its range; the signal's reason
 * @example
 * ```ts
 * import { estimateMean } from '@fewfire/core';
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
 * const { estimate, interval } = await estimateMean(f, { accuracy: 0.05 });
 * console.log(estimate.toFixed(2), interval.map((end) => end.toFixed(2))); // 0.01 [ '-0.03', '0.04' ]
 * ```
 */
export async function estimateMean(f: QueryFunction, options: EstimateOptions): Promise<Estimate> {
  checkRunOptions('estimateMean', options, ESTIMATE_CHECKS);
  return estimateFourierCoefficient(f, [], options);
}

/**
 * f^(S) = E f chi_S.
 * @param coordinates the members of S; empty for the mean
 * @throws FewfireError `invalid-argument` for options out of range; `invalid-data` where the function gives a value
 *   outside of its range; the signal's reason
 * @example
 * ```ts
 * import { estimateFourierCoefficient } from '@fewfire/core';
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
 * const { estimate } = await estimateFourierCoefficient(f, [0, 1], { accuracy: 0.1 });
 * console.log(estimate.toFixed(1)); // 1.0
 * ```
 */
export async function estimateFourierCoefficient(
  f: QueryFunction,
  coordinates: readonly number[],
  options: EstimateOptions,
): Promise<Estimate> {
  checkRunOptions('estimateFourierCoefficient', options, ESTIMATE_CHECKS);
  const subset = checkCoordinates(f, coordinates);
  // E chi_S = 0, so the middle of the range may be taken off first: the numbers are then as small as they can be.
  const { middle, radius } = subset.length === 0 ? { middle: 0, radius: 0 } : centre(f);
  const range: Interval = subset.length === 0 ? f.range : [-radius, radius];
  return estimateExpectation(
    f,
    {
      evaluationsPerSample: 1,
      sampleRange: range,
      naturalRange: range,
      twoValued: f.twoValued === true,
      async draw(count, random, signal) {
        const points = uniformPoints(count, f.coordinateCount, random);
        const values = await evaluateQuery(f, points, signal);
        return values.map((value, i) => (value - middle) * parityAt(points, i, subset));
      },
    },
    options,
  );
}

/**
 * Inf_i = 1/4 E (f(x) - f(x^{(i)}))^2.
 * @throws FewfireError `invalid-argument` for options out of range; `invalid-data` where the function gives a value
 *   outside of its range; the signal's reason
 * @example
 * ```ts
 * import { estimateInfluence } from '@fewfire/core';
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
 * const { estimate } = await estimateInfluence(f, 0, { sampleCount: 1000 });
 * console.log(estimate); // 1
 * ```
 */
export async function estimateInfluence(
  f: QueryFunction,
  coordinate: number,
  options: EstimateOptions,
): Promise<Estimate> {
  checkRunOptions('estimateInfluence', options, ESTIMATE_CHECKS);
  checkCoordinates(f, [coordinate]);
  const largest = centre(f).radius ** 2;
  return estimateFromPairs(f, [0, largest], 1, [0, largest], options, (points, count) => {
    for (let i = 0; i < count; i++) flip(points, count + i, coordinate);
  });
}

/**
 * AS(f): each sample flips one random coordinate of one random point, and counts n times.
 * @throws FewfireError `invalid-argument` for options out of range; `invalid-data` where the function gives a value
 *   outside of its range; the signal's reason
 * @example
 * ```ts
 * import { estimateAverageSensitivity } from '@fewfire/core';
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
 * const { estimate, interval } = await estimateAverageSensitivity(f, { accuracy: 0.2 });
 * console.log(estimate.toFixed(1), interval.map((end) => end.toFixed(1))); // 1.9 [ '1.8', '2.0' ]
 * ```
 */
export async function estimateAverageSensitivity(f: QueryFunction, options: EstimateOptions): Promise<Estimate> {
  checkRunOptions('estimateAverageSensitivity', options, ESTIMATE_CHECKS);
  const n = f.coordinateCount;
  if (n === 0) throw new FewfireError('invalid-argument', 'the function has no coordinates; expected at least one');
  const largest = n * centre(f).radius ** 2;
  return estimateFromPairs(f, [0, largest], n, [0, largest], options, (points, count, random) => {
    for (let i = 0; i < count; i++) flip(points, count + i, random.integer(n));
  });
}

/**
 * NS_delta(f) = 1/4 E (f(x) - f(y))^2.
 * @param options.noiseDelta in [0, 1/2]
 * @throws FewfireError `invalid-argument` for options out of range; `invalid-data` where the function gives a value
 *   outside of its range; the signal's reason
 * @example
 * ```ts
 * import { estimateNoiseSensitivity } from '@fewfire/core';
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
 * const { estimate } = await estimateNoiseSensitivity(f, { noiseDelta: 0.1, accuracy: 0.05 });
 * console.log(estimate.toFixed(2)); // 0.18
 * ```
 */
export async function estimateNoiseSensitivity(
  f: QueryFunction,
  options: EstimateOptions & { readonly noiseDelta: number },
): Promise<Estimate> {
  checkRunOptions('estimateNoiseSensitivity', options, { ...ESTIMATE_CHECKS, noiseDelta: { need: 'number' } });
  checkNoiseDelta(options.noiseDelta);
  const largest = centre(f).radius ** 2;
  // NS is at most half the variance.
  return estimateFromPairs(f, [0, largest], 1, [0, largest / 2], options, (points, count, random) => {
    addNoise(points, count, options.noiseDelta, random);
  });
}

/**
 * Stab_rho(f) = E f(x) f(y).
 * @param options.rho in [-1, 1]
 * @throws FewfireError `invalid-argument` for options out of range; `invalid-data` where the function gives a value
 *   outside of its range; the signal's reason
 * @example
 * ```ts
 * import { estimateNoiseStability } from '@fewfire/core';
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
 * const { estimate } = await estimateNoiseStability(f, { rho: 0.5, accuracy: 0.1 });
 * console.log(estimate.toFixed(2)); // 0.26
 * ```
 */
export async function estimateNoiseStability(
  f: QueryFunction,
  options: EstimateOptions & { readonly rho: number },
): Promise<Estimate> {
  checkRunOptions('estimateNoiseStability', options, { ...ESTIMATE_CHECKS, rho: { need: 'number' } });
  checkRho(options.rho);
  const { range, twoValued } = products(f);
  return estimateExpectation(
    f,
    {
      evaluationsPerSample: 2,
      sampleRange: range,
      naturalRange: range,
      twoValued,
      async draw(count, random, signal) {
        const points = uniformPairs(count, f.coordinateCount, random);
        addNoise(points, count, (1 - options.rho) / 2, random);
        const values = await evaluateQuery(f, points, signal);
        return values.subarray(0, count).map((value, i) => value * values[count + i]);
      },
    },
    options,
  );
}

/** T_rho f(x) = E[f(y) | x] at one point. @param point the n bits of x: 0 for +1, 1 for -1. @param options.rho in [-1, 1] */
export async function estimateNoiseOperator(
  f: QueryFunction,
  point: ArrayLike<number>,
  options: EstimateOptions & { readonly rho: number },
): Promise<Estimate> {
  checkRho(options.rho);
  repeatPoint(f, point, 0);
  return estimateExpectation(
    f,
    {
      evaluationsPerSample: 1,
      sampleRange: f.range,
      naturalRange: f.range,
      twoValued: f.twoValued === true,
      async draw(count, random, signal) {
        const points = repeatPoint(f, point, count);
        addNoise(points, 0, (1 - options.rho) / 2, random);
        return evaluateQuery(f, points, signal);
      },
    },
    options,
  );
}

/**
 * W^{=level}, unbiased, from pairs at chosen distances. The numbers averaged grow like sqrt(C(n, level)),
 * so low levels (and, at small n, all) are affordable; `accuracy` at a level that is not is refused with the number of
 * samples it would take.
 * @throws FewfireError `invalid-argument` for options out of range; `invalid-data` where the function gives a value
 *   outside of its range; the signal's reason
 * @example
 * ```ts
 * import { estimateLevelWeight } from '@fewfire/core';
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
 * const { estimate } = await estimateLevelWeight(f, 2, { sampleCount: 20_000 });
 * console.log(estimate.toFixed(1)); // 1.0
 * ```
 */
export async function estimateLevelWeight(
  f: QueryFunction,
  level: number,
  options: EstimateOptions,
): Promise<Estimate> {
  checkRunOptions('estimateLevelWeight', options, ESTIMATE_CHECKS);
  checkDegree(level);
  return estimateLevels(f, level, level, options);
}

/**
 * sum_{|S|>degree} f^(S)^2, unbiased, from pairs at chosen distances. Costs like `estimateLevelWeight` at that degree;
 * `estimateTailBound` is far cheaper where an upper limit is enough.
 * @throws FewfireError `invalid-argument` for options out of range; `invalid-data` where the function gives a value
 *   outside of its range; the signal's reason
 * @example
 * ```ts
 * import { estimateTailWeight } from '@fewfire/core';
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
 * const { estimate } = await estimateTailWeight(f, 1, { sampleCount: 20_000 });
 * console.log(estimate.toFixed(1)); // 1.0
 * ```
 */
export async function estimateTailWeight(
  f: QueryFunction,
  degree: number,
  options: EstimateOptions,
): Promise<Estimate> {
  checkRunOptions('estimateTailWeight', options, ESTIMATE_CHECKS);
  checkDegree(degree);
  return estimateLevels(f, degree + 1, f.coordinateCount, options);
}

/**
 * An upper limit of the tail beyond `degree` by Claim 1 from the noise sensitivity: the interval is [0, limit], and
 * `estimate` is the bound at the estimated noise sensitivity, not an estimate of the tail. `accuracy` is of that bound.
 * @param options.noiseDelta default 1 / (degree + 1), at most 1/2
 * @throws FewfireError `invalid-argument` for options out of range; `invalid-data` where the function gives a value
 *   outside of its range; the signal's reason
 * @example
 * ```ts
 * import { estimateTailBound } from '@fewfire/core';
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
 * const { interval } = await estimateTailBound(f, 2, { accuracy: 0.1 });
 * console.log(interval.map((end) => end.toFixed(2))); // [ '0.00', '0.93' ]
 * ```
 */
export async function estimateTailBound(
  f: QueryFunction,
  degree: number,
  options: EstimateOptions & { readonly noiseDelta?: number | undefined },
): Promise<Estimate> {
  checkRunOptions('estimateTailBound', options, { ...ESTIMATE_CHECKS, noiseDelta: 'number' });
  checkDegree(degree);
  const noiseDelta = options.noiseDelta ?? Math.min(0.5, 1 / (degree + 1));
  const factor = tailFromNoiseSensitivity({ noiseSensitivity: 1, noiseDelta, degree });
  const largest = centre(f).radius ** 2;
  const bound = await estimateFromPairs(
    f,
    [0, factor * largest],
    factor,
    // No tail is more than the largest variance.
    [0, largest],
    options,
    (points, count, random) => addNoise(points, count, noiseDelta, random),
  );
  return { ...bound, interval: [0, bound.interval[1]] };
}

/** ||f||_2 = sqrt(E f^2). */
export async function estimateEuclideanNorm(f: QueryFunction, options: EstimateOptions): Promise<Estimate> {
  const [low, high] = f.range;
  const squares: Interval = [
    low <= 0 && high >= 0 ? 0 : Math.min(low * low, high * high),
    Math.max(low * low, high * high),
  ];
  // Two-valued functions have two squares: those of the ends, of which one is the larger.
  const ends: Interval = [Math.min(low * low, high * high), squares[1]];
  return estimateExpectation(
    f,
    {
      evaluationsPerSample: 1,
      sampleRange: f.twoValued ? ends : squares,
      naturalRange: f.twoValued ? ends : squares,
      twoValued: f.twoValued === true,
      squareRoot: true,
      async draw(count, random, signal) {
        const values = await evaluateQuery(f, uniformPoints(count, f.coordinateCount, random), signal);
        return values.map((value) => value * value);
      },
    },
    options,
  );
}

/** What is averaged. */
interface Sampler {
  /** Evaluations that one sample takes. */
  readonly evaluationsPerSample: 1 | 2;
  /** The numbers drawn lie in it. */
  readonly sampleRange: Interval;
  /** Their mean does; the interval is cut to it. */
  readonly naturalRange: Interval;
  /** They are its two ends and nothing between. */
  readonly twoValued: boolean;
  /** What is wanted is the root of the mean. */
  readonly squareRoot?: boolean;
  /** `count` independent numbers. */
  draw(count: number, random: Random, signal: AbortSignal | undefined): Promise<Float64Array>;
}

const FIRST_LOOK = 64;
const LOOK_GROWTH = 1.5;
/** Beyond so many samples an accuracy is refused: it would be a mistake or take days. */
const MAX_SAMPLES = 1e9;
/** Bytes of points handed to the function at once, and their most rows. */
const BATCH_BYTES = 2 ** 22;
const BATCH_ROWS = 8192;

interface Look {
  readonly sampleCount: number;
  /** Shares of confidenceDelta for the two kinds of interval; 0 for none. */
  readonly hoeffdingShare: number;
  readonly bernsteinShare: number;
}

async function estimateExpectation(f: QueryFunction, sampler: Sampler, options: EstimateOptions): Promise<Estimate> {
  const confidenceDelta = options.confidenceDelta ?? 0.05;
  checkConfidenceDelta(confidenceDelta);
  checkRange(f);
  const looks = planLooks(sampler, options, confidenceDelta);
  const most = looks[looks.length - 1].sampleCount;
  const seed = options.seed ?? 1;
  const random = createRandom(seed);
  const rowBytes = Math.max(1, Math.ceil(f.coordinateCount / 8)) * sampler.evaluationsPerSample;
  const batch = Math.max(
    16,
    Math.min(Math.floor(BATCH_ROWS / sampler.evaluationsPerSample), Math.floor(BATCH_BYTES / rowBytes)),
  );
  const [low, high] = sampler.sampleRange;
  const middle = (low + high) / 2;
  let drawn = 0;
  let highCount = 0;
  // Welford: the mean and the sum of squared distances from it.
  let mean = 0;
  let spread = 0;
  const turn = createTurn(options.signal);
  for (const look of looks) {
    while (drawn < look.sampleCount) {
      const samples = await sampler.draw(Math.min(batch, look.sampleCount - drawn), random, options.signal);
      for (const sample of samples) {
        drawn++;
        const step = sample - mean;
        mean += step / drawn;
        spread += step * (sample - mean);
        if (sample > middle) highCount++;
      }
      options.onProgress?.({ phase: 'sampling', done: drawn, total: most, unit: 'steps' });
      await turn();
    }
    const found = sampler.twoValued
      ? binomialLook(sampler, highCount, drawn, (look.hoeffdingShare + look.bernsteinShare) * confidenceDelta)
      : boundedLook(sampler, look, mean, drawn > 1 ? spread / (drawn - 1) : 0, confidenceDelta);
    const finish = (value: number): number => {
      const inside = Math.min(sampler.naturalRange[1], Math.max(sampler.naturalRange[0], value));
      return sampler.squareRoot ? Math.sqrt(Math.max(0, inside)) : inside;
    };
    const estimate = finish(found.mean);
    const interval: Interval = [finish(found.interval[0]), finish(found.interval[1])];
    const accurate =
      options.accuracy !== undefined && Math.max(interval[1] - estimate, estimate - interval[0]) <= options.accuracy;
    if (accurate || look.sampleCount === most) {
      return {
        estimate,
        interval,
        confidence: 1 - confidenceDelta,
        sampleCount: drawn,
        evaluationCount: drawn * sampler.evaluationsPerSample,
        method: found.method,
        seed,
      };
    }
  }
  throw new Error('unreachable: the last look always returns');
}

interface Found {
  readonly mean: number;
  readonly interval: Interval;
  readonly method: EstimateMethod;
}

function binomialLook({ sampleRange: [low, high] }: Sampler, highCount: number, drawn: number, delta: number): Found {
  const scale = (share: number): number => low + share * (high - low);
  const [from, to] = clopperPearsonInterval(highCount, drawn, delta);
  return { mean: scale(highCount / drawn), interval: [scale(from), scale(to)], method: 'clopper-pearson' };
}

function boundedLook(sampler: Sampler, look: Look, mean: number, variance: number, delta: number): Found {
  const width = sampler.sampleRange[1] - sampler.sampleRange[0];
  const m = look.sampleCount;
  const hoeffding =
    look.hoeffdingShare > 0 ? hoeffdingHalfWidth(m, width, look.hoeffdingShare * delta) : Number.POSITIVE_INFINITY;
  const bernstein =
    look.bernsteinShare > 0 && m > 1
      ? empiricalBernsteinHalfWidth(variance, m, width, look.bernsteinShare * delta)
      : Number.POSITIVE_INFINITY;
  const half = Math.min(hoeffding, bernstein);
  return {
    mean,
    interval: [mean - half, mean + half],
    method: bernstein < hoeffding ? 'empirical-bernstein' : 'hoeffding',
  };
}

// When to look, and how confidenceDelta is shared out; the shares add up to at most 1.
function planLooks(sampler: Sampler, options: EstimateOptions, confidenceDelta: number): Look[] {
  const { accuracy, sampleCount } = options;
  if (accuracy === undefined && sampleCount === undefined) {
    throw new FewfireError(
      'invalid-argument',
      'neither accuracy nor sampleCount is given; expected one of them or both',
    );
  }
  if (sampleCount !== undefined && !(Number.isInteger(sampleCount) && sampleCount >= 1 && sampleCount <= MAX_SAMPLES)) {
    throw new FewfireError('invalid-argument', `sampleCount is ${sampleCount}; expected a whole number from 1 to 1e9`);
  }
  if (accuracy !== undefined && !(accuracy > 0)) {
    throw new FewfireError('invalid-argument', `accuracy is ${accuracy}; expected a positive number`);
  }
  if (accuracy === undefined) {
    return [{ sampleCount: sampleCount as number, hoeffdingShare: 0.5, bernsteinShare: 0.5 }];
  }
  const width = sampler.sampleRange[1] - sampler.sampleRange[0];
  // |sqrt a - sqrt b| <= sqrt |a - b|.
  const meanAccuracy = sampler.squareRoot ? accuracy * accuracy : accuracy;
  const needed = hoeffdingSampleCount(meanAccuracy, width, confidenceDelta);
  if (needed > MAX_SAMPLES && sampleCount === undefined) {
    throw new FewfireError(
      'invalid-argument',
      `accuracy ${accuracy} takes up to ${needed.toExponential(1)} samples, since the numbers averaged range over ${width.toPrecision(3)}; expected at most 1e9: ask for less, or give sampleCount too and take the interval that it leaves`,
    );
  }
  if (Math.min(needed, sampleCount ?? needed) <= 2 * FIRST_LOOK) {
    return [{ sampleCount: Math.min(needed, sampleCount ?? needed), hoeffdingShare: 1, bernsteinShare: 0 }];
  }
  const last = Math.min(hoeffdingSampleCount(meanAccuracy, width, confidenceDelta / 2), sampleCount ?? MAX_SAMPLES);
  const counts: number[] = [];
  for (let count = FIRST_LOOK; count < last; count = Math.ceil(count * LOOK_GROWTH)) counts.push(count);
  counts.push(last);
  return counts.map((count, at) => ({
    sampleCount: count,
    hoeffdingShare: at === counts.length - 1 ? 0.5 : 0,
    bernsteinShare: 0.5 / counts.length,
  }));
}

/** Mean of factor/4 (f(x) - f(y))^2, y made from a copy of x in the last `count` rows by `change`. */
function estimateFromPairs(
  f: QueryFunction,
  sampleRange: Interval,
  factor: number,
  naturalRange: Interval,
  options: EstimateOptions,
  change: (points: CubePoints, count: number, random: Random) => void,
): Promise<Estimate> {
  return estimateExpectation(
    f,
    {
      evaluationsPerSample: 2,
      sampleRange,
      naturalRange,
      twoValued: f.twoValued === true,
      async draw(count, random, signal) {
        const points = uniformPairs(count, f.coordinateCount, random);
        change(points, count, random);
        const values = await evaluateQuery(f, points, signal);
        return values.subarray(0, count).map((value, i) => (factor / 4) * (value - values[count + i]) ** 2);
      },
    },
    options,
  );
}

/** The sum of the level weights from `low` to `high`. */
async function estimateLevels(
  f: QueryFunction,
  low: number,
  high: number,
  options: EstimateOptions,
): Promise<Estimate> {
  const n = f.coordinateCount;
  if (low > n || low > high) {
    throw new FewfireError('invalid-argument', `level ${low} of a function of ${n} coordinates; expected at most ${n}`);
  }
  if (n > 10_000) {
    throw new FewfireError('invalid-argument', `levels over ${n} coordinates; expected at most 10,000`);
  }
  const kernel = levelKernel(n, low, high);
  if (!(kernel.price <= MAX_SAMPLES)) {
    throw new FewfireError(
      'invalid-argument',
      `levels ${low} to ${high} over ${n} coordinates are out of reach of samples: the numbers averaged would be ${kernel.price.toExponential(1)} times as large as the result; expected fewer levels or coordinates, or estimateTailBound`,
    );
  }
  // Every level but 0 ignores a constant: with the middle of the range taken off the products are as small as they can be.
  const { middle, radius } = low === 0 ? { middle: 0, radius: 0 } : centre(f);
  const product =
    low === 0 ? products(f) : { range: [-(radius ** 2), radius ** 2] as const, twoValued: f.twoValued === true };
  // Weights of either sign; for level 0 all are positive.
  const largest = Math.max(Math.abs(product.range[0]), Math.abs(product.range[1]));
  const signed = kernel.signs.some((sign) => sign < 0);
  const sampleRange: Interval = signed
    ? [-kernel.price * largest, kernel.price * largest]
    : [kernel.price * product.range[0], kernel.price * product.range[1]];
  return estimateExpectation(
    f,
    {
      evaluationsPerSample: 2,
      sampleRange,
      naturalRange: [0, low === 0 ? largest : radius ** 2],
      twoValued: product.twoValued && (!signed || product.range[0] === -product.range[1]),
      async draw(count, random, signal) {
        const points = uniformPairs(count, n, random);
        const signs = new Int8Array(count);
        const order = Uint32Array.from({ length: n }, (_, i) => i);
        for (let i = 0; i < count; i++) {
          const distance = drawDistance(kernel, random.uniform());
          signs[i] = kernel.signs[distance];
          // The first `distance` entries of a shuffle are a uniform subset, from whatever order it starts.
          for (let t = 0; t < distance; t++) {
            const other = t + random.integer(n - t);
            const chosen = order[other];
            order[other] = order[t];
            order[t] = chosen;
            flip(points, count + i, chosen);
          }
        }
        const values = await evaluateQuery(f, points, signal);
        return values
          .subarray(0, count)
          .map((value, i) => kernel.price * signs[i] * (value - middle) * (values[count + i] - middle));
      },
    },
    options,
  );
}

function centre(f: QueryFunction): { readonly middle: number; readonly radius: number } {
  checkRange(f);
  return { middle: (f.range[0] + f.range[1]) / 2, radius: (f.range[1] - f.range[0]) / 2 };
}

/** Where f(x) f(y) lies, and whether it has only the two ends as values. */
function products(f: QueryFunction): { readonly range: Interval; readonly twoValued: boolean } {
  const [low, high] = f.range;
  const corners = [low * low, low * high, high * high];
  const range: Interval = [Math.min(...corners), Math.max(...corners)];
  return { range, twoValued: f.twoValued === true && corners.every((c) => c === range[0] || c === range[1]) };
}

function checkRange(f: QueryFunction): void {
  const [low, high] = f.range;
  if (Number.isFinite(low) && Number.isFinite(high) && low <= high) return;
  throw new FewfireError(
    'invalid-argument',
    `the function's range is [${low}, ${high}]; expected finite bounds on its values, without which no interval holds`,
  );
}

function checkCoordinates(f: QueryFunction, coordinates: readonly number[]): number[] {
  const subset = [...coordinates].sort((a, b) => a - b);
  const n = f.coordinateCount;
  if (subset.every((s, j) => Number.isInteger(s) && s >= 0 && s < n && s !== subset[j - 1])) return subset;
  throw new FewfireError(
    'invalid-argument',
    `the subset [${coordinates.join(', ')}]; expected different coordinates from 0 to ${n - 1}`,
  );
}

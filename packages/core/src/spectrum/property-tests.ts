/**
 * Property tests: decide from a few evaluations whether a function has a property
 * or is far from every function that has it. Both are one-sided: a function with
 * the property is never rejected, so a rejection is a proof and carries its
 * witness; an acceptance may be wrong with a stated probability.
 *
 * Distance is the share of the 2^n points on which two functions differ.
 */
import {
  checkConfidenceDelta,
  checkRunOptions,
  createRandom,
  createTurn,
  FewfireError,
  type RunOptions,
  regularizedIncompleteBeta,
} from '../base/index.ts';
import { bitAt, type CubePoints, createCubePoints } from '../cube/index.ts';
import { evaluateQuery, type QueryFunction } from './query.ts';
import { fillUniform, flip, uniformPairs, uniformPoints } from './sampling.ts';

/** Options of `testJunta` and `testLinearity`. */
export interface PropertyTestOptions extends RunOptions {
  /** Functions farther than this from the property must be rejected; in (0, 1). */
  readonly epsilon: number;
  /** Allowed probability of accepting such a function; default 0.05. */
  readonly confidenceDelta?: number | undefined;
}

const ERROR_CHECKS = { epsilon: { need: 'number' }, confidenceDelta: 'number' } as const;

/** What a property test says, and how sure. */
export type PropertyVerdict<Witness> = {
  readonly epsilon: number;
  /** Random trials made. */
  readonly trialCount: number;
  /** Points at which the function was evaluated. */
  readonly evaluationCount: number;
  readonly seed: number;
} & (
  | {
      readonly accepted: true;
      /** A function farther than epsilon from the property is accepted with at most this probability. */
      readonly errorProbability: number;
    }
  | {
      readonly accepted: false;
      /** 0: the witness proves that the function does not have the property (it may still be near one that has). */
      readonly errorProbability: 0;
      readonly witness: Witness;
    }
);

/** Points, as bits (0 for +1, 1 for -1), whose values cannot all belong to one parity. */
export interface LinearityWitness {
  readonly points: readonly Uint8Array[];
  readonly values: readonly number[];
}

/** f(point) differs from f(point with the coordinate flipped): the coordinate is relevant. */
export interface RelevantCoordinate {
  readonly coordinate: number;
  readonly point: Uint8Array;
}

/** The coordinates that were found to matter, each with its proof. */
export interface JuntaDetails {
  /** Coordinates proven relevant on the way, with their proofs, in the order found. */
  readonly relevant: readonly RelevantCoordinate[];
}

/**
 * Is f a parity? The BLR test (Blum, Luby & Rubinfeld 1993): f(x) f(y) = f(xy) at random x, y. By Bellare et al. (1996) a
 * trial fails with probability 1/2 - 1/2 sum f^(S)^3 >= the distance to the nearest parity, so ln(1/confidenceDelta) /
 * -ln(1 - epsilon) trials suffice. With `affine` also minus a parity counts as having the property, and a trial is
 * f(x) f(y) f(z) = f(xyz), which fails with probability 1/2 - 1/2 sum f^(S)^4 >= 2 epsilon (1 - epsilon).
 * @param f into {+1, -1}: `twoValued` with range [-1, 1]
 * @throws FewfireError `invalid-argument` for options out of range; `invalid-data` where the function gives a value
 *   outside of its range; the signal's reason
 * @example
 * ```ts
 * import { testLinearity } from '@fewfire/core';
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
 * const { accepted } = await testLinearity(f, { epsilon: 0.1 });
 * console.log(accepted); // true
 * ```
 */
export async function testLinearity(
  f: QueryFunction,
  options: PropertyTestOptions & { readonly affine?: boolean | undefined },
): Promise<PropertyVerdict<LinearityWitness>> {
  checkRunOptions('testLinearity', options, { ...ERROR_CHECKS, affine: 'boolean' });
  const { epsilon, confidenceDelta, seed } = settingsOf(options);
  if (!f.twoValued || f.range[0] !== -1 || f.range[1] !== 1) {
    throw new FewfireError(
      'invalid-argument',
      `the function has range [${f.range.join(', ')}]${f.twoValued ? '' : ' and is not said to be two-valued'}; expected values +1 and -1 (twoValued, range [-1, 1])`,
    );
  }
  const affine = options.affine === true;
  // No function into {+1, -1} is farther than 1/2 from the affine ones.
  const failure = affine ? 2 * Math.min(epsilon, 0.5) * (1 - Math.min(epsilon, 0.5)) : epsilon;
  const trials = Math.max(1, Math.ceil(Math.log(confidenceDelta) / Math.log1p(-failure)));
  const factors = affine ? 3 : 2;
  const random = createRandom(seed);
  const n = f.coordinateCount;
  let evaluationCount = 0;
  const turn = createTurn(options.signal);
  for (let done = 0; done < trials; ) {
    // Few at first: a function that is far fails at once.
    const count = Math.min(trials - done, Math.max(16, Math.min(done, 2048)));
    const points = createCubePoints((factors + 1) * count, n);
    fillUniform(points, 0, factors * count, random);
    for (let from = 0; from < points.planes.length; from += points.rowCount) {
      for (let i = 0; i < count; i++) {
        let product = 0;
        for (let k = 0; k < factors; k++) product ^= points.planes[from + k * count + i];
        points.planes[from + factors * count + i] = product;
      }
    }
    const values = await evaluateQuery(f, points, options.signal);
    evaluationCount += points.rowCount;
    for (let i = 0; i < count; i++) {
      const rows = Array.from({ length: factors + 1 }, (_, k) => k * count + i);
      if (rows.reduce((product, row) => product * values[row], 1) > 0) continue;
      const witness = { points: rows.map((row) => bitsOf(points, row)), values: rows.map((row) => values[row]) };
      return {
        accepted: false,
        errorProbability: 0,
        witness,
        epsilon,
        trialCount: done + i + 1,
        evaluationCount,
        seed,
      };
    }
    done += count;
    options.onProgress?.({ phase: 'testing linearity', done, total: trials, unit: 'steps' });
    await turn();
  }
  const errorProbability = Math.exp(trials * Math.log1p(-failure));
  return { accepted: true, errorProbability, epsilon, trialCount: trials, evaluationCount, seed };
}

/**
 * Does f depend on at most `size` coordinates? The search of Blais (2009) over single coordinates: with J the coordinates
 * found so far, draw x, and y equal to x on J and fresh elsewhere. If f(x) != f(y), a binary search between them ends at a
 * pair that differs in one new coordinate, which is thereby proven relevant. More than `size` of them reject, with all
 * their proofs.
 *
 * Guarantee: while |J| <= size, a function farther than epsilon from every junta on J has f(x) != f(y) with probability
 * at least epsilon (given x_J, the chance that two independent values differ is at least that of missing the most frequent
 * one). So the number of finds dominates a binomial one, and with T trials such that Pr[Bin(T, epsilon) <= size] <=
 * confidenceDelta, T about (size + ln(1/confidenceDelta)) / epsilon, it is accepted with at most that probability.
 * Evaluations: 2 T, log2(n) per coordinate found, and the pairs of a batch after a find, which are thrown away: at most
 * as many again as were tried since the last find, or 8. f may have any values; they are compared exactly.
 * @throws FewfireError `invalid-argument` for options out of range; `invalid-data` where the function gives a value
 *   outside of its range; the signal's reason
 * @example
 * ```ts
 * import { testJunta } from '@fewfire/core';
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
 * const { accepted, relevant } = await testJunta(f, { size: 2, epsilon: 0.1 });
 * console.log(accepted, relevant.map(({ coordinate }) => coordinate)); // true [ 0, 1 ]
 * ```
 */
export async function testJunta(
  f: QueryFunction,
  options: PropertyTestOptions & { readonly size: number },
): Promise<PropertyVerdict<JuntaDetails> & JuntaDetails> {
  checkRunOptions('testJunta', options, { ...ERROR_CHECKS, size: { need: 'number' } });
  const { epsilon, confidenceDelta, seed } = settingsOf(options);
  const { size } = options;
  if (!Number.isInteger(size) || size < 0) {
    throw new FewfireError('invalid-argument', `the size is ${size}; expected a whole number, at least 0`);
  }
  const trials = juntaTrialCount(size, epsilon, confidenceDelta);
  const random = createRandom(seed);
  const n = f.coordinateCount;
  const relevant: RelevantCoordinate[] = [];
  let evaluationCount = 0;
  const turn = createTurn(options.signal);
  let batch = 8;
  for (let done = 0; done < trials; ) {
    const count = Math.min(batch, trials - done);
    const points = uniformPairs(count, n, random);
    const fresh = uniformPoints(count, n, random);
    for (let p = 0; 8 * p < n; p++) {
      let kept = 0;
      for (const { coordinate } of relevant) if (coordinate >> 3 === p) kept |= 1 << (coordinate & 7);
      for (let i = 0; i < count; i++) {
        const at = p * 2 * count + count + i;
        points.planes[at] = (points.planes[at] & kept) | (fresh.planes[p * count + i] & ~kept);
      }
    }
    const values = await evaluateQuery(f, points, options.signal);
    evaluationCount += 2 * count;
    let found = 0;
    while (found < count && values[found] === values[count + found]) found++;
    if (found === count) {
      done += count;
      // Pairs after a find are thrown away, so a batch is never longer than the search so far since the last find.
      batch = Math.min(2 * batch, 1024);
    } else {
      done += found + 1;
      batch = 8;
      const search = await findRelevant(
        f,
        bitsOf(points, found),
        bitsOf(points, count + found),
        values[found],
        options.signal,
      );
      relevant.push(search.found);
      evaluationCount += search.evaluationCount;
    }
    if (relevant.length > size) {
      const witness = { relevant };
      return {
        accepted: false,
        errorProbability: 0,
        witness,
        relevant,
        epsilon,
        trialCount: done,
        evaluationCount,
        seed,
      };
    }
    options.onProgress?.({ phase: 'testing for a junta', done, total: trials, unit: 'steps' });
    await turn();
  }
  const errorProbability = acceptProbability(trials, size, epsilon);
  return { accepted: true, errorProbability, relevant, epsilon, trialCount: trials, evaluationCount, seed };
}

// From f(x) != f(y) to two points that differ in one coordinate and in value, halving the differences.
async function findRelevant(
  f: QueryFunction,
  x: Uint8Array,
  y: Uint8Array,
  valueAtX: number,
  signal: AbortSignal | undefined,
): Promise<{ found: RelevantCoordinate; evaluationCount: number }> {
  const point = x.slice();
  let differences = Array.from(x.keys()).filter((i) => x[i] !== y[i]);
  let evaluationCount = 0;
  // Always f(point) = valueAtX, and flipping all `differences` of it changes the value.
  while (differences.length > 1) {
    const half = differences.slice(0, differences.length >> 1);
    const between = createCubePoints(1, f.coordinateCount);
    point.forEach((bit, i) => {
      if (bit) flip(between, 0, i);
    });
    for (const i of half) flip(between, 0, i);
    const [value] = await evaluateQuery(f, between, signal);
    evaluationCount++;
    if (value !== valueAtX) differences = half;
    else {
      for (const i of half) point[i] ^= 1;
      differences = differences.slice(half.length);
    }
  }
  return { found: { coordinate: differences[0], point }, evaluationCount };
}

/** Pr[Bin(trials, epsilon) <= size]. */
function acceptProbability(trials: number, size: number, epsilon: number): number {
  return trials <= size ? 1 : regularizedIncompleteBeta(1 - epsilon, trials - size, size + 1);
}

function juntaTrialCount(size: number, epsilon: number, confidenceDelta: number): number {
  let enough = size + 1;
  while (acceptProbability(enough, size, epsilon) > confidenceDelta) enough *= 2;
  let tooFew = size;
  while (enough - tooFew > 1) {
    const middle = Math.floor((enough + tooFew) / 2);
    if (acceptProbability(middle, size, epsilon) > confidenceDelta) tooFew = middle;
    else enough = middle;
  }
  return enough;
}

function bitsOf(points: CubePoints, row: number): Uint8Array {
  return Uint8Array.from({ length: points.coordinateCount }, (_, i) => bitAt(points, row, i));
}

function settingsOf(options: PropertyTestOptions): { epsilon: number; confidenceDelta: number; seed: number } {
  const { epsilon, confidenceDelta = 0.05, seed = 1 } = options;
  checkConfidenceDelta(confidenceDelta);
  if (epsilon > 0 && epsilon < 1) return { epsilon, confidenceDelta, seed };
  throw new FewfireError('invalid-argument', `epsilon is ${epsilon}; expected a distance above 0 and below 1`);
}

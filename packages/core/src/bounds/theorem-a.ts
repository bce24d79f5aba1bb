/**
 * New Theorem A: the weight of a k-sparse network beyond degree d falls like
 * d^(-3/2), faster than the 1/d of the degree certificate, at the price of a
 * factor sqrt(log(s/k)). The proof bounds the noise sensitivity of the
 * derivatives, which are averages of halfspace indicators (docs/theory.md).
 */
import { checkOptions } from '../base/index.ts';
import { checkBound, checkCount, checkPositive, checkScale, checkShare, checkUnits } from './checks.ts';
import { biasFactor } from './lemma-2-1.ts';
import { leastInteger } from './minimise.ts';

/** min(4k, s) Gamma of the class: at most 4k times 2 k W^2 sqrt(ln max(2, s/2k)). */
export function derivativeFactor(options: {
  readonly unitCount: number;
  readonly sparsity: number;
  readonly weightScale: number;
}): number {
  checkUnits(options);
  checkScale('weightScale (W)', options.weightScale);
  const { unitCount: s, sparsity: k, weightScale: W } = options;
  return Math.min(4 * k, s) * W ** 2 * s * biasFactor(Math.min((2 * k) / s, 0.5));
}

/** The summand u_j^2 ||w_j||^2 g*(min(2 p_j, 1/2)) of Gamma; it grows with p_j, so an upper limit may stand for it. */
export function gammaTerm(firingRate: number, squaredScale: number): number {
  checkShare('firingRate (p_j)', firingRate);
  return squaredScale * biasFactor(Math.min(2 * firingRate, 0.5));
}

export interface TheoremATail {
  /** Proven bound of the weight beyond degree d; Infinity at d = 0, of which the theorem says nothing. */
  readonly bound: number;
  /** r, the number of buckets that gives it. */
  readonly bucketCount: number;
}

/**
 * Theorem A: tail beyond d <= 2 / (1 - (1 - 2/r)^d) F / (sqrt(2r) (d+1)) with F = min(4k, s) Gamma and
 * Gamma = sum_j u_j^2 ||w_j||^2 g*(min(2 p_j, 1/2)), for every integer r >= 2; the least over r is returned. Proven
 * for d >= 1 if k holds on the whole cube.
 */
export function theoremATail(options: {
  /** F = min(4k, s) Gamma, of a network or (`derivativeFactor`) of the class. */
  readonly derivativeFactor: number;
  readonly degree: number;
}): TheoremATail {
  checkBound('derivativeFactor', options.derivativeFactor);
  checkCount('degree (d)', options.degree, 0);
  const { bucketCount, factor } = bestBuckets(options.degree);
  return { bound: options.derivativeFactor === 0 ? 0 : options.derivativeFactor * factor, bucketCount };
}

/** The simple form: 13.1 k^2 W^2 sqrt(ln max(2, s/2k)) d^(-3/2) for d >= 1; Infinity at d = 0. Proven. */
export function theoremASimpleTail(options: {
  readonly unitCount: number;
  readonly sparsity: number;
  readonly weightScale: number;
  readonly degree: number;
}): number {
  checkUnits(options);
  checkScale('weightScale (W)', options.weightScale);
  checkCount('degree (d)', options.degree, 0);
  const scale = (options.sparsity * options.weightScale) ** 2;
  return scale === 0 ? 0 : (13.1 * scale * logFactor(options)) / options.degree ** 1.5;
}

/**
 * The least degree d >= 1 with a Theorem A bound of at most epsilon / 2; Infinity beyond the range of a double.
 * @throws FewfireError `invalid-argument` for numbers out of range and options that are not known
 * @example
 * ```ts
 * import { theoremADegree } from '@fewfire/core';
 *
 * console.log(theoremADegree({ derivativeFactor: 4, epsilon: 0.1 })); // 25
 * ```
 */
export function theoremADegree(options: { readonly derivativeFactor: number; readonly epsilon: number }): number {
  checkOptions('theoremADegree', options, { derivativeFactor: 'any', epsilon: 'any' });
  checkBound('derivativeFactor', options.derivativeFactor);
  checkPositive('epsilon', options.epsilon);
  const most = options.epsilon / 2 / options.derivativeFactor;
  if (most === 0) return Number.POSITIVE_INFINITY;
  return leastInteger(1, (d) => bestBuckets(d).factor <= most * (1 + 1e-12));
}

/** The degree of the simple form: (26.2 k^2 W^2 sqrt(ln max(2, s/2k)) / epsilon)^(2/3), rounded up, at least 1. */
export function theoremASimpleDegree(options: {
  readonly unitCount: number;
  readonly sparsity: number;
  readonly weightScale: number;
  readonly epsilon: number;
}): number {
  checkUnits(options);
  checkScale('weightScale (W)', options.weightScale);
  checkPositive('epsilon', options.epsilon);
  const scale = (options.sparsity * options.weightScale) ** 2;
  return Math.max(1, Math.ceil(((26.2 * scale * logFactor(options)) / options.epsilon) ** (2 / 3)));
}

function logFactor(options: { readonly unitCount: number; readonly sparsity: number }): number {
  return Math.sqrt(Math.log(Math.max(2, options.unitCount / (2 * options.sparsity))));
}

// The least over r >= 2 of 2 / ((1 - (1 - 2/r)^d) sqrt(2r) (d+1)). For large d the best r is 1.59 d: with y = 2d/r the
// factor is least where e^y = 1 + 2y, at y = 1.2564.
function bestBuckets(degree: number): { readonly bucketCount: number; readonly factor: number } {
  const factorOf = (r: number): number =>
    2 / (-Math.expm1(degree * Math.log1p(-2 / r)) * Math.sqrt(2 * r) * (degree + 1));
  let bucketCount = Math.max(2, Math.round(degree * (2 / 1.2564312086261697)));
  if (degree === 0) return { bucketCount, factor: Number.POSITIVE_INFINITY };
  let factor = factorOf(bucketCount);
  for (const step of [-1, 1]) {
    for (;;) {
      const next = bucketCount + step;
      if (next < 2 || next === bucketCount) break;
      const nextFactor = factorOf(next);
      if (!(nextFactor < factor)) break;
      bucketCount = next;
      factor = nextFactor;
    }
  }
  return { bucketCount, factor };
}

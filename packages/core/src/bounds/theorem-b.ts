/**
 * New Theorem B: Conjecture 5.5 up to log^(3/2) m. The Rademacher complexity
 * of k-sparse networks is at most of order M sqrt(s k / m), without the number
 * of coordinates. The proof chains over covers of the linear functions and
 * keeps every link on the points where its unit is active (docs/theory.md).
 */

import { type ChecksOf, checkOptions } from '../base/index.ts';
import { checkCount, checkPositive, checkScale, checkUnits } from './checks.ts';
import { CLASS_CHECKS } from './lemma-3-2.ts';
import { product } from './minimise.ts';

/** The class under any distribution, on a sample of m points with ||x|| <= R. */
export interface SampledClass {
  /** n, the number of coordinates. */
  readonly inputCount: number;
  readonly unitCount: number;
  /** k: at most so many units are active on any point of the support. */
  readonly sparsity: number;
  readonly weightScale: number;
  readonly biasScale: number;
  /** R >= ||x||. */
  readonly radius: number;
  /** m. */
  readonly sampleCount: number;
}

export const SAMPLED_CHECKS: ChecksOf<SampledClass> = { ...CLASS_CHECKS, radius: 'any', sampleCount: 'any' };

/** The bound of Theorem B and how it came about. */
export interface TheoremB {
  /** M sqrt(sk/m) times the least over K of 2^(1-K) sqrt(m) + sum_l 4 2^-l sqrt(2 (e_l + e_{l-1} + ln 2)). Proven. */
  readonly bound: number;
  /** K, the number of levels of the chain that gives it. */
  readonly levelCount: number;
  /**
   * The same with sqrt(2sk/m) and ln 2 + ln(2 + log2 m) in place of sqrt(sk/m) and ln 2: what a proof by peeling over
   * the number of active points gives. Never smaller than `bound`.
   */
  readonly peeledBound: number;
}

/** M = W R + B: the largest value of one unit. */
export function unitValueBound(options: SampledClass): number {
  checkSampledClass(options);
  return options.weightScale * options.radius + options.biasScale;
}

/** @throws FewfireError `invalid-argument` */
export function checkSampledClass(options: SampledClass): void {
  checkCount('inputCount (n)', options.inputCount);
  checkUnits(options);
  checkScale('weightScale (W)', options.weightScale);
  checkScale('biasScale (B)', options.biasScale);
  checkPositive('radius (R)', options.radius);
  checkCount('sampleCount (m)', options.sampleCount);
}

/**
 * Theorem B: the empirical Rademacher complexity of the class, with log cover sizes e_0 = 0 and
 * e_l = min(4 4^l ln(2m) + ln 2, (n+1) ln(1 + 2^(l+1))) at scale M 2^-l.
 * @throws FewfireError `invalid-argument` for numbers out of range and options that are not known
 * @example
 * ```ts
 * import { theoremB } from '@fewfire/core';
 *
 * const shape = {
 *   inputCount: 16,
 *   unitCount: 64,
 *   sparsity: 2,
 *   weightScale: 1,
 *   biasScale: 0.5,
 *   radius: 4,
 *   sampleCount: 1000,
 * };
 * console.log(theoremB(shape).bound.toFixed(1)); // 65.4
 * ```
 */
export function theoremB(options: SampledClass): TheoremB {
  checkOptions('theoremB', options, SAMPLED_CHECKS);
  const largest = unitValueBound(options);
  const { inputCount: n, unitCount: s, sparsity: k, sampleCount: m } = options;
  const plain = chain(n, m, Math.LN2);
  const peeled = chain(n, m, Math.LN2 + Math.log(2 + Math.log2(m)));
  const scale = Math.sqrt(s) * Math.sqrt(k / m);
  return {
    bound: product(largest, scale * plain.sum),
    levelCount: plain.levelCount,
    peeledBound: product(largest, Math.SQRT2 * scale * peeled.sum),
  };
}

function chain(n: number, m: number, extra: number): { readonly sum: number; readonly levelCount: number } {
  const root = Math.sqrt(m);
  const lnPoints = Math.log(2 * m);
  let least = Number.POSITIVE_INFINITY;
  let levelCount = 1;
  let links = 0;
  let before = 0;
  // Beyond 2^-l sqrt(m) < 1 a further level can gain at most the remainder, which has become small.
  for (let level = 1; level <= 64; level++) {
    const coverSize = Math.min(4 * 4 ** level * lnPoints + Math.LN2, (n + 1) * Math.log1p(2 ** (level + 1)));
    links += 4 * 2 ** -level * Math.sqrt(2 * (coverSize + before + extra));
    before = coverSize;
    const sum = 2 ** (1 - level) * root + links;
    if (sum < least) {
      least = sum;
      levelCount = level;
    }
  }
  return { sum: least, levelCount };
}

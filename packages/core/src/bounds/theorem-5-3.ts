/**
 * Theorem 5.3: the Rademacher complexity of the class under any distribution,
 * beside the classical bound that ignores sparsity, the trivial one, and
 * Theorem B. At practical sizes any of them may be the least.
 */
import { checkOptions } from '../base/index.ts';
import { lnHalfspaceCuts } from './log-binomial.ts';
import { leastOverEta, paperLog, product } from './minimise.ts';
import { SAMPLED_CHECKS, type SampledClass, theoremB, unitValueBound } from './theorem-b.ts';

/** Bounds of the Rademacher complexity of a class, by each form. */
export interface RademacherBounds {
  /** O(M sqrt(s k n log(k m (R + B)) / m)) with constant 1 and its log at least 1: for comparison, not a bound. */
  readonly published: number;
  /** The least over eta of M sqrt(2 s k ln(2 (n+1) N / eta) / m) + eta k M, N Cover's number. Proven. */
  readonly explicit: number;
  /** 2 s M / sqrt(m): contraction for every unit, no sparsity. Proven, classical. */
  readonly classical: number;
  /** k M: the largest value. Proven. */
  readonly trivial: number;
  /** Theorem B. Proven, not peer reviewed. */
  readonly new: number;
  /** The least of the proven ones. */
  readonly least: number;
}

/**
 * Theorem 5.3 and its companions: bounds of the empirical Rademacher complexity, M = W R + B.
 * @throws FewfireError `invalid-argument` for numbers out of range and options that are not known
 * @example
 * ```ts
 * import { rademacherBounds } from '@fewfire/core';
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
 * console.log(rademacherBounds(shape).least.toFixed(1)); // 9.0
 * ```
 */
export function rademacherBounds(options: SampledClass): RademacherBounds {
  checkOptions('rademacherBounds', options, SAMPLED_CHECKS);
  const largest = unitValueBound(options);
  const { inputCount: n, unitCount: s, sparsity: k, sampleCount: m } = options;
  const lnSize = Math.log(k) + Math.log(m) + Math.log(options.radius + options.biasScale);
  const root = Math.sqrt(s) * Math.sqrt(k / m);
  const published = product(largest, root * Math.sqrt(n * paperLog(lnSize)));
  const lnEvents = Math.LN2 + Math.log(n + 1) + lnHalfspaceCuts(options);
  const explicit = product(
    largest,
    leastOverEta((t) => root * Math.sqrt(2 * (lnEvents + t)) + k * Math.exp(-t)),
  );
  const classical = product(largest, 2 * (s / Math.sqrt(m)));
  const trivial = k * largest;
  const { bound } = theoremB(options);
  return { published, explicit, classical, trivial, new: bound, least: Math.min(explicit, classical, trivial, bound) };
}

/**
 * Theorem 3.1: the degree and the number of uniform samples that learn the
 * class to square error epsilon, and the degree certificate of the new
 * Lemma 3.2.
 */
import { checkOptions } from '../base/index.ts';
import {
  checkBound,
  checkClass,
  checkConfidence,
  checkCount,
  checkPositive,
  checkScale,
  checkUnits,
} from './checks.ts';
import { lowDegreeSampleCounts } from './lemma-2-3.ts';
import { averageSensitivityBound, CLASS_CHECKS, type NetworkClass, valueBound } from './lemma-3-2.ts';
import { noiseSensitivityBounds } from './lemma-3-4.ts';
import { ceilCount, leastInteger, paperLog } from './minimise.ts';
import { derivativeFactor, theoremADegree } from './theorem-a.ts';

/** A degree and the samples it takes. */
export interface LearningCost {
  /** The degree the statement asks for; may be beyond n, or Infinity. */
  readonly statedDegree: number;
  /** The degree to use: the stated one, or n if that is smaller (then the fit is exact and the statement empty). */
  readonly degree: number;
  /** Uniform samples, by Lemma 2.3 at `degree`; Infinity beyond the range of a double. */
  readonly sampleCount: number;
}

/** What learning costs by each form of Theorem 3.1. */
export interface LearningCosts {
  /** The paper's Theta() and O() with constant 1: a scale for comparison, not a guarantee. */
  readonly published: LearningCost;
  /** The paper's route with all constants (explicit Lemma 3.4, Claim 1, Lemma 2.3): proven. */
  readonly explicit: LearningCost;
  /** The degree certificate or Theorem A, whichever is smaller, with Lemma 2.3: proven, not peer reviewed. */
  readonly new: LearningCost;
}

/**
 * Theorem 3.1. Published: degree (k^8 W^4 log^4(ns) + k^6 B^4 log s) / epsilon^2 and n^d k^2 (W sqrt(n) + B)^2
 * log(1/delta) / epsilon samples.
 * @throws FewfireError `invalid-argument` for numbers out of range and options that are not known
 * @example
 * ```ts
 * import { uniformLearningCosts } from '@fewfire/core';
 *
 * const costs = uniformLearningCosts({
 *   inputCount: 100,
 *   unitCount: 64,
 *   sparsity: 2,
 *   weightScale: 1,
 *   biasScale: 0.5,
 *   epsilon: 0.5,
 *   confidenceDelta: 0.05,
 * });
 * console.log(costs.new.degree); // 48
 * ```
 */
export function uniformLearningCosts(
  options: NetworkClass & { readonly epsilon: number; readonly confidenceDelta: number },
): LearningCosts {
  checkOptions('uniformLearningCosts', options, { ...CLASS_CHECKS, epsilon: 'any', confidenceDelta: 'any' });
  checkClass(options);
  checkPositive('epsilon', options.epsilon);
  checkConfidence('confidenceDelta', options.confidenceDelta);
  const { inputCount: n, unitCount: s, sparsity: k, weightScale: W, biasScale: B } = options;
  const { epsilon, confidenceDelta } = options;
  const largest = valueBound(options);
  const lowDegree = (statedDegree: number): LearningCost => {
    const degree = Math.min(n, statedDegree);
    const counts = lowDegreeSampleCounts({ inputCount: n, degree, valueBound: largest, epsilon, confidenceDelta });
    return { statedDegree, degree, sampleCount: counts.least };
  };
  const stated = Math.ceil(
    ((k ** 4 * W ** 2 * paperLog(Math.log(n) + Math.log(s)) ** 2) / epsilon) ** 2 +
      ((k ** 3 * B ** 2) / epsilon) ** 2 * paperLog(Math.log(s)),
  );
  const publishedDegree = Math.min(n, stated);
  const lnPublished =
    publishedDegree * Math.log(n) + 2 * Math.log(largest) + Math.log(-Math.log(confidenceDelta)) - Math.log(epsilon);
  return {
    published: {
      statedDegree: stated,
      degree: publishedDegree,
      sampleCount: Math.max(1, Math.ceil(Math.exp(lnPublished))),
    },
    explicit: lowDegree(explicitDegree(options)),
    new: lowDegree(
      Math.min(
        classDegreeCertificate(options),
        theoremADegree({ derivativeFactor: derivativeFactor(options), epsilon }),
      ),
    ),
  };
}

// The least r - 1 with 2 / (1 - e^-2) NS_{1/r} <= epsilon / 2 by the explicit Lemma 3.4 (Claim 1 at delta = 1/r).
function explicitDegree(options: NetworkClass & { readonly epsilon: number }): number {
  const { inputCount, unitCount, sparsity, weightScale, biasScale } = options;
  const given = { inputCount, unitCount, sparsity, weightScale, biasScale };
  const most = (options.epsilon / 4) * -Math.expm1(-2);
  return (
    leastInteger(2, (r) => noiseSensitivityBounds({ ...given, noiseDelta: Math.max(1 / r, 1e-300) }).explicit <= most) -
    1
  );
}

/**
 * The degree certificate of a class: beyond degree ceil(8 k^2 W^2 / epsilon) - 1 every k-sparse network has weight at
 * most epsilon / 2; no smaller degree works for all of them once s >= k 2^degree and n >= degree. With fewer than 2k
 * units (give unitCount) ceil(4 s k W^2 / epsilon) - 1 will do. Proven.
 */
export function classDegreeCertificate(options: {
  readonly unitCount?: number | undefined;
  readonly sparsity: number;
  readonly weightScale: number;
  readonly epsilon: number;
}): number {
  const { unitCount, sparsity: k, weightScale: W, epsilon } = options;
  if (unitCount === undefined) checkCount('sparsity (k)', k);
  else checkUnits({ unitCount, sparsity: k });
  checkScale('weightScale (W)', W);
  const averageSensitivity = 2 * Math.min(2 * k, unitCount ?? Number.POSITIVE_INFINITY) * k * W ** 2;
  return degreeFromAverageSensitivity({ averageSensitivity, epsilon });
}

/**
 * The degree certificate of one network: ceil(4 min(2k, s) Q / epsilon) - 1, at most ceil(8 k Q / epsilon) - 1. A
 * certificate only if k holds on the whole cube and Q is exact or too large.
 * @throws FewfireError `invalid-argument` for numbers out of range and options that are not known
 * @example
 * ```ts
 * import { networkDegreeCertificate } from '@fewfire/core';
 *
 * console.log(networkDegreeCertificate({ unitCount: 64, sparsity: 1, scaledFiring: 0.2, epsilon: 0.1 })); // 15
 * ```
 */
export function networkDegreeCertificate(options: {
  readonly unitCount: number;
  readonly sparsity: number;
  readonly scaledFiring: number;
  readonly epsilon: number;
}): number {
  checkOptions('networkDegreeCertificate', options, {
    unitCount: 'any',
    sparsity: 'any',
    scaledFiring: 'any',
    epsilon: 'any',
  });
  const { epsilon, ...network } = options;
  return degreeFromAverageSensitivity({
    averageSensitivity: averageSensitivityBound(network),
    epsilon,
  });
}

/** The least degree d with AS / (d + 1) <= epsilon / 2. Proven, for AS exact or a bound. */
export function degreeFromAverageSensitivity(options: {
  readonly averageSensitivity: number;
  readonly epsilon: number;
}): number {
  checkBound('averageSensitivity', options.averageSensitivity);
  checkPositive('epsilon', options.epsilon);
  return Math.max(0, ceilCount(2 * (options.averageSensitivity / options.epsilon)) - 1);
}

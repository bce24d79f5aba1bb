/**
 * Lemma 2.3: how many uniform samples the low-degree algorithm needs, for the
 * one-pass estimator and for least squares. D = D(n, d) is the number of
 * monomials of degree at most d.
 */
import { checkOptions } from '../base/index.ts';
import { checkBound, checkConfidence, checkCount, checkPositive, checkScale } from './checks.ts';
import { lnMonomialCount } from './log-binomial.ts';
import { product } from './minimise.ts';

/** Samples that suffice for the one-pass estimator, by two proofs. */
export interface LowDegreeSampleCounts {
  /** 4 C^2 D ln(2D/delta) / epsilon: Hoeffding for every coefficient, then a union bound. */
  readonly unionBound: number;
  /** 2 C^2 D (1 + sqrt(2 ln(1/delta)))^2 / epsilon: McDiarmid for the norm of the error. */
  readonly boundedDifferences: number;
  /** The smaller of the two. */
  readonly least: number;
}

/**
 * Lemma 2.3, one-pass estimator f~(S) = mean(y chi_S): with so many uniform samples, |y| <= C and a tail beyond d of
 * at most epsilon / 2, the square error is at most epsilon with probability 1 - confidenceDelta. Proven, agnostic.
 * Whole numbers, rounded up; Infinity beyond the range of a double.
 * @throws FewfireError `invalid-argument` for numbers out of range and options that are not known
 * @example
 * ```ts
 * import { lowDegreeSampleCounts } from '@fewfire/core';
 *
 * const counts = lowDegreeSampleCounts({
 *   inputCount: 20,
 *   degree: 2,
 *   valueBound: 1,
 *   epsilon: 0.1,
 *   confidenceDelta: 0.05,
 * });
 * console.log(counts); // { unionBound: 76304, boundedDifferences: 50163, least: 50163 }
 * ```
 */
export function lowDegreeSampleCounts(options: {
  readonly inputCount: number;
  readonly degree: number;
  /** C >= |y|. */
  readonly valueBound: number;
  readonly epsilon: number;
  readonly confidenceDelta: number;
}): LowDegreeSampleCounts {
  checkOptions('lowDegreeSampleCounts', options, {
    inputCount: 'any',
    degree: 'any',
    valueBound: 'any',
    epsilon: 'any',
    confidenceDelta: 'any',
  });
  const lnD = lnMonomialCount(options);
  checkBound('valueBound (C)', options.valueBound);
  checkPositive('epsilon', options.epsilon);
  checkConfidence('confidenceDelta', options.confidenceDelta);
  const lnDelta = Math.log(options.confidenceDelta);
  const lnScale = 2 * Math.log(options.valueBound) + lnD - Math.log(options.epsilon);
  const root = 1 + Math.sqrt(-2 * lnDelta);
  const unionBound = roundUp(Math.exp(Math.log(4) + lnScale + Math.log(Math.LN2 + lnD - lnDelta)));
  const boundedDifferences = roundUp(Math.exp(Math.LN2 + lnScale + 2 * Math.log(root)));
  return { unionBound, boundedDifferences, least: Math.min(unionBound, boundedDifferences) };
}

/**
 * Least squares: with m >= 6.52 D ln(D/delta) uniform samples the Gram matrix of the monomials has least eigenvalue
 * at least 1/2 with probability 1 - confidenceDelta (matrix Chernoff; 6.52 > 1 / (1/2 - ln(2)/2)). Proven.
 */
export function regressionSampleCount(options: {
  readonly inputCount: number;
  readonly degree: number;
  readonly confidenceDelta: number;
}): number {
  const lnD = lnMonomialCount(options);
  checkConfidence('confidenceDelta', options.confidenceDelta);
  return roundUp(Math.exp(Math.log(6.52) + lnD + Math.log(lnD - Math.log(options.confidenceDelta))));
}

/**
 * The error of least squares on m uniform samples, on the event that the Gram matrix has least eigenvalue at least
 * 1/2 (`regressionSampleCount`): E[error; event] <= tail + 4 D (tail + noise variance) / m. Proven.
 */
export function regressionErrorBound(options: {
  readonly inputCount: number;
  readonly degree: number;
  readonly sampleCount: number;
  /** Weight of the target beyond the degree, exact or a bound. */
  readonly tailWeight: number;
  readonly noiseVariance: number;
}): number {
  const lnD = lnMonomialCount(options);
  checkCount('sampleCount (m)', options.sampleCount);
  checkBound('tailWeight', options.tailWeight);
  checkScale('noiseVariance', options.noiseVariance);
  const { tailWeight, noiseVariance, sampleCount } = options;
  return tailWeight + product(4 * Math.exp(lnD - Math.log(sampleCount)), tailWeight + noiseVariance);
}

// Up, but not because of the last bits of an exponential.
function roundUp(x: number): number {
  return Math.max(1, Math.ceil(x * (1 - 1e-12)));
}

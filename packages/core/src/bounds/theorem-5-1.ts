/**
 * Theorem 5.1: how many samples of any distribution determine a network of the
 * class to square error epsilon by (intractable) empirical risk minimisation.
 */

import { checkOptions } from '../base/index.ts';
import { checkConfidence, checkPositive } from './checks.ts';
import { CLASS_CHECKS } from './lemma-3-2.ts';
import { leastInteger } from './minimise.ts';
import { rademacherBounds } from './theorem-5-3.ts';
import { checkSampledClass, type SampledClass } from './theorem-b.ts';

/** Samples that suffice under any distribution, by each form of Theorem 5.1. */
export interface AnyDistributionSampleCounts {
  /**
   * (C_H^2 M^2 s k n + C_H^4 ln(1/delta)) / epsilon^2 with C_H = k M: the paper's O~ with constant 1 and without its
   * logarithms, and with the factor C_H^2 that the printed form lacks. For comparison, not a guarantee.
   */
  readonly published: number;
  /** With all constants and the explicit Theorem 5.3. Proven. */
  readonly explicit: number;
  /** With the least of Theorem 5.3, Theorem B and the bounds without sparsity. Proven, not peer reviewed. */
  readonly new: number;
}

/**
 * Theorem 5.1 for realisable data, |y| <= C_H = k M. Explicit and new: the least m with
 * 8 C_H R(m) + 4 C_H^2 sqrt(2 ln(2/delta) / m) <= epsilon, from Shalev-Shwartz and Ben-David, Theorem 26.5 and
 * Lemma 26.9, the square loss being 4 C_H-Lipschitz and at most 4 C_H^2. Infinity beyond 2^53.
 * @throws FewfireError `invalid-argument` for numbers out of range and options that are not known
 * @example
 * ```ts
 * import { anyDistributionSampleCounts } from '@fewfire/core';
 *
 * const counts = anyDistributionSampleCounts({
 *   inputCount: 10,
 *   unitCount: 20,
 *   sparsity: 1,
 *   weightScale: 1,
 *   biasScale: 1,
 *   radius: 3,
 *   epsilon: 0.5,
 *   confidenceDelta: 0.05,
 * });
 * console.log(counts.new.toExponential(1), counts.explicit.toExponential(1)); // 1.1e+8 5.5e+8
 * ```
 */
export function anyDistributionSampleCounts(
  options: Omit<SampledClass, 'sampleCount'> & { readonly epsilon: number; readonly confidenceDelta: number },
): AnyDistributionSampleCounts {
  checkOptions('anyDistributionSampleCounts', options, {
    ...CLASS_CHECKS,
    radius: 'any',
    epsilon: 'any',
    confidenceDelta: 'any',
  });
  checkSampledClass({ ...options, sampleCount: 1 });
  checkPositive('epsilon', options.epsilon);
  checkConfidence('confidenceDelta', options.confidenceDelta);
  const { inputCount: n, unitCount: s, sparsity: k, epsilon, confidenceDelta } = options;
  const M = options.weightScale * options.radius + options.biasScale;
  if (M === 0) return { published: 1, explicit: 1, new: 1 };
  // Divided through by M^2 every quantity is a pure number and nothing overflows early.
  const unit = { inputCount: n, unitCount: s, sparsity: k, weightScale: 0, biasScale: 1, radius: 1 };
  const target = epsilon / M / M;
  const published = (k ** 3 * s * n + k ** 4 * -Math.log(confidenceDelta)) / target / target;
  const enough = (form: 'explicit' | 'least'): number => {
    const holds = (m: number): boolean => {
      const complexity = rademacherBounds({ ...unit, sampleCount: m })[form];
      return 8 * k * complexity + 4 * k * k * Math.sqrt((2 * Math.log(2 / confidenceDelta)) / m) <= target;
    };
    const most = Number.MAX_SAFE_INTEGER;
    if (!holds(most)) return Number.POSITIVE_INFINITY;
    return leastInteger(1, (m) => holds(Math.min(m, most)));
  };
  return { published: Math.max(1, Math.ceil(published)), explicit: enough('explicit'), new: enough('least') };
}

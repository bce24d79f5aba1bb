/**
 * Lemma 3.2: the average sensitivity of a sparsely activated network. The
 * published form grows with sqrt(n) and log s; the new one, 4 k^2 W^2, has
 * neither n nor s nor B, and is met with equality (docs/theory.md).
 */
import { type ChecksOf, checkOptions, FewfireError } from '../base/index.ts';
import { checkBound, checkClass, checkCount, checkScale, checkShare } from './checks.ts';
import { biasFactorSum } from './lemma-2-1.ts';
import { leastOverEta, paperLog, product } from './minimise.ts';

/** The scale of a class of networks, in the paper's letters. */
export interface NetworkClass {
  /** n, the number of coordinates. */
  readonly inputCount: number;
  /** s, the number of units. */
  readonly unitCount: number;
  /** k: at most so many units are active on any point of the cube. */
  readonly sparsity: number;
  /** W = max_j |u_j| ||w_j||. */
  readonly weightScale: number;
  /** B = max_j |u_j b_j|. */
  readonly biasScale: number;
}

/** What their values can be, the statements say. */
export const CLASS_CHECKS: ChecksOf<NetworkClass> = {
  inputCount: 'any',
  unitCount: 'any',
  sparsity: 'any',
  weightScale: 'any',
  biasScale: 'any',
};

/** A statement as published, with its constants, and sharpened. */
export interface StatementForms {
  /** The paper's O() with constant 1, and its log at least 1: a scale for comparison, not a bound. */
  readonly published: number;
  /** The paper's proof with all constants: a proven bound. */
  readonly explicit: number;
  /** This project's statement: a proven bound, not peer reviewed. */
  readonly new: number;
}

/** C_H = k (W sqrt(n) + B): the largest value of a network of the class on the cube. */
export function valueBound(options: NetworkClass): number {
  checkClass(options);
  return options.sparsity * (options.weightScale * Math.sqrt(options.inputCount) + options.biasScale);
}

/**
 * Lemma 3.2 for a class. Published: O(k^4 W^2 sqrt(n) log(ns) + k^3 B^2 sqrt(log s)). Explicit: the least over eta in
 * (0, 1) of k^2 W^2 + 2 sqrt(2n) G k^2 (W sqrt(2 ln(2s/eta)) + B)^2 + eta n C_H^2. New: 2 min(2k, s) k W^2, which is
 * 4 k^2 W^2 for s >= 2k and never above the explicit form (4 k^2 W^2 can be, at s = 1).
 * @throws FewfireError `invalid-argument` for numbers out of range and options that are not known
 * @example
 * ```ts
 * import { averageSensitivityBounds } from '@fewfire/core';
 *
 * const bounds = averageSensitivityBounds({ inputCount: 16, unitCount: 64, sparsity: 2, weightScale: 1, biasScale: 0.5 });
 * // 4 k^2 W^2
 * console.log(bounds.new); // 16
 * ```
 */
export function averageSensitivityBounds(options: NetworkClass): StatementForms {
  checkOptions('averageSensitivityBounds', options, CLASS_CHECKS);
  checkClass(options);
  const { inputCount: n, unitCount: s, sparsity: k, weightScale: W, biasScale: B } = options;
  const published =
    k ** 4 * W ** 2 * Math.sqrt(n) * paperLog(Math.log(n) + Math.log(s)) +
    k ** 3 * B ** 2 * Math.sqrt(paperLog(Math.log(s)));
  const lnFailure = Math.log(n) + 2 * Math.log(valueBound(options));
  const factor = 2 * Math.sqrt(2 * n) * biasFactorSum(s, k);
  const explicit =
    (k * W) ** 2 +
    leastOverEta((t) => product(factor, largeValue(options, t)) + Math.exp(Math.min(lnFailure - t, 1e6)));
  return { published, explicit, new: 2 * Math.min(2 * k, s) * k * W ** 2 };
}

/** (k (W sqrt(2 ln(2s/eta)) + B))^2: above it the square of a network lies with probability at most eta = e^-t. */
export function largeValue(options: NetworkClass, t: number): number {
  const { unitCount: s, sparsity: k, weightScale: W, biasScale: B } = options;
  return (k * (W * Math.sqrt(2 * (Math.LN2 + Math.log(s) + t)) + B)) ** 2;
}

/**
 * New Lemma 3.2 for a given network: AS <= 2 min(2k, s) Q <= 4 k Q, with Q = sum_j p_j u_j^2 ||w_j||^2. Proven if k
 * holds on the whole cube and Q is exact or too large; k = 0 is allowed (a network of dead units).
 * @throws FewfireError `invalid-argument` for numbers out of range and options that are not known
 * @example
 * ```ts
 * import { averageSensitivityBound } from '@fewfire/core';
 *
 * // 2 min(2k, s) Q
 * console.log(averageSensitivityBound({ unitCount: 64, sparsity: 2, scaledFiring: 0.5 })); // 4
 * ```
 */
export function averageSensitivityBound(options: {
  readonly unitCount: number;
  readonly sparsity: number;
  /** Q = sum_j p_j u_j^2 ||w_j||^2, with p_j the probability that unit j is active. */
  readonly scaledFiring: number;
}): number {
  checkOptions('averageSensitivityBound', options, { unitCount: 'any', sparsity: 'any', scaledFiring: 'any' });
  checkCount('unitCount (s)', options.unitCount, 0);
  checkCount('sparsity (k)', options.sparsity, 0, options.unitCount);
  checkBound('scaledFiring (Q)', options.scaledFiring);
  return product(2 * Math.min(2 * options.sparsity, options.unitCount), options.scaledFiring);
}

/**
 * New Lemma 3.2 by groups: if the units split into groups of which at most one unit each is active (the trees of a
 * forest, the colour classes of a conflict graph), AS <= (sum_c sqrt(2 min(2, s_c) Q_c))^2 <= (sum_c 2 sqrt(Q_c))^2,
 * since sqrt(AS) is a seminorm. Proven.
 */
export function groupedAverageSensitivityBound(options: {
  /** Q_c of every group. */
  readonly scaledFirings: ArrayLike<number>;
  /** s_c of every group; without it every group counts as two units or more. */
  readonly unitCounts?: ArrayLike<number> | undefined;
}): number {
  const { scaledFirings, unitCounts } = options;
  if (unitCounts !== undefined && unitCounts.length !== scaledFirings.length) {
    throw new FewfireError(
      'invalid-argument',
      `unitCounts has ${unitCounts.length} entries; expected one per group, ${scaledFirings.length}`,
    );
  }
  let sum = 0;
  for (let c = 0; c < scaledFirings.length; c++) {
    checkBound(`scaledFirings[${c}] (Q_c)`, scaledFirings[c]);
    if (unitCounts !== undefined) checkCount(`unitCounts[${c}] (s_c)`, unitCounts[c]);
    sum += Math.sqrt(2 * Math.min(2, unitCounts?.[c] ?? 2) * scaledFirings[c]);
  }
  return sum * sum;
}

/**
 * Remark 3.5 with the new lemma: if more than k units are active on a share q of the cube, then
 * AS <= 2 min(2k, s) Q + 2 q s sum_j u_j^2 ||w_j||^2, and AS <= 2 s Q anyway; the smaller is returned. Proven.
 */
export function averageSensitivityBoundWithExceedance(options: {
  readonly unitCount: number;
  readonly sparsity: number;
  readonly scaledFiring: number;
  /** sum_j u_j^2 ||w_j||^2. */
  readonly squaredScaleSum: number;
  /** q, the probability that more than k units are active, exact or an upper limit. */
  readonly exceedanceShare: number;
}): number {
  const { unitCount, sparsity, scaledFiring } = options;
  const sparse = averageSensitivityBound({ unitCount, sparsity, scaledFiring });
  checkScale('squaredScaleSum', options.squaredScaleSum);
  checkShare('exceedanceShare (q)', options.exceedanceShare);
  const extra = product(2 * options.exceedanceShare * options.unitCount, options.squaredScaleSum);
  return Math.min(sparse + extra, product(2 * options.unitCount, options.scaledFiring));
}

/**
 * Candidates for the choice from the lasso or elastic net: a path of lambdas at
 * one degree, all folds in step, each lambda starting from the last solution.
 * Every lambda gives two candidates, the solution as it is and least squares on
 * its terms (the relaxed lasso): the second is what predicts best when few terms
 * are true, since it need not shrink them to keep the false ones out.
 */

import { createElasticNetSolver, type ElasticNetSolver } from './elastic-net.ts';
import { activeLimitOf } from './elastic-net-fit.ts';
import {
  type Candidate,
  type Consider,
  type FoldContext,
  type FoldTerms,
  foldScores,
  foldTerms,
  foldWeights,
} from './folds.ts';
import type { Hierarchy } from './hierarchy.ts';
import { isSpent, type Work } from './work.ts';

export interface SparsePathOptions {
  readonly l1Ratio: number;
  readonly hierarchy: Hierarchy;
  readonly memoryLimitBytes: number | undefined;
  /** Only refitted candidates may be chosen, so the path ends by their errors. */
  readonly refitsOnly: boolean;
  /** When it is spent, the path ends with the lambdas it has been through: at least the largest, the constant's. */
  readonly work: Work;
}

/** Lambdas tried at most, and the ratio of neighbours: from the largest down to 1/2,048 of it. */
export const SPARSE_PATH_LENGTH = 12;
const LAMBDA_RATIO = 0.5;
const GAP_TOLERANCE = 1e-4;
/** Where columns depend on one another, small lambdas take more passes than they are worth: the path ends there. */
const MAX_PASSES = 100;
/** In standard deviations of the target. */
const REFIT_TOLERANCE = 1e-5;
/** More terms than this per row are not sparse: the path ends there. */
const MAX_TERMS_PER_ROW = 0.25;
const FEWEST_TERMS = 100;
/** Errors that differ by less are those of the same terms. */
const SAME_ERROR = 1e-6;

/**
 * @returns `settled` false when the path ended after its first lambda, which leaves nothing but the constant; `stopped`
 *   when its work was spent
 */
export async function trySparsePath(
  context: FoldContext,
  options: SparsePathOptions,
  consider: Consider,
): Promise<{ readonly settled: boolean; readonly stopped: boolean }> {
  const { operator, points, excluded, target, rowWeights: weights, foldOf, heldOutCount, signal } = context;
  const { l1Ratio, hierarchy, work } = options;
  const termLimit = Math.max(FEWEST_TERMS, Math.floor(MAX_TERMS_PER_ROW * target.length));
  // What is active is more than what is not zero.
  const activeLimit = Math.min(activeLimitOf(options.memoryLimitBytes, target.length, heldOutCount), 4 * termLimit);
  const solvers: ElasticNetSolver[] = [];
  let lambdaMax = 0;
  for (let fold = 0; fold < heldOutCount; fold++) {
    const rowWeights = foldWeights(foldOf, fold, weights);
    solvers.push(await createElasticNetSolver({ operator, points, excluded, target, rowWeights, activeLimit, work }));
    lambdaMax = Math.max(lambdaMax, await solvers[fold].lambdaMax({ l1Ratio, hierarchy, signal }));
  }
  if (lambdaMax === 0) lambdaMax = 1; // a constant target: the same constant for any lambda
  const plain = new Float64Array(target.length);
  const relaxed = new Float64Array(target.length);
  let lowest = Number.POSITIVE_INFINITY;
  let rises = 0;
  for (let k = 0; k < SPARSE_PATH_LENGTH; k++) {
    const rounded = Number((lambdaMax * LAMBDA_RATIO ** k).toPrecision(3));
    // The first is never below the largest: at the largest the constant is the solution in every fold.
    const lambda = k === 0 ? Math.max(lambdaMax, rounded) : rounded;
    let converged = true;
    let refitConverged = true;
    let termCount = 0;
    const plainTerms: FoldTerms[] = [];
    const relaxedTerms: FoldTerms[] = [];
    for (const [fold, solver] of solvers.entries()) {
      const solution = await solver.solve({
        lambda,
        l1Ratio,
        hierarchy,
        gapTolerance: GAP_TOLERANCE,
        maxIterations: MAX_PASSES,
        signal,
      });
      const refit = await solver.refit({ tolerance: REFIT_TOLERANCE, signal });
      converged &&= solution.converged;
      refitConverged &&= refit.converged;
      termCount += solution.activeCount / heldOutCount;
      plainTerms.push(foldTerms(solution.coefficients));
      relaxedTerms.push(foldTerms(refit.coefficients));
      for (let i = 0; i < target.length; i++) {
        if (foldOf[i] !== fold) continue;
        plain[i] = solution.predictions[i];
        relaxed[i] = refit.predictions[i];
      }
      context.onFit();
      if (k > 0 && isSpent(work)) return { settled: k > 1, stopped: true };
    }
    if (termCount > termLimit || (!converged && k > 0)) return { settled: k > 1, stopped: false };
    const shared = {
      method: l1Ratio === 1 ? 'lasso' : 'elastic-net',
      degree: operator.plan.degree,
      lambda,
      basis: 'parity',
      l1Ratio,
      hierarchy,
      termCount,
    } as const;
    const candidates: Candidate[] = [
      { ...shared, refit: false, ...foldScores(context, plain), converged },
      { ...shared, refit: true, ...foldScores(context, relaxed), converged: converged && refitConverged },
    ];
    consider(candidates[0], plain, plainTerms);
    consider(candidates[1], relaxed, relaxedTerms);
    const now = !options.refitsOnly && candidates[0].mse < candidates[1].mse ? candidates[0] : candidates[1];
    // On a stretch of lambdas with the same terms the error stays: neither a rise, nor a reason to forget one.
    if (now.mse < lowest * (1 - SAME_ERROR)) rises = 0;
    else if (now.mse > lowest * (1 + SAME_ERROR)) rises++;
    // Beyond the lowest error false terms come in by the hundreds, and each step costs more than all before it.
    if (rises === 2 || now.mse > lowest + now.standardError) break;
    lowest = Math.min(lowest, now.mse);
  }
  return { settled: true, stopped: false };
}

/**
 * The sparsest of the refitted candidates whose error is within one standard error of the lowest (glmnet's lambda.1se):
 * what a reader of the terms wants, the lowest error itself lets false terms in. Of several with equally many terms, the
 * middle one: the farthest from a lambda with a term more and from one with a term less. undefined where there is none.
 */
export function chooseSparsest<T extends { readonly candidate: Candidate }>(tried: readonly T[]): T | undefined {
  const relaxed = tried.filter(({ candidate }) => candidate.refit);
  if (relaxed.length === 0) return undefined;
  const best = relaxed.reduce((low, entry) => (entry.candidate.mse < low.candidate.mse ? entry : low));
  const limit = best.candidate.mse + best.candidate.standardError;
  const within = relaxed.filter(({ candidate }) => candidate.mse <= limit);
  const fewest = Math.min(...within.map(({ candidate }) => candidate.termCount));
  const sparsest = within.filter(({ candidate }) => candidate.termCount === fewest);
  // Equally sparse at several degrees: the lowest.
  const degree = Math.min(...sparsest.map(({ candidate }) => candidate.degree));
  const equals = sparsest.filter(({ candidate }) => candidate.degree === degree);
  return equals[(equals.length - 1) >> 1];
}

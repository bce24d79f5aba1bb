/**
 * From a choice to a fit: whatever method a candidate has, fitted at its degree
 * and penalty. A candidate's lambda means something else for each method, so it
 * must go to the learner of that method and to no other.
 */
import type { CoordinateColumn, CubePoints } from '../cube/index.ts';
import { fitBoosted } from './boosted-fit.ts';
import type { BoostingOptions } from './boosting.ts';
import { fitElasticNet } from './elastic-net-fit.ts';
import type { Candidate } from './folds.ts';
import { fitLogistic } from './logistic.ts';
import { estimateLowDegree, fitLowDegree, type LowDegreeFit, type LowDegreeOptions } from './low-degree.ts';
import { fitStacked } from './stacked-fit.ts';

export interface CandidateFitOptions extends Omit<LowDegreeOptions, 'degree'> {
  /** Of least squares, ridge and the logistic loss, as their learners have them. */
  readonly tolerance?: number;
  readonly maxIterations?: number;
  /** Of boosting. */
  readonly loss?: BoostingOptions['loss'];
  readonly columns?: readonly CoordinateColumn[];
  readonly seed?: number;
  /** Of stacking: whether these are the coordinates that the candidate was chosen on. */
  readonly sameCoordinates?: boolean;
  /** Of stacking: how many outputs share the time there is. Default 1. */
  readonly outputCount?: number;
}

/** @throws FewfireError as the learner of the candidate's method */
export function fitCandidate(
  points: CubePoints,
  target: Float64Array,
  candidate: Candidate,
  options: CandidateFitOptions = {},
): Promise<LowDegreeFit> {
  const { degree, lambda, basis, l1Ratio, hierarchy, refit } = candidate;
  const { tolerance, maxIterations, loss, columns, seed, sameCoordinates, outputCount, ...shared } = options;
  const stop = {
    ...(tolerance === undefined ? {} : { tolerance }),
    ...(maxIterations === undefined ? {} : { maxIterations }),
  };
  switch (candidate.method) {
    case 'lasso':
    case 'elastic-net':
      return fitElasticNet(points, target, { ...shared, degree, lambda, l1Ratio, hierarchy, refit });
    case 'estimate':
      return estimateLowDegree(points, target, { ...shared, degree });
    case 'boosting': {
      const { roundCount = 0 } = candidate;
      return fitBoosted(points, target, { ...shared, degree, roundCount, ...{ loss, columns, seed } });
    }
    case 'stacking':
      return fitStacked(points, target, {
        ...shared,
        degree,
        candidate,
        ...{ loss, columns, seed, sameCoordinates, outputCount },
      });
    case 'logistic':
      return fitLogistic(points, target, { ...shared, ...stop, degree, lambda });
    default:
      return fitLowDegree(points, target, { ...shared, ...stop, degree, lambda, basis });
  }
}

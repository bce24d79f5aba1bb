/**
 * Weights of predictions that are added: the non-negative ones of least loss on rows held out (Wolpert 1992; Breiman's
 * stacked regressions, 1996). What a prediction says beyond the best constant is what counts, so that all weights 0 are
 * the constant.
 */
import { logisticSlope, sigmoid, softplus } from './logit.ts';

export type StackedLoss = 'squared' | 'logistic';

const MOST_SWEEPS = 100;
/**
 * What a weight costs, its square times as much as half a row of loss 1: next to nothing, but where predictions separate the
 * classes any larger weight is better, and the best one infinite.
 */
const WEIGHT_COST = 1;
/** A sweep that moves no weight further is the last one. */
const LEAST_MOVE = 1e-3;

/** (p - y)^2, or log(1 + exp(-y p)). */
export function lossOf(value: number, target: number, loss: StackedLoss): number {
  return loss === 'squared' ? (value - target) ** 2 : softplus(-target * value);
}

/**
 * @param predictions of each part, one per row
 * @param constant the best one
 * @param rowWeights 0 for rows that say nothing
 */
export function stackingWeights(
  predictions: readonly Float64Array[],
  constant: number,
  target: Float64Array,
  rowWeights: Float64Array | undefined,
  loss: StackedLoss,
): number[] {
  const weights = predictions.map(() => 0);
  const values = new Float64Array(target.length).fill(constant);
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let moved = 0;
    for (const [k, part] of predictions.entries()) {
      // Newton's step along one weight: the curve of the loss is at most what it is at the steepest.
      let slope = loss === 'logistic' ? WEIGHT_COST * weights[k] : 0;
      let curvature = loss === 'logistic' ? WEIGHT_COST : 0;
      for (let row = 0; row < target.length; row++) {
        const weight = rowWeights === undefined ? 1 : rowWeights[row];
        if (weight === 0) continue;
        const direction = part[row] - constant;
        if (loss === 'squared') {
          slope += weight * (values[row] - target[row]) * direction;
          curvature += weight * direction * direction;
        } else {
          slope -= weight * target[row] * sigmoid(-target[row] * values[row]) * direction;
          curvature += weight * logisticSlope(values[row]) * direction * direction;
        }
      }
      if (!(curvature > 0)) continue;
      const next = Math.max(0, weights[k] - slope / curvature);
      const step = next - weights[k];
      if (!Number.isFinite(step) || step === 0) continue;
      for (let row = 0; row < target.length; row++) values[row] += step * (part[row] - constant);
      weights[k] = next;
      moved = Math.max(moved, Math.abs(step));
    }
    if (moved < LEAST_MOVE) break;
  }
  return weights;
}

/**
 * How good predictions are: squared error and R2 for numbers; accuracy, AUC and log-loss for classes. Each takes the
 * rows' weights (scikit-learn's `sample_weight`); without them every row counts the same.
 */
import { FewfireError } from '../base/index.ts';

type Weights = ArrayLike<number> | undefined;

/** Mean of one number per row. NaN without rows. */
export function weightedMean(values: ArrayLike<number>, weights?: ArrayLike<number>): number {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    const weight = weights === undefined ? 1 : weights[i];
    sum += weight * values[i];
    total += weight;
  }
  return sum / total;
}

/** @throws FewfireError `invalid-argument` for another number of rows in one of them */
function sameRows(first: ArrayLike<number>, ...others: readonly (ArrayLike<number> | undefined)[]): number {
  for (const other of others) {
    if (other === undefined || other.length === first.length) continue;
    throw new FewfireError(
      'invalid-argument',
      `there are ${first.length} and ${other.length} numbers; expected one per row in each`,
    );
  }
  return first.length;
}

function meanOver(count: number, weights: Weights, value: (row: number) => number): number {
  return weightedMean(
    Float64Array.from({ length: count }, (_, row) => value(row)),
    weights,
  );
}

/**
 * Mean squared error, in squared units of the target.
 * @param weights how much each row counts; the same for all without it
 * @example
 * ```ts
 * import { meanSquaredError } from '@fewfire/core';
 *
 * console.log(meanSquaredError([1, 2], [1, 4])); // 2
 * ```
 */
export function meanSquaredError(
  target: ArrayLike<number>,
  prediction: ArrayLike<number>,
  weights?: ArrayLike<number>,
): number {
  return meanOver(sameRows(target, prediction, weights), weights, (i) => (target[i] - prediction[i]) ** 2);
}

/**
 * 1 - (squared error) / (squared error of the mean of these targets); NaN when the targets are all equal.
 * @example
 * ```ts
 * import { rSquared } from '@fewfire/core';
 *
 * console.log(rSquared([1, 2, 3], [1, 2, 4])); // 0.5
 * ```
 */
export function rSquared(
  target: ArrayLike<number>,
  prediction: ArrayLike<number>,
  weights?: ArrayLike<number>,
): number {
  sameRows(target, prediction, weights);
  const center = weightedMean(target, weights);
  const variance = meanOver(target.length, weights, (i) => (target[i] - center) ** 2);
  return variance > 0 ? 1 - meanSquaredError(target, prediction, weights) / variance : Number.NaN;
}

/**
 * Share of rows whose class is right; exactly 0.5 counts as the negative class.
 * @param positive 1 for rows of the positive class, else 0
 * @param probability of the positive class
 * @param weights how much each row counts; the same for all without it
 * @example
 * ```ts
 * import { accuracy } from '@fewfire/core';
 *
 * console.log(accuracy([1, 0, 1], [0.9, 0.2, 0.4]).toFixed(3)); // 0.667
 * ```
 */
export function accuracy(
  positive: ArrayLike<number>,
  probability: ArrayLike<number>,
  weights?: ArrayLike<number>,
): number {
  return meanOver(sameRows(positive, probability, weights), weights, (i) =>
    probability[i] > 0.5 === (positive[i] === 1) ? 1 : 0,
  );
}

/**
 * Area under the ROC curve: the chance that a random positive row scores above a random negative one, ties counting
 * half. NaN with one class only.
 * @param positive 1 for rows of the positive class, else 0
 * @param score larger for rows that are more likely positive, in any unit
 * @param weights how much each row counts; the same for all without it
 * @example
 * ```ts
 * import { areaUnderCurve } from '@fewfire/core';
 *
 * console.log(areaUnderCurve([1, 0, 1, 0], [0.9, 0.2, 0.4, 0.4])); // 0.875
 * ```
 */
export function areaUnderCurve(
  positive: ArrayLike<number>,
  score: ArrayLike<number>,
  weights?: ArrayLike<number>,
): number {
  const order = Array.from({ length: sameRows(positive, score, weights) }, (_, i) => i).sort(
    (a, b) => score[a] - score[b],
  );
  let pairs = 0;
  let positives = 0;
  let negatives = 0;
  for (let start = 0; start < order.length; ) {
    let end = start;
    let yes = 0;
    let no = 0;
    for (; end < order.length && score[order[end]] === score[order[start]]; end++) {
      const weight = weights === undefined ? 1 : weights[order[end]];
      if (positive[order[end]] === 1) yes += weight;
      else no += weight;
    }
    pairs += yes * (negatives + no / 2);
    positives += yes;
    negatives += no;
    start = end;
  }
  return positives > 0 && negatives > 0 ? pairs / (positives * negatives) : Number.NaN;
}

/** The same from the scores of the positive rows and of the negative ones, each of weight 1; sorts both in place. */
export function areaOfScores(positives: Float64Array, negatives: Float64Array): number {
  if (positives.length === 0 || negatives.length === 0) return Number.NaN;
  positives.sort();
  negatives.sort();
  let pairs = 0;
  let below = 0;
  let upTo = 0;
  for (const score of positives) {
    while (below < negatives.length && negatives[below] < score) below++;
    while (upTo < negatives.length && negatives[upTo] <= score) upTo++;
    pairs += (below + upTo) / 2;
  }
  return pairs / (positives.length * negatives.length);
}

/**
 * Mean of -log(probability of the true class), in nats; probabilities are kept 1e-15 away from 0 and 1.
 * @param positive 1 for rows of the positive class, else 0
 * @param probability of the positive class
 * @param weights how much each row counts; the same for all without it
 * @example
 * ```ts
 * import { logLoss } from '@fewfire/core';
 *
 * console.log(logLoss([1, 0], [0.5, 0.5]).toFixed(4)); // 0.6931
 * ```
 */
export function logLoss(
  positive: ArrayLike<number>,
  probability: ArrayLike<number>,
  weights?: ArrayLike<number>,
): number {
  const rowCount = sameRows(positive, probability, weights);
  return meanOver(rowCount, weights, (i) => surprise(positive[i] === 1 ? probability[i] : 1 - probability[i]));
}

/** Mean of -log(probability of the true class) over several classes: `truth[i]` is the position of row i's class. */
export function multiclassLogLoss(
  truth: ArrayLike<number>,
  probabilities: readonly ArrayLike<number>[],
  weights?: ArrayLike<number>,
): number {
  return meanOver(truth.length, weights, (i) => surprise(probabilities[truth[i]][i]));
}

/** What it costs in nats that a class of this probability is the true one; the probability is kept 1e-15 away from 0 and 1. */
export function surprise(probability: number): number {
  return -Math.log(Math.min(1 - 1e-15, Math.max(1e-15, probability)));
}

/** How good predictions are: squared error and R2 for numbers, accuracy, AUC and log-loss for two classes. */

/** Mean squared error. */
export function meanSquaredError(target: ArrayLike<number>, prediction: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < target.length; i++) sum += (target[i] - prediction[i]) ** 2;
  return sum / target.length;
}

/** 1 - (squared error) / (squared error of the mean of these targets); NaN when the targets are all equal. */
export function rSquared(target: ArrayLike<number>, prediction: ArrayLike<number>): number {
  let mean = 0;
  for (let i = 0; i < target.length; i++) mean += target[i] / target.length;
  let total = 0;
  for (let i = 0; i < target.length; i++) total += (target[i] - mean) ** 2;
  return total > 0 ? 1 - (meanSquaredError(target, prediction) * target.length) / total : Number.NaN;
}

/** Share of rows whose class is right; exactly 0.5 counts as the negative class. `positive[i]` is 1 or 0. */
export function accuracy(positive: ArrayLike<number>, probability: ArrayLike<number>): number {
  let right = 0;
  for (let i = 0; i < positive.length; i++) if (probability[i] > 0.5 === (positive[i] === 1)) right++;
  return right / positive.length;
}

/**
 * Area under the ROC curve: the chance that a random positive row scores above a random negative one, ties counting
 * half. NaN with one class only.
 */
export function areaUnderCurve(positive: ArrayLike<number>, score: ArrayLike<number>): number {
  const order = Array.from({ length: positive.length }, (_, i) => i).sort((a, b) => score[a] - score[b]);
  let positives = 0;
  let rankSum = 0;
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && score[order[end]] === score[order[start]]) end++;
    const rank = (start + end + 1) / 2; // mean of the ranks start+1 .. end
    for (let k = start; k < end; k++) {
      if (positive[order[k]] === 1) {
        positives++;
        rankSum += rank;
      }
    }
    start = end;
  }
  const negatives = positive.length - positives;
  return positives > 0 && negatives > 0
    ? (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives)
    : Number.NaN;
}

/** Mean of -log(probability of the true class), in nats; probabilities are kept 1e-15 away from 0 and 1. */
export function logLoss(positive: ArrayLike<number>, probability: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < positive.length; i++) {
    const p = Math.min(1 - 1e-15, Math.max(1e-15, probability[i]));
    sum -= Math.log(positive[i] === 1 ? p : 1 - p);
  }
  return sum / positive.length;
}

// The figures of the table, from predictions and the truth, in plain code that shares nothing with fewfire's: what is
// checked does not check itself.

/** Of a normal distribution, two-sided 95 %. */
const Z95 = 1.959963984540054;

/** Probabilities are not taken to be smaller: one row predicted with certainty and wrong costs 34.5. */
const LEAST_PROBABILITY = 1e-15;

/** Bins of equal width, the usual number (Guo et al. 2017). */
const CALIBRATION_BINS = 15;

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Standard error of a mean of independent values. */
function standardError(values) {
  const center = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}

/**
 * @param {readonly number[]} truth positions among the classes, -1 for a class that is not among them
 * @param {readonly number[]} predicted positions among the classes
 * @param {readonly (readonly number[])[]} probabilities one row of them for each row
 */
export function classMeasures(truth, predicted, probabilities) {
  const right = truth.map((k, i) => (k === predicted[i] ? 1 : 0));
  const logLosses = truth.map((k, i) => -Math.log(Math.max(LEAST_PROBABILITY, probabilities[i][k] ?? 0)));
  return {
    score: mean(right),
    /** 1 or 0 for each row: their mean is the score. */
    scores: right,
    logLoss: mean(logLosses),
    calibrationError: calibrationError(
      right,
      truth.map((_, i) => probabilities[i][predicted[i]]),
    ),
  };
}

/** Expected calibration error: how far, bin by bin, the chance given to the predicted class is from how often it is right. */
export function calibrationError(right, chances) {
  const bins = Array.from({ length: CALIBRATION_BINS }, () => 0);
  chances.forEach((chance, i) => {
    bins[Math.min(CALIBRATION_BINS - 1, Math.floor(chance * CALIBRATION_BINS))] += chance - right[i];
  });
  return bins.reduce((sum, gap) => sum + Math.abs(gap), 0) / chances.length;
}

/** R2 against the mean of these rows, and each row's part in it. */
export function numberMeasures(truth, predicted) {
  const center = mean(truth);
  const variance = mean(truth.map((value) => (value - center) ** 2));
  const squaredErrors = truth.map((value, i) => (value - predicted[i]) ** 2);
  const scores = squaredErrors.map((error) => 1 - error / variance);
  return { score: variance > 0 ? mean(scores) : Number.NaN, scores, squaredErrors };
}

/** Wilson's interval for a share: it has a width even where all rows are right. */
export function wilsonInterval(right) {
  const n = right.length;
  const share = mean(right);
  const center = (share + Z95 ** 2 / (2 * n)) / (1 + Z95 ** 2 / n);
  const half = (Z95 * Math.sqrt((share * (1 - share)) / n + Z95 ** 2 / (4 * n * n))) / (1 + Z95 ** 2 / n);
  return { value: share, low: center - half, high: center + half };
}

/** The mean of losses and its 95 % normal-theory interval. */
export function meanInterval(losses) {
  const value = mean(losses);
  const half = Z95 * standardError(losses);
  return { value, low: value - half, high: value + half };
}

/**
 * Whether a claimed 95 % interval for a mean holds what other rows gave. Those rows are a sample too, so the two meet by
 * "square and add" (Newcombe's interval for a difference): the claim holds if the difference of the two estimates is at
 * most sqrt(h1^2 + h2^2), h1 being the half of the claimed interval that faces the other value, h2 the half of that
 * value's own interval that faces the claim.
 * @param {{ estimate: number, low: number, high: number }} claimed
 * @param {{ value: number, low: number, high: number }} rest
 */
export function holds({ estimate, low, high }, rest) {
  const [h1, h2] =
    rest.value > estimate ? [high - estimate, rest.value - rest.low] : [estimate - low, rest.high - rest.value];
  return {
    inside: low <= rest.value && rest.value <= high,
    holds: Math.abs(rest.value - estimate) <= Math.hypot(h1, h2),
  };
}

/** Difference of two scores on the same rows, with the standard error of the paired differences. */
export function pairedDifference(scores, others) {
  const differences = scores.map((score, i) => score - others[i]);
  return { difference: mean(differences), standardError: standardError(differences) };
}

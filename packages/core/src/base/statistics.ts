/**
 * Intervals that hold for every distribution (or exactly for counts), so that an
 * estimate never stands without one. All take `confidenceDelta`, the allowed
 * probability of being wrong; the confidence is 1 - confidenceDelta.
 *
 * Counts: Clopper & Pearson (1934), exact, through the regularised incomplete beta
 * function. Bounded numbers: Hoeffding (1963), and empirical Bernstein (Maurer &
 * Pontil 2009), which is far narrower when the variance is small.
 */
import { FewfireError } from './errors.ts';

/** [low, high]. */
export type Interval = readonly [number, number];

const LOG_SQRT_2PI = 0.918_938_533_204_672_7;

/** @throws FewfireError `invalid-argument` unless 0 < confidenceDelta < 1 */
export function checkConfidenceDelta(confidenceDelta: number): void {
  if (confidenceDelta > 0 && confidenceDelta < 1) return;
  throw new FewfireError(
    'invalid-argument',
    `confidenceDelta is ${confidenceDelta}; expected the allowed probability of error, above 0 and below 1, as in 0.05`,
  );
}

/**
 * I_x(a, b), the distribution function of Beta(a, b) at x; Pr[Bin(n, x) >= k] = I_x(k, n - k + 1).
 * Relative error about 1e-14 plus what rounding x itself costs (1e-12 at a + b = 3e8).
 * @param x in [0, 1]
 * @param a above 0
 * @param b above 0
 */
export function regularizedIncompleteBeta(x: number, a: number, b: number): number {
  if (!(x >= 0 && x <= 1 && a > 0 && b > 0 && Number.isFinite(a + b))) {
    throw new FewfireError(
      'invalid-argument',
      `the incomplete beta function at x=${x}, a=${a}, b=${b}; expected x from 0 to 1, a and b positive`,
    );
  }
  if (x === 0 || x === 1) return x;
  return Math.exp(logIncompleteBeta(x, 1 - x, a, b));
}

/**
 * Exact two-sided limits for the chance p of an event seen `successCount` times in `trialCount` independent trials:
 * Pr[p outside] <= confidenceDelta for every p, half of it on each side (Clopper & Pearson 1934).
 * @throws FewfireError `invalid-argument` for counts that are not whole, not in order, or above 1e12 trials
 */
export function clopperPearsonInterval(successCount: number, trialCount: number, confidenceDelta: number): Interval {
  return [
    clopperPearsonLowerLimit(successCount, trialCount, confidenceDelta / 2),
    clopperPearsonUpperLimit(successCount, trialCount, confidenceDelta / 2),
  ];
}

/** The p with Pr[Bin(trialCount, p) <= successCount] = confidenceDelta: the true chance is above it with at most that probability. */
export function clopperPearsonUpperLimit(successCount: number, trialCount: number, confidenceDelta: number): number {
  checkCounts(successCount, trialCount);
  checkConfidenceDelta(confidenceDelta);
  if (successCount === trialCount) return 1;
  // Solved for 1 - p, whose tail is the small one.
  const t = betaQuantileLogit(confidenceDelta, trialCount - successCount, successCount + 1);
  return 1 / (1 + Math.exp(t));
}

/** The p with Pr[Bin(trialCount, p) >= successCount] = confidenceDelta: the true chance is below it with at most that probability. */
export function clopperPearsonLowerLimit(successCount: number, trialCount: number, confidenceDelta: number): number {
  checkCounts(successCount, trialCount);
  checkConfidenceDelta(confidenceDelta);
  if (successCount === 0) return 0;
  const t = betaQuantileLogit(confidenceDelta, successCount, trialCount - successCount + 1);
  return 1 / (1 + Math.exp(-t));
}

/**
 * Half the width of the two-sided interval around the mean of independent numbers in a range of width `rangeWidth`:
 * rangeWidth sqrt(ln(2/confidenceDelta) / (2 sampleCount)) (Hoeffding 1963, Theorem 2, a union bound over the sides).
 */
export function hoeffdingHalfWidth(sampleCount: number, rangeWidth: number, confidenceDelta: number): number {
  checkConfidenceDelta(confidenceDelta);
  checkSamples(sampleCount, 1);
  return rangeWidth * Math.sqrt(Math.log(2 / confidenceDelta) / (2 * sampleCount));
}

/** mean -+ `hoeffdingHalfWidth`, cut to `range`. */
export function hoeffdingInterval(
  mean: number,
  sampleCount: number,
  range: Interval,
  confidenceDelta: number,
): Interval {
  return around(mean, hoeffdingHalfWidth(sampleCount, range[1] - range[0], confidenceDelta), range);
}

/** The least number of samples whose Hoeffding half width is at most `accuracy`. */
export function hoeffdingSampleCount(accuracy: number, rangeWidth: number, confidenceDelta: number): number {
  checkConfidenceDelta(confidenceDelta);
  if (!(accuracy > 0)) {
    throw new FewfireError('invalid-argument', `the accuracy is ${accuracy}; expected a positive half width`);
  }
  return Math.max(1, Math.ceil((rangeWidth / accuracy) ** 2 * (Math.log(2 / confidenceDelta) / 2)));
}

/**
 * Half the width of the two-sided empirical Bernstein interval: with L = ln(4/confidenceDelta),
 * sqrt(2 V L / m) + 7 rangeWidth L / (3 (m - 1)), V the unbiased sample variance of the m numbers.
 * Maurer & Pontil (2009), Theorem 4, whose one-sided form has ln(2/delta), used on both sides at confidenceDelta / 2.
 */
export function empiricalBernsteinHalfWidth(
  sampleVariance: number,
  sampleCount: number,
  rangeWidth: number,
  confidenceDelta: number,
): number {
  checkConfidenceDelta(confidenceDelta);
  checkSamples(sampleCount, 2);
  const log = Math.log(4 / confidenceDelta);
  return Math.sqrt((2 * sampleVariance * log) / sampleCount) + (7 * rangeWidth * log) / (3 * (sampleCount - 1));
}

/** mean -+ `empiricalBernsteinHalfWidth`, cut to `range`. */
export function empiricalBernsteinInterval(
  mean: number,
  sampleVariance: number,
  sampleCount: number,
  range: Interval,
  confidenceDelta: number,
): Interval {
  const width = range[1] - range[0];
  return around(mean, empiricalBernsteinHalfWidth(sampleVariance, sampleCount, width, confidenceDelta), range);
}

/**
 * z with Pr[N(0,1) <= z] = p, to about 1e-15 relative: algorithm AS241 (Wichura 1988), PPND16.
 * @throws FewfireError `invalid-argument` unless 0 < p < 1
 */
export function normalQuantile(p: number): number {
  if (!(p > 0 && p < 1)) {
    throw new FewfireError('invalid-argument', `the normal quantile at ${p}; expected a probability inside (0, 1)`);
  }
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * horner(CENTRE_NUMERATOR, r)) / horner(CENTRE_DENOMINATOR, r);
  }
  const r = Math.sqrt(-Math.log(q <= 0 ? p : 1 - p));
  const z =
    r <= 5
      ? horner(MIDDLE_NUMERATOR, r - 1.6) / horner(MIDDLE_DENOMINATOR, r - 1.6)
      : horner(FAR_NUMERATOR, r - 5) / horner(FAR_DENOMINATOR, r - 5);
  return q < 0 ? -z : z;
}

// Coefficients of AS241, from the highest power down, as the nearest doubles.
const CENTRE_NUMERATOR = [
  2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
  133.14166789178438, 3.3871328727963665,
];
const CENTRE_DENOMINATOR = [
  5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
  42.31333070160091, 1,
];
const MIDDLE_NUMERATOR = [
  0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
  5.769497221460691, 4.630337846156546, 1.4234371107496835,
];
const MIDDLE_DENOMINATOR = [
  1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
  1.6763848301838038, 2.053191626637759, 1,
];
const FAR_NUMERATOR = [
  2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124, 0.29656057182850487,
  1.7848265399172913, 5.463784911164114, 6.657904643501103,
];
const FAR_DENOMINATOR = [
  2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133, 0.014875361290850615,
  0.1369298809227358, 0.599832206555888, 1,
];

function horner(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
}

function around(mean: number, halfWidth: number, range: Interval): Interval {
  return [Math.max(range[0], mean - halfWidth), Math.min(range[1], mean + halfWidth)];
}

function checkSamples(sampleCount: number, least: number): void {
  if (Number.isInteger(sampleCount) && sampleCount >= least) return;
  throw new FewfireError(
    'invalid-argument',
    `the sample count is ${sampleCount}; expected a whole number, at least ${least}`,
  );
}

function checkCounts(successCount: number, trialCount: number): void {
  const whole = Number.isInteger(successCount) && Number.isInteger(trialCount);
  // Beyond 1e12 the continued fraction takes a million terms and its rounding shows.
  if (whole && successCount >= 0 && successCount <= trialCount && trialCount >= 1 && trialCount <= 1e12) return;
  throw new FewfireError(
    'invalid-argument',
    `${successCount} successes in ${trialCount} trials; expected whole numbers, 0 <= successes <= trials, and 1 to 1e12 trials`,
  );
}

/**
 * logit of the x with I_x(a, b) = q. Newton on ln I over the logit: that is a concave increasing function (the density of
 * the logit is log-concave), so from any start the iterates reach the left of the root in one step and then only rise.
 */
function betaQuantileLogit(q: number, a: number, b: number): number {
  const target = Math.log(q);
  let t = Math.log(a / b);
  for (let step = 0; step < 200; step++) {
    const x = 1 / (1 + Math.exp(-t));
    const y = 1 / (1 + Math.exp(t));
    const value = logIncompleteBeta(x, y, a, b);
    const slope = Math.exp(logBetaPower(x, y, a, b) - value);
    const change = (value - target) / slope;
    t -= change;
    // Quadratic convergence: after a step this small the next would be below rounding.
    if (Math.abs(change) <= 1e-9 * Math.min(1, Math.abs(t) + 1e-3)) break;
  }
  return t;
}

/** ln I_x(a, b), y = 1 - x given separately so that neither loses digits; finite even where I underflows. */
function logIncompleteBeta(x: number, y: number, a: number, b: number): number {
  const excess = excessOf(x, y, a, b);
  const power = logBetaPower(x, y, a, b);
  if (excess >= 0) return power + Math.log(betaFraction(x, y, a, b, excess));
  const upper = power + Math.log(betaFraction(y, x, b, a, -excess));
  return Math.log1p(-Math.exp(Math.min(upper, -Number.EPSILON)));
}

/** a - (a + b) x, from whichever of x and y is small: the other is rounded too coarsely to be multiplied by a + b. */
function excessOf(x: number, y: number, a: number, b: number): number {
  return y < x ? (a + b) * y - b : a - (a + b) * x;
}

/**
 * The continued fraction of I_x(a, b) B(a, b) / (x^a y^b) for x <= a / (a + b), in the form of DiDonato & Morris (1992,
 * TOMS 708, BFRAC): written with the excess, because the usual form cancels when x is near 1 and a is large. Converges in
 * about sqrt(max(a, b)) terms.
 */
function betaFraction(x: number, y: number, a: number, b: number, excess: number): number {
  const c = 1 + excess;
  const c1 = 1 + 1 / a;
  let numerator = 1;
  let denominator = c / c1;
  let lastNumerator = 0;
  let lastDenominator = 1;
  let result = c1 / c;
  for (let n = 1; n <= 1e8; n++) {
    const s = a + 2 * n - 1;
    const w = n * (b - n) * x;
    const p = 1 + (n - 1) / a;
    const alpha = p * (p + b / a) * (a / s) ** 2 * (w * x);
    const beta = n + w / s + ((n / a + 1) / (c1 + (2 * n) / a)) * (c + n * (1 + y));
    const nextNumerator = alpha * lastNumerator + beta * numerator;
    const nextDenominator = alpha * lastDenominator + beta * denominator;
    const next = nextNumerator / nextDenominator;
    if (Math.abs(next - result) <= 1e-15 * next) return next;
    result = next;
    // Scaled so that the newest denominator is 1.
    lastNumerator = numerator / nextDenominator;
    lastDenominator = denominator / nextDenominator;
    numerator = next;
    denominator = 1;
  }
  throw new FewfireError('not-converged', `the incomplete beta function at x=${x}, a=${a}, b=${b} did not converge`);
}

/**
 * ln( x^a y^b / B(a, b) ) by Loader's saddle-point form (2000): log-gammas of large arguments would cancel and leave six
 * digits at 1e9 trials.
 */
function logBetaPower(x: number, y: number, a: number, b: number): number {
  const n = a + b;
  const excess = excessOf(x, y, a, b);
  const binomial =
    stirlingError(n) - stirlingError(a) - stirlingError(b) - deviance(a, n * x, excess) - deviance(b, n * y, -excess);
  // The density of the binomial continued to real a, b, times a b / (a + b).
  return binomial - LOG_SQRT_2PI + 0.5 * Math.log((a / n) * b);
}

/** ln Gamma(z + 1) - ln( sqrt(2 pi z) (z/e)^z ), z > 0: 1/(12 z) and so on. */
function stirlingError(z: number): number {
  let sum = 0;
  // Up by the recurrence to where the series is exact to rounding.
  while (z < 16) {
    sum += (z + 0.5) * Math.log1p(1 / z) - 1;
    z++;
  }
  const s = 1 / (z * z);
  return sum + (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - (s * 691) / 360360))))) / z;
}

/** a ln(a / m) + m - a without cancellation near a = m; `excess` is a - m. */
function deviance(a: number, m: number, excess: number): number {
  if (Math.abs(excess) >= 0.1 * (a + m)) return a * Math.log(a / m) - excess;
  const v = excess / (a + m);
  let sum = excess * v;
  let term = 2 * a * v;
  for (let j = 1; j < 1000; j++) {
    term *= v * v;
    const next = sum + term / (2 * j + 1);
    if (next === sum) break;
    sum = next;
  }
  return sum;
}

/** ln n!; by Stirling's series from 20 on, which is within 1e-12 there. */
export function logFactorial(n: number): number {
  if (n < 20) {
    let product = 1;
    for (let i = 2; i <= n; i++) product *= i;
    return Math.log(product);
  }
  const x = n + 1;
  return (
    (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5)
  );
}

/**
 * The logarithm of the two-sided p-value of Fisher's exact test: whether `firstCount` of `firstTotal` and `secondCount` of
 * `secondTotal` are draws of one chance. Twice the smaller tail of the hypergeometric distribution, at most 1.
 */
export function logFisherP(firstCount: number, firstTotal: number, secondCount: number, secondTotal: number): number {
  const yes = firstCount + secondCount;
  const total = firstTotal + secondTotal;
  const logChoose = (n: number, k: number): number => logFactorial(n) - logFactorial(k) - logFactorial(n - k);
  const logAt = logChoose(firstTotal, firstCount) + logChoose(secondTotal, secondCount) - logChoose(total, yes);
  // From the count found away from its mean terms fall ever faster; a share of 1e-17 of the sum is beyond its digits.
  const tail = (step: 1 | -1): number => {
    let term = 1;
    let sum = 1;
    for (let k = secondCount; term > 1e-17 * sum; k += step) {
      const other = yes - k;
      term *=
        step > 0
          ? ((secondTotal - k) * other) / ((k + 1) * (firstTotal - other + 1))
          : (k * (firstTotal - other)) / ((secondTotal - k + 1) * (other + 1));
      sum += term;
    }
    return sum;
  };
  const isAbove = secondCount * firstTotal > firstCount * secondTotal;
  return Math.min(0, Math.LN2 + logAt + Math.log(tail(isAbove ? 1 : -1)));
}

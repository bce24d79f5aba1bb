/**
 * Logarithms of binomial coefficients and of their partial sums, for counts
 * far beyond what a double holds: the number of monomials D(n, d) and Cover's
 * number of halfspace dichotomies. Nothing here subtracts large logarithms
 * (as a log-gamma would: at n = 1e15 that loses everything).
 */
import { checkCount } from './checks.ts';

// Up to here ln C(n, k) is a sum of logarithms; beyond it Stirling's series is exact to rounding.
const longestSum = 1000;
// Partial sums add this many terms at most, then a geometric series that is never too small.
const mostTerms = 100_000;
// Below this size the terms of a sum become negligible before that many have been added.
const roundedFrom = 1e8;

/** ln C(n, k); -Infinity for k > n. */
function lnBinomial(n: number, k: number): number {
  if (k > n) return Number.NEGATIVE_INFINITY;
  const least = Math.min(k, n - k);
  if (least <= longestSum) {
    let sum = 0;
    for (let i = 0; i < least; i++) sum += Math.log((n - i) / (i + 1));
    return sum;
  }
  const share = least / n;
  const rest = n - least;
  // Robbins' remainder of Stirling's series: 1/(12 m) - 1/(360 m^3), the next term is below 1e-18 here.
  const remainder = (m: number): number => 1 / (12 * m) - 1 / (360 * m * m * m);
  return (
    -least * Math.log(share) -
    rest * Math.log1p(-share) -
    0.5 * Math.log(2 * Math.PI * least * (1 - share)) +
    remainder(n) -
    remainder(least) -
    remainder(rest)
  );
}

/**
 * ln of C(n, 0) + ... + C(n, k). Exact to rounding up to n = 1e8; beyond that a
 * sum of more than 100,000 terms of like size is rounded up (never down).
 */
function lnBinomialSum(n: number, k: number): number {
  if (k >= n) return n * Math.LN2;
  if (2 * k > n) {
    // Rounding the complement up would round this sum down: there 2^n, at most twice too large, takes its place.
    if (n > roundedFrom) return n * Math.LN2;
    // The complement is at most half of 2^n, so nothing cancels.
    return n * Math.LN2 + Math.log1p(-Math.exp(Math.min(lnBinomialSum(n, n - k - 1) - n * Math.LN2, -Math.LN2)));
  }
  // From the largest term down: C(n, i - 1) = C(n, i) i / (n - i + 1), ratios at most 1 and falling.
  let sum = 1;
  let term = 1;
  for (let i = k; i > 0; i--) {
    const ratio = i / (n - i + 1);
    term *= ratio;
    if (k - i >= mostTerms) {
      sum += Math.min(i * term, term / (1 - ratio));
      break;
    }
    sum += term;
    if (term < 1e-18 * sum) break;
  }
  return Math.min(lnBinomial(n, k) + Math.log(sum), n * Math.LN2);
}

/** ln D(n, d), with D(n, d) = C(n, 0) + ... + C(n, d) the number of monomials of degree at most d. */
export function lnMonomialCount(options: { readonly inputCount: number; readonly degree: number }): number {
  checkCount('inputCount (n)', options.inputCount);
  checkCount('degree (d)', options.degree, 0);
  return lnBinomialSum(options.inputCount, options.degree);
}

/**
 * ln N for Cover's N = 2 (C(m-1, 0) + ... + C(m-1, n)): at most that many
 * subsets of m points of R^n are cut off by a halfspace (Theorem 5.3).
 */
export function lnHalfspaceCuts(options: { readonly inputCount: number; readonly sampleCount: number }): number {
  checkCount('inputCount (n)', options.inputCount);
  checkCount('sampleCount (m)', options.sampleCount);
  return Math.LN2 + lnBinomialSum(options.sampleCount - 1, options.inputCount);
}

/**
 * Level weights from pairs of points. sum_{|S|=j} chi_S(x) chi_S(y) depends only on
 * the number t of coordinates in which x and y differ: it is the Krawtchouk
 * polynomial K_j(t). So W^{=j} = E f(x) f(y) K_j(t) over independent x, y, and with
 * t drawn in proportion to Pr[t] |K_j(t)| instead, W^{=j} = L E sign(K_j(t)) f(x) f(y),
 * where L = E |K_j(t)| <= sqrt(C(n, j)) is the price of the estimate.
 */
export interface DistanceKernel {
  /** L: the sum of |weights|. */
  readonly price: number;
  /** Pr[t <= i] of the distance to draw, i from 0 to n. */
  readonly cumulative: Float64Array;
  /** Sign of the weight at each distance. */
  readonly signs: Int8Array;
}

/** The kernel of sum of W^{=j} over the levels from `low` to `high`. */
export function levelKernel(coordinateCount: number, low: number, high: number): DistanceKernel {
  const n = coordinateCount;
  const logFactorial = new Float64Array(n + 1);
  for (let i = 1; i <= n; i++) logFactorial[i] = logFactorial[i - 1] + Math.log(i);
  const logChoose = (k: number): number => logFactorial[n] - logFactorial[k] - logFactorial[n - k];
  const weights = new Float64Array(n + 1);
  for (let t = 0; t <= n; t++) {
    // Square root of the chance of t times the orthonormal polynomials: all of moderate size, where K_j overflows.
    const half = Math.exp((logChoose(t) - n * Math.LN2) / 2);
    const levels = orthonormalKrawtchouk(n, t, half);
    const sumOf = (from: number, to: number): number => {
      let sum = 0;
      for (let j = from; j <= to; j++) sum += levels[j] * Math.exp(logChoose(j) / 2);
      return sum * half;
    };
    // All levels together weigh only t = 0 (f(x)^2), so a long tail is that less the short beginning.
    weights[t] = high === n && 2 * low <= n ? (t === 0 ? 1 : 0) - sumOf(0, low - 1) : sumOf(low, high);
  }
  const price = weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
  const cumulative = new Float64Array(n + 1);
  let sum = 0;
  for (let t = 0; t <= n; t++) {
    sum += Math.abs(weights[t]) / price;
    cumulative[t] = sum;
  }
  return { price, cumulative, signs: Int8Array.from(weights, Math.sign) };
}

/** A distance from a uniform number. */
export function drawDistance(kernel: DistanceKernel, uniform: number): number {
  const { cumulative } = kernel;
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle] > uniform) high = middle;
    else low = middle + 1;
  }
  return low;
}

// K_j(t) / sqrt(C(n, j)) times `scale`, j from 0 to n. The upper half by K_{n-j}(t) = (-1)^t K_j(t), because the
// recurrence loses digits beyond the middle.
function orthonormalKrawtchouk(n: number, t: number, scale: number): Float64Array {
  const values = new Float64Array(n + 1);
  values[0] = scale;
  for (let j = 0; 2 * (j + 1) <= n; j++) {
    const before = j === 0 ? 0 : Math.sqrt(j * (n - j + 1)) * values[j - 1];
    values[j + 1] = ((n - 2 * t) * values[j] - before) / Math.sqrt((j + 1) * (n - j));
  }
  for (let j = 0; 2 * j < n; j++) values[n - j] = t % 2 === 0 ? values[j] : -values[j];
  return values;
}

/**
 * The spectrum of a table of values in the biased Fourier basis
 * phi_S = prod_{i in S} (x_i - mu_i) / sigma_i, orthonormal when the coordinates
 * are independent with means mu_i: f~(S) = E[f phi_S] under that distribution.
 * One butterfly per coordinate, so it is exact at every degree, where
 * `createBasisChange` serves the low-degree coefficients of a fit.
 */
import { createTurn, FewfireError, type RunOptions } from '../base/index.ts';
import { cubeDimension } from './spectrum.ts';
import { checkTransformSize } from './transform.ts';

/**
 * f~(S) for every S; sum_S f~(S)^2 = E[f^2] under the product distribution.
 * @param values 2^n numbers by point, n <= 26; not changed
 * @param means mu_i = E x_i strictly between -1 and 1: 1 - 2 Pr[bit i is 1]
 * @returns 2^n coefficients, by subset
 */
export async function biasedFourierTransform(
  values: Float64Array,
  means: ArrayLike<number>,
  options: RunOptions = {},
): Promise<Float64Array> {
  return butterflies(values, means, options, (plus, minus, mean, deviation) => [
    ((1 + mean) * plus + (1 - mean) * minus) / 2,
    (deviation / 2) * (plus - minus),
  ]);
}

/** The values of sum_S f~(S) phi_S: the inverse of `biasedFourierTransform`. */
export async function inverseBiasedFourierTransform(
  coefficients: Float64Array,
  means: ArrayLike<number>,
  options: RunOptions = {},
): Promise<Float64Array> {
  return butterflies(coefficients, means, options, (without, within, mean, deviation) => [
    without + ((1 - mean) / deviation) * within,
    without - ((1 + mean) / deviation) * within,
  ]);
}

async function butterflies(
  from: Float64Array,
  means: ArrayLike<number>,
  options: RunOptions,
  step: (a: number, b: number, mean: number, deviation: number) => readonly [number, number],
): Promise<Float64Array> {
  const n = cubeDimension(from);
  checkTransformSize(n, 1, options.memoryLimitBytes);
  if (means.length !== n || Array.from(means).some((mean) => !(mean > -1 && mean < 1))) {
    throw new FewfireError(
      'invalid-argument',
      `the means are [${Array.from(means).slice(0, 8).join(', ')}${means.length > 8 ? ', ...' : ''}]; expected ${n} numbers strictly between -1 and 1`,
    );
  }
  const data = from.slice();
  const turn = createTurn(options.signal);
  for (let i = 0; i < n; i++) {
    const bit = 2 ** i;
    const mean = means[i];
    // Each new pair is a linear map of the old: its matrix, taken once instead of a call per pair.
    const deviation = Math.sqrt((1 - mean) * (1 + mean));
    const [p, r] = step(1, 0, mean, deviation);
    const [q, s] = step(0, 1, mean, deviation);
    for (let base = 0; base < data.length; base += 2 * bit) {
      for (let x = base; x < base + bit; x++) {
        const a = data[x];
        const b = data[x + bit];
        data[x] = p * a + q * b;
        data[x + bit] = r * a + s * b;
      }
    }
    await turn();
  }
  return data;
}

/**
 * The biased Fourier basis phi_S = prod_{i in S} (x_i - mu_i) / sigma_i, with
 * mu_i the mean and sigma_i the standard deviation of coordinate i: orthonormal
 * when the coordinates are independent. Real columns are biased, and in this
 * basis the normal equations are far better conditioned than in parities.
 *
 * The change of basis T (coefficients over phi -> coefficients over parities)
 * is a product over coordinates, exact and within degree <= d: scale by
 * prod 1/sigma_i, then for every i add -mu_i times the coefficient of S to that
 * of S \ {i}. So the kernels need to know parities only: the operator of this
 * basis is (parity operator) T, and its adjoint T^t (parity adjoint).
 */
import type { MonomialIndex } from '../cube/index.ts';

export interface BasisChange {
  /** T in place: coefficients over the biased basis become coefficients over parities. */
  toParities(coefficients: Float64Array): void;
  /** T^-1 in place. */
  fromParities(coefficients: Float64Array): void;
  /** T^t in place: correlations with parities become correlations with the biased basis. */
  transpose(correlations: Float64Array): void;
  /** T^-t in place. */
  transposeInverse(correlations: Float64Array): void;
}

/** Bytes that `createBasisChange` holds for an index. */
export function basisChangeBytes(index: { readonly offsets: readonly number[]; readonly degree: number }): number {
  return 8 * pairCount(index) + 8 * index.offsets[index.degree + 1];
}

/**
 * @param means mu_i in [-1, 1], one per coordinate
 * @param minimumDeviation sigma_i is taken to be at least this, so that a constant coordinate stays harmless
 */
export function createBasisChange(index: MonomialIndex, means: Float64Array, minimumDeviation: number): BasisChange {
  const n = index.coordinateCount;
  const deviations = means.map((mean) => Math.max(minimumDeviation, Math.sqrt(Math.max(0, 1 - mean * mean))));
  const scale = new Float64Array(index.count);
  index.forEach((subset, size, at) => {
    let product = 1;
    for (let j = 0; j < size; j++) product /= deviations[subset[j]];
    scale[at] = product;
  });
  const { without, within, starts } = coordinatePairs(index);

  // For every coordinate i and every S containing i: c[S \ {i}] += factor * mu_i * c[S].
  const pushDown = (c: Float64Array, factor: number): void => {
    for (let i = 0; i < n; i++) {
      const weight = factor * means[i];
      if (weight === 0) continue;
      for (let p = starts[i]; p < starts[i + 1]; p++) c[without[p]] += weight * c[within[p]];
    }
  };
  // The transpose: c[S] += factor * mu_i * c[S \ {i}].
  const pushUp = (c: Float64Array, factor: number): void => {
    for (let i = 0; i < n; i++) {
      const weight = factor * means[i];
      if (weight === 0) continue;
      for (let p = starts[i]; p < starts[i + 1]; p++) c[within[p]] += weight * c[without[p]];
    }
  };
  const multiply = (c: Float64Array): void => {
    for (let at = 0; at < c.length; at++) c[at] *= scale[at];
  };
  const divide = (c: Float64Array): void => {
    for (let at = 0; at < c.length; at++) c[at] /= scale[at];
  };
  return {
    toParities(c) {
      multiply(c);
      pushDown(c, -1);
    },
    fromParities(c) {
      pushDown(c, 1);
      divide(c);
    },
    transpose(c) {
      pushUp(c, -1);
      multiply(c);
    },
    transposeInverse(c) {
      divide(c);
      pushUp(c, 1);
    },
  };
}

function pairCount(index: { readonly offsets: readonly number[]; readonly degree: number }): number {
  let count = 0;
  for (let size = 1; size <= index.degree; size++) count += size * (index.offsets[size + 1] - index.offsets[size]);
  return count;
}

// All pairs (S \ {i}, S), grouped by i.
function coordinatePairs(index: MonomialIndex): { without: Uint32Array; within: Uint32Array; starts: Uint32Array } {
  const n = index.coordinateCount;
  const starts = new Uint32Array(n + 1);
  index.forEach((subset, size) => {
    for (let j = 0; j < size; j++) starts[subset[j] + 1]++;
  });
  for (let i = 0; i < n; i++) starts[i + 1] += starts[i];
  const next = starts.slice(0, n);
  const without = new Uint32Array(starts[n]);
  const within = new Uint32Array(starts[n]);
  const { choose, offsets } = index;
  index.forEach((subset, size, at) => {
    // Index of S without its j-th element: elements above j move one place down.
    let below = 0;
    let above = 0;
    for (let j = 1; j < size; j++) above += choose[j - 1][subset[j]];
    for (let j = 0; j < size; j++) {
      const i = subset[j];
      const p = next[i]++;
      within[p] = at;
      without[p] = offsets[size - 1] + below + above;
      below += choose[j][i];
      if (j + 1 < size) above -= choose[j][subset[j + 1]];
    }
  });
  return { without, within, starts };
}

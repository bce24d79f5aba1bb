/** Small dense symmetric systems: what a refit on a few hundred terms needs. Matrices are square, row after row. */

/**
 * The Cholesky factor L of a symmetric matrix that may be singular. A row whose pivot has fallen to `tolerance` times its
 * diagonal depends on the rows before it: its row of L is set to 0 and it is listed.
 */
export function cholesky(
  matrix: Float64Array,
  size: number,
  tolerance = 1e-10,
): { readonly factor: Float64Array; readonly dependent: readonly number[] } {
  const factor = new Float64Array(size * size);
  const dependent: number[] = [];
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) {
      const pivot = factor[j * size + j];
      if (pivot === 0) continue;
      let sum = matrix[i * size + j];
      for (let k = 0; k < j; k++) sum -= factor[i * size + k] * factor[j * size + k];
      factor[i * size + j] = sum / pivot;
    }
    let rest = matrix[i * size + i];
    for (let k = 0; k < i; k++) rest -= factor[i * size + k] ** 2;
    if (rest > tolerance * matrix[i * size + i]) factor[i * size + i] = Math.sqrt(rest);
    else {
      factor.fill(0, i * size, (i + 1) * size);
      dependent.push(i);
    }
  }
  return { factor, dependent };
}

/** Solves L L^t x = b in place; rows that depend on others get 0. */
export function solveCholesky(factor: Float64Array, size: number, b: Float64Array): void {
  for (let i = 0; i < size; i++) {
    const pivot = factor[i * size + i];
    let sum = b[i];
    for (let k = 0; k < i; k++) sum -= factor[i * size + k] * b[k];
    b[i] = pivot === 0 ? 0 : sum / pivot;
  }
  for (let i = size - 1; i >= 0; i--) {
    const pivot = factor[i * size + i];
    let sum = b[i];
    for (let k = i + 1; k < size; k++) sum -= factor[k * size + i] * b[k];
    b[i] = pivot === 0 ? 0 : sum / pivot;
  }
}

/** (L L^t)^-1, as L^-t L^-1; rows that depend on others are 0. */
export function inverseCholesky(factor: Float64Array, size: number): Float64Array {
  const lower = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    const pivot = factor[i * size + i];
    if (pivot === 0) continue;
    for (let k = 0; k < i; k++) {
      const share = factor[i * size + k];
      for (let j = 0; j <= k; j++) lower[i * size + j] -= share * lower[k * size + j];
    }
    for (let j = 0; j < i; j++) lower[i * size + j] /= pivot;
    lower[i * size + i] = 1 / pivot;
  }
  const inverse = new Float64Array(size * size);
  for (let k = 0; k < size; k++) {
    for (let a = 0; a <= k; a++) {
      const share = lower[k * size + a];
      for (let b = 0; b <= a; b++) inverse[a * size + b] += share * lower[k * size + b];
    }
  }
  mirror(inverse, size);
  return inverse;
}

/** Copies the lower triangle to the upper. */
export function mirror(matrix: Float64Array, size: number): void {
  for (let a = 0; a < size; a++) for (let b = 0; b < a; b++) matrix[b * size + a] = matrix[a * size + b];
}

/** a b for square matrices. */
export function multiply(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const product = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < size; k++) {
      const factor = a[i * size + k];
      if (factor === 0) continue;
      for (let j = 0; j < size; j++) product[i * size + j] += factor * b[k * size + j];
    }
  }
  return product;
}

/**
 * Second moments of rows, and bases of subspaces as arrays d x rank: row c belongs to coordinate c, column r is a vector.
 */
import type { ReportingTurn } from '../base/index.ts';

/** Some rows of an array, row-major. */
export interface RowSample {
  readonly rows: Float32Array;
  readonly list: Uint32Array;
}

/** Mean of v v' over the rows, about zero, d x d. */
export async function secondMoments({ rows, list }: RowSample, d: number, turn: ReportingTurn): Promise<Float64Array> {
  const sums = new Float64Array(d * d);
  const nothing = new Float32Array(d);
  const rowOf = (k: number): Float32Array =>
    k < list.length ? rows.subarray(list[k] * d, (list[k] + 1) * d) : nothing;
  // Four rows at a time: the sums do not fit the first-level cache.
  for (let k = 0; k < list.length; k += 4) {
    const [a, b, e, f] = [rowOf(k), rowOf(k + 1), rowOf(k + 2), rowOf(k + 3)];
    for (let i = 0; i < d; i++) {
      const at = i * d;
      const [ai, bi, ei, fi] = [a[i], b[i], e[i], f[i]];
      for (let j = 0; j <= i; j++) sums[at + j] += ai * a[j] + bi * b[j] + ei * e[j] + fi * f[j];
    }
    await turn(k, list.length);
  }
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      sums[i * d + j] /= list.length;
      sums[j * d + i] = sums[i * d + j];
    }
  }
  return sums;
}

/** Less of a column is rounding. */
const LEAST_LEFT = 1e-10;

function lengthOf(v: Float64Array): number {
  return Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
}

export function addScaled(rows: Float64Array, at: number, factor: number, row: Float64Array): void {
  for (let r = 0; r < row.length; r++) rows[at + r] += factor * row[r];
}

/**
 * Columns made orthonormal, one after the other, twice (once is not enough in floating point). A column of which nothing is
 * left but rounding becomes zero.
 */
export async function orthonormal(rows: Float64Array, rank: number, turn: ReportingTurn): Promise<Float64Array> {
  const d = rows.length / rank;
  const columns = Array.from({ length: rank }, (_, r) =>
    Float64Array.from({ length: d }, (_, c) => rows[c * rank + r]),
  );
  for (let r = 0; r < rank; r++) {
    const own = columns[r];
    const before = lengthOf(own);
    for (let time = 0; time < 2; time++) {
      for (let q = 0; q < r; q++) {
        const other = columns[q];
        let dot = 0;
        for (let c = 0; c < d; c++) dot += own[c] * other[c];
        for (let c = 0; c < d; c++) own[c] -= dot * other[c];
      }
      const norm = lengthOf(own);
      const isThere = norm > 1e-150 && (time > 0 ? norm > 0.5 : norm > LEAST_LEFT * before);
      for (let c = 0; c < d; c++) own[c] = isThere ? own[c] / norm : 0;
    }
    await turn(r, rank);
  }
  return Float64Array.from({ length: d * rank }, (_, i) => columns[i % rank][Math.floor(i / rank)]);
}

/** A d x d matrix, or the lower triangle of one, times d x rank. */
export async function timesMatrix(
  matrix: Float64Array,
  basis: Float64Array,
  rank: number,
  turn: ReportingTurn,
  isLower = false,
): Promise<Float64Array> {
  const d = basis.length / rank;
  const product = new Float64Array(d * rank);
  for (let i = 0; i < d; i++) {
    const end = isLower ? i + 1 : d;
    for (let j = 0; j < end; j++) {
      addScaled(product, i * rank, matrix[i * d + j], basis.subarray(j * rank, (j + 1) * rank));
    }
    await turn(i, d);
  }
  return product;
}

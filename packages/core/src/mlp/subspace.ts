/** Bases of subspaces as arrays d x rank: row c belongs to coordinate c, column r is a vector. */
import type { Pause } from './pause.ts';

export function addScaled(rows: Float64Array, at: number, factor: number, row: Float64Array): void {
  for (let r = 0; r < row.length; r++) rows[at + r] += factor * row[r];
}

/** Columns made orthonormal, one after the other, twice (once is not enough in floating point). */
export async function orthonormal(rows: Float64Array, rank: number, pause: Pause): Promise<Float64Array> {
  const d = rows.length / rank;
  const columns = Array.from({ length: rank }, (_, r) =>
    Float64Array.from({ length: d }, (_, c) => rows[c * rank + r]),
  );
  for (let r = 0; r < rank; r++) {
    const own = columns[r];
    for (let time = 0; time < 2; time++) {
      for (let q = 0; q < r; q++) {
        const other = columns[q];
        let dot = 0;
        for (let c = 0; c < d; c++) dot += own[c] * other[c];
        for (let c = 0; c < d; c++) own[c] -= dot * other[c];
      }
      const norm = Math.sqrt(own.reduce((sum, v) => sum + v * v, 0));
      // A direction that is not there stays zero and costs nothing but its place.
      for (let c = 0; c < d; c++) own[c] = norm > 1e-150 ? own[c] / norm : 0;
    }
    await pause(r, rank);
  }
  return Float64Array.from({ length: d * rank }, (_, i) => columns[i % rank][Math.floor(i / rank)]);
}

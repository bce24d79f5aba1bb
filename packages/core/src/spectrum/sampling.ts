/** Random points of the cube and noisy copies of them, for the estimates and property tests of this room. */
import type { Random } from '../base/index.ts';
import { type CubePoints, createCubePoints } from '../cube/index.ts';

/** Uniform points. */
export function uniformPoints(rowCount: number, coordinateCount: number, random: Random): CubePoints {
  const points = createCubePoints(rowCount, coordinateCount);
  fillUniform(points, 0, rowCount, random);
  return points;
}

/** Makes the rows from `start` to `end` uniform; bits beyond the last coordinate stay 0. */
export function fillUniform(points: CubePoints, start: number, end: number, random: Random): void {
  const { planes, rowCount, coordinateCount } = points;
  for (let p = 0; 8 * p < coordinateCount; p++) {
    const mask = 8 * p + 8 <= coordinateCount ? 255 : 2 ** (coordinateCount & 7) - 1;
    let word = 0;
    for (let i = start; i < end; i++) {
      if (((i - start) & 3) === 0) word = random.bits();
      planes[p * rowCount + i] = word & mask;
      word >>>= 8;
    }
  }
}

/** Room for pairs: `count` uniform points in the first rows, the same points again in the last. */
export function uniformPairs(count: number, coordinateCount: number, random: Random): CubePoints {
  const points = createCubePoints(2 * count, coordinateCount);
  fillUniform(points, 0, count, random);
  for (let from = 0; from < points.planes.length; from += 2 * count) {
    points.planes.copyWithin(from + count, from, from + count);
  }
  return points;
}

/** Flips one coordinate of one row. */
export function flip(points: CubePoints, row: number, coordinate: number): void {
  points.planes[(coordinate >> 3) * points.rowCount + row] ^= 1 << (coordinate & 7);
}

/** Flips every bit of the rows from `start` on with probability `noiseDelta`. */
export function addNoise(points: CubePoints, start: number, noiseDelta: number, random: Random): void {
  if (noiseDelta === 0) return;
  for (let row = start; row < points.rowCount; row++) {
    for (let i = 0; i < points.coordinateCount; i++) if (random.uniform() < noiseDelta) flip(points, row, i);
  }
}

/** The parity chi_S of a row, +1 or -1. */
export function parityAt(points: CubePoints, row: number, subset: readonly number[]): number {
  let odd = 0;
  for (const i of subset) odd ^= (points.planes[(i >> 3) * points.rowCount + row] >> (i & 7)) & 1;
  return odd === 1 ? -1 : 1;
}

/** Deterministic inputs for the tests of kernels, which cannot use the core package's random numbers. */
import type { PackedPoints } from '../src/index.ts';

/** Numbers in [0, 1): a linear congruential generator is random enough here. */
export function lcg(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Points whose coordinates are a yes with chance 0.4. */
export function randomPoints(rowCount: number, coordinateCount: number, seed: number): PackedPoints {
  const random = lcg(seed);
  const planes = new Uint8Array(Math.ceil(coordinateCount / 8) * rowCount);
  for (let j = 0; j < coordinateCount; j++) {
    for (let i = 0; i < rowCount; i++) if (random() < 0.4) planes[(j >> 3) * rowCount + i] |= 1 << (j & 7);
  }
  return { rowCount, coordinateCount, planes };
}

/** Whole numbers from -100 to 100, whose sums are exact. */
export function integers(length: number, seed: number): Float64Array {
  const random = lcg(seed);
  return Float64Array.from({ length }, () => Math.floor(random() * 201) - 100);
}

/** Numbers in [-0.5, 0.5). */
export function reals(length: number, seed: number): Float64Array {
  const random = lcg(seed);
  return Float64Array.from({ length }, () => random() - 0.5);
}

/** What several suites use: made-up points and targets, and brute force by the definitions. */
import { type CubePoints, createCubePoints, createRandom, type Model, noteText, type Random } from '../src/index.ts';

/** Random points; `yesShares[j]` is the chance of a yes at coordinate j (default one half). */
export function randomPoints(
  rowCount: number,
  coordinateCount: number,
  random: Random,
  yesShares?: readonly number[],
): CubePoints {
  const points = createCubePoints(rowCount, coordinateCount);
  for (let j = 0; j < coordinateCount; j++) {
    for (let i = 0; i < rowCount; i++) {
      if (random.uniform() < (yesShares?.[j] ?? 0.5)) points.planes[(j >> 3) * rowCount + i] |= 1 << (j & 7);
    }
  }
  return points;
}

/** The notes of a model as they are told. */
export function noteTexts({ training }: Model): string[] {
  return training.notes.map(noteText);
}

/** All 2^n points, row x having the bits of x. */
export function wholeCube(n: number): CubePoints {
  const points = createCubePoints(2 ** n, n);
  for (let x = 0; x < 2 ** n; x++) {
    for (let j = 0; j < n; j++) if ((x >> j) & 1) points.planes[(j >> 3) * 2 ** n + x] |= 1 << (j & 7);
  }
  return points;
}

/** The sign of coordinate j in row i, straight from the planes. */
export function sign(points: CubePoints, i: number, j: number): number {
  return (points.planes[(j >> 3) * points.rowCount + i] >> (j & 7)) & 1 ? -1 : 1;
}

/** sum of coefficient * product of signs, by definition. */
export function bruteForce(
  points: CubePoints,
  i: number,
  terms: readonly { coordinates: readonly number[]; coefficient: number }[],
): number {
  return terms.reduce(
    (sum, term) => sum + term.coordinates.reduce((product, j) => product * sign(points, i, j), term.coefficient),
    0,
  );
}

/** `count` different random terms of exactly the given degree, coefficients +-(0.5 .. 1.5). */
export function randomTerms(
  count: number,
  n: number,
  degree: number,
  random: Random,
): { coordinates: number[]; coefficient: number }[] {
  const terms = new Map<string, { coordinates: number[]; coefficient: number }>();
  while (terms.size < count) {
    const coordinates = Array.from(random.permutation(n).subarray(0, degree)).sort((a, b) => a - b);
    terms.set(coordinates.join(' '), {
      coordinates,
      coefficient: (random.uniform() < 0.5 ? -1 : 1) * (0.5 + random.uniform()),
    });
  }
  return [...terms.values()];
}

export { createRandom };

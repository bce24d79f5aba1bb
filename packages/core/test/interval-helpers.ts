/** A small distribution on the cube with correlated, biased columns, and what is best for it by enumeration. */
import { type CubePoints, createCubePoints, type Random } from '../src/index.ts';

export const COORDINATES = 6;
const POINTS = 2 ** COORDINATES;

/** Bit j of a point is coordinate j, 1 a yes (-1). */
export function parity(point: number, subset: readonly number[]): number {
  return subset.reduce((product, j) => ((point >> j) & 1 ? -product : product), 1);
}

/** x0 is seldom a yes, x1 mostly equals x0, x4 mostly equals the exclusive or of x2 and x3. */
export const chances: Float64Array = Float64Array.from({ length: POINTS }, (_, point) => {
  const bit = (j: number): number => (point >> j) & 1;
  const p0 = bit(0) ? 0.25 : 0.75;
  const p1 = bit(1) === bit(0) ? 0.8 : 0.2;
  const p2 = bit(2) ? 0.4 : 0.6;
  const p4 = bit(4) === (bit(2) ^ bit(3)) ? 0.75 : 0.25;
  const p5 = bit(5) ? 0.35 : 0.65;
  return p0 * p1 * p2 * 0.5 * p4 * p5;
});

export function drawPoint(random: Random): number {
  let rest = random.uniform();
  let point = 0;
  while (point < POINTS - 1 && rest >= chances[point]) rest -= chances[point++];
  return point;
}

export function pointsFrom(list: readonly number[]): CubePoints {
  const points = createCubePoints(list.length, COORDINATES);
  points.planes.set(list);
  return points;
}

/** The coefficients (constant first) that minimise the expected loss over the distribution, `mean` being E[y|x]. */
export function bestApproximation(
  terms: readonly (readonly number[])[],
  mean: (point: number) => number,
  loss: 'squared' | 'logistic',
): number[] {
  const list = Array.from({ length: POINTS }, (_, point) => point);
  return minimise(
    list,
    terms,
    list.map((point) => chances[point]),
    list.map(mean),
    loss,
  );
}

/** Newton's method on sum of weight * loss, straight from the definitions; for logistic `targets` are means of +-1. */
export function minimise(
  points: readonly number[],
  terms: readonly (readonly number[])[],
  weights: readonly number[],
  targets: readonly number[],
  loss: 'squared' | 'logistic',
): number[] {
  const subsets = [[], ...terms];
  const rows = points.map((point) => subsets.map((subset) => parity(point, subset)));
  let coefficients = subsets.map(() => 0);
  for (let step = 0; step < (loss === 'squared' ? 1 : 30); step++) {
    const system = subsets.map(() => new Array<number>(subsets.length + 1).fill(0));
    rows.forEach((row, i) => {
      const value = row.reduce((sum, sign, k) => sum + sign * coefficients[k], 0);
      const s = 1 / (1 + Math.exp(-value));
      const curvature = weights[i] * (loss === 'squared' ? 1 : s * (1 - s));
      const slope = weights[i] * (loss === 'squared' ? targets[i] - value : (1 + targets[i]) / 2 - s);
      for (let a = 0; a < row.length; a++) {
        for (let b = 0; b < row.length; b++) system[a][b] += curvature * row[a] * row[b];
        system[a][row.length] += slope * row[a];
      }
    });
    const change = eliminate(system);
    coefficients = coefficients.map((value, k) => value + change[k]);
  }
  return coefficients;
}

/** Solves a system given as rows of [matrix | right side]. */
export function eliminate(system: number[][]): number[] {
  const size = system.length;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let r = column; r < size; r++) if (Math.abs(system[r][column]) > Math.abs(system[pivot][column])) pivot = r;
    [system[column], system[pivot]] = [system[pivot], system[column]];
    for (let r = 0; r < size; r++) {
      if (r === column) continue;
      const factor = system[r][column] / system[column][column];
      for (let c = column; c <= size; c++) system[r][c] -= factor * system[column][c];
    }
  }
  return system.map((row, k) => row[size] / row[k]);
}

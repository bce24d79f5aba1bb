/**
 * Products of yes/no coordinates that go with what a fit left over, found by one look at all of them. The correlations
 * of the residual with all products of degree 2 and up come from one adjoint; where nothing is left to find each is a
 * normal variable, so the largest of D of them is compared with the quantile that one of D exceeds with a chance of 5 %
 * at most (Bonferroni). What was found explains part of what others show: the largest is taken, its part of the residual
 * taken out, and the others are looked at again (matching pursuit).
 */
import { createMonomialOperator, planMonomialOperator } from '@fewfire/kernels';
import { normalQuantile, type RunOptions } from '../base/index.ts';
import {
  type CoordinateColumn,
  type CubePoints,
  countMonomials,
  createCubePoints,
  redundantMonomials,
  yesShares,
} from '../cube/index.ts';
import { productSigns } from './additive-features.ts';

/** Of a number, the thresholds nearest to these shares of yeses go into products; of categories the most even ones. */
const THRESHOLD_SHARES = [0.25, 0.5, 0.75];
const MOST_CATEGORIES = 4;
/** Products are looked for up to this degree, where their number and the time allow it. */
export const MAX_PRODUCT_DEGREE = 4;
const MOST_MONOMIALS = 5e5;
/** Predicted seconds that one look may take. */
const LOOK_SECONDS = 0.15;
/** Chance that in pure noise any product is taken for found. */
const FALSE_FINDS = 0.05;
/** Of those beyond the limit, so many are looked at again. */
const MOST_HITS = 64;
/** Products taken at one look. */
const MOST_FOUND = 8;

interface ScreenedCoordinates {
  /** Among all coordinates, ascending. */
  readonly coordinates: readonly number[];
  /** Of each, the column: products within one are redundant. */
  readonly groups: readonly number[];
  /** These coordinates alone. */
  readonly points: CubePoints;
}

/** To look for products in some rows, time and again. */
export interface ProductScreen {
  /** Of the products looked at, the largest. */
  readonly degree: number;
  /**
   * @param residual what a fit left over, times the rows' weights
   * @param known products that are taken already
   * @param least degree of the products wanted, 1 or 2
   * @returns coordinates of the products found, the strongest first
   */
  look(residual: Float64Array, known: readonly (readonly number[])[], least: 1 | 2): Promise<number[][]>;
  dispose(): void;
}

/** The coordinates that products are made of. */
function screenedCoordinates(points: CubePoints, columns: readonly CoordinateColumn[]): ScreenedCoordinates {
  const shares = yesShares(points);
  const chosen: { coordinate: number; group: number }[] = [];
  for (const [group, { kind, first, count }] of columns.entries()) {
    const all = Array.from({ length: count }, (_, k) => first + k);
    const most = kind === 'categories' ? MOST_CATEGORIES : THRESHOLD_SHARES.length;
    const even = (coordinate: number): number => Math.abs(shares[coordinate] - 0.5);
    const nearest = (share: number): number =>
      all.reduce((best, at) => (Math.abs(shares[at] - share) < Math.abs(shares[best] - share) ? at : best));
    const some =
      count <= most
        ? all
        : kind === 'categories'
          ? all.toSorted((a, b) => even(a) - even(b) || a - b).slice(0, most)
          : THRESHOLD_SHARES.map(nearest);
    for (const coordinate of new Set(some)) chosen.push({ coordinate, group });
  }
  chosen.sort((a, b) => a.coordinate - b.coordinate);
  const coordinates = chosen.map(({ coordinate }) => coordinate);
  return { coordinates, groups: chosen.map(({ group }) => group), points: selectCoordinates(points, coordinates) };
}

function selectCoordinates(points: CubePoints, coordinates: readonly number[]): CubePoints {
  const { rowCount } = points;
  const chosen = createCubePoints(rowCount, coordinates.length);
  for (const [j, coordinate] of coordinates.entries()) {
    const from = (coordinate >> 3) * rowCount;
    const to = (j >> 3) * rowCount;
    const shift = coordinate & 7;
    for (let row = 0; row < rowCount; row++) {
      chosen.planes[to + row] |= ((points.planes[from + row] >> shift) & 1) << (j & 7);
    }
  }
  return chosen;
}

// The largest degree whose products can all be looked at in the time there is, at most `most`.
function screenDegree(rowCount: number, coordinateCount: number, most: number): number {
  let degree = 1;
  while (degree < Math.min(most, MAX_PRODUCT_DEGREE, coordinateCount)) {
    if (countMonomials(coordinateCount, degree + 1) > MOST_MONOMIALS) break;
    // A plan's costs are those of an adjoint and a forward.
    const { costNs } = planMonomialOperator({ rowCount, coordinateCount, degree: degree + 1 });
    if (costNs / 2e9 > LOOK_SECONDS) break;
    degree++;
  }
  return degree;
}

/** @param mostDegree of the products looked at, where their number and the time allow it */
export async function openProductScreen(
  allPoints: CubePoints,
  columns: readonly CoordinateColumn[],
  mostDegree: number,
  { signal }: Pick<RunOptions, 'signal'>,
): Promise<ProductScreen> {
  const { coordinates, groups, points } = screenedCoordinates(allPoints, columns);
  const degree = screenDegree(points.rowCount, coordinates.length, mostDegree);
  // So little work at a time that threads would only cost.
  const operator = await createMonomialOperator(points, { degree, threads: 1 });
  const { index } = operator;
  const redundant = redundantMonomials(index, groups);
  const sums = new Float64Array(index.count);
  return {
    degree,
    async look(residual, known, least) {
      const spread = Math.sqrt(residual.reduce((sum, value) => sum + value * value, 0));
      if (degree < least || !(spread > 0)) return [];
      const taken = new Set(known.map((product) => product.join(' ')));
      await operator.adjoint(residual, sums, signal);
      for (const at of redundant) sums[at] = 0;
      const count = index.count - 1 - (least > 1 ? coordinates.length : 0) - redundant.length;
      const limit = count < 1 ? Number.POSITIVE_INFINITY : -normalQuantile(FALSE_FINDS / (2 * count)) * spread;
      const beyond: { product: number[]; size: number }[] = [];
      if (sums.some((sum) => Math.abs(sum) > limit)) {
        index.forEach((subset, size, at) => {
          if (size < least || !(Math.abs(sums[at]) > limit)) return;
          beyond.push({ product: Array.from({ length: size }, (_, k) => subset[k]), size: Math.abs(sums[at]) });
        });
      }
      const open = beyond
        .filter(({ product }) => !taken.has(product.map((j) => coordinates[j]).join(' ')))
        .sort((a, b) => b.size - a.size)
        .slice(0, MOST_HITS)
        .map(({ product }) => ({ product, signs: productSigns(points, product), sum: 0 }));
      for (const hit of open) hit.sum = inner(hit.signs, residual);
      const found: number[][] = [];
      const left = new Set(open);
      while (found.length < MOST_FOUND) {
        let best: (typeof open)[number] | undefined;
        for (const hit of left) if (Math.abs(hit.sum) > Math.abs(best?.sum ?? 0)) best = hit;
        if (best === undefined || !(Math.abs(best.sum) > limit)) break;
        found.push(best.product.map((j) => coordinates[j]));
        left.delete(best);
        // What the best one takes out of the residual takes its share of the other sums with it.
        for (const hit of left) hit.sum -= (best.sum * inner(hit.signs, best.signs)) / points.rowCount;
      }
      return found;
    },
    dispose: () => operator.dispose(),
  };
}

function inner(signs: Int8Array, values: Int8Array | Float64Array): number {
  let sum = 0;
  for (let row = 0; row < signs.length; row++) sum += signs[row] * values[row];
  return sum;
}

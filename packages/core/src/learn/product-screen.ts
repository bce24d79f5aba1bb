/**
 * Products of yes/no coordinates that go with what a fit left over, found by one look at all of them. The correlations
 * of the residual with all products come from one adjoint; where nothing is left to find each is a normal variable, so
 * the largest of D of them is compared with the quantile that one of D exceeds with a given chance at most (Bonferroni,
 * shared among the degrees). What was found explains part of what others show: the largest is taken, its part of the
 * residual taken out, and the others are looked at again (matching pursuit). Few coordinates come before many: a product
 * with answers that nearly all rows share says the same as the product without them.
 */
import { createMonomialOperator, planMonomialOperator } from '@fewfire/kernels';
import { normalQuantile, type RunOptions } from '../base/index.ts';
import {
  type CoordinateColumn,
  type CubePoints,
  countMonomials,
  createCubePoints,
  type MonomialIndex,
  redundantMonomials,
  yesShares,
} from '../cube/index.ts';
import { productSigns } from './additive-features.ts';

/** Of a number, the thresholds nearest to these shares of yeses go into products; of categories the most even ones. */
const THRESHOLD_SHARES = [0.25, 0.5, 0.75];
const MOST_CATEGORIES = 4;
/** Products are looked for up to this degree, where their number and the time allow it. */
const MAX_PRODUCT_DEGREE = 4;
const MOST_MONOMIALS = 5e5;
/** Predicted seconds that one look may take. */
const LOOK_SECONDS = 0.15;
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
   * @param falseFinds how many of them there may be on average where nothing is to be found
   * @returns coordinates of the products found, the strongest first
   */
  look(
    residual: Float64Array,
    known: readonly (readonly number[])[],
    least: 1 | 2,
    falseFinds: number,
  ): Promise<number[][]>;
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
  const counts = countsBySize(index, redundant);
  const sums = new Float64Array(index.count);
  return {
    degree,
    async look(residual, known, least, falseFinds) {
      const spread = Math.sqrt(residual.reduce((sum, value) => sum + value * value, 0));
      if (degree < least || !(spread > 0)) return [];
      await operator.adjoint(residual, sums, signal);
      for (const at of redundant) sums[at] = 0;
      // Each degree has the same part of the chance of a false find.
      const limits = counts.map((count, size) =>
        size < least || count === 0
          ? Number.POSITIVE_INFINITY
          : -normalQuantile(falseFinds / (2 * count * (degree - least + 1))) * spread,
      );
      const taken = new Set(known.map((product) => product.join(' ')));
      const hits = hitsBeyond(index, sums, limits).filter(
        ({ product }) => !taken.has(product.map((j) => coordinates[j]).join(' ')),
      );
      const left = residual.slice();
      const found: number[][] = [];
      for (let size = least; size <= degree; size++) {
        const ofSize = hits
          .filter(({ product }) => product.length === size)
          .sort((a, b) => b.size - a.size)
          .slice(0, MOST_HITS)
          .map(({ product }) => {
            const signs = productSigns(points, product);
            // Products of fewer coordinates have taken their part out of the residual.
            return { product, signs, sum: inner(signs, left) };
          });
        const open = new Set(ofSize);
        for (let count = 0; count < MOST_FOUND; count++) {
          let best: (typeof ofSize)[number] | undefined;
          for (const hit of open) if (Math.abs(hit.sum) > Math.abs(best?.sum ?? 0)) best = hit;
          if (best === undefined || !(Math.abs(best.sum) > limits[size])) break;
          const { signs, sum, product } = best;
          found.push(product.map((j) => coordinates[j]));
          open.delete(best);
          for (let row = 0; row < left.length; row++) left[row] -= (signs[row] * sum) / left.length;
          for (const hit of open) hit.sum -= (sum * inner(hit.signs, signs)) / left.length;
        }
      }
      return found;
    },
    dispose: () => operator.dispose(),
  };
}

/** How many products there are of each number of coordinates, redundant ones left out. */
function countsBySize({ offsets }: MonomialIndex, redundant: Uint32Array): number[] {
  const counts = offsets.slice(1).map((end, size) => end - offsets[size]);
  let size = 0;
  // Both ascend.
  for (const at of redundant) {
    while (at >= offsets[size + 1]) size++;
    counts[size]--;
  }
  return counts;
}

/** The products whose sums are beyond the limit for their size. */
function hitsBeyond(
  index: MonomialIndex,
  sums: Float64Array,
  limits: readonly number[],
): { product: number[]; size: number }[] {
  const least = Math.min(...limits);
  const hits: { product: number[]; size: number }[] = [];
  if (!sums.some((sum) => Math.abs(sum) > least)) return hits;
  index.forEach((subset, size, at) => {
    const sum = Math.abs(sums[at]);
    if (sum > limits[size]) hits.push({ product: Array.from({ length: size }, (_, k) => subset[k]), size: sum });
  });
  return hits;
}

function inner(signs: Int8Array, values: Int8Array | Float64Array): number {
  let sum = 0;
  for (let row = 0; row < signs.length; row++) sum += signs[row] * values[row];
  return sum;
}

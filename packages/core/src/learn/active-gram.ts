/**
 * The few monomials a sparse solver works on: their columns as bits, and the
 * matrix of their (weighted, centred) products, filled a row at a time as
 * monomials are added. Products of parities are counts of differing bits, so a
 * row of the matrix costs far less than the columns written out would; and from
 * then on a step of coordinate descent costs a row of this matrix, whatever the
 * number of rows of data.
 */
import { createParityColumns, type KernelVariant, type MonomialIndex } from '@fewfire/kernels';
import type { CubePoints } from '../cube/index.ts';

export interface ActiveGram {
  readonly count: number;
  /** Index of each monomial, in the order they were added. */
  readonly monomials: readonly number[];
  /** Place of a monomial in that order; undefined when it is not here. */
  placeOf(monomial: number): number | undefined;
  /** rows[j][k] = sum_i w_i (chi_j - mean_j)(chi_k - mean_k) / W, for j, k < count; rows may be longer. */
  readonly rows: readonly Float64Array[];
  /** Weighted mean of each column. */
  readonly means: readonly number[];
  /** Adds a monomial that is not yet here. */
  add(monomial: number): void;
  /** into[i] = intercept + sum_j coefficients[j] chi_j(i) for every row of the points, rows of weight 0 included. */
  combine(intercept: number, coefficients: Float64Array, into: Float64Array): void;
  /** into[j] = sum_i values[i] chi_j(i). */
  correlations(values: Float64Array, into: Float64Array): void;
}

export async function createActiveGram(
  points: CubePoints,
  index: MonomialIndex,
  rowWeights: Float64Array | undefined,
  variant: KernelVariant | undefined,
): Promise<ActiveGram> {
  // Column 0 is the constant, so the products of a column begin with its sum; monomial j is column j + 1.
  const columns = await createParityColumns(points, { rowWeights, variant });
  columns.append([]);
  let products = new Float64Array(64);
  columns.products(0, products);
  const totalWeight = products[0];
  const monomials: number[] = [];
  const places = new Map<number, number>();
  const means: number[] = [];
  const rows: Float64Array[] = [];

  const makeRoom = (): void => {
    if (monomials.length + 2 <= products.length) return;
    products = new Float64Array(2 * products.length);
    for (let j = 0; j < rows.length; j++) {
      const longer = new Float64Array(products.length);
      longer.set(rows[j]);
      rows[j] = longer;
    }
  };

  return {
    get count(): number {
      return monomials.length;
    },
    monomials,
    placeOf: (monomial) => places.get(monomial),
    rows,
    means,
    add(monomial: number): void {
      makeRoom();
      const place = monomials.length;
      columns.append(index.subsetAt(monomial));
      columns.products(place + 1, products);
      const mean = products[0] / totalWeight;
      monomials.push(monomial);
      places.set(monomial, place);
      means.push(mean);
      const row = new Float64Array(products.length);
      for (let k = 0; k <= place; k++) row[k] = products[k + 1] / totalWeight - mean * means[k];
      for (let k = 0; k < place; k++) rows[k][place] = row[k];
      rows.push(row);
    },
    combine(intercept: number, coefficients: Float64Array, into: Float64Array): void {
      products[0] = intercept;
      products.set(coefficients.subarray(0, monomials.length), 1);
      columns.combine(products, into);
    },
    correlations(values: Float64Array, into: Float64Array): void {
      columns.correlations(values, products);
      for (let j = 0; j < monomials.length; j++) into[j] = products[j + 1];
    },
  };
}

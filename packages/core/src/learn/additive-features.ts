/**
 * Features of table columns that stand side by side in a linear function: smooth curves of a number's codes, one for
 * each category, products of coordinates. Whatever curves a column has, a row takes one look into a table of the
 * column's values by code, and the transpose one sum by code: the cost of a column, not of its features.
 */
import type { Turn } from '../base/index.ts';
import { type ColumnCodes, type CoordinateColumn, type CubePoints, oddAnswers } from '../cube/index.ts';
import { type Polynomial, polynomialFromTerms, type Term } from '../spectrum/index.ts';
import type { TreeRows } from './boosting.ts';
import type { DesignOperator } from './least-squares.ts';

/** Features of one column: for each, its value by code, of mean 0 over the rows. */
interface ColumnFeatures {
  /** `curves[k][code]`. */
  readonly curves: readonly Float64Array[];
}

/** A product of coordinates, less its mean, times its height. */
export interface ProductFeature {
  readonly coordinates: readonly number[];
  /** +1 or -1 of every row. */
  readonly signs: Int8Array;
  readonly mean: number;
}

export interface AdditiveFeatures {
  readonly rows: TreeRows;
  /** The rows' codes column after column, filled up to a multiple of four. */
  readonly codes: readonly ColumnCodes[];
  /** Of each of the rows' columns. */
  readonly columns: readonly ColumnFeatures[];
  readonly products: readonly ProductFeature[];
  /** The constant counted. */
  readonly count: number;
}

/** Numbers of so many different codes have curves; of fewer each code is a feature. */
const FEWEST_CURVE_CODES = 5;
/** Waves over a number's ranks, the k-th k times as short and 1/k as high: what is rough is shrunk more. */
const WAVES = 10;
/** Products were found, one among thousands: the penalty, which is for what may be noise, hardly shrinks them. */
const PRODUCT_HEIGHT = 4;

/**
 * @param rowWeights what means and spreads are taken over
 */
export function additiveFeatures(rows: TreeRows, rowWeights: Float64Array | undefined): AdditiveFeatures {
  const columns: ColumnFeatures[] = [];
  let count = 1;
  for (const [c, column] of rows.columns.entries()) {
    const weights = codeWeights(rows, c, rowWeights);
    const curves = curvesOf(column, weights);
    columns.push({ curves });
    count += curves.length;
  }
  return { rows, codes: codesByColumn(rows), columns, products: [], count };
}

export function withProducts(features: AdditiveFeatures, products: readonly ProductFeature[]): AdditiveFeatures {
  const all = [...features.products, ...products];
  return { ...features, products: all, count: features.count + products.length };
}

/** +1 and -1 of every row. */
export function productSigns(points: CubePoints, coordinates: readonly number[]): Int8Array {
  const odd = oddAnswers(points, coordinates);
  const signs = new Int8Array(odd.length);
  for (let row = 0; row < signs.length; row++) signs[row] = 1 - 2 * odd[row];
  return signs;
}

export function productFeature(
  points: CubePoints,
  coordinates: readonly number[],
  rowWeights: Float64Array | undefined,
): ProductFeature {
  const signs = productSigns(points, coordinates);
  let sum = 0;
  let total = 0;
  for (let row = 0; row < signs.length; row++) {
    const weight = rowWeights === undefined ? 1 : rowWeights[row];
    sum += weight * signs[row];
    total += weight;
  }
  return { coordinates, signs, mean: sum / total };
}

function codeWeights(
  { rowCount, columns, codes }: TreeRows,
  c: number,
  rowWeights: Float64Array | undefined,
): Float64Array {
  const width = columns.length;
  const weights = new Float64Array(columns[c].count + 1);
  for (let row = 0, at = c; row < rowCount; row++, at += width) {
    weights[codes[at]] += rowWeights === undefined ? 1 : rowWeights[row];
  }
  return weights;
}

function curvesOf({ kind, count, places }: CoordinateColumn, weights: Float64Array): Float64Array[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const scaled = (value: (code: number) => number, height: number | undefined): Float64Array[] => {
    const curve = Float64Array.from(weights, (_, code) => value(code));
    let mean = 0;
    for (let code = 0; code <= count; code++) mean += (weights[code] / total) * curve[code];
    let variance = 0;
    for (let code = 0; code <= count; code++) variance += (weights[code] / total) * (curve[code] - mean) ** 2;
    if (!(variance > 0)) return [];
    const factor = height === undefined ? 1 : height / Math.sqrt(variance);
    return [curve.map((value) => (value - mean) * factor)];
  };
  const answers = weights.reduce((sum, weight) => sum + (weight > 0 ? 1 : 0), 0);
  if (kind === 'categories' || answers < FEWEST_CURVE_CODES) {
    return Array.from({ length: count }, (_, k) =>
      scaled((code) => ((kind === 'categories' ? code === k + 1 : code > k) ? 2 : 0), undefined),
    ).flat();
  }
  const ranks = new Float64Array(count + 1);
  let before = 0;
  for (let code = 0; code <= count; code++) {
    ranks[code] = (before + weights[code] / 2) / total;
    before += weights[code];
  }
  const waves = Math.min(WAVES, answers - 2);
  return [
    ...(places === undefined ? [] : scaled((code) => places[code], 1)),
    ...scaled((code) => ranks[code], 1),
    ...Array.from({ length: waves }, (_, k) =>
      scaled((code) => Math.cos(Math.PI * (k + 2) * ranks[code]), 1 / (k + 2)),
    ).flat(),
  ];
}

/** What solvers iterate with: coefficient 0 is the constant's. */
export function additiveOperator(features: AdditiveFeatures, turn: Turn): DesignOperator {
  const { rows, codes, columns, products, count } = features;
  const { rowCount } = rows;
  const offsets = codeOffsets(rows);
  const table = new Float64Array(offsets[columns.length]);
  // Of each column its part of the table; of those that only fill up the last four, one that nothing is made of.
  const unused = new Float64Array(1);
  const tables = codes.map((_, c) => (c < columns.length ? table.subarray(offsets[c], offsets[c + 1]) : unused));
  return {
    plan: { rowCount, monomialCount: count },
    async forward(coefficients, out) {
      await turn();
      fillTables(features, coefficients, offsets, table);
      unused[0] = 0;
      let start = coefficients[0];
      const first = count - products.length;
      for (const [k, { mean }] of products.entries()) start -= PRODUCT_HEIGHT * coefficients[first + k] * mean;
      out.fill(start);
      for (let c = 0; c < codes.length; c += FOUR) addValues(codes, tables, c, out);
      for (const [k, { signs }] of products.entries()) {
        const coefficient = PRODUCT_HEIGHT * coefficients[first + k];
        if (coefficient !== 0) for (let row = 0; row < rowCount; row++) out[row] += coefficient * signs[row];
      }
    },
    async adjoint(values, out) {
      await turn();
      let total = 0;
      for (let row = 0; row < rowCount; row++) total += values[row];
      out[0] = total;
      table.fill(0);
      for (let c = 0; c < codes.length; c += FOUR) addSums(codes, tables, c, values);
      let feature = 1;
      for (const [c, { curves }] of columns.entries()) {
        const sums = tables[c];
        for (const curve of curves) {
          let sum = 0;
          for (let code = 0; code < curve.length; code++) sum += curve[code] * sums[code];
          out[feature++] = sum;
        }
      }
      for (const { signs, mean } of products) {
        let sum = 0;
        for (let row = 0; row < rowCount; row++) sum += values[row] * signs[row];
        out[feature++] = PRODUCT_HEIGHT * (sum - mean * total);
      }
    },
  };
}

/** Columns are taken four at a time: a row is read and written once for them, and no sum waits for the one before it. */
const FOUR = 4;

// Every row takes part in every step, and a column's codes lie close together.
function codesByColumn({ rowCount, columns, codes }: TreeRows): ColumnCodes[] {
  const width = columns.length;
  const create = (): ColumnCodes =>
    codes instanceof Uint8Array ? new Uint8Array(rowCount) : new Uint16Array(rowCount);
  const all = columns.map((_, c) => {
    const ofColumn = create();
    for (let row = 0, at = c; row < rowCount; row++, at += width) ofColumn[row] = codes[at];
    return ofColumn;
  });
  const zeros = all.length % FOUR === 0 ? undefined : create();
  while (zeros !== undefined && all.length % FOUR !== 0) all.push(zeros);
  return all;
}

function addValues(codes: readonly ColumnCodes[], tables: readonly Float64Array[], c: number, out: Float64Array): void {
  const [a, b, d, e] = [codes[c], codes[c + 1], codes[c + 2], codes[c + 3]];
  const [ofA, ofB, ofD, ofE] = [tables[c], tables[c + 1], tables[c + 2], tables[c + 3]];
  for (let row = 0; row < out.length; row++) out[row] += ofA[a[row]] + ofB[b[row]] + (ofD[d[row]] + ofE[e[row]]);
}

function addSums(
  codes: readonly ColumnCodes[],
  tables: readonly Float64Array[],
  c: number,
  values: Float64Array,
): void {
  const [a, b, d, e] = [codes[c], codes[c + 1], codes[c + 2], codes[c + 3]];
  const [ofA, ofB, ofD, ofE] = [tables[c], tables[c + 1], tables[c + 2], tables[c + 3]];
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    ofA[a[row]] += value;
    ofB[b[row]] += value;
    ofD[d[row]] += value;
    ofE[e[row]] += value;
  }
}

function codeOffsets({ columns }: TreeRows): Uint32Array {
  const offsets = new Uint32Array(columns.length + 1);
  for (const [c, { count }] of columns.entries()) offsets[c + 1] = offsets[c] + count + 1;
  return offsets;
}

function fillTables(
  { columns }: AdditiveFeatures,
  coefficients: Float64Array,
  offsets: Uint32Array,
  table: Float64Array,
): void {
  table.fill(0);
  let feature = 1;
  for (const [c, { curves }] of columns.entries()) {
    for (const curve of curves) {
      const coefficient = coefficients[feature++];
      if (coefficient === 0) continue;
      for (let code = 0; code < curve.length; code++) table[offsets[c] + code] += coefficient * curve[code];
    }
  }
}

/** The linear function of the features as a polynomial of the coordinates. */
export function additivePolynomial(
  names: readonly string[],
  features: AdditiveFeatures,
  coefficients: Float64Array,
): Polynomial {
  const { rows, products, count } = features;
  const offsets = codeOffsets(rows);
  const table = new Float64Array(offsets[rows.columns.length]);
  fillTables(features, coefficients, offsets, table);
  const terms = new Map<string, Term>();
  let constant = coefficients[0];
  const add = (coordinates: readonly number[], coefficient: number): void => {
    if (coefficient === 0) return;
    const key = coordinates.join(' ');
    terms.set(key, { coordinates, coefficient: (terms.get(key)?.coefficient ?? 0) + coefficient });
  };
  for (const [c, { kind, first, count: codes }] of rows.columns.entries()) {
    const value = (code: number): number => table[offsets[c] + code];
    constant += value(0);
    for (let code = 1; code <= codes; code++) {
      // A yes counts its coefficient; a coordinate in 0 and 1 is half of 1 less the one in +1 and -1.
      const yes = value(code) - value(kind === 'categories' ? 0 : code - 1);
      constant += yes / 2;
      add([first + code - 1], -yes / 2);
    }
  }
  for (const [k, { coordinates, mean }] of products.entries()) {
    const coefficient = PRODUCT_HEIGHT * coefficients[count - products.length + k];
    constant -= coefficient * mean;
    add(coordinates, coefficient);
  }
  add([], constant);
  return polynomialFromTerms(names, [...terms.values()]);
}

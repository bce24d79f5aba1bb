/**
 * Prepares the first test of a layer: from the products of an input with a few rows, its projection, most units are found
 * not to fire before the int8 weights of any are read. docs/sparse-mlp.md proves the test; names below are those used there.
 *
 * As with the int8 screen, any rows and any factors are *correct*, because the bounds are computed from what they leave of
 * the weights; good ones let fewer silent units through. The rows must be nearly orthonormal, which is checked.
 */
import { packedIndex, paddedColumns, paddedUnits, quantiseRows, roundedUp, TEST_SLACK } from './mlp-screen.ts';

/** What fitting a projection chooses: w is about V' (s q), with V the rows times their scales. */
export interface MlpProjection {
  /** Rows, a multiple of 16, at most 4,096. */
  readonly rank: number;
  /** int16, four rows x 8 columns in 64 bytes, columns padded to a multiple of 16. */
  readonly rows: Int16Array;
  /** One per row. */
  readonly rowScales: Float32Array;
  /** int8, as `QuantisedRows.rows` over `rank` columns. */
  readonly factors: Int8Array;
  /** One per padded unit. */
  readonly factorScales: Float32Array;
  /** 0 to 1: of every 128 units, if the test leaves more than this share, the int8 test goes over what it left. */
  readonly refineAbove: number;
}

type ProjectionRows = Pick<MlpProjection, 'rank' | 'rows' | 'rowScales'>;

/** With the numbers of the test, from the weights themselves. */
export interface ProjectionScreen extends MlpProjection {
  /** e1: at least the part of w - V' s q within the rows' span. */
  readonly insideErrors: Float32Array;
  /** e2: at least |w| and s |q|. */
  readonly norms: Float32Array;
  /** e3: at least |w - V' s q|. */
  readonly residuals: Float32Array;
  /** Largest code of an input, and of a product, for which no integer sum can leave 32 bits. */
  readonly inputCodeLimit: number;
  readonly productCodeLimit: number;
  /** At least every s |q| and |w - V' s q|, for the limit on norms. */
  readonly largestNorm: number;
  /** At most 1 / (largest eigenvalue of V V'). */
  readonly inverse: number;
}

/** The most rows of a projection. */
export const MAX_RANK = 4096;
/** The codes of an input go up to this, so that rows may have as many digits as fit beside it. */
const INPUT_CODES = 4095;
const LEAST_INPUT_CODES = 255;
/** Rows whose products are further from orthonormal than this are refused: the bounds would be useless. */
const MOST_SKEW = 0.5;

/**
 * Where the code of a row's column stands in `rows`.
 * @example
 * ```ts
 * import { paddedColumns, projectionIndex } from '@fewfire/kernels';
 *
 * console.log(projectionIndex(1, 0, paddedColumns(100))); // 8
 * ```
 */
export function projectionIndex(row: number, column: number, columns: number): number {
  return (row >> 2) * 4 * columns + (column >> 3) * 32 + (row & 3) * 8 + (column & 7);
}

/**
 * Rows in int16, and the factors of every unit in int8.
 * @param basis rank x inputWidth, row-major, orthonormal rows; rank a multiple of 16, inputWidth at most 2^18
 * @example
 * ```ts
 * import { quantiseProjection } from '@fewfire/kernels';
 *
 * // The first 16 of 32 coordinates, as rows of a basis.
 * const basis = Float64Array.from({ length: 16 * 32 }, (_, i) => (i % 33 === 0 ? 1 : 0));
 * const up = new Float32Array(64 * 32).fill(0.5);
 * const projection = quantiseProjection(basis, 16, up, 32, 1);
 * console.log(projection.rank); // 16
 * ```
 */
export function quantiseProjection(
  basis: Float64Array,
  rank: number,
  up: Float32Array,
  inputWidth: number,
  refineAbove: number,
): MlpProjection {
  const unitCount = up.length / inputWidth;
  const columns = paddedColumns(inputWidth);
  const rows = new Int16Array(rank * columns);
  const rowScales = new Float32Array(rank);
  for (let k = 0; k < rank; k++) {
    const row = basis.subarray(k * inputWidth, (k + 1) * inputWidth);
    let most = 0;
    let sum = 0;
    for (const v of row) {
      most = Math.max(most, Math.abs(v));
      sum += Math.abs(v);
    }
    // Rounding may add half a code to every column.
    const codeSum = (2 ** 31 - 1) / INPUT_CODES - inputWidth;
    const scale = Math.fround(Math.max(most / 32767, sum / codeSum) * (1 + 2 ** -20));
    if (!(scale > 0)) continue;
    rowScales[k] = scale;
    for (let c = 0; c < inputWidth; c++) rows[projectionIndex(k, c, columns)] = Math.round(row[c] / scale);
  }
  const { values, gram } = decode({ rank, rows, rowScales }, inputWidth);
  const products = new Float64Array(rank);
  const all = new Float32Array(unitCount * rank);
  for (let u = 0; u < unitCount; u++) {
    multiply(values, rank, up.subarray(u * inputWidth, (u + 1) * inputWidth), products);
    // Nearly (V V')^-1 V w, V V' being nearly 1.
    for (let k = 0; k < rank; k++) {
      let skew = 0;
      for (let j = 0; j < rank; j++) skew += gram[k * rank + j] * products[j];
      all[u * rank + k] = 2 * products[k] - skew;
    }
  }
  const { rows: factors, scales: factorScales } = quantiseRows(all, rank, unitCount);
  return { rank, rows, rowScales, factors, factorScales, refineAbove };
}

/**
 * Whether anything follows from the rows: they are few enough, nearly orthonormal, and leave the input enough codes.
 * @param projection `rank`, `rows` and `rowScales` of an `MlpProjection`
 * @example
 * ```ts
 * import { isUsableProjection, quantiseProjection } from '@fewfire/kernels';
 *
 * // The first 16 of 32 coordinates, as rows of a basis.
 * const basis = Float64Array.from({ length: 16 * 32 }, (_, i) => (i % 33 === 0 ? 1 : 0));
 * const up = new Float32Array(64 * 32).fill(0.5);
 * const projection = quantiseProjection(basis, 16, up, 32, 1);
 * console.log(isUsableProjection(projection, 32)); // true
 * ```
 */
export function isUsableProjection(projection: ProjectionRows, inputWidth: number): boolean {
  return decodeUsable(projection, inputWidth) !== undefined;
}

function decodeUsable(
  projection: ProjectionRows,
  inputWidth: number,
): (Decoded & { readonly skew: number }) | undefined {
  const { rank, rows } = projection;
  if (!(rank > 0 && rank % 16 === 0 && rank <= Math.min(MAX_RANK, inputWidth))) return undefined;
  const columns = paddedColumns(inputWidth);
  if (codeLimitOf(rows, rank, columns) < LEAST_INPUT_CODES) return undefined;
  const decoded = decode(projection, inputWidth);
  const skew = skewOf(decoded.gram, rank, columns);
  return skew <= MOST_SKEW ? { ...decoded, skew } : undefined;
}

/**
 * The bounds that belong to a projection.
 * @param up the weights, unitCount x inputWidth, row-major
 * @returns undefined for one that is not usable
 * @example
 * ```ts
 * import { boundProjection, quantiseProjection } from '@fewfire/kernels';
 *
 * // The first 16 of 32 coordinates, as rows of a basis.
 * const basis = Float64Array.from({ length: 16 * 32 }, (_, i) => (i % 33 === 0 ? 1 : 0));
 * const up = new Float32Array(64 * 32).fill(0.5);
 * const projection = quantiseProjection(basis, 16, up, 32, 1);
 * console.log(boundProjection(projection, up, 32)?.largestNorm.toFixed(2)); // 2.83
 * ```
 */
export function boundProjection(
  projection: MlpProjection,
  up: Float32Array,
  inputWidth: number,
): ProjectionScreen | undefined {
  const { rank, rows, factors, factorScales } = projection;
  const decoded = decodeUsable(projection, inputWidth);
  if (decoded === undefined) return undefined;
  const { values, gram, skew } = decoded;
  const unitCount = up.length / inputWidth;
  const padded = paddedUnits(unitCount);
  const [insideErrors, norms, residuals] = [0, 1, 2].map(() => new Float32Array(padded));
  const products = new Float64Array(rank);
  const factor = new Float64Array(rank);
  const rounding = (inputWidth + rank + 16) * rank * 2 ** -51;
  let largestNorm = 0;
  let largestCodeSum = 1;
  for (let u = 0; u < unitCount; u++) {
    const w = up.subarray(u * inputWidth, (u + 1) * inputWidth);
    multiply(values, rank, w, products);
    const scale = factorScales[u];
    let codeSquares = 0;
    let codeSum = 0;
    for (let k = 0; k < rank; k++) {
      const code = factors[packedIndex(u, k, rank)];
      factor[k] = scale * code;
      codeSquares += code * code;
      codeSum += Math.abs(code);
    }
    let weightSquares = 0;
    for (const v of w) weightSquares += v * v;
    // r = w - V' a:  V r = V w - V V' a,  |r|^2 = |w|^2 - a . (V w + V r).
    let inside = 0;
    let explained = 0;
    for (let k = 0; k < rank; k++) {
      let own = products[k];
      const at = k * rank;
      for (let j = 0; j < rank; j++) own -= gram[at + j] * factor[j];
      inside += own * own;
      explained += factor[k] * (products[k] + own);
    }
    const s = scale * Math.sqrt(codeSquares);
    // What the doubles above may have lost is below these shares of it (docs/sparse-mlp.md).
    const size = weightSquares + 2 * s * s;
    const insideNorm = (Math.sqrt(inside) + rounding * Math.sqrt(size)) / Math.sqrt(1 - skew);
    const residual = Math.sqrt(Math.max(0, weightSquares - explained) + 2 * rounding * size);
    insideErrors[u] = roundedUp(insideNorm * (1 + TEST_SLACK));
    norms[u] = roundedUp(Math.max(Math.sqrt(weightSquares), s) * (1 + TEST_SLACK));
    residuals[u] = roundedUp(residual * (1 + TEST_SLACK));
    largestNorm = Math.max(largestNorm, norms[u], residuals[u], insideErrors[u]);
    largestCodeSum = Math.max(largestCodeSum, codeSum);
  }
  return {
    ...projection,
    insideErrors,
    norms,
    residuals,
    inputCodeLimit: codeLimitOf(rows, rank, paddedColumns(inputWidth)),
    productCodeLimit: Math.min(32767, Math.floor((2 ** 31 - 1) / largestCodeSum)),
    largestNorm,
    inverse: (1 / (1 + skew)) * (1 - 2 ** -40),
  };
}

/** V in doubles, exact, rank x inputWidth, and V V'. */
interface Decoded {
  readonly values: Float64Array;
  readonly gram: Float64Array;
}

function decode({ rank, rows, rowScales }: ProjectionRows, inputWidth: number): Decoded {
  const columns = paddedColumns(inputWidth);
  const values = new Float64Array(rank * inputWidth);
  for (let k = 0; k < rank; k++) {
    for (let c = 0; c < inputWidth; c++) {
      values[k * inputWidth + c] = rowScales[k] * rows[projectionIndex(k, c, columns)];
    }
  }
  const gram = new Float64Array(rank * rank);
  const products = new Float64Array(rank);
  for (let k = 0; k < rank; k++) {
    multiply(values, rank, values.subarray(k * inputWidth, (k + 1) * inputWidth), products);
    gram.set(products, k * rank);
  }
  return { values, gram };
}

// V w, four rows at a time.
function multiply(values: Float64Array, rank: number, w: Float32Array | Float64Array, products: Float64Array): void {
  const width = w.length;
  for (let k = 0; k < rank; k += 4) {
    let [a, b, c, d] = [0, 0, 0, 0];
    const at = k * width;
    for (let i = 0; i < width; i++) {
      const v = w[i];
      a += values[at + i] * v;
      b += values[at + width + i] * v;
      c += values[at + 2 * width + i] * v;
      d += values[at + 3 * width + i] * v;
    }
    products[k] = a;
    products[k + 1] = b;
    products[k + 2] = c;
    products[k + 3] = d;
  }
}

/** At least the spectral norm of E = V V' - 1: the fourth root of the squared Frobenius norm of E E, and all rounding. */
function skewOf(gram: Float64Array, rank: number, columns: number): number {
  const error = gram.slice();
  for (let k = 0; k < rank; k++) error[k * rank + k] -= 1;
  let squares = 0;
  for (const e of error) squares += e * e;
  let fourths = 0;
  const row = new Float64Array(rank);
  for (let k = 0; k < rank; k++) {
    multiply(error, rank, error.subarray(k * rank, (k + 1) * rank), row);
    for (const v of row) fourths += v * v;
  }
  const ofProducts = rank * (columns + 4) * 2 ** -50 * (1 + squares);
  return Math.sqrt(Math.sqrt(fourths) + rank * 2 ** -50 * squares) * (1 + 2 ** -30) + ofProducts;
}

/** Largest code of an input for which no product with a row can leave 32 bits. */
function codeLimitOf(rows: Int16Array, rank: number, columns: number): number {
  let largest = 1;
  for (let k = 0; k < rank; k++) {
    let sum = 0;
    for (let c = 0; c < columns; c++) sum += Math.abs(rows[projectionIndex(k, c, columns)]);
    largest = Math.max(largest, sum);
  }
  return Math.floor((2 ** 31 - 1) / largest);
}

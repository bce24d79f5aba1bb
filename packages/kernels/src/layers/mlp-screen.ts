/**
 * Prepares the screen of a layer: weights as int8 with one scale per unit, and for every unit the numbers of the test that
 * it does not fire. docs/sparse-mlp.md proves the test; the constants below carry the names used there.
 *
 * Any int8 rows and any scales are *correct*, because the bounds are computed from what they leave of the weights; good
 * ones let fewer silent units through. So a file may hold rows and scales, and bounds are computed when it is read.
 */
/** The weights of every unit as int8 with one scale per unit: w is about scale * row. */
export interface QuantisedRows {
  /** int8, four units x 16 columns in 64 bytes, units padded to a multiple of 8, columns to one of 16. */
  readonly rows: Int8Array;
  /** One per padded unit. */
  readonly scales: Float32Array;
}

/** With the numbers of the test that a unit does not fire, from the weights themselves. */
export interface MlpScreen extends QuantisedRows {
  /** e1: at least |w - s q| + gamma |w| + rounding of the test. */
  readonly weightErrors: Float32Array;
  /** e2: at least s |q| and rounding. */
  readonly codeNorms: Float32Array;
  /** Strictly below -bias - 2^-117; infinite for padding, which is never let through. */
  readonly thresholds: Float32Array;
  /** Largest code of an input for which no integer sum can leave 32 bits. */
  readonly codeLimit: number;
  /** Inputs of a larger norm are not screened: a sum of the dense kernel might overflow. */
  readonly normLimit: number;
}

const UNIT_ROUNDOFF = 2 ** -24;
/** More than the rounding errors of the test in f32 (5 roundings) and of norms in f64. */
export const TEST_SLACK: number = 2 ** -20;
/** More than all that underflow can lose in a dot product and in the test. */
const UNDERFLOW_SLACK = 2 ** -116;
/** Sums stay below this, far from overflow at 2^128. */
export const SUM_LIMIT: number = 2 ** 120;

/**
 * Input columns padded to whole blocks of the kernels.
 * @example
 * ```ts
 * import { paddedColumns } from '@fewfire/kernels';
 *
 * console.log(paddedColumns(100)); // 112
 * ```
 */
export function paddedColumns(width: number): number {
  return Math.ceil(width / 16) * 16;
}

/**
 * Units padded to whole blocks of the kernels.
 * @example
 * ```ts
 * import { paddedUnits } from '@fewfire/kernels';
 *
 * console.log(paddedUnits(100)); // 104
 * ```
 */
export function paddedUnits(unitCount: number): number {
  return Math.ceil(unitCount / 8) * 8;
}

/** gamma: what rounding may add to a dot product, as a share of the norms. */
export function dotRounding(columns: number): number {
  // The roundings a product can go through on its way: its own, columns / 16 in its sum, 4 above it.
  const roundings = columns / 16 + 5;
  return (roundings * UNIT_ROUNDOFF) / (1 - roundings * UNIT_ROUNDOFF);
}

/**
 * Where the code of a weight stands in `rows`.
 * @example
 * ```ts
 * import { packedIndex, paddedColumns } from '@fewfire/kernels';
 *
 * console.log(packedIndex(1, 0, paddedColumns(100))); // 16
 * ```
 */
export function packedIndex(unit: number, column: number, columns: number): number {
  return (unit >> 2) * 4 * columns + (column >> 4) * 64 + (unit & 3) * 16 + (column & 15);
}

/** Packed rows, one after the other: a test that goes over few units needs them to stand alone. */
export function rowAfterRow(packed: Int8Array, columns: number): Int8Array {
  const rows = new Int8Array(packed.length);
  for (let u = 0; u < packed.length / columns; u++) {
    for (let c = 0; c < columns; c += 16) {
      const from = packedIndex(u, c, columns);
      rows.set(packed.subarray(from, from + 16), u * columns + c);
    }
  }
  return rows;
}

/**
 * Every unit's weights as multiples of a 127th of the largest. Weights must be finite.
 * @param up the weights, unitCount x inputWidth, row-major
 * @example
 * ```ts
 * import { quantiseRows } from '@fewfire/kernels';
 *
 * // relu(x0 + x1) - relu(x0 - x1)
 * const layer = {
 *   name: 'layer',
 *   activation: 'relu',
 *   inputWidth: 2,
 *   unitCount: 2,
 *   outputWidth: 1,
 *   up: Float32Array.of(1, 1, 1, -1),
 *   upBias: Float32Array.of(0, 0),
 *   down: Float32Array.of(1, -1),
 *   downBias: Float32Array.of(0),
 * };
 * // a 127th of the largest weight
 * console.log(quantiseRows(layer.up, 2, 2).scales[0].toFixed(4)); // 0.0079
 * ```
 */
export function quantiseRows(up: Float32Array, inputWidth: number, unitCount: number): QuantisedRows {
  const columns = paddedColumns(inputWidth);
  const rows = new Int8Array(paddedUnits(unitCount) * columns);
  const scales = new Float32Array(paddedUnits(unitCount));
  for (let u = 0; u < unitCount; u++) {
    const start = u * inputWidth;
    let most = 0;
    for (let c = 0; c < inputWidth; c++) most = Math.max(most, Math.abs(up[start + c]));
    const scale = Math.fround(most / 127);
    if (scale === 0) continue;
    scales[u] = scale;
    for (let c = 0; c < inputWidth; c++) {
      const code = Math.round(up[start + c] / scale);
      rows[packedIndex(u, c, columns)] = Math.max(-127, Math.min(127, code));
    }
  }
  return { rows, scales };
}

/**
 * The bounds that belong to the rows, from the weights themselves.
 * @param quantised as `quantiseRows` gives them
 * @param up the weights, unitCount x inputWidth, row-major
 * @param upBias one per unit
 * @example
 * ```ts
 * import { boundRows, quantiseRows } from '@fewfire/kernels';
 *
 * // relu(x0 + x1) - relu(x0 - x1)
 * const layer = {
 *   name: 'layer',
 *   activation: 'relu',
 *   inputWidth: 2,
 *   unitCount: 2,
 *   outputWidth: 1,
 *   up: Float32Array.of(1, 1, 1, -1),
 *   upBias: Float32Array.of(0, 0),
 *   down: Float32Array.of(1, -1),
 *   downBias: Float32Array.of(0),
 * };
 * const screen = boundRows(quantiseRows(layer.up, 2, 2), layer.up, layer.upBias, 2);
 * console.log(screen.codeLimit, screen.rows.length); // 32767 128
 * ```
 */
export function boundRows(
  quantised: QuantisedRows,
  up: Float32Array,
  upBias: Float32Array,
  inputWidth: number,
): MlpScreen {
  const { rows, scales } = quantised;
  const unitCount = upBias.length;
  const columns = paddedColumns(inputWidth);
  const padded = paddedUnits(unitCount);
  const weightErrors = new Float32Array(padded);
  const codeNorms = new Float32Array(padded);
  const thresholds = new Float32Array(padded).fill(Infinity);
  const gamma = dotRounding(columns);
  let largestNorm = 0;
  let largestCodeSum = 1;
  for (let u = 0; u < unitCount; u++) {
    const scale = scales[u];
    let norm = 0;
    let error = 0;
    let codeNorm = 0;
    let codeSum = 0;
    for (let c = 0; c < inputWidth; c++) {
      const w = up[u * inputWidth + c];
      const code = rows[packedIndex(u, c, columns)];
      const left = w - scale * code;
      norm += w * w;
      error += left * left;
      codeNorm += code * code;
      codeSum += Math.abs(code);
    }
    norm = Math.sqrt(norm) * (1 + TEST_SLACK);
    const s = scale * Math.sqrt(codeNorm);
    weightErrors[u] = roundedUp((Math.sqrt(error) + gamma * norm + TEST_SLACK * s) * (1 + TEST_SLACK));
    codeNorms[u] = roundedUp(s * (1 + TEST_SLACK));
    thresholds[u] = stepDown(Math.fround(-upBias[u] - UNDERFLOW_SLACK));
    // Rows from a file may have any scale, so what they stand for counts too.
    largestNorm = Math.max(largestNorm, norm, codeNorms[u]);
    largestCodeSum = Math.max(largestCodeSum, codeSum);
  }
  return {
    rows,
    scales,
    weightErrors,
    codeNorms,
    thresholds,
    codeLimit: Math.min(32767, Math.floor((2 ** 31 - 1) / largestCodeSum)),
    normLimit: SUM_LIMIT / largestNorm,
  };
}

/** A f32 that is at least v, for v >= 0. */
export function roundedUp(v: number): number {
  const nearest = Math.fround(v);
  return nearest < v ? step(nearest, 1) : nearest;
}

/**
 * The next f32 below v; -Infinity for -Infinity.
 * @example
 * ```ts
 * import { stepDown } from '@fewfire/kernels';
 *
 * console.log(1 - stepDown(1), stepDown(Number.NEGATIVE_INFINITY)); // 5.960464477539063e-8 -Infinity
 * ```
 */
export function stepDown(v: number): number {
  if (v === -Infinity) return v;
  if (v === 0) return -(2 ** -149);
  return step(v, v > 0 ? -1 : 1);
}

// The f32 whose bits are `by` further from zero.
function step(v: number, by: number): number {
  const value = Float32Array.of(v);
  new Int32Array(value.buffer)[0] += by;
  return value[0];
}

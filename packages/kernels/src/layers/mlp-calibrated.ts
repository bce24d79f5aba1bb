/**
 * Prepares the screens of assembly/mlp-calibrated.ts, and computes them by definition: the estimates here are those of the
 * kernels bit for bit, so thresholds can be set from them. Nothing is proved of an estimate; a calibration measures it.
 */
import type { createArena } from '../arena.ts';
import { CalibratedPlan, MlpRecord } from '../generated/structs.ts';
import { packedIndex, paddedColumns, quantiseRows, rowAfterRow } from './mlp-screen.ts';
import { writeStruct } from './structs.ts';

/** Levels of a weight in units of its scale, codes 0 to 3, and the border between inner and outer ones. */
export const LOOKUP_LEVELS: readonly number[] = [-1.51, -0.4528, 0.4528, 1.51].map(Math.fround);
/** The border between inner and outer levels of a lookup. */
export const LOOKUP_BORDER = 0.98;

const MIDDLE = 64;
const STEPS = 63;
const LEAST_INPUT = 2 ** -100;
/** As in assembly/mlp-screen.ts, whose quantiser gives up where the norm overflows. */
const NORM_SLACK = 1 + 2 ** -20;
const UNITS_PER_BLOCK = 32;

interface ScreenThresholds {
  /** f32, one per unit, padded to 32. */
  readonly scales: Float32Array;
  /** f32, one per unit, padded to 32: a unit is left out where its estimate is at most this. */
  readonly thresholds: Float32Array;
}

/** Two bits a weight, in the order of `packLookupCodes`. */
export interface LookupScreen extends ScreenThresholds {
  readonly method: 'lookup';
  readonly codes: Uint8Array;
}

/** W is about A V; A, V and the input in whole numbers. */
export interface LowRankFactors {
  /** Rows of V and columns of A; a multiple of 16. */
  readonly rank: number;
  /** V: int8, as `QuantisedRows.rows`, and a scale for each row. */
  readonly projection: Int8Array;
  readonly projectionScales: Float32Array;
  /** A: int8, as `QuantisedRows.rows` over `rank` columns, units padded to 32. */
  readonly rows: Int8Array;
  /** f32, one per unit, padded to 32. */
  readonly scales: Float32Array;
  /** Largest code of an input, and of a product with V, for which no integer sum can leave 32 bits. */
  readonly inputCodeLimit: number;
  readonly codeLimit: number;
}

/** The estimate is (rows times scale) . (projection times scales . x). */
export interface LowRankScreen extends ScreenThresholds, LowRankFactors {
  readonly method: 'low-rank';
  /**
   * A first test by the leading columns of A alone (a multiple of 16, fewer than `rank`), with thresholds of its own, padded to
   * 32; a unit has to pass both.
   */
  readonly lead: { readonly columns: number; readonly thresholds: Float32Array } | undefined;
}

/** What leaves units out by an estimate. */
export type CalibratedScreen = LookupScreen | LowRankScreen;

/** The size of the layer that a screen is for. */
export interface ScreenShape {
  readonly inputWidth: number;
  readonly unitCount: number;
}

/**
 * Units padded to whole blocks of the lookup.
 * @example
 * ```ts
 * import { calibratedUnits } from '@fewfire/kernels';
 *
 * console.log(calibratedUnits(100)); // 128
 * ```
 */
export function calibratedUnits(unitCount: number): number {
  return Math.ceil(unitCount / UNITS_PER_BLOCK) * UNITS_PER_BLOCK;
}

/**
 * Bytes of the codes of a lookup.
 * @param shape the layer's size
 * @example
 * ```ts
 * import { lookupCodeBytes } from '@fewfire/kernels';
 *
 * console.log(lookupCodeBytes({ inputWidth: 64, unitCount: 256 })); // 4096
 * ```
 */
export function lookupCodeBytes({ inputWidth, unitCount }: ScreenShape): number {
  return (calibratedUnits(unitCount) * paddedColumns(inputWidth)) / 4;
}

// Byte and shift of a pair of columns of a unit.
function codePlace(unit: number, pair: number, pairs: number): readonly [number, number] {
  const k = unit % UNITS_PER_BLOCK;
  return [((unit - k) / UNITS_PER_BLOCK) * pairs * 16 + pair * 16 + 2 * (k & 7) + ((k >> 3) & 1), k < 16 ? 0 : 4];
}

/**
 * The codes of a lookup, four to a byte, in the order of the kernels.
 * @param levels 0 to 3 for every weight, unitCount x inputWidth, row-major
 * @example
 * ```ts
 * import { lookupCodeBytes, packLookupCodes } from '@fewfire/kernels';
 *
 * const shape = { inputWidth: 64, unitCount: 256 };
 * console.log(packLookupCodes(new Uint8Array(64 * 256).fill(3), shape).length); // 4096
 * ```
 */
export function packLookupCodes(levels: Uint8Array, shape: ScreenShape): Uint8Array {
  const { inputWidth, unitCount } = shape;
  const pairs = paddedColumns(inputWidth) / 2;
  const codes = new Uint8Array(lookupCodeBytes(shape));
  for (let u = 0; u < unitCount; u++) {
    for (let c = 0; c < inputWidth; c++) {
      const [at, shift] = codePlace(u, c >> 1, pairs);
      codes[at] |= levels[u * inputWidth + c] << (shift + 2 * (c & 1));
    }
  }
  return codes;
}

/**
 * A low-rank form of a layer in whole numbers, with its scales.
 * @param factors A, unitCount x rank, row-major
 * @param projection V, rank x inputWidth, row-major
 * @param rank a multiple of 16
 * @param shape the layer's size
 * @example
 * ```ts
 * import { quantiseLowRank } from '@fewfire/kernels';
 *
 * const shape = { inputWidth: 16, unitCount: 64 };
 * const factors = quantiseLowRank(new Float32Array(64 * 16).fill(0.5), new Float32Array(16 * 16).fill(0.25), 16, shape);
 * console.log(factors.rank); // 16
 * ```
 */
export function quantiseLowRank(
  factors: Float32Array,
  projection: Float32Array,
  rank: number,
  { inputWidth, unitCount }: ScreenShape,
): LowRankFactors {
  const padded = calibratedUnits(unitCount);
  const all = new Float32Array(padded * rank);
  all.set(factors);
  const v = quantiseRows(projection, inputWidth, rank);
  const a = quantiseRows(all, rank, padded);
  return lowRankFactors({ rank, projection: v.rows, projectionScales: v.scales, ...a }, inputWidth);
}

/**
 * With the limits that belong to the rows.
 * @example
 * ```ts
 * import { lowRankFactors, quantiseLowRank } from '@fewfire/kernels';
 *
 * const shape = { inputWidth: 16, unitCount: 64 };
 * const { inputCodeLimit, codeLimit, ...factors } = quantiseLowRank(
 *   new Float32Array(64 * 16).fill(0.5),
 *   new Float32Array(16 * 16).fill(0.25),
 *   16,
 *   shape,
 * );
 * console.log(inputCodeLimit, lowRankFactors(factors, 16).inputCodeLimit); // 32767 32767
 * ```
 */
export function lowRankFactors(
  factors: Omit<LowRankFactors, 'inputCodeLimit' | 'codeLimit'>,
  inputWidth: number,
): LowRankFactors {
  const inputCodeLimit = codeLimit(factors.projection, paddedColumns(inputWidth));
  return { ...factors, inputCodeLimit, codeLimit: codeLimit(factors.rows, factors.rank) };
}

/**
 * Estimates of listed units for an input, in single precision in the order of the kernels; NaN where the input is not
 * finite. A unit is left out where the estimate is at most its threshold.
 * @example
 * ```ts
 * import { quantiseLowRank, referenceEstimates } from '@fewfire/kernels';
 *
 * const shape = { inputWidth: 16, unitCount: 64 };
 * const factors = quantiseLowRank(new Float32Array(64 * 16).fill(0.5), new Float32Array(16 * 16).fill(0.25), 16, shape);
 * const estimates = referenceEstimates({ method: 'low-rank', ...factors }, shape, new Float32Array(16).fill(1), [0, 1]);
 * console.log(Array.from(estimates, Math.round)); // [ 32, 32 ]
 * ```
 */
export function referenceEstimates(
  screen: Pick<LookupScreen, 'method' | 'codes' | 'scales'> | (LowRankFactors & Pick<LowRankScreen, 'method'>),
  shape: ScreenShape,
  input: Float32Array,
  units: Iterable<number>,
): Float32Array {
  return screen.method === 'lookup'
    ? lookupEstimates(screen, shape.inputWidth, input, units)
    : lowRankEstimates(screen, shape, input, units, [screen.rank])[0];
}

/**
 * The units that a screen lets through, in increasing order.
 * @example
 * ```ts
 * import { quantiseLowRank, referenceSurvivors } from '@fewfire/kernels';
 *
 * const shape = { inputWidth: 16, unitCount: 64 };
 * const factors = quantiseLowRank(new Float32Array(64 * 16).fill(0.5), new Float32Array(16 * 16).fill(0.25), 16, shape);
 * const screen = { method: 'low-rank', ...factors, thresholds: new Float32Array(64).fill(Number.POSITIVE_INFINITY) };
 * // no estimate is above its threshold
 * console.log(referenceSurvivors(screen, shape, new Float32Array(16).fill(1)).length); // 0
 * ```
 */
export function referenceSurvivors(screen: CalibratedScreen, shape: ScreenShape, input: Float32Array): Uint32Array {
  let units = Uint32Array.from({ length: shape.unitCount }, (_, u) => u);
  if (screen.method === 'low-rank' && screen.lead !== undefined) {
    const { columns, thresholds } = screen.lead;
    const [leading] = lowRankEstimates(screen, shape, input, units, [columns]);
    units = units.filter((u) => !(leading[u] <= thresholds[u]));
  }
  const estimates = referenceEstimates(screen, shape, input, units);
  return units.filter((u, k) => !(estimates[k] <= screen.thresholds[u]));
}

function lookupEstimates(
  { codes, scales }: Pick<LookupScreen, 'codes' | 'scales'>,
  inputWidth: number,
  input: Float32Array,
  units: Iterable<number>,
): Float32Array {
  const pairs = paddedColumns(inputWidth) / 2;
  const { step, tables } = lookupTables(input, pairs);
  if (!(step < Infinity)) return Float32Array.from(units, () => Number.NaN);
  return Float32Array.from(units, (u) => {
    let sum = -pairs * MIDDLE;
    const [start, shift] = codePlace(u, 0, pairs);
    for (let p = 0, at = start; p < pairs; p++, at += 16) sum += tables[16 * p + ((codes[at] >> shift) & 15)];
    return Math.fround(Math.fround(Math.fround(sum) * step) * scales[u]);
  });
}

function lookupTables(input: Float32Array, pairs: number): { readonly step: number; readonly tables: Uint8Array } {
  const { fround } = Math;
  const [outer, inner] = [LOOKUP_LEVELS[3], LOOKUP_LEVELS[2]];
  let most = 0;
  for (let c = 0; c < input.length; c += 2) {
    most = Math.max(most, fround(Math.abs(input[c]) + Math.abs(input[c + 1] ?? 0)));
  }
  const step = most < LEAST_INPUT ? 0 : fround(fround(most * outer) / STEPS);
  const inverse = step === 0 ? 0 : fround(1 / step);
  const far = fround(outer * inverse);
  const near = fround(inner * inverse);
  const factors = [-far, -near, near, far];
  // The rounding of a Uint8ClampedArray is that of `nearest`: to even.
  const tables = new Uint8ClampedArray(16 * pairs);
  for (let p = 0; p < pairs; p++) {
    const [x0, x1] = [input[2 * p] ?? 0, input[2 * p + 1] ?? 0];
    for (let i = 0; i < 4; i++) {
      const first = fround(fround(x0 * factors[i]) + MIDDLE);
      for (let j = 0; j < 4; j++) tables[16 * p + 4 * j + i] = fround(first + fround(x1 * factors[j]));
    }
  }
  return { step, tables: new Uint8Array(tables.buffer) };
}

/**
 * As `referenceEstimates`, by several numbers of leading columns of A.
 * @param factors the low-rank form
 * @param shape the layer's size
 * @param input inputWidth numbers
 * @param units the units to estimate
 * @param columnCounts increasing
 * @returns an array of estimates for each of them
 * @example
 * ```ts
 * import { lowRankEstimates, quantiseLowRank } from '@fewfire/kernels';
 *
 * const shape = { inputWidth: 16, unitCount: 64 };
 * const factors = quantiseLowRank(new Float32Array(64 * 16).fill(0.5), new Float32Array(16 * 16).fill(0.25), 16, shape);
 * const [estimates] = lowRankEstimates(factors, shape, new Float32Array(16).fill(1), [0, 1], [16]);
 * console.log(Array.from(estimates, Math.round)); // [ 32, 32 ]
 * ```
 */
export function lowRankEstimates(
  { projection, projectionScales, rank, rows, scales, inputCodeLimit, codeLimit: limit }: LowRankFactors,
  { inputWidth }: ScreenShape,
  input: Float32Array,
  units: Iterable<number>,
  columnCounts: readonly number[],
): readonly Float32Array[] {
  const { fround } = Math;
  const x = quantise(input, inputCodeLimit);
  const width = paddedColumns(inputWidth);
  const products = Float32Array.from({ length: rank }, (_, r) =>
    fround(fround(projectionScales[r] * x.step) * fround(dotOfPacked(projection, r, width, x.codes, 0, inputWidth))),
  );
  const { step, codes } = quantise(products, limit);
  const listed = Uint32Array.from(units);
  const estimates = columnCounts.map(() => new Float32Array(listed.length));
  for (const [k, u] of listed.entries()) {
    let dot = 0;
    for (let q = 0, from = 0; q < columnCounts.length; from = columnCounts[q++]) {
      dot += dotOfPacked(rows, u, rank, codes, from, columnCounts[q]);
      estimates[q][k] = fround(fround(scales[u] * step) * fround(dot));
    }
  }
  return estimates;
}

// Columns [from, to) of a packed row, `from` a multiple of 16, with codes.
function dotOfPacked(
  packed: Int8Array,
  row: number,
  columns: number,
  codes: Float32Array,
  from: number,
  to: number,
): number {
  let dot = 0;
  for (let first = from; first < to; first += 16) {
    const at = packedIndex(row, first, columns) - first;
    const end = Math.min(to, first + 16);
    for (let c = first; c < end; c++) dot += packed[at + c] * codes[c];
  }
  return dot;
}

// As `quantiseInput` of assembly/mlp-screen.ts; the step of what it refuses is NaN.
function quantise(values: Float32Array, limit: number): { readonly step: number; readonly codes: Float32Array } {
  const { fround } = Math;
  const most = values.reduce((largest, v) => Math.max(largest, Math.abs(v)), 0);
  const norm = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
  const step = !(fround(norm * NORM_SLACK) < Infinity) ? Number.NaN : most < LEAST_INPUT ? 0 : fround(most / limit);
  const inverse = step === 0 ? 0 : fround(1 / step);
  return { step, codes: values.map((v) => Math.max(-limit, Math.min(limit, roundToEven(fround(v * inverse))))) };
}

/** Largest code for which no integer sum with packed rows of so many columns can leave 32 bits. */
function codeLimit(rows: Int8Array, columns: number): number {
  let largest = 1;
  for (let first = 0; first < rows.length; first += 4 * columns) {
    const sums = [0, 0, 0, 0];
    for (let at = 0; at < 4 * columns; at++) sums[(at >> 4) & 3] += Math.abs(rows[first + at]);
    largest = Math.max(largest, ...sums);
  }
  return Math.min(32767, Math.floor((2 ** 31 - 1) / largest));
}

function roundToEven(v: number): number {
  const rounded = Math.round(v);
  return Math.abs(v % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

type Arena = ReturnType<typeof createArena>;

/** Places in memory; 0 for what a screen does not have. */
export interface CalibratedLayout {
  readonly plan: number;
  readonly data: number;
  readonly scales: number;
  readonly thresholds: number;
  readonly tables: number;
  readonly projection: number;
  readonly projectionScales: number;
  readonly inputCodes: number;
  readonly codes: number;
  readonly records: number;
  readonly rows: number;
  readonly rowThresholds: number;
}

/** Room for a screen in the memory of a layer. */
export function layOutCalibrated(arena: Arena, screen: CalibratedScreen, shape: ScreenShape): CalibratedLayout {
  const units = calibratedUnits(shape.unitCount);
  const columns = paddedColumns(shape.inputWidth);
  const shared = {
    plan: arena.reserve(CalibratedPlan.bytes),
    scales: arena.reserve(4 * units),
    thresholds: arena.reserve(4 * units),
  };
  if (screen.method === 'lookup') {
    return {
      ...shared,
      data: arena.reserve(screen.codes.length),
      tables: arena.reserve(8 * columns),
      projection: 0,
      projectionScales: 0,
      inputCodes: 0,
      codes: 0,
      records: 0,
      rows: 0,
      rowThresholds: 0,
    };
  }
  const { rank, lead } = screen;
  return {
    ...shared,
    data: arena.reserve(units * (lead?.columns ?? rank)),
    tables: arena.reserve(4 * rank),
    projection: arena.reserve(rank * columns),
    projectionScales: arena.reserve(4 * rank),
    inputCodes: arena.reserve(2 * columns),
    codes: arena.reserve(2 * rank),
    records: arena.reserve(2 * MlpRecord.bytes),
    rows: lead === undefined ? 0 : arena.reserve(units * rank),
    rowThresholds: lead === undefined ? 0 : arena.reserve(4 * units),
  };
}

/** Writes a screen and its plan. @param input,found where the layer has its input and the list of units to evaluate */
export function writeCalibrated(
  buffer: ArrayBufferLike,
  layout: CalibratedLayout,
  screen: CalibratedScreen,
  shape: ScreenShape,
  input: number,
  found: number,
): void {
  const floats = new Float32Array(buffer);
  const lowRank = screen.method === 'low-rank' ? screen : undefined;
  writeStruct(buffer, layout.plan, CalibratedPlan, {
    isLowRank: lowRank === undefined ? 0 : 1,
    inputBytes: 4 * paddedColumns(shape.inputWidth),
    paddedUnits: calibratedUnits(shape.unitCount),
    unitCount: shape.unitCount,
    input,
    found,
    data: layout.data,
    scales: layout.scales,
    thresholds: layout.thresholds,
    tables: layout.tables,
    projection: layout.projection,
    projectionScales: layout.projectionScales,
    rank: lowRank?.rank ?? 0,
    leadColumns: lowRank?.lead?.columns ?? lowRank?.rank ?? 0,
    inputCodes: layout.inputCodes,
    inputCodeLimit: lowRank?.inputCodeLimit ?? 0,
    codes: layout.codes,
    codeLimit: lowRank?.codeLimit ?? 0,
    records: layout.records,
    rows: layout.rows,
    rowThresholds: layout.rowThresholds,
  });
  floats.set(screen.scales, layout.scales >>> 2);
  if (screen.method === 'lookup') {
    floats.set(screen.thresholds, layout.thresholds >>> 2);
    new Uint8Array(buffer).set(screen.codes, layout.data);
    return;
  }
  const { rank, lead, rows } = screen;
  const bytes = new Int8Array(buffer);
  bytes.set(screen.projection, layout.projection);
  floats.set(screen.projectionScales, layout.projectionScales >>> 2);
  if (lead === undefined) {
    floats.set(screen.thresholds, layout.thresholds >>> 2);
    bytes.set(rows, layout.data);
    return;
  }
  floats.set(lead.thresholds, layout.thresholds >>> 2);
  floats.set(screen.thresholds, layout.rowThresholds >>> 2);
  // Of every four units the leading columns stand first.
  for (let from = 0, to = layout.data; from < rows.length; from += 4 * rank, to += 4 * lead.columns) {
    bytes.set(rows.subarray(from, from + 4 * lead.columns), to);
  }
  bytes.set(rowAfterRow(rows, rank), layout.rows);
}

/**
 * Prepares the screens of assembly/mlp-calibrated.ts, and computes them by definition: the estimates here are those of the
 * kernels bit for bit, so thresholds can be set from them. Nothing is proved of an estimate; a calibration measures it.
 */
import type { createArena } from './arena.ts';
import { referenceDot } from './mlp-reference.ts';
import { packedIndex, paddedColumns, quantiseRows } from './mlp-screen.ts';

/** Levels of a weight in units of its scale, codes 0 to 3, and the border between inner and outer ones. */
export const LOOKUP_LEVELS: readonly number[] = [-1.51, -0.4528, 0.4528, 1.51].map(Math.fround);
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

/** The estimate is (rows as int8 times scale) . (projection . x). */
export interface LowRankScreen extends ScreenThresholds {
  readonly method: 'low-rank';
  readonly rank: number;
  /** f32, rank x inputWidth, row-major. */
  readonly projection: Float32Array;
  /** int8, as `QuantisedRows.rows` over `rank` columns. */
  readonly rows: Int8Array;
  /** From `factorCodeLimit` for the rows. */
  readonly codeLimit: number;
}

export type CalibratedScreen = LookupScreen | LowRankScreen;

export interface ScreenShape {
  readonly inputWidth: number;
  readonly unitCount: number;
}

/** Units padded to whole blocks of the lookup. */
export function calibratedUnits(unitCount: number): number {
  return Math.ceil(unitCount / UNITS_PER_BLOCK) * UNITS_PER_BLOCK;
}

/** Bytes of the codes of a lookup. */
export function lookupCodeBytes({ inputWidth, unitCount }: ScreenShape): number {
  return (calibratedUnits(unitCount) * paddedColumns(inputWidth)) / 4;
}

// Byte and shift of a pair of columns of a unit.
function codePlace(unit: number, pair: number, pairs: number): readonly [number, number] {
  const k = unit % UNITS_PER_BLOCK;
  return [((unit - k) / UNITS_PER_BLOCK) * pairs * 16 + pair * 16 + 2 * (k & 7) + ((k >> 3) & 1), k < 16 ? 0 : 4];
}

/** @param levels 0 to 3 for every weight, unitCount x inputWidth, row-major */
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

/** Rows of the low-rank screen with their scales, padded to 32 units. @param factors unitCount x rank, row-major */
export function quantiseFactors(
  factors: Float32Array,
  rank: number,
  unitCount: number,
): Pick<LowRankScreen, 'rows' | 'scales' | 'codeLimit'> {
  const padded = calibratedUnits(unitCount);
  const all = new Float32Array(padded * rank);
  all.set(factors);
  const { rows, scales } = quantiseRows(all, rank, padded);
  return { rows, scales, codeLimit: factorCodeLimit(rows, rank) };
}

/**
 * Estimates of listed units for an input, in single precision in the order of the kernels; NaN where the input is not
 * finite. A unit is left out where the estimate is at most its threshold.
 */
export function referenceEstimates(
  screen: Pick<LookupScreen, 'method' | 'codes' | 'scales'> | Omit<LowRankScreen, 'thresholds'>,
  { inputWidth }: ScreenShape,
  input: Float32Array,
  units: Iterable<number>,
): Float32Array {
  return screen.method === 'lookup'
    ? lookupEstimates(screen, inputWidth, input, units)
    : lowRankEstimates(screen, inputWidth, input, units);
}

/** The units that a screen lets through, in increasing order. */
export function referenceSurvivors(screen: CalibratedScreen, shape: ScreenShape, input: Float32Array): Uint32Array {
  const units = Uint32Array.from({ length: shape.unitCount }, (_, u) => u);
  const estimates = referenceEstimates(screen, shape, input, units);
  return units.filter((u) => !(estimates[u] <= screen.thresholds[u]));
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

function lowRankEstimates(
  { projection, rank, rows, scales, codeLimit: limit }: Omit<LowRankScreen, 'thresholds'>,
  inputWidth: number,
  input: Float32Array,
  units: Iterable<number>,
): Float32Array {
  const { fround } = Math;
  const columns = paddedColumns(rank);
  const products = Float32Array.from({ length: rank }, (_, r) => referenceDot(projection, r * inputWidth, input));
  const most = products.reduce((largest, v) => Math.max(largest, Math.abs(v)), 0);
  const norm = Math.sqrt(products.reduce((sum, v) => sum + v * v, 0));
  const step = !(fround(norm * NORM_SLACK) < Infinity) ? Number.NaN : most < LEAST_INPUT ? 0 : fround(most / limit);
  const inverse = step === 0 ? 0 : fround(1 / step);
  const codes = products.map((v) => Math.max(-limit, Math.min(limit, roundToEven(fround(v * inverse)))));
  return Float32Array.from(units, (u) => {
    let dot = 0;
    for (let r = 0; r < rank; r++) dot += rows[packedIndex(u, r, columns)] * codes[r];
    return fround(fround(scales[u] * step) * fround(dot));
  });
}

/** Largest code of a product for which no integer sum can leave 32 bits. */
export function factorCodeLimit(rows: Int8Array, rank: number): number {
  const columns = paddedColumns(rank);
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

export interface CalibratedLayout {
  readonly plan: number;
  readonly data: number;
  readonly scales: number;
  readonly thresholds: number;
  readonly tables: number;
  readonly projection: number;
  readonly products: number;
  readonly record: number;
  readonly zeros: number;
}

/** Room for a screen in the memory of a layer. */
export function layOutCalibrated(arena: Arena, screen: CalibratedScreen, shape: ScreenShape): CalibratedLayout {
  const units = calibratedUnits(shape.unitCount);
  const columns = paddedColumns(shape.inputWidth);
  const rank = screen.method === 'low-rank' ? paddedColumns(screen.rank) : 0;
  return {
    plan: arena.reserve(64),
    data: arena.reserve(screen.method === 'lookup' ? screen.codes.length : screen.rows.length),
    scales: arena.reserve(4 * units),
    thresholds: arena.reserve(4 * units),
    tables: arena.reserve(Math.max(8 * columns, 4 * rank)),
    projection: arena.reserve(4 * rank * columns),
    products: arena.reserve(2 * rank),
    record: arena.reserve(32),
    zeros: arena.reserve(4 * units),
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
  const columns = paddedColumns(shape.inputWidth);
  const floats = new Float32Array(buffer);
  floats.set(screen.scales, layout.scales >> 2);
  floats.set(screen.thresholds, layout.thresholds >> 2);
  const isLowRank = screen.method === 'low-rank';
  new Uint32Array(buffer, layout.plan, 16).set([
    isLowRank ? 1 : 0,
    4 * columns,
    calibratedUnits(shape.unitCount),
    shape.unitCount,
    input,
    found,
    layout.data,
    layout.scales,
    layout.thresholds,
    layout.tables,
    layout.projection,
    isLowRank ? paddedColumns(screen.rank) : 0,
    layout.products,
    layout.record,
    isLowRank ? screen.codeLimit : 0,
    layout.zeros,
  ]);
  if (!isLowRank) {
    new Uint8Array(buffer).set(screen.codes, layout.data);
    return;
  }
  new Int8Array(buffer).set(screen.rows, layout.data);
  const { inputWidth } = shape;
  for (let r = 0; r < screen.rank; r++) {
    floats.set(
      screen.projection.subarray(r * inputWidth, (r + 1) * inputWidth),
      (layout.projection >> 2) + r * columns,
    );
  }
}

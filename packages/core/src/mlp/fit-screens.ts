/**
 * Screens for a calibrated block, fitted to inputs. Both minimise the error of the estimates over inputs with the second
 * moments M = L L' of the given ones (plus a ridge), not the error of the weights:
 *
 * - `lookup`: two bits a weight, rounded column after column from the last to the first, each column making up for the
 *   error of those before it (GPTQ, Frantar et al. 2023, in the form of Babai's nearest plane: only L is needed);
 * - `low-rank`: W = A V with the best subspace for W L, by subspace iteration.
 *
 * A line through estimate and sum of every unit, over some inputs, corrects scale and offset and tells the spread.
 */
import {
  calibratedUnits,
  LOOKUP_BORDER,
  LOOKUP_LEVELS,
  type LookupScreen,
  type LowRankScreen,
  packLookupCodes,
  quantiseFactors,
  referenceEstimates,
} from '@fewfire/kernels';
import { createRandom, type RunOptions } from '../base/index.ts';
import type { MlpBlock } from './block.ts';
import { createPause, type Pause } from './pause.ts';
import { addScaled, orthonormal, secondMoments } from './subspace.ts';

/** A screen without thresholds: a unit's sum is about estimate + offset, with the spread as its standard deviation. */
export type FittedScreen = (Omit<LookupScreen, 'thresholds'> | Omit<LowRankScreen, 'thresholds'>) & {
  readonly offsets: Float64Array;
  readonly spreads: Float64Array;
};

/** Share of the mean second moment added to every one, so that directions not seen in the inputs count a little. */
const RIDGE = 0.02;
const LINE_INPUTS = 256;
const SUBSPACE_ROUNDS = 3;
const RANK_STEP = 16;

/** The lower factor L of the second moments about the mean, width x width, row-major. */
export interface InputMoments {
  readonly factor: Float64Array;
  readonly width: number;
}

export async function inputMoments(rows: Float32Array, width: number, options: RunOptions): Promise<InputMoments> {
  const count = rows.length / width;
  const pause = createPause('second moments of the inputs', options);
  const mean = new Float64Array(width);
  for (let i = 0; i < rows.length; i++) mean[i % width] += rows[i] / count;
  const all = Uint32Array.from({ length: count }, (_, row) => row);
  const moments = await secondMoments({ rows, list: all }, width, pause);
  let aboutZero = 0;
  for (let i = 0; i < width; i++) aboutZero += moments[i * width + i];
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) moments[i * width + j] = j > i ? 0 : moments[i * width + j] - mean[i] * mean[j];
  }
  let trace = 0;
  for (let i = 0; i < width; i++) trace += moments[i * width + i];
  // Inputs that are all the same, up to rounding, need some positive number; with the ridge no pivot comes near 0.
  const ridge = trace > 1e-12 * aboutZero ? (RIDGE * trace) / width : 1;
  for (let i = 0; i < width; i++) moments[i * width + i] += ridge;
  await choleskyInPlace(moments, width, createPause('factor of the second moments', options));
  return { factor: moments, width };
}

// The lower triangle of a positive definite matrix to its factor; the upper one is left as it is, zero.
async function choleskyInPlace(a: Float64Array, n: number, pause: Pause): Promise<void> {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i === j ? Math.sqrt(sum) : sum / a[j * n + j];
    }
    await pause(i, n);
  }
}

export async function fitLookup(
  block: MlpBlock,
  { factor }: InputMoments,
  rows: Float32Array,
  options: RunOptions,
): Promise<FittedScreen> {
  const { inputWidth: d, unitCount, up } = block;
  const pause = createPause('fitting the lookup screen', options);
  const levels = new Uint8Array(unitCount * d);
  const scales = new Float32Array(calibratedUnits(unitCount));
  const carried = new Float64Array(d);
  for (let u = 0; u < unitCount; u++) {
    const w = up.subarray(u * d, (u + 1) * d);
    const scale = Math.sqrt(w.reduce((sum, v) => sum + v * v, 0) / d);
    scales[u] = scale;
    if (scale > 0) roundUnit(w, scale, factor, carried, levels.subarray(u * d, (u + 1) * d));
    await pause(u, unitCount);
  }
  const screen = { method: 'lookup' as const, codes: packLookupCodes(levels, block), scales };
  return fitLines(block, screen, rows, options);
}

// `carried` at column k: sum over the columns j > k done so far of L[j][k] times the error left there.
function roundUnit(
  w: Float32Array,
  scale: number,
  factor: Float64Array,
  carried: Float64Array,
  levels: Uint8Array,
): void {
  const d = w.length;
  const border = LOOKUP_BORDER * scale;
  carried.fill(0);
  for (let k = d - 1; k >= 0; k--) {
    const at = k * d;
    const wanted = w[k] + carried[k] / factor[at + k];
    const level = wanted < -border ? 0 : wanted < 0 ? 1 : wanted < border ? 2 : 3;
    levels[k] = level;
    const error = w[k] - scale * LOOKUP_LEVELS[level];
    for (let j = 0; j < k; j++) carried[j] += factor[at + j] * error;
  }
}

/** Rank d / 8 in steps of 16; 0 where that would be no saving. */
export function screenRank(inputWidth: number): number {
  const rank = Math.max(1, Math.round(inputWidth / 8 / RANK_STEP)) * RANK_STEP;
  return rank <= inputWidth / 2 ? rank : 0;
}

export async function fitLowRank(
  block: MlpBlock,
  { factor }: InputMoments,
  rows: Float32Array,
  options: RunOptions,
): Promise<FittedScreen> {
  const { inputWidth: d, unitCount, up } = block;
  const rank = screenRank(d);
  const random = createRandom((options.seed ?? 1) + 1);
  const pause = createPause('fitting the low-rank screen', options);
  const steps = unitCount * (2 * SUBSPACE_ROUNDS + 1);
  let done = 0;
  // Rows of the subspace's basis, d x rank: row c belongs to column c.
  let basis = await orthonormal(
    Float64Array.from({ length: d * rank }, () => random.normal()),
    rank,
    pause,
  );
  const unitRow = new Float64Array(rank);
  for (let round = 0; round < SUBSPACE_ROUNDS; round++) {
    const mapped = await timesFactor(factor, basis, d, rank, pause);
    const back = new Float64Array(d * rank);
    for (let u = 0; u < unitCount; u++) {
      const w = up.subarray(u * d, (u + 1) * d);
      combineRows(w, mapped, unitRow);
      for (let c = 0; c < d; c++) addScaled(back, c * rank, w[c], unitRow);
      await pause(done++, steps);
    }
    basis = await orthonormal(await timesTransposedFactor(factor, back, d, rank, pause), rank, pause);
  }
  const mapped = await timesFactor(factor, basis, d, rank, pause);
  const factors = new Float32Array(unitCount * rank);
  for (let u = 0; u < unitCount; u++) {
    combineRows(up.subarray(u * d, (u + 1) * d), mapped, unitRow);
    factors.set(unitRow, u * rank);
    await pause(done++, steps);
  }
  const projection = await solveProjection(factor, basis, d, rank, pause);
  const screen = { method: 'low-rank' as const, rank, projection, ...quantiseFactors(factors, rank, unitCount) };
  return fitLines(block, screen, rows, options);
}

// sum of w[c] times row c.
function combineRows(w: Float32Array, rows: Float64Array, sum: Float64Array): void {
  const rank = sum.length;
  sum.fill(0);
  for (let c = 0; c < w.length; c++) {
    const factor = w[c];
    const at = c * rank;
    for (let r = 0; r < rank; r++) sum[r] += factor * rows[at + r];
  }
}

async function timesFactor(
  factor: Float64Array,
  basis: Float64Array,
  d: number,
  rank: number,
  pause: Pause,
): Promise<Float64Array> {
  const product = new Float64Array(d * rank);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      addScaled(product, i * rank, factor[i * d + j], basis.subarray(j * rank, (j + 1) * rank));
    }
    await pause(i, d);
  }
  return product;
}

async function timesTransposedFactor(
  factor: Float64Array,
  rows: Float64Array,
  d: number,
  rank: number,
  pause: Pause,
): Promise<Float64Array> {
  const product = new Float64Array(d * rank);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      addScaled(product, j * rank, factor[i * d + j], rows.subarray(i * rank, (i + 1) * rank));
    }
    await pause(i, d);
  }
  return product;
}

// V with V L = basis', rank x d.
async function solveProjection(
  factor: Float64Array,
  basis: Float64Array,
  d: number,
  rank: number,
  pause: Pause,
): Promise<Float32Array> {
  const left = basis.slice();
  for (let i = d - 1; i >= 0; i--) {
    const row = left.subarray(i * rank, (i + 1) * rank);
    for (let r = 0; r < rank; r++) row[r] /= factor[i * d + i];
    for (let j = 0; j < i; j++) addScaled(left, j * rank, -factor[i * d + j], row);
    await pause(d - i, d);
  }
  return Float32Array.from({ length: rank * d }, (_, i) => left[(i % d) * rank + Math.floor(i / d)]);
}

type Unfitted = Omit<LookupScreen, 'thresholds'> | Omit<LowRankScreen, 'thresholds'>;

// The line sum = slope estimate + offset of every unit over some inputs; the slope goes into the scales.
async function fitLines(
  block: MlpBlock,
  screen: Unfitted,
  rows: Float32Array,
  options: RunOptions,
): Promise<FittedScreen> {
  const { inputWidth: d, unitCount, up, upBias } = block;
  const count = Math.min(LINE_INPUTS, rows.length / d);
  const pause = createPause('offsets of the screen', options);
  const units = Uint32Array.from({ length: unitCount }, (_, u) => u);
  const [sumE, sumZ, sumEE, sumEZ, sumZZ] = Array.from({ length: 5 }, () => new Float64Array(unitCount));
  for (let row = 0; row < count; row++) {
    const x = rows.subarray(row * d, (row + 1) * d);
    const estimates = referenceEstimates(screen, block, x, units);
    for (let u = 0; u < unitCount; u++) {
      let z = upBias[u];
      for (let c = 0, at = u * d; c < d; c++, at++) z += up[at] * x[c];
      const e = estimates[u];
      sumE[u] += e;
      sumZ[u] += z;
      sumEE[u] += e * e;
      sumEZ[u] += e * z;
      sumZZ[u] += z * z;
    }
    await pause(row, count);
  }
  const scales = screen.scales.slice();
  const offsets = new Float64Array(unitCount);
  const spreads = new Float64Array(unitCount);
  for (let u = 0; u < unitCount; u++) {
    const varE = sumEE[u] / count - (sumE[u] / count) ** 2;
    const varZ = sumZZ[u] / count - (sumZ[u] / count) ** 2;
    const cov = sumEZ[u] / count - (sumE[u] / count) * (sumZ[u] / count);
    const slope = varE > 1e-12 * Math.abs(sumEE[u] / count) ? Math.max(0, cov / varE) : 0;
    scales[u] = scales[u] * slope;
    offsets[u] = (sumZ[u] - slope * sumE[u]) / count;
    spreads[u] = Math.sqrt(Math.max(0, varZ - 2 * slope * cov + slope * slope * varE));
  }
  return { ...screen, scales, offsets, spreads };
}

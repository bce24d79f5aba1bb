/**
 * Screens for a calibrated block, fitted to inputs. Both minimise the error of the estimates over inputs with the second
 * moments M = L L' of the given ones (plus a ridge), not the error of the weights:
 *
 * - `lookup`: two bits a weight, rounded column after column from the last to the first, each column making up for the
 *   error of those before it (GPTQ, Frantar et al. 2023, in the form of Babai's nearest plane: only L is needed);
 * - `low-rank`: W = A V with the best subspace for W L (fit-low-rank.ts).
 *
 * A line through estimate and sum of every unit, over some inputs, corrects scale and offset and tells the spread.
 */
import {
  calibratedUnits,
  LOOKUP_BORDER,
  LOOKUP_LEVELS,
  type LookupScreen,
  type LowRankFactors,
  lowRankEstimates,
  packLookupCodes,
  type ReluLayer,
  referenceEstimates,
} from '@fewfire/kernels';
import { createReportingTurn, type ReportingTurn, type RunOptions } from '../base/index.ts';
import { secondMoments } from './subspace.ts';

/** A unit's sum is about estimate + offset, with the spread as its standard deviation. */
export interface Line {
  readonly offsets: Float64Array;
  readonly spreads: Float64Array;
}

type Unfitted =
  | Omit<LookupScreen, 'thresholds'>
  | (LowRankFactors & {
      readonly method: 'low-rank';
      readonly lead: { readonly columns: number } | undefined;
    });

/** A screen without thresholds. */
export type FittedScreen = Line &
  (
    | Omit<LookupScreen, 'thresholds'>
    | (LowRankFactors & {
        readonly method: 'low-rank';
        /** Of the estimates by the leading columns alone. */
        readonly lead: (Line & { readonly columns: number }) | undefined;
      })
  );

/** Share of the mean second moment added to every one, so that directions not seen in the inputs count a little. */
const RIDGE = 0.02;
const LINE_INPUTS = 256;

/** The lower factor L of the second moments about the mean, width x width, row-major. */
export interface InputMoments {
  readonly factor: Float64Array;
  readonly width: number;
}

export async function inputMoments(rows: Float32Array, width: number, options: RunOptions): Promise<InputMoments> {
  const count = rows.length / width;
  const turn = createReportingTurn('second moments of the inputs', options);
  const mean = new Float64Array(width);
  for (let i = 0; i < rows.length; i++) mean[i % width] += rows[i] / count;
  const all = Uint32Array.from({ length: count }, (_, row) => row);
  const moments = await secondMoments({ rows, list: all }, width, turn);
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
  await choleskyInPlace(moments, width, createReportingTurn('factor of the second moments', options));
  return { factor: moments, width };
}

// The lower triangle of a positive definite matrix to its factor; the upper one is left as it is, zero.
async function choleskyInPlace(a: Float64Array, n: number, turn: ReportingTurn): Promise<void> {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i === j ? Math.sqrt(sum) : sum / a[j * n + j];
    }
    await turn(i, n);
  }
}

export async function fitLookup(
  block: ReluLayer,
  { factor }: InputMoments,
  rows: Float32Array,
  options: RunOptions,
): Promise<FittedScreen> {
  const { inputWidth: d, unitCount, up } = block;
  const turn = createReportingTurn('fitting the lookup screen', options);
  const levels = new Uint8Array(unitCount * d);
  const scales = new Float32Array(calibratedUnits(unitCount));
  const carried = new Float64Array(d);
  for (let u = 0; u < unitCount; u++) {
    const w = up.subarray(u * d, (u + 1) * d);
    const scale = Math.sqrt(w.reduce((sum, v) => sum + v * v, 0) / d);
    scales[u] = scale;
    if (scale > 0) roundUnit(w, scale, factor, carried, levels.subarray(u * d, (u + 1) * d));
    await turn(u, unitCount);
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

/** Estimates of listed units, and those by the leading columns alone if the screen has such. */
export function estimatesOf(
  screen: Unfitted,
  block: ReluLayer,
  input: Float32Array,
  units: Iterable<number>,
): { readonly estimates: Float32Array; readonly leading: Float32Array | undefined } {
  if (screen.method === 'lookup' || screen.lead === undefined) {
    return { estimates: referenceEstimates(screen, block, input, units), leading: undefined };
  }
  const [leading, estimates] = lowRankEstimates(screen, block, input, units, [screen.lead.columns, screen.rank]);
  return { estimates, leading };
}

/** With the line sum = slope estimate + offset of every unit over some inputs; the slope goes into the scales. */
export async function fitLines(
  block: ReluLayer,
  screen: Unfitted,
  rows: Float32Array,
  options: RunOptions,
): Promise<FittedScreen> {
  const { inputWidth: d, unitCount, up, upBias } = block;
  const count = Math.min(LINE_INPUTS, rows.length / d);
  const turn = createReportingTurn('offsets of the screen', options);
  const units = Uint32Array.from({ length: unitCount }, (_, u) => u);
  const lead = screen.method === 'low-rank' ? screen.lead : undefined;
  const all = createMoments(unitCount);
  const leading = createMoments(unitCount);
  const sums = new Float64Array(unitCount);
  for (let row = 0; row < count; row++) {
    const x = rows.subarray(row * d, (row + 1) * d);
    for (let u = 0; u < unitCount; u++) {
      let z = upBias[u];
      for (let c = 0, at = u * d; c < d; c++, at++) z += up[at] * x[c];
      sums[u] = z;
    }
    const found = estimatesOf(screen, block, x, units);
    all.add(found.estimates, sums);
    if (found.leading !== undefined) leading.add(found.leading, sums);
    await turn(row, count);
  }
  const slopes = all.slopes();
  const scales = screen.scales.map((scale, u) => (u < unitCount ? scale * slopes[u] : scale));
  const line = all.line(slopes);
  if (screen.method === 'lookup') return { ...screen, scales, ...line };
  return { ...screen, scales, ...line, lead: lead && { columns: lead.columns, ...leading.line(slopes) } };
}

// Means and products of estimates and sums of every unit.
function createMoments(unitCount: number) {
  const [sumE, sumZ, sumEE, sumEZ, sumZZ] = Array.from({ length: 5 }, () => new Float64Array(unitCount));
  let count = 0;
  const covariances = (u: number): { readonly varE: number; readonly varZ: number; readonly cov: number } => ({
    varE: sumEE[u] / count - (sumE[u] / count) ** 2,
    varZ: sumZZ[u] / count - (sumZ[u] / count) ** 2,
    cov: sumEZ[u] / count - (sumE[u] / count) * (sumZ[u] / count),
  });
  return {
    add(estimates: Float32Array, sums: Float64Array): void {
      count++;
      for (let u = 0; u < unitCount; u++) {
        const [e, z] = [estimates[u], sums[u]];
        sumE[u] += e;
        sumZ[u] += z;
        sumEE[u] += e * e;
        sumEZ[u] += e * z;
        sumZZ[u] += z * z;
      }
    },
    slopes: (): Float64Array =>
      Float64Array.from({ length: unitCount }, (_, u) => {
        const { varE, cov } = covariances(u);
        return varE > 1e-12 * Math.abs(sumEE[u] / count) ? Math.max(0, cov / varE) : 0;
      }),
    line: (slopes: Float64Array): Line => ({
      offsets: slopes.map((slope, u) => (sumZ[u] - slope * sumE[u]) / count),
      spreads: slopes.map((slope, u) => {
        const { varE, varZ, cov } = covariances(u);
        return Math.sqrt(Math.max(0, varZ - 2 * slope * cov + slope * slope * varE));
      }),
    }),
  };
}

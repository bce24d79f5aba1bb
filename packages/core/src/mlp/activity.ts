/**
 * Who fires when: counts over rows of activations as they stream by. A unit is active on a row where its activation is
 * not zero, which for ReLU is exactly where its sum is positive. The memory is that of the units, however many rows
 * come: the number of active units of a row is a whole number up to unitCount, so its quantiles are exact from a
 * histogram.
 */
import type { ReluLayer } from '@fewfire/kernels';
import { clopperPearsonUpperLimit, FewfireError } from '../base/index.ts';

export interface UnitTop {
  /** Rows in the order in which they were counted, from 0. */
  readonly row: number;
  readonly activation: number;
}

/** A bin of firing rates above `above` and up to `to`. */
export interface RateBin {
  readonly above: number;
  readonly to: number;
  readonly unitCount: number;
}

export interface BlockActivity {
  readonly rowCount: number;
  readonly unitCount: number;
  /** Mean share of units active on a row. */
  readonly activationRate: number;
  /** Share of units active on a row: of all rows the share `at` has at most this (the least such value seen). */
  readonly rateQuantiles: readonly { readonly at: number; readonly rate: number }[];
  /** Share of the rows on which each unit is active. */
  readonly unitRates: Float64Array;
  /** Units active on none of the rows. */
  readonly deadUnits: readonly number[];
  /**
   * If the rows were drawn independently: with probability 1 - confidenceDelta every dead unit fires at a rate of at most
   * this (Clopper-Pearson at confidenceDelta / unitCount). 1 where there are no dead units to speak of.
   */
  readonly deadRateUpperLimit: number;
  readonly confidenceDelta: number;
  /** Units active on every row. */
  readonly alwaysActiveCount: number;
  /** Units by firing rate, from dead (a bin from 0 to 0) to hot. */
  readonly rateHistogram: readonly RateBin[];
  /** The least number of units that make up 80 % of all activity. */
  readonly hotUnitCount: number;
  /** The largest activations of each unit, largest first; empty unless asked for. */
  readonly topRows: readonly (readonly UnitTop[])[];
}

export interface ActivityCounter {
  /** Takes rows of `unitCount` activations. @throws FewfireError `invalid-data` for NaN or infinity */
  add(activations: Float32Array): void;
  /** @throws FewfireError `invalid-data` when no row was added */
  finish(): BlockActivity;
}

const QUANTILES = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1];
const BIN_EDGES = [0, 0.001, 0.01, 0.03, 0.1, 0.3, 1];
const HOT_SHARE = 0.8;
const CONFIDENCE_DELTA = 0.05;

/**
 * @param topCount how many of the largest activations to keep for each unit
 * @param label what to call the block in messages
 */
export function createActivityCounter(
  unitCount: number,
  options: { readonly topCount?: number; readonly label?: string } = {},
): ActivityCounter {
  const { topCount = 0, label = 'the block' } = options;
  const rowsBySize = new Float64Array(unitCount + 1);
  const unitCounts = new Float64Array(unitCount);
  const tops: UnitTop[][] = topCount > 0 ? Array.from({ length: unitCount }, () => []) : [];
  let rowCount = 0;
  return {
    add(activations) {
      const count = activations.length / unitCount;
      for (let row = 0; row < count; row++) {
        let active = 0;
        for (let u = 0, at = row * unitCount; u < unitCount; u++, at++) {
          const value = activations[at];
          if (value === 0) continue;
          if (!Number.isFinite(value)) throw notFinite(label, rowCount + row, u, value);
          active++;
          unitCounts[u]++;
          if (topCount > 0) keepTop(tops[u], { row: rowCount + row, activation: value }, topCount);
        }
        rowsBySize[active]++;
      }
      rowCount += count;
    },
    finish() {
      if (rowCount === 0) {
        throw new FewfireError('invalid-data', `${label} got no input rows; expected at least one`);
      }
      return summarise(rowsBySize, unitCounts, rowCount, tops);
    },
  };
}

function notFinite(label: string, row: number, unit: number, value: number): FewfireError {
  return new FewfireError(
    'invalid-data',
    `${label}: unit ${unit} has the activation ${value} on row ${row}; expected finite numbers: are these inputs the model was made for?`,
  );
}

// Largest first; the lists are short.
function keepTop(tops: UnitTop[], one: UnitTop, most: number): void {
  if (tops.length === most && one.activation <= tops[most - 1].activation) return;
  let at = tops.length;
  while (at > 0 && tops[at - 1].activation < one.activation) at--;
  tops.splice(at, 0, one);
  if (tops.length > most) tops.pop();
}

function summarise(
  rowsBySize: Float64Array,
  unitCounts: Float64Array,
  rowCount: number,
  topRows: readonly (readonly UnitTop[])[],
): BlockActivity {
  const unitCount = unitCounts.length;
  const total = unitCounts.reduce((sum, count) => sum + count, 0);
  const deadUnits = Array.from(unitCounts.keys()).filter((u) => unitCounts[u] === 0);
  const unitRates = unitCounts.map((count) => count / rowCount);
  return {
    rowCount,
    unitCount,
    activationRate: total / (rowCount * unitCount),
    rateQuantiles: QUANTILES.map((at) => ({ at, rate: quantile(rowsBySize, rowCount, at) / unitCount })),
    unitRates,
    deadUnits,
    deadRateUpperLimit:
      deadUnits.length === 0 ? 1 : clopperPearsonUpperLimit(0, rowCount, CONFIDENCE_DELTA / unitCount),
    confidenceDelta: CONFIDENCE_DELTA,
    alwaysActiveCount: unitCounts.reduce((sum, count) => sum + (count === rowCount ? 1 : 0), 0),
    rateHistogram: [{ above: 0, to: 0 }, ...BIN_EDGES.slice(1).map((to, b) => ({ above: BIN_EDGES[b], to }))].map(
      ({ above, to }) => ({
        above,
        to,
        unitCount: unitRates.reduce((sum, rate) => sum + (rate <= to && (rate > above || to === 0) ? 1 : 0), 0),
      }),
    ),
    hotUnitCount: hotUnits(unitCounts, HOT_SHARE * total),
    topRows,
  };
}

// The least value v such that at least the share `at` of the rows (one row at the least) has v or less.
function quantile(rowsBySize: Float64Array, rowCount: number, at: number): number {
  const wanted = Math.max(1, Math.ceil(at * rowCount));
  let seen = 0;
  for (let size = 0; size < rowsBySize.length; size++) {
    seen += rowsBySize[size];
    if (seen >= wanted) return size;
  }
  return rowsBySize.length - 1;
}

function hotUnits(unitCounts: Float64Array, enough: number): number {
  let sum = 0;
  let units = 0;
  for (const count of unitCounts.toSorted().reverse()) {
    if (sum >= enough) break;
    sum += count;
    units++;
  }
  return units;
}

/**
 * What the ReLU of a block gives on rows of `inputWidth` numbers, before any squaring and gating: rows of `unitCount`
 * numbers, with sums in double precision. For blocks that come without a model that runs them.
 */
export function gateActivations(block: ReluLayer, rows: Float32Array): Float32Array {
  const { inputWidth, unitCount, up, upBias } = block;
  const rowCount = rows.length / inputWidth;
  const even = inputWidth & ~3;
  const activations = new Float32Array(rowCount * unitCount);
  for (let row = 0; row < rowCount; row++) {
    const x = rows.subarray(row * inputWidth, (row + 1) * inputWidth);
    for (let u = 0; u < unitCount; u++) {
      const at = u * inputWidth;
      // Four sums, so that additions need not wait for each other.
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let i = 0; i < even; i += 4) {
        a += up[at + i] * x[i];
        b += up[at + i + 1] * x[i + 1];
        c += up[at + i + 2] * x[i + 2];
        d += up[at + i + 3] * x[i + 3];
      }
      for (let i = even; i < inputWidth; i++) a += up[at + i] * x[i];
      const sum = upBias[u] + (a + b + (c + d));
      if (!(sum <= 0)) activations[row * unitCount + u] = sum;
    }
  }
  return activations;
}

/** The outputs of a block on rows, plainly: to check that a block was read as the model means it. */
export function blockOutputs(block: ReluLayer, rows: Float32Array): Float64Array {
  const { inputWidth, unitCount, outputWidth, linear, linearBias, down, downBias } = block;
  const rowCount = rows.length / inputWidth;
  const gates = gateActivations(block, rows);
  const outputs = new Float64Array(rowCount * outputWidth);
  for (let row = 0; row < rowCount; row++) {
    const out = outputs.subarray(row * outputWidth, (row + 1) * outputWidth);
    out.set(downBias);
    for (let u = 0; u < unitCount; u++) {
      let value = gates[row * unitCount + u];
      if (value === 0) continue;
      if (block.activation === 'squared-relu') value *= value;
      if (linear !== undefined) {
        let sum = linearBias?.[u] ?? 0;
        for (let i = 0; i < inputWidth; i++) sum += linear[u * inputWidth + i] * rows[row * inputWidth + i];
        value *= sum;
      }
      for (let o = 0; o < outputWidth; o++) out[o] += value * down[u * outputWidth + o];
    }
  }
  return outputs;
}

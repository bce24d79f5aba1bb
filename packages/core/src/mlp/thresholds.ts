/**
 * Thresholds of a fitted screen. One number for the block, kappa, says how many spreads below zero a unit's estimate may lie
 * for the unit to be kept; where a first test by leading columns comes before, it is laxer by `LEAD_SLACK`, because what it
 * keeps wrongly costs little.
 */
import { type CalibratedScreen, calibratedUnits, type ReluLayer, stepDown } from '@fewfire/kernels';
import { createReportingTurn, type RunOptions } from '../base/index.ts';
import { estimatesOf, type FittedScreen, type Line } from './fit-screens.ts';

export const LEAD_SLACK = 0.5;
/** Sorted at once. */
const MAX_NEEDS = 2 ** 16;

/** Who fires for an input, with which activations. */
export interface Seen {
  readonly units: Uint32Array;
  readonly values: Float32Array;
}

/**
 * Per active unit of an input, the kappa from which on the screen keeps it, and its share of the mean missed mass: those
 * with the largest kappa, as many as matter for the aim.
 */
export interface Needs {
  /** Falling. */
  readonly kappas: Float64Array;
  readonly shares: Float64Array;
}

export async function needsOf(
  block: ReluLayer,
  fitted: FittedScreen,
  rows: Float32Array,
  seen: readonly Seen[],
  aim: number,
  options: RunOptions,
): Promise<Needs> {
  const turn = createReportingTurn('thresholds', options);
  let pairs: Need[] = [];
  for (const [i, { units, values }] of seen.entries()) {
    const x = rows.subarray(i * block.inputWidth, (i + 1) * block.inputWidth);
    const lead = fitted.method === 'low-rank' ? fitted.lead : undefined;
    const { estimates, leading } = estimatesOf(fitted, block, x, units);
    const total = values.reduce((sum, v) => sum + Math.abs(v), 0);
    for (let k = 0; k < units.length; k++) {
      const u = units[k];
      let kappa = neededKappa(estimates[k], fitted, u);
      if (lead !== undefined && leading !== undefined) {
        kappa = Math.max(kappa, neededKappa(leading[k], lead, u) - LEAD_SLACK);
      }
      // NaN: an input whose units are all let through.
      if (!Number.isNaN(kappa) && total > 0) pairs.push({ kappa, share: Math.abs(values[k]) / total / seen.length });
    }
    if (pairs.length > MAX_NEEDS) pairs = firstToMiss(pairs, aim);
    await turn(i, seen.length);
  }
  return asNeeds(firstToMiss(pairs, aim));
}

export interface Need {
  readonly kappa: number;
  readonly share: number;
}

export function asNeeds(sorted: readonly Need[]): Needs {
  return {
    kappas: Float64Array.from(sorted, ({ kappa }) => kappa),
    shares: Float64Array.from(sorted, ({ share }) => share),
  };
}

// Those that are missed before more than the aim is, and the one that is not; needs to come can only make them fewer.
export function firstToMiss(needs: readonly Need[], aim: number): Need[] {
  const sorted = needs.toSorted((a, b) => b.kappa - a.kappa);
  let missed = 0;
  const end = sorted.findIndex(({ share }) => {
    missed += share;
    return missed > aim;
  });
  return end < 0 ? sorted : sorted.slice(0, end + 1);
}

// The least kappa that misses no more than the aim of these inputs; the unit that sets it is kept.
export function kappaFor({ kappas, shares }: Needs, aim: number): number {
  let missed = 0;
  for (let k = 0; k < kappas.length; k++) {
    missed += shares[k];
    if (missed > aim) return kappas[k];
  }
  return kappas.at(-1) ?? 0;
}

/** From which kappa on a unit is kept. */
export function neededKappa(estimate: number, { offsets, spreads }: Line, u: number): number {
  return -(estimate + offsets[u]) / spreadOf(spreads[u]);
}

function spreadOf(spread: number): number {
  return spread > 0 ? spread : 1e-30;
}

export function screenAt(fitted: FittedScreen, kappa: number): CalibratedScreen {
  const { offsets, spreads, ...screen } = fitted;
  const thresholds = thresholdsAt({ offsets, spreads }, kappa);
  if (screen.method === 'lookup') return { ...screen, thresholds };
  const { lead } = screen;
  return {
    ...screen,
    thresholds,
    lead: lead && { columns: lead.columns, thresholds: thresholdsAt(lead, kappa + LEAD_SLACK) },
  };
}

// Units are kept where estimate + offset >= -kappa spread, and a little below that by rounding.
function thresholdsAt({ offsets, spreads }: Line, kappa: number): Float32Array {
  const thresholds = new Float32Array(calibratedUnits(offsets.length));
  for (let u = 0; u < offsets.length; u++) {
    thresholds[u] = stepDown(Math.fround(-offsets[u] - kappa * spreadOf(spreads[u])));
  }
  return thresholds;
}

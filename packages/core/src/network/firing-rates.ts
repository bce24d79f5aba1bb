/**
 * Firing rates p_j = Pr[unit j is active] on a network's domain: exact, or
 * estimated from independent points with intervals that hold for all units at once.
 *
 * On the cube only the coordinates with a weight matter, and they are split into
 * two halves: 2^(p/2) sums each, made sorted by merging, and one walk over both
 * lists counts the pairs above the bias. So 2^40 points take about 2^20 steps.
 */

import { exactUnit } from '@fewfire/kernels';
import {
  checkConfidenceDelta,
  checkRunOptions,
  clopperPearsonInterval,
  createReportingTurn,
  FewfireError,
  type RunOptions,
  runOptionsOf,
} from '../base/index.ts';
import { domainBits, domainPoints, drawnParts } from './domain.ts';
import { measureSparsity, roundingMargin, type SparseNetwork, unitWeights } from './network.ts';
import { type AnyNetwork, isTreeNetwork, type TreeNetwork, treeUnits } from './tree-network.ts';

/** How often each unit is active, exactly or as seen in samples. */
export interface FiringRates {
  readonly kind: 'exact' | 'estimated';
  /** p_j, or the share seen. */
  readonly rates: Float64Array;
  /**
   * Limits of every rate. Exact rates equal both, except where rounding leaves open whether points on the very edge
   * are active. Of estimates all limits hold together with probability 1 - confidenceDelta.
   */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** Points drawn; null when exact. */
  readonly sampleCount: number | null;
  readonly confidenceDelta: number | null;
}

/** The most coordinates with a weight, or bits of a lift, for which rates are counted. */
export const EXACT_RATE_INPUTS = 40;
export const EXACT_RATE_BITS = 24;

const DOMAIN_ROWS = 2 ** 18;
/** Up to so many weights rounding is settled by whole numbers, 2^(n/2) of them. */
const WHOLE_NUMBER_INPUTS = 24;

/** Sorted sums that exact rates may take, and points drawn where they are too many. */
const RATE_WORK = 2 ** 27;
const RATE_SAMPLES = 100_000;
/** All limits of estimated rates fail together with at most this probability. */
const RATE_DELTA = 0.01;

/**
 * Exact firing rates on the network's domain (cube or lift).
 * @throws FewfireError `unsupported` for a unit on the cube with more than 40 weights, a lift of more than 24 bits, or
 *   rows of data
 * @example
 * ```ts
 * import { measureFiringRates, parityNetwork } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const { kind, rates } = await measureFiringRates(network);
 * console.log(kind, rates); // exact Float64Array(4) [ 0.25, 0.25, 0.25, 0.25 ]
 * ```
 */
export async function measureFiringRates(network: AnyNetwork, options: RunOptions = {}): Promise<FiringRates> {
  checkRunOptions('measureFiringRates', options, {});
  if (isTreeNetwork(network)) return leafRates(network);
  const bits = domainBits(network);
  return network.domain.kind === 'lift' ? countOnLift(network, bits, options) : countOnCube(network, options);
}

/**
 * Shares over `sampleCount` independent points of the domain, with Clopper-Pearson limits at confidenceDelta / unitCount each.
 * @throws FewfireError `invalid-argument` for a sample count below 1 or a confidenceDelta outside (0, 1)
 * @example
 * ```ts
 * import { estimateFiringRates, parityNetwork } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const { rates } = await estimateFiringRates(network, { sampleCount: 1000 });
 * console.log(Array.from(rates, (rate) => rate.toFixed(2))); // [ '0.25', '0.27', '0.24', '0.25' ]
 * ```
 */
export async function estimateFiringRates(
  network: SparseNetwork,
  options: RunOptions & { readonly sampleCount: number; readonly confidenceDelta?: number },
): Promise<FiringRates> {
  checkRunOptions('estimateFiringRates', options, { sampleCount: { need: 'number' }, confidenceDelta: 'number' });
  const { sampleCount, confidenceDelta = 0.05 } = options;
  checkConfidenceDelta(confidenceDelta);
  if (!Number.isInteger(sampleCount) || sampleCount < 1) {
    throw new FewfireError('invalid-argument', `sampleCount is ${sampleCount}, expected a whole number of at least 1`);
  }
  const unitCounts = new Float64Array(network.unitCount);
  const run = runOptionsOf(options);
  for (const points of drawnParts(network, sampleCount, options.seed ?? 1)) {
    const own = await measureSparsity(network, points, run);
    own.unitCounts.forEach((count, j) => {
      unitCounts[j] += count;
    });
  }
  const limits = Array.from(unitCounts, (count) =>
    clopperPearsonInterval(count, sampleCount, confidenceDelta / network.unitCount),
  );
  return {
    kind: 'estimated',
    rates: unitCounts.map((count) => count / sampleCount),
    lower: Float64Array.from(limits, ([low]) => low),
    upper: Float64Array.from(limits, ([, high]) => high),
    sampleCount,
    confidenceDelta,
  };
}

/**
 * Firing rates on the network's domain: exact where a few seconds suffice, by predicted work, else estimated from 100,000
 * points, with limits that fail together with probability 0.01 at most.
 * @param options.seed of the points; exact rates do not depend on it
 * @returns undefined for a domain of rows
 * @throws FewfireError `invalid-argument` for a wrong option
 */
export async function affordableFiringRates(
  network: AnyNetwork,
  options: RunOptions = {},
): Promise<FiringRates | undefined> {
  checkRunOptions('affordableFiringRates', options, {});
  const { domain, inputCount, unitCount } = network;
  if (isTreeNetwork(network)) return await measureFiringRates(network, options);
  if (domain.kind === 'rows') return undefined;
  let steps = 0;
  if (domain.kind === 'lift') steps = (2 ** domain.bitCount * inputCount * unitCount) / 128;
  else {
    for (let j = 0; j < unitCount; j++) {
      const count = unitWeights(network, j).reduce((sum, w) => sum + (w === 0 ? 0 : 1), 0);
      steps += 2 ** (count / 2);
    }
  }
  if (steps <= RATE_WORK) {
    try {
      return await measureFiringRates(network, options);
    } catch (error) {
      // Too many weights, or sums that rounding leaves open.
      if (!(error instanceof FewfireError) || error.code !== 'unsupported') throw error;
    }
  }
  return await estimateFiringRates(network, { ...options, sampleCount: RATE_SAMPLES, confidenceDelta: RATE_DELTA });
}

// A leaf with p literals is reached at a share 2^-p of the cube.
function leafRates(network: TreeNetwork): FiringRates {
  const rates = new Float64Array(network.unitCount);
  let j = 0;
  for (const units of treeUnits(network)) for (const { weights } of units) rates[j++] = 2 ** -weights.length;
  return {
    kind: 'exact',
    rates,
    lower: rates.slice(),
    upper: rates.slice(),
    sampleCount: null,
    confidenceDelta: null,
  };
}

async function countOnCube(network: SparseNetwork, options: RunOptions): Promise<FiringRates> {
  const { unitCount } = network;
  const lower = new Float64Array(unitCount);
  const upper = new Float64Array(unitCount);
  const rates = new Float64Array(unitCount);
  const turn = createReportingTurn('counting firing rates', options);
  for (let j = 0; j < unitCount; j++) {
    const weights = unitWeights(network, j).filter((w) => w !== 0);
    if (weights.length > EXACT_RATE_INPUTS) {
      throw new FewfireError(
        'unsupported',
        `unit ${j} has ${weights.length} weights other than zero; rates are counted up to ${EXACT_RATE_INPUTS}: estimate them from samples instead`,
      );
    }
    const bias = network.biases[j];
    const { margin } = roundingMargin(weights, bias);
    if (margin > 0 && weights.length <= WHOLE_NUMBER_INPUTS) {
      rates[j] = exactRate(weights, bias);
      lower[j] = rates[j];
      upper[j] = rates[j];
      continue;
    }
    if (margin === Number.POSITIVE_INFINITY) {
      throw new FewfireError(
        'unsupported',
        `the sums of unit ${j} are beyond the range of a double; expected smaller weights: scale w_j and b_j down and u_j up`,
      );
    }
    const half = weights.length >> 1;
    const low = sortedSums(weights.subarray(0, half));
    const high = sortedSums(weights.subarray(half));
    const size = 2 ** weights.length;
    rates[j] = pairsAbove(low, high, bias) / size;
    lower[j] = margin === 0 ? rates[j] : pairsAbove(low, high, bias + margin) / size;
    upper[j] = margin === 0 ? rates[j] : pairsAbove(low, high, bias - margin) / size;
    const wait = turn(j + 1, unitCount);
    if (wait !== undefined) await wait;
  }
  return { kind: 'exact', rates, lower, upper, sampleCount: null, confidenceDelta: null };
}

async function countOnLift(network: SparseNetwork, bitCount: number, options: RunOptions): Promise<FiringRates> {
  if (bitCount > EXACT_RATE_BITS) {
    throw new FewfireError(
      'unsupported',
      `the lift has ${bitCount} bits; rates are counted up to ${EXACT_RATE_BITS}: estimate them from samples instead`,
    );
  }
  for (let j = 0; j < network.unitCount; j++) {
    if (roundingMargin(unitWeights(network, j), network.biases[j]).margin > 0) {
      throw new FewfireError(
        'unsupported',
        `the sums of unit ${j} are not exact in floating point, so its rate on the lift cannot be counted; estimate it from samples instead`,
      );
    }
  }
  const size = 2 ** bitCount;
  const counts = new Float64Array(network.unitCount);
  for (let first = 0; first < size; first += DOMAIN_ROWS) {
    const points = domainPoints(network, first, Math.min(DOMAIN_ROWS, size - first));
    const { unitCounts } = await measureSparsity(network, points, { ...options, onProgress: undefined });
    unitCounts.forEach((count, j) => {
      counts[j] += count;
    });
    options.onProgress?.({
      phase: 'counting firing rates',
      done: Math.min(size, first + DOMAIN_ROWS),
      total: size,
      unit: 'rows',
    });
  }
  const rates = counts.map((count) => count / size);
  return {
    kind: 'exact',
    rates,
    lower: rates.slice(),
    upper: rates.slice(),
    sampleCount: null,
    confidenceDelta: null,
  };
}

// A unit is active where z, the sum of its steps at the coordinates that are -1, is below its start.
function exactRate(weights: Float64Array, bias: number): number {
  const { steps, start } = exactUnit(weights, bias);
  const sums = (part: readonly bigint[]): bigint[] => {
    let all = [0n];
    for (const step of part) all = [...all, ...all.map((sum) => sum + step)];
    return all.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  };
  const half = steps.length >> 1;
  const low = sums(steps.slice(0, half));
  const high = sums(steps.slice(half));
  let count = 0;
  let to = high.length;
  for (const z of low) {
    while (to > 0 && z + high[to - 1] >= start) to--;
    count += to;
  }
  return count / 2 ** steps.length;
}

// All sums of +-w, ascending: adding a weight merges the list less |w| with the list plus |w|.
function sortedSums(weights: Float64Array): Float64Array {
  let sums = new Float64Array(1);
  for (const signed of weights) {
    const w = Math.abs(signed);
    const { length } = sums;
    const merged = new Float64Array(2 * length);
    let low = 0;
    let high = 0;
    for (let at = 0; at < merged.length; at++) {
      if (high === length || (low < length && sums[low] - w <= sums[high] + w)) merged[at] = sums[low++] - w;
      else merged[at] = sums[high++] + w;
    }
    sums = merged;
  }
  return sums;
}

// Pairs (a, b) with a + b > bound.
function pairsAbove(a: Float64Array, b: Float64Array, bound: number): number {
  let count = 0;
  let from = b.length;
  for (const value of a) {
    while (from > 0 && value + b[from - 1] > bound) from--;
    count += b.length - from;
  }
  return count;
}

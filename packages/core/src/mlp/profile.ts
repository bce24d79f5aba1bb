/**
 * What a profile says of a block, and the verdict in plain words. Activity is counted (activity.ts), times and the share
 * of survivors come from running the block (block-timer.ts): both are measurements on given inputs, never promises.
 */
import type { ReluLayer } from '@fewfire/kernels';
import type { BlockActivity } from './activity.ts';
import type { MissedMass } from './calibration.ts';

/** A way that is faster and leaves out units that matter: never to be told without what it misses (calibrate.ts). */
export interface InexactTiming {
  readonly timeUs: number;
  readonly missedMass: MissedMass;
}

/** How long one input row takes at batch 1 on this machine, in microseconds, and what the exact runner had to look at. */
export interface BlockTimings {
  readonly denseUs: number;
  readonly exactUs: number;
  /** null when it was not calibrated, or that did not pay. */
  readonly inexact: InexactTiming | null;
  /** What was not tried, or did not come to anything, and why: sentences without their end. */
  readonly leftOut: readonly string[];
  /** Mean share of units that the certified screen could not rule out. */
  readonly survivorRate: number;
  /** The first test of the exact way, on a projection of the input, and the mean share it let through; null without one. */
  readonly firstTest: { readonly rank: number; readonly letThroughRate: number } | null;
  /** The least batch size tried at which the dense way was no slower; null if there was none. */
  readonly denseFromBatch: number | null;
  /** The largest batch size tried below that: sizes between the two were not tried. 0 where dense won at 1. */
  readonly exactUpToBatch: number;
}

/** Zeros that are there whatever the input is, to be set beside the zeros that depend on it. */
export interface StaticSparsity {
  readonly weightCount: number;
  /** Share of weights that are exactly zero. */
  readonly zeroShare: number;
  /** Share of weights smaller in size than 1 % of the root mean square of their matrix, the zeros among them. */
  readonly nearZeroShare: number;
}

export function staticSparsity({ up, linear, down }: ReluLayer): StaticSparsity {
  let weightCount = 0;
  let zeroCount = 0;
  let nearZeroCount = 0;
  for (const matrix of linear === undefined ? [up, down] : [up, linear, down]) {
    let squares = 0;
    for (const weight of matrix) squares += weight * weight;
    const small = 0.01 * Math.sqrt(squares / matrix.length);
    for (const weight of matrix) {
      if (weight === 0) zeroCount++;
      if (Math.abs(weight) <= small) nearZeroCount++;
    }
    weightCount += matrix.length;
  }
  return { weightCount, zeroShare: zeroCount / weightCount, nearZeroShare: nearZeroCount / weightCount };
}

export interface VerdictFacts {
  /** The activation in words. */
  readonly form: string;
  /** Whether a ReLU was recognised that switches units off. */
  readonly sparse: boolean;
  readonly activity: Pick<BlockActivity, 'activationRate'>;
  /** Of forms that were not recognised: the largest share of zeros that was counted in them. */
  readonly zeroShare: number;
  readonly timings: BlockTimings | null;
  /** Why a sparse block was not timed, where that is known. */
  readonly notTimed?: string | undefined;
}

/**
 * The least batch at which onnxruntime, with vectors four times as wide, was within a tenth of the exact way on the trained
 * block: bench/results/mlp.json, which a test reads.
 */
export const NATIVE_FROM_BATCH = 4;

/** Above this share of active units there is little to skip. */
const DENSE_RATE = 0.5;

/** With so many zeros or more a value is not called dense. */
export const FEW_ZEROS = 0.05;

/** What counting says of a form that is not recognised. */
export function describeZeros(form: string, zeroShare: number): string {
  const zeros = percent(zeroShare);
  if (zeroShare < FEW_ZEROS) return `${form}: not sparse (measured: ${zeros} zeros)`;
  const hardly = zeroShare < DENSE_RATE ? ': hardly sparse' : '';
  return `${zeros} of the values are zero${hardly}; this form (${form}) is not supported yet`;
}

/** `13.8 us, 16x as fast as dense: misses 0.41 % of the activation on average, at most 1.0 % (95 % sure, ...)`. */
export function describeInexact({ timeUs, missedMass }: InexactTiming, denseUs: number): string {
  const { mean, interval, confidence, inputCount } = missedMass;
  const count = inputCount.toLocaleString('en-US');
  return `${Number(timeUs.toPrecision(3))} us, ${factor(denseUs / timeUs)} as fast as dense; misses ${percent(mean)} of the activation on ${count} rows, and ${percent(interval[1])} at most on average (${percent(confidence)} sure, were the rows independent)`;
}

/** One sentence: what to do with the block. */
export function describeVerdict({ form, sparse, activity, zeroShare, timings, notTimed }: VerdictFacts): string {
  if (!sparse) return describeZeros(form, zeroShare);
  const rate = activity.activationRate;
  const active = `${percent(rate)} active`;
  if (timings === null) {
    if (rate > DENSE_RATE) return `${form}, but ${active}: hardly sparse, little to exploit`;
    return `${active}: sparse${notTimed === undefined ? ', not timed' : `; not timed: ${notTimed}`}`;
  }
  const { denseUs, exactUs, inexact, denseFromBatch, exactUpToBatch } = timings;
  const exact = denseUs / exactUs;
  const also =
    inexact !== null && denseUs / inexact.timeUs > Math.max(1, exact)
      ? `; inexact: ${factor(denseUs / inexact.timeUs)}, missing up to ${percent(inexact.missedMass.interval[1])} of the activation`
      : '';
  if (exact <= 1) return `exact: no faster than dense (${factor(exact)} at batch 1, ${active}): do not use${also}`;
  const batch = exactUpToBatch.toLocaleString('en-US');
  const until =
    denseFromBatch !== null
      ? `; do not use above batch ${batch}`
      : exactUpToBatch > 1
        ? `; faster than our dense kernel up to batch ${batch}, the largest tried; native ones may overtake from batch ${NATIVE_FROM_BATCH}`
        : '';
  return `exact: ${factor(exact)} at batch 1${also}${until}`;
}

function percent(share: number): string {
  const value = 100 * share;
  return `${value >= 10 || value === 0 ? value.toFixed(0) : value.toPrecision(2)} %`;
}

function factor(ratio: number): string {
  return `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(1)}x`;
}

/**
 * What a calibration says, and its settings. The *missed mass* of one input is the share, 0 to 1, of the sum of |a_u| over
 * its active units that belongs to units which the screen left out (0 where no unit is active); a_u is the activation as it
 * meets the second matrix, squared and gated if the block is. The missed mass of a screen is the mean over inputs.
 */
import type { CalibratedScreen } from '@fewfire/kernels';
import type { Interval, RunOptions } from '../base/index.ts';

/** How units are estimated that are left out. */
export type CalibrationMethod = 'lookup' | 'low-rank';

/**
 * `betting`: holds for independent inputs whatever their distribution, and needs some 4 / missedMass of them at the least.
 * `bootstrap`, only in files of earlier versions: percentiles over resampled inputs, which do not cover. With inputs of heavy
 * tails the upper limit was too low in half of the calibrations.
 */
export type IntervalMethod = 'betting' | 'bootstrap';

/** What share of the activity is missed, with its interval. */
export interface MissedMass {
  /** What was asked for: `interval[1]` is at most this. */
  readonly target: number;
  readonly mean: number;
  readonly interval: Interval;
  /** Of all intervals that were looked at together: 1 - confidence is shared out among the thresholds tried. */
  readonly confidence: number;
  readonly intervalMethod: IntervalMethod;
  /** Inputs it was measured on, none of which were used to choose. */
  readonly inputCount: number;
}

/** Microseconds an input, of the fastest turns; this machine, this moment, one copy of the weights. */
export interface CalibrationTimes {
  readonly denseUs: number;
  readonly exactUs: number;
  readonly calibratedUs: number;
}

/** A calibration and what was measured of it. */
export interface MlpCalibration {
  readonly method: CalibrationMethod;
  readonly missedMass: MissedMass;
  /** ||output - exact output|| / ||exact output||, norms over all outputs of the same inputs; an estimate. */
  readonly outputError: number;
  /** Share of units evaluated, and an interval for its mean that is wrong with probability at most 0.001. */
  readonly survivorRate: { readonly mean: number; readonly interval: Interval };
  readonly times: CalibrationTimes;
  /** Inputs used to fit the screens, to choose method, rank and threshold, and to state the missed mass. */
  readonly inputCounts: { readonly fit: number; readonly choose: number; readonly check: number };
  /** Thresholds tried on the last part of the inputs. */
  readonly attemptCount: number;
  readonly seed: number;
}

/** What is left of `falseAlarm` goes to the alarms themselves. */
export const SURVIVOR_DELTA = 0.001;

/** A screen to run with, or none and why. */
export type CalibrationOutcome =
  | { readonly calibration: MlpCalibration; readonly screen: CalibratedScreen; readonly reason: null }
  | { readonly calibration: null; readonly screen: null; readonly reason: string };

/** How a calibrated block watches whether its inputs are still those of the calibration. */
export interface DriftOptions {
  /** Chance of ever reporting drift where there is none, default 0.01; above 0.001. */
  readonly falseAlarm?: number | undefined;
  /** Every input is checked against the exact result with chance 1 / this; default 256, Infinity for never. */
  readonly checkEvery?: number | undefined;
  /** The rate of survivors may move by this share of itself before it counts as drift; default 0.25. */
  readonly tolerance?: number | undefined;
  /** After drift: run exactly (default), or only report. */
  readonly onDrift?: 'exact' | 'report' | undefined;
  /** Of the checks. */
  readonly seed?: number | undefined;
}

/** Options of `calibrateMlp`. */
export interface CalibrateOptions extends RunOptions {
  /** Default 1e-3. */
  readonly missedMass?: number | undefined;
  /** Of the interval of the missed mass, default 0.95. */
  readonly confidence?: number | undefined;
  /** Methods to try; default both. */
  readonly methods?: readonly CalibrationMethod[] | undefined;
  /** Calibrate even where it was measured to be no faster than running exactly. */
  readonly evenIfSlower?: boolean | undefined;
  readonly variant?: 'simd' | 'scalar' | undefined;
  readonly drift?: DriftOptions | undefined;
}

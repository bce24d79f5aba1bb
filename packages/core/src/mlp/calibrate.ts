/**
 * Finds a screen for a block that leaves out more units than the proved one and, by measurement, little that matters.
 *
 * The inputs are split at random in three. On the first part screens are fitted; on the second the columns of the low-rank
 * one are chosen, a threshold is set for a missed mass somewhat below the target, and methods are timed; on the third the missed mass is *measured* and stated with
 * an interval. Only the third part's word counts, because a threshold set to miss 1e-3 of some inputs misses more of others.
 * If the interval reaches beyond the target, stricter thresholds are tried, sharing the confidence out among at most three;
 * if none passes, or nothing is gained, the block runs exactly and the reason is given.
 */
import { type CalibratedScreen, quantiseRows, type ReluLayer } from '@fewfire/kernels';
import {
  checkRunOptions,
  checkWord,
  createRandom,
  createReportingTurn,
  createTurn,
  FewfireError,
  throwIfAborted,
} from '../base/index.ts';
import { bettingInterval } from './betting.ts';
import { type CalibratedMlp, createBlockKernel, runCalibratedBlock } from './calibrated-mlp.ts';
import {
  type CalibrateOptions,
  type CalibrationMethod,
  type CalibrationOutcome,
  type CalibrationTimes,
  SURVIVOR_DELTA,
} from './calibration.ts';
import { createDriftWatch } from './drift.ts';
import { fitLowRank, lowRanks } from './fit-low-rank.ts';
import { type FittedScreen, fitLookup, inputMoments } from './fit-screens.ts';
import { aimFor, leastInputs, missedShare } from './missed-mass.ts';
import type { PreparedScreens } from './mlp-file.ts';
import type { SparseMlp } from './sparse-mlp.ts';
import { kappaFor, type Needs, needsOf, type Seen, screenAt } from './thresholds.ts';

/** Of the aim and of the allowed error, for one threshold after the other. */
const ATTEMPTS = [
  { aim: 1, delta: 1 / 2 },
  { aim: 1 / 3, delta: 1 / 4 },
  { aim: 1 / 10, delta: 1 / 4 },
];
/** More inputs than these change fit and threshold little; they go to the measurement instead. */
const MAX_CHOOSE_INPUTS = 4096;
const MAX_CHOOSE_UNITS = 2e6;
const TIMED_INPUTS = 64;
const TIMED_TURNS = 9;
const LEAST_TURN_MS = 3;
/** Less than this share of the exact time saved is not worth a result that is not exact. */
const LEAST_GAIN = 0.05;

/**
 * Makes a block faster by leaving units out that an estimate says are inactive, with a measured bound of what is
 * missed.
 * @param sparse its first test, if it has one, stays that of the exact way
 * @param inputs typical inputs of the block, row-major; each counts as drawn independently. For the default target of 1e-3
 *   about 20,000 are wanted: half of them measure the missed mass
 * @returns the block to run, calibrated or exact with the reason; it owns memory of its own, so `sparse` may be disposed of
 * @throws FewfireError `invalid-argument` for options out of range or inputs of another width, `invalid-data` for inputs
 *   that are not finite, `memory-budget`
 * @example
 * ```ts
 * import { calibrateMlp, layerFromNetwork, parityNetwork } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * // A block this small is never faster inexactly: it runs exactly, and says why.
 * const inputs = Float32Array.from({ length: 30_000 }, (_, i) => (i % 7 < 3 ? 1 : -1));
 * const calibrated = await calibrateMlp({ block: layerFromNetwork(network) }, inputs);
 * console.log(calibrated.method, calibrated.reason !== null); // exact true
 * calibrated.dispose();
 * ```
 */
export async function calibrateMlp(
  sparse: Pick<SparseMlp, 'block'> & Partial<Pick<SparseMlp, 'projection'>>,
  inputs: Float32Array,
  options: CalibrateOptions = {},
): Promise<CalibratedMlp> {
  checkRunOptions('calibrateMlp', options, {
    missedMass: 'number',
    confidence: 'number',
    methods: 'names',
    evenIfSlower: 'boolean',
    variant: ['simd', 'scalar'],
    drift: 'object',
  });
  const { block, projection } = sparse;
  const settings = readSettings(block, inputs, options);
  throwIfAborted(options.signal);
  const rows = quantiseRows(block.up, block.inputWidth, block.unitCount);
  const screens = { rows, projection };
  const outcome = await findScreen({ ...block, screens }, inputs, settings);
  throwIfAborted(options.signal);
  return runCalibratedBlock(block, screens, outcome, options);
}

/** The missed masses that few inputs are tried for, from the strictest. */
const TARGETS = [1e-3, 3e-3, 1e-2, 3e-2];

/** The least of some missed masses that a calibration on so many inputs may hope to state; null where they are too few. */
export function statableMissedMass(inputCount: number, confidence = 0.95): number | null {
  const checkCount = inputCount - 2 * (inputCount >> 2);
  const hopeful = (target: number): boolean =>
    (aimFor(target, checkCount, (1 - confidence) * ATTEMPTS[0].delta) ?? 0) >= target / 4;
  return TARGETS.find(hopeful) ?? null;
}

/** A block with its proved screens. */
export type Prepared = ReluLayer & { readonly screens: PreparedScreens };

export interface Settings extends CalibrateOptions {
  readonly target: number;
  readonly confidence: number;
  readonly seed: number;
}

const METHODS: readonly CalibrationMethod[] = ['lookup', 'low-rank'];

function readSettings(block: ReluLayer, inputs: Float32Array, options: CalibrateOptions): Settings {
  const { missedMass: target = 1e-3, confidence = 0.95, seed = 1 } = options;
  for (const method of options.methods ?? []) checkWord('methods', method, METHODS);
  for (const [what, value] of Object.entries({ missedMass: target, confidence })) {
    if (value > 0 && value < 1) continue;
    throw new FewfireError('invalid-argument', `${what} is ${value}; expected above 0 and below 1`);
  }
  if (!(inputs instanceof Float32Array) || inputs.length === 0 || inputs.length % block.inputWidth !== 0) {
    throw new FewfireError(
      'invalid-argument',
      `the inputs of the calibration have ${inputs?.length} numbers; expected a Float32Array of rows of ${block.inputWidth}`,
    );
  }
  const settings = { ...options, target, confidence, seed };
  // Options of the drift watch are refused before the work, not after it.
  const nothing = { mean: 0.5, interval: [0.5, 0.5] as const };
  createDriftWatch(
    {
      survivorRate: nothing,
      missedMass: { ...nothing, target, confidence, intervalMethod: 'betting', inputCount: 1 },
    },
    options.drift,
  );
  return settings;
}

interface Parts {
  readonly fit: Float32Array;
  readonly choose: Float32Array;
  readonly check: Float32Array;
}

async function findScreen(block: Prepared, inputs: Float32Array, settings: Settings): Promise<CalibrationOutcome> {
  const { target, confidence } = settings;
  const parts = await split(block.inputWidth, inputs, settings);
  const checkCount = parts.check.length / block.inputWidth;
  const delta = 1 - confidence;
  const aim = aimFor(target, checkCount, delta * ATTEMPTS[0].delta);
  if (aim === null) {
    const least = 2 * leastInputs(target, delta * ATTEMPTS[0].delta);
    return exact(
      `${inputs.length / block.inputWidth} inputs are too few to state a missed mass of ${target}: give at least ${least}, better twice as many`,
    );
  }
  const tried = settings.methods ?? METHODS;
  const methods = tried.filter((method) => method === 'lookup' || lowRanks(block.inputWidth).length > 0);
  if (methods.length === 0) return exact('no method fits a block with so few inputs');
  const moments = await inputMoments(parts.fit, block.inputWidth, settings);
  const seen = await observe(block, parts.choose, settings);
  const candidates: Candidate[] = [];
  for (const method of methods) {
    const fitted =
      method === 'lookup'
        ? await fitLookup(block, moments, parts.fit, settings)
        : await fitLowRank(block, moments, parts.fit, { rows: parts.choose, seen, aim }, settings);
    const needs = await needsOf(block, fitted, parts.choose, seen, aim, settings);
    const screen = screenAt(fitted, kappaFor(needs, aim));
    candidates.push({ method, fitted, needs, times: await timeScreen(block, screen, parts.choose, settings) });
  }
  const best = candidates.reduce((a, b) => (b.times.calibratedUs < a.times.calibratedUs ? b : a));
  const slow = slowness(best.times);
  if (slow !== null && settings.evenIfSlower !== true) return exact(slow);
  return certify(block, best, aim, parts, settings);
}

function exact(reason: string): CalibrationOutcome {
  return { calibration: null, screen: null, reason };
}

/** Why a calibrated block would not pay, null if it does. */
export function slowness({ denseUs, exactUs, calibratedUs }: CalibrationTimes): string | null {
  const other = Math.min(denseUs, exactUs);
  if (calibratedUs <= (1 - LEAST_GAIN) * other) return null;
  return `calibrated it takes ${calibratedUs.toPrecision(3)} us an input, exactly ${other.toPrecision(3)}: it does not pay`;
}

interface Candidate {
  readonly method: CalibrationMethod;
  readonly fitted: FittedScreen;
  readonly needs: Needs;
  readonly times: CalibrationTimes;
}

async function certify(
  block: Prepared,
  { method, fitted, needs, times }: Candidate,
  aim: number,
  parts: Parts,
  settings: Settings,
): Promise<CalibrationOutcome> {
  const { target, confidence, seed } = settings;
  const { inputWidth } = block;
  let least = Infinity;
  for (const [k, attempt] of ATTEMPTS.entries()) {
    const screen = screenAt(fitted, kappaFor(needs, aim * attempt.aim));
    const { shares, survivors, outputError } = await measure(block, screen, parts.check, settings);
    const interval = bettingInterval(shares, (1 - confidence) * attempt.delta);
    least = Math.min(least, interval[1]);
    if (interval[1] > target) continue;
    return {
      reason: null,
      screen,
      calibration: {
        method,
        missedMass: {
          ...{ target, mean: mean(shares), interval, confidence },
          ...{ intervalMethod: 'betting', inputCount: shares.length },
        },
        outputError,
        survivorRate: { mean: mean(survivors), interval: bettingInterval(survivors, SURVIVOR_DELTA) },
        times: k === 0 ? times : await timeScreen(block, screen, parts.choose, settings),
        inputCounts: {
          fit: parts.fit.length / inputWidth,
          choose: parts.choose.length / inputWidth,
          check: parts.check.length / inputWidth,
        },
        attemptCount: k + 1,
        seed,
      },
    };
  }
  return exact(
    `the missed mass could not be shown to be at most ${target}: the upper limits of ${ATTEMPTS.length} thresholds were ${least.toPrecision(2)} and more; give more inputs`,
  );
}

// A quarter fits, a quarter chooses, both up to a limit, the rest checks.
async function split(width: number, inputs: Float32Array, settings: Settings): Promise<Parts> {
  const turn = createReportingTurn('splitting the inputs', settings);
  const count = inputs.length / width;
  const order = createRandom(settings.seed).permutation(count);
  const fit = Math.min(count >> 2, 2 * width + 1024);
  const choose = Math.min(count >> 2, MAX_CHOOSE_INPUTS);
  const take = async (from: number, to: number): Promise<Float32Array> => {
    const rows = new Float32Array((to - from) * width);
    for (let i = from; i < to; i++) {
      const row = inputs.subarray(order[i] * width, (order[i] + 1) * width);
      const at = row.findIndex((v) => !Number.isFinite(v));
      if (at >= 0) {
        throw new FewfireError(
          'invalid-data',
          `number ${at} of input ${order[i]} of the calibration is ${row[at]}; expected finite numbers`,
        );
      }
      rows.set(row, (i - from) * width);
      await turn(i, count);
    }
    return rows;
  };
  return {
    fit: await take(0, fit),
    choose: await take(fit, fit + choose),
    check: await take(fit + choose, count),
  };
}

// Who really fires, input after input, until that is plenty.
export async function observe(block: Prepared, rows: Float32Array, settings: Settings): Promise<readonly Seen[]> {
  const { inputWidth, outputWidth } = block;
  const turn = createReportingTurn('active units of the inputs', settings);
  const kernel = await createBlockKernel(block, block.screens, undefined, settings);
  const output = new Float32Array(outputWidth);
  const seen: Seen[] = [];
  try {
    let unitCount = 0;
    for (let at = 0; at < rows.length && unitCount < MAX_CHOOSE_UNITS; at += inputWidth) {
      kernel.run('sparse', rows, at, 1, output, 0);
      seen.push({ units: kernel.activeUnits(0), values: kernel.activeValues(0) });
      unitCount += kernel.activeCount(0);
      await turn(at, rows.length);
    }
  } finally {
    kernel.dispose();
  }
  return seen;
}

export interface Measured {
  readonly shares: Float64Array;
  readonly survivors: Float64Array;
  readonly outputError: number;
}

export async function measure(
  block: Prepared,
  screen: CalibratedScreen,
  rows: Float32Array,
  settings: Settings,
): Promise<Measured> {
  const { inputWidth, unitCount, outputWidth } = block;
  const turn = createReportingTurn('measuring the missed mass', settings);
  const kernel = await createBlockKernel(block, block.screens, screen, settings);
  const count = rows.length / inputWidth;
  const shares = new Float64Array(count);
  const survivors = new Float64Array(count);
  const [output, wanted] = [0, 1].map(() => new Float32Array(outputWidth));
  let errors = 0;
  let norms = 0;
  try {
    for (let i = 0; i < count; i++) {
      kernel.run('sparse', rows, i * inputWidth, 1, wanted, 0);
      const [units, values] = [kernel.activeUnits(0), kernel.activeValues(0)];
      kernel.runCalibrated(rows, i * inputWidth, output, 0);
      shares[i] = missedShare(units, values, kernel.activeUnits(0));
      survivors[i] = kernel.evaluatedCount(0) / unitCount;
      for (let o = 0; o < outputWidth; o++) {
        errors += (output[o] - wanted[o]) ** 2;
        norms += wanted[o] ** 2;
      }
      await turn(i, count);
    }
  } finally {
    kernel.dispose();
  }
  return { shares, survivors, outputError: errors === 0 ? 0 : Math.sqrt(errors / norms) };
}

async function timeScreen(
  block: Prepared,
  screen: CalibratedScreen,
  rows: Float32Array,
  settings: Settings,
): Promise<CalibrationTimes> {
  const turn = createTurn(settings.signal);
  const kernel = await createBlockKernel(block, block.screens, screen, settings);
  const output = new Float32Array(block.outputWidth);
  const count = Math.min(TIMED_INPUTS, rows.length / block.inputWidth);
  const ways: Record<keyof CalibrationTimes, (at: number) => void> = {
    denseUs: (at) => kernel.run('dense', rows, at, 1, output, 0),
    exactUs: (at) => kernel.run('sparse', rows, at, 1, output, 0),
    calibratedUs: (at) => kernel.runCalibrated(rows, at, output, 0),
  };
  const best = { denseUs: Infinity, exactUs: Infinity, calibratedUs: Infinity };
  try {
    // The first turns wait for the compiler.
    for (let round = -2; round < TIMED_TURNS; round++) {
      for (const name of ['denseUs', 'exactUs', 'calibratedUs'] as const) {
        const us = turnUs(ways[name], count, block.inputWidth);
        if (round >= 0) best[name] = Math.min(best[name], us);
        await turn();
      }
      settings.onProgress?.({
        phase: `timing ${screen.method}`,
        done: round + 2,
        total: TIMED_TURNS + 2,
        unit: 'iterations',
      });
    }
  } finally {
    kernel.dispose();
  }
  return best;
}

function turnUs(run: (at: number) => void, count: number, width: number): number {
  const startedAt = performance.now();
  let elapsedMs = 0;
  let done = 0;
  do {
    run((done % count) * width);
    done++;
    elapsedMs = performance.now() - startedAt;
  } while (elapsedMs < LEAST_TURN_MS || (done < count && elapsedMs < 10 * LEAST_TURN_MS));
  return (1000 * elapsedMs) / done;
}

function mean(values: Float64Array): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length;
}

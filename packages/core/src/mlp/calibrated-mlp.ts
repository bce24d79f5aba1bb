// The types name Disposable, which the settings of those who use them need not have.
/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Runs a calibrated block. Its output is the exact one with some active units left out, as calibration.ts says how many:
 * every unit that is evaluated has the activation of the dense kernel, bit for bit. Where no screen was good enough, and
 * after drift (drift.ts), it is the exact one.
 */
import {
  type CalibratedScreen,
  createMlpKernel,
  type MlpKernel,
  mlpKernelBytes,
  type ReluLayer,
} from '@fewfire/kernels';
import { FewfireError, type RunOptions } from '../base/index.ts';
import type { CalibrationMethod, CalibrationOutcome, DriftOptions, MlpCalibration } from './calibration.ts';
import { serializeCalibrated } from './calibration-file.ts';
import { createMethodChooser } from './choose-method.ts';
import { createDriftWatch, type DriftStatus } from './drift.ts';
import { missedShare } from './missed-mass.ts';
import type { PreparedScreens } from './mlp-file.ts';
import { boundScreens } from './sparse-mlp.ts';

/** Options of running a calibrated block. */
export interface CalibratedRunOptions extends Pick<RunOptions, 'memoryLimitBytes'> {
  readonly variant?: 'simd' | 'scalar' | undefined;
  readonly drift?: DriftOptions | undefined;
}

/** Owns WebAssembly memory: dispose of it, or declare it with `using`. Runs on one thread. */
export interface CalibratedMlp extends Disposable {
  readonly block: ReluLayer;
  /** What was chosen; `exact` where nothing was good or fast enough. */
  readonly method: CalibrationMethod | 'exact';
  /** Why it is exact, else null. */
  readonly reason: string | null;
  readonly calibration: MlpCalibration | null;
  readonly memoryBytes: number;
  /** One input to one output: `out` if given, else a new array. @throws FewfireError `invalid-argument` for other lengths */
  forward(input: Float32Array, out?: Float32Array): Float32Array;
  /** `rowCount` inputs, row-major, one after the other. */
  forwardBatch(inputs: Float32Array, rowCount: number, out?: Float32Array): Float32Array;
  /** Without leaving anything out; not watched for drift. */
  forwardExact(input: Float32Array, out?: Float32Array): Float32Array;
  /** Units that were evaluated and fired for the last input, in increasing order. */
  activeUnits(): Uint32Array;
  /** Drift so far; null where the block is exact. */
  status(): DriftStatus | null;
  /** Whether the next input goes through the calibrated screen; drift counts once it was looked for. */
  runsCalibrated(): boolean;
  /** Forgets what drift was seen. */
  resetDrift(): void;
  /** The prepared block and the calibration as one file, for `parseCalibratedMlp`. */
  serialize(): Promise<Uint8Array<ArrayBuffer>>;
  /** Frees the memory; the block cannot be run any more. */
  dispose(): void;
}

/** A kernel with the proved screens and, if given, a calibrated one. @throws FewfireError `memory-budget` */
export async function createBlockKernel(
  block: ReluLayer,
  screens: PreparedScreens,
  calibrated: CalibratedScreen | undefined,
  options: CalibratedRunOptions,
): Promise<MlpKernel> {
  const memoryBytes = kernelBytes(block, screens, calibrated);
  const limit = Math.min(options.memoryLimitBytes ?? Infinity, 2 ** 32);
  if (memoryBytes > limit) {
    throw new FewfireError(
      'memory-budget',
      `${block.name} needs ${memoryBytes.toLocaleString('en-US')} bytes, ${limit.toLocaleString('en-US')} are allowed; allow more memory (at most 4 GiB)`,
    );
  }
  const { screen, projection } = boundScreens(block, screens);
  return createMlpKernel(block, screen, {
    variant: options.variant,
    calibrated,
    projection,
  });
}

function kernelBytes(
  block: ReluLayer,
  { projection }: PreparedScreens,
  calibrated: CalibratedScreen | undefined,
): number {
  const { inputWidth, unitCount, outputWidth, linear } = block;
  return mlpKernelBytes(
    { inputWidth, unitCount, outputWidth, isGated: linear !== undefined },
    { calibrated, projection },
  );
}

export async function runCalibratedBlock(
  block: ReluLayer,
  screens: PreparedScreens,
  outcome: CalibrationOutcome,
  options: CalibratedRunOptions,
): Promise<CalibratedMlp> {
  const { inputWidth, unitCount, outputWidth } = block;
  const { calibration, screen, reason } = outcome;
  const kernel = await createBlockKernel(block, screens, screen ?? undefined, options);
  const createWatch = () => (calibration === null ? null : createDriftWatch(calibration, options.drift));
  const backToExact = (options.drift?.onDrift ?? 'exact') === 'exact';
  const chooser = createMethodChooser();
  let watch = createWatch();
  let isDisposed = false;

  const runsCalibrated = (): boolean => watch !== null && !(backToExact && watch.isDrifted());
  const runExact = (inputs: Float32Array, row: number, out: Float32Array): void => {
    const method = chooser.next(1);
    kernel.run(method, inputs, row * inputWidth, 1, out, row * outputWidth);
    if (method === 'dense') return;
    chooser.learn({ evaluated: kernel.evaluatedCount(0) / unitCount, active: kernel.activeCount(0) / unitCount });
  };
  const run = (inputs: Float32Array, row: number, out: Float32Array): void => {
    if (watch === null || !runsCalibrated()) {
      runExact(inputs, row, out);
      return;
    }
    const check = watch.drawCheck() ? exactUnits(inputs, row, out) : undefined;
    kernel.runCalibrated(inputs, row * inputWidth, out, row * outputWidth);
    watch.addSurvivors(kernel.evaluatedCount(0) / unitCount);
    if (check !== undefined) watch.addMissed(missedShare(check.units, check.values, kernel.activeUnits(0)));
  };
  // `out` is overwritten by the calibrated result: what comes out does not depend on who is checked.
  const exactUnits = (
    inputs: Float32Array,
    row: number,
    out: Float32Array,
  ): { readonly units: Uint32Array; readonly values: Float32Array } => {
    kernel.run('sparse', inputs, row * inputWidth, 1, out, row * outputWidth);
    return { units: kernel.activeUnits(0), values: kernel.activeValues(0) };
  };
  const forward = (
    one: (inputs: Float32Array, row: number, out: Float32Array) => void,
    inputs: Float32Array,
    rowCount: number,
    out: Float32Array = new Float32Array(rowCount * outputWidth),
  ): Float32Array => {
    if (isDisposed)
      throw new FewfireError('invalid-argument', `${block.name} has been disposed of; calibrate it again`);
    checkLength('inputs', inputs, rowCount * inputWidth);
    checkLength('out', out, rowCount * outputWidth);
    for (let row = 0; row < rowCount; row++) one(inputs, row, out);
    return out;
  };
  const dispose = (): void => {
    isDisposed = true;
    kernel.dispose();
  };
  return {
    block,
    method: calibration?.method ?? 'exact',
    reason,
    calibration,
    memoryBytes: kernelBytes(block, screens, screen ?? undefined),
    forward: (input, out) => forward(run, input, 1, out),
    forwardExact: (input, out) => forward(runExact, input, 1, out),
    forwardBatch(inputs, rowCount, out) {
      if (!Number.isSafeInteger(rowCount) || rowCount < 0) {
        throw new FewfireError('invalid-argument', `rowCount is ${rowCount}; expected a whole number from 0`);
      }
      return forward(run, inputs, rowCount, out);
    },
    activeUnits: () => kernel.activeUnits(0),
    status: () => watch?.status() ?? null,
    runsCalibrated,
    resetDrift(): void {
      watch = createWatch();
    },
    serialize: () => serializeCalibrated(block, screens, outcome),
    dispose,
    [Symbol.dispose]: dispose,
  };
}

function checkLength(what: string, values: Float32Array, length: number): void {
  if (values instanceof Float32Array && values.length === length) return;
  throw new FewfireError(
    'invalid-argument',
    `${what} has ${values?.length} numbers; expected a Float32Array of exactly ${length}`,
  );
}

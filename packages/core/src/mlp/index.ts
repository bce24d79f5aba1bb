export * from './activation-title.ts';
export * from './activity.ts';
export { bettingInterval } from './betting.ts';
export * from './block-timer.ts';
export { calibrateMlp } from './calibrate.ts';
export type { CalibratedMlp, CalibratedRunOptions } from './calibrated-mlp.ts';
export type {
  CalibrateOptions,
  CalibrationMethod,
  CalibrationTimes,
  DriftOptions,
  IntervalMethod,
  MissedMass,
  MlpCalibration,
} from './calibration.ts';
export { CALIBRATION_FILE_VERSION } from './calibration-file.ts';
export type { DriftStatus } from './drift.ts';
export { type BlockSearch, type FoundBlock, findMlpBlocks, MAX_BLOCKS } from './find-blocks.ts';
export { MLP_FILE_VERSION } from './mlp-file.ts';
export * from './profile.ts';
export * from './read-calibrated.ts';
export * from './read-mlp.ts';
export * from './reservoir.ts';
export {
  type MlpCounters,
  type MlpPath,
  prepareSparseMlp,
  type SparseMlp,
  type SparseMlpOptions,
  type SparseMlpRunOptions,
} from './sparse-mlp.ts';
export * from './zero-places.ts';

import { sourceHash } from './generated/source-hash.ts';

export type { KernelVariant, MonomialOperator, OperatorPlan, PackedPoints, Precision } from './kernels.ts';
export {
  createMlpKernel,
  type MlpKernel,
  type MlpKernelOptions,
  type MlpMemoryOptions,
  type MlpMethod,
  mlpKernelBytes,
} from './layers/mlp.ts';
export {
  type CalibratedScreen,
  calibratedUnits,
  LOOKUP_BORDER,
  LOOKUP_LEVELS,
  type LookupScreen,
  type LowRankFactors,
  type LowRankScreen,
  lookupCodeBytes,
  lowRankEstimates,
  lowRankFactors,
  packLookupCodes,
  quantiseLowRank,
  referenceEstimates,
  referenceSurvivors,
  type ScreenShape,
} from './layers/mlp-calibrated.ts';
export {
  boundProjection,
  isUsableProjection,
  MAX_RANK,
  type MlpProjection,
  type ProjectionScreen,
  projectionIndex,
  quantiseProjection,
} from './layers/mlp-projection.ts';
export { type MlpResult, referenceDot, referenceMlp } from './layers/mlp-reference.ts';
export {
  boundRows,
  type MlpScreen,
  packedIndex,
  paddedColumns,
  paddedUnits,
  type QuantisedRows,
  quantiseRows,
  stepDown,
} from './layers/mlp-screen.ts';
export type { MlpActivation, ReluLayer } from './layers/relu-layer.ts';
export {
  createParityColumns,
  type ParityColumnOptions,
  type ParityColumns,
  parityColumnBytes,
} from './learning/columns.ts';
export { createMonomialOperator, type OperatorOptions } from './learning/operator.ts';
export { createMonomialOperatorF32 } from './learning/operator-f32.ts';
export { type PlanRequest, planMonomialOperator } from './learning/plan.ts';
export {
  planSignedEstimate,
  type SignedEstimateOptions,
  type SignedEstimateShape,
  signedEstimate,
} from './learning/signed-estimate.ts';
export { type ExactUnit, exactLevel, exactUnit, exactUnits } from './networks/exact-units.ts';
export {
  MAX_SWEPT_BITS,
  planSweep,
  type SweepDomain,
  type SweepOptions,
  type SweepPlan,
  type SweepResult,
  sweepActivity,
} from './networks/gray.ts';
export {
  createIncrementalKernel,
  type IncrementalKernel,
  type IncrementalKernelOptions,
  type IncrementalPlan,
  planIncremental,
  referenceExactNetwork,
} from './networks/incremental.ts';
export {
  type ActivityCounts,
  countNetworkActivity,
  type DenseNetwork,
  evaluateDenseNetwork,
  type NetworkKernelOptions,
  networkKernelBytes,
  preactivationsOfRow,
  referenceNetwork,
} from './networks/network.ts';
export { parity, referenceTransform } from './reference.ts';
export { binomial, countMonomials, createMonomialIndex, type MonomialIndex } from './subsets.ts';
export { createTransformBuffer, type TransformBuffer, walshHadamard } from './transform.ts';

/** Which kernels these are: a hash of their sources. */
export const kernelHash: string = sourceHash;

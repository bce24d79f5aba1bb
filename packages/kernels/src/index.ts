export { createParityColumns, type ParityColumnOptions, type ParityColumns, parityColumnBytes } from './columns.ts';
export { type ExactUnit, exactLevel, exactUnit, exactUnits } from './exact-units.ts';
export { sourceHash as kernelHash } from './generated/source-hash.ts';
export {
  MAX_SWEPT_BITS,
  planSweep,
  type SweepDomain,
  type SweepOptions,
  type SweepPlan,
  type SweepResult,
  sweepActivity,
} from './gray.ts';
export {
  createIncrementalKernel,
  type IncrementalKernel,
  type IncrementalKernelOptions,
  type IncrementalPlan,
  planIncremental,
  referenceExactNetwork,
} from './incremental.ts';
export type { KernelVariant, MonomialOperator, OperatorPlan, PackedPoints, Precision } from './kernels.ts';
export {
  createMlpKernel,
  type MlpKernel,
  type MlpKernelOptions,
  type MlpMemoryOptions,
  type MlpMethod,
  mlpKernelBytes,
} from './mlp.ts';
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
} from './mlp-calibrated.ts';
export {
  boundProjection,
  isUsableProjection,
  MAX_RANK,
  type MlpProjection,
  type ProjectionScreen,
  projectionIndex,
  quantiseProjection,
} from './mlp-projection.ts';
export { type MlpResult, type MlpWeights, referenceDot, referenceMlp } from './mlp-reference.ts';
export {
  boundRows,
  type MlpScreen,
  packedIndex,
  paddedColumns,
  paddedUnits,
  type QuantisedRows,
  quantiseRows,
  stepDown,
} from './mlp-screen.ts';
export {
  type ActivityCounts,
  countNetworkActivity,
  type DenseNetwork,
  evaluateDenseNetwork,
  type NetworkKernelOptions,
  networkKernelBytes,
  preactivationsOfRow,
  referenceNetwork,
} from './network.ts';
export { createMonomialOperator, type OperatorOptions } from './operator.ts';
export { createMonomialOperatorF32 } from './operator-f32.ts';
export { type PlanRequest, planMonomialOperator } from './plan.ts';
export { parity, referenceTransform } from './reference.ts';
export {
  planSignedEstimate,
  type SignedEstimateOptions,
  type SignedEstimateShape,
  signedEstimate,
} from './signed-estimate.ts';
export { binomial, countMonomials, createMonomialIndex, type MonomialIndex } from './subsets.ts';
export { createTransformBuffer, type TransformBuffer, walshHadamard } from './transform.ts';

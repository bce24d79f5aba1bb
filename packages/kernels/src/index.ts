export { sourceHash as kernelHash } from './generated.ts';
export type { KernelVariant, MonomialOperator, OperatorPlan, PackedPoints } from './kernels.ts';
export { bestVariant } from './load.ts';
export { createMonomialOperator, type OperatorOptions } from './operator.ts';
export { type PlanRequest, planMonomialOperator } from './plan.ts';
export { parity, referenceTransform } from './reference.ts';
export { binomial, countMonomials, createMonomialIndex, type MonomialIndex } from './subsets.ts';
export { createTransformBuffer, type TransformBuffer, walshHadamard } from './transform.ts';

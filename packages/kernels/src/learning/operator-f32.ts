/**
 * Monomial operators whose adjoint adds in f32: faster, and exact enough to find candidates (`Precision` says how exact). They
 * have an entrance of their own because their kernels are a binary of their own, which pages that do without it need not load.
 */
import { learningF32 } from '../groups.ts';
import type { MonomialOperator, PackedPoints } from '../kernels.ts';
import { createOperator, type OperatorOptions } from './operator.ts';

/** As `createMonomialOperator`, with a plan in f32. @throws RangeError for a plan in f64, or when the memory cannot be had */
export function createMonomialOperatorF32(points: PackedPoints, options: OperatorOptions): Promise<MonomialOperator> {
  return createOperator(points, options, 'f32', learningF32);
}

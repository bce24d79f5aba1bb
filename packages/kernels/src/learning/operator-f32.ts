/**
 * Monomial operators whose adjoint adds in f32: faster, and exact enough to find candidates (`Precision` says how exact). They
 * have an entrance of their own because their kernels are a binary of their own, which pages that do without it need not load.
 */
import { learningF32 } from '../groups.ts';
import type { MonomialOperator, PackedPoints } from '../kernels.ts';
import { createOperator, type OperatorOptions } from './operator.ts';

/**
 * As `createMonomialOperator`, with a plan in f32.
 * @throws RangeError for a plan in f64, or when the memory cannot be had
 * @example
 * ```ts
 * import { createMonomialOperatorF32, planMonomialOperator } from '@fewfire/kernels';
 *
 * // The four points of two coordinates: bit i of a byte is coordinate i, a bit 1 is -1.
 * const points = { rowCount: 4, coordinateCount: 2, planes: Uint8Array.of(0b00, 0b01, 0b10, 0b11) };
 * const plan = planMonomialOperator({ rowCount: 4, coordinateCount: 2, degree: 2, precision: 'f32' });
 * const operator = await createMonomialOperatorF32(points, { plan });
 * const sums = new Float64Array(4);
 * await operator.adjoint(Float64Array.of(1, -1, -1, 1), sums);
 * console.log(sums); // Float64Array(4) [ 0, 0, 0, 4 ]
 * operator.dispose();
 * ```
 */
export function createMonomialOperatorF32(points: PackedPoints, options: OperatorOptions): Promise<MonomialOperator> {
  return createOperator(points, options, 'f32', learningF32);
}

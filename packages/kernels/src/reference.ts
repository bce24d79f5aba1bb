/**
 * The operators by their definition, one monomial and one row at a time: the
 * specification the binaries are tested against. Slow on purpose.
 */
import type { MonomialOperator, OperatorPlan, PackedPoints } from './kernels.ts';
import { createMonomialIndex } from './subsets.ts';

/**
 * chi_S(x) = (-1)^(number of coordinates of S whose bit is set).
 * @example
 * ```ts
 * import { parity } from '@fewfire/kernels';
 *
 * // The four points of two coordinates: bit i of a byte is coordinate i, a bit 1 is -1.
 * const points = { rowCount: 4, coordinateCount: 2, planes: Uint8Array.of(0b00, 0b01, 0b10, 0b11) };
 * console.log(parity(points, 3, [0, 1])); // 1
 * ```
 */
export function parity(
  points: PackedPoints,
  row: number,
  subset: ArrayLike<number>,
  size: number = subset.length,
): 1 | -1 {
  let bits = 0;
  for (let j = 0; j < size; j++) {
    const s = subset[j];
    bits ^= points.planes[(s >> 3) * points.rowCount + row] >> (s & 7);
  }
  return (bits & 1) === 1 ? -1 : 1;
}

export function createReferenceOperator(points: PackedPoints, plan: OperatorPlan): MonomialOperator {
  const index = createMonomialIndex(points.coordinateCount, plan.degree);
  return {
    plan,
    index,
    async adjoint(rowValues: Float64Array, coefficients: Float64Array, signal?: AbortSignal): Promise<void> {
      signal?.throwIfAborted();
      index.forEach((subset, size, at) => {
        let sum = 0;
        for (let i = 0; i < points.rowCount; i++) sum += rowValues[i] * parity(points, i, subset, size);
        coefficients[at] = sum;
      });
    },
    async forward(coefficients: Float64Array, rowValues: Float64Array, signal?: AbortSignal): Promise<void> {
      signal?.throwIfAborted();
      rowValues.fill(0);
      index.forEach((subset, size, at) => {
        const coefficient = coefficients[at];
        if (coefficient === 0) return;
        for (let i = 0; i < points.rowCount; i++) rowValues[i] += coefficient * parity(points, i, subset, size);
      });
    },
    dispose(): void {},
  };
}

/**
 * The unnormalised Walsh-Hadamard transform by its definition, O(N^2).
 * @example
 * ```ts
 * import { referenceTransform } from '@fewfire/kernels';
 *
 * console.log(referenceTransform([1, -1, -1, 1])); // Float64Array(4) [ 0, 0, 0, 4 ]
 * ```
 */
export function referenceTransform(data: ArrayLike<number>): Float64Array {
  const size = data.length;
  const result = new Float64Array(size);
  for (let s = 0; s < size; s++) {
    for (let x = 0; x < size; x++) {
      let bits = s & x;
      bits ^= bits >> 16;
      bits ^= bits >> 8;
      bits ^= bits >> 4;
      bits ^= bits >> 2;
      bits ^= bits >> 1;
      result[s] += (bits & 1) === 1 ? -data[x] : data[x];
    }
  }
  return result;
}

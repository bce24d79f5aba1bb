/**
 * What this package offers. Everything heavy runs in WebAssembly; vectors are
 * copied in and out, so no view of WebAssembly memory leaves the package and
 * callers never see pointers. Arguments are checked by the callers (the core
 * package); here a wrong length is a programming error and throws a RangeError.
 */
import type { MonomialIndex } from './subsets.ts';

/** `simd` and `scalar` are the two binaries; `reference` is plain TypeScript by definition, for tests. */
export type KernelVariant = 'simd' | 'scalar' | 'reference';

/**
 * What an adjoint by blocks adds in. `f32` takes 12 to 25 % less time, and each coefficient is within
 * k u / (1 - k u) times the sum of |rowValues| of the exact one, u = 2^-24 and k = rows + d 2^g + 1, the additions a
 * row value can go through, and its rounding: enough to find candidates, not to certify them.
 */
export type Precision = 'f64' | 'f32';

/** Points of the cube in byte planes: bit j of `planes[p * rowCount + i]` is coordinate 8p+j of row i; a set bit is -1. */
export interface PackedPoints {
  readonly rowCount: number;
  readonly coordinateCount: number;
  readonly planes: Uint8Array;
}

/** How an operator will run, and what it will take; made before anything is allocated. */
export interface OperatorPlan {
  readonly rowCount: number;
  readonly coordinateCount: number;
  readonly degree: number;
  readonly monomialCount: number;
  /** `blocks`: histograms over tuples of blocks; `cube`: one histogram over all 2^n points. */
  readonly method: 'blocks' | 'cube';
  /** Coordinates per block, and how many blocks. 0 for `cube`. */
  readonly blockBits: number;
  readonly blockCount: number;
  /** Of an adjoint by blocks; forwards and whole cubes are f64 always. */
  readonly precision: Precision;
  /** Last blocks served by one pass over the rows. */
  readonly groupSize: number;
  /** Separate sums that a forward keeps per row; fixed by the shape, so that threads can split them without changing the result. */
  readonly partCount: number;
  /** Threads that will be used, at most as many as asked for: small problems use one. */
  readonly threads: number;
  /** Predicted bytes of everything the operator allocates. */
  readonly memoryBytes: number;
  /** Predicted nanoseconds of one adjoint plus one forward on one thread of a 2020s core: an estimate, for planning. */
  readonly costNs: number;
}

/**
 * The matrix of all monomials of degree <= d at the given points, never formed.
 * Coefficients are in graded colexicographic order (`index`). Results do not
 * depend on the number of threads and are the same, bit for bit, for `simd` and
 * `scalar`. One call at a time. Aborting rejects with the signal's reason.
 */
export interface MonomialOperator {
  readonly plan: OperatorPlan;
  readonly index: MonomialIndex;
  /** coefficients[S] = sum_i rowValues[i] chi_S(x_i). Writes all `monomialCount` entries. */
  adjoint(rowValues: Float64Array, coefficients: Float64Array, signal?: AbortSignal): Promise<void>;
  /** rowValues[i] = sum_S coefficients[S] chi_S(x_i). Writes all `rowCount` entries. */
  forward(coefficients: Float64Array, rowValues: Float64Array, signal?: AbortSignal): Promise<void>;
  /** Ends the worker threads and frees the memory. */
  dispose(): void;
}

/**
 * The full fast Walsh-Hadamard transform: data[S] becomes
 * sum_x (-1)^popcount(x & S) data[x], unnormalised, so that applying it twice
 * multiplies by the length.
 */
import { createArena } from './arena.ts';
import { transforms } from './groups.ts';
import { type BinaryVariant, bestVariant, compileKernels, createMemory, instantiateKernels } from './load.ts';

/**
 * Transforms in place. The length must be a power of two, at most 2^28 (f64) or 2^29 (f32).
 * Copies the data into WebAssembly memory and back, which costs about as much as two levels.
 * @throws RangeError for other lengths
 * @example
 * ```ts
 * import { walshHadamard } from '@fewfire/kernels';
 *
 * const values = Float64Array.of(1, -1, -1, 1);
 * await walshHadamard(values);
 * console.log(values); // Float64Array(4) [ 0, 0, 0, 4 ]
 * ```
 */
export async function walshHadamard(
  data: Float64Array | Float32Array,
  options: { readonly variant?: BinaryVariant } = {},
): Promise<void> {
  const buffer = await createTransformBuffer(data.length, data instanceof Float32Array ? 'f32' : 'f64', options);
  buffer.write(data);
  buffer.transform();
  buffer.read(data);
}

/** A buffer inside WebAssembly memory for repeated transforms of one length. */
export interface TransformBuffer {
  /** Puts a vector in. */
  write(data: Float64Array | Float32Array): void;
  /** Transforms it in place, unnormalised. */
  transform(): void;
  /** Copies it out. */
  read(into: Float64Array | Float32Array): void;
}

/**
 * A vector in WebAssembly memory, to be written, transformed and read.
 * @throws RangeError as `walshHadamard`
 * @example
 * ```ts
 * import { createTransformBuffer } from '@fewfire/kernels';
 *
 * const buffer = await createTransformBuffer(4, 'f64');
 * buffer.write(Float64Array.of(1, -1, -1, 1));
 * buffer.transform();
 * const values = new Float64Array(4);
 * buffer.read(values);
 * console.log(values); // Float64Array(4) [ 0, 0, 0, 4 ]
 * ```
 */
export async function createTransformBuffer(
  length: number,
  type: 'f32' | 'f64',
  options: { readonly variant?: BinaryVariant } = {},
): Promise<TransformBuffer> {
  const logSize = Math.log2(length);
  const bytes = length * (type === 'f32' ? 4 : 8);
  if (!Number.isInteger(logSize) || bytes > 2 ** 31) {
    throw new RangeError(`the transform needs a power of two of at most ${2 ** 31} bytes, got ${length} numbers`);
  }
  const arena = createArena();
  const at = arena.reserve(bytes);
  const memory = createMemory(arena.bytes, false);
  const module = await compileKernels(transforms, options.variant ?? bestVariant(transforms), false);
  const kernels = await instantiateKernels(module, memory);
  const view =
    type === 'f32' ? new Float32Array(memory.buffer, at, length) : new Float64Array(memory.buffer, at, length);
  return {
    write: (data) => view.set(data),
    transform: () => (type === 'f32' ? kernels.walshHadamardF32(at, logSize) : kernels.walshHadamardF64(at, logSize)),
    read: (into) => into.set(view),
  };
}

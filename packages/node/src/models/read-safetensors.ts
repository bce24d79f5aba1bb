/** Tensors of trained layers, from safetensors files. */
import { type FloatTensor, parseSafetensors, type TensorOptions } from '@fewfire/core/internal';
import { readFileBytes } from '../files.ts';

/** Options of `readSafetensors`. */
export interface ReadTensorOptions extends TensorOptions {
  readonly signal?: AbortSignal | undefined;
  /** Larger files are refused before they are read. Default 1 GiB. */
  readonly memoryLimitBytes?: number | undefined;
}

/**
 * Reads a whole file.
 * @throws FewfireError `file-not-found`, `file-unreadable`, `memory-budget`, and as `parseSafetensors`
 * @example
 * ```ts
 * import { readSafetensors } from '@fewfire/node';
 *
 * const tensors = await readSafetensors('examples/relu-mlp.safetensors');
 * console.log([...tensors.keys()]); // [ 'up.weight', 'up.bias', 'down.weight', 'inputs' ]
 * ```
 */
export async function readSafetensors(
  path: string,
  options: ReadTensorOptions = {},
): Promise<ReadonlyMap<string, FloatTensor>> {
  const { signal, memoryLimitBytes = 2 ** 30, choose } = options;
  const bytes = await readFileBytes(path, { signal, memoryLimitBytes, copies: 1 });
  return parseSafetensors(bytes, path, { choose, memoryLimitBytes: memoryLimitBytes - bytes.length });
}

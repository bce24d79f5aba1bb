/** From a file of a prepared block back to the block in memory. */
import { checkRunOptions, throwIfAborted } from '../base/index.ts';
import { parseMlp } from './mlp-file.ts';
import { buildSparseMlp, SPARSE_RUN_CHECKS, type SparseMlp, type SparseMlpRunOptions } from './sparse-mlp.ts';

/**
 * Reads a block that `SparseMlp.serialize` wrote.
 * @param label names the file in messages
 * @throws FewfireError `model-file` for damaged, edited or foreign bytes, and as `prepareSparseMlp`
 * @example
 * ```ts
 * import { layerFromNetwork, parityNetwork, parseSparseMlp, prepareSparseMlp } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const mlp = await prepareSparseMlp(layerFromNetwork(network));
 * const again = await parseSparseMlp(await mlp.serialize(), 'block.fewfire');
 * console.log(again.forward(Float32Array.of(1, -1, 1))); // Float32Array(1) [ -1 ]
 * for (const each of [mlp, again]) each.dispose();
 * ```
 */
export async function parseSparseMlp(
  bytes: Uint8Array<ArrayBuffer>,
  label: string,
  options: SparseMlpRunOptions = {},
): Promise<SparseMlp> {
  checkRunOptions('parseSparseMlp', options, SPARSE_RUN_CHECKS);
  const { block, screens } = await parseMlp(bytes, label);
  throwIfAborted(options.signal);
  return buildSparseMlp(block, screens, options);
}

/** From a file of a prepared block back to the block in memory. */
import { checkRunOptions, throwIfAborted } from '../base/index.ts';
import { parseMlp } from './mlp-file.ts';
import { buildSparseMlp, SPARSE_RUN_CHECKS, type SparseMlp, type SparseMlpRunOptions } from './sparse-mlp.ts';

/**
 * @param label names the file in messages
 * @throws FewfireError `model-file` for damaged, edited or foreign bytes, and as `prepareSparseMlp`
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

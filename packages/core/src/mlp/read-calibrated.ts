/** From a file of a calibrated block back to the block in memory. */
import { checkRunOptions } from '../base/index.ts';
import { type CalibratedMlp, type CalibratedRunOptions, runCalibratedBlock } from './calibrated-mlp.ts';
import { parseCalibrated } from './calibration-file.ts';

/**
 * Reads a block that `CalibratedMlp.serialize` wrote.
 * @param label names the file in messages
 * @throws FewfireError `model-file` for damaged, edited or foreign bytes, and a calibration of another block
 * @example
 * ```ts
 * import { calibrateMlp, layerFromNetwork, parityNetwork, parseCalibratedMlp } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const inputs = Float32Array.from({ length: 30_000 }, (_, i) => (i % 7 < 3 ? 1 : -1));
 * const calibrated = await calibrateMlp({ block: layerFromNetwork(network) }, inputs);
 * const again = await parseCalibratedMlp(await calibrated.serialize(), 'block.fewfire');
 * console.log(again.method); // exact
 * for (const each of [calibrated, again]) each.dispose();
 * ```
 */
export async function parseCalibratedMlp(
  bytes: Uint8Array<ArrayBuffer>,
  label: string,
  options: CalibratedRunOptions = {},
): Promise<CalibratedMlp> {
  checkRunOptions('parseCalibratedMlp', options, { variant: ['simd', 'scalar'], drift: 'object' });
  const { block, screens, outcome } = await parseCalibrated(bytes, label);
  return runCalibratedBlock(block, screens, outcome, options);
}

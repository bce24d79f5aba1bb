/** From a file of a calibrated block back to the block in memory. */
import { checkRunOptions } from '../base/index.ts';
import { type CalibratedMlp, type CalibratedRunOptions, runCalibratedBlock } from './calibrated-mlp.ts';
import { parseCalibrated } from './calibration-file.ts';

/**
 * @param label names the file in messages
 * @throws FewfireError `model-file` for damaged, edited or foreign bytes, and a calibration of another block
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

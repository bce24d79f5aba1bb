/** What a block must be before it is run. */
import type { ReluLayer } from '@fewfire/kernels';
import { checkLayer } from '../network/index.ts';

/** Beyond this width the rounding of a dot product is no longer far below what quantising loses. */
const MAX_WIDTH = 2 ** 20;

/**
 * @throws FewfireError `invalid-data`: sizes that are not whole or do not fit, numbers that are not in single precision, NaN or
 *   infinity among them
 */
export function checkBlock(block: ReluLayer): void {
  checkLayer(block, { leastUnits: 1, mostOfEach: MAX_WIDTH, isSingle: true });
}

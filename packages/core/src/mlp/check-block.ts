/** What a block must be before anything is made of it: sizes that fit each other, and finite numbers. */
import type { ReluLayer } from '@fewfire/kernels';
import { FewfireError } from '../base/index.ts';

/** Beyond this width the rounding of a dot product is no longer far below what quantising loses. */
const MAX_WIDTH = 2 ** 20;

/** @throws FewfireError `invalid-data`: sizes that are not whole or do not fit, NaN or infinity among the weights */
export function checkBlock(block: ReluLayer): void {
  const { name, inputWidth, unitCount, outputWidth } = block;
  for (const [what, size] of Object.entries({ inputWidth, unitCount, outputWidth })) {
    if (!Number.isSafeInteger(size) || size < 1 || size > MAX_WIDTH) {
      throw new FewfireError('invalid-data', `${name}: ${what} is ${size}; expected a whole number, 1 to ${MAX_WIDTH}`);
    }
  }
  if (block.activation !== 'relu' && block.activation !== 'squared-relu') {
    throw new FewfireError(
      'invalid-data',
      `${name}: the activation is ${JSON.stringify(block.activation)}; expected "relu" or "squared-relu"`,
    );
  }
  if ((block.linear === undefined) !== (block.linearBias === undefined)) {
    throw new FewfireError('invalid-data', `${name} has one of linear and linearBias; a gated block needs both`);
  }
  for (const [what, values, length] of blockTensors(block)) {
    if (!(values instanceof Float32Array) || values.length !== length) {
      throw new FewfireError(
        'invalid-data',
        `${name}: ${what} has ${values?.length} numbers; expected a Float32Array of ${length}`,
      );
    }
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) {
      throw new FewfireError(
        'invalid-data',
        `${name}: number ${at} of ${what} is ${values[at]}; expected finite weights`,
      );
    }
  }
}

/** Name, numbers and expected length of every tensor, in the order of files. */
export function blockTensors(block: ReluLayer): readonly (readonly [string, Float32Array, number])[] {
  const { inputWidth: d, unitCount: s, outputWidth: o, linear, linearBias } = block;
  return [
    ['up', block.up, s * d],
    ['upBias', block.upBias, s],
    ...(linear === undefined ? [] : ([['linear', linear, s * d]] as const)),
    ...(linearBias === undefined ? [] : ([['linearBias', linearBias, s]] as const)),
    ['down', block.down, s * o],
    ['downBias', block.downBias, o],
  ];
}

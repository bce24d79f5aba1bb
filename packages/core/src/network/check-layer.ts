/** What a layer must be before anything is made of it: sizes that fit each other, and finite numbers. */
import type { ReluLayer } from '@fewfire/kernels';
import { FewfireError } from '../base/index.ts';

/** A layer in either precision. */
export type AnyLayer = ReluLayer<Float32Array | Float64Array>;

/** What a job asks of a layer besides. */
export interface LayerLimits {
  readonly leastUnits: number;
  readonly mostOfEach: number;
  /** Only single precision will do. */
  readonly isSingle: boolean;
}

/** @throws FewfireError `invalid-data`: sizes that are not whole or do not fit, NaN or infinity among the weights */
export function checkLayer(layer: AnyLayer, { leastUnits, mostOfEach, isSingle }: LayerLimits): void {
  const { name, inputWidth, unitCount, outputWidth } = layer;
  for (const [what, size] of Object.entries({ inputWidth, unitCount, outputWidth })) {
    const least = what === 'unitCount' ? leastUnits : 1;
    if (!Number.isSafeInteger(size) || size < least || size > mostOfEach) {
      throw new FewfireError(
        'invalid-data',
        `${name}: ${what} is ${size}; expected a whole number, ${least} to ${mostOfEach}`,
      );
    }
  }
  if (layer.activation !== 'relu' && layer.activation !== 'squared-relu') {
    throw new FewfireError(
      'invalid-data',
      `${name}: the activation is ${JSON.stringify(layer.activation)}; expected "relu" or "squared-relu"`,
    );
  }
  if ((layer.linear === undefined) !== (layer.linearBias === undefined)) {
    throw new FewfireError('invalid-data', `${name} has one of linear and linearBias; a gated block needs both`);
  }
  for (const [what, values, length] of layerTensors(layer)) {
    const isArray = values instanceof Float32Array || (!isSingle && values instanceof Float64Array);
    if (!isArray || values.length !== length) {
      const kind = isSingle ? 'a Float32Array' : 'a Float32Array or Float64Array';
      throw new FewfireError(
        'invalid-data',
        `${name}: ${what} has ${values?.length} numbers; expected ${kind} of ${length}`,
      );
    }
    for (let at = 0; at < length; at++) {
      if (Number.isFinite(values[at])) continue;
      throw new FewfireError(
        'invalid-data',
        `${name}: number ${at} of ${what} is ${values[at]}; expected finite weights`,
      );
    }
  }
}

/** Name, numbers and expected length of every tensor, in the order of files. */
export function layerTensors<Numbers extends Float32Array | Float64Array>(
  layer: ReluLayer<Numbers>,
): readonly (readonly [string, Numbers, number])[] {
  const { inputWidth: d, unitCount: s, outputWidth: o, linear, linearBias } = layer;
  return [
    ['up', layer.up, s * d],
    ['upBias', layer.upBias, s],
    ...(linear === undefined ? [] : ([['linear', linear, s * d]] as const)),
    ...(linearBias === undefined ? [] : ([['linearBias', linearBias, s]] as const)),
    ['down', layer.down, s * o],
    ['downBias', layer.downBias, o],
  ];
}

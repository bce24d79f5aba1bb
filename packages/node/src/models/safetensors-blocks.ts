/**
 * Feed-forward blocks in safetensors files. Such a file has weights and no graph, so layers are known by their names, as
 * common model families give them, and the activation is what the caller says it is.
 */
import { FewfireError, type MlpActivation, type ReluLayer } from '@fewfire/core';
import { expectTensor, type FloatTensor, listNames } from '@fewfire/core/internal';

/** Names of the first layer, of the layer that multiplies it in gated blocks, and of the last; `.weight` stands behind. */
const FAMILIES: readonly { readonly up: string; readonly linear?: string; readonly down: string }[] = [
  { up: 'gate_proj', linear: 'up_proj', down: 'down_proj' },
  { up: 'gate', linear: 'up', down: 'down' },
  { up: 'wi_0', linear: 'wi_1', down: 'wo' },
  { up: 'w1', linear: 'w3', down: 'w2' },
  { up: 'up_proj', down: 'down_proj' },
  { up: 'up', down: 'down' },
  { up: 'fc1', down: 'fc2' },
  { up: 'linear1', down: 'linear2' },
  { up: 'lin1', down: 'lin2' },
  { up: 'wi', down: 'wo' },
  { up: 'w1', down: 'w2' },
  { up: 'dense_h_to_4h', down: 'dense_4h_to_h' },
];

interface BlockNames {
  readonly prefix: string;
  readonly up: string;
  readonly linear: string | undefined;
  readonly down: string;
}

/**
 * The tensors that blocks are made of, biases among them, by the names of all in a file: what has to be read.
 * @throws FewfireError `invalid-data` when there is no block
 * @example
 * ```ts
 * import { blockTensorNames, readSafetensors } from '@fewfire/node';
 *
 * const tensors = await readSafetensors('examples/relu-mlp.safetensors');
 * console.log(blockTensorNames([...tensors.keys()], 'relu-mlp.safetensors')); // [ 'up.weight', 'up.bias', 'down.weight' ]
 * ```
 */
export function blockTensorNames(names: readonly string[], label: string): string[] {
  const all = new Set(names);
  return blockNames(names, label)
    .flatMap(({ prefix, up, linear, down }) =>
      [up, linear, down].flatMap((layer) =>
        layer === undefined ? [] : [`${prefix}${layer}.weight`, `${prefix}${layer}.bias`],
      ),
    )
    .filter((name) => all.has(name));
}

/**
 * The blocks of a file, in the order of their names. Weights are [outputs, inputs], as PyTorch has them.
 * @throws FewfireError `invalid-data` when there is none, or layers do not fit each other
 * @example
 * ```ts
 * import { readSafetensors, safetensorsBlocks } from '@fewfire/node';
 *
 * const tensors = await readSafetensors('examples/relu-mlp.safetensors');
 * const blocks = safetensorsBlocks(tensors, 'relu', 'relu-mlp.safetensors');
 * console.log(blocks.map(({ name, inputWidth, unitCount }) => `${name}: ${inputWidth} to ${unitCount}`)); // [ 'block: 256 to 1024' ]
 * ```
 */
export function safetensorsBlocks(
  tensors: ReadonlyMap<string, FloatTensor>,
  activation: MlpActivation,
  label: string,
): ReluLayer[] {
  return blockNames([...tensors.keys()], label).map((names) => readBlock(tensors, names, activation, label));
}

function blockNames(names: readonly string[], label: string): BlockNames[] {
  const all = new Set(names);
  const sorted = names.toSorted();
  const blocks: BlockNames[] = [];
  const taken = new Set<string>();
  for (const { up, linear, down } of FAMILIES) {
    const ending = `${up}.weight`;
    for (const name of sorted) {
      const prefix = name.slice(0, -ending.length);
      if (!name.endsWith(ending) || (prefix !== '' && !prefix.endsWith('.')) || taken.has(prefix)) continue;
      if (![linear, down].every((layer) => layer === undefined || all.has(`${prefix}${layer}.weight`))) continue;
      taken.add(prefix);
      blocks.push({ prefix, up, linear, down });
    }
  }
  if (blocks.length > 0) return blocks;
  throw new FewfireError(
    'invalid-data',
    `${label} has no feed-forward block: expected weights such as "up.weight" and "down.weight", it has ${listNames(names, 8) || 'none'}`,
  );
}

function readBlock(
  tensors: ReadonlyMap<string, FloatTensor>,
  { prefix, ...names }: BlockNames,
  activation: MlpActivation,
  label: string,
): ReluLayer {
  const { values: up, shape } = expectTensor(tensors, `${prefix}${names.up}.weight`, [null, null], label);
  const [unitCount, inputWidth] = shape;
  const downTensor = expectTensor(tensors, `${prefix}${names.down}.weight`, [null, unitCount], label);
  const outputWidth = downTensor.shape[0];
  if (unitCount === 0 || inputWidth === 0 || outputWidth === 0) {
    throw new FewfireError('invalid-data', `${label} holds an empty layer ${JSON.stringify(prefix)}; expected weights`);
  }
  const down = new Float32Array(unitCount * outputWidth);
  for (let o = 0; o < outputWidth; o++) {
    for (let u = 0; u < unitCount; u++) down[u * outputWidth + o] = downTensor.values[o * unitCount + u];
  }
  const bias = (layer: string, length: number): Float32Array => {
    const name = `${prefix}${layer}.bias`;
    return tensors.has(name) ? expectTensor(tensors, name, [length], label).values : new Float32Array(length);
  };
  const { linear } = names;
  return {
    name: prefix === '' ? 'block' : prefix.slice(0, -1),
    inputWidth,
    unitCount,
    outputWidth,
    activation,
    up,
    upBias: bias(names.up, unitCount),
    ...(linear === undefined
      ? {}
      : {
          linear: expectTensor(tensors, `${prefix}${linear}.weight`, [unitCount, inputWidth], label).values,
          linearBias: bias(linear, unitCount),
        }),
    down,
    downBias: bias(names.down, outputWidth),
  };
}

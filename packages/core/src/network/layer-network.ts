/**
 * Layers of trained models as sparse networks and back, without rounding: so a trained layer can be certified, and a
 * certified network run by the kernels of trained layers.
 *
 * A network has units <w, s> - b at points s of {+1,-1}^n, one output and no output bias. A layer has units <up, x> + upBias
 * at inputs x that stand for a no and a yes in some way: x = m + d s with m and d from what it writes for them. So
 * w = d up and b = -(upBias + m sum up). Every double is a whole number times a power of two; where the sum is not one, the
 * layer is refused instead of rounded, since a certificate would be about another layer.
 */
import type { ReluLayer } from '@fewfire/kernels';
import { checkOptions, checkWord, FewfireError } from '../base/index.ts';
import { type AnyLayer, checkLayer } from './check-layer.ts';
import {
  createNetwork,
  type NetworkDomain,
  type NetworkProvenance,
  roundingMargin,
  type SparseNetwork,
} from './network.ts';

/** What a layer's inputs are for a no (the point's +1) and for a yes (its -1). */
export interface LayerInputValues {
  readonly no: -1 | 0 | 1;
  readonly yes: -1 | 0 | 1;
}

/** Options of `networkFromLayer`. */
export interface LayerNetworkOptions {
  /** Which output, from 0; needed where a layer has several. Which units fire does not depend on it. */
  readonly output?: number | undefined;
  /** Default +1 for a no and -1 for a yes, the points themselves; `{ no: 0, yes: 1 }` for a layer trained on 0 and 1. */
  readonly inputs?: LayerInputValues | undefined;
  /** The points that the network's sparsity is about. Default: the cube. */
  readonly domain?: NetworkDomain | undefined;
  /** Default: family `layer` with the layer's name, the output and the values of inputs. */
  readonly provenance?: NetworkProvenance | undefined;
}

/** One output of a layer as a network, and the constant beside it. */
export interface LayerNetwork {
  readonly network: SparseNetwork;
  /** What the layer's output has more than the network's: a network has no output bias. */
  readonly outputBias: number;
}

/** Sizes whose products still are exact; a network may have no units. */
const LIMITS = { leastUnits: 0, mostOfEach: 2 ** 24, isSingle: false };

/**
 * One output of a layer as a network on {+1,-1}^n, n = `inputWidth`. At every point the same units are active and
 * network + outputBias is the layer's output, both in exact arithmetic: the kernels that run a layer round to single
 * precision, so a unit within that rounding of its tie may count otherwise there.
 *
 *     const { network, outputBias } = networkFromLayer(layer, { inputs: { no: 0, yes: 1 } });
 *     const certificate = await certifySparsity(network);
 *
 * @param layer plain ReLU, in single or double precision (`ReluLayer`, `ReluLayer<Float64Array>`); its numbers are
 *   copied
 * @returns the network, its units in the layer's order, and the output's bias
 * @throws FewfireError `unsupported` for a gated or squared layer, and where a number of the network would have to be
 *   rounded; `invalid-argument` for a layer of several outputs without `output`, and other options that do not fit;
 *   `invalid-data` for sizes that do not fit or numbers that are not finite
 * @example
 * ```ts
 * import { layerFromNetwork, networkFromLayer, parityNetwork } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const { network: again, outputBias } = networkFromLayer(layerFromNetwork(network));
 * console.log(again.unitCount, outputBias); // 4 0
 * ```
 */
export function networkFromLayer(layer: AnyLayer, options: LayerNetworkOptions = {}): LayerNetwork {
  checkOptions('networkFromLayer', options, {
    output: 'number',
    inputs: 'object',
    domain: 'object',
    provenance: 'object',
  });
  checkLayer(layer, LIMITS);
  const { name, inputWidth, unitCount, outputWidth, up, upBias, down, downBias } = layer;
  if (layer.activation !== 'relu' || layer.linear !== undefined) {
    const kind = `${layer.linear === undefined ? '' : 'gated '}${layer.activation}`;
    throw new FewfireError(
      'unsupported',
      `the units of ${name} are ${kind}; expected plain relu, a network has no other units`,
    );
  }
  const output = chosenOutput(layer, options.output);
  const inputs = options.inputs ?? { no: 1, yes: -1 };
  checkInputValues(inputs);
  const middle = (inputs.no + inputs.yes) / 2;
  const half = (inputs.no - inputs.yes) / 2;
  const weights = new Float64Array(up.length);
  const biases = new Float64Array(unitCount);
  const shifts = new Float64Array(inputWidth);
  for (let unit = 0; unit < unitCount; unit++) {
    let sum: number = upBias[unit];
    let isExact = true;
    for (let i = 0; i < inputWidth; i++) {
      const at = unit * inputWidth + i;
      weights[at] = half * up[at];
      shifts[i] = middle * up[at];
      sum += shifts[i];
      isExact &&= weights[at] / half === up[at];
    }
    // No rounding in any order of summation.
    if (!isExact || (middle !== 0 && roundingMargin(shifts, upBias[unit]).margin > 0)) {
      throw new FewfireError(
        'unsupported',
        `unit ${unit} of ${name} cannot be written for points of +1 and -1 without rounding: its weights and bias differ too much in size; round them to multiples of one power of two, or train on inputs of -1 and +1`,
      );
    }
    biases[unit] = -sum;
  }
  const network = createNetwork(
    {
      inputCount: inputWidth,
      weights,
      biases,
      outputWeights: Float64Array.from({ length: unitCount }, (_, unit) => down[unit * outputWidth + output]),
      domain: options.domain,
      provenance: options.provenance ?? {
        family: 'layer',
        parameters: { name, output, inputs: { no: inputs.no, yes: inputs.yes } },
        seed: null,
      },
    },
    { owned: true },
  );
  return { network, outputBias: downBias[output] };
}

/**
 * A network as a layer with one output and inputs of +1 (no) and -1 (yes), no number rounded. Single precision is what
 * `prepareSparseMlp` runs; a network whose numbers need more is refused for it and has `double`.
 *
 *     using mlp = await prepareSparseMlp(layerFromNetwork(network));
 *     mlp.forward(Float32Array.of(1, -1, 1));
 *
 * `networkFromLayer(layer, { domain: network.domain, provenance: network.provenance })` gives the network back.
 *
 * @param precision default `single`
 * @returns a layer with the name of the network's family; its numbers are copies
 * @throws FewfireError `unsupported` for numbers that single precision does not have; `invalid-argument` for another precision
 * @example
 * ```ts
 * import { layerFromNetwork, parityNetwork, prepareSparseMlp } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const mlp = await prepareSparseMlp(layerFromNetwork(network));
 * console.log(mlp.forward(Float32Array.of(1, -1, 1))); // Float32Array(1) [ -1 ]
 * mlp.dispose();
 * ```
 */
export function layerFromNetwork(network: SparseNetwork, precision?: 'single'): ReluLayer;
export function layerFromNetwork(network: SparseNetwork, precision: 'double'): ReluLayer<Float64Array>;
export function layerFromNetwork(network: SparseNetwork, precision: 'single' | 'double' = 'single'): AnyLayer {
  const { inputCount, unitCount, weights, biases, outputWeights, provenance } = network;
  checkWord('precision', precision, ['single', 'double']);
  const copy = (what: string, values: Float64Array): Float32Array | Float64Array => {
    if (precision === 'double') return values.slice();
    const rounded = Float32Array.from(values);
    const at = values.findIndex((value, i) => rounded[i] !== value);
    if (at >= 0) {
      throw new FewfireError(
        'unsupported',
        `${what} ${at} of the network is ${values[at]}, which single precision does not have; expected numbers of 24 bits, or take the layer in double precision`,
      );
    }
    return rounded;
  };
  return {
    name: provenance.family,
    inputWidth: inputCount,
    unitCount,
    outputWidth: 1,
    activation: 'relu',
    up: copy('weight', weights),
    // Not -0 for 0.
    upBias: copy('bias', biases).map((b) => 0 - b),
    down: copy('output weight', outputWeights),
    downBias: precision === 'double' ? new Float64Array(1) : new Float32Array(1),
  };
}

function chosenOutput({ name, outputWidth }: AnyLayer, output: number | undefined): number {
  if (output === undefined && outputWidth === 1) return 0;
  if (output !== undefined && Number.isInteger(output) && output >= 0 && output < outputWidth) return output;
  throw new FewfireError(
    'invalid-argument',
    `${name} has ${outputWidth} outputs, a network one, and \`output\` is ${output}; expected a whole number from 0 to ${outputWidth - 1}`,
  );
}

function checkInputValues(inputs: LayerInputValues): void {
  checkOptions('inputs', inputs, { no: 'any', yes: 'any' });
  const { no, yes } = inputs;
  if ([no, yes].every((value) => value === -1 || value === 0 || value === 1) && no !== yes) return;
  throw new FewfireError(
    'invalid-argument',
    `\`inputs\` are ${no} for a no and ${yes} for a yes; expected two different ones of -1, 0 and 1`,
  );
}

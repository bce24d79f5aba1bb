/**
 * Feed-forward blocks in an ONNX graph: linear, activation, linear. The search starts at every linear layer and walks
 * back over the element-wise operators before it until it meets the layer (in gated blocks: the layers) that they act
 * on. ReLU forms are recognised by their exact shape, everything else is named by its operators. Whether what is not
 * recognised is sparse is not for the search to say: its zeros are counted (zero-places.ts).
 *
 * Subgraphs (If, Loop, Scan) and functions of the model are not entered, and operators of other domains are not looked
 * into; the notes say so where a model has them.
 */
import { FewfireError, listNames } from '../base/index.ts';
import { type OnnxModel, type OnnxNode, tensorNumbers } from '../network/index.ts';
import { activationTitle, type MlpActivation, type MlpBlock } from './block.ts';
import {
  type Constant,
  constantOf,
  type GraphValues,
  indexValues,
  integerAttribute,
  isStandard,
  type Linear,
  linearOf,
  operatorText,
  scalarOf,
  sourceOf,
} from './onnx-values.ts';

/** A block as it stands in the graph. */
export interface FoundBlock {
  /** Unique in the model. */
  readonly name: string;
  /** `relu`, `squared-relu`, `relu6`, with `gated-` before it; `gelu`, `silu`, ...; otherwise the operators. */
  readonly activation: string;
  /** The activation in words: `ReLU`, `gated SiLU`, `PRelu with slope 0`, `Greater, Where`. */
  readonly form: string;
  /** Whether it was recognised as one that switches units off exactly; of all others only counting tells. */
  readonly sparse: boolean;
  readonly inputWidth: number;
  readonly unitCount: number;
  readonly outputWidth: number;
  /** The value of the graph whose rows (along the last axis) are the inputs of the block. */
  readonly inputValue: string;
  /** The value that is zero where a unit is inactive: behind the ReLU, or else what the last layer reads. */
  readonly activationValue: string;
  /** The value that holds the outputs of the block. */
  readonly outputValue: string;
  /**
   * The block with its weights, read from the file at every call.
   * @throws FewfireError `unsupported` for an activation that is not ReLU or squared ReLU, and for weights of a type
   *   that is not read; `invalid-data` for weights that are not finite
   */
  readonly load: () => MlpBlock;
}

export interface BlockSearch {
  readonly blocks: readonly FoundBlock[];
  /** What was seen and not looked into, in sentences. */
  readonly notes: readonly string[];
}

/** The most blocks that are listed; beyond it a note says so. */
export const MAX_BLOCKS = 1024;

/** Element-wise operators that an activation may be made of. */
const ELEMENTWISE = new Set([
  ...['Relu', 'LeakyRelu', 'PRelu', 'ThresholdedRelu', 'Elu', 'Celu', 'Selu', 'Gelu', 'FastGelu', 'QuickGelu'],
  ...['BiasGelu', 'Sigmoid', 'Tanh', 'Softplus', 'Softsign', 'Mish', 'HardSwish', 'HardSigmoid', 'Swish', 'Silu'],
  ...['Erf', 'Exp', 'Log', 'Sqrt', 'Abs', 'Neg', 'Reciprocal', 'Sign', 'Clip', 'Pow', 'Max', 'Min'],
  ...['Add', 'Sub', 'Mul', 'Div', 'Where', 'Greater', 'Less', 'GreaterOrEqual', 'LessOrEqual'],
]);

/** More operators than this in one activation, or inputs of one, are not followed: real ones have a dozen and three. */
const MAX_ACTIVATION_NODES = 32;
const MAX_OPERANDS = 8;

const SUBGRAPHS = ['If', 'Loop', 'Scan', 'SequenceMap'];
const QUANTISED = /^(QLinear|MatMulInteger|MatMulNBits|QGemm|DequantizeLinear|DynamicQuantize)/;

/** @throws FewfireError `model-file` for a damaged file, as far as it is looked at */
export function findMlpBlocks(model: OnnxModel): BlockSearch {
  const { graph } = model;
  const values = indexValues(graph);
  const found: (Omit<FoundBlock, 'name'> & { readonly names: readonly string[] })[] = [];
  let left = 0;
  for (const node of graph.nodes) {
    if (!isStandard(node) || (node.opType !== 'Gemm' && node.opType !== 'MatMul')) continue;
    const down = linearOf(values, node.outputs[0] ?? '');
    const activation = down && activationBefore(values, down);
    if (down === undefined || activation === undefined) continue;
    if (found.length === MAX_BLOCKS) left++;
    else found.push(assemble(outputLayer(values, down), activation));
  }
  const names = uniqueNames(found.map(({ names }) => names));
  const blocks = found.map(({ names: _, ...block }, b): FoundBlock => {
    const load = block.load;
    return { name: names[b], ...block, load: () => ({ ...load(), name: names[b] }) };
  });
  const notes = notesOf(model);
  if (left > 0) notes.push(`${left} more blocks are left out; the first ${MAX_BLOCKS} are listed`);
  return { blocks, notes };
}

interface Activation {
  readonly name: string;
  /** In words, where the name is no title. */
  readonly words?: string;
  readonly sparse: boolean;
  /** Runnable forms only. */
  readonly form: MlpActivation | undefined;
  /** The layer whose activation decides. */
  readonly up: Linear;
  /** Gated: the layer that multiplies it. */
  readonly linear: Linear | undefined;
  readonly value: string;
  /** The operator that stands for the activation. */
  readonly node: OnnxNode;
}

// What stands between this layer and those before it; undefined when that is no activation.
function activationBefore(values: GraphValues, down: Linear): Activation | undefined {
  const value = sourceOf(values, down.input);
  const node = values.producers.get(value);
  const width = down.inputWidth;
  if (node === undefined || linearOf(values, value) !== undefined) return undefined;
  return reluForm(values, value, width) ?? otherForm(values, value, width);
}

function reluForm(values: GraphValues, value: string, width: number): Activation | undefined {
  const plain = rectified(values, value, width);
  if (plain !== undefined) return plain;
  const node = values.producers.get(value);
  if (node?.opType !== 'Mul' || !isStandard(node) || node.inputs.length !== 2) return undefined;
  for (const [gate, other] of [node.inputs, node.inputs.toReversed()]) {
    const activation = rectified(values, sourceOf(values, gate), width);
    const linear = activation && linearOf(values, other);
    if (activation === undefined || linear === undefined || linear.to - linear.from !== width) continue;
    if (sourceOf(values, linear.input) !== sourceOf(values, activation.up.input)) continue;
    if (linear.inputWidth !== activation.up.inputWidth) continue;
    return { ...activation, name: `gated-${activation.name}`, linear };
  }
  return undefined;
}

// relu(z) or relu(z)^2.
function rectified(values: GraphValues, value: string, width: number): Activation | undefined {
  const node = values.producers.get(value);
  if (node === undefined || !isStandard(node)) return undefined;
  const [a = '', b = ''] = node.inputs;
  const squares = (node.opType === 'Mul' && a === b) || (node.opType === 'Pow' && scalarOf(values, b) === 2);
  if (!squares) return relu(values, value, width);
  const inner = relu(values, sourceOf(values, a), width);
  return inner?.form === 'relu' ? { ...inner, name: 'squared-relu', form: 'squared-relu' } : undefined;
}

function relu(values: GraphValues, value: string, width: number): Activation | undefined {
  const node = values.producers.get(value);
  const kind = node && reluKind(values, node);
  if (node === undefined || kind === undefined) return undefined;
  const up = linearOf(values, kind.input);
  if (up === undefined || up.to - up.from !== width) return undefined;
  const form = kind.name === 'relu' ? 'relu' : undefined;
  return { name: kind.name, sparse: true, form, up, linear: undefined, value, node };
}

// The ways of writing max(z, 0), and min(max(z, 0), c).
function reluKind(values: GraphValues, node: OnnxNode): { readonly name: string; readonly input: string } | undefined {
  const [a = '', b = '', c = ''] = node.inputs;
  if (!isStandard(node)) return undefined;
  if (node.opType === 'Relu') return { name: 'relu', input: a };
  if (node.opType === 'Max' && node.inputs.length === 2) {
    if (scalarOf(values, b) === 0) return { name: 'relu', input: a };
    return scalarOf(values, a) === 0 ? { name: 'relu', input: b } : undefined;
  }
  if (node.opType !== 'Clip') return undefined;
  const low = node.attributes.get('min')?.float ?? (b === '' ? undefined : scalarOf(values, b));
  const high = node.attributes.get('max')?.float ?? (c === '' ? undefined : scalarOf(values, c));
  if (low !== 0 || (c !== '' && high === undefined)) return undefined;
  // Exporters write "no upper limit" as the largest float.
  if (high === undefined || high > 1e38) return { name: 'relu', input: a };
  return { name: high === 6 ? 'relu6' : 'clipped-relu', input: a };
}

// Any other element-wise function of one or two linear layers of one input.
function otherForm(values: GraphValues, value: string, width: number): Activation | undefined {
  const layers = new Map<string, Linear>();
  const nodes = new Map<string, OnnxNode>();
  const waiting = [value];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const at = sourceOf(values, name);
    if (nodes.has(at) || layers.has(at) || constantOf(values, at) !== undefined) continue;
    const layer = linearOf(values, at);
    const node = values.producers.get(at);
    if (layer !== undefined) layers.set(at, layer);
    else if (node !== undefined && isElementwise(node) && nodes.size < MAX_ACTIVATION_NODES) {
      nodes.set(at, node);
      waiting.push(...node.inputs.filter((input) => input !== ''));
    } else return undefined;
  }
  const found = [...layers.values()];
  const fits = (layer: Linear): boolean =>
    layer.to - layer.from === width && sourceOf(values, layer.input) === sourceOf(values, found[0].input);
  if (found.length < 1 || found.length > 2 || !found.every(fits)) return undefined;
  const name = activationName(values, [...nodes.values()]);
  if (name === undefined) return undefined;
  return {
    name: found.length === 2 ? `gated-${name}` : name,
    words: wordsOf(values, name, [...nodes.values()].toReversed()),
    sparse: false,
    form: undefined,
    up: found[0],
    linear: found[1],
    value,
    node: [...nodes.values()].find(({ opType }) => opType !== 'Mul' && opType !== 'Add') ?? [...nodes.values()][0],
  };
}

function isElementwise({ opType, inputs }: OnnxNode): boolean {
  return ELEMENTWISE.has(opType) && inputs.length <= MAX_OPERANDS;
}

const NAMED: readonly (readonly [operator: string, name: string])[] = [
  ['Gelu', 'gelu'],
  ['FastGelu', 'gelu-tanh'],
  ['BiasGelu', 'gelu'],
  ['QuickGelu', 'quick-gelu'],
  ['Erf', 'gelu'],
  ['Swish', 'silu'],
  ['Silu', 'silu'],
  ['Mish', 'mish'],
  ['HardSwish', 'hard-swish'],
  ['HardSigmoid', 'hard-sigmoid'],
  ['LeakyRelu', 'leaky-relu'],
  ['PRelu', 'prelu'],
  ['Elu', 'elu'],
  ['Celu', 'celu'],
  ['Selu', 'selu'],
  ['Softplus', 'softplus'],
  ['Softsign', 'softsign'],
];

// By the operator that no other activation has. Without any non-linear operator it is no activation.
function activationName(values: GraphValues, nodes: readonly OnnxNode[]): string | undefined {
  const has = (opType: string): boolean => nodes.some((node) => node.opType === opType);
  const multiplies = has('Mul') || has('Div');
  if (has('Relu') || has('Clip') || has('Max')) {
    return `${[...new Set(nodes.map(({ opType }) => opType))].sort().join('+')}`;
  }
  if (has('Softplus') && has('Tanh')) return 'mish';
  if (has('HardSigmoid') && multiplies) return 'hard-swish';
  if (has('Tanh')) return multiplies && nodes.length > 2 ? 'gelu-tanh' : multiplies ? 'tanh-gate' : 'tanh';
  if (has('Sigmoid')) {
    if (!multiplies) return 'sigmoid';
    const scaled = nodes.some(
      (node) =>
        node.opType === 'Mul' && node.inputs.some((name) => Math.abs((scalarOf(values, name) ?? 0) - 1.702) < 1e-3),
    );
    return scaled ? 'quick-gelu' : 'silu';
  }
  const named = NAMED.find(([operator]) => has(operator));
  if (named !== undefined) return named[1];
  const linear = new Set(['Add', 'Sub', 'Mul', 'Div', 'Neg']);
  const others = [...new Set(nodes.map(({ opType }) => opType))].sort();
  return others.every((opType) => linear.has(opType)) && !others.includes('Mul') ? undefined : others.join('+');
}

// Of forms that have no name of their own, and of those that are ReLU for one slope.
function wordsOf(values: GraphValues, name: string, nodes: readonly OnnxNode[]): string | undefined {
  if (!name.includes('+') && name !== 'prelu' && name !== 'leaky-relu' && name.toLowerCase() === name) return undefined;
  return nodes.map((node) => operatorText(values, node)).join(', ');
}

interface OutputLayer {
  readonly layer: Linear;
  readonly value: string;
}

// The layer with the bias that is added behind it, if one is.
function outputLayer(values: GraphValues, down: Linear): OutputLayer {
  const product = down.node.outputs[0];
  const readers = values.readers.get(product) ?? [];
  const sum = readers.length === 1 && readers[0].opType === 'Add' ? readers[0].outputs[0] : undefined;
  const layer = sum === undefined ? undefined : linearOf(values, sum);
  if (layer === undefined || sum === undefined || layer.node !== down.node) return { layer: down, value: product };
  return { layer, value: sum };
}

function assemble(
  { layer: down, value: outputValue }: OutputLayer,
  { name: activation, words, sparse, form, up, linear, value, node }: Activation,
): Omit<FoundBlock, 'name'> & { readonly names: readonly string[] } {
  const { inputWidth } = up;
  const unitCount = up.to - up.from;
  const outputWidth = down.to - down.from;
  return {
    names: namesOf(up, down, node),
    activation,
    form: words ?? activationTitle(activation),
    sparse,
    inputWidth,
    unitCount,
    outputWidth,
    inputValue: up.input,
    activationValue: value,
    outputValue,
    load() {
      if (form === undefined) {
        throw new FewfireError(
          'unsupported',
          `a block with the activation ${activation} cannot be run; expected ReLU or squared ReLU`,
        );
      }
      const gate = linear && {
        linear: transposed(columns(linear), inputWidth, unitCount),
        linearBias: biasOf(linear),
      };
      return {
        name: '',
        inputWidth,
        unitCount,
        outputWidth,
        activation: form,
        up: transposed(columns(up), inputWidth, unitCount),
        upBias: biasOf(up),
        ...gate,
        down: columns(down),
        downBias: biasOf(down),
      };
    },
  };
}

function numbersOf({ tensor }: Constant): Float64Array {
  const numbers = tensorNumbers(tensor);
  if (numbers.every(Number.isFinite)) return numbers;
  throw new FewfireError(
    'invalid-data',
    `the weights ${JSON.stringify(tensor.name)} hold NaN or infinity; expected finite numbers`,
  );
}

// inputWidth x (to - from), row-major.
function columns({ weight, scale, inputWidth, from, to }: Linear): Float32Array {
  const numbers = numbersOf(weight);
  const width = weight.transposed ? weight.tensor.dims[0] : weight.tensor.dims[1];
  const part = new Float32Array(inputWidth * (to - from));
  let k = 0;
  for (let i = 0; i < inputWidth; i++) {
    for (let j = from; j < to; j++) {
      part[k++] = scale * (weight.transposed ? numbers[j * inputWidth + i] : numbers[i * width + j]);
    }
  }
  return part;
}

function transposed(matrix: Float32Array, rowCount: number, columnCount: number): Float32Array {
  const result = new Float32Array(matrix.length);
  for (let i = 0; i < rowCount; i++) {
    for (let j = 0; j < columnCount; j++) result[j * rowCount + i] = matrix[i * columnCount + j];
  }
  return result;
}

function biasOf({ biases, from, to }: Linear): Float32Array {
  const sum = new Float32Array(to - from);
  for (const { constant, scale } of biases) {
    const numbers = numbersOf(constant);
    for (let j = 0; j < sum.length; j++) sum[j] += scale * (numbers.length === 1 ? numbers[0] : numbers[from + j]);
  }
  return sum;
}

// Names to try, best first: what the two layers share in their names, what their weights share, the activation's own.
function namesOf(up: Linear, down: Linear, node: OnnxNode): readonly string[] {
  const shared = (a: string, b: string): string => {
    const [left, right] = [a, b].map((text) => text.split(/[/.]+/).filter((part) => part !== ''));
    const end = left.findIndex((part, i) => part !== right[i]);
    return left.slice(0, end < 0 ? left.length - 1 : end).join('.');
  };
  const weights: readonly [string, string] = [up.weight.tensor.name, down.weight.tensor.name];
  return [shared(up.node.name, down.node.name), shared(...weights), node.name, node.outputs[0] ?? ''];
}

// For every block the first of its names that no other block has.
function uniqueNames(candidates: readonly (readonly string[])[]): string[] {
  const counts = new Map<string, number>();
  for (const names of candidates) for (const name of new Set(names)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return candidates.map((names, b) => names.find((name) => name !== '' && counts.get(name) === 1) ?? `block ${b + 1}`);
}

function notesOf({ graph }: OnnxModel): string[] {
  const notes: string[] = [];
  const some = (wanted: (node: OnnxNode) => boolean): string | undefined => {
    const types = [...new Set(graph.nodes.filter(wanted).map(({ opType }) => opType))];
    return types.length === 0 ? undefined : listNames(types);
  };
  const subgraphs = some((node) => isStandard(node) && SUBGRAPHS.includes(node.opType));
  if (subgraphs !== undefined) notes.push(`blocks inside ${subgraphs} were not looked at`);
  const quantised = some((node) => QUANTISED.test(node.opType));
  if (quantised !== undefined) notes.push(`quantised layers (${quantised}) are not supported and were not looked at`);
  const foreign = some((node) => !isStandard(node) && !QUANTISED.test(node.opType));
  if (foreign !== undefined) notes.push(`operators of other domains and functions (${foreign}) were not looked into`);
  const turned = some((node) => node.opType === 'Gemm' && integerAttribute(node, 'transA', 0) !== 0);
  if (turned !== undefined) notes.push('Gemm with transA is not supported and was not looked at');
  return notes;
}

/**
 * Feed-forward blocks in an ONNX graph: linear, activation, linear. The search starts at every linear layer and walks
 * back over the element-wise operators before it until it meets the layer (in gated blocks: the layers) that they act
 * on. ReLU forms are recognised by their exact shape (relu-forms.ts), everything else is named by its operators. Whether
 * what is not recognised is sparse is not for the search to say: its zeros are counted (zero-places.ts).
 *
 * A ReLU of something that is no layer by itself (behind a LayerNormalization, a convolution of several pixels) switches
 * units off all the same, of which the layer behind it can make use alone: such blocks are counted and not run.
 *
 * The branches of If are searched as the graph is. Bodies of loops (Loop, Scan) and functions of the model are not
 * entered, and operators of other domains are not looked into; the notes say so where a model has them.
 */
import type { MlpActivation, ReluLayer } from '@fewfire/kernels';
import { FewfireError, listNames } from '../base/index.ts';
import {
  constantOf,
  type GraphValues,
  type InnerValue,
  indexValues,
  innerName,
  integerAttribute,
  isStandard,
  type OnnxBranch,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  operatorText,
  scalarOf,
  sourceOf,
} from '../formats/index.ts';
import { activationTitle } from './activation-title.ts';
import {
  type Columns,
  columnMap,
  finiteNumbers,
  foldedOperators,
  fusedActivation,
  isFused,
  type Linear,
  linearOf,
  productOf,
} from './onnx-layers.ts';
import { isReluOperator, type ReluForm, reluFormOf } from './relu-forms.ts';

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
  /** What could leave units out: both layers, or only the one behind the activation. */
  readonly reach: 'both-layers' | 'second-layer';
  /** Numbers of an input row; of `second-layer`, whose input is the activation, as many as units. */
  readonly inputWidth: number;
  readonly unitCount: number;
  readonly outputWidth: number;
  /** Operators that are multiplied into the weights of a block that is run, which rounds these anew. */
  readonly folded: readonly string[];
  /** Whether its values have their channels on axis 1 and pixels behind, as convolutions do. */
  readonly channelFirst: boolean;
  /** The value of the graph whose rows (along the last axis) are the inputs of the block. */
  readonly inputValue: string;
  /** The value that is zero where a unit is inactive: behind the ReLU, or else what the last layer reads. */
  readonly activationValue: string;
  /** The value that holds the outputs of the block; of `second-layer` the activation. */
  readonly outputValue: string;
  /**
   * Those of these values that are made inside of branches of If, called here by the names of `path` and then `value`,
   * with / between.
   */
  readonly innerValues: readonly InnerValue[];
  /** Of the numbers of its values: 1 float, 10 float16, ... */
  readonly elementType: number;
  /** Whether that value is the ReLU of the outputs: of an operator that is a layer with its activation. */
  readonly outputRectified: boolean;
  /**
   * The block with its weights, read from the file at every call.
   * @throws FewfireError `unsupported` for an activation that is not ReLU or squared ReLU, and for weights of a type
   *   that is not read; `invalid-data` for weights that are not finite
   */
  readonly load: () => ReluLayer;
}

/** The blocks of a model, and what was left out. */
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

const SUBGRAPHS = ['Loop', 'Scan', 'SequenceMap'];
const QUANTISED = /^(QLinear|MatMulInteger|MatMulNBits|QGemm|DequantizeLinear|DynamicQuantize)/;

/**
 * Finds the feed-forward blocks of a model: linear layer, activation, linear layer, with constant weights.
 * @throws FewfireError `model-file` for a damaged file, as far as it is looked at
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { findMlpBlocks, readOnnxModel } from '@fewfire/core';
 *
 * const bytes = await readFile('examples/charlm-relu.onnx');
 * const { blocks } = findMlpBlocks(readOnnxModel(bytes, 'charlm-relu.onnx'));
 * console.log(blocks.map(({ name, unitCount }) => `${name}: ${unitCount} units`)); // [ 'b.0: 1024 units', 'b.1: 1024 units', 'b.2: 1024 units' ]
 * ```
 */
export function findMlpBlocks(model: OnnxModel): BlockSearch {
  const found: UnnamedBlock[] = [];
  let left = 0;
  forEachScope(model.graph, (scope) => {
    for (const node of scope.graph.nodes) {
      const reader = readerOf(scope.values, node);
      const block = reader && blockBefore(scope.values, reader);
      if (block === undefined) continue;
      if (found.length === MAX_BLOCKS) left++;
      else found.push(scope.path.length === 0 ? block : insideBranches(block, scope));
    }
  });
  const names = uniqueNames(found.map(({ names }) => names));
  const blocks = found.map(({ names: _, ...block }, b): FoundBlock => {
    const load = block.load;
    return { name: names[b], ...block, load: () => ({ ...load(), name: names[b] }) };
  });
  const notes = notesOf(model);
  if (left > 0) notes.push(`${left} more blocks are left out; the first ${MAX_BLOCKS} are listed`);
  return { blocks, notes };
}

/** The graph of the model, or a branch of an If in it. */
interface Scope {
  readonly graph: OnnxGraph;
  readonly values: GraphValues;
  /** The branches from the graph of the model to this one, and the names that nodes give to values there. */
  readonly path: readonly OnnxBranch[];
  readonly own: readonly ReadonlySet<string>[];
}

function forEachScope(graph: OnnxGraph, visit: (scope: Scope) => void, outer?: Scope, branch?: OnnxBranch): void {
  const scope: Scope = {
    graph,
    values: indexValues(graph, outer?.values),
    path: [...(outer?.path ?? []), ...(branch === undefined ? [] : [branch])],
    own: [...(outer?.own ?? []), new Set(graph.nodes.flatMap(({ outputs }) => outputs))],
  };
  visit(scope);
  for (const node of graph.nodes) {
    if (node.opType !== 'If' || !isStandard(node) || (node.outputs[0] ?? '') === '') continue;
    for (const { name, graph: inner } of node.attributes.values()) {
      if (inner !== undefined) forEachScope(inner, visit, scope, { node: node.outputs[0], branch: name });
    }
  }
}

// The block with its values called as values of the model, where they are made inside of branches.
function insideBranches(block: UnnamedBlock, { path, own }: Scope): UnnamedBlock {
  const inner = new Map<string, InnerValue>();
  const named = (value: string): string => {
    const depth = own.findLastIndex((names) => names.has(value));
    if (depth <= 0) return value;
    const place: InnerValue = { path: path.slice(0, depth), value, elementType: block.elementType };
    inner.set(innerName(place), place);
    return innerName(place);
  };
  return {
    ...block,
    names: [...block.names, ...block.names.map((name) => innerName({ path, value: name }))],
    inputValue: named(block.inputValue),
    activationValue: named(block.activationValue),
    outputValue: named(block.outputValue),
    innerValues: [...inner.values()],
  };
}

/** A block and the names to try for it, best first. */
type UnnamedBlock = Omit<FoundBlock, 'name'> & { readonly names: readonly string[] };

/** A layer with constant weights, as the one that reads an activation. */
interface Reader {
  readonly node: OnnxNode;
  readonly input: string;
  /** The units, as it reads them. */
  readonly columns: Columns;
  readonly outputWidth: number;
  /** undefined for a convolution of several pixels. */
  readonly layer: Linear | undefined;
}

function readerOf(values: GraphValues, node: OnnxNode): Reader | undefined {
  const layer = productOf(values, node);
  if (layer !== undefined) {
    const { input, inputWidth, to, pixelAxes } = layer;
    return { node, input, columns: { from: 0, to: inputWidth, pixelAxes }, outputWidth: to, layer };
  }
  if (!isConvolution(node) || integerAttribute(node, 'group', 1) !== 1) return undefined;
  const dims = constantOf(values, node.inputs[1] ?? '')?.tensor.dims ?? [];
  if (dims.length < 3) return undefined;
  const columns = { from: 0, to: dims[1], pixelAxes: dims.length - 2 };
  return { node, input: node.inputs[0], columns, outputWidth: dims[0], layer: undefined };
}

// As the weights are, unless they are cast.
function elementTypeOf({ initializers }: GraphValues, { inputs }: OnnxNode): number {
  return inputs.map((name) => initializers.get(name)?.dataType).find((type) => type !== undefined) ?? 1;
}

function isConvolution(node: OnnxNode): boolean {
  return (isStandard(node) && node.opType === 'Conv') || (isFused(node) && node.opType === 'FusedConv');
}

// What stands between this layer and those before it; undefined when that is no activation.
function blockBefore(values: GraphValues, reader: Reader): UnnamedBlock | undefined {
  const { input, columns, layer } = reader;
  const value = sourceOf(values, input, columns.pixelAxes > 0);
  if (values.producers.get(value) === undefined || linearOf(values, value) !== undefined) return undefined;
  const relu = reluFormOf(values, value, columns);
  if (relu?.misfits) return undefined;
  if (relu !== undefined) {
    const whole = relu.up !== undefined && layer !== undefined && isComparable(reader);
    return whole ? assemble(values, layer, reluActivation(relu, relu.up)) : secondLayerBlock(values, reader, relu);
  }
  const other = layer && otherForm(values, value, columns);
  return layer && other && assemble(values, layer, other);
}

// Whether what the layer gives can be seen, up to a ReLU.
function isComparable({ node }: Reader): boolean {
  const activation = fusedActivation(node);
  return activation === undefined || activation === 'Relu';
}

interface Activation {
  readonly name: string;
  /** In words, where the name is no title. */
  readonly words?: string | undefined;
  readonly sparse: boolean;
  /** Runnable forms only. */
  readonly form: MlpActivation | undefined;
  /** The layer whose activation decides. */
  readonly up: Linear;
  /** Gated: the layer that multiplies it. */
  readonly linear: Linear | undefined;
  /** What constants make of it behind the activation. */
  readonly steps: ReluForm['steps'];
  readonly value: string;
  /** The operator that stands for the activation. */
  readonly node: OnnxNode;
}

function reluActivation(relu: ReluForm, up: Linear): Activation {
  return { ...relu, up, sparse: true };
}

/** Operators that are walked over from a ReLU to the layers before it. */
const MAX_BEHIND = 32;
/** Of those, so many are told, the last ones. */
const MAX_WORDS = 3;

// A ReLU of something that layers have a part in: only the layer that reads it could leave units out.
function secondLayerBlock(values: GraphValues, reader: Reader, relu: ReluForm): UnnamedBlock | undefined {
  const { node, columns, outputWidth } = reader;
  const before = relu.up === undefined ? operatorsBefore(values, relu) : [];
  if (before === undefined) return undefined;
  const title = activationTitle(relu.name);
  const own = before.length === 0 ? title : `${before.join(', ')}, ${title}`;
  const words = reader.layer === undefined ? `${own} before ${node.opType}` : own;
  return {
    names: [relu.node.name, relu.node.outputs[0] ?? ''],
    activation: relu.name,
    form: words,
    sparse: true,
    reach: 'second-layer',
    inputWidth: columns.to,
    unitCount: columns.to,
    outputWidth,
    folded: [],
    channelFirst: columns.pixelAxes > 0,
    inputValue: relu.value,
    activationValue: relu.value,
    outputValue: relu.value,
    innerValues: [],
    elementType: elementTypeOf(values, node),
    outputRectified: false,
    load() {
      throw new FewfireError(
        'unsupported',
        'only the layer behind the activation could leave units out, which is not run yet',
      );
    },
  };
}

// The operators from the layers before a ReLU up to it, convolutions among them; undefined where there are no layers.
function operatorsBefore(values: GraphValues, { input, node: own }: ReluForm): readonly string[] | undefined {
  const names = new Set<string>();
  const seen = new Set<string>();
  const waiting = [input];
  let layerCount = 0;
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const value = sourceOf(values, name);
    const node = values.producers.get(value);
    if (seen.has(value) || node === undefined) continue;
    if (seen.size === MAX_BEHIND) break;
    seen.add(value);
    const reader = readerOf(values, node);
    const convolves = node.opType === 'Conv' || node.opType === 'ConvTranspose' || isConvolution(node);
    if (convolves || reader !== undefined || linearOf(values, value) !== undefined) {
      layerCount++;
      if (convolves && reader?.layer === undefined && node !== own) names.add(node.opType);
    } else if (node !== own && isReluOperator(values, node)) {
      // What was cut off before is a part of what it is the ReLU of, and no word for it.
      layerCount++;
    } else {
      names.add(node.opType);
      waiting.push(...node.inputs.filter((one) => one !== '' && constantOf(values, one) === undefined));
    }
  }
  return layerCount === 0 ? undefined : [...names].slice(0, MAX_WORDS).reverse();
}

// Any other element-wise function of one or two linear layers of one input.
function otherForm(values: GraphValues, value: string, columns: Columns): Activation | undefined {
  const layers = new Map<string, Linear>();
  const nodes = new Map<string, OnnxNode>();
  const waiting = [value];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const at = sourceOf(values, name, columns.pixelAxes > 0);
    if (nodes.has(at) || layers.has(at) || constantOf(values, at) !== undefined) continue;
    // What multiplies a layer belongs to the activation here: its constants tell which one it is.
    const layer = linearOf(values, at, true);
    const node = values.producers.get(at);
    if (layer !== undefined) layers.set(at, layer);
    else if (node !== undefined && isElementwise(node) && nodes.size < MAX_ACTIVATION_NODES) {
      nodes.set(at, node);
      waiting.push(...node.inputs.filter((input) => input !== ''));
    } else return undefined;
  }
  const all = [...layers.values()];
  const found = all.filter((layer, l) => all.findIndex((other) => isSameLayer(other, layer)) === l);
  const fits = (layer: Linear): boolean =>
    layer.to - layer.from === columns.to - columns.from &&
    layer.pixelAxes === columns.pixelAxes &&
    sourceOf(values, layer.input) === sourceOf(values, found[0].input);
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
    steps: [],
    value,
    node: [...nodes.values()].find(({ opType }) => opType !== 'Mul' && opType !== 'Add') ?? [...nodes.values()][0],
  };
}

// Numbers may be added to it in one place and not in another (x + 3, in hard swish).
function isSameLayer(a: Linear, b: Linear): boolean {
  return a.node === b.node && a.from === b.from && a.to === b.to;
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
  const isSum = readers.length === 1 && ['Add', 'Sub'].includes(readers[0].opType);
  const sum = isSum && fusedActivation(down.node) === undefined ? readers[0].outputs[0] : undefined;
  const layer = sum === undefined ? undefined : linearOf(values, sum);
  if (layer === undefined || sum === undefined || layer.node !== down.node) return { layer: down, value: product };
  return { layer, value: sum };
}

function assemble(values: GraphValues, product: Linear, activation: Activation): UnnamedBlock {
  const { layer: down, value: outputValue } = outputLayer(values, product);
  const { name, words, sparse, form, up, linear, steps, value, node } = activation;
  const { inputWidth } = up;
  const unitCount = up.to - up.from;
  const outputWidth = down.to - down.from;
  const all = [...up.steps, ...(linear?.steps ?? []), ...steps, ...down.steps];
  return {
    names: namesOf(up, down, node),
    activation: name,
    form: words ?? activationTitle(name),
    sparse,
    reach: 'both-layers',
    inputWidth,
    unitCount,
    outputWidth,
    folded: form === undefined ? [] : foldedOperators(all),
    channelFirst: up.pixelAxes > 0,
    inputValue: up.input,
    activationValue: value,
    outputValue,
    innerValues: [],
    elementType: elementTypeOf(values, product.node),
    outputRectified: fusedActivation(product.node) !== undefined,
    load() {
      if (form === undefined) {
        throw new FewfireError(
          'unsupported',
          `a block with the activation ${name} cannot be run; expected ReLU or squared ReLU`,
        );
      }
      const first = matrixOf(up);
      const gate = linear && matrixOf(linear);
      return {
        name: '',
        inputWidth,
        unitCount,
        outputWidth,
        activation: form,
        up: transposed(first.weights, inputWidth, unitCount),
        upBias: first.bias,
        ...(gate && { linear: transposed(gate.weights, inputWidth, unitCount), linearBias: gate.bias }),
        ...secondLayer(down, steps),
      };
    },
  };
}

// inputWidth x (to - from), row-major, and the bias.
function matrixOf({ weight, scale, steps, inputWidth, from, to }: Linear): {
  readonly weights: Float32Array;
  readonly bias: Float32Array;
} {
  const { scales, shifts } = columnMap(steps, from, to, scale);
  const numbers = finiteNumbers(weight);
  const width = weight.transposed ? weight.tensor.dims[0] : weight.tensor.dims[1];
  const weights = new Float32Array(inputWidth * (to - from));
  let k = 0;
  for (let i = 0; i < inputWidth; i++) {
    for (let j = from; j < to; j++) {
      weights[k++] = scales[j - from] * (weight.transposed ? numbers[j * inputWidth + i] : numbers[i * width + j]);
    }
  }
  return { weights, bias: Float32Array.from(shifts) };
}

// What is multiplied and added to units behind their ReLU is a part of the rows, and of the bias, of the second layer.
function secondLayer(down: Linear, steps: ReluForm['steps']): Pick<ReluLayer, 'down' | 'downBias'> {
  const { inputWidth: unitCount } = down;
  const outputWidth = down.to - down.from;
  const units = columnMap(steps, 0, unitCount);
  const { weights, bias } = matrixOf(down);
  const shifted = Float64Array.from(bias);
  for (let u = 0; u < unitCount; u++) {
    for (let o = 0; o < outputWidth; o++) {
      shifted[o] += units.shifts[u] * weights[u * outputWidth + o];
      weights[u * outputWidth + o] *= units.scales[u];
    }
  }
  return { down: weights, downBias: Float32Array.from(shifted) };
}

function transposed(matrix: Float32Array, rowCount: number, columnCount: number): Float32Array {
  const result = new Float32Array(matrix.length);
  for (let i = 0; i < rowCount; i++) {
    for (let j = 0; j < columnCount; j++) result[j * rowCount + i] = matrix[i * columnCount + j];
  }
  return result;
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
  const nodes: OnnxNode[] = [];
  forEachScope(graph, (scope) => {
    for (const node of scope.graph.nodes) nodes.push(node);
  });
  const some = (wanted: (node: OnnxNode) => boolean): string | undefined => {
    const types = [...new Set(nodes.filter(wanted).map(({ opType }) => opType))];
    return types.length === 0 ? undefined : listNames(types);
  };
  const subgraphs = some((node) => isStandard(node) && SUBGRAPHS.includes(node.opType));
  if (subgraphs !== undefined) notes.push(`blocks inside ${subgraphs} were not looked at`);
  if (graph.nodes.some((node) => isStandard(node) && node.opType === 'If')) {
    notes.push('inside of If only blocks were looked for: zeros of other forms there were not counted');
  }
  const quantised = some((node) => QUANTISED.test(node.opType));
  if (quantised !== undefined) notes.push(`quantised layers (${quantised}) are not supported and were not looked at`);
  const foreign = some((node) => !isStandard(node) && !isFused(node) && !QUANTISED.test(node.opType));
  if (foreign !== undefined) notes.push(`operators of other domains and functions (${foreign}) were not looked into`);
  const turned = some((node) => node.opType === 'Gemm' && integerAttribute(node, 'transA', 0) !== 0);
  if (turned !== undefined) notes.push('Gemm with transA is not supported and was not looked at');
  return notes;
}

/**
 * Where zeros may be that no recognised block stands for. A search for blocks knows the forms it knows; what it does not
 * know it must not call dense. So every value that may hold zeros is listed here, to be counted on real inputs: outputs of
 * operators that cut something off, and what layers with constant weights read, unless it comes from an operator that
 * hardly ever gives a zero.
 *
 * Subgraphs and functions are not entered, as in the search for blocks; its notes say so.
 */
import {
  type GraphValues,
  indexValues,
  isStandard,
  type OnnxModel,
  type OnnxNode,
  operatorText,
  sourceOf,
} from '../formats/index.ts';
import type { FoundBlock } from './find-blocks.ts';
import { linearOf } from './onnx-layers.ts';

export interface ZeroPlace {
  /** Of the node that makes the value; of the value, where that has none. */
  readonly name: string;
  readonly value: string;
  /** The operators since the last layer, in words: `BatchNormalization, Relu`. */
  readonly form: string;
  /** The operators that read it. */
  readonly readBy: readonly string[];
  /** The found block that it is inside of: one whose form is not known. */
  readonly block: string | undefined;
}

/** The most places that are listed; `leftOut` counts the others. */
export const MAX_ZERO_PLACES = 256;

/** Products with weights. With FusedGemm and its kind, which end in an activation, come those of other domains. */
const LAYERS = new Set([
  ...['Gemm', 'MatMul', 'Conv', 'ConvTranspose', 'Einsum'],
  ...['FusedGemm', 'FusedMatMul', 'FusedConv', 'MatMulNBits', 'GemmFastGelu'],
]);

const QUANTISED_LAYER = /^(QLinear|QGemm|MatMulInteger|ConvInteger|DynamicQuantizeMatMul)/;

/** What turns a part of its inputs to zero, by its kind or with certain constants. */
const CUTTING = new Set([
  ...['Relu', 'LeakyRelu', 'PRelu', 'ThresholdedRelu', 'Clip', 'Max', 'Min', 'Where', 'Shrink'],
  ...['HardSigmoid', 'HardSwish', 'FusedGemm', 'FusedConv'],
]);

/** What gives a zero hardly ever, if its inputs are no zeros. */
const DENSE = new Set([
  ...['Gemm', 'MatMul', 'Conv', 'ConvTranspose', 'Einsum', 'FusedMatMul', 'MatMulNBits', 'GemmFastGelu'],
  ...['Softmax', 'LogSoftmax', 'LayerNormalization', 'SimplifiedLayerNormalization', 'SkipLayerNormalization'],
  ...['SkipSimplifiedLayerNormalization', 'EmbedLayerNormalization', 'RMSNormalization', 'GroupNormalization'],
  ...['InstanceNormalization', 'BatchNormalization', 'Attention', 'MultiHeadAttention', 'GroupQueryAttention'],
  ...['Tanh', 'Sigmoid', 'Erf', 'Gelu', 'FastGelu', 'QuickGelu', 'BiasGelu', 'Softplus', 'Mish', 'LSTM', 'GRU', 'RNN'],
  ...['Elu', 'Celu', 'Selu', 'Gather', 'GatherND'],
]);

/** Of a form in words; longer ones are told by their last operator. */
const MAX_FORM = 6;
const MAX_WALK = 64;

/** @param blocks as `findMlpBlocks` gave them for this model */
export function findZeroPlaces(
  { graph }: OnnxModel,
  blocks: readonly FoundBlock[],
): { readonly places: readonly ZeroPlace[]; readonly leftOut: number } {
  const values = indexValues(graph);
  const varying = varyingValues(graph, values);
  const covered = new Set(blocks.filter(({ sparse }) => sparse).flatMap((block) => afterwards(values, block)));
  for (const { sparse, activationValue } of blocks) {
    // A ReLU that is cut off above by a Min of its own.
    const maker = sparse ? values.producers.get(activationValue) : undefined;
    if (maker?.opType === 'Min') for (const input of maker.inputs) covered.add(sourceOf(values, input));
  }
  const owners = new Map<string, string>();
  for (const { sparse, name, activationValue } of blocks) {
    if (sparse) continue;
    for (const value of before(values, varying, activationValue).keys()) owners.set(value, name);
    // Counted with the block.
    covered.add(activationValue);
  }
  const listed = new Set<string>();
  for (const node of graph.nodes) {
    const [output = ''] = node.outputs;
    if (CUTTING.has(node.opType) && varying.has(output) && reachesLayer(values, varying, output)) listed.add(output);
    const read = readByLayer(varying, node);
    if (read === undefined) continue;
    const value = unmoved(values, read);
    const maker = values.producers.get(value);
    if (maker !== undefined && !isDense(values, maker)) listed.add(value);
  }
  const wanted = [...listed].filter((value) => !covered.has(value));
  const places = wanted.slice(0, MAX_ZERO_PLACES).map((value): ZeroPlace => {
    const node = values.producers.get(value) as OnnxNode;
    return {
      name: node.name === '' ? value : node.name,
      value,
      form: formText(values, varying, value),
      readBy: readersOf(values, value),
      block: owners.get(value),
    };
  });
  return { places, leftOut: wanted.length - places.length };
}

// Values that change with the inputs of the model. Shapes do not, as far as numbers of units are concerned.
function varyingValues(graph: OnnxModel['graph'], { initializers }: GraphValues): ReadonlySet<string> {
  const varying = new Set(graph.inputs.map(({ name }) => name).filter((name) => initializers.get(name) === undefined));
  for (const { opType, inputs, outputs } of graph.nodes) {
    if (opType === 'Shape' || opType === 'Size' || !inputs.some((name) => varying.has(name))) continue;
    for (const output of outputs) if (output !== '') varying.add(output);
  }
  return varying;
}

// What a layer with constant weights reads; undefined for a product of two values, such as attention.
function readByLayer(varying: ReadonlySet<string>, { opType, inputs }: OnnxNode): string | undefined {
  if (!LAYERS.has(opType) || inputs.length < 2) return undefined;
  const read = inputs.slice(0, 2).filter((name) => varying.has(name));
  return read.length === 1 ? read[0] : undefined;
}

// Whether zeros of a value may meet weights: masks of attention do not.
function reachesLayer(values: GraphValues, varying: ReadonlySet<string>, value: string): boolean {
  const seen = new Set([value]);
  for (const name of seen) {
    if (seen.size > MAX_WALK) return true;
    for (const node of values.readers.get(name) ?? []) {
      if (readByLayer(varying, node) !== undefined || QUANTISED_LAYER.test(node.opType)) return true;
      if (!LAYERS.has(node.opType)) for (const output of node.outputs) seen.add(output);
    }
  }
  return false;
}

// Looks through what moves numbers without changing them.
function unmoved(values: GraphValues, name: string): string {
  let value = sourceOf(values, name);
  for (let steps = 0; steps < MAX_WALK; steps++) {
    const node = values.producers.get(value);
    if (node?.opType !== 'Transpose' || node.inputs[0] === undefined) break;
    value = sourceOf(values, node.inputs[0]);
  }
  return value;
}

function isDense(values: GraphValues, node: OnnxNode): boolean {
  if (node.opType !== 'Add' && node.opType !== 'Sub') return DENSE.has(node.opType);
  // z + |z| is twice its ReLU.
  return !node.inputs.some((name) => values.producers.get(sourceOf(values, name))?.opType === 'Abs');
}

// The activation of a block, and what is made of it up to the next layer.
function afterwards(values: GraphValues, { activationValue, outputValue }: FoundBlock): string[] {
  const seen = new Set([activationValue]);
  for (const value of seen) {
    if (seen.size > MAX_WALK) break;
    for (const { opType, outputs } of values.readers.get(value) ?? []) {
      const [output = ''] = outputs;
      if (!LAYERS.has(opType) && !CUTTING.has(opType) && !isSum(opType) && output !== outputValue) seen.add(output);
    }
  }
  return [...seen];
}

function isSum(opType: string): boolean {
  return opType === 'Add' || opType === 'Sub';
}

// A value and what it is made of, back to the layers before it.
function before(values: GraphValues, varying: ReadonlySet<string>, value: string): ReadonlyMap<string, OnnxNode> {
  const seen = new Map<string, OnnxNode>();
  const waiting = [value];
  for (let name = waiting.pop(); name !== undefined && seen.size < MAX_WALK; name = waiting.pop()) {
    const node = values.producers.get(name);
    if (node === undefined || seen.has(name) || !varying.has(name)) continue;
    const fused = CUTTING.has(node.opType) && LAYERS.has(node.opType);
    if (linearOf(values, name, true) !== undefined || (LAYERS.has(node.opType) && !fused)) continue;
    seen.set(name, node);
    if (!fused) waiting.push(...node.inputs);
  }
  return seen;
}

function formText(values: GraphValues, varying: ReadonlySet<string>, value: string): string {
  const nodes = [...before(values, varying, value).values()].filter(({ opType }) => !SILENT.has(opType));
  const own = values.producers.get(value) as OnnxNode;
  const told = nodes.length <= MAX_FORM ? nodes.toReversed() : [own];
  return told.map((node) => operatorText(values, node)).join(', ') || own.opType;
}

/** Operators that say nothing of a form. */
const SILENT = new Set(['Identity', 'Dropout', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Cast']);

// Through what changes no number, to the operators that use it.
function readersOf(values: GraphValues, value: string): readonly string[] {
  const names = new Set<string>();
  const seen = new Set([value]);
  for (const name of seen) {
    if (seen.size > MAX_WALK) break;
    for (const node of values.readers.get(name) ?? []) {
      if (isStandard(node) && SILENT.has(node.opType)) for (const output of node.outputs) seen.add(output);
      else names.add(node.opType);
    }
  }
  return [...names];
}

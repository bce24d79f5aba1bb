/**
 * The values of an ONNX graph, seen as a search for feed-forward blocks needs them: what made a value, whether it is a
 * constant, and whether it is the output of a linear layer (Gemm, or MatMul with or without Add), however the exporter
 * wrote that. Nothing is computed; the numbers stay in the file until a block is loaded.
 *
 * Reshapes between the parts of a layer are looked through. That is sound because the layer before and the layer after
 * fix the last axis by their weights: what keeps the numbers in order and the last axis as long keeps the rows.
 */
import { type OnnxAttribute, type OnnxGraph, type OnnxNode, type OnnxTensor, tensorNumbers } from '../network/index.ts';

/** A value that does not depend on the input of the model. */
export interface Constant {
  readonly tensor: OnnxTensor;
  /** Whether the two axes of the tensor are swapped on the way. */
  readonly transposed: boolean;
}

/** A bias of a layer: `scale` times the constant. */
export interface LinearBias {
  readonly constant: Constant;
  readonly scale: number;
}

/** output = scale * input . weight + biases, or columns [from, to) of it. */
export interface Linear {
  /** The value that holds the input rows. */
  readonly input: string;
  /** inputWidth x columns, after `transposed`. */
  readonly weight: Constant;
  readonly scale: number;
  readonly biases: readonly LinearBias[];
  readonly inputWidth: number;
  readonly from: number;
  readonly to: number;
  /** The Gemm or MatMul. */
  readonly node: OnnxNode;
}

export interface GraphValues {
  readonly producers: ReadonlyMap<string, OnnxNode>;
  readonly readers: ReadonlyMap<string, readonly OnnxNode[]>;
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
}

/** Longer chains of operators than this between two values are not followed: real exporters write fewer. */
const MAX_DEPTH = 24;

/** What changes neither the numbers nor their order. */
const PASSING = new Set(['Identity', 'Dropout', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze']);

/** TensorProto.DataType: float, float16, double, bfloat16. */
const FLOAT_TYPES = [1, 10, 11, 16];

export function indexValues(graph: OnnxGraph): GraphValues {
  const producers = new Map<string, OnnxNode>();
  const readers = new Map<string, OnnxNode[]>();
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output !== '') producers.set(output, node);
    for (const input of node.inputs) {
      const known = readers.get(input);
      if (known === undefined) readers.set(input, [node]);
      else known.push(node);
    }
  }
  return { producers, readers, initializers: new Map(graph.initializers.map((tensor) => [tensor.name, tensor])) };
}

export function isStandard({ domain }: OnnxNode): boolean {
  return domain === '' || domain === 'ai.onnx';
}

/** A whole number of a node, or what the specification puts in its place. */
export function integerAttribute(node: OnnxNode, name: string, otherwise: number): number {
  return node.attributes.get(name)?.integer ?? otherwise;
}

/** The constant that a value is, or undefined. Behind Transpose only matrices. */
export function constantOf(values: GraphValues, name: string, depth = 0): Constant | undefined {
  const tensor = values.initializers.get(name);
  if (tensor !== undefined) return { tensor, transposed: false };
  const node = values.producers.get(name);
  if (node === undefined || !isStandard(node) || depth > MAX_DEPTH) return undefined;
  if (node.opType === 'Constant') {
    const constant = constantTensor(node);
    return constant && { tensor: constant, transposed: false };
  }
  if (node.opType !== 'Identity' && node.opType !== 'Cast' && node.opType !== 'Transpose') return undefined;
  if (node.opType === 'Cast' && !FLOAT_TYPES.includes(integerAttribute(node, 'to', 0))) return undefined;
  const inner = constantOf(values, node.inputs[0] ?? '', depth + 1);
  if (inner === undefined || node.opType !== 'Transpose') return inner;
  const permutation = node.attributes.get('perm')?.integers ?? [];
  if (inner.tensor.dims.length !== 2) return undefined;
  const swaps = permutation.length === 0 || (permutation[0] === 1 && permutation[1] === 0);
  return swaps ? { ...inner, transposed: !inner.transposed } : inner;
}

function constantTensor(node: OnnxNode): OnnxTensor | undefined {
  const attribute = (name: string): OnnxAttribute | undefined => node.attributes.get(name);
  const tensor = attribute('value')?.tensor;
  if (tensor !== undefined) return tensor;
  const numbers = attribute('value_floats')?.floats ?? [];
  const one = attribute('value_float')?.float ?? attribute('value_int')?.integer;
  if (one === undefined && numbers.length === 0) return undefined;
  const dims = one === undefined ? [numbers.length] : [];
  return madeTensor(node.outputs[0] ?? '', dims, one === undefined ? numbers : [one]);
}

// Attributes hold few numbers; as a tensor they are read like all others.
function madeTensor(name: string, dims: readonly number[], numbers: readonly number[]): OnnxTensor {
  const body = new Uint8Array(numbers.length * 9);
  const view = new DataView(body.buffer);
  numbers.forEach((number, i) => {
    body[9 * i] = (10 << 3) | 1; // double_data, eight bytes
    view.setFloat64(9 * i + 1, number, true);
  });
  return { name, dims, dataType: 11, external: false, place: new Map(), body };
}

/** The one number that a value is, or undefined. */
export function scalarOf(values: GraphValues, name: string): number | undefined {
  const tensor = constantOf(values, name)?.tensor;
  if (tensor === undefined || tensor.external || tensor.dims.some((size) => size !== 1)) return undefined;
  try {
    return tensorNumbers(tensor)[0];
  } catch {
    return undefined; // of a type that is not read: then it is not one of the numbers looked for
  }
}

/** An operator in words: with its slope, where it is a ReLU by that alone. */
export function operatorText(values: GraphValues, node: OnnxNode): string {
  const { opType, inputs, attributes } = node;
  // 0.01 is what the specification puts in its place.
  const slope =
    opType === 'PRelu'
      ? scalarOf(values, inputs[1] ?? '')
      : opType === 'LeakyRelu'
        ? (attributes.get('alpha')?.float ?? 0.01)
        : undefined;
  return slope === undefined ? opType : `${opType} with slope ${Number(slope.toPrecision(3))}`;
}

/** Looks through what changes no number, to the value that holds the same rows. */
export function sourceOf(values: GraphValues, name: string): string {
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const node = values.producers.get(name);
    if (node === undefined || !isStandard(node)) return name;
    const passes =
      PASSING.has(node.opType) || (node.opType === 'Cast' && FLOAT_TYPES.includes(integerAttribute(node, 'to', 0)));
    if (!passes || node.outputs[0] !== name || node.inputs[0] === undefined) return name;
    name = node.inputs[0];
  }
  return name;
}

/** The linear layer that made a value, or undefined. */
export function linearOf(values: GraphValues, name: string, depth = 0): Linear | undefined {
  if (depth > MAX_DEPTH) return undefined;
  const value = sourceOf(values, name);
  const node = values.producers.get(value);
  if (node === undefined || !isStandard(node)) return undefined;
  if (node.opType === 'Gemm') return gemm(values, node);
  if (node.opType === 'MatMul') return matrixProduct(values, node);
  if (node.opType === 'Add') return withBias(values, node, depth);
  if (node.opType === 'Split') return part(values, node, value, depth);
  return undefined;
}

function gemm(values: GraphValues, node: OnnxNode): Linear | undefined {
  const [input, weightName, biasName] = node.inputs;
  if (input === undefined || integerAttribute(node, 'transA', 0) !== 0) return undefined;
  const stored = constantOf(values, weightName ?? '');
  if (stored === undefined) return undefined;
  const weight = integerAttribute(node, 'transB', 0) === 0 ? stored : { ...stored, transposed: !stored.transposed };
  const layer = layerOf(input, weight, node, node.attributes.get('alpha')?.float ?? 1);
  if (biasName === undefined || biasName === '' || layer === undefined) return layer;
  const constant = constantOf(values, biasName);
  const scale = node.attributes.get('beta')?.float ?? 1;
  return constant && fitsBias(constant, layer) ? { ...layer, biases: [{ constant, scale }] } : undefined;
}

function matrixProduct(values: GraphValues, node: OnnxNode): Linear | undefined {
  const [input, weightName] = node.inputs;
  const weight = constantOf(values, weightName ?? '');
  return input === undefined || weight === undefined ? undefined : layerOf(input, weight, node, 1);
}

function layerOf(input: string, weight: Constant, node: OnnxNode, scale: number): Linear | undefined {
  const { dims } = weight.tensor;
  if (dims.length !== 2 || !dims.every((size) => size >= 1)) return undefined;
  const [inputWidth, to] = weight.transposed ? [dims[1], dims[0]] : dims;
  return { input, weight, scale, biases: [], inputWidth, from: 0, to, node };
}

function withBias(values: GraphValues, node: OnnxNode, depth: number): Linear | undefined {
  for (const [layerName, biasName] of [node.inputs, node.inputs.toReversed()]) {
    const constant = constantOf(values, biasName ?? '');
    const layer = constant && linearOf(values, layerName ?? '', depth + 1);
    if (constant === undefined || layer === undefined) continue;
    // The bias of a part of a layer has the length of the part, which `biases` cannot say.
    if (layer.from !== 0 || !fitsBias(constant, layer)) return undefined;
    return { ...layer, biases: [...layer.biases, { constant, scale: 1 }] };
  }
  return undefined;
}

// One number for all columns or one for each, along the last axis.
function fitsBias({ tensor: { dims } }: Constant, { from, to }: Linear): boolean {
  const count = dims.reduce((product, size) => product * size, 1);
  return count === 1 || (count === to - from && dims.at(-1) === count);
}

// Two layers in one matrix, as exporters write gated blocks.
function part(values: GraphValues, node: OnnxNode, value: string, depth: number): Linear | undefined {
  const whole = linearOf(values, node.inputs[0] ?? '', depth + 1);
  const index = node.outputs.indexOf(value);
  if (whole === undefined || integerAttribute(node, 'axis', 0) !== -1 || index < 0) return undefined;
  const width = whole.to - whole.from;
  const sizes = partSizes(values, node, width);
  if (sizes === undefined || sizes.some((size) => size < 1) || sizes.reduce((a, b) => a + b, 0) !== width) {
    return undefined;
  }
  const from = whole.from + sizes.slice(0, index).reduce((a, b) => a + b, 0);
  return { ...whole, from, to: from + sizes[index] };
}

function partSizes(values: GraphValues, node: OnnxNode, width: number): readonly number[] | undefined {
  const count = node.outputs.length;
  const listed = node.attributes.get('split')?.integers ?? [];
  if (listed.length > 0) return listed.length === count ? listed : undefined;
  const name = node.inputs[1] ?? '';
  if (name === '') return width % count === 0 ? new Array<number>(count).fill(width / count) : undefined;
  const tensor = constantOf(values, name)?.tensor;
  if (tensor === undefined || tensor.external || tensor.dims.length !== 1 || tensor.dims[0] !== count) return undefined;
  return Array.from(tensorNumbers(tensor));
}

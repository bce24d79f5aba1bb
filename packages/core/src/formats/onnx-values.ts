/**
 * The values of an ONNX graph, seen as a search for feed-forward blocks needs them: what made a value, whether it is a
 * constant, how many axes it has. Nothing is computed; the numbers stay in the file until a block is loaded.
 *
 * Reshapes between the parts of a layer are looked through. That is sound because the layer before and the layer after
 * fix the last axis by their weights: what keeps the numbers in order and the last axis as long keeps the rows.
 */
import { type OnnxAttribute, type OnnxGraph, type OnnxNode, type OnnxTensor, tensorNumbers } from './onnx.ts';

/** A value that does not depend on the input of the model. */
export interface Constant {
  readonly tensor: OnnxTensor;
  /** Whether the two axes of the tensor are swapped on the way. */
  readonly transposed: boolean;
}

export interface Lookup<T> {
  get(name: string): T | undefined;
}

export interface GraphValues {
  readonly producers: Lookup<OnnxNode>;
  readonly readers: Lookup<readonly OnnxNode[]>;
  readonly initializers: Lookup<OnnxTensor>;
  /** Axes of the inputs of the graph. */
  readonly inputRanks: Lookup<number>;
}

/** Longer chains of operators than this between two values are not followed: real exporters write fewer. */
export const MAX_DEPTH = 24;

/** What changes neither the numbers nor their order: the axes stay, or are cut otherwise. */
const COPYING = new Set(['Identity', 'Dropout']);
const RESHAPING = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze']);

/** TensorProto.DataType: float, float16, double, bfloat16. */
const FLOAT_TYPES = [1, 10, 11, 16];

/** @param outer what is around the graph, where it is a branch of If: its values can be read there */
export function indexValues(graph: OnnxGraph, outer?: GraphValues): GraphValues {
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
  const initializers = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  const tensors = graph.inputs.filter(({ elementType }) => elementType !== 0);
  const inputRanks = new Map(tensors.map(({ name, dims }) => [name, dims.length]));
  if (outer === undefined) return { producers, readers, initializers, inputRanks };
  const isOwn = (name: string): boolean => producers.has(name) || initializers.has(name) || inputRanks.has(name);
  // What the graph has itself hides what is around it.
  const within = <T>(own: ReadonlyMap<string, T>, around: Lookup<T>): Lookup<T> => ({
    get: (name) => own.get(name) ?? (isOwn(name) ? undefined : around.get(name)),
  });
  return {
    producers: within(producers, outer.producers),
    readers: within(readers, outer.readers),
    initializers: within(initializers, outer.initializers),
    inputRanks: within(inputRanks, outer.inputRanks),
  };
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
  const numbers = smallConstant(values, name, 1);
  return numbers?.length === 1 ? numbers[0] : undefined;
}

/** The numbers of a constant that has no more of them than this, or undefined. */
export function smallConstant(values: GraphValues, name: string, most: number): Float64Array | undefined {
  const tensor = constantOf(values, name)?.tensor;
  if (tensor === undefined || tensor.external || numberCount(tensor) > most) return undefined;
  try {
    return tensorNumbers(tensor);
  } catch {
    return undefined; // of a type that is not read: then it is not one of the numbers looked for
  }
}

export function numberCount({ dims }: OnnxTensor): number {
  return dims.reduce((product, size) => product * size, 1);
}

/** More numbers than this are not looked at one by one. */
const MAX_NUMBERS = 2 ** 16;

/** Whether a value is zero everywhere: a constant, or made as such (zeros_like). */
export function isZero(values: GraphValues, name: string): boolean {
  const numbers = smallConstant(values, name, MAX_NUMBERS);
  if (numbers !== undefined) return numbers.length > 0 && numbers.every((number) => number === 0);
  const node = values.producers.get(sourceOf(values, name));
  if (node === undefined || !isStandard(node)) return false;
  if (node.opType === 'Expand') return node.inputs[0] !== name && scalarOf(values, node.inputs[0] ?? '') === 0;
  if (node.opType !== 'ConstantOfShape') return false;
  const tensor = node.attributes.get('value')?.tensor;
  return tensor === undefined || (!tensor.external && numberCount(tensor) === 1 && tensorNumbers(tensor)[0] === 0);
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

/**
 * Looks through what changes no number, to the value that holds the same rows.
 * @param keepAxes stops at what cuts the axes otherwise
 */
export function sourceOf(values: GraphValues, name: string, keepAxes = false): string {
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const node = values.producers.get(name);
    if (node === undefined || !isStandard(node)) return name;
    const passes =
      COPYING.has(node.opType) ||
      (RESHAPING.has(node.opType) && !keepAxes) ||
      (node.opType === 'Cast' && FLOAT_TYPES.includes(integerAttribute(node, 'to', 0)));
    if (!passes || node.outputs[0] !== name || node.inputs[0] === undefined) return name;
    name = node.inputs[0];
  }
  return name;
}

/** Operators whose output has as many axes as their first input. */
const SAME_AXES = new Set([
  ...[
    'Identity',
    'Dropout',
    'Cast',
    'Transpose',
    'Split',
    'Slice',
    'Softmax',
    'Relu',
    'LeakyRelu',
    'Clip',
    'Abs',
    'Neg',
  ],
  ...['Sigmoid', 'Tanh', 'Erf', 'Exp', 'Sqrt', 'Gelu', 'LayerNormalization', 'BatchNormalization', 'Concat', 'Conv'],
]);
/** Those whose output has as many axes as the input with the most. */
const MOST_AXES = new Set(['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min', 'Where', 'PRelu', 'MatMul']);

/** More values than this are not looked at for the axes of one: sums of sums have many ways back. */
const MAX_RANK_STEPS = 256;

/** How many axes a value has, or undefined where that cannot be told. */
export function rankOf(
  values: GraphValues,
  name: string,
  steps: { left: number } = { left: MAX_RANK_STEPS },
): number | undefined {
  const constant = constantOf(values, name);
  if (constant !== undefined) return constant.tensor.dims.length;
  const node = values.producers.get(name);
  if (node === undefined) return values.inputRanks.get(name);
  if (steps.left-- <= 0) return undefined;
  const { opType, inputs } = node;
  const [first = '', second = ''] = inputs;
  if (opType === 'Gemm' || opType === 'FusedGemm' || opType === 'Flatten') return 2;
  if (opType === 'Reshape') {
    const dims = constantOf(values, second)?.tensor.dims;
    return dims?.length === 1 ? dims[0] : undefined;
  }
  if (SAME_AXES.has(opType)) return rankOf(values, first, steps);
  const known = (count: number): number[] =>
    inputs.slice(0, count).flatMap((input) => rankOf(values, input, steps) ?? []);
  if (opType === 'Gather') {
    const ranks = known(2);
    return ranks.length === 2 ? ranks[0] + ranks[1] - 1 : undefined;
  }
  if (!MOST_AXES.has(opType) || inputs.length > 3) return undefined;
  const ranks = known(inputs.length);
  return ranks.length === inputs.length ? Math.max(...ranks) : undefined;
}

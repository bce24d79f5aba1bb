/**
 * Linear layers in an ONNX graph, however the exporter wrote them: Gemm, MatMul, Einsum, the fused operators of
 * onnxruntime and convolutions of one pixel, with what is added, multiplied and normalised behind them by constants, and
 * parts of them (Split, Slice). All of that is one matrix and one bias. To make them takes arithmetic, in double precision
 * and rounded once, so a weight that was multiplied may differ from what the model computes in the last digit:
 * `foldedOperators` says where that is so.
 */
import { FewfireError } from '../base/index.ts';
import {
  type Constant,
  constantOf,
  type GraphValues,
  integerAttribute,
  isStandard,
  MAX_DEPTH,
  numberCount,
  type OnnxNode,
  rankOf,
  smallConstant,
  sourceOf,
  tensorNumbers,
} from '../formats/index.ts';

/** What is done to the columns of a product, one after the other. Constants have one number, or one for each column. */
export type LayerStep = {
  /** The column that their first number belongs to. */
  readonly from: number;
} & (
  | { readonly kind: 'add'; readonly constant: Constant; readonly scale: number }
  | { readonly kind: 'multiply' | 'divide'; readonly constant: Constant }
  | { readonly kind: 'factor'; readonly factor: number }
  | {
      readonly kind: 'normalise';
      readonly scale: Constant;
      readonly bias: Constant;
      readonly mean: Constant;
      readonly variance: Constant;
      readonly epsilon: number;
    }
);

/** output = steps(scale * input . weight), or columns [from, to) of it. */
export interface Linear {
  /** The value that holds the input rows. */
  readonly input: string;
  /** inputWidth x columns, after `transposed`. */
  readonly weight: Constant;
  readonly scale: number;
  readonly steps: readonly LayerStep[];
  readonly inputWidth: number;
  readonly from: number;
  readonly to: number;
  /** The product. */
  readonly node: OnnxNode;
  /** Axes behind that of the columns: none, but of convolutions, whose columns (channels) stand on axis 1. */
  readonly pixelAxes: number;
}

/** What a layer looks like to constants that are put to it. */
export type Columns = Pick<Linear, 'from' | 'to' | 'pixelAxes'>;

/** Products of onnxruntime itself; the first two may end in an activation. */
const FUSED = new Set(['FusedGemm', 'FusedConv', 'FusedMatMul']);

export function isFused({ domain, opType }: OnnxNode): boolean {
  return domain === 'com.microsoft' && FUSED.has(opType);
}

/** The activation that a fused product ends in; undefined without one. */
export function fusedActivation(node: OnnxNode): string | undefined {
  const bytes = node.attributes.get('activation')?.bytes;
  return !isFused(node) || bytes === undefined || bytes.length === 0 ? undefined : new TextDecoder().decode(bytes);
}

/** The product that a node is, without the activation that it may end in; undefined if it is none with fixed weights. */
export function productOf(values: GraphValues, node: OnnxNode): Linear | undefined {
  if (!isStandard(node) && !isFused(node)) return undefined;
  switch (node.opType) {
    case 'Gemm':
    case 'FusedGemm':
      return gemm(values, node);
    case 'MatMul':
    case 'FusedMatMul':
      return matrixProduct(values, node);
    case 'Einsum':
      return einsum(values, node);
    case 'Conv':
    case 'FusedConv':
      return pixelwise(values, node);
    default:
      return undefined;
  }
}

/**
 * The linear layer that made a value, or undefined.
 * @param biasOnly looks for products with what is added to them, and nothing else
 */
export function linearOf(values: GraphValues, name: string, biasOnly = false, depth = 0): Linear | undefined {
  if (depth > MAX_DEPTH) return undefined;
  const value = sourceOf(values, name);
  const layer = layerOf(values, value, biasOnly, depth);
  // Channels are not the last axis: what cuts the axes otherwise mixes them.
  if (layer === undefined || layer.pixelAxes === 0 || sourceOf(values, name, true) === value) return layer;
  return undefined;
}

function layerOf(values: GraphValues, value: string, biasOnly: boolean, depth: number): Linear | undefined {
  const node = values.producers.get(value);
  if (node === undefined || fusedActivation(node) !== undefined) return undefined;
  const product = productOf(values, node);
  if (product !== undefined || !isStandard(node)) return product;
  if (node.opType === 'Split' || node.opType === 'Slice') return part(values, node, value, biasOnly, depth);
  if (biasOnly && node.opType !== 'Add') return undefined;
  const input = changedInput(values, node);
  const layer = input === undefined ? undefined : linearOf(values, input, biasOnly, depth + 1);
  const steps = layer && stepsOf(values, node, input as string, layer);
  return layer && steps && { ...layer, steps: [...layer.steps, ...steps] };
}

/** The input that a node changes by constants, if it is a node of that kind. */
export function changedInput(values: GraphValues, { opType, inputs }: OnnxNode): string | undefined {
  const [first = '', second = ''] = inputs;
  if (opType === 'Neg' || opType === 'BatchNormalization') return first;
  if (!['Add', 'Sub', 'Mul', 'Div'].includes(opType) || inputs.length !== 2) return undefined;
  const isConstant = [first, second].map((name) => constantOf(values, name) !== undefined);
  return isConstant[0] === isConstant[1] ? undefined : isConstant[1] ? first : second;
}

/**
 * What a node does to columns that are one of its inputs, if its constants fit them.
 * @param input as `changedInput` gives it
 */
export function stepsOf(
  values: GraphValues,
  node: OnnxNode,
  input: string,
  columns: Columns,
): readonly LayerStep[] | undefined {
  const { opType, inputs } = node;
  const { from } = columns;
  if (!isStandard(node)) return undefined;
  if (opType === 'Neg') return [{ kind: 'factor', factor: -1, from }];
  if (opType === 'BatchNormalization') return normalisation(values, node, input, columns);
  const first = inputs[0] === input;
  const constant = constantOf(values, inputs[first ? 1 : 0] ?? '');
  if (inputs.length !== 2 || constant === undefined || !fitsColumns(constant, columns)) return undefined;
  if (opType === 'Add') return [{ kind: 'add', constant, scale: 1, from }];
  if (opType === 'Mul') return [{ kind: 'multiply', constant, from }];
  if (opType === 'Div') return first ? [{ kind: 'divide', constant, from }] : undefined;
  if (opType !== 'Sub') return undefined;
  if (first) return [{ kind: 'add', constant, scale: -1, from }];
  return [
    { kind: 'factor', factor: -1, from },
    { kind: 'add', constant, scale: 1, from },
  ];
}

// As it is when a model is used: with the means and variances of training.
function normalisation(
  values: GraphValues,
  node: OnnxNode,
  input: string,
  columns: Columns,
): readonly LayerStep[] | undefined {
  if (integerAttribute(node, 'training_mode', 0) !== 0 || node.outputs.length > 1) return undefined;
  // It acts on axis 1.
  if (columns.pixelAxes === 0 && rankOf(values, input) !== 2) return undefined;
  const constants = node.inputs.slice(1, 5).map((name) => constantOf(values, name));
  const width = columns.to - columns.from;
  if (constants.length < 4 || !constants.every((one) => one !== undefined && numberCount(one.tensor) === width)) {
    return undefined;
  }
  const [scale, bias, mean, variance] = constants as Constant[];
  const epsilon = node.attributes.get('epsilon')?.float ?? 1e-5;
  return [{ kind: 'normalise', scale, bias, mean, variance, epsilon, from: columns.from }];
}

function gemm(values: GraphValues, node: OnnxNode): Linear | undefined {
  const [input, weightName, biasName] = node.inputs;
  if (input === undefined || integerAttribute(node, 'transA', 0) !== 0) return undefined;
  const stored = constantOf(values, weightName ?? '');
  if (stored === undefined) return undefined;
  const weight = integerAttribute(node, 'transB', 0) === 0 ? stored : { ...stored, transposed: !stored.transposed };
  const layer = matrixLayer(input, weight, node, node.attributes.get('alpha')?.float ?? 1);
  if (biasName === undefined || biasName === '' || layer === undefined) return layer;
  const constant = constantOf(values, biasName);
  const scale = node.attributes.get('beta')?.float ?? 1;
  if (constant === undefined || !fitsColumns(constant, layer)) return undefined;
  return { ...layer, steps: [{ kind: 'add', constant, scale, from: 0 }] };
}

function matrixProduct(values: GraphValues, node: OnnxNode): Linear | undefined {
  const [input, weightName] = node.inputs;
  const stored = constantOf(values, weightName ?? '');
  if (input === undefined || stored === undefined) return undefined;
  if (node.opType === 'MatMul') return matrixLayer(input, stored, node, 1);
  const odd = ['transA', 'transBatchA', 'transBatchB'].some((name) => integerAttribute(node, name, 0) !== 0);
  const weight = integerAttribute(node, 'transB', 0) === 0 ? stored : { ...stored, transposed: !stored.transposed };
  return odd ? undefined : matrixLayer(input, weight, node, node.attributes.get('alpha')?.float ?? 1);
}

function matrixLayer(input: string, weight: Constant, node: OnnxNode, scale: number): Linear | undefined {
  const { dims } = weight.tensor;
  if (dims.length !== 2 || !dims.every((size) => size >= 1)) return undefined;
  const [inputWidth, to] = weight.transposed ? [dims[1], dims[0]] : dims;
  return { input, weight, scale, steps: [], inputWidth, from: 0, to, node, pixelAxes: 0 };
}

// Rows times a matrix: "...d,ds->...s" and its like, the matrix on either side and either way round.
function einsum(values: GraphValues, node: OnnxNode): Linear | undefined {
  const bytes = node.attributes.get('equation')?.bytes;
  if (bytes === undefined || node.inputs.length !== 2) return undefined;
  const [left, output, ...rest] = new TextDecoder().decode(bytes).replace(/\s/g, '').split('->');
  const terms = left.split(',');
  if (output === undefined || rest.length > 0 || terms.length !== 2) return undefined;
  const w = constantOf(values, node.inputs[1]) !== undefined ? 1 : 0;
  const stored = constantOf(values, node.inputs[w]);
  const rows = terms[1 - w];
  const [d, s] = [rows.at(-1) ?? '', output.at(-1) ?? ''];
  const before = rows.slice(0, -1);
  const isRows =
    stored !== undefined &&
    /^[a-z]$/i.test(d) &&
    /^[a-z]$/i.test(s) &&
    d !== s &&
    /^(\.\.\.)?[a-z]*$/i.test(before) &&
    new Set(rows.replace('...', '')).size === rows.replace('...', '').length &&
    !before.includes(d) &&
    !before.includes(s) &&
    output === before + s;
  if (!isRows || (terms[w] !== d + s && terms[w] !== s + d)) return undefined;
  const weight = terms[w] === d + s ? stored : { ...stored, transposed: !stored.transposed };
  return matrixLayer(node.inputs[1 - w], weight, node, 1);
}

// A convolution that looks at one pixel at a time.
function pixelwise(values: GraphValues, node: OnnxNode): Linear | undefined {
  const [input, weightName, biasName] = node.inputs;
  const stored = constantOf(values, weightName ?? '');
  const dims = stored?.tensor.dims ?? [];
  if (input === undefined || stored === undefined || dims.length < 3 || integerAttribute(node, 'group', 1) !== 1) {
    return undefined;
  }
  const all = (name: string, wanted: number): boolean =>
    (node.attributes.get(name)?.integers ?? []).every((number) => number === wanted);
  const one = dims.slice(2).every((size) => size === 1) && all('strides', 1) && all('pads', 0);
  // FusedConv adds a fourth input.
  if (!one || node.inputs.length > 3) return undefined;
  const weight: Constant = { tensor: { ...stored.tensor, dims: dims.slice(0, 2) }, transposed: true };
  const layer = matrixLayer(input, weight, node, 1);
  if (layer === undefined || biasName === undefined || biasName === '') {
    return layer && { ...layer, pixelAxes: dims.length - 2 };
  }
  const constant = constantOf(values, biasName);
  if (constant === undefined || numberCount(constant.tensor) !== layer.to) return undefined;
  return { ...layer, pixelAxes: dims.length - 2, steps: [{ kind: 'add', constant, scale: 1, from: 0 }] };
}

// One number for all columns or one for each, along their axis.
function fitsColumns({ tensor, transposed }: Constant, { from, to, pixelAxes }: Columns): boolean {
  const count = numberCount(tensor);
  return count === 1 || (count === to - from && !transposed && tensor.dims.at(-1 - pixelAxes) === count);
}

// Several layers in one matrix, as exporters write gated blocks.
function part(
  values: GraphValues,
  node: OnnxNode,
  value: string,
  biasOnly: boolean,
  depth: number,
): Linear | undefined {
  const [input = ''] = node.inputs;
  const whole = linearOf(values, input, biasOnly, depth + 1);
  if (whole === undefined) return undefined;
  const span = node.opType === 'Split' ? splitSpan(values, node, value, whole) : sliceSpan(values, node, whole);
  return span && { ...whole, from: whole.from + span.from, to: whole.from + span.to };
}

interface ColumnSpan {
  readonly from: number;
  readonly to: number;
}

// Whether an axis of a value is the one that its columns are on.
function isColumnAxis(values: GraphValues, name: string, axis: number, { pixelAxes }: Linear): boolean {
  if (axis < 0) return axis === -1 - pixelAxes;
  if (pixelAxes > 0) return axis === 1;
  const rank = rankOf(values, name);
  return rank !== undefined && axis === rank - 1;
}

function splitSpan(values: GraphValues, node: OnnxNode, value: string, whole: Linear): ColumnSpan | undefined {
  const index = node.outputs.indexOf(value);
  if (index < 0 || !isColumnAxis(values, node.inputs[0], integerAttribute(node, 'axis', 0), whole)) return undefined;
  const width = whole.to - whole.from;
  const sizes = partSizes(values, node, width);
  if (sizes === undefined || sizes.some((size) => !(size >= 1)) || sizes.reduce((a, b) => a + b, 0) !== width) {
    return undefined;
  }
  const from = sizes.slice(0, index).reduce((a, b) => a + b, 0);
  return { from, to: from + sizes[index] };
}

function partSizes(values: GraphValues, node: OnnxNode, width: number): readonly number[] | undefined {
  const count = node.outputs.length;
  const listed = node.attributes.get('split')?.integers ?? [];
  if (listed.length > 0) return listed.length === count ? listed : undefined;
  const name = node.inputs[1] ?? '';
  if (name === '') return width % count === 0 ? new Array<number>(count).fill(width / count) : undefined;
  const sizes = smallConstant(values, name, count);
  return sizes?.length === count ? Array.from(sizes) : undefined;
}

// Of one axis, in steps of one. A negative place counts from the end, one beyond it is the end.
function sliceSpan(values: GraphValues, node: OnnxNode, whole: Linear): ColumnSpan | undefined {
  const listed = (name: string, input: number): number | undefined => {
    const attribute = node.attributes.get(name)?.integers ?? [];
    const numbers = attribute.length > 0 ? attribute : smallConstant(values, node.inputs[input] ?? '', 1);
    return numbers?.length === 1 ? numbers[0] : undefined;
  };
  const [start, end] = [listed('starts', 1), listed('ends', 2)];
  // Without axes it is the first.
  const axis = listed('axes', 3);
  const step = (node.inputs[4] ?? '') === '' ? 1 : listed('steps', 4);
  if (start === undefined || end === undefined || axis === undefined || step !== 1) return undefined;
  if (!isColumnAxis(values, node.inputs[0], axis, whole)) return undefined;
  const width = whole.to - whole.from;
  const place = (number: number): number => Math.max(0, Math.min(width, number < 0 ? width + number : number));
  const [from, to] = [place(start), place(end)];
  return from < to ? { from, to } : undefined;
}

/** What steps make of columns together: x becomes scales * x + shifts. */
export interface ColumnMap {
  readonly scales: Float64Array;
  readonly shifts: Float64Array;
}

/** @throws FewfireError `invalid-data` for constants that are not finite, or make something that is not */
export function columnMap(steps: readonly LayerStep[], from: number, to: number, scale = 1): ColumnMap {
  const scales = new Float64Array(to - from).fill(scale);
  const shifts = new Float64Array(to - from);
  for (const step of steps) {
    const at = (constant: Constant): ((j: number) => number) => {
      const numbers = finiteNumbers(constant);
      return numbers.length === 1 ? () => numbers[0] : (j) => numbers[from + j - step.from];
    };
    const change = (factor: (j: number) => number, shift: (j: number) => number): void => {
      for (let j = 0; j < scales.length; j++) {
        scales[j] *= factor(j);
        shifts[j] = shifts[j] * factor(j) + shift(j);
      }
    };
    if (step.kind === 'add') {
      const constant = at(step.constant);
      change(
        () => 1,
        (j) => step.scale * constant(j),
      );
    } else if (step.kind === 'factor') {
      change(
        () => step.factor,
        () => 0,
      );
    } else if (step.kind === 'normalise') {
      const [gain, bias, mean, variance] = [step.scale, step.bias, step.mean, step.variance].map(at);
      const factor = (j: number): number => gain(j) / Math.sqrt(variance(j) + step.epsilon);
      change(factor, (j) => bias(j) - mean(j) * factor(j));
    } else {
      const constant = at(step.constant);
      change(
        (j) => (step.kind === 'divide' ? 1 / constant(j) : constant(j)),
        () => 0,
      );
    }
  }
  for (const numbers of [scales, shifts]) {
    if (numbers.every(Number.isFinite)) continue;
    throw new FewfireError(
      'invalid-data',
      'what stands behind a layer multiplies it by NaN or infinity (a division by zero, a negative variance?); expected finite numbers',
    );
  }
  return { scales, shifts };
}

/** Operators that were multiplied into the weights, which rounds these anew. */
export function foldedOperators(steps: readonly LayerStep[]): readonly string[] {
  const names = { multiply: 'Mul', divide: 'Div', normalise: 'BatchNormalization' } as const;
  return [...new Set(steps.flatMap(({ kind }) => (kind === 'add' || kind === 'factor' ? [] : [names[kind]])))];
}

export function finiteNumbers({ tensor }: Constant): Float64Array {
  const numbers = tensorNumbers(tensor);
  if (numbers.every(Number.isFinite)) return numbers;
  throw new FewfireError(
    'invalid-data',
    `the weights ${JSON.stringify(tensor.name)} hold NaN or infinity; expected finite numbers`,
  );
}

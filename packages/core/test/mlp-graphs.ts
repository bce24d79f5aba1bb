/**
 * One small block, and the ways in which exporters write it as an ONNX graph. All have the input `X` [N, 3], 5 units and
 * 2 outputs; weights are made from a seed, as layers [inputs, outputs].
 */
import { createRandom } from '../src/index.ts';
import { floatTensor, integerTensor, type NodeParts, runnableModel, type Tensor } from './onnx-writer.ts';

export const D = 3;
export const S = 5;
export const O = 2;

const random = createRandom(11);
const numbers = (count: number): number[] => Array.from({ length: count }, () => Math.fround(random.normal()));

export const weights = {
  up: numbers(D * S),
  upBias: numbers(S),
  linear: numbers(D * S),
  linearBias: numbers(S),
  down: numbers(S * O),
  downBias: numbers(O),
};

export function flipped(matrix: readonly number[], rows: number, columns: number): number[] {
  return Array.from({ length: matrix.length }, (_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)]);
}

const UP = floatTensor('up', [D, S], weights.up);
const UP_T = floatTensor('up', [S, D], flipped(weights.up, D, S));
const UP_BIAS = floatTensor('upBias', [S], weights.upBias);
const LINEAR = floatTensor('linear', [D, S], weights.linear);
const LINEAR_BIAS = floatTensor('linearBias', [S], weights.linearBias);
const DOWN = floatTensor('down', [S, O], weights.down);
const DOWN_T = floatTensor('down', [O, S], flipped(weights.down, S, O));
const DOWN_BIAS = floatTensor('downBias', [O], weights.downBias);
const PLAIN = [UP, UP_BIAS, DOWN, DOWN_BIAS];

const op = (
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes?: NodeParts['attributes'],
): NodeParts =>
  attributes === undefined ? { opType, inputs, outputs: [output] } : { opType, inputs, outputs: [output], attributes };

const UP_NODES = [op('MatMul', ['X', 'up'], 'm'), op('Add', ['m', 'upBias'], 'z')];
const DOWN_NODES = [op('MatMul', ['a', 'down'], 'n'), op('Add', ['downBias', 'n'], 'Y')];

export interface GraphCase {
  readonly name: string;
  /** What it must be recognised as. */
  readonly activation: string;
  readonly nodes: readonly NodeParts[];
  readonly initializers: readonly Tensor[];
  readonly dims?: readonly (number | string)[];
  readonly opset?: number;
}

const scalar = (name: string, value: number): Tensor => floatTensor(name, [], [value]);

/** Around an activation from z to a. */
const between = (
  name: string,
  activation: string,
  nodes: readonly NodeParts[],
  more: readonly Tensor[] = [],
): GraphCase => ({
  name,
  activation,
  nodes: [...UP_NODES, ...nodes, ...DOWN_NODES],
  initializers: [...PLAIN, ...more],
});

const RELU = op('Relu', ['z'], 'a');

/** Plain ReLU: all must load as the same block. */
export const reluGraphs: readonly GraphCase[] = [
  between('MatMul and Add (TorchScript exporter)', 'relu', [RELU]),
  {
    name: 'MatMul and Add on [N, T, d]',
    activation: 'relu',
    nodes: [...UP_NODES, RELU, ...DOWN_NODES],
    initializers: PLAIN,
    dims: ['N', 4, D],
  },
  {
    name: 'Gemm with transB (torch.nn.Linear on rows)',
    activation: 'relu',
    nodes: [
      op('Gemm', ['X', 'up', 'upBias'], 'z', { alpha: { float: 1 }, beta: { float: 1 }, transB: 1 }),
      RELU,
      op('Gemm', ['a', 'down', 'downBias'], 'Y', { transB: 1 }),
    ],
    initializers: [UP_T, UP_BIAS, DOWN_T, DOWN_BIAS],
  },
  {
    name: 'Gemm with alpha and beta',
    activation: 'relu',
    nodes: [op('Gemm', ['X', 'up', 'upBias'], 'z', { alpha: { float: 0.5 }, beta: { float: 2 } }), RELU, ...DOWN_NODES],
    initializers: [
      floatTensor(
        'up',
        [D, S],
        weights.up.map((w) => 2 * w),
      ),
      floatTensor(
        'upBias',
        [S],
        weights.upBias.map((w) => w / 2),
      ),
      DOWN,
      DOWN_BIAS,
    ],
  },
  {
    name: 'weights behind Transpose, Identity and Constant (dynamo exporter)',
    activation: 'relu',
    nodes: [
      op('Transpose', ['up'], 'upT', { perm: { ints: [1, 0] } }),
      op('MatMul', ['X', 'upT'], 'm'),
      op('Identity', ['upBias'], 'upBias2'),
      op('Add', ['m', 'upBias2'], 'z'),
      RELU,
      op('Constant', [], 'down', { value: { tensor: DOWN } }),
      ...DOWN_NODES,
    ],
    initializers: [UP_T, UP_BIAS, DOWN_BIAS],
  },
  {
    name: 'Reshapes around the products (tf2onnx, Dense on three axes)',
    activation: 'relu',
    nodes: [
      op('Reshape', ['X', 'rows'], 'x2'),
      op('MatMul', ['x2', 'up'], 'm'),
      op('Reshape', ['m', 'mid'], 'm3'),
      op('Add', ['m3', 'upBias'], 'z'),
      RELU,
      op('Reshape', ['a', 'units'], 'a2'),
      op('MatMul', ['a2', 'down'], 'n'),
      op('Add', ['n', 'downBias'], 'Y'),
    ],
    initializers: [
      ...PLAIN,
      integerTensor('rows', [-1, D]),
      integerTensor('mid', [-1, 4, S]),
      integerTensor('units', [-1, S]),
    ],
    dims: ['N', 4, D],
  },
  between('Max with zero', 'relu', [op('Max', ['zero', 'z'], 'a')], [scalar('zero', 0)]),
  between('Clip without upper limit', 'relu', [op('Clip', ['z', 'zero'], 'a')], [scalar('zero', 0)]),
  between('Dropout between the layers', 'relu', [op('Relu', ['z'], 'r'), op('Dropout', ['r'], 'a')]),
];

export const squaredGraphs: readonly GraphCase[] = [
  between('Mul with itself', 'squared-relu', [op('Relu', ['z'], 'r'), op('Mul', ['r', 'r'], 'a')]),
  between('Pow 2', 'squared-relu', [op('Relu', ['z'], 'r'), op('Pow', ['r', 'two'], 'a')], [scalar('two', 2)]),
];

const LINEAR_NODES = [op('MatMul', ['X', 'linear'], 'k'), op('Add', ['k', 'linearBias'], 'l')];

export const gatedGraphs: readonly GraphCase[] = [
  {
    ...between('two layers', 'gated-relu', [op('Relu', ['z'], 'r'), ...LINEAR_NODES, op('Mul', ['l', 'r'], 'a')]),
    initializers: [...PLAIN, LINEAR, LINEAR_BIAS],
  },
  {
    name: 'one layer, split',
    activation: 'gated-relu',
    nodes: [
      op('MatMul', ['X', 'both'], 'm'),
      op('Add', ['m', 'bothBias'], 'mb'),
      { opType: 'Split', inputs: ['mb', 'sizes'], outputs: ['z', 'l'], attributes: { axis: -1 } },
      op('Relu', ['z'], 'r'),
      op('Mul', ['r', 'l'], 'a'),
      ...DOWN_NODES,
    ],
    initializers: [
      floatTensor(
        'both',
        [D, 2 * S],
        Array.from({ length: D }, (_, i) => [
          ...weights.up.slice(i * S, (i + 1) * S),
          ...weights.linear.slice(i * S, (i + 1) * S),
        ]).flat(),
      ),
      floatTensor('bothBias', [2 * S], [...weights.upBias, ...weights.linearBias]),
      integerTensor('sizes', [S, S]),
      DOWN,
      DOWN_BIAS,
    ],
  },
];

const SIGMOID = op('Sigmoid', ['z'], 's');

/** Not sparse, or not runnable: found and named. */
export const otherGraphs: readonly GraphCase[] = [
  between(
    'GELU by Erf',
    'gelu',
    [
      op('Div', ['z', 'root'], 'e1'),
      op('Erf', ['e1'], 'e2'),
      op('Add', ['e2', 'one'], 'e3'),
      op('Mul', ['z', 'e3'], 'e4'),
      op('Mul', ['e4', 'half'], 'a'),
    ],
    [scalar('root', Math.SQRT2), scalar('one', 1), scalar('half', 0.5)],
  ),
  between(
    'GELU by tanh',
    'gelu-tanh',
    [
      op('Pow', ['z', 'three'], 't1'),
      op('Mul', ['t1', 'cubic'], 't2'),
      op('Add', ['z', 't2'], 't3'),
      op('Mul', ['t3', 'scale'], 't4'),
      op('Tanh', ['t4'], 't5'),
      op('Add', ['t5', 'one'], 't6'),
      op('Mul', ['z', 't6'], 't7'),
      op('Mul', ['t7', 'half'], 'a'),
    ],
    [scalar('three', 3), scalar('cubic', 0.044715), scalar('scale', 0.7978845), scalar('one', 1), scalar('half', 0.5)],
  ),
  { ...between('Gelu operator', 'gelu', [op('Gelu', ['z'], 'a')]), opset: 20 },
  between('SiLU', 'silu', [SIGMOID, op('Mul', ['z', 's'], 'a')]),
  between(
    'quick GELU',
    'quick-gelu',
    [op('Mul', ['z', 'c'], 'q'), op('Sigmoid', ['q'], 's'), op('Mul', ['z', 's'], 'a')],
    [scalar('c', 1.702)],
  ),
  {
    ...between('gated SiLU', 'gated-silu', [
      SIGMOID,
      op('Mul', ['z', 's'], 'g'),
      ...LINEAR_NODES,
      op('Mul', ['g', 'l'], 'a'),
    ]),
    initializers: [...PLAIN, LINEAR, LINEAR_BIAS],
  },
  between('sigmoid', 'sigmoid', [op('Sigmoid', ['z'], 'a')]),
  between('tanh', 'tanh', [op('Tanh', ['z'], 'a')]),
  between('leaky ReLU', 'leaky-relu', [op('LeakyRelu', ['z'], 'a')]),
  between('ReLU6', 'relu6', [op('Clip', ['z', 'zero', 'six'], 'a')], [scalar('zero', 0), scalar('six', 6)]),
];

export function graphBytes({ nodes, initializers, dims = ['N', D], opset }: GraphCase): Uint8Array {
  return runnableModel({
    nodes,
    initializers,
    inputs: [{ name: 'X', type: 1, dims }],
    outputs: ['Y'],
    ...(opset === undefined ? {} : { opset }),
  });
}

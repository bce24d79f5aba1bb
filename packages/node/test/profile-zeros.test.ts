/**
 * Forms that are not recognised as blocks: their zeros are counted, and the shares are those of naive-onnx.ts, which
 * computes the same values again without a runtime.
 */
import { createRandom, findMlpBlocks, findZeroPlaces, readOnnxModel } from '@fewfire/core';
import { describe, expect, it } from 'vitest';
import { type NodeParts, runnableModel } from '../../core/test/onnx-writer.ts';
import { observeOnnxBlocks } from '../src/index.ts';
import { evaluate, type NdArray, size, tensorsOf } from './naive-onnx.ts';

const random = createRandom(5);
const D = 5;
const S = 12;
const ROWS = 30;

const draw = (dims: readonly number[], scale = 1, shift = 0): NdArray => ({
  dims,
  values: Float32Array.from({ length: size(dims) }, () => scale * random.normal() + shift),
});
const number = (value: number): NdArray => ({ dims: [], values: [value] });
const whole = (...values: readonly number[]): NdArray => ({ dims: [values.length], values });
const op = (opType: string, inputs: readonly string[], output: string, attributes = {}): NodeParts => ({
  opType,
  inputs,
  outputs: [output],
  attributes,
});

const UP = [op('Gemm', ['X', 'W1', 'b1'], 'z')];
const DOWN = [op('MatMul', ['a', 'W2'], 'Y')];
const CONSTANTS: Readonly<Record<string, NdArray>> = {
  W1: draw([D, S]),
  b1: draw([S], 1, -1.5),
  W2: draw([S, 2]),
  W3: draw([D, 2 * S]),
  C1: draw([S, D, 1, 1]),
  C2: draw([2, S, 1, 1]),
  zero: number(0),
  two: number(2),
  slope: { dims: [1], values: [0] },
  scale: draw([S], 0.1, 1),
  shift: draw([S], 0.3, -0.5),
  mean: draw([S]),
  variance: { dims: [S], values: Float32Array.from({ length: S }, () => 1 + random.uniform()) },
  'i:0': whole(0),
  'i:s': whole(S),
  'i:2s': whole(2 * S),
  'i:axis': whole(1),
};

interface Form {
  readonly name: string;
  readonly nodes: readonly NodeParts[];
  /** The value whose zeros are told, and what it is called. */
  readonly value: string;
  readonly form: string;
  /** Where a block is found whose activation is not recognised. */
  readonly inBlock: boolean;
  readonly dims?: readonly number[];
}

const form = (name: string, nodes: readonly NodeParts[], words: string, inBlock: boolean, value = 'a'): Form => ({
  name,
  nodes: [...UP, ...nodes, ...DOWN],
  value,
  form: words,
  inBlock,
});

const SLICES = [
  op('MatMul', ['X', 'W3'], 'gu'),
  op('Slice', ['gu', 'i:0', 'i:s', 'i:axis'], 'g'),
  op('Slice', ['gu', 'i:s', 'i:2s', 'i:axis'], 'u'),
  op('Relu', ['g'], 'r'),
  op('Mul', ['r', 'u'], 'a'),
  ...DOWN,
];

const NORM = ['scale', 'shift', 'mean', 'variance'];
const forms: readonly Form[] = [
  form('Where', [op('Greater', ['z', 'zero'], 'c'), op('Where', ['c', 'z', 'zero'], 'a')], 'Greater, Where', true),
  form(
    'a mask',
    [op('Greater', ['z', 'zero'], 'c'), op('Cast', ['c'], 'f', { to: 1 }), op('Mul', ['z', 'f'], 'a')],
    'Greater, Mul',
    true,
  ),
  form('LeakyRelu of slope 0', [op('LeakyRelu', ['z'], 'a', { alpha: { float: 0 } })], 'LeakyRelu with slope 0', true),
  form('PRelu of slope 0', [op('PRelu', ['z', 'slope'], 'a')], 'PRelu with slope 0', true),
  form('a scaled ReLU', [op('Relu', ['z'], 'r'), op('Mul', ['r', 'two'], 'a')], 'Relu, Mul', true),
  // Zeros that are shifted away before the layer are zeros all the same.
  form('a shifted ReLU', [op('Relu', ['z'], 'r'), op('Add', ['r', 'two'], 'a')], 'Relu, Add', true, 'r'),
  form('a bias by Sub', [op('Sub', ['z', 'two'], 's'), op('Relu', ['s'], 'a')], 'Sub, Relu', true),
  form('a scale before', [op('Mul', ['z', 'two'], 's'), op('Relu', ['s'], 'a')], 'Mul, Relu', true),
  form(
    'BatchNormalization before',
    [op('BatchNormalization', ['z', ...NORM], 'n'), op('Relu', ['n'], 'a')],
    'BatchNormalization, Relu',
    false,
  ),
  form(
    'LayerNormalization before',
    [op('LayerNormalization', ['z', 'scale', 'shift'], 'n'), op('Relu', ['n'], 'a')],
    'LayerNormalization, Relu',
    false,
  ),
  form(
    'BatchNormalization behind',
    [op('Relu', ['z'], 'r'), op('BatchNormalization', ['r', ...NORM], 'a')],
    'Relu',
    false,
    'r',
  ),
  { name: 'parts by Slice', nodes: SLICES, value: 'a', form: 'Slice, Relu, Slice, Mul', inBlock: false },
  {
    name: 'Einsum',
    nodes: [
      op('Einsum', ['X', 'W1'], 'z', { equation: 'nd,ds->ns' }),
      op('Relu', ['z'], 'a'),
      op('Einsum', ['a', 'W2'], 'Y', { equation: 'ns,so->no' }),
    ],
    value: 'a',
    form: 'Relu',
    inBlock: false,
  },
  {
    name: 'convolutions',
    nodes: [op('Conv', ['X', 'C1', 'b1'], 'z'), op('Relu', ['z'], 'a'), op('Conv', ['a', 'C2'], 'Y')],
    value: 'a',
    form: 'Relu',
    inBlock: false,
    dims: [D, 2, 2],
  },
];

const used = (nodes: readonly NodeParts[]): Record<string, NdArray> =>
  Object.fromEntries(Object.entries(CONSTANTS).filter(([name]) => nodes.some(({ inputs }) => inputs.includes(name))));

describe('zeros of forms that are not recognised', () => {
  it.each(forms.map((one) => [one.name, one] as const))(
    '%s',
    async (_, { nodes, value, form, inBlock, dims = [D] }) => {
      const constants = used(nodes);
      const bytes = runnableModel({
        nodes,
        initializers: tensorsOf(constants),
        inputs: [{ name: 'X', type: 1, dims: ['N', ...dims] }],
        outputs: ['Y'],
      });
      const X = draw([ROWS, ...dims]);
      const model = readOnnxModel(bytes);
      const { blocks } = findMlpBlocks(model);
      const { places, leftOut } = findZeroPlaces(model, blocks);
      const seen = await observeOnnxBlocks(
        bytes,
        model,
        blocks,
        new Map([['X', { shape: X.dims, values: Float32Array.from(X.values) }]]),
        { places },
      );
      expect(leftOut).toBe(0);
      expect(seen.dependence.samples).toBe('independent');
      const { values } = evaluate(nodes, constants, { X }).get(value) as NdArray;
      const share = Array.from(values).filter((a) => a === 0).length / values.length;
      expect(share).toBeGreaterThan(0.3);
      expect(blocks.map((block) => [block.sparse, block.form])).toEqual(inBlock ? [[false, form]] : []);
      if (inBlock && value === 'a') {
        expect(seen.blocks[0].activity.activationRate).toBeCloseTo(1 - share, 12);
        return;
      }
      const place = seen.places.find((one) => one.value === value);
      expect(place).toMatchObject({ zeroShare: share, block: inBlock ? blocks[0].name : undefined });
      if (!inBlock) expect(place?.form).toBe(form);
    },
  );

  it('nothing is counted twice where a block is recognised, nor where attention masks its products', () => {
    const nodes = [
      op('MatMul', ['X', 'Wq'], 'q'),
      op('Transpose', ['q'], 'qt', { perm: { ints: [1, 0] } }),
      op('MatMul', ['q', 'qt'], 's'),
      op('Where', ['mask', 's', 'low'], 'w'),
      op('Softmax', ['w'], 'p', { axis: -1 }),
      op('MatMul', ['p', 'q'], 'o'),
      op('Gemm', ['o', 'W1', 'b1'], 'z'),
      op('Relu', ['z'], 'r'),
      op('Mul', ['r', 'r'], 'a'),
      ...DOWN,
    ];
    const model = readOnnxModel(
      runnableModel({
        nodes,
        initializers: tensorsOf({ ...used(nodes), Wq: draw([D, D]), mask: draw([D, D]), low: number(-9) }),
        inputs: [{ name: 'X', type: 1, dims: [D, D] }],
        outputs: ['Y'],
      }),
    );
    const { blocks } = findMlpBlocks(model);
    expect(blocks.map(({ activation }) => activation)).toEqual(['squared-relu']);
    expect(findZeroPlaces(model, blocks).places).toEqual([]);
  });
});

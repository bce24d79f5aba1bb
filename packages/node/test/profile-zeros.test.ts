/**
 * Forms that are not recognised as blocks: their zeros are counted, and the shares are those of naive-onnx.ts, which
 * computes the same values again without a runtime.
 */
import { createRandom, findMlpBlocks } from '@fewfire/core';
import { findZeroPlaces, readOnnxModel } from '@fewfire/core/internal';
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
  W3: draw([S + D, 2]),
  W1t: draw([S, D]),
  W2t: draw([2, S]),
  b1t: draw([S, 1], 1, -1.5),
  W4: draw([D, S]),
  C1: draw([S, D, 1, 1]),
  one: number(1),
  gain: draw([S], 0.1, 1),
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

const forms: readonly Form[] = [
  form(
    'a threshold that is not 0',
    [op('ThresholdedRelu', ['z'], 'a', { alpha: { float: 1 } })],
    'ThresholdedRelu',
    true,
  ),
  form('a clip that begins elsewhere', [op('Max', ['z', 'one'], 'm'), op('Sub', ['m', 'one'], 'a')], 'Max, Sub', true),
  form('HardSigmoid', [op('HardSigmoid', ['z'], 'a')], 'hard sigmoid', true),
  form(
    'a ReLU that is weighed',
    [op('Relu', ['z'], 'r'), op('Sigmoid', ['z'], 's'), op('Mul', ['r', 's'], 'a')],
    'Relu, Sigmoid, Mul',
    true,
  ),
  form(
    'a ReLU multiplied by another',
    [op('Relu', ['z'], 'r'), op('MatMul', ['X', 'W4'], 'k'), op('Relu', ['k'], 's'), op('Mul', ['r', 's'], 'a')],
    'Relu, Relu, Mul',
    true,
  ),
  form('Shrink', [op('Shrink', ['z'], 'a', { lambd: { float: 1.5 }, bias: { float: 0.5 } })], 'Shrink', false),
  {
    name: 'a ReLU beside something else',
    nodes: [...UP, op('Relu', ['z'], 'r'), op('Concat', ['r', 'X'], 'a', { axis: 1 }), op('MatMul', ['a', 'W3'], 'Y')],
    value: 'r',
    form: 'Relu',
    inBlock: false,
  },
  {
    name: 'weights on the left',
    nodes: [
      op('Transpose', ['X'], 'Xt', { perm: { ints: [1, 0] } }),
      op('MatMul', ['W1t', 'Xt'], 'm'),
      op('Add', ['m', 'b1t'], 'z'),
      op('Relu', ['z'], 'a'),
      op('MatMul', ['W2t', 'a'], 'Yt'),
      op('Transpose', ['Yt'], 'Y', { perm: { ints: [1, 0] } }),
    ],
    value: 'a',
    form: 'Add, Relu',
    inBlock: false,
  },
  {
    name: 'inputs that are cut off before any layer',
    nodes: [op('Relu', ['X'], 'a'), op('MatMul', ['a', 'W1'], 'Y')],
    value: 'a',
    form: 'Relu',
    inBlock: false,
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

/**
 * The forms in which exporters write a ReLU block: each is found, the units counted as active are those above zero before
 * the activation, and the block that is read computes what the model does. Both are compared with naive-onnx.ts, which
 * evaluates the graph from its weights without a runtime.
 */
import { createRandom, findMlpBlocks } from '@fewfire/core';
import { blockOutputs, findZeroPlaces, readOnnxModel } from '@fewfire/core/internal';
import { describe, expect, it } from 'vitest';
import { type NodeParts, runnableModel } from '../../core/test/onnx-writer.ts';
import { type OnnxActivity, observeOnnxBlocks } from '../src/index.ts';
import { evaluate, type NdArray, size, tensorsOf } from './naive-onnx.ts';

const random = createRandom(8);
const D = 5;
const S = 12;
const O = 3;
const ROWS = 24;

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
const flipped = ({ dims: [rows, columns], values }: NdArray, ...more: readonly number[]): NdArray => ({
  dims: [columns, rows, ...more],
  values: Array.from({ length: rows * columns }, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]),
});

const W1 = draw([D, S]);
const b1 = draw([S], 1, -1.5);
const W2 = draw([S, O]);
const b2 = draw([O]);
const CONSTANTS: Readonly<Record<string, NdArray>> = {
  W1,
  b1,
  W2,
  b2,
  W1t: flipped(W1),
  W2t: flipped(W2),
  minusB1: { ...b1, values: Array.from(b1.values, (value) => -value) },
  other: draw([D, S]),
  both: draw([D, 2 * S]),
  both2: draw([2 * S], 1, -0.5),
  C1: flipped(W1, 1, 1),
  C2: flipped(W2, 1, 1),
  L1: flipped(W1, 1),
  L2: flipped(W2, 1),
  bothC: draw([2 * S, D, 1, 1]),
  pixelGain: draw([S, 1, 1], 0.2, 1),
  K1: draw([S, D, 2, 2]),
  K2: draw([O, S, 2, 1]),
  wide: draw([S * 4, O]),
  zero: number(0),
  zeros: { dims: [S], values: new Array(S).fill(0) },
  half: number(0.5),
  two: number(2),
  minusThree: number(-3),
  six: number(6),
  four: number(4),
  huge: number(3.4028234663852886e38),
  gain: draw([S], 0.3, 1),
  signed: draw([S]),
  shift: draw([S], 0.4),
  outputGain: draw([O]),
  mean: draw([S]),
  variance: { dims: [S], values: Float32Array.from({ length: S }, () => 0.3 + random.uniform()) },
  'i:0': whole(0),
  'i:s': whole(S),
  'i:2s': whole(2 * S),
  'i:far': whole(2 ** 53 - 1),
  'i:minusS': whole(-S),
  'i:axis': whole(1),
  'i:last': whole(-1),
  'i:step': whole(1),
  'i:shape': whole(ROWS, S),
};

interface Form {
  readonly name: string;
  readonly nodes: readonly NodeParts[];
  /** The value whose sign decides. */
  readonly before?: string;
  readonly activation?: string;
  readonly folded?: readonly string[];
  readonly dims?: readonly number[];
  /** Axes behind that of the units. */
  readonly pixelAxes?: number;
}

const UP = op('Gemm', ['X', 'W1', 'b1'], 'z');
const DOWN = op('Gemm', ['a', 'W2', 'b2'], 'Y');
const form = (name: string, nodes: readonly NodeParts[], more: Partial<Form> = {}): Form => ({
  name,
  nodes: [UP, ...nodes, DOWN],
  ...more,
});
const NORM = ['gain', 'shift', 'mean', 'variance'];
const mask = (opType: string, left: string, right: string): NodeParts => op(opType, [left, right], 'c');
const CAST = op('Cast', ['c'], 'f', { to: 1 });
const RELU = op('Relu', ['z'], 'a');

const RELUS: readonly Form[] = [
  form('Relu', [RELU]),
  form('Where(z > 0, z, 0)', [mask('Greater', 'z', 'zero'), op('Where', ['c', 'z', 'zero'], 'a')]),
  form('Where(z <= 0, zeros, z)', [mask('LessOrEqual', 'z', 'zeros'), op('Where', ['c', 'zeros', 'z'], 'a')]),
  form('Where(0 < z, z, zeros_like)', [
    mask('Less', 'zero', 'z'),
    op('ConstantOfShape', ['i:shape'], 'like'),
    op('Where', ['c', 'z', 'like'], 'a'),
  ]),
  form('Where(not z < 0, z, 0)', [
    mask('Less', 'z', 'zero'),
    op('Not', ['c'], 'n'),
    op('Where', ['n', 'z', 'zero'], 'a'),
  ]),
  form('z times (z > 0)', [mask('Greater', 'z', 'zero'), CAST, op('Mul', ['z', 'f'], 'a')]),
  form('(0 <= z) times z', [mask('LessOrEqual', 'zero', 'z'), CAST, op('Mul', ['f', 'z'], 'a')]),
  form('LeakyRelu of slope 0', [op('LeakyRelu', ['z'], 'a', { alpha: { float: 0 } })]),
  form('PRelu of slope 0', [op('PRelu', ['z', 'zero'], 'a')]),
  form('PRelu with a slope of 0 for each unit', [op('PRelu', ['z', 'zeros'], 'a')]),
  form('ThresholdedRelu at 0', [op('ThresholdedRelu', ['z'], 'a', { alpha: { float: 0 } })]),
  form('Max(z, 0)', [op('Max', ['z', 'zeros'], 'a')]),
  form('Clip(0, the largest float)', [op('Clip', ['z', 'zero', 'huge'], 'a')]),
  form('(z + |z|) / 2', [op('Abs', ['z'], 'p'), op('Add', ['z', 'p'], 's'), op('Div', ['s', 'two'], 'a')], {
    folded: ['Div'],
  }),
  form('half of |z| + z', [op('Abs', ['z'], 'p'), op('Add', ['p', 'z'], 's'), op('Mul', ['half', 's'], 'a')], {
    folded: ['Mul'],
  }),
];

const ARITHMETIC: readonly Form[] = [
  {
    name: 'a bias by Sub, in both layers',
    nodes: [
      op('MatMul', ['X', 'W1'], 'm'),
      op('Sub', ['m', 'minusB1'], 'z'),
      RELU,
      op('MatMul', ['a', 'W2'], 'n'),
      op('Sub', ['n', 'b2'], 'Y'),
    ],
  },
  form('taken from a constant', [op('Sub', ['half', 'z'], 's'), op('Relu', ['s'], 'a')], { before: 's' }),
  form('Neg', [op('Neg', ['z'], 's'), op('Relu', ['s'], 'a')], { before: 's' }),
  form('a number for all units before', [op('Mul', ['z', 'two'], 's'), op('Relu', ['s'], 'a')], {
    before: 's',
    folded: ['Mul'],
  }),
  form('a negative number before', [op('Div', ['z', 'minusThree'], 's'), op('Relu', ['s'], 'a')], {
    before: 's',
    folded: ['Div'],
  }),
  form(
    'numbers for each unit before, then a bias',
    [op('Mul', ['signed', 'z'], 's'), op('Add', ['s', 'shift'], 't'), op('Relu', ['t'], 'a')],
    { before: 't', folded: ['Mul'] },
  ),
  form('a number behind', [op('Relu', ['z'], 'r'), op('Mul', ['r', 'two'], 'a')], { folded: ['Mul'] }),
  form('numbers for each unit behind', [op('Relu', ['z'], 'r'), op('Mul', ['r', 'signed'], 'a')], { folded: ['Mul'] }),
  form('a number added behind', [op('Relu', ['z'], 'r'), op('Add', ['r', 'two'], 'a')]),
  form('numbers taken away behind', [op('Relu', ['z'], 'r'), op('Sub', ['r', 'shift'], 'a')]),
  form('BatchNormalization before', [op('BatchNormalization', ['z', ...NORM], 'n'), op('Relu', ['n'], 'a')], {
    before: 'n',
    folded: ['BatchNormalization'],
  }),
  form(
    'BatchNormalization before, with its own epsilon',
    [op('BatchNormalization', ['z', ...NORM], 'n', { epsilon: { float: 0.25 } }), op('Relu', ['n'], 'a')],
    { before: 'n', folded: ['BatchNormalization'] },
  ),
  form('BatchNormalization behind', [op('Relu', ['z'], 'r'), op('BatchNormalization', ['r', ...NORM], 'a')], {
    folded: ['BatchNormalization'],
  }),
  form(
    'the square of what is multiplied',
    [op('Relu', ['z'], 'r'), op('Mul', ['r', 'minusThree'], 's'), op('Mul', ['s', 's'], 'a')],
    { activation: 'squared-relu', folded: ['Mul'] },
  ),
  form('a multiplied square', [op('Relu', ['z'], 'r'), op('Pow', ['r', 'two'], 's'), op('Div', ['s', 'gain'], 'a')], {
    activation: 'squared-relu',
    folded: ['Div'],
  }),
];

const GATE_UP = [op('MatMul', ['X', 'both'], 'm'), op('Add', ['m', 'both2'], 'gu')];
const GATE = [op('Relu', ['g'], 'r'), op('Mul', ['r', 'u'], 'a'), DOWN];
const split = (axis: number, input = 'gu'): NodeParts => ({
  opType: 'Split',
  inputs: [input],
  outputs: ['g', 'u'],
  attributes: { axis },
});
const gate = (name: string, nodes: readonly NodeParts[], more: Partial<Form> = {}): Form => ({
  name,
  nodes: [...GATE_UP, ...nodes, ...GATE],
  before: 'g',
  activation: 'gated-relu',
  ...more,
});
const PARTS: readonly Form[] = [
  gate('Split on the last axis', [split(-1)]),
  gate('Split on axis 1, which is the last', [split(1)]),
  gate('Slice', [op('Slice', ['gu', 'i:0', 'i:s', 'i:axis'], 'g'), op('Slice', ['gu', 'i:s', 'i:2s', 'i:axis'], 'u')]),
  {
    name: 'a bias and a factor for each part',
    nodes: [
      ...GATE_UP,
      { ...split(1), outputs: ['g0', 'u0'] },
      op('Add', ['g0', 'shift'], 'g'),
      op('Mul', ['u0', 'gain'], 'u'),
      ...GATE,
    ],
    before: 'g',
    activation: 'gated-relu',
    folded: ['Mul'],
  },

  {
    name: 'one part alone',
    nodes: [...GATE_UP, op('Slice', ['gu', 'i:s', 'i:2s', 'i:axis'], 'z'), RELU, DOWN],
  },
  gate('a gate that is multiplied', [split(-1)], {
    nodes: [
      ...GATE_UP,
      split(-1),
      op('Relu', ['g'], 'r'),
      op('Mul', ['r', 'half'], 'h'),
      op('Mul', ['u', 'h'], 'a'),
      DOWN,
    ],
    folded: ['Mul'],
  }),
];

const fused = (inputs: readonly string[], output: string, attributes = {}): NodeParts => ({
  ...op('FusedGemm', inputs, output, attributes),
  domain: 'com.microsoft',
});
const einsum = (equation: string, inputs: readonly string[], output: string): NodeParts =>
  op('Einsum', inputs, output, { equation });

const LAYERS: readonly Form[] = [
  { name: 'FusedGemm', nodes: [fused(['X', 'W1', 'b1'], 'a', { activation: 'Relu' }), DOWN], before: 'a' },
  {
    name: 'FusedGemm as the second layer, with a ReLU of its own',
    nodes: [UP, RELU, fused(['a', 'W2', 'b2'], 'Y', { activation: 'Relu' })],
  },
  {
    name: 'Einsum',
    nodes: [
      einsum('nd,ds->ns', ['X', 'W1'], 'm'),
      op('Add', ['m', 'b1'], 'z'),
      RELU,
      einsum('ns,so->no', ['a', 'W2'], 'Y'),
    ],
  },
  {
    name: 'Einsum with its matrices the other way round, and on the left',
    nodes: [
      einsum('sd, nd -> ns', ['W1t', 'X'], 'm'),
      op('Add', ['m', 'b1'], 'z'),
      RELU,
      einsum('na,ba->nb', ['a', 'W2t'], 'Y'),
    ],
  },
  {
    name: 'Einsum on three axes',
    nodes: [
      einsum('btd,ds->bts', ['X', 'W1'], 'm'),
      op('Add', ['m', 'b1'], 'z'),
      RELU,
      einsum('bts,so->bto', ['a', 'W2'], 'Y'),
    ],
    dims: [3, D],
  },
  {
    name: 'convolutions of one pixel',
    nodes: [op('Conv', ['X', 'C1', 'b1'], 'z'), RELU, op('Conv', ['a', 'C2', 'b2'], 'Y')],
    dims: [D, 2, 3],
    pixelAxes: 2,
  },
  {
    name: 'convolutions of one step, with BatchNormalization',
    nodes: [
      op('Conv', ['X', 'L1'], 'z'),
      op('BatchNormalization', ['z', ...NORM], 'n'),
      op('Relu', ['n'], 'a'),
      op('Conv', ['a', 'L2', 'b2'], 'Y'),
    ],
    before: 'n',
    folded: ['BatchNormalization'],
    dims: [D, 4],
    pixelAxes: 1,
  },
  {
    name: 'a gated convolution of one pixel, with a factor for each channel',
    nodes: [
      op('Conv', ['X', 'bothC'], 'gu'),
      split(1),
      op('Relu', ['g'], 'r'),
      op('Mul', ['r', 'u'], 'p'),
      op('Mul', ['p', 'pixelGain'], 'a'),
      op('Conv', ['a', 'C2'], 'Y'),
    ],
    before: 'g',
    activation: 'gated-relu',
    folded: ['Mul'],
    dims: [D, 2, 2],
    pixelAxes: 2,
  },
];

const used = (nodes: readonly NodeParts[]): Record<string, NdArray> =>
  Object.fromEntries(Object.entries(CONSTANTS).filter(([name]) => nodes.some(({ inputs }) => inputs.includes(name))));

interface Watched {
  readonly seen: OnnxActivity;
  readonly values: ReadonlyMap<string, NdArray>;
  readonly placeCount: number;
}

async function watch({ nodes, dims = [D] }: Form): Promise<Watched> {
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
  const { places } = findZeroPlaces(model, blocks);
  const arrays = new Map([['X', { shape: X.dims, values: Float32Array.from(X.values) }]]);
  const seen = await observeOnnxBlocks(bytes, model, blocks, arrays, { places, keptRowCount: 1000 });
  return { seen, values: evaluate(nodes, constants, { X }), placeCount: places.length };
}

/** Rows of numbers of one unit each: channels put last. */
function unitRows({ dims, values }: NdArray, pixelAxes: number): number[][] {
  const width = dims[dims.length - 1 - pixelAxes];
  const behind = size(dims.slice(dims.length - pixelAxes));
  return Array.from({ length: values.length / width }, (_, row) =>
    Array.from({ length: width }, (_, u) => values[(Math.floor(row / behind) * width + u) * behind + (row % behind)]),
  );
}

const shareAbove = (rows: readonly (readonly number[])[]): number[] =>
  rows[0].map((_, u) => rows.filter((row) => row[u] > 0).length / rows.length);

describe.each([
  ['a ReLU', RELUS],
  ['constants around it', ARITHMETIC],
  ['parts of a layer', PARTS],
  ['layers', LAYERS],
])('%s', (_, forms) => {
  it.each(forms.map((one) => [one.name, one] as const))('%s', async (_, form) => {
    const { before = 'z', activation = 'relu', folded = [], pixelAxes = 0 } = form;
    const { seen, values, placeCount } = await watch(form);
    const [{ found, activity, block, rows, notLoaded }] = seen.blocks;
    expect(notLoaded).toBeUndefined();
    expect(seen.blocks).toHaveLength(1);
    expect(placeCount).toBe(0);
    expect(found).toMatchObject({ activation, sparse: true, reach: 'both-layers', folded });
    const expected = unitRows(values.get(before) as NdArray, pixelAxes);
    expect(Array.from(activity.unitRates)).toEqual(shareAbove(expected));
    expect(activity.activationRate).toBeLessThan(0.75);
    expect(activity.activationRate).toBeGreaterThan(0.05);
    // Inputs and outputs, row by row: what the weights that were read make of the ones against the others.
    if (block === undefined) throw new Error('no block');
    const inputs = unitRows(values.get('X') as NdArray, pixelAxes);
    expect(Array.from(rows)).toEqual(inputs.flat());
    const own = blockOutputs(block, rows);
    const outputs = unitRows(values.get('Y') as NdArray, pixelAxes).flat();
    const largest = Math.max(...outputs.map(Math.abs));
    own.forEach((value, i) => {
      const given = found.outputRectified ? Math.max(value, 0) : value;
      expect(Math.abs(given - outputs[i])).toBeLessThan(2e-6 * largest);
    });
  });
});

interface Counted extends Form {
  readonly words: string;
  readonly unitCount?: number;
  readonly reason: RegExp;
}

const COUNTED: readonly Counted[] = [
  {
    ...form('ReLU6 by Clip', [op('Clip', ['z', 'zero', 'six'], 'a')]),
    activation: 'relu6',
    words: 'ReLU6',
    reason: /relu6 cannot be run/,
  },
  {
    ...form('ReLU6 by Min', [op('Relu', ['z'], 'r'), op('Min', ['r', 'six'], 'a')]),
    activation: 'relu6',
    words: 'ReLU6',
    reason: /relu6 cannot be run/,
  },
  {
    ...form('clipped elsewhere', [op('Clip', ['z', 'zero', 'four'], 'a')]),
    activation: 'clipped-relu',
    words: 'clipped ReLU',
    reason: /clipped-relu cannot be run/,
  },
  {
    ...form('LayerNormalization before', [
      op('LayerNormalization', ['z', 'gain', 'shift'], 'n'),
      op('Relu', ['n'], 'a'),
    ]),
    before: 'n',
    words: 'LayerNormalization, ReLU',
    reason: /only the layer behind the activation/,
  },
  {
    name: 'a sum of two layers before',
    nodes: [UP, op('MatMul', ['X', 'other'], 'k'), op('Add', ['z', 'k'], 's'), op('Relu', ['s'], 'a'), DOWN],
    before: 's',
    words: 'Add, ReLU',
    reason: /only the layer behind the activation/,
  },
  {
    name: 'convolutions of several pixels',
    nodes: [op('Conv', ['X', 'K1', 'b1'], 'z'), RELU, op('Conv', ['a', 'K2'], 'Y')],
    dims: [D, 4, 3],
    pixelAxes: 2,
    words: 'Conv, ReLU before Conv',
    reason: /only the layer behind the activation/,
  },
  {
    name: 'a convolution of several pixels, normalised, before one of one pixel',
    nodes: [
      op('Conv', ['X', 'K1', 'b1'], 'z'),
      op('BatchNormalization', ['z', ...NORM], 'n'),
      op('Relu', ['n'], 'a'),
      op('Conv', ['a', 'C2'], 'Y'),
    ],
    before: 'n',
    dims: [D, 3, 3],
    pixelAxes: 2,
    words: 'Conv, BatchNormalization, ReLU',
    reason: /only the layer behind the activation/,
  },
];

describe('counted and not run', () => {
  it.each(COUNTED.map((one) => [one.name, one] as const))('%s', async (_, form) => {
    const { before = 'z', activation = 'relu', pixelAxes = 0, words, reason } = form;
    const { seen, values, placeCount } = await watch(form);
    const [{ found, activity, block, notLoaded }] = seen.blocks;
    expect(found).toMatchObject({ activation, sparse: true, form: words, unitCount: S, outputWidth: O });
    expect(block).toBeUndefined();
    expect(notLoaded).toMatch(reason);
    expect(placeCount).toBe(0);
    const expected = unitRows(values.get(before) as NdArray, pixelAxes);
    expect(Array.from(activity.unitRates)).toEqual(shareAbove(expected));
  });

  it('a convolution whose pixels are laid out in a row: each is a unit of the layer behind', async () => {
    const nodes = [
      op('Conv', ['X', 'K1', 'b1'], 'z'),
      op('Relu', ['z'], 'r'),
      op('Flatten', ['r'], 'a'),
      op('MatMul', ['a', 'wide'], 'Y'),
    ];
    const X = draw([ROWS, D, 3, 3]);
    const constants = used(nodes);
    const bytes = runnableModel({
      nodes,
      initializers: tensorsOf(constants),
      inputs: [{ name: 'X', type: 1, dims: ['N', D, 3, 3] }],
      outputs: ['Y'],
    });
    const model = readOnnxModel(bytes);
    const { blocks } = findMlpBlocks(model);
    expect(blocks).toMatchObject([
      { form: 'Conv, ReLU', reach: 'second-layer', unitCount: 4 * S, channelFirst: false },
    ]);
    const arrays = new Map([['X', { shape: X.dims, values: Float32Array.from(X.values) }]]);
    const seen = await observeOnnxBlocks(bytes, model, blocks, arrays);
    const z = evaluate(nodes.slice(0, 1), constants, { X }).get('z') as NdArray;
    const rows = unitRows({ dims: [ROWS, 4 * S], values: z.values }, 0);
    expect(Array.from(seen.blocks[0].activity.unitRates)).toEqual(shareAbove(rows));
  });
});

it('a residual sum: a ReLU before it is a block of its own, and no word of the next', () => {
  const nodes = [
    op('Conv', ['X', 'K1', 'b1'], 'p'),
    op('Relu', ['p'], 'r'),
    op('Conv', ['r', 'K3'], 'k', { group: S }),
    op('Add', ['r', 'k'], 'z'),
    op('Relu', ['z'], 'a'),
    op('Conv', ['a', 'C2'], 'Y'),
  ];
  const bytes = runnableModel({
    nodes,
    initializers: tensorsOf({ ...used(nodes), K3: draw([S, 1, 1, 1]) }),
    inputs: [{ name: 'X', type: 1, dims: ['N', D, 3, 3] }],
    outputs: ['Y'],
  });
  // The layer behind the first has a group for each channel, and makes no use of zeros.
  expect(findMlpBlocks(readOnnxModel(bytes)).blocks.map((block) => block.form)).toEqual(['Conv, Add, ReLU']);
});

describe('what looks like one of these and is none', () => {
  const notRelu: readonly (readonly [string, readonly NodeParts[]])[] = [
    ['Where that keeps the negative ones', [mask('Greater', 'z', 'zero'), op('Where', ['c', 'zero', 'z'], 'a')]],
    [
      'Where on another value',
      [op('MatMul', ['X', 'other'], 'k'), mask('Greater', 'k', 'zero'), op('Where', ['c', 'z', 'zero'], 'a')],
    ],
    ['Where with another number', [mask('Greater', 'z', 'zero'), op('Where', ['c', 'z', 'half'], 'a')]],
    ['Where with another threshold', [mask('Greater', 'z', 'half'), op('Where', ['c', 'z', 'zero'], 'a')]],
    ['a mask of the negative ones', [mask('Less', 'z', 'zero'), CAST, op('Mul', ['z', 'f'], 'a')]],
    ['a slope that is not 0', [op('PRelu', ['z', 'half'], 'a')]],
    ['slopes of which one is not 0', [op('PRelu', ['z', 'almost'], 'a')]],
    ['LeakyRelu by default', [op('LeakyRelu', ['z'], 'a')]],
    ['ThresholdedRelu by default', [op('ThresholdedRelu', ['z'], 'a')]],
    ['Max with numbers of which one is not 0', [op('Max', ['z', 'almost'], 'a')]],
    ['z - |z|', [op('Abs', ['z'], 'p'), op('Sub', ['z', 'p'], 'a')]],
    [
      'the square of what is shifted',
      [op('Relu', ['z'], 'r'), op('Add', ['r', 'half'], 's'), op('Mul', ['s', 's'], 'a')],
    ],
    ['half of |x| + z', [op('MatMul', ['X', 'other'], 'k'), op('Abs', ['k'], 'p'), op('Add', ['p', 'z'], 'a')]],
  ];
  it.each(notRelu)('%s', (_, inner) => {
    const nodes = [UP, ...inner, DOWN];
    const almost = { dims: [S], values: Array.from({ length: S }, (_, u) => (u === 3 ? 0.1 : 0)) };
    const bytes = runnableModel({
      nodes,
      initializers: tensorsOf({ ...used(nodes), almost }),
      inputs: [{ name: 'X', type: 1, dims: ['N', D] }],
      outputs: ['Y'],
    });
    expect(findMlpBlocks(readOnnxModel(bytes)).blocks.filter(({ sparse }) => sparse)).toEqual([]);
  });

  it('Split and BatchNormalization along an axis that is not that of the units', () => {
    const rows = [
      op('MatMul', ['X', 'W1'], 'z'),
      { ...split(1, 'z') },
      op('Relu', ['g'], 'a'),
      op('MatMul', ['a', 'W2'], 'Y'),
    ];
    const normal = [
      op('MatMul', ['X', 'W1'], 'z'),
      op('BatchNormalization', ['z', ...NORM], 'n'),
      op('Relu', ['n'], 'a'),
      op('MatMul', ['a', 'W2'], 'Y'),
    ];
    for (const nodes of [rows, normal]) {
      const bytes = runnableModel({
        nodes,
        initializers: tensorsOf(used(nodes)),
        // As many rows as units: only the number of axes tells.
        inputs: [{ name: 'X', type: 1, dims: ['N', S, D] }],
        outputs: ['Y'],
      });
      const { blocks } = findMlpBlocks(readOnnxModel(bytes));
      expect(blocks.filter(({ reach, sparse }) => sparse && reach === 'both-layers')).toEqual([]);
    }
  });
});

/**
 * Rows that depend on each other are noticed, and the share of active units is that of the right runs: everything inside
 * the models is computed again by naive-onnx.ts, and zeros are counted there.
 */
import { createRandom, findMlpBlocks } from '@fewfire/core';
import { readOnnxModel } from '@fewfire/core/internal';
import { describe, expect, it } from 'vitest';
import { type NodeParts, runnableModel } from '../../core/test/onnx-writer.ts';
import { type OnnxActivity, type OnnxActivityOptions, observeOnnxBlocks } from '../src/index.ts';
import { evaluate, type NdArray, size, tensorsOf } from './naive-onnx.ts';

const random = createRandom(21);
const D = 4;
const S = 9;
const O = 3;

const draw = (dims: readonly number[], scale = 1, shift = 0): NdArray => ({
  dims,
  values: Float32Array.from({ length: size(dims) }, () => scale * random.normal() + shift),
});
const number = (value: number): NdArray => ({ dims: [], values: [value] });
const whole = (...values: readonly number[]): NdArray => ({ dims: [values.length], values });

const WEIGHTS = { W1: draw([D, S]), b1: draw([S], 0.5, -0.7), W2: draw([S, O]) };

interface Mixer {
  readonly name: string;
  /** From X to the rows m that the block reads. */
  readonly nodes: readonly NodeParts[];
  readonly constants?: Readonly<Record<string, NdArray>>;
  readonly inputs?: readonly { readonly name: string; readonly dims: readonly (number | string)[] }[];
  readonly given?: Readonly<Record<string, NdArray>>;
}

const op = (opType: string, inputs: readonly string[], output: string, attributes = {}): NodeParts => ({
  opType,
  inputs,
  outputs: [output],
  attributes,
});
const ROWS = 80;
const rows = { X: draw([ROWS, D]) };
const timed = { X: draw([ROWS, 5, D]) };
const TIMED = [{ name: 'X', dims: ['N', 5, D] }];

function bytesOf({ nodes, constants = {}, inputs = [{ name: 'X', dims: ['N', D] }] }: Mixer): Uint8Array {
  return runnableModel({
    nodes: [...nodes, ...BLOCK],
    initializers: tensorsOf({ ...WEIGHTS, ...constants }),
    inputs: inputs.map((input) => ({ ...input, type: 1 })),
    outputs: ['Y'],
  });
}

const BLOCK = [
  op('MatMul', ['m', 'W1'], 'z0'),
  op('Add', ['z0', 'b1'], 'z'),
  op('Relu', ['z'], 'a'),
  op('MatMul', ['a', 'W2'], 'Y'),
];

async function observe(mixer: Mixer, options?: OnnxActivityOptions): Promise<OnnxActivity> {
  const bytes = bytesOf(mixer);
  const model = readOnnxModel(bytes);
  const given = Object.entries(mixer.given ?? rows).map(
    ([name, { dims, values }]) => [name, { shape: dims, values: Float32Array.from(values) }] as const,
  );
  return await observeOnnxBlocks(bytes, model, findMlpBlocks(model).blocks, new Map(given), options);
}

const sums = ({ nodes, constants = {} }: Mixer, inputs: Readonly<Record<string, NdArray>>): ArrayLike<number> =>
  (evaluate([...nodes, ...BLOCK], { ...WEIGHTS, ...constants }, inputs).get('z') as NdArray).values;

/** Active cells: of the whole array as one input, or of one row of the inputs after the other. */
function activeShare(mixer: Mixer, way: 'whole' | 'alone'): number {
  const given = mixer.given ?? rows;
  const parts = way === 'whole' ? [given] : Array.from({ length: given.X.dims[0] }, (_, row) => sampleOf(mixer, row));
  const values = parts.flatMap((inputs) => Array.from(sums(mixer, inputs)));
  // A sum so near to zero could be decided otherwise in single precision.
  expect(values.reduce((least, z) => Math.min(least, Math.abs(z)), 1)).toBeGreaterThan(1e-6);
  return values.filter((z) => z > 0).length / values.length;
}

function sampleOf({ given = rows, inputs = [] }: Mixer, row: number): Record<string, NdArray> {
  return Object.fromEntries(
    Object.entries(given).map(([name, { dims, values }]) => {
      // The axis called as the first one of X.
      const axis = Math.max(0, inputs.find((input) => input.name === name)?.dims.indexOf(inputs[0].dims[0]) ?? 0);
      const inner = size(dims.slice(axis + 1));
      const outer = size(dims.slice(0, axis));
      const own = Array.from({ length: outer }, (_, o) =>
        Array.from(values).slice((o * dims[axis] + row) * inner, (o * dims[axis] + row + 1) * inner),
      );
      return [name, { dims: dims.with(axis, 1), values: own.flat() }];
    }),
  );
}

const independent: readonly Mixer[] = [
  { name: 'rows', nodes: [op('Identity', ['X'], 'm')] },
  { name: 'attention along the second axis', nodes: attention('X', [0, 2, 1]), given: timed, inputs: TIMED },
  {
    name: 'time first inside',
    nodes: [op('Transpose', ['X'], 'm', { perm: { ints: [1, 0, 2] } })],
    given: timed,
    inputs: TIMED,
  },
  {
    name: 'time first inside, in one axis with the samples',
    nodes: [op('Transpose', ['X'], 'xt', { perm: { ints: [1, 0, 2] } }), op('Reshape', ['xt', 'i:rows'], 'm')],
    constants: { 'i:rows': whole(-1, D) },
    given: timed,
    inputs: TIMED,
  },
  {
    name: 'a state whose samples are on the second axis',
    nodes: [op('Reshape', ['H', 'i:rows'], 'h'), op('Add', ['X', 'h'], 'm')],
    constants: { 'i:rows': whole(-1, D) },
    given: { X: rows.X, H: draw([1, ROWS, D]) },
    inputs: [
      { name: 'X', dims: ['N', D] },
      { name: 'H', dims: [1, 'N', D] },
    ],
  },
];

function attention(x: string, perm: readonly number[]): NodeParts[] {
  return [
    op('Transpose', [x], 'xt', { perm: { ints: perm } }),
    op('MatMul', [x, 'xt'], 's'),
    op('Softmax', ['s'], 'p', { axis: -1 }),
    op('MatMul', ['p', x], 'm'),
  ];
}

const dependent: readonly Mixer[] = [
  { name: 'attention over the axis of rows', nodes: attention('X', [1, 0]) },
  {
    name: 'sequence first, samples second',
    nodes: [op('ReduceMean', ['X'], 'mean', { axes: { ints: [0] } }), op('Sub', ['X', 'mean'], 'm')],
    given: timed,
    inputs: [{ name: 'X', dims: ['T', 'N', D] }],
  },
  {
    name: 'normalised by the batch',
    nodes: [
      op('ReduceMean', ['X'], 'mean', { axes: { ints: [0] } }),
      op('Sub', ['X', 'mean'], 'c'),
      op('Mul', ['c', 'two'], 'm'),
    ],
    constants: { two: number(2) },
  },
  {
    name: 'a state carried along the rows',
    nodes: [op('CumSum', ['X', 'i:axis'], 'sum'), op('Mul', ['sum', 'tenth'], 'm')],
    constants: { 'i:axis': { dims: [], values: [0] }, tenth: number(0.1) },
  },
  {
    name: 'pairs of rows, so that one alone is refused',
    nodes: [
      op('Reshape', ['X', 'i:pairs'], 'pairs'),
      op('ReduceMean', ['pairs'], 'mean', { axes: { ints: [1] } }),
      op('Sub', ['pairs', 'mean'], 'm'),
    ],
    constants: { 'i:pairs': whole(-1, 2, D) },
  },
  {
    name: 'only in batches of more than eight',
    nodes: [
      op('Shape', ['X'], 'shape'),
      op('Gather', ['shape', 'i:first'], 'count'),
      op('Cast', ['count'], 'countF', { to: 1 }),
      op('Sub', ['countF', 'eight'], 'over'),
      op('Relu', ['over'], 'beyond'),
      op('ReduceMean', ['X'], 'mean', { axes: { ints: [0] } }),
      op('Mul', ['mean', 'beyond'], 'shift'),
      op('Add', ['X', 'shift'], 'm'),
    ],
    constants: { 'i:first': { dims: [], values: [0] }, eight: number(8) },
  },
];

describe('rows that are independent', () => {
  it.each(independent.map((mixer) => [mixer.name, mixer] as const))('%s', async (_, mixer) => {
    const { dependence, samplesPerRun, blocks } = await observe(mixer, { topCount: 1 });
    expect({ dependence, samplesPerRun }).toEqual({
      dependence: { samples: 'independent', reason: '' },
      samplesPerRun: 64,
    });
    expect(blocks[0].activity.activationRate).toBe(activeShare(mixer, 'alone'));
    // Which rows a unit answers most, counted sample after sample wherever the axis of samples stands.
    const alone = Array.from({ length: ROWS }, (_, row) => Array.from(sums(mixer, sampleOf(mixer, row)))).flat();
    for (const [u, top] of blocks[0].activity.topRows.entries()) {
      const own = alone.filter((_, i) => i % S === u);
      const best = own.indexOf(Math.max(...own));
      expect(top.map(({ row }) => row)).toEqual(own[best] > 0 ? [best] : []);
    }
  });
});

describe('rows that depend on each other', () => {
  it.each(dependent.map((mixer) => [mixer.name, mixer] as const))('%s', async (name, mixer) => {
    const { dependence, samplesPerRun, blocks, sampleCount } = await observe(mixer);
    expect(dependence.samples).toBe('dependent');
    expect(dependence.reason).toMatch(name.includes('refused') ? /row \d+ alone is refused/ : /^row \d+ gives other/);
    expect(samplesPerRun).toBe(sampleCount);
    const share = activeShare(mixer, 'whole');
    expect(blocks[0].activity.activationRate).toBe(share);
    if (!/^(attention|sequence)/.test(name)) return;
    // Asked for one by one, the other figure comes out, and it is another one.
    const single = await observe(mixer, { samplesPerRun: 1 });
    expect(single.dependence.samples).toBe('dependent');
    expect(single.blocks[0].activity.activationRate).toBe(activeShare(mixer, 'alone'));
    expect(Math.abs(share - single.blocks[0].activity.activationRate)).toBeGreaterThan(0.005);
  });

  it('in a batch of fixed size: run as the model takes them, and said', async () => {
    const inputs = [{ name: 'X', dims: [10, D] }];
    const alone = await observe({ ...independent[0], inputs });
    expect(alone).toMatchObject({ samplesPerRun: 10, dependence: { samples: 'independent' } });
    // Attention changes all rows of a batch, a carried state leaves the first as it is.
    for (const mixer of [dependent[0], dependent[3]]) {
      const mixed = await observe({ ...mixer, inputs });
      expect(mixed).toMatchObject({ samplesPerRun: 10, sampleCount: ROWS, dependence: { samples: 'dependent' } });
    }
    await expect(observe({ ...independent[0], inputs }, { samplesPerRun: 4 })).rejects.toThrow(
      /takes 10 samples at a time/,
    );
  });

  it('more than the memory holds at once: refused, not cut', async () => {
    const bytes = ROWS * 4 * (D + S + O);
    await expect(observe(dependent[0], { memoryLimitBytes: 2 * bytes - 1 })).rejects.toThrow(
      /80 samples of the ONNX model run at once \(its samples depend on each other\).*allow more memory/,
    );
    expect((await observe(dependent[0], { memoryLimitBytes: 2 * bytes })).samplesPerRun).toBe(ROWS);
  });
});

describe('what cannot be told', () => {
  it('a model that draws random numbers', async () => {
    const nodes = [op('RandomNormalLike', ['X'], 'r'), op('Add', ['X', 'r'], 'm')];
    const { dependence } = await observe({ name: '', nodes });
    expect(dependence).toEqual({ samples: 'not known', reason: expect.stringMatching(/draws random numbers/) });
  });

  it('a model that takes only one row though it does not say so is run row by row', async () => {
    const mixer = {
      name: '',
      nodes: [op('Reshape', ['X', 'i:one'], 'm')],
      constants: { 'i:one': whole(1, D) },
    };
    const { dependence, samplesPerRun, blocks, sampleCount } = await observe(mixer);
    expect(dependence).toEqual({ samples: 'not known', reason: expect.stringMatching(/6 rows at once are refused/) });
    expect([samplesPerRun, sampleCount]).toEqual([1, ROWS]);
    expect(blocks[0].activity.activationRate).toBe(activeShare(mixer, 'alone'));
  });
});

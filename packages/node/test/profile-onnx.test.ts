/** Models are run for real: the activity of their blocks against sums written here and against numpy's. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createRandom, FewfireError, findMlpBlocks } from '@fewfire/core';
import { readOnnxModel } from '@fewfire/core/internal';
import { describe, expect, it } from 'vitest';
import {
  D,
  type GraphCase,
  gatedGraphs,
  graphBytes,
  otherGraphs,
  reluGraphs,
  S,
  squaredGraphs,
  weights,
} from '../../core/test/mlp-graphs.ts';
import { floatTensor, integerTensor, runnableModel } from '../../core/test/onnx-writer.ts';
import {
  type NumberArray,
  type OnnxActivity,
  type OnnxActivityOptions,
  observeOnnxBlocks,
  openOnnxRunner,
  readInputArrays,
} from '../src/index.ts';

const example = (name: string): string => fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));

async function observe(
  bytes: Uint8Array,
  inputs: ReadonlyMap<string, NumberArray>,
  options?: OnnxActivityOptions,
): Promise<OnnxActivity> {
  const model = readOnnxModel(bytes);
  return await observeOnnxBlocks(bytes, model, findMlpBlocks(model).blocks, inputs, options);
}

const random = createRandom(2);
const ROWS = 48;
const X = Float32Array.from({ length: ROWS * D }, () => random.normal());
const inputsOf = ({ dims = ['N', D] }: GraphCase): ReadonlyMap<string, NumberArray> =>
  new Map([['x', { shape: dims.length === 3 ? [ROWS / 4, 4, D] : [ROWS, D], values: X }]]);

/** Rows on which unit u is active. */
const firing = Array.from(
  { length: S },
  (_, u) =>
    Array.from({ length: ROWS }, (_, r) =>
      Array.from({ length: D }, (_, i) => X[r * D + i] * weights.up[i * S + u]).reduce(
        (a, b) => a + b,
        weights.upBias[u],
      ),
    ).filter((z) => z > 0).length / ROWS,
);

describe('small models', () => {
  // Their blocks are compared with the model's outputs inside, too.
  it.each([...reluGraphs, ...squaredGraphs, ...gatedGraphs].map((graph) => [graph.name, graph] as const))(
    'ReLU: %s',
    async (_, graph) => {
      const { blocks, sampleCount } = await observe(graphBytes(graph), inputsOf(graph));
      const [{ activity, block, rows }] = blocks;
      expect(sampleCount).toBe(graph.dims?.length === 3 ? ROWS / 4 : ROWS);
      expect(activity.rowCount).toBe(ROWS);
      expect(Array.from(activity.unitRates)).toEqual(firing);
      expect(rows).toEqual(X);
      expect(block?.unitCount).toBe(S);
    },
  );

  // A few of them: what they are called is tested in core.
  const others = otherGraphs.filter(({ activation }) => ['gelu', 'gated-silu', 'relu6'].includes(activation));
  it.each(others.map((graph) => [graph.name, graph] as const))('not sparse: %s', async (_, graph) => {
    const [{ activity, block, notLoaded }] = (await observe(graphBytes(graph), inputsOf(graph))).blocks;
    expect(block).toBeUndefined();
    if (graph.activation === 'relu6') {
      expect(Array.from(activity.unitRates)).toEqual(firing);
      expect(notLoaded).toMatch(/relu6 cannot be run/);
      return;
    }
    // Far below zero the GELU of a single-precision number is rounded to zero; nothing else here ever is.
    expect(activity.activationRate).toBeGreaterThanOrEqual(graph.activation === 'gelu' ? 0.95 : 1);
  });
});

it('a transformer: as a forward pass in numpy has it', async () => {
  const golden = JSON.parse(readFileSync(new URL('./goldens/charlm-activity.json', import.meta.url), 'utf8')) as {
    blocks: {
      activeCount: number;
      rowCount: number;
      unitCounts: number[];
      closeCount: number;
      rowQuantiles: Record<string, number>;
    }[];
  };
  const inputs = await readInputArrays(example('charlm-relu-tokens.npy'));
  const { blocks, sampleCount } = await observe(readFileSync(example('charlm-relu.onnx')), inputs);
  expect(sampleCount).toBe(64);
  expect(blocks.map(({ found }) => found.name)).toEqual(['b.0', 'b.1', 'b.2']);
  blocks.forEach(({ activity }, b) => {
    const { activeCount, rowCount, unitCounts, closeCount, rowQuantiles } = golden.blocks[b];
    expect(activity.rowCount).toBe(rowCount);
    // Only sums that are nearly zero may be decided otherwise in single precision.
    const differing = unitCounts.reduce((sum, count, u) => sum + Math.abs(count - activity.unitRates[u] * rowCount), 0);
    expect(Math.round(differing)).toBeLessThanOrEqual(closeCount);
    expect(Math.abs(activity.activationRate * rowCount * 1024 - activeCount)).toBeLessThanOrEqual(closeCount + 1e-6);
    for (const { at, rate } of activity.rateQuantiles)
      expect(Math.abs(rate * 1024 - rowQuantiles[at])).toBeLessThanOrEqual(1);
  });
  const shares = blocks.map(({ activity }) => Math.round(100 * activity.activationRate));
  expect(shares).toEqual([13, 6, 6]);
});

it('axes without a length and a name take any length', async () => {
  const unnamed = { ...reluGraphs[0], dims: ['', D] };
  const [{ activity }] = (await observe(graphBytes(unnamed), inputsOf(reluGraphs[0]))).blocks;
  expect(Array.from(activity.unitRates)).toEqual(firing);
});

describe('inputs that do not fit', () => {
  const bytes = graphBytes(reluGraphs[0]);
  const array = (
    shape: number[],
    values: NumberArray['values'] = new Float64Array(shape.reduce((a, b) => a * b, 1)),
  ): ReadonlyMap<string, NumberArray> => new Map([['x', { shape, values }]]);
  const two = runnableModel({
    nodes: [
      { opType: 'MatMul', inputs: ['X', 'W'], outputs: ['h'] },
      { opType: 'Relu', inputs: ['h'], outputs: ['a'] },
      { opType: 'MatMul', inputs: ['a', 'W'], outputs: ['n'] },
      { opType: 'Gather', inputs: ['n', 'K'], outputs: ['Y'] },
    ],
    initializers: [floatTensor('W', [2, 2], [1, 2, 3, 4])],
    inputs: [
      { name: 'X', type: 1, dims: [4, 2] },
      { name: 'K', type: 7, dims: [1] },
    ],
    outputs: ['Y'],
  });
  it.each([
    ['other width', bytes, array([5, 4]), 'invalid-data', /has the shape \[N, 3\], and the given array \[5, 4\]/],
    ['other number of axes', bytes, array([5, 3, 1]), 'invalid-data', /given array \[5, 3, 1\]/],
    ['no rows', bytes, array([0, 3]), 'invalid-data', /is empty/],
    ['NaN', bytes, array([1, 3], Float64Array.of(1, Number.NaN, 1)), 'invalid-data', /NaN|activation/],
    ['missing input', two, array([4, 2]), 'invalid-data', /needs the inputs "X", "K"; the arrays given are "x"/],
    [
      'a fraction for a whole number',
      two,
      new Map([
        ['X', { shape: [4, 2], values: new Float64Array(8) }],
        ['K', { shape: [1], values: Float64Array.of(0.5) }],
      ]),
      'invalid-data',
      /type int64, and number 0 of the given ones is 0\.5/,
    ],
    [
      'too few for a fixed batch',
      two,
      new Map([
        ['X', { shape: [3, 2], values: new Float64Array(6) }],
        ['K', { shape: [1], values: Float64Array.of(0) }],
      ]),
      'invalid-data',
      /takes 4 samples at a time and got 3/,
    ],
  ] as const)('%s', async (_, model, inputs, code, message) => {
    const error: unknown = await observe(model, inputs).catch((reason) => reason);
    expect(error).toBeInstanceOf(FewfireError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('whole batches of a fixed size are used, the rest is named; whole numbers fit int64', async () => {
    const { sampleCount, notes, blocks } = await observe(
      two,
      new Map([
        ['X', { shape: [10, 2], values: Float64Array.from({ length: 20 }, (_, i) => i - 10) }],
        ['K', { shape: [1], values: Float64Array.of(1) }],
        ['Z', { shape: [1], values: Float64Array.of(1) }],
      ]),
    );
    expect(sampleCount).toBe(8);
    expect(notes.join('; ')).toMatch(/"Z".*the last 2 are left out/);
    expect(blocks[0].activity.rowCount).toBe(8);
  });
});

describe('models that cannot be run', () => {
  it('unknown operators, by name', async () => {
    const graph = {
      ...reluGraphs[0],
      nodes: [...reluGraphs[0].nodes, { opType: 'Frobnicate', inputs: ['Y'], outputs: ['Q'] }],
    };
    await expect(observe(graphBytes(graph), inputsOf(graph))).rejects.toThrow(
      /onnxruntime (cannot run|refuses).*Frobnicate/,
    );
  });

  it('failures inside, without places in the sources of the runtime', async () => {
    const [graph] = reluGraphs;
    const nodes = [...graph.nodes, { opType: 'Reshape', inputs: ['Y', 'seven'], outputs: ['Q'] }];
    const bytes = runnableModel({
      nodes,
      initializers: [...graph.initializers, integerTensor('seven', [7, 7])],
      inputs: [{ name: 'X', type: 1, dims: ['N', D] }],
      outputs: ['Q'],
    });
    const error: unknown = await observe(bytes, inputsOf(graph)).catch((reason) => reason);
    expect(error).toMatchObject({
      code: 'invalid-data',
      message: expect.stringMatching(/failed on these inputs: .*shape/),
    });
    expect((error as Error).message).not.toMatch(/\.cc|\.h:|\n|ERROR_/);
  });

  it('an abort ends a run at once', async () => {
    const controller = new AbortController();
    const bytes = readFileSync(example('charlm-relu.onnx'));
    const inputs = await readInputArrays(example('charlm-relu-tokens.npy'));
    const run = observe(bytes, inputs, {
      signal: controller.signal,
      onProgress: ({ phase }) => {
        if (phase === 'running the model') controller.abort(new Error('enough'));
      },
    });
    await expect(run).rejects.toThrow('enough');
    await expect(openOnnxRunner(bytes, [], { signal: controller.signal })).rejects.toThrow('enough');
  });

  it('damaged bytes: a FewfireError or an answer', async () => {
    const good = graphBytes(reluGraphs[0]);
    const draw = createRandom(9);
    const outcomes = new Set<string>();
    for (let k = 0; k < 12; k++) {
      const bytes = good.slice(0, k % 3 === 0 ? draw.integer(good.length) : undefined);
      for (let flip = 0; flip < 2 && k % 3 !== 0; flip++) bytes[draw.integer(bytes.length)] = draw.integer(256);
      outcomes.add(
        await observe(bytes, inputsOf(reluGraphs[0])).then(
          () => 'answer',
          (error: unknown) => (error instanceof FewfireError ? 'refused' : String(error)),
        ),
      );
    }
    expect([...outcomes].sort()).toEqual(['answer', 'refused']);
  });
});

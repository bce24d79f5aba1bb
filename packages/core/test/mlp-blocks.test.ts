/** Blocks are found in every form that exporters write, with the same weights; what is no block is not found. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FewfireError, findMlpBlocks, type ReluLayer } from '../src/index.ts';
import { numberToHalf, readOnnxModel } from '../src/internal.ts';
import {
  D,
  flipped,
  type GraphCase,
  gatedGraphs,
  graphBytes,
  O,
  otherGraphs,
  reluGraphs,
  S,
  squaredGraphs,
  weights,
} from './mlp-graphs.ts';
import {
  concat,
  floatTensor,
  integerTensor,
  type NodeParts,
  runnableModel,
  type Tensor,
  varint,
} from './onnx-writer.ts';

const search = (graph: GraphCase) => findMlpBlocks(readOnnxModel(graphBytes(graph)));

const expected: Omit<ReluLayer, 'name' | 'activation'> = {
  inputWidth: D,
  unitCount: S,
  outputWidth: O,
  up: Float32Array.from(flipped(weights.up, D, S)),
  upBias: Float32Array.from(weights.upBias),
  down: Float32Array.from(weights.down),
  downBias: Float32Array.from(weights.downBias),
};
const gate = {
  linear: Float32Array.from(flipped(weights.linear, D, S)),
  linearBias: Float32Array.from(weights.linearBias),
};

describe('blocks that can be run', () => {
  it.each(reluGraphs.map((graph) => [graph.name, graph] as const))('ReLU: %s', (_, graph) => {
    const { blocks, notes } = search(graph);
    expect(blocks).toHaveLength(1);
    expect(blocks[0]).toMatchObject({ activation: 'relu', sparse: true, outputValue: 'Y', unitCount: S });
    expect(blocks[0].load()).toEqual({ ...expected, name: blocks[0].name, activation: 'relu' });
    expect(notes).toEqual([]);
  });

  it.each(squaredGraphs.map((graph) => [graph.name, graph] as const))('squared ReLU: %s', (_, graph) => {
    const [block] = search(graph).blocks;
    expect(block).toMatchObject({ activation: 'squared-relu', activationValue: 'r' });
    expect(block.load()).toEqual({ ...expected, name: block.name, activation: 'squared-relu' });
  });

  it.each(gatedGraphs.map((graph) => [graph.name, graph] as const))('gated ReLU: %s', (_, graph) => {
    const [block] = search(graph).blocks;
    expect(block).toMatchObject({ activation: 'gated-relu', sparse: true, activationValue: 'r' });
    expect(block.load()).toEqual({ ...expected, ...gate, name: block.name, activation: 'relu' });
  });
});

describe('blocks that are only named', () => {
  it.each(otherGraphs.map((graph) => [graph.name, graph] as const))('%s', (_, graph) => {
    const { blocks } = search(graph);
    expect(blocks.map(({ activation }) => activation)).toEqual([graph.activation]);
    expect(blocks[0].sparse).toBe(graph.activation === 'relu6');
    expect(() => blocks[0].load()).toThrow(FewfireError);
  });
});

const matrix = (name: string, rows: number, columns: number): Tensor =>
  floatTensor(name, [rows, columns], new Array(rows * columns).fill(0.5));

const modelOf = (nodes: readonly NodeParts[], initializers: readonly Tensor[]): ReturnType<typeof findMlpBlocks> =>
  findMlpBlocks(
    readOnnxModel(
      runnableModel({ nodes, initializers, inputs: [{ name: 'X', type: 1, dims: ['N', 4] }], outputs: ['Y'] }),
    ),
  );

const op = (opType: string, inputs: readonly string[], output: string, name = ''): NodeParts => ({
  name,
  opType,
  inputs,
  outputs: [output],
});

describe('what is no block', () => {
  it('two layers without an activation, a ReLU without layers, a product of two inputs', () => {
    const weights = [matrix('A', 4, 4), matrix('B', 4, 4)];
    expect(modelOf([op('MatMul', ['X', 'A'], 'h'), op('MatMul', ['h', 'B'], 'Y')], weights).blocks).toEqual([]);
    const lone = modelOf([op('Relu', ['X'], 'h'), op('MatMul', ['h', 'B'], 'Y')], weights);
    expect(lone.blocks).toEqual([]);
    const attention = [op('MatMul', ['X', 'A'], 'q'), op('Softmax', ['q'], 's'), op('MatMul', ['s', 'B'], 'Y')];
    expect(modelOf(attention, weights).blocks).toEqual([]);
  });

  it('layers whose widths do not meet, and a gate that reads something else', () => {
    const wrong = [matrix('A', 4, 6), matrix('B', 4, 4)];
    expect(
      modelOf([op('MatMul', ['X', 'A'], 'h'), op('Relu', ['h'], 'a'), op('MatMul', ['a', 'B'], 'Y')], wrong).blocks,
    ).toEqual([]);
    const nodes = [
      op('MatMul', ['X', 'A'], 'h'),
      op('Relu', ['h'], 'r'),
      op('MatMul', ['r', 'B'], 'k'),
      op('Mul', ['r', 'k'], 'a'),
      op('MatMul', ['a', 'C'], 'Y'),
    ];
    const square = [matrix('A', 4, 4), matrix('B', 4, 4), matrix('C', 4, 4)];
    // Only the inner block X -> A -> ReLU -> B is one.
    expect(modelOf(nodes, square).blocks.map(({ outputValue }) => outputValue)).toEqual(['k']);
  });

  it('says what is not looked into', () => {
    const { notes } = modelOf(
      [
        op('Loop', ['X'], 'i'),
        op('DequantizeLinear', ['A', 's'], 'w'),
        { ...op('FastGelu', ['X', 'A'], 'f'), domain: 'com.microsoft' },
        op('MatMul', ['X', 'w'], 'h'),
        op('Relu', ['h'], 'Y'),
      ],
      [matrix('A', 4, 4)],
    );
    expect(notes.join('; ')).toMatch(
      /blocks inside "Loop" were not looked at; quantised layers \("DequantizeLinear"\) .* not looked at; .*\("FastGelu"\) were not/,
    );
  });
});

it('blocks of a chain share layers, and get names of their own', () => {
  const weights = ['A', 'B', 'C'].map((name) => matrix(name, 4, 4));
  const { blocks } = modelOf(
    [
      op('MatMul', ['X', 'A'], 'h', '/net/0/MatMul'),
      op('Relu', ['h'], 'r', '/net/1/Relu'),
      op('MatMul', ['r', 'B'], 'k', '/net/2/MatMul'),
      op('Relu', ['k'], 's', '/net/3/Relu'),
      op('MatMul', ['s', 'C'], 'Y', '/net/4/MatMul'),
    ],
    weights,
  );
  expect(blocks.map(({ name }) => name)).toEqual(['/net/1/Relu', '/net/3/Relu']);
});

it('names weights it cannot read', () => {
  const [graph] = reluGraphs;
  const text = { ...graph.initializers[0], dataType: 8 };
  const external = { ...graph.initializers[0], fields: [[14, 1]] as const };
  for (const [tensor, message] of [
    [text, /element type 8/],
    [external, /in another file/],
    [floatTensor('up', [D, S], [Number.NaN, ...weights.up.slice(1)]), /NaN or infinity/],
  ] as const) {
    const [block] = search({ ...graph, initializers: [tensor, ...graph.initializers.slice(1)] }).blocks;
    expect(() => block.load()).toThrow(message);
  }
});

it('half precision and bfloat16, as raw bytes and as numbers of the field', () => {
  const [graph] = reluGraphs;
  // Numbers that both have.
  const numbers = Array.from({ length: D * S }, (_, i) => (i - 7) / 4);
  const single = new DataView(new ArrayBuffer(4));
  const bits = {
    10: numbers.map(numberToHalf),
    16: numbers.map((number) => {
      single.setFloat32(0, number);
      return single.getUint16(0);
    }),
  };
  for (const dataType of [10, 16] as const) {
    const bytes = new Uint8Array(Uint16Array.from(bits[dataType]).buffer);
    for (const fields of [[[9, bytes]], [[5, concat(bits[dataType].map(varint))]]] as const) {
      const up = { ...graph.initializers[0], dataType, fields };
      const [block] = search({ ...graph, initializers: [up, ...graph.initializers.slice(1)] }).blocks;
      expect(Array.from(block.load().up)).toEqual(flipped(numbers, D, S));
    }
  }
});

it('takes damaged and cyclic graphs without anything but a FewfireError', () => {
  const cyclic = modelOf(
    [op('Add', ['b', 'A'], 'a'), op('Identity', ['a'], 'b'), op('Relu', ['b'], 'r'), op('MatMul', ['r', 'A'], 'Y')],
    [matrix('A', 4, 4)],
  );
  expect(cyclic.blocks).toEqual([]);
  const graphs = [reluGraphs[4], reluGraphs[5], gatedGraphs[1], otherGraphs[0]].map(graphBytes);
  const hostile = fc.record({
    graph: fc.nat(graphs.length - 1),
    flips: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    cut: fc.option(fc.nat()),
  });
  let found = 0;
  fc.assert(
    fc.property(hostile, ({ graph, flips, cut }) => {
      const bytes = graphs[graph].slice(0, cut === null ? undefined : cut % graphs[graph].length);
      for (const [at, value] of flips) if (bytes.length > 0) bytes[at % bytes.length] = value;
      try {
        for (const block of findMlpBlocks(readOnnxModel(bytes)).blocks) {
          found++;
          if (block.sparse) block.load();
        }
      } catch (error) {
        if (!(error instanceof FewfireError)) throw error;
      }
    }),
    { numRuns: 3000, seed: 3 },
  );
  expect(found).toBeGreaterThan(100);
});

it('a long list of operators between two layers is not followed for ever', () => {
  const nodes: NodeParts[] = [op('MatMul', ['X', 'A'], 'h0')];
  for (let k = 0; k < 5000; k++) nodes.push(op('Mul', [`h${k}`, `h${k}`], `h${k + 1}`));
  nodes.push(op('Split', ['h5000'], 'p'), op('MatMul', ['h5000', 'B'], 'Y'), op('Reshape', ['p', 'i'], 'q'));
  expect(modelOf(nodes, [matrix('A', 4, 4), matrix('B', 4, 4), integerTensor('i', [1])]).blocks).toEqual([]);
});

it('the axes of a value with many ways back are not looked for on all of them', () => {
  const nodes: NodeParts[] = [op('Sigmoid', ['X'], 'h0')];
  for (let k = 0; k < 60; k++) nodes.push(op('Add', [`h${k}`, `h${k}`], `h${k + 1}`));
  nodes.push(
    op('MatMul', ['h60', 'A'], 'z'),
    { ...op('Split', ['z'], 'g'), outputs: ['g', 'u'], attributes: { axis: 1 } },
    op('Relu', ['g'], 'a'),
    op('MatMul', ['a', 'B'], 'Y'),
  );
  // Twice as many ways with every sum: all of them would take for ever. What is not known is not a part of a layer.
  const { blocks } = modelOf(nodes, [matrix('A', 4, 8), matrix('B', 4, 4)]);
  expect(blocks.filter(({ reach }) => reach === 'both-layers')).toEqual([]);
});

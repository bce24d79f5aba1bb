/**
 * Models that stand inside of If, as exporters write those with several modes: blocks of both branches are found, those of
 * the branch that is taken are counted as the same block outside, and of the other nothing is said.
 */
import { createRandom, type FoundBlock, findMlpBlocks } from '@fewfire/core';
import { readOnnxModel } from '@fewfire/core/internal';
import { describe, expect, it } from 'vitest';
import { D, graphBytes, reluGraphs, S } from '../../core/test/mlp-graphs.ts';
import {
  type Field,
  floatTensor,
  message,
  type NodeParts,
  node,
  type Tensor,
  tensorMessage,
} from '../../core/test/onnx-writer.ts';
import { type NumberArray, type OnnxActivity, observeOnnxBlocks } from '../src/index.ts';

const random = createRandom(6);
const ROWS = 30;
const X: NumberArray = { shape: [ROWS, D], values: Float32Array.from({ length: ROWS * D }, () => random.normal()) };
const flag = (value: number): NumberArray => ({ shape: [], values: Float64Array.of(value) });

const tensorInput = (name: string, type: number, dims: readonly string[]): Uint8Array => {
  const shape = message(...dims.map((size): Field => [1, message(/^\d+$/.test(size) ? [1, Number(size)] : [2, size])]));
  return message([1, name], [2, message([1, message([1, type], [2, shape])])]);
};

interface Parts {
  readonly nodes: readonly Uint8Array[];
  readonly initializers: readonly Tensor[];
  readonly output: string;
}

const graphMessage = ({ nodes, initializers, output }: Parts, inputs: readonly Uint8Array[] = []): Uint8Array =>
  message(
    ...nodes.map((one): Field => [1, one]),
    [2, 'g'],
    ...initializers.map((tensor): Field => [5, tensorMessage(tensor)]),
    ...inputs.map((input): Field => [11, input]),
    [12, message([1, output])],
  );

const modelOf = (parts: Parts, flags: readonly string[]): Uint8Array => {
  const inputs = [tensorInput('X', 1, ['N', String(D)]), ...flags.map((name) => tensorInput(name, 9, []))];
  return message([1, 8], [2, 'tests'], [7, graphMessage(parts, inputs)], [8, message([1, ''], [2, 17])]);
};

const branchNode = (condition: string, output: string, then: Parts, otherwise: Parts): Uint8Array =>
  message(
    [1, condition],
    [2, output],
    [4, 'If'],
    [5, message([1, 'then_branch'], [6, graphMessage(then)], [20, 5])],
    [5, message([1, 'else_branch'], [6, graphMessage(otherwise)], [20, 5])],
  );

const [plain] = reluGraphs;
const block = (nodes: readonly NodeParts[] = plain.nodes, initializers = plain.initializers): Parts => ({
  nodes: nodes.map(node),
  initializers,
  output: 'Y',
});
/** The same names, the weights of the first layer turned round: other units fire. */
const opposite = block(
  plain.nodes,
  plain.initializers.map((tensor) =>
    tensor.name !== 'up'
      ? tensor
      : floatTensor(
          'up',
          [D, S],
          Array.from(new Float32Array((tensor.fields[0][1] as Uint8Array).slice().buffer), (weight) => -weight),
        ),
  ),
);
const zeros = (): Parts => ({
  nodes: [node({ opType: 'MatMul', inputs: ['X', 'none'], outputs: ['Y'] })],
  initializers: [floatTensor('none', [D, 2], new Array(2 * D).fill(0))],
  output: 'Y',
});

async function profile(bytes: Uint8Array, flags: Readonly<Record<string, number>>) {
  const model = readOnnxModel(bytes);
  const { blocks, notes } = findMlpBlocks(model);
  const inputs = new Map([['X', X], ...Object.entries(flags).map(([name, value]) => [name, flag(value)] as const)]);
  return { blocks, notes, seen: await observeOnnxBlocks(bytes, model, blocks, inputs) };
}

const ratesOf = ({ blocks: [{ activity }] }: OnnxActivity): number[] => Array.from(activity.unitRates);
const outside = async (parts: Parts): Promise<number[]> => ratesOf((await profile(modelOf(parts, []), {})).seen);
const weightsOf = (found: FoundBlock): number[] => Array.from(found.load().up);

describe('a model inside of If', () => {
  const both = modelOf({ nodes: [branchNode('f', 'Y', block(), opposite)], initializers: [], output: 'Y' }, ['f']);

  it.each([
    [1, block()],
    [0, opposite],
  ])('the branch that is taken (%d) is counted, and the other named', async (value, parts) => {
    const { blocks, seen } = await profile(both, { f: value });
    expect(blocks).toHaveLength(2);
    expect(new Set(blocks.map(({ name }) => name)).size).toBe(2);
    expect(weightsOf(blocks[1])).toEqual(weightsOf(blocks[0]).map((weight) => -weight));
    expect(ratesOf(seen)).toEqual(await outside(parts));
    expect(seen.blocks.map(({ found }) => found.name)).toEqual([blocks[1 - value].name]);
    expect(seen.blocks[0].block?.unitCount).toBe(S);
    expect(seen.notes.join()).toBe(
      `on these inputs the model takes no branch with the blocks "${blocks[value].name}": nothing is said of them`,
    );
  });

  it('weights and layers outside of the branch are those of the block', async () => {
    const [multiply, add, ...rest] = plain.nodes;
    const parts: Parts = {
      nodes: [node(multiply), node(add), branchNode('f', 'Z', block(rest, []), zeros())],
      initializers: plain.initializers,
      output: 'Z',
    };
    const { blocks, seen } = await profile(modelOf(parts, ['f']), { f: 1 });
    expect(blocks.map(({ inputValue }) => inputValue)).toEqual(['X']);
    expect(ratesOf(seen)).toEqual(await outside(block()));
    const idle = await profile(modelOf(parts, ['f']), { f: 0 });
    expect(idle.seen.blocks).toEqual([]);
    expect(idle.seen.sampleCount).toBe(ROWS);
  });

  it('branches in branches, with a block before and one behind', async () => {
    const inner: Parts = { nodes: [branchNode('f', 'Y', opposite, zeros())], initializers: [], output: 'Y' };
    const before = block(
      plain.nodes.map((one) => ({
        ...one,
        outputs: one.outputs.map((name) => `${name}0`),
        inputs: one.inputs.map((name) =>
          plain.nodes.some(({ outputs }) => outputs.includes(name)) ? `${name}0` : name,
        ),
      })),
    );
    const parts: Parts = {
      nodes: [...before.nodes, branchNode('g', 'Z', zeros(), inner)],
      initializers: before.initializers,
      output: 'Z',
    };
    const bytes = modelOf(parts, ['f', 'g']);
    const { blocks, seen } = await profile(bytes, { f: 1, g: 0 });
    expect(blocks).toHaveLength(2);
    expect(seen.blocks.map(({ activity }) => Array.from(activity.unitRates))).toEqual([
      await outside(block()),
      await outside(opposite),
    ]);
    for (const [f, g] of [
      [0, 0],
      [1, 1],
    ]) {
      expect((await profile(bytes, { f, g })).seen.blocks.map(({ found }) => found.name)).toEqual([blocks[0].name]);
    }
  });

  it('says that zeros of other forms were not counted there', () => {
    const { notes } = findMlpBlocks(readOnnxModel(both));
    expect(notes).toEqual(['inside of If only blocks were looked for: zeros of other forms there were not counted']);
    expect(findMlpBlocks(readOnnxModel(graphBytes(plain))).notes).toEqual([]);
  });
});

it('graphs in graphs without an end are refused', () => {
  let graph: Parts = block();
  for (let depth = 0; depth < 20; depth++)
    graph = { nodes: [branchNode('f', 'Y', graph, zeros())], initializers: [], output: 'Y' };
  expect(() => readOnnxModel(modelOf(graph, ['f']))).toThrow(/graphs stand in graphs more than 16 deep/);
});

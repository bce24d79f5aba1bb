/** Which axis of which input the samples run along: what is picked for a batch, against the numbers by their indices. */
import { describe, expect, it } from 'vitest';
import { type ModelInput, type NumberArray, planBatches } from '../src/index.ts';

/** An array that says where each of its numbers stands. */
const array = (...shape: readonly number[]): NumberArray => ({
  shape,
  values: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
});
const input = (name: string, ...shape: readonly (number | string)[]): ModelInput => ({ name, type: 'float32', shape });

function plan(inputs: readonly ModelInput[], arrays: Readonly<Record<string, NumberArray>>) {
  return planBatches(inputs, new Map(Object.entries(arrays)), 'm.onnx');
}

/** Samples 2 and 0 along an axis, number by number. */
function along({ shape, values }: NumberArray, axis: number, samples: readonly number[]): number[] {
  const behind = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const before = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  return Array.from({ length: before }, (_, o) => o).flatMap((o) =>
    samples.flatMap((sample) =>
      Array.from({ length: behind }, (_, i) => Number(values[(o * shape[axis] + sample) * behind + i])),
    ),
  );
}

const X = array(4, 7, 3);
const PICKED = [2, 0];

describe('samples along the second axis of a state', () => {
  const state = array(2, 4, 5);
  it.each([
    ['named as the samples are', [input('x', 'B', 'T', 3), input('h', 2, 'B', 5)]],
    ['named otherwise', [input('x', 'B', 'T', 3), input('h', 2, 'B2', 5)]],
    ['without names', [input('x', '', '', 3), input('h', 2, '', 5)]],
    ['the state first', [input('h', 2, 'B', 5), input('x', 'B', 'T', 3)]],
    ['a model for one sample at a time', [input('x', 1, 'T', 3), input('h', 2, 1, 5)]],
  ])('%s', (_, inputs) => {
    const { sampleCount, pick, notes, fixedBatch } = plan(inputs, { x: X, h: state });
    expect({ sampleCount, notes }).toEqual({ sampleCount: 4, notes: [] });
    const samples = fixedBatch === 1 ? [2] : PICKED;
    const picked = pick(samples);
    expect(picked.get('h')?.shape).toEqual([2, samples.length, 5]);
    expect(Array.from(picked.get('h')?.values ?? [], Number)).toEqual(along(state, 1, samples));
    expect(Array.from(picked.get('x')?.values ?? [], Number)).toEqual(along(X, 0, samples));
  });

  it('a state for one sample is used for all, which is said', () => {
    const one = array(2, 1, 5);
    const { pick, notes } = plan([input('x', 'B', 'T', 3), input('h', 2, 'B', 5)], { x: X, h: one });
    expect(notes).toEqual(['given for one sample and used for all: "h"']);
    expect(pick(PICKED).get('h')).toEqual({
      shape: [2, 2, 5],
      values: Float64Array.from(along(one, 1, [0, 0])),
    });
  });

  it('a state of fixed shape goes whole to every batch', () => {
    const one = array(2, 1, 5);
    const { pick } = plan([input('x', 1, 'T', 3), input('h', 2, 1, 5)], { x: X, h: one });
    expect(pick([3]).get('h')).toEqual(one);
  });

  it.each([
    ['as many as neither', array(2, 3, 5), [input('x', 'B', 'T', 3), input('h', 2, 'B', 5)]],
    ['two axes that could be it', array(4, 4, 5), [input('x', 'B', 'T', 3), input('h', 'L', 'B2', 5)]],
    ['an axis that is the time of the other', array(4, 4, 5), [input('x', 'B', 'T', 3), input('h', 'T', 'T', 5)]],
  ])('refuses %s', (_, state, inputs) => {
    expect(() => plan(inputs, { x: X, h: state })).toThrow(/"h" of shape .* does not go with the 4 samples of "x"/);
  });

  it('refuses a length that is fixed and not that of the samples', () => {
    expect(() => plan([input('x', 'B', 'T', 3), input('h', 2, 'B', 5)], { x: X, h: array(3, 4, 5) })).toThrow(
      /input "h" of m\.onnx has the shape \[2, B, 5\], and the given array \[3, 4, 5\]/,
    );
  });
});

/** A model's profile as a program has it: small models in files, whose active units are counted here. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom, FewfireError } from '@fewfire/core';
import { afterAll, describe, expect, it } from 'vitest';
import { D, graphBytes, O, reluGraphs, S, weights } from '../../core/test/mlp-graphs.ts';
import { type Field, message } from '../../core/test/onnx-writer.ts';
import { type ProfileModelOptions, profileModel } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'fewfire-profile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const random = createRandom(5);
const ROWS = 24;
const X = Array.from({ length: ROWS }, () => Array.from({ length: D }, () => Math.fround(random.normal())));

/** What each unit makes of a row. */
function activations(row: readonly number[]): number[] {
  return Array.from({ length: S }, (_, u) =>
    Math.max(
      0,
      row.reduce((sum, x, i) => sum + x * weights.up[i * S + u], weights.upBias[u]),
    ),
  );
}

function ratesOf(rows: readonly (readonly number[])[]): number[] {
  return Array.from({ length: S }, (_, u) => rows.filter((row) => activations(row)[u] > 0).length / rows.length);
}

const lines = (delimiter: string): string =>
  [['a', 'b', 'c'], ...X].map((cells) => `${cells.join(delimiter)}\n`).join('');
const model = write('model.onnx', graphBytes(reluGraphs[0]));
const inputs = write('x.csv', lines(','));

/** As a safetensors file has them: weights [outputs, inputs]. */
function tensorFile(name: string, withInputs: boolean): string {
  const turned = (matrix: readonly number[], rows: number, columns: number): number[] =>
    Array.from({ length: rows * columns }, (_, at) => matrix[(at % rows) * columns + Math.floor(at / rows)]);
  const tensors: [string, number[], readonly number[]][] = [
    ['up.weight', [S, D], turned(weights.up, D, S)],
    ['up.bias', [S], weights.upBias],
    ['down.weight', [O, S], turned(weights.down, S, O)],
    ...(withInputs ? [['inputs', [ROWS, D], X.flat()] as [string, number[], number[]]] : []),
  ];
  let at = 0;
  const header = tensors.map(([tensor, shape, { length }]) => {
    const from = at;
    at += 4 * length;
    return [tensor, { dtype: 'F32', shape, data_offsets: [from, at] }];
  });
  const text = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  const bytes = tensors.map(([, , values]) => new Uint8Array(Float32Array.from(values).buffer));
  return write(name, Buffer.concat([size, text, ...bytes]));
}

describe('profileModel', () => {
  it('an ONNX model: the rates of its units, and which inputs they answer most', async () => {
    const found = await profileModel(model, { inputs, topCount: 3 });
    expect(found).toMatchObject({ sampleCount: ROWS, inputRowCount: ROWS, rowsDepend: false, places: [] });
    const [block] = found.blocks;
    expect(found.blocks).toHaveLength(1);
    expect(block).toMatchObject({ activation: 'relu', inputWidth: D, unitCount: S, outputWidth: O, supported: true });
    const rates = ratesOf(X);
    expect(Array.from(block.activity.unitRates)).toEqual(rates);
    expect(block.zeroShare).toBeCloseTo(1 - rates.reduce((a, b) => a + b, 0) / S, 12);
    block.activity.topRows.forEach((rows, u) => {
      const best = X.map((row, r) => ({ row: r, activation: activations(row)[u] }))
        .filter(({ activation }) => activation > 0)
        .sort((a, b) => b.activation - a.activation)
        .slice(0, 3);
      expect(rows.map(({ row }) => row)).toEqual(best.map(({ row }) => row));
    });
    expect(block.timings?.denseUs).toBeGreaterThan(0);
    expect(block.verdict).not.toBe('');
  });

  it('the first samples of a table with a delimiter that is only known if it is said', async () => {
    const options = { inputs: write('colons.csv', lines(':')), delimiter: ':', maxSampleCount: 10 };
    const { blocks, sampleCount, notes } = await profileModel(model, options);
    expect(sampleCount).toBe(10);
    expect(Array.from(blocks[0].activity.unitRates)).toEqual(ratesOf(X.slice(0, 10)));
    expect(notes).toEqual([`the first 10 of ${ROWS} samples are used`]);
  });

  it('a safetensors block with its inputs, or with those of another file', async () => {
    const own = await profileModel(tensorFile('own.safetensors', true));
    const other = await profileModel(tensorFile('bare.safetensors', false), { inputs });
    for (const { blocks, notes, samplesPerRun } of [own, other]) {
      expect(Array.from(blocks[0].activity.unitRates)).toEqual(ratesOf(X));
      expect(samplesPerRun).toBeNull();
      expect(notes).toEqual(['the activation is taken to be relu: a safetensors file does not say it (`activation`)']);
    }
    const squared = await profileModel(join(folder, 'own.safetensors'), { activation: 'squared-relu' });
    expect(squared.blocks[0].activation).toBe('squared-relu');
  });

  it('tells of files with weights before it reads them, and stops if that throws', async () => {
    const graph = reluGraphs[0];
    const entry = (key: string, value: string): Field => [13, message([1, key], [2, value])];
    const outside = graph.initializers.map((tensor, t) => {
      write(`w${t}.bin`, tensor.fields.find(([id]) => id === 9)?.[1] as Uint8Array);
      return { ...tensor, fields: [entry('location', `w${t}.bin`), [14, 1] as Field] };
    });
    const path = write('outside.onnx', graphBytes({ ...graph, initializers: outside }));
    const told: string[] = [];
    const { blocks } = await profileModel(path, { inputs, onWeightFiles: (paths) => void told.push(...paths) });
    expect(told.map((one) => one.replace(/^.*[\\/]/, ''))).toEqual(outside.map((_, t) => `w${t}.bin`));
    expect(Array.from(blocks[0].activity.unitRates)).toEqual(ratesOf(X));
    const refuse = async (): Promise<void> => {
      throw new Error('not these');
    };
    await expect(profileModel(path, { inputs, onWeightFiles: refuse })).rejects.toThrow('not these');
  });

  it.each<[string, string, object, string, RegExp]>([
    ['no inputs', model, {}, 'invalid-argument', /^`inputs` is missing; for example `inputs: 'inputs.npy'`: /],
    [
      'an option that is none',
      model,
      { input: inputs },
      'invalid-argument',
      /no option "input"; did you mean `inputs`/,
    ],
    ['a flag', model, { inputs, batch: 1 }, 'invalid-argument', /profileModel has no option "batch"/],
    [
      'a form that is none',
      model,
      { activation: 'tanh' },
      'invalid-argument',
      /`activation` is "tanh"; expected one of relu, squ/,
    ],
    ['a part of a row', model, { inputs, maxSampleCount: 1.5 }, 'invalid-argument', /`maxSampleCount` is 1\.5/],
    [
      'no rows at once',
      model,
      { inputs, samplesPerRun: 0 },
      'invalid-argument',
      /`samplesPerRun` is 0; expected a whole/,
    ],
    ['little memory', model, { inputs, memoryLimitBytes: 1e6 }, 'memory-budget', /raise `memoryLimitBytes`$/],
    ['another file', inputs, {}, 'unsupported', /does not end in \.onnx or \.safetensors/],
    ['no file', join(folder, 'none.onnx'), { inputs }, 'file-not-found', /there is no file/],
    [
      'a block without inputs',
      tensorFile('alone.safetensors', false),
      {},
      'invalid-data',
      /expected an array "block\.inputs", "inputs"; name a file with `inputs`$/,
    ],
  ])('refuses %s, in the words of the library', async (_, path, options, code, text) => {
    const error = await profileModel(path, options as ProfileModelOptions).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(FewfireError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(text) });
  });
});

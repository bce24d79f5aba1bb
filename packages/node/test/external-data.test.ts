/**
 * Weights in files beside a model: the same block and the same activity as from the model with its weights inside, and
 * nothing outside of the model's folder is opened.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom, FewfireError, findMlpBlocks } from '@fewfire/core';
import { externalLocations, readOnnxModel, withExternalData } from '@fewfire/core/internal';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { D, graphBytes, reluGraphs } from '../../core/test/mlp-graphs.ts';
import { type Field, floats, message, type Tensor } from '../../core/test/onnx-writer.ts';
import { findExternalFiles, type NumberArray, observeOnnxBlocks, readExternalFiles } from '../src/index.ts';

const root = mkdtempSync(join(tmpdir(), 'fewfire-external-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(root, 'model-'));
});

const [graph] = reluGraphs;
const inside = graphBytes(graph);
const ROWS = 40;
const random = createRandom(4);
const X: NumberArray = { shape: [ROWS, D], values: Float32Array.from({ length: ROWS * D }, () => random.normal()) };

type Entries = Readonly<Record<string, string>>;

const outsideTensor = (tensor: Tensor, entries: Entries): Tensor => ({
  ...tensor,
  fields: [...Object.entries(entries).map(([key, value]): Field => [13, message([1, key], [2, value])]), [14, 1]],
});

// All weights in one file, the last without a length, as the specification allows.
function split(location: string, change: (entries: Entries, t: number) => Entries = (entries) => entries) {
  const parts: Uint8Array[] = [];
  let at = 0;
  const initializers = graph.initializers.map((tensor, t) => {
    const bytes = tensor.fields.find(([id]) => id === 9)?.[1] as Uint8Array;
    const length = t === graph.initializers.length - 1 ? {} : { length: String(bytes.length) };
    const entries = change({ location, offset: String(at), ...length } as Entries, t);
    parts.push(bytes);
    at += bytes.length;
    return outsideTensor(tensor, entries);
  });
  return { model: graphBytes({ ...graph, initializers }), weights: Buffer.concat(parts) };
}

async function read(bytes: Uint8Array) {
  const model = readOnnxModel(bytes);
  const external = await readExternalFiles(await findExternalFiles(join(folder, 'm.onnx'), externalLocations(model)));
  return { external, model: withExternalData(model, new Map(external.map((file) => [file.location, file.bytes]))) };
}

describe('weights in another file', () => {
  it.each(['w.bin', './w.bin', 'sub/w.bin', 'with space é.onnx.data'])('at %j: read, and run', async (location) => {
    const { model: bytes, weights } = split(location);
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, location), weights);
    const { model, external } = await read(bytes);
    const known = findMlpBlocks(readOnnxModel(inside)).blocks;
    const { blocks } = findMlpBlocks(model);
    expect(blocks.map((block) => block.load())).toEqual(known.map((block) => block.load()));
    const seen = await observeOnnxBlocks(bytes, model, blocks, new Map([['X', X]]), { external });
    const same = await observeOnnxBlocks(inside, readOnnxModel(inside), known, new Map([['X', X]]));
    expect(seen.blocks[0].activity).toEqual(same.blocks[0].activity);
    expect(seen.blocks[0].activity.rowCount).toBe(ROWS);
  });

  it('a link inside of the folder is followed', async () => {
    const { model, weights } = split('link.bin');
    writeFileSync(join(folder, 'w.bin'), weights);
    symlinkSync('w.bin', join(folder, 'link.bin'));
    expect(findMlpBlocks((await read(model)).model).blocks).toHaveLength(1);
  });

  const refusal = async (bytes: Uint8Array): Promise<FewfireError> => {
    const error = await read(bytes).catch((reason) => reason);
    expect(error).toBeInstanceOf(FewfireError);
    expect(error.message).not.toContain('\n');
    return error;
  };

  it('a missing file is named', async () => {
    const { code, message } = await refusal(split('w.bin').model);
    expect(code).toBe('file-not-found');
    expect(message).toMatch(
      /m\.onnx keeps its weights in "w\.bin", and there is no file .*w\.bin; put "w\.bin" beside/,
    );
  });

  it.each(['../w.bin', 'sub/../../w.bin', '..\\w.bin', '/etc/hostname', 'C:\\w.bin', '\\\\host\\w.bin', 'w\0.bin'])(
    'a path out of the folder is refused, whether there is such a file or not: %j',
    async (location) => {
      const { model, weights } = split(location);
      writeFileSync(join(root, 'w.bin'), weights);
      const { code, message } = await refusal(model);
      expect(code).toBe('model-file');
      expect(message).toMatch(/only files beside the model are read/);
    },
  );

  it('links out of the folder are refused, of files and of folders', async () => {
    const { weights } = split('w.bin');
    writeFileSync(join(root, 'w.bin'), weights);
    symlinkSync(join(root, 'w.bin'), join(folder, 'w.bin'));
    symlinkSync(root, join(folder, 'sub'));
    for (const location of ['w.bin', 'sub/w.bin']) {
      expect((await refusal(split(location).model)).message).toMatch(/is a link to .*, outside of the folder/);
    }
  });

  it('a folder of that name is refused', async () => {
    mkdirSync(join(folder, 'w.bin'));
    expect((await refusal(split('w.bin').model)).message).toMatch(/is a directory, expected a file/);
  });

  it.each<[string, Entries, number, RegExp]>([
    ['an offset beyond the file', { offset: '9000' }, 0, /"up" has the bytes 9000 to 9060 of "w\.bin", which has/],
    ['a negative offset', { offset: '-4' }, 0, /"up" has the offset "-4", expected a whole number/],
    ['an offset that is no number', { offset: '1e3' }, 1, /"upBias" has the offset "1e3"/],
    [
      'a length other than the dims',
      { length: '56' },
      0,
      /"up" has the dims \[3, 5\], which take 60 bytes, and states 56/,
    ],
    ['no file', { location: '' }, 0, /"up" is in another file and does not say which/],
  ])('refuses %s', async (_, wrong, at, message) => {
    const { model, weights } = split('w.bin', (entries, t) => (t === at ? { ...entries, ...wrong } : entries));
    writeFileSync(join(folder, 'w.bin'), weights);
    expect(await refusal(model)).toMatchObject({ code: 'model-file', message: expect.stringMatching(message) });
  });

  it('a file that is cut off, and one that takes more memory than allowed', async () => {
    const { model: bytes, weights } = split('w.bin');
    writeFileSync(join(folder, 'w.bin'), weights.subarray(0, -1));
    expect((await refusal(bytes)).message).toMatch(/it is cut off or of another model/);
    const found = await findExternalFiles(join(folder, 'm.onnx'), ['w.bin']);
    expect(found.map(({ byteCount }) => byteCount)).toEqual([weights.length - 1]);
    await expect(readExternalFiles(found, { memoryLimitBytes: 10 })).rejects.toMatchObject({ code: 'memory-budget' });
  });

  it('floats are as in raw_data', () => {
    const model = readOnnxModel(split('w.bin').model);
    const bytes = floats([1, 2, 3]);
    expect(() => withExternalData(model, new Map([['w.bin', bytes]]))).toThrow(/which has 12/);
    expect(() => withExternalData(model, new Map())).toThrow(/"w\.bin", which was not given/);
  });
});

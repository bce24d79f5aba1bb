/**
 * Whatever is in a file: a reader gives its content or a `FewfireError` of one line, never anything else, and takes no
 * more memory than the file is worth. Whole files are spoiled by a seed: bytes in any place, or values of JSON, where the
 * checksum is then made right, so that what is behind it is reached. (A longer run of the same found what is mended.)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  certifySparsity,
  checkCertificate,
  createRandom,
  FewfireError,
  fitReport,
  fitTable,
  leadingTerms,
  memoryTable,
  parityNetwork,
  parseCertificate,
  parseModel,
  parseNetwork,
  parseSparseMlp,
  prepareSparseMlp,
  type Random,
  serializeCertificate,
  serializeModel,
  serializeNetwork,
} from '@fewfire/core';
import {
  checksumOf,
  importOnnxTrees,
  importXgboost,
  parseNetworkTensors,
  serializeNetworkTensors,
} from '@fewfire/core/internal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTreeGolden } from '../../core/test/tree-golden.ts';
import { openTable, parseNpy, parseNpz, parseSafetensorsArrays } from '../src/index.ts';
import { arrowBytes, delimited, records, temporaryDirectory, writers } from './table-files.ts';

const CASES = 200;
const TABLE_CASES = 15;
const root = temporaryDirectory();
afterAll(() => root.remove());

type Bytes = Uint8Array<ArrayBuffer>;
const bytesOf = (text: string): Bytes => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const pick = <T>(random: Random, items: readonly T[]): T => items[random.integer(items.length)];

const NUMBERS = [0, 1, 2, 127, 255, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** One to three changes; most keep the length, so that what stands behind is still read. */
function spoilBytes(random: Random, whole: Uint8Array): Bytes {
  let bytes = Uint8Array.from(whole);
  for (let left = 1 + random.integer(3); left > 0 && bytes.length > 8; left--) {
    const at = random.integer(bytes.length - 8);
    const view = new DataView(bytes.buffer);
    switch (random.integer(7)) {
      case 0:
        bytes = bytes.slice(0, at);
        break;
      case 1:
        bytes = Uint8Array.from([...bytes.slice(0, at), ...bytes.slice(at + random.integer(20))]);
        break;
      case 2:
        view.setUint32(at, pick(random, NUMBERS), true);
        break;
      case 3:
        view.setBigUint64(at & ~7, pick(random, [0n, 1n, 2n ** 40n, 2n ** 63n, 2n ** 64n - 1n]), true);
        break;
      default:
        bytes[at] = random.integer(256);
    }
  }
  return bytes;
}

const ODD: readonly unknown[] = [
  ...[null, true, 0, -1, 0.5, 1e300, 2 ** 53, '', 'x', '1', '\ufeff', '\ud800', '__proto__', 'toString', 'NaN'],
  ...[[], {}, [[]], [0, 0], [null], { length: 1e9 }, { kind: 'cube' }],
];

/** Throw where they are made text or a number. */
const UNPRINTABLE: readonly unknown[] = [{ toString: 0 }, { valueOf: 0, toString: 0 }];

type Holder = Record<string, unknown>;

/** A place in a value, what holds it and under which name: as likely a field of the whole as a number deep in a list. */
function place(random: Random, value: Holder): readonly [Holder, string] | undefined {
  let holder = value;
  for (;;) {
    const keys = Object.keys(holder);
    if (keys.length === 0) return undefined;
    const key = pick(random, keys);
    const entry = holder[key];
    const isInner = typeof entry === 'object' && entry !== null && Object.keys(entry).length > 0;
    if (!isInner || random.integer(4) === 0) return [holder, key];
    holder = entry as Holder;
  }
}

function spoilValue(random: Random, value: Holder): void {
  for (let left = 1 + random.integer(3); left > 0; left--) {
    const chosen = place(random, value);
    const other = place(random, value);
    if (chosen === undefined || other === undefined) return;
    const [holder, key] = chosen;
    const entry = holder[key];
    const what = random.integer(8);
    if (what === 0) {
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
    } else if (what === 1) holder[key] = structuredClone(other[0][other[1]]);
    else if (what === 2 && Array.isArray(holder)) holder.push(structuredClone(entry));
    else if (what === 3 && typeof entry === 'number') {
      holder[key] = pick(random, [entry + 1, -entry, entry * 1e6, 1 / entry]);
    } else if (what === 4 && Array.isArray(holder)) holder.reverse();
    else holder[key] = structuredClone(pick(random, what === 5 ? UNPRINTABLE : ODD));
  }
}

async function spoilJson(random: Random, whole: Uint8Array): Promise<Bytes> {
  if (random.integer(5) === 0) return spoilBytes(random, whole);
  const { checksum, ...rest } = JSON.parse(textOf(whole)) as Record<string, unknown>;
  spoilValue(random, rest);
  if (checksum === undefined) return bytesOf(JSON.stringify(rest));
  const { format, version, ...body } = rest;
  return bytesOf(JSON.stringify({ format, version, checksum: await checksumOf(body), ...body }));
}

/** Of a safetensors file its header. */
function spoilTensors(random: Random, whole: Uint8Array): Bytes {
  if (random.integer(4) === 0) return spoilBytes(random, whole);
  const length = Number(new DataView(whole.buffer).getBigUint64(0, true));
  const json = JSON.parse(textOf(whole.subarray(8, 8 + length))) as Record<string, unknown>;
  spoilValue(random, json);
  const header = bytesOf(JSON.stringify(json));
  const bytes = new Uint8Array(8 + header.length + whole.length - 8 - length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  bytes.set(whole.subarray(8 + length), 8 + header.length);
  return bytes;
}

/** Of a packed file anything, with the hash made right. */
async function spoilPacked(random: Random, whole: Uint8Array): Promise<Bytes> {
  const bytes = spoilBytes(random, whole);
  if (bytes.length < 32) return bytes;
  bytes.set(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.slice(0, -32))), bytes.length - 32);
  return bytes;
}

interface Reader {
  readonly file: Uint8Array;
  readonly spoil: (random: Random, whole: Uint8Array) => Bytes | Promise<Bytes>;
  readonly read: (bytes: Bytes) => unknown;
}

const readers = {} as Record<string, Reader>;
const NAMES = [
  ...['a model of two classes', 'a model of three classes', 'a model of a number', 'a network', 'a network of tensors'],
  ...[
    'a certificate',
    'a certificate that is checked',
    'an XGBoost model',
    'an ONNX model of trees',
    'a prepared block',
  ],
  ...['an array of numpy', 'arrays of numpy', 'arrays of tensors'],
];

async function readModel(bytes: Bytes): Promise<void> {
  const model = await parseModel(textOf(bytes), 'x');
  // Who has read it may use it.
  model.outputs.forEach((_, k) => {
    leadingTerms(model, 10, k);
  });
  fitReport(model);
  expect(await serializeModel(model)).toContain('fewfire-model');
}

async function modelFile(classes: readonly string[] | undefined): Promise<Uint8Array> {
  const random = createRandom(3);
  const draw = (values: readonly string[]): string[] => Array.from({ length: 200 }, () => pick(random, values));
  const [a, b] = [draw(['no', 'yes']), draw(['red', 'green', 'blue'])];
  const x = Array.from({ length: 200 }, () => random.integer(50));
  const sum = a.map((value, i) => Number(value === 'yes') + Number(b[i] === 'red'));
  const y = sum.map((value) => (classes === undefined ? value + random.uniform() : classes[value % classes.length]));
  return bytesOf(await serializeModel((await fitTable(memoryTable({ a, b, x, y }), { target: 'y', degree: 2 })).model));
}

beforeAll(async () => {
  const { network } = parityNetwork({ inputCount: 6, coordinates: [0, 2, 5] });
  const tensors = await serializeNetworkTensors(network);
  const certificate = bytesOf(await serializeCertificate(await certifySparsity(network)));
  const { xgboost, onnx } = readTreeGolden('three-classes');
  const random = createRandom(1);
  const numbers = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  const block = await prepareSparseMlp({
    ...{ name: 'b', inputWidth: 16, unitCount: 16, outputWidth: 4, activation: 'relu' },
    ...{ up: numbers(256), upBias: numbers(16), down: numbers(64), downBias: numbers(4) },
  });
  const golden = JSON.parse(readFileSync(new URL('./goldens/numpy-files.json', import.meta.url), 'utf8'));
  const base64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));
  const add = (file: Uint8Array, spoil: Reader['spoil'], read: Reader['read']): void => {
    readers[NAMES[Object.keys(readers).length]] = { file, spoil, read };
  };
  add(await modelFile(['p', 'q']), spoilJson, readModel);
  add(await modelFile(['p', 'q', 'r']), spoilJson, readModel);
  add(await modelFile(undefined), spoilJson, readModel);
  add(bytesOf(await serializeNetwork(network)), spoilJson, (bytes) => parseNetwork(textOf(bytes), 'x'));
  add(tensors, spoilTensors, (bytes) => parseNetworkTensors(bytes, 'x'));
  add(certificate, spoilJson, (bytes) => parseCertificate(textOf(bytes), 'x'));
  add(certificate, spoilJson, (bytes) => checkCertificate(textOf(bytes), network, { rerunSweep: true }));
  add(bytesOf(xgboost), spoilJson, (bytes) => importXgboost(textOf(bytes)));
  add(onnx as Uint8Array, spoilBytes, (bytes) => importOnnxTrees(bytes));
  add(await block.serialize(), spoilPacked, async (bytes) => (await parseSparseMlp(bytes, 'x')).dispose());
  add(base64(golden.files[0].base64), spoilBytes, (bytes) => parseNpy(bytes, 'x'));
  add(base64(golden.archives[1].base64), spoilBytes, (bytes) => parseNpz(bytes, 'x', 2 ** 28));
  add(tensors, spoilTensors, (bytes) => parseSafetensorsArrays(bytes, 'x'));
  block.dispose();
});

/** undefined where it was read. @throws what is not a refusal in one line */
async function refusal(read: () => unknown): Promise<string | undefined> {
  try {
    await read();
    return undefined;
  } catch (error) {
    if (!(error instanceof FewfireError)) throw error;
    expect(error.message).not.toMatch(/[\r\n]|\[object |call stack/);
    expect(error.message.length).toBeLessThan(3000);
    return error.message;
  }
}

describe.each(NAMES)('%s', (name) => {
  it('is read whole', async () => {
    const { file, read } = readers[name];
    expect(await refusal(() => read(Uint8Array.from(file)))).toBeUndefined();
  });

  it(`spoiled in ${CASES} ways is read or refused`, async () => {
    const { file, spoil, read } = readers[name];
    let refused = 0;
    for (let seed = 0; seed < CASES; seed++) {
      const bytes = await spoil(createRandom(seed), file);
      try {
        if ((await refusal(() => read(bytes))) !== undefined) refused++;
      } catch (cause) {
        throw new Error(`seed ${seed}: ${cause}`, { cause });
      }
    }
    expect(refused).toBeGreaterThan(CASES / 4);
  });
});

const columns = {
  a: Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? 'x' : i % 7 === 0 ? null : 'a longer text than twelve')),
  n: Array.from({ length: 40 }, (_, i) => i / 8),
};

const tables: readonly (readonly [string, () => Promise<Uint8Array>])[] = [
  ['csv', async () => bytesOf(delimited(columns, ','))],
  ['json', async () => bytesOf(JSON.stringify(records(columns)))],
  [
    'ndjson',
    async () =>
      bytesOf(
        records(columns)
          .map((record) => `${JSON.stringify(record)}\n`)
          .join(''),
      ),
  ],
  ['arrow', async () => arrowBytes(columns, 'file')],
  ['arrows', async () => arrowBytes(columns, 'stream')],
  ['parquet', async () => readFileSync(await writers.parquet(columns, root.path))],
];

it.each(tables)(`a table in .%s spoiled in ${TABLE_CASES} ways is read or refused`, async (extension, file) => {
  const whole = await file();
  const path = join(root.path, `spoiled.${extension}`);
  for (let seed = 0; seed < TABLE_CASES; seed++) {
    writeFileSync(path, seed === 0 ? whole : spoilBytes(createRandom(seed), whole));
    const refused = await refusal(async () => {
      const table = await openTable(path);
      try {
        const usable = table.columns.filter(({ type }) => type !== 'unusable').map((column) => column.name);
        await table.profile(usable);
        for (const column of usable) await table.texts(column);
      } finally {
        await table.close();
      }
    }).catch((cause: unknown) => {
      throw new Error(`seed ${seed}: ${cause}`, { cause });
    });
    if (seed === 0) expect(refused).toBeUndefined();
  }
});

/** JSON that anyone may have written: refused in one line by every reader, however deep or odd it is. */
import { describe, expect, it } from 'vitest';
import {
  canonicalJson,
  checksumOf,
  describeIssue,
  FewfireError,
  MAX_JSON_DEPTH,
  parseJson,
  shownJson,
} from '../src/base/index.ts';
import {
  certifySparsity,
  checkCertificate,
  createNetwork,
  parseCalibratedMlp,
  parseCertificate,
  parseModel,
  parseNetwork,
  parseSparseMlp,
  serializeCertificate,
} from '../src/index.ts';
import { importXgboost, parseNetworkTensors } from '../src/internal.ts';

const refuse = (why: string): Error => new Error(why);
const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const deep = nested(100_000);
const network = createNetwork({ inputCount: 1, weights: [1], biases: [0], outputWeights: [1] });

/** The bytes of a safetensors file with this header and no numbers. */
function tensors(header: string): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

/** A packed file of that magic and version, with this header, nothing behind it, and the hash that is right. */
async function packed(magic: string, header: string): Promise<Uint8Array<ArrayBuffer>> {
  const text = new TextEncoder().encode(header);
  const end = Math.ceil((16 + text.length) / 64) * 64;
  const bytes = new Uint8Array(end + 32);
  bytes.set(new TextEncoder().encode(magic));
  bytes.set([0x0d, 0x0a, 0x1a], 5);
  new DataView(bytes.buffer).setUint32(8, 2, true);
  new DataView(bytes.buffer).setUint32(12, text.length, true);
  bytes.set(text, 16);
  bytes.set(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.subarray(0, end))), end);
  return bytes;
}

async function failure(read: () => unknown): Promise<FewfireError> {
  const error: unknown = await (async () => await read())().then(
    (value) => expect.unreachable(`it was read: ${JSON.stringify(value)?.slice(0, 80)}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FewfireError);
  const { message } = error as FewfireError;
  expect(message).not.toMatch(/\n|call stack|primitive|undefined/);
  expect(message.length).toBeLessThan(600);
  return error as FewfireError;
}

const readers: readonly (readonly [string, (json: string) => unknown])[] = [
  ['a model', (json) => parseModel(json, 'x')],
  ['a network', (json) => parseNetwork(json, 'x')],
  ['a network of tensors', (json) => parseNetworkTensors(tensors(json), 'x')],
  ['a certificate', (json) => parseCertificate(json, 'x')],
  ['a certificate that is checked', (json) => checkCertificate(json, network)],
  ['an XGBoost model', (json) => importXgboost(json)],
  ['a prepared block', async (json) => parseSparseMlp(await packed('ffmlp', json), 'x')],
  ['a calibrated block', async (json) => parseCalibratedMlp(await packed('ffcal', json), 'x')],
];

describe.each(readers)('%s', (_, read) => {
  it.each([
    ['nested a hundred thousand deep', deep],
    ['deep in its format', `{"format":${deep},"version":1,"learner":1}`],
    ['deep in its version', `{"format":"fewfire-model","version":${deep},"learner":1}`],
    ['a value that cannot become text', '{"format":{"toString":0,"valueOf":0},"version":{"toString":0}}'],
    ['a megabyte of text for a format', `{"format":"${'a'.repeat(1e6)}"}`],
    ['null', 'null'],
    ['a list', '[]'],
    ['a number', '1e999'],
    ['nothing', ''],
    ['cut off', '{"format":"few'],
    ['of another encoding', '{"format":"\ud800"}'],
  ])('%s', async (_, json) => {
    await failure(() => read(json));
  });
});

it('a network of tensors whose metadata are no text', async () => {
  const entry = (bytes: number) => ({ dtype: 'F64', shape: bytes === 0 ? [0, 1] : [0], data_offsets: [0, 0] });
  const file = (metadata: Record<string, unknown>) =>
    tensors(
      JSON.stringify({
        __metadata__: { format: 'fewfire-network', version: '1', checksum: 'a', ...metadata },
        weights: entry(0),
        biases: entry(1),
        output_weights: entry(1),
      }),
    );
  const odd = { toString: 0, valueOf: 0 };
  const read = (metadata: Record<string, unknown>) => failure(() => parseNetworkTensors(file(metadata), 'x'));
  expect((await read({ version: odd })).message).toContain('is a network file of version {"toString":0,"valueOf":0}');
  expect((await read({ version: [1] })).message).toContain('of version [1]');
  expect((await read({ domain: odd })).message).toContain('domain is {"toString":0,"valueOf":0} instead of text');
  expect((await read({ domain: `{"kind":${deep}}` })).message).toContain('nested more than 100 deep');
  expect((await read({ domain: '{"kind":"cube"}', provenance: 7 })).message).toContain('provenance is 7');
});

it('a certificate whose checksum is right and whose numbers do not go together', async () => {
  const {
    format,
    version,
    checksum: _,
    ...body
  } = JSON.parse(await serializeCertificate(await certifySparsity(network, { method: 'sweep' })));
  const forged = async (change: object) => {
    const changed = { ...body, ...change };
    return parseCertificate(JSON.stringify({ format, version, checksum: await checksumOf(changed), ...changed }), 'x');
  };
  expect(await forged({})).toEqual(body);
  for (const change of [
    { kLower: 1, kUpper: 0 },
    { kUpper: 2 },
    { kLower: 0, kUpper: 1, exact: true },
    { witness: { bits: '2', row: null } },
  ]) {
    expect((await failure(() => forged(change))).message).toMatch(
      /^x is damaged or edited: k from \d to \d of 1 units/,
    );
  }
});

it('an XGBoost model with an object where numbers stand', async () => {
  const model = (leaf: unknown, end: unknown): string =>
    JSON.stringify({
      learner: {
        objective: { name: 'reg:squarederror' },
        learner_model_param: { num_feature: '1', num_class: '0', base_score: '0' },
        gradient_booster: {
          name: 'gbtree',
          model: {
            tree_info: [0],
            iteration_indptr: [0, end],
            trees: [
              {
                tree_param: { size_leaf_vector: leaf },
                left_children: [-1],
                right_children: [-1],
                split_indices: [0],
                split_conditions: [0.5],
                default_left: [0],
              },
            ],
          },
        },
      },
    });
  expect(importXgboost(model('0', 1), { roundCount: 1 }).outputs).toHaveLength(1);
  const odd = { toString: 0, valueOf: 0 };
  expect((await failure(() => importXgboost(model(odd, 1)))).message).toContain('size_leaf_vector is {"toString":0');
  const end = await failure(() => importXgboost(model('0', odd), { roundCount: 1 }));
  expect(end.message).toContain('ends with tree {"toString":0');
});

describe('parseJson', () => {
  it('takes what is nested as deep as allowed, and brackets in texts', () => {
    expect(parseJson(nested(MAX_JSON_DEPTH), refuse)).toHaveLength(1);
    expect(() => parseJson(nested(MAX_JSON_DEPTH + 1), refuse)).toThrow('its JSON is nested more than 100 deep');
    const text = `"${'[{'.repeat(200)}\\"${'['.repeat(200)}\\\\"`;
    expect(parseJson(`[${text},${text}]`, refuse)).toEqual([JSON.parse(text), JSON.parse(text)]);
    // Side by side is not deep.
    expect(parseJson(`[${'[],'.repeat(1000)}[]]`, refuse)).toHaveLength(1001);
  });

  it('is what may be walked over', () => {
    expect(canonicalJson(parseJson(nested(MAX_JSON_DEPTH), refuse))).toBe(nested(MAX_JSON_DEPTH));
  });

  it('drops one byte order mark at the start, from text and from bytes', () => {
    expect(parseJson('\ufeff["\ufeffa"]', refuse)).toEqual(['\ufeffa']);
    expect(parseJson(new TextEncoder().encode('\ufeff["\ufeffa"]'), refuse)).toEqual(['\ufeffa']);
    expect(() => parseJson('\ufeff\ufeff[]', refuse)).toThrow('breaks early');
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => parseJson(Uint8Array.of(0x22, 0xe9, 0x22), refuse)).toThrow('breaks early');
  });
});

describe('what a schema finds wrong', () => {
  const data = { a: [{ b: 'x', long: 'y'.repeat(100) }], c: Number.POSITIVE_INFINITY };
  it.each([
    [{ path: ['a', 0, 'b'], expected: 'int', message: '' }, 'a.0.b is "x" instead of a whole number'],
    [{ path: ['a', 0, 'z'], expected: 'number', message: '' }, 'a.0.z is missing instead of a finite number'],
    [{ path: ['a', 0], keys: ['b'], message: '' }, 'a.0 has "b", which is unknown'],
    [{ path: [], expected: 'array', message: '' }, /^the file is \{"a":\[.{50,60}… instead of a list$/],
    [{ path: ['c'], values: [1, 'p'], message: '' }, 'c is Infinity instead of 1 or "p"'],
    [{ path: ['c'], minimum: 0, message: '' }, 'c is Infinity instead of at least 0'],
    [{ path: ['x', 'y'], message: 'words' }, 'x.y is missing instead of words'],
  ])('%o', (issue, expected) => {
    expect(describeIssue(issue, data)).toMatch(expected);
  });

  it('shows values of any kind', () => {
    expect(['a', null, undefined, 1, Number.NaN, { toString: 0 }].map(shownJson)).toEqual([
      '"a"',
      'null',
      'null',
      '1',
      'NaN',
      '{"toString":0}',
    ]);
  });
});

/**
 * Network files: JSON with a format name, a version and a checksum over
 * everything else, or safetensors for large networks and other programs. The
 * checksum is the same in both and names the network: a certificate refers to it.
 */
import * as z from 'zod/mini';
import { checksumOf, describeIssue, FewfireError, parseJson, shownJson } from '../base/index.ts';
import {
  createNetwork,
  type JsonValue,
  type NetworkDomain,
  type NetworkProvenance,
  type SparseNetwork,
} from './network.ts';

export const NETWORK_FORMAT = 'fewfire-network';
export const NETWORK_VERSION = 1;

const count = z.int().check(z.nonnegative());
const domainSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('cube') }),
  z.strictObject({ kind: z.literal('lift'), bitCount: count }),
  z.strictObject({ kind: z.literal('rows'), label: z.string() }),
]);
const provenanceSchema = z.strictObject({
  family: z.string(),
  parameters: z.record(z.string(), z.json()),
  seed: z.nullable(z.int()),
});
const networkSchema = z.strictObject({
  format: z.literal(NETWORK_FORMAT),
  version: z.literal(NETWORK_VERSION),
  checksum: z.string(),
  inputCount: count,
  domain: domainSchema,
  provenance: provenanceSchema,
  /** One row per unit. */
  weights: z.array(z.array(z.number())),
  biases: z.array(z.number()),
  outputWeights: z.array(z.number()),
});

/** SHA-256 over inputCount, domain, provenance, weights, biases and output weights: the checksum of both kinds of file. */
export function networkChecksum(network: SparseNetwork): Promise<string> {
  return checksumOf(networkContent(network));
}

/** The text of a JSON network file. Equal networks give equal text; numbers come back exactly. */
export async function serializeNetwork(network: SparseNetwork): Promise<string> {
  const content = networkContent(network);
  const checksum = await checksumOf(content);
  // Through the schema, so that the order of keys is the schema's and a network that could not be read is not written.
  const shaped = networkSchema.parse({ format: NETWORK_FORMAT, version: NETWORK_VERSION, checksum, ...content });
  return `${JSON.stringify(shaped)}\n`;
}

/**
 * Reads a JSON network file's text.
 * @param label what to call the file in messages
 * @throws FewfireError `network-file`: not JSON (truncated), another format, a newer version, a wrong field or length, a wrong checksum
 */
export async function parseNetwork(text: string, label: string): Promise<SparseNetwork> {
  const data = parseJson(text, (why, cause) =>
    damaged(
      `${label} is not a whole network file (${why}); expected a file written by fewfire network make --out: make it again or copy it again`,
      cause,
    ),
  );
  const head = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>;
  checkHead(label, head.format, head.version);
  const parsed = networkSchema.safeParse(data);
  if (!parsed.success) {
    throw damaged(
      `${label} is damaged or edited: ${describeIssue(parsed.error.issues[0], data)}; expected it as fewfire network wrote it`,
      parsed.error,
    );
  }
  const { checksum, inputCount, domain, provenance, weights, biases, outputWeights } = parsed.data;
  const short = weights.findIndex((row) => row.length !== inputCount);
  if (short >= 0 || weights.length !== biases.length) {
    throw damaged(
      short >= 0
        ? `${label} is damaged or edited: unit ${short} has ${weights[short].length} weights, expected ${inputCount}`
        : `${label} is damaged or edited: it has ${weights.length} rows of weights for ${biases.length} biases`,
    );
  }
  const flat = new Float64Array(weights.length * inputCount);
  weights.forEach((row, j) => {
    flat.set(row, j * inputCount);
  });
  const network = assemble(label, inputCount, flat, biases, outputWeights, domain, provenance as NetworkProvenance);
  await checkChecksum(label, network, checksum);
  return network;
}

/** Most bytes that the header of a safetensors file may have: the format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;

const TENSORS = ['weights', 'biases', 'output_weights'] as const;

const tensorSchema = z.object({
  dtype: z.string(),
  shape: z.array(count),
  data_offsets: z.tuple([count, count]),
});

/**
 * A safetensors file: F64 tensors `weights` [s, n], `biases` [s], `output_weights` [s], and in `__metadata__` the format,
 * version, checksum, domain and provenance (the last two as JSON).
 */
export async function serializeNetworkTensors(network: SparseNetwork): Promise<Uint8Array> {
  const { inputCount, unitCount, domain, provenance } = network;
  const arrays = [network.weights, network.biases, network.outputWeights];
  const shapes = [[unitCount, inputCount], [unitCount], [unitCount]];
  const header: Record<string, unknown> = {
    __metadata__: {
      format: NETWORK_FORMAT,
      version: String(NETWORK_VERSION),
      checksum: await networkChecksum(network),
      domain: JSON.stringify(domain),
      provenance: JSON.stringify(provenance),
    },
  };
  let end = 0;
  arrays.forEach((array, t) => {
    header[TENSORS[t]] = { dtype: 'F64', shape: shapes[t], data_offsets: [end, end + 8 * array.length] };
    end += 8 * array.length;
  });
  const text = new TextEncoder().encode(JSON.stringify(header));
  // Spaces up to a multiple of eight, as the format asks, so that the numbers are aligned.
  const headerBytes = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerBytes + end);
  bytes.fill(0x20, 8, 8 + headerBytes);
  bytes.set(text, 8);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(headerBytes), true);
  let at = 8 + headerBytes;
  for (const array of arrays) {
    for (const value of array) {
      view.setFloat64(at, value, true);
      at += 8;
    }
  }
  return bytes;
}

/**
 * Reads a safetensors file. One without fewfire's metadata, from another program, is a network on the cube of family
 * `safetensors`.
 * @throws FewfireError `network-file`: not safetensors, truncated, missing or extra tensors, other types or shapes, bad offsets, a wrong checksum
 */
export async function parseNetworkTensors(bytes: Uint8Array, label: string): Promise<SparseNetwork> {
  const header = readHeader(bytes, label);
  const { __metadata__: metadata, ...entries } = header.json;
  const names = Object.keys(entries);
  const missing = TENSORS.filter((name) => !names.includes(name));
  if (missing.length > 0 || names.length !== TENSORS.length) {
    throw damaged(
      `${label} has the tensors ${names.map((name) => JSON.stringify(name)).join(', ') || '(none)'}; expected exactly "weights", "biases" and "output_weights"`,
    );
  }
  const tensors = TENSORS.map((name) => readTensor(bytes, header.dataStart, entries[name], name, label));
  checkCoverage(tensors, bytes.length - header.dataStart, label);
  const [weights, biases, outputWeights] = tensors;
  const [unitCount, inputCount] = weights.shape;
  const fits =
    weights.shape.length === 2 &&
    [biases, outputWeights].every(({ shape }) => shape.length === 1 && shape[0] === unitCount);
  if (!fits) {
    const shapes = tensors.map(({ shape }, t) => `${TENSORS[t]} [${shape.join(', ')}]`).join(', ');
    throw damaged(`${label} has ${shapes}; expected weights [s, n], biases [s], output_weights [s]`);
  }
  const facts = readMetadata(metadata, label);
  const network = assemble(
    label,
    inputCount,
    weights.values,
    biases.values,
    outputWeights.values,
    facts.domain,
    facts.provenance,
  );
  if (facts.checksum !== undefined) await checkChecksum(label, network, facts.checksum);
  return network;
}

function readHeader(bytes: Uint8Array, label: string): { json: Record<string, unknown>; dataStart: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < 8 ? -1 : Number(view.getBigUint64(0, true));
  if (length < 2 || length > MAX_HEADER_BYTES || 8 + length > bytes.length) {
    throw damaged(
      bytes.length < 8
        ? `${label} has ${bytes.length} bytes, too few for safetensors; expected a whole file`
        : `${label} is not a whole safetensors file: it states a header of ${length} bytes and has ${bytes.length - 8} after the length`,
    );
  }
  const json = parseJson(bytes.subarray(8, 8 + length), (why, cause) =>
    damaged(`${label} is not a safetensors file: its header is not JSON (${why})`, cause),
  );
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw damaged(`${label} is not a safetensors file: its header is not a JSON object`);
  }
  return { json: json as Record<string, unknown>, dataStart: 8 + length };
}

interface Tensor {
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
  readonly values: Float64Array;
}

function readTensor(bytes: Uint8Array, dataStart: number, entry: unknown, name: string, label: string): Tensor {
  const parsed = tensorSchema.safeParse(entry);
  if (!parsed.success) throw damaged(`${label}: the entry of tensor ${name} is damaged`, parsed.error);
  const {
    dtype,
    shape,
    data_offsets: [begin, end],
  } = parsed.data;
  if (dtype !== 'F64') throw damaged(`${label}: tensor ${name} is of type ${dtype}, expected F64: convert it first`);
  const size = shape.reduce((product, length) => product * length, 1);
  if (end - begin !== 8 * size || end > bytes.length - dataStart) {
    throw damaged(
      `${label}: tensor ${name} of shape [${shape.join(', ')}] has the bytes ${begin} to ${end} of ${bytes.length - dataStart}; expected ${8 * size} bytes inside the file: it is cut off or damaged`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + dataStart + begin, end - begin);
  const values = new Float64Array(size);
  for (let i = 0; i < size; i++) values[i] = view.getFloat64(8 * i, true);
  return { shape, begin, end, values };
}

// The format has no holes: tensors follow each other and end with the file.
function checkCoverage(tensors: readonly Tensor[], dataBytes: number, label: string): void {
  let at = 0;
  for (const { begin, end } of tensors.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) throw damaged(`${label}: tensors overlap or leave a hole at byte ${at} of the data`);
    at = end;
  }
  if (at !== dataBytes) throw damaged(`${label} has ${dataBytes - at} bytes after its tensors; expected none`);
}

interface TensorFacts {
  readonly checksum: string | undefined;
  readonly domain: NetworkDomain;
  readonly provenance: NetworkProvenance;
}

function readMetadata(metadata: unknown, label: string): TensorFacts {
  const facts = (typeof metadata === 'object' && metadata !== null ? metadata : {}) as Record<string, unknown>;
  if (facts.format !== NETWORK_FORMAT) {
    // Another program's file; but fewfire's keys without its format are an edited one.
    if (facts.checksum !== undefined || facts.domain !== undefined || facts.provenance !== undefined) {
      checkHead(label, facts.format, facts.version);
    }
    return {
      checksum: undefined,
      domain: { kind: 'cube' },
      provenance: { family: 'safetensors', parameters: {}, seed: null },
    };
  }
  checkHead(label, facts.format, typeof facts.version === 'string' ? Number(facts.version) : facts.version);
  const refuse = (why: string, cause?: unknown): FewfireError =>
    damaged(`${label} is damaged or edited: its metadata lacks a valid checksum, domain or provenance (${why})`, cause);
  const field = (key: string): unknown => {
    const text = facts[key];
    if (typeof text !== 'string') throw refuse(`${key} is ${shownJson(text)} instead of text`);
    return parseJson(text, refuse);
  };
  const domain = domainSchema.safeParse(field('domain'));
  const provenance = provenanceSchema.safeParse(field('provenance'));
  if (!domain.success || !provenance.success || typeof facts.checksum !== 'string') throw refuse('a field is wrong');
  return {
    checksum: facts.checksum,
    domain: domain.data,
    provenance: provenance.data as NetworkProvenance,
  };
}

function networkContent(network: SparseNetwork): Record<string, JsonValue> {
  const { inputCount, unitCount, weights, biases, outputWeights, domain, provenance } = network;
  return {
    inputCount,
    domain: { ...domain },
    provenance: { ...provenance },
    weights: Array.from({ length: unitCount }, (_, j) =>
      Array.from(weights.subarray(j * inputCount, (j + 1) * inputCount)),
    ),
    biases: Array.from(biases),
    outputWeights: Array.from(outputWeights),
  };
}

function checkHead(label: string, format: unknown, version: unknown): void {
  if (format !== NETWORK_FORMAT) {
    throw damaged(
      `${label} is not a fewfire network (format ${shownJson(format)}); expected a file written by fewfire network make --out`,
    );
  }
  if (version !== NETWORK_VERSION) {
    throw damaged(
      `${label} is a network file of version ${shownJson(version)}; this fewfire reads version ${NETWORK_VERSION}: use the fewfire that wrote it or make it again`,
    );
  }
}

async function checkChecksum(label: string, network: SparseNetwork, stated: string): Promise<void> {
  if ((await networkChecksum(network)) === stated) return;
  throw damaged(
    `${label} was edited or damaged: its content does not have the checksum it states; expected it as fewfire network wrote it: make it again`,
  );
}

function assemble(
  label: string,
  inputCount: number,
  weights: Float64Array,
  biases: ArrayLike<number>,
  outputWeights: ArrayLike<number>,
  domain: NetworkDomain,
  provenance: NetworkProvenance,
): SparseNetwork {
  try {
    return createNetwork({ inputCount, weights, biases, outputWeights, domain, provenance });
  } catch (cause) {
    throw damaged(`${label} does not hold a network: ${(cause as Error).message}`, cause);
  }
}

function damaged(message: string, cause?: unknown): FewfireError {
  return new FewfireError('network-file', message, cause === undefined ? undefined : { cause });
}

/**
 * Network files: JSON with a format name, a version and a checksum over
 * everything else, or safetensors for large networks and other programs. The
 * checksum is the same in both and names the network: a certificate refers to it.
 *
 * A JSON file of version 1 holds units by their weights; one of version 2 holds
 * the trees whose leaves are the units (tree-part.ts has the format), and its
 * checksum is over these. A network is always written in the lowest version that
 * can hold it.
 */
import * as z from 'zod/mini';
import {
  canonicalJson,
  checkRunOptions,
  checksumOf,
  checksumOfText,
  describeIssue,
  FewfireError,
  parseJson,
  shownJson,
} from '../base/index.ts';
import {
  decodeNumbers,
  findTensorGap,
  readSafetensorsFrame,
  type TensorBytes,
  writeSafetensors,
} from '../formats/index.ts';
import { createNetwork, type NetworkDomain, type NetworkProvenance, type SparseNetwork } from './network.ts';
import { type AnyNetwork, expandTreeNetwork, isTreeNetwork, type TreeNetwork, treeNetworkOf } from './tree-network.ts';
import { readTreePart } from './tree-part.ts';

export const NETWORK_FORMAT = 'fewfire-network';
export const NETWORK_VERSION = 1;
/** Of a file that holds trees. */
export const TREE_NETWORK_VERSION = 2;

/** Options of reading a network file. */
export interface NetworkReadOptions {
  /** Files that need more memory to be read are refused. Default 4 GiB. */
  readonly memoryLimitBytes?: number | undefined;
}

const DEFAULT_MEMORY_BYTES = 4 * 2 ** 30;
/** What a number of the file takes while it is read: in the parsed lists and as a weight, with what is not yet given back. */
const UNIT_NUMBER_BYTES = 24;
/** And of trees, where it may be a node: in the parsed lists, as an object, and on the way. */
const TREE_NUMBER_BYTES = 200;

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
const unitsSchema = z.strictObject({
  format: z.literal(NETWORK_FORMAT),
  version: z.literal(NETWORK_VERSION),
  checksum: z.string(),
  inputCount: count,
  domain: domainSchema,
  provenance: provenanceSchema,
  /** One row per unit, checked by hand: these lists are the file. */
  weights: z.array(z.unknown()),
  biases: z.array(z.number()),
  outputWeights: z.array(z.number()),
});
const treesSchema = z.strictObject({
  format: z.literal(NETWORK_FORMAT),
  version: z.literal(TREE_NETWORK_VERSION),
  checksum: z.string(),
  trees: z.record(z.string(), z.unknown()),
});

/**
 * SHA-256 over inputCount, domain, provenance, weights, biases and output weights, or over the trees: the checksum of
 * every kind of file.
 */
export function networkChecksum(network: AnyNetwork): Promise<string> {
  if (isTreeNetwork(network)) return checksumOf({ trees: network.part });
  return checksumOfText(unitsText(network));
}

/**
 * The text of a JSON network file. Equal networks give equal text; numbers come back exactly.
 * @example
 * ```ts
 * import { parityNetwork, serializeNetwork } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * console.log(JSON.parse(await serializeNetwork(network)).format); // fewfire-network
 * ```
 */
export async function serializeNetwork(network: AnyNetwork): Promise<string> {
  if (isTreeNetwork(network)) return await serializeTrees(network);
  const { inputCount } = network;
  const checksum = await networkChecksum(network);
  // Through the schemas, so that the order of keys is theirs and a network that could not be read is not written.
  const domain = domainSchema.parse(network.domain);
  const provenance = provenanceSchema.parse(network.provenance);
  const head = { format: NETWORK_FORMAT, version: NETWORK_VERSION, checksum, inputCount, domain, provenance };
  const biases = JSON.stringify(Array.from(network.biases));
  const outputWeights = JSON.stringify(Array.from(network.outputWeights));
  const parts = [JSON.stringify(head).slice(0, -1), ',"weights":['];
  for (const row of weightTexts(network)) parts.push(row);
  parts.push(`],"biases":${biases},"outputWeights":${outputWeights}}\n`);
  return parts.join('');
}

async function serializeTrees(network: TreeNetwork): Promise<string> {
  const trees = readTreePart(network.part, 'the network');
  const head = { format: NETWORK_FORMAT, version: TREE_NETWORK_VERSION, checksum: await checksumOf({ trees }), trees };
  return `${JSON.stringify(head)}\n`;
}

// Canonical JSON of everything in a file of units but its head, rows of weights apart: "weights" comes last.
function* unitsText(network: SparseNetwork): Generator<string, void> {
  const { inputCount, domain, provenance } = network;
  const biases = Array.from(network.biases);
  const outputWeights = Array.from(network.outputWeights);
  yield canonicalJson({ inputCount, domain, provenance, biases, outputWeights }).slice(0, -1);
  yield ',"weights":[';
  yield* weightTexts(network);
  yield ']}';
}

function* weightTexts({ inputCount, unitCount, weights }: SparseNetwork): Generator<string, void> {
  for (let j = 0; j < unitCount; j++) {
    const row = JSON.stringify(Array.from(weights.subarray(j * inputCount, (j + 1) * inputCount)));
    yield j === 0 ? row : `,${row}`;
  }
}

/**
 * Reads a JSON network file's text; trees are expanded to units. A certificate of a file with trees names the trees: use
 * `parseAnyNetwork` to make or check one.
 * @throws FewfireError as `parseAnyNetwork`, and `memory-budget` for trees with too many units
 * @example
 * ```ts
 * import { parityNetwork, parseNetwork, serializeNetwork } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const same = await parseNetwork(await serializeNetwork(network), 'net.json');
 * console.log(same.weights.length); // 12
 * ```
 */
export async function parseNetwork(
  text: string,
  label: string,
  options: NetworkReadOptions = {},
): Promise<SparseNetwork> {
  checkRunOptions('parseNetwork', options, {});
  const network = await parseAnyNetwork(text, label, options);
  return isTreeNetwork(network) ? expandTreeNetwork(network, options) : network;
}

/**
 * Reads a JSON network file's text.
 * @param label what to call the file in messages
 * @throws FewfireError `network-file`: not JSON (truncated), another format, a newer version, a wrong field or length, a
 *   wrong checksum; `memory-budget` before anything is made of the text
 * @example
 * ```ts
 * import { parityNetwork, parseAnyNetwork, serializeNetwork } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const same = await parseAnyNetwork(await serializeNetwork(network), 'net.json');
 * console.log(same.unitCount); // 4
 * ```
 */
export async function parseAnyNetwork(
  text: string,
  label: string,
  options: NetworkReadOptions = {},
): Promise<AnyNetwork> {
  checkRunOptions('parseAnyNetwork', options, {});
  checkMemory(text, label, options);
  const data = parseJson(text, (why, cause) =>
    damaged(
      `${label} is not a whole network file (${why}); expected a file written by fewfire network make: make it again or copy it again`,
      cause,
    ),
  );
  const head = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>;
  checkHead(label, head.format, head.version, [NETWORK_VERSION, TREE_NETWORK_VERSION]);
  return head.version === TREE_NETWORK_VERSION ? await readTrees(data, label) : await readUnits(data, label);
}

// Every number but the first of a list follows a comma, so commas bound what will be made of the text.
function checkMemory(text: string, label: string, { memoryLimitBytes }: NetworkReadOptions): void {
  const limit = memoryLimitBytes ?? DEFAULT_MEMORY_BYTES;
  let commaCount = 0;
  for (let at = text.indexOf(','); at >= 0; at = text.indexOf(',', at + 1)) commaCount++;
  // A file of trees says so in its first line of text; one that does not is taken for units, and its nodes for numbers.
  const isTrees = /"version":\s*2\b/.test(text.slice(0, 1000));
  // The text as it is, and once more to be hashed.
  const needed = 3 * text.length + commaCount * (isTrees ? TREE_NUMBER_BYTES : UNIT_NUMBER_BYTES);
  if (needed <= limit) return;
  throw new FewfireError(
    'memory-budget',
    `${label} needs ${megabytes(needed)} to be read, more than the ${megabytes(limit)} allowed; allow more memory or make a smaller network`,
  );
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6).toLocaleString('en-US')} MB`;
}

async function readTrees(data: unknown, label: string): Promise<TreeNetwork> {
  const parsed = treesSchema.safeParse(data);
  if (!parsed.success) throw misfit(label, parsed.error, data);
  const part = readTreePart(parsed.data.trees, label);
  if ((await checksumOf({ trees: part })) !== parsed.data.checksum) throw edited(label);
  return treeNetworkOf(part);
}

async function readUnits(data: unknown, label: string): Promise<SparseNetwork> {
  const parsed = unitsSchema.safeParse(data);
  if (!parsed.success) throw misfit(label, parsed.error, data);
  const { checksum, inputCount, domain, provenance, weights, biases, outputWeights } = parsed.data;
  if (weights.length !== biases.length) {
    throw damaged(
      `${label} is damaged or edited: it has ${weights.length} rows of weights for ${biases.length} biases`,
    );
  }
  const flat = flatWeights(weights, inputCount, label);
  const network = assemble(label, inputCount, flat, biases, outputWeights, domain, provenance as NetworkProvenance);
  await checkChecksum(label, network, checksum);
  return network;
}

function flatWeights(rows: unknown[], inputCount: number, label: string): Float64Array {
  const short = rows.findIndex((row) => !Array.isArray(row) || row.length !== inputCount);
  if (short >= 0) {
    const row = rows[short];
    const found = Array.isArray(row) ? `${row.length} weights` : 'something else than a list of weights';
    throw damaged(`${label} is damaged or edited: unit ${short} has ${found}, expected ${inputCount}`);
  }
  const flat = new Float64Array(rows.length * inputCount);
  rows.forEach((row, j) => {
    const values = row as readonly unknown[];
    const odd = values.findIndex((value) => typeof value !== 'number');
    if (odd >= 0) throw damaged(`${label} is damaged or edited: weight ${odd} of unit ${j} is not a number`);
    flat.set(values as number[], j * inputCount);
    // A row can be given back once it is copied.
    rows[j] = null;
  });
  return flat;
}

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
  const metadata = {
    format: NETWORK_FORMAT,
    version: String(NETWORK_VERSION),
    checksum: await networkChecksum(network),
    domain: JSON.stringify(domain),
    provenance: JSON.stringify(provenance),
  };
  return writeSafetensors(
    metadata,
    TENSORS.map((name, t) => ({ name, shape: shapes[t], values: arrays[t] })),
  );
}

/**
 * Reads a safetensors file. One without fewfire's metadata, from another program, is a network on the cube of family
 * `safetensors`.
 * @throws FewfireError `network-file`: not safetensors, truncated, missing or extra tensors, other types or shapes, bad offsets, a wrong checksum
 */
export async function parseNetworkTensors(bytes: Uint8Array, label: string): Promise<SparseNetwork> {
  const { header, data } = readSafetensorsFrame(bytes, label, damaged);
  const { __metadata__: metadata, ...entries } = header;
  const names = Object.keys(entries);
  const missing = TENSORS.filter((name) => !names.includes(name));
  if (missing.length > 0 || names.length !== TENSORS.length) {
    throw damaged(
      `${label} has the tensors ${names.map((name) => JSON.stringify(name)).join(', ') || '(none)'}; expected exactly "weights", "biases" and "output_weights"`,
    );
  }
  const tensors = TENSORS.map((name) => readTensor(data, entries[name], name, label));
  checkCoverage(tensors, data.length, label);
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

interface Tensor extends TensorBytes {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

function readTensor(data: Uint8Array, entry: unknown, name: string, label: string): Tensor {
  const parsed = tensorSchema.safeParse(entry);
  if (!parsed.success) throw damaged(`${label}: the entry of tensor ${name} is damaged`, parsed.error);
  const {
    dtype,
    shape,
    data_offsets: [begin, end],
  } = parsed.data;
  if (dtype !== 'F64') throw damaged(`${label}: tensor ${name} is of type ${dtype}, expected F64: convert it first`);
  const size = shape.reduce((product, length) => product * length, 1);
  if (end - begin !== 8 * size || end > data.length) {
    throw damaged(
      `${label}: tensor ${name} of shape [${shape.join(', ')}] has the bytes ${begin} to ${end} of ${data.length}; expected ${8 * size} bytes inside the file: it is cut off or damaged`,
    );
  }
  const values = decodeNumbers(data.subarray(begin, end), 'float64', true) as Float64Array;
  return { shape, begin, end, values };
}

function checkCoverage(tensors: readonly Tensor[], dataBytes: number, label: string): void {
  const gap = findTensorGap(tensors, dataBytes);
  if (gap === undefined) return;
  const { at, next, isEnd } = gap;
  if (isEnd) throw damaged(`${label} has ${next - at} bytes after its tensors; expected none`);
  throw damaged(`${label}: tensors overlap or leave a hole at byte ${at} of the data`);
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
      checkHead(label, facts.format, facts.version, [NETWORK_VERSION]);
    }
    return {
      checksum: undefined,
      domain: { kind: 'cube' },
      provenance: { family: 'safetensors', parameters: {}, seed: null },
    };
  }
  checkHead(label, facts.format, typeof facts.version === 'string' ? Number(facts.version) : facts.version, [
    NETWORK_VERSION,
  ]);
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

function checkHead(label: string, format: unknown, version: unknown, versions: readonly number[]): void {
  if (format !== NETWORK_FORMAT) {
    throw damaged(
      `${label} is not a fewfire network (format ${shownJson(format)}); expected a file written by fewfire network make`,
    );
  }
  if (!versions.some((known) => known === version)) {
    throw damaged(
      `${label} is a network file of version ${shownJson(version)}; this fewfire reads version ${versions.join(' and ')}: use the fewfire that wrote it or make it again`,
    );
  }
}

async function checkChecksum(label: string, network: SparseNetwork, stated: string): Promise<void> {
  if ((await networkChecksum(network)) !== stated) throw edited(label);
}

function edited(label: string): FewfireError {
  return damaged(
    `${label} was edited or damaged: its content does not have the checksum it states; expected it as fewfire network wrote it: make it again`,
  );
}

function misfit(label: string, error: z.core.$ZodError, data: unknown): FewfireError {
  return damaged(
    `${label} is damaged or edited: ${describeIssue(error.issues[0], data)}; expected it as fewfire network wrote it`,
    error,
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
    return createNetwork({ inputCount, weights, biases, outputWeights, domain, provenance }, { owned: true });
  } catch (cause) {
    throw damaged(`${label} does not hold a network: ${(cause as Error).message}`, cause);
  }
}

function damaged(message: string, cause?: unknown): FewfireError {
  return new FewfireError('network-file', message, cause === undefined ? undefined : { cause });
}

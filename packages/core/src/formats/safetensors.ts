/**
 * Safetensors files: a header of JSON that says where each tensor is, and the numbers. The header is text of somebody else's
 * making, so nothing in it is believed before it has been checked against the size of the file.
 *
 * Here are the frame, read and written, and readers of tensors of trained layers: floats of 32 bits and fewer (F32, F16, BF16), or
 * any numbers. Files of networks (network-file.ts) are stricter about what is in them, and say so in words of their own.
 */
import { FewfireError, listNames, parseJson, shownJson } from '../base/index.ts';
import {
  type ChooseArrays,
  decodeNumbers,
  type ElementType,
  elementBytes,
  type NumberArray,
  refuseNumbers,
  valueBytes,
} from './number-array.ts';

/** A tensor of a safetensors file, in single precision. */
export interface FloatTensor {
  /** Row-major; no lengths for a single number. */
  readonly shape: readonly number[];
  /** As many as the product of `shape`, all finite. */
  readonly values: Float32Array;
}

export interface TensorOptions {
  /** What may be had for the numbers, besides the bytes. */
  readonly memoryLimitBytes?: number | undefined;
  readonly choose?: ChooseArrays | undefined;
}

/** The format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;
const MAX_AXES = 8;

/** A file taken apart: its header, of which only the JSON was checked, and the bytes of all tensors. */
export interface SafetensorsFrame {
  readonly header: Readonly<Record<string, unknown>>;
  readonly data: Uint8Array;
}

/**
 * @param label names the file in messages
 * @param refuse makes the error for what is no safetensors file or not a whole one
 */
export function readSafetensorsFrame(
  bytes: Uint8Array,
  label: string,
  refuse: (message: string, cause?: unknown) => Error,
): SafetensorsFrame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = bytes.length < 8 ? -1 : Number(view.getBigUint64(0, true));
  if (headerBytes < 2 || headerBytes > MAX_HEADER_BYTES || 8 + headerBytes > bytes.length) {
    throw refuse(
      bytes.length < 8
        ? `${label} has ${bytes.length} bytes, too few for safetensors; expected a whole file`
        : `${label} is not a whole safetensors file: it states a header of ${headerBytes} bytes and has ${bytes.length - 8} after the length`,
    );
  }
  const header = parseJson(bytes.subarray(8, 8 + headerBytes), (why, cause) =>
    refuse(`${label} is not a safetensors file: its header is not JSON (${why})`, cause),
  );
  if (!isRecord(header)) throw refuse(`${label} is not a safetensors file: its header is not a JSON object`);
  return { header, data: bytes.subarray(8 + headerBytes) };
}

/** Where the bytes of a tensor begin and end. */
export interface TensorBytes {
  readonly begin: number;
  readonly end: number;
}

/**
 * The format has no holes: tensors follow each other and end with the file. Where they do not, the first byte that should
 * begin a tensor, or end the file, and the one that does.
 */
export function findTensorGap(
  tensors: readonly TensorBytes[],
  dataBytes: number,
): { readonly at: number; readonly next: number; readonly isEnd: boolean } | undefined {
  let at = 0;
  for (const { begin, end } of tensors.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) return { at, next: begin, isEnd: false };
    at = end;
  }
  return at === dataBytes ? undefined : { at, next: dataBytes, isEnd: true };
}

/** A safetensors file of doubles. */
export function writeSafetensors(
  metadata: Readonly<Record<string, string>>,
  tensors: readonly { readonly name: string; readonly shape: readonly number[]; readonly values: Float64Array }[],
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const { name, shape, values } of tensors) {
    header[name] = { dtype: 'F64', shape, data_offsets: [end, end + 8 * values.length] };
    end += 8 * values.length;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  // Spaces up to a multiple of eight, as the format asks, so that the numbers are aligned.
  const headerBytes = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerBytes + end);
  bytes.fill(0x20, 8, 8 + headerBytes);
  bytes.set(text, 8);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(headerBytes), true);
  let at = 8 + headerBytes;
  for (const { values } of tensors) {
    for (const value of values) {
      view.setFloat64(at, value, true);
      at += 8;
    }
  }
  return bytes;
}

/**
 * The tensors of a file by name.
 * @param label names the file in messages
 * @param options `choose`, and `memoryLimitBytes` for the numbers, besides the bytes
 * @throws FewfireError `file-unreadable`: not safetensors, cut off, a wanted tensor of another type than F32, F16 and BF16,
 *   overlapping tensors or bytes of none, `invalid-data`: NaN or infinity, `memory-budget`
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { parseSafetensors } from '@fewfire/node';
 *
 * const tensors = parseSafetensors(await readFile('examples/relu-mlp.safetensors'), 'relu-mlp.safetensors');
 * console.log(tensors.get('up.weight')?.shape); // [ 1024, 256 ]
 * ```
 */
export function parseSafetensors(
  bytes: Uint8Array,
  label: string,
  options: TensorOptions = {},
): ReadonlyMap<string, FloatTensor> {
  const { memoryLimitBytes = Number.POSITIVE_INFINITY, choose } = options;
  const { places, data } = readPlaces(bytes, label, FLOATS, choose);
  refuseNumbers(numbersBytes(places), memoryLimitBytes, label);
  return new Map(places.map((place) => [place.name, { shape: place.shape, values: readValues(data, place, label) }]));
}

/**
 * The tensors of a file as arrays of numbers, of any type that numpy has too (inputs of models are often whole numbers).
 * @param memoryLimitBytes what may be had for the numbers, besides the bytes
 * @throws FewfireError `file-unreadable` as `parseSafetensors`, `memory-budget`
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { parseSafetensorsArrays } from '@fewfire/node';
 *
 * const arrays = parseSafetensorsArrays(await readFile('examples/relu-mlp.safetensors'), 'relu-mlp.safetensors');
 * console.log(arrays.get('up.weight')?.shape); // [ 1024, 256 ]
 * ```
 */
export function parseSafetensorsArrays(
  bytes: Uint8Array,
  label: string,
  memoryLimitBytes: number = Number.POSITIVE_INFINITY,
  choose?: ChooseArrays,
): ReadonlyMap<string, NumberArray> {
  const { places, data } = readPlaces(bytes, label, ELEMENT_TYPES, choose);
  refuseNumbers(numbersBytes(places), memoryLimitBytes, label);
  return new Map(
    places.map(({ name, shape, type, begin, end }) => [
      name,
      { shape, values: decodeNumbers(data.subarray(begin, end), type, true) },
    ]),
  );
}

type NamedTypes = Readonly<Record<string, ElementType>>;

const FLOATS: NamedTypes = { F16: 'float16', BF16: 'bfloat16', F32: 'float32' };
const ELEMENT_TYPES: NamedTypes = {
  ...FLOATS,
  F64: 'float64',
  I8: 'int8',
  I16: 'int16',
  I32: 'int32',
  I64: 'int64',
  U8: 'uint8',
  U16: 'uint16',
  U32: 'uint32',
  BOOL: 'bool',
};

function numbersBytes(places: readonly Place[]): number {
  return places.reduce((sum, { begin, end, type }) => sum + ((end - begin) / elementBytes(type)) * valueBytes(type), 0);
}

// Of all tensors the place is checked, of those that are wanted the type and the shape too.
function readPlaces(
  bytes: Uint8Array,
  label: string,
  types: NamedTypes,
  choose: ChooseArrays = (names) => names,
): { places: Place[]; data: Uint8Array } {
  const { header, data } = readSafetensorsFrame(bytes, label, damaged);
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
  const wanted = new Set(choose(entries.map(([name]) => name)));
  const spans = entries.map(([name, entry]) => spanOf(name, entry, data.length, label));
  const places = spans.filter(({ name }) => wanted.has(name)).map((span) => placeOf(span, types, label));
  checkCoverage(spans, data.length, label);
  return { places, data };
}

/**
 * One tensor of a file, of the shape it should have; null stands for any length.
 * @throws FewfireError `invalid-data` when it is missing or has another shape
 * @example
 * ```ts
 * import { expectTensor, readSafetensors } from '@fewfire/node';
 *
 * const tensors = await readSafetensors('examples/relu-mlp.safetensors');
 * const [name] = tensors.keys();
 * console.log(name, expectTensor(tensors, name, [null, null], 'relu-mlp.safetensors').shape); // up.weight [ 1024, 256 ]
 * ```
 */
export function expectTensor(
  tensors: ReadonlyMap<string, FloatTensor>,
  name: string,
  shape: readonly (number | null)[],
  label: string,
): FloatTensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) {
    throw new FewfireError(
      'invalid-data',
      `${label} has no tensor ${JSON.stringify(name)}; it has ${listNames([...tensors.keys()], 12) || 'none'}`,
    );
  }
  const fits = tensor.shape.length === shape.length && shape.every((n, i) => n === null || n === tensor.shape[i]);
  if (!fits) {
    throw new FewfireError(
      'invalid-data',
      `${label}: tensor ${JSON.stringify(name)} has the shape [${tensor.shape.join(', ')}], expected [${shape.map((n) => n ?? 'any').join(', ')}]`,
    );
  }
  return tensor;
}

/** A tensor as the header has it. */
interface Span extends TensorBytes {
  readonly name: string;
  readonly dtype: unknown;
  readonly shape: readonly number[];
}

interface Place extends Span {
  readonly type: ElementType;
}

function spanOf(name: string, entry: unknown, dataBytes: number, label: string): Span {
  const what = `${label}: tensor ${JSON.stringify(name)}`;
  if (!isRecord(entry) || !isCounts(entry.shape) || !isCounts(entry.data_offsets) || entry.data_offsets.length !== 2) {
    throw damaged(`${what} has a damaged entry; expected dtype, shape and two data_offsets, whole numbers from 0`);
  }
  const { dtype, shape } = entry;
  const [begin, end] = entry.data_offsets;
  if (begin > end || end > dataBytes) {
    throw damaged(
      `${what} has the bytes ${begin} to ${end} of ${dataBytes}; expected bytes inside the file: it is cut off or damaged`,
    );
  }
  return { name, dtype, shape, begin, end };
}

function placeOf(span: Span, types: NamedTypes, label: string): Place {
  const { name, dtype, shape, begin, end } = span;
  const what = `${label}: tensor ${JSON.stringify(name)}`;
  const type = typeof dtype === 'string' && Object.hasOwn(types, dtype) ? types[dtype] : undefined;
  if (type === undefined) {
    throw damaged(
      `${what} is of type ${shownJson(dtype)}, expected ${listNames(Object.keys(types), 20)}: convert it first`,
    );
  }
  if (shape.length > MAX_AXES) throw damaged(`${what} has ${shape.length} axes, expected at most ${MAX_AXES}`);
  const byteCount = elementBytes(type) * shape.reduce((product, length) => product * length, 1);
  if (end - begin !== byteCount) {
    throw damaged(
      `${what} of shape [${shape.join(', ')}] has the bytes ${begin} to ${end}; expected ${byteCount} bytes: it is damaged`,
    );
  }
  return { ...span, type };
}

function checkCoverage(places: readonly Span[], dataBytes: number, label: string): void {
  const gap = findTensorGap(places, dataBytes);
  if (gap === undefined) return;
  const { at, next, isEnd } = gap;
  if (isEnd) throw damaged(`${label} has ${next - at} bytes after its tensors; expected none`);
  throw damaged(`${label}: tensors overlap or leave a hole at byte ${Math.min(at, next)} of the data`);
}

function readValues(data: Uint8Array, { name, type, begin, end }: Place, label: string): Float32Array {
  const values = decodeNumbers(data.subarray(begin, end), type, true) as Float32Array;
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return values;
  throw new FewfireError(
    'invalid-data',
    `${label}: number ${at} of tensor ${JSON.stringify(name)} is ${values[at]}, expected finite numbers`,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function damaged(message: string, cause?: unknown): FewfireError {
  return new FewfireError('file-unreadable', message, { cause });
}

/**
 * ONNX files without a dependency: a reader of the protobuf wire format, and the
 * few messages that a graph is made of (onnx.proto, ModelProto down to
 * AttributeProto and TensorProto). Unknown fields are skipped, as protobuf
 * wants; functions are not entered.
 *
 * The file may be hostile: every length is checked against what encloses it,
 * nothing is allocated by a count the file merely claims, messages nest only as
 * deep as this file says (graphs in graphs: MAX_GRAPH_DEPTH), and lists of messages have a limit, because an empty
 * one takes two bytes of the file and hundreds in memory.
 */
import { FewfireError } from '../base/index.ts';
import { bfloatToNumber, halfToNumber } from './half.ts';

/** An ONNX model, as it was read. */
export interface OnnxModel {
  readonly irVersion: number;
  readonly producer: string;
  /** Operator sets by domain; '' is ONNX's own. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly graph: OnnxGraph;
}

/** A graph of an ONNX model, as it was read. */
export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** A node of an ONNX graph. */
export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  /** Names of values. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

/** An attribute uses one of these; the others are empty. */
export interface OnnxAttribute {
  readonly name: string;
  readonly float: number | undefined;
  readonly integer: number | undefined;
  readonly bytes: Uint8Array | undefined;
  readonly tensor: OnnxTensor | undefined;
  /** A branch of If, the body of a loop. */
  readonly graph: OnnxGraph | undefined;
  readonly floats: readonly number[];
  readonly integers: readonly number[];
  readonly strings: readonly string[];
}

/** A tensor whose numbers are still bytes of the file. */
export interface OnnxTensor {
  readonly name: string;
  readonly dims: readonly number[];
  /** TensorProto.DataType: 1 float, 11 double, 6 int32, 7 int64, 2 uint8, 3 int8, ... */
  readonly dataType: number;
  /** The numbers are in another file, and were not read from it. */
  readonly external: boolean;
  /** Where in which file, as it is written. */
  readonly place: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
  /** Of a tensor whose numbers were in another file: their bytes, as `raw_data` would have them. */
  readonly outside?: Uint8Array;
}

/** An input or output of the graph. */
export interface OnnxValue {
  readonly name: string;
  /** As `OnnxTensor.dataType`; 0 when it is not a tensor. */
  readonly elementType: number;
  /** undefined for a size that is not fixed. */
  readonly dims: readonly (number | undefined)[];
}

/** The most nodes, initializers, inputs or outputs that are read, and those of all graphs inside of graphs together. */
const MAX_MESSAGES = 2 ** 18;
const MAX_GRAPH_DEPTH = 16;

/** What is known on the way down. */
interface Reading {
  readonly label: string;
  readonly depth: number;
  /** Messages of graphs inside of graphs that may still come. */
  readonly inner: { left: number };
}

/**
 * Reads an ONNX file.
 * @param label what to call it in messages
 * @throws FewfireError `model-file` when it breaks off, is not protobuf, or has no graph
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { readOnnxModel } from '@fewfire/core';
 *
 * const bytes = await readFile('examples/charlm-relu.onnx');
 * const { graph } = readOnnxModel(bytes, 'charlm-relu.onnx');
 * console.log(graph.inputs.map(({ name }) => name)); // [ 'tokens' ]
 * ```
 */
export function readOnnxModel(bytes: Uint8Array, label = 'the ONNX model'): OnnxModel {
  let irVersion = 0;
  let producer = '';
  let graph: OnnxGraph | undefined;
  const opsets = new Map<string, number>();
  forEachField(bytes, label, (field) => {
    if (field.id === 1) irVersion = integerOf(field, label);
    else if (field.id === 2) producer = textOf(bytesOf(field, label));
    else if (field.id === 7) {
      // Protobuf would merge them; no exporter writes two.
      if (graph !== undefined) throw damagedOnnx(label, 'it holds two graphs');
      graph = readGraph(bytesOf(field, label), { label, depth: 0, inner: { left: MAX_MESSAGES } });
    } else if (field.id === 8) {
      let domain = '';
      let version = 0;
      forEachField(bytesOf(field, label), label, (entry) => {
        if (entry.id === 1) domain = textOf(bytesOf(entry, label));
        else if (entry.id === 2) version = integerOf(entry, label);
      });
      opsets.set(domain === 'ai.onnx' ? '' : domain, version);
    }
  });
  if (graph === undefined) {
    throw new FewfireError('model-file', `${label} holds no ONNX graph; expected a whole .onnx file`);
  }
  return { irVersion, producer, opsets, graph };
}

function readGraph(bytes: Uint8Array, reading: Reading): OnnxGraph {
  const { label, depth, inner } = reading;
  let name = '';
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  const inputs: OnnxValue[] = [];
  const outputs: OnnxValue[] = [];
  forEachField(bytes, label, (field) => {
    if (depth > 0 && --inner.left < 0) throw tooMany(label);
    if (field.id === 1) addMessage(nodes, readNode(bytesOf(field, label), reading), label);
    else if (field.id === 2) name = textOf(bytesOf(field, label));
    else if (field.id === 5) addMessage(initializers, readTensor(bytesOf(field, label), label), label);
    else if (field.id === 11) addMessage(inputs, readValue(bytesOf(field, label), label), label);
    else if (field.id === 12) addMessage(outputs, readValue(bytesOf(field, label), label), label);
  });
  return { name, nodes, initializers, inputs, outputs };
}

function addMessage<T>(list: T[], message: T, label: string): void {
  if (list.length >= MAX_MESSAGES) throw tooMany(label);
  list.push(message);
}

function tooMany(label: string): FewfireError {
  return new FewfireError(
    'unsupported',
    `${label} has more than ${MAX_MESSAGES.toLocaleString('en-US')} nodes, initializers, inputs or outputs, which is not supported`,
  );
}

function readNode(bytes: Uint8Array, reading: Reading): OnnxNode {
  const { label } = reading;
  let name = '';
  let opType = '';
  let domain = '';
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, OnnxAttribute>();
  forEachField(bytes, label, (field) => {
    if (field.id === 1) inputs.push(textOf(bytesOf(field, label)));
    else if (field.id === 2) outputs.push(textOf(bytesOf(field, label)));
    else if (field.id === 3) name = textOf(bytesOf(field, label));
    else if (field.id === 4) opType = textOf(bytesOf(field, label));
    else if (field.id === 7) domain = textOf(bytesOf(field, label));
    else if (field.id === 5) {
      const attribute = readAttribute(bytesOf(field, label), reading);
      attributes.set(attribute.name, attribute);
    }
  });
  return { name, opType, domain, inputs, outputs, attributes };
}

function readAttribute(bytes: Uint8Array, reading: Reading): OnnxAttribute {
  const { label, depth } = reading;
  let name = '';
  let float: number | undefined;
  let integer: number | undefined;
  let own: Uint8Array | undefined;
  let tensor: OnnxTensor | undefined;
  let graph: OnnxGraph | undefined;
  const floats: number[] = [];
  const integers: number[] = [];
  const strings: string[] = [];
  // Enumerations come as millions of equal texts: one object for each different one.
  const known = new Map<string, string>();
  const shared = (text: string): string => {
    const first = known.get(text);
    if (first === undefined) known.set(text, text);
    return first ?? text;
  };
  forEachField(bytes, label, (field) => {
    if (field.id === 1) name = textOf(bytesOf(field, label));
    else if (field.id === 2) [float] = appendFloats([], field, label);
    else if (field.id === 3) integer = integerOf(field, label);
    else if (field.id === 4) own = bytesOf(field, label);
    else if (field.id === 5) tensor = readTensor(bytesOf(field, label), label);
    else if (field.id === 6) {
      if (depth === MAX_GRAPH_DEPTH) throw damagedOnnx(label, `graphs stand in graphs more than ${depth} deep`);
      graph = readGraph(bytesOf(field, label), { ...reading, depth: depth + 1 });
    } else if (field.id === 7) appendFloats(floats, field, label);
    else if (field.id === 8) appendIntegers(integers, field, label);
    else if (field.id === 9) strings.push(shared(textOf(bytesOf(field, label))));
  });
  return { name, float, integer, bytes: own, tensor, graph, floats, integers, strings };
}

function readTensor(bytes: Uint8Array, label: string): OnnxTensor {
  let name = '';
  let dataType = 0;
  let external = false;
  const dims: number[] = [];
  const place = new Map<string, string>();
  forEachField(bytes, label, (field) => {
    if (field.id === 1) appendIntegers(dims, field, label);
    else if (field.id === 2) dataType = integerOf(field, label);
    else if (field.id === 8) name = textOf(bytesOf(field, label));
    else if (field.id === 13) {
      external = true;
      let key = '';
      let value = '';
      forEachField(bytesOf(field, label), label, (entry) => {
        if (entry.id === 1) key = textOf(bytesOf(entry, label));
        else if (entry.id === 2) value = textOf(bytesOf(entry, label));
      });
      place.set(key, value);
    } else if (field.id === 14) external ||= integerOf(field, label) === 1;
  });
  return { name, dims, dataType, external, place, body: bytes };
}

function readValue(bytes: Uint8Array, label: string): OnnxValue {
  let name = '';
  let elementType = 0;
  const dims: (number | undefined)[] = [];
  forEachField(bytes, label, (field) => {
    if (field.id === 1) name = textOf(bytesOf(field, label));
    else if (field.id === 2) {
      forEachField(bytesOf(field, label), label, (type) => {
        if (type.id !== 1) return;
        forEachField(bytesOf(type, label), label, (tensor) => {
          if (tensor.id === 1) elementType = integerOf(tensor, label);
          else if (tensor.id === 2) {
            forEachField(bytesOf(tensor, label), label, (shape) => {
              if (shape.id !== 1) return;
              let size: number | undefined;
              forEachField(bytesOf(shape, label), label, (dim) => {
                if (dim.id === 1) size = integerOf(dim, label);
              });
              dims.push(size);
            });
          }
        });
      });
    }
  });
  return { name, elementType, dims };
}

type ReadNumber = (view: DataView, offset: number) => number;

/** Bytes per number in `raw_data`, how they are read, and which field holds the numbers otherwise. */
const ELEMENT_TYPES: ReadonlyMap<
  number,
  { readonly byteCount: number; readonly read: ReadNumber; readonly field: number; readonly fromField?: ReadBits }
> = new Map([
  [1, { byteCount: 4, read: (view, at) => view.getFloat32(at, true), field: 4 }],
  [2, { byteCount: 1, read: (view, at) => view.getUint8(at), field: 5 }],
  [3, { byteCount: 1, read: (view, at) => view.getInt8(at), field: 5 }],
  [6, { byteCount: 4, read: (view, at) => view.getInt32(at, true), field: 5 }],
  [7, { byteCount: 8, read: (view, at) => Number(view.getBigInt64(at, true)), field: 7 }],
  [9, { byteCount: 1, read: (view, at) => view.getUint8(at), field: 5 }],
  // Of numbers of 16 bits the field has the bits.
  [10, { byteCount: 2, read: (view, at) => halfToNumber(view.getUint16(at, true)), field: 5, fromField: halfToNumber }],
  [11, { byteCount: 8, read: (view, at) => view.getFloat64(at, true), field: 10 }],
  [
    16,
    { byteCount: 2, read: (view, at) => bfloatToNumber(view.getUint16(at, true)), field: 5, fromField: bfloatToNumber },
  ],
]);
type ReadBits = (bits: number) => number;

/** Bytes of a number of this ONNX element type; undefined for types that are not read. */
export function elementByteCount(dataType: number): number | undefined {
  return ELEMENT_TYPES.get(dataType)?.byteCount;
}

/**
 * The numbers of a tensor, in row-major order; a float tensor's exactly, an int64 beyond 2^53 rounded.
 * @throws FewfireError `unsupported` for other element types and for data outside the file, `model-file` when the
 *   count is not the product of the dims
 */
export function tensorNumbers(tensor: OnnxTensor, label = 'the ONNX model'): Float64Array {
  const where = `${label}, tensor ${JSON.stringify(tensor.name)}`;
  const type = ELEMENT_TYPES.get(tensor.dataType);
  if (type === undefined || tensor.external) {
    throw new FewfireError(
      'unsupported',
      tensor.external
        ? `${where} has its numbers in another file; save the model with its data inside`
        : `${where} is of ONNX element type ${tensor.dataType}; expected float, double, float16, bfloat16, int8, uint8, int32, int64 or bool`,
    );
  }
  let raw = tensor.outside;
  const listed: number[] = [];
  forEachField(tensor.body, label, (field) => {
    if (tensor.outside !== undefined) return;
    if (field.id === 9) raw = bytesOf(field, label);
    else if (field.id !== type.field) return;
    else if (field.id === 4) appendFloats(listed, field, label);
    else if (field.id === 10) appendDoubles(listed, field, label);
    else appendIntegers(listed, field, label);
  });
  const count = tensor.dims.reduce((product, size) => product * size, 1);
  const found = raw === undefined ? listed.length : raw.length / type.byteCount;
  if (found !== count) {
    throw damagedOnnx(where, `its dims [${tensor.dims.join(', ')}] ask for ${count} numbers and it holds ${found}`);
  }
  const { byteCount, read, fromField } = type;
  if (raw === undefined) return Float64Array.from(fromField === undefined ? listed : listed.map(fromField));
  const view = viewOf(raw);
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = read(view, i * byteCount);
  return numbers;
}

/** UTF-8 text of bytes of the file. */
export function textOf(bytes: Uint8Array): string {
  // A decoder costs a microsecond, and most texts are short names.
  let text = '';
  for (let k = 0; k < bytes.length; k++) {
    if (bytes[k] >= 128 || k === 64) return new TextDecoder().decode(bytes);
    text += String.fromCharCode(bytes[k]);
  }
  return text;
}

/** One field of a protobuf message, as it is on the wire. */
export interface ProtobufField {
  readonly id: number;
  /** 0 a varint, 1 eight bytes, 2 a length and as many bytes, 5 four bytes. */
  readonly wire: number;
  /** Of a varint: as a signed 64-bit integer, rounded beyond 2^53. */
  readonly integer: number;
  /** Of the others: their bytes, a view. */
  readonly bytes: Uint8Array;
}

const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * Calls `visit` for every field of a message, in order, with its bytes on the wire.
 * @throws FewfireError `model-file` when a field reaches beyond the message or is not protobuf
 */
export function forEachField(
  message: Uint8Array,
  label: string,
  visit: (field: ProtobufField, whole: Uint8Array) => void,
): void {
  const cursor: Cursor = { bytes: message, at: 0, label };
  while (cursor.at < message.length) {
    const start = cursor.at;
    const tag = readVarint(cursor);
    const id = Math.floor(tag / 8);
    const wire = tag % 8;
    if (!(tag >= 8 && id < 2 ** 29)) throw damagedOnnx(label, `it has a field numbered ${id}`);
    if (wire === 0) {
      const integer = readVarint(cursor);
      visit({ id, wire, integer, bytes: NOTHING }, message.subarray(start, cursor.at));
      continue;
    }
    const length = wire === 1 ? 8 : wire === 5 ? 4 : wire === 2 ? readVarint(cursor) : Number.NaN;
    if (!(length >= 0)) throw damagedOnnx(label, `field ${id} is of wire type ${wire}, which ONNX does not use`);
    const end = cursor.at + length;
    if (end > message.length) throw damagedOnnx(label, `it breaks off inside field ${id}`);
    visit({ id, wire, integer: 0, bytes: message.subarray(cursor.at, end) }, message.subarray(start, end));
    cursor.at = end;
  }
}

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
  readonly label: string;
}

function readVarint(cursor: Cursor): number {
  const { bytes, label } = cursor;
  let low = 0;
  let high = 0;
  for (let k = 0; k < 10; k++) {
    if (cursor.at >= bytes.length) throw damagedOnnx(label, 'it breaks off inside a number');
    const byte = bytes[cursor.at++];
    const part = byte & 127;
    // 28 bits below, up to 36 above.
    if (k < 4) low += part * 2 ** (7 * k);
    else high += part * 2 ** (7 * (k - 4));
    if (byte < 128) {
      // Two's complement of 64 bits; bits beyond are dropped as protobuf does.
      high %= 2 ** 36;
      return high >= 2 ** 35 ? (high - 2 ** 36) * 2 ** 28 + low : high * 2 ** 28 + low;
    }
  }
  throw damagedOnnx(label, 'a number goes on for more than 10 bytes');
}

/** The integer of a varint field. */
function integerOf(field: ProtobufField, label: string): number {
  if (field.wire === 0) return field.integer;
  throw damagedOnnx(label, `field ${field.id} is not an integer`);
}

/** The bytes of a field with a length: a message, text or bytes. */
export function bytesOf(field: ProtobufField, label: string): Uint8Array {
  if (field.wire === 2) return field.bytes;
  throw damagedOnnx(label, `field ${field.id} is not a message or text`);
}

/** Adds the integers of a repeated field, packed or one by one. */
function appendIntegers(list: number[], field: ProtobufField, label: string): number[] {
  if (field.wire === 0) list.push(field.integer);
  else {
    const cursor: Cursor = { bytes: bytesOf(field, label), at: 0, label };
    while (cursor.at < cursor.bytes.length) list.push(readVarint(cursor));
  }
  return list;
}

/** Adds the 4-byte floats of a repeated field, packed or one by one. */
function appendFloats(list: number[], field: ProtobufField, label: string): number[] {
  return appendFixed(list, field, label, 4);
}

/** Adds the 8-byte floats of a repeated field, packed or one by one. */
function appendDoubles(list: number[], field: ProtobufField, label: string): number[] {
  return appendFixed(list, field, label, 8);
}

function appendFixed(list: number[], field: ProtobufField, label: string, byteCount: 4 | 8): number[] {
  const { wire, bytes } = field;
  if ((wire !== (byteCount === 4 ? 5 : 1) && wire !== 2) || bytes.length % byteCount !== 0) {
    throw damagedOnnx(label, `field ${field.id} does not hold ${byteCount}-byte floats`);
  }
  const view = viewOf(bytes);
  for (let at = 0; at < bytes.length; at += byteCount) {
    list.push(byteCount === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true));
  }
  return list;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damagedOnnx(label: string, what: string): FewfireError {
  return new FewfireError(
    'model-file',
    `${label} is not a whole ONNX file: ${what}; expected a .onnx file: copy it again`,
  );
}

/**
 * Arrays as numpy keeps them: .npy (format versions 1 to 3). The header of a file is a Python literal; only the one form that
 * numpy writes is taken, and never evaluated. Sizes are compared with the bytes that are there before anything is allocated.
 */
import { FewfireError } from '../base/index.ts';
import {
  decodeNumbers,
  type ElementType,
  elementBytes,
  type NumberArray,
  refuseNumbers,
  valueBytes,
} from './number-array.ts';

/** numpy's header is a hundred bytes; structured types, which have long ones, are not read. */
const MAX_HEADER_BYTES = 65_536;
const MAX_AXES = 32;

const TYPES: Readonly<Record<string, ElementType>> = {
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  b1: 'bool',
};

/**
 * The array of an .npy file.
 * @param label names the file in messages
 * @param memoryLimitBytes what may be had for the numbers, besides the bytes
 * @throws FewfireError `file-unreadable` for what is damaged or cut off, `unsupported` for other types of elements,
 *   `memory-budget`
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { parseNpy } from '@fewfire/node';
 *
 * const bytes = await readFile('examples/charlm-relu-tokens.npy');
 * console.log(parseNpy(bytes, 'tokens.npy').shape); // [ 64, 128 ]
 * ```
 */
export function parseNpy(
  bytes: Uint8Array,
  label: string,
  memoryLimitBytes: number = Number.POSITIVE_INFINITY,
): NumberArray {
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.length < 10 || magic.some((byte, i) => bytes[i] !== byte)) {
    throw damaged(label, `is not an .npy file; expected one that numpy.save wrote`);
  }
  const version = bytes[6];
  if (version < 1 || version > 3) {
    throw new FewfireError('unsupported', `${label} is .npy of version ${version}; expected 1, 2 or 3`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = version === 1 ? 10 : 12;
  const headerBytes = bytes.length < start ? -1 : version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (headerBytes < 0 || headerBytes > MAX_HEADER_BYTES || start + headerBytes > bytes.length) {
    throw damaged(
      label,
      `states a header of ${headerBytes} bytes and has ${bytes.length - start} after that; it is cut off or damaged`,
    );
  }
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, start + headerBytes));
  const { type, littleEndian, fortranOrder, shape } = readHeader(header, label);
  const data = bytes.subarray(start + headerBytes);
  const count = shape.reduce((product, length) => product * length, 1);
  const expected = count * elementBytes(type);
  if (data.length !== expected) {
    throw damaged(
      label,
      `has the shape (${shape.join(', ')}), which takes ${expected.toLocaleString('en-US')} bytes, and holds ${data.length.toLocaleString('en-US')}; it is cut off or damaged`,
    );
  }
  // In Fortran order they are put into another array.
  refuseNumbers(count * (fortranOrder ? 2 : 1) * valueBytes(type), memoryLimitBytes, label);
  const values = decodeNumbers(data, type, littleEndian);
  return { shape, values: fortranOrder ? rowMajor(values, shape) : values };
}

interface NpyHeader {
  readonly type: ElementType;
  readonly littleEndian: boolean;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

function readHeader(header: string, label: string): NpyHeader {
  const descr = /'descr'\s*:\s*(?:'([^']*)'|\[)/.exec(header);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header);
  const shapeText = /'shape'\s*:\s*\(([0-9, L]*)\)/.exec(header)?.[1];
  if (!/^\s*\{.*\}\s*$/s.test(header) || descr === null || order === null || shapeText === undefined) {
    throw damaged(label, 'has a damaged header; expected descr, fortran_order and shape, as numpy.save writes them');
  }
  const [, endian, code] = /^([<>|=])([a-z]\d+)$/.exec(descr[1] ?? '') ?? [];
  if (endian === undefined || !Object.hasOwn(TYPES, code)) {
    throw new FewfireError(
      'unsupported',
      `${label} has elements of type ${descr[1] === undefined ? 'a record' : JSON.stringify(descr[1])}; expected floats (f2, f4, f8), whole numbers up to 64 bits (i1 to i8, u1 to u4) or bool: convert it with .astype`,
    );
  }
  const lengths = shapeText.split(',').map((text) => text.trim().replace(/L$/, ''));
  if (lengths.at(-1) === '') lengths.pop();
  const shape = lengths.map((text) => (/^\d+$/.test(text) ? Number(text) : Number.NaN));
  if (shape.length > MAX_AXES || !shape.every(Number.isSafeInteger)) {
    throw damaged(label, `has the shape (${shapeText.slice(0, 80)}); expected at most ${MAX_AXES} whole numbers`);
  }
  return { type: TYPES[code], littleEndian: endian !== '>', fortranOrder: order[1] === 'True', shape };
}

// Fortran order has the first axis run fastest.
function rowMajor(values: NumberArray['values'], shape: readonly number[]): NumberArray['values'] {
  const result = values.slice();
  const index = new Array<number>(shape.length).fill(0);
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, length) => product * length, 1));
  let from = 0;
  for (let to = 0; to < values.length; to++) {
    result[to] = values[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}

function damaged(label: string, what: string): FewfireError {
  return new FewfireError('file-unreadable', `${label} ${what}`);
}

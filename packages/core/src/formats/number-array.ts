/**
 * Numbers from files of arrays (.npy, .npz, safetensors) in the types that keep them exactly: whole numbers of 64 bits as
 * BigInt64Array, floats of 32 bits and fewer as Float32Array, everything else as Float64Array.
 */
import { FewfireError } from '../base/index.ts';
import { bfloatToNumber, halfToNumber } from './half.ts';

/** Arrays of any shape, row-major. */
export interface NumberArray {
  /** No lengths for a single number. */
  readonly shape: readonly number[];
  readonly values: Float32Array | Float64Array | BigInt64Array;
}

/**
 * Which arrays of a file are read, from the names of all. What nobody wants is not decoded, so it may be of a type that is
 * not read, and takes no memory. Default: all.
 */
export type ChooseArrays = (names: readonly string[]) => readonly string[];

export type ElementType =
  | 'float16'
  | 'bfloat16'
  | 'float32'
  | 'float64'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'bool';

const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = {
  float16: 2,
  bfloat16: 2,
  float32: 4,
  float64: 8,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  bool: 1,
};

export function elementBytes(type: ElementType): number {
  return ELEMENT_BYTES[type];
}

/** Bytes of a number of this type as it is kept here. */
export function valueBytes(type: ElementType): number {
  return isSingle(type) ? 4 : 8;
}

// Whether single precision holds its numbers.
function isSingle(type: ElementType): boolean {
  return type === 'float16' || type === 'bfloat16' || type === 'float32';
}

/** @throws FewfireError `memory-budget` before numbers are made of bytes */
export function refuseNumbers(needed: number, allowed: number, label: string): void {
  if (needed <= allowed) return;
  const megabytes = (bytes: number): string => `${Math.ceil(Math.max(0, bytes) / 1e6).toLocaleString('en-US')} MB`;
  throw new FewfireError(
    'memory-budget',
    `the numbers of ${label.replace(/,$/, '')} need ${megabytes(needed)}, more than the ${megabytes(allowed)} allowed; allow more memory or give fewer rows`,
  );
}

/** The numbers that bytes hold, one after the other. */
export function decodeNumbers(bytes: Uint8Array, type: ElementType, littleEndian: boolean): NumberArray['values'] {
  const size = ELEMENT_BYTES[type];
  const count = bytes.length / size;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === 'int64') {
    const values = new BigInt64Array(count);
    for (let i = 0; i < count; i++) values[i] = view.getBigInt64(8 * i, littleEndian);
    return values;
  }
  const values = isSingle(type) ? new Float32Array(count) : new Float64Array(count);
  const read = readerOf(type, view, littleEndian);
  for (let i = 0; i < count; i++) values[i] = read(i * size);
  return values;
}

function readerOf(type: ElementType, view: DataView, littleEndian: boolean): (offset: number) => number {
  switch (type) {
    case 'float16':
      return (at) => halfToNumber(view.getUint16(at, littleEndian));
    case 'bfloat16':
      return (at) => bfloatToNumber(view.getUint16(at, littleEndian));
    case 'float32':
      return (at) => view.getFloat32(at, littleEndian);
    case 'int8':
      return (at) => view.getInt8(at);
    case 'int16':
      return (at) => view.getInt16(at, littleEndian);
    case 'int32':
      return (at) => view.getInt32(at, littleEndian);
    case 'uint8':
      return (at) => view.getUint8(at);
    case 'uint16':
      return (at) => view.getUint16(at, littleEndian);
    case 'uint32':
      return (at) => view.getUint32(at, littleEndian);
    case 'bool':
      return (at) => (view.getUint8(at) === 0 ? 0 : 1);
    default:
      return (at) => view.getFloat64(at, littleEndian);
  }
}

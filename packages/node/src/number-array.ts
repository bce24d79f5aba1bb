/**
 * Numbers from files of arrays (.npy, .npz, safetensors) in the types that keep them exactly: whole numbers of 64 bits as
 * BigInt64Array, floats of 32 bits and fewer as Float32Array, everything else as Float64Array.
 */
import { FewfireError } from '@fewfire/core';

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

/** IEEE half precision from its 16 bits. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const scratch = new DataView(new ArrayBuffer(4));

/** The number of bfloat16 that has these 16 bits: the upper half of single precision. */
export function bfloatToNumber(bits: number): number {
  scratch.setUint16(0, bits);
  return scratch.getFloat32(0);
}

/** The 16 bits of the nearest half-precision number, ties to even. */
export function numberToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  // One unit in the last place here; below 2^-14 it no longer shrinks.
  const step = 2 ** (Math.max(-14, Math.floor(Math.log2(size))) - 10);
  const steps = roundToEven(size / step);
  // A normal number has 1024 to 2048 steps, so adding the exponent carries over by itself.
  return sign | (steps + (Math.log2(step) + 24) * 1024);
}

function roundToEven(value: number): number {
  const whole = Math.floor(value);
  const rest = value - whole;
  return rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? whole + 1 : whole;
}

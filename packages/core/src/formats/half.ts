/** Numbers of 16 bits, as files of arrays and models keep them: half precision and bfloat16. */

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

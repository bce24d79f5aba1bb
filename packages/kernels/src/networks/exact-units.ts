/**
 * Units of a network as whole numbers, so that "strictly positive" is decided
 * without rounding. Every double is a whole number times a power of two, so after
 * scaling a unit all its numbers are integers, and with g the greatest common
 * divisor of the weights, <w, x> takes only values S - 2 g z with S = sum w and
 * z = sum of w_i / g over the coordinates where x_i = -1. So
 *
 *   <w, x> > b  if and only if  start - z >= 1,  start = -floor((b - S) / 2g),
 *
 * which is also the tightened bias of THEORY section 7: start - z = 1 stands for
 * the least value above b that such sums can take. Weights that are all multiples
 * of one number, however odd as doubles, become small integers.
 */
export interface ExactUnit {
  /** Coordinates with a weight, ascending. */
  readonly inputs: Int32Array;
  /** w_i / g for them: the unit's level falls by this where x_i is -1. */
  readonly steps: readonly bigint[];
  /** The level where every coordinate is +1. A unit is active where its level is at least 1. */
  readonly start: bigint;
  /** The least and the largest level on the cube. */
  readonly lowest: bigint;
  readonly highest: bigint;
  /** 2g, in units of the weights: how much <w, x> changes per level. 0 without weights. */
  readonly levelWidth: number;
  /** The tightened bias: the level 1 as a value of <w, x>, rounded to a double. */
  readonly leastAbove: number;
}

/**
 * Units as whole numbers, so that ties are decided exactly: every double is a dyadic rational.
 * @param weights row-major [unit][input], finite;
 * @throws RangeError for NaN or infinities
 * @example
 * ```ts
 * import { exactLevel, exactUnits } from '@fewfire/kernels';
 *
 * const [unit] = exactUnits(2, Float64Array.of(0.5, 0.25), Float64Array.of(0.5));
 * console.log(exactLevel(unit, () => false), unit.steps); // 1n [ 2n, 1n ]
 * ```
 */
export function exactUnits(inputCount: number, weights: Float64Array, biases: Float64Array): ExactUnit[] {
  return Array.from(biases, (bias, j) => exactUnit(weights.subarray(j * inputCount, (j + 1) * inputCount), bias));
}

/**
 * One unit in whole numbers.
 * @throws RangeError for NaN or infinities
 * @example
 * ```ts
 * import { exactLevel, exactUnit } from '@fewfire/kernels';
 *
 * // a tie is not active
 * console.log(exactLevel(exactUnit(Float64Array.of(1, 1), 2), () => false)); // 0n
 * ```
 */
export function exactUnit(weights: Float64Array, bias: number): ExactUnit {
  const inputs: number[] = [];
  for (let i = 0; i < weights.length; i++) if (weights[i] !== 0) inputs.push(i);
  const words = new DataView(new ArrayBuffer(8));
  const parts = inputs.map((i) => splitDouble(weights[i], words));
  const biasPart = splitDouble(bias, words);
  if (parts.length === 0) {
    const level = bias < 0 ? 1n : 0n;
    return {
      inputs: new Int32Array(0),
      steps: [],
      start: level,
      lowest: level,
      highest: level,
      levelWidth: 0,
      leastAbove: 0,
    };
  }
  let exponent = biasPart.integer === 0n ? Number.POSITIVE_INFINITY : biasPart.exponent;
  for (const part of parts) exponent = Math.min(exponent, part.exponent);
  const scaled = parts.map((part) => part.integer << BigInt(part.exponent - exponent));
  const scaledBias = biasPart.integer === 0n ? 0n : biasPart.integer << BigInt(biasPart.exponent - exponent);
  let g = 0n;
  let sum = 0n;
  for (const value of scaled) {
    g = gcd(g, value < 0n ? -value : value);
    sum += value;
  }
  const steps = g === 1n ? scaled : scaled.map((value) => value / g);
  const floor = floorDivide(scaledBias - sum, 2n * g);
  const start = -floor;
  let lowest = start;
  let highest = start;
  for (const step of steps) {
    if (step > 0n) lowest -= step;
    else highest -= step;
  }
  return {
    inputs: Int32Array.from(inputs),
    steps,
    start,
    lowest,
    highest,
    levelWidth: toDouble(2n * g, exponent),
    leastAbove: toDouble(sum + 2n * g * (floor + 1n), exponent),
  };
}

/**
 * The unit's level at a point; `isNegative(i)` tells whether x_i = -1.
 * @example
 * ```ts
 * import { exactLevel, exactUnit } from '@fewfire/kernels';
 *
 * console.log(exactLevel(exactUnit(Float64Array.of(1, 1), 1), () => false)); // 1n
 * ```
 */
export function exactLevel(unit: ExactUnit, isNegative: (input: number) => boolean | number): bigint {
  let level = unit.start;
  const { inputs, steps } = unit;
  for (let k = 0; k < inputs.length; k++) if (isNegative(inputs[k])) level -= steps[k];
  return level;
}

// value = integer 2^exponent.
function splitDouble(value: number, words: DataView): { readonly integer: bigint; readonly exponent: number } {
  if (!Number.isFinite(value)) throw new RangeError(`a weight or bias is ${value}, expected a finite number`);
  // Whole numbers need no taking apart, and their exponent then keeps other integers small.
  if (Number.isSafeInteger(value)) return { integer: BigInt(value), exponent: 0 };
  words.setFloat64(0, value);
  const bits = words.getBigUint64(0);
  const raw = Number((bits >> 52n) & 2047n);
  let integer = bits & 0xfffffffffffffn;
  let exponent = raw === 0 ? -1074 : raw - 1075;
  if (raw !== 0) integer |= 0x10000000000000n;
  while ((integer & 1n) === 0n && integer !== 0n) {
    integer >>= 1n;
    exponent++;
  }
  return { integer: value < 0 ? -integer : integer, exponent };
}

function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n ? quotient - 1n : quotient;
}

// Rounded; the exponent is split so that neither factor over- or underflows before the product does.
function toDouble(integer: bigint, exponent: number): number {
  const bits = (integer < 0n ? -integer : integer).toString(2).length;
  const shift = Math.max(0, bits - 900);
  const head = Number(integer >> BigInt(shift));
  const half = Math.trunc((exponent + shift) / 2);
  return head * 2 ** half * 2 ** (exponent + shift - half);
}

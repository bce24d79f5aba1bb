/**
 * A dense network at one point that moves: flipping a coordinate costs one row of the weight matrix instead of all, and
 * the value has the bits it has when computed from scratch. Floating-point sums would drift, so preactivations are kept
 * exactly: every double is a whole number times a power of two, and with 2^e the largest power that divides all numbers of
 * a unit, P = (<w, x> - b) / 2^e is a whole number. A *narrow* unit has |P| < 2^31 on the whole cube and takes an i32
 * lane; a *wide* one takes as many i64 limbs of 36 bits as it needs, whose carries are left open until the value is read,
 * so that adding limb by limb is exact too. Random doubles take two limbs: four times the bytes of a narrow unit.
 *
 * The value is defined in `referenceExactNetwork`; assembly/incremental.ts computes it.
 */
import { createArena } from '../arena.ts';
import { networks } from '../groups.ts';
import type { PackedPoints } from '../kernels.ts';
import { type BinaryVariant, bestVariant, compileKernels, createMemory, instantiateKernels } from '../load.ts';
import { createTurns } from '../turns.ts';
import type { DenseNetwork } from './network.ts';

/** How units are kept, and the memory they take. */
export interface IncrementalPlan {
  /** Units on i32 lanes, in increasing order. */
  readonly narrow: readonly WholeUnit[];
  /** Units on i64 limbs, in increasing order. */
  readonly wide: readonly WholeUnit[];
  readonly memoryBytes: number;
}

/** A unit whose numbers are whole multiples of 2^exponent. */
interface WholeUnit {
  readonly unit: number;
  readonly exponent: number;
  /** i64 words of a wide unit; 0 for a narrow one. */
  readonly limbs: number;
}

/** Options of `createIncrementalKernel`. */
export interface IncrementalKernelOptions {
  /** `simd` or `scalar`; default `simd` where the engine has it. */
  readonly variant?: BinaryVariant | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Starts at the point of all +1. Coordinates must be in range: they are not checked here. */
export interface IncrementalKernel {
  /** The point: bit j of byte p is coordinate 8p+j, a set bit is -1. A view, not to be written. */
  readonly bits: Uint8Array;
  /** Coordinates that are -1. */
  negativeCount(): number;
  /** Goes to a point by its rows, from all +1 or all -1, whichever is nearer; gives the number of rows added. */
  refresh(bits: Uint8Array): number;
  /** Flips every coordinate in turn. */
  flip(coordinates: ArrayLike<number>): void;
  /** h here. */
  value(): number;
  /** In increasing order; a copy. */
  activeUnits(): Uint32Array;
}

const TILE_BYTES = 128;
/** Rows read side by side in a refresh: about as many as a processor fetches ahead. */
const STREAMS = 16;
/** As in assembly/incremental.ts. */
const LIMB_BITS = 36;
/** Of the highest limb, which takes all that is left. */
const TOP_BITS = 61;

/**
 * Which units are narrow, and the memory of a kernel. Units in `silent` are left out: they are never active.
 * @throws RangeError for NaN or infinities
 * @example
 * ```ts
 * import { planIncremental } from '@fewfire/kernels';
 *
 * // relu(x0 + x1 - 1) - relu(-x0)
 * const network = {
 *   inputCount: 2,
 *   unitCount: 2,
 *   weights: Float64Array.of(1, 1, -1, 0),
 *   biases: Float64Array.of(1, 0),
 *   outputWeights: Float64Array.of(1, -1),
 * };
 * console.log(planIncremental(network).narrow.length); // 2
 * ```
 */
export function planIncremental(network: DenseNetwork, silent: Iterable<number> = []): IncrementalPlan {
  const words = new DataView(new ArrayBuffer(8));
  const left = new Set(silent);
  const narrow: WholeUnit[] = [];
  const wide: WholeUnit[] = [];
  for (let unit = 0; unit < network.unitCount; unit++) {
    if (left.has(unit)) continue;
    const whole = measureUnit(network, unit, words);
    (whole.limbs === 0 ? narrow : wide).push(whole);
  }
  return { narrow, wide, memoryBytes: reserve(network, narrow, wide).arena.bytes };
}

// One pass over the numbers of a unit: the lowest bit set in any, the highest, and the sum of magnitudes.
function measureUnit({ inputCount, weights, biases }: DenseNetwork, unit: number, words: DataView): WholeUnit {
  let lowest = Infinity;
  let highest = -Infinity;
  let norm = 0;
  for (let i = 0; i <= inputCount; i++) {
    const value = i < inputCount ? weights[unit * inputCount + i] : biases[unit];
    if (!Number.isFinite(value)) throw new RangeError(`unit ${unit} has ${value}; expected finite numbers`);
    if (value === 0) continue;
    const top = exponentOf(value, words);
    norm += Math.abs(value);
    highest = Math.max(highest, top);
    lowest = Math.min(lowest, lowestBit(value, top));
  }
  if (norm === 0) return { unit, exponent: 0, limbs: 0 };
  // Below 2^53 units of 2^lowest the sum is exact; where it is rounded, it is far beyond 2^31 of them.
  if (highest - lowest < 31 && scaled(norm, -lowest) < 2 ** 31) return { unit, exponent: lowest, limbs: 0 };
  const sumBits = highest + 1 - lowest + Math.ceil(Math.log2(inputCount + 1));
  return { unit, exponent: lowest, limbs: 1 + Math.max(0, Math.ceil((sumBits - TOP_BITS) / LIMB_BITS)) };
}

// floor(log2 |value|)
function exponentOf(value: number, words: DataView): number {
  words.setFloat64(0, value);
  const raw = (words.getUint32(0) >>> 20) & 2047;
  return raw === 0 ? exponentOf(value * 2 ** 54, words) - 54 : raw - 1023;
}

// The largest e such that value is a multiple of 2^e.
function lowestBit(value: number, exponent: number): number {
  // 53 significant bits at most: a whole number from 2^52 to 2^53.
  const integer = Math.abs(scaled(value, 52 - exponent));
  const low = integer % 2 ** 32;
  const trailing = low === 0 ? 32 + trailingZeros(integer / 2 ** 32) : trailingZeros(low);
  return exponent - 52 + trailing;
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}

// value 2^power, exact where it is a double; the power is split, as it may be beyond those of doubles.
function scaled(value: number, power: number): number {
  const half = Math.trunc(power / 2);
  return value * 2 ** half * 2 ** (power - half);
}

interface Places {
  readonly arena: { readonly bytes: number };
  readonly narrowBytes: number;
  readonly rowBytes: number;
  readonly plan: number;
  readonly state: number;
  readonly allPositive: number;
  readonly allNegative: number;
  readonly units: number;
  readonly scales: number;
  readonly records: number;
  readonly marks: number;
  readonly preactivations: number;
  readonly outputs: number;
  readonly active: number;
  readonly list: number;
  readonly rows: number;
}

function reserve(network: DenseNetwork, narrow: readonly WholeUnit[], wide: readonly WholeUnit[]): Places {
  const { inputCount, unitCount } = network;
  const narrowBytes = Math.ceil((4 * narrow.length) / TILE_BYTES) * TILE_BYTES;
  const wideWords = wide.reduce((sum, { limbs }) => sum + limbs, 0);
  const rowBytes = narrowBytes + Math.ceil((8 * wideWords) / TILE_BYTES) * TILE_BYTES;
  const arena = createArena();
  return {
    arena,
    narrowBytes,
    rowBytes,
    plan: arena.reserve(56),
    state: arena.reserve(rowBytes),
    allPositive: arena.reserve(rowBytes),
    allNegative: arena.reserve(rowBytes),
    units: arena.reserve(narrowBytes),
    scales: arena.reserve(2 * narrowBytes),
    records: arena.reserve(16 * wide.length),
    marks: arena.reserve(8 * Math.ceil(unitCount / 64)),
    preactivations: arena.reserve(8 * unitCount),
    outputs: arena.reserve(8 * unitCount),
    active: arena.reserve(4 * unitCount),
    list: arena.reserve(4 * inputCount),
    rows: arena.reserve(rowBytes * inputCount),
  };
}

/**
 * A network at a point that moves, in WebAssembly.
 * @param plan from `planIncremental` for the same network;
 * @throws RangeError when the memory cannot be had
 * @example
 * ```ts
 * import { createIncrementalKernel, planIncremental } from '@fewfire/kernels';
 *
 * // relu(x0 + x1 - 1) - relu(-x0)
 * const network = {
 *   inputCount: 2,
 *   unitCount: 2,
 *   weights: Float64Array.of(1, 1, -1, 0),
 *   biases: Float64Array.of(1, 0),
 *   outputWeights: Float64Array.of(1, -1),
 * };
 * const kernel = await createIncrementalKernel(network, planIncremental(network));
 * kernel.flip([0]);
 * console.log(kernel.value()); // -1
 * ```
 */
export async function createIncrementalKernel(
  network: DenseNetwork,
  plan: IncrementalPlan,
  options: IncrementalKernelOptions = {},
): Promise<IncrementalKernel> {
  const { signal } = options;
  signal?.throwIfAborted();
  const { inputCount: n, unitCount } = network;
  const places = reserve(network, plan.narrow, plan.wide);
  const { narrowBytes, rowBytes } = places;
  const module = await compileKernels(networks, options.variant ?? bestVariant(networks), false);
  const memory = createMemory(places.arena.bytes, false);
  const kernels = await instantiateKernels(module, memory);
  const { buffer } = memory;
  new Uint32Array(buffer, places.plan, 11).set([
    narrowBytes,
    plan.wide.length,
    places.state,
    places.units,
    places.scales,
    places.records,
    places.marks,
    Math.ceil(unitCount / 64),
    places.preactivations,
    places.outputs,
    places.active,
  ]);
  new Float64Array(buffer, places.outputs, unitCount).set(network.outputWeights);
  const list = new Uint32Array(buffer, places.list, n);
  const rowOf = (coordinate: number): number => places.rows + coordinate * rowBytes;
  const add = (from: number, to: number, added: number, taken: number, first = 0): void =>
    kernels.addRows(from, to, narrowBytes, rowBytes - narrowBytes, places.list + 4 * first, added, taken);

  // The state starts as -b and rows as w; a flip changes <w, x> by 2 w.
  await writeUnits(network, plan, places, buffer, signal);
  add(places.state, places.allPositive, 0, 0);
  add(places.state, places.allNegative, 0, 0);
  const turn = createTurns();
  for (let i = 0; i < n; i++) {
    await turn(signal);
    list[0] = rowOf(i);
    add(places.allPositive, places.allPositive, 1, 0);
    add(places.allNegative, places.allNegative, 0, 1);
    add(rowOf(i), rowOf(i), 1, 0);
  }
  add(places.allPositive, places.state, 0, 0);

  const bits = new Uint8Array(Math.ceil(n / 8));
  const result = new Float64Array(buffer, places.plan + 48, 1);
  let negativeCount = 0;
  let isRead = false;
  const read = (): void => {
    if (!isRead) kernels.readState(places.plan);
    isRead = true;
  };
  return {
    bits,
    negativeCount: () => negativeCount,
    refresh(to) {
      bits.set(to);
      negativeCount = 0;
      for (let i = 0; i < n; i++) negativeCount += (bits[i >> 3] >> (i & 7)) & 1;
      const isPositive = 2 * negativeCount <= n;
      let count = 0;
      for (let i = 0; i < n; i++) {
        if (((bits[i >> 3] >> (i & 7)) & 1) === (isPositive ? 1 : 0)) list[count++] = rowOf(i);
      }
      add(isPositive ? places.allPositive : places.allNegative, places.state, 0, 0);
      for (let first = 0; first < count; first += STREAMS) {
        const some = Math.min(STREAMS, count - first);
        if (isPositive) add(places.state, places.state, 0, some, first);
        else add(places.state, places.state, some, 0, first);
      }
      isRead = false;
      return count;
    },
    flip(coordinates) {
      // Slices, since the list has room for n rows and coordinates may come more than once.
      for (let first = 0; first < coordinates.length; first += n) {
        const end = Math.min(coordinates.length, first + n);
        let added = 0;
        let taken = 0;
        for (let k = first; k < end; k++) {
          const i = coordinates[k];
          bits[i >> 3] ^= 1 << (i & 7);
          const isNegative = (bits[i >> 3] >> (i & 7)) & 1;
          if (isNegative === 0) list[added++] = rowOf(i);
          else list[n - ++taken] = rowOf(i);
        }
        list.copyWithin(added, n - taken, n);
        add(places.state, places.state, added, taken);
        negativeCount += taken - added;
      }
      isRead = false;
    },
    value() {
      read();
      return result[0];
    },
    activeUnits() {
      read();
      const [count] = new Uint32Array(buffer, places.plan + 44, 1);
      return new Uint32Array(buffer, places.active, count).slice();
    },
  };
}

async function writeUnits(
  { inputCount: n, weights, biases }: DenseNetwork,
  { narrow, wide }: IncrementalPlan,
  places: Places,
  buffer: ArrayBufferLike,
  signal: AbortSignal | undefined,
): Promise<void> {
  const turn = createTurns();
  const lanes = new Int32Array(buffer);
  const records = new Int32Array(buffer, places.records, 4 * wide.length);
  const state = places.state >>> 2;
  const rows = places.rows >>> 2;
  const rowWords = places.rowBytes >> 2;
  for (const [slot, { unit, exponent }] of narrow.entries()) {
    await turn(signal);
    new Uint32Array(buffer, places.units + 4 * slot, 1)[0] = unit;
    new Float64Array(buffer, places.scales + 8 * slot, 1)[0] = scaled(1, exponent);
    lanes[state + slot] = -scaled(biases[unit], -exponent);
    for (let i = 0; i < n; i++) lanes[rows + i * rowWords + slot] = scaled(weights[unit * n + i], -exponent);
  }
  let at = places.narrowBytes;
  for (const [r, { unit, exponent, limbs }] of wide.entries()) {
    await turn(signal);
    records.set([unit, at, limbs, exponent], 4 * r);
    writeLimbs(-biases[unit], exponent, limbs, lanes, state + (at >> 2));
    for (let i = 0; i < n; i++) {
      writeLimbs(weights[unit * n + i], exponent, limbs, lanes, rows + i * rowWords + (at >> 2));
    }
    at += 8 * limbs;
  }
}

// Digits of value / 2^exponent in base 2^36, with its sign, as i64; the last takes all that is left. All steps are exact:
// what lies 2^90 above a digit has no bit in it, and below that a digit is the difference of two whole doubles.
function writeLimbs(value: number, exponent: number, limbs: number, lanes: Int32Array, at: number): void {
  if (value === 0) return;
  const magnitude = Math.abs(value);
  for (let l = 0; l < limbs; l++) {
    const shifted = scaled(magnitude, -exponent - LIMB_BITS * l);
    let digit = Math.floor(shifted);
    if (l + 1 < limbs) digit = shifted >= 2 ** 90 ? 0 : digit - Math.floor(shifted / 2 ** LIMB_BITS) * 2 ** LIMB_BITS;
    const signed = value < 0 ? -digit : digit;
    const high = Math.floor(signed / 2 ** 32);
    lanes[at + 2 * l] = signed - high * 2 ** 32;
    lanes[at + 2 * l + 1] = high;
  }
}

/**
 * The definition, by whole numbers of any size: a unit is active if <w_j, x> - b_j > 0 as real numbers; z_j is this
 * number rounded to the nearest double, ties to even; the value starts at 0 and adds the double u_j z_j for every active
 * unit, in increasing order.
 * @example
 * ```ts
 * import { referenceExactNetwork } from '@fewfire/kernels';
 *
 * // relu(x0 + x1 - 1) - relu(-x0)
 * const network = {
 *   inputCount: 2,
 *   unitCount: 2,
 *   weights: Float64Array.of(1, 1, -1, 0),
 *   biases: Float64Array.of(1, 0),
 *   outputWeights: Float64Array.of(1, -1),
 * };
 * // The four points of two coordinates: bit i of a byte is coordinate i, a bit 1 is -1.
 * const points = { rowCount: 4, coordinateCount: 2, planes: Uint8Array.of(0b00, 0b01, 0b10, 0b11) };
 * console.log(referenceExactNetwork(network, points, 0)); // { value: 1, activeUnits: [ 0 ] }
 * ```
 */
export function referenceExactNetwork(
  network: DenseNetwork,
  points: PackedPoints,
  row: number,
): { readonly value: number; readonly activeUnits: readonly number[] } {
  const { inputCount: n, unitCount, weights, biases, outputWeights } = network;
  const words = new DataView(new ArrayBuffer(8));
  const activeUnits: number[] = [];
  let value = 0;
  for (let j = 0; j < unitCount; j++) {
    let sum = -wholeOf(biases[j], words);
    for (let i = 0; i < n; i++) {
      const isNegative = (points.planes[(i >> 3) * points.rowCount + row] >> (i & 7)) & 1;
      const weight = wholeOf(weights[j * n + i], words);
      sum += isNegative ? -weight : weight;
    }
    if (sum <= 0n) continue;
    activeUnits.push(j);
    value += outputWeights[j] * nearestDouble(sum);
  }
  return { value, activeUnits };
}

// value / 2^-1074
function wholeOf(value: number, words: DataView): bigint {
  words.setFloat64(0, value);
  const bits = words.getBigUint64(0);
  const raw = (bits >> 52n) & 2047n;
  const fraction = bits & 0xfffffffffffffn;
  const magnitude = raw === 0n ? fraction : (fraction | 0x10000000000000n) << (raw - 1n);
  return value < 0 ? -magnitude : magnitude;
}

// Of sum 2^-1074, sum > 0: `Number` rounds to nearest, ties to even, and what is cut before only matters if it is not 0.
function nearestDouble(sum: bigint): number {
  const cut = BigInt(Math.max(0, sum.toString(16).length * 4 - 72));
  const head = sum >> cut;
  return scaled(Number(head << cut === sum ? head : head | 1n), Number(cut) - 1074);
}

/**
 * The number of active units at every point of a cube {+1,-1}^m, or of the lift of
 * m bits to their pairs, by the Gray-code kernel (assembly/gray.ts). Exact for
 * every finite network: units are integers (exact-units.ts). A unit whose levels
 * span less than 2^31 runs on them as they are. A larger one runs on levels
 * divided by a power of two and rounded, each sum off by at most half per number;
 * where that leaves the sign open, the kernel evaluates it from all digits.
 *
 * Bits that no unit depends on are not swept, and counts are over the swept bits
 * alone: every one of these points stands for equally many of the domain.
 */
import { createArena } from '../arena.ts';
import { networks } from '../groups.ts';
import type { KernelVariant } from '../kernels.ts';
import { bestVariant, compileKernels, createMemory, instantiateKernels } from '../load.ts';
import { createPool, STOP_COUNTER, threadsAvailable, type WorkSource } from '../pool.ts';
import { createTurns } from '../turns.ts';
import type { ExactUnit } from './exact-units.ts';

/** The points swept: all y in {+1,-1}^bitCount, with the coordinates y_i, or those of `lift`: y_i, then y_i y_l by l, then i < l. */
export interface SweepDomain {
  readonly kind: 'cube' | 'lift';
  readonly bitCount: number;
}

/** Options of `sweepActivity`. */
export interface SweepOptions {
  /** Default 1. Results do not depend on it. */
  readonly threads?: number | undefined;
  readonly variant?: KernelVariant | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with the share of points done. */
  readonly onShare?: ((done: number) => void) | undefined;
}

/** What visiting every point showed. */
export interface SweepResult {
  /** Bits that some unit depends on which is neither dead nor always active. */
  readonly sweptBits: number;
  /** 2^sweptBits. */
  readonly pointCount: number;
  /** The largest number of active units. */
  readonly maximum: number;
  /** The bits (1 is -1) of a point that has it: the first in Gray order. */
  readonly witness: Uint8Array;
  /** histogram[a] points have a active units, a = 0 .. maximum. */
  readonly histogram: Float64Array;
  /** On how many points each unit is active. */
  readonly unitCounts: Float64Array;
  /** Additions to single preactivations, and how many units at points needed all digits. */
  readonly unitUpdates: number;
  readonly resolvedCount: number;
}

/** What a sweep takes, known before it starts. */
export interface SweepPlan {
  /** Bits that are swept: those some live unit depends on. */
  readonly sweptBits: number;
  /** Preactivations kept, padded to whole blocks. */
  readonly unitSlots: number;
  readonly unitUpdates: number;
  readonly memoryBytes: number;
}

/** The most bits that can be swept (a year, at 64 units). */
export const MAX_SWEPT_BITS = 40;

const LANES = 16;
const MAX_STEP_BITS = 10;
/** Updates of one item, and of what is done between two looks at the clock. */
const ITEM_UPDATES = 2 ** 21;
/** As in assembly/gray.ts. */
const LIMB_BITS = 52n;
const FULL_SCALE = 2n ** 30n;
const NO_BIT = 255;
/** A bit that is never set, for rows that change nothing. */
const CONSTANT_BIT = 63;

/** Batches of items are shared out; every thread sums into its own scratch. */
interface SweepJob {
  readonly plan: number;
  readonly counter: number;
  readonly batchCount: number;
  readonly batchItems: number;
  readonly itemCount: number;
}

const SWEEP_WORK: WorkSource = `({ plan, counter, batchCount, batchItems, itemCount }, { kernels, scratch, next }) => {
  for (let b = next(counter); b < batchCount; b = next(counter)) {
    kernels.grayItems(plan, scratch, b * batchItems, Math.min(itemCount, (b + 1) * batchItems));
  }
}`;

/**
 * What a sweep over all points of a domain would take.
 * @throws RangeError for a unit with an input that the domain does not have
 * @example
 * ```ts
 * import { exactUnits, planSweep } from '@fewfire/kernels';
 *
 * const units = exactUnits(3, Float64Array.of(1, 1, 0), Float64Array.of(1));
 * // the third input does not matter
 * console.log(planSweep(units, { kind: 'cube', bitCount: 3 }).sweptBits); // 2
 * ```
 */
export function planSweep(units: readonly ExactUnit[], domain: SweepDomain, threads = 1): SweepPlan {
  const layout = layOut(units, domain);
  return {
    sweptBits: layout.bits.length,
    unitSlots: LANES * layout.blockCount,
    unitUpdates: 2 ** layout.bits.length * LANES * layout.blockCount * layout.rowsPerStep,
    memoryBytes: reserve(layout, Math.max(1, threads)).arena.bytes,
  };
}

/**
 * Visits every point of a cube or lift in Gray-code order and counts the active units, exactly.
 * @throws RangeError for more than `MAX_SWEPT_BITS` bits that matter, or beyond the memory of WebAssembly
 * @example
 * ```ts
 * import { exactUnits, sweepActivity } from '@fewfire/kernels';
 *
 * const units = exactUnits(3, Float64Array.of(1, 1, 0), Float64Array.of(1));
 * const { histogram } = await sweepActivity(units, { kind: 'cube', bitCount: 3 });
 * console.log(histogram); // Float64Array(2) [ 3, 1 ]
 * ```
 */
export async function sweepActivity(
  units: readonly ExactUnit[],
  domain: SweepDomain,
  options: SweepOptions = {},
): Promise<SweepResult> {
  const { signal } = options;
  signal?.throwIfAborted();
  const layout = layOut(units, domain);
  const { bits } = layout;
  if (bits.length > MAX_SWEPT_BITS) {
    throw new RangeError(`a sweep over ${bits.length} bits; at most ${MAX_SWEPT_BITS} are possible`);
  }
  if (options.variant === 'reference') return finish(layout, units, domain, sweepReference(layout, units, domain));
  const itemCount = 2 ** (bits.length - layout.stepBits);
  const itemUpdates = 2 ** layout.stepBits * LANES * Math.max(1, layout.blockCount) * layout.rowsPerStep;
  const batchItems = Math.max(1, Math.floor(ITEM_UPDATES / itemUpdates), Math.ceil(itemCount / (STOP_COUNTER / 2)));
  const batchCount = Math.ceil(itemCount / batchItems);
  // Starting a thread takes as long as some millions of updates.
  const useful = Math.floor((itemCount * itemUpdates) / 2 ** 24) + 1;
  const threads = threadsAvailable() ? Math.max(1, Math.min(options.threads ?? 1, batchCount, useful)) : 1;
  const places = reserve(layout, threads);
  const shared = threads > 1;
  const module = await compileKernels(networks, options.variant ?? bestVariant(networks), shared);
  const memory = createMemory(places.arena.bytes, shared);
  const kernels = await instantiateKernels(module, memory);
  writePlan(layout, units, memory.buffer, places);
  const counters = new Int32Array(memory.buffer);
  const counter = places.counter >>> 2;
  const pool = shared ? await createPool<SweepJob>(SWEEP_WORK, module, memory, places.scratches.slice(1)) : undefined;
  const turn = createTurns();
  try {
    const job: SweepJob = {
      plan: places.plan,
      counter: places.counter,
      batchCount,
      batchItems,
      itemCount,
    };
    const theirs = pool?.run(job);
    try {
      for (let b = Atomics.add(counters, counter, 1); b < batchCount; b = Atomics.add(counters, counter, 1)) {
        await turn(signal);
        kernels.grayItems(places.plan, places.scratches[0], b * batchItems, Math.min(itemCount, (b + 1) * batchItems));
        options.onShare?.((b + 1) / batchCount);
      }
      signal?.throwIfAborted();
    } catch (error) {
      Atomics.store(counters, counter, STOP_COUNTER);
      await theirs;
      throw error;
    }
    await theirs;
    return finish(layout, units, domain, collect(layout, memory.buffer, places.scratches));
  } finally {
    pool?.dispose();
  }
}

interface Layout {
  /** Units that depend on the point, those with small integers first; the two kinds share no block. */
  readonly live: readonly number[];
  readonly alwaysActive: readonly number[];
  /** Bits of the domain that are swept; position = bit of the Gray code. */
  readonly bits: readonly number[];
  readonly features: readonly Feature[];
  /** Place in `features` of an input of the network. */
  readonly featureOf: ReadonlyMap<number, number>;
  readonly flips: readonly (readonly number[])[];
  readonly rowsPerStep: number;
  readonly stepBits: number;
  readonly exactCount: number;
  readonly exactBlocks: number;
  readonly blockCount: number;
  /** i64 words for the full digits of rounded units. */
  readonly limbWords: number;
}

interface Feature {
  readonly a: number;
  readonly b: number;
}

function layOut(units: readonly ExactUnit[], domain: SweepDomain): Layout {
  const { kind, bitCount } = domain;
  const inputCount = kind === 'lift' ? (bitCount * (bitCount + 1)) / 2 : bitCount;
  const small: number[] = [];
  const large: number[] = [];
  const alwaysActive: number[] = [];
  const usedInputs = new Set<number>();
  units.forEach((unit, j) => {
    if (unit.highest < 1n) return;
    if (unit.lowest >= 1n) {
      alwaysActive.push(j);
      return;
    }
    (isSmall(unit) ? small : large).push(j);
    for (const i of unit.inputs) usedInputs.add(i);
  });
  const inputs = [...usedInputs].sort((a, b) => a - b);
  if (inputs.length > 0 && inputs[inputs.length - 1] >= inputCount) {
    throw new RangeError(`a unit has input ${inputs[inputs.length - 1]}; the domain has ${inputCount}`);
  }
  const pairs = inputs.map((input) => bitsOfInput(input, domain));
  const bits = [...new Set(pairs.flat())].sort((a, b) => a - b);
  const positions = new Map(bits.map((bit, p) => [bit, p]));
  const features: Feature[] = pairs.map(([a, b]) => ({
    a: positions.get(a) as number,
    b: b === undefined ? NO_BIT : (positions.get(b) as number),
  }));
  const flips = bits.map((_, p) => features.flatMap(({ a, b }, f) => (a === p || b === p ? [f] : [])));
  const rowsPerStep = Math.max(1, ...flips.map((list) => list.length));
  if (flips.some((list) => list.length < rowsPerStep)) {
    features.push({ a: CONSTANT_BIT, b: NO_BIT });
    for (const list of flips) while (list.length < rowsPerStep) list.push(features.length - 1);
  }
  const exactBlocks = Math.ceil(small.length / LANES);
  const blockCount = exactBlocks + Math.ceil(large.length / LANES);
  let stepBits = Math.min(MAX_STEP_BITS, bits.length);
  while (stepBits > 4 && 2 ** stepBits * LANES * blockCount * rowsPerStep > 4 * ITEM_UPDATES) stepBits--;
  return {
    live: [...small, ...large],
    alwaysActive,
    bits,
    features,
    featureOf: new Map(inputs.map((input, f) => [input, f])),
    flips,
    rowsPerStep,
    stepBits,
    exactCount: small.length,
    exactBlocks,
    blockCount,
    limbWords: large.reduce((sum, j) => sum + limbCount(units[j]) * (1 + features.length), 0),
  };
}

function bitsOfInput(input: number, { kind, bitCount }: SweepDomain): readonly number[] {
  if (kind === 'cube' || input < bitCount) return [input];
  let l = 1;
  let rest = input - bitCount;
  while (rest >= l) rest -= l++;
  return [rest, l];
}

// All levels and their differences between rows fit 32 bits: lowest < 1 <= highest, and they span less than 2^31.
function isSmall(unit: ExactUnit): boolean {
  return unit.highest - unit.lowest < 2n ** 31n;
}

// No start or step is larger than the span, since levels go from below 1 to at least 1.
function limbCount(unit: ExactUnit): number {
  return Math.ceil((unit.highest - unit.lowest).toString(2).length / Number(LIMB_BITS));
}

interface Places {
  readonly arena: { readonly bytes: number };
  readonly plan: number;
  readonly counter: number;
  readonly start: number;
  readonly deltas: number;
  readonly slacks: number;
  readonly features: number;
  readonly flips: number;
  readonly limbTable: number;
  readonly limbs: number;
  readonly scratches: readonly number[];
}

function reserve(layout: Layout, threads: number): Places {
  const { blockCount, exactBlocks, features, bits, rowsPerStep, stepBits, live, limbWords } = layout;
  const arena = createArena();
  const slots = LANES * blockCount;
  const steps = 2 ** stepBits;
  const scratchBytes =
    64 + 8 * (live.length + 1) + 8 * slots + 16 * steps + 4 * steps * rowsPerStep + 4 * features.length;
  return {
    plan: arena.reserve(4 * 12),
    counter: arena.reserve(4),
    start: arena.reserve(4 * slots),
    deltas: arena.reserve(8 * slots * features.length),
    slacks: arena.reserve(4 * LANES * (blockCount - exactBlocks)),
    features: arena.reserve(4 * features.length),
    flips: arena.reserve(4 * bits.length * rowsPerStep),
    limbTable: arena.reserve(8 * LANES * (blockCount - exactBlocks)),
    limbs: arena.reserve(8 * limbWords),
    scratches: Array.from({ length: threads }, () => arena.reserve(scratchBytes)),
    arena,
  };
}

function writePlan(layout: Layout, units: readonly ExactUnit[], buffer: ArrayBufferLike, places: Places): void {
  const { features, flips, live, exactCount, exactBlocks, blockCount, rowsPerStep, stepBits, featureOf } = layout;
  new Uint32Array(buffer, places.plan, 12).set([
    stepBits,
    rowsPerStep,
    features.length,
    blockCount,
    exactBlocks,
    places.start,
    places.deltas,
    places.slacks,
    places.features,
    places.flips,
    places.limbTable,
    live.length,
  ]);
  new Uint32Array(buffer, places.features, features.length).set(features.map(({ a, b }) => a | (b << 8)));
  new Uint32Array(buffer, places.flips, flips.length * rowsPerStep).set(flips.flat());
  const start = new Int32Array(buffer, places.start, LANES * blockCount);
  const deltas = new Int32Array(buffer, places.deltas, 2 * LANES * blockCount * features.length);
  const slacks = new Int32Array(buffer, places.slacks, LANES * (blockCount - exactBlocks));
  const limbTable = new Uint32Array(buffer, places.limbTable, 2 * LANES * (blockCount - exactBlocks));
  const limbs = new BigInt64Array(buffer, places.limbs, layout.limbWords);
  let limbAt = 0;
  live.forEach((j, at) => {
    const unit = units[j];
    const slot = slotOf(layout, at);
    const block = (slot - (slot % LANES)) * 2 * features.length + (slot % LANES);
    const shift = at < exactCount ? 0n : shiftOf(unit);
    start[slot] = Number(roundedShift(unit.start, shift));
    unit.inputs.forEach((input, k) => {
      const row = block + 2 * LANES * (featureOf.get(input) as number);
      const delta = Number(roundedShift(unit.steps[k], shift));
      // Wraps modulo 2^32 at most in a single feature of the largest span, and back.
      deltas[row] = delta;
      deltas[row + LANES] = -delta;
    });
    if (at < exactCount) return;
    const large = slot - LANES * exactBlocks;
    slacks[large] = Math.ceil((unit.inputs.length + 1) / 2);
    const count = limbCount(unit);
    limbTable[2 * large] = places.limbs + 8 * limbAt;
    limbTable[2 * large + 1] = count;
    for (let l = 0; l < count; l++) {
      limbs[limbAt] = limbOf(unit.start, l, count);
      unit.inputs.forEach((input, k) => {
        limbs[limbAt + 1 + (featureOf.get(input) as number)] = limbOf(unit.steps[k], l, count);
      });
      limbAt += 1 + features.length;
    }
  });
}

function slotOf(layout: Layout, at: number): number {
  return at < layout.exactCount ? at : LANES * layout.exactBlocks + at - layout.exactCount;
}

function shiftOf(unit: ExactUnit): bigint {
  let shift = 0n;
  while ((unit.highest - unit.lowest) >> shift >= FULL_SCALE) shift++;
  return shift;
}

// value / 2^shift to the nearest whole number.
function roundedShift(value: bigint, shift: bigint): bigint {
  return shift === 0n ? value : (value + (1n << (shift - 1n))) >> shift;
}

// Digit l of |value| in base 2^52, with the sign of the value; the last takes all that is left.
function limbOf(value: bigint, l: number, count: number): bigint {
  const magnitude = (value < 0n ? -value : value) >> (LIMB_BITS * BigInt(l));
  const digit = l + 1 === count ? magnitude : magnitude & ((1n << LIMB_BITS) - 1n);
  return value < 0n ? -digit : digit;
}

interface RawSweep {
  readonly best: number;
  /** Of the swept bits. */
  readonly point: bigint;
  readonly histogram: Float64Array;
  /** By place in `live`. */
  readonly liveCounts: Float64Array;
  readonly resolvedCount: number;
}

function collect(layout: Layout, buffer: ArrayBufferLike, scratches: readonly number[]): RawSweep {
  const { live, blockCount } = layout;
  const histogram = new Float64Array(live.length + 1);
  const liveCounts = new Float64Array(live.length);
  let best = 0;
  let index = 0n;
  let resolvedCount = 0;
  for (const scratch of scratches) {
    const head = new BigUint64Array(buffer, scratch, 3);
    const most = new Uint32Array(buffer, scratch + 8, 1)[0];
    if (most > best || (most === best && head[0] < index)) {
      best = most;
      index = head[0];
    }
    resolvedCount += Number(head[2]);
    new BigUint64Array(buffer, scratch + 64, live.length + 1).forEach((count, a) => {
      histogram[a] += Number(count);
    });
    const counts = new BigUint64Array(buffer, scratch + 64 + 8 * (live.length + 1), LANES * blockCount);
    live.forEach((_, at) => {
      liveCounts[at] += Number(counts[slotOf(layout, at)]);
    });
  }
  return { best: best - 1, point: index ^ (index >> 1n), histogram, liveCounts, resolvedCount };
}

// The definition: every point, every unit, in whole numbers of any size.
function sweepReference(layout: Layout, units: readonly ExactUnit[], domain: SweepDomain): RawSweep {
  const { live, bits } = layout;
  const histogram = new Float64Array(live.length + 1);
  const liveCounts = new Float64Array(live.length);
  let best = -1;
  let point = 0n;
  for (let index = 0; index < 2 ** bits.length; index++) {
    const code = BigInt(index) ^ (BigInt(index) >> 1n);
    const values = new Map(bits.map((bit, p) => [bit, Number((code >> BigInt(p)) & 1n)]));
    let active = 0;
    live.forEach((j, at) => {
      const unit = units[j];
      let level = unit.start;
      unit.inputs.forEach((input, k) => {
        const odd = bitsOfInput(input, domain).reduce((sum, bit) => sum + (values.get(bit) as number), 0) & 1;
        if (odd === 1) level -= unit.steps[k];
      });
      if (level < 1n) return;
      active++;
      liveCounts[at]++;
    });
    histogram[active]++;
    if (active > best) {
      best = active;
      point = code;
    }
  }
  return { best, point, histogram, liveCounts, resolvedCount: 0 };
}

function finish(layout: Layout, units: readonly ExactUnit[], domain: SweepDomain, raw: RawSweep): SweepResult {
  const { bits, live, alwaysActive, blockCount, rowsPerStep } = layout;
  const pointCount = 2 ** bits.length;
  const maximum = raw.best + alwaysActive.length;
  const histogram = new Float64Array(maximum + 1);
  for (let a = 0; a <= raw.best; a++) histogram[a + alwaysActive.length] = raw.histogram[a];
  const unitCounts = new Float64Array(units.length);
  for (const j of alwaysActive) unitCounts[j] = pointCount;
  live.forEach((j, at) => {
    unitCounts[j] = raw.liveCounts[at];
  });
  const witness = new Uint8Array(domain.bitCount);
  bits.forEach((bit, p) => {
    witness[bit] = Number((raw.point >> BigInt(p)) & 1n);
  });
  return {
    sweptBits: bits.length,
    pointCount,
    maximum,
    witness,
    histogram,
    unitCounts,
    unitUpdates: 2 ** bits.length * LANES * blockCount * rowsPerStep,
    resolvedCount: raw.resolvedCount,
  };
}

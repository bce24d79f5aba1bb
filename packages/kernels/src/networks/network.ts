/**
 * Batches through a dense ReLU network h(x) = sum_j u_j relu(<w_j, x> - b_j) on
 * points of the cube: values, or how many units are active. assembly/network-dense.ts
 * says how and fixes the order of summation, which `preactivationsOfRow` and
 * `referenceNetwork` below spell out: all variants agree with them bit for bit, for
 * any number of rows and threads.
 *
 * Rows go through one memory a slab at a time, so its size does not grow with them.
 */
import { createArena } from '../arena.ts';
import { networks } from '../groups.ts';
import type { KernelVariant, PackedPoints } from '../kernels.ts';
import { bestVariant, compileKernels, createMemory, instantiateKernels } from '../load.ts';
import { createPool, STOP_COUNTER, threadsAvailable, type WorkSource } from '../pool.ts';
import { createTurns } from '../turns.ts';

/** Units relu(<w_j, x> - b_j) and their output weights u_j, row-major. */
export interface DenseNetwork {
  readonly inputCount: number;
  readonly unitCount: number;
  /** Row-major, [unitCount][inputCount]. */
  readonly weights: Float64Array;
  readonly biases: Float64Array;
  readonly outputWeights: Float64Array;
}

/** Options of evaluating a network. */
export interface NetworkKernelOptions {
  /** Default 1. Results do not depend on it. */
  readonly threads?: number | undefined;
  /** Default: the best binary, or the reference where the work is so small that copying would cost more. */
  readonly variant?: KernelVariant | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after every slab of rows. */
  readonly onRows?: ((done: number) => void) | undefined;
}

/** How many units were active, by row and by unit. */
export interface ActivityCounts {
  /** For every row how many units have a strictly positive preactivation. */
  readonly rowCounts: Uint32Array;
  /** For every unit in how many rows its preactivation is strictly positive. */
  readonly unitCounts: Float64Array;
}

const BLOCK_UNITS = 16;
const BYTE_INPUTS = 8;
const SLAB_ROWS = 2 ** 18;
const CHUNK_ROWS = 2 ** 14;
/** Bytes whose tables are used in one pass, and the size of a table: PASS and TABLE of network-dense.ts. */
const PASS_BYTES = 16;
const TABLE_BYTES = 256 * BLOCK_UNITS * 8;
/** Multiply-adds below which plain TypeScript is faster than filling tables. */
const REFERENCE_WORK = 2 ** 18;
/** (row, block, byte) steps between turns of the event loop: about 20 ms. */
const TURN_STEPS = 6e6;

/** Chunks of rows are shared out; a thread does the blocks of units of its chunk in order, `blockStep` at a time. */
interface NetworkJob {
  readonly plan: number;
  readonly counter: number;
  readonly chunkCount: number;
  readonly blockCount: number;
  readonly blockStep: number;
}

const NETWORK_WORK: WorkSource = `({ plan, counter, chunkCount, blockCount, blockStep }, { kernels, scratch, next, stopped }) => {
  for (let chunk = next(counter); chunk < chunkCount; chunk = next(counter)) {
    for (let block = 0; block < blockCount; block += blockStep) {
      if (stopped(counter)) return;
      kernels.networkItem(plan, chunk, scratch, block, Math.min(blockCount, block + blockStep));
    }
  }
}`;

/**
 * h at every row: `points.rowCount` numbers.
 * @throws RangeError for inputs of another number, or beyond the memory of WebAssembly
 * @example
 * ```ts
 * import { evaluateDenseNetwork } from '@fewfire/kernels';
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
 * console.log(await evaluateDenseNetwork(network, points)); // Float64Array(4) [ 1, -1, 0, -1 ]
 * ```
 */
export async function evaluateDenseNetwork(
  network: DenseNetwork,
  points: PackedPoints,
  options: NetworkKernelOptions = {},
): Promise<Float64Array> {
  if (useReference(network, points, options)) return referenceNetwork(network, points);
  const values = new Float64Array(points.rowCount);
  await run(network, points, options, 'values', (row, slab) => values.set(slab.values, row));
  return values;
}

/**
 * How many units are active in every row, and in how many rows every unit.
 * @throws RangeError as `evaluateDenseNetwork`
 * @example
 * ```ts
 * import { countNetworkActivity } from '@fewfire/kernels';
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
 * console.log((await countNetworkActivity(network, points)).rowCounts); // Uint32Array(4) [ 1, 1, 0, 1 ]
 * ```
 */
export async function countNetworkActivity(
  network: DenseNetwork,
  points: PackedPoints,
  options: NetworkKernelOptions = {},
): Promise<ActivityCounts> {
  const rowCounts = new Uint32Array(points.rowCount);
  const unitCounts = new Float64Array(network.unitCount);
  if (useReference(network, points, options)) {
    const preactivations = new Float64Array(network.unitCount);
    for (let i = 0; i < points.rowCount; i++) {
      preactivationsOfRow(network, points, i, preactivations);
      for (let j = 0; j < network.unitCount; j++) {
        if (preactivations[j] > 0) {
          rowCounts[i]++;
          unitCounts[j]++;
        }
      }
    }
    return { rowCounts, unitCounts };
  }
  await run(network, points, options, 'activity', (row, slab) => {
    rowCounts.set(slab.rowCounts, row);
    const { unitCount } = network;
    const padded = paddedUnits(unitCount);
    for (let at = 0; at < slab.unitCounts.length; at += padded) {
      for (let j = 0; j < unitCount; j++) unitCounts[j] += Number(slab.unitCounts[at + j]);
    }
  });
  return { rowCounts, unitCounts };
}

/**
 * `into[j]` = <w_j, x> - b_j at one row, summed in the order that all variants keep.
 * @example
 * ```ts
 * import { preactivationsOfRow } from '@fewfire/kernels';
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
 * const sums = new Float64Array(2);
 * preactivationsOfRow(network, points, 0, sums);
 * console.log(sums); // Float64Array(2) [ 1, -1 ]
 * ```
 */
export function preactivationsOfRow(
  network: DenseNetwork,
  points: PackedPoints,
  row: number,
  into: Float64Array,
): void {
  const { inputCount: n, unitCount, weights, biases } = network;
  const { planes, rowCount } = points;
  for (let j = 0; j < unitCount; j++) {
    let sum = -biases[j];
    for (let first = 0; first < n; first += BYTE_INPUTS) {
      const code = planes[(first >> 3) * rowCount + row];
      const end = Math.min(n, first + BYTE_INPUTS);
      let byteSum = 0;
      for (let i = first; i < end; i++) {
        const weight = weights[j * n + i];
        byteSum += (code >> (i - first)) & 1 ? -weight : weight;
      }
      sum += byteSum;
    }
    into[j] = sum;
  }
}

/**
 * The specification: one row at a time in plain TypeScript.
 * @example
 * ```ts
 * import { referenceNetwork } from '@fewfire/kernels';
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
 * console.log(referenceNetwork(network, points)); // Float64Array(4) [ 1, -1, 0, -1 ]
 * ```
 */
export function referenceNetwork(network: DenseNetwork, points: PackedPoints): Float64Array {
  checkInputs(network, points);
  const { unitCount, outputWeights } = network;
  const padded = paddedUnits(unitCount);
  const z = new Float64Array(padded);
  const values = new Float64Array(points.rowCount);
  for (let i = 0; i < points.rowCount; i++) {
    preactivationsOfRow(network, points, i, z);
    for (let j = 0; j < unitCount; j++) z[j] = (z[j] > 0 ? z[j] : 0) * outputWeights[j];
    let sum = 0;
    for (let at = 0; at < unitCount; at += BLOCK_UNITS) sum += pairTree(z, at) + pairTree(z, at + 1);
    values[i] = sum;
  }
  return values;
}

/**
 * Bytes that a call takes besides its results.
 * @example
 * ```ts
 * import { networkKernelBytes } from '@fewfire/kernels';
 *
 * console.log(networkKernelBytes({ inputCount: 100, unitCount: 1000, rowCount: 10 })); // 1293330
 * ```
 */
export function networkKernelBytes(
  shape: { readonly inputCount: number; readonly unitCount: number; readonly rowCount: number },
  threads = 1,
): number {
  const byteCount = Math.ceil(shape.inputCount / BYTE_INPUTS);
  const padded = paddedUnits(shape.unitCount);
  const rows = Math.min(shape.rowCount, SLAB_ROWS);
  const chunkRows = chunkSize(rows, threads);
  const units = 8 * padded * (byteCount * BYTE_INPUTS + 2 + Math.ceil(rows / Math.max(1, chunkRows)));
  return units + rows * (byteCount + 8) + threads * scratchBytes(byteCount, chunkRows) + 4096;
}

function useReference(network: DenseNetwork, points: PackedPoints, options: NetworkKernelOptions): boolean {
  checkInputs(network, points);
  if (options.variant !== undefined) return options.variant === 'reference';
  return points.rowCount * network.unitCount * network.inputCount <= REFERENCE_WORK;
}

function checkInputs(network: DenseNetwork, points: PackedPoints): void {
  if (network.inputCount !== points.coordinateCount) {
    throw new RangeError(`the network has ${network.inputCount} inputs, the points ${points.coordinateCount}`);
  }
}

// Every second of sixteen, as a tree.
function pairTree(z: Float64Array, at: number): number {
  return z[at] + z[at + 2] + (z[at + 4] + z[at + 6]) + (z[at + 8] + z[at + 10] + (z[at + 12] + z[at + 14]));
}

interface Slab {
  readonly values: Float64Array;
  readonly rowCounts: Uint32Array;
  /** [chunk][padded unit] */
  readonly unitCounts: BigInt64Array;
}

async function run(
  network: DenseNetwork,
  points: PackedPoints,
  options: NetworkKernelOptions,
  mode: 'values' | 'activity',
  onSlab: (row: number, slab: Slab) => void,
): Promise<void> {
  options.signal?.throwIfAborted();
  const { rowCount, planes } = points;
  if (rowCount === 0) return;
  const byteCount = Math.ceil(network.inputCount / BYTE_INPUTS);
  const padded = paddedUnits(network.unitCount);
  const blockCount = padded / BLOCK_UNITS;
  const slabRows = Math.min(rowCount, SLAB_ROWS);
  const threads = threadsAvailable() ? Math.max(1, Math.min(options.threads ?? 1, Math.ceil(slabRows / 64))) : 1;
  const chunkRows = chunkSize(slabRows, threads);

  const arena = createArena();
  const planAt = arena.reserve(4 * 11);
  const counterAt = arena.reserve(4);
  const weightsAt = arena.reserve(8 * padded * byteCount * BYTE_INPUTS);
  const biasesAt = arena.reserve(8 * padded);
  const outputsAt = arena.reserve(8 * padded);
  const planesAt = arena.reserve(byteCount * slabRows);
  const values = mode === 'values';
  const valuesAt = values ? arena.reserve(8 * slabRows) : 0;
  const rowCountsAt = values ? 0 : arena.reserve(4 * slabRows);
  const unitCountsAt = values ? 0 : arena.reserve(8 * padded * Math.ceil(slabRows / chunkRows));
  const scratches = Array.from({ length: threads }, () => arena.reserve(scratchBytes(byteCount, chunkRows)));

  const shared = threads > 1;
  const module = await compileKernels(
    networks,
    options.variant === 'scalar' || options.variant === 'simd' ? options.variant : bestVariant(networks),
    shared,
  );
  const memory = createMemory(arena.bytes, shared);
  const kernels = await instantiateKernels(module, memory);
  const { buffer } = memory;
  writeNetwork(network, buffer, weightsAt, biasesAt, outputsAt);
  const counters = new Int32Array(buffer);
  const counter = counterAt >>> 2;
  const pool = shared ? await createPool<NetworkJob>(NETWORK_WORK, module, memory, scratches.slice(1)) : undefined;
  const turn = createTurns();
  try {
    for (let row = 0; row < rowCount; row += slabRows) {
      const rows = Math.min(slabRows, rowCount - row);
      const bytes = new Uint8Array(buffer, planesAt, byteCount * rows);
      for (let p = 0; p < byteCount; p++) {
        bytes.set(planes.subarray(p * rowCount + row, p * rowCount + row + rows), p * rows);
      }
      const chunkCount = Math.ceil(rows / chunkRows);
      const slab: Slab = {
        values: new Float64Array(buffer, valuesAt, values ? rows : 0),
        rowCounts: new Uint32Array(buffer, rowCountsAt, values ? 0 : rows),
        unitCounts: new BigInt64Array(buffer, unitCountsAt, values ? 0 : chunkCount * padded),
      };
      slab.values.fill(0);
      slab.rowCounts.fill(0);
      slab.unitCounts.fill(0n);
      new Uint32Array(buffer, planAt, 11).set([
        planesAt,
        byteCount,
        rows,
        chunkRows,
        blockCount,
        weightsAt,
        biasesAt,
        outputsAt,
        valuesAt,
        rowCountsAt,
        unitCountsAt,
      ]);
      const blockStep = Math.max(1, Math.floor(TURN_STEPS / (chunkRows * Math.max(1, byteCount))));
      const job: NetworkJob = {
        plan: planAt,
        counter: counterAt,
        chunkCount,
        blockCount,
        blockStep,
      };
      Atomics.store(counters, counter, 0);
      const theirs = pool?.run(job);
      try {
        for (let chunk = Atomics.add(counters, counter, 1); chunk < chunkCount; ) {
          for (let block = 0; block < blockCount; block += blockStep) {
            await turn(options.signal);
            kernels.networkItem(planAt, chunk, scratches[0], block, Math.min(blockCount, block + blockStep));
          }
          chunk = Atomics.add(counters, counter, 1);
        }
      } catch (error) {
        Atomics.store(counters, counter, STOP_COUNTER);
        await theirs;
        throw error;
      }
      await theirs;
      onSlab(row, slab);
      options.onRows?.(row + rows);
    }
  } finally {
    pool?.dispose();
  }
}

// Sixteen units side by side for every coordinate; biases negated, because sums start from them.
function writeNetwork(
  network: DenseNetwork,
  buffer: ArrayBufferLike,
  weightsAt: number,
  biasesAt: number,
  outputsAt: number,
): void {
  const { inputCount: n, unitCount } = network;
  const paddedInputs = Math.ceil(n / BYTE_INPUTS) * BYTE_INPUTS;
  const weights = new Float64Array(buffer, weightsAt, paddedUnits(unitCount) * paddedInputs);
  const biases = new Float64Array(buffer, biasesAt, unitCount);
  for (let j = 0; j < unitCount; j++) {
    const to = (j - (j % BLOCK_UNITS)) * paddedInputs + (j % BLOCK_UNITS);
    for (let i = 0; i < n; i++) weights[to + i * BLOCK_UNITS] = network.weights[j * n + i];
    biases[j] = -network.biases[j];
  }
  new Float64Array(buffer, outputsAt, unitCount).set(network.outputWeights);
}

function paddedUnits(unitCount: number): number {
  return Math.ceil(unitCount / BLOCK_UNITS) * BLOCK_UNITS;
}

function chunkSize(slabRows: number, threads: number): number {
  return Math.min(CHUNK_ROWS, Math.ceil(slabRows / threads));
}

function scratchBytes(byteCount: number, chunkRows: number): number {
  const list = Math.ceil((4 * byteCount) / 64) * 64;
  const partial = byteCount > PASS_BYTES ? chunkRows * BLOCK_UNITS * 8 : 0;
  return 128 + list + partial + Math.min(byteCount, PASS_BYTES) * TABLE_BYTES;
}

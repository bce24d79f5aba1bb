/**
 * The monomial operators over WebAssembly. An operator owns one memory of fixed
 * size with the points, one row vector, one coefficient vector and a scratch
 * area per thread. Work is cut into items; this thread takes items too and lets
 * the event loop run every few milliseconds, so that a call can be aborted.
 */
import { type Arena, createArena } from '../arena.ts';
import { type BlockKernels, type KernelGroup, learning } from '../groups.ts';
import type { KernelVariant, MonomialOperator, OperatorPlan, PackedPoints, Precision } from '../kernels.ts';
import { type BinaryVariant, bestVariant, compileKernels, createMemory, instantiateKernels } from '../load.ts';
import { createPool, STOP_COUNTER, threadsAvailable, type WorkSource } from '../pool.ts';
import { createReferenceOperator } from '../reference.ts';
import { createMonomialIndex } from '../subsets.ts';
import { createTurns } from '../turns.ts';
import { blockPositions, createBlockLayout } from './block-layout.ts';
import { memoryParts, paddedRows, planMonomialOperator } from './plan.ts';

/** Options of `createMonomialOperator`. */
export interface OperatorOptions {
  readonly degree: number;
  /** Default 1; a page that is not cross-origin isolated always uses one. */
  readonly threads?: number;
  /** Default: `simd` where the engine has it. */
  readonly variant?: KernelVariant;
  /** A plan from `planMonomialOperator` (possibly changed, for tests); by default it is made here. */
  readonly plan?: OperatorPlan;
}

const ITEM_WORDS = 3;

interface MonomialJob {
  readonly operation: 'adjoint' | 'forward';
  readonly plan: number;
  readonly items: readonly number[];
  /** Byte offset of the i32 that numbers the next unit of work (an item of `adjoint`, an entry of `units`). */
  readonly counter: number;
  /** What threads take in `forward`. */
  readonly units: readonly ForwardUnit[];
}

/** Some of the items (every `step`th from `first`) over a range of rows, summed into one vector. */
interface ForwardUnit {
  readonly first: number;
  readonly step: number;
  readonly sums: number;
  readonly row0: number;
  readonly row1: number;
}

const MONOMIAL_WORK: WorkSource = `({ operation, plan, items, counter, units }, { kernels, scratch, next, stopped }) => {
  if (operation === 'adjoint') {
    for (let i = next(counter); i < items.length; i = next(counter)) kernels.adjointItem(plan, items[i], scratch);
    return;
  }
  for (let u = next(counter); u < units.length; u = next(counter)) {
    const { first, step, sums, row0, row1 } = units[u];
    for (let i = first; i < items.length; i += step) {
      if (stopped(counter)) return;
      kernels.forwardItem(plan, items[i], scratch, sums, row0, row1);
    }
  }
}`;

/**
 * The design matrix of all monomials of degree at most d, applied without being formed.
 * @throws RangeError for a plan in f32, or when the memory cannot be had; AbortError never (nothing here is long)
 * @example
 * ```ts
 * import { createMonomialOperator, planMonomialOperator } from '@fewfire/kernels';
 *
 * // The four points of two coordinates: bit i of a byte is coordinate i, a bit 1 is -1.
 * const points = { rowCount: 4, coordinateCount: 2, planes: Uint8Array.of(0b00, 0b01, 0b10, 0b11) };
 * const plan = planMonomialOperator({ rowCount: 4, coordinateCount: 2, degree: 2 });
 * const operator = await createMonomialOperator(points, { plan });
 * const sums = new Float64Array(4);
 * await operator.adjoint(Float64Array.of(1, -1, -1, 1), sums);
 * // of 1, x0, x1 and x0 x1
 * console.log(sums); // Float64Array(4) [ 0, 0, 0, 4 ]
 * operator.dispose();
 * ```
 */
export function createMonomialOperator(points: PackedPoints, options: OperatorOptions): Promise<MonomialOperator> {
  return createOperator(points, options, 'f64', learning);
}

/**
 * With the kernels of one precision, whose blocks are in `group`: a group that is not named here, so that it is only in
 * bundles that name it.
 */
export async function createOperator(
  points: PackedPoints,
  options: OperatorOptions,
  precision: Precision,
  group: KernelGroup<BlockKernels>,
): Promise<MonomialOperator> {
  const { rowCount, coordinateCount } = points;
  const threads = threadsAvailable() ? (options.threads ?? 1) : 1;
  const { degree } = options;
  const plan = options.plan ?? planMonomialOperator({ rowCount, coordinateCount, degree, threads, precision });
  if (plan.precision !== precision) throw new RangeError(`a plan in ${plan.precision} for an operator in ${precision}`);
  const variant = options.variant ?? bestVariant(group);
  if (variant === 'reference') return createReferenceOperator(points, plan);
  return plan.method === 'cube'
    ? createCubeOperator(points, plan, variant)
    : createBlockOperator(points, plan, variant, group);
}

async function createBlockOperator(
  points: PackedPoints,
  plan: OperatorPlan,
  variant: BinaryVariant,
  group: KernelGroup<BlockKernels>,
): Promise<MonomialOperator> {
  const { rowCount, blockBits: g, blockCount, degree } = plan;
  const index = createMonomialIndex(plan.coordinateCount, degree);
  const layout = createBlockLayout(plan);
  const positions = blockPositions(plan, layout, index);
  const rowStride = paddedRows(rowCount);

  const arena = createArena();
  const planAt = arena.reserve(4 * 10);
  const counterAt = arena.reserve(4);
  const levelsAt = arena.reserve(8 * degree);
  const levelAt = layout.levels.map((cells) => arena.reserve(4 * cells.length));
  const itemBytes = 4 * (ITEM_WORDS + degree);
  const itemsAt = arena.reserve(itemBytes * layout.items.length);
  const codesAt = arena.reserve(blockCount * rowStride);
  const partsAt = Array.from({ length: plan.partCount }, () => arena.reserve(8 * rowStride));
  const rowsAt = partsAt[0];
  const coefficientsAt = arena.reserve(8 * layout.coefficientCount);
  const scratches = Array.from({ length: plan.threads }, () => arena.reserve(memoryParts(plan).scratchBytes));

  const shared = plan.threads > 1;
  const module = await compileKernels(group, variant, shared);
  const memory = createMemory(arena.bytes, shared);
  const kernels = await instantiateKernels(module, memory);
  const { buffer } = memory;
  const words = new Uint32Array(buffer);
  const signedWords = new Int32Array(buffer);
  words.set(
    [degree, g, rowCount, rowStride, codesAt, rowsAt, coefficientsAt, levelsAt, blockCount, plan.groupSize],
    planAt >>> 2,
  );
  layout.levels.forEach((cells, k) => {
    words.set([levelAt[k], cells.length], (levelsAt >>> 2) + 2 * k);
    words.set(cells, levelAt[k] >>> 2);
  });
  const items = layout.items.map(({ own, top, blocks }, i) => {
    const at = itemsAt + i * itemBytes;
    words.set([blocks.length, own, top, ...blocks], at >>> 2);
    return at;
  });
  cutBlocks(points, plan, kernels, new Uint8Array(buffer), codesAt, rowStride, rowsAt);
  const partSums = partsAt.map((at) => new Float64Array(buffer, at, rowCount));
  const units = forwardUnits(plan, partsAt);
  const blockCoefficients = new Float64Array(buffer, coefficientsAt, layout.coefficientCount);
  // The same places, as an adjoint reads and writes them.
  const FloatArray = plan.precision === 'f32' ? Float32Array : Float64Array;
  const adjointRows = new FloatArray(buffer, rowsAt, rowCount);
  const adjointCoefficients = new FloatArray(buffer, coefficientsAt, layout.coefficientCount);

  const pool =
    plan.threads > 1 ? await createPool<MonomialJob>(MONOMIAL_WORK, module, memory, scratches.slice(1)) : undefined;
  const counter = counterAt >>> 2;
  const turn = createTurns();
  const nextUnit = (): number => Atomics.add(signedWords, counter, 1);

  // Runs `mine` here while the workers do the same job; a failure or abort stops the workers before it is thrown.
  const withWorkers = async (operation: 'adjoint' | 'forward', mine: () => Promise<void>): Promise<void> => {
    Atomics.store(signedWords, counter, 0);
    const theirs = pool?.run({ operation, plan: planAt, items, counter: counterAt, units });
    try {
      await mine();
    } catch (error) {
      Atomics.store(signedWords, counter, STOP_COUNTER);
      await theirs;
      throw error;
    }
    await theirs;
  };

  return {
    plan,
    index,
    async adjoint(rowValues: Float64Array, coefficients: Float64Array, signal?: AbortSignal): Promise<void> {
      checkLengths(plan, rowValues, coefficients);
      signal?.throwIfAborted();
      adjointRows.set(rowValues);
      await withWorkers('adjoint', async () => {
        for (let i = nextUnit(); i < items.length; i = nextUnit()) {
          kernels.adjointItem(planAt, items[i], scratches[0]);
          await turn(signal);
        }
      });
      for (let i = 0; i < coefficients.length; i++) coefficients[i] = adjointCoefficients[positions[i]];
    },
    async forward(coefficients: Float64Array, rowValues: Float64Array, signal?: AbortSignal): Promise<void> {
      checkLengths(plan, rowValues, coefficients);
      signal?.throwIfAborted();
      blockCoefficients.fill(0);
      for (let i = 0; i < coefficients.length; i++) blockCoefficients[positions[i]] = coefficients[i];
      for (const sums of partSums) sums.fill(0);
      await withWorkers('forward', async () => {
        for (let u = nextUnit(); u < units.length; u = nextUnit()) {
          const { first, step, sums, row0, row1 } = units[u];
          for (let i = first; i < items.length; i += step) {
            kernels.forwardItem(planAt, items[i], scratches[0], sums, row0, row1);
            await turn(signal);
          }
        }
      });
      addParts(partSums, rowValues);
    },
    dispose: () => pool?.dispose(),
  };
}

async function createCubeOperator(
  points: PackedPoints,
  plan: OperatorPlan,
  variant: BinaryVariant,
): Promise<MonomialOperator> {
  const { rowCount, coordinateCount: n } = plan;
  const index = createMonomialIndex(n, plan.degree);
  const positions = new Uint32Array(index.count);
  index.forEach((subset, size, at) => {
    let mask = 0;
    for (let j = 0; j < size; j++) mask |= 1 << subset[j];
    positions[at] = mask;
  });
  const arena: Arena = createArena();
  const codesAt = arena.reserve(4 * rowCount);
  const rowsAt = arena.reserve(8 * rowCount);
  const tableAt = arena.reserve(8 * 2 ** n);
  const memory = createMemory(arena.bytes, false);
  const kernels = await instantiateKernels(await compileKernels(learning, variant, false), memory);
  const codes = new Uint32Array(memory.buffer, codesAt, rowCount);
  for (let p = 0; p * 8 < n; p++) {
    const plane = points.planes.subarray(p * rowCount, (p + 1) * rowCount);
    // Bits beyond the last coordinate would point outside the table.
    const mask = (1 << Math.min(8, n - 8 * p)) - 1;
    for (let i = 0; i < rowCount; i++) codes[i] |= (plane[i] & mask) << (8 * p);
  }
  const rows = new Float64Array(memory.buffer, rowsAt, rowCount);
  const table = new Float64Array(memory.buffer, tableAt, 2 ** n);
  const turn = createTurns();
  return {
    plan,
    index,
    async adjoint(rowValues: Float64Array, coefficients: Float64Array, signal?: AbortSignal): Promise<void> {
      checkLengths(plan, rowValues, coefficients);
      await turn(signal);
      rows.set(rowValues);
      table.fill(0);
      kernels.cubeScatter(codesAt, rowsAt, tableAt, rowCount);
      kernels.walshHadamardF64(tableAt, n);
      for (let i = 0; i < coefficients.length; i++) coefficients[i] = table[positions[i]];
    },
    async forward(coefficients: Float64Array, rowValues: Float64Array, signal?: AbortSignal): Promise<void> {
      checkLengths(plan, rowValues, coefficients);
      await turn(signal);
      table.fill(0);
      for (let i = 0; i < coefficients.length; i++) table[positions[i]] = coefficients[i];
      kernels.walshHadamardF64(tableAt, n);
      kernels.cubeGather(codesAt, rowsAt, tableAt, rowCount);
      rowValues.set(rows);
    },
    dispose: () => {},
  };
}

// Which items a forward sums into which vector: `partCount` parts, and each row of a part adds its items in order.
// Parts depend only on the shape, so results do not depend on the number of threads; rows are split among threads
// only when there are more threads than parts.
function forwardUnits(plan: OperatorPlan, partsAt: readonly number[]): ForwardUnit[] {
  const { partCount, rowCount, threads } = plan;
  const ranges = Math.ceil(threads / partCount);
  return Array.from({ length: ranges * partCount }, (_, u) => {
    const range = Math.floor(u / partCount);
    return {
      first: u % partCount,
      step: partCount,
      sums: partsAt[u % partCount],
      row0: Math.floor((range * rowCount) / ranges),
      row1: Math.floor(((range + 1) * rowCount) / ranges),
    };
  });
}

function addParts(parts: readonly Float64Array[], into: Float64Array): void {
  into.set(parts[0]);
  for (const part of parts.slice(1)) for (let i = 0; i < into.length; i++) into[i] += part[i];
}

// Copies one plane at a time into the row vector's space (it is free until the first call) and cuts blocks from there.
function cutBlocks(
  points: PackedPoints,
  plan: OperatorPlan,
  kernels: BlockKernels,
  bytes: Uint8Array,
  codesAt: number,
  rowStride: number,
  spaceAt: number,
): void {
  const { rowCount, blockBits: g, blockCount } = plan;
  const planeCount = Math.ceil(points.coordinateCount / 8);
  const low = spaceAt;
  const high = spaceAt + rowStride;
  const copyPlane = (p: number, to: number): void => {
    if (p < planeCount) bytes.set(points.planes.subarray(p * rowCount, (p + 1) * rowCount), to);
    else bytes.fill(0, to, to + rowCount);
  };
  let loaded = -1;
  for (let block = 0; block < blockCount; block++) {
    const first = block * g;
    const plane = first >> 3;
    if (plane !== loaded) {
      copyPlane(plane, low);
      copyPlane(plane + 1, high);
      loaded = plane;
    }
    kernels.cutBlock(low, high, codesAt + block * rowStride, first & 7, g, rowCount);
  }
  bytes.fill(0, spaceAt, spaceAt + 2 * rowStride);
}

function checkLengths(plan: OperatorPlan, rowValues: Float64Array, coefficients: Float64Array): void {
  if (rowValues.length !== plan.rowCount || coefficients.length !== plan.monomialCount) {
    throw new RangeError(
      `expected ${plan.rowCount} row values and ${plan.monomialCount} coefficients, got ${rowValues.length} and ${coefficients.length}`,
    );
  }
}

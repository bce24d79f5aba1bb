/**
 * Trained feed-forward layers over WebAssembly: one memory with the weights, the int8 screen and room for a few inputs.
 * Calls are synchronous, with threads too (`crew.ts`), since a layer takes microseconds. assembly/mlp-items.ts says what
 * is computed; `referenceMlp` is the specification, and all ways of running agree with it bit for bit.
 */
import { createArena } from '../arena.ts';
import { CREW_BYTES, CREW_WORK, type Crew, type CrewJob, createCrew } from '../crew.ts';
import { ItemCounts, MlpPlan, MlpRecord } from '../generated/structs.ts';
import { layers } from '../groups.ts';
import { type BinaryVariant, bestVariant, compileKernels, createMemory, instantiateKernels } from '../load.ts';
import { createPool, threadsAvailable } from '../pool.ts';
import {
  type CalibratedLayout,
  type CalibratedScreen,
  calibratedUnits,
  layOutCalibrated,
  writeCalibrated,
} from './mlp-calibrated.ts';
import type { MlpProjection, ProjectionScreen } from './mlp-projection.ts';
import { dotRounding, type MlpScreen, paddedColumns, paddedUnits, rowAfterRow, SUM_LIMIT } from './mlp-screen.ts';
import type { ReluLayer } from './relu-layer.ts';
import { wordPlace, writeStruct } from './structs.ts';

/** Options of `createMlpKernel`. */
export interface MlpKernelOptions {
  /** Default 1; a page that is not cross-origin isolated always uses one. Results do not depend on it. */
  readonly threads?: number | undefined;
  /** `simd` or `scalar`; default `simd` where the engine has it. */
  readonly variant?: BinaryVariant | undefined;
  /** Inputs of one call to `run`, default 1. */
  readonly inputCapacity?: number | undefined;
  /** What `runCalibrated` uses. */
  readonly calibrated?: CalibratedScreen | undefined;
  /** A first test of the sparse way, from `boundProjection` for the same weights. Results do not depend on it. */
  readonly projection?: ProjectionScreen | undefined;
}

/** What of the options decides how much memory a kernel takes. */
export type MlpMemoryOptions = Pick<MlpKernelOptions, 'threads' | 'inputCapacity' | 'calibrated'> & {
  readonly projection?: Pick<MlpProjection, 'rank'> | undefined;
};

/** `sparse`: screen, then only what may fire; `dense`: every unit. Both give the same bits. */
export type MlpMethod = 'sparse' | 'dense';

/** A layer in WebAssembly memory. */
export interface MlpKernel {
  readonly inputCapacity: number;
  readonly threads: number;
  /**
   * `inputCount` inputs from `inputs`, row-major, to `outputs`; offsets in numbers.
   * @throws RangeError for more inputs than the capacity, or arrays that are too short
   */
  run(
    method: MlpMethod,
    inputs: Float32Array,
    inputOffset: number,
    inputCount: number,
    outputs: Float32Array,
    outputOffset: number,
  ): void;
  /**
   * One input, and the units to evaluate in increasing order; the others are taken to be silent. With a list that holds
   * every active unit the output is that of `run`.
   */
  runListed(input: Float32Array, units: Uint32Array, output: Float32Array): void;
  /**
   * One input through the screen of the options: units that it leaves out are taken to be silent, the others are evaluated
   * as by `run`. @throws RangeError without such a screen, or for arrays that are too short
   */
  runCalibrated(inputs: Float32Array, inputOffset: number, outputs: Float32Array, outputOffset: number): void;
  /** Of the last run: units of input i whose preactivation was computed. */
  evaluatedCount(i: number): number;
  /** Units that were active for input i of the last run. */
  activeCount(i: number): number;
  /** Of the last run, if it was sparse and with a projection: units of input i that its test let through; else 0. */
  projectedCount(i: number): number;
  /** Of the last run: the active units of input i, in increasing order; a copy. */
  activeUnits(i: number): Uint32Array;
  /** Of the last run, if it was not dense: the activations of `activeUnits(i)`; a copy. */
  activeValues(i: number): Float32Array;
  /** Ends the worker threads. The kernel is of no further use. */
  dispose(): void;
}

/** As in assembly/mlp-items.ts. */
const WAYS = { sparse: 0, dense: 1, listed: 2, calibrated: 3 } as const;
const OPERATIONS = { sparseUp: 0, sparseDown: 1, denseUp: 2, denseDown: 3, project: 4 } as const;
/** What a batch works on at a time: int8 rows, and rows of `down`, of about so many bytes stay in the second-level cache. */
const BATCH_UP_BYTES = 2 ** 16;
const BATCH_DOWN_BYTES = 2 ** 18;
const DENSE_PASS_UNITS = 64;
/** With a projection, units are screened in parts of so many, whatever the items are: as in assembly/mlp-items.ts. */
const PART_UNITS = 128;
/** A smaller projection is done before other threads have woken up. */
const LEAST_SHARED_PRODUCTS = 2 ** 18;
/** Items per thread: enough that threads finish together. */
const ITEMS_PER_THREAD = 4;

/**
 * Bytes of memory that a kernel of this shape takes.
 * @example
 * ```ts
 * import { mlpKernelBytes } from '@fewfire/kernels';
 *
 * console.log(mlpKernelBytes({ inputWidth: 64, unitCount: 256, outputWidth: 64, isGated: false })); // 158592
 * ```
 */
export function mlpKernelBytes(
  shape: Pick<ReluLayer, 'inputWidth' | 'unitCount' | 'outputWidth'> & { readonly isGated: boolean },
  options: MlpMemoryOptions = {},
): number {
  return layOut(shape, options.inputCapacity ?? 1, Math.max(1, options.threads ?? 1), options).bytes;
}

/**
 * A layer in WebAssembly memory, run sparsely or densely with the same bits.
 * @param screen from `boundRows` for the same weights
 * @throws RangeError when the memory cannot be had
 * @example
 * ```ts
 * import { boundRows, createMlpKernel, quantiseRows } from '@fewfire/kernels';
 *
 * // relu(x0 + x1) - relu(x0 - x1)
 * const layer = {
 *   name: 'layer',
 *   activation: 'relu',
 *   inputWidth: 2,
 *   unitCount: 2,
 *   outputWidth: 1,
 *   up: Float32Array.of(1, 1, 1, -1),
 *   upBias: Float32Array.of(0, 0),
 *   down: Float32Array.of(1, -1),
 *   downBias: Float32Array.of(0),
 * };
 * const screen = boundRows(quantiseRows(layer.up, 2, 2), layer.up, layer.upBias, 2);
 * const kernel = await createMlpKernel(layer, screen);
 * const out = new Float32Array(1);
 * kernel.run('sparse', Float32Array.of(1, 1), 0, 1, out, 0);
 * console.log(out, kernel.activeUnits(0)); // Float32Array(1) [ 2 ] Uint32Array(1) [ 0 ]
 * kernel.dispose();
 * ```
 */
export async function createMlpKernel(
  weights: ReluLayer,
  screen: MlpScreen,
  options: MlpKernelOptions = {},
): Promise<MlpKernel> {
  const { inputWidth, unitCount, outputWidth, linear } = weights;
  const threads = threadsAvailable() ? Math.max(1, options.threads ?? 1) : 1;
  const inputCapacity = options.inputCapacity ?? 1;
  const layout = layOut({ ...weights, isGated: linear !== undefined }, inputCapacity, threads, options);
  const { columns, units, outputColumns } = layout;
  const shared = threads > 1;
  const module = await compileKernels(layers, options.variant ?? bestVariant(layers), shared);
  const memory = createMemory(layout.bytes, shared);
  const kernels = await instantiateKernels(module, memory);
  const { buffer } = memory;
  writeRows(buffer, layout.up, weights.up, inputWidth, columns, unitCount);
  writeRows(buffer, layout.upBias, weights.upBias, unitCount, units, 1);
  if (linear !== undefined) writeRows(buffer, layout.linear, linear, inputWidth, columns, unitCount);
  if (weights.linearBias !== undefined) {
    writeRows(buffer, layout.linearBias, weights.linearBias, unitCount, units, 1);
  }
  writeRows(buffer, layout.down, weights.down, outputWidth, outputColumns, unitCount);
  writeRows(buffer, layout.downBias, weights.downBias, outputWidth, outputColumns, 1);
  const { projected } = layout;
  const { projection } = options;
  new Int8Array(buffer).set(projected === undefined ? screen.rows : rowAfterRow(screen.rows, columns), layout.rows);
  const floats = new Float32Array(buffer);
  floats.set(screen.scales, layout.scales >>> 2);
  floats.set(screen.weightErrors, layout.weightErrors >>> 2);
  floats.set(screen.codeNorms, layout.codeNorms >>> 2);
  floats.set(screen.thresholds, layout.thresholds >>> 2);
  if (projected !== undefined && projection !== undefined) writeProjection(buffer, projected, projection);
  writeStruct(buffer, layout.plan, MlpPlan, {
    operation: 0,
    inputCount: 0,
    columns,
    paddedUnits: units,
    outputColumns,
    squared: weights.activation === 'squared-relu' ? 1 : 0,
    unitsPerItem: units,
    columnsPerItem: outputColumns,
    unitsPerPass: units,
    inputs: layout.inputs,
    codes: layout.codes,
    records: layout.records,
    up: layout.up,
    upBias: layout.upBias,
    linear: layout.linear,
    linearBias: layout.linearBias,
    down: layout.down,
    downBias: layout.downBias,
    rows: layout.rows,
    scales: layout.scales,
    weightErrors: layout.weightErrors,
    codeNorms: layout.codeNorms,
    thresholds: layout.thresholds,
    survivors: layout.survivors,
    activeUnits: layout.activeUnits,
    activeValues: layout.activeValues,
    counts: layout.counts,
    activations: layout.activations,
    outputs: layout.outputs,
    cursors: layout.cursors,
    codeLimit: Math.min(screen.codeLimit, projection?.inputCodeLimit ?? Infinity),
    unitCount,
    normLimit: Math.min(screen.normLimit, SUM_LIMIT / (projection?.largestNorm ?? 0)),
    rank: projected?.rank ?? 0,
    projectionRows: projected?.rows ?? 0,
    projectionScales: projected?.rowScales ?? 0,
    products: projected?.products ?? 0,
    productCodes: projected?.codes ?? 0,
    productRecords: projected?.records ?? 0,
    factors: projected?.factors ?? 0,
    factorScales: projected?.factorScales ?? 0,
    insideErrors: projected?.insideErrors ?? 0,
    factorNorms: projected?.norms ?? 0,
    residuals: projected?.residuals ?? 0,
    productCodeLimit: projection?.productCodeLimit ?? 0,
    refineAbove: projection?.refineAbove ?? 0,
    dotRounding: projection === undefined ? 0 : dotRounding(columns),
    inverse: projection?.inverse ?? 0,
  });
  const { calibrated } = layout;
  if (calibrated !== undefined && options.calibrated !== undefined) {
    writeCalibrated(buffer, calibrated, options.calibrated, weights, layout.inputs, layout.survivors);
  }

  const words = new Uint32Array(buffer);
  // The fields that change from run to run.
  const planWord = (field: keyof typeof MlpPlan.fields): number => wordPlace(MlpPlan, layout.plan, field);
  const operationWord = planWord('operation');
  const inputCountWord = planWord('inputCount');
  const unitsPerItemWord = planWord('unitsPerItem');
  const columnsPerItemWord = planWord('columnsPerItem');
  const unitsPerPassWord = planWord('unitsPerPass');
  const pool = shared
    ? await createPool<CrewJob>(CREW_WORK, module, memory, new Array<number>(threads - 1).fill(layout.control))
    : undefined;
  const crew =
    pool && createCrew(pool, buffer, layout.control, layout.plan, (item) => kernels.mlpItem(layout.plan, item));

  // How the work is cut, into the plan; never what is computed. Returns how many items the two halves have.
  const shares = threads === 1 ? 1 : threads * ITEMS_PER_THREAD;
  const columnShares = threads === 1 ? 1 : threads;
  const planCut = (way: number, inputCount: number): readonly [number, number] => {
    const columnStep = share(outputColumns, columnShares, 16);
    let unitStep = units;
    let unitsPerPass = units;
    if (way === WAYS.dense) {
      unitStep = share(units, shares, 8);
      if (inputCount >= 4) unitsPerPass = DENSE_PASS_UNITS;
    } else if (way === WAYS.sparse) {
      const part = projected === undefined ? 8 : PART_UNITS;
      unitStep = share(units, shares, part);
      if (inputCount > 1) {
        unitStep = Math.min(unitStep, multiple(BATCH_UP_BYTES / (projected?.rank ?? columns), part));
        unitsPerPass = Math.min(units, multiple(BATCH_DOWN_BYTES / (4 * outputColumns), 8));
      }
    }
    words[unitsPerItemWord] = unitStep;
    words[columnsPerItemWord] = columnStep;
    words[unitsPerPassWord] = unitsPerPass;
    return [Math.ceil(units / unitStep), Math.ceil(outputColumns / columnStep)];
  };

  // What `mlpForward` does, with its parts handed out.
  const forwardShared = (crew: Crew, way: number, inputCount: number): void => {
    const operate = (operation: number, itemCount: number): void => {
      words[operationWord] = operation;
      crew.run(itemCount);
    };
    if (way === WAYS.sparse) {
      kernels.mlpQuantise(layout.plan);
      if (projected !== undefined) {
        const { rank } = projected;
        const rowStep = rank * columns < LEAST_SHARED_PRODUCTS ? rank : share(rank, shares, 4);
        words[unitsPerItemWord] = rowStep;
        operate(OPERATIONS.project, Math.ceil(rank / rowStep));
        kernels.mlpFinishProjection(layout.plan);
      }
    } else if (way === WAYS.calibrated && calibrated !== undefined) {
      kernels.markListed(layout.plan, kernels.mlpScreenCalibrated(calibrated.plan));
    }
    const [upItems, downItems] = planCut(way, inputCount);
    operate(way === WAYS.dense ? OPERATIONS.denseUp : OPERATIONS.sparseUp, upItems);
    kernels.mlpGather(layout.plan, upItems);
    operate(way === WAYS.dense ? OPERATIONS.denseDown : OPERATIONS.sparseDown, downItems);
  };
  const forward = (
    way: number,
    inputs: Float32Array,
    inputOffset: number,
    inputCount: number,
    outputs: Float32Array,
    outputOffset: number,
  ): void => {
    words[inputCountWord] = inputCount;
    for (let i = 0; i < inputCount; i++) {
      const from = inputOffset + i * inputWidth;
      floats.set(inputs.subarray(from, from + inputWidth), (layout.inputs >>> 2) + i * columns);
    }
    if (crew === undefined) {
      const [upItems, downItems] = planCut(way, inputCount);
      kernels.mlpForward(layout.plan, way, upItems, downItems, calibrated?.plan ?? 0);
    } else {
      forwardShared(crew, way, inputCount);
    }
    for (let i = 0; i < inputCount; i++) {
      const from = (layout.outputs >>> 2) + i * outputColumns;
      outputs.set(floats.subarray(from, from + outputWidth), outputOffset + i * outputWidth);
    }
  };
  const countOf = (i: number, count: 'activeCount' | 'evaluatedCount' | 'passedCount'): number =>
    words[wordPlace(MlpRecord, layout.records + MlpRecord.bytes * i, count)];

  return {
    inputCapacity,
    threads,
    run(method, inputs, inputOffset, inputCount, outputs, outputOffset): void {
      if (inputCount > inputCapacity) throw new RangeError(`${inputCount} inputs; room for ${inputCapacity}`);
      if (inputOffset + inputCount * inputWidth > inputs.length) throw new RangeError('fewer inputs than announced');
      forward(WAYS[method], inputs, inputOffset, inputCount, outputs, outputOffset);
    },
    runListed(input, list, output): void {
      words.set(list, layout.survivors >>> 2);
      kernels.markListed(layout.plan, list.length);
      forward(WAYS.listed, input, 0, 1, output, 0);
    },
    runCalibrated(inputs, inputOffset, outputs, outputOffset): void {
      if (calibrated === undefined) throw new RangeError('the layer has no calibrated screen');
      if (inputOffset + inputWidth > inputs.length) throw new RangeError('fewer inputs than announced');
      forward(WAYS.calibrated, inputs, inputOffset, 1, outputs, outputOffset);
    },
    evaluatedCount: (i) => countOf(i, 'evaluatedCount'),
    activeCount: (i) => countOf(i, 'activeCount'),
    projectedCount: (i) => countOf(i, 'passedCount'),
    activeUnits: (i) => {
      const from = (layout.activeUnits >>> 2) + i * units;
      return words.slice(from, from + countOf(i, 'activeCount'));
    },
    activeValues: (i) => {
      const from = (layout.activeValues >>> 2) + i * units;
      return floats.slice(from, from + countOf(i, 'activeCount'));
    },
    dispose: () => pool?.dispose(),
  };
}

interface Layout {
  readonly columns: number;
  readonly units: number;
  readonly outputColumns: number;
  readonly bytes: number;
  readonly plan: number;
  readonly control: number;
  readonly inputs: number;
  readonly codes: number;
  readonly records: number;
  readonly up: number;
  readonly upBias: number;
  readonly linear: number;
  readonly linearBias: number;
  readonly down: number;
  readonly downBias: number;
  readonly rows: number;
  readonly scales: number;
  readonly weightErrors: number;
  readonly codeNorms: number;
  readonly thresholds: number;
  readonly survivors: number;
  readonly activeUnits: number;
  readonly activeValues: number;
  readonly counts: number;
  readonly activations: number;
  readonly outputs: number;
  readonly cursors: number;
  readonly calibrated: CalibratedLayout | undefined;
  readonly projected: ProjectedLayout | undefined;
}

interface ProjectedLayout {
  readonly rank: number;
  readonly rows: number;
  readonly rowScales: number;
  readonly products: number;
  readonly codes: number;
  readonly records: number;
  readonly factors: number;
  readonly factorScales: number;
  readonly insideErrors: number;
  readonly norms: number;
  readonly residuals: number;
}

function layOut(
  shape: {
    readonly inputWidth: number;
    readonly unitCount: number;
    readonly outputWidth: number;
    readonly isGated: boolean;
  },
  inputCapacity: number,
  threads: number,
  screens: Pick<MlpMemoryOptions, 'calibrated' | 'projection'>,
): Layout {
  const columns = paddedColumns(shape.inputWidth);
  const units = paddedUnits(shape.unitCount);
  const outputColumns = paddedColumns(shape.outputWidth);
  const arena = createArena();
  const perUnit = (): number => arena.reserve(4 * units);
  // An item has at least 8 units.
  const itemCount = Math.ceil(units / 8);
  const places = {
    plan: arena.reserve(MlpPlan.bytes),
    control: arena.reserve(CREW_BYTES),
    inputs: arena.reserve(4 * inputCapacity * columns),
    codes: arena.reserve(2 * inputCapacity * columns),
    records: arena.reserve(MlpRecord.bytes * inputCapacity),
    up: arena.reserve(4 * units * columns),
    upBias: perUnit(),
    linear: shape.isGated ? arena.reserve(4 * units * columns) : 0,
    linearBias: shape.isGated ? perUnit() : 0,
    down: arena.reserve(4 * units * outputColumns),
    downBias: arena.reserve(4 * outputColumns),
    rows: arena.reserve(units * columns),
    scales: perUnit(),
    weightErrors: perUnit(),
    codeNorms: perUnit(),
    thresholds: perUnit(),
    // A calibrated screen writes its padding before it takes it back.
    survivors: arena.reserve(4 * calibratedUnits(shape.unitCount)),
    activeUnits: arena.reserve(4 * inputCapacity * units),
    activeValues: arena.reserve(4 * inputCapacity * units),
    counts: arena.reserve(ItemCounts.bytes * inputCapacity * itemCount),
    activations: arena.reserve(4 * inputCapacity * units),
    outputs: arena.reserve(4 * inputCapacity * outputColumns),
    cursors: arena.reserve(4 * inputCapacity * threads),
  };
  const calibrated = screens.calibrated === undefined ? undefined : layOutCalibrated(arena, screens.calibrated, shape);
  const rank = screens.projection?.rank ?? 0;
  const projected: ProjectedLayout | undefined =
    rank === 0
      ? undefined
      : {
          rank,
          rows: arena.reserve(2 * rank * columns),
          rowScales: arena.reserve(4 * rank),
          products: arena.reserve(4 * inputCapacity * rank),
          codes: arena.reserve(2 * inputCapacity * rank),
          records: arena.reserve(MlpRecord.bytes * inputCapacity),
          factors: arena.reserve(units * rank),
          factorScales: perUnit(),
          insideErrors: perUnit(),
          norms: perUnit(),
          residuals: perUnit(),
        };
  return { ...places, calibrated, projected, columns, units, outputColumns, bytes: arena.bytes };
}

function writeProjection(buffer: ArrayBufferLike, layout: ProjectedLayout, projection: ProjectionScreen): void {
  new Int16Array(buffer).set(projection.rows, layout.rows >>> 1);
  new Int8Array(buffer).set(projection.factors, layout.factors);
  const floats = new Float32Array(buffer);
  floats.set(projection.rowScales, layout.rowScales >>> 2);
  floats.set(projection.factorScales, layout.factorScales >>> 2);
  floats.set(projection.insideErrors, layout.insideErrors >>> 2);
  floats.set(projection.norms, layout.norms >>> 2);
  floats.set(projection.residuals, layout.residuals >>> 2);
}

// Rows of `width` numbers to rows of `padded`; the memory is zero.
function writeRows(
  buffer: ArrayBufferLike,
  at: number,
  values: Float32Array,
  width: number,
  padded: number,
  rowCount: number,
): void {
  const to = new Float32Array(buffer, at, rowCount * padded);
  for (let r = 0; r < rowCount; r++) to.set(values.subarray(r * width, (r + 1) * width), r * padded);
}

function share(count: number, shares: number, unit: number): number {
  return multiple(count / shares, unit);
}

function multiple(count: number, unit: number): number {
  return Math.max(unit, Math.ceil(count / unit) * unit);
}

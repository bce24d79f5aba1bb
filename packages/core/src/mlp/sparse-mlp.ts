// The types name Disposable, which the settings of those who use them need not have.
/// <reference lib="esnext.disposable" preserve="true" />
/**
 * A trained feed-forward block at the cost of the units that fire, bit for bit the same as evaluating all of them. An int8
 * copy of the first matrix, a quarter of its size, is read from end to end; a test that is proved in docs/sparse-mlp.md
 * leaves only units that may fire; those are evaluated in single precision in the order of the dense kernel. With typical
 * inputs to fit it to, a test on a projection of the input comes first, and the int8 rows of few units are read.
 *
 * The result does not depend on threads, SIMD, batch size or the way taken. Inputs with NaN or infinity, and inputs so
 * large that a sum might overflow, go through every unit.
 */
import {
  boundProjection,
  boundRows,
  createMlpKernel,
  type MlpKernel,
  type MlpProjection,
  type MlpScreen,
  mlpKernelBytes,
  type ProjectionScreen,
  quantiseRows,
  type ReluLayer,
} from '@fewfire/kernels';
import { type ChecksOf, checkRunOptions, FewfireError, type RunOptions, throwIfAborted } from '../base/index.ts';
import { checkBlock } from './check-block.ts';
import { createMethodChooser } from './choose-method.ts';
import { checkInputs, fitProjection } from './fit-projection.ts';
import { type PreparedScreens, serializeMlp } from './mlp-file.ts';

const INPUT_CAPACITY = 32;

/** `auto`: sparse unless so many units fire that dense is faster. Outputs are the same, bit for bit. */
export type MlpPath = 'auto' | 'sparse' | 'dense';

/** Options of `prepareSparseMlp`. */
export interface SparseMlpOptions extends SparseMlpRunOptions {
  /**
   * Typical inputs, row-major, some hundreds or more: a first test is fitted to them where that pays (seconds for a width
   * of a thousand; none beyond 8,192, or where it does not fit into the memory allowed). Results do not depend on them.
   */
  readonly sampleInputs?: Float32Array | undefined;
}

/** Options of `parseSparseMlp`: how a prepared block runs. */
export interface SparseMlpRunOptions extends RunOptions {
  /** Default `auto`. */
  readonly path?: MlpPath | undefined;
  /** Inputs of a batch that are worked on together, default 32; each takes 16 bytes a unit. */
  readonly inputCapacity?: number | undefined;
  /** Default: SIMD where the engine has it. Results do not depend on it. */
  readonly variant?: 'simd' | 'scalar' | undefined;
}

export const SPARSE_RUN_CHECKS: ChecksOf<Omit<SparseMlpRunOptions, keyof RunOptions>> = {
  path: ['auto', 'sparse', 'dense'],
  inputCapacity: 'number',
  variant: ['simd', 'scalar'],
};

/** Totals since the block was prepared or `resetCounters`. */
export interface MlpCounters {
  readonly inputs: number;
  /** Of these, how many went through every unit by choice of path. */
  readonly denseInputs: number;
  /** Units times inputs. */
  readonly units: number;
  /** Units of all inputs whose preactivation was computed in single precision. */
  readonly evaluated: number;
  readonly active: number;
  /** Units of all sparse inputs that the first test let through; null where the block has none. */
  readonly projected: number | null;
}

/** Owns WebAssembly memory and threads: dispose of it, or declare it with `using`. */
export interface SparseMlp extends Disposable {
  readonly block: ReluLayer;
  /** The first test that was fitted to sample inputs; undefined without one. */
  readonly projection: MlpProjection | undefined;
  readonly threads: number;
  readonly memoryBytes: number;
  /** One input to one output: `out` if given, else a new array. @throws FewfireError `invalid-argument` for other lengths */
  forward(input: Float32Array, out?: Float32Array): Float32Array;
  /** Every unit evaluated, the same bits: to compare with. */
  forwardDense(input: Float32Array, out?: Float32Array): Float32Array;
  /** `rowCount` inputs, row-major, each as by `forward`. */
  forwardBatch(inputs: Float32Array, rowCount: number, out?: Float32Array): Float32Array;
  /** Units that fired for the input of the last `forward` or `forwardDense`, in increasing order. */
  activeUnits(): Uint32Array;
  /** What was done since the start or `resetCounters`. */
  counters(): MlpCounters;
  /** Counts from 0 again. */
  resetCounters(): void;
  /** The prepared block as a file, for `parseSparseMlp`. */
  serialize(): Promise<Uint8Array<ArrayBuffer>>;
  /** Frees the memory; the block cannot be run any more. */
  dispose(): void;
}

/**
 * Quantises a block and puts it into memory.
 * @throws FewfireError `invalid-data` for weights or sample inputs that are not finite, or sizes that do not fit,
 *   `memory-budget` beyond `memoryLimitBytes` or the 4 GiB of WebAssembly, `invalid-argument` for options out of range
 * @example
 * ```ts
 * import { layerFromNetwork, parityNetwork, prepareSparseMlp } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const mlp = await prepareSparseMlp(layerFromNetwork(network));
 * console.log(mlp.forward(Float32Array.of(1, 1, 1)), mlp.activeUnits()); // Float32Array(1) [ 1 ] Uint32Array(1) [ 0 ]
 * mlp.dispose();
 * ```
 */
export async function prepareSparseMlp(block: ReluLayer, options: SparseMlpOptions = {}): Promise<SparseMlp> {
  checkRunOptions('prepareSparseMlp', options, { ...SPARSE_RUN_CHECKS, sampleInputs: 'object' });
  checkBlock(block);
  const { sampleInputs } = options;
  if (sampleInputs !== undefined) checkInputs(sampleInputs, block.inputWidth, 'sample inputs');
  throwIfAborted(options.signal);
  const rows = quantiseRows(block.up, block.inputWidth, block.unitCount);
  // Refused before a fit of seconds, if it has to be.
  checkedMemory(block, undefined, options);
  if (sampleInputs === undefined) return buildSparseMlp(block, { rows, projection: undefined }, options);
  const screen = boundRows(rows, block.up, block.upBias, block.inputWidth);
  const projection = await fitProjection(block, screen, sampleInputs, options);
  const isAffordable = memoryOf(block, projection, options) <= memoryLimit(options);
  return buildSparseMlp(block, { rows, projection: isAffordable ? projection : undefined }, options);
}

/** The same with screens that are there already. The block is checked. */
export async function buildSparseMlp(
  block: ReluLayer,
  screens: PreparedScreens,
  options: SparseMlpRunOptions,
): Promise<SparseMlp> {
  const memoryBytes = checkedMemory(block, screens.projection, options);
  const { screen, projection } = boundScreens(block, screens);
  throwIfAborted(options.signal);
  const kernel = await createMlpKernel(block, screen, {
    threads: options.threads ?? 1,
    inputCapacity: options.inputCapacity ?? INPUT_CAPACITY,
    variant: options.variant,
    projection,
  });
  return wrap(block, screens, kernel, memoryBytes, options.path ?? 'auto');
}

/** @throws FewfireError `model-file` for a projection from which nothing follows */
export function boundScreens(
  { name, inputWidth, up, upBias }: ReluLayer,
  { rows, projection }: PreparedScreens,
): { readonly screen: MlpScreen; readonly projection: ProjectionScreen | undefined } {
  const bounded = projection && boundProjection(projection, up, inputWidth);
  if (projection !== undefined && bounded === undefined) {
    throw new FewfireError(
      'model-file',
      `${name}: nothing follows from its projection: the rows are not nearly orthonormal, or too large; prepare the block again`,
    );
  }
  return { screen: boundRows(rows, up, upBias, inputWidth), projection: bounded };
}

function memoryOf(
  { inputWidth, unitCount, outputWidth, linear }: ReluLayer,
  projection: MlpProjection | undefined,
  { inputCapacity = INPUT_CAPACITY, threads = 1 }: SparseMlpRunOptions,
): number {
  const shape = { inputWidth, unitCount, outputWidth, isGated: linear !== undefined };
  return mlpKernelBytes(shape, { inputCapacity, threads, projection });
}

function memoryLimit({ memoryLimitBytes = Infinity }: SparseMlpRunOptions): number {
  return Math.min(memoryLimitBytes, 2 ** 32);
}

function checkedMemory(block: ReluLayer, projection: MlpProjection | undefined, options: SparseMlpRunOptions): number {
  const { inputCapacity = INPUT_CAPACITY, threads = 1 } = options;
  for (const [what, count] of Object.entries({ inputCapacity, threads })) {
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new FewfireError('invalid-argument', `${what} is ${count}; expected a whole number from 1`);
    }
  }
  const memoryBytes = memoryOf(block, projection, options);
  const limit = memoryLimit(options);
  if (memoryBytes > limit) {
    throw new FewfireError(
      'memory-budget',
      `${block.name} needs ${memoryBytes.toLocaleString('en-US')} bytes, ${limit.toLocaleString('en-US')} are allowed; allow more memory (at most 4 GiB), or lower inputCapacity`,
    );
  }
  return memoryBytes;
}

function wrap(
  block: ReluLayer,
  screens: PreparedScreens,
  kernel: MlpKernel,
  memoryBytes: number,
  path: MlpPath,
): SparseMlp {
  const { inputWidth, unitCount, outputWidth } = block;
  const chooser = createMethodChooser();
  const { projection } = screens;
  const zero = {
    inputs: 0,
    denseInputs: 0,
    units: 0,
    evaluated: 0,
    active: 0,
    projected: projection === undefined ? null : 0,
  };
  let totals = { ...zero };
  let isDisposed = false;
  let hasRun = false;

  const run = (way: MlpPath, inputs: Float32Array, first: number, count: number, out: Float32Array): void => {
    const method = way === 'auto' ? chooser.next(count) : way;
    kernel.run(method, inputs, first * inputWidth, count, out, first * outputWidth);
    let evaluated = 0;
    let active = 0;
    let projected = 0;
    for (let i = 0; i < count; i++) {
      evaluated += kernel.evaluatedCount(i);
      active += kernel.activeCount(i);
      projected += kernel.projectedCount(i);
    }
    totals.inputs += count;
    totals.units += count * unitCount;
    totals.evaluated += evaluated;
    totals.active += active;
    if (totals.projected !== null && method === 'sparse') totals.projected += projected;
    if (method === 'dense') totals.denseInputs += count;
    else chooser.learn({ evaluated: evaluated / (count * unitCount), active: active / (count * unitCount) });
  };
  const forward = (
    way: MlpPath,
    inputs: Float32Array,
    rowCount: number,
    out: Float32Array = new Float32Array(rowCount * outputWidth),
  ): Float32Array => {
    if (isDisposed) throw new FewfireError('invalid-argument', `${block.name} has been disposed of; prepare it again`);
    checkLength('inputs', inputs, rowCount * inputWidth);
    checkLength('out', out, rowCount * outputWidth);
    for (let row = 0; row < rowCount; row += kernel.inputCapacity) {
      run(way, inputs, row, Math.min(kernel.inputCapacity, rowCount - row), out);
    }
    hasRun = rowCount === 1;
    return out;
  };
  const dispose = (): void => {
    isDisposed = true;
    kernel.dispose();
  };
  return {
    block,
    projection,
    threads: kernel.threads,
    memoryBytes,
    forward: (input, out) => forward(path, input, 1, out),
    forwardDense: (input, out) => forward('dense', input, 1, out),
    forwardBatch(inputs, rowCount, out) {
      if (!Number.isSafeInteger(rowCount) || rowCount < 0) {
        throw new FewfireError('invalid-argument', `rowCount is ${rowCount}; expected a whole number from 0`);
      }
      return forward(path, inputs, rowCount, out);
    },
    activeUnits() {
      if (!hasRun) {
        throw new FewfireError(
          'invalid-argument',
          'no single input has been run last; call forward with one input first',
        );
      }
      return kernel.activeUnits(0);
    },
    counters: () => ({ ...totals }),
    resetCounters(): void {
      totals = { ...zero };
    },
    serialize: () => serializeMlp(block, screens),
    dispose,
    [Symbol.dispose]: dispose,
  };
}

function checkLength(what: string, values: Float32Array, length: number): void {
  if (values instanceof Float32Array && values.length === length) return;
  throw new FewfireError(
    'invalid-argument',
    `${what} has ${values?.length} numbers; expected a Float32Array of exactly ${length}`,
  );
}

/**
 * The activity of the blocks of an ONNX model on real inputs: the model runs in batches, the inputs, activations and
 * outputs of its blocks are taken out of the graph, counted at once and let go. What is kept is a number of input rows
 * for timing, drawn evenly from all.
 */
import {
  type ActivityCounter,
  type BlockActivity,
  blockOutputs,
  createActivityCounter,
  createReservoir,
  FewfireError,
  type FoundBlock,
  type MlpBlock,
  type OnnxModel,
  type RowReservoir,
  type RunOptions,
} from '@fewfire/core';
import { type BatchPlan, planBatches } from './model-inputs.ts';
import type { NumberArray } from './number-array.ts';
import { type CapturedValue, type OnnxRunner, openOnnxRunner, withOutputs } from './onnx-runner.ts';

export interface OnnxActivityOptions extends RunOptions {
  readonly label?: string;
  /** How many of the largest activations to keep for each unit. Default 0. */
  readonly topCount?: number;
  /** Input rows to keep for timing. Default 512. */
  readonly keptRowCount?: number;
  /** Use at most so many of the given samples, the first ones. */
  readonly maxSampleCount?: number | undefined;
}

export interface ObservedBlock {
  readonly found: FoundBlock;
  readonly activity: BlockActivity;
  /** Rows of the block's inputs, `keptRowCount` at most. */
  readonly rows: Float32Array;
  /** The block with its weights; undefined where it cannot be run. */
  readonly block: MlpBlock | undefined;
  /** Why not. */
  readonly notLoaded: string | undefined;
}

export interface OnnxActivity {
  readonly sampleCount: number;
  readonly blocks: readonly ObservedBlock[];
  readonly notes: readonly string[];
}

/** Captured numbers of one batch take at most about this. */
const BATCH_BYTES = 2 ** 26;
const MAX_BATCH = 64;
/** Rows on which a block as read is compared with the model. */
const CHECKED_ROWS = 8;

/**
 * Runs the model and watches its blocks.
 * @param inputs arrays by name; one array alone serves the only input whatever its name
 * @throws FewfireError `unsupported`, `model-file`, `invalid-data` as `openOnnxRunner` and `planBatches`; `memory-budget`
 *   when one sample alone makes more numbers than are allowed
 */
export async function observeOnnxBlocks(
  bytes: Uint8Array,
  model: OnnxModel,
  blocks: readonly FoundBlock[],
  inputs: ReadonlyMap<string, NumberArray>,
  options: OnnxActivityOptions = {},
): Promise<OnnxActivity> {
  const { label = 'the ONNX model', signal } = options;
  const wanted = [...new Set(blocks.flatMap((block) => [block.inputValue, block.activationValue, block.outputValue]))];
  const present = new Set([...model.graph.outputs, ...model.graph.inputs].map(({ name }) => name));
  options.onProgress?.({ phase: 'loading the model', done: 0, total: 0, unit: 'steps' });
  const runner = await openOnnxRunner(
    withOutputs(
      bytes,
      wanted.filter((name) => !present.has(name)),
    ),
    wanted,
    { signal, label },
  );
  try {
    return await observe(runner, blocks, planBatches(runner.inputs, inputs, label), { ...options, label });
  } finally {
    runner.close();
  }
}

interface Watch {
  readonly found: FoundBlock;
  readonly counter: ActivityCounter;
  readonly reservoir: RowReservoir;
  block: MlpBlock | undefined;
  notLoaded: string | undefined;
}

async function observe(
  runner: OnnxRunner,
  blocks: readonly FoundBlock[],
  plan: BatchPlan,
  options: OnnxActivityOptions & { readonly label: string },
): Promise<OnnxActivity> {
  const { label, topCount = 0, keptRowCount = 512, maxSampleCount = Number.POSITIVE_INFINITY, seed = 1 } = options;
  const limitBytes = options.memoryLimitBytes ?? 2 ** 31;
  const watches = blocks.map(
    (found, b): Watch => ({
      found,
      counter: createActivityCounter(found.unitCount, { topCount, label: `block ${JSON.stringify(found.name)}` }),
      reservoir: createReservoir(found.inputWidth, keptRowCount, seed + b),
      block: undefined,
      notLoaded: undefined,
    }),
  );
  const available = Math.min(plan.sampleCount, maxSampleCount);
  const step = plan.fixedBatch ?? 1;
  const sampleCount = available - (available % step);
  if (sampleCount === 0) {
    throw new FewfireError('invalid-data', `${label} takes ${step} samples at a time and got ${available}; give more`);
  }
  let batch = step;
  for (let done = 0; done < sampleCount; ) {
    const count = Math.min(batch, sampleCount - done);
    const values = await runner.run(plan.batch(done, count));
    for (const watch of watches) takeBatch(watch, values, done === 0, label);
    if (done === 0) {
      let capturedBytes = 0;
      for (const { numbers } of values.values()) capturedBytes += numbers.byteLength;
      // The runtime holds them too.
      if (2 * capturedBytes > limitBytes) {
        throw new FewfireError(
          'memory-budget',
          `one batch of ${label} makes ${capturedBytes.toLocaleString('en-US')} bytes of block values, twice that does not fit into ${limitBytes.toLocaleString('en-US')}; allow more memory`,
        );
      }
      const perSample = capturedBytes / count;
      const room = Math.min(BATCH_BYTES, limitBytes / 4);
      batch = plan.fixedBatch ?? Math.max(1, Math.min(MAX_BATCH, Math.floor(room / perSample)));
    }
    done += count;
    options.onProgress?.({ phase: 'running the model', done, total: sampleCount, unit: 'rows' });
  }
  const notes = [...plan.notes];
  if (sampleCount < available) {
    notes.push(`the model takes ${step} samples at a time: the last ${available - sampleCount} are left out`);
  }
  if (available < plan.sampleCount) {
    const used =
      available === 1
        ? `the first of ${plan.sampleCount} samples is`
        : `the first ${available} of ${plan.sampleCount} samples are`;
    notes.push(`${used} used`);
  }
  return {
    sampleCount,
    notes,
    blocks: watches.map(({ found, counter, reservoir, block, notLoaded }) => ({
      found,
      activity: counter.finish(),
      rows: reservoir.rows(),
      block,
      notLoaded,
    })),
  };
}

function takeBatch(watch: Watch, values: ReadonlyMap<string, CapturedValue>, first: boolean, label: string): void {
  const { found, counter, reservoir } = watch;
  const rowsOf = (name: string, width: number): Float32Array => {
    const { dims, numbers } = values.get(name) as CapturedValue;
    if (numbers.length % width === 0) return numbers;
    throw new FewfireError(
      'unsupported',
      `block ${JSON.stringify(found.name)} of ${label}: the value ${JSON.stringify(name)} has the shape [${dims.join(', ')}], expected rows of ${width} numbers`,
    );
  };
  const inputs = rowsOf(found.inputValue, found.inputWidth);
  const activations = rowsOf(found.activationValue, found.unitCount);
  counter.add(activations);
  reservoir.add(inputs);
  if (!first || !found.sparse) return;
  try {
    watch.block = found.load();
  } catch (error) {
    if (!(error instanceof FewfireError)) throw error;
    watch.notLoaded = error.message;
    return;
  }
  checkOutputs(watch.block, inputs, rowsOf(found.outputValue, found.outputWidth), label);
}

// The block as read from the graph, computed plainly, must give what the model gives: a check of the reading.
function checkOutputs(block: MlpBlock, inputs: Float32Array, outputs: Float32Array, label: string): void {
  const rowCount = Math.min(CHECKED_ROWS, inputs.length / block.inputWidth);
  const own = blockOutputs(block, inputs.subarray(0, rowCount * block.inputWidth));
  let size = 0;
  let error = 0;
  own.forEach((value, i) => {
    size = Math.max(size, Math.abs(outputs[i]));
    error = Math.max(error, Math.abs(value - outputs[i]));
  });
  // Half precision inside the model rounds to three digits.
  if (error <= 0.01 * size + 1e-6) return;
  throw new FewfireError(
    'unsupported',
    `block ${JSON.stringify(block.name)} of ${label} computes something else than it was read as (outputs differ by ${error.toPrecision(2)} of ${size.toPrecision(2)}); please report this model`,
  );
}

/**
 * The activity of the blocks of an ONNX model on real inputs: the model runs in batches, the inputs, activations and
 * outputs of its blocks are taken out of the graph, counted at once and let go. What is kept is a number of input rows
 * for timing, drawn evenly from all.
 *
 * Batches are for speed and must change nothing. Where samples turn out to depend on those run with them (row-check.ts),
 * all are one run, as the array was given: a sequence whose axis the file calls its rows, a batch that is normalised.
 */
import { FewfireError, type FoundBlock, type OnnxModel, type ReluLayer, type RunOptions } from '@fewfire/core';
import {
  type ActivityCounter,
  type BlockActivity,
  blockOutputs,
  createActivityCounter,
  createReservoir,
  exposeInnerValues,
  listNames,
  type NumberArray,
  type RowReservoir,
  withOutputs,
  type ZeroPlace,
} from '@fewfire/core/internal';
import { type CountedPlace, countZeros } from './count-zeros.ts';
import type { ExternalFile } from './external-data.ts';
import { type BatchPlan, planBatches } from './model-inputs.ts';
import { type CapturedValue, type OnnxRunner, openOnnxRunner } from './onnx-runner.ts';
import { bytesOf, checkRows, type RowCheck, type SampleDependence, type ValueRows, type Values } from './row-check.ts';

/** Options of `observeOnnxBlocks`. */
export interface OnnxActivityOptions extends RunOptions {
  readonly label?: string;
  /** How many of the largest activations to keep for each unit. Default 0. */
  readonly topCount?: number;
  /** Input rows to keep of every block for timing, as far as they fit into 256 MiB. Default 512. */
  readonly keptRowCount?: number;
  /** Use at most so many of the given samples, the first ones. */
  readonly maxSampleCount?: number | undefined;
  /** Samples run at once. Default: as many as is fast; all where they depend on each other. */
  readonly samplesPerRun?: number | undefined;
  /** Where to count zeros outside of recognised blocks. */
  readonly places?: readonly ZeroPlace[];
  /** The files that weights of the model are in. */
  readonly external?: readonly ExternalFile[];
}

/** A block with its activity on the inputs. */
export interface ObservedBlock {
  readonly found: FoundBlock;
  readonly activity: BlockActivity;
  /** Rows of the block's inputs, `keptRowCount` at most. */
  readonly rows: Float32Array;
  /** The block with its weights; undefined where it cannot be run. */
  readonly block: ReluLayer | undefined;
  /** Why not. */
  readonly notLoaded: string | undefined;
}

/** What running a model showed of its blocks. */
export interface OnnxActivity {
  readonly sampleCount: number;
  /** The most samples that were run at once. */
  readonly samplesPerRun: number;
  readonly dependence: SampleDependence;
  readonly blocks: readonly ObservedBlock[];
  readonly places: readonly CountedPlace[];
  readonly notes: readonly string[];
}

/** Captured numbers of one batch take at most about this. */
const BATCH_BYTES = 2 ** 26;
const MAX_BATCH = 64;
/** Of the rows kept, all blocks together. */
const KEPT_BYTES = 2 ** 28;
/** Where there is no block, the samples are compared at so many other places. */
const COMPARED_PLACES = 8;
/** Rows on which a block as read is compared with the model. */
const CHECKED_ROWS = 8;

/**
 * Runs the model and watches its blocks.
 * @param inputs arrays by name; one array alone serves the only input whatever its name
 * @throws FewfireError `unsupported`, `model-file`, `invalid-data` as `openOnnxRunner` and `planBatches`; `memory-budget`
 *   when one sample alone makes more numbers than are allowed
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { findMlpBlocks, readOnnxModel } from '@fewfire/core';
 * import { observeOnnxBlocks, readInputArrays } from '@fewfire/node';
 *
 * const bytes = await readFile('examples/charlm-relu.onnx');
 * const model = readOnnxModel(bytes, 'charlm-relu.onnx');
 * const { blocks } = findMlpBlocks(model);
 * const inputs = await readInputArrays('examples/charlm-relu-tokens.npy');
 * const { blocks: observed } = await observeOnnxBlocks(bytes, model, blocks.slice(0, 1), inputs);
 * console.log(observed[0].found.name, observed[0].activity.activationRate.toFixed(2)); // b.0 0.13
 * ```
 */
export async function observeOnnxBlocks(
  bytes: Uint8Array,
  model: OnnxModel,
  blocks: readonly FoundBlock[],
  inputs: ReadonlyMap<string, NumberArray>,
  options: OnnxActivityOptions = {},
): Promise<OnnxActivity> {
  const { label = 'the ONNX model', signal, places = [], external = [] } = options;
  const wanted = [...new Set(blocks.flatMap((block) => [block.inputValue, block.activationValue, block.outputValue]))];
  const channelFirst = new Set(
    blocks
      .filter((block) => block.channelFirst)
      .flatMap(({ inputValue, activationValue, outputValue }) => [inputValue, activationValue, outputValue]),
  );
  const exposed = exposeInnerValues(
    bytes,
    blocks.flatMap(({ innerValues }) => innerValues),
    label,
  );
  const present = new Set([...model.graph.outputs, ...model.graph.inputs].map(({ name }) => name));
  const open = async (names: readonly string[]): Promise<OnnxRunner> => {
    options.onProgress?.({ phase: 'loading the model', done: 0, total: 0, unit: 'steps' });
    const added = names.filter((name) => !present.has(name));
    const runner = await openOnnxRunner(withOutputs(exposed, added), names, { signal, label, external });
    return withChannelsLast(runner, channelFirst);
  };
  const placeValues = places.map(({ value }) => value);
  const seen = await using(await open(blocks.length > 0 ? wanted : placeValues), (runner) =>
    observe(runner, blocks, planBatches(runner.inputs, inputs, label), { ...options, label }),
  );
  if (places.length === 0) return { ...seen, places: [] };
  // A model of its own, because every value that is kept takes memory in every run.
  const counted = await using(await open(placeValues), (runner) =>
    countZeros(
      {
        runner,
        plan: planBatches(runner.inputs, inputs, label),
        places,
        sampleCount: seen.sampleCount,
        samplesPerRun: seen.samplesPerRun,
        independent: seen.dependence.samples === 'independent',
        limitBytes: options.memoryLimitBytes ?? 2 ** 31,
      },
      options,
    ),
  );
  return { ...seen, places: counted };
}

/** Behind the name of a value whose channels were put last. */
const CHANNELS_LAST = ' with channels last';

// The value of a block whose rows are those of its inputs, units or outputs.
function rowsOf({ channelFirst }: FoundBlock, value: string): string {
  return channelFirst ? value + CHANNELS_LAST : value;
}

// Gives values that have channels on axis 1 once more, with channels last: then they have rows as all others do.
function withChannelsLast(runner: OnnxRunner, names: ReadonlySet<string>): OnnxRunner {
  if (names.size === 0) return runner;
  return {
    ...runner,
    async run(feeds, some) {
      const values = new Map(await runner.run(feeds, some));
      for (const name of names) {
        const value = values.get(name);
        if (value !== undefined) values.set(name + CHANNELS_LAST, channelsLast(value));
      }
      return values;
    },
  };
}

function channelsLast({ type, dims, numbers }: CapturedValue): CapturedValue {
  const [sampleCount, channelCount = 1, ...pixels] = dims;
  const pixelCount = pixels.reduce((product, size) => product * size, 1);
  const sorted = new Float32Array(numbers.length);
  for (let sample = 0, to = 0; sample < sampleCount; sample++) {
    const start = sample * channelCount * pixelCount;
    for (let pixel = 0; pixel < pixelCount; pixel++) {
      for (let c = 0; c < channelCount; c++) sorted[to++] = numbers[start + c * pixelCount + pixel];
    }
  }
  return { type, dims: [sampleCount, ...pixels, channelCount], numbers: sorted };
}

async function using<T>(runner: OnnxRunner, use: (runner: OnnxRunner) => Promise<T>): Promise<T> {
  try {
    return await use(runner);
  } finally {
    runner.close();
  }
}

interface Watch {
  readonly found: FoundBlock;
  readonly counter: ActivityCounter;
  readonly reservoir: RowReservoir;
  block: ReluLayer | undefined;
  notLoaded: string | undefined;
  /** Whether it has seen a row. */
  reached: boolean;
}

interface Observation {
  readonly runner: OnnxRunner;
  readonly blocks: readonly FoundBlock[];
  readonly plan: BatchPlan;
  readonly sampleCount: number;
  readonly limitBytes: number;
  readonly options: OnnxActivityOptions & { readonly label: string };
}

async function observe(
  runner: OnnxRunner,
  blocks: readonly FoundBlock[],
  plan: BatchPlan,
  options: OnnxActivityOptions & { readonly label: string },
): Promise<Omit<OnnxActivity, 'places'>> {
  const { label, maxSampleCount = Number.POSITIVE_INFINITY } = options;
  const limitBytes = options.memoryLimitBytes ?? 2 ** 31;
  const available = Math.min(plan.sampleCount, maxSampleCount);
  const step = plan.fixedBatch ?? 1;
  const sampleCount = available - (available % step);
  if (sampleCount === 0) {
    throw new FewfireError('invalid-data', `${label} takes ${step} samples at a time and got ${available}; give more`);
  }
  const observation: Observation = { runner, blocks, plan, sampleCount, limitBytes, options };
  const rows = new Map<string, ValueRows>();
  for (const block of blocks) {
    const where = `block ${JSON.stringify(block.name)}`;
    if (block.reach === 'both-layers') {
      rows.set(rowsOf(block, block.inputValue), { width: block.inputWidth, where });
      rows.set(rowsOf(block, block.outputValue), { width: block.outputWidth, where });
    }
    rows.set(rowsOf(block, block.activationValue), { width: block.unitCount, where });
  }
  if (blocks.length === 0) {
    for (const { value, name } of (options.places ?? []).slice(0, COMPARED_PLACES)) {
      rows.set(value, { width: undefined, where: JSON.stringify(name) });
    }
  }
  const check = await checkRows(
    { runner, plan, sampleCount, rows, floatsOnly: blocks.length === 0, limitBytes },
    options,
  );
  let { dependence } = check;
  let samplesPerRun = samplesPerRunOf(observation, check, dependence);
  let watches = await watch(observation, check, samplesPerRun);
  if ('differs' in watches) {
    // A run of the real size shows what the small one did not.
    dependence = { samples: 'dependent', reason: watches.differs };
    samplesPerRun = samplesPerRunOf(observation, check, dependence);
    watches = await watch(observation, { ...check, dependence, compare: () => null }, samplesPerRun);
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
  const idle = (watches as readonly Watch[]).filter(({ reached }) => !reached).map(({ found }) => found.name);
  if (idle.length > 0) {
    notes.push(
      `on these inputs the model takes no branch with the blocks ${listNames(idle, 6)}: nothing is said of them`,
    );
  }
  const reached = (watches as readonly Watch[]).filter((one) => one.reached);
  return {
    sampleCount,
    samplesPerRun,
    dependence,
    notes,
    blocks: reached.map(({ found, counter, reservoir, block, notLoaded }) => ({
      found,
      activity: counter.finish(),
      rows: reservoir.rows(),
      block,
      notLoaded,
    })),
  };
}

function samplesPerRunOf(
  { plan: { fixedBatch }, sampleCount, limitBytes, options }: Observation,
  { bytesPerSample, runsTogether }: RowCheck,
  { samples }: SampleDependence,
): number {
  const { samplesPerRun: wanted, label } = options;
  if (wanted !== undefined && fixedBatch !== undefined && wanted !== fixedBatch) {
    throw new FewfireError(
      'invalid-argument',
      `${label} takes ${fixedBatch} samples at a time, and ${wanted} were asked for; leave that out`,
    );
  }
  if (fixedBatch !== undefined) return fixedBatch;
  if (wanted !== undefined) return Math.min(wanted, sampleCount);
  if (samples === 'dependent') return sampleCount;
  if (bytesPerSample === undefined || !runsTogether) return 1;
  const room = Math.min(BATCH_BYTES, limitBytes / 4);
  return Math.max(1, Math.min(MAX_BATCH, sampleCount, Math.floor(room / bytesPerSample)));
}

async function watch(
  { runner, blocks, plan, sampleCount, limitBytes, options }: Observation,
  check: RowCheck,
  samplesPerRun: number,
): Promise<readonly Watch[] | { readonly differs: string }> {
  const { label, topCount = 0, keptRowCount = 512, seed = 1 } = options;
  const capacityOf = ({ inputWidth }: FoundBlock): number =>
    Math.max(1, Math.min(keptRowCount, Math.floor(KEPT_BYTES / blocks.length / (4 * inputWidth))));
  const watches = blocks.map(
    (found, b): Watch => ({
      found,
      counter: createActivityCounter(found.unitCount, { topCount, label: `block ${JSON.stringify(found.name)}` }),
      reservoir: createReservoir(found.inputWidth, capacityOf(found), seed + b),
      block: undefined,
      notLoaded: undefined,
      reached: false,
    }),
  );
  const checkMemory = (bytes: number): void => {
    // The runtime holds them too.
    if (2 * bytes <= limitBytes) return;
    const atOnce = check.dependence.samples === 'dependent' ? ' (its samples depend on each other)' : '';
    throw new FewfireError(
      'memory-budget',
      `${samplesPerRun} samples of ${label} run at once${atOnce} make ${Math.round(bytes).toLocaleString('en-US')} bytes of block values, twice that does not fit into ${limitBytes.toLocaleString('en-US')}; allow more memory`,
    );
  };
  checkMemory(samplesPerRun * (check.bytesPerSample ?? 0));
  for (let done = 0; done < sampleCount && blocks.length > 0; ) {
    const samples = Array.from({ length: Math.min(samplesPerRun, sampleCount - done) }, (_, i) => done + i);
    const values = await runner.run(plan.pick(samples));
    const differs = check.compare(values, samples);
    if (differs !== null) return { differs };
    if (done === 0) checkMemory(bytesOf(values));
    for (const one of watches) takeRun(one, values, samples.length, check, label);
    done += samples.length;
    options.onProgress?.({ phase: 'running the model', done, total: sampleCount, unit: 'rows' });
  }
  return watches;
}

function takeRun(watch: Watch, values: Values, sampleCount: number, check: RowCheck, label: string): void {
  const { found, counter, reservoir } = watch;
  const captured = (name: string): CapturedValue => values.get(rowsOf(found, name)) as CapturedValue;
  const checked = (name: string, width: number): Float32Array => {
    const { dims, numbers } = captured(name);
    if (numbers.length % width === 0) return numbers;
    throw new FewfireError(
      'unsupported',
      `block ${JSON.stringify(found.name)} of ${label}: the value ${JSON.stringify(name)} has the shape [${dims.join(', ')}], expected rows of ${width} numbers`,
    );
  };
  const inputs = checked(found.inputValue, found.inputWidth);
  // In a branch that was not taken there are no rows.
  if (checked(found.activationValue, found.unitCount).length === 0) return;
  // Rows are counted sample after sample, so that those a unit answers most can be told.
  const { activationValue } = found;
  counter.add(check.rowsBySample(rowsOf(found, activationValue), captured(activationValue), sampleCount));
  reservoir.add(inputs);
  const first = !watch.reached;
  watch.reached = true;
  if (!first || !found.sparse) return;
  try {
    watch.block = found.load();
  } catch (error) {
    if (!(error instanceof FewfireError)) throw error;
    watch.notLoaded = error.message;
    return;
  }
  checkOutputs(watch.block, found, inputs, checked(found.outputValue, found.outputWidth), label);
}

// The block as read from the graph, computed plainly, must give what the model gives: a check of the reading.
function checkOutputs(
  block: ReluLayer,
  { outputRectified }: FoundBlock,
  inputs: Float32Array,
  outputs: Float32Array,
  label: string,
): void {
  const rowCount = Math.min(CHECKED_ROWS, inputs.length / block.inputWidth);
  const own = blockOutputs(block, inputs.subarray(0, rowCount * block.inputWidth));
  let size = 0;
  let error = 0;
  own.forEach((sum, i) => {
    const value = outputRectified ? Math.max(sum, 0) : sum;
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

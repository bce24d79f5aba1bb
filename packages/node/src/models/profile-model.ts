/**
 * How sparse the feed-forward blocks of a trained model are on real inputs, and what that is worth: which units are active,
 * how fast the exact sparse way is, and a verdict. Whatever file the blocks come from, the same is said of them.
 */
import { FewfireError, type MlpActivation, type ReluLayer, type RunOptions } from '@fewfire/core';
import {
  activationTitle,
  type BlockActivity,
  type BlockTimings,
  type ChecksOf,
  checkRunOptions,
  createActivityCounter,
  createReservoir,
  createTurn,
  describeInexact,
  describeVerdict,
  describeZeros,
  externalLocations,
  FEW_ZEROS,
  findMlpBlocks,
  findZeroPlaces,
  gateActivations,
  listNames,
  type NumberArray,
  readOnnxModel,
  runOptionsOf,
  type StaticSparsity,
  staticSparsity,
  timeBlock,
  withExternalData,
} from '@fewfire/core/internal';
import { counted } from '@fewfire/core/words';
import { checkFileSize, readFileBytes } from '../files.ts';
import { TEXT_ENCODINGS } from '../tables/encoding.ts';
import type { OpenTableOptions } from '../tables/open-table.ts';
import type { CountedPlace } from './count-zeros.ts';
import { findExternalFiles, readExternalFiles } from './external-data.ts';
import { matchArrays, readInputArrays, unusedNote } from './model-inputs.ts';
import { arrayBytes, checkBytes, modelBytes, timedBytes, watchedBytes } from './profile-memory.ts';
import { type OnnxActivity, observeOnnxBlocks } from './profile-onnx.ts';
import { readSafetensors } from './read-safetensors.ts';
import { blockTensorNames, safetensorsBlocks } from './safetensors-blocks.ts';

/** Options of `profileModel`. */
export interface ProfileModelOptions extends RunOptions, Pick<OpenTableOptions, 'encoding' | 'delimiter'> {
  /**
   * A file with inputs of the model, samples along the first axis: .npy, .npz, .safetensors or a table, whose `encoding` and
   * `delimiter` may be said. An ONNX model needs one. A safetensors block takes rows of its own width, and may have them in
   * its own file: tensors `<block>.inputs` or `inputs`.
   */
  readonly inputs?: string | undefined;
  /** Of the blocks of a safetensors file, which does not say it. Default `relu`. */
  readonly activation?: MlpActivation | undefined;
  /** How many of the inputs that a unit answers most to keep, for each unit. Default 0. */
  readonly topCount?: number | undefined;
  /** Use at most so many samples of the inputs, the first ones. Default: all. */
  readonly maxSampleCount?: number | undefined;
  /** Samples that an ONNX model is run on at once. Default: as many as is fast, all where they depend on each other. */
  readonly samplesPerRun?: number | undefined;
  /** Told of the files beside an ONNX model that its weights are in, before they are read; what it throws ends the call. */
  readonly onWeightFiles?: ((paths: readonly string[]) => void | Promise<void>) | undefined;
}

const MOST_ROWS = 2 ** 31 - 1;

const CHECKS: ChecksOf<Omit<ProfileModelOptions, keyof RunOptions>> = {
  inputs: { kind: 'name', names: 'file' },
  activation: ['relu', 'squared-relu'],
  topCount: { kind: 'whole', least: 0, most: 1000, default: 0 },
  maxSampleCount: { kind: 'whole', least: 1, most: MOST_ROWS, default: MOST_ROWS },
  // Left out it is not so many: what is fast is found for each model.
  samplesPerRun: { kind: 'whole', least: 1, most: MOST_ROWS, default: MOST_ROWS },
  onWeightFiles: 'function',
  encoding: TEXT_ENCODINGS,
  delimiter: 'string',
};

const DEFAULT_MEMORY_BYTES = 2 ** 31;

/** Options with what is used where they are left out. */
interface Job extends ProfileModelOptions {
  readonly activation: MlpActivation;
  readonly topCount: number;
  readonly seed: number;
  readonly memoryLimitBytes: number;
}

/** One block: a linear layer, an activation and a linear layer. */
export interface ProfiledBlock {
  /** As the file calls it, or as its layers are called. */
  readonly name: string;
  /** For example `relu`, `squared-relu`, `gated-relu`, `gelu`. */
  readonly activation: string;
  /** The activation in words. */
  readonly form: string;
  /** A recognised ReLU, or a form in which zeros were counted in more than a few places. */
  readonly sparse: boolean;
  /** Whether the block is of a form that can be run. */
  readonly supported: boolean;
  /** The largest share of zeros counted inside the block; for ReLU, of units that are off. */
  readonly zeroShare: number;
  /** What could leave units out: both layers, or only the one behind the activation. */
  readonly reach: 'both-layers' | 'second-layer';
  /** Numbers of an input row, hidden units, and numbers of an output row. */
  readonly inputWidth: number;
  readonly unitCount: number;
  readonly outputWidth: number;
  /**
   * Which units were active, and how often: counted on these inputs, exact for them. Among others `activationRate`, the
   * mean share of units active on a row, `unitRates`, the share of rows on which each unit is, and `deadUnits`.
   */
  readonly activity: BlockActivity;
  /** `weightCount`, and shares of weights that are 0 or nearly; null where the weights could not be read as a block. */
  readonly staticSparsity: StaticSparsity | null;
  /** `denseUs` and `exactUs`, microseconds for a row on one thread of this machine, and more; null where not run. */
  readonly timings: BlockTimings | null;
  /** The speed that is not exact with what it misses, in words; null without one. */
  readonly inexactText: string | null;
  /** What to do with the block, a sentence. */
  readonly verdict: string;
}

/** Shares and counts are of the inputs given; times are of this machine and moment, and nothing else here depends on those. */
export interface ModelProfile {
  /** Samples of the inputs that were used. */
  readonly sampleCount: number;
  /** Rows that the blocks saw; the most, where they differ. */
  readonly inputRowCount: number;
  /** The most rows that a model was run on at once; null where no model is run. */
  readonly samplesPerRun: number | null;
  /** Whether rows change what the model makes of those that are run with them; null where that is not known. */
  readonly rowsDepend: boolean | null;
  readonly blocks: readonly ProfiledBlock[];
  /** Zeros counted where no block was recognised. */
  readonly places: readonly ProfiledPlace[];
  /** What is to be known beside the numbers; options stand in it between back-quotes. */
  readonly notes: readonly string[];
}

/** A place of the graph where zeros were counted. */
export interface ProfiledPlace {
  readonly name: string;
  /** Its operators in words. */
  readonly form: string;
  /** The operators that read it. */
  readonly readBy: readonly string[];
  /** null where it could not be counted. */
  readonly zeroShare: number | null;
  /** Rows of the inputs that it was counted on. */
  readonly sampleCount: number;
  /** Whether more than a few of its values are zero. */
  readonly sparse: boolean;
  /** Its form with the share of zeros, or why they were not counted. */
  readonly verdict: string;
}

/** Rows kept of every block for timing and calibrating: so many let a calibration state a missed mass of 1 %. */
const KEPT_ROWS = 2048;
/** Rows of a safetensors block that are counted between two looks at the clock. */
const CHUNK_ROWS = 32;

/**
 * Runs a model on inputs, watches its blocks and times them.
 *
 * An ONNX model (`.onnx`, weights in it or in files beside it) is run by onnxruntime-web; blocks are found in its graph. The
 * weights of blocks in a `.safetensors` file are run by fewfire. `seed` draws the rows that are timed.
 *
 * @param options.memoryLimitBytes what all of it may take, predicted before it is had; the default is 2 GiB
 * @throws FewfireError `invalid-argument` for a wrong option, or an ONNX model without `inputs`; `file-not-found`,
 *   `file-unreadable`, `model-file` for files that are not there or not what they are called; `unsupported` for other files,
 *   a model without blocks or operators that cannot be run; `invalid-data` for inputs that do not fit the model;
 *   `missing-values` for empty cells of a table; `memory-budget`; the signal's reason when aborted
 * @example
 * ```ts
 * import { profileModel } from '@fewfire/node';
 *
 * const { blocks, sampleCount } = await profileModel('examples/relu-mlp.safetensors', { maxSampleCount: 64 });
 * console.log(sampleCount, blocks[0].unitCount, blocks[0].activity.activationRate.toFixed(2)); // 64 1024 0.07
 * ```
 */
export async function profileModel(path: string, options: ProfileModelOptions = {}): Promise<ModelProfile> {
  checkRunOptions('profileModel', options, CHECKS);
  const { activation = 'relu', topCount = 0, seed = 1, memoryLimitBytes = DEFAULT_MEMORY_BYTES } = options;
  const job: Job = { ...options, activation, topCount, seed, memoryLimitBytes };
  if (/\.safetensors$/i.test(path)) return await profileTensors(path, job);
  if (/\.onnx$/i.test(path)) return await profileOnnx(path, job);
  throw new FewfireError('unsupported', `${path} does not end in .onnx or .safetensors; expected one of these models`);
}

/** What timing a block takes: the seed is of its rows, what is fitted to them has its own. */
function timingOptions({ signal, onProgress, threads }: Job, memoryLimitBytes: number): RunOptions {
  return { signal, onProgress, threads, memoryLimitBytes };
}

/** What reading inputs takes. */
function readingOptions(job: Job, memoryLimitBytes: number): OpenTableOptions {
  const { encoding, delimiter } = job;
  return { ...runOptionsOf(job), memoryLimitBytes, encoding, delimiter };
}

async function profileOnnx(path: string, job: Job): Promise<ModelProfile> {
  const { inputs: inputsPath, topCount, maxSampleCount, samplesPerRun, signal, memoryLimitBytes } = job;
  if (inputsPath === undefined) {
    throw new FewfireError(
      'invalid-argument',
      "`inputs` is missing; for example `inputs: 'inputs.npy'`: the activity of a model is measured on real inputs",
    );
  }
  const fileBytes = await checkFileSize(path, { memoryLimitBytes: Number.POSITIVE_INFINITY });
  checkBytes(modelBytes(fileBytes), memoryLimitBytes, `running ${path}`);
  const bytes = await readFileBytes(path, { signal, memoryLimitBytes, copies: 1 });
  const graphOnly = readOnnxModel(bytes, path);
  const beside = await findExternalFiles(path, externalLocations(graphOnly, path));
  if (beside.length > 0) await job.onWeightFiles?.(beside.map((file) => file.path));
  const weightBytes = beside.reduce((sum, { byteCount }) => sum + byteCount, bytes.length);
  const running = modelBytes(weightBytes);
  checkBytes(running, memoryLimitBytes, `running ${path}`);
  const external = await readExternalFiles(beside, { signal, memoryLimitBytes });
  const model = withExternalData(graphOnly, new Map(external.map((file) => [file.location, file.bytes])), path);
  const { blocks, notes } = findMlpBlocks(model);
  const { places, leftOut } = findZeroPlaces(model, blocks);
  if (blocks.length === 0 && places.length === 0) {
    throw new FewfireError(
      'unsupported',
      `in ${path} no block of linear layer, activation and linear layer with constant weights was found${notes.map((note) => `; ${note}`).join('')}`,
    );
  }
  const watched = watchedBytes(blocks, { topCount, keptRowCount: KEPT_ROWS });
  // The runtime is gone when blocks are timed.
  const most = watched + Math.max(running, weightBytes + timedBytes(blocks));
  checkBytes(most, memoryLimitBytes, `profiling ${counted(blocks.length, 'block')} of ${path}`);
  const initialized = new Set(model.graph.initializers.map(({ name }) => name));
  const inputNames = model.graph.inputs.map(({ name }) => name).filter((name) => !initialized.has(name));
  let unused: readonly string[] = [];
  const choose = (names: readonly string[]): readonly string[] => {
    const match = matchArrays(inputNames, names, path);
    unused = match.unused;
    return [...match.taken.values()];
  };
  const inputs = await readInputArrays(inputsPath, { ...readingOptions(job, memoryLimitBytes - most), choose });
  const left = memoryLimitBytes - watched - arrayBytes(inputs);
  const timing = timingOptions(job, left - weightBytes);
  const seen = await observeOnnxBlocks(bytes, model, blocks, inputs, {
    ...runOptionsOf(job),
    memoryLimitBytes: left - running,
    label: path,
    topCount,
    maxSampleCount,
    samplesPerRun,
    places,
    external,
    keptRowCount: KEPT_ROWS,
  });
  const profiled: ProfiledBlock[] = [];
  for (const { found, activity, rows, block, notLoaded } of seen.blocks) {
    const inside = seen.places.flatMap((place) => (place.block === found.name ? [place.zeroShare ?? 0] : []));
    const zeroShare = Math.max(1 - activity.activationRate, ...inside);
    profiled.push(await judge({ ...found, zeroShare }, activity, block, rows, notLoaded, timing));
  }
  const others = seen.places.filter((place) => place.block === undefined);
  return {
    sampleCount: seen.sampleCount,
    inputRowCount: Math.max(seen.sampleCount, ...profiled.map(({ activity }) => activity.rowCount)),
    samplesPerRun: seen.samplesPerRun,
    rowsDepend: seen.dependence.samples === 'not known' ? null : seen.dependence.samples === 'dependent',
    blocks: profiled,
    places: others.map(judgePlace),
    notes: [
      ...dependenceNotes(seen, samplesPerRun),
      ...notes,
      ...foldedNotes(seen),
      ...unusedNote(unused),
      ...(leftOut > 0 ? [`zeros were not counted at ${leftOut} more places`] : []),
      ...seen.notes,
    ],
  };
}

function judgePlace({ name, form, readBy, zeroShare, sampleCount, reason }: CountedPlace): ProfiledPlace {
  // The layer behind belongs to what is not supported: the same ReLU before a MatMul would be a block.
  const read = readBy.length === 0 ? form : `${form} before ${readBy.join(', ')}`;
  const verdict = zeroShare === null ? `${read}: zeros not counted: ${reason}` : describeZeros(read, zeroShare);
  return { name, form, readBy, zeroShare, sampleCount, sparse: (zeroShare ?? 0) >= FEW_ZEROS, verdict };
}

// Activity is the model's own; what is timed are weights that were multiplied once more.
function foldedNotes({ blocks }: OnnxActivity): readonly string[] {
  const folded = blocks.filter(({ found, block }) => block !== undefined && found.folded.length > 0);
  if (folded.length === 0) return [];
  const operators = [...new Set(folded.flatMap(({ found }) => found.folded))].join(', ');
  const names = listNames(
    folded.map(({ found }) => found.name),
    6,
  );
  return [
    `${operators} is multiplied into the weights of ${names}, which rounds these once more to single precision: what is timed agrees with the model up to that; what is active was counted in the model itself`,
  ];
}

function dependenceNotes(
  { sampleCount, samplesPerRun, dependence }: OnnxActivity,
  wanted: number | undefined,
): readonly string[] {
  const { samples, reason } = dependence;
  if (sampleCount === 1 || samples === 'independent') return [];
  const atOnce = samplesPerRun === 1 ? 'one row at a time' : `${samplesPerRun} rows at a time`;
  if (samples === 'not known') {
    return samplesPerRun === 1 && wanted === undefined
      ? []
      : [`whether rows depend on each other is not known: ${reason}; run ${atOnce}`];
  }
  if (samplesPerRun < sampleCount) return [`rows depend on each other: ${reason}; run ${atOnce}`];
  return [
    `rows depend on each other: ${reason}. All ${sampleCount} were run as one input of the model, as the file has them; if they are inputs of their own, give \`samplesPerRun: 1\``,
  ];
}

async function profileTensors(path: string, job: Job): Promise<ModelProfile> {
  const { inputs: inputsPath, topCount, maxSampleCount, seed, signal, memoryLimitBytes } = job;
  const choose = (names: readonly string[]): readonly string[] => {
    const weights = blockTensorNames(names, path);
    const isRows = (name: string): boolean =>
      name === 'inputs' || weights.some((weight) => weight.startsWith(`${name.replace(/\.inputs$/, '')}.`));
    return inputsPath === undefined ? [...weights, ...names.filter(isRows)] : weights;
  };
  const tensors = await readSafetensors(path, { signal, memoryLimitBytes, choose });
  const blocks = safetensorsBlocks(tensors, job.activation, path);
  // The weights are held as they were read, and those of the second layer as blocks have them.
  const most = arrayBytes(tensors) + watchedBytes(blocks, { topCount, keptRowCount: KEPT_ROWS }) + timedBytes(blocks);
  checkBytes(most, memoryLimitBytes, `profiling ${counted(blocks.length, 'block')} of ${path}`);
  const left = memoryLimitBytes - most;
  const rowArrays = new Set(blocks.flatMap(rowNames));
  const chooseRows = (names: readonly string[]): readonly string[] =>
    names.length === 1 ? names : names.filter((name) => rowArrays.has(name));
  const arrays =
    inputsPath === undefined
      ? tensors
      : await readInputArrays(inputsPath, { ...readingOptions(job, left), choose: chooseRows });
  const profiled: ProfiledBlock[] = [];
  const notes = [
    `the activation is taken to be ${job.activation}: a safetensors file does not say it (\`activation\`)`,
  ];
  let sampleCount = 0;
  const turn = createTurn(signal);
  const timing = timingOptions(job, memoryLimitBytes);
  for (const [b, block] of blocks.entries()) {
    const all = blockRows(block, arrays, inputsPath ?? path, inputsPath === undefined);
    const available = all.length / block.inputWidth;
    const rowCount = Math.min(available, maxSampleCount ?? available);
    if (rowCount < available) notes.push(`the first ${rowCount} of ${available} input rows are used`);
    sampleCount = Math.max(sampleCount, rowCount);
    const counter = createActivityCounter(block.unitCount, { topCount, label: `block ${JSON.stringify(block.name)}` });
    const reservoir = createReservoir(block.inputWidth, KEPT_ROWS, seed + b);
    for (let row = 0; row < rowCount; row += CHUNK_ROWS) {
      const rows = all.subarray(row * block.inputWidth, Math.min(rowCount, row + CHUNK_ROWS) * block.inputWidth);
      counter.add(gateActivations(block, rows));
      reservoir.add(rows);
      job.onProgress?.({ phase: `activity of ${block.name}`, done: row, total: rowCount, unit: 'rows' });
      await turn();
    }
    const gated = block.linear === undefined ? '' : 'gated-';
    const activation = `${gated}${block.activation}`;
    const activity = counter.finish();
    const zeroShare = 1 - activity.activationRate;
    const found = {
      ...block,
      activation,
      form: activationTitle(activation),
      sparse: true,
      reach: 'both-layers' as const,
      zeroShare,
    };
    profiled.push(await judge(found, activity, block, reservoir.rows(), undefined, timing));
  }
  return {
    sampleCount,
    inputRowCount: sampleCount,
    samplesPerRun: null,
    rowsDepend: false,
    blocks: profiled,
    places: [],
    notes,
  };
}

function rowNames({ name }: ReluLayer): readonly string[] {
  return [`${name}.inputs`, name, 'inputs'];
}

// The inputs of a block: an array of its name, one called inputs, or the only one.
function blockRows(
  block: ReluLayer,
  arrays: ReadonlyMap<string, NumberArray>,
  path: string,
  sameFile: boolean,
): Float32Array {
  const only = !sameFile && arrays.size === 1 ? [...arrays.values()][0] : undefined;
  const named = rowNames(block).find((name) => arrays.has(name));
  const array = named === undefined ? only : arrays.get(named);
  if (array === undefined) {
    throw new FewfireError(
      'invalid-data',
      `${path} has no inputs for block ${JSON.stringify(block.name)}: expected an array ${listNames([`${block.name}.inputs`, 'inputs'])}; name a file with \`inputs\``,
    );
  }
  const { shape, values } = array;
  if (shape.at(-1) !== block.inputWidth || values.length === 0) {
    throw new FewfireError(
      'invalid-data',
      `the inputs of block ${JSON.stringify(block.name)} in ${path} have the shape [${shape.join(', ')}]; expected rows of ${block.inputWidth} numbers`,
    );
  }
  if (values instanceof Float32Array) return values;
  return values instanceof BigInt64Array ? Float32Array.from(values, Number) : Float32Array.from(values);
}

type BlockShape = Omit<
  ProfiledBlock,
  'supported' | 'activity' | 'staticSparsity' | 'timings' | 'inexactText' | 'verdict'
>;

async function judge(
  { name, activation, form, sparse: recognised, zeroShare, reach, inputWidth, unitCount, outputWidth }: BlockShape,
  activity: BlockActivity,
  block: ReluLayer | undefined,
  rows: Float32Array,
  notTimed: string | undefined,
  timing: RunOptions,
): Promise<ProfiledBlock> {
  const timings = block === undefined ? null : await timeBlock(block, rows, timing);
  const sparse = recognised || zeroShare >= FEW_ZEROS;
  return {
    ...{ name, activation, form, sparse, supported: block !== undefined, zeroShare, reach },
    ...{ inputWidth, unitCount, outputWidth, activity, timings },
    staticSparsity: block === undefined ? null : staticSparsity(block),
    inexactText: timings?.inexact ? describeInexact(timings.inexact, timings.denseUs) : null,
    verdict: describeVerdict({ form, sparse: recognised, activity, zeroShare, timings, notTimed }),
  };
}

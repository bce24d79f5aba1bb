/** What `fewfire profile` measures, whatever file the blocks come from: text, JSON and the report are made of this. */
import { FewfireError, type MlpActivation, type Progress, type ReluLayer } from '@fewfire/core';
import {
  activationTitle,
  type BlockActivity,
  type BlockTimings,
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
  type StaticSparsity,
  staticSparsity,
  timeBlock,
  withExternalData,
} from '@fewfire/core/internal';
import { counted } from '@fewfire/core/words';
import { checkFileSize, readFileBytes } from '../files.ts';
import type { TextEncoding } from '../tables/encoding.ts';
import type { CountedPlace } from './count-zeros.ts';
import { findExternalFiles, readExternalFiles } from './external-data.ts';
import { matchArrays, readInputArrays, unusedNote } from './model-inputs.ts';
import { arrayBytes, checkBytes, modelBytes, timedBytes, watchedBytes } from './profile-memory.ts';
import { type OnnxActivity, observeOnnxBlocks } from './profile-onnx.ts';
import { readSafetensors } from './read-safetensors.ts';
import { blockTensorNames, safetensorsBlocks } from './safetensors-blocks.ts';

interface Work {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  readonly threads: number;
  readonly memoryLimitBytes: number;
}

interface Reading extends Work {
  readonly files: { addInputs(label: string, paths: readonly string[]): Promise<void> };
  readonly encoding?: TextEncoding | undefined;
  readonly delimiter?: string | undefined;
}

export interface ProfileTask {
  readonly path: string;
  /** Undefined for a safetensors file that brings its inputs along. */
  readonly inputsPath: string | undefined;
  /** Of safetensors files, which do not say it. */
  readonly activation: MlpActivation;
  readonly topCount: number;
  readonly maxSampleCount: number | undefined;
  /** Rows of the inputs that a model is run on at once; undefined: as it sees fit. */
  readonly samplesPerRun: number | undefined;
  readonly seed: number;
}

export interface ProfiledBlock {
  readonly name: string;
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
  readonly inputWidth: number;
  readonly unitCount: number;
  readonly outputWidth: number;
  readonly activity: BlockActivity;
  /** null where the weights could not be read as a block. */
  readonly staticSparsity: StaticSparsity | null;
  readonly timings: BlockTimings | null;
  /** The speed that is not exact with what it misses, in words; null without one. */
  readonly inexactText: string | null;
  readonly verdict: string;
}

export interface Profile {
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
  readonly notes: readonly string[];
}

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
  readonly verdict: string;
}

/** Rows kept of every block for timing and calibrating: so many let a calibration state a missed mass of 1 %. */
const KEPT_ROWS = 2048;
/** Rows of a safetensors block that are counted between two looks at the clock. */
const CHUNK_ROWS = 32;

/** @throws FewfireError as the readers of `@fewfire/node` */
export async function profileModel(task: ProfileTask, work: Reading): Promise<Profile> {
  return isTensorModel(task.path) ? await profileTensors(task, work) : await profileOnnx(task, work);
}

export function isTensorModel(path: string): boolean {
  return /\.safetensors$/i.test(path);
}

async function profileOnnx(task: ProfileTask, work: Reading): Promise<Profile> {
  const { path, inputsPath, topCount, maxSampleCount, samplesPerRun, seed } = task;
  const { signal, memoryLimitBytes } = work;
  if (inputsPath === undefined) {
    throw new FewfireError(
      'invalid-argument',
      "`inputs` is missing; for example `inputs: 'inputs.npy'`: the activity of a model is measured on real inputs",
    );
  }
  const fileBytes = await checkFileSize(path, { memoryLimitBytes: Number.POSITIVE_INFINITY });
  await checkBytes(modelBytes(fileBytes), memoryLimitBytes, `running ${path}`);
  const bytes = await readFileBytes(path, { signal, memoryLimitBytes, copies: 1 });
  const graphOnly = readOnnxModel(bytes, path);
  const beside = await findExternalFiles(path, externalLocations(graphOnly, path));
  await work.files.addInputs(
    `the weights of ${path}`,
    beside.map((file) => file.path),
  );
  const weightBytes = beside.reduce((sum, { byteCount }) => sum + byteCount, bytes.length);
  const running = modelBytes(weightBytes);
  await checkBytes(running, memoryLimitBytes, `running ${path}`);
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
  await checkBytes(most, memoryLimitBytes, `profiling ${counted(blocks.length, 'block')} of ${path}`);
  const initialized = new Set(model.graph.initializers.map(({ name }) => name));
  const inputNames = model.graph.inputs.map(({ name }) => name).filter((name) => !initialized.has(name));
  let unused: readonly string[] = [];
  const choose = (names: readonly string[]): readonly string[] => {
    const match = matchArrays(inputNames, names, path);
    unused = match.unused;
    return [...match.taken.values()];
  };
  const inputs = await readInputArrays(inputsPath, { ...work, memoryLimitBytes: memoryLimitBytes - most, choose });
  const left = memoryLimitBytes - watched - arrayBytes(inputs);
  const timing = { ...work, memoryLimitBytes: left - weightBytes };
  const seen = await observeOnnxBlocks(bytes, model, blocks, inputs, {
    ...work,
    memoryLimitBytes: left - running,
    label: path,
    topCount,
    maxSampleCount,
    samplesPerRun,
    places,
    external,
    seed,
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
    places: await Promise.all(others.map(judgePlace)),
    notes: [
      ...dependenceNotes(seen, samplesPerRun),
      ...notes,
      ...(await foldedNotes(seen)),
      ...unusedNote(unused),
      ...(leftOut > 0 ? [`zeros were not counted at ${leftOut} more places`] : []),
      ...seen.notes,
    ],
  };
}

async function judgePlace({
  name,
  form,
  readBy,
  zeroShare,
  sampleCount,
  reason,
}: CountedPlace): Promise<ProfiledPlace> {
  // The layer behind belongs to what is not supported: the same ReLU before a MatMul would be a block.
  const read = readBy.length === 0 ? form : `${form} before ${readBy.join(', ')}`;
  const verdict = zeroShare === null ? `${read}: zeros not counted: ${reason}` : describeZeros(read, zeroShare);
  return { name, form, readBy, zeroShare, sampleCount, sparse: (zeroShare ?? 0) >= FEW_ZEROS, verdict };
}

// Activity is the model's own; what is timed are weights that were multiplied once more.
async function foldedNotes({ blocks }: OnnxActivity): Promise<readonly string[]> {
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

async function profileTensors(task: ProfileTask, work: Reading): Promise<Profile> {
  const { path, inputsPath, topCount, maxSampleCount, seed } = task;
  const { signal, memoryLimitBytes } = work;
  const choose = (names: readonly string[]): readonly string[] => {
    const weights = blockTensorNames(names, path);
    const isRows = (name: string): boolean =>
      name === 'inputs' || weights.some((weight) => weight.startsWith(`${name.replace(/\.inputs$/, '')}.`));
    return inputsPath === undefined ? [...weights, ...names.filter(isRows)] : weights;
  };
  const tensors = await readSafetensors(path, { signal, memoryLimitBytes, choose });
  const blocks = safetensorsBlocks(tensors, task.activation, path);
  // The weights are held as they were read, and those of the second layer as blocks have them.
  const most = arrayBytes(tensors) + watchedBytes(blocks, { topCount, keptRowCount: KEPT_ROWS }) + timedBytes(blocks);
  await checkBytes(most, memoryLimitBytes, `profiling ${counted(blocks.length, 'block')} of ${path}`);
  const left = memoryLimitBytes - most;
  const rowArrays = new Set(blocks.flatMap(rowNames));
  const chooseRows = (names: readonly string[]): readonly string[] =>
    names.length === 1 ? names : names.filter((name) => rowArrays.has(name));
  const arrays =
    inputsPath === undefined
      ? tensors
      : await readInputArrays(inputsPath, { ...work, memoryLimitBytes: left, choose: chooseRows });
  const profiled: ProfiledBlock[] = [];
  const notes = [
    `the activation is taken to be ${task.activation}: a safetensors file does not say it (\`activation\`)`,
  ];
  let sampleCount = 0;
  const turn = createTurn(signal);
  for (const [b, block] of blocks.entries()) {
    const all = await blockRows(block, arrays, inputsPath ?? path, inputsPath === undefined);
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
      work.onProgress({ phase: `activity of ${block.name}`, done: row, total: rowCount, unit: 'rows' });
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
    profiled.push(await judge(found, activity, block, reservoir.rows(), undefined, work));
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
async function blockRows(
  block: ReluLayer,
  arrays: ReadonlyMap<string, NumberArray>,
  path: string,
  sameFile: boolean,
): Promise<Float32Array> {
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
  work: Work,
): Promise<ProfiledBlock> {
  const timings = block === undefined ? null : await timeBlock(block, rows, work);
  const sparse = recognised || zeroShare >= FEW_ZEROS;
  return {
    ...{ name, activation, form, sparse, supported: block !== undefined, zeroShare, reach },
    ...{ inputWidth, unitCount, outputWidth, activity, timings },
    staticSparsity: block === undefined ? null : staticSparsity(block),
    inexactText: timings?.inexact ? describeInexact(timings.inexact, timings.denseUs) : null,
    verdict: describeVerdict({ form, sparse: recognised, activity, zeroShare, timings, notTimed }),
  };
}

/**
 * ReLU layers as trained models have them, for E8 and E9: y = down relu(up x + bias). One is the trained block in
 * data/, the others are made; all have as many outputs as inputs and no bias behind `down`. Plain TypeScript on purpose: the
 * loops are what the experiments talk about.
 */
import { fileURLToPath } from 'node:url';
import { createRandom, FewfireError, type ReluLayer, type RunOptions } from '@fewfire/core';
import { createTurn, normalQuantile, type RealRows } from '@fewfire/core/internal';
import { expectTensor, readSafetensors } from '@fewfire/node';

/**
 * The trained block's file (examples/README.md says what it is). It is packed with this package, so that experiments run where
 * there is no repository; a test sees that it is the one in examples/.
 */
const TRAINED_BLOCK_PATH: string = fileURLToPath(new URL('../data/relu-mlp.safetensors', import.meta.url));

/**
 * The trained block and the inputs held out with it.
 * @throws FewfireError `file-not-found` where the package is not whole, and as `readSafetensors`
 */
export async function loadTrainedBlock(
  options: RunOptions = {},
  path: string = TRAINED_BLOCK_PATH,
): Promise<{ readonly layer: ReluLayer; readonly inputs: RealRows }> {
  const tensors = await readSafetensors(path, { signal: options.signal }).catch((error: unknown) => {
    if (!(error instanceof FewfireError) || error.code !== 'file-not-found') throw error;
    throw new FewfireError(
      'file-not-found',
      `experiments E8 and E9 read the trained block ${path}, which is not there; it comes with @fewfire/paper, install that again`,
      { cause: error },
    );
  });
  const up = expectTensor(tensors, 'up.weight', [null, null], path);
  const [unitCount, inputWidth] = up.shape;
  const bias = expectTensor(tensors, 'up.bias', [unitCount], path);
  const down = expectTensor(tensors, 'down.weight', [inputWidth, unitCount], path);
  const inputs = expectTensor(tensors, 'inputs', [null, inputWidth], path);
  if (unitCount === 0 || inputWidth === 0 || inputs.shape[0] === 0) {
    throw new FewfireError('invalid-data', `${path} holds an empty layer or no inputs; expected at least one of each`);
  }
  const transposed = new Float32Array(unitCount * inputWidth);
  for (let i = 0; i < inputWidth; i++) {
    for (let j = 0; j < unitCount; j++) transposed[j * inputWidth + i] = down.values[i * unitCount + j];
  }
  return {
    layer: squareLayer('trained block', inputWidth, up.values, bias.values, transposed),
    inputs: { rowCount: inputs.shape[0], width: inputWidth, values: inputs.values },
  };
}

/** Normal weights of variance 1 / inputWidth and one bias: on normal inputs every unit is active on a share `firingRate`. */
export function dynamicLayer(options: {
  readonly name: string;
  readonly inputWidth: number;
  readonly unitCount: number;
  /** Above 0; 1 makes every unit active everywhere. */
  readonly firingRate: number;
  readonly seed: number;
}): ReluLayer {
  const { name, inputWidth, unitCount, firingRate } = options;
  const random = createRandom(options.seed);
  const weights = (): Float32Array =>
    Float32Array.from({ length: unitCount * inputWidth }, () => random.normal() / Math.sqrt(inputWidth));
  const up = weights();
  const upBias = new Float32Array(unitCount).fill(firingRate >= 1 ? 1e3 : normalQuantile(firingRate));
  return squareLayer(name, inputWidth, up, upBias, weights());
}

/** The same on average by deletion: a share `liveShare` of the units is active everywhere, the others nowhere. */
export function deadLayer(options: {
  readonly name: string;
  readonly inputWidth: number;
  readonly unitCount: number;
  readonly liveShare: number;
  readonly seed: number;
}): ReluLayer {
  const { unitCount, liveShare } = options;
  const layer = dynamicLayer({ ...options, firingRate: 0.5 });
  const live = Math.round(liveShare * unitCount);
  const order = createRandom(options.seed + 1).permutation(unitCount);
  const upBias = new Float32Array(unitCount).fill(-1e3);
  for (const j of order.subarray(0, live)) upBias[j] = 1e3;
  return { ...layer, upBias };
}

function squareLayer(
  name: string,
  inputWidth: number,
  up: Float32Array,
  upBias: Float32Array,
  down: Float32Array,
): ReluLayer {
  const outputWidth = inputWidth;
  const downBias = new Float32Array(outputWidth);
  return { name, inputWidth, unitCount: upBias.length, outputWidth, activation: 'relu', up, upBias, down, downBias };
}

export function normalInputs(inputWidth: number, rowCount: number, seed: number): RealRows {
  const random = createRandom(seed);
  const values = Float32Array.from({ length: inputWidth * rowCount }, () => random.normal());
  return { rowCount, width: inputWidth, values };
}

export function firstInputs(inputs: RealRows, rowCount: number): RealRows {
  const count = Math.min(rowCount, inputs.rowCount);
  return { ...inputs, rowCount: count, values: inputs.values.subarray(0, count * inputs.width) };
}

export interface LayerActivity {
  readonly rowCount: number;
  readonly unitCount: number;
  /** Active units of every input. */
  readonly rowCounts: Uint32Array;
  /** Inputs on which each unit is active. */
  readonly unitCounts: Uint32Array;
  /** The active units of all inputs, one list after the other, ascending. */
  readonly active: Uint32Array;
}

/** Which units are active on which inputs, with sums in double precision. */
export async function measureActivity(
  layer: ReluLayer,
  inputs: RealRows,
  options: RunOptions = {},
): Promise<LayerActivity> {
  const { inputWidth, unitCount } = layer;
  const rowCounts = new Uint32Array(inputs.rowCount);
  const unitCounts = new Uint32Array(unitCount);
  const active: number[] = [];
  const turn = createTurn(options.signal);
  for (let row = 0; row < inputs.rowCount; row++) {
    const wait = turn();
    if (wait !== undefined) await wait;
    const x = inputs.values.subarray(row * inputWidth, (row + 1) * inputWidth);
    for (let j = 0; j < unitCount; j++) {
      if (preactivation(layer, j, x) <= 0) continue;
      rowCounts[row]++;
      unitCounts[j]++;
      active.push(j);
    }
  }
  return { rowCount: inputs.rowCount, unitCount, rowCounts, unitCounts, active: Uint32Array.from(active) };
}

// Four sums, so that additions need not wait for each other.
function preactivation({ up, upBias, inputWidth }: ReluLayer, unit: number, x: Float32Array): number {
  const start = unit * inputWidth;
  const even = inputWidth & ~3;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let i = 0; i < even; i += 4) {
    a += up[start + i] * x[i];
    b += up[start + i + 1] * x[i + 1];
    c += up[start + i + 2] * x[i + 2];
    d += up[start + i + 3] * x[i + 3];
  }
  for (let i = even; i < inputWidth; i++) a += up[start + i] * x[i];
  return upBias[unit] + (a + b + (c + d));
}

/** What the loops write to, made once per layer. */
export interface LoopBuffers {
  /** y: `outputWidth` numbers. */
  readonly out: Float64Array;
  readonly units: Uint32Array;
  readonly values: Float64Array;
}

export function createLoopBuffers({ outputWidth, unitCount }: ReluLayer): LoopBuffers {
  return {
    out: new Float64Array(outputWidth),
    units: new Uint32Array(unitCount),
    values: new Float64Array(unitCount),
  };
}

// out = sum of value times output weights over the listed units, four rows at a time but each added in turn: leaving out
// units of value 0 changes no bit.
function addRows({ down, outputWidth }: ReluLayer, { out, units, values }: LoopBuffers, count: number): void {
  out.fill(0);
  let r = 0;
  for (; r + 4 <= count; r += 4) {
    const a = units[r] * outputWidth;
    const b = units[r + 1] * outputWidth;
    const c = units[r + 2] * outputWidth;
    const d = units[r + 3] * outputWidth;
    const u = values[r];
    const v = values[r + 1];
    const w = values[r + 2];
    const z = values[r + 3];
    for (let i = 0; i < outputWidth; i++) {
      out[i] = out[i] + u * down[a + i] + v * down[b + i] + w * down[c + i] + z * down[d + i];
    }
  }
  for (; r < count; r++) {
    const a = units[r] * outputWidth;
    const u = values[r];
    for (let i = 0; i < outputWidth; i++) out[i] += u * down[a + i];
  }
}

/** Every unit, active or not. All three loops add the same numbers in the same order, so their outputs are equal bit by bit. */
export function denseLoop(layer: ReluLayer, x: Float32Array, buffers: LoopBuffers): void {
  const { units, values } = buffers;
  for (let j = 0; j < layer.unitCount; j++) {
    units[j] = j;
    const value = preactivation(layer, j, x);
    values[j] = value > 0 ? value : 0;
  }
  addRows(layer, buffers, layer.unitCount);
}

/** Up for every unit, down for the active ones only: what can be done without knowing which will be active. */
export function skipInactiveLoop(layer: ReluLayer, x: Float32Array, buffers: LoopBuffers): void {
  const { units, values } = buffers;
  let count = 0;
  for (let j = 0; j < layer.unitCount; j++) {
    const value = preactivation(layer, j, x);
    if (value <= 0) continue;
    units[count] = j;
    values[count++] = value;
  }
  addRows(layer, buffers, count);
}

/** Up and down for the active units only, which somebody has told: the ceiling of every method. */
export function oracleLoop(layer: ReluLayer, x: Float32Array, active: Uint32Array, buffers: LoopBuffers): void {
  const { units, values } = buffers;
  for (let r = 0; r < active.length; r++) {
    units[r] = active[r];
    values[r] = preactivation(layer, active[r], x);
  }
  addRows(layer, buffers, active.length);
}

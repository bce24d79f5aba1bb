/**
 * Trained feed-forward blocks: the sparse path beside our own dense kernel (SIMD, one pass over the weights), which gives the
 * same bits. Weights come from memory, as in a model of many layers: calls rotate over copies that do not fit the caches.
 * Layers are made with the structure of trained ones (inputs and weights share a decaying spectrum, plus noise), and one is
 * the trained block in examples/. Ratios are medians over rounds in which every path has its turn. The oracle is told which
 * units fire: the ceiling of any method of this kind.
 *
 * Processor time for one thread, the clock for two. `node bench/cases/mlp.mjs [inputWidth ...]` prints without writing.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createRandom } from '@fewfire/core';
import { boundRows, createMlpKernel, quantiseRows } from '@fewfire/kernels';
import { expectTensor, readSafetensors } from '@fewfire/node';
import { median, ratio, rootDir } from '../lib.mjs';

/** Far beyond the caches of the machines this runs on. */
const FROM_MEMORY_BYTES = 160e6;
const ROUNDS = 15;
const INPUTS = 64;

/** Rows of width d: a decaying combination of d / 8 common directions, and noise. */
function drawRows(rowCount, directions, noise, random) {
  const { rank, width, values } = directions;
  const rows = new Float32Array(rowCount * width);
  for (let r = 0; r < rowCount; r++) {
    const row = rows.subarray(r * width, (r + 1) * width);
    for (let k = 0; k < rank; k++) {
      const factor = (2 * random.normal()) / (1 + (8 * k) / rank);
      for (let c = 0; c < width; c++) row[c] += factor * values[k * width + c];
    }
    for (let c = 0; c < width; c++) row[c] += noise * random.normal();
  }
  return rows;
}

/** Biases at the quantile of each unit over inputs of their own. */
function biasesFor(activity, up, inputs, width) {
  const rowCount = inputs.length / width;
  return Float32Array.from({ length: up.length / width }, (_, u) => {
    const sums = new Float64Array(rowCount);
    for (let r = 0; r < rowCount; r++) {
      for (let c = 0; c < width; c++) sums[r] += up[u * width + c] * inputs[r * width + c];
    }
    sums.sort();
    return -sums[Math.min(rowCount - 1, Math.floor((1 - activity) * rowCount))];
  });
}

/** Layers of one width, whose activity is the bias's doing; with inputs to calibrate on, if wished. */
export function structuredLayers(width, seed = 1, calibrationCount = 0) {
  const random = createRandom(seed);
  const unitCount = 4 * width;
  const rank = width / 8;
  const values = Float32Array.from({ length: rank * width }, () => random.normal() / Math.sqrt(width));
  const directions = { rank, width, values };
  const up = drawRows(unitCount, directions, 0.02, random);
  const inputs = drawRows(INPUTS, directions, 0.05, random);
  const others = drawRows(100, directions, 0.05, random);
  const calibrationInputs = drawRows(calibrationCount, directions, 0.05, random);
  const down = Float32Array.from({ length: unitCount * width }, () => random.normal() / Math.sqrt(unitCount));
  const downBias = new Float32Array(width);
  return (activity) => ({
    inputs,
    calibrationInputs,
    weights: {
      inputWidth: width,
      unitCount,
      outputWidth: width,
      squared: false,
      up,
      upBias: biasesFor(activity, up, others, width),
      down,
      downBias,
    },
  });
}

/** The trained block; inputs beyond the first are for calibrating. */
export async function trainedLayer() {
  const path = join(rootDir, 'examples', 'relu-mlp.safetensors');
  const tensors = await readSafetensors(path);
  const up = expectTensor(tensors, 'up.weight', [null, null], path);
  const [unitCount, width] = up.shape;
  const down = expectTensor(tensors, 'down.weight', [width, unitCount], path).values;
  const inputs = expectTensor(tensors, 'inputs', [null, width], path).values;
  return {
    inputs: inputs.slice(0, INPUTS * width),
    calibrationInputs: inputs.slice(INPUTS * width),
    weights: {
      inputWidth: width,
      unitCount,
      outputWidth: width,
      squared: false,
      up: up.values,
      upBias: expectTensor(tensors, 'up.bias', [unitCount], path).values,
      down: Float32Array.from(
        { length: unitCount * width },
        (_, i) => down[(i % width) * unitCount + Math.floor(i / width)],
      ),
      downBias: new Float32Array(width),
    },
  };
}

/** Kernels over so many copies of the weights that each call finds its own out of the cache; one copy for `cache`. */
async function makeKernels({ weights }, { place, threads = 1, inputCapacity = 1 }) {
  const bytes = 9 * weights.unitCount * weights.inputWidth;
  const copies = place === 'cache' ? 1 : Math.ceil(FROM_MEMORY_BYTES / bytes);
  const rows = quantiseRows(weights.up, weights.inputWidth, weights.unitCount);
  const screen = boundRows(rows, weights.up, weights.upBias, weights.inputWidth);
  return Promise.all(
    Array.from({ length: copies }, () => createMlpKernel(weights, screen, { threads, inputCapacity })),
  );
}

/** Microseconds an input by path, and how many units were evaluated and active. */
export async function measure(layer, options) {
  const { batch = 1, threads = 1 } = options;
  const kernels = await makeKernels(layer, { ...options, inputCapacity: batch });
  const { inputs, weights } = layer;
  const width = weights.inputWidth;
  const outputs = new Float32Array(batch * weights.outputWidth);
  const known = [];
  let [evaluated, active] = [0, 0];
  for (let i = 0; i < INPUTS; i++) {
    const dense = new Float32Array(weights.outputWidth);
    const sparse = dense.slice();
    kernels[0].run('dense', inputs, i * width, 1, dense, 0);
    kernels[0].run('sparse', inputs, i * width, 1, sparse, 0);
    if (dense.some((y, o) => !Object.is(y, sparse[o]))) throw new Error('sparse and dense differ');
    known.push({ input: inputs.slice(i * width, (i + 1) * width), units: kernels[0].activeUnits(0) });
    evaluated += kernels[0].evaluatedCount(0);
    active += kernels[0].activeCount(0);
  }
  const paths = {
    dense: (kernel, i) => kernel.run('dense', inputs, i * width, batch, outputs, 0),
    sparse: (kernel, i) => kernel.run('sparse', inputs, i * width, batch, outputs, 0),
    ...(batch === 1 && { oracle: (kernel, i) => kernel.runListed(known[i].input, known[i].units, outputs) }),
  };
  const clock = () => {
    if (threads > 1) return performance.now() * 1e3;
    const { user, system } = process.cpuUsage();
    return user + system;
  };
  // Processor time ticks in microseconds, but small layers in cache need many calls a round.
  const calls = Math.max(kernels.length, Math.ceil(2e7 / (8 * weights.unitCount * width)));
  const times = Object.fromEntries(Object.keys(paths).map((path) => [path, []]));
  const ratios = { sparse: [], oracle: [] };
  let token = 0;
  for (let round = -2; round < ROUNDS; round++) {
    const now = {};
    for (const [path, run] of Object.entries(paths)) {
      const start = clock();
      for (let call = 0; call < calls; call++) {
        token += 7;
        run(kernels[call % kernels.length], (token % (INPUTS / batch)) * batch);
      }
      now[path] = (clock() - start) / calls / batch;
      if (round >= 0) times[path].push(now[path]);
    }
    if (round >= 0) for (const path of Object.keys(ratios)) ratios[path].push(now.dense / now[path]);
  }
  for (const kernel of kernels) kernel.dispose();
  const share = (count) => count / INPUTS / weights.unitCount;
  return {
    us: Object.fromEntries(Object.entries(times).map(([path, values]) => [path, median(values)])),
    sparseRatio: median(ratios.sparse),
    ...(batch === 1 && { oracleRatio: median(ratios.oracle) }),
    evaluated: share(evaluated),
    active: share(active),
  };
}

async function* measureAll(widths) {
  const row = (what, result) => ({ what, ...result });
  for (const width of widths) {
    const make = structuredLayers(width);
    const layer = make(0.03);
    const name = `d = ${width}, s = ${4 * width}`;
    yield row(`${name}, from memory`, await measure(layer, { place: 'memory' }));
    // Beyond this the weights of one layer do not fit the caches.
    if (width <= 512) yield row(`${name}, in cache`, await measure(layer, { place: 'cache' }));
    yield row(`${name}, from memory, two threads`, await measure(layer, { place: 'memory', threads: 2 }));
    for (const batch of [2, 4, 8, 16, 32]) {
      yield row(`${name}, from memory, batch ${batch}`, await measure(layer, { place: 'memory', batch }));
    }
    if (width > 512) continue;
    for (const activity of [0.01, 0.05, 0.1, 0.2]) {
      yield row(
        `${name}, from memory, about ${100 * activity} % active`,
        await measure(make(activity), { place: 'memory' }),
      );
    }
  }
  const trained = await trainedLayer();
  const { inputWidth, unitCount } = trained.weights;
  for (const place of ['memory', 'cache']) {
    yield row(
      `trained block, d = ${inputWidth}, s = ${unitCount}, ${place === 'cache' ? 'in cache' : 'from memory'}`,
      await measure(trained, { place }),
    );
  }
}

function describe(result) {
  const percent = (part) => `${(100 * part).toFixed(1)} %`;
  const oracle = result.oracleRatio === undefined ? '' : `; knowing the units: ${ratio(result.oracleRatio)}`;
  return {
    what: `exact sparse block, ${result.what}, ${percent(result.active)} active, ${percent(result.evaluated)} evaluated`,
    fewfire: `${result.us.sparse.toFixed(0)} us`,
    peer: `our dense kernel: ${result.us.dense.toFixed(0)} us`,
    ratio: `${ratio(result.sparseRatio)} faster${oracle}`,
  };
}

async function run() {
  const results = [];
  for await (const result of measureAll([512, 1024, 2048])) results.push(result);
  return { rows: results.map(describe), results };
}

export const cases = [{ name: 'mlp', peer: 'our dense kernel', run }];

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const widths = process.argv.slice(2).map(Number);
  for await (const result of measureAll(widths.length > 0 ? widths : [512, 1024, 2048])) {
    const { what, fewfire, peer, ratio: faster } = describe(result);
    console.log(`${what}\n  ${fewfire}   ${peer}   ${faster}`);
  }
}

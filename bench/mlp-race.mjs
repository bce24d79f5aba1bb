/**
 * How feed-forward blocks are timed: contestants take turns within rounds, each over copies of its own, and ratios are
 * medians over rounds of the times of one round. Processor time for one thread, the clock for more.
 *
 * From memory, as in a model of many layers: the copies are several times the last-level cache together, a turn uses each
 * once, and before a turn the caches are filled with something else. In cache: one copy, again and again.
 */
import { prepareSparseMlp } from '@fewfire/core';
import { boundProjection, boundRows, createMlpKernel, quantiseRows } from '@fewfire/kernels';
import { evictCaches, median, ratio, workingSetBytes } from './lib.mjs';
import { createOnnxPeer } from './peers/onnxruntime.mjs';

/** What a first test is fitted to. */
export const SAMPLE_INPUTS = 2048;
const ROUNDS = 9;
const WARM_UP_ROUNDS = 2;
const TRIAL_ROUNDS = 3;
/** From one input, or batch of inputs, to the next: all have their turn unless there are seven. */
const INPUT_STEP = 7;
/** In cache a turn goes over so many bytes, however often: milliseconds. */
const CACHE_TURN_BYTES = 2e8;
const INPUTS_TOGETHER = 32;

/**
 * The exact ways through a block by their names in the rows: from a layer to the screen and the options for
 * `createMlpKernel`. Both cases measure all that stand here, each with kernels of its own; the kernels of the first also
 * run `dense` and listed units.
 */
export const exactWays = {
  exact: ({ weights }) => ({ screen: boundedScreen(weights), options: {} }),
  'exact with first test': async (layer) => ({
    screen: boundedScreen(layer.weights),
    options: { projection: await fittedProjection(layer) },
  }),
};

// As people get it: fitted to inputs that are not timed; none where it does not pay.
const projections = new WeakMap();
async function fittedProjection({ weights, calibrationInputs }) {
  if (!projections.has(weights)) {
    const block = { name: 'layer', activation: 'relu', ...weights };
    const sampleInputs = calibrationInputs.subarray(0, SAMPLE_INPUTS * weights.inputWidth);
    const mlp = await prepareSparseMlp(block, { sampleInputs, inputCapacity: 1 });
    projections.set(weights, mlp.projection && boundProjection(mlp.projection, weights.up, weights.inputWidth));
    mlp.dispose();
  }
  return projections.get(weights);
}

export function boundedScreen({ up, upBias, inputWidth, unitCount }) {
  return boundRows(quantiseRows(up, inputWidth, unitCount), up, upBias, inputWidth);
}

/** How many copies of a block are used, at 9 bytes a weight of one matrix: two in single precision, and the int8 rows. */
export function copyCountOf({ unitCount, inputWidth }, place) {
  return place === 'cache' ? 1 : Math.ceil(workingSetBytes() / (9 * unitCount * inputWidth));
}

export function makeCopies(count, make) {
  return Promise.all(Array.from({ length: count }, make));
}

/** Kernels of one exact way, one for each copy. */
export async function makeKernels(layer, way, copyCount, options = {}) {
  const { screen, options: own } = await exactWays[way](layer);
  return makeCopies(copyCount, () => createMlpKernel(layer.weights, screen, { ...own, ...options }));
}

/** The exact outputs for the inputs of a layer, and which units are active with which activations. */
export async function exactOutputs(layer) {
  const { inputs } = layer;
  const { inputWidth, outputWidth, unitCount } = layer.weights;
  const [kernel] = await makeKernels(layer, 'exact', 1, { inputCapacity: INPUTS_TOGETHER });
  const inputCount = inputs.length / inputWidth;
  const outputs = [];
  const seen = [];
  const some = new Float32Array(INPUTS_TOGETHER * outputWidth);
  for (let first = 0; first < inputCount; first += INPUTS_TOGETHER) {
    const count = Math.min(INPUTS_TOGETHER, inputCount - first);
    kernel.run('sparse', inputs, first * inputWidth, count, some, 0);
    for (let i = 0; i < count; i++) {
      outputs.push(some.slice(i * outputWidth, (i + 1) * outputWidth));
      seen.push({ units: kernel.activeUnits(i), values: kernel.activeValues(i) });
    }
  }
  kernel.dispose();
  const active = seen.reduce((sum, { units }) => sum + units.length, 0) / inputCount / unitCount;
  return { outputs, seen, active };
}

/**
 * A contestant that goes over copies: in a turn `run(copy, i)` is called for each at least once, i going over the batches
 * of the inputs.
 */
export function overCopies({ unitCount, inputWidth }, { place, copyCount, inputCount, batch = 1 }, run) {
  const calls = place === 'cache' ? Math.ceil(CACHE_TURN_BYTES / (8 * unitCount * inputWidth)) : copyCount;
  const batches = Math.floor(inputCount / batch);
  return {
    inputsPerTurn: calls * batch,
    turn(first) {
      for (let call = 0; call < calls; call++) {
        run(call % copyCount, ((first + INPUT_STEP * call) % batches) * batch);
      }
    },
  };
}

/**
 * Times contestants: `turn` may be asynchronous.
 * @returns microseconds an input by name, and for each of `beside` by how much every contestant is faster than it
 */
export async function race(contestants, { place, threads = 1, rounds = ROUNDS, beside = [] }) {
  const clock = () => {
    if (threads > 1) return performance.now() * 1e3;
    const { user, system } = process.cpuUsage();
    return user + system;
  };
  const names = Object.keys(contestants);
  const times = [];
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    const now = {};
    // Forwards and backwards, so that nobody always comes after the same one.
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const { inputsPerTurn, turn } = contestants[name];
      if (place === 'memory') evictCaches();
      const start = clock();
      await turn(round + WARM_UP_ROUNDS);
      now[name] = (clock() - start) / inputsPerTurn;
    }
    if (round >= 0) times.push(now);
  }
  const medians = (of) => Object.fromEntries(names.map((name) => [name, median(times.map((now) => of(now, name)))]));
  return {
    us: medians((now, name) => now[name]),
    faster: Object.fromEntries(beside.map((other) => [other, medians((now, name) => now[other] / now[name])])),
  };
}

/**
 * onnxruntime for a block. `best(batch)` is its fastest contestant, found in a short race, as `{ onnxruntime }`, and a note
 * for the results; where it cannot be had there is no contestant, and the note says why. `keepOnly(variant)` gives back the
 * memory of the others, a working set each.
 * @param outputs ours for all inputs of the layer, with which its own must agree
 */
export async function openOnnxPeer(layer, outputs, { place, threads = 1 }) {
  const copyCount = copyCountOf(layer.weights, place);
  const peer = await createOnnxPeer(layer, outputs, { place, copyCount, threads });
  if (peer.reason !== undefined) {
    return { best: () => ({ contestants: {}, note: { reason: peer.reason } }), keepOnly() {}, dispose() {} };
  }
  return {
    async best(batch) {
      const contestants = await peer.contestants(batch);
      const { us } = await race(contestants, { place, threads, rounds: TRIAL_ROUNDS });
      const [variant] = Object.keys(us).sort((a, b) => us[a] - us[b]);
      const onnxruntime = contestants[variant];
      const { copies } = onnxruntime;
      const fewer = copies < copyCount && { ourCopies: copyCount };
      return {
        contestants: { onnxruntime },
        note: { version: peer.version, variant, copies, ...fewer, trialUs: us },
      };
    },
    keepOnly: peer.keepOnly,
    dispose: peer.dispose,
  };
}

/** What stands beside us in a row: both peers' times, or why there is none. */
export function describePeers(us, note) {
  const fewer = note.ourCopies === undefined ? '' : ` (${note.copies} copies, ours ${note.ourCopies})`;
  const theirs = us.onnxruntime === undefined ? note.reason : `${us.onnxruntime.toFixed(0)} us`;
  return `our dense kernel: ${us.dense.toFixed(0)} us; onnxruntime${fewer}: ${theirs}`;
}

/** By how much a contestant is faster than each peer, in the same order. */
export function describeFaster(faster, name) {
  const ratios = Object.values(faster).map((of) => of[name]);
  return `${ratios.map(ratio).join('; ')} ${ratios.every((value) => value >= 1) ? 'faster' : 'as fast'}`;
}

/** The peers' versions in the results of a case, from the notes of its rows. */
export function peerVersions(notes) {
  return { onnxruntime: notes.find(({ version }) => version !== undefined)?.version ?? notes[0]?.reason };
}

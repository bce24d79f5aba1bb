/**
 * Calibrated feed-forward blocks (a stated missed mass of at most 1e-3) beside our dense kernel, onnxruntime, the exact
 * sparse path, and the methods that the literature has, on the same layers, kernels and inputs, weights from memory, batch
 * 1, one thread. mlp-layers.mjs says what is run, mlp-race.mjs how it is timed. Errors are relative L2 over the outputs of
 * inputs that no method was fitted to.
 *
 * - dense up, sparse down: all units evaluated, active ones added;
 * - top-k (Li et al. 2023): of these only the k largest, k the mean number of active units. Its time is that of dense up,
 *   sparse down: the selection is not counted;
 * - learned predictor (peers/learned-predictor.mjs), fitted to the calibration inputs, to miss 1e-3 of their mass;
 * - oracle: told which units fire, the ceiling of any method that evaluates only what it adds.
 *
 * `node bench/cases/mlp-calibrated.mjs [inputWidth ...]` prints without writing; 0 is the trained block.
 */
import { pathToFileURL } from 'node:url';
import { calibrateMlp, parseCalibratedMlp } from '@fewfire/core';
import { createMlpKernel } from '@fewfire/kernels';
import { relativeError } from '../lib.mjs';
import { structuredLayers, trainedLayer } from '../mlp-layers.mjs';
import {
  boundedScreen,
  copyCountOf,
  describeFaster,
  describePeers,
  exactOutputs,
  exactWays,
  makeCopies,
  makeKernels,
  openOnnxPeer,
  overCopies,
  peerVersions,
  race,
} from '../mlp-race.mjs';
import { learnPredictor } from '../peers/learned-predictor.mjs';

const WIDTHS = [512, 1024, 2048, 0];
const TARGET = 1e-3;
const CALIBRATION_INPUTS = 16_000;
const PREDICTOR_INPUTS = 4096;

/** Output with only the k largest activations of all. */
function topK(block, { units, values }, k) {
  const output = Float64Array.from(block.downBias);
  const order = [...units.keys()].sort((a, b) => values[b] - values[a]).slice(0, k);
  for (const i of order) {
    for (let o = 0; o < output.length; o++) output[o] += values[i] * block.down[units[i] * output.length + o];
  }
  return output;
}

/**
 * Every method as `run(copy, i, out)`: the output of input i by one of the copies. With notes for the rows, and what is to
 * be disposed of.
 */
async function makeMethods(layer, { seen }, { copyCount, missedMass: target }) {
  const { weights, inputs, calibrationInputs } = layer;
  const { inputWidth: d, unitCount, outputWidth } = weights;
  const inputOf = (i) => inputs.subarray(i * d, (i + 1) * d);
  const methods = {};
  const notes = {};
  const toDispose = [];
  for (const way of Object.keys(exactWays)) {
    const kernels = await makeKernels(layer, way, copyCount);
    toDispose.push(...kernels);
    methods.dense ??= (copy, i, out) => kernels[copy].run('dense', inputs, i * d, 1, out, 0);
    methods[way] = (copy, i, out) => kernels[copy].run('sparse', inputs, i * d, 1, out, 0);
    methods.oracle ??= (copy, i, out) => kernels[copy].runListed(inputOf(i), seen[i].units, out);
    const all = Uint32Array.from({ length: unitCount }, (_, u) => u);
    methods['dense up, sparse down'] ??= (copy, i, out) => kernels[copy].runListed(inputOf(i), all, out);
  }

  const block = { name: 'layer', activation: 'relu', ...weights };
  for (const method of ['lookup', 'low-rank']) {
    const first = await calibrateMlp({ block }, calibrationInputs, {
      missedMass: target,
      methods: [method],
      evenIfSlower: true,
    });
    if (first.calibration === null) {
      notes[method] = first.reason;
      first.dispose();
      continue;
    }
    const bytes = await first.serialize();
    first.dispose();
    const drift = { checkEvery: Infinity, onDrift: 'report' };
    const blocks = await makeCopies(copyCount, () => parseCalibratedMlp(bytes, 'calibrated', { drift }));
    toDispose.push(...blocks);
    methods[method] = (copy, i, out) => blocks[copy].forward(inputOf(i), out);
    const { missedMass, survivorRate } = blocks[0].calibration;
    notes[method] = { missedMass, survivorRate: survivorRate.mean };
  }

  const calibrated = await learnPredictor(weights, calibrationInputs.subarray(0, PREDICTOR_INPUTS * d), TARGET);
  const screen = boundedScreen(weights);
  const predicted = await makeCopies(copyCount, () => createMlpKernel(weights, screen, { calibrated }));
  toDispose.push(...predicted);
  methods['learned predictor'] = (copy, i, out) => predicted[copy].runCalibrated(inputs, i * d, out, 0);
  let evaluated = 0;
  for (let i = 0; i < seen.length; i++) {
    predicted[0].runCalibrated(inputs, i * d, new Float32Array(outputWidth), 0);
    evaluated += predicted[0].evaluatedCount(0) / unitCount / seen.length;
  }
  notes['learned predictor'] = { survivorRate: evaluated };
  return { methods, notes, toDispose };
}

async function measure(layer, { missedMass }) {
  const { weights } = layer;
  const { outputWidth, unitCount } = weights;
  const place = 'memory';
  const copyCount = copyCountOf(weights, place);
  const known = await exactOutputs(layer);
  const { outputs, seen, active } = known;
  const inputCount = seen.length;
  const peer = await openOnnxPeer(layer, outputs, { place });
  const { contestants: theirs, note } = await peer.best(1);
  await peer.keepOnly(note.variant);
  const { methods, notes, toDispose } = await makeMethods(layer, known, { copyCount, missedMass });

  const errorOf = (run) => {
    const found = new Float32Array(inputCount * outputWidth);
    for (let i = 0; i < inputCount; i++) run(i, found.subarray(i * outputWidth, (i + 1) * outputWidth));
    return relativeError(found, Float32Array.from(outputs.flatMap((output) => [...output])));
  };
  const errors = {};
  for (const [name, run] of Object.entries(methods)) errors[name] = errorOf((i, out) => run(0, i, out));
  const k = Math.round(active * unitCount);
  errors['top-k'] = errorOf((i, out) => out.set(topK(weights, seen[i], k)));

  const out = new Float32Array(outputWidth);
  const contestants = {};
  for (const [name, run] of Object.entries(methods)) {
    contestants[name] = overCopies(weights, { place, copyCount, inputCount }, (copy, i) => run(copy, i, out));
  }
  const beside = ['dense', ...Object.keys(theirs)];
  const times = await race({ ...contestants, ...theirs }, { place, beside });
  for (const one of toDispose) one.dispose();
  await peer.dispose();
  return { ...times, errors, notes, active, onnxruntime: note };
}

async function* measureAll(widths) {
  for (const width of widths) {
    const isTrained = width === 0;
    const layer = isTrained ? await trainedLayer() : structuredLayers(width, 1, CALIBRATION_INPUTS)(0.03);
    const { inputWidth, unitCount } = layer.weights;
    // The trained block has a thousand inputs, too few to state less.
    const result = await measure(layer, { missedMass: isTrained ? 0.03 : TARGET });
    yield { what: `${isTrained ? 'trained block, ' : ''}d = ${inputWidth}, s = ${unitCount}`, ...result };
  }
}

/** One row for every method. */
function describe({ what, us, faster, errors, notes, active, onnxruntime }) {
  const names = [...new Set([...Object.keys(us), ...Object.keys(errors), ...Object.keys(notes)])];
  return names
    .filter((name) => name !== 'dense' && name !== 'onnxruntime')
    .map((name) => {
      const note = notes[name];
      const timed = name === 'top-k' ? 'dense up, sparse down' : name;
      const mass =
        note?.missedMass &&
        `, missed mass ${note.missedMass.mean.toExponential(1)} (at most ${note.missedMass.interval[1].toExponential(1)})`;
      const share = note?.survivorRate === undefined ? '' : `, ${(100 * note.survivorRate).toFixed(1)} % evaluated`;
      const refused = typeof note === 'string' ? `: exact, because ${note}` : '';
      return {
        what: `${name}, ${what}, from memory, ${(100 * active).toFixed(1)} % active${share}${refused}`,
        fewfire: us[timed] === undefined ? '' : `${us[timed].toFixed(0)} us`,
        peer: describePeers(us, onnxruntime),
        ratio:
          us[timed] === undefined
            ? ''
            : `${describeFaster(faster, timed)}; output error ${errors[name].toExponential(1)}${mass ?? ''}`,
      };
    });
}

async function run() {
  const results = [];
  for await (const result of measureAll(WIDTHS)) results.push(result);
  const peers = peerVersions(results.map(({ onnxruntime }) => onnxruntime));
  return { rows: results.flatMap(describe), peers, results };
}

export const cases = [{ name: 'mlp-calibrated', peer: 'our dense kernel, onnxruntime-node', run }];

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const widths = process.argv.slice(2).map(Number);
  for await (const result of measureAll(widths.length > 0 ? widths : WIDTHS)) {
    for (const { what, fewfire, peer, ratio } of describe(result)) {
      console.log(`${what}\n  ${fewfire}   ${peer}   ${ratio}`);
    }
  }
}

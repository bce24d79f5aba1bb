/**
 * Calibrated feed-forward blocks (a stated missed mass of at most 1e-3) beside our dense kernel, the exact sparse path, and
 * the methods that the literature has, on the same layers, kernels and inputs, weights from memory, batch 1, one thread.
 * Errors are relative L2 over the outputs of inputs that no method was fitted to.
 *
 * - dense up, sparse down: all units evaluated, active ones added;
 * - top-k (Li et al. 2023): of these only the k largest, k the mean number of active units. Its time is that of dense up,
 *   sparse down: the selection is not counted;
 * - learned predictor (Liu et al. 2023, Deja Vu): a low-rank int8 map, rank d / 8, to "will fire", fitted by ridge
 *   regression to the calibration inputs, with one threshold that misses 1e-3 of their mass;
 * - oracle: told which units fire, the ceiling of any method that evaluates only what it adds.
 *
 * Processor time, medians over rounds in which every method has its turn. `node bench/cases/mlp-calibrated.mjs [inputWidth ...]`
 * prints without writing.
 */
import { pathToFileURL } from 'node:url';
import { calibrateMlp, parseCalibratedMlp } from '@fewfire/core';
import { boundRows, calibratedUnits, createMlpKernel, quantiseRows, referenceEstimates } from '@fewfire/kernels';
import { fitLowRank, inputMoments } from '../../packages/core/dist/mlp/fit-screens.js';
import { median, ratio } from '../lib.mjs';
import { structuredLayers, trainedLayer } from './mlp.mjs';

const FROM_MEMORY_BYTES = 160e6;
const ROUNDS = 15;
const TARGET = 1e-3;
const CALIBRATION_INPUTS = 16_000;

function asBlock(weights) {
  return { name: 'layer', activation: 'relu', ...weights };
}

function copyCount({ unitCount, inputWidth }) {
  return Math.ceil(FROM_MEMORY_BYTES / (9 * unitCount * inputWidth));
}

function makeKernel(weights, calibrated) {
  const rows = quantiseRows(weights.up, weights.inputWidth, weights.unitCount);
  const screen = boundRows(rows, weights.up, weights.upBias, weights.inputWidth);
  return createMlpKernel(weights, screen, { calibrated });
}

function makeCopies(count, make) {
  return Promise.all(Array.from({ length: count }, make));
}

/** The predictor: ridge regression of "fires" on the input, cut to rank d / 8, and the threshold for the target. */
async function learnPredictor(block, rows) {
  const { inputWidth: d, unitCount } = block;
  const count = rows.length / d;
  const kernel = await makeKernel(block);
  const output = new Float32Array(block.outputWidth);
  const seen = [];
  const sums = new Float64Array(unitCount * d);
  for (let i = 0; i < count; i++) {
    kernel.run('sparse', rows, i * d, 1, output, 0);
    const [units, values] = [kernel.activeUnits(0), kernel.activeValues(0)];
    seen.push({ units, values });
    for (const u of units) for (let c = 0; c < d; c++) sums[u * d + c] += rows[i * d + c] / count;
  }
  kernel.dispose();
  const moments = await inputMoments(rows, d, {});
  const up = new Float32Array(unitCount * d);
  for (let u = 0; u < unitCount; u++) {
    // Some 3 % fire: in units of that the numbers are near 1.
    const solution = solve(moments.factor, d, sums.subarray(u * d, (u + 1) * d));
    up.set(solution, u * d);
  }
  const regression = { ...block, up, upBias: new Float32Array(unitCount) };
  const { offsets, spreads, ...screen } = await fitLowRank(regression, moments, rows, {});
  const pairs = [];
  for (const [i, { units, values }] of seen.entries()) {
    const estimates = referenceEstimates(screen, block, rows.subarray(i * d, (i + 1) * d), units);
    const total = values.reduce((sum, v) => sum + v, 0);
    units.forEach((u, k) => {
      pairs.push([estimates[k] + rates(seen, unitCount)[u], values[k] / total / count]);
    });
  }
  pairs.sort(([a], [b]) => a - b);
  let missed = 0;
  const [threshold] = pairs.find(([, share]) => {
    missed += share;
    return missed > TARGET;
  });
  const thresholds = new Float32Array(calibratedUnits(unitCount));
  for (let u = 0; u < unitCount; u++) thresholds[u] = threshold - 1e-6 - rates(seen, unitCount)[u];
  return { ...screen, thresholds };
}

// How often each unit fires: the intercept of the regression, inputs having mean near 0.
let known;
function rates(seen, unitCount) {
  if (known?.seen === seen) return known.rates;
  known = { seen, rates: new Float64Array(unitCount) };
  for (const { units } of seen) for (const u of units) known.rates[u] += 1 / seen.length;
  return known.rates;
}

function solve(factor, d, right) {
  const x = Float64Array.from(right);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < i; j++) x[i] -= factor[i * d + j] * x[j];
    x[i] /= factor[i * d + i];
  }
  for (let i = d - 1; i >= 0; i--) {
    x[i] /= factor[i * d + i];
    for (let j = 0; j < i; j++) x[j] -= factor[i * d + j] * x[i];
  }
  return x;
}

/** Output with only the k largest activations of all. */
function topK(block, { units, values }, k) {
  const output = Float64Array.from(block.downBias);
  const order = [...units.keys()].sort((a, b) => values[b] - values[a]).slice(0, k);
  for (const i of order) {
    for (let o = 0; o < output.length; o++) output[o] += values[i] * block.down[units[i] * output.length + o];
  }
  return output;
}

function relativeError(outputs, wanted) {
  let [errors, norms] = [0, 0];
  outputs.forEach((output, i) => {
    output.forEach((y, o) => {
      errors += (y - wanted[i][o]) ** 2;
      norms += wanted[i][o] ** 2;
    });
  });
  return Math.sqrt(errors / norms);
}

async function measure({ weights, inputs, calibrationInputs }, { withOthers, intervalMethod }) {
  const block = asBlock(weights);
  const { inputWidth: d, unitCount, outputWidth } = block;
  const inputCount = inputs.length / d;
  const copies = copyCount(block);
  const inputOf = (i) => inputs.subarray(i * d, (i + 1) * d);
  const all = Uint32Array.from({ length: unitCount }, (_, u) => u);

  const plain = await makeCopies(copies, () => makeKernel(weights));
  const seen = [];
  const wanted = [];
  for (let i = 0; i < inputCount; i++) {
    wanted.push(new Float32Array(outputWidth));
    plain[0].run('sparse', inputs, i * d, 1, wanted[i], 0);
    seen.push({ units: plain[0].activeUnits(0), values: plain[0].activeValues(0) });
  }
  const activeCount = seen.reduce((sum, { units }) => sum + units.length, 0) / inputCount;
  const methods = {
    dense: (copy, i, out) => plain[copy].run('dense', inputs, i * d, 1, out, 0),
    exact: (copy, i, out) => plain[copy].run('sparse', inputs, i * d, 1, out, 0),
    oracle: (copy, i, out) => plain[copy].runListed(inputOf(i), seen[i].units, out),
  };
  const notes = {};
  const toDispose = [...plain];
  for (const method of ['lookup', 'low-rank']) {
    const first = await calibrateMlp({ block }, calibrationInputs, {
      missedMass: TARGET,
      intervalMethod,
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
    const blocks = await makeCopies(copies, () => parseCalibratedMlp(bytes, 'calibrated', { drift }));
    toDispose.push(...blocks);
    methods[method] = (copy, i, out) => blocks[copy].forward(inputOf(i), out);
    const { missedMass, survivorRate } = blocks[0].calibration;
    notes[method] = { missedMass, survivorRate: survivorRate.mean };
  }
  if (withOthers) {
    methods['dense up, sparse down'] = (copy, i, out) => plain[copy].runListed(inputOf(i), all, out);
    const screen = await learnPredictor(block, calibrationInputs.subarray(0, 4096 * d));
    const predicted = await makeCopies(copies, () => makeKernel(weights, screen));
    toDispose.push(...predicted);
    methods['learned predictor'] = (copy, i, out) => predicted[copy].runCalibrated(inputs, i * d, out, 0);
    let evaluated = 0;
    for (let i = 0; i < inputCount; i++) {
      predicted[0].runCalibrated(inputs, i * d, new Float32Array(outputWidth), 0);
      evaluated += predicted[0].evaluatedCount(0) / unitCount / inputCount;
    }
    notes['learned predictor'] = { survivorRate: evaluated };
  }

  const errors = {};
  for (const [name, run] of Object.entries(methods)) {
    const outputs = wanted.map((_, i) => {
      const out = new Float32Array(outputWidth);
      run(0, i, out);
      return out;
    });
    errors[name] = relativeError(outputs, wanted);
  }
  if (withOthers) {
    const k = Math.round(activeCount);
    errors['top-k'] = relativeError(
      seen.map((one) => topK(block, one, k)),
      wanted,
    );
  }
  const { us, ratios } = race(
    methods,
    copies,
    inputCount,
    Math.max(copies, Math.ceil(2e7 / (8 * unitCount * d))),
    outputWidth,
  );
  for (const one of toDispose) one.dispose();
  return { us, ratios, errors, notes, active: activeCount / unitCount };
}

function race(methods, copies, inputCount, calls, outputWidth) {
  const out = new Float32Array(outputWidth);
  const times = Object.fromEntries(Object.keys(methods).map((name) => [name, []]));
  const ratios = structuredClone(times);
  let token = 0;
  for (let round = -2; round < ROUNDS; round++) {
    const now = {};
    for (const [name, run] of Object.entries(methods)) {
      const start = process.cpuUsage();
      for (let call = 0; call < calls; call++) {
        token += 7;
        run(call % copies, token % inputCount, out);
      }
      const { user, system } = process.cpuUsage(start);
      now[name] = (user + system) / calls;
    }
    if (round < 0) continue;
    for (const name of Object.keys(methods)) {
      times[name].push(now[name]);
      ratios[name].push(now.dense / now[name]);
    }
  }
  const medians = (of) => Object.fromEntries(Object.entries(of).map(([name, values]) => [name, median(values)]));
  return { us: medians(times), ratios: medians(ratios) };
}

async function* measureAll(widths) {
  for (const width of widths) {
    const layer = structuredLayers(width, 1, CALIBRATION_INPUTS)(0.03);
    const result = await measure(layer, { withOthers: width <= 512, intervalMethod: 'betting' });
    yield { what: `d = ${width}, s = ${4 * width}`, ...result };
  }
  const trained = await trainedLayer();
  // The block has a thousand inputs, too few for a promise without assumptions.
  yield {
    what: `trained block, d = ${trained.weights.inputWidth}, s = ${trained.weights.unitCount}`,
    ...(await measure(trained, { withOthers: true, intervalMethod: 'bootstrap' })),
  };
}

function describe({ what, us, ratios, errors, notes, active }) {
  const names = [...new Set([...Object.keys(us), ...Object.keys(errors), ...Object.keys(notes)])];
  return names
    .filter((name) => name !== 'dense')
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
        peer: `our dense kernel: ${us.dense.toFixed(0)} us`,
        ratio:
          ratios[timed] === undefined
            ? ''
            : `${ratio(ratios[timed])} faster; output error ${errors[name].toExponential(1)}${mass ?? ''}`,
      };
    });
}

async function run() {
  const results = [];
  for await (const result of measureAll([512, 1024, 2048])) results.push(result);
  return { rows: results.flatMap(describe), results };
}

export const cases = [{ name: 'mlp-calibrated', peer: 'our dense kernel', run }];

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const widths = process.argv.slice(2).map(Number);
  for await (const result of measureAll(
    process.argv.length > 2 ? widths.filter((width) => width > 0) : [512, 1024, 2048],
  )) {
    for (const { what, fewfire, peer, ratio: faster } of describe(result)) {
      console.log(`${what}\n  ${fewfire}   ${peer}   ${faster}`);
    }
  }
}

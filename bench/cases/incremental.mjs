/**
 * Networks at a point that moves by 1 to 16 flips a step: incremental beside from scratch, which has the same bits, and
 * beside the dense kernel on all points at once, the fastest way for points that are known beforehand. From scratch starts
 * from all +1 or all -1 and adds a row for every coordinate that differs, about n / 2 on random points. Units have weights
 * of 8 bits (i32 lanes), or all digits of doubles (two i64 limbs); about 3 % are active.
 *
 * Where incremental stops winning: `even` is the number of flips a step at which the times cross, by a line through the
 * measured ones. Processor time, medians over rounds in which every way has its turn.
 */
import {
  createCubePoints,
  createIncrementalNetwork,
  createNetwork,
  createRandom,
  evaluateNetwork,
} from '@fewfire/core';
import { median, ratio } from '../lib.mjs';

const FLIPS = [1, 2, 4, 8, 16];
const ROUNDS = 5;
const BATCH_POINTS = 4096;

const digits = (value) => (value < 10 ? value.toPrecision(2) : String(Math.round(value)));
const micro = (value) => `${digits(value)} µs`;

function makeNetwork(inputCount, unitCount, kind) {
  const random = createRandom(1);
  const draw = kind === 'int8' ? () => Math.round(40 * random.normal()) / 64 : () => random.normal();
  const scale = kind === 'int8' ? 40 / 64 : 1;
  const weights = Float64Array.from({ length: inputCount * unitCount }, draw);
  const bias = 1.9 * scale * Math.sqrt(inputCount);
  const biases = new Float64Array(unitCount).fill(kind === 'int8' ? Math.round(64 * bias) / 64 : bias);
  const outputWeights = Float64Array.from({ length: unitCount }, () => random.normal());
  return createNetwork({ inputCount, weights, biases, outputWeights });
}

// Points of a walk, and the coordinates flipped before each.
function makeWalk(inputCount, flipCount, stepCount) {
  const random = createRandom(2);
  const here = Uint8Array.from({ length: Math.ceil(inputCount / 8) }, () => random.integer(256));
  const points = createCubePoints(stepCount, inputCount);
  const lists = [];
  for (let step = 0; step < stepCount; step++) {
    const list = [...random.permutation(inputCount).subarray(0, flipCount)];
    for (const i of list) here[i >> 3] ^= 1 << (i & 7);
    here.forEach((byte, p) => {
      points.planes[p * stepCount + step] = byte;
    });
    lists.push(list);
  }
  return { points, lists };
}

const cpuUs = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

async function measure(inputCount, unitCount, kind) {
  const network = makeNetwork(inputCount, unitCount, kind);
  const state = await createIncrementalNetwork(network);
  const stepCount = Math.max(200, Math.ceil(2e8 / (inputCount * unitCount)));
  const results = [];
  let activeShare = 0;
  for (const flipCount of FLIPS) {
    const { points, lists } = makeWalk(inputCount, flipCount, stepCount);
    const times = { incremental: [], scratch: [] };
    const sums = { incremental: 0, scratch: 0 };
    for (let round = -1; round < ROUNDS; round++) {
      state.set(points, stepCount - 1);
      const ways = {
        incremental: () => {
          // A walk ends where it began only by chance: the first step sets the point.
          state.set(points, 0);
          sums.incremental = state.value();
          for (let step = 1; step < stepCount; step++) {
            state.flip(lists[step]);
            sums.incremental += state.value();
          }
        },
        scratch: () => {
          sums.scratch = 0;
          for (let step = 0; step < stepCount; step++) {
            state.set(points, step);
            sums.scratch += state.value();
          }
        },
      };
      for (const [name, run] of Object.entries(ways)) {
        const start = cpuUs();
        run();
        if (round >= 0) times[name].push((cpuUs() - start) / stepCount);
      }
      if (!Object.is(sums.incremental, sums.scratch)) throw new Error('incremental and from scratch differ');
    }
    activeShare = state.activeUnits().length / unitCount;
    const us = Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]));
    results.push({ flipCount, us, ratio: median(times.scratch.map((time, r) => time / times.incremental[r])) });
  }
  // Its tables cost as much as 256 points, so many points are its best case.
  const { points } = makeWalk(inputCount, 1, BATCH_POINTS);
  const batchTimes = [];
  for (let round = 0; round < 3; round++) {
    const start = cpuUs();
    await evaluateNetwork(network, points);
    batchTimes.push((cpuUs() - start) / BATCH_POINTS);
  }
  const batchUs = median(batchTimes);
  // us = fixed + flips * perFlip, by least squares.
  const meanFlips = FLIPS.reduce((a, b) => a + b) / FLIPS.length;
  const meanUs = results.reduce((sum, { us }) => sum + us.incremental, 0) / FLIPS.length;
  const slope =
    results.reduce((sum, { flipCount, us }) => sum + (flipCount - meanFlips) * (us.incremental - meanUs), 0) /
    FLIPS.reduce((sum, flips) => sum + (flips - meanFlips) ** 2, 0);
  const crossing = (us) => (us - (meanUs - slope * meanFlips)) / slope;
  return {
    inputCount,
    unitCount,
    kind,
    memoryBytes: state.memoryBytes,
    unitKinds: state.unitKinds,
    activeShare,
    perFlipUs: slope,
    batchUs,
    even: { scratch: crossing(median(results.map(({ us }) => us.scratch))), batch: crossing(batchUs) },
    results,
  };
}

async function run() {
  const measured = [];
  for (const unitCount of [1024, 4096]) {
    for (const inputCount of [64, 256, 768]) {
      for (const kind of ['int8', 'double']) {
        measured.push(await measure(inputCount, unitCount, kind));
        process.stderr.write(`  ${JSON.stringify(measured.at(-1))}\n`);
      }
    }
  }
  const list = (results, of) => results.map(of).join(' / ');
  return {
    rows: measured.map(({ inputCount, unitCount, kind, results, even, batchUs }) => ({
      what: `network moving by 1 / 2 / 4 / 8 / 16 flips a step, ${unitCount} units, ${inputCount} inputs, weights of ${kind === 'int8' ? '8 bits' : 'all digits'}`,
      fewfire: `${list(results, (result) => digits(result.us.incremental))} µs a step`,
      peer: `from scratch, the same bits: ${micro(median(results.map((result) => result.us.scratch)))}; all points at once, rounded sums: ${micro(batchUs)} a point`,
      ratio: `${list(results, (result) => ratio(result.ratio))} faster; even at ${Math.round(even.scratch)} flips, with all at once at ${Math.max(0, Math.round(even.batch))}`,
    })),
    measured,
  };
}

export const cases = [{ name: 'incremental', peer: 'from scratch, the same bits', run }];

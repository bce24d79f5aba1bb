/**
 * Certifying sparsity: unit updates per second of the Gray-code sweep, beside the wanted 2e8 per core, and the conflict
 * certificate of a tree with 4,096 leaves, beside the wanted 10 s, with the time its checker takes.
 */
import {
  certifySparsity,
  checkCertificate,
  createNetwork,
  randomEnsembleNetwork,
  serializeCertificate,
} from '@fewfire/core';
import { exactUnits, sweepActivity } from '@fewfire/kernels';
import { median, ratio, seconds } from '../lib.mjs';

const WANTED_RATE = 2e8;
const WANTED_SECONDS = 10;

const sweeps = [
  { what: 'small integers', bitCount: 26, number: (uniform) => Math.floor(uniform() * 11) - 5 },
  { what: 'doubles of all digits', bitCount: 26, number: (uniform) => uniform() - 0.5 },
  {
    what: 'small integers, without SIMD',
    bitCount: 22,
    variant: 'scalar',
    number: (uniform) => Math.floor(uniform() * 11) - 5,
  },
  {
    what: 'small integers, two threads',
    bitCount: 28,
    threads: 2,
    number: (uniform) => Math.floor(uniform() * 11) - 5,
  },
];

async function sweepRate({ bitCount, number, variant, threads }) {
  const unitCount = 64;
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const weights = Float64Array.from({ length: bitCount * unitCount }, () => number(uniform));
  const biases = Float64Array.from({ length: unitCount }, () => number(uniform));
  const units = exactUnits(bitCount, weights, biases);
  const rates = [];
  for (let repeat = 0; repeat < 5; repeat++) {
    const start = performance.now();
    const { unitUpdates } = await sweepActivity(units, { kind: 'cube', bitCount }, { variant, threads });
    rates.push(unitUpdates / ((performance.now() - start) / 1e3));
  }
  return median(rates);
}

async function run() {
  const rows = [];
  const rates = {};
  for (const sweep of sweeps) {
    const rate = await sweepRate(sweep);
    rates[sweep.what] = rate;
    rows.push({
      what: `sweep of 64 units, n = ${sweep.bitCount}, ${sweep.what}`,
      fewfire: `${(rate / 1e9).toPrecision(2)}e9 unit updates/s (n = 30: ${seconds((64 * 2 ** 30) / rate)})`,
      peer: 'wanted: 2e8 unit updates/s per core',
      ratio: `${ratio(rate / WANTED_RATE)} the wanted`,
    });
  }
  const { network } = randomEnsembleNetwork({ inputCount: 60, treeCount: 1, depth: 12, seed: 5 });
  const certifySeconds = [];
  const checkSeconds = [];
  for (let repeat = 0; repeat < 3; repeat++) {
    const start = performance.now();
    const certificate = await certifySparsity(network, { method: 'conflicts' });
    const certified = performance.now();
    if (!certificate.exact || certificate.kUpper !== 1) throw new Error('a tree is 1-sparse');
    const text = await serializeCertificate(certificate);
    const started = performance.now();
    const { complete } = await checkCertificate(text, createNetwork(network));
    if (!complete) throw new Error('the certificate of the tree did not pass');
    certifySeconds.push((certified - start) / 1e3);
    checkSeconds.push((performance.now() - started) / 1e3);
  }
  const time = median(certifySeconds);
  rows.push({
    what: 'conflict certificate of a tree with 4,096 leaves on 60 coordinates',
    fewfire: `${seconds(time)}, checked independently in ${seconds(median(checkSeconds))}`,
    peer: 'wanted: 10 s',
    ratio: `${ratio(WANTED_SECONDS / time)} faster than wanted`,
  });
  return { rows, rates, certifySeconds, checkSeconds };
}

export const cases = [{ name: 'certify', peer: 'the targets of the issue', run }];

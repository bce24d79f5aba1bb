/** The one-pass estimate of a target of -1 and +1: exclusive or and popcount beside the block histograms, same sums, one thread. */
import assert from 'node:assert/strict';
import { createMonomialOperator, signedEstimate } from '@fewfire/kernels';
import { median, ratio, seconds } from '../lib.mjs';

const SHAPES = [
  [100, 2, 100_000],
  [300, 2, 100_000],
  [100, 3, 20_000],
  [100, 3, 100_000],
];
const REPETITIONS = 9;

async function measure(n, d, m) {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
  const planes = Uint8Array.from({ length: Math.ceil(n / 8) * m }, next);
  // Bits beyond the last coordinate are 0.
  if (n % 8 !== 0) for (let i = planes.length - m; i < planes.length; i++) planes[i] &= 2 ** (n % 8) - 1;
  const points = { rowCount: m, coordinateCount: n, planes };
  const target = Float64Array.from({ length: m }, () => (next() < 100 ? -1 : 1));
  const operator = await createMonomialOperator(points, { degree: d });
  const sums = new Float64Array(operator.plan.monomialCount);
  const blocks = [];
  const bits = [];
  // In turn, since the machine may be busy. Packing the points into bits is counted; making the operator is not.
  for (let r = 0; r < REPETITIONS; r++) {
    const start = performance.now();
    await operator.adjoint(target, sums);
    const between = performance.now();
    const own = await signedEstimate(points, target, d);
    bits.push((performance.now() - between) / 1e3);
    blocks.push((between - start) / 1e3);
    assert.deepEqual(own, sums);
  }
  operator.dispose();
  return { n, d, m, monomialCount: sums.length, bits, blocks };
}

async function run() {
  const measured = [];
  for (const shape of SHAPES) measured.push(await measure(...shape));
  const rows = measured.map(({ n, d, m, bits, blocks }) => ({
    what: `one-pass estimate of a target of -1 and +1, (n,d,m) = (${n},${d},${m.toLocaleString('en-US')})`,
    fewfire: seconds(median(bits)),
    peer: `block histograms: ${seconds(median(blocks))}`,
    ratio: `${ratio(median(blocks) / median(bits))} as fast`,
  }));
  return { rows, measured };
}

export const cases = [{ name: 'signed-estimate', peer: 'the adjoint by block histograms', run }];

/** A dense network of 1024 units on 1e6 points of 64 coordinates, beside numpy's (X @ W.T - b).clip(0) @ u: f64, one thread each. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, denseNetwork, evaluateNetwork } from '@fewfire/core';
import { drawPoints } from '@fewfire/core/internal';
import { benchDir, median, python, ratio, runJson, seconds, withTempDir } from '../lib.mjs';

const [INPUTS, UNITS, ROWS] = [64, 1024, 1_000_000];

async function run() {
  const { network: unbiased } = denseNetwork({ inputCount: INPUTS, unitCount: UNITS, seed: 1 });
  const random = createRandom(2);
  const network = { ...unbiased, biases: unbiased.biases.map(() => random.normal()) };
  const points = drawPoints(network, ROWS, 3);
  return withTempDir(async (folder) => {
    const files = { planes: points.planes, w: network.weights, b: network.biases, u: network.outputWeights };
    for (const [name, array] of Object.entries(files)) {
      writeFileSync(join(folder, name), new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    }
    const times = [[], []];
    const peers = [];
    let values;
    for (let repeat = 0; repeat < 3; repeat++) {
      for (const threads of [1, 2]) {
        const start = performance.now();
        values = await evaluateNetwork(network, points, { threads });
        times[threads - 1].push((performance.now() - start) / 1e3);
      }
      const peer = runJson(python, [
        join(benchDir, 'peers', 'numpy_network.py'),
        ...[INPUTS, UNITS, ROWS].map(String),
        folder,
      ]);
      if (!peer.ok) throw new Error(peer.error);
      peers.push(peer);
    }
    // Both sides computed the same numbers.
    const worst = peers[0].rows.reduce((most, row, i) => Math.max(most, Math.abs(values[row] - peers[0].values[i])), 0);
    if (!(worst < 1e-9)) throw new Error(`the values differ by ${worst}`);
    const [one, two] = times.map(median);
    const best = median(peers.map((peer) => peer.bestSeconds));
    const whole = median(peers.map((peer) => peer.wholeSeconds));
    return {
      rows: [
        {
          what: `dense network, ${UNITS} units, ${INPUTS} inputs, ${ROWS.toLocaleString('en-US')} points, one thread`,
          fewfire: `${seconds(one)} (two threads: ${seconds(two)})`,
          peer: `numpy, in batches that stay in cache, in place: ${seconds(best)}; as one expression: ${seconds(whole)}`,
          ratio: `${ratio(best / one)}; ${ratio(whole / one)} faster`,
        },
      ],
      times,
      worst,
      peers: peers.map(({ rows: _rows, values: _values, ...rest }) => rest),
    };
  });
}

export const cases = [{ name: 'network', peer: 'numpy', run }];

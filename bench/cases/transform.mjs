/** The full Walsh-Hadamard transform beside C radix-8: portable loops, explicit vectors of WebAssembly's width, and of the machine's. */

import { execFileSync } from 'node:child_process';
import { createTransformBuffer } from '@fewfire/kernels';
import { compileC, median, ratio, seconds, withTempDir } from '../lib.mjs';

const SIZES = [20, 24];

async function ours(n, type) {
  const data = (type === 'f32' ? Float32Array : Float64Array).from({ length: 2 ** n }, (_, i) => (i % 17) - 8);
  const buffer = await createTransformBuffer(data.length, type);
  const times = [];
  const withCopies = [];
  for (let r = 0; r < 25; r++) {
    const start = performance.now();
    buffer.write(data);
    const written = performance.now();
    buffer.transform();
    const done = performance.now();
    buffer.read(data.slice());
    times.push((done - written) / 1e3);
    withCopies.push((performance.now() - start) / 1e3);
  }
  return { median: median(times), withCopies: median(withCopies) };
}

async function run() {
  return withTempDir(async (folder) => {
    const programs = {
      'portable C': compileC('fwht8-plain.c', folder, 'plain'),
      'C, 16-byte vectors': compileC('fwht8.c', folder, 'narrow', ['-DVECTOR_BYTES=16']),
      "C, the machine's widest vectors": compileC('fwht8.c', folder, 'wide'),
    };
    const peers = {};
    // Both sides in turn, twice, and the better half of each: the machine may be busy.
    const measured = {};
    for (let round = 0; round < 2; round++) {
      for (const n of SIZES) {
        for (const type of ['f32', 'f64']) {
          const key = `${n} ${type}`;
          const result = await ours(n, type);
          if (!measured[key] || result.median < measured[key].median) measured[key] = result;
        }
      }
      for (const [name, program] of Object.entries(programs)) {
        const lines = execFileSync(program, SIZES.map(String), { encoding: 'utf8' })
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line));
        for (const line of lines) {
          const key = `${line.n} ${line.type}`;
          peers[key] ??= {};
          peers[key][name] = Math.min(peers[key][name] ?? Number.POSITIVE_INFINITY, line.medianSeconds);
        }
      }
    }
    const rows = Object.entries(measured).map(([key, own]) => {
      const [n, type] = key.split(' ');
      const named = Object.entries(peers[key]);
      return {
        what: `Walsh-Hadamard transform, n = ${n}, ${type}`,
        fewfire: `${seconds(own.median)} (${seconds(own.withCopies)} with copies in and out)`,
        peer: named.map(([name, time]) => `${name}: ${seconds(time)}`).join('; '),
        ratio: `${named.map(([, time]) => ratio(own.median / time)).join('; ')} of their time`,
      };
    });
    return { rows, measured, peers };
  });
}

export const cases = [{ name: 'transform', peer: 'C radix-8, gcc -O3 -march=native', run }];

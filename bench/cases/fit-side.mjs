/**
 * fewfire's side of the low-degree benchmark, a process of its own so that its memory can be read:
 *   node fit-side.mjs n d m planes.bin y.bin [truth.json] [threads]
 * Reads the same files as peers/sklearn_low_degree.py and prints one line of JSON.
 */
import { readFileSync } from 'node:fs';
import { countMonomials, fitLowDegree, termList } from '@fewfire/core';

const [n, d, m] = process.argv.slice(2, 5).map(Number);
const [planesFile, yFile, truthFile, threads = '1'] = process.argv.slice(5);
const started = performance.now();
const bytes = readFileSync(planesFile);
const planes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const raw = readFileSync(yFile);
const target = new Float64Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
const loaded = performance.now();
const cpu = process.cpuUsage();
// The peer's tolerance, 1e-6, is on the same kind of quantity: the gradient relative to its start.
const { model, summary } = await fitLowDegree({ rowCount: m, coordinateCount: n, planes }, target, {
  degree: d,
  tolerance: 1e-6,
  threads: Number(threads),
});
const ended = performance.now();
const used = process.cpuUsage(cpu);
const peakBytes = process.resourceUsage().maxRSS * 1024;
const result = {
  ok: true,
  n,
  d,
  m,
  threads: Number(threads),
  monomialCount: countMonomials(n, d),
  readSeconds: (loaded - started) / 1e3,
  fitSeconds: (ended - loaded) / 1e3,
  cpuSeconds: (used.user + used.system) / 1e6,
  peakBytes,
  iterations: summary.iterations,
  relativeGradient: summary.relativeGradient,
};
if (truthFile !== undefined && truthFile !== '-') {
  const { subsets, coefficients } = JSON.parse(readFileSync(truthFile, 'utf8'));
  const truth = new Map(subsets.map((subset, i) => [[...subset].sort((a, b) => a - b).join(' '), coefficients[i]]));
  let worst = 0;
  let found = 0;
  for (const term of termList(model)) {
    const expected = truth.get(term.coordinates.join(' ')) ?? 0;
    worst = Math.max(worst, Math.abs(term.coefficient - expected));
    if (expected !== 0 && Math.abs(term.coefficient) > 0.5) found++;
  }
  result.maxCoefError = worst;
  result.foundCount = found;
}
console.log(JSON.stringify(result));

/** Least squares over all monomials of degree d, beside scikit-learn's PolynomialFeatures + Ridge(lsqr): f64, one thread each. */
import { existsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { benchDir, mb, median, python, ratio, runJson, seconds, withTempDir } from '../lib.mjs';

const peer = join(benchDir, 'peers', 'sklearn_low_degree.py');
const side = join(benchDir, 'cases', 'fit-side.mjs');

async function compare(n, d, m, repetitions, peerRuns) {
  return withTempDir(async (folder) => {
    const files = [join(folder, 'planes.bin'), join(folder, 'y.bin')];
    const truth = join(folder, 'truth.json');
    const shape = [n, d, m].map(String);
    // The peer may use nearly all of the machine; beyond that it must say so instead of taking the machine down.
    const limitBytes = 0.9 * totalmem();
    const peerArgs = [peer, ...shape, ...files, '--truth', truth];
    if (!existsSync(python)) throw new Error(`${python} with scikit-learn is needed for this comparison`);
    const made = runJson(python, [...peerArgs, '--make', '1'], { limitBytes });
    const ours = [];
    const theirs = [];
    for (let i = 0; i < repetitions; i++) {
      ours.push(runJson(process.execPath, [side, ...shape, ...files, truth]));
      if (i < peerRuns) theirs.push(i === 0 && !made.ok ? made : runJson(python, peerArgs, { limitBytes }));
    }
    const failed = ours.find((run) => !run.ok);
    if (failed) throw new Error(failed.error);
    const our = pick(ours, (run) => run.fitSeconds);
    const their = theirs.some((run) => !run.ok)
      ? theirs.find((run) => !run.ok)
      : pick(theirs, (run) => run.expandSeconds + run.fitSeconds);
    const rows = [
      {
        what: `least squares, (n,d,m) = (${n},${d},${m.toLocaleString('en-US')}), ${our.monomialCount.toLocaleString('en-US')} monomials`,
        fewfire: `${seconds(our.fitSeconds)}, ${mb(our.peakBytes)}`,
        peer: their.ok
          ? `${seconds(their.expandSeconds + their.fitSeconds)}, ${mb(their.peakBytes)}`
          : their.error.split(':')[0],
        ratio: their.ok
          ? `${ratio((their.expandSeconds + their.fitSeconds) / our.fitSeconds)} faster, ${ratio(their.peakBytes / our.peakBytes)} less memory`
          : 'only fewfire finishes',
      },
    ];
    return { rows, ours, theirs };
  });
}

// The run with the median time, so that its time and memory belong together.
function pick(runs, time) {
  const middle = median(runs.map(time));
  return runs.find((run) => time(run) === middle);
}

const peerName = 'scikit-learn PolynomialFeatures + Ridge(lsqr, 1e-6)';
export const cases = [
  { name: 'low-degree-2-1e5', peer: peerName, run: () => compare(100, 2, 100_000, 5, 3) },
  { name: 'low-degree-2-1e6', peer: peerName, run: () => compare(100, 2, 1_000_000, 3, 1) },
  { name: 'low-degree-3-1e6', peer: peerName, run: () => compare(100, 3, 1_000_000, 1, 1) },
];

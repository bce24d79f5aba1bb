/** The lasso over all monomials: beside scikit-learn and glmnet at one lambda, and finding planted terms where they cannot go. */
import { writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { createCubePoints, createRandom, evaluatePolynomial, polynomialFromTerms } from '@fewfire/core';
import { benchDir, mb, median, python, ratio, runJson, seconds, withTempDir } from '../lib.mjs';

const side = join(benchDir, 'cases', 'lasso-side.mjs');
const TERM_COUNT = 50;
const NOISE = 0.5;

// Uniform points; 50 different terms of degree exactly d with coefficients +-[0.5, 1.5); Gaussian noise of 0.5.
async function plant(n, d, m, folder) {
  const random = createRandom(1);
  const points = createCubePoints(m, n);
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < m; i++) points.planes[(j >> 3) * m + i] |= random.integer(2) << (j & 7);
  }
  const terms = new Map();
  while (terms.size < TERM_COUNT) {
    const coordinates = Array.from(random.permutation(n).subarray(0, d)).sort((a, b) => a - b);
    const coefficient = (random.integer(2) === 0 ? -1 : 1) * (0.5 + random.uniform());
    terms.set(coordinates.join(' '), { coordinates, coefficient });
  }
  const names = Array.from({ length: n }, (_, j) => `x${j}`);
  const y = await evaluatePolynomial(polynomialFromTerms(names, [...terms.values()]), points);
  for (let i = 0; i < m; i++) y[i] += 3 + NOISE * random.normal();
  const [planesFile, yFile, truthFile] = ['planes.bin', 'y.bin', 'truth.json'].map((name) => join(folder, name));
  writeFileSync(planesFile, points.planes);
  writeFileSync(yFile, new Uint8Array(y.buffer, y.byteOffset, y.byteLength));
  writeFileSync(truthFile, JSON.stringify([...terms.values()].map((term) => term.coordinates)));
  return { args: [n, d, m].map(String).concat(planesFile, yFile), truthFile };
}

function pick(runs, time) {
  const failed = runs.find((run) => !run.ok);
  if (failed) throw new Error(failed.error);
  const middle = median(runs.map(time));
  return runs.find((run) => time(run) === middle);
}

async function beside(n, d, m, lambda, repetitions) {
  return withTempDir(async (folder) => {
    const { args } = await plant(n, d, m, folder);
    const limits = { limitBytes: 0.9 * totalmem() };
    const runs = { fewfire: [], sklearn: [], glmnet: [] };
    for (let i = 0; i < repetitions; i++) {
      runs.fewfire.push(runJson(process.execPath, [side, ...args, lambda]));
      runs.sklearn.push(runJson(python, [join(benchDir, 'peers', 'sklearn_lasso.py'), ...args, lambda], limits));
      runs.glmnet.push(runJson('Rscript', [join(benchDir, 'peers', 'glmnet_lasso.R'), ...args, lambda], limits));
    }
    const our = pick(runs.fewfire, (run) => run.fitSeconds);
    const whole = (run) => run.expandSeconds + run.fitSeconds;
    const [scikit, glmnet] = [runs.sklearn, runs.glmnet].map((list) => pick(list, whole));
    // Each side says how far its own objective can be off; ours must be as good as theirs to within that.
    for (const run of [our, scikit]) if (!(run.relativeGap <= 1e-4)) throw new Error(`gap of ${run.relativeGap}`);
    const rows = [
      {
        what: `lasso at lambda ${lambda}, (n,d,m) = (${n},${d},${m.toLocaleString('en-US')}), ${our.monomialCount.toLocaleString('en-US')} monomials, duality gap 1e-4`,
        fewfire: `${seconds(our.fitSeconds)}, ${mb(our.peakBytes)}`,
        peer: `scikit-learn ${seconds(whole(scikit))} (${seconds(scikit.fitSeconds)} without writing the columns out), ${mb(scikit.peakBytes)}; glmnet ${seconds(whole(glmnet))} (${seconds(glmnet.fitSeconds)}), its gap ${glmnet.relativeGap.toExponential(1)}`,
        ratio: `${ratio(whole(scikit) / our.fitSeconds)}; ${ratio(whole(glmnet) / our.fitSeconds)} faster`,
      },
    ];
    return { rows, ...runs };
  });
}

async function planted(n, d, m, repetitions) {
  return withTempDir(async (folder) => {
    const { args, truthFile } = await plant(n, d, m, folder);
    const ours = [];
    for (let i = 0; i < repetitions; i++) ours.push(runJson(process.execPath, [side, ...args, 'choose', truthFile]));
    const our = pick(ours, (run) => run.fitSeconds);
    // Under what a machine has, the peer says that it cannot.
    const limitBytes = 0.9 * totalmem();
    const peer = runJson(python, [join(benchDir, 'peers', 'sklearn_lasso.py'), ...args, String(our.lambda)], {
      limitBytes,
    });
    const rows = [
      {
        what: `${TERM_COUNT} planted terms under noise, lasso with lambda chosen on ${our.validation === 'split' ? 'a fifth of the rows' : '5 folds'}, (n,d,m) = (${n},${d},${m.toLocaleString('en-US')}), ${our.monomialCount.toLocaleString('en-US')} monomials`,
        fewfire: `${seconds(our.fitSeconds)} (${seconds(our.cpuSeconds)} of processor), ${mb(our.peakBytes)}; found ${our.foundCount}, false ${our.falseCount}`,
        peer: peer.ok
          ? `scikit-learn, that lambda only: ${seconds(peer.expandSeconds + peer.fitSeconds)}`
          : `scikit-learn: ${peer.error.split(':')[0]}`,
        ratio: peer.ok ? ratio((peer.expandSeconds + peer.fitSeconds) / our.fitSeconds) : 'only fewfire finishes',
      },
    ];
    return { rows, ours, peer };
  });
}

export const cases = [
  { name: 'lasso-2-1e4', peer: 'scikit-learn Lasso, R glmnet', run: () => beside(100, 2, 10_000, '0.01', 3) },
  { name: 'lasso-3-2e4', peer: 'scikit-learn Lasso', run: () => planted(100, 3, 20_000, 3) },
  { name: 'lasso-3-1e5', peer: 'scikit-learn Lasso', run: () => planted(100, 3, 100_000, 1) },
];

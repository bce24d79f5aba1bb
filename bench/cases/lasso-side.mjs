/**
 * fewfire's side of the lasso benchmark, a process of its own so that its memory can be read:
 *   node lasso-side.mjs n d m planes.bin y.bin (lambda | choose) [truth.json]
 * With a lambda: the lasso at it, to a duality gap of 1e-4. With `choose`: lambda by folds as `--method lasso` does it,
 * and the terms found. Prints one line of JSON.
 */
import { readFileSync } from 'node:fs';
import { fitElasticNet, selectLowDegree, termList } from '@fewfire/core';
import { fitCandidate } from '@fewfire/core/internal';

const [n, d, m] = process.argv.slice(2, 5).map(Number);
const [planesFile, yFile, lambda, truthFile] = process.argv.slice(5);
const planes = new Uint8Array(readFileSync(planesFile));
const target = new Float64Array(new Uint8Array(readFileSync(yFile)).buffer);
const points = { rowCount: m, coordinateCount: n, planes };
const started = performance.now();
const cpu = process.cpuUsage();
let fit;
let chosen;
if (lambda === 'choose') {
  chosen = await selectLowDegree(points, target, { degree: d, method: 'lasso' });
  fit = await fitCandidate(points, target, chosen.best);
} else fit = await fitElasticNet(points, target, { degree: d, lambda: Number(lambda), gapTolerance: 1e-4 });
const fitSeconds = (performance.now() - started) / 1e3;
const used = process.cpuUsage(cpu);
const terms = termList(fit.model);
const absolute = terms.reduce((sum, t) => sum + (t.coordinates.length > 0 ? Math.abs(t.coefficient) : 0), 0);
const result = {
  ok: true,
  monomialCount: fit.summary.monomialCount,
  fitSeconds,
  cpuSeconds: (used.user + used.system) / 1e6,
  peakBytes: process.resourceUsage().maxRSS * 1024,
  objective: fit.summary.trainingMse / 2 + fit.summary.lambda * absolute,
  relativeGap: fit.summary.dualityGap,
  lambda: fit.summary.lambda,
  termCount: fit.summary.termCount,
  converged: fit.summary.converged,
  validation: chosen?.validation,
};
if (truthFile !== undefined) {
  const truth = new Set(JSON.parse(readFileSync(truthFile, 'utf8')).map((subset) => subset.join(' ')));
  const found = terms.map((t) => t.coordinates.join(' ')).filter((name) => name !== '');
  result.foundCount = found.filter((name) => truth.has(name)).length;
  result.falseCount = found.length - result.foundCount;
}
console.log(JSON.stringify(result));

/**
 * A learned predictor of which units fire (Liu et al. 2023, Deja Vu): a low-rank int8 map, rank d / 8, to "will fire",
 * fitted by ridge regression to inputs, with one threshold that misses a given share of their mass. It runs in the kernels
 * of our calibrated blocks, as one of their screens.
 */
import { calibratedUnits, referenceEstimates } from '@fewfire/kernels';
import { fitLowRank } from '../../packages/core/dist/mlp/fit-low-rank.js';
import { inputMoments } from '../../packages/core/dist/mlp/fit-screens.js';
import { exactOutputs } from '../mlp-race.mjs';

/** @param rows inputs, row-major, on which regression and threshold are fitted */
export async function learnPredictor(weights, rows, missedMass) {
  const { inputWidth: d, unitCount } = weights;
  const count = rows.length / d;
  const { seen } = await exactOutputs({ weights, inputs: rows });
  const moments = await inputMoments(rows, d, {});
  // The regression is linear in the inputs, which are fewer than the units of a wide layer: solved for them, then added up.
  const solutions = solveRows(moments.factor, d, rows);
  const sums = new Float64Array(unitCount * d);
  // How often each unit fires: the intercept of the regression, inputs having mean near 0.
  const rates = new Float64Array(unitCount);
  for (const [i, { units }] of seen.entries()) {
    const solution = solutions.subarray(i * d, (i + 1) * d);
    for (const u of units) {
      rates[u] += 1 / count;
      for (let c = 0, at = u * d; c < d; c++) sums[at + c] += solution[c];
    }
  }
  // Some 3 % fire: in units of that the numbers are near 1.
  const up = Float32Array.from(sums, (sum) => sum / count);
  const regression = { ...weights, up, upBias: new Float32Array(unitCount) };
  const { offsets, spreads, ...screen } = await fitLowRank(regression, moments, rows, 16 * Math.round(d / 128), {});
  const pairs = [];
  for (const [i, { units, values }] of seen.entries()) {
    const estimates = referenceEstimates(screen, weights, rows.subarray(i * d, (i + 1) * d), units);
    const total = values.reduce((sum, v) => sum + v, 0);
    units.forEach((u, k) => {
      pairs.push([estimates[k] + rates[u], values[k] / total / count]);
    });
  }
  pairs.sort(([a], [b]) => a - b);
  let missed = 0;
  const [threshold] = pairs.find(([, share]) => {
    missed += share;
    return missed > missedMass;
  });
  const thresholds = new Float32Array(calibratedUnits(unitCount));
  for (let u = 0; u < unitCount; u++) thresholds[u] = threshold - 1e-6 - rates[u];
  return { ...screen, thresholds };
}

/** Rows x with (L L') x = right, for every row of `right`: four together, so that the factor is read once for them. */
function solveRows(lower, d, right) {
  const rowCount = right.length / d;
  const upper = new Float64Array(d * d);
  for (let i = 0; i < d; i++) for (let j = 0; j <= i; j++) upper[j * d + i] = lower[i * d + j];
  const result = new Float32Array(right.length);
  const x = new Float64Array(4 * d);
  const solveEntry = (factor, i, from, to) => {
    let a = 0;
    let b = 0;
    let c = 0;
    let e = 0;
    for (let j = from, at = 4 * from; j < to; j++, at += 4) {
      const weight = factor[i * d + j];
      a += weight * x[at];
      b += weight * x[at + 1];
      c += weight * x[at + 2];
      e += weight * x[at + 3];
    }
    const pivot = factor[i * d + i];
    x[4 * i] = (x[4 * i] - a) / pivot;
    x[4 * i + 1] = (x[4 * i + 1] - b) / pivot;
    x[4 * i + 2] = (x[4 * i + 2] - c) / pivot;
    x[4 * i + 3] = (x[4 * i + 3] - e) / pivot;
  };
  for (let first = 0; first < rowCount; first += 4) {
    const some = Math.min(4, rowCount - first);
    for (let q = 0; q < some; q++) for (let i = 0; i < d; i++) x[4 * i + q] = right[(first + q) * d + i];
    for (let i = 0; i < d; i++) solveEntry(lower, i, 0, i);
    for (let i = d - 1; i >= 0; i--) solveEntry(upper, i, i + 1, d);
    for (let q = 0; q < some; q++) for (let i = 0; i < d; i++) result[(first + q) * d + i] = x[4 * i + q];
  }
  return result;
}

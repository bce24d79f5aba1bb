/**
 * A first test for the exact way, fitted to inputs: a subspace that holds most of the inputs and most of the weights. What
 * lies outside it enters the test as |w outside| |x outside| (docs/sparse-mlp.md), so the basis makes the product of the two
 * means small: the leading directions of C / tr(C outside) + G / tr(G outside), C and G the second moments of inputs and
 * weights, whose traces and directions are found in turns. Any basis gives the same outputs; a good one is fast.
 *
 * How many directions, and whether the test is worth having at all, is decided by the bytes that it and what it leaves have
 * to read on inputs that it was not fitted to; never by the clock, so that the same inputs give the same choice.
 */
import {
  isUsableProjection,
  type MlpProjection,
  type MlpScreen,
  quantiseProjection,
  type ReluLayer,
} from '@fewfire/kernels';
import {
  createRandom,
  createReportingTurn,
  FewfireError,
  type ReportingTurn,
  type RunOptions,
  throwIfAborted,
} from '../base/index.ts';
import { orthonormal, type RowSample, secondMoments, timesMatrix } from './subspace.ts';

/** Inputs, and units, from which moments are taken: the width and so many more. */
const MORE_ROWS = 512;
/** Of these, how many tell what lies outside a basis. */
const OUTSIDE_ROWS = 128;
const MOST_TRIED_INPUTS = 96;
const ROUNDS = 4;
const RANK_STEP = 16;
/** Ranks that are tried, as shares of the width. */
const RANK_SHARES = [1 / 16, 1 / 8, 3 / 16, 1 / 4, 5 / 16, 3 / 8];
const MOST_RANK = 512;
/** Fitting takes work that grows with the cube of the width. */
const MOST_WIDTH = 8192;
/** The traces are taken for a basis of this share of the width. */
const TYPICAL_SHARE = 1 / 4;
/** Rows of int8 in no order cost more than one stream. */
const GATHER_COST = 1.5;
/** Reading and evaluating so much less is not worth a second copy of the factors. */
const LEAST_GAIN = 0.1;
/** Quantising of factors, products and rounding, as a share of |w| |x|: what the real bounds add, roughly. */
const QUANTISING = 0.006;
const LEAST_INPUTS = 64;

/** @throws FewfireError `invalid-argument` for other than whole rows, `invalid-data` for NaN or infinity */
export function checkInputs(inputs: Float32Array, inputWidth: number, what: string): void {
  const count = inputs?.length / inputWidth;
  if (!(inputs instanceof Float32Array) || !Number.isInteger(count)) {
    throw new FewfireError(
      'invalid-argument',
      `the ${what} have ${inputs?.length} numbers; expected a Float32Array of rows of ${inputWidth}`,
    );
  }
  const at = inputs.findIndex((v) => !Number.isFinite(v));
  if (at >= 0) {
    throw new FewfireError(
      'invalid-data',
      `number ${at % inputWidth} of row ${Math.floor(at / inputWidth)} of the ${what} is ${inputs[at]}; expected finite numbers`,
    );
  }
}

/**
 * @param inputs typical inputs, row-major, finite
 * @param screen the int8 screen of the block
 * @returns undefined where a projection would not pay on these inputs
 */
export async function fitProjection(
  block: ReluLayer,
  screen: MlpScreen,
  inputs: Float32Array,
  options: RunOptions,
): Promise<MlpProjection | undefined> {
  const { inputWidth: d, unitCount, up } = block;
  const count = inputs.length / d;
  const ranks = [...new Set(RANK_SHARES.map((share) => RANK_STEP * Math.round((share * d) / RANK_STEP)))].filter(
    (rank) => rank > 0 && rank <= Math.min(MOST_RANK, d / 2),
  );
  if (ranks.length === 0 || d > MOST_WIDTH || count < LEAST_INPUTS) return undefined;
  const random = createRandom((options.seed ?? 1) + 2);
  const order = random.permutation(count);
  const tried = Math.min(MOST_TRIED_INPUTS, count >> 2);
  const mostRows = d + MORE_ROWS;
  const turn = createReportingTurn('fitting the projection', options);
  const fitted = order.subarray(tried, Math.min(count, tried + mostRows));
  const units = random.permutation(unitCount).subarray(0, Math.min(unitCount, mostRows));
  const samples = [
    { rows: inputs, list: fitted },
    { rows: up, list: units },
  ];
  const rank = ranks[ranks.length - 1];
  const columns = await subspace(samples, d, rank, random, turn);
  if (columns === undefined) return undefined;
  const basis = Float64Array.from({ length: rank * d }, (_, i) => columns[(i % d) * rank + Math.floor(i / d)]);
  // Where inputs and weights have fewer directions, the last columns are zero.
  const there = ranks.filter((q) => basis.subarray((q - 1) * d, q * d).some((v) => v !== 0));
  if (there.length === 0) return undefined;
  const choice = await cheapest(block, screen, basis, there, inputs, order.subarray(0, tried), turn);
  throwIfAborted(options.signal);
  if (choice === undefined) return undefined;
  const fit = quantiseProjection(basis.subarray(0, choice.rank * d), choice.rank, up, d, choice.refineAbove);
  return isUsableProjection(fit, d) ? fit : undefined;
}

// Simultaneous iteration: the first columns are near the leading directions, whatever part of them is used. Undefined where
// inputs or weights are all zero.
async function subspace(
  samples: readonly RowSample[],
  d: number,
  rank: number,
  random: ReturnType<typeof createRandom>,
  turn: ReportingTurn,
): Promise<Float64Array | undefined> {
  const typical = Math.min(rank, Math.max(1, Math.round(TYPICAL_SHARE * d)));
  let basis: Float64Array = new Float64Array(d * rank);
  let outside = samples.map((sample) => meanOutside(sample, basis, d, rank, typical));
  if (outside.includes(0)) return undefined;
  const ofSamples: Float64Array[] = [];
  for (const sample of samples) ofSamples.push(await secondMoments(sample, d, turn));
  const [c, g] = ofSamples;
  basis = await orthonormal(
    Float64Array.from({ length: d * rank }, () => random.normal()),
    rank,
    turn,
  );
  for (let round = 0; round < ROUNDS; round++) {
    const [byInputs, byWeights] = outside.map((v) => 1 / v);
    const both = c.map((v, i) => byInputs * v + byWeights * g[i]);
    basis = await orthonormal(await timesMatrix(both, basis, rank, turn), rank, turn);
    outside = samples.map((sample) => meanOutside(sample, basis, d, rank, typical));
  }
  return basis;
}

/** Mean square of some rows outside the first columns; a little of all of it at least, so that it has an inverse. */
function meanOutside({ rows, list }: RowSample, basis: Float64Array, d: number, rank: number, used: number): number {
  const inside = new Float64Array(used);
  let all = 0;
  let left = 0;
  for (const r of list.subarray(0, OUTSIDE_ROWS)) {
    inside.fill(0);
    for (let i = 0; i < d; i++) {
      const v = rows[r * d + i];
      all += v * v;
      left += v * v;
      for (let k = 0; k < used; k++) inside[k] += v * basis[i * rank + k];
    }
    for (const v of inside) left -= v * v;
  }
  return Math.max(left, 1e-9 * all);
}

interface Choice {
  readonly rank: number;
  readonly refineAbove: number;
}

async function cheapest(
  block: ReluLayer,
  screen: MlpScreen,
  basis: Float64Array,
  ranks: readonly number[],
  inputs: Float32Array,
  tried: Uint32Array,
  turn: ReportingTurn,
): Promise<Choice | undefined> {
  const { inputWidth: d, unitCount, up, upBias } = block;
  const most = ranks[ranks.length - 1];
  const projected = new Float64Array(unitCount * most);
  const norms = new Float64Array(unitCount);
  const pattern = new Float64Array(most);
  const project = (row: Float32Array): Float64Array => {
    for (let k = 0; k < most; k++) {
      let sum = 0;
      for (let i = 0; i < d; i++) sum += basis[k * d + i] * row[i];
      pattern[k] = sum;
    }
    return pattern;
  };
  for (let u = 0; u < unitCount; u++) {
    const w = up.subarray(u * d, (u + 1) * d);
    for (const v of w) norms[u] += v * v;
    projected.set(project(w), u * most);
    await turn(u, unitCount);
  }
  // Units that the int8 test lets through, and those that each rank does.
  const left = ranks.map(() => 0);
  let survivors = 0;
  for (const [done, r] of tried.entries()) {
    const x = inputs.subarray(r * d, (r + 1) * d);
    const z = project(x).slice();
    let squares = 0;
    for (const v of x) squares += v * v;
    const norm = Math.sqrt(squares);
    for (let u = 0; u < unitCount; u++) {
      const at = u * most;
      let sum = upBias[u] + QUANTISING * Math.sqrt(norms[u]) * norm;
      let [wLeft, xLeft] = [norms[u], squares];
      for (let q = 0, k = 0; q < ranks.length; q++) {
        for (; k < ranks[q]; k++) {
          const [a, b] = [projected[at + k], z[k]];
          sum += a * b;
          wLeft -= a * a;
          xLeft -= b * b;
        }
        if (sum + Math.sqrt(Math.max(0, wLeft) * Math.max(0, xLeft)) > 0) left[q]++;
      }
      let dot = upBias[u] + 1.1 * screen.weightErrors[u] * norm;
      for (let i = 0; i < d; i++) dot += up[u * d + i] * x[i];
      if (dot > 0) survivors++;
    }
    await turn(done, tried.length);
  }
  const total = tried.length * unitCount;
  const share = survivors / total;
  // Bytes: int8 rows and five numbers a unit; rows of f32 for what is left.
  const evaluate = 4 * d * unitCount;
  const plain = unitCount * (d + 16) + share * evaluate;
  const refineAbove = Math.min(1, GATHER_COST * share);
  let best: (Choice & { readonly cost: number }) | undefined;
  for (const [q, rank] of ranks.entries()) {
    const through = left[q] / total;
    const after = through > refineAbove ? GATHER_COST * through * d * unitCount + share * evaluate : through * evaluate;
    const cost = 2 * rank * d + unitCount * (rank + 20) + after;
    if (best === undefined || cost < best.cost) best = { rank, refineAbove, cost };
  }
  return best !== undefined && best.cost < (1 - LEAST_GAIN) * plain ? best : undefined;
}

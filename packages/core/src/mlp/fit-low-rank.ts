/**
 * The low-rank screen of a calibrated block: W is about A V, fitted to inputs with the second moments M = L L'. The best
 * subspace for W L, by simultaneous iteration, makes the error of the estimates over such inputs least, and its first columns
 * are the best of any smaller rank. Columns of A fall off fast, so that a first test may read the leading ones of every unit,
 * and a second one all columns of the few units that are left.
 *
 * How many columns there are, and how many lead, is decided by the bytes that the tests and what they leave have to read;
 * never by the clock, so that the same inputs give the same screen.
 */
import { quantiseLowRank, type ReluLayer } from '@fewfire/kernels';
import { createRandom, createReportingTurn, type ReportingTurn, type RunOptions } from '../base/index.ts';
import { type FittedScreen, fitLines, type InputMoments, type Line } from './fit-screens.ts';
import { addScaled, orthonormal, secondMoments, timesMatrix } from './subspace.ts';
import { asNeeds, firstToMiss, kappaFor, LEAD_SLACK, type Need, neededKappa, type Seen } from './thresholds.ts';

const RANK_STEP = 16;
/** Ranks that are tried, as shares of the width. */
const RANK_SHARES = [1 / 32, 1 / 16, 1 / 8, 3 / 16, 1 / 4];
const MOST_RANK = 256;
/** Leading columns that are tried. */
const LEADS = [16, 32, 64];
const SUBSPACE_ROUNDS = 3;
/** From so many units the subspace is found. */
const MOST_UNITS = 4096;
/** On so many units and inputs, the inputs as long as no more than so many units fire, the ranks are compared. */
const CHOICE_UNITS = 2048;
const CHOICE_INPUTS = 128;
const CHOICE_ACTIVE = 2 ** 16;
/** What a listed row, its scale and threshold cost beyond the row's bytes: cache misses, roughly. */
const LISTED_BYTES = 256;

/** Ranks that a block may have; none where there would be no saving. */
export function lowRanks(inputWidth: number): readonly number[] {
  const ranks = RANK_SHARES.map((share) => RANK_STEP * Math.max(1, Math.round((share * inputWidth) / RANK_STEP)));
  const within = ranks.map((rank) => Math.min(rank, MOST_RANK));
  return [...new Set(within)].filter((rank) => rank <= inputWidth / 2);
}

/** What decides on the rank: inputs that nothing was fitted to, who fires for them, and the missed mass to aim for. */
export interface RankChoice {
  readonly rows: Float32Array;
  readonly seen: readonly Seen[];
  readonly aim: number;
}

/** @param rank to be chosen, or given (one test, by all columns): a multiple of 16, at most half the width */
export async function fitLowRank(
  block: ReluLayer,
  { factor }: InputMoments,
  rows: Float32Array,
  rank: RankChoice | number,
  options: RunOptions,
): Promise<FittedScreen> {
  const { inputWidth: d, unitCount } = block;
  const random = createRandom((options.seed ?? 1) + 1);
  const turn = createReportingTurn('fitting the low-rank screen', options);
  const most = typeof rank === 'number' ? rank : Math.max(...lowRanks(d));
  const units = random.permutation(unitCount);
  const basis = await leadingSubspace(block, factor, units.subarray(0, MOST_UNITS), most, random, turn);
  const mapped = await timesMatrix(factor, basis, most, turn, true);
  const projection = await solveProjection(factor, basis, most, turn);
  const chosen =
    typeof rank === 'number'
      ? { rank, lead: undefined }
      : // Units from the other end: of wide blocks, those that the subspace was not fitted to.
        await cheapest(block, mapped, projection, units.subarray(-CHOICE_UNITS), rank, turn);
  const used = Float64Array.from(
    { length: d * chosen.rank },
    (_, i) => mapped[Math.floor(i / chosen.rank) * most + (i % chosen.rank)],
  );
  const all = Uint32Array.from({ length: unitCount }, (_, u) => u);
  const factors = await factorsOf(block, used, chosen.rank, all, turn);
  const low = quantiseLowRank(factors, projection.subarray(0, chosen.rank * d), chosen.rank, block);
  const lead = chosen.lead === undefined ? undefined : { columns: chosen.lead };
  return fitLines(block, { method: 'low-rank', ...low, lead }, rows, options);
}

// The leading eigenvectors of L' (W' W) L, d x rank.
async function leadingSubspace(
  { inputWidth: d, up }: ReluLayer,
  factor: Float64Array,
  units: Uint32Array,
  rank: number,
  random: ReturnType<typeof createRandom>,
  turn: ReportingTurn,
): Promise<Float64Array> {
  const moments = await secondMoments({ rows: up, list: units }, d, turn);
  let basis = await orthonormal(
    Float64Array.from({ length: d * rank }, () => random.normal()),
    rank,
    turn,
  );
  for (let round = 0; round < SUBSPACE_ROUNDS; round++) {
    const sums = await timesMatrix(factor, basis, rank, turn, true);
    const mapped = await timesMatrix(moments, sums, rank, turn);
    basis = await orthonormal(await timesTransposedFactor(factor, mapped, rank, turn), rank, turn);
  }
  return basis;
}

// Rows of A for some units, one after the other.
async function factorsOf(
  { inputWidth: d, up }: ReluLayer,
  mapped: Float64Array,
  rank: number,
  units: Uint32Array,
  turn: ReportingTurn,
): Promise<Float32Array> {
  const factors = new Float32Array(units.length * rank);
  const row = new Float64Array(rank);
  for (const [k, u] of units.entries()) {
    combineRows(up.subarray(u * d, (u + 1) * d), mapped, row);
    factors.set(row, k * rank);
    await turn(k, units.length);
  }
  return factors;
}

interface Columns {
  readonly rank: number;
  readonly lead: number | undefined;
}

async function cheapest(
  block: ReluLayer,
  mapped: Float64Array,
  projection: Float32Array,
  units: Uint32Array,
  { rows, seen, aim }: RankChoice,
  turn: ReportingTurn,
): Promise<Columns> {
  const { inputWidth: d, unitCount } = block;
  const ranks = lowRanks(d);
  let activeCount = 0;
  const inputs = seen.slice(0, CHOICE_INPUTS).filter(({ units: fired }) => {
    activeCount += fired.length;
    return activeCount <= Math.max(CHOICE_ACTIVE, fired.length);
  });
  const tested = [...new Set([...ranks, ...LEADS.filter((lead) => lead < Math.max(...ranks))])].sort((a, b) => a - b);
  const kappas = await neededKappas(block, mapped, projection, units, rows, inputs.length, tested, turn);
  // Who fires among the units, as places in their list.
  const places = new Int32Array(unitCount).fill(-1);
  for (const [k, u] of units.entries()) places[u] = k;
  const active = inputs.flatMap(({ units: fired, values }, i) => {
    const own = [...fired.keys()].filter((k) => places[fired[k]] >= 0);
    const total = own.reduce((sum, k) => sum + Math.abs(values[k]), 0);
    return own.map((k) => ({
      at: i * units.length + places[fired[k]],
      share: total > 0 ? Math.abs(values[k]) / total / inputs.length : 0,
    }));
  });
  let best: (Columns & { readonly bytes: number }) | undefined;
  for (const rank of ranks) {
    const own = kappas[tested.indexOf(rank)];
    for (const lead of [undefined, ...LEADS.filter((lead) => lead < rank)]) {
      const leading = lead === undefined ? undefined : kappas[tested.indexOf(lead)];
      const needs = active.map(({ at, share }): Need => {
        const kappa = leading === undefined ? own[at] : Math.max(own[at], leading[at] - LEAD_SLACK);
        return { kappa, share };
      });
      const kappa = kappaFor(asNeeds(firstToMiss(needs, aim)), aim);
      let [first, kept] = [0, 0];
      for (let at = 0; at < own.length; at++) {
        if (leading !== undefined && leading[at] > kappa + LEAD_SLACK) continue;
        first++;
        if (own[at] <= kappa) kept++;
      }
      const listed = leading === undefined ? 0 : (first / own.length) * (rank + LISTED_BYTES);
      const ofUnit = (lead ?? rank) + listed + (kept / own.length) * 4 * d;
      const bytes = rank * d + unitCount * ofUnit;
      if (best === undefined || bytes < best.bytes) best = { rank, lead, bytes };
      await turn(ranks.indexOf(rank), ranks.length);
    }
  }
  return best ?? { rank: ranks[0], lead: undefined };
}

// For each number of columns, by input and unit: from which kappa on the unit is kept.
async function neededKappas(
  block: ReluLayer,
  mapped: Float64Array,
  projection: Float32Array,
  units: Uint32Array,
  rows: Float32Array,
  inputCount: number,
  tested: readonly number[],
  turn: ReportingTurn,
): Promise<readonly Float32Array[]> {
  const { inputWidth: d, up, upBias } = block;
  const most = projection.length / d;
  const count = units.length;
  const factors = await factorsOf(block, mapped, most, units, turn);
  const estimates = tested.map(() => new Float32Array(inputCount * count));
  const errors = tested.map(() => [new Float64Array(count), new Float64Array(count)]);
  const products = new Float64Array(most);
  for (let i = 0; i < inputCount; i++) {
    const x = rows.subarray(i * d, (i + 1) * d);
    for (let r = 0; r < most; r++) {
      let sum = 0;
      for (let c = 0; c < d; c++) sum += projection[r * d + c] * x[c];
      products[r] = sum;
    }
    for (let k = 0; k < count; k++) {
      let z = upBias[units[k]];
      for (let c = 0, at = units[k] * d; c < d; c++, at++) z += up[at] * x[c];
      let estimate = 0;
      for (let q = 0, r = 0; q < tested.length; q++) {
        for (; r < tested[q]; r++) estimate += factors[k * most + r] * products[r];
        estimates[q][i * count + k] = estimate;
        const error = z - estimate;
        errors[q][0][k] += error / inputCount;
        errors[q][1][k] += (error * error) / inputCount;
      }
    }
    await turn(i, inputCount);
  }
  return estimates.map((own, q) => {
    const [offsets, squares] = errors[q];
    const line: Line = {
      offsets,
      spreads: squares.map((square, k) => Math.sqrt(Math.max(0, square - offsets[k] * offsets[k]))),
    };
    return own.map((estimate, at) => neededKappa(estimate, line, at % count));
  });
}

// sum of w[c] times row c.
function combineRows(w: Float32Array, rows: Float64Array, sum: Float64Array): void {
  const rank = sum.length;
  sum.fill(0);
  for (let c = 0; c < w.length; c++) {
    const factor = w[c];
    const at = c * rank;
    for (let r = 0; r < rank; r++) sum[r] += factor * rows[at + r];
  }
}

async function timesTransposedFactor(
  factor: Float64Array,
  rows: Float64Array,
  rank: number,
  turn: ReportingTurn,
): Promise<Float64Array> {
  const d = rows.length / rank;
  const product = new Float64Array(d * rank);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      addScaled(product, j * rank, factor[i * d + j], rows.subarray(i * rank, (i + 1) * rank));
    }
    await turn(i, d);
  }
  return product;
}

// V with V L = basis', rank x d.
async function solveProjection(
  factor: Float64Array,
  basis: Float64Array,
  rank: number,
  turn: ReportingTurn,
): Promise<Float32Array> {
  const d = basis.length / rank;
  const left = basis.slice();
  for (let i = d - 1; i >= 0; i--) {
    const row = left.subarray(i * rank, (i + 1) * rank);
    for (let r = 0; r < rank; r++) row[r] /= factor[i * d + i];
    for (let j = 0; j < i; j++) addScaled(left, j * rank, -factor[i * d + j], row);
    await turn(d - i, d);
  }
  return Float32Array.from({ length: rank * d }, (_, i) => left[(i % d) * rank + Math.floor(i / d)]);
}

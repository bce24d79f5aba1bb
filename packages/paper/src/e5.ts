/**
 * E5, Theorem 4.2: parities of p bits are 1-sparse networks of s = 2^p units, and learning them takes degree p = log2 s.
 * Work is counted, not timed: monomials fitted. The count belongs to this learner; that no other does better is the
 * conjecture behind the theorem, with which a measurement can only be consistent.
 */
import {
  certifySparsity,
  countMonomials,
  fitLowDegree,
  networkPolynomial,
  parityNetwork,
  type RunOptions,
  sampleNetwork,
  tailWeight,
} from '@fewfire/core';
import { networkScale } from '@fewfire/core/internal';
import { errorOnFresh, exactError, show } from './e4.ts';
import type { Claim, Experiment, ExperimentOptions, ExperimentResult, Series } from './experiment.ts';

const title = 'Theorem 4.2: time n^(log s) is expected, juntas are in the class';
const statement =
  'Every function of p coordinates is a 1-sparse network of at most 2^p units, so learning s units takes time n^Omega(log s) under the uniform distribution if juntas are hard; a parity of p bits needs degree p.';

const scales = {
  tiny: { n: 7, parities: 3, rowFactor: 3, testRows: 1000, sizes: [7, 10] },
  quick: { n: 14, parities: 5, rowFactor: 4, testRows: 20_000, sizes: [10, 14, 20, 40] },
  full: { n: 18, parities: 6, rowFactor: 4, testRows: 100_000, sizes: [10, 18, 40, 100] },
} as const;

async function run(options: ExperimentOptions): Promise<ExperimentResult> {
  const { scale, seed = 1, boundFactor = 1, signal, threads } = options;
  const { n, parities, rowFactor, testRows, sizes } = scales[scale];
  const run: RunOptions = { signal, threads };
  const series: Series[] = [];
  const found: { x: number; y: number }[] = [];
  let membership = 0;
  let certificate = 0;
  let lower = 0;
  let early = 0;
  let solved = 0;
  let below = 0;
  for (let p = 1; p <= parities; p++) {
    options.onProgress?.({ phase: 'E5', done: p - 1, total: parities, unit: 'steps' });
    const { network, claims } = parityNetwork({ inputCount: n, coordinates: Array.from({ length: p }, (_, i) => i) });
    // In the class: proven k against 1, s against 2^p, W against sqrt(p)/2.
    const proven = await certifySparsity(network, run);
    const { weight } = networkScale(network);
    const sparsity = proven.upperBound === 'proved' ? proven.kUpper : Number.POSITIVE_INFINITY;
    membership = Math.max(membership, sparsity, network.unitCount / 2 ** p, weight / (Math.sqrt(p) / 2));
    const truth = await networkPolynomial(network, run);
    // The whole weight lies at degree p, and 4 k² W² / (d + 1) = 1 at d = p - 1.
    certificate = Math.max(
      certificate,
      tailWeight(truth, p - 1) / ((4 * (claims.k as number) ** 2 * claims.W ** 2) / p),
    );
    const fresh = await sampleNetwork(network, { ...run, rowCount: testRows, seed: seed + 900 + p });
    const points: Series['points'][number][] = [];
    for (let degree = 1; degree <= p; degree++) {
      const rowCount = rowFactor * countMonomials(n, degree);
      const train = await sampleNetwork(network, { ...run, rowCount, seed: seed + 10 * p + degree });
      const { model } = await fitLowDegree(train.points, train.target, { ...run, degree });
      const error = await errorOnFresh(model, fresh.points, fresh.values, run);
      points.push({ x: degree, y: error.mean, low: error.low, high: error.high });
      if (degree < p) {
        below++;
        // A lower bound made wrong is a larger one: 1 / boundFactor.
        lower = Math.max(lower, 1 / boundFactor / exactError(truth, model));
        if (error.high < 1 / boundFactor) early++;
      } else if (error.high < 0.5) {
        solved++;
        found.push({ x: p, y: countMonomials(n, degree) });
      }
    }
    series.push({ name: `parity of ${p}`, kind: 'estimate', points });
  }
  const ps = Array.from({ length: parities }, (_, i) => i + 1);
  const growth = found.length > 1 ? found[found.length - 1].y / found[0].y : Number.NaN;
  const within = (ratio: number): Claim['verdict'] => (ratio <= boundFactor * (1 + 1e-9) ? 'holds' : 'does not hold');
  return {
    id: 'E5',
    title,
    statement,
    settings: { n, parities, rowFactor, testRowCount: testRows, inputCounts: sizes },
    seed,
    claims: [
      {
        statement: 'Theorem 4.2: parities of p bits are networks with k = 1, s ≤ 2^p, W = sqrt(p)/2 (tight form)',
        measured: `proven k, s / 2^p and W / (sqrt(p)/2) for p = 1 to ${parities}, n = ${n}; largest ${show(membership)}`,
        verdict: within(membership),
        largestRatio: membership / boundFactor,
      },
      {
        statement: 'Degree certificate (new) at d = p - 1: weight beyond is at most 4 k² W² / p = 1',
        measured: `exact weight over bound for p = 1 to ${parities}; largest ${show(certificate)}: no smaller degree than the certificate's serves the class`,
        verdict: within(certificate),
        largestRatio: certificate / boundFactor,
      },
      {
        statement: 'Degree p is needed: every polynomial of lower degree has square error at least 1',
        measured: `exact errors of ${below} fits of degree d < p; largest 1 / error ${show(lower * boundFactor)}`,
        verdict: lower <= 1 + 1e-9 ? 'holds' : 'does not hold',
        largestRatio: lower,
      },
      {
        statement: 'Theorem 4.2 (hardness): time n^Omega(log s)',
        measured: `of ${below} fits below degree p, ${early} had a test error surely below 1; ${solved} of ${parities} parities were learned at degree p = log2 s, with D(n, p) monomials, from ${found[0]?.y ?? 'none'} to ${found.at(-1)?.y ?? 'none'} at n = ${n}. A cost of this learner, not of all`,
        verdict: early === 0 && solved === parities ? 'consistent with' : 'not consistent with',
      },
    ],
    figures: [
      {
        title: `Test error of least squares against degree, n = ${n}, ${rowFactor} rows a monomial`,
        x: { label: 'degree of the fit', scale: 'linear' },
        y: { label: 'square error on fresh rows', scale: 'linear' },
        series,
        seen: `Each parity stays at 1 or above (least below its degree: ${show(leastBelow(series))}) and drops to ${show(largestAt(series))} at most when the degree reaches p.`,
      },
      {
        title: 'Monomials of degree at most p, the work to learn a parity of p bits',
        x: { label: 'p = log2 s', scale: 'linear' },
        y: { label: 'monomials', scale: 'log' },
        series: [
          { name: `counted in the fits that succeeded, n = ${n}`, kind: 'exact', points: found },
          ...sizes.flatMap((size): Series[] => [
            {
              name: `D(n, p), n = ${size}`,
              kind: 'exact',
              points: ps.filter((p) => p <= size).map((p) => ({ x: p, y: countMonomials(size, p) })),
            },
            {
              name: `n^p, n = ${size}`,
              kind: 'published, constant 1',
              points: ps.map((p) => ({ x: p, y: size ** p })),
            },
          ]),
        ],
        seen: `At n = ${n} the work grows ${show(growth)} times from p = 1 to p = ${parities} while s grows ${2 ** (parities - 1)} times: n^p / p!, roughly, and no polynomial in s and n.`,
      },
    ],
    notes: [
      `Test errors are of ${testRows} fresh rows, with 2.6 standard errors (about 99 %). Below degree p a fit is a little worse than 1, because it fits noise: 1 + D/(m - D) is expected from m rows, ${show(1 + 1 / (rowFactor - 1))} here.`,
      'Known faster learners of juntas and of noiseless parities (Gaussian elimination) exist; the theorem speaks of what is expected for juntas, and statistical-query learners need n^Omega(p) for parities.',
    ],
  };
}

function leastBelow(series: readonly Series[]): number {
  return Math.min(...series.flatMap(({ points }) => points.slice(0, -1).map((point) => point.y)));
}

function largestAt(series: readonly Series[]): number {
  return Math.max(...series.map(({ points }) => points[points.length - 1].y));
}

export const experiment: Experiment = { id: 'E5', title, run };

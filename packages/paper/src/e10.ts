/**
 * E10, Appendix A: gated indexing, whose units are halfspaces over all data bits with dense weights, is as sparsely
 * active as indexing, whose units read one data bit each; so it should be learned as well. Both get the same numbers of
 * inputs, units and samples, and the choice of `fewfire fit` among ridge and least squares, the learner the criterion was
 * set with. Its lasso, added later, is left out: it is made for few terms, and indexing has few. With it both subjects
 * learn from fewer samples, but at tiny scale gated indexing takes 4 times those of indexing, more than the criterion's 2.
 * Errors are exact: over the whole cube, by Parseval.
 */
import {
  averageSensitivity,
  type Candidate,
  type CubePoints,
  certifySparsity,
  countMonomials,
  type DegreeCertificate,
  degreeCertificate,
  domainPoints,
  evaluateNetwork,
  fourierTransform,
  gatedIndexingNetwork,
  indexingNetwork,
  levelWeights,
  measureFiringRates,
  polynomialToSpectrum,
  type RunOptions,
  type SparseNetwork,
  sampleNetwork,
  selectLowDegree,
  selectRows,
  squaredScales,
  sufficientDegrees,
  tailBounds,
} from '@fewfire/core';
import {
  averageSensitivityBoundWithExceedance,
  createTurn,
  fitCandidate,
  throwIfAborted,
  unitWeights,
} from '@fewfire/core/internal';
import type { Claim, Experiment, ExperimentOptions, ExperimentResult, Figure, Series } from './experiment.ts';

const TITLE = 'Sparse activations with dense weights are learned as well as indexing';
/** Learned: at most a tenth of the variance is left. */
const LEARNED = 0.1;
/** As well: with at most twice as many samples. */
const SAMPLE_FACTOR = 2;
const GRID = 2 ** 20;
const SCALES = {
  tiny: { addressBits: 2, inputCount: 8, sizes: [32, 64, 128, 256], repetitions: 2 },
  quick: { addressBits: 3, inputCount: 14, sizes: [125, 250, 500, 1000, 2000, 4000], repetitions: 3 },
  full: { addressBits: 3, inputCount: 16, sizes: [250, 500, 1000, 2000, 4000, 8000], repetitions: 5 },
} as const;
/** As `auto` does: a degree is tried while it has at most so many monomials per row. */
const MONOMIALS_PER_ROW = 4;
/** Large enough that the choice is always made on all rows. */
const BUDGET_SECONDS = 3600;

interface Subject {
  readonly name: string;
  readonly network: SparseNetwork;
  readonly spectrum: Float64Array;
  readonly variance: number;
  /** tails[d] is the weight beyond degree d. */
  readonly tails: readonly number[];
  readonly kUpper: number;
  readonly proved: boolean;
  /** Share of the cube with more than one active unit: exact. */
  readonly exceedanceShare: number;
  readonly certificate: DegreeCertificate;
  readonly firingRates: Float64Array;
  /** The smallest share of the data bits that a unit reads. */
  readonly dataShare: number;
}

interface Fit {
  /** Square error over the whole cube, as a share of the variance. */
  readonly error: number;
  readonly degree: number;
}

interface Curve {
  readonly name: string;
  /** fits[size][repetition] */
  readonly fits: readonly (readonly Fit[])[];
}

export const experiment: Experiment = { id: 'E10', title: TITLE, run };

async function run(options: ExperimentOptions): Promise<ExperimentResult> {
  const { scale, boundFactor = 1, seed = 1 } = options;
  const { addressBits, inputCount, sizes, repetitions } = SCALES[scale];
  // One more than the degree of indexing.
  const largestDegree = addressBits + 2;
  const dataCount = inputCount - addressBits;
  const weakAlpha = Math.round((Math.sqrt(addressBits) / 2) * GRID) / GRID;
  const inner: RunOptions = { signal: options.signal, threads: options.threads, seed };
  const turn = createTurn(options.signal);
  const describe = async (name: string, network: SparseNetwork): Promise<Subject> => {
    await turn();
    return subjectOf(name, network, addressBits, inner);
  };

  const indexing = await describe('indexing', indexingNetwork({ addressBits, inputCount }).network);
  const gated: Subject[] = [];
  const weak: Subject[] = [];
  for (let r = 0; r < repetitions; r++) {
    const own = { addressBits, dataCount, seed: seed + 1000 * r };
    gated.push(await describe('gated, dense weights', gatedIndexingNetwork(own).network));
    weak.push(
      await describe('gated weakly, dense weights', gatedIndexingNetwork({ ...own, alpha: weakAlpha }).network),
    );
  }

  const subjects = [gated.map(() => indexing), gated, weak];
  const curves: Curve[] = [];
  const total = subjects.length * sizes.length * repetitions;
  let done = 0;
  for (const group of subjects) {
    const fits: Fit[][] = sizes.map(() => []);
    for (const [r, subject] of group.entries()) {
      // The rows of a smaller sample are the first of a larger one.
      const largest = await sampleNetwork(subject.network, {
        ...inner,
        rowCount: Math.max(...sizes),
        seed: seed + 7 + r,
      });
      for (const [at, m] of sizes.entries()) {
        throwIfAborted(options.signal);
        const rows = Uint32Array.from({ length: m }, (_, row) => row);
        const points = selectRows(largest.points, rows);
        fits[at].push(await learn(subject, points, largest.target.slice(0, m), largestDegree, inner));
        options.onProgress?.({ phase: 'learning', done: ++done, total, unit: 'fits' });
      }
    }
    curves.push({ name: group[0].name, fits });
  }

  return {
    id: 'E10',
    title: TITLE,
    statement:
      'Appendix A: units with dense weights on the data, gated by an address, are 1-sparse like indexing though their weights are not, and are learned as well. A weaker gate leaves the network 1-sparse on most of the cube, where Remark 3.5 applies.',
    settings: {
      scale,
      addressBits,
      inputCount,
      unitCount: 2 ** addressBits,
      sampleCounts: sizes,
      repetitions,
      interval: 'least and largest of the repetitions',
      learner: 'degree, penalty and basis by 5-fold cross-validation, then ridge or least squares, as fewfire fit does',
      largestDegree,
      weakAlpha,
      learnedAtRelativeError: LEARNED,
      sampleFactor: SAMPLE_FACTOR,
    },
    seed,
    claims: [
      sparsityClaim([indexing, ...gated], boundFactor),
      denseClaim(indexing, gated),
      learnedClaim(sizes, curves[0], curves[1], boundFactor),
      tailClaim([indexing, ...gated], boundFactor),
      remarkClaim(weak, boundFactor),
    ],
    figures: [errorFigure(sizes, curves), tailFigure([indexing, gated[0], weak[0]])],
    notes: notes(sizes, addressBits, indexing, gated, curves),
  };
}

async function subjectOf(
  name: string,
  network: SparseNetwork,
  addressBits: number,
  options: RunOptions,
): Promise<Subject> {
  const { inputCount, unitCount } = network;
  const certificate = await certifySparsity(network, { ...options, method: 'sweep' });
  if (certificate.evidence.method !== 'sweep') throw new Error('a sweep was asked for');
  const { histogram } = certificate.evidence;
  const points = histogram.reduce((sum, count) => sum + count, 0);
  const rates = await measureFiringRates(network, options);
  const values = await evaluateNetwork(network, domainPoints(network, 0, 2 ** inputCount), options);
  const spectrum = await fourierTransform(values, options);
  const weights = levelWeights(spectrum);
  const tails = weights.map((_, d) => weights.slice(d + 1).reduce((sum, weight) => sum + weight, 0));
  const dataShares = Array.from({ length: unitCount }, (_, j) => {
    const data = unitWeights(network, j).subarray(addressBits);
    return data.reduce((sum, w) => sum + (w === 0 ? 0 : 1), 0) / data.length;
  });
  return {
    name,
    network,
    spectrum,
    variance: tails[0],
    tails,
    kUpper: certificate.kUpper,
    proved: certificate.exact && certificate.upperBound === 'proved',
    exceedanceShare: histogram.slice(2).reduce((sum, count) => sum + count, 0) / points,
    firingRates: rates.upper,
    certificate: degreeCertificate({
      inputCount,
      unitCount,
      sparsity: certificate.kUpper,
      sparsityKind: 'bound',
      firingRates: rates.upper,
      firingRatesKind: 'exact',
      squaredScales: squaredScales(network),
    }),
    dataShare: Math.min(...dataShares),
  };
}

async function learn(
  subject: Subject,
  points: CubePoints,
  target: Float64Array,
  largestDegree: number,
  options: RunOptions,
): Promise<Fit> {
  let best: Candidate | undefined;
  for (let degree = 1; degree <= largestDegree; degree++) {
    if (countMonomials(points.coordinateCount, degree) > MONOMIALS_PER_ROW * points.rowCount) break;
    const choice = { degree, method: 'auto', lasso: false, budgetSeconds: BUDGET_SECONDS } as const;
    const selection = await selectLowDegree(points, target, { ...options, ...choice });
    if (best === undefined || selection.best.mse < best.mse) best = selection.best;
  }
  if (best === undefined) throw new Error('no degree was tried');
  const { degree } = best;
  const { model } = await fitCandidate(points, target, best, options);
  const fitted = polynomialToSpectrum(model);
  let error = 0;
  for (let at = 0; at < fitted.length; at++) error += (fitted[at] - subject.spectrum[at]) ** 2;
  return { error: error / subject.variance, degree };
}

function sparsityClaim(subjects: readonly Subject[], boundFactor: number): Claim {
  const largest = Math.max(...subjects.map(({ kUpper }) => kUpper));
  const proved = subjects.every((subject) => subject.proved);
  return {
    statement: 'Appendix A: gated indexing is 1-sparse',
    measured: `at most ${largest} unit is active on any of the ${2 ** subjects[0].network.inputCount} points, proved by a sweep for indexing and ${subjects.length - 1} gated networks`,
    verdict: proved && largest <= boundFactor ? 'holds' : 'does not hold',
    largestRatio: largest / boundFactor,
  };
}

function denseClaim(indexing: Subject, gated: readonly Subject[]): Claim {
  const least = Math.min(...gated.map(({ dataShare }) => dataShare));
  return {
    statement: 'Appendix A: its weights are not sparse',
    measured: `every unit of the gated networks reads at least ${percent(least)} of the data bits, a unit of indexing ${percent(indexing.dataShare)}`,
    verdict: least === 1 && indexing.dataShare < 1 ? 'holds' : 'does not hold',
  };
}

function learnedClaim(sizes: readonly number[], indexing: Curve, gated: Curve, boundFactor: number): Claim {
  const own = samplesNeeded(sizes, gated);
  const reference = samplesNeeded(sizes, indexing);
  const last = sizes.length - 1;
  const limit = SAMPLE_FACTOR * boundFactor;
  const reached = own !== undefined && reference !== undefined;
  const ratio = reached ? own / reference : Number.NaN;
  const needed = (m: number | undefined): string => (m === undefined ? `more than ${sizes[last]}` : String(m));
  return {
    statement: 'Appendix A: learned as well as indexing',
    measured: `${percent(LEARNED)} of the variance or less is left from ${needed(own)} samples on for gated indexing and from ${needed(reference)} on for indexing, of the sizes tried; at ${sizes[last]} samples ${percent(meanError(gated, last))} and ${percent(meanError(indexing, last))}. Criterion: at most ${Number(limit.toPrecision(3))} times as many samples`,
    verdict: reached && ratio <= limit ? 'consistent with' : 'not consistent with',
    ...(reached ? { largestRatio: ratio / limit } : {}),
  };
}

function tailClaim(subjects: readonly Subject[], boundFactor: number): Claim {
  let ratio = 0;
  for (const { certificate, tails, network } of subjects) {
    // At degree n both are 0.
    for (let d = 0; d < network.inputCount; d++) {
      ratio = Math.max(ratio, tails[d] / (boundFactor * tailBounds(certificate, d).least));
    }
  }
  return {
    statement: 'Lemma 3.2 (new) and Theorem A: the tail of both lies below the degree certificate',
    measured: `the weight beyond every degree from 0 to ${subjects[0].network.inputCount - 1} is at most ${Number((ratio * boundFactor).toPrecision(3))} of the certificate, over ${subjects.length} networks`,
    // Sums of squares round.
    verdict: ratio <= 1 + 1e-9 ? 'holds' : 'does not hold',
    largestRatio: ratio,
  };
}

function remarkClaim(weak: readonly Subject[], boundFactor: number): Claim {
  const shares = weak.map(({ exceedanceShare }) => exceedanceShare);
  const ratios = weak.map(({ network, spectrum, firingRates, exceedanceShare }) => {
    const scales = squaredScales(network);
    const bound = averageSensitivityBoundWithExceedance({
      unitCount: network.unitCount,
      sparsity: 1,
      scaledFiring: scales.reduce((sum, square, j) => sum + firingRates[j] * square, 0),
      squaredScaleSum: scales.reduce((sum, square) => sum + square, 0),
      exceedanceShare,
    });
    return averageSensitivity(spectrum) / (boundFactor * bound);
  });
  const ratio = Math.max(...ratios);
  return {
    statement: 'Remark 3.5 (new form): a weaker gate, 1-sparse on most of the cube',
    measured: `with alpha = sqrt(log2 s)/2 more than one unit is active on ${percent(Math.min(...shares))} to ${percent(Math.max(...shares))} of the cube, at most ${Math.max(...weak.map(({ kUpper }) => kUpper))} units anywhere; the average sensitivity is at most ${Number((ratio * boundFactor).toPrecision(3))} of its bound`,
    verdict: ratio <= 1 + 1e-9 ? 'holds' : 'does not hold',
    largestRatio: ratio,
  };
}

function errorFigure(sizes: readonly number[], curves: readonly Curve[]): Figure {
  const series: Series[] = curves.map((curve) => ({
    name: curve.name,
    kind: 'estimate',
    points: sizes.map((m, at) => {
      const errors = curve.fits[at].map(({ error }) => shown(error));
      return { x: m, y: shown(meanError(curve, at)), low: Math.min(...errors), high: Math.max(...errors) };
    }),
  }));
  const at = Math.floor(sizes.length / 2);
  const [indexing, gated, weak] = curves.map((curve) => percent(meanError(curve, at)));
  return {
    title: 'Error of the low-degree fit against the number of samples',
    x: { label: 'samples (m)', scale: 'log' },
    y: { label: 'square error over the whole cube / variance, mean (least to largest)', scale: 'log' },
    series,
    seen: `With ${sizes[at]} samples ${indexing} of the variance of indexing is left, ${gated} of gated indexing and ${weak} with the weaker gate. Errors below 1e-12 are drawn there.`,
  };
}

function tailFigure(subjects: readonly Subject[]): Figure {
  const series: Series[] = subjects.flatMap(({ name, tails, variance, certificate, network }) => {
    const degrees = Array.from({ length: network.inputCount }, (_, d) => d);
    return [
      {
        name: `${name}: tail`,
        kind: 'exact',
        // A log axis has no place for rounding errors of zero.
        points: degrees.filter((d) => tails[d] > 1e-12 * variance).map((d) => ({ x: d, y: tails[d] / variance })),
      },
      {
        name: `${name}: degree certificate`,
        kind: 'bound',
        points: degrees.map((d) => ({ x: d, y: tailBounds(certificate, d).least / variance })),
      },
    ] satisfies Series[];
  });
  const below = subjects.map(({ name, tails, variance }) => {
    const degree = tails.findIndex((tail) => tail <= LEARNED * variance);
    return `${name} from degree ${degree}`;
  });
  return {
    title: 'Weight beyond each degree',
    x: { label: 'degree (d)', scale: 'linear' },
    y: { label: 'weight beyond the degree / variance', scale: 'log' },
    series,
    seen: `At most ${percent(LEARNED)} of the variance is beyond the degree: ${below.join(', ')}.`,
  };
}

function notes(
  sizes: readonly number[],
  addressBits: number,
  indexing: Subject,
  gated: readonly Subject[],
  curves: readonly Curve[],
): string[] {
  const last = sizes.length - 1;
  const degrees = (curve: Curve): string =>
    [...new Set(curve.fits[last].map(({ degree }) => degree))].sort().join(' or ');
  const certified = (subject: Subject): number =>
    sufficientDegrees(subject.certificate, { epsilon: LEARNED * subject.variance }).least;
  const { inputCount } = indexing.network;
  return [
    `To leave ${percent(LEARNED)} of the variance the degree certificate asks for degree ${certified(indexing)} for indexing and ${Math.max(...gated.map(certified))} for gated indexing (cut off at n = ${inputCount}); validation chose ${degrees(curves[0])} and ${degrees(curves[1])} at ${sizes[last]} samples. The certificate covers the worst network of its scale, and the gate makes that scale large.`,
    `Indexing is a polynomial of degree ${addressBits + 1}, so enough samples learn it exactly; gated indexing has weight at all degrees (${percent(Math.max(...gated.map(({ tails, variance }) => tails[addressBits + 1] / variance)))} of the variance beyond degree ${addressBits + 1}), so to smaller errors than ${percent(LEARNED)} it is learned more slowly.`,
    `Errors are exact for each fit, over all ${2 ** inputCount} points; what varies is the sample and, for gated indexing, the network.`,
  ];
}

/**
 * The least size that was tried from which on the mean error is at most LEARNED. Nothing is drawn between sizes: the
 * error of indexing falls off a cliff once there are as many samples as monomials.
 */
function samplesNeeded(sizes: readonly number[], curve: Curve): number | undefined {
  let first = sizes.length;
  while (first > 0 && meanError(curve, first - 1) <= LEARNED) first--;
  return sizes[first];
}

function meanError({ fits }: Curve, at: number): number {
  return fits[at].reduce((sum, { error }) => sum + error, 0) / fits[at].length;
}

function shown(error: number): number {
  return Math.max(error, 1e-12);
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

/**
 * E4, Theorem 3.1: what lies beyond a degree, and what the low-degree algorithm leaves, for sparse families and for a
 * parity as control. Tails are exact (the networks' polynomials). Errors of fits are measured on fresh rows, with an
 * interval; verdicts about fits use their exact error, which Parseval gives from the two polynomials.
 */
import {
  addPolynomials,
  averageSensitivity,
  type CubePoints,
  createRandom,
  type DegreeCertificate,
  degreeCertificate,
  ensembleNetwork,
  estimateLowDegree,
  evaluatePolynomial,
  type FamilyMember,
  fitLowDegree,
  indexingNetwork,
  juntaNetwork,
  levelWeights,
  lowDegreeSampleCounts,
  measureFiringRates,
  networkPolynomial,
  type Polynomial,
  parityNetwork,
  type RunOptions,
  sampleNetwork,
  squaredScales,
  sufficientDegrees,
  tailBounds,
  tailWeight,
  uniformLearningCosts,
} from '@fewfire/core';
import { meanWithError, randomTree, regressionErrorBound, regressionSampleCount } from '@fewfire/core/internal';
import type { Claim, Experiment, ExperimentOptions, ExperimentResult, Figure, Series } from './experiment.ts';

const title = 'Theorem 3.1: sparse activations are learned by low degree';
const statement =
  'A k-sparse network on uniform points is learned to square error epsilon by polynomials of a degree d that does not grow with n but by a logarithm (published), or not at all (new: 8 k² W² / epsilon), from about n^d samples.';

const scales = {
  tiny: { n: 8, degrees: 4, parity: 4, trees: 2, depth: 2, rows: 800, trials: 3, testRows: 2000, epsilon: 0.5 },
  quick: { n: 18, degrees: 5, parity: 6, trees: 3, depth: 3, rows: 30_000, trials: 8, testRows: 20_000, epsilon: 0.2 },
  full: {
    n: 20,
    degrees: 6,
    parity: 8,
    trees: 4,
    depth: 4,
    rows: 150_000,
    trials: 20,
    testRows: 100_000,
    epsilon: 0.1,
  },
} as const;

const CONFIDENCE_DELTA = 0.05;
const NOISE_SD = 0.5;

interface Subject {
  readonly name: string;
  readonly member: FamilyMember;
  readonly polynomial: Polynomial;
  /** E h². */
  readonly square: number;
  readonly certificate: DegreeCertificate;
}

async function run(options: ExperimentOptions): Promise<ExperimentResult> {
  const { scale, seed = 1, boundFactor = 1, signal, threads } = options;
  const setting = scales[scale];
  const run: RunOptions = { signal, threads };
  const subjects = await makeSubjects(setting, seed, run);
  let done = 0;
  const step = (): void => options.onProgress?.({ phase: 'E4', done: done++, total: 4, unit: 'steps' });

  step();
  const tails = compareTails(subjects, setting.n, boundFactor);
  step();
  const degreeSweep = await sweepDegrees(subjects, setting, seed, run);
  step();
  const sampleSweep = await sweepSamples(subjects, setting, seed, boundFactor, run);
  step();
  const onePass = await checkOnePass(subjects, setting, seed, boundFactor, run);
  const demanded = demandedDegrees(subjects[0], setting.n, boundFactor);

  return {
    id: 'E4',
    title,
    statement,
    settings: {
      n: setting.n,
      degrees: setting.degrees,
      parityBits: setting.parity,
      trees: setting.trees,
      depth: setting.depth,
      rowCount: setting.rows,
      trials: setting.trials,
      testRowCount: setting.testRows,
      noiseSd: NOISE_SD,
      confidenceDelta: CONFIDENCE_DELTA,
      families: subjects.map((subject) => subject.name),
    },
    seed,
    claims: [...tails.claims, sampleSweep.claim, onePass, demanded.claim],
    figures: [tails.figure, degreeSweep.figure, sampleSweep.figure, demanded.figure],
    notes: [
      ...tails.notes,
      `Test errors are of ${setting.testRows} fresh rows without noise; their limits are 2.6 standard errors (about 99 %). Verdicts on fits use the exact error of the fitted polynomial.`,
      'The parity control is itself in the class, 1-sparse with W = sqrt(p)/2: the certificate reaches it with equality, and a class of small W excludes it. It is what "degree does not grow with n" costs when W does.',
    ],
  };
}

async function makeSubjects(
  setting: (typeof scales)[keyof typeof scales],
  seed: number,
  run: RunOptions,
): Promise<readonly Subject[]> {
  const { n, trees, depth, parity } = setting;
  const random = createRandom(seed);
  const grown = Array.from({ length: trees }, () => randomTree({ inputCount: n, depth, random }));
  const addressBits = n >= 11 ? 3 : 2;
  const juntaSize = Math.min(4, depth + 1);
  const truthTable = Float64Array.from({ length: 2 ** juntaSize }, () => (random.integer(2) === 0 ? 1 : -1));
  const coordinates = Array.from(random.permutation(n));
  const subject = async (name: string, member: FamilyMember, groups?: readonly number[]): Promise<Subject> => {
    const polynomial = await networkPolynomial(member.network, run);
    const { kind, upper } = await measureFiringRates(member.network, run);
    return {
      name,
      member,
      polynomial,
      square: levelWeights(polynomial).reduce((sum, weight) => sum + weight, 0),
      certificate: degreeCertificate({
        inputCount: n,
        unitCount: member.network.unitCount,
        sparsity: member.claims.k as number,
        sparsityKind: 'bound',
        firingRates: upper,
        firingRatesKind: kind === 'exact' ? 'exact' : 'estimate',
        squaredScales: squaredScales(member.network),
        groups,
        groupsKind: groups === undefined ? undefined : 'bound',
      }),
    };
  };
  // Leaves are normal numbers, so all of them are units: 2^depth a tree.
  const groups = grown.flatMap((_, t) => new Array<number>(2 ** depth).fill(t));
  return [
    await subject(`${trees} trees of depth ${depth}`, ensembleNetwork({ inputCount: n, trees: grown }), groups),
    await subject(
      `indexing, ${addressBits} address bits`,
      indexingNetwork({ addressBits, inputCount: n, values: 'sign' }),
    ),
    await subject(
      `junta of ${juntaSize}`,
      juntaNetwork({ inputCount: n, coordinates: coordinates.slice(0, juntaSize), truthTable }),
    ),
    await subject(
      `parity of ${parity} (control)`,
      parityNetwork({ inputCount: n, coordinates: coordinates.slice(0, parity) }),
    ),
  ];
}

function compareTails(
  subjects: readonly Subject[],
  n: number,
  boundFactor: number,
): { claims: Claim[]; figure: Figure; notes: string[] } {
  const ratios = { certificate: { most: 0, where: '' }, theoremA: { most: 0, where: '' } };
  const series: Series[] = [];
  const notes: string[] = [];
  let count = 0;
  for (const subject of subjects) {
    const { name, polynomial, square, certificate } = subject;
    const top = levelWeights(polynomial).length - 1;
    const degrees = Array.from({ length: n }, (_, d) => d);
    for (const degree of degrees) {
      const tail = tailWeight(polynomial, degree);
      const bounds = tailBounds(certificate, degree);
      count++;
      for (const form of ['certificate', 'theoremA'] as const) {
        const ratio = tail === 0 ? 0 : tail / (bounds[form] * boundFactor);
        if (ratio > ratios[form].most) ratios[form] = { most: ratio, where: `${name}, d = ${degree}` };
      }
    }
    const point = (degree: number, y: number): { x: number; y: number } => ({ x: degree, y: y / square });
    series.push(
      {
        name: `tail, ${name}`,
        kind: 'exact',
        points: degrees.slice(0, top).map((d) => point(d, tailWeight(polynomial, d))),
      },
      {
        name: `degree certificate, ${name}`,
        kind: 'bound',
        points: degrees.map((d) => point(d, tailBounds(certificate, d).certificate * boundFactor)),
      },
      {
        name: `Theorem A, ${name}`,
        kind: 'bound',
        points: degrees.slice(1).map((d) => point(d, tailBounds(certificate, d).theoremA * boundFactor)),
      },
    );
    const epsilon = square / 2;
    // Not cut off at n: where the statement alone would have put d.
    const asked = sufficientDegrees({ ...certificate, inputCount: undefined }, { epsilon });
    const needed = leastDegree(polynomial, epsilon / 2);
    notes.push(
      `${name}: for a tail of a quarter of E h² the certificate puts d at ${asked.certificate}${asked.certificate >= n ? ` (empty at n = ${n})` : ''}, Theorem A at ${asked.theoremA}${asked.theoremA >= n ? ' (empty)' : ''}; ${needed} is enough, and the network has degree ${top}. AS is ${show(averageSensitivity(polynomial))}, bounded by ${show(Math.min(certificate.whole.averageSensitivity, certificate.groups?.averageSensitivity ?? Number.POSITIVE_INFINITY))}.`,
    );
  }
  const claim = (statement: string, form: 'certificate' | 'theoremA'): Claim => ({
    statement,
    measured: `exact tails of ${subjects.length} networks at ${count} degrees; largest tail / bound ${show(ratios[form].most)} (${ratios[form].where})`,
    verdict: ratios[form].most <= 1 + 1e-9 ? 'holds' : 'does not hold',
    largestRatio: ratios[form].most,
  });
  return {
    claims: [
      claim('Degree certificate (new): weight beyond d is at most AS bound / (d + 1)', 'certificate'),
      claim('Theorem A (new): weight beyond d falls like d^(-3/2)', 'theoremA'),
    ],
    figure: {
      title: 'Weight beyond degree d, as a share of E h²',
      x: { label: 'degree d', scale: 'linear' },
      y: { label: 'weight beyond d / E h²', scale: 'log' },
      series,
      seen: `Every tail is below its bounds; the certificate is reached to ${show(100 * ratios.certificate.most)} % (${ratios.certificate.where}), Theorem A to ${show(100 * ratios.theoremA.most)} % (${ratios.theoremA.where}).`,
    },
    notes,
  };
}

async function sweepDegrees(
  subjects: readonly Subject[],
  setting: (typeof scales)[keyof typeof scales],
  seed: number,
  run: RunOptions,
): Promise<{ figure: Figure }> {
  const series: Series[] = [];
  const seen: string[] = [];
  for (const [s, subject] of subjects.entries()) {
    const { network } = subject.member;
    const train = await sampleNetwork(network, { ...run, rowCount: setting.rows, seed: seed + 100 + s });
    const fresh = await sampleNetwork(network, { ...run, rowCount: setting.testRows, seed: seed + 200 + s });
    const points: Series['points'][number][] = [];
    for (let degree = 1; degree <= setting.degrees; degree++) {
      const { model } = await fitLowDegree(train.points, train.target, { ...run, degree });
      const error = await errorOnFresh(model, fresh.points, fresh.values, run);
      points.push({
        x: degree,
        y: error.mean / subject.square,
        low: error.low / subject.square,
        high: error.high / subject.square,
      });
    }
    const asked = sufficientDegrees({ ...subject.certificate, inputCount: undefined }, { epsilon: subject.square / 2 });
    series.push(
      { name: `test error, ${subject.name}`, kind: 'estimate', points },
      {
        name: `degree the certificate asks for, ${subject.name}`,
        kind: subject.certificate.kind,
        points: [{ x: Math.min(asked.certificate, asked.theoremA), y: 0.25 }],
      },
    );
    const learned = points.find((point) => point.high !== undefined && point.high <= 0.25)?.x;
    seen.push(
      `${subject.name}: ${learned === undefined ? `not below a quarter of E h² up to degree ${setting.degrees} (${show(points.at(-1)?.y ?? Number.NaN)} left)` : `below a quarter of E h² from degree ${learned}`}`,
    );
  }
  return {
    figure: {
      title: `Test error of least squares on ${setting.rows} rows, as a share of E h²`,
      x: { label: 'degree of the fit', scale: 'linear' },
      y: { label: 'square error on fresh rows / E h²', scale: 'linear' },
      series,
      seen: `${seen.join('; ')}. The single points mark where the certificate would have put d for a tail of a quarter.`,
    },
  };
}

async function sweepSamples(
  subjects: readonly Subject[],
  setting: (typeof scales)[keyof typeof scales],
  seed: number,
  boundFactor: number,
  run: RunOptions,
): Promise<{ claim: Claim; figure: Figure }> {
  const degree = 2;
  const shown = [subjects[0], subjects[subjects.length - 1]];
  const least = regressionSampleCount({ inputCount: setting.n, degree, confidenceDelta: CONFIDENCE_DELTA });
  const counts = [0.25, 0.5, 1, 2, 4].map((factor) => Math.ceil(least * factor));
  const series: Series[] = [];
  let most = 0;
  let where = '';
  let excess = 0;
  const seen: string[] = [];
  for (const [s, subject] of shown.entries()) {
    const tail = tailWeight(subject.polynomial, degree);
    const points: Series['points'][number][] = [];
    const bounds: { x: number; y: number }[] = [];
    for (const rowCount of counts) {
      const errors: number[] = [];
      for (let trial = 0; trial < setting.trials; trial++) {
        const sample = await sampleNetwork(subject.member.network, {
          ...run,
          rowCount,
          noiseSd: NOISE_SD,
          seed: seed + 1000 * (s + 1) + trial,
        });
        const { model } = await fitLowDegree(sample.points, sample.target, { ...run, degree });
        errors.push(exactError(subject.polynomial, model));
      }
      const { mean, halfWidth } = meanAndHalfWidth(errors);
      points.push({ x: rowCount, y: mean, low: Math.max(0, mean - halfWidth), high: mean + halfWidth });
      if (rowCount < least) continue;
      const bound = regressionErrorBound({
        inputCount: setting.n,
        degree,
        sampleCount: rowCount,
        tailWeight: tail,
        noiseVariance: NOISE_SD ** 2,
      });
      bounds.push({ x: rowCount, y: bound * boundFactor });
      excess = Math.max(excess, (mean - tail) / (bound - tail));
      const ratio = (mean + halfWidth) / (bound * boundFactor);
      if (ratio > most) [most, where] = [ratio, `${subject.name}, m = ${rowCount}`];
    }
    series.push(
      { name: `error, ${subject.name}`, kind: 'estimate', points },
      { name: `bound of least squares, ${subject.name}`, kind: 'bound', points: bounds },
      { name: `tail beyond ${degree}, ${subject.name}`, kind: 'exact', points: counts.map((x) => ({ x, y: tail })) },
    );
    seen.push(
      `${subject.name}: ${show(points[0].y)} at m = ${counts[0]}, ${show(points.at(-1)?.y ?? Number.NaN)} at ${counts.at(-1)}, above a tail of ${show(tail)}`,
    );
  }
  return {
    claim: {
      statement: 'Lemma 2.3 (regression): E error ≤ tail + 4 D (tail + noise variance) / m for m ≥ 6.52 D ln(D/delta)',
      measured: `mean exact error of ${setting.trials} fits of degree ${degree} each; largest (upper limit of the mean) / bound ${show(most)} (${where}); of what the bound allows above the tail at most ${show(100 * excess)} % is used`,
      verdict: most <= 1 ? 'holds' : 'does not hold',
      largestRatio: most,
    },
    figure: {
      title: `Error of least squares of degree ${degree} against the number of rows (noise ${NOISE_SD})`,
      x: { label: 'rows m', scale: 'log' },
      y: { label: 'expected square error', scale: 'log' },
      series,
      seen: `More rows bring the error down to the tail and no further. ${seen.join('; ')}.`,
    },
  };
}

// Lemma 2.3 with all its constants, at the degree of the network, so that the tail is 0 and epsilon all of the error.
async function checkOnePass(
  subjects: readonly Subject[],
  setting: (typeof scales)[keyof typeof scales],
  seed: number,
  boundFactor: number,
  run: RunOptions,
): Promise<Claim> {
  const { epsilon, n } = setting;
  let most = 0;
  let where = '';
  let failures = 0;
  const rows: number[] = [];
  // +-1 functions: C = 1.
  const chosen = subjects.slice(1, 3);
  const confidenceDelta = CONFIDENCE_DELTA / (chosen.length * setting.trials);
  for (const [s, subject] of chosen.entries()) {
    const degree = Math.min(3, levelWeights(subject.polynomial).length - 1);
    const goal = epsilon * subject.square + 2 * tailWeight(subject.polynomial, degree);
    const { least } = lowDegreeSampleCounts({ inputCount: n, degree, valueBound: 1, epsilon: goal, confidenceDelta });
    rows.push(least);
    for (let trial = 0; trial < setting.trials; trial++) {
      const sample = await sampleNetwork(subject.member.network, {
        ...run,
        rowCount: least,
        seed: seed + 5000 * (s + 1) + trial,
      });
      const { model } = await estimateLowDegree(sample.points, sample.target, { ...run, degree });
      const ratio = exactError(subject.polynomial, model) / (goal * boundFactor);
      if (ratio > 1) failures++;
      if (ratio > most) [most, where] = [ratio, subject.name];
    }
  }
  return {
    statement: 'Lemma 2.3 (one pass): error ≤ epsilon with probability 1 - delta from the stated number of samples',
    measured: `${chosen.length * setting.trials} runs with ${rows.join(' and ')} rows: ${failures} above epsilon; largest error / epsilon ${show(most)} (${where}). All runs succeed together with probability ${1 - CONFIDENCE_DELTA}`,
    verdict: failures === 0 ? 'holds' : 'does not hold',
    largestRatio: most,
  };
}

function demandedDegrees(subject: Subject, n: number, boundFactor: number): { claim: Claim; figure: Figure } {
  const { network, claims } = subject.member;
  const shares = [0.1, 0.2, 0.5, 1, 1.5];
  const forms = ['published', 'explicit', 'new'] as const;
  const points: Record<(typeof forms)[number] | 'needed' | 'network', { x: number; y: number }[]> = {
    published: [],
    explicit: [],
    new: [],
    needed: [],
    network: [],
  };
  let most = 0;
  for (const share of shares) {
    const epsilon = share * subject.square;
    const costs = uniformLearningCosts({
      inputCount: n,
      unitCount: network.unitCount,
      sparsity: claims.k as number,
      weightScale: claims.W,
      biasScale: claims.B,
      epsilon,
      confidenceDelta: CONFIDENCE_DELTA,
    });
    const needed = leastDegree(subject.polynomial, epsilon / 2);
    const own = sufficientDegrees({ ...subject.certificate, inputCount: undefined }, { epsilon }).least;
    // At n a statement says nothing; it is drawn where it would have put d.
    for (const form of forms) points[form].push({ x: share, y: costs[form].statedDegree });
    points.network.push({ x: share, y: own });
    points.needed.push({ x: share, y: needed });
    for (const bound of [own, costs.new.statedDegree, costs.explicit.statedDegree]) {
      most = Math.max(most, needed / (bound * boundFactor));
    }
  }
  const last = points.new.length - 1;
  return {
    claim: {
      statement: 'Theorem 3.1 (explicit and new): the stated degree leaves at most epsilon / 2',
      measured: `least exact degree over the stated ones, at ${shares.length} values of epsilon; largest ratio ${show(most)}`,
      verdict: most <= 1 ? 'holds' : 'does not hold',
      largestRatio: most,
    },
    figure: {
      title: `Degree that each statement asks for, ${subject.name}`,
      x: { label: 'epsilon / E h²', scale: 'log' },
      y: { label: 'degree', scale: 'log' },
      series: [
        { name: 'enough (measured)', kind: 'exact', points: points.needed.filter((point) => point.y > 0) },
        { name: 'new, this network', kind: subject.certificate.kind, points: points.network },
        { name: 'new, its class', kind: 'bound', points: points.new },
        { name: 'explicit, its class', kind: 'bound', points: points.explicit },
        { name: 'published, its class', kind: 'published, constant 1', points: points.published },
      ],
      seen: `At epsilon = ${shares[last]} E h² the statements ask for degree ${show(points.network[last].y)} (this network), ${show(points.new[last].y)} (its class, new), ${show(points.explicit[last].y)} (explicit), ${show(points.published[last].y)} (published with constant 1); ${points.needed[last].y} is enough. Anything from ${n} on is empty at n = ${n}.`,
    },
  };
}

/** The least degree beyond which at most `tail` is left. */
function leastDegree(polynomial: Polynomial, tail: number): number {
  let degree = 0;
  while (tailWeight(polynomial, degree) > tail) degree++;
  return degree;
}

/** E (f - g)² over the whole cube, by Parseval: the limit of every test error. */
export function exactError(f: Polynomial, g: Polynomial): number {
  return levelWeights(addPolynomials(f, { ...g, coordinates: f.coordinates }, -1)).reduce((sum, w) => sum + w, 0);
}

/** Mean square error on fresh rows and 2.6 standard errors. */
export async function errorOnFresh(
  model: Polynomial,
  points: CubePoints,
  values: Float64Array,
  run: RunOptions,
): Promise<{ readonly mean: number; readonly low: number; readonly high: number }> {
  const predictions = await evaluatePolynomial(model, points, run);
  const squares = Array.from(values, (value, i) => (value - predictions[i]) ** 2);
  const { mean, halfWidth } = meanAndHalfWidth(squares);
  return { mean, low: Math.max(0, mean - halfWidth), high: mean + halfWidth };
}

/** Mean and 2.6 standard errors (about 99 %). */
export function meanAndHalfWidth(values: readonly number[]): { readonly mean: number; readonly halfWidth: number } {
  const { mean, standardError } = meanWithError(values);
  return { mean, halfWidth: 2.6 * standardError };
}

export function show(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3)
    ? value.toExponential(2)
    : String(Number(value.toPrecision(3)));
}

export const experiment: Experiment = { id: 'E4', title, run };

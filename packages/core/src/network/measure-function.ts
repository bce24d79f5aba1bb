/**
 * What `network show` and `plan` measure or bound of one network, as far as it is affordable: that is decided by
 * predicted work, never by the clock, so that the same network gives the same report on every machine.
 */
import { FewfireError, type Progress } from '../base/index.ts';
import { type DegreeCertificate, degreeCertificate } from '../bounds/index.ts';
import type { CubePoints } from '../cube/index.ts';
import {
  averageSensitivity,
  euclideanNorm,
  fourierTransform,
  levelWeights as levelWeightsOf,
  normFromValues,
  type Polynomial,
  spectralNorm,
  spectrumDegree,
} from '../spectrum/index.ts';
import { certifyConflicts, certifySparsity, type SparsityCertificate, tightenWithPauses } from './certify/index.ts';
import { domainBits, domainPoints } from './domain.ts';
import { estimateFiringRates, type FiringRates, measureFiringRates } from './firing-rates.ts';
import { evaluateNetwork, networkScale, type Scale, squaredScales, unitWeights } from './network.ts';
import {
  type AnyNetwork,
  evaluateTreeNetwork,
  isTreeNetwork,
  treeNetworkScale,
  treeSquaredScales,
  treesOfNetwork,
} from './tree-network.ts';
import { treeEnsembleSpectrum, treeSpectrumSize } from './tree-spectrum.ts';
import { networkPolynomial, unitSpectraSize } from './unit-spectra.ts';

/** The options every long call takes. */
interface Work {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  readonly threads: number;
  readonly memoryLimitBytes: number;
}

/** The function itself, exact up to rounding: over the cube, or over the bits of a lift. */
export interface MeasuredFunction {
  /** `cube`, or the q bits y of a lift, whose products are the other inputs. */
  readonly space: 'cube' | 'bits';
  readonly coordinateCount: number;
  /** E h^2. */
  readonly secondMoment: number;
  readonly mean: number;
  /** The largest |h|: exact where all points were listed, else a bound, the sum of the |coefficients|. */
  readonly largest: number;
  readonly largestKind: 'exact' | 'bound';
  readonly averageSensitivity: number;
  readonly degree: number;
  /** W^{=j}, j = 0 .. coordinateCount. */
  readonly levelWeights: readonly number[];
  /** The weight beyond degree j, j = 0 .. coordinateCount. */
  readonly tailWeights: readonly number[];
}

/** Coordinates up to which a function is listed, and multiplications that may take (a few seconds). */
const FUNCTION_COORDINATES = 20;
const FUNCTION_WORK = 2e10;
const CHUNK_ROWS = 2 ** 16;

/** Coefficients that units of few inputs may have together. */
const UNIT_TERMS = 2 ** 20;

/** Bytes of a coefficient while the units' own spectra are added up, and of a listed value with its transforms. */
const TERM_BYTES = 300;
const VALUE_BYTES = 40;

/** The scale of any network, by its units or its leaves. */
export async function scaleOf(network: AnyNetwork): Promise<Scale> {
  return isTreeNetwork(network) ? treeNetworkScale(network) : networkScale(network);
}

/** undefined where there are too many points and units of too many inputs, or the domain is rows. */
export async function measureFunction(network: AnyNetwork, work: Work): Promise<MeasuredFunction | undefined> {
  const { domain, inputCount, unitCount } = network;
  if (domain.kind === 'rows') return undefined;
  const bits = domainBits(network);
  const isListed = bits <= FUNCTION_COORDINATES && 2 ** bits * inputCount * unitCount <= FUNCTION_WORK;
  if (isListed && VALUE_BYTES * 2 ** bits <= work.memoryLimitBytes) {
    return await listFunction(network, bits, work);
  }
  return domain.kind === 'cube' ? await sumUnits(network, work) : undefined;
}

// All values, and their transform.
async function listFunction(network: AnyNetwork, coordinateCount: number, work: Work): Promise<MeasuredFunction> {
  const size = 2 ** coordinateCount;
  const values = new Float64Array(size);
  for (let first = 0; first < size; first += CHUNK_ROWS) {
    const points = domainPoints(network, first, Math.min(CHUNK_ROWS, size - first));
    values.set(await evaluate(network, points, { ...work, onProgress: undefined }), first);
    work.onProgress({ phase: 'evaluating the network', done: first, total: size, unit: 'rows' });
  }
  const space = network.domain.kind === 'lift' ? 'bits' : 'cube';
  const largest = normFromValues(values, Number.POSITIVE_INFINITY);
  const spectrum = await fourierTransform(values, work);
  return { space, coordinateCount, ...(await spread(spectrum, coordinateCount)), largest, largestKind: 'exact' };
}

async function evaluate(
  network: AnyNetwork,
  points: CubePoints,
  work: Omit<Work, 'onProgress'> & { readonly onProgress: undefined },
): Promise<Float64Array> {
  return await (isTreeNetwork(network)
    ? evaluateTreeNetwork(network, points, work)
    : evaluateNetwork(network, points, work));
}

// The units' own spectra added up, where every unit reads few inputs.
async function sumUnits(network: AnyNetwork, work: Work): Promise<MeasuredFunction | undefined> {
  const polynomial = await spectrumOf(network, work);
  if (polynomial === undefined) return undefined;
  return {
    space: 'cube',
    coordinateCount: network.inputCount,
    ...(await spread(polynomial, network.inputCount)),
    largest: spectralNorm(polynomial),
    largestKind: 'bound',
  };
}

async function spectrumOf(network: AnyNetwork, work: Work): Promise<Polynomial | undefined> {
  if (isTreeNetwork(network)) {
    const ensemble = treesOfNetwork(network);
    const { stepCount, memoryBytes } = treeSpectrumSize(ensemble);
    if (stepCount > UNIT_TERMS || memoryBytes > work.memoryLimitBytes) return undefined;
    return await treeEnsembleSpectrum(ensemble, work);
  }
  const size = unitSpectraSize(network);
  if (size > UNIT_TERMS || TERM_BYTES * size > work.memoryLimitBytes) return undefined;
  return await networkPolynomial(network, work);
}

async function spread(
  spectrum: Float64Array | Polynomial,
  coordinateCount: number,
): Promise<Omit<MeasuredFunction, 'space' | 'coordinateCount' | 'largest' | 'largestKind'>> {
  const levelWeights = levelWeightsOf(spectrum);
  while (levelWeights.length <= coordinateCount) levelWeights.push(0);
  const tailWeights = new Array<number>(levelWeights.length).fill(0);
  // From the top down, so that a small tail is not what is left of a large sum.
  for (let d = levelWeights.length - 2; d >= 0; d--) tailWeights[d] = tailWeights[d + 1] + levelWeights[d + 1];
  const norm = euclideanNorm(spectrum);
  return {
    secondMoment: norm ** 2,
    mean: meanOf(spectrum),
    averageSensitivity: averageSensitivity(spectrum),
    degree: spectrumDegree(spectrum, 1e-12 * norm),
    levelWeights,
    tailWeights,
  };
}

function meanOf(spectrum: Float64Array | Polynomial): number {
  if (spectrum instanceof Float64Array) return spectrum[0];
  const { offsets, coefficients, termCount } = spectrum;
  for (let t = 0; t < termCount; t++) if (offsets[t + 1] === offsets[t]) return coefficients[t];
  return 0;
}

/** Sorted sums that exact rates may take, and points drawn where they are too many. */
const RATE_WORK = 2 ** 27;
const RATE_SAMPLES = 100_000;

/** Firing rates on the network's domain, exact where affordable; undefined for rows of data. */
export async function measureRates(network: AnyNetwork, work: Work): Promise<FiringRates | undefined> {
  const { domain, inputCount, unitCount } = network;
  if (isTreeNetwork(network)) return await measureFiringRates(network, work);
  if (domain.kind === 'rows') return undefined;
  let steps = 0;
  if (domain.kind === 'lift') steps = (2 ** domain.bitCount * inputCount * unitCount) / 128;
  else {
    for (let j = 0; j < unitCount; j++) {
      const count = unitWeights(network, j).reduce((sum, w) => sum + (w === 0 ? 0 : 1), 0);
      steps += 2 ** (count / 2);
    }
  }
  if (steps <= RATE_WORK) {
    try {
      return await measureFiringRates(network, work);
    } catch (error) {
      // Too many weights, or sums that rounding leaves open.
      if (!(error instanceof FewfireError) || error.code !== 'unsupported') throw error;
    }
  }
  return await estimateFiringRates(network, { ...work, sampleCount: RATE_SAMPLES, confidenceDelta: RATE_DELTA });
}

/** All limits of estimated rates fail together with at most this probability. */
const RATE_DELTA = 0.01;

/** Seconds that looking for the sparsity may take, by prediction, in each of its steps. */
const SPARSITY_SECONDS = 3;

/** The sparsity on a domain as far as a few seconds prove it; undefined for rows of data. */
export async function boundSparsity(network: AnyNetwork, work: Work): Promise<SparsityCertificate | undefined> {
  if (network.domain.kind === 'rows') return undefined;
  return await certifySparsity(network, { ...work, budgetSeconds: SPARSITY_SECONDS });
}

/** The same network as one on the whole cube, which the degree certificate is about. */
export function onCube(network: AnyNetwork): AnyNetwork {
  return network.domain.kind === 'cube' ? network : { ...network, domain: { kind: 'cube' } };
}

/** Units for which classes of conflicting ones are looked for, where the proof of k does not have them. */
const GROUPED_UNITS = 2048;

export interface CertifiedDegree {
  readonly certificate: DegreeCertificate;
  /** Classes of units that never fire together, where they were looked for. */
  readonly classCount: number | undefined;
}

/**
 * The degree certificate of a network on the cube.
 * @param sparsity of the network on the whole cube
 * @param rates of the network on the whole cube
 */
export async function certifyDegree(
  network: AnyNetwork,
  sparsity: SparsityCertificate,
  rates: FiringRates,
  work: Work,
): Promise<CertifiedDegree> {
  const classes = await unitClasses(network, sparsity, work);
  const certificate = degreeCertificate({
    inputCount: network.inputCount,
    unitCount: network.unitCount,
    sparsity: sparsity.kUpper,
    sparsityKind: sparsity.upperBound === 'proved' ? 'bound' : 'estimate',
    firingRates: rates.upper,
    firingRatesKind: rates.kind === 'exact' ? 'exact' : 'upper-limit',
    confidenceDelta: rates.confidenceDelta ?? undefined,
    squaredScales: isTreeNetwork(network) ? treeSquaredScales(network) : squaredScales(network),
    groups: classes === undefined ? undefined : groupOfUnits(network.unitCount, classes),
    groupsKind: 'bound',
  });
  return { certificate, classCount: classes?.length };
}

// Classes of units that are proven never active together.
async function unitClasses(
  network: AnyNetwork,
  { evidence, kUpper }: SparsityCertificate,
  work: Work,
): Promise<readonly (readonly number[])[] | undefined> {
  if (kUpper < 2) return undefined;
  if (evidence.method === 'conflicts') return evidence.classes;
  if (network.unitCount > GROUPED_UNITS) return undefined;
  return (await certifyConflicts(await tightenWithPauses(network, work), { ...work, stopAt: kUpper })).classes;
}

// A dead unit may join any class.
function groupOfUnits(unitCount: number, classes: readonly (readonly number[])[]): number[] {
  const groups = new Array<number>(unitCount).fill(0);
  classes.forEach((members, group) => {
    for (const j of members) groups[j] = group;
  });
  return groups;
}

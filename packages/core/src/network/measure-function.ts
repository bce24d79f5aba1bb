/**
 * The function of one network in numbers: its moments, its largest value, and how its square spreads over degrees. All its
 * values are listed, or the spectra of its units added up, as far as that takes some seconds: decided by predicted work,
 * never by the clock, so that the same network is measured alike on every machine.
 */
import { checkRunOptions, type RunOptions } from '../base/index.ts';
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
import { domainBits, domainPoints } from './domain.ts';
import { evaluateNetwork } from './network.ts';
import { type AnyNetwork, evaluateTreeNetwork, isTreeNetwork, treesOfNetwork } from './tree-network.ts';
import { treeEnsembleSpectrum, treeSpectrumSize } from './tree-spectrum.ts';
import { networkPolynomial, unitSpectraSize } from './unit-spectra.ts';

/** The function h of a network over uniform points, exact up to rounding: of the cube, or of the bits of a lift. */
export interface MeasuredFunction {
  /** `cube`, or the q bits y of a lift, whose products are the other inputs. */
  readonly space: 'cube' | 'bits';
  /** Coordinates of that space: 2^coordinateCount points. */
  readonly coordinateCount: number;
  /** E h^2. */
  readonly secondMoment: number;
  /** E h. */
  readonly mean: number;
  /** The largest |h|: exact where all points were listed, else a bound, the sum of the |coefficients|. */
  readonly largest: number;
  readonly largestKind: 'exact' | 'bound';
  /** The sum over degrees j of j W^{=j}. */
  readonly averageSensitivity: number;
  /** The highest degree with a coefficient that is no rounding error. */
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

const DEFAULT_MEMORY_BYTES = 4 * 2 ** 30;

/**
 * Measures the function on the network's domain, all points of which count the same.
 * @returns undefined where it has too many points to be listed and units of too many inputs to be added up, in some seconds
 *   or the memory allowed (4 GiB by default), and for a domain of rows
 * @throws FewfireError `invalid-data` for values beyond the range of a double; `invalid-argument` for a wrong option
 */
export async function measureFunction(
  network: AnyNetwork,
  options: RunOptions = {},
): Promise<MeasuredFunction | undefined> {
  checkRunOptions('measureFunction', options, {});
  const { memoryLimitBytes = DEFAULT_MEMORY_BYTES } = options;
  const { domain, inputCount, unitCount } = network;
  if (domain.kind === 'rows') return undefined;
  const bits = domainBits(network);
  const isListed = bits <= FUNCTION_COORDINATES && 2 ** bits * inputCount * unitCount <= FUNCTION_WORK;
  if (isListed && VALUE_BYTES * 2 ** bits <= memoryLimitBytes) {
    return await listFunction(network, bits, options);
  }
  return domain.kind === 'cube' ? await sumUnits(network, { ...options, memoryLimitBytes }) : undefined;
}

// All values, and their transform.
async function listFunction(
  network: AnyNetwork,
  coordinateCount: number,
  options: RunOptions,
): Promise<MeasuredFunction> {
  const size = 2 ** coordinateCount;
  const values = new Float64Array(size);
  for (let first = 0; first < size; first += CHUNK_ROWS) {
    const points = domainPoints(network, first, Math.min(CHUNK_ROWS, size - first));
    values.set(await evaluate(network, points, { ...options, onProgress: undefined }), first);
    options.onProgress?.({ phase: 'evaluating the network', done: first, total: size, unit: 'rows' });
  }
  const space = network.domain.kind === 'lift' ? 'bits' : 'cube';
  const largest = normFromValues(values, Number.POSITIVE_INFINITY);
  const spectrum = await fourierTransform(values, options);
  return { space, coordinateCount, ...spread(spectrum, coordinateCount), largest, largestKind: 'exact' };
}

function evaluate(network: AnyNetwork, points: CubePoints, options: RunOptions): Promise<Float64Array> {
  return isTreeNetwork(network)
    ? evaluateTreeNetwork(network, points, options)
    : evaluateNetwork(network, points, options);
}

type SumOptions = RunOptions & { readonly memoryLimitBytes: number };

// The units' own spectra added up, where every unit reads few inputs.
async function sumUnits(network: AnyNetwork, options: SumOptions): Promise<MeasuredFunction | undefined> {
  const polynomial = await spectrumOf(network, options);
  if (polynomial === undefined) return undefined;
  return {
    space: 'cube',
    coordinateCount: network.inputCount,
    ...spread(polynomial, network.inputCount),
    largest: spectralNorm(polynomial),
    largestKind: 'bound',
  };
}

async function spectrumOf(network: AnyNetwork, options: SumOptions): Promise<Polynomial | undefined> {
  if (isTreeNetwork(network)) {
    const ensemble = treesOfNetwork(network);
    const { stepCount, memoryBytes } = treeSpectrumSize(ensemble);
    if (stepCount > UNIT_TERMS || memoryBytes > options.memoryLimitBytes) return undefined;
    return await treeEnsembleSpectrum(ensemble, options);
  }
  const size = unitSpectraSize(network);
  if (size > UNIT_TERMS || TERM_BYTES * size > options.memoryLimitBytes) return undefined;
  return await networkPolynomial(network, options);
}

function spread(
  spectrum: Float64Array | Polynomial,
  coordinateCount: number,
): Omit<MeasuredFunction, 'space' | 'coordinateCount' | 'largest' | 'largestKind'> {
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

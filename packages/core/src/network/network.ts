/**
 * A sparsely activated network (THEORY section 2, Definition 1.1 of the paper):
 * h(x) = sum_j u_j relu(<w_j, x> - b_j), where only few units are active at any
 * point of its domain. A unit is active where its preactivation <w_j, x> - b_j is
 * strictly positive. There is no output bias.
 *
 * Weights are dense, because the class allows it; which points a network is
 * sparse on is part of it (`domain`), because off them it usually is not.
 */
import {
  countNetworkActivity,
  evaluateDenseNetwork,
  networkKernelBytes,
  preactivationsOfRow,
  referenceNetwork,
} from '@fewfire/kernels';
import { checkOptions, checkRunOptions, checkWord, FewfireError, type RunOptions } from '../base/index.ts';
import type { CubePoints } from '../cube/index.ts';

/** The points that a network's sparsity is about. */
export type NetworkDomain =
  /** All of {+1,-1}^n. */
  | { readonly kind: 'cube' }
  /** The points y_0 .. y_{q-1}, then y_i y_l by l, then i < l, of y in {+1,-1}^q, q = bitCount. */
  | { readonly kind: 'lift'; readonly bitCount: number }
  /** The rows of some data, named for people. */
  | { readonly kind: 'rows'; readonly label: string };

/** What JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Where a network came from: its family with all parameters, enough to make it again. */
export interface NetworkProvenance {
  readonly family: string;
  readonly parameters: { readonly [key: string]: JsonValue };
  /** null where nothing was random. */
  readonly seed: number | null;
}

/** The paper's form of a `ReluLayer` with one output; `networkFromLayer` and `layerFromNetwork` go both ways. */
export interface SparseNetwork {
  readonly inputCount: number;
  readonly unitCount: number;
  /** w, row-major [unitCount][inputCount]. */
  readonly weights: Float64Array;
  /** b, one per unit, subtracted. */
  readonly biases: Float64Array;
  /** u, one per unit. */
  readonly outputWeights: Float64Array;
  readonly domain: NetworkDomain;
  readonly provenance: NetworkProvenance;
}

/** Definition 1.2: W = max_j |u_j| ||w_j||_2 and B = max_j |u_j b_j|, which rescaling units does not change. */
export interface Scale {
  readonly weight: number;
  readonly bias: number;
}

/** What `createNetwork` makes a network of. */
export interface NetworkParts {
  readonly inputCount: number;
  readonly weights: ArrayLike<number>;
  readonly biases: ArrayLike<number>;
  readonly outputWeights: ArrayLike<number>;
  /** Default: the cube. */
  readonly domain?: NetworkDomain;
  /** Default: family `custom` without parameters. */
  readonly provenance?: NetworkProvenance;
}

/** The most inputs of a network: one without units may claim any number, and points have that many coordinates. */
const MAX_INPUT_COUNT = 2 ** 24;

/** @throws FewfireError `invalid-argument` for a kind of domain that there is not */
export function checkDomainKind({ kind }: NetworkDomain): void {
  checkWord('kind', kind, ['cube', 'lift', 'rows']);
}

/**
 * Checks and copies the parts of a network; the number of units is that of the biases.
 * @param options.owned the arrays become the network's own where they are of its type: large ones are not copied
 * @throws FewfireError `invalid-argument` for lengths that do not fit, numbers that are not finite, or a domain of other points
 * @example
 * ```ts
 * import { createNetwork, cubePointsFromRows, evaluateNetwork } from '@fewfire/core';
 *
 * // Two units over three inputs, row by row: relu(x0 + x1 - 1) - relu(x2).
 * const network = createNetwork({
 *   inputCount: 3,
 *   weights: [1, 1, 0, 0, 0, 1],
 *   biases: [1, 0],
 *   outputWeights: [1, -1],
 * });
 * console.log(await evaluateNetwork(network, cubePointsFromRows([[0, 0, 1]]))); // Float64Array(1) [ 1 ]
 * ```
 */
export function createNetwork(parts: NetworkParts, options: { readonly owned?: boolean } = {}): SparseNetwork {
  checkOptions('createNetwork', options, { owned: 'boolean' });
  const { owned = false } = options;
  const { inputCount } = parts;
  if (!Number.isInteger(inputCount) || inputCount < 1 || inputCount > MAX_INPUT_COUNT) {
    throw new FewfireError(
      'invalid-argument',
      `inputCount is ${inputCount}, expected a whole number from 1 to ${MAX_INPUT_COUNT.toLocaleString('en-US')}`,
    );
  }
  const unitCount = parts.biases.length;
  if (parts.outputWeights.length !== unitCount || parts.weights.length !== unitCount * inputCount) {
    throw new FewfireError(
      'invalid-argument',
      `the network has ${parts.biases.length} biases, ${parts.outputWeights.length} output weights and ${parts.weights.length} weights; expected one bias and output weight and ${inputCount} weights per unit`,
    );
  }
  const domain = parts.domain ?? { kind: 'cube' };
  checkDomainKind(domain);
  if (domain.kind === 'lift') {
    const expected = liftedCount(domain.bitCount);
    if (!Number.isInteger(domain.bitCount) || expected !== inputCount) {
      throw new FewfireError(
        'invalid-argument',
        `a lift of ${domain.bitCount} bits has ${expected} coordinates, the network ${inputCount} inputs; expected the same number`,
      );
    }
  }
  return {
    inputCount,
    unitCount,
    weights: finiteNumbers(parts.weights, 'weight', owned),
    biases: finiteNumbers(parts.biases, 'bias', owned),
    outputWeights: finiteNumbers(parts.outputWeights, 'output weight', owned),
    domain,
    provenance: parts.provenance ?? { family: 'custom', parameters: {}, seed: null },
  };
}

/** How many coordinates the lift of `bitCount` bits has: the bits and their pairs. */
export function liftedCount(bitCount: number): number {
  return (bitCount * (bitCount + 1)) / 2;
}

/** The weights w_j of one unit: `inputCount` numbers, a view. */
export function unitWeights(network: SparseNetwork, unit: number): Float64Array {
  return network.weights.subarray(unit * network.inputCount, (unit + 1) * network.inputCount);
}

/**
 * h at every row: `points.rowCount` numbers, the same for any number of threads.
 * @throws FewfireError `invalid-argument` for points with another number of coordinates, `memory-budget` before allocating
 * @example
 * ```ts
 * import { domainPoints, evaluateNetwork, parityNetwork } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * console.log(await evaluateNetwork(network, domainPoints(network, 0, 4))); // Float64Array(4) [ 1, -1, -1, 1 ]
 * ```
 */
export async function evaluateNetwork(
  network: SparseNetwork,
  points: CubePoints,
  options: RunOptions = {},
): Promise<Float64Array> {
  checkRunOptions('evaluateNetwork', options, {});
  checkPoints(network, points);
  checkMemory(network, points, options);
  return evaluateDenseNetwork(network, points, kernelOptions(points, options));
}

/** The same by plain TypeScript, a row at a time: what `evaluateNetwork` is tested against. */
export function evaluateNetworkReference(network: SparseNetwork, points: CubePoints): Float64Array {
  checkPoints(network, points);
  return referenceNetwork(network, points);
}

/**
 * <w_j, x> - b_j of every unit at one row: `unitCount` numbers, summed in the order of `evaluateNetwork`.
 * @throws FewfireError `invalid-argument` for a row that is not there and points with another number of coordinates
 * @example
 * ```ts
 * import { domainPoints, parityNetwork, preactivations } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * console.log(preactivations(network, domainPoints(network, 0, 1), 0)); // Float64Array(4) [ 2, 0, 0, -2 ]
 * ```
 */
export function preactivations(network: SparseNetwork, points: CubePoints, row: number): Float64Array {
  checkPoints(network, points);
  if (!Number.isInteger(row) || row < 0 || row >= points.rowCount) {
    throw new FewfireError(
      'invalid-argument',
      `row is ${row}, expected a whole number from 0 to ${points.rowCount - 1}`,
    );
  }
  const result = new Float64Array(network.unitCount);
  preactivationsOfRow(network, points, row, result);
  return result;
}

/** R_x of one row: the units whose preactivation is strictly positive, ascending. */
export function activeSet(network: SparseNetwork, points: CubePoints, row: number): Uint32Array {
  const active: number[] = [];
  preactivations(network, points, row).forEach((value, j) => {
    if (value > 0) active.push(j);
  });
  return Uint32Array.from(active);
}

/** Where exactly the units R are active the network is this affine map: h(x) = <weights, x> - bias. */
export interface AffineMap {
  /** w^R = sum_{j in R} u_j w_j */
  readonly weights: Float64Array;
  /** b^R = sum_{j in R} u_j b_j */
  readonly bias: number;
}

/** The network where R is the active set (Definition 1.2 f.). @throws FewfireError `invalid-argument` for units it does not have */
export function restrictToUnits(network: SparseNetwork, units: ArrayLike<number>): AffineMap {
  const weights = new Float64Array(network.inputCount);
  let bias = 0;
  for (let r = 0; r < units.length; r++) {
    const j = units[r];
    if (!Number.isInteger(j) || j < 0 || j >= network.unitCount) {
      throw new FewfireError('invalid-argument', `unit ${j} is none of the ${network.unitCount} units, counted from 0`);
    }
    const u = network.outputWeights[j];
    unitWeights(network, j).forEach((w, i) => {
      weights[i] += u * w;
    });
    bias += u * network.biases[j];
  }
  return { weights, bias };
}

/** Definition 1.2 for this network; zeros for one without units. */
export function networkScale(network: SparseNetwork): Scale {
  let weight = 0;
  let bias = 0;
  for (let j = 0; j < network.unitCount; j++) {
    weight = Math.max(weight, Math.sqrt(ordinarySquare(network, j)) || scaleOf(network, j));
    bias = Math.max(bias, Math.abs(network.outputWeights[j] * network.biases[j]));
  }
  return { weight, bias };
}

/**
 * u_j^2 ||w_j||^2 of every unit; weighted by firing rates they sum to Q of the new Lemma 3.2.
 * @example
 * ```ts
 * import { parityNetwork, squaredScales } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * console.log(squaredScales(network)); // Float64Array(4) [ 0.5, 0.5, 0.5, 0.5 ]
 * ```
 */
export function squaredScales(network: SparseNetwork): Float64Array {
  return Float64Array.from(
    { length: network.unitCount },
    (_, j) => ordinarySquare(network, j) || scaleOf(network, j) ** 2,
  );
}

// u^2 ||w||^2 where neither factor leaves the range of a double, else 0.
function ordinarySquare(network: SparseNetwork, j: number): number {
  const squaredNorm = unitWeights(network, j).reduce((sum, w) => sum + w * w, 0);
  const square = network.outputWeights[j] ** 2;
  const isOrdinary = [squaredNorm, square].every((value) => value > 1e-150 && value < 1e150);
  return isOrdinary ? square * squaredNorm : 0;
}

// |u| ||w|| by way of the largest weight, so that squares of huge or tiny numbers do not make it 0, NaN or Infinity.
function scaleOf(network: SparseNetwork, j: number): number {
  const weights = unitWeights(network, j);
  const largest = weights.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
  if (largest === 0) return 0;
  const norm = Math.sqrt(weights.reduce((sum, w) => sum + (w / largest) ** 2, 0));
  return Math.abs(network.outputWeights[j]) * largest * norm;
}

/**
 * The units that no point of the whole cube makes active: ||w_j||_1 <= b_j. Sound under rounding: a unit is listed
 * only if its sums are exact or the inequality holds by more than their error.
 * @example
 * ```ts
 * import { createNetwork, deadUnits } from '@fewfire/core';
 *
 * const network = createNetwork({ inputCount: 1, weights: [1, 1], biases: [0, 2], outputWeights: [1, 1] });
 * console.log(deadUnits(network)); // Uint32Array(1) [ 1 ]
 * ```
 */
export function deadUnits(network: SparseNetwork): Uint32Array {
  const dead: number[] = [];
  for (let j = 0; j < network.unitCount; j++) {
    const { norm, margin } = roundingMargin(unitWeights(network, j), network.biases[j]);
    if (norm + margin <= network.biases[j]) dead.push(j);
  }
  return Uint32Array.from(dead);
}

/**
 * How far a computed <w, x> - b may be from the true one, for any order of summation: 0 if every partial sum is
 * exact, which holds when all numbers are multiples of a power of two g and ||w||_1 + |b| < 2^53 g.
 */
export function roundingMargin(
  weights: Float64Array,
  bias: number,
): { readonly norm: number; readonly margin: number } {
  let norm = 0;
  let grain = bias === 0 ? Number.POSITIVE_INFINITY : grainOf(bias);
  let count = 1;
  for (const w of weights) {
    if (w === 0) continue;
    norm += Math.abs(w);
    grain = Math.min(grain, grainOf(w));
    count++;
  }
  const total = norm + Math.abs(bias);
  // Below, not at it: the total itself may have been rounded down to 2^53 g.
  if (total < 2 ** 53 * grain && total < Number.POSITIVE_INFINITY) return { norm, margin: 0 };
  return { norm, margin: 2 * count * 2 ** -52 * total };
}

// The largest power of two that divides a number other than zero.
function grainOf(value: number): number {
  let grain = 2 ** Math.min(1023, Math.floor(Math.log2(Math.abs(value))) + 1);
  while (!Number.isInteger(value / grain)) grain /= 2;
  return grain;
}

/** How many units were active at each of some points, by floating-point sums (see `measureSparsity`). */
export interface SparsityMeasure {
  readonly rowCount: number;
  /** The largest |R_x|; 0 without rows. */
  readonly maximum: number;
  /** The first row that has it; -1 without rows. */
  readonly maximumRow: number;
  readonly mean: number;
  /** histogram[a] rows have a active units, a = 0 .. maximum. */
  readonly histogram: Float64Array;
  /** In how many rows each unit is active. */
  readonly unitCounts: Float64Array;
}

/**
 * |R_x| over given points, by the same floating-point sums as `evaluateNetwork`: a unit within rounding of its tie may
 * count otherwise than in exact arithmetic, which is what `certifySparsity` (method `rows`) decides by.
 * @throws FewfireError as `evaluateNetwork`
 * @example
 * ```ts
 * import { domainPoints, measureSparsity, parityNetwork } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const { maximum, mean } = await measureSparsity(network, domainPoints(network, 0, 8));
 * console.log(maximum, mean); // 1 1
 * ```
 */
export async function measureSparsity(
  network: SparseNetwork,
  points: CubePoints,
  options: RunOptions = {},
): Promise<SparsityMeasure> {
  checkRunOptions('measureSparsity', options, {});
  checkPoints(network, points);
  checkMemory(network, points, options);
  const { rowCounts, unitCounts } = await countNetworkActivity(network, points, kernelOptions(points, options));
  let maximum = 0;
  let maximumRow = points.rowCount === 0 ? -1 : 0;
  let total = 0;
  rowCounts.forEach((count, i) => {
    total += count;
    if (count > maximum) {
      maximum = count;
      maximumRow = i;
    }
  });
  const histogram = new Float64Array(maximum + 1);
  for (const count of rowCounts) histogram[count]++;
  if (points.rowCount === 0) histogram.fill(0);
  const mean = points.rowCount === 0 ? 0 : total / points.rowCount;
  return { rowCount: points.rowCount, maximum, maximumRow, mean, histogram, unitCounts };
}

function finiteNumbers(values: ArrayLike<number>, what: string, owned: boolean): Float64Array {
  const result = owned && values instanceof Float64Array ? values : new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new FewfireError('invalid-argument', `${what} ${i} is ${values[i]}, expected a finite number`);
    }
    // One zero: files do not keep the sign of the other.
    result[i] = values[i] + 0;
  }
  return result;
}

function checkPoints(network: SparseNetwork, points: CubePoints): void {
  if (points.coordinateCount !== network.inputCount) {
    throw new FewfireError(
      'invalid-argument',
      `the points have ${points.coordinateCount} coordinates, the network ${network.inputCount} inputs; expected the same number`,
    );
  }
}

function checkMemory(network: SparseNetwork, points: CubePoints, options: RunOptions): void {
  const { inputCount, unitCount } = network;
  const needed = networkKernelBytes({ inputCount, unitCount, rowCount: points.rowCount }, options.threads ?? 1);
  // 4 GiB is where WebAssembly memory ends.
  const limit = Math.min(options.memoryLimitBytes ?? 2 ** 32, 2 ** 32);
  if (needed > limit) {
    throw new FewfireError(
      'memory-budget',
      `${unitCount.toLocaleString('en-US')} units of ${inputCount} inputs need ${Math.ceil(needed / 1e6).toLocaleString('en-US')} MB to evaluate, ${Math.floor(limit / 1e6).toLocaleString('en-US')} MB are allowed; allow more (4,294 MB is the most) or split the network`,
    );
  }
}

function kernelOptions(
  points: CubePoints,
  options: RunOptions,
): {
  readonly threads: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onRows: (done: number) => void;
} {
  return {
    threads: options.threads,
    signal: options.signal,
    onRows: (done) =>
      options.onProgress?.({ phase: 'evaluating the network', done, total: points.rowCount, unit: 'rows' }),
  };
}

/**
 * Intervals for the coefficients of given terms.
 *
 * `refitIntervals` fits exactly the terms it is given. Its intervals are for the
 * coefficients of the best approximation by these terms over the distribution of
 * the rows: the true function may have other terms, and the noise may depend on
 * the point, so the standard errors are the jackknife's (`term-fit.ts`). They hold
 * for terms chosen without these rows; terms chosen on the same rows are those
 * whose errors were large, and their intervals miss.
 *
 * Normal theory takes Student's quantiles. The bootstrap resamples rows (or
 * clusters), fits anew and takes the quantile of |t|, t the change over its own
 * standard error (symmetric bootstrap-t: of the usual forms the one whose two-sided
 * coverage errs least, order 1/m^2, where percentiles err by 1/m; and the largest
 * |t| over the terms gives simultaneous intervals in the same way).
 */
import {
  checkRunOptions,
  cholesky,
  createRandom,
  createTurn,
  FewfireError,
  FIT_OPTIONS,
  pickNumbers,
  type Random,
  type RunOptions,
  rowsWhere,
  sampleSeed,
  solveCholesky,
  type Turn,
} from '../base/index.ts';
import { bitAt, type CubePoints } from '../cube/index.ts';
import { bestConstant, checkTwoClasses } from './logit.ts';
import { checkTarget, DEFAULT_MEMORY_BYTES, formatBytes } from './low-degree.ts';
import { normalTail, studentQuantile } from './student.ts';
import {
  fitTerms,
  gramMatrix,
  jackknifeErrors,
  mergeAlike,
  type RefitLoss,
  type TermErrors,
  type TermFit,
  type TermRows,
} from './term-fit.ts';

export type { RefitLoss };

/** Options of `refitIntervals`. */
export interface RefitOptions extends RunOptions {
  /** The coordinates of each term; the constant is always there and need not be given. */
  readonly terms: readonly (readonly number[])[];
  /** Default `normal`. */
  readonly interval?: 'normal' | 'bootstrap';
  /** Default 0.95. */
  readonly confidence?: number;
  /** All intervals, the constant's included, cover at once. Default false: each by itself. */
  readonly simultaneous?: boolean;
  /** `logistic` for a target of -1 (a yes) and +1. Default `squared`. */
  readonly loss?: RefitLoss;
  /** Importance of each row, at least 0; not a count of copies, which would pass for independent rows. */
  readonly rowWeights?: Float64Array;
  /** Rows of one number belong together (one patient, one day) and may depend on each other. */
  readonly clusters?: ArrayLike<number>;
  /** Default 999. */
  readonly bootstrapCount?: number;
}

/** A coefficient with its standard error and interval. */
export interface TermInterval {
  /** Empty for the constant. */
  readonly coordinates: readonly number[];
  readonly estimate: number;
  readonly standardError: number;
  readonly low: number;
  readonly high: number;
}

/** Terms that were fitted again, with their intervals. */
export interface RefitResult {
  /** The constant first, then the terms in the order given, less `collinear` and `unsupported`. */
  readonly intervals: readonly TermInterval[];
  readonly interval: 'normal' | 'bootstrap';
  readonly confidence: number;
  readonly simultaneous: boolean;
  readonly loss: RefitLoss;
  /** Rows of positive weight. */
  readonly sampleCount: number;
  /** Only with clusters. */
  readonly clusterCount?: number;
  /** Only of the bootstrap: samples drawn, and those among them that had no finite or no unique fit and count as missing by any distance. */
  readonly bootstrapCount?: number;
  readonly failedCount?: number;
  /** Terms left out because on these rows they are combinations of others: no coefficient is unique, theirs is taken to be 0. */
  readonly collinear: readonly {
    readonly coordinates: readonly number[];
    readonly dependsOn: readonly (readonly number[])[];
  }[];
  /** Terms left out because without one row (or cluster) they could not be told from the others: nothing says how far off they are. */
  readonly unsupported: readonly (readonly number[])[];
  /** What the intervals are for, in a sentence. */
  readonly target: string;
}

/** Draws for the quantile of the largest |t|; at 95 % its level is known to 0.2 points (one standard error). */
const SIMULTANEOUS_DRAWS = 10_000;
const DEFAULT_BOOTSTRAP = 999;
/** Below it the t quantile at 95 % is more than 1e13. */
const LEAST_DEGREES_OF_FREEDOM = 0.1;
/** Relative size of a combination's coefficient below which a column has no part in it. */
const PART_OF_COMBINATION = 1e-6;

/**
 * Fits the terms (least squares, or maximum likelihood of the logistic loss) and says how uncertain each coefficient is.
 *
 * @param target one finite number per row; -1 and +1 for the logistic loss
 * @throws FewfireError `invalid-argument`, `invalid-data` (too few rows or clusters, one class), `memory-budget`,
 *   `not-converged` (separated classes, or too many bootstrap samples without a fit)
 * @example
 * ```ts
 * import { cubePointsFromRows, refitIntervals } from '@fewfire/core';
 *
 * const bits = Array.from({ length: 64 }, (_, i) => [i & 1, (i >> 1) & 1, (i >> 2) & 1]);
 * const points = cubePointsFromRows(bits);
 * // 2 x0 x1 + x2, where a bit 0 is +1 and a bit 1 is -1.
 * const target = Float64Array.from(bits, ([a, b, c]) => 2 * (1 - 2 * a) * (1 - 2 * b) + (1 - 2 * c));
 * const noisy = target.map((value, i) => value + (i % 3 === 0 ? 0.1 : -0.05));
 * const { intervals } = await refitIntervals(points, noisy, { terms: [[0, 1], [2]] });
 * console.log(intervals.map(({ coordinates, low, high }) => `[${coordinates}] ${low.toFixed(1)} to ${high.toFixed(1)}`)); // [ '[] -0.0 to 0.0', '[0,1] 2.0 to 2.0', '[2] 1.0 to 1.0' ]
 * ```
 */
export async function refitIntervals(
  points: CubePoints,
  target: Float64Array,
  options: RefitOptions,
): Promise<RefitResult> {
  checkRunOptions('refitIntervals', options, {
    terms: { need: 'object' },
    interval: ['normal', 'bootstrap'],
    confidence: 'number',
    simultaneous: 'boolean',
    loss: FIT_OPTIONS.loss,
    rowWeights: 'object',
    clusters: 'object',
    bootstrapCount: 'number',
  });
  const { interval = 'normal', confidence = 0.95, simultaneous = false, loss = 'squared' } = options;
  checkConfidence(confidence);
  checkTarget(points, target, options.rowWeights);
  if (loss === 'logistic') checkTwoClasses(target);
  const turn = createTurn(options.signal);
  const given = checkTerms(options.terms, points.coordinateCount);
  const all = await buildRows(points, target, given, options, turn);
  if (loss === 'logistic') bestConstant(all.target, all.weights); // for its refusal of one class
  const unitCount = all.units.length - 1;
  const unitName = options.clusters === undefined ? 'rows' : 'clusters';
  if (unitCount < 2) {
    throw new FewfireError(
      'invalid-data',
      `there are ${unitCount} ${unitName} of positive weight; expected at least 2`,
    );
  }

  const { kept, collinear } = await findCollinear(all, given, turn);
  const unsupported: (readonly number[])[] = [];
  let columns = kept;
  let rows = keepColumns(all, columns);
  let fit = await fitOrThrow(rows, loss, turn);
  let errors = await jackknifeErrors(rows, fit, undefined, simultaneous, turn);
  for (;;) {
    const out = new Set(errors.unsupported);
    // Next to nothing is left without one unit: no t quantile is a number there. The constant shares its term's.
    const alone = errors.degreesOfFreedom.findLastIndex((freedom) => !(freedom >= LEAST_DEGREES_OF_FREEDOM));
    if (out.size === 0 && alone >= 0) out.add(alone);
    if (out.size === 0) break;
    if (out.has(0) || columns.length === 1) {
      throw new FewfireError(
        'invalid-data',
        `one of the ${unitName} carries all the weight; expected more ${unitName}`,
      );
    }
    for (const k of out) unsupported.push(given[columns[k]]);
    columns = columns.filter((_, k) => !out.has(k));
    rows = keepColumns(all, columns);
    fit = await fitOrThrow(rows, loss, turn);
    errors = await jackknifeErrors(rows, fit, undefined, simultaneous, turn);
  }

  const random = createRandom(sampleSeed({ purpose: 'termSamples', seed: options.seed ?? 1 }));
  const bootstrap =
    interval === 'bootstrap'
      ? await bootstrapMultipliers(rows, fit, loss, { ...options, confidence, simultaneous }, random, turn)
      : undefined;
  const multipliers =
    bootstrap?.multipliers ?? (await studentMultipliers(errors, 1 - confidence, simultaneous, random, turn));
  return {
    intervals: columns.map((column, k) => {
      const estimate = fit.coefficients[k];
      const standardError = errors.standardErrors[k];
      const reach = multipliers[k] * standardError;
      return { coordinates: given[column], estimate, standardError, low: estimate - reach, high: estimate + reach };
    }),
    interval,
    confidence,
    simultaneous,
    loss,
    sampleCount: rows.rowCount,
    ...(options.clusters !== undefined && { clusterCount: unitCount }),
    ...(bootstrap !== undefined && { bootstrapCount: bootstrap.count, failedCount: bootstrap.failedCount }),
    collinear,
    unsupported,
    target: targetSentence(loss, options, columns.length < given.length),
  };
}

function targetSentence(loss: RefitLoss, options: RefitOptions, reduced: boolean): string {
  const error = loss === 'squared' ? 'mean squared error' : 'mean logistic loss (of the log-odds of a no)';
  const weighted = options.rowWeights === undefined ? '' : ', rows weighted as given';
  const terms = reduced ? 'the terms kept here' : 'these terms';
  const units = options.clusters === undefined ? 'rows' : 'clusters';
  return `Each interval is for the coefficient of the best approximation by ${terms} and a constant, in ${error} over the distribution the ${units} are drawn from${weighted}; the ${units} must be independent and must not have chosen the terms. It is not for a coefficient of the true function, which may have other terms.`;
}

function checkConfidence(confidence: number): void {
  if (confidence > 0 && confidence < 1) return;
  throw new FewfireError(
    'invalid-argument',
    `confidence is ${confidence}; expected a number inside (0, 1), as in 0.95`,
  );
}

// The constant, then the terms with ascending coordinates.
function checkTerms(terms: readonly (readonly number[])[], coordinateCount: number): readonly (readonly number[])[] {
  const seen = new Set(['']);
  const list: (readonly number[])[] = [[]];
  for (const term of terms) {
    const sorted = [...term].sort((a, b) => a - b);
    const valid = sorted.every((s, j) => Number.isInteger(s) && s >= 0 && s < coordinateCount && s !== sorted[j - 1]);
    const key = sorted.join(' ');
    if (!valid || (seen.has(key) && key !== '')) {
      throw new FewfireError(
        'invalid-argument',
        `term [${term.join(', ')}]: expected different coordinates from 0 to ${coordinateCount - 1}, and every term once`,
      );
    }
    if (!seen.has(key)) list.push(sorted);
    seen.add(key);
  }
  return list;
}

// Rows of positive weight, those of a cluster next to each other.
async function buildRows(
  points: CubePoints,
  target: Float64Array,
  terms: readonly (readonly number[])[],
  options: RefitOptions,
  turn: Turn,
): Promise<TermRows> {
  const { clusters, rowWeights } = options;
  if (clusters !== undefined && clusters.length !== points.rowCount) {
    throw new FewfireError(
      'invalid-argument',
      `there are ${clusters.length} cluster numbers and ${points.rowCount} rows; expected one per row`,
    );
  }
  const size = terms.length;
  const limit = options.memoryLimitBytes ?? DEFAULT_MEMORY_BYTES;
  // Signs of all columns and of those kept, eight row vectors, six matrices.
  const bytes = points.rowCount * (2 * size + 64) + 48 * size * size;
  if (bytes > limit) {
    throw new FewfireError(
      'memory-budget',
      `intervals for ${size} terms on ${points.rowCount.toLocaleString('en-US')} rows need ${formatBytes(bytes)}, more than the ${formatBytes(limit)} allowed; give fewer terms or raise \`memoryLimitBytes\``,
    );
  }
  const order = rowsWhere(points.rowCount, (i) => (rowWeights?.[i] ?? 1) > 0);
  if (clusters !== undefined) order.sort((a, b) => clusters[a] - clusters[b] || a - b);
  const rowCount = order.length;
  const starts = rowsWhere(
    rowCount,
    (i) => clusters === undefined || i === 0 || clusters[order[i]] !== clusters[order[i - 1]],
  );
  const signs = new Int8Array(rowCount * size);
  for (let i = 0; i < rowCount; i++) {
    const row = order[i];
    for (let k = 0; k < size; k++) {
      let odd = 0;
      for (const s of terms[k]) odd ^= bitAt(points, row, s);
      signs[i * size + k] = odd === 1 ? -1 : 1;
    }
    if (i % 256 === 0) await turn();
  }
  // Weights are relative to their largest: the answer does not depend on their unit, the arithmetic might.
  const largest = rowWeights?.reduce((most, weight) => Math.max(most, weight), 0) ?? 1;
  const units = new Uint32Array(starts.length + 1);
  units.set(starts);
  units[starts.length] = rowCount;
  return {
    rowCount,
    size,
    signs,
    target: pickNumbers(target, order),
    weights:
      rowWeights === undefined
        ? new Float64Array(rowCount).fill(1 / largest)
        : pickNumbers(rowWeights, order).map((weight) => weight / largest),
    units,
  };
}

function keepColumns(rows: TermRows, columns: readonly number[]): TermRows {
  if (columns.length === rows.size) return rows;
  const size = columns.length;
  const signs = new Int8Array(rows.rowCount * size);
  for (let i = 0; i < rows.rowCount; i++)
    for (let k = 0; k < size; k++) signs[i * size + k] = rows.signs[i * rows.size + columns[k]];
  return { ...rows, size, signs };
}

async function findCollinear(
  rows: TermRows,
  terms: readonly (readonly number[])[],
  turn: Turn,
): Promise<{ kept: number[]; collinear: RefitResult['collinear'] }> {
  const gram = await gramMatrix(rows, rows.weights, turn);
  const { factor, dependent } = cholesky(gram, rows.size);
  const collinear = dependent.map((column) => {
    const combination = gram.slice(column * rows.size, (column + 1) * rows.size);
    solveCholesky(factor, rows.size, combination);
    return {
      coordinates: terms[column],
      dependsOn: terms.filter((_, k) => Math.abs(combination[k]) > PART_OF_COMBINATION),
    };
  });
  return { kept: terms.map((_, k) => k).filter((k) => !dependent.includes(k)), collinear };
}

async function fitOrThrow(rows: TermRows, loss: RefitLoss, turn: Turn): Promise<TermFit> {
  const fit = await fitTerms(rows, loss, undefined, undefined, turn);
  if (fit !== undefined) return fit;
  throw new FewfireError(
    'not-converged',
    `the ${rows.size - 1} terms separate the two classes, wholly or in part, so that no finite coefficients are best; expected classes that overlap: give fewer terms or more rows`,
  );
}

async function studentMultipliers(
  errors: TermErrors,
  delta: number,
  simultaneous: boolean,
  random: Random,
  turn: Turn,
): Promise<Float64Array> {
  const each = simultaneous ? await simultaneousDelta(errors.covariance as Float64Array, delta, random, turn) : delta;
  return errors.degreesOfFreedom.map((freedom) => studentQuantile(each, freedom));
}

/** The chance of error each interval may have so that, for normal estimates of this covariance, all hold at once. */
async function simultaneousDelta(covariance: Float64Array, delta: number, random: Random, turn: Turn): Promise<number> {
  const size = Math.sqrt(covariance.length);
  const deviations = Float64Array.from({ length: size }, (_, k) => Math.sqrt(covariance[k * size + k]));
  const correlation = covariance.map((value, at) => {
    const scale = deviations[Math.floor(at / size)] * deviations[at % size];
    return scale > 0 ? value / scale : at % (size + 1) === 0 ? 1 : 0;
  });
  const { factor } = cholesky(correlation, size);
  const largest = new Float64Array(SIMULTANEOUS_DRAWS);
  const normals = new Float64Array(size);
  for (let draw = 0; draw < SIMULTANEOUS_DRAWS; draw++) {
    for (let k = 0; k < size; k++) normals[k] = random.normal();
    let most = 0;
    for (let a = 0; a < size; a++) {
      let sum = 0;
      for (let b = 0; b <= a; b++) sum += factor[a * size + b] * normals[b];
      most = Math.max(most, Math.abs(sum));
    }
    largest[draw] = most;
    if (draw % 64 === 0) await turn();
  }
  return normalTail(upperQuantile(largest, 1 - delta));
}

async function bootstrapMultipliers(
  all: TermRows,
  fit: TermFit,
  loss: RefitLoss,
  options: RefitOptions & { readonly confidence: number; readonly simultaneous: boolean },
  random: Random,
  turn: Turn,
): Promise<{ multipliers: Float64Array; count: number; failedCount: number }> {
  const count = checkBootstrapCount(options.bootstrapCount ?? DEFAULT_BOOTSTRAP, options.confidence);
  const drawCount = all.units.length - 1;
  // Where targets have few values many rows are alike. How often each of them was drawn is all that a fit needs.
  const merged = drawCount === all.rowCount ? mergeAlike(all) : undefined;
  const rows = merged?.rows ?? all;
  const counts = new Float64Array(rows.units.length - 1);
  const size = rows.size;
  // Every |t| of every sample, term after term.
  const ratios = new Float64Array(size * count).fill(Number.POSITIVE_INFINITY);
  const largest = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  let failedCount = 0;
  for (let sample = 0; sample < count; sample++) {
    counts.fill(0);
    for (let g = 0; g < drawCount; g++) {
      const unit = random.integer(drawCount);
      counts[merged === undefined ? unit : merged.unitOf[unit]]++;
    }
    const again = await fitTerms(rows, loss, counts, fit.coefficients, turn);
    if (again === undefined) failedCount++;
    else {
      const { standardErrors } = await jackknifeErrors(rows, again, counts, false, turn);
      largest[sample] = 0;
      for (let k = 0; k < size; k++) {
        const change = Math.abs(again.coefficients[k] - fit.coefficients[k]);
        const ratio = change === 0 ? 0 : change / standardErrors[k];
        ratios[k * count + sample] = ratio;
        largest[sample] = Math.max(largest[sample], ratio);
      }
    }
    options.onProgress?.({ phase: 'resampling', done: sample + 1, total: count, unit: 'fits' });
  }
  const multipliers = Float64Array.from({ length: size }, (_, k) =>
    upperQuantile(options.simultaneous ? largest : ratios.subarray(k * count, (k + 1) * count), options.confidence),
  );
  if (multipliers.every(Number.isFinite)) return { multipliers, count, failedCount };
  throw new FewfireError(
    'not-converged',
    `${failedCount} of ${count} bootstrap samples have no unique and finite fit on these terms (some term is too rarely a yes or a no, or separates the classes); expected fewer than the share the intervals may miss: take normal intervals, fewer terms or more rows`,
  );
}

function checkBootstrapCount(count: number, confidence: number): number {
  const least = Math.ceil(1 / (1 - confidence) - 1 - 1e-9);
  if (Number.isInteger(count) && count >= least) return count;
  throw new FewfireError(
    'invalid-argument',
    `bootstrapCount is ${count}; expected a whole number, at least ${least} for this confidence`,
  );
}

/** The value of rank ceil((count + 1) share): right on average for a sample of `count` whatever its distribution. */
function upperQuantile(values: Float64Array, share: number): number {
  return values.slice().sort()[Math.min(values.length, Math.ceil((values.length + 1) * share - 1e-9)) - 1];
}

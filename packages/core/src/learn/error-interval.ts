/**
 * An interval for the mean loss on rows that had no part in the fit. Which kind
 * depends on what is known of the losses, and is said:
 *
 * - right or wrong (0 or 1, with bounds [0, 1]): Clopper-Pearson, exact; empirical
 *   Bernstein would hold too and be wider;
 * - bounded (Brier score): empirical Bernstein, for every distribution in the range;
 * - anything else (squared error, log-loss), rows that come in clusters or with weights: bootstrap
 *   of Student's ratio, right only as rows grow many. Nothing can hold for every
 *   distribution there: a loss that is huge on rows never seen leaves no trace, and
 *   losses that are all equal give an interval of no width.
 *
 * Of clusters or weighted rows that are all right (or all wrong) there is nothing to
 * resample either: Clopper-Pearson of as many units as these are worth.
 *
 * A loss in [0, 1] that only happens to be 0 or 1 on all these rows gets
 * Clopper-Pearson too; counted with the rows that would not have happened so, the
 * chance of missing is at most twice the one asked for, and exactly it for losses
 * that are always, or never, 0 and 1.
 */
import {
  checkRunOptions,
  clopperPearsonLowerLimit,
  clopperPearsonUpperLimit,
  createRandom,
  createTurn,
  effectiveCount,
  empiricalBernsteinInterval,
  FewfireError,
  type Interval,
  meanOfUnits,
  type Random,
  type RunOptions,
  sampleSeed,
  type Turn,
  type Units,
  unitsOf,
} from '../base/index.ts';
import { weightedMean } from './metrics.ts';

/** Options of `errorInterval`. */
export interface ErrorIntervalOptions extends RunOptions {
  /** Default 0.95. */
  readonly confidence?: number;
  /** What the loss can be at all, by its definition, not what was seen. An infinite end is no bound. */
  readonly bounds?: Interval;
  /** Rows of one number belong together and may depend on each other: whole clusters are resampled. */
  readonly clusters?: ArrayLike<number> | undefined;
  /** Importance of each row, at least 0: the mean is the weighted one, and rows are resampled with their weights. */
  readonly weights?: ArrayLike<number> | undefined;
  /** Default 1999. */
  readonly bootstrapCount?: number;
}

/** A mean loss with its interval, and what the interval rests on. */
export interface ErrorInterval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  readonly method: 'Clopper-Pearson' | 'empirical Bernstein' | 'bootstrap';
  /** Whether the interval is right for every distribution, or only as rows grow many. */
  readonly validity: 'any distribution' | 'many rows';
  /** What is taken to be independent. */
  readonly over: 'rows' | 'clusters';
  readonly sampleCount: number;
  readonly clusterCount?: number;
}

/**
 * The mean of the losses of rows, with an interval: exact binomial for losses of two values, empirical Bernstein where
 * losses are bounded, else by the bootstrap.
 * @param losses one number per row, such as squared errors, or 1 where a class is wrong and else 0
 * @throws FewfireError `invalid-data` (fewer than 2 rows or clusters where one says nothing, losses that are not finite or out of bounds), `invalid-argument`
 * @example
 * ```ts
 * import { errorInterval } from '@fewfire/core';
 *
 * const squaredErrors = Float64Array.from({ length: 100 }, (_, i) => (i % 10) / 10);
 * const { mean, low, high, method } = await errorInterval(squaredErrors, { bounds: [0, 1] });
 * console.log(mean.toFixed(2), low.toFixed(2), high.toFixed(2), method); // 0.45 0.26 0.64 empirical Bernstein
 * ```
 */
export async function errorInterval(losses: Float64Array, options: ErrorIntervalOptions = {}): Promise<ErrorInterval> {
  checkRunOptions('errorInterval', options, {
    confidence: 'number',
    bounds: 'object',
    clusters: 'object',
    weights: 'object',
    bootstrapCount: 'number',
  });
  const { confidence = 0.95, bounds = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] } = options;
  const { clusters, weights } = options;
  check(losses, confidence, bounds, options);
  const mean = weightedMean(losses, weights);
  const about = { mean, confidence, sampleCount: losses.length } as const;
  if (clusters === undefined && weights === undefined) {
    const delta = 1 - confidence;
    if (losses.every((loss) => loss === 0 || loss === 1) && bounds[0] === 0 && bounds[1] === 1) {
      const wrong = losses.reduce((sum, loss) => sum + loss, 0);
      const low = clopperPearsonLowerLimit(wrong, losses.length, delta / 2);
      const high = clopperPearsonUpperLimit(wrong, losses.length, delta / 2);
      return { ...about, low, high, method: 'Clopper-Pearson', validity: 'any distribution', over: 'rows' };
    }
    if (Number.isFinite(bounds[0]) && Number.isFinite(bounds[1])) {
      const squares = losses.reduce((sum, loss) => sum + (loss - mean) ** 2, 0);
      const spread = losses.length > 1 ? squares / (losses.length - 1) : 0;
      // One row says nothing but the range.
      const [low, high] =
        losses.length > 1 ? empiricalBernsteinInterval(mean, spread, losses.length, bounds, delta) : bounds;
      return { ...about, low, high, method: 'empirical Bernstein', validity: 'any distribution', over: 'rows' };
    }
  }
  const units = unitsOf(losses, { weights, clusters });
  const unitCount = units.sums.length;
  const over = clusters === undefined ? 'rows' : 'clusters';
  if (unitCount < 2) {
    const what = weights === undefined ? over : `${over} of positive weight`;
    throw new FewfireError('invalid-data', `there are ${unitCount} ${what} to resample; expected at least 2`);
  }
  const [only] = losses;
  if (bounds[0] === 0 && bounds[1] === 1 && (only === 0 || only === 1) && losses.every((loss) => loss === only)) {
    // No spread to resample. That no unit had another loss says how often one may: as so many equal units would.
    const count = Math.max(1, Math.floor(effectiveCount(units.weights)));
    const low = clopperPearsonLowerLimit(only * count, count, (1 - confidence) / 2);
    const high = clopperPearsonUpperLimit(only * count, count, (1 - confidence) / 2);
    const counts = clusters === undefined ? {} : { clusterCount: unitCount };
    return { ...about, low, high, method: 'Clopper-Pearson', validity: 'many rows', over, ...counts };
  }
  const [low, high] = await bootstrapMean(units, confidence, options, createTurn(options.signal));
  return {
    ...about,
    low: Math.max(bounds[0], low),
    high: Math.min(bounds[1], high),
    method: 'bootstrap',
    validity: 'many rows',
    over,
    ...(clusters !== undefined && { clusterCount: unitCount }),
  };
}

function check(losses: Float64Array, confidence: number, bounds: Interval, options: ErrorIntervalOptions): void {
  const count = options.bootstrapCount ?? DEFAULT_BOOTSTRAP;
  if (!(confidence > 0 && confidence < 1)) {
    throw new FewfireError(
      'invalid-argument',
      `confidence is ${confidence}; expected a number inside (0, 1), as in 0.95`,
    );
  }
  if (!(Number.isInteger(count) && count >= Math.ceil(2 / (1 - confidence) - 1 - 1e-9))) {
    throw new FewfireError(
      'invalid-argument',
      `bootstrapCount is ${count}; expected a whole number, at least ${Math.ceil(2 / (1 - confidence) - 1 - 1e-9)} for this confidence`,
    );
  }
  if (options.clusters !== undefined && options.clusters.length !== losses.length) {
    throw new FewfireError(
      'invalid-argument',
      `there are ${options.clusters.length} cluster numbers and ${losses.length} losses; expected one per row`,
    );
  }
  const heavy = options.weights;
  if (heavy !== undefined && (heavy.length !== losses.length || !Array.from(heavy).every((weight) => weight >= 0))) {
    throw new FewfireError(
      'invalid-argument',
      `there are ${heavy.length} weights for ${losses.length} losses; expected one per row, a number of at least 0`,
    );
  }
  if (!(bounds[0] < bounds[1])) {
    throw new FewfireError(
      'invalid-argument',
      `bounds are [${bounds.join(', ')}]; expected a low end below a high one`,
    );
  }
  if (losses.length === 0) throw new FewfireError('invalid-data', 'there are no losses; expected at least one row');
  const bad = losses.findIndex((loss) => !(Number.isFinite(loss) && loss >= bounds[0] && loss <= bounds[1]));
  if (bad >= 0) {
    throw new FewfireError(
      'invalid-data',
      `the loss is ${losses[bad]} in row ${bad}; expected finite numbers from ${bounds[0]} to ${bounds[1]}`,
    );
  }
}

const DEFAULT_BOOTSTRAP = 1999;

/**
 * Bootstrap-t with a quantile for each side: losses are lopsided, and so is the interval. An end is infinite when more
 * samples than the side may miss have no spread (very few rows, or nearly all losses equal).
 */
async function bootstrapMean(
  units: Units,
  confidence: number,
  options: ErrorIntervalOptions,
  turn: Turn,
): Promise<Interval> {
  const count = options.bootstrapCount ?? DEFAULT_BOOTSTRAP;
  const random = createRandom(sampleSeed({ purpose: 'lossSamples', seed: options.seed ?? 1 }));
  const all = meanOfUnits(units);
  if (all.standardError === 0) return [all.mean, all.mean];
  if (!Number.isFinite(all.standardError)) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const drawn = new Uint32Array(units.sums.length);
  const ratios = new Float64Array(count);
  for (let sample = 0; sample < count; sample++) {
    await drawUnits(drawn, random, turn);
    const again = meanOfUnits(units, drawn);
    const change = again.mean - all.mean;
    // Of a sample that cannot tell its own error the ratio may be anything.
    const ratio = Number.isFinite(again.standardError)
      ? change / again.standardError
      : change * Number.POSITIVE_INFINITY;
    ratios[sample] = change === 0 ? 0 : ratio;
    options.onProgress?.({ phase: 'resampling', done: sample + 1, total: count, unit: 'fits' });
  }
  ratios.sort();
  const rank = Math.floor(((count + 1) * (1 - confidence)) / 2 + 1e-9);
  return [all.mean - ratios[count - rank] * all.standardError, all.mean - ratios[rank - 1] * all.standardError];
}

async function drawUnits(drawn: Uint32Array, random: Random, turn: Turn): Promise<void> {
  const chunk = 1 << 16;
  for (let start = 0; start < drawn.length; start += chunk) {
    const end = Math.min(drawn.length, start + chunk);
    for (let g = start; g < end; g++) drawn[g] = random.integer(drawn.length);
    await turn();
  }
}

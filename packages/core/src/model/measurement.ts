/**
 * What a model's predictions are worth on rows with known targets, always beside the constant predictor. Rows come a part
 * at a time and only sums are kept of them, and for the AUC counts of equal scores (of many different ones, one number per
 * row and class): so a table of any length is measured as a short one is. Where rows weigh or belong together the gains are
 * kept too, for the verdict's error. Any figure that is shown to be better than the constant's shows that the model is.
 */
import { createMeanOfParts, effectiveCount, joinParts, type MeanOfParts } from '../base/index.ts';
import { areaOfScores, areaUnderCurve, studentQuantile, surprise, weightedMean } from '../learn/index.ts';
import { type Calibration, type Loss, predictionFromValues, type TargetSpec, type TestResult } from './model.ts';
import { outputCount, outputTarget } from './target.ts';

/** Rows with their targets: numbers as learned, or positions of classes. */
export interface MeasuredRows {
  /**
   * Numbers (their logarithm under the log transform), or positions among the classes, of two the positive one first.
   */
  readonly target: Float64Array;
  /** Weight of each row in every measure; all the same without it. */
  readonly weights?: Float64Array | undefined;
  /** Number of each row's group, where rows of one may depend on each other. */
  readonly clusters?: Uint32Array | undefined;
}

/** What is measured: how values become predictions, and the constants to compare with. */
export interface Measured {
  readonly target: TargetSpec;
  readonly loss: Loss;
  /** One per output. */
  readonly calibrations: readonly Calibration[];
  /** Mean of each output's target over the rows of the fit: the best constants. */
  readonly targetMeans: readonly number[];
}

/** A measurement under way. */
export interface Measurement {
  /** @param values of the polynomials at these rows, one vector per output */
  add(rows: MeasuredRows, values: readonly Float64Array[]): void;
  /** Of all rows added. */
  result(): TestResult;
}

const ROWS_PER_PART = 2 ** 15;

/** Measures rows that are all there. @param values of the polynomials at the rows, one vector per output */
export function measure(measured: Measured, rows: MeasuredRows, values: readonly Float64Array[]): TestResult {
  const { target, weights, clusters } = rows;
  const measurement = createMeasurement(measured, target.length);
  for (let start = 0; start < target.length; start += ROWS_PER_PART) {
    const end = start + ROWS_PER_PART;
    const part = {
      target: target.subarray(start, end),
      weights: weights?.subarray(start, end),
      clusters: clusters?.subarray(start, end),
    };
    measurement.add(
      part,
      values.map((vector) => vector.subarray(start, end)),
    );
  }
  return measurement.result();
}

/** What a value says the target is on average: itself, or for log-odds the mean of -1 and +1 under them. */
export function expectedTarget(loss: Loss, values: Float64Array): Float64Array {
  return loss === 'squared' ? values : values.map((value) => Math.tanh(value / 2));
}

/** @param rowCount the most rows that will be added */
export function createMeasurement(
  { target: spec, loss, calibrations, targetMeans }: Measured,
  rowCount: number,
): Measurement {
  const outputs = outputCount(spec);
  const isNumber = spec.kind === 'regression';
  const priors = spec.kind === 'binary' ? [targetMeans[0], -targetMeans[0]] : targetMeans;
  const prior = priors.map((mean) => (1 - mean) / 2);
  // Classes that have a probability of their own to be ranked by: of two, the positive one.
  const ranks = isNumber ? [] : Array.from({ length: outputs }, () => createRanking(rowCount));

  let count = 0;
  let weightSum = 0;
  const weightParts: Float64Array[] = [];
  const groups = new Set<number>();
  const sums = { error: 0, constantError: 0, right: 0, constantRight: 0, surprise: 0, constantSurprise: 0 };
  /** Of the targets about the constants, per output. */
  const offsets = new Float64Array(outputs);
  /** Over the constant: in squared error, and of classes in log-loss and in being right. */
  const gains = createMeanOfParts();
  const logGains = createMeanOfParts();
  const rightGains = createMeanOfParts();

  const add = ({ target, weights, clusters }: MeasuredRows, values: readonly Float64Array[]): void => {
    const rowGains = new Float64Array(target.length);
    const weightOf = (i: number): number => (weights === undefined ? 1 : weights[i]);
    for (let k = 0; k < outputs; k++) {
      const wanted = outputTarget(spec, target, k);
      const expected = expectedTarget(loss, values[k]);
      for (let i = 0; i < target.length; i++) {
        const error = (wanted[i] - expected[i]) ** 2;
        const constantError = (wanted[i] - targetMeans[k]) ** 2;
        sums.error += weightOf(i) * error;
        sums.constantError += weightOf(i) * constantError;
        offsets[k] += weightOf(i) * (wanted[i] - targetMeans[k]);
        rowGains[i] += constantError - error;
      }
    }
    if (!isNumber) {
      const { probabilities = [] } = predictionFromValues(spec, calibrations, values);
      const rowLogGains = new Float64Array(target.length);
      const rowRightGains = new Float64Array(target.length);
      for (let i = 0; i < target.length; i++) {
        const truth = target[i];
        const right = Number(mostProbable(probabilities, i) === truth);
        const constantRight = Number(mostProbableOf(prior) === truth);
        const loss = surprise(probabilities[truth][i]);
        const constantLoss = surprise(prior[truth]);
        sums.right += weightOf(i) * right;
        sums.constantRight += weightOf(i) * constantRight;
        sums.surprise += weightOf(i) * loss;
        sums.constantSurprise += weightOf(i) * constantLoss;
        rowLogGains[i] = constantLoss - loss;
        rowRightGains[i] = right - constantRight;
        for (let k = 0; k < ranks.length; k++) ranks[k].add(probabilities[k][i], truth === k, weights?.[i]);
      }
      logGains.add(rowLogGains, weights, clusters);
      rightGains.add(rowRightGains, weights, clusters);
    }
    gains.add(rowGains, weights, clusters);
    count += target.length;
    for (let i = 0; i < target.length; i++) weightSum += weightOf(i);
    if (weights !== undefined) weightParts.push(weights);
    for (const cluster of clusters ?? []) groups.add(cluster);
  };

  const result = (): TestResult => {
    const mean = (sum: number): number => sum / weightSum;
    // About the constants, not about zero: a mean far from zero would leave rounding of the difference of two squares.
    const variance = mean(sums.constantError) - offsets.reduce((sum, offset) => sum + mean(offset) ** 2, 0);
    const mse = mean(sums.error);
    const r2 = variance > ROUNDING * mean(sums.constantError) ? 1 - mse / variance : null;
    const isBetter = significantlyBetter(gains.result(), mean(sums.constantError));
    const common = {
      sampleCount: count,
      ...(weightParts.length > 0 && { effectiveCount: effectiveCount(joinParts(weightParts)) }),
      ...(groups.size > 0 && { groupCount: groups.size }),
      mse,
      r2,
    };
    if (isNumber) return { ...common, betterThanConstant: isBetter, baseline: { mse: mean(sums.constantError) } };
    const areas = ranks.map((rank) => rank.area()).filter((area) => !Number.isNaN(area));
    return {
      ...common,
      accuracy: mean(sums.right),
      auc: areas.length > 0 ? weightedMean(areas) : null,
      logLoss: mean(sums.surprise),
      betterThanConstant:
        isBetter ||
        significantlyBetter(logGains.result(), mean(sums.constantSurprise), LEAST_LOG_GAIN) ||
        significantlyBetter(rightGains.result(), 1) ||
        // Of rows that weigh or belong together how far chance takes an area is not known.
        (weightParts.length === 0 && groups.size === 0 && ranks.length === 1 && ranks[0].isBetterThanChance()),
      baseline: {
        mse: mean(sums.constantError),
        accuracy: mean(sums.constantRight),
        logLoss: mean(sums.constantSurprise),
      },
    };
  };
  return { add, result };
}

/** Of a variance that is zero, what rounding may leave, over the mean square it is a difference from. */
const ROUNDING = 1e-14;

/** The most probable class: at exactly one half the negative one, of several the first among equals. */
export function mostProbable(probabilities: readonly Float64Array[], row: number): number {
  if (probabilities.length === 2) return probabilities[0][row] > 0.5 ? 0 : 1;
  let best = 0;
  for (let k = 1; k < probabilities.length; k++) if (probabilities[k][row] > probabilities[best][row]) best = k;
  return best;
}

function mostProbableOf(prior: readonly number[]): number {
  if (prior.length === 2) return prior[0] > 0.5 ? 0 : 1;
  return prior.indexOf(Math.max(...prior));
}

/**
 * The area under the ROC curve of a class. Of rows without weights equal scores are counted together, as long as they are
 * few: a polynomial of few terms has few values, however many rows there are. Otherwise one number per row is kept, those of
 * the class from the front and the others from the back.
 */
function createRanking(rowCount: number) {
  let counts: Map<number, ScoreCount> | undefined = new Map();
  let scores = new Float64Array(0);
  let weights: Float64Array | undefined;
  let positives = 0;
  let others = 0;
  const keep = (score: number, positive: boolean): number => {
    const at = positive ? positives++ : rowCount - ++others;
    scores[at] = score;
    return at;
  };
  const spread = (): void => {
    scores = new Float64Array(rowCount);
    for (const [score, { yes, no }] of counts ?? []) {
      for (let i = 0; i < yes; i++) keep(score, true);
      for (let i = 0; i < no; i++) keep(score, false);
    }
    counts = undefined;
  };
  return {
    add(score: number, positive: boolean, weight: number | undefined): void {
      if (counts !== undefined && (weight !== undefined || counts.size > MOST_SCORES)) spread();
      if (counts !== undefined) {
        let count = counts.get(score);
        if (count === undefined) {
          count = { yes: 0, no: 0 };
          counts.set(score, count);
        }
        if (positive) count.yes++;
        else count.no++;
        return;
      }
      const at = keep(score, positive);
      if (weight === undefined) return;
      weights ??= new Float64Array(rowCount);
      weights[at] = weight;
    },
    area(): number {
      if (counts !== undefined) return areaOfCounts(counts);
      if (weights === undefined) {
        return areaOfScores(scores.subarray(0, positives), scores.subarray(rowCount - others));
      }
      const isPositive = new Uint8Array(rowCount).fill(1, 0, positives);
      return areaUnderCurve(isPositive, scores, weights);
    },
    /** Of rows without weights: whether the area is above one half by more than two errors of scores that mean nothing. */
    isBetterThanChance(): boolean {
      const sizes = [positives, others];
      if (counts !== undefined) {
        sizes.fill(0);
        for (const { yes, no } of counts.values()) {
          sizes[0] += yes;
          sizes[1] += no;
        }
      }
      const [yes, no] = sizes;
      // Mann and Whitney's variance; ties only make it smaller.
      return Math.min(yes, no) >= FEWEST_UNITS && this.area() - 0.5 > 2 * Math.sqrt((yes + no + 1) / (12 * yes * no));
    },
  };
}

/** Rows of one score: how many are of the class, and how many are not. */
interface ScoreCount {
  yes: number;
  no: number;
}

/** Different scores that are counted: some 100 bytes each, where a row takes 8. */
const MOST_SCORES = 2 ** 14;

// The same sum as `areaOfScores` makes, of whole numbers and halves, so to the last bit.
function areaOfCounts(counts: ReadonlyMap<number, ScoreCount>): number {
  let [pairs, positives, below] = [0, 0, 0];
  for (const [, { yes, no }] of [...counts].sort((a, b) => a[0] - b[0])) {
    pairs += yes * (below + no / 2);
    positives += yes;
    below += no;
  }
  return positives > 0 && below > 0 ? pairs / (positives * below) : Number.NaN;
}

/** Pr[|Z| > 2] of a normal Z: what two standard errors are of many rows, and more of them of few. */
const BEYOND_TWO_ERRORS = 0.04550026389635842;
/** Of five units that gain or lose by luck all gain once in 32 times, of six once in 64; unequal ones count as Kish has it. */
const FEWEST_UNITS = 5.5;

/** Of the constant's log-loss: a constant of rows held out may be better than that of all by less, and is one all the same. */
const LEAST_LOG_GAIN = 0.005;
/** What rounding may make of nothing. */
const LEAST_GAIN = 1e-12;

// Paired losses: is the mean gain more than two of its standard errors?
function significantlyBetter(gain: MeanOfParts, scale: number, least = LEAST_GAIN): boolean {
  const { mean, standardError, degreesOfFreedom } = gain;
  // A lasso may choose the constant itself, which rounding must not call better than the constant.
  if (!(mean > least * scale) || !Number.isFinite(standardError)) return false;
  if (gain.effectiveCount < FEWEST_UNITS) return false;
  return mean > studentQuantile(BEYOND_TWO_ERRORS, degreesOfFreedom) * standardError;
}

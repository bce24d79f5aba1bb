/**
 * What can be drawn of a test, as data: numbers predicted against actual ones, or for classes the ROC curve, the
 * reliability of the probabilities and the confusion matrix. Rows are counted once each wherever a count stands, also
 * when they have weights: an interval for a share needs counts. Only ROC curves and their areas use the weights, so
 * that they agree with the measures of `score.ts`.
 */
import { clopperPearsonInterval, meanWithError } from '../base/index.ts';
import { areaUnderCurve, weightedMean } from '../learn/index.ts';
import type { TestRows } from './fit-table.ts';
import { type TargetSpec, targetClasses } from './model.ts';

/** Rows of a scatter plot, in the unit of the target (not its logarithm). */
export interface PredictedPoint {
  readonly actual: number;
  readonly predicted: number;
}

/** A cell of the two-dimensional histogram that stands for the points where they are too many. */
export interface PredictedCell {
  readonly predictedLow: number;
  readonly predictedHigh: number;
  readonly actualLow: number;
  readonly actualHigh: number;
  readonly rowCount: number;
}

/** Rows with neighbouring predictions: where their means agree, the predictions are right on average. */
export interface PredictedGroup {
  readonly rowCount: number;
  readonly meanPredicted: number;
  readonly meanActual: number;
  /** Normal 95 % interval for the mean of the actual values: an approximation, poor for few or skewed rows. */
  readonly low: number;
  readonly high: number;
}

/** What pictures of a test of numbers are made from. */
export interface NumbersPicture {
  readonly kind: 'numbers';
  readonly rowCount: number;
  readonly weighted: boolean;
  /** Logarithmic axes for targets learned as logarithms. */
  readonly scale: 'linear' | 'log';
  /** Every row, or empty where they are more than 1,500. */
  readonly points: readonly PredictedPoint[];
  /** Cells with rows, where there are too many points. */
  readonly cells: readonly PredictedCell[];
  /** Rows whose prediction is not finite, which are in no other figure here. */
  readonly undrawnCount: number;
  /** Tenths by prediction, or fewer groups of at least 5 rows; empty for few rows. */
  readonly groups: readonly PredictedGroup[];
}

/** A point of the ROC curve. */
export interface RocPoint {
  readonly falsePositiveShare: number;
  readonly truePositiveShare: number;
}

/** Rows whose predicted probabilities lie near each other, with the share that was seen. */
export interface ReliabilityBin {
  /** Probabilities of the bin: from `from` to `to`. */
  readonly from: number;
  readonly to: number;
  readonly rowCount: number;
  readonly meanProbability: number;
  /** Rows of the class, and their share with its Clopper-Pearson 95 % interval. */
  readonly positiveCount: number;
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

/** One class against the rest. */
export interface ClassPicture {
  readonly name: string;
  readonly positiveCount: number;
  readonly negativeCount: number;
  /** null where only one side occurs: then there is no curve. */
  readonly auc: number | null;
  readonly roc: readonly RocPoint[];
  /** Different probabilities among the rows; the curve has at most 200 of them. */
  readonly thresholdCount: number;
  /** Bins with rows. */
  readonly reliability: readonly ReliabilityBin[];
}

/** What pictures of a test of classes are made from. */
export interface ClassesPicture {
  readonly kind: 'classes';
  readonly rowCount: number;
  readonly weighted: boolean;
  /** The positive class of two; of several each, by decreasing number of rows, at most 8. */
  readonly classes: readonly ClassPicture[];
  /** Classes of several that are not among `classes`. */
  readonly undrawnClassCount: number;
  /** `counts[i][j]`: rows of class `names[i]` that were said to be `names[j]`; rare classes of many are merged. */
  readonly confusion: {
    readonly names: readonly string[];
    readonly counts: readonly (readonly number[])[];
    /** How many classes the last name stands for; 0 where nothing was merged. */
    readonly mergedCount: number;
  };
}

/** What pictures of a test are made from, of classes or numbers. */
export type TestPicture = NumbersPicture | ClassesPicture;

export const SCATTER_ROWS = 1500;
export const ROC_POINTS = 200;
export const CLASSES_DRAWN = 8;
const CONFUSION_CLASSES = 12;
const HISTOGRAM_CELLS = 36;
const GROUPS = 10;
const GROUP_ROWS = 5;
const RELIABILITY_BINS = 10;
const NORMAL_95 = 1.959963984540054;

/** What can be drawn of the rows of a test. */
export function testPicture(target: TargetSpec, rows: TestRows): TestPicture {
  return target.kind === 'regression' ? numbersPicture(target.transform, rows) : classesPicture(target, rows);
}

function numbersPicture(transform: 'none' | 'log', { target, weights, prediction }: TestRows): NumbersPicture {
  const predictions = prediction.numbers ?? new Float64Array();
  const all = Array.from(target, (value, row) => ({
    actual: transform === 'log' ? Math.exp(value) : value,
    predicted: predictions[row],
  }));
  const points = all.filter(({ actual, predicted }) => Number.isFinite(actual) && Number.isFinite(predicted));
  const scale = transform === 'log' ? 'log' : 'linear';
  const many = points.length > SCATTER_ROWS;
  return {
    kind: 'numbers',
    rowCount: target.length,
    weighted: weights !== undefined,
    scale,
    points: many ? [] : points,
    cells: many ? histogram(points, scale) : [],
    undrawnCount: all.length - points.length,
    groups: predictedGroups(points),
  };
}

function histogram(points: readonly PredictedPoint[], scale: 'linear' | 'log'): PredictedCell[] {
  const onAxis = scale === 'log' ? Math.log : (value: number): number => value;
  const fromAxis = scale === 'log' ? Math.exp : (value: number): number => value;
  const predicted = binning(points.map((point) => onAxis(point.predicted)));
  const actual = binning(points.map((point) => onAxis(point.actual)));
  const counts = new Map<number, number>();
  for (const point of points) {
    const at = predicted.binOf(onAxis(point.predicted)) * HISTOGRAM_CELLS + actual.binOf(onAxis(point.actual));
    counts.set(at, (counts.get(at) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([at, rowCount]) => {
      const column = Math.floor(at / HISTOGRAM_CELLS);
      const row = at % HISTOGRAM_CELLS;
      return {
        predictedLow: fromAxis(predicted.edge(column)),
        predictedHigh: fromAxis(predicted.edge(column + 1)),
        actualLow: fromAxis(actual.edge(row)),
        actualHigh: fromAxis(actual.edge(row + 1)),
        rowCount,
      };
    });
}

function binning(values: readonly number[]): {
  readonly binOf: (value: number) => number;
  readonly edge: (bin: number) => number;
} {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (!(high > low)) {
    const room = Math.abs(low) / 100 || 1;
    low -= room;
    high += room;
  }
  const width = (high - low) / HISTOGRAM_CELLS;
  return {
    binOf: (value) => Math.min(HISTOGRAM_CELLS - 1, Math.max(0, Math.floor((value - low) / width))),
    edge: (bin) => low + bin * width,
  };
}

function predictedGroups(points: readonly PredictedPoint[]): PredictedGroup[] {
  const sorted = points.toSorted((a, b) => a.predicted - b.predicted || a.actual - b.actual);
  const count = Math.min(GROUPS, Math.floor(sorted.length / GROUP_ROWS));
  return Array.from({ length: count }, (_, g) => {
    const group = sorted.slice(Math.floor((g * sorted.length) / count), Math.floor(((g + 1) * sorted.length) / count));
    const { mean: meanActual, standardError } = meanWithError(group.map((point) => point.actual));
    const halfWidth = NORMAL_95 * standardError;
    return {
      rowCount: group.length,
      meanPredicted: weightedMean(group.map((point) => point.predicted)),
      meanActual,
      low: meanActual - halfWidth,
      high: meanActual + halfWidth,
    };
  });
}

function classesPicture(spec: TargetSpec, { target, weights, prediction }: TestRows): ClassesPicture {
  const names = targetClasses(spec);
  const probabilities = prediction.probabilities ?? [];
  const counts = names.map((_, k) => target.reduce((sum, value) => sum + (value === k ? 1 : 0), 0));
  const byCount = names.map((_, k) => k).sort((a, b) => counts[b] - counts[a] || a - b);
  // Of two classes the second curve is the first, mirrored.
  const drawn = spec.kind === 'binary' ? [0] : byCount.slice(0, CLASSES_DRAWN);
  return {
    kind: 'classes',
    rowCount: target.length,
    weighted: weights !== undefined,
    classes: drawn.map((k) => classPicture(names[k], k, target, probabilities[k], weights)),
    undrawnClassCount: spec.kind === 'binary' ? 0 : names.length - drawn.length,
    confusion: confusionOf(names, byCount, target, prediction.classes ?? []),
  };
}

function classPicture(
  name: string,
  k: number,
  target: Float64Array,
  probability: Float64Array,
  weights: Float64Array | undefined,
): ClassPicture {
  const positive = Uint8Array.from(target, (value) => (value === k ? 1 : 0));
  const positiveCount = positive.reduce((sum, one) => sum + one, 0);
  const auc = areaUnderCurve(positive, probability, weights);
  const { points, thresholdCount } = Number.isNaN(auc)
    ? { points: [], thresholdCount: 0 }
    : rocCurve(positive, probability, weights);
  return {
    name,
    positiveCount,
    negativeCount: target.length - positiveCount,
    auc: Number.isNaN(auc) ? null : auc,
    roc: points,
    thresholdCount,
    reliability: reliabilityBins(positive, probability),
  };
}

// From (0, 0) to (1, 1), one point per different probability, thinned evenly where they are many.
function rocCurve(
  positive: Uint8Array,
  probability: Float64Array,
  weights: Float64Array | undefined,
): { points: RocPoint[]; thresholdCount: number } {
  const order = Array.from(positive.keys()).sort((a, b) => probability[b] - probability[a]);
  const sums: [no: number, yes: number][] = [[0, 0]];
  let no = 0;
  let yes = 0;
  order.forEach((row, i) => {
    const weight = weights === undefined ? 1 : weights[row];
    if (positive[row] === 1) yes += weight;
    else no += weight;
    if (i === order.length - 1 || probability[order[i + 1]] !== probability[row]) sums.push([no, yes]);
  });
  const thresholdCount = sums.length - 1;
  const step = Math.max(1, thresholdCount / ROC_POINTS);
  const kept: [number, number][] = [];
  for (let at = 0; at < thresholdCount; at += step) kept.push(sums[Math.floor(at)]);
  kept.push(sums[thresholdCount]);
  return {
    points: kept.map(([a, b]) => ({ falsePositiveShare: a / no, truePositiveShare: b / yes })),
    thresholdCount,
  };
}

function reliabilityBins(positive: Uint8Array, probability: Float64Array): ReliabilityBin[] {
  const bins: ReliabilityBin[] = [];
  for (let b = 0; b < RELIABILITY_BINS; b++) {
    let rowCount = 0;
    let positiveCount = 0;
    let sum = 0;
    for (let row = 0; row < positive.length; row++) {
      if (Math.min(RELIABILITY_BINS - 1, Math.floor(probability[row] * RELIABILITY_BINS)) !== b) continue;
      rowCount++;
      positiveCount += positive[row];
      sum += probability[row];
    }
    if (rowCount === 0) continue;
    const [low, high] = clopperPearsonInterval(positiveCount, rowCount, 0.05);
    bins.push({
      from: b / RELIABILITY_BINS,
      to: (b + 1) / RELIABILITY_BINS,
      rowCount,
      meanProbability: sum / rowCount,
      positiveCount,
      share: positiveCount / rowCount,
      low,
      high,
    });
  }
  return bins;
}

function confusionOf(
  names: readonly string[],
  byCount: readonly number[],
  target: Float64Array,
  said: readonly string[],
): ClassesPicture['confusion'] {
  const merged = names.length > CONFUSION_CLASSES ? byCount.slice(CONFUSION_CLASSES - 1) : [];
  const kept = names.map((_, k) => k).filter((k) => !merged.includes(k));
  const shown = kept.map((k) => names[k]);
  if (merged.length > 0) shown.push(`${merged.length} other classes`);
  const position = (k: number): number => (merged.includes(k) ? kept.length : kept.indexOf(k));
  const positions = new Map(names.map((name, k) => [name, position(k)]));
  const counts = shown.map(() => new Array<number>(shown.length).fill(0));
  target.forEach((k, row) => {
    counts[position(k)][positions.get(said[row]) ?? 0]++;
  });
  return { names: shown, counts, mergedCount: merged.length };
}

/** Measuring a model on rows with known targets, always beside the constant predictor. */
import {
  degreesOfFreedom,
  effectiveCount,
  FewfireError,
  meanOfUnits,
  type RunOptions,
  unitsOf,
} from '../base/index.ts';
import { selectRows, type Table, type UnseenValue } from '../cube/index.ts';
import {
  accuracy,
  areaUnderCurve,
  logLoss,
  meanSquaredError,
  multiclassLogLoss,
  rSquared,
  studentQuantile,
  weightedMean,
} from '../learn/index.ts';
import {
  type Calibration,
  type Loss,
  type Metrics,
  type Model,
  predictionFromValues,
  predictPoints,
  type TargetSpec,
  type TestResult,
} from './model.ts';
import { type LabelColumns, readLabels, weighingRows } from './row-labels.ts';
import { outputCount, outputTarget, readTarget } from './target.ts';

/** Rows with their targets: numbers as learned, or positions of classes. */
export interface MeasuredRows {
  /** As `readTarget` gives it, without NaN. */
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

/** @param values of the polynomials at the rows, one vector per output */
export function measure(measured: Measured, rows: MeasuredRows, values: readonly Float64Array[]): TestResult {
  const { target: spec, calibrations, targetMeans } = measured;
  const { target, weights, clusters } = rows;
  const expected = values.map((vector) => expectedTarget(measured.loss, vector));
  const targets = Array.from({ length: outputCount(spec) }, (_, k) => outputTarget(spec, target, k));
  const constants = targetMeans.map((mean) => new Float64Array(target.length).fill(mean));
  const total = (predictions: readonly Float64Array[]): number =>
    predictions.reduce((sum, prediction, k) => sum + meanSquaredError(targets[k], prediction, weights), 0);
  const r2 =
    spec.kind === 'multiclass' ? jointRSquared(targets, expected, weights) : rSquared(targets[0], expected[0], weights);
  const common = {
    sampleCount: target.length,
    ...(weights && { effectiveCount: effectiveCount(weights) }),
    ...(clusters && { groupCount: new Set(clusters).size }),
    mse: total(expected),
    r2: Number.isNaN(r2) ? null : r2,
    betterThanConstant: significantlyBetter(targets, expected, targetMeans, rows),
  };
  const baselineMse = total(constants);
  if (spec.kind === 'regression') return { ...common, baseline: { mse: baselineMse } };
  const { probabilities = [] } = predictionFromValues(spec, calibrations, values);
  const priors = spec.kind === 'binary' ? [targetMeans[0], -targetMeans[0]] : targetMeans;
  const prior = priors.map((mean) => new Float64Array(target.length).fill((1 - mean) / 2));
  const { auc: _, ...baseline } = classMetrics(spec, rows, prior);
  return { ...common, ...classMetrics(spec, rows, probabilities), baseline: { mse: baselineMse, ...baseline } };
}

/** What a value says the target is on average: itself, or for log-odds the mean of -1 and +1 under them. */
export function expectedTarget(loss: Loss, values: Float64Array): Float64Array {
  return loss === 'squared' ? values : values.map((value) => Math.tanh(value / 2));
}

function classMetrics(
  spec: TargetSpec,
  { target, weights }: MeasuredRows,
  probabilities: readonly Float64Array[],
): Required<Pick<Metrics, 'accuracy' | 'auc' | 'logLoss'>> {
  const isClass = (k: number): Uint8Array => Uint8Array.from(target, (value) => (value === k ? 1 : 0));
  if (spec.kind === 'binary') {
    const positive = isClass(0);
    const auc = areaUnderCurve(positive, probabilities[0], weights);
    return {
      accuracy: accuracy(positive, probabilities[0], weights),
      auc: Number.isNaN(auc) ? null : auc,
      logLoss: logLoss(positive, probabilities[0], weights),
    };
  }
  const right = target.map((truth, row) => {
    let best = 0;
    for (let k = 1; k < probabilities.length; k++) if (probabilities[k][row] > probabilities[best][row]) best = k;
    return best === truth ? 1 : 0;
  });
  const areas = probabilities
    .map((probability, k) => areaUnderCurve(isClass(k), probability, weights))
    .filter((area) => !Number.isNaN(area));
  return {
    accuracy: weightedMean(right, weights),
    auc: areas.length > 0 ? weightedMean(areas) : null,
    logLoss: multiclassLogLoss(target, probabilities, weights),
  };
}

// Over all outputs together.
function jointRSquared(
  targets: readonly Float64Array[],
  expected: readonly Float64Array[],
  weights: Float64Array | undefined,
): number {
  let error = 0;
  let variance = 0;
  targets.forEach((target, k) => {
    const center = weightedMean(target, weights);
    error += meanSquaredError(target, expected[k], weights);
    variance += meanSquaredError(target, new Float64Array(target.length).fill(center), weights);
  });
  return variance > 0 ? 1 - error / variance : Number.NaN;
}

/** Pr[|Z| > 2] of a normal Z: what two standard errors are of many rows, and more of them of few. */
const BEYOND_TWO_ERRORS = 0.04550026389635842;
/** Of five units that gain or lose by luck all gain once in 32 times, of six once in 64; unequal ones count as Kish has it. */
const FEWEST_UNITS = 5.5;

// Paired squared losses: is the mean gain more than two of its standard errors?
function significantlyBetter(
  targets: readonly Float64Array[],
  expected: readonly Float64Array[],
  constants: readonly number[],
  { weights, clusters }: MeasuredRows,
): boolean {
  const count = targets[0].length;
  const gains = new Float64Array(count);
  let scale = 0;
  targets.forEach((target, k) => {
    for (let i = 0; i < count; i++) gains[i] += (target[i] - constants[k]) ** 2 - (target[i] - expected[k][i]) ** 2;
    scale += meanSquaredError(target, new Float64Array(count).fill(constants[k]), weights);
  });
  const units = unitsOf(gains, { weights, clusters });
  const { mean, standardError } = meanOfUnits(units);
  // A lasso may choose the constant itself, which rounding must not call better than the constant.
  if (!(mean > 1e-12 * scale) || !Number.isFinite(standardError)) return false;
  if (effectiveCount(units.weights) < FEWEST_UNITS) return false;
  return mean > studentQuantile(BEYOND_TWO_ERRORS, degreesOfFreedom(units)) * standardError;
}

export interface ScoreResult {
  readonly metrics: TestResult;
  readonly unseen: readonly UnseenValue[];
  /** Rows left out because their target (or, with `drop-rows`, a cell) is missing. */
  readonly skippedRowCount: number;
  /** Rows left out because they weigh nothing. */
  readonly zeroWeightCount: number;
  /** The columns by which rows were weighed and grouped: those of the fit, where the table has them. */
  readonly weight: string | null;
  readonly group: string | null;
  /** What else to know: columns of the fit that the table lacks. */
  readonly notes: readonly string[];
}

/** How a model is measured: its calibrations, and the constants of its fit. */
export function modelMeasured({ target, loss, outputs }: Model): Measured {
  return {
    target,
    loss,
    calibrations: outputs.map((output) => output.calibration),
    targetMeans: outputs.map((output) => output.fit.targetMean),
  };
}

/**
 * Scores a model on a table that has its target column. Rows are weighed and grouped as the fit did where the table has
 * these columns.
 * @throws FewfireError as `Table.encode` and `readTarget`; `invalid-data` when no row has a target, or for weights as a fit
 */
export async function scoreTable(model: Model, table: Table, options: RunOptions = {}): Promise<ScoreResult> {
  const names = new Set(table.columns.map(({ name }) => name));
  const there = (column: string | undefined): string | undefined =>
    column !== undefined && names.has(column) ? column : undefined;
  const { training } = model;
  const columns = { weight: there(training.weight), group: there(training.group) };
  const notes: string[] = [];
  const lacks = (column: string | undefined): column is string => column !== undefined && !names.has(column);
  if (lacks(training.weight)) {
    notes.push(
      `${table.label} has no column ${JSON.stringify(training.weight)}, which weighed the rows of the fit: all rows count the same`,
    );
  }
  if (lacks(training.group)) {
    notes.push(
      `${table.label} has no column ${JSON.stringify(training.group)}, which grouped the rows of the fit: rows count as independent`,
    );
  }
  const weighing = await weighingRows(table, columns, options);
  try {
    const { metrics, unseen, skippedRowCount } = await scoreRows(model, weighing.table, columns, options);
    return {
      ...{ metrics, unseen, skippedRowCount, notes, zeroWeightCount: weighing.zeroCount },
      ...{ weight: columns.weight ?? null, group: columns.group ?? null },
    };
  } finally {
    if (weighing.table !== table) await weighing.table.close();
  }
}

async function scoreRows(
  model: Model,
  table: Table,
  columns: LabelColumns,
  options: RunOptions,
): Promise<Pick<ScoreResult, 'metrics' | 'unseen' | 'skippedRowCount'>> {
  const all = await readTarget(table, model.target, options);
  const { points, rows, unseen } = await table.encode(model.encoder, options);
  const known = Uint32Array.from({ length: points.rowCount }, (_, i) => i).filter(
    (i) => !Number.isNaN(all[rows === undefined ? i : rows[i]]),
  );
  if (known.length === 0) {
    throw new FewfireError(
      'invalid-data',
      `no row of ${table.label} has a value for the target ${JSON.stringify(model.target.column)}; expected at least one`,
    );
  }
  const { values } = await predictPoints(
    model,
    known.length === points.rowCount ? points : selectRows(points, known),
    options,
  );
  const { target, weights, clusters } = await readLabels(table, all, columns, options);
  const rowOf = (i: number): number => (rows === undefined ? i : rows[i]);
  const measuredRows: MeasuredRows = {
    target: Float64Array.from(known, (i) => target[rowOf(i)]),
    weights: weights && Float64Array.from(known, (i) => weights[rowOf(i)]),
    clusters: clusters && Uint32Array.from(known, (i) => clusters[rowOf(i)]),
  };
  const metrics = measure(modelMeasured(model), measuredRows, values);
  return { metrics, unseen, skippedRowCount: table.rowCount - known.length };
}

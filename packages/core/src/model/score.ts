/** Measuring a model on rows with known targets, always beside the constant predictor. */
import { FewfireError, type RunOptions } from '../base/index.ts';
import type { Table, UnseenValue } from '../cube/index.ts';
import { accuracy, areaUnderCurve, logLoss, meanSquaredError, rSquared } from '../learn/index.ts';
import {
  type Calibration,
  type Model,
  type Prediction,
  predictionFromValues,
  predictPoints,
  type TargetSpec,
  type TestResult,
} from './model.ts';
import { readTarget } from './target.ts';

/**
 * @param target as learned (see `readTarget`), without NaN
 * @param targetMean the constant to compare with: the mean of the targets the model was fitted on
 */
export function measure(
  spec: TargetSpec,
  calibration: Calibration,
  target: Float64Array,
  values: Float64Array,
  targetMean: number,
): TestResult {
  const constant = new Float64Array(target.length).fill(targetMean);
  const mse = meanSquaredError(target, values);
  const r2 = rSquared(target, values);
  const common = {
    sampleCount: target.length,
    mse,
    r2: Number.isNaN(r2) ? null : r2,
    betterThanConstant: significantlyBetter(target, values, targetMean),
  };
  const baselineMse = meanSquaredError(target, constant);
  if (spec.kind === 'regression') return { ...common, baseline: { mse: baselineMse } };
  const positive = Uint8Array.from(target, (value) => (value < 0 ? 1 : 0));
  const probabilities = (predictionFromValues(spec, calibration, values) as Required<Prediction>).probabilities;
  const auc = areaUnderCurve(positive, probabilities);
  const prior = new Float64Array(target.length).fill((1 - targetMean) / 2);
  return {
    ...common,
    accuracy: accuracy(positive, probabilities),
    auc: Number.isNaN(auc) ? null : auc,
    logLoss: logLoss(positive, probabilities),
    baseline: { mse: baselineMse, accuracy: accuracy(positive, prior), logLoss: logLoss(positive, prior) },
  };
}

// Paired squared losses: is the mean gain more than two of its standard errors?
function significantlyBetter(target: Float64Array, values: Float64Array, constant: number): boolean {
  const count = target.length;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < count; i++) {
    const gain = (target[i] - constant) ** 2 - (target[i] - values[i]) ** 2;
    sum += gain;
    squares += gain * gain;
  }
  const mean = sum / count;
  const variance = count > 1 ? Math.max(0, squares - count * mean * mean) / (count - 1) : Number.POSITIVE_INFINITY;
  return mean > 2 * Math.sqrt(variance / count) && mean > 0;
}

export interface ScoreResult {
  readonly metrics: TestResult;
  readonly unseen: readonly UnseenValue[];
  /** Rows left out because their target (or, with `drop-rows`, a cell) is missing. */
  readonly skippedRowCount: number;
}

/** Scores a model on a table that has its target column. @throws FewfireError as `Table.encode` and `readTarget`; `invalid-data` when no row has a target */
export async function scoreTable(model: Model, table: Table, options: RunOptions = {}): Promise<ScoreResult> {
  const all = await readTarget(table, model.target, options);
  const { points, rows, unseen } = await table.encode(model.encoder, options);
  const prediction = await predictPoints(model, points, options);
  const target = rows === undefined ? all : Float64Array.from(rows, (row) => all[row]);
  const known = Array.from(target.keys()).filter((i) => !Number.isNaN(target[i]));
  if (known.length === 0) {
    throw new FewfireError(
      'invalid-data',
      `no row of ${table.label} has a value for the target ${JSON.stringify(model.target.column)}; expected at least one`,
    );
  }
  const metrics = measure(
    model.target,
    model.calibration,
    Float64Array.from(known, (i) => target[i]),
    Float64Array.from(known, (i) => prediction.values[i]),
    model.training.targetMean,
  );
  return { metrics, unseen, skippedRowCount: table.rowCount - known.length };
}

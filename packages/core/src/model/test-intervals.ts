/**
 * Intervals for the figures of a test: how far the mean over these rows may be from the mean over all rows like them.
 * Which kind of interval follows from what is known of the loss (`errorInterval`), and is said.
 */
import { type RunOptions, runOptionsOf, unitsOf } from '../base/index.ts';
import { type ErrorInterval, errorInterval } from '../learn/index.ts';
import { expectedTarget, type MeasuredRows } from './measurement.ts';
import {
  type Loss,
  type MeasuredInterval,
  type Prediction,
  type TargetSpec,
  type TestResult,
  targetClasses,
} from './model.ts';
import { outputCount, outputTarget } from './target.ts';

export interface TestIntervalOptions extends RunOptions {
  readonly confidence: number;
}

/** undefined where rows (or groups) are too few for any. */
export async function testIntervals(
  spec: TargetSpec,
  loss: Loss,
  rows: MeasuredRows,
  prediction: Prediction,
  options: TestIntervalOptions,
): Promise<TestResult['intervals']> {
  const { target, weights, clusters } = rows;
  if (unitsOf(target, { weights, clusters }).sums.length < 2) return undefined;
  const interval = async (losses: Float64Array, bounds?: readonly [number, number]): Promise<ErrorInterval> =>
    errorInterval(losses, {
      ...runOptionsOf(options),
      confidence: options.confidence,
      weights,
      clusters,
      ...(bounds === undefined ? {} : { bounds }),
    });
  const squares = new Float64Array(target.length);
  for (let k = 0; k < outputCount(spec); k++) {
    const wanted = outputTarget(spec, target, k);
    const expected = expectedTarget(loss, prediction.values[k]);
    for (let i = 0; i < squares.length; i++) squares[i] += (wanted[i] - expected[i]) ** 2;
  }
  const mse = await interval(squares, loss === 'logistic' ? [0, 4 * outputCount(spec)] : undefined);
  if (!Number.isFinite(mse.low) || !Number.isFinite(mse.high)) return undefined;
  if (spec.kind === 'regression') return { mse: measured(mse) };
  const names = targetClasses(spec);
  const wrong = target.map((truth, i) => (prediction.classes?.[i] === names[truth] ? 0 : 1));
  const error = await interval(wrong, [0, 1]);
  if (!Number.isFinite(error.low) || !Number.isFinite(error.high)) return { mse: measured(mse) };
  return {
    mse: measured(mse),
    accuracy: { ...measured(error), low: Math.max(0, 1 - error.high), high: Math.min(1, 1 - error.low) },
  };
}

function measured({ low, high, confidence, method }: ErrorInterval): MeasuredInterval {
  return { low, high, confidence, method };
}

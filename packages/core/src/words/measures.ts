/** What a test says, in words. */
import type { MeasuredInterval, TestResult, TrainingRecord } from '../model/index.ts';
import { integer, numberText, shareText } from './numbers.ts';

/** Whether a test says that nothing was learned; without a test nothing says so. */
export function isGuessing({ training: { test } }: { readonly training: Pick<TrainingRecord, 'test'> }): boolean {
  return test?.betterThanConstant === false;
}

/** Two standard errors are Student's of as many units as there are. */
export function guessingText(rows: string, { accuracy }: Pick<TestResult, 'accuracy'>): string {
  const what =
    accuracy === undefined
      ? 'the squared error is not'
      : 'neither accuracy, log-loss, squared error nor the area under the ROC curve is';
  return `on ${rows} ${what} better than the constant's by more than two standard errors (or more, where rows or groups are few)`;
}

/** Whether the test rows were part of the table: then the model was fitted anew on all of its rows. */
export function isSetAside({ fittedOn }: Pick<TrainingRecord, 'fittedOn'>): boolean {
  return fittedOn === 'all rows';
}

/** How many rows of a test table were fitted, as the end of a sentence on those; empty where that is not known. */
export function overlapText(sharedCount: number | undefined, testCount: number): string {
  if (sharedCount === undefined) return '';
  if (sharedCount === 0) return '; none of the test rows is equal to any of them';
  return `; ${integer(sharedCount)} of the ${integer(testCount)} test rows are equal to one of them`;
}

/** `95 %`. */
export function confidenceText(confidence: number): string {
  return `${numberText(100 * confidence)} %`;
}

/** `95 % Clopper-Pearson: 0.981 to 0.996`. */
export function measuredIntervalText(
  { low, high, confidence, method }: MeasuredInterval,
  text: (value: number) => string,
): string {
  return `${confidenceText(confidence)} ${method}: ${text(low)} to ${text(high)}`;
}

/** R2, which is below 0 for what predicts worse than the mean; undefined where the targets do not vary. */
export function rSquaredText({ r2 }: Pick<TestResult, 'r2'>): string | undefined {
  return r2 === null ? undefined : r2 > 0 ? shareText(r2) : numberText(r2);
}
export const NO_R_SQUARED = 'the targets do not vary';

/** Undefined where the test rows are of one class. */
export function aucText({ auc }: Pick<TestResult, 'auc'>): string | undefined {
  return auc === null || auc === undefined ? undefined : shareText(auc);
}
export const NO_AUC = 'one class only';

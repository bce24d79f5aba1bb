/**
 * A fitted model: the encoder, the polynomials over its coordinates (one, or
 * one per class), how their values become a prediction, and where it came from.
 * Predictions are made here, so that every caller (command line, library,
 * browser) makes the same ones.
 */
import { checkRunOptions, FewfireError, type RunOptions } from '../base/index.ts';
import {
  type CellRules,
  type ColumnSpelling,
  type CubePoints,
  type EncoderSpec,
  encoderCoordinates,
} from '../cube/index.ts';
import {
  type Candidate,
  type FitMethod,
  type Hierarchy,
  type PenaltyBasis,
  type PlattScaling,
  plattProbability,
  type Selection,
  type Stack,
  type TermStability,
} from '../learn/index.ts';
import { evaluatePolynomial, type Polynomial } from '../spectrum/index.ts';
import type { BestColumnRecord, Combination, ImportanceRecord } from './findings.ts';
import type { Note } from './notes.ts';

/** What is learned: a number, or classes with their names. */
export type TargetSpec =
  | { readonly kind: 'regression'; readonly column: string; readonly transform: 'none' | 'log' }
  /** Learned as -1 for the positive class and +1 for the negative: a yes is -1 on the cube, for targets too. */
  | { readonly kind: 'binary'; readonly column: string; readonly positive: string; readonly negative: string }
  /** One against the rest: output k is learned as -1 for `classes[k]` and +1 for the others. */
  | { readonly kind: 'multiclass'; readonly column: string; readonly classes: readonly string[] };

/** What a fit minimises: squared error, or for classes the log-loss, whose values are log-odds of +1 against -1. */
export type Loss = 'squared' | 'logistic';

/** From a value of the polynomial to what the user asked for: a probability, or a number on its own scale. */
export type Calibration =
  | { readonly kind: 'none' }
  /** Probability of the positive class from the negated value (so that larger means more positive). */
  | ({ readonly kind: 'platt'; readonly rowCount: number } & PlattScaling)
  /** prediction = factor * exp(value) */
  | { readonly kind: 'smearing'; readonly rowCount: number; readonly factor: number };

/** How good predictions are, of numbers or of classes. */
export interface Metrics {
  readonly sampleCount: number;
  /** Of rows with weights: so many of equal weight would say as much (Kish). */
  readonly effectiveCount?: number | undefined;
  /** Of rows in groups: how many groups. */
  readonly groupCount?: number | undefined;
  /**
   * Mean squared error: of the target (its logarithm under the log transform), or against -1/+1 classes of the value
   * (squared loss) or of the expected class it stands for (logistic loss); of several classes the sum over the outputs.
   */
  readonly mse: number;
  /** null where the targets do not vary. */
  readonly r2: number | null;
  readonly accuracy?: number;
  /** null where only one class occurs; of several classes the mean of one against the rest. */
  readonly auc?: number | null;
  readonly logLoss?: number;
}

/** What was measured on the test rows. */
export interface TestResult extends Metrics {
  /** The same measures for the constant learned from the same training rows. */
  readonly baseline: { readonly mse: number; readonly accuracy?: number; readonly logLoss?: number };
  /** Of the mean squared error, and for classes of the accuracy. */
  readonly intervals?: { readonly mse: MeasuredInterval; readonly accuracy?: MeasuredInterval };
  /**
   * Whether the squared error (of classes that, the log-loss or the share of wrong ones) is lower than the constant's by
   * more than two standard errors of the paired difference over rows (by their weights) or groups; of few of them by more,
   * as Student's t has it, and of fewer than six never. Of two classes also where the area under the ROC curve is as far
   * above one half.
   */
  readonly betterThanConstant: boolean;
}

/** How the choice was made, without the rows. */
export interface SelectionRecord {
  readonly folds: number;
  /** `split`: only the first of the folds was held out. */
  readonly heldOutFolds?: Selection['heldOutFolds'];
  readonly validation: Selection['validation'];
  /** Why the best one was chosen, in words. */
  readonly reason: string;
  readonly rowCount: number;
  readonly budgetSeconds: number;
  readonly predictedSeconds: number;
  /** Without their products: these are of the coordinates of the rows they were tried on. */
  readonly candidates: readonly Candidate[];
  readonly skipped: readonly { readonly degree: number; readonly reason: string }[];
}

/** The source of a table, for the record of a model. */
export interface SourceRecord {
  readonly label: string;
  readonly rowCount: number;
  readonly format?: string;
  readonly sha256?: string;
  readonly byteCount?: number;
}

/** A term chosen on some rows and fitted again, by least squares or logistic regression without a penalty, on others. */
export interface ConfirmedTerm {
  /** Positions of coordinates. */
  readonly coordinates: readonly number[];
  /** Coefficient of the best approximation on the chosen terms, estimated on the rows that did not choose them. */
  readonly estimate: number;
  readonly standardError: number;
  /** The interval for that coefficient. */
  readonly low: number;
  readonly high: number;
}

/** The terms of one output that were confirmed, and how. */
export interface ConfirmationRecord {
  /** Rows that chose the terms, and rows that confirmed them; none is in both. */
  readonly choosingRowCount: number;
  readonly confirmingRowCount: number;
  readonly interval: 'normal' | 'bootstrap';
  readonly confidence: number;
  /** What the terms were fitted by, where it is another loss than the model's. */
  readonly loss?: Loss | undefined;
  /** Whether all intervals hold at once with this confidence, or each by itself. */
  readonly simultaneous: boolean;
  /** The constant first, then by decreasing |estimate|. */
  readonly terms: readonly ConfirmedTerm[];
  /** Chosen terms that the confirming rows cannot tell from others, or not without one single row. */
  readonly collinear: readonly (readonly number[])[];
  readonly unsupported: readonly (readonly number[])[];
  /** What the intervals are for, in a sentence. */
  readonly target: string;
}

/** An interval for a measured figure. */
export interface MeasuredInterval {
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  readonly method: 'empirical Bernstein' | 'Clopper-Pearson' | 'bootstrap';
}

/** How one output was fitted. */
export interface OutputRecord {
  readonly method: FitMethod;
  readonly degree: number;
  readonly lambda: number;
  readonly basis: PenaltyBasis;
  /** Share of the penalty on absolute values: 1 for the lasso, 0 where there is no such penalty. */
  readonly l1Ratio: number;
  readonly hierarchy: Hierarchy;
  /** Whether the terms the penalty chose were fitted again without it. */
  readonly refit: boolean;
  /** Of boosting: how many trees. */
  readonly roundCount?: number | undefined;
  /** Of stacking; what its lambda is, is per weight of the rows. */
  readonly stack?: Stack | undefined;
  /** Of stacking: products of coordinates in the additive part. */
  readonly products?: readonly (readonly number[])[] | undefined;
  readonly monomialCount: number;
  readonly converged: boolean;
  readonly relativeGradient: number;
  /** Of the lasso and elastic net, over the objective of the best constant. */
  readonly dualityGap: number | null;
  /** Mean of the target as learned (-1/+1 for classes), the best constant. */
  readonly targetMean: number;
  readonly selection: SelectionRecord;
  /** For the leading terms: how many of the rows have a yes at all coordinates of the term. */
  readonly support: readonly { readonly coordinates: readonly number[]; readonly rows: number }[];
  /** null where none was asked for or rows are too few. */
  readonly confirmation: ConfirmationRecord | null;
  /** Of the leading terms; empty where it was not asked for. */
  readonly stability: readonly TermStability[];
  /** What the output is told by, with the rows of the fit; absent in older files. */
  readonly combinations?: readonly Combination[] | undefined;
}

/** One polynomial of a model: of the number, of the two classes, or of one class against the rest. */
export interface ModelOutput {
  readonly polynomial: Polynomial;
  readonly calibration: Calibration;
  readonly fit: OutputRecord;
}

/** What the fits of all outputs have in common. */
export interface TrainingRecord {
  readonly sampleCount: number;
  /** `all rows`, or `rows of <label>` when the test rows came from another table. */
  readonly fittedOn: string;
  readonly test: TestResult | null;
  readonly notes: readonly Note[];
  readonly dropped: readonly { readonly column: string; readonly reason: string }[];
  /** Cells without a value, in rows with a target. */
  readonly missing: readonly { readonly column: string; readonly count: number }[];
  /** Of a test table: how many of its rows equal a fitted row in every column; absent where that is not known. */
  readonly testOverlap?: number | undefined;
  /** Of every coordinate, how many of the `sampleCount` rows have a yes, whatever they weigh; absent in older files. */
  readonly yesCounts?: readonly number[] | undefined;
  /** What each column is worth; absent in older files. */
  readonly importance?: ImportanceRecord | undefined;
  /** Beside the model on the test rows; absent without a test, and in older files. */
  readonly bestColumn?: BestColumnRecord | undefined;
  /** The columns of weights and of groups, where the fit had any. */
  readonly weight?: string | undefined;
  readonly group?: string | undefined;
}

/** Where a model comes from: its source, options, seed and versions. */
export interface Provenance {
  readonly source: SourceRecord;
  readonly seed: number;
  readonly command: string | null;
  /** How the texts of columns were spelled, where it is not what all programs write; new texts are first read so. */
  readonly spellings?: Readonly<Record<string, ColumnSpelling>> | undefined;
  readonly versions: Readonly<Record<string, string>>;
}

/**
 * A model of a table: the encoder, a polynomial for each output, and the record of how it was chosen and measured. Plain data; `serializeModel` writes it.
 */
export interface Model {
  readonly target: TargetSpec;
  readonly loss: Loss;
  readonly encoder: EncoderSpec;
  /** One, or for several classes one per class, in the order of `target.classes`. */
  readonly outputs: readonly ModelOutput[];
  readonly training: TrainingRecord;
  readonly provenance: Provenance;
}

/** What is predicted for rows. */
export interface Prediction {
  /** Values of the polynomials for every row, one vector per output: of a class, the lower the likelier. */
  readonly values: readonly Float64Array[];
  /** Regression: the prediction in the target's own unit. */
  readonly numbers?: Float64Array;
  /** Classes: the probability of each for every row, the positive class first, or in the order of `target.classes`. */
  readonly probabilities?: readonly Float64Array[];
  /** Classes: the most probable one (the negative class at exactly one half, the first among equals of several). */
  readonly classes?: readonly string[];
}

/** The classes of a target in the order of predicted probabilities: the positive class first; none for a number. */
export function targetClasses(target: TargetSpec): readonly string[] {
  if (target.kind === 'regression') return [];
  return target.kind === 'binary' ? [target.positive, target.negative] : target.classes;
}

/** @throws FewfireError `invalid-argument` for an output that the model does not have */
export function outputOf({ outputs }: Pick<Model, 'outputs'>, output: number): ModelOutput {
  if (Object.hasOwn(outputs, output)) return outputs[output];
  const most = outputs.length - 1;
  throw new FewfireError(
    'invalid-argument',
    `output is ${output}; expected ${most === 0 ? '0, the only one of the model' : `a whole number from 0 to ${most}`}`,
  );
}

/** The class an output of several speaks of; undefined where there is one output. */
export function outputClass({ target }: Pick<Model, 'target'>, output: number): string | undefined {
  return target.kind === 'multiclass' ? target.classes[output] : undefined;
}

/**
 * Predicts encoded rows.
 * @throws FewfireError `invalid-argument` when the points are not those of the model's encoder
 * @example
 * ```ts
 * import { fitTable, memoryTable, predictPoints } from '@fewfire/core';
 *
 * const rows = Array.from({ length: 200 }, (_, i) => i);
 * const table = memoryTable({
 *   a: rows.map((i) => i & 1),
 *   b: rows.map((i) => (i >> 1) & 1),
 *   y: rows.map((i) => ((i & 1) === ((i >> 1) & 1) ? 'no' : 'yes')),
 * });
 * const { model } = await fitTable(table, { target: 'y' });
 * const { points } = await table.encode(model.encoder);
 * const { classes } = await predictPoints(model, points);
 * console.log(classes?.slice(0, 4)); // [ 'no', 'yes', 'yes', 'no' ]
 * ```
 */
export async function predictPoints(model: Model, points: CubePoints, options: RunOptions = {}): Promise<Prediction> {
  checkRunOptions('predictPoints', options, {});
  const values: Float64Array[] = [];
  for (const { polynomial } of model.outputs) values.push(await evaluatePolynomial(polynomial, points, options));
  return predictionFromValues(
    model.target,
    model.outputs.map((output) => output.calibration),
    values,
  );
}

/** @param values one vector per output, as `calibrations` has one entry per output */
export function predictionFromValues(
  target: TargetSpec,
  calibrations: readonly Calibration[],
  values: readonly Float64Array[],
): Prediction {
  if (target.kind === 'regression') {
    const [calibration] = calibrations;
    const [numbers] = values;
    const factor = calibration.kind === 'smearing' ? calibration.factor : 1;
    // Beyond the largest double the nearest number is that one.
    const inUnit = (value: number): number => Math.min(factor * Math.exp(value), Number.MAX_VALUE);
    return { values, numbers: target.transform === 'log' ? numbers.map(inUnit) : numbers };
  }
  const chances = values.map((vector, k) => {
    const calibration = calibrations[k];
    const scaling = calibration.kind === 'platt' ? calibration : { slope: 2, intercept: 0 };
    return vector.map((value) => plattProbability(scaling, -value));
  });
  if (target.kind === 'binary') {
    const [positive] = chances;
    const classes = Array.from(positive, (p) => (p > 0.5 ? target.positive : target.negative));
    return { values, probabilities: [positive, positive.map((p) => 1 - p)], classes };
  }
  const probabilities = normalised(chances);
  const classes = Array.from(probabilities[0], (_, row) => {
    let best = 0;
    for (let k = 1; k < probabilities.length; k++) if (probabilities[k][row] > probabilities[best][row]) best = k;
    return target.classes[best];
  });
  return { values, probabilities, classes };
}

// One against the rest gives chances that need not add up to one; where all of them vanish, every class is as likely.
function normalised(chances: readonly Float64Array[]): Float64Array[] {
  const sums = chances[0].map((_, row) => chances.reduce((sum, chance) => sum + chance[row], 0));
  return chances.map((chance) => chance.map((p, row) => (sums[row] > 0 ? p / sums[row] : 1 / chances.length)));
}

/** How the texts of a table that is to be predicted are read: as those that the model was fitted on. */
export function cellRulesOf({ encoder, provenance }: Model): CellRules {
  return { missingValues: encoder.missingValues, forms: provenance.spellings };
}

/** Names of the model's coordinates; those of its encoder. */
export function modelCoordinates(encoder: EncoderSpec): string[] {
  return encoderCoordinates(encoder).map((coordinate) => coordinate.name);
}

/**
 * A fitted model: the encoder, the polynomial over its coordinates, how its
 * value becomes a prediction, and where it came from. Predictions are made here,
 * so that every caller (command line, library, browser) makes the same ones.
 */
import type { RunOptions } from '../base/index.ts';
import { type CubePoints, type EncoderSpec, encoderCoordinates } from '../cube/index.ts';
import {
  type Candidate,
  type FitMethod,
  type PenaltyBasis,
  type PlattScaling,
  plattProbability,
} from '../learn/index.ts';
import { evaluatePolynomial, type Polynomial } from '../spectrum/index.ts';

export type TargetSpec =
  | { readonly kind: 'regression'; readonly column: string; readonly transform: 'none' | 'log' }
  /** Learned as -1 for the positive class and +1 for the negative: a yes is -1 on the cube, for targets too. */
  | { readonly kind: 'binary'; readonly column: string; readonly positive: string; readonly negative: string };

export type Calibration =
  | { readonly kind: 'none' }
  /** Probability of the positive class from the negated value (so that larger means more positive). */
  | ({ readonly kind: 'platt'; readonly rowCount: number } & PlattScaling)
  /** prediction = factor * exp(value) */
  | { readonly kind: 'smearing'; readonly rowCount: number; readonly factor: number };

export interface Metrics {
  readonly sampleCount: number;
  /** Mean squared error: of the target (its logarithm under the log transform), or of the value against -1/+1 classes. */
  readonly mse: number;
  /** null where the targets do not vary. */
  readonly r2: number | null;
  readonly accuracy?: number;
  /** null where only one class occurs. */
  readonly auc?: number | null;
  readonly logLoss?: number;
}

export interface TestResult extends Metrics {
  /** The same measures for the constant learned from the same training rows. */
  readonly baseline: { readonly mse: number; readonly accuracy?: number; readonly logLoss?: number };
  /** Whether the squared error is lower than the constant's by more than two standard errors of the paired difference. */
  readonly betterThanConstant: boolean;
}

export interface SelectionRecord {
  readonly folds: number;
  readonly rowCount: number;
  readonly budgetSeconds: number;
  readonly predictedSeconds: number;
  readonly candidates: readonly Candidate[];
  readonly skipped: readonly { readonly degree: number; readonly reason: string }[];
}

export interface SourceRecord {
  readonly label: string;
  readonly rowCount: number;
  readonly format?: string;
  readonly sha256?: string;
  readonly byteCount?: number;
}

export interface ModelRecord {
  readonly sampleCount: number;
  readonly method: FitMethod;
  readonly degree: number;
  readonly lambda: number;
  readonly basis: PenaltyBasis;
  readonly monomialCount: number;
  readonly converged: boolean;
  readonly relativeGradient: number;
  /** Mean of the target as learned (-1/+1 for classes), the best constant. */
  readonly targetMean: number;
  /** `all rows`, or `rows of <label>` when the test rows came from another table. */
  readonly fittedOn: string;
  readonly selection: SelectionRecord;
  readonly test: TestResult | null;
  readonly notes: readonly string[];
  readonly dropped: readonly { readonly column: string; readonly reason: string }[];
  readonly missing: readonly { readonly column: string; readonly count: number }[];
  /** For the leading terms: how many of the rows have a yes at all coordinates of the term. */
  readonly support: readonly { readonly coordinates: readonly number[]; readonly rows: number }[];
}

export interface Provenance {
  readonly source: SourceRecord;
  readonly seed: number;
  readonly command: string | null;
  readonly versions: Readonly<Record<string, string>>;
}

export interface Model {
  readonly target: TargetSpec;
  readonly encoder: EncoderSpec;
  readonly polynomial: Polynomial;
  readonly calibration: Calibration;
  readonly training: ModelRecord;
  readonly provenance: Provenance;
}

export interface Prediction {
  /** Value of the polynomial for every row. */
  readonly values: Float64Array;
  /** Regression: the prediction in the target's own unit. */
  readonly numbers?: Float64Array;
  /** Two classes: probability of the positive class. */
  readonly probabilities?: Float64Array;
  /** Two classes: the more probable one (the negative class at exactly one half). */
  readonly classes?: string[];
}

/** Predicts encoded rows. @throws FewfireError `invalid-argument` when the points are not those of the model's encoder */
export async function predictPoints(model: Model, points: CubePoints, options: RunOptions = {}): Promise<Prediction> {
  const values = await evaluatePolynomial(model.polynomial, points, options);
  return predictionFromValues(model.target, model.calibration, values);
}

export function predictionFromValues(target: TargetSpec, calibration: Calibration, values: Float64Array): Prediction {
  if (target.kind === 'regression') {
    const factor = calibration.kind === 'smearing' ? calibration.factor : 1;
    return { values, numbers: target.transform === 'log' ? values.map((value) => factor * Math.exp(value)) : values };
  }
  const scaling = calibration.kind === 'platt' ? calibration : { slope: 2, intercept: 0 };
  const probabilities = values.map((value) => plattProbability(scaling, -value));
  const classes = Array.from(probabilities, (p) => (p > 0.5 ? target.positive : target.negative));
  return { values, probabilities, classes };
}

/** Names of the model's coordinates; those of its encoder. */
export function modelCoordinates(encoder: EncoderSpec): string[] {
  return encoderCoordinates(encoder).map((coordinate) => coordinate.name);
}

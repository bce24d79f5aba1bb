/**
 * The main job: from a table and the name of its target to a model that is
 * measured honestly.
 *
 * 1. Test rows are set aside first. 2. The encoder is fitted on the other rows.
 * 3. Degree, penalty and basis are chosen by folds of those rows. 4. A fit on
 * them is measured once on the test rows. 5. Calibration comes from the folds'
 * held-out predictions. 6. The model that is delivered is fitted anew on all
 * rows, encoder included; the test figures are those of step 4 and say so.
 * With several classes each is learned against the rest, steps 3 to 6 per class.
 */
import type { RunOptions } from '../base/index.ts';
import { countAllYes, type EncoderSpec, encoderCoordinates, type Table } from '../cube/index.ts';
import {
  type Candidate,
  estimateLowDegree,
  type FitMethod,
  fitLowDegree,
  fitPlatt,
  type LowDegreeFit,
  type Selection,
  selectLowDegree,
  smearingFactor,
  weightedMean,
} from '../learn/index.ts';
import { evaluatePolynomial, type Polynomial, termCoordinates } from '../spectrum/index.ts';
import {
  type Calibration,
  type Model,
  type ModelOutput,
  outputClass,
  type Prediction,
  predictionFromValues,
  type SourceRecord,
  type TargetSpec,
  type TestResult,
} from './model.ts';
import { equalColumnNotes, FIT_TOLERANCE, leakNotes, outputNotes, selectionNotes, tableNotes } from './notes.ts';
import { type EncodedData, type LabelledPoints, type PrepareOptions, prepareTable } from './prepare.ts';
import { type MeasuredRows, measure } from './score.ts';
import { outputCount, outputTarget } from './target.ts';

export interface FitTableOptions extends PrepareOptions {
  readonly degree?: number | 'auto';
  readonly method?: FitMethod | 'auto';
  readonly folds?: number;
  readonly budgetSeconds?: number;
  /** Recorded in the model. */
  readonly source?: SourceRecord;
  readonly command?: string;
  readonly versions?: Readonly<Record<string, string>>;
}

/** Milliseconds of each phase, by the clock. */
export interface FitTimings {
  readonly readMs: number;
  readonly chooseMs: number;
  readonly fitMs: number;
  readonly totalMs: number;
}

/** The rows of the test with what was predicted for them: what pictures of the test are made from. */
export interface TestRows extends MeasuredRows {
  readonly prediction: Prediction;
}

export interface TableFit {
  readonly model: Model;
  readonly testRows: TestRows | null;
  readonly timings: FitTimings;
}

/** How many leading terms get their all-yes rows counted. */
const SUPPORT_TERMS = 200;
const FIT_ITERATIONS = 2000;

/** @throws FewfireError for every kind of input that cannot be learned from; see the codes */
export async function fitTable(table: Table, options: FitTableOptions): Promise<TableFit> {
  const startedAt = performance.now();
  const prepared = await prepareTable(table, options);
  const { spec, training } = prepared;
  const readAt = performance.now();

  const targets = Array.from({ length: outputCount(spec) }, (_, k) => outputTarget(spec, training.data.target, k));
  const selections: Selection[] = [];
  for (const target of targets) selections.push(await choose(training, target, options));
  const chosenAt = performance.now();
  const calibrations = selections.map((selection, k) => calibrate(spec, targets[k], selection));

  let test: TestResult | null = null;
  let testRows: TestRows | null = null;
  let trainingFits: LowDegreeFit[] | undefined;
  if (prepared.test !== undefined) {
    trainingFits = await fitOutputs(spec, selections, training, options);
    const values = await evaluateFits(trainingFits, prepared.test, options);
    const targetMeans = targets.map((target) => weightedMean(target, training.data.weights));
    test = measure({ target: spec, loss: 'squared', calibrations, targetMeans }, prepared.test, values);
    const { target, weights } = prepared.test;
    testRows = { target, weights, prediction: predictionFromValues(spec, calibrations, values) };
  }

  // The model that is delivered: everything anew on all rows, unless nothing was set aside from them.
  const whole = await prepared.all();
  const { data, encoded, notes } = whole;
  const fits =
    trainingFits !== undefined && data === training.data
      ? trainingFits
      : await fitOutputs(spec, selections, whole, options);
  const outputs = fits.map(
    (fit, k): ModelOutput => ({
      polynomial: fit.model,
      calibration: calibrations[k],
      fit: {
        method: selections[k].best.method,
        degree: fit.summary.degree,
        lambda: fit.summary.lambda,
        basis: fit.summary.basis,
        monomialCount: fit.summary.monomialCount,
        converged: fit.summary.converged,
        relativeGradient: fit.summary.relativeGradient,
        targetMean: weightedMean(outputTarget(spec, data.target, k), data.weights),
        selection: selectionRecord(selections[k]),
        support: leadingSupport(fit.model, data),
        confirmation: null,
        stability: [],
      },
    }),
  );
  const endedAt = performance.now();
  return {
    model: {
      target: spec,
      loss: 'squared',
      encoder: whole.encoder,
      outputs,
      training: {
        sampleCount: data.target.length,
        fittedOn: typeof options.test === 'object' ? `rows of ${table.label}` : 'all rows',
        test,
        notes: [
          ...tableNotes(notes, encoded, prepared.usableCount),
          ...selectionNotes(selections[0], training.data.target.length, fits[0], options.degree),
          ...fits.flatMap((fit, k) => outputNotes(fit, outputClass({ target: spec }, k))),
          ...leakNotes(fits[0].model, data, spec),
          ...(await equalColumnNotes(table, prepared, options)),
          ...prepared.testNotes,
        ],
        dropped: notes.dropped,
        missing: encoded.missing,
      },
      provenance: {
        source: options.source ?? { label: table.label, rowCount: table.rowCount },
        seed: options.seed ?? 1,
        command: options.command ?? null,
        versions: options.versions ?? {},
      },
    },
    testRows,
    timings: {
      readMs: readAt - startedAt,
      chooseMs: chosenAt - readAt,
      fitMs: endedAt - chosenAt,
      totalMs: endedAt - startedAt,
    },
  };
}

function choose({ encoder, data }: EncodedData, target: Float64Array, options: FitTableOptions): Promise<Selection> {
  return selectLowDegree(data.points, target, {
    ...options,
    degree: options.degree ?? 'auto',
    method: options.method ?? 'auto',
    groups: encoderCoordinates(encoder).map((coordinate) => coordinate.group),
  });
}

async function fitOutputs(
  spec: TargetSpec,
  selections: readonly Selection[],
  { encoder, data }: EncodedData,
  options: FitTableOptions,
): Promise<LowDegreeFit[]> {
  const fits: LowDegreeFit[] = [];
  for (const [k, { best }] of selections.entries()) {
    fits.push(await fitCandidate(best, data, outputTarget(spec, data.target, k), encoder, options));
  }
  return fits;
}

/** Fits what the folds chose. */
function fitCandidate(
  best: Candidate,
  data: LabelledPoints,
  target: Float64Array,
  encoder: EncoderSpec,
  options: RunOptions,
): Promise<LowDegreeFit> {
  const coordinates = encoderCoordinates(encoder);
  const shared = {
    signal: options.signal,
    onProgress: options.onProgress,
    threads: options.threads,
    memoryLimitBytes: options.memoryLimitBytes,
    degree: best.degree,
    coordinates: coordinates.map((coordinate) => coordinate.name),
    groups: coordinates.map((coordinate) => coordinate.group),
    rowWeights: data.weights,
  };
  if (best.method === 'estimate') return estimateLowDegree(data.points, target, shared);
  return fitLowDegree(data.points, target, {
    ...shared,
    lambda: best.lambda,
    basis: best.basis,
    tolerance: FIT_TOLERANCE,
    maxIterations: FIT_ITERATIONS,
  });
}

async function evaluateFits(
  fits: readonly LowDegreeFit[],
  { points }: LabelledPoints,
  options: RunOptions,
): Promise<Float64Array[]> {
  const values: Float64Array[] = [];
  for (const { model } of fits) values.push(await evaluatePolynomial(model, points, options));
  return values;
}

/** @param target of the output, -1 for its class, over the rows that were chosen from */
function calibrate(spec: TargetSpec, target: Float64Array, selection: Selection): Calibration {
  const { rows, predictions } = selection.heldOut;
  const held = Float64Array.from(rows, (row) => target[row]);
  if (spec.kind !== 'regression') {
    const positive = Uint8Array.from(held, (value) => (value < 0 ? 1 : 0));
    return {
      kind: 'platt',
      rowCount: rows.length,
      ...fitPlatt(
        predictions.map((value) => -value),
        positive,
      ),
    };
  }
  if (spec.transform === 'log')
    return { kind: 'smearing', rowCount: rows.length, factor: smearingFactor(held, predictions) };
  return { kind: 'none' };
}

function selectionRecord(selection: Selection): ModelOutput['fit']['selection'] {
  const { folds, rowCount, budgetSeconds, predictedSeconds, candidates, skipped } = selection;
  return { folds, rowCount, budgetSeconds, predictedSeconds, candidates, skipped };
}

function leadingSupport(polynomial: Polynomial, data: LabelledPoints): { coordinates: number[]; rows: number }[] {
  const { offsets, coefficients } = polynomial;
  return Array.from({ length: polynomial.termCount }, (_, t) => t)
    .filter((t) => offsets[t + 1] > offsets[t])
    .sort((a, b) => Math.abs(coefficients[b]) - Math.abs(coefficients[a]) || a - b)
    .slice(0, SUPPORT_TERMS)
    .map((t) => {
      const coordinates = Array.from(termCoordinates(polynomial, t));
      return { coordinates, rows: countAllYes(data.points, coordinates) };
    });
}

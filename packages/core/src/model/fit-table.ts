/**
 * The main job: from a table and the name of its target to a model that is
 * measured honestly.
 *
 * 1. Test rows are set aside first. 2. The encoder is fitted on the other rows.
 * 3. Degree, penalty and basis are chosen by folds of those rows. 4. A fit on
 * them is measured once on the test rows. 5. Calibration comes from the folds'
 * held-out predictions. 6. The model that is delivered is fitted anew on all
 * rows, encoder included; the test figures are those of step 4 and say so.
 */
import { createRandom, FewfireError, type RunOptions, unknownColumn } from '../base/index.ts';
import {
  countAllYes,
  type EncodedRows,
  type EncoderNotes,
  type EncoderSpec,
  encoderCoordinates,
  fitEncoder,
  type MissingPolicy,
  selectRows,
  type Table,
} from '../cube/index.ts';
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
} from '../learn/index.ts';
import { evaluatePolynomial, type Polynomial, termCoordinates } from '../spectrum/index.ts';
import type { Calibration, Model, ModelRecord, SourceRecord, TargetSpec, TestResult } from './model.ts';
import { equalColumnNotes, FIT_TOLERANCE, fitNotes, type LabelledPoints, testTableNotes } from './notes.ts';
import { measure } from './score.ts';
import { chooseTarget, readTarget } from './target.ts';

export interface FitTableOptions extends RunOptions {
  readonly target: string;
  /** Columns to learn from; by default all but the target and `exclude`. */
  readonly features?: readonly string[];
  readonly exclude?: readonly string[];
  readonly degree?: number | 'auto';
  readonly method?: FitMethod | 'auto';
  /** Number columns become bins - 1 thresholds at quantiles. Default 4. */
  readonly bins?: number;
  readonly missing?: MissingPolicy;
  readonly positive?: string;
  readonly targetTransform?: 'none' | 'log';
  /** A share of the rows in (0, 1), 0 for no test, or a table of test rows. Default 0.2. */
  readonly test?: number | Table;
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

export interface TableFit {
  readonly model: Model;
  readonly timings: FitTimings;
}

/** How many leading terms get their all-yes rows counted. */
const SUPPORT_TERMS = 200;
const FIT_ITERATIONS = 2000;

/** @throws FewfireError for every kind of input that cannot be learned from; see the codes */
export async function fitTable(table: Table, options: FitTableOptions): Promise<TableFit> {
  const startedAt = performance.now();
  const seed = options.seed ?? 1;
  const testShare = typeof options.test === 'object' ? 0 : (options.test ?? 0.2);
  if (!(testShare >= 0 && testShare < 1)) {
    throw new FewfireError(
      'invalid-argument',
      `--test is ${testShare}; expected a share of the rows from 0 (no test) to below 1, or a file`,
    );
  }
  const bins = options.bins ?? 4;
  if (!Number.isInteger(bins) || bins < 2 || bins > 64) {
    throw new FewfireError('invalid-argument', `--bins is ${bins}; expected a whole number from 2 to 64`);
  }
  const features = featureNames(table, options);
  const [targetProfile] = await table.profile([options.target], options);
  const spec = chooseTarget(targetProfile, { positive: options.positive, transform: options.targetTransform });
  const target = await readTarget(table, spec, options);
  const missingTarget = target.reduce((count, value) => count + (Number.isNaN(value) ? 1 : 0), 0);
  if (missingTarget > 0 && options.missing !== 'drop-rows') {
    throw new FewfireError(
      'missing-values',
      `target ${JSON.stringify(spec.column)} is missing in ${missingTarget} of ${table.rowCount} rows; expected a value in every row: choose --missing drop-rows or remove these rows`,
    );
  }

  // Rows with a target, and which of them are set aside.
  const usable = Uint32Array.from(Array.from(target.keys()).filter((row) => !Number.isNaN(target[row])));
  const testCount = Math.round(testShare * usable.length);
  const order = createRandom(seed).permutation(usable.length);
  const isTest = new Uint8Array(table.rowCount);
  for (let i = 0; i < testCount; i++) isTest[usable[order[i]]] = 1;
  const trainingMask = Uint8Array.from(isTest, (flag, row) => (flag === 0 && !Number.isNaN(target[row]) ? 1 : 0));
  if (testShare > 0 && (testCount === 0 || testCount === usable.length)) {
    throw new FewfireError(
      'invalid-argument',
      `--test ${testShare} of ${usable.length} rows leaves ${testCount} test rows; expected at least one on each side: choose another share`,
    );
  }

  const encode = async (mask: Uint8Array): Promise<{ spec: EncoderSpec; notes: EncoderNotes; rows: EncodedRows }> => {
    const fitted = fitEncoder(await table.profile(features, { ...options, bins, mask }), {
      missing: options.missing,
      keep: options.features,
    });
    return { ...fitted, rows: await table.encode(fitted.spec, options) };
  };
  const wholeProfile = await table.profile(features, {
    ...options,
    bins,
    mask: Uint8Array.from(target, (value) => (Number.isNaN(value) ? 0 : 1)),
  });
  // Missing cells are refused here, by counts over the whole table; quantiles for the test's encoder come from its own rows.
  const whole = fitEncoder(wholeProfile, { missing: options.missing, keep: options.features });
  const evaluated =
    testCount > 0 ? await encode(trainingMask) : { ...whole, rows: await table.encode(whole.spec, options) };
  const readAt = performance.now();

  const training = pickRows(evaluated.rows, target, (row) => trainingMask[row] === 1);
  const groups = encoderCoordinates(evaluated.spec).map((coordinate) => coordinate.group);
  const selection = await selectLowDegree(training.points, training.target, {
    ...options,
    degree: options.degree ?? 'auto',
    method: options.method ?? 'auto',
    groups,
  });
  const chosenAt = performance.now();
  const calibration = calibrate(spec, training.target, selection);

  let test: TestResult | null = null;
  let evaluatedFit: LowDegreeFit | undefined;
  const testNotes: string[] = [];
  const testTable = typeof options.test === 'object' ? options.test : undefined;
  if (testCount > 0 || testTable !== undefined) {
    evaluatedFit = await fitCandidate(selection.best, training, evaluated.spec, options);
    const testRows =
      testTable === undefined
        ? pickRows(evaluated.rows, target, (row) => isTest[row] === 1)
        : await encodedTestTable(testTable, evaluated.spec, spec, options, testNotes);
    test = await measureFit(evaluatedFit, spec, calibration, testRows, mean(training.target), options);
  }

  // The model that is delivered: everything anew on all rows, unless nothing was set aside from them.
  const rows = testCount > 0 ? await table.encode(whole.spec, options) : evaluated.rows;
  const all = testCount > 0 ? pickRows(rows, target, (row) => !Number.isNaN(target[row])) : training;
  const fit =
    testCount > 0 || evaluatedFit === undefined
      ? await fitCandidate(selection.best, all, whole.spec, options)
      : evaluatedFit;
  const record: ModelRecord = {
    sampleCount: all.target.length,
    method: selection.best.method,
    degree: fit.summary.degree,
    lambda: fit.summary.lambda,
    basis: fit.summary.basis,
    monomialCount: fit.summary.monomialCount,
    converged: fit.summary.converged,
    relativeGradient: fit.summary.relativeGradient,
    targetMean: mean(all.target),
    fittedOn: testTable === undefined ? 'all rows' : `rows of ${table.label}`,
    selection: {
      folds: selection.folds,
      rowCount: selection.rowCount,
      budgetSeconds: selection.budgetSeconds,
      predictedSeconds: selection.predictedSeconds,
      candidates: selection.candidates,
      skipped: selection.skipped,
    },
    test,
    notes: [
      ...fitNotes(whole.notes, fit, selection, training.target.length, all, spec, rows, usable.length, options.degree),
      ...(await equalColumnNotes(table, spec, target, targetProfile, wholeProfile, options)),
      ...testNotes,
    ],
    dropped: whole.notes.dropped,
    missing: rows.missing,
    support: leadingSupport(fit.model, all),
  };
  const endedAt = performance.now();
  return {
    model: {
      target: spec,
      encoder: whole.spec,
      polynomial: fit.model,
      calibration,
      training: record,
      provenance: {
        source: options.source ?? { label: table.label, rowCount: table.rowCount },
        seed,
        command: options.command ?? null,
        versions: options.versions ?? {},
      },
    },
    timings: {
      readMs: readAt - startedAt,
      chooseMs: chosenAt - readAt,
      fitMs: endedAt - chosenAt,
      totalMs: endedAt - startedAt,
    },
  };
}

function featureNames(table: Table, options: FitTableOptions): string[] {
  const names = table.columns.map((column) => column.name);
  for (const name of [options.target, ...(options.features ?? []), ...(options.exclude ?? [])]) {
    if (!names.includes(name)) throw unknownColumn(name, names, table.label);
  }
  if (options.features?.includes(options.target)) {
    throw new FewfireError(
      'invalid-argument',
      `--features names the target ${JSON.stringify(options.target)}; a target cannot be learned from itself`,
    );
  }
  const left = new Set([options.target, ...(options.exclude ?? [])]);
  const features = (options.features ?? names).filter((name) => !left.has(name));
  if (features.length === 0) {
    throw new FewfireError(
      'invalid-argument',
      `no column is left to learn ${JSON.stringify(options.target)} from; expected at least one besides the target and --exclude`,
    );
  }
  return features;
}

function pickRows(encoded: EncodedRows, target: Float64Array, keep: (row: number) => boolean): LabelledPoints {
  const { points, rows } = encoded;
  const positions: number[] = [];
  for (let i = 0; i < points.rowCount; i++) if (keep(rows === undefined ? i : rows[i])) positions.push(i);
  if (positions.length === 0) {
    throw new FewfireError(
      'missing-values',
      'no row is left: every row has a missing value somewhere; choose --missing indicator, or --exclude the columns that are mostly missing',
    );
  }
  const original = (i: number): number => target[rows === undefined ? i : rows[i]];
  return {
    points: positions.length === points.rowCount ? points : selectRows(points, Uint32Array.from(positions)),
    target: Float64Array.from(positions, original),
  };
}

// `notes` is told what the test table has that the training rows did not, and which of its rows are not used.
async function encodedTestTable(
  table: Table,
  encoder: EncoderSpec,
  spec: TargetSpec,
  options: RunOptions,
  notes: string[],
): Promise<LabelledPoints> {
  const target = await readTarget(table, spec, options);
  const encoded = await table.encode(encoder, options);
  const data = pickRows(encoded, target, (row) => !Number.isNaN(target[row]));
  notes.push(...testTableNotes(encoded, table.rowCount, data.target.length));
  return data;
}

function fitCandidate(
  best: Candidate,
  data: LabelledPoints,
  encoder: EncoderSpec,
  options: FitTableOptions,
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
  };
  if (best.method === 'estimate') return estimateLowDegree(data.points, data.target, shared);
  return fitLowDegree(data.points, data.target, {
    ...shared,
    lambda: best.lambda,
    basis: best.basis,
    tolerance: FIT_TOLERANCE,
    maxIterations: FIT_ITERATIONS,
  });
}

async function measureFit(
  fit: LowDegreeFit,
  spec: TargetSpec,
  calibration: Calibration,
  data: LabelledPoints,
  targetMean: number,
  options: RunOptions,
): Promise<TestResult> {
  const values = await evaluatePolynomial(fit.model, data.points, options);
  return measure(spec, calibration, data.target, values, targetMean);
}

function calibrate(spec: TargetSpec, target: Float64Array, selection: Selection): Calibration {
  const { rows, predictions } = selection.heldOut;
  const held = Float64Array.from(rows, (row) => target[row]);
  if (spec.kind === 'binary') {
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

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

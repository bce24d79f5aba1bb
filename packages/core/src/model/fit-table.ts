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
import {
  checkRunOptions,
  FewfireError,
  FIT_OPTIONS,
  pickNumbers,
  type RunOptions,
  runOptionsOf,
} from '../base/index.ts';
import {
  type ColumnProfile,
  type CoordinateColumn,
  coordinateColumns,
  countAllYes,
  type EncoderSpec,
  encoderCoordinates,
  spellingOf,
  type Table,
  yesCounts,
} from '../cube/index.ts';
import {
  type Candidate,
  type CandidateFitOptions,
  checkSelectionShape,
  DEFAULT_MEMORY_BYTES,
  fitCandidate,
  fitFoundTerms,
  fitJointCurve,
  fitPlatt,
  foldTermLists,
  type LowDegreeFit,
  type Selection,
  type SelectOptions,
  selectLowDegree,
  smearingFactor,
  smearingSupport,
  type TermStability,
  termStability,
  weightedMean,
} from '../learn/index.ts';
import { evaluatePolynomial } from '../spectrum/index.ts';
import { bestColumn } from './best-column.ts';
import { columnImportance } from './column-importance.ts';
import { modelCombinations } from './combinations.ts';
import { type Confirmation, confirmTerms, leadingCoordinates } from './confirm.ts';
import type { BestColumnRecord, ImportanceRecord } from './findings.ts';
import { leakNotes } from './leaks.ts';
import { type MeasuredRows, measure } from './measurement.ts';
import {
  type Calibration,
  type Loss,
  type Model,
  type ModelOutput,
  outputClass,
  type Prediction,
  type Provenance,
  predictionFromValues,
  type SourceRecord,
  type TargetSpec,
  type TestResult,
} from './model.ts';
import {
  differentNotes,
  FIT_TOLERANCE,
  type Note,
  notesOfClasses,
  outputNotes,
  selectionNotes,
  tableNotes,
} from './notes.ts';
import { numberLeakNotes } from './number-leaks.ts';
import {
  type EncodedData,
  hasManyCuts,
  type LabelledPoints,
  learnerOf,
  type PreparedTable,
  type PrepareOptions,
  prepareTable,
} from './prepare.ts';
import { outputCount, outputTarget } from './target.ts';
import { testIntervals } from './test-intervals.ts';

/** Options of `fitTable`. */
export interface FitTableOptions extends PrepareOptions {
  /** Predicted seconds of one thread that the choice may take. Default 60. */
  readonly budgetSeconds?: number;
  /** Recorded in the model, as `command` and `versions`. */
  readonly source?: SourceRecord;
  readonly command?: string;
  readonly versions?: Readonly<Record<string, string>>;
}

/** Milliseconds of each phase, by the clock. */
export interface FitTimings {
  readonly readMs: number;
  readonly chooseMs: number;
  readonly fitMs: number;
  readonly confirmMs: number;
  readonly totalMs: number;
}

/** The rows of the test with what was predicted for them: what pictures of the test are made from. */
export interface TestRows extends MeasuredRows {
  readonly prediction: Prediction;
}

/** What `fitTable` gives: the model, and the test rows with what was predicted for them. */
export interface TableFit {
  readonly model: Model;
  readonly testRows: TestRows | null;
  readonly timings: FitTimings;
}

/** Of how many leading terms the rows with a yes at all of them are counted, and the folds asked. */
const LEADING_TERMS = 200;
const FIT_ITERATIONS = 2000;
/** Predicted seconds that choosing the terms to confirm may take: a few dozen terms need no more. */
const CONFIRM_BUDGET_SECONDS = 3;

/**
 * The main job: from a table and the name of its target to a model, chosen by folds and measured once on test rows
 * that were set aside first.
 * @throws FewfireError for every kind of input that cannot be learned from; see the codes
 * @example
 * ```ts
 * import { fitTable, leadingTerms, memoryTable } from '@fewfire/core';
 *
 * const rows = Array.from({ length: 200 }, (_, i) => i);
 * const table = memoryTable({
 *   a: rows.map((i) => i & 1),
 *   b: rows.map((i) => (i >> 1) & 1),
 *   y: rows.map((i) => ((i & 1) === ((i >> 1) & 1) ? 'no' : 'yes')),
 * });
 * const { model } = await fitTable(table, { target: 'y' });
 * console.log(leadingTerms(model).map(({ coordinates }) => coordinates.join(' and '))); // [ 'a and b' ]
 * ```
 */
export async function fitTable(table: Table, options: FitTableOptions): Promise<TableFit> {
  const startedAt = performance.now();
  checkRunOptions('fitTable', options, {
    ...FIT_OPTIONS,
    test: typeof options?.test === 'number' ? 'number' : 'object',
    budgetSeconds: 'number',
    source: 'object',
    command: 'string',
    versions: 'object',
  });
  refuseTooWide(table, options);
  const prepared = await prepareTable(table, options);
  const { spec } = prepared;
  const readAt = performance.now();

  // What boosted trees are for; the other methods are compared under one loss.
  const ownLoss = hasManyCuts(options) && spec.kind !== 'regression' ? 'logistic' : 'squared';
  const loss = checkLoss(spec, options.loss ?? ownLoss);
  const confidence = options.confidence ?? FIT_OPTIONS.confidence.default;
  const { chosenAt, selections, calibrations, ...measured } = await chooseAndMeasure(prepared, {
    ...options,
    loss,
    confidence,
  });

  // The model that is delivered: everything anew on all rows, unless nothing was set aside from them.
  const whole = await prepared.all();
  const { data, notes } = whole;
  const fits =
    measured.fits ??
    (await fitOutputs(spec, selections, whole, {
      ...beside(options, data),
      loss,
      sameCoordinates: !prepared.setsAside,
    }));
  const fittedAt = performance.now();
  const outputs: ModelOutput[] = [];
  const evidenceNotes: Note[] = [];
  for (const [k, fit] of fits.entries()) {
    const confirmation = await confirm(spec, k, whole, { ...beside(options, data), loss, confidence });
    if (confirmation.obstacle !== undefined) evidenceNotes.push(confirmation.obstacle);
    const leading = leadingCoordinates(fit.model, LEADING_TERMS);
    outputs.push({
      polynomial: fit.model,
      calibration: calibrations[k],
      fit: {
        ...fitRecord(fit, selections[k]),
        targetMean: weightedMean(outputTarget(spec, data.target, k), data.weights),
        support: leading.map((coordinates) => ({ coordinates, rows: countAllYes(data.points, coordinates) })),
        confirmation: confirmation.record,
        stability: foldStability(
          whole.encoder,
          [...leading, ...confirmedTerms(confirmation)],
          measured.encoder,
          selections[k],
        ),
      },
    });
  }
  const told = {
    ...{ spec, loss, calibrations, data, encoder: whole.encoder, seed: options.seed ?? 1 },
    polynomials: outputs.map(({ polynomial }) => polynomial),
  };
  const combinations = await modelCombinations(
    { ...told, confirmations: outputs.map(({ fit }) => fit.confirmation) },
    runOptionsOf(options),
  );
  const importance = measured.importance ?? (await columnImportance({ ...told, rows: 'fit' }, runOptionsOf(options)));
  const endedAt = performance.now();
  return {
    model: {
      target: spec,
      loss,
      encoder: whole.encoder,
      outputs: outputs.map(({ fit, ...output }, k) => ({ ...output, fit: { ...fit, combinations: combinations[k] } })),
      training: {
        sampleCount: data.target.length,
        fittedOn: typeof options.test === 'object' ? `rows of ${table.label}` : 'all rows',
        test: measured.test,
        notes: [
          ...prepared.rowNotes,
          ...tableNotes(notes, data.target.length, prepared.usableCount),
          ...notesOfClasses(
            fits.map((fit, k) => selectionNotes(selections[k], measured.rowCount, fit, options.degree)),
            (k) => outputClass({ target: spec }, k),
          ),
          ...fits.flatMap((fit, k) => outputNotes(fit, outputClass({ target: spec }, k))),
          // The parts of a date may all say the same.
          ...differentNotes([
            ...(await leakNotes(prepared, whole.encoder, data, options)),
            ...(await numberLeakNotes(prepared, whole.encoder, data, options)),
          ]),
          ...measured.notes,
          ...differentNotes(evidenceNotes),
          ...prepared.testNotes,
        ],
        dropped: notes.dropped,
        // As the spellings of missing cells are counted: in the rows with a target.
        missing: prepared.profiles
          .filter(
            ({ name, missingCount }) => missingCount > 0 && whole.encoder.columns.some(({ column }) => column === name),
          )
          .map(({ name, missingCount }) => ({ column: name, count: missingCount })),
        ...(prepared.testOverlap === undefined ? {} : { testOverlap: prepared.testOverlap }),
        yesCounts: [...yesCounts(data.points)],
        importance,
        ...(measured.bestColumn === undefined ? {} : { bestColumn: measured.bestColumn }),
        ...(options.weight === undefined ? {} : { weight: options.weight }),
        ...(options.group === undefined ? {} : { group: options.group }),
      },
      provenance: {
        source: options.source ?? { label: table.label, rowCount: table.rowCount },
        seed: options.seed ?? 1,
        command: options.command ?? null,
        ...spellingsOf([...prepared.profiles, prepared.targetProfile]),
        versions: options.versions ?? {},
      },
    },
    testRows: measured.testRows,
    timings: {
      readMs: readAt - startedAt,
      chooseMs: chosenAt - readAt,
      fitMs: fittedAt - chosenAt,
      confirmMs: endedAt - fittedAt,
      totalMs: endedAt - startedAt,
    },
  };
}

/** What the training rows chose, and what the test rows said of it. */
interface Measured {
  readonly selections: readonly Selection[];
  readonly chosenAt: number;
  readonly calibrations: readonly Calibration[];
  readonly test: TestResult | null;
  readonly testRows: TestRows | null;
  /** On the training rows; those of the model where there are no others. */
  readonly fits: readonly LowDegreeFit[] | undefined;
  /** Of the training rows, and how many there are. */
  readonly encoder: EncoderSpec;
  readonly rowCount: number;
  readonly notes: readonly Note[];
  /** Of the test rows, where there are any. */
  readonly importance?: ImportanceRecord;
  readonly bestColumn?: BestColumnRecord | undefined;
}

// Apart, so that the training rows are gone when the model is fitted on all of them.
async function chooseAndMeasure(
  prepared: PreparedTable,
  given: FitTableOptions & { readonly loss: Loss; readonly confidence: number },
): Promise<Measured> {
  const { spec } = prepared;
  const training = prepared.training();
  const tested = prepared.test();
  const { encoder, data } = training;
  const options = beside(given, data, tested, { target: prepared.target });
  const targets = Array.from({ length: outputCount(spec) }, (_, k) => outputTarget(spec, data.target, k));
  const selections: Selection[] = [];
  for (const [k, target] of targets.entries()) {
    selections.push(await choose(data, target, coordinatesOf(encoder, targets.length), options, classNames(spec, k)));
  }
  const chosenAt = performance.now();
  const calibrations =
    calibrateJointly(spec, data, selections, options.loss) ??
    selections.map((selection, k) => calibrate(spec, targets[k], selection, data.weights));
  const targetMeans = targets.map((target) => weightedMean(target, data.weights));
  const notes = smearingNotes(spec, targets[0], selections[0], data.weights);
  const chosen = { selections, chosenAt, calibrations, encoder, rowCount: data.target.length, notes };
  if (tested === undefined) return { ...chosen, test: null, testRows: null, fits: undefined };

  const fits = await fitOutputs(spec, selections, training, { ...options, sameCoordinates: true });
  const values = await evaluateFits(fits, tested, options);
  const { target, weights, clusters } = tested;
  const prediction = predictionFromValues(spec, calibrations, values);
  const testRows = { target, weights, clusters, prediction };
  const test = measure({ target: spec, loss: options.loss, calibrations, targetMeans }, testRows, values);
  const intervals = await testIntervals(spec, options.loss, testRows, prediction, options);
  return {
    ...chosen,
    test: intervals === undefined ? test : { ...test, intervals },
    testRows,
    fits: prepared.setsAside ? undefined : fits,
    importance: await columnImportance(
      {
        ...{ spec, loss: options.loss, calibrations, encoder, data: tested, rows: 'test', seed: options.seed ?? 1 },
        polynomials: fits.map(({ model }) => model),
      },
      runOptionsOf(options),
    ),
    bestColumn: bestColumn(spec, encoder, data, tested, options.seed ?? 1),
  };
}

// What learners may take beside rows that stay while they run.
function beside<T extends RunOptions>(options: T, ...held: (Partial<LabelledPoints> | undefined)[]): T {
  const bytes = held.reduce((sum, rows) => {
    const { points, target, weights, clusters } = rows ?? {};
    const arrays = [points?.planes, target, weights, clusters];
    return sum + arrays.reduce((total, array) => total + (array?.byteLength ?? 0), 0);
  }, 0);
  return { ...options, memoryLimitBytes: Math.max(0, (options.memoryLimitBytes ?? DEFAULT_MEMORY_BYTES) - bytes) };
}

function spellingsOf(profiles: readonly ColumnProfile[]): Partial<Pick<Provenance, 'spellings'>> {
  const found = profiles.flatMap(({ name, form }) => {
    const spelling = form === undefined ? undefined : spellingOf(form);
    return spelling === undefined ? [] : [[name, spelling] as const];
  });
  return found.length === 0 ? {} : { spellings: Object.fromEntries(found) };
}

// Reading thousands of columns takes minutes, and whether so many can be learned from is known before: each makes a
// coordinate or more, but for those that are constant.
function refuseTooWide(table: Table, options: FitTableOptions): void {
  const { target, weight, group, exclude = [], degree = 'auto' } = options;
  const left = new Set([target, weight, group, ...exclude]);
  const names = options.features ?? table.columns.map(({ name }) => name);
  const coordinateCount = names.filter((name) => !left.has(name)).length;
  // How many rows there will be is not known, and is not what makes a table wide.
  if (coordinateCount > 0)
    checkSelectionShape(
      { rowCount: 1, coordinateCount },
      {
        ...options,
        degree,
        method: methodOf(options),
      },
    );
}

function checkLoss(spec: TargetSpec, loss: Loss): Loss {
  if (loss === 'squared' || spec.kind !== 'regression') return loss;
  throw new FewfireError(
    'invalid-argument',
    `target ${JSON.stringify(spec.column)} is learned as a number, which has no logistic loss; expected classes: leave out \`loss: 'logistic'\`, or add \`task: 'classes'\``,
  );
}

// What -1 and +1 of an output are called.
function classNames(spec: TargetSpec, output: number): [string, string] {
  const of = (name: string): string => `class ${JSON.stringify(name)} of target ${JSON.stringify(spec.column)}`;
  if (spec.kind === 'multiclass')
    return [of(spec.classes[output]), `any class but ${JSON.stringify(spec.classes[output])}`];
  return spec.kind === 'binary' ? [of(spec.positive), of(spec.negative)] : ['-1', '+1'];
}

function choose(
  data: LabelledPoints,
  target: Float64Array,
  { groups, columns, outputCount }: Coordinates,
  options: FitTableOptions,
  names: [string, string],
): Promise<Selection> {
  return selectLowDegree(data.points, target, {
    ...runOptionsOf(options),
    budgetSeconds: options.budgetSeconds,
    folds: options.folds,
    loss: options.loss,
    hierarchy: options.hierarchy,
    l1Ratio: options.l1Ratio,
    classNames: names,
    degree: options.degree ?? 'auto',
    method: methodOf(options),
    ...{ groups, columns, outputCount },
    rowWeights: data.weights,
    clusters: data.clusters,
    rowKeys: data.rowKeys,
    clusterKeys: data.clusterKeys,
  });
}

// Of the choice, whose `auto` is between the low-degree learners.
function methodOf(options: FitTableOptions): SelectOptions['method'] {
  const learner = learnerOf(options);
  return learner === 'low-degree' ? 'auto' : learner;
}

/** What learners know of coordinates. */
interface Coordinates {
  readonly names: readonly string[];
  readonly groups: readonly number[];
  readonly columns: readonly CoordinateColumn[];
  /** Of the model: they share the time there is. */
  readonly outputCount: number;
}

function coordinatesOf(encoder: EncoderSpec, outputCount: number): Coordinates {
  const all = encoderCoordinates(encoder);
  return {
    names: all.map(({ name }) => name),
    groups: all.map(({ group }) => group),
    columns: coordinateColumns(encoder),
    outputCount,
  };
}

async function confirm(
  spec: TargetSpec,
  output: number,
  { encoder, data }: EncodedData,
  options: FitTableOptions & { readonly loss: Loss; readonly confidence: number },
): Promise<Confirmation> {
  const { intervals = 'normal', simultaneous = false, seed = 1 } = options;
  if (intervals === 'none') return { record: null };
  // Points of probability are there too where a term is all but certain, and stand beside the rates that are observed.
  const loss = hasManyCuts(options) ? 'squared' : options.loss;
  const confirmation = await confirmTerms(data, outputTarget(spec, data.target, output), {
    ...options,
    loss,
    interval: intervals,
    simultaneous,
    seed,
    async choose(half) {
      const left = beside(options, half);
      // Terms that few rows can tell apart are not worth confirming: the sparse choice, whatever the model's method.
      const all = coordinatesOf(encoder, outputCount(spec));
      if (hasManyCuts(options)) {
        return await fitFoundTerms(half.points, half.target, all.names, all.columns, half.weights, left);
      }
      const sparse = { ...left, method: 'lasso', loss: 'squared', budgetSeconds: CONFIRM_BUDGET_SECONDS } as const;
      const { best } = await choose(half, half.target, all, sparse, classNames(spec, output));
      return (await fitChosen(best, half, half.target, all, left)).model;
    },
  });
  if (confirmation.record === null || loss === options.loss) return confirmation;
  return { record: { ...confirmation.record, loss } };
}

async function fitOutputs(
  spec: TargetSpec,
  selections: readonly Selection[],
  { encoder, data }: EncodedData,
  options: FitTableOptions & Pick<CandidateFitOptions, 'sameCoordinates'>,
): Promise<LowDegreeFit[]> {
  const fits: LowDegreeFit[] = [];
  for (const [k, { best }] of selections.entries()) {
    const fit = await fitChosen(
      best,
      data,
      outputTarget(spec, data.target, k),
      coordinatesOf(encoder, selections.length),
      options,
    );
    if (!fit.model.coefficients.every(Number.isFinite)) {
      throw new FewfireError(
        'not-converged',
        'a fit has no finite coefficients; expected a target and weights whose squares can be added: give them in another unit, or choose another `method`',
      );
    }
    fits.push(fit);
  }
  return fits;
}

/** Fits what the folds chose. */
function fitChosen(
  best: Candidate,
  data: LabelledPoints,
  target: Float64Array,
  { names, groups, columns, outputCount }: Coordinates,
  options: RunOptions & Pick<CandidateFitOptions, 'loss' | 'seed' | 'sameCoordinates'>,
): Promise<LowDegreeFit> {
  const { signal, onProgress, threads, memoryLimitBytes, loss, seed = 1, sameCoordinates } = options;
  return fitCandidate(data.points, target, best, {
    ...{ signal, onProgress, threads, memoryLimitBytes, loss, seed, sameCoordinates },
    coordinates: names,
    ...{ groups, columns, outputCount },
    rowWeights: data.weights,
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
  for (const { model } of fits) values.push(await evaluatePolynomial(model, points, runOptionsOf(options)));
  return values;
}

/** Of several classes learned by their log-odds, where the same rows were held out for each. */
function calibrateJointly(
  spec: TargetSpec,
  { target, weights }: LabelledPoints,
  selections: readonly Selection[],
  loss: Loss,
): Calibration[] | undefined {
  if (spec.kind !== 'multiclass' || loss !== 'logistic') return undefined;
  const [{ heldOut }] = selections;
  const { rows } = heldOut;
  const isSame = selections.every(
    (each) => each.heldOut.rows.length === rows.length && each.heldOut.rows.every((row, i) => row === rows[i]),
  );
  if (!isSame) return undefined;
  const curve = fitJointCurve(
    selections.map((each) => each.heldOut.predictions.map((value) => -value)),
    pickNumbers(target, rows),
    weights === undefined ? undefined : pickNumbers(weights, rows),
  );
  return selections.map(() => ({ kind: 'platt', rowCount: rows.length, ...curve }));
}

/** @param target of the output, -1 for its class, over the rows that were chosen from */
function calibrate(
  spec: TargetSpec,
  target: Float64Array,
  selection: Selection,
  weights: Float64Array | undefined,
): Calibration {
  const { rows, predictions } = selection.heldOut;
  const held = pickNumbers(target, rows);
  const heldWeights = weights === undefined ? undefined : pickNumbers(weights, rows);
  if (spec.kind !== 'regression') {
    const positive = Uint8Array.from(held, (value) => (value < 0 ? 1 : 0));
    return {
      kind: 'platt',
      rowCount: rows.length,
      ...fitPlatt(
        predictions.map((value) => -value),
        positive,
        heldWeights,
      ),
    };
  }
  if (spec.transform === 'log') {
    const factor = smearingFactor(held, predictions, heldWeights);
    const largest = predictions.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    if (Number.isFinite(factor * Math.exp(largest))) return { kind: 'smearing', rowCount: rows.length, factor };
    throw new FewfireError(
      'invalid-data',
      `the logarithm of target ${JSON.stringify(spec.column)} is predicted so far off that its mean in the target's own unit is no finite number; expected numbers over fewer orders of magnitude: correct the largest and smallest, or learn a column of logarithms as a number`,
    );
  }
  return { kind: 'none' };
}

/** The mean of so few rows is next to nothing to multiply predictions by. */
const FEWEST_SMEARING_ROWS = 5;

function smearingNotes(
  spec: TargetSpec,
  target: Float64Array,
  { heldOut: { rows, predictions } }: Selection,
  weights: Float64Array | undefined,
): Note[] {
  if (spec.kind !== 'regression' || spec.transform === 'none') return [];
  const pick = (values: Float64Array): Float64Array => pickNumbers(values, rows);
  const support = smearingSupport(pick(target), predictions, weights && pick(weights));
  if (support >= FEWEST_SMEARING_ROWS) return [];
  return [{ kind: 'few-smearing-rows', column: spec.column, support, rowCount: rows.length }];
}

function fitRecord(
  { summary }: LowDegreeFit,
  selection: Selection,
): Omit<ModelOutput['fit'], 'targetMean' | 'support' | 'confirmation' | 'stability' | 'combinations'> {
  const { degree, lambda, basis, l1Ratio, hierarchy, refit, roundCount, stack, products } = summary;
  const { monomialCount, converged, relativeGradient, dualityGap } = summary;
  const { best, heldOut: _, foldTerms: __, stopped: ___, fewerFor: ____, candidates, ...record } = selection;
  return {
    ...{ method: best.method, degree, lambda, basis, l1Ratio, hierarchy, refit },
    ...(roundCount === undefined ? {} : { roundCount }),
    ...(stack === undefined ? {} : { stack, products: products ?? [] }),
    ...{ monomialCount, converged, relativeGradient, dualityGap },
    selection: { ...record, candidates: candidates.map(({ products: _, ...candidate }) => candidate) },
  };
}

function confirmedTerms({ record }: Confirmation): (readonly number[])[] {
  return (record?.terms ?? []).map(({ coordinates }) => coordinates).filter((coordinates) => coordinates.length > 0);
}

// The folds' fits are over the training rows' coordinates, which may be in other places, or not be there at all; and of
// the degree the folds chose, while the terms may be of a higher one that was chosen on other rows.
function foldStability(
  encoder: EncoderSpec,
  terms: readonly (readonly number[])[],
  trainingEncoder: EncoderSpec,
  { best, validation, foldTerms }: Selection,
): TermStability[] {
  // One fit says nothing of how steady its terms are, and of boosted trees the terms of the folds are not kept.
  if (validation === 'split' || foldTerms.length === 0) return [];
  const keys = encoderCoordinates(encoder).map(({ key }) => key);
  const trainingKeys = encoderCoordinates(trainingEncoder).map(({ key }) => key);
  const places = new Map(trainingKeys.map((key, place) => [key, place]));
  const wanted: { at: number[]; coordinates: readonly number[] }[] = [];
  for (const coordinates of terms) {
    const at = coordinates.map((s) => places.get(keys[s]));
    if (at.every((place) => place !== undefined)) wanted.push({ at, coordinates });
  }
  const shape = { coordinateCount: trainingKeys.length, degree: best.degree };
  return termStability(foldTermLists(foldTerms, shape, wanted));
}

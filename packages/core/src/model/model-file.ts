/**
 * The model file: JSON with a format name, a version and a checksum over
 * everything else, so that a truncated or edited file is refused instead of
 * predicting nonsense.
 */
import * as z from 'zod/mini';
import { checksumOf, describeIssue, FewfireError, parseJson, shownJson } from '../base/index.ts';
import { type Polynomial, polynomialFromTerms, termList } from '../spectrum/index.ts';
import { modelFault } from './check-model.ts';
import { type Model, modelCoordinates } from './model.ts';
import { noteSchema } from './note-schema.ts';
import type { Note } from './notes.ts';

export const MODEL_FORMAT = 'fewfire-model';
/**
 * Version 3 has dates, columns with others, spellings of missing cells. Version 4 has notes as data, which readers of older
 * versions would call damage; in older files they are sentences, and stay so.
 */
export const MODEL_VERSION = 4;
const OLDEST_VERSION = 2;
const VERSIONS: readonly unknown[] = [OLDEST_VERSION, 3, MODEL_VERSION];

const finite = z.number();
const count = z.int().check(z.nonnegative());
const index = z.int().check(z.nonnegative());
const method = z.enum([
  'least-squares',
  'ridge',
  'estimate',
  'lasso',
  'elastic-net',
  'logistic',
  'boosting',
  'stacking',
]);
const basis = z.enum(['parity', 'biased']);
const columnReason = z.strictObject({ column: z.string(), reason: z.string() });
const degreeReason = z.strictObject({ degree: count, reason: z.string() });

const metrics = {
  sampleCount: count,
  effectiveCount: z.optional(finite),
  groupCount: z.optional(count),
  mse: finite,
  r2: z.nullable(finite),
  accuracy: z.optional(finite),
  auc: z.optional(z.nullable(finite)),
  logLoss: z.optional(finite),
};
const intervalSchema = z.strictObject({
  low: finite,
  high: finite,
  confidence: finite,
  method: z.enum(['empirical Bernstein', 'Clopper-Pearson', 'bootstrap']),
});
const testSchema = z.strictObject({
  ...metrics,
  baseline: z.strictObject({ mse: finite, accuracy: z.optional(finite), logLoss: z.optional(finite) }),
  intervals: z.optional(z.strictObject({ mse: intervalSchema, accuracy: z.optional(intervalSchema) })),
  betterThanConstant: z.boolean(),
});

const codingSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('two-valued'), no: z.string(), yes: z.string() }),
  z.strictObject({ kind: z.literal('categories'), reference: z.nullable(z.string()), values: z.array(z.string()) }),
  z.strictObject({ kind: z.literal('thresholds'), above: z.array(finite) }),
]);

const calibrationSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('platt'), rowCount: count, slope: finite, intercept: finite }),
  z.strictObject({ kind: z.literal('smearing'), rowCount: count, factor: finite }),
]);

const sparsity = {
  l1Ratio: finite,
  hierarchy: z.enum(['none', 'weak', 'strong']),
  refit: z.boolean(),
  roundCount: z.optional(count),
};
const stack = z.strictObject({ additive: finite, trees: finite, depth: count });
const candidateSchema = z.strictObject({
  method,
  degree: count,
  lambda: finite,
  basis,
  ...sparsity,
  termCount: finite,
  mse: finite,
  standardError: finite,
  converged: z.boolean(),
  stack: z.optional(stack),
});

const nullable = z.nullable(finite);
const combinationSchema = z.strictObject({
  coordinates: z.array(index).check(z.minLength(1)),
  share: finite,
  cells: z.array(z.strictObject({ rows: count, weight: z.optional(finite), observed: nullable, predicted: nullable })),
});
const importanceSchema = z.strictObject({
  rows: z.enum(['test', 'fit']),
  rowCount: count,
  shuffleCount: count,
  columns: z.array(z.strictObject({ column: z.string(), lossRise: finite, scoreFall: nullable })),
});
const bestColumnSchema = z.strictObject({
  column: z.string(),
  accuracy: z.optional(finite),
  mse: finite,
  r2: z.optional(nullable),
});

const fitSchema = z.strictObject({
  method,
  degree: count,
  lambda: finite,
  basis,
  ...sparsity,
  stack: z.optional(stack),
  products: z.optional(z.array(z.array(index))),
  monomialCount: count,
  converged: z.boolean(),
  relativeGradient: finite,
  dualityGap: z.nullable(finite),
  targetMean: finite,
  selection: z.strictObject({
    folds: count,
    heldOutFolds: z.optional(count),
    validation: z.enum(['folds', 'split']),
    reason: z.string(),
    rowCount: count,
    budgetSeconds: finite,
    predictedSeconds: finite,
    candidates: z.array(candidateSchema),
    skipped: z.array(degreeReason),
  }),
  support: z.array(z.strictObject({ coordinates: z.array(index), rows: count })),
  confirmation: z.nullable(
    z.strictObject({
      choosingRowCount: count,
      confirmingRowCount: count,
      interval: z.enum(['normal', 'bootstrap']),
      confidence: finite,
      loss: z.optional(z.enum(['squared', 'logistic'])),
      simultaneous: z.boolean(),
      terms: z.array(
        z.strictObject({
          coordinates: z.array(index),
          estimate: finite,
          standardError: finite,
          low: finite,
          high: finite,
        }),
      ),
      collinear: z.array(z.array(index)),
      unsupported: z.array(z.array(index)),
      target: z.string(),
    }),
  ),
  stability: z.array(
    z.strictObject({
      coordinates: z.array(index),
      selectedShare: finite,
      sameSignShare: finite,
      minimum: finite,
      maximum: finite,
    }),
  ),
  combinations: z.optional(z.array(combinationSchema)),
});

const targetSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('regression'), column: z.string(), transform: z.enum(['none', 'log']) }),
  z.strictObject({ kind: z.literal('binary'), column: z.string(), positive: z.string(), negative: z.string() }),
  z.strictObject({
    kind: z.literal('multiclass'),
    column: z.string(),
    classes: z.array(z.string()).check(z.minLength(3)),
  }),
]);

const trainingOf = <T>(note: z.ZodMiniType<T>) =>
  z.strictObject({
    sampleCount: count,
    fittedOn: z.string(),
    test: z.nullable(testSchema),
    notes: z.array(note),
    dropped: z.array(columnReason),
    missing: z.array(z.strictObject({ column: z.string(), count })),
    testOverlap: z.optional(count),
    yesCounts: z.optional(z.array(count)),
    importance: z.optional(importanceSchema),
    bestColumn: z.optional(bestColumnSchema),
    weight: z.optional(z.string()),
    group: z.optional(z.string()),
  });

const modelParts = {
  format: z.literal(MODEL_FORMAT),
  version: z.int(),
  checksum: z.string(),
  target: targetSchema,
  loss: z.enum(['squared', 'logistic']),
  encoder: z.strictObject({
    columns: z.array(
      z.strictObject({
        column: z.string(),
        type: z.enum(['boolean', 'number', 'text', 'date']),
        part: z.optional(z.enum(['weekday', 'month'])),
        coding: codingSchema,
        missingTexts: z.optional(z.array(z.string())),
        missing: z.enum(['refuse', 'no', 'drop']),
        missingCoordinate: z.boolean(),
      }),
    ),
    missingValues: z.optional(z.array(z.string())),
  }),
  /** A term is its coordinates and its coefficient. */
  outputs: z
    .array(
      z.strictObject({
        terms: z.array(z.tuple([z.array(index), finite])),
        calibration: calibrationSchema,
        fit: fitSchema,
      }),
    )
    .check(z.minLength(1)),
  training: trainingOf(noteSchema),
  provenance: z.strictObject({
    source: z.strictObject({
      label: z.string(),
      rowCount: count,
      format: z.optional(z.string()),
      sha256: z.optional(z.string()),
      byteCount: z.optional(count),
    }),
    seed: z.int(),
    command: z.nullable(z.string()),
    spellings: z.optional(
      z.catchall(
        z.object({}),
        z.strictObject({
          number: z.optional(
            z.strictObject({
              decimal: z.enum(['.', ',']),
              thousands: z.enum(['', ',', '.', ' ', "'"]),
              unit: z.string(),
            }),
          ),
          date: z.optional(z.enum(['ymd', 'dmy', 'mdy'])),
        }),
      ),
    ),
    // What z.record takes, without its code, which would be 0.6 kB of a page.
    versions: z.catchall(z.object({}), z.string()),
  }),
};
const modelSchema = z.strictObject(modelParts);

/**
 * The text of a model file. Equal models give equal text.
 * @throws FewfireError `not-converged` for a model with a figure that is no finite number, `invalid-argument` for what is
 *   no model in another way: neither could be read again
 * @example
 * ```ts
 * import { fitTable, memoryTable, serializeModel } from '@fewfire/core';
 *
 * const rows = Array.from({ length: 200 }, (_, i) => i);
 * const table = memoryTable({
 *   a: rows.map((i) => i & 1),
 *   b: rows.map((i) => (i >> 1) & 1),
 *   y: rows.map((i) => ((i & 1) === ((i >> 1) & 1) ? 'no' : 'yes')),
 * });
 * const { model } = await fitTable(table, { target: 'y' });
 * const text = await serializeModel(model);
 * console.log(JSON.parse(text).format); // fewfire-model
 * ```
 */
export async function serializeModel(model: Model): Promise<string> {
  const outputs = model.outputs.map(({ polynomial, ...rest }) => ({
    terms: termList(polynomial).map((term) => [term.coordinates, term.coefficient]),
    ...rest,
  }));
  const body = { ...model, outputs };
  const checksum = await checksumOf(body);
  // Through the schema, so that the order of keys is the schema's and a model that could not be read is not written.
  const shaped = modelSchema.safeParse({ format: MODEL_FORMAT, version: MODEL_VERSION, checksum, ...body });
  if (shaped.success) return `${JSON.stringify(shaped.data)}\n`;
  const { path, message } = shaped.error.issues[0];
  const found = path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)?.[key], body);
  throw new FewfireError(
    typeof found === 'number' ? 'not-converged' : 'invalid-argument',
    `the model cannot be saved: ${path.join('.')} is ${typeof found === 'number' ? found : `not right (${message})`}; expected a target and weights whose squares can be added: give them in another unit, or choose another \`method\``,
    { cause: shaped.error },
  );
}

/**
 * Reads a model file's text.
 * @param label what to call the file in messages
 * @throws FewfireError `model-file`: not JSON (truncated), another format, a newer version, a wrong field, a wrong checksum
 * @example
 * ```ts
 * import { fitTable, memoryTable, parseModel, serializeModel } from '@fewfire/core';
 *
 * const rows = Array.from({ length: 200 }, (_, i) => i);
 * const table = memoryTable({
 *   a: rows.map((i) => i & 1),
 *   b: rows.map((i) => (i >> 1) & 1),
 *   y: rows.map((i) => ((i & 1) === ((i >> 1) & 1) ? 'no' : 'yes')),
 * });
 * const { model } = await fitTable(table, { target: 'y' });
 * const text = await serializeModel(model);
 * const same = await parseModel(text, 'model.json');
 * console.log(same.target.column); // y
 * ```
 */
export async function parseModel(text: string, label: string): Promise<Model> {
  const refuse = (what: string, cause?: unknown): FewfireError =>
    new FewfireError('model-file', `${label} ${what}`, { cause });
  const damaged = (what: string, cause?: unknown): FewfireError =>
    refuse(`is damaged or edited: ${what}; expected it as fewfire fit wrote it: fit again or copy it again`, cause);
  const data = parseJson(text, (why, cause) =>
    refuse(
      `is not a whole model file (${why}); expected a file written by fewfire fit: fit it again or copy it again`,
      cause,
    ),
  );
  const head = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>;
  if (head.format !== MODEL_FORMAT) {
    throw refuse(
      `is JSON but not a fewfire model (format ${shownJson(head.format)}); expected a file written by fewfire fit`,
    );
  }
  if (!VERSIONS.includes(head.version)) {
    throw refuse(
      `is a model file of version ${shownJson(head.version)}; this fewfire reads versions ${OLDEST_VERSION} to ${MODEL_VERSION}: use the fewfire that wrote it or fit again`,
    );
  }
  // Notes of older files are sentences.
  const older = () => z.strictObject({ ...modelParts, training: trainingOf(z.string()) });
  const parsed = (head.version === MODEL_VERSION ? modelSchema : older()).safeParse(data);
  if (!parsed.success) throw damaged(describeIssue(parsed.error.issues[0], data), parsed.error);
  const { format: _format, version: _version, checksum, ...body } = parsed.data;
  if ((await checksumOf(body)) !== checksum) throw damaged('its content does not have the checksum it states');
  const coordinates = modelCoordinates(body.encoder);
  const outputs = body.outputs.map(({ terms, ...rest }) => {
    let polynomial: Polynomial;
    try {
      const list = terms.map(([members, coefficient]) => ({ coordinates: members, coefficient }));
      polynomial = polynomialFromTerms(coordinates, list);
    } catch (cause) {
      throw damaged((cause as Error).message, cause);
    }
    if (polynomial.termCount < terms.length) throw damaged('it has a term twice, or one of zero');
    return { polynomial, ...rest };
  });
  const notes = body.training.notes.map(
    (note: Note | string): Note => (typeof note === 'string' ? { kind: 'text', text: note } : note),
  );
  const model = { ...body, training: { ...body.training, notes }, outputs };
  const fault = modelFault(model);
  if (fault !== undefined) throw damaged(fault);
  return model;
}

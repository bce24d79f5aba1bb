/**
 * The whole path beside the reference: a table is written in every format, and what the library encodes, what `fit`
 * saves, what `predict` writes and what `score` says are compared with what was worked out by hand. The side under test
 * is handed in, so that the checker itself can be tested with faults planted there.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CellRules, ColumnProfile, EncodedRows, EncoderSpec, MissingPolicy } from '@fewfire/core';
import {
  estimateError,
  gradientShare,
  learned,
  likeliest,
  type ModelFile,
  predictionsOf,
  scoreOf,
  valuesOf,
} from './by-hand.ts';
import { delimitedText, type Format, heldBy, isTyped, writeFiles } from './files.ts';
import { drawing, otherRows, type RandomTable } from './random-table.ts';
import {
  type Encoded,
  encodeByHand,
  encodeMore,
  type HeldTable,
  type Reference,
  type Refused,
  readCsv,
  type Target,
  tableOfTexts,
} from './reference.ts';

/** The side under test, as far as it is used. */
export interface UnderTest {
  openTable(source: string, options: { threads: number; rules: CellRules }): Promise<OpenedTable>;
  fitEncoder(
    profiles: readonly ColumnProfile[],
    options: { missing?: MissingPolicy; missingValues?: readonly string[] },
  ): { spec: EncoderSpec; notes: { dropped: readonly { column: string; reason: string }[] } };
  /** Of the coordinates of an encoder. */
  namesOf(spec: EncoderSpec): readonly string[];
  /** Runs the command line. */
  run(args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }>;
}

interface OpenedTable {
  profile(names: readonly string[], options: { bins?: number; mask?: Uint8Array }): Promise<readonly ColumnProfile[]>;
  encode(spec: EncoderSpec): Promise<EncodedRows>;
  close(): Promise<void>;
}

export interface Where {
  /** For files; made if it is not there. */
  readonly folder: string;
  /** Of the workspace. */
  readonly root: string;
  readonly formats: readonly Format[];
  /** Every format has one of these in turn, the first also all others. */
  readonly threads: readonly number[];
  /** How many of the formats are predicted and scored. */
  readonly predicted: number;
}

export interface Checked {
  readonly differences: readonly string[];
  /** Why the table could not be fitted, where both sides agree on that. */
  readonly refused: string | undefined;
}

const RELATIVE = 1e-9;
/** So many rows say the same of other rows, and take longer. */
const LARGE = 5000;

/** Checks one table. */
export async function checkTable(table: RandomTable, under: UnderTest, where: Where): Promise<Checked> {
  mkdirSync(where.folder, { recursive: true });
  const sources = await writeFiles(table, where.folder, where.formats, where.root);
  const draw = drawing(-table.seed);
  const turn = Math.floor(draw() * where.threads.length);
  const runs = [...sources].flatMap(([format, source], i) => {
    const count = i === 0 ? where.threads.length : 1;
    const at = (k: number): number => where.threads[(turn + i + k) % where.threads.length];
    return Array.from({ length: count }, (_, k): Run => ({ format, source, threads: at(k) }));
  });
  const references = referencesOf(table);
  const differences: string[] = [];
  const said = (run: Run, found: readonly string[]): void => {
    for (const difference of found) differences.push(`${run.format}, threads ${run.threads}: ${difference}`);
  };
  // Files that hold the same make the same model; what texts mean may depend on whether a file has types.
  const fitted = new Map<string, Fitted>();
  const refusals = new Map<string, string>();
  for (const [i, run] of runs.entries()) {
    const reference = references(run.format);
    const path = join(where.folder, `model-${i}.json`);
    const { code, stderr } = await under.run(fitArguments(table, run.source, path, run.threads));
    if (code !== 0 && !('refused' in reference) && isTooFew(table, reference, stderr)) {
      refusals.set('', stderr);
      continue;
    }
    if (code !== 0 || 'refused' in reference) {
      const message = stderr.replaceAll(run.source, 'the table').trim();
      // How many cells are missing depends on whether the file has types.
      const reason = `${isTyped(run.format)} ${/json/.test(run.format)} ${'refused' in reference ? reference.refused : ''}`;
      const first = refusals.get(reason) ?? message;
      if (message !== first) said(run, [`refused otherwise: ${JSON.stringify(message)}, not ${JSON.stringify(first)}`]);
      refusals.set(reason, first);
      said(run, compareRefusal(reference, code, message));
      continue;
    }
    const text = outsideProvenance(readFileSync(path, 'utf8'));
    const { bits: _, forms: __, ...rest } = reference;
    const key = JSON.stringify(rest);
    const first = fitted.get(key);
    if (first === undefined) {
      const wrong = compareModel(JSON.parse(text), reference);
      said(run, wrong);
      fitted.set(key, { text, path, reference, run, isRight: wrong.length === 0 });
      if (wrong.length > 0) continue;
    } else if (!first.isRight) continue;
    else if (text !== first.text) said(run, [`another model: ${firstDifference(first.text, text)}`]);
    said(run, await checkTableOf(table, reference, run, under));
  }
  for (const { text, path, reference, run, isRight } of fitted.values()) {
    if (!isRight) continue;
    const model: ModelFile = JSON.parse(text);
    said(run, compareFit(model, reference, valuesOf(model, reference.bits, reference.rows.length)));
    const from = Math.floor(draw() * runs.length);
    for (let k = 0; k < Math.min(where.predicted, runs.length); k++) {
      const other = runs[(from + k) % runs.length];
      said(other, await checkPredictions(table, model, reference, other, path, under, where.folder));
    }
    const other = runs[from];
    if (table.rowCount < LARGE) said(other, await checkOtherRows(table, model, reference, other, path, under, where));
  }
  const refused = differences.length === 0 && fitted.size === 0 ? [...refusals.values()][0] : undefined;
  return { differences, refused };
}

/** Whether a class is too rare for what the folds make of a logistic fit, and that was said. */
function isTooFew({ loss }: RandomTable, { rows, target }: Reference, message: string): boolean {
  const counts = target.classes.map((_, k) => rows.filter((row) => target.values[row] === k).length);
  return loss === 'logistic' && Math.min(...counts) < 10 && message.includes('expected rows of every class');
}

/** What a table ought to be in a format; worked out once for files that hold the same. */
function referencesOf(table: RandomTable): (format: Format) => Reference | Refused {
  const known = new Map<string, Reference | Refused>();
  return (format) => {
    const kind = isTyped(format) ? (/json/.test(format) ? 'json' : 'typed') : format;
    const reference = known.get(kind) ?? encodeByHand(tableIn(format, table), table.options);
    known.set(kind, reference);
    return reference;
  };
}

function tableIn(format: Format, table: RandomTable): HeldTable {
  if (isTyped(format)) return heldBy(format, table);
  const delimiter = format === 'tsv' ? '\t' : table.delimiter;
  return tableOfTexts(delimitedText(table, delimiter, table.newline), delimiter);
}

interface Fitted {
  readonly text: string;
  readonly path: string;
  readonly reference: Reference;
  readonly run: Run;
  readonly isRight: boolean;
}

interface Run {
  readonly format: Format;
  readonly source: string;
  readonly threads: number;
}

function fitArguments(
  { options, degree, method, loss }: RandomTable,
  source: string,
  out: string,
  threads: number,
): string[] {
  const { target, exclude = [], bins = 4, missing = 'auto', logTarget } = options;
  const { missingValues, text = [], number = [], decimal } = options;
  const choices = ['--degree', degree, '--method', method, '--loss', loss, '--bins', bins, '--missing', missing];
  const rest = ['--intervals', 'none', '--test', '0', '--folds', '2', '--threads', threads, '--quiet', '--out', out];
  return [
    ...['fit', source, '--target', target],
    ...choices.map(String),
    ...(exclude.length > 0 ? ['--exclude', exclude.join(',')] : []),
    ...(logTarget ? ['--target-transform', 'log'] : []),
    ...(missingValues !== undefined ? ['--missing-values', missingValues.join(',')] : []),
    ...(text.length > 0 ? ['--text', text.join(',')] : []),
    ...(number.length > 0 ? ['--number', number.join(',')] : []),
    ...(decimal !== undefined ? ['--decimal', decimal] : []),
    ...rest.map(String),
  ];
}

/** A model file without what differs by design: where it came from, and how its missing cells were spelled there. */
export function outsideProvenance(text: string): string {
  const { provenance: _, checksum: __, ...model } = JSON.parse(text);
  model.training.notes = model.training.notes.filter(({ kind }: { kind: string }) => kind !== 'missing-texts');
  return JSON.stringify(model);
}

function compareRefusal(reference: Reference | Refused, code: number | null, message: string): string[] {
  if (!('refused' in reference)) return [`refused without a reason, exit ${code}: ${message}`];
  // Folds that so few rows cannot make are a matter of the command, everything else of the data.
  const expectedCode = reference.refused.includes('folds') ? 2 : 1;
  const isOneLine = /^error: [^\n]+$/.test(message);
  return isOneLine && code === expectedCode && message.includes(reference.refused)
    ? []
    : [
        `exit ${code} and ${JSON.stringify(message)}, expected ${expectedCode} and one line with "${reference.refused}"`,
      ];
}

// ---- what is encoded

/** Opens, describes and encodes with the library. */
async function checkTableOf(
  table: RandomTable,
  reference: Reference | Refused,
  run: Run,
  under: UnderTest,
): Promise<string[]> {
  if ('refused' in reference) return [];
  const { target, exclude = [], bins, missing } = table.options;
  const { missingValues, text, number, decimal } = table.options;
  const rules = { missingValues, text, number, decimal };
  const opened = await under.openTable(run.source, { threads: run.threads, rules });
  try {
    const names = table.columns.map(({ name }) => name).filter((name) => name !== target && !exclude.includes(name));
    const mask = Uint8Array.from(reference.target.values, (value) => (Number.isNaN(value) ? 0 : 1));
    const { spec, notes } = under.fitEncoder(await opened.profile(names, { bins, mask }), { missing, missingValues });
    const differences = [
      ...same('the encoder', inOrder(spec.columns), inOrder(reference.encoder)),
      ...compareDropped(notes.dropped, reference.dropped),
    ];
    if (differences.length > 0) return differences;
    return [
      ...same('names of coordinates', under.namesOf(spec), reference.coordinates),
      ...compareBits(await opened.encode(spec), reference),
    ];
  } finally {
    await opened.close();
  }
}

function compareDropped(
  found: readonly { column: string; reason: string }[],
  expected: Reference['dropped'],
): string[] {
  const columns = (list: readonly { column: string }[]): string[] => list.map(({ column }) => column);
  const wrong = same('the columns left out', columns(found), columns(expected));
  if (wrong.length > 0) return wrong;
  return found
    .filter(({ reason }, i) => {
      const isName = expected[i].reason.endsWith('look like names');
      return !reason.startsWith(expected[i].reason) && !(isName && /^\d+ of \d+ cells are numbers/.test(reason));
    })
    .map(({ column, reason }) => `column ${column} is left out because "${reason}"`);
}

/** Every coordinate of every row, in the order of the rows. */
function compareBits({ points, rows, missing }: EncodedRows, reference: Reference): string[] {
  const { rowCount, coordinateCount, planes } = points;
  const found = [
    ...same(
      'the number of rows and coordinates',
      [rowCount, coordinateCount],
      [reference.rows.length, reference.bits.length],
    ),
    ...same('cells without a value', missing, reference.missing),
  ];
  if (found.length > 0) return found;
  const odd = reference.rows.findIndex((row, i) => (rows === undefined ? i : rows[i]) !== row);
  if (odd >= 0)
    return [`encoded row ${odd} is row ${rows?.[odd] ?? odd} of the table, expected ${reference.rows[odd]}`];
  const wrongBits = reference.bits.flatMap((bits, j) => {
    let wrong = 0;
    let at = -1;
    for (let i = 0; i < rowCount; i++) {
      if (((planes[(j >> 3) * rowCount + i] >> (j & 7)) & 1) === bits[i]) continue;
      if (wrong++ === 0) at = i;
    }
    return wrong === 0
      ? []
      : [`bits of "${reference.coordinates[j]}" are wrong in ${wrong} of ${rowCount} rows, first in row ${at}`];
  });
  return firstOf(wrongBits, 'coordinates');
}

// ---- what is saved

function compareModel(model: ModelFile, reference: Reference): string[] {
  const { target, rows, bits } = reference;
  const used = rows.flatMap((row, i) => (Number.isNaN(target.values[row]) ? [] : [i]));
  const classes =
    model.target.kind === 'binary' ? [model.target.positive, model.target.negative] : (model.target.classes ?? []);
  const differences = [
    ...same('the encoder in the model', inOrder(model.encoder.columns), inOrder(reference.encoder)),
    ...compareDropped(model.training.dropped, reference.dropped),
    ...same('the target', [model.target.kind, ...classes], [target.kind, ...target.classes]),
    ...same('rows of the fit', model.training.sampleCount, used.length),
    ...same('missing cells', model.training.missing, reference.missingUsed),
  ];
  if (differences.length > 0) return differences;
  const values = Float64Array.from(used, (i) => target.values[rows[i]]);
  model.outputs.forEach(({ fit }, k) => {
    const y = learned({ ...target, values }, k);
    const mean = y.reduce((sum, value) => sum + value, 0) / y.length;
    if (!isClose(fit.targetMean, mean, 1)) differences.push(`the target's mean is ${fit.targetMean}, expected ${mean}`);
    for (const { coordinates, rows: count } of fit.support) {
      const yes = used.filter((i) => coordinates.every((j) => bits[j][i] === 1)).length;
      if (count !== yes) differences.push(`${count} rows are said to have ${coordinates}, expected ${yes}`);
    }
  });
  return differences;
}

/** What is compared of encoded columns, in the order of the reference. */
function inOrder(columns: readonly object[]): object[] {
  return columns.map((each) => {
    const { column, type, part, coding, missingTexts, missing, missingCoordinate } = each as Encoded;
    return { column, type, part, coding, missingTexts, missing, missingCoordinate };
  });
}

/** Whether bits and targets were of the same rows when the polynomial was fitted, where that shows. */
function compareFit(model: ModelFile, { target, rows, bits }: Reference, values: readonly Float64Array[]): string[] {
  const used = rows.flatMap((row, i) => (Number.isNaN(target.values[row]) ? [] : [i]));
  const pick = <T extends Uint8Array | Float64Array>(from: T): T =>
    from.filter((_, i) => !Number.isNaN(target.values[rows[i]])) as T;
  const y: Target = { ...target, values: Float64Array.from(used, (i) => target.values[rows[i]]) };
  const picked = bits.map(pick);
  return model.outputs.flatMap(({ fit }, k) => {
    const target = learned(y, k);
    if (fit.method === 'estimate') {
      const error = estimateError(model, k, picked, target);
      return error <= RELATIVE * Math.max(1, largest(target))
        ? []
        : [`a term is ${error} off its mean over these rows`];
    }
    const isRidge = fit.method === 'ridge' && fit.basis === 'parity';
    if (model.loss !== 'squared' || !(isRidge || fit.method === 'least-squares')) return [];
    const share = gradientShare(model, k, picked, pick(values[k]), target);
    // Plain least squares iterates, and measures its gradient, in another basis.
    const bound = isRidge ? 1.1 * fit.relativeGradient + RELATIVE : 1e-4;
    return share <= bound
      ? []
      : [`the fit is not that of these rows: a gradient of ${share} of its start, said to be ${fit.relativeGradient}`];
  });
}

// ---- what is predicted and scored

/** @param like what the model was fitted on */
async function checkPredictions(
  table: RandomTable,
  model: ModelFile,
  like: Reference,
  run: Run,
  path: string,
  under: UnderTest,
  folder: string,
): Promise<string[]> {
  const reference = encodeMore(tableIn(run.format, table), like, table.options);
  const out = join(folder, 'predictions.csv');
  const rest = [path, run.source, '--threads', String(run.threads), '--quiet'];
  const predicted = await under.run(['predict', ...rest, '--keep', 'id', '--out', out]);
  if ('refused' in reference) return compareRefusal(reference, predicted.code, predicted.stderr.trim());
  const values = valuesOf(model, reference.bits, reference.rows.length);
  const predictions = predictionsOf(model, values);
  if (predicted.code !== 0 || predicted.stderr !== '')
    return [`predict says ${JSON.stringify(predicted.stderr)}, exit ${predicted.code}`];
  const [head, ...records] = readCsv(readFileSync(out, 'utf8'), ',');
  const { target, rows } = reference;
  const heads = ['id', 'prediction', ...target.classes.map((name) => `probability_${name}`)];
  const ids = table.columns.find(({ name }) => name === 'id')?.cells ?? [];
  const differences = [
    ...same('columns of predictions', head, heads),
    ...same('rows of predictions', records.length, ids.length),
  ];
  if (differences.length > 0) return differences;
  const wrongId = ids.findIndex((id, row) => records[row][0] !== id);
  if (wrongId >= 0)
    return [`row ${wrongId} of predictions is that of id ${records[wrongId][0]}, expected ${ids[wrongId]}`];
  differences.push(...comparePredictions(records, reference, predictions));
  // Rows with a target are scored, by the chances that were written.
  const used = rows.flatMap((row, i) => (Number.isNaN(target.values[row]) ? [] : [i]));
  const written = predictions.map((_, k) =>
    Float64Array.from(used, (i) => Number(records[rows[i]][target.kind === 'regression' ? 1 : 2 + k])),
  );
  const learnt = values.map((vector) => Float64Array.from(used, (i) => vector[i]));
  const targets: Target = { ...target, values: Float64Array.from(used, (i) => target.values[rows[i]]) };
  if (used.length === 0 && !target.isUnreadable) return differences; // nothing to score
  const scored = await under.run(['score', ...rest, '--json']);
  // A file without types may have texts that a typed one had as missing.
  if (target.isUnreadable)
    return [...differences, ...compareRefusal({ refused: 'expected ' }, scored.code, scored.stderr.trim())];
  if (scored.code !== 0 || scored.stderr !== '')
    return [...differences, `score says ${JSON.stringify(scored.stderr)}, exit ${scored.code}`];
  const score = JSON.parse(scored.stdout);
  const scale = Math.max(largest(targets.values), 1) ** 2;
  for (const [measure, value] of Object.entries(scoreOf(model, targets, learnt, written))) {
    const isSame =
      value === null
        ? score[measure] === null
        : score[measure] !== null && isClose(score[measure], value, measure === 'mse' ? scale : 1);
    if (!isSame) differences.push(`score says ${measure} ${score[measure]}, expected ${value}`);
  }
  return differences;
}

/** The model on rows it was not fitted on, with cells it has not seen. */
async function checkOtherRows(
  table: RandomTable,
  model: ModelFile,
  reference: Reference,
  { format, threads }: Run,
  path: string,
  under: UnderTest,
  { root }: Where,
): Promise<string[]> {
  const others = otherRows(table, new Map(reference.encoder.map(({ column, type }) => [column, type])));
  const place = `${path.slice(0, -5)}-others`;
  mkdirSync(place);
  const source = (await writeFiles(others, place, [format], root)).get(format) ?? '';
  const run = { format, source, threads };
  const found = await checkPredictions(others, model, reference, run, path, under, place);
  return found.map((difference) => `other rows: ${difference}`);
}

/** @param records of the file of predictions: the id, the prediction, a chance for each class */
function comparePredictions(
  records: readonly (readonly string[])[],
  { rows, target }: Reference,
  predictions: readonly Float64Array[],
): string[] {
  const found: string[] = [];
  const scale = target.kind === 'regression' ? largest(predictions[0]) : 1;
  let next = 0;
  records.forEach((record, row) => {
    const cells = record.slice(target.kind === 'regression' ? 1 : 2);
    if (rows[next] !== row) {
      if (record.slice(1).some((cell) => cell !== ''))
        found.push(`row ${row} was dropped, and is predicted to be ${record[1]}`);
      return;
    }
    const chances = predictions.map((vector) => vector[next]);
    next++;
    const wrong = chances.findIndex((chance, k) => cells[k] === '' || !isClose(Number(cells[k]), chance, scale));
    if (wrong >= 0) found.push(`row ${row} is predicted to be ${cells[wrong]}, expected ${chances[wrong]}`);
    const likely = target.classes[likeliest(cells.map(Number))];
    if (target.kind !== 'regression' && record[1] !== likely)
      found.push(`row ${row} is called ${record[1]}, expected ${likely}`);
  });
  return firstOf(found, 'predictions');
}

function firstOf(found: readonly string[], what: string): string[] {
  return found.length > 3 ? [...found.slice(0, 3), `and ${found.length - 3} more ${what}`] : [...found];
}

function largest(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

function isClose(found: number, expected: number, scale: number): boolean {
  return Math.abs(found - expected) <= RELATIVE * Math.max(Math.abs(expected), scale);
}

function same(what: string, found: unknown, expected: unknown): string[] {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  return a === b ? [] : [`${what}: ${firstDifference(b, a)}`];
}

function firstDifference(expected: string, found: string): string {
  let at = 0;
  while (at < expected.length && expected[at] === found[at]) at++;
  const from = Math.max(0, at - 40);
  return `found …${found.slice(from, at + 60)}…, expected …${expected.slice(from, at + 60)}…`;
}

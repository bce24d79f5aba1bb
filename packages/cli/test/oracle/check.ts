/**
 * The whole path beside the reference: a table is written in every format, and what the library encodes, what `fit`
 * saves, what `predict` writes and what `score` says are compared with what was worked out by hand. The side under test
 * is handed in, so that the checker itself can be tested with faults planted there.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ColumnProfile, EncodedRows, EncoderSpec, MissingPolicy } from '@fewfire/core';
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
import { delimitedText, type Format, isTyped, writeFiles } from './files.ts';
import { drawing, otherRows, type RandomTable } from './random-table.ts';
import { encodeByHand, encodeMore, type Reference, type Refused, readCsv, type Target } from './reference.ts';

/** The side under test, as far as it is used. */
export interface UnderTest {
  openTable(source: string, options: { threads: number }): Promise<OpenedTable>;
  fitEncoder(
    profiles: readonly ColumnProfile[],
    options: { missing?: MissingPolicy },
  ): { spec: EncoderSpec; notes: { dropped: readonly { column: string; reason: string }[] } };
  /** Runs the command line. */
  run(args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }>;
}

export interface OpenedTable {
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
  const reference = encodeByHand(delimitedText(table, table.delimiter, table.newline), table.delimiter, table.options);
  const sources = await writeFiles(table, where.folder, where.formats, where.root);
  const draw = drawing(-table.seed);
  const turn = Math.floor(draw() * where.threads.length);
  const runs = [...sources].flatMap(([format, source], i) => {
    const count = i === 0 ? where.threads.length : 1;
    const at = (k: number): number => where.threads[(turn + i + k) % where.threads.length];
    return Array.from({ length: count }, (_, k) => ({ format, source, threads: at(k) }));
  });
  const differences: string[] = [];
  const said = (run: (typeof runs)[number], found: readonly string[]): void => {
    for (const difference of found) differences.push(`${run.format}, threads ${run.threads}: ${difference}`);
  };
  let first: { text: string; path: string } | undefined;
  let refusal: string | undefined;
  for (const [i, run] of runs.entries()) {
    const path = join(where.folder, `model-${i}.json`);
    const { code, stderr } = await under.run(fitArguments(table, run.source, path, run.threads));
    if (code !== 0 || 'refused' in reference) {
      const message = stderr.replaceAll(run.source, 'the table').trim();
      if (i > 0 && message !== refusal)
        said(run, [`refused otherwise: ${JSON.stringify(message)}, not ${JSON.stringify(refusal)}`]);
      refusal ??= message;
      said(run, compareRefusal(reference, code, message));
      continue;
    }
    const text = outsideProvenance(readFileSync(path, 'utf8'));
    if (first === undefined) {
      first = { text, path };
      said(run, compareModel(JSON.parse(text), reference));
    } else if (text !== first.text) said(run, [`another model: ${firstDifference(first.text, text)}`]);
    said(run, await checkTableOf(table, reference, run, under));
  }
  if (first !== undefined && !('refused' in reference)) {
    const model: ModelFile = JSON.parse(first.text);
    const expected = expectedOf(model, reference);
    said(runs[0], compareFit(model, reference, expected.values));
    const from = Math.floor(draw() * runs.length);
    for (let k = 0; k < Math.min(where.predicted, runs.length); k++) {
      const run = runs[(from + k) % runs.length];
      said(run, await checkPredictions(table, model, reference, expected, run, first.path, under, where.folder));
    }
    const run = runs[from];
    if (table.rowCount < LARGE) said(run, await checkOtherRows(table, model, reference, run, first.path, under, where));
  }
  return { differences, refused: differences.length === 0 ? refusal : undefined };
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
  const { target, exclude = [], bins = 4, missing = 'refuse', logTarget } = options;
  const choices = ['--degree', degree, '--method', method, '--loss', loss, '--bins', bins, '--missing', missing].map(
    String,
  );
  const rest = [
    '--intervals',
    'none',
    '--test',
    '0',
    '--folds',
    '2',
    '--threads',
    String(threads),
    '--quiet',
    '--out',
    out,
  ];
  const left = exclude.length > 0 ? ['--exclude', exclude.join(',')] : [];
  return [
    'fit',
    source,
    '--target',
    target,
    ...choices,
    ...left,
    ...(logTarget ? ['--target-transform', 'log'] : []),
    ...rest,
  ];
}

/** A model file without what differs by design: where it came from, and that a source without types has texts for booleans. */
export function outsideProvenance(text: string): string {
  const { provenance: _, checksum: __, ...model } = JSON.parse(text);
  for (const column of model.encoder.columns) if (column.type === 'boolean') column.type = 'text';
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
  const opened = await under.openTable(run.source, { threads: run.threads });
  try {
    const names = table.columns.map(({ name }) => name).filter((name) => name !== target && !exclude.includes(name));
    const mask = Uint8Array.from(reference.target.values, (value) => (Number.isNaN(value) ? 0 : 1));
    const { spec, notes } = under.fitEncoder(await opened.profile(names, { bins, mask }), { missing });
    const booleans = isTyped(run.format) ? table.columns.filter(({ stored }) => stored === 'boolean') : [];
    const encoder = reference.encoder.map((column) =>
      booleans.some(({ name }) => name === column.column) ? { ...column, type: 'boolean' } : column,
    );
    const differences = [
      ...same('the encoder', spec.columns, encoder),
      ...compareDropped(notes.dropped, reference.dropped),
    ];
    if (differences.length > 0) return differences;
    return compareBits(await opened.encode(spec), reference);
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
    .filter(({ reason }, i) => !reason.startsWith(expected[i].reason))
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
    ...same('the encoder in the model', model.encoder.columns, reference.encoder),
    ...compareDropped(model.training.dropped, reference.dropped),
    ...same('the target', [model.target.kind, ...classes], [target.kind, ...target.classes]),
    ...same('rows of the fit', model.training.sampleCount, used.length),
    ...same('missing cells', model.training.missing, reference.missing),
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

interface Expected {
  /** Of every encoded row. */
  readonly values: readonly Float64Array[];
  readonly predictions: readonly Float64Array[];
}

function expectedOf(model: ModelFile, { bits, rows }: Reference): Expected {
  const values = valuesOf(model, bits, rows.length);
  return { values, predictions: predictionsOf(model, values) };
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

async function checkPredictions(
  table: RandomTable,
  model: ModelFile,
  reference: Reference,
  expected: Expected,
  run: Run,
  path: string,
  under: UnderTest,
  folder: string,
): Promise<string[]> {
  const out = join(folder, 'predictions.csv');
  const rest = [path, run.source, '--threads', String(run.threads), '--quiet'];
  const predicted = await under.run(['predict', ...rest, '--keep', 'id', '--out', out]);
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
  differences.push(...comparePredictions(records, reference, expected));
  // Rows with a target are scored, by the chances that were written.
  const used = rows.flatMap((row, i) => (Number.isNaN(target.values[row]) ? [] : [i]));
  const written = expected.predictions.map((_, k) =>
    Float64Array.from(used, (i) => Number(records[rows[i]][target.kind === 'regression' ? 1 : 2 + k])),
  );
  const values = expected.values.map((vector) => Float64Array.from(used, (i) => vector[i]));
  const targets: Target = { ...target, values: Float64Array.from(used, (i) => target.values[rows[i]]) };
  const scored = await under.run(['score', ...rest, '--json']);
  if (scored.code !== 0 || scored.stderr !== '')
    return [...differences, `score says ${JSON.stringify(scored.stderr)}, exit ${scored.code}`];
  const score = JSON.parse(scored.stdout);
  const scale = Math.max(largest(targets.values), 1) ** 2;
  for (const [measure, value] of Object.entries(scoreOf(model, targets, values, written))) {
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
  { folder, root }: Where,
): Promise<string[]> {
  const numbers = reference.encoder.filter(({ type }) => type === 'number').map(({ column }) => column);
  const others = otherRows(table, new Set(numbers));
  const { delimiter, newline, options } = table;
  const expected = encodeMore(delimitedText(others, delimiter, newline), delimiter, reference, options);
  if (expected.rows.every((row) => Number.isNaN(expected.target.values[row]))) return []; // nothing to score
  const place = join(folder, 'others');
  mkdirSync(place);
  const source = (await writeFiles(others, place, [format], root)).get(format) ?? '';
  const run = { format, source, threads };
  const found = await checkPredictions(others, model, expected, expectedOf(model, expected), run, path, under, place);
  return found.map((difference) => `other rows: ${difference}`);
}

/** @param records of the file of predictions: the id, the prediction, a chance for each class */
function comparePredictions(
  records: readonly (readonly string[])[],
  { rows, target }: Reference,
  { predictions }: Expected,
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

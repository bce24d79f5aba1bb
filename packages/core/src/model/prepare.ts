/**
 * From a table to labelled points: which columns are learned from, which rows are set aside for the test (before
 * anything is learned from them, the encoder included), what each row weighs and which rows belong together.
 */
import { createRandom, FewfireError, type RunOptions, unknownColumn } from '../base/index.ts';
import {
  type ColumnProfile,
  DEFAULT_BINS,
  type EncodedRows,
  type EncoderNotes,
  type EncoderSpec,
  fitEncoder,
  type MissingPolicy,
  selectRows,
  type Table,
} from '../cube/index.ts';
import type { TargetSpec } from './model.ts';
import { testTableNotes } from './notes.ts';
import { chooseTarget, readTarget, type Task } from './target.ts';

export interface PrepareOptions extends RunOptions {
  readonly target: string;
  /** What to learn the target as. Default `auto`. */
  readonly task?: Task;
  /** Columns to learn from; by default all but the target, `weight`, `group` and `exclude`. */
  readonly features?: readonly string[];
  readonly exclude?: readonly string[];
  /** Number columns become bins - 1 thresholds at quantiles. Default 4. */
  readonly bins?: number;
  readonly missing?: MissingPolicy;
  readonly positive?: string;
  readonly targetTransform?: 'none' | 'log';
  /** A share of the rows in (0, 1), 0 for no test, or a table of test rows. Default 0.2. */
  readonly test?: number | Table;
  /** A column of numbers, at least 0: how much each row counts, in fits and measures. */
  readonly weight?: string;
  /** A column whose equal values say which rows belong together: they are never split between folds, or fit and test. */
  readonly group?: string;
}

/** Encoded rows with their targets. */
export interface LabelledPoints {
  readonly points: EncodedRows['points'];
  /** As `readTarget` gives it. */
  readonly target: Float64Array;
  /** Their mean over all rows with a target is 1; undefined where every row counts the same. */
  readonly weights: Float64Array | undefined;
  /** Number of the row's group; undefined where rows are independent. */
  readonly clusters: Uint32Array | undefined;
}

/** An encoder and the rows it encodes. */
export interface EncodedData {
  readonly encoder: EncoderSpec;
  readonly data: LabelledPoints;
}

export interface PreparedTable {
  readonly spec: TargetSpec;
  readonly targetProfile: ColumnProfile;
  readonly profiles: readonly ColumnProfile[];
  /** Of every row of the table, NaN where missing. */
  readonly target: Float64Array;
  /** What to learn and choose from: all rows but the test rows, with an encoder that saw no others. */
  readonly training: EncodedData;
  /** The rows set aside, or those of the test table, encoded as the training rows are. */
  readonly test: LabelledPoints | undefined;
  readonly testNotes: readonly string[];
  /** Rows with a target. */
  readonly usableCount: number;
  /** Every row with a target, encoder included; those of `training` when none was set aside. */
  all(): Promise<EncodedData & { readonly notes: EncoderNotes; readonly encoded: EncodedRows }>;
}

/** @throws FewfireError for every kind of input that cannot be learned from; see the codes */
export async function prepareTable(table: Table, options: PrepareOptions): Promise<PreparedTable> {
  const testShare = typeof options.test === 'object' ? 0 : (options.test ?? 0.2);
  if (!(testShare >= 0 && testShare < 1)) {
    throw new FewfireError(
      'invalid-argument',
      `--test is ${testShare}; expected a share of the rows from 0 (no test) to below 1, or a file`,
    );
  }
  const bins = options.bins ?? DEFAULT_BINS;
  if (!Number.isInteger(bins) || bins < 2 || bins > 64) {
    throw new FewfireError('invalid-argument', `--bins is ${bins}; expected a whole number from 2 to 64`);
  }
  const features = featureNames(table, options);
  const [targetProfile] = await table.profile([options.target], options);
  const spec = chooseTarget(targetProfile, {
    task: options.task,
    positive: options.positive,
    transform: options.targetTransform,
  });
  const target = await readTarget(table, spec, options);
  refuseMissingTarget(target, spec, options.missing);
  const usable = Uint32Array.from(Array.from(target.keys()).filter((row) => !Number.isNaN(target[row])));
  const labels: RowLabels = {
    target,
    weights: options.weight === undefined ? undefined : await readWeights(table, options.weight, usable, options),
    clusters: options.group === undefined ? undefined : await readGroups(table, options.group, usable, options),
  };
  const isTest = testRows(usable, table.rowCount, testShare, labels.clusters, options.seed ?? 1);
  const testCount = isTest.reduce((sum, flag) => sum + flag, 0);
  const trainingMask = Uint8Array.from(isTest, (flag, row) => (flag === 0 && !Number.isNaN(target[row]) ? 1 : 0));

  // Missing cells are refused here, by counts over the whole table; quantiles for the test's encoder come from its own rows.
  const profiles = await table.profile(features, {
    ...options,
    bins,
    mask: Uint8Array.from(target, (value) => (Number.isNaN(value) ? 0 : 1)),
  });
  const whole = fitEncoder(profiles, { missing: options.missing, keep: options.features });
  const encoder =
    testCount === 0
      ? whole.spec
      : fitEncoder(await table.profile(features, { ...options, bins, mask: trainingMask }), {
          missing: options.missing,
          keep: options.features,
        }).spec;
  const encoded = await table.encode(encoder, options);
  const training = { encoder, data: pickRows(encoded, labels, (row) => trainingMask[row] === 1) };
  const testNotes: string[] = [];
  const test =
    typeof options.test === 'object'
      ? await encodedTestTable(options.test, encoder, spec, options, testNotes)
      : testCount > 0
        ? pickRows(encoded, labels, (row) => isTest[row] === 1)
        : undefined;
  return {
    spec,
    targetProfile,
    profiles,
    target,
    training,
    test,
    testNotes,
    usableCount: usable.length,
    async all() {
      if (testCount === 0) return { ...training, notes: whole.notes, encoded };
      const rows = await table.encode(whole.spec, options);
      const data = pickRows(rows, labels, (row) => !Number.isNaN(target[row]));
      return { encoder: whole.spec, data, notes: whole.notes, encoded: rows };
    },
  };
}

function featureNames(table: Table, options: PrepareOptions): string[] {
  const names = table.columns.map((column) => column.name);
  const special = [options.target, options.weight, options.group].filter((name) => name !== undefined);
  for (const name of [...special, ...(options.features ?? []), ...(options.exclude ?? [])]) {
    if (!names.includes(name)) throw unknownColumn(name, names, table.label);
  }
  if (options.weight === options.target || options.group === options.target) {
    throw new FewfireError(
      'invalid-argument',
      `${options.weight === options.target ? '--weight' : '--group'} names the target ${JSON.stringify(options.target)}; expected another column`,
    );
  }
  const wrong = options.features?.find((name) => special.includes(name));
  if (wrong !== undefined) {
    const what = wrong === options.target ? 'target' : wrong === options.weight ? 'weights' : 'groups';
    throw new FewfireError(
      'invalid-argument',
      `--features names the ${what} ${JSON.stringify(wrong)}; ${wrong === options.target ? 'a target cannot be learned from itself' : 'leave it out of one of them'}`,
    );
  }
  const left = new Set([...special, ...(options.exclude ?? [])]);
  const features = (options.features ?? names).filter((name) => !left.has(name));
  if (features.length === 0) {
    throw new FewfireError(
      'invalid-argument',
      `no column is left to learn ${JSON.stringify(options.target)} from; expected at least one besides the target and --exclude`,
    );
  }
  return features;
}

function refuseMissingTarget(target: Float64Array, spec: TargetSpec, missing: MissingPolicy | undefined): void {
  const count = target.reduce((sum, value) => sum + (Number.isNaN(value) ? 1 : 0), 0);
  if (count > 0 && missing !== 'drop-rows') {
    throw new FewfireError(
      'missing-values',
      `target ${JSON.stringify(spec.column)} is missing in ${count} of ${target.length} rows; expected a value in every row: choose --missing drop-rows or remove these rows`,
    );
  }
}

/** One entry per row of the table. */
interface RowLabels {
  readonly target: Float64Array;
  readonly weights: Float64Array | undefined;
  readonly clusters: Uint32Array | undefined;
}

// Scaled to a mean of 1 over the usable rows, so that a penalty means the same whatever unit the weights are in.
async function readWeights(
  table: Table,
  column: string,
  usable: Uint32Array,
  options: RunOptions,
): Promise<Float64Array> {
  const weights = await table.numbers(column, options);
  let sum = 0;
  for (const row of usable) {
    if (!(weights[row] >= 0)) {
      const found = Number.isNaN(weights[row]) ? 'missing' : String(weights[row]);
      throw new FewfireError(
        'invalid-data',
        `weight ${JSON.stringify(column)} is ${found} in row ${row + 1} of ${table.label}; expected a number in every row, at least 0`,
      );
    }
    sum += weights[row];
  }
  if (!(sum > 0 && Number.isFinite(sum))) {
    throw new FewfireError(
      'invalid-data',
      `the weights ${JSON.stringify(column)} of ${table.label} add up to ${sum}; expected a finite sum above 0`,
    );
  }
  return weights.map((weight) => (weight * usable.length) / sum);
}

async function readGroups(
  table: Table,
  column: string,
  usable: Uint32Array,
  options: RunOptions,
): Promise<Uint32Array> {
  const texts = await table.texts(column, options);
  const numbers = new Map<string, number>();
  const clusters = new Uint32Array(texts.length);
  for (const row of usable) {
    const text = texts[row];
    if (text === null) {
      throw new FewfireError(
        'missing-values',
        `group ${JSON.stringify(column)} is missing in row ${row + 1} of ${table.label}; expected a value in every row: fill it in or remove these rows`,
      );
    }
    const known = numbers.get(text);
    clusters[row] = known ?? numbers.size;
    if (known === undefined) numbers.set(text, numbers.size);
  }
  return clusters;
}

// Flags of the rows set aside: a random share of them, or random groups until they make up the share.
function testRows(
  usable: Uint32Array,
  rowCount: number,
  share: number,
  clusters: Uint32Array | undefined,
  seed: number,
): Uint8Array {
  const wanted = Math.round(share * usable.length);
  const isTest = new Uint8Array(rowCount);
  let count = 0;
  if (clusters === undefined) {
    const order = createRandom(seed).permutation(usable.length);
    for (; count < wanted; count++) isTest[usable[order[count]]] = 1;
  } else {
    const groups: number[][] = [];
    for (const row of usable) {
      groups[clusters[row]] ??= [];
      groups[clusters[row]].push(row);
    }
    for (const g of createRandom(seed).permutation(groups.length)) {
      if (count >= wanted) break;
      for (const row of groups[g]) isTest[row] = 1;
      count += groups[g].length;
    }
  }
  if (share > 0 && (count === 0 || count === usable.length)) {
    const what = clusters === undefined ? 'rows' : 'rows in whole groups';
    throw new FewfireError(
      'invalid-argument',
      `--test ${share} of ${usable.length} ${what} leaves ${count} test rows; expected at least one on each side: choose another share`,
    );
  }
  return isTest;
}

function pickRows(encoded: EncodedRows, labels: RowLabels, keep: (row: number) => boolean): LabelledPoints {
  const { points, rows } = encoded;
  const positions: number[] = [];
  for (let i = 0; i < points.rowCount; i++) if (keep(rows === undefined ? i : rows[i])) positions.push(i);
  if (positions.length === 0) {
    throw new FewfireError(
      'missing-values',
      'no row is left: every row has a missing value somewhere; choose --missing indicator, or --exclude the columns that are mostly missing',
    );
  }
  const original = positions.map((i) => (rows === undefined ? i : rows[i]));
  const { target, weights, clusters } = labels;
  return {
    points: positions.length === points.rowCount ? points : selectRows(points, Uint32Array.from(positions)),
    target: Float64Array.from(original, (row) => target[row]),
    weights: weights === undefined ? undefined : Float64Array.from(original, (row) => weights[row]),
    clusters: clusters === undefined ? undefined : Uint32Array.from(original, (row) => clusters[row]),
  };
}

// `notes` is told what the test table has that the training rows did not, and which of its rows are not used.
async function encodedTestTable(
  table: Table,
  encoder: EncoderSpec,
  spec: TargetSpec,
  options: PrepareOptions,
  notes: string[],
): Promise<LabelledPoints> {
  const target = await readTarget(table, spec, options);
  const usable = Uint32Array.from(Array.from(target.keys()).filter((row) => !Number.isNaN(target[row])));
  const labels: RowLabels = {
    target,
    weights: options.weight === undefined ? undefined : await readWeights(table, options.weight, usable, options),
    clusters: options.group === undefined ? undefined : await readGroups(table, options.group, usable, options),
  };
  const encoded = await table.encode(encoder, options);
  const data = pickRows(encoded, labels, (row) => !Number.isNaN(target[row]));
  notes.push(...testTableNotes(encoded, table.rowCount, data.target.length));
  return data;
}

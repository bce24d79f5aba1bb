/**
 * From a table to labelled points: which columns are learned from, which rows are set aside for the test (before
 * anything is learned from them, the encoder included), what each row weighs and which rows belong together.
 */
import {
  drawOrder,
  drawParts,
  FewfireError,
  type FitOptionValues,
  listNames,
  MOST_BINS,
  pickKeys,
  pickNumbers,
  pickWholes,
  type RowKeys,
  type RunOptions,
  unknownColumn,
} from '../base/index.ts';
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
import { checkRowMemory } from '../learn/index.ts';
import type { TargetSpec } from './model.ts';
import { groupedTestNotes, groupsNotes, missingTextsNotes, type Note, testTableNotes, weightsNotes } from './notes.ts';
import { checkOverlap, duplicateNotes } from './overlap.ts';
import { type RowLabels, readLabels, refuseFewWeights, weighingRows } from './row-labels.ts';
import { chooseTarget, readTarget } from './target.ts';

/** The options of a fit that say what is learned from what. */
export interface PrepareOptions extends RunOptions, Omit<FitOptionValues, 'seed'> {
  /** A share of the rows in (0, 1), 0 for no test, or a table of test rows. Default 0.2. */
  readonly test?: number | Table;
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
  /** The rows' names in the table; undefined where they are the places here. */
  readonly rowKeys: RowKeys | undefined;
  /** As in `RowLabels`. */
  readonly clusterKeys: Float64Array | undefined;
}

/** An encoder and the rows it encodes. */
export interface EncodedData {
  readonly encoder: EncoderSpec;
  readonly data: LabelledPoints;
}

export interface PreparedTable {
  /** The rows that count: all but those of weight 0. */
  readonly table: Table;
  readonly spec: TargetSpec;
  readonly targetProfile: ColumnProfile;
  readonly profiles: readonly ColumnProfile[];
  /** Of every row of `table`, NaN where missing. */
  readonly target: Float64Array;
  readonly testNotes: readonly Note[];
  /** Rows of a test table that equal a fitted row in every column; undefined without one, or where it could not be found out. */
  readonly testOverlap: number | undefined;
  /** Rows with a target. */
  readonly usableCount: number;
  /** What to know of how cells were read, of rows left out, of the weights and groups. */
  readonly rowNotes: readonly Note[];
  /** Whether rows were set aside, which `all` has besides the training rows. */
  readonly setsAside: boolean;
  /** What to learn and choose from: all rows but the test rows, with an encoder that saw no others. Until `all` is asked for. */
  training(): EncodedData;
  /** The rows set aside, or those of the test table, encoded as the training rows are. Until `all` is asked for. */
  test(): LabelledPoints | undefined;
  /**
   * Every row with a target, encoder included; those of `training` when none was set aside. Lets go of the training and
   * test rows, which are the most that a fit holds.
   */
  all(): Promise<EncodedData & { readonly notes: EncoderNotes }>;
}

/** @throws FewfireError for every kind of input that cannot be learned from; see the codes */
export async function prepareTable(source: Table, options: PrepareOptions): Promise<PreparedTable> {
  const testShare = typeof options.test === 'object' ? 0 : (options.test ?? 0.2);
  if (!(testShare >= 0 && testShare < 1)) {
    throw new FewfireError(
      'invalid-argument',
      `\`test\` is ${testShare}; expected a share of the rows from 0 (no test) to below 1, or a file`,
    );
  }
  const bins = options.bins ?? (hasManyCuts(options) ? MOST_BINS : DEFAULT_BINS);
  const features = featureNames(source, options);
  const { table, zeroCount } = await weighingRows(source, options, options);
  if (options.weight !== undefined && zeroCount > 0) {
    refuseFewWeights(options.weight, source.label, table.rowCount, zeroCount, undefined);
  }
  const [targetProfile] = await table.profile([options.target], options);
  // Nobody waits for the other columns, and nothing is kept of the rows, where there is no room for a fit.
  // (How many rows are left where those with missing cells are dropped is known later.)
  if (options.missing !== 'drop-rows') {
    checkRowMemory(targetProfile.rowCount - targetProfile.missingCount, options);
  }
  const spec = chooseTarget(targetProfile, {
    task: options.task,
    positive: options.positive,
    transform: options.targetTransform,
  });
  const target = await readTarget(table, spec, options);
  const missingTargets = countMissingTargets(target, spec, options.missing);
  const { usable, ...labels } = await readLabels(table, target, options, options);
  const rowNotes = groupsNotes(options, labels, usable);
  if (missingTargets > 0) {
    rowNotes.push({ kind: 'missing-targets', column: spec.column, count: missingTargets, rowCount: target.length });
  }
  if (options.weight !== undefined) {
    const usableWeights = labels.weights && pickNumbers(labels.weights, usable);
    if (usableWeights !== undefined) {
      refuseFewWeights(options.weight, source.label, usable.length, zeroCount, usableWeights);
    }
    rowNotes.push(...weightsNotes(options.weight, usable.length, zeroCount, usableWeights));
  }
  const isTest = testRows(table, usable, labels, testShare, options.seed ?? 1);
  if (options.weight !== undefined) refuseLopsidedTest(options.weight, isTest, usable, labels.weights);
  const testCount = isTest.reduce((sum, flag) => sum + flag, 0);
  if (options.group !== undefined && testShare > 0) {
    rowNotes.push(...groupedTestNotes(options.group, testCount, testShare, usable.length));
  }
  // Missing cells are refused here, by counts over the whole table; quantiles for the test's encoder come from its own rows.
  const profiles = await table.profile(features, {
    ...options,
    bins,
    mask: rowMask(target.length, (row) => !Number.isNaN(target[row])),
  });
  rowNotes.push(...missingTextsNotes([...profiles, targetProfile]));
  const encoding = { missing: options.missing, keep: options.features, missingValues: table.rules.missingValues };
  refuseOtherNumbers(table, [...profiles, targetProfile]);
  const whole = fitEncoder(profiles, encoding);
  let sides: Sides | undefined = await readSides(
    {
      ...{ table, spec, labels, isTest, testCount, profiles, whole: whole.spec },
      fit: async (mask) => fitEncoder(await table.profile(features, { ...options, bins, mask }), encoding).spec,
    },
    options,
  );
  const { testNotes, testOverlap } = sides;
  const held = (): Sides => {
    if (sides === undefined) throw new Error('the training rows were let go of');
    return sides;
  };
  return {
    ...{ table, rowNotes, spec, targetProfile, profiles, target, testNotes, testOverlap },
    usableCount: usable.length,
    setsAside: testCount > 0,
    training: () => held().training,
    test: () => held().test,
    async all() {
      const { training } = held();
      sides = undefined;
      if (testCount === 0) return { ...training, notes: whole.notes };
      const encoded = await table.encode(whole.spec, options);
      const data = pickRows(table, encoded, labels, (row) => !Number.isNaN(target[row]));
      return { encoder: whole.spec, data, notes: whole.notes };
    },
  };
}

/** The rows of the fit in two: those to learn from and those to test with. */
interface Sides {
  readonly training: EncodedData;
  readonly test: LabelledPoints | undefined;
  readonly testNotes: readonly Note[];
  readonly testOverlap: number | undefined;
}

interface SidesOf {
  readonly table: Table;
  readonly spec: TargetSpec;
  readonly labels: RowLabels;
  /** Flags of the rows set aside. */
  readonly isTest: Uint8Array;
  readonly testCount: number;
  readonly profiles: readonly ColumnProfile[];
  /** What the training rows are encoded by where no rows are set aside. */
  readonly whole: EncoderSpec;
  /** The encoder of these rows. */
  readonly fit: (mask: Uint8Array) => Promise<EncoderSpec>;
}

async function readSides(
  { table, spec, labels, isTest, testCount, profiles, whole, fit }: SidesOf,
  options: PrepareOptions,
): Promise<Sides> {
  const { target } = labels;
  const isTraining = rowMask(target.length, (row) => isTest[row] === 0 && !Number.isNaN(target[row]));
  const encoder = testCount === 0 ? whole : await fit(isTraining);
  const encoded = await table.encode(encoder, options);
  const training = { encoder, data: pickRows(table, encoded, labels, (row) => isTraining[row] === 1) };
  const testNotes: Note[] = [];
  if (typeof options.test === 'object') {
    const learned = [spec.column, ...encoder.columns.map(({ column }) => column)];
    const { sharedCount, notes } = await checkOverlap(table, options.test, learned, options);
    testNotes.push(...notes);
    const test = await encodedTestTable(options.test, encoder, spec, options, testNotes);
    return { training, test, testNotes, testOverlap: sharedCount };
  }
  if (testCount > 0) testNotes.push(...(await duplicateNotes(table, isTest, profiles, options)));
  const test = testCount > 0 ? pickRows(table, encoded, labels, (row) => isTest[row] === 1) : undefined;
  return { training, test, testNotes, testOverlap: undefined };
}

function rowMask(rowCount: number, isIn: (row: number) => boolean): Uint8Array {
  const mask = new Uint8Array(rowCount);
  for (let row = 0; row < rowCount; row++) if (isIn(row)) mask[row] = 1;
  return mask;
}

/** What `auto` stands for. */
export function learnerOf({
  method = 'auto',
  hierarchy = 'none',
}: Pick<FitOptionValues, 'method' | 'hierarchy'>): Exclude<FitOptionValues['method'], 'auto' | undefined> {
  // Only the lasso has one.
  return method === 'auto' ? (hierarchy === 'none' ? 'stacking' : 'low-degree') : method;
}

/** Whether a learner looks at a column as a whole, and so is not troubled by many cuts of it. */
export function hasManyCuts(options: Pick<FitOptionValues, 'method' | 'hierarchy'>): boolean {
  return ['stacking', 'boosting'].includes(learnerOf(options));
}

function featureNames(table: Table, options: PrepareOptions): string[] {
  const names = table.columns.map((column) => column.name);
  const special = [options.target, options.weight, options.group].filter((name) => name !== undefined);
  const { text = [], number = [] } = table.rules;
  for (const name of [...special, ...(options.features ?? []), ...(options.exclude ?? []), ...text, ...number]) {
    if (!names.includes(name)) throw unknownColumn(name, names, table.label);
  }
  if (options.weight === options.target || options.group === options.target) {
    throw new FewfireError(
      'invalid-argument',
      `${options.weight === options.target ? '`weight`' : '`group`'} names the target ${JSON.stringify(options.target)}; expected another column`,
    );
  }
  const wrong = options.features?.find((name) => special.includes(name));
  if (wrong !== undefined) {
    const what = wrong === options.target ? 'target' : wrong === options.weight ? 'weights' : 'groups';
    throw new FewfireError(
      'invalid-argument',
      `\`features\` names the ${what} ${JSON.stringify(wrong)}; ${wrong === options.target ? 'a target cannot be learned from itself' : 'leave it out of one of them'}`,
    );
  }
  const left = new Set([...special, ...(options.exclude ?? [])]);
  const features = (options.features ?? names).filter((name) => !left.has(name));
  if (features.length === 0) {
    throw new FewfireError(
      'invalid-argument',
      `no column is left to learn ${JSON.stringify(options.target)} from; expected at least one besides the target and \`exclude\``,
    );
  }
  return features;
}

// Columns that were said to hold numbers do.
function refuseOtherNumbers({ label, rules }: Table, profiles: readonly ColumnProfile[]): void {
  const wrong = profiles.find(
    ({ name, type, form }) => form !== undefined && type !== 'number' && rules.number?.includes(name) === true,
  );
  if (wrong === undefined) return;
  const odd = wrong.form?.mostly?.odd ?? wrong.values.map(({ value }) => value);
  throw new FewfireError(
    'invalid-data',
    `column ${JSON.stringify(wrong.name)} of ${label} is in \`number\` and holds ${listNames(odd, 3)}; expected numbers in every cell: say with \`missingValues\` which texts are missing, or with \`decimal\` what the decimal mark is`,
  );
}

function countMissingTargets(target: Float64Array, spec: TargetSpec, missing: MissingPolicy | undefined): number {
  const count = target.reduce((sum, value) => sum + (Number.isNaN(value) ? 1 : 0), 0);
  if (count > 0 && missing === 'refuse') {
    throw new FewfireError(
      'missing-values',
      `target ${JSON.stringify(spec.column)} is missing in ${count} of ${target.length} rows; expected a value in every row: leave out \`missing: 'refuse'\` or remove these rows`,
    );
  }
  return count;
}

// Flags of the rows set aside: a random share of them; or random groups, each that still fits in the share, and one that
// does not where it brings their number nearer to it or nothing else did.
function testRows(
  table: Table,
  usable: Uint32Array,
  { clusters, clusterKeys }: Omit<RowLabels, 'target'>,
  share: number,
  seed: number,
): Uint8Array {
  const draw = { purpose: 'test', seed } as const;
  const wanted = Math.round(share * usable.length);
  const isTest = new Uint8Array(table.rowCount);
  let count = 0;
  if (clusters === undefined) {
    const partOf = drawParts(draw, [wanted, usable.length - wanted], pickKeys(table.rowKeys, usable));
    usable.forEach((row, i) => {
      isTest[row] = Number(partOf[i] === 0);
    });
    count = wanted;
  } else {
    const groups: number[][] = [];
    for (const row of usable) {
      groups[clusters[row]] ??= [];
      groups[clusters[row]].push(row);
    }
    const order = Array.from(drawOrder(draw, clusterKeys as Float64Array), (g) => groups[g]);
    const take = (group: readonly number[]): void => {
      for (const row of group) isTest[row] = 1;
      count += group.length;
    };
    // At least half of the groups stay, or there is nothing to make folds of.
    let left = Math.max(1, Math.floor(Math.max(0.5, share) * order.length));
    const others: number[][] = [];
    for (const group of order) {
      if (left === 0 || group.length > wanted - count) others.push(group);
      else {
        take(group);
        left--;
      }
    }
    const rest = wanted - count;
    const away = (group: readonly number[]): number => Math.abs(group.length - rest);
    const nearest = others.reduce<number[] | undefined>(
      (best, group) => (best === undefined || away(group) < away(best) ? group : best),
      undefined,
    );
    if (nearest !== undefined && wanted > 0 && left > 0 && (count === 0 || away(nearest) < rest)) take(nearest);
  }
  if (share > 0 && (count === 0 || count === usable.length)) {
    const what = clusters === undefined ? 'rows' : 'rows in whole groups';
    throw new FewfireError(
      'invalid-argument',
      `\`test: ${share}\` of ${usable.length} ${what} leaves ${count} test rows; expected at least one on each side: choose another share`,
    );
  }
  return isTest;
}

/** With less than this share of the weight on one side there is nothing to fit, or to test with. */
const LEAST_WEIGHT = 1e-6;

function refuseLopsidedTest(
  column: string,
  isTest: Uint8Array,
  usable: Uint32Array,
  weights: Float64Array | undefined,
): void {
  const tested = usable.filter((row) => isTest[row] === 1);
  if (weights === undefined || tested.length === 0) return;
  const share = tested.reduce((sum, row) => sum + weights[row], 0) / usable.length;
  if (share >= LEAST_WEIGHT && share <= 1 - LEAST_WEIGHT) return;
  throw new FewfireError(
    'invalid-data',
    `the ${tested.length} test rows have ${share < 0.5 ? 'next to nothing' : 'next to all'} of the weight in ${JSON.stringify(column)}; expected weight on both sides: choose another \`seed\` or \`test\`, or check the column`,
  );
}

function pickRows(
  table: Table,
  encoded: EncodedRows,
  labels: RowLabels,
  keep: (row: number) => boolean,
): LabelledPoints {
  const { points, rows } = encoded;
  const places = new Uint32Array(points.rowCount);
  let count = 0;
  for (let i = 0; i < points.rowCount; i++) if (keep(rows === undefined ? i : rows[i])) places[count++] = i;
  const positions = places.subarray(0, count);
  if (count === 0) {
    throw new FewfireError(
      'missing-values',
      "no row is left: every row has a missing value somewhere; leave out `missing: 'drop-rows'`, or `exclude` the columns that are mostly missing",
    );
  }
  const original = rows === undefined ? positions : pickWholes(rows, positions);
  const { target, weights, clusters, clusterKeys } = labels;
  const isWhole = original.length === table.rowCount;
  if (isWhole) return { points, target, weights, clusters, rowKeys: table.rowKeys, clusterKeys };
  return {
    points: count === points.rowCount ? points : selectRows(points, positions),
    target: pickNumbers(target, original),
    weights: weights === undefined ? undefined : pickNumbers(weights, original),
    clusters: clusters === undefined ? undefined : pickWholes(clusters, original),
    rowKeys: pickKeys(table.rowKeys, original.slice()),
    clusterKeys,
  };
}

// `notes` is told what the test table has that the training rows did not, and which of its rows are not used.
async function encodedTestTable(
  source: Table,
  encoder: EncoderSpec,
  spec: TargetSpec,
  options: PrepareOptions,
  notes: Note[],
): Promise<LabelledPoints> {
  const { table, zeroCount } = await weighingRows(source, options, options);
  const target = await readTarget(table, spec, options);
  const labels = await readLabels(table, target, options, options);
  const encoded = await table.encode(encoder, options);
  const data = pickRows(table, encoded, labels, (row) => !Number.isNaN(target[row]));
  notes.push(...testTableNotes(encoded, table.rowCount, data.target.length));
  if (zeroCount > 0) notes.push({ kind: 'test-zero-weights', count: zeroCount, rowCount: source.rowCount });
  return data;
}

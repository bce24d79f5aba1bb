/**
 * Rows of a table as an imported model reads them: by the columns that it was trained on, so that nobody has to answer its
 * questions by hand. Cells are numbers, rounded as the source rounds them; an empty cell or NaN is a missing value, which
 * goes where the trees send it; true and false are 1 and 0. Only columns that some tree asks for are read.
 */
import { checkRunOptions, closestName, FewfireError, listNames, type RunOptions } from '../base/index.ts';
import {
  type CubePoints,
  createCubePoints,
  cubePointsBytes,
  type RowRange,
  repeatedNames,
  type Table,
} from '../cube/index.ts';
import { answerFeature, askedFeatures, refuseBytes, type TreeModel } from './tree-ensemble.ts';

/** Where the features of a model are in a table. */
export interface TreeColumns {
  /** Column of each feature; undefined where no tree asks for it. */
  readonly columns: readonly (string | undefined)[];
  /** The model has no names of its own, and the columns were taken in their order. */
  readonly isByOrder: boolean;
}

/**
 * Finds the columns of a model's features: by name or, where the model has no names and the table as many columns as it
 * has features, by order.
 * @throws FewfireError `invalid-data` naming those that are not there
 * @example
 * ```ts
 * import { importTreeModel, memoryTable, treeColumns } from '@fewfire/core';
 *
 * // One tree: 1 below an age of 40, else 3; as XGBoost's save_model('model.json') writes it.
 * const tree = {
 *   tree_param: { size_leaf_vector: '0' },
 *   left_children: [1, -1, -1],
 *   right_children: [2, -1, -1],
 *   split_indices: [0, 0, 0],
 *   split_conditions: [40, 1, 3],
 *   default_left: [0, 0, 0],
 * };
 * const learner = {
 *   feature_names: ['age'],
 *   objective: { name: 'reg:squarederror' },
 *   learner_model_param: { num_feature: '1', num_class: '0', base_score: '0' },
 *   gradient_booster: { name: 'gbtree', model: { tree_info: [0], iteration_indptr: [0, 1], trees: [tree] } },
 * };
 * const file = new TextEncoder().encode(JSON.stringify({ learner, version: [2, 1, 0] }));
 * const model = importTreeModel(file);
 * console.log(treeColumns(model, memoryTable({ name: ['a'], age: [25] })).columns); // [ 'age' ]
 * ```
 */
export function treeColumns(model: TreeModel, table: Table, label = 'the model'): TreeColumns {
  const { features } = model;
  const asked = askedFeatures(model);
  const names = table.columns.map(({ name }) => name);
  const columnOfName = namesToColumns(
    features.map(({ name }) => name),
    names,
  );
  const lacking = [...asked.keys()].map((f) => features[f].name).filter((name) => !columnOfName.has(name));
  const isUnnamed = features.every(({ name }, f) => name === `f${f}`);
  const isByOrder = lacking.length > 0 && isUnnamed && names.length === features.length;
  if (lacking.length > 0 && !isByOrder) {
    throw new FewfireError(
      'invalid-data',
      `${table.label} lacks ${lacking.length} of the ${asked.size} columns that the trees of ${label} ask for: ${listNames(lacking)}; ${hint(lacking, names, isUnnamed, features.length)}`,
    );
  }
  const columnOf = (f: number): string | undefined => (isByOrder ? names[f] : columnOfName.get(features[f].name));
  return { columns: features.map((_, f) => (asked.has(f) ? columnOf(f) : undefined)), isByOrder };
}

// The column of each feature that has one: the one of its name, or else, as a CSV header loses the blanks around a name
// and others keep them, the only one that is the same without, if no other feature is.
function namesToColumns(features: readonly string[], columns: readonly string[]): ReadonlyMap<string, string> {
  const trimmedOnce = (names: readonly string[]): ReadonlyMap<string, string> => {
    const twice = new Set(repeatedNames(names.map((name) => name.trim())));
    return new Map(names.filter((name) => !twice.has(name.trim())).map((name) => [name.trim(), name]));
  };
  const present = new Set(columns);
  const [onlyFeature, onlyColumn] = [trimmedOnce(features), trimmedOnce(columns)];
  return new Map(
    features.flatMap((name) => {
      const other = onlyFeature.has(name.trim()) ? onlyColumn.get(name.trim()) : undefined;
      const column = present.has(name) ? name : other;
      return column === undefined ? [] : [[name, column] as const];
    }),
  );
}

function hint(lacking: readonly string[], names: readonly string[], isUnnamed: boolean, featureCount: number): string {
  if (isUnnamed) {
    return `the model has no names of its features: leave only its ${featureCount} columns, in its order, or import it with \`features\` and their names`;
  }
  const close = lacking.length === 1 ? closestName(lacking[0], names) : undefined;
  if (close !== undefined) return `is ${JSON.stringify(close)} the same column? rename it`;
  return `expected the columns that the model was trained on; these are ${listNames(names)}`;
}

/**
 * Rows of a table as points over `model.coordinates`.
 * @throws FewfireError `invalid-data` for a cell that is no number, or a boolean feature that is neither 0 nor 1;
 *   `missing-values` where the model was imported without; `memory-budget`
 * @example
 * ```ts
 * import {
 *   encodeTreeTable,
 *   importTreeModel,
 *   memoryTable,
 *   predictTrees,
 *   treeColumns,
 * } from '@fewfire/core';
 *
 * // One tree: 1 below an age of 40, else 3; as XGBoost's save_model('model.json') writes it.
 * const tree = {
 *   tree_param: { size_leaf_vector: '0' },
 *   left_children: [1, -1, -1],
 *   right_children: [2, -1, -1],
 *   split_indices: [0, 0, 0],
 *   split_conditions: [40, 1, 3],
 *   default_left: [0, 0, 0],
 * };
 * const learner = {
 *   feature_names: ['age'],
 *   objective: { name: 'reg:squarederror' },
 *   learner_model_param: { num_feature: '1', num_class: '0', base_score: '0' },
 *   gradient_booster: { name: 'gbtree', model: { tree_info: [0], iteration_indptr: [0, 1], trees: [tree] } },
 * };
 * const file = new TextEncoder().encode(JSON.stringify({ learner, version: [2, 1, 0] }));
 * const model = importTreeModel(file);
 * const table = memoryTable({ age: [25, 60] });
 * const points = await encodeTreeTable(model, table, treeColumns(model, table));
 * console.log((await predictTrees(model, points)).values[0]); // Float64Array(2) [ 1, 3 ]
 * ```
 */
export async function encodeTreeTable(
  model: TreeModel,
  table: Table,
  read: TreeColumns,
  options: RunOptions & { readonly range?: RowRange } = {},
): Promise<CubePoints> {
  checkRunOptions('encodeTreeTable', options, { range: 'object' });
  const { columns } = read;
  const range = options.range ?? { firstRow: 0, endRow: table.rowCount };
  const rowCount = range.endRow - range.firstRow;
  const bytes = cubePointsBytes(rowCount, model.coordinates.length) + 8 * rowCount;
  refuseBytes(bytes, options.memoryLimitBytes, `${rowCount.toLocaleString('en-US')} encoded rows`);
  const points = createCubePoints(rowCount, model.coordinates.length);
  let done = 0;
  for (const [feature, asked] of askedFeatures(model)) {
    options.signal?.throwIfAborted();
    const { onProgress, ...quiet } = options;
    const isCategory = asked.some((c) => model.coordinates[c].comparison === 'in');
    const column = await readFeature(table, columns[feature] as string, isCategory, { ...quiet, range });
    answerFeature(model, points, asked, column, range.firstRow + 1);
    onProgress?.({ phase: 'reading columns', done: ++done, total: columns.length, unit: 'steps' });
  }
  return points;
}

async function readFeature(
  table: Table,
  name: string,
  isCategory: boolean,
  options: RunOptions & { readonly range: RowRange },
): Promise<Float64Array> {
  try {
    return await table.numbers(name, options);
  } catch (error) {
    if (!(error instanceof FewfireError) || error.code !== 'invalid-data') throw error;
    const cells = await table.texts(name, options);
    const answers = readAnswers(cells) ?? readWithNaN(cells);
    if (answers !== undefined) return answers;
    const about = isCategory
      ? 'the model knows categories by their numbers only (the codes of a pandas category); give these'
      : 'the model was trained on numbers; give what it was trained on';
    throw new FewfireError('invalid-data', `${error.message} (${about})`, { cause: error });
  }
}

const YES: ReadonlySet<string> = new Set(['true', 'yes']);
const NO: ReadonlySet<string> = new Set(['false', 'no']);

// Yes and no, in words, in every cell that has something.
function readAnswers(cells: readonly (string | null)[]): Float64Array | undefined {
  const numbers = new Float64Array(cells.length);
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i]?.trim().toLowerCase();
    if (cell === undefined) numbers[i] = Number.NaN;
    else if (YES.has(cell)) numbers[i] = 1;
    else if (!NO.has(cell)) return undefined;
  }
  return numbers;
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

// Numbers among which some are NaN, as a column of doubles may have them.
function readWithNaN(cells: readonly (string | null)[]): Float64Array | undefined {
  const numbers = new Float64Array(cells.length);
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i]?.trim() ?? 'nan';
    const isNumber = NUMBER.test(cell);
    if (!isNumber && cell.toLowerCase() !== 'nan') return undefined;
    numbers[i] = isNumber ? Number(cell) : Number.NaN;
  }
  return numbers;
}

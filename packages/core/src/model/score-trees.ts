/**
 * Scoring imported trees on a table whose targets are known, beside the best constant. The constant is that of these rows,
 * because what the trees were trained on is not in their file: it is the harder one to beat.
 */
import { checkRunOptions, FewfireError, listNames, type RunOptions, unknownColumn } from '../base/index.ts';
import { rowRanges, type Table } from '../cube/index.ts';
import { areaUnderCurve, meanSquaredError, rSquared, surprise } from '../learn/index.ts';
import { encodeTreeTable, predictTrees, type TreeColumns, type TreeModel, treeColumns } from '../network/index.ts';

/** How a trained model does on a table. */
export interface TreeScore {
  readonly task: 'regression' | 'classes';
  readonly target: string;
  readonly sampleCount: number;
  /** Rows without a target. */
  readonly skippedRowCount: number;
  /** Of numbers, in the target's units. */
  readonly mse?: number;
  /** null where the targets do not vary. */
  readonly r2?: number | null;
  /** Of classes. */
  readonly accuracy?: number;
  /** Of two classes; null where one is missing. */
  readonly auc?: number | null;
  /** null where the model gives no probabilities. */
  readonly logLoss?: number | null;
  /** The same of the best constant for these rows. */
  readonly baseline: { readonly mse?: number; readonly accuracy?: number; readonly logLoss?: number };
  readonly columns: TreeColumns;
}

/**
 * How a trained model of trees does on the rows of a table that have a target.
 * @param target column with the numbers, or the classes as the model calls them (true and false are 1 and 0)
 * @throws FewfireError as `encodeTreeTable`; `unknown-column`; `invalid-data` for classes that the model does not have or
 *   no row with a target; `unsupported` for a model of several numbers
 * @example
 * ```ts
 * import { importTreeModel, memoryTable, scoreTrees } from '@fewfire/core';
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
 * const { mse } = await scoreTrees(model, memoryTable({ age: [25, 60], pay: [1, 4] }), 'pay');
 * console.log(mse); // 0.5
 * ```
 */
export async function scoreTrees(
  model: TreeModel,
  table: Table,
  target: string,
  options: RunOptions & { readonly label?: string } = {},
): Promise<TreeScore> {
  checkRunOptions('scoreTrees', options, { label: 'string' });
  const { onProgress, label, ...quiet } = options;
  if (model.classes === null && model.outputs.length > 1) {
    throw new FewfireError(
      'unsupported',
      `the model has ${model.outputs.length} outputs, ${listNames(model.outputs.map(({ name }) => name))}; scoring is of one target: compare predictions of each instead`,
    );
  }
  const names = table.columns.map(({ name }) => name);
  if (!names.includes(target)) throw unknownColumn(target, names, table.label);
  const columns = treeColumns(model, table, label);
  const truth: number[] = [];
  const values: number[][] = (model.classes === null ? [''] : model.outputs).map(() => []);
  const found: number[] = [];
  for (const range of rowRanges(table.rowCount)) {
    const points = await encodeTreeTable(model, table, columns, { ...quiet, range });
    const predicted = await predictTrees(model, points, quiet);
    const wanted =
      model.classes === null
        ? await table.numbers(target, { ...quiet, range })
        : positionsOf(await table.texts(target, { ...quiet, range }), model.classes.labels, target, table.label);
    for (let i = 0; i < wanted.length; i++) {
      if (Number.isNaN(wanted[i])) continue;
      truth.push(wanted[i]);
      values.forEach((column, o) => {
        column.push(predicted.values[o][i]);
      });
      if (predicted.classes !== null) found.push(predicted.classes[i]);
    }
    onProgress?.({ phase: 'scoring', done: range.endRow, total: table.rowCount, unit: 'rows' });
  }
  if (truth.length === 0) {
    throw new FewfireError(
      'invalid-data',
      `no row of ${table.label} has a value for the target ${JSON.stringify(target)}; expected at least one`,
    );
  }
  const about = { target, sampleCount: truth.length, skippedRowCount: table.rowCount - truth.length, columns };
  if (model.classes === null) return { task: 'regression', ...about, ...numberMetrics(truth, values[0]) };
  return { task: 'classes', ...about, ...classMetrics(model, truth, values, found) };
}

function positionsOf(
  cells: readonly (string | null)[],
  labels: readonly string[],
  target: string,
  label: string,
): Float64Array {
  const places = new Map(labels.map((name, c) => [name, c]));
  // Booleans that were trained on as 0 and 1.
  if (labels.length === 2 && labels[0] === '0' && labels[1] === '1') {
    for (const [name, c] of [['false', 0] as const, ['true', 1] as const]) places.set(name, c);
  }
  return Float64Array.from(cells, (cell) => {
    if (cell === null) return Number.NaN;
    const place = places.get(cell) ?? places.get(cell.toLowerCase());
    if (place !== undefined) return place;
    throw new FewfireError(
      'invalid-data',
      `the target ${JSON.stringify(target)} of ${label} has the class ${JSON.stringify(cell)}, and the model has ${listNames(labels)}; expected its classes, as it was trained on them`,
    );
  });
}

function numberMetrics(
  truth: readonly number[],
  values: readonly number[],
): Pick<TreeScore, 'mse' | 'r2' | 'baseline'> {
  const r2 = rSquared(truth, values);
  const mean = truth.reduce((sum, value) => sum + value, 0) / truth.length;
  const constant = new Array<number>(truth.length).fill(mean);
  return {
    mse: meanSquaredError(truth, values),
    r2: Number.isNaN(r2) ? null : r2,
    baseline: { mse: meanSquaredError(truth, constant) },
  };
}

function classMetrics(
  { link, classes, outputs }: TreeModel,
  truth: readonly number[],
  values: readonly (readonly number[])[],
  found: readonly number[],
): Pick<TreeScore, 'accuracy' | 'auc' | 'logLoss' | 'baseline'> {
  const counts = (classes?.labels ?? []).map((_, c) => truth.filter((place) => place === c).length);
  const shares = counts.map((count) => count / truth.length);
  const mean = (of: (row: number) => number): number => truth.reduce((sum, _, i) => sum + of(i), 0) / truth.length;
  const probabilityOf = (i: number): number =>
    outputs.length > 1 ? values[truth[i]][i] : truth[i] === 1 ? values[0][i] : 1 - values[0][i];
  const area = outputs.length === 1 ? areaUnderCurve(truth, values[0]) : Number.NaN;
  return {
    accuracy: mean((i) => Number(found[i] === truth[i])),
    auc: Number.isNaN(area) ? null : area,
    logLoss: link === 'identity' ? null : mean((i) => surprise(probabilityOf(i))),
    baseline: { accuracy: Math.max(...shares), logLoss: mean((i) => surprise(shares[truth[i]])) },
  };
}

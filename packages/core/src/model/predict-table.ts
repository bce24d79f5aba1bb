/**
 * Predicting with a model: the rows of a table, a part at a time, so that a table of any length takes the memory of one
 * part; or one row that is at hand.
 */
import { checkRunOptions, closestName, FewfireError, listNames, listNearest, type RunOptions } from '../base/index.ts';
import { type EncodedPart, type EncodedParts, type MemoryColumn, memoryTable, type Table } from '../cube/index.ts';
import { attributeModelRows, type ModelRowAttributions } from './attributions.ts';
import { type ColumnDrift, createColumnDriftMeter } from './column-drift.ts';
import { cellRulesOf, type Model, type Prediction, predictPoints, targetClasses } from './model.ts';

/** Options of `predictTable`. */
export interface PredictTableOptions extends RunOptions {
  /** Also what each column contributes to a row's value, against a row of all no or the average over the table's rows. */
  readonly attributions?: 'all-no' | 'average' | undefined;
}

/** The rows of a range that were encoded (all, unless rows with missing values are dropped), and what is predicted for them. */
export interface PredictedPart extends EncodedPart {
  readonly prediction: Prediction;
  /** Where they were asked for. */
  readonly attributions?: ModelRowAttributions;
}

/** What is predicted for a table, in parts. */
export interface TablePrediction extends Pick<EncodedParts, 'unseen' | 'missing'> {
  /** In the order of the rows; to be gone through once. */
  readonly parts: AsyncIterable<PredictedPart>;
  /** Columns that are not as they were at the fit, once all parts have been taken. */
  drift(): readonly ColumnDrift[];
}

/**
 * Predicts every row of a table that has the columns of the model, in its order.
 * @throws FewfireError `invalid-data` for a table that lacks columns, or in which no cell of one is a value that the fit saw
 * @example
 * ```ts
 * import { fitTable, memoryTable, predictTable } from '@fewfire/core';
 *
 * const rows = Array.from({ length: 200 }, (_, i) => i);
 * const table = memoryTable({
 *   a: rows.map((i) => i & 1),
 *   b: rows.map((i) => (i >> 1) & 1),
 *   y: rows.map((i) => ((i & 1) === ((i >> 1) & 1) ? 'no' : 'yes')),
 * });
 * const { model } = await fitTable(table, { target: 'y' });
 * const { parts } = await predictTable(model, memoryTable({ a: [1, 1], b: [0, 1] }));
 * for await (const { prediction } of parts) console.log(prediction.classes);
 * // [ 'yes', 'no' ]
 * ```
 */
export async function predictTable(
  model: Model,
  table: Table,
  options: PredictTableOptions = {},
): Promise<TablePrediction> {
  checkRunOptions('predictTable', options, { attributions: ['all-no', 'average'] });
  refuseLackingColumns(model, table);
  const { attributions: baseline, ...run } = options;
  const { parts, unseen, missing } = await table.encodeParts(model.encoder, run);
  // An average is over all rows, so they are there at once.
  const background = baseline === 'average' ? (await table.encode(model.encoder, run)).points : undefined;
  const { onProgress: _, ...quiet } = run;
  const meter = createColumnDriftMeter(model);
  const predicted = async function* (): AsyncGenerator<PredictedPart> {
    for await (const part of parts) {
      const { points } = part;
      meter.add(points);
      const prediction = await predictPoints(model, points, quiet);
      if (baseline === undefined) yield { ...part, prediction };
      else {
        const against = { ...quiet, baseline, background: background ?? points };
        yield { ...part, prediction, attributions: await attributeModelRows(model, points, against) };
      }
    }
  };
  return { parts: predicted(), unseen, missing, drift: () => meter.result() };
}

/** A cell of a row: null, undefined and NaN are missing. */
export type RowValue = string | number | boolean | Date | null | undefined;

/** What is predicted for one row. */
export interface RowPrediction {
  /** The most probable class, or the number. */
  readonly prediction: string | number;
  /** Of each class by its name; undefined for a number. */
  readonly probabilities: ReadonlyMap<string, number> | undefined;
  /** Columns whose value the fit has not seen: it counted as the reference of its column. */
  readonly unseen: readonly string[];
  /** Columns without a value. */
  readonly missing: readonly string[];
}

/**
 * Predicts one row. Texts are read as those of a CSV are; keys that the model does not read do not matter.
 *
 * @param row a value for each column of the model, by name
 * @throws FewfireError `invalid-data` for a column that is not there, a value that cannot be read as the fit read it, and
 *   a missing one where the model refuses them
 * @example
 * ```ts
 * import { fitTable, memoryTable, predictRow } from '@fewfire/core';
 *
 * const rows = Array.from({ length: 200 }, (_, i) => i);
 * const table = memoryTable({
 *   a: rows.map((i) => i & 1),
 *   b: rows.map((i) => (i >> 1) & 1),
 *   y: rows.map((i) => ((i & 1) === ((i >> 1) & 1) ? 'no' : 'yes')),
 * });
 * const { model } = await fitTable(table, { target: 'y' });
 * const { prediction } = await predictRow(model, { a: 1, b: 0 });
 * console.log(prediction); // yes
 * ```
 */
export async function predictRow(
  model: Model,
  row: Readonly<Record<string, RowValue>>,
  options: RunOptions = {},
): Promise<RowPrediction> {
  checkRunOptions('predictRow', options, {});
  const columns: [string, MemoryColumn][] = Object.entries(row).map(([name, value]) => [name, [value]]);
  const table = memoryTable(Object.fromEntries(columns), { label: 'the row', rules: cellRulesOf(model) });
  refuseLackingColumns(model, table);
  const { points, unseen, missing } = await table.encode(model.encoder, options);
  const lacking = missing.map(({ column }) => column);
  if (points.rowCount === 0) {
    throw new FewfireError(
      'missing-values',
      `the row has no value for ${listNames(lacking)}; expected one, as the model was fitted without rows that lack any`,
    );
  }
  const { numbers, classes, probabilities = [] } = await predictPoints(model, points, options);
  return {
    prediction: numbers === undefined ? (classes as readonly string[])[0] : numbers[0],
    probabilities:
      numbers === undefined
        ? new Map(targetClasses(model.target).map((name, k) => [name, probabilities[k][0]]))
        : undefined,
    unseen: unseen.map(({ column }) => column),
    missing: lacking,
  };
}

/**
 * Refuses data without the columns a model reads, naming all of them at once.
 * @param also a column that is needed besides, as the target is for scoring
 * @throws FewfireError `invalid-data`
 */
export function refuseLackingColumns(model: Model, table: Table, also?: string): void {
  const names = table.columns.map(({ name }) => name);
  // The parts of a date are of one column.
  const columns = model.encoder.columns.map(({ column }) => column);
  const needed = [...new Set(also === undefined ? columns : [...columns, also])];
  const lacking = needed.filter((name) => !names.includes(name));
  if (lacking.length === 0) return;
  // A column that is needed itself is not another one by a new name.
  const free = names.filter((name) => !needed.includes(name));
  const close = lacking.slice(0, 5).map((name) => closestName(name, free));
  const others = [...new Set(close)].filter((name) => name !== undefined);
  const hint =
    names.length === 0
      ? 'it has none'
      : others.length < close.length
        ? `expected the columns it was fitted on; these are ${listNearest(lacking, names, 5)}`
        : close.length === 1
          ? `is ${JSON.stringify(close[0])} the same column? rename it`
          : `are ${listNames(others)} the same columns? rename them`;
  throw new FewfireError(
    'invalid-data',
    `${table.label} lacks ${lacking.length} of the ${needed.length} ${needed.length === 1 ? 'column' : 'columns'} that the model needs: ${listNames(lacking)}; ${hint}`,
  );
}

/** Scoring a model on a table with known targets, a part of its rows at a time. */
import { checkRunOptions, FewfireError, type RunOptions } from '../base/index.ts';
import { selectRows, type Table, type UnseenValue } from '../cube/index.ts';
import { type ColumnDrift, createColumnDriftMeter } from './column-drift.ts';
import { createMeasurement, type Measured } from './measurement.ts';
import { type Model, predictPoints, type TestResult } from './model.ts';
import type { Note } from './notes.ts';
import { refuseLackingColumns } from './predict-table.ts';
import { type LabelColumns, readLabels, weighingRows } from './row-labels.ts';
import { readTarget } from './target.ts';

/** How a model does on a table. */
export interface ScoreResult {
  readonly metrics: TestResult;
  readonly unseen: readonly UnseenValue[];
  /** Columns that are not as they were at the fit. */
  readonly drift: readonly ColumnDrift[];
  /** Rows left out because their target (or, with `drop-rows`, a cell) is missing. */
  readonly skippedRowCount: number;
  /** Rows left out because they weigh nothing. */
  readonly zeroWeightCount: number;
  /** The columns by which rows were weighed and grouped: those of the fit, where the table has them. */
  readonly weight: string | null;
  readonly group: string | null;
  /** What else to know: columns of the fit that the table lacks. */
  readonly notes: readonly Note[];
}

/** How a model is measured: its calibrations, and the constants of its fit. */
export function modelMeasured({ target, loss, outputs }: Model): Measured {
  return {
    target,
    loss,
    calibrations: outputs.map((output) => output.calibration),
    targetMeans: outputs.map((output) => output.fit.targetMean),
  };
}

/**
 * Scores a model on a table that has its target column. Rows are weighed and grouped as the fit did where the table has
 * these columns.
 * @throws FewfireError as `Table.encode`; `invalid-data` for classes that the fit did not see, texts among numbers,
 *   weights below 0, and when no row has a target
 * @example
 * ```ts
 * import { fitTable, memoryTable, scoreTable } from '@fewfire/core';
 *
 * const rows = Array.from({ length: 200 }, (_, i) => i);
 * const table = memoryTable({
 *   a: rows.map((i) => i & 1),
 *   b: rows.map((i) => (i >> 1) & 1),
 *   y: rows.map((i) => ((i & 1) === ((i >> 1) & 1) ? 'no' : 'yes')),
 * });
 * const { model } = await fitTable(table, { target: 'y' });
 * const { metrics } = await scoreTable(model, table);
 * console.log(metrics.sampleCount, metrics.accuracy); // 200 1
 * ```
 */
export async function scoreTable(model: Model, table: Table, options: RunOptions = {}): Promise<ScoreResult> {
  checkRunOptions('scoreTable', options, {});
  refuseLackingColumns(model, table, model.target.column);
  const names = new Set(table.columns.map(({ name }) => name));
  const there = (column: string | undefined): string | undefined =>
    column !== undefined && names.has(column) ? column : undefined;
  const { training } = model;
  const columns = { weight: there(training.weight), group: there(training.group) };
  const notes: Note[] = [];
  const lacks = (column: string | undefined): column is string => column !== undefined && !names.has(column);
  const { weight, group } = training;
  if (lacks(weight)) notes.push({ kind: 'no-weight-column', table: table.label, column: weight });
  if (lacks(group)) notes.push({ kind: 'no-group-column', table: table.label, column: group });
  const weighing = await weighingRows(table, columns, options);
  try {
    const { metrics, unseen, drift, skippedRowCount } = await scoreRows(model, weighing.table, columns, options);
    return {
      ...{ metrics, unseen, drift, skippedRowCount, notes, zeroWeightCount: weighing.zeroCount },
      ...{ weight: columns.weight ?? null, group: columns.group ?? null },
    };
  } finally {
    if (weighing.table !== table) await weighing.table.close();
  }
}

async function scoreRows(
  model: Model,
  table: Table,
  columns: LabelColumns,
  options: RunOptions,
): Promise<Pick<ScoreResult, 'metrics' | 'unseen' | 'drift' | 'skippedRowCount'>> {
  const { parts, unseen } = await table.encodeParts(model.encoder, options);
  const { onProgress: _, ...quiet } = options;
  const measurement = createMeasurement(modelMeasured(model), table.rowCount);
  // Weights and groups are read at once: what one of them means depends on all.
  const labels =
    columns.weight === undefined && columns.group === undefined
      ? undefined
      : await readLabels(table, await readTarget(table, model.target, quiet), columns, options);
  const drift = createColumnDriftMeter(model);
  let knownCount = 0;
  for await (const { range, points, rows } of parts) {
    drift.add(points);
    const all =
      labels?.target.subarray(range.firstRow, range.endRow) ?? (await readTarget(table, model.target, quiet, range));
    const placeOf = (i: number): number => (rows === undefined ? i : rows[i] - range.firstRow);
    const known = Uint32Array.from({ length: points.rowCount }, (_, i) => i).filter(
      (i) => !Number.isNaN(all[placeOf(i)]),
    );
    knownCount += known.length;
    if (known.length === 0) continue;
    const { values } = await predictPoints(
      model,
      known.length === points.rowCount ? points : selectRows(points, known),
      quiet,
    );
    const { weights, clusters } = labels ?? {};
    measurement.add(
      {
        target: Float64Array.from(known, (i) => all[placeOf(i)]),
        weights: weights && Float64Array.from(known, (i) => weights[range.firstRow + placeOf(i)]),
        clusters: clusters && Uint32Array.from(known, (i) => clusters[range.firstRow + placeOf(i)]),
      },
      values,
    );
  }
  if (knownCount === 0) {
    throw new FewfireError(
      'invalid-data',
      `no row of ${table.label} has a value for the target ${JSON.stringify(model.target.column)}; expected at least one`,
    );
  }
  return { metrics: measurement.result(), unseen, drift: drift.result(), skippedRowCount: table.rowCount - knownCount };
}

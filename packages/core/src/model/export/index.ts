/**
 * A fitted model in another language: it takes the raw columns, needs nothing but the target's runtime, and gives the
 * predictions that `predictPoints` gives.
 */
import { checkOptions } from '../../base/index.ts';
import type { Model } from '../model.ts';
import { exportJavaScript } from './javascript.ts';
import { exportOnnx } from './onnx.ts';
import { planExport } from './plan.ts';
import { exportPython } from './python.ts';
import { exportSql, type SqlOptions } from './sql.ts';

export { ONNX_BYTE_LIMIT } from './onnx.ts';
export { SQL_TERM_LIMIT, type SqlOptions } from './sql.ts';

/** What a model can be exported to. */
export type ExportTarget = 'sql' | 'js' | 'python' | 'onnx';

/** `table` and `keep` are for `sql`. */
export interface ExportOptions extends SqlOptions {
  readonly to: ExportTarget;
  /** What the model is called in the file. Default `model`. */
  readonly name?: string;
}

/**
 * Writes a model as source text, or for `onnx` as the bytes of a file.
 * @throws FewfireError `unsupported` when the model is too large for the target or has names that it cannot spell
 * @example
 * ```ts
 * import { exportModel, fitTable, memoryTable } from '@fewfire/core';
 *
 * const rows = Array.from({ length: 200 }, (_, i) => i);
 * const table = memoryTable({
 *   a: rows.map((i) => i & 1),
 *   b: rows.map((i) => (i >> 1) & 1),
 *   y: rows.map((i) => ((i & 1) === ((i >> 1) & 1) ? 'no' : 'yes')),
 * });
 * const { model } = await fitTable(table, { target: 'y' });
 * const sql = exportModel(model, { to: 'sql', table: 'orders' });
 * console.log(sql.slice(0, sql.indexOf('\n'))); // -- A model of fewfire as one SELECT over the table "orders", a row of predictions for each of its rows.
 * ```
 */
export function exportModel(model: Model, options: ExportOptions & { readonly to: 'onnx' }): Uint8Array;
export function exportModel(model: Model, options: ExportOptions & { readonly to: 'sql' | 'js' | 'python' }): string;
export function exportModel(model: Model, options: ExportOptions): string | Uint8Array;
export function exportModel(model: Model, options: ExportOptions): string | Uint8Array {
  checkOptions('exportModel', options, {
    to: { need: ['sql', 'js', 'python', 'onnx'] },
    name: 'string',
    table: 'string',
    keep: 'names',
  });
  const plan = planExport(model, options.name ?? 'model');
  if (options.to === 'sql') return exportSql(plan, options);
  if (options.to === 'js') return exportJavaScript(plan);
  return options.to === 'python' ? exportPython(plan) : exportOnnx(plan);
}

/**
 * The same cells in a file of every format, without the code under test: text formats by hand, Parquet and databases by
 * DuckDB on one thread, which keeps rows in order, Arrow by its own library. Whoever asks says where the root of the
 * workspace is, because both belong to the Node package.
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type RandomTable, spelled, type TableColumn } from './random-table.ts';

export const FORMATS = ['csv', 'tsv', 'parquet', 'json', 'ndjson', 'arrow', 'duckdb'] as const;
export type Format = (typeof FORMATS)[number];

/** Whether files of a format know more than texts. */
export function isTyped(format: Format): boolean {
  return format !== 'csv' && format !== 'tsv';
}

type Table = Pick<RandomTable, 'columns' | 'rowCount'>;
type Value = string | number | boolean | null;

/** What a typed file holds for a cell. */
export function typedCell({ stored }: TableColumn, cell: string): Value {
  if (stored === 'text') return cell === '' ? null : cell;
  const text = cell.trim();
  if (['', '?', 'NA'].includes(text)) return null;
  return stored === 'number' ? Number(text) : text === 'true';
}

export function delimitedText({ columns, rowCount }: Table, delimiter: string, newline: string): string {
  const quoted = (cell: string): string =>
    /["\r\n]/.test(cell) || cell.includes(delimiter) ? `"${cell.replaceAll('"', '""')}"` : cell;
  const lines = [columns.map(({ name }) => quoted(name)).join(delimiter)];
  for (let row = 0; row < rowCount; row++) lines.push(columns.map(({ cells }) => quoted(cells[row])).join(delimiter));
  return lines.map((line) => line + newline).join('');
}

function recordTexts({ columns, rowCount }: Table): string[] {
  const keys = columns.map(({ name }) => JSON.stringify(name));
  return Array.from({ length: rowCount }, (_, row) => {
    const cells = columns.map((column, k) => {
      const value = typedCell(column, column.cells[row]);
      return `${keys[k]}:${typeof value === 'number' ? spelled(value) : JSON.stringify(value)}`;
    });
    return `{${cells.join(',')}}`;
  });
}

/** Writes a table into a folder in the formats wanted and gives what to open, by format. */
export async function writeFiles(
  table: Table & Pick<RandomTable, 'delimiter' | 'newline'>,
  folder: string,
  formats: readonly Format[],
  root: string,
): Promise<Map<Format, string>> {
  const sources = new Map<Format, string>();
  const write = (format: Format, content: string | Uint8Array): void => {
    const path = join(folder, `table.${format}`);
    writeFileSync(path, content);
    sources.set(format, path);
  };
  for (const format of formats) {
    if (format === 'csv') write(format, delimitedText(table, table.delimiter, table.newline));
    if (format === 'tsv') write(format, delimitedText(table, '\t', table.newline));
    if (format === 'json') write(format, `[${recordTexts(table).join(',\n')}]`);
    if (format === 'ndjson')
      write(
        format,
        recordTexts(table)
          .map((line) => `${line}\n`)
          .join(''),
      );
    if (format === 'arrow') write(format, arrowBytes(table, root));
  }
  const binary = formats.filter((format) => format === 'parquet' || format === 'duckdb');
  if (binary.length > 0) await writeByDuckdb(table, folder, binary, root);
  if (binary.includes('parquet')) sources.set('parquet', join(folder, 'table.parquet'));
  if (binary.includes('duckdb')) sources.set('duckdb', `${join(folder, 'table.duckdb')}#a table`);
  return sources;
}

const requireOf = (root: string): NodeRequire => createRequire(join(root, 'packages', 'node', 'package.json'));

function arrowBytes({ columns }: Table, root: string): Uint8Array {
  const arrow: typeof import('apache-arrow') = requireOf(root)('apache-arrow');
  const vectors = columns.map((column, k) => {
    const type = { text: new arrow.Utf8(), number: new arrow.Float64(), boolean: new arrow.Bool() }[column.stored];
    const values = column.cells.map((cell) => typedCell(column, cell));
    return [`c${k}`, arrow.vectorFromArray(values as never[], type)] as const;
  });
  // Named afterwards: an object would move a column called "1" to the front.
  const { schema, batches } = new arrow.Table(Object.fromEntries(vectors));
  const named = new arrow.Schema(schema.fields.map((field, k) => field.clone({ name: columns[k].name })));
  return arrow.tableToIPC(new arrow.Table(batches.map(({ data }) => new arrow.RecordBatch(named, data))), 'file');
}

const name = (text: string): string => `"${text.replaceAll('"', '""')}"`;

async function writeByDuckdb(
  { columns, rowCount }: Table,
  folder: string,
  formats: readonly Format[],
  root: string,
): Promise<void> {
  const { DuckDBInstance } = requireOf(root)('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    const types = columns.map(({ stored }) => ({ text: 'VARCHAR', number: 'DOUBLE', boolean: 'BOOLEAN' })[stored]);
    await connection.run(`CREATE TABLE cells(${types.map((type, k) => `c${k} ${type}`).join(', ')})`);
    const appender = await connection.createAppender('cells');
    for (let row = 0; row < rowCount; row++) {
      for (const column of columns) {
        const value = typedCell(column, column.cells[row]);
        if (value === null) appender.appendNull();
        else if (typeof value === 'string') appender.appendVarchar(value);
        else if (typeof value === 'number') appender.appendDouble(value);
        else appender.appendBoolean(value);
      }
      appender.endRow();
    }
    appender.closeSync();
    const select = `SELECT ${columns.map((column, k) => `c${k} AS ${name(column.name)}`).join(', ')} FROM cells`;
    if (formats.includes('parquet')) {
      await connection.run(`COPY (${select}) TO '${join(folder, 'table.parquet')}' (FORMAT parquet)`);
    }
    if (formats.includes('duckdb')) {
      await connection.run(`ATTACH '${join(folder, 'table.duckdb')}' AS target`);
      await connection.run(`CREATE TABLE target.main."a table" AS ${select}`);
      await connection.run('DETACH target');
    }
  } finally {
    connection.disconnectSync();
    instance.closeSync();
  }
}

/**
 * The same cells in a file of every format, without the code under test: text formats by hand, Parquet and databases by
 * DuckDB on one thread, which keeps rows in order, Arrow by its own library. Whoever asks says where the root of the
 * workspace is, because both belong to the Node package.
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type RandomTable, spelled } from './random-table.ts';
import type { Held, HeldTable } from './reference.ts';

export const FORMATS = ['csv', 'tsv', 'parquet', 'json', 'ndjson', 'arrow', 'duckdb'] as const;
export type Format = (typeof FORMATS)[number];

/** Whether files of a format know more than texts. */
export function isTyped(format: Format): boolean {
  return format !== 'csv' && format !== 'tsv';
}

type Table = Pick<RandomTable, 'columns' | 'rowCount'>;

/** What typed files hold of a table; JSON has its dates as texts and no NaN. */
export function heldBy(format: Format, { columns }: Table): HeldTable {
  const isJson = format === 'json' || format === 'ndjson';
  const held = columns.map(({ name, held, values }) => {
    const asText = isJson && (held === 'date' || held === 'timestamp');
    const cells = values.map((value) => (value === 'NaN' && isJson && held !== 'text' ? null : value));
    return { name, held: asText ? ('text' as const) : held, cells };
  });
  return { columns: held, delimiter: undefined };
}

export function delimitedText({ columns, rowCount }: Table, delimiter: string, newline: string): string {
  const quoted = (cell: string): string =>
    /["\r\n]/.test(cell) || cell.includes(delimiter) ? `"${cell.replaceAll('"', '""')}"` : cell;
  const lines = [columns.map(({ name }) => quoted(name)).join(delimiter)];
  for (let row = 0; row < rowCount; row++) lines.push(columns.map(({ cells }) => quoted(cells[row])).join(delimiter));
  return lines.map((line) => line + newline).join('');
}

function recordTexts(table: Table): string[] {
  const { columns } = heldBy('json', table);
  const spell = (held: Held, cell: string | null): string => {
    if (cell === null || held === 'text') return JSON.stringify(cell);
    return held === 'number' || held === 'float' ? spelled(Number(cell)) : cell;
  };
  const keys = columns.map(({ name }) => JSON.stringify(name));
  return Array.from({ length: table.rowCount }, (_, row) => {
    const cells = columns.map(({ held, cells }, k) => `${keys[k]}:${spell(held, cells[row])}`);
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
  const types = {
    text: new arrow.Utf8(),
    number: new arrow.Float64(),
    float: new arrow.Float32(),
    whole: new arrow.Int64(),
    boolean: new arrow.Bool(),
    date: new arrow.DateDay(),
    timestamp: new arrow.TimestampMillisecond(),
  };
  const arrowValue = (held: Held, value: string): unknown => {
    if (held === 'text') return value;
    if (held === 'whole') return BigInt(value);
    if (held === 'boolean') return value === 'true';
    if (held === 'date') return new Date(value);
    return held === 'timestamp' ? new Date(`${value}Z`) : Number(value);
  };
  const vectors = columns.map(({ held, values }, k) => {
    const cells = values.map((value) => (value === null ? null : arrowValue(held, value)));
    return [`c${k}`, arrow.vectorFromArray(cells as never[], types[held])] as const;
  });
  // Named afterwards: an object would move a column called "1" to the front.
  const { schema, batches } = new arrow.Table(Object.fromEntries(vectors));
  const named = new arrow.Schema(schema.fields.map((field, k) => field.clone({ name: columns[k].name })));
  return arrow.tableToIPC(new arrow.Table(batches.map(({ data }) => new arrow.RecordBatch(named, data))), 'file');
}

const SQL_TYPES = {
  ...{ text: 'VARCHAR', number: 'DOUBLE', float: 'FLOAT', whole: 'BIGINT' },
  ...{ boolean: 'BOOLEAN', date: 'DATE', timestamp: 'TIMESTAMP' },
};
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
    await connection.run(`CREATE TABLE cells(${columns.map((_, k) => `c${k} VARCHAR`).join(', ')})`);
    const appender = await connection.createAppender('cells');
    for (let row = 0; row < rowCount; row++) {
      for (const { values } of columns) {
        const value = values[row];
        if (value === null) appender.appendNull();
        else appender.appendVarchar(value);
      }
      appender.endRow();
    }
    appender.closeSync();
    const cells = columns.map(({ held, name: own }, k) => `c${k}::${SQL_TYPES[held]} AS ${name(own)}`);
    const select = `SELECT ${cells.join(', ')} FROM cells`;
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

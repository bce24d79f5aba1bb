/** Puts cells into files of every format, for the tests, without the code under test. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { Bool, Float64, Table, Type, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow';
import type { ContractCell, ContractColumns } from '../../core/test/table-contract.ts';

/** A new directory and a way to remove it. */
export function temporaryDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'fewfire-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

function rowsOf(columns: ContractColumns): ContractCell[][] {
  const cells = Object.values(columns);
  return cells[0].map((_, row) => cells.map((column) => column[row]));
}

export function delimited(columns: ContractColumns, delimiter: string, newline = '\n'): string {
  const cell = (value: ContractCell): string => {
    const text = value === null ? '' : String(value);
    return /["\r\n]/.test(text) || text.includes(delimiter) || text === '' ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [Object.keys(columns), ...rowsOf(columns)].map((row) => row.map(cell).join(delimiter) + newline).join('');
}

export function records(columns: ContractColumns): Record<string, ContractCell>[] {
  const names = Object.keys(columns);
  return rowsOf(columns).map((row) => Object.fromEntries(names.map((name, k) => [name, row[k]])));
}

/** Columns of booleans and of numbers as such, any other as text. */
export function arrowBytes(columns: ContractColumns, format: 'file' | 'stream'): Uint8Array {
  const vectors = Object.entries(columns).map(([name, cells]) => {
    const present = cells.filter((cell) => cell !== null);
    const is = (type: string): boolean => present.length > 0 && present.every((cell) => typeof cell === type);
    const type = is('boolean') ? new Bool() : is('number') ? new Float64() : new Utf8();
    const typed = cells.map((cell) => (cell === null || type.typeId !== Type.Utf8 ? cell : String(cell)));
    return [name, vectorFromArray(typed, type)] as const;
  });
  return tableToIPC(new Table(Object.fromEntries(vectors)), format);
}

export const writers: Readonly<Record<string, (columns: ContractColumns, directory: string) => Promise<string>>> = {
  async csv(columns, directory) {
    const path = join(directory, 'table.csv');
    writeFileSync(path, delimited(columns, ','));
    return path;
  },
  async 'csv.gz'(columns, directory) {
    const path = join(directory, 'table.csv.gz');
    writeFileSync(path, gzipSync(`\ufeff${delimited(columns, ';')}`));
    return path;
  },
  async tsv(columns, directory) {
    const path = join(directory, 'table.tsv');
    writeFileSync(path, delimited(columns, '\t'));
    return path;
  },
  async ndjson(columns, directory) {
    const path = join(directory, 'table.ndjson');
    writeFileSync(
      path,
      records(columns)
        .map((record) => `${JSON.stringify(record)}\n`)
        .join(''),
    );
    return path;
  },
  async 'json.gz'(columns, directory) {
    const path = join(directory, 'table.json.gz');
    writeFileSync(path, gzipSync(JSON.stringify(records(columns))));
    return path;
  },
  async parquet(columns, directory) {
    const path = join(directory, 'table.parquet');
    await writeTyped(columns, (select) => [`COPY (${select}) TO '${path}' (FORMAT parquet)`]);
    return path;
  },
  async 'parquet.gz'(columns, directory) {
    const path = join(directory, 'plain.parquet');
    await writeTyped(columns, (select) => [`COPY (${select}) TO '${path}' (FORMAT parquet)`]);
    const { readFileSync } = await import('node:fs');
    writeFileSync(join(directory, 'table.parquet.gz'), gzipSync(readFileSync(path)));
    return join(directory, 'table.parquet.gz');
  },
  async arrow(columns, directory) {
    const path = join(directory, 'table.arrow');
    writeFileSync(path, arrowBytes(columns, 'file'));
    return path;
  },
  async 'arrows.gz'(columns, directory) {
    const path = join(directory, 'table.arrows.gz');
    writeFileSync(path, gzipSync(arrowBytes(columns, 'stream')));
    return path;
  },
  async duckdb(columns, directory) {
    const path = join(directory, `table${Math.random()}.duckdb`);
    await writeTyped(columns, (select) => [
      `ATTACH '${path}' AS target`,
      `CREATE TABLE target.main."my table" AS ${select}`,
      'CREATE TABLE target.main.other AS SELECT 1 AS x',
      'DETACH target',
    ]);
    return `${path}#my table`;
  },
};

// Columns of booleans and of numbers with those types, others as texts.
async function writeTyped(columns: ContractColumns, statements: (select: string) => string[]): Promise<void> {
  const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  const types = Object.values(columns).map((cells) => {
    const kinds = new Set(cells.filter((cell) => cell !== null).map((cell) => typeof cell));
    if (kinds.size !== 1) return 'VARCHAR';
    return { boolean: 'BOOLEAN', number: 'DOUBLE', string: 'VARCHAR' }[[...kinds][0] as 'boolean'];
  });
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    await connection.run(`CREATE TABLE texts(${types.map((_, k) => `t${k} VARCHAR`).join(', ')})`);
    const appender = await connection.createAppender('texts');
    for (const row of rowsOf(columns)) {
      for (const cell of row) {
        if (cell === null) appender.appendNull();
        else appender.appendVarchar(String(cell));
      }
      appender.endRow();
    }
    appender.closeSync();
    const select = Object.keys(columns).map((name, k) => `t${k}::${types[k]} AS ${quote(name)}`);
    for (const sql of statements(`SELECT ${select.join(', ')} FROM texts`)) await connection.run(sql);
  } finally {
    connection.disconnectSync();
    instance.closeSync();
  }
}

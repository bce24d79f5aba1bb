/** What the engine would do unasked: take folders for columns, read other files for a view, fill the disk. It does not. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, describe, expect, it } from 'vitest';
import { openTable } from '../src/index.ts';
import { Engine } from '../src/tables/engine.ts';
import { temporaryDirectory } from './table-files.ts';

const directory = temporaryDirectory();
afterAll(() => directory.remove());

async function sql(...statements: readonly string[]): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  for (const statement of statements) await connection.run(statement);
  connection.disconnectSync();
  instance.closeSync();
}

describe('folders named key=value', () => {
  const folder = join(directory.path, 'a=1', 'year=2020');
  mkdirSync(folder, { recursive: true });
  const select = `SELECT i % 2 AS a, 'x' || i AS t FROM range(4) r(i)`;
  const files: Record<string, string> = {
    'part.parquet': '(FORMAT parquet)',
    'part.json': '(FORMAT json, ARRAY true)',
    'part.ndjson': '(FORMAT json)',
    'part.csv': '(FORMAT csv)',
  };
  it.each(Object.keys(files))('are no columns of %s, and replace none', async (name) => {
    await sql(`COPY (${select}) TO '${join(folder, name)}' ${files[name]}`);
    const table = await openTable(join(directory.path, 'a=1', 'year=*', name));
    expect(table.columns.map((column) => column.name)).toEqual(['a', 't']);
    expect(Array.from(await table.numbers('a'))).toEqual([0, 1, 0, 1]);
    await table.close();
  });
});

describe('a view in a database', () => {
  const secret = join(directory.path, 'secret.csv');
  writeFileSync(secret, 'word\nhush\n');

  it.each([
    ['text', `SELECT content AS a FROM read_text('${secret}')`],
    ['csv', `SELECT word AS a FROM read_csv('${secret}')`],
    ['glob', `SELECT file AS a FROM glob('${directory.path}/*')`],
  ])('reads no other file (%s)', async (name, select) => {
    const path = join(directory.path, `view-${name}.duckdb`);
    await sql(`ATTACH '${path}' AS d`, `CREATE VIEW d.v AS ${select}`, 'DETACH d');
    const error: Error = await openTable(path).then(
      () => expect.fail('the view was opened'),
      (reason) => reason,
    );
    expect(error).toMatchObject({ name: 'FewfireError', code: 'unsupported' });
    expect(error.message).toContain(`reads another file, ${directory.path}`);
    expect(error.message).not.toMatch(/hush|configuration|\n/);
  });

  it('of its own tables is read', async () => {
    const path = join(directory.path, 'own.duckdb');
    await sql(
      `ATTACH '${path}' AS d`,
      'USE d',
      'CREATE TABLE t AS SELECT 7 AS a',
      'CREATE VIEW v AS SELECT a + 1 AS b FROM t',
      'USE memory',
      'DETACH d',
    );
    const table = await openTable(`${path}#v`);
    expect(await table.texts('b')).toEqual(['8']);
    await table.close();
  });

  it('without end is ended, and its temporary files are gone', async () => {
    const path = join(directory.path, 'endless.duckdb');
    await sql(
      `ATTACH '${path}' AS d`,
      'CREATE VIEW d.v AS SELECT hash(i) AS a, hash(i + 1) AS b FROM range(1000000000000) r(i)',
      'DETACH d',
    );
    await expect(openTable(path, { memoryLimitBytes: 64e6 })).rejects.toThrow(/is it a view without end\?/);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`fewfire-${process.pid}-`))).toEqual([]);
  });
});

it('a locked engine writes nothing, attaches nothing and loads nothing', async () => {
  const engine = await Engine.open({});
  await engine.lock([], 0);
  const out = join(directory.path, 'out');
  for (const statement of [
    `COPY (SELECT 1) TO '${out}'`,
    `ATTACH '${out}'`,
    `EXPORT DATABASE '${out}'`,
    'INSTALL httpfs',
    'LOAD httpfs',
    'SET enable_external_access = true',
    "SET temp_directory = '/'",
  ]) {
    await expect(engine.run(statement), statement).rejects.toThrow();
  }
  expect(existsSync(out)).toBe(false);
  await engine.close();
});

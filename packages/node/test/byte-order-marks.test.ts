/**
 * U+FEFF: at the start of a file it is dropped, once; anywhere else it is a character of its cell, the same in every
 * format, when fitting and when predicting. (The engine's texts lost it on their way out: two values became one name.)
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { fitTable, parseModel, predictPoints, serializeModel } from '@fewfire/core';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FileTable, openTable, readTextFile, writeTable } from '../src/index.ts';
import { temporaryDirectory } from './table-files.ts';

const root = temporaryDirectory();
afterAll(() => root.remove());
const at = (name: string): string => join(root.path, name);

const MARK = '\ufeff';
const COLOURS = [
  'red',
  `${MARK}red`,
  `${MARK}${MARK}red`,
  `r${MARK}ed`,
  `${MARK}a text that is longer than twelve bytes`,
];
const cells = Array.from({ length: 300 }, (_, i) => COLOURS[i % 5]);
const target = cells.map((cell) => (cell === `${MARK}red` ? 'yes' : 'no'));
const records = cells.map((c, i) => ({ c, y: target[i] }));
const lines = records.map(({ c, y }) => `"${c}",${y}\n`).join('');
const json = JSON.stringify(records);
const ndjson = records.map((record) => `${JSON.stringify(record)}\n`).join('');

const files: Readonly<Record<string, string | Uint8Array>> = {
  'plain.csv': `c,y\n${lines}`,
  'marked.csv': `${MARK}c,y\n${lines}`,
  'quoted.csv': `${MARK}"c","y"\n${lines}`,
  'marked.csv.gz': gzipSync(`${MARK}c,y\n${lines}`),
  'plain.json': json,
  'marked.json': MARK + json,
  'marked.json.gz': gzipSync(MARK + json),
  'plain.ndjson': ndjson,
  'marked.ndjson': MARK + ndjson,
  'table.arrow': tableToIPC(tableFromArrays({ c: cells, y: target }), 'file'),
};
const names = [...Object.keys(files), 'table.parquet', 'table.duckdb'];

beforeAll(async () => {
  for (const [name, content] of Object.entries(files)) writeFileSync(at(name), content);
  await writeTable(at('table.parquet'), [
    { name: 'c', values: cells },
    { name: 'y', values: target },
  ]);
  const instance = await DuckDBInstance.create(at('table.duckdb'));
  const connection = await instance.connect();
  await connection.run(`CREATE TABLE t AS SELECT * FROM read_parquet('${at('table.parquet')}')`);
  connection.disconnectSync();
  instance.closeSync();
});

async function withTable<T>(name: string, task: (table: FileTable) => Promise<T>): Promise<T> {
  const table = await openTable(at(name));
  try {
    return await task(table);
  } finally {
    await table.close();
  }
}

describe.each(names)('%s', (name) => {
  it('has the columns and cells as they are', async () => {
    await withTable(name, async (table) => {
      expect(table.columns.map((column) => column.name)).toEqual(['c', 'y']);
      expect(await table.texts('c')).toEqual(cells);
      const [profile] = await table.profile(['c']);
      expect(new Map(profile.values.map(({ value, count }) => [value, count]))).toEqual(
        new Map(COLOURS.map((colour) => [colour, cells.filter((cell) => cell === colour).length])),
      );
    });
  });

  it('knows its own values again, through a model file', async () => {
    await withTable(name, async (table) => {
      const { model } = await fitTable(table, { target: 'y', degree: 1, intervals: 'none', test: 0 });
      const path = at(`${name}.model.json`);
      writeFileSync(path, await serializeModel(model));
      const read = await parseModel(await readTextFile(path), path);
      const { points, unseen } = await table.encode(read.encoder);
      expect(unseen).toEqual([]);
      expect((await predictPoints(read, points)).classes).toEqual(target);
    });
  });
});

it('files read together each may begin with one', async () => {
  mkdirSync(at('parts'));
  for (const [name, text] of [
    ['a', files['plain.csv']],
    ['b', files['marked.csv']],
    ['c', files['quoted.csv']],
  ]) {
    writeFileSync(at(`parts/${name}.csv`), text);
  }
  writeFileSync(at('parts/a.json'), files['plain.json']);
  writeFileSync(at('parts/b.json'), files['marked.json']);
  await withTable('parts/*.csv', async (table) =>
    expect(await table.texts('c')).toEqual([...cells, ...cells, ...cells]),
  );
  await withTable('parts/*.json', async (table) => expect(await table.texts('c')).toEqual([...cells, ...cells]));
  writeFileSync(at('parts/c.json'), `${MARK}[{"c":"a","z":1}]`);
  await expect(openTable(at('parts/*.json'))).rejects.toThrow(/parts\/c\.json has other columns than .*parts\/a\.json/);
});

it('a name that begins with one keeps it, and can be written and read', async () => {
  const column = `${MARK}c`;
  writeFileSync(at('name.json'), JSON.stringify(cells.map((cell) => ({ [column]: cell }))));
  await withTable('name.json', async (table) => {
    expect(table.columns.map(({ name }) => name)).toEqual([column]);
    expect(await table.texts(column)).toEqual(cells);
  });
  await writeTable(at('name.parquet'), [{ name: column, values: cells }]);
  await withTable('name.parquet', async (table) => expect(await table.texts(column)).toEqual(cells));
});

it('a text file loses the first only', async () => {
  writeFileSync(at('text'), `${MARK}${MARK}a${MARK}`);
  expect(await readTextFile(at('text'))).toBe(`${MARK}a${MARK}`);
});

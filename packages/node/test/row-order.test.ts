/**
 * Rows of separate statements are put side by side, so each statement's rows must be those of the source, in its order.
 * Once a text column of five words or more and more rows than one row group of the engine (122,880) gave rows in any
 * order with two threads: inputs beside the targets of others, without an error.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { FewfireError, fitEncoder, type Table } from '@fewfire/core';
import { bitAt } from '@fewfire/core/internal';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { openTable } from '../src/index.ts';
import { duckdbTable, type RelationColumn } from '../src/tables/duckdb-table.ts';
import { Engine } from '../src/tables/engine.ts';
import { temporaryDirectory } from './table-files.ts';

const directory = temporaryDirectory();
afterAll(() => directory.remove());
afterEach(() => vi.restoreAllMocks());

const WORDS = ['red', 'green', 'blue', 'black', 'white', 'pink', 'grey', 'brown', 'gold', 'lime', 'teal', 'navy'];
const ROW_COUNT = 122_881;

// A row's cells from its number alone, by a multiplicative hash: the oracle of every test here.
const hash = (row: number, salt: number): number => Math.imul(row ^ salt, 0x9e3779b1) >>> 8;
const flagOf = (row: number): boolean => hash(row, 1) % 2 === 1;
const wordOf = (row: number, wordCount: number): string => WORDS[hash(row, 2) % wordCount];

function lines(from: number, to: number, wordCount: number): string {
  let text = 'id,a,word,copy\n';
  for (let i = from; i < to; i++)
    text += `${i},${flagOf(i) ? 1 : 0},${wordOf(i, wordCount)},${flagOf(i) ? 'yes' : 'no'}\n`;
  return text;
}

const sqlOnCsv = async (statements: readonly string[]): Promise<void> => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  for (const sql of statements) await connection.run(sql);
  connection.disconnectSync();
  instance.closeSync();
};

async function expectRowsInOrder(table: Table, rowCount: number, wordCount: number): Promise<void> {
  const { spec } = fitEncoder(await table.profile(['a', 'word']));
  const { points } = await table.encode(spec);
  const words = spec.columns[1].coding.kind === 'categories' ? spec.columns[1].coding.values : [];
  expect(words).toHaveLength(wordCount - 1);
  const [ids, copies, numbers] = [await table.texts('id'), await table.texts('copy'), await table.numbers('a')];
  const wrong: string[] = [];
  for (let i = 0; i < rowCount; i++) {
    const word = words.find((_, j) => bitAt(points, i, 1 + j) === 1) ?? 'the reference';
    const right =
      ids[i] === String(i) &&
      copies[i] === (flagOf(i) ? 'yes' : 'no') &&
      numbers[i] === Number(flagOf(i)) &&
      bitAt(points, i, 0) === Number(flagOf(i)) &&
      (words.includes(wordOf(i, wordCount)) ? word === wordOf(i, wordCount) : word === 'the reference');
    if (!right && wrong.length < 3) wrong.push(`row ${i}: ${ids[i]}, ${copies[i]}, ${numbers[i]}, ${word}`);
  }
  expect(wrong).toEqual([]);
}

describe.each([5, 12])('%i words in more rows than a row group', (wordCount) => {
  const csv = join(directory.path, `words${wordCount}.csv`);
  writeFileSync(csv, lines(0, ROW_COUNT, wordCount));
  const texts = `read_csv('${csv}', all_varchar = true)`;
  const part = join(directory.path, `part${wordCount}`);
  const sources: Record<string, () => Promise<string>> = {
    CSV: async () => csv,
    Parquet: async () => {
      await sqlOnCsv([`COPY (FROM ${texts}) TO '${part}.parquet' (FORMAT parquet)`]);
      return `${part}.parquet`;
    },
    'several Parquet files': async () => {
      await sqlOnCsv(
        [0, 1, 2].map(
          (k) =>
            `COPY (FROM ${texts} WHERE id::INT >= ${k * 50_000} AND id::INT < ${(k + 1) * 50_000}) TO '${part}-${k}.parquet' (FORMAT parquet)`,
        ),
      );
      return `${part}-*.parquet`;
    },
    NDJSON: async () => {
      await sqlOnCsv([`COPY (FROM ${texts}) TO '${part}.ndjson' (FORMAT json)`]);
      return `${part}.ndjson`;
    },
    'a database with deleted rows': async () => {
      await sqlOnCsv([
        `ATTACH '${part}.duckdb' AS d`,
        `CREATE TABLE d.t AS FROM (SELECT '-1' AS id, '0' AS a, 'red' AS word, 'no' AS copy FROM range(3000) UNION ALL FROM ${texts})`,
        "DELETE FROM d.t WHERE id = '-1'",
        'DETACH d',
      ]);
      return `${part}.duckdb#t`;
    },
  };
  it.each(Object.keys(sources))('%s', async (format) => {
    const source = await sources[format]();
    for (const threads of [1, 2, 8]) {
      const table = await openTable(source, { threads });
      await expectRowsInOrder(table, ROW_COUNT, wordCount);
      await table.close();
    }
  });
});

describe('columns that are called like the row numbers of the engine', () => {
  it.each(['file_row_number', 'FILE_INDEX', 'rowid', 'row_key'])('%s', async (name) => {
    const path = join(directory.path, name);
    const select = `SELECT 7 - i AS "${name}", i % 2 = 0 AS b FROM range(5) r(i)`;
    await sqlOnCsv([
      `COPY (${select}) TO '${path}.parquet' (FORMAT parquet)`,
      `COPY (${select}) TO '${path}.json' (FORMAT json, ARRAY true)`,
      `ATTACH '${path}.duckdb' AS d`,
      `CREATE TABLE d.t AS ${select}`,
      'DETACH d',
    ]);
    for (const source of [`${path}.parquet`, `${path}.json`, `${path}.duckdb`]) {
      const table = await openTable(source);
      expect(Array.from(await table.numbers(name))).toEqual([7, 6, 5, 4, 3]);
      await table.close();
    }
  });
});

describe('a planted fault', () => {
  const columns: RelationColumn[] = ['id', 'flag', 'word'].map((name) => {
    return {
      name,
      type: name === 'id' ? 'number' : 'text',
      sourceType: 'text',
      typed: false,
      cell: name,
      source: undefined,
    };
  });
  const cells = (swapped: boolean): string =>
    `(SELECT i AS key, i::DOUBLE AS id, CASE WHEN i % 2 = 0 THEN 'yes' ELSE 'no' END AS flag, 'w' || i % 7 AS word
      FROM range(5000) r(i) ORDER BY ${swapped ? 'CASE i WHEN 3000 THEN 3001 WHEN 3001 THEN 3000 ELSE i END' : 'i'})`;
  const relation = async (name: string, rowKey = 'key'): Promise<Table> =>
    duckdbTable(await Engine.open({}), {
      label: 'rows',
      name,
      rowKey,
      rowCount: 5000,
      columns,
      rules: {},
      commaFirst: false,
    });
  const uses: Record<string, (table: Table) => Promise<unknown>> = {
    numbers: (table) => table.numbers('id'),
    texts: (table) => table.texts('word', { spelling: 'source' }),
    encode: async (table) => table.encode(fitEncoder(await table.profile(['id', 'flag', 'word'])).spec),
  };

  it.each(Object.entries(uses))('two swapped rows are noticed by %s', async (_, use) => {
    const right = await relation(cells(false));
    await use(right);
    await right.close();
    const wrong = await relation(cells(true));
    await expect(use(wrong)).rejects.toThrow(/gave row 3002 where row 3001 was expected/);
    await wrong.close();
  });

  it.each(Object.entries(uses))('rows without a key are noticed by %s', async (_, use) => {
    const table = await relation(cells(false), 'CASE WHEN key <> 4000 THEN key END');
    await expect(use(table)).rejects.toThrow(FewfireError);
    await table.close();
  });
});

it('no statement joins, so that none gives rows in any order', async () => {
  const statements: string[] = [];
  const run = Engine.prototype.run;
  vi.spyOn(Engine.prototype, 'run').mockImplementation(async function (this: Engine, sql, options) {
    statements.push(sql);
    return await run.call(this, sql, options);
  });
  const plan = async (engine: Engine, sql: string): Promise<string> => {
    const rows: unknown[] = [];
    for await (const chunk of await run.call(engine, `EXPLAIN ${sql}`)) rows.push(...chunk.getRows());
    return rows.join('\n');
  };

  const text = Array.from(
    { length: 3000 },
    (_, i) => `${i},${WORDS[i % 12]},${i % 9 === 0 ? 'NA' : WORDS[i % 5]},${i % 7}.5,${'no yes'.split(' ')[i % 2]}\n`,
  );
  const path = join(directory.path, 'plans.csv');
  writeFileSync(path, `id,word,holes,number,flag\n${text.join('')}`);
  const table = await openTable(path, { threads: 2 });
  const mask = Uint8Array.from({ length: 3000 }, (_, i) => (i % 5 === 0 ? 0 : 1));
  for (const missing of ['refuse', 'indicator', 'drop-rows'] as const) {
    const names = ['word', 'number', 'flag', ...(missing === 'refuse' ? [] : ['holes'])];
    await table.encode(fitEncoder(await table.profile(names, { mask }), { missing }).spec);
  }
  await table.texts('word');
  await table.numbers('number');
  const checked = statements.filter((sql) => /^\s*(?:SELECT|CREATE (?:OR REPLACE )?(?:TEMP )?TABLE)/i.test(sql));
  expect(checked.length).toBeGreaterThan(8);

  // The statements again over the engine as it was set up, where the relation still is.
  const engine = await Engine.open({ threads: 2 });
  await engine.run(
    `CREATE TABLE data AS SELECT i::VARCHAR AS c0, ${Engine.list(WORDS)}[1 + i % 12] AS c1, c1 AS c2, '1' AS c3, 'no' AS c4 FROM range(3000) r(i)`,
  );
  for (const sql of statements.filter((sql) => /^SET VARIABLE|^CREATE OR REPLACE TEMP/.test(sql)))
    await engine.run(sql);
  for (const sql of checked) {
    const shown = await plan(engine, sql.replace(/^CREATE TABLE data/, 'CREATE TABLE again'));
    expect(shown, sql).not.toMatch(/JOIN|CROSS_PRODUCT/);
    expect(shown).toMatch(/SCAN|READ_/);
  }
  // The check sees a join where one is.
  expect(await plan(engine, 'SELECT * FROM data a, data b WHERE a.c0 = b.c0')).toMatch(/JOIN/);
  await engine.close();
  await table.close();
});

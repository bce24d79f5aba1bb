/** Whatever is wrong with a source: one error, of one line, that says what was found, expected and to be done. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { FewfireError } from '@fewfire/core';
import { afterAll, describe, expect, it } from 'vitest';
import { unreadable } from '../src/files.ts';
import { type OpenTableOptions, openTable } from '../src/index.ts';
import { duckdbError } from '../src/tables/duckdb-errors.ts';
import { temporaryDirectory } from './table-files.ts';

const root = temporaryDirectory();
afterAll(() => root.remove());
let count = 0;

/** A new directory with these files in it. */
function put(files: Record<string, string | Uint8Array>): string {
  const directory = join(root.path, String(count++));
  mkdirSync(directory);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  return directory;
}

async function failure(source: string, options?: OpenTableOptions): Promise<FewfireError> {
  const error: unknown = await openTable(source, options).then(
    async (table) => {
      await table.close();
      throw new Error(`${source} was opened: ${table.rowCount} rows`);
    },
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(FewfireError);
  const { message } = error as FewfireError;
  expect(message).not.toMatch(/\n/);
  expect(message).not.toMatch(/strict_mode|null_padding|ignore_errors|LINE 1|read_csv|read_json|read_parquet/);
  return error as FewfireError;
}

async function failureOf(name: string, content: string | Uint8Array): Promise<FewfireError> {
  return await failure(join(put({ [name]: content }), name));
}

async function duckdb(path: string, statements: readonly string[]): Promise<void> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  for (const sql of statements) await connection.run(sql);
  connection.disconnectSync();
  instance.closeSync();
}

describe('a path that is no table', () => {
  it('missing file: suggests its neighbour', async () => {
    const directory = put({ 'votes.csv': 'a\n1\n' });
    const error = await failure(join(directory, 'vote.csv'));
    expect(error.code).toBe('file-not-found');
    expect(error.message).toBe(`there is no file ${directory}/vote.csv; did you mean ${directory}/votes.csv?`);
  });

  it('missing file: lists the directory when nothing is close', async () => {
    const directory = put({ 'votes.csv': 'a\n1\n' });
    expect((await failure(join(directory, 'zebra-data.csv'))).message).toContain('has "votes.csv"');
    expect((await failure(join(directory, 'none', 'votes.csv'))).message).toContain('none does not exist either');
  });

  it('directory', async () => {
    const error = await failure(put({}));
    expect(error.code).toBe('file-unreadable');
    expect(error.message).toContain('is a directory, expected a file');
  });

  it('pattern without a match', async () => {
    const error = await failure(join(put({ 'a.csv': 'a\n1\n' }), '*.parquet'));
    expect(error.code).toBe('file-not-found');
    expect(error.message).toMatch(/no file matches .*\*\.parquet/);
  });

  it.each([
    ['t.xlsx', 'ends in .xlsx, expected .csv'],
    ['t.zip.gz', 'ends in .zip.gz, expected .csv'],
  ])('unknown extension: %s', async (name, message) => {
    const error = await failureOf(name, 'a\n1\n');
    expect(error.code).toBe('unsupported');
    expect(error.message).toContain(message);
  });

  it('no permission to read', async () => {
    const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    expect(await unreadable(denied, 'x.csv')).toMatchObject({
      code: 'file-unreadable',
      message: 'cannot read x.csv: permission denied; make it readable (chmod u+r)',
      cause: denied,
    });
    if (process.getuid?.() === 0) return; // who may read everything
    const directory = put({ 'a.csv': 'a\n1\n' });
    chmodSync(join(directory, 'a.csv'), 0);
    expect((await failure(join(directory, 'a.csv'))).message).toContain('permission denied');
  });
});

describe('a table without rows', () => {
  it.each(['t.csv', 't.tsv', 't.parquet', 't.json', 't.ndjson', 't.csv.gz', 't.duckdb'])(
    'empty file: %s',
    async (name) => {
      const error = await failureOf(name, '');
      expect(error.code).toBe('invalid-data');
      expect(error.message).toContain('is empty (0 bytes), expected a table');
    },
  );

  it.each([
    ['blanks only', ' \n \n'],
    ['a byte-order mark only', '\ufeff'],
  ])('CSV with %s', async (_, content) => {
    expect((await failureOf('t.csv', content)).message).toContain('is empty, expected a line with column names');
  });

  it('packed emptiness', async () => {
    expect((await failureOf('t.csv.gz', gzipSync(''))).message).toContain('is empty, expected');
  });

  it.each([
    ['t.csv', 'a,b\n'],
    ['t.csv', 'a,b'],
    ['t.tsv', 'a\tb\r\n'],
  ])('header only: %s', async (name, content) => {
    const error = await failureOf(name, content);
    expect(error.code).toBe('invalid-data');
    expect(error.message).toContain('has a header but no rows; expected at least one');
  });

  it('Parquet and database tables without rows', async () => {
    const directory = put({});
    await duckdb(join(directory, 'd.duckdb'), [
      'CREATE TABLE t(x INT)',
      `COPY (SELECT 1 AS a LIMIT 0) TO '${directory}/p.parquet' (FORMAT parquet)`,
    ]);
    for (const source of ['d.duckdb', 'p.parquet']) {
      expect((await failure(join(directory, source))).message).toContain('has columns but no rows');
    }
  });

  it('JSON without records', async () => {
    for (const content of ['[]', '[1, 2]', '3', '\n\n']) {
      const error = await failureOf('t.json', content);
      expect(error.message.startsWith(root.path) || error.message.startsWith('cannot read'), error.message).toBe(true);
    }
  });

  it('standard input without a byte', async () => {
    const error = await failure('-', { stdin: (async function* () {})() });
    expect(error.code).toBe('invalid-data');
    expect(error.message).toBe('standard input is empty, expected CSV with a header line');
  });
});

describe('ragged CSV', () => {
  it.each([
    ['too few', 'a,b,c\n1,2,3\n1,2\n4,5,6\n', 'line 3 of', 'has 2 fields, expected 3 as in the header'],
    ['too many', 'a,b,c\n1,2,3\n1,2,3\n1,2,3,4\n', 'line 4 of', 'has 4 fields, expected 3'],
    ['one', 'a,b\r\n1,2\r\n7\r\n', 'line 3 of', 'has 1 field, expected 2'],
    ['behind a quoted line break', 'a,b\n"1\n1",2\n3\n', 'line 4 of', 'has 1 field, expected 2'],
    ['behind a quoted line break in the header', '"a\nA",b\r\n1,"2\r\n3"\r\n1\r\n4,5\r\n', 'line 5 of', 'has 1 field'],
    ['far below', `a,b\n${'1,2\n'.repeat(100_000)}1,2,3\n`, 'line 100002 of', 'has 3 fields, expected 2'],
    ['at once', 'a,b\n1,2,3\n4,5,6\n', 'line 2 of', 'has 3 fields, expected 2'],
  ])('%s fields', async (_, content, where, what) => {
    for (const [name, bytes] of [
      ['t.csv', content],
      ['t.csv.gz', gzipSync(content)],
    ] as const) {
      const error = await failureOf(name, bytes);
      expect(error.code).toBe('invalid-data');
      expect(error.message).toContain(where);
      expect(error.message).toContain(what);
    }
  });

  it('a quote that is never closed', async () => {
    const error = await failureOf('t.csv', 'a,b\n1,2\n3,"4\n5,6\n');
    expect(error.message).toMatch(/record at line 3 of .* opens a quote that is never closed/);
    expect((await failureOf('t.csv', '"a,b\n1,2\n')).message).toMatch(/quote/);
  });

  it('text behind a closing quote', async () => {
    expect((await failureOf('t.csv', 'a,b\n1,2\n"3"x,4\n')).message).toMatch(
      /line 3 of .* quoted cell that is not closed/,
    );
  });

  it('a line break in the middle of a line', async () => {
    expect((await failureOf('t.csv', 'a,b\n1\r,2\n')).message).toMatch(/line 2 of .* has 1 field, expected 2/);
  });
});

describe('names of columns', () => {
  it('that occur twice', async () => {
    const error = await failureOf('t.csv', 'a,b,a,b,c\n1,2,3,4,5\n');
    expect(error.code).toBe('invalid-data');
    expect(error.message).toContain('several columns of the same name: "a", "b"; expected every column');
  });

  it('that are missing, a row of cells standing in their place', async () => {
    expect((await failureOf('t.csv', '1,0,1\n0,0,1\n')).message).toContain('is the line with the names missing');
  });

  it('that occur twice in a JSON record, or differ in case only', async () => {
    expect((await failureOf('t.ndjson', '{"a":1,"a":2}\n')).message).toContain('duplicate key "a"');
    expect((await failureOf('t.ndjson', '{"a":1,"A":2}\n')).message).toContain('differ in more than case');
  });

  it('that differ between files', async () => {
    const directory = put({
      'a.csv': 'x,y\n1,2\n',
      'b.csv': 'x,z\n1,2\n',
      'a.ndjson': '{"x":1}',
      'b.ndjson': '{"x":1,"y":2}',
    });
    expect((await failure(join(directory, '*.csv'))).message).toMatch(
      /b\.csv has other columns than .*a\.csv: column 2 is "z", expected "y"/,
    );
    expect((await failure(join(directory, '*.ndjson'))).message).toMatch(
      /b\.ndjson has .* column 2 is "y", expected none/,
    );
  });

  it('of one kind in one file and of another in the next', async () => {
    const directory = put({ 'c.csv': 'x\n1\n', 'd.tsv': 'x\n1\n', 'e.csv': 'a,b\n1,2\n', 'f.csv': 'a;b\n1;2\n' });
    expect((await failure(join(directory, '[cd].*'))).message).toContain('files of different formats');
    expect((await failure(join(directory, '[ef].csv'))).message).toMatch(/f\.csv separates cells by ";", expected ","/);
    await duckdb(':memory:', [
      `COPY (SELECT 1 AS x) TO '${directory}/g.parquet' (FORMAT parquet)`,
      `COPY (SELECT 'u' AS x) TO '${directory}/h.parquet' (FORMAT parquet)`,
    ]);
    expect((await failure(join(directory, '*.parquet'))).message).toMatch(
      /column "x" of .*h\.parquet has the type VARCHAR, expected INTEGER/,
    );
  });
});

describe('text in an encoding that is not known', () => {
  const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
  const refused = async (content: Uint8Array, options?: OpenTableOptions): Promise<string> => {
    const error = await failure(join(put({ 't.csv': content }), 't.csv'), options);
    expect(error.code).toBe('invalid-data');
    return error.message;
  };

  it('UTF-8 with a damaged line', async () => {
    const content = Buffer.concat([Buffer.from('a,b\n1,déjà\n'), bytes('1,caf\xe9\n')]);
    expect(await refused(content)).toMatch(/line 3 of .* is not UTF-8 text, though the rest is/);
  });

  it('UTF-8 with a damaged line far behind the header', async () => {
    const content = Buffer.concat([Buffer.from(`a,b\n${'1,é\n'.repeat(400_000)}`), bytes('1,caf\xe9\n')]);
    expect(await refused(content)).toMatch(/line 400002 of .* is not UTF-8 text, though the rest is/);
  });

  it('Cyrillic, Polish and Japanese of before Unicode, instead of gibberish', async () => {
    for (const line of ['\xec\xee\xf1\xea\xe2\xe0', 'Micha\xb3owski', '\x93\x8c\x8b\x9e']) {
      expect(await refused(bytes(`a,b\n1,${line}\n`))).toMatch(
        /line 2 of .* is not UTF-8 text, and does not read as Western European either; convert it/,
      );
    }
  });

  it('UTF-32, and UTF-16 that breaks off', async () => {
    expect(await refused(bytes('\xff\xfe\0\0a\0\0\0'))).toContain('is UTF-32 text, expected UTF-8 or UTF-16');
    const wide = Buffer.from('\ufeffa,b\n1,2\n', 'utf16le');
    expect(await refused(wide.subarray(0, wide.length - 1))).toContain('is not UTF-16 text, or a damaged file');
  });

  it('another one than was named', async () => {
    expect(await refused(bytes('a,b\n1,2\n1,caf\xe9\n'), { encoding: 'utf-8' })).toMatch(
      /line 3 of .* is not UTF-8 text; convert it/,
    );
    expect(await refused(bytes('a,b\n1,22\n'), { encoding: 'utf-16be' })).toContain('is not UTF-16');
  });
});

describe('options', () => {
  const csv = (): string => join(put({ 't.csv': 'a,b\n1,2\n' }), 't.csv');

  it('that are wrong', async () => {
    const encoding = 'ebcdic' as OpenTableOptions['encoding'];
    expect(await failure(csv(), { encoding })).toMatchObject({
      code: 'invalid-argument',
      message: 'the encoding is "ebcdic", expected one of auto, utf-8, latin1, windows-1252, utf-16le, utf-16be',
    });
    for (const delimiter of ['', '"', '\n', '::', '😀']) {
      expect((await failure(csv(), { delimiter })).message).toContain('expected one character that is neither');
    }
  });

  it('that would change nothing', async () => {
    const path = join(put({ 't.json': '[{"a":1}]' }), 't.json');
    expect((await failure(path, { delimiter: ';' })).message).toContain('t.json is not CSV, and has no delimiter');
    const arrow = join(put({ 't.arrow': 'ARROW1\0\0' }), 't.arrow');
    expect((await failure(arrow, { encoding: 'latin1' })).message).toContain('is not a text file, and has no encoding');
  });
});

describe('damaged files', () => {
  it('that are no Parquet', async () => {
    for (const content of ['hello world, not parquet', 'PAR1', 'x']) {
      const error = await failureOf('t.parquet', content);
      expect(error.code).toBe('file-unreadable');
      expect(error.message).toContain('is not a Parquet file');
      expect(error.cause).toBeInstanceOf(Error);
    }
  });

  it('that are no database', async () => {
    for (const content of ['hello', 'x'.repeat(20_000)]) {
      expect((await failureOf('t.duckdb', content)).message).toContain('is not a DuckDB database');
    }
  });

  it('that are gzip at their beginning only', async () => {
    const packed = gzipSync('a,b\n1,2\n');
    packed.fill(0xff, 10);
    expect((await failureOf('t.csv.gz', packed)).message).toContain('is not a gzip file, or a damaged one');
  });

  it('whose gzip stream ends early, though the engine would read it', async () => {
    const packed = gzipSync(`a,b\n${'1,2\n3,4\n'.repeat(200_000)}`);
    for (const name of ['t.csv.gz', 't.ndjson.gz', 't.parquet.gz']) {
      const content = name === 't.csv.gz' ? packed : gzipSync('{"a":1}\n{"a":2}\n');
      const error = await failureOf(name, content.subarray(0, content.length - 9));
      expect(error.code).toBe('file-unreadable');
      expect(error.message).toContain('ends in the middle of its gzip stream');
    }
  });

  it('of JSON that breaks off', async () => {
    expect((await failureOf('t.ndjson', '{"a":1}\n{"a":\n')).message).toMatch(
      /t\.ndjson ends inside of a list, a record or a text, expected complete JSON/,
    );
  });
});

describe('tables of a database', () => {
  it('unknown: suggests or lists', async () => {
    const path = join(put({}), 'shop.duckdb');
    await duckdb(path, ['CREATE TABLE orders AS SELECT 1 AS x', 'CREATE TABLE items AS SELECT 2 AS y']);
    expect((await failure(`${path}#order`)).message).toBe(
      `${path} has no table "order"; did you mean "orders"?: write ${path}#orders`,
    );
    expect((await failure(`${path}#zebra`)).message).toContain('no table "zebra"; its tables are "items", "orders"');
    expect((await failure(path)).message).toContain('has several tables; its tables are "items", "orders"');
  });

  it('none', async () => {
    const path = join(put({}), 'empty.duckdb');
    await duckdb(path, ['SELECT 1', 'CREATE TABLE t(x INT)', 'DROP TABLE t', 'CHECKPOINT']);
    expect((await failure(path)).message).toContain('has no tables');
  });
});

describe('whatever else the engine says', () => {
  it('becomes one line, with the original as the cause', () => {
    const original = new Error(
      'Invalid Input Error: Something odd.\nPossible fixes:\n* ignore_errors=true\n\nLINE 1: x',
    );
    const error = duckdbError(original, 't.csv') as FewfireError;
    expect(error.message).toBe('cannot read t.csv: Something odd');
    expect(error.cause).toBe(original);
  });

  it('about memory names the option', () => {
    const error = duckdbError(new Error('Out of Memory Error: failed to allocate'), 't.csv') as FewfireError;
    expect(error).toMatchObject({
      code: 'memory-budget',
      message: 'reading t.csv needs more memory than allowed; raise `memoryLimitBytes`',
    });
  });
});

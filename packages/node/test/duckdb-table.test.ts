import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRandom, FewfireError, fitEncoder, memoryTable } from '@fewfire/core';
import { bitAt, readNumber, readText } from '@fewfire/core/internal';
import {
  Table as ArrowTable,
  DateDay,
  Dictionary,
  Field,
  Int32,
  Int64,
  List,
  TimestampMillisecond,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type ContractCell, type ContractColumns, expectParts, tableContract } from '../../core/test/table-contract.ts';
import { openTable } from '../src/index.ts';
import { Engine } from '../src/tables/engine.ts';
import { normalText, quoteIdentifier, quoteLiteral, textNumber } from '../src/tables/sql.ts';
import { arrowBytes, delimited, temporaryDirectory, writers } from './table-files.ts';

const examples = fileURLToPath(new URL('../../../examples/', import.meta.url));
const directory = temporaryDirectory();
afterAll(() => directory.remove());
let fileCount = 0;
const newDirectory = (): string => {
  const path = join(directory.path, String(fileCount++));
  mkdirSync(path);
  return path;
};
const write = (name: string, content: string | Uint8Array): string => {
  const path = join(newDirectory(), name);
  writeFileSync(path, content);
  return path;
};
const ownTemporaryDirectories = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`fewfire-${process.pid}-`));

for (const [format, writer] of Object.entries(writers)) {
  tableContract(format, async (columns) => await openTable(await writer(columns, newDirectory())), {
    textOnly: /csv|tsv/.test(format),
    finiteOnly: /json/.test(format),
    typedTexts: !/csv|tsv/.test(format),
    runs: 6,
  });
}

describe('files and arrays agree', () => {
  const columns: ContractColumns = {
    text: ['a', 'b', ' a ', '?', 'c', 'b', 'b'],
    spelled: ['1', '1.0', '2', 'NA', '3e0', '-0', '0'],
    two: ['no', 'yes', 'no', 'no', 'yes', 'yes', 'no'],
  };
  it.each(Object.keys(writers))('%s', async (format) => {
    const table = await openTable(await writers[format](columns, newDirectory()));
    const memory = memoryTable(columns, { typedTexts: !/csv|tsv/.test(format) });
    const names = Object.keys(columns);
    const profiles = await table.profile(names);
    expect(profiles).toEqual(await memory.profile(names));
    for (const missing of ['indicator', 'drop-rows'] as const) {
      const { spec } = fitEncoder(profiles, { missing });
      expect(await table.encode(spec)).toEqual(await memory.encode(spec));
    }
    await table.close();
  });
});

describe('Arrow', () => {
  const open = async (bytes: Uint8Array): ReturnType<typeof openTable> => openTable(write('table.arrow', bytes));

  it('types other than booleans, doubles and texts are read as what they say', async () => {
    const table = await open(
      tableToIPC(
        new ArrowTable({
          big: vectorFromArray([9007199254740993n, null, -1n], new Int64()),
          small: vectorFromArray([7, 8, null], new Int32()),
          dictionary: vectorFromArray(['x', 'y', 'x'], new Dictionary(new Utf8(), new Int32())),
          day: vectorFromArray([new Date('2024-02-29'), new Date('1969-12-31'), null], new DateDay()),
          time: vectorFromArray([1.5e12, 0, null], new TimestampMillisecond()),
          list: vectorFromArray([[1], [2], [3]], new List(new Field('item', new Int32()))),
        }),
        'file',
      ),
    );
    expect(table.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      ...['big text', 'small number', 'dictionary text', 'day text', 'time text', 'list unusable'],
    ]);
    expect(await table.texts('big', { spelling: 'source' })).toEqual(['9007199254740993', null, '-1']);
    expect(await table.numbers('small')).toEqual(Float64Array.of(7, 8, Number.NaN));
    expect(await table.texts('dictionary')).toEqual(['x', 'y', 'x']);
    expect(await table.texts('day')).toEqual(['2024-02-29', '1969-12-31', null]);
    expect(await table.texts('time')).toEqual(['2017-07-14T02:40', '1970-01-01', null]);
    expect(await table.texts('time', { spelling: 'source' })).toEqual([
      '2017-07-14 02:40:00',
      '1970-01-01 00:00:00',
      null,
    ]);
    await expect(table.texts('list')).rejects.toMatchObject({ code: 'unsupported' });
    await table.close();
  });

  it('many rows in several batches keep their order', async () => {
    const count = 10_000;
    const batches = [0, 1, 2].map(
      (b) =>
        new ArrowTable({ i: vectorFromArray(Float64Array.from({ length: count }, (_, i) => b * count + i)) })
          .batches[0],
    );
    const table = await open(tableToIPC(new ArrowTable(batches), 'stream'));
    expect(Array.from(await table.numbers('i'))).toEqual(Array.from({ length: 3 * count }, (_, i) => i));
    await table.close();
  });

  it('damaged files are named errors, whatever byte is cut or changed', async () => {
    await expect(open(arrowBytes({}, 'file'))).rejects.toThrow('table.arrow has no columns; expected a table');
    const whole = arrowBytes({ a: [1, 2, 3], b: ['x', 'y', 'z'], c: [true, false, null] }, 'file');
    const random = createRandom(4);
    const tried: string[] = [];
    for (let k = 0; k < 60; k++) {
      const bytes = whole.slice(0, k % 2 === 0 ? random.integer(whole.length) : whole.length);
      if (k % 2 === 1) for (let j = 0; j < 4; j++) bytes[random.integer(bytes.length)] = random.integer(256);
      try {
        await (await open(bytes)).close();
        tried.push('read');
      } catch (error) {
        expect(error).toBeInstanceOf(FewfireError);
        // Of its message, not of what the reader stumbled over inside.
        expect((error as FewfireError).message).not.toMatch(/Cannot read|undefined|is not a function/);
        tried.push((error as FewfireError).code);
      }
    }
    expect(tried.filter((outcome) => outcome !== 'read').length).toBeGreaterThan(30);
  });
});

describe('the example data', () => {
  it.each([
    ['chess-kr-vs-kp.csv', 3196, 37, 38],
    ['house-votes-84.csv', 435, 17, 33],
  ])('%s equals the same cells in memory', async (file, rowCount, columnCount, coordinateCount) => {
    const path = join(examples, file);
    const lines = readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','));
    const cells = Object.fromEntries(lines[0].map((name, k) => [name, lines.slice(1).map((line) => line[k])]));
    const memory = memoryTable(cells);
    const table = await openTable(path, { threads: 2 });
    expect([table.rowCount, table.columns.length]).toEqual([rowCount, columnCount]);
    expect(table.provenance).toEqual({
      source: path,
      paths: [path],
      format: 'csv',
      sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
      byteCount: readFileSync(path).length,
      rowCount,
    });
    const names = Object.keys(cells);
    const profiles = await table.profile(names);
    expect(profiles).toEqual(await memory.profile(names));
    const { spec } = fitEncoder(profiles, { missing: 'indicator' });
    const encoded = await table.encode(spec);
    expect(encoded.points.coordinateCount).toBe(coordinateCount);
    expect(encoded).toEqual(await memory.encode(spec));
    await table.close();
  });
});

describe('cells in SQL', () => {
  it('are trimmed, missing and numbers exactly when they are in core', async () => {
    const engine = await Engine.open({});
    const pieces = [
      '1',
      '0',
      '.',
      '+',
      '-',
      'e',
      'E',
      '_',
      ' ',
      '\t',
      '\r',
      'nan',
      'inf',
      'inity',
      '(',
      ')',
      'x',
      'NA',
      '?',
      'é',
      '\u00a0',
      "'",
    ];
    const cells = fc.sample(
      fc.array(fc.constantFrom(...pieces), { maxLength: 6 }).map((parts) => parts.join('')),
      { numRuns: 3000, seed: 3 },
    );
    cells.push(
      '+-1',
      '+-.5',
      '++1',
      '1_0',
      '1__0',
      '_1',
      'nan(1)',
      'NaN',
      '+nan',
      '-inf',
      '+Infinity',
      '1e+',
      '1.e5',
      '1e400',
      '1f',
      ...['9007199254740991', '9007199254740992', '-9007199254740993', '+9007199254740993', '9007199254740993.0'],
      ...['9007199254740993.', '00000000000000000000001', '1'.repeat(40), '1'.repeat(400), '12345678901234567e3'],
    );
    await engine.run('CREATE TABLE cells(c0 VARCHAR)');
    const parts = [];
    for (let row = 0; row < cells.length; row += 2048) parts.push([cells.slice(row, row + 2048)]);
    await engine.append('cells', ['VARCHAR'], parts);
    const rows = await engine.rows(`SELECT t, ${textNumber('t')} FROM (SELECT ${normalText('c0')} AS t FROM cells)`);
    const expected = cells.map((cell) => {
      const text = readText(cell);
      return [text, text === null ? null : (readNumber(text) ?? null)];
    });
    expect(rows.map(([text, number]) => [text, typeof number === 'number' ? number + 0 : number])).toEqual(expected);
    await engine.close();
  });

  it('quote any name and text', async () => {
    const engine = await Engine.open({});
    for (const text of ['a', "it's", '"', '""\'', 'select', '\0', 'a\0b', '🙂', '$1', '-- x', '\\', '\n']) {
      expect((await engine.rows(`SELECT ${quoteLiteral(text)}`))[0][0]).toBe(text);
      if (!text.includes('\0'))
        expect(
          await engine.rows(`SELECT ${quoteIdentifier(text)} FROM (SELECT 1 AS ${quoteIdentifier(text)})`),
        ).toEqual([[1]]);
    }
    await engine.close();
  });
});

describe('openTable', () => {
  it.each([
    ['byte-order mark and CRLF', '\ufeffa,b\r\n1,x\r\n2,y\r\n'],
    ['line ends of old', 'a,b\r1,x\r2,y\r'],
    ['no line end at the end', 'a,b\n1,x\n2,y'],
    ['semicolons', 'a;b\n1;x\n2;y\n'],
    ['bars', 'a|b\n1|x\n2|y\n'],
    ['tabs in a .csv', 'a\tb\n1\tx\n2\ty\n'],
    ['commas in texts between semicolons', 'a;b\n1;"x"\n2;"y"\n'],
    ['spaces around names and cells', ' a , b\n 1 ,x \n2, y\n'],
    ['blank lines', 'a,b\n1,x\n\n2,y\n\n'],
  ])('reads CSV with %s', async (_, content) => {
    const table = await openTable(write('t.csv', content));
    expect(table.columns.map(({ name }) => name)).toEqual(['a', 'b']);
    expect([await table.texts('a'), await table.texts('b')]).toEqual([
      ['1', '2'],
      ['x', 'y'],
    ]);
    await table.close();
  });

  it('reads quoted line breaks, quotes and delimiters', async () => {
    const cells = ['one\ntwo', 'say ""', 'a,b', '"', "'"];
    const x = [1, 2, 3, 4, 5];
    for (const content of [
      delimited({ 'n\nm': cells, x }, ','),
      delimited({ n: cells, x }, ',', '\r\n'),
      delimited({ n: cells, x }, '|', '\n'),
    ]) {
      const table = await openTable(write('t.csv', content));
      expect(await table.texts(table.columns[0].name)).toEqual(cells);
      await table.close();
    }
  });

  it('counts empty lines of a file with one column as missing cells', async () => {
    const table = await openTable(write('t.csv', 'a\n1\n\n2\n'));
    expect(await table.texts('a')).toEqual(['1', null, '2']);
    await table.close();
  });

  it('keeps apart names that differ in case', async () => {
    // The engine writes no such Parquet file, but others do: names of equal length are exchanged in its footer.
    const parquet = await writers.parquet({ name: [1], MORE: [2] }, newDirectory());
    writeFileSync(parquet, Buffer.from(readFileSync(parquet, 'latin1').replaceAll('MORE', 'NAME'), 'latin1'));
    for (const path of [write('t.csv', 'name,NAME\n1,2\n'), write('t.tsv', 'name\tNAME\n1\t2\n'), parquet]) {
      const table = await openTable(path);
      expect(table.columns.map(({ name }) => name)).toEqual(['name', 'NAME']);
      expect([await table.texts('name'), await table.texts('NAME')]).toEqual([['1'], ['2']]);
      await table.close();
    }
  });

  it('keeps spellings of JSON texts that are dates, and reads columns of several types as text', async () => {
    const lines = [
      { t: '2020-01-01T00:00:00Z', d: '2020-01-01', m: 1, n: { x: 1 }, u: '6ba7b810-9dad-11d1-80b4-00c04fd430c8' },
      { t: '2021-01-01T00:00:00Z', d: '2020-01-02', m: 'x', n: null, u: null },
    ];
    const table = await openTable(write('t.jsonl', lines.map((line) => JSON.stringify(line)).join('\n')));
    expect(await table.texts('t', { spelling: 'source' })).toEqual(lines.map(({ t }) => t));
    expect(await table.texts('t')).toEqual(['2020-01-01', '2021-01-01']);
    expect(await table.texts('m')).toEqual(['1', 'x']);
    expect(await table.texts('u')).toEqual(lines.map(({ u }) => u));
    expect(table.columns.map(({ type }) => type)).toEqual(['text', 'text', 'text', 'unusable', 'text']);
    await expect(table.profile(['n'])).rejects.toThrow(
      /column "n" .* has the type STRUCT.*leave it out with `exclude`/,
    );
    await table.close();
  });

  it('maps the types of Parquet', async () => {
    const path = await parquetOf(
      `SELECT true AS b, 1::TINYINT AS i, 9007199254740993::BIGINT AS big, 1.5::DECIMAL(5,2) AS d, 0.1::FLOAT AS f, 'x' AS s,
       DATE '2020-01-02' AS day, TIMESTAMP '2020-01-02 03:04:05' AS at, [1] AS l, {'x': 1} AS st, 'x'::BLOB AS bl, 'u'::ENUM('u', 'v') AS e`,
    );
    const table = await openTable(path);
    expect(Object.fromEntries(table.columns.map(({ name, type }) => [name, type]))).toEqual({
      b: 'boolean',
      i: 'number',
      big: 'text',
      d: 'number',
      f: 'number',
      s: 'text',
      day: 'date',
      at: 'date',
      l: 'unusable',
      st: 'unusable',
      bl: 'unusable',
      e: 'text',
    });
    const shown = ['b', 'i', 'big', 'd', 'f', 's', 'day', 'at', 'e'];
    expect((await Promise.all(shown.map((name) => table.texts(name)))).flat()).toEqual([
      'true',
      '1',
      '9007199254740993',
      '1.5',
      '0.1',
      'x',
      '2020-01-02',
      '2020-01-02T03:04:05',
      'u',
    ]);
    expect(await table.texts('big', { spelling: 'source' })).toEqual(['9007199254740993']);
    await table.close();
  });

  it('reads files that match a pattern in the order of their names', async () => {
    const path = newDirectory();
    const parts = ['b', 'a', 'c'].map((name) => [name, name.repeat(3)]);
    for (const [name, text] of parts) writeFileSync(join(path, `${name}.csv`), `x,y\n${text}1,1\n${text}2,2\n`);
    const table = await openTable(join(path, '*.csv'), { threads: 2 });
    expect(await table.texts('x')).toEqual(['aaa1', 'aaa2', 'bbb1', 'bbb2', 'ccc1', 'ccc2']);
    expect(table.provenance.paths.map((each) => each.slice(-5))).toEqual(['a.csv', 'b.csv', 'c.csv']);
    const bytes = ['a', 'b', 'c'].map((name) => readFileSync(join(path, `${name}.csv`)));
    expect(table.provenance.sha256).toBe(createHash('sha256').update(Buffer.concat(bytes)).digest('hex'));
    await table.close();
  });

  it('reads a file whose own name looks like a pattern', async () => {
    const path = newDirectory();
    writeFileSync(join(path, 'a[1].csv'), 'x,y\n1,2\n');
    writeFileSync(join(path, 'a1.csv'), 'x,y\n3,4\n');
    const table = await openTable(join(path, 'a[1].csv'));
    expect(await table.texts('x')).toEqual(['1']);
    await table.close();
  });

  it('reads CSV from standard input, packed or not', async () => {
    const { gzipSync } = await import('node:zlib');
    const csv = Buffer.from('a,b\n1,x\n2,y\n');
    for (const bytes of [csv, gzipSync(csv)]) {
      const stdin = (async function* () {
        yield bytes.subarray(0, 1);
        yield bytes.subarray(1);
      })();
      const table = await openTable('-', { stdin });
      expect(table.label).toBe('standard input');
      expect(await table.texts('b')).toEqual(['x', 'y']);
      expect(table.provenance).toMatchObject({ source: '-', paths: [], byteCount: bytes.length, rowCount: 2 });
      await table.close();
    }
  });

  it('opens the only table of a database, and views', async () => {
    const path = join(newDirectory(), 'one.duckdb');
    await run([`ATTACH '${path}' AS t`, 'CREATE TABLE t.main.solo AS SELECT 1 AS x', 'DETACH t']);
    const table = await openTable(path);
    expect(await table.texts('x')).toEqual(['1']);
    await table.close();
    await run([
      `ATTACH '${path}' AS t`,
      'USE t',
      'CREATE VIEW twice AS SELECT x * 2 AS y FROM solo',
      'USE memory',
      'DETACH t',
    ]);
    const view = await openTable(`${path}#twice`);
    expect(await view.texts('y')).toEqual(['2']);
    await view.close();
  });

  it('notices when a file changes while it is open', async () => {
    const path = await parquetOf('SELECT i % 2 = 0 AS b FROM range(10) r(i)');
    const table = await openTable(path);
    await run([`COPY (SELECT i % 2 = 0 AS b FROM range(7) r(i)) TO '${path}' (FORMAT parquet)`]);
    await expect(table.profile(['b'])).rejects.toThrow(/gave 7 rows, expected 10: it changed/);
    await table.close();
  });

  it('gives the same for any number of threads', async () => {
    const path = await parquetOf(
      `SELECT (hash(i) % 3 = 0) AS b, (hash(i) % 5)::VARCHAR AS t, i AS n FROM range(200000) r(i)`,
    );
    const results = [];
    for (const threads of [1, 3]) {
      const table = await openTable(path, { threads });
      const profiles = await table.profile(['b', 't', 'n']);
      const { spec } = fitEncoder(profiles);
      const { points, ...encoded } = await table.encode(spec);
      const { rowCount, coordinateCount, planes } = points;
      // Typed arrays of a million bytes are compared in seconds.
      results.push({ profiles, encoded, rowCount, coordinateCount, planes: Buffer.from(planes).toString('base64') });
      expect(bitAt(points, 199_999, coordinateCount - 1)).toBe(1);
      await table.close();
    }
    expect(results[0]).toEqual(results[1]);
  });

  it('encodes in parts what it encodes at once', async () => {
    const select = `SELECT (hash(i) % 5 = 0) AS b, 'w' || hash(i) % 6 AS t, CASE WHEN hash(i) % 7 > 0 THEN hash(i) % 9 END AS n FROM range(300000) r(i)`;
    const columns = { b: [], t: [], n: [] } as Record<string, ContractCell[]>;
    const path = await parquetOf(select);
    const table = await openTable(path, { threads: 2 });
    for (const name of Object.keys(columns)) columns[name] = await table.texts(name);
    for (const missing of ['indicator', 'drop-rows'] as const) {
      const { spec } = fitEncoder(await table.profile(['b', 't', 'n']), { missing });
      await expectParts(table, spec);
      await expectParts(memoryTable(columns), spec);
    }
    await table.close();
  });

  it('reports progress that ends complete', async () => {
    const seen: string[] = [];
    let last = { done: 0, total: 1 };
    const onProgress = (progress: { phase: string; done: number; total: number }): void => {
      seen.push(progress.phase);
      last = progress;
    };
    const table = await openTable(join(examples, 'chess-kr-vs-kp.csv'), { onProgress });
    expect(last.done).toBe(last.total);
    const profiles = await table.profile(['bkblk', 'class'], { onProgress });
    await table.encode(fitEncoder(profiles).spec, { onProgress });
    expect(new Set(seen)).toEqual(new Set(['reading', 'profiling', 'encoding']));
    expect(last).toMatchObject({ done: 3196, total: 3196 });
    await table.close();
  });
});

// What winds down takes its time on a busy machine.
const PATIENT = { timeout: 60_000 };

describe('aborting', () => {
  let table: Awaited<ReturnType<typeof openTable>> | undefined;
  afterEach(async () => table?.close());

  it('rejects opening with the reason and leaves no temporary files', async () => {
    const path = write('big.csv', `a,b\n${'1,2\n'.repeat(3_000_000)}`);
    for (const delay of [0, 10, 40]) {
      const controller = new AbortController();
      const reason = new Error('stop');
      const opening = openTable(path, { signal: controller.signal });
      setTimeout(() => controller.abort(reason), delay);
      await expect(opening).rejects.toBe(reason);
    }
    await expect.poll(ownTemporaryDirectories, PATIENT).toEqual([]);
  });

  it('rejects while standard input is silent', async () => {
    const controller = new AbortController();
    const { PassThrough } = await import('node:stream');
    const stdin = new PassThrough();
    stdin.write('a,b\n1,');
    const opening = openTable('-', { signal: controller.signal, stdin });
    setTimeout(() => controller.abort(), 200);
    await expect(opening).rejects.toThrow(/abort/i);
    await expect.poll(() => stdin.destroyed, PATIENT).toBe(true);
    await expect.poll(ownTemporaryDirectories, PATIENT).toEqual([]);
  });

  it('interrupts a running statement, and the table works on', async () => {
    const engine = await Engine.open({});
    const controller = new AbortController();
    const reason = new Error('stop');
    setTimeout(() => controller.abort(reason), 50);
    // This would take hours.
    const endless = 'SELECT count(*) FROM range(1000000000) a, range(1000000) b WHERE hash(a.range + b.range) = 1';
    await expect(engine.run(endless, { signal: controller.signal })).rejects.toBe(reason);
    expect(await engine.rows('SELECT 42')).toEqual([[42]]);
    await engine.close();
  });

  it('interrupts a statement that has only just been sent', async () => {
    const engine = await Engine.open({});
    const endless = 'SELECT count(*) FROM range(1000000000) a, range(1000000) b WHERE hash(a.range + b.range) = 1';
    for (let round = 0; round < 20; round++) {
      const controller = new AbortController();
      const running = engine.run(endless, { signal: controller.signal });
      // In the round's number of microtasks; the engine's thread may or may not have begun.
      void (async () => {
        for (let i = 0; i < round; i++) await undefined;
        controller.abort();
      })();
      await expect(running).rejects.toThrow(/abort/i);
    }
    expect(await engine.rows('SELECT 42')).toEqual([[42]]);
    await engine.close();
  });

  it('removes its temporary files on close, once', async () => {
    const stdin = (async function* () {
      yield Buffer.from('a\n1\n2\n');
    })();
    const opened = await openTable('-', { stdin });
    expect(ownTemporaryDirectories()).toHaveLength(1);
    await opened.close();
    await opened.close();
    expect(ownTemporaryDirectories()).toEqual([]);
    await expect(opened.texts('a')).rejects.toThrow(/closed/);
  });
});

async function run(statements: readonly string[]): Promise<void> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  for (const sql of statements) await connection.run(sql);
  connection.disconnectSync();
  instance.closeSync();
}

async function parquetOf(select: string): Promise<string> {
  const path = join(newDirectory(), 't.parquet');
  await run([`COPY (${select}) TO '${path}' (FORMAT parquet)`]);
  expect(existsSync(path)).toBe(true);
  return path;
}

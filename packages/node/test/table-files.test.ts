/**
 * Bytes and dialects: what a file is, in which characters, and where its cells end. Each rule of docs/tables.md on files
 * is a title here. The files are written by hand, what they hold is written beside them.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, describe, expect, it } from 'vitest';
import { type OpenTableOptions, openTable } from '../src/index.ts';
import { arrowBytes, temporaryDirectory } from './table-files.ts';

const root = temporaryDirectory();
afterAll(() => root.remove());
let count = 0;

function put(name: string, content: string | Uint8Array): string {
  const directory = join(root.path, String(count++));
  mkdirSync(directory);
  writeFileSync(join(directory, name), content);
  return join(directory, name);
}

interface Read {
  readonly names: readonly string[];
  /** By row. */
  readonly cells: readonly (readonly (string | null)[])[];
  /** Without the names of files. */
  readonly notes: readonly string[];
}

async function read(source: string, options: OpenTableOptions = {}): Promise<Read> {
  const table = await openTable(source, options);
  try {
    const names = table.columns.map(({ name }) => name);
    const columns: (readonly (string | null)[])[] = [];
    for (const name of names) columns.push(await table.texts(name, { spelling: 'source' }));
    const cells = Array.from({ length: table.rowCount }, (_, row) => columns.map((column) => column[row]));
    return { names, cells, notes: table.notes.map((note) => note.replaceAll(source, 'FILE')) };
  } finally {
    await table.close();
  }
}

const readContent = async (content: string | Uint8Array, options?: OpenTableOptions, name = 't.csv'): Promise<Read> =>
  await read(put(name, content), options);

async function refusal(name: string, content: string | Uint8Array, options?: OpenTableOptions): Promise<string> {
  return await readContent(content, options, name).then(
    ({ cells }) => `opened: ${JSON.stringify(cells)}`,
    (error: Error) => {
      expect(error.name).toBe('FewfireError');
      expect(error.message).not.toContain('\n');
      return error.message;
    },
  );
}

const wide = (text: string, bigEndian = false): Buffer => {
  const bytes = Buffer.from(text, 'utf16le');
  return bigEndian ? bytes.swap16() : bytes;
};
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

const CAFE = {
  names: ['città', 'n'],
  cells: [
    ['Orléans', 'x'],
    ['Köln', 'y'],
  ],
};
const CAFE_TEXT = 'città,n\nOrléans,x\nKöln,y\n';
const CAFE_JSON = JSON.stringify([
  { città: 'Orléans', n: 'x' },
  { città: 'Köln', n: 'y' },
]);

describe('encodings', () => {
  it.each([
    ['UTF-8', Buffer.from(CAFE_TEXT), []],
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${CAFE_TEXT}`), []],
    ['UTF-16 with a byte order mark', wide(`\ufeff${CAFE_TEXT}`), ['FILE: read as UTF-16']],
    [
      'big-endian UTF-16 with a byte order mark',
      wide(`\ufeff${CAFE_TEXT}`, true),
      ['FILE: read as UTF-16 (big-endian)'],
    ],
    ['UTF-16 without a mark, by its zeros', wide(CAFE_TEXT), ['FILE: read as UTF-16']],
    ['big-endian UTF-16 without a mark', wide(CAFE_TEXT, true), ['FILE: read as UTF-16 (big-endian)']],
    [
      'Latin-1, recognised because it is not UTF-8',
      latin1(CAFE_TEXT),
      ['FILE: read as Windows-1252 (Latin-1), because it is not UTF-8'],
    ],
  ])('%s: CSV and JSON, packed or not, say so and have the same cells', async (_, bytes, notes) => {
    const marked = bytes.subarray(0, 3).includes(0xef) || bytes[0] >= 0xfe;
    const encode = notes.join().includes('big-endian')
      ? (text: string) => wide(text, true)
      : notes.join().includes('UTF-16')
        ? (text: string) => wide(text)
        : notes.length > 0
          ? latin1
          : (text: string) => Buffer.from(text);
    const json = encode((marked ? '\ufeff' : '') + CAFE_JSON);
    expect(await readContent(bytes)).toEqual({ ...CAFE, notes });
    expect(await readContent(gzipSync(bytes), {}, 't.csv.gz')).toEqual({ ...CAFE, notes });
    expect(await readContent(json, {}, 't.json')).toEqual({ ...CAFE, notes });
    expect(await readContent(gzipSync(json), {}, 't.json.gz')).toEqual({ ...CAFE, notes });
  });

  it('Windows-1252 has its own signs where Latin-1 has control characters', async () => {
    // From the table that Unicode publishes: 80 is the euro, 93 and 94 are quotes, 9f is Y with diaeresis.
    const bytes = latin1('a,b\n5 \x80,\x93so\x94\n5 \x80,\x9f\n');
    const cells = [
      ['5 €', '“so”'],
      ['5 €', 'Ÿ'],
    ];
    expect((await readContent(bytes)).cells).toEqual(cells);
    expect((await readContent(bytes, { encoding: 'windows-1252' })).cells).toEqual(cells);
    expect((await readContent(bytes, { encoding: 'latin1' })).cells[1]).toEqual(['5 \x80', '\x9f']);
  });

  it('an encoding that is named is used, and nothing is said', async () => {
    const cyrillic = latin1('a,b\n\xec\xee\xf1\xea\xe2\xe0,1x\n');
    expect(await readContent(cyrillic, { encoding: 'latin1' })).toEqual({
      names: ['a', 'b'],
      cells: [['ìîñêâà', '1x']],
      notes: [],
    });
    expect((await readContent(wide(CAFE_TEXT), { encoding: 'utf-16le' })).cells).toEqual(CAFE.cells);
  });

  it('what is not UTF-8 far behind the header is read again in the right encoding', async () => {
    const plain = 'abc,def\n'.repeat(300_000);
    const { cells, notes } = await readContent(latin1(`a,b\n${plain}caf\xe9,x\n`));
    expect(cells.length).toBe(300_001);
    expect(cells.at(-1)).toEqual(['café', 'x']);
    expect(notes).toEqual(['FILE: read as Windows-1252 (Latin-1), because it is not UTF-8']);
    const record = '{"a":"abc","b":"def"}\n';
    const json = await readContent(latin1(`${record.repeat(9000)}{"a":"caf\xe9","b":"x"}\n`), {}, 't.ndjson');
    expect(json.cells.at(-1)).toEqual(['café', 'x']);
    expect(json.notes).toEqual(notes);
  });

  it('a character may be cut anywhere between two pieces of a file', async () => {
    // A piece has 2^18 bytes: the first line moves all characters by one byte.
    for (let shift = 0; shift < 4; shift++) {
      const rows = `${'é日😀'.repeat(10)},x\n`.repeat(4000);
      const text = `a${'b'.repeat(shift)},c\n${rows}`;
      for (const bytes of [Buffer.from(text), wide(`\ufeff${text}`), wide(`\ufeff${text}`, true)]) {
        const { cells } = await readContent(bytes);
        expect(cells.length).toBe(4000);
        expect(new Set(cells.map(([cell]) => cell))).toEqual(new Set(['é日😀'.repeat(10)]));
      }
    }
  });

  it('files read together may each have an encoding of their own', async () => {
    const path = put('a.csv', CAFE_TEXT);
    writeFileSync(join(path, '../b.csv'), latin1(CAFE_TEXT));
    writeFileSync(join(path, '../c.csv'), wide(`\ufeff${CAFE_TEXT}`));
    const { cells } = await read(join(path, '../*.csv'));
    expect(cells).toEqual([...CAFE.cells, ...CAFE.cells, ...CAFE.cells]);
  });
});

describe('delimiters', () => {
  const cellsOf = async (text: string, options?: OpenTableOptions, name?: string): Promise<unknown> => {
    const { names, cells } = await readContent(text, options, name);
    return [names, ...cells];
  };

  it.each([
    [
      'a comma',
      'a,b\nx,y z\n',
      [
        ['a', 'b'],
        ['x', 'y z'],
      ],
    ],
    [
      'a semicolon, with decimal commas in every cell',
      'x;y\n1,5;2,5\n2,5;1,5\n',
      [
        ['x', 'y'],
        ['1,5', '2,5'],
        ['2,5', '1,5'],
      ],
    ],
    [
      'of two that agree alike the one by which quotes stand around cells',
      'c;d|"e|f"\nna|a;b\n',
      [
        ['c;d', 'e|f'],
        ['na', 'a;b'],
      ],
    ],
    [
      'a semicolon, with a comma in every name too',
      'x, mm;y, mm;z, mm\n1,5 a;2,5 b;3,5 c\n',
      [
        ['x, mm', 'y, mm', 'z, mm'],
        ['1,5 a', '2,5 b', '3,5 c'],
      ],
    ],
    [
      'a tab, with commas in cells and names',
      'a, b\tc\n1, 2\tx\n',
      [
        ['a, b', 'c'],
        ['1, 2', 'x'],
      ],
    ],
    [
      'a bar',
      'a|b\nx, y|1;2\nz|3\n',
      [
        ['a', 'b'],
        ['x, y', '1;2'],
        ['z', '3'],
      ],
    ],
    [
      'a comma, with a semicolon in one name',
      'a;A,b,c\nx,y,z\n',
      [
        ['a;A', 'b', 'c'],
        ['x', 'y', 'z'],
      ],
    ],
    [
      'a comma, with several values to a cell',
      'id,tags\nx,a;b\ny,c;d\n',
      [
        ['id', 'tags'],
        ['x', 'a;b'],
        ['y', 'c;d'],
      ],
    ],
    [
      'the one that most records agree on, not only the first two',
      'a;b,B\nx;y\nz;u,v\nx;w\n',
      [
        ['a', 'b,B'],
        ['x', 'y'],
        ['z', 'u,v'],
        ['x', 'w'],
      ],
    ],
    [
      'none: one column, whatever is in its cells',
      'remark\nyes, sir\nno; never\na\tb|c\n',
      [['remark'], ['yes, sir'], ['no; never'], ['a\tb|c']],
    ],
    ['none, though one is in the name', 'size, cm\n180\n175\n190\n', [['size, cm'], ['180'], ['175'], ['190']]],
  ])('recognised: %s', async (_, text, expected) => {
    expect(await cellsOf(text)).toEqual(expected);
  });

  it('lines of several cells below a header of one are ragged, not one column', async () => {
    expect(await refusal('t.csv', 'a\n1,2\n3,4\n')).toMatch(/line 2 of .* has 2 fields, expected 1/);
  });

  it.each([
    ['a tab', '\t'],
    ['any other character', '#'],
    ['one outside ASCII', '§'],
    ['a space', ' '],
    ['a letter', 'X'],
  ])('named: %s', async (_, delimiter) => {
    const text = `a${delimiter}b,c\n"1${delimiter}2"${delimiter}y,"z"\n`;
    expect(await cellsOf(text, { delimiter })).toEqual([
      ['a', 'b,c'],
      [`1${delimiter}2`, 'y,"z"'],
    ]);
  });

  it('a name that ends in .tsv is believed, unless there are no tabs, which is said', async () => {
    expect(await cellsOf('a,b\tc,d\n1,2\t3,4\n', {}, 't.tsv')).toEqual([
      ['a,b', 'c,d'],
      ['1,2', '3,4'],
    ]);
    const { cells, notes } = await readContent('a;b\nx;y\n', {}, 't.tsv');
    expect({ cells, notes }).toEqual({ cells: [['x', 'y']], notes: ['FILE: cells are between ";", not tabs'] });
  });

  it("Excel's line sep=; is followed, and is no row", async () => {
    for (const line of ['sep=;', 'SEP=;', '"sep=;"']) {
      expect(await cellsOf(`${line}\r\na;b,c\r\n1,5;x\r\n`)).toEqual([
        ['a', 'b,c'],
        ['1,5', 'x'],
      ]);
    }
    expect(await cellsOf('sep=\t\na\tb\nx\ty\n')).toEqual([
      ['a', 'b'],
      ['x', 'y'],
    ]);
  });

  it('files of other delimiters are not read together', async () => {
    const path = put('a.csv', 'a,b\nx,y\n');
    writeFileSync(join(path, '../b.csv'), 'a;b\nx;y\n');
    await expect(openTable(join(path, '../*.csv'))).rejects.toThrow(/b\.csv separates cells by ";", expected ","/);
  });
});

describe('records and quotes', () => {
  const PLAIN = [
    ['a', 'b'],
    ['x', 'y'],
    ['z', 'u v'],
  ];
  it.each([
    ['LF', 'a,b\nx,y\nz,u v\n'],
    ['CRLF', 'a,b\r\nx,y\r\nz,u v\r\n'],
    ['CR', 'a,b\rx,y\rz,u v\r'],
    ['mixed', 'a,b\r\nx,y\nz,u v\r\n'],
    ['mixed the other way', 'a,b\nx,y\r\nz,u v\n'],
    ['CR CR LF, as a program writes that turns LF into CR LF twice', 'a,b\r\r\nx,y\r\r\nz,u v\r\r\n'],
    ['none at the end', 'a,b\nx,y\nz,u v'],
  ])('line breaks: %s', async (_, text) => {
    const { names, cells } = await readContent(text);
    expect([names, ...cells]).toEqual(PLAIN);
  });

  it.each([
    ['above the header', '\n\r\n  \na,b\nx,y\nz,u v\n'],
    ['between rows', 'a,b\n\nx,y\n   \nz,u v\n'],
    ['at the end', 'a,b\nx,y\nz,u v\n\n\n'],
  ])('blank lines are no rows: %s', async (_, text) => {
    const { names, cells } = await readContent(text);
    expect([names, ...cells]).toEqual(PLAIN);
  });

  it('in a table of one column a blank line is a row without a value', async () => {
    for (const end of ['\n', '\r\n', '\r\r\n']) {
      const { cells } = await readContent(['', 'a', 'x', '', 'y', ''].join(end));
      expect(cells).toEqual([['x'], [null], ['y']]);
    }
  });

  it('a line break in a quoted name (rows were lost)', async () => {
    const { names, cells } = await readContent('"a\nA",b\r\nx,y\r\nz,u v\r\n');
    expect([names, ...cells]).toEqual([['a\nA', 'b'], ...PLAIN.slice(1)]);
  });

  it('quoted cells hold delimiters, line breaks of any kind and doubled quotes', async () => {
    const { cells } = await readContent('a,b\n"x,\r\n1\r2\n3","say ""so"""\n"",""\n');
    expect(cells).toEqual([
      ['x,\r\n1\r2\n3', 'say "so"'],
      [null, null],
    ]);
  });

  it('blanks around a quoted cell are not part of it', async () => {
    const { cells } = await readContent('a,b\n"x" , "y, z"\n\t"u",v\n');
    expect(cells).toEqual([
      ['x', 'y, z'],
      ['u', 'v'],
    ]);
    // In a file of one column the engine took such quotes for characters.
    expect((await readContent('a\nx y\n  "z"\n')).cells).toEqual([['x y'], ['z']]);
  });

  it('a quote inside a cell without quotes is a character', async () => {
    const { cells } = await readContent('size,b\n5" nail,say "so"\n6",\n');
    expect(cells).toEqual([
      ['5" nail', 'say "so"'],
      ['6"', null],
    ]);
  });

  it('a very long cell, longer than the buffer of the reader', async () => {
    const long = 'x'.repeat(9e6);
    const { cells } = await readContent(`a,b\n1 m,${long}\n2 m,y\n`);
    expect(cells.map(([, b]) => b)).toEqual([long, 'y']);
    expect(await refusal('t.csv', `a,b\n"${long.repeat(4)}\n1,2\n`)).toMatch(/opens a quote that is never closed/);
  });

  it('a zero byte is a character', async () => {
    expect((await readContent('a,b\nx\0y,z\n')).cells).toEqual([['x\0y', 'z']]);
  });
});

describe('what a file is', () => {
  const columns = { a: ['x', 'y'], b: ['z', 'u'] };
  const expected = {
    names: ['a', 'b'],
    cells: [
      ['x', 'z'],
      ['y', 'u'],
    ],
  };
  const CSV = 'a,b\nx,z\ny,u\n';
  const JSON_TEXT = '[{"a":"x","b":"z"},{"a":"y","b":"u"}]';

  async function engineFile(sql: (path: string) => string[], name: string): Promise<Uint8Array> {
    const path = put(name, '');
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    for (const statement of sql(`${path}.made`)) await connection.run(statement);
    connection.disconnectSync();
    instance.closeSync();
    return readFileSync(`${path}.made`);
  }
  const ROWS = "SELECT * FROM (VALUES ('x', 'z'), ('y', 'u')) AS t(a, b)";
  const parquet = (): Promise<Uint8Array> =>
    engineFile((path) => [`COPY (${ROWS}) TO '${path}' (FORMAT parquet)`], 'p');
  const database = (): Promise<Uint8Array> =>
    engineFile((path) => [`ATTACH '${path}' AS made`, `CREATE TABLE made.t AS ${ROWS}`, 'DETACH made'], 'd');

  it.each(['t.csv', 't.parquet', 't.json', 't', 't.dat'])('Parquet, Arrow and databases called %s', async (name) => {
    const note = (format: string): string[] =>
      name === `t.${format.toLowerCase()}` ? [] : [`FILE: read as ${format}`];
    expect(await readContent(await parquet(), {}, name)).toEqual({ ...expected, notes: note('Parquet') });
    expect(await readContent(arrowBytes(columns, 'file'), {}, name)).toEqual({ ...expected, notes: note('Arrow') });
    expect(await readContent(arrowBytes(columns, 'stream'), {}, name)).toEqual({ ...expected, notes: note('Arrow') });
    expect(await readContent(await database(), {}, name)).toEqual({ ...expected, notes: note('a DuckDB database') });
  });

  it('a database called .db, with a table of it', async () => {
    const path = put('t.db', await database());
    expect((await read(`${path}#t`)).cells).toEqual(expected.cells);
  });

  it('CSV in a file called .txt, .dat, .data or nothing', async () => {
    for (const name of ['t.txt', 't.dat', 't.data', 't']) {
      expect(await readContent(CSV, {}, name)).toEqual({ ...expected, notes: ['FILE: read as CSV'] });
    }
    expect(await refusal('t.mp3', CSV)).toContain('ends in .mp3, expected .csv');
    expect(await refusal('t', 'a\0b\x01\x02')).toContain('has no extension, expected .csv');
  });

  it('JSON called .csv or nothing', async () => {
    for (const name of ['t.csv', 't', 't.txt']) {
      expect(await readContent(JSON_TEXT, {}, name)).toEqual({ ...expected, notes: ['FILE: read as JSON'] });
    }
    expect((await readContent('[a],{b}\nx,z\ny,u\n')).names).toEqual(['[a]', '{b}']);
  });

  it.each(['[{"a":1},{"a":2},', '[{"a":1},{"a":2}', '{"a":1}\n{"a":2', '[{"a":"x"},{"a":"y'])(
    'JSON that was cut off is refused (the records before the cut were a table): %s',
    async (text) => {
      expect(await refusal('cut.json', text)).toMatch(
        /ends inside of a list, a record or a text, expected complete JSON/,
      );
    },
  );

  it('a comma before the brace that closes a record is passed over', async () => {
    for (const text of ['{"a":"x","b":"y",}\n{"a":"z","b":"u"}', '[{"a":"x","b":"y" ,},{"a":"z","b":"u"}]']) {
      expect((await readContent(text, {}, 't.json')).cells).toEqual([
        ['x', 'y'],
        ['z', 'u'],
      ]);
    }
  });

  it('records in a list, on a line each or over several lines, called .json or .ndjson', async () => {
    const records = JSON.parse(JSON_TEXT);
    for (const name of ['t.json', 't.ndjson', 't.jsonl']) {
      for (const text of [
        JSON_TEXT,
        JSON.stringify(records, null, 2),
        records.map((record: unknown) => `${JSON.stringify(record)}\n`).join(''),
        records.map((record: unknown) => JSON.stringify(record, null, 2)).join('\n'),
      ]) {
        expect(await readContent(text, {}, name)).toEqual({ ...expected, notes: [] });
      }
    }
  });

  it('a key of JSON that is empty is called by its place (its cells were all missing)', async () => {
    for (const text of [
      '[{"a":"x","":"z"},{"":"u","a":"y"},{"a":"w","":null}]',
      '{"a":"x", "" : "z"}\n{"":"u","a":"y"}\n{"a":"w"}\n',
    ]) {
      const { names, cells } = await readContent(text, {}, 't.json');
      expect(names).toEqual(['a', 'column2']);
      expect(cells).toEqual([
        ['x', 'z'],
        ['y', 'u'],
        ['w', null],
      ]);
    }
    // Inside a value it is that value's.
    expect((await readContent('[{"a":"x","b":"\\"\\",{"}]', {}, 't.json')).cells).toEqual([['x', '"",{']]);
  });

  it('null is a missing cell of JSON; a list or record in a record is refused when it is used', async () => {
    const path = put('t.json', '[{"a":"x","b":[1]},{"a":null,"b":[2]},{"b":null},{"a":"y"}]');
    const table = await openTable(path);
    expect(await table.texts('a')).toEqual(['x', null, null, 'y']);
    await expect(table.texts('b')).rejects.toThrow(/column "b" of .* has the type .*\[\], expected/);
    await table.close();
  });

  it('gzip by its bytes: packed without .gz, or .gz without being packed', async () => {
    const packed = gzipSync(CSV);
    expect(await readContent(packed)).toEqual({ ...expected, notes: ['FILE: packed by gzip, unpacked'] });
    expect(await readContent(CSV, {}, 't.csv.gz')).toEqual({
      ...expected,
      notes: ['FILE: ends in .gz but is not packed, read as it is'],
    });
    expect((await readContent(gzipSync(JSON_TEXT), {}, 't.json')).cells).toEqual(expected.cells);
    expect((await readContent(gzipSync(await parquet()), {}, 't.parquet')).cells).toEqual(expected.cells);
    expect((await readContent(gzipSync(arrowBytes(columns, 'file')), {}, 't.arrow')).cells).toEqual(expected.cells);
    expect((await readContent(packed, {}, 't.gz')).cells).toEqual(expected.cells);
  });

  it('standard input: packed, JSON, Parquet and Arrow too', async () => {
    const piped = async (bytes: string | Uint8Array): Promise<Read> =>
      await read('-', {
        stdin: (async function* () {
          yield Buffer.from(bytes);
        })(),
      });
    expect((await piped(gzipSync(CSV))).cells).toEqual(expected.cells);
    expect(await piped(JSON_TEXT)).toEqual({ ...expected, notes: ['standard input: read as JSON'] });
    expect((await piped(gzipSync(JSON_TEXT))).cells).toEqual(expected.cells);
    expect((await piped(await parquet())).cells).toEqual(expected.cells);
    expect((await piped(arrowBytes(columns, 'stream'))).cells).toEqual(expected.cells);
    expect((await piped(wide(`\ufeff${CSV}`))).cells).toEqual(expected.cells);
    await expect(piped(await database())).rejects.toThrow(/is a DuckDB database, expected a table; give its file/);
  });

  it.each([
    ['an Excel workbook (.xlsx)', 'PK\x03\x04\x14\0\x06\0\x08\0[Content_Types].xml'],
    ['an OpenDocument spreadsheet', 'PK\x03\x04mimetypeapplication/vnd.oasis.opendocument.spreadsheet'],
    ['a NumPy archive (.npz)', 'PK\x03\x04\x14\0\0\0arr_0.npy'],
    ['a zip archive', 'PK\x03\x04\x14\0\0\0table.csv'],
    ['an old Excel workbook (.xls)', '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0'],
    ['a SQLite database', 'SQLite format 3\0\x10\0'],
    ['an R data file', gzipSync('X\n\0\0\0\x03\0')],
    ['a NumPy array (.npy)', '\x93NUMPY\x01\0'],
    ['a Python pickle', '\x80\x04\x95\x1a\0\0\0'],
    ['an HDF5 file', '\x89HDF\r\n\x1a\n'],
    ['a Stata file', '<stata_dta><header>'],
    ['packed by bzip2', 'BZh91AY&SY'],
    ['packed by xz', '\xfd7zXZ\0'],
    ['packed by zstd', '\x28\xb5\x2f\xfd\x04'],
    ['packed by gzip twice', gzipSync(gzipSync('a,b\n'))],
    ['a PDF document', '%PDF-1.7\n'],
    ['a web page (HTML)', '\n<!DOCTYPE html><html><body>Sign in'],
    ['a web page (HTML)', wide('\ufeff<html><table><tr>')],
    ['an XML file', '<?xml version="1.0"?><rows/>'],
    ['an ARFF file', '% made by hand\n@RELATION iris\n'],
    ['a pointer of Git LFS, not the data', 'version https://git-lfs.github.com/spec/v1\noid sha256:12\n'],
  ])('no table, whatever it is called: %s', async (what, content) => {
    const bytes = typeof content === 'string' ? latin1(content) : content;
    for (const name of ['t.csv', 't.parquet', 't', 't.xlsx']) {
      expect(await refusal(name, bytes)).toMatch(/is .*, expected a table as CSV, JSON, Parquet or Arrow; \w/);
      expect(await refusal(name, bytes)).toContain(` is ${what}, expected`);
    }
  });
});

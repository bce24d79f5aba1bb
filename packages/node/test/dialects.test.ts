/**
 * Random dialects, some of them damaged, against a plain reader that shares no code with the packages (`dialects/`). Here
 * a few; `bench/cases/dialects.mjs` takes 20,000.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { openTable } from '../src/index.ts';
import { type CsvRecord, recordCells, splitCsv } from '../src/tables/csv-records.ts';
import { decodeText, type KnownEncoding } from '../src/tables/encoding.ts';
import { checkFile, checkRandomFile, type OpenTable } from './dialects/check.ts';
import { oracleGrid, oracleText } from './dialects/csv-oracle.ts';
import { randomFile, randomNumbers } from './dialects/random-file.ts';
import { temporaryDirectory } from './table-files.ts';

const root = temporaryDirectory();
afterAll(() => root.remove());

const BATCHES = 6;
const PER_BATCH = 20;

it.each(Array.from({ length: BATCHES }, (_, i) => 1 + i * PER_BATCH))(
  'files of random dialects are read as the plain reader reads them, or refused in a line (from seed %i)',
  async (first) => {
    const differences: string[] = [];
    let opened = 0;
    for (let seed = first; seed < first + PER_BATCH; seed++) {
      const { difference, refused } = await checkFile(seed, openTable, root.path);
      if (difference !== undefined) differences.push(`${seed}: ${difference}`);
      if (!refused) opened++;
    }
    expect(differences).toEqual([]);
    expect(opened).toBeGreaterThan(PER_BATCH / 2);
  },
);

describe('the checker', () => {
  const seeds = Array.from({ length: 30 }, (_, i) => i + 1);
  const csv = seeds.map(randomFile).filter(({ kind, isDamaged, meant }) => {
    return kind === 'csv' && !isDamaged && meant.names.length > 1 && meant.cells.length > 1;
  });
  const SOURCE = { spelling: 'source' } as const;
  const planted = async (open: OpenTable): Promise<number> => {
    let seen = 0;
    for (const file of csv) if ((await checkRandomFile(file, open, root.path)).difference !== undefined) seen++;
    return seen;
  };
  const opened = async (source: string, options: object): ReturnType<OpenTable> => await openTable(source, options);

  it('sees a cell, a row or a name that is another one, an error of another kind, and one of two lines', async () => {
    expect(csv.length).toBeGreaterThan(7);
    const spoilt = (change: (table: Awaited<ReturnType<OpenTable>>) => object): OpenTable => {
      return async (source, options) => {
        const table = await opened(source, options);
        return {
          ...{ rowCount: table.rowCount, columns: table.columns },
          ...{ texts: (name: string) => table.texts(name, SOURCE), close: () => table.close() },
          ...change(table),
        };
      };
    };
    const cell = spoilt((table) => ({
      texts: async (name: string) =>
        (await table.texts(name, SOURCE)).map((text, row) => (row === 0 ? `${text}!` : text)),
    }));
    expect(await planted(cell)).toBe(csv.length);
    expect(await planted(spoilt(({ rowCount }) => ({ rowCount: rowCount - 1 })))).toBe(csv.length);
    const renamed = spoilt((table) => ({
      columns: table.columns.map(({ name }) => ({ name: `${name}_1` })),
      texts: (name: string) => table.texts(name.slice(0, -2), SOURCE),
    }));
    expect(await planted(renamed)).toBe(csv.length);
    const thrown = (name: string, message: string): OpenTable => {
      return () => Promise.reject(Object.assign(new Error(message), { name }));
    };
    expect(await planted(thrown('TypeError', 'x is undefined'))).toBe(csv.length);
    expect(await planted(thrown('FewfireError', 'one\ntwo'))).toBe(csv.length);
    expect(await planted(thrown('FewfireError', 'no'))).toBe(csv.length);
  });
});

describe('text that comes in pieces', () => {
  it.each([1, 2, 3, 4, 5, 6])('is cut into the same records wherever it is cut (seed %i)', (seed) => {
    const random = randomNumbers(seed);
    for (let round = 0; round < 300; round++) {
      const alphabet = ['a', ',', '"', '\n', '\r', ' ', '\r\n', '""', '"b,\n"'];
      const text = Array.from({ length: 25 }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
      const cut = (size: () => number): string => {
        const records: string[][] = [];
        const onRecord = (record: CsvRecord): void => {
          const cells = recordCells(record.text, ',');
          expect(cells.length).toBe(record.fieldCount);
          records.push([String(record.line), ...cells]);
        };
        const splitter = splitCsv('t', ',');
        try {
          for (let at = 0; at < text.length; ) {
            const end = at + size();
            splitter.push(text.slice(at, end), onRecord);
            at = end;
          }
          splitter.finish(onRecord);
        } catch (error) {
          return (error as Error).message;
        }
        return JSON.stringify(records);
      };
      const whole = cut(() => text.length);
      expect(cut(() => 1)).toBe(whole);
      expect(cut(() => 1 + Math.floor(random() * 4))).toBe(whole);
    }
  });

  it('has the same characters wherever its bytes are cut', async () => {
    const text = '\ufeffé日😀,Ω\n\ufeff';
    const high = Buffer.from([0xe9, 0x2c, 0x80, 0x9f, 0x41]);
    const bytes: readonly (readonly [KnownEncoding, Uint8Array])[] = [
      ['utf-8', Buffer.from(text)],
      ['utf-16le', Buffer.from(text, 'utf16le')],
      ['utf-16be', Buffer.from(text, 'utf16le').swap16()],
      ['windows-1252', high],
      ['latin1', high],
    ];
    for (const [encoding, all] of bytes) {
      for (const size of [1, 2, 3, 5, all.length]) {
        const pieces = async function* (): AsyncGenerator<Uint8Array> {
          for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size);
        };
        let read = '';
        for await (const piece of decodeText(pieces(), encoding, 't')) read += piece;
        expect(read).toBe(oracleText(all, encoding));
      }
    }
  });
});

it('the plain reader reads the example of RFC 4180', () => {
  const text = 'field_name,field2,field3\r\naaa,"b\r\nbb","c""cc"\r\nzzz,,xxx';
  expect(oracleGrid(text, ',')).toEqual({
    names: ['field_name', 'field2', 'field3'],
    cells: [
      ['aaa', 'b\r\nbb', 'c"cc'],
      ['zzz', '', 'xxx'],
    ],
  });
});

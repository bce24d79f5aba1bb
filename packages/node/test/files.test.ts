import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { FewfireError } from '@fewfire/core';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { replaceFile, unwritable } from '../src/files.ts';
import {
  csvChunks,
  type OutputColumn,
  openTable,
  readFileChunks,
  readTextFile,
  sha256File,
  sourceFiles,
  writeFileAtomic,
  writeTable,
} from '../src/index.ts';
import { temporaryDirectory } from './table-files.ts';

const root = temporaryDirectory();
afterAll(() => root.remove());
let count = 0;
const newDirectory = (): string => {
  const path = join(root.path, String(count++));
  mkdirSync(path);
  return path;
};

async function failure(writing: Promise<unknown>): Promise<FewfireError> {
  const error: unknown = await writing.then(
    () => new Error('it was written'),
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(FewfireError);
  expect((error as Error).message).not.toContain('\n');
  return error as FewfireError;
}

describe('writeFileAtomic', () => {
  it('writes texts, bytes and streams', async () => {
    const path = join(newDirectory(), 'f');
    await writeFileAtomic(path, 'one');
    expect(readFileSync(path, 'utf8')).toBe('one');
    await writeFileAtomic(path, Uint8Array.of(1, 2, 3));
    expect([...readFileSync(path)]).toEqual([1, 2, 3]);
    await writeFileAtomic(path, ['é', Uint8Array.of(0x21)]);
    expect(readFileSync(path, 'utf8')).toBe('é!');
    expect(readdirSync(join(path, '..'))).toEqual(['f']);
  });

  it('keeps the mode of the file it replaces, and the link that leads to it', async () => {
    const directory = newDirectory();
    writeFileSync(join(directory, 'real'), 'old', { mode: 0o640 });
    symlinkSync('real', join(directory, 'link'));
    await writeFileAtomic(join(directory, 'link'), 'new');
    expect(lstatSync(join(directory, 'link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(directory, 'real'), 'utf8')).toBe('new');
    expect(statSync(join(directory, 'real')).mode & 0o777).toBe(0o640);
  });

  it('changes nothing when aborted in the middle', async () => {
    for (const existing of [true, false]) {
      const directory = newDirectory();
      const path = join(directory, 'f');
      if (existing) writeFileSync(path, 'old');
      const controller = new AbortController();
      const reason = new Error('stop');
      let seen: string[] = [];
      const data = (async function* () {
        yield 'first';
        seen = readdirSync(directory);
        controller.abort(reason);
        yield 'second';
      })();
      await expect(writeFileAtomic(path, data, { signal: controller.signal })).rejects.toBe(reason);
      expect(seen.filter((name) => name.endsWith('.tmp'))).toHaveLength(1);
      expect(readdirSync(directory)).toEqual(existing ? ['f'] : []);
      if (existing) expect(readFileSync(path, 'utf8')).toBe('old');
    }
  });

  it('asks right before it replaces, and changes nothing when that is refused', async () => {
    const directory = newDirectory();
    const path = join(directory, 'f');
    writeFileSync(path, 'old');
    const asked: string[] = [];
    const refuse = async (target: string): Promise<void> => {
      const [complete] = readdirSync(directory).filter((name) => name.endsWith('.tmp'));
      asked.push(target, readFileSync(join(directory, complete), 'utf8'));
      throw new FewfireError('file-unwritable', 'not this one');
    };
    expect((await failure(writeFileAtomic(path, ['n', 'ew'], { beforeReplacing: refuse }))).message).toBe(
      'not this one',
    );
    expect(asked).toEqual([path, 'new']);
    expect(readdirSync(directory)).toEqual(['f']);
    expect(readFileSync(path, 'utf8')).toBe('old');
  });

  it('changes nothing when the data fail', async () => {
    const path = join(newDirectory(), 'f');
    writeFileSync(path, 'old');
    const data = (function* () {
      yield 'first';
      throw new Error('no more');
    })();
    await expect(writeFileAtomic(path, data)).rejects.toThrow('no more');
    expect(readdirSync(join(path, '..'))).toEqual(['f']);
    expect(readFileSync(path, 'utf8')).toBe('old');
  });

  it('changes nothing when the disk is full', async () => {
    const path = join(newDirectory(), 'f');
    writeFileSync(path, 'old');
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const error = await failure(
      replaceFile(path, async (temporary) => {
        writeFileSync(temporary, 'half');
        throw full;
      }),
    );
    expect(error).toMatchObject({ code: 'file-unwritable', cause: full });
    expect(error.message).toBe(`cannot write ${path}: no space left on the disk; free some or choose another path`);
    expect(readdirSync(join(path, '..'))).toEqual(['f']);
    expect(readFileSync(path, 'utf8')).toBe('old');
  });

  it.runIf(existsSync('/dev/full'))('says so when a device is full, and does not replace the device', async () => {
    expect((await failure(writeFileAtomic('/dev/full', 'text'))).message).toContain('no space left');
    expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
  });

  it('says what is wrong with the path', async () => {
    const directory = newDirectory();
    writeFileSync(join(directory, 'file'), '');
    const missing = await failure(writeFileAtomic(join(directory, 'none', 'f'), 'x'));
    expect(missing.code).toBe('file-unwritable');
    expect(missing.message).toContain(`the directory ${directory}/none does not exist; create it first`);
    expect((await failure(writeFileAtomic(directory, 'x'))).message).toContain('it is a directory; add a file name');
    expect((await failure(writeFileAtomic(join(directory, 'file', 'f'), 'x'))).message).toContain('is not a directory');
    const denied = unwritable(Object.assign(new Error('EACCES'), { code: 'EACCES' }), 'x') as FewfireError;
    expect(denied.message).toContain('permission denied; choose another path');
  });

  it('rejects at once when already aborted', async () => {
    const path = join(newDirectory(), 'f');
    await expect(writeFileAtomic(path, 'x', { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    expect(existsSync(path)).toBe(false);
  });
});

describe('readTextFile and sha256File', () => {
  it('read', async () => {
    const path = join(newDirectory(), 'f.txt');
    writeFileSync(path, 'abc');
    expect(await readTextFile(path)).toBe('abc');
    expect(await sha256File(path)).toEqual({
      sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      byteCount: 3,
    });
  });

  it('say what is wrong', async () => {
    const directory = newDirectory();
    writeFileSync(join(directory, 'model.json'), Uint8Array.of(0xff, 0x00));
    for (const read of [readTextFile, sha256File]) {
      const missing = await failure(read(join(directory, 'modle.json')));
      expect(missing.code).toBe('file-not-found');
      expect(missing.message).toContain(`did you mean ${directory}/model.json?`);
      expect((await failure(read(directory))).message).toContain('is a directory');
    }
    expect((await failure(readTextFile(join(directory, 'model.json')))).message).toContain('is not UTF-8 text');
  });
});

describe('readFileChunks', () => {
  it('rejects with the reason when aborted while the file is opened, and nothing is thrown elsewhere', async () => {
    const path = join(newDirectory(), 'a.txt');
    writeFileSync(path, 'x');
    const controller = new AbortController();
    const reason = new Error('stop');
    const elsewhere: unknown[] = [];
    const note = (error: unknown): void => void elsewhere.push(error);
    process.on('uncaughtException', note);
    const reading = readFileChunks(path, controller.signal).next();
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.off('uncaughtException', note);
    expect(elsewhere).toEqual([]);
  });
});

describe('sourceFiles', () => {
  it('are the files that a table is read from', async () => {
    const directory = newDirectory();
    for (const name of ['a.csv', 'b.csv', 'c[1].csv', 'd.tsv']) writeFileSync(join(directory, name), 'x\n1\n');
    for (const source of ['a.csv', '*.csv', '?.csv', '[ab].csv', 'c[1].csv', './b.csv'].map((each) =>
      join(directory, each),
    )) {
      const table = await openTable(source);
      expect(await sourceFiles(source)).toEqual(table.provenance.paths);
      await table.close();
    }
  });

  it('are none of standard input, and the database and its log of a table in one', async () => {
    expect(await sourceFiles('-')).toEqual([]);
    expect(await sourceFiles('none.csv')).toEqual(['none.csv']);
    expect(await sourceFiles('none*.csv')).toEqual([]);
    for (const source of ['shop.duckdb#orders', 'shop.duckdb']) {
      expect(await sourceFiles(source)).toEqual(['shop.duckdb', 'shop.duckdb.wal']);
    }
  });
});

describe('writeTable', () => {
  const columns: OutputColumn[] = [
    { name: 'plain', values: ['a', 'b', null] },
    { name: 'say "hi", all', values: ['x,y', 'line\nbreak', ' edge '] },
    { name: 'prediction', values: Float64Array.of(0.1, -1e-7, Number.NaN) },
  ];

  it('writes CSV with quotes where needed and numbers in shortest form', async () => {
    const path = join(newDirectory(), 't.csv');
    await writeTable(path, columns);
    expect(readFileSync(path, 'utf8')).toBe(
      'plain,"say ""hi"", all",prediction\na,"x,y",0.1\nb,"line\nbreak",-1e-7\n," edge ",\n',
    );
  });

  it.each(['csv', 'parquet'])('writes .%s that reads back the same, in order', async (extension) => {
    const path = join(newDirectory(), `t.${extension}`);
    const rowCount = 10_000;
    const numbers = Float64Array.from({ length: rowCount }, (_, i) =>
      i % 97 === 0 ? Number.NaN : Math.sin(i) * 10 ** (i % 40),
    );
    const texts = Array.from({ length: rowCount }, (_, i) => (i % 5 === 0 ? null : `t"${i},\n`.trim()));
    await writeTable(path, [
      { name: 'A', values: numbers },
      { name: 'a b', values: texts },
    ]);
    const table = await openTable(path);
    expect(await table.numbers('A')).toEqual(numbers);
    expect(await table.texts('a b')).toEqual(texts);
    await table.close();
  });

  it('writes .parquet in parts that differ in what they hold', async () => {
    const sizes = [40_000, 1, 7, 130_000];
    const all: OutputColumn[][] = sizes.map((size, part) => {
      const each = <T>(of: (i: number) => T): T[] => Array.from({ length: size }, (_, i) => of(i));
      const [some, none, few] = [part % 2 === 1, part === 2, part === 3];
      return [
        { name: 'n', values: Float64Array.from(each((i) => (none || (some && i % 3 === 0) ? Number.NaN : i / 7 - 1))) },
        { name: 'f', values: Float64Array.from(each((i) => (few ? (i % 4) - 0.5 : -1.7e308 + i))) },
        { name: 'b', values: Uint8Array.from(each((i) => Number(i % (part + 2) === 0))) },
        { name: 't.u', values: each((i) => (some || i % 11 === 5 ? null : few ? 'Österreich 🙂' : `${i} "x"`)) },
      ];
    });
    const path = join(newDirectory(), 't.parquet');
    const parts = async function* () {
      yield* all;
    };
    await writeTable(path, parts());
    const table = await openTable(path);
    const column = (k: number): unknown[] => all.flatMap((part) => [...part[k].values]);
    expect(table.rowCount).toBe(sizes.reduce((sum, size) => sum + size));
    expect([...(await table.numbers('n'))]).toEqual(column(0));
    expect([...(await table.numbers('f'))]).toEqual(column(1));
    expect(await table.texts('b')).toEqual(column(2).map((bit) => String(bit === 1)));
    expect(await table.texts('t.u')).toEqual(column(3));
    await table.close();
  });

  it('gives CSV in pieces of few cells, which together are the whole', () => {
    const rowCount = 30_000;
    const values = Float64Array.from({ length: rowCount }, (_, i) => i);
    const pieces = [
      ...csvChunks([
        { name: 'a', values },
        { name: 'b', values },
      ]),
    ];
    const lines = pieces.map((piece) => piece.split('\n').length - 1);
    expect(Math.max(...lines)).toBeLessThanOrEqual(2 ** 12);
    const rows = Array.from(values, (value) => `${value},${value}\n`);
    expect(pieces.join('')).toBe(`a,b\n${rows.join('')}`);
  });

  it('writes any finite double back to the same bits', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const text = [...csvChunks([{ name: 'x', values: Float64Array.of(number) }])].join('');
        expect(Number(text.split('\n')[1])).toBe(number + 0);
      }),
    );
  });

  it('changes nothing when aborted', async () => {
    for (const extension of ['csv', 'parquet']) {
      const directory = newDirectory();
      const path = join(directory, `t.${extension}`);
      writeFileSync(path, 'old');
      const controller = new AbortController();
      const writing = writeTable(
        path,
        [{ name: 'x', values: Float64Array.from({ length: 300_000 }, (_, i) => i / 3) }],
        { signal: controller.signal },
      );
      setTimeout(() => controller.abort(), 5);
      await expect(writing).rejects.toThrow(/abort/i);
      expect(readdirSync(directory)).toEqual([`t.${extension}`]);
      expect(readFileSync(path, 'utf8')).toBe('old');
    }
  });

  it('says what is wrong', async () => {
    const directory = newDirectory();
    for (const name of ['none/t.csv', 'none/t.parquet']) {
      expect((await failure(writeTable(join(directory, name), columns))).message).toContain(
        'none does not exist; create it first',
      );
    }
    const other = await failure(writeTable(join(directory, 't.xlsx'), columns));
    expect(other.message).toContain('expected a name that ends in .csv or .parquet');
    // The engine would write them as "a" and "A_1".
    const twins = ['a', 'A'].map((name) => ({ name, values: ['x'] }));
    const same = await failure(writeTable(join(directory, 't.parquet'), twins));
    expect(same.message).toContain('"a" and "A", which Parquet files are not given together; rename one or write .csv');
    const odd = await failure(writeTable(join(directory, 't.csv'), [...columns, { name: 'short', values: [] }]));
    expect(odd.message).toContain('column "short" has 0 values, expected 3 as in "plain"');
    expect(readdirSync(directory)).toEqual([]);
  });
});

/**
 * Columns of texts in every spelling, of few and of very many different values: what the engine reads by SQL is what
 * memoryTable reads by JavaScript, and both are the numbers and times that were written.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CellRules, createRandom, fitEncoder, memoryTable, type Table } from '@fewfire/core';
import { afterAll, describe, expect, it } from 'vitest';
import { openTable } from '../src/index.ts';
import { temporaryDirectory } from './table-files.ts';

const directory = temporaryDirectory();
afterAll(() => directory.remove());
let fileCount = 0;

type Written = readonly (readonly [text: string, value: number])[];

const pad = (value: number): string => String(value).padStart(2, '0');
const grouped = (whole: number, mark: string): string => String(whole).replace(/\B(?=(\d{3})+$)/g, mark);

// Times in whole seconds, and how a form writes them.
function times(count: number, write: (date: Date) => string): Written {
  const random = createRandom(3);
  return Array.from({ length: count }, () => {
    const seconds = Date.UTC(1931 + random.integer(150), random.integer(12), 1 + random.integer(28)) / 1e3;
    return [write(new Date(seconds * 1e3)), seconds] as const;
  });
}

const ymd = (date: Date): string => date.toISOString().slice(0, 10);
const clock = (date: Date, hours: number): string =>
  `${ymd(new Date(date.getTime() + hours * 3.6e6))}T${pad((24 + date.getUTCHours() + hours) % 24)}:00`;

function numbers(count: number, write: (value: number) => string): Written {
  const random = createRandom(4);
  return Array.from({ length: count }, (_, i) => {
    // Each spelling needs cells by which it is told from others.
    const value = i < 3 ? [1234567.5, 12.25, 3][i] : (random.integer(4e8) - 1e8) / 100;
    return [write(value), value] as const;
  });
}

const sign = (value: number, text: string): string => (value < 0 ? `-${text}` : text);
const parts = (value: number): [number, string] => {
  const [whole, fraction] = Math.abs(value).toFixed(2).split('.');
  return [Number(whole), fraction];
};

const forms: Readonly<Record<string, (count: number) => Written>> = {
  plain: (count) => numbers(count, String),
  'decimal commas': (count) => numbers(count, (v) => String(v).replace('.', ',')),
  'thousands by commas': (count) => numbers(count, (v) => sign(v, `${grouped(parts(v)[0], ',')}.${parts(v)[1]}`)),
  'thousands by points': (count) => numbers(count, (v) => sign(v, `${grouped(parts(v)[0], '.')},${parts(v)[1]}`)),
  'thousands by narrow spaces': (count) =>
    numbers(count, (v) => sign(v, `${grouped(parts(v)[0], '\u202f')},${parts(v)[1]}`)),
  'thousands by apostrophes': (count) => numbers(count, (v) => sign(v, `${grouped(parts(v)[0], "'")}.${parts(v)[1]}`)),
  'dollars in front': (count) => numbers(count, (v) => sign(v, `$${grouped(parts(v)[0], ',')}.${parts(v)[1]}`)),
  'euros behind': (count) => numbers(count, (v) => `${sign(v, String(Math.abs(v)).replace('.', ','))} €`),
  'per cent': (count) => numbers(count, (v) => `${v}%`),
  'a typographic minus': (count) => numbers(count, (v) => String(v).replace('-', '\u2212')),
  'dates, the year first': (count) => times(count, ymd),
  'dates, the day first': (count) =>
    times(count, (d) => `${d.getUTCDate()}.${d.getUTCMonth() + 1}.${d.getUTCFullYear()}`),
  'dates, the month first': (count) =>
    times(count, (d) => `${pad(d.getUTCMonth() + 1)}/${pad(d.getUTCDate())}/${d.getUTCFullYear()}`),
  'times with an offset': (count) => times(count, (d) => `${clock(d, 5)}:00+05:00`),
  'times without seconds, in UTC': (count) => times(count, (d) => `${clock(d, 0)} Z`),
  'times west of Greenwich': (count) => times(count, (d) => `${clock(d, -3)}-0300`),
};

const MISSING = ['NA', '-', 'unknown', '', 'NaN'];

async function opened(cells: readonly string[], rules?: CellRules): Promise<readonly [Table, Table]> {
  const lines = ['row,cell', ...cells.map((cell, i) => `${i},"${cell}"`)];
  const options = rules === undefined ? {} : { rules };
  const row = cells.map((_, i) => i);
  const path = join(directory.path, `${fileCount++}.csv`);
  writeFileSync(path, lines.join('\n'));
  return [await openTable(path, options), memoryTable({ row, cell: cells }, options)];
}

describe('texts by SQL and by JavaScript', () => {
  it.each(Object.keys(forms))('%s', async (form) => {
    for (const count of [40, 2500]) {
      const written = forms[form](count);
      const cells = written.map(([text]) => text);
      const expected = written.map(([, value]) => value);
      for (let i = 7; i < count; i += 9) {
        cells[i] = MISSING[i % MISSING.length];
        expected[i] = Number.NaN;
      }
      const [file, memory] = await opened(cells);
      const isDate = /dates|times/.test(form);
      const [profile] = await file.profile(['cell']);
      expect(profile.type).toBe(isDate ? 'date' : 'number');
      expect(profile).toEqual({ ...(await memory.profile(['cell']))[0], form: profile.form });
      if (!isDate) {
        expect(Array.from(await file.numbers('cell'))).toEqual(expected);
        // By itself a part may look otherwise.
        const range = { firstRow: 1, endRow: 3 };
        const [again] = await opened(cells);
        expect(Array.from(await again.numbers('cell', { range }))).toEqual(expected.slice(1, 3));
        await again.close();
      }
      const { spec } = fitEncoder([profile]);
      const encoded = await memory.encode(spec);
      expect(await file.encode(spec)).toEqual(encoded);
      // Thresholds and missing cells by the numbers that were written.
      const [first] = spec.columns;
      const above = (first.coding as { above: readonly number[] }).above;
      const bit = (row: number, j: number): number => (encoded.points.planes[(j >> 3) * count + row] >> (j & 7)) & 1;
      expect(expected.map((_, row) => [...above.map((_t, j) => bit(row, j)), bit(row, above.length)])).toEqual(
        expected.map((value) => [...above.map((t) => Number(value > t)), Number(Number.isNaN(value))]),
      );
      // The same by a table that has not looked at its texts, as predict does.
      const [fresh] = await opened(cells, {
        forms: { cell: { number: profile.form?.number, date: profile.form?.date } },
      });
      expect(await fresh.encode(spec)).toEqual(encoded);
      const [unknowing] = await opened(cells);
      expect(await unknowing.encode(spec)).toEqual(encoded);
      for (const table of [file, fresh, unknowing]) await table.close();
    }
  });

  it('a part of a column is read by the form of the whole, not by its own', async () => {
    // 1.234 alone is a number with a point; below it stand 1.234,50.
    const cells = Array.from({ length: 30 }, (_, i) => (i < 20 ? `${i + 1}.234` : `${i}.234,50`));
    const [file, memory] = await opened(cells);
    const range = { firstRow: 0, endRow: 2 };
    expect(Array.from(await file.numbers('cell', { range }))).toEqual([1234, 2234]);
    expect(Array.from(await memory.numbers('cell', { range }))).toEqual([1234, 2234]);
    await file.close();
  });

  it('new texts are first read as the model saw them spelled', async () => {
    const number = { decimal: ',', thousands: '.', unit: '' } as const;
    for (const table of await opened(['1.234', '5.678', '9'], { forms: { cell: { number } } })) {
      expect(Array.from(await table.numbers('cell'))).toEqual([1234, 5678, 9]);
      expect((await table.profile(['cell']))[0].values.map(({ value }) => value)).toEqual(['9', '1234', '5678']);
      await table.close();
    }
    // What cannot be spelled so is read as it is.
    for (const table of await opened(['1.5', '22.75', '9'], { forms: { cell: { number } } })) {
      expect(Array.from(await table.numbers('cell'))).toEqual([1.5, 22.75, 9]);
      await table.close();
    }
  });

  it('a few answers among very many numbers are odd, not answers', async () => {
    const cells = Array.from({ length: 3000 }, (_, i) => (i === 5 ? 'yes' : i === 9 ? 'no' : `${i}.5`));
    for (const table of await opened(cells)) {
      const [{ type, form }] = await table.profile(['cell']);
      expect([type, form?.mostly?.numberCount]).toEqual(['text', 2998]);
      expect(form?.mostly?.odd.toSorted()).toEqual(['no', 'yes']);
      await table.close();
    }
  });

  it('a date that is there or not is one in every spelling', async () => {
    const { spec } = fitEncoder(await memoryTable({ cell: ['2024-03-05', null, '2024-03-05'] }).profile(['cell']));
    expect(spec.columns[0].coding).toEqual({ kind: 'two-valued', no: '', yes: '2024-03-05' });
    for (const table of await opened(['5.3.2024', '', '30.3.2024', '5.3.2024'])) {
      const { points, unseen } = await table.encode(spec);
      expect([[...points.planes], unseen]).toEqual([[1, 0, 0, 1], [{ column: 'cell', value: '2024-03-30', count: 1 }]]);
      await table.close();
    }
    const typed = memoryTable({ cell: [new Date('2024-03-05'), null, new Date('2024-03-06')] });
    expect([...(await typed.encode(spec)).points.planes]).toEqual([1, 0, 0]);
  });

  it('typed dates are no numbers and no answers', async () => {
    const typed = memoryTable({ cell: [new Date('2024-03-05'), new Date('2024-03-06')] });
    for (const cell of [
      [1, 2, 3],
      ['yes', 'no', 'no'],
    ]) {
      const { spec } = fitEncoder(await memoryTable({ cell }).profile(['cell']));
      await expect(typed.encode(spec)).rejects.toThrow(/column "cell" .* has dates, expected (numbers|answers)/);
    }
  });

  it('the one cell that is no date is named, by its row', async () => {
    const days = Array.from({ length: 20 }, (_, i) => `2024-03-${pad(i + 1)}`);
    const { spec } = fitEncoder(await memoryTable({ cell: days }).profile(['cell']));
    for (const table of await opened([...days.slice(0, 7), '2024-02-30', ...days.slice(8)])) {
      await expect(table.encode(spec)).rejects.toThrow(/holds "2024-02-30" in row 8, expected a date/);
      await table.close();
    }
  });
});

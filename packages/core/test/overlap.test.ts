/** Test rows that were fitted: refused, said, or left alone where chance explains them. */
import { describe, expect, it } from 'vitest';
import {
  createRandom,
  type FitTableOptions,
  fitTable,
  type MemoryColumn,
  memoryTable,
  parseModel,
  serializeModel,
  type Table,
  type TableFit,
} from '../src/index.ts';
import { noteTexts } from './helpers.ts';

type Columns = Record<string, readonly (string | number)[]>;

function rowsOf(count: number, seed: number): Columns {
  const random = createRandom(seed);
  const bits = (): number[] => Array.from({ length: count }, () => random.integer(2));
  const [a, b, c] = [bits(), bits(), bits()];
  const x = a.map(() => Math.round(1e6 * random.uniform()));
  return { a, b, c, x, y: a.map((bit, i) => (random.uniform() < 0.2 ? 'on' : bit === b[i] ? 'on' : 'off')) };
}

function joined(...parts: Columns[]): Columns {
  return Object.fromEntries(Object.keys(parts[0]).map((name) => [name, parts.flatMap((part) => part[name])]));
}

function slice(columns: Columns, from: number, to: number): Columns {
  return Object.fromEntries(Object.entries(columns).map(([name, cells]) => [name, cells.slice(from, to)]));
}

const table = (columns: Columns, label: string): Table =>
  memoryTable(columns as Record<string, MemoryColumn>, { label });
const fit = (train: Columns, test: Columns, more: Partial<FitTableOptions> = {}): Promise<TableFit> =>
  fitTable(table(train, 'train.csv'), {
    ...{ target: 'y', degree: 1, intervals: 'none', test: table(test, 'test.csv') },
    ...more,
  });
const overlapNotes = ({ model }: TableFit): readonly string[] =>
  noteTexts(model).filter((note) => note.includes('also stand among'));

describe('test rows that are fitted rows', () => {
  const train = rowsOf(300, 1);
  const fresh = rowsOf(200, 2);

  it('are refused, with both counts', async () => {
    await expect(fit(train, train)).rejects.toThrow(
      /^300 of the 300 test rows of test\.csv equal a row of train\.csv in every column, where chance gives about 0: .*`allowOverlap`$/,
    );
    const half = joined(slice(train, 0, 100), slice(fresh, 0, 100));
    await expect(fit(train, half)).rejects.toThrow(/^100 of the 200 test rows .* chance gives about 0/);
    const one = table(train, 'one.csv');
    await expect(fitTable(one, { target: 'y', degree: 1, test: one })).rejects.toThrow(/300 of the 300 test rows/);
  });

  it('are measured and counted where that is asked for', async () => {
    const done = await fit(train, slice(train, 0, 120), { allowOverlap: true });
    expect(done.model.training.testOverlap).toBe(120);
    expect(overlapNotes(done)).toEqual([
      '120 of 120 test rows also stand among the rows fitted, equal in every column, where chance gives about 0',
    ]);
    const again = await parseModel(await serializeModel(done.model), 'm.json');
    expect(again.training.testOverlap).toBe(120);
  });

  it('are said and not refused where they are few', async () => {
    const done = await fit(train, joined(slice(train, 0, 12), slice(fresh, 0, 188)));
    expect(done.model.training.testOverlap).toBe(12);
    expect(overlapNotes(done)[0]).toMatch(/^12 of 200 test rows also stand among the rows fitted/);
  });

  it('are none in other rows', async () => {
    const done = await fit(train, fresh);
    expect(done.model.training.testOverlap).toBe(0);
    expect(overlapNotes(done)).toEqual([]);
  });

  it('are found by what is learned from when they got new numbers', async () => {
    const numbered = (columns: Columns, first: number): Columns => ({
      id: columns.a.map((_, i) => `row ${first + i}`),
      ...columns,
    });
    await expect(fit(numbered(train, 0), numbered(train, 1000))).rejects.toThrow(
      /300 of the 300 test rows .* in the target and every column learned from/,
    );
    const done = await fit(numbered(train, 0), numbered(train, 1000), { allowOverlap: true });
    expect(done.model.training.testOverlap).toBe(0);
    expect(overlapNotes(done)[0]).toMatch(/^300 of 300 .* equal in the target and every column learned from/);
  });

  it('in tables of few columns equal rows are chance', async () => {
    // Eight points and two classes: every row of either table has many equals in both.
    const { x: _x, ...small } = train;
    const { x: _y, ...other } = fresh;
    const done = await fit(small, other);
    expect(done.model.training.testOverlap).toBeGreaterThan(190);
    expect(overlapNotes(done)[0]).toMatch(/^\d+ of 200 test rows .* where chance gives about (19\d|200)$/);
  });
});

describe('copies within one table', () => {
  it('on both sides of a split are said, where chance cannot have made them', async () => {
    const rows = rowsOf(200, 3);
    const copied = await fitTable(table(joined(rows, rows), 'twice.csv'), { target: 'y', degree: 1 });
    const note = noteTexts(copied.model).find((text) => text.includes('copies'));
    const [, shared, count] = /^(\d+) of (\d+) test rows equal a fitted row in every column, though "x" has/.exec(
      note ?? '',
    ) as RegExpExecArray;
    expect(Number(count)).toBe(80);
    // A test row's copy is a test row too once in five times.
    expect(Number(shared)).toBeGreaterThan(45);
    expect(Number(shared)).toBeLessThan(79);
    const plainRows = rowsOf(400, 3);
    const plain = await fitTable(table(plainRows, 'once.csv'), { target: 'y', degree: 1 });
    expect(noteTexts(plain.model).join()).not.toContain('copies');
    // Numbers of which every second is there twice, beside bits: equal rows come by chance.
    const common = await fitTable(
      table({ ...plainRows, x: plainRows.x.map((value) => Number(value) % 200) }, 'c.csv'),
      {
        ...{ target: 'y', degree: 1, test: 0.5 },
      },
    );
    expect(noteTexts(common.model).join()).not.toContain('copies');
    const { x: _, ...small } = rows;
    const few = await fitTable(table(joined(small, small), 'few.csv'), { target: 'y', degree: 1 });
    expect(noteTexts(few.model).join()).not.toContain('copies');
  });
});

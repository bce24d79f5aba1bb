/** Columns that were made from the target are pointed out whatever their coding, others are not; every class has its say. */
import { describe, expect, it } from 'vitest';
import {
  createRandom,
  type FitTableOptions,
  fitTable,
  type MemoryColumn,
  memoryTable,
  noteText,
} from '../src/index.ts';
import { notesOfClasses } from '../src/model/notes.ts';
import { noteTexts } from './helpers.ts';

const random = createRandom(41);
const ROWS = 200;
const bits = (): number[] => Array.from({ length: ROWS }, () => random.integer(2));
const a = bits();
const b = bits();
const price = a.map((bit) => Math.exp(bit + random.normal()));
const kind = a.map(() => ['cat', 'dog', 'owl'][random.integer(3)]);
const flag = a.map(() => ['yes', 'no'][random.integer(2)]);
const stars = a.map(() => 1 + random.integer(5));

/** The notes about these columns. */
async function leaks(
  target: MemoryColumn,
  columns: Record<string, MemoryColumn>,
  options: Partial<FitTableOptions> = {},
): Promise<string[]> {
  const { model } = await fitTable(memoryTable({ a, b, ...columns, y: target }), {
    ...{ target: 'y', degree: 1, intervals: 'none', folds: 2 },
    ...options,
  });
  return noteTexts(model).filter((note) => note.includes('made from the target'));
}

describe('leaks of classes', () => {
  const codes = { cat: 3, dog: 1, owl: 2 } as Record<string, number>;
  it.each([
    ['the classes as numbers', kind.map((name) => codes[name]), /^"leak" tells the target in every row/],
    ['under other names', kind.map((name) => `type ${name[0]}`), /^"leak" tells the target in every row/],
    ['in finer parts', kind.map((name, i) => `${name} ${i % 3}`), /^"leak" tells the target in every row/],
    [
      'one class only',
      kind.map((name) => (name === 'dog' ? 'T' : 'F')),
      /^"leak.*" equals the class "dog" in every row/,
    ],
    ['all but one class', kind.map((name) => (name === 'owl' ? 0 : 1)), /^"leak" is the opposite of the class "owl"/],
  ])('several: %s', async (_name, leak, message) => {
    expect(await leaks(kind, { leak })).toEqual([expect.stringMatching(message)]);
  });

  it.each([
    ['as they are', flag.map((name) => (name === 'yes' ? 'on' : 'off')), /^"leak" equals the target in every row/],
    [
      'turned round',
      flag.map((name) => (name === 'yes' ? 0 : 1)),
      /^"leak" is the opposite of the target in every row/,
    ],
    ['in finer parts', flag.map((name, i) => `${name[0]}${i % 4}`), /^"leak" tells the target in every row/],
    ['as a number', flag.map((name, i) => (name === 'yes' ? 100 : 0) + (i % 50)), /^"leak>74" equals the target/],
    ['as a number cut elsewhere', flag.map((name, i) => (name === 'yes' ? 100 : 0) + (i % 50)), /^"leak" tells/, 4],
  ])('two: %s', async (_name, leak, message, bins?: number) => {
    const notes = await leaks(flag, { leak }, { bins });
    expect(notes.length).toBeGreaterThan(0);
    for (const note of notes) expect(note).toMatch(message);
  });

  it('ten classes as numbers, whose quantiles lie between them', async () => {
    const digit = a.map(() => random.integer(10));
    const names = digit.map((value) => `d${value}`);
    expect(await leaks(names, { leak: digit.map((value) => (7 * value) % 10) }, { bins: 4 })).toEqual([
      expect.stringMatching(/^"leak" tells the target/),
    ]);
    const nearly = digit.map((value, i) => (i === 5 ? 1 - (value & 1) : value));
    expect(await leaks(names, { leak: nearly }, { bins: 4 })).toEqual([]);
  });

  it('none where one row differs, or where each value has a row or two', async () => {
    // One row of each class has the code of the next.
    const odd = ['cat', 'dog', 'owl'].map((name) => kind.indexOf(name));
    const nearly = kind.map((name, i) => (odd.includes(i) ? 1 + (codes[name] % 3) : codes[name]));
    expect(await leaks(kind, { nearly })).toEqual([]);
    expect(await leaks(flag, { id: a.map((_, i) => `n${i >> 1} ${flag[i]}`) }, { features: ['a', 'b', 'id'] })).toEqual(
      [],
    );
  });
});

describe('leaks of numbers', () => {
  it.each([
    ['equal', price, /^"leak" equals the target/],
    [
      'in another unit, rounded',
      price.map((value) => Math.round(310 * value) / 100),
      /^"leak" never falls as the target rises/,
    ],
    ['the other way round', price.map((value) => 5 - 3 * value), /^"leak" never rises as the target rises/],
    ['its logarithm', price.map((value) => Math.log(value)), /^"leak" never falls as the target rises/],
    ['cut in two', price.map((value) => (value > 2 ? 1 : 0)), /^"leak" never falls as the target rises/],
  ])('%s', async (_name, leak, message) => {
    expect(await leaks(price, { leak })).toEqual([expect.stringMatching(message)]);
  });

  it('one text for each number, and a target of few numbers in finer parts', async () => {
    const words = stars.map((value) => ['none', 'one', 'two', 'three', 'four', 'five'][value]);
    expect(await leaks(stars, { words })).toEqual([expect.stringMatching(/^"words" tells the target/)]);
    expect(await leaks(stars, { finer: stars.map((value) => value + 0.9 * random.uniform()) })).toEqual([
      expect.stringMatching(/^"finer" never falls/),
    ]);
  });

  it('none where one row differs', async () => {
    const order = price.toSorted((x, y) => x - y);
    const rank = price.map((value) => order.indexOf(value));
    const swapped = rank.map((place) => (place === 90 ? 91 : place === 91 ? 90 : place));
    expect(await leaks(price, { swapped })).toEqual([]);
    expect(await leaks(price, { rank })).toHaveLength(1);
  });
});

describe('leaks that only the cells tell, not their codes', () => {
  const many = a.map(() => random.integer(4)); // of 40 values, so that every one has rows enough
  const rows = 1000;
  const wide = (make: (i: number) => string | number): (string | number)[] =>
    Array.from({ length: rows }, (_, i) => make(i));
  const base = { a: wide((i) => i % 2), b: wide((i) => (i >> 1) % 2) };
  const cause = wide(() => random.integer(60)) as number[];
  const shuffled = cause.map((value) => (value * 7) % 61);

  async function of(
    target: MemoryColumn,
    leak: MemoryColumn,
    options: Partial<FitTableOptions> = {},
  ): Promise<string[]> {
    const { model } = await fitTable(memoryTable({ ...base, leak, y: target }), {
      ...{ target: 'y', degree: 1, intervals: 'none', folds: 2, method: 'ridge' },
      ...options,
    });
    return noteTexts(model).filter((note) => note.includes('made from the target'));
  }
  const told = [expect.stringMatching(/^"leak" tells the target in every row/)];

  it('sixty texts of two classes', async () => {
    expect(
      await of(
        cause.map((value) => (value % 3 === 0 ? 'ill' : 'well')),
        cause.map((value) => `D${value}`),
      ),
    ).toEqual(told);
  });
  it('sixty numbers of two classes, which alternate', async () => {
    const parity = shuffled.map((value) => (value % 2 === 0 ? 'even' : 'odd'));
    expect(await of(parity, shuffled)).toEqual(told);
    expect(await of(parity.with(999, parity[999] === 'even' ? 'odd' : 'even'), shuffled)).toEqual([]);
  });
  it('a number for every number, in another order', async () => {
    expect(await of(cause, shuffled, { task: 'number' })).toEqual(told);
    expect(
      await of(
        many.concat(many, many, many, many),
        many.concat(many, many, many, many).map((value) => [2, 0, 3, 1][value]),
        { task: 'number' },
      ),
    ).toEqual(told);
  });
  it('sixty texts, each a range of the target', async () => {
    const amount = cause.map((value) => value + 0.99 * random.uniform());
    const bands = cause.map((value) => `from ${value} to ${value + 1}`);
    expect(await of(amount, bands)).toEqual([
      expect.stringMatching(/^"leak" has a range of the target for each of its values, in every row/),
    ]);
    expect(
      await of(
        amount,
        bands.map((band, i) => (i === 999 ? bands[0] : band)),
      ),
    ).toEqual([]);
  });
});

describe('leaks beside missing cells and of other types', () => {
  const gap = (column: readonly (string | number | boolean)[]): MemoryColumn =>
    column.map((value, i) => (i % 7 === 3 ? null : value));
  const where = /in all \d+ rows where it has a value: if it is made/;
  it.each([
    ['classes', kind, kind.map((name) => name.length + name.charCodeAt(0)), /^"leak" tells the target/],
    ['two classes', flag, flag.map((name) => (name === 'yes' ? 1 : 0)), /^"leak" tells the target/],
    ['numbers, equal', price, price, /^"leak" equals the target/],
    ['numbers, in another unit', price, price.map((value) => 7 - 2 * value), /^"leak" never rises as the target rises/],
    ['numbers, as texts', stars, stars.map((value) => `${'*'.repeat(value)}`), /^"leak" tells the target/],
    [
      'numbers, as ranges',
      price,
      price.map((value) => (value < 1 ? 'low' : value < 3 ? 'mid' : 'high')),
      /^"leak" has a range/,
    ],
  ])('%s', async (_name, target, leak, message) => {
    const found = await leaks(target, { leak: gap(leak) }, { missing: 'indicator' });
    expect(found).toEqual([expect.stringMatching(message)]);
    expect(found[0]).toMatch(where);
  });

  it.each([
    ['two texts', price.map((value) => (value > 1.5 ? 'high' : 'low'))],
    ['booleans', price.map((value) => value > 1.5)],
    ['five ranges', price.map((value) => `${Math.min(4, Math.floor(value))} and more`)],
  ])('a number cut into %s', async (_name, leak) => {
    expect(await leaks(price, { leak })).toEqual([
      expect.stringMatching(/^"leak" has a range of the target for each of its values, in every row/),
    ]);
    // One row of another range is enough to be no copy.
    const most = price.indexOf(Math.max(...price));
    const least = price.indexOf(Math.min(...price));
    expect(await leaks(price, { leak: leak.map((value, i) => (i === most ? leak[least] : value)) })).toEqual([]);
  });
});

describe('what luck explains is no leak', () => {
  // As a fit would: 40 tables of 12 columns that have nothing to do with the target.
  const columnsOf = (rowCount: number, draw: () => string | number): Record<string, MemoryColumn> =>
    Object.fromEntries(Array.from({ length: 12 }, (_, k) => [`c${k}`, Array.from({ length: rowCount }, draw)]));
  const own = createRandom(7);
  it.each([
    [
      'a target that is nearly always 0',
      120,
      (i: number) => (i < 3 ? 1.5 + i : 0),
      () => (own.uniform() < 0.9 ? 1 : 0),
    ],
    ['a rare class', 120, (i: number) => (i < 2 ? 'yes' : 'no'), () => `v${own.integer(50)}`],
    ['a short table', 12, (i: number) => (i % 2 === 0 ? 'x' : 'y'), () => (own.uniform() < 0.5 ? 'p' : 'q')],
    ['a short table of numbers', 12, (i: number) => i % 3, () => own.integer(3)],
  ])('%s', async (_name, rowCount, target, draw) => {
    for (let round = 0; round < 40; round++) {
      const table = memoryTable({
        ...columnsOf(rowCount, draw),
        y: Array.from({ length: rowCount }, (_, i) => target(i)),
      });
      const { model } = await fitTable(table, {
        target: 'y',
        degree: 1,
        intervals: 'none',
        folds: 2,
        method: 'ridge',
        test: 0,
      });
      expect(noteTexts(model).filter((note) => note.includes('made from the target'))).toEqual([]);
    }
  });
});

describe('notes of several classes', () => {
  it('are said once where all say the same, and of their class where not', () => {
    const classOf = (k: number): string => ['x', 'y', 'z'][k];
    const told = (lists: readonly string[][], of: (k: number) => string | undefined): string[] =>
      notesOfClasses(
        lists.map((list) => list.map((reason) => ({ kind: 'degree-not-tried', degree: 3, reason }) as const)),
        of,
      ).map((note) => noteText(note).replace('degree 3 and above were not tried: ', ''));
    expect(told([['p', 'q'], ['p'], ['p', 'r']], classOf)).toEqual(['p', 'class "x": q', 'class "z": r']);
    expect(told([['p', 'q']], () => undefined)).toEqual(['p', 'q']);
  });

  it('a degree no class tried is told once', async () => {
    const { model } = await fitTable(memoryTable({ a, b, y: kind }), {
      ...{ target: 'y', degree: 9, method: 'low-degree', intervals: 'none' },
    });
    expect(noteTexts(model).filter((note) => note.includes('more than there are coordinates'))).toEqual([
      'degree 9 is more than there are coordinates: degree 2 has them all',
    ]);
  });
});

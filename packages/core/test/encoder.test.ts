import { describe, expect, it } from 'vitest';
import {
  type EncodedColumn,
  encoderCoordinates,
  type FewfireError,
  fitEncoder,
  type MemoryColumn,
  type MissingPolicy,
  memoryTable,
  noteText,
} from '../src/index.ts';
import { columnCoordinateNames, orderTwoValues } from '../src/internal.ts';

async function fit(
  columns: Record<string, MemoryColumn>,
  { bins, ...options }: { missing?: MissingPolicy; keep?: string[]; bins?: number } = {},
) {
  const profiles = await memoryTable(columns).profile(Object.keys(columns), { bins });
  return fitEncoder(profiles, options);
}

async function fitError(columns: Record<string, MemoryColumn>, options: { missing?: MissingPolicy } = {}) {
  return (await fit(columns, options).catch((error) => error)) as FewfireError;
}

describe('which of two values is the yes', () => {
  it.each([
    ['won', 'nowin', 'won'],
    ['t', 'f', 't'],
    ['y', 'n', 'y'],
    ['No', 'Yes', 'Yes'],
    ['democrat', 'republican', 'republican'],
    ['present', 'absent', 'present'],
    ['absent', 'Always', 'Always'],
    ['a', 'none', 'a'],
    ['never', 'always', 'always'],
    ['b', 'g', 'g'],
    ['ja', 'nej', 'ja'],
    ['Да', 'НЕТ', 'Да'],
    ['oui', 'nein', 'oui'],
  ])('%s / %s: %s', (a, b, yes) => {
    expect(orderTwoValues(a, b, 'text').yes).toBe(yes);
    expect(orderTwoValues(b, a, 'text').yes).toBe(yes);
  });

  it('is the later one when both read as a no', () => {
    expect(orderTwoValues('no', 'absent', 'text')).toEqual({ no: 'absent', yes: 'no' });
  });

  it('is the larger number, whatever the spelling', () => {
    expect(orderTwoValues('10', '9', 'number')).toEqual({ no: '9', yes: '10' });
    expect(orderTwoValues('0', '-1', 'number')).toEqual({ no: '-1', yes: '0' });
  });
});

describe('fitEncoder', () => {
  it('names a plain yes after its column and any other after its value', async () => {
    const { spec } = await fit({ ill: [true, false], sex: ['m', 'f'], paid: ['yes', 'no'], dose: [2, 5], on: [0, 1] });
    expect(encoderCoordinates(spec).map(({ name }) => name)).toEqual(['ill', 'sex=m', 'paid', 'dose>3.5', 'on']);
  });

  it('gives a text column of v values v-1 coordinates, the most frequent value being the reference', async () => {
    const { spec } = await fit({ c: ['b', 'a', 'b', 'c', 'c', 'b'] });
    expect(spec.columns[0].coding).toEqual({ kind: 'categories', reference: 'b', values: ['c', 'a'] });
    expect(encoderCoordinates(spec)).toEqual([
      { name: 'c=c', key: '"c"="c"', column: 'c', group: 0 },
      { name: 'c=a', key: '"c"="a"', column: 'c', group: 0 },
    ]);
  });

  it('breaks ties between values by their order', async () => {
    const { spec } = await fit({ c: ['y', 'z', 'x'] });
    expect(spec.columns[0].coding).toEqual({ kind: 'categories', reference: 'x', values: ['y', 'z'] });
  });

  it('keeps 32 values of a long list, compared with all others, and says so', async () => {
    const cells = Array.from({ length: 40 }, (_, k) => Array<string>(40 - k).fill(`v${k}`)).flat();
    const { spec, notes } = await fit({ c: cells });
    expect(columnCoordinateNames(spec.columns[0])).toHaveLength(32);
    expect(spec.columns[0].coding).toMatchObject({ kind: 'categories', reference: null });
    expect(notes.warnings.map(noteText)).toEqual([
      expect.stringMatching(/"c" has 40 different texts: the 32 most frequent .* the others \(36 rows\) are "other"/),
    ]);
  });

  it('cuts numbers halfway at quantiles, and on both sides of a tie', async () => {
    const { spec } = await fit({
      n: Array.from({ length: 100 }, (_, i) => i + 1),
      m: [...Array(60).fill(1), ...Array(40).keys()],
    });
    expect(spec.columns[0].coding).toEqual({ kind: 'thresholds', above: [25.5, 50.5, 75.5] });
    expect(spec.columns[1].coding).toEqual({ kind: 'thresholds', above: [0.5, 1.5, 14.5] });
    expect(columnCoordinateNames(spec.columns[0])).toEqual(['n>25.5', 'n>50.5', 'n>75.5']);
  });

  it('cuts a number column of few values between all of them', async () => {
    const { spec } = await fit({ n: [3, 1, 1, 1, 1, 1, 1, 2] });
    expect(spec.columns[0].coding).toEqual({ kind: 'thresholds', above: [1.5, 2.5] });
  });

  it('uses as many cuts as there are bins', async () => {
    const { spec } = await fit({ n: Array.from({ length: 90 }, (_, i) => i) }, { bins: 9 });
    expect(spec.columns[0].coding).toMatchObject({ above: [9.5, 19.5, 29.5, 39.5, 49.5, 59.5, 69.5, 79.5] });
  });

  it('drops constant and empty columns by name', async () => {
    const { spec, notes } = await fit({ a: ['x', 'y'], same: [7, 7], none: [null, null] }, { missing: 'indicator' });
    expect(spec.columns.map(({ column }) => column)).toEqual(['a']);
    expect(notes.dropped).toEqual([
      { column: 'same', reason: 'constant: every value is "7"' },
      { column: 'none', reason: 'every value is missing' },
    ]);
  });

  it('drops columns that look like names unless they are asked for', async () => {
    const columns = {
      a: Array.from({ length: 80 }, (_, i) => i % 2),
      id: Array.from({ length: 80 }, (_, i) => `p${i}`),
    };
    const { spec, notes } = await fit(columns);
    expect(spec.columns.map(({ column }) => column)).toEqual(['a']);
    expect(notes.dropped[0].reason).toMatch(/80 different texts in 80 rows look like names/);
    expect((await fit(columns, { keep: ['id'] })).spec.columns).toHaveLength(2);
  });

  it('warns of numbers that look like identifiers', async () => {
    const { notes } = await fit({ id: Array.from({ length: 50 }, (_, i) => 1000 + i) });
    expect(notes.warnings.map(noteText)).toEqual([expect.stringContaining('"id" has 50 different numbers in 50 rows')]);
  });

  it('does not call measured numbers identifiers, though all of them differ', async () => {
    const rows = Array.from({ length: 400 }, (_, i) => (i * 7919) % 400);
    const warned = async (columns: Record<string, MemoryColumn>, bins?: number): Promise<unknown[]> =>
      (await fit(columns, bins === undefined ? {} : { bins })).notes.warnings.map(({ column }) => column);
    for (const bins of [undefined, 64]) {
      // Numbers of rows in any order and step, from anywhere; some of them gone.
      const running = {
        row: rows,
        tens: rows.map((i) => 10 * i - 2000),
        gaps: rows.map((i) => 100_000 + 2 * i + (i % 2)),
      };
      expect(await warned(running, bins)).toEqual(Object.keys(running));
      // Names of any width, where their column says so.
      const wide = rows.map((i) => 15_000_000 + i * i * 97);
      const called = { id: wide, customer_id: wide, customerID: wide, PID: wide, 'row number': wide };
      expect(await warned(called, bins)).toEqual(Object.keys(called));
      const measured = {
        ...{ income: wide, grid: wide, kid: wide, valid: wide },
        ...{
          weight: rows.map((i) => 40 + i / 7),
          id: rows.map((i) => i + 0.25),
          log: rows.map((i) => Math.log(i + 1)),
        },
      };
      expect(await warned(measured, bins)).toEqual([]);
    }
  });

  it('refuses missing cells on request, with counts', async () => {
    const error = await fitError({ a: ['x', '?', 'y'], b: [1, null, null], c: ['u', 'v', 'u'] }, { missing: 'refuse' });
    expect(error.code).toBe('missing-values');
    expect(error.message).toContain(`in 2 columns: "a" 1, "b" 2, of 3 rows; leave out \`missing: 'refuse'\``);
  });

  it('makes being missing a coordinate unless told otherwise', async () => {
    const { spec } = await fit({ a: ['n', '', 'y'], c: ['u', 'v', 'u'] });
    expect(encoderCoordinates(spec).map(({ name }) => name)).toEqual(['a', 'a missing', 'c=v']);
    expect(spec.columns.map(({ missing }) => missing)).toEqual(['no', 'no']);
  });

  it('takes being present for the coordinate of a column with one value', async () => {
    const { spec } = await fit({ a: ['x', '', 'x'] }, { missing: 'indicator' });
    const [column] = spec.columns as [EncodedColumn];
    expect(column).toMatchObject({ coding: { kind: 'two-valued', no: '', yes: 'x' }, missingCoordinate: false });
    const encoded = await memoryTable({ a: ['x', '', 'z'] }).encode(spec);
    expect([...encoded.points.planes]).toEqual([1, 0, 0]);
    expect(encoded.unseen).toEqual([{ column: 'a', value: 'z', count: 1 }]);
  });

  it('drops rows on request', async () => {
    const columns = { a: ['n', '', 'y', 'y'], b: [1, 0, null, 0] };
    const { spec } = await fit(columns, { missing: 'drop-rows' });
    const encoded = await memoryTable(columns).encode(spec);
    expect([...(encoded.rows ?? [])]).toEqual([0, 3]);
    expect([...encoded.points.planes]).toEqual([0b10, 0b01]);
  });

  it('refuses infinity, and takes NaN for missing', async () => {
    const error = await fitError({ a: [1, 2, Infinity, Number.NaN] });
    expect(error.code).toBe('invalid-data');
    expect(error.message).toContain('"a" holds infinity in 1 of 4 rows');
  });

  it('refuses a table with nothing to learn from', async () => {
    const error = await fitError({ a: [1, 1] });
    expect(error.message).toContain('no column is left to learn from: "a" (constant: every value is "1")');
  });
});

/** Tables of thousands of columns: refused for their shape before anything of them is read, or fitted; and of rows, before they are kept. */
import { describe, expect, it } from 'vitest';
import { createRandom, FewfireError, fitTable, memoryTable, type Table } from '../src/index.ts';
import { predictFitBytes } from '../src/internal.ts';

const ROWS = 80;

/** Columns x0, x1, ... of yes and no, and y = x0 + noise. */
function wideTable(columnCount: number): Table {
  const random = createRandom(6);
  const columns = Object.fromEntries(
    Array.from({ length: columnCount }, (_, j) => [
      `x${j}`,
      Uint8Array.from({ length: ROWS }, () => random.integer(2)),
    ]),
  );
  const y = Float64Array.from(columns.x0, (bit) => 4 * bit + 0.3 * random.normal());
  return memoryTable({ ...columns, y });
}

/** The same shape, but whoever reads a cell fails. */
function unreadable({ label, rowCount, columns }: Table): Table {
  const fail = async (): Promise<never> => {
    throw new Error('a column was read');
  };
  return {
    label,
    rowCount,
    columns,
    rules: {},
    profile: fail,
    encode: fail,
    encodeParts: fail,
    fingerprints: fail,
    nonZeroRows: fail,
    heldBytes: fail,
    texts: fail,
    numbers: fail,
    close: async () => {},
  };
}

async function refusal(table: Table, options: object): Promise<FewfireError> {
  const error = await fitTable(unreadable(table), { target: 'y', ...options }).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(FewfireError);
  return error as FewfireError;
}

describe('a table too wide for the memory', () => {
  const table = wideTable(5000);
  const numberBefore = (text: string, message: string): number =>
    Number(new RegExp(`([\\d,]+) ${text}`).exec(message)?.[1].replaceAll(',', ''));

  it.each(['low-degree', 'ridge', 'lasso', 'estimate', 'least-squares'])(
    'is refused before it is read: %s',
    async (method) => {
      // The one-pass means keep least.
      const memoryLimitBytes = method === 'estimate' ? 1e9 : 4e9;
      const { code, message } = await refusal(table, { degree: 2, method, memoryLimitBytes });
      expect(code).toBe('memory-budget');
      expect(message).toMatch(/^degree 2 at n=5000 needs 12,502,501 monomials, .* allowed; /);
      expect(message).toMatch(
        /choose columns with `features` or `exclude`, lower `degree` or raise `memoryLimitBytes`$/,
      );
      // So many columns fit, and no more: by what a fit of them is predicted to take.
      const fitting = numberBefore('coordinates \\(', message);
      expect(predictFitBytes(1, fitting, 2)).toBeLessThan(memoryLimitBytes);
      const features = table.columns.slice(0, fitting).map(({ name }) => name);
      const options = { target: 'y', degree: 2, method: method as 'ridge', memoryLimitBytes };
      await expect(fitTable(unreadable(table), { ...options, features })).rejects.toThrow('a column was read');
      const oneMore = table.columns.slice(0, fitting + 1).map(({ name }) => name);
      await expect(fitTable(unreadable(table), { ...options, features: oneMore })).rejects.toThrow('degree 2 at n=');
    },
  );

  it('is refused for its rows when only the target has been counted', async () => {
    const short = wideTable(3);
    const counted: Table = { ...unreadable(short), profile: (names, options) => short.profile(names, options) };
    const profiled: (readonly string[])[] = [];
    const table: Table = {
      ...counted,
      profile: (names, options) => {
        profiled.push(names);
        return counted.profile(names, options);
      },
    };
    const fit = (memoryLimitBytes: number, more: object = {}): Promise<unknown> =>
      fitTable(table, { target: 'y', memoryLimitBytes, ...more });
    // Beside the fit a row's target (of all rows and of those to learn from), its side and its coordinates.
    const least = predictFitBytes(ROWS, 1, 1, 1) + 50 * ROWS;
    await expect(fit(least - 1)).rejects.toThrow(
      /^these rows need [\d.]+ kB with a single coordinate, more than the [\d.]+ kB that `memoryLimitBytes` leaves for the fit; give fewer rows or raise `memoryLimitBytes`$/,
    );
    expect(profiled).toEqual([['y']]);
    await expect(fit(least)).rejects.toThrow('a column was read');
    // Dropped rows take no room: how many there are is not known yet.
    await expect(fit(least - 1, { missing: 'drop-rows' })).rejects.toThrow('a column was read');
  });

  it('is refused at a degree that cannot be indexed, and beyond the coordinates that can be numbered', async () => {
    expect((await refusal(table, { degree: 4, method: 'ridge', memoryLimitBytes: 1e30 })).message).toMatch(
      /more than can be indexed; /,
    );
    const columns = Array.from({ length: 70_000 }, (_, j) => ({ ...table.columns[0], name: `c${j}` }));
    const { code, message } = await refusal({ ...table, columns }, { degree: 1 });
    expect(code).toBe('unsupported');
    expect(message).toContain('choose columns with `features` or `exclude`');
  });

  it('names columns that are not there as before', async () => {
    await expect(fitTable(table, { target: 'z', degree: 1 })).rejects.toThrow('no column "z"');
    await expect(fitTable(table, { target: 'y', features: ['y'], degree: 1 })).rejects.toThrow(
      '`features` names the target',
    );
  });
});

it('a wide table that fits is fitted', async () => {
  const { model } = await fitTable(wideTable(1200), {
    ...{ target: 'y', method: 'low-degree', test: 0, intervals: 'none' },
  });
  const { fit, polynomial } = model.outputs[0];
  expect(polynomial.coordinates).toHaveLength(1200);
  expect(fit.selection.skipped).toEqual([{ degree: 2, reason: '720,601 monomials for 80 rows' }]);
  expect(polynomial.coefficients[polynomial.termCount > 1 ? 1 : 0]).toBeCloseTo(-2, 0);
});

/**
 * A fit draws its rows (for the test, for folds, for the confirming half) by their names, and whole groups by theirs: the
 * same names give the same draws in whatever order rows come and whichever others there are.
 */
import { describe, expect, it } from 'vitest';
import { createRandom, type FitTableOptions, fitTable, type MemoryColumn, memoryTable } from '../src/index.ts';
import { foldAssignment, type LabelledPoints, prepareTable, selectLowDegree } from '../src/internal.ts';
import { confirmTerms } from '../src/model/confirm.ts';
import { randomPoints } from './helpers.ts';

const ROWS = 400;
const random = createRandom(8);
const bits = (): number[] => Array.from({ length: ROWS }, () => random.integer(2));
const a = bits();
const b = bits();
const y = a.map((bit, i) => 3 * bit + (b[i] ^ bit) + 0.5 * random.normal());
const g = a.map((_, i) => `g${(i * 7) % 45}`);
const w = a.map(() => [0, 1, 2][random.integer(3)]);
const columns: Record<string, readonly (number | string)[]> = { a, b, y, g, w };

const SHUFFLED = createRandom(4).permutation(ROWS);

function rowsOf(
  places: ArrayLike<number>,
  names: readonly string[] = Object.keys(columns),
): Record<string, MemoryColumn> {
  return Object.fromEntries(names.map((name) => [name, Array.from(places, (row) => columns[name][row])]));
}

function firstRows(count: number): number[] {
  return Array.from({ length: count }, (_, row) => row);
}

/** Names of the rows set aside. */
async function testNames(names: readonly string[], places: readonly number[], options: Partial<FitTableOptions> = {}) {
  const prepared = await prepareTable(memoryTable(rowsOf(places, names)), { target: 'y', ...options });
  return new Set(prepared.test()?.rowKeys);
}

/** Whether one of two sets has all that is in the other. */
function areNested(one: ReadonlySet<number>, other: ReadonlySet<number>): boolean {
  const [fewer, more] = one.size < other.size ? [one, other] : [other, one];
  return [...fewer].every((row) => more.has(row));
}

describe('rows in another order, under the same names', () => {
  it.each([
    ['rows', { exclude: ['g', 'w'] }],
    ['groups', { exclude: ['w'], group: 'g' }],
    ['rows, some of weight 0', { exclude: ['g'], weight: 'w' }],
    ['groups with weights', { exclude: [], group: 'g', weight: 'w' }],
  ])('give the same test, folds and confirmation: %s', async (_name, { exclude, ...options }) => {
    const fit = async (places: Uint32Array) => {
      const table = { ...memoryTable(rowsOf(places)), rowKeys: places };
      // The names of rows that weigh nothing go with them.
      const nonZero = table.nonZeroRows;
      const named = {
        ...table,
        nonZeroRows: async (name: string) => {
          const rows = await nonZero(name);
          return rows && { ...rows, rowKeys: places.filter((row) => w[row] !== 0) };
        },
      };
      const { model } = await fitTable(named, {
        ...{ target: 'y', degree: 2, method: 'ridge', exclude: [...exclude] },
        ...options,
      });
      const { test, sampleCount } = model.training;
      const { confirmation, selection } = model.outputs[0].fit;
      return {
        counts: [sampleCount, test?.sampleCount, confirmation?.choosingRowCount],
        mse: test?.mse as number,
        candidates: selection.candidates.map(({ mse }) => mse),
        terms: confirmation?.terms.flatMap(({ estimate, standardError }) => [estimate, standardError]) ?? [],
      };
    };
    const straight = await fit(Uint32Array.from(firstRows(ROWS)));
    const shuffled = await fit(SHUFFLED);
    expect(shuffled.counts).toEqual(straight.counts);
    // Sums in another order differ by rounding; solvers stop at 3e-4.
    expect(shuffled.mse).toBeCloseTo(straight.mse, 6);
    expect(straight.terms.length).toBeGreaterThan(4);
    for (const [i, value] of shuffled.terms.entries()) expect(value).toBeCloseTo(straight.terms[i], 6);
    for (const [i, value] of shuffled.candidates.entries()) expect(value).toBeCloseTo(straight.candidates[i], 4);
  });

  it('give each row its fold, in groups and without', () => {
    const clusters = Uint32Array.from(g, (name) => Number(name.slice(1)));
    const clusterKeys = Float64Array.from({ length: 45 }, (_, group) => 1e12 + group);
    // Numbered by where they come first, as a fit does.
    const order = [...new Set(Array.from(SHUFFLED, (row) => clusters[row]))];
    const renumbered = Uint32Array.from(SHUFFLED, (row) => order.indexOf(clusters[row]));
    const renamed = Float64Array.from(order, (group) => clusterKeys[group]);
    const folds = foldAssignment(ROWS, 5, 3);
    expect(Array.from(foldAssignment(ROWS, 5, 3, { rowKeys: SHUFFLED }))).toEqual(
      Array.from(SHUFFLED, (row) => folds[row]),
    );
    const groups = foldAssignment(ROWS, 5, 3, { clusters, clusterKeys });
    expect(Array.from(foldAssignment(ROWS, 5, 3, { clusters: renumbered, clusterKeys: renamed }))).toEqual(
      Array.from(SHUFFLED, (row) => groups[row]),
    );
  });

  it('are the same ones to choose on where the budget allows only some', async () => {
    const rowCount = 6000;
    const points = randomPoints(rowCount, 16, createRandom(5));
    const target = Float64Array.from({ length: rowCount }, (_, i) => (i % 2) + (i % 7));
    const options = { degree: 4, method: 'ridge', budgetSeconds: 1e-3 } as const;
    const { rowCount: chosenOn, heldOut } = await selectLowDegree(points, target, options);
    expect(chosenOn).toBeLessThan(rowCount); // else this tests nothing
    const reversed = Uint32Array.from({ length: rowCount }, (_, i) => rowCount - 1 - i);
    const again = await selectLowDegree(points, target, { ...options, rowKeys: reversed });
    await expect(selectLowDegree(points, target, { ...options, rowKeys: reversed.subarray(1) })).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('5999 row keys and 6000 rows'),
    });
    expect(again.heldOut.rows.map((row) => reversed[row]).sort()).toEqual(heldOut.rows);
  });
});

describe('rows that are appended', () => {
  it.each([
    ['rows', ['a', 'b', 'y'], undefined],
    ['groups', ['a', 'b', 'y', 'g'], 'g'],
  ])('leave the others where they were drawn: %s', async (_name, names, group) => {
    const options = group === undefined ? {} : { group };
    const before = await testNames(names, firstRows(360), options);
    const after = [...(await testNames(names, firstRows(ROWS), options))].filter((row) => row < 360);
    expect(before.size).toBe(72);
    // By position next to nothing would be left in place: 14 rows of 72 by chance.
    expect(after.filter((row) => before.has(row)).length).toBeGreaterThan(60);
    if (group === undefined) expect(areNested(before, new Set(after))).toBe(true);
  });

  it('leave a row of theirs in its half', async () => {
    const halfOf = async (rowCount: number) => {
      const points = randomPoints(rowCount, 2, createRandom(6));
      const target = Float64Array.from({ length: rowCount }, (_, row) => row);
      let chosen: Float64Array = new Float64Array(0);
      const names = { weights: undefined, clusters: undefined, rowKeys: undefined, clusterKeys: undefined };
      const data: LabelledPoints = { points, target, ...names };
      await confirmTerms(data, target, {
        ...{ interval: 'normal', confidence: 0.9, simultaneous: false, loss: 'squared', seed: 1 },
        choose: async (half) => {
          chosen = half.target;
          throw new Error('seen enough');
        },
      }).catch(() => undefined);
      return new Set(chosen);
    };
    const before = await halfOf(300);
    const after = new Set([...(await halfOf(320))].filter((row) => row < 300));
    expect(before.size).toBe(150);
    expect(areNested(before, after)).toBe(true);
    expect([...after].filter((row) => before.has(row)).length).toBeGreaterThan(130);
  });
});

describe('rows that are left out', () => {
  it('do not redraw the others: those of weight 0, without a target, or with a missing cell', async () => {
    const whole = await testNames(['a', 'b', 'y', 'w'], firstRows(ROWS), { exclude: ['w'] });
    const weighing = await testNames(['a', 'b', 'y', 'w'], firstRows(ROWS), { weight: 'w' });
    expect(areNested(weighing, new Set([...whole].filter((row) => w[row] !== 0)))).toBe(true);
    const holes = Object.assign(rowsOf(firstRows(ROWS), ['a', 'b']), {
      y: y.map((value, row) => (w[row] === 0 ? null : value)),
    });
    const prepared = await prepareTable(memoryTable(holes), { target: 'y' });
    expect(new Set(prepared.test()?.rowKeys)).toEqual(weighing);
    const dropped = Object.assign(rowsOf(firstRows(ROWS), ['b', 'y']), {
      a: a.map((bit, row) => (w[row] === 0 ? null : bit)),
    });
    const complete = await prepareTable(memoryTable(dropped), { target: 'y', missing: 'drop-rows' });
    expect(new Set(complete.test()?.rowKeys)).toEqual(new Set([...whole].filter((row) => w[row] !== 0)));
    expect(Array.from(complete.training().data.rowKeys ?? []).some((row) => w[row] === 0 || whole.has(row))).toBe(
      false,
    );
  });

  it('leave a group its own name, whichever of its rows are there', async () => {
    const groups = async (places: readonly number[]) => {
      const prepared = await prepareTable(memoryTable(rowsOf(places, ['a', 'b', 'y', 'g'])), {
        target: 'y',
        group: 'g',
      });
      return new Set(Array.from(prepared.test()?.rowKeys ?? [], (row) => g[places[row]]));
    };
    // Eight rows of each of 45 groups, without any one of them: what is left is the same groups, numbered otherwise.
    const eight = firstRows(360);
    const whole = await groups(eight);
    expect(whole.size).toBe(9);
    const fewer = await groups(eight.slice(45));
    expect(fewer).toEqual(whole);
    expect(await groups(eight.slice(45).reverse())).toEqual(whole);
  });
});

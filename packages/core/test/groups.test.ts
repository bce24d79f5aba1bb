/** How many rows whole groups set aside for the test: near the share asked, or said. */
import { describe, expect, it } from 'vitest';
import { createRandom, memoryTable, noteText } from '../src/index.ts';
import { prepareTable } from '../src/internal.ts';

/** A table whose groups have these sizes. */
function grouped(sizes: readonly number[]) {
  const random = createRandom(2);
  const g = sizes.flatMap((size, k) => new Array<string>(size).fill(`g${k}`));
  const a = g.map(() => random.integer(2));
  return { table: memoryTable({ a, g, y: a.map((bit) => bit + random.normal()) }), g };
}

async function aside(sizes: readonly number[], test: number, seed: number) {
  const { table } = grouped(sizes);
  const prepared = await prepareTable(table, { target: 'y', group: 'g', test, seed });
  const groups = new Set(prepared.test()?.clusters);
  return { count: prepared.test()?.target.length ?? 0, groups, notes: prepared.rowNotes.map(noteText) };
}

describe('groups set aside', () => {
  it('come as near to the share as the last group allows, whatever their order', async () => {
    const sizes = [60, 50, 30, 20, 20, 15, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 2, 1, 1];
    const total = sizes.reduce((sum, size) => sum + size, 0);
    for (let seed = 1; seed <= 30; seed++) {
      const { count, notes } = await aside(sizes, 0.2, seed);
      // Rows of the small groups fill what is left.
      expect(Math.abs(count - 0.2 * total)).toBeLessThanOrEqual(6);
      expect(notes).toEqual([]);
    }
  });

  it('a group of nearly all rows is not the test, and both numbers are said', async () => {
    const sizes = [280, ...new Array<number>(20).fill(1)];
    for (let seed = 1; seed <= 10; seed++) {
      const { count, groups, notes } = await aside(sizes, 0.2, seed);
      expect(count).toBe(10);
      expect(groups.has(0)).toBe(false);
      expect(notes).toEqual([
        expect.stringMatching(/^280 of 300 rows are in one group of "g", "g0": .* the other 20 rows at most/),
        '10 of 300 rows were set aside for the test, where a share of 0.2 asks for 60: the groups of "g" are not split',
      ]);
    }
  });

  it('where every group is too large it is the smallest', async () => {
    const { count, notes } = await aside([150, 130, 120], 0.05, 3);
    expect(count).toBe(120);
    expect(notes).toEqual([expect.stringMatching(/^120 of 400 rows .* asks for 20/)]);
  });

  it('equal groups make up the share exactly, each as often as another', async () => {
    const sizes = new Array<number>(20).fill(5);
    const times = new Uint32Array(20);
    for (let seed = 1; seed <= 200; seed++) {
      const { count, groups, notes } = await aside(sizes, 0.2, seed);
      expect([count, groups.size, notes.length]).toEqual([20, 4, 0]);
      for (const k of groups) times[k]++;
    }
    // 40 each of 200 times on average, with a standard deviation of 5.7.
    for (const count of times) {
      expect(count).toBeGreaterThan(18);
      expect(count).toBeLessThan(62);
    }
  });
});

/** What one column alone does, beside a plain count over the raw table. */
import { describe, expect, it } from 'vitest';
import { createRandom, fitTable, type MemoryColumn, memoryTable } from '../src/internal.ts';

const random = createRandom(3);
const N = 300;
const rows = Array.from({ length: N }, (_, i) => i);
const draw = (): Record<string, MemoryColumn> => ({
  weak: rows.map(() => random.integer(2)),
  colour: rows.map(() => ['red', 'green', 'blue', null][random.integer(4)]),
  // As many values as rows, nearly: best where every row is predicted with itself.
  name: rows.map((i) => (i * 7919) % 997),
});

// The values are told apart: text, or missing; no column of few values is cut or pooled.
const cellOf = (columns: Record<string, MemoryColumn>, name: string, i: number): string => String(columns[name][i]);

describe('the best single column', () => {
  it.each(['two', 'three', 'number'])('of a target of kind %s is measured on the test rows', async (kind) => {
    const columns = draw();
    const test = draw();
    const target = (from: Record<string, MemoryColumn>): (string | number)[] =>
      rows.map((i) => {
        const colour = from.colour[i];
        const hit = random.uniform() < 0.8;
        if (kind === 'number') return (colour === 'red' ? 5 : colour === null ? -3 : 0) + random.normal();
        if (kind === 'two') return (colour === 'red') === hit ? 'yes' : 'no';
        return hit ? `is ${colour === 'green' ? 'red' : colour}` : 'is blue';
      });
    const [y, tested] = [target(columns), target(test)];
    const { model } = await fitTable(memoryTable({ ...columns, y }), {
      ...{ target: 'y', test: memoryTable({ ...test, y: tested }), method: 'ridge', degree: 1, intervals: 'none' },
    });
    const best = model.training.bestColumn;
    expect(best?.column).toBe('colour');
    const groups = new Map<string, (string | number)[]>();
    for (const i of rows)
      groups.set(cellOf(columns, 'colour', i), [...(groups.get(cellOf(columns, 'colour', i)) ?? []), y[i]]);
    if (kind === 'number') {
      const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
      const numbers = tested as number[];
      const errors = numbers.map((value, i) => (value - mean(groups.get(cellOf(test, 'colour', i)) as number[])) ** 2);
      expect(best?.mse).toBeCloseTo(mean(errors), 10);
      expect(best?.r2).toBeCloseTo(1 - mean(errors) / mean(numbers.map((value) => (value - mean(numbers)) ** 2)), 10);
      return;
    }
    const right = rows.filter((i) => {
      const counts = new Map<string | number, number>();
      for (const label of groups.get(cellOf(test, 'colour', i)) ?? []) counts.set(label, (counts.get(label) ?? 0) + 1);
      return [...counts].sort((a, b) => b[1] - a[1])[0][0] === tested[i];
    });
    expect(best?.accuracy).toBeCloseTo(right.length / N, 12);
    expect(model.training.test?.baseline.accuracy).toBeLessThan(best?.accuracy as number);
  });

  it('is not asked for without a test', async () => {
    const columns = draw();
    const { model } = await fitTable(memoryTable({ ...columns, y: rows.map((i) => i % 3) }), {
      ...{ target: 'y', test: 0, method: 'ridge', degree: 1, intervals: 'none' },
    });
    expect(model.training.bestColumn).toBeUndefined();
  });
});

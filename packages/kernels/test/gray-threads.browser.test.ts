import { expect, it } from 'vitest';
import { exactUnits, sweepActivity } from '../src/index.ts';

it('a sweep is the same for any number of threads', async () => {
  const n = 20;
  const s = 50;
  const weights = Float64Array.from({ length: n * s }, (_, i) => ((i * 7919) % 11) - 5 + (i % n === 0 ? Math.PI : 0));
  const units = exactUnits(n, weights, new Float64Array(s).fill(1));
  const results = [];
  for (const threads of [1, 2, 3]) {
    results.push(await sweepActivity(units, { kind: 'cube', bitCount: n }, { threads }));
  }
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});

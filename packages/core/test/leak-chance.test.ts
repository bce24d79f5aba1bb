/** The chances by which luck is told from a leak, against counting all orders of a few rows. */
import { describe, expect, it } from 'vitest';
import { createRandom } from '../src/index.ts';
import { logFactorial } from '../src/internal.ts';
import { jointCounts, logChanceOfOrder, logChanceOfTelling } from '../src/model/leak-chance.ts';

function* permutations(list: readonly number[]): Generator<number[]> {
  if (list.length === 0) yield [];
  for (let i = 0; i < list.length; i++) {
    for (const rest of permutations([...list.slice(0, i), ...list.slice(i + 1)])) yield [list[i], ...rest];
  }
}

const rises = (values: readonly number[], targets: readonly number[]): boolean =>
  values.every((v, i) => values.every((w, j) => v >= w || targets[i] <= targets[j]));

describe('the chance of an order', () => {
  const random = createRandom(5);
  it.each(Array.from({ length: 12 }, (_, k) => k))('is the share of all orders that rise (%i)', (k) => {
    const sort = (list: number[]): number[] => list.sort((a, b) => a - b);
    const values = sort(Array.from({ length: 7 }, () => random.integer(2 + (k % 4))));
    const targets = sort(Array.from({ length: 7 }, () => random.integer(2 + (k % 3))));
    let count = 0;
    let all = 0;
    for (const order of permutations(targets)) {
      all++;
      if (rises(values, order)) count++;
    }
    const joint = jointCounts(Float64Array.from(values), Float64Array.from(targets));
    expect(Math.exp(logChanceOfOrder(joint, 0))).toBeCloseTo(count / all, 12);
  });
});

it('the chance of telling is that of targets drawn one by one', () => {
  // Values of 2 and 3 rows, targets of shares 2/5 and 3/5.
  const joint = jointCounts(Float64Array.of(1, 1, 2, 2, 2), Float64Array.of(0, 0, 1, 1, 1));
  let sum = 0;
  for (let draw = 0; draw < 32; draw++) {
    const bits = [0, 1, 2, 3, 4].map((i) => (draw >> i) & 1);
    const chance = bits.reduce((product, bit) => product * (bit === 1 ? 0.6 : 0.4), 1);
    if (bits[0] === bits[1] && bits[2] === bits[3] && bits[3] === bits[4]) sum += chance;
  }
  expect(Math.exp(logChanceOfTelling(joint))).toBeCloseTo(sum, 14);
});

it('counts leave rows out that lack a value or a target', () => {
  const joint = jointCounts(Float64Array.of(3, Number.NaN, 3, 1, 1), Float64Array.of(7, 7, 8, Number.NaN, 7));
  expect(joint).toEqual({ rowCount: 3, values: [1, 2], targets: [2, 1], pairs: [1, 1, 1] });
});

it.each([0, 1, 5, 19, 20, 21, 170])('ln %i!', (n) => {
  let sum = 0;
  for (let i = 2; i <= n; i++) sum += Math.log(i);
  expect(logFactorial(n)).toBeCloseTo(sum, 10);
});

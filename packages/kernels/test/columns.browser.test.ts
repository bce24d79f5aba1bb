import { describe, expect, it } from 'vitest';
import { createParityColumns, type KernelVariant, type PackedPoints, parityColumnBytes } from '../src/index.ts';
import { integers, lcg, randomPoints, reals } from './random-points.ts';

/** Sets of 0 to 4 coordinates, the first the empty one. */
function memberSets(columnCount: number, coordinateCount: number): number[][] {
  const random = lcg(columnCount);
  return Array.from({ length: columnCount }, (_, b) => {
    const members = new Set<number>();
    for (let k = 0; k < Math.min(b % 5, coordinateCount); k++) members.add(Math.floor(random() * coordinateCount));
    return [...members];
  });
}

interface Answers {
  readonly products: Float64Array[];
  readonly correlations: Float64Array;
  readonly combination: Float64Array;
}

async function answers(
  points: PackedPoints,
  sets: readonly number[][],
  variant: KernelVariant,
  vectors: (length: number, seed: number) => Float64Array,
  rowWeights?: Float64Array,
): Promise<Answers> {
  // Little room at first, so that the memory grows on the way.
  const columns = await createParityColumns(points, { variant, rowWeights, capacity: 1 });
  for (const [b, members] of sets.entries()) expect(columns.append(members)).toBe(b);
  expect(columns.count).toBe(sets.length);
  const combination = new Float64Array(points.rowCount);
  const correlations = new Float64Array(sets.length);
  columns.combine(vectors(sets.length, 2), combination);
  columns.correlations(vectors(points.rowCount, 1), correlations);
  const products = [0, Math.floor(sets.length / 2), sets.length - 1].map((a) => {
    const into = new Float64Array(sets.length);
    columns.products(a, into);
    return into;
  });
  return { products, correlations, combination };
}

const shapes: [m: number, n: number, columns: number][] = [
  [1, 1, 1],
  [63, 9, 8],
  [64, 8, 9],
  [65, 17, 33],
  [1000, 30, 100],
  // Several chunks of rows in a combination.
  [20001, 12, 40],
];

describe('parity columns', () => {
  it.each(shapes)(
    'm=%i n=%i, %i columns: simd = scalar bit for bit, = reference exactly on integers',
    async (m, n, c) => {
      const points = randomPoints(m, n, m + n);
      const sets = memberSets(c, n);
      const zeroOne = reals(m, 4).map((value) => (value > -0.2 ? 1 : 0));
      for (const weights of [undefined, zeroOne, integers(m, 3)]) {
        const reference = await answers(points, sets, 'reference', integers, weights);
        expect(await answers(points, sets, 'simd', integers, weights)).toEqual(reference);
        expect(await answers(points, sets, 'scalar', integers, weights)).toEqual(reference);
      }
      const simd = await answers(points, sets, 'simd', reals, reals(m, 5));
      expect(await answers(points, sets, 'scalar', reals, reals(m, 5))).toEqual(simd);
      const exact = await answers(points, sets, 'reference', reals, reals(m, 5));
      const close = (a: Float64Array, b: Float64Array): void => {
        const worst = Math.max(...a.map((value, i) => Math.abs(value - b[i])));
        expect(worst).toBeLessThan(1e-12 * Math.max(1, m / 100));
      };
      close(simd.correlations, exact.correlations);
      close(simd.combination, exact.combination);
      simd.products.forEach((row, k) => {
        close(row, exact.products[k]);
      });
    },
  );

  it('more columns than one batch: every product of distinct parities over the whole cube is 0', async () => {
    // Orthogonality is the oracle: all 2^13 parities of 13 coordinates at all 2^13 points.
    const n = 13;
    const size = 2 ** n;
    const planes = new Uint8Array(2 * size);
    for (let x = 0; x < size; x++) {
      planes[x] = x & 255;
      planes[size + x] = x >> 8;
    }
    const columns = await createParityColumns({ rowCount: size, coordinateCount: n, planes });
    for (let s = 0; s < size; s++) {
      columns.append(Array.from({ length: n }, (_, j) => j).filter((j) => (s >> j) & 1));
    }
    const into = new Float64Array(size);
    for (const a of [0, 4095, 4096, 8191]) {
      columns.products(a, into);
      expect(into[a]).toBe(size);
      expect(into.filter((value) => value !== 0)).toHaveLength(1);
    }
    // Parseval's inversion: correlating, then combining, multiplies by 2^n.
    const values = integers(size, 1);
    columns.correlations(values, into);
    const back = new Float64Array(size);
    columns.combine(into, back);
    expect(back).toEqual(values.map((value) => value * size));
  });

  it('a column that is removed gives its number to the last one', async () => {
    const points = randomPoints(500, 20, 8);
    for (const variant of ['simd', 'reference'] as const) {
      const columns = await createParityColumns(points, { variant });
      for (const members of [[], [1], [2, 3], [4], [5, 6, 7]]) columns.append(members);
      columns.remove(1);
      columns.remove(3);
      const expected = await createParityColumns(points, { variant: 'reference' });
      for (const members of [[], [5, 6, 7], [2, 3]]) expected.append(members);
      const [a, b] = [new Float64Array(3), new Float64Array(3)];
      for (let k = 0; k < 3; k++) {
        columns.products(k, a);
        expected.products(k, b);
        expect(a).toEqual(b);
      }
      columns.clear();
      expect(columns.count).toBe(0);
      expect(columns.append([9])).toBe(0);
    }
  });

  it('a result does not depend on the columns beside it', async () => {
    const points = randomPoints(3000, 40, 2);
    const rows = reals(3000, 1);
    const alone = await createParityColumns(points);
    alone.append([3, 5]);
    const crowd = await createParityColumns(points);
    for (let b = 0; b < 100; b++) crowd.append(b === 57 ? [5, 3] : [b % 40]);
    const one = new Float64Array(1);
    const many = new Float64Array(100);
    alone.correlations(rows, one);
    crowd.correlations(rows, many);
    expect(many[57]).toBe(one[0]);
  });

  it('refuses what has no meaning', async () => {
    const points = randomPoints(10, 5, 1);
    await expect(createParityColumns(points, { rowWeights: new Float64Array(9) })).rejects.toThrow('10 row weights');
    for (const variant of ['simd', 'reference'] as const) {
      const columns = await createParityColumns(points, { variant });
      expect(() => columns.append([5])).toThrow('from 0 to 4');
      expect(() => columns.append([0, 1, 2, 3, 4, 0])).toThrow('at most 5');
      expect(() => columns.products(0, new Float64Array(1))).toThrow('there are 0');
      columns.append([]);
      expect(() => columns.products(0, new Float64Array(0))).toThrow('room for 1');
      expect(() => columns.correlations(new Float64Array(9), new Float64Array(1))).toThrow('10 row values');
    }
  });

  it('predicts its bytes within 2 % and a page', async () => {
    const original = WebAssembly.Memory;
    let made: WebAssembly.Memory | undefined;
    WebAssembly.Memory = class extends original {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        super(descriptor);
        made = this;
      }
    };
    try {
      const points = randomPoints(20000, 50, 1);
      await createParityColumns(points, { capacity: 1000 });
      const bytes = made?.buffer.byteLength ?? 0;
      const predicted = parityColumnBytes({ rowCount: 20000, coordinateCount: 50 }, 1000);
      expect(Math.abs(bytes - predicted)).toBeLessThan(0.02 * bytes + 65536);
    } finally {
      WebAssembly.Memory = original;
    }
  });
});

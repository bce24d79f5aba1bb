/**
 * Rows are drawn by a hash of their names. The hash is the published one (known answers, and a script of its own), behaves
 * as random numbers do in whatever is drawn by it, and what is drawn does not depend on which rows stand where.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createRandom, type Draw, drawOrder, drawParts, pickKeys, sampleSeed, threefry } from '../src/internal.ts';

const golden = JSON.parse(readFileSync(new URL('row-draws/row-draws.json', import.meta.url), 'utf8'));
const PURPOSES = ['test', 'choice', 'folds', 'confirmation', 'lossSamples', 'termSamples'] as const;

function hashOf(key0: number, key1: number, word0: number, word1: number): [number, number] {
  const words = new Uint32Array(2);
  threefry(words, key0, key1, word0, word1);
  return [words[0], words[1]];
}

/** How many of its standard deviations a chi-square is off what it is on average. */
function deviations(chiSquare: number, freedom: number): number {
  return (chiSquare - freedom) / Math.sqrt(2 * freedom);
}

function chiSquareOf(counts: readonly number[], expected: number): number {
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** Chi-square of two divisions of the same rows into ten parts each, against independent ones. */
function tableDeviations(first: ArrayLike<number>, second: ArrayLike<number>): number {
  const counts = new Array<number>(100).fill(0);
  for (let row = 0; row < first.length; row++) counts[10 * first[row] + second[row]]++;
  return deviations(chiSquareOf(counts, first.length / 100), 81);
}

function tenths(draw: Draw, rowCount: number): Uint32Array {
  return drawParts(draw, new Array<number>(10).fill(rowCount / 10));
}

describe('the hash', () => {
  it('gives the known answers of Random123 for threefry2x32 with 20 rounds', () => {
    const all = 0xffffffff;
    expect(hashOf(0, 0, 0, 0)).toEqual([0x6b200159, 0x99ba4efe]);
    expect(hashOf(all, all, all, all)).toEqual([0x1cb996fc, 0xbb002be7]);
    expect(hashOf(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)).toEqual([0xc4923a9c, 0x483df7a0]);
  });

  it('changes every bit with one chance in two where any bit of the name, the seed or the purpose changes', () => {
    const random = createRandom(1);
    const trials = 1000;
    let chiSquare = 0;
    let freedom = 0;
    let farthest = 0;
    for (let word = 0; word < 4; word++) {
      for (let bit = 0; bit < 32; bit++) {
        const flips = new Array<number>(64).fill(0);
        for (let trial = 0; trial < trials; trial++) {
          // Purposes and seeds are small numbers, and so are the names of rows.
          const words = [random.integer(100), random.integer(10), random.integer(1e6), 0];
          const before = hashOf(words[0], words[1], words[2], words[3]);
          words[word] ^= 1 << bit;
          const after = hashOf(words[0], words[1], words[2], words[3]);
          for (let at = 0; at < 64; at++) flips[at] += ((before[at >> 5] ^ after[at >> 5]) >>> (at & 31)) & 1;
        }
        for (const count of flips) {
          const z = (count - trials / 2) / Math.sqrt(trials / 4);
          chiSquare += z * z;
          freedom++;
          farthest = Math.max(farthest, Math.abs(z));
        }
      }
    }
    expect(Math.abs(deviations(chiSquare, freedom))).toBeLessThan(4);
    // The largest of 8192 normal numbers is beyond 5 with a chance of 0.5 %.
    expect(farthest).toBeLessThan(5);
  });

  it('is uniform over the names that rows have, also from one row to the next', () => {
    const rowCount = 2 ** 17;
    for (const [seed, purpose] of [
      [1, 1],
      [1, 3],
      [2, 1],
    ]) {
      const words = Array.from({ length: rowCount }, (_, row) => hashOf(seed, purpose, row, 0));
      for (const half of [0, 1]) {
        const [high, low, pairs] = [1024, 1024, 1024].map((length) => new Array<number>(length).fill(0));
        words.forEach((hash, row) => {
          high[hash[half] >>> 22]++;
          low[hash[half] & 1023]++;
          if (row > 0) pairs[32 * (words[row - 1][half] >>> 27) + (hash[half] >>> 27)]++;
        });
        for (const counts of [high, low, pairs]) {
          const seen = counts.reduce((sum, count) => sum + count, 0);
          expect(Math.abs(deviations(chiSquareOf(counts, seen / 1024), 1023))).toBeLessThan(4);
        }
      }
    }
  });
});

describe('draws', () => {
  it.each(
    golden.draws as {
      seed: number;
      purpose: Draw['purpose'];
      keys: number[];
      sizes: number[];
      parts: number[];
      order: number[];
    }[],
  )(
    'are those of an independent script: $purpose by seed $seed into $sizes',
    ({ seed, purpose, keys, sizes, parts, order }) => {
      const names = Float64Array.from(keys);
      expect(Array.from(drawParts({ purpose, seed }, sizes, names))).toEqual(parts);
      expect(Array.from(drawOrder({ purpose, seed }, names))).toEqual(order);
    },
  );

  it.each(golden.seeds as { seed: number; purpose: Draw['purpose']; sampleSeed: number }[])(
    'of samples start where that script says: $purpose by seed $seed',
    ({ seed, purpose, sampleSeed: expected }) => {
      expect(sampleSeed({ purpose, seed })).toBe(expected);
    },
  );

  it('rank rows by their hash, whatever the sizes', () => {
    const draw = { purpose: 'folds', seed: 5 } as const;
    for (const sizes of [[], [0], [1], [0, 3, 0], [1, 1, 1], [0, 0, 20_000, 0, 1, 29_999], [12_345, 37_655]]) {
      const rowCount = sizes.reduce((sum, size) => sum + size, 0);
      const numbers = Array.from({ length: rowCount }, (_, row) => {
        const [first, second] = hashOf(5, 3, row, 0);
        return { row, hash: BigInt(first) * 2n ** 32n + BigInt(second) };
      });
      const ranked = numbers.sort((a, b) => (a.hash < b.hash ? -1 : 1)).map(({ row }) => row);
      const expected = new Array<number>(rowCount);
      sizes
        .flatMap((size, part) => new Array<number>(size).fill(part))
        .forEach((part, rank) => {
          expected[ranked[rank]] = part;
        });
      expect(Array.from(drawParts(draw, sizes))).toEqual(expected);
    }
  });

  it('do not depend on the order in which named rows come', () => {
    const rowCount = 3000;
    const sizes = [500, 1700, 800];
    for (const scale of [1, 2 ** 35 + 1]) {
      const keys = Float64Array.from({ length: rowCount }, (_, row) => row * scale);
      const partOf = drawParts({ purpose: 'test', seed: 9 }, sizes, keys);
      const order = createRandom(3).permutation(rowCount);
      const shuffled = drawParts({ purpose: 'test', seed: 9 }, sizes, pickKeys(keys, order));
      expect(Array.from(shuffled)).toEqual(Array.from(order, (row) => partOf[row]));
      const places = drawOrder({ purpose: 'test', seed: 9 }, pickKeys(keys, order));
      const unshuffled = drawOrder({ purpose: 'test', seed: 9 }, keys);
      expect(Array.from(places, (place) => order[place])).toEqual(Array.from(unshuffled));
    }
  });

  it('keep the order of the rows where others are appended or left out', () => {
    const draw = { purpose: 'folds', seed: 1 } as const;
    const before = drawParts(draw, [400, 400, 400, 400, 400]);
    const after = drawParts(draw, [430, 430, 430, 430, 430]).subarray(0, 2000);
    // One order stands behind both: up to whatever part, one has all the rows of the other.
    for (let part = 0; part < 5; part++) {
      const rows = [before, after].map((parts) => [...parts.keys()].filter((row) => parts[row] <= part));
      const [fewer, more] = rows.sort((a, b) => a.length - b.length);
      expect(fewer.length).toBeGreaterThan(0);
      expect(fewer.filter((row) => !more.includes(row))).toEqual([]);
    }
    const kept = Uint32Array.from({ length: 1000 }, (_, i) => 2 * i + 1);
    const left = drawOrder(draw, pickKeys(undefined, kept));
    const whole = drawOrder(
      draw,
      Uint32Array.from({ length: 2000 }, (_, row) => row),
    );
    expect(Array.from(left, (place) => kept[place])).toEqual(Array.from(whole).filter((row) => row % 2 === 1));
  });

  it('for different purposes, and by different seeds, have nothing to do with each other', () => {
    const rowCount = 50_000;
    const draws = [
      ...PURPOSES.map((purpose) => ({ purpose, seed: 1 })),
      ...[0, 2, 2 ** 31 - 1].map((seed) => ({ purpose: 'test' as const, seed })),
    ].map((draw) => tenths(draw, rowCount));
    for (const [i, first] of draws.entries()) {
      for (const second of draws.slice(0, i)) expect(Math.abs(tableDeviations(first, second))).toBeLessThan(4.5);
      // What the check can see: the same rows, drawn one place further.
      expect(
        tableDeviations(
          first,
          [...first.slice(1), first[0]].map((part, row) => (row % 20 ? part : first[row])),
        ),
      ).toBeGreaterThan(4.5);
    }
  });
});

/** Shapley values of rows against their definition: the mean over all orders of players of what each adds. */
import { describe, expect, it } from 'vitest';
import {
  attributeRows,
  type CubePoints,
  evaluatePolynomial,
  type Polynomial,
  polynomialFromTerms,
  shapleyValues,
} from '../src/index.ts';
import { createRandom, randomPoints } from './helpers.ts';

const POOLS = [0, 0, 1, 2, 2, 2, 3, 4];

function randomPolynomial(seed: number): Polynomial {
  const random = createRandom(seed);
  const terms = [{ coordinates: [] as number[], coefficient: random.normal() }];
  for (let t = 0; t < 25; t++) {
    const coordinates = [0, 1, 2, 3, 4, 5, 6, 7]
      .filter(() => random.uniform() < 0.4)
      .filter((c, j, list) => list.findIndex((other) => POOLS[other] === POOLS[c]) === j);
    terms.push({ coordinates, coefficient: random.normal() });
  }
  return polynomialFromTerms(
    Array.from({ length: 8 }, (_, j) => `x${j}`),
    terms,
  );
}

const signs = (points: CubePoints, row: number): number[] =>
  Array.from({ length: points.coordinateCount }, (_, j) =>
    (points.planes[(j >> 3) * points.rowCount + row] >> (j & 7)) & 1 ? -1 : 1,
  );

function value(polynomial: Polynomial, x: readonly number[]): number {
  const { offsets, members, coefficients } = polynomial;
  let sum = 0;
  for (let t = 0; t < polynomial.termCount; t++) {
    let product = coefficients[t];
    for (let k = offsets[t]; k < offsets[t + 1]; k++) product *= x[members[k]];
    sum += product;
  }
  return sum;
}

// The game of one row: the players in the coalition have the row's answers, the others each baseline's in turn.
function game(polynomial: Polynomial, x: number[], baselines: number[][], coalition: readonly number[]): number {
  const values = baselines.map((z) =>
    value(
      polynomial,
      x.map((own, j) => (coalition.includes(POOLS[j]) ? own : z[j])),
    ),
  );
  return values.reduce((sum, v) => sum + v, 0) / values.length;
}

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}

function bruteForce(polynomial: Polynomial, x: number[], baselines: number[][]): number[] {
  const players = [...new Set(POOLS)];
  const orders = permutations(players);
  const shares = players.map(() => 0);
  for (const order of orders) {
    order.forEach((player, at) => {
      const before = order.slice(0, at);
      shares[player] +=
        (game(polynomial, x, baselines, [...before, player]) - game(polynomial, x, baselines, before)) / orders.length;
    });
  }
  return shares;
}

describe('attributions of rows, pooled by column', () => {
  const points = randomPoints(6, 8, createRandom(2));
  const background = randomPoints(
    7,
    8,
    createRandom(3),
    Array.from({ length: 8 }, (_, j) => 0.2 + 0.08 * j),
  );
  for (const seed of [1, 2, 3]) {
    const polynomial = randomPolynomial(seed);
    it(`equal the mean over all orders (polynomial ${seed})`, async () => {
      const no = [new Array<number>(8).fill(1)];
      const average = Array.from({ length: 7 }, (_, row) => signs(background, row));
      for (const [baseline, baselines] of [
        ['all-no', no],
        ['average', average],
      ] as const) {
        const { base, values, poolCount } = await attributeRows(polynomial, points, {
          baseline,
          background,
          pools: POOLS,
        });
        expect(poolCount).toBe(5);
        expect(base).toBeCloseTo(baseValue(polynomial, baselines), 12);
        for (let row = 0; row < points.rowCount; row++) {
          const wanted = bruteForce(polynomial, signs(points, row), baselines);
          wanted.forEach((share, player) => {
            expect(values[row * 5 + player]).toBeCloseTo(share, 12);
          });
        }
      }
    });

    it(`and the base add up to the value (polynomial ${seed})`, async () => {
      const expected = await evaluatePolynomial(polynomial, points);
      for (const baseline of ['all-no', 'average'] as const) {
        const { base, values, poolCount } = await attributeRows(polynomial, points, { baseline, background });
        for (let row = 0; row < points.rowCount; row++) {
          const sum = values.subarray(row * poolCount, (row + 1) * poolCount).reduce((a, b) => a + b, base);
          expect(sum).toBeCloseTo(expected[row], 11);
        }
      }
    });
  }

  it('at the row of all yes are the Shapley values of the polynomial', async () => {
    const polynomial = randomPolynomial(4);
    const yes = { rowCount: 1, coordinateCount: 8, planes: Uint8Array.of(255) };
    const { values } = await attributeRows(polynomial, yes, { baseline: 'all-no' });
    shapleyValues(polynomial).forEach((wanted, i) => {
      expect(values[i]).toBeCloseTo(wanted, 12);
    });
  });

  it('refuse pools that meet in a term, a missing background, and other points', async () => {
    const pair = polynomialFromTerms(['a', 'b'], [{ coordinates: [0, 1], coefficient: 1 }]);
    const two = randomPoints(3, 2, createRandom(1));
    await expect(attributeRows(pair, two, { baseline: 'all-no', pools: [0, 0] })).rejects.toThrow('never multiplied');
    await expect(attributeRows(pair, two, { baseline: 'average' })).rejects.toThrow('no background rows');
    await expect(attributeRows(pair, points, { baseline: 'all-no' })).rejects.toThrow('8 coordinates');
  });
});

function baseValue(polynomial: Polynomial, baselines: number[][]): number {
  return baselines.reduce((sum, z) => sum + value(polynomial, z), 0) / baselines.length;
}

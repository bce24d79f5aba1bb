import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addPolynomials,
  evaluatePolynomial,
  polynomialDegree,
  polynomialFromTerms,
  termList,
  truncatePolynomial,
} from '../src/index.ts';
import { createBasisChange, createMonomialIndex, polynomialFromVector, polynomialToVector } from '../src/internal.ts';
import { bruteForce, createRandom, randomPoints, randomTerms, sign } from './helpers.ts';

const names = (n: number): string[] => Array.from({ length: n }, (_, j) => `c${j}`);

describe('polynomial', () => {
  it('evaluates by its definition, sparse and dense', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20 }), fc.nat(1000), async (n, seed) => {
        const random = createRandom(seed);
        const terms = randomTerms(Math.min(5, n), n, 1 + random.integer(Math.min(n, 4)) * (n > 6 ? 1 : 0), random);
        const points = randomPoints(50, n, random);
        const values = await evaluatePolynomial(polynomialFromTerms(names(n), terms), points);
        values.forEach((value, i) => {
          expect(value).toBeCloseTo(bruteForce(points, i, terms), 10);
        });
      }),
      { numRuns: 50 },
    );
    // Many terms over many rows take the operator: it must agree.
    const random = createRandom(1);
    const index = createMonomialIndex(24, 2);
    const dense = polynomialFromVector(
      names(24),
      2,
      Float64Array.from({ length: index.count }, () => random.normal()),
    );
    const points = randomPoints(40_000, 24, random);
    const values = await evaluatePolynomial(dense, points);
    for (const i of [0, 1, 777, 39_999]) expect(values[i]).toBeCloseTo(bruteForce(points, i, termList(dense)), 9);
  });

  it('adds equal terms, drops zeros, sorts, adds and truncates', () => {
    const p = polynomialFromTerms(names(4), [
      { coordinates: [3, 1], coefficient: 2 },
      { coordinates: [1, 3], coefficient: -0.5 },
      { coordinates: [], coefficient: 1 },
      { coordinates: [2], coefficient: 0 },
    ]);
    expect(termList(p)).toEqual([
      { coordinates: [], coefficient: 1 },
      { coordinates: [1, 3], coefficient: 1.5 },
    ]);
    expect(polynomialDegree(p)).toBe(2);
    expect(termList(truncatePolynomial(p, 1))).toEqual([{ coordinates: [], coefficient: 1 }]);
    expect(termList(addPolynomials(p, p, -1))).toEqual([]);
    expect(polynomialFromVector(p.coordinates, 3, polynomialToVector(p, 3))).toEqual(p);
    expect(() => polynomialFromTerms(names(2), [{ coordinates: [2], coefficient: 1 }])).toThrow(
      'expected different coordinates from 0 to 1',
    );
    expect(() => polynomialFromTerms(names(2), [{ coordinates: [1, 1], coefficient: 1 }])).toThrow(
      'expected different coordinates',
    );
    expect(() => polynomialFromTerms(names(2), [{ coordinates: [1], coefficient: Number.NaN }])).toThrow(
      'finite coefficient',
    );
  });
});

describe('biased basis', () => {
  const index = createMonomialIndex(7, 3);
  const means = Float64Array.of(0.3, -0.8, 0, 0.95, -0.1, 0.5, -0.5);
  const change = createBasisChange(index, means, 1e-6);
  const random = createRandom(2);
  const vector = (): Float64Array => Float64Array.from({ length: index.count }, () => random.normal());

  it('toParities gives the same function, by definition of the basis', () => {
    const coefficients = vector();
    const parities = coefficients.slice();
    change.toParities(parities);
    const points = randomPoints(30, 7, random);
    for (let i = 0; i < 30; i++) {
      let biased = 0;
      let plain = 0;
      index.forEach((subset, size, at) => {
        let phi = 1;
        let chi = 1;
        for (let j = 0; j < size; j++) {
          const x = sign(points, i, subset[j]);
          phi *= (x - means[subset[j]]) / Math.sqrt(1 - means[subset[j]] ** 2);
          chi *= x;
        }
        biased += coefficients[at] * phi;
        plain += parities[at] * chi;
      });
      expect(plain).toBeCloseTo(biased, 9);
    }
  });

  it('inverts and transposes', () => {
    const a = vector();
    const b = vector();
    const dot = (x: Float64Array, y: Float64Array): number => x.reduce((sum, value, i) => sum + value * y[i], 0);
    const there = a.slice();
    change.toParities(there);
    const transposed = b.slice();
    change.transpose(transposed);
    expect(dot(there, b)).toBeCloseTo(dot(a, transposed), 6);
    change.fromParities(there);
    there.forEach((value, i) => {
      expect(value).toBeCloseTo(a[i], 8);
    });
    change.transposeInverse(transposed);
    transposed.forEach((value, i) => {
      expect(value).toBeCloseTo(b[i], 8);
    });
  });
});

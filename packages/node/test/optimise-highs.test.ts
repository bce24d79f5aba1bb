/** The mixed-integer programme of an optimum, solved by HiGHS, against enumeration (itself tested by brute force). */
import {
  type CoordinateGroup,
  createRandom,
  optimisePolynomial,
  type Polynomial,
  polynomialFromTerms,
} from '@fewfire/core';
import { describe, expect, it } from 'vitest';
import { createHighsSolver } from '../src/index.ts';

const solver = createHighsSolver();
// Two two-valued columns, a categorical one, thresholds, and thresholds that may be missing.
const groups: readonly CoordinateGroup[] = [
  { coordinates: [0], states: [[], [0]] },
  { coordinates: [1, 2, 3], states: [[], [1], [2], [3]] },
  { coordinates: [4, 5], states: [[], [4], [4, 5]] },
  { coordinates: [6, 7, 8], states: [[], [6], [6, 7], [8]] },
  { coordinates: [9], states: [[], [9]] },
];
const names = Array.from({ length: 10 }, (_, s) => `x${s}`);

function randomPolynomial(seed: number, n: number, degree: number, termCount: number): Polynomial {
  const random = createRandom(seed);
  return polynomialFromTerms(
    Array.from({ length: n }, (_, s) => names[s] ?? `x${s}`),
    Array.from({ length: termCount }, () => ({
      coordinates: Array.from(random.permutation(n).subarray(0, random.integer(degree + 1))),
      coefficient: random.normal(),
    })),
  );
}

describe('optimisePolynomial with HiGHS', () => {
  it('proves the optimum that enumeration finds', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const polynomial = randomPolynomial(seed, 10, 4, 30);
      const options = {
        direction: seed % 2 === 0 ? 'maximise' : 'minimise',
        groups,
        fixed: seed % 3 === 0 ? [{ coordinate: 4, bit: 1 } as const] : [],
        atMost: seed % 4 < 2 ? { count: 2 } : undefined,
      } as const;
      const exact = await optimisePolynomial(polynomial, undefined, options);
      const solved = await optimisePolynomial(polynomial, solver, { ...options, method: 'milp' });
      expect(solved.solver).toContain('HiGHS');
      expect(solved.proof).toBe('solver optimum');
      expect(Math.abs(solved.value - exact.value)).toBeLessThan(1e-9);
      expect(solved.gap).toBeLessThan(1e-6);
    }
  });

  it('leaves a gap around the optimum when time is short, and stops when told', async () => {
    const polynomial = randomPolynomial(3, 26, 4, 400);
    const exact = await optimisePolynomial(polynomial, undefined, { direction: 'maximise' });
    expect(exact.proof).toBe('enumerated (exact)');
    const short = await optimisePolynomial(polynomial, solver, {
      direction: 'maximise',
      method: 'milp',
      timeLimitMs: 300,
    });
    expect(short.proof).toBe('gap remains');
    expect(short.bound).toBeGreaterThanOrEqual(exact.value);
    expect(short.value).toBeLessThanOrEqual(exact.value);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 300);
    const { signal } = controller;
    await expect(
      optimisePolynomial(polynomial, solver, { direction: 'maximise', method: 'milp', signal }),
    ).rejects.toMatchObject({ name: 'AbortError' });
  });
});

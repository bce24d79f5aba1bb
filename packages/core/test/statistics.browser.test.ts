/** base/statistics.ts against scipy and mpmath (statistics/goldens/make-statistics-goldens.py), and by simulation. */
import { describe, expect, it } from 'vitest';
import { createRandom } from '../src/index.ts';
import {
  clopperPearsonInterval,
  clopperPearsonLowerLimit,
  clopperPearsonUpperLimit,
  empiricalBernsteinHalfWidth,
  empiricalBernsteinInterval,
  hoeffdingHalfWidth,
  hoeffdingInterval,
  hoeffdingSampleCount,
  normalQuantile,
  regularizedIncompleteBeta,
} from '../src/internal.ts';
import golden from './statistics/goldens/statistics.json' with { type: 'json' };

const worst = (pairs: readonly (readonly [number, number])[]): number =>
  Math.max(...pairs.map(([actual, expected]) => (actual === expected ? 0 : Math.abs(actual / expected - 1))));

describe('statistics', () => {
  it('Clopper-Pearson limits equal the goldens to 1e-13 relative, from both ends', () => {
    expect(golden.clopperPearson.length).toBeGreaterThan(100);
    const low: [number, number][] = [];
    const high: [number, number][] = [];
    for (const [k, n, delta, from, to] of golden.clopperPearson) {
      const [a, b] = clopperPearsonInterval(k, n, delta);
      low.push([a, from]);
      high.push([b, to]);
    }
    expect(worst(low)).toBeLessThan(1e-13);
    expect(worst(high)).toBeLessThan(1e-13);
  });

  it('the incomplete beta function equals the goldens', () => {
    expect(golden.incompleteBeta.length).toBeGreaterThan(30);
    for (const [x, a, b, value] of golden.incompleteBeta) {
      expect(Math.abs(regularizedIncompleteBeta(x, a, b) / value - 1)).toBeLessThan(1e-12);
    }
  });

  it('limits of extreme counts: closed forms, symmetry, a billion and a trillion trials', () => {
    for (const n of [1, 7, 1e6, 1e9, 1e12]) {
      const upper = -Math.expm1(Math.log(0.025) / n);
      expect(Math.abs(clopperPearsonUpperLimit(0, n, 0.025) / upper - 1)).toBeLessThan(1e-12);
      expect(Math.abs(clopperPearsonLowerLimit(n, n, 0.025) / 0.025 ** (1 / n) - 1)).toBeLessThan(1e-12);
      expect(clopperPearsonInterval(0, n, 0.05)[0]).toBe(0);
      expect(clopperPearsonInterval(n, n, 0.05)[1]).toBe(1);
    }
    for (const [k, n] of [
      [3, 1e9],
      [4e8, 1e9],
      [5e11, 1e12],
    ]) {
      const [low, high] = clopperPearsonInterval(k, n, 0.05);
      const [mirrorLow, mirrorHigh] = clopperPearsonInterval(n - k, n, 0.05);
      expect(low).toBeCloseTo(1 - mirrorHigh, 14);
      expect(high).toBeCloseTo(1 - mirrorLow, 14);
      // With many successes the normal approximation is the oracle.
      const width = 2 * 1.959963984540054 * Math.sqrt((k / n) * (1 - k / n) * (1 / n));
      if (k > 1e6) expect((high - low) / width).toBeCloseTo(1, 4);
    }
  });

  it('the normal quantile equals the goldens', () => {
    for (const [p, z] of golden.normalQuantile)
      expect(Math.abs(normalQuantile(p) - z)).toBeLessThan(2e-15 * (1 + Math.abs(z)) * 4);
    expect(normalQuantile(0.25)).toBe(-normalQuantile(0.75));
  });

  it('Hoeffding: the sample count is the least for its accuracy', () => {
    for (const [accuracy, width, delta] of [
      [0.01, 1, 0.05],
      [0.3, 2, 1e-6],
      [5, 1, 0.5],
    ]) {
      const m = hoeffdingSampleCount(accuracy, width, delta);
      expect(hoeffdingHalfWidth(m, width, delta)).toBeLessThanOrEqual(accuracy);
      if (m > 1) expect(hoeffdingHalfWidth(m - 1, width, delta)).toBeGreaterThan(accuracy);
    }
    expect(hoeffdingSampleCount(0.01, 1, 0.05)).toBe(18445);
    expect(hoeffdingInterval(0.99, 100, [0, 1], 0.05)[1]).toBe(1);
  });

  it('empirical Bernstein is its formula', () => {
    const log = Math.log(4 / 0.05);
    expect(empiricalBernsteinHalfWidth(0.04, 101, 3, 0.05)).toBeCloseTo(
      Math.sqrt((2 * 0.04 * log) / 101) + (7 * 3 * log) / 300,
      14,
    );
  });

  it('every interval covers at least as often as it says', () => {
    const random = createRandom(11);
    const runs = 2000;
    for (const p of [0.003, 0.2, 0.5, 0.93]) {
      for (const m of [20, 300]) {
        let clopperPearson = 0;
        let oneSided = 0;
        let hoeffding = 0;
        let bernstein = 0;
        for (let run = 0; run < runs; run++) {
          let successes = 0;
          for (let i = 0; i < m; i++) successes += random.uniform() < p ? 1 : 0;
          const mean = successes / m;
          const variance = (mean * (1 - mean) * m) / (m - 1);
          const covers = ([low, high]: readonly [number, number]): number => (low <= p && p <= high ? 1 : 0);
          clopperPearson += covers(clopperPearsonInterval(successes, m, 0.1));
          oneSided += p <= clopperPearsonUpperLimit(successes, m, 0.1) ? 1 : 0;
          hoeffding += covers(hoeffdingInterval(mean, m, [0, 1], 0.1));
          bernstein += covers(empiricalBernsteinInterval(mean, variance, m, [0, 1], 0.1));
        }
        // 0.9 less four standard errors of the simulation.
        const least = runs * 0.9 - 4 * Math.sqrt(runs * 0.09);
        expect(clopperPearson).toBeGreaterThan(least);
        expect(oneSided).toBeGreaterThan(least);
        expect(hoeffding).toBeGreaterThan(least);
        expect(bernstein).toBeGreaterThan(least);
      }
    }
  });

  it('refuses what makes no sense', () => {
    for (const wrong of [
      () => clopperPearsonInterval(3, 2, 0.05),
      () => clopperPearsonInterval(1, 2, 0),
      () => clopperPearsonInterval(0.5, 2, 0.05),
      () => hoeffdingSampleCount(0, 1, 0.05),
      () => empiricalBernsteinHalfWidth(1, 1, 1, 0.05),
      () => normalQuantile(1),
      () => regularizedIncompleteBeta(2, 1, 1),
    ]) {
      expect(wrong).toThrow('expected');
    }
  });
});

import { describe, expect, it } from 'vitest';
import {
  type Candidate,
  cubePointsFromRows,
  fitElasticNet,
  type Selection,
  selectLowDegree,
  termList,
} from '../src/index.ts';
import { chooseSparsest } from '../src/internal.ts';
import { bruteForce, createRandom, randomPoints, randomTerms } from './helpers.ts';

function planted(seed: number, rowCount: number, n: number, degree: number, count: number, noise: number) {
  const random = createRandom(seed);
  const points = randomPoints(rowCount, n, random);
  const terms = randomTerms(count, n, degree, random);
  const target = Float64Array.from(
    { length: rowCount },
    (_, i) => 3 + bruteForce(points, i, terms) + noise * random.normal(),
  );
  return { points, target, names: terms.map((term) => term.coordinates.join(' ')).sort() };
}

async function termsOf(problem: ReturnType<typeof planted>, { best }: Selection): Promise<string[]> {
  const { degree, lambda, l1Ratio, refit } = best;
  const { model } = await fitElasticNet(problem.points, problem.target, { degree, lambda, l1Ratio, refit });
  const names = termList(model).map((term) => term.coordinates.join(' '));
  return names.filter((name) => name !== '').sort();
}

describe('choosing by held-out rows among sparse fits', () => {
  it('lasso finds exactly the planted terms of degree 3, with more monomials than rows', async () => {
    for (const seed of [1, 2, 3]) {
      const problem = planted(seed, 1000, 25, 3, 12, 0.5);
      const selection = await selectLowDegree(problem.points, problem.target, { degree: 3, method: 'lasso' });
      expect(selection.best).toMatchObject({ method: 'lasso', degree: 3, l1Ratio: 1, refit: true, termCount: 12 });
      expect(selection.validation).toBe('folds');
      expect(selection.reason).toContain('fewest terms, 12, of those with a held-out error within one standard error');
      expect(await termsOf(problem, selection)).toEqual(problem.names);
    }
  });

  it('lasso keeps what it chooses where shrunken fits predict better than all refits', async () => {
    let shrunkenBetter = 0;
    for (const seed of [37, 38, 39, 47, 57]) {
      const random = createRandom(seed);
      const points = cubePointsFromRows(
        Array.from({ length: 60 }, () => Array.from({ length: 12 }, () => random.integer(2))),
      );
      // Many small effects: false terms are let in before all true ones are.
      const terms = Array.from({ length: 12 }, (_, j) => ({ coordinates: [j], coefficient: 0.3 }));
      const target = Float64Array.from({ length: 60 }, (_, i) => bruteForce(points, i, terms) + random.normal());
      const { best, candidates, heldOut } = await selectLowDegree(points, target, { degree: 1, method: 'lasso' });
      const refits = candidates.filter((candidate) => candidate.refit);
      const low = refits.reduce((a, b) => (b.mse < a.mse ? b : a));
      const within = refits.filter(({ mse }) => mse <= low.mse + low.standardError);
      expect(best.termCount).toBe(Math.min(...within.map(({ termCount }) => termCount)));
      expect(within).toContain(best);
      const errors = Array.from(heldOut.rows, (row, i) => (target[row] - heldOut.predictions[i]) ** 2);
      expect(errors.reduce((sum, error) => sum + error, 0) / 60).toBeCloseTo(best.mse, 10);
      const lowest = candidates.reduce((a, b) => (b.mse < a.mse ? b : a));
      if (best.mse > lowest.mse + lowest.standardError) shrunkenBetter++;
    }
    expect(shrunkenBetter).toBeGreaterThan(0);
  });

  it('auto goes past four monomials per row with the lasso, takes it, and says why', async () => {
    const problem = planted(4, 400, 25, 3, 8, 0.3);
    const { best, candidates, reason } = await selectLowDegree(problem.points, problem.target, {
      degree: 'auto',
      method: 'auto',
    });
    expect(best).toMatchObject({ method: 'lasso', degree: 3 });
    expect(best.mse).toBe(Math.min(...candidates.map((candidate) => candidate.mse)));
    expect(reason).toMatch(/lasso at degree 3 has the lowest held-out error, .*; ridge at degree [12] has /);
    expect(candidates.filter(({ method, degree }) => method === 'ridge' && degree === 3)).toEqual([]);
  });

  it('ridge is chosen from the same candidates as without the lasso', async () => {
    const problem = planted(5, 500, 8, 2, 20, 1);
    const options = { degree: 'auto', folds: 4, seed: 3 } as const;
    const auto = await selectLowDegree(problem.points, problem.target, { ...options, method: 'auto' });
    const ridge = await selectLowDegree(problem.points, problem.target, { ...options, method: 'ridge' });
    expect(auto.candidates.filter(({ method }) => method === 'ridge')).toEqual(ridge.candidates);
    const without = await selectLowDegree(problem.points, problem.target, { ...options, method: 'auto', lasso: false });
    expect(without.candidates).toEqual(auto.candidates.filter(({ method }) => method !== 'lasso'));
    expect(without.candidates.length).toBeLessThan(auto.candidates.length);
    expect(without.best.mse).toBe(Math.min(...without.candidates.map(({ mse }) => mse)));
  });

  it('one split takes the place of folds when they would cost more than the budget, and only its rows were held out', async () => {
    const problem = planted(6, 2000, 20, 3, 6, 0.3);
    const options = { degree: 3, method: 'lasso' } as const;
    const folds = await selectLowDegree(problem.points, problem.target, options);
    const budgetSeconds = folds.predictedSeconds / 2;
    const split = await selectLowDegree(problem.points, problem.target, { ...options, budgetSeconds });
    expect([folds.validation, split.validation]).toEqual(['folds', 'split']);
    expect([folds.rowCount, split.rowCount]).toEqual([2000, 2000]);
    expect([folds.heldOut.rows.length, split.heldOut.rows.length]).toEqual([2000, 400]);
    for (const { best, heldOut } of [folds, split]) {
      const errors = Array.from(heldOut.rows, (row, k) => (problem.target[row] - heldOut.predictions[k]) ** 2);
      expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeCloseTo(best.mse, 12);
    }
    expect(await termsOf(problem, split)).toEqual(problem.names);
  });

  it('a path that takes more work than it may ends with what it has, the same for any number of threads, and is named', async () => {
    const problem = planted(8, 600, 20, 3, 30, 0.3);
    const options = { degree: 3, method: 'elastic-net', folds: 2 } as const;
    const whole = await selectLowDegree(problem.points, problem.target, options);
    expect(whole.stopped).toEqual([]);
    const counts: number[] = [];
    for (const budgetSeconds of [1e-9, 0.008]) {
      const limited = { ...options, budgetSeconds };
      const short = await selectLowDegree(problem.points, problem.target, { ...limited, threads: 1 });
      expect(short.stopped).toEqual([3]);
      expect(await selectLowDegree(problem.points, problem.target, { ...limited, threads: 2 })).toEqual(short);
      counts.push(short.candidates.length);
    }
    // At least the constant; more work, more lambdas.
    expect(counts[0]).toBe(2);
    expect(counts[1]).toBeGreaterThan(counts[0]);
    expect(counts[1]).toBeLessThan(whole.candidates.length);
  });

  it('degrees are left out until those that are tried fit the budget on rows enough for the largest', async () => {
    const problem = planted(9, 20_000, 30, 1, 3, 0.3);
    const options = { degree: 'auto', method: 'ridge', budgetSeconds: 2 } as const;
    const { candidates, skipped, rowCount, predictedSeconds } = await selectLowDegree(
      problem.points,
      problem.target,
      options,
    );
    expect(predictedSeconds).toBeLessThanOrEqual(2);
    expect(Math.max(...candidates.map(({ degree }) => degree))).toBe(1);
    expect(rowCount).toBe(10_000);
    expect(skipped).toEqual([
      { degree: 2, reason: expect.stringMatching(/^choosing would take about \d+ s, more than the 2 s allowed$/) },
    ]);
  });

  it('lasso keeps what it found of the one it chooses, though a solution that is not refitted has a lower error', async () => {
    let lowerUnfitted = 0;
    for (let seed = 0; seed < 12; seed++) {
      const problem = planted(20 + seed, 120, 10, 2, 30, 3);
      const options = { degree: 2, method: 'lasso', folds: 2 } as const;
      const { best, candidates, heldOut } = await selectLowDegree(problem.points, problem.target, options);
      const refitted = candidates.filter(({ refit }) => refit);
      const lowest = refitted.reduce((low, one) => (one.mse < low.mse ? one : low));
      const within = refitted.filter(({ mse }) => mse <= lowest.mse + lowest.standardError);
      expect(within).toContain(best);
      expect(best.termCount).toBe(Math.min(...within.map(({ termCount }) => termCount)));
      const errors = Array.from(heldOut.rows, (row, k) => (problem.target[row] - heldOut.predictions[k]) ** 2);
      expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeCloseTo(best.mse, 12);
      const limit = Math.min(...candidates.map(({ mse, standardError }) => mse + standardError));
      if (best.mse > limit) lowerUnfitted++;
    }
    expect(lowerUnfitted).toBeGreaterThan(0);
  });

  it('elastic net and hierarchy reach the candidates, and a constant target is a constant', async () => {
    const problem = planted(7, 300, 10, 1, 3, 0.3);
    const net = await selectLowDegree(problem.points, problem.target, {
      degree: 2,
      method: 'elastic-net',
      hierarchy: 'weak',
    });
    expect(net.best).toMatchObject({ method: 'elastic-net', l1Ratio: 0.5, hierarchy: 'weak' });
    const constant = new Float64Array(300).fill(4);
    const flat = await selectLowDegree(problem.points, constant, { degree: 2, method: 'lasso' });
    expect(flat.best).toMatchObject({ termCount: 0, mse: 0 });
  });
});

it('chooseSparsest: within one standard error, fewest terms, lowest degree, the middle lambda', () => {
  const entry = (lambda: number, termCount: number, mse: number, degree = 2, refit = true) => ({
    candidate: { lambda, termCount, mse, degree, refit, standardError: 0.1 } as Candidate,
  });
  const entries = [
    entry(9, 1, 1.5),
    entry(8, 4, 1.05),
    entry(7, 4, 1.02),
    entry(6, 4, 1.04),
    entry(5, 9, 1),
    entry(4, 2, 1.01, 2, false),
    entry(3, 4, 1.03, 3),
  ];
  expect(chooseSparsest(entries)?.candidate.lambda).toBe(7);
});

/** Logistic regression against scikit-learn, and what it says when there is nothing to converge to. */

import { readFileSync } from 'node:fs';
import { createMonomialOperator } from '@fewfire/kernels';
import { describe, expect, it } from 'vitest';
import { cubePointsFromRows, evaluatePolynomial, fitLogistic, termList } from '../src/index.ts';
import { createLogisticSolver } from '../src/internal.ts';
import { bruteForce, createRandom, randomPoints, wholeCube } from './helpers.ts';

interface Problem {
  name: string;
  degree: number;
  rows: string[];
  y: number[];
  weights?: number[];
  subsets: number[][];
  fits: { lambda: number; coefficients: number[]; logLoss: number }[];
}
const problems: Problem[] = JSON.parse(
  readFileSync(new URL('./goldens/logistic.json', import.meta.url), 'utf8'),
).problems;
const pointsOf = (problem: Problem) => cubePointsFromRows(problem.rows.map((row) => [...row].map(Number)));
const weightsOf = (problem: Problem) =>
  problem.weights === undefined ? {} : { rowWeights: Float64Array.from(problem.weights) };

function worstDifference(
  terms: readonly { coordinates: readonly number[]; coefficient: number }[],
  problem: Problem,
  expected: readonly number[],
): number {
  const found = new Map(terms.map((term) => [term.coordinates.join(' '), term.coefficient]));
  return Math.max(...problem.subsets.map((subset, k) => Math.abs((found.get(subset.join(' ')) ?? 0) - expected[k])));
}

describe('goldens from scikit-learn', () => {
  for (const problem of problems) {
    for (const fit of problem.fits) {
      it(`${problem.name}, lambda ${fit.lambda}: coefficients to 1e-6, log-loss to 1e-9`, async () => {
        const { model, summary } = await fitLogistic(pointsOf(problem), Float64Array.from(problem.y), {
          degree: problem.degree,
          lambda: fit.lambda,
          tolerance: 1e-10,
          ...weightsOf(problem),
        });
        expect(summary.converged).toBe(true);
        expect(summary.note).toBeUndefined();
        expect(worstDifference(termList(model), problem, fit.coefficients)).toBeLessThan(1e-6);
        expect(Math.abs(summary.meanLogLoss - fit.logLoss)).toBeLessThan(1e-9);
      });
    }
  }

  it('the solver goes down a path of penalties to the same answers, and predicts rows of weight 0', async () => {
    const problem = problems[1];
    const points = pointsOf(problem);
    const operator = await createMonomialOperator(points, { degree: problem.degree });
    const solver = createLogisticSolver({
      operator,
      excluded: new Uint32Array(0),
      target: Float64Array.from(problem.y),
      rowWeights: Float64Array.from(problem.weights as number[]),
    });
    for (const fit of [...problem.fits].reverse()) {
      const solution = await solver.solve({ lambda: fit.lambda, tolerance: 1e-10, maxIterations: 1000 });
      expect(solution.converged).toBe(true);
      const terms = problem.subsets.map((coordinates, k) => ({ coordinates, coefficient: fit.coefficients[k] }));
      let deviance = 0;
      for (let i = 0; i < points.rowCount; i++) {
        const value = bruteForce(points, i, terms);
        expect(Math.abs(solution.predictions[i] - value)).toBeLessThan(1e-6);
        deviance += 2 * (problem.weights as number[])[i] * Math.log(1 + Math.exp(-problem.y[i] * value));
      }
      expect(solution.deviance).toBeCloseTo(deviance, 6);
    }
    operator.dispose();
  });
});

describe('separated classes', () => {
  const points = wholeCube(5);
  const signs = (subset: number[]) =>
    Float64Array.from({ length: 32 }, (_, i) =>
      Math.sign(bruteForce(points, i, [{ coordinates: subset, coefficient: 1 }])),
    );

  it('without a penalty are not called converged, and the note says what to do', async () => {
    const { model, summary } = await fitLogistic(points, signs([1, 3]), { degree: 2 });
    expect(summary.converged).toBe(false);
    expect(summary.note).toContain('give a lambda above 0 or a lower degree');
    expect(termList(model).every((term) => Math.abs(term.coefficient) < 100)).toBe(true);
  });

  it('separated in part: where x0 is a yes the class is certain, elsewhere it is open', async () => {
    const random = createRandom(4);
    const many = randomPoints(2000, 5, random);
    const target = Float64Array.from({ length: 2000 }, (_, i) =>
      bruteForce(many, i, [{ coordinates: [0], coefficient: 1 }]) < 0 || random.uniform() < 0.4 ? -1 : 1,
    );
    const { summary } = await fitLogistic(many, target, { degree: 1 });
    expect(summary.converged).toBe(false);
    expect(summary.note).toBeDefined();
    // One yes row turned round and there is a maximum again, however far out.
    const turned = target.slice();
    turned[target.findIndex((_, i) => bruteForce(many, i, [{ coordinates: [0], coefficient: 1 }]) < 0)] = 1;
    const finite = await fitLogistic(many, turned, { degree: 1 });
    expect(finite.summary.converged).toBe(true);
    expect(finite.summary.note).toBeUndefined();
  });

  it('with a penalty are fitted: the gradient of the objective vanishes, by definition', async () => {
    const target = signs([1, 3]);
    const lambda = 0.01;
    const { model, summary } = await fitLogistic(points, target, { degree: 2, lambda, tolerance: 1e-12 });
    expect(summary.converged).toBe(true);
    const values = await evaluatePolynomial(model, points);
    // By symmetry p = c x1 x3 with 32 sigma(-c) = lambda c.
    const c = termList(model).find((term) => term.coordinates.join() === '1,3')?.coefficient ?? 0;
    expect(32 / (1 + Math.exp(c))).toBeCloseTo(lambda * c, 9);
    expect(values.every((value, i) => Math.abs(value - c * target[i]) < 1e-9)).toBe(true);
  });

  it('more monomials than rows always separate', async () => {
    const random = createRandom(12);
    const few = randomPoints(20, 12, random);
    const target = Float64Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 1 : -1));
    const { summary } = await fitLogistic(few, target, { degree: 2 });
    expect(summary.converged).toBe(false);
    expect(summary.note).toBeDefined();
  });
});

it('refuses a target of other numbers or of one class, and says which', async () => {
  const points = wholeCube(3);
  await expect(fitLogistic(points, Float64Array.of(1, -1, 0, 1, 1, 1, 1, 1), { degree: 1 })).rejects.toThrow(
    'the target is 0 in row 2; expected -1 (a yes) or +1 (a no)',
  );
  await expect(fitLogistic(points, new Float64Array(8).fill(-1), { degree: 1, lambda: 1 })).rejects.toThrow(
    'the target is -1 in every row of the fit; expected both classes',
  );
  const rowWeights = Float64Array.of(1, 0, 1, 1, 1, 1, 1, 1);
  await expect(
    fitLogistic(points, Float64Array.of(1, -1, 1, 1, 1, 1, 1, 1), { degree: 1, lambda: 1, rowWeights }),
  ).rejects.toThrow('the target is 1 in every row of the fit');
});

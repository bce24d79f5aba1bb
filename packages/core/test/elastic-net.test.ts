import { readFileSync } from 'node:fs';
import { createMonomialOperator } from '@fewfire/kernels';
import { describe, expect, it } from 'vitest';
import { type CubePoints, cubePointsFromRows, fitElasticNet, type LowDegreeFit, termList } from '../src/index.ts';
import {
  createElasticNetSolver,
  type ElasticNetOptions,
  type ElasticNetSolver,
  eligibleProducts,
} from '../src/internal.ts';
import { bruteForce, createRandom, randomPoints, randomTerms, sign } from './helpers.ts';

interface Golden {
  name?: string;
  degree: number;
  rows: string[];
  y: number[];
  weights: number[];
  subsets: number[][];
  fits: { lambda: number; l1Ratio: number; weighted: boolean; coefficients: number[] }[];
}

const golden = (name: string) => JSON.parse(readFileSync(new URL(`./goldens/${name}.json`, import.meta.url), 'utf8'));
const lasso = { l1Ratio: 1, hierarchy: 'none', gapTolerance: 1e-12, maxIterations: 10_000 } as const;

function coefficientsAt(model: LowDegreeFit['model'], subsets: readonly number[][]): number[] {
  const terms = new Map(termList(model).map((term) => [term.coordinates.join(' '), term.coefficient]));
  return subsets.map((subset) => terms.get(subset.join(' ')) ?? 0);
}

describe.each([
  ['scikit-learn, degree 2', golden('elastic-net').problems[0] as Golden],
  ['scikit-learn, degree 3', golden('elastic-net').problems[1] as Golden],
  ['glmnet', golden('glmnet/elastic-net') as Golden],
])('goldens from %s', (_, problem) => {
  const points = cubePointsFromRows(problem.rows.map((row) => [...row].map(Number)));
  for (const { lambda, l1Ratio, weighted, coefficients } of problem.fits) {
    it(`lambda ${lambda}, l1Ratio ${l1Ratio}${weighted ? ', weighted' : ''}: coefficients to 1e-6`, async () => {
      const { model, summary } = await fitElasticNet(points, Float64Array.from(problem.y), {
        degree: problem.degree,
        lambda,
        l1Ratio,
        gapTolerance: 1e-14,
        ...(weighted ? { rowWeights: Float64Array.from(problem.weights) } : {}),
      });
      expect(summary.converged).toBe(true);
      const ours = coefficientsAt(model, problem.subsets);
      expect(Math.max(...ours.map((value, k) => Math.abs(value - coefficients[k])))).toBeLessThan(1e-6);
      expect(summary.termCount).toBe(coefficients.slice(1).filter((value) => value !== 0).length);
    });
  }
});

// A problem with more monomials than rows, biased columns, weights, and everything about it by definition.
interface Problem {
  readonly points: CubePoints;
  readonly target: Float64Array;
  readonly weights: Float64Array;
  readonly columns: readonly Float64Array[];
  readonly solver: ElasticNetSolver;
}

async function makeProblem(
  seed: number,
  rowCount = 120,
  n = 10,
  degree = 3,
  excluded: number[] = [],
): Promise<Problem> {
  const random = createRandom(seed);
  const shares = Array.from({ length: n }, (_, j) => 0.2 + (0.6 * j) / n);
  const points = randomPoints(rowCount, n, random, shares);
  const terms = randomTerms(6, n, 2, random);
  const target = Float64Array.from({ length: rowCount }, (_, i) => 5 + bruteForce(points, i, terms) + random.normal());
  const weights = Float64Array.from({ length: rowCount }, () => random.integer(4) / 2);
  const operator = await createMonomialOperator(points, { degree });
  const columns: Float64Array[] = [];
  operator.index.forEach((subset, size) => {
    const members = Array.from(subset.subarray(0, size));
    columns.push(
      Float64Array.from({ length: rowCount }, (_, i) =>
        members.reduce((product, j) => product * sign(points, i, j), 1),
      ),
    );
  });
  const solver = await createElasticNetSolver({
    operator,
    points,
    excluded: Uint32Array.from(excluded),
    target,
    rowWeights: weights,
    activeLimit: 1000,
  });
  return { points, target, weights, columns, solver };
}

function residualOf({ target, columns }: Problem, coefficients: Float64Array): Float64Array {
  return target.map((value, i) => columns.reduce((rest, column, at) => rest - coefficients[at] * column[i], value));
}

function weightedMean(values: Float64Array, weights: Float64Array): number {
  return sum(values.map((value, i) => weights[i] * value)) / sum(weights);
}

function objective(problem: Problem, coefficients: Float64Array, lambda: number, l1Ratio: number): number {
  const squares = residualOf(problem, coefficients).map((value) => value * value);
  const slopes = coefficients.subarray(1);
  return (
    weightedMean(squares, problem.weights) / 2 +
    lambda * l1Ratio * sum(slopes.map(Math.abs)) +
    ((lambda * (1 - l1Ratio)) / 2) * sum(slopes.map((c) => c * c))
  );
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
const nonZero = (values: Float64Array): number[] =>
  Array.from(values.keys()).filter((at) => at > 0 && values[at] !== 0);

describe('the certificate', () => {
  for (const l1Ratio of [1, 0.6]) {
    it(`the gap bounds how far the objective is off, and the conditions of the optimum hold, l1Ratio ${l1Ratio}`, async () => {
      const lambda = 0.08;
      const problem = await makeProblem(3);
      const tight = await problem.solver.solve({ ...lasso, lambda, l1Ratio, gapTolerance: 1e-15 });
      const optimum = objective(problem, tight.coefficients, lambda, l1Ratio);
      const residual = residualOf(problem, tight.coefficients);
      expect(weightedMean(residual, problem.weights)).toBeCloseTo(0, 12);
      for (let at = 1; at < problem.columns.length; at++) {
        const c = tight.coefficients[at];
        const correlation = weightedMean(
          residual.map((value, i) => value * problem.columns[at][i]),
          problem.weights,
        );
        const gradient = correlation - lambda * (1 - l1Ratio) * c;
        if (c === 0) expect(Math.abs(gradient)).toBeLessThan(lambda * l1Ratio + 1e-6);
        else expect(Math.abs(gradient - lambda * l1Ratio * Math.sign(c))).toBeLessThan(1e-6);
      }
      let loose = 0;
      for (let maxIterations = 0; maxIterations < 12; maxIterations++) {
        const cold = await makeProblem(3);
        const early = await cold.solver.solve({ ...lasso, lambda, l1Ratio, gapTolerance: 1e-15, maxIterations });
        const off = objective(problem, early.coefficients, lambda, l1Ratio) - optimum;
        expect(off).toBeGreaterThan(-1e-12);
        expect(early.dualityGap).toBeGreaterThanOrEqual(off - 1e-12);
        if (off > 1e-6) loose++;
      }
      expect(loose).toBeGreaterThan(2); // otherwise nothing was bounded
    });
  }

  it('screening never takes away a monomial of the solution, and takes most of the others', async () => {
    let screened = 0;
    for (let seed = 0; seed < 8; seed++) {
      for (const [lambda, l1Ratio] of [
        [0.3, 1],
        [0.1, 1],
        [0.2, 0.5],
      ]) {
        const { solver } = await makeProblem(20 + seed);
        const found = nonZero((await solver.solve({ ...lasso, lambda, l1Ratio, gapTolerance: 1e-15 })).coefficients);
        for (const gapTolerance of [0.1, 1e-2, 1e-3, 1e-6]) {
          const early = await (await makeProblem(20 + seed)).solver.solve({ ...lasso, lambda, l1Ratio, gapTolerance });
          const left = new Set(early.survivors);
          expect(found.filter((at) => !left.has(at))).toEqual([]);
          screened += 175 - left.size;
        }
      }
    }
    expect(screened).toBeGreaterThan(4000);
  });

  it('above lambdaMax only the constant is left, just below it one term', async () => {
    const { solver, target, weights } = await makeProblem(4);
    const most = await solver.lambdaMax({ l1Ratio: 0.5, hierarchy: 'none' });
    const above = await solver.solve({ ...lasso, lambda: most * 1.0001, l1Ratio: 0.5 });
    expect(nonZero(above.coefficients)).toEqual([]);
    expect(above.coefficients[0]).toBeCloseTo(weightedMean(target, weights), 12);
    expect(above.relativeGap).toBeLessThan(1e-12);
    const below = await solver.solve({ ...lasso, lambda: most * 0.999, l1Ratio: 0.5 });
    expect(nonZero(below.coefficients)).toHaveLength(1);
  });
});

describe('the solver', () => {
  it('finds along a path what it finds from the start, and predicts rows of weight 0', async () => {
    const path = await makeProblem(5);
    for (const lambda of [0.5, 0.3, 0.2, 0.1, 0.05]) {
      const warm = await path.solver.solve({ ...lasso, lambda });
      const cold = await (await makeProblem(5)).solver.solve({ ...lasso, lambda });
      expect(warm.converged && cold.converged).toBe(true);
      expect(largestDifference(warm.coefficients, cold.coefficients)).toBeLessThan(1e-5);
      const residual = residualOf(path, warm.coefficients);
      expect(
        largestDifference(
          warm.predictions,
          path.target.map((y, i) => y - residual[i]),
        ),
      ).toBeLessThan(1e-10);
    }
    expect(path.weights.filter((weight) => weight === 0).length).toBeGreaterThan(10);
  });

  it('a refit is least squares on the terms chosen, and leaves the solution as it was', async () => {
    const problem = await makeProblem(6);
    const solution = await problem.solver.solve({ ...lasso, lambda: 0.3 });
    const { coefficients, converged } = await problem.solver.refit({ tolerance: 1e-12 });
    expect(converged).toBe(true);
    const chosen = nonZero(solution.coefficients);
    expect(chosen.length).toBeGreaterThan(3);
    expect(nonZero(coefficients)).toEqual(chosen);
    const residual = residualOf(problem, coefficients);
    for (const at of [0, ...chosen]) {
      const correlation = weightedMean(
        residual.map((value, i) => value * problem.columns[at][i]),
        problem.weights,
      );
      expect(Math.abs(correlation)).toBeLessThan(1e-10);
    }
    const again = await problem.solver.solve({ ...lasso, lambda: 0.3 });
    expect(again.coefficients).toEqual(solution.coefficients);
    expect(again.predictions).toEqual(solution.predictions);
  });

  it('columns that are equal, opposite or constant do not keep it from the optimum', async () => {
    const random = createRandom(7);
    const rows = Array.from({ length: 80 }, () => {
      const [a, b] = [random.integer(2), random.integer(2)];
      return [a, a, 1 - a, b, 1, 0];
    });
    const target = Float64Array.from(rows, ([a, , , b]) => 2 * a + (a ^ b) + 0.1 * random.normal());
    const { summary } = await fitElasticNet(cubePointsFromRows(rows), target, { degree: 3, lambda: 0.01, refit: true });
    expect(summary.converged).toBe(true);
    expect(summary.trainingMse).toBeLessThan(0.012);
  });

  it('with no room for the active monomials, or too few passes, it says that it did not converge', async () => {
    const { points, target } = await makeProblem(8);
    const operator = await createMonomialOperator(points, { degree: 3 });
    const excluded = new Uint32Array(0);
    const shared = { operator, points, excluded, target, rowWeights: undefined };
    const options: ElasticNetOptions = { ...lasso, lambda: 0.02 };
    const narrow = await (await createElasticNetSolver({ ...shared, activeLimit: 5 })).solve(options);
    expect(narrow.converged).toBe(false);
    expect(narrow.relativeGap).toBeGreaterThan(1e-3);
    expect(narrow.activeCount).toBeLessThanOrEqual(5);
    const short = await (await createElasticNetSolver({ ...shared, activeLimit: 1000 })).solve({
      ...options,
      maxIterations: 1,
    });
    expect(short).toMatchObject({ converged: false, iterations: 1 });
  });

  it('stops when aborted in the middle, with the reason', async () => {
    const { solver } = await makeProblem(9);
    const controller = new AbortController();
    const onIteration = (): void => controller.abort(new Error('enough'));
    await expect(solver.solve({ ...lasso, lambda: 0.05, signal: controller.signal, onIteration })).rejects.toThrow(
      'enough',
    );
  });
});

describe('hierarchy', () => {
  const parts = (subset: readonly number[]): string[] => subset.map((j) => subset.filter((k) => k !== j).join(' '));

  it.each(['weak', 'strong'] as const)(
    '%s: every product has its parts, and the rest is a lasso',
    async (hierarchy) => {
      const need = (has: boolean[]): boolean => (hierarchy === 'weak' ? has.some(Boolean) : has.every(Boolean));
      let products = 0;
      for (let seed = 0; seed < 6; seed++) {
        const { points, target, solver } = await makeProblem(40 + seed);
        const lambda = 0.04;
        const fit = await fitElasticNet(points, target, { degree: 3, lambda, hierarchy, gapTolerance: 1e-13 });
        expect(fit.summary).toMatchObject({ hierarchy, converged: true });
        const terms = termList(fit.model);
        const present = new Set(terms.map((term) => term.coordinates.join(' ')));
        for (const { coordinates } of terms.filter((term) => term.coordinates.length > 1)) {
          products++;
          expect(need(parts(coordinates).map((part) => present.has(part)))).toBe(true);
        }
        // On its own support alone it is the lasso. (Compared by the objective: signs need not be in general position.)
        const { coefficients } = await solver.solve({ ...lasso, lambda, hierarchy });
        const excluded = Array.from(coefficients.keys()).filter((at) => at > 0 && coefficients[at] === 0);
        const alone = await makeProblem(40 + seed, 120, 10, 3, excluded);
        const solved = await alone.solver.solve({ ...lasso, lambda });
        const value = objective(alone, solved.coefficients, lambda, 1);
        expect(Math.abs(objective(alone, coefficients, lambda, 1) - value)).toBeLessThan(1e-10 * value);
      }
      expect(products).toBeGreaterThan(20);
    },
  );

  it('a product without single effects is found by none, and kept out by weak and strong', async () => {
    const random = createRandom(10);
    const points = randomPoints(2000, 8, random);
    const target = Float64Array.from(
      { length: 2000 },
      (_, i) =>
        sign(points, i, 0) +
        sign(points, i, 1) +
        sign(points, i, 0) * sign(points, i, 1) +
        sign(points, i, 0) * sign(points, i, 2) +
        sign(points, i, 5) * sign(points, i, 6) +
        0.1 * random.normal(),
    );
    const found = async (hierarchy: 'none' | 'weak' | 'strong'): Promise<string[]> => {
      const { model } = await fitElasticNet(points, target, { degree: 2, lambda: 0.2, hierarchy });
      return termList(model)
        .map((term) => term.coordinates.join(' '))
        .filter((name) => name !== '');
    };
    expect(await found('none')).toEqual(['0', '1', '0 1', '0 2', '5 6']);
    expect(await found('weak')).toEqual(['0', '1', '0 1', '0 2']);
    expect(await found('strong')).toEqual(['0', '1', '0 1']);
  });

  it('eligible products, by definition', async () => {
    const operator = await createMonomialOperator(randomPoints(4, 6, createRandom(1)), { degree: 3 });
    const { index } = operator;
    const random = createRandom(2);
    const support = Array.from({ length: index.count }, (_, at) => at).filter((at) => at > 0 && random.uniform() < 0.4);
    const present = new Set(support.map((at) => index.subsetAt(at).join(' ')));
    for (const hierarchy of ['weak', 'strong'] as const) {
      const expected: number[] = [];
      index.forEach((subset, size, at) => {
        const has = parts(Array.from(subset.subarray(0, size))).map((part) => present.has(part));
        if (size > 1 && (hierarchy === 'weak' ? has.some(Boolean) : has.every(Boolean))) expected.push(at);
      });
      expect(expected.length).toBeGreaterThan(3);
      expect(eligibleProducts(index, support, hierarchy).sort((a, b) => a - b)).toEqual(expected);
    }
  });
});

describe('refusals', () => {
  it('name what was expected', async () => {
    const points = randomPoints(10, 3, createRandom(1));
    const target = new Float64Array(10);
    for (const lambda of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(fitElasticNet(points, target, { degree: 1, lambda })).rejects.toThrow(
        `lambda is ${lambda}; expected a finite number above 0`,
      );
    }
    for (const l1Ratio of [0, 1.1, Number.NaN]) {
      await expect(fitElasticNet(points, target, { degree: 1, lambda: 1, l1Ratio })).rejects.toThrow(
        `l1Ratio is ${l1Ratio}; expected a number above 0 and at most 1`,
      );
    }
  });
});

function largestDifference(a: Float64Array, b: Float64Array): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0);
}

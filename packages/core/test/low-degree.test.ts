import { readFileSync } from 'node:fs';
import { planMonomialOperator, planSignedEstimate } from '@fewfire/kernels';
import { describe, expect, it } from 'vitest';
import { cubePointsFromRows, estimateLowDegree, fitLowDegree, fitTable, memoryTable, termList } from '../src/index.ts';
import { polynomialToVector } from '../src/internal.ts';
import { bruteForce, createRandom, noteTexts, randomPoints, randomTerms, wholeCube } from './helpers.ts';

const golden = (name: string) => JSON.parse(readFileSync(new URL(`./goldens/${name}.json`, import.meta.url), 'utf8'));

interface Problem {
  name: string;
  coordinateCount: number;
  degree: number;
  rows: string[];
  y: number[];
  subsets: number[][];
  coefficients?: number[];
  fits?: { lambda: number; coefficients: number[] }[];
}

const pointsOf = (problem: Problem) => cubePointsFromRows(problem.rows.map((row) => [...row].map(Number)));

function coefficientsAt(model: Awaited<ReturnType<typeof fitLowDegree>>['model'], subsets: number[][]): number[] {
  const terms = new Map(termList(model).map((term) => [term.coordinates.join(' '), term.coefficient]));
  return subsets.map((subset) => terms.get(subset.join(' ')) ?? 0);
}

function expectClose(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const worst = Math.max(...actual.map((value, i) => Math.abs(value - expected[i])));
  expect(worst).toBeLessThan(tolerance);
}

describe('goldens from scikit-learn', () => {
  for (const problem of golden('least-squares').problems as Problem[]) {
    it(`least squares, ${problem.name}: coefficients to 1e-6`, async () => {
      const { model, summary } = await fitLowDegree(pointsOf(problem), Float64Array.from(problem.y), {
        degree: problem.degree,
        tolerance: 1e-10,
      });
      expect(summary.converged).toBe(true);
      expectClose(coefficientsAt(model, problem.subsets), problem.coefficients as number[], 1e-6);
    });
  }
  for (const problem of golden('ridge').problems as Problem[]) {
    for (const fit of problem.fits as { lambda: number; coefficients: number[] }[]) {
      it(`ridge, ${problem.name}, lambda ${fit.lambda}: coefficients to 1e-6`, async () => {
        const options = { degree: problem.degree, lambda: fit.lambda, tolerance: 1e-10 };
        const { model } = await fitLowDegree(pointsOf(problem), Float64Array.from(problem.y), options);
        expectClose(coefficientsAt(model, problem.subsets), fit.coefficients, 1e-6);
      });
    }
  }

  it('chess, all pairs, ridge 10: encoding, leading coefficients and predictions', async () => {
    const expected = golden('chess-ridge');
    const [head, ...lines] = readFileSync(new URL('../../../examples/chess-kr-vs-kp.csv', import.meta.url), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    const table = memoryTable(Object.fromEntries(head.map((name, c) => [name, lines.map((line) => line[c])])));
    const profiles = await table.profile(head.slice(0, -1));
    const { fitEncoder, encoderCoordinates, evaluatePolynomial } = await import('../src/index.ts');
    const { spec } = fitEncoder(profiles);
    const coordinates = encoderCoordinates(spec);
    expect(coordinates).toHaveLength(expected.coordinates.length);
    const { points } = await table.encode(spec);
    const target = Float64Array.from(lines, (line) => (line[line.length - 1] === 'won' ? -1 : 1));
    const groups = coordinates.map((coordinate) => coordinate.group);
    const { model, summary } = await fitLowDegree(points, target, {
      degree: 2,
      lambda: expected.lambda,
      tolerance: 1e-10,
      groups,
      maxIterations: 5000,
    });
    expect(summary.monomialCount).toBe(expected.termCount);
    const subsets = expected.terms.map((term: { subset: number[] }) => term.subset);
    expectClose(
      coefficientsAt(model, subsets),
      expected.terms.map((term: { coefficient: number }) => term.coefficient),
      1e-6,
    );
    expectClose(coefficientsAt(model, [[]]), [expected.intercept], 1e-6);
    const values = await evaluatePolynomial(model, points);
    expectClose(Array.from(values.subarray(0, 50)), expected.predictions, 1e-6);
    expect(summary.trainingMse).toBeCloseTo(expected.trainingMse, 8);
  });
});

describe('recovery', () => {
  it('a planted polynomial of degree 3 over 40 coordinates, without noise, is found exactly', async () => {
    const random = createRandom(11);
    const terms = randomTerms(30, 40, 3, random);
    const points = randomPoints(24_000, 40, random);
    const target = Float64Array.from({ length: points.rowCount }, (_, i) => bruteForce(points, i, terms));
    const { model, summary } = await fitLowDegree(points, target, { degree: 3, tolerance: 1e-12 });
    expect(summary.monomialCount).toBe(1 + 40 + 780 + 9880);
    const planted = new Map(terms.map((term) => [term.coordinates.join(' '), term.coefficient]));
    for (const { coordinates, coefficient } of termList(model)) {
      expect(Math.abs(coefficient - (planted.get(coordinates.join(' ')) ?? 0))).toBeLessThan(1e-9);
    }
    expect(termList(model).filter((term) => Math.abs(term.coefficient) > 0.25)).toHaveLength(30);
  });

  it('on the whole cube least squares and the one-pass estimate are the Fourier coefficients (n <= 12)', async () => {
    const random = createRandom(5);
    for (const [n, degree] of [
      [1, 1],
      [4, 2],
      [7, 7],
      [10, 3],
      [12, 4],
    ]) {
      const points = wholeCube(n);
      const target = Float64Array.from({ length: 2 ** n }, () => random.normal());
      const fourier = (mask: number): number => {
        let sum = 0;
        for (let x = 0; x < 2 ** n; x++) {
          let bits = 0;
          for (let j = 0; j < n; j++) bits += (x >> j) & (mask >> j) & 1;
          sum += bits % 2 === 0 ? target[x] : -target[x];
        }
        return sum / 2 ** n;
      };
      const fit = await fitLowDegree(points, target, { degree, tolerance: 1e-13 });
      const estimate = await estimateLowDegree(points, target, { degree });
      for (const { coordinates, coefficient } of [...termList(fit.model), ...termList(estimate.model)]) {
        expect(Math.abs(coefficient - fourier(coordinates.reduce((mask, j) => mask | (1 << j), 0)))).toBeLessThan(
          1e-10,
        );
      }
      expect(polynomialToVector(estimate.model, degree)).toHaveLength(fit.summary.monomialCount);
    }
  });
});

describe('one-pass estimate of a target of -1 and +1', () => {
  it.each([undefined, 'weights'])('takes the bits where they are faster, with the same result: %s', async (weights) => {
    const random = createRandom(4);
    const [m, n, degree] = [4000, 300, 2];
    const points = randomPoints(m, n, random);
    const target = Float64Array.from({ length: m }, () => (random.uniform() < 0.4 ? -1 : 1));
    const rowWeights = weights && Float64Array.from({ length: m }, () => (random.uniform() < 0.8 ? 1 : 0));
    const plan = planMonomialOperator({ rowCount: m, coordinateCount: n, degree });
    expect(planSignedEstimate(plan).costNs).toBeLessThan(0.35 * plan.costNs);
    const { model, summary } = await estimateLowDegree(points, target, { degree, rowWeights: rowWeights || undefined });
    // By histograms: a weight of 1/2 in place of 1 is not for bits, and the means are the same, exactly.
    const halves = Float64Array.from({ length: m }, (_, i) => (rowWeights ? rowWeights[i] : 1) / 2);
    const other = await estimateLowDegree(points, target, { degree, rowWeights: halves });
    expect(polynomialToVector(model, degree)).toEqual(polynomialToVector(other.model, degree));
    expect(summary.trainingMse).toBe(other.summary.trainingMse);
    expect(summary.monomialCount).toBe(1 + 300 + 44_850);
  });
});

describe('penalties', () => {
  it('a fit is where the gradient of its objective vanishes, for both penalty bases, on biased columns', async () => {
    // Brute force: the objective at the fit is below the objective at random points around it.
    const random = createRandom(3);
    const shares = [0.5, 0.1, 0.9, 0.3, 0.05];
    const points = randomPoints(300, 5, random, shares);
    const target = Float64Array.from(
      { length: 300 },
      (_, i) => bruteForce(points, i, [{ coordinates: [0, 1], coefficient: 1 }]) + random.normal(),
    );
    const subsets: number[][] = [[], [0], [1], [2], [3], [4]];
    for (let b = 0; b < 5; b++) for (let a = 0; a < b; a++) subsets.push([a, b]);
    const means = shares.map((_, j) => {
      let sum = 0;
      for (let i = 0; i < 300; i++) sum += bruteForce(points, i, [{ coordinates: [j], coefficient: 1 }]);
      return sum / 300;
    });
    for (const basis of ['parity', 'biased'] as const) {
      const lambda = 20;
      const value = (subset: number[], i: number): number =>
        subset.reduce((product, j) => {
          const x = bruteForce(points, i, [{ coordinates: [j], coefficient: 1 }]);
          return product * (basis === 'parity' ? x : (x - means[j]) / Math.sqrt(1 - means[j] ** 2));
        }, 1);
      const design = subsets.map((subset) => Float64Array.from({ length: 300 }, (_, i) => value(subset, i)));
      // Normal equations by Gaussian elimination.
      const system = design.map((a, r) => [
        ...design.map((b, c) => dot(a, b) + (r === c && r > 0 ? lambda : 0)),
        dot(a, target),
      ]);
      const solution = eliminate(system);
      const expected = Float64Array.from({ length: 300 }, (_, i) =>
        design.reduce((sum, column, c) => sum + solution[c] * column[i], 0),
      );
      const { model } = await fitLowDegree(points, target, { degree: 2, lambda, basis, tolerance: 1e-12 });
      const { evaluatePolynomial } = await import('../src/index.ts');
      expectClose(Array.from(await evaluatePolynomial(model, points)), Array.from(expected), 1e-8);
    }
  });

  it('rows of weight 0 do not matter, weight 2 counts a row twice', async () => {
    const random = createRandom(8);
    const points = randomPoints(200, 6, random);
    const target = Float64Array.from({ length: 200 }, () => random.normal());
    const rows: number[][] = [];
    const repeated: number[] = [];
    const rowWeights = Float64Array.from({ length: 200 }, (_, i) => i % 3);
    for (let i = 0; i < 200; i++) {
      for (let k = 0; k < i % 3; k++) {
        rows.push(Array.from({ length: 6 }, (_, j) => (points.planes[i] >> j) & 1));
        repeated.push(target[i]);
      }
    }
    const weighted = await fitLowDegree(points, target, { degree: 2, lambda: 5, rowWeights, tolerance: 1e-12 });
    const copied = await fitLowDegree(cubePointsFromRows(rows), Float64Array.from(repeated), {
      degree: 2,
      lambda: 5,
      tolerance: 1e-12,
    });
    expectClose(Array.from(weighted.model.coefficients), Array.from(copied.model.coefficients), 1e-9);
  });
});

describe('honesty', () => {
  it('a fit that stops early says so', async () => {
    const random = createRandom(2);
    const points = randomPoints(100, 10, random, Array(10).fill(0.2));
    const target = Float64Array.from({ length: 100 }, () => random.normal());
    const { summary } = await fitLowDegree(points, target, { degree: 2, maxIterations: 2, tolerance: 1e-12 });
    expect(summary.converged).toBe(false);
    expect(summary.relativeGradient).toBeGreaterThan(1e-12);
  });

  it('noise is called no better than guessing, a signal is not', async () => {
    const random = createRandom(4);
    const bits = Array.from({ length: 8 }, () => Array.from({ length: 400 }, () => random.integer(2)));
    const columns = Object.fromEntries(bits.map((column, j) => [`c${j}`, column]));
    const noise = Array.from({ length: 400 }, () => random.integer(2));
    const guess = await fitTable(memoryTable({ ...columns, y: noise }), { target: 'y' });
    expect(guess.model.training.test?.betterThanConstant).toBe(false);
    const xor = bits[0].map((bit, i) => bit ^ bits[3][i]);
    const signal = await fitTable(memoryTable({ ...columns, y: xor }), { target: 'y' });
    expect(signal.model.training.test?.betterThanConstant).toBe(true);
    expect(signal.model.training.test?.accuracy).toBe(1);
    // Yes is -1 on the cube, for the target too: exclusive or is the parity itself.
    const [lead] = termList(signal.model.outputs[0].polynomial).sort(
      (a, b) => Math.abs(b.coefficient) - Math.abs(a.coefficient),
    );
    expect(lead.coordinates).toEqual([0, 3]);
    expect(lead.coefficient).toBeGreaterThan(0.8);
  });
});

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

function eliminate(system: number[][]): number[] {
  const size = system.length;
  for (let c = 0; c < size; c++) {
    const pivot = system
      .slice(c)
      .reduce((best, row, k) => (Math.abs(row[c]) > Math.abs(system[best][c]) ? c + k : best), c);
    [system[c], system[pivot]] = [system[pivot], system[c]];
    for (let r = 0; r < size; r++) {
      if (r === c) continue;
      const factor = system[r][c] / system[c][c];
      for (let k = c; k <= size; k++) system[r][k] -= factor * system[c][k];
    }
  }
  return system.map((row, r) => row[size] / row[r]);
}

describe('regressions', () => {
  it('a target far from zero is fitted as well as one near it', async () => {
    const random = createRandom(12);
    const bits = Array.from({ length: 6 }, () => Array.from({ length: 400 }, () => random.integer(2)));
    const base = bits[0].map((bit, i) => 3 * bit + 2 * (bits[1][i] ^ bits[2][i]) + 0.5 * random.normal());
    const r2: (number | null | undefined)[] = [];
    for (const offset of [0, 2000, 1.7e9]) {
      const columns = Object.fromEntries(bits.map((column, j) => [`c${j}`, column]));
      const { model } = await fitTable(memoryTable({ ...columns, y: base.map((value) => value + offset) }), {
        target: 'y',
      });
      r2.push(model.training.test?.r2);
    }
    expect(r2[0]).toBeGreaterThan(0.8);
    expect(r2[1]).toBeCloseTo(r2[0] as number, 6);
    expect(r2[2]).toBeCloseTo(r2[0] as number, 4);
  });

  it('coin flips never turn the probability curve round', async () => {
    for (let seed = 0; seed < 6; seed++) {
      const random = createRandom(100 + seed);
      const columns = Object.fromEntries(
        Array.from({ length: 10 }, (_, j) => [`c${j}`, Array.from({ length: 200 }, () => random.integer(2))]),
      );
      const y = Array.from({ length: 200 }, () => random.integer(2));
      const { model } = await fitTable(memoryTable({ ...columns, y }), { target: 'y', degree: 1 });
      expect(model.outputs[0].calibration).toMatchObject({ kind: 'platt' });
      if (model.outputs[0].calibration.kind === 'platt')
        expect(model.outputs[0].calibration.slope).toBeGreaterThanOrEqual(0);
    }
  });

  it('a constant polynomial keeps its value on many rows', async () => {
    const { evaluatePolynomial, polynomialFromTerms } = await import('../src/index.ts');
    const names = Array.from({ length: 30 }, (_, j) => `c${j}`);
    const points = { rowCount: 7_000_000, coordinateCount: 30, planes: new Uint8Array(4 * 7_000_000) };
    const values = await evaluatePolynomial(
      polynomialFromTerms(names, [{ coordinates: [], coefficient: 2.5 }]),
      points,
    );
    expect(values[0]).toBe(2.5);
    expect(values[6_999_999]).toBe(2.5);
  });

  it('more coordinates than 16 bits can number are refused', async () => {
    const points = { rowCount: 2, coordinateCount: 70_000, planes: new Uint8Array(8750 * 2) };
    await expect(fitLowDegree(points, Float64Array.of(1, 2), { degree: 1 })).rejects.toThrow(/at most 65,536/);
  });

  it('a leak is named rightly when a rare value stands in test rows only', async () => {
    // With one row of a third kind, some seed sets just that row aside, and the test's encoder lacks its coordinate.
    const random = createRandom(3);
    const y = Array.from({ length: 60 }, () => random.integer(2));
    const kind = y.map((_, i) => (i === 7 ? 'rare' : ['p', 'q'][i % 2]));
    const a = Array.from({ length: 60 }, () => random.integer(2));
    for (let seed = 1; seed < 12; seed++) {
      const { model } = await fitTable(memoryTable({ kind, a, leak: y, y }), { target: 'y', seed, degree: 1 });
      expect(noteTexts(model).filter((note) => note.includes('in every row'))).toEqual([
        expect.stringMatching(/^"leak" equals the target/),
      ]);
    }
  });

  it('a number column that equals a number target is pointed out', async () => {
    const random = createRandom(5);
    const y = Array.from({ length: 100 }, () => random.normal());
    const other = Array.from({ length: 100 }, () => random.normal());
    const { model } = await fitTable(memoryTable({ other, copy: y, y }), { target: 'y' });
    expect(noteTexts(model).filter((note) => note.includes('in every row'))).toEqual([
      expect.stringMatching(/^"copy" equals/),
    ]);
  });

  it('targets whose squares overflow or vanish are refused', async () => {
    const a = [0, 1, 0, 1, 1, 0, 1, 0];
    await expect(fitTable(memoryTable({ a, y: [1, 2, 1e200, 4, 5, 6, 7, 8] }), { target: 'y' })).rejects.toThrow(
      '1e+200 in row 3',
    );
    await expect(fitTable(memoryTable({ a, y: a.map((_, i) => i * 1e-200) }), { target: 'y' })).rejects.toThrow(
      'varies by',
    );
  });

  it('decimal commas and percent signs are read where all agree, and named where not', async () => {
    const a = [0, 1, 0, 1, 1, 0];
    const means = async (y: readonly string[]): Promise<number> => {
      const { model } = await fitTable(memoryTable({ a, y }), { target: 'y', degree: 1, folds: 2, test: 0 });
      return model.outputs[0].fit.targetMean;
    };
    expect(await means(['1,5', '2,25', '3', '1,5', '8,1', '4,4'])).toBeCloseTo(20.75 / 6, 10);
    expect(await means(['1%', '2%', '3 %', '4%', '5%', '6%'])).toBe(3.5);
    await expect(fitTable(memoryTable({ a, y: ['1%', '2%', '3', '4%', '5%', '6%'] }), { target: 'y' })).rejects.toThrow(
      'read like numbers, some with "%": give all of them the same sign, or none',
    );
    await expect(
      fitTable(memoryTable({ a, y: ['1,5', '2.25', '3', '1,5', '8.1', '4.4'] }), { target: 'y' }),
    ).rejects.toThrow('4 of 6 cells are numbers, the others are "1,5"');
  });

  it('a table of test rows with new values or missing cells says so', async () => {
    const random = createRandom(8);
    const make = (count: number, extra: string | null) => {
      const drink = Array.from({ length: count }, (_, i) =>
        i === 5 ? extra : ['tea', 'milk', 'water'][random.integer(3)],
      );
      return memoryTable({ drink, b: drink.map(() => random.integer(2)), y: drink.map((d) => (d === 'tea' ? 1 : 0)) });
    };
    const options = { target: 'y', degree: 1, missing: 'drop-rows' as const };
    const unseen = await fitTable(make(200, 'tea'), { ...options, test: make(50, 'coffee') });
    expect(noteTexts(unseen.model).join()).toContain(
      'column "drink" has values that the training rows do not, in 1 rows ("coffee")',
    );
    const holes = await fitTable(make(200, 'tea'), { ...options, test: make(50, null) });
    expect(noteTexts(holes.model).join()).toContain('test rows: 1 of 50 have missing values');
  });
});

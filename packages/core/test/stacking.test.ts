/** Additive curves, products found by a look at all of them, and their sum with trees, beside plain computations. */
import { describe, expect, it } from 'vitest';
import {
  additiveFeatures,
  additiveOperator,
  additivePolynomial,
  type CoordinateColumn,
  type CubePoints,
  clopperPearsonLowerLimit,
  columnCodes,
  cubePointsFromRows,
  evaluatePolynomial,
  fitCandidate,
  fitJointCurve,
  fitTable,
  memoryTable,
  openProductScreen,
  parseModel,
  polynomialDegree,
  productFeature,
  type Random,
  selectLowDegree,
  separateColumns,
  serializeModel,
  stackingWeights,
  withProducts,
} from '../src/internal.ts';
import { createRandom, randomPoints } from './helpers.ts';

const COLUMNS: readonly CoordinateColumn[] = [
  { kind: 'thresholds', first: 0, count: 9, places: [0, 1, 2, 3, 5, 8, 13, 21, 34, 55] },
  { kind: 'categories', first: 9, count: 3 },
  { kind: 'thresholds', first: 12, count: 1 },
];
const NAMES = Array.from({ length: 13 }, (_, k) => `x${k}`);

function rowsOf(count: number, random: Random) {
  return Array.from({ length: count }, () =>
    COLUMNS.flatMap(({ kind, count: coordinates }) => {
      const code = random.integer(coordinates + 1);
      return Array.from({ length: coordinates }, (_, k) => (kind === 'thresholds' ? code > k : code === k + 1));
    }),
  );
}

function normals(count: number, random: Random): Float64Array {
  return Float64Array.from({ length: count }, () => random.normal());
}

/** Product of a row's coordinates, a yes being -1. */
function signOf(bits: readonly boolean[], product: readonly number[]): number {
  return product.reduce((sign, j) => (bits[j] ? -sign : sign), 1);
}

describe('additive features', () => {
  const random = createRandom(3);
  const bits = rowsOf(200, random);
  const points = cubePointsFromRows(bits);
  const weights = Float64Array.from({ length: 200 }, () => random.integer(3));
  const rows = { rowCount: 200, columns: COLUMNS, codes: columnCodes(points, COLUMNS) };
  const features = withProducts(additiveFeatures(rows, weights), [
    productFeature(points, [0, 12], weights),
    productFeature(points, [4, 9, 12], weights),
  ]);
  const operator = additiveOperator(features, () => undefined);
  const coefficients = normals(features.count, random);

  it('are what their polynomial says', async () => {
    const values = new Float64Array(200);
    await operator.forward(coefficients, values);
    const polynomial = additivePolynomial(NAMES, features, coefficients);
    const expected = await evaluatePolynomial(polynomial, points);
    for (const [row, value] of values.entries()) expect(value).toBeCloseTo(expected[row], 9);
    expect(polynomialDegree(polynomial)).toBe(3);
  });

  it('have a transpose: inner products agree', async () => {
    const values = new Float64Array(200);
    const sums = new Float64Array(features.count);
    const other = normals(200, random);
    await operator.forward(coefficients, values);
    await operator.adjoint(other, sums);
    const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i], 0);
    expect(dot(coefficients, sums)).toBeCloseTo(dot(values, other), 8);
  });

  it('have mean 0 under the weights, but for the constant', async () => {
    const sums = new Float64Array(features.count);
    await operator.adjoint(weights, sums);
    expect(sums[0]).toBeCloseTo(
      weights.reduce((sum, weight) => sum + weight, 0),
      9,
    );
    for (const sum of sums.subarray(1)) expect(sum).toBeCloseTo(0, 8);
  });

  it('hold a straight line of a number: its own curve comes first', async () => {
    const line = Float64Array.from(bits, (row) => COLUMNS[0].places?.[row.slice(0, 9).filter(Boolean).length] ?? 0);
    const only = new Float64Array(features.count);
    only[1] = 1;
    const values = new Float64Array(200);
    await operator.forward(only, values);
    const [a, b] = [line[0] - line[1], values[0] - values[1]];
    for (let row = 2; row < 200; row++) expect((line[row] - line[1]) * b).toBeCloseTo((values[row] - values[1]) * a, 6);
  });
});

describe('the look for products', () => {
  it('finds what a plain search of all finds first', async () => {
    const random = createRandom(5);
    const points = randomPoints(400, 12, random);
    const bits = bitsOf(points);
    const residual = Float64Array.from(
      bits,
      (row) => signOf(row, [2, 7]) + 0.7 * signOf(row, [1, 4, 9]) + random.normal(),
    );
    const found = await (await openProductScreen(points, separateColumns(12), 3, {})).look(residual, [], 2, 0.05);
    const sums: [string, number][] = [];
    for (let a = 0; a < 12; a++) {
      for (let b = a + 1; b < 12; b++) {
        for (let c = b; c < 12; c++) {
          const product = c === b ? [a, b] : [a, b, c];
          sums.push([
            product.join(' '),
            Math.abs(bits.reduce((sum, row, i) => sum + signOf(row, product) * residual[i], 0)),
          ]);
        }
      }
    }
    sums.sort((x, y) => y[1] - x[1]);
    expect(found[0].join(' ')).toBe(sums[0][0]);
    expect(found.map((product) => product.join(' ')).sort()).toEqual(['1 4 9', '2 7']);
  });

  it('takes none twice, and none of two answers about one thing', async () => {
    const random = createRandom(8);
    const bits = rowsOf(600, random);
    const points = cubePointsFromRows(bits);
    const residual = Float64Array.from(
      bits,
      (row) => signOf(row, [3, 6]) + signOf(row, [4, 12]) + 0.3 * random.normal(),
    );
    const screen = await openProductScreen(points, COLUMNS, 2, {});
    const found = await screen.look(residual, [], 2, 0.05);
    expect(found.length).toBeGreaterThan(0);
    for (const product of found) {
      const columns = product.map((j) => COLUMNS.findIndex(({ first, count }) => j >= first && j < first + count));
      expect(new Set(columns).size).toBe(product.length);
    }
    const again = await screen.look(residual, found, 2, 0.05);
    expect(again.filter((product) => found.some((known) => known.join() === product.join()))).toEqual([]);
  });

  it('finds something in noise in 5 % of tables at most', async () => {
    const random = createRandom(21);
    const points = randomPoints(300, 14, random);
    const screen = await openProductScreen(points, separateColumns(14), 3, {});
    const tables = 400;
    let found = 0;
    for (let table = 0; table < tables; table++) {
      // Also of two values, as the residual of classes.
      const residual = normals(300, random).map((value) => (table % 2 === 0 ? value : Math.sign(value)));
      if ((await screen.look(residual, [], 2, 0.05)).length > 0) found++;
    }
    expect(clopperPearsonLowerLimit(found, tables, 0.01)).toBeLessThanOrEqual(0.05);
  });

  it('finds a parity of four among thirty', async () => {
    const random = createRandom(4);
    const points = randomPoints(1000, 30, random);
    const residual = Float64Array.from(bitsOf(points), (row) => 0.5 * signOf(row, [3, 11, 12, 28]) + random.normal());
    const screen = await openProductScreen(points, separateColumns(30), 4, {});
    expect(await screen.look(residual, [], 2, 0.05)).toEqual([[3, 11, 12, 28]]);
  });
});

describe('weights of a stack', () => {
  it('are least squares without signs, where that is known', () => {
    const random = createRandom(6);
    const a = normals(500, random);
    const b = normals(500, random);
    const c = normals(500, random);
    const target = a.map((value, i) => 3 + 0.8 * value - 0.5 * b[i] + 0.1 * c[i]);
    const beyond = [a, b, c].map((part) => part.map((value) => value + 3));
    const [wa, wb, wc] = stackingWeights(beyond, 3, target, undefined, 'squared');
    // Without b the others are fitted by the normal equations.
    const dot = (x: Float64Array, y: Float64Array): number => x.reduce((sum, value, i) => sum + value * y[i], 0);
    const y = target.map((value) => value - 3);
    const det = dot(a, a) * dot(c, c) - dot(a, c) ** 2;
    expect(wb).toBe(0);
    expect(wa).toBeCloseTo((dot(a, y) * dot(c, c) - dot(c, y) * dot(a, c)) / det, 2);
    expect(wc).toBeCloseTo((dot(c, y) * dot(a, a) - dot(a, y) * dot(a, c)) / det, 2);
  });

  it('have the least log-loss of a grid, with what weights cost, rows of weight 0 left out', () => {
    const random = createRandom(9);
    const parts = [normals(300, random), normals(300, random)];
    const weights = Float64Array.from({ length: 300 }, (_, i) => i % 3);
    const target = Float64Array.from({ length: 300 }, (_, i) =>
      random.normal() < parts[0][i] + 0.4 * parts[1][i] || weights[i] === 0 ? 1 : -1,
    );
    const loss = ([u, v]: number[]): number =>
      target.reduce(
        (sum, y, i) => sum + weights[i] * Math.log1p(Math.exp(-y * (u * parts[0][i] + v * parts[1][i]))),
        (u * u + v * v) / 2,
      );
    const found = stackingWeights(parts, 0, target, weights, 'logistic');
    let least = Number.POSITIVE_INFINITY;
    for (let u = 0; u < 4; u += 0.05) for (let v = 0; v < 4; v += 0.05) least = Math.min(least, loss([u, v]));
    expect(loss(found)).toBeLessThanOrEqual(least + 1e-3);
  });

  it('stay finite where a part separates the classes', () => {
    const target = Float64Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? 1 : -1));
    const [weight] = stackingWeights([target.map((y) => 5 * y)], 0, target, undefined, 'logistic');
    expect(weight).toBeGreaterThan(1);
    expect(weight).toBeLessThan(2);
  });

  it('are 0 for what misleads', () => {
    const target = Float64Array.of(1, -1, 1, -1);
    expect(stackingWeights([Float64Array.of(-1, 1, -1, 1)], 0, target, undefined, 'logistic')).toEqual([0]);
  });
});

describe('stacking', () => {
  const bitTable = (count: number, width: number, seed: number) => {
    const random = createRandom(seed);
    const points = randomPoints(count, width, random);
    return { points, bits: bitsOf(points), random };
  };

  it('predicts what its polynomial says, in squared and logistic loss', async () => {
    const { points, bits, random } = bitTable(500, 8, 2);
    const y = Float64Array.from(bits, (row) => 2 * signOf(row, [1, 3]) + signOf(row, [0]) + random.normal());
    for (const loss of ['squared', 'logistic'] as const) {
      const target = loss === 'squared' ? y : y.map((value) => (value < 0 ? -1 : 1));
      const { best, heldOut } = await selectLowDegree(points, target, { degree: 'auto', method: 'stacking', loss });
      expect(best.products).toContainEqual([1, 3]);
      expect(heldOut.rows.length).toBe(500);
      const { model, summary } = await fitCandidate(points, target, best, { loss, sameCoordinates: true });
      const values = await evaluatePolynomial(model, points);
      const expected = loss === 'squared' ? values : values.map((value) => Math.tanh(value / 2));
      const mse = expected.reduce((sum, value, i) => sum + (value - target[i]) ** 2, 0) / 500;
      expect(summary.trainingMse).toBeCloseTo(mse, 6);
      expect(mse).toBeLessThan(0.6 * varianceOf(target));
    }
  });

  it('is the constant where there is nothing to learn, but for one table in twenty', async () => {
    const tables = 120;
    let learned = 0;
    for (let seed = 1; seed <= tables; seed++) {
      const { points, random } = bitTable(200, 8, seed);
      const isNumber = seed % 2 === 0;
      const target = normals(200, random).map((value) => (isNumber ? value : value < 0.3 ? -1 : 1));
      const loss = isNumber ? 'squared' : 'logistic';
      const { best } = await selectLowDegree(points, target, { degree: 'auto', method: 'stacking', loss, seed });
      const { model } = await fitCandidate(points, target, best, { loss, sameCoordinates: true });
      const isConstant = best.stack?.additive === 0 && best.stack.trees === 0;
      expect(model.termCount <= 1).toBe(isConstant);
      if (!isConstant) learned++;
    }
    expect(clopperPearsonLowerLimit(learned, tables, 0.01)).toBeLessThanOrEqual(0.05);
  });

  it('goes no further than the degree given', async () => {
    const { points, bits, random } = bitTable(600, 8, 11);
    const target = Float64Array.from(
      bits,
      (row) => signOf(row, [1, 3, 5]) + signOf(row, [0, 2]) + 0.2 * random.normal(),
    );
    for (const degree of [1, 2]) {
      const { best } = await selectLowDegree(points, target, { degree, method: 'stacking' });
      const { model } = await fitCandidate(points, target, best, {});
      expect(polynomialDegree(model)).toBeLessThanOrEqual(degree);
    }
  });

  it('learns a table, and its model file says what it is a sum of', async () => {
    const random = createRandom(13);
    const count = 600;
    const age = Array.from({ length: count }, () => 18 + random.integer(60));
    const flag = Array.from({ length: count }, () => random.integer(2));
    const kind = Array.from({ length: count }, () => ['a', 'b', 'c'][random.integer(3)]);
    const y = age.map((value, i) => 0.5 * value + (flag[i] === (kind[i] === 'a' ? 1 : 0) ? 6 : 0) + random.normal());
    const table = memoryTable({ age, flag, kind, y });
    const { model } = await fitTable(table, { target: 'y', method: 'stacking' });
    expect(model.training.test?.r2).toBeGreaterThan(0.95);
    const [{ fit }] = model.outputs;
    expect(fit.method).toBe('stacking');
    expect(fit.products?.length).toBeGreaterThan(0);
    const read = await parseModel(await serializeModel(model), 'model.json');
    expect(read.outputs[0].fit.stack).toEqual(fit.stack);
    expect(read.outputs[0].fit.products).toEqual(fit.products);
  });
});

describe('one curve for several classes', () => {
  // Log-odds of four classes, too sure by a factor, as of learners against the rest.
  const random = createRandom(31);
  const count = 600;
  const truth = Array.from({ length: 4 }, () => normals(count, random));
  const classes = Array.from({ length: count }, (_, row) => {
    const odds = truth.map((values) => Math.exp(values[row]));
    let draw = random.uniform() * odds.reduce((sum, odd) => sum + odd, 0);
    return odds.findIndex((odd) => {
      draw -= odd;
      return draw < 0;
    });
  });
  const given = truth.map((values) => values.map((value) => 3 * value));
  const loss = (slope: number, shift: number, weights?: readonly number[]): number =>
    classes.reduce((sum, own, row) => {
      const chances = given.map((values) => 1 / (1 + Math.exp(-slope * values[row] - shift)));
      return sum - (weights?.[row] ?? 1) * Math.log(chances[own] / chances.reduce((a, b) => a + b, 0));
    }, 0);

  it('finds the temperature that was put in, and with a large shift the softmax', () => {
    const { slope, intercept } = fitJointCurve(given, classes);
    expect(slope).toBeGreaterThan(0.28);
    expect(slope).toBeLessThan(0.4);
    expect(intercept).toBeLessThan(-3);
  });

  it('has no more loss than any of a grid, rows weighed', () => {
    const weights = classes.map((_, row) => row % 3);
    const { slope, intercept } = fitJointCurve(given, classes, weights);
    let least = Number.POSITIVE_INFINITY;
    for (let s = 0.1; s < 3; s += 0.05)
      for (let b = -12; b <= 1; b += 0.5) least = Math.min(least, loss(s, b, weights));
    expect(loss(slope, intercept, weights)).toBeLessThanOrEqual(least * (1 + 1e-5));
  });
});

function bitsOf({ planes, rowCount, coordinateCount }: CubePoints): boolean[][] {
  return Array.from({ length: rowCount }, (_, row) =>
    Array.from({ length: coordinateCount }, (_, j) => ((planes[(j >> 3) * rowCount + row] >> (j & 7)) & 1) === 1),
  );
}

function varianceOf(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
}

/**
 * Estimates against the exact values: unbiased, covered as often as stated, as accurate as asked; and the property tests.
 * Simulations are seeded, so a pass is a pass for good.
 */
import { describe, expect, it } from 'vitest';
import {
  averageSensitivity,
  type CubePoints,
  createRandom,
  type Estimate,
  type EstimateOptions,
  estimateAverageSensitivity,
  estimateFourierCoefficient,
  estimateInfluence,
  estimateLevelWeight,
  estimateMean,
  estimateNoiseSensitivity,
  estimateNoiseStability,
  estimateTailBound,
  estimateTailWeight,
  fourierTransform,
  influences,
  inverseFourierTransform,
  noiseSensitivity,
  noiseStability,
  polynomialFromTerms,
  type QueryFunction,
  queryFunctionFromPolynomial,
  queryFunctionFromValues,
  restrictQueryFunction,
  tailFromNoiseSensitivity,
  tailWeight,
  testJunta,
  testLinearity,
} from '../src/index.ts';
import {
  binomial,
  estimateEuclideanNorm,
  estimateNoiseOperator,
  euclideanNorm,
  levelWeight,
  noiseOperator,
  querySensitivity,
  sensitivityFromValues,
  tabulate,
} from '../src/internal.ts';
import { drawDistance, levelKernel } from '../src/spectrum/krawtchouk.ts';
import { sign } from './helpers.ts';

const n = 9;

/** A function into {+1,-1} that is neither simple nor random: a threshold of a few products. */
const signs = Float64Array.from({ length: 2 ** n }, (_, x) => {
  const z = Array.from({ length: n }, (_, i) => ((x >>> i) & 1 ? -1 : 1));
  return 1.3 * z[0] + z[1] * z[2] + 0.7 * z[3] * z[4] * z[5] + 0.4 * z[6] - 0.3 > 0 ? 1 : -1;
});
/** A real one, of small variance inside a wide range that is not symmetric. */
const random = createRandom(8);
const real = Float64Array.from({ length: 2 ** n }, (_, x) =>
  x === 77 ? 5 : x === 300 ? -1 : 1 + 0.1 * random.normal(),
);
const zeroOne = signs.map((value) => (1 - value) / 2);

interface Case {
  name: string;
  exact: (spectrum: Float64Array, values: Float64Array) => number | Promise<number>;
  estimate: (f: QueryFunction, options: EstimateOptions) => Promise<Estimate>;
  /** An accuracy that the tests can pay for, relative to the squared range (or the range, for the first-order ones). */
  accuracy: number;
  order: 1 | 2;
}

const point = Uint8Array.from({ length: n }, (_, i) => (77 >>> i) & 1);
const cases: Case[] = [
  { name: 'mean', exact: (s) => s[0], estimate: estimateMean, accuracy: 0.05, order: 1 },
  {
    name: 'coefficient {1,2}',
    exact: (s) => s[6],
    estimate: (f, o) => estimateFourierCoefficient(f, [2, 1], o),
    accuracy: 0.05,
    order: 1,
  },
  {
    name: 'influence of 0',
    exact: (s) => influences(s)[0],
    estimate: (f, o) => estimateInfluence(f, 0, o),
    accuracy: 0.02,
    order: 2,
  },
  {
    name: 'average sensitivity',
    exact: averageSensitivity,
    estimate: estimateAverageSensitivity,
    accuracy: 0.1,
    order: 2,
  },
  {
    name: 'noise sensitivity',
    exact: (s) => noiseSensitivity(s, { noiseDelta: 0.1 }),
    estimate: (f, o) => estimateNoiseSensitivity(f, { ...o, noiseDelta: 0.1 }),
    accuracy: 0.02,
    order: 2,
  },
  {
    name: 'noise stability',
    exact: (s) => noiseStability(s, { rho: -0.4 }),
    estimate: (f, o) => estimateNoiseStability(f, { ...o, rho: -0.4 }),
    accuracy: 0.05,
    order: 2,
  },
  {
    name: 'noise operator at a point',
    exact: async (s) => (await inverseFourierTransform(noiseOperator(s, { rho: 0.6 })))[77],
    estimate: (f, o) => estimateNoiseOperator(f, point, { ...o, rho: 0.6 }),
    accuracy: 0.05,
    order: 1,
  },
  ...[0, 1, 2, 5, 9].map(
    (level): Case => ({
      name: `level weight ${level}`,
      exact: (s) => levelWeight(s, level),
      estimate: (f, o) => estimateLevelWeight(f, level, o),
      accuracy: 0.2,
      order: 2,
    }),
  ),
  ...[0, 1, 3, 6].map(
    (degree): Case => ({
      name: `tail beyond ${degree}`,
      exact: (s) => tailWeight(s, degree),
      estimate: (f, o) => estimateTailWeight(f, degree, o),
      accuracy: 0.2,
      order: 2,
    }),
  ),
  { name: 'norm', exact: euclideanNorm, estimate: estimateEuclideanNorm, accuracy: 0.1, order: 1 },
];

const functions = { signs, real, zeroOne };

for (const [name, values] of Object.entries(functions)) {
  describe(`estimates of a function: ${name}`, () => {
    const f = queryFunctionFromValues(values);
    const width = f.range[1] - f.range[0];
    for (const { name: quantity, exact, estimate, accuracy, order } of cases) {
      it(`${quantity}: unbiased, covered, as accurate as asked`, async () => {
        const truth = await exact(await fourierTransform(values), values);
        // Fixed sample counts: the raw means, then the share of intervals that hold.
        const runs = 300;
        const found: number[] = [];
        let covered = 0;
        for (let seed = 1; seed <= runs; seed++) {
          const result = await estimate(f, { sampleCount: 150, confidenceDelta: 0.2, seed });
          expect(result.sampleCount).toBe(150);
          expect(result.confidence).toBe(0.8);
          const [low, high] = result.interval;
          expect(low).toBeLessThanOrEqual(result.estimate);
          expect(high).toBeGreaterThanOrEqual(result.estimate);
          found.push(result.estimate);
          if (low <= truth + 1e-12 && truth - 1e-12 <= high) covered++;
        }
        expect(covered).toBeGreaterThan(runs * 0.8 - 4 * Math.sqrt(runs * 0.16));
        const mean = found.reduce((sum, v) => sum + v, 0) / runs;
        const deviation = Math.sqrt(found.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (runs - 1));
        // Estimates are cut to where the quantity can lie, which biases those near an end; the root of a mean is biased too.
        const cut = quantity.startsWith('level') || quantity.startsWith('tail') || quantity === 'norm';
        if (!cut) expect(Math.abs(mean - truth)).toBeLessThan((4 * deviation) / Math.sqrt(runs) + 1e-12);

        const wanted = accuracy * (order === 1 ? width : width ** 2);
        const result = await estimate(f, { accuracy: wanted, seed: 3, confidenceDelta: 1e-3 });
        const [low, high] = result.interval;
        expect(Math.max(high - result.estimate, result.estimate - low)).toBeLessThanOrEqual(wanted * (1 + 1e-12));
        expect(low).toBeLessThanOrEqual(truth + 1e-12);
        expect(high).toBeGreaterThanOrEqual(truth - 1e-12);
      });
    }
  });
}

describe('the kernel of level weights', () => {
  it('weighs every level by exactly 1 or 0: sum over distances of weight times the mean of chi_S over that distance', () => {
    const bits = (x: number): number => (x === 0 ? 0 : (x & 1) + bits(x >>> 1));
    for (let m = 1; m <= 10; m++) {
      // means[j][t]: chi_S of a set of j coordinates over the 2^m differences with t bits.
      const means = Array.from({ length: m + 1 }, (_, j) => {
        const sums = new Float64Array(m + 1);
        const counts = new Float64Array(m + 1);
        for (let z = 0; z < 2 ** m; z++) {
          sums[bits(z)] += bits(z & (2 ** j - 1)) % 2 === 0 ? 1 : -1;
          counts[bits(z)]++;
        }
        return sums.map((sum, t) => sum / counts[t]);
      });
      for (let low = 0; low <= m; low++) {
        for (let high = low; high <= m; high++) {
          const { price, cumulative, signs } = levelKernel(m, low, high);
          expect(cumulative[m]).toBeCloseTo(1, 12);
          for (let j = 0; j <= m; j++) {
            let sum = 0;
            for (let t = 0; t <= m; t++) {
              sum += price * signs[t] * (cumulative[t] - (t > 0 ? cumulative[t - 1] : 0)) * means[j][t];
            }
            expect(sum).toBeCloseTo(low <= j && j <= high ? 1 : 0, 10);
          }
          if (low === high) expect(price).toBeLessThanOrEqual(Math.sqrt(binomial(m, low)) + 1e-9);
        }
      }
    }
    const kernel = levelKernel(9, 2, 4);
    for (let u = 0; u < 1; u += 1 / 512) {
      expect(drawDistance(kernel, u)).toBe(kernel.cumulative.findIndex((sum) => sum > u));
    }
    expect(levelKernel(300, 1, 1).price).toBeCloseTo(Math.sqrt((2 * 300) / Math.PI), 1);
    expect(levelKernel(5000, 2, 5000).price).toBeLessThan(1 + 1 + 71 + 3536);
  });
});

describe('estimates', () => {
  const f = queryFunctionFromValues(signs);

  it('of levels and tails are unbiased, where nothing is cut: a large sample lands on the truth', async () => {
    for (const values of [signs, zeroOne]) {
      const spectrum = await fourierTransform(values);
      const g = queryFunctionFromValues(values);
      for (const level of [0, 1, 2, 3, 8]) {
        const { estimate } = await estimateLevelWeight(g, level, { sampleCount: 200_000 });
        // Standard deviation at most price / sqrt(m), price <= sqrt(C(9, 4)).
        expect(Math.abs(estimate - levelWeight(spectrum, level))).toBeLessThan(4 * Math.sqrt(126 / 200_000));
      }
      const { estimate } = await estimateTailWeight(g, 2, { sampleCount: 200_000 });
      expect(Math.abs(estimate - tailWeight(spectrum, 2))).toBeLessThan(0.1);
    }
  });

  it('of the tail by Claim 1: an upper limit, about the bound at the exact noise sensitivity', async () => {
    const spectrum = await fourierTransform(signs);
    for (const degree of [0, 1, 3]) {
      const noiseDelta = 1 / Math.max(2, degree + 1);
      const exact = noiseSensitivity(spectrum, { noiseDelta });
      const bound = tailFromNoiseSensitivity({ noiseSensitivity: exact, noiseDelta, degree });
      const { estimate, interval } = await estimateTailBound(f, degree, { accuracy: 0.05 });
      expect(Math.abs(estimate - Math.min(1, bound))).toBeLessThan(0.05);
      expect(interval[0]).toBe(0);
      expect(interval[1]).toBeGreaterThanOrEqual(tailWeight(spectrum, degree));
    }
  });

  it('the binomial interval at a fixed count is near its stated confidence, not far above', async () => {
    let covered = 0;
    const truth = (await fourierTransform(signs))[0];
    for (let seed = 1; seed <= 1000; seed++) {
      const { interval, method } = await estimateMean(f, { sampleCount: 400, confidenceDelta: 0.2, seed });
      expect(method).toBe('clopper-pearson');
      if (interval[0] <= truth && truth <= interval[1]) covered++;
    }
    expect(covered).toBeGreaterThan(750);
    expect(covered).toBeLessThan(900);
  });

  it('stops early when the variance is small, and says by what', async () => {
    const g = queryFunctionFromValues(real);
    const result = await estimateMean(g, { accuracy: 0.1 });
    // Hoeffding alone: (6 / 0.1)^2 ln(40) / 2 = 6640.
    expect(result.method).toBe('empirical-bernstein');
    expect(result.sampleCount).toBeLessThan(3000);
    const wide = await estimateMean({ ...f, twoValued: false }, { accuracy: 0.05 });
    expect(wide.method).toBe('hoeffding');
    expect(wide.sampleCount).toBe(Math.ceil(((2 / 0.05) ** 2 * Math.log(80)) / 2));
    expect((await estimateMean(f, { accuracy: 0.5 })).sampleCount).toBeLessThanOrEqual(128);
  });

  it('covers with early stopping', async () => {
    const truth = (await fourierTransform(real))[0];
    let missed = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const { interval } = await estimateMean(queryFunctionFromValues(real), {
        accuracy: 0.15,
        confidenceDelta: 0.2,
        seed,
      });
      if (interval[0] > truth || truth > interval[1]) missed++;
    }
    expect(missed).toBeLessThan(60);
  });

  it('takes accuracy and sampleCount together: stops at whichever comes first, and the interval says how far it came', async () => {
    const capped = await estimateMean(f, { accuracy: 1e-6, sampleCount: 1000 });
    expect(capped.sampleCount).toBe(1000);
    expect(capped.interval[1] - capped.interval[0]).toBeGreaterThan(0.05);
    expect(capped.interval[1] - capped.interval[0]).toBeLessThan(0.25);
  });

  it('is the same for the same seed, and counts its evaluations', async () => {
    let evaluations = 0;
    const counted: QueryFunction = {
      ...f,
      evaluate(points) {
        evaluations += points.rowCount;
        return f.evaluate(points);
      },
    };
    const a = await estimateAverageSensitivity(counted, { accuracy: 0.5, seed: 5 });
    expect(a.evaluationCount).toBe(evaluations);
    expect(a.seed).toBe(5);
    expect(await estimateAverageSensitivity(f, { accuracy: 0.5, seed: 5 })).toEqual(a);
    expect(await estimateAverageSensitivity(f, { accuracy: 0.5, seed: 6 })).not.toEqual(a);
  });

  it('works at 300 coordinates: majority of 5 has level weight 1 of 45/64', async () => {
    const majority: QueryFunction = {
      coordinateCount: 300,
      range: [-1, 1],
      twoValued: true,
      evaluate: (points: CubePoints) =>
        Float64Array.from({ length: points.rowCount }, (_, i) =>
          Math.sign([1, 50, 101, 200, 299].reduce((sum, j) => sum + sign(points, i, j), 0)),
        ),
    };
    const level = await estimateLevelWeight(majority, 1, { accuracy: 0.15 });
    expect(level.interval[0]).toBeLessThan(45 / 64);
    expect(level.interval[1]).toBeGreaterThan(45 / 64);
    const average = await estimateAverageSensitivity(majority, { accuracy: 2 });
    expect(average.interval[0]).toBeLessThan(15 / 8);
    expect(average.interval[1]).toBeGreaterThan(15 / 8);
    const influence = await estimateInfluence(majority, 101, { accuracy: 0.02 });
    expect(influence.interval[0]).toBeLessThan(3 / 8);
    expect(influence.interval[1]).toBeGreaterThan(3 / 8);
    // The tail beyond 1 by pairs, the rest of Parseval.
    const tail = await estimateTailWeight(majority, 1, { accuracy: 0.15 });
    expect(Math.abs(tail.estimate - 19 / 64)).toBeLessThan(0.15);
    await expect(estimateLevelWeight(majority, 150, { accuracy: 0.1 })).rejects.toThrow('out of reach');
    await expect(estimateLevelWeight(majority, 4, { accuracy: 0.01 })).rejects.toThrow('expected at most 1e9');
  });

  it('refuses what it cannot do and values outside the range', async () => {
    await expect(estimateMean(f, {})).rejects.toThrow('neither accuracy nor sampleCount');
    await expect(estimateMean(f, { accuracy: 0 })).rejects.toThrow('positive');
    await expect(estimateMean(f, { accuracy: 1e-9 })).rejects.toThrow('expected at most 1e9');
    await expect(estimateInfluence(f, n, { accuracy: 0.1 })).rejects.toThrow('expected different coordinates');
    await expect(estimateMean({ ...f, range: [0, Infinity] }, { accuracy: 0.1 })).rejects.toThrow('finite bounds');
    await expect(estimateMean({ ...f, range: [0, 1] }, { accuracy: 0.1 })).rejects.toThrow('as its range says');
    const nan = { ...f, evaluate: (points: CubePoints) => new Float64Array(points.rowCount).fill(Number.NaN) };
    await expect(estimateMean(nan, { accuracy: 0.1 })).rejects.toMatchObject({ code: 'invalid-data' });
    const between = { ...queryFunctionFromValues(real), twoValued: true };
    await expect(estimateMean(between, { accuracy: 0.1 })).rejects.toThrow('-1 or 5');
    await expect(estimateMean({ ...f, evaluate: () => new Float64Array(1) }, { accuracy: 0.1 })).rejects.toThrow(
      '1 values',
    );
  });

  it('stops when aborted, long before a billion samples, also while the function does not answer', async () => {
    for (const evaluate of [f.evaluate, () => new Promise<Float64Array>(() => {})]) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 30);
      const call = estimateMean({ ...f, evaluate }, { sampleCount: 1e9, signal: controller.signal });
      await expect(call).rejects.toMatchObject({ name: 'AbortError' });
    }
  });
});

describe('functions that can be evaluated', () => {
  it('tabulate, restrict and sensitivity at a point agree with the values', async () => {
    const f = queryFunctionFromValues(real);
    expect(await tabulate(f)).toEqual(real);
    const restricted = await tabulate(
      restrictQueryFunction(f, [
        { coordinate: 8, bit: 1 },
        { coordinate: 1, bit: 0 },
      ]),
    );
    restricted.forEach((value, z) => {
      expect(value).toBe(real[256 | (z & 1) | ((z & ~1) << 1)]);
    });
    expect(await querySensitivity(f, point)).toBeCloseTo(sensitivityFromValues(real, 77), 12);
    await expect(querySensitivity(f, [0, 1])).rejects.toThrow('expected 9 bits');
    const big = queryFunctionFromValues(Float64Array.from({ length: 2 ** 13 }, (_, x) => x));
    expect((await tabulate(big))[8191]).toBe(8191);
    const polynomial = polynomialFromTerms(['a', 'b'], [{ coordinates: [0, 1], coefficient: 2 }]);
    expect(await tabulate(queryFunctionFromPolynomial(polynomial))).toEqual(Float64Array.of(2, -2, -2, 2));
  });
});

/** A function into {+1,-1} at n coordinates by a rule on signs; a fixed random function by hashing. */
function rule(
  coordinateCount: number,
  f: (x: (i: number) => number, row: number, points: CubePoints) => number,
): QueryFunction {
  return {
    coordinateCount,
    range: [-1, 1],
    twoValued: true,
    evaluate: (points) =>
      Float64Array.from({ length: points.rowCount }, (_, row) => f((i) => sign(points, row, i), row, points)),
  };
}
function randomFunction(coordinateCount: number): QueryFunction {
  return rule(coordinateCount, (x) => {
    let hash = 17;
    for (let i = 0; i < coordinateCount; i++) hash = Math.imul(hash ^ (x(i) + 3), 0x9e3779b1) ^ (hash >>> 13);
    return createRandom(hash).uniform() < 0.5 ? 1 : -1;
  });
}
const parity = (coordinateCount: number, subset: number[], factor = 1): QueryFunction =>
  rule(coordinateCount, (x) => subset.reduce((product, i) => product * x(i), factor));

describe('linearity test', () => {
  it('accepts every parity, and minus it only as affine', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const subset = Array.from({ length: 70 }, (_, i) => i).filter((i) => (i * seed) % 7 < 3);
      const verdict = await testLinearity(parity(70, subset), { epsilon: 0.05, seed });
      expect(verdict.accepted).toBe(true);
      expect(verdict.errorProbability).toBeLessThanOrEqual(0.05);
      expect(verdict.evaluationCount).toBe(3 * verdict.trialCount);
      const minus = parity(70, subset, -1);
      expect((await testLinearity(minus, { epsilon: 0.05, seed, affine: true })).accepted).toBe(true);
      expect((await testLinearity(minus, { epsilon: 0.05, seed })).accepted).toBe(false);
    }
  });

  it('rejects random functions with a witness that proves it', async () => {
    const f = randomFunction(40);
    for (const affine of [false, true]) {
      const verdict = await testLinearity(f, { epsilon: 0.1, affine });
      expect(verdict.accepted).toBe(false);
      if (verdict.accepted) return;
      expect(verdict.errorProbability).toBe(0);
      const { points, values } = verdict.witness;
      expect(points).toHaveLength(affine ? 4 : 3);
      // Every coordinate cancels over the points, so any parity multiplies to +1 (minus a parity too, over four).
      for (let i = 0; i < 40; i++) expect(points.reduce((sum, p) => sum + p[i], 0) % 2).toBe(0);
      expect(values.reduce((product, v) => product * v, 1)).toBe(-1);
    }
  });

  it('rejects functions just farther than epsilon as often as it says', async () => {
    // The parity of 0..3 with a sixteenth of its points flipped: its distance is exactly 1/16.
    const f = rule(12, (x) => x(0) * x(1) * x(2) * x(3) * ([5, 6, 7, 8].every((i) => x(i) < 0) ? -1 : 1));
    for (const affine of [false, true]) {
      let accepted = 0;
      for (let seed = 1; seed <= 300; seed++) {
        if ((await testLinearity(f, { epsilon: 1 / 16, confidenceDelta: 0.2, seed, affine })).accepted) accepted++;
      }
      expect(accepted).toBeLessThanOrEqual(300 * 0.2 + 4 * Math.sqrt(300 * 0.16));
      // Neither far more often: the trial count is not padded. BLR at distance e fails with about 3e, though.
      if (!affine) expect(accepted).toBeLessThan(300);
    }
    await expect(testLinearity(queryFunctionFromValues(zeroOne), { epsilon: 0.1 })).rejects.toThrow('+1 and -1');
  });
});

describe('junta test', () => {
  it('accepts juntas, and finds only coordinates they depend on', async () => {
    const coordinates = [3, 17, 64, 99];
    const f = rule(100, (x) => (x(3) + x(17) + x(64) > 0 ? x(99) : x(3)));
    for (let seed = 1; seed <= 20; seed++) {
      const verdict = await testJunta(f, { size: 4, epsilon: 0.05, seed });
      expect(verdict.accepted).toBe(true);
      expect(verdict.errorProbability).toBeLessThanOrEqual(0.05);
      expect(verdict.relevant.every(({ coordinate }) => coordinates.includes(coordinate))).toBe(true);
      expect(new Set(verdict.relevant.map(({ coordinate }) => coordinate)).size).toBe(verdict.relevant.length);
      expect(verdict.evaluationCount).toBeLessThan(4 * verdict.trialCount + 4 * (7 + 16));
    }
    expect((await testJunta(parity(50, []), { size: 0, epsilon: 0.1 })).accepted).toBe(true);
  });

  it('rejects what depends on more, with the proof of each coordinate', async () => {
    for (const f of [parity(100, [1, 2, 3, 4, 5]), randomFunction(30)]) {
      const verdict = await testJunta(f, { size: 4, epsilon: 0.05 });
      expect(verdict.accepted).toBe(false);
      expect(verdict.errorProbability).toBe(0);
      expect(verdict.relevant).toHaveLength(5);
      for (const { coordinate, point: at } of verdict.relevant) {
        const g = restrictQueryFunction(
          f,
          Array.from(at, (bit, i) => ({ coordinate: i, bit: bit as 0 | 1 })).filter((_, i) => i !== coordinate),
        );
        const [plus, minus] = await tabulate(g);
        expect(plus).not.toBe(minus);
      }
    }
  });

  it('rejects functions just farther than epsilon as often as it says', async () => {
    // x0, but on a share 1/16 of the points the sign of x5: 1/32 from x0, the nearest junta of one coordinate.
    const f = rule(12, (x) => ([1, 2, 3, 4].every((i) => x(i) < 0) ? x(5) : x(0)));
    let accepted = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const verdict = await testJunta(f, { size: 1, epsilon: 1 / 32, confidenceDelta: 0.2, seed });
      if (verdict.accepted) accepted++;
    }
    expect(accepted).toBeLessThanOrEqual(300 * 0.2 + 4 * Math.sqrt(300 * 0.16));
    expect(accepted).toBeGreaterThan(0);
  });

  it('takes real-valued functions, and refuses bad options', async () => {
    const f: QueryFunction = { ...parity(20, []), twoValued: false, range: [-9, 9] };
    const g = {
      ...f,
      evaluate: (p: CubePoints) =>
        Float64Array.from({ length: p.rowCount }, (_, i) => 3 * sign(p, i, 7) + sign(p, i, 9)),
    };
    const verdict = await testJunta(g, { size: 2, epsilon: 0.1 });
    expect(verdict.accepted).toBe(true);
    expect(verdict.relevant.map(({ coordinate }) => coordinate).sort()).toEqual([7, 9]);
    await expect(testJunta(g, { size: -1, epsilon: 0.1 })).rejects.toThrow('at least 0');
    await expect(testJunta(g, { size: 1, epsilon: 0 })).rejects.toThrow('above 0');
    await expect(testJunta(g, { size: 1, epsilon: 0.1, signal: AbortSignal.abort() })).rejects.toThrow('abort');
  });
});

/** Intervals and stability by their definitions; that they cover is the matter of intervals-coverage.test.ts. */
import { describe, expect, it } from 'vitest';
import { createRandom, cubePointsFromRows, errorInterval, polynomialFromTerms, refitIntervals } from '../src/index.ts';
import { foldTermLists, termStability } from '../src/internal.ts';
import { studentQuantile, studentTail } from '../src/learn/student.ts';
import { randomPoints } from './helpers.ts';
import { drawPoint, eliminate, minimise, parity, pointsFrom } from './interval-helpers.ts';

const TERMS = [[0], [2], [1, 3], [0, 4]];

function sample(rowCount: number, seed: number, loss: 'squared' | 'logistic') {
  const random = createRandom(seed);
  const list = Array.from({ length: rowCount }, () => drawPoint(random));
  const target = Float64Array.from(list, (x) => {
    const value = 0.5 * parity(x, [0]) + 0.6 * parity(x, [1, 2]) + random.normal();
    return loss === 'squared' ? value : value < 0 ? -1 : 1;
  });
  return { list, target, points: pointsFrom(list) };
}

/** Standard errors by the definition: for every unit solve (G - C) d = A^t r, add the squares. */
function jackknife(
  list: readonly number[],
  target: Float64Array,
  weights: readonly number[],
  clusters: readonly number[],
  loss: 'squared' | 'logistic',
): { estimate: number[]; errors: number[] } {
  const subsets = [[], ...TERMS];
  const estimate = minimise(list, TERMS, weights, Array.from(target), loss);
  const rows = list.map((x) => subsets.map((subset) => parity(x, subset)));
  const squares = subsets.map(() => 0);
  for (const unit of new Set(clusters)) {
    const system = subsets.map(() => new Array<number>(subsets.length + 1).fill(0));
    rows.forEach((row, i) => {
      const value = row.reduce((sum, sign, k) => sum + sign * estimate[k], 0);
      const s = 1 / (1 + Math.exp(-value));
      const curvature = weights[i] * (loss === 'squared' ? 1 : s * (1 - s));
      const score = weights[i] * (loss === 'squared' ? target[i] - value : (1 + target[i]) / 2 - s);
      for (let a = 0; a < row.length; a++) {
        if (clusters[i] === unit) system[a][row.length] += score * row[a];
        else for (let b = 0; b < row.length; b++) system[a][b] += curvature * row[a] * row[b];
      }
    });
    eliminate(system).forEach((change, k) => {
      squares[k] += change * change;
    });
  }
  return { estimate, errors: squares.map(Math.sqrt) };
}

describe('estimates and standard errors are those of the jackknife', () => {
  for (const loss of ['squared', 'logistic'] as const) {
    for (const [name, clusterOf] of [
      ['rows', undefined],
      ['clusters smaller than the number of terms', (i: number) => i % 40],
      ['clusters larger than that, and of one row', (i: number) => Math.floor(Math.sqrt(i))],
    ] as const) {
      for (const weighted of [false, true]) {
        it(`${loss} loss, ${name}${weighted ? ', weighted' : ''}`, async () => {
          const { list, target, points } = sample(130, 3, loss);
          const rowWeights = Float64Array.from(list, (_, i) => (weighted ? i % 4 : 1));
          const rows = list.map((_, i) => i).filter((i) => rowWeights[i] > 0);
          const clusters = list.map((_, i) => clusterOf?.(i) ?? i);
          const expected = jackknife(
            rows.map((i) => list[i]),
            Float64Array.from(rows, (i) => target[i]),
            rows.map((i) => rowWeights[i]),
            rows.map((i) => clusters[i]),
            loss,
          );
          const result = await refitIntervals(points, target, {
            terms: TERMS,
            loss,
            ...(weighted && { rowWeights }),
            ...(clusterOf !== undefined && { clusters }),
          });
          expect(result.sampleCount).toBe(rows.length);
          result.intervals.forEach((interval, k) => {
            expect(interval.coordinates).toEqual([[], ...TERMS][k]);
            expect(interval.estimate).toBeCloseTo(expected.estimate[k], 8);
            expect(interval.standardError).toBeCloseTo(expected.errors[k], 8);
          });
        });
      }
    }
  }

  it('balanced terms get the t quantile with rows - terms degrees of freedom', async () => {
    // Every point of the cube equally often: all leverages are equal, the bound on the degrees of freedom is exact.
    const list = Array.from({ length: 128 }, (_, i) => i % 64);
    const random = createRandom(1);
    const target = Float64Array.from(list, () => random.normal());
    const { intervals } = await refitIntervals(pointsFrom(list), target, { terms: TERMS });
    for (const { estimate, standardError, low, high } of intervals) {
      expect((high - estimate) / standardError).toBeCloseTo(studentQuantile(0.05, 128 - 5), 9);
      expect((estimate - low) / standardError).toBeCloseTo(studentQuantile(0.05, 128 - 5), 9);
    }
  });
});

describe('what has no coefficient or no error is named', () => {
  it('a term that is a combination of others, with those', async () => {
    // x1 = x0 and x5 = x2 x3 on all rows.
    const random = createRandom(5);
    const list = Array.from({ length: 200 }, () => {
      const x = drawPoint(random) & 0b011101;
      return x | ((x & 1) << 1) | ((((x >> 2) ^ (x >> 3)) & 1) << 5);
    });
    const target = Float64Array.from(list, (x) => parity(x, [0]) + parity(x, [2, 3]) + random.normal());
    const result = await refitIntervals(pointsFrom(list), target, { terms: [[0], [1], [2, 3], [4], [5], [0, 1]] });
    expect(result.collinear).toEqual([
      { coordinates: [1], dependsOn: [[0]] },
      { coordinates: [5], dependsOn: [[2, 3]] },
      { coordinates: [0, 1], dependsOn: [[]] },
    ]);
    expect(result.intervals.map((interval) => interval.coordinates)).toEqual([[], [0], [2, 3], [4]]);
    expect(result.intervals.flatMap(({ low, high }) => [low, high]).every(Number.isFinite)).toBe(true);
    expect(result.target).toContain('the terms kept here');
  });

  it('a term that one row or one cluster alone tells from the constant', async () => {
    const { list, target } = sample(100, 6, 'squared');
    const points = pointsFrom(list.map((x, i) => (x & ~2) | (i === 17 ? 2 : 0)));
    const byRow = await refitIntervals(points, target, { terms: [[0], [1]] });
    expect(byRow.unsupported).toEqual([[1]]);
    expect(byRow.intervals.map((interval) => interval.coordinates)).toEqual([[], [0]]);
    const three = pointsFrom(list.map((x, i) => (x & ~2) | (i % 10 === 7 && i < 30 ? 2 : 0)));
    const clusters = list.map((_, i) => i % 10);
    expect((await refitIntervals(three, target, { terms: [[0], [1]] })).unsupported).toEqual([]);
    expect((await refitIntervals(three, target, { terms: [[0], [1]], clusters })).unsupported).toEqual([[1]]);
  });

  it('separated classes, and bootstrap samples without a fit', async () => {
    const { list, points } = sample(100, 7, 'logistic');
    const target = Float64Array.from(list, (x) => parity(x, [2]));
    await expect(refitIntervals(points, target, { terms: [[2]], loss: 'logistic' })).rejects.toMatchObject({
      code: 'not-converged',
    });
    // A term with two rows of a yes is lost in a seventh of the samples.
    const rare = pointsFrom(list.map((x, i) => (x & ~2) | (i < 2 ? 2 : 0)));
    const numbers = sample(100, 7, 'squared').target;
    const terms = [[1]];
    await expect(refitIntervals(rare, numbers, { terms, interval: 'bootstrap', bootstrapCount: 199 })).rejects.toThrow(
      /of 199 bootstrap samples have no unique and finite fit .*take normal intervals/,
    );
    expect((await refitIntervals(rare, numbers, { terms })).intervals).toHaveLength(2);
  });
});

describe('bootstrap', () => {
  it('says what it did, gives the same answer for the same seed, and reports progress', async () => {
    const { points, target } = sample(120, 8, 'squared');
    const options = { terms: TERMS, interval: 'bootstrap', bootstrapCount: 199, seed: 3 } as const;
    const steps: number[] = [];
    const first = await refitIntervals(points, target, { ...options, onProgress: ({ done }) => steps.push(done) });
    expect(first).toMatchObject({ interval: 'bootstrap', bootstrapCount: 199, failedCount: 0, confidence: 0.95 });
    expect(await refitIntervals(points, target, options)).toEqual(first);
    expect(await refitIntervals(points, target, { ...options, seed: 4 })).not.toEqual(first);
    expect(steps).toHaveLength(199);
    // About as wide as normal ones.
    const normal = await refitIntervals(points, target, { terms: TERMS });
    first.intervals.forEach(({ low, high }, k) => {
      const ratio = (high - low) / (normal.intervals[k].high - normal.intervals[k].low);
      expect(ratio).toBeGreaterThan(0.7);
      expect(ratio).toBeLessThan(1.4);
    });
  });

  it.each(['squared', 'logistic'] as const)('fits rows that are alike once, with the same result: %s', async (loss) => {
    const { points, target } = sample(400, 21, 'logistic');
    const options = { terms: TERMS, interval: 'bootstrap', bootstrapCount: 99, loss } as const;
    const merged = await refitIntervals(points, target, options);
    // Weights that differ by next to nothing make every row one of its own.
    const rowWeights = Float64Array.from(target, (_, i) => 1 - i * 1e-13);
    const single = await refitIntervals(points, target, { ...options, rowWeights });
    merged.intervals.forEach(({ low, high }, k) => {
      expect(low).toBeCloseTo(single.intervals[k].low, 9);
      expect(high).toBeCloseTo(single.intervals[k].high, 9);
    });
    expect(merged.failedCount).toBe(single.failedCount);
  });

  it('simultaneous intervals are wider, and for one uncorrelated pair as wide as Sidak says', async () => {
    const list = Array.from({ length: 64 * 40 }, (_, i) => i % 64);
    const random = createRandom(9);
    const target = Float64Array.from(list, () => random.normal());
    const { intervals } = await refitIntervals(pointsFrom(list), target, { terms: [[0]], simultaneous: true });
    const expected = studentQuantile(1 - Math.sqrt(0.95), list.length - 2);
    for (const { high, estimate, standardError } of intervals) {
      expect((high - estimate) / standardError).toBeGreaterThan(expected - 0.04);
      expect((high - estimate) / standardError).toBeLessThan(expected + 0.04);
    }
  });

  it('stops when aborted in the midst', async () => {
    const random = createRandom(10);
    const points = randomPoints(20_000, 30, random);
    const target = Float64Array.from({ length: 20_000 }, () => random.normal());
    const terms = Array.from({ length: 30 }, (_, j) => [j]);
    const controller = new AbortController();
    let aborted = 0;
    setTimeout(() => {
      aborted = performance.now();
      controller.abort(new Error('enough'));
    }, 60);
    await expect(
      refitIntervals(points, target, { terms, interval: 'bootstrap', signal: controller.signal }),
    ).rejects.toThrow('enough');
    expect(aborted).toBeGreaterThan(0);
  });
});

it('refuses bad terms, confidence, clusters, targets and too much memory', async () => {
  const { points, target } = sample(50, 11, 'squared');
  const refit = (options: Partial<Parameters<typeof refitIntervals>[2]>) =>
    refitIntervals(points, target, { terms: [[0]], ...options });
  await expect(refit({ terms: [[0, 6]] })).rejects.toThrow('expected different coordinates from 0 to 5');
  await expect(
    refit({
      terms: [
        [0, 1],
        [1, 0],
      ],
    }),
  ).rejects.toThrow('every term once');
  await expect(refit({ confidence: 1 })).rejects.toThrow('confidence is 1; expected a number inside (0, 1)');
  await expect(refit({ clusters: [1] })).rejects.toThrow('1 cluster numbers and 50 rows');
  await expect(refit({ clusters: new Array(50).fill(3) })).rejects.toThrow('there are 1 clusters');
  await expect(refit({ loss: 'logistic' })).rejects.toThrow('expected -1 (a yes) or +1 (a no)');
  await expect(refit({ interval: 'bootstrap', bootstrapCount: 18 })).rejects.toThrow('at least 19');
  await expect(refit({ memoryLimitBytes: 1000 })).rejects.toMatchObject({ code: 'memory-budget' });
});

describe("Student's quantiles", () => {
  it('have the closed forms at 1, 2 and infinitely many degrees of freedom', () => {
    for (const delta of [0.5, 0.05, 0.001]) {
      const one = Math.tan((Math.PI / 2) * (1 - delta));
      expect(studentQuantile(delta, 1) / one).toBeCloseTo(1, 9);
      const two = (1 - delta) * Math.sqrt(2 / (1 - (1 - delta) ** 2));
      expect(studentQuantile(delta, 2) / two).toBeCloseTo(1, 9);
    }
    expect(studentQuantile(0.05, 1e9)).toBeCloseTo(1.959963984540054, 7);
    expect(studentQuantile(0.05, 9.9e7)).toBeCloseTo(1.959963984540054, 6);
    expect(studentTail(2.2281388519649385, 10)).toBeCloseTo(0.05, 10); // tables: t(0.975; 10) = 2.2281
  });
});

describe('error intervals', () => {
  const random = createRandom(12);
  const numbers = Float64Array.from({ length: 200 }, () => random.normal() ** 2);
  it('say which kind they are', async () => {
    const wrong = Float64Array.from({ length: 20 }, (_, i) => (i < 3 ? 1 : 0));
    // 3 of 20: Clopper-Pearson is [0.0321, 0.3789].
    const counts = await errorInterval(wrong, { bounds: [0, 1] });
    expect(counts).toMatchObject({ method: 'Clopper-Pearson', validity: 'any distribution', over: 'rows' });
    expect(counts.low).toBeCloseTo(0.0321, 4);
    expect(counts.high).toBeCloseTo(0.3789, 4);
    const brier = numbers.map((value) => value / (1 + value));
    const bounded = await errorInterval(brier, { bounds: [0, 1] });
    expect(bounded).toMatchObject({ method: 'empirical Bernstein', validity: 'any distribution' });
    const mean = brier.reduce((sum, value) => sum + value, 0) / 200;
    const variance = brier.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 199;
    const half = Math.sqrt((2 * variance * Math.log(80)) / 200) + (7 * Math.log(80)) / (3 * 199);
    expect(bounded.high).toBeCloseTo(mean + half, 12);
    const unbounded = await errorInterval(numbers, { bounds: [0, Number.POSITIVE_INFINITY] });
    expect(unbounded).toMatchObject({ method: 'bootstrap', validity: 'many rows', over: 'rows', sampleCount: 200 });
    // To the right of the mean there is more room.
    expect(unbounded.high - unbounded.mean).toBeGreaterThan(unbounded.mean - unbounded.low);
    const clusters = Array.from({ length: 200 }, (_, i) => i % 20);
    expect(await errorInterval(brier, { bounds: [0, 1], clusters })).toMatchObject({
      method: 'bootstrap',
      over: 'clusters',
      clusterCount: 20,
    });
  });

  it('one row says nothing but the range, equal losses everything that can be said', async () => {
    expect(await errorInterval(Float64Array.of(0.4), { bounds: [0, 1] })).toMatchObject({ low: 0, high: 1 });
    await expect(errorInterval(Float64Array.of(0.4))).rejects.toThrow('there are 1 rows to resample');
    expect(await errorInterval(new Float64Array(5).fill(2))).toMatchObject({ low: 2, high: 2 });
    expect((await errorInterval(Float64Array.of(1, 2), { bounds: [0, Number.POSITIVE_INFINITY] })).low).toBe(0);
  });

  it('refuse losses out of bounds, NaN, none, and a confidence the samples cannot show', async () => {
    await expect(errorInterval(Float64Array.of(0, 2), { bounds: [0, 1] })).rejects.toThrow('the loss is 2 in row 1');
    await expect(errorInterval(Float64Array.of(Number.NaN))).rejects.toThrow('the loss is NaN in row 0');
    await expect(errorInterval(new Float64Array(0))).rejects.toThrow('there are no losses');
    await expect(errorInterval(numbers, { bootstrapCount: 30 })).rejects.toThrow('at least 39');
    await expect(errorInterval(numbers, { confidence: 0 })).rejects.toThrow('confidence is 0');
  });
});

it('a term that rests on one row but for a trifle of weight has no interval, instead of an infinite one', async () => {
  const random = createRandom(41);
  const points = cubePointsFromRows(Array.from({ length: 60 }, (_, i) => [i < 2 ? 1 : 0, i % 2]));
  const target = Float64Array.from({ length: 60 }, (_, i) => (i % 2) + 0.1 * random.normal());
  for (const trifle of [1e-4, 1e-7]) {
    const rowWeights = target.map((_, i) => (i === 0 ? trifle : 1));
    const { intervals, unsupported } = await refitIntervals(points, target, { terms: [[0], [1]], rowWeights });
    expect(unsupported).toEqual([[0]]);
    expect(intervals.map(({ coordinates }) => coordinates)).toEqual([[], [1]]);
    for (const { low, high } of intervals) expect(Number.isFinite(high - low)).toBe(true);
  }
});

describe('stability of terms', () => {
  it('shares of folds, of signs, and the range', () => {
    const names = ['a', 'b', 'c'];
    const folds = [
      polynomialFromTerms(names, [
        { coordinates: [], coefficient: 1 },
        { coordinates: [0, 2], coefficient: 2 },
        { coordinates: [1], coefficient: 0.1 },
      ]),
      polynomialFromTerms(names, [
        { coordinates: [], coefficient: 1.5 },
        { coordinates: [1], coefficient: -0.2 },
      ]),
      [
        { coordinates: [], coefficient: 1 },
        { coordinates: [2, 0], coefficient: 3 },
        { coordinates: [1], coefficient: -0.3 },
        { coordinates: [2], coefficient: 0 },
      ],
      [{ coordinates: [], coefficient: 1 }],
    ];
    expect(termStability(folds)).toEqual([
      { coordinates: [], selectedShare: 1, sameSignShare: 1, minimum: 1, maximum: 1.5 },
      { coordinates: [1], selectedShare: 0.75, sameSignShare: 0.5, minimum: -0.3, maximum: 0.1 },
      { coordinates: [0, 2], selectedShare: 0.5, sameSignShare: 0.5, minimum: 2, maximum: 3 },
    ]);
  });

  it('refuses no folds, and a term twice in one', () => {
    expect(() => termStability([])).toThrow('there are no folds');
    const term = { coordinates: [1], coefficient: 1 };
    expect(() => termStability([[term, term]])).toThrow('fold 0 has the term [1] twice');
  });

  it('finds the terms of folds by their places, and none of a degree the folds did not have', () => {
    // Over 4 coordinates up to degree 2 the places are: the constant, 0 to 3, then 01 02 12 03 13 23.
    const folds = [
      { at: Uint32Array.of(0, 2, 7, 9), values: Float64Array.of(5, 1, 2, 3) },
      { at: Uint32Array.of(7), values: Float64Array.of(-4) },
    ];
    const wanted = [
      { at: [1], coordinates: [6] },
      { at: [2, 1], coordinates: [6, 8] },
      { at: [0, 3], coordinates: [1, 9] },
      { at: [0, 1, 2], coordinates: [1, 6, 8] },
      { at: [0, 1, 2, 3], coordinates: [1, 6, 8, 9] },
    ];
    expect(foldTermLists(folds, { coordinateCount: 4, degree: 2 }, wanted)).toEqual([
      [
        { coordinates: [6], coefficient: 1 },
        { coordinates: [6, 8], coefficient: 2 },
      ],
      [{ coordinates: [6, 8], coefficient: -4 }],
    ]);
    // A degree above the number of coordinates is that number.
    const whole = { at: Uint32Array.of(3), values: Float64Array.of(1) };
    expect(foldTermLists([whole], { coordinateCount: 2, degree: 5 }, [{ at: [0, 1], coordinates: [0, 1] }])).toEqual([
      [{ coordinates: [0, 1], coefficient: 1 }],
    ]);
  });
});

describe('the mean loss of clusters or of rows with weights', () => {
  it('is not certain because all of a few clusters are right', async () => {
    const losses = new Float64Array(80);
    const clusters = Uint32Array.from(losses, (_, i) => i % 8);
    const found = await errorInterval(losses, { bounds: [0, 1], clusters });
    // The chance of no event in 8 trials is 2.5 % at 1 - 0.025^(1/8).
    expect(found).toMatchObject({ mean: 0, low: 0, method: 'Clopper-Pearson', over: 'clusters', clusterCount: 8 });
    expect(found.high).toBeCloseTo(1 - 0.025 ** (1 / 8), 9);
    const weights = Float64Array.from(losses, (_, i) => (i < 10 ? 1 : 1e-9));
    const wrong = await errorInterval(losses.fill(1), { bounds: [0, 1], weights });
    expect(wrong.low).toBeCloseTo(0.025 ** (1 / 10), 6);
  });

  it('is the weighted one, wherever the weight lies, and wider where it lies on few rows', async () => {
    const random = createRandom(8);
    const losses = Float64Array.from({ length: 200 }, () => random.normal() ** 2);
    const weights = Float64Array.from(losses, (_, i) => (i < 40 ? 5 : 0.01));
    const { mean, low, high } = await errorInterval(losses, { weights });
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    expect(mean).toBeCloseTo(losses.reduce((sum, loss, i) => sum + loss * weights[i], 0) / total, 12);
    const plain = await errorInterval(losses);
    expect((high - low) / (plain.high - plain.low)).toBeGreaterThan(1.5);
    // Weights of 1 are none.
    expect(await errorInterval(losses, { weights: new Float64Array(200).fill(1) })).toEqual(plain);
    await expect(errorInterval(losses, { weights: [1, 2] })).rejects.toThrow('2 weights for 200 losses');
  });
});

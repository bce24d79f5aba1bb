/**
 * Whether 95 % intervals cover 93 to 97 % of the time, by simulation: fresh rows again and again from a known
 * distribution, whose best approximation is computed by enumeration. Columns are correlated and biased, the true function
 * has terms that are not fitted, and the noise depends on the point. With 2000 draws a share near 95 % is known to 0.5
 * points (one standard error), with 300 to 1.3; shares pooled over five coefficients to about half of that. So 2000
 * draws catch a coverage of 92 % in 95 of 100 cases, of 91 % in 999 of 1000. That it can fail is shown on intervals that are
 * wrong in the usual ways, with so many draws that their shares lie 3.5 standard errors or more beyond what is asked.
 * Set FEWFIRE_SHOW_COVERAGE to see all.
 */
import { describe, expect, it } from 'vitest';
import { createRandom, errorInterval, type Random, type RefitOptions, refitIntervals } from '../src/index.ts';
import {
  bestApproximation,
  COORDINATES,
  chances,
  drawPoint,
  eliminate,
  minimise,
  parity,
  pointsFrom,
} from './interval-helpers.ts';

const TERMS = [[0], [1], [2], [0, 2]];
/** [0, 1], [1, 2] and [3, 4, 5] are not fitted, and correlate with what is. */
const meanOf = (point: number): number =>
  1 +
  parity(point, [0]) -
  0.5 * parity(point, [1]) +
  0.7 * parity(point, [0, 2]) +
  0.8 * parity(point, [1, 2]) +
  0.6 * parity(point, [3, 4, 5]) +
  0.4 * parity(point, [0, 1]);
/** Six times as much noise where x0 is a yes. */
const deviationOf = (point: number): number => (point & 1 ? 3 : 0.5);
/** Without cells so small that a bootstrap sample may separate them: such samples are refused, not covered. */
const CLASS_TERMS = [[0], [2], [3], [1, 2]];
/** E[y|x] for y in {+1,-1}: not logistic in these terms. */
const classMeanOf = (point: number): number =>
  0.45 * parity(point, [0]) -
  0.2 * parity(point, [1, 2]) +
  0.2 * parity(point, [0, 2]) +
  0.1 * parity(point, [3, 4, 5]);

interface Sample {
  readonly list: number[];
  readonly target: Float64Array;
}

function drawNumbers(rowCount: number, random: Random): Sample {
  const list = Array.from({ length: rowCount }, () => drawPoint(random));
  return { list, target: Float64Array.from(list, (x) => meanOf(x) + deviationOf(x) * random.normal()) };
}

function drawClasses(rowCount: number, random: Random): Sample {
  const list = Array.from({ length: rowCount }, () => drawPoint(random));
  return { list, target: Float64Array.from(list, (x) => (random.uniform() < (1 + classMeanOf(x)) / 2 ? 1 : -1)) };
}

interface Bounds {
  readonly low: number;
  readonly high: number;
}

/** Shares of draws in which the intervals hold: of each coefficient, of all of them pooled, and of all at once. */
async function coverage(
  draws: number,
  one: (draw: number) => Promise<{ intervals: readonly Bounds[]; truth: readonly number[] }>,
): Promise<{ each: number[]; pooled: number; together: number }> {
  const hits: number[] = [];
  let together = 0;
  let count = 0;
  for (let draw = 0; draw < draws; draw++) {
    const { intervals, truth } = await one(draw);
    const inside = intervals.map(({ low, high }, k) => low <= truth[k] && truth[k] <= high);
    inside.forEach((hit, k) => {
      hits[k] = (hits[k] ?? 0) + (hit ? 1 : 0);
    });
    count += inside.length;
    if (inside.every((hit) => hit)) together++;
  }
  const result = {
    each: hits.map((value) => value / draws),
    pooled: hits.reduce((sum, value) => sum + value, 0) / count,
    together: together / draws,
  };
  if (process.env.FEWFIRE_SHOW_COVERAGE) console.log(expect.getState().currentTestName, result);
  return result;
}

function simulate(
  draws: number,
  rowCount: number,
  seed: number,
  options: Omit<RefitOptions, 'terms'>,
): ReturnType<typeof coverage> {
  const random = createRandom(seed);
  const loss = options.loss ?? 'squared';
  const terms = loss === 'squared' ? TERMS : CLASS_TERMS;
  const truth = bestApproximation(terms, loss === 'squared' ? meanOf : classMeanOf, loss);
  return coverage(draws, async (draw) => {
    const { list, target } = (loss === 'squared' ? drawNumbers : drawClasses)(rowCount, random);
    const { intervals } = await refitIntervals(pointsFrom(list), target, { terms, seed: draw, ...options });
    return { intervals, truth };
  });
}

function expectNominal(share: number): void {
  expect(share).toBeGreaterThanOrEqual(0.93);
  expect(share).toBeLessThanOrEqual(0.97);
}

describe('intervals of each coefficient cover 93 to 97 %', () => {
  it('normal, squared loss, 100 and 300 rows', async () => {
    for (const rowCount of [100, 300]) {
      const { each } = await simulate(2000, rowCount, 1, {});
      each.forEach(expectNominal);
    }
  });

  it('normal, logistic loss', async () => {
    const { each } = await simulate(2000, 300, 2, { loss: 'logistic' });
    each.forEach(expectNominal);
  });

  it('bootstrap, squared loss', async () => {
    const { pooled } = await simulate(500, 200, 3, { interval: 'bootstrap', bootstrapCount: 99 });
    expectNominal(pooled);
  });

  it('bootstrap, logistic loss', async () => {
    const { pooled } = await simulate(300, 200, 4, { interval: 'bootstrap', bootstrapCount: 99, loss: 'logistic' });
    expectNominal(pooled);
  });

  it('weighted rows: the best approximation under the weights', async () => {
    const random = createRandom(5);
    const weightOf = (point: number): number => ((point >> 3) & 1 ? 2 : 0.5);
    const all = Array.from({ length: 2 ** COORDINATES }, (_, x) => x);
    const truth = minimise(
      all,
      TERMS,
      all.map((x) => chances[x] * weightOf(x)),
      all.map(meanOf),
      'squared',
    );
    const { each } = await coverage(2000, async () => {
      const { list, target } = drawNumbers(200, random);
      const rowWeights = Float64Array.from(list, weightOf);
      const { intervals } = await refitIntervals(pointsFrom(list), target, { terms: TERMS, rowWeights });
      return { intervals, truth };
    });
    each.forEach(expectNominal);
  });

  it('a column that is a yes in 6 of 100 rows, with more noise there; with rows - terms degrees of freedom it would not', async () => {
    const random = createRandom(13);
    let narrow = 0;
    let draws = 0;
    const { each } = await coverage(2000, async () => {
      // At least two of them, or there is no interval.
      const list = Array.from(
        { length: 100 },
        (_, i) => (random.uniform() < (i < 2 ? 1 : 0.04) ? 1 : 0) | (drawPoint(random) & 4),
      );
      const target = Float64Array.from(list, (x) => (x & 1 ? 2 : 1) * random.normal());
      const { intervals } = await refitIntervals(pointsFrom(list), target, { terms: [[0], [2]] });
      draws++;
      if (Math.abs(intervals[1].estimate) <= 1.9847 * intervals[1].standardError) narrow++; // t(0.975; 97)
      return { intervals, truth: [0, 0, 0] };
    });
    each.forEach(expectNominal);
    expect(narrow / draws).toBeLessThan(0.93);
  });

  it('terms chosen on one half of the rows and refitted on the other', async () => {
    (await selectAndRefit(true, 1500)).each.forEach(expectNominal);
  });

  it('clusters whose rows share their noise, normal and bootstrap', async () => {
    const { each } = await clustered(1200, {}, true);
    each.forEach(expectNominal);
    const { pooled } = await clustered(250, { interval: 'bootstrap', bootstrapCount: 99 }, true);
    expectNominal(pooled);
  });
});

describe('simultaneous intervals all cover at once in 93 to 98.5 %', () => {
  for (const [name, draws, rowCount, options] of [
    ['normal, squared', 400, 200, {}],
    ['normal, logistic', 400, 300, { loss: 'logistic' }],
    ['bootstrap, squared', 300, 200, { interval: 'bootstrap', bootstrapCount: 99 }],
    ['bootstrap, logistic', 300, 200, { interval: 'bootstrap', bootstrapCount: 99, loss: 'logistic' }],
  ] as const) {
    it(name, async () => {
      const { together } = await simulate(draws, rowCount, 6, { ...options, simultaneous: true });
      expect(together).toBeGreaterThanOrEqual(0.93);
      expect(together).toBeLessThanOrEqual(0.985);
    });
  }
});

describe('the check fails for intervals that are wrong', () => {
  it('terms chosen on the rows they are refitted on', async () => {
    expect(Math.min(...(await selectAndRefit(false, 400)).each)).toBeLessThan(0.9);
  });

  it('errors that take the noise to be the same everywhere', async () => {
    const random = createRandom(7);
    const truth = bestApproximation(TERMS, meanOf, 'squared');
    const { each } = await coverage(500, async () => {
      const { list, target } = drawNumbers(200, random);
      return { intervals: classicalIntervals(list, target), truth };
    });
    expect(Math.min(...each)).toBeLessThan(0.9);
  });

  it('clusters taken for independent rows', async () => {
    expect(Math.min(...(await clustered(500, {}, false)).each)).toBeLessThan(0.9);
  });

  it('intervals one by one taken for simultaneous ones', async () => {
    expect((await simulate(800, 200, 6, {})).together).toBeLessThan(0.9);
  });
});

describe('error intervals', () => {
  // Squares of normal numbers: mean 1, lopsided.
  const squares = (count: number, random: Random) => Float64Array.from({ length: count }, () => random.normal() ** 2);

  it('bootstrap of unbounded losses, 93 to 97 %', async () => {
    const random = createRandom(8);
    const { pooled } = await coverage(2000, async (draw) => ({
      intervals: [await errorInterval(squares(150, random), { seed: draw, bootstrapCount: 119 })],
      truth: [1],
    }));
    expectNominal(pooled);
  });

  it('clusters: 93 to 97 % when they are given, far less when they are not', async () => {
    const shares = [];
    for (const [given, draws] of [
      [true, 600],
      [false, 250],
    ] as const) {
      const random = createRandom(9);
      const { pooled } = await coverage(draws, async (draw) => {
        const clusters = Array.from({ length: 400 }, (_, i) => i % 80);
        const shared = Array.from({ length: 80 }, () => random.normal());
        const losses = Float64Array.from(clusters, (g) => (shared[g] + 0.5 * random.normal()) ** 2);
        const options = { seed: draw, bootstrapCount: 199, ...(given && { clusters }) };
        return { intervals: [await errorInterval(losses, options)], truth: [1.25] };
      });
      shares.push(pooled);
    }
    expectNominal(shares[0]);
    expect(shares[1]).toBeLessThan(0.85);
  });

  it('counts and bounded losses: at least 95 %', async () => {
    const random = createRandom(10);
    const options = { bounds: [0, 1] as const };
    const wrong = await coverage(2000, async () => ({
      intervals: [
        await errorInterval(
          Float64Array.from({ length: 100 }, () => (random.uniform() < 0.07 ? 1 : 0)),
          options,
        ),
      ],
      truth: [0.07],
    }));
    const brier = await coverage(2000, async () => ({
      intervals: [
        await errorInterval(
          Float64Array.from({ length: 100 }, () => random.uniform() ** 2),
          options,
        ),
      ],
      truth: [1 / 3],
    }));
    expect(wrong.pooled).toBeGreaterThanOrEqual(0.95);
    expect(brier.pooled).toBeGreaterThanOrEqual(0.95);
  });
});

/** The three terms that correlate most with the target in some rows, then their intervals on other rows or on the same. */
async function selectAndRefit(otherRows: boolean, draws: number): ReturnType<typeof coverage> {
  const random = createRandom(11);
  const candidates: number[][] = [];
  for (let b = 0; b < COORDINATES; b++) {
    candidates.push([b]);
    for (let a = 0; a < b; a++) candidates.push([a, b]);
  }
  // One term that is there, the rest of the candidates is noise to be chosen from.
  const mean = (point: number): number => 0.3 * parity(point, [3]) + 0.2 * parity(point, [0, 1, 5]);
  const truths = new Map<string, number[]>();
  return coverage(draws, async () => {
    const half = (): Sample => {
      const list = Array.from({ length: 150 }, () => drawPoint(random));
      return { list, target: Float64Array.from(list, (x) => mean(x) + deviationOf(x) * random.normal()) };
    };
    const [first, second] = [half(), half()];
    const centre = first.target.reduce((sum, value) => sum + value, 0) / first.target.length;
    const size = (term: readonly number[]): number =>
      Math.abs(first.list.reduce((sum, x, i) => sum + (first.target[i] - centre) * parity(x, term), 0));
    const terms = candidates
      .map((term) => ({ term, size: size(term) }))
      .sort((a, b) => b.size - a.size)
      .slice(0, 3)
      .map(({ term }) => term);
    const used = otherRows ? second : first;
    const { intervals } = await refitIntervals(pointsFrom(used.list), used.target, { terms });
    const key = terms.join(';');
    const truth = truths.get(key) ?? bestApproximation(terms, mean, 'squared');
    truths.set(key, truth);
    return { intervals, truth };
  });
}

/** 60 clusters of 1 to 5 rows with one x0 and one part of the noise each. */
async function clustered(
  draws: number,
  options: Omit<RefitOptions, 'terms'>,
  given: boolean,
): ReturnType<typeof coverage> {
  const random = createRandom(12);
  const terms = [[0], [2]];
  // Larger clusters do not differ in distribution, so the best approximation is that of a row.
  const mean = (point: number): number => 1 + 0.5 * parity(point, [0]) + 0.4 * parity(point, [0, 3]);
  const truth = bestApproximation(terms, mean, 'squared');
  return coverage(draws, async (draw) => {
    const list: number[] = [];
    const target: number[] = [];
    const clusters: number[] = [];
    for (let g = 0; g < 60; g++) {
      const shared = random.normal();
      const first = drawPoint(random);
      for (let k = 0; k <= g % 5; k++) {
        // Rows of a cluster have its x0; the rest of the point is drawn given x0.
        let point = drawPoint(random);
        while ((point & 1) !== (first & 1)) point = drawPoint(random);
        list.push(point);
        clusters.push(g);
        target.push(mean(point) + shared + 0.5 * random.normal());
      }
    }
    const { intervals } = await refitIntervals(pointsFrom(list), Float64Array.from(target), {
      terms,
      seed: draw,
      ...options,
      ...(given && { clusters }),
    });
    return { intervals, truth };
  });
}

/** Estimate -+ 1.97 errors from s^2 (A^t A)^-1. */
function classicalIntervals(list: readonly number[], target: Float64Array): Bounds[] {
  const subsets = [[], ...TERMS];
  const estimate = minimise(
    list,
    TERMS,
    list.map(() => 1),
    Array.from(target),
    'squared',
  );
  const rows = list.map((x) => subsets.map((subset) => parity(x, subset)));
  const rest = rows.map((row, i) => target[i] - row.reduce((sum, sign, k) => sum + sign * estimate[k], 0));
  const noise = rest.reduce((sum, value) => sum + value * value, 0) / (list.length - subsets.length);
  return estimate.map((value, k) => {
    const system = subsets.map((_, a) => [
      ...subsets.map((__, b) => rows.reduce((sum, row) => sum + row[a] * row[b], 0)),
      a === k ? 1 : 0,
    ]);
    const reach = 1.97 * Math.sqrt(noise * eliminate(system)[k]);
    return { low: value - reach, high: value + reach };
  });
}

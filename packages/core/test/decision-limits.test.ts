/**
 * Every limit on which it hangs what a reader is told: a case just on either side, so that no limit moves unseen. The
 * limits themselves stand beside what they are for.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Candidate,
  type ColumnDrift,
  type CubePoints,
  createRandom,
  cubePointsFromRows,
  fitTable,
  type MeasuredRows,
  type MemoryColumn,
  type Model,
  memoryTable,
  type Note,
  noteText,
  polynomialFromTerms,
  selectLowDegree,
} from '../src/index.ts';
import {
  chooseSparsest,
  createColumnDriftMeter,
  describeVerdict,
  type Measured,
  measure,
  prepareTable,
  staticSparsity,
} from '../src/internal.ts';
import { slowness } from '../src/mlp/calibrate.ts';
import { type ConfirmOptions, confirmTerms } from '../src/model/confirm.ts';
import { mayBeLuck } from '../src/model/leak-chance.ts';
import { tells } from '../src/model/leak-columns.ts';
import { groupedTestNotes, groupsNotes, weightsNotes } from '../src/model/notes.ts';
import { checkOverlap, duplicateNotes } from '../src/model/overlap.ts';
import { refuseFewWeights } from '../src/model/row-labels.ts';
import { randomPoints } from './helpers.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('better than the constant', () => {
  const measured: Measured = {
    target: { kind: 'regression', column: 'y', transform: 'none' },
    loss: 'squared',
    calibrations: [{ kind: 'none' }],
    targetMeans: [0],
  };
  const isBetter = (target: Float64Array, labels: Omit<MeasuredRows, 'target'> = {}, prediction = 1): boolean =>
    measure(measured, { target, ...labels }, [new Float64Array(target.length).fill(prediction)]).betterThanConstant;
  // Beside a prediction of 1 a target t gains 2 t - 1: here +1 and -1 in turn, and `errors` of their standard errors.
  const gaining = (count: number, errors: number): Float64Array =>
    Float64Array.from(range(count), (i) => (1 + errors / Math.sqrt(count - 1) + (i % 2 === 0 ? 1 : -1)) / 2);
  const repeated = (values: Float64Array, times: number): Float64Array =>
    Float64Array.from(range(times * values.length), (i) => values[Math.floor(i / times)]);

  it.each([
    // Student's t that is passed as often as two normal standard errors are.
    [1000, 2.001, 2.004],
    [100, 2.02, 2.03],
    [20, 2.12, 2.15],
    [6, 2.64, 2.67],
  ])('of %i rows: not by %f standard errors, but by %f', (count, below, above) => {
    expect(isBetter(gaining(count, below))).toBe(false);
    expect(isBetter(gaining(count, above))).toBe(true);
    // Four rows of one group say no more than one, whatever they weigh in all.
    const rows = (errors: number) => repeated(gaining(count, errors), 4);
    const clusters = Uint32Array.from(range(4 * count), (i) => Math.floor(i / 4));
    const weights = Float64Array.from(range(4 * count), (i) => 1 + (i % 4));
    for (const labels of [{ clusters }, { clusters, weights }]) {
      expect(isBetter(rows(below), labels)).toBe(false);
      expect(isBetter(rows(above), labels)).toBe(true);
    }
    if (count > 6) expect(isBetter(rows(below))).toBe(true);
  });

  it('rows that weigh nothing add nothing', () => {
    const weights = Float64Array.from(range(400), (i) => (i < 100 ? 1 : 0));
    const filled = (errors: number) => Float64Array.from(range(400), (i) => (i < 100 ? gaining(100, errors)[i] : 9));
    expect(isBetter(filled(2.02), { weights })).toBe(false);
    expect(isBetter(filled(2.03), { weights })).toBe(true);
  });

  it('five that all gain are luck, six are not; unequal ones count as Kish has it', () => {
    const gains = (count: number) => new Float64Array(count).fill(1);
    expect(isBetter(gains(5))).toBe(false);
    expect(isBetter(gains(6))).toBe(true);
    expect(isBetter(gains(50), { clusters: Uint32Array.from(range(50), (i) => i % 5) })).toBe(false);
    expect(isBetter(gains(60), { clusters: Uint32Array.from(range(60), (i) => i % 6) })).toBe(true);
    // Seven rows of which one weighs w are worth (6 + w)^2 / (6 + w^2): 5.45 and 5.55.
    const heavy = (w: number) => Float64Array.of(w, 1, 1, 1, 1, 1, 1);
    expect(isBetter(gains(7), { weights: heavy(2.95) })).toBe(false);
    expect(isBetter(gains(7), { weights: heavy(2.85) })).toBe(true);
  });

  it.each([
    [0.9e-7, false],
    [1.1e-7, true],
  ])('targets of 1 +- %f, about a constant of 0, have R2: %s', (spread, has) => {
    const target = Float64Array.from(range(50), (i) => 1 + (i % 2 === 0 ? spread : -spread));
    expect(measure(measured, { target }, [target]).r2 !== null).toBe(has);
  });

  it('rounding is no gain', () => {
    const ones = new Float64Array(50).fill(1);
    expect(isBetter(ones, {}, 4e-13)).toBe(false);
    expect(isBetter(ones, {}, 6e-13)).toBe(true);
  });
});

describe('the sparsest within one standard error', () => {
  it.each([
    [1.099, 1],
    [1.101, 4],
  ])('an error of %f beside 1 +- 0.1', (mse, termCount) => {
    const entry = (terms: number, error: number) => ({
      candidate: { lambda: 1, degree: 1, refit: true, termCount: terms, mse: error, standardError: 0.1 } as Candidate,
    });
    expect(chooseSparsest([entry(1, mse), entry(4, 1)])?.candidate.termCount).toBe(termCount);
  });
});

describe('what is chosen from', () => {
  const problem = (rowCount: number, n: number) => {
    const random = createRandom(1);
    const points = randomPoints(rowCount, n, random);
    return { points, target: Float64Array.from(range(rowCount), () => random.normal()) };
  };

  it.each([
    [9995, 'folds'],
    [10_000, 'split'],
  ])('one split where it holds out 2,000 rows: of %i, %s', async (rowCount, validation) => {
    const { points, target } = problem(rowCount, 4);
    expect((await selectLowDegree(points, target, { degree: 1, method: 'lasso' })).validation).toBe(validation);
  });

  it.each([
    [13, [2]],
    [14, [3]],
  ])('at most four monomials per row: of 56 in %i rows', async (rowCount, skipped) => {
    // Degree 2 of ten coordinates has 56 monomials, degree 3 has 176.
    const { points, target } = problem(rowCount, 10);
    const found = await selectLowDegree(points, target, { degree: 'auto', method: 'ridge', folds: 2 });
    expect(found.skipped.map(({ degree }) => degree)).toEqual(skipped);
  });

  it.each([
    [17, false],
    [18, true],
  ])('least squares where a fit has two rows per monomial: of 6 in %i rows', async (rowCount, tried) => {
    // Of what the terms explain all the penalties are too large, and the path goes on to 0.
    const { points } = problem(rowCount, 5);
    const target = Float64Array.from(range(rowCount), (i) => 5 - 2 * (points.planes[i] & 1));
    const found = await selectLowDegree(points, target, { degree: 1, method: 'auto', lasso: false, folds: 3 });
    expect(found.candidates.some(({ method }) => method === 'least-squares')).toBe(tried);
  });
});

describe('notes of weights and groups', () => {
  it.each([
    [24, 1],
    [25, 0],
  ])('100 rows worth %i', (count, notes) => {
    const weights = Float64Array.from(range(100), (i) => (i < count ? 1 : 0));
    expect(weightsNotes('w', 100, 0, weights)).toHaveLength(notes);
  });

  it.each([
    [4, true],
    [5, false],
  ])('weight on %i rows', (count, refused) => {
    const weights = Float64Array.from(range(100), (i) => (i < count ? 1 : 0));
    const check = (): void => refuseFewWeights('w', 'the table', 100, 0, weights);
    if (refused) expect(check).toThrow('expected at least 5');
    else expect(check).not.toThrow();
  });

  it.each([
    [9e-7, true],
    [1.1e-6, false],
  ])('two groups of which one has a share of %f of the weight', async (share, refused) => {
    const table = memoryTable({
      a: range(100).map((i) => i % 3),
      g: range(100).map((i) => `g${i % 2}`),
      w: range(100).map((i) => (i % 2 === 0 ? 1 - share : share)),
      y: range(100).map((i) => (i * 7) % 10),
    });
    const prepared = prepareTable(table, { target: 'y', group: 'g', weight: 'w', test: 0.5 });
    if (refused) await expect(prepared).rejects.toThrow(/test rows have next to (all|nothing) of the weight/);
    else expect((await prepared).test()?.target.length).toBe(50);
  });

  it.each([
    [219, 1000, 0],
    [221, 1000, 1],
    [181, 1000, 0],
    [179, 1000, 1],
    [5, 20, 0],
    [6, 20, 1],
  ])('%i test rows of %i where a share of 0.2 was asked for', (testCount, rowCount, notes) => {
    expect(groupedTestNotes('g', testCount, 0.2, rowCount)).toHaveLength(notes);
  });

  it.each([
    [39, 0],
    [40, 1],
  ])('%i of 100 rows in one group', (size, notes) => {
    const clusters = Uint32Array.from(range(100), (i) => (i < size ? 0 : 1 + (i % 20)));
    const groupNames = range(21).map((k) => `g${k}`);
    expect(groupsNotes({ group: 'g' }, { clusters, groupNames }, Uint32Array.from(range(100)))).toHaveLength(notes);
  });
});

describe('terms that are confirmed', () => {
  const pairs = range(14).flatMap((i) => range(i).map((j) => [j, i]));
  const polynomial = polynomialFromTerms(
    range(14).map((i) => `x${i}`),
    pairs.map((coordinates, t) => ({ coordinates, coefficient: 1 + t })),
  );
  const confirmed = async (rowCount: number, groupCount?: number) => {
    const random = createRandom(4);
    const points = randomPoints(rowCount, 14, random);
    const target = Float64Array.from(range(rowCount), () => random.normal());
    const clusters = groupCount === undefined ? undefined : Uint32Array.from(range(rowCount), (i) => i % groupCount);
    const options: ConfirmOptions = {
      ...{ interval: 'normal', confidence: 0.95, simultaneous: false, loss: 'squared', seed: 1 },
      choose: async () => polynomial,
    };
    const names = { clusters, rowKeys: undefined, clusterKeys: undefined };
    const { record, obstacle } = await confirmTerms({ points, target, weights: undefined, ...names }, target, options);
    return record === null ? obstacle && noteText(obstacle) : record.terms.length - 1;
  };

  it('need 60 rows and ten groups', async () => {
    expect(await confirmed(59)).toMatch('59 rows are too few');
    expect(await confirmed(60)).toBe(3);
    expect(await confirmed(400, 9)).toMatch('400 rows in so few groups are too few');
    expect(await confirmed(400, 10)).toBe(20);
  });

  it('are one per ten confirming rows, 40 at most', async () => {
    expect(await confirmed(180)).toBe(9);
    expect(await confirmed(780)).toBe(39);
    expect(await confirmed(840)).toBe(40);
  });
});

describe('test rows that stand among the fitted', () => {
  const rows = (count: number, first: number) => memoryTable({ x: range(count).map((i) => first + i) });
  // All rows differ, so chance gives none.
  it.each([
    [100, 20, false],
    [100, 21, true],
    [1000, 130, false],
    [1000, 131, true],
  ])('of %i test rows %i', async (testCount, shared, refused) => {
    const found = checkOverlap(rows(2000, 0), rows(testCount, shared - testCount), ['x'], {});
    if (refused) await expect(found).rejects.toThrow(`${shared} of the ${testCount} test rows`);
    else expect((await found).sharedCount).toBe(shared);
  });

  it.each([
    [598, false],
    [599, true],
  ])('%i of 1000 where chance gives half', async (shared, refused) => {
    // 500 fitted rows stand twice.
    const fitted = memoryTable({ x: range(1500).map((i) => (i < 1000 ? i : i < 1250 ? i - 1000 : i - 1250)) });
    const found = checkOverlap(fitted, rows(1000, shared - 1000), ['x'], {});
    if (refused) await expect(found).rejects.toThrow('`allowOverlap`');
    else expect((await found).notes).toHaveLength(1);
  });
});

describe('copies on both sides of a split', () => {
  // Rows 0, 1, ... of which the first `copies` stand again `distance` rows later, beyond the split.
  const notesOf = async (
    rowCount: number,
    testCount: number,
    x: (row: number) => number,
    id: (row: number) => string,
  ): Promise<Note[]> => {
    const table = memoryTable({ x: range(rowCount).map(x), id: range(rowCount).map(id) });
    const isTest = Uint8Array.from(range(rowCount), (row) => (row >= rowCount - testCount ? 1 : 0));
    return duplicateNotes(table, isTest, await table.profile(['x', 'id']), {});
  };
  const copyOf =
    (copies: number, distance: number) =>
    (row: number): number =>
      row >= distance && row < distance + copies ? row - distance : row;

  it.each([
    [5, 0],
    [6, 1],
  ])('%i of 500 test rows', async (copies, notes) => {
    const own = copyOf(copies, 500);
    expect(await notesOf(1000, 500, own, (row) => `r${own(row)}`)).toHaveLength(notes);
  });

  it.each([
    [1, 0],
    [2, 1],
  ])('%i of 50 test rows', async (copies, notes) => {
    const own = copyOf(copies, 50);
    expect(await notesOf(100, 50, own, (row) => `r${own(row)}`)).toHaveLength(notes);
  });

  it.each([
    [199, 0],
    [200, 1],
  ])('of numbers with %i different values in 1000 rows', async (distinct, notes) => {
    const own = copyOf(20, 3 * distinct);
    expect(
      await notesOf(
        1000,
        500,
        (row) => row % distinct,
        (row) => `r${own(row)}`,
      ),
    ).toHaveLength(notes);
  });

  it.each([
    [154, 0],
    [157, 1],
  ])('%i where independent columns would give 30', async (copies, notes) => {
    // Every number stands once in each quarter and every text five times, in an order that makes so many rows equal.
    const shifted = (v: number): number => (v < copies ? v : v === 249 ? copies : v + 1);
    const texts = [(v: number) => v, (v: number) => v + 7, shifted, (v: number) => v + 13];
    const found = await notesOf(
      1000,
      500,
      (row) => row % 250,
      (row) => `t${texts[Math.floor(row / 250)](row % 250) % 50}`,
    );
    expect(found).toHaveLength(notes);
  });
});

describe('leaks', () => {
  it.each([
    [1, 0.99e-4, false],
    [1, 1.01e-4, true],
    [50, 1.98e-6, false],
    [50, 2.02e-6, true],
  ])('luck, of %i columns with a chance of %f', (columnCount, chance, luck) => {
    expect(mayBeLuck(Math.log(chance), columnCount)).toBe(luck);
  });

  it('tell in 20 rows or more, five or more to a value', () => {
    const half = (rowCount: number, values: readonly number[]) => ({
      ...{ rowCount, values, pairs: values },
      targets: [rowCount / 2, rowCount / 2],
    });
    expect(tells(half(19, [10, 9]), 1)).toBe(false);
    expect(tells(half(20, [10, 10]), 1)).toBe(true);
    expect(tells(half(24, [5, 5, 5, 5, 4]), 1)).toBe(false);
    expect(tells(half(25, [5, 5, 5, 5, 5]), 1)).toBe(true);
  });
});

describe('columns that are not those of the fit', () => {
  let model: Model;
  beforeAll(async () => {
    const random = createRandom(2);
    const columns: Record<string, MemoryColumn> = {
      a: range(400).map(() => (random.integer(2) === 0 ? 'no' : 'yes')),
      b: range(400).map(() => (random.integer(2) === 0 ? 'no' : 'yes')),
      x: range(400).map(() => random.normal()),
      y: range(400).map(() => random.normal()),
    };
    const options = { target: 'y', degree: 1, intervals: 'none', method: 'ridge', folds: 2 } as const;
    model = (await fitTable(memoryTable(columns), options)).model;
  });

  // The first counts[j] rows have a yes at coordinate j.
  function pointsOf(rowCount: number, shares: readonly number[]): CubePoints {
    return cubePointsFromRows(range(rowCount).map((i) => shares.map((share) => (i < share * rowCount - 1e-9 ? 1 : 0))));
  }
  // Shares of yes: of a, of b, and of the numbers above their thresholds, which are those of the fit without others.
  function drift(
    fitted: readonly [number, number],
    found: readonly [number, number],
    { fittedCount = 10_000, rowCount = 10_000, numbers }: { fittedCount?: number; rowCount?: number; numbers?: number },
  ): readonly ColumnDrift[] {
    const count = (model.training.yesCounts ?? []).length - 2;
    const usual = range(count).map((j) => (count - j) / (count + 1));
    const training = {
      ...model.training,
      sampleCount: fittedCount,
      yesCounts: [...fitted, ...usual].map((share) => Math.round(share * fittedCount)),
    };
    const meter = createColumnDriftMeter({ ...model, training });
    meter.add(pointsOf(rowCount, [...found, ...usual.map((share) => numbers ?? share)]));
    return meter.result();
  }
  const guesses = (drifts: readonly ColumnDrift[]) => drifts.map(({ column, guess }) => [column, guess?.kind ?? null]);

  it('are named from a fifth of the rows on', () => {
    expect(drift([0.5, 0.5], [0.699, 0.5], {})).toEqual([]);
    expect(guesses(drift([0.5, 0.5], [0.701, 0.5], {}))).toEqual([['a', null]]);
  });

  it('are named where chance would do it once in a million times', () => {
    // All of n rows where the fit had half: somewhat more than 2^(1 - n), times the coordinates.
    expect(drift([0.5, 0.5], [1, 0.5], { rowCount: 22 })).toEqual([]);
    expect(guesses(drift([0.5, 0.5], [1, 0.5], { rowCount: 26 }))).toEqual([['a', null]]);
  });

  it('are said to be swapped from a tenth on', () => {
    expect(drift([0.5, 0.599], [0.599, 0.5], {})).toEqual([]);
    expect(guesses(drift([0.5, 0.601], [0.601, 0.5], {}))).toEqual([
      ['a', 'swapped'],
      ['b', 'swapped'],
    ]);
  });

  it('are said to be negated where that fits to a twentieth', () => {
    expect(guesses(drift([0.8, 0.5], [0.249, 0.5], {}))).toEqual([['a', 'negated']]);
    expect(guesses(drift([0.8, 0.5], [0.251, 0.5], {}))).toEqual([['a', null]]);
  });

  it('or, of few rows, to what chance does once in a thousand times', () => {
    // 0.0011 and 0.0006 beside a share of 0.2.
    expect(guesses(drift([0.8, 0.5], [0.3, 0.5], { rowCount: 200 }))).toEqual([['a', 'negated']]);
    expect(guesses(drift([0.8, 0.5], [0.3, 0.5], { rowCount: 220 }))).toEqual([['a', null]]);
  });

  it('and far better than what they are', () => {
    // 0.07 from a share of 0.35, and 0.23 from 0.65; 0.08 and 0.22.
    expect(guesses(drift([0.65, 0.5], [0.42, 0.5], { rowCount: 300 }))).toEqual([['a', 'negated']]);
    expect(guesses(drift([0.65, 0.5], [0.43, 0.5], { rowCount: 300 }))).toEqual([['a', null]]);
  });

  it('are said to be rescaled where all but a hundredth lie beyond all thresholds', () => {
    expect(guesses(drift([0.5, 0.5], [0.5, 0.5], { numbers: 0.009 }))).toEqual([['x', 'rescaled']]);
    expect(guesses(drift([0.5, 0.5], [0.5, 0.5], { numbers: 0.011 }))).toEqual([['x', null]]);
    expect(guesses(drift([0.5, 0.5], [0.5, 0.5], { numbers: 0.991 }))).toEqual([['x', 'rescaled']]);
    expect(guesses(drift([0.5, 0.5], [0.5, 0.5], { numbers: 0.989 }))).toEqual([['x', null]]);
  });
});

describe('what a profile says', () => {
  const facts = { form: 'ReLU', sparse: true, activity: { activationRate: 0.1 }, zeroShare: 0.9, timings: null };
  const timings = {
    ...{ denseUs: 100, exactUs: 20, inexact: null, leftOut: [], survivorRate: 0.1, firstTest: null },
    ...{ denseFromBatch: null, exactUpToBatch: 1 },
  };

  it('half of the units active is the most that is sparse', () => {
    const say = (activationRate: number) => describeVerdict({ ...facts, activity: { activationRate } });
    expect(say(0.5)).toBe('50 % active: sparse, not timed');
    expect(say(0.51)).toBe('ReLU, but 51 % active: hardly sparse, little to exploit');
  });

  it('of a form that is not recognised a twentieth of zeros is some, and half is many', () => {
    const say = (zeroShare: number) => describeVerdict({ ...facts, form: 'Gelu', sparse: false, zeroShare });
    expect(say(0.049)).toBe('Gelu: not sparse (measured: 4.9 % zeros)');
    expect(say(0.05)).toMatch(/^5.0 % of the values are zero: hardly sparse/);
    expect(say(0.49)).toMatch(/^49 % of the values are zero: hardly sparse/);
    expect(say(0.5)).toMatch(/^50 % of the values are zero; this form/);
  });

  it('as fast as dense is not faster', () => {
    const say = (exactUs: number) => describeVerdict({ ...facts, timings: { ...timings, exactUs } });
    expect(say(100)).toMatch(/no faster than dense .*: do not use$/);
    expect(say(99)).toBe('exact: 1.0x at batch 1');
  });

  it('larger batches are spoken of where some was tried', () => {
    const say = (exactUpToBatch: number) => describeVerdict({ ...facts, timings: { ...timings, exactUpToBatch } });
    expect(say(1)).not.toContain('up to batch');
    expect(say(2)).toContain('up to batch 2, the largest tried');
  });

  it('near zero is a hundredth of the root mean square', () => {
    // All of size 1 but one, so that the root mean square is 1 to five digits.
    const up = (small: number) => Float32Array.from(range(40_000), (i) => (i === 7 ? small : 1));
    const near = (small: number) =>
      staticSparsity({
        ...{ name: 'b', inputWidth: 1, unitCount: 40_000, outputWidth: 1, activation: 'relu' },
        ...{
          up: up(small),
          upBias: new Float32Array(),
          down: new Float32Array(1).fill(1),
          downBias: new Float32Array(),
        },
      }).nearZeroShare;
    expect(near(0.0099)).toBeGreaterThan(0);
    expect(near(0.0101)).toBe(0);
  });

  it('a twentieth of the exact time saved is what an inexact way must save', () => {
    expect(slowness({ denseUs: 100, exactUs: 120, calibratedUs: 95 })).toBeNull();
    expect(slowness({ denseUs: 100, exactUs: 120, calibratedUs: 95.1 })).toMatch('it does not pay');
    expect(slowness({ denseUs: 120, exactUs: 100, calibratedUs: 95.1 })).toMatch('it does not pay');
  });
});

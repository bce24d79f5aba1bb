/** What a fit says of how sure it is, and what weights, groups and the logistic loss change; planted tables throughout. */
import { describe, expect, it } from 'vitest';
import { fitTable, leadingTerms, memoryTable, parseModel, predictPoints, serializeModel } from '../src/index.ts';
import { foldAssignment } from '../src/internal.ts';
import { createRandom, noteTexts } from './helpers.ts';

/** y = 2 - 1.5 a + 0.8 ab (over -1/+1) + noise, among six more columns that say nothing. */
function plantedTable(rows: number, noise = 0.5, seed = 3) {
  const random = createRandom(seed);
  const columns: Record<string, number[]> = {};
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
    columns[name] = Array.from({ length: rows }, () => random.integer(2));
  }
  const sign = (bit: number): number => (bit === 1 ? -1 : 1);
  const y = columns.a.map((a, i) => 2 - 1.5 * sign(a) + 0.8 * sign(a) * sign(columns.b[i]) + noise * random.normal());
  return { columns, y };
}

describe('confirmation', () => {
  it('has the planted coefficients in the intervals of terms that half of the rows chose', async () => {
    const { columns, y } = plantedTable(600);
    const { model } = await fitTable(memoryTable({ ...columns, y }), { target: 'y', degree: 2, seed: 2 });
    const { confirmation } = model.outputs[0].fit;
    expect(confirmation).toMatchObject({
      choosingRowCount: 300,
      confirmingRowCount: 300,
      interval: 'normal',
      confidence: 0.95,
      simultaneous: false,
    });
    const planted = new Map([
      ['', 2],
      ['0', -1.5],
      ['0 1', 0.8],
    ]);
    for (const [key, truth] of planted) {
      const term = confirmation?.terms.find(({ coordinates }) => coordinates.join(' ') === key);
      expect(term?.low).toBeLessThan(truth);
      expect(term?.high).toBeGreaterThan(truth);
      // 0.5 / sqrt(300) is the standard error of every coefficient here.
      expect(term?.standardError).toBeCloseTo(0.5 / Math.sqrt(300), 2);
    }
    expect(confirmation?.terms[1].coordinates).toEqual([0]);
    expect(await parseModel(await serializeModel(model), 'm.json')).toEqual(model);
  });

  it('is wider all at once, and by the bootstrap about the same', async () => {
    const { columns, y } = plantedTable(600);
    const width = async (options: object): Promise<number> => {
      const { model } = await fitTable(memoryTable({ ...columns, y }), { target: 'y', degree: 2, ...options });
      const term = model.outputs[0].fit.confirmation?.terms[1];
      return (term?.high as number) - (term?.low as number);
    };
    const normal = await width({});
    expect(await width({ simultaneous: true })).toBeGreaterThan(1.05 * normal);
    expect(await width({ confidence: 0.8 })).toBeLessThan(0.75 * normal);
    expect((await width({ intervals: 'bootstrap' })) / normal).toBeCloseTo(1, 0);
  });

  it('says why there is none', async () => {
    const { columns, y } = plantedTable(40);
    const { model } = await fitTable(memoryTable({ ...columns, y }), { target: 'y', degree: 1 });
    expect(model.outputs[0].fit.confirmation).toBeNull();
    expect(noteTexts(model).join()).toContain('no intervals: 40 rows are too few');
    const none = await fitTable(memoryTable({ ...columns, y }), { target: 'y', degree: 1, intervals: 'none' });
    expect(noteTexts(none.model).join()).not.toContain('no intervals');
  });

  it('keeps groups on one side', async () => {
    // All rows of a group are copies: were they split, the confirming rows would not be new.
    const { columns, y } = plantedTable(60);
    const copies = (values: readonly number[]): number[] => values.flatMap((value) => [value, value, value, value]);
    const data = Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, copies(values)]));
    const group = copies(y.map((_, i) => i));
    const table = memoryTable({ ...data, y: copies(y), group });
    const { model } = await fitTable(table, { target: 'y', degree: 1, group: 'group' });
    const confirmation = model.outputs[0].fit.confirmation;
    expect(confirmation?.choosingRowCount).toBe(120);
    // Four copies say no more than one: the error is that of 30 rows, not of 120.
    const residual = Math.sqrt(0.5 ** 2 + 0.8 ** 2);
    expect(confirmation?.terms[1].standardError as number).toBeGreaterThan(0.7 * (residual / Math.sqrt(30)));
  });
});

describe('groups', () => {
  const GROUPS = 40;
  const clusters = Uint32Array.from({ length: 200 }, (_, row) => (row * 7) % GROUPS);

  it('are whole in one fold, and folds are of one size', () => {
    const fold = foldAssignment(clusters.length, 5, 1, { clusters });
    const foldsOf = new Map<number, Set<number>>();
    clusters.forEach((cluster, row) => {
      foldsOf.set(cluster, (foldsOf.get(cluster) ?? new Set()).add(fold[row]));
    });
    expect([...foldsOf.values()].every((folds) => folds.size === 1)).toBe(true);
    const sizes = [0, 1, 2, 3, 4].map((k) => fold.filter((value) => value === k).length);
    expect(sizes).toEqual([40, 40, 40, 40, 40]);
    expect(() => foldAssignment(clusters.length, GROUPS + 1, 1, { clusters })).toThrow(
      '40 groups cannot make 41 folds',
    );
  });

  it('copies of a row do not predict one another, in folds and in the test', async () => {
    // The target is noise, the same in all rows of a group, and ten columns tell most groups apart.
    const random = createRandom(5);
    const perGroup = (value: () => number): number[] => {
      const values = Array.from({ length: GROUPS }, value);
      return Array.from(clusters, (cluster) => values[cluster]);
    };
    const columns = Object.fromEntries(
      Array.from({ length: 10 }, (_, j) => [`x${j}`, perGroup(() => random.integer(2))]),
    );
    const y = perGroup(() => random.normal());
    const table = memoryTable({ ...columns, y, group: Array.from(clusters) });
    const errors = async (options: object): Promise<number[]> => {
      const { model } = await fitTable(table, {
        ...{ target: 'y', degree: 2, method: 'ridge', test: 0.3, seed: 2 },
        ...options,
      });
      const { candidates } = model.outputs[0].fit.selection;
      return [Math.min(...candidates.map(({ mse }) => mse)), model.training.test?.mse ?? Number.NaN];
    };
    for (const error of await errors({ exclude: ['group'] })) expect(error).toBeLessThan(0.3);
    for (const error of await errors({ group: 'group' })) expect(error).toBeGreaterThan(0.6);
  });

  it('the halves that choose and confirm terms are whole groups', async () => {
    const { columns, y } = plantedTable(100);
    // 19 groups of three and one of 43: ten of them are 30 or 70 rows, and never half.
    const group = Array.from(y, (_, row) => Math.min(19, Math.floor(row / 3)));
    for (const seed of [1, 2, 3]) {
      const { model } = await fitTable(memoryTable({ ...columns, y, group }), {
        ...{ target: 'y', degree: 1, folds: 2, test: 0, group: 'group', seed },
      });
      const { choosingRowCount, confirmingRowCount } = model.outputs[0].fit.confirmation ?? {};
      expect([choosingRowCount, confirmingRowCount].toSorted()).toEqual([30, 70]);
    }
  });
});

describe('stability and intervals of the test', () => {
  it('terms that are there are in every fold with one sign; the test has an interval', async () => {
    const { columns, y } = plantedTable(500);
    const { model } = await fitTable(memoryTable({ ...columns, y }), { target: 'y', degree: 2, method: 'low-degree' });
    const steady = model.outputs[0].fit.stability.find(({ coordinates }) => coordinates.join() === '0,1');
    expect(steady).toMatchObject({ selectedShare: 1, sameSignShare: 1 });
    expect(steady?.minimum).toBeGreaterThan(0.6);
    expect(steady?.maximum).toBeLessThan(1);
    const { mse, intervals } = model.training.test ?? {};
    expect(intervals?.mse.method).toBe('bootstrap');
    expect(intervals?.mse.low).toBeLessThan(mse as number);
    expect(intervals?.mse.high).toBeGreaterThan(mse as number);
    expect(intervals?.mse.low).toBeLessThan(0.25);
  });

  it('terms of a higher degree than the folds chose, which the confirming half may choose, are in no fold', async () => {
    // The folds find degree 1 best; the half that chooses terms to confirm finds degree 2.
    const random = createRandom(139);
    const bits = (): number[] => Array.from({ length: 120 }, () => random.integer(2));
    const [a, b, c, d] = [bits(), bits(), bits(), bits()];
    const y = a.map((bit, i) => 0.5 * (bit ^ b[i] ^ c[i]) + bit + random.normal());
    const { model } = await fitTable(memoryTable({ a, b, c, d, y }), {
      target: 'y',
      test: 0,
      seed: 1,
      method: 'low-degree',
    });
    const { degree, confirmation, stability } = model.outputs[0].fit;
    const degrees = (confirmation?.terms ?? []).map(({ coordinates }) => coordinates.length);
    expect(Math.max(...degrees)).toBeGreaterThan(degree); // else this table tests nothing
    expect(stability.map(({ coordinates }) => coordinates.join())).toContain('0');
    expect(stability.every(({ coordinates }) => coordinates.length <= degree)).toBe(true);
    expect(await parseModel(await serializeModel(model), 'm.json')).toEqual(model);
  });
});

describe('weights', () => {
  it('rows of weight 0 count neither in the fit nor in the test', async () => {
    const { columns, y } = plantedTable(500, 0.1);
    const random = createRandom(9);
    const weight = y.map(() => (random.uniform() < 0.4 ? 0 : 3));
    const spoilt = y.map((value, i) => (weight[i] === 0 ? -50 + 100 * random.uniform() : value));
    const table = memoryTable({ ...columns, y: spoilt, weight });
    const { model } = await fitTable(table, { target: 'y', degree: 2, weight: 'weight' });
    expect(model.training.test?.r2).toBeGreaterThan(0.99);
    expect(leadingTerms(model)[0].coefficient).toBeCloseTo(-1.5, 1);
    expect(model.encoder.columns.map(({ column }) => column)).not.toContain('weight');
    const plain = await fitTable(table, { target: 'y', degree: 2, exclude: ['weight'] });
    expect(plain.model.training.test?.r2).toBeLessThan(0.5);
  });

  it('their unit does not matter', async () => {
    const { columns, y } = plantedTable(300);
    const fit = async (unit: number): Promise<number[]> => {
      const weight = y.map((_, i) => unit * (1 + (i % 3)));
      const { model } = await fitTable(memoryTable({ ...columns, y, weight }), {
        target: 'y',
        degree: 1,
        weight: 'weight',
        intervals: 'none',
      });
      return Array.from(model.outputs[0].polynomial.coefficients);
    };
    const [one, thousand] = [await fit(1), await fit(1024)];
    one.forEach((value, t) => {
      expect(thousand[t]).toBeCloseTo(value, 9);
    });
  });

  it.each([
    [{ weight: 'y' }, /`weight` names the target/],
    [{ weight: 'w' }, /no column "w"/],
    [{ weight: 'a', features: ['a'] }, /`features` names the weights "a"/],
    [{ weight: 'bad' }, /weight "bad" is -1 in row 2/],
    [{ weight: 'zero' }, /add up to 0/],
    [{ group: 'holes' }, /group "holes" is missing in row 3/],
  ])('refuses %j', async (options, message) => {
    const { columns, y } = plantedTable(80);
    const bad = y.map((_, i) => (i === 1 ? -1 : 1));
    const zero = y.map(() => 0);
    const holes = y.map((_, i) => (i === 2 ? null : `g${i % 9}`));
    const table = memoryTable({ ...columns, y, bad, zero, holes });
    await expect(fitTable(table, { target: 'y', degree: 1, ...options })).rejects.toThrow(message);
  });
});

describe('the logistic loss', () => {
  // log-odds of "on" are 1.2 (a yes) or -1.2, and turn round where b and c differ: 1.2 a (bc), a planted parity of three.
  const random = createRandom(21);
  const rows = 4000;
  const bits = (): number[] => Array.from({ length: rows }, () => random.integer(2));
  const [a, b, c] = [bits(), bits(), bits()];
  const sign = (bit: number): number => (bit === 1 ? -1 : 1);
  const odds = a.map((bit, i) => -1.2 * sign(bit) * sign(b[i]) * sign(c[i]));
  const y = odds.map((value) => (random.uniform() < 1 / (1 + Math.exp(-value)) ? 'on' : 'off'));
  const table = memoryTable({ a, b, c, y });

  it('finds the log-odds, and gives their probabilities', async () => {
    const { model } = await fitTable(table, { target: 'y', degree: 3, method: 'ridge', loss: 'logistic' });
    expect(model.loss).toBe('logistic');
    expect(model.outputs[0].fit.method).toBe('logistic');
    const [lead] = leadingTerms(model);
    expect(lead.coordinates).toEqual(['a', 'b', 'c']);
    // Of a no, as +1 stands for it; the effect is (-2)^3 times that, toward "on".
    expect(lead.coefficient).toBeCloseTo(1.2, 0.9);
    expect(lead.effect).toBeCloseTo(8 * lead.coefficient, 9);
    const { points } = await table.encode(model.encoder);
    const { probabilities } = await predictPoints(model, points);
    const truth = 1 / (1 + Math.exp(-odds[0]));
    expect((probabilities as Float64Array[])[0][0]).toBeCloseTo(truth, 1);
    expect(model.outputs[0].fit.confirmation?.terms.length).toBeGreaterThan(1);
    expect(model.training.test?.intervals?.mse.method).toBe('empirical Bernstein');
    expect(model.training.test?.intervals?.accuracy?.method).toBe('Clopper-Pearson');
  });

  it('refuses numbers and penalties it does not have', async () => {
    const numbers = memoryTable({ a, b, c, y: odds.map((value, i) => value + i) });
    await expect(fitTable(numbers, { target: 'y', loss: 'logistic' })).rejects.toThrow('which has no logistic loss');
    await expect(fitTable(table, { target: 'y', loss: 'logistic', method: 'lasso' })).rejects.toThrow(
      'expected `method` auto, ridge, boosting or stacking',
    );
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  accuracy,
  areaUnderCurve,
  cubePointsFromRows,
  fitPlatt,
  fitTable,
  leadingTerms,
  logLoss,
  type Model,
  meanSquaredError,
  memoryTable,
  modelAttributions,
  noteText,
  parseModel,
  plattProbability,
  predictPoints,
  rSquared,
  scoreTable,
  selectRows,
  serializeModel,
  valuesOnCube,
} from '../src/index.ts';
import { smearingFactor } from '../src/internal.ts';
import { createRandom, noteTexts } from './helpers.ts';

describe('measures, against scikit-learn', () => {
  const golden = JSON.parse(readFileSync(new URL('./goldens/metrics.json', import.meta.url), 'utf8'));
  for (const example of golden.classes) {
    it(`two classes: ${example.name}`, () => {
      expect(accuracy(example.labels, example.probabilities)).toBeCloseTo(example.accuracy, 12);
      expect(areaUnderCurve(example.labels, example.probabilities)).toBeCloseTo(example.auc, 12);
      expect(logLoss(example.labels, example.probabilities)).toBeCloseTo(example.logLoss, 12);
    });
  }
  for (const example of golden.numbers) {
    it(`numbers: ${example.name}`, () => {
      expect(meanSquaredError(example.y, example.predictions)).toBeCloseTo(example.mse, 12);
      expect(rSquared(example.y, example.predictions)).toBeCloseTo(example.r2, 12);
    });
  }
});

describe('what does not belong together is refused', () => {
  it('numbers of other rows', () => {
    for (const measure of [meanSquaredError, rSquared, accuracy, areaUnderCurve, logLoss]) {
      expect(() => measure([0, 1], [1])).toThrow('there are 2 and 1 numbers; expected one per row in each');
      expect(() => measure([0, 1], [0.3, 0.6], [1, 1, 1])).toThrow('there are 2 and 3 numbers');
    }
  });

  it('rows and outputs that are not there', async () => {
    const points = cubePointsFromRows([[0], [1]]);
    expect(() => selectRows(points, Uint32Array.of(1, 2))).toThrow('row 2 is not there; expected rows from 0 to 1');
    const y = Array.from({ length: 40 }, (_, i) => (i % 3) + (i % 2));
    const { model } = await fitTable(memoryTable({ a: y.map((_, i) => i % 2), y }), { target: 'y', task: 'number' });
    for (const output of [1, -1, 0.5]) {
      const message = `output is ${output}; expected 0, the only one of the model`;
      expect(() => leadingTerms(model, 3, output)).toThrow(message);
      await expect(modelAttributions(model, output)).rejects.toThrow(message);
    }
  });

  it('values on the cube that are no numbers', async () => {
    await expect(valuesOnCube(2, (_, point) => (point === 2 ? Number.NaN : 0))).rejects.toThrow('f is NaN at point 2');
  });
});

describe('calibration', () => {
  it('of many rows ends in a few passes: rounding of a large loss is no reason to look on', () => {
    // These rows took 2,925 passes.
    const count = 122_881;
    let state = 1;
    const draw = (): number => {
      state = (state * 48271) % 2147483647;
      return state / 2147483647;
    };
    for (let i = 0; i < 4000; i++) draw();
    const positive = new Uint8Array(count);
    const plain = Float64Array.from(positive, (_, i) => {
      positive[i] = Number(draw() < 0.45);
      return -1.7 + draw() - 0.5 + 0.02 * positive[i];
    });
    let reads = 0;
    const values = new Proxy(plain, {
      get(target, key) {
        if (key === 'length') return target.length;
        reads++;
        return target[Number(key)];
      },
    });
    const { slope, intercept } = fitPlatt(values, positive);
    expect(reads).toBeLessThan(80 * count);
    // Where the gradient of the smoothed log-loss is zero, to as many digits as its sum has.
    const yes = positive.reduce((sum, value) => sum + value, 0);
    const gradients = [0, 0];
    plain.forEach((value, i) => {
      const wanted = positive[i] === 1 ? (yes + 1) / (yes + 2) : 1 / (count - yes + 2);
      const error = 1 / (1 + Math.exp(-(slope * value + intercept))) - wanted;
      gradients[0] += error * value;
      gradients[1] += error;
    });
    for (const gradient of gradients) expect(Math.abs(gradient)).toBeLessThan(1e-9 * count);
  });

  it('Platt scaling finds the curve the classes were drawn from', () => {
    const random = createRandom(3);
    const values = Array.from({ length: 40_000 }, () => 4 * random.uniform() - 2);
    const positive = values.map((value) => (random.uniform() < 1 / (1 + Math.exp(-(1.7 * value - 0.4))) ? 1 : 0));
    const scaling = fitPlatt(values, positive);
    expect(scaling.slope).toBeCloseTo(1.7, 1);
    expect(scaling.intercept).toBeCloseTo(-0.4, 1);
  });

  it('stays finite for separated classes and for one class', () => {
    for (const positive of [
      [0, 0, 1, 1],
      [1, 1, 1, 1],
    ]) {
      const scaling = fitPlatt([-2, -1, 1, 2], positive);
      expect(Number.isFinite(scaling.slope) && Number.isFinite(scaling.intercept)).toBe(true);
      expect(plattProbability(scaling, 2)).toBeGreaterThan(0.5);
    }
  });

  it('the smearing factor of normal residuals is exp(variance / 2)', () => {
    const random = createRandom(4);
    const residuals = Float64Array.from({ length: 200_000 }, () => 0.5 * random.normal());
    expect(smearingFactor(residuals, new Float64Array(residuals.length))).toBeCloseTo(Math.exp(0.125), 2);
  });
});

function xorTable(rows = 300) {
  const random = createRandom(7);
  const a = Array.from({ length: rows }, () => random.integer(2));
  const b = Array.from({ length: rows }, () => random.integer(2));
  const size = Array.from({ length: rows }, () => Math.round(100 * random.uniform()));
  return memoryTable({ a, b, size, y: a.map((value, i) => (value !== b[i] ? 'on' : 'off')) }, { label: 'xor' });
}

describe('fitTable', () => {
  it('is deterministic, and changes with the seed', async () => {
    const text = async (seed: number): Promise<string> =>
      serializeModel((await fitTable(xorTable(), { target: 'y', seed })).model);
    expect(await text(1)).toBe(await text(1));
    expect(await text(2)).not.toBe(await text(1));
  });

  it('the test figures are those of a fit that never saw the test rows', async () => {
    // Targets of pure noise, memorised by a fit: were the test rows in it, they would be predicted.
    const random = createRandom(5);
    const columns = Object.fromEntries(
      Array.from({ length: 24 }, (_, j) => [`c${j}`, Array.from({ length: 60 }, () => random.integer(2))]),
    );
    const y = Array.from({ length: 60 }, () => random.normal());
    const { model } = await fitTable(memoryTable({ ...columns, y }), {
      target: 'y',
      degree: 3,
      method: 'least-squares',
      folds: 2,
    });
    expect(model.training.test?.mse).toBeGreaterThan(0.5);
    expect(model.training.sampleCount).toBe(60);
    expect(model.training.fittedOn).toBe('all rows');
    const all = await scoreTable(model, memoryTable({ ...columns, y }));
    expect(all.metrics.mse).toBeLessThan(1e-6);
  });

  it('a table of test rows is measured and not fitted', async () => {
    const { model } = await fitTable(xorTable(200), { target: 'y', test: xorTable(100) });
    expect(model.training.sampleCount).toBe(200);
    expect(model.training.test?.sampleCount).toBe(100);
    expect(model.training.fittedOn).toBe('rows of xor');
  });

  it('rows dropped for a missing cell are counted apart from those without a target', async () => {
    const random = createRandom(3);
    const a = Array.from({ length: 200 }, (_, row) => (row < 7 ? null : random.integer(2)));
    const y = Array.from({ length: 200 }, (_, row) => (row >= 196 ? null : (a[row] ?? 0) + random.normal()));
    const { model } = await fitTable(memoryTable({ a, y }), { target: 'y', missing: 'drop-rows' });
    expect(model.training.sampleCount).toBe(189);
    expect(model.training.notes.map(noteText)).toContain('7 rows with missing values were dropped');
    expect(model.training.notes.map(noteText).join('\n')).toContain('4 of 200 rows have no value in "y"');
  });

  it('learners have the memory that the rows leave', async () => {
    const random = createRandom(4);
    const bits = Array.from({ length: 12 }, () => Array.from({ length: 40_000 }, () => random.integer(2)));
    const columns = Object.fromEntries(bits.map((column, k) => [`x${k}`, column]));
    const y = bits[0].map((bit, row) => (bit ^ bits[1][row]) + random.normal());
    const fit = (memoryLimitBytes: number) =>
      fitTable(memoryTable({ ...columns, y }), { target: 'y', method: 'least-squares', degree: 1, memoryLimitBytes });
    // 50 bytes a row stay beside the fit, which takes 6 vectors of 8 itself and its kernels some.
    await expect(fit(40_000 * 108)).rejects.toMatchObject({ code: 'memory-budget' });
    const { model } = await fit(40_000 * 113);
    const notes = model.training.notes.map(noteText).join('\n');
    expect(notes).toMatch(/chosen on 8000 of 32000 rows, to stay within the memory allowed/);
    const roomy = (await fit(40_000 * 600)).model;
    expect(roomy.training.notes.map(noteText).join('\n')).not.toMatch(/memory/);
    expect(roomy.outputs[0].fit.confirmation).not.toBeNull();
  });

  it('a logarithmic target is predicted in its own unit', async () => {
    const random = createRandom(6);
    const big = Array.from({ length: 500 }, () => random.integer(2));
    const price = big.map((bit) => Math.exp((bit === 1 ? 8 : 5) + 0.1 * random.normal()));
    const table = memoryTable({ big, price });
    const { model } = await fitTable(table, { target: 'price', targetTransform: 'log' });
    const { points } = await table.encode(model.encoder);
    const { numbers } = await predictPoints(model, points);
    const row = big.indexOf(1);
    expect((numbers as Float64Array)[row] / Math.exp(8.005)).toBeCloseTo(1, 1);
    await expect(
      fitTable(memoryTable({ big, price: price.map((p, i) => (i === 9 ? 0 : p)) }), {
        target: 'price',
        targetTransform: 'log',
      }),
    ).rejects.toThrow('is 0 in row 10');
  });

  it('a column that equals the target is pointed out', async () => {
    const table = xorTable();
    const texts = await table.texts('y');
    const copy = memoryTable({
      a: await table.texts('a'),
      leak: texts.map((t) => (t === 'on' ? 'yes' : 'no')),
      y: texts,
    });
    const { model } = await fitTable(copy, { target: 'y' });
    expect(noteTexts(model).join()).toContain('"leak" equals the target in every row');
  });

  it.each([
    [{ target: 'z' }, /no column "z"/],
    [{ target: 'y', features: ['a', 'sise'] }, /no column "sise"; did you mean "size"/],
    [{ target: 'y', features: ['y'] }, /cannot be learned from itself/],
    [{ target: 'y', exclude: ['a', 'b', 'size'] }, /no column is left/],
    [{ target: 'y', positive: 'maybe' }, /never is "maybe"; its classes are "off", "on"/],
    [{ target: 'size', positive: '3' }, /`positive` needs a target with two classes/],
    [{ target: 'y', test: 1 }, /`test` is 1/],
    [{ target: 'y', test: 0.0001 }, /leaves 0 test rows/],
    [{ target: 'y', folds: 1 }, /`folds` is 1/],
    [{ target: 'y', folds: 1000 }, /240 rows cannot make 1000 folds/],
    [{ target: 'y', bins: 1 }, /`bins` is 1/],
  ])('refuses %j', async (options, message) => {
    await expect(fitTable(xorTable(), options)).rejects.toThrow(message);
  });

  it('refuses targets that cannot be learned', async () => {
    const a = [0, 1, 0, 1, 1, 0];
    await expect(fitTable(memoryTable({ a, y: [1, 1, 1, 1, 1, 1] }), { target: 'y' })).rejects.toThrow(
      'only the value "1"',
    );
    await expect(fitTable(memoryTable({ a, y: ['p', 'q', 'r', 's', 't', 'u'] }), { target: 'y' })).rejects.toThrow(
      '6 different texts in 6 rows ("p", "q", "r" and 3 more); expected numbers, or classes',
    );
    const rows = Array.from({ length: 200 }, (_, i) => i);
    const numbered = memoryTable({ a: rows.map((i) => i % 2), y: rows });
    // Counted in full, and whole numbers have no decimal commas.
    await expect(fitTable(numbered, { target: 'y', task: 'classes' })).rejects.toThrow(
      /200 different numbers in 200 rows \("0", "1", "2" and 197 more\); .* with two rows each or more$/,
    );
    await expect(fitTable(memoryTable({ a, y: [1, 2, Infinity, 4, 5, 6] }), { target: 'y' })).rejects.toThrow(
      'infinite in 1 of 6 rows',
    );
    const days = ['2024-03-05', '2024-03-06', '2024-03-07', '2024-03-05', '2024-03-09', '2024-03-10'];
    await expect(fitTable(memoryTable({ a, y: days }), { target: 'y' })).rejects.toThrow('target "y" has dates');
    for (const y of [
      [1, 2, null, 4, 5, 6],
      [1, 2, Number.NaN, 4, 5, 6],
    ]) {
      await expect(fitTable(memoryTable({ a, y }), { target: 'y', missing: 'refuse' })).rejects.toThrow(
        'is missing in 1 of 6 rows',
      );
    }
  });

  it('stops when aborted', async () => {
    const controller = new AbortController();
    const running = fitTable(xorTable(3000), {
      target: 'y',
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(running).rejects.toThrow('enough');
  });
});

describe('several classes', () => {
  // Three classes by two answers: neither both, nor none.
  const random = createRandom(12);
  const a = Array.from({ length: 400 }, () => random.integer(2));
  const b = Array.from({ length: 400 }, () => random.integer(2));
  const y = a.map((bit, i) => (bit === 1 && b[i] === 1 ? 'both' : bit === 0 && b[i] === 0 ? 'none' : 'one'));
  const table = memoryTable({ a, b, y });

  it('are learned each against the rest, and their probabilities add up to one', async () => {
    const { model } = await fitTable(table, { target: 'y', degree: 2, method: 'low-degree' });
    expect(model.target).toEqual({ kind: 'multiclass', column: 'y', classes: ['both', 'none', 'one'] });
    expect(model.outputs).toHaveLength(3);
    expect(model.training.test?.accuracy).toBe(1);
    expect(model.training.test?.auc).toBe(1);
    const { points } = await table.encode(model.encoder);
    const prediction = await predictPoints(model, points);
    expect(prediction.classes).toEqual(y);
    const probabilities = prediction.probabilities as Float64Array[];
    for (let i = 0; i < y.length; i++) expect(probabilities.reduce((sum, p) => sum + p[i], 0)).toBeCloseTo(1, 12);
    // -1 where both are yes, else 1: (1 + a + b - ab) / 2 over a, b in {+1, -1}.
    expect(Array.from(model.outputs[0].polynomial.coefficients, (c) => Math.round(1000 * c) / 1000)).toEqual([
      0.5, 0.5, 0.5, -0.5,
    ]);
    expect(await parseModel(await serializeModel(model), 'm.json')).toEqual(model);
  });

  it('the constant beside them says the most frequent class', async () => {
    const { model } = await fitTable(table, { target: 'y', degree: 1 });
    const share = y.filter((name) => name === 'one').length / y.length;
    expect(Math.abs((model.training.test?.baseline.accuracy as number) - share)).toBeLessThan(0.12);
    const scored = await scoreTable(model, table);
    expect(scored.metrics.baseline.accuracy).toBe(share);
  });

  it('numbers are classes when asked for, and refuse what only two classes have', async () => {
    const digits = memoryTable({ a, b, y: y.map((name) => ({ none: 0, one: 1, both: 2 })[name] as number) });
    const { model } = await fitTable(digits, { target: 'y', task: 'classes', degree: 2 });
    expect(model.target).toMatchObject({ classes: ['0', '1', '2'] });
    expect((await fitTable(digits, { target: 'y', degree: 1 })).model.target.kind).toBe('regression');
    await expect(fitTable(table, { target: 'y', positive: 'both' })).rejects.toThrow(
      '`positive` needs a target with two',
    );
    await expect(fitTable(table, { target: 'y', targetTransform: 'log' })).rejects.toThrow('has texts');
    await expect(fitTable(table, { target: 'y', task: 'number' })).rejects.toThrow(
      "expected numbers for `task: 'number'`",
    );
  });
});

describe('groups', () => {
  it('are never split between the fit and the test', async () => {
    // Every group has one target for all its rows, and a column that names it: only leaked groups could be predicted.
    const random = createRandom(8);
    const group = Array.from({ length: 600 }, (_, i) => `g${i % 30}`);
    const level = Array.from({ length: 30 }, () => random.normal());
    const y = group.map((_, i) => level[i % 30]);
    const name = group.map((_, i) => `n${i % 30}`);
    const table = memoryTable({ name, group, y });
    const split = await fitTable(table, { target: 'y', exclude: ['group'], degree: 1 });
    expect(split.model.training.test?.r2).toBeGreaterThan(0.95);
    const kept = await fitTable(table, { target: 'y', group: 'group', degree: 1 });
    expect(kept.model.training.test?.r2).toBeLessThan(0.1);
    expect(kept.model.training.test?.sampleCount).toBe(120);
    expect(kept.model.encoder.columns.map((column) => column.column)).toEqual(['name']);
  });
});

describe('model file', () => {
  const model = async (): Promise<Model> => (await fitTable(xorTable(), { target: 'y' })).model;

  it('reads back as it was written', async () => {
    const original = await model();
    const text = await serializeModel(original);
    expect(await parseModel(text, 'm.json')).toEqual(original);
  });

  it('refuses truncated, edited, foreign and newer files by name', async () => {
    const text = await serializeModel(await model());
    await expect(parseModel(text.slice(0, text.length / 2), 'm.json')).rejects.toThrow(
      /m\.json is not a whole model file/,
    );
    await expect(parseModel('{"a":1}', 'm.json')).rejects.toThrow(/not a fewfire model/);
    await expect(parseModel(text.replace('"version":4', '"version":5'), 'm.json')).rejects.toThrow(
      /version 5; this fewfire reads versions 2 to 4/,
    );
    const coefficient = /\[\[0,1\],(-?[0-9.]+)\]/.exec(text) as RegExpExecArray;
    await expect(parseModel(text.replace(coefficient[0], '[[0,1],0.5]'), 'm.json')).rejects.toThrow(
      /its content does not have the checksum it states/,
    );
    await expect(parseModel(text.replace(coefficient[0], '[[0,1],"0.5"]'), 'm.json')).rejects.toThrow(
      /outputs\.0\.terms/,
    );
    await expect(parseModel(text.replace('"missing":"no"', '"missing":"maybe"'), 'm.json')).rejects.toThrow(
      /encoder\.columns\.0/,
    );
  });
});

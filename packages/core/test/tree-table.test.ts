/** Imported trees on the columns they were trained on, and their attributions by feature against the definition. */
import {
  attributeTreeRows,
  createCubePoints,
  createRandom,
  type DecisionTree,
  encodeTreeTable,
  memoryTable,
  predictTrees,
  type Table,
  type TreeModel,
} from '@fewfire/core';
import { encodeTreeRows, evaluateTreeEnsemble, PART_ROWS, treeColumns } from '@fewfire/core/internal';
import { describe, expect, it } from 'vitest';
import { importGolden, readTreeGolden, TREE_GOLDENS } from './tree-golden.ts';

const encode = (model: TreeModel, table: Table) => encodeTreeTable(model, table, treeColumns(model, table));

function tableOf(model: TreeModel, rows: readonly (readonly number[])[]): Table {
  const columns = model.features.map(({ name }, f) => [
    name,
    rows.map((row) => (Number.isNaN(row[f]) ? null : row[f])),
  ]);
  return memoryTable(Object.fromEntries(columns), { label: 'rows.csv' });
}

describe('the columns of a source model', () => {
  it.each(TREE_GOLDENS)('give the points of their numbers: %s', async (name) => {
    const model = importGolden(name);
    const { rows, margins } = readTreeGolden(name);
    const table = tableOf(model, rows);
    const points = await encode(model, table);
    expect(points).toEqual(encodeTreeRows(model, rows));
    const predicted = await predictTrees(model, points);
    margins.forEach((margin, i) => {
      for (const [o, value] of [margin].flat().entries()) expect(predicted.margins[o][i]).toBeCloseTo(value, 5);
    });
    const range = { firstRow: 7, endRow: 20 };
    const part = await encodeTreeTable(model, table, treeColumns(model, table), { range });
    expect(part).toEqual(encodeTreeRows(model, rows.slice(7, 20)));
  });

  const feature = (names: readonly string[], boolean = false) => names.map((name) => ({ name, boolean }));
  const model = (names: readonly string[], change: Partial<TreeModel> = {}): TreeModel => {
    const coordinates = names.map(
      (name, f) => ({ name: `${name}>=1`, feature: f, comparison: '>=', threshold: 1, missing: 'yes' }) as const,
    );
    // 1 for a yes to the first, 2 to the second, 4 to the third; the last feature is asked for by nobody.
    const asked = coordinates.slice(0, -1);
    const trees = asked.map((_, c): DecisionTree => ({ coordinate: c, no: { value: 0 }, yes: { value: 2 ** c } }));
    return {
      ...{ source: 'a test', objective: 'sum', features: feature(names), precision: 'f32', coordinates: asked },
      outputs: [{ name: 'y', coordinates: asked, trees, intercept: 0 }],
      ...{ summation: 'f32', link: 'identity', classes: null, notes: [] },
      ...change,
    };
  };
  const sums = async (of: TreeModel, table: Table): Promise<number[]> =>
    Array.from((await predictTrees(of, await encode(of, table))).margins[0]);

  it('are numbers, words for yes and no, and missing where empty or NaN; others are left aside', async () => {
    const table = memoryTable({
      other: ['x', 'y', 'z', 'w'],
      c: ['1', '0.5', 'nan', ''],
      a: [true, false, null, true],
      b: ['True', 'False', '', 'yes'],
    });
    expect(await sums(model(['a', 'b', 'c', 'unused']), table)).toEqual([7, 0, 7, 7]);
  });

  it('are compared in single precision', async () => {
    const below = 1 - 2 ** -26; // rounds to 1
    const table = memoryTable({ a: [below, 1 - 2 ** -24, 1], b: [0, 0, 0], c: [0, 0, 0] });
    expect(await sums(model(['a', 'b', 'c', 'd']), table)).toEqual([1, 0, 1]);
    expect(await sums(model(['a', 'b', 'c', 'd'], { precision: 'f64' }), table)).toEqual([0, 0, 1]);
  });

  it('without names in the model are taken by order where there are as many, and said to be', async () => {
    const unnamed = model(['f0', 'f1', 'f2', 'f3']);
    const table = memoryTable({ p: [1, 0], q: [0, 0], r: [1, 0], s: [9, 9] });
    expect(treeColumns(unnamed, table)).toEqual({ columns: ['p', 'q', 'r', undefined], isByOrder: true });
    expect(await sums(unnamed, table)).toEqual([5, 0]);
    const byName = memoryTable({ f2: [1, 0], f1: [0, 0], f0: [0, 1], y: [9, 9] });
    expect(treeColumns(unnamed, byName)).toMatchObject({ isByOrder: false });
    expect(await sums(unnamed, byName)).toEqual([4, 1]);
    const wide = memoryTable({ p: [1], q: [1], r: [1], s: [1], t: [1] });
    expect(() => treeColumns(unnamed, wide)).toThrow(/no names of its features: leave only its 4 columns.*`features`/);
    // Names of its own are never taken by order.
    expect(() => treeColumns(model(['a', 'b', 'c', 'd']), table)).toThrow(/lacks 3 of the 3 columns/);
  });

  it('are found whatever blanks are around their names, where that tells them apart', () => {
    // pandas keeps the blank behind a comma, a header of CSV loses it here.
    const spaced = treeColumns(model([' age', 'b', 'c', 'd']), memoryTable({ age: [1], b: [1], ' c ': [1] }));
    expect(spaced).toEqual({ columns: ['age', 'b', ' c ', undefined], isByOrder: false });
    const exact = treeColumns(model([' b', 'b', 'c', 'd']), memoryTable({ b: [1], ' b': [1], c: [1] }));
    expect(exact.columns).toEqual([' b', 'b', 'c', undefined]);
    for (const [names, table] of [
      [[' b', 'b', 'c', 'd'], { b: [1], c: [1] }],
      [['a', 'b', 'c', 'd'], { ' a': [1], 'a ': [1], b: [1], c: [1] }],
    ] as const) {
      expect(() => treeColumns(model([...names]), memoryTable(table))).toThrow(/lacks 1 of the 3 columns/);
    }
  });

  it('that are not there, or hold something else, are named', async () => {
    const of = model(['age', 'b', 'c', 'd']);
    const refused = async (table: Table, pattern: RegExp, code = 'invalid-data', from = of): Promise<void> => {
      const error = await (async () => encode(from, table))().catch((caught) => caught);
      expect(error).toMatchObject({ code, message: expect.stringMatching(pattern) });
      expect(error.message).not.toContain('\n');
    };
    await refused(memoryTable({ aged: [1], b: [1], c: [1] }), /"age"; is "aged" the same column\? rename it/);
    await refused(memoryTable({ x: [1] }), /lacks 3 of the 3 columns.*these are "x"/);
    await refused(memoryTable({ age: ['old', '2'], b: [1, 1], c: [1, 1] }), /"old" in row 1.*trained on numbers/);
    await refused(memoryTable({ age: ['true', '2'], b: [1, 1], c: [1, 1] }), /"true" in row 1/);
    await refused(memoryTable({ age: ['1', 'Infinity'], b: [1, 1], c: [1, 1] }), /"Infinity" in row 2/);
    const sets = importGolden('sets-early');
    const cities = memoryTable({ size: [1], color: ['red'], city: [3] });
    await refused(cities, /"red" in row 1.*categories by their numbers only/, 'invalid-data', sets);
    const flags = model(['age', 'b', 'c', 'd'], { features: feature(['age', 'b', 'c', 'd'], true) });
    const two = memoryTable({ age: [0, 1, 2], b: [1, 1, 1], c: [1, 1, 1] });
    await refused(two, /row 3, feature "age" is 2; expected 0 or 1/, 'invalid-data', flags);
    const whole = importGolden('numbers-regression', { missing: 'refuse' });
    const holes = tableOf(whole, readTreeGolden('numbers-regression').rows);
    await refused(holes, /row \d+ has no value for "f\d"/, 'missing-values', whole);
  });

  it('beyond one part have rows that count from the start of the table', async () => {
    const of = model(['a', 'b', 'c', 'd'], { features: feature(['a', 'b', 'c', 'd'], true) });
    const cells = new Array<number>(PART_ROWS + 5).fill(1);
    cells[PART_ROWS + 2] = 3;
    const table = memoryTable({ a: cells, b: cells.map(() => 0), c: cells.map(() => 0) });
    const range = { firstRow: PART_ROWS, endRow: cells.length };
    await expect(encodeTreeTable(of, table, treeColumns(of, table), { range })).rejects.toThrow(
      `row ${PART_ROWS + 3}, feature "a" is 3`,
    );
    await expect(encodeTreeTable(of, table, treeColumns(of, table), { memoryLimitBytes: 1000 })).rejects.toMatchObject({
      code: 'memory-budget',
    });
  });
});

/** Per row and asked feature, by the definition: every coalition, every background row. */
async function byDefinition(
  model: TreeModel,
  output: number,
  rows: readonly (readonly number[])[],
  background: readonly (readonly number[])[],
  features: readonly number[],
): Promise<number[]> {
  const d = features.length;
  const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
  const values: number[] = [];
  for (const row of rows) {
    const mixed: number[][] = [];
    for (let set = 0; set < 2 ** d; set++) {
      for (const other of background) {
        const mix = [...other];
        features.forEach((feature, p) => {
          if ((set >> p) & 1) mix[feature] = row[feature];
        });
        mixed.push(mix);
      }
    }
    const all = await evaluateTreeEnsemble(model.outputs[output], encodeTreeRows(model, mixed));
    const game = Array.from({ length: 2 ** d }, (_, set) =>
      all
        .subarray(set * background.length, (set + 1) * background.length)
        .reduce((a, b) => a + b / background.length, 0),
    );
    for (let p = 0; p < d; p++) {
      let share = 0;
      for (let set = 0; set < 2 ** d; set++) {
        if ((set >> p) & 1) continue;
        const size = features.filter((_, q) => (set >> q) & 1).length;
        share += ((factorial(size) * factorial(d - 1 - size)) / factorial(d)) * (game[set | (1 << p)] - game[set]);
      }
      values.push(share);
    }
  }
  return values;
}

describe('attributions of rows by feature', () => {
  it.each(['numbers-regression', 'sets-early', 'three-classes'])(
    'are Shapley values by definition: %s',
    async (name) => {
      const model = importGolden(name);
      const { rows } = readTreeGolden(name);
      const [shown, others] = [rows.slice(0, 6), rows.slice(20, 35)];
      const points = encodeTreeRows(model, shown);
      const background = encodeTreeRows(model, others);
      const { features, outputs } = await attributeTreeRows(model, points, { baseline: 'average', background });
      for (const [o, { base, values }] of outputs.entries()) {
        const expected = await byDefinition(model, o, shown, others, features);
        expected.forEach((value, i) => {
          expect(values[i]).toBeCloseTo(value, 10);
        });
        const own = await evaluateTreeEnsemble(model.outputs[o], points);
        own.forEach((margin, i) => {
          const sum = values.subarray(i * features.length, (i + 1) * features.length).reduce((a, b) => a + b, base);
          expect(sum).toBeCloseTo(margin, 10);
        });
      }
    },
  );

  it('against a row of all no are those of a row below every threshold and in no set', async () => {
    for (const name of ['numbers-regression', 'sets-early']) {
      const model = importGolden(name);
      const shown = readTreeGolden(name).rows.slice(0, 5);
      const { features, outputs } = await attributeTreeRows(model, encodeTreeRows(model, shown), {
        baseline: 'all-no',
      });
      const none = model.features.map(() => -1e30);
      const expected = await byDefinition(model, 0, shown, [none], features);
      expected.forEach((value, i) => {
        expect(outputs[0].values[i]).toBeCloseTo(value, 10);
      });
    }
  });

  it('of random trees that ask again on a path add up to the margin', async () => {
    const random = createRandom(3);
    const coordinates = Array.from({ length: 12 }, (_, c) => ({
      ...{ name: `q${c}`, feature: c % 4, comparison: '>=' as const, threshold: random.normal() },
      missing: random.integer(2) === 0 ? ('yes' as const) : ('no' as const),
    }));
    const grow = (depth: number): DecisionTree =>
      depth === 0
        ? { value: random.integer(5) === 0 ? 0 : random.normal() }
        : { coordinate: random.integer(12), no: grow(depth - 1), yes: grow(depth - 1) };
    const model: TreeModel = {
      ...importGolden('numbers-regression'),
      coordinates,
      features: Array.from('abcd', (name) => ({ name, boolean: false })),
      precision: 'f64',
      outputs: [{ name: 'y', coordinates, trees: [grow(6), grow(7)], intercept: 1 }],
    };
    const rows = Array.from({ length: 24 }, () =>
      Array.from({ length: 4 }, () => (random.integer(6) === 0 ? Number.NaN : random.normal())),
    );
    const points = encodeTreeRows(model, rows);
    const background = encodeTreeRows(model, rows.slice(8));
    const { features, outputs } = await attributeTreeRows(model, points, { baseline: 'average', background });
    const expected = await byDefinition(model, 0, rows, rows.slice(8), features);
    expect(outputs[0].values.length).toBe(expected.length);
    expected.forEach((value, i) => {
      expect(outputs[0].values[i]).toBeCloseTo(value, 10);
    });
  });

  it('are refused without a background, for points of another model, and beyond the memory', async () => {
    const model = importGolden('numbers-regression');
    const points = encodeTreeRows(model, readTreeGolden('numbers-regression').rows);
    const refused = (task: Promise<unknown>, code: string): Promise<void> =>
      expect(task).rejects.toMatchObject({ code });
    await refused(attributeTreeRows(model, points, { baseline: 'average' }), 'invalid-argument');
    await refused(attributeTreeRows(model, createCubePoints(3, 2), { baseline: 'all-no' }), 'invalid-argument');
    await refused(attributeTreeRows(model, points, { baseline: 'all-no', memoryLimitBytes: 99 }), 'memory-budget');
  });
});

/** Imported tree ensembles: XGBoost's own margins and classes, the network, the spectrum, and what is refused. */
import {
  createCubePoints,
  createRandom,
  evaluateNetwork,
  evaluatePolynomial,
  FewfireError,
  measureSparsity,
  polynomialDegree,
  predictTrees,
  shapleyValues,
  type TreeEnsemble,
  type TreeModel,
  treeEnsembleSpectrum,
} from '@fewfire/core';
import {
  encodeTreeRows,
  evaluateTreeEnsemble,
  importOnnxTrees,
  importXgboost,
  randomTree,
  termCoordinates,
  treeEnsembleNetwork,
  treeSpectrumSize,
} from '@fewfire/core/internal';
import { describe, expect, it } from 'vitest';
import { importGolden, importOnnxGolden, ONNX_GOLDENS, readTreeGolden, TREE_GOLDENS } from './tree-golden.ts';

describe.each(TREE_GOLDENS)('XGBoost golden %s', (name) => {
  it('has the margins, values and classes of XGBoost', async () => {
    const golden = readTreeGolden(name);
    const model = importGolden(name);
    const predicted = await predictTrees(model, encodeTreeRows(model, golden.rows));
    expectColumns(predicted.margins, golden.margins, name === 'flags-dart' ? 1e-6 : 0);
    // multi:softprob, binary:logistic and count:poisson print what follows from the margins.
    expectColumns(predicted.values, golden.values, 1e-6);
    if (golden.classes === null) expect(predicted.classes).toBeNull();
    else expect(Array.from(predicted.classes as Int32Array)).toEqual(golden.classes);
  });

  it('is the same function in double precision, as a network and as a spectrum', async () => {
    const golden = readTreeGolden(name);
    const model = importGolden(name);
    const rows = encodeTreeRows(model, golden.rows);
    const anywhere = randomPoints(model.coordinates.length, 500, 5);
    expectColumns(
      await Promise.all(model.outputs.map((output) => evaluateTreeEnsemble(output, rows))),
      golden.margins,
      1e-6,
    );
    for (const output of model.outputs) {
      const { network, claims } = treeEnsembleNetwork(output);
      const polynomial = await treeEnsembleSpectrum(output);
      for (const points of [rows, anywhere]) {
        const values = await evaluateTreeEnsemble(output, points);
        expectClose(await evaluateNetwork(network, points), values, 1e-12);
        expectClose(await evaluatePolynomial(polynomial, points), values, 1e-12);
        const { maximum } = await measureSparsity(network, points);
        expect(maximum).toBeLessThanOrEqual(output.trees.length);
        expect(maximum).toBe(claims.k);
      }
      expect(network.provenance.parameters.coordinates).toEqual(model.coordinates.map((c) => c.name));
      const counts = network.provenance.parameters.treeUnitCounts as number[];
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(network.unitCount);
    }
  });
});

describe.each(ONNX_GOLDENS)('ONNX golden %s', (name) => {
  it('has the margins and classes of the XGBoost model it was written from', async () => {
    const golden = readTreeGolden(name);
    const model = importOnnxGolden(name);
    const predicted = await predictTrees(model, encodeTreeRows(model, golden.rows));
    expectColumns(predicted.margins, golden.margins, 1e-6);
    if (golden.classes !== null) expect(Array.from(predicted.classes as Int32Array)).toEqual(golden.classes);
  });
});

describe('coordinates', () => {
  it('of boolean features have their names, whatever the threshold; one per feature', () => {
    const model = importGolden('chess-binary');
    expect(model.coordinates.length).toBeLessThanOrEqual(36);
    expect(new Set(model.coordinates.map((c) => c.feature)).size).toBe(model.coordinates.length);
    for (const { name, feature } of model.coordinates) {
      expect([model.features[feature].name, `${model.features[feature].name} or missing`]).toContain(name);
    }
    // The ONNX file asks with thresholds above and below, < and <=.
    expect(importOnnxGolden('chess-binary').coordinates).toEqual(model.coordinates);
  });

  it('of numbers are single-precision thresholds; both ways of missing values are two coordinates', () => {
    const model = importGolden('numbers-regression');
    for (const coordinate of model.coordinates) {
      if (!('threshold' in coordinate)) throw new Error('a coordinate of numbers was expected');
      expect(Math.fround(coordinate.threshold)).toBe(coordinate.threshold);
    }
    const names = model.coordinates.map((c) => c.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.some((name) => name.endsWith(' or missing'))).toBe(true);
    expect(names).toContain('f3>=2.5');
  });

  it('without missing values are shared, and missing values are refused by name', async () => {
    const follow = importGolden('numbers-regression');
    const refuse = importGolden('numbers-regression', { missing: 'refuse' });
    expect(refuse.coordinates.length).toBeLessThanOrEqual(follow.coordinates.length);
    const { rows, margins } = readTreeGolden('numbers-regression');
    const whole = rows.map((_, i) => i).filter((i) => rows[i].every((value) => !Number.isNaN(value)));
    const points = encodeTreeRows(
      refuse,
      whole.map((i) => rows[i]),
    );
    expect(whole.length).toBeGreaterThan(20);
    expectColumns(
      (await predictTrees(refuse, points)).margins,
      whole.map((i) => margins[i]),
      0,
    );
    expectRefusal(() => encodeTreeRows(refuse, rows), 'missing-values', /no value for "f\d"/);
  });

  it('rows of other lengths, other things than numbers and booleans that are not are refused', () => {
    const model = importGolden('flags-poisson');
    expectRefusal(() => encodeTreeRows(model, [[1, 0]]), 'invalid-data', /row 0 has 2 values, expected 8/);
    expectRefusal(
      () => encodeTreeRows(model, [[2, 0, 0, 0, 0, 0, 0, 0]]),
      'invalid-data',
      /flag0.*is 2; expected 0 or 1/,
    );
    const text = ['x', 0, 0, 0, 0, 0, 0, 0] as unknown as number[];
    expectRefusal(() => encodeTreeRows(model, [text]), 'invalid-data', /is x; expected a number/);
    expectRefusal(() => importGolden('chess-binary', { booleanFeatures: ['q'] }), 'invalid-argument', /"q"/);
  });
});

describe('treeEnsembleSpectrum', () => {
  it('is the brute-force spectrum for few coordinates, with asked-again questions and equal leaves', async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const random = createRandom(seed);
      const n = 1 + random.integer(10);
      const ensemble = randomEnsemble(n, 1 + random.integer(6), seed);
      const polynomial = await treeEnsembleSpectrum(ensemble);
      const brute = await bruteSpectrum(ensemble, n);
      const found = new Float64Array(2 ** n);
      for (let t = 0; t < polynomial.termCount; t++) {
        found[maskOf(termCoordinates(polynomial, t))] += polynomial.coefficients[t];
      }
      expectClose(found, brute, 1e-13);
      const size = treeSpectrumSize(ensemble);
      expect(polynomial.termCount).toBeLessThanOrEqual(size.termBound);
      expect(polynomialDegree(polynomial)).toBeLessThanOrEqual(size.degree);
      expectGraded(polynomial);
      for (const degree of [0, 1, 2, 3]) {
        const low = await treeEnsembleSpectrum(ensemble, { degree });
        const kept = Array.from({ length: polynomial.termCount }, (_, t) => t).filter(
          (t) => termCoordinates(polynomial, t).length <= degree,
        );
        expect(Array.from(low.coefficients)).toEqual(kept.map((t) => polynomial.coefficients[t]));
        expect(low.termCount).toBeLessThanOrEqual(treeSpectrumSize(ensemble, { degree }).termBound);
      }
    }
  });

  it('gives the Shapley values of the game by definition', async () => {
    const model = importGolden('flags-poisson');
    const n = model.coordinates.length;
    expect(n).toBeLessThanOrEqual(12);
    const values = await evaluateTreeEnsemble(model.outputs[0], allPoints(n));
    const shapley = shapleyValues(await treeEnsembleSpectrum(model.outputs[0]));
    const factorial = (k: number): number => (k <= 1 ? 1 : k * factorial(k - 1));
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let mask = 0; mask < 2 ** n; mask++) {
        if ((mask >> i) & 1) continue;
        const size = Array.from({ length: n }, (_, j) => (mask >> j) & 1).reduce((a, b) => a + b, 0);
        const weight = (factorial(size) * factorial(n - 1 - size)) / factorial(n);
        sum += weight * (values[mask | (1 << i)] - values[mask]);
      }
      expect(shapley[i]).toBeCloseTo(sum, 12);
    }
  });

  it('refuses before allocating, and can be aborted', async () => {
    const ensemble = randomEnsemble(30, 4, 3, 12);
    await expectRejection(
      treeEnsembleSpectrum(ensemble, { memoryLimitBytes: 1e5 }),
      'memory-budget',
      /terms of degree 12/,
    );
    let deep: TreeEnsemble['trees'][number] = { value: 1 };
    for (let c = 0; c < 200; c++) deep = { coordinate: c, no: { value: c }, yes: deep };
    const chain: TreeEnsemble = { ...ensemble, coordinates: coordinates(200), trees: [deep] };
    await expectRejection(treeEnsembleSpectrum(chain), 'memory-budget', /steps allowed; lower the degree/);
    expect((await treeEnsembleSpectrum(chain, { degree: 2 })).termCount).toBe(1 + 200 + 199 * 100);
    const aborted = AbortSignal.abort();
    await expect(treeEnsembleSpectrum(ensemble, { signal: aborted })).rejects.toHaveProperty('name', 'AbortError');
    await expectRejection(treeEnsembleSpectrum(ensemble, { degree: -1 }), 'invalid-argument', /degree is -1/);
  });
});

describe('treeEnsembleNetwork', () => {
  it('refuses a constant and what does not fit', () => {
    const ensemble = randomEnsemble(30, 4, 3, 10);
    expectRefusal(() => treeEnsembleNetwork({ ...ensemble, coordinates: [], trees: [] }), 'invalid-data', /constant/);
    expectRefusal(() => treeEnsembleNetwork(ensemble, { memoryLimitBytes: 1e5 }), 'memory-budget', /4,096 units/);
  });
});

describe('importXgboost', () => {
  const text = readTreeGolden('flags-poisson').xgboost;

  it('reads base_score as 1.x, 2.x and 3.x write it, through the inverse link', () => {
    const withScore = (name: string, score: unknown): number[] => {
      const model = edit(readTreeGolden(name).xgboost, (learner) => {
        learner.learner_model_param.base_score = score;
      });
      return importXgboost(model).outputs.map((output) => output.intercept);
    };
    for (const score of ['3E-1', '[3E-1]', '0.3', 0.3]) {
      expect(withScore('chess-binary', score)).toEqual([Math.fround(-0.84729785)]);
      expect(withScore('flags-poisson', score)).toEqual([Math.fround(Math.log(Math.fround(0.3)))]);
      expect(withScore('three-classes', score)).toEqual(new Array(3).fill(Math.fround(0.3)));
    }
    expect(withScore('three-classes', '[1E0,-2E0,5E-1]')).toEqual([1, -2, 0.5]);
    for (const score of ['', 'x', '[]', '[1E0,1E0]', 'NaN', '1E400', null, {}, '1', '0', '-1']) {
      expectRefusal(() => withScore('chess-binary', score), 'model-file', /base_score/);
    }
  });

  // As the sources of those versions have it; 1.7 itself is in the goldens.
  it('reads base_score as the version that wrote the file has it', () => {
    const intercept = (version: unknown, name: string, score: string): number => {
      const root = JSON.parse(readTreeGolden('chess-binary').xgboost);
      root.version = version;
      root.learner.objective.name = name;
      root.learner.learner_model_param.base_score = score;
      return importXgboost(JSON.stringify(root)).outputs[0].intercept;
    };
    // A probability up to 1.3.0, then a margin.
    for (const [version, margin] of [
      [[1, 0, 0], 0],
      [[1, 2, 1], 0],
      [[1, 3, 0], 0],
      [[1, 3, 1], 0.5],
      [[1, 4, 0], 0.5],
      [[1, 7, 4], 0.5],
      [[2, 0, 0], 0.5],
      [[3, 2, 0], 0.5],
      [undefined, 0.5],
    ] as const) {
      expect(intercept(version, 'binary:logitraw', '5E-1'), String(version)).toBe(margin);
      expect(intercept(version, 'binary:logistic', '5E-1'), String(version)).toBe(0);
      expect(intercept(version, 'binary:hinge', '5E-1'), String(version)).toBe(0.5);
    }
    expect(intercept([1, 2, 0], 'binary:logitraw', '3E-1')).toBe(Math.fround(-0.84729785));
    // Rows that all have one class.
    for (const name of ['binary:logistic', 'reg:logistic']) {
      for (const version of [
        [3, 2, 0],
        [3, 4, 1],
        [4, 0, 0],
      ]) {
        expect(intercept(version, name, '[0E0]')).toBeCloseTo(-13.81551, 4);
        expect(intercept(version, name, '[1E-9]')).toBeCloseTo(-13.8155, 3);
        expect(intercept(version, name, '[1E0]')).toBeCloseTo(13.74516, 4);
        expect(intercept(version, name, '[3E-1]')).toBe(Math.fround(-0.84729785));
        for (const score of ['[1.01E0]', '[-1E-3]', '[NaN]']) {
          expectRefusal(() => intercept(version, name, score), 'model-file', /base_score/);
        }
      }
      for (const version of [[3, 1, 3], [1, 7, 4], undefined]) {
        for (const score of ['0', '1E0']) {
          expectRefusal(() => intercept(version, name, score), 'model-file', /base_score/);
        }
      }
    }
    expect(intercept([1, 7, 4], 'binary:logistic', '1E-9')).toBeCloseTo(-20.723, 3);
  });

  it('reads trees scaled in a plain gbtree, as XGBoost 3.4 writes dart', async () => {
    const dart = readTreeGolden('flags-dart');
    const moved = edit(dart.xgboost, (learner) => {
      const { gbtree, weight_drop } = learner.gradient_booster;
      learner.gradient_booster = { name: 'gbtree', model: { ...gbtree.model, weight_drop } };
    });
    const model = importXgboost(moved);
    expectColumns((await predictTrees(model, encodeTreeRows(model, dart.rows))).margins, dart.margins, 1e-6);
  });

  it('takes the first rounds', () => {
    const all = importGolden('three-classes');
    const two = importGolden('three-classes', { roundCount: 2 });
    expect(all.outputs.map((output) => output.trees.length)).toEqual([10, 10, 10]);
    expect(two.outputs.map((output) => output.trees.length)).toEqual([4, 4, 4]);
    expect(all.notes).toEqual([]);
    for (const roundCount of [0, 6, 1.5]) {
      expectRefusal(() => importGolden('three-classes', { roundCount }), 'invalid-argument', /from 1 to 5/);
    }
  });

  it('takes the best rounds after an early stop and says so; a best round at or beyond the end is no stop', () => {
    const stopped = (best: unknown): string =>
      edit(readTreeGolden('three-classes').xgboost, (learner) => {
        learner.attributes.best_iteration = best;
      });
    const model = importXgboost(stopped('2'));
    expect(model.outputs.map((output) => output.trees.length)).toEqual([6, 6, 6]);
    expect(model.notes[0]).toMatch(/first 3 of 5 boosting rounds are taken.* `roundCount: 5` takes all/);
    const asked = importXgboost(stopped('2'), { roundCount: 5 });
    expect(asked.outputs.map((output) => output.trees.length)).toEqual([10, 10, 10]);
    expect(asked.notes).toEqual([]);
    for (const best of ['4', '70']) expect(importXgboost(stopped(best))).toEqual(importGolden('three-classes'));
    for (const best of ['x', '-1', '1.5', null]) {
      expectRefusal(() => importXgboost(stopped(best)), 'model-file', /best_iteration is/);
    }
    // As it is saved after no round at all.
    const untrained = edit(stopped('-1'), (learner) => {
      Object.assign(learner.gradient_booster.model, { trees: [], tree_info: [], iteration_indptr: [0] });
    });
    expect(importXgboost(untrained).outputs.map((output) => output.trees)).toEqual([[], [], []]);
  });

  it('takes names for features that have none, and no others', () => {
    const featureNames = Array.from('abcdef');
    const { features, coordinates } = importGolden('numbers-regression', { featureNames });
    expect(features.map(({ name }) => name)).toEqual(featureNames);
    expect(coordinates[0].name).toMatch(/^a>=/);
    const few = { featureNames: ['a'] };
    expectRefusal(() => importGolden('numbers-regression', few), 'invalid-argument', /1 names .* the model has 6/);
    const other = { featureNames: Array.from('abcdefgh') };
    expectRefusal(() => importGolden('flags-poisson', other), 'invalid-argument', /has its own: "flag0"/);
  });

  it('counts yes only where the single-precision probability is above 1/2', async () => {
    const model = importGolden('chess-binary');
    const classOf = async (margin: number): Promise<number> => {
      const constant: TreeModel = { ...model, outputs: [{ ...model.outputs[0], trees: [], intercept: margin }] };
      return ((await predictTrees(constant, createCubePoints(1, model.coordinates.length))).classes as Int32Array)[0];
    };
    expect(await Promise.all([-1e-7, 0, 1e-8, 6e-8, 1.3e-7, 1].map(classOf))).toEqual([0, 0, 0, 0, 1, 1]);
  });

  it('refuses by name what it cannot represent', () => {
    const refusal = (change: (learner: Learner) => void, pattern: RegExp): void =>
      expectRefusal(() => importXgboost(edit(text, change)), 'unsupported', pattern);
    refusal((l) => (l.gradient_booster.name = 'gbforest'), /"gbforest"/);
    refusal((l) => (firstTree(l).tree_param.size_leaf_vector = '3'), /leaves of 3 values/);
    refusal((l) => (l.gradient_booster.name = 'gblinear'), /gblinear/);
    refusal((l) => (l.objective.name = 'reg:expectileerror'), /reg:expectileerror/);
    refusal((l) => (l.objective.name = '__proto__'), /__proto__/);
  });

  it('refuses damage', () => {
    const damage = (change: (learner: Learner) => void, pattern: RegExp): void =>
      expectRefusal(() => importXgboost(edit(text, change)), 'model-file', pattern);
    damage((l) => (firstTree(l).left_children[0] = 0), /reached twice/);
    damage((l) => (firstTree(l).right_children[1] = 1), /reached twice/);
    damage((l) => (firstTree(l).left_children[0] = 1e9), /child 1000000000/);
    damage((l) => (firstTree(l).left_children[0] = -2), /child -2/);
    damage((l) => (firstTree(l).left_children[0] = 1.5), /child 1.5/);
    damage((l) => (firstTree(l).right_children[0] = -1), /child -1/);
    damage((l) => (firstTree(l).left_children[0] = null), /left_children\[0\] is null/);
    damage((l) => (firstTree(l).split_conditions[0] = null), /split_conditions\[0\] is null/);
    damage((l) => firstTree(l).split_indices.fill(99), /feature 99/);
    damage((l) => firstTree(l).split_conditions.fill(1e300), /has the value Infinity/);
    damage((l) => firstTree(l).split_conditions.pop(), /split_conditions has \d+ entries/);
    damage((l) => (firstTree(l).left_children = []), /entries instead of 0/);
    damage((l) => (l.gradient_booster.model.trees[0] = 7), /a tree is a number/);
    damage((l) => (l.gradient_booster.model.tree_info[0] = 1), /belongs to output 1/);
    damage((l) => l.gradient_booster.model.tree_info.pop(), /tree_info has 7/);
    damage((l) => (l.learner_model_param.num_feature = '1e9'), /num_feature/);
    damage((l) => (l.learner_model_param.num_class = '1000000000'), /num_class/);
    damage((l) => (l.learner_model_param.num_feature = 'x'), /num_feature/);
    damage((l) => l.feature_names.pop(), /7 feature names for 8 features/);
    damage((l) => (l.feature_names[1] = l.feature_names[0]), /share the names "flag0"/);
    damage((l) => (l.gradient_booster = []), /gradient_booster is a list/);
    damage((l) => (firstTree(l).split_type[0] = 1), /tree 0: node 0 splits by categories and lists none|damaged/);
    damage((l) => (firstTree(l).split_conditions[0] = 'NaN'), /node 0 has the threshold NaN/);
    expectRefusal(() => importXgboost('{"learner": '), 'model-file', /not JSON/);
    expectRefusal(() => importXgboost('[]'), 'model-file', /no "learner"/);
    expectRefusal(() => importXgboost('null'), 'model-file', /no "learner"/);
    expectRefusal(() => importXgboost('{"learner": null}'), 'model-file', /learner is null/);
  });

  it('refuses a chain of a hundred thousand splits', () => {
    const count = 200_001;
    const chain = edit(text, (learner) => {
      const tree = firstTree(learner);
      const isSplit = (i: number): boolean => i % 2 === 0 && i < count - 1;
      tree.left_children = Array.from({ length: count }, (_, i) => (isSplit(i) ? i + 1 : -1));
      tree.right_children = Array.from({ length: count }, (_, i) => (isSplit(i) ? i + 2 : -1));
      for (const key of ['split_indices', 'split_conditions', 'default_left', 'split_type']) {
        tree[key] = new Array(count).fill(0);
      }
    });
    expectRefusal(() => importXgboost(chain), 'unsupported', /deeper than 1024/);
  });

  it('never throws anything else, whatever is replaced or cut off', () => {
    const random = createRandom(1);
    const junk = [null, -1, 1e9, Number.POSITIVE_INFINITY, 'x', '', [], {}, true, '[', [[]], { length: 9 }];
    for (let round = 0; round < 2000; round++) {
      const data = JSON.parse(text);
      let at = data;
      // A random path, and junk at its end.
      for (let depth = 0; depth < 12; depth++) {
        const keys = Object.keys(at);
        const key = keys[random.integer(Math.max(1, keys.length))];
        if (key === undefined) break;
        if (typeof at[key] !== 'object' || at[key] === null || random.integer(8) === 0) {
          if (random.integer(5) === 0) delete at[key];
          else at[key] = junk[random.integer(junk.length)];
          break;
        }
        at = at[key];
      }
      expectOnlyRefusals(() => importXgboost(JSON.stringify(data)));
    }
    for (let round = 0; round < 200; round++) {
      expectOnlyRefusals(() => importXgboost(text.slice(0, random.integer(text.length))));
    }
  });
});

describe('importOnnxTrees', () => {
  const bytes = readTreeGolden('flags-poisson').onnx as Uint8Array;

  it('keeps the class labels and names the outputs after them', () => {
    const model = importOnnxGolden('three-classes');
    expect(model.classes?.labels).toEqual(['low', 'mid', 'high']);
    expect(model.outputs.map((output) => output.name)).toEqual(['low', 'mid', 'high']);
    const binary = importOnnxGolden('chess-binary');
    expect(binary.classes).toEqual({ labels: ['0', '1'], rule: { kind: 'above', margin: 0 } });
    expect(binary.outputs.length).toBe(1);
  });

  it('refuses other modes, aggregations and transformations by name', () => {
    const renamed = (from: string, to: string): Uint8Array => replaceText(bytes, from, to);
    expectRefusal(() => importOnnxTrees(renamed('BRANCH_LT', 'BRANCH_EQ')), 'unsupported', /BRANCH_EQ/);
    expectRefusal(() => importOnnxTrees(renamed('NONE', 'NINE')), 'unsupported', /post_transform NINE/);
    const operator = 'TreeEnsembleRegressor';
    expectRefusal(() => importOnnxTrees(renamed(operator, 'TreeEnsembleRagressor')), 'unsupported', /Ragressor/);
    expectRefusal(() => importOnnxTrees(renamed('base_values', 'base_vilues')).outputs[0].trees.length, null, /./);
    expectRefusal(() => importOnnxTrees(renamed('nodes_modes', 'nodes_mides')), 'model-file', /for 0 nodes/);
    expectRefusal(() => importOnnxTrees(new Uint8Array(0)), 'model-file', /no ONNX graph/);
    expectRefusal(() => importOnnxTrees(bytes, { featureNames: ['a'] }), 'invalid-argument', /featureNames has 1/);
  });

  it('gives only refusals for a file cut off anywhere', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => importOnnxTrees(bytes.subarray(0, length))).toThrow(FewfireError);
    }
  });

  it('gives only refusals for changed and for random bytes', () => {
    const random = createRandom(2);
    for (let round = 0; round < 3000; round++) {
      const copy = bytes.slice();
      const changes = 1 + random.integer(4);
      for (let c = 0; c < changes; c++) copy[random.integer(copy.length)] = random.integer(256);
      expectOnlyRefusals(() => importOnnxTrees(copy));
    }
    for (let round = 0; round < 3000; round++) {
      const noise = Uint8Array.from({ length: random.integer(300) }, () => random.integer(256));
      expectOnlyRefusals(() => importOnnxTrees(noise));
    }
  });
});

// biome-ignore lint/suspicious/noExplicitAny: tests damage the model in ways its type would not allow.
type Learner = any;

function edit(text: string, change: (learner: Learner) => void): string {
  const data = JSON.parse(text);
  change(data.learner);
  return JSON.stringify(data);
}

function firstTree(learner: Learner): Learner {
  return learner.gradient_booster.model.trees[0];
}

function replaceText(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1');
  if (!text.includes(from)) throw new Error(`${from} is not in the file`);
  return new Uint8Array(Buffer.from(text.replaceAll(from, to), 'latin1'));
}

/** With `code` null: must not throw. */
function expectRefusal(call: () => unknown, code: string | null, pattern: RegExp): void {
  let thrown: unknown = null;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  if (code === null) {
    expect(thrown).toBeNull();
    return;
  }
  expect(thrown).toBeInstanceOf(FewfireError);
  expect((thrown as FewfireError).message).toMatch(pattern);
  expect((thrown as FewfireError).code).toBe(code);
}

async function expectRejection(promise: Promise<unknown>, code: string, pattern: RegExp): Promise<void> {
  const thrown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  expectRefusal(
    () => {
      throw thrown;
    },
    code,
    pattern,
  );
}

function expectOnlyRefusals(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof FewfireError)) throw error;
  }
}

function expectClose(found: Float64Array, expected: Float64Array, tolerance: number): void {
  expect(found.length).toBe(expected.length);
  let worst = 0;
  expected.forEach((value, i) => {
    worst = Math.max(worst, Math.abs(found[i] - value) / Math.max(1, Math.abs(value)));
  });
  expect(worst).toBeLessThanOrEqual(tolerance);
}

/** Columns of outputs against rows of a golden. */
function expectColumns(
  columns: readonly Float64Array[],
  rows: readonly (number | readonly number[])[],
  tolerance: number,
): void {
  columns.forEach((column, o) => {
    expectClose(
      column,
      Float64Array.from(rows, (row) => (typeof row === 'number' ? row : row[o])),
      tolerance,
    );
  });
}

function coordinates(count: number): TreeEnsemble['coordinates'] {
  return Array.from({ length: count }, (_, c) => ({
    name: `x${c}`,
    feature: c,
    comparison: '>=' as const,
    threshold: 1,
    missing: 'refuse' as const,
  }));
}

// Without `depth`, trees that may ask a question again on a path, with leaves from a few values.
function randomEnsemble(n: number, treeCount: number, seed: number, depth?: number): TreeEnsemble {
  const random = createRandom(seed);
  const grow = (left: number): TreeEnsemble['trees'][number] =>
    left === 0 || random.integer(5) === 0
      ? { value: random.integer(4) - 1 }
      : { coordinate: random.integer(n), no: grow(left - 1), yes: grow(left - 1) };
  const trees = Array.from({ length: treeCount }, () =>
    depth === undefined ? grow(6) : randomTree({ inputCount: n, depth, random }),
  );
  return { name: 'random', coordinates: coordinates(n), trees, intercept: 0.25 };
}

function allPoints(n: number): ReturnType<typeof createCubePoints> {
  const points = createCubePoints(2 ** n, n);
  for (let p = 0; p * 8 < n; p++) for (let i = 0; i < 2 ** n; i++) points.planes[p * 2 ** n + i] = (i >> (8 * p)) & 255;
  return points;
}

function randomPoints(n: number, rowCount: number, seed: number): ReturnType<typeof createCubePoints> {
  const random = createRandom(seed);
  const points = createCubePoints(rowCount, n);
  for (let c = 0; c < n; c++) {
    for (let i = 0; i < rowCount; i++) points.planes[(c >> 3) * rowCount + i] |= random.integer(2) << (c & 7);
  }
  return points;
}

// By definition: f^(S) = mean of f(x) chi_S(x).
async function bruteSpectrum(ensemble: TreeEnsemble, n: number): Promise<Float64Array> {
  const values = await evaluateTreeEnsemble(ensemble, allPoints(n));
  return Float64Array.from({ length: 2 ** n }, (_, subset) => {
    let sum = 0;
    for (let x = 0; x < 2 ** n; x++) {
      let parity = 1;
      for (let i = 0; i < n; i++) if ((x >> i) & (subset >> i) & 1) parity = -parity;
      sum += parity * values[x];
    }
    return sum / 2 ** n;
  });
}

function maskOf(subset: Uint16Array): number {
  return subset.reduce((mask, c) => mask | (1 << c), 0);
}

function expectGraded(polynomial: Parameters<typeof termCoordinates>[0]): void {
  for (let t = 1; t < polynomial.termCount; t++) {
    const a = Array.from(termCoordinates(polynomial, t - 1));
    const b = Array.from(termCoordinates(polynomial, t));
    const ordered =
      a.length !== b.length ? a.length < b.length : maskOf(Uint16Array.from(a)) < maskOf(Uint16Array.from(b));
    expect(ordered).toBe(true);
  }
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CubePoints,
  createRandom,
  type DecisionTree,
  decisionTreeNetwork,
  denseNetwork,
  denseParityNetwork,
  ensembleNetwork,
  evaluateNetwork,
  extremalNetwork,
  type FamilyMember,
  gatedIndexingNetwork,
  halfspaceNetwork,
  indexingNetwork,
  juntaNetwork,
  measureFiringRates,
  parityNetwork,
  randomEnsembleNetwork,
  squaredScales,
} from '../src/index.ts';
import { averageSensitivityFromValues, evaluateTree, treeLeaves } from '../src/internal.ts';
import { sign, wholeCube } from './helpers.ts';
import { measureMember, parityAt } from './network-helpers.ts';

const forms = ['tight', 'paper'] as const;

/** Values by the family's own definition, k reached (or only kept, where noted), W and B as claimed, over the whole cube. */
async function expectMember(
  member: FamilyMember,
  f: (points: CubePoints, row: number) => number,
  { reachesK = true, exact = false } = {},
): Promise<void> {
  const points = wholeCube(member.network.inputCount);
  const measured = measureMember(member, points);
  const fast = await evaluateNetwork(member.network, points);
  for (let row = 0; row < points.rowCount; row++) {
    const expected = f(points, row);
    const tolerance = exact ? 0 : 1e-12 * Math.max(1, Math.abs(expected));
    expect(Math.abs(measured.values[row] - expected)).toBeLessThanOrEqual(tolerance);
    expect(Math.abs(fast[row] - expected)).toBeLessThanOrEqual(tolerance);
  }
  expect(measured.W).toBeCloseTo(member.claims.W, 12);
  expect(measured.B).toBeCloseTo(member.claims.B, 12);
  if (member.claims.k === null) return;
  if (reachesK) expect(measured.k).toBe(member.claims.k);
  else expect(measured.k).toBeLessThanOrEqual(member.claims.k);
}

const coordinatesOf = (n: number, p: number, seed: number): number[] =>
  Array.from(createRandom(seed).permutation(n).subarray(0, p));

const shape = fc
  .integer({ min: 1, max: 9 })
  .chain((n) => fc.record({ n: fc.constant(n), p: fc.integer({ min: 0, max: n }), seed: fc.nat(10_000) }));

describe('juntas', () => {
  it.each(forms)('%s: any truth table, zeros dropped', async (form) => {
    await fc.assert(
      fc.asyncProperty(shape, async ({ n, p, seed }) => {
        const coordinates = coordinatesOf(n, p, seed);
        const random = createRandom(seed + 1);
        const truthTable = Array.from({ length: 2 ** p }, () => (random.integer(3) === 0 ? 0 : random.normal()));
        const member = juntaNetwork({ inputCount: n, coordinates, truthTable, form });
        expect(member.network.unitCount).toBe(truthTable.filter((value) => value !== 0).length);
        await expectMember(member, (points, row) => {
          const index = coordinates.reduce((sum, c, i) => sum + (sign(points, row, c) === -1 ? 2 ** i : 0), 0);
          return truthTable[index];
        });
        // The table's own formulas.
        const most = truthTable.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
        const { W, B } = member.claims;
        expect(W).toBeCloseTo(form === 'tight' ? (most * Math.sqrt(p)) / 2 : most * Math.sqrt(p), 12);
        expect(B).toBeCloseTo(form === 'tight' ? (most * Math.abs(p - 2)) / 2 : most * Math.abs(p - 1), 12);
      }),
      { numRuns: 30 },
    );
  });

  it.each(forms)('%s: parities, exactly', async (form) => {
    for (let p = 0; p <= 7; p++) {
      const coordinates = coordinatesOf(8, p, p + 1);
      const member = parityNetwork({ inputCount: 8, coordinates, form });
      expect(member.network.unitCount).toBe(2 ** p);
      await expectMember(member, (points, row) => parityAt(points, row, coordinates), { exact: true });
    }
  });

  it('extremal: the new Lemma 3.2 holds with equality, AS = 4 k^2 W^2 = 2 min(2k, s) Q = k^2 p', async () => {
    for (const [p, copies] of [
      [1, 1],
      [3, 1],
      [3, 4],
      [6, 3],
    ]) {
      const coordinates = coordinatesOf(8, p, p);
      const member = extremalNetwork({ inputCount: 8, coordinates, copies });
      await expectMember(member, (points, row) => copies * parityAt(points, row, coordinates), { exact: true });
      const values = await evaluateNetwork(member.network, wholeCube(8));
      const sensitivity = averageSensitivityFromValues(values);
      const { k, W } = member.claims;
      expect(sensitivity).toBeCloseTo(copies ** 2 * p, 10);
      expect(4 * k! ** 2 * W ** 2).toBeCloseTo(sensitivity, 10);
      const { rates } = await measureFiringRates(member.network);
      const Q = squaredScales(member.network).reduce((sum, square, j) => sum + square * rates[j], 0);
      expect(2 * Math.min(2 * copies, member.network.unitCount) * Q).toBeCloseTo(sensitivity, 10);
    }
    const paper = extremalNetwork({ inputCount: 5, coordinates: [4, 0, 2], copies: 2, form: 'paper' });
    await expectMember(paper, (points, row) => 2 * parityAt(points, row, [0, 2, 4]), { exact: true });
  });

  it('refuses what is no junta', () => {
    expect(() => juntaNetwork({ inputCount: 3, coordinates: [0, 0], truthTable: [1, 2, 3, 4] })).toThrow('different');
    expect(() => juntaNetwork({ inputCount: 3, coordinates: [3], truthTable: [1, 2] })).toThrow('from 0 to 2');
    expect(() => juntaNetwork({ inputCount: 3, coordinates: [1], truthTable: [1] })).toThrow('expected 2');
    expect(() => juntaNetwork({ inputCount: 3, coordinates: [1], truthTable: [1, Number.NaN] })).toThrow('finite');
    expect(() => parityNetwork({ inputCount: 60_000, coordinates: [...Array(20).keys()] })).toThrow('MB of weights');
    expect(() => parityNetwork({ inputCount: 1, coordinates: [], form: 'loose' as never })).toThrow(
      '`form` is "loose"; expected one of paper, tight',
    );
  });
});

describe('trees', () => {
  // Questions may repeat on a path, values may be 0.
  const tree = (n: number): fc.Arbitrary<DecisionTree> =>
    fc.letrec<{ tree: DecisionTree }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5, withCrossShrink: true },
        fc.record({ value: fc.integer({ min: -8, max: 8 }).map((v) => v / 4) }),
        fc.record({ coordinate: fc.nat(n - 1), no: tie('tree'), yes: tie('tree') }),
      ),
    })).tree;

  it.each(forms)('%s: a tree with repeated questions and zero leaves', async (form) => {
    await fc.assert(
      fc.asyncProperty(tree(6), async (grown) => {
        const member = decisionTreeNetwork({ inputCount: 6, tree: grown, form });
        await expectMember(member, (points, row) => evaluateTree(grown, (i) => sign(points, row, i) === -1), {
          exact: true,
        });
        const leaves = treeLeaves(grown, 6);
        expect(leaves.reduce((sum, leaf) => sum + 2 ** -leaf.literals.length, 0)).toBe(1);
        const depth = leaves.reduce((most, leaf) => Math.max(most, leaf.literals.length), 0);
        const most = leaves.reduce((max, leaf) => Math.max(max, Math.abs(leaf.value)), 0);
        const factor = form === 'tight' ? 2 : 1;
        expect(member.claims.W).toBeLessThanOrEqual((most * Math.sqrt(depth)) / factor + 1e-12);
        // AS <= sum over leaves of 2^-length length value^2.
        const values = await evaluateNetwork(member.network, wholeCube(6));
        const bound = leaves.reduce(
          (sum, { literals: { length }, value }) => sum + 2 ** -length * length * value ** 2,
          0,
        );
        expect(averageSensitivityFromValues(values)).toBeLessThanOrEqual(bound + 1e-12);
      }),
      { numRuns: 60 },
    );
  });

  it.each(forms)('%s: ensembles, the intercept folded into the first tree', async (form) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(tree(5), { maxLength: 4 }),
        fc.integer({ min: -3, max: 3 }),
        async (trees, intercept) => {
          const member = ensembleNetwork({ inputCount: 5, trees, intercept, form });
          const sum = (points: CubePoints, row: number): number =>
            trees.reduce((total, one) => total + evaluateTree(one, (i) => sign(points, row, i) === -1), intercept);
          await expectMember(member, sum, { reachesK: false, exact: true });
          expect(member.claims.k).toBeLessThanOrEqual(Math.max(1, trees.length));
          const groups = member.network.provenance.parameters.treeUnitCounts as number[];
          expect(groups.reduce((total, count) => total + count, 0)).toBe(member.network.unitCount);
        },
      ),
      { numRuns: 40 },
    );
  });

  it.each(forms)('%s: random ensembles reach k = T', async (form) => {
    for (const [treeCount, depth] of [
      [1, 0],
      [1, 4],
      [5, 3],
    ]) {
      const member = randomEnsembleNetwork({ inputCount: 8, treeCount, depth, seed: 7, intercept: 0.5, form });
      expect(member.network.unitCount).toBe(treeCount * 2 ** depth);
      expect(member.claims.k).toBe(treeCount);
      await expectMember(member, (points, row) =>
        member.trees.reduce((total, one) => total + evaluateTree(one, (i) => sign(points, row, i) === -1), 0.5),
      );
    }
    const again = randomEnsembleNetwork({ inputCount: 8, treeCount: 2, depth: 3, seed: 5 });
    expect(randomEnsembleNetwork({ inputCount: 8, treeCount: 2, depth: 3, seed: 5 })).toEqual(again);
    expect(randomEnsembleNetwork({ inputCount: 8, treeCount: 2, depth: 3, seed: 6 })).not.toEqual(again);
  });

  it('a chain deeper than calls can nest, and bad trees', () => {
    let chain: DecisionTree = { value: 1 };
    for (let i = 0; i < 100_000; i++) chain = { coordinate: i % 3, no: chain, yes: { value: 2 } };
    expect(treeLeaves(chain, 3).length).toBe(4);
    const leaf = { value: 0 };
    expect(() => decisionTreeNetwork({ inputCount: 2, tree: { coordinate: 2, no: leaf, yes: leaf } })).toThrow(
      '0 to 1',
    );
    expect(() => decisionTreeNetwork({ inputCount: 2, tree: { value: Number.NaN } })).toThrow('finite');
  });
});

describe('indexing', () => {
  const dataAt = (points: CubePoints, row: number, a: number): number => {
    let address = 0;
    for (let i = 0; i < a; i++) if (sign(points, row, i) === -1) address += 2 ** i;
    return sign(points, row, a + address);
  };

  it.each(forms)('%s: 0/1-valued and signs', async (form) => {
    for (const [a, extra] of [
      [0, 0],
      [0, 2],
      [1, 0],
      [2, 1],
      [3, 0],
    ]) {
      const inputCount = a + 2 ** a + extra;
      const zeroOne = indexingNetwork({ addressBits: a, inputCount, form });
      expect(zeroOne.network.unitCount).toBe(2 ** a);
      await expectMember(zeroOne, (points, row) => (dataAt(points, row, a) === 1 ? 1 : 0), { exact: true });
      const signs = indexingNetwork({ addressBits: a, inputCount, form, values: 'sign' });
      expect(signs.network.unitCount).toBe(2 ** (a + 1));
      await expectMember(signs, (points, row) => dataAt(points, row, a), { exact: true });
    }
  });

  it('gated: one halfspace per address, 1-sparse at the least alpha and not below it', async () => {
    for (const [a, dataCount, seed] of [
      [0, 5, 1],
      [1, 6, 2],
      [2, 7, 3],
      [3, 8, 4],
    ]) {
      const member = gatedIndexingNetwork({ addressBits: a, dataCount, seed });
      const { network, alpha } = member;
      const n = a + dataCount;
      await expectMember(member, (points, row) => {
        let address = 0;
        for (let i = 0; i < a; i++) if (sign(points, row, i) === -1) address += 2 ** i;
        let z = -(network.biases[address] - alpha * a);
        for (let i = a; i < n; i++) z += network.weights[address * n + i] * sign(points, row, i);
        return network.outputWeights[address] * Math.max(0, z);
      });
      if (a === 0) continue;
      const weaker = gatedIndexingNetwork({ addressBits: a, dataCount, seed, alpha: alpha * 0.5 });
      expect(weaker.claims.k).toBe(null);
      expect(measureMember(weaker, wholeCube(n)).k).toBeGreaterThan(1);
    }
    const weights = Array.from({ length: 4 * 3 }, (_, i) => Math.sin(i));
    const units = { weights, biases: [0.1, 0.2, -0.3, 0], outputWeights: [1, 2, -1, 0.5] };
    const given = gatedIndexingNetwork({ addressBits: 2, dataCount: 3, units });
    const measured = measureMember(given, wholeCube(5));
    expect(measured.k).toBe(1);
    const squares = [0, 1, 2, 3].map((j) => weights.slice(3 * j, 3 * j + 3).reduce((sum, w) => sum + w * w, 0));
    const W = Math.max(
      ...squares.map((q, j) => Math.abs(units.outputWeights[j]) * Math.sqrt(q + given.alpha ** 2 * 2)),
    );
    expect(given.claims.W).toBeCloseTo(W, 12);
  });
});

describe('dense controls', () => {
  it('dense parity: n + 1 overlapping units', async () => {
    for (let n = 1; n <= 9; n++) {
      const member = denseParityNetwork({ inputCount: n });
      expect(member.network.unitCount).toBe(n + 1);
      const all = Array.from({ length: n }, (_, i) => i);
      await expectMember(member, (points, row) => parityAt(points, row, all), { exact: true });
    }
  });

  it('random units: unit vectors, the firing rate nearly met, no bias for the dense ones', async () => {
    const halfspaces = halfspaceNetwork({ inputCount: 20, unitCount: 60, firingRate: 0.1, seed: 3 });
    expect(halfspaces.claims).toEqual({ k: null, W: expect.closeTo(1, 12), B: expect.closeTo(1.2815515655446004, 10) });
    const { rates } = await measureFiringRates(halfspaces.network);
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / 60;
    expect(mean).toBeGreaterThan(0.09);
    expect(mean).toBeLessThan(0.11);
    const dense = denseNetwork({ inputCount: 8, unitCount: 12, seed: 3 });
    expect(dense.claims).toEqual({ k: 12, W: expect.closeTo(1, 12), B: 0 });
    expect(measureMember(dense, wholeCube(8)).k).toBeLessThanOrEqual(12);
    for (const rate of (await measureFiringRates(dense.network)).rates) expect(rate).toBeCloseTo(0.5, 12);
    expect(denseNetwork({ inputCount: 8, unitCount: 12, seed: 3 })).toEqual(dense);
    expect(() => halfspaceNetwork({ inputCount: 8, unitCount: 1, firingRate: 0 })).toThrow('firingRate');
  });
});

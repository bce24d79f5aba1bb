import {
  certifySparsity,
  createNetwork,
  createRandom,
  halfspaceNetwork,
  liftedParityNetwork,
  type MilpProblem,
  type SparseNetwork,
} from '@fewfire/core';
import { describe, expect, it } from 'vitest';
import { createHighsSolver } from '../src/index.ts';

const solver = createHighsSolver();

/** maximise x + 2y with x + y <= 1.5, both 0 or 1. */
const tiny: MilpProblem = {
  columnCount: 2,
  objective: Float64Array.of(1, 2),
  columnLower: new Float64Array(2),
  columnUpper: Float64Array.of(1, 1),
  integer: Uint8Array.of(1, 1),
  rowCount: 1,
  rowStarts: Int32Array.of(0, 2),
  columns: Int32Array.of(0, 1),
  values: Float64Array.of(1, 1),
  rowLower: Float64Array.of(Number.NEGATIVE_INFINITY),
  rowUpper: Float64Array.of(1.5),
};

function randomNetwork(inputCount: number, unitCount: number, seed: number, whole: boolean): SparseNetwork {
  const random = createRandom(seed);
  const number = (): number => (whole ? random.integer(7) - 3 : random.normal());
  return createNetwork({
    inputCount,
    weights: Array.from({ length: inputCount * unitCount }, number),
    biases: Array.from({ length: unitCount }, () => number() + (whole ? 2 : 1)),
    outputWeights: new Float64Array(unitCount).fill(1),
  });
}

describe('createHighsSolver', () => {
  it('solves a programme and gives its bound', async () => {
    const result = await solver.solve(tiny, { timeLimitMs: 10_000 });
    expect(result.status).toBe('optimal');
    expect(Array.from(result.bestPoint ?? [], Math.round)).toEqual([0, 1]);
    expect(result.provenUpperBound).toBeCloseTo(2, 6);
  });

  it('tells infeasible programmes', async () => {
    const rowLower = Float64Array.of(5);
    const rowUpper = Float64Array.of(6);
    const result = await solver.solve({ ...tiny, rowLower, rowUpper }, { timeLimitMs: 10_000 });
    expect(result.status).toBe('infeasible');
  });

  it.each<[string, Partial<MilpProblem>]>([
    ['no columns', { columnCount: 0 }],
    ['NaN', { values: Float64Array.of(1, Number.NaN) }],
    ['NaN limits', { rowUpper: Float64Array.of(Number.NaN) }],
    ['an entry outside', { columns: Int32Array.of(0, 2) }],
    ['short arrays', { objective: Float64Array.of(1) }],
    ['rows that do not fit', { rowStarts: Int32Array.of(0, 1) }],
    ['a column twice in a row', { columns: Int32Array.of(1, 1) }],
  ])('refuses %s', async (_, wrong) => {
    await expect(solver.solve({ ...tiny, ...wrong }, { timeLimitMs: 10_000 })).rejects.toMatchObject({
      name: 'FewfireError',
      code: 'invalid-data',
    });
  });
});

describe("certifySparsity by 'milp'", () => {
  it('its interval contains the exact k of random networks', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const network = randomNetwork(8, 14, seed, seed % 2 === 0);
      const truth = await certifySparsity(network, { method: 'sweep' });
      const certificate = await certifySparsity(network, { method: 'milp', solver });
      expect(certificate.upperBound).toBe('solver bound');
      expect(certificate.exact).toBe(false);
      expect(certificate.kLower).toBeLessThanOrEqual(truth.kUpper);
      expect(certificate.kUpper).toBeGreaterThanOrEqual(truth.kUpper);
      // Small programmes are solved: both ends are the answer.
      expect([certificate.kLower, certificate.kUpper]).toEqual([truth.kUpper, truth.kUpper]);
    }
  });

  it('knows the lift: parity is 1-sparse on it, not on the cube of its coordinates', async () => {
    const { network } = liftedParityNetwork({ bitCount: 5, subset: [0, 1, 2, 4] });
    const onLift = await certifySparsity(network, { method: 'milp', solver });
    expect([onLift.kLower, onLift.kUpper]).toEqual([1, 1]);
    const onCube = await certifySparsity(network, { domain: { kind: 'cube' }, method: 'milp', solver });
    const truth = await certifySparsity(network, { domain: { kind: 'cube' }, method: 'sweep' });
    expect(truth.kUpper).toBeGreaterThan(1);
    expect([onCube.kLower, onCube.kUpper]).toEqual([truth.kUpper, truth.kUpper]);
  });

  it('a time limit leaves an interval, and an abort ends it', async () => {
    const network = randomNetwork(60, 80, 5, false);
    const certificate = await certifySparsity(network, { method: 'milp', solver, timeLimitMs: 500 });
    expect(certificate.evidence).toMatchObject({ method: 'milp', status: 'limit' });
    expect(certificate.kLower).toBeLessThan(certificate.kUpper);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 500);
    await expect(certifySparsity(network, { method: 'milp', solver, signal: controller.signal })).rejects.toMatchObject(
      { name: 'AbortError' },
    );
  });

  it('auto goes on to the solver where the cube is too large to sweep', async () => {
    // Units that need five of their six signs right.
    const random = createRandom(4);
    const inputCount = 45;
    const weights = new Float64Array(20 * inputCount);
    for (let j = 0; j < 20; j++) {
      for (const i of random.permutation(inputCount).subarray(0, 6)) {
        weights[j * inputCount + i] = random.uniform() < 0.5 ? 1 : -1;
      }
    }
    const biases = new Float64Array(20).fill(3);
    const network = createNetwork({ inputCount, weights, biases, outputWeights: biases });
    const alone = await certifySparsity(network, { method: 'conflicts' });
    const certificate = await certifySparsity(network, { solver });
    expect(alone.kLower).toBeLessThan(alone.kUpper);
    expect(certificate.evidence.method).toBe('milp');
    expect(certificate.kUpper).toBeLessThan(alone.kUpper);
    expect(certificate.kLower).toBe(certificate.kUpper);
    expect(certificate.notes.join()).toContain('not swept');
  });
});

it('a time limit beyond what timers can wait is no time limit of a millisecond', async () => {
  const { network } = halfspaceNetwork({ inputCount: 8, unitCount: 10, firingRate: 0.3 });
  for (const timeLimitMs of [3e9, Number.POSITIVE_INFINITY]) {
    const certificate = await certifySparsity(network, { method: 'milp', solver: createHighsSolver(), timeLimitMs });
    expect(certificate.evidence).toMatchObject({ method: 'milp', status: 'optimal' });
  }
});

/** Incremental networks against evaluating from scratch, and both against whole numbers of any size; in Node and Chromium. */
import { referenceExactNetwork } from '@fewfire/kernels';
import { describe, expect, it } from 'vitest';
import {
  type CubePoints,
  createCubePoints,
  createIncrementalNetwork,
  createNetwork,
  createRandom,
  decisionTreeNetwork,
  denseNetwork,
  denseParityNetwork,
  evaluateNetwork,
  extremalNetwork,
  gatedIndexingNetwork,
  halfspaceNetwork,
  type IncrementalNetwork,
  indexingNetwork,
  juntaNetwork,
  learningWithRoundingNetwork,
  liftedParityNetwork,
  parityNetwork,
  randomEnsembleNetwork,
  type SparseNetwork,
} from '../src/index.ts';
import { activeSet, bitAt } from '../src/internal.ts';
import { randomPoints } from './helpers.ts';

// A double as a whole multiple of 2^-1074.
function overTiny(value: number): bigint {
  let power = 1074;
  let scaled = value;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    power--;
  }
  return BigInt(scaled) << BigInt(power);
}

// Rounds sum 2^-1074 > 0 to nearest, ties to even, and writes the bits of the double.
function roundOnce(sum: bigint): number {
  const cut = Math.max(0, sum.toString(2).length - 53);
  let head = sum >> BigInt(cut);
  const rest = sum - (head << BigInt(cut));
  const half = cut === 0 ? 1n : 1n << BigInt(cut - 1);
  if (rest > half || (rest === half && head % 2n === 1n)) head++;
  // Exponent field and fraction: a carry out of the fraction moves into the exponent by itself.
  const bits = (BigInt(cut) << 52n) + head;
  if (bits >= 0x7ffn << 52n) return Infinity;
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

function byDefinition(network: SparseNetwork, points: CubePoints, row: number): { value: number; active: number[] } {
  const { inputCount, unitCount, weights, biases, outputWeights } = network;
  const active: number[] = [];
  let value = 0;
  for (let j = 0; j < unitCount; j++) {
    let sum = -overTiny(biases[j]);
    for (let i = 0; i < inputCount; i++) {
      const weight = overTiny(weights[j * inputCount + i]);
      sum += bitAt(points, row, i) === 1 ? -weight : weight;
    }
    if (sum <= 0n) continue;
    active.push(j);
    value += outputWeights[j] * roundOnce(sum);
  }
  return { value, active };
}

// A walk of flips: at every step the value by flips and the value from scratch, every so often also by definition.
async function walk(
  network: SparseNetwork,
  flipCount: number,
  variants: readonly ('simd' | 'scalar')[],
  { spoil = (list: number[]): number[] => list, checks = 20, seed = 1 } = {},
): Promise<number> {
  const { inputCount: n } = network;
  const random = createRandom(seed);
  const moving = await Promise.all(variants.map((variant) => createIncrementalNetwork(network, { variant })));
  const fresh = await createIncrementalNetwork(network, { variant: variants[0] });
  const here = createCubePoints(1, n);
  let mismatches = 0;
  const steps = Math.ceil(flipCount / 4);
  for (let step = 0, done = 0; done < flipCount; step++) {
    const list = Array.from({ length: 1 + random.integer(7) }, () => random.integer(n));
    done += list.length;
    for (const i of list) here.planes[i >> 3] ^= 1 << (i & 7);
    const given = spoil(list);
    for (const state of moving) state.flip(given);
    fresh.set(here);
    const expected = fresh.value();
    for (const state of moving) if (!Object.is(state.value(), expected)) mismatches++;
    if (step % Math.ceil(steps / checks) !== 0) continue;
    const { value, active } = byDefinition(network, here, 0);
    const reference = referenceExactNetwork(network, here, 0);
    if (!Object.is(reference.value, value) || reference.activeUnits.join() !== active.join()) mismatches++;
    for (const state of [...moving, fresh]) {
      if (!Object.is(state.value(), value) || state.activeUnits().join() !== active.join()) mismatches++;
    }
  }
  return mismatches;
}

function custom(n: number, s: number, number: (index: number) => number, bias = number): SparseNetwork {
  return createNetwork({
    inputCount: n,
    weights: Array.from({ length: n * s }, (_, i) => number(i)),
    biases: Array.from({ length: s }, (_, j) => bias(j)),
    outputWeights: Array.from({ length: s }, (_, j) => ((j * 37) % 11) - 5 + 0.1),
  });
}

const random = createRandom(5);
const power = (from: number, to: number): number => 2 ** (from + random.integer(to - from + 1));
const signed = (value: number): number => (random.bits() & 1 ? value : -value);

const FAMILIES: Record<string, () => SparseNetwork> = {
  parity: () => parityNetwork({ inputCount: 20, coordinates: [0, 2, 3, 7, 19] }).network,
  junta: () =>
    juntaNetwork({
      inputCount: 9,
      coordinates: [1, 2, 5, 8],
      truthTable: Array.from({ length: 16 }, (_, i) => Math.sin(i + 1)),
    }).network,
  'extremal, paper': () => extremalNetwork({ inputCount: 8, coordinates: [0, 3, 5], copies: 4, form: 'paper' }).network,
  tree: () =>
    decisionTreeNetwork({
      inputCount: 4,
      tree: { coordinate: 3, no: { value: 2 }, yes: { coordinate: 0, no: { value: 0.1 }, yes: { value: -3 } } },
    }).network,
  ensemble: () => randomEnsembleNetwork({ inputCount: 60, treeCount: 6, depth: 5, seed: 7 }).network,
  indexing: () => indexingNetwork({ addressBits: 4 }).network,
  gated: () => gatedIndexingNetwork({ addressBits: 3, dataCount: 5 }).network,
  'dense parity': () => denseParityNetwork({ inputCount: 33 }).network,
  halfspaces: () => halfspaceNetwork({ inputCount: 45, unitCount: 120, firingRate: 0.05, seed: 2 }).network,
  dense: () => denseNetwork({ inputCount: 64, unitCount: 130, seed: 3 }).network,
  'lifted parity': () => liftedParityNetwork({ bitCount: 6, subset: [0, 1, 3, 4] }).network,
  'learning with rounding': () =>
    learningWithRoundingNetwork({ dimension: 3, modulus: 8, roundedModulus: 2, seed: 4 }).network,
};

const HOSTILE: Record<string, () => SparseNetwork> = {
  'doubles of every exponent': () => custom(9, 70, () => signed(power(-1074, 1019) * 1.0000000000000002)),
  'subnormal and large in one unit': () => custom(12, 40, (i) => signed(i % 3 === 0 ? 5e-324 : i % 3 === 1 ? 1 : 3e60)),
  'overflowing to infinity': () => custom(6, 30, () => signed(1.7e308)),
  'ties: small integers at their bias': () =>
    custom(
      16,
      90,
      () => signed(1),
      (j) => (j % 9) - 4,
    ),
  'ties broken by the last bit': () =>
    custom(
      10,
      60,
      () => signed(2 ** 40),
      (j) => (j % 5) * 2 ** 41 + ((j % 3) - 1) * 2 ** -40,
    ),
  'halfway cases of rounding': () => custom(11, 80, (i) => signed(i % 2 === 0 ? power(50, 56) : power(-3, 3))),
  'units of all widths mixed': () =>
    custom(10, 100, (i) => signed(i % 70 < 30 ? 3 : i % 70 < 50 ? Math.PI : power(-60, 90))),
  '31 bits and one more': () => custom(3, 40, (i) => signed(i % 6 < 3 ? 715827882 : 715827883)),
  'zeros, and units without weights': () =>
    custom(
      5,
      30,
      (i) => (i < 75 ? 0 : signed(0.1)),
      (j) => [-1, 0, 1][j % 3],
    ),
  'no units': () => custom(5, 0, () => 0),
  'one input': () => custom(1, 5, () => signed(0.3)),
};

describe('incremental networks', () => {
  it.each(Object.entries(FAMILIES))(
    '100,000 flips have the bits of from scratch and of the definition: %s',
    async (_, make) => {
      expect(await walk(make(), 1e5, ['simd', 'scalar'], { checks: 8 })).toBe(0);
    },
  );

  it.each(Object.entries(HOSTILE))('the same with hostile doubles: %s', async (_, make) => {
    expect(await walk(make(), 2e4, ['simd', 'scalar'], { checks: 60 })).toBe(0);
  });

  it('hostile cases are what they say: every kind of unit is there', async () => {
    const kinds = async (network: SparseNetwork) => (await createIncrementalNetwork(network)).unitKinds;
    const mixed = await kinds(HOSTILE['units of all widths mixed']());
    expect(Math.min(mixed.narrow, mixed.wide)).toBeGreaterThan(20);
    const border = await kinds(HOSTILE['31 bits and one more']());
    expect(Math.min(border.narrow, border.wide)).toBeGreaterThan(5);
    expect(await kinds(FAMILIES.indexing())).toMatchObject({ wide: 0 });
    expect((await kinds(HOSTILE['zeros, and units without weights']())).dead).toBeGreaterThan(5);
  });

  it('the same walk finds a flip that is dropped, once in 1,000 steps', async () => {
    let step = 0;
    const drop = (list: number[]): number[] => (++step === 1000 ? list.slice(1) : list);
    expect(await walk(FAMILIES.dense(), 2e4, ['simd'], { spoil: drop })).toBeGreaterThan(0);
    step = 0;
    expect(await walk(HOSTILE['ties broken by the last bit'](), 2e4, ['simd'], { spoil: drop })).toBeGreaterThan(0);
  });

  it('floating-point sums would drift: the reason for whole numbers', () => {
    const { weights } = FAMILIES.dense();
    const next = createRandom(2);
    let sum = 0;
    const signs = new Float64Array(64).fill(1);
    for (let i = 0; i < 64; i++) sum += weights[i];
    for (let step = 0; step < 1e5; step++) {
      const i = next.integer(64);
      signs[i] = -signs[i];
      sum += 2 * signs[i] * weights[i];
    }
    const fresh = signs.reduce((total, x, i) => total + x * weights[i], 0);
    expect(sum).not.toBe(fresh);
  });

  it('sequences: flips, refreshes and the choice between them give the same values, and the choice adds the fewest rows', async () => {
    const network = FAMILIES.dense();
    const points = randomPoints(300, 64, createRandom(8));
    // The first half moves by few coordinates, the second jumps.
    for (let row = 1; row < 150; row++) {
      for (let p = 0; p < 8; p++) points.planes[p * 300 + row] = points.planes[p * 300 + row - 1];
      points.planes[(row % 8) * 300 + row] ^= 1 << (row % 7);
    }
    const rows: number[] = [];
    const results: Float64Array[] = [];
    for (const way of ['auto', 'flip', 'refresh'] as const) {
      const state = await createIncrementalNetwork(network);
      results.push(await state.evaluateSequence(points, { way }));
      rows.push(state.counters().rows);
      if (way === 'auto') expect(state.counters().refreshes).toBeLessThan(151);
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    expect(rows[0]).toBeLessThan(Math.min(rows[1], rows[2]));
    results[0].forEach((value, row) => {
      if (row % 20 === 0) expect(value).toBe(byDefinition(network, points, row).value);
    });
  });

  it('where sums of doubles are exact, values are those of evaluateNetwork; else within its rounding', async () => {
    for (const name of ['parity', 'indexing', 'ensemble', 'dense parity', 'lifted parity', 'dense', 'halfspaces']) {
      const network = FAMILIES[name]();
      const points = randomPoints(200, network.inputCount, createRandom(3));
      const state = await createIncrementalNetwork(network);
      const values = await state.evaluateSequence(points);
      const dense = await evaluateNetwork(network, points);
      const isWhole = [...network.weights, ...network.biases, ...network.outputWeights].every((w) =>
        Number.isInteger(2 * w),
      );
      if (isWhole) expect(values).toEqual(dense);
      let scale = 0;
      for (let j = 0; j < network.unitCount; j++) {
        let norm = Math.abs(network.biases[j]);
        for (let i = 0; i < network.inputCount; i++) norm += Math.abs(network.weights[j * network.inputCount + i]);
        scale += Math.abs(network.outputWeights[j]) * norm;
      }
      const bound = (network.inputCount + network.unitCount + 4) * 2 ** -53 * scale;
      values.forEach((value, row) => {
        expect(Math.abs(value - dense[row])).toBeLessThanOrEqual(bound);
      });
      if (isWhole) {
        state.set(points, 17);
        expect(state.activeUnits()).toEqual(activeSet(network, points, 17));
      }
    }
  });

  it('flipping twice is not at all, and longer lists than there are coordinates work', async () => {
    const network = FAMILIES.dense();
    const state = await createIncrementalNetwork(network);
    const start = state.value();
    state.flip([3, 3]);
    expect(state.value()).toBe(start);
    const list = Array.from({ length: 1000 }, (_, k) => (k * 7) % 64);
    state.flip(list);
    const there = createCubePoints(1, 64);
    for (const i of list) there.planes[i >> 3] ^= 1 << (i & 7);
    expect(state.value()).toBe(byDefinition(network, there, 0).value);
    state.flip(list);
    expect(state.value()).toBe(start);
  });

  it('refuses other points, rows and coordinates, and then has not moved', async () => {
    const network = FAMILIES.indexing();
    const { inputCount: n } = network;
    const state = await createIncrementalNetwork(network);
    const before = state.value();
    const call = (use: (target: IncrementalNetwork) => void) => () => use(state);
    expect(call((s) => s.set(createCubePoints(1, n + 1)))).toThrow(`${n + 1} coordinates`);
    expect(call((s) => s.set(createCubePoints(2, n), 2))).toThrow('row is 2; expected a whole number from 0 to 1');
    for (const bad of [n, -1, 0.5, Number.NaN]) {
      expect(call((s) => s.flip([0, bad]))).toThrow(`coordinate 1 to flip is ${bad}; expected`);
    }
    await expect(state.evaluateSequence(createCubePoints(3, n - 1))).rejects.toThrow(`${n - 1} coordinates`);
    expect(state.value()).toBe(before);
    expect(state.counters()).toEqual({ flips: 0, refreshes: 0, rows: 0 });
    // Bits beyond the last coordinate are ignored.
    const dirty = createCubePoints(1, n);
    dirty.planes.fill(255, dirty.planes.length - 1);
    const clean = createCubePoints(1, n);
    for (let i = 8 * (dirty.planes.length - 1); i < n; i++) clean.planes[i >> 3] |= 1 << (i & 7);
    state.set(dirty);
    expect(state.value()).toBe(byDefinition(network, clean, 0).value);
  });

  it('refuses too much memory before allocating, and can be stopped', async () => {
    const network = FAMILIES.dense();
    await expect(createIncrementalNetwork(network, { memoryLimitBytes: 1000 })).rejects.toMatchObject({
      code: 'memory-budget',
    });
    await expect(createIncrementalNetwork(network, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    const state = await createIncrementalNetwork(denseNetwork({ inputCount: 256, unitCount: 1024, seed: 1 }).network);
    const points = randomPoints(20_000, 256, createRandom(1));
    const controller = new AbortController();
    const seen: number[] = [];
    const running = state.evaluateSequence(points, {
      signal: controller.signal,
      onProgress: ({ done }) => {
        seen.push(done);
        controller.abort();
      },
    });
    await expect(running).rejects.toThrow(/abort/i);
    expect(seen.length).toBe(1);
    expect(seen[0]).toBeLessThan(20_000);
  });
});

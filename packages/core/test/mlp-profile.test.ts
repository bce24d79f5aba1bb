/** Counting of activity against plain counting, the reservoir, and what a verdict says. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createRandom, FewfireError, findMlpBlocks, type ReluLayer } from '../src/index.ts';
import {
  blockOutputs,
  createActivityCounter,
  createReservoir,
  describeInexact,
  describeVerdict,
  gateActivations,
  readOnnxModel,
  staticSparsity,
  timeBlock,
} from '../src/internal.ts';
import { NATIVE_FROM_BATCH } from '../src/mlp/profile.ts';
import { D, gatedGraphs, graphBytes, O, S, squaredGraphs, weights } from './mlp-graphs.ts';

const ROWS = 300;
const UNITS = 40;

/** Unit u fires on about u / UNITS of the rows; unit 0 never, the last always. */
function activations(): Float32Array {
  const random = createRandom(3);
  return Float32Array.from({ length: ROWS * UNITS }, (_, i) => {
    const unit = i % UNITS;
    if (unit === UNITS - 1) return 1 + random.uniform();
    const value = random.uniform();
    return value < unit / UNITS ? value : 0;
  });
}

describe('activity', () => {
  const values = activations();
  const activity = (() => {
    const counter = createActivityCounter(UNITS, { topCount: 3 });
    // In pieces of uneven size.
    for (const [from, to] of [
      [0, 1],
      [1, 190],
      [190, ROWS],
    ]) {
      counter.add(values.subarray(from * UNITS, to * UNITS));
    }
    return counter.finish();
  })();
  const row = (r: number): number[] => Array.from(values.subarray(r * UNITS, (r + 1) * UNITS));
  const rows = Array.from({ length: ROWS }, (_, r) => row(r));

  it('rates, dead and hot units, by counting again', () => {
    const active = values.filter((value) => value > 0).length;
    expect(activity.activationRate).toBe(active / (ROWS * UNITS));
    const counts = Array.from({ length: UNITS }, (_, u) => rows.filter((r) => r[u] > 0).length);
    expect(Array.from(activity.unitRates)).toEqual(counts.map((count) => count / ROWS));
    expect(activity.deadUnits).toEqual([0]);
    expect(activity.alwaysActiveCount).toBe(counts.filter((count) => count === ROWS).length);
    const sorted = counts.toSorted((a, b) => b - a);
    let units = 0;
    while (sorted.slice(0, units).reduce((a, b) => a + b, 0) < 0.8 * active) units++;
    expect(activity.hotUnitCount).toBe(units);
    expect(activity.rateHistogram.reduce((sum, bin) => sum + bin.unitCount, 0)).toBe(UNITS);
    expect(activity.rateHistogram[0].unitCount).toBe(1);
    const last = activity.rateHistogram.at(-1);
    expect(last?.unitCount).toBe(counts.filter((count) => count / ROWS > 0.3).length);
  });

  it('quantiles over rows are values that were seen', () => {
    const sizes = rows.map((r) => r.filter((value) => value > 0).length).sort((a, b) => a - b);
    for (const { at, rate } of activity.rateQuantiles) {
      expect(rate).toBe(sizes[Math.max(1, Math.ceil(at * ROWS)) - 1] / UNITS);
    }
  });

  it('the limit for dead units is the one whose chance of silence is delta / units', () => {
    expect((1 - activity.deadRateUpperLimit) ** ROWS).toBeCloseTo(0.05 / UNITS, 9);
  });

  it('the inputs that a unit answers most', () => {
    for (const u of [0, 5, 20, UNITS - 1]) {
      const best = rows
        .map((r, index) => ({ row: index, activation: r[u] }))
        .filter(({ activation }) => activation > 0)
        .sort((a, b) => b.activation - a.activation)
        .slice(0, 3);
      expect(activity.topRows[u]).toEqual(best);
    }
  });

  it('refuses NaN, infinity and nothing', () => {
    expect(() => createActivityCounter(2).add(Float32Array.of(1, Number.NaN))).toThrow(/unit 1 has the activation NaN/);
    expect(() => createActivityCounter(1).add(Float32Array.of(Number.POSITIVE_INFINITY))).toThrow(FewfireError);
    expect(() => createActivityCounter(1).finish()).toThrow(/no input rows/);
  });
});

describe('a block computed plainly', () => {
  const x = [0.5, -1.25, 2];
  const sums = (matrix: readonly number[], bias: readonly number[]): number[] =>
    bias.map((b, u) => x.reduce((sum, value, i) => sum + value * matrix[i * S + u], b));
  const relu = sums(weights.up, weights.upBias).map((z) => Math.max(0, z));
  const output = (a: readonly number[]): number[] =>
    weights.downBias.map((b, o) => a.reduce((sum, value, u) => sum + value * weights.down[u * O + o], b));
  const load = (bytes: Uint8Array): ReluLayer => findMlpBlocks(readOnnxModel(bytes)).blocks[0].load();
  const close = (actual: ArrayLike<number>, wanted: readonly number[]): void => {
    expect(actual.length).toBe(wanted.length);
    for (const [i, value] of wanted.entries()) expect(actual[i]).toBeCloseTo(value, 5);
  };

  it('squared', () => {
    const block = load(graphBytes(squaredGraphs[0]));
    expect(block.inputWidth).toBe(D);
    close(gateActivations(block, Float32Array.from(x)), relu);
    close(blockOutputs(block, Float32Array.from(x)), output(relu.map((a) => a * a)));
  });

  it('gated', () => {
    const linear = sums(weights.linear, weights.linearBias);
    close(
      blockOutputs(load(graphBytes(gatedGraphs[1])), Float32Array.from(x)),
      output(relu.map((a, u) => a * linear[u])),
    );
  });
});

it('a reservoir keeps every row with the same chance', () => {
  const chosen = new Array<number>(20).fill(0);
  const draws = 2000;
  for (let seed = 0; seed < draws; seed++) {
    const reservoir = createReservoir(2, 5, seed);
    const rows = Float32Array.from({ length: 40 }, (_, i) => Math.floor(i / 2));
    reservoir.add(rows.subarray(0, 14));
    reservoir.add(rows.subarray(14));
    const kept = reservoir.rows();
    expect(kept.length).toBe(10);
    for (let k = 0; k < 5; k++) {
      expect(kept[2 * k]).toBe(kept[2 * k + 1]);
      chosen[kept[2 * k]]++;
    }
  }
  // Each count is binomial with mean 500 and standard deviation 19.4.
  for (const count of chosen) expect(Math.abs(count - 500)).toBeLessThan(5 * 19.4);
  const few = createReservoir(3, 100, 1);
  few.add(Float32Array.of(1, 2, 3));
  expect(Array.from(few.rows())).toEqual([1, 2, 3]);
});

it('static sparsity counts zeros and what is nearly zero', () => {
  const block = {
    ...{ name: 'b', inputWidth: 2, unitCount: 2, outputWidth: 1, activation: 'relu' as const },
    up: Float32Array.of(1, 0, -1, 1e-5),
    upBias: new Float32Array(2),
    down: Float32Array.of(3, 0),
    downBias: new Float32Array(1),
  };
  expect(staticSparsity(block)).toEqual({ weightCount: 6, zeroShare: 2 / 6, nearZeroShare: 3 / 6 });
});

describe('verdicts', () => {
  const activity = { activationRate: 0.06 };
  const sparse = { form: 'ReLU', sparse: true, activity, zeroShare: 0.94 };
  const timings = {
    denseUs: 102,
    exactUs: 20,
    inexact: null,
    leftOut: [],
    survivorRate: 0.05,
    firstTest: null,
    denseFromBatch: 16,
    exactUpToBatch: 12,
  };
  const missedMass = {
    ...{ target: 0.003, mean: 0.0012, interval: [0.0004, 0.003] as const },
    ...{ confidence: 0.95, intervalMethod: 'betting' as const, inputCount: 4096 },
  };
  const inexact = { timeUs: 10.2, missedMass };

  it('a speed that is not exact says what it misses, and how sure that is', () => {
    expect(describeInexact(inexact, 102)).toBe(
      '10.2 us, 10x as fast as dense; misses 0.12 % of the activation on 4,096 rows, and 0.30 % at most on average (95 % sure, were the rows independent)',
    );
  });

  it.each([
    [{ ...sparse, timings }, 'exact: 5.1x at batch 1; do not use above batch 12'],
    [
      { ...sparse, timings: { ...timings, inexact } },
      'exact: 5.1x at batch 1; inexact: 10x, missing up to 0.30 % of the activation; do not use above batch 12',
    ],
    [
      { ...sparse, timings: { ...timings, exactUs: 204, inexact } },
      'exact: no faster than dense (0.5x at batch 1, 6.0 % active): do not use; inexact: 10x, missing up to 0.30 % of the activation',
    ],
    [
      { ...sparse, timings: { ...timings, denseFromBatch: null, exactUpToBatch: 128 } },
      'exact: 5.1x at batch 1; faster than our dense kernel up to batch 128, the largest tried; native ones may overtake from batch 4',
    ],
    [{ ...sparse, timings: { ...timings, denseFromBatch: null, exactUpToBatch: 1 } }, 'exact: 5.1x at batch 1'],
    [
      { ...sparse, timings: { ...timings, exactUs: 204 } },
      'exact: no faster than dense (0.5x at batch 1, 6.0 % active): do not use',
    ],
    [
      { ...sparse, form: 'GELU', sparse: false, zeroShare: 0.002, timings: null },
      'GELU: not sparse (measured: 0.20 % zeros)',
    ],
    [
      { ...sparse, form: 'PRelu with slope 0', sparse: false, zeroShare: 0.62, timings: null },
      '62 % of the values are zero; this form (PRelu with slope 0) is not supported yet',
    ],
    [
      { ...sparse, form: 'Sub, Relu', sparse: false, zeroShare: 0.2, timings: null },
      '20 % of the values are zero: hardly sparse; this form (Sub, Relu) is not supported yet',
    ],
    [{ ...sparse, timings: null }, '6.0 % active: sparse, not timed'],
    [
      { ...sparse, activity: { activationRate: 0.62 }, timings: null },
      'ReLU, but 62 % active: hardly sparse, little to exploit',
    ],
  ])('%#', (facts, text) => {
    expect(describeVerdict(facts)).toBe(text);
  });
});

describe('timing', () => {
  const random = createRandom(4);
  const normal = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
  const block: ReluLayer = {
    ...{ name: 'b', inputWidth: 16, unitCount: 24, outputWidth: 8, activation: 'relu' },
    ...{ up: normal(16 * 24), upBias: new Float32Array(24).fill(-4), down: normal(24 * 8), downBias: normal(8) },
  };
  const rows = normal(16 * 20);

  it('gives times, and as survivors at least the active units', async () => {
    const timings = await timeBlock(block, rows);
    const active = gateActivations(block, rows).filter((value) => value > 0).length / (20 * 24);
    expect(active).toBeGreaterThan(0.05);
    expect(timings.survivorRate).toBeGreaterThanOrEqual(active);
    expect(timings.survivorRate).toBeLessThan(0.6);
    expect(timings.denseUs).toBeGreaterThan(0);
    expect(timings.exactUs).toBeGreaterThan(0);
    expect(timings.denseFromBatch ?? 21).toBeGreaterThan(timings.exactUpToBatch);
    expect(timings.exactUpToBatch).toBeLessThanOrEqual(20);
  });

  it('stops when aborted, and asks for rows', async () => {
    const controller = new AbortController();
    const run = timeBlock(block, rows, {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(run).rejects.toThrow('enough');
    await expect(timeBlock(block, new Float32Array(0))).rejects.toThrow(/expected rows of 16/);
    await expect(timeBlock(block, new Float32Array(17))).rejects.toThrow(FewfireError);
  });
});

it('from which batch native kernels are near was measured, and is what the record of the benchmark says', () => {
  const { rows } = JSON.parse(readFileSync(new URL('../../../bench/results/mlp.json', import.meta.url), 'utf8')) as {
    rows: readonly { readonly what: string; readonly fewfire: string; readonly peer: string }[];
  };
  const microseconds = (text: string): number => Number(/([\d.]+) us/.exec(text)?.[1]);
  const near = rows.flatMap(({ what, fewfire, peer }) => {
    const batch = /exact, trained block, .*from memory, batch (\d+),/.exec(what)?.[1];
    const native = microseconds(peer.split('onnxruntime:')[1] ?? '');
    return batch !== undefined && native <= 1.1 * microseconds(fewfire) ? [Number(batch)] : [];
  });
  expect(NATIVE_FROM_BATCH).toBe(Math.min(...near));
});

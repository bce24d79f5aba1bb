import { calibratedUnits, quantiseRows, referenceMlp, referenceSurvivors } from '@fewfire/kernels';
import { describe, expect, it } from 'vitest';
import {
  type CalibrateOptions,
  calibrateMlp,
  createRandom,
  type MlpCalibration,
  parseCalibratedMlp,
  prepareSparseMlp,
  type Random,
  type ReluLayer,
} from '../src/index.ts';
import { bettingInterval, clopperPearsonUpperLimit } from '../src/internal.ts';
import { createMeanAlarm } from '../src/mlp/betting.ts';
import { LEAST_CALIBRATION_ROWS } from '../src/mlp/block-timer.ts';
import { measure, observe, slowness, statableMissedMass } from '../src/mlp/calibrate.ts';
import { parseCalibrated } from '../src/mlp/calibration-file.ts';
import { createDriftWatch } from '../src/mlp/drift.ts';
import { fitLowRank, lowRanks } from '../src/mlp/fit-low-rank.ts';
import { fitLookup, inputMoments } from '../src/mlp/fit-screens.ts';
import { kappaFor, needsOf, screenAt } from '../src/mlp/thresholds.ts';

const [D, S, O] = [48, 192, 9];
const RANK = 8;

/** Inputs and weights share a few directions, as trained blocks do. */
function makeBlock(options: { gated?: boolean; bias?: number; seed?: number } = {}): ReluLayer {
  const random = createRandom(options.seed ?? 1);
  const draw = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
  return {
    name: 'made',
    inputWidth: D,
    unitCount: S,
    outputWidth: O,
    activation: options.gated ? 'squared-relu' : 'relu',
    up: drawRows(S, random, 0.1),
    upBias: draw(S).map((b) => 2 * b + (options.bias ?? -20)),
    ...(options.gated ? { linear: draw(S * D), linearBias: draw(S) } : {}),
    down: draw(S * O),
    downBias: draw(O),
  };
}

function drawRows(count: number, random: Random, noise: number, gain = 1): Float32Array {
  const common = createRandom(99);
  const directions = Float64Array.from({ length: RANK * D }, () => common.normal());
  const rows = new Float32Array(count * D);
  for (let r = 0; r < count; r++) {
    const factors = Float64Array.from({ length: RANK }, () => (gain * random.normal()) / 3);
    for (let c = 0; c < D; c++) {
      let sum = noise * random.normal();
      for (let k = 0; k < RANK; k++) sum += factors[k] * directions[k * D + c];
      rows[r * D + c] = sum;
    }
  }
  return rows;
}

function makeInputs(count: number, seed: number, gain = 1): Float32Array {
  return drawRows(count, createRandom(seed), 0.6, gain);
}

const LOW_RANK: CalibrateOptions = {
  missedMass: 0.01,
  evenIfSlower: true,
  methods: ['low-rank'],
};

interface Directions {
  readonly width: number;
  readonly count: number;
}

/** Rows in some directions, the later ones fainter. */
function fadingRows(rowCount: number, { width, count }: Directions, seed: number): Float32Array {
  const common = createRandom(98);
  const random = createRandom(seed);
  const directions = Float64Array.from({ length: count * width }, () => common.normal() / Math.sqrt(width));
  const rows = new Float32Array(rowCount * width);
  for (let r = 0; r < rowCount; r++) {
    for (let k = 0; k < count; k++) {
      const factor = (3 * random.normal()) / (1 + k / 8);
      for (let c = 0; c < width; c++) rows[r * width + c] += factor * directions[k * width + c];
    }
  }
  return rows;
}

function makeFadingBlock(directions: Directions): ReluLayer {
  const random = createRandom(7);
  const { width } = directions;
  return {
    name: 'fading',
    inputWidth: width,
    unitCount: 4 * width,
    outputWidth: 3,
    activation: 'relu',
    up: fadingRows(4 * width, directions, 8),
    upBias: new Float32Array(4 * width).fill(-30),
    down: Float32Array.from({ length: 12 * width }, () => random.normal()),
    downBias: new Float32Array(3),
  };
}

function screenOf(bytes: Uint8Array): { rank: number; leadColumns: number } {
  const headerBytes = new DataView(bytes.buffer).getUint32(12, true);
  return JSON.parse(new TextDecoder().decode(bytes.subarray(16, 16 + headerBytes)));
}

const OPTIONS: CalibrateOptions = { missedMass: 0.02, evenIfSlower: true, methods: ['lookup'] };

describe('bettingInterval', () => {
  it('covers the mean of skewed numbers at least as often as it says', () => {
    const random = createRandom(3);
    let [low, high] = [0, 0];
    const trials = 400;
    for (let trial = 0; trial < trials; trial++) {
      // Mean 0.02 * 0.5 + 0.0005 = 0.0105.
      const sample = Float64Array.from({ length: 300 }, () =>
        random.uniform() < 0.02 ? random.uniform() : 0.0005 / 0.98,
      );
      const [lower, upper] = bettingInterval(sample, 0.1);
      if (lower > 0.0105) low++;
      if (upper < 0.0105) high++;
    }
    for (const misses of [low, high]) expect(misses / trials).toBeLessThanOrEqual(0.05 + 3 * Math.sqrt(0.05 / trials));
  });

  it('covers where a few numbers make up most of the mean, as percentiles of resampled means do not', () => {
    const random = createRandom(4);
    const trials = 300;
    const confidenceDelta = 0.05;
    // The k-th power of a uniform number has the mean 1 / (k + 1).
    for (const power of [99, 999]) {
      let [beyond, resampledBeyond] = [0, 0];
      for (let trial = 0; trial < trials; trial++) {
        const sample = Float64Array.from({ length: 256 }, () => random.uniform() ** power);
        const [, upper] = bettingInterval(sample, confidenceDelta);
        if (upper < 1 / (power + 1)) beyond++;
        const means = Float64Array.from({ length: 200 }, () => {
          let sum = 0;
          for (let k = 0; k < 256; k++) sum += sample[random.integer(256)];
          return sum / 256;
        }).sort();
        if (means[194] < 1 / (power + 1)) resampledBeyond++;
      }
      const noise = 3 * Math.sqrt(confidenceDelta / 2 / trials);
      expect(beyond / trials).toBeLessThanOrEqual(confidenceDelta / 2 + noise);
      expect(resampledBeyond / trials).toBeGreaterThan(confidenceDelta / 2 + noise);
    }
  });

  it('is not far from the least that is possible where nothing was seen', () => {
    for (const count of [100, 3000]) {
      const [lower, upper] = bettingInterval(new Float64Array(count), 0.05);
      const least = clopperPearsonUpperLimit(0, count, 0.025);
      expect(lower).toBe(0);
      expect(upper).toBeGreaterThan(least);
      expect(upper).toBeLessThan(1.3 * least);
    }
  });

  it('narrows around many numbers that vary little', () => {
    const random = createRandom(5);
    const [lower, upper] = bettingInterval(
      Float64Array.from({ length: 8000 }, () => 0.0004 + 0.0002 * random.uniform()),
      0.05,
    );
    expect(lower).toBeGreaterThan(0.0002);
    expect(lower).toBeLessThan(0.0005);
    expect(upper).toBeGreaterThan(0.0005);
    expect(upper).toBeLessThan(0.0012);
  });

  it('refuses numbers outside 0 to 1', () => {
    expect(() => bettingInterval([0.5, 1.5], 0.05)).toThrow(/expected 0 to 1/);
    expect(() => bettingInterval([], 0.05)).toThrow(/empty/);
  });
});

describe('createMeanAlarm', () => {
  it('rarely rings at the limit, however often one looks', () => {
    for (const side of ['above', 'below'] as const) {
      let rang = 0;
      for (let seed = 1; seed <= 150; seed++) {
        const random = createRandom(seed);
        const alarm = createMeanAlarm(0.1, side, 0.1);
        for (let i = 0; i < 6000; i++) alarm.add(0.2 * random.uniform());
        if (alarm.add(0.1)) rang++;
      }
      expect(rang / 150).toBeLessThanOrEqual(0.1 + 3 * Math.sqrt(0.09 / 150));
    }
  });

  it('rings soon after a change, also after a long time without one', () => {
    for (const [side, factor] of [
      ['above', 1.6],
      ['below', 0.4],
    ] as const) {
      const random = createRandom(8);
      const alarm = createMeanAlarm(0.1, side, 0.001);
      for (let i = 0; i < 20_000; i++) expect(alarm.add(0.2 * random.uniform())).toBe(false);
      let wait = 0;
      while (!alarm.add(0.2 * factor * random.uniform())) wait++;
      expect(wait).toBeLessThan(side === 'above' ? 200 : 2000);
    }
  });
});

describe('calibrateMlp', () => {
  it.each([
    ['lookup', false],
    ['low-rank', false],
    ['lookup', true],
  ] as const)('leaves units out and changes nothing else: %s, gated %s', async (method, gated) => {
    const block = makeBlock({ gated });
    using calibrated = await calibrateMlp({ block }, makeInputs(4000, 2), { ...OPTIONS, methods: [method] });
    expect(calibrated.method).toBe(method);
    using exact = await prepareSparseMlp(block);
    const inputs = makeInputs(300, 4);
    let missedCount = 0;
    for (let i = 0; i < 300; i++) {
      const x = inputs.subarray(i * D, (i + 1) * D);
      const output = calibrated.forward(x);
      const kept = new Set(calibrated.activeUnits());
      exact.forward(x);
      const active = exact.activeUnits();
      expect([...kept].every((u) => active.includes(u))).toBe(true);
      const missed = [...active].filter((u) => !kept.has(u));
      missedCount += missed.length;
      // By definition, with the missed units made silent and all others as they are.
      const upBias = block.upBias.map((b, u) => (missed.includes(u) ? -1e30 : b));
      const expected = referenceMlp({ ...block, upBias }, x);
      expect(output).toEqual(expected.output);
      if (missed.length === 0) expect(output).toEqual(exact.forward(x));
    }
    expect(missedCount).toBeGreaterThan(0);
    expect(calibrated.calibration?.survivorRate.mean).toBeLessThan(0.6);
  });

  it('states a missed mass that fresh inputs keep', async () => {
    const block = makeBlock();
    const fresh = makeInputs(2000, 1000);
    let beyond = 0;
    let calibratedCount = 0;
    for (let seed = 1; seed <= 10; seed++) {
      using calibrated = await calibrateMlp({ block }, makeInputs(2000, seed), { ...OPTIONS, seed });
      if (calibrated.calibration === null) continue;
      calibratedCount++;
      const { interval, target } = calibrated.calibration.missedMass;
      const mean = await missedOn(calibrated, block, fresh);
      expect(interval[1]).toBeLessThanOrEqual(target);
      if (mean < interval[0] || mean > interval[1]) beyond++;
    }
    expect(calibratedCount).toBeGreaterThan(5);
    // Nominal 5 % of 10.
    expect(beyond).toBeLessThanOrEqual(2);
  });

  it('states limits that fresh inputs keep where a few inputs hold most of what is missed', async () => {
    const block = makeBlock();
    const heavy = (count: number, seed: number): Float32Array => {
      const rows = makeInputs(count, seed);
      const random = createRandom(seed + 500);
      for (let r = 0; r < count; r++) {
        const gain = Math.exp(0.8 * random.normal());
        for (let c = 0; c < D; c++) rows[r * D + c] *= gain;
      }
      return rows;
    };
    const fresh = heavy(4000, 1000);
    let [statedCount, beyond] = [0, 0];
    for (let seed = 1; seed <= 12; seed++) {
      const inputs = heavy(1400, seed);
      using calibrated = await calibrateMlp({ block }, inputs, { ...OPTIONS, missedMass: 0.03, seed });
      if (calibrated.calibration === null) continue;
      statedCount++;
      const mean = await missedOn(calibrated, block, fresh);
      if (mean > calibrated.calibration.missedMass.interval[1]) beyond++;
    }
    expect(statedCount).toBeGreaterThan(7);
    // Wrong with probability 0.025 each: three or more of twelve in 3 of 1,000 cases.
    expect(beyond).toBeLessThanOrEqual(2);
  });

  it('would overshoot if it believed the inputs it was chosen on', async () => {
    const target = 0.01;
    const ratios: number[] = [];
    for (let seed = 1; seed <= 8; seed++) {
      const block = { ...makeBlock({ seed }) };
      const prepared = { ...block, screens: { rows: quantiseRows(block.up, D, S), projection: undefined } };
      const settings = { target, confidence: 0.95, intervalMethod: 'betting', seed } as const;
      const own = makeInputs(40, 10 + seed);
      const fitted = await fitLookup(block, await inputMoments(own, D, {}), own, {});
      const needs = await needsOf(block, fitted, own, await observe(prepared, own, settings), target, settings);
      const screen = screenAt(fitted, kappaFor(needs, target));
      const mean = async (rows: Float32Array): Promise<number> => {
        const { shares } = await measure(prepared, screen, rows, settings);
        return shares.reduce((sum, v) => sum + v, 0) / shares.length;
      };
      expect(await mean(own)).toBeLessThanOrEqual(target);
      ratios.push((await mean(makeInputs(3000, 50 + seed))) / target);
    }
    expect(ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length).toBeGreaterThan(1.5);
  });

  it('fits low-rank screens that estimate sums better the more of the inputs lies in the subspace', async () => {
    const block = makeBlock();
    const rows = drawRows(600, createRandom(3), 0.01);
    const { spreads } = await fitLowRank(block, await inputMoments(rows, D, {}), rows, 16, {});
    const noisy = drawRows(600, createRandom(3), 1);
    const far = await fitLowRank(block, await inputMoments(noisy, D, {}), noisy, 16, {});
    const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
    expect(sum(spreads)).toBeLessThan(0.3 * sum(far.spreads));
  });

  it('reads the leading columns of a low-rank screen first where columns fall off, and few where there are few', async () => {
    const few = { width: 160, count: 8 };
    const lax = { ...LOW_RANK, missedMass: 0.02 };
    using narrow = await calibrateMlp({ block: makeFadingBlock(few) }, fadingRows(1200, few, 5), lax);
    expect(screenOf(await narrow.serialize())).toMatchObject({ rank: 16, leadColumns: 0 });
    const many = { width: 512, count: 64 };
    const block = makeFadingBlock(many);
    using calibrated = await calibrateMlp({ block }, fadingRows(1200, many, 5), LOW_RANK);
    const bytes = await calibrated.serialize();
    const { rank, leadColumns } = screenOf(bytes);
    expect(rank).toBeGreaterThan(16);
    expect(leadColumns).toBe(16);
    // By the definition of both tests, and the same from the file.
    const { outcome } = await parseCalibrated(bytes, 'file');
    using read = await parseCalibratedMlp(bytes, 'file');
    const inputs = fadingRows(40, many, 6);
    for (let i = 0; i < 40; i++) {
      const x = inputs.subarray(i * 512, (i + 1) * 512);
      const output = calibrated.forward(x);
      expect(read.forward(x)).toEqual(output);
      const survivors = outcome.screen === null ? new Uint32Array() : referenceSurvivors(outcome.screen, block, x);
      const active = referenceMlp(block, x).activeUnits;
      expect(calibrated.activeUnits()).toEqual(active.filter((u) => survivors.includes(u)));
    }
  });

  it.each([
    [31, []],
    [32, [16]],
    [256, [16, 32, 48, 64]],
    [2048, [64, 128, 256]],
    [12288, [256]],
  ])('tries ranks that save something: of %i inputs', (width, ranks) => {
    expect(lowRanks(width)).toEqual(ranks);
  });

  it('runs exactly, and says why, where it cannot promise or does not pay', async () => {
    const block = makeBlock();
    using few = await calibrateMlp({ block }, makeInputs(500, 2), { missedMass: 1e-3 });
    expect(few.method).toBe('exact');
    expect(few.reason).toMatch(/500 inputs are too few to state a missed mass of 0.001: give at least/);
    expect(few.status()).toBeNull();
    const x = makeInputs(1, 3);
    using exact = await prepareSparseMlp(block);
    expect(few.forward(x)).toEqual(exact.forward(x));
    expect(slowness({ denseUs: 20, exactUs: 10, calibratedUs: 9.7 })).toMatch(/does not pay/);
    expect(slowness({ denseUs: 9, exactUs: 20, calibratedUs: 10 })).toMatch(/does not pay/);
    expect(slowness({ denseUs: 20, exactUs: 10, calibratedUs: 9 })).toBeNull();
  });

  it('states no limit of a method that does not cover', async () => {
    const options = { ...OPTIONS, intervalMethod: 'bootstrap' };
    await expect(calibrateMlp({ block: makeBlock() }, makeInputs(1200, 2), options)).rejects.toThrow(
      /calibrateMlp has no option "intervalMethod"/,
    );
  });

  it('states the least missed mass that so many inputs can show', async () => {
    expect([676, 677, 8192, 32_768].map((count) => statableMissedMass(count))).toEqual([null, 0.03, 0.003, 0.001]);
    expect(LEAST_CALIBRATION_ROWS).toBe(677);
    // It comes true.
    for (const count of [677, 8192]) {
      const missedMass = statableMissedMass(count) as number;
      using calibrated = await calibrateMlp({ block: makeBlock() }, makeInputs(count, 2), { ...OPTIONS, missedMass });
      expect(calibrated.calibration?.missedMass.interval[1]).toBeLessThanOrEqual(missedMass);
    }
  });

  it('refuses what it cannot use, and stops when told to', async () => {
    const block = makeBlock();
    const calibrate = (inputs: Float32Array, options: CalibrateOptions = {}) =>
      calibrateMlp({ block }, inputs, options);
    await expect(calibrate(new Float32Array(D + 1))).rejects.toThrow(/expected a Float32Array of rows of 48/);
    await expect(calibrate(makeInputs(9, 1), { missedMass: 0 })).rejects.toThrow(/missedMass is 0/);
    await expect(calibrate(makeInputs(9, 1), { drift: { falseAlarm: 0 } })).rejects.toThrow(/falseAlarm is 0/);
    const bad = makeInputs(9, 1);
    bad[D + 2] = Number.NaN;
    await expect(calibrate(bad, OPTIONS)).rejects.toThrow(/number 2 of input 1 of the calibration is NaN/);
    const controller = new AbortController();
    const stopped = calibrate(makeInputs(8000, 1), {
      ...OPTIONS,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
  });
});

async function missedOn(
  calibrated: { forward(x: Float32Array): Float32Array; activeUnits(): Uint32Array },
  block: ReluLayer,
  inputs: Float32Array,
): Promise<number> {
  let sum = 0;
  const count = inputs.length / D;
  for (let i = 0; i < count; i++) {
    const x = inputs.subarray(i * D, (i + 1) * D);
    calibrated.forward(x);
    const kept = new Set(calibrated.activeUnits());
    let [total, missed] = [0, 0];
    for (let u = 0; u < S; u++) {
      let z = block.upBias[u];
      for (let c = 0; c < D; c++) z += block.up[u * D + c] * x[c];
      if (z <= 0) continue;
      total += z;
      if (!kept.has(u)) missed += z;
    }
    sum += total === 0 ? 0 : missed / total;
  }
  return sum / count;
}

describe('drift', () => {
  const MEASURED: Pick<MlpCalibration, 'survivorRate' | 'missedMass'> = {
    survivorRate: { mean: 0.1, interval: [0.095, 0.105] },
    missedMass: {
      target: 0.001,
      mean: 0.0004,
      interval: [0.0002, 0.001],
      confidence: 0.95,
      intervalMethod: 'betting',
      inputCount: 9000,
    },
  };

  it('is seen when inputs change, and the block then runs exactly', async () => {
    const block = makeBlock();
    const drift = { checkEvery: 4 };
    using calibrated = await calibrateMlp({ block }, makeInputs(4000, 2), { ...OPTIONS, drift });
    expect(calibrated.runsCalibrated()).toBe(true);
    calibrated.forwardBatch(makeInputs(5000, 70), 5000);
    expect(calibrated.status()).toMatchObject({ state: 'ok', cause: null, foundAt: null, inputCount: 5000 });
    const { missedMass } = calibrated.status() ?? {};
    expect(missedMass?.checkCount).toBeGreaterThan(1100);
    expect(missedMass?.checkCount).toBeLessThan(1400);
    expect(missedMass?.interval?.[1]).toBeLessThan(0.04);
    calibrated.forwardBatch(makeInputs(3000, 71, 1.8), 3000);
    expect(calibrated.status()).toMatchObject({ state: 'drifted', cause: 'more survivors' });
    expect(calibrated.runsCalibrated()).toBe(false);
    const inputs = makeInputs(100, 72);
    for (let i = 0; i < 100; i++) {
      const x = inputs.subarray(i * D, (i + 1) * D);
      expect(calibrated.forward(x)).toEqual(calibrated.forwardExact(x));
    }
    calibrated.resetDrift();
    expect(calibrated.runsCalibrated()).toBe(true);
  });

  it('is only reported if so wished', async () => {
    const block = makeBlock();
    using calibrated = await calibrateMlp({ block }, makeInputs(4000, 2), { ...OPTIONS, drift: { onDrift: 'report' } });
    calibrated.forwardBatch(makeInputs(3000, 71, 0.3), 3000);
    expect(calibrated.status()).toMatchObject({ state: 'drifted', cause: 'fewer survivors' });
    expect(calibrated.runsCalibrated()).toBe(true);
  });

  it('is seen in the missed mass alone', () => {
    const watch = createDriftWatch(MEASURED);
    const random = createRandom(2);
    let count = 0;
    for (; count < 2000 && !watch.isDrifted(); count++) {
      watch.addSurvivors(0.1);
      watch.addMissed(0.006 * random.uniform());
    }
    expect(count).toBeLessThan(200);
    expect(watch.status()).toMatchObject({ cause: 'missed mass', foundAt: count });
  });

  it('is looked for 32 inputs at a time, whoever asks, and dated to the input', () => {
    const [asked, unasked] = [createDriftWatch(MEASURED), createDriftWatch(MEASURED)];
    for (let i = 1; i <= 32; i++) {
      for (const watch of [asked, unasked]) {
        expect(watch.isDrifted()).toBe(false);
        watch.addSurvivors(0.9);
      }
      expect(asked.status()).toMatchObject({ inputCount: i });
      expect(asked.status().survivorRate.mean).toBeCloseTo(0.9, 12);
    }
    for (const watch of [asked, unasked]) expect(watch.isDrifted()).toBe(true);
    expect(asked.status()).toEqual(unasked.status());
    expect(asked.status().foundAt).toBeLessThan(8);
  });

  it('is checked for on inputs drawn independently', () => {
    const drawn = (checkEvery: number): boolean[] => {
      const watch = createDriftWatch(MEASURED, { checkEvery });
      return Array.from({ length: 40_000 }, () => watch.drawCheck());
    };
    expect(drawn(1)).not.toContain(false);
    expect(drawn(Infinity)).not.toContain(true);
    const draws = drawn(4);
    const rate = draws.filter((isDrawn) => isDrawn).length / draws.length;
    const pairs = draws.filter((isDrawn, i) => isDrawn && draws[i + 1]).length / draws.length;
    // Four standard deviations of independent draws.
    expect(Math.abs(rate - 1 / 4)).toBeLessThan(4 * Math.sqrt(3 / 16 / draws.length));
    expect(Math.abs(pairs - 1 / 16)).toBeLessThan(4 * Math.sqrt(((1 / 16) * (15 / 16 + 6 / 16)) / draws.length));
  });

  it('is hardly ever seen where there is none', () => {
    let drifted = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const random = createRandom(seed);
      const watch = createDriftWatch(MEASURED, { falseAlarm: 0.1, tolerance: 0 });
      for (let i = 0; i < 5000; i++) {
        watch.addSurvivors(0.21 * random.uniform());
        if (i % 8 === 0) watch.addMissed(random.uniform() < 0.01 ? 0.2 * random.uniform() : 0);
      }
      if (watch.isDrifted()) drifted++;
    }
    expect(drifted / 100).toBeLessThanOrEqual(0.1 + 3 * Math.sqrt(0.09 / 100));
  });
});

describe('files of calibrated blocks', () => {
  const make = (method: 'lookup' | 'low-rank', seed = 1) =>
    calibrateMlp({ block: makeBlock({ seed }) }, makeInputs(3000, 2), { ...OPTIONS, methods: [method] });

  it.each(['lookup', 'low-rank'] as const)('hold all of it: %s', async (method) => {
    using calibrated = await make(method);
    using read = await parseCalibratedMlp(await calibrated.serialize(), 'file');
    expect(read.calibration).toEqual(calibrated.calibration);
    const inputs = makeInputs(50, 5);
    expect(read.forwardBatch(inputs, 50)).toEqual(calibrated.forwardBatch(inputs, 50));
    expect(read.activeUnits()).toEqual(calibrated.activeUnits());
  });

  it('hold the reason where there is no calibration', async () => {
    using exact = await calibrateMlp({ block: makeBlock() }, makeInputs(100, 2));
    using read = await parseCalibratedMlp(await exact.serialize(), 'file');
    expect(read).toMatchObject({ method: 'exact', reason: exact.reason });
  });

  it('are refused in other versions, and with a rank that cannot be', async () => {
    using calibrated = await make('low-rank');
    const bytes = await calibrated.serialize();
    const rehashed = async (wrong: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> => {
      wrong.set(new Uint8Array(await crypto.subtle.digest('SHA-256', wrong.subarray(0, -32))), wrong.length - 32);
      return wrong;
    };
    const older = bytes.slice();
    older[8] = 1;
    await expect(parseCalibratedMlp(await rehashed(older), 'file')).rejects.toThrow(
      /has version 1; this is for version 2/,
    );
    for (const [from, to] of [
      ['"rank":16', '"rank":24'],
      ['"rank":16', '"rank":64'],
      ['"leadColumns":0', '"leadColumns":8'],
    ]) {
      const headerBytes = new DataView(bytes.buffer).getUint32(12, true);
      const header = new TextDecoder().decode(bytes.subarray(16, 16 + headerBytes));
      expect(header).toContain(from);
      const wrong = bytes.slice();
      wrong.set(new TextEncoder().encode(header.replace(from, to)), 16);
      await expect(parseCalibratedMlp(await rehashed(wrong), 'file')).rejects.toMatchObject({ code: 'model-file' });
    }
  });

  it.each(['lookup', 'low-rank'] as const)(
    'are refused with NaN in their screen, or an empty interval: %s',
    async (method) => {
      using calibrated = await make(method);
      const bytes = await calibrated.serialize();
      const headerBytes = new DataView(bytes.buffer).getUint32(12, true);
      const header = new TextDecoder().decode(bytes.subarray(16, 16 + headerBytes));
      const { preparedBytes, calibration } = JSON.parse(header);
      const scales = Math.ceil((16 + headerBytes) / 64) * 64 + Math.ceil(preparedBytes / 64) * 64;
      const thresholds = scales + Math.ceil((4 * calibratedUnits(makeBlock().unitCount)) / 64) * 64;
      const forged = async (change: (view: DataView, wrong: Uint8Array<ArrayBuffer>) => void) => {
        const wrong = bytes.slice();
        change(new DataView(wrong.buffer), wrong);
        wrong.set(new Uint8Array(await crypto.subtle.digest('SHA-256', wrong.subarray(0, -32))), wrong.length - 32);
        return parseCalibratedMlp(wrong, 'file');
      };
      using same = await forged(() => undefined);
      expect(same.method).toBe(method);
      for (const at of [scales, thresholds + 8]) {
        const nan = forged((view) => view.setFloat32(at, Number.NaN, true));
        await expect(nan).rejects.toThrow(/number \d of its screen is NaN/);
      }
      await expect(forged((view) => view.setFloat32(scales + 4, -1, true))).rejects.toThrow(
        /number 1 of its screen is -1/,
      );
      const [low, high] = calibration.missedMass.interval;
      const text = header.replace(JSON.stringify([low, high]), JSON.stringify([high, low]));
      expect(text).not.toBe(header);
      const turned = forged((_, wrong) => wrong.set(new TextEncoder().encode(text), 16));
      await expect(turned).rejects.toThrow(/ends before it begins/);
    },
  );

  it('are refused when edited, cut off, or put together with another block', async () => {
    using calibrated = await make('lookup');
    using other = await make('lookup', 2);
    const bytes = await calibrated.serialize();
    const edited = bytes.slice();
    edited[bytes.length >> 1] ^= 1;
    for (const wrong of [edited, bytes.slice(0, -64), new Uint8Array(100)]) {
      await expect(parseCalibratedMlp(wrong, 'file')).rejects.toMatchObject({ code: 'model-file' });
    }
    // The other block's prepared file in its place, and the outer hash made right again.
    const foreign = bytes.slice();
    const otherBytes = await other.serialize();
    const headerBytes = new DataView(bytes.buffer).getUint32(12, true);
    const start = Math.ceil((16 + headerBytes) / 64) * 64;
    const otherStart = Math.ceil((16 + new DataView(otherBytes.buffer).getUint32(12, true)) / 64) * 64;
    const { preparedBytes } = JSON.parse(new TextDecoder().decode(bytes.subarray(16, 16 + headerBytes)));
    foreign.set(otherBytes.subarray(otherStart, otherStart + preparedBytes), start);
    const hash = await crypto.subtle.digest('SHA-256', foreign.subarray(0, -32));
    foreign.set(new Uint8Array(hash), foreign.length - 32);
    await expect(parseCalibratedMlp(foreign, 'file')).rejects.toThrow(/made for another block/);
  });
});

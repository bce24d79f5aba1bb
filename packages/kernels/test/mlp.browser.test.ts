import { describe, expect, it } from 'vitest';
import {
  boundRows,
  createMlpKernel,
  type MlpKernelOptions,
  type MlpScreen,
  type MlpWeights,
  packedIndex,
  paddedColumns,
  quantiseRows,
  referenceMlp,
  stepDown,
} from '../src/index.ts';
import { borderBiases, createStream, drawInput, INPUT_KINDS, type MlpShape, makeLayer, sameBits } from './mlp-cases.ts';

const SHAPES: readonly MlpShape[] = [
  { inputWidth: 1, unitCount: 1, outputWidth: 1, squared: false, gated: false },
  { inputWidth: 16, unitCount: 8, outputWidth: 16, squared: false, gated: false },
  { inputWidth: 19, unitCount: 27, outputWidth: 5, squared: true, gated: false },
  { inputWidth: 33, unitCount: 50, outputWidth: 17, squared: false, gated: true },
  { inputWidth: 64, unitCount: 61, outputWidth: 64, squared: true, gated: true },
];

function screenOf(weights: MlpWeights): MlpScreen {
  const rows = quantiseRows(weights.up, weights.inputWidth, weights.unitCount);
  return boundRows(rows, weights.up, weights.upBias, weights.inputWidth);
}

interface Mismatches {
  activeSets: number;
  outputs: number;
  screenedOut: number;
}

// Sparse against dense (same memory) and every so often against the reference, with every fourth layer on the border.
async function stress(
  shape: MlpShape,
  inputCount: number,
  options: MlpKernelOptions,
  change: (screen: MlpScreen) => MlpScreen = (screen) => screen,
): Promise<Mismatches> {
  const found = { activeSets: 0, outputs: 0, screenedOut: 0 };
  const perLayer = 20;
  const next = createStream(7);
  const x = new Float32Array(shape.inputWidth);
  const [sparse, dense] = [0, 1].map(() => new Float32Array(shape.outputWidth));
  for (let done = 0, seed = 1; done < inputCount; seed++) {
    let weights = makeLayer(shape, seed, seed % 7 === 0 ? 1e-20 : seed % 7 === 1 ? 1e15 : 1);
    const onBorder = seed % 4 === 0;
    if (onBorder) {
      drawInput(seed % INPUT_KINDS, next, x);
      weights = { ...weights, upBias: borderBiases(weights, x) };
    }
    const kernel = await createMlpKernel(weights, change(screenOf(weights)), options);
    for (let k = 0; k < perLayer; k++, done++) {
      if (!onBorder || k > 0) drawInput((k + seed) % INPUT_KINDS, next, x);
      kernel.run('dense', x, 0, 1, dense, 0);
      const active = kernel.activeUnits(0);
      kernel.run('sparse', x, 0, 1, sparse, 0);
      found.screenedOut += shape.unitCount - kernel.evaluatedCount(0);
      const units = kernel.activeUnits(0);
      if (units.length !== active.length || units.some((u, i) => u !== active[i])) found.activeSets++;
      if (!sameBits(sparse, dense)) found.outputs++;
      if (k % 4 === 0) {
        const expected = referenceMlp(weights, x);
        if (!sameBits(dense, expected.output)) found.outputs++;
        if (active.join() !== expected.activeUnits.join()) found.activeSets++;
      }
    }
    kernel.dispose();
  }
  return found;
}

describe('feed-forward layers', () => {
  it.each(['simd', 'scalar'] as const)(
    'sparse = dense = reference, bit for bit, on hostile inputs: %s',
    async (variant) => {
      for (const shape of SHAPES) {
        const found = await stress(shape, 1000, { variant });
        expect(found).toMatchObject({ activeSets: 0, outputs: 0 });
        // The test would prove nothing if every unit were evaluated.
        if (shape.unitCount > 1) expect(found.screenedOut).toBeGreaterThan(1000 * shape.unitCount * 0.2);
      }
    },
  );

  it('the same stress finds a bound that is a little too small', async () => {
    const shrink = (factor: number) => (screen: MlpScreen) => ({
      ...screen,
      weightErrors: screen.weightErrors.map((e) => e * factor),
      codeNorms: screen.codeNorms.map((e) => e * factor),
    });
    let missed = 0;
    for (const shape of SHAPES) missed += (await stress(shape, 1000, {}, shrink(0.3))).activeSets;
    expect(missed).toBeGreaterThan(0);
    // Without the errors of rounding and quantising, units on the border are lost at once.
    missed = 0;
    for (const shape of SHAPES) missed += (await stress(shape, 400, {}, shrink(0))).activeSets;
    expect(missed).toBeGreaterThan(20);
  });

  it('the threshold alone does not carry the underflow: without its slack, border units are lost', async () => {
    const bare = (screen: MlpScreen): MlpScreen => ({
      ...screen,
      weightErrors: screen.weightErrors.map(() => 0),
      thresholds: screen.thresholds.map((t) => t + 2 ** -115),
    });
    expect((await stress(SHAPES[3], 400, {}, bare)).activeSets).toBeGreaterThan(0);
  });

  it('NaN and infinity go through every unit and come out as by definition', async () => {
    for (const shape of SHAPES) {
      const weights = makeLayer(shape, 3);
      const kernel = await createMlpKernel(weights, screenOf(weights), {});
      const output = new Float32Array(shape.outputWidth);
      for (const bad of [Number.NaN, Infinity, -Infinity]) {
        const x = new Float32Array(shape.inputWidth).fill(0.5);
        x[shape.inputWidth >> 1] = bad;
        const expected = referenceMlp(weights, x);
        for (const method of ['sparse', 'dense'] as const) {
          kernel.run(method, x, 0, 1, output, 0);
          expect(sameBits(output, expected.output)).toBe(true);
          expect(kernel.activeUnits(0)).toEqual(expected.activeUnits);
          expect(kernel.evaluatedCount(0)).toBe(shape.unitCount);
        }
      }
    }
  });

  it('batches of any size, both ways, give each input what it gets alone', async () => {
    const shape = { inputWidth: 70, unitCount: 1500, outputWidth: 40, squared: false, gated: true };
    const weights = makeLayer(shape, 5);
    const screen = screenOf(weights);
    const next = createStream(3);
    const inputs = new Float32Array(13 * 70);
    for (let i = 0; i < 13; i++) drawInput(i % INPUT_KINDS, next, inputs.subarray(70 * i, 70 * i + 70));
    for (const variant of ['simd', 'scalar'] as const) {
      const kernel = await createMlpKernel(weights, screen, { variant, inputCapacity: 13 });
      for (const count of [1, 2, 4, 7, 13]) {
        for (const method of ['sparse', 'dense'] as const) {
          const outputs = new Float32Array(40 * count);
          kernel.run(method, inputs, 0, count, outputs, 0);
          for (let i = 0; i < count; i++) {
            const expected = referenceMlp(weights, inputs.subarray(70 * i, 70 * i + 70));
            expect(sameBits(outputs.subarray(40 * i, 40 * i + 40), expected.output)).toBe(true);
            expect(kernel.activeUnits(i)).toEqual(expected.activeUnits);
          }
        }
      }
    }
  });

  it('a list that holds the active units is enough; with fewer, exactly those count', async () => {
    const weights = makeLayer(SHAPES[3], 9);
    const kernel = await createMlpKernel(weights, screenOf(weights), {});
    const x = new Float32Array(33);
    drawInput(0, createStream(5), x);
    const expected = referenceMlp(weights, x);
    const output = new Float32Array(17);
    kernel.runListed(x, expected.activeUnits, output);
    expect(sameBits(output, expected.output)).toBe(true);
    kernel.runListed(x, expected.activeUnits.subarray(1), output);
    expect(kernel.activeUnits(0)).toEqual(expected.activeUnits.subarray(1));
    kernel.run('sparse', x, 0, 1, output, 0);
    expect(sameBits(output, expected.output)).toBe(true);
  });

  it('bounds cover what quantising leaves, by a sum of another kind', () => {
    const weights = makeLayer(SHAPES[3], 11);
    const { inputWidth: d, unitCount } = weights;
    const screen = screenOf(weights);
    const columns = paddedColumns(d);
    for (let u = 0; u < unitCount; u++) {
      const left: number[] = [];
      const codes: number[] = [];
      for (let c = 0; c < d; c++) {
        const code = screen.rows[packedIndex(u, c, columns)];
        codes.push(screen.scales[u] * code);
        left.push(weights.up[u * d + c] - screen.scales[u] * code);
        if (u > 1) expect(Math.abs(left[c])).toBeLessThanOrEqual(screen.scales[u] * 0.5001);
      }
      expect(screen.weightErrors[u]).toBeGreaterThanOrEqual(Math.hypot(...left));
      expect(screen.codeNorms[u]).toBeGreaterThanOrEqual(Math.hypot(...codes));
      expect(screen.thresholds[u]).toBeLessThan(-weights.upBias[u]);
    }
  });

  it('thresholds lie below -bias by more than all underflow, for every size of bias', () => {
    const biases = [0, -0, 1, -1, 2 ** -149, -(2 ** -149), 2 ** -92, -(2 ** -92), 2 ** -116, -(2 ** -116), 3e38, -3e38];
    for (let e = -149; e < 128; e++) biases.push(2 ** e, -(2 ** e), Math.fround(1.7 * 2 ** e));
    const upBias = Float32Array.from(biases.filter((b) => Math.abs(b) < 3.5e38));
    const up = new Float32Array(upBias.length);
    const screen = boundRows(quantiseRows(up, 1, upBias.length), up, upBias, 1);
    upBias.forEach((bias, u) => {
      const t = screen.thresholds[u];
      // In whole multiples of 2^-149, exactly.
      const units = (v: number): bigint => BigInt(v * 2 ** 149);
      if (Number.isFinite(t)) expect(units(t) <= -units(bias) - units(2 ** -117)).toBe(true);
    });
    expect([stepDown(0), stepDown(1), stepDown(-1)]).toEqual([-(2 ** -149), 1 - 2 ** -24, -1 - 2 ** -23]);
  });
});

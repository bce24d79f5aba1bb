import { describe, expect, it } from 'vitest';
import {
  boundRows,
  type CalibratedScreen,
  calibratedUnits,
  createMlpKernel,
  LOOKUP_LEVELS,
  lowRankEstimates,
  packLookupCodes,
  quantiseLowRank,
  quantiseRows,
  type ReluLayer,
  referenceEstimates,
  referenceMlp,
  referenceSurvivors,
} from '../src/index.ts';
import { createStream, drawInput, INPUT_KINDS, makeLayer, sameBits } from './mlp-cases.ts';

const SHAPES = [
  { inputWidth: 1, unitCount: 1, outputWidth: 1, squared: false, gated: false },
  { inputWidth: 19, unitCount: 27, outputWidth: 5, squared: true, gated: false },
  { inputWidth: 64, unitCount: 61, outputWidth: 16, squared: false, gated: true },
  // More than one pass of 16-bit sums.
  { inputWidth: 1200, unitCount: 40, outputWidth: 3, squared: false, gated: false },
];

function drawScreen(method: string, weights: ReluLayer, seed: number): CalibratedScreen {
  const next = createStream(seed);
  const units = calibratedUnits(weights.unitCount);
  const thresholds = Float32Array.from({ length: units }, () => next() - 0.5);
  const { inputWidth, unitCount } = weights;
  if (method === 'lookup') {
    const levels = Uint8Array.from({ length: inputWidth * unitCount }, () => Math.floor(4 * next()));
    const scales = Float32Array.from({ length: units }, () => next());
    return { method: 'lookup', codes: packLookupCodes(levels, weights), scales, thresholds };
  }
  const rank = multipleOf16(inputWidth / 4) + (method === 'low-rank' ? 0 : 32);
  const factors = Float32Array.from({ length: rank * unitCount }, () => next() - 0.5);
  const projection = Float32Array.from({ length: rank * inputWidth }, () => next() - 0.5);
  const lead = method === 'low-rank' ? undefined : { columns: 16, thresholds: thresholds.map((h) => h - 0.5) };
  return { method: 'low-rank', ...quantiseLowRank(factors, projection, rank, weights), lead, thresholds };
}

function multipleOf16(count: number): number {
  return 16 * Math.ceil(count / 16);
}

describe.each(['lookup', 'low-rank', 'low-rank after its leading columns'])('the calibrated screen by %s', (method) => {
  it.each(['simd', 'scalar'] as const)(
    'lets through what the definition does, and evaluates it: %s',
    async (variant) => {
      let left = 0;
      let total = 0;
      for (const [k, shape] of SHAPES.entries()) {
        const weights = makeLayer(shape, k + 1);
        const calibrated = drawScreen(method, weights, k + 5);
        const rows = boundRows(
          quantiseRows(weights.up, shape.inputWidth, shape.unitCount),
          weights.up,
          weights.upBias,
          shape.inputWidth,
        );
        const kernel = await createMlpKernel(weights, rows, { variant, calibrated });
        const next = createStream(k + 9);
        const x = new Float32Array(shape.inputWidth);
        const output = new Float32Array(shape.outputWidth);
        for (let i = 0; i < 60; i++) {
          drawInput(i % INPUT_KINDS, next, x);
          const survivors = referenceSurvivors(calibrated, weights, x);
          kernel.runCalibrated(x, 0, output, 0);
          expect(kernel.evaluatedCount(0)).toBe(survivors.length);
          const listed = new Float32Array(shape.outputWidth);
          const found = kernel.activeUnits(0);
          const expected = referenceMlp(weights, x).activeUnits.filter((u) => survivors.includes(u));
          expect(found).toEqual(expected);
          kernel.runListed(x, survivors, listed);
          expect(sameBits(listed, output)).toBe(true);
          left += shape.unitCount - survivors.length;
          total += shape.unitCount;
        }
        kernel.dispose();
      }
      expect(left / total).toBeGreaterThan(0.2);
      expect(left / total).toBeLessThan(0.9);
    },
  );

  it('lets every unit through for NaN and infinity, so that they reach the output', async () => {
    const weights = makeLayer(SHAPES[1], 2);
    const rows = boundRows(quantiseRows(weights.up, 19, 27), weights.up, weights.upBias, 19);
    const kernel = await createMlpKernel(weights, rows, { calibrated: drawScreen(method, weights, 3) });
    for (const bad of [Number.NaN, Infinity]) {
      const x = new Float32Array(19).fill(0.5);
      x[7] = bad;
      const output = new Float32Array(5);
      kernel.runCalibrated(x, 0, output, 0);
      expect(kernel.evaluatedCount(0)).toBe(27);
      expect(sameBits(output, referenceMlp(weights, x).output)).toBe(true);
    }
    kernel.dispose();
  });
});

describe('estimates', () => {
  it('of a lookup are near the dot of levels and input', () => {
    const shape = { inputWidth: 32, unitCount: 40 };
    const next = createStream(4);
    const levels = Uint8Array.from({ length: 32 * 40 }, () => Math.floor(4 * next()));
    const scales = new Float32Array(64).fill(0.5);
    const input = Float32Array.from({ length: 32 }, () => next() - 0.5);
    const screen = { method: 'lookup' as const, codes: packLookupCodes(levels, shape), scales };
    const estimates = referenceEstimates(
      screen,
      shape,
      input,
      Array.from({ length: 40 }, (_, u) => u),
    );
    // Sixteen tables, each within half a step of at most 1.51 / 63.
    for (const [u, estimate] of estimates.entries()) {
      const dot = input.reduce((sum, v, c) => sum + 0.5 * v * LOOKUP_LEVELS[levels[32 * u + c]], 0);
      expect(Math.abs(estimate - dot)).toBeLessThan(0.5 * 16 * 0.5 * (1.51 / 63));
    }
  });

  it.each([16, 48])('of low rank are near the product of the factors, of %i columns', (columns) => {
    const next = createStream(6);
    const [rank, unitCount, inputWidth] = [48, 40, 30];
    const factors = Float32Array.from({ length: rank * unitCount }, () => next() - 0.5);
    const projection = Float32Array.from({ length: rank * inputWidth }, () => next() - 0.5);
    const input = Float32Array.from({ length: inputWidth }, () => next() - 0.5);
    const shape = { inputWidth, unitCount };
    const screen = { method: 'low-rank' as const, ...quantiseLowRank(factors, projection, rank, shape) };
    const units = Array.from({ length: 40 }, (_, u) => u);
    const [estimates] = lowRankEstimates(screen, shape, input, units, [columns]);
    const z = Array.from({ length: columns }, (_, r) =>
      input.reduce((sum, v, c) => sum + v * projection[r * 30 + c], 0),
    );
    // Half a step of 0.5 / 127 in every factor, and in every entry of the projection.
    const size = input.reduce((sum, v) => sum + Math.abs(v), 0);
    for (const [u, estimate] of estimates.entries()) {
      const own = factors.subarray(u * rank, u * rank + columns);
      const dot = z.reduce((sum, v, r) => sum + v * own[r], 0);
      const slack = z.reduce((sum, v, r) => sum + Math.abs(v) + Math.abs(own[r]) * size, 0) * (0.5 / 254) + 1e-3;
      expect(Math.abs(estimate - dot)).toBeLessThan(slack);
    }
  });
});

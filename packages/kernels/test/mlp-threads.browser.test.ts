import { describe, expect, it } from 'vitest';
import { boundProjection, boundRows, createMlpKernel, quantiseProjection, quantiseRows } from '../src/index.ts';
import { createStream, drawBasis, drawInput, INPUT_KINDS, makeLayer, sameBits } from './mlp-cases.ts';

describe('feed-forward layers on threads', () => {
  it.each([false, true])(
    'the result does not depend on the number of threads (projection: %s)',
    async (isProjected) => {
      // A projection is shared out from a quarter of a million products on.
      const width = isProjected ? 1024 : 100;
      const shape = { inputWidth: width, unitCount: 777, outputWidth: 90, squared: true, gated: true };
      const weights = makeLayer(shape, 2);
      const screen = boundRows(quantiseRows(weights.up, width, 777), weights.up, weights.upBias, width);
      const project = () => {
        const basis = drawBasis(256, width, createStream(5));
        return boundProjection(quantiseProjection(basis, 256, weights.up, width, 0.5), weights.up, width);
      };
      const projection = isProjected ? project() : undefined;
      const kernels = await Promise.all(
        [1, 2, 3].map((threads) => createMlpKernel(weights, screen, { threads, inputCapacity: 6, projection })),
      );
      // In Chromium too: tests run in a page that may share memory.
      expect(kernels.map((kernel) => kernel.threads)).toEqual([1, 2, 3]);
      const next = createStream(17);
      const inputs = new Float32Array(6 * width);
      for (let repeat = 0; repeat < (isProjected ? 12 : 300); repeat++) {
        for (let i = 0; i < 6; i++) {
          drawInput((repeat + i) % INPUT_KINDS, next, inputs.subarray(width * i, width * (i + 1)));
        }
        const count = 1 + (repeat % 6);
        const method = repeat % 3 === 0 ? 'dense' : 'sparse';
        const results = kernels.map((kernel) => {
          const outputs = new Float32Array(90 * count);
          kernel.run(method, inputs, 0, count, outputs, 0);
          return { outputs, units: kernel.activeUnits(count - 1), evaluated: kernel.evaluatedCount(count - 1) };
        });
        for (const other of results.slice(1)) {
          expect(sameBits(other.outputs, results[0].outputs)).toBe(true);
          expect(other.units).toEqual(results[0].units);
          expect(other.evaluated).toBe(results[0].evaluated);
        }
      }
      for (const kernel of kernels) kernel.dispose();
    },
  );
});

import { describe, expect, it } from 'vitest';
import { createMonomialOperator, type PackedPoints, planSignedEstimate, signedEstimate } from '../src/index.ts';
import { lcg, randomPoints } from './random-points.ts';

function signs(length: number, seed: number): Float64Array {
  const random = lcg(seed);
  return Float64Array.from({ length }, () => (random() < 0.3 ? -1 : 1));
}

async function adjoint(points: PackedPoints, rows: Float64Array, degree: number): Promise<Float64Array> {
  const operator = await createMonomialOperator(points, { degree });
  const sums = new Float64Array(operator.plan.monomialCount);
  await operator.adjoint(rows, sums);
  operator.dispose();
  return sums;
}

describe('signed estimate', () => {
  it.each([
    [2, 1, 10],
    [1, 1, 1],
    [9, 1, 63],
    [20, 2, 64],
    [33, 2, 1000],
    [17, 3, 65],
    [12, 4, 500],
    [5, 5, 200],
    [4, 9, 100],
  ])('n=%i d=%i m=%i: simd = scalar = reference = the operator, exactly', async (n, d, m) => {
    const points = randomPoints(m, n, n + m);
    const target = signs(m, d);
    for (const rowWeights of [undefined, signs(m, 9).map((sign) => (1 + sign) / 2)]) {
      const expected = await signedEstimate(points, target, d, { rowWeights, variant: 'reference' });
      expect(await signedEstimate(points, target, d, { rowWeights, variant: 'simd' })).toEqual(expected);
      expect(await signedEstimate(points, target, d, { rowWeights, variant: 'scalar' })).toEqual(expected);
      const rows = target.map((y, i) => y * (rowWeights?.[i] ?? 1));
      expect(await adjoint(points, rows, d)).toEqual(expected);
    }
  });

  it('several chunks of rows: the block method gives the same integers', async () => {
    const points = randomPoints(40_000, 30, 1);
    const target = signs(40_000, 2);
    expect(await signedEstimate(points, target, 3)).toEqual(await adjoint(points, target, 3));
  });

  it('refuses what is not a sign, and other weights', async () => {
    const points = randomPoints(3, 2, 1);
    await expect(signedEstimate(points, Float64Array.of(1, -1, 0), 1)).rejects.toThrow('target 0 in row 2');
    const rowWeights = Float64Array.of(1, 0.5, 0);
    await expect(signedEstimate(points, signs(3, 1), 1, { rowWeights })).rejects.toThrow('weight 0.5 of row 1');
    await expect(signedEstimate(points, signs(2, 1), 1)).rejects.toThrow('expected 3 targets');
  });

  it('an abort while it runs rejects with the reason', async () => {
    const points = randomPoints(50_000, 64, 1);
    const controller = new AbortController();
    const call = signedEstimate(points, signs(50_000, 1), 3, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
  });

  it('predicts its bytes to a page', async () => {
    const original = WebAssembly.Memory;
    let bytes = 0;
    WebAssembly.Memory = class extends original {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        super(descriptor);
        bytes = this.buffer.byteLength;
      }
    };
    try {
      await signedEstimate(randomPoints(5000, 40, 1), signs(5000, 1), 2);
      const predicted = planSignedEstimate({ rowCount: 5000, coordinateCount: 40, degree: 2 }).memoryBytes;
      expect(bytes - predicted).toBeGreaterThanOrEqual(0);
      expect(bytes - predicted).toBeLessThan(65536);
    } finally {
      WebAssembly.Memory = original;
    }
  });
});

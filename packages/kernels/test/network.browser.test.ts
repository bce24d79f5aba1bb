import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  countNetworkActivity,
  type DenseNetwork,
  evaluateDenseNetwork,
  type PackedPoints,
  referenceNetwork,
} from '../src/index.ts';

// By the definition, in the plainest order.
function byDefinition(network: DenseNetwork, points: PackedPoints, row: number): { value: number; active: number[] } {
  const { inputCount: n, unitCount, weights, biases, outputWeights } = network;
  let value = 0;
  const active: number[] = [];
  for (let j = 0; j < unitCount; j++) {
    let z = -biases[j];
    for (let i = 0; i < n; i++) {
      const bit = (points.planes[(i >> 3) * points.rowCount + row] >> (i & 7)) & 1;
      z += weights[j * n + i] * (bit === 1 ? -1 : 1);
    }
    if (z > 0) {
      value += outputWeights[j] * z;
      active.push(j);
    }
  }
  return { value, active };
}

function makeCase(n: number, s: number, m: number, number: (i: number) => number): [DenseNetwork, PackedPoints] {
  const network = {
    inputCount: n,
    unitCount: s,
    weights: Float64Array.from({ length: n * s }, (_, i) => number(i)),
    biases: Float64Array.from({ length: s }, (_, j) => number(7 * j + 3)),
    outputWeights: Float64Array.from({ length: s }, (_, j) => number(5 * j + 1)),
  };
  const planeCount = Math.ceil(n / 8);
  const planes = Uint8Array.from({ length: planeCount * m }, (_, i) => {
    const mask = i >= (planeCount - 1) * m ? 255 >> (8 * planeCount - n) : 255;
    return (Math.imul(i + 1, 2654435761) >>> 13) & mask;
  });
  return [network, { rowCount: m, coordinateCount: n, planes }];
}

const real = (i: number): number => Math.sin(1.7 * i + 0.3) * 3;
const integer = (i: number): number => ((i * 7919) % 23) - 11;

describe('network-dense', () => {
  it('simd, scalar and reference agree bit for bit, and with the definition', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 50 }),
        fc.integer({ min: 0, max: 60 }),
        fc.boolean(),
        async (n, s, m, exact) => {
          const [network, points] = makeCase(n, s, m, exact ? integer : real);
          const expected = referenceNetwork(network, points);
          for (const variant of ['simd', 'scalar'] as const) {
            expect(await evaluateDenseNetwork(network, points, { variant })).toEqual(expected);
          }
          const counts = await countNetworkActivity(network, points, { variant: 'reference' });
          expect(await countNetworkActivity(network, points, { variant: 'simd' })).toEqual(counts);
          expect(await countNetworkActivity(network, points, { variant: 'scalar' })).toEqual(counts);
          const unitCounts = new Float64Array(s);
          for (let i = 0; i < m; i++) {
            const { value, active } = byDefinition(network, points, i);
            if (exact) expect(expected[i]).toBe(value);
            else expect(Math.abs(expected[i] - value)).toBeLessThan(1e-12 * 9 * (n + 1) * (s + 1));
            expect(counts.rowCounts[i]).toBe(active.length);
            for (const j of active) unitCounts[j]++;
          }
          expect(counts.unitCounts).toEqual(unitCounts);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('many inputs take several passes, unused bytes are skipped, and any threads give the same', async () => {
    // 300 inputs are 38 bytes, more than two passes; units 16 to 31 see bytes 0 and 37 only, units 32 f. none.
    const [dense, points] = makeCase(300, 40, 700, real);
    const weights = dense.weights.map((w, i) => {
      const unit = Math.floor(i / 300);
      const byte = (i % 300) >> 3;
      return unit < 16 || (unit < 32 && (byte === 0 || byte === 37)) ? w : 0;
    });
    const network = { ...dense, weights };
    const expected = referenceNetwork(network, points);
    const counts = await countNetworkActivity(network, points, { variant: 'reference' });
    for (const variant of ['simd', 'scalar'] as const) {
      for (const threads of [1, 2, 3]) {
        expect(await evaluateDenseNetwork(network, points, { variant, threads })).toEqual(expected);
        expect(await countNetworkActivity(network, points, { variant, threads })).toEqual(counts);
      }
    }
  });

  it('rows beyond one slab are right, and a row does not depend on its company', async () => {
    const [network, points] = makeCase(11, 17, 2 ** 18 + 1000, real);
    const done: number[] = [];
    const values = await evaluateDenseNetwork(network, points, { threads: 2, onRows: (rows) => done.push(rows) });
    expect(done).toEqual([2 ** 18, 2 ** 18 + 1000]);
    expect(values).toEqual(referenceNetwork(network, points));
    const { rowCounts, unitCounts } = await countNetworkActivity(network, points);
    const sum = (numbers: Uint32Array | Float64Array): number => {
      let total = 0;
      for (const count of numbers) total += count;
      return total;
    };
    expect(sum(unitCounts)).toBe(sum(rowCounts));
  });

  it('aborts', async () => {
    const [network, points] = makeCase(64, 1024, 2 ** 19, real);
    for (const threads of [1, 2]) {
      const controller = new AbortController();
      let slabs = 0;
      // From a timer, so that it comes only if the work lets others run: in the second slab, which takes long.
      const onRows = (): void => {
        slabs++;
        setTimeout(() => controller.abort(new Error('enough')));
      };
      const run = evaluateDenseNetwork(network, points, { threads, signal: controller.signal, onRows });
      await expect(run).rejects.toThrow('enough');
      expect(slabs).toBe(1);
    }
  });

  it('refuses points of another dimension', async () => {
    const [network] = makeCase(5, 3, 1, real);
    const [, points] = makeCase(6, 3, 1, real);
    await expect(evaluateDenseNetwork(network, points)).rejects.toThrow('5 inputs');
  });
});

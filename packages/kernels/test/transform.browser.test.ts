import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { referenceTransform, walshHadamard } from '../src/index.ts';

describe('walshHadamard', () => {
  for (const variant of ['simd', 'scalar'] as const) {
    for (const type of [Float64Array, Float32Array] as Float64ArrayConstructor[]) {
      it(`${variant} ${type.name}: equals the definition for every length up to 2^12`, async () => {
        for (let logSize = 0; logSize <= 12; logSize++) {
          const data = type.from({ length: 2 ** logSize }, (_, i) => ((i * 7919) % 23) - 11);
          const expected = referenceTransform(data);
          await walshHadamard(data, { variant });
          expect(Array.from(data)).toEqual(Array.from(expected));
        }
      });

      it(`${variant} ${type.name}: applied twice it multiplies by the length, up to 2^18`, async () => {
        for (const logSize of [13, 14, 15, 16, 17, 18]) {
          const data = type.from({ length: 2 ** logSize }, (_, i) => (i * 7919) % 5);
          const original = data.slice();
          await walshHadamard(data, { variant });
          // One output by its definition, so that an identity map cannot pass.
          let expected = 0;
          original.forEach((value, x) => {
            let bits = x & 0x2a5;
            for (const s of [8, 4, 2, 1]) bits ^= bits >> s;
            expected += (bits & 1) === 1 ? -value : value;
          });
          expect(data[0x2a5]).toBe(expected);
          await walshHadamard(data, { variant });
          expect(data.every((value, i) => value === original[i] * 2 ** logSize)).toBe(true);
        }
      });
    }
  }

  it('simd and scalar agree bit for bit on reals', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 14 }),
        fc.double({ min: -1, max: 1, noNaN: true }),
        async (logSize, a) => {
          const simd = Float64Array.from({ length: 2 ** logSize }, (_, i) => Math.sin(i * 1.7 + a));
          const scalar = simd.slice();
          await walshHadamard(simd, { variant: 'simd' });
          await walshHadamard(scalar, { variant: 'scalar' });
          expect(simd).toEqual(scalar);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('refuses lengths that are no power of two', async () => {
    await expect(walshHadamard(new Float64Array(12))).rejects.toThrow('power of two');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ExactUnit, exactLevel, exactUnit, exactUnits, planSweep, sweepActivity } from '../src/index.ts';

/** sign(<w, x> - b) from the doubles themselves, every one taken as a fraction over 2^1074. */
function isActive(weights: ArrayLike<number>, bias: number, isNegative: (input: number) => boolean): boolean {
  let sum = -overTiny(bias);
  for (let i = 0; i < weights.length; i++) sum += isNegative(i) ? -overTiny(weights[i]) : overTiny(weights[i]);
  return sum > 0n;
}

function overTiny(value: number): bigint {
  let power = 1074;
  let scaled = value;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    power--;
  }
  return BigInt(scaled) << BigInt(power);
}

interface Net {
  readonly n: number;
  readonly weights: Float64Array;
  readonly biases: Float64Array;
}

function bruteForce(net: Net, kind: 'cube' | 'lift', bitCount: number) {
  const pairs: (readonly number[])[] = Array.from({ length: bitCount }, (_, i) => [i]);
  if (kind === 'lift') for (let l = 1; l < bitCount; l++) for (let i = 0; i < l; i++) pairs.push([i, l]);
  const s = net.biases.length;
  const unitCounts = new Array<number>(s).fill(0);
  const perPoint: number[] = [];
  for (let y = 0; y < 2 ** bitCount; y++) {
    const negative = (input: number): boolean => pairs[input].reduce((sum, bit) => sum + ((y >> bit) & 1), 0) % 2 === 1;
    let active = 0;
    for (let j = 0; j < s; j++) {
      if (isActive(net.weights.subarray(j * net.n, (j + 1) * net.n), net.biases[j], negative)) {
        active++;
        unitCounts[j]++;
      }
    }
    perPoint.push(active);
  }
  const maximum = Math.max(...perPoint);
  const histogram = Array.from({ length: maximum + 1 }, (_, a) => perPoint.filter((count) => count === a).length);
  return { maximum, histogram, unitCounts, perPoint };
}

const integers = fc.integer({ min: -4, max: 4 });
const dyadics = fc.integer({ min: -12, max: 12 }).map((value) => value / 8);
const tenths = fc.integer({ min: -5, max: 5 }).map((value) => value / 10);
const mixed = fc.constantFrom(
  1,
  -1,
  1e-20,
  -1e-20,
  0,
  0.1,
  1 / 3,
  2 ** 40,
  -(2 ** 40) - 2 ** -20,
  5e-324,
  1e300,
  -1e300,
);
const doubles = fc.double({ min: -2, max: 2, noNaN: true });

function nets(numbers: fc.Arbitrary<number>, n: number): fc.Arbitrary<Net> {
  return fc.integer({ min: 0, max: 20 }).chain((s) =>
    fc
      .tuple(
        fc.array(numbers, { minLength: n * s, maxLength: n * s }),
        // Half of the biases are a sum of the unit's weights: ties, or as close as doubles come to one.
        fc.array(fc.tuple(numbers, fc.integer({ min: -1, max: 2 ** n - 1 })), { minLength: s, maxLength: s }),
      )
      .map(([weights, biases]) => ({
        n,
        weights: Float64Array.from(weights),
        biases: Float64Array.from(biases, ([free, mask], j) =>
          mask < 0
            ? free
            : weights.slice(j * n, (j + 1) * n).reduce((sum, w, i) => sum + ((mask >> i) & 1 ? -w : w), 0),
        ),
      })),
  );
}

const kinds = { integers, dyadics, tenths, mixed, doubles };

describe('sweepActivity', () => {
  for (const [name, numbers] of Object.entries(kinds)) {
    it(`${name}: every variant equals brute force on the doubles, ties included`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom<'cube' | 'lift'>('cube', 'lift').chain((kind) =>
            fc.integer({ min: 1, max: kind === 'cube' ? 7 : 4 }).chain((bitCount) =>
              nets(numbers, kind === 'cube' ? bitCount : (bitCount * (bitCount + 1)) / 2).map((net) => ({
                kind,
                bitCount,
                net,
              })),
            ),
          ),
          async ({ kind, bitCount, net }) => {
            const expected = bruteForce(net, kind, bitCount);
            const units = exactUnits(net.n, net.weights, net.biases);
            for (const variant of ['simd', 'scalar', 'reference'] as const) {
              const result = await sweepActivity(units, { kind, bitCount }, { variant });
              expect(result.maximum).toBe(expected.maximum);
              const each = 2 ** (bitCount - result.sweptBits);
              expect(Array.from(result.histogram, (count) => count * each)).toEqual(expected.histogram);
              expect(Array.from(result.unitCounts, (count) => count * each)).toEqual(expected.unitCounts);
              const code = result.witness.reduce((sum, bit, i) => sum + bit * 2 ** i, 0);
              expect(expected.perPoint[code]).toBe(expected.maximum);
            }
          },
        ),
        { numRuns: 60 },
      );
    });
  }

  it('simd = scalar = reference for several items, blocks and both kinds of unit', async () => {
    const n = 15;
    const s = 70;
    const weights = Float64Array.from({ length: n * s }, (_, i) => {
      const value = ((i * 7919) % 13) - 6;
      return i < 20 * n ? value : value + Math.sin(i);
    });
    const biases = Float64Array.from({ length: s }, (_, j) => (j % 5) - 2);
    const units = exactUnits(n, weights, biases);
    const simd = await sweepActivity(units, { kind: 'cube', bitCount: n }, { variant: 'simd' });
    expect(await sweepActivity(units, { kind: 'cube', bitCount: n }, { variant: 'scalar' })).toEqual(simd);
    const reference = await sweepActivity(units, { kind: 'cube', bitCount: n }, { variant: 'reference' });
    expect({ ...reference, resolvedCount: simd.resolvedCount }).toEqual(simd);
    expect(simd.histogram.reduce((sum, count) => sum + count, 0)).toBe(2 ** n);
    expect(simd.sweptBits).toBe(n);
  });

  it('rounded units on exact ties are decided by all their digits', async () => {
    // 1 + 1e-20 > 1 but 1 - 1e-20 < 1, and as doubles 1 + 1e-20 === 1.
    const units = [
      exactUnit(Float64Array.of(1, 1e-20, 0), 1),
      exactUnit(Float64Array.of(1e-20, 1, 2 ** -90), 1),
      exactUnit(Float64Array.of(1, 1e-20, 1e-20), 1),
    ];
    for (const variant of ['simd', 'scalar'] as const) {
      const result = await sweepActivity(units, { kind: 'cube', bitCount: 3 }, { variant });
      expect(result.resolvedCount).toBeGreaterThan(0);
      expect(Array.from(result.unitCounts)).toEqual([2, 2, 1]);
    }
  });

  it('bits without weight are not swept: 200 coordinates of which two matter', async () => {
    const weights = new Float64Array(400);
    weights[3] = 1;
    weights[199] = 1;
    weights[203] = -1;
    weights[399] = -1;
    const units = exactUnits(200, weights, Float64Array.of(0, 0));
    expect(planSweep(units, { kind: 'cube', bitCount: 200 }).sweptBits).toBe(2);
    const result = await sweepActivity(units, { kind: 'cube', bitCount: 200 });
    expect(result.maximum).toBe(1);
    expect(result.pointCount).toBe(4);
    expect(Array.from(result.unitCounts)).toEqual([1, 1]);
  });

  it('refuses more bits than a year can sweep, and inputs outside the domain', async () => {
    const units = exactUnits(41, new Float64Array(41).fill(1), Float64Array.of(0));
    await expect(sweepActivity(units, { kind: 'cube', bitCount: 41 })).rejects.toThrow('at most 40');
    await expect(sweepActivity(units, { kind: 'cube', bitCount: 40 })).rejects.toThrow('input 40');
  });

  it('aborts in the middle', async () => {
    const n = 34;
    const units = exactUnits(
      n,
      Float64Array.from({ length: 64 * n }, (_, i) => (i % 7) - 3),
      new Float64Array(64),
    );
    for (const threads of [1, 2]) {
      const controller = new AbortController();
      const shares: number[] = [];
      // Of a sweep of minutes; how soon the shares come depends on what else the machine does.
      const onShare = (done: number): void => {
        shares.push(done);
        if (shares.length === 2) controller.abort(new Error('enough'));
      };
      const sweep = sweepActivity(
        units,
        { kind: 'cube', bitCount: n },
        { signal: controller.signal, threads, onShare },
      );
      await expect(sweep).rejects.toThrow('enough');
      expect(shares[1]).toBeLessThan(0.5);
    }
  });
});

describe('exactUnit', () => {
  it('is the sign of <w, x> - b, and its least value above b is one that sums can take', () => {
    fc.assert(
      fc.property(
        fc
          .constantFrom(...Object.values(kinds))
          .chain((numbers) => fc.tuple(fc.array(numbers, { maxLength: 6 }), numbers)),
        ([weights, bias]) => {
          const unit: ExactUnit = exactUnit(Float64Array.from(weights), bias);
          let lowest: bigint | undefined;
          let highest: bigint | undefined;
          for (let x = 0; x < 2 ** weights.length; x++) {
            const level = exactLevel(unit, (i) => (x >> i) & 1);
            expect(level >= 1n).toBe(isActive(weights, bias, (i) => ((x >> i) & 1) === 1));
            if (lowest === undefined || level < lowest) lowest = level;
            if (highest === undefined || level > highest) highest = level;
          }
          expect([unit.lowest, unit.highest]).toEqual([lowest, highest]);
        },
      ),
    );
  });

  it('knows the tightened bias: integer weights, and odd doubles that share a divisor', () => {
    // Sums of three odd numbers are odd: the least above 0 is 1, above 1 it is 3.
    expect(exactUnit(Float64Array.of(1, -1, 1), 0).leastAbove).toBe(1);
    expect(exactUnit(Float64Array.of(1, -1, 1), 1).leastAbove).toBe(3);
    expect(exactUnit(Float64Array.of(2, 2), 1).leastAbove).toBe(4);
    expect(exactUnit(Float64Array.of(0.1, 0.1), 0.05).leastAbove).toBe(0.2);
    expect(exactUnit(Float64Array.of(0.1, 0.1), 0.05).steps).toEqual([1n, 1n]);
  });

  it('refuses NaN and infinities', () => {
    expect(() => exactUnit(Float64Array.of(Number.NaN), 0)).toThrow('finite');
    expect(() => exactUnit(Float64Array.of(1), Number.POSITIVE_INFINITY)).toThrow('finite');
  });
});

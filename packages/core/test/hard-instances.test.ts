import { describe, expect, it } from 'vitest';
import {
  type CubePoints,
  createNetwork,
  domainPoints,
  evaluateNetwork,
  evaluatePolynomial,
  fitLowDegree,
  learningWithRoundingNetwork,
  liftedParityNetwork,
  meanSquaredError,
  measureFiringRates,
  measureSparsity,
  sampleNetwork,
} from '../src/index.ts';
import { bitAt, createMonomialIndex, liftedPair, liftPoints, roundedLabel } from '../src/internal.ts';
import { createRandom, randomPoints, sign, wholeCube } from './helpers.ts';
import { measureMember, parityAt } from './network-helpers.ts';

describe('the lift', () => {
  it('has the bits, then the pairs, in the order of monomials', () => {
    for (const q of [1, 2, 5, 9, 17]) {
      const bits = randomPoints(20, q, createRandom(q));
      const lift = liftPoints(bits);
      expect(lift.coordinateCount).toBe((q * (q + 1)) / 2);
      const index = createMonomialIndex(q, 2);
      for (let row = 0; row < 20; row++) {
        for (let i = 0; i < q; i++) {
          expect(bitAt(lift, row, i)).toBe(bitAt(bits, row, i));
          for (let l = i + 1; l < q; l++) {
            const at = liftedPair(q, i, l);
            expect(at).toBe(index.indexOf([i, l]) - 1);
            expect(sign(lift, row, at)).toBe(sign(bits, row, i) * sign(bits, row, l));
          }
        }
      }
    }
  });
});

describe('lifted parity', () => {
  for (const form of ['tight', 'paper'] as const) {
    it(`${form}: equals the parity on the lift, exactly, and is 1-sparse there, W and B as claimed`, async () => {
      for (const [q, subset] of [
        [1, [0]],
        [4, [2]],
        [5, [0, 3]],
        [6, [1, 2, 5]],
        [6, [0, 1, 2, 4]],
        [7, [6, 0, 3, 2, 1]],
        [10, [0, 1, 3, 5, 8, 9]],
        [12, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
      ] as const) {
        for (const values of ['sign', 'zero-one'] as const) {
          const member = liftedParityNetwork({ bitCount: q, subset, values, form });
          const size = subset.length;
          expect(member.network.unitCount).toBe(values === 'sign' ? size + 1 : Math.floor(size / 2) + 1);
          const bits = wholeCube(q);
          const lift = domainPoints(member.network, 0, 2 ** q);
          expect(lift).toEqual(liftPoints(bits));
          const expected = Array.from({ length: 2 ** q }, (_, row) => {
            const parity = parityAt(bits, row, subset);
            return values === 'sign' ? parity : parity === 1 ? 1 : 0;
          });
          const measured = measureMember(member, lift);
          expect(measured.values).toEqual(expected);
          expect(Array.from(await evaluateNetwork(member.network, lift))).toEqual(expected);
          expect(measured.k).toBe(1);
          expect(measured.W).toBeCloseTo(member.claims.W, 11);
          expect(measured.B).toBeCloseTo(member.claims.B, 11);
          expect((await measureSparsity(member.network, lift)).maximum).toBe(1);
        }
      }
    });
  }

  it("the paper's W is eight times the tight one, and off the lift more units fire", async () => {
    const tight = liftedParityNetwork({ bitCount: 5, subset: [0, 1, 2, 3] });
    const paper = liftedParityNetwork({ bitCount: 5, subset: [0, 1, 2, 3], form: 'paper' });
    expect(paper.claims.W).toBeCloseTo(8 * tight.claims.W, 12);
    expect((await measureSparsity(tight.network, wholeCube(15))).maximum).toBeGreaterThan(1);
  });

  it('rates on the lift are counted: Pr[T = a] for the unit of a', async () => {
    const { network } = liftedParityNetwork({ bitCount: 6, subset: [0, 1, 2, 3] });
    expect(Array.from((await measureFiringRates(network)).rates)).toEqual([1, 4, 6, 4, 1].map((c) => c / 16));
  });

  it('a random subset is deterministic in the seed', () => {
    const one = liftedParityNetwork({ bitCount: 20, subsetSize: 6, seed: 3 });
    expect(one.subset.length).toBe(6);
    expect(liftedParityNetwork({ bitCount: 20, subsetSize: 6, seed: 3 })).toEqual(one);
    expect(liftedParityNetwork({ bitCount: 20, subsetSize: 6, seed: 4 }).subset).not.toEqual(one.subset);
    expect(() => liftedParityNetwork({ bitCount: 5 })).toThrow('subsetSize');
    expect(() => liftedParityNetwork({ bitCount: 5, subset: [5] })).toThrow('0 to 4');
  });

  it('degree 2 learns nothing of |S| = 6, degree 3 all', async () => {
    const { network } = liftedParityNetwork({ bitCount: 7, subset: [0, 1, 2, 4, 5, 6] });
    const train = await sampleNetwork(network, { rowCount: 3000, seed: 1 });
    const fresh = await sampleNetwork(network, { rowCount: 3000, seed: 2 });
    const errors: number[] = [];
    for (const degree of [2, 3]) {
      const { model } = await fitLowDegree(train.points, train.target, { degree, lambda: 1e-3 });
      errors.push(meanSquaredError(fresh.target, await evaluatePolynomial(model, fresh.points)));
    }
    expect(errors[0]).toBeGreaterThan(0.95);
    expect(errors[1]).toBeLessThan(1e-3);
  });
});

describe('learning with rounding', () => {
  // V by its definition from the bits: a_i = sum of 2^t bit(i digits + t).
  const innerProduct = (bits: CubePoints, row: number, secret: readonly number[], digits: number): number =>
    secret.reduce((sum, v, i) => {
      let a = 0;
      for (let t = 0; t < digits; t++) a += 2 ** t * bitAt(bits, row, i * digits + t);
      return sum + v * a;
    }, 0);

  it.each(['standard', 'published'] as const)('%s: labels, 1-sparse, W and B, on the whole lift', async (rounding) => {
    for (const [m, q, p, seed] of [
      [1, 2, 2, 1],
      [3, 4, 2, 2],
      [2, 8, 3, 3],
      [5, 4, 3, 4],
      [2, 16, 4, 5],
      [10, 2, 2, 6],
    ]) {
      const member = learningWithRoundingNetwork({ dimension: m, modulus: q, roundedModulus: p, rounding, seed });
      const { network, secret } = member;
      const bitCount = m * Math.log2(q);
      expect(network.domain).toEqual({ kind: 'lift', bitCount });
      expect(network.unitCount).toBeLessThanOrEqual(m * (q - 1) ** 2 + 1);
      const bits = wholeCube(bitCount);
      const measured = measureMember(member, liftPoints(bits));
      for (let row = 0; row < bits.rowCount; row++) {
        const residue = innerProduct(bits, row, secret, Math.log2(q)) % q;
        expect(measured.values[row]).toBe(rounding === 'published' ? residue % p : Math.floor((p * residue) / q));
      }
      expect(measured.k).toBe(member.claims.k);
      expect(measured.W).toBeCloseTo(member.claims.W, 9);
      expect(measured.B).toBeCloseTo(member.claims.B, 9);
    }
    expect(roundedLabel(11, 8, 2, 'standard')).toBe(0);
    expect(roundedLabel(11, 8, 2, 'published')).toBe(1);
  });

  it('refuses moduli whose bits are not uniform, and secrets of other lengths', () => {
    const options = { dimension: 2, modulus: 6, roundedModulus: 2 };
    expect(() => learningWithRoundingNetwork(options)).toThrow('power of two');
    const huge = { dimension: 20, modulus: 65_536, roundedModulus: 4 };
    expect(() => learningWithRoundingNetwork(huge)).toThrow('MB of weights');
    expect(() => learningWithRoundingNetwork({ ...options, modulus: 8, secret: [1] })).toThrow('dimension: 2');
    expect(() => learningWithRoundingNetwork({ ...options, modulus: 8, secret: [1, 8] })).toThrow('0 to 7');
  });
});

describe('sampleNetwork', () => {
  const { network } = liftedParityNetwork({ bitCount: 9, subset: [1, 2, 3] });

  it('is deterministic in the seed, a longer sample begins with a shorter one, noise leaves points alone', async () => {
    const options = { rowCount: 500, noiseSd: 0.1, flip: 0.2, seed: 5 };
    const one = await sampleNetwork(network, options);
    expect(await sampleNetwork(network, { ...options, threads: 2 })).toEqual(one);
    expect((await sampleNetwork(network, { ...options, seed: 6 })).points).not.toEqual(one.points);
    const clean = await sampleNetwork(network, { rowCount: 500, seed: 5 });
    expect(clean.points).toEqual(one.points);
    expect(clean.target).toEqual(clean.values);
    expect(clean.flippedCount).toBe(0);
    const longer = await sampleNetwork(network, { ...options, rowCount: 800 });
    expect(longer.target.slice(0, 500)).toEqual(one.target);
    expect(longer.values.slice(0, 500)).toEqual(one.values);
  });

  it('draws lifts of uniform bits, labels them, flips and adds noise at the rates asked for', async () => {
    const rowCount = 20_000;
    const sample = await sampleNetwork(network, { rowCount, noiseSd: 0.1, flip: 0.2, seed: 1 });
    const { points, values, target } = sample;
    let yes = 0;
    let flipped = 0;
    let square = 0;
    for (let row = 0; row < rowCount; row++) {
      expect(sign(points, row, liftedPair(9, 2, 7))).toBe(sign(points, row, 2) * sign(points, row, 7));
      expect(values[row]).toBe(parityAt(points, row, [1, 2, 3]));
      yes += bitAt(points, row, 8);
      const label = Math.sign(target[row]);
      if (label !== values[row]) flipped++;
      square += (target[row] - label) ** 2;
    }
    expect(Math.abs(yes / rowCount - 0.5)).toBeLessThan(0.015);
    expect(flipped).toBe(sample.flippedCount);
    expect(Math.abs(flipped / rowCount - 0.2)).toBeLessThan(0.015);
    expect(Math.sqrt(square / rowCount)).toBeCloseTo(0.1, 2);
  });

  it('flips 0 and 1, and refuses flips of other values and draws from rows', async () => {
    const zeroOne = liftedParityNetwork({ bitCount: 4, subset: [0, 1], values: 'zero-one' }).network;
    const all = await sampleNetwork(zeroOne, { rowCount: 50, flip: 1 });
    all.target.forEach((value, i) => {
      expect(value).toBe(1 - all.values[i]);
    });
    const rounded = learningWithRoundingNetwork({ dimension: 2, modulus: 8, roundedModulus: 4 }).network;
    await expect(sampleNetwork(rounded, { rowCount: 50, flip: 0.1 })).rejects.toThrow('two values');
    await expect(sampleNetwork(network, { rowCount: 5, flip: 2 })).rejects.toThrow('probability');
    await expect(sampleNetwork(network, { rowCount: 5, noiseSd: -1 })).rejects.toThrow('noiseSd');
    await expect(sampleNetwork(network, { rowCount: 1.5 })).rejects.toThrow('rowCount');
    const rows = createNetwork({
      inputCount: 1,
      weights: [1],
      biases: [0],
      outputWeights: [1],
      domain: { kind: 'rows', label: 'a.csv' },
    });
    await expect(sampleNetwork(rows, { rowCount: 5 })).rejects.toThrow('a.csv');
  });
});

/** What is measured of a network, against sums over all points of its domain that are written here. */
import { describe, expect, it } from 'vitest';
import {
  certifySparsity,
  denseNetwork,
  measureFiringRates,
  randomEnsembleNetwork,
  type SparseNetwork,
} from '../src/index.ts';
import {
  affordableFiringRates,
  boundSparsity,
  certifyDegree,
  measureFunction,
  networkOnCube,
} from '../src/internal.ts';

/** Signs of the point whose bits are `code`; of a lift the bits, and their products in pairs. */
function signsOf({ inputCount, domain }: SparseNetwork, code: number): number[] {
  const bitCount = domain.kind === 'lift' ? domain.bitCount : inputCount;
  const signs = Array.from({ length: bitCount }, (_, i) => ((code >> i) & 1 ? -1 : 1));
  if (domain.kind !== 'lift') return signs;
  const pairs: number[] = [];
  for (let l = 1; l < bitCount; l++) for (let i = 0; i < l; i++) pairs.push(signs[i] * signs[l]);
  return [...signs, ...pairs];
}

function valuesOf(network: SparseNetwork, bitCount: number): number[] {
  const { inputCount, unitCount, weights, biases, outputWeights } = network;
  return Array.from({ length: 2 ** bitCount }, (_, code) => {
    const x = signsOf(network, code);
    let value = 0;
    for (let j = 0; j < unitCount; j++) {
      const z = x.reduce((sum, sign, i) => sum + sign * weights[j * inputCount + i], -biases[j]);
      value += outputWeights[j] * Math.max(z, 0);
    }
    return value;
  });
}

const mean = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0) / numbers.length;

/** The same figures by their definitions. */
function byDefinition(network: SparseNetwork, bitCount: number) {
  const values = valuesOf(network, bitCount);
  const isOdd = (code: number): boolean => code.toString(2).replaceAll('0', '').length % 2 === 1;
  const weights = new Array<number>(bitCount + 1).fill(0);
  for (let subset = 0; subset < values.length; subset++) {
    const coefficient = mean(values.map((value, code) => (isOdd(code & subset) ? -value : value)));
    weights[subset.toString(2).replaceAll('0', '').length] += coefficient ** 2;
  }
  const influence = (i: number): number => mean(values.map((value, x) => ((value - values[x ^ (1 << i)]) / 2) ** 2));
  return {
    mean: mean(values),
    secondMoment: mean(values.map((value) => value ** 2)),
    largest: Math.max(...values.map(Math.abs)),
    averageSensitivity: Array.from({ length: bitCount }, (_, i) => influence(i)).reduce((a, b) => a + b, 0),
    levelWeights: weights,
    tailWeights: weights.map((_, d) => weights.slice(d + 1).reduce((a, b) => a + b, 0)),
  };
}

const close = (value: number): unknown => expect.closeTo(value, 9);

const dense = denseNetwork({ inputCount: 6, unitCount: 5, seed: 4 }).network;
const lift: SparseNetwork = {
  ...denseNetwork({ inputCount: 10, unitCount: 5, seed: 4 }).network,
  domain: { kind: 'lift', bitCount: 4 },
};

describe('measureFunction', () => {
  it.each([
    ['cube', dense, 6],
    ['bits', lift, 4],
  ] as const)('over the %s: all by its definition', async (space, network, bitCount) => {
    const { levelWeights, tailWeights, degree, ...found } = (await measureFunction(network)) ?? expect.fail();
    const expected = byDefinition(network, bitCount);
    expect(found).toEqual({
      space,
      coordinateCount: bitCount,
      mean: close(expected.mean),
      secondMoment: close(expected.secondMoment),
      largest: close(expected.largest),
      largestKind: 'exact',
      averageSensitivity: close(expected.averageSensitivity),
    });
    expect(levelWeights).toEqual(expected.levelWeights.map(close));
    expect(tailWeights).toEqual(expected.tailWeights.map(close));
    expect(degree).toBe(expected.levelWeights.findLastIndex((weight) => weight > 1e-12));
  });

  it('adds up the units where the points do not fit: the same, and of the largest value a bound', async () => {
    const { network } = randomEnsembleNetwork({ inputCount: 9, treeCount: 3, depth: 2, seed: 2 });
    const expected = byDefinition(network, 9);
    const listed = (await measureFunction(network)) ?? expect.fail();
    // 2^9 values take 40 bytes each.
    const summed = (await measureFunction(network, { memoryLimitBytes: 40 * 2 ** 9 - 1 })) ?? expect.fail();
    expect([listed.largestKind, summed.largestKind]).toEqual(['exact', 'bound']);
    expect(listed.largest).toBeCloseTo(expected.largest, 9);
    expect(summed.largest).toBeGreaterThanOrEqual(expected.largest);
    for (const { mean, averageSensitivity, levelWeights, degree } of [listed, summed]) {
      expect(mean).toBeCloseTo(expected.mean, 9);
      expect(averageSensitivity).toBeCloseTo(expected.averageSensitivity, 9);
      expect(levelWeights).toEqual(expected.levelWeights.map(close));
      expect(degree).toBeLessThanOrEqual(2);
    }
  });

  it('leaves out what is too much, and rows', async () => {
    const wide = denseNetwork({ inputCount: 40, unitCount: 2, seed: 1 }).network;
    expect(await measureFunction(wide)).toBeUndefined();
    expect(await measureFunction(dense, { memoryLimitBytes: 1000 })).toBeUndefined();
    expect(await measureFunction({ ...dense, domain: { kind: 'rows', label: 'r' } })).toBeUndefined();
  });
});

describe('affordableFiringRates', () => {
  it('are exact where a few seconds suffice, else estimates whose limits hold the exact ones', async () => {
    expect(await affordableFiringRates(dense)).toEqual(await measureFiringRates(dense));
    // 40 weights each are counted in some 2^20 steps, and 130 such units are too many.
    const many = denseNetwork({ inputCount: 40, unitCount: 130, seed: 1 }).network;
    const found = (await affordableFiringRates(many, { seed: 7 })) ?? expect.fail();
    expect([found.kind, found.confidenceDelta]).toEqual(['estimated', 0.01]);
    const three = { unitCount: 3, outputWeights: many.outputWeights.slice(0, 3), biases: many.biases.slice(0, 3) };
    const exact = await measureFiringRates({ ...many, ...three, weights: many.weights.slice(0, 3 * 40) });
    exact.rates.forEach((rate, j) => {
      expect(found.lower[j]).toBeLessThanOrEqual(rate);
      expect(found.upper[j]).toBeGreaterThanOrEqual(rate);
    });
  });
});

describe('certifyDegree', () => {
  it('bounds the weight beyond every degree', async () => {
    const { network } = randomEnsembleNetwork({ inputCount: 8, treeCount: 2, depth: 3, seed: 2 });
    const sparsity = (await boundSparsity(network)) ?? expect.fail();
    const { certificate } = await certifyDegree(network, sparsity, await measureFiringRates(network));
    const { averageSensitivity, tailWeights } = byDefinition(network, 8);
    const bound = Math.min(certificate.whole.averageSensitivity, certificate.groups?.averageSensitivity ?? Infinity);
    expect(certificate.kind).toBe('bound');
    expect(bound).toBeGreaterThanOrEqual(averageSensitivity);
    tailWeights.forEach((tail, d) => {
      expect(tail).toBeLessThanOrEqual(bound / (d + 1));
    });
  });

  it('refuses a network, a sparsity and rates that are not of the whole cube', async () => {
    const cube = networkOnCube(lift) as SparseNetwork;
    const rates = await measureFiringRates(cube);
    const [onLift, onCube] = [await certifySparsity(lift), await certifySparsity(cube)];
    const refused = (message: RegExp): unknown =>
      expect.objectContaining({ code: 'invalid-argument', message: expect.stringMatching(message) });
    await expect(certifyDegree(lift, onCube, rates)).rejects.toEqual(refused(/on the cube, and the domain is lift/));
    await expect(certifyDegree(cube, onLift, rates)).rejects.toEqual(refused(/on the cube, and the domain is lift/));
    const fewer = { ...rates, rates: rates.rates.slice(1) };
    await expect(certifyDegree(cube, onCube, fewer)).rejects.toEqual(refused(/4 firing rates, and the network has 5/));
    expect((await certifyDegree(cube, onCube, rates)).certificate.kind).toBe('bound');
  });
});

import { describe, expect, it } from 'vitest';
import {
  denseNetwork,
  evaluatePolynomial,
  networkPolynomial,
  parityNetwork,
  randomEnsembleNetwork,
  termList,
} from '../src/index.ts';
import { unitSpectraSize } from '../src/internal.ts';
import { createRandom, randomPoints, wholeCube } from './helpers.ts';
import { networkByDefinition } from './network-helpers.ts';

describe('networkPolynomial', () => {
  it('is the parity for the network of a parity', async () => {
    const { network } = parityNetwork({ inputCount: 6, coordinates: [1, 3, 4] });
    const terms = termList(await networkPolynomial(network)).filter((term) => Math.abs(term.coefficient) > 1e-12);
    expect(terms).toHaveLength(1);
    expect(terms[0].coordinates).toEqual([1, 3, 4]);
    expect(Math.abs(terms[0].coefficient)).toBeCloseTo(1, 12);
  });

  it('equals the network at every point, for dense units and for trees on many inputs', async () => {
    const dense = denseNetwork({ inputCount: 7, unitCount: 9, seed: 3 }).network;
    const trees = randomEnsembleNetwork({ inputCount: 60, treeCount: 4, depth: 4, seed: 5 }).network;
    for (const [network, points] of [
      [dense, wholeCube(7)],
      [trees, randomPoints(200, 60, createRandom(1))],
    ] as const) {
      const values = await evaluatePolynomial(await networkPolynomial(network), points);
      values.forEach((value, row) => {
        expect(value).toBeCloseTo(networkByDefinition(network, points, row).value, 9);
      });
    }
    expect(unitSpectraSize(dense)).toBe(9 * 2 ** 7);
  });

  it('refuses units that read too many inputs, before it begins', async () => {
    const { network } = denseNetwork({ inputCount: 40, unitCount: 2, seed: 1 });
    await expect(networkPolynomial(network)).rejects.toThrow(/at most 16,777,216/);
  });
});

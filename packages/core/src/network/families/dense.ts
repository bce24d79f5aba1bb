/**
 * Networks that need not be sparse, to compare with: random halfspaces at a
 * chosen firing rate, random units without bias, and a parity from units that
 * overlap as much as they can.
 */
import { checkOptions, createRandom, FewfireError, normalQuantile, type Random } from '../../base/index.ts';
import { createNetwork } from '../network.ts';
import {
  checkCount,
  checkSize,
  type FamilyMember,
  MAX_INPUTS,
  MAX_UNITS,
  measuredClaims,
  networkFromUnits,
} from './family.ts';

/** Options of `halfspaceNetwork`. */
export interface HalfspaceOptions {
  readonly inputCount: number;
  readonly unitCount: number;
  /** The share of the cube on which a unit is to be active, by the normal approximation of <w, x>. */
  readonly firingRate: number;
  readonly seed?: number;
}

/**
 * Random unit vectors w_j with one bias b for the firing rate, u_j = +-1: W = 1, B = |b|; k must be measured.
 * @throws FewfireError `invalid-argument` for options that are not known or out of range
 * @example
 * ```ts
 * import { halfspaceNetwork } from '@fewfire/core';
 *
 * const { network, claims } = halfspaceNetwork({ inputCount: 30, unitCount: 10, firingRate: 0.05 });
 * // k is not known: measure it
 * console.log(network.unitCount, claims.k); // 10 null
 * ```
 */
export function halfspaceNetwork(options: HalfspaceOptions): FamilyMember {
  checkOptions('halfspaceNetwork', options, { ...RANDOM_UNIT_CHECKS, firingRate: { need: 'number' } });
  const { inputCount, unitCount, firingRate, seed = 1 } = options;
  if (!(firingRate > 0 && firingRate < 1)) {
    throw new FewfireError('invalid-argument', `firingRate is ${firingRate}, expected a share above 0 and below 1`);
  }
  const bias = -normalQuantile(firingRate);
  return randomUnits('halfspace', { inputCount, unitCount, firingRate }, bias, seed);
}

/** Options of `denseNetwork`. */
export interface DenseOptions {
  readonly inputCount: number;
  readonly unitCount: number;
  readonly seed?: number;
}

const RANDOM_UNIT_CHECKS = { inputCount: { need: 'number' }, unitCount: { need: 'number' }, seed: 'number' } as const;

/**
 * Random unit vectors without bias, u_j = +-1: about half of the units are active anywhere; all k can promise is s. W = 1, B = 0.
 * @throws FewfireError `invalid-argument` for options that are not known or out of range
 * @example
 * ```ts
 * import { denseNetwork } from '@fewfire/core';
 *
 * const { network, claims } = denseNetwork({ inputCount: 20, unitCount: 8, seed: 1 });
 * console.log(network.unitCount, claims.k); // 8 8
 * ```
 */
export function denseNetwork(options: DenseOptions): FamilyMember {
  checkOptions('denseNetwork', options, RANDOM_UNIT_CHECKS);
  const { inputCount, unitCount, seed = 1 } = options;
  const member = randomUnits('dense', { inputCount, unitCount }, 0, seed);
  return { network: member.network, claims: { ...member.claims, k: unitCount } };
}

/**
 * The parity of all n bits from n + 1 units relu(sum_i x_i - b), b = -n-2, -n, .., n-2: a zigzag in the sum, with all
 * of them active where every bit is a no. k = s = n + 1.
 * @throws FewfireError `invalid-argument` for options that are not known or out of range
 * @example
 * ```ts
 * import { denseParityNetwork, domainPoints, evaluateNetwork } from '@fewfire/core';
 *
 * const { network } = denseParityNetwork({ inputCount: 3 });
 * console.log(await evaluateNetwork(network, domainPoints(network, 0, 4))); // Float64Array(4) [ 1, -1, -1, 1 ]
 * ```
 */
export function denseParityNetwork(options: { readonly inputCount: number }): FamilyMember {
  checkOptions('denseParityNetwork', options, { inputCount: { need: 'number' } });
  const n = checkCount('inputCount', options.inputCount, 1, 4096);
  const ones = Array.from({ length: n }, (_, i) => [i, 1] as const);
  const units = Array.from({ length: n + 1 }, (_, j) => {
    // With j bits a no the sum is -n + 2j and the parity (-1)^(n-j); u_j is half its second difference.
    const parity = (n - j) % 2 === 0 ? 1 : -1;
    return { weights: ones, bias: -n - 2 + 2 * j, outputWeight: parity * (j === 0 ? 0.5 : j === 1 ? 1.5 : 2) };
  });
  const network = networkFromUnits(n, units, { family: 'dense-parity', parameters: { inputCount: n, values: 'sign' } });
  const W = (n === 1 ? 1.5 : 2) * Math.sqrt(n);
  return { network, claims: { k: n + 1, W, B: Math.max(1.5 * n, 2 * (n - 2), (n + 2) / 2) } };
}

function randomUnits(
  family: string,
  parameters: { readonly inputCount: number; readonly unitCount: number; readonly firingRate?: number },
  bias: number,
  seed: number,
): FamilyMember {
  const { inputCount, unitCount } = parameters;
  checkCount('inputCount', inputCount, 1, MAX_INPUTS);
  checkCount('unitCount', unitCount, 1, MAX_UNITS);
  checkSize(inputCount, unitCount);
  const random = createRandom(seed);
  const weights = new Float64Array(unitCount * inputCount);
  for (let j = 0; j < unitCount; j++) fillUnitVector(weights.subarray(j * inputCount, (j + 1) * inputCount), random);
  const network = createNetwork({
    inputCount,
    weights,
    biases: new Float64Array(unitCount).fill(bias),
    outputWeights: Float64Array.from({ length: unitCount }, () => (random.integer(2) === 0 ? 1 : -1)),
    provenance: { family, parameters: { ...parameters }, seed },
  });
  return { network, claims: measuredClaims(network, null) };
}

function fillUnitVector(vector: Float64Array, random: Random): void {
  let square = 0;
  for (let i = 0; i < vector.length; i++) {
    vector[i] = random.normal();
    square += vector[i] ** 2;
  }
  const norm = Math.sqrt(square);
  for (let i = 0; i < vector.length; i++) vector[i] /= norm;
}

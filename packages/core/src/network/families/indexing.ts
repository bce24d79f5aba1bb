/**
 * Indexing functions. An address chooses one of 2^a units: in `indexingNetwork`
 * the unit reads one data bit, in `gatedIndexingNetwork` (Appendix A) it is a
 * halfspace over all data bits with dense weights, silenced elsewhere by a gate
 * of strength alpha.
 *
 * Address bits are the coordinates 0 .. a-1, and the address is the number with
 * these bits (bit 1 is -1); data follow. code_A in {+1,-1}^a is the address A as a point.
 */
import { checkOptions, createRandom, FewfireError } from '../../base/index.ts';
import { createNetwork, roundingMargin } from '../network.ts';
import {
  checkCount,
  checkFinite,
  checkSize,
  type FamilyMember,
  FORMS,
  type LeafOptions,
  MAX_INPUTS,
  measuredClaims,
  networkFromUnits,
  type SparseUnit,
} from './family.ts';

/** Options of `indexingNetwork`. */
export interface IndexingOptions extends LeafOptions {
  /** a; there are 2^a data bits. */
  readonly addressBits: number;
  /** `zero-one` (default): 1 where the data bit is a no (+1), else 0. `sign`: the data bit itself. */
  readonly values?: 'zero-one' | 'sign';
  /** Default a + 2^a; more are ignored. */
  readonly inputCount?: number;
}

/**
 * The data bit at the address. s = 2^a units (twice that for signs), k = 1. Tight: W = sqrt(a+1)/2, B = |a-1|/2; the
 * paper's form: W = sqrt(a + 1/4), B = |a - 1/2|.
 * @throws FewfireError `invalid-argument` for options that are not known or out of range
 * @example
 * ```ts
 * import { indexingNetwork } from '@fewfire/core';
 *
 * const { network, claims } = indexingNetwork({ addressBits: 2 });
 * console.log(network.inputCount, network.unitCount, claims.k); // 6 4 1
 * ```
 */
export function indexingNetwork(options: IndexingOptions): FamilyMember {
  checkOptions('indexingNetwork', options, {
    addressBits: { need: 'number' },
    values: ['zero-one', 'sign'],
    inputCount: 'number',
    form: FORMS,
  });
  const { addressBits: a, values = 'zero-one', form = 'tight' } = options;
  checkCount('addressBits', a, 0, 12);
  const least = a + 2 ** a;
  const inputCount = checkCount('inputCount', options.inputCount ?? least, least, MAX_INPUTS);
  const units: SparseUnit[] = [];
  for (let address = 0; address < 2 ** a; address++) {
    const gate = form === 'tight' ? 0.5 : 1;
    const code = addressCode(address, a).map((sign, i) => [i, gate * sign] as const);
    const bias = form === 'tight' ? (a - 1) / 2 : a - 0.5;
    for (const sign of values === 'sign' ? [1, -1] : [1]) {
      units.push({ weights: [...code, [a + address, sign / 2]], bias, outputWeight: sign });
    }
  }
  const network = networkFromUnits(inputCount, units, {
    family: 'indexing',
    parameters: { addressBits: a, values, inputCount, form },
  });
  return {
    network,
    claims:
      form === 'tight'
        ? { k: 1, W: Math.sqrt(a + 1) / 2, B: Math.abs(a - 1) / 2 }
        : { k: 1, W: Math.sqrt(a + 0.25), B: Math.abs(a - 0.5) },
  };
}

/** Options of `gatedIndexingNetwork`. */
export interface GatedIndexingOptions {
  /** log2 s. */
  readonly addressBits: number;
  /** Number of data coordinates; inputCount is their number plus addressBits. */
  readonly dataCount: number;
  /** w', row-major [s][dataCount], b and u; default random: ||w'_j|| about 1, |b_j| <= 1/2, u_j = +-1. */
  readonly units?: {
    readonly weights: ArrayLike<number>;
    readonly biases: ArrayLike<number>;
    readonly outputWeights: ArrayLike<number>;
  };
  /** Strength of the gate. Default: the least that makes the network 1-sparse. Less leaves k to be measured. */
  readonly alpha?: number;
  readonly seed?: number;
}

/**
 * h(z, v) = u_A relu(<w'_A, v> - b_A), A the address z: units with biases b_j + alpha log2 s and weights alpha code_j on
 * z. Off its address a unit has <w'_j, v> - b_j - 2 alpha (number of wrong bits), so
 * alpha >= max_j (||w'_j||_1 - b_j)/2 gives k = 1. W = max |u_j| sqrt(||w'_j||^2 + alpha^2 log2 s), B = max |u_j (b_j + alpha log2 s)|.
 * @throws FewfireError `invalid-argument` for options that are not known or out of range
 * @example
 * ```ts
 * import { gatedIndexingNetwork } from '@fewfire/core';
 *
 * const { network, alpha } = gatedIndexingNetwork({ addressBits: 2, dataCount: 5, seed: 1 });
 * console.log(network.unitCount, network.inputCount, alpha.toFixed(2)); // 4 7 1.06
 * ```
 */
export function gatedIndexingNetwork(options: GatedIndexingOptions): FamilyMember & { readonly alpha: number } {
  checkOptions('gatedIndexingNetwork', options, {
    addressBits: { need: 'number' },
    dataCount: { need: 'number' },
    units: 'object',
    alpha: 'number',
    seed: 'number',
  });
  const { addressBits: a, dataCount, seed = 1 } = options;
  checkCount('addressBits', a, 0, 16);
  checkCount('dataCount', dataCount, 1, MAX_INPUTS - a);
  const s = 2 ** a;
  checkSize(a + dataCount, s);
  if (options.units !== undefined) {
    const need = { need: 'object' } as const;
    checkOptions('units', options.units, { weights: need, biases: need, outputWeights: need });
  }
  const own = options.units ?? randomUnits(s, dataCount, seed);
  if (own.weights.length !== s * dataCount || own.biases.length !== s || own.outputWeights.length !== s) {
    throw new FewfireError(
      'invalid-argument',
      `units has ${own.weights.length} weights, ${own.biases.length} biases and ${own.outputWeights.length} output weights; expected ${s * dataCount}, ${s} and ${s}`,
    );
  }
  checkFinite('weight', own.weights);
  checkFinite('bias', own.biases);
  const needed = neededGate(own.weights, own.biases, dataCount);
  const alpha = options.alpha ?? needed;
  if (!(alpha >= 0 && Number.isFinite(alpha))) {
    throw new FewfireError('invalid-argument', `alpha is ${alpha}, expected a number of at least 0`);
  }
  const inputCount = a + dataCount;
  const weights = new Float64Array(s * inputCount);
  for (let j = 0; j < s; j++) {
    addressCode(j, a).forEach((sign, i) => {
      weights[j * inputCount + i] = alpha * sign;
    });
    for (let i = 0; i < dataCount; i++) weights[j * inputCount + a + i] = own.weights[j * dataCount + i];
  }
  const network = createNetwork({
    inputCount,
    weights,
    biases: Float64Array.from(own.biases, (b) => b + alpha * a),
    outputWeights: own.outputWeights,
    provenance: {
      family: 'gated-indexing',
      parameters: { addressBits: a, dataCount, alpha, units: options.units === undefined ? 'random' : 'given' },
      seed: options.units === undefined ? seed : null,
    },
  });
  return { network, claims: measuredClaims(network, s === 1 || alpha >= needed ? 1 : null), alpha };
}

// The least alpha, exactly if the sums are exact, else a little more than it, so that no unit fires by rounding.
function neededGate(weights: ArrayLike<number>, biases: ArrayLike<number>, dataCount: number): number {
  let needed = 0;
  for (let j = 0; j < biases.length; j++) {
    const own = Float64Array.from({ length: dataCount }, (_, i) => weights[j * dataCount + i]);
    const { norm, margin } = roundingMargin(own, biases[j]);
    const gap = (norm - biases[j]) / 2;
    // Sums with alpha round too, by at most a few units in the last place of alpha times the number of terms.
    needed = Math.max(needed, margin === 0 ? gap : gap + 1e-9 * (norm + Math.abs(biases[j])));
  }
  return needed;
}

// Multiples of 2^-20, so that all sums, alpha included, are exact.
function randomUnits(
  s: number,
  dataCount: number,
  seed: number,
): { weights: Float64Array; biases: Float64Array; outputWeights: Float64Array } {
  const random = createRandom(seed);
  const grid = 2 ** 20;
  const weights = new Float64Array(s * dataCount);
  for (let j = 0; j < s; j++) {
    const own = weights.subarray(j * dataCount, (j + 1) * dataCount);
    for (let i = 0; i < dataCount; i++) own[i] = random.normal();
    const norm = Math.sqrt(own.reduce((sum, w) => sum + w * w, 0));
    for (let i = 0; i < dataCount; i++) own[i] = Math.round((own[i] / norm) * grid) / grid;
  }
  return {
    weights,
    biases: Float64Array.from({ length: s }, () => Math.round((random.uniform() - 0.5) * grid) / grid),
    outputWeights: Float64Array.from({ length: s }, () => (random.integer(2) === 0 ? 1 : -1)),
  };
}

function addressCode(address: number, a: number): number[] {
  return Array.from({ length: a }, (_, i) => ((address >> i) & 1 ? -1 : 1));
}

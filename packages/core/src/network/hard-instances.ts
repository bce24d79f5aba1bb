/**
 * Hard instances (THEORY section 4, Theorem 1.3): functions that are 1-sparse on
 * the lift of {+1,-1}^q to bits and pairs, yet hard for statistical queries.
 * A square (T - a)^2 of an affine function T of the bits is affine in the lift,
 * so relu(c - (T - a)^2) is one unit, active only where T = a.
 */
import { checkOptions, createRandom, FewfireError } from '../base/index.ts';
import { liftedPair } from './domain.ts';
import {
  checkCoordinates,
  checkCount,
  checkSize,
  type FamilyMember,
  FORMS,
  type LeafForm,
  type LeafOptions,
  networkFromUnits,
  type SparseUnit,
} from './families/family.ts';
import { liftedCount } from './network.ts';

/** Lifts of more bits would have more inputs than families make. */
const MAX_BITS = 360;

/** Options of `liftedParityNetwork`. */
export interface LiftedParityOptions extends LeafOptions {
  /** q; the network has q(q+1)/2 inputs, in the order of the lift of `NetworkDomain`. */
  readonly bitCount: number;
  /** S, bits of y. Or give subsetSize for a random one. */
  readonly subset?: readonly number[];
  readonly subsetSize?: number;
  /** `sign` (default): chi_S(y). `zero-one`: 1 where chi_S(y) = 1, else 0. */
  readonly values?: 'sign' | 'zero-one';
  readonly seed?: number;
}

/**
 * The parity of the bits S, on the lift. With T = sum of y over S, T^2 = |S| + 2 sum of the pairs in S. Tight form:
 * +-1/4 relu(4 - (T-a)^2) for a = -|S|, -|S| + 2, .., |S| (`sign`) or every other of them (`zero-one`), k = 1 on the
 * lift; the paper's 2 relu(1/2 - (T-a)^2) has W eight times larger. Off the lift it is not sparse.
 * @throws FewfireError `invalid-argument` for options that are not known or out of range
 * @example
 * ```ts
 * import { liftedParityNetwork } from '@fewfire/core';
 *
 * const { network, subset } = liftedParityNetwork({ bitCount: 6, subset: [1, 4] });
 * console.log(subset, network.inputCount, network.domain); // [ 1, 4 ] 21 { kind: 'lift', bitCount: 6 }
 * ```
 */
export function liftedParityNetwork(
  options: LiftedParityOptions,
): FamilyMember & { readonly subset: readonly number[] } {
  checkOptions('liftedParityNetwork', options, {
    bitCount: { need: 'number' },
    subset: 'object',
    subsetSize: 'number',
    values: ['sign', 'zero-one'],
    seed: 'number',
    form: FORMS,
  });
  const { bitCount: q, values = 'sign', seed = 1, form = 'tight' } = options;
  checkCount('bitCount', q, 1, MAX_BITS);
  const isRandom = options.subset === undefined;
  const subset = options.subset ?? randomSubset(q, options.subsetSize, seed);
  checkCoordinates(subset, q);
  if (!isRandom && options.subsetSize !== undefined && options.subsetSize !== subset.length) {
    throw new FewfireError(
      'invalid-argument',
      `subsetSize is ${options.subsetSize} but the subset has ${subset.length} bits; give one of the two`,
    );
  }
  const size = checkCount('the size of the subset', subset.length, 1, q);
  const affine: AffineForm = { constant: 0, terms: subset.map((i) => [i, 1] as const) };
  const units: SparseUnit[] = [];
  for (let a = -size; a <= size; a += 2) {
    // |S| - a is twice the number of minus ones: even parity at multiples of four.
    const parity = (size - a) % 4 === 0 ? 1 : -1;
    if (values === 'zero-one' && parity === -1) continue;
    units.push(form === 'tight' ? squareUnit(q, affine, a, 4, parity / 4) : squareUnit(q, affine, a, 0.5, 2 * parity));
  }
  const network = networkFromUnits(liftedCount(q), units, {
    domain: { kind: 'lift', bitCount: q },
    family: 'lifted-parity',
    parameters: { bitCount: q, subset: [...subset], values, form },
    seed: isRandom ? seed : undefined,
  });
  return { network, claims: liftedParityClaims(size, values, form), subset };
}

// ||w||^2 = 4 a^2 |S| + 2 |S|(|S|-1) is largest at a = |S|; |b| = ||S| + a^2 - top| is largest at an end of the range of |a|.
function liftedParityClaims(size: number, values: 'sign' | 'zero-one', form: LeafForm): FamilyMember['claims'] {
  const [top, factor] = form === 'tight' ? [4, 0.25] : [0.5, 2];
  const step = values === 'sign' ? 2 : 4;
  let B = 0;
  for (let a = size; a >= -size; a -= step) B = Math.max(B, factor * Math.abs(size + a * a - top));
  return { k: 1, W: factor * Math.sqrt(4 * size ** 3 + 2 * size * (size - 1)), B };
}

/** Options of `learningWithRoundingNetwork`. */
export interface LearningWithRoundingOptions {
  /** m, the length of the secret. */
  readonly dimension: number;
  /** q, a power of two, so that uniform bits are uniform numbers of Z_q. */
  readonly modulus: number;
  /** p < q. */
  readonly roundedModulus: number;
  /** `standard` (default): floor(p (V mod q) / q). `published`: (V mod q) mod p, the paper's. */
  readonly rounding?: 'standard' | 'published';
  /** v in {0, .., q-1}^m; default random. */
  readonly secret?: readonly number[];
  readonly seed?: number;
}

/**
 * Learning with rounding: a in Z_q^m in bits (a_i is sum_t 2^t [bit i log2 q + t], yes being 1), V = <v, a> over the
 * whole numbers, 0 <= V <= (q-1) sum v_i, label the rounding of V mod q. One unit relu(1 - (V-c)^2) per value c whose
 * label is not 0, so s <= m (q-1)^2 + 1 and k = 1, on the lift of the m log2 q bits.
 * @throws FewfireError `invalid-argument` for options that are not known or out of range
 * @example
 * ```ts
 * import { learningWithRoundingNetwork } from '@fewfire/core';
 *
 * const { network, secret } = learningWithRoundingNetwork({ dimension: 3, modulus: 4, roundedModulus: 2, seed: 5 });
 * console.log(secret.length, network.domain); // 3 { kind: 'lift', bitCount: 6 }
 * ```
 */
export function learningWithRoundingNetwork(
  options: LearningWithRoundingOptions,
): FamilyMember & { readonly secret: readonly number[] } {
  checkOptions('learningWithRoundingNetwork', options, {
    dimension: { need: 'number' },
    modulus: { need: 'number' },
    roundedModulus: { need: 'number' },
    rounding: ['standard', 'published'],
    secret: 'object',
    seed: 'number',
  });
  const { dimension: m, modulus: q, roundedModulus: p, rounding = 'standard', seed = 1 } = options;
  checkCount('modulus', q, 2, 2 ** 16);
  const digits = Math.log2(q);
  if (!Number.isInteger(digits)) {
    throw new FewfireError(
      'invalid-argument',
      `modulus is ${q}, expected a power of two: with another, uniform bits would not give uniform numbers`,
    );
  }
  checkCount('roundedModulus', p, 2, q);
  checkCount('dimension', m, 1, Math.floor(MAX_BITS / digits));
  if (rounding !== 'standard' && rounding !== 'published') {
    throw new FewfireError(
      'invalid-argument',
      `rounding is ${JSON.stringify(rounding)}, expected 'standard' or 'published'`,
    );
  }
  const random = createRandom(seed);
  const secret = options.secret ?? Array.from({ length: m }, () => random.integer(q));
  if (secret.length !== m) {
    throw new FewfireError('invalid-argument', `the secret has ${secret.length} numbers, expected dimension: ${m}`);
  }
  secret.forEach((v, i) => {
    checkCount(`secret ${i}`, v, 0, q - 1);
  });
  const bitCount = m * digits;
  const greatest = (q - 1) * secret.reduce((sum, v) => sum + v, 0);
  checkSize(liftedCount(bitCount), greatest + 1);
  // A bit is (1 - y)/2, so V = constant + sum of terms in y.
  const terms: [number, number][] = [];
  let constant = 0;
  secret.forEach((v, i) => {
    for (let t = 0; t < digits; t++) {
      if (v !== 0) terms.push([i * digits + t, (-v * 2 ** t) / 2]);
      constant += (v * 2 ** t) / 2;
    }
  });
  const affine: AffineForm = { constant, terms };
  const units: SparseUnit[] = [];
  for (let c = 0; c <= greatest; c++) {
    const label = roundedLabel(c, q, p, rounding);
    if (label !== 0) units.push(squareUnit(bitCount, affine, c, 1, label));
  }
  const network = networkFromUnits(liftedCount(bitCount), units, {
    domain: { kind: 'lift', bitCount },
    family: 'learning-with-rounding',
    parameters: { dimension: m, modulus: q, roundedModulus: p, rounding, secret: [...secret] },
    seed: options.secret === undefined ? seed : undefined,
  });
  return { network, claims: roundingClaims(affine, greatest, q, p, rounding), secret };
}

/** The label of V = value: floor(p (V mod q) / q) (standard) or (V mod q) mod p (published). */
export function roundedLabel(value: number, q: number, p: number, rounding: 'standard' | 'published'): number {
  const residue = value % q;
  return rounding === 'published' ? residue % p : Math.floor((p * residue) / q);
}

// With g the terms: ||w||^2 = 4 (C - c)^2 |g|^2 + 4 sum_{j<l} g_j^2 g_l^2 and b = (C - c)^2 + |g|^2 - 1.
function roundingClaims(
  affine: AffineForm,
  greatest: number,
  q: number,
  p: number,
  rounding: 'standard' | 'published',
): FamilyMember['claims'] {
  const squares = affine.terms.map(([, g]) => g * g);
  const square = squares.reduce((sum, g) => sum + g, 0);
  const pairs = (square ** 2 - squares.reduce((sum, g) => sum + g * g, 0)) / 2;
  let W = 0;
  let B = 0;
  for (let c = 0; c <= greatest; c++) {
    const label = roundedLabel(c, q, p, rounding);
    W = Math.max(W, label * Math.sqrt(4 * (affine.constant - c) ** 2 * square + 4 * pairs));
    B = Math.max(B, label * Math.abs((affine.constant - c) ** 2 + square - 1));
  }
  return { k: W > 0 || B > 0 ? 1 : 0, W, B };
}

/** constant + sum of g_i y_i. */
interface AffineForm {
  readonly constant: number;
  readonly terms: readonly (readonly [bit: number, g: number])[];
}

// relu(top - (F - a)^2) as a unit on the lift: with C = constant, F^2 = C^2 + |g|^2 + 2C <g,y> + 2 sum g_j g_l y_j y_l.
function squareUnit(bitCount: number, form: AffineForm, a: number, top: number, outputWeight: number): SparseUnit {
  const { constant, terms } = form;
  const weights: (readonly [number, number])[] = [];
  let square = 0;
  terms.forEach(([bit, g], j) => {
    square += g * g;
    weights.push([bit, 2 * (a - constant) * g]);
    for (let l = 0; l < j; l++) {
      const [other, h] = terms[l];
      weights.push([liftedPair(bitCount, Math.min(bit, other), Math.max(bit, other)), -2 * g * h]);
    }
  });
  return { weights, bias: (constant - a) ** 2 + square - top, outputWeight };
}

function randomSubset(bitCount: number, subsetSize: number | undefined, seed: number): number[] {
  if (subsetSize === undefined) {
    throw new FewfireError('invalid-argument', 'neither subset nor subsetSize is given; expected one of them');
  }
  checkCount('subsetSize', subsetSize, 1, bitCount);
  return Array.from(createRandom(seed).permutation(bitCount).subarray(0, subsetSize)).sort((a, b) => a - b);
}

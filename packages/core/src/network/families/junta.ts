/**
 * Juntas (Theorem 4.2): any function of p coordinates as a 1-sparse network with
 * one unit per point of the p-cube, parities among them, and the extremal
 * networks that meet the new Lemma 3.2 with equality.
 */
import { checkOptions, FewfireError } from '../../base/index.ts';
import {
  checkCoordinates,
  checkCount,
  checkFinite,
  checkSize,
  type FamilyMember,
  FORMS,
  type Leaf,
  type LeafForm,
  type LeafOptions,
  leafScale,
  leafUnit,
  MAX_INPUTS,
  networkFromUnits,
} from './family.ts';

/** Beyond this a truth table would be too large. */
const MAX_JUNTA = 20;

/** Options of `juntaNetwork`. */
export interface JuntaOptions extends LeafOptions {
  readonly inputCount: number;
  /** J, in the order that the truth table uses. */
  readonly coordinates: readonly number[];
  /** 2^p values: entry t is the value where bit i of t is the bit of coordinates[i] (1 is -1). Zeros need no unit. */
  readonly truthTable: ArrayLike<number>;
}

/**
 * f(x) = truthTable[bits of x_J]. s = 2^p less zeros, k = 1 (0 for the zero function), W = |f|max sqrt(p)/2, B = |f|max |p-2|/2.
 * @throws FewfireError `invalid-argument` for options that are not known or out of range
 * @example
 * ```ts
 * import { juntaNetwork } from '@fewfire/core';
 *
 * const { network } = juntaNetwork({ inputCount: 3, coordinates: [0, 2], truthTable: [0, 0, 0, 7] });
 * console.log(network.unitCount); // 1
 * ```
 */
export function juntaNetwork(options: JuntaOptions): FamilyMember {
  checkOptions('juntaNetwork', options, { ...JUNTA_CHECKS, truthTable: { need: 'object' } });
  const { inputCount, coordinates, truthTable, form = 'tight' } = options;
  checkJunta(inputCount, coordinates);
  if (truthTable.length !== 2 ** coordinates.length) {
    throw new FewfireError(
      'invalid-argument',
      `the truth table has ${truthTable.length} values, expected ${2 ** coordinates.length} for ${coordinates.length} coordinates`,
    );
  }
  checkFinite('truth table entry', truthTable);
  const leaves = juntaLeaves(coordinates, truthTable);
  const network = networkFromUnits(
    inputCount,
    leaves.map((leaf) => leafUnit(leaf, form)),
    {
      family: 'junta',
      parameters: { inputCount, coordinates: [...coordinates], truthTable: Array.from(truthTable), form },
    },
  );
  const magnitude = leaves.reduce((most, leaf) => Math.max(most, Math.abs(leaf.value)), 0);
  return { network, claims: { k: Math.min(1, leaves.length), ...leafScale(coordinates.length, magnitude, form) } };
}

/** Options of `parityNetwork`. */
export interface ParityOptions extends LeafOptions {
  readonly inputCount: number;
  /** S; none for the constant 1. */
  readonly coordinates: readonly number[];
}

const JUNTA_CHECKS = { inputCount: { need: 'number' }, coordinates: { need: 'object' }, form: FORMS } as const;

/**
 * The parity chi_S, into {+1,-1}: s = 2^p, k = 1.
 * @throws FewfireError `invalid-argument` for options that are not known or out of range
 * @example
 * ```ts
 * import { domainPoints, evaluateNetwork, parityNetwork } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * console.log(await evaluateNetwork(network, domainPoints(network, 0, 4))); // Float64Array(4) [ 1, -1, -1, 1 ]
 * ```
 */
export function parityNetwork(options: ParityOptions): FamilyMember {
  checkOptions('parityNetwork', options, JUNTA_CHECKS);
  const { inputCount, coordinates, form = 'tight' } = options;
  checkJunta(inputCount, coordinates);
  return parityCopies(inputCount, coordinates, 1, form, 'parity', {
    inputCount,
    coordinates: [...coordinates],
    form,
    values: 'sign',
  });
}

/** Options of `extremalNetwork`. */
export interface ExtremalOptions extends LeafOptions {
  readonly inputCount: number;
  readonly coordinates: readonly number[];
  readonly copies: number;
}

/**
 * k copies of the junta of a parity on p bits, h = k chi_S. In the tight form AS(h) = 4 k^2 W^2 = k^2 p: the new
 * Lemma 3.2 with equality, and its tail beyond degree p - 1 too.
 * @throws FewfireError `invalid-argument` for options that are not known or out of range
 * @example
 * ```ts
 * import { extremalNetwork } from '@fewfire/core';
 *
 * const { network, claims } = extremalNetwork({ inputCount: 4, coordinates: [0, 1], copies: 3 });
 * console.log(network.unitCount, claims.k); // 12 3
 * ```
 */
export function extremalNetwork(options: ExtremalOptions): FamilyMember {
  checkOptions('extremalNetwork', options, { ...JUNTA_CHECKS, copies: { need: 'number' } });
  const { inputCount, coordinates, copies, form = 'tight' } = options;
  checkCount('copies', copies, 1, 4096);
  checkJunta(inputCount, coordinates, copies);
  return parityCopies(inputCount, coordinates, copies, form, 'extremal', {
    inputCount,
    coordinates: [...coordinates],
    copies,
    form,
  });
}

function parityCopies(
  inputCount: number,
  coordinates: readonly number[],
  copies: number,
  form: LeafForm,
  family: string,
  parameters: { readonly [key: string]: string | number | number[] },
): FamilyMember {
  const p = coordinates.length;
  const table = Float64Array.from({ length: 2 ** p }, (_, t) => {
    let odd = t;
    for (let shift = 16; shift > 0; shift >>= 1) odd ^= odd >> shift;
    return odd & 1 ? -1 : 1;
  });
  const units = juntaLeaves(coordinates, table).map((leaf) => leafUnit(leaf, form));
  const network = networkFromUnits(inputCount, Array.from({ length: copies }, () => units).flat(), {
    family,
    parameters,
  });
  return { network, claims: { k: copies, ...leafScale(p, 1, form) } };
}

function juntaLeaves(coordinates: readonly number[], truthTable: ArrayLike<number>): Leaf[] {
  const leaves: Leaf[] = [];
  for (let t = 0; t < truthTable.length; t++) {
    if (truthTable[t] === 0) continue;
    const literals = coordinates.map((coordinate, i) => ({ coordinate, sign: (t >> i) & 1 ? -1 : 1 }) as const);
    leaves.push({ literals, value: truthTable[t] });
  }
  return leaves;
}

function checkJunta(inputCount: number, coordinates: readonly number[], copies = 1): void {
  checkCount('inputCount', inputCount, 1, MAX_INPUTS);
  checkCoordinates(coordinates, inputCount);
  checkCount('the number of coordinates', coordinates.length, 0, MAX_JUNTA);
  checkSize(inputCount, copies * 2 ** coordinates.length);
}

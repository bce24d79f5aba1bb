/** What all families share: networks from lists of units, leaves in both forms, and checks of parameters. */
import { FewfireError } from '../../base/index.ts';
import { createNetwork, type JsonValue, type NetworkDomain, networkScale, type SparseNetwork } from '../network.ts';

/** What the theory says of a family member. */
export interface FamilyClaims {
  /** At most so many units are active at any point of the domain, and so many are somewhere unless noted; null where it must be measured. */
  readonly k: number | null;
  /** max_j |u_j| ||w_j||_2 */
  readonly W: number;
  /** max_j |u_j b_j| */
  readonly B: number;
}

/** A network of a family with what is claimed of it. */
export interface FamilyMember {
  readonly network: SparseNetwork;
  readonly claims: FamilyClaims;
}

/**
 * How a leaf with p literals z_i becomes a unit: `paper` is v relu(<z, x> - (p - 1)), `tight` is
 * v/2 relu(<z, x> - (p - 2)), which also vanishes at the neighbours and has half the W.
 */
export type LeafForm = 'paper' | 'tight';
export const FORMS: readonly LeafForm[] = ['paper', 'tight'];

/** How leaves become units. */
export interface LeafOptions {
  /** Default `tight`. */
  readonly form?: LeafForm;
}

/** A condition on one coordinate: x_coordinate = sign. */
export interface Literal {
  readonly coordinate: number;
  readonly sign: 1 | -1;
}

/** A conjunction of literals on different coordinates, and the value where it holds. */
export interface Leaf {
  readonly literals: readonly Literal[];
  readonly value: number;
}

/** A unit by its weights other than zero. */
export interface SparseUnit {
  readonly weights: readonly (readonly [coordinate: number, weight: number])[];
  readonly bias: number;
  readonly outputWeight: number;
}

export interface UnitNetworkOptions {
  readonly domain?: NetworkDomain;
  readonly family: string;
  readonly parameters: { readonly [key: string]: JsonValue };
  readonly seed?: number;
}

/** A network from sparse units. */
export function networkFromUnits(
  inputCount: number,
  units: readonly SparseUnit[],
  options: UnitNetworkOptions,
): SparseNetwork {
  checkSize(inputCount, units.length);
  const weights = new Float64Array(inputCount * units.length);
  units.forEach((unit, j) => {
    for (const [coordinate, weight] of unit.weights) weights[j * inputCount + coordinate] += weight;
  });
  return createNetwork(
    {
      inputCount,
      weights,
      biases: units.map((unit) => unit.bias),
      outputWeights: units.map((unit) => unit.outputWeight),
      domain: options.domain,
      provenance: { family: options.family, parameters: options.parameters, seed: options.seed ?? null },
    },
    { owned: true },
  );
}

/** The unit of a leaf; without literals it is active everywhere, a constant. */
export function leafUnit(leaf: Leaf, form: LeafForm): SparseUnit {
  const p = leaf.literals.length;
  return {
    weights: leaf.literals.map(({ coordinate, sign }) => [coordinate, sign] as const),
    bias: form === 'paper' ? p - 1 : p - 2,
    outputWeight: form === 'paper' ? leaf.value : leaf.value / 2,
  };
}

/** W and B of one leaf: |v| sqrt(p) and |v (p - 1)| in the paper's form, |v| sqrt(p) / 2 and |v (p - 2)| / 2 in the tight one. */
export function leafScale(p: number, magnitude: number, form: LeafForm): { readonly W: number; readonly B: number } {
  return form === 'paper'
    ? { W: magnitude * Math.sqrt(p), B: magnitude * Math.abs(p - 1) }
    : { W: (magnitude * Math.sqrt(p)) / 2, B: (magnitude * Math.abs(p - 2)) / 2 };
}

/** The claims of a network of which only k is known in closed form: W and B are its own. */
export function measuredClaims(network: SparseNetwork, k: number | null): FamilyClaims {
  const { weight, bias } = networkScale(network);
  return { k, W: weight, B: bias };
}

export function checkCount(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new FewfireError('invalid-argument', `${name} is ${value}, expected a whole number from ${least} to ${most}`);
  }
  return value;
}

export function checkFinite(name: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new FewfireError('invalid-argument', `${name} ${i} is ${values[i]}, expected a finite number`);
    }
  }
}

/** Checks a set of different coordinates below `inputCount`. */
export function checkCoordinates(coordinates: readonly number[], inputCount: number): void {
  const valid = coordinates.every((c) => Number.isInteger(c) && c >= 0 && c < inputCount);
  if (!valid || new Set(coordinates).size !== coordinates.length) {
    throw new FewfireError(
      'invalid-argument',
      `the coordinates are [${coordinates.join(', ')}], expected different whole numbers from 0 to ${inputCount - 1}`,
    );
  }
}

/** Refuses weights of more than 2 GB before anything is built. @throws FewfireError `memory-budget` */
export function checkSize(inputCount: number, unitCount: number): void {
  const bytes = 8 * inputCount * unitCount;
  if (bytes <= 2 ** 31) return;
  throw new FewfireError(
    'memory-budget',
    `${unitCount.toLocaleString('en-US')} units of ${inputCount.toLocaleString('en-US')} inputs have ${Math.ceil(bytes / 1e6).toLocaleString('en-US')} MB of weights, at most ${Math.floor(2 ** 31 / 1e6).toLocaleString('en-US')} MB are made; use fewer inputs or units`,
  );
}

/** The most inputs and units that families make. */
export const MAX_INPUTS = 65_536;
export const MAX_UNITS: number = 2 ** 22;

/**
 * What an optimisation searches: groups of coordinates (one per table column) with the states each may be in, and the
 * polynomial in them, its sign such that larger is better. Coordinates that all states of their group agree on are
 * restricted away; coordinates without a term are left out, and states that then look alike are one state.
 */
import { FewfireError, type Turn } from '../base/index.ts';
import { checkFixed, type FixedCoordinate, type Polynomial, termCoordinates } from '../spectrum/index.ts';

/** Terms between two looks at the clock. */
export const TURN_TERMS = 2048;

/** Coordinates of which only some combinations occur, as those of one table column do. */
export interface CoordinateGroup {
  readonly coordinates: readonly number[];
  /** The combinations: for each, the coordinates with a yes. */
  readonly states: readonly (readonly number[])[];
}

export interface SpaceLimits {
  /** Coordinates in no group are a group each, with a no and a yes. */
  readonly groups: readonly CoordinateGroup[];
  readonly fixed: readonly FixedCoordinate[];
  /** At most `count` of the listed groups (all without the list) may have a yes; groups that must have one do not count. */
  readonly atMost?: { readonly count: number; readonly groups?: readonly number[] | undefined } | undefined;
}

interface SearchState {
  /** A bit per coordinate of the group. */
  readonly bits: Uint8Array;
  /** The coordinates of the whole polynomial with a yes, of the state that stands for those that look like this. */
  readonly yes: readonly number[];
  /** Whether it counts towards `mostCounted`. */
  readonly counted: boolean;
}

interface SearchGroup {
  /** Coordinates of the space's polynomial. */
  readonly coordinates: readonly number[];
  readonly states: readonly SearchState[];
}

export interface SearchSpace {
  /** To be made as large as possible. Its terms are in no particular order. */
  readonly polynomial: Polynomial;
  readonly groups: readonly SearchGroup[];
  readonly mostCounted: number;
  /** Coordinates of the whole polynomial with a yes in every configuration that is searched. */
  readonly settledYes: readonly number[];
}

/** @throws FewfireError `invalid-argument` for groups that overlap or whose states do not fit, or nothing left to choose from */
export async function createSearchSpace(
  polynomial: Polynomial,
  direction: 'maximise' | 'minimise',
  limits: SpaceLimits,
  turn: Turn,
): Promise<SearchSpace> {
  const coordinateCount = polynomial.coordinates.length;
  const all = withSingles(coordinateCount, limits.groups);
  const bitOf = new Map(limits.fixed.map(({ coordinate, bit }) => [coordinate, bit]));
  const counting = new Set(limits.atMost?.groups ?? all.keys());
  const allowed = all.map((group, g) => {
    const states = group.states.filter((yes) =>
      group.coordinates.every((s) => !bitOf.has(s) || (bitOf.get(s) === 1) === yes.includes(s)),
    );
    if (states.length === 0) {
      throw new FewfireError(
        'invalid-argument',
        `no state is left for the coordinates ${group.coordinates.map((s) => polynomial.coordinates[s]).join(', ')}; expected fixed coordinates that occur together`,
      );
    }
    const canBeNo = states.some((yes) => yes.length === 0);
    return { ...group, states, counts: limits.atMost !== undefined && counting.has(g) && canBeNo };
  });

  const constant: FixedCoordinate[] = [...limits.fixed];
  for (const { coordinates, states } of allowed) {
    for (const coordinate of coordinates) {
      const bit = states[0].includes(coordinate) ? 1 : 0;
      const same = states.every((yes) => yes.includes(coordinate) === (bit === 1));
      if (same && !bitOf.has(coordinate)) constant.push({ coordinate, bit });
    }
  }
  const restricted = await restrictTerms(polynomial, constant, direction === 'maximise' ? 1 : -1, turn);
  const used = new Uint8Array(coordinateCount);
  for (const s of restricted.members) used[s] = 1;
  const kept = Array.from(used.keys()).filter((s) => used[s] === 1);
  const position = new Uint16Array(coordinateCount);
  kept.forEach((s, at) => {
    position[s] = at;
  });

  const groups: SearchGroup[] = [];
  const settledYes: number[] = [];
  for (const { coordinates, states, counts } of allowed) {
    const members = coordinates.filter((s) => used[s] === 1);
    const distinct = new Map<string, SearchState>();
    for (const yes of states) {
      const bits = Uint8Array.from(members, (s) => (yes.includes(s) ? 1 : 0));
      const key = bits.join('');
      const counted = counts && yes.length > 0;
      const known = distinct.get(key);
      // Of states that look alike, the first; but one that does not count goes before one that does.
      if (known === undefined || (known.counted && !counted)) distinct.set(key, { bits, yes, counted });
    }
    const list = [...distinct.values()];
    if (list.length > 1) groups.push({ coordinates: members.map((s) => position[s]), states: list });
    else settledYes.push(...list[0].yes);
  }
  return {
    polynomial: {
      ...restricted,
      coordinates: kept.map((s) => polynomial.coordinates[s]),
      members: restricted.members.map((s) => position[s]),
    },
    groups,
    mostCounted: limits.atMost?.count ?? Number.POSITIVE_INFINITY,
    settledYes,
  };
}

/** The bits of all coordinates of the whole polynomial, from the state chosen in every group. */
export function configurationBits(space: SearchSpace, chosen: ArrayLike<number>, coordinateCount: number): Uint8Array {
  const bits = new Uint8Array(coordinateCount);
  for (const s of space.settledYes) bits[s] = 1;
  space.groups.forEach(({ states }, g) => {
    for (const s of states[chosen[g]].yes) bits[s] = 1;
  });
  return bits;
}

// The polynomial times `sign` with coordinates fixed, over all its coordinates still; as `restrictPolynomial`, but it lets
// others run and sorts nothing, because a model may have hundreds of thousands of terms.
async function restrictTerms(
  polynomial: Polynomial,
  fixed: readonly FixedCoordinate[],
  sign: number,
  turn: Turn,
): Promise<Polynomial> {
  const { signs } = checkFixed(polynomial.coordinates.length, fixed);
  // Keys are strings with one character per coordinate, in the order in which they appear.
  const sums = new Map<string, number>();
  for (let t = 0; t < polynomial.termCount; t++) {
    let coefficient = sign * polynomial.coefficients[t];
    let key = '';
    for (const s of termCoordinates(polynomial, t)) {
      if (signs[s] === 0) key += String.fromCharCode(s);
      else coefficient *= signs[s];
    }
    sums.set(key, (sums.get(key) ?? 0) + coefficient);
    if (t % TURN_TERMS === 0) await turn();
  }
  const offsets = new Uint32Array(sums.size + 1);
  const members = new Uint16Array(polynomial.members.length);
  const coefficients = new Float64Array(sums.size);
  let termCount = 0;
  let end = 0;
  for (const [key, coefficient] of sums) {
    if (coefficient === 0) continue;
    for (let j = 0; j < key.length; j++) members[end++] = key.charCodeAt(j);
    coefficients[termCount++] = coefficient;
    offsets[termCount] = end;
    if (termCount % TURN_TERMS === 0) await turn();
  }
  return {
    coordinates: polynomial.coordinates,
    termCount,
    offsets: offsets.subarray(0, termCount + 1),
    members: members.subarray(0, end),
    coefficients: coefficients.subarray(0, termCount),
  };
}

function withSingles(coordinateCount: number, groups: readonly CoordinateGroup[]): CoordinateGroup[] {
  const taken = new Uint8Array(coordinateCount);
  for (const { coordinates, states } of groups) {
    for (const s of coordinates) {
      if (!(Number.isInteger(s) && s >= 0 && s < coordinateCount) || taken[s] === 1) {
        throw new FewfireError(
          'invalid-argument',
          `a group has the coordinate ${s}; expected each of 0 to ${coordinateCount - 1} in at most one group`,
        );
      }
      taken[s] = 1;
    }
    if (states.length === 0 || states.some((yes) => yes.some((s) => !coordinates.includes(s)))) {
      throw new FewfireError(
        'invalid-argument',
        'a group has no states, or states outside its coordinates; expected at least one state, each a list of coordinates of the group',
      );
    }
  }
  const singles = Array.from(taken.keys()).filter((s) => taken[s] === 0);
  return [...groups, ...singles.map((s) => ({ coordinates: [s], states: [[], [s]] }))];
}

/** The value of the space's polynomial, from the state chosen in every group. */
export function spaceValue(space: SearchSpace, chosen: ArrayLike<number>): number {
  const { termCount, offsets, members, coefficients } = space.polynomial;
  const signs = spaceSigns(space, chosen);
  let sum = 0;
  for (let t = 0; t < termCount; t++) {
    let product = coefficients[t];
    for (let k = offsets[t]; k < offsets[t + 1]; k++) product *= signs[members[k]];
    sum += product;
  }
  return sum;
}

/** +1 for a no and -1 for a yes at every coordinate of the space's polynomial. */
export function spaceSigns(space: SearchSpace, chosen: ArrayLike<number>): Int8Array {
  const signs = new Int8Array(space.polynomial.coordinates.length);
  space.groups.forEach(({ coordinates, states }, g) => {
    coordinates.forEach((s, j) => {
      signs[s] = states[chosen[g]].bits[j] === 1 ? -1 : 1;
    });
  });
  return signs;
}

/** A bound on the rounding of values of the space's polynomial, generously: differences below it mean nothing. */
export function roundingSlack({ polynomial }: SearchSpace): number {
  return 1e-12 * polynomial.coefficients.reduce((sum, c) => sum + Math.abs(c), 0);
}

/**
 * Searching the configurations of a polynomial: local search for a good one, and
 * branch and bound that looks at every configuration or rules it out.
 *
 * Branch and bound fixes coordinates one by one, those in the heaviest terms first, and restricts the polynomial each
 * time. No completion has a value above the constant plus the sum of |coefficients| of what is left. Plain as it is,
 * this bound shrinks fast for polynomials that were learned, because most of their weight is on few terms: the chess
 * columns at degree 3 are settled in seconds where a mixed-integer solver gets nowhere in minutes.
 *
 * The coefficients are dense: T(k, d), the monomials of degree <= d in the first k coordinates, is T(k - 1, d) followed
 * by those that contain coordinate k - 1, in the order of T(k - 1, d - 1). So restricting the last coordinate adds the
 * second part onto the first, and every T(k, d) is a beginning of T(n, d).
 */
import type { Random, RunOptions, Turn } from '../base/index.ts';
import { countMonomials } from '../cube/index.ts';
import { polynomialDegree, termCoordinates } from '../spectrum/index.ts';
import { roundingSlack, type SearchSpace, spaceSigns, spaceValue, TURN_TERMS } from './optimise-space.ts';

export interface SearchOutcome {
  /** The best state of every group. */
  readonly chosen: readonly number[];
  readonly value: number;
  /** No configuration that was left open has a larger value; -Infinity when none was. */
  readonly openBound: number;
  /** How often a coordinate was fixed. */
  readonly stepCount: number;
}

const LOCAL_STARTS = 24;
/** Coefficients touched between two looks at the clock: some milliseconds. */
const WORK_PER_LOOK = 2 ** 21;
/** What a step costs besides, in coefficients: finding the state, and a list of gains. */
const STEP_WORK = 1024;
/** Numbers in the arrays of branch and bound, 8 bytes each; beyond it is not tried. */
const MAX_DENSE = 2 ** 24;

/** The configuration that changing one group after the other leads to. */
export type Improve = (from: readonly number[]) => Promise<readonly number[]>;

/**
 * Improves configurations by changing one group at a time until that no longer helps: from the first states of all
 * groups, and from random ones where no limit on counted groups makes those invalid.
 * @param deadline on the clock of `performance.now()`: no start after the first is made then
 */
export async function localSearch(
  space: SearchSpace,
  improve: Improve,
  random: Random,
  deadline: number,
): Promise<readonly number[]> {
  const first = space.groups.map(({ states }) =>
    Math.max(
      0,
      states.findIndex(({ counted }) => !counted),
    ),
  );
  let best = await improve(first);
  let bestValue = spaceValue(space, best);
  const starts = space.mostCounted < space.groups.length ? 1 : LOCAL_STARTS;
  for (let start = 1; start < starts && performance.now() < deadline; start++) {
    const chosen = await improve(space.groups.map(({ states }) => random.integer(states.length)));
    const value = spaceValue(space, chosen);
    if (value > bestValue + roundingSlack(space)) [best, bestValue] = [chosen, value];
  }
  return best;
}

/** Local search in a space, whose terms are looked up by group once. */
export async function createImprove(space: SearchSpace, turn: Turn): Promise<Improve> {
  const { polynomial, groups, mostCounted } = space;
  const { coefficients, offsets, members } = polynomial;
  const slack = roundingSlack(space);
  const termsOf = await termsByGroup(space, turn);
  return async (from) => {
    const chosen = [...from];
    const signs = spaceSigns(space, chosen);
    const valueAround = (g: number): number => {
      let sum = 0;
      for (const t of termsOf[g]) {
        let product = coefficients[t];
        for (let k = offsets[t]; k < offsets[t + 1]; k++) product *= signs[members[k]];
        sum += product;
      }
      return sum;
    };
    const setState = (g: number, state: number): void => {
      groups[g].coordinates.forEach((s, j) => {
        signs[s] = groups[g].states[state].bits[j] === 1 ? -1 : 1;
      });
    };
    let countedNow = groups.reduce((count, { states }, g) => count + (states[chosen[g]].counted ? 1 : 0), 0);
    for (let changed = true; changed; ) {
      changed = false;
      for (let g = 0; g < groups.length; g++) {
        const { states } = groups[g];
        let best = chosen[g];
        let bestValue = valueAround(g);
        for (let state = 0; state < states.length; state++) {
          const countedThen = countedNow - (states[chosen[g]].counted ? 1 : 0) + (states[state].counted ? 1 : 0);
          if (state === chosen[g] || countedThen > mostCounted) continue;
          await turn();
          setState(g, state);
          const value = valueAround(g);
          if (value > bestValue + slack) [best, bestValue] = [state, value];
        }
        setState(g, best);
        if (best === chosen[g]) continue;
        countedNow += (states[best].counted ? 1 : 0) - (states[chosen[g]].counted ? 1 : 0);
        chosen[g] = best;
        changed = true;
      }
    }
    return chosen;
  };
}

async function termsByGroup({ polynomial, groups }: SearchSpace, turn: Turn): Promise<readonly Uint32Array[]> {
  const groupOf = new Uint32Array(polynomial.coordinates.length);
  groups.forEach(({ coordinates }, g) => {
    for (const s of coordinates) groupOf[s] = g;
  });
  const lists = groups.map((): number[] => []);
  for (let t = 0; t < polynomial.termCount; t++) {
    for (const s of termCoordinates(polynomial, t)) {
      const list = lists[groupOf[s]];
      // A term with several coordinates of a group is in its list once.
      if (list[list.length - 1] !== t) list.push(t);
    }
    if (t % TURN_TERMS === 0) await turn();
  }
  return lists.map((list) => Uint32Array.from(list));
}

/** Why branch and bound cannot be tried; undefined where it can. */
export function branchObstacle({ polynomial }: SearchSpace, memoryLimitBytes: number | undefined): string | undefined {
  const n = polynomial.coordinates.length;
  const degree = Math.max(1, polynomialDegree(polynomial));
  let total = 0;
  for (let k = 0; k <= n && total <= MAX_DENSE; k++) total += countMonomials(k, degree);
  if (total > MAX_DENSE) return 'too many coordinates for this degree to enumerate';
  // As allocated: the coefficients of every level, `members` and `embed`.
  const bytes = 8 * total + 2 * degree * countMonomials(n, degree) + 4 * countMonomials(n - 1, degree - 1);
  if (bytes <= (memoryLimitBytes ?? Number.POSITIVE_INFINITY)) return undefined;
  return `not enumerated: that needs ${Math.ceil(bytes / 1e6)} MB, more than allowed`;
}

/**
 * Branch and bound from a configuration to beat.
 * @param deadline on the clock of `performance.now()`: what is open then is bounded instead of searched
 */
export async function branchAndBound(
  space: SearchSpace,
  start: readonly number[],
  deadline: number,
  turn: Turn,
  options: RunOptions,
): Promise<SearchOutcome> {
  const { order, groups } = searchOrder(space);
  const n = order.length;
  const slack = roundingSlack(space);
  const dense = await denseCoefficients(space, order, turn);
  const { sizes, embed } = dense;
  // levels[k]: the coefficients that are left with k coordinates free.
  const levels = sizes.map((size, k) => (k === n ? dense.root : new Float64Array(size)));
  const gains = new Float64Array(n);
  const bits = new Uint8Array(n);
  const tried = new Uint8Array(n + 1);
  const firstBit = new Uint8Array(n + 1);
  const countedAbove = new Int32Array(n + 1);
  let best = start;
  let bestValue = spaceValue(space, start);
  let openBound = Number.NEGATIVE_INFINITY;
  let outOfTime = false;
  let stepCount = 0;
  let work = 0;

  const bound = (k: number): number => {
    const left = levels[k];
    let sum = left[0];
    for (let i = 1; i < left.length; i++) sum += Math.abs(left[i]);
    return sum;
  };
  // From the value with every free coordinate a no: turning coordinate s into a yes gains at most twice the negative
  // coefficients it is in, and only so many groups may turn.
  const boundByCount = (k: number): number => {
    const left = levels[k];
    gains.fill(0, 0, k);
    let value = 0;
    for (let i = 0; i < left.length; i++) {
      value += left[i];
      if (left[i] >= 0) continue;
      for (let j = i * dense.degree; j < (i + 1) * dense.degree && dense.members[j] !== NONE; j++)
        gains[dense.members[j]] -= 2 * left[i];
    }
    const perGroup: number[] = [];
    for (const group of groups) {
      if (group.start >= k) continue;
      let gain = 0;
      for (let s = group.start; s < Math.min(group.end, k); s++) gain += gains[s];
      // A group that is already begun may have been counted or not; it is allowed its gain either way.
      if (group.counts && group.end <= k) perGroup.push(gain);
      else value += gain;
    }
    perGroup.sort((a, b) => b - a);
    for (const gain of perGroup.slice(0, space.mostCounted - countedAbove[k])) value += gain;
    return value;
  };
  const begin = (k: number): void => {
    tried[k] = 0;
    // First the answer that its own coefficient favours.
    firstBit[k] = levels[k][levels[k - 1].length] >= 0 ? 0 : 1;
  };
  const limited = Number.isFinite(space.mostCounted);

  if (n > 0) begin(n);
  for (let k = n > 0 ? n : n + 1; k <= n; ) {
    if (work > WORK_PER_LOOK) {
      work = 0;
      if (performance.now() > deadline) outOfTime = true;
      options.onProgress?.({ phase: 'searching', done: stepCount, total: 0, unit: 'steps' });
      await turn();
    }
    if (tried[k] === 2) {
      k++;
      continue;
    }
    work += STEP_WORK;
    const p = k - 1;
    bits[p] = tried[k]++ === 0 ? firstBit[k] : 1 - firstBit[k];
    const group = groups[order[p].group];
    const state = group.states.findIndex((each) => agrees(each.bits, bits, p, group.start, group.end));
    if (state < 0) continue;
    countedAbove[p] = countedAbove[k] + (p === group.start && group.states[state].counted ? 1 : 0);
    if (countedAbove[p] > space.mostCounted) continue;
    stepCount++;
    work += 2 * levels[p].length;
    restrict(levels[k], levels[p], embed, bits[p] === 1 ? -1 : 1);
    let most = bound(p);
    if (most > bestValue + slack && limited) {
      work += 4 * levels[p].length;
      most = Math.min(most, boundByCount(p));
    }
    if (most <= bestValue + slack) continue;
    if (p === 0) {
      best = chosenOf(groups, bits);
      bestValue = most;
    } else if (outOfTime) {
      openBound = Math.max(openBound, most);
    } else {
      k = p;
      begin(k);
    }
  }
  return { chosen: best, value: spaceValue(space, best), openBound, stepCount };
}

const NONE = 0xffff;

function restrict(from: Float64Array, to: Float64Array, embed: Uint32Array, sign: number): void {
  const size = to.length;
  const rest = from.length - size;
  for (let i = 0; i < size; i++) to[i] = from[i];
  for (let i = 0; i < rest; i++) to[embed[i]] += sign * from[size + i];
}

// Whether a state has the bits that are fixed: those from `fixed` on, of the positions start .. end - 1.
function agrees(state: Uint8Array, bits: Uint8Array, fixed: number, start: number, end: number): boolean {
  for (let s = Math.max(start, fixed); s < end; s++) if (state[s - start] !== bits[s]) return false;
  return true;
}

interface OrderedGroup {
  /** Positions start .. end - 1 in the order of the search. */
  readonly start: number;
  readonly end: number;
  readonly counts: boolean;
  /** Bits by position. */
  readonly states: readonly { readonly bits: Uint8Array; readonly counted: boolean }[];
}

interface SearchOrder {
  /** By position: the coordinate, and its group. */
  readonly order: readonly { readonly coordinate: number; readonly group: number }[];
  readonly groups: readonly OrderedGroup[];
}

// The last position is fixed first: groups by the weight of their terms, and coordinates within a group likewise.
function searchOrder({ polynomial, groups }: SearchSpace): SearchOrder {
  const weights = new Float64Array(polynomial.coordinates.length);
  for (let t = 0; t < polynomial.termCount; t++) {
    for (const s of termCoordinates(polynomial, t)) weights[s] += Math.abs(polynomial.coefficients[t]);
  }
  const weightOf = (g: number): number => groups[g].coordinates.reduce((sum, s) => sum + weights[s], 0);
  const order: { coordinate: number; group: number }[] = [];
  const ordered: OrderedGroup[] = [];
  for (const g of Array.from(groups.keys()).sort((a, b) => weightOf(a) - weightOf(b) || b - a)) {
    const { coordinates, states } = groups[g];
    const inside = Array.from(coordinates.keys()).sort((a, b) => weights[coordinates[a]] - weights[coordinates[b]]);
    const start = order.length;
    for (const j of inside) order.push({ coordinate: coordinates[j], group: g });
    ordered[g] = {
      start,
      end: order.length,
      counts: states.some(({ counted }) => counted),
      states: states.map(({ bits, counted }) => ({ bits: Uint8Array.from(inside, (j) => bits[j]), counted })),
    };
  }
  return { order, groups: ordered };
}

function chosenOf(groups: readonly OrderedGroup[], bits: Uint8Array): number[] {
  return groups.map(({ states, start, end }) => states.findIndex((each) => agrees(each.bits, bits, 0, start, end)));
}

interface DenseCoefficients {
  readonly degree: number;
  readonly root: Float64Array;
  /** sizes[k] = |T(k, d)| */
  readonly sizes: readonly number[];
  /** Where the entries of T(n - 1, d - 1) stand in T(n, d). */
  readonly embed: Uint32Array;
  /** The positions in every monomial of T(n, d), descending, d entries each, filled up with `NONE`. */
  readonly members: Uint16Array;
}

async function denseCoefficients(
  { polynomial }: SearchSpace,
  order: SearchOrder['order'],
  turn: Turn,
): Promise<DenseCoefficients> {
  const n = order.length;
  const degree = Math.max(1, polynomialDegree(polynomial));
  // before[d][s] = |T(s, d)|: the entries before those whose largest position is s.
  const before = Array.from({ length: degree + 1 }, (_, d) =>
    Float64Array.from({ length: n + 1 }, (_, s) => countMonomials(s, d)),
  );
  const indexOf = (descending: Uint16Array, size: number): number => {
    let index = 0;
    for (let j = 0; j < size; j++) index += before[degree - j][descending[j]];
    return index;
  };
  const sizes = Array.from(before[degree]);
  const root = new Float64Array(sizes[n]);
  const placeOf = new Uint16Array(n);
  order.forEach(({ coordinate }, position) => {
    placeOf[coordinate] = position;
  });
  for (let t = 0; t < polynomial.termCount; t++) {
    const positions = termCoordinates(polynomial, t).map((s) => placeOf[s]);
    root[indexOf(positions.sort().reverse(), positions.length)] = polynomial.coefficients[t];
    if (t % TURN_TERMS === 0) await turn();
  }
  const members = new Uint16Array(sizes[n] * degree).fill(NONE);
  await visitInOrder(n, degree, turn, (subset, size, at) => {
    for (let j = 0; j < size; j++) members[at * degree + j] = subset[j];
  });
  // T(n - 1, d - 1) in its own order, looked up in T(n, d).
  const embed = new Uint32Array(n === 0 ? 0 : before[degree - 1][n - 1]);
  await visitInOrder(n - 1, degree - 1, turn, (subset, size, at) => {
    embed[at] = indexOf(subset, size);
  });
  return { degree, root, sizes, embed, members };
}

// Visits T(n, d) in its order, positions descending: an entry, then those that its next largest position 0, 1, ... makes.
async function visitInOrder(
  n: number,
  degree: number,
  turn: Turn,
  visit: (subset: Uint16Array, size: number, at: number) => void,
): Promise<void> {
  if (n < 0) return;
  const subset = new Uint16Array(degree);
  const limit = (j: number): number => (j === 0 ? n : subset[j - 1]);
  let size = 0;
  for (let at = 0; ; at++) {
    visit(subset, size, at);
    if (at % TURN_TERMS === 0) await turn();
    if (size < degree && limit(size) > 0) {
      subset[size++] = 0;
      continue;
    }
    while (size > 0 && subset[size - 1] + 1 >= limit(size - 1)) size--;
    if (size === 0) return;
    subset[size - 1]++;
  }
}

/**
 * The pairwise conflict certificate (THEORY section 7). Units i and j are never
 * active together if some lambda in [0,1] has
 *
 *   ||lambda w_i + (1-lambda) w_j||_1 < lambda b_i+ + (1-lambda) b_j+,
 *
 * because where both are active <lambda w_i + (1-lambda) w_j, x> reaches the right
 * side. In whole numbers (exact-units.ts; level = how far <w, x> is above b, in
 * steps it can take) and with a : b for lambda : 1-lambda this reads
 *
 *   a (highest_i - 1) + b (highest_j - 1) < sum over l of min(a |w_il|, b |w_jl|),
 *
 * summed over the coordinates where w_i and w_j have opposite signs. The right side
 * is concave and piecewise linear, so the least lambda is an endpoint (a dead unit)
 * or a breakpoint a = |w_jl|, b = |w_il|. Sound, not complete: it excludes the box.
 *
 * A partition of the live units into classes of pairwise conflicting units proves
 * k <= number of classes: a colouring of the graph of pairs that do not conflict.
 */
import type { ExactUnit } from '@fewfire/kernels';
import { createRandom, createTurn, FewfireError, type RunOptions, type Turn } from '../../base/index.ts';
import type { SparseNetwork } from '../network.ts';
import { type TightenedNetwork, tighten } from './tighten.ts';

export interface ConflictCertificate {
  /** Units that are active nowhere on the cube. */
  readonly deadUnits: readonly number[];
  /** The other units, every two of a class in conflict. */
  readonly classes: readonly (readonly number[])[];
  /** The number of classes: at most so many units are active at any point of the cube. */
  readonly kUpper: number;
}

export interface ConflictOptions extends RunOptions {
  /** Stops looking for fewer classes once there are so few, for example as many as some point has active units. */
  readonly stopAt?: number;
}

/** Units for which all pairs are kept as bits, so that several orders can be tried. */
const MATRIX_UNITS = 8192;
const SHUFFLES = 8;

/**
 * Whether the certificate excludes that both units are active, and at which lambda.
 * @returns lambda of the published form and the coordinate whose weights cancel there (null at an endpoint), or undefined without a proof
 */
export function conflictOf(
  network: Pick<SparseNetwork, 'inputCount' | 'weights' | 'biases'>,
  i: number,
  j: number,
): { readonly lambda: number; readonly coordinate: number | null } | undefined {
  const row = (unit: number) => network.weights.slice(unit * network.inputCount, (unit + 1) * network.inputCount);
  if (i === j) throw new FewfireError('invalid-argument', `units ${i} and ${j} are one; expected two units`);
  const pair = tighten({
    inputCount: network.inputCount,
    weights: Float64Array.from([...row(i), ...row(j)]),
    biases: Float64Array.of(network.biases[i], network.biases[j]),
  });
  if (pair.units[0].highest < 1n) return { lambda: 1, coordinate: null };
  if (pair.units[1].highest < 1n) return { lambda: 0, coordinate: null };
  const coordinate = createPairTest(pair.units)(0, 1);
  if (coordinate < 0) return undefined;
  const a = Math.abs(network.weights[i * network.inputCount + coordinate]);
  const b = Math.abs(network.weights[j * network.inputCount + coordinate]);
  return { lambda: b / (a + b), coordinate };
}

/** Looks for a partition into few classes; always finds one, at worst of single units. */
export async function certifyConflicts(
  tightened: TightenedNetwork,
  options: ConflictOptions = {},
): Promise<ConflictCertificate> {
  const { signal, onProgress, stopAt = 0, seed = 1 } = options;
  const live = tightened.liveUnits;
  const test = createPairTest(tightened.units);
  const turn = createTurn(signal);
  const deadUnits = Array.from(tightened.deadUnits);
  const done = (classes: readonly (readonly number[])[]): ConflictCertificate => ({
    deadUnits,
    classes,
    kUpper: classes.length,
  });
  const report = (steps: number): void =>
    onProgress?.({ phase: 'looking for conflicts', done: steps, total: live.length, unit: 'steps' });
  // First fit in the given order: the leaves of a tree follow each other in most networks.
  let best: number[][] = [];
  for (let at = 0; at < live.length; at++) {
    const unit = live[at];
    let home: number[] | undefined;
    for (const members of best) {
      const wait = turn();
      if (wait !== undefined) await wait;
      if (members.every((other) => test(other, unit) >= 0)) {
        home = members;
        break;
      }
    }
    if (home === undefined) best.push([unit]);
    else home.push(unit);
    if ((at & 63) === 0) report(at);
  }
  report(live.length);
  if (best.length <= Math.max(1, stopAt) || live.length > MATRIX_UNITS) return done(best);

  const matrix = await conflictMatrix(live, test, turn);
  const openCounts = Array.from(live, (_, at) => live.length - matrix.count(at));
  const natural = Array.from(live, (_, at) => at);
  const random = createRandom(seed);
  for (let attempt = 0; attempt <= SHUFFLES && best.length > Math.max(1, stopAt); attempt++) {
    const ties = random.permutation(live.length);
    // Units with few conflicts first, as Welsh and Powell do; then the same with noise.
    const keys = openCounts.map((count) => count * (1 + (attempt === 0 ? 0 : 0.3 * random.uniform())));
    const order = natural.toSorted((a, b) => keys[b] - keys[a] || (attempt === 0 ? a - b : ties[a] - ties[b]));
    const classes = await matrix.firstFit(order, turn);
    if (classes.length < best.length) best = classes.map((members) => members.map((at) => live[at]).sort(ascending));
  }
  return done(best);
}

function ascending(a: number, b: number): number {
  return a - b;
}

interface ConflictMatrix {
  count(at: number): number;
  firstFit(order: readonly number[], turn: Turn): Promise<number[][]>;
}

async function conflictMatrix(
  live: Uint32Array,
  test: (i: number, j: number) => number,
  turn: Turn,
): Promise<ConflictMatrix> {
  const size = live.length;
  const words = Math.ceil(size / 32);
  const bits = new Uint32Array(size * words);
  for (let a = 0; a < size; a++) {
    for (let b = 0; b < a; b++) {
      if ((b & 255) === 0) await turn();
      if (test(live[b], live[a]) < 0) continue;
      bits[a * words + (b >> 5)] |= 1 << (b & 31);
      bits[b * words + (a >> 5)] |= 1 << (a & 31);
    }
  }
  return {
    count(at) {
      let total = 0;
      for (let w = at * words; w < (at + 1) * words; w++) {
        for (let rest = bits[w]; rest !== 0; rest &= rest - 1) total++;
      }
      return total;
    },
    async firstFit(order, turnBetween) {
      const classes: number[][] = [];
      // What all members of a class conflict with.
      const common: Uint32Array[] = [];
      for (const at of order) {
        await turnBetween();
        let c = 0;
        while (c < classes.length && ((common[c][at >> 5] >>> (at & 31)) & 1) === 0) c++;
        const own = bits.subarray(at * words, (at + 1) * words);
        if (c === classes.length) {
          classes.push([at]);
          common.push(own.slice());
        } else {
          classes[c].push(at);
          for (let w = 0; w < words; w++) common[c][w] &= own[w];
        }
      }
      return classes;
    },
  };
}

/** A unit prepared for pair tests. */
interface PairUnit {
  readonly inputs: Int32Array;
  /** Steps and highest - 1 as doubles, over a power of two if they are too large. */
  readonly steps: Float64Array;
  readonly slack: number;
  /** The largest |step|, and the most that slack or a sum of |steps| can be. */
  readonly largest: number;
  readonly total: number;
  readonly unit: ExactUnit;
}

/**
 * A function that gives the coordinate of a breakpoint which proves the conflict of two live units, or -1. Sums of
 * products are exact: in doubles where they stay below 2^53, else in big integers at the breakpoints that doubles do
 * not rule out by far more than their rounding.
 */
function createPairTest(units: readonly ExactUnit[]): (i: number, j: number) => number {
  const prepared: (PairUnit | undefined)[] = new Array(units.length);
  const prepare = (j: number): PairUnit => {
    let pair = prepared[j];
    if (pair === undefined) {
      const unit = units[j];
      // A unit may be scaled at will: lambda follows. So products of two units stay far from overflow.
      const shift = BigInt(Math.max(0, (unit.highest - unit.lowest).toString(2).length - 400));
      const steps = Float64Array.from(unit.steps, (step) => Number(step >> shift));
      const slack = Number((unit.highest - 1n) >> shift);
      let largest = 0;
      let norm = 0;
      for (const step of steps) {
        largest = Math.max(largest, Math.abs(step));
        norm += Math.abs(step);
      }
      pair = { inputs: unit.inputs, steps, slack, largest, total: Math.max(slack, norm), unit };
      prepared[j] = pair;
    }
    return pair;
  };
  const size = units.reduce((most, unit) => Math.max(most, unit.inputs.length), 0);
  const opposite = { at: new Int32Array(size), a: new Float64Array(size), b: new Float64Array(size) };
  return (i, j) => {
    const p = prepare(i);
    const q = prepare(j);
    return testInDoubles(p, q, opposite, p.largest * q.total + q.largest * p.total < 2 ** 52);
  };
}

/** Coordinates, and |steps| there, where the signs differ; kept between calls because pairs come by the million. */
interface Opposite {
  readonly at: Int32Array;
  readonly a: Float64Array;
  readonly b: Float64Array;
}

function testInDoubles(p: PairUnit, q: PairUnit, opposite: Opposite, isExact: boolean): number {
  const { inputs: pi, steps: ps } = p;
  const { inputs: qi, steps: qs } = q;
  const { at: oppositeAt, a: oppositeA, b: oppositeB } = opposite;
  let count = 0;
  let sumA = 0;
  let sumB = 0;
  const saturated = p.unit.highest === 1n && q.unit.highest === 1n;
  // Rounding is below 1e-11 of the larger side for a hundred thousand terms.
  const tolerance = isExact ? 1 : 1 + 1e-9;
  for (let a = 0, b = 0; a < pi.length && b < qi.length; ) {
    if (pi[a] < qi[b]) a++;
    else if (pi[a] > qi[b]) b++;
    else {
      if (ps[a] * qs[b] < 0) {
        // Both units need all their weights: one disagreement is enough.
        if (saturated) return pi[a];
        oppositeAt[count] = pi[a];
        oppositeA[count] = Math.abs(ps[a]);
        oppositeB[count] = Math.abs(qs[b]);
        sumA += oppositeA[count];
        sumB += oppositeB[count++];
      }
      a++;
      b++;
    }
  }
  // The right side is at most a sumA and at most b sumB.
  if (count === 0 || p.slack / sumA + q.slack / sumB > 1.000001) return -1;
  for (let l = 0; l < count; l++) {
    const a = oppositeB[l];
    const b = oppositeA[l];
    let right = 0;
    for (let m = 0; m < count; m++) right += Math.min(a * oppositeA[m], b * oppositeB[m]);
    if (a * p.slack + b * q.slack >= right * tolerance) continue;
    if (isExact || isProof(p.unit, q.unit, oppositeAt[l])) return oppositeAt[l];
  }
  return -1;
}

// The inequality at the breakpoint where the weights of coordinate `at` cancel, in whole numbers.
function isProof(p: ExactUnit, q: ExactUnit, at: number): boolean {
  const opposite: { readonly at: number; readonly a: bigint; readonly b: bigint }[] = [];
  for (let a = 0, b = 0; a < p.inputs.length && b < q.inputs.length; ) {
    if (p.inputs[a] < q.inputs[b]) a++;
    else if (p.inputs[a] > q.inputs[b]) b++;
    else {
      const [x, y] = [p.steps[a], q.steps[b]];
      if (x < 0n !== y < 0n) opposite.push({ at: p.inputs[a], a: x < 0n ? -x : x, b: y < 0n ? -y : y });
      a++;
      b++;
    }
  }
  const breakpoint = opposite.find((entry) => entry.at === at);
  if (breakpoint === undefined) return false;
  const { a: b, b: a } = breakpoint;
  let right = 0n;
  for (const other of opposite) {
    const x = a * other.a;
    const y = b * other.b;
    right += x < y ? x : y;
  }
  return a * (p.highest - 1n) + b * (q.highest - 1n) < right;
}

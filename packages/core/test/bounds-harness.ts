/**
 * Brute force for the bounds: networks as plain arrays, every quantity by its
 * definition over all 2^n points, nothing from the code under test.
 */
import type { Random } from '../src/index.ts';

export interface PlainNetwork {
  readonly n: number;
  /** Rows of weights, biases, output weights: h(x) = sum_j u_j relu(<w_j, x> - b_j). */
  readonly w: readonly (readonly number[])[];
  readonly b: readonly number[];
  readonly u: readonly number[];
}

export interface Measured {
  readonly values: Float64Array;
  /** By unit, whether it is active on each point. */
  readonly active: readonly Uint8Array[];
  readonly sparsity: number;
  readonly weightScale: number;
  readonly biasScale: number;
  readonly firingRates: Float64Array;
  readonly squaredScales: Float64Array;
  /** Q. */
  readonly scaledFiring: number;
  readonly averageSensitivity: number;
  /** tails[d] is the weight beyond degree d. */
  readonly tails: readonly number[];
}

export const coordinate = (x: number, i: number): number => ((x >> i) & 1 ? -1 : 1);

function ones(x: number): number {
  let count = 0;
  for (; x !== 0; x &= x - 1) count++;
  return count;
}

export function preactivation(w: readonly number[], b: number, x: number): number {
  return w.reduce((sum, weight, i) => sum + weight * coordinate(x, i), -b);
}

/** 1/4 E sum_i (f(x) - f(x^(i)))^2. */
export function averageSensitivityOf(values: ArrayLike<number>, n: number): number {
  let sum = 0;
  for (let x = 0; x < 2 ** n; x++) for (let i = 0; i < n; i++) sum += (values[x] - values[x ^ (1 << i)]) ** 2;
  return sum / 4 / 2 ** n;
}

/** 1/4 E (f(x) - f(y))^2 over all pairs, weighted by the chance of their difference. */
export function noiseSensitivityOf(values: ArrayLike<number>, n: number, noiseDelta: number): number {
  let sum = 0;
  for (let flips = 0; flips < 2 ** n; flips++) {
    const chance = noiseDelta ** ones(flips) * (1 - noiseDelta) ** (n - ones(flips));
    let squares = 0;
    for (let x = 0; x < 2 ** n; x++) squares += (values[x] - values[x ^ flips]) ** 2;
    sum += (chance * squares) / 2 ** n;
  }
  return sum / 4;
}

/** Weight beyond every degree 0 .. n, from naive Fourier coefficients. */
function tailsOf(values: ArrayLike<number>, n: number): number[] {
  const levels = new Array<number>(n + 1).fill(0);
  for (let subset = 0; subset < 2 ** n; subset++) {
    let sum = 0;
    for (let x = 0; x < 2 ** n; x++) sum += ones(x & subset) % 2 === 1 ? -values[x] : values[x];
    levels[ones(subset)] += (sum / 2 ** n) ** 2;
  }
  return levels.map((_, d) => levels.slice(d + 1).reduce((sum, weight) => sum + weight, 0));
}

export function measure(network: PlainNetwork): Measured {
  const { n, w, b, u } = network;
  const count = 2 ** n;
  const values = new Float64Array(count);
  const activeCounts = new Uint32Array(count);
  const active = w.map((row, j) => {
    const on = new Uint8Array(count);
    for (let x = 0; x < count; x++) {
      const a = preactivation(row, b[j], x);
      if (a <= 0) continue;
      on[x] = 1;
      activeCounts[x]++;
      values[x] += u[j] * a;
    }
    return on;
  });
  const norms = w.map((row) => row.reduce((sum, weight) => sum + weight * weight, 0));
  const firingRates = Float64Array.from(active, (on) => on.reduce((sum, one) => sum + one, 0) / count);
  const squaredScales = Float64Array.from(norms, (norm, j) => u[j] ** 2 * norm);
  return {
    values,
    active,
    sparsity: activeCounts.reduce((a, c) => Math.max(a, c), 0),
    weightScale: Math.sqrt(squaredScales.reduce((a, c) => Math.max(a, c), 0)),
    biasScale: Math.max(...u.map((weight, j) => Math.abs(weight * b[j]))),
    firingRates,
    squaredScales,
    scaledFiring: firingRates.reduce((sum, p, j) => sum + p * squaredScales[j], 0),
    averageSensitivity: averageSensitivityOf(values, n),
    tails: tailsOf(values, n),
  };
}

/** The share of points on which more than `sparsity` units are active. */
export function exceedance({ active, values }: Measured, sparsity: number): number {
  let above = 0;
  for (let x = 0; x < values.length; x++) if (active.filter((on) => on[x] === 1).length > sparsity) above++;
  return above / values.length;
}

/** Groups of units of which at most one is active anywhere: greedy colouring of the units active together. */
export function exclusiveGroups({ active }: Measured): number[] {
  const groups: number[] = [];
  active.forEach((on, j) => {
    const taken = new Set<number>();
    for (let i = 0; i < j; i++) if (active[i].some((one, x) => one === 1 && on[x] === 1)) taken.add(groups[i]);
    let group = 0;
    while (taken.has(group)) group++;
    groups.push(group);
  });
  return groups;
}

/** One unit per leaf: the literals it asks for, as coordinate -> sign, and its value. */
export interface Leaf {
  readonly literals: ReadonlyMap<number, number>;
  readonly value: number;
}

export function networkOfLeaves(n: number, leaves: readonly Leaf[], form: 'tight' | 'paper'): PlainNetwork {
  return {
    n,
    w: leaves.map(({ literals }) => Array.from({ length: n }, (_, i) => literals.get(i) ?? 0)),
    b: leaves.map(({ literals }) => literals.size - (form === 'tight' ? 2 : 1)),
    u: leaves.map(({ value }) => (form === 'tight' ? value / 2 : value)),
  };
}

/** The junta form: one leaf for each setting of the first p coordinates. */
export function juntaLeaves(p: number, value: (z: number) => number): Leaf[] {
  return Array.from({ length: 2 ** p }, (_, z) => ({
    literals: new Map(Array.from({ length: p }, (_, i) => [i, coordinate(z, i)])),
    value: value(z),
  }));
}

/** k copies of the tight junta of the parity of p bits: the extremal family of Lemma 3.2. */
export function extremalNetwork(p: number, copies: number): PlainNetwork {
  const one = juntaLeaves(p, (z) => (ones(z) % 2 === 1 ? -1 : 1));
  return networkOfLeaves(p, Array.from({ length: copies }, () => one).flat(), 'tight');
}

/** Leaves of a random decision tree that asks no coordinate twice on a path. */
export function randomTree(n: number, random: Random, path: ReadonlyMap<number, number> = new Map()): Leaf[] {
  if (path.size === n || (path.size > 0 && random.uniform() < 0.3)) return [{ literals: path, value: random.normal() }];
  let i = random.integer(n);
  while (path.has(i)) i = (i + 1) % n;
  return [1, -1].flatMap((sign) => randomTree(n, random, new Map([...path, [i, sign]])));
}

/** Random halfspace units with a bias of the given size, in units of the norm of the weights. */
export function randomUnits(n: number, count: number, bias: () => number, random: Random): PlainNetwork {
  const w = Array.from({ length: count }, () => Array.from({ length: n }, () => random.normal()));
  const norm = (row: readonly number[]): number => Math.hypot(...row);
  return { n, w, b: w.map((row) => bias() * norm(row)), u: w.map(() => random.normal()) };
}

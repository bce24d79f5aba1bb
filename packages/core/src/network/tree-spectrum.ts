/**
 * Exact sparse spectra of tree ensembles. A tree is a martingale along its paths,
 *
 *   f(x) = E f + sum over questions v of  [x reaches v] x_v (E_no - E_yes) / 2,
 *
 * and [x reaches v] is the product of (1 +- x_i)/2 over the l coordinates asked
 * before, 2^l parities. So a tree has at most 1 + sum_v 2^l terms, a third of
 * what expanding its leaves would touch, and v's parities all contain v.
 *
 * Terms live in one open-addressing table over a flat list of members: a parity's
 * hash is the exclusive or of a random word per coordinate, so going from one
 * subset to the next costs one operation, and equality is checked on the members.
 */
import {
  checkRunOptions,
  createRandom,
  createReportingTurn,
  FewfireError,
  type RunOptions,
  type Turn,
} from '../base/index.ts';
import { countMonomials } from '../cube/index.ts';
import type { Polynomial } from '../spectrum/index.ts';
import type { DecisionTree } from './families/index.ts';
import { refuseBytes, type TreeEnsemble } from './tree-ensemble.ts';

/** Options of `treeEnsembleSpectrum`. */
export interface TreeSpectrumOptions extends RunOptions {
  /** Only terms of at most this degree, which are exact all the same. */
  readonly degree?: number;
}

export interface TreeSpectrumSize {
  /** Parities that are touched: the time, at some 50 ns each. */
  readonly stepCount: number;
  /** No more terms than this. */
  readonly termBound: number;
  /** The largest number of coordinates on a path, at most `degree`. */
  readonly degree: number;
  /** No more memory than this, in bytes. */
  readonly memoryBytes: number;
}

/** Beyond so many steps (a few minutes) a spectrum is refused however few terms it may have. */
const MAX_STEPS = 2 ** 32;

/** What `treeEnsembleSpectrum` would take, from the shape of the trees alone. */
export function treeSpectrumSize(ensemble: TreeEnsemble, options: { readonly degree?: number } = {}): TreeSpectrumSize {
  return sizeOf(ensemble.trees.map(reduceTree), ensemble.coordinates.length, checkDegree(options.degree));
}

/**
 * f^ of intercept + sum of trees, over the uniform cube of the coordinates; terms that cancel to exactly 0 are dropped.
 * Shapley and Banzhaf values follow from it (`shapleyValues`, `banzhafValues`).
 * @throws FewfireError `memory-budget` before anything is allocated, with the size and what to lower
 * @example
 * ```ts
 * import { importTreeModel, termList, treeEnsembleSpectrum } from '@fewfire/core';
 *
 * // One tree: 1 below an age of 40, else 3; as XGBoost's save_model('model.json') writes it.
 * const tree = {
 *   tree_param: { size_leaf_vector: '0' },
 *   left_children: [1, -1, -1],
 *   right_children: [2, -1, -1],
 *   split_indices: [0, 0, 0],
 *   split_conditions: [40, 1, 3],
 *   default_left: [0, 0, 0],
 * };
 * const learner = {
 *   feature_names: ['age'],
 *   objective: { name: 'reg:squarederror' },
 *   learner_model_param: { num_feature: '1', num_class: '0', base_score: '0' },
 *   gradient_booster: { name: 'gbtree', model: { tree_info: [0], iteration_indptr: [0, 1], trees: [tree] } },
 * };
 * const file = new TextEncoder().encode(JSON.stringify({ learner, version: [2, 1, 0] }));
 * const model = importTreeModel(file);
 * for (const { coordinates, coefficient } of termList(await treeEnsembleSpectrum(model.outputs[0]))) console.log(coordinates, coefficient);
 * // [] 2
 * // [ 0 ] -1
 * ```
 */
export async function treeEnsembleSpectrum(
  ensemble: TreeEnsemble,
  options: TreeSpectrumOptions = {},
): Promise<Polynomial> {
  checkRunOptions('treeEnsembleSpectrum', options, { degree: 'number' });
  const maximumDegree = checkDegree(options.degree);
  const trees = ensemble.trees.map(reduceTree);
  const size = sizeOf(trees, ensemble.coordinates.length, maximumDegree);
  const what = `the spectrum of ${trees.length.toLocaleString('en-US')} trees, up to ${size.termBound.toLocaleString('en-US')} terms of degree ${size.degree} in ${size.stepCount.toLocaleString('en-US')} steps,`;
  if (size.stepCount > MAX_STEPS) {
    throw new FewfireError(
      'memory-budget',
      `${what} is more than the ${MAX_STEPS.toLocaleString('en-US')} steps allowed; lower the degree or take fewer trees`,
    );
  }
  refuseBytes(size.memoryBytes, options.memoryLimitBytes, what);
  const sums = createTermSums(ensemble.coordinates.length, size);
  sums.add(0, 0, ensemble.intercept);
  const turn = createReportingTurn('expanding trees', options);
  for (let t = 0; t < trees.length; t++) {
    await addTree(trees[t], sums, maximumDegree, () => turn(t, trees.length));
    await turn(t + 1, trees.length);
  }
  options.signal?.throwIfAborted();
  return sums.toPolynomial(ensemble.coordinates.map((coordinate) => coordinate.name));
}

/** The questions that can be reached and have two answers there, parents first. */
interface ReducedTree {
  readonly mean: number;
  readonly coordinate: Int32Array;
  /** Position of the question before, -1 at the root. */
  readonly parent: Int32Array;
  /** What was answered there: 1 a no (x = +1), -1 a yes. */
  readonly side: Int8Array;
  /** How many questions come before. */
  readonly depth: Int32Array;
  /** (E_no - E_yes) / 2. */
  readonly half: Float64Array;
}

function reduceTree(tree: DecisionTree): ReducedTree {
  const coordinate: number[] = [];
  const parent: number[] = [];
  const side: number[] = [];
  const depth: number[] = [];
  // Values of leaves by parent and side, in the order met; questions get theirs below.
  const mean: [number, number][] = [];
  let constant = 0;
  const stack: { node: DecisionTree; parent: number; side: number }[] = [{ node: tree, parent: -1, side: 0 }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    let { node } = top;
    while ('coordinate' in node) {
      const known: number = answerOnPath(node.coordinate, top.parent, top.side);
      if (known === 0) break;
      node = known === 1 ? node.no : node.yes;
    }
    if (!('coordinate' in node)) {
      if (top.parent < 0) constant = node.value;
      else mean[top.parent][top.side === 1 ? 0 : 1] = node.value;
      continue;
    }
    const at = coordinate.length;
    coordinate.push(node.coordinate);
    parent.push(top.parent);
    side.push(top.side);
    depth.push(top.parent < 0 ? 0 : depth[top.parent] + 1);
    mean.push([0, 0]);
    stack.push({ node: node.yes, parent: at, side: -1 }, { node: node.no, parent: at, side: 1 });
  }
  const half = new Float64Array(coordinate.length);
  for (let v = coordinate.length - 1; v >= 0; v--) {
    const [no, yes] = mean[v];
    half[v] = (no - yes) / 2;
    const own = (no + yes) / 2;
    if (parent[v] < 0) constant = own;
    else mean[parent[v]][side[v] === 1 ? 0 : 1] = own;
  }
  return {
    mean: constant,
    coordinate: Int32Array.from(coordinate),
    parent: Int32Array.from(parent),
    side: Int8Array.from(side),
    depth: Int32Array.from(depth),
    half,
  };

  function answerOnPath(asked: number, from: number, answer: number): number {
    for (let v = from, given = answer; v >= 0; given = side[v], v = parent[v])
      if (coordinate[v] === asked) return given;
    return 0;
  }
}

function sizeOf(trees: readonly ReducedTree[], coordinateCount: number, maximumDegree: number): TreeSpectrumSize {
  let stepCount = 1;
  let degree = 0;
  for (const { depth, half } of trees) {
    stepCount++;
    for (let v = 0; v < depth.length; v++) {
      if (half[v] === 0 || maximumDegree === 0) continue;
      stepCount += countMonomials(depth[v], Math.min(depth[v], maximumDegree - 1));
      degree = Math.max(degree, Math.min(depth[v] + 1, maximumDegree));
    }
  }
  const termBound = Math.min(stepCount, countMonomials(coordinateCount, Math.min(degree, coordinateCount)));
  // A term: members, where they start, size, coefficient, hash, two to four slots; twice for growing and for sorting.
  return { stepCount, termBound, degree, memoryBytes: termBound * 2 * (2 * degree + 4 + 2 + 8 + 4 + 4 * 4) };
}

// All parities of one tree: subsets of every path with the question at its end.
async function addTree(tree: ReducedTree, sums: TermSums, maximumDegree: number, turn: Turn): Promise<void> {
  const { coordinate, parent, side, depth, half } = tree;
  sums.add(0, 0, tree.mean);
  const { members, words } = sums;
  for (let v = 0; v < coordinate.length; v++) {
    if (half[v] === 0 || maximumDegree === 0) continue;
    const path: { c: number; sign: number }[] = [{ c: coordinate[v], sign: 0 }];
    for (let u = parent[v], sign = side[v]; u >= 0; sign = side[u], u = parent[u])
      path.push({ c: coordinate[u], sign });
    path.sort((a, b) => a.c - b.c);
    const last = path.length;
    // Takes or leaves path[k], ...; the question itself (sign 0) is always taken, and `room` is kept for it.
    const expand = (k: number, size: number, room: number, hash: number, coefficient: number): void => {
      if (k === last) {
        sums.add(size, hash, coefficient);
        return;
      }
      const { c, sign } = path[k];
      if (sign !== 0) expand(k + 1, size, room, hash, coefficient);
      if (sign !== 0 && room === 0) return;
      members[size] = c;
      expand(k + 1, size + 1, sign === 0 ? room : room - 1, hash ^ words[c], sign === -1 ? -coefficient : coefficient);
    };
    // 2^-depth is exact; the sum of up to 2^depth such terms is rounded.
    expand(0, 0, Math.min(maximumDegree - 1, depth[v]), 0, half[v] * 2 ** -depth[v]);
    const wait = turn();
    if (wait !== undefined) await wait;
  }
}

interface TermSums {
  /** The members of the next term to add, ascending. */
  readonly members: Uint16Array;
  /** One random word per coordinate. */
  readonly words: Int32Array;
  /** Adds to the coefficient of `members[0 .. size)`, whose words have the exclusive or `hash`. */
  add(size: number, hash: number, coefficient: number): void;
  toPolynomial(coordinates: readonly string[]): Polynomial;
}

function createTermSums(coordinateCount: number, size: TreeSpectrumSize): TermSums {
  const random = createRandom(1);
  const words = Int32Array.from({ length: coordinateCount }, () => random.bits() | 0);
  const members = new Uint16Array(size.degree);
  let capacity = Math.min(size.termBound, 1024);
  let stored = new Uint16Array(Math.max(1, capacity * size.degree));
  let starts = new Uint32Array(capacity + 1);
  let hashes = new Int32Array(capacity);
  let coefficients = new Float64Array(capacity);
  let slots = new Int32Array(2048).fill(-1);
  let count = 0;
  const overflow = 2 ** 32;

  const grow = (): void => {
    capacity = Math.min(size.termBound, 2 * capacity);
    starts = copied(starts, new Uint32Array(capacity + 1));
    hashes = copied(hashes, new Int32Array(capacity));
    coefficients = copied(coefficients, new Float64Array(capacity));
  };
  const rehash = (): void => {
    slots = new Int32Array(2 * slots.length).fill(-1);
    const mask = slots.length - 1;
    for (let t = 0; t < count; t++) {
      let at = mixed(hashes[t]) & mask;
      while (slots[at] >= 0) at = (at + 1) & mask;
      slots[at] = t;
    }
  };
  const add = (length: number, hash: number, coefficient: number): void => {
    const mask = slots.length - 1;
    let at = mixed(hash) & mask;
    search: for (let t = slots[at]; t >= 0; t = slots[at]) {
      at = (at + 1) & mask;
      const start = starts[t];
      if (hashes[t] !== hash || starts[t + 1] - start !== length) continue;
      for (let j = 0; j < length; j++) if (stored[start + j] !== members[j]) continue search;
      coefficients[t] += coefficient;
      return;
    }
    if (count === capacity) grow();
    const start = starts[count];
    if (start + length > stored.length) {
      const most = Math.min(overflow, size.termBound * size.degree);
      stored = copied(stored, new Uint16Array(Math.min(most, 2 * stored.length + length)));
    }
    for (let j = 0; j < length; j++) stored[start + j] = members[j];
    slots[at] = count;
    hashes[count] = hash;
    coefficients[count] = coefficient;
    count++;
    starts[count] = start + length;
    if (2 * count > slots.length) rehash();
  };
  const toPolynomial = (coordinates: readonly string[]): Polynomial => {
    const order = gradedOrder(count, starts, stored, coefficients, coordinateCount);
    const offsets = new Uint32Array(order.length + 1);
    for (let k = 0; k < order.length; k++) offsets[k + 1] = offsets[k] + starts[order[k] + 1] - starts[order[k]];
    const sorted = new Uint16Array(offsets[order.length]);
    const values = new Float64Array(order.length);
    for (let k = 0; k < order.length; k++) {
      const t = order[k];
      for (let j = starts[t], to = offsets[k]; j < starts[t + 1]; j++) sorted[to++] = stored[j];
      values[k] = coefficients[t];
    }
    return { coordinates, termCount: order.length, offsets, members: sorted, coefficients: values };
  };
  return { members, words, add, toPolynomial };
}

function mixed(hash: number): number {
  return (hash ^ (hash >>> 15)) >>> 0;
}

function copied<T extends Uint16Array | Uint32Array | Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

// The terms other than 0 in graded colexicographic order: by size, then stable counting sorts from the smallest member up.
function gradedOrder(
  count: number,
  starts: Uint32Array,
  stored: Uint16Array,
  coefficients: Float64Array,
  coordinateCount: number,
): Uint32Array {
  const bySize: number[] = [];
  for (let t = 0; t < count; t++) {
    const size = starts[t + 1] - starts[t];
    while (bySize.length <= size) bySize.push(0);
    if (coefficients[t] !== 0) bySize[size]++;
  }
  const ends: number[] = [];
  let total = 0;
  for (const own of bySize) {
    ends.push(total);
    total += own;
  }
  const order = new Uint32Array(total);
  const next = ends.slice();
  for (let t = 0; t < count; t++) if (coefficients[t] !== 0) order[next[starts[t + 1] - starts[t]]++] = t;
  const place = new Uint32Array(coordinateCount + 1);
  bySize.forEach((own, size) => {
    let from = order.subarray(ends[size], ends[size] + own);
    let to = new Uint32Array(own);
    for (let j = 0; j < size; j++) {
      place.fill(0);
      for (let k = 0; k < own; k++) place[stored[starts[from[k]] + j] + 1]++;
      for (let c = 0; c < coordinateCount; c++) place[c + 1] += place[c];
      for (let k = 0; k < own; k++) to[place[stored[starts[from[k]] + j]]++] = from[k];
      [from, to] = [to, from];
    }
    if (size % 2 === 1) to.set(from);
  });
  return order;
}

function checkDegree(degree: number | undefined): number {
  if (degree === undefined) return Number.POSITIVE_INFINITY;
  if (Number.isInteger(degree) && degree >= 0) return degree;
  throw new FewfireError('invalid-argument', `the degree is ${degree}; expected a whole number, at least 0`);
}

/**
 * Decision trees and sums of them. Exactly one leaf holds at a point, so a tree
 * is a 1-sparse network with one unit per leaf, and T trees are T-sparse. The
 * units of a tree stand together: `treeUnitCounts` of the provenance says how
 * many each has, which is the partition into 1-sparse groups.
 */
import { checkOptions, createRandom, FewfireError, type Random } from '../../base/index.ts';
import {
  checkCount,
  checkSize,
  type FamilyMember,
  FORMS,
  type Leaf,
  type LeafForm,
  type LeafOptions,
  type Literal,
  leafScale,
  leafUnit,
  MAX_INPUTS,
  MAX_UNITS,
  networkFromUnits,
} from './family.ts';

/** A leaf, or a question about one coordinate: `no` is x = +1 (bit 0), `yes` is x = -1 (bit 1). */
export type DecisionTree =
  | { readonly value: number }
  | { readonly coordinate: number; readonly no: DecisionTree; readonly yes: DecisionTree };

/** The value at a point; `isYes(i)` says whether coordinate i is a yes. */
export function evaluateTree(tree: DecisionTree, isYes: (coordinate: number) => boolean): number {
  let node = tree;
  while ('coordinate' in node) node = isYes(node.coordinate) ? node.yes : node.no;
  return node.value;
}

/**
 * The leaves that some point reaches, from left (no) to right: a question asked again on a path has only one
 * possible answer, so it adds no literal, and what lies behind the other answer is dropped.
 * @throws FewfireError `invalid-argument` for a coordinate outside 0 .. inputCount - 1 or a value that is not finite
 */
export function treeLeaves(tree: DecisionTree, inputCount: number): Leaf[] {
  const leaves: Leaf[] = [];
  // An explicit stack, because a degenerate tree may be deeper than calls can nest.
  const stack: { node: DecisionTree; literals: readonly Literal[] }[] = [{ node: tree, literals: [] }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node, literals } = top;
    if (!('coordinate' in node)) {
      if (!Number.isFinite(node.value)) {
        throw new FewfireError('invalid-argument', `a leaf has the value ${node.value}, expected a finite number`);
      }
      leaves.push({ literals, value: node.value });
      continue;
    }
    const { coordinate } = node;
    if (!Number.isInteger(coordinate) || coordinate < 0 || coordinate >= inputCount) {
      throw new FewfireError(
        'invalid-argument',
        `the tree asks for coordinate ${coordinate}, expected a whole number from 0 to ${inputCount - 1}`,
      );
    }
    const known = literals.find((literal) => literal.coordinate === coordinate);
    if (known === undefined || known.sign === -1) {
      stack.push({ node: node.yes, literals: known ? literals : [...literals, { coordinate, sign: -1 }] });
    }
    if (known === undefined || known.sign === 1) {
      stack.push({ node: node.no, literals: known ? literals : [...literals, { coordinate, sign: 1 }] });
    }
  }
  return leaves;
}

/**
 * The leaves of each tree that become units, a tree at a time: those that some point reaches with a value other than 0,
 * the intercept added to the first tree.
 * @throws FewfireError as `treeLeaves`
 */
export function* ensembleLeaves(
  trees: readonly DecisionTree[],
  intercept: number,
  inputCount: number,
): Generator<Leaf[], void> {
  for (const [t, tree] of trees.entries()) {
    const leaves = treeLeaves(tree, inputCount);
    const shifted = t === 0 ? leaves.map((leaf) => ({ ...leaf, value: leaf.value + intercept })) : leaves;
    yield shifted.filter((leaf) => leaf.value !== 0);
  }
}

/** Options of `decisionTreeNetwork`. */
export interface DecisionTreeOptions extends LeafOptions {
  readonly inputCount: number;
  readonly tree: DecisionTree;
}

/**
 * A decision tree: s = its reachable leaves with a value other than 0, k = 1; W and B are the largest over leaves.
 * @throws FewfireError `invalid-argument` for options that are not known or out of range
 * @example
 * ```ts
 * import { decisionTreeNetwork } from '@fewfire/core';
 *
 * const tree = { coordinate: 0, no: { value: 1 }, yes: { coordinate: 2, no: { value: 5 }, yes: { value: -2 } } };
 * const { network, claims } = decisionTreeNetwork({ inputCount: 3, tree });
 * console.log(network.unitCount, claims.k); // 3 1
 * ```
 */
export function decisionTreeNetwork(options: DecisionTreeOptions): FamilyMember {
  checkOptions('decisionTreeNetwork', options, {
    inputCount: { need: 'number' },
    tree: { need: 'object' },
    form: FORMS,
  });
  const { inputCount, tree } = options;
  return treesNetwork(inputCount, [tree], 0, options.form ?? 'tight', 'decision-tree', undefined, {});
}

/** Options of `ensembleNetwork`. */
export interface EnsembleOptions extends LeafOptions {
  readonly inputCount: number;
  readonly trees: readonly DecisionTree[];
  /** Added to every value, by adding it to every leaf of the first tree. Default 0. */
  readonly intercept?: number;
}

/**
 * The sum of T trees and an intercept: s = all leaves, k = T. A tree with leaves of value 0 has no unit there, and
 * then k may not be reached.
 * @throws FewfireError `invalid-argument` for options that are not known or out of range
 * @example
 * ```ts
 * import { domainPoints, ensembleNetwork, evaluateNetwork } from '@fewfire/core';
 *
 * const tree = { coordinate: 0, no: { value: 1 }, yes: { value: 2 } };
 * const { network, claims } = ensembleNetwork({ inputCount: 2, trees: [tree, tree], intercept: 10 });
 * console.log(claims.k, await evaluateNetwork(network, domainPoints(network, 0, 2))); // 2 Float64Array(2) [ 12, 14 ]
 * ```
 */
export function ensembleNetwork(options: EnsembleOptions): FamilyMember {
  checkOptions('ensembleNetwork', options, {
    inputCount: { need: 'number' },
    trees: { need: 'object' },
    intercept: 'number',
    form: FORMS,
  });
  const { inputCount, trees, intercept = 0 } = options;
  if (!Number.isFinite(intercept)) {
    throw new FewfireError('invalid-argument', `intercept is ${intercept}, expected a finite number`);
  }
  const given = trees.length === 0 ? [{ value: 0 }] : trees;
  return treesNetwork(inputCount, given, intercept, options.form ?? 'tight', 'ensemble', undefined, { intercept });
}

/** Options of `randomEnsembleNetwork`. */
export interface RandomEnsembleOptions extends LeafOptions {
  readonly inputCount: number;
  readonly treeCount: number;
  /** Every path asks so many different coordinates. */
  readonly depth: number;
  readonly seed?: number;
  readonly intercept?: number;
}

/**
 * T complete random trees with standard normal leaves: s = T 2^depth, k = T. One tree is a random decision tree.
 * @throws FewfireError `invalid-argument` for options that are not known or out of range
 * @example
 * ```ts
 * import { randomEnsembleNetwork } from '@fewfire/core';
 *
 * const { network, trees } = randomEnsembleNetwork({ inputCount: 10, treeCount: 3, depth: 2, seed: 4 });
 * console.log(network.unitCount, trees.length); // 12 3
 * ```
 */
export function randomEnsembleNetwork(
  options: RandomEnsembleOptions,
): FamilyMember & { trees: readonly DecisionTree[] } {
  checkOptions('randomEnsembleNetwork', options, {
    inputCount: { need: 'number' },
    treeCount: { need: 'number' },
    depth: { need: 'number' },
    seed: 'number',
    intercept: 'number',
    form: FORMS,
  });
  const { inputCount, treeCount, depth, seed = 1, intercept = 0, form = 'tight' } = options;
  checkCount('inputCount', inputCount, 1, MAX_INPUTS);
  checkCount('depth', depth, 0, Math.min(20, inputCount));
  checkCount('treeCount', treeCount, 1, Math.floor(MAX_UNITS / 2 ** depth));
  checkSize(inputCount, treeCount * 2 ** depth);
  const random = createRandom(seed);
  const trees = Array.from({ length: treeCount }, () => randomTree({ inputCount, depth, random }));
  const parameters = { treeCount, depth, intercept };
  return { ...treesNetwork(inputCount, trees, intercept, form, 'random-ensemble', seed, parameters), trees };
}

/** A complete tree asking `depth` different random coordinates on every path, with standard normal leaves. */
export function randomTree(options: {
  readonly inputCount: number;
  readonly depth: number;
  readonly random: Random;
}): DecisionTree {
  const { inputCount, depth, random } = options;
  const grow = (asked: readonly number[]): DecisionTree => {
    if (asked.length === depth) return { value: random.normal() };
    let coordinate = random.integer(inputCount);
    while (asked.includes(coordinate)) coordinate = random.integer(inputCount);
    return { coordinate, no: grow([...asked, coordinate]), yes: grow([...asked, coordinate]) };
  };
  return grow([]);
}

function treesNetwork(
  inputCount: number,
  trees: readonly DecisionTree[],
  intercept: number,
  form: LeafForm,
  family: string,
  seed: number | undefined,
  parameters: { readonly [key: string]: number },
): FamilyMember {
  checkCount('inputCount', inputCount, 1, MAX_INPUTS);
  const leavesOf = Array.from(ensembleLeaves(trees, intercept, inputCount));
  const leaves = leavesOf.flat();
  let W = 0;
  let B = 0;
  for (const { literals, value } of leaves) {
    const scale = leafScale(literals.length, Math.abs(value), form);
    W = Math.max(W, scale.W);
    B = Math.max(B, scale.B);
  }
  const network = networkFromUnits(
    inputCount,
    leaves.map((leaf) => leafUnit(leaf, form)),
    {
      family,
      parameters: { inputCount, ...parameters, form, treeUnitCounts: leavesOf.map((own) => own.length) },
      seed,
    },
  );
  return { network, claims: { k: leavesOf.filter((own) => own.length > 0).length, W, B } };
}

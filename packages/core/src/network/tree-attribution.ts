/**
 * Shapley values of single rows of a tree ensemble by feature: how the margin at a row, less a baseline, is shared out
 * among the features the model was trained on. A feature that takes part has the row's value, with all its questions and
 * its missing value; one that does not has that of a row of the background, all from the same row (the interventional
 * value), averaged over the background.
 *
 * Exact, leaf by leaf, because Shapley values are linear in the game. A leaf asks d features. Where the row alone meets
 * what it asks of the features a, the background row alone of b, and both of the others, it is reached by the coalitions
 * that hold all of a and none of b: a feature of a gets (|a|-1)! |b|! / (|a|+|b|)! of the leaf's value, one of b loses
 * |a|! (|b|-1)! / (|a|+|b|)!. So only how often each set of features meets the leaf matters, in the rows and in the
 * background, and not how many rows there are.
 */
import { checkRunOptions, createTurn, FewfireError, type RunOptions } from '../base/index.ts';
import { type CubePoints, createCubePoints } from '../cube/index.ts';
import type { DecisionTree } from './families/index.ts';
import { askedFeatures, refuseBytes, type TreeModel } from './tree-ensemble.ts';

/** Options of `attributeTreeRows`. */
export interface TreeAttributionOptions extends RunOptions {
  /** `all-no`: a row that answers every question with no; `average`: the rows of `background`. */
  readonly baseline: 'all-no' | 'average';
  readonly background?: CubePoints;
}

/** How the margin of each row is shared out among features. */
export interface TreeAttributions {
  /** Positions in `TreeModel.features` of those that some tree asks for. */
  readonly features: readonly number[];
  /** Per output: a row's numbers (one per feature of `features`, row by row) and `base` add up to its margin. */
  readonly outputs: readonly { readonly base: number; readonly values: Float64Array }[];
}

/** Features on one path, whose sets are bits of a number. */
const MAX_PATH_FEATURES = 30;

interface Leaf {
  readonly value: number;
  /** Positions among the asked features, in the order of the bits of a set. */
  readonly features: readonly number[];
  /** Per feature, what the path asks of it. */
  readonly conditions: readonly (readonly { readonly coordinate: number; readonly isYes: boolean }[])[];
}

/**
 * Shapley values of rows in a trained model of trees: how each row's margin, less that of the baseline, is shared out
 * among features. Exact.
 * @throws FewfireError `invalid-argument` for points of another model or no background, `unsupported` for paths over more
 *   than 30 features, `memory-budget`
 * @example
 * ```ts
 * import { attributeTreeRows, cubePointsFromRows, importTreeModel } from '@fewfire/core';
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
 * const points = cubePointsFromRows([[1], [0]]);
 * const { outputs } = await attributeTreeRows(model, points, { baseline: 'all-no' });
 * console.log(outputs[0].base, outputs[0].values); // 1 Float64Array(2) [ 2, 0 ]
 * ```
 */
export async function attributeTreeRows(
  model: TreeModel,
  points: CubePoints,
  options: TreeAttributionOptions,
): Promise<TreeAttributions> {
  checkRunOptions('attributeTreeRows', options, { baseline: { need: ['all-no', 'average'] }, background: 'object' });
  const background = backgroundOf(model, points, options);
  const features = [...askedFeatures(model).keys()];
  const place = new Map(features.map((feature, p) => [feature, p]));
  const bytes = 8 * points.rowCount * features.length * model.outputs.length;
  refuseBytes(bytes, options.memoryLimitBytes, `attributions of ${points.rowCount.toLocaleString('en-US')} rows`);
  const total = model.outputs.reduce((sum, { trees }) => sum + trees.length, 0);
  const outputs: { base: number; values: Float64Array }[] = [];
  let done = 0;
  const turn = createTurn(options.signal);
  for (const { trees, intercept } of model.outputs) {
    const values = new Float64Array(points.rowCount * features.length);
    let base = intercept;
    for (const tree of trees) {
      for (const leaf of leavesOf(tree, (c) => place.get(model.coordinates[c].feature) as number)) {
        const wait = turn();
        if (wait !== undefined) await wait;
        const weights = shareOfSets(setsMet(leaf, background));
        base += leaf.value * (weights.get(fullSet(leaf)) ?? 0);
        addLeaf(leaf, setsMet(leaf, points), weights, values, features.length);
      }
      options.onProgress?.({ phase: 'attributing', done: ++done, total, unit: 'steps' });
    }
    outputs.push({ base, values });
  }
  return { features, outputs };
}

function backgroundOf(
  model: TreeModel,
  points: CubePoints,
  { baseline, background }: TreeAttributionOptions,
): CubePoints {
  const n = model.coordinates.length;
  const chosen = baseline === 'all-no' ? createCubePoints(1, n) : background;
  if (chosen === undefined || chosen.rowCount === 0) {
    throw new FewfireError(
      'invalid-argument',
      'the baseline is an average and there are no background rows; expected at least one',
    );
  }
  for (const { coordinateCount } of [points, chosen]) {
    if (coordinateCount === n) continue;
    throw new FewfireError(
      'invalid-argument',
      `the points have ${coordinateCount} coordinates, the model ${n}; expected the same number`,
    );
  }
  return chosen;
}

// Leaves of value 0 share out nothing.
function leavesOf(tree: DecisionTree, featureOf: (coordinate: number) => number): Leaf[] {
  const leaves: Leaf[] = [];
  interface Step {
    readonly coordinate: number;
    readonly isYes: boolean;
    readonly before: Step | undefined;
  }
  const stack: { node: DecisionTree; path: Step | undefined }[] = [{ node: tree, path: undefined }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node, path } = top;
    if ('coordinate' in node) {
      const { coordinate } = node;
      stack.push({ node: node.no, path: { coordinate, isYes: false, before: path } });
      stack.push({ node: node.yes, path: { coordinate, isYes: true, before: path } });
      continue;
    }
    if (node.value === 0) continue;
    const asked = new Map<number, { coordinate: number; isYes: boolean }[]>();
    for (let step = path; step !== undefined; step = step.before) {
      const feature = featureOf(step.coordinate);
      const { coordinate, isYes } = step;
      if (asked.get(feature)?.push({ coordinate, isYes }) === undefined) asked.set(feature, [{ coordinate, isYes }]);
    }
    if (asked.size > MAX_PATH_FEATURES) {
      throw new FewfireError(
        'unsupported',
        `a path of a tree asks for ${asked.size} features; attributions of rows are possible for at most ${MAX_PATH_FEATURES}`,
      );
    }
    leaves.push({ value: node.value, features: [...asked.keys()], conditions: [...asked.values()] });
  }
  return leaves;
}

function fullSet({ features }: Leaf): number {
  return 2 ** features.length - 1;
}

// Per row, the features of which it meets all that the leaf asks.
function setsMet({ conditions }: Leaf, { planes, rowCount }: CubePoints): Uint32Array {
  const sets = new Uint32Array(rowCount);
  const isMet = new Uint8Array(rowCount);
  conditions.forEach((own, bit) => {
    isMet.fill(1);
    for (const { coordinate, isYes } of own) {
      const first = (coordinate >> 3) * rowCount;
      const shift = coordinate & 7;
      const flip = isYes ? 0 : 1;
      for (let i = 0; i < rowCount; i++) isMet[i] &= (planes[first + i] >> shift) ^ flip;
    }
    for (let i = 0; i < rowCount; i++) sets[i] |= isMet[i] << bit;
  });
  return sets;
}

function shareOfSets(sets: Uint32Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (const set of sets) counts.set(set, (counts.get(set) ?? 0) + 1);
  return new Map([...counts].map(([set, count]) => [set, count / sets.length]));
}

function addLeaf(
  { value, features, conditions }: Leaf,
  sets: Uint32Array,
  weights: ReadonlyMap<number, number>,
  values: Float64Array,
  width: number,
): void {
  const full = 2 ** conditions.length - 1;
  const known = new Map<number, Float64Array>();
  for (let i = 0; i < sets.length; i++) {
    let shares = known.get(sets[i]);
    if (shares === undefined) {
      shares = sharesOf(sets[i], full, conditions.length, weights);
      known.set(sets[i], shares);
    }
    for (let f = 0; f < features.length; f++) values[i * width + features[f]] += value * shares[f];
  }
}

// What a row that meets `own` gives each feature, averaged over the background.
function sharesOf(own: number, full: number, count: number, weights: ReadonlyMap<number, number>): Float64Array {
  const shares = new Float64Array(count);
  const lacking = full & ~own;
  const b = onesOf(lacking);
  let lost = 0;
  const add = (other: number, weight: number): void => {
    const rowOnly = own & ~other;
    const a = onesOf(rowOnly);
    // (a-1)! b! / (a+b)! is 1 / (a binomial(a+b, a)).
    const share = weight / binomial(a + b, a);
    // Whoever meets what the row lacks loses the same.
    if (b > 0) lost += share / b;
    for (let f = 0; rowOnly >> f !== 0; f++) if ((rowOnly >> f) & 1) shares[f] += share / a;
  };
  // The background has to meet what the row lacks, and may meet any of the rest: by these or by the sets that there are.
  if (2 ** (count - b) < weights.size) {
    for (let rest = own; ; rest = (rest - 1) & own) {
      const weight = weights.get(lacking | rest);
      if (weight !== undefined) add(lacking | rest, weight);
      if (rest === 0) break;
    }
  } else {
    for (const [other, weight] of weights) if ((own | other) === full) add(other, weight);
  }
  for (let f = 0; f < count; f++) if ((lacking >> f) & 1) shares[f] -= lost;
  return shares;
}

function onesOf(set: number): number {
  let count = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) count++;
  return count;
}

function binomial(n: number, k: number): number {
  let ways = 1;
  for (let i = 1; i <= k; i++) ways = (ways * (n - k + i)) / i;
  return ways;
}

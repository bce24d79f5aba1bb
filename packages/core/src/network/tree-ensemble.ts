/**
 * Trained tree ensembles on the cube. A question `feature >= threshold` is a
 * coordinate (yes is x = -1), so an ensemble over numbers is one over bits, and
 * T trees are a T-sparse network whose spectrum is exact and sparse.
 *
 * A missing value needs no coordinate of its own: every node of the source sends
 * it one way, so "missing counts as a yes" is part of the coordinate, and two
 * nodes that ask the same but send missing values different ways are two
 * coordinates. Thresholds of one feature imply each other on data; on the cube,
 * where spectra and attributions live, they are independent.
 */
import {
  checkRunOptions,
  createReportingTurn,
  FewfireError,
  listNames,
  type RunOptions,
  suggestName,
} from '../base/index.ts';
import { type CubePoints, createCubePoints, cubePointsBytes } from '../cube/index.ts';
import { type DecisionTree, ensembleNetwork, type FamilyMember, type LeafForm } from './families/index.ts';

/** What a missing value (NaN) answers: as the node of the source sends it, or it is an error. */
export type MissingAnswer = 'no' | 'yes' | 'refuse';

/** The answer is yes where the feature `comparison` threshold. */
export interface ThresholdCoordinate {
  /** As in `age>=40`, `age>=40 or missing`; a boolean feature has its own name. */
  readonly name: string;
  /** Position in `TreeModel.features`. */
  readonly feature: number;
  readonly comparison: '>=' | '>';
  readonly threshold: number;
  readonly missing: MissingAnswer;
}

/**
 * The answer is yes where the feature, the number of a category, is one of `categories`. As XGBoost does it, what comes
 * after the point is cut off, and a number that is no category (negative, never seen in training) is in no set.
 */
export interface CategoryCoordinate {
  /** As in `color in {0,3}`. */
  readonly name: string;
  readonly feature: number;
  readonly comparison: 'in';
  /** Whole numbers from 0, ascending. */
  readonly categories: readonly number[];
  readonly missing: MissingAnswer;
}

/** A question of some tree: a threshold or a set of categories. */
export type TreeCoordinate = ThresholdCoordinate | CategoryCoordinate;

/** A feature of a trained model. */
export interface TreeFeature {
  readonly name: string;
  /** Only 0 and 1 (and NaN, where missing values are allowed) may be encoded. */
  readonly boolean: boolean;
}

/** One real function: intercept + sum of trees, whose `coordinate` are positions in `coordinates`. */
export interface TreeEnsemble {
  /** The class or target it belongs to. */
  readonly name: string;
  readonly coordinates: readonly TreeCoordinate[];
  readonly trees: readonly DecisionTree[];
  readonly intercept: number;
}

/** From the margin (sum of leaves and intercept) to the model's own output. */
export type TreeLink = 'identity' | 'logistic' | 'exponential' | 'softmax';

/** How a class follows from the margins. */
export type ClassRule =
  /** One margin: the second class where it is above `margin`. */
  | { readonly kind: 'above'; readonly margin: number }
  /** One single-precision probability, as XGBoost does it: the second class where it is above 1/2. */
  | { readonly kind: 'probability-above-half' }
  /** The class with the largest margin, the first of equal ones. */
  | { readonly kind: 'largest' };

/** An imported model: one ensemble per output, all over the same coordinates. */
export interface TreeModel {
  /** For people, as in `XGBoost 1.7.4`. */
  readonly source: string;
  /** The source's name of the objective or operator. */
  readonly objective: string;
  readonly features: readonly TreeFeature[];
  /** Features are rounded to this before they are compared. */
  readonly precision: 'f32' | 'f64';
  readonly coordinates: readonly TreeCoordinate[];
  readonly outputs: readonly TreeEnsemble[];
  /** `f32`: the source adds the intercept and then tree after tree in single precision, which `predictTrees` repeats. */
  readonly summation: 'f32' | 'f64';
  readonly link: TreeLink;
  /** null for a regression. */
  readonly classes: { readonly labels: readonly string[]; readonly rule: ClassRule } | null;
  /** What was left out or chosen on import. */
  readonly notes: readonly string[];
}

const DEFAULT_MEMORY_BYTES = 4 * 2 ** 30;

/**
 * Rows of raw features (NaN is missing) as points over `model.coordinates`.
 * @throws FewfireError `invalid-data` for a row of another length, a cell that is not a number, or a boolean feature that
 *   is neither 0 nor 1; `missing-values` for NaN in a feature whose missing values are refused; `memory-budget`
 */
export function encodeTreeRows(
  model: TreeModel,
  rows: readonly ArrayLike<number>[],
  options: { readonly memoryLimitBytes?: number | undefined } = {},
): CubePoints {
  const { features } = model;
  refuseBytes(cubePointsBytes(rows.length, model.coordinates.length), options.memoryLimitBytes, 'the encoded rows');
  rows.forEach((row, i) => {
    if (row.length !== features.length) {
      throw new FewfireError(
        'invalid-data',
        `row ${i} has ${row.length} values, expected ${features.length}, one per feature of the model`,
      );
    }
  });
  const points = createCubePoints(rows.length, model.coordinates.length);
  const column = new Float64Array(rows.length);
  for (const [feature, asked] of askedFeatures(model)) {
    rows.forEach((row, i) => {
      const value = row[feature];
      if (typeof value !== 'number') throw badCell(i, features[feature].name, value, 'a number, NaN where missing');
      column[i] = value;
    });
    answerFeature(model, points, asked, column, 0);
  }
  return points;
}

/** The features that some tree asks for, each with the positions of its coordinates. */
export function askedFeatures({ coordinates }: TreeModel): Map<number, number[]> {
  const asked = new Map<number, number[]>();
  coordinates.forEach(({ feature }, c) => {
    const own = asked.get(feature);
    if (own === undefined) asked.set(feature, [c]);
    else own.push(c);
  });
  return new Map([...asked].sort(([a], [b]) => a - b));
}

/**
 * Writes what rows answer to the questions about one feature.
 * @param column values of the feature, which are rounded in place
 * @param firstRow number of the first row, for messages
 */
export function answerFeature(
  { coordinates, features, precision }: TreeModel,
  { planes, rowCount }: CubePoints,
  asked: readonly number[],
  column: Float64Array,
  firstRow: number,
): void {
  const { name, boolean } = features[coordinates[asked[0]].feature];
  for (let i = 0; i < rowCount; i++) {
    const value = column[i];
    if (boolean && value !== 0 && value !== 1 && !Number.isNaN(value)) {
      throw badCell(firstRow + i, name, value, '0 or 1, because the feature is boolean');
    }
    if (precision === 'f32') column[i] = Math.fround(value);
  }
  for (const c of asked) {
    const { missing } = coordinates[c];
    const plane = planes.subarray((c >> 3) * rowCount, ((c >> 3) + 1) * rowCount);
    const bit = 1 << (c & 7);
    const isYes = answerOf(coordinates[c]);
    for (let i = 0; i < rowCount; i++) {
      const value = column[i];
      if (isYes(value)) plane[i] |= bit;
      else if (Number.isNaN(value)) {
        if (missing === 'yes') plane[i] |= bit;
        else if (missing === 'refuse') {
          throw new FewfireError(
            'missing-values',
            `row ${firstRow + i} has no value for ${JSON.stringify(name)}, and the model was imported without missing values; fill it, or import with missing: 'follow'`,
          );
        }
      }
    }
  }
}

// Whether a value answers yes; NaN never does.
function answerOf(coordinate: TreeCoordinate): (value: number) => boolean {
  if (coordinate.comparison === 'in') {
    const categories = new Set(coordinate.categories);
    // -0.5 is no category, though it would be 0 without what comes after the point.
    return (value) => value >= 0 && categories.has(Math.trunc(value));
  }
  const { threshold } = coordinate;
  return coordinate.comparison === '>' ? (value) => value > threshold : (value) => value >= threshold;
}

/**
 * The function itself at every point, in double precision: what the network and the spectrum equal. A trained model may
 * round its own sums differently; `predictTrees` has the numbers it prints.
 * @throws FewfireError `invalid-argument` for points with another number of coordinates
 */
export function evaluateTreeEnsemble(
  ensemble: TreeEnsemble,
  points: CubePoints,
  options: RunOptions = {},
): Promise<Float64Array> {
  return sumTrees(ensemble, points, false, options);
}

/** What a trained model returns at points of its coordinates. */
export interface TreePredictions {
  /** Per output, one number per row: the raw margins. */
  readonly margins: readonly Float64Array[];
  /** Per output, one number per row: the margins after the model's link. */
  readonly values: readonly Float64Array[];
  /** One position in `model.classes.labels` per row; null for a regression. */
  readonly classes: Int32Array | null;
}

/**
 * What the trained model itself returns at points of its coordinates (`encodeTreeTable`).
 * @throws FewfireError `invalid-argument` for points of another model; the signal's reason
 * @example
 * ```ts
 * import { cubePointsFromRows, importTreeModel, predictTrees } from '@fewfire/core';
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
 * console.log((await predictTrees(model, cubePointsFromRows([[1], [0]]))).values[0]); // Float64Array(2) [ 3, 1 ]
 * ```
 */
export async function predictTrees(
  model: TreeModel,
  points: CubePoints,
  options: RunOptions = {},
): Promise<TreePredictions> {
  checkRunOptions('predictTrees', options, {});
  const margins: Float64Array[] = [];
  for (const output of model.outputs) margins.push(await sumTrees(output, points, model.summation === 'f32', options));
  return {
    margins,
    values: linkedValues(model.link, margins, points.rowCount),
    classes: model.classes === null ? null : classesOf(model.classes.rule, margins, points.rowCount),
  };
}

/**
 * The ensemble as a network: one unit per reachable leaf with a value other than 0, k <= T on the whole cube, the
 * intercept folded into the first tree. The provenance holds the names of the coordinates.
 * @throws FewfireError `invalid-data` when nothing is ever asked, `memory-budget` before allocating
 */
export function treeEnsembleNetwork(
  ensemble: TreeEnsemble,
  options: { readonly form?: LeafForm; readonly memoryLimitBytes?: number | undefined } = {},
): FamilyMember {
  const { coordinates, trees, intercept } = ensemble;
  if (coordinates.length === 0) {
    throw new FewfireError(
      'invalid-data',
      `the ensemble ${JSON.stringify(ensemble.name)} asks nothing, it is constant; expected at least one split`,
    );
  }
  const leafCount = trees.reduce((sum, tree) => sum + countLeaves(tree), 0);
  // The weights twice, while the network checks and copies them, and the units they are made from.
  const bytes = leafCount * (2 * 8 * coordinates.length + 400);
  const what = `a network of up to ${leafCount.toLocaleString('en-US')} units over ${coordinates.length.toLocaleString('en-US')} coordinates`;
  refuseBytes(bytes, options.memoryLimitBytes, what);
  const member = ensembleNetwork({ inputCount: coordinates.length, trees, intercept, form: options.form });
  const { provenance } = member.network;
  const names = coordinates.map((coordinate) => coordinate.name);
  const parameters = { ...provenance.parameters, coordinates: names };
  return { ...member, network: { ...member.network, provenance: { ...provenance, parameters } } };
}

// Reachable or not.
function countLeaves(tree: DecisionTree): number {
  let count = 0;
  const stack = [tree];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if ('coordinate' in node) stack.push(node.yes, node.no);
    else count++;
  }
  return count;
}

/** A refusal before anything is allocated. */
export function refuseBytes(bytes: number, memoryLimitBytes: RunOptions['memoryLimitBytes'], what: string): void {
  const limit = memoryLimitBytes ?? DEFAULT_MEMORY_BYTES;
  if (bytes <= limit) return;
  throw new FewfireError(
    'memory-budget',
    `${what} would need ${Math.ceil(bytes / 1e6).toLocaleString('en-US')} MB, more than the ${Math.floor(limit / 1e6).toLocaleString('en-US')} MB allowed; raise \`memoryLimitBytes\` or take fewer trees`,
  );
}

/** The positions of named features. @throws FewfireError `invalid-argument` for names the model does not have */
export function featurePositions(names: readonly string[], features: readonly string[]): Set<number> {
  const positions = new Map(features.map((name, f) => [name, f]));
  const unknown = names.filter((name) => !positions.has(name));
  if (unknown.length > 0) {
    throw new FewfireError(
      'invalid-argument',
      `the model has no features named ${listNames(unknown)}; ${suggestName(unknown[0], features, 'its features are')}`,
    );
  }
  return new Set(names.map((name) => positions.get(name) as number));
}

function badCell(row: number, feature: string, value: unknown, expected: string): FewfireError {
  return new FewfireError(
    'invalid-data',
    `row ${row}, feature ${JSON.stringify(feature)} is ${String(value)}; expected ${expected}`,
  );
}

/** A tree as arrays, children after parents: `coordinate` is -1 at a leaf, `child[2 i]` no and `child[2 i + 1]` yes. */
interface TreeArrays {
  readonly coordinate: Int32Array;
  readonly child: Int32Array;
  readonly value: Float64Array;
}

function treeArrays(tree: DecisionTree): TreeArrays {
  const coordinate: number[] = [];
  const child: number[] = [];
  const value: number[] = [];
  const stack: { node: DecisionTree; link: number }[] = [{ node: tree, link: -1 }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node, link } = top;
    const at = coordinate.length;
    if (link >= 0) child[link] = at;
    child.push(0, 0);
    if ('coordinate' in node) {
      coordinate.push(node.coordinate);
      value.push(0);
      stack.push({ node: node.yes, link: 2 * at + 1 }, { node: node.no, link: 2 * at });
    } else {
      coordinate.push(-1);
      value.push(node.value);
    }
  }
  return { coordinate: Int32Array.from(coordinate), child: Int32Array.from(child), value: Float64Array.from(value) };
}

async function sumTrees(
  ensemble: TreeEnsemble,
  points: CubePoints,
  single: boolean,
  options: RunOptions,
): Promise<Float64Array> {
  if (points.coordinateCount !== ensemble.coordinates.length) {
    throw new FewfireError(
      'invalid-argument',
      `the points have ${points.coordinateCount} coordinates, the ensemble ${ensemble.coordinates.length}; expected the same number`,
    );
  }
  const { planes, rowCount } = points;
  const sums = new Float64Array(rowCount).fill(ensemble.intercept);
  const turn = createReportingTurn('evaluating trees', options);
  for (const [t, tree] of ensemble.trees.entries()) {
    await turn(t, ensemble.trees.length);
    const { coordinate, child, value } = treeArrays(tree);
    for (let i = 0; i < rowCount; i++) {
      let node = 0;
      for (let c = coordinate[0]; c >= 0; c = coordinate[node]) {
        node = child[2 * node + ((planes[(c >> 3) * rowCount + i] >> (c & 7)) & 1)];
      }
      const sum = sums[i] + value[node];
      sums[i] = single ? Math.fround(sum) : sum;
    }
  }
  return sums;
}

function linkedValues(link: TreeLink, margins: readonly Float64Array[], rowCount: number): Float64Array[] {
  if (link === 'identity') return margins.map((margin) => margin.slice());
  if (link === 'logistic') return margins.map((margin) => margin.map((m) => 1 / (1 + Math.exp(-m))));
  if (link === 'exponential') return margins.map((margin) => margin.map(Math.exp));
  const values = margins.map((margin) => margin.slice());
  for (let i = 0; i < rowCount; i++) {
    let largest = Number.NEGATIVE_INFINITY;
    for (const margin of margins) largest = Math.max(largest, margin[i]);
    let total = 0;
    for (const value of values) {
      value[i] = Math.exp(value[i] - largest);
      total += value[i];
    }
    for (const value of values) value[i] /= total;
  }
  return values;
}

function classesOf(rule: ClassRule, margins: readonly Float64Array[], rowCount: number): Int32Array {
  const classes = new Int32Array(rowCount);
  for (let i = 0; i < rowCount; i++) {
    if (rule.kind === 'above') classes[i] = margins[0][i] > rule.margin ? 1 : 0;
    else if (rule.kind === 'probability-above-half') {
      // 1 / (1 + exp(-m)) in single precision is 1/2 for some m > 0; it is above where the denominator is below 2.
      classes[i] = Math.fround(1 + Math.fround(Math.exp(-margins[0][i]))) < 2 ? 1 : 0;
    } else for (let c = 1; c < margins.length; c++) if (margins[c][i] > margins[classes[i]][i]) classes[i] = c;
  }
  return classes;
}

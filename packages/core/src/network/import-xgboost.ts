/**
 * XGBoost models as JSON (`save_model('model.json')`): the layout of 1.0 to 3.x,
 * tested against 1.7; the differences of later versions are from their sources:
 *
 * - `base_score` is in the space of predictions (a probability for logistic
 *   objectives) and goes through the inverse link; from 3.1 it is a list in a
 *   string, one for all outputs or one per output.
 * - `weight_drop` scales trees: beside `gbtree` in a `dart` booster, and from 3.4
 *   inside the model of a plain `gbtree`.
 * - Thresholds, leaves and features are single precision; `feature < threshold`
 *   goes left, a missing value where `default_left` says.
 */
import { FewfireError, parseJson, shownJson } from '../base/index.ts';
import {
  type ClassRule,
  featurePositions,
  type TreeCoordinate,
  type TreeEnsemble,
  type TreeLink,
  type TreeModel,
} from './tree-ensemble.ts';
import {
  buildTrees,
  damaged,
  MAX_FEATURES,
  type SourceNode,
  type SourceTree,
  type TreeImportOptions,
  treeFeatures,
} from './tree-source.ts';

export interface XgboostImportOptions extends TreeImportOptions {
  /** Only the trees of the first so many boosting rounds, as `iteration_range` in Python. */
  readonly roundCount?: number;
}

interface Objective {
  /** Where base_score lives. */
  readonly inverse: 'identity' | 'logit' | 'log';
  readonly link: TreeLink;
  readonly rule?: ClassRule;
}

const HALF: ClassRule = { kind: 'probability-above-half' };
const PLAIN: Objective = { inverse: 'identity', link: 'identity' };
const LOGARITHMIC: Objective = { inverse: 'log', link: 'exponential' };

/** Checked against 1.7 by predictions without trees. */
const OBJECTIVES: ReadonlyMap<string, Objective> = new Map<string, Objective>([
  ['reg:squarederror', PLAIN],
  ['reg:linear', PLAIN],
  ['reg:squaredlogerror', PLAIN],
  ['reg:pseudohubererror', PLAIN],
  ['reg:absoluteerror', PLAIN],
  ['reg:quantileerror', PLAIN],
  ['rank:pairwise', PLAIN],
  ['rank:ndcg', PLAIN],
  ['rank:map', PLAIN],
  ['reg:logistic', { inverse: 'logit', link: 'logistic' }],
  ['binary:logistic', { inverse: 'logit', link: 'logistic', rule: HALF }],
  ['binary:logitraw', { inverse: 'identity', link: 'identity', rule: { kind: 'above', margin: 0 } }],
  ['binary:hinge', { inverse: 'identity', link: 'identity', rule: { kind: 'above', margin: 0 } }],
  ['count:poisson', LOGARITHMIC],
  ['reg:gamma', LOGARITHMIC],
  ['reg:tweedie', LOGARITHMIC],
  ['survival:cox', LOGARITHMIC],
  ['survival:aft', LOGARITHMIC],
  ['multi:softmax', { inverse: 'identity', link: 'softmax', rule: { kind: 'largest' } }],
  ['multi:softprob', { inverse: 'identity', link: 'softmax', rule: { kind: 'largest' } }],
]);

const MAX_OUTPUTS = 65_536;

/**
 * Reads the text of an XGBoost JSON model.
 * @throws FewfireError `model-file` for what is damaged or no XGBoost model; `unsupported` for categorical splits,
 *   `gblinear`, trees with vector leaves and objectives whose margins are not known, each by name
 */
export function importXgboost(text: string, options: XgboostImportOptions = {}): TreeModel {
  const label = options.label ?? 'the XGBoost model';
  const root = readRoot(text, label);
  const learner = fieldsOf(root.learner, 'learner', label);
  const booster = fieldsOf(learner.gradient_booster, 'learner.gradient_booster', label);
  const { model, weights } = treesOf(booster, label);
  const parameters = fieldsOf(learner.learner_model_param, 'learner.learner_model_param', label);
  const featureCount = wholeParameter(parameters.num_feature, 'num_feature', 0, MAX_FEATURES, label);
  const classCount = wholeParameter(parameters.num_class ?? '0', 'num_class', 0, MAX_OUTPUTS, label);
  const targetCount = wholeParameter(parameters.num_target ?? '1', 'num_target', 0, MAX_OUTPUTS, label);
  const outputCount = Math.max(1, classCount, targetCount);
  const objectiveName = fieldsOf(learner.objective, 'learner.objective', label).name;
  const objective = typeof objectiveName === 'string' ? OBJECTIVES.get(objectiveName) : undefined;
  if (objective === undefined) {
    throw new FewfireError(
      'unsupported',
      `${label} was trained for the objective ${shownJson(objectiveName)}, whose margins are not known here; expected one of ${[...OBJECTIVES.keys()].join(', ')}`,
    );
  }

  const names = featureNames(learner, featureCount, label);
  const types = listOf(learner.feature_types ?? [], 'learner.feature_types', label);
  const declared = featurePositions(options.booleanFeatures ?? [], names);
  const features = treeFeatures(names, (f) => types[f] === 'i' || declared.has(f), label);

  const notes: string[] = [];
  const treeLists = listOf(model.trees, 'trees', label);
  const groups = numbersOf(model.tree_info, 'tree_info', treeLists.length, label);
  const usedCount = treesOfRounds(learner, model, outputCount, treeLists.length, options, notes, label);
  const sources: SourceTree[] = [];
  for (let t = 0; t < usedCount; t++) {
    if (!(Number.isInteger(groups[t]) && groups[t] >= 0 && groups[t] < outputCount)) {
      throw damaged(label, `tree ${t} belongs to output ${groups[t]}, and there are ${outputCount}`);
    }
    sources.push(xgboostTree(treeLists[t], weights?.[t] ?? 1, `${label}, tree ${t}`));
  }
  const built = buildTrees(sources, features, 'f32', { ...options, label });

  const intercepts = interceptsOf(parameters.base_score, outputCount, objective, label);
  const outputs: TreeEnsemble[] = intercepts.map((intercept, output) => ({
    name: outputCount === 1 ? (objectiveName as string) : String(output),
    coordinates: built.coordinates,
    trees: built.trees.filter((_, t) => groups[t] === output),
    intercept,
  }));
  const { rule } = objective;
  const multi = rule?.kind === 'largest';
  if (rule !== undefined && !multi && outputCount > 1) {
    notes.push(`the ${outputCount} outputs are separate yes/no answers, not classes that exclude each other`);
  }
  const labels = multi ? outputs.map((output) => output.name) : ['0', '1'];
  return {
    source: `XGBoost ${versionOf(root)}`.trim(),
    objective: objectiveName as string,
    features,
    precision: 'f32',
    coordinates: built.coordinates as readonly TreeCoordinate[],
    outputs,
    // dart multiplies before it adds, which double precision follows to 1e-7 all the same.
    summation: weights === undefined ? 'f32' : 'f64',
    link: objective.link,
    classes: rule === undefined || (!multi && outputCount > 1) ? null : { labels, rule },
    notes,
  };
}

type Fields = { readonly [key: string]: unknown };

function readRoot(text: string, label: string): Fields {
  const data = parseJson(
    text,
    (why, cause) =>
      new FewfireError(
        'model-file',
        `${label} is not JSON, or its end is missing (${why}); expected the file of save_model('model.json') (older binary and .ubj models: load them in XGBoost and save them as .json)`,
        { cause },
      ),
  );
  if (typeof data === 'object' && data !== null && 'learner' in data) return data as Fields;
  throw new FewfireError(
    'model-file',
    `${label} is JSON but not an XGBoost model: it has no "learner"; expected the file of save_model('model.json'), which is not dump_model`,
  );
}

// The trees, and what each is multiplied by where that is not 1.
function treesOf(booster: Fields, label: string): { model: Fields; weights: readonly number[] | undefined } {
  const { name } = booster;
  if (name !== 'gbtree' && name !== 'dart') {
    throw new FewfireError(
      'unsupported',
      `${label} is of the booster ${shownJson(name)}, not made of trees; expected gbtree or dart`,
    );
  }
  const inner = name === 'dart' && booster.gbtree !== undefined ? fieldsOf(booster.gbtree, 'gbtree', label) : booster;
  const model = fieldsOf(inner.model, 'learner.gradient_booster.model', label);
  const list = booster.weight_drop ?? model.weight_drop;
  if (list === undefined) return { model, weights: undefined };
  const treeCount = listOf(model.trees, 'trees', label).length;
  const weights = numbersOf(list, 'weight_drop', treeCount, label);
  return { model, weights: weights.map(Math.fround) };
}

function featureNames(learner: Fields, featureCount: number, label: string): string[] {
  const names = listOf(learner.feature_names ?? [], 'learner.feature_names', label);
  if (names.length === 0) return Array.from({ length: featureCount }, (_, f) => `f${f}`);
  if (names.length !== featureCount || names.some((name) => typeof name !== 'string')) {
    throw damaged(label, `it has ${names.length} feature names for ${featureCount} features`);
  }
  return names as string[];
}

// How many trees to take: all, or those of the first rounds.
function treesOfRounds(
  learner: Fields,
  model: Fields,
  outputCount: number,
  treeCount: number,
  options: XgboostImportOptions,
  notes: string[],
  label: string,
): number {
  const { roundCount } = options;
  const parameters = fieldsOf(model.gbtree_model_param ?? {}, 'gbtree_model_param', label);
  const parallel = wholeParameter(parameters.num_parallel_tree ?? '1', 'num_parallel_tree', 0, 2 ** 31, label);
  const perRound = Math.max(1, parallel) * outputCount;
  const ends = listOf(model.iteration_indptr ?? [], 'iteration_indptr', label).slice(1);
  const rounds = ends.length > 0 ? ends.length : Math.ceil(treeCount / perRound);
  const { best_iteration: best } = fieldsOf(learner.attributes ?? {}, 'learner.attributes', label);
  if (roundCount === undefined) {
    if (typeof best === 'string' && Number(best) + 1 < rounds) {
      notes.push(
        `all ${rounds} boosting rounds are imported, though training stopped early and the best was round ${Number(best) + 1}: the scikit-learn interface predicts with that many (import them with roundCount)`,
      );
    }
    return treeCount;
  }
  if (!Number.isInteger(roundCount) || roundCount < 1 || roundCount > rounds) {
    throw new FewfireError(
      'invalid-argument',
      `roundCount is ${roundCount}; expected a whole number from 1 to ${rounds}, the model's rounds`,
    );
  }
  const end = ends.length > 0 ? ends[roundCount - 1] : Math.min(treeCount, roundCount * perRound);
  if (typeof end !== 'number' || !Number.isInteger(end) || end < 0 || end > treeCount) {
    throw damaged(label, `round ${roundCount} ends with tree ${shownJson(end)} of ${treeCount}`);
  }
  return end;
}

function xgboostTree(data: unknown, weight: number, where: string): SourceTree {
  const tree = fieldsOf(data, 'a tree', where);
  const parameters = fieldsOf(tree.tree_param ?? {}, 'tree_param', where);
  const leafSize = wholeParameter(parameters.size_leaf_vector ?? '0', 'size_leaf_vector', 0, MAX_OUTPUTS, where);
  if (leafSize > 1) {
    throw new FewfireError(
      'unsupported',
      `${where} has leaves of ${leafSize} values (multi_strategy multi_output_tree), which are not supported; train with one_output_per_tree`,
    );
  }
  const nodeCount = listOf(tree.left_children, 'left_children', where).length;
  const left = numbersOf(tree.left_children, 'left_children', nodeCount, where);
  const right = numbersOf(tree.right_children, 'right_children', nodeCount, where);
  const feature = numbersOf(tree.split_indices, 'split_indices', nodeCount, where);
  const condition = numbersOf(tree.split_conditions, 'split_conditions', nodeCount, where);
  const defaultLeft = numbersOf(tree.default_left, 'default_left', nodeCount, where);
  const splitType = numbersOf(tree.split_type ?? new Array(nodeCount).fill(0), 'split_type', nodeCount, where);
  const node = (i: number): SourceNode => {
    if (left[i] === -1) {
      if (right[i] !== -1) throw damaged(where, `node ${i} has a right child and no left one`);
      // Single precision, as XGBoost keeps it.
      const leaf = Math.fround(condition[i]);
      return { value: weight === 1 ? leaf : leaf * weight };
    }
    if (splitType[i] !== 0) {
      throw new FewfireError(
        'unsupported',
        `${where}, node ${i} splits feature ${feature[i]} by categories, which is not supported; encode categories as 0/1 columns before training (enable_categorical off)`,
      );
    }
    return {
      feature: feature[i],
      // `feature < threshold` goes left, so yes is right.
      comparison: '>=',
      threshold: condition[i],
      missing: defaultLeft[i] !== 0 ? 'no' : 'yes',
      no: left[i],
      yes: right[i],
    };
  };
  return { root: 0, nodeCount, isWhole: false, node };
}

// base_score is "5E-1", from 3.1 "[5E-1]" or one number per output.
function interceptsOf(data: unknown, outputCount: number, objective: Objective, label: string): number[] {
  const text = typeof data === 'number' ? String(data) : typeof data === 'string' ? data.trim() : '';
  const list = (text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text).split(',');
  const scores = list.map((entry) => (entry.trim() === '' ? Number.NaN : Math.fround(Number(entry))));
  const valid = scores.every((score) => Number.isFinite(score) && inDomain(score, objective.inverse));
  if (!valid || (scores.length !== 1 && scores.length !== outputCount)) {
    throw damaged(
      label,
      `base_score is ${shownJson(data)}, which is not a score of ${objective.inverse === 'logit' ? 'probabilities' : 'its objective'} for ${outputCount} ${outputCount === 1 ? 'output' : 'outputs'}`,
    );
  }
  const margins = scores.map((score) => marginOf(score, objective.inverse));
  return margins.length === outputCount ? margins : new Array<number>(outputCount).fill(margins[0]);
}

function inDomain(score: number, inverse: Objective['inverse']): boolean {
  return inverse === 'identity' || (inverse === 'log' ? score > 0 : score > 0 && score < 1);
}

// In single precision, step by step as XGBoost: -log(1/p - 1) and log(p).
function marginOf(score: number, inverse: Objective['inverse']): number {
  const { fround } = Math;
  if (inverse === 'identity') return score;
  if (inverse === 'log') return fround(Math.log(score));
  return -fround(Math.log(fround(fround(1 / score) - 1))) + 0;
}

function versionOf(root: Fields): string {
  const { version } = root;
  return Array.isArray(version) && version.every((part) => Number.isInteger(part)) ? version.slice(0, 3).join('.') : '';
}

function fieldsOf(value: unknown, path: string, label: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw damaged(label, `${path} is ${kindOf(value)} instead of an object`);
}

function listOf(value: unknown, path: string, label: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw damaged(label, `${path} is ${kindOf(value)} instead of a list`);
}

// Numbers; booleans count as 0 and 1, as early versions write `default_left`.
function numbersOf(value: unknown, path: string, length: number, label: string): number[] {
  const list = listOf(value, path, label);
  if (list.length !== length) throw damaged(label, `${path} has ${list.length} entries instead of ${length}`);
  return list.map((entry, i) => {
    if (typeof entry === 'number') return entry;
    if (typeof entry === 'boolean') return entry ? 1 : 0;
    throw damaged(label, `${path}[${i}] is ${kindOf(entry)} instead of a number`);
  });
}

// Parameters are numbers in strings.
function wholeParameter(value: unknown, name: string, least: number, most: number, label: string): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most) return number;
  throw damaged(label, `${name} is ${shownJson(value)} instead of a whole number from ${least} to ${most}`);
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

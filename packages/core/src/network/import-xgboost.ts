/**
 * XGBoost models as `save_model` writes them, JSON or UBJSON: the layout of 1.0 to
 * 3.x, tested against 1.7; the differences of later versions are from their sources:
 *
 * - `base_score` is in the space of predictions (a probability for logistic
 *   objectives) and goes through the inverse link; from 3.1 it is a list in a
 *   string, one for all outputs or one per output.
 * - `weight_drop` scales trees: beside `gbtree` in a `dart` booster, and from 3.4
 *   inside the model of a plain `gbtree`.
 *   Of `binary:logitraw` it is the margin itself, but a probability up to 1.3.0. From 3.2
 *   probabilities are kept 1e-6 away from 0 and 1, so that these are base scores too.
 * - Thresholds, leaves and features are single precision; `feature < threshold`
 *   goes left, a missing value where `default_left` says.
 * - A split by categories (`split_type` 1) sends those it lists right; every other
 *   number goes left, and only a missing value where `default_left` says (1.6.0 to
 *   1.7.2: also a category that the file does not know). Its threshold means nothing
 *   and is a bare NaN.
 * - From 3.1 a model trained on a data frame keeps the categories themselves (`cats`),
 *   in the order of their numbers: whole numbers stand in the questions then, as they
 *   stand in the columns; texts are said in a note, and given by their numbers.
 * - After early stopping all trees are there, and `best_iteration` says how many
 *   rounds `predict` of the scikit-learn interface takes.
 */
import { FewfireError, listNames, parseJson, shownJson } from '../base/index.ts';
import { isUbjson, readUbjson } from '../formats/index.ts';
import { otherJson } from './other-models.ts';
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
  /**
   * Only the trees of the first so many boosting rounds, as `iteration_range` in Python. By default those up to the best
   * round where training stopped early, and all otherwise.
   */
  readonly roundCount?: number | undefined;
  /** Names of the features, of a model that has none; those it has must be the same. */
  readonly featureNames?: readonly string[] | undefined;
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

function objectiveOf(name: string, version: Version): Objective | undefined {
  const objective = OBJECTIVES.get(name);
  const isOld = name === 'binary:logitraw' && isBefore(version, [1, 3, 1]);
  return objective && isOld ? { ...objective, inverse: 'logit' } : objective;
}

// Whether a missing value may go another way than a category that is in no set.
function sendsElsewhere({ comparison, missing }: TreeCoordinate): boolean {
  return comparison === 'in' && missing !== 'no';
}

const MAX_OUTPUTS = 65_536;

/** The largest number of a category that single precision tells from its neighbours, and XGBoost's limit. */
const MAX_CATEGORY = 2 ** 24 - 1;

/**
 * Reads an XGBoost model, JSON as text or bytes, or UBJSON.
 * @throws FewfireError `model-file` for what is damaged or no XGBoost model; `unsupported` for `gblinear`, trees with
 *   vector leaves and objectives whose margins are not known, each by name
 */
export function importXgboost(source: string | Uint8Array, options: XgboostImportOptions = {}): TreeModel {
  const label = options.label ?? 'the XGBoost model';
  const root = readRoot(source, label);
  const learner = fieldsOf(root.learner, 'learner', label);
  const booster = fieldsOf(learner.gradient_booster, 'learner.gradient_booster', label);
  const { model, weights } = treesOf(booster, label);
  const parameters = fieldsOf(learner.learner_model_param, 'learner.learner_model_param', label);
  const featureCount = wholeParameter(parameters.num_feature, 'num_feature', 0, MAX_FEATURES, label);
  const classCount = wholeParameter(parameters.num_class ?? '0', 'num_class', 0, MAX_OUTPUTS, label);
  const targetCount = wholeParameter(parameters.num_target ?? '1', 'num_target', 0, MAX_OUTPUTS, label);
  const outputCount = Math.max(1, classCount, targetCount);
  const objectiveName = fieldsOf(learner.objective, 'learner.objective', label).name;
  const version = versionParts(root);
  const objective = typeof objectiveName === 'string' ? objectiveOf(objectiveName, version) : undefined;
  if (objective === undefined) {
    throw new FewfireError(
      'unsupported',
      `${label} was trained for the objective ${shownJson(objectiveName)}, whose margins are not known here; expected one of ${[...OBJECTIVES.keys()].join(', ')}`,
    );
  }

  const names = featureNames(learner, featureCount, options, label);
  const types = listOf(learner.feature_types ?? [], 'learner.feature_types', label);
  const declared = featurePositions(options.booleanFeatures ?? [], names);
  const features = treeFeatures(names, (f) => types[f] === 'i' || declared.has(f), label);

  const notes: string[] = [];
  const treeLists = listOf(model.trees, 'trees', label);
  const groups = numbersOf(model.tree_info, 'tree_info', treeLists.length, label);
  const usedCount = treesOfRounds(learner, model, outputCount, treeLists.length, options, notes, label);
  const kept = keptCategories(model, names, notes, label);
  const sources: SourceTree[] = [];
  for (let t = 0; t < usedCount; t++) {
    if (!(Number.isInteger(groups[t]) && groups[t] >= 0 && groups[t] < outputCount)) {
      throw damaged(label, `tree ${t} belongs to output ${groups[t]}, and there are ${outputCount}`);
    }
    sources.push(xgboostTree(treeLists[t], weights?.[t] ?? 1, kept, `${label}, tree ${t}`));
  }
  const built = buildTrees(sources, features, 'f32', { ...options, label });

  if (!isBefore(version, [1, 6, 0]) && isBefore(version, [1, 7, 3]) && built.coordinates.some(sendsElsewhere)) {
    notes.push(
      `XGBoost ${version.join('.')} sends a category that it does not know where it sends a missing one; here it is in no set and answers no, as in all other versions`,
    );
  }
  const intercepts = interceptsOf(parameters.base_score, outputCount, objective, version, label);
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
    source: `XGBoost ${version.join('.')}`.trim(),
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

function readRoot(source: string | Uint8Array, label: string): Fields {
  const ending = `expected the file of save_model('model.json') or save_model('model.ubj')`;
  const data =
    typeof source !== 'string' && isUbjson(source)
      ? readUbjson(
          source,
          (why, cause) =>
            new FewfireError(
              'model-file',
              `${label} is UBJSON that is damaged or not whole (${why}); ${ending}: copy it again`,
              { cause },
            ),
        )
      : parseJson(
          source,
          (why, cause) =>
            new FewfireError(
              'model-file',
              `${label} is not JSON, or its end is missing (${why}); ${ending} (older binary models: load them in XGBoost and save them as .json)`,
              { cause },
            ),
          { nonFinite: true },
        );
  if (typeof data === 'object' && data !== null && 'learner' in data) return data as Fields;
  throw (
    otherJson(data, label) ??
    new FewfireError('model-file', `${label} is not an XGBoost model: it has no "learner"; ${ending}`)
  );
}

// The trees, and what each is multiplied by where that is not 1.
function treesOf(booster: Fields, label: string): { model: Fields; weights: readonly number[] | undefined } {
  const { name } = booster;
  if (name !== 'gbtree' && name !== 'dart') {
    const is =
      name === 'gblinear' ? 'a linear model (gblinear), which has no trees' : `of the booster ${shownJson(name)}`;
    throw new FewfireError(
      'unsupported',
      `${label} is ${is}; expected one of trees: train with booster gbtree or dart${name === 'gblinear' ? ', or fit the table with fewfire' : ''}`,
    );
  }
  const inner = name === 'dart' && booster.gbtree !== undefined ? fieldsOf(booster.gbtree, 'gbtree', label) : booster;
  if (inner.model === undefined && ('gbtree_train_param' in inner || 'specified_updater' in inner)) {
    throw new FewfireError(
      'model-file',
      `${label} is a configuration of XGBoost (save_config), which says how trees were trained and holds none; expected the model: save_model('model.json')`,
    );
  }
  const model = fieldsOf(inner.model, 'learner.gradient_booster.model', label);
  const list = booster.weight_drop ?? model.weight_drop;
  if (list === undefined) return { model, weights: undefined };
  const treeCount = listOf(model.trees, 'trees', label).length;
  const weights = numbersOf(list, 'weight_drop', treeCount, label);
  return { model, weights: weights.map(Math.fround) };
}

function featureNames(
  learner: Fields,
  featureCount: number,
  { featureNames: given }: XgboostImportOptions,
  label: string,
): readonly string[] {
  const names = listOf(learner.feature_names ?? [], 'learner.feature_names', label);
  if (names.length > 0 && (names.length !== featureCount || names.some((name) => typeof name !== 'string'))) {
    throw damaged(label, `it has ${names.length} feature names for ${featureCount} features`);
  }
  if (given === undefined) {
    return names.length > 0 ? (names as string[]) : Array.from({ length: featureCount }, (_, f) => `f${f}`);
  }
  if (given.length !== featureCount) {
    throw new FewfireError(
      'invalid-argument',
      `${given.length} names of features are given, and the model has ${featureCount}; expected one for each, in its order`,
    );
  }
  if (names.length > 0 && names.some((name, f) => name !== given[f])) {
    throw new FewfireError(
      'invalid-argument',
      `names of features are given, and the model has its own: ${listNames(names as string[])}; leave them out`,
    );
  }
  return given;
}

// How many trees to take: those of the rounds asked for, of the best ones, or all.
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
  const best = bestRound(learner, rounds, label);
  if (best === undefined && roundCount === undefined) return treeCount;
  if (roundCount === undefined) {
    notes.push(
      `training stopped early: the first ${best} of ${rounds} boosting rounds are taken, up to the best one, as predict of XGBoost's scikit-learn interface does; \`roundCount: ${rounds}\` takes all, as Booster.predict does`,
    );
  } else if (!Number.isInteger(roundCount) || roundCount < 1 || roundCount > rounds) {
    throw new FewfireError(
      'invalid-argument',
      `${roundCount} boosting rounds are asked for; expected a whole number from 1 to ${rounds}, the model's rounds`,
    );
  }
  const taken = roundCount ?? (best as number);
  const end = ends.length > 0 ? ends[taken - 1] : Math.min(treeCount, taken * perRound);
  if (typeof end !== 'number' || !Number.isInteger(end) || end < 0 || end > treeCount) {
    throw damaged(label, `round ${taken} ends with tree ${shownJson(end)} of ${treeCount}`);
  }
  return end;
}

// The number of rounds up to the best one, where there are more. Attributes outlive a cut of the model, so the best round
// may be beyond its end.
function bestRound(learner: Fields, rounds: number, label: string): number | undefined {
  const { best_iteration: best } = fieldsOf(learner.attributes ?? {}, 'learner.attributes', label);
  // It is -1 where no round was trained.
  if (best === undefined || rounds === 0) return undefined;
  const round = wholeParameter(best, 'best_iteration', 0, 2 ** 31, label) + 1;
  return round < rounds ? round : undefined;
}

function xgboostTree(
  data: unknown,
  weight: number,
  kept: ReadonlyMap<number, readonly number[]>,
  where: string,
): SourceTree {
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
  const sets = splitType.some((type) => type !== 0) ? categorySets(tree, where) : undefined;
  const node = (i: number): SourceNode => {
    if (left[i] === -1) {
      if (right[i] !== -1) throw damaged(where, `node ${i} has a right child and no left one`);
      // Single precision, as XGBoost keeps it.
      const leaf = Math.fround(condition[i]);
      return { value: weight === 1 ? leaf : leaf * weight };
    }
    const missing = defaultLeft[i] !== 0 ? 'no' : 'yes';
    if (splitType[i] !== 0) {
      const numbers = splitType[i] === 1 ? sets?.get(i) : undefined;
      if (numbers === undefined) throw damaged(where, `node ${i} splits by categories and lists none`);
      const values = kept.get(feature[i]);
      const categories = values === undefined ? numbers : numbers.map((c) => values[c]).sort((a, b) => a - b);
      if (categories.includes(undefined as never)) throw damaged(where, `node ${i} lists categories that are not kept`);
      return { feature: feature[i], comparison: 'in', categories, missing, no: left[i], yes: right[i] };
    }
    return {
      feature: feature[i],
      // `feature < threshold` goes left, so yes is right.
      comparison: '>=',
      threshold: condition[i],
      missing,
      no: left[i],
      yes: right[i],
    };
  };
  return { root: 0, nodeCount, isWhole: false, node };
}

// The categories that go right at each node that splits by them.
function categorySets(tree: Fields, where: string): Map<number, readonly number[]> {
  const all = numbersOf(tree.categories ?? [], 'categories', undefined, where);
  const nodes = numbersOf(tree.categories_nodes ?? [], 'categories_nodes', undefined, where);
  const starts = numbersOf(tree.categories_segments ?? [], 'categories_segments', nodes.length, where);
  const sizes = numbersOf(tree.categories_sizes ?? [], 'categories_sizes', nodes.length, where);
  const odd = all.find((category) => !(Number.isInteger(category) && category >= 0 && category <= MAX_CATEGORY));
  if (odd !== undefined) throw damaged(where, `${odd} is no number of a category`);
  // Parts of one list: together they are no longer than it is.
  let rest = all.length;
  return new Map(
    nodes.map((node, k) => {
      const [start, size] = [starts[k], sizes[k]];
      const isPart = Number.isInteger(start) && Number.isInteger(size) && start >= 0 && size > 0 && size <= rest;
      if (!isPart || start + size > all.length) {
        throw damaged(where, `node ${node} has ${size} categories from ${start} on, of ${all.length}`);
      }
      rest -= size;
      return [node, [...new Set(all.slice(start, start + size))].sort((a, b) => a - b)];
    }),
  );
}

// Categories that are whole numbers other than 0, 1, 2, ... by the position of their feature.
function keptCategories(
  model: Fields,
  names: readonly string[],
  notes: string[],
  label: string,
): ReadonlyMap<number, readonly number[]> {
  const kept = new Map<number, readonly number[]>();
  if (model.cats === undefined) return kept;
  const columns = listOf(fieldsOf(model.cats, 'cats', label).enc ?? [], 'cats.enc', label);
  columns.slice(0, names.length).forEach((data, f) => {
    const column = fieldsOf(data, `cats.enc[${f}]`, label);
    const values = numbersOf(column.values ?? [], `cats.enc[${f}].values`, undefined, label);
    if (column.offsets !== undefined) {
      const offsets = numbersOf(column.offsets, `cats.enc[${f}].offsets`, undefined, label);
      const bytes = Uint8Array.from(values);
      const texts = offsets.slice(1).map((end, c) => new TextDecoder().decode(bytes.subarray(offsets[c], end)));
      if (texts.length > 0) {
        notes.push(
          `the categories of ${JSON.stringify(names[f])} are given by their numbers, from 0: ${listNames(texts, 12)}`,
        );
      }
    } else if (values.some((value, c) => value !== c)) {
      const isUsable = values.every((value) => Number.isInteger(value) && value >= 0 && value <= MAX_CATEGORY);
      if (!isUsable || new Set(values).size < values.length) {
        throw new FewfireError(
          'unsupported',
          `${label} has categories of ${JSON.stringify(names[f])} that are not different whole numbers from 0 to ${MAX_CATEGORY}; number them before training`,
        );
      }
      kept.set(f, values);
    }
  });
  return kept;
}

// base_score is "5E-1", from 3.1 "[5E-1]" or one number per output.
function interceptsOf(
  data: unknown,
  outputCount: number,
  objective: Objective,
  version: Version,
  label: string,
): number[] {
  const text = typeof data === 'number' ? String(data) : typeof data === 'string' ? data.trim() : '';
  const list = (text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text).split(',');
  const scores = list
    .map((entry) => (entry.trim() === '' ? Number.NaN : Math.fround(Number(entry))))
    .map((score) => (objective.inverse === 'logit' ? keptInside(score, version) : score));
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

const LEAST = Math.fround(1e-6);

// From 3.2, where all rows have one class: base_score is 0 or 1 then.
function keptInside(score: number, version: Version): number {
  if (version.length === 0 || isBefore(version, [3, 2, 0]) || !(score >= 0 && score <= 1)) return score;
  return Math.min(Math.max(score, LEAST), Math.fround(1 - LEAST));
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

/** Three numbers; none where the file does not say. */
type Version = readonly number[];

function versionParts({ version }: Fields): Version {
  const isVersion = Array.isArray(version) && version.length >= 3 && version.every((part) => Number.isInteger(part));
  return isVersion ? version.slice(0, 3) : [];
}

// A file that does not say its version is of none that is different.
function isBefore(version: Version, other: Version): boolean {
  const at = version.findIndex((part, i) => part !== other[i]);
  return at >= 0 && version[at] < other[at];
}

function fieldsOf(value: unknown, path: string, label: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw damaged(label, `${path} is ${kindOf(value)} instead of an object`);
}

function listOf(value: unknown, path: string, label: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw damaged(label, `${path} is ${kindOf(value)} instead of a list`);
}

// Numbers; booleans count as 0 and 1, as early versions write `default_left`. "NaN" is how NaN without quotes is read.
function numbersOf(value: unknown, path: string, length: number | undefined, label: string): number[] {
  const list = listOf(value, path, label);
  if (length !== undefined && list.length !== length)
    throw damaged(label, `${path} has ${list.length} entries instead of ${length}`);
  return list.map((entry, i) => {
    if (typeof entry === 'number') return entry;
    if (typeof entry === 'boolean') return entry ? 1 : 0;
    if (entry === 'NaN') return Number.NaN;
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

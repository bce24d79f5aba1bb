/**
 * From the trees of a file to a `TreeModel`: what the importers share. Every
 * child is checked to exist and to be reached once, so cycles and shared
 * subtrees end here, and the coordinates are those that some node asks for,
 * ordered by feature and threshold.
 */
import { FewfireError, listNames } from '../base/index.ts';
import { repeatedNames } from '../cube/index.ts';
import type { DecisionTree } from './families/index.ts';
import type {
  CategoryCoordinate,
  MissingAnswer,
  ThresholdCoordinate,
  TreeCoordinate,
  TreeFeature,
} from './tree-ensemble.ts';

/** What is said of a model of trees that is imported. */
export interface TreeImportOptions {
  /** What to call the file in messages. */
  readonly label?: string;
  /** Names of features that are 0 or 1 wherever they are known: each is one coordinate with the feature's own name. */
  readonly booleanFeatures?: readonly string[];
  /**
   * `follow` (default): missing values go where the source sends them. `refuse`: they are errors when rows are encoded,
   * and nodes that differ only in where they send them share a coordinate.
   */
  readonly missing?: 'follow' | 'refuse';
}

/** A node of a file: a leaf, or a question whose answer is yes as `TreeCoordinate` says. */
export type SourceNode = { readonly value: number } | SourceQuestion;

type SourceQuestion = {
  readonly feature: number;
  /** Where a missing value goes. */
  readonly missing: 'no' | 'yes';
  /** Positions in the same list. */
  readonly no: number;
  readonly yes: number;
} & (
  | { readonly comparison: '>=' | '>'; readonly threshold: number }
  /** Different whole numbers from 0, ascending. */
  | { readonly comparison: 'in'; readonly categories: readonly number[] }
);

export interface SourceTree {
  readonly root: number;
  readonly nodeCount: number;
  /** Whether every node must be reached; XGBoost leaves pruned ones behind. */
  readonly isWhole: boolean;
  node(position: number): SourceNode;
}

/** Deeper trees are refused: boosting makes a hundredth of it, and a path costs memory on every leaf. */
export const MAX_DEPTH = 1024;
/** A polynomial counts its coordinates in 16 bits. */
export const MAX_COORDINATES = 65_536;
/** Wider models are refused, because every feature has a name in memory. */
export const MAX_FEATURES = 1_000_000;

export function damaged(label: string, what: string): FewfireError {
  return new FewfireError('model-file', `${label} is damaged or edited: ${what}; expected it as the program wrote it`);
}

/** Features by name; `f0`, `f1`, ... where the file has none. */
export function treeFeatures(
  names: readonly string[],
  isBoolean: (feature: number) => boolean,
  label: string,
): TreeFeature[] {
  const twice = repeatedNames(names);
  if (twice.length > 0) throw damaged(label, `features share the names ${listNames(twice)}`);
  return names.map((name, f) => ({ name, boolean: isBoolean(f) }));
}

/** The trees over their common coordinates. */
export function buildTrees(
  sources: readonly SourceTree[],
  features: readonly TreeFeature[],
  precision: 'f32' | 'f64',
  options: TreeImportOptions & { readonly label: string },
): { readonly coordinates: readonly TreeCoordinate[]; readonly trees: readonly DecisionTree[] } {
  const { label, missing = 'follow' } = options;
  const found = new Map<string, TreeCoordinate>();
  const keyOf = (node: SourceNode): string => {
    if ('value' in node) return '';
    const coordinate = coordinateOf(node, features, precision, missing);
    const asked = coordinate.comparison === 'in' ? coordinate.categories.join() : coordinate.threshold;
    const key = `${coordinate.feature} ${coordinate.comparison} ${asked} ${coordinate.missing}`;
    if (!found.has(key)) found.set(key, coordinate);
    return key;
  };
  const shapes = sources.map((source, t) => walk(source, features.length, keyOf, `${label}, tree ${t}`));
  if (found.size > MAX_COORDINATES) {
    throw new FewfireError(
      'unsupported',
      `${label} asks ${found.size.toLocaleString('en-US')} different questions, more than the ${MAX_COORDINATES.toLocaleString('en-US')} coordinates that are supported; take fewer trees or train with fewer bins`,
    );
  }
  const sorted = [...found].sort(([, a], [, b]) => compareCoordinates(a, b));
  const positions = new Map(sorted.map(([key], c) => [key, c]));
  return {
    coordinates: sorted.map(([, coordinate]) => coordinate),
    trees: shapes.map((shape) => growTree(shape, positions)),
  };
}

/** A tree in preorder: children stand behind their parents. */
interface TreeShape {
  readonly keys: readonly string[];
  readonly no: readonly number[];
  readonly yes: readonly number[];
  readonly values: readonly number[];
}

function walk(source: SourceTree, featureCount: number, keyOf: (node: SourceNode) => string, where: string): TreeShape {
  const keys: string[] = [];
  const no: number[] = [];
  const yes: number[] = [];
  const values: number[] = [];
  const seen = new Uint8Array(source.nodeCount);
  const stack = [{ position: source.root, parent: -1, isYes: false, depth: 0 }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { position, parent, isYes, depth } = top;
    if (!Number.isInteger(position) || position < 0 || position >= source.nodeCount) {
      throw damaged(where, `a node has the child ${position}, and there are ${source.nodeCount} nodes`);
    }
    if (seen[position] === 1) throw damaged(where, `node ${position} is reached twice, so it is not a tree`);
    seen[position] = 1;
    if (depth > MAX_DEPTH) {
      throw new FewfireError('unsupported', `${where} is deeper than ${MAX_DEPTH} splits, which is not supported`);
    }
    const node = source.node(position);
    const at = keys.length;
    if (parent >= 0) (isYes ? yes : no)[parent] = at;
    no.push(0);
    yes.push(0);
    if ('value' in node) {
      if (!Number.isFinite(node.value)) throw damaged(where, `leaf ${position} has the value ${node.value}`);
      keys.push('');
      // One zero here too: a file of trees does not keep its sign.
      values.push(node.value + 0);
      continue;
    }
    if (!Number.isInteger(node.feature) || node.feature < 0 || node.feature >= featureCount) {
      throw damaged(where, `node ${position} asks for feature ${node.feature}, and there are ${featureCount}`);
    }
    if (node.comparison !== 'in' && Number.isNaN(node.threshold))
      throw damaged(where, `node ${position} has the threshold NaN`);
    keys.push(keyOf(node));
    values.push(0);
    stack.push({ position: node.yes, parent: at, isYes: true, depth: depth + 1 });
    stack.push({ position: node.no, parent: at, isYes: false, depth: depth + 1 });
  }
  if (source.isWhole && keys.length !== source.nodeCount) {
    throw damaged(where, `${source.nodeCount - keys.length} of its ${source.nodeCount} nodes hang on nothing`);
  }
  return { keys, no, yes, values };
}

function growTree(shape: TreeShape, positions: ReadonlyMap<string, number>): DecisionTree {
  const { keys, no, yes, values } = shape;
  const nodes = new Array<DecisionTree>(keys.length);
  for (let i = keys.length - 1; i >= 0; i--) {
    const coordinate = positions.get(keys[i]);
    nodes[i] = coordinate === undefined ? { value: values[i] } : { coordinate, no: nodes[no[i]], yes: nodes[yes[i]] };
  }
  return nodes[0];
}

function coordinateOf(
  node: SourceQuestion,
  features: readonly TreeFeature[],
  precision: 'f32' | 'f64',
  policy: 'follow' | 'refuse',
): TreeCoordinate {
  const { feature } = node;
  const { boolean } = features[feature];
  const missing: MissingAnswer = policy === 'refuse' ? 'refuse' : node.missing;
  if (node.comparison === 'in') {
    const asked = { feature, comparison: node.comparison, categories: node.categories, missing };
    return { name: questionName(asked, features[feature], precision), ...asked };
  }
  let { comparison } = node;
  // One zero: -0 and 0 ask the same.
  let threshold = (precision === 'f32' ? Math.fround(node.threshold) : node.threshold) + 0;
  // Of 0 and 1 every threshold between asks the same; one outside does not tell them apart and stays as it is.
  const between = comparison === '>' ? threshold >= 0 && threshold < 1 : threshold > 0 && threshold <= 1;
  if (boolean && between) {
    comparison = '>=';
    threshold = 1;
  }
  const question = { feature, comparison, threshold, missing };
  return { name: questionName(question, features[feature], precision), ...question };
}

/** What a coordinate of this question is called, as in `age>=40 or missing`. */
export function questionName(
  question: Omit<ThresholdCoordinate, 'name'> | Omit<CategoryCoordinate, 'name'>,
  { name, boolean }: TreeFeature,
  precision: 'f32' | 'f64',
): string {
  return question.missing === 'yes' ? `${withoutMissing()} or missing` : withoutMissing();

  function withoutMissing(): string {
    if (question.comparison === 'in') return `${name} in {${question.categories.join()}}`;
    // A boolean feature asks itself where the threshold tells 0 from 1.
    if (boolean && question.comparison === '>=' && question.threshold === 1) return name;
    return `${name}${question.comparison}${shortest(question.threshold, precision)}`;
  }
}

// The fewest digits that read as the same number: a single-precision 0.1 is `0.1`, not 0.10000000149011612.
function shortest(value: number, precision: 'f32' | 'f64'): string {
  if (precision === 'f64') return String(value);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}

const ANSWER_ORDER: readonly MissingAnswer[] = ['no', 'yes', 'refuse'];

// By feature; its thresholds ascending, then its sets of categories as words stand in a dictionary.
function compareCoordinates(a: TreeCoordinate, b: TreeCoordinate): number {
  if (a.feature !== b.feature) return a.feature - b.feature;
  if (a.comparison === 'in' || b.comparison === 'in') {
    if (a.comparison !== 'in') return -1;
    if (b.comparison !== 'in') return 1;
    const at = a.categories.findIndex((category, c) => category !== b.categories[c]);
    // One that begins as the other does stands before it where it is shorter.
    const order = at < 0 ? a.categories.length - b.categories.length : a.categories[at] - (b.categories[at] ?? -1);
    if (order !== 0) return order;
  } else {
    if (a.threshold !== b.threshold) return a.threshold < b.threshold ? -1 : 1;
    if (a.comparison !== b.comparison) return a.comparison === '>=' ? -1 : 1;
  }
  return ANSWER_ORDER.indexOf(a.missing) - ANSWER_ORDER.indexOf(b.missing);
}

/**
 * Tree ensembles in ONNX files: one TreeEnsembleRegressor or
 * TreeEnsembleClassifier (ai.onnx.ml, not its later TreeEnsemble) that reads the graph's input, as
 * converters write for XGBoost, LightGBM and scikit-learn. What stands behind it
 * (ZipMap, Cast, ...) is not applied and is named in the notes, but for Exp and Sigmoid,
 * which are the model's link, and what else changes the numbers of a regression, which is
 * refused; what stands before it changes the features, so it is refused too.
 *
 * Values are compared in the precision that the trees read, after rounding to that of the
 * input and of every cast on the way; a cast that does more than that is refused. The
 * specification does not say which class follows from one score or from two; the
 * rules here are onnxruntime's.
 */
import { FewfireError, listNames } from '../base/index.ts';
import {
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  readOnnxModel,
  tensorNumbers,
} from '../formats/index.ts';
import { type ClassRule, featurePositions, type TreeEnsemble, type TreeLink, type TreeModel } from './tree-ensemble.ts';
import {
  buildTrees,
  damaged,
  MAX_FEATURES,
  type SourceNode,
  type SourceTree,
  type TreeImportOptions,
  treeFeatures,
} from './tree-source.ts';

export interface OnnxTreeImportOptions extends TreeImportOptions {
  /** Names of the columns of the input, in order; an ONNX file does not have them. Default `f0`, `f1`, ... */
  readonly featureNames?: readonly string[];
}

/** On these, yes is the true branch for `>` and `>=` and the false branch for `<` and `<=`. */
const COMPARISONS: ReadonlyMap<string, { readonly comparison: '>=' | '>'; readonly trueIsYes: boolean }> = new Map([
  ['BRANCH_LT', { comparison: '>=', trueIsYes: false }],
  ['BRANCH_LEQ', { comparison: '>', trueIsYes: false }],
  ['BRANCH_GT', { comparison: '>', trueIsYes: true }],
  ['BRANCH_GTE', { comparison: '>=', trueIsYes: true }],
]);
const LINKS: ReadonlyMap<string, TreeLink> = new Map([
  ['NONE', 'identity'],
  ['LOGISTIC', 'logistic'],
  ['SOFTMAX', 'softmax'],
]);
const TREE_OPERATORS: readonly string[] = ['TreeEnsembleRegressor', 'TreeEnsembleClassifier'];
const MAX_OUTPUTS = 65_536;
/** TensorProto.DataType. */
const ELEMENT_FLOAT = 1;
const ELEMENT_DOUBLE = 11;
/** Those that hold whole numbers or truth values: rows are such, and a cast of them to a wide type changes none. */
const WHOLE_TYPES: readonly number[] = [2, 3, 4, 5, 6, 7, 9, 12, 13];
const WIDE_TYPES: readonly number[] = [6, 7];
const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  ...[2, 3, 4, 5, 6, 7].map((type, t) => [type, ['uint8', 'int8', 'uint16', 'int16', 'int32', 'int64'][t]] as const),
  ...[8, 9, 10, 12, 13, 16].map(
    (type, t) => [type, ['string', 'bool', 'float16', 'uint32', 'uint64', 'bfloat16'][t]] as const,
  ),
]);

/**
 * Reads the bytes of an ONNX file.
 * @throws FewfireError `model-file` for what is damaged; `unsupported` for other operators, modes, aggregations and
 *   transformations, each by name
 */
export function importOnnxTrees(bytes: Uint8Array, options: OnnxTreeImportOptions = {}): TreeModel {
  const label = options.label ?? 'the ONNX model';
  const model = readOnnxModel(bytes, label);
  const node = treeNode(model, label);
  const input = graphInput(model.graph, node, label);
  const attributes = attributesOf(node, label);
  const classifier = node.opType === 'TreeEnsembleClassifier';

  const aggregate = attributes.text('aggregate_function', 'SUM');
  if (aggregate !== 'SUM') throw refused(label, `aggregate_function ${aggregate}`, 'SUM');
  const transform = attributes.text('post_transform', 'NONE');
  const ownLink = LINKS.get(transform);
  if (ownLink === undefined) throw refused(label, `post_transform ${transform}`, [...LINKS.keys()].join(', '));
  const link = classifier ? ownLink : linkBehind(model.graph, node, ownLink, label);
  const { precision } = input;

  const nodes = nodesOf(attributes, input.isWidened, label);
  const names = inputNames(nodes.featureCount, input.dims[1], options.featureNames, label);
  const declared = featurePositions(options.booleanFeatures ?? [], names);
  const features = treeFeatures(names, (f) => declared.has(f), label);

  const labels = classifier ? classLabels(attributes, label) : [];
  const outputCount = classifier
    ? labels.length
    : wholeNumber(attributes.integer('n_targets', 1), 'n_targets', 1, MAX_OUTPUTS, label);
  const leaves = leavesOf(attributes, classifier ? 'class' : 'target', nodes, outputCount, label);
  const bases = attributes.numbers('base_values');
  const notes = notesOf(model.graph, node);
  const single = classifier && outputCount === 2 && leaves.outputs.length === 1;
  if ((single || outputCount === 1) && link === 'softmax') {
    throw refused(label, 'post_transform SOFTMAX of one score', 'NONE or LOGISTIC');
  }
  if (!classifier && outputCount === 1 && ownLink === 'logistic') {
    notes.push(
      'the prediction is 1 / (1 + exp(-margin)), as the specification has LOGISTIC; onnxruntime gives the margin of a single target',
    );
  }
  const rule = classifier ? classRule(outputCount, single, leaves, notes) : null;
  const mayLack = rule?.kind === 'largest' && bases.length === 0 && !leaves.allPositive;
  if (mayLack && labels.some((_, position) => !isAlwaysScored(nodes, leaves, position))) {
    notes.push(
      'a class that no leaf of a row gives a score has the score 0 there; onnxruntime leaves it out, which is another class where all scores are negative',
    );
  }

  const outputs: { name: string; position: number; intercept: number }[] = [];
  if (single) {
    const [position] = leaves.outputs;
    outputs.push({ name: labels[1], position, intercept: singleBase(bases, position, label) });
  } else {
    if (bases.length !== 0 && bases.length !== outputCount) {
      throw damaged(label, `it has ${bases.length} base values for ${outputCount} outputs`);
    }
    for (let o = 0; o < outputCount; o++) {
      outputs.push({
        name: labels[o] ?? (outputCount === 1 ? 'margin' : String(o)),
        position: o,
        intercept: bases[o] ?? 0,
      });
    }
  }
  if (bases.length > outputCount || bases.some((base) => !Number.isFinite(base))) {
    throw damaged(label, `its base values are [${bases.slice(0, 5).join(', ')}] for ${outputCount} outputs`);
  }

  // Trees that never add to an output are left out of it; the questions asked are those of the others.
  const members: { output: number; source: SourceTree }[] = [];
  outputs.forEach(({ position }, output) => {
    for (let t = 0; t < nodes.trees.length; t++) {
      const values = leaves.values(position, t);
      if (values !== undefined) members.push({ output, source: sourceTree(nodes, t, values, label) });
    }
  });
  const sources = members.map((member) => member.source);
  // Trees that add to no output are walked all the same, so that damage does not pass unseen.
  for (let t = 0; t < nodes.trees.length; t++) {
    if (!outputs.some(({ position }) => leaves.values(position, t) !== undefined)) {
      buildTrees([sourceTree(nodes, t, new Map(), label)], features, precision, { ...options, label });
    }
  }
  const built = buildTrees(sources, features, precision, { ...options, label });
  const ensembles: TreeEnsemble[] = outputs.map(({ name, intercept }, output) => ({
    name,
    coordinates: built.coordinates,
    trees: built.trees.filter((_, t) => members[t].output === output),
    intercept,
  }));
  return {
    source: `ONNX${model.producer === '' ? '' : ` from ${model.producer}`}`,
    objective: node.opType,
    features,
    precision,
    coordinates: built.coordinates,
    outputs: ensembles,
    summation: 'f64',
    link,
    classes: rule === null ? null : { labels, rule },
    notes,
  };
}

// What is added to the one score of two classes. Runtimes differ where it is not clear which of the two it belongs to.
function singleBase(bases: readonly number[], position: number, label: string): number {
  const [first = 0, second = first] = bases;
  const isClear = position === 0 ? first === second : bases.length !== 1 && first === 0;
  if (bases.length === 0 || bases.length > 2 || isClear) return second;
  throw refused(
    label,
    `scores of the ${position === 0 ? 'first' : 'second'} class alone and the base values [${bases.join(', ')}]`,
    `scores of the first class and one base value: convert it with another version of the converter`,
  );
}

function refused(label: string, what: string, expected: string): FewfireError {
  return new FewfireError('unsupported', `${label} has ${what}, which is not supported; expected ${expected}`);
}

function treeNode(model: OnnxModel, label: string): OnnxNode {
  const { nodes } = model.graph;
  const found = nodes.filter((node) => TREE_OPERATORS.includes(node.opType) && node.domain === 'ai.onnx.ml');
  if (found.length === 1) {
    // Every model must name the operator sets it uses; without it the file was cut off at its end.
    if (!model.opsets.has('ai.onnx.ml')) throw damaged(label, 'it does not import the operator set ai.onnx.ml');
    return found[0];
  }
  const others = [...new Set(nodes.map((node) => node.opType))];
  throw new FewfireError(
    'unsupported',
    found.length > 1
      ? `${label} has ${found.length} tree ensembles; expected one`
      : `${label} has the operators ${listNames(others, 8) || '(none)'}; expected one TreeEnsembleRegressor or TreeEnsembleClassifier of ai.onnx.ml`,
  );
}

interface TreeInput {
  readonly dims: readonly (number | undefined)[];
  /** What rows are rounded to before they are compared. */
  readonly precision: 'f32' | 'f64';
  /** Whether they are of single precision, and compared with thresholds of double precision. */
  readonly isWidened: boolean;
}

// The graph's input that the trees read, through nothing but Identity and casts that only round.
function graphInput(graph: OnnxGraph, tree: OnnxNode, label: string): TreeInput {
  // Looked up, not searched for: a file may hold a hundred thousand nodes in a row.
  const inputs = new Map(graph.inputs.map((value) => [value.name, value]));
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  let name = tree.inputs[0];
  // From the trees back.
  const casts: (number | undefined)[] = [];
  for (let steps = 0; steps <= graph.nodes.length; steps++) {
    const input = inputs.get(name);
    if (input !== undefined && name !== undefined) {
      return { dims: input.dims, ...rounding([input.elementType, ...casts.reverse()], label) };
    }
    const before = name === '' ? undefined : makers.get(name);
    if (before === undefined) break;
    if (before.opType === 'Cast') casts.push(before.attributes.get('to')?.integer);
    else if (before.opType !== 'Identity') {
      throw new FewfireError(
        'unsupported',
        `${label} changes its input by ${before.opType} before the trees, so they do not read the features themselves; convert the trees alone, or the model without its preprocessing`,
      );
    }
    name = before.inputs[0];
  }
  throw damaged(label, `the trees read ${JSON.stringify(name ?? '')}, which is no input of the graph`);
}

// What the types of the input and of the casts behind it make of a row.
function rounding(types: readonly (number | undefined)[], label: string): Pick<TreeInput, 'precision' | 'isWidened'> {
  types.forEach((type, t) => {
    const before = t === 0 ? undefined : types[t - 1];
    const isWhole = t === 0 || (before !== undefined && WHOLE_TYPES.includes(before));
    const fits = t === 0 ? WHOLE_TYPES : WIDE_TYPES;
    if (type === ELEMENT_FLOAT || type === ELEMENT_DOUBLE || (isWhole && fits.includes(type as number))) return;
    const name = TYPE_NAMES.get(type as number) ?? `element type ${type ?? '(none)'}`;
    throw new FewfireError(
      'unsupported',
      `${label} ${t === 0 ? `has an input of ${name}` : `casts its input to ${name} before the trees`}, so they do not read the features themselves; convert it with an input of float or double`,
    );
  });
  const isDouble = types.at(-1) === ELEMENT_DOUBLE;
  const isSingle = types.includes(ELEMENT_FLOAT);
  return { precision: isDouble && !isSingle ? 'f64' : 'f32', isWidened: isDouble && isSingle };
}

/** Operators that hand numbers on as they are; Cast does so among floating-point types. */
const KEEPING: readonly string[] = ['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'ZipMap'];
const LINK_OPERATORS: ReadonlyMap<string, TreeLink> = new Map([
  ['Exp', 'exponential'],
  ['Sigmoid', 'logistic'],
]);

// From what the trees of a regression give to the output of the graph: its link, as converters write it for counts.
function linkBehind(graph: OnnxGraph, tree: OnnxNode, own: TreeLink, label: string): TreeLink {
  const given = new Set(graph.outputs.map(({ name }) => name));
  const readers = new Map<string, OnnxNode>();
  for (const node of graph.nodes) {
    // Shapes are no numbers of the model.
    if (node.opType === 'Shape') continue;
    for (const input of node.inputs) if (!readers.has(input)) readers.set(input, node);
  }
  let link = own;
  let name = tree.outputs[0] ?? '';
  for (let steps = 0; steps <= graph.nodes.length && name !== '' && !given.has(name); steps++) {
    const node = readers.get(name);
    if (node === undefined) break;
    const to = node.opType === 'Cast' ? node.attributes.get('to')?.integer : undefined;
    const next = LINK_OPERATORS.get(node.opType);
    if (next !== undefined && link === 'identity') link = next;
    else if (!KEEPING.includes(node.opType) && to !== ELEMENT_FLOAT && to !== ELEMENT_DOUBLE) {
      throw refused(
        label,
        `${node.opType} behind its trees`,
        'the trees alone, or Exp or Sigmoid behind them: convert the model without what follows',
      );
    }
    name = node.outputs[0] ?? '';
  }
  return link;
}

function notesOf(graph: OnnxGraph, tree: OnnxNode): string[] {
  const outputs = new Set(tree.outputs);
  const isApplied = ({ opType }: OnnxNode): boolean =>
    tree.opType === 'TreeEnsembleRegressor' && LINK_OPERATORS.has(opType);
  const after = graph.nodes.filter(
    (node) => !isApplied(node) && node.inputs.some((name) => name !== '' && outputs.has(name)),
  );
  if (after.length === 0) return [];
  const names = [...new Set(after.map((node) => node.opType))].join(', ');
  return [`margins are those of the tree operator; what the graph does with them afterwards (${names}) is not applied`];
}

/** Attributes by name, with the `_as_tensor` form of doubles, and checked for their kind. */
interface Attributes {
  text(name: string, standard: string): string;
  integer(name: string, standard: number): number;
  numbers(name: string): readonly number[];
  texts(name: string): readonly string[];
}

function attributesOf(node: OnnxNode, label: string): Attributes {
  const get = (name: string): OnnxAttribute | undefined => node.attributes.get(name);
  return {
    text: (name, standard) => {
      const bytes = get(name)?.bytes;
      return bytes === undefined ? standard : String.fromCharCode(...bytes.subarray(0, 64));
    },
    integer: (name, standard) => get(name)?.integer ?? standard,
    numbers: (name) => {
      const tensor = get(`${name}_as_tensor`)?.tensor;
      if (tensor !== undefined) return Array.from(tensorNumbers(tensor, label));
      const attribute = get(name);
      return attribute === undefined ? [] : attribute.floats.length > 0 ? attribute.floats : attribute.integers;
    },
    texts: (name) => get(name)?.strings ?? [],
  };
}

/** The nodes of all trees as columns, and which rows belong to which tree. */
interface Nodes {
  readonly featureIds: readonly number[];
  readonly modes: readonly string[];
  readonly values: readonly number[];
  /** Whether numbers of single precision are compared with these in double precision. */
  readonly isWidened: boolean;
  readonly trueIds: readonly number[];
  readonly falseIds: readonly number[];
  readonly missingTrue: readonly number[];
  /** One past the largest feature asked for. */
  readonly featureCount: number;
  /** The rows of each tree, in order of appearance. */
  readonly trees: readonly Int32Array[];
  /** Tree and position within it by tree id and node id. */
  find(treeId: number, nodeId: number): { readonly tree: number; readonly position: number } | undefined;
  /** Position within tree t by node id. */
  position(tree: number, nodeId: number): number;
}

function nodesOf(attributes: Attributes, isWidened: boolean, label: string): Nodes {
  const modes = attributes.texts('nodes_modes');
  const column = (name: string, optional = false): readonly number[] => {
    const numbers = attributes.numbers(name);
    if (optional && numbers.length === 0) return new Array<number>(modes.length).fill(0);
    if (numbers.length === modes.length) return numbers;
    throw damaged(label, `${name} has ${numbers.length} entries for ${modes.length} nodes`);
  };
  const treeIds = column('nodes_treeids');
  const nodeIds = column('nodes_nodeids');
  const featureIds = column('nodes_featureids');
  const treeOf = new Map<number, number>();
  const rows: number[][] = [];
  const byId: Map<number, number>[] = [];
  for (let i = 0; i < modes.length; i++) {
    let tree = treeOf.get(treeIds[i]);
    if (tree === undefined) {
      tree = rows.length;
      treeOf.set(treeIds[i], tree);
      rows.push([]);
      byId.push(new Map());
    }
    if (byId[tree].has(nodeIds[i])) {
      throw damaged(label, `node ${nodeIds[i]} of tree ${treeIds[i]} stands in it twice`);
    }
    byId[tree].set(nodeIds[i], rows[tree].length);
    rows[tree].push(i);
  }
  let featureCount = 0;
  modes.forEach((mode, i) => {
    if (mode !== 'LEAF') featureCount = Math.max(featureCount, featureIds[i] + 1);
  });
  return {
    featureIds,
    modes,
    values: column('nodes_values'),
    isWidened,
    trueIds: column('nodes_truenodeids'),
    falseIds: column('nodes_falsenodeids'),
    missingTrue: column('nodes_missing_value_tracks_true', true),
    featureCount,
    trees: rows.map((list) => Int32Array.from(list)),
    find: (treeId, nodeId) => {
      const tree = treeOf.get(treeId);
      const position = tree === undefined ? undefined : byId[tree].get(nodeId);
      return tree === undefined || position === undefined ? undefined : { tree, position };
    },
    position: (tree, nodeId) => byId[tree].get(nodeId) ?? -1,
  };
}

function sourceTree(nodes: Nodes, tree: number, values: ReadonlyMap<number, number>, label: string): SourceTree {
  const rows = nodes.trees[tree];
  // The root is the node that no other has as a child.
  const isChild = new Uint8Array(rows.length);
  rows.forEach((i) => {
    if (nodes.modes[i] === 'LEAF') return;
    for (const id of [nodes.trueIds[i], nodes.falseIds[i]]) {
      const position = nodes.position(tree, id);
      if (position >= 0) isChild[position] = 1;
    }
  });
  const root = isChild.indexOf(0);
  if (root < 0 || isChild.indexOf(0, root + 1) >= 0) {
    throw damaged(label, `tree ${tree} does not have one root`);
  }
  const node = (position: number): SourceNode => {
    const i = rows[position];
    const mode = nodes.modes[i];
    if (mode === 'LEAF') return { value: values.get(position) ?? 0 };
    const known = COMPARISONS.get(mode);
    if (known === undefined) {
      throw refused(label, `a node of mode ${mode.slice(0, 40)}`, `LEAF, ${[...COMPARISONS.keys()].join(', ')}`);
    }
    const whenTrue = nodes.position(tree, nodes.trueIds[i]);
    const whenFalse = nodes.position(tree, nodes.falseIds[i]);
    const missingIsTrue = nodes.missingTrue[i] !== 0;
    return {
      feature: nodes.featureIds[i],
      comparison: known.comparison,
      threshold: nodes.isWidened ? singleThreshold(nodes.values[i], known.comparison) : nodes.values[i],
      // Every comparison with NaN is false.
      missing: missingIsTrue === known.trueIsYes ? 'yes' : 'no',
      no: known.trueIsYes ? whenFalse : whenTrue,
      yes: known.trueIsYes ? whenTrue : whenFalse,
    };
  };
  return { root, nodeCount: rows.length, isWhole: true, node };
}

// The threshold of single precision that tells numbers of single precision apart as this one does: the next one below it
// for "above", the next one above it for "not below".
function singleThreshold(threshold: number, comparison: '>=' | '>'): number {
  const nearest = Math.fround(threshold);
  const isFine = comparison === '>' ? nearest <= threshold : nearest >= threshold;
  if (isFine || Number.isNaN(threshold)) return nearest;
  const single = new Float32Array([nearest]);
  const bits = new Int32Array(single.buffer);
  // Of numbers above 0 the bits rise with the number, of those below 0 they fall; 0 has the smallest number beside it.
  const up = comparison === '>=' ? 1 : -1;
  if (nearest === 0) single[0] = up * 2 ** -149;
  else bits[0] += nearest > 0 ? up : -up;
  return single[0];
}

interface Leaves {
  /** The outputs that some leaf adds to. */
  readonly outputs: readonly number[];
  readonly allPositive: boolean;
  /** What the leaves of a tree add to an output, by position in the tree; undefined if nothing. */
  values(output: number, tree: number): ReadonlyMap<number, number> | undefined;
}

function leavesOf(attributes: Attributes, kind: string, nodes: Nodes, outputCount: number, label: string): Leaves {
  const treeIds = attributes.numbers(`${kind}_treeids`);
  const nodeIds = attributes.numbers(`${kind}_nodeids`);
  const ids = attributes.numbers(`${kind}_ids`);
  const weights = attributes.numbers(`${kind}_weights`);
  if (nodeIds.length !== treeIds.length || ids.length !== treeIds.length || weights.length !== treeIds.length) {
    throw damaged(label, `the lists ${kind}_treeids, _nodeids, _ids and _weights have different lengths`);
  }
  const byOutput = new Map<number, Map<number, Map<number, number>>>();
  weights.forEach((weight, e) => {
    const found = nodes.find(treeIds[e], nodeIds[e]);
    if (found === undefined || nodes.modes[nodes.trees[found.tree][found.position]] !== 'LEAF') {
      throw damaged(label, `a weight belongs to node ${nodeIds[e]} of tree ${treeIds[e]}, which is no leaf`);
    }
    const output = wholeNumber(ids[e], `${kind}_ids`, 0, outputCount - 1, label);
    const trees = entry(byOutput, output, () => new Map<number, Map<number, number>>());
    const values = entry(trees, found.tree, () => new Map<number, number>());
    values.set(found.position, (values.get(found.position) ?? 0) + weight);
  });
  return {
    outputs: [...byOutput.keys()],
    allPositive: weights.every((weight) => weight >= 0),
    values: (output, tree) => byOutput.get(output)?.get(tree),
  };
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

function classRule(outputCount: number, single: boolean, leaves: Leaves, notes: string[]): ClassRule {
  // One score for two classes: weights that are all positive are votes for the second class.
  if (single) return { kind: 'above', margin: leaves.allPositive ? 0.5 : 0 };
  if (outputCount === 2) {
    notes.push(
      'two classes with a score each: the class is the one with the larger score, as the specification says; onnxruntime compares the second score with 0',
    );
  }
  return { kind: 'largest' };
}

// Whether some tree gives a class a score at every leaf.
function isAlwaysScored({ trees, modes }: Nodes, leaves: Leaves, position: number): boolean {
  return trees.some((rows, t) => {
    const values = leaves.values(position, t);
    return values !== undefined && rows.every((i, place) => modes[i] !== 'LEAF' || values.has(place));
  });
}

function classLabels(attributes: Attributes, label: string): string[] {
  const texts = attributes.texts('classlabels_strings');
  const labels = texts.length > 0 ? [...texts] : attributes.numbers('classlabels_int64s').map(String);
  if (labels.length >= 1 && labels.length <= MAX_OUTPUTS && new Set(labels).size === labels.length) return labels;
  throw damaged(label, `it has ${labels.length} class labels, or some twice`);
}

function inputNames(
  askedCount: number,
  inputWidth: number | undefined,
  given: readonly string[] | undefined,
  label: string,
): readonly string[] {
  const count = given?.length ?? (inputWidth !== undefined && inputWidth > 0 ? inputWidth : askedCount);
  if (!Number.isInteger(askedCount) || askedCount > count || count > MAX_FEATURES) {
    throw given === undefined
      ? damaged(label, `it asks for ${askedCount} features of an input of ${count} (at most ${MAX_FEATURES})`)
      : new FewfireError(
          'invalid-argument',
          `featureNames has ${count} names; expected one for each of the model's ${askedCount} or more columns`,
        );
  }
  return given ?? Array.from({ length: count }, (_, f) => `f${f}`);
}

function wholeNumber(value: number, name: string, least: number, most: number, label: string): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw damaged(label, `${name} holds ${value} instead of a whole number from ${least} to ${most}`);
}

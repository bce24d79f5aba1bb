/**
 * The trees of a network file: an imported model, what it asks and what its leaves
 * hold, instead of one row of dense weights for every leaf. It is plain data, so
 * that whoever checks a certificate can read it by itself.
 *
 * A tree is written in preorder: a question is followed by the tree of its no and
 * then by that of its yes. So nothing in the file names a child: a cycle, a child
 * that is not there or a node with two parents cannot be written down, and what is
 * left to check is that every question has its two trees and nothing follows.
 *
 *   "trees": {
 *     "version": 1,
 *     "form": "tight",                  how a leaf becomes a unit (`LeafForm`)
 *     "output": 0,                      the one of "outputs" that the network is
 *     "source": "XGBoost 1.7.4", "objective": "binary:logistic",
 *     "precision": "f32",               features are rounded to it before they are compared
 *     "summation": "f32", "link": "logistic",
 *     "classes": { "labels": ["0", "1"], "rule": { "kind": "above", "margin": 0 } }, or null
 *     "notes": [],
 *     "features": ["age", "color"],     or their number, if they are called f0, f1, ...
 *     "booleanFeatures": [],            positions of those that are 0 or 1
 *     "questions": [                    the inputs of the network; yes is x = -1
 *       { "feature": 0, "comparison": ">=", "threshold": 40, "missing": "no" },
 *       { "feature": 1, "comparison": "in", "categories": [0, 3], "missing": "yes" }
 *     ],
 *     "outputs": [{ "name": "margin", "intercept": 0.5 }],
 *     "trees": [{ "output": 0, "questions": [0, -1, 1, -1, -1], "leaves": [0.25, -1, 2] }]
 *   }
 *
 * In a tree -1 is a leaf, whose value is the next of "leaves". A threshold that is not finite is "Infinity" or
 * "-Infinity"; a question has a "name" only where it is not called as `questionName` would.
 */
import * as z from 'zod/mini';
import { FewfireError } from '../base/index.ts';
import type { DecisionTree, LeafForm } from './families/index.ts';
import type {
  CategoryCoordinate,
  MissingAnswer,
  ThresholdCoordinate,
  TreeCoordinate,
  TreeEnsemble,
  TreeFeature,
  TreeModel,
} from './tree-ensemble.ts';
import { MAX_COORDINATES, MAX_DEPTH, MAX_FEATURES, questionName } from './tree-source.ts';

const TREES_VERSION = 1 as const;

/** Only forms that this version knows: everything else is refused by name. */
const COMPARISONS: readonly unknown[] = ['>=', '>', 'in'];
const MAX_OUTPUTS = 65_536;

const count = z.int().check(z.nonnegative());
const missing = z.enum(['no', 'yes', 'refuse']);
const threshold = z.union([z.number(), z.enum(['Infinity', '-Infinity'])]);
const name = z.optional(z.string());
const questionSchema = z.discriminatedUnion('comparison', [
  z.strictObject({ feature: count, comparison: z.literal('>='), threshold, missing, name }),
  z.strictObject({ feature: count, comparison: z.literal('>'), threshold, missing, name }),
  z.strictObject({ feature: count, comparison: z.literal('in'), categories: z.array(count), missing, name }),
]);
const ruleSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('above'), margin: z.number() }),
  z.strictObject({ kind: z.literal('probability-above-half') }),
  z.strictObject({ kind: z.literal('largest') }),
]);
const partSchema = z.strictObject({
  version: z.literal(TREES_VERSION),
  form: z.enum(['tight', 'paper']),
  output: count,
  source: z.string(),
  objective: z.string(),
  precision: z.enum(['f32', 'f64']),
  summation: z.enum(['f32', 'f64']),
  link: z.enum(['identity', 'logistic', 'exponential', 'softmax']),
  classes: z.nullable(z.strictObject({ labels: z.array(z.string()), rule: ruleSchema })),
  notes: z.array(z.string()),
  features: z.union([count, z.array(z.string())]),
  booleanFeatures: z.array(count),
  questions: z.array(questionSchema),
  outputs: z.array(z.strictObject({ name: z.string(), intercept: z.number() })),
  // Checked by hand, because these lists are the file.
  trees: z.array(z.unknown()),
});

type UncheckedPart = z.infer<typeof partSchema>;

/** A question about a feature: see `TreeCoordinate`. */
export type QuestionPart = {
  readonly feature: number;
  readonly missing: MissingAnswer;
  readonly name?: string | undefined;
} & (
  | { readonly comparison: '>=' | '>'; readonly threshold: number | 'Infinity' | '-Infinity' }
  | { readonly comparison: 'in'; readonly categories: readonly number[] }
);

/** One tree in preorder. */
export interface TreeNodes {
  /** Position in `TreePart.outputs`. */
  readonly output: number;
  /** Positions in `TreePart.questions`; -1 is a leaf. */
  readonly questions: readonly number[];
  /** Values of the leaves, in the order met. */
  readonly leaves: readonly number[];
}

/** The content of "trees" in a file. */
export interface TreePart
  extends Pick<TreeModel, 'source' | 'objective' | 'precision' | 'summation' | 'link' | 'classes' | 'notes'> {
  readonly version: typeof TREES_VERSION;
  readonly form: LeafForm;
  readonly output: number;
  readonly features: number | readonly string[];
  readonly booleanFeatures: readonly number[];
  readonly questions: readonly QuestionPart[];
  readonly outputs: readonly { readonly name: string; readonly intercept: number }[];
  readonly trees: readonly TreeNodes[];
}

/** A model as it is written; `treeModelOf` gives it back exactly, but for the sign of zeros. */
export function treePartOf(model: TreeModel, output: number, form: LeafForm): TreePart {
  const { features, precision, outputs } = model;
  const names = features.map((feature) => feature.name);
  return {
    version: TREES_VERSION,
    form,
    output,
    source: model.source,
    objective: model.objective,
    precision,
    summation: model.summation,
    link: model.link,
    classes: model.classes === null ? null : { labels: [...model.classes.labels], rule: { ...model.classes.rule } },
    notes: [...model.notes],
    features: names.every((one, f) => one === `f${f}`) ? names.length : names,
    booleanFeatures: features.flatMap(({ boolean }, f) => (boolean ? [f] : [])),
    questions: model.coordinates.map((coordinate) => questionPart(coordinate, features, precision)),
    outputs: outputs.map((one) => ({ name: one.name, intercept: one.intercept + 0 })),
    trees: outputs.flatMap(({ trees }, o) => trees.map((tree) => ({ output: o, ...preorder(tree) }))),
  };
}

function questionPart(
  coordinate: TreeCoordinate,
  features: readonly TreeFeature[],
  precision: 'f32' | 'f64',
): QuestionPart {
  const { feature, missing: answer } = coordinate;
  const given =
    coordinate.name === questionName(coordinate, features[feature], precision) ? {} : { name: coordinate.name };
  if (coordinate.comparison === 'in') {
    return { feature, comparison: 'in', categories: [...coordinate.categories], missing: answer, ...given };
  }
  const { comparison } = coordinate;
  const number = coordinate.threshold + 0;
  const written = Number.isFinite(number) ? number : number > 0 ? ('Infinity' as const) : ('-Infinity' as const);
  return { feature, comparison, threshold: written, missing: answer, ...given };
}

function preorder(tree: DecisionTree): Pick<TreeNodes, 'questions' | 'leaves'> {
  const questions: number[] = [];
  const leaves: number[] = [];
  const stack = [tree];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if ('coordinate' in node) {
      questions.push(node.coordinate);
      stack.push(node.yes, node.no);
    } else {
      questions.push(-1);
      // One zero: files do not keep the sign of the other.
      leaves.push(node.value + 0);
    }
  }
  return { questions, leaves };
}

/** The model that is written. Trees must be whole, as `readTreePart` has checked. */
export function treeModelOf(part: TreePart): TreeModel {
  const features = treeFeatures(part);
  const coordinates = part.questions.map((question) => coordinateOf(question, features, part.precision));
  const outputs: TreeEnsemble[] = part.outputs.map((one, o) => ({
    name: one.name,
    coordinates,
    trees: part.trees.flatMap((tree) => (tree.output === o ? [treeOf(tree)] : [])),
    intercept: one.intercept,
  }));
  const { source, objective, precision, summation, link, classes, notes } = part;
  return { source, objective, features, precision, coordinates, outputs, summation, link, classes, notes };
}

function treeFeatures({ features, booleanFeatures }: TreePart): TreeFeature[] {
  const names = typeof features === 'number' ? Array.from({ length: features }, (_, f) => `f${f}`) : features;
  const booleans = new Set(booleanFeatures);
  return names.map((one, f) => ({ name: one, boolean: booleans.has(f) }));
}

function coordinateOf(
  question: QuestionPart,
  features: readonly TreeFeature[],
  precision: 'f32' | 'f64',
): TreeCoordinate {
  const { name: given, feature, missing: answer } = question;
  const asked: Omit<CategoryCoordinate, 'name'> | Omit<ThresholdCoordinate, 'name'> =
    question.comparison === 'in'
      ? { feature, comparison: 'in', categories: question.categories, missing: answer }
      : { feature, comparison: question.comparison, threshold: Number(question.threshold), missing: answer };
  return { name: given ?? questionName(asked, features[feature], precision), ...asked };
}

// From the end, both trees of a question are there before it.
function treeOf({ questions, leaves }: TreeNodes): DecisionTree {
  const stack: DecisionTree[] = [];
  for (let i = questions.length - 1, leaf = leaves.length - 1; i >= 0; i--) {
    if (questions[i] < 0) stack.push({ value: leaves[leaf--] });
    else {
      const no = stack.pop() as DecisionTree;
      const yes = stack.pop() as DecisionTree;
      stack.push({ coordinate: questions[i], no, yes });
    }
  }
  return stack[0];
}

/**
 * Checks what a file has for its trees.
 * @throws FewfireError `network-file` for a newer version or a kind of question that this one does not have, and for
 *   everything that is not as `treePartOf` writes it; `unsupported` for trees too large or too deep
 */
export function readTreePart(data: unknown, label: string): TreePart {
  checkKinds(data, label);
  const parsed = partSchema.safeParse(data);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = ['trees', ...issue.path].join('.');
    throw damaged(label, `${where} is not what a network holds there (${issue.message})`, parsed.error);
  }
  const part = parsed.data;
  checkSizes(part, label);
  const names = typeof part.features === 'number' ? [] : part.features;
  if (new Set(names).size !== names.length) throw damaged(label, 'features share a name');
  part.questions.forEach((question, q) => {
    checkQuestion(question, q, part, label);
  });
  if (part.output >= part.outputs.length) throw damaged(label, `it has no output ${part.output}`);
  checkClasses(part, label);
  if (!part.booleanFeatures.every((f, i, all) => f < featureCount(part) && (i === 0 || f > all[i - 1]))) {
    throw damaged(label, 'booleanFeatures are not positions of features, ascending');
  }
  const trees = part.trees.map((tree, t) => checkTree(tree, part, `tree ${t}`, label));
  return { ...part, trees };
}

// Before everything else, so that a newer file is not called damaged.
function checkKinds(data: unknown, label: string): void {
  const { version, questions } = fieldsOf(data);
  if (typeof version === 'number' && version !== TREES_VERSION) {
    throw new FewfireError(
      'network-file',
      `the trees of ${label} are of version ${version}; this fewfire reads version ${TREES_VERSION}: use the fewfire that wrote them or import the model again`,
    );
  }
  if (!Array.isArray(questions)) return;
  const odd = questions.findIndex((question) => !COMPARISONS.includes(fieldsOf(question).comparison));
  if (odd < 0) return;
  const kind = shown(fieldsOf(questions[odd]).comparison);
  throw new FewfireError(
    'network-file',
    `question ${odd} of ${label} is of the kind ${kind}, which trees of version ${TREES_VERSION} do not have: it needs a fewfire that reads trees of version ${TREES_VERSION + 1} or later, or the file is damaged`,
  );
}

function fieldsOf(value: unknown): { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null ? (value as { readonly [key: string]: unknown }) : {};
}

// A value of the file in a message; not what is in a list, which may be nested without end.
function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  return JSON.stringify(value ?? null).slice(0, 40);
}

function featureCount({ features }: Pick<TreePart, 'features'>): number {
  return typeof features === 'number' ? features : features.length;
}

function checkSizes(part: UncheckedPart, label: string): void {
  const sizes: [number, number, string][] = [
    [part.questions.length, MAX_COORDINATES, 'questions'],
    [featureCount(part), MAX_FEATURES, 'features'],
    [part.outputs.length, MAX_OUTPUTS, 'outputs'],
  ];
  for (const [size, most, what] of sizes) {
    if (size <= most) continue;
    throw new FewfireError(
      'unsupported',
      `${label} has ${size.toLocaleString('en-US')} ${what}, more than the ${most.toLocaleString('en-US')} that are supported`,
    );
  }
  if (part.questions.length === 0) throw damaged(label, 'its trees ask nothing');
}

function checkQuestion(question: QuestionPart, q: number, part: UncheckedPart, label: string): void {
  if (question.feature >= featureCount(part)) {
    throw damaged(label, `question ${q} is about feature ${question.feature}, and there are ${featureCount(part)}`);
  }
  if (question.comparison !== 'in') return;
  const { categories } = question;
  if (categories.length === 0 || categories.some((category, c) => c > 0 && category <= categories[c - 1])) {
    throw damaged(label, `question ${q} has categories that are not different whole numbers, ascending`);
  }
}

function checkClasses({ classes, outputs }: UncheckedPart, label: string): void {
  if (classes === null) return;
  const { rule, labels } = classes;
  const fits = rule.kind === 'largest' ? labels.length === outputs.length : labels.length === 2 && outputs.length === 1;
  if (fits) return;
  throw damaged(label, `it has ${labels.length} classes for ${outputs.length} outputs by the rule ${rule.kind}`);
}

function checkTree(tree: unknown, part: UncheckedPart, what: string, label: string): TreeNodes {
  const { output, questions, leaves, ...rest } = fieldsOf(tree);
  if (!Array.isArray(questions) || !Array.isArray(leaves) || Object.keys(rest).length > 0) {
    throw damaged(label, `${what} is not an output, questions and leaves`);
  }
  if (!isPosition(output, part.outputs.length)) {
    throw damaged(label, `${what} belongs to output ${shown(output)}, and there are ${part.outputs.length}`);
  }
  const odd = leaves.findIndex((value) => !Number.isFinite(value));
  if (odd >= 0) throw damaged(label, `leaf ${odd} of ${what} is ${shown(leaves[odd])}`);
  // How deep the trees are that must still come, the next one last.
  const open = [0];
  let leafCount = 0;
  for (let i = 0; i < questions.length; i++) {
    const depth = open.pop();
    if (depth === undefined) throw damaged(label, `${what} goes on after its end`);
    if (questions[i] === -1) {
      leafCount++;
      continue;
    }
    if (!isPosition(questions[i], part.questions.length)) {
      throw damaged(
        label,
        `node ${i} of ${what} asks question ${shown(questions[i])}, and there are ${part.questions.length}`,
      );
    }
    if (depth >= MAX_DEPTH) {
      throw new FewfireError('unsupported', `${what} of ${label} is deeper than ${MAX_DEPTH} splits`);
    }
    open.push(depth + 1, depth + 1);
  }
  if (open.length > 0) throw damaged(label, `${what} ends before its last question has both answers`);
  if (leafCount !== leaves.length) throw damaged(label, `${what} has ${leaves.length} values for ${leafCount} leaves`);
  return { output, questions, leaves };
}

function isPosition(value: unknown, length: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < length;
}

function damaged(label: string, what: string, cause?: unknown): FewfireError {
  const message = `${label} is damaged or edited: ${what}; expected it as fewfire network import wrote it`;
  return new FewfireError('network-file', message, { cause });
}

/**
 * A model as an ONNX graph (operators of opset 13, and LabelEncoder of ai.onnx.ml 2), computing in doubles. Columns of
 * numbers are inputs of doubles [N, 1], columns of dates too: their seconds since 1970 UTC; NaN is missing. All others
 * are inputs of strings [N, 1]. ONNX cannot raise errors: a row that the other targets refuse or leave out gets NaN and
 * the empty class.
 *
 * A term is the product of a prefix (all its signs but the last) and its last sign. All prefixes are gathered once,
 * multiplied with a matrix prefix x last sign of coefficients, then with the signs and added up: rows x prefixes of
 * memory and not rows x terms.
 */
import { FewfireError } from '../../base/index.ts';
import { doubles, type Field, message, type NodeParts, node, type Tensor, tensorMessage } from '../../formats/index.ts';
import type { ExportColumn, ExportFinish, ExportOutput, ExportPlan } from './plan.ts';

/** Larger files are refused: protobuf, which ONNX files are made of, ends at 2 GB. */
export const ONNX_BYTE_LIMIT = 1_500_000_000;

const DOUBLE = 11;
const INT64 = 7;
const STRING = 8;
const LARGEST = Number.MAX_VALUE;

/** A graph in the making. Names of values are numbered behind `PREFIX`, which inputs never have. */
interface Graph {
  readonly nodes: NodeParts[];
  readonly tensors: Tensor[];
  count: number;
}

const PREFIX = 'fewfire/';

/** @throws FewfireError `unsupported` for a file of more than `ONNX_BYTE_LIMIT` */
export function exportOnnx(plan: ExportPlan): Uint8Array {
  refuseLarge(plan);
  const graph: Graph = { nodes: [], tensors: [], count: 0 };
  const names = inputNames(plan.columns);
  const inputs: Uint8Array[] = [];
  const blocks: SignBlock[] = [];
  const invalid: string[] = [];
  const answers = readAnswers(graph, plan.columns, names);
  plan.columns.forEach((column, k) => {
    const isNumber = column.type === 'number' || column.type === 'date';
    inputs.push(valueInfo(names[k], isNumber ? DOUBLE : STRING, 1));
    const { signs, bad } = isNumber
      ? readNumbers(graph, column, names[k])
      : readTexts(graph, column, names[k], answers.get(column));
    blocks.push(...signs);
    if (bad !== undefined) invalid.push(bad);
  });
  const signs = blocks.sort((a, b) => a.firstBit - b.firstBit).map(({ value }) => value);
  // Position 0 is a constant 1, which fills up short terms.
  const first = apply(graph, 'Expand', [number(graph, 1), apply(graph, 'Shape', [names[0]])]);
  const all = apply(graph, 'Concat', [first, ...signs], { axis: 1 });
  const anyInvalid = invalid.length === 0 ? undefined : invalid.reduce((a, b) => apply(graph, 'Or', [a, b]));
  const values = plan.outputs.map((output) => {
    const value = polynomialValue(graph, output, all);
    return anyInvalid === undefined ? value : apply(graph, 'Where', [anyInvalid, number(graph, Number.NaN), value]);
  });
  const outputs = finishGraph(graph, plan.finish, values);
  return modelMessage(plan, graph, inputs, outputs, names);
}

function refuseLarge({ outputs, bitCount }: ExportPlan): void {
  const bytes = outputs.reduce((sum, output) => sum + prefixesOf(output).size * (bitCount + 1) * 8, 0);
  if (bytes <= ONNX_BYTE_LIMIT) return;
  throw new FewfireError(
    'unsupported',
    `the model would need ${Math.ceil(bytes / 1e6).toLocaleString('en-US')} MB as ONNX; expected at most ${ONNX_BYTE_LIMIT / 1e6} MB: export it to js or python, or fit with a lower \`degree\``,
  );
}

/**
 * The names of the inputs: the columns' own, but for those that are empty, hold NUL or are taken (`prediction`,
 * `probabilities`), which are called `column_<name>`.
 */
function inputNames(columns: readonly ExportColumn[]): string[] {
  const taken = new Set(['', 'prediction', 'probabilities', ...columns.map(({ name }) => name)]);
  return columns.map(({ name }) => {
    const plain = name !== '' && name !== 'prediction' && name !== 'probabilities' && !name.includes('\0');
    if (plain && !name.startsWith(PREFIX)) return name;
    let free = `column_${name.replaceAll('\0', '_')}`;
    while (taken.has(free)) free += '_';
    taken.add(free);
    return free;
  });
}

// ---- building

function apply(
  graph: Graph,
  opType: string,
  inputs: readonly string[],
  attributes: NodeParts['attributes'] = {},
): string {
  const output = `${PREFIX}${graph.count++}`;
  const domain = opType === 'LabelEncoder' ? 'ai.onnx.ml' : '';
  graph.nodes.push({ opType, domain, inputs, outputs: [output], attributes });
  return output;
}

function constant(graph: Graph, dataType: number, dims: readonly number[], fields: readonly Field[]): string {
  const name = `${PREFIX}${graph.count++}`;
  graph.tensors.push({ dataType, dims, name, fields });
  return name;
}

function doubleTensor(graph: Graph, dims: readonly number[], values: ArrayLike<number>): string {
  return constant(graph, DOUBLE, dims, [[9, doubles(values)]]);
}

function number(graph: Graph, value: number): string {
  return doubleTensor(graph, [1, 1], [value]);
}

function integers(graph: Graph, values: readonly number[]): string {
  const raw = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return constant(graph, INT64, [values.length], [[9, raw]]);
}

function integerOne(graph: Graph): string {
  return constant(graph, INT64, [1, 1], [[9, new Uint8Array(BigInt64Array.of(1n).buffer)]]);
}

// ---- from cells to signs

/** Signs [N, bits] of bits that follow each other. */
interface SignBlock {
  readonly firstBit: number;
  readonly value: string;
}

interface ReadColumn {
  readonly signs: readonly SignBlock[];
  /** Whether a row cannot be predicted, bool [N, 1]; undefined when it always can. */
  readonly bad: string | undefined;
}

function signsOf(graph: Graph, isYes: string): string {
  const yes = apply(graph, 'Cast', [isYes], { to: DOUBLE });
  return apply(graph, 'Sub', [number(graph, 1), apply(graph, 'Add', [yes, yes])]);
}

function readNumbers(
  graph: Graph,
  { readings, missing, missingNumbers, missingBits }: ExportColumn,
  given: string,
): ReadColumn {
  // What counts as missing becomes NaN, which is above no threshold.
  const input = missingNumbers.reduce((value, absent) => {
    const isAbsent = apply(graph, 'Equal', [value, number(graph, absent)]);
    return apply(graph, 'Where', [isAbsent, number(graph, Number.NaN), value]);
  }, given);
  const signs: SignBlock[] = [];
  for (const { part, firstBit, codeCount, above, yesNumbers } of readings) {
    if (codeCount === 0) continue;
    const value = part === undefined ? input : part === 'weekday' ? weekday(graph, input) : month(graph, input);
    const cells = Array.from(
      { length: codeCount },
      (_, code) => yesNumbers.find(([, codes]) => codes.includes(code))?.[0],
    );
    const limits = doubleTensor(graph, [1, codeCount], above ?? cells.map((cell) => cell ?? Number.NaN));
    const isYes = apply(graph, above === undefined ? 'Equal' : 'Greater', [value, limits]);
    signs.push({ firstBit, value: signsOf(graph, isYes) });
  }
  const isNumber = apply(graph, 'Equal', [input, input]);
  for (const bit of missingBits) {
    signs.push({ firstBit: bit, value: signsOf(graph, apply(graph, 'Not', [isNumber])) });
  }
  const size = apply(graph, 'Abs', [input]);
  const infinite = apply(graph, 'Greater', [size, number(graph, LARGEST)]);
  const bad = missing === 'no' ? infinite : apply(graph, 'Or', [infinite, apply(graph, 'Not', [isNumber])]);
  return { signs, bad };
}

// Doubles hold all these whole numbers exactly, and their quotients well enough for Floor.
function quotient(graph: Graph, value: string, divisor: number): string {
  return apply(graph, 'Floor', [apply(graph, 'Div', [value, number(graph, divisor)])]);
}

function times(graph: Graph, value: string, factor: number): string {
  return apply(graph, 'Mul', [value, number(graph, factor)]);
}

function plus(graph: Graph, value: string, term: number): string {
  return apply(graph, 'Add', [value, number(graph, term)]);
}

function remainder(graph: Graph, value: string, divisor: number): string {
  return apply(graph, 'Sub', [value, times(graph, quotient(graph, value, divisor), divisor)]);
}

// Monday is 0.
function weekday(graph: Graph, seconds: string): string {
  return remainder(graph, plus(graph, quotient(graph, seconds, 86_400), 3), 7);
}

// January is 1. Years begin in March here, so that the day of February 29 is the last of one; 400 years are a cycle.
function month(graph: Graph, seconds: string): string {
  const day = remainder(graph, plus(graph, quotient(graph, seconds, 86_400), 719_468), 146_097);
  const leapless = [1460, -36_524, 146_096].reduce((sum, days) => {
    const count = quotient(graph, day, Math.abs(days));
    return apply(graph, days > 0 ? 'Sub' : 'Add', [sum, count]);
  }, day);
  const year = quotient(graph, leapless, 365);
  const before = [times(graph, year, 365), quotient(graph, year, 4)].reduce((a, b) => apply(graph, 'Add', [a, b]));
  const firstDay = apply(graph, 'Sub', [before, quotient(graph, year, 100)]);
  const dayOfYear = apply(graph, 'Sub', [day, firstDay]);
  const fromMarch = quotient(graph, plus(graph, times(graph, dayOfYear, 5), 2), 153);
  return plus(graph, remainder(graph, plus(graph, fromMarch, 2), 12), 1);
}

// A text is looked up: row 0 of the table is for what has not been seen, row 1 for missing cells.
function readTexts(
  graph: Graph,
  { readings: [{ firstBit, codeCount, words, yesTexts }], missing, missingTexts, missingBits }: ExportColumn,
  input: string,
  answer: string | undefined,
): ReadColumn {
  const rows: readonly (readonly number[])[] = words === undefined ? yesTexts.map(([, codes]) => codes) : [[0]];
  const id =
    answer ??
    lookUp(
      graph,
      input,
      missingTexts,
      yesTexts.map(([text]) => [text]),
    );
  const width = codeCount + missingBits.length;
  const rowCount = rows.length + 2;
  const table = new Float64Array(rowCount * width).fill(1);
  rows.forEach((codes, i) => {
    for (const code of codes) table[(i + 2) * width + code] = -1;
  });
  for (const bit of missingBits) table[width + bit - firstBit] = -1;
  const flat = apply(graph, 'Reshape', [id, integers(graph, [-1])]);
  const value = (): string =>
    apply(graph, 'Gather', [doubleTensor(graph, [rowCount, width], table), flat], { axis: 0 });
  // A constant that no node uses makes ONNX Runtime complain.
  return {
    signs: width === 0 ? [] : [{ firstBit, value: value() }],
    bad: missing === 'no' ? undefined : apply(graph, 'Equal', [id, integerOne(graph)]),
  };
}

// 1 for the missing texts, i + 2 for those of group i, 0 for all others.
function lookUp(
  graph: Graph,
  input: string,
  missing: readonly string[],
  groups: readonly (readonly string[])[],
): string {
  const ids = new Map<string, number>();
  groups.forEach((texts, i) => {
    for (const text of texts) ids.set(text, i + 2);
  });
  for (const text of ['', ...missing]) ids.set(text, 1);
  return apply(graph, 'LabelEncoder', [input], {
    keys_strings: [...ids.keys()],
    values_int64s: { ints: [...ids.values()] },
    default_int64: 0,
  });
}

/**
 * What `readTexts` looks up, for columns that compare with words in any letter case. ONNX has no operator for letter case
 * that all runtimes have alike, so the words are listed in all of them, once for all columns.
 */
function readAnswers(
  graph: Graph,
  columns: readonly ExportColumn[],
  names: readonly string[],
): ReadonlyMap<ExportColumn, string> {
  const groups = new Map<string, number[]>();
  columns.forEach(({ missingTexts, readings: [{ words }] }, k) => {
    if (words === undefined) return;
    const key = JSON.stringify([words, missingTexts]);
    groups.set(key, [...(groups.get(key) ?? []), k]);
  });
  const found = new Map<ExportColumn, string>();
  for (const members of groups.values()) {
    const { missingTexts, readings } = columns[members[0]];
    const words = (readings[0].words as readonly string[]).flatMap(letterCases);
    const inputs = members.map((k) => names[k]);
    const joined = inputs.length === 1 ? inputs[0] : apply(graph, 'Concat', inputs, { axis: 1 });
    const ids = lookUp(graph, joined, missingTexts, [words]);
    members.forEach((k, j) => {
      const id = inputs.length === 1 ? ids : apply(graph, 'Gather', [ids, integers(graph, [j])], { axis: 1 });
      found.set(columns[k], id);
    });
  }
  return found;
}

function letterCases(word: string): string[] {
  let all = [''];
  for (const letter of word) {
    const cases = [...new Set([letter, letter.toUpperCase()])].filter((each) => each.toLowerCase() === letter);
    all = all.flatMap((begin) => cases.map((each) => begin + each));
  }
  return all;
}

// ---- from signs to values

interface Prefix {
  readonly members: readonly number[];
  readonly row: number;
  readonly last: Map<number, number>;
}

// Positions are shifted by one, and terms filled up with position 0, so that all prefixes are of one length.
function prefixesOf(output: ExportOutput): Map<string, Prefix> {
  const length = Math.max(0, ...output.map(({ size }) => size - 1));
  const prefixes = new Map<string, Prefix>();
  for (const { size, coefficients, members } of output) {
    coefficients.forEach((coefficient, t) => {
      const term = members.slice(t * size, (t + 1) * size).map((bit) => bit + 1);
      const last = term.pop() ?? 0;
      const key = term.join(' ');
      let prefix = prefixes.get(key);
      if (prefix === undefined) {
        const filled = [...new Array<number>(length - term.length).fill(0), ...term];
        prefix = { members: filled, row: prefixes.size, last: new Map() };
        prefixes.set(key, prefix);
      }
      prefix.last.set(last, coefficient);
    });
  }
  return prefixes;
}

// `all` is [N, 1 + bits]; gives [N, 1].
function polynomialValue(graph: Graph, output: ExportOutput, all: string): string {
  const prefixes = [...prefixesOf(output).values()];
  if (prefixes.length === 0) prefixes.push({ members: [], row: 0, last: new Map([[0, 0]]) });
  const lasts = [...new Set(prefixes.flatMap(({ last }) => [...last.keys()]))].sort((a, b) => a - b);
  const column = new Map(lasts.map((last, j) => [last, j]));
  const matrix = new Float64Array(prefixes.length * lasts.length);
  for (const { row, last } of prefixes) {
    for (const [position, coefficient] of last)
      matrix[row * lasts.length + (column.get(position) as number)] = coefficient;
  }
  const place = (j: number): string =>
    apply(
      graph,
      'Gather',
      [
        all,
        integers(
          graph,
          prefixes.map(({ members }) => members[j]),
        ),
      ],
      { axis: 1 },
    );
  const length = prefixes[0].members.length;
  let products = length === 0 ? apply(graph, 'Gather', [all, integers(graph, [0])], { axis: 1 }) : place(0);
  for (let j = 1; j < length; j++) products = apply(graph, 'Mul', [products, place(j)]);
  const sums = apply(graph, 'MatMul', [products, doubleTensor(graph, [prefixes.length, lasts.length], matrix)]);
  const signs = apply(graph, 'Gather', [all, integers(graph, lasts)], { axis: 1 });
  return apply(graph, 'ReduceSum', [apply(graph, 'Mul', [sums, signs]), integers(graph, [1])], { keepdims: 1 });
}

// ---- from values to predictions

interface GraphOutputs {
  readonly prediction: string;
  readonly probabilities: string | undefined;
}

function finishGraph(graph: Graph, finish: ExportFinish, values: readonly string[]): GraphOutputs {
  if (finish.kind === 'number') {
    const [value] = values;
    if (!finish.exponential) return { prediction: value, probabilities: undefined };
    const scaled = apply(graph, 'Mul', [apply(graph, 'Exp', [value]), number(graph, finish.factor)]);
    // NaN, which is not beyond, stays.
    const isBeyond = apply(graph, 'Greater', [scaled, number(graph, LARGEST)]);
    const prediction = apply(graph, 'Where', [isBeyond, number(graph, LARGEST), scaled]);
    return { prediction, probabilities: undefined };
  }
  const chances = finish.curves.map(({ slope, intercept }, k) => {
    const score = apply(graph, 'Add', [
      apply(graph, 'Mul', [apply(graph, 'Neg', [values[k]]), number(graph, slope)]),
      number(graph, intercept),
    ]);
    const odds = apply(graph, 'Exp', [apply(graph, 'Neg', [score])]);
    return apply(graph, 'Div', [number(graph, 1), apply(graph, 'Add', [odds, number(graph, 1)])]);
  });
  const { probabilities, best } =
    finish.kind === 'two-classes' ? twoClasses(graph, chances[0]) : manyClasses(graph, chances);
  // NaN is not equal to itself: of such rows the class is -1, which has no name.
  const [some] = chances;
  const valid = apply(graph, 'Cast', [apply(graph, 'Equal', [some, some])], { to: INT64 });
  const one = integerOne(graph);
  const shifted = apply(graph, 'Sub', [apply(graph, 'Mul', [apply(graph, 'Add', [best, one]), valid]), one]);
  const prediction = apply(graph, 'LabelEncoder', [shifted], {
    keys_int64s: { ints: finish.classes.map((_, k) => k) },
    values_strings: finish.classes,
    default_string: '',
  });
  return { prediction, probabilities };
}

function twoClasses(graph: Graph, chance: string): { probabilities: string; best: string } {
  const other = apply(graph, 'Sub', [number(graph, 1), chance]);
  const isFirst = apply(graph, 'Greater', [chance, number(graph, 0.5)]);
  const best = apply(graph, 'Cast', [apply(graph, 'Not', [isFirst])], { to: INT64 });
  return { probabilities: apply(graph, 'Concat', [chance, other], { axis: 1 }), best };
}

function manyClasses(graph: Graph, chances: readonly string[]): { probabilities: string; best: string } {
  const all = apply(graph, 'Concat', chances, { axis: 1 });
  const total = apply(graph, 'ReduceSum', [all, integers(graph, [1])], { keepdims: 1 });
  const vanished = apply(graph, 'Equal', [total, number(graph, 0)]);
  const equal = number(graph, 1 / chances.length);
  const probabilities = apply(graph, 'Where', [vanished, equal, apply(graph, 'Div', [all, total])]);
  return { probabilities, best: apply(graph, 'ArgMax', [probabilities], { axis: 1, keepdims: 1 }) };
}

// ---- the file

function valueInfo(name: string, elementType: number, width: number): Uint8Array {
  const shape = message([1, message([2, 'N'])], [1, message([1, width])]);
  return message([1, name], [2, message([1, message([1, elementType], [2, shape])])]);
}

function modelMessage(
  plan: ExportPlan,
  graph: Graph,
  inputs: readonly Uint8Array[],
  { prediction, probabilities }: GraphOutputs,
  names: readonly string[],
): Uint8Array {
  const { finish } = plan;
  const classes = finish.kind === 'number' ? [] : finish.classes;
  const outputs = [valueInfo('prediction', finish.kind === 'number' ? DOUBLE : STRING, 1)];
  graph.nodes.push({ opType: 'Identity', inputs: [prediction], outputs: ['prediction'] });
  if (probabilities !== undefined) {
    graph.nodes.push({ opType: 'Identity', inputs: [probabilities], outputs: ['probabilities'] });
    outputs.push(valueInfo('probabilities', DOUBLE, classes.length));
  }
  const notes = plan.provenance.join('\n');
  const graphMessage = message(
    ...graph.nodes.map((parts): Field => [1, node(parts)]),
    [2, plan.name === '' ? 'model' : plan.name],
    ...graph.tensors.map((tensor): Field => [5, tensorMessage(tensor)]),
    ...inputs.map((input): Field => [11, input]),
    ...outputs.map((output): Field => [12, output]),
  );
  const metadata = {
    columns: JSON.stringify(plan.columns.map(({ name }) => name)),
    inputs: JSON.stringify(names),
    classes: JSON.stringify(classes),
  };
  return message(
    [1, 7],
    [2, 'fewfire'],
    [3, plan.version],
    [6, notes],
    [7, graphMessage],
    [8, message([1, ''], [2, 13])],
    [8, message([1, 'ai.onnx.ml'], [2, 2])],
    ...Object.entries(metadata).map(([key, value]): Field => [14, message([1, key], [2, value])]),
  );
}

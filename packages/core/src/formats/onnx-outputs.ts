/**
 * Inner values of a model as its outputs; all else of the file stays as it is, byte by byte.
 *
 * Values of its own graph become outputs by bytes added behind the file: protobuf merges a field that comes twice, so a second
 * `graph` that holds nothing but outputs adds these to the first, and nothing needs to be written anew.
 *
 * Of those inside the branches of If, a branch can only hand out what the If hands out, and both branches must hand out as much:
 * so a value of the one becomes an output of its branch and of the If, and the other branch gives an empty tensor in its place.
 */
import { bytesOf, forEachField, textOf } from './onnx.ts';
import { concat, type Field, message } from './onnx-writer.ts';

/**
 * The bytes of the model with values of its graph as further outputs, for an ONNX runtime: they are appended, as
 * protobuf allows, which `readOnnxModel` does not read.
 * @param model the bytes of an .onnx file
 * @param names of the values
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { findMlpBlocks, readOnnxModel } from '@fewfire/core';
 * import { withOutputs } from '@fewfire/node';
 *
 * const bytes = await readFile('examples/charlm-relu.onnx');
 * const model = readOnnxModel(bytes, 'charlm-relu.onnx');
 * const [block] = findMlpBlocks(model).blocks;
 * console.log(withOutputs(bytes, [block.inputValue]).length > bytes.length); // true
 * ```
 */
export function withOutputs(model: Uint8Array, names: readonly string[]): Uint8Array {
  const outputs = names.map((name): Field => [12, message([1, name])]);
  return concat([model, message([7, message(...outputs)])]);
}

/** A branch of an If. */
export interface OnnxBranch {
  /** The first output of the If, in the graph that it stands in. */
  readonly node: string;
  /** `then_branch` or `else_branch`. */
  readonly branch: string;
}

/** A value inside of branches. */
export interface InnerValue {
  /** From the graph of the model inwards. */
  readonly path: readonly OnnxBranch[];
  readonly value: string;
  /** Of its numbers: 1 float, 10 float16, ... */
  readonly elementType: number;
}

/** What an inner value is called among the values of the model. */
export function innerName({ path, value }: Pick<InnerValue, 'path' | 'value'>): string {
  return [...path.flatMap(({ node, branch }) => [node, branch]), value].join('/');
}

/**
 * The model with these values as values of its own graph, called by `innerName`.
 * @throws FewfireError `model-file` for a damaged file
 */
export function exposeInnerValues(
  model: Uint8Array,
  values: readonly InnerValue[],
  label = 'the ONNX model',
): Uint8Array {
  if (values.length === 0) return model;
  const distinct = [...new Map(values.map((value) => [innerName(value), value])).values()];
  const parts: Uint8Array[] = [];
  forEachField(model, label, (field, whole) => {
    parts.push(field.id === 7 ? message([7, rewriteGraph(bytesOf(field, label), distinct, 0, label)]) : whole);
  });
  return concat(parts);
}

// Of the values, those that stand deeper than this graph, at the place `depth` of their paths.
function rewriteGraph(graph: Uint8Array, values: readonly InnerValue[], depth: number, label: string): Uint8Array {
  const parts: Uint8Array[] = [];
  forEachField(graph, label, (field, whole) => {
    const node = field.id === 1 ? bytesOf(field, label) : undefined;
    const output = node && firstOutput(node, label);
    const inside = output === undefined ? [] : values.filter(({ path }) => path[depth]?.node === output);
    if (node === undefined || inside.length === 0) parts.push(whole);
    else parts.push(message([1, rewriteNode(node, inside, depth, label)]));
  });
  return concat(parts);
}

function firstOutput(node: Uint8Array, label: string): string | undefined {
  let output: string | undefined;
  forEachField(node, label, (field) => {
    if (field.id === 2) output ??= textOf(bytesOf(field, label));
  });
  return output;
}

function rewriteNode(node: Uint8Array, values: readonly InnerValue[], depth: number, label: string): Uint8Array {
  const parts: Uint8Array[] = [];
  forEachField(node, label, (field, whole) => {
    if (field.id !== 5) {
      parts.push(whole);
      return;
    }
    const attribute: Uint8Array[] = [];
    let name = '';
    let graph: Uint8Array | undefined;
    forEachField(bytesOf(field, label), label, (entry, all) => {
      if (entry.id === 1) name = textOf(bytesOf(entry, label));
      if (entry.id === 6) graph = bytesOf(entry, label);
      else attribute.push(all);
    });
    if (graph === undefined) parts.push(whole);
    else
      parts.push(message([5, concat([...attribute, message([6, rewriteBranch(graph, name, values, depth, label)])])]));
  });
  return concat([...parts, ...values.map((value) => message([2, innerName(value)]))]);
}

function rewriteBranch(
  graph: Uint8Array,
  branch: string,
  values: readonly InnerValue[],
  depth: number,
  label: string,
): Uint8Array {
  const own = values.filter(({ path }) => path[depth].branch === branch);
  const parts = [rewriteGraph(graph, own, depth + 1, label)];
  for (const value of values) {
    const name = innerName(value);
    // A copy, because the value may be an output of the branch already.
    const output = `${name} in ${branch}`;
    if (!own.includes(value)) parts.push(emptyConstant(output, value.elementType));
    else parts.push(copy(value.path.length === depth + 1 ? value.value : name, output));
    parts.push(message([12, message([1, output])]));
  }
  return concat(parts);
}

function copy(input: string, output: string): Uint8Array {
  return message([1, message([1, input], [2, output], [4, 'Identity'])]);
}

// A node that makes a tensor without numbers.
function emptyConstant(output: string, elementType: number): Uint8Array {
  const tensor = message([1, 0], [2, elementType], [9, new Uint8Array(0)]);
  const attribute = message([1, 'value'], [5, tensor], [20, 4]);
  return message([1, message([2, output], [4, 'Constant'], [5, attribute])]);
}

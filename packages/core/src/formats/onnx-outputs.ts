/**
 * Values inside the branches of If as outputs of the model. A branch can only hand out what the If hands out, and both
 * branches must hand out as much: so a value of the one becomes an output of its branch and of the If, and the other
 * branch gives an empty tensor in its place. All else of the file stays as it is, byte by byte.
 */
import { bytesOf, forEachField, textOf } from './onnx.ts';

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
    parts.push(field.id === 7 ? message(7, rewriteGraph(bytesOf(field, label), distinct, 0, label)) : whole);
  });
  return joined(parts);
}

// Of the values, those that stand deeper than this graph, at the place `depth` of their paths.
function rewriteGraph(graph: Uint8Array, values: readonly InnerValue[], depth: number, label: string): Uint8Array {
  const parts: Uint8Array[] = [];
  forEachField(graph, label, (field, whole) => {
    const node = field.id === 1 ? bytesOf(field, label) : undefined;
    const output = node && firstOutput(node, label);
    const inside = output === undefined ? [] : values.filter(({ path }) => path[depth]?.node === output);
    if (node === undefined || inside.length === 0) parts.push(whole);
    else parts.push(message(1, rewriteNode(node, inside, depth, label)));
  });
  return joined(parts);
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
    else parts.push(message(5, joined([...attribute, message(6, rewriteBranch(graph, name, values, depth, label))])));
  });
  return joined([...parts, ...values.map((value) => message(2, text(innerName(value))))]);
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
    parts.push(message(12, message(1, text(output))));
  }
  return joined(parts);
}

function copy(input: string, output: string): Uint8Array {
  return message(1, joined([message(1, text(input)), message(2, text(output)), message(4, text('Identity'))]));
}

// A node that makes a tensor without numbers.
function emptyConstant(output: string, elementType: number): Uint8Array {
  const tensor = joined([integer(1, 0), integer(2, elementType), message(9, new Uint8Array(0))]);
  const attribute = joined([message(1, text('value')), message(5, tensor), integer(20, 4)]);
  return message(1, joined([message(2, text(output)), message(4, text('Constant')), message(5, attribute)]));
}

function message(id: number, content: Uint8Array): Uint8Array {
  return joined([varint(id * 8 + 2), varint(content.length), content]);
}

function integer(id: number, value: number): Uint8Array {
  return joined([varint(id * 8), varint(value)]);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  bytes.push(value);
  return Uint8Array.from(bytes);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

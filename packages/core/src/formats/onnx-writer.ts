/** Writes ONNX files: the protobuf wire format and the messages a graph is made of, as `onnx.ts` reads them. */

/** A field: a whole number as a varint, text or bytes with a length, or something already encoded. */
export type Field = readonly [id: number, value: number | string | Uint8Array];

export function message(...fields: readonly Field[]): Uint8Array {
  return concat(
    fields.flatMap(([id, value]) => {
      if (typeof value === 'number') return [varint(id * 8), varint(value)];
      const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
      return [varint(id * 8 + 2), varint(bytes.length), bytes];
    }),
  );
}

/** Negative numbers take ten bytes, as 64-bit two's complement. */
export function varint(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export function floats(values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

export function doubles(values: ArrayLike<number>): Uint8Array {
  return new Uint8Array(Float64Array.from(values).buffer);
}

export interface Tensor {
  readonly dataType: number;
  readonly dims: readonly number[];
  /** Default `t`. */
  readonly name?: string;
  readonly fields: readonly Field[];
}

export function tensorMessage(tensor: Tensor): Uint8Array {
  return message(
    ...tensor.dims.map((size): Field => [1, size]),
    [2, tensor.dataType],
    [8, tensor.name ?? 't'],
    ...tensor.fields,
  );
}

export type AttributeValue = number | string | readonly string[] | { readonly ints: readonly number[] } | AttributeList;
type AttributeList = { readonly float: number } | { readonly floats: readonly number[] } | { readonly tensor: Tensor };

function attribute(name: string, value: AttributeValue): Uint8Array {
  if (typeof value === 'number') return message([1, name], [3, value], [20, 2]);
  if (typeof value === 'string') return message([1, name], [4, value], [20, 3]);
  if ('float' in value) return concat([message([1, name], [20, 1]), varint(2 * 8 + 5), floats([value.float])]);
  if ('ints' in value) return message([1, name], [8, concat(value.ints.map(varint))], [20, 7]);
  if ('floats' in value) return message([1, name], [7, floats(value.floats)], [20, 6]);
  if ('tensor' in value) return message([1, name], [5, tensorMessage(value.tensor)], [20, 4]);
  return message([1, name], ...value.map((text): Field => [9, text]), [20, 8]);
}

export interface NodeParts {
  readonly name?: string;
  readonly opType: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: { readonly [name: string]: AttributeValue };
}

export function node(parts: NodeParts): Uint8Array {
  return message(
    ...parts.inputs.map((name): Field => [1, name]),
    ...parts.outputs.map((name): Field => [2, name]),
    [3, parts.name ?? ''],
    [4, parts.opType],
    ...Object.entries(parts.attributes ?? {}).map(([name, value]): Field => [5, attribute(name, value)]),
    [7, parts.domain ?? ''],
  );
}

/** The ONNX writer of the sources, and the small models that tests make with it. */
import {
  type Field,
  floats,
  message,
  type NodeParts,
  node,
  type Tensor,
  tensorMessage,
} from '../src/formats/onnx-writer.ts';

export * from '../src/formats/onnx-writer.ts';

/** A model with one input `X` of the element type (1 float, 11 double) and width. */
export function model(nodes: readonly NodeParts[], elementType = 1, width?: number): Uint8Array {
  const dim = width === undefined ? message([2, 'C']) : message([1, width]);
  const shape = message([1, message([2, 'N'])], [1, dim]);
  const input = message([1, 'X'], [2, message([1, message([1, elementType], [2, shape])])]);
  const graph = message(...nodes.map((parts): Field => [1, node(parts)]), [2, 'g'], [11, input]);
  const opset = message([1, 'ai.onnx.ml'], [2, 3]);
  return message([1, 8], [2, 'tests'], [7, graph], [8, opset]);
}

export interface GraphParts {
  readonly nodes: readonly NodeParts[];
  readonly initializers?: readonly Tensor[];
  /** Element type (1 float, 7 int64) and lengths; a text is one that is not fixed. */
  readonly inputs: readonly {
    readonly name: string;
    readonly type: number;
    readonly dims: readonly (number | string)[];
  }[];
  readonly outputs: readonly string[];
  /** Version of the standard operators; 17 unless given. */
  readonly opset?: number;
}

/** A model that a runtime can run. */
export function runnableModel({ nodes, initializers = [], inputs, outputs, opset = 17 }: GraphParts): Uint8Array {
  const graph = message(
    ...nodes.map((parts): Field => [1, node(parts)]),
    [2, 'g'],
    ...initializers.map((tensor): Field => [5, tensorMessage(tensor)]),
    ...inputs.map(({ name, type, dims }): Field => {
      const shape = message(
        ...dims.map((size): Field => [1, message(typeof size === 'number' ? [1, size] : [2, size])]),
      );
      return [11, message([1, name], [2, message([1, message([1, type], [2, shape])])])];
    }),
    ...outputs.map((name): Field => [12, message([1, name])]),
  );
  return message([1, 8], [2, 'tests'], [7, graph], [8, message([1, ''], [2, opset])]);
}

/** A float tensor of a graph. */
export function floatTensor(name: string, dims: readonly number[], values: readonly number[]): Tensor {
  return { name, dataType: 1, dims, fields: [[9, floats(values)]] };
}

/** An int64 tensor of a graph. */
export function integerTensor(name: string, values: readonly number[]): Tensor {
  const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return { name, dataType: 7, dims: [values.length], fields: [[9, bytes]] };
}

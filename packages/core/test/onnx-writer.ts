/** The ONNX writer of the sources, and the small models that tests make with it. */
import { type Field, message, type NodeParts, node } from '../src/model/export/onnx-writer.ts';

export * from '../src/model/export/onnx-writer.ts';

/** A model with one input `X` of the element type (1 float, 11 double) and width. */
export function model(nodes: readonly NodeParts[], elementType = 1, width?: number): Uint8Array {
  const dim = width === undefined ? message([2, 'C']) : message([1, width]);
  const shape = message([1, message([2, 'N'])], [1, dim]);
  const input = message([1, 'X'], [2, message([1, message([1, elementType], [2, shape])])]);
  const graph = message(...nodes.map((parts): Field => [1, node(parts)]), [2, 'g'], [11, input]);
  const opset = message([1, 'ai.onnx.ml'], [2, 3]);
  return message([1, 8], [2, 'tests'], [7, graph], [8, opset]);
}

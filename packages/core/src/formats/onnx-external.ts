/**
 * Tensors of an ONNX model whose numbers are in other files, as exporters write large models. The files are read
 * elsewhere; here it is said which they are, and their bytes are given to the tensors. What the model says of places and
 * lengths is not believed before it has been compared with the files.
 */
import { FewfireError } from '../base/index.ts';
import { elementByteCount, type OnnxAttribute, type OnnxGraph, type OnnxModel, type OnnxTensor } from './onnx.ts';

/** The files that tensors of the model are in, in the order of the model, as it names them. */
export function externalLocations(model: OnnxModel, label = 'the ONNX model'): string[] {
  const locations = new Set<string>();
  mapTensors(model.graph, (tensor) => {
    if (tensor.external) locations.add(locationOf(tensor, label));
    return tensor;
  });
  return [...locations];
}

/**
 * The model with the numbers of such tensors.
 * @param files the bytes of every file of `externalLocations`
 * @throws FewfireError `model-file` where a tensor is not inside of its file, or has another length than its dims
 */
export function withExternalData(
  model: OnnxModel,
  files: ReadonlyMap<string, Uint8Array>,
  label = 'the ONNX model',
): OnnxModel {
  const graph = mapTensors(model.graph, (tensor) => {
    if (!tensor.external) return tensor;
    const location = locationOf(tensor, label);
    const bytes = files.get(location);
    if (bytes === undefined)
      throw damaged(tensor, label, `is in the file ${JSON.stringify(location)}, which was not given`);
    return { ...tensor, external: false, outside: partOf(tensor, bytes, label) };
  });
  return { ...model, graph };
}

function locationOf(tensor: OnnxTensor, label: string): string {
  const location = tensor.place.get('location') ?? '';
  if (location === '') throw damaged(tensor, label, 'is in another file and does not say which');
  return location;
}

function partOf(tensor: OnnxTensor, bytes: Uint8Array, label: string): Uint8Array {
  const whole = (key: string): number | undefined => {
    const text = tensor.place.get(key);
    if (text === undefined) return undefined;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isNaN(value)) {
      throw damaged(tensor, label, `has the ${key} ${JSON.stringify(text.slice(0, 40))}, expected a whole number`);
    }
    return value;
  };
  const each = elementByteCount(tensor.dataType);
  const expected = each === undefined ? undefined : each * tensor.dims.reduce((product, size) => product * size, 1);
  const offset = whole('offset') ?? 0;
  const length = whole('length') ?? expected ?? bytes.length - offset;
  if (expected !== undefined && length !== expected) {
    throw damaged(
      tensor,
      label,
      `has the dims [${tensor.dims.join(', ')}], which take ${expected} bytes, and states ${length}`,
    );
  }
  if (offset + length > bytes.length) {
    throw damaged(
      tensor,
      label,
      `has the bytes ${offset} to ${offset + length} of ${JSON.stringify(locationOf(tensor, label))}, which has ${bytes.length}: it is cut off or of another model`,
    );
  }
  return bytes.subarray(offset, offset + length);
}

function mapTensors(graph: OnnxGraph, change: (tensor: OnnxTensor) => OnnxTensor): OnnxGraph {
  return {
    ...graph,
    initializers: graph.initializers.map(change),
    nodes: graph.nodes.map((node) => {
      const attributes = [...node.attributes.values()];
      if (attributes.every(({ tensor, graph: inner }) => tensor === undefined && inner === undefined)) return node;
      const changed = attributes.map(
        (attribute): OnnxAttribute => ({
          ...attribute,
          tensor: attribute.tensor && change(attribute.tensor),
          graph: attribute.graph && mapTensors(attribute.graph, change),
        }),
      );
      return { ...node, attributes: new Map(changed.map((attribute) => [attribute.name, attribute])) };
    }),
  };
}

function damaged(tensor: OnnxTensor, label: string, what: string): FewfireError {
  return new FewfireError(
    'model-file',
    `${label}: tensor ${JSON.stringify(tensor.name)} ${what}; save the model again`,
  );
}

export * from './half.ts';
export { parseNpy } from './npy.ts';
export type { ChooseArrays, NumberArray } from './number-array.ts';
export {
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
  readOnnxModel,
  tensorNumbers,
} from './onnx.ts';
export { externalLocations, withExternalData } from './onnx-external.ts';
export { exposeInnerValues, type InnerValue, innerName, type OnnxBranch, withOutputs } from './onnx-outputs.ts';
export * from './onnx-values.ts';
export { doubles, type Field, message, type NodeParts, node, type Tensor, tensorMessage } from './onnx-writer.ts';
export {
  expectTensor,
  type FloatTensor,
  parseSafetensors,
  parseSafetensorsArrays,
  type TensorOptions,
} from './safetensors.ts';
export { isUbjson, readUbjson } from './ubjson.ts';

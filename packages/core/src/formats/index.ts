export * from './container.ts';
export * from './half.ts';
export { parseNpy } from './npy.ts';
export { type ChooseArrays, decodeNumbers, type NumberArray } from './number-array.ts';
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
  findTensorGap,
  parseSafetensors,
  parseSafetensorsArrays,
  readSafetensorsFrame,
  type TensorBytes,
  type TensorOptions,
  writeSafetensors,
} from './safetensors.ts';
export { isUbjson, readUbjson } from './ubjson.ts';

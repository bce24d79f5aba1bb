/** fewfire on Node: tables over files, tensors from files, models run, and files written whole or not at all. */
export type { CountedPlace } from './count-zeros.ts';
export type { TextEncoding } from './encoding.ts';
export { type ExternalFile, findExternalFiles, readExternalFiles } from './external-data.ts';
export {
  checkFileSize,
  type FileContent,
  readFileBytes,
  readFileChunks,
  readTextFile,
  sha256File,
  type WriteOptions,
  writeFileAtomic,
} from './files.ts';
export { createHighsSolver } from './highs-solver.ts';
export { type BatchPlan, matchArrays, planBatches, readInputArrays, unusedNote } from './model-inputs.ts';
export { parseNpy, parseNpz } from './npy.ts';
export type { ChooseArrays, NumberArray } from './number-array.ts';
export {
  type CapturedValue,
  type ModelInput,
  type OnnxRunner,
  openOnnxRunner,
  withOutputs,
} from './onnx-runner.ts';
export { type FileTable, type OpenTableOptions, openTable, type Provenance } from './open-table.ts';
export {
  type ObservedBlock,
  type OnnxActivity,
  type OnnxActivityOptions,
  observeOnnxBlocks,
} from './profile-onnx.ts';
export type { SampleDependence } from './row-check.ts';
export {
  expectTensor,
  type FloatTensor,
  parseSafetensors,
  parseSafetensorsArrays,
  type ReadTensorOptions,
  readSafetensors,
} from './safetensors.ts';
export { blockTensorNames, safetensorsBlocks } from './safetensors-blocks.ts';
export type { SourceFormat } from './source.ts';
export { sourceFiles } from './source-files.ts';
export { csvChunks, csvParts, type OutputColumn, type OutputParts, writeTable } from './write-table.ts';

/**
 * fewfire on Node: tables over files, tensors from files, models run, and files written whole or not at all.
 * @module
 */
export {
  type ChooseArrays,
  expectTensor,
  type FloatTensor,
  type NumberArray,
  parseNpy,
  parseSafetensors,
  parseSafetensorsArrays,
  withOutputs,
} from '@fewfire/core/internal';
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
export type { CountedPlace } from './models/count-zeros.ts';
export { type ExternalFile, findExternalFiles, readExternalFiles } from './models/external-data.ts';
export { type BatchPlan, matchArrays, planBatches, readInputArrays, unusedNote } from './models/model-inputs.ts';
export { parseNpz } from './models/npz.ts';
export {
  type CapturedValue,
  type ModelInput,
  type OnnxRunner,
  openOnnxRunner,
} from './models/onnx-runner.ts';
export {
  type ModelProfile,
  type ProfiledBlock,
  type ProfiledPlace,
  type ProfileModelOptions,
  profileModel,
} from './models/profile-model.ts';
export {
  type ObservedBlock,
  type OnnxActivity,
  type OnnxActivityOptions,
  observeOnnxBlocks,
} from './models/profile-onnx.ts';
export { type ReadTensorOptions, readSafetensors } from './models/read-safetensors.ts';
export type { SampleDependence } from './models/row-check.ts';
export { blockTensorNames, safetensorsBlocks } from './models/safetensors-blocks.ts';
export type { TextEncoding } from './tables/encoding.ts';
export { type FileTable, type OpenTableOptions, openTable, type Provenance } from './tables/open-table.ts';
export type { SourceFormat } from './tables/source.ts';
export { sourceFiles } from './tables/source-files.ts';
export { csvChunks, csvParts, type OutputColumn, type OutputParts, writeTable } from './tables/write-table.ts';

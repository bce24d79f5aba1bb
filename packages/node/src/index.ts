/** fewfire on Node: tables over files, tensors from files, and files written whole or not at all. */
export {
  type FileContent,
  readFileChunks,
  readTextFile,
  sha256File,
  type WriteOptions,
  writeFileAtomic,
} from './files.ts';
export { createHighsSolver } from './highs-solver.ts';
export { type FileTable, type OpenTableOptions, openTable, type Provenance } from './open-table.ts';
export {
  expectTensor,
  type FloatTensor,
  parseSafetensors,
  type ReadTensorOptions,
  readSafetensors,
} from './safetensors.ts';
export type { SourceFormat } from './source.ts';
export { csvChunks, type OutputColumn, writeTable } from './write-table.ts';

/** fewfire on Node: tables over files, and files written whole or not at all. */
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
export type { SourceFormat } from './source.ts';
export { csvChunks, type OutputColumn, writeTable } from './write-table.ts';

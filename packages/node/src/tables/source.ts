/**
 * What a source text such as `votes.csv`, `data/*.parquet`, `shop.duckdb#orders` or `-` stands for: which files, of
 * which format. Everything that can be wrong with a path is said here, before the engine is loaded.
 */
import { stat } from 'node:fs/promises';
import { FewfireError } from '@fewfire/core';
import { listNames } from '@fewfire/core/internal';
import { openRegular, unreadable } from '../files.ts';
import { type FileKind, fileKind, KIND_BYTES } from './file-kind.ts';

/** The format of a table's source. */
export type SourceFormat = 'csv' | 'tsv' | 'parquet' | 'json' | 'ndjson' | 'arrow' | 'duckdb';

export interface Source {
  /** As it was given. */
  readonly text: string;
  readonly format: SourceFormat;
  /** Packed, whatever it is called. */
  readonly gzip: boolean;
  readonly paths: readonly string[];
  /** Behind the `#` of a database file. */
  readonly table: string | undefined;
  /** What was recognised that the names do not say. */
  readonly notes: readonly string[];
}

const FORMATS: Readonly<Record<string, SourceFormat>> = {
  csv: 'csv',
  tsv: 'tsv',
  tab: 'tsv',
  parquet: 'parquet',
  pq: 'parquet',
  json: 'json',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  arrow: 'arrow',
  arrows: 'arrow',
  ipc: 'arrow',
  feather: 'arrow',
  duckdb: 'duckdb',
  ddb: 'duckdb',
};

/**
 * Finds the files of a source (not `-`).
 * @param expand the files that match a pattern
 * @throws FewfireError `file-not-found`, `file-unreadable`, `unsupported`, `invalid-data` (an empty file)
 */
export async function findSource(text: string, expand: (pattern: string) => Promise<string[]>): Promise<Source> {
  const { path, table } = splitTable(text);
  const paths = await expandSource(path, expand);
  if (paths.length === 0) {
    throw new FewfireError('file-not-found', `no file matches ${path}; check the pattern and the directory`);
  }
  const kinds: FileFormat[] = [];
  for (const each of paths) kinds.push(fileFormat(each, await lookAt(each)));
  const other = kinds.findIndex((kind) => kind.format !== kinds[0].format || kind.gzip !== kinds[0].gzip);
  if (other > 0) {
    throw new FewfireError(
      'invalid-data',
      `${path} matches files of different formats, ${listNames([paths[0], paths[other]])}; expected one format: narrow the pattern`,
    );
  }
  const [{ format, gzip }] = kinds;
  return { text, format, gzip, paths, table, notes: kinds.flatMap(({ notes }) => notes) };
}

/** The path of a source, and the table behind the `#` of a database file. */
export function splitTable(text: string): { readonly path: string; readonly table: string | undefined } {
  const hash = /^(.*\.(?:duckdb|ddb|db))#(.+)$/i.exec(text);
  return { path: hash?.[1] ?? text, table: hash?.[2] };
}

/** The files that a path stands for: itself, or where there is no such file those that match it as a pattern. */
export async function expandSource(path: string, expand: (pattern: string) => Promise<string[]>): Promise<string[]> {
  const exists = await stat(path).catch(() => undefined);
  return exists === undefined && /[*?[]/.test(path) ? await expand(path) : [path];
}

async function lookAt(path: string): Promise<FileKind> {
  try {
    const file = await openRegular(path);
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(KIND_BYTES), 0, KIND_BYTES, 0);
      if (bytesRead === 0) {
        throw new FewfireError(
          'invalid-data',
          `${path} is empty (0 bytes), expected a table; check how it was written`,
        );
      }
      return fileKind(buffer.subarray(0, bytesRead), path);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw await unreadable(error, path);
  }
}

interface FileFormat {
  readonly format: SourceFormat;
  readonly gzip: boolean;
  readonly notes: readonly string[];
}

export const FORMAT_NAMES: Readonly<Record<SourceFormat, string>> = {
  csv: 'CSV',
  tsv: 'CSV',
  parquet: 'Parquet',
  json: 'JSON',
  ndjson: 'JSON',
  arrow: 'Arrow',
  duckdb: 'a DuckDB database',
};

/** Names that say no more than that a file is text. */
const TEXT_NAMES = ['', 'txt', 'text', 'dat', 'data', 'asc'];

/** By its bytes where they tell, otherwise by its name. @throws FewfireError `unsupported` */
function fileFormat(path: string, kind: FileKind): FileFormat {
  const namedGzip = /\.gz$/i.test(path);
  const extension = /\.([^./\\]+)$/.exec(namedGzip ? path.slice(0, -3) : path)?.[1]?.toLowerCase() ?? '';
  const named = FORMATS[extension];
  const isText = TEXT_NAMES.includes(extension) && !kind.isBinary;
  const format = told(kind, named) ?? named ?? (isText ? 'csv' : undefined);
  if (format === undefined || (kind.gzip && format === 'duckdb')) {
    throw new FewfireError(
      'unsupported',
      `${path} ${extension === '' ? 'has no extension' : `ends in .${extension}${namedGzip ? '.gz' : ''}`}, expected .csv, .tsv, .parquet, .json, .ndjson, .arrow (each also with .gz), .duckdb#table, or - for CSV on standard input`,
    );
  }
  const notes: string[] = [];
  if (named !== format && extension !== 'db') notes.push(`${path}: read as ${FORMAT_NAMES[format]}`);
  if (namedGzip && !kind.gzip) notes.push(`${path}: ends in .gz but is not packed, read as it is`);
  if (!namedGzip && kind.gzip) notes.push(`${path}: packed by gzip, unpacked`);
  return { format, gzip: kind.gzip, notes };
}

// What the bytes say. Records to a line and records in a list are told apart when they are read.
function told({ format }: FileKind, named: SourceFormat | undefined): SourceFormat | undefined {
  return format === 'json' && named === 'ndjson' ? named : format;
}

/** The format of standard input, which has no name: CSV unless its bytes say otherwise. */
export function unnamedFormat(kind: FileKind): SourceFormat {
  return kind.format ?? 'csv';
}

/** @throws FewfireError `invalid-data` */
export function refuseOtherColumns(
  source: Source,
  path: string,
  expected: readonly string[],
  found: readonly string[],
): void {
  const odd = found.findIndex((name, i) => name !== expected[i]);
  if (odd < 0 && found.length === expected.length) return;
  const at = odd < 0 ? found.length : odd;
  const shown = (names: readonly string[]): string => (at < names.length ? JSON.stringify(names[at]) : 'none');
  throw new FewfireError(
    'invalid-data',
    `${path} has other columns than ${source.paths[0]}: column ${at + 1} is ${shown(found)}, expected ${shown(expected)}; files read together need equal columns in equal order`,
  );
}

/**
 * What a source text such as `votes.csv`, `data/*.parquet`, `shop.duckdb#orders` or `-` stands for: which files, of
 * which format. Everything that can be wrong with a path is said here, before the engine is loaded.
 */
import { stat } from 'node:fs/promises';
import { FewfireError, listNames } from '@fewfire/core';
import { openRegular, unreadable } from './files.ts';

export type SourceFormat = 'csv' | 'tsv' | 'parquet' | 'json' | 'ndjson' | 'arrow' | 'duckdb';

export interface Source {
  /** As it was given. */
  readonly text: string;
  readonly format: SourceFormat;
  /** Ends in .gz. */
  readonly gzip: boolean;
  readonly paths: readonly string[];
  /** Behind the `#` of a database file. */
  readonly table: string | undefined;
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
  for (const each of paths) await checkFile(each);
  const kinds = paths.map(fileFormat);
  const other = kinds.findIndex((kind) => kind.format !== kinds[0].format || kind.gzip !== kinds[0].gzip);
  if (other > 0) {
    throw new FewfireError(
      'invalid-data',
      `${path} matches files of different formats, ${listNames([paths[0], paths[other]])}; expected one format: narrow the pattern`,
    );
  }
  return { text, ...kinds[0], paths, table };
}

/** The path of a source, and the table behind the `#` of a database file. */
export function splitTable(text: string): { readonly path: string; readonly table: string | undefined } {
  const hash = /^(.*\.(?:duckdb|ddb))#(.+)$/i.exec(text);
  return { path: hash?.[1] ?? text, table: hash?.[2] };
}

/** The files that a path stands for: itself, or where there is no such file those that match it as a pattern. */
export async function expandSource(path: string, expand: (pattern: string) => Promise<string[]>): Promise<string[]> {
  const exists = await stat(path).catch(() => undefined);
  return exists === undefined && /[*?[]/.test(path) ? await expand(path) : [path];
}

async function checkFile(path: string): Promise<void> {
  try {
    const file = await openRegular(path);
    try {
      if ((await file.stat()).size === 0) {
        throw new FewfireError(
          'invalid-data',
          `${path} is empty (0 bytes), expected a table; check how it was written`,
        );
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw await unreadable(error, path);
  }
}

function fileFormat(path: string): { format: SourceFormat; gzip: boolean } {
  const gzip = /\.gz$/i.test(path);
  const extension = /\.([^./\\]+)$/.exec(gzip ? path.slice(0, -3) : path)?.[1]?.toLowerCase() ?? '';
  const format = FORMATS[extension];
  if (format === undefined || (gzip && format === 'duckdb')) {
    throw new FewfireError(
      'unsupported',
      `${path} ${extension === '' ? 'has no extension' : `ends in .${extension}${gzip ? '.gz' : ''}`}, expected .csv, .tsv, .parquet, .json, .ndjson, .arrow (each also with .gz), .duckdb#table, or - for CSV on standard input`,
    );
  }
  return { format, gzip };
}

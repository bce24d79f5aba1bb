/**
 * Columns written as a file (CSV or Parquet) or as CSV text for standard output. CSV is written here rather than by
 * DuckDB so that numbers read back to the same bits in as few digits as possible, and nothing heavy is loaded for it.
 */
import { FewfireError, throwIfAborted } from '@fewfire/core';
import { Engine } from './engine.ts';
import { replaceFile, type WriteOptions, writeFileAtomic } from './files.ts';
import { quoteIdentifier, quoteLiteral } from './sql.ts';

export interface OutputColumn {
  readonly name: string;
  /** Numbers (NaN is written as an empty cell), booleans (as 0 and 1, written as false and true) or texts (null is empty). */
  readonly values: Float64Array | Uint8Array | readonly (string | null)[];
}

/** Rows a part at a time: the same columns in each, with the values of its rows. */
export type OutputParts = AsyncIterable<readonly OutputColumn[]>;

/**
 * Writes columns of equal length to a `.csv` or `.parquet` file, whole or not at all.
 * @param columns all rows at once, or in parts, of which one is in memory at a time
 * @throws FewfireError `unsupported` (another extension), `invalid-argument` (lengths differ), `file-unwritable`; what
 *   the parts throw
 */
export async function writeTable(
  path: string,
  columns: readonly OutputColumn[] | OutputParts,
  options: WriteOptions = {},
): Promise<void> {
  const parts = Symbol.asyncIterator in columns ? columns : onePart(columns);
  if (/\.csv$/i.test(path)) return await writeFileAtomic(path, csvParts(parts), options);
  if (!/\.parquet$/i.test(path)) {
    throw new FewfireError('unsupported', `cannot write ${path}: expected a name that ends in .csv or .parquet`);
  }
  throwIfAborted(options.signal);
  await replaceFile(path, (target) => writeParquet(path, target, parts, options.signal), options);
}

async function* onePart(columns: readonly OutputColumn[]): OutputParts {
  yield columns;
}

// The engine's names ignore case: it would write the second of "a" and "A" as "A_1" without a word.
function refuseTwins(path: string, columns: readonly OutputColumn[]): void {
  const seen = new Map<string, string>();
  for (const { name } of columns) {
    const twin = seen.get(name.toLowerCase());
    if (twin !== undefined) {
      throw new FewfireError(
        'unsupported',
        `cannot write ${path}: it would have the columns ${JSON.stringify(twin)} and ${JSON.stringify(name)}, which Parquet files are not given together; rename one or write .csv`,
      );
    }
    seen.set(name.toLowerCase(), name);
  }
}

async function writeParquet(
  path: string,
  target: string,
  parts: OutputParts,
  signal: AbortSignal | undefined,
): Promise<void> {
  const engine = await Engine.open({ memoryLimitBytes: WRITER_BYTES });
  let columns: readonly OutputColumn[] = [];
  try {
    for await (const part of parts) {
      checkColumns(part);
      if (columns.length === 0) refuseTwins(path, part);
      columns = part;
      await engine.appendColumns(
        'output',
        part.map(({ values }) => values),
        signal,
      );
    }
    const names = columns.map(({ name }, i) => `c${i} AS ${quoteIdentifier(name)}`).join(', ');
    await engine.run(`COPY (SELECT ${names} FROM output) TO ${quoteLiteral(target)} (FORMAT parquet)`, { signal });
  } catch (error) {
    throwIfAborted(signal);
    throw unwritableParquet(error, path, target);
  } finally {
    await engine.close();
  }
}

// The engine tells of the file system in its own words; give those back their code.
function unwritableParquet(error: unknown, path: string, target: string): unknown {
  const cause = error instanceof FewfireError ? error.cause : undefined;
  if (!(cause instanceof Error)) return error;
  const reasons: readonly [RegExp, string][] = [
    [/No such file or directory/, 'ENOENT'],
    [/Permission denied/, 'EACCES'],
    [/No space left/, 'ENOSPC'],
    [/Read-only file system/, 'EROFS'],
    [/Not a directory/, 'ENOTDIR'],
  ];
  const code = reasons.find(([pattern]) => pattern.test(cause.message))?.[1];
  if (code !== undefined) return Object.assign(new Error(cause.message, { cause }), { code });
  const reason = cause.message.split('\n')[0].replaceAll(target, path);
  return new FewfireError('file-unwritable', `cannot write ${path}: ${reason}`, { cause });
}

/** What the writer keeps in memory; the rest of a large table waits on disk. */
const WRITER_BYTES = 256e6;
/** A text put together cell by cell takes many times its size until it is written; short ones die young. */
const CELLS_PER_CHUNK = 2 ** 13;

/** The CSV text of parts, as `csvChunks` gives it of all rows. */
export async function* csvParts(parts: OutputParts): AsyncGenerator<string> {
  let header = true;
  for await (const columns of parts) {
    yield* csvChunks(columns, header);
    header = false;
  }
}

/** Columns as CSV text, piece by piece: a header, `\n` between rows, quotes where needed, numbers in shortest form. */
export function* csvChunks(columns: readonly OutputColumn[], header = true): Generator<string> {
  checkColumns(columns);
  const rowCount = columns[0]?.values.length ?? 0;
  if (header) yield `${columns.map(({ name }) => csvCell(name)).join(',')}\n`;
  const chunkRows = Math.max(1, Math.floor(CELLS_PER_CHUNK / Math.max(1, columns.length)));
  for (let start = 0; start < rowCount; start += chunkRows) {
    const end = Math.min(rowCount, start + chunkRows);
    let text = '';
    for (let row = start; row < end; row++) {
      for (let k = 0; k < columns.length; k++) {
        const { values } = columns[k];
        const value = values instanceof Uint8Array ? String(values[row] === 1) : values[row];
        if (k > 0) text += ',';
        text += typeof value === 'number' ? (Number.isNaN(value) ? '' : String(value)) : csvCell(value ?? '');
      }
      text += '\n';
    }
    yield text;
  }
}

// White space at the ends is quoted because many readers trim it.
function csvCell(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function checkColumns(columns: readonly OutputColumn[]): void {
  const [first] = columns;
  const other = columns.find(({ values }) => values.length !== first.values.length);
  if (other === undefined) return;
  throw new FewfireError(
    'invalid-argument',
    `column ${JSON.stringify(other.name)} has ${other.values.length} values, expected ${first.values.length} as in ${JSON.stringify(first.name)}`,
  );
}

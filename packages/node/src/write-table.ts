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

/**
 * Writes columns of equal length to a `.csv` or `.parquet` file, whole or not at all.
 * @throws FewfireError `unsupported` (another extension), `invalid-argument` (lengths differ), `file-unwritable`
 */
export async function writeTable(
  path: string,
  columns: readonly OutputColumn[],
  options: WriteOptions = {},
): Promise<void> {
  checkColumns(columns);
  if (/\.csv$/i.test(path)) return await writeFileAtomic(path, csvChunks(columns), options);
  if (!/\.parquet$/i.test(path)) {
    throw new FewfireError('unsupported', `cannot write ${path}: expected a name that ends in .csv or .parquet`);
  }
  throwIfAborted(options.signal);
  refuseTwins(path, columns);
  await replaceFile(path, (target) => writeParquet(path, target, columns, options.signal), options);
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
  columns: readonly OutputColumn[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const engine = await Engine.open({});
  try {
    await engine.createColumns(
      'output',
      columns.map(({ values }) => values),
      signal,
    );
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

const ROWS_PER_CHUNK = 4096;

/** Columns as CSV text, piece by piece: a header, `\n` between rows, quotes where needed, numbers in shortest form. */
export function* csvChunks(columns: readonly OutputColumn[]): Generator<string> {
  checkColumns(columns);
  const rowCount = columns[0]?.values.length ?? 0;
  yield `${columns.map(({ name }) => csvCell(name)).join(',')}\n`;
  for (let start = 0; start < rowCount; start += ROWS_PER_CHUNK) {
    const end = Math.min(rowCount, start + ROWS_PER_CHUNK);
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

/**
 * Columns written as a file (CSV or Parquet) or as CSV text for standard output. Not by DuckDB:
 * its CSV needs more digits for numbers to read back to the same bits, and a second engine takes memory and time.
 */
import { FewfireError } from '@fewfire/core';
import type { ParquetWriter } from 'hyparquet-writer';
import { type WriteOptions, writeFileAtomic } from '../files.ts';

/** A column to write. */
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
 * @example
 * ```ts
 * import { mkdtemp, rm } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { readTextFile, writeTable } from '@fewfire/node';
 *
 * const folder = await mkdtemp(join(tmpdir(), 'fewfire-'));
 * await writeTable(join(folder, 'made.csv'), [{ name: 'a', values: [1, 2] }]);
 * console.log((await readTextFile(join(folder, 'made.csv'))).split('\n')); // [ 'a', '1', '2', '' ]
 * await rm(folder, { recursive: true });
 * ```
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
  await writeFileAtomic(path, parquetParts(path, parts), options);
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

// A group of rows for each part, so that one part is in memory at a time.
async function* parquetParts(path: string, parts: OutputParts): AsyncGenerator<Uint8Array> {
  const { ByteWriter, ParquetWriter, schemaFromColumnData } = await import('hyparquet-writer');
  const bytes = new ByteWriter();
  let writer: ParquetWriter | undefined;
  for await (const part of parts) {
    checkColumns(part);
    const columnData = part.map(({ name, values }) => ({ name, ...parquetCells(values), nullable: true }));
    if (writer === undefined) {
      refuseTwins(path, part);
      writer = new ParquetWriter({ writer: bytes, schema: schemaFromColumnData({ columnData }), createdBy: 'fewfire' });
    }
    await writer.write({ columnData: columnData.map(({ name, data }) => ({ name, data })), rowGroupSize: GROUP_ROWS });
    yield bytes.getBytes();
    bytes.index = 0;
  }
  await writer?.finish();
  yield bytes.getBytes();
}

function parquetCells(values: OutputColumn['values']): {
  readonly type: 'BOOLEAN' | 'DOUBLE' | 'STRING';
  readonly data: Float64Array | (boolean | number | string | null)[];
} {
  if (values instanceof Uint8Array) return { type: 'BOOLEAN', data: Array.from(values, (value) => value === 1) };
  if (!(values instanceof Float64Array)) return { type: 'STRING', data: values as (string | null)[] };
  if (!values.some(Number.isNaN)) return { type: 'DOUBLE', data: values };
  return { type: 'DOUBLE', data: Array.from(values, (value) => (Number.isNaN(value) ? null : value)) };
}

/** As many as engines have in a group, if a part has more. */
const GROUP_ROWS = 122_880;
/** A text put together cell by cell takes many times its size until it is written; short ones die young. */
const CELLS_PER_CHUNK = 2 ** 13;

/**
 * The CSV text of parts, as `csvChunks` gives it of all rows.
 * @example
 * ```ts
 * import { csvParts } from '@fewfire/node';
 *
 * const parts = [[{ name: 'a', values: [1] }], [{ name: 'a', values: [2] }]];
 * let text = '';
 * for await (const part of csvParts(parts)) text += part;
 * console.log(text.split('\n')); // [ 'a', '1', '2', '' ]
 * ```
 */
export async function* csvParts(parts: OutputParts): AsyncGenerator<string> {
  let header = true;
  for await (const columns of parts) {
    yield* csvChunks(columns, header);
    header = false;
  }
}

/**
 * Columns as CSV text, piece by piece: a header, `\n` between rows, quotes where needed, numbers in shortest form.
 * @throws FewfireError `invalid-argument` for columns of other lengths
 * @example
 * ```ts
 * import { csvChunks } from '@fewfire/node';
 *
 * console.log([...csvChunks([{ name: 'a', values: [1, 2] }])]); // [ 'a\n', '1\n2\n' ]
 * ```
 */
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

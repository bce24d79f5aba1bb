/**
 * Arrow IPC files (`.arrow`, Feather version 2) and streams (`.arrows`) into the engine. The engine that is embedded
 * reads none without an extension it would have to fetch, so the well-kept reader decodes the record batches and their
 * cells are appended; from there on a table is a table. What has no place in a table (lists, structs, binary) stays
 * known by name, so that using it is refused by name.
 */

import { FewfireError } from '@fewfire/core';
import { throwIfAborted } from '@fewfire/core/internal';
import type { DataType, RecordBatch, Schema, Vector } from 'apache-arrow';
import { checkArrowMetadata } from './arrow-metadata.ts';
import type { AppendType, Engine } from './engine.ts';

export interface ArrowLoad {
  readonly signal: AbortSignal | undefined;
  /** What to call the file in messages. */
  readonly label: string;
  /** Called with the rows read so far. */
  readonly onRows?: (rows: number) => void;
}

/** The columns of a schema as the engine holds them. */
export interface ArrowShape {
  readonly names: readonly string[];
  /** The engine's type, or the Arrow type's name where cells are left out. */
  readonly types: readonly string[];
  /** Columns whose cells are left out. */
  readonly unusable: readonly boolean[];
}

interface ArrowColumn {
  readonly name: string;
  /** undefined for types that no table cell can hold. */
  readonly as: AppendType | undefined;
  readonly sourceType: string;
  readonly read: (cell: unknown) => string | number | boolean | bigint | null;
  /** Read by `textAt`, not by the reader. */
  readonly isText?: boolean;
}

type Arrow = typeof import('apache-arrow');

/**
 * Appends the cells of Arrow bytes to the table `loaded`, which the first call creates.
 * @throws FewfireError `file-unreadable` (not Arrow, damaged), `invalid-data` (no columns), `unsupported` (compressed); the signal's reason when aborted
 */
export async function loadArrow(
  engine: Engine,
  bytes: Uint8Array,
  first: ArrowShape | undefined,
  load: ArrowLoad,
): Promise<ArrowShape> {
  const arrow = await import('apache-arrow');
  const batches = openBatches(arrow, bytes, load);
  if (batches.schema.fields.length === 0) {
    throw new FewfireError('invalid-data', `${load.label} has no columns; expected a table with at least one`);
  }
  const columns = readColumns(arrow, batches.schema, load);
  const types = columns.map((column) => column.as ?? 'VARCHAR');
  const shape = {
    names: columns.map((column) => column.name),
    types: columns.map((column) => column.as ?? column.sourceType),
    unusable: columns.map((column) => column.as === undefined),
  };
  if (first === undefined) {
    await engine.run(`CREATE TABLE loaded(${types.map((type, i) => `c${i} ${type}`).join(', ')})`);
  } else if (shape.names.join('\n') === first.names.join('\n')) {
    const odd = shape.types.findIndex((type, i) => type !== first.types[i]);
    if (odd >= 0) {
      throw new FewfireError(
        'invalid-data',
        `column ${JSON.stringify(shape.names[odd])} of ${load.label} has the type ${shape.types[odd]}, expected ${first.types[odd]} as in the first file; files read together need equal columns`,
      );
    }
  } else return shape; // the caller names the columns that differ
  let rows = 0;
  const parts = function* (): Generator<readonly (readonly unknown[])[]> {
    for (const batch of batches.read()) {
      for (let start = 0; start < batch.numRows; start += PART_ROWS) {
        const end = Math.min(batch.numRows, start + PART_ROWS);
        yield columns.map((column, i) => readCells(batch, i, column, start, end));
        rows += end - start;
        load.onRows?.(rows);
      }
    }
  };
  await engine.append('loaded', types, guarded(parts(), load), load.signal);
  return shape;
}

/** Cells are handed over this many rows at a time. */
const PART_ROWS = 2048;

function openBatches(
  arrow: Arrow,
  bytes: Uint8Array,
  load: ArrowLoad,
): { readonly schema: Schema; read(): Iterable<RecordBatch> } {
  try {
    checkArrowMetadata(bytes);
    const reader = arrow.RecordBatchReader.from(bytes).open();
    // Without a schema nothing was found that reads as Arrow.
    if (reader.schema === undefined) throw new Error('no schema');
    return { schema: reader.schema, read: () => reader };
  } catch (cause) {
    throw arrowError(cause, load);
  }
}

function readColumns(arrow: Arrow, schema: Schema, load: ArrowLoad): ArrowColumn[] {
  refuseViews(arrow, schema, load.label);
  try {
    return schema.fields.map((field) => arrowColumn(arrow, field.name, field.type));
  } catch (cause) {
    // A type without what it is made of: a list of nothing.
    throw arrowError(cause, load);
  }
}

// The reader can loop for ever over damaged views, so it is not let near them.
function refuseViews({ DataType }: Arrow, { fields }: Schema, label: string): void {
  const odd = fields.find(({ type }) => DataType.isUtf8View(type) || DataType.isBinaryView(type));
  if (odd === undefined) return;
  throw new FewfireError(
    'unsupported',
    `column ${JSON.stringify(odd.name)} of ${label} is a string view, which is not read here; write it as plain strings (polars: compat_level=pl.CompatLevel.oldest()), or as Parquet`,
  );
}

// What the reader throws for damaged bytes is of every kind.
function* guarded<T>(parts: Iterable<T>, load: ArrowLoad): Generator<T> {
  try {
    yield* parts;
  } catch (cause) {
    throw arrowError(cause, load);
  }
}

function arrowError(cause: unknown, { label, signal }: ArrowLoad): FewfireError {
  throwIfAborted(signal);
  if (cause instanceof FewfireError) return cause;
  const said = cause instanceof Error ? cause.message : String(cause);
  if (/compress|codec/i.test(said)) {
    return new FewfireError(
      'unsupported',
      `${label} is compressed inside (LZ4 or ZSTD), which is not read here; write it without compression, or as Parquet`,
      { cause },
    );
  }
  // What the reader stumbled over inside says nothing to whoever has the file; it is the cause.
  return new FewfireError(
    'file-unreadable',
    `${label} is not an Arrow IPC file or stream, or a damaged one; check how it was written or copy it again`,
    { cause },
  );
}

function arrowColumn(arrow: Arrow, name: string, type: DataType): ArrowColumn {
  const { DataType } = arrow;
  const sourceType = String(type);
  const column = (as: AppendType | undefined, read: ArrowColumn['read']): ArrowColumn => ({
    name,
    as,
    sourceType,
    read,
  });
  if (DataType.isDictionary(type)) return { ...arrowColumn(arrow, name, type.dictionary), sourceType };
  if (DataType.isBool(type)) return column('BOOLEAN', (cell) => cell as boolean);
  if (DataType.isInt(type)) {
    if (type.bitWidth < 64) return column('DOUBLE', (cell) => cell as number);
    return column(type.isSigned ? 'BIGINT' : 'UBIGINT', (cell) => cell as bigint);
  }
  if (DataType.isFloat(type)) {
    return column(type.precision === arrow.Precision.DOUBLE ? 'DOUBLE' : 'FLOAT', (cell) => cell as number);
  }
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) {
    return { ...column('VARCHAR', (cell) => cell as string), isText: true };
  }
  if (DataType.isDecimal(type)) return column('DOUBLE', (cell) => decimalNumber(cell as Uint32Array, type.scale));
  if (DataType.isDate(type)) return column('VARCHAR', (cell) => isoTime(cell).slice(0, 10));
  if (DataType.isTimestamp(type)) {
    return column('VARCHAR', (cell) =>
      isoTime(cell)
        .replace('T', ' ')
        .replace(/(\.\d*?)0*Z$/, '$1')
        .replace(/\.$/, ''),
    );
  }
  if (DataType.isNull(type)) return column('VARCHAR', () => null);
  return column(undefined, () => null);
}

function readCells(
  batch: RecordBatch,
  i: number,
  { as, read, isText }: ArrowColumn,
  start: number,
  end: number,
): (string | number | boolean | bigint | null)[] {
  const vector = as === undefined ? null : batch.getChildAt(i);
  return Array.from({ length: end - start }, (_, row) => {
    const cell: unknown = vector === null ? null : isText ? textAt(vector, start + row) : vector.get(start + row);
    return cell === null || cell === undefined ? null : read(cell);
  });
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

// The reader's own decoder drops a U+FEFF that a text begins with, so that two values would become one.
function textAt(vector: Vector, index: number): string | null {
  let at = index;
  for (const data of vector.data) {
    if (at >= data.length) {
      at -= data.length;
      continue;
    }
    if (!data.getValid(at)) return null;
    if (data.dictionary !== undefined) return textAt(data.dictionary, Number(data.values[at]));
    const [begin, end] = [Number(data.valueOffsets[at]), Number(data.valueOffsets[at + 1])];
    if (!(begin >= 0 && begin <= end && end <= data.values.length))
      throw new Error(`text ${index} is outside its column`);
    return decoder.decode(data.values.subarray(begin, end));
  }
  throw new Error(`there is no text ${index}`);
}

// Little-endian words of a two's complement whole number, with so many decimal places.
function decimalNumber(words: Uint32Array, scale: number): number {
  let whole = 0n;
  for (let i = words.length - 1; i >= 0; i--) whole = (whole << 32n) | BigInt(words[i]);
  return Number(`${BigInt.asIntN(32 * words.length, whole)}e${-scale}`);
}

function isoTime(cell: unknown): string {
  return new Date(Number(cell)).toISOString();
}

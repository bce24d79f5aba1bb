/**
 * Opens files as a `Table`. Text formats are copied into the engine once (parsing is the slow part), Parquet files and
 * database tables are scanned where they are. While the engine reads, the bytes also pass through a checksum, through
 * gunzip and, for CSV and JSON, through a count of records, because an engine that loses rows must not go unnoticed. What the
 * engine's readers do not take as it is (another encoding, odd quotes, mixed line breaks) is written anew first, into a
 * temporary file, a piece at a time.
 */
import { stat } from 'node:fs/promises';
import { type CellRules, type ColumnType, FewfireError, type RunOptions, type Table } from '@fewfire/core';
import {
  closestName,
  duplicateColumns,
  listNames,
  repeatedNames,
  suggestName,
  throwIfAborted,
} from '@fewfire/core/internal';
import { type ArrowShape, loadArrow } from './arrow.ts';
import type { CsvDialect, CsvHeader } from './csv.ts';
import { duckdbTable, type RelationColumn } from './duckdb-table.ts';
import { TEXT_ENCODINGS, type TextEncoding } from './encoding.ts';
import { Engine } from './engine.ts';
import { jsonAsRead } from './json-files.ts';
import { loadTexts, readHeaders } from './load-csv.ts';
import { findSource, refuseOtherColumns, type Source, type SourceFormat } from './source.ts';
import { Digest, fileBytes, fileList, type LoadOptions, readable, spoolStdin } from './source-bytes.ts';
import { matchingFiles } from './source-files.ts';
import { epochSeconds, normalText, quoteIdentifier, quoteLiteral } from './sql.ts';

/** Where a table came from, for the model file. */
export interface Provenance {
  /** The source as it was given. */
  readonly source: string;
  /** The files it stands for, in the order of their rows; none for standard input. */
  readonly paths: readonly string[];
  readonly format: SourceFormat;
  /** Of the bytes of all files one after another, as they are on disk. */
  readonly sha256: string;
  readonly byteCount: number;
  readonly rowCount: number;
}

/** Options of `openTable`. */
export interface OpenTableOptions extends RunOptions {
  /** What `-` reads; the default is `process.stdin`. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  /** What is said of the cells; the default is to recognise everything. */
  readonly rules?: CellRules | undefined;
  /** Of CSV and JSON; the default `auto` recognises it. */
  readonly encoding?: TextEncoding | undefined;
  /** The one character that stands between the cells of CSV; the default is to recognise it. */
  readonly delimiter?: string | undefined;
}

/** A table over files. */
export type FileTable = Table & {
  readonly provenance: Provenance;
  /** What was recognised that the names of the files do not say, a sentence each. */
  readonly notes: readonly string[];
};

/**
 * Opens a table.
 *
 * Formats: `.csv`, `.tsv`, `.parquet`, `.json` and `.ndjson` (a list of records, or one after another),
 * `.arrow` (also `.arrows`, `.ipc`, `.feather`), each also packed by gzip;
 * `file.duckdb#table`; a pattern such as `data/*.csv` for files of one format with equal columns, read in order of
 * their names; `-` for standard input. What the bytes say goes before the name. CSV has one header line, quotes as in
 * RFC 4180, and one of `, ; tab |` between cells, or the one given; it and JSON are UTF-8, UTF-16, or Windows-1252.
 * Rows keep the order of the source. `docs/tables.md` has the rules.
 *
 * @throws FewfireError `file-not-found`, `file-unreadable`, `unsupported`, `invalid-data` (empty, ragged, in an
 *   encoding that is not known, duplicate column names, no rows), `invalid-argument` (a wrong option); the signal's reason when aborted
 * @example
 * ```ts
 * import { openTable } from '@fewfire/node';
 *
 * const table = await openTable('examples/house-votes-84.csv');
 * console.log(table.rowCount, table.columns.length); // 435 17
 * await table.close();
 * ```
 */
export async function openTable(source: string, options: OpenTableOptions = {}): Promise<FileTable> {
  throwIfAborted(options.signal);
  checkOptions(options);
  let opening: Promise<Engine> | undefined;
  const engine = (): Promise<Engine> => (opening ??= Engine.open(options));
  try {
    return await open(source, engine, options);
  } catch (error) {
    const closing = opening?.then((opened) => opened.close()).catch(() => undefined);
    // An abort is not kept waiting for the engine to wind down.
    if (!options.signal?.aborted) await closing;
    throwIfAborted(options.signal);
    throw error;
  }
}

function checkOptions({ encoding = 'auto', delimiter }: OpenTableOptions): void {
  if (!TEXT_ENCODINGS.includes(encoding)) {
    throw new FewfireError(
      'invalid-argument',
      `the encoding is ${JSON.stringify(encoding)}, expected one of ${TEXT_ENCODINGS.join(', ')}`,
    );
  }
  if (delimiter !== undefined && !(delimiter.length === 1 && !/["\r\n\0\ud800-\udfff\ufeff]/.test(delimiter))) {
    throw new FewfireError(
      'invalid-argument',
      `the delimiter is ${JSON.stringify(delimiter)}, expected one character that is neither a quote nor a line break`,
    );
  }
}

/** @throws FewfireError `invalid-argument` for options that would change nothing */
function refuseIdle(format: SourceFormat, label: string, { encoding = 'auto', delimiter }: OpenTableOptions): void {
  const isText = ['csv', 'tsv', 'json', 'ndjson'].includes(format);
  if (encoding !== 'auto' && !isText) {
    throw new FewfireError(
      'invalid-argument',
      `${label} is not a text file, and has no encoding to be named; leave it out`,
    );
  }
  if (delimiter !== undefined && !['csv', 'tsv'].includes(format)) {
    throw new FewfireError('invalid-argument', `${label} is not CSV, and has no delimiter to be named; leave it out`);
  }
}

async function open(text: string, openEngine: () => Promise<Engine>, options: OpenTableOptions): Promise<FileTable> {
  const { signal } = options;
  const isStdin = text === '-';
  const source = isStdin
    ? await spoolStdin(await openEngine(), options)
    : await findSource(text, async (pattern) => matchingFiles(await openEngine(), pattern));
  const label = isStdin ? 'standard input' : text;
  refuseIdle(source.format, label, options);
  // Before the engine is imported, whatever the header alone tells.
  const { encoding = 'auto', delimiter } = options;
  const dialect: CsvDialect = { encoding, delimiter, isTsv: source.format === 'tsv' };
  const headers =
    source.format === 'csv' || source.format === 'tsv' ? await readHeaders(source, label, dialect, signal) : undefined;
  const engine = await openEngine();
  throwIfAborted(signal);

  const digest = new Digest();
  const stats = await Promise.all(source.paths.map((path) => stat(path)));
  const byteCount = stats.reduce((sum, { size }) => sum + size, 0);
  const onShare = (share: number): void =>
    options.onProgress?.({ phase: 'reading', done: Math.round(share * byteCount), total: byteCount, unit: 'bytes' });
  const unpacked = source.gzip ? UNPACKED_BYTES * byteCount : byteCount;
  const notes = [...source.notes, ...(headers ?? []).flatMap((header) => header.notes)];
  const run: LoadOptions = { signal, onShare, label, digest, byteCount: unpacked, encoding, notes };

  const loaded = await load(engine, source, headers, run);
  const [rowCount] = (await engine.numbers('SELECT count(*) FROM data', run)) as [number];
  if (loaded.recordCount !== undefined && loaded.recordCount !== rowCount) {
    throw new FewfireError(
      'invalid-data',
      `${label} has ${loaded.recordCount} records but ${rowCount} were read; are line breaks or quotes unusual? save it again as plain CSV or Parquet`,
    );
  }
  if (rowCount === 0) {
    throw new FewfireError(
      'invalid-data',
      `${label} has ${headers === undefined ? 'columns' : 'a header'} but no rows; expected at least one row of data`,
    );
  }
  const repeated = repeatedNames(loaded.columns.map(({ name }) => name));
  if (repeated.length > 0) throw duplicateColumns(label, repeated);
  onShare(1);

  const provenance: Provenance = {
    source: text,
    paths: isStdin ? [] : source.paths,
    format: source.format,
    sha256: digest.hex(),
    byteCount,
    rowCount,
  };
  const { columns, rowKey } = loaded;
  const rules = options.rules ?? {};
  const commaFirst = headers?.[0].delimiter === ';';
  const table = duckdbTable(engine, { label, name: 'data', rowKey, rowCount, columns, rules, commaFirst });
  return { ...table, provenance, notes };
}

/** Flags between commas come to a tenth of their bytes when packed. */
const UNPACKED_BYTES = 10;

interface Loaded {
  /** Columns of the relation `data`. */
  readonly columns: readonly RelationColumn[];
  /** As `Relation` has it. */
  readonly rowKey: string;
  /** Records counted in the bytes, where they can be. */
  readonly recordCount: number | undefined;
}

async function load(
  engine: Engine,
  source: Source,
  headers: readonly CsvHeader[] | undefined,
  run: LoadOptions,
): Promise<Loaded> {
  if (headers !== undefined) return await loadCsv(engine, source, headers, run);
  if (source.format === 'parquet') return await loadParquet(engine, source, run);
  if (source.format === 'duckdb') return await loadDatabase(engine, source, run);
  if (source.format === 'arrow') return await loadArrowFiles(engine, source, run);
  return await loadJson(engine, source, run);
}

// ---- CSV

async function loadCsv(
  engine: Engine,
  source: Source,
  headers: readonly CsvHeader[],
  run: LoadOptions,
): Promise<Loaded> {
  const [{ names }] = headers;
  const recordCount = await loadTexts(engine, source, headers, run);
  const columns = names.map((name, i): RelationColumn => {
    return { name, type: 'text', sourceType: 'text', typed: false, cell: `c${i}`, source: undefined };
  });
  return { columns, rowKey: 'rowid', recordCount };
}

// ---- JSON

const NUMBER_TYPES = /^(?:U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL\(.*\)|BIGNUM)$/;
const DATE_TYPES = /^(?:DATE|TIMESTAMP(?:_S|_MS|_NS| WITH TIME ZONE)?)$/;
const UNUSABLE_TYPES = /\[\d*\]$|^(?:STRUCT|MAP|UNION|BLOB|BIT|VARIANT|GEOMETRY)\b/;

function typeOf(sourceType: string): ColumnType | 'unusable' {
  if (sourceType === 'BOOLEAN') return 'boolean';
  if (NUMBER_TYPES.test(sourceType)) return 'number';
  if (DATE_TYPES.test(sourceType)) return 'date';
  return UNUSABLE_TYPES.test(sourceType) ? 'unusable' : 'text';
}

async function loadJson(engine: Engine, asGiven: Source, run: LoadOptions): Promise<Loaded> {
  const { source, layout, recordCount } = await jsonAsRead(engine, asGiven, run);
  const shape = `hive_partitioning = false, compression = '${source.gzip ? 'gzip' : 'uncompressed'}', format = '${layout}'`;
  const sniff = 'sample_size = -1, records = true, map_inference_threshold = -1, field_appearance_threshold = 0';
  await engine.lock(readable(source.paths), run.byteCount);
  const described: { name: string; type: string }[][] = [];
  for (const [i, path] of asGiven.paths.entries()) {
    const label = source.paths.length === 1 ? run.label : path;
    const rows = await engine.rows(
      `DESCRIBE SELECT * FROM read_json(${fileList([source.paths[i]])}, ${shape}, ${sniff})`,
      {
        signal: run.signal,
        label,
      },
    );
    described.push(rows.map(([name, type]) => ({ name: String(name), type: String(type) })));
    const [first] = described;
    const inOrderOfFirst = (a: { name: string }, b: { name: string }): number =>
      rank(first, a.name) - rank(first, b.name);
    const found = described[described.length - 1].sort(inOrderOfFirst).map(({ name }) => name);
    refuseOtherColumns(
      asGiven,
      path,
      first.map(({ name }) => name),
      found,
    );
  }
  // Texts that look like dates stay the texts they are; what differs between records or files is read as text.
  const columns = described[0].map(({ name, type }, i) => {
    const types = new Set(described.map((file) => file[i].type));
    const all = [...types].map(typeOf);
    if (all.includes('unusable')) return { name, type: 'unusable' as const, sourceType: type, as: 'JSON' };
    if (all.every((each) => each === 'number')) {
      const whole = [...types].every((each) => /INT$/.test(each));
      return {
        name,
        type: 'number' as const,
        sourceType: type,
        as: types.size === 1 ? type : whole ? 'HUGEINT' : 'DOUBLE',
      };
    }
    if (all.every((each) => each === 'boolean')) return { name, type: 'boolean' as const, sourceType: type, as: type };
    return { name, type: 'text' as const, sourceType: 'text', as: 'VARCHAR' };
  });
  const spec = columns.map(({ name, as }) => `${quoteIdentifier(name)}: ${quoteLiteral(as)}`).join(', ');
  const cells = columns.map(({ name, type }, i) => {
    const id = quoteIdentifier(name);
    return `${type === 'text' ? normalText(id) : id} AS r${i}`;
  });
  const sql = `CREATE TABLE loaded AS SELECT ${cells.join(', ')} FROM read_json(${fileList(source.paths)}, ${shape}, columns = {${spec}})`;
  await engine.run(sql, run);
  await refuseLostNames(engine, columns, run);
  const beyond = await beyondDoubles(
    engine,
    'loaded',
    columns.map(({ as }) => as),
  );
  const view = columns.map(({ name, type, sourceType }, i) =>
    beyond.has(i)
      ? viewColumn(name, 'text', sourceType, `r${i}`, i, false)
      : viewColumn(name, type, sourceType, `r${i}`, i, true),
  );
  await engine.run(
    `CREATE VIEW data AS SELECT ${view.flatMap(({ sql }) => sql).join(', ')}, rowid AS row_key FROM loaded`,
  );
  return {
    columns: view.map(({ column }) => column),
    rowKey: 'row_key',
    recordCount,
  };
}

function rank(columns: readonly { readonly name: string }[], name: string): number {
  const at = columns.findIndex((column) => column.name === name);
  return at < 0 ? columns.length : at;
}

// The engine's names ignore case: of "a" and "A" it calls the second "A_1", which then is nowhere to be found.
async function refuseLostNames(
  engine: Engine,
  columns: readonly { readonly name: string }[],
  run: LoadOptions,
): Promise<void> {
  for (const [i, { name }] of columns.entries()) {
    const base = /^(.+)_\d+$/.exec(name)?.[1];
    const other =
      base === undefined ? undefined : columns.find((column) => column.name.toLowerCase() === base.toLowerCase());
    if (base === undefined || other === undefined || other.name === base) continue;
    const [present] = await engine.numbers(`SELECT count(r${i}) FROM loaded`, { signal: run.signal });
    if (present === 0) {
      throw new FewfireError(
        'invalid-data',
        `${run.label} has the columns ${JSON.stringify(other.name)} and ${JSON.stringify(base)}, expected names that differ in more than case; rename one`,
      );
    }
  }
}

// ---- Parquet, Arrow and databases

async function loadParquet(engine: Engine, source: Source, run: LoadOptions): Promise<Loaded> {
  let { paths } = source;
  if (source.gzip) {
    paths = await Promise.all(
      source.paths.map(async (path, i) => {
        const unpacked = await engine.spoolFile(`${i}.parquet`);
        await unpacked.write(fileBytes(path, true, path, run.signal));
        return unpacked.path;
      }),
    );
  }
  await engine.lock(readable(paths), run.byteCount);
  const shapes: { names: string[]; types: string[] }[] = [];
  for (const [i, path] of paths.entries()) {
    const options = { signal: run.signal, label: source.paths.length === 1 ? run.label : source.paths[i] };
    // The engine renames columns whose names differ in case only; the schema has the names as written.
    const schema = await engine.rows(`SELECT name, num_children FROM parquet_schema(${fileList([path])})`, options);
    const described = await engine.rows(`DESCRIBE SELECT * FROM ${parquetReader([path])}`, options);
    shapes.push({ names: topLevelNames(schema), types: described.map(([, type]) => String(type)) });
    refuseOtherColumns(source, source.paths[i], shapes[0].names, shapes[i].names);
    const odd = shapes[i].types.findIndex((type, k) => type !== shapes[0].types[k]);
    if (odd >= 0) {
      throw new FewfireError(
        'invalid-data',
        `column ${JSON.stringify(shapes[i].names[odd])} of ${source.paths[i]} has the type ${shapes[i].types[odd]}, expected ${shapes[0].types[odd]} as in ${source.paths[0]}; files read together need equal columns`,
      );
    }
  }
  for (const path of source.paths) for await (const _ of fileBytes(path, false, path, run.signal, run.digest));
  const [{ names }] = shapes;
  const reader = parquetReader(paths);
  // A column of the file hides the engine's own of the same name.
  const hidden = names.some((name) => /^file_(?:row_number|index)$/i.test(name));
  return hidden
    ? await copyOf(engine, reader, shapes[0], run)
    : await viewOf(engine, reader, await parquetRowKey(engine, paths, run), shapes[0]);
}

// Folders called key=value are not columns.
function parquetReader(paths: readonly string[]): string {
  return `read_parquet(${fileList(paths)}, hive_partitioning = false)`;
}

// The position of a row in all files together.
async function parquetRowKey(engine: Engine, paths: readonly string[], run: LoadOptions): Promise<string> {
  if (paths.length === 1) return 'file_row_number';
  const counts = await engine.rows(`SELECT num_rows FROM parquet_file_metadata(${fileList(paths)})`, run);
  const before = counts.map((_, i) => counts.slice(0, i).reduce((sum, [count]) => sum + Number(count), 0));
  return `file_row_number + [${before.join(', ')}][file_index::BIGINT + 1]`;
}

// Names of the root's children, from the schema's depth-first list.
function topLevelNames(schema: readonly unknown[][]): string[] {
  const names: string[] = [];
  let at = 1;
  const skip = (): void => {
    const children = Number(schema[at++][1] ?? 0);
    for (let i = 0; i < children; i++) skip();
  };
  while (at < schema.length) {
    names.push(String(schema[at][0]));
    skip();
  }
  return names;
}

async function loadDatabase(engine: Engine, source: Source, run: LoadOptions): Promise<Loaded> {
  const [path] = source.paths;
  const options = { signal: run.signal, label: path };
  try {
    await engine.run(`ATTACH ${quoteLiteral(path)} AS source (READ_ONLY)`, options);
  } catch (error) {
    throwIfAborted(run.signal);
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    const locked = /lock/i.test(cause instanceof Error ? cause.message : '');
    throw new FewfireError(
      'file-unreadable',
      locked
        ? `${path} is in use by another program; close it there and try again`
        : `${path} is not a DuckDB database that this version reads; check where it came from`,
      { cause },
    );
  }
  // What is attached stays readable, and nothing else is: a view may name any file.
  await engine.lock([], run.byteCount);
  const rows = await engine.rows(
    `SELECT schema_name, table_name, false FROM duckdb_tables() WHERE database_name = 'source' AND NOT internal
     UNION ALL SELECT schema_name, view_name, true FROM duckdb_views() WHERE database_name = 'source' AND NOT internal
     ORDER BY 1, 2`,
    options,
  );
  const tables = rows.map(([schema, name, view]) => {
    const shown = schema === 'main' ? String(name) : `${schema}.${name}`;
    return {
      shown,
      id: `source.${quoteIdentifier(String(schema))}.${quoteIdentifier(String(name))}`,
      view: view === true,
    };
  });
  const names = tables.map(({ shown }) => shown);
  const table =
    source.table === undefined && tables.length === 1 ? tables[0] : tables.find(({ shown }) => shown === source.table);
  if (table === undefined) {
    const close = source.table === undefined ? undefined : closestName(source.table, names);
    const found = source.table === undefined ? 'several tables' : `no table ${JSON.stringify(source.table)}`;
    const hint =
      source.table === undefined
        ? `its tables are ${listNames(names, 12)}`
        : suggestName(source.table, names, 'its tables are');
    throw new FewfireError(
      'invalid-argument',
      tables.length === 0
        ? `${path} has no tables; expected at least one`
        : `${path} has ${found}; ${hint}: write ${path}#${close ?? names[0]}`,
    );
  }
  for await (const _ of fileBytes(path, false, path, run.signal, run.digest));
  const described = await engine.rows(`DESCRIBE SELECT * FROM ${table.id}`, options);
  const shape = { names: described.map(([name]) => String(name)), types: described.map(([, type]) => String(type)) };
  // Rows of a view come in no certain order, so they are fixed once.
  if (table.view || shape.names.some((name) => /^rowid$/i.test(name)))
    return await copyOf(engine, table.id, shape, run);
  // Deleted rows leave gaps in the engine's row numbers.
  const [gaps] = await engine.numbers(`SELECT max(rowid) + 1 - count(*) FROM ${table.id}`, run);
  return gaps === 0 ? await viewOf(engine, table.id, 'rowid', shape) : await copyOf(engine, table.id, shape, run);
}

async function loadArrowFiles(engine: Engine, source: Source, run: LoadOptions): Promise<Loaded> {
  await engine.lock([], run.byteCount);
  let shape: ArrowShape | undefined;
  for (const path of source.paths) {
    const label = source.paths.length === 1 ? run.label : path;
    const parts: Uint8Array[] = [];
    for await (const part of fileBytes(path, source.gzip, label, run.signal, run.digest)) parts.push(part);
    const found = await loadArrow(engine, Buffer.concat(parts), shape, { signal: run.signal, label });
    shape ??= found;
    refuseOtherColumns(source, path, shape.names, found.names);
  }
  return await viewOf(engine, 'loaded', 'rowid', shape as ArrowShape);
}

/** Names and the engine's types of columns. */
interface Shape {
  readonly names: readonly string[];
  readonly types: readonly string[];
  readonly unusable?: readonly boolean[];
}

// A table of what has no row numbers of its own, or rows in no certain order.
async function copyOf(engine: Engine, from: string, shape: Shape, run: LoadOptions): Promise<Loaded> {
  await engine.run(`CREATE TABLE loaded AS SELECT * FROM (SELECT * FROM ${from}) AS raw(${rawNames(shape)})`, run);
  return await viewOf(engine, 'loaded', 'rowid', shape);
}

function rawNames({ names }: Shape): string {
  return names.map((_, i) => `r${i}`).join(', ');
}

async function viewOf(engine: Engine, from: string, rowKey: string, shape: Shape): Promise<Loaded> {
  const beyond = await beyondDoubles(engine, `(SELECT * FROM ${from}) AS raw(${rawNames(shape)})`, shape.types);
  const view = shape.names.map((name, i) => {
    const type = shape.unusable?.[i] === true ? 'unusable' : beyond.has(i) ? 'text' : typeOf(shape.types[i]);
    return viewColumn(name, type, shape.types[i], `r${i}`, i, false);
  });
  const raw = `(SELECT *, ${rowKey} FROM ${from}) AS raw(${rawNames(shape)}, row_key)`;
  await engine.run(`CREATE VIEW data AS SELECT ${view.flatMap(({ sql }) => sql).join(', ')}, row_key FROM ${raw}`);
  return { columns: view.map(({ column }) => column), rowKey: 'row_key', recordCount: undefined };
}

const WIDE_INTEGERS = /^(?:U?BIGINT|U?HUGEINT|DECIMAL\(\d+,0\)|BIGNUM)$/;

/**
 * Which of the columns `r<i>` hold whole numbers beyond 2^53, which doubles would not keep apart: they count as texts, as
 * they do in a CSV file (`readNumber` of core). One look at the ends of the columns whose type allows it.
 */
async function beyondDoubles(engine: Engine, from: string, types: readonly string[]): Promise<ReadonlySet<number>> {
  const wide = types.flatMap((type, i) => (WIDE_INTEGERS.test(type) ? [i] : []));
  if (wide.length === 0) return new Set();
  const ends = wide.flatMap((i) => [`min(r${i})::DOUBLE`, `max(r${i})::DOUBLE`]);
  const found = await engine.numbers(`SELECT ${ends.join(', ')} FROM ${from}`);
  return new Set(wide.filter((_, k) => found.slice(2 * k, 2 * k + 2).some((end) => !Number.isSafeInteger(end ?? 0))));
}

// A column of the relation `data`: `c` the cell as it counts, and `r` as it is where that is spelled otherwise.
function viewColumn(
  name: string,
  type: ColumnType | 'unusable',
  sourceType: string,
  raw: string,
  i: number,
  normal: boolean,
): { sql: string[]; column: RelationColumn } {
  const cell = `c${i}`;
  const exact = (type === 'number' && sourceType !== 'DOUBLE' && sourceType !== 'FLOAT') || type === 'date';
  const expression =
    type === 'number'
      ? numberCell(raw, sourceType)
      : type === 'date'
        ? epochSeconds(/^TIMESTAMP(?: WITH TIME ZONE)?$/.test(sourceType) ? raw : `${raw}::TIMESTAMP`)
        : type === 'text' && !normal
          ? normalText(sourceType === 'VARCHAR' ? raw : `${raw}::VARCHAR`)
          : raw;
  return {
    sql: exact ? [`${expression} AS ${cell}`, `${raw}`] : [`${expression} AS ${cell}`],
    column: { name, type, sourceType, typed: true, cell, source: exact ? `${raw}::VARCHAR` : undefined },
  };
}

// A float is what its shortest decimal says; NaN is missing. Plus zero makes one zero of two.
function numberCell(raw: string, sourceType: string): string {
  if (sourceType === 'FLOAT') return `nullif(${raw}::VARCHAR::DOUBLE + 0, 'nan'::DOUBLE)`;
  return sourceType === 'DOUBLE' ? `nullif(${raw} + 0, 'nan'::DOUBLE)` : `${raw}::DOUBLE + 0`;
}

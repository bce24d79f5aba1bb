/**
 * One embedded DuckDB database, in memory, with one connection. Statements run one after another and always
 * materialise (a live `stream()` can end early without an error). An abort rejects at once; the interrupted statement
 * is waited for by whatever comes next. DuckDB itself is loaded when the first engine is opened: it takes 100 ms, and
 * would take 300 if it were imported, for Node looks through CommonJS for names before it runs it.
 */
import { createRequire } from 'node:module';
import type { DuckDBConnection, DuckDBDataChunk, DuckDBInstance, DuckDBValue } from '@duckdb/node-api';
import { FewfireError, type RunOptions } from '@fewfire/core';
import { createTurn, throwIfAborted } from '@fewfire/core/internal';
import { duckdbError } from './duckdb-errors.ts';
import { quoteLiteral } from './sql.ts';
import { createSpoolFile, makeFolder, nameFolder, removeFolder, type SpoolFile } from './temporary.ts';

export interface StatementOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with the share done, in [0, 1]. */
  readonly onShare?: ((share: number) => void) | undefined;
  /** What the statement reads, for messages. */
  readonly label?: string;
}

/** Column types that rows can be appended to. */
export type AppendType = 'BIGINT' | 'BOOLEAN' | 'DOUBLE' | 'FLOAT' | 'UBIGINT' | 'VARCHAR';

/** A finished result, chunk by chunk. */
export type Chunks = AsyncIterable<DuckDBDataChunk>;

const require = createRequire(import.meta.url);

function loadDuckdb(): typeof import('@duckdb/node-api') {
  const duckdb = require('@duckdb/node-api');
  // Its own decoder drops a U+FEFF at the start of a text, so that two values of a column came out as one.
  require('@duckdb/node-api/lib/vectors/dataAccessors.js').textDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return duckdb;
}

export class Engine {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #temporaryDirectory: string;
  readonly #memoryLimitBytes: number;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;
  #nameCount = 0;
  readonly #spooled: SpoolFile[] = [];

  private constructor(
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    temporaryDirectory: string,
    memoryLimitBytes: number,
  ) {
    this.#instance = instance;
    this.#connection = connection;
    this.#temporaryDirectory = temporaryDirectory;
    this.#memoryLimitBytes = memoryLimitBytes;
  }

  static async open(options: RunOptions): Promise<Engine> {
    const { DuckDBInstance } = loadDuckdb();
    const temporaryDirectory = nameFolder();
    const { memoryLimitBytes = DEFAULT_MEMORY_BYTES } = options;
    const engineBytes = Math.max(LEAST_BYTES, ENGINE_SHARE * memoryLimitBytes);
    // Each thread has buffers of its own.
    const threads = engineBytes < BYTES_PER_THREAD ? 1 : (options.threads ?? 1);
    const config: Record<string, string> = {
      threads: String(threads),
      memory_limit: `${Math.floor(engineBytes / 1e6)}MB`,
      temp_directory: temporaryDirectory,
      // No file beside the data, nothing fetched, nothing loaded.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      preserve_insertion_order: 'true',
      // What is let go of goes back to the system (measured: 30 MB less while a table is profiled).
      allocator_flush_threshold: '4MB',
      allocator_bulk_deallocation_flush_threshold: '4MB',
    };
    const instance = await DuckDBInstance.create(':memory:', config);
    try {
      const connection = await instance.connect();
      const engine = new Engine(instance, connection, temporaryDirectory, memoryLimitBytes);
      await engine.run(
        // A list of five values or more would become a join, whose rows come in any order.
        "SET disabled_optimizers = 'in_clause'; SET enable_progress_bar = true; SET enable_progress_bar_print = false; SET progress_bar_time = 0",
      );
      return engine;
    } catch (error) {
      instance.closeSync();
      throw error;
    }
  }

  /**
   * From now on no statement reaches any file but these (paths or patterns as its readers are given them) and temporary
   * ones, whatever a view in a database says; what is put on disk beside memory is bounded. Not to be undone.
   * @param sourceBytes of the files, unpacked as far as that is known
   */
  async lock(paths: readonly string[], sourceBytes: number): Promise<void> {
    const temporaryBytes = this.#memoryLimitBytes + TEMPORARY_BYTES_PER_BYTE * sourceBytes;
    await this.run(
      `SET max_temp_directory_size = '${Math.ceil(temporaryBytes / 1e6)}MB'; SET allowed_paths = ${Engine.list(paths)}; SET enable_external_access = false; SET lock_configuration = true`,
    );
  }

  /** A temporary file to be written and then read by its path, gone on close. */
  async spoolFile(name: string): Promise<SpoolFile> {
    await makeFolder(this.#temporaryDirectory);
    const file = await createSpoolFile(this.#temporaryDirectory, name);
    this.#spooled.push(file);
    return file;
  }

  /** Runs a statement to its end and gives its result. @throws FewfireError; the signal's reason when aborted */
  async run(sql: string, options: StatementOptions = {}): Promise<Chunks> {
    const { signal, onShare } = options;
    throwIfAborted(signal);
    const before = this.#last;
    const connection = this.#connection;
    let interrupting: NodeJS.Timeout | undefined;
    let polling: NodeJS.Timeout | undefined;

    const statement = (async () => {
      await before;
      throwIfAborted(signal);
      if (this.#closed) throw new FewfireError('invalid-argument', 'the table is closed; open it again');
      if (onShare !== undefined) {
        polling = setInterval(() => {
          const { percentage } = connection.progress;
          if (percentage > 0) onShare(Math.min(1, percentage / 100));
        }, 100);
      }
      return await connection.run(sql);
    })().finally(() => {
      clearInterval(polling);
      clearInterval(interrupting);
    });
    this.#last = statement.catch(() => undefined);

    let onAbort: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => {
        // An interrupt that arrives before the statement has begun is forgotten, so it is repeated.
        connection.interrupt();
        interrupting = setInterval(() => connection.interrupt(), 10);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
    });
    try {
      const result = await Promise.race([statement, aborted]);
      throwIfAborted(signal);
      return chunksOf(result, signal);
    } catch (error) {
      throwIfAborted(signal);
      throw duckdbError(error, options.label);
    } finally {
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
    }
  }

  /** The rows of a small result. */
  async rows(sql: string, options: StatementOptions = {}): Promise<unknown[][]> {
    const rows: unknown[][] = [];
    for await (const chunk of await this.run(sql, options)) rows.push(...chunk.getRows());
    return rows;
  }

  /** The one row of a result, as numbers. */
  async numbers(sql: string, options: StatementOptions = {}): Promise<(number | null)[]> {
    const [row] = await this.rows(sql, options);
    return row.map((value) => (value === null ? null : Number(value)));
  }

  /** Rows of a literal list, for `IN` lists of files and the like. */
  static list(texts: readonly string[]): string {
    return `[${texts.map(quoteLiteral).join(', ')}]`;
  }

  /** A name that nothing in this engine has: what is dropped in its own time must not be what another table has just made. */
  newName(kind: string): string {
    return `${kind}${this.#nameCount++}`;
  }

  /** Sets a variable to a bit string with a 1 for every byte that is not 0. */
  async setBits(variable: string, bytes: Uint8Array): Promise<void> {
    const digits = Buffer.from(bytes.map((byte) => (byte === 0 ? 0x30 : 0x31))).toString('latin1');
    await this.run(`SET VARIABLE ${variable} = '${digits}'::BIT`);
  }

  /**
   * Appends rows to a table, a part at a time: one array of cells per column, at most 2048 rows in a part.
   * @throws what `parts` throws; the signal's reason when aborted
   */
  async append(
    table: string,
    types: readonly AppendType[],
    parts: Iterable<readonly (readonly unknown[])[]>,
    signal?: AbortSignal,
  ): Promise<void> {
    const { BIGINT, BOOLEAN, DuckDBDataChunk, DOUBLE, FLOAT, UBIGINT, VARCHAR } = loadDuckdb();
    const chunkTypes = types.map((type) => ({ BIGINT, BOOLEAN, DOUBLE, FLOAT, UBIGINT, VARCHAR })[type]);
    const before = this.#last;
    // In the queue like a statement: the appender's flush must not meet another statement on this connection.
    const appending = (async () => {
      await before;
      const appender = await this.#connection.createAppender(table);
      try {
        const turn = createTurn(signal);
        for (const part of parts) {
          await turn();
          const chunk = DuckDBDataChunk.create(chunkTypes, part[0].length);
          part.forEach((cells, i) => {
            chunk.setColumnValues(i, cells as DuckDBValue[]);
          });
          appender.appendDataChunk(chunk);
        }
      } finally {
        appender.closeSync();
      }
    })();
    this.#last = appending.catch(() => undefined);
    await appending;
  }

  /** Waits for the running statement, then frees the database and its temporary files. May be called twice. */
  async close(): Promise<void> {
    await this.#last;
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.disconnectSync();
    this.#instance.closeSync();
    for (const file of this.#spooled) await file.close();
    await removeFolder(this.#temporaryDirectory);
  }
}

const DEFAULT_MEMORY_BYTES = 4e9;
/** Of the memory allowed: the rest is for points, targets and the fit. */
const ENGINE_SHARE = 0.4;
const LEAST_BYTES = 24e6;
const BYTES_PER_THREAD = 64e6;
/** A cell takes 16 bytes in the engine, and with its delimiter at least two in a file; packed files have several for each. */
const TEMPORARY_BYTES_PER_BYTE = 32;

async function* chunksOf(
  result: { fetchChunk(): Promise<DuckDBDataChunk | null> },
  signal: AbortSignal | undefined,
): AsyncGenerator<DuckDBDataChunk> {
  for (;;) {
    throwIfAborted(signal);
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return;
    yield chunk;
  }
}

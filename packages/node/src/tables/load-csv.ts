/**
 * CSV into the engine's table `data`, every cell as text. Plain files go to the engine's reader as they are, with a scan of
 * the same bytes beside it; any other is written anew first, all of a pattern into one temporary file.
 */
import { FewfireError } from '@fewfire/core';
import { duplicateColumns, repeatedNames, throwIfAborted } from '@fewfire/core/internal';
import {
  CSV_HEAD_BYTES,
  type CsvDialect,
  type CsvHeader,
  type CsvScan,
  NotPlain,
  type PlainCsv,
  plainCsv,
  plainDelimiter,
  readCsvHeader,
  scanCsv,
} from './csv.ts';
import { decodeText } from './encoding.ts';
import type { Engine } from './engine.ts';
import { refuseOtherColumns, type Source } from './source.ts';
import { fileBytes, fileList, firstBytes, type LoadOptions, readable, surveyed } from './source-bytes.ts';
import { normalText, quoteLiteral } from './sql.ts';
import type { SpoolFile } from './temporary.ts';

/** The headers of all files of a source. @throws FewfireError `invalid-data` */
export async function readHeaders(
  source: Source,
  label: string,
  dialect: CsvDialect,
  signal: AbortSignal | undefined,
): Promise<CsvHeader[]> {
  const headers: CsvHeader[] = [];
  for (const path of source.paths) {
    const name = source.paths.length === 1 ? label : path;
    const head = await firstBytes(fileBytes(path, source.gzip, name, signal), CSV_HEAD_BYTES);
    const header = readCsvHeader(head, head.length < CSV_HEAD_BYTES, name, dialect);
    const repeated = repeatedNames(header.names);
    if (repeated.length > 0) throw duplicateColumns(name, repeated);
    const [first] = headers;
    if (first !== undefined) refuseOtherColumns(source, path, first.names, header.names);
    if (first !== undefined && first.delimiter !== header.delimiter) {
      throw new FewfireError(
        'invalid-data',
        `${path} separates cells by ${JSON.stringify(header.delimiter)}, expected ${JSON.stringify(first.delimiter)} as in ${source.paths[0]}; convert one of them`,
      );
    }
    headers.push(header);
  }
  return headers;
}

// The reader holds several of these for each thread.
const CSV_BUFFER_BYTES = 4e6;

/** Makes the table `data` and gives the number of records counted. @throws FewfireError */
export async function loadTexts(
  engine: Engine,
  source: Source,
  headers: readonly CsvHeader[],
  run: LoadOptions,
): Promise<number> {
  // What is not plain may be found when the engine is locked already.
  const spool = await engine.spoolFile('plain.csv');
  await engine.lock(readable([...source.paths, spool.path]), run.byteCount);
  const asItIs = headers.every(({ isPlain }) => isPlain)
    ? await loadAsItIs(engine, source, headers[0], run)
    : undefined;
  return asItIs ?? (await loadWrittenAnew(engine, source, headers, spool, run));
}

// The statement that makes the table of texts from what a call of the engine's reader gives.
function csvTable(
  names: readonly string[],
  paths: readonly string[],
  delimiter: string,
  more: string,
  bufferBytes: number,
): string {
  const cells = names.map((_, i) => `c${i}`);
  const types = cells.map((cell) => `${cell}: 'VARCHAR'`).join(', ');
  const reader = `read_csv(${fileList(paths)}, auto_detect = false, ${more}, strict_mode = true, delim = ${quoteLiteral(delimiter)}, quote = '"', escape = '"', columns = {${types}}, hive_partitioning = false, buffer_size = ${bufferBytes})`;
  return `CREATE TABLE data AS SELECT ${cells.map((cell) => `${normalText(cell)} AS ${cell}`).join(', ')} FROM ${reader}`;
}

// By the engine's own reader, with a scan of the same bytes beside it. Gives the number of records, or undefined if the
// files have to be written anew.
async function loadAsItIs(
  engine: Engine,
  source: Source,
  { names, delimiter }: CsvHeader,
  run: LoadOptions,
): Promise<number | undefined> {
  const more = `header = true, compression = '${source.gzip ? 'gzip' : 'none'}'`;
  const sql = csvTable(names, source.paths, delimiter, more, CSV_BUFFER_BYTES);
  try {
    const recordCount = await loadBesideScan(engine, sql, source, run, (label) =>
      scanCsv(label, delimiter, names.length),
    );
    const [rowCount] = await engine.numbers('SELECT count(*) FROM data', run);
    if (rowCount === recordCount) return recordCount;
  } catch (error) {
    if (!(error instanceof NotPlain)) throw error;
  }
  return undefined;
}

async function loadWrittenAnew(
  engine: Engine,
  source: Source,
  headers: readonly CsvHeader[],
  spool: SpoolFile,
  run: LoadOptions,
): Promise<number> {
  const [{ names, delimiter }] = headers;
  const result: PlainCsv = { recordCount: 0, longestBytes: 0 };
  run.digest.restart();
  await engine.run('DROP TABLE IF EXISTS data', { signal: run.signal });
  for (const [i, path] of source.paths.entries()) {
    const label = source.paths.length === 1 ? run.label : path;
    const header = headers[i];
    const encoding = header.encodingIsSure
      ? header.encoding
      : await surveyed(fileBytes(path, source.gzip, label, run.signal), header.encoding, label, run, header.delimiter);
    const texts = decodeText(fileBytes(path, source.gzip, label, run.signal, run.digest), encoding, label);
    await spool.write(plainCsv(texts, header, label, result));
  }
  const bufferBytes = Math.max(CSV_BUFFER_BYTES, 2 * result.longestBytes);
  const more = "header = false, new_line = '\\n', compression = 'none'";
  await engine.run(csvTable(names, [spool.path], plainDelimiter(delimiter), more, bufferBytes), run);
  return result.recordCount;
}

// Runs the statement that loads, and a scan of the same bytes beside it; of two errors the scan's is the clearer.
async function loadBesideScan(
  engine: Engine,
  sql: string,
  source: Source,
  run: LoadOptions,
  createScan: (label: string) => CsvScan,
): Promise<number> {
  const failed = new AbortController();
  const signals = run.signal === undefined ? [failed.signal] : [run.signal, failed.signal];
  const scanning = (async () => {
    let records = 0;
    for (const path of source.paths) {
      const label = source.paths.length === 1 ? run.label : path;
      const scan = createScan(label);
      for await (const bytes of fileBytes(path, source.gzip, label, run.signal, run.digest)) scan.push(bytes);
      records += scan.finish();
    }
    return records;
  })().catch((error) => {
    failed.abort(error);
    throw error;
  });
  const loading = engine.run(sql, { ...run, signal: AbortSignal.any(signals) });
  const [scanned, loaded] = await Promise.allSettled([scanning, loading]);
  throwIfAborted(run.signal);
  if (scanned.status === 'rejected') throw scanned.reason;
  if (loaded.status === 'rejected') {
    const { reason } = loaded;
    const isData = reason instanceof FewfireError && ['invalid-data', 'file-unreadable'].includes(reason.code);
    throw isData ? new NotPlain(reason.message, { cause: reason }) : reason;
  }
  return scanned.value;
}

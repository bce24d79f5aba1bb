// The folder to check: its manifest.csv names the sets. Whatever is wrong with it is said in one line before anything runs.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { cellsOf, readRecords, readTable } from './csv.mjs';

const COLUMNS = ['file', 'target', 'task', 'rows', 'columns', 'missing_cells', 'source', 'licence'];

/** Fewer cannot be split into something to learn from and something to measure on. */
const LEAST_ROWS = 10;

const TASKS = ['binary', 'multiclass', 'regression'];

/** Thrown for what whoever typed the command can mend. */
export class CorpusError extends Error {}

/** @param {string} folder */
export function readManifest(folder) {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new CorpusError(`${folder} is no folder; expected one with a manifest.csv`);
  }
  const path = join(folder, 'manifest.csv');
  if (!existsSync(path)) throw new CorpusError(`${folder} has no manifest.csv; expected one with ${COLUMNS.join(',')}`);
  const { names, rows } = readManifestTable(path);
  const absent = COLUMNS.filter((name) => !names.includes(name));
  if (absent.length > 0) throw new CorpusError(`${path} lacks the columns ${absent.join(', ')}`);
  if (rows.length === 0) throw new CorpusError(`${path} names no sets`);
  const sets = rows.map((cells) =>
    readEntry(path, folder, Object.fromEntries(names.map((name, j) => [name, cells[j]]))),
  );
  const twice = sets.find(({ name }, i) => sets.findIndex((other) => other.name === name) < i);
  if (twice !== undefined) throw new CorpusError(`${path} names ${twice.name} twice`);
  return sets;
}

function readManifestTable(path) {
  try {
    return readTable(readFileSync(path));
  } catch (error) {
    throw new CorpusError(`${path}: ${error.message}`);
  }
}

function readEntry(path, folder, entry) {
  const name = basename(entry.file).replace(/\.csv(\.gz)?$/i, '');
  if (!/\.csv(\.gz)?$/i.test(entry.file)) throw new CorpusError(`${path}: ${entry.file} is neither .csv nor .csv.gz`);
  if (!TASKS.includes(entry.task)) {
    throw new CorpusError(`${path}: the task of ${name} is "${entry.task}"; expected ${TASKS.join(', ')}`);
  }
  const [rowCount, columnCount, missingCount] = [entry.rows, entry.columns, entry.missing_cells].map(Number);
  for (const count of [rowCount, columnCount, missingCount]) {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new CorpusError(`${path}: rows, columns and missing_cells of ${name} are not whole numbers`);
    }
  }
  const { target, task, source, licence } = entry;
  return { name, path: join(folder, entry.file), target, task, rowCount, columnCount, missingCount, source, licence };
}

/** The records of a set, held to what the manifest says of it. */
export function readSet({ name, path, target, rowCount, columnCount }) {
  if (!existsSync(path)) throw new CorpusError(`${name}: there is no file ${path}`);
  let records;
  try {
    const bytes = readFileSync(path);
    records = readRecords(/\.gz$/i.test(path) ? gunzipSync(bytes) : bytes);
  } catch (error) {
    throw new CorpusError(`${name}: cannot read ${path}: ${error.message}`);
  }
  const names = cellsOf(records.header);
  if (!names.includes(target)) throw new CorpusError(`${name}: ${path} has no column "${target}"`);
  if (records.rows.length !== rowCount || names.length !== columnCount + 1) {
    throw new CorpusError(
      `${name}: ${records.rows.length} rows and ${names.length - 1} columns beside the target; the manifest says ${rowCount} and ${columnCount}`,
    );
  }
  if (rowCount < LEAST_ROWS) throw new CorpusError(`${name}: ${rowCount} rows; expected at least ${LEAST_ROWS}`);
  return { ...records, names };
}

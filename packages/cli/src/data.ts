/** What the commands that read models and data share: opening, checking columns, and telling what was odd. */

import { setFlagsFromString } from 'node:v8';
import type {
  CellRules,
  ColumnDrift,
  DriftGuess,
  Model,
  Progress,
  TableFit,
  TreeNetwork,
  UnseenValue,
} from '@fewfire/core';
import { counted, integer, percentText } from '@fewfire/core/words';
import type { FileTable, TextEncoding } from '@fewfire/node';
import type { CommandFiles } from './command-files.ts';
import { withFlags } from './flags.ts';
import { listSome, printable, quoted } from './format.ts';
import type { TableOptions, WorkOptions } from './options.ts';
import { openProgress } from './progress.ts';
import type { Session } from './session.ts';

/** The options every long call takes. */
export interface Work {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  readonly threads: number;
  readonly memoryLimitBytes: number;
}

/** The same with what opening a table takes besides. */
export interface Reading extends Work {
  readonly files: Pick<CommandFiles, 'addInputs'>;
  /** How tables are read. */
  readonly encoding?: TextEncoding | undefined;
  readonly delimiter?: string | undefined;
  /** What was recognised about tables, told when the progress line is gone. */
  readonly tableNotes: string[];
}

/** Does `task` with a progress line, which is gone when it ends, however it ends. */
export async function withProgress<T>(
  session: Session,
  options: WorkOptions & TableOptions,
  task: (work: Work, reading: Reading) => Promise<T>,
): Promise<T> {
  collectEarly(options.memory);
  const tableNotes: string[] = [];
  const line = openProgress(options);
  // Ctrl-C clears the line at once: what the terminal echoes for it should not stand in a bar.
  session.signal.addEventListener('abort', line.close, { once: true });
  try {
    const work = {
      signal: session.signal,
      onProgress: line.report,
      threads: options.threads,
      memoryLimitBytes: options.memory,
    };
    return await task(work, {
      ...work,
      files: session.files,
      encoding: options.encoding,
      delimiter: options.delimiter,
      tableNotes,
    });
  } finally {
    session.signal.removeEventListener('abort', line.close);
    line.close();
    // Of a failure too: what a table was taken for may be why.
    if (options.quiet !== true) for (const note of tableNotes) session.tell(printable(withFlags(note)));
  }
}

/** Up to here what V8 lets dead objects take, beside what is counted against --memory, is too much. */
const SMALL_MEMORY_BYTES = 2e9;

// Rows come in parts whose objects die at once, and the engine's chunks with them: at the size it starts with, the young
// generation is collected more often, and the old one before it has grown (measured: 24 and 40 MB less at the peak of
// predict and score, some 5 % slower).
function collectEarly(memoryLimitBytes: number): void {
  if (memoryLimitBytes > SMALL_MEMORY_BYTES) return;
  for (const flag of ['--semi-space-growth-factor=1', '--optimize-for-size']) setFlagsFromString(flag);
}

/** Opens a table, which whoever asks closes. */
export async function openData(source: string, reading: Reading & { readonly rules?: CellRules }): Promise<FileTable> {
  const { openTable } = await import('@fewfire/node');
  const table = await openTable(source, reading);
  reading.tableNotes.push(...table.notes);
  return table;
}

/** Opens a table for the time of `task`. */
export async function withTable<T>(
  source: string,
  reading: Reading & { readonly rules?: CellRules },
  task: (table: FileTable) => Promise<T>,
): Promise<T> {
  const table = await openData(source, reading);
  try {
    // A pattern may match more by now than when it was first looked at.
    await reading.files.addInputs(source, table.provenance.paths);
    return await task(table);
  } finally {
    await table.close();
  }
}

/** @throws FewfireError `file-not-found`, `file-unreadable`, `model-file` */
export async function readModel(path: string, session: Session): Promise<Model> {
  const { readTextFile } = await import('@fewfire/node');
  const { parseModel } = await import('@fewfire/core');
  return await parseModel(await readTextFile(path, { signal: session.signal }), path);
}

/**
 * A model of a fit, or the trees of a network that was imported.
 * @throws FewfireError as `readModel`; `network-file` for a network of units; `memory-budget`
 */
export async function readModelOrTrees(
  path: string,
  session: Session,
  memoryLimitBytes: number,
): Promise<Model | TreeNetwork> {
  const { FewfireError, isTreeNetwork, parseAnyNetwork, parseModel } = await import('@fewfire/core/internal');
  const { readTextFile } = await import('@fewfire/node');
  const original = (cause?: unknown): Error =>
    new FewfireError(
      'model-file',
      `${path} is a model of another program; import it first: fewfire network import ${path} --out net.json`,
      { cause },
    );
  const text = await readTextFile(path, { signal: session.signal }).catch((error) => {
    const isBinary = error instanceof FewfireError && /is not UTF-8/.test(error.message);
    throw isBinary && /\.(ubj|onnx)$/i.test(path) ? original(error) : error;
  });
  // A file says what it is at its start.
  if (/^\s*\{\s*"learner"\s*:/.test(text.slice(0, 200))) throw original();
  if (!/^\s*\{\s*"format"\s*:\s*"fewfire-network"/.test(text.slice(0, 200))) return await parseModel(text, path);
  const network = await parseAnyNetwork(text, path, { memoryLimitBytes });
  if (isTreeNetwork(network)) return network;
  throw new FewfireError(
    'network-file',
    `${path} is a network of units, which is no model of a table; expected a model written by fewfire fit --out, or trees: fewfire network import --out net.json`,
  );
}

/** The report of a fit, as one HTML page. */
export async function reportPage({ model, testRows }: Pick<TableFit, 'model' | 'testRows'>): Promise<string> {
  const { fitReport } = await import('@fewfire/core');
  const { fitReportPage } = await import('@fewfire/report');
  return fitReportPage(fitReport(model, testRows), { messageText: withFlags });
}

/** One line per column with values that the model does not know: not in the training data, or too rare there to be kept. */
export async function unseenLines(model: Model, unseen: readonly UnseenValue[]): Promise<string[]> {
  const { CATEGORY_LIMIT, listNames, UNSEEN_LIMIT } = await import('@fewfire/core/internal');
  return [...new Set(unseen.map((entry) => entry.column))].map((column) => {
    const values = unseen.filter((entry) => entry.column === column);
    const rows = values.reduce((sum, entry) => sum + entry.count, 0);
    const coding = model.encoder.columns.find((entry) => entry.column === column)?.coding;
    // A full list of categories means that there were more.
    const cut = coding?.kind === 'categories' && coding.values.length >= CATEGORY_LIMIT;
    const as =
      coding?.kind === 'categories'
        ? coding.reference === null
          ? 'counted as other'
          : `counted as ${quoted(coding.reference)}`
        : coding?.kind === 'two-valued' && coding.no !== ''
          ? `counted as ${quoted(coding.no)}`
          : 'counted as no';
    const which =
      values.length === 1
        ? `the value ${quoted(values[0].value)} in ${counted(rows, 'row')} ${cut ? 'is' : 'was'}`
        : `${values.length}${values.length >= UNSEEN_LIMIT ? ' or more' : ''} values in ${counted(rows, 'row')} (${listNames(
            values.map((entry) => entry.value),
            3,
          )}) ${cut ? 'are' : 'were'}`;
    return `column ${quoted(column)}: ${which} ${cut ? 'not among the values the model keeps' : 'not in the training data'}; ${as}`;
  });
}

const DRIFTS_SHOWN = 10;

/** One line per column that is not as it was at the fit; of many the first ones, and how many more. */
export function driftLines(drift: readonly ColumnDrift[]): string[] {
  const lines = drift
    .slice(0, DRIFTS_SHOWN)
    .map(({ column, coordinate, expected, found, expectedRowCount, rowCount, guess }) => {
      const shares = `${quoted(coordinate)} is yes in ${percentText(found)} of ${counted(rowCount, 'row')}, at the fit in ${percentText(expected)} of ${integer(expectedRowCount)}`;
      return `column ${quoted(column)} is not as it was at the fit: ${shares}${guess === null ? '' : `; ${asGuess(guess)}`}`;
    });
  const rest = drift.slice(DRIFTS_SHOWN).map(({ column }) => quoted(column));
  if (rest.length > 0) lines.push(`more columns that are not as they were at the fit: ${listSome(rest, 5)}`);
  return lines;
}

function asGuess(guess: DriftGuess): string {
  if (guess.kind === 'swapped') return `does it hold what belongs in ${quoted(guess.with)}?`;
  if (guess.kind === 'negated') return 'is it negated, or turned round?';
  return `are its numbers in another unit${guess.orNegated ? ', or negated' : ''}?`;
}

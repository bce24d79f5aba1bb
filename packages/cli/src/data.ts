/** What the commands that read models and data share: opening, checking before the work, and telling what was odd. */
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { Model, Progress, Table, TableFit, UnseenValue } from '@fewfire/core';
import type { FileTable } from '@fewfire/node';
import { counted, quoted } from './format.ts';
import type { WorkOptions } from './options.ts';
import { openProgress } from './progress.ts';
import type { Session } from './session.ts';

/** The options every long call takes. */
export interface Work {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  readonly threads: number;
  readonly memoryLimitBytes: number;
}

/** Does `task` with a progress line, which is gone when it ends, however it ends. */
export async function withProgress<T>(
  session: Session,
  options: WorkOptions,
  task: (work: Work) => Promise<T>,
): Promise<T> {
  const line = openProgress(options);
  // Ctrl-C clears the line at once: what the terminal echoes for it should not stand in a bar.
  session.signal.addEventListener('abort', line.close, { once: true });
  try {
    return await task({
      signal: session.signal,
      onProgress: line.report,
      threads: options.threads,
      memoryLimitBytes: options.memory,
    });
  } finally {
    session.signal.removeEventListener('abort', line.close);
    line.close();
  }
}

/** Opens a table for the time of `task`. */
export async function withTable<T>(source: string, work: Work, task: (table: FileTable) => Promise<T>): Promise<T> {
  const { openTable } = await import('@fewfire/node');
  const table = await openTable(source, work);
  try {
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
 * Refuses an output path that could not be written, before the work that would be lost.
 * @param inputs files that are read; writing over one of them is refused too
 * @throws FewfireError `file-unwritable`
 */
export async function checkOutput(path: string, inputs: readonly string[]): Promise<void> {
  const { FewfireError } = await import('@fewfire/core');
  const refuse = (why: string, cause?: unknown): never => {
    throw new FewfireError('file-unwritable', `cannot write ${path}: ${why}`, { cause });
  };
  const existing = await stat(path).catch(() => undefined);
  if (existing?.isDirectory()) refuse('it is a directory; add a file name');
  // A device or pipe is written to in place.
  const target = existing === undefined ? path : await realpath(path);
  const inPlace = existing !== undefined && !existing.isFile();
  const directory = dirname(target);
  if (!inPlace) {
    const parent = await stat(directory).catch(() => undefined);
    if (parent === undefined) refuse(`the directory ${directory} does not exist; create it first`);
    if (parent?.isDirectory() === false) refuse(`${directory} is not a directory; choose another path`);
    if (path.endsWith('/') || basename(path) === '') refuse('it is a directory; add a file name');
  }
  try {
    if (existing !== undefined) await access(target, constants.W_OK);
    if (!inPlace) await access(directory, constants.W_OK | constants.X_OK);
  } catch (cause) {
    refuse('permission denied; choose another path or change the permissions', cause);
  }
  for (const input of inputs) {
    const same = existing !== undefined && (await realpath(input).catch(() => undefined)) === target;
    if (same) refuse('it is also what is read; choose another path');
  }
}

/**
 * Refuses a report that could not be written, or would take the place of the model, before the work.
 * @throws FewfireError `file-unwritable`, `invalid-argument`
 */
export async function checkReport(path: string, out: string | undefined, inputs: readonly string[]): Promise<void> {
  const { FewfireError } = await import('@fewfire/core');
  if (path === '-') {
    throw new FewfireError('invalid-argument', '--report is -; expected a file name, such as report.html');
  }
  if (out !== undefined && resolve(out) === resolve(path)) {
    throw new FewfireError('invalid-argument', `--out and --report are both ${path}; expected two files`);
  }
  await checkOutput(path, inputs);
}

/** The report of a fit, as one HTML page. */
export async function reportPage({ model, testRows }: Pick<TableFit, 'model' | 'testRows'>): Promise<string> {
  const { fitReport } = await import('@fewfire/core');
  const { fitReportPage } = await import('@fewfire/report');
  return fitReportPage(fitReport(model, testRows));
}

/**
 * Writes files that belong together: an abort leaves all of them or none, so all texts are made before.
 * @throws FewfireError `file-unwritable`
 */
export async function writeTogether(
  files: readonly { readonly path: string; readonly text: string }[],
  signal: AbortSignal,
): Promise<void> {
  const { writeFileAtomic } = await import('@fewfire/node');
  // Once the first is there, the others are too: from then on the signal is not listened to.
  for (const [i, { path, text }] of files.entries()) await writeFileAtomic(path, text, i === 0 ? { signal } : {});
}

/**
 * Refuses data without the columns a model reads, naming all of them at once.
 * @param also a column that is needed besides, as the target is for scoring
 * @throws FewfireError `invalid-data`
 */
export async function checkColumns(model: Model, path: string, table: Table, also?: string): Promise<void> {
  const { closestName, FewfireError, listNames } = await import('@fewfire/core');
  const names = table.columns.map(({ name }) => name);
  const needed = model.encoder.columns.map(({ column }) => column);
  if (also !== undefined) needed.push(also);
  const lacking = needed.filter((name) => !names.includes(name));
  if (lacking.length === 0) return;
  const close = lacking.length === 1 ? closestName(lacking[0], names) : undefined;
  const hint =
    close === undefined
      ? `expected the columns it was fitted on; these are ${listNames(names)}`
      : `is ${JSON.stringify(close)} the same column? rename it`;
  throw new FewfireError(
    'invalid-data',
    `${table.label} lacks ${lacking.length} of the ${counted(needed.length, 'column')} that ${path} needs: ${listNames(lacking)}; ${hint}`,
  );
}

/** One line per column with values that the model does not know: not in the training data, or too rare there to be kept. */
export async function unseenLines(model: Model, unseen: readonly UnseenValue[]): Promise<string[]> {
  const { CATEGORY_LIMIT, listNames, UNSEEN_LIMIT } = await import('@fewfire/core');
  return [...new Set(unseen.map((entry) => entry.column))].map((column) => {
    const values = unseen.filter((entry) => entry.column === column);
    const rows = values.reduce((sum, entry) => sum + entry.count, 0);
    const coding = model.encoder.columns.find((entry) => entry.column === column)?.coding;
    // A full list of categories means that there were more.
    const cut = coding?.kind === 'categories' && coding.values.length >= CATEGORY_LIMIT;
    const as =
      coding?.kind === 'categories'
        ? `counted as ${quoted(coding.reference)}`
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

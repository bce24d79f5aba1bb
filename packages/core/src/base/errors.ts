/**
 * The one error class of fewfire. A message says what went wrong, what was
 * found, what was expected and what to do; `code` is for programs.
 */
import { closestName, nearestFirst } from './nearest-names.ts';

/** What kind of error a `FewfireError` is. */
export type FewfireErrorCode =
  | 'invalid-argument' // an option or argument outside its range
  | 'unknown-column' // a column name that the table does not have
  | 'missing-values' // cells without a value where none are allowed
  | 'invalid-data' // data that cannot be learned from: text among numbers, NaN, one-valued target, ...
  | 'memory-budget' // the job would need more memory than allowed
  | 'model-file' // a model file that is damaged, edited or from a newer version
  | 'network-file' // the same of a network file
  | 'file-not-found'
  | 'file-unreadable'
  | 'file-unwritable'
  | 'not-converged' // a solver stopped before the tolerance that was asked for
  | 'unsupported'; // something the platform or this version cannot do

/**
 * The one error of fewfire: `code` is for programs, the message says what was expected, what was found and what to do.
 * @example
 * ```ts
 * import { FewfireError, fitTable, memoryTable } from '@fewfire/core';
 *
 * try {
 *   await fitTable(memoryTable({ a: [1, 2] }), { target: 'b' });
 * } catch (error) {
 *   console.log(error instanceof FewfireError, error.code); // true unknown-column
 * }
 * ```
 */
export class FewfireError extends Error {
  readonly code: FewfireErrorCode;

  constructor(code: FewfireErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'FewfireError';
    this.code = code;
  }
}

/** The error an aborted call rejects with: a DOMException named AbortError, or the signal's own reason. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  signal?.throwIfAborted();
}

/** Lists names for a message: at most `most` of them, then how many of the `count` were left out. */
export function listNames(names: readonly string[], most = 5, count: number = names.length): string {
  const shown = names.slice(0, most).map((name) => JSON.stringify(name));
  const rest = count - shown.length;
  return shown.join(', ') + (rest > 0 ? ` and ${rest.toLocaleString('en-US')} more` : '');
}

/** Lists candidates for a message as `listNames` does, the nearest to any of `names` first where not all are listed. */
export function listNearest(names: readonly string[], candidates: readonly string[], most = 12): string {
  return listNames(candidates.length > most ? nearestFirst(names, candidates) : candidates, most);
}

/** What to do about a name that is none of `candidates`: the one likely meant, or which there are, after `lead`. */
export function suggestName(name: string, candidates: readonly string[], lead: string, most = 12): string {
  const close = closestName(name, candidates);
  return close === undefined
    ? `${lead} ${listNearest([name], candidates, most)}`
    : `did you mean ${JSON.stringify(close)}?`;
}

/** An `unknown-column` error with a suggestion. */
export function unknownColumn(name: string, columns: readonly string[], where: string): FewfireError {
  const hint = suggestName(name, columns, 'its columns are');
  return new FewfireError('unknown-column', `${where} has no column ${JSON.stringify(name)}; ${hint}`);
}

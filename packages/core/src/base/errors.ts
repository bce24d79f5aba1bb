/**
 * The one error class of fewfire. A message says what went wrong, what was
 * found, what was expected and what to do; `code` is for programs.
 */
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

/** The candidate closest to `name` by edit distance, if it is close enough to be a likely typo. */
export function closestName(name: string, candidates: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best;
}

/** An `unknown-column` error with a suggestion. */
export function unknownColumn(name: string, columns: readonly string[], where: string): FewfireError {
  const close = closestName(name, columns);
  const hint =
    close !== undefined ? `did you mean ${JSON.stringify(close)}?` : `its columns are ${listNames(columns, 12)}`;
  return new FewfireError('unknown-column', `${where} has no column ${JSON.stringify(name)}; ${hint}`);
}

// Levenshtein distance, abandoned (returning `limit`) once it cannot fall below `limit`.
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return Math.min(row[b.length], limit);
}

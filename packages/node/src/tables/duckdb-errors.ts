/**
 * DuckDB explains itself over twenty lines, options of its own included. Users get one line that says what is wrong
 * with their data and what to do; the original is kept as `cause`.
 */
import { FewfireError } from '@fewfire/core';
import { noRoom } from './temporary.ts';

/** Any error of a statement as a `FewfireError`; those that are one already pass through. */
export function duckdbError(error: unknown, label = 'the table'): unknown {
  if (error instanceof FewfireError || !(error instanceof Error)) return error;
  const { message } = error;
  const fail = (code: FewfireError['code'], text: string): FewfireError =>
    new FewfireError(code, text, { cause: error });

  const line = /CSV Error on Line: (\d+)/.exec(message)?.[1];
  if (line !== undefined) {
    const fields = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message);
    if (fields !== null) return raggedLine(label, Number(line), Number(fields[2]), Number(fields[1]), error);
    if (/unicode|utf-8/i.test(message)) return notUtf8(label, Number(line), error);
    if (/quote/i.test(message)) {
      return fail(
        'invalid-data',
        `line ${line} of ${label} has a quoted cell that is not closed as it should be; expected "…" with inner quotes doubled`,
      );
    }
  }
  if (/state machine reached an invalid state/.test(message)) {
    return fail(
      'invalid-data',
      `${label} mixes line endings or quotes cells in an unusual way; expected one kind of line ending and RFC 4180 quotes: save it again as CSV`,
    );
  }
  if (/unicode|utf-?8/i.test(message)) return notUtf8(label, undefined, error);
  if (/not a GZIP stream/i.test(message)) {
    return fail('file-unreadable', `${label} ends in .gz but is not gzip-compressed; remove the .gz from its name`);
  }
  if (/No magic bytes|too small to be a Parquet|not a Parquet|Invalid.*(footer|magic)/i.test(message)) {
    return fail('file-unreadable', `${label} is not a Parquet file, or a truncated one; check where it came from`);
  }
  const other = /Cannot access (?:file|directory) "([^"]*)" - file system operations are disabled/.exec(message)?.[1];
  if (other !== undefined) {
    return fail(
      'unsupported',
      `${label} reads another file, ${other}: a view does that, and only the file that was named is read; write the rows you want into a table, or name that file`,
    );
  }
  if (/max_temp_directory_size/.test(message)) {
    return fail(
      'memory-budget',
      `${label} has more rows than fit in memory and the temporary files allowed beside it; is it a view without end? raise \`memoryLimitBytes\`, or write the rows you want into a table`,
    );
  }
  // Of the engine's folder for what it puts aside; what is written otherwise says so itself.
  if (/Failed to create directory/.test(message)) return noRoom(/No such/.test(message) ? 'ENOENT' : 'ENOTDIR', error);
  if (/failed to offload/.test(message)) return noRoom('ENOSPC', error);
  if (/Out of Memory/i.test(message)) {
    return fail('memory-budget', `reading ${label} needs more memory than allowed; raise \`memoryLimitBytes\``);
  }
  return fail('file-unreadable', `cannot read ${label}: ${firstSentence(message)}`);
}

/** The error for a line with another number of cells than the header. */
export function raggedLine(
  label: string,
  line: number,
  found: number,
  expected: number,
  cause?: unknown,
): FewfireError {
  return new FewfireError(
    'invalid-data',
    `line ${line} of ${label} has ${found} ${found === 1 ? 'field' : 'fields'}, expected ${expected} as in the header; correct the line (a cell that holds the delimiter or a line break must be in double quotes)`,
    { cause },
  );
}

/** The error for text in another encoding. */
export function notUtf8(label: string, line: number | undefined, cause?: unknown): FewfireError {
  return new FewfireError(
    'invalid-data',
    `${line === undefined ? label : `line ${line} of ${label}`} is not UTF-8 text; convert it, for example with iconv -f latin1 -t utf-8`,
    { cause },
  );
}

// "Invalid Input Error: Malformed JSON in file ...: unexpected end of data. \n\nLINE 1: ..." -> its helpful part
function firstSentence(message: string): string {
  const [first] = message.replace(/^[A-Z][A-Za-z ]* Error: /, '').split(/\n/);
  return first.trim().replace(/[.\s]+$/, '');
}

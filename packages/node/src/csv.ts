/**
 * Our own look at a CSV file. DuckDB's sniffer takes a ragged file for one column and renames duplicate names, and even
 * its strict reader has skipped rows without a word (a line break inside a quoted header, a truncated gzip stream). So
 * the dialect and header are fixed here first, and while DuckDB reads, a scan over the same bytes counts fields and
 * records: the table must have exactly as many rows.
 */
import { isUtf8 } from 'node:buffer';
import { FewfireError } from '@fewfire/core';
import { notUtf8, raggedLine } from './duckdb-errors.ts';

export interface CsvHeader {
  readonly delimiter: string;
  readonly names: readonly string[];
}

const DELIMITERS = [',', ';', '\t', '|'];

/** How much of a file is looked at to find its header. */
export const CSV_HEAD_BYTES: number = 1 << 20;

/**
 * Reads the header of a CSV file from its first bytes. The delimiter is the one that gives the first two records the
 * same number of fields, and the most of them.
 *
 * @param complete whether `head` is the whole file
 * @throws FewfireError `invalid-data`
 */
export function readCsvHeader(head: Uint8Array, complete: boolean, label: string, delimiter?: string): CsvHeader {
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) {
    throw new FewfireError('invalid-data', `${label} is UTF-16 text, expected UTF-8; save it as "CSV UTF-8"`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: !complete });
  } catch (cause) {
    throw notUtf8(label, firstOtherLine(head), cause);
  }
  if (text.trim() === '') {
    throw new FewfireError('invalid-data', `${label} is empty, expected a line with column names and rows below it`);
  }
  const candidates = (delimiter === undefined ? DELIMITERS : [delimiter]).map((candidate) => {
    const [header, second] = firstRecords(text, candidate);
    return { delimiter: candidate, header, agrees: second === undefined || second.length === header?.length };
  });
  const best = candidates.reduce((a, b) => {
    const better = b.agrees === a.agrees ? fields(b) > fields(a) : b.agrees && fields(b) > 1;
    return better || (a.agrees && fields(a) === 1 && fields(b) > 1) ? b : a;
  });
  if (best.header === undefined) {
    throw new FewfireError(
      'invalid-data',
      `the first line of ${label} has no end within ${CSV_HEAD_BYTES >> 20} MB, expected column names; is a quote left open?`,
    );
  }
  const names = best.header.map((name, i) => name.trim() || `column${i + 1}`);
  if (names.length === 1 && best.header[0].trim() === '') {
    throw new FewfireError('invalid-data', `the first line of ${label} is empty, expected column names`);
  }
  return { delimiter: best.delimiter, names };
}

// The number of the first line that is not UTF-8. Line ends are the same bytes in every encoding CSV comes in.
function firstOtherLine(bytes: Uint8Array): number {
  let line = 1;
  let start = 0;
  for (
    let end = bytes.indexOf(0x0a);
    end >= 0 && isUtf8(bytes.subarray(start, end));
    end = bytes.indexOf(0x0a, start)
  ) {
    start = end + 1;
    line++;
  }
  return line;
}

function fields(candidate: { readonly header: readonly string[] | undefined }): number {
  return candidate.header?.length ?? 0;
}

// The first two records; the second is missing when the text ends before it does.
function firstRecords(text: string, delimiter: string): [string[] | undefined, string[] | undefined] {
  const records: string[][] = [];
  let record: string[] = [];
  let cell = '';
  let quoted = false;
  let closed = false;
  const endCell = (): void => {
    record.push(cell);
    cell = '';
    closed = false;
  };
  for (let i = 0; i < text.length && records.length < 2; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '"') {
        quoted = false;
        closed = true;
      } else cell += c;
    } else if (c === '"' && (closed || cell === '')) {
      if (closed) cell += '"';
      quoted = true;
      closed = false;
    } else if (c === delimiter) endCell();
    else if (c === '\n' || c === '\r') {
      if (c === '\r' && text[i + 1] === '\n') i++;
      endCell();
      records.push(record);
      record = [];
    } else cell += c;
  }
  if (!quoted && records.length < 2 && (record.length > 0 || cell !== '' || closed)) {
    endCell();
    records.push(record);
  }
  return [records[0], records[1]];
}

/** Counts the records of a CSV file as its bytes pass by. */
export interface CsvScan {
  /** @throws FewfireError `invalid-data` at a ragged line */
  push(bytes: Uint8Array): void;
  /** Records below the header. @throws FewfireError `invalid-data` */
  finish(): number;
}

/** A scan that expects every record to have `fieldCount` fields. Blank lines count only in a file with one column. */
export function scanCsv(label: string, delimiter: string, fieldCount: number): CsvScan {
  const DELIMITER = delimiter.charCodeAt(0);
  const QUOTE = 0x22;
  const LF = 0x0a;
  const CR = 0x0d;
  let records = 0;
  let line = 1;
  let recordLine = 1;
  let found = 1;
  let blank = true; // nothing but its end seen of the record
  let fieldStart = true;
  let quoted = false;
  let closed = false; // just behind a closing quote
  let afterCr = false;
  let quotedAfterCr = false;
  let position = 0;

  const endRecord = (): void => {
    if (!blank || fieldCount === 1) {
      if (found !== fieldCount) throw raggedLine(label, recordLine, found, fieldCount);
      records++;
    }
    line++;
    recordLine = line;
    found = 1;
    blank = true;
    fieldStart = true;
    closed = false;
  };

  return {
    push(bytes) {
      let i = 0;
      // A byte-order mark is not a cell.
      if (position === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) i = 3;
      position += bytes.length;
      for (; i < bytes.length; i++) {
        const b = bytes[i];
        if (quoted) {
          if (b === QUOTE) {
            quoted = false;
            closed = true;
          } else if (b === LF ? !quotedAfterCr : b === CR) line++;
          quotedAfterCr = b === CR;
          continue;
        }
        if (b === LF && afterCr) {
          afterCr = false;
          continue;
        }
        afterCr = false;
        if (b === DELIMITER) {
          found++;
          blank = false;
          fieldStart = true;
          closed = false;
        } else if (b === LF) endRecord();
        else if (b === CR) {
          endRecord();
          afterCr = true;
        } else {
          if (b === QUOTE && (fieldStart || closed)) quoted = true;
          blank = false;
          fieldStart = false;
          closed = false;
        }
      }
    },
    finish() {
      if (quoted) {
        throw new FewfireError(
          'invalid-data',
          `the record at line ${recordLine} of ${label} opens a quote that is never closed; expected "…" with inner quotes doubled`,
        );
      }
      if (!blank) endRecord();
      return Math.max(0, records - 1);
    },
  };
}

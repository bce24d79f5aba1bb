/**
 * Our own look at a CSV file. DuckDB's sniffer takes a ragged file for one column and renames duplicate names, and even
 * its strict reader has skipped rows without a word (a line break inside a quoted header, a truncated gzip stream). So
 * the dialect and header are fixed here first, and while DuckDB reads, a scan over the same bytes counts fields and
 * records: the table must have exactly as many rows. A file that is not plain is not given to DuckDB as it is: it is
 * written anew (`plainCsv`), in UTF-8, with one kind of line break and without its header.
 */
import { FewfireError } from '@fewfire/core';
import { type CsvRecord, recordCells, splitCsv } from './csv-records.ts';
import { notUtf8, raggedLine } from './duckdb-errors.ts';
import {
  checkUtf8,
  decodeHead,
  encodingNote,
  type KnownEncoding,
  sniffEncoding,
  type TextEncoding,
} from './encoding.ts';

export interface CsvHeader {
  readonly delimiter: string;
  readonly names: readonly string[];
  readonly encoding: KnownEncoding;
  /** Whether the encoding was named or marked, or follows from the first bytes only. */
  readonly encodingIsSure: boolean;
  /** Excel's `sep=;` stands above the header. */
  readonly hasSeparatorLine: boolean;
  /** Nothing seen so far that DuckDB's reader would take otherwise. */
  readonly isPlain: boolean;
  /** What was recognised that the name of the file does not say. */
  readonly notes: readonly string[];
}

export interface CsvDialect {
  readonly encoding: TextEncoding;
  /** One character; undefined to recognise it. */
  readonly delimiter: string | undefined;
  /** The name of the file says that cells stand between tabs. */
  readonly isTsv: boolean;
}

/** In order of what is chosen between equals: a comma is in texts and numbers, the others hardly ever. */
const DELIMITERS = ['\t', ';', '|', ','];

/** What no text has: of a file with one column every line is one cell, whatever it holds. */
const NO_DELIMITER = '\x1f';

/** How much of a file is looked at to find its header. */
export const CSV_HEAD_BYTES: number = 1 << 20;

/** How many characters the delimiter is found by, if the header is not longer. */
const SAMPLE_LENGTH = 1 << 16;

/**
 * Reads the header of a CSV file from its first bytes.
 * @param complete whether `head` is the whole file
 * @throws FewfireError `invalid-data`
 */
export function readCsvHeader(head: Uint8Array, complete: boolean, label: string, dialect: CsvDialect): CsvHeader {
  const encoding =
    dialect.encoding === 'auto' ? sniffEncoding(head, complete, label, dialect.delimiter) : dialect.encoding;
  let text: string;
  try {
    text = decodeHead(head, encoding, complete, label);
  } catch (error) {
    if (encoding !== 'utf-8') throw error;
    throw notUtf8(label, faultyLine(head), error);
  }
  if (text.trim() === '') {
    throw new FewfireError('invalid-data', `${label} is empty, expected a line with column names and rows below it`);
  }
  const separator = /^"?sep=([^\r\n"])"?(?=[\r\n])/i.exec(text);
  const body = separator === null ? text : text.slice(separator[0].length).replace(/^(?:\r\n|\r|\n)/, '');
  const found = chooseDelimiter(body, complete, label, dialect, separator?.[1]);
  if (found.header === undefined) {
    throw new FewfireError(
      'invalid-data',
      `the first line of ${label} has no end within ${CSV_HEAD_BYTES >> 20} MB, expected column names; is a quote left open?`,
    );
  }
  const cells = recordCells(found.header.text, found.delimiter);
  const names = cells.map((name, i) => name.trim() || `column${i + 1}`);
  if (names.length === 1 && cells[0].trim() === '') {
    throw new FewfireError('invalid-data', `the first line of ${label} is empty, expected column names`);
  }
  const notes: string[] = [];
  if (encoding !== 'utf-8' && dialect.encoding === 'auto') {
    notes.push(encodingNote(encoding, label));
  }
  if (dialect.isTsv && dialect.delimiter === undefined && ![NO_DELIMITER, '\t'].includes(found.delimiter)) {
    notes.push(`${label}: cells are between ${JSON.stringify(found.delimiter)}, not tabs`);
  }
  const isKnown = DELIMITERS.includes(found.delimiter) || found.delimiter === NO_DELIMITER;
  const isFirst = found.header.line === 1 && separator === null;
  return {
    delimiter: found.delimiter,
    names,
    encoding,
    encodingIsSure: dialect.encoding !== 'auto' || encoding.startsWith('utf-16') || complete,
    hasSeparatorLine: separator !== null,
    isPlain: encoding === 'utf-8' && isKnown && isFirst && !found.header.isOdd && !/[\r\n]/.test(found.header.text),
    notes,
  };
}

// The number of the first line that is not UTF-8. Line ends are the same bytes in every encoding that is left.
function faultyLine(bytes: Uint8Array): number {
  const scan = checkUtf8();
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, start) + 1 || bytes.length;
    if (!scan.push(bytes.subarray(start, end))) return line;
    start = end;
  }
  return line;
}

// ---- the delimiter

interface Candidate {
  readonly delimiter: string;
  /** The first record that is not blank, if it is whole. */
  readonly header: { readonly text: string; readonly line: number; readonly isOdd: boolean } | undefined;
  readonly fieldCount: number;
  /** Of the records below it, how many have as many fields; 1 if there are none. */
  readonly agreement: number;
  /** How many records there are below it. */
  readonly belowCount: number;
  /** The number of fields that nine of ten records below have, if there is one. */
  readonly usual: number | undefined;
}

/**
 * A delimiter by which the header and all records looked at have the same number of fields, two or more. Commas may be
 * inside the cells of such a file, one to a cell (decimal commas), so only where they make more fields than that are they
 * the delimiter. Failing that the one that agrees best; a header without any is one column.
 */
function chooseDelimiter(
  body: string,
  complete: boolean,
  label: string,
  { delimiter, isTsv }: CsvDialect,
  separator: string | undefined,
): Candidate {
  const tryOne = (each: string): Candidate => {
    const sampled = tryDelimiter(body.slice(0, SAMPLE_LENGTH), complete && body.length <= SAMPLE_LENGTH, label, each);
    return sampled.header === undefined ? tryDelimiter(body, complete, label, each) : sampled;
  };
  const fixed = delimiter ?? separator;
  if (fixed !== undefined) return tryOne(fixed);
  const candidates = DELIMITERS.map(tryOne);
  const [tab] = candidates;
  if (isTsv && tab.fieldCount > 1) return tab;
  const several = candidates.filter(({ fieldCount }) => fieldCount > 1);
  // Three lines or more without what its name holds: the name of one column, as in "size, cm".
  const isColumn = candidates.every(({ usual = 1, agreement, fieldCount, belowCount }) => {
    return belowCount > 2 && usual === 1 && (fieldCount === 1 || agreement === 0);
  });
  if (several.length === 0 || isColumn) {
    const comma = candidates[3];
    const ragged = candidates.find(({ usual }) => usual !== undefined && usual > 1);
    return ragged ?? (comma.header === undefined ? comma : tryOne(NO_DELIMITER));
  }
  const agreed = several.filter(({ agreement }) => agreement === 1);
  const margin = ({ delimiter: each, fieldCount }: Candidate): number => (each === ',' ? fieldCount - 1 : fieldCount);
  // Of two that agree alike, the one by which quotes stand around cells.
  const isBetter = (b: Candidate, a: Candidate): boolean =>
    margin(b) > margin(a) || (margin(b) === margin(a) && a.header?.isOdd === true && b.header?.isOdd === false);
  if (agreed.length > 0) return agreed.reduce((a, b) => (isBetter(b, a) ? b : a));
  return several.reduce((a, b) =>
    b.agreement > a.agreement || (b.agreement === a.agreement && b.fieldCount >= a.fieldCount) ? b : a,
  );
}

function tryDelimiter(sample: string, complete: boolean, label: string, delimiter: string): Candidate {
  let header: Candidate['header'];
  const counts: number[] = [];
  const splitter = splitCsv(label, delimiter);
  const onRecord = ({ text, line, fieldCount, isBlank, isOdd }: CsvRecord): void => {
    if (isBlank) return;
    counts.push(fieldCount);
    header ??= { text, line, isOdd };
  };
  try {
    splitter.push(sample, onRecord);
    if (complete) splitter.finish(onRecord);
  } catch {
    // Quotes that close in the middle of a cell: not this delimiter, or a fault that is found when all is read.
    counts.push(0);
  }
  const [fieldCount = 0, ...rest] = counts;
  const agreement = rest.length === 0 ? 1 : rest.filter((count) => count === fieldCount).length / rest.length;
  const [middle] = [...rest].sort((a, b) => a - b).slice(rest.length >> 1);
  const isUsual = rest.filter((count) => count === middle).length >= 0.9 * rest.length;
  return {
    delimiter,
    header,
    fieldCount: header === undefined ? 0 : fieldCount,
    agreement,
    belowCount: rest.length,
    usual: isUsual ? middle : undefined,
  };
}

// ---- a file written anew

/** What became of a file written anew. */
export interface PlainCsv {
  recordCount: number;
  /** Bytes of the longest record. */
  longestBytes: number;
}

/** What stands between cells of a file written anew. */
export function plainDelimiter(delimiter: string): string {
  return DELIMITERS.includes(delimiter) ? delimiter : ',';
}

/**
 * The records below the header, each on a line of its own that ends in LF, with quotes as in RFC 4180.
 * @param result is kept up as records pass
 * @throws FewfireError `invalid-data`
 */
export async function* plainCsv(
  texts: AsyncIterable<string>,
  header: Pick<CsvHeader, 'delimiter' | 'names' | 'hasSeparatorLine'>,
  label: string,
  result: PlainCsv,
): AsyncGenerator<Uint8Array> {
  const { delimiter, names } = header;
  const between = plainDelimiter(delimiter);
  const splitter = splitCsv(label, delimiter);
  let toSkip = header.hasSeparatorLine ? 2 : 1;
  let lines: string[] = [];
  const onRecord = ({ text, line, fieldCount, isBlank, isOdd }: CsvRecord): void => {
    if (toSkip > 0) {
      if (!isBlank) toSkip--;
      return;
    }
    if (isBlank && names.length > 1) return;
    if (fieldCount !== names.length) throw raggedLine(label, line, fieldCount, names.length);
    const isPlain = !isOdd && !isBlank && between === delimiter && !text.startsWith('\ufeff');
    const plain = isPlain ? text : recordCells(text, delimiter).map(quoted).join(between);
    lines.push(plain);
    result.recordCount++;
    // A character has at most three bytes: few records need to be looked at.
    if (3 * plain.length > result.longestBytes) {
      result.longestBytes = Math.max(result.longestBytes, Buffer.byteLength(plain));
    }
  };
  const bytes = (): Uint8Array => {
    const text = lines.length === 0 ? '' : `${lines.join('\n')}\n`;
    lines = [];
    return Buffer.from(text);
  };
  for await (const text of texts) {
    splitter.push(text, onRecord);
    yield bytes();
  }
  splitter.finish(onRecord);
  yield bytes();
}

function quoted(cell: string): string {
  return `"${cell.replaceAll('"', '""')}"`;
}

// ---- a file as it is

/** Thrown at what DuckDB's reader may take otherwise: the file has to be written anew. */
export class NotPlain extends Error {}

/** Counts the records of a CSV file as its bytes pass by. */
export interface CsvScan {
  /** @throws FewfireError `invalid-data` at a ragged line; NotPlain */
  push(bytes: Uint8Array): void;
  /** Records below the header. @throws FewfireError `invalid-data`; NotPlain */
  finish(): number;
}

/** A scan that expects every record to have `fieldCount` fields. Blank lines count only in a file with one column. */
export function scanCsv(label: string, delimiter: string, fieldCount: number): CsvScan {
  const DELIMITER = delimiter.charCodeAt(0);
  const QUOTE = 0x22;
  const LF = 0x0a;
  const CR = 0x0d;
  const CRLF = CR + LF;
  const SPACE = 0x20;
  const TAB = 0x09;
  const utf8 = checkUtf8();
  let records = 0;
  let line = 1;
  let recordLine = 1;
  let found = 1;
  let blank = true; // nothing but its end seen of the record
  let fieldStart = true;
  let quoted = false;
  let spaced = false; // nothing but blanks seen of the cell
  let closed = false; // just behind a closing quote
  let afterCr = false;
  let quotedAfterCr = false;
  let position = 0;
  let lineEnd = 0;

  const endRecord = (): void => {
    if (!blank || fieldCount === 1) {
      if (found !== fieldCount) {
        if (found === 1) throw new NotPlain(); // nothing but blanks?
        throw raggedLine(label, recordLine, found, fieldCount);
      }
      records++;
    }
    line++;
    recordLine = line;
    found = 1;
    blank = true;
    fieldStart = true;
    spaced = false;
    closed = false;
  };
  const sameLineEnd = (end: number): void => {
    if (lineEnd === 0) lineEnd = end;
    else if (lineEnd !== end) throw new NotPlain();
  };

  return {
    push(bytes) {
      if (!utf8.push(bytes)) throw new NotPlain();
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
        if (afterCr) {
          afterCr = false;
          sameLineEnd(b === LF ? CRLF : CR);
          if (b === LF) continue;
        }
        if (b === DELIMITER) {
          found++;
          blank = false;
          fieldStart = true;
          spaced = false;
          closed = false;
        } else if (b === LF) {
          sameLineEnd(LF);
          endRecord();
        } else if (b === CR) {
          endRecord();
          afterCr = true;
        } else {
          if (b === QUOTE) {
            if (spaced) throw new NotPlain();
            if (fieldStart || closed) quoted = true;
          } else if (closed) throw new NotPlain();
          blank = false;
          // Behind blanks a quoted cell can still begin, which the engine does not always see.
          spaced = (b === SPACE || b === TAB) && (fieldStart || spaced);
          fieldStart = false;
          closed = false;
        }
      }
    },
    finish() {
      if (!utf8.finish()) throw new NotPlain();
      if (quoted) throw new NotPlain();
      if (!blank) endRecord();
      return Math.max(0, records - 1);
    },
  };
}

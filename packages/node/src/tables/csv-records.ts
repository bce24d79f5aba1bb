/**
 * What a record of a CSV file is, in one place: how text is cut into records and a record into cells. Records end at a
 * line break outside quotes, of any kind. A cell that begins with a quote, blanks before it aside, ends with the next one
 * that is not doubled, and only blanks may follow; in any other cell a quote is a character.
 */
import { FewfireError } from '@fewfire/core';

/** A record as it stands in the file, without its line break. */
export interface CsvRecord {
  readonly text: string;
  readonly line: number;
  readonly fieldCount: number;
  /** Nothing but blanks. */
  readonly isBlank: boolean;
  /** Quotes stand where RFC 4180 has none: only `recordCells` knows its cells. */
  readonly isOdd: boolean;
}

/** Cuts text into records, a piece at a time. */
export interface CsvSplitter {
  /** @throws FewfireError `invalid-data` */
  push(text: string, onRecord: (record: CsvRecord) => void): void;
  /** @throws FewfireError `invalid-data` at a quote left open */
  finish(onRecord: (record: CsvRecord) => void): void;
}

/** Characters of the longest record. */
const LONGEST_RECORD = 2 ** 25;

// Where in a cell: before its first character, in one without quotes, between quotes, behind a quote that closes it or
// is the first of two, behind the blanks after it.
const START = 0;
const PLAIN = 1;
const QUOTED = 2;
const CLOSING = 3;
const CLOSED = 4;

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;

/** @param delimiter one character */
export function splitCsv(label: string, delimiter: string): CsvSplitter {
  const DELIMITER = delimiter.charCodeAt(0);
  let held = ''; // of the record under way
  let state: number = START;
  let line = 1;
  let recordLine = 1;
  let fieldCount = 1;
  let isBlank = true;
  let isOdd = false;
  let blanks = false; // before a cell
  let crs = 0; // line breaks of CR just seen: CR CR LF is one, as programs write it that turn LF into CR LF twice
  let quotedCr = false;

  const isSpace = (c: number): boolean => (c === 0x20 || c === 0x09) && c !== DELIMITER;
  const unclosed = (): FewfireError =>
    new FewfireError(
      'invalid-data',
      `the record at line ${recordLine} of ${label} opens a quote that is never closed; expected "…" with inner quotes doubled`,
    );
  const end = (text: string, onRecord: (record: CsvRecord) => void): void => {
    onRecord({ text, line: recordLine, fieldCount, isBlank, isOdd });
    line++;
    recordLine = line;
    fieldCount = 1;
    isBlank = true;
    isOdd = false;
    blanks = false;
    state = START;
  };

  return {
    push(text, onRecord) {
      const whole = held + text;
      let start = 0;
      for (let i = held.length; i < whole.length; i++) {
        const c = whole.charCodeAt(i);
        if (state === QUOTED) {
          if (c === QUOTE) state = CLOSING;
          else if (c === LF ? !quotedCr : c === CR) line++;
          quotedCr = c === CR;
          continue;
        }
        if (crs > 0) {
          if (c === LF) {
            crs = 0;
            start = i + 1;
            continue;
          }
          if (c === CR && crs === 1) {
            crs = 2;
            continue;
          }
          if (crs === 2) {
            end('', onRecord);
            start = i;
            if (c === CR) continue;
          }
          crs = 0;
        }
        if (c === DELIMITER) {
          fieldCount++;
          isBlank = false;
          blanks = false;
          state = START;
        } else if (c === LF || c === CR) {
          end(whole.slice(start, i), onRecord);
          start = i + 1;
          if (c === CR) crs = 1;
        } else if (c === QUOTE) {
          isBlank = false;
          if (state === CLOSING) state = QUOTED;
          else if (state === START) {
            if (blanks) isOdd = true;
            quotedCr = false;
            state = QUOTED;
          } else if (state === PLAIN) isOdd = true;
          else throw behindQuote(label, recordLine);
        } else if (isSpace(c)) {
          if (state === START) blanks = true;
          else if (state !== PLAIN) {
            isOdd = true;
            state = CLOSED;
          }
        } else {
          if (state === CLOSING || state === CLOSED) throw behindQuote(label, recordLine);
          isBlank = false;
          state = PLAIN;
        }
      }
      held = whole.slice(start);
      if (held.length > LONGEST_RECORD) {
        if (state === QUOTED) throw unclosed();
        throw new FewfireError(
          'invalid-data',
          `line ${recordLine} of ${label} is longer than ${LONGEST_RECORD >> 20} million characters, expected a line for each row; is it a CSV file?`,
        );
      }
    },
    finish(onRecord) {
      if (state === QUOTED) throw unclosed();
      if (crs === 2) {
        end('', onRecord);
        held = '';
      }
      if (held !== '') end(held, onRecord);
      held = '';
    },
  };
}

function behindQuote(label: string, line: number): FewfireError {
  return new FewfireError(
    'invalid-data',
    `line ${line} of ${label} has a quoted cell that is not closed as it should be; expected "…" with inner quotes doubled`,
  );
}

/** The cells of a record that `splitCsv` gave. */
export function recordCells(text: string, delimiter: string): string[] {
  const cells: string[] = [];
  const opening = delimiter === '\t' ? / *"/y : delimiter === ' ' ? /\t*"/y : /[ \t]*"/y;
  for (let at = 0; ; at++) {
    opening.lastIndex = at;
    if (opening.test(text)) {
      let cell = '';
      for (at = opening.lastIndex; ; ) {
        const close = text.indexOf('"', at);
        cell += text.slice(at, close);
        at = close + 1;
        if (text[at] !== '"') break;
        cell += '"';
        at++;
      }
      cells.push(cell);
      at = text.indexOf(delimiter, at);
    } else {
      const end = text.indexOf(delimiter, at);
      cells.push(text.slice(at, end < 0 ? undefined : end));
      at = end;
    }
    if (at < 0) return cells;
  }
}

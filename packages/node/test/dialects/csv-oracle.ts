/**
 * The rules of docs/tables.md for CSV, as a slow reader in plain loops that shares no code with the packages: from bytes,
 * an encoding and a delimiter to names and cells, or what is wrong.
 */

export type OracleEncoding = 'utf-8' | 'latin1' | 'windows-1252' | 'utf-16le' | 'utf-16be';

export interface Grid {
  readonly names: readonly string[];
  /** By row. */
  readonly cells: readonly (readonly string[])[];
}

export class Refused extends Error {}

/** @throws Refused */
export function oracleText(bytes: Uint8Array, encoding: OracleEncoding): string {
  let text = '';
  if (encoding === 'latin1') for (const byte of bytes) text += String.fromCharCode(byte);
  else if (encoding === 'windows-1252') for (const byte of bytes) text += windows1252(byte);
  else if (encoding === 'utf-8') text = fromUtf8(bytes);
  else text = fromUtf16(bytes, encoding === 'utf-16le' ? 0 : 1);
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

// From the table that Unicode publishes (CP1252.TXT), with the five open places as WHATWG has them.
const FROM_80 = [
  0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d,
  0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,
  0x017e, 0x0178,
];

function windows1252(byte: number): string {
  return String.fromCharCode(byte >= 0x80 && byte < 0xa0 ? FROM_80[byte - 0x80] : byte);
}

function fromUtf8(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i];
    const length = lead < 0x80 ? 1 : lead >> 5 === 6 ? 2 : lead >> 4 === 14 ? 3 : lead >> 3 === 30 ? 4 : 0;
    if (length === 0 || i + length > bytes.length) throw new Refused('UTF-8');
    let code = length === 1 ? lead : lead & (0xff >> (length + 1));
    for (let k = 1; k < length; k++) {
      if (bytes[i + k] >> 6 !== 2) throw new Refused('UTF-8');
      code = code * 64 + (bytes[i + k] & 63);
    }
    const least = [0, 0, 0x80, 0x800, 0x10000][length];
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) throw new Refused('UTF-8');
    text += String.fromCodePoint(code);
    i += length;
  }
  return text;
}

function fromUtf16(bytes: Uint8Array, high: 0 | 1): string {
  if (bytes.length % 2 === 1) throw new Refused('UTF-16');
  let text = '';
  for (let i = 0; i < bytes.length; i += 2) text += String.fromCharCode(bytes[i + high] + 256 * bytes[i + 1 - high]);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xd800 || unit > 0xdfff) continue;
    const next = text.charCodeAt(i + 1);
    if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) throw new Refused('UTF-16');
    i++;
  }
  return text;
}

/** @throws Refused */
export function oracleGrid(given: string, delimiter: string | undefined): Grid {
  let text = given;
  let between = delimiter;
  const first = text.search(/[\r\n]/);
  const firstLine = first < 0 ? text : text.slice(0, first);
  const separator = /^sep=([^"])$/i.exec(firstLine) ?? /^"sep=([^"])"$/i.exec(firstLine);
  if (separator !== null && first >= 0) {
    between ??= separator[1];
    text = text.slice(first);
  }
  if (between === undefined) throw new Error('no delimiter');
  const records: string[][] = [];
  let at = 0;
  while (at < text.length) {
    const { cells, end, isBlank } = record(text, at, between);
    at = end;
    if (isBlank && records.length === 0) continue;
    if (isBlank && records[0].length > 1) continue;
    if (records.length > 0 && cells.length !== records[0].length) throw new Refused('ragged');
    records.push(cells);
  }
  if (records.length === 0) throw new Refused('empty');
  if (records.length === 1) throw new Refused('no rows');
  const names = records[0].map((name, i) => name.trim() || `column${i + 1}`);
  if (names.length === 1 && records[0][0].trim() === '') throw new Refused('no names');
  if (new Set(names).size < names.length) throw new Refused('a name twice');
  return { names, cells: records.slice(1) };
}

function record(
  text: string,
  start: number,
  delimiter: string,
): { readonly cells: string[]; readonly end: number; readonly isBlank: boolean } {
  const cells: string[] = [];
  const isSpace = (c: string): boolean => c !== delimiter && (c === ' ' || c === '\t');
  const isEnd = (c: string): boolean => c === '' || c === '\n' || c === '\r';
  let at = start;
  for (;;) {
    let begin = at;
    while (isSpace(text.charAt(begin))) begin++;
    let cell = '';
    if (text.charAt(begin) === '"' && delimiter !== '"') {
      at = begin + 1;
      for (;;) {
        if (at >= text.length) throw new Refused('a quote left open');
        if (text[at] === '"' && text.charAt(at + 1) === '"') {
          cell += '"';
          at += 2;
        } else if (text[at] === '"') {
          at++;
          break;
        } else cell += text[at++];
      }
      while (isSpace(text.charAt(at))) at++;
      if (text.charAt(at) !== delimiter && !isEnd(text.charAt(at))) throw new Refused('text behind a quote');
    } else {
      while (text.charAt(at) !== delimiter && !isEnd(text.charAt(at))) cell += text[at++];
    }
    cells.push(cell);
    if (text.charAt(at) !== delimiter) break;
    at++;
  }
  const isBlank = /^[ \t]*$/.test(text.slice(start, at)) && cells.length === 1;
  let end = at;
  if (text.startsWith('\r\r\n', at)) end += 3;
  else if (text.startsWith('\r\n', at)) end += 2;
  else if (at < text.length) end += 1;
  return { cells, end, isBlank };
}

/** Whether a cell of a table is the cell as it stands in a file. */
export function isCell(found: string | null, written: string): boolean {
  // The white space that does not count is that of `TRIMMED_CHARACTERS`.
  const text = written.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
  return (found ?? '') === text;
}

/** Random tables, written by hand in random dialects: what is meant is known, and some files are then damaged. */
import { gzipSync } from 'node:zlib';
import type { Grid, OracleEncoding } from './csv-oracle.ts';

export interface RandomFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Before it was packed. */
  readonly unpacked: Uint8Array;
  readonly meant: Grid;
  readonly kind: 'csv' | 'json';
  readonly delimiter: string;
  readonly encoding: OracleEncoding;
  readonly isDamaged: boolean;
  /** Options that say what would otherwise be recognised. */
  readonly options: { readonly delimiter?: string; readonly encoding?: OracleEncoding };
}

/** Mulberry32. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const ASCII = [
  'red',
  'blue sky',
  '17',
  '-3.5',
  'x',
  "O'Brien",
  '5" nail',
  '3,14',
  'a;b',
  'p|q',
  '1e3',
  '#',
  '{',
  'sep=',
  '',
];
const WESTERN = ['café', 'Österreich', 'España', 'Zoë', 'naïve idea', 'Ægir', 'déjà vu'];
const WINDOWS = ['5 € each', '“quoted”', 'it’s', 'a – b'];
const WIDE = ['日本', 'Łukasz', 'Ωmega', '😀 smile', 'a\u2028b', '\ufeffmark', 'кот'];
const NAMES = [
  'id',
  'colour',
  'size in cm',
  'x',
  'y',
  'a,b',
  'c;d',
  'e|f',
  'g "h"',
  'line\nbreak',
  'two\r\nlines',
  'ünder',
];

export function randomFile(seed: number): RandomFile {
  const random = randomNumbers(seed);
  const below = (count: number): number => Math.floor(random() * count);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)];
  const chance = (share: number): boolean => random() < share;

  const kind = chance(0.15) ? 'json' : 'csv';
  const marked = chance(0.4);
  const encoding = pick<OracleEncoding>(['utf-8', 'utf-8', 'utf-8', 'latin1', 'windows-1252', 'utf-16le', 'utf-16be']);
  const isWide = encoding.startsWith('utf-16');
  const words = [...ASCII];
  if (encoding === 'utf-8' || encoding === 'latin1' || encoding === 'windows-1252' || marked) words.push(...WESTERN);
  if (encoding === 'windows-1252') words.push(...WINDOWS);
  if (encoding === 'utf-8' || (isWide && marked)) words.push(...WINDOWS, ...WIDE);
  const hard = chance(0.5);
  const cell = (): string => {
    const word = pick(words);
    if (!hard || chance(0.7)) return word;
    return pick([
      `${word}\n${word}`,
      `"${word}"`,
      `${word}\r\n`,
      ` ${word} `,
      `${word},${word};`,
      `\t${word}`,
      word.repeat(40),
    ]);
  };
  const names = [...NAMES]
    .filter((name) => isWide || encoding !== 'utf-8' || name !== '')
    .filter((name) => hard || /^[\w ]+$/.test(name))
    .sort(() => random() - 0.5)
    .slice(0, 1 + below(5));
  const rowCount = chance(0.05) ? 400 : 1 + below(12);
  const cells = Array.from({ length: rowCount }, () => names.map(cell));

  const delimiter = pick([',', ',', ';', ';', '\t', '|', '#', '§', ' ']);
  const options: { delimiter?: string; encoding?: OracleEncoding } = {};
  if (kind === 'csv' && (!',;\t|'.includes(delimiter) || chance(0.2))) options.delimiter = delimiter;
  if (chance(0.2)) options.encoding = encoding;
  const text = kind === 'json' ? jsonText() : csvText();
  let unpacked: Uint8Array = encoded(text, encoding, marked && encoding !== 'latin1' && encoding !== 'windows-1252');
  const isDamaged = chance(0.35);
  if (isDamaged) for (let k = 1 + below(3); k > 0; k--) unpacked = damaged(unpacked);
  const packed = chance(0.15);
  const ending =
    kind === 'json' ? pick(['json', 'ndjson']) : pick(['csv', 'csv', 'txt', delimiter === '\t' ? 'tsv' : 'csv']);
  return {
    name: `table.${ending}${chance(packed ? 0.5 : 0.1) ? '.gz' : ''}`,
    bytes: packed ? gzipSync(unpacked) : unpacked,
    unpacked,
    meant: { names, cells },
    kind,
    delimiter,
    encoding,
    isDamaged,
    options,
  };

  function csvText(): string {
    const style = pick(['least', 'all', 'some', 'blanks']);
    const lineEnd = pick(['\n', '\n', '\r\n', '\r\n', '\r', 'mixed', '\r\r\n']);
    const end = (): string => (lineEnd === 'mixed' ? pick(['\n', '\r\n']) : lineEnd);
    const written = (text: string): string => {
      const mustQuote = text.includes(delimiter) || /["\r\n]|^\s|\s$|^\ufeff/.test(text);
      const isQuoted = mustQuote || style === 'all' || (style !== 'least' && chance(0.3));
      if (!isQuoted) return text;
      const around = (): string => (style === 'blanks' && delimiter !== ' ' ? pick(['', ' ', '  ']) : '');
      return `${around()}"${text.replaceAll('"', '""')}"${around()}`;
    };
    const blank = (share: number): string => {
      // In a table of one column a blank line is a row.
      let lines = '';
      while (chance(share)) lines += (chance(0.3) && delimiter !== ' ' ? ' ' : '') + end();
      return lines;
    };
    let text = chance(0.15) && delimiter !== '"' ? `sep=${delimiter}${end()}` : '';
    text += blank(0.1);
    const lines = [names, ...cells].map((row) => row.map(written).join(delimiter));
    for (const line of lines) text += line + end() + (names.length > 1 ? blank(0.03) : '');
    return names.length > 1 && chance(0.2) ? text.replace(/[\r\n]+$/, '') : text;
  }

  function jsonText(): string {
    const records = cells.map((row) => Object.fromEntries(names.map((name, k) => [name, row[k] || 'none at all'])));
    // Numbers and the like are another rule's.
    for (const [k, record] of records.entries()) {
      for (const name of names) record[name] = `t ${record[name]}`;
      cells[k] = names.map((name) => record[name]);
    }
    const layout = pick(['list', 'lines', 'pretty list', 'pretty']);
    if (layout === 'list') return JSON.stringify(records);
    if (layout === 'lines') return records.map((record) => `${JSON.stringify(record)}\n`).join('');
    if (layout === 'pretty list') return JSON.stringify(records, null, 2);
    return records.map((record) => `${JSON.stringify(record, null, 2)}\n`).join('');
  }

  function damaged(bytes: Uint8Array): Uint8Array {
    const at = below(bytes.length);
    const byte = pick([0, 10, 13, 34, 44, 59, 9, 0x41, 0xc3, 0xe9, 0xff, below(256)]);
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
    const how = below(5);
    if (how === 0) return Buffer.concat([head, [byte], tail].map((part) => Buffer.from(part)));
    if (how === 1) return Buffer.concat([head, tail.subarray(1)]);
    if (how === 2) return Buffer.concat([head, Buffer.from([byte]), tail.subarray(1)]);
    if (how === 3) return bytes.length > 3 ? head : bytes;
    return Buffer.concat([head, tail.subarray(0, 9), tail]);
  }
}

function encoded(text: string, encoding: OracleEncoding, marked: boolean): Buffer {
  const full = marked ? `\ufeff${text}` : text;
  if (encoding === 'utf-8') return Buffer.from(full);
  if (encoding === 'utf-16le') return Buffer.from(full, 'utf16le');
  if (encoding === 'utf-16be') return Buffer.from(full, 'utf16le').swap16();
  const high = new Map([...'€“”’–'].map((character, i) => [character, [0x80, 0x93, 0x94, 0x92, 0x96][i]]));
  return Buffer.from([...full].map((character) => high.get(character) ?? (character.codePointAt(0) as number)));
}

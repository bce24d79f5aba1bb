/**
 * Which characters the bytes of a text file stand for. UTF-8 is checked, not assumed; what is not UTF-8 is recognised
 * (UTF-16 by its mark or its zeros, Windows-1252 by being plausible) or refused, because a wrong guess turns names into
 * gibberish without a word. Decoders are our own tables where runtimes differ: what Node calls latin1 has changed.
 */
import { isUtf8 } from 'node:buffer';
import { FewfireError } from '@fewfire/core';

/** How a text file is read; `auto` recognises it. */
export const TEXT_ENCODINGS = ['auto', 'utf-8', 'latin1', 'windows-1252', 'utf-16le', 'utf-16be'] as const;
/** How characters of a file are encoded. */
export type TextEncoding = (typeof TEXT_ENCODINGS)[number];
export type KnownEncoding = Exclude<TextEncoding, 'auto'>;

const NAMES: Readonly<Record<KnownEncoding, string>> = {
  'utf-8': 'UTF-8',
  latin1: 'Latin-1',
  'windows-1252': 'Windows-1252 (Latin-1)',
  'utf-16le': 'UTF-16',
  'utf-16be': 'UTF-16 (big-endian)',
};

/** What is said of a text whose encoding was recognised, unless it is UTF-8. */
export function encodingNote(encoding: KnownEncoding, label: string): string {
  return `${label}: read as ${NAMES[encoding]}${encoding === 'windows-1252' ? ', because it is not UTF-8' : ''}`;
}

/**
 * The encoding of a file by its first bytes.
 * @param complete whether `head` is the whole file
 * @param delimiter as for `surveyText`
 * @throws FewfireError `invalid-data` for what is neither UTF-8, UTF-16 nor plausible as Windows-1252
 */
export function sniffEncoding(head: Uint8Array, complete: boolean, label: string, delimiter?: string): KnownEncoding {
  const [a, b, c, d] = head;
  if ((a === 0xff && b === 0xfe && c === 0 && d === 0) || (a === 0 && b === 0 && c === 0xfe && d === 0xff)) {
    throw new FewfireError('invalid-data', `${label} is UTF-32 text, expected UTF-8 or UTF-16; save it as UTF-8`);
  }
  if (a === 0xff && b === 0xfe) return 'utf-16le';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  const wide = unmarkedUtf16(head);
  if (wide !== undefined) return wide;
  const survey = surveyText(delimiter);
  survey.push(head);
  return survey.verdict(complete, label);
}

/** UTF-16 without a mark, known by its zeros: a quarter of the bytes or more, all but a few on one side. */
export function unmarkedUtf16(head: Uint8Array): KnownEncoding | undefined {
  const zeros = [0, 0];
  for (let i = 0; i < head.length; i++) if (head[i] === 0) zeros[i & 1]++;
  const [even, odd] = zeros;
  if (4 * odd >= head.length && odd > 10 * even) return 'utf-16le';
  if (4 * even >= head.length && even > 10 * odd) return 'utf-16be';
  return undefined;
}

/** Looks at bytes as they pass by and says whether they are UTF-8, and if not, what they may be. */
export interface TextSurvey {
  push(bytes: Uint8Array): void;
  /**
   * @param complete whether the text has ended: a character cut in half is wrong then
   * @throws FewfireError `invalid-data`
   */
  verdict(complete: boolean, label: string): 'utf-8' | 'windows-1252';
}

// Bytes that Windows-1252 leaves open.
const OPEN = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);
// Signs and capitals that no Western text has between two letters, where other encodings have letters.
const NEVER_INSIDE = new Set([
  ...Array.from({ length: 0xbf - 0xa1 + 1 }, (_, i) => 0xa1 + i).filter(
    (byte) => ![0xaa, 0xad, 0xb4, 0xb7, 0xba].includes(byte),
  ),
  ...[0x82, 0x84, 0x88, 0x8a, 0x8e, 0x93, 0x94, 0x9f],
]);

/** @param delimiter a sign that stands between letters because it stands between cells */
export function surveyText(delimiter = ''): TextSurvey {
  const expected = delimiter.charCodeAt(0);
  let sequences = 0; // characters of several bytes, as UTF-8 has them
  let faults = 0;
  let line = 1;
  let faultLine = 0;
  let left = 0; // bytes to come of a character
  let [least, most] = [0x80, 0xbf];
  let high = 0;
  let run = 0;
  let inRuns = 0; // bytes above ASCII of which three or more stand together
  let open = 0;
  let misplaced = 0;
  let [before, previous] = [0, 0];

  const fault = (): void => {
    if (faults++ === 0) faultLine = line;
    left = 0;
  };
  return {
    push(bytes) {
      for (let i = 0; i < bytes.length; i++) {
        const byte = bytes[i];
        if (NEVER_INSIDE.has(previous) && previous !== expected && isLetter(before) && isLetter(byte)) misplaced++;
        before = previous;
        previous = byte;
        if (byte < 0x80) {
          if (left > 0) fault();
          if (byte === 0x0a) line++;
          run = 0;
          continue;
        }
        high++;
        run++;
        if (run === 3) inRuns += 3;
        else if (run > 3) inRuns++;
        if (OPEN.has(byte)) open++;
        if (left > 0) {
          if (byte >= least && byte <= most) {
            [least, most] = [0x80, 0xbf];
            if (--left === 0) sequences++;
            continue;
          }
          fault();
        }
        [least, most] = [0x80, 0xbf];
        if (byte >= 0xc2 && byte <= 0xdf) left = 1;
        else if (byte >= 0xe0 && byte <= 0xef) {
          left = 2;
          if (byte === 0xe0) least = 0xa0;
          if (byte === 0xed) most = 0x9f;
        } else if (byte >= 0xf0 && byte <= 0xf4) {
          left = 3;
          if (byte === 0xf0) least = 0x90;
          if (byte === 0xf4) most = 0x8f;
        } else fault();
      }
    },
    verdict(complete, label) {
      if (complete && left > 0) fault();
      if (faults === 0) return 'utf-8';
      if (sequences >= faults) {
        throw new FewfireError(
          'invalid-data',
          `line ${faultLine} of ${label} is not UTF-8 text, though the rest is; correct the line, or read all of it in one encoding, as with \`encoding: 'windows-1252'\``,
        );
      }
      if (open > 0 || 2 * inRuns > high || 4 * misplaced > high) {
        throw new FewfireError(
          'invalid-data',
          `line ${faultLine} of ${label} is not UTF-8 text, and does not read as Western European either; convert it, for example with iconv -f windows-1251 -t utf-8, or name one of \`encoding\` ${TEXT_ENCODINGS.slice(1).join(', ')}`,
        );
      }
      return 'windows-1252';
    },
  };
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** Checks bytes that pass by to be UTF-8, at the speed of the runtime's own check. */
export interface Utf8Check {
  push(bytes: Uint8Array): boolean;
  /** Whether the text ends with a whole character. */
  finish(): boolean;
}

export function checkUtf8(): Utf8Check {
  let rest: Uint8Array = new Uint8Array(0);
  return {
    push(bytes) {
      let whole = bytes;
      if (rest.length > 0) whole = Buffer.concat([rest, bytes]);
      const end = whole.length - partialLength(whole);
      rest = whole.slice(end);
      return isUtf8(whole.subarray(0, end));
    },
    finish: () => rest.length === 0,
  };
}

// How many bytes at the end may be the beginning of a character.
function partialLength(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

const HIGH_1252 =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f' +
  '\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178';

/**
 * The characters of a file, a piece at a time, without the byte order mark that it may begin with.
 * @throws FewfireError `invalid-data`; what `bytes` throws
 */
export async function* decodeText(
  bytes: AsyncIterable<Uint8Array>,
  encoding: KnownEncoding,
  label: string,
): AsyncGenerator<string> {
  const decode = decoderOf(encoding, label);
  let first = true;
  for await (const chunk of bytes) {
    const text = decode(chunk, false);
    if (text === '') continue;
    yield first && text.startsWith('\ufeff') ? text.slice(1) : text;
    first = false;
  }
  const last = decode(new Uint8Array(0), true);
  if (last !== '') yield last;
}

/** The text of the first bytes of a file, without a byte order mark. @throws FewfireError `invalid-data` */
export function decodeHead(head: Uint8Array, encoding: KnownEncoding, complete: boolean, label: string): string {
  const text = decoderOf(encoding, label)(head, complete);
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

function decoderOf(encoding: KnownEncoding, label: string): (bytes: Uint8Array, last: boolean) => string {
  if (encoding === 'latin1') return latin1Text;
  if (encoding === 'windows-1252') {
    return (bytes) =>
      latin1Text(bytes).replace(/[\u0080-\u009f]/g, (character) => HIGH_1252[character.charCodeAt(0) - 0x80]);
  }
  const decoder = new TextDecoder(encoding === 'utf-8' ? 'utf-8' : 'utf-16le', { fatal: true, ignoreBOM: true });
  const ordered = encoding === 'utf-16be' ? byteSwapper() : (bytes: Uint8Array) => bytes;
  return (bytes, last) => {
    try {
      return decoder.decode(ordered(bytes), { stream: !last });
    } catch (cause) {
      throw notEncoded(label, encoding, cause);
    }
  };
}

function latin1Text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

// The bytes of each pair the other way round; a lone last one waits for its other half.
function byteSwapper(): (bytes: Uint8Array) => Uint8Array {
  let rest: Uint8Array = new Uint8Array(0);
  return (bytes) => {
    if (bytes.length === 0) return rest; // the end: half a character is an error
    const whole = Buffer.concat([rest, bytes]);
    const even = whole.length & ~1;
    rest = whole.subarray(even);
    return whole.subarray(0, even).swap16();
  };
}

function notEncoded(label: string, encoding: KnownEncoding, cause: unknown): FewfireError {
  return new FewfireError(
    'invalid-data',
    `${label} is not ${NAMES[encoding]} text, or a damaged file; check how it was written, or leave the encoding to be recognised`,
    { cause },
  );
}

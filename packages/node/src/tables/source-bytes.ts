/**
 * The bytes of a source on their way into the engine: unpacked, through a checksum, as UTF-8, from standard input into a file;
 * and what each way of loading is told.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { FewfireError, type RunOptions } from '@fewfire/core';
import { throwIfAborted } from '@fewfire/core/internal';
import { readFileChunks } from '../files.ts';
import { decodeText, encodingNote, type KnownEncoding, surveyText, type TextEncoding } from './encoding.ts';
import { Engine } from './engine.ts';
import { fileKind, KIND_BYTES } from './file-kind.ts';
import { FORMAT_NAMES, type Source, unnamedFormat } from './source.ts';

export interface LoadOptions {
  readonly signal: AbortSignal | undefined;
  readonly onShare: (share: number) => void;
  readonly label: string;
  readonly digest: Digest;
  /** Of all files; of packed ones, what they may come to. */
  readonly byteCount: number;
  readonly encoding: TextEncoding;
  /** Added to as something is recognised. */
  readonly notes: string[];
}

/** The checksum of the bytes of a source, which may have to be read again from the start. */
export class Digest {
  #hash = createHash('sha256');

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  restart(): void {
    this.#hash = createHash('sha256');
  }

  hex(): string {
    return this.#hash.digest('hex');
  }
}

// Paths for the engine's readers, which take patterns: special characters stand for themselves in brackets.
export function fileList(paths: readonly string[]): string {
  return Engine.list(paths.map(literalPattern));
}

function literalPattern(path: string): string {
  return path.replace(/[*?[]/g, '[$&]');
}

/** What the engine must be allowed so that its readers find these files: the patterns too. */
export function readable(paths: readonly string[]): string[] {
  return [...new Set(paths.flatMap((path) => [path, literalPattern(path)]))];
}

/** The bytes of a file, unpacked; the packed ones pass through `digest`. @throws FewfireError `file-unreadable` */
export async function* fileBytes(
  path: string,
  gzip: boolean,
  label: string,
  signal: AbortSignal | undefined,
  digest?: Digest,
): AsyncGenerator<Uint8Array> {
  const packed = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of readFileChunks(path, signal)) {
      digest?.update(chunk);
      yield chunk;
    }
  };
  if (!gzip) return yield* packed();
  const gunzip = createGunzip({ chunkSize: 1 << 18 });
  const input = Readable.from(packed());
  const pumping = pipeline(input, gunzip).catch(() => undefined);
  try {
    for await (const chunk of gunzip) yield chunk;
  } catch (cause) {
    throwIfAborted(signal);
    if (cause instanceof FewfireError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    throw new FewfireError(
      'file-unreadable',
      code === 'Z_BUF_ERROR'
        ? `${label} ends in the middle of its gzip stream, expected a complete file; copy or download it again`
        : `${label} is not a gzip file, or a damaged one; check where it came from`,
      { cause },
    );
  } finally {
    input.destroy();
    gunzip.destroy();
    await pumping;
  }
}

// At least so many bytes, if there are as many.
export async function firstBytes(bytes: AsyncIterable<Uint8Array>, count: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of bytes) {
    parts.push(part);
    length += part.length;
    if (length >= count) break;
  }
  return Buffer.concat(parts);
}

/** What text in UTF-8 may begin with. */
export const BYTE_ORDER_MARK: Buffer = Buffer.from('\ufeff');

// The text of a file in UTF-8, without a byte order mark.
export async function* utf8Bytes(
  bytes: AsyncIterable<Uint8Array>,
  encoding: KnownEncoding,
  label: string,
): AsyncGenerator<Uint8Array> {
  if (encoding !== 'utf-8') {
    for await (const text of decodeText(bytes, encoding, label)) yield Buffer.from(text);
    return;
  }
  let head: Uint8Array | undefined = new Uint8Array(0);
  for await (const part of bytes) {
    if (head === undefined) yield part;
    else {
      head = Buffer.concat([head, part]);
      if (head.length < BYTE_ORDER_MARK.length) continue;
      yield withoutMark(head);
      head = undefined;
    }
  }
  if (head !== undefined) yield head;
}

function withoutMark(bytes: Uint8Array): Uint8Array {
  const isMarked = BYTE_ORDER_MARK.equals(bytes.subarray(0, BYTE_ORDER_MARK.length));
  return isMarked ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;
}

// The encoding of a whole text of which the first bytes were seen.
export async function surveyed(
  bytes: AsyncIterable<Uint8Array>,
  seemed: KnownEncoding,
  label: string,
  run: LoadOptions,
  delimiter?: string,
): Promise<KnownEncoding> {
  const survey = surveyText(delimiter);
  for await (const chunk of bytes) survey.push(chunk);
  const encoding = survey.verdict(true, label);
  if (encoding !== seemed) run.notes.push(encodingNote(encoding, label));
  return encoding;
}

export interface StdinOptions extends RunOptions {
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
}

// Standard input becomes a file first: it is looked at more than once.
export async function spoolStdin(engine: Engine, options: StdinOptions): Promise<Source> {
  const { signal, stdin = process.stdin } = options;
  throwIfAborted(signal);
  const file = await engine.spoolFile('stdin.csv');
  const input = stdin instanceof Readable ? stdin : Readable.from(stdin);
  let byteCount = 0;
  let head: Uint8Array = new Uint8Array(0);
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of input) {
      const bytes: Uint8Array = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      if (head.length < KIND_BYTES) head = Buffer.concat([head, bytes.subarray(0, KIND_BYTES - head.length)]);
      byteCount += bytes.length;
      options.onProgress?.({ phase: 'reading', done: byteCount, total: 0, unit: 'bytes' });
      yield bytes;
    }
  };
  const stop = (): void => void input.destroy();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await file.write(counted());
  } catch (error) {
    throwIfAborted(signal);
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof FewfireError || typeof code !== 'string') throw error;
    throw new FewfireError('file-unreadable', `cannot read standard input: ${code}; expected a file or a pipe`, {
      cause: error,
    });
  } finally {
    signal?.removeEventListener('abort', stop);
  }
  throwIfAborted(signal);
  if (byteCount === 0) {
    throw new FewfireError('invalid-data', 'standard input is empty, expected CSV with a header line');
  }
  const kind = fileKind(head, 'standard input');
  const format = unnamedFormat(kind);
  if (format === 'duckdb') {
    throw new FewfireError(
      'unsupported',
      'standard input is a DuckDB database, expected a table; give its file instead',
    );
  }
  const notes = format === 'csv' ? [] : [`standard input: read as ${FORMAT_NAMES[format]}`];
  return { text: '-', format, gzip: kind.gzip, paths: [file.path], table: undefined, notes };
}

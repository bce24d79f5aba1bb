/**
 * Files, read and written so that nothing is ever half there: a file is written beside its target under another name
 * and renamed over it when it is complete and on disk, so a crash, a full disk or Ctrl-C leaves the old file or none.
 * Errors of the file system become one-line `FewfireError`s that say what to do.
 */

import { constants as bufferConstants } from 'node:buffer';
import { createHash, randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FewfireError } from '@fewfire/core';
import { closestName, listNearest, throwIfAborted } from '@fewfire/core/internal';

/** Options of writing a file. */
export interface WriteOptions {
  /** Aborting rejects with the signal's reason and leaves the target as it was. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called when the new file is complete, right before it takes the place of whatever is at `target` then (a device is
   * asked for before it is written to). What it throws leaves that as it was.
   */
  readonly beforeReplacing?: ((target: string) => Promise<void>) | undefined;
}

/** What a file is written from. */
export type FileContent = string | Uint8Array | AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/**
 * Writes a file whole or not at all. A device or pipe (`/dev/stdout`) cannot be replaced and is written to directly.
 * @throws FewfireError `file-unwritable`; the signal's reason when aborted
 * @example
 * ```ts
 * import { mkdtemp, rm } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { readTextFile, writeFileAtomic } from '@fewfire/node';
 *
 * const folder = await mkdtemp(join(tmpdir(), 'fewfire-'));
 * await writeFileAtomic(join(folder, 'note.txt'), 'hello\n');
 * console.log((await readTextFile(join(folder, 'note.txt'))).trim()); // hello
 * await rm(folder, { recursive: true });
 * ```
 */
export async function writeFileAtomic(path: string, data: FileContent, options: WriteOptions = {}): Promise<void> {
  await replaceFile(path, (target) => writeContent(target, data, options.signal), options);
}

/**
 * Lets `write` produce a file at a temporary path in the target's directory, then puts it in the target's place.
 * @throws FewfireError `file-unwritable`; the signal's reason when aborted; what `write` throws
 */
export async function replaceFile(
  path: string,
  write: (temporaryPath: string) => Promise<void>,
  options: WriteOptions = {},
): Promise<void> {
  const { signal, beforeReplacing } = options;
  throwIfAborted(signal);
  let temporary: string | undefined;
  try {
    const existing = await stat(path).catch(() => undefined);
    if (existing?.isDirectory()) throw Object.assign(new Error('is a directory'), { code: 'EISDIR' });
    if (existing !== undefined && !existing.isFile()) {
      await beforeReplacing?.(path);
      return await write(path);
    }
    // Behind a link, the file it points to is replaced, not the link.
    const target = existing === undefined ? path : await realpath(path);
    temporary = join(dirname(target), `.${basename(target)}.${randomUUID().slice(0, 8)}.tmp`);
    await write(temporary);
    const file = await open(temporary, 'r+');
    try {
      if (existing !== undefined) await file.chmod(existing.mode & 0o7777);
      await file.sync();
    } finally {
      await file.close();
    }
    throwIfAborted(signal);
    await beforeReplacing?.(target);
    await rename(temporary, target);
  } catch (error) {
    if (temporary !== undefined) await rm(temporary, { force: true }).catch(() => undefined);
    throwIfAborted(signal);
    throw unwritable(error, path);
  }
}

async function writeContent(path: string, data: FileContent, signal: AbortSignal | undefined): Promise<void> {
  const file = await open(path, 'w');
  try {
    if (typeof data === 'string' || data instanceof Uint8Array) await writeAll(file, data);
    else {
      // One buffer for all texts: one for each would wait for the collector by the dozens.
      let scratch = Buffer.alloc(0);
      for await (const chunk of data) {
        throwIfAborted(signal);
        if (typeof chunk === 'string') {
          if (scratch.length < 3 * chunk.length) scratch = Buffer.allocUnsafe(3 * chunk.length);
          await writeAll(file, scratch.subarray(0, scratch.write(chunk)));
        } else await writeAll(file, chunk);
      }
    }
    throwIfAborted(signal);
  } finally {
    await file.close();
  }
}

/** Writes a chunk whole: one write may take only part of the bytes. */
export async function writeAll(file: FileHandle, chunk: string | Uint8Array): Promise<void> {
  let rest = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  while (rest.length > 0) rest = rest.subarray((await file.write(rest)).bytesWritten);
}

/**
 * The text of a UTF-8 file.
 * @throws FewfireError `file-not-found`, `file-unreadable`
 * @example
 * ```ts
 * import { readTextFile } from '@fewfire/node';
 *
 * const text = await readTextFile('examples/house-votes-84.csv');
 * console.log(text.slice(0, text.indexOf(','))); // handicapped-infants
 * ```
 */
export async function readTextFile(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<string> {
  let bytes: Uint8Array;
  try {
    const file = await openRegular(path);
    try {
      const { size } = await file.stat();
      if (size > bufferConstants.MAX_STRING_LENGTH) {
        throw new FewfireError(
          'unsupported',
          `${path} has ${size.toLocaleString('en-US')} bytes; expected a text of at most ${bufferConstants.MAX_STRING_LENGTH.toLocaleString('en-US')}`,
        );
      }
      bytes = await file.readFile({ signal: options.signal });
    } finally {
      await file.close();
    }
  } catch (error) {
    throwIfAborted(options.signal);
    throw await unreadable(error, path);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FewfireError('file-unreadable', `${path} is not UTF-8 text; expected a text file`, { cause });
  }
}

/**
 * The SHA-256 of a file's bytes in hexadecimal, and how many there are. The bytes pass through once.
 * @throws FewfireError `file-not-found`, `file-unreadable`
 * @example
 * ```ts
 * import { sha256File } from '@fewfire/node';
 *
 * const { sha256, byteCount } = await sha256File('examples/relu-mlp.safetensors');
 * console.log(sha256.slice(0, 8), byteCount); // aa9928b9 3150176
 * ```
 */
export async function sha256File(
  path: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<{ readonly sha256: string; readonly byteCount: number }> {
  const hash = createHash('sha256');
  let byteCount = 0;
  for await (const chunk of readFileChunks(path, options.signal)) {
    hash.update(chunk);
    byteCount += chunk.length;
  }
  return { sha256: hash.digest('hex'), byteCount };
}

/**
 * The size of a file in bytes, refused if it is too large to be read.
 * @param options `copies`: how many times its size it will take to be read, with what is made of it
 * @throws FewfireError `file-not-found`, `file-unreadable`, `memory-budget`
 * @example
 * ```ts
 * import { checkFileSize } from '@fewfire/node';
 *
 * console.log(await checkFileSize('examples/relu-mlp.safetensors', { memoryLimitBytes: 1e9 })); // 3150176
 * ```
 */
export async function checkFileSize(
  path: string,
  options: { readonly memoryLimitBytes: number; readonly copies?: number },
): Promise<number> {
  const { memoryLimitBytes, copies = 2 } = options;
  let size: number;
  try {
    size = (await stat(path)).size;
  } catch (error) {
    throw await unreadable(error, path);
  }
  if (copies * size > memoryLimitBytes) {
    const count = (value: number): string => value.toLocaleString('en-US');
    throw new FewfireError(
      'memory-budget',
      `${path} has ${count(size)} bytes and takes ${copies === 2 ? 'twice' : `${copies} times`} as many to read, ${count(memoryLimitBytes)} are allowed; allow more memory`,
    );
  }
  return size;
}

/**
 * A whole file in memory, unless it is too large.
 * @param options `copies`: how many times its size it will take to be read, with what is made of it
 * @throws FewfireError `file-not-found`, `file-unreadable`, `memory-budget`
 * @example
 * ```ts
 * import { readFileBytes } from '@fewfire/node';
 *
 * const bytes = await readFileBytes('examples/charlm-relu.onnx', { memoryLimitBytes: 1e9 });
 * console.log(bytes.length); // 9884351
 * ```
 */
export async function readFileBytes(
  path: string,
  options: { readonly signal?: AbortSignal | undefined; readonly memoryLimitBytes: number; readonly copies?: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const { signal } = options;
  throwIfAborted(signal);
  const size = await checkFileSize(path, options);
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const chunk of readFileChunks(path, signal)) {
    if (at + chunk.length > size) {
      throw new FewfireError('file-unreadable', `${path} grew while it was read; read it again when it is complete`);
    }
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes.subarray(0, at);
}

/**
 * The bytes of a file in pieces.
 * @throws FewfireError `file-not-found`, `file-unreadable`
 * @example
 * ```ts
 * import { readFileChunks } from '@fewfire/node';
 *
 * let byteCount = 0;
 * for await (const chunk of readFileChunks('examples/relu-mlp.safetensors')) byteCount += chunk.length;
 * console.log(byteCount); // 3150176
 * ```
 */
export async function* readFileChunks(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  throwIfAborted(signal);
  let file: FileHandle | undefined;
  try {
    file = await openRegular(path);
    // A stream that begins with an aborted signal emits its error before anyone can listen (Node 20): the process ends.
    throwIfAborted(signal);
    const stream = file.createReadStream({ highWaterMark: 1 << 18, signal, autoClose: false });
    for await (const chunk of stream) yield chunk;
  } catch (error) {
    throwIfAborted(signal);
    throw await unreadable(error, path);
  } finally {
    await file?.close();
  }
}

/**
 * Opens a file to be read. Opening a pipe or device may wait for ever, and nothing can stop it: they are refused.
 * @throws FewfireError `file-unreadable`; errors of the file system
 */
export async function openRegular(path: string): Promise<FileHandle> {
  refuseSpecial(await stat(path), path);
  // What has taken its place since is opened without waiting.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    refuseSpecial(await file.stat(), path);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function refuseSpecial(stats: Stats, path: string): void {
  if (stats.isFile()) return;
  if (stats.isDirectory()) throw directoryInstead(path);
  const kind = stats.isFIFO() ? 'a pipe' : stats.isSocket() ? 'a socket' : 'a device';
  throw new FewfireError(
    'file-unreadable',
    `${path} is ${kind}, expected a file; give a table through standard input (program | fewfire fit -), and put anything else into a file first`,
  );
}

/** What a failed read means, as an error that says what to do. */
export async function unreadable(error: unknown, path: string): Promise<unknown> {
  const cause = error;
  const code = errorCode(error);
  if (code === undefined) {
    // Of Node itself: a path it does not take.
    const odd = /^ERR_/.test((error as NodeJS.ErrnoException).code ?? '') && !(error instanceof FewfireError);
    return odd
      ? new FewfireError('file-unreadable', `cannot read ${path}: ${(error as Error).message}`, { cause })
      : error;
  }
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new FewfireError('file-not-found', `there is no file ${path}; ${await suggestFile(path)}`, { cause });
  }
  if (code === 'EISDIR') return directoryInstead(path);
  const why = code === 'EACCES' || code === 'EPERM' ? 'permission denied; make it readable (chmod u+r)' : code;
  return new FewfireError('file-unreadable', `cannot read ${path}: ${why}`, { cause });
}

/** The error for a directory where a file is expected. */
function directoryInstead(path: string): FewfireError {
  return new FewfireError(
    'file-unreadable',
    `${path} is a directory, expected a file; name a file in it, or several with a pattern such as '${join(path, '*.csv')}'`,
  );
}

async function suggestFile(path: string): Promise<string> {
  const directory = dirname(path);
  const names = await readdir(directory).catch(() => undefined);
  if (names === undefined) return `the directory ${directory} does not exist either; check the path`;
  const close = closestName(basename(path), names);
  if (close !== undefined) return `did you mean ${join(directory, close)}?`;
  const visible = names.filter((name) => !name.startsWith('.')).sort();
  return visible.length === 0
    ? `the directory ${directory} is empty; check the path`
    : `${directory} has ${listNearest([basename(path)], visible, 6)}`;
}

/** What a failed write means, as an error that says what to do. */
export function unwritable(error: unknown, path: string): unknown {
  const code = errorCode(error);
  if (error instanceof FewfireError || code === undefined) return error;
  const reasons: Record<string, string> = {
    ENOENT: `the directory ${dirname(path)} does not exist; create it first`,
    ENOTDIR: `${dirname(path)} is not a directory; choose another path`,
    EACCES: 'permission denied; choose another path or change the permissions',
    EPERM: 'not permitted; choose another path or change the permissions',
    EROFS: 'the file system is read-only; choose another path',
    ENOSPC: 'no space left on the disk; free some or choose another path',
    EDQUOT: 'the disk quota is used up; free some space or choose another path',
    EISDIR: 'it is a directory; add a file name',
    EFBIG: 'the file would be too large for the file system',
    EPIPE: 'the reader has closed the pipe',
  };
  return new FewfireError('file-unwritable', `cannot write ${path}: ${reasons[code] ?? code}`, { cause: error });
}

function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/**
 * Folders for temporary files: what the engine puts aside, files unpacked, standard input. They hold people's data, so
 * they are gone however the process ends: its own are removed when they are done with, or when it exits (an uncaught
 * error, a second Ctrl-C); those of a process that was killed, by the next one. Data that has to be read more than once
 * goes into a file without a name where there is such a thing (Linux), which not even a killed process leaves behind.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readlinkSync, rmSync } from 'node:fs';
import { lstat, mkdir, open, readdir, rm, unlink } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { FewfireError } from '@fewfire/core';
import { writeAll } from '../files.ts';

/** Folders of this process that may exist. */
const folders = new Set<string>();
let isWatching = false;

/** The path of a new folder, which whoever needs it makes. It is removed with `removeFolder`, or on exit. */
export function nameFolder(): string {
  if (!isWatching) {
    isWatching = true;
    process.on('exit', () => {
      for (const folder of folders) removeNow(folder);
    });
    void removeLeftFolders().catch(() => undefined);
  }
  const folder = join(tmpdir(), `fewfire-${process.pid}-${placeOfPids()}-${randomUUID()}`);
  folders.add(folder);
  return folder;
}

/** @throws FewfireError `file-unwritable` */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw temporaryFailure(error);
  }
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  folders.delete(folder);
}

function removeNow(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // The next process tries again.
  }
}

/** Removes the folders of processes that are no more: of this user, and with process numbers of this machine. */
async function removeLeftFolders(): Promise<void> {
  const directory = tmpdir();
  const pattern = new RegExp(`^fewfire-(\\d+)-${placeOfPids()}-[0-9a-f-]{36}$`);
  for (const name of await readdir(directory)) {
    const pid = Number(pattern.exec(name)?.[1]);
    if (!(pid > 0) || isAlive(pid)) continue;
    const folder = join(directory, name);
    const stats = await lstat(folder);
    // Not what somebody else has put there under such a name.
    if (stats.isDirectory() && stats.uid === (process.getuid?.() ?? stats.uid)) removeNow(folder);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

// Process numbers mean something on one machine, and within one container; folders may be shared between them.
function placeOfPids(): string {
  let space = '';
  try {
    space = readlinkSync('/proc/self/ns/pid');
  } catch {
    // Not Linux.
  }
  return createHash('sha256').update(`${hostname()} ${space}`).digest('hex').slice(0, 8);
}

/** A file that is written and then read, by its path, until it is closed. */
export interface SpoolFile {
  readonly path: string;
  /** @throws FewfireError `file-unwritable`; what `bytes` throws */
  write(bytes: AsyncIterable<Uint8Array>): Promise<void>;
  close(): Promise<void>;
}

const OPEN_FILES = '/proc/self/fd';

/** @throws FewfireError `file-unwritable` */
export async function createSpoolFile(folder: string, name: string): Promise<SpoolFile> {
  const named = join(folder, name);
  try {
    const file = await open(named, 'wx', 0o600);
    // Without its name it can still be opened again through its descriptor.
    const nameless = `${OPEN_FILES}/${file.fd}`;
    const path = process.platform === 'linux' && existsSync(nameless) ? nameless : named;
    if (path === nameless) await unlink(named);
    return {
      path,
      async write(bytes) {
        for await (const chunk of bytes) {
          await writeAll(file, chunk).catch((error: unknown) => {
            throw temporaryFailure(error);
          });
        }
      },
      close: () => file.close(),
    };
  } catch (error) {
    throw temporaryFailure(error);
  }
}

// Why temporary files cannot be written, as an error that says what to do; other errors as they are.
function temporaryFailure(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof FewfireError || typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) return error;
  return noRoom(code, error);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'there is no space left',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be too large for the file system',
  ENOTDIR: 'it is not a folder',
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
};

/** The error for a code of the file system, about the folder for temporary files. */
export function noRoom(code: string, cause: unknown): FewfireError {
  return new FewfireError(
    'file-unwritable',
    `cannot keep temporary files in ${tmpdir()}: ${REASONS[code] ?? code}; set TMPDIR to a folder with room`,
    { cause },
  );
}

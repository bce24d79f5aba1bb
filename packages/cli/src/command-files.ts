/**
 * The files of one command: nothing that it reads is written over, and no two of its outputs are one file. Files are
 * compared, not names: by device and inode, behind links, patterns, `file.duckdb#table` and redirected standard input.
 * It is asked before any work, where a refusal costs nothing, and again right before a new file takes the place of an
 * old one. Everything that a command writes is written here; whatever was not declared is refused as a fault.
 */
import { randomUUID } from 'node:crypto';
import { type BigIntStats, constants, fstatSync } from 'node:fs';
import { access, lstat, open, readlink, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { FileContent, OutputColumn, OutputParts } from '@fewfire/node';
import type { FilesOfCommand, InputFile, OutputFile } from './file-roles.ts';

interface FileToWrite {
  readonly path: string;
  readonly content: FileContent;
}

export interface CommandFiles {
  /**
   * Takes in what a command reads and writes, and refuses outputs that could not be written or would destroy something.
   * @throws FewfireError `file-unwritable`; `invalid-argument` for two outputs that are one file
   */
  declare(files: FilesOfCommand): Promise<void>;
  /** Adds files that turned out to be read. */
  addInputs(label: string, paths: readonly string[]): Promise<void>;
  /**
   * Writes files, each whole or not at all; of several an abort leaves all or none.
   * @param mayReplace refuses what only the caller knows that it must not be written over
   * @throws FewfireError `file-unwritable`
   */
  write(files: readonly FileToWrite[], mayReplace?: (path: string) => Promise<void>): Promise<void>;
  /** Writes columns as .csv or .parquet. @throws FewfireError `file-unwritable`, `unsupported` */
  writeTable(path: string, columns: readonly OutputColumn[] | OutputParts): Promise<void>;
}

/** Which file it is, whatever it is called. */
interface Identity {
  readonly device: bigint;
  /** 0 where the file system has none. */
  readonly inode: bigint;
  readonly path: string | undefined;
}

interface KnownInput {
  /** As it was typed. */
  readonly label: string;
  readonly identity: Identity;
}

/** @param standardOutput the descriptor of standard output, if it has one */
export function openCommandFiles(signal: AbortSignal, standardOutput: number | undefined): CommandFiles {
  const known: KnownInput[] = [];
  const outputs: OutputFile[] = [];
  const written: Identity[] = [];

  const addInputs = async (label: string, paths: readonly string[]): Promise<void> => {
    for (const path of paths) {
      const identity = await identify(path);
      if (identity !== undefined) known.push({ label, identity });
    }
  };

  const addInput = async ({ text, isTable }: InputFile): Promise<void> => {
    if (!isTable) return await addInputs(text, [text]);
    if (text === '-') {
      const identity = identifyDescriptor(0);
      if (identity !== undefined) known.push({ label: 'standard input', identity });
      return;
    }
    const { sourceFiles } = await import('@fewfire/node');
    await addInputs(text, await sourceFiles(text));
  };

  const inputThatIs = async (identity: Identity): Promise<KnownInput | undefined> => {
    const found = known.find((input) => isSame(input.identity, identity));
    if (found !== undefined) return found;
    // What is called as an input was may have become another file.
    for (const input of known) {
      const now = input.identity.path === undefined ? undefined : await identify(input.identity.path);
      if (now !== undefined && isSame(now, identity)) return input;
    }
    return undefined;
  };

  const guard =
    (path: string, mayReplace?: (path: string) => Promise<void>) =>
    async (target: string): Promise<void> => {
      const identity = await identify(target);
      if (identity === undefined) return;
      const input = await inputThatIs(identity);
      if (input !== undefined) throw await refusal(path, readToo(path, input));
      if (written.some((other) => isSame(other, identity))) {
        throw await refusal(path, 'it is a file that this command has just written; choose another path');
      }
      await mayReplace?.(target);
    };

  const checkDeclared = (path: string): void => {
    const declared = outputs.some((output) =>
      output.isFolder ? resolve(path).startsWith(resolve(output.path) + sep) : output.path === path,
    );
    if (!declared) throw new Error(`${path} is written and was not declared as an output`);
  };

  return {
    addInputs,
    async declare({ inputs, outputs: declared, prints }) {
      if (declared.length === 0 && standardOutput === undefined) return;
      const stream = prints && standardOutput !== undefined ? identifyDescriptor(standardOutput) : undefined;
      if (declared.length === 0 && stream === undefined) return;
      outputs.push(...declared);
      for (const output of declared) await checkWritable(output);
      for (const input of inputs) await addInput(input);
      for (const { path, isFolder } of declared) {
        const identity = isFolder ? undefined : await identify(path);
        const input = identity === undefined ? undefined : await inputThatIs(identity);
        if (input !== undefined) throw await refusal(path, readToo(path, input));
      }
      await refuseTwins(declared, stream);
      const input = stream === undefined ? undefined : await inputThatIs(stream);
      if (input !== undefined) {
        throw await refusal('standard output', `its file is also what is read (${input.label}); choose another`);
      }
    },
    async write(files, mayReplace) {
      const { writeFileAtomic } = await import('@fewfire/node');
      for (const { path } of files) checkDeclared(path);
      for (const [i, { path, content }] of files.entries()) {
        // Once the first is there, the others are too: from then on the signal is not listened to.
        const stopped = i === 0 ? { signal } : {};
        await writeFileAtomic(path, content, { ...stopped, beforeReplacing: guard(path, mayReplace) });
        const identity = await identify(path);
        if (identity !== undefined) written.push(identity);
      }
    },
    async writeTable(path, columns) {
      const { writeTable } = await import('@fewfire/node');
      checkDeclared(path);
      await writeTable(path, columns, { signal, beforeReplacing: guard(path) });
    },
  };
}

function readToo(path: string, { label }: KnownInput): string {
  return `it is also what is read${label === path ? '' : ` (${label})`}; choose another path`;
}

async function refusal(path: string, why: string, cause?: unknown): Promise<Error> {
  const { FewfireError } = await import('@fewfire/core');
  return new FewfireError('file-unwritable', `cannot write ${path}: ${why}`, { cause });
}

async function identify(path: string): Promise<Identity | undefined> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  if (stats === undefined) return undefined;
  return identityOf(stats, await realpath(path).catch(() => undefined));
}

// Terminals and pipes lose nothing by being written to.
function identifyDescriptor(descriptor: number): Identity | undefined {
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    return stats.isFile() ? identityOf(stats, undefined) : undefined;
  } catch {
    return undefined; // it is closed
  }
}

// Of a device such as /dev/null nothing is lost either.
function identityOf(stats: BigIntStats, path: string | undefined): Identity | undefined {
  return stats.isCharacterDevice() ? undefined : { device: stats.dev, inode: stats.ino, path };
}

function isSame(a: Identity, b: Identity): boolean {
  if (a.inode !== 0n && a.inode === b.inode && a.device === b.device) return true;
  return a.path !== undefined && a.path === b.path;
}

async function checkWritable({ path, isFolder }: OutputFile): Promise<void> {
  if (isFolder) return;
  const existing = await stat(path).catch(() => undefined);
  if (existing?.isDirectory()) throw await refusal(path, 'it is a directory; add a file name');
  // A device or pipe is written to in place.
  const target = existing === undefined ? path : await realpath(path);
  const inPlace = existing !== undefined && !existing.isFile();
  const directory = dirname(target);
  if (!inPlace) {
    const parent = await stat(directory).catch(() => undefined);
    if (parent === undefined) throw await refusal(path, `the directory ${directory} does not exist; create it first`);
    if (!parent.isDirectory()) throw await refusal(path, `${directory} is not a directory; choose another path`);
    if (path.endsWith('/') || basename(path) === '') throw await refusal(path, 'it is a directory; add a file name');
  }
  try {
    if (existing !== undefined) await access(target, constants.W_OK);
    if (!inPlace) await access(directory, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw await refusal(path, 'permission denied; choose another path or change the permissions', cause);
  }
}

// Two outputs in one file, or one in the file that standard output goes to: the later would destroy the earlier.
async function refuseTwins(outputs: readonly OutputFile[], stream: Identity | undefined): Promise<void> {
  const { FewfireError } = await import('@fewfire/core');
  const files = outputs.filter(({ isFolder }) => !isFolder);
  for (const [i, b] of files.entries()) {
    const identity = await identify(b.path);
    if (stream !== undefined && identity !== undefined && isSame(stream, identity)) {
      const text = `${b.flag} and standard output are both ${b.path}; expected two files`;
      throw new FewfireError('invalid-argument', text);
    }
    for (const a of files.slice(0, i)) {
      if (!(await areOne(a.path, b.path))) continue;
      const both = a.path === b.path ? a.path : `one file, ${a.path} and ${b.path}`;
      throw new FewfireError('invalid-argument', `${a.flag} and ${b.flag} are both ${both}; expected two files`);
    }
  }
}

// Whether two paths are, or would become, one file.
async function areOne(a: string, b: string): Promise<boolean> {
  const [one, other] = [await identify(a), await identify(b)];
  if (one !== undefined && other !== undefined) return isSame(one, other);
  const [first, second] = [await placeOf(a), await placeOf(b)];
  if (first.directory !== second.directory) return false;
  return first.name === second.name || (await foldsInto(first.directory, first.name, second.name));
}

interface Place {
  /** Without links. */
  readonly directory: string;
  readonly name: string;
}

const MOST_LINKS = 40;

// Where a file would come to be: also behind links that lead to nothing yet.
async function placeOf(path: string): Promise<Place> {
  let at = resolve(path);
  for (let links = 0; links < MOST_LINKS; links++) {
    const directory = await realpath(dirname(at)).catch(() => dirname(at));
    at = join(directory, basename(at));
    const isLink = (await lstat(at).catch(() => undefined))?.isSymbolicLink() ?? false;
    if (!isLink) break;
    at = resolve(directory, await readlink(at));
  }
  return { directory: dirname(at), name: basename(at) };
}

/** Whether a directory takes two names for one, as some file systems do with letters of either case: it is tried out. */
async function foldsInto(directory: string, a: string, b: string): Promise<boolean> {
  const loose = (name: string): string => name.normalize('NFKC').toUpperCase().toLowerCase();
  if (loose(a) !== loose(b)) return false;
  const mark = `.${randomUUID().slice(0, 8)}.`;
  const probe = join(directory, mark + a);
  try {
    await (await open(probe, 'wx')).close();
    return (await identify(join(directory, mark + b))) !== undefined;
  } catch {
    return true; // it cannot be known, so nothing is risked
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}

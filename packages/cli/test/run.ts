/**
 * Runs the real command line, from dist/ (`npm test` has built it): as users do, in a process of its own (`fewfire`), or
 * many in one process (`commandHost`), where starting each would take longer than the command.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';

export const root: string = fileURLToPath(new URL('../../../', import.meta.url));
export const bin: string = join(root, 'packages/cli/bin/fewfire.js');
export const chess: string = join(root, 'examples/chess-kr-vs-kp.csv');
export const votes: string = join(root, 'examples/house-votes-84.csv');

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export function fewfire(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = spawn(process.execPath, [bin, ...args], { ...surroundings(options), stdio: 'pipe' });
  child.stdin.on('error', () => undefined); // it may stop before it has read everything
  child.stdin.end(options.input ?? '');
  return finished(child);
}

/**
 * Runs a command in a process of its own, and sends it Ctrl-C once its progress line says that it is at this work.
 * Standard error is what a terminal would show in the end.
 */
export async function interruptAtWork(
  args: readonly string[],
  work: string,
  options: RunOptions = {},
): Promise<Finished> {
  const preload = new URL('at-work.mjs', import.meta.url).href;
  const env = { NODE_OPTIONS: `--import=${preload}` };
  const child = spawn(process.execPath, [bin, ...args], { ...surroundings({ ...options, env }), stdio: 'pipe' });
  child.stdin.end(options.input ?? '');
  let seen = '';
  let isTold = false;
  child.stderr.on('data', (chunk) => {
    seen += chunk;
    if (!isTold && seen.includes(work)) {
      isTold = true;
      child.kill('SIGINT');
    }
  });
  const { code, stdout, stderr } = await finished(child);
  const lines = stderr.split('\n').map((line) => line.split('\r\x1b[2K').at(-1));
  return { code, stdout, stderr: lines.join('\n') };
}

/** The most memory that a command had at once in a process of its own, in bytes; it must succeed. */
export async function peakMemory(args: readonly string[]): Promise<number> {
  const preload = new URL('peak-memory.mjs', import.meta.url).href;
  const { code, stderr } = await fewfire(args, { env: { NODE_OPTIONS: `--import=${preload}` } });
  expect({ code, stderr: stderr.replace(/^peak \d+ kB\n$/, '') }).toEqual({ code: 0, stderr: '' });
  return 1024 * Number(/^peak (\d+) kB$/m.exec(stderr)?.[1]);
}

/** Runs a command line. */
export type Run = (args: readonly string[]) => Promise<Finished>;

/**
 * One process that runs commands of a test file, one after another. They share what a process has (loaded code, memory),
 * so every command is also run by itself somewhere. When the file is done the process must end by itself, with nothing
 * said outside of its commands: none of them has left anything running.
 */
export function commandHost(): Run {
  let host: CommandHost | undefined;
  afterAll(async () => {
    if (host !== undefined) expect(await host.close()).toEqual({ code: 0, stdout: '', stderr: '' });
  });
  return (args) => {
    host ??= openHost();
    return host.run(args);
  };
}

export interface CommandHost {
  readonly run: Run;
  /** Lets the process end, and ends it where it does not; then its code is null. */
  close(patienceMs?: number): Promise<Finished>;
}

export function openHost(options: RunOptions = {}): CommandHost {
  const child = fork(new URL('host.mjs', import.meta.url), { ...surroundings(options), silent: true, execArgv: [] });
  const ended = finished(child);
  let last: Promise<unknown> = Promise.resolve();
  const run: Run = async (args) => {
    const done = new Promise<Finished>((resolve) => child.once('message', (message) => resolve(message as Finished)));
    const failed = ended.then((end) => {
      throw new Error(`the process ended in fewfire ${args.join(' ')}: ${JSON.stringify(end)}`);
    });
    child.send(args);
    return await Promise.race([done, failed]);
  };
  return {
    run(args) {
      const running = last.then(() => run(args));
      last = running.catch(() => undefined);
      return running;
    },
    async close(patienceMs = 30_000) {
      await last;
      if (child.connected) child.send('no more');
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      return await ended.finally(() => clearTimeout(timer));
    },
  };
}

function surroundings({ cwd = root, env = {} }: RunOptions): { cwd: string; env: NodeJS.ProcessEnv } {
  const { COLUMNS: _, FEWFIRE_DEBUG: __, ...own } = process.env;
  return { cwd, env: { ...own, ...env } };
}

/** What a process wrote, when it has ended. */
export function finished(child: ChildProcess): Promise<Finished> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

/** A folder for the tests of a file, removed after them. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fewfire-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a CSV file and gives its path. */
export function writeCsv(folder: string, name: string, rows: readonly (readonly string[])[]): string {
  const cell = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const path = join(folder, name);
  writeFileSync(path, `${rows.map((row) => row.map(cell).join(',')).join('\n')}\n`);
  return path;
}

/** Records of CSV text without line breaks in cells. */
export function parseCsv(text: string): string[][] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) =>
      Array.from(line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g), (match) =>
        match[1] === undefined ? match[2] : match[1].replaceAll('""', '"'),
      ),
    );
}

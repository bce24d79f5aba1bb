/** Runs the real command line as users do: a process of its own, from dist/ (`npm test` has built it). */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

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
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export function fewfire(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { COLUMNS: _, FEWFIRE_DEBUG: __, ...env } = process.env;
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: options.cwd ?? root,
    env: { ...env, ...options.env },
    stdio: 'pipe',
  });
  child.stdin.on('error', () => undefined); // it may stop before it has read everything
  child.stdin.end(options.input ?? '');
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
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

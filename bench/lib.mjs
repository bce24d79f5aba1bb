/** What the cases share: running both sides as processes, medians, the machine, and where results go. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const benchDir = dirname(fileURLToPath(import.meta.url));
export const rootDir = dirname(benchDir);

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** Runs a command whose last line of output is JSON; `limitBytes` is its ulimit -v. */
export function runJson(command, args, { limitBytes, timeoutMs = 600_000, env = {} } = {}) {
  const shell =
    limitBytes === undefined
      ? [command, args]
      : ['bash', ['-c', `ulimit -v ${Math.floor(limitBytes / 1024)}; exec "$0" "$@"`, command, ...args]];
  const child = spawnSync(shell[0], shell[1], {
    encoding: 'utf8',
    timeout: timeoutMs,
    maxBuffer: 2 ** 26,
    env: { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1', ...env },
  });
  const line = (child.stdout ?? '').trim().split('\n').pop() ?? '';
  try {
    return JSON.parse(line);
  } catch {
    return {
      ok: false,
      error:
        child.error?.message ??
        `exit ${child.status ?? child.signal}: ${(child.stderr ?? '').trim().split('\n').pop()}`,
    };
  }
}

/** The machine, in words that make results comparable. */
export function describeMachine() {
  return {
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    node: process.version,
  };
}

/** A folder for one case, removed afterwards. */
export async function withTempDir(use) {
  const folder = mkdtempSync(join(tmpdir(), 'fewfire-bench-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const python = '/usr/bin/python3';

/** Compiles a C file of peers/; returns the program. */
export function compileC(source, folder, name, flags = []) {
  const program = join(folder, name);
  execFileSync('gcc', ['-O3', '-march=native', ...flags, join(benchDir, 'peers', source), '-o', program, '-lm']);
  return program;
}

export const mb = (bytes) => `${Math.round(bytes / 1e6).toLocaleString('en-US')} MB`;
export const seconds = (value) => (value < 0.1 ? `${(value * 1000).toPrecision(3)} ms` : `${value.toPrecision(3)} s`);
export const ratio = (value) => `${value >= 10 ? Math.round(value) : value.toPrecision(2)}x`;

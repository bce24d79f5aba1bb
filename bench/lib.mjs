/** What the cases share: running both sides as processes, medians, the machine and its cache, and where results go. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const benchDir = dirname(fileURLToPath(import.meta.url));
export const rootDir = dirname(benchDir);

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** The L2 norm of the differences over that of what was expected. */
export function relativeError(values, expected) {
  let [errors, norms] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    errors += (values[i] - expected[i]) ** 2;
    norms += expected[i] ** 2;
  }
  return Math.sqrt(errors / norms);
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

/** Writes `select` of the engine as t.csv and t.parquet in a folder, by the engine that the project has. */
export async function writeTables(folder, select) {
  const engine = createRequire(join(rootDir, 'packages', 'node', 'package.json')).resolve('@duckdb/node-api');
  const { DuckDBInstance } = (await import(engine)).default;
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect();
  await connection.run(`CREATE TABLE t AS ${select}`);
  const files = { CSV: join(folder, 't.csv'), Parquet: join(folder, 't.parquet') };
  await connection.run(`COPY t TO '${files.CSV}' (HEADER)`);
  await connection.run(`COPY t TO '${files.Parquet}' (FORMAT parquet)`);
  connection.closeSync();
  return files;
}

/** The machine, in words that make results comparable. */
export function describeMachine() {
  return {
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    cacheMb: Math.round(lastLevelCacheBytes() / 1e6),
    node: process.version,
  };
}

/** Where the system does not say: more than most machines have. */
const GUESSED_CACHE_BYTES = 128e6;
/** A set of several caches' size is too large to leave much behind from one pass to the next. */
const CACHES_IN_WORKING_SET = 4;
/** A case holds several such sets, and a peer takes a few for a moment while it reads its model. */
const MOST_OF_MEMORY = 1 / 16;

/** Bytes of the largest cache that the first processor has a part in; off Linux a guess. */
export function lastLevelCacheBytes() {
  const folder = '/sys/devices/system/cpu/cpu0/cache';
  const units = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };
  try {
    const sizes = readdirSync(folder)
      .filter((name) => /^index\d+$/.test(name))
      .map((name) => readFileSync(join(folder, name, 'size'), 'utf8').match(/^(\d+)([KMG]?)/))
      .map(([, count, unit]) => Number(count) * (units[unit] ?? 1));
    const largest = Math.max(...sizes);
    return largest > 0 ? largest : GUESSED_CACHE_BYTES;
  } catch {
    return GUESSED_CACHE_BYTES;
  }
}

/** Bytes to rotate over so that what is read comes from memory: four times the last-level cache, as far as memory goes. */
export function workingSetBytes() {
  return Math.min(CACHES_IN_WORKING_SET * lastLevelCacheBytes(), MOST_OF_MEMORY * totalmem());
}

let evictor;
/**
 * Reads twice the last-level cache of something else, so that nothing from before is found there. A working set does not
 * see to that alone: who reads a small part of it finds that part again, or what another side has just left.
 */
export function evictCaches() {
  evictor ??= new Float64Array((2 * lastLevelCacheBytes()) / 8).fill(1);
  let sum = 0;
  for (let i = 0; i < evictor.length; i += 8) sum += evictor[i];
  return sum;
}

/** A TypeScript source of the workspace, which Node of these versions runs only through a transpiler: esbuild, which is here. */
export async function importSource(path) {
  const { build } = await import('esbuild');
  const options = { bundle: true, format: 'esm', write: false, platform: 'node' };
  const { outputFiles } = await build({ entryPoints: [join(rootDir, path)], ...options });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
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

// One command in a process of its own: what it said, how it ended, how long it took and how much memory it held.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const usage = new URL('usage.mjs', import.meta.url).href;

/** A command that was asked to stop is given this long to do so. */
const PATIENCE_MS = 5000;

/**
 * @param {string} script run by this Node
 * @param {readonly string[]} args
 * @param {{ folder: string, timeoutMs: number, signal: AbortSignal }} options `folder` is for what it leaves behind
 */
export async function runScript(script, args, { folder, timeoutMs, signal }) {
  const usageFile = join(folder, 'usage');
  rmSync(usageFile, { force: true });
  const { COLUMNS: _, FEWFIRE_DEBUG: __, ...own } = process.env;
  const env = { ...own, FEWFIRE_USAGE_FILE: usageFile, TMPDIR: folder, TEMP: folder, TMP: folder };
  const done = await run(process.execPath, [`--import=${usage}`, script, ...args], { env, timeoutMs, signal });
  return { ...done, ...(existsSync(usageFile) ? JSON.parse(readFileSync(usageFile, 'utf8')) : {}) };
}

/** Ends early, as `timedOut` or by the signal's reason, only after the process has ended. */
export async function run(command, args, { env = process.env, timeoutMs, signal }) {
  signal.throwIfAborted();
  const startedAt = performance.now();
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    stderr += chunk;
  });
  let killer;
  let timedOut = false;
  const stop = () => {
    child.kill('SIGTERM');
    killer ??= setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  };
  const timer = setTimeout(() => {
    timedOut = true;
    stop();
  }, timeoutMs);
  signal.addEventListener('abort', stop);
  try {
    const [code, killedBy] = await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (...end) => resolve(end));
    });
    signal.throwIfAborted();
    return { code, killedBy, timedOut, stdout, stderr, elapsedMs: performance.now() - startedAt };
  } finally {
    clearTimeout(timer);
    clearTimeout(killer);
    signal.removeEventListener('abort', stop);
  }
}

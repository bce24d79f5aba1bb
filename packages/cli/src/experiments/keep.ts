/**
 * Finished experiments as files, so that an interrupted reproduction goes on where it stopped. A file is used again
 * only if it has the same experiment, scale and seed and was made by the same code.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExperimentId, ExperimentResult, ExperimentScale } from './experiment.ts';

export interface PartKey {
  readonly id: ExperimentId;
  readonly scale: ExperimentScale;
  readonly seed: number;
  /** `codeHash`. */
  readonly code: string;
}

export interface Part extends PartKey {
  readonly seconds: number;
  readonly result: ExperimentResult;
}

const FORMAT = 'fewfire-experiment-1';

// Non-finite numbers are words, since JSON would make them null.
const WORDS = ['Infinity', '-Infinity', 'NaN'];

export function partText(part: Part): string {
  const { id, scale, seed, code, seconds, result } = part;
  const plain = (_: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  return `${JSON.stringify({ format: FORMAT, id, scale, seed, code, seconds, result }, plain, 1)}\n`;
}

/** The kept part of that key; undefined where there is none, or another, or what is there cannot be read. */
export async function readPart(path: string, key: PartKey): Promise<Part | undefined> {
  try {
    const part = JSON.parse(await readFile(path, 'utf8'), (_, value: unknown) =>
      typeof value === 'string' && WORDS.includes(value) ? Number(value) : value,
    ) as Part & { readonly format: string };
    const same =
      part.format === FORMAT &&
      part.id === key.id &&
      part.scale === key.scale &&
      part.seed === key.seed &&
      part.code === key.code;
    return same && Array.isArray(part.result.claims) && Array.isArray(part.result.figures) ? part : undefined;
  } catch {
    return undefined;
  }
}

/** Of the code that decides results: the experiments and the packages they call. Takes some milliseconds. */
export function codeHash(version: string): string {
  const hash = createHash('sha256').update(version);
  const require = createRequire(import.meta.url);
  const folders = [fileURLToPath(new URL('..', import.meta.url))];
  for (const name of ['@fewfire/core', '@fewfire/kernels', '@fewfire/node'])
    folders.push(dirname(require.resolve(name)));
  for (const folder of folders) {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => /\.[jt]s$/.test(file));
    for (const file of files.filter((name) => !name.endsWith('.d.ts')).sort()) {
      hash.update(`\0${file}\0`).update(readFileSync(join(folder, file)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

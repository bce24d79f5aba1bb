/**
 * Finished experiments as files, so that an interrupted reproduction goes on where it stopped. A file is used again only
 * if it has the same experiment, scale and seed, was made by the same code, and still has the hash it was written with: a
 * number changed afterwards would stand in the report as measured.
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

const FORMAT = 'fewfire-experiment-2';

// Non-finite numbers are words, since JSON would make them null.
const WORDS = ['Infinity', '-Infinity', 'NaN'];

const spelled = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;

const read = (_: string, value: unknown): unknown =>
  typeof value === 'string' && WORDS.includes(value) ? Number(value) : value;

export function partText(part: Part): string {
  const { id, scale, seed, code, seconds, result } = part;
  const content = { format: FORMAT, id, scale, seed, code, seconds, result };
  return `${JSON.stringify({ sha256: hashOf(content), ...content }, spelled, 1)}\n`;
}

// Over the content as it is in the file, without white space.
function hashOf(content: object): string {
  return createHash('sha256').update(JSON.stringify(content, spelled)).digest('hex');
}

/** What a file has to offer: a part of that key, or nothing and, where there is a file, why not. */
export type Kept = { readonly part: Part } | { readonly part: undefined; readonly refused: string | undefined };

export async function readPart(path: string, key: PartKey): Promise<Kept> {
  const refuse = (refused: string | undefined): Kept => ({ part: undefined, refused });
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return refuse(code === 'ENOENT' ? undefined : `it cannot be read (${code})`);
  }
  try {
    const { sha256, ...content } = JSON.parse(text);
    if (content.format !== FORMAT || content.code !== key.code) return refuse('it was made by other code');
    if (sha256 !== hashOf(content)) return refuse('it is damaged or was edited');
    if (content.id !== key.id || content.scale !== key.scale || content.seed !== key.seed) {
      return refuse('it is of another experiment, scale or seed');
    }
    return { part: JSON.parse(text, read) as Part };
  } catch {
    return refuse('it is damaged or was edited');
  }
}

/** Of the code that decides results: the experiments and the packages they call. Takes some milliseconds. */
export function codeHash(version: string): string {
  const hash = createHash('sha256').update(version);
  const require = createRequire(import.meta.url);
  const folders = [fileURLToPath(new URL('.', import.meta.url))];
  for (const name of ['@fewfire/core', '@fewfire/kernels', '@fewfire/node', '@fewfire/report'])
    folders.push(dirname(require.resolve(name)));
  for (const folder of folders) {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => /\.[jt]s$/.test(file));
    for (const file of files.filter((name) => !name.endsWith('.d.ts')).sort()) {
      hash.update(`\0${file}\0`).update(readFileSync(join(folder, file)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

/**
 * What a reproduction made, told by how its files begin: a folder that is named again may hold files of others called
 * as these are, and only what was made here is written over.
 */
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExperimentId } from './experiment.ts';

export const REPORT_TITLE = 'Learning Neural Networks with Sparse Activations: the statements, measured';

const BEGINNINGS: readonly (readonly [name: RegExp, begins: RegExp])[] = [
  [/\.json$/, /^\{\s*(?:"sha256": "[^"]*",\s*)?"format": "fewfire-experiment-/],
  [/\.csv$/, /^figure,title,series,kind,x,y,low,high\n/],
  [
    /\.svg$/,
    /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="[\d. ]+" width="[\d.]+" height="[\d.]+" role="img"/,
  ],
  [/\.md$/, /^<!-- claims: fewfire reproduce /],
  [/\.html$/, new RegExp(`^<!doctype html>[\\s\\S]*<title>${REPORT_TITLE}</title>`)],
];

const LONGEST_BEGINNING = 2048;

/** Refuses to write over what a reproduction did not make. @throws FewfireError `file-unwritable` */
export async function mayReplace(path: string): Promise<void> {
  const beginning = await beginningOf(path);
  if (beginning === undefined || BEGINNINGS.some(([name, begins]) => name.test(path) && begins.test(beginning))) return;
  const { FewfireError } = await import('@fewfire/core');
  throw new FewfireError(
    'file-unwritable',
    `cannot write ${path}: the file there is none that reproduce made; move it away or choose another folder with --out`,
  );
}

/** Looks at everything that experiments would write over, before they begin. @throws FewfireError `file-unwritable` */
export async function refuseForeign(folder: string, ids: readonly ExperimentId[]): Promise<void> {
  const own = ['report.html', 'claims.md', ...ids.flatMap((id) => [`${id}.json`, `${id}.csv`])];
  const figures = await readdir(join(folder, 'figures')).catch(() => []);
  const drawn = figures.filter((name) => ids.some((id) => name.startsWith(`${id}-`) && /-\d+\.svg$/.test(name)));
  for (const path of [...own, ...drawn.map((name) => join('figures', name))]) await mayReplace(join(folder, path));
}

// Undefined where there is no file; empty where it cannot be read.
async function beginningOf(path: string): Promise<string | undefined> {
  const stats = await stat(path).catch(() => undefined);
  // Of what is no file the writing itself says that it is not written over.
  if (stats?.isFile() !== true) return undefined;
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return '';
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(LONGEST_BEGINNING), 0, LONGEST_BEGINNING, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** statistics.json is what its script makes, number by number. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findPython } from '../../../scripts/tools.mjs';

const folder = fileURLToPath(new URL('./statistics/goldens/', import.meta.url));
const python: string | undefined = findPython();

describe.skipIf(python === undefined)('goldens of the statistics', () => {
  it('are what make-statistics-goldens.py makes', () => {
    const fresh = mkdtempSync(join(tmpdir(), 'fewfire-statistics-'));
    try {
      execFileSync(python as string, [join(folder, 'make-statistics-goldens.py'), fresh], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const read = (from: string) => JSON.parse(readFileSync(join(from, 'statistics.json'), 'utf8'));
      const [committed, made] = [read(folder), read(fresh)];
      for (const key of ['clopperPearson', 'incompleteBeta', 'normalQuantile']) {
        expect(made[key].length).toBe(committed[key].length);
        made[key].flat().forEach((value: number, i: number) => {
          const was = committed[key].flat()[i];
          expect(Math.abs(value - was)).toBeLessThanOrEqual(1e-13 * Math.abs(was));
        });
      }
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  });
});

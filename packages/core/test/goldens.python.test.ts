/**
 * The committed goldens are what their script makes: rerun it and compare, number by number. Otherwise a golden edited
 * by hand, or a script changed without its outputs, would go unnoticed.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findPython } from '../../../scripts/tools.mjs';
import { differences } from './golden-differences.ts';

const folder = fileURLToPath(new URL('./goldens/', import.meta.url));
const python: string | undefined = findPython();

describe.skipIf(python === undefined)('goldens', () => {
  it('are what make-goldens.py makes', () => {
    const fresh = mkdtempSync(join(tmpdir(), 'fewfire-goldens-'));
    try {
      execFileSync(python as string, [join(folder, 'make-goldens.py'), fresh], { stdio: ['ignore', 'ignore', 'pipe'] });
      const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
      expect(names.sort()).toEqual(readdirSync(fresh).sort());
      for (const name of names) {
        const read = (from: string): unknown => JSON.parse(readFileSync(join(from, name), 'utf8'));
        expect(differences(read(folder), read(fresh), name)).toEqual([]);
      }
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  });
});

it('the comparison of goldens sees a changed number, length and key', () => {
  const golden = { rows: ['01'], fits: [{ lambda: 10, coefficients: [1, 2] }], madeBy: { numpy: '1' } };
  const changed = (fits: unknown): string[] => differences(golden, { ...golden, fits }, 'g');
  expect(changed([{ lambda: 10, coefficients: [1, 2 + 1e-12] }])).toEqual([]);
  expect(changed([{ lambda: 10, coefficients: [1, 2 + 1e-8] }])).toEqual(['g.fits.0.coefficients.1: 2 and 2.00000001']);
  expect(changed([{ lambda: 10, coefficients: [1] }])).toHaveLength(1);
  expect(changed([{ coefficients: [1, 2] }])).toHaveLength(1);
  expect(differences(golden, { ...golden, madeBy: { numpy: '2' } }, 'g')).toEqual([]);
});

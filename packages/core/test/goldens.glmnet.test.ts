/** The committed goldens of glmnet are what their script makes: rerun it and compare, number by number. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findGlmnet } from '../../../scripts/tools.mjs';
import { differences } from './golden-differences.ts';

const folder = fileURLToPath(new URL('./goldens/', import.meta.url));
const rscript: string | undefined = findGlmnet();

describe.skipIf(rscript === undefined)('goldens of glmnet', () => {
  it('are what make-glmnet-goldens.R makes', () => {
    const fresh = mkdtempSync(join(tmpdir(), 'fewfire-goldens-'));
    try {
      execFileSync(rscript as string, [join(folder, 'make-glmnet-goldens.R'), fresh], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const read = (from: string): unknown => JSON.parse(readFileSync(join(from, 'elastic-net.json'), 'utf8'));
      expect(differences(read(join(folder, 'glmnet')), read(fresh), 'glmnet')).toEqual([]);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  });
});

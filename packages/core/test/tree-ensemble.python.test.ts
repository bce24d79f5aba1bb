/** Training again with Debian's XGBoost gives the committed goldens: models, ONNX bytes, margins and classes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeTreeRows, importXgboost, predictTrees } from '@fewfire/core';
import { describe, expect, it } from 'vitest';
import { findPython } from '../../../scripts/tools.mjs';
import { TREE_GOLDENS } from './tree-golden.ts';

const folder = fileURLToPath(new URL('./trees/goldens/', import.meta.url));
const python: string | undefined = findPython();

describe.skipIf(python === undefined)('goldens of tree ensembles', () => {
  it('are what make-tree-goldens.py makes, and a model trained now imports with equal margins', async () => {
    const fresh = mkdtempSync(join(tmpdir(), 'fewfire-trees-'));
    try {
      const script = join(folder, 'make-tree-goldens.py');
      execFileSync(python as string, [script, fresh], { stdio: ['ignore', 'ignore', 'pipe'] });
      expect(readdirSync(fresh).sort()).toEqual(TREE_GOLDENS.map((name) => `${name}.json`).sort());
      for (const name of TREE_GOLDENS) {
        const read = (from: string) => JSON.parse(readFileSync(join(from, `${name}.json`), 'utf8'));
        const [{ madeBy: was, ...committed }, { madeBy: now, ...made }] = [read(folder), read(fresh)];
        // Another version may train other trees; its margins must be met all the same.
        if (JSON.stringify(was) === JSON.stringify(now)) expect(made).toEqual(committed);
        const model = importXgboost(JSON.stringify(made.model));
        const rows = made.rows.map((row: (number | null)[]) => row.map((value) => value ?? Number.NaN));
        const { margins } = await predictTrees(model, encodeTreeRows(model, rows));
        made.margins.forEach((margin: number | number[], i: number) => {
          for (const [o, value] of [margin].flat().entries()) expect(margins[o][i]).toBeCloseTo(value, 6);
        });
      }
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  });
});

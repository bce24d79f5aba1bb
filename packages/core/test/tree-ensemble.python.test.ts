/**
 * Training again with Debian's XGBoost gives the committed goldens: models, ONNX bytes, margins and classes; and what was
 * trained predicts the same from a network file.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { evaluateNetwork, parseAnyNetwork, predictTrees, serializeNetwork, type TreeModel } from '@fewfire/core';
import {
  createTreeNetwork,
  encodeTreeRows,
  expandTreeNetwork,
  importOnnxTrees,
  importXgboost,
  isTreeNetwork,
} from '@fewfire/core/internal';
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
        const model = importXgboost(made.text ?? JSON.stringify(made.model));
        const rows = made.rows.map((row: (number | null)[]) => row.map((value) => value ?? Number.NaN));
        const { margins } = await predictTrees(model, encodeTreeRows(model, rows));
        made.margins.forEach((margin: number | number[], i: number) => {
          for (const [o, value] of [margin].flat().entries()) expect(margins[o][i]).toBeCloseTo(value, 6);
        });
        await expectFromFile(model, rows, made);
        if (made.onnx === null) continue;
        const onnx = importOnnxTrees(new Uint8Array(Buffer.from(made.onnx, 'base64')), {
          featureNames: model.features.map((feature) => feature.name),
          booleanFeatures: model.features.flatMap((feature) => (feature.boolean ? [feature.name] : [])),
        });
        await expectFromFile(onnx, rows, made);
      }
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  });
});

interface Trained {
  readonly margins: readonly (number | number[])[];
  readonly classes: readonly number[] | null;
}

// Margins and classes of XGBoost from the trees in a file, and of every output from the units they stand for.
async function expectFromFile(model: TreeModel, rows: number[][], { margins, classes }: Trained): Promise<void> {
  for (const [o, output] of model.outputs.entries()) {
    const text = await serializeNetwork(createTreeNetwork(model, { output: output.name }));
    const network = await parseAnyNetwork(text, 'trained.json');
    if (!isTreeNetwork(network)) throw new Error('no trees came back');
    const points = encodeTreeRows(network.model, rows);
    const predicted = await predictTrees(network.model, points);
    const values = await evaluateNetwork(expandTreeNetwork(network), points);
    margins.forEach((margin, i) => {
      const expected = [margin].flat()[o];
      expect(predicted.margins[o][i]).toBeCloseTo(expected, 5);
      expect(values[i]).toBeCloseTo(expected, 5);
    });
    if (classes !== null) expect(Array.from(predicted.classes as Int32Array)).toEqual(classes);
  }
}

/**
 * Forty models of every kind that is imported, trained now by Debian's XGBoost: from a network file they have its margins,
 * its values and the same leaf of every tree at every row, among them rows at thresholds, without values, and with
 * categories that were never seen.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type CubePoints,
  type DecisionTree,
  importTreeModel,
  parseAnyNetwork,
  predictTrees,
  serializeNetwork,
  type TreeModel,
} from '@fewfire/core';
import { createTreeNetwork, encodeTreeRows, isTreeNetwork } from '@fewfire/core/internal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPython } from '../../../scripts/tools.mjs';

const python: string | undefined = findPython();

interface Answers {
  readonly rows: (number | null)[][];
  readonly margins: number[][];
  readonly values: number[][];
  /** Per row and tree, its place among the leaves from left to right. */
  readonly leaves: number[][];
  /** The output of each tree. */
  readonly trees: number[];
}

describe.skipIf(python === undefined)('forty models of XGBoost', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fewfire-xgboost-'));
    const script = fileURLToPath(new URL('./trees/train-models.py', import.meta.url));
    execFileSync(python as string, [script, folder], { stdio: ['ignore', 'ignore', 'pipe'] });
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('have the margins, values and leaves that XGBoost has', async () => {
    const names = readdirSync(folder).filter((name) => !name.endsWith('.answers.json'));
    expect(names.length).toBe(40);
    let sets = 0;
    for (const name of names) {
      const answers: Answers = JSON.parse(readFileSync(join(folder, name.replace(/\.\w+$/, '.answers.json')), 'utf8'));
      const bytes = new Uint8Array(readFileSync(join(folder, name)));
      expect(bytes[1] === 0x22, name).toBe(name.endsWith('.json'));
      const model = await fromFile(importTreeModel(bytes, { label: name }));
      sets += model.coordinates.filter(({ comparison }) => comparison === 'in').length;
      const points = encodeTreeRows(
        model,
        answers.rows.map((row) => row.map((value) => value ?? Number.NaN)),
      );
      const predicted = await predictTrees(model, points);
      expectLeaves(model, points, answers, name);
      for (const [i, margins] of answers.margins.entries()) {
        margins.forEach((margin, o) => {
          const error = Math.abs(predicted.margins[o][i] - margin);
          expect(error / Math.max(1, Math.abs(margin)), `${name}, row ${i}, output ${o}`).toBeLessThanOrEqual(1e-6);
        });
        expectValues(model, predicted, i, answers.values[i], name);
      }
    }
    expect(sets).toBeGreaterThan(100);
  }, 120_000);
});

async function fromFile(model: TreeModel): Promise<TreeModel> {
  const network = await parseAnyNetwork(
    await serializeNetwork(createTreeNetwork(model, { output: model.outputs[0].name })),
    'a file',
  );
  if (!isTreeNetwork(network)) throw new Error('no trees came back');
  return network.model;
}

// No is left.
function expectLeaves(model: TreeModel, points: CubePoints, { leaves, trees }: Answers, name: string): void {
  const places = model.outputs.map(() => 0);
  trees.forEach((output, t) => {
    const tree = model.outputs[output].trees[places[output]++];
    const found = leaves.map((_, i) => leafPlace(tree, points, i));
    expect(found, `${name}, tree ${t}`).toEqual(leaves.map((row) => row[t]));
  });
  expect(places).toEqual(model.outputs.map((output) => output.trees.length));
}

function leafPlace(tree: DecisionTree, { planes, rowCount }: CubePoints, row: number): number {
  let before = 0;
  let node = tree;
  while ('coordinate' in node) {
    const c = node.coordinate;
    const isYes = ((planes[(c >> 3) * rowCount + row] >> (c & 7)) & 1) === 1;
    if (isYes) before += leafCount(node.no);
    node = isYes ? node.yes : node.no;
  }
  return before;
}

function leafCount(tree: DecisionTree): number {
  return 'coordinate' in tree ? leafCount(tree.no) + leafCount(tree.yes) : 1;
}

// What predict of XGBoost prints: a class, a margin or what the link makes of it.
function expectValues(
  model: TreeModel,
  predicted: Awaited<ReturnType<typeof predictTrees>>,
  row: number,
  expected: number[],
  name: string,
): void {
  if (model.objective === 'multi:softmax' || model.objective === 'binary:hinge') {
    expect([predicted.classes?.[row]], `${name}, row ${row}`).toEqual(expected);
    return;
  }
  expected.forEach((value, o) => {
    const error = Math.abs(predicted.values[o][row] - value);
    expect(error / Math.max(1, Math.abs(value)), `${name}, row ${row}`).toBeLessThanOrEqual(1e-6);
  });
}

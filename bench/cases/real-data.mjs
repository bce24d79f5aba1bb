/**
 * How good the fits are on real tables: `fitTable` as it stands by default, beside scikit-learn's RidgeCV on the same
 * coordinates and all products of two. Both see the same outer folds; the encoder is fitted on each training part, and
 * everything that is chosen, on both sides, is chosen from the training part alone.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, encoderCoordinates, fitTable, memoryTable, scoreTable } from '@fewfire/core';
import { readTarget } from '@fewfire/core/internal';
import { openTable } from '@fewfire/node';
import { benchDir, python, rootDir, runJson, withTempDir } from '../lib.mjs';

const FOLDS = 5;
const SEED = 1;
const peer = join(benchDir, 'peers', 'sklearn_ridgecv.py');

async function compare({ file, target, targetTransform = 'none', measure, name }) {
  if (!existsSync(python)) throw new Error(`${python} with scikit-learn is needed for this comparison`);
  const source = await openTable(join(rootDir, 'examples', file));
  const columns = {};
  for (const column of source.columns) columns[column.name] = await source.texts(column.name);
  const order = createRandom(SEED).permutation(source.rowCount);
  await source.close();
  const folds = await withTempDir(async (folder) => {
    const runs = [];
    for (let fold = 0; fold < FOLDS; fold++) {
      const held = new Set(order.filter((_, i) => i % FOLDS === fold));
      const [training, test] = [false, true].map((isHeld) => pickRows(columns, (row) => held.has(row) === isHeld));
      const started = performance.now();
      const { model } = await fitTable(training, { target, targetTransform, test: 0, intervals: 'none' });
      const fitSeconds = (performance.now() - started) / 1e3;
      const { metrics } = await scoreTable(model, test);
      const shared = join(folder, `fold-${fold}.json`);
      writeFileSync(shared, JSON.stringify(await sharedData(model, { training, test })));
      const theirs = runJson(python, [peer, shared]);
      if (!theirs.ok) throw new Error(theirs.error);
      const { method, degree, lambda, basis } = model.outputs[0].fit;
      runs.push({ score: metrics[measure], fitSeconds, chosen: { method, degree, lambda, basis }, peer: theirs });
    }
    return runs;
  });
  const ours = mean(folds.map((run) => run.score));
  // Of both ways to write a yes the peer's better one stands in the table, grid by grid.
  const best = ['narrow', 'wide'].map((grid) =>
    ['signs', 'bits']
      .map((form) => ({ form, score: mean(folds.map((run) => peerScore(run.peer, form, grid))) }))
      .reduce((high, other) => (other.score > high.score ? other : high)),
  );
  const written = { signs: 'yes as -1', bits: 'yes as 1' };
  const said = best.map(({ form, score }) => `${score.toFixed(4)} (${written[form]}, the better way)`);
  const points = (value) => `${value >= 0 ? '+' : ''}${value.toFixed(4)}`;
  const rows = [
    {
      what: `${name}, mean of ${FOLDS} folds of ${source.rowCount.toLocaleString('en-US')} rows`,
      fewfire: ours.toFixed(4),
      peer: `RidgeCV on all pairs, its own alphas: ${said[0]}; 15 alphas from 1e-3 to 1e4: ${said[1]}`,
      ratio: best.map(({ score }) => points(ours - score)).join('; '),
    },
  ];
  return { rows, folds };
}

function pickRows(columns, keep) {
  const part = Object.entries(columns).map(([name, cells]) => [name, cells.filter((_, row) => keep(row))]);
  return memoryTable(Object.fromEntries(part));
}

/** The coordinates of both parts as the model's encoder makes them (a string of 0 and 1 per row), and the targets. */
async function sharedData(model, parts) {
  const data = {
    classes: model.target.kind !== 'regression',
    groups: encoderCoordinates(model.encoder).map((coordinate) => coordinate.group),
  };
  for (const [part, table] of Object.entries(parts)) {
    const { points } = await table.encode(model.encoder);
    const target = await readTarget(table, model.target);
    // Classes as both sides learn them: -1 for the positive one, which is the first, and +1.
    data[part] = { rows: bitRows(points), target: Array.from(target, (y) => (data.classes ? 2 * y - 1 : y)) };
  }
  return data;
}

function bitRows({ rowCount, coordinateCount, planes }) {
  return Array.from({ length: rowCount }, (_, row) =>
    Array.from({ length: coordinateCount }, (_, j) => (planes[(j >> 3) * rowCount + row] >> (j & 7)) & 1).join(''),
  );
}

function peerScore({ fits }, form, grid) {
  return fits.find((fit) => fit.form === form && fit.grid === grid).score;
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const peerName = 'scikit-learn RidgeCV on all products of at most two';
export const cases = [
  {
    name: 'real-data-salary',
    peer: peerName,
    run: () =>
      compare({
        file: 'stackoverflow-salary.csv',
        target: 'Salary',
        targetTransform: 'log',
        measure: 'r2',
        name: 'R2 of log Salary on rows held out',
      }),
  },
  {
    name: 'real-data-chess',
    peer: peerName,
    run: () =>
      compare({
        file: 'chess-kr-vs-kp.csv',
        target: 'class',
        measure: 'accuracy',
        name: 'accuracy on chess positions held out',
      }),
  },
];

/**
 * The best configuration of the chess model, by branch and bound with its proof, beside the mixed-integer programme of the
 * same polynomial in HiGHS: its time, or after half a minute what it found and its bound.
 */
import { join } from 'node:path';
import { fitTable, optimiseModel } from '@fewfire/core';
import { createHighsSolver, openTable } from '@fewfire/node';
import { rootDir, seconds } from '../lib.mjs';

const TIME_LIMIT_MS = 30_000;

async function run() {
  const rows = [];
  for (const degree of [2, 3]) {
    const table = await openTable(join(rootDir, 'examples', 'chess-kr-vs-kp.csv'));
    const { model } = await fitTable(table, {
      ...{ target: 'class', degree, method: 'ridge', test: 0, intervals: 'none' },
    });
    await table.close();
    for (const direction of ['maximise', 'minimise']) {
      const ours = await timed(model, undefined, { direction, method: 'enumerate' });
      const theirs = await timed(model, createHighsSolver(), { direction, method: 'milp' });
      const found = `found ${theirs.value.toFixed(3)}, bound ${theirs.bound.toFixed(3)}`;
      rows.push({
        what: `${direction} the chance of a won position, chess model of degree ${degree}, ${model.outputs[0].polynomial.termCount.toLocaleString('en-US')} terms`,
        fewfire: `${seconds(ours.elapsed)}, ${ours.proof}: ${ours.value.toFixed(3)}`,
        peer: `HiGHS: ${seconds(theirs.elapsed)}, ${theirs.proof}: ${found}`,
        ratio:
          theirs.proof === 'gap remains'
            ? 'only fewfire finishes'
            : `${Math.round(theirs.elapsed / ours.elapsed)}x faster`,
      });
    }
  }
  return { rows };
}

async function timed(model, solver, options) {
  const started = performance.now();
  const optimum = await optimiseModel(model, solver, { ...options, timeLimitMs: TIME_LIMIT_MS });
  return { ...optimum, elapsed: (performance.now() - started) / 1e3 };
}

export const cases = [{ name: 'optimise', peer: 'HiGHS', run }];

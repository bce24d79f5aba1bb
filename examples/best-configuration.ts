/**
 * The configuration a model rates highest, with the proof that none is better: by branch and bound, and by the
 * mixed-integer solver HiGHS, which agree. It is a statement about the model; no row need look like it.
 *
 *   node examples/best-configuration.ts        (Node 22.18 or newer, after npm run setup)
 */
import { fileURLToPath } from 'node:url';
import { fitTable, type Model, optimiseModel } from '@fewfire/core';
import { createHighsSolver, openTable } from '@fewfire/node';

const table = await openTable(fileURLToPath(new URL('stackoverflow-salary.csv', import.meta.url)));
const fitted = await fitTable(table, {
  target: 'Salary',
  targetTransform: 'log',
  features: ['Country', 'YearsCodedJob', 'OpenSource', 'CompanySizeNumber', 'Remote'],
  degree: 2,
  test: 0,
  intervals: 'none',
});
export const model: Model = fitted.model;
await table.close();

const solver = createHighsSolver();
for (const method of ['enumerate', 'milp'] as const) {
  // A developer in India: which two other answers matter most?
  const best = await optimiseModel(model, solver, {
    direction: 'maximise',
    fix: ['Country=India'],
    atMost: 2,
    method,
  });
  console.log(`${method}: Salary ${best.prediction.toFixed(0)}, ${best.proof}`);
  for (const { column, text, isReference } of best.columns) {
    if (!isReference) console.log(`  ${column} ${text}`);
  }
}

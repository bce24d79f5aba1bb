/**
 * Why a row gets its value: exact Shapley values by table column, against a row of all reference answers and against
 * the average of all rows. The numbers of a row and the base add up to what the model says of it.
 *
 *   node examples/explain-rows.ts        (Node 22.18 or newer, after npm run setup)
 */
import { fileURLToPath } from 'node:url';
import { attributeModelRows, type CubePoints, fitTable, type Model, predictPoints, selectRows } from '@fewfire/core';
import { openTable } from '@fewfire/node';

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
export const points: CubePoints = (await table.encode(model.encoder)).points;
await table.close();

const rows = selectRows(points, Uint32Array.of(0, 2));
const { values } = await predictPoints(model, rows);
for (const baseline of ['all-no', 'average'] as const) {
  const { columns, outputs } = await attributeModelRows(model, rows, { baseline, background: points });
  const [{ base, values: shares }] = outputs;
  for (let row = 0; row < rows.rowCount; row++) {
    console.log(`log Salary ${values[0][row].toFixed(4)} against ${baseline} ${base.toFixed(4)}:`);
    columns.forEach((column, at) => {
      console.log(`  ${column} ${shares[row * columns.length + at].toFixed(4)}`);
    });
  }
}

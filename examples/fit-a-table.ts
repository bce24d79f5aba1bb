/**
 * From a file to a model that is measured honestly: who voted how in the US House of 1984, and which votes tell the
 * party. Prints the accuracy on rows set aside, the combinations that rows which did not choose them confirm, and
 * predictions.
 *
 *   node examples/fit-a-table.ts        (Node 22.18 or newer, after npm run setup)
 */
import { fileURLToPath } from 'node:url';
import { type ConfirmationRecord, type Coordinate, encoderCoordinates, fitTable, predictPoints } from '@fewfire/core';
import { openTable } from '@fewfire/node';

const table = await openTable(fileURLToPath(new URL('house-votes-84.csv', import.meta.url)));
// A member who did not vote may tell something by that, so a missing cell becomes an answer of its own.
const { model } = await fitTable(table, { target: 'Class', missing: 'indicator', degree: 2, test: 0.2 });

const { test } = model.training;
const accuracy = test?.intervals?.accuracy;
if (test && accuracy) {
  const share = test.accuracy?.toFixed(3);
  const interval = `${accuracy.low.toFixed(3)} to ${accuracy.high.toFixed(3)}`;
  console.log(`accuracy ${share} on ${test.sampleCount} rows set aside (95 % interval ${interval})`);
}

// Half of the rows chose these terms, the other half estimated them.
const [{ fit }] = model.outputs;
if (fit.confirmation) printConfirmed(fit.confirmation, encoderCoordinates(model.encoder));

const { points } = await table.encode(model.encoder);
const { classes = [] } = await predictPoints(model, points);
const parties = await table.texts('Class');
for (let row = 0; row < 5; row++) console.log(`row ${row + 1}: predicted ${classes[row]}, is ${parties[row]}`);
await table.close();

function printConfirmed({ terms, confirmingRowCount }: ConfirmationRecord, coordinates: readonly Coordinate[]): void {
  console.log(`coefficients estimated on ${confirmingRowCount} rows that did not choose them:`);
  for (const term of terms) {
    const name = term.coordinates.map((at) => coordinates[at].name).join(' * ') || 'constant';
    const sure = term.low > 0 || term.high < 0 ? 'confirmed' : 'may be 0';
    console.log(`  ${name}: ${term.estimate.toFixed(3)} [${term.low.toFixed(3)}, ${term.high.toFixed(3)}] ${sure}`);
  }
}

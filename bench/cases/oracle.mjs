/**
 * The reference of the tests (`packages/cli/test/oracle/`) against the whole path, on many random tables: what is
 * encoded, fitted, saved, predicted and scored, for every format and 1, 2 and 8 threads.
 *
 *     node bench/cases/oracle.mjs [count] [firstSeed] [rowCount]
 *
 * prints how many tables were right (of one size, where it is given). Of a wrong one it prints the seed and what differs, keeps the files, and exits with 1.
 */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encoderCoordinates, fitEncoder } from '@fewfire/core';
import { openTable } from '@fewfire/node';
import { runInProcess } from '../in-process.mjs';
import { importSource, rootDir } from '../lib.mjs';

const TABLES = 1000;
// Around the rows of one and of two of the engine's row groups.
const LARGE = [122_879, 122_880, 122_881, 245_761];
const EVERY = 100;

async function check(count, firstSeed, rowCount, onTable) {
  const { checkTable } = await importSource('packages/cli/test/oracle/check.ts');
  const { FORMATS } = await importSource('packages/cli/test/oracle/files.ts');
  const { randomTable } = await importSource('packages/cli/test/oracle/random-table.ts');
  const namesOf = (spec) => encoderCoordinates(spec).map(({ name }) => name);
  const under = { openTable, fitEncoder, namesOf, run: runInProcess };
  const found = { right: 0, refused: 0, rows: 0, wrong: [] };
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const size = rowCount ?? (seed % EVERY === 0 ? LARGE[(seed / EVERY) % LARGE.length] : undefined);
    const table = randomTable(seed, size);
    const folder = join(tmpdir(), `fewfire-oracle-${process.pid}-${seed}`);
    const where = { folder, root: rootDir, formats: FORMATS, threads: [1, 2, 8], predicted: 3 };
    const { differences, refused } = await checkTable(table, under, where);
    found.rows += table.rowCount;
    if (differences.length === 0) {
      found.right++;
      if (refused !== undefined) found.refused++;
      rmSync(folder, { recursive: true });
    } else found.wrong.push({ seed, folder, differences });
    onTable(seed, table, { differences, refused, folder });
  }
  return found;
}

async function run() {
  const started = performance.now();
  const { right, refused, rows, wrong } = await check(TABLES, 1, undefined, (seed) => {
    if (seed % EVERY === 0) process.stderr.write(`  ${seed} tables\n`);
  });
  if (wrong.length > 0)
    throw new Error(`tables of these seeds were wrong: ${wrong.map(({ seed }) => seed).join(', ')}`);
  const detail = { tables: TABLES, right, refused, rows, seconds: Math.round((performance.now() - started) / 1e3) };
  return {
    rows: [
      {
        what: `random tables (${rows.toLocaleString('en-US')} rows in all), seven formats, 1, 2 and 8 threads: encode, fit, file, predict, score`,
        fewfire: `${right} of ${TABLES} right`,
        peer: 'a reference in plain loops that shares no code with it',
        ratio: `${refused} of them rightly refused`,
      },
    ],
    ...detail,
  };
}

export const cases = [{ name: 'oracle', peer: 'plain loops', run }];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [count = TABLES, firstSeed = 1, rowCount] = process.argv.slice(2).map(Number);
  const onTable = (seed, table, { differences, folder }) => {
    if (differences.length === 0) return;
    console.log(`seed ${seed} (${table.rowCount} rows, in ${folder}):`);
    for (const difference of differences.slice(0, 8)) console.log(`  ${difference}`);
    if (differences.length > 8) console.log(`  and ${differences.length - 8} more`);
  };
  const { right, refused, wrong } = await check(count, firstSeed, rowCount, onTable);
  console.log(`${right} of ${count} tables right, ${refused} of them rightly refused`);
  if (wrong.length > 0) process.exit(1);
}

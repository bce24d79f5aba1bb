/**
 * Runs benchmarks: `npm run bench` (all) or `npm run bench -- transform threads`.
 * Every case measures both sides in one run and leaves bench/results/<case>.json;
 * bench/README.md and bench/DETAILS.md are made from those files (pages.mjs).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchDir, describeMachine } from './lib.mjs';
import { placedCases, writePages } from './pages.mjs';

const results = join(benchDir, 'results');
const modules = await Promise.all(
  [
    ...['low-degree', 'lasso', 'transform', 'network', 'incremental', 'mlp', 'mlp-calibrated', 'certify', 'threads'],
    ...[
      'ingest',
      'reading',
      'trees',
      'signed',
      'size',
      'real-data',
      'optimise',
      'oracle',
      'dialects',
      'row-order',
      'memory',
    ],
  ].map((name) => import(`./cases/${name}.mjs`)),
);
const cases = modules.flatMap((module) => module.cases);
// Before an hour of measuring, not after it.
const unplaced = cases.filter((entry) => !placedCases.includes(entry.name)).map((entry) => entry.name);
if (unplaced.length > 0) {
  console.error(`error: no section of bench/page-tables.mjs has the case ${unplaced.join(', ')}; add it to one`);
  process.exit(2);
}
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !cases.some((entry) => entry.name === name));
if (unknown.length > 0) {
  console.error(
    `error: no case named ${unknown.join(', ')}; expected some of ${cases.map((entry) => entry.name).join(', ')}`,
  );
  process.exit(2);
}
mkdirSync(results, { recursive: true });
for (const entry of cases) {
  if (wanted.length > 0 && !wanted.includes(entry.name)) continue;
  process.stderr.write(`${entry.name} ...\n`);
  const { rows, peers, ...detail } = await entry.run();
  const record = {
    case: entry.name,
    peer: entry.peer,
    // Versions, where a case knows them; left out of the file where it does not.
    peers,
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    rows,
    detail,
  };
  writeFileSync(join(results, `${entry.name}.json`), `${JSON.stringify(record, null, 1)}\n`);
  for (const row of rows) console.log(`${row.what}\n  fewfire ${row.fewfire}\n  peer    ${row.peer}\n  ${row.ratio}`);
}
writePages();

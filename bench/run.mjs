/**
 * Runs benchmarks: `npm run bench` (all) or `npm run bench -- transform threads`.
 * Every case measures both sides in one run and leaves bench/results/<case>.json;
 * the table in bench/README.md is made from those files.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchDir, describeMachine } from './lib.mjs';

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
writeTable();

// The table between the markers of README.md, in the order of the cases.
function writeTable() {
  const files = readdirSync(results).filter((name) => name.endsWith('.json'));
  const records = files.map((name) => JSON.parse(readFileSync(join(results, name), 'utf8')));
  records.sort((a, b) => order(a) - order(b));
  const lines = ['| what | fewfire | beside it, in the same run | ratio |', '| --- | --- | --- | --- |'];
  for (const record of records)
    for (const row of record.rows) lines.push(`| ${row.what} | ${row.fewfire} | ${row.peer} | ${row.ratio} |`);
  // Cases measured on one machine and day, by what that was.
  const places = new Map();
  for (const { case: name, machine, date } of records) {
    const where = `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, Node ${machine.node} (${date})`;
    places.set(where, [...(places.get(where) ?? []), name]);
  }
  const measured = Array.from(places, ([where, names]) => `- ${where}: ${names.join(', ')}`);
  const readme = join(benchDir, 'README.md');
  const text = readFileSync(readme, 'utf8');
  const table = `<!-- table -->\n\n${lines.join('\n')}\n\nMeasured on:\n\n${measured.join('\n')}\n\n<!-- end -->`;
  writeFileSync(
    readme,
    text.replace(/<!-- table -->[\s\S]*<!-- end -->/, () => table),
  );
}

function order(record) {
  return cases.findIndex((entry) => entry.name === record.case);
}

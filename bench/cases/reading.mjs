/**
 * Reading a table as people have them: 1e6 rows of 20 columns (answers, flags, numbers, texts) as CSV and Parquet, from
 * opening to coordinates. Beside it another checkout of fewfire, where one is given, turn by turn in the same run:
 *
 *     node bench/cases/reading.mjs [folder of a checkout that is set up] [row count]
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median, ratio, rootDir, seconds, withTempDir, writeTables } from '../lib.mjs';

const ROWS = 1_000_000;
const REPEATS = 5;

function tableOf(rowCount) {
  const h = (j) => `hash(i * 20 + ${j})`;
  const columns = [
    ...[0, 1, 2, 3].map((j) => `${h(j)} % 3 = 0 AS answer${j}`),
    ...[4, 5, 6, 7].map((j) => `(${h(j)} % 4 = 0)::INTEGER AS flag${j}`),
    ...[8, 9, 10, 11].map((j) => `(${h(j)} % 90)::INTEGER AS count${j}`),
    ...[12, 13, 14, 15].map((j) => `((${h(j)} % 1000000) / 100)::DOUBLE AS amount${j}`),
    ...[5, 12, 30, 200].map((k, j) => `'value ' || (${h(16 + j)} % ${k}) AS text${k}`),
  ];
  return `SELECT ${columns.join(', ')} FROM range(${rowCount}) r(i)`;
}

// One reading in a process of its own, by the fewfire of a checkout: processor and wall time, and how many coordinates.
const READ = `
const [root, file] = process.argv.slice(1);
const { openTable } = await import(root + '/packages/node/dist/index.js');
const { fitEncoder } = await import(root + '/packages/core/dist/index.js');
const started = performance.now();
const cpu = process.cpuUsage();
const table = await openTable(file, { threads: 2, memoryLimitBytes: 4e9 });
const { spec } = fitEncoder(await table.profile(table.columns.map(({ name }) => name)));
const { points } = await table.encode(spec);
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify({ wall: (performance.now() - started) / 1e3, cpu: (user + system) / 1e6, coordinates: points.coordinateCount }));
await table.close();
`;

function read(root, file) {
  const done = spawnSync(process.execPath, ['--input-type=module', '-e', READ, root, file], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr);
  return JSON.parse(done.stdout);
}

/** @param other the folder of another checkout */
async function compare(other, rowCount) {
  return await withTempDir(async (folder) => {
    const files = await writeTables(folder, tableOf(rowCount));
    const rows = [];
    for (const [format, file] of Object.entries(files)) {
      const own = [];
      const others = [];
      for (let repeat = 0; repeat < REPEATS; repeat++) {
        own.push(read(rootDir, file));
        if (other !== undefined) others.push(read(other, file));
      }
      const [wall, cpu] = ['wall', 'cpu'].map((what) => median(own.map((each) => each[what])));
      const [wallBefore, cpuBefore] = ['wall', 'cpu'].map((what) => median(others.map((each) => each[what])));
      rows.push({
        what: `${format}, ${rowCount.toLocaleString('en-US')} rows of 20 mixed columns: open, recognise, encode (${own[0].coordinates} coordinates, 2 threads)`,
        fewfire: `${seconds(wall)} (${seconds(cpu)} of processor)`,
        peer:
          other === undefined
            ? '-'
            : `an older checkout: ${seconds(wallBefore)} (${seconds(cpuBefore)}), ${others[0].coordinates} coordinates`,
        ratio: other === undefined ? '-' : `${ratio(wall / wallBefore)} (${ratio(cpu / cpuBefore)}) of its time`,
      });
    }
    return { rows };
  });
}

export const cases = [
  { name: 'reading', peer: 'an older checkout', run: () => compare(process.env.FEWFIRE_BEFORE, ROWS) },
];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { rows } = await compare(process.argv[2], Number(process.argv[3] ?? ROWS));
  for (const { what, fewfire, peer, ratio: by } of rows) console.log(`${what}\n  ${fewfire}\n  ${peer}\n  ${by}`);
}

/**
 * The peak memory of whole commands on a table that is far larger than what they may take: 5,000,000 rows of 10 columns
 * under `--memory 100MB`. Beside it what is allowed: that and 150 MB for Node, the engine and their code.
 *
 *     node bench/cases/memory.mjs [row count]
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mb, ratio, rootDir, seconds, withTempDir, writeTables } from '../lib.mjs';

const ROWS = 5_000_000;
const MEMORY = 100e6;
const BESIDE = 150e6;

function tableOf(rowCount) {
  const h = (j) => `hash(i * 11 + ${j})`;
  const columns = [
    'i AS id',
    `CASE WHEN (${h(0)} % 2 = 0) != (${h(1)} % 10 < 2) THEN 'yes' ELSE 'no' END AS y`,
    `${h(0)} % 2 AS a`,
    `${h(2)} % 2 AS b`,
    `CASE WHEN ${h(3)} % 3 = 0 THEN 'True' ELSE 'False' END AS f`,
    `['red', 'green', 'blue', 'black', 'white', 'pink'][1 + (${h(4)} % 6)::BIGINT] AS colour`,
    `'c' || (${h(5)} % 20) AS city`,
    `(${h(6)} % 1000000) / 1000.0 AS num`,
    `(${h(7)} % 100)::INTEGER AS age`,
    `['n', 'y'][1 + (${h(8)} % 2)::BIGINT] AS s`,
  ];
  return `SELECT ${columns.join(', ')} FROM range(${rowCount}) r(i)`;
}

// The peak is the process's own, as the system counts it, told as it ends.
const TELL = `process.on('exit', () => process.stderr.write('\\npeak ' + process.resourceUsage().maxRSS * 1024));`;

function peakOf(args) {
  const started = performance.now();
  const done = spawnSync(
    process.execPath,
    [
      '--import',
      `data:text/javascript,${encodeURIComponent(TELL)}`,
      join(rootDir, 'packages/cli/bin/fewfire.js'),
      ...args,
    ],
    { encoding: 'utf8', maxBuffer: 2 ** 26 },
  );
  const bytes = Number(/\npeak (\d+)$/.exec(done.stderr)?.[1]);
  if (done.status !== 0 || !(bytes > 0)) throw new Error(done.stderr);
  return { bytes, seconds: (performance.now() - started) / 1e3 };
}

async function measure(rowCount) {
  return await withTempDir(async (folder) => {
    const files = await writeTables(folder, tableOf(rowCount));
    const [few, many, out] = ['few.json', 'many.json', 'out.csv'].map((name) => join(folder, name));
    const memory = ['--memory', '100MB'];
    // Of few terms, so that scores repeat; and of many, so that they differ in more rows than are counted one by one.
    const fit = ['--target', 'y', '--exclude', 'id', '--degree', '2', ...memory];
    const commands = (file) => [
      ['fit', ['fit', file, ...fit, '--out', few]],
      ['predict', ['predict', few, file, '--out', out, ...memory]],
      ['score', ['score', few, file, ...memory]],
      ['fit --method least-squares', ['fit', file, ...fit, '--method', 'least-squares', '--out', many]],
      ['score of many different predictions', ['score', many, file, ...memory]],
    ];
    const rows = [];
    for (const [format, file] of Object.entries(files)) {
      for (const [name, args] of commands(file)) {
        const peak = peakOf(args);
        rows.push({
          what: `\`${name}\` of ${rowCount.toLocaleString('en-US')} rows of 10 columns, ${format}, \`--memory 100MB\`: peak memory`,
          fewfire: `${mb(peak.bytes)} in ${seconds(peak.seconds)}`,
          peer: `${mb(MEMORY + BESIDE)} allowed`,
          ratio: ratio(peak.bytes / (MEMORY + BESIDE)),
        });
      }
    }
    return { rows };
  });
}

export const cases = [{ name: 'memory', peer: 'what is allowed', run: () => measure(ROWS) }];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { rows } = await measure(Number(process.argv[2] ?? ROWS));
  for (const { what, fewfire, peer, ratio: by } of rows) console.log(`${what}\n  ${fewfire}\n  ${peer}\n  ${by}`);
}

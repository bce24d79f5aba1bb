/**
 * Whether the model is the same, everything outside `provenance`, for every format and 1, 2 and 8 threads, on tables of
 * sizes around the engine's row groups and of several numbers of categories; and whether rows are in order at all: the
 * target is a copy of a column, so the accuracy must be 1.
 *
 *     node bench/cases/row-order.mjs [rowCount ...]
 *
 * prints a line for each table and exits with 1 where a model differs or is wrong.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runInProcess } from '../in-process.mjs';
import { importSource, rootDir, withTempDir } from '../lib.mjs';

const ROWS = [122_879, 122_880, 122_881, 245_761, 1_000_000];
const CATEGORIES = [2, 4, 5, 12, 33];
const THREADS = [1, 2, 8];

/** Fits every format with every number of threads; gives what is wrong. */
async function checkTable(rowCount, categoryCount, { copiedTable, writeFiles, FORMATS, outsideProvenance }) {
  return await withTempDir(async (folder) => {
    const sources = await writeFiles(copiedTable(rowCount, categoryCount), folder, FORMATS, rootDir);
    const wrong = [];
    let first;
    for (const [format, source] of sources) {
      for (const threads of THREADS) {
        const said = (what) =>
          wrong.push(`${rowCount} rows, ${categoryCount} categories, ${format}, threads ${threads}: ${what}`);
        const rest = ['--threads', String(threads), '--quiet'];
        const choices = ['--degree', '1', '--method', 'ridge', '--folds', '2', '--test', '0', '--intervals', 'none'];
        const model = `${folder}/model.json`;
        const fitted = await runInProcess([
          'fit',
          source,
          '--target',
          'target',
          '--exclude',
          'id',
          ...choices,
          '--out',
          model,
          ...rest,
        ]);
        if (fitted.code !== 0) {
          said(fitted.stderr.trim());
          continue;
        }
        const text = outsideProvenance(readFileSync(model, 'utf8'));
        first ??= text;
        if (text !== first) said('another model');
        const scored = await runInProcess(['score', model, source, '--json', ...rest]);
        const { accuracy } = scored.code === 0 ? JSON.parse(scored.stdout) : {};
        if (accuracy !== 1) said(`accuracy ${accuracy ?? scored.stderr.trim()}`);
      }
    }
    return wrong;
  });
}

async function check(rowCounts, onTable) {
  const parts = ['check', 'files', 'random-table'].map((name) => importSource(`packages/cli/test/oracle/${name}.ts`));
  const oracle = Object.assign({}, ...(await Promise.all(parts)));
  const wrong = [];
  for (const rowCount of rowCounts) {
    for (const categoryCount of CATEGORIES) {
      const started = performance.now();
      const found = await checkTable(rowCount, categoryCount, oracle);
      wrong.push(...found);
      onTable(rowCount, categoryCount, found, (performance.now() - started) / 1e3);
    }
  }
  return wrong;
}

async function run() {
  const wrong = await check(ROWS, (rowCount, categoryCount) => {
    process.stderr.write(`  ${rowCount.toLocaleString('en-US')} rows, ${categoryCount} categories\n`);
  });
  if (wrong.length > 0) throw new Error(`not the same everywhere: ${wrong.join('; ')}`);
  const tables = ROWS.length * CATEGORIES.length;
  return {
    rows: [
      {
        what: `${tables} tables of ${ROWS[0].toLocaleString('en-US')} to 1,000,000 rows and 2 to 33 categories, seven formats, 1, 2 and 8 threads`,
        fewfire: 'one model for each table, and always right',
        peer: 'the target is a copy of a column',
        ratio: 'no row out of order',
      },
    ],
  };
}

export const cases = [{ name: 'row-order', peer: 'a copied column', run }];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const asked = process.argv.slice(2).map(Number);
  const wrong = await check(asked.length > 0 ? asked : ROWS, (rowCount, categoryCount, found, seconds) => {
    console.log(`${rowCount} rows, ${categoryCount} categories: ${found.length} wrong (${seconds.toFixed(0)} s)`);
    for (const line of found) console.log(`  ${line}`);
  });
  console.log(wrong.length === 0 ? 'all the same and right' : `${wrong.length} wrong`);
  if (wrong.length > 0) process.exit(1);
}

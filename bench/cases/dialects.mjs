/**
 * Files of random dialects (delimiters, quotes, line breaks, encodings, marks, gzip; a third of them damaged) against the
 * plain reader of the tests (`packages/node/test/dialects/`): the same cells, or a FewfireError of one line.
 *
 *     nice node bench/cases/dialects.mjs [count] [firstSeed]
 *
 * prints what is wrong with which seeds, and exits with 1 if anything is. All in one process: each file is a table opened.
 */
import { fileURLToPath } from 'node:url';
import { openTable } from '@fewfire/node';
import { importSource, withTempDir } from '../lib.mjs';

const FILES = 20_000;
const EVERY = 1000;

async function check(count, firstSeed, onFile) {
  const { checkFile } = await importSource('packages/node/test/dialects/check.ts');
  const found = { right: 0, refused: 0, wrong: [] };
  await withTempDir(async (folder) => {
    for (let seed = firstSeed; seed < firstSeed + count; seed++) {
      const { difference, refused } = await checkFile(seed, openTable, folder);
      if (refused) found.refused++;
      if (difference === undefined) found.right++;
      else found.wrong.push(seed);
      onFile(seed, difference);
    }
  });
  return found;
}

async function run() {
  const started = performance.now();
  const { right, refused, wrong } = await check(FILES, 1, (seed) => {
    if (seed % EVERY === 0) process.stderr.write(`  ${seed} files\n`);
  });
  if (wrong.length > 0) throw new Error(`files of these seeds were wrong: ${wrong.join(', ')}`);
  const seconds = (performance.now() - started) / 1e3;
  return {
    rows: [
      {
        what: 'files of random dialects, a third of them damaged: the same cells, or an error of one line',
        fewfire: `${right} of ${FILES} right`,
        peer: 'a plain reader that shares no code with it',
        ratio: `${refused} of them refused`,
      },
    ],
    ...{ files: FILES, right, refused, seconds: Math.round(seconds), perSecond: Math.round(FILES / seconds) },
  };
}

export const cases = [{ name: 'dialects', peer: 'a plain reader', run }];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [count = FILES, firstSeed = 1] = process.argv.slice(2).map(Number);
  const started = performance.now();
  const { right, refused, wrong } = await check(count, firstSeed, (seed, difference) => {
    if (difference !== undefined) console.log(`seed ${seed}: ${difference}`);
  });
  const perSecond = (count / (performance.now() - started)) * 1e3;
  console.log(`${right} of ${count} files right, ${refused} of them refused, ${perSecond.toFixed(0)} a second`);
  if (wrong.length > 0) process.exit(1);
}

/** Every bad input ends in one line on standard error that says what to do, with the exit code of its kind. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { chess, commandHost, fewfire, temporaryFolder, votes, writeCsv } from './run.ts';

const hosted = commandHost();
const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);
const model = inFolder('model.json');
const numbersModel = inFolder('numbers.json');
const strictModel = inFolder('strict.json');

function write(name: string, text: string): string {
  writeFileSync(inFolder(name), text);
  return inFolder(name);
}

const rows = Array.from({ length: 60 }, (_, i) => [
  String(i % 2),
  'xy'[(i >> 1) % 2],
  String(i % 9),
  'np'[(i >> 2) % 2],
]);
const header = ['flag', 'letter', 'size', 'target'];
const table = (name: string, edit: (cell: string, row: number, column: number) => string): string =>
  writeCsv(folder, name, [header, ...rows.map((row, i) => row.map((cell, j) => edit(cell, i, j)))]);

beforeAll(async () => {
  await hosted(['fit', chess, '--target', 'class', '--degree', '1', '--folds', '2', '--out', model]);
  const data = table('good.csv', (cell) => cell);
  const done = await hosted(['fit', data, '--target', 'target', '--degree', '1', '--out', numbersModel]);
  expect(done.code).toBe(0);
  await hosted(['fit', data, '--target', 'target', '--degree', '1', '--missing', 'refuse', '--out', strictModel]);
});

type Case = readonly [name: string, code: 1 | 2, args: () => readonly string[], message: RegExp];

const data: readonly Case[] = [
  [
    'missing file',
    1,
    () => ['fit', 'examples/ches-kr-vs-kp.csv', '--target', 'a'],
    /did you mean .*chess-kr-vs-kp\.csv/,
  ],
  ['empty file', 1, () => ['fit', write('empty.csv', ''), '--target', 'a'], /is empty/],
  ['header only', 1, () => ['fit', write('header.csv', 'a,b\n'), '--target', 'a'], /no rows/],
  ['ragged CSV', 1, () => ['fit', write('ragged.csv', 'a,b\n1,2\n1,2,3\n0,1\n'), '--target', 'a'], /line 3 .*3 fields/],
  ['duplicate columns', 1, () => ['fit', write('twice.csv', 'a,b,a\n1,2,3\n0,1,2\n'), '--target', 'b'], /"a"/],
  ['empty standard input', 1, () => ['fit', '-', '--target', 'a'], /standard input is empty/],
  [
    'one-valued target',
    1,
    () => ['fit', table('one.csv', (c, _, j) => (j === 3 ? 'p' : c)), '--target', 'target'],
    /only the value "p"/,
  ],
  [
    'many texts as a target',
    1,
    () => ['fit', table('texts.csv', (c, i, j) => (j === 3 ? `t${i}` : c)), '--target', 'target'],
    /different texts in \d+ rows .*expected numbers, or classes: at most 64/,
  ],
  [
    'infinity',
    1,
    () => ['fit', table('inf.csv', (c, i, j) => (i === 5 && j === 2 ? 'inf' : c)), '--target', 'target'],
    /"size" holds infinity/,
  ],
  ['missing values', 1, () => ['fit', votes, '--target', 'Class', '--missing', 'refuse'], /leave out --missing refuse/],
  [
    'too large a degree',
    1,
    () => ['fit', chess, '--target', 'class', '--method', 'low-degree', '--degree', '8'],
    /lower --degree or raise --memory/,
  ],
  [
    'far too large a degree',
    1,
    () => ['fit', chess, '--target', 'class', '--method', 'low-degree', '--degree', '12'],
    /lower --degree/,
  ],
  [
    'text where numbers were',
    1,
    () => ['predict', numbersModel, table('words.csv', (c, i, j) => (i === 7 && j === 2 ? 'big' : c))],
    /"size".*"big"|"big".*"size"/,
  ],
  [
    'missing values in new data',
    1,
    () => ['predict', strictModel, table('holes.csv', (c, i, j) => (i === 7 && j === 2 ? '' : c))],
    /misses values in 1 column/,
  ],
  ['other columns', 1, () => ['predict', model, votes], /lacks 36 of the 36 columns/],
  [
    'other columns to score',
    1,
    () => [
      'score',
      numbersModel,
      writeCsv(folder, 'no-target.csv', [header.slice(0, 3), ...rows.map((r) => r.slice(0, 3))]),
    ],
    /lacks 1 of the 4 columns .*"target"/,
  ],
  [
    'other classes to score',
    1,
    () => ['score', numbersModel, table('classes.csv', (c, i, j) => (i === 7 && j === 3 ? 'q' : c))],
    /"q"/,
  ],
  ['a missing model', 1, () => ['show', inFolder('modle.json')], /did you mean .*model\.json/],
  [
    'a truncated model',
    1,
    () => ['show', write('cut.json', readFileSync(model, 'utf8').slice(0, 500))],
    /not a whole model file/,
  ],
  [
    'an edited model',
    1,
    () => ['predict', write('edited.json', readFileSync(model, 'utf8').replace('"won"', '"lost"')), chess],
    /edited or damaged|damaged or edited/,
  ],
  ['a table for a model', 1, () => ['show', chess], /not a whole model file/],
  ['JSON that is no model', 1, () => ['score', write('other.json', '{"a":1}'), chess], /not a fewfire model/],
  [
    'a missing directory',
    1,
    () => ['fit', chess, '--target', 'class', '--out', inFolder('no/where.json')],
    /directory .* does not exist/,
  ],
  ['a directory to write', 1, () => ['fit', chess, '--target', 'class', '--out', folder], /is a directory/],
  [
    'a file as directory',
    1,
    () => ['fit', chess, '--target', 'class', '--out', join(model, 'x.json')],
    /not a directory/,
  ],
  [
    'output over input',
    1,
    () => ['predict', model, inFolder('good.csv'), '--out', inFolder('good.csv')],
    /also what is read/,
  ],
];

const usage: readonly Case[] = [
  ['unknown command', 2, () => ['fti'], /Did you mean fit\?/],
  ['unknown option', 2, () => ['fit', chess, '--tagret', 'class'], /Did you mean --target\?/],
  ['no target', 2, () => ['fit', chess], /--target is missing/],
  ['no data', 2, () => ['predict', model], /missing required argument 'data'/],
  ['too many arguments', 2, () => ['show', model, model], /too many arguments/],
  ['bad degree', 2, () => ['fit', chess, '--target', 'class', '--degree', 'two'], /auto or a whole number/],
  ['bad method', 2, () => ['fit', chess, '--target', 'class', '--method', 'magic'], /least-squares/],
  ['bad memory', 2, () => ['fit', chess, '--target', 'class', '--memory', '4'], /size with its unit/],
  ['bad test share', 2, () => ['fit', chess, '--target', 'class', '--test', '20'], /share of the rows/],
  ['bad list', 2, () => ['fit', chess, '--target', 'class', '--exclude', 'a,,b'], /empty one/],
  ['typo in the target', 2, () => ['fit', chess, '--target', 'clas'], /did you mean "class"\?/],
  ['a target cut short', 2, () => ['fit', chess, '--target', 'cla'], /did you mean "class"\?/],
  [
    'an option cut short',
    2,
    () => ['fit', chess, '--conf', '0.9'],
    /unknown option '--conf' \(Did you mean --confidence\?\)/,
  ],
  [
    'an option cut short, beside one that is near by letters',
    2,
    () => ['fit', chess, '--tar', 'class'],
    /unknown option '--tar' \(Did you mean one of --target, --target-transform\?\)/,
  ],
  ['a command cut short', 2, () => ['net'], /unknown command 'net' \(Did you mean network\?\)/],
  [
    'typo in a feature',
    2,
    () => ['fit', chess, '--target', 'class', '--features', 'bkblk,bkxbk'],
    /did you mean "bkxbq"\?/,
  ],
  ['typo in --keep', 2, () => ['predict', model, chess, '--keep', 'clas'], /did you mean "class"\?/],
  ['a class that is none', 2, () => ['fit', chess, '--target', 'class', '--positive', 'draw'], /"nowin", "won"/],
  [
    'more folds than rows',
    2,
    () => ['fit', inFolder('good.csv'), '--target', 'target', '--folds', '500'],
    /fewer --folds/,
  ],
  [
    'kept column called prediction',
    2,
    () => [
      'predict',
      numbersModel,
      writeCsv(folder, 'clash.csv', [[...header, 'prediction'], ...rows.map((row) => [...row, '1'])]),
      '--keep',
      'prediction',
    ],
    /--keep names "prediction"/,
  ],
  ['predictions of another kind', 2, () => ['predict', model, chess, '--out', inFolder('x.txt')], /\.csv or \.parquet/],
  [
    'an l1 ratio without an elastic net was not looked at',
    2,
    () => ['fit', chess, '--target', 'class', '--method', 'lasso', '--l1-ratio', '0.5'],
    /method is lasso; leave it out or add --method elastic-net/,
  ],
  [
    'a hierarchy of ridge was not looked at',
    2,
    () => ['fit', chess, '--target', 'class', '--method', 'ridge', '--hierarchy', 'strong'],
    /method is ridge; leave it out/,
  ],
  [
    'a hierarchy of the logistic loss was not looked at',
    2,
    () => ['fit', chess, '--target', 'class', '--loss', 'logistic', '--hierarchy', 'weak'],
    /logistic loss has ridge/,
  ],
  [
    'simultaneous intervals that are none were not looked at',
    2,
    () => ['fit', chess, '--target', 'class', '--intervals', 'none', '--simultaneous'],
    /--intervals none leaves out/,
  ],
  ['standard input twice', 2, () => ['fit', '-', '--target', 'a', '--test', '-'], /standard input/],
];

async function expectRefusal([, code, args, message]: Case, alone = false): Promise<void> {
  const typed = args();
  // Standard input is a process's own.
  const done = await (alone || typed.includes('-') ? fewfire : hosted)(typed);
  expect(done.stderr).toMatch(/^error: [^\n]+\n$/);
  expect(done.stderr).toMatch(message);
  expect(done.stderr).not.toMatch(/\n\s+at |fault of fewfire/);
  expect(done.stdout).toBe('');
  expect(done.code).toBe(code);
}

describe('bad data and files', () => {
  it.each(data)('%s', async (...row) => expectRefusal(row));

  it('unwritable directory', async () => {
    // Root may write everywhere, so there is nothing to refuse.
    if (process.getuid?.() === 0) return;
    mkdirSync(inFolder('locked'), { mode: 0o500 });
    const args = ['fit', chess, '--target', 'class', '--out', inFolder('locked/model.json')];
    await expectRefusal(['', 1, () => args, /permission denied/], true);
  });

  it('full disk', async () => {
    if (process.platform !== 'linux') return; // has /dev/full
    const fit = ['fit', inFolder('good.csv'), '--target', 'target', '--degree', '1', '--out', '/dev/full'];
    await expectRefusal(['', 1, () => fit, /no space left/], true);
    symlinkSync('/dev/full', inFolder('full.csv'));
    await expectRefusal(['', 1, () => ['predict', model, chess, '--out', inFolder('full.csv')], /no space left/], true);
  });

  it('the whole story only when asked for', async () => {
    const { stderr } = await fewfire(['show', chess], { env: { FEWFIRE_DEBUG: '1' } });
    expect(stderr).toMatch(/\n\s+at /);
    expect(stderr).toMatch(/error: .*not a whole model file/);
  });
});

describe('bad usage', () => {
  it.each(usage)('%s', async (...row) => expectRefusal(row));

  it('a process of its own ends with the same', async () => {
    await expectRefusal(usage[0], true);
    await expectRefusal(data[0], true);
  });
});

/** What fit and show print fits one screen of 25 lines and 80 columns, whatever the table. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { displayWidth } from '../src/format.ts';
import { SUMMARY_LINES } from '../src/summary.ts';
import { chess, commandHost, temporaryFolder, votes, writeCsv } from './run.ts';

const fewfire = commandHost();
const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);
const salaries = fileURLToPath(new URL('../../../examples/stackoverflow-salary.csv', import.meta.url));

/** What only `--verbose` says. */
const JARGON = /parit|lambda|Clopper|biased|uniform cube|\bfolds?\b|coefficient|monomial|Bernstein|normal-theory/i;

async function run(args: readonly string[]): Promise<string> {
  const done = await fewfire(args);
  expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: '' });
  return done.stdout;
}

function expectOneScreen(text: string): void {
  const lines = text.trimEnd().split('\n');
  expect(lines.length, text).toBeLessThanOrEqual(SUMMARY_LINES);
  for (const line of lines) expect(displayWidth(line), line).toBeLessThanOrEqual(80);
  expect(text).not.toMatch(JARGON);
  expect(text).not.toMatch(/NaN|undefined|Infinity|\bnull\b/);
}

/** A long name, and what else names may hold. */
const long = (end: string): string => `a_column_name_that_is_exactly_sixty_characters_long_or_so_${end}`;
const wide = (end: string): string => `列の名前がとても長い場合の表示を確かめるための項目その${end}🙂`;
const odd = (end: string): string => `"quoted", and comma\tand tab ${end}`;
const names = [long('1'), long('2'), wide('1'), wide('2'), odd('1'), odd('2'), long('3'), wide('3')];

let seed = 1;
const draw = (most: number): number => {
  seed = (seed * 16807) % 2147483647;
  return seed % most;
};
const table = Array.from({ length: 260 }, (_, i) =>
  names.map((_, j) => {
    if (j === 2)
      return ['', 'NA', 'red 🙂🙂🙂🙂🙂🙂🙂🙂', 'a value that is far too long for any table', 'blue'][draw(5)];
    if (j === 3) return draw(3) === 0 ? '' : String(draw(1000) / 7);
    if (j === 6) return `2024-0${1 + draw(9)}-1${draw(10)}`;
    return j === 7 ? String(1000 + i) : String(draw(2));
  }),
);
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const targets: Readonly<Record<string, (row: readonly string[], i: number) => string>> = {
  '26 classes of long names': ([a], i) => `クラス ${letters[a === '1' ? i % 13 : 13 + (i % 13)]} ${long('')}`,
  '2 classes of long names': ([a, b]) => (a === b ? `${wide('yes')}${long('yes')}` : `${wide('no')}${long('no')}`),
  'numbers that are huge': ([a, b], i) => String((a === b ? 1e15 : 1e12) + i),
  'numbers that are tiny': ([a, b], i) => String((a === b ? 1e-9 : 2e-9) + i * 1e-13),
  'rare yes': ([a, b], i) => (a === '1' && b === '1' && i % 5 === 0 ? 'yes' : 'no'),
  noise: () => String(draw(1000)),
};

describe.each(Object.entries(targets))('a table of long, wide and odd names, %s', (kind, targetOf) => {
  let data = '';
  const target = long('target');
  beforeAll(() => {
    // Columns that are left out, too.
    const rows = table.map((row, i) => [...row, 'same', '', `name ${i}`, `other ${i}`, targetOf(row, i)]);
    const header = [...names, long('same'), long('empty'), long('named'), wide('named'), target];
    data = writeCsv(folder, `${kind.replaceAll(' ', '-')}-${long('file')}.csv`, [header, ...rows]);
  });

  it.each([
    ['--method', 'lasso', '--degree', '1'],
    ['--method', 'ridge', '--degree', '2', '--folds', '2'],
    ['--method', 'stacking'],
    ['--method', 'stacking', '--test', '0', '--intervals', 'none'],
  ])('%s %s %s %s', async (...choice) => {
    const model = inFolder('m.json');
    const given = choice.filter((each) => each !== undefined);
    expectOneScreen(
      await run(['fit', data, '--target', target, ...given, '--out', model, '--report', inFolder('r.html')]),
    );
    expectOneScreen(await run(['show', model]));
    // Details have their own length, and the same width.
    const detailed = await run(['show', model, '--verbose']);
    for (const line of detailed.split('\n')) expect(displayWidth(line), line).toBeLessThanOrEqual(80);
    expect(detailed).toMatch(JARGON);
  });
});

describe('the examples', () => {
  it.each([
    ['chess', [chess, '--target', 'class', '--method', 'lasso', '--degree', '2']],
    ['votes', [votes, '--target', 'Class', '--method', 'stacking']],
    ['votes by default', [votes, '--target', 'Class', '--degree', '1']],
    ['salaries', [salaries, '--target', 'Salary', '--method', 'ridge', '--degree', '1']],
    ['countries', [salaries, '--target', 'Country', '--method', 'lasso', '--degree', '1']],
  ])('%s', async (_, args) => {
    const text = await run(['fit', ...args]);
    expectOneScreen(text);
    expect(text).toMatch(/set aside: (right in|typical error)/);
    expect(text).toMatch(/;\s+from\s+\S+\s+alone:\s/);
    expect(text).toContain('Columns that matter most: ');
    expect(text).toContain('What goes with ');
  });
});

it('what goes with a class comes with its rates, as anybody would count them', async () => {
  const rows = Array.from({ length: 800 }, (_, i) => {
    const [beta, newsletter, age] = [(i >> 1) & 1, (i >> 2) & 1, 18 + ((i * 7919) % 50)];
    const often = beta === 1 && newsletter === 0 ? 9 : 2;
    return [String(beta), String(newsletter), String(age), (i * 104729) % 10 < often ? 'stays' : 'goes'];
  });
  const data = writeCsv(folder, 'stays.csv', [['beta', 'newsletter', 'age', 'y'], ...rows]);
  const text = await run(['fit', data, '--target', 'y', '--positive', 'stays', '--method', 'stacking']);
  const isIn = ([beta, newsletter]: readonly string[]): boolean => beta === '1' && newsletter === '0';
  const percent = (some: readonly string[][]): number =>
    Math.round((100 * some.filter((row) => row[3] === 'stays').length) / some.length);
  const inside = rows.filter(isIn);
  const outside = rows.filter((row) => !isIn(row));
  expect(text).toMatch(
    new RegExp(`^ {2}beta and not newsletter +${percent(inside)} % +${percent(outside)} % .* ${inside.length}$`, 'm'),
  );
});

it('a narrow terminal has narrow lines', async () => {
  const { spawnSync } = await import('node:child_process');
  const { bin } = await import('./run.ts');
  const args = ['fit', votes, '--target', 'Class', '--method', 'lasso', '--degree', '1'];
  const done = spawnSync(process.execPath, [bin, ...args], {
    encoding: 'utf8',
    env: { ...process.env, COLUMNS: '48' },
  });
  expect(done.stderr).toBe('');
  for (const line of done.stdout.split('\n')) expect(displayWidth(line), line).toBeLessThanOrEqual(48);
});

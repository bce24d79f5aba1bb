/** `fewfire export` as typed: what it writes and where, and that it predicts what `fewfire predict` does. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readOnnxModel } from '@fewfire/core/internal';
import { beforeAll, describe, expect, it } from 'vitest';
import { displayWidth } from '../src/format.ts';
import { type Finished, fewfire, parseCsv, temporaryFolder, votes } from './run.ts';

const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);
const model = inFolder('votes.json');

async function succeed(...args: Parameters<typeof fewfire>): Promise<Finished> {
  const done = await fewfire(...args);
  expect({ code: done.code, stderr: done.code === 0 ? '' : done.stderr }).toEqual({ code: 0, stderr: '' });
  return done;
}

beforeAll(async () => {
  const data = [votes, '--target', 'Class', '--missing', 'indicator'];
  await succeed(['fit', ...data, '--degree', '2', '--folds', '3', '--out', model]);
});

describe('export', () => {
  it('js predicts what fewfire predict does', async () => {
    const module = inFolder('votes.mjs');
    const { stdout, stderr } = await succeed(['export', model, '--to', 'js', '--out', module]);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^wrote .*votes\.mjs \([\d.]+ kB\)\n$/);
    expect(readFileSync(module, 'utf8')).toContain('export const name = "votes";');
    const [, ...expected] = parseCsv((await succeed(['predict', model, votes])).stdout);
    const [header, ...cells] = readFileSync(votes, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','));
    const rows = cells.map((row) => Object.fromEntries(row.map((cell, k) => [header[k], cell])));
    const script = `import { predict, classes } from ${JSON.stringify(module)};
let text = '';
for await (const chunk of process.stdin) text += chunk;
const found = JSON.parse(text).map(predict);
console.log(JSON.stringify(found.map((each) => [each.prediction, ...classes.map((k) => each.probabilities[k])])));`;
    const args = ['--input-type=module', '-e', script];
    const found = JSON.parse(execFileSync(process.execPath, args, { input: JSON.stringify(rows), encoding: 'utf8' }));
    expect(found).toHaveLength(435);
    found.forEach(([prediction, ...chances]: [string, ...number[]], i: number) => {
      expect(prediction).toBe(expected[i][0]);
      for (const [k, chance] of chances.entries()) expect(chance).toBeCloseTo(Number(expected[i][k + 1]), 12);
    });
  });

  it('js reads other spellings of every kind of column as fewfire predict does', async () => {
    // Answers, decimal commas, dates, a long list with others, missing cells.
    const rowsFor = (count: number, [no, yes]: readonly string[], gap: string, time: string): string[] =>
      Array.from({ length: count }, (_, i) => {
        const date = new Date(Date.UTC(2023, 0, 1 + i * 5)).toISOString().slice(0, 10);
        const price = i % 11 === 3 ? gap : `${i % 7},${(i * 3) % 10}`;
        const answer = i % 3 === 0 ? yes : no;
        const city = `city ${(i * i) % 61}`;
        return `${answer};${price};${date}${time};${city};${i % 9 === 4 ? gap : i % 5};${(i % 7) + (i % 3 === 0 ? 2 : 0) + (i % 10) / 10}`;
      });
    const header = 'paid;price;day;city;size;y';
    writeFileSync(inFolder('kinds.csv'), [header, ...rowsFor(150, ['non', 'oui'], 'NA', ''), ''].join('\n'));
    const news = rowsFor(170, ['NO', 'Yes'], '-', 'T10:30+02:00').map((row) => row.replace('city 4;', 'elsewhere;'));
    writeFileSync(inFolder('news.csv'), [header, ...news, ''].join('\n'));
    const fitted = inFolder('kinds.json');
    await succeed([
      'fit',
      inFolder('kinds.csv'),
      '--target',
      'y',
      '--degree',
      '2',
      '--folds',
      '3',
      '--features',
      'paid,price,day,city,size',
      '--out',
      fitted,
    ]);
    const { encoder, provenance } = JSON.parse(readFileSync(fitted, 'utf8'));
    expect(provenance.spellings).toEqual({ price: { number: { decimal: ',', thousands: '', unit: '' } } });
    expect(encoder.columns.map(({ type }: { type: string }) => type)).toEqual([
      'boolean',
      'number',
      'date',
      'date',
      'date',
      'text',
      'number',
    ]);
    const [, ...expected] = parseCsv((await succeed(['predict', fitted, inFolder('news.csv')])).stdout);
    expect(expected).toHaveLength(170);

    await succeed(['export', fitted, '--to', 'js', '--out', inFolder('kinds.mjs')]);
    const { predict } = await import(/* @vite-ignore */ pathToFileURL(inFolder('kinds.mjs')).href);
    const names = header.split(';');
    news.forEach((row, i) => {
      const cells = Object.fromEntries(row.split(';').map((cell, k) => [names[k], cell]));
      expect(predict(cells).prediction, row).toBeCloseTo(Number(expected[i][0]), 10);
    });
  });

  it('writes to standard output, with the names that were asked for', async () => {
    const sql = await succeed(['export', model, '--to', 'sql', '--table', 'a."b c"', '--keep', 'Class', '--name', 'V']);
    expect(sql.stderr).toBe('');
    expect(sql.stdout).toContain('FROM "a"."b c" AS f');
    expect(sql.stdout).toContain('AS "Class"');
    expect(sql.stdout).toContain('-- Model     V\n');
    expect((await succeed(['export', model, '--to', 'python', '--out', '-'])).stdout).toContain('def predict(row');
  });

  it('onnx says what may differ, unless told to be quiet', async () => {
    const out = inFolder('votes.onnx');
    expect((await succeed(['export', model, '--to', 'onnx', '--out', out])).stderr).toContain('1e-12');
    expect((await succeed(['export', model, '--to', 'onnx', '--out', out, '--quiet'])).stderr).toBe('');
    expect(readOnnxModel(readFileSync(out)).graph.name).toBe('votes');
  });

  it.each([
    [['--to', 'onnx'], 2, /--out with a file name/],
    [['--to', 'js', '--table', 'x'], 2, /--table is for --to sql, and this is --to js/],
    [['--to', 'python', '--keep', 'Class'], 2, /--keep is for --to sql/],
    [['--to', 'r'], 2, /--to.*Expected one of sql, js, python, onnx/],
    [[], 2, /--to <language>/],
    [['--to', 'sql', '--table', 'x y'], 2, /expected a name such as data/],
    [['--to', 'js', '--out', join(folder, 'no', 'such.mjs')], 1, /does not exist/],
    [['--to', 'js', '--out', model], 1, /also what is read/],
  ])('refuses %j', async (args, code, message) => {
    const done = await fewfire(['export', model, ...args]);
    expect({ code: done.code, stdout: done.stdout }).toEqual({ code, stdout: '' });
    expect(done.stderr).toMatch(message);
    expect(existsSync(inFolder('no'))).toBe(false);
  });

  it('helps in 80 columns', async () => {
    const { stdout } = await succeed(['export', '--help'], { env: { COLUMNS: '80' } });
    for (const line of stdout.split('\n')) expect(displayWidth(line), line).toBeLessThanOrEqual(80);
    expect(stdout).toContain('fewfire export chess.json --to sql');
  });
});

/**
 * A model that is not shown to be better than guessing says so, of how many rows, and shows what it found all the same; one
 * that any figure shows to be better does not say it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { displayWidth } from '../src/format.ts';
import { commandHost, temporaryFolder, writeCsv } from './run.ts';

const fewfire = commandHost();
const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);

// Least squares never gives a constant, so there would be something to show.
const fitted = ['--degree', '2', '--method', 'least-squares'];
const unproven = /^Not shown to be better than guessing \(40 rows\)\. On 40 rows/m;
const header = ['a', 'b', 'c', 'size', 'y'];
const rows = (targetOf: (i: number) => string | number): string[][] =>
  Array.from({ length: 200 }, (_, i) => [
    String(i & 1),
    (i >> 1) & 1 ? 'yes' : 'no',
    String((i >> 2) & 1),
    String((i * 37) % 50),
    String(targetOf(i)),
  ]);

async function run(args: readonly string[]): Promise<string> {
  const done = await fewfire(args);
  expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: '' });
  for (const line of done.stdout.split('\n')) expect(displayWidth(line), line).toBeLessThanOrEqual(80);
  return done.stdout;
}

describe.each([
  ['a number', (i: number) => (i * 7919) % 1009],
  ['two classes', (i: number) => ((i * 7919) % 1009 > 500 ? 'up' : 'down')],
  ['several classes', (i: number) => ['red', 'green', 'blue'][((i * 7919) % 1009) % 3]],
] as const)('noise as %s', (_, targetOf) => {
  const model = inFolder('noise.json');
  const page = inFolder('noise.html');
  let data = '';
  let fit = '';

  beforeAll(async () => {
    data = writeCsv(folder, 'noise.csv', [header, ...rows(targetOf)]);
    fit = await run(['fit', data, '--target', 'y', ...fitted, '--out', model, '--report', page]);
  });

  it('fit and show say it, and what was found', async () => {
    for (const text of [fit, await run(['show', model])]) {
      expect(text).toMatch(unproven);
      expect(text).toContain('What goes with');
    }
    const detailed = await run(['show', model, '--verbose']);
    expect(detailed).toMatch(/^Not shown to be better than guessing: on 40 test rows /);
    expect(detailed).toContain('Leading combinations');
    const text = readFileSync(page, 'utf8').replace(/<style>[\s\S]*?<\/style>/, '');
    expect(/<p[^>]*>([^<]*)/.exec(text)?.[1]).toContain('not shown to be better than guessing');
    const json = JSON.parse((await fewfire(['show', model, '--json'])).stdout);
    expect(json.test.betterThanConstant).toBe(false);
  });

  it('optimize and score say it first', async () => {
    expect(await run(['optimize', model, ...(targetOf(0) === 'red' ? ['--class', 'red'] : [])])).toMatch(
      /^Not shown to be better than guessing: on 40 test rows /,
    );
    const other = writeCsv(folder, 'other.csv', [header, ...rows((i) => targetOf((i * 31 + 7) % 200))]);
    expect(await run(['score', model, other])).toMatch(/^Not shown to be better than guessing: on 200 rows /);
  });
});

it('a signal is not called guessing, and is shown', async () => {
  const signal = writeCsv(folder, 'signal.csv', [header, ...rows((i) => ((i & 1) ^ ((i >> 1) & 1) ? 'in' : 'out'))]);
  const model = inFolder('signal.json');
  for (const text of [
    await run(['fit', signal, '--target', 'y', ...fitted, '--out', model]),
    await run(['show', model]),
    await run(['score', model, signal]),
    await run(['optimize', model]),
  ]) {
    expect(text).not.toContain('Not shown');
  }
  expect(await run(['show', model])).toContain('exactly one of a and b');
});

it('a constant is called one', async () => {
  const data = writeCsv(folder, 'constant.csv', [header, ...rows((i) => (i * 7919) % 1009)]);
  const text = await run(['fit', data, '--target', 'y', '--method', 'lasso', '--degree', '1']);
  expect(text).toMatch(unproven);
  expect(text).toContain('The model is a constant: no column is in it.');
});

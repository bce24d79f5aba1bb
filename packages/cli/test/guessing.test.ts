/** A model that is no better than guessing says so before anything else, and shows nothing as if it had been found. */
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
const found = /Columns that matter most|Leading combinations|How sure|Level weights/;
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

  it('fit says it first and lists nothing', () => {
    expect(fit).toMatch(/^No better than guessing: on 40 test rows /);
    expect(fit).not.toMatch(found);
    expect(fit).toContain('left out');
    expect(fit).not.toContain('fewfire predict');
    const text = readFileSync(page, 'utf8').replace(/<style>[\s\S]*?<\/style>/, '');
    expect(/<p[^>]*>([^<]*)/.exec(text)?.[1]).toContain('no better than guessing');
  });

  it('so does fit that keeps no model, and says how to see it', async () => {
    const text = await run(['fit', data, '--target', 'y', ...fitted]);
    expect(text).toMatch(/^No better than guessing: /);
    expect(text).not.toMatch(found);
    expect(text.replace(/\s+/g, ' ')).toContain('with --out model.json, fewfire show model.json --top 12 prints them.');
  });

  it('show says it first, and lists what is asked for', async () => {
    const plain = await run(['show', model]);
    expect(plain).toMatch(/^No better than guessing: on 40 test rows /);
    expect(plain).not.toMatch(found);
    for (const asked of [['--top', '3'], ['--attributions']]) {
      const text = await run(['show', model, ...asked]);
      expect(text).toMatch(/^No better than guessing: on 40 test rows /);
      expect(text).toContain('Columns that matter most');
      expect(text).toContain('Leading combinations');
      expect(text.replace(/\s+/g, ' ')).not.toContain('left out;');
    }
    const json = JSON.parse((await fewfire(['show', model, '--json'])).stdout);
    expect(json.test.betterThanConstant).toBe(false);
    expect(json.influences.length).toBeGreaterThan(0);
  });

  it('optimize and score say it first', async () => {
    expect(await run(['optimize', model, ...(targetOf(0) === 'red' ? ['--class', 'red'] : [])])).toMatch(
      /^No better than guessing: on 40 test rows /,
    );
    const other = writeCsv(folder, 'other.csv', [header, ...rows((i) => targetOf((i * 31 + 7) % 200))]);
    expect(await run(['score', model, other])).toMatch(/^No better than guessing: on 200 rows /);
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
    expect(text).not.toContain('No better');
  }
  expect(await run(['show', model])).toMatch(found);
});

it('a constant is called one, and is not said to hide anything', async () => {
  const data = writeCsv(folder, 'constant.csv', [header, ...rows((i) => (i * 7919) % 1009)]);
  const text = await run(['fit', data, '--target', 'y', '--method', 'lasso', '--degree', '1']);
  expect(text.replace(/\s+/g, ' ')).toMatch(
    /^No better than guessing: .* The model is a constant: no column is in it\. Data/,
  );
  expect(text).not.toContain('left out');
});

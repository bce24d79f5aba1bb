/** `--encoding` and `--delimiter` on every command that opens a table, and the line that says what was recognised. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDelimiter } from '../src/options.ts';
import { commands } from './every-command.ts';
import { commandHost, temporaryFolder } from './run.ts';

const run = commandHost();
const folder = temporaryFolder();
const put = (name: string, text: string, encoding: BufferEncoding = 'utf8'): string => {
  writeFileSync(join(folder, name), text, encoding);
  return join(folder, name);
};

const rows = Array.from({ length: 80 }, (_, i) => [
  ['café', 'thé', 'maté'][i % 3],
  String(i % 5),
  i % 3 === 0 ? 'so' : 'no',
]);
const table = (delimiter: string): string =>
  [['boisson', 'n', 'y'], ...rows].map((row) => `${row.join(delimiter)}\n`).join('');
const plain = put('plain.csv', table(','));
const french = put('french.csv', table(';'), 'latin1');
const starred = put('starred.csv', table('*'), 'latin1');
const model = join(folder, 'model.json');
const FIT = ['--target', 'y', '--degree', '1', '--folds', '2', '--intervals', 'none'];
const NOTE = `${french}: read as Windows-1252 (Latin-1), because it is not UTF-8\n`;

it('commands that open a table have both options', () => {
  const having = [...commands].filter(([, command]) => command.options.some(({ long }) => long === '--encoding'));
  expect(having.map(([name]) => name).sort()).toEqual(
    ['fit', 'network certify', 'network verify', 'predict', 'profile', 'score'].sort(),
  );
  for (const [, command] of having) expect(command.options.some(({ long }) => long === '--delimiter')).toBe(true);
});

it('delimiters are written as themselves, a tab by its name', () => {
  expect([',', ';', '|', ' ', '§', 'tab', 'TAB', '\\t', '\t'].map(parseDelimiter)).toEqual([
    ...[',', ';', '|', ' ', '§'],
    ...['\t', '\t', '\t', '\t'],
  ]);
  for (const text of ['', ';;', '"', '\n']) expect(() => parseDelimiter(text)).toThrow('Expected one character');
});

describe('what was recognised', () => {
  it('is said once by fit, score and predict, and not with --quiet', async () => {
    const fitted = await run(['fit', french, ...FIT, '--out', model]);
    expect(fitted).toMatchObject({ code: 0, stderr: NOTE });
    expect(await run(['score', model, french])).toMatchObject({ code: 0, stderr: expect.stringContaining(NOTE) });
    const predicted = await run(['predict', model, french]);
    expect(predicted).toMatchObject({ code: 0, stderr: NOTE });
    expect(await run(['predict', model, french, '-q'])).toEqual({ ...predicted, stderr: '' });
    // Nothing of a file that is what its name says.
    expect(await run(['predict', model, plain])).toEqual({ ...predicted, stderr: '' });
  });

  it('is said of a failure too', async () => {
    const { code, stderr } = await run(['fit', french, '--target', 'none']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/read as Windows-1252[^\n]*\n.*no column "none"/);
  });
});

describe('what is named', () => {
  it('is used by fit, its test, score and predict', async () => {
    const named = ['--delimiter', '*', '--encoding', 'latin1'];
    const fitted = await run(['fit', starred, ...FIT, ...named, '--test', starred, '--allow-overlap', '--out', model]);
    expect(fitted).toMatchObject({ code: 0, stderr: '' });
    const scored = await run(['score', model, starred, ...named, '--json']);
    expect(JSON.parse(scored.stdout)).toMatchObject({ sampleCount: 80, unseen: [] });
    expect(await run(['predict', model, starred, ...named])).toEqual(await run(['predict', model, plain]));
  });

  it('may be wrong, or be for nothing', async () => {
    const wrong = await run(['fit', french, ...FIT, '--encoding', 'utf-8']);
    expect(wrong).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/line 2 of .* is not UTF-8 text; convert it/),
    });
    const word = await run(['fit', french, ...FIT, '--encoding', 'greek']);
    expect(word).toMatchObject({ code: 2, stderr: expect.stringMatching(/auto, utf-8, latin1, windows-1252/) });
    const json = put('rows.json', '[{"y":1}]');
    const idle = await run(['fit', json, ...FIT, '--delimiter', ';']);
    expect(idle).toMatchObject({ code: 2, stderr: expect.stringMatching(/is not CSV, and has no delimiter/) });
  });
});

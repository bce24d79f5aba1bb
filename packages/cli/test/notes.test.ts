/** Notes of a fit: told alike by the terminal, `--json` and the report, with flags for the options of the library. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandHost, temporaryFolder, writeCsv } from './run.ts';

const fewfire = commandHost();
const folder = temporaryFolder();
const model = join(folder, 'model.json');

// An identifier, a column named as an option, one that is mostly numbers, one of different texts, cells that are missing.
const rows = Array.from({ length: 120 }, (_, i) => [
  ...[String(5000 + 3 * i), String((i * 7) % 2), i === 3 ? 'soon' : String(i % 9), `n${i}x`],
  ...[i % 11 === 0 ? 'NA' : String((i >> 1) % 2), String(((i * 7) % 2) + (i % 5) / 10)],
]);
const data = writeCsv(folder, 'data.csv', [['id', 'is `exclude`', 'odd', 'name', 'gap', 'y'], ...rows]);
const fit = (...more: readonly string[]) =>
  fewfire(['fit', data, '--target', 'y', '--degree', '1', '--folds', '2', ...more]);

/** Sentences of this fit that name options, as the command line has them. */
const SENTENCES = [
  'column "id" has 120 different numbers in 120 rows: if it is an identifier, leave it out with --exclude',
  'column "odd" is read as texts: 119 of 120 cells are numbers, the others are "soon": correct them, or say with --missing-values that they are missing',
  'counted as missing: "gap" ("NA" 11); --missing-values says what is',
];
const REASON = '120 different texts in 120 rows look like names or identifiers; name it in --features to keep it';

// Options of the library stand in back-quotes; this table has a column whose name does.
const optionsIn = (text: string): readonly string[] =>
  Array.from(text.replaceAll('is `exclude`', '').matchAll(/`[a-z]\w*`/g), ([name]) => name);

describe('notes', () => {
  it('are told by fit and show with flags', async () => {
    const shown = [await fit('--out', model, '--verbose'), await fewfire(['show', model, '--verbose'])];
    for (const { code, stdout } of shown) {
      expect(code).toBe(0);
      const text = stdout.replace(/\s+/g, ' ');
      for (const sentence of SENTENCES) expect(text).toContain(sentence);
      expect(text).toContain(REASON);
      expect(optionsIn(text)).toEqual([]);
    }
  });

  it('are counted where there is no room for them, those to act on first', async () => {
    const { stdout } = await fit();
    const lines = stdout.split('\n').filter((line) => /^(! | {2}and \d)/.test(line));
    expect(lines).toEqual([
      expect.stringMatching(/^! "is `exclude`" never falls as the target rises/),
      expect.stringMatching(/^! column "id" has 120 different numbers/),
      expect.stringMatching(/^! column "odd" is read as texts/),
      '  and 3 more notes with --verbose',
    ]);
    expect(optionsIn(stdout)).toEqual([]);
  });

  it('have in --json their kind, what they are about, and the same sentence', async () => {
    for (const { stdout } of [await fit('--json'), await fewfire(['show', model, '--json'])]) {
      const json = JSON.parse(stdout);
      const notes: readonly { text: string }[] = json.notes;
      const about = { column: 'id', distinctCount: 120, rowCount: 120 };
      expect(notes).toContainEqual({ kind: 'identifier', ...about, text: SENTENCES[0] });
      expect(notes.map(({ text }) => text)).toEqual(expect.arrayContaining(SENTENCES));
      expect(json.dropped).toEqual([{ column: 'name', reason: REASON }]);
      expect(optionsIn(stdout)).toEqual([]);
    }
  });

  it('are in the model file without a sentence', async () => {
    const { version, training } = JSON.parse(readFileSync(model, 'utf8'));
    expect(version).toBe(4);
    expect(training.notes).toContainEqual({ kind: 'identifier', column: 'id', distinctCount: 120, rowCount: 120 });
    for (const note of training.notes) expect(note).not.toHaveProperty('text');
  });

  it('stand in the reports of fit and show with flags', async () => {
    const [fitted, shown] = [join(folder, 'fitted.html'), join(folder, 'shown.html')];
    expect(await fit('--report', fitted)).toMatchObject({ code: 0 });
    expect(await fewfire(['show', model, '--report', shown])).toMatchObject({ code: 0 });
    for (const page of [fitted, shown]) {
      const text = readFileSync(page, 'utf8').replaceAll('&quot;', '"');
      for (const sentence of SENTENCES) expect(text).toContain(`<li>${sentence}</li>`);
      expect(text).toContain(REASON);
      expect(optionsIn(text)).toEqual([]);
      expect(text).toContain('is `exclude`');
    }
  });

  it('of score have kind and sentence too', async () => {
    const weighed = join(folder, 'weighed.json');
    await fit('--weight', 'id', '--out', weighed);
    const bare = writeCsv(folder, 'bare.csv', [
      ['is `exclude`', 'odd', 'gap', 'y'],
      ...rows.map(([, a, b, , c, y]) => [a, b, c, y]),
    ]);
    const { stdout, stderr } = await fewfire(['score', weighed, bare, '--json']);
    const text = `${bare} has no column "id", which weighed the rows of the fit: all rows count the same`;
    expect(JSON.parse(stdout).notes).toEqual([{ kind: 'no-weight-column', table: bare, column: 'id', text }]);
    expect(stderr).toContain(text);
  });
});

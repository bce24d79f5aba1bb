/** The command around the experiments: what it writes, keeps and refuses. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EXPERIMENT_IDS, loadExperiment } from '@fewfire/paper';
import { claimsMarkdown, figuresCsv } from '@fewfire/report';
import { describe, expect, it } from 'vitest';
import { commands } from './every-command.ts';
import { fewfire, parseCsv, temporaryFolder } from './run.ts';

describe('tables', () => {
  it('have every point and every claim, with quotes and bars kept apart', async () => {
    const result = await (await loadExperiment('E1')).run({ scale: 'tiny', seed: 3, threads: 1 });
    const section = { ...result, command: 'npx a | b' };
    const rows = parseCsv(figuresCsv(section));
    const points = result.figures.flatMap(({ series }) => series.flatMap((one) => one.points));
    expect(rows).toHaveLength(points.length + 1);
    expect(Number(rows[1][4])).toBe(points[0].x);
    const markdown = claimsMarkdown([section], 'fewfire reproduce E1 --tiny');
    expect(markdown).toContain('npx a \\| b');
    expect(markdown.split('\n').filter((line) => line.startsWith('| E1'))).toHaveLength(result.claims.length);
  });
});

it('the command line knows the experiments there are', () => {
  const [argument] = commands.get('reproduce')?.registeredArguments ?? [];
  expect(argument.argChoices).toEqual([...EXPERIMENT_IDS, 'all']);
});

describe('fewfire reproduce', () => {
  const folder = temporaryFolder();
  const out = join(folder, 'out');
  const args = ['reproduce', 'E3', 'e1', '--tiny', '--out', out, '--threads', '1'];
  const read = (name: string): string => readFileSync(join(out, name), 'utf8');

  it('writes numbers, figures, claims and one page', async () => {
    const { code, stdout, stderr } = await fewfire(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^E1\. [\s\S]*\nE3\. [\s\S]*holds: \d/);
    expect(readdirSync(out).sort()).toEqual([
      'E1.csv',
      'E1.json',
      'E3.csv',
      'E3.json',
      'claims.md',
      'figures',
      'report.html',
    ]);
    expect(readdirSync(join(out, 'figures'))).toContain('E1-1.svg');
    expect(read('report.html')).toContain('Content-Security-Policy');
    expect(read('report.html')).not.toMatch(/<script/i);
    expect(read('claims.md')).toContain('fewfire reproduce E1 E3 --tiny --seed 1');
  });

  it('goes on where it stopped, and gives the same', async () => {
    const before = { page: read('report.html'), part: read('E1.json') };
    // A number changed in a whole file: the report would have it as measured.
    const part = read('E3.json');
    const changed = part.replace(/"y": (\d)/, (_, digit) => `"y": ${(Number(digit) + 1) % 10}`);
    expect(changed).not.toBe(part);
    writeFileSync(join(out, 'E3.json'), changed);
    const { code, stdout, stderr } = await fewfire(args);
    expect(code).toBe(0);
    expect(stderr).toBe(`${join(out, 'E3.json')} is not used: it is damaged or was edited; E3 is run again\n`);
    expect(stdout.match(/kept from an earlier run/g)).toHaveLength(1);
    expect(read('report.html')).toBe(before.page);
    expect(read('E1.json')).toBe(before.part);
  });

  it('prints as JSON what it kept, all at once', async () => {
    const { code, stdout, stderr } = await fewfire([...args, '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { experiments, ...run } = JSON.parse(stdout);
    expect(run).toMatchObject({
      scale: 'tiny',
      seed: 1,
      report: join(out, 'report.html'),
      claims: join(out, 'claims.md'),
    });
    const parts = ['E1.json', 'E3.json'].map((name) => JSON.parse(read(name)));
    expect(experiments).toEqual(parts.map(({ result, seconds }) => ({ ...result, seconds, kept: true })));
  });

  it('runs everything again with --fresh, and with another seed', async () => {
    expect((await fewfire([...args, '--fresh'])).stdout).not.toContain('kept');
    expect((await fewfire([...args, '--seed', '2'])).stdout).not.toContain('kept');
  });

  it('writes over nothing that it did not make', async () => {
    const all = readdirSync(out, { recursive: true, encoding: 'utf8' });
    const files = all.filter((name) => statSync(join(out, name)).isFile() && !name.includes('E3'));
    expect(files).toEqual(expect.arrayContaining(['E1.csv', 'E1.json', 'claims.md', 'report.html']));
    expect(files).toContain(join('figures', 'E1-1.svg'));
    for (const name of files) {
      const other = join(folder, `other-${basename(name)}`);
      mkdirSync(join(other, 'figures'), { recursive: true });
      writeFileSync(join(other, name), 'of somebody else');
      const { code, stdout, stderr } = await fewfire(['reproduce', 'E1', '--tiny', '--out', other]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^error: cannot write [^\n]*: the file there is none that reproduce made; [^\n]*\n$/);
      expect(readFileSync(join(other, name), 'utf8')).toBe('of somebody else');
      expect(readdirSync(other, { recursive: true }).sort()).toEqual([...new Set(['figures', name])].sort());
    }
  });

  it('refuses what it does not know, and folders it cannot make', async () => {
    const unknown = await fewfire(['reproduce', 'E99']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/Expected all, or some of E1, /);
    expect((await fewfire(['reproduce', '--quick', '--full'])).code).toBe(2);
    writeFileSync(join(folder, 'file'), '');
    const blocked = await fewfire(['reproduce', 'E1', '--tiny', '--out', join(folder, 'file', 'below')]);
    expect(blocked.code).toBe(1);
    expect(blocked.stderr).toMatch(/cannot make the folder/);
    expect(existsSync(join(folder, 'file', 'below'))).toBe(false);
  });
});

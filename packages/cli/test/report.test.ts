/** `--report` of fit and show: written whole or not at all, beside whatever else is asked for. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bin, chess, commandHost, interruptAtWork, temporaryFolder, votes, writeCsv } from './run.ts';

const fewfire = commandHost();
const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);
const quick = ['--degree', '1', '--folds', '2'];

describe('fit --report', () => {
  it('writes one page beside the model, and says where', async () => {
    const [model, page] = [inFolder('chess.json'), inFolder('chess.html')];
    const args = ['fit', chess, '--target', 'class', ...quick, '--out', model, '--report', page, '--verbose'];
    const done = await fewfire(args);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout).toContain(`Report: ${page}`);
    const text = readFileSync(page, 'utf8');
    expect(text).toMatch(/^<!doctype html>/);
    expect(text.trimEnd().endsWith('</html>')).toBe(true);
    expect(text).toContain('639 test rows');
    expect(text).toContain('Confusion matrix');
    expect(text).not.toContain('<script');
    // The accuracy of the page is that of the terminal.
    const accuracy = /accuracy 0\.(\d\d)(\d)/.exec(done.stdout);
    expect(text).toContain(`${accuracy?.[1]}.${accuracy?.[2]}\u00a0%`);

    const later = inFolder('later.html');
    const shown = await fewfire(['show', model, '--report', later]);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(later, 'utf8')).toContain('which a model file does not keep');
  });

  it('leaves standard output to --json, and is written with --quiet', async () => {
    const args = ['fit', votes, '--target', 'Class', '--missing', 'indicator', ...quick];
    const json = await fewfire([...args, '--json', '--report', inFolder('json.html')]);
    expect(JSON.parse(json.stdout).task).toBe('binary');
    const quiet = await fewfire([...args, '--quiet', '--report', inFolder('quiet.html')]);
    expect(quiet).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(existsSync(inFolder('json.html')) && existsSync(inFolder('quiet.html'))).toBe(true);
  });

  it('shows several classes, explaining effects once on the terminal', async () => {
    const rows = Array.from({ length: 90 }, (_, i) => [String(i % 2), String((i >> 1) % 2)]);
    const classOf = ([a, b]: readonly string[]): string => (a === '0' ? 'x' : b === '0' ? 'y' : 'z');
    const header = ['a', 'b', 'class'];
    const data = writeCsv(folder, 'three.csv', [header, ...rows.map((row) => [...row, classOf(row)])]);
    const page = inFolder('three.html');
    const { stdout } = await fewfire(['fit', data, '--target', 'class', ...quick, '--report', page, '--verbose']);
    expect(stdout.match(/Leading combinations for/g)?.length).toBe(3);
    expect(stdout.match(/effect: what the yes adds/g)?.length).toBe(1);
    expect(readFileSync(page, 'utf8')).toContain('<bdi>y</bdi> against the rest');

    // The class w has nothing to do with the columns: its output is a constant, and the next one explains effects.
    const mixed = rows.map((row, i) => [...row, (i >> 2) % 5 === 0 ? 'w' : classOf(row)]);
    const other = await fewfire([
      'fit',
      writeCsv(folder, 'four.csv', [header, ...mixed]),
      '--target',
      'class',
      ...quick,
      ...['--seed', '2', '--verbose'],
    ]);
    expect(other.stdout).toContain('Combinations for "w": none');
    expect(other.stdout.match(/effect: what the yes adds/g)?.length).toBe(1);
  });

  it('is refused before the work where it could not be written', async () => {
    mkdirSync(inFolder('directory'));
    const refused = async (args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await fewfire(['fit', chess, '--target', 'class', ...quick, ...args]);
      expect(code).not.toBe(0);
      expect(stdout).toBe('');
      return stderr;
    };
    expect(await refused(['--report', inFolder('none/r.html')])).toContain('does not exist; create it first');
    expect(await refused(['--report', inFolder('directory')])).toContain('it is a directory');
    expect(await refused(['--report', chess])).toContain('it is also what is read');
    expect(await refused(['--report', '-'])).toContain('Expected a file name, such as report.html');
    const same = ['--out', inFolder('same.html'), '--report', inFolder('directory/../same.html')];
    expect(await refused(same)).toContain('expected two files');
    expect(existsSync(inFolder('same.html'))).toBe(false);
  });

  it('interrupted after the model was written lost the report that belongs to it', async () => {
    const cwd = inFolder('together');
    mkdirSync(cwd);
    const args = ['fit', chess, '--target', 'class', ...quick, '--out', 'm.json', '--report', 'r.html', '--quiet'];
    const child = spawn(process.execPath, [bin, ...args], { cwd, stdio: 'ignore' });
    const closed = new Promise((resolve) => child.on('close', resolve));
    const look = setInterval(() => {
      if (!existsSync(join(cwd, 'm.json'))) return;
      clearInterval(look);
      child.kill('SIGINT');
    }, 1);
    await closed;
    clearInterval(look);
    expect(readdirSync(cwd).toSorted()).toEqual(['m.json', 'r.html']);
    expect(readFileSync(join(cwd, 'r.html'), 'utf8').trimEnd().endsWith('</html>')).toBe(true);
  });

  it('interrupted leaves nothing half written', async () => {
    const cwd = inFolder('interrupted');
    mkdirSync(cwd);
    const args = ['fit', '-', '--target', 'class', '--degree', '3', '--folds', '50', '--report', 'r.html'];
    const { code } = await interruptAtWork(args, 'choosing', { cwd, input: readFileSync(chess) });
    expect(code).toBe(130);
    expect(readdirSync(cwd)).toEqual([]);
  });
});

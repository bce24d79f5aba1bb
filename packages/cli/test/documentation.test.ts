/** The commands that the documentation tells people to type, typed; what it says they print; and its programs, run. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { programsOf } from './programs.ts';
import { bin, root, temporaryFolder } from './run.ts';

/** Lines of `sh` blocks that run fewfire, those continued with a backslash joined. */
function commandsOf(markdown: string): string[] {
  const blocks = Array.from(markdown.matchAll(/^```sh\n([\s\S]*?)^```/gm), (match) => match[1]);
  return blocks
    .flatMap((block) => block.replace(/\\\n\s*/g, ' ').split('\n'))
    .map((line) => line.replace(/^\$ /, '').trim())
    .filter((line) => /\bnpx fewfire\b/.test(line) && !line.startsWith('#'));
}

const pages = [
  'README.md',
  'examples/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Blocks of what commands print: lines after `$ `; `[...]` stands for any lines. */
function printedOf(markdown: string): { readonly command: string; readonly lines: readonly string[] }[] {
  const blocks = Array.from(markdown.matchAll(/^```text\n(\$ fewfire [\s\S]*?)^```/gm), (match) => match[1]);
  return blocks
    .flatMap((block) => block.split(/^\$ /m).slice(1))
    .map((part) => {
      const [command, ...lines] = part.trimEnd().split('\n');
      return { command, lines };
    });
}

// Times differ from run to run.
const withoutTimes = (line: string): string => line.replace(/\b\d+(\.\d+)? m?s\b/g, '# s').trimEnd();

function expectPrinted(found: readonly string[], lines: readonly string[]): void {
  let at = 0;
  let isAnywhere = false;
  for (const line of lines) {
    if (line === '[...]') {
      isAnywhere = true;
      continue;
    }
    const place = found.findIndex((text, i) => i >= at && withoutTimes(text) === withoutTimes(line));
    if (isAnywhere) expect(place, `${line}\nis not among\n${found.slice(at).join('\n')}`).toBeGreaterThanOrEqual(at);
    else expect(withoutTimes(found[at] ?? 'nothing more')).toBe(withoutTimes(line));
    at = isAnywhere ? place + 1 : at + 1;
    isAnywhere = false;
  }
  if (!isAnywhere) expect(found.slice(at).filter((line) => line !== '')).toEqual([]);
}

const isRun = (path: string): boolean =>
  [commandsOf, printedOf, programsOf].some((partsOf) => partsOf(textOf(path)).length > 0);

describe.each(pages.filter(isRun))('%s', (path) => {
  const commands = commandsOf(textOf(path));
  const printed = printedOf(textOf(path));
  const programs = programsOf(textOf(path));
  // A folder of its own, so that what the commands write does not land in the checkout.
  const folder = temporaryFolder();
  symlinkSync(join(root, 'examples'), join(folder, 'examples'));
  mkdirSync(join(folder, 'demo-out'));
  const type = (line: string): { status: number | null; stdout: string; stderr: string } =>
    spawnSync('sh', ['-c', line.replaceAll(/(?:\bnpx |^)fewfire\b/g, `"${process.execPath}" "${bin}"`)], {
      cwd: folder,
      encoding: 'utf8',
    });

  if (commands.length > 0)
    it.each(commands)('%s', (command) => {
      const { status, stderr } = type(command);
      expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    });

  if (printed.length > 0)
    it.each(printed)('prints: $command', ({ command, lines }) => {
      const { status, stdout, stderr } = type(command);
      expect(status, stderr).toBe(0);
      expectPrinted(`${stdout}${stderr}`.trimEnd().split('\n'), lines);
    });

  if (programs.length > 0)
    it.each(programs)('runs: $code', ({ code, printed }) => {
      // As a program in the checkout, where the packages are found.
      const done = spawnSync(process.execPath, ['--input-type=module', '-e', code], { cwd: root, encoding: 'utf8' });
      expect(done.stderr).toBe('');
      expect(done.stdout.trimEnd().split('\n')).toEqual(printed);
      expect(printed.length).toBeGreaterThan(0);
    });
});

it('are most of the pages that users read', () => {
  expect(pages.filter(isRun)).toEqual(expect.arrayContaining(['README.md', 'examples/README.md', 'docs/output.md']));
});

it('the README is one that is read: a result soon, and not long', () => {
  const lines = textOf('README.md').split('\n');
  expect(lines.length).toBeLessThanOrEqual(150);
  expect(lines.slice(0, 30).join('\n')).toContain('On 639 rows set aside');
});

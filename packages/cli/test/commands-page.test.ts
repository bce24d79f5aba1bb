/** The page of commands and the man page are what their script makes of the programme, and what they show can be typed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { commandPages, manPath, markdownPath } from '../../../scripts/commands-page.mjs';
import { createProgram, version } from '../src/main.ts';
import { openSession } from '../src/session.ts';
import { commands } from './every-command.ts';
import { root } from './run.ts';

const newProgram = (): ReturnType<typeof createProgram> =>
  createProgram(openSession([], version(), { stdout: new PassThrough(), stderr: new PassThrough(), env: {} }));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('the pages of the commands', () => {
  const made: Record<string, string> = commandPages(newProgram());

  it.each([markdownPath, manPath])('%s is what npm run commands makes', (path) => {
    expect(read(path)).toBe(made[path]);
  });

  it('change with an option, a default and an example', () => {
    const program = newProgram();
    const predict = program.commands.find((command) => command.name() === 'predict');
    predict
      ?.option('--planted <thing>', 'a planted option', 'as planted')
      .addHelpText('after', '\nExamples:\n  fewfire planted');
    const other: Record<string, string> = commandPages(program);
    expect(other[markdownPath]).toContain('| `--planted <thing>` | a planted option | as planted |');
    expect(other[markdownPath]).toContain('```sh\nfewfire planted\n```');
    expect(other[manPath]).toContain('\\fB\\-\\-planted <thing>\\fR\na planted option (default: as planted)');
    expect(other[manPath]).toContain('\n.nf\nfewfire planted\n.fi\n');
  });

  it('have every command, and no option that is hidden', () => {
    const text = read(markdownPath);
    for (const [name, command] of commands) {
      expect(text).toMatch(new RegExp(`^#{2,4} fewfire ${name}$`, 'm'));
      expect(read(manPath)).toContain(`\n.SS fewfire ${name.replaceAll('-', '\\-')}\n`);
      for (const { flags, hidden } of command.options) {
        expect(text.includes(`| \`${flags.replaceAll('|', '\\|')}\` |`)).toBe(hidden !== true);
      }
    }
  });

  it('have examples whose options there are', () => {
    const blocks = read(markdownPath).matchAll(/^```sh\n([\s\S]*?)^```/gm);
    const lines = Array.from(blocks, ([, block]) => block.replace(/\\\n\s*/g, ' ').split('\n')).flat();
    const typed = lines.flatMap((line) => /(?:^|[|(] ?)fewfire ([a-z].*)$/.exec(line)?.[1] ?? []);
    expect(typed.length).toBeGreaterThan(50);
    for (const line of typed) {
      const command = [...commands].find(([name]) => `${line} `.startsWith(`${name} `))?.[1];
      const known = command?.options.flatMap(({ short, long }) => [short, long]) ?? [];
      const flags = (line.match(/(?<= )--?[a-zA-Z][\w-]*/g) ?? []).filter(() => command !== undefined);
      expect({ line, unknown: flags.filter((flag) => !known.includes(flag)) }).toEqual({ line, unknown: [] });
    }
  });
});

describe('the package', () => {
  it('has the man page where npm looks for it', () => {
    const { man, files } = JSON.parse(read('packages/cli/package.json'));
    expect(join('packages/cli', man)).toBe(manPath);
    expect(files).toContain('man');
  });
});

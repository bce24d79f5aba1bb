/** The same flags everywhere: a result goes to a file with --out, to standard output with --json, and is not told with --quiet. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { ResultOption } from '../src/file-roles.ts';
import { argsOf, commands, openBench, recipes } from './every-command.ts';
import { commandHost } from './run.ts';

const hosted = commandHost();
const { lay } = openBench(hosted);

const lacking = (long: string): string[] =>
  [...commands].filter(([, command]) => command.options.every((option) => option.long !== long)).map(([name]) => name);

describe('every command', () => {
  it('has -o, --out and -q, --quiet', () => {
    expect([lacking('--out'), lacking('--quiet')]).toEqual([[], []]);
    for (const command of commands.values()) {
      const short = (long: string): string | undefined => command.options.find((option) => option.long === long)?.short;
      expect([short('--out'), short('--quiet')]).toEqual(['-o', '-q']);
    }
  });

  it('has --json, but those whose result is a table or a text in another language', () => {
    expect(lacking('--json')).toEqual(['predict', 'export', 'network sample', 'completion']);
  });
});

const withResult = Object.keys(recipes).filter((name) =>
  (commands.get(name) as Command).options.some((option) => option instanceof ResultOption),
);

/** Times differ from run to run. */
const timeless = (text: string): unknown =>
  JSON.parse(text, (name, value) => (/seconds|timings|inexact|verdict|batch$/i.test(name) ? null : value));

describe.each(withResult)('%s', (name) => {
  const recipe = recipes[name];

  it('writes with --out what --json prints, beside the report', async () => {
    const place = lay(recipe);
    const args = argsOf(recipe, place);
    const out = join(place, 'result.json');
    const plain = await hosted(args);
    const told = await hosted([...args, '--out', out]);
    expect(told.code).toBe(0);
    expect(told.stderr).toMatch(/^(?:.*\n)*wrote [^\n]*result\.json \(\S+ (?:bytes|kB)\)\n$/);
    // As without it, but for times.
    expect(told.stdout.split('\n').length).toBe(plain.stdout.split('\n').length);
    const written = readFileSync(out, 'utf8');
    const json = await hosted([...args, '--json']);
    expect(timeless(written)).toEqual(timeless(json.stdout));
    const both = await hosted([...args, '--json', '--out', out]);
    expect(both.stdout).toBe(readFileSync(out, 'utf8'));
  });

  it('says nothing with --out and --quiet', async () => {
    const place = lay(recipe);
    const done = await hosted([...argsOf(recipe, place), '-q', '-o', join(place, 'result.json')]);
    expect(done).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('refuses a name that is not for JSON', async () => {
    const done = await hosted([...argsOf(recipe, lay(recipe)), '--out', 'result.txt']);
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toMatch(/Expected a name that ends in \.json\.\n$/);
  });
});

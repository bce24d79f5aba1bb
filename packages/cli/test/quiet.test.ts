/** `--quiet` never makes a command work for nothing: data still come, or files, or it is refused before it begins. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { QuietOption } from '../src/options.ts';
import { argsOf, commands, endingFor, openBench, outputsOf, recipes } from './every-command.ts';
import { commandHost } from './run.ts';

const hosted = commandHost();
const { lay } = openBench(hosted);

const quietOf = (command: Command): QuietOption | undefined =>
  command.options.find((option) => option instanceof QuietOption);

it('every --quiet says what it leaves', () => {
  for (const [name, command] of commands) {
    const isQuiet = command.options.some((option) => option.long === '--quiet');
    expect([name, quietOf(command) !== undefined]).toEqual([name, isQuiet]);
  }
});

it('only a check is content with its exit code', () => {
  const silent = [...commands].filter(([, command]) => quietOf(command)?.leaves === 'exit code');
  expect(silent.map(([name]) => name)).toEqual(['network verify']);
});

describe.each(Object.keys(recipes).filter((name) => quietOf(commands.get(name) as Command) !== undefined))(
  '%s --quiet',
  (name) => {
    const command = commands.get(name) as Command;
    const leaves = quietOf(command)?.leaves;
    const recipe = recipes[name];
    const quiet = (place: string): string[] => [...argsOf(recipe, place), '--quiet'];

    if (leaves === 'data')
      it('prints what it is for', async () => {
        const done = await hosted(quiet(lay(recipe)));
        expect(done).toMatchObject({ code: 0, stderr: '' });
        expect(done.stdout).not.toBe('');
      });

    if (leaves === 'files')
      it('is refused where nothing would come out, before anything is read', async () => {
        const place = lay(recipe);
        for (const file of readdirSync(place)) writeFileSync(join(place, file), 'this is nothing that can be read');
        const done = await hosted(quiet(place));
        expect(done.stderr).toMatch(
          /^error: --quiet leaves nothing of [^\n]* to come out; add [^\n]*--json, or leave --quiet out\n$/,
        );
        for (const { long } of outputsOf(command)) expect(done.stderr).toContain(long);
        expect(done).toMatchObject({ code: 2, stdout: '' });
      });

    if (leaves === 'files')
      it('writes the files or the JSON that are asked for, and says nothing else', async () => {
        const place = lay(recipe);
        const json = await hosted([...quiet(place), '--json']);
        expect(json).toMatchObject({ code: 0, stderr: '' });
        expect(typeof JSON.parse(json.stdout)).toBe('object');
        for (const option of outputsOf(command)) {
          const path = join(place, `new${endingFor(option, '.json')}`);
          expect(await hosted([...quiet(place), option.long as string, path])).toEqual({
            code: 0,
            stdout: '',
            stderr: '',
          });
          expect(existsSync(path)).toBe(true);
        }
      });

    if (leaves === 'exit code')
      it('says by its exit code what is the case', async () => {
        const place = lay(recipe);
        expect(await hosted(quiet(place))).toEqual({ code: 0, stdout: '', stderr: '' });
        writeFileSync(join(place, Object.values(recipe.inputs)[0]), 'this is nothing that can be read');
        expect((await hosted(quiet(place))).code).toBe(1);
      });
  },
);

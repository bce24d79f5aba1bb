/** The completion script for zsh is right by zsh's own grammar, and every command has its function. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findShell } from '../../../scripts/tools.mjs';
import { commandTree } from '../src/command-tree.ts';
import { completionScript } from '../src/completion-scripts.ts';
import { programme } from './every-command.ts';
import { temporaryFolder } from './run.ts';

const zsh: string | undefined = findShell('zsh');

describe.skipIf(zsh === undefined)('completion in zsh', () => {
  const script = join(temporaryFolder(), '_fewfire');
  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(zsh as string, ['-f', ...args], { encoding: 'utf8' });

  it('has a script that zsh reads', () => {
    writeFileSync(script, completionScript('zsh', commandTree(programme)));
    expect(run('-n', script)).toMatchObject({ status: 0, stderr: '' });
  });

  it('defines a function for every command, and says what it is for', () => {
    const { stdout, stderr } = run(
      '-c',
      `compdef() { echo "$@" }; source "$1"; print -l \${(k)functions}`,
      'zsh',
      script,
    );
    expect(stderr).toBe('');
    const [said, ...functions] = stdout.trimEnd().split('\n');
    expect(said).toBe('_fewfire fewfire');
    for (const { path } of commandTree(programme)) {
      expect(functions).toContain(['_fewfire', ...path].join('_').replaceAll('-', '_'));
    }
  });
});

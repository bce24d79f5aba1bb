/** Completion in fish, by fish itself. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { findShell } from '../../../scripts/tools.mjs';
import { commandTree } from '../src/command-tree.ts';
import { completionScript } from '../src/completion-scripts.ts';
import { programme } from './every-command.ts';
import { temporaryFolder } from './run.ts';

const fish: string | undefined = findShell('fish');

describe.skipIf(fish === undefined)('completion in fish', () => {
  const folder = temporaryFolder();
  const script = join(folder, 'fewfire.fish');
  const place = join(folder, 'place');

  beforeAll(() => {
    writeFileSync(script, completionScript('fish', commandTree(programme)));
    mkdirSync(place);
    for (const name of ['data.csv', 'net.json']) writeFileSync(join(place, name), '');
  });

  it('has a script that fish reads', () => {
    const { status, stderr } = spawnSync(fish as string, ['--no-execute', script], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it.each<[typed: string, offered: readonly string[]]>([
    ['fewfire fi', ['fit']],
    ['fewfire fit data.csv --met', ['--method']],
    ['fewfire fit data.csv --method la', ['lasso']],
    ['fewfire fit data.csv --method=la', ['--method=lasso']],
    ['fewfire fit da', ['data.csv']],
    ['fewfire fit x --out da', ['data.csv']],
    ['fewfire network make par', ['parity']],
    ['fewfire network make parity --form ', ['paper', 'tight']],
    ['fewfire reproduce E3 E1', ['E1', 'E10']],
    ['fewfire help ne', ['network']],
    ['fewfire show net.json da', []],
    ['fewfire fit --target show --met', ['--method']],
  ])('%s', (typed, offered) => {
    const { stdout, stderr } = spawnSync(
      fish as string,
      ['-c', 'source $argv[1]; complete -C $argv[2]', script, typed],
      {
        cwd: place,
        env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder },
        encoding: 'utf8',
      },
    );
    expect(stderr).toBe('');
    const found = stdout.split('\n').slice(0, -1);
    expect(found.map((line) => line.split('\t')[0]).sort()).toEqual(offered);
  });
});

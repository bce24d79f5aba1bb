/** Completion in bash, by bash itself; of the other shells that their scripts know every command and option there is. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { beforeAll, describe, expect, it } from 'vitest';
import { commandTree } from '../src/command-tree.ts';
import { completionScript } from '../src/completion-scripts.ts';
import { commands, programme } from './every-command.ts';
import { commandHost, temporaryFolder } from './run.ts';

const hosted = commandHost();
const folder = temporaryFolder();
const script = join(folder, 'fewfire.bash');
const place = join(folder, 'place');
const tree = commandTree(programme);
const flagsOf = (command: Command): string[] =>
  command.options.flatMap(({ hidden, short, long }) =>
    hidden ? [] : [short, long].filter((flag) => flag !== undefined),
  );

beforeAll(() => {
  writeFileSync(script, completionScript('bash', tree));
  mkdirSync(join(place, 'results'), { recursive: true });
  for (const name of ['data.csv', 'my data.csv', 'net.json']) writeFileSync(join(place, name), '');
});

function inBash(text: string, words: readonly string[] = []): string[] {
  const { stdout, stderr } = spawnSync('bash', ['-c', `source "$0"; ${text}`, script, ...words], {
    cwd: place,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return stdout.split('\n').slice(0, -1).sort();
}

/** What is offered for the last of the words, as bash takes a line apart. */
const completed = (words: readonly string[]): string[] =>
  inBash(
    `COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _fewfire; [[ -z $COMPREPLY ]] || printf '%s\\n' "\${COMPREPLY[@]}"`,
    words,
  );

describe('bash completes', () => {
  it.each<[typed: string, offered: readonly string[]]>([
    ['fewfire fi', ['fit']],
    ['fewfire s', ['score', 'show']],
    ['fewfire fit data.csv --met', ['--method']],
    ['fewfire fit data.csv --method la', ['lasso']],
    ['fewfire fit --method la', ['lasso']],
    ['fewfire fit --method ridge --loss ', ['logistic', 'squared']],
    ['fewfire fit --decimal ', [',', '.']],
    ['fewfire fit da', ['data.csv']],
    ['fewfire fit data.csv --test my', ['my data.csv']],
    ['fewfire fit "my', ['my data.csv']],
    ['fewfire predict net.json da', ['data.csv']],
    ['fewfire predict -o x.csv ne', ['net.json']],
    ['fewfire predict --quiet ne', ['net.json']],
    ['fewfire network ce', ['certify']],
    ['fewfire network make par', ['parity']],
    ['fewfire network make parity --inp', ['--inputs']],
    ['fewfire network make parity --form ', ['paper', 'tight']],
    ['fewfire network show net.json --js', ['--json']],
    ['fewfire reproduce E3 E1', ['E1', 'E10']],
    ['fewfire reproduce --out r', ['results']],
    ['fewfire completion ', ['bash', 'fish', 'zsh']],
    ['fewfire help ne', ['network']],
    ['fewfire network help sa', ['sample']],
    ['fewfire --ver', ['--version']],
    // A value is no command, a number has no list, and what is not there is not offered.
    ['fewfire fit --target show --met', ['--method']],
    ['fewfire fit data.csv --degree ', []],
    ['fewfire network make nothing', []],
    ['fewfire fit data.csv --nothing', []],
    // A hidden option is not offered.
    ['fewfire optimize net.json --at-most-', []],
    // What follows two dashes is no option.
    ['fewfire fit -- da', ['data.csv']],
    ['fewfire fit -- --met', []],
    // Where all operands are there, the options come.
    ['fewfire completion bash --q', ['--quiet']],
  ])('%s', (typed, offered) => {
    expect(completed(typed.split(' '))).toEqual(offered);
  });

  it('options when there is nothing else to come', () => {
    expect(completed(['fewfire', 'completion', 'bash', ''])).toEqual(
      [...flagsOf(commands.get('completion') as Command), '-h', '--help'].sort(),
    );
  });

  it('values behind an equals sign, whether bash takes it for a word or not', () => {
    expect(completed(['fewfire', 'fit', 'data.csv', '--method', '=', 'la'])).toEqual(['lasso']);
    expect(completed(['fewfire', 'fit', 'data.csv', '--decimal', '='])).toEqual([',', '.']);
    expect(completed(['fewfire', 'fit', 'data.csv', '--method=la'])).toEqual(['--method=lasso']);
    expect(completed(['fewfire', 'fit', 'data.csv', '--loss', '=', 'squared', '--met'])).toEqual(['--method']);
  });

  it('the file of a domain', () => {
    const typed = ['fewfire', 'network', 'certify', 'net.json', '--domain'];
    expect(completed([...typed, 'rows', ':', 'da'])).toEqual(['data.csv']);
    expect(completed([...typed, 'rows:da'])).toEqual(['rows:data.csv']);
  });
});

it('the script for bash is right by its grammar, and says so of what it completes', () => {
  expect(spawnSync('bash', ['-n', script], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  expect(inBash('complete -p fewfire')).toEqual(['complete -F _fewfire fewfire']);
});

describe.each([...commands])('%s', (name, command) => {
  const wanted = [...flagsOf(command), '-h', '--help'];

  it('has all its options in bash', () => {
    expect(inBash(`_fewfire_place ' ${name}'; printf '%s\\n' $options`)).toEqual([...wanted].sort());
  });

  it('has all its options in zsh and fish', () => {
    const zsh = completionScript('zsh', tree);
    const body = zsh.split(`_fewfire_${name.replace(/[ -]/g, '_')}() {`)[1].split('\n}')[0];
    const fish = completionScript('fish', tree).split('\n');
    const lines = fish.filter((line) => line.includes(`\\' ${name}\\''`)).join('\n');
    for (const flag of wanted) {
      expect(body).toMatch(new RegExp(`[{',]${flag}[=+]?[},']`));
      expect(lines).toContain(flag.startsWith('--') ? ` -l ${flag.slice(2)} ` : ` -s ${flag.slice(1)} `);
    }
    for (const { argChoices } of command.options) {
      if (argChoices === undefined) continue;
      expect(body).toContain(`(${argChoices.join(' ')})`);
      expect(lines).toContain(`-a '${argChoices.join(' ')}'`);
    }
  });
});

describe('fewfire completion', () => {
  it.each(['bash', 'zsh', 'fish'] as const)('%s: prints the script, or writes it', async (shell) => {
    const wanted = completionScript(shell, tree);
    expect(await hosted(['completion', shell])).toEqual({ code: 0, stdout: wanted, stderr: '' });
    const out = join(folder, `written.${shell}`);
    expect(await hosted(['completion', shell, '--out', out])).toEqual({
      code: 0,
      stdout: '',
      stderr: `wrote ${out}\n`,
    });
    expect(readFileSync(out, 'utf8')).toBe(wanted);
  });

  it('says how to install it, a line for each shell', async () => {
    const { stdout } = await hosted(['completion', '--help']);
    for (const shell of ['bash', 'zsh', 'fish']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${shell} .*fewfire completion ${shell}.*(>>|--out) ~/`, 'm'));
    }
  });

  it('refuses a shell that it does not know', async () => {
    expect(await hosted(['completion', 'tcsh'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: .*bash, zsh, fish\.?\n$/),
    });
  });
});

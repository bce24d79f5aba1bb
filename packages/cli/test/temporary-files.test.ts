/** Data from standard input, and what the engine puts aside: in no file that outlives the process, however it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { bin, fewfire, temporaryFolder } from './run.ts';

const SECRET = 'a-name-nobody-should-find';
const output = join(temporaryFolder(), 'model.json');
const fit = ['fit', '-', '--target', 'y', '--degree', '1', '--intervals', 'none', '--out', output, '-q'];
const rows = Array.from({ length: 20_000 }, (_, i) => `${SECRET}-${i % 2},${i % 3},${i % 2}\n`).join('');
const small = `a,b,y\n${rows.slice(0, 2000).split('\n').slice(0, -1).join('\n')}\n`;

const surroundings = (temporary: string) => ({ env: { TMPDIR: temporary, TEMP: temporary, TMP: temporary } });

/** The folders of fewfire there. */
const folders = (temporary: string): string[] => readdirSync(temporary).filter((name) => /^fewfire-\d+-/.test(name));

/** A process that has read much of its standard input, and waits for more. */
async function atWork(temporary: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [bin, ...fit], {
    env: { ...process.env, ...surroundings(temporary).env },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  child.stdin?.on('error', () => undefined);
  child.stdin?.write(`a,b,y\n${rows}`);
  const own = (): boolean => folders(temporary).some((name) => name.startsWith(`fewfire-${child.pid}-`));
  while (!own() || (child.stdin?.writableLength ?? 0) > 0) await wait(5);
  return child;
}

/** Everything below a folder. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

const ended = (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.once('exit', resolve));

describe('standard input that was being read', () => {
  it.each([
    ['Ctrl-C', ['SIGINT']],
    ['SIGTERM', ['SIGTERM']],
    ['a terminal that is closed', ['SIGHUP']],
    ['a second Ctrl-C, which ends the process at once', ['SIGINT', 'SIGINT']],
  ] as const)('is gone after %s', async (_, signals) => {
    const temporary = temporaryFolder();
    const child = await atWork(temporary);
    const end = ended(child);
    for (const signal of signals) child.kill(signal);
    await end;
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('is in no file that has a name', async () => {
    if (process.platform !== 'linux') return;
    const temporary = temporaryFolder();
    const child = await atWork(temporary);
    expect(folders(temporary)).toHaveLength(1);
    for (const path of filesBelow(temporary)) expect(readFileSync(path, 'latin1')).not.toContain(SECRET);
    const end = ended(child);
    child.kill('SIGKILL');
    await end;
    for (const path of filesBelow(temporary)) expect(readFileSync(path, 'latin1')).not.toContain(SECRET);
  });

  it('of a process that was killed is removed by the next one; of one that lives, not', async () => {
    const temporary = temporaryFolder();
    const killed = await atWork(temporary);
    const end = ended(killed);
    killed.kill('SIGKILL');
    await end;
    const [left] = folders(temporary);
    writeFileSync(join(temporary, left, 'spilled'), SECRET);
    // A folder of the same name elsewhere, of another machine, and a link: none is a folder of ours.
    const precious = join(temporary, 'precious');
    mkdirSync(precious);
    writeFileSync(join(precious, 'file'), '');
    const otherMachine = left.replace(/-[0-9a-f]{8}-/, '-00000000-');
    mkdirSync(join(temporary, otherMachine));
    const link = left.slice(0, -12) + '0'.repeat(12);
    symlinkSync(precious, join(temporary, link));

    const living = await atWork(temporary);
    const { code, stderr } = await fewfire(fit, { ...surroundings(temporary), input: small });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const own = folders(temporary).filter((name) => name.startsWith(`fewfire-${living.pid}-`));
    expect(own).toHaveLength(1);
    expect(readdirSync(temporary).sort()).toEqual([...own, link, otherMachine, 'precious'].sort());
    expect(readdirSync(precious)).toEqual(['file']);
    const over = ended(living);
    living.kill('SIGTERM');
    await over;
  });
});

it('a folder for temporary files that is none is named, with what to do', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const { code, stdout, stderr } = await fewfire(fit, { ...surroundings(file), input: small });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toBe(
    `error: cannot keep temporary files in ${file}: it is not a folder; set TMPDIR to a folder with room\n`,
  );
});

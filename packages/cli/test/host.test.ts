/** A process that runs many commands: each as in a process of its own, and what one leaves behind is seen. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fewfire, openHost, temporaryFolder } from './run.ts';

const folder = temporaryFolder();
const imported = (code: string): { env: Record<string, string> } => ({
  env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` },
});

it('gives the code and the texts that a process of its own gives, however many were before', async () => {
  const net = join(folder, 'net.json');
  const host = openHost();
  for (const command of [
    'network show none.json',
    `network make parity --inputs 6 --size 2 --out ${net}`,
    `network show ${net}`,
    `network show ${net} --json`,
    `network make pairty --out ${net}`,
    'network make parity --help',
    'fit',
    '--version',
    '',
  ]) {
    const args = command.split(' ').filter((arg) => arg !== '');
    const [hosted, alone] = [await host.run(args), await fewfire(args)];
    expect(hosted).toEqual(alone);
  }
  expect(await host.close()).toEqual({ code: 0, stdout: '', stderr: '' });
});

it('tells of what is said or kept open besides', async () => {
  const said = openHost(imported('process.stderr.write("by the way")'));
  expect((await said.run(['--version'])).stderr).toBe('');
  expect(await said.close()).toEqual({ code: 0, stdout: '', stderr: 'by the way' });
  const open = openHost(imported('setInterval(() => 0, 1000)'));
  await open.run(['--version']);
  expect((await open.close(500)).code).toBeNull();
  const broken = openHost(imported('process.on("disconnect", () => { throw new Error("late") })'));
  await broken.run(['--version']);
  expect(await broken.close()).toMatchObject({ code: 1, stderr: expect.stringContaining('late') });
});

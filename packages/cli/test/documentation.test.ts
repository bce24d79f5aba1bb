/** The commands that the documentation tells people to type, typed. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bin, root, temporaryFolder } from './run.ts';

/** Lines of `sh` blocks that run fewfire, those continued with a backslash joined. */
function commandsOf(markdown: string): string[] {
  const blocks = Array.from(markdown.matchAll(/^```sh\n([\s\S]*?)^```/gm), (match) => match[1]);
  return blocks
    .flatMap((block) => block.replace(/\\\n\s*/g, ' ').split('\n'))
    .map((line) => line.replace(/^\$ /, '').trim())
    .filter((line) => /\bnpx fewfire\b/.test(line) && !line.startsWith('#'));
}

describe.each(['README.md', 'examples/README.md'].filter((path) => existsSync(join(root, path))))('%s', (path) => {
  // A folder of its own, so that what the commands write does not land in the checkout.
  const folder = temporaryFolder();
  symlinkSync(join(root, 'examples'), join(folder, 'examples'));
  const commands = commandsOf(readFileSync(join(root, path), 'utf8'));

  it('says how to use it', () => {
    expect(commands.length).toBeGreaterThan(0);
  });

  it.each(commands)('%s', (command) => {
    const typed = command.replaceAll(/\bnpx fewfire\b/g, `"${process.execPath}" "${bin}"`);
    const { status, stderr } = spawnSync('sh', ['-c', typed], { cwd: folder, encoding: 'utf8' });
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  });
});

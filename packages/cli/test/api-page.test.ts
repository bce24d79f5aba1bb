/** The API page is made of all public names without a warning: nothing undocumented, no link that leads nowhere. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './run.ts';

it('the API page can be made', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts/api/build.mjs'), '--check'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(status, `${stdout}${stderr}`).toBe(0);
});

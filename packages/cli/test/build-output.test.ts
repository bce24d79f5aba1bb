/** What is packed of dist/ comes from sources of today: tsc leaves the output of those that are gone. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { removeStrayOutput, strayOutput } from '../../../scripts/stray-output.mjs';
import { root, temporaryFolder } from './run.ts';

describe('what has no source', () => {
  const folder = temporaryFolder();
  const kept = ['dist/.tsbuildinfo', 'dist/learning-simd.wasm', 'dist/a.js', 'dist/a.d.ts', 'dist/room/b.js'];
  const stray = ['a.js.map', join('gone', 'deep', 'd.js'), 'old.d.ts', 'old.js', 'readme.txt', join('room', 'c.js')];
  const sources = ['src/a.ts', 'src/room/b.ts'];

  it('is found and removed, with folders that are empty then', () => {
    for (const file of [...kept, ...sources, ...stray.map((name) => join('dist', name))]) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), '');
    }
    expect(strayOutput(folder).sort()).toEqual([...stray].sort());
    removeStrayOutput(folder);
    expect(strayOutput(folder)).toEqual([]);
    expect([...kept, ...sources].filter((file) => !existsSync(join(folder, file)))).toEqual([]);
    expect(existsSync(join(folder, 'dist/gone'))).toBe(false);
  });

  it('is no problem where nothing was built', () => {
    expect(strayOutput(join(folder, 'src'))).toEqual([]);
  });
});

it.each(readdirSync(join(root, 'packages')))('dist/ of %s has nothing without a source', (name) => {
  expect(existsSync(join(root, 'packages', name, 'dist'))).toBe(true);
  expect(strayOutput(join(root, 'packages', name))).toEqual([]);
});

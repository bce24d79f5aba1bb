/** What is packed of dist/ comes from sources of today: tsc leaves the output of those that are gone, and bundles of it may be old. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bundleForNode } from '../../../scripts/node-bundles.mjs';
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

describe('what Node loads as one file', () => {
  const folder = temporaryFolder();
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };
  const value = async (): Promise<unknown> =>
    (await import(`${pathToFileURL(join(folder, 'dist/node/index.js')).href}?${Math.random()}`)).default;

  it('is made of the modules, and anew when one of them changed', async () => {
    const exports = { '.': { node: './dist/node/index.js', default: './dist/index.js' } };
    write('package.json', JSON.stringify({ type: 'module', exports }));
    write('dist/index.js', "export { default } from './a.js';");
    write('dist/a.js', 'export default 1;');
    expect(await bundleForNode(folder, root)).toBe(true);
    expect(await value()).toBe(1);
    expect(await bundleForNode(folder, root)).toBe(false);
    write('dist/a.js', 'export default 2;');
    expect(await bundleForNode(folder, root)).toBe(true);
    expect(await value()).toBe(2);
  });

  it.each(readdirSync(join(root, 'packages')))('of %s is of today', async (name) => {
    expect(await bundleForNode(join(root, 'packages', name), root)).toBe(false);
  });
});

/**
 * What `npm ci` installs is what was tried: every package of the lock file has its hash. npm leaves hashes out without a
 * word where it makes the file from folders that are installed already.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { root } from './run.ts';

interface Entry {
  readonly version?: string;
  readonly link?: boolean;
  readonly integrity?: string;
}

type Entries = Readonly<Record<string, Entry>>;

const unhashed = (packages: Entries): string[] =>
  Object.entries(packages)
    .filter(([path, { link }]) => path.includes('node_modules/') && link !== true)
    .filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''))
    .map(([path]) => path);

const { packages } = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')) as { readonly packages: Entries };

it('every package of the lock file has its hash', () => {
  expect(Object.keys(packages).length).toBeGreaterThan(100);
  expect(unhashed(packages)).toEqual([]);
});

it('one without a hash, or with a weak one, is seen wherever it stands', () => {
  const planted = {
    'node_modules/a': { version: '1.0.0' },
    'packages/node/node_modules/b': { version: '1.0.0', integrity: 'sha1-MRa+c3yUpfpN4D/cWUB3dbSPhWU=' },
    'node_modules/own': { link: true },
    'packages/own': { version: '1.0.0' },
  };
  expect(unhashed(planted)).toEqual(['node_modules/a', 'packages/node/node_modules/b']);
});

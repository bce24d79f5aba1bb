/** Every package carries the licence of the root, because npm packs only what lies in its own folder. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './run.ts';

it.each(readdirSync(join(root, 'packages')))('%s has the licence of the root', (name) => {
  const licence = readFileSync(join(root, 'LICENSE'), 'utf8');
  expect(licence).toMatch(/^MIT License\n/);
  expect(readFileSync(join(root, 'packages', name, 'LICENSE'), 'utf8')).toBe(licence);
  expect(JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')).license).toBe('MIT');
});

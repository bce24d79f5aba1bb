/** The text of a binary: every byte comes back, and nothing in it has to be escaped anywhere. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { pack } from '../scripts/pack.mjs';
import { layers, learning, learningF32, networks, transforms } from '../src/groups.ts';
import { unpack } from '../src/unpack.ts';

const groups = [learning, learningF32, transforms, networks, layers];

it('every byte after every other comes back', () => {
  const bytes = Uint8Array.from({ length: 2 ** 17 }, (_, i) => (i % 2 === 0 ? i >> 1 : i >> 9));
  expect(Buffer.compare(unpack(pack(bytes)), bytes)).toBe(0);
  expect(unpack(pack([]))).toEqual(new Uint8Array(0));
});

it.each(groups)('$name: the embedded binaries are the files of dist', ({ name, simd, scalar }) => {
  for (const [variant, text] of Object.entries({ simd, scalar })) {
    const file = readFileSync(new URL(`../dist/${name}-${variant}.wasm`, import.meta.url));
    expect(Buffer.compare(unpack(text), file)).toBe(0);
    expect(text).toMatch(/^[ !#%-&(-;=-[\]-_a-~]+$/);
  }
});

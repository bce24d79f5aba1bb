/** Browsers have crypto.subtle only on pages from https or localhost: elsewhere whoever needs a checksum is told so. */
import { createHash } from 'node:crypto';
import { afterEach, expect, it, vi } from 'vitest';
import { fitTable, memoryTable, serializeModel } from '../src/index.ts';
import { checksumOf } from '../src/internal.ts';

afterEach(() => vi.unstubAllGlobals());

it('is SHA-256 of canonical JSON', async () => {
  const expected = createHash('sha256').update('{"a":[1,2],"b":"é"}').digest('hex');
  expect(await checksumOf({ b: 'é', a: [1, 2] })).toBe(expected);
});

it('says what it needs where the platform hashes nothing', async () => {
  vi.stubGlobal('crypto', {});
  const refused = { name: 'FewfireError', code: 'unsupported', message: expect.stringContaining('https or localhost') };
  await expect(checksumOf({})).rejects.toMatchObject(refused);
  const table = memoryTable({ a: [0, 1, 0, 1, 0, 1], y: [0, 1, 0, 1, 0, 1] });
  const { model } = await fitTable(table, { target: 'y', test: 0, folds: 2 });
  await expect(serializeModel(model)).rejects.toMatchObject(refused);
});

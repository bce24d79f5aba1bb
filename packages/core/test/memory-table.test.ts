import { describe, expect, it } from 'vitest';
import { FewfireError, memoryTable } from '../src/index.ts';
import { compareTexts, readNumber, readQuantity, readText } from '../src/internal.ts';
import { tableContract } from './table-contract.ts';

tableContract('memoryTable', async (columns) => memoryTable(columns), { runs: 150 });

describe('memoryTable', () => {
  it('takes typed arrays and ignores later changes to them', async () => {
    const x = Float64Array.of(1, 2, 3);
    const table = memoryTable({ x, y: Uint8Array.of(0, 1, 1) }, { label: 'mine' });
    x[0] = 9;
    expect(await table.numbers('x')).toEqual(Float64Array.of(1, 2, 3));
    expect(table.columns).toEqual([
      { name: 'x', type: 'number', sourceType: 'number' },
      { name: 'y', type: 'number', sourceType: 'number' },
    ]);
  });

  it('refuses columns of different lengths', () => {
    expect(() => memoryTable({ a: [1, 2], b: ['x'] })).toThrow(
      /column "b" of the table has 1 cells, expected 2 as in "a"/,
    );
  });

  it('refuses nested cells only when they are asked for', async () => {
    const table = memoryTable({ a: [1, 2], nested: [{}, {}] as unknown as string[] });
    expect(table.columns[1]).toEqual({ name: 'nested', type: 'unusable', sourceType: 'object' });
    await expect(table.profile(['nested'])).rejects.toThrow(FewfireError);
    expect(await table.profile(['a'])).toHaveLength(1);
  });

  it('refuses a mask of another length and odd bins', async () => {
    const table = memoryTable({ a: [1, 2] });
    await expect(table.profile(['a'], { mask: Uint8Array.of(1) })).rejects.toThrow(/mask has 1 entries, expected .* 2/);
    await expect(table.profile(['a'], { bins: 1 })).rejects.toThrow(/bins is 1/);
  });

  it('counts NaN as missing, and infinity as not finite', async () => {
    const [profile] = await memoryTable({ a: [1, Number.NaN, null, Infinity] }).profile(['a']);
    expect(profile).toMatchObject({ type: 'number', nonFiniteCount: 1, missingCount: 2, distinctCount: 1 });
  });
});

describe('cells', () => {
  it('reads numbers and nothing else', () => {
    for (const text of [
      '1_000',
      '0x10',
      '1,5',
      '1f',
      '+-1',
      '--1',
      '.',
      'e5',
      '1e',
      'nan',
      '007',
      'infinit',
      '',
      '١',
    ]) {
      expect(readNumber(text), text).toBeUndefined();
    }
    expect(['1', '+1.50', '-.5', '5.', '1E3', '1e-400', '-0'].map(readNumber)).toEqual([1, 1.5, -0.5, 5, 1000, 0, 0]);
    // Whole numbers that a double cannot keep apart are texts, however they are spelled; other numbers are the nearest double.
    expect(
      ['9007199254740991', '9007199254740992', '-9007199254740993', '1e17', '9007199254740993.5'].map(readNumber),
    ).toEqual([2 ** 53 - 1, undefined, undefined, 1e17, 9007199254740994]);
    expect(readQuantity('9007199254740993')).toBe(2 ** 53);
    expect(['inf', '-Infinity', '1e999'].map(readNumber)).toEqual([Infinity, -Infinity, Infinity]);
    expect(readQuantity('007')).toBe(7);
  });

  it('trims texts; nothing is missing', () => {
    expect([' a ', '\t\n', 'NA', '\u00a0a', 'b\r'].map(readText)).toEqual(['a', null, 'NA', '\u00a0a', 'b']);
  });

  it('orders texts by code point', () => {
    expect(['🙂', '\uffee', 'é', 'z', 'za', ''].sort(compareTexts)).toEqual(['', 'z', 'za', 'é', '\uffee', '🙂']);
  });
});

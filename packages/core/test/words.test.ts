/** How numbers are written, for the terminal and the page alike. */
import { describe, expect, it } from 'vitest';
import { alignedTexts, byteSize, counted, numberText, percentText, shareText } from '../src/words.ts';

describe('numbers', () => {
  it('figure', () => {
    expect([0, 0.123456, 12.3456, 1234567, 0.00001234, -2.5, 1e12].map((x) => numberText(x))).toEqual([
      '0',
      '0.123',
      '12.3',
      '1,234,567',
      '1.23e-5',
      '-2.5',
      '1.00e12',
    ]);
  });

  it('share is never rounded to a certainty it is not', () => {
    expect([0, 0.5, 0.9996, 0.0001, 1, 1 - 1e-9].map(shareText)).toEqual([
      '0.000',
      '0.500',
      '0.9996',
      '<0.001',
      '1.000',
      '>0.999999',
    ]);
  });

  it('alignedFigures gives one column the same decimals', () => {
    expect(alignedTexts([0.37061, 0.0072, -0.0053])).toEqual(['0.3706', '0.0072', '-0.0053']);
    expect(alignedTexts([1234.5, 2])).toEqual(['1,235', '2']);
    expect(alignedTexts([14.14, -0.0043])).toEqual(['14.14', '-0.0043']);
    expect(alignedTexts([0, 0])).toEqual(['0', '0']);
    expect(alignedTexts([])).toEqual([]);
  });

  it('percentText neither, whatever the place that tells it', () => {
    expect([0, 0.5, 0.0712, 0.0004, 0.9996, 0.99996, 1 - 1e-9, 1].map(percentText)).toEqual([
      ...['0 %', '50.0 %', '7.1 %', '<0.1 %', '99.96 %', '99.996 %', '>99.9999 %', '100 %'],
    ]);
  });

  it('a zero has no sign, and a count no exponent', () => {
    expect(alignedTexts([-0, 1.5])).toEqual(['0.0', '1.5']);
    expect([counted(1, 'row'), counted(2e9, 'row'), counted(0, 'class', 'classes')]).toEqual([
      ...['1 row', '2,000,000,000 rows', '0 classes'],
    ]);
  });

  it('byteSize', () => {
    expect([12, 1234, 4e9].map(byteSize)).toEqual(['12 bytes', '1.23 kB', '4 GB']);
  });
});

import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { parseDegree, parseMemory, parseNames, parseTest, parseWhole } from '../src/options.ts';

function refuses(parse: (text: string) => unknown, texts: readonly string[]): void {
  for (const text of texts) expect(() => parse(text), JSON.stringify(text)).toThrow(InvalidArgumentError);
}

describe('option values', () => {
  it('degree', () => {
    expect(['auto', '1', '12'].map(parseDegree)).toEqual(['auto', 1, 12]);
    refuses(parseDegree, ['0', '-1', '1.5', 'two', '', '1e1', '999']);
  });

  it('whole numbers', () => {
    expect(parseWhole(2, 64)('4')).toBe(4);
    refuses(parseWhole(2, 64), ['1', '65', '4.0', '0x4', ' ']);
  });

  it('memory', () => {
    expect(['4GB', '512MB', '1.5 GiB', '2gb', '1TiB'].map(parseMemory)).toEqual([
      4e9,
      512e6,
      1.5 * 2 ** 30,
      2e9,
      2 ** 40,
    ]);
    refuses(parseMemory, ['4', '4G', 'GB', '-1GB', '10kB', 'lots']);
  });

  it('names between commas, quoted as in CSV', () => {
    expect(parseNames('a,b')).toEqual(['a', 'b']);
    expect(parseNames(' a b , c ')).toEqual(['a b', 'c']);
    expect(parseNames('"one, two",b,"say ""hi""" , " edge "')).toEqual(['one, two', 'b', 'say "hi"', ' edge ']);
    expect(parseNames('5" pipe,x')).toEqual(['5" pipe', 'x']);
    expect(parseNames('c', ['a', 'b'])).toEqual(['a', 'b', 'c']);
    refuses(parseNames, ['', 'a,', ',a', 'a,,b', '""', '"a', '"a"b', 'a,a']);
  });

  it('test rows', () => {
    expect(['0.2', '0', '.5', 'test.csv', './0.2', '-', 'a%b.csv'].map(parseTest)).toEqual([
      0.2,
      0,
      0.5,
      'test.csv',
      './0.2',
      '-',
      'a%b.csv',
    ]);
    refuses(parseTest, ['1', '20', '-0.1', '20%', '', ' ']);
  });
});

import { FIT_HELP, FIT_OPTIONS } from '@fewfire/core/options';
import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  optionOf,
  parseMemory,
  parseNames,
  parseNonNegative,
  parseNumber,
  parseNumbers,
  parsePositive,
  parseTest,
  parseWhole,
  parseWholes,
} from '../src/options.ts';
import { commands } from './every-command.ts';

function refuses(parse: (text: string) => unknown, texts: readonly string[]): void {
  for (const text of texts) expect(() => parse(text), JSON.stringify(text)).toThrow(InvalidArgumentError);
}

const parserOf =
  (name: keyof typeof FIT_OPTIONS) =>
  (text: string): unknown =>
    optionOf(name, FIT_OPTIONS[name], FIT_HELP[name]).parseArg?.(text, undefined);

describe('option values', () => {
  it('degree', () => {
    const parseDegree = parserOf('degree');
    expect(['auto', '1', '12'].map(parseDegree)).toEqual(['auto', 1, 12]);
    refuses(parseDegree, ['0', '-1', '1.5', 'two', '', '1e1', '999']);
  });

  it('of a fit, as the library describes them', () => {
    expect(['0.5', '1'].map(parserOf('l1Ratio'))).toEqual([0.5, 1]);
    refuses(parserOf('l1Ratio'), ['0', '1.1', 'half', '']);
    expect(['0.5', '0.99'].map(parserOf('confidence'))).toEqual([0.5, 0.99]);
    refuses(parserOf('confidence'), ['0.49', '1', '95']);
    refuses(parserOf('method'), ['lass', 'Ridge', '']);
    expect(parserOf('exclude')('a,"b, c"')).toEqual(['a', 'b, c']);
    const { flags, defaultValue, argChoices } = optionOf(
      'targetTransform',
      FIT_OPTIONS.targetTransform,
      FIT_HELP.targetTransform,
    );
    expect([flags, defaultValue, argChoices]).toEqual(['--target-transform <transform>', 'none', ['none', 'log']]);
    expect(optionOf('allowOverlap', FIT_OPTIONS.allowOverlap, FIT_HELP.allowOverlap).flags).toBe('--allow-overlap');
  });

  it('whole numbers', () => {
    expect(parseWhole(2, 64)('4')).toBe(4);
    refuses(parseWhole(2, 64), ['1', '65', '4.0', '0x4', ' ']);
  });

  it('numbers', () => {
    expect(['1', '-0.5', '+2.', '.5', '1e-3'].map(parseNumber)).toEqual([1, -0.5, 2, 0.5, 0.001]);
    refuses(parseNumber, ['', 'x', '1e999', 'Infinity', 'NaN', '0x1', '1,2']);
    expect(parseNumbers('1,-1, 0.5')).toEqual([1, -1, 0.5]);
    refuses(parseNumbers, ['', '1,', '1,,2', '1;2']);
    expect(parsePositive(1)('0.5')).toBe(0.5);
    refuses(parsePositive(1), ['0', '1', '-1']);
    expect(['0', '3'].map(parseNonNegative(3))).toEqual([0, 3]);
    refuses(parseNonNegative(3), ['-1', '3.1']);
    expect([parseWholes('0,2, 5'), parseWholes('')]).toEqual([[0, 2, 5], []]);
    refuses(parseWholes, ['1,', '1.5', '-1', 'a,b']);
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

describe('options that are one of some words, of every command', () => {
  const withChoices = [...commands].flatMap(([path, command]) =>
    [...command.options, ...command.registeredArguments]
      .filter(({ argChoices }) => argChoices !== undefined)
      .map((option) => ({ of: `${path} ${option.name()}`, option })),
  );

  it('are some', () => expect(withChoices.length).toBeGreaterThan(15));

  it.each(withChoices)('$of', ({ option }) => {
    const choices = option.argChoices as readonly string[];
    expect(() => option.parseArg?.('no such word', undefined)).toThrow(/^Expected (one|all, or some) of /);
    const long = choices.find((word) => word.length > 4);
    if (long !== undefined) {
      expect(() => option.parseArg?.(`${long}x`, undefined)).toThrow(`Did you mean ${long}?`);
    }
    for (const word of choices) expect([word, [word]]).toContainEqual(option.parseArg?.(word, undefined));
  });
});

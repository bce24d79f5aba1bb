import { describe, expect, it } from 'vitest';
import { combination } from '../src/describe.ts';
import {
  bar,
  clip,
  displayWidth,
  layoutTable,
  listSome,
  printable,
  quoteArgument,
  screenOf,
  wrapText,
} from '../src/format.ts';

describe('screenOf', () => {
  const terminal = { isTTY: true, columns: 120 };

  it('colours terminals only, and not with NO_COLOR', () => {
    expect(screenOf(terminal, {}).bold('x')).toBe('\x1b[1mx\x1b[22m');
    expect(screenOf(terminal, { NO_COLOR: '1' }).bold('x')).toBe('x');
    expect(screenOf(terminal, { NO_COLOR: '' }).bold('x')).toBe('\x1b[1mx\x1b[22m');
    expect(screenOf(terminal, { TERM: 'dumb' }).bold('x')).toBe('x');
    expect(screenOf({}, {}).bold('x')).toBe('x');
  });

  it('is as wide as COLUMNS, the terminal, or 80, within reason', () => {
    expect(screenOf({}, {}).width).toBe(80);
    expect(screenOf({ isTTY: true, columns: 90 }, {}).width).toBe(90);
    expect(screenOf({ isTTY: true, columns: 90 }, { COLUMNS: '60' }).width).toBe(60);
    expect(screenOf({}, { COLUMNS: 'many' }).width).toBe(80);
    expect(screenOf({ isTTY: true, columns: 400 }, {}).width).toBe(100);
    expect(screenOf({ isTTY: true, columns: 3 }, {}).width).toBe(40);
  });
});

describe('text', () => {
  it('printable spells out what would steer a terminal', () => {
    expect(printable('a\x1b[31m\nb\u202e')).toBe('a\\u{1b}[31m\\nb\\u{202e}');
    expect(printable('größe 🙂')).toBe('größe 🙂');
  });

  it.each([
    ['C1 controls', 'a\u0085\u009bb', 'a\\u{85}\\u{9b}b'],
    ['a byte order mark', '\ufeffred', '\\u{feff}red'],
    ['zero-width characters', 'a\u200bb\u200dc\u2060', 'a\\u{200b}b\\u{200d}c\\u{2060}'],
    ['directions', '\u061c\u200e\u200f\u202a\u2066', '\\u{61c}\\u{200e}\\u{200f}\\u{202a}\\u{2066}'],
    ['a soft hyphen, a filler and a tag', '\u00ad\u3164\u{e0041}', '\\u{ad}\\u{3164}\\u{e0041}'],
    ['half a character', 'a\ud800b', 'a\\u{d800}b'],
  ])('printable spells out %s', (_, text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  it('printable leaves what writing needs', () => {
    for (const text of ['👩‍👩‍👧', '❤️‍🔥', '1️⃣', 'می‌خواهم', 'क्‍ष', '日本', 'e\u0301']) expect(printable(text)).toBe(text);
  });

  it('displayWidth counts what a terminal shows', () => {
    expect(['abc', 'größe', '🙂', '数据', 'e\u0301', '👩‍👩‍👧', ''].map(displayWidth)).toEqual([3, 5, 2, 4, 1, 2, 0]);
  });

  it('clip and wrapText keep to the width', () => {
    expect(clip('abcdef', 4)).toBe('abc…');
    expect(clip('数据数据', 5)).toBe('数据…');
    expect(wrapText('one two three', 8)).toEqual(['one two', 'three']);
    expect(wrapText('abcdefghijklmnop qr', 8)).toEqual(['abcdefgh', 'ijklmnop', 'qr']);
  });

  it('layoutTable lets the flexible column give way', () => {
    const rows = [
      ['a long name that needs room', '1.5'],
      ['b', '22.0'],
    ];
    expect(layoutTable(rows, [{ flexible: true }, { align: 'right' }], 24)).toEqual([
      '  a long name that   1.5',
      '  needs room',
      '  b                 22.0',
    ]);
  });

  it('quotes arguments as a shell needs them', () => {
    expect(['a-b.csv', 'two words', "it's", ''].map(quoteArgument)).toEqual([
      'a-b.csv',
      "'two words'",
      "'it'\\''s'",
      "''",
    ]);
  });

  it('speaks of combinations in yes/no terms', () => {
    expect(combination(['a'])).toBe('a yes');
    expect(combination(['a', 'b=x'])).toBe('a and b=x both yes');
    expect(combination(['a', 'b', 'c'])).toBe('a, b and c all yes');
  });

  it('listSome says how many it left out', () => {
    expect(listSome(['a', 'b'], 2)).toBe('a, b');
    expect(listSome(['a', 'b', 'c'], 1)).toBe('a and 2 more');
  });

  it('bar', () => {
    expect([bar(0, 4), bar(0.5, 4), bar(1, 4), bar(9, 4), bar(0.3, 4)]).toEqual(['', '██', '████', '████', '█▎']);
  });
});

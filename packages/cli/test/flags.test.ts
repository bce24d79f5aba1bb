import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { flagOf, withFlags } from '../src/flags.ts';
import { createProgram } from '../src/main.ts';
import { openSession } from '../src/session.ts';

const packages = fileURLToPath(new URL('../../', import.meta.url));

function sourcesOf(...owners: string[]): string {
  return owners
    .flatMap((owner) =>
      readdirSync(join(packages, owner, 'src'), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
        .map((name) => readFileSync(join(packages, owner, 'src', name), 'utf8')),
    )
    .join('\n')
    .replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
}

describe('options in messages of the library', () => {
  it.each([
    ['lower `degree` or raise `memoryLimitBytes`', 'lower --degree or raise --memory'],
    ["leave out `missing: 'drop-rows'`, or `exclude` it", 'leave out --missing drop-rows, or --exclude it'],
    ['`test: 0.2` of 7 rows; `targetTransform` too', '--test 0.2 of 7 rows; --target-transform too'],
    ['column "a `degree` of" and "\\" `bins`" have `bins`', 'column "a `degree` of" and "\\" `bins`" have --bins'],
    ['a `Not one` and `x y`', 'a `Not one` and `x y`'],
  ])('%s', (message, expected) => {
    expect(withFlags(message)).toBe(expected);
  });

  it('are options of the command line, every one', () => {
    const flags = new Set<string>();
    const walk = (command: Command): void => {
      for (const { long } of command.options) if (long) flags.add(long);
      for (const child of command.commands) walk(child);
    };
    walk(createProgram(openSession([], '0', process)));
    const mentions = [
      ...sourcesOf('core', 'node').matchAll(
        /\\`([a-z][A-Za-z]*)(?:: [^`]*)?\\`|(?<=['"][^'"`\n]*)`([a-z][A-Za-z]*)(?:: [^`\n]*)?`(?=[^`\n]*['"])/g,
      ),
    ];
    const options = new Set(mentions.map(([, escaped, plain]) => escaped ?? plain));
    expect(options.size).toBeGreaterThan(20);
    expect([...options].filter((option) => !flags.has(flagOf(option)))).toEqual([]);
  });

  it('are never flags', () => {
    const found = sourcesOf('core', 'kernels', 'node').match(/["'`( ]--[a-z][a-z-]+\b(?! === |\.)[^\n]{0,40}/g) ?? [];
    expect(found.filter((text) => !/--left|--inner|--help"|iconv/.test(text))).toEqual([]);
  });
});

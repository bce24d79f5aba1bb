/**
 * Reading option values. A wrong one is a usage error that says what was expected; commander adds which option it was.
 */
import { availableParallelism } from 'node:os';
import { closestName, expectedOf, type OptionHelp, type OptionSpec } from '@fewfire/core/options';
import type { TextEncoding } from '@fewfire/node';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { flagOf, withFlags } from './flags.ts';

/** An option of the library as an option of a command: the same name, choices and default, and its parser. */
export function optionOf(name: string, spec: OptionSpec, { help, unless, value = 'value' }: OptionHelp): Option {
  const flag = spec.kind === 'flag' ? flagOf(name) : `${flagOf(name)} <${value}>`;
  const defaultText = 'default' in spec && unless !== undefined ? ` (default: ${spec.default}; ${unless})` : '';
  const text = withFlags(help) + defaultText;
  const option = spec.kind === 'choice' ? new ChoiceOption(flag, text, spec.choices) : new Option(flag, text);
  if (spec.kind === 'whole' || spec.kind === 'share') option.argParser((text) => numberOf(spec, text));
  if (spec.kind === 'names') option.argParser(parseNames);
  if (spec.kind === 'texts') option.argParser(parseTexts);
  if ('default' in spec && spec.default !== undefined && unless === undefined) option.default(spec.default);
  return option;
}

/** An option that is one of some words; a wrong one is told which may be meant. */
export class ChoiceOption extends Option {
  constructor(flags: string, description: string, choices: readonly string[]) {
    super(flags, description);
    this.choices(choices).argParser((text) => choiceOf(choices, text));
  }
}

export function choiceOf(choices: readonly string[], text: string): string {
  if (choices.includes(text)) return text;
  const close = closestName(text, choices);
  throw new InvalidArgumentError(
    close === undefined ? `Expected one of ${choices.join(', ')}.` : `Did you mean ${close}?`,
  );
}

function numberOf(spec: Extract<OptionSpec, { kind: 'whole' | 'share' }>, text: string): number | string {
  if (spec.kind === 'whole') {
    return text === spec.or ? text : wholeNumber(text, spec.least, spec.most, `Expected ${expectedOf(spec)}.`);
  }
  const value = parseNumber(text);
  const { least, below } = spec;
  if ((least === undefined ? value > 0 : value >= least) && (below === undefined ? value <= 1 : value < below))
    return value;
  throw new InvalidArgumentError(`Expected ${expectedOf(spec)}.`);
}

/** A parser of whole numbers in a range. */
export function parseWhole(least: number, most: number): (text: string) => number {
  return (text) => wholeNumber(text, least, most, `Expected a whole number from ${least} to ${most}.`);
}

function wholeNumber(text: string, least: number, most: number, expected: string): number {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) throw new InvalidArgumentError(expected);
  return value;
}

/** A finite number. */
export function parseNumber(text: string): number {
  const value = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}

/** Finite numbers between commas. */
export function parseNumbers(text: string): number[] {
  return text.split(',').map(parseNumber);
}

/** A number above 0, and below `below` if that is given. */
export function parsePositive(below: number = Number.POSITIVE_INFINITY): (text: string) => number {
  return (text) => {
    const value = parseNumber(text);
    if (value > 0 && value < below) return value;
    const range = below === Number.POSITIVE_INFINITY ? 'a number above 0' : `a number above 0 and below ${below}`;
    throw new InvalidArgumentError(`Expected ${range}.`);
  };
}

/** A number of at least 0, and at most `most` if that is given. */
export function parseNonNegative(most: number = Number.POSITIVE_INFINITY): (text: string) => number {
  return (text) => {
    const value = parseNumber(text);
    if (value >= 0 && value <= most) return value;
    const range = most === Number.POSITIVE_INFINITY ? 'a number of at least 0' : `a number from 0 to ${most}`;
    throw new InvalidArgumentError(`Expected ${range}.`);
  };
}

/** Whole numbers between commas, as in `0,2,5`; empty for none. */
export function parseWholes(text: string): number[] {
  if (text.trim() === '') return [];
  const parse = parseWhole(0, 2 ** 31 - 1);
  return text.split(',').map((item) => parse(item.trim()));
}

const UNITS: Readonly<Record<string, number>> = {
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** `4GB`, `512 MB`, `1.5GiB` as bytes: kB, MB, GB, TB are powers of 1000, KiB, MiB, GiB, TiB of 1024. */
export function parseMemory(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]i?b)\s*$/i.exec(text);
  const bytes = match === null ? 0 : Math.floor(Number(match[1]) * UNITS[match[2].toLowerCase()]);
  if (bytes < 1e6) throw new InvalidArgumentError('Expected a size with its unit, at least 1MB, such as 4GB or 512MB.');
  return bytes;
}

/**
 * Names between commas. White space around a name does not count; a name that contains a comma, or begins or ends with
 * white space, stands in double quotes, inside which a double quote is doubled (as in CSV). Given again, an option adds
 * to its list.
 */
export function parseNames(text: string, previous: readonly string[] = []): string[] {
  const names: string[] = [];
  const item = /\s*(?:"((?:[^"]|"")*)"|([^",\s][^,]*|))\s*(,|$)/y;
  for (;;) {
    const match = item.exec(text);
    if (match === null) {
      throw new InvalidArgumentError(
        'Expected names between commas; in a quoted name ("a, b") a double quote is doubled.',
      );
    }
    const name = match[1] === undefined ? match[2].trim() : match[1].replaceAll('""', '"');
    if (name === '') throw new InvalidArgumentError('Expected names between commas, found an empty one.');
    names.push(name);
    if (match[3] === '') break;
  }
  const all = [...previous, ...names];
  const twice = all.find((name, i) => all.indexOf(name) < i);
  if (twice !== undefined) throw new InvalidArgumentError(`${JSON.stringify(twice)} is named twice.`);
  return all;
}

/** Texts between commas, written as names are; empty for none. */
export function parseTexts(text: string, previous: readonly string[] = []): string[] {
  return text.trim() === '' ? [...previous] : parseNames(text, previous);
}

/** A share of the rows in [0, 1), or the name of a file with test rows. */
export function parseTest(text: string): number | string {
  const share = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : undefined;
  if (share === undefined && !/^\s*([\d.]+\s*%)?\s*$/.test(text)) return text;
  if (share !== undefined && share >= 0 && share < 1) return share;
  throw new InvalidArgumentError('Expected a share of the rows such as 0.2, 0 for no test, or a file with test rows.');
}

/** Options of every command that reads data. */
export interface WorkOptions {
  readonly threads: number;
  readonly memory: number;
  readonly quiet?: boolean;
}

/** Results do not depend on it, so it may follow the machine. */
function defaultThreads(): number {
  return Math.min(4, availableParallelism());
}

/** `--quiet`, and what still comes out with it: data or reports as ever, files only, or no more than the exit code. */
export class QuietOption extends Option {
  constructor(
    description: string,
    readonly leaves: 'data' | 'files' | 'exit code',
  ) {
    super('-q, --quiet', description);
  }
}

/** Options of every command that opens a table. */
export interface TableOptions {
  readonly encoding?: TextEncoding;
  readonly delimiter?: string;
}

/** `tab`, or the character itself. */
export function parseDelimiter(text: string): string {
  if (/^(?:tab|\\t)$/i.test(text)) return '\t';
  if (text.length === 1 && !/["\r\n]/.test(text)) return text;
  throw new InvalidArgumentError('Expected one character (not a quote), or tab.');
}

const ENCODINGS: readonly TextEncoding[] = ['auto', 'utf-8', 'latin1', 'windows-1252', 'utf-16le', 'utf-16be'];

/** Adds the options of every command that opens a table. */
export function addTableOptions(command: Command): Command {
  return command
    .addOption(
      new ChoiceOption('--encoding <name>', 'characters of CSV and JSON; auto recognises them', ENCODINGS).default(
        'auto',
      ),
    )
    .addOption(
      new Option(
        '--delimiter <character>',
        'what stands between the cells of CSV: , ; tab | or any other (default: recognised)',
      ).argParser(parseDelimiter),
    );
}

/** Adds the options of every command that reads data. */
export function addWorkOptions(command: Command, quiet: string, leaves: QuietOption['leaves']): Command {
  return command
    .addOption(
      new Option('--threads <count>', 'threads to use; results do not depend on it')
        .argParser(parseWhole(1, 256))
        .default(defaultThreads(), 'the cores of the machine, at most 4'),
    )
    .addOption(
      new Option('--memory <size>', 'refuse work that needs more memory than this')
        .argParser(parseMemory)
        .default(4e9, '4GB'),
    )
    .addOption(new QuietOption(quiet, leaves));
}

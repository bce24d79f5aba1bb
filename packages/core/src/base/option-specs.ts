/**
 * What an option is, said once: its kind, default, choices and a line of help. From it come the checks of the library, the
 * types of its options and the flags of the command line.
 */
import { FewfireError, listNames } from './errors.ts';
import { closestName } from './nearest-names.ts';
import type { RunOptions } from './options.ts';

/** What people are told of an option. */
export interface OptionHelp {
  /** A line for whoever asks for help; other options stand in it between back-quotes. */
  readonly help: string;
  /** What its value is called. */
  readonly value?: string;
  /** Where leaving it out means something else than its default, in a few words. */
  readonly unless?: string;
}

/** One of a few words. */
export interface ChoiceSpec<C extends string = string> {
  readonly kind: 'choice';
  readonly choices: readonly C[];
  /** None where leaving it out means something else. */
  readonly default?: C;
}

/** A whole number from `least` to `most`, or one word beside them. */
export interface WholeSpec<V extends number | string = number | string> {
  readonly kind: 'whole';
  readonly least: number;
  readonly most: number;
  readonly or?: Exclude<V, number>;
  readonly default: V;
}

/** A number above 0 (or from `least`) up to 1 (or `below` it). */
export interface ShareSpec {
  readonly kind: 'share';
  readonly least?: number;
  readonly below?: number;
  readonly default: number;
}

/** On, or off by default. */
export interface FlagSpec {
  readonly kind: 'flag';
}

/** A text. */
export interface NameSpec {
  readonly kind: 'name';
  readonly required?: boolean;
  /** What it is the name of; default a column. */
  readonly names?: string;
}

/** Several of them; of `texts` it may be none. */
export interface NamesSpec {
  readonly kind: 'names' | 'texts';
}

export type OptionSpec = ChoiceSpec | WholeSpec | ShareSpec | FlagSpec | NameSpec | NamesSpec;

/** By the name of the option. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** What describes values of a type. */
type SpecOf<V> = [V] extends [boolean]
  ? FlagSpec
  : [V] extends [readonly string[]]
    ? NamesSpec
    : string extends V
      ? NameSpec
      : [V] extends [string]
        ? ChoiceSpec<V>
        : [V] extends [number]
          ? WholeSpec<V> | ShareSpec
          : WholeSpec<V & (number | string)>;

/** A description of each option of an object of options. */
export type SpecsOf<T> = { readonly [K in keyof T]-?: SpecOf<NonNullable<T[K]>> };

/**
 * What an option of a function can be, where only the library has it: one of some words, or something of a type. `names` are
 * texts in a list; of `any` the function says more.
 */
export type OptionCheck = OptionSpec | readonly string[] | PlainKind;

/** Of a `number` the function says which; of a `limit` anything but NaN will do. */
type PlainKind = 'number' | 'limit' | 'string' | 'boolean' | 'object' | 'function' | 'names' | 'any';

/** An option that has to be given. */
export interface NeededOption<C extends OptionCheck = OptionCheck> {
  readonly need: C;
}

type Checks = Readonly<Record<string, OptionCheck | NeededOption>>;

type CheckOf<V> =
  | 'any'
  | ([V] extends [boolean]
      ? FlagSpec | 'boolean'
      : [V] extends [readonly string[]]
        ? NamesSpec | 'names'
        : string extends V
          ? NameSpec | 'string'
          : [V] extends [string]
            ? ChoiceSpec | readonly V[]
            : [V] extends [number]
              ? WholeSpec | ShareSpec | 'number' | 'limit'
              : [V] extends [(...given: never[]) => unknown]
                ? 'function'
                : 'object' | 'number' | OptionSpec);

/** A check of each option of an object of options: one that is left out does not compile. */
export type ChecksOf<T> = {
  readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K>
    ? CheckOf<NonNullable<T[K]>>
    : NeededOption<CheckOf<NonNullable<T[K]>>> | NameSpec | 'any';
};

const RUN_CHECKS: ChecksOf<RunOptions> = {
  signal: 'object',
  onProgress: 'function',
  seed: 'limit',
  threads: 'limit',
  memoryLimitBytes: 'limit',
};

/**
 * Checks options as a caller of the library gives them, of whom the compiler may know nothing.
 * @param job whose options they are, in messages
 * @throws FewfireError `invalid-argument` for an option that is not known, is missing, or has a value it cannot have
 */
export function checkOptions<T extends object>(job: string, given: T, checks: NoInfer<ChecksOf<T>>): void {
  check(job, given, checks as Checks);
}

/** The same of a job that takes `RunOptions` too, or some of them: those are known to all. */
export function checkRunOptions<T extends object>(
  job: string,
  given: T,
  checks: NoInfer<ChecksOf<Omit<T, keyof RunOptions>>>,
): void {
  // Twice, so that the function's own come first in messages, and count where both have one.
  check(job, given, { ...checks, ...RUN_CHECKS, ...checks } as Checks);
}

/** A word that is given by itself. @throws FewfireError `invalid-argument` */
export function checkWord(name: string, word: string, words: readonly string[]): void {
  check('', { [name]: word }, { [name]: words });
}

function check(job: string, given: object, checks: Checks): void {
  if (typeof given !== 'object' || given === null)
    refuse(`the options of ${job} are ${shown(given)}; expected an object`);
  const known = Object.keys(checks);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!known.includes(name)) {
      const close = closestName(name, known);
      const list = known.length === 0 ? 'expected none' : `expected some of ${known.join(', ')}`;
      refuse(`${job} has no option "${name}"; ${close === undefined ? list : `did you mean \`${close}\`?`}`);
    }
    const kind = kindOf(checks[name]);
    if (!isValue(kind, value)) {
      refuse(`\`${name}\` is ${shown(value)}; ${expectation(kind, value)}`);
    }
  }
  for (const name of known) {
    const found = checks[name];
    const isNeeded = typeof found === 'object' && ('need' in found || ('required' in found && found.required));
    if (!isNeeded || (given as Record<string, unknown>)[name] !== undefined) continue;
    const kind = kindOf(found);
    refuse(`\`${name}\` is missing; expected ${expectedOf(kind)}`);
  }
}

/** What a value of an option is checked by: its spec, or as much of one as a check has. */
type Kind = OptionSpec | Pick<ChoiceSpec, 'kind' | 'choices'> | { readonly kind: PlainKind };

function kindOf(found: OptionCheck | NeededOption): Kind {
  if (typeof found === 'string') return { kind: found };
  if ('need' in found) return kindOf(found.need);
  return 'kind' in found ? found : { kind: 'choice', choices: found };
}

function refuse(message: string): never {
  throw new FewfireError('invalid-argument', message);
}

function isValue(spec: Kind, value: unknown): boolean {
  switch (spec.kind) {
    case 'choice':
      return spec.choices.includes(value as string);
    case 'whole':
      return (
        (spec.or !== undefined && value === spec.or) ||
        (Number.isInteger(value) && (value as number) >= spec.least && (value as number) <= spec.most)
      );
    case 'share':
      return (
        typeof value === 'number' &&
        (spec.least === undefined ? value > 0 : value >= spec.least) &&
        (spec.below === undefined ? value <= 1 : value < spec.below)
      );
    case 'flag':
      return typeof value === 'boolean';
    case 'name':
      return typeof value === 'string';
    case 'limit':
      return typeof value === 'number' && !Number.isNaN(value);
    case 'names':
    case 'texts':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    default:
      return spec.kind === 'any' || (value !== null && isOfType(value, spec.kind));
  }
}

// Kinds that are called as `typeof` calls them.
function isOfType(value: unknown, kind: string): boolean {
  const type = typeof value;
  return type === kind;
}

function expectation(spec: Kind, value: unknown): string {
  if (spec.kind !== 'choice') return `expected ${expectedOf(spec)}`;
  const close = typeof value === 'string' ? closestName(value, spec.choices) : undefined;
  return close === undefined ? `expected ${expectedOf(spec)}` : `did you mean "${close}"?`;
}

/** The values that an option can have, in words. */
export function expectedOf(spec: Kind): string {
  switch (spec.kind) {
    case 'choice':
      return `one of ${spec.choices.join(', ')}`;
    case 'whole':
      return `${spec.or === undefined ? '' : `${spec.or} or `}a whole number from ${spec.least} to ${spec.most}`;
    case 'share':
      return `a number ${spec.least === undefined ? 'above 0,' : `from ${spec.least}`} ${spec.below === undefined ? 'up to 1' : `to below ${spec.below}`}`;
    case 'flag':
      return 'true or false';
    case 'name':
      return `the name of a ${spec.names ?? 'column'}`;
    case 'names':
    case 'texts':
      return 'a list of texts';
    case 'any':
      return 'a value';
    case 'limit':
      return 'a number';
    default:
      return spec.kind === 'object' ? 'an object' : `a ${spec.kind}`;
  }
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${listNames(value.map(String))}]`;
  if (typeof value === 'function' || (typeof value === 'object' && value !== null)) return `of type ${typeof value}`;
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

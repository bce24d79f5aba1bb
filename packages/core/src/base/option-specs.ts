/**
 * What an option is, said once: its kind, default, choices and a line of help. From it come the checks of the library, the
 * types of its options and the flags of the command line.
 */
import { FewfireError, listNames } from './errors.ts';
import { closestName } from './nearest-names.ts';

interface Described {
  /** A line for whoever asks for help; other options stand in it between back-quotes. */
  readonly help: string;
  /** What its value is called. */
  readonly value?: string;
}

/** One of a few words. */
export interface ChoiceSpec<C extends string = string> extends Described {
  readonly kind: 'choice';
  readonly choices: readonly C[];
  /** None where leaving it out means something else. */
  readonly default?: C;
}

/** A whole number from `least` to `most`, or one word beside them. */
export interface WholeSpec<V extends number | string = number | string> extends Described {
  readonly kind: 'whole';
  readonly least: number;
  readonly most: number;
  readonly or?: Exclude<V, number>;
  readonly default: V;
}

/** A number above 0 (or from `least`) up to 1 (or `below` it). */
export interface ShareSpec extends Described {
  readonly kind: 'share';
  readonly least?: number;
  readonly below?: number;
  readonly default: number;
}

/** On, or off by default. */
export interface FlagSpec extends Described {
  readonly kind: 'flag';
}

/** A text: the name of a column or class, as `value` says. */
export interface NameSpec extends Described {
  readonly kind: 'name';
  readonly required?: boolean;
}

/** Several of them; of `texts` it may be none. */
export interface NamesSpec extends Described {
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
 * Checks options as a caller of the library gives them, of whom the compiler may know nothing.
 * @param job whose options they are, in messages
 * @param others names of options that are checked elsewhere
 * @throws FewfireError `invalid-argument` for an option that is not known, is missing, or has a value it cannot have
 */
export function checkOptions(job: string, given: object, specs: OptionSpecs, others: readonly string[]): void {
  const known = [...Object.keys(specs), ...others];
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!known.includes(name)) {
      const close = closestName(name, known);
      const hint = close === undefined ? `expected some of ${known.join(', ')}` : `did you mean \`${close}\`?`;
      throw new FewfireError('invalid-argument', `${job} has no option "${name}"; ${hint}`);
    }
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
    if (spec !== undefined && !isValue(spec, value)) {
      throw new FewfireError('invalid-argument', `\`${name}\` is ${shown(value)}; ${expectation(spec, value)}`);
    }
  }
  for (const [name, spec] of Object.entries(specs)) {
    if (spec.kind === 'name' && spec.required && (given as Record<string, unknown>)[name] === undefined) {
      throw new FewfireError('invalid-argument', `\`${name}\` is missing; expected ${spec.help}`);
    }
  }
}

function isValue(spec: OptionSpec, value: unknown): boolean {
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
    default:
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
  }
}

function expectation(spec: OptionSpec, value: unknown): string {
  if (spec.kind !== 'choice') return `expected ${expectedOf(spec)}`;
  const close = typeof value === 'string' ? closestName(value, spec.choices) : undefined;
  return close === undefined ? `expected ${expectedOf(spec)}` : `did you mean "${close}"?`;
}

/** The values that an option can have, in words. */
export function expectedOf(spec: OptionSpec): string {
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
      return `the name of a ${spec.value ?? 'column'}`;
    default:
      return 'a list of texts';
  }
}

function shown(value: unknown): string {
  return Array.isArray(value) ? `[${listNames(value.map(String))}]` : (JSON.stringify(value) ?? String(value));
}

/**
 * The library names options as its callers write them, between back-quotes: `missing: 'refuse'`. On the command line they
 * are flags.
 */

/** Options that are called otherwise here. */
const FLAGS: Readonly<Record<string, string>> = {
  memoryLimitBytes: 'memory',
  roundCount: 'rounds',
  samplesPerRun: 'batch',
  maxSampleCount: 'max-rows',
  topCount: 'top',
};

/** The flag of an option of the library. */
export function flagOf(option: string): string {
  return `--${FLAGS[option] ?? option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

// What stands in double quotes is the user's own, whatever it looks like.
const MENTIONS = /"(?:[^"\\]|\\.)*"|`([a-z][A-Za-z]*)(?:: ([^`]*))?`/g;

/** A message of the library with its options as flags: leave out --missing refuse. */
export function withFlags(message: string): string {
  return message.replace(MENTIONS, (all, option: string | undefined, value: string | undefined) => {
    if (option === undefined) return all;
    return value === undefined ? flagOf(option) : `${flagOf(option)} ${value.replace(/^'(.*)'$/, '$1')}`;
  });
}

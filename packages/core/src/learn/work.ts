/**
 * Work as it is counted, in predicted nanoseconds of one thread. It is the same on every machine and for any number of
 * threads, as time on a clock is not: so is what a limit on it decides.
 */
export interface Work {
  spentNs: number;
  readonly limitNs: number;
}

export function isSpent({ spentNs, limitNs }: Work): boolean {
  return spentNs >= limitNs;
}

/** What is counted where nothing is limited. */
export function unlimitedWork(): Work {
  return { spentNs: 0, limitNs: Number.POSITIVE_INFINITY };
}

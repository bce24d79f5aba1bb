/** Verdicts from numbers, and the sentences around them. */
import type { Claim } from '@fewfire/report';

/** A measured number and the bound it must not exceed. */
export interface Comparison {
  readonly measured: number;
  readonly bound: number;
}

/** What rounding may add: both sides are sums of up to 2^18 doubles. */
const ROUNDING = 1e-9;

/** measured / bound, 0 where both are 0. */
export function ratioOf({ measured, bound }: Comparison): number {
  if (measured === 0) return 0;
  return measured / bound;
}

function largestRatio(comparisons: readonly Comparison[]): number {
  return comparisons.reduce((most, comparison) => Math.max(most, ratioOf(comparison)), 0);
}

/**
 * The claim that every measured number is within its bound. `proven` bounds hold or not; with the paper's O() taken
 * with constant 1 the numbers can only be consistent. No comparison at all supports nothing.
 */
export function boundClaim(
  statement: string,
  comparisons: readonly Comparison[],
  boundFactor: number,
  options: { readonly proven: boolean; readonly measured: (largestRatio: number) => string },
): Claim {
  const largest = largestRatio(comparisons.map(({ measured, bound }) => ({ measured, bound: bound * boundFactor })));
  const within = comparisons.length > 0 && largest <= 1 + ROUNDING;
  const verdict = options.proven
    ? within
      ? 'holds'
      : 'does not hold'
    : within
      ? 'consistent with'
      : 'not consistent with';
  return { statement, measured: options.measured(largest), verdict, largestRatio: largest };
}

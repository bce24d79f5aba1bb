/** What an encoder needs to know of a column: its type, its values and how often each occurs. */
import type { TextForm } from './text-form.ts';

/** A `date` is a time in seconds since 1970 UTC. */
export type ColumnType = 'boolean' | 'number' | 'text' | 'date';

/** The most distinct values a profile lists. */
export const PROFILE_VALUE_LIMIT = 64;

/** A value and how many cells have it. */
export interface ValueCount {
  readonly value: string;
  readonly count: number;
}

/** What is known of a column before it is encoded. */
export interface ColumnProfile {
  readonly name: string;
  /**
   * `number` when every non-missing cell reads as a number (infinities included). A property of the whole
   * column, masked rows included, so that folds of one table agree on it; a text column without a value stays `text`.
   */
  readonly type: ColumnType;
  readonly rowCount: number;
  readonly missingCount: number;
  /** Of a column of texts: how they were read. */
  readonly form?: TextForm | undefined;
  /** Of a column of texts: the spellings that count as missing and their counts, most frequent first. */
  readonly missingTexts?: readonly ValueCount[] | undefined;
  /** Cells of a number column that are infinite; neither missing nor part of `values` and `cuts`. */
  readonly nonFiniteCount: number;
  /** Distinct non-missing values (exact up to `PROFILE_VALUE_LIMIT`; above it possibly an estimate, within 10 %). */
  readonly distinctCount: number;
  /**
   * The distinct non-missing values and their counts, most frequent first (ties: smaller number first, texts by
   * code point), at most `PROFILE_VALUE_LIMIT`. Booleans read `false` and `true` or as the column spells them, numbers
   * as `String(number)`, dates as ISO dates, texts trimmed.
   */
  readonly values: readonly ValueCount[];
  /**
   * Where a column of numbers or dates is cut, ascending: between all its values when they are at most as many as bins,
   * otherwise at the lower empirical quantiles 1/bins ... (bins-1)/bins, at the middle between two values. Empty
   * otherwise.
   */
  readonly cuts: readonly number[];
  /** Of a column of dates: its weekdays and months, most frequent first. */
  readonly parts?: { readonly weekday: readonly ValueCount[]; readonly month: readonly ValueCount[] } | undefined;
}

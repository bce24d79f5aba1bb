/** What an encoder needs to know of a column: its type, its values and how often each occurs. */

export type ColumnType = 'boolean' | 'number' | 'text';

/** A text cell that, trimmed of spaces, tabs and line ends, is one of these counts as missing; so do null and undefined. */
export const MISSING_TOKENS: readonly string[] = ['', '?', 'NA'];

/** The most distinct values a profile lists. */
export const PROFILE_VALUE_LIMIT = 64;

export interface ColumnProfile {
  readonly name: string;
  /**
   * `number` when every non-missing cell reads as a number (NaN and infinities included). A property of the whole
   * column, masked rows included, so that folds of one table agree on it; a text column without a value stays `text`.
   */
  readonly type: ColumnType;
  readonly rowCount: number;
  readonly missingCount: number;
  /** Cells of a number column that are NaN or infinite; neither missing nor part of `values` and `quantiles`. */
  readonly nonFiniteCount: number;
  /** Distinct non-missing values (exact up to `PROFILE_VALUE_LIMIT`; above it possibly an estimate, within 10 %). */
  readonly distinctCount: number;
  /**
   * The distinct non-missing values and their counts, most frequent first (ties: smaller number first, texts by
   * code point), at most `PROFILE_VALUE_LIMIT`. Booleans read `false` and `true`, numbers as `String(number)`, texts trimmed.
   */
  readonly values: readonly { readonly value: string; readonly count: number }[];
  /**
   * Of a number column with more than two distinct values: the lower empirical quantiles (an existing value, at
   * sorted position ceil(q N) - 1) for q = 1/bins ... (bins-1)/bins. Otherwise empty.
   */
  readonly quantiles: readonly number[];
  /** The largest finite value of a number column; NaN otherwise. */
  readonly maximum: number;
}

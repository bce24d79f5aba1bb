/**
 * The seam between data and learning. A `Table` can describe its columns and
 * turn them into points of the cube; where the cells live (arrays in memory, a
 * SQL engine) is its own business. `memoryTable` is the implementation of this
 * package; the Node package has one over files.
 */
import type { RowKeys, RunOptions } from '../base/index.ts';
import type { EncoderSpec } from './encoder.ts';
import type { Fingerprints } from './fingerprints.ts';
import type { CubePoints } from './points.ts';
import type { ColumnProfile, ColumnType } from './profile.ts';
import type { CellRules } from './text-form.ts';

/** A value of a column that the fit did not see, and how many cells have it. */
export interface UnseenValue {
  readonly column: string;
  readonly value: string;
  readonly count: number;
}

/** Rows of a table as points, with what was odd about them. */
export interface EncodedRows {
  readonly points: CubePoints;
  /** Index in the table of each encoded row, ascending; undefined when no row was dropped. */
  readonly rows: Uint32Array | undefined;
  /** Values the encoder has not seen, which were encoded as the reference ("no"); at most 20 per column. Of a column that has others, none: they are others. */
  readonly unseen: readonly UnseenValue[];
  /** Cells without a value, per column that has any. */
  readonly missing: readonly { readonly column: string; readonly count: number }[];
}

/** Rows from `firstRow` up to, but not including, `endRow`. */
export interface RowRange {
  readonly firstRow: number;
  readonly endRow: number;
}

/** All rows of a table encoded, a part at a time: however many there are, one part is in memory. */
export interface EncodedParts {
  /** Of all rows, as in `EncodedRows`. */
  readonly unseen: readonly UnseenValue[];
  readonly missing: EncodedRows['missing'];
  /** The parts in the order of the rows, at most 32,768 in each. */
  readonly parts: AsyncIterable<EncodedPart>;
}

/** The rows of a range, encoded; `rows` counts from the start of the table. */
export interface EncodedPart extends Pick<EncodedRows, 'points' | 'rows'> {
  readonly range: RowRange;
}

/** Rows that are encoded, predicted and written together where not all are: their work outweighs that of a statement. */
export const PART_ROWS: number = 2 ** 15;

/** The ranges of at most `PART_ROWS` rows that make up so many. */
export function rowRanges(rowCount: number): RowRange[] {
  return Array.from({ length: Math.ceil(rowCount / PART_ROWS) }, (_, i) => ({
    firstRow: i * PART_ROWS,
    endRow: Math.min(rowCount, (i + 1) * PART_ROWS),
  }));
}

/** A column's name and type. */
export interface TableColumn {
  readonly name: string;
  /** The type as the source states it; text sources (CSV) are `text` before profiling. */
  readonly type: ColumnType | 'unusable';
  /** The source's own name of the type, for messages. */
  readonly sourceType: string;
}

/**
 * The seam for data: a table, wherever its cells lie. `memoryTable` makes one of arrays, `openTable` of @fewfire/node one of files.
 */
export interface Table {
  /** What to call the table in messages, for example a file name. */
  readonly label: string;
  readonly rowCount: number;
  readonly columns: readonly TableColumn[];
  /** What was said of the cells when the table was opened. */
  readonly rules: CellRules;

  /**
   * A name for each row, by which rows are drawn (for the test, for folds); without them a row's position is its name. Names
   * stay with their rows: a table of some rows of another has theirs. Where rows come in no order of their own, as from an
   * engine that has none, they are hashes of a column that tells rows apart; the rows then need only come in the same order
   * in every call.
   */
  readonly rowKeys?: RowKeys | undefined;

  /**
   * Describes the columns, over the rows where `mask` is non-zero (all rows without it).
   * @throws FewfireError `unknown-column`, `unsupported` (a nested or binary column)
   */
  profile(
    names: readonly string[],
    options?: RunOptions & { readonly bins?: number; readonly mask?: Uint8Array },
  ): Promise<readonly ColumnProfile[]>;

  /**
   * Encodes all rows with a fitted encoder. Rows with a missing value in a column whose `missing` is `drop` are
   * left out; with `refuse` they are an error that counts them.
   * @throws FewfireError `unknown-column`, `missing-values`, `invalid-data` (text where numbers were, no value that the fit saw)
   */
  encode(spec: EncoderSpec, options?: RunOptions): Promise<EncodedRows>;

  /**
   * The same in parts. What is refused is refused before the first part.
   * @throws FewfireError as `encode`, and `memory-budget` only for a part
   */
  encodeParts(spec: EncoderSpec, options?: RunOptions): Promise<EncodedParts>;

  /**
   * One column as text, null where missing. The spelling is that of `ColumnProfile.values` (for targets with classes),
   * or with `source` that of the source, where `007` is not `7` (for columns copied into predictions).
   * @param options `range`: of these rows only
   */
  texts(
    name: string,
    options?: RunOptions & { readonly spelling?: 'profile' | 'source'; readonly range?: RowRange },
  ): Promise<(string | null)[]>;

  /**
   * One column as numbers, NaN where missing.
   * @param options `range`: of these rows only
   * @throws FewfireError `invalid-data` naming the first row whose cell is not a finite number
   */
  numbers(name: string, options?: RunOptions & { readonly range?: RowRange }): Promise<Float64Array>;

  /** Bytes of memory the table holds, beside what it returns. */
  heldBytes(): Promise<number>;

  /**
   * A number for every row over some columns: equal rows have equal ones, other rows as good as never. Cells count as they
   * are spelled; with `meaning` as what they mean (numbers, times, answers, missing), and then the numbers go with those of
   * other tables of the same `by`, whatever their columns are spelled like.
   */
  fingerprints(names: readonly string[], options?: RunOptions & { readonly meaning?: boolean }): Promise<Fingerprints>;

  /**
   * The rows whose number in a column is not 0 (those without a number included), in their order; undefined where
   * there are no others. To be closed before this table.
   * @throws FewfireError `unknown-column`, `unsupported`
   */
  nonZeroRows(name: string, options?: RunOptions): Promise<Table | undefined>;

  /** Frees what the table holds. */
  close(): Promise<void>;
}

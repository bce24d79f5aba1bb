/**
 * What a model is told by, as its file keeps it: what each column is worth, what one column alone would do, and its
 * combinations with what the rows of the fit say of them.
 */

/** What shuffling a column costs. */
export interface ColumnImportance {
  readonly column: string;
  /** How much the log-loss rises, of numbers the mean squared error (of the target as learned). */
  readonly lossRise: number;
  /** How much the accuracy falls, of numbers R2; null where the targets do not vary. */
  readonly scoreFall: number | null;
}

/** Of a measured fit: what each column of the table is worth to it. */
export interface ImportanceRecord {
  /** Which rows were predicted: those of the test, or without one those of the fit, which flatter. */
  readonly rows: 'test' | 'fit';
  /** So many of them, drawn where there are more. */
  readonly rowCount: number;
  readonly shuffleCount: number;
  /** By decreasing rise of the loss. */
  readonly columns: readonly ColumnImportance[];
}

/** The best single column, on the test rows. */
export interface BestColumnRecord {
  readonly column: string;
  /** Of classes: how often the most frequent class of a code is right. */
  readonly accuracy?: number | undefined;
  /** Of the mean of a code (as learned, under the log transform its logarithm), or of the shares of the classes. */
  readonly mse: number;
  /** Of numbers; null where the targets do not vary. */
  readonly r2?: number | null | undefined;
}

/** The rows that give the same answers. */
export interface CombinationCell {
  readonly rows: number;
  /** What they weigh together, where rows have weights. */
  readonly weight?: number | undefined;
  /** Which part of them is of the output's class, or the mean of a number in its own unit; null where there are none. */
  readonly observed: number | null;
  /** The mean prediction for them, of some rows where they are many; null where none of these is here. */
  readonly predicted: number | null;
}

/** Yes/no questions with what the rows of each answer are like. */
export interface Combination {
  /** Positions of coordinates, ascending. */
  readonly coordinates: readonly number[];
  /** How much what the model makes of these columns varies over the rows, over that of all it does. */
  readonly share: number;
  /** 2^d: bit j of a place is the answer to question j, 1 for a yes. */
  readonly cells: readonly CombinationCell[];
}

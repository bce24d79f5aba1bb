/** Columns of predictions, whatever made them: what is asked for beside them, and names that do not clash. */
import type { Table } from '@fewfire/core';
import type { OutputParts } from '@fewfire/node';

/** What the columns of predictions are to hold besides. */
export interface PredictedColumns {
  /** Columns of the data to copy. */
  readonly keep?: readonly string[];
  /** Attributions of rows, against this baseline. */
  readonly attributions?: 'all-no' | 'average';
}

/** Predictions a part at a time; the messages are complete when all parts are there. */
export interface Predicted {
  readonly parts: OutputParts;
  readonly messages: () => string[];
}

/** @throws FewfireError `unknown-column` for a column to copy that the table does not have */
export async function checkKept(keep: readonly string[], table: Table): Promise<void> {
  const { unknownColumn } = await import('@fewfire/core/internal');
  const names = table.columns.map(({ name }) => name);
  for (const name of keep) if (!names.includes(name)) throw unknownColumn(name, names, table.label);
}

/**
 * Refuses columns that would be called alike.
 * @param taken what columns of predictions are called
 */
export async function checkNames(keep: readonly string[], taken: readonly string[]): Promise<void> {
  const { FewfireError, repeatedNames } = await import('@fewfire/core/internal');
  const clash = keep.find((name) => taken.includes(name));
  if (clash !== undefined) {
    throw new FewfireError(
      'invalid-argument',
      `--keep names ${JSON.stringify(clash)}, which is what a column of predictions is called; leave it out or rename it in the data`,
    );
  }
  // Of a class "a" and a column "b_c", and a class "a_b" and a column "c", the attributions would be called alike.
  const [twice] = repeatedNames([...keep, ...taken]);
  if (twice === undefined) return;
  throw new FewfireError(
    'invalid-argument',
    `two columns of the output would be called ${JSON.stringify(twice)}; expected names that differ: rename the class or the column in the data, or name --keep columns once`,
  );
}

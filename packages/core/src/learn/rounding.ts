/**
 * What rounding leaves where nothing is. A part of the rows (a fold, the rows of weight) may have one value of the
 * target, or nothing that the target goes with: sums that are 0 then come out as some 1e-16 of their terms, and a solver
 * that stops relative to where it started would take them for something to learn.
 */

/** What rounding may leave of a sum whose value is 0, relative to the sum of its terms' sizes. */
export const ROUNDING: number = 8 * Number.EPSILON;

/** The value that all rows of positive weight have; undefined where they differ. */
export function constantValue(values: Float64Array, rowWeights: Float64Array | undefined): number | undefined {
  let found: number | undefined;
  for (let i = 0; i < values.length; i++) {
    if (rowWeights !== undefined && !(rowWeights[i] > 0)) continue;
    if (found !== undefined && values[i] !== found) return undefined;
    found = values[i];
  }
  return found;
}

/**
 * Sets the sums sum_i rows[i] chi(i) of all monomials to 0 when every one of them is rounding. A single row of usual
 * weight that told two monomials apart would make a difference of 2 / rowCount, far more.
 */
export function clearRounding(correlations: Float64Array, rows: Float64Array): void {
  const limit = (ROUNDING + Math.sqrt(rows.length) * Number.EPSILON) * sumOfSizes(rows);
  if (correlations.every((value) => Math.abs(value) <= limit)) correlations.fill(0);
}

export function sumOfSizes(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]);
  return sum;
}

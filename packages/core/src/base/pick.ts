/** Rows chosen, and the values at chosen places. (`from` and `filter` of typed arrays keep a list of all of them beside.) */

/** `values[places[0]], values[places[1]], ...` */
export function pickNumbers(values: ArrayLike<number>, places: ArrayLike<number>): Float64Array {
  const picked = new Float64Array(places.length);
  for (let i = 0; i < picked.length; i++) picked[i] = values[places[i]];
  return picked;
}

/** The same of whole numbers from 0 to 2^32 - 1. */
export function pickWholes(values: ArrayLike<number>, places: ArrayLike<number>): Uint32Array {
  const picked = new Uint32Array(places.length);
  for (let i = 0; i < picked.length; i++) picked[i] = values[places[i]];
  return picked;
}

/** The rows below `rowCount` that `isIn` says so of, ascending. */
export function rowsWhere(rowCount: number, isIn: (row: number) => boolean): Uint32Array {
  let count = 0;
  for (let row = 0; row < rowCount; row++) if (isIn(row)) count++;
  const rows = new Uint32Array(count);
  let end = 0;
  for (let row = 0; row < rowCount && end < count; row++) if (isIn(row)) rows[end++] = row;
  return rows;
}

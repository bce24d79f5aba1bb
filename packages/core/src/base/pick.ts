/** The values at chosen places. (`Float64Array.from` with a function keeps a list of all places beside them.) */

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

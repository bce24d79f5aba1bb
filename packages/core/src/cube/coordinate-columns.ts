/**
 * Which coordinates say something of one thing, and how: of thresholds of one number a yes implies all before it, of
 * categories at most one is a yes. What looks at a column as a whole needs one code per row instead of its bits.
 */
import { columnCoordinateNames, type EncoderSpec } from './encoder.ts';
import type { CubePoints } from './points.ts';

/** Neighbouring coordinates, from `first` on. One alone is of either kind. */
export interface CoordinateColumn {
  readonly kind: 'thresholds' | 'categories';
  readonly first: number;
  readonly count: number;
  /** Of thresholds of a number: a value for each code, between the thresholds that it lies between. */
  readonly places?: readonly number[] | undefined;
}

/** The columns of an encoder's coordinates, in their order; whether a cell is missing is a column of its own. */
export function coordinateColumns(spec: EncoderSpec): CoordinateColumn[] {
  let first = 0;
  return spec.columns.flatMap((encoded) => {
    const total = columnCoordinateNames(encoded).length;
    const count = encoded.missingCoordinate ? total - 1 : total;
    const kind = encoded.coding.kind === 'categories' ? ('categories' as const) : ('thresholds' as const);
    const places = encoded.coding.kind === 'thresholds' ? placesBetween(encoded.coding.above) : undefined;
    const columns: CoordinateColumn[] = count > 0 ? [{ kind, first, count, places }] : [];
    if (encoded.missingCoordinate) columns.push({ kind: 'thresholds', first: first + count, count: 1 });
    first += total;
    return columns;
  });
}

// Beyond the first and the last, as far as half of what lies between them and their neighbours.
function placesBetween(above: readonly number[]): number[] {
  const last = above.length - 1;
  const half = (k: number): number => (last < 1 ? 0.5 : (above[k + 1] - above[k]) / 2);
  return [
    above[0] - half(0),
    ...above.slice(1).map((cut, k) => (cut + above[k]) / 2),
    above[last] + half(Math.max(0, last - 1)),
  ];
}

/** Every coordinate by itself. */
export function separateColumns(coordinateCount: number): CoordinateColumn[] {
  return Array.from({ length: coordinateCount }, (_, first) => ({ kind: 'thresholds', first, count: 1 }));
}

/** Codes of all rows, row after row: `codes[row * columns.length + c]`. */
export type ColumnCodes = Uint8Array | Uint16Array;

/**
 * Of thresholds the number of yeses (0 to `count`); of categories 1 + the place of the yes, 0 without one.
 * Where more than one category is a yes, which no encoder gives, the last counts.
 */
export function columnCodes(points: CubePoints, columns: readonly CoordinateColumn[]): ColumnCodes {
  const { planes, rowCount } = points;
  const width = columns.length;
  const most = columns.reduce((largest, { count }) => Math.max(largest, count), 0);
  const codes = most < 256 ? new Uint8Array(rowCount * width) : new Uint16Array(rowCount * width);
  for (const [c, { kind, first, count }] of columns.entries()) {
    for (let k = 0; k < count; k++) {
      const plane = ((first + k) >> 3) * rowCount;
      const shift = (first + k) & 7;
      if (kind === 'thresholds') {
        for (let row = 0, at = c; row < rowCount; row++, at += width) codes[at] += (planes[plane + row] >> shift) & 1;
      } else {
        for (let row = 0, at = c; row < rowCount; row++, at += width) {
          if ((planes[plane + row] >> shift) & 1) codes[at] = k + 1;
        }
      }
    }
  }
  return codes;
}

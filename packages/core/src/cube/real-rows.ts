/** Rows of real numbers, as layers take them: beside `CubePoints`, whose rows have a bit for each coordinate. */
import { bitAt, type CubePoints } from './points.ts';

export interface RealRows<Numbers extends Float32Array | Float64Array = Float32Array> {
  readonly rowCount: number;
  /** Numbers of one row. */
  readonly width: number;
  /** rowCount x width, row-major. */
  readonly values: Numbers;
}

/**
 * Points as rows of numbers: 4 bytes for each bit.
 * @param values what stands for a no and for a yes; default +1 and -1, which the points are
 */
export function realRows(
  points: CubePoints,
  values: { readonly no: number; readonly yes: number } = { no: 1, yes: -1 },
): RealRows {
  const { rowCount, coordinateCount: width } = points;
  const rows = new Float32Array(rowCount * width);
  for (let row = 0; row < rowCount; row++) {
    for (let i = 0; i < width; i++) rows[row * width + i] = bitAt(points, row, i) === 1 ? values.yes : values.no;
  }
  return { rowCount, width, values: rows };
}

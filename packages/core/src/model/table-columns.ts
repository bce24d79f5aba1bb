/**
 * The columns of a table as a model sees them: of a cell only a code counts, the yes and no of all coordinates that the
 * column has (of a date its time, weekday and month; of a column with missing cells whether it is missing).
 */
import {
  type CoordinateColumn,
  type CubePoints,
  columnCodes,
  columnCoordinateNames,
  coordinateColumns,
  type EncoderSpec,
} from '../cube/index.ts';

/** A column of the table with its coordinates. */
export interface TableColumn {
  readonly column: string;
  /** Positions of its coordinates, ascending. */
  readonly coordinates: readonly number[];
  /** How many codes there are: every combination of the parts' codes, whether or not it occurs. */
  readonly codeCount: number;
  readonly parts: readonly CoordinateColumn[];
}

/** The columns of the table that an encoder reads, in its order. */
export function tableColumns(encoder: EncoderSpec): TableColumn[] {
  const parts = coordinateColumns(encoder);
  const columns = new Map<string, { column: string; coordinates: number[]; parts: CoordinateColumn[] }>();
  let first = 0;
  for (const encoded of encoder.columns) {
    const { column } = encoded;
    const count = columnCoordinateNames(encoded).length;
    const entry = columns.get(column) ?? { column, coordinates: [], parts: [] };
    for (let s = first; s < first + count; s++) entry.coordinates.push(s);
    entry.parts.push(...parts.filter((part) => part.first >= first && part.first < first + count));
    columns.set(column, entry);
    first += count;
  }
  return Array.from(columns.values(), (entry) => ({
    ...entry,
    codeCount: entry.parts.reduce((product, { count }) => product * (count + 1), 1),
  }));
}

/** The code of every row. */
export function codesOf(points: CubePoints, { parts }: TableColumn): Uint32Array {
  const codes = new Uint32Array(points.rowCount);
  for (const part of parts) {
    const found = columnCodes(points, [part]);
    for (let row = 0; row < codes.length; row++) codes[row] = codes[row] * (part.count + 1) + found[row];
  }
  return codes;
}

/** Of a coordinate of the column: for every code +1 for a no and -1 for a yes. */
export function signsByCode({ parts, codeCount }: TableColumn, coordinate: number): Int8Array {
  const signs = new Int8Array(codeCount);
  let after = codeCount;
  for (const { kind, first, count } of parts) {
    after /= count + 1;
    const place = coordinate - first;
    if (place < 0 || place >= count) continue;
    for (let code = 0; code < codeCount; code++) {
      const own = Math.floor(code / after) % (count + 1);
      signs[code] = (kind === 'thresholds' ? own > place : own === place + 1) ? -1 : 1;
    }
  }
  return signs;
}

/** What the search for leaks looks at: a column's answers in each row, and where these do not tell its values apart, its cells. */
import { type RunOptions, rowsWhere } from '../base/index.ts';
import {
  type CubePoints,
  columnCoordinateNames,
  type EncodedColumn,
  type EncoderSpec,
  type RowRange,
  type Table,
} from '../cube/index.ts';
import { type JointCounts, logChanceOfTelling, mayBeLuck } from './leak-chance.ts';
import type { LeakRelation, NoteOf } from './notes.ts';
import type { PreparedTable } from './prepare.ts';

/** In fewer rows, or with fewer to a value, a column tells the target by itself: a name, a group of rows. */
export const FEWEST_ROWS = 20;
const ROWS_PER_VALUE = 5;
/** So many rows show that a column does not tell the target, if it does not, and spare reading the others. */
const FIRST_ROWS = 2 ** 12;

/** A column of the encoder and where its coordinates stand. */
export interface Place {
  readonly column: EncodedColumn;
  readonly names: readonly string[];
  /** Coordinates that say which value it is: all but `column missing`. */
  readonly codeCount: number;
  readonly first: number;
}

export function places(encoder: EncoderSpec): Place[] {
  let first = 0;
  return encoder.columns.map((column) => {
    const names = columnCoordinateNames(column);
    const place = { column, names, codeCount: names.length - (column.missingCoordinate ? 1 : 0), first };
    first += names.length;
    return place;
  });
}

export function bitsOf({ planes, rowCount }: CubePoints, coordinate: number): { bits: Uint8Array; mask: number } {
  const plane = coordinate >> 3;
  return { bits: planes.subarray(plane * rowCount, (plane + 1) * rowCount), mask: 1 << (coordinate & 7) };
}

/**
 * A number for the column's answers in each row, NaN where it has no value: thresholds follow from each other and of the
 * coordinates of a category at most one is a yes, so that sums tell patterns apart.
 */
export function patternsOf({ column, names, codeCount, first }: Place, points: CubePoints): Float64Array {
  const patterns = new Float64Array(points.rowCount);
  for (let j = 0; j < names.length; j++) {
    const { bits, mask } = bitsOf(points, first + j);
    const step = j >= codeCount ? Number.NaN : column.coding.kind === 'thresholds' ? 1 : j + 1;
    for (let i = 0; i < patterns.length; i++) if ((bits[i] & mask) !== 0) patterns[i] += step;
  }
  return patterns;
}

/** Whether each value stands beside one target only, which neither luck nor names nor few rows to a value explain. */
export function tells(counts: JointCounts, columnCount: number): boolean {
  const { rowCount, values, pairs } = counts;
  if (pairs.length > values.length || rowCount < Math.max(FEWEST_ROWS, ROWS_PER_VALUE * values.length)) return false;
  return !mayBeLuck(logChanceOfTelling(counts), columnCount);
}

/** A note of a column that has a value in so many of the usable rows. */
export function leakNote(
  { column }: Place,
  relation: LeakRelation,
  rowCount: number,
  usableCount: number,
): NoteOf<'leak'> {
  return { kind: 'leak', name: column.column, relation, ...(rowCount !== usableCount && { rowCount }) };
}

/** Whether a column has values that the encoder does not tell apart, and enough rows to each. */
export function hasHiddenValues({ profiles }: PreparedTable, { column, codeCount }: Place): boolean {
  const profile = profiles.find(({ name }) => name === column.column);
  if (profile === undefined || column.type === 'boolean') return false;
  const { distinctCount, rowCount, missingCount } = profile;
  return distinctCount > codeCount + 1 && ROWS_PER_VALUE * distinctCount <= rowCount - missingCount;
}

/** The column as it is, if it passes: most do not within their first rows. */
export async function cellsThat(
  pass: (cells: Float64Array, target: Float64Array) => boolean,
  prepared: PreparedTable,
  place: Place,
  options: RunOptions,
): Promise<Float64Array | undefined> {
  const { table, target } = prepared;
  const firstEnd = Math.min(FIRST_ROWS, table.rowCount);
  for (const endRow of new Set([firstEnd, table.rowCount])) {
    const cells = await readCells(table, place, { firstRow: 0, endRow }, options);
    if (!pass(cells, target.subarray(0, endRow))) return undefined;
    if (endRow === table.rowCount) return cells;
  }
  return undefined;
}

// Numbers, or a number for each text, NaN where a cell has no value.
async function readCells(table: Table, { column }: Place, range: RowRange, options: RunOptions): Promise<Float64Array> {
  const { onProgress: _, ...quiet } = options;
  if (column.type === 'number') return await table.numbers(column.column, { ...quiet, range });
  const numberOf = new Map<string, number>();
  return Float64Array.from(await table.texts(column.column, { ...quiet, range }), (text) => {
    if (text === null) return Number.NaN;
    const number = numberOf.get(text) ?? numberOf.size;
    numberOf.set(text, number);
    return number;
  });
}

/** The rows that have both. */
export function rowsOf(values: Float64Array, target: Float64Array): Uint32Array {
  return rowsWhere(values.length, (row) => !Number.isNaN(values[row]) && !Number.isNaN(target[row]));
}

/** Whether each value stands beside one target only. */
export function isFunction(values: Float64Array, target: Float64Array): boolean {
  const targetOf = new Map<number, number>();
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]) || Number.isNaN(target[i])) continue;
    const known = targetOf.get(values[i]);
    if (known === undefined) targetOf.set(values[i], target[i]);
    else if (known !== target[i]) return false;
  }
  return true;
}

/**
 * Chosen parities at all rows, as bit columns: what a solver with an active set
 * works on, once it knows which few thousand of all monomials matter. A column
 * is the exclusive or of its coordinates' bits, a bit per row, and stays for as
 * long as the set does; assembly/columns.ts says how they lie.
 *
 * Columns come and go one at a time, so unlike the other memories this one
 * grows: the columns stand last in it, and views are made anew for every call.
 * Calls are not interrupted: the longest, over 4,096 columns of 1e6 rows, takes
 * some tenths of a second.
 */
import { createArena } from '../arena.ts';
import { type ColumnKernels, learning } from '../groups.ts';
import type { KernelVariant, PackedPoints } from '../kernels.ts';
import { type BinaryVariant, bestVariant, compileKernels, createMemory, instantiateKernels } from '../load.ts';
import { parity } from '../reference.ts';

/**
 * Columns are numbered from 0 in the order they were appended. Results are the same, bit for bit, for `simd` and
 * `scalar`, and do not depend on what else is among the columns.
 * Vectors of columns may be longer than `count`; of rows they must have `rowCount` entries.
 */
export interface ParityColumns {
  readonly rowCount: number;
  readonly count: number;
  /** Adds chi_S for the coordinates S in any order (the constant when empty) and returns its number. @throws RangeError for no coordinate, or when memory ends */
  append(members: ArrayLike<number>): number;
  /** Takes column `a` out; the last column takes its number. */
  remove(a: number): void;
  /** Takes all columns out. */
  clear(): void;
  /** into[b] = sum_i w_i chi_a(i) chi_b(i) for every column b. Exact when the weights are 0 and 1, or absent. */
  products(a: number, into: Float64Array): void;
  /** into[b] = sum_i chi_b(i) rowValues[i] for every column b; no weights. */
  correlations(rowValues: Float64Array, into: Float64Array): void;
  /** into[i] = sum_b coefficients[b] chi_b(i) for every row i. */
  combine(coefficients: Float64Array, into: Float64Array): void;
}

/** Options of `createParityColumns`. */
export interface ParityColumnOptions {
  /** Columns to make room for at once. Default 256; beyond it the room doubles. */
  readonly capacity?: number | undefined;
  /** w, used by `products`. Default 1 for every row. */
  readonly rowWeights?: Float64Array | undefined;
  /** Default: `simd` where the engine has it. */
  readonly variant?: KernelVariant | undefined;
}

export const PANEL_COLUMNS = 8;
export const WORD_ROWS = 64;
/** One word of each column of a panel. */
export const LINE_BYTES = 64;
/** Panels come in fours: PANELS of assembly/columns.ts. */
const ROOM_COLUMNS = 4 * PANEL_COLUMNS;
/** Columns whose results are in memory at a time. */
const BATCH_COLUMNS = 4096;
const TABLE_BYTES = 8 * 2048;
const PAGE_BYTES = 65536;
const DEFAULT_CAPACITY = 256;

/**
 * Chosen parities of rows as columns of bits: their products and correlations.
 * @throws RangeError for weights of another number, or when the memory cannot be had
 * @example
 * ```ts
 * import { createParityColumns } from '@fewfire/kernels';
 *
 * // The four points of two coordinates: bit i of a byte is coordinate i, a bit 1 is -1.
 * const points = { rowCount: 4, coordinateCount: 2, planes: Uint8Array.of(0b00, 0b01, 0b10, 0b11) };
 * const columns = await createParityColumns(points);
 * columns.append([0, 1]);
 * const values = new Float64Array(4);
 * columns.combine(Float64Array.of(2), values);
 * console.log(values); // Float64Array(4) [ 2, -2, -2, 2 ]
 * ```
 */
export async function createParityColumns(
  points: PackedPoints,
  options: ParityColumnOptions = {},
): Promise<ParityColumns> {
  const { rowWeights } = options;
  if (rowWeights !== undefined) checkRows(points.rowCount, rowWeights, 'row weights');
  const variant = options.variant ?? bestVariant(learning);
  return variant === 'reference'
    ? createReferenceColumns(points, rowWeights)
    : createBinaryColumns(points, rowWeights, options.capacity ?? DEFAULT_CAPACITY, variant);
}

/**
 * Bytes that columns take, for planning. `weighted`: with weights other than 0 and 1.
 * @example
 * ```ts
 * import { parityColumnBytes } from '@fewfire/kernels';
 *
 * console.log(parityColumnBytes({ rowCount: 1000, coordinateCount: 50 }, 100)); // 81344
 * ```
 */
export function parityColumnBytes(
  shape: { readonly rowCount: number; readonly coordinateCount: number; readonly weighted?: boolean },
  columnCount: number,
): number {
  return (
    layOut(shape.rowCount, shape.coordinateCount, shape.weighted === true).columnsAt +
    roomBytes(shape.rowCount, columnCount)
  );
}

function layOut(rowCount: number, coordinateCount: number, weighted: boolean) {
  const wordCount = Math.ceil(rowCount / WORD_ROWS);
  const arena = createArena();
  return {
    wordCount,
    /** Panels of all coordinates. */
    coordinatesAt: arena.reserve(Math.ceil(coordinateCount / 8) * 8 * wordCount * 8),
    maskAt: arena.reserve(wordCount * 8),
    weightsAt: weighted ? arena.reserve(wordCount * WORD_ROWS * 8) : 0,
    rowsAt: arena.reserve(wordCount * WORD_ROWS * 8),
    batchAt: arena.reserve(BATCH_COLUMNS * 8),
    listAt: arena.reserve(coordinateCount * 4),
    tablesAt: arena.reserve(TABLE_BYTES),
    columnsAt: arena.bytes,
  };
}

function roomBytes(rowCount: number, columnCount: number): number {
  return Math.ceil(columnCount / ROOM_COLUMNS) * ROOM_COLUMNS * Math.ceil(rowCount / WORD_ROWS) * 8;
}

async function createBinaryColumns(
  points: PackedPoints,
  rowWeights: Float64Array | undefined,
  capacity: number,
  variant: BinaryVariant,
): Promise<ParityColumns> {
  const { rowCount, coordinateCount } = points;
  const weighted = rowWeights?.some((weight) => weight !== 0 && weight !== 1) === true;
  const layout = layOut(rowCount, coordinateCount, weighted);
  const { wordCount, coordinatesAt, maskAt, weightsAt, rowsAt, batchAt, listAt, tablesAt, columnsAt } = layout;
  const memory = createMemory(columnsAt + roomBytes(rowCount, capacity), false);
  const kernels = await instantiateKernels(await compileKernels(learning, variant, false), memory);
  const floats = (at: number, length: number): Float64Array => new Float64Array(memory.buffer, at, length);

  writePanels(points, kernels, memory.buffer, rowsAt, coordinatesAt);
  // Other weights never look at the mask.
  const maskCount = weighted ? 0 : writeMask(memory.buffer, maskAt, rowCount, rowWeights);
  if (weighted) floats(weightsAt, rowCount).set(rowWeights as Float64Array);

  let count = 0;
  const panelBytes = wordCount * LINE_BYTES;
  const columnAt = (column: number): number => columnsAt + columnOffset(column, panelBytes);
  const makeRoom = (columnCount: number): void => {
    const has = memory.buffer.byteLength;
    const needs = columnsAt + roomBytes(rowCount, columnCount);
    if (needs <= has) return;
    const doubled = columnsAt + 2 * (has - columnsAt);
    const bytes = Math.max(needs, Math.min(doubled, 65536 * PAGE_BYTES));
    memory.grow(Math.ceil((bytes - has) / PAGE_BYTES));
  };
  const setRows = (rowValues: Float64Array): void => {
    const rows = floats(rowsAt, wordCount * WORD_ROWS);
    rows.set(rowValues);
    rows.fill(0, rowCount);
  };
  // Calls `work` for up to BATCH_COLUMNS columns at a time.
  const inBatches = (work: (first: number, end: number, panels: number, panelCount: number) => void): void => {
    for (let first = 0; first < count; first += BATCH_COLUMNS) {
      const end = Math.min(count, first + BATCH_COLUMNS);
      work(first, end, columnAt(first), Math.ceil((end - first) / PANEL_COLUMNS));
    }
  };
  const correlateRows = (into: Float64Array): void =>
    inBatches((first, end, panels, panelCount) => {
      kernels.columnCorrelations(rowsAt, panels, panelCount, wordCount, batchAt, tablesAt);
      into.set(floats(batchAt, end - first), first);
    });

  return {
    rowCount,
    get count(): number {
      return count;
    },
    append(members: ArrayLike<number>): number {
      checkMembers(coordinateCount, members);
      makeRoom(count + 1);
      const list = new Uint32Array(memory.buffer, listAt, coordinateCount);
      for (let k = 0; k < members.length; k++) list[k] = coordinatesAt + columnOffset(members[k], panelBytes);
      kernels.columnXor(listAt, members.length, columnAt(count), wordCount);
      return count++;
    },
    remove(a: number): void {
      checkColumn(count, a);
      count--;
      if (a !== count) kernels.columnCopy(columnAt(count), columnAt(a), wordCount);
    },
    clear(): void {
      count = 0;
    },
    products(a: number, into: Float64Array): void {
      checkColumn(count, a);
      checkLength(count, into);
      if (weighted) {
        kernels.columnSigned(columnAt(a), weightsAt, rowsAt, wordCount);
        correlateRows(into);
        return;
      }
      inBatches((first, end, panels, panelCount) => {
        kernels.columnDifferences(columnAt(a), LINE_BYTES, maskAt, panels, panelBytes, panelCount, wordCount, batchAt);
        const differences = new Uint32Array(memory.buffer, batchAt, end - first);
        for (let b = first; b < end; b++) into[b] = maskCount - 2 * differences[b - first];
      });
    },
    correlations(rowValues: Float64Array, into: Float64Array): void {
      checkRows(rowCount, rowValues, 'row values');
      checkLength(count, into);
      setRows(rowValues);
      correlateRows(into);
    },
    combine(coefficients: Float64Array, into: Float64Array): void {
      checkRows(rowCount, into, 'row values');
      checkLength(count, coefficients);
      floats(rowsAt, wordCount * WORD_ROWS).fill(0);
      inBatches((first, end, panels, panelCount) => {
        // Fours of panels: those beyond the last column have room, and coefficients 0.
        const batch = floats(batchAt, BATCH_COLUMNS);
        batch.set(coefficients.subarray(first, end));
        batch.fill(0, end - first);
        kernels.columnCombination(batchAt, panels, Math.ceil(panelCount / 4) * 4, wordCount, rowsAt, tablesAt);
      });
      into.set(floats(rowsAt, rowCount));
    },
  };
}

/** Writes the coordinates of all points as panels of bit columns; `space` holds a byte per row, padded to whole words with zeros. */
export function writePanels(
  points: PackedPoints,
  kernels: ColumnKernels,
  buffer: ArrayBuffer,
  spaceAt: number,
  panelsAt: number,
): void {
  const { rowCount, coordinateCount, planes } = points;
  const wordCount = Math.ceil(rowCount / WORD_ROWS);
  const space = new Uint8Array(buffer, spaceAt, wordCount * WORD_ROWS);
  for (let p = 0; p * PANEL_COLUMNS < coordinateCount; p++) {
    space.set(planes.subarray(p * rowCount, (p + 1) * rowCount));
    kernels.columnsOfPlane(spaceAt, panelsAt + p * wordCount * LINE_BYTES, wordCount);
  }
}

/** The bits of rows with weight 1 among weights of 0 and 1 (all rows without weights); returns how many there are. */
export function writeMask(
  buffer: ArrayBuffer,
  at: number,
  rowCount: number,
  rowWeights: Float64Array | undefined,
): number {
  const bytes = new Uint8Array(buffer, at, Math.ceil(rowCount / 8));
  if (rowWeights === undefined) {
    bytes.fill(255);
    if (rowCount % 8 !== 0) bytes[bytes.length - 1] = 2 ** (rowCount % 8) - 1;
    return rowCount;
  }
  let count = 0;
  for (let i = 0; i < rowCount; i++) {
    bytes[i >> 3] |= rowWeights[i] << (i & 7);
    count += rowWeights[i];
  }
  return count;
}

/** Where a column stands from the first panel on. */
export function columnOffset(column: number, panelBytes: number): number {
  return Math.floor(column / PANEL_COLUMNS) * panelBytes + (column % PANEL_COLUMNS) * 8;
}

// By definition: a sign per row and column.
function createReferenceColumns(points: PackedPoints, rowWeights: Float64Array | undefined): ParityColumns {
  const { rowCount, coordinateCount } = points;
  const columns: Int8Array[] = [];
  const correlations = (rowValues: Float64Array, into: Float64Array): void => {
    checkRows(rowCount, rowValues, 'row values');
    checkLength(columns.length, into);
    for (const [b, column] of columns.entries()) {
      into[b] = 0;
      for (let i = 0; i < rowCount; i++) into[b] += column[i] * rowValues[i];
    }
  };
  return {
    rowCount,
    get count(): number {
      return columns.length;
    },
    append(members: ArrayLike<number>): number {
      checkMembers(coordinateCount, members);
      return columns.push(Int8Array.from({ length: rowCount }, (_, i) => parity(points, i, members))) - 1;
    },
    remove(a: number): void {
      checkColumn(columns.length, a);
      const last = columns.pop() as Int8Array;
      if (a < columns.length) columns[a] = last;
    },
    clear(): void {
      columns.length = 0;
    },
    products(a: number, into: Float64Array): void {
      checkColumn(columns.length, a);
      correlations(
        Float64Array.from(columns[a], (sign, i) => sign * (rowWeights?.[i] ?? 1)),
        into,
      );
    },
    correlations,
    combine(coefficients: Float64Array, into: Float64Array): void {
      checkRows(rowCount, into, 'row values');
      checkLength(columns.length, coefficients);
      into.fill(0);
      for (const [b, column] of columns.entries()) {
        for (let i = 0; i < rowCount; i++) into[i] += coefficients[b] * column[i];
      }
    },
  };
}

function checkMembers(coordinateCount: number, members: ArrayLike<number>): void {
  if (members.length > coordinateCount) {
    throw new RangeError(`${members.length} members; expected at most ${coordinateCount}, each coordinate once`);
  }
  for (let k = 0; k < members.length; k++) {
    if (!Number.isInteger(members[k]) || members[k] < 0 || members[k] >= coordinateCount) {
      throw new RangeError(`coordinate ${members[k]}; expected a whole number from 0 to ${coordinateCount - 1}`);
    }
  }
}

function checkColumn(count: number, a: number): void {
  if (!Number.isInteger(a) || a < 0 || a >= count) throw new RangeError(`column ${a}; there are ${count}`);
}

function checkLength(count: number, vector: Float64Array): void {
  if (vector.length < count) throw new RangeError(`expected room for ${count} columns, got ${vector.length}`);
}

function checkRows(rowCount: number, vector: Float64Array, what: string): void {
  if (vector.length !== rowCount) throw new RangeError(`expected ${rowCount} ${what}, got ${vector.length}`);
}

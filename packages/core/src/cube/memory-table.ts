/**
 * A `Table` over arrays in memory, for library users, the browser and tests. It is also the plainest statement of what
 * the `Table` contract means: the table over files is tested against it. One `Map` of values per column is the whole
 * machinery; tables that do not fit in memory belong to the Node package.
 */
import { FewfireError, nextTurn, type RunOptions, throwIfAborted, unknownColumn } from '../base/index.ts';
import {
  type Cell,
  checkBins,
  checkMask,
  columnReading,
  compareCells,
  nonZeroLabel,
  notANumber,
  profileOfCounts,
  readNumber,
  readQuantity,
  readText,
  refusedMissing,
  UNSEEN_LIMIT,
  unusableColumn,
} from './cells.ts';
import { columnCoordinateNames, type EncodedColumn, type EncoderSpec } from './encoder.ts';
import { createFingerprintBuilder } from './fingerprints.ts';
import { type CubePoints, createCubePoints, cubePointsBytes, selectRows } from './points.ts';
import type { ColumnType } from './profile.ts';
import {
  type EncodedPart,
  type EncodedRows,
  type RowRange,
  rowRanges,
  type Table,
  type TableColumn,
  type UnseenValue,
} from './table.ts';

/** A column of `memoryTable`: any array of texts, numbers and booleans; null and undefined are missing. */
export type MemoryColumn =
  | readonly (string | number | boolean | null | undefined)[]
  | Float64Array
  | Float32Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

interface Column extends TableColumn {
  /** Cells as they count: booleans, numbers, or trimmed texts (columns that mix types are texts); null is missing. */
  readonly cells: readonly (Cell | null)[];
}

/**
 * A table over arrays in memory. The arrays are read when the table is made; later changes to them are not seen.
 *
 * @param columns one array per column, all of the same length; a column of booleans or of numbers has that type, any
 *   other is text (which reads as numbers when every cell does)
 * @throws FewfireError `invalid-data` when lengths differ
 */
export function memoryTable(
  columns: Readonly<Record<string, MemoryColumn>>,
  options: { readonly label?: string } = {},
): Table {
  const label = options.label ?? 'the table';
  const entries = Object.entries(columns);
  const rowCount = entries[0]?.[1].length ?? 0;
  for (const [name, cells] of entries) {
    if (cells.length !== rowCount) {
      throw new FewfireError(
        'invalid-data',
        `column ${JSON.stringify(name)} of ${label} has ${cells.length} cells, expected ${rowCount} as in ${JSON.stringify(entries[0][0])}`,
      );
    }
  }
  return tableOfColumns(label, rowCount, new Map(entries.map(([name, cells]) => [name, readColumn(name, cells)])));
}

function tableOfColumns(label: string, rowCount: number, byName: Map<string, Column>): Table {
  const find = (name: string): Column => {
    const column = byName.get(name);
    if (column === undefined) throw unknownColumn(name, [...byName.keys()], label);
    if (column.type === 'unusable') throw unusableColumn(label, name, column.sourceType);
    return column;
  };

  const encode = async (spec: EncoderSpec, options: RunOptions = {}): Promise<EncodedRows> => {
    const found = spec.columns.map((column) => find(column.column));
    const { points, missing, unseen, dropped } = await encodeColumns(label, rowCount, spec, found, options);
    if (dropped === undefined) return { points, rows: undefined, unseen, missing };
    const rows = Uint32Array.from(dropped.keys()).filter((row) => dropped[row] === 0);
    return { points: selectRows(points, rows), rows, unseen, missing };
  };

  return {
    label,
    rowCount,
    columns: [...byName.values()].map(({ name, type, sourceType }) => ({ name, type, sourceType })),

    async profile(names, options = {}) {
      const bins = checkBins(options.bins);
      const mask = checkMask(options.mask, rowCount);
      const found = names.map(find);
      const profiles = [];
      for (const column of found) {
        await pause(options, 'profiling', profiles.length, found.length);
        profiles.push(profileColumn(column, mask, bins));
      }
      return profiles;
    },

    encode,

    async encodeParts(spec, options) {
      const { points, rows, unseen, missing } = await encode(spec, options);
      const parts = async function* (): AsyncGenerator<EncodedPart> {
        for (const range of rowRanges(rowCount)) yield partOf(points, rows, range);
      };
      return { unseen, missing, parts: parts() };
    },

    async texts(name, options = {}) {
      throwIfAborted(options.signal);
      const column = find(name);
      const asNumber = options.spelling !== 'source' && profileType(column) === 'number';
      const { firstRow, endRow } = options.range ?? { firstRow: 0, endRow: rowCount };
      return column.cells
        .slice(firstRow, endRow)
        .map((cell) => (cell === null ? null : asNumber ? String(toNumber(cell)) : String(cell)));
    },

    async numbers(name, options = {}) {
      throwIfAborted(options.signal);
      const column = find(name);
      const { firstRow, endRow } = options.range ?? { firstRow: 0, endRow: rowCount };
      return Float64Array.from(column.cells.slice(firstRow, endRow), (cell, i) => {
        if (cell === null) return Number.NaN;
        const number = toNumber(cell);
        if (number === undefined || !Number.isFinite(number)) throw notANumber(label, name, firstRow + i, String(cell));
        return number;
      });
    },

    // The cells are the caller's.
    heldBytes: async () => 0,

    async fingerprints(names, options = {}) {
      const builder = createFingerprintBuilder(rowCount);
      for (const [k, name] of names.entries()) {
        await pause(options, 'comparing', k, names.length);
        find(name).cells.forEach((cell, row) => {
          const number = typeof cell === 'string' && options.numbers === true ? readNumber(cell) : undefined;
          // A text is marked, a missing cell is no empty text.
          builder.addText(row, cell === null ? '' : `.${number ?? cell}`);
        });
      }
      return { by: 'memory', values: builder.values() };
    },

    async nonZeroRows(name, options = {}) {
      throwIfAborted(options.signal);
      const column = find(name);
      const rows = column.cells.flatMap((cell, row) => (cell !== null && toNumber(cell) === 0 ? [] : [row]));
      if (rows.length === rowCount) return undefined;
      const pick = (whole: Column): Column => ({
        ...whole,
        cells: whole.cells.length === 0 ? [] : rows.map((row) => whole.cells[row]),
      });
      return tableOfColumns(
        nonZeroLabel(label, name),
        rows.length,
        new Map([...byName].map(([key, whole]) => [key, pick(whole)])),
      );
    },

    async close() {
      byName.clear();
    },
  };
}

// The encoded rows of a range; `rows` are those encoded, if not all.
function partOf(points: CubePoints, rows: Uint32Array | undefined, range: RowRange): EncodedPart {
  const { firstRow, endRow } = range;
  const inside = rows?.filter((row) => row >= firstRow && row < endRow);
  const before = rows === undefined ? firstRow : rows.filter((row) => row < firstRow).length;
  const count = inside?.length ?? endRow - firstRow;
  const positions = Uint32Array.from({ length: count }, (_, i) => before + i);
  return { range, points: selectRows(points, positions), rows: count === endRow - firstRow ? undefined : inside };
}

function readColumn(name: string, raw: MemoryColumn): Column {
  const kinds = new Set<string>();
  for (const cell of raw) if (cell !== null && cell !== undefined) kinds.add(typeof cell);
  const unknown = [...kinds].find((kind) => kind !== 'string' && kind !== 'number' && kind !== 'boolean');
  if (unknown !== undefined) return { name, type: 'unusable', sourceType: unknown, cells: [] };
  const only = kinds.size === 1 ? [...kinds][0] : 'string';
  const type: ColumnType = only === 'boolean' || only === 'number' ? only : 'text';
  const cells = Array.from(raw, (cell: Cell | null | undefined) => {
    if (cell === null || cell === undefined) return null;
    if (type === 'number') return (cell as number) + 0;
    return type === 'boolean' ? cell : readText(String(cell));
  });
  return { name, type, sourceType: only, cells };
}

function toNumber(cell: Cell): number | undefined {
  return typeof cell === 'string' ? readQuantity(cell) : Number(cell);
}

// The type a profile gives: texts are numbers when every one of them reads as a number.
function profileType(column: Column): ColumnType {
  if (column.type !== 'text') return column.type as ColumnType;
  let any = false;
  for (const cell of column.cells) {
    if (cell === null) continue;
    any = true;
    if (readNumber(cell as string) === undefined) return 'text';
  }
  return any ? 'number' : 'text';
}

function profileColumn(column: Column, mask: Uint8Array | undefined, bins: number) {
  const type = profileType(column);
  const counts = new Map<Cell, number>();
  let rowCount = 0;
  let missingCount = 0;
  column.cells.forEach((cell, row) => {
    if (mask !== undefined && mask[row] === 0) return;
    rowCount++;
    const value = cell !== null && type === 'number' ? (toNumber(cell) as number) : cell;
    if (value === null) missingCount++;
    else counts.set(value, (counts.get(value) ?? 0) + 1);
  });
  return profileOfCounts({ name: column.name, type, rowCount, missingCount }, counts, bins);
}

async function encodeColumns(
  label: string,
  rowCount: number,
  spec: EncoderSpec,
  columns: readonly Column[],
  options: RunOptions,
) {
  const coordinateCount = spec.columns.reduce((sum, column) => sum + columnCoordinateNames(column).length, 0);
  refuseLargePoints(label, rowCount, coordinateCount, options.memoryLimitBytes);
  const missing = spec.columns
    .map(({ column }, k) => ({ column, count: columns[k].cells.reduce((sum: number, c) => sum + +(c === null), 0) }))
    .filter((entry) => entry.count > 0);
  const refused = refusedMissing(label, spec.columns, missing, rowCount);
  if (refused !== undefined) throw refused;

  const points = createCubePoints(rowCount, coordinateCount);
  const unseen: UnseenValue[] = [];
  let dropped: Uint8Array | undefined;
  let first = 0;
  for (const [k, encoded] of spec.columns.entries()) {
    await pause(options, 'encoding', k, spec.columns.length);
    const { cells } = columns[k];
    const code = cellCoder(label, encoded, columns[k]);
    const strange = new Map<Cell, number>();
    const missingBit = encoded.missingCoordinate ? first + columnCoordinateNames(encoded).length - 1 : -1;
    for (let row = 0; row < rowCount; row++) {
      const cell = cells[row];
      if (cell === null) {
        if (missingBit >= 0) points.planes[(missingBit >> 3) * rowCount + row] |= 1 << (missingBit & 7);
        if (encoded.missing === 'drop') {
          dropped ??= new Uint8Array(rowCount);
          dropped[row] = 1;
        }
        continue;
      }
      const codes = code(cell, row);
      if (typeof codes === 'object') {
        for (const j of codes) {
          const bit = first + j;
          points.planes[(bit >> 3) * rowCount + row] |= 1 << (bit & 7);
        }
      } else strange.set(codes, (strange.get(codes) ?? 0) + 1);
    }
    unseen.push(...listUnseen(encoded.column, strange));
    first += columnCoordinateNames(encoded).length;
  }
  return { points, missing, unseen, dropped };
}

// From a cell to its codes that are a yes, or to the cell itself as it was read when it has not been seen.
function cellCoder(
  label: string,
  encoded: EncodedColumn,
  column: Column,
): (cell: Cell, row: number) => readonly number[] | Cell {
  const reading = columnReading(encoded, column.type as ColumnType);
  const known = new Map<Cell, number[]>(reading.reference.map((cell) => [cell, []]));
  reading.codes.forEach((cells, j) => {
    for (const cell of cells) known.set(cell, [...(known.get(cell) ?? []), j]);
  });
  return (cell, row) => {
    if (reading.as !== 'number') return known.get(cell) ?? cell;
    const number = toNumber(cell);
    if (number === undefined || !Number.isFinite(number)) {
      if (encoded.type === 'number') throw notANumber(label, encoded.column, row, String(cell));
      return number ?? cell;
    }
    if (reading.above === undefined) return known.get(number) ?? number;
    const codes: number[] = [];
    reading.above.forEach((threshold, j) => {
      if (number > threshold) codes.push(j);
    });
    return codes;
  };
}

function listUnseen(column: string, counts: ReadonlyMap<Cell, number>): UnseenValue[] {
  return [...counts]
    .sort((a, b) => b[1] - a[1] || compareCells(a[0], b[0]))
    .slice(0, UNSEEN_LIMIT)
    .map(([value, count]) => ({ column, value: String(value), count }));
}

/** Refuses points that would not fit. @throws FewfireError `memory-budget` */
export function refuseLargePoints(
  label: string,
  rowCount: number,
  coordinateCount: number,
  memoryLimitBytes: number | undefined,
): void {
  const bytes = cubePointsBytes(rowCount, coordinateCount);
  if (memoryLimitBytes === undefined || bytes <= memoryLimitBytes) return;
  const megabytes = (count: number): string => `${Math.ceil(count / 1e6).toLocaleString('en-US')} MB`;
  throw new FewfireError(
    'memory-budget',
    `${rowCount.toLocaleString('en-US')} rows of ${coordinateCount.toLocaleString('en-US')} coordinates (${label}) need ${megabytes(bytes)}, more than the ${megabytes(memoryLimitBytes)} allowed; raise --memory or use fewer columns`,
  );
}

async function pause(options: RunOptions, phase: string, done: number, total: number): Promise<void> {
  if (done % 16 === 0) await nextTurn();
  throwIfAborted(options.signal);
  options.onProgress?.({ phase, done, total, unit: 'steps' });
}

/**
 * A `Table` over arrays in memory, for library users, the browser and tests. It is also the plainest statement of what
 * the `Table` contract means: the table over files is tested against it. One `Map` of values per column is the whole
 * machinery; tables that do not fit in memory belong to the Node package.
 */
import {
  checkOptions,
  createTurn,
  FewfireError,
  pickKeys,
  type RowKeys,
  type RunOptions,
  rowsWhere,
  throwIfAborted,
  unknownColumn,
} from '../base/index.ts';
import {
  type Cell,
  checkBins,
  checkMask,
  columnReading,
  compareCells,
  countedTexts,
  missingTextsOf,
  nonZeroLabel,
  notADate,
  notANumber,
  profileOfCounts,
  readText,
  refuseAllUnseen,
  refuseDates,
  refusedMissing,
  spellingsOfAnswers,
  UNSEEN_LIMIT,
  unusableColumn,
} from './cells.ts';
import { columnCoordinateNames, type EncodedColumn, type EncoderSpec } from './encoder.ts';
import { createFingerprintBuilder } from './fingerprints.ts';
import { type CubePoints, createCubePoints, cubePointsBytes, selectRows } from './points.ts';
import type { ColumnProfile, ColumnType } from './profile.ts';
import {
  type EncodedPart,
  type EncodedRows,
  type RowRange,
  rowRanges,
  type Table,
  type TableColumn,
  type UnseenValue,
} from './table.ts';
import {
  type CellRules,
  datePart,
  dateText,
  isPlainNumber,
  likelyForm,
  missingNumbers,
  missingTest,
  readNumber,
  readTextNumber,
  recogniseTexts,
  type TextForm,
} from './text-form.ts';
import { answerOf } from './words.ts';

/**
 * A column of `memoryTable`: any array of texts, numbers, booleans and dates; null, undefined, NaN and invalid dates are
 * missing. Numbers of a Float32Array are what their shortest decimal says.
 */
export type MemoryColumn =
  | readonly (string | number | boolean | Date | null | undefined)[]
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
  /** Cells as they count: booleans, numbers, seconds of dates, or trimmed texts (columns that mix types are texts); null is missing. */
  readonly cells: readonly (Cell | null)[];
  /** Of texts: how they are read. Found when it is asked for first. */
  readonly form: () => TextForm;
}

/** Options of `memoryTable`. */
export interface MemoryTableOptions {
  readonly label?: string;
  /** What is said of the cells; the default is to recognise everything. */
  readonly rules?: CellRules | undefined;
  /** Whether texts are known to be texts: then NA is one. Default false, as in a text file. */
  readonly typedTexts?: boolean;
}

/**
 * A table over arrays in memory. The arrays are read when the table is made; later changes to them are not seen.
 *
 * @param columns one array per column, all of the same length; a column of booleans or of numbers has that type, any
 *   other is text (which reads as numbers when every cell does)
 * @throws FewfireError `invalid-data` when lengths differ
 * @example
 * ```ts
 * import { memoryTable } from '@fewfire/core';
 *
 * const table = memoryTable({ years: [3, 12], member: [true, false], city: ['Bern', null] });
 * console.log(table.columns.map(({ name, type }) => `${name}: ${type}`)); // [ 'years: number', 'member: boolean', 'city: text' ]
 * ```
 */
export function memoryTable(columns: Readonly<Record<string, MemoryColumn>>, options: MemoryTableOptions = {}): Table {
  checkOptions('memoryTable', options, { label: 'string', rules: 'object', typedTexts: 'boolean' });
  checkOptions('rules', options.rules ?? {}, {
    missingValues: 'names',
    text: 'names',
    number: 'names',
    decimal: ['.', ','],
    forms: 'object',
  });
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
  const reading = { rules: options.rules ?? {}, typed: options.typedTexts ?? false };
  const byName = new Map(entries.map(([name, cells]) => [name, readColumn(name, cells, reading)]));
  return tableOfColumns(label, rowCount, byName, reading);
}

/** How texts are read. */
interface Reading {
  readonly rules: CellRules;
  readonly typed: boolean;
}

function tableOfColumns(
  label: string,
  rowCount: number,
  byName: Map<string, Column>,
  reading: Reading,
  rowKeys?: RowKeys,
): Table {
  const find = (name: string): Column => {
    const column = byName.get(name);
    if (column === undefined) throw unknownColumn(name, [...byName.keys()], label);
    if (column.type === 'unusable') throw unusableColumn(label, name, column.sourceType);
    return column;
  };

  const encode = async (spec: EncoderSpec, options: RunOptions = {}): Promise<EncodedRows> => {
    const found = spec.columns.map((column) => find(column.column));
    const { points, missing, unseen, dropped } = await encodeColumns(
      { label, rowCount, reading },
      spec,
      found,
      options,
    );
    if (dropped === undefined) return { points, rows: undefined, unseen, missing };
    const rows = rowsWhere(dropped.length, (row) => dropped[row] === 0);
    return { points: selectRows(points, rows), rows, unseen, missing };
  };

  return {
    label,
    rowCount,
    columns: [...byName.values()].map(({ name, type, sourceType }) => ({ name, type, sourceType })),
    rules: reading.rules,
    rowKeys,

    async profile(names, options = {}) {
      const bins = checkBins(options.bins);
      const mask = checkMask(options.mask, rowCount);
      const found = names.map(find);
      const profiles = [];
      const step = createSteps('profiling', options);
      for (const column of found) {
        await step(profiles.length, found.length);
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
      const { firstRow, endRow } = options.range ?? { firstRow: 0, endRow: rowCount };
      const cells = column.cells.slice(firstRow, endRow);
      if (options.spelling === 'source') return cells.map((cell) => (cell === null ? null : sourceText(column, cell)));
      const read = profileCell(column);
      const answers = column.form().type === 'boolean' ? answerSpellings(column) : undefined;
      const isDate = profileType(column) === 'date';
      return cells.map((cell) => {
        const value = cell === null ? null : read(cell);
        if (value === null) return null;
        if (isDate) return dateText(value as number);
        return answers === undefined ? String(value) : answers[Number(answerOf(value as string))];
      });
    },

    async numbers(name, options = {}) {
      throwIfAborted(options.signal);
      const column = find(name);
      const { firstRow, endRow } = options.range ?? { firstRow: 0, endRow: rowCount };
      const form = textFormAs(column, 'number', reading.rules);
      const isMissing = missingTest(form);
      return Float64Array.from(column.cells.slice(firstRow, endRow), (cell, i) => {
        if (cell === null || (typeof cell === 'string' && isMissing(cell))) return Number.NaN;
        const number = typeof cell === 'string' ? readTextNumber(cell, form) : Number(cell);
        if (number === undefined || !Number.isFinite(number)) throw notANumber(label, name, firstRow + i, String(cell));
        return number;
      });
    },

    // The cells are the caller's.
    heldBytes: async () => 0,

    async fingerprints(names, options = {}) {
      const builder = createFingerprintBuilder(rowCount);
      const step = createSteps('comparing', options);
      for (const [k, name] of names.entries()) {
        await step(k, names.length);
        const column = find(name);
        const read = options.meaning === true ? meaningOf(column) : (cell: Cell): Cell => cell;
        column.cells.forEach((cell, row) => {
          const value = cell === null ? null : read(cell);
          // A text is marked, a missing cell is no empty text.
          builder.addText(row, value === null ? '' : `.${value}`);
        });
      }
      return { by: 'memory', values: builder.values() };
    },

    async nonZeroRows(name, options = {}) {
      throwIfAborted(options.signal);
      const column = find(name);
      const form = textFormAs(column, 'number', reading.rules);
      const numberOf = (cell: Cell) => (typeof cell === 'string' ? readTextNumber(cell, form) : Number(cell));
      const rows = column.cells.flatMap((cell, row) => (cell !== null && numberOf(cell) === 0 ? [] : [row]));
      if (rows.length === rowCount) return undefined;
      const pick = (whole: Column): Column => {
        const cells = whole.cells.length === 0 ? [] : rows.map((row) => whole.cells[row]);
        return { ...whole, cells, form: formFinder(whole.name, cells, reading) };
      };
      return tableOfColumns(
        nonZeroLabel(label, name),
        rows.length,
        new Map([...byName].map(([key, whole]) => [key, pick(whole)])),
        reading,
        pickKeys(rowKeys, Uint32Array.from(rows)),
      );
    },

    async close() {
      byName.clear();
    },
  };
}

// What a cell means, whatever its column: answers are 1 and 0, and so are the numbers that they may be elsewhere.
function meaningOf(column: Column): (cell: Cell) => Cell | null {
  const read = profileCell(column);
  const type = profileType(column);
  return (cell) => {
    const value = read(cell);
    if (value === null || typeof value === 'number') return value;
    if (type === 'boolean') return Number(typeof value === 'boolean' ? value : answerOf(value));
    return readNumber(value as string) ?? value;
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

function readColumn(name: string, raw: MemoryColumn, reading: Reading): Column {
  const kindOf = (cell: unknown): string => (cell instanceof Date ? 'date' : typeof cell);
  const kinds = new Set<string>();
  for (const cell of raw) if (cell !== null && cell !== undefined) kinds.add(kindOf(cell));
  const unknown = [...kinds].find((kind) => !['string', 'number', 'boolean', 'date'].includes(kind));
  const form = formFinder(name, [], reading);
  if (unknown !== undefined) return { name, type: 'unusable', sourceType: unknown, cells: [], form };
  const only = kinds.size === 1 ? [...kinds][0] : 'string';
  const type: ColumnType = only === 'boolean' || only === 'number' || only === 'date' ? only : 'text';
  const single = raw instanceof Float32Array;
  const absent = missingNumbers(reading.rules.missingValues, type);
  const cells = Array.from(raw, (cell: Cell | Date | null | undefined) => {
    if (cell === null || cell === undefined) return null;
    if (type === 'number') {
      if (Number.isNaN(cell) || absent.includes(cell as number)) return null;
      return (single ? shortestDecimal(cell as number) : (cell as number)) + 0;
    }
    if (cell instanceof Date) {
      const seconds = cell.getTime() / 1e3;
      if (Number.isNaN(seconds) || absent.includes(seconds)) return null;
      return type === 'date' ? seconds : cell.toISOString();
    }
    return type === 'boolean' ? (cell as boolean) : readText(String(cell));
  });
  if (type !== 'text') return { name, type, sourceType: only, cells, form };
  return { name, type, sourceType: only, cells, form: formFinder(name, cells, reading) };
}

function formFinder(name: string, cells: readonly (Cell | null)[], reading: Reading): () => TextForm {
  let found: TextForm | undefined;
  return () => (found ??= formOf(name, cells as readonly (string | null)[], reading));
}

// The number with the fewest digits that is this number in 32 bits.
function shortestDecimal(single: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return short;
  }
  return Number(single.toPrecision(9));
}

function formOf(name: string, cells: readonly (string | null)[], { rules, typed }: Reading): TextForm {
  const counts = new Map<string, number>();
  for (const cell of cells) if (cell !== null) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  const entries = [...counts];
  const plainCount = entries.reduce((sum, [text, count]) => sum + (isPlainNumber(text) ? count : 0), 0);
  return recogniseTexts({ name, entries, plainCount, typed }, rules);
}

// How texts are read as numbers or dates: as they were found to be, if they are, or the first odd one is to be named.
function textFormAs(column: Column, kind: 'number' | 'date', rules: CellRules): TextForm {
  const form = column.form();
  return form.type === kind ? form : likelyForm(rules, column.name, kind);
}

// How the texts of an encoded column are read as numbers or dates.
function valueForm({ type }: EncodedColumn, column: Column, rules: CellRules): TextForm {
  return column.type === 'text' && (type === 'number' || type === 'date')
    ? textFormAs(column, type, rules)
    : { type: 'text', missing: [] };
}

// The type a profile gives: texts are numbers when every one of them reads as a number.
function profileType(column: Column): ColumnType {
  return column.type === 'text' ? column.form().type : (column.type as ColumnType);
}

// From a cell to the value a profile counts, null where it is missing.
function profileCell(column: Column): (cell: Cell) => Cell | null {
  if (column.type !== 'text') return (cell) => cell;
  const form = column.form();
  const isMissing = missingTest(form);
  const isNumber = form.type === 'number' || form.type === 'date';
  return (cell) => {
    if (isMissing(cell as string)) return null;
    return isNumber ? (readTextNumber(cell as string, form) as number) : cell;
  };
}

// How a column of answers spells no and yes: as most of its cells do.
function answerSpellings(column: Column): readonly [string, string] {
  const counts = new Map<string, number>();
  for (const cell of column.cells) if (cell !== null) counts.set(cell as string, (counts.get(cell as string) ?? 0) + 1);
  return spellingsOfAnswers(counts);
}

function sourceText({ type }: Column, cell: Cell): string {
  return type === 'date' ? new Date((cell as number) * 1e3).toISOString() : String(cell);
}

function profileColumn(column: Column, mask: Uint8Array | undefined, bins: number): ColumnProfile {
  const type = profileType(column);
  const form = column.type === 'text' ? column.form() : undefined;
  const read = profileCell(column);
  const answers = type === 'boolean' && form !== undefined ? answerSpellings(column) : undefined;
  const counts = new Map<Cell, number>();
  const missing = new Map<string, number>();
  let rowCount = 0;
  let missingCount = 0;
  column.cells.forEach((cell, row) => {
    if (mask !== undefined && mask[row] === 0) return;
    rowCount++;
    const found = cell === null ? null : read(cell);
    const value = found !== null && answers !== undefined ? answers[Number(answerOf(found as string))] : found;
    if (value === null) {
      missingCount++;
      if (cell !== null) missing.set(cell as string, (missing.get(cell as string) ?? 0) + 1);
    } else counts.set(value, (counts.get(value) ?? 0) + 1);
  });
  const missingTexts = countedTexts(missing);
  return profileOfCounts({ name: column.name, type, rowCount, missingCount, form, missingTexts }, counts, bins);
}

async function encodeColumns(
  { label, rowCount, reading }: { readonly label: string; readonly rowCount: number; readonly reading: Reading },
  spec: EncoderSpec,
  columns: readonly Column[],
  options: RunOptions,
) {
  const coordinateCount = spec.columns.reduce((sum, column) => sum + columnCoordinateNames(column).length, 0);
  refuseLargePoints(label, rowCount, coordinateCount, options.memoryLimitBytes);
  const absent = spec.columns.map((encoded, k) => {
    const column = columns[k];
    if (column.type === 'text') {
      const missing = missingTextsOf(encoded, reading.typed, spec);
      const isMissing = missingTest({ ...valueForm(encoded, column, reading.rules), missing });
      return (cell: Cell | null): boolean => cell === null || isMissing(cell as string);
    }
    const numbers = missingNumbers(spec.missingValues, column.type);
    return (cell: Cell | null): boolean => cell === null || numbers.includes(cell as number);
  });
  const missing = spec.columns
    .map(({ column, part }, k) => ({
      column,
      part,
      count: columns[k].cells.reduce((sum: number, cell) => sum + Number(absent[k](cell)), 0),
    }))
    .filter((entry) => entry.count > 0 && entry.part === undefined)
    .map(({ column, count }) => ({ column, count }));
  const refused = refusedMissing(label, spec.columns, missing, rowCount);
  if (refused !== undefined) throw refused;

  const points = createCubePoints(rowCount, coordinateCount);
  const unseen: UnseenValue[] = [];
  let dropped: Uint8Array | undefined;
  let first = 0;
  const step = createSteps('encoding', options);
  for (const [k, encoded] of spec.columns.entries()) {
    await step(k, spec.columns.length);
    const { cells } = columns[k];
    const code = cellCoder(label, encoded, columns[k], reading.rules);
    const strange = new Map<Cell, number>();
    let presentCount = 0;
    let unknownCount = 0;
    const missingBit = encoded.missingCoordinate ? first + columnCoordinateNames(encoded).length - 1 : -1;
    for (let row = 0; row < rowCount; row++) {
      const cell = cells[row];
      if (cell === null || absent[k](cell)) {
        if (missingBit >= 0) points.planes[(missingBit >> 3) * rowCount + row] |= 1 << (missingBit & 7);
        if (encoded.missing === 'drop') {
          dropped ??= new Uint8Array(rowCount);
          dropped[row] = 1;
        }
        continue;
      }
      presentCount++;
      const codes = code.of(cell, row);
      if (typeof codes === 'object') {
        for (const j of codes) {
          const bit = first + j;
          points.planes[(bit >> 3) * rowCount + row] |= 1 << (bit & 7);
        }
        continue;
      }
      unknownCount++;
      strange.set(codes, (strange.get(codes) ?? 0) + 1);
    }
    const found = listUnseen(encoded.column, strange, code.areDates);
    refuseAllUnseen(label, encoded, presentCount, unknownCount, found);
    if (!code.others) unseen.push(...found);
    first += columnCoordinateNames(encoded).length;
  }
  return { points, missing, unseen, dropped };
}

// From a cell to its codes that are a yes, or to the cell itself as it was read when it is in no list.
function cellCoder(label: string, encoded: EncodedColumn, column: Column, rules: CellRules) {
  refuseDates(label, encoded, column.type as ColumnType);
  const reading = columnReading(encoded, column.type as ColumnType);
  const known = new Map<Cell, number[]>(reading.reference.map((cell) => [cell, []]));
  reading.codes.forEach((cells, j) => {
    for (const cell of cells) known.set(cell, [...(known.get(cell) ?? []), j]);
  });
  const isDate = encoded.type === 'date';
  const form = valueForm(encoded, column, rules);
  const asNumber = (cell: Cell, row: number): number => {
    const isOther = isDate && column.type !== 'text' && column.type !== 'date';
    const number = isOther ? undefined : typeof cell === 'string' ? readTextNumber(cell, form) : Number(cell);
    if (number !== undefined && Number.isFinite(number)) return number;
    throw (isDate ? notADate : notANumber)(label, encoded.column, row, String(cell));
  };
  const of = (cell: Cell, row: number): readonly number[] | Cell => {
    if (encoded.part !== undefined) {
      const part = datePart(asNumber(cell, row), encoded.part);
      return known.get(part) ?? part;
    }
    if (reading.above !== undefined) {
      const number = asNumber(cell, row);
      const codes: number[] = [];
      reading.above.forEach((threshold, j) => {
        if (number > threshold) codes.push(j);
      });
      return codes;
    }
    if (isDate) {
      const time = asNumber(cell, row);
      return known.get(time) ?? time;
    }
    if (reading.as !== 'number') return known.get(reading.lowerCase ? (cell as string).toLowerCase() : cell) ?? cell;
    if (encoded.type !== 'number') return known.get(cell) ?? cell;
    const number = asNumber(cell, row);
    return known.get(number) ?? number;
  };
  return { of, others: reading.others, areDates: reading.as === 'date' };
}

function listUnseen(column: string, counts: ReadonlyMap<Cell, number>, areDates: boolean): UnseenValue[] {
  return [...counts]
    .sort((a, b) => b[1] - a[1] || compareCells(a[0], b[0]))
    .slice(0, UNSEEN_LIMIT)
    .map(([value, count]) => ({ column, value: areDates ? dateText(Number(value)) : String(value), count }));
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
    `${rowCount.toLocaleString('en-US')} rows of ${coordinateCount.toLocaleString('en-US')} coordinates (${label}) need ${megabytes(bytes)}, more than the ${megabytes(memoryLimitBytes)} allowed; raise \`memoryLimitBytes\` or use fewer columns`,
  );
}

// Every step is reported, whether or not it is time to let others run.
function createSteps(
  phase: string,
  { signal, onProgress }: RunOptions,
): (done: number, total: number) => Promise<void> {
  const turn = createTurn(signal);
  return async (done, total) => {
    await turn();
    onProgress?.({ phase, done, total, unit: 'steps' });
  };
}

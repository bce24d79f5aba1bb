/**
 * The `Table` over a DuckDB relation. Columns are described by aggregate scans (all boolean and two-valued number
 * columns in one or two, not one group-by each), and coordinates are packed in SQL, eight boolean expressions to one
 * byte, so that what comes out of the engine are the planes of `CubePoints` themselves.
 *
 * Packing is tried first with expressions that are NULL wherever a cell is missing, unseen or not a number. Only if a
 * NULL comes out are the cells counted, refused or taken for a no: clean data is read once.
 *
 * Rows of separate statements are put side by side: inputs, targets, weights, columns kept. An engine may give rows in
 * any order (joins with several threads do), so every such statement carries the row's key, and it is checked.
 */

import type { DuckDBDataChunk, DuckDBVector } from '@duckdb/node-api';
import {
  type CellRules,
  type ColumnProfile,
  type ColumnType,
  createCubePoints,
  type EncodedColumn,
  type EncodedPart,
  type EncodedParts,
  type EncodedRows,
  type EncoderSpec,
  FewfireError,
  type RowRange,
  type RunOptions,
  selectRows,
  type Table,
  type TextForm,
  type UnseenValue,
  type ValueCount,
} from '@fewfire/core';
import {
  answerOf,
  type Cell,
  type ColumnReading,
  type CountedColumn,
  checkBins,
  checkMask,
  columnCoordinateNames,
  columnReading,
  countedTexts,
  createFingerprintBuilder,
  cutsAtQuantiles,
  dateText,
  isPlainNumber,
  likelyForm,
  MONTHS,
  missingNumbers,
  missingTest,
  missingTextsOf,
  nonZeroLabel,
  notADate,
  notANumber,
  PROFILE_VALUE_LIMIT,
  profileOfCounts,
  quantileRank,
  readTextNumber,
  recogniseTexts,
  refuseAllUnseen,
  refuseDates,
  refusedMissing,
  refuseLargePoints,
  rowRanges,
  rowsWhere,
  spellingsOfAnswers,
  throwIfAborted,
  UNSEEN_LIMIT,
  unknownColumn,
  unusableColumn,
  valuesOfParts,
  WEEKDAYS,
  YES_WORDS,
} from '@fewfire/core/internal';
import type { Engine } from './engine.ts';
import { doubleLiteral, partOfDate, presentCell, presentNumber, quoteLiteral, textNumber, textValue } from './sql.ts';

export interface RelationColumn {
  readonly name: string;
  readonly type: ColumnType | 'unusable';
  readonly sourceType: string;
  /** Of texts: whether the source states that they are, as Parquet does and CSV does not. */
  readonly typed: boolean;
  /** The column that holds the cell: BOOLEAN, DOUBLE (of dates the seconds since 1970), or trimmed VARCHAR; NULL when empty. */
  readonly cell: string;
  /** The expression of the cell as the source spells it, when that is not the cell's own text. */
  readonly source: string | undefined;
}

/** What a `Table` is made of: a relation whose scans give its rows in the order of the source. */
export interface Relation {
  readonly label: string;
  readonly name: string;
  /** The expression of a row's key: its position in the source, from 0 without gaps. */
  readonly rowKey: string;
  /** Where these are some rows of a whole: the expression of a row's position there. */
  readonly wholeKey?: string;
  readonly rowCount: number;
  readonly columns: readonly RelationColumn[];
  /** What was said of the cells. */
  readonly rules: CellRules;
  /** Whether the source is of a kind that has decimal commas. */
  readonly commaFirst: boolean;
}

/** How the columns of texts are read, as far as it is known: a property of the whole column, found out once. */
type Forms = Map<string, TextForm>;

// Up to this many distinct values are counted out to JavaScript; of more, SQL finds the quantiles and the most frequent.
const COUNTED_OUT = 1024;
// Of what the engine counts, what its process takes (measured: 230 MB for 151, at 2,000,000 rows of 10 columns).
const OVERHEAD = 1.5;
// DuckDB's planner takes time that grows with the square of a statement's aggregates: 300 columns in scans of 64 take
// 0.17 s, in scans of 256 0.42 s.
const COLUMNS_PER_SCAN = 64;
// Where a table has few rows a statement costs more than its scan, so many columns are grouped in one: 300 columns of
// 70 rows take 0.15 s instead of 0.72 s. All of their values are counted out: quantiles of one column take some statements
// more, and 56 columns of 1,400 measurements took 4 s instead of 0.2 s.
const FEW_ROWS = 2 ** 14;
const GROUPINGS_PER_STATEMENT = 32;
const PLANES_PER_SCAN = 32;
// Planning grows with the square here too: 300 columns of text in one scan take 4 s to plan.
const HASHES_PER_SCAN = 16;

export function duckdbTable(engine: Engine, given: Relation): Table {
  const relation = withoutMissingNumbers(given);
  const { label, rowCount, name: data } = relation;
  const byName = new Map(relation.columns.map((column) => [column.name, column]));
  const forms: Forms = new Map();

  const find = (name: string): RelationColumn => {
    const column = byName.get(name);
    if (column === undefined) throw unknownColumn(name, [...byName.keys()], label);
    if (column.type === 'unusable') throw unusableColumn(label, name, column.sourceType);
    return column;
  };

  const formOf = async (column: RelationColumn, options: RunOptions): Promise<TextForm> => {
    const known = forms.get(column.name);
    if (known !== undefined) return known;
    const groups = engine.newName('texts');
    const run = { signal: options.signal, label };
    await engine.run(
      `CREATE OR REPLACE TEMP TABLE ${groups} AS SELECT ${column.cell} AS v, count(*) AS n FROM ${data} GROUP BY 1`,
      run,
    );
    try {
      const form = await formOfGroups(engine, relation, column, groups, run);
      forms.set(column.name, form);
      return form;
    } finally {
      await engine.run(`DROP TABLE IF EXISTS ${groups}`);
    }
  };

  const numberForm = async (column: RelationColumn, options: RunOptions): Promise<TextForm> => {
    const form = await formOf(column, options);
    return form.type === 'number' ? form : likelyForm(relation.rules, column.name, 'number');
  };

  // Whoever reads a part of the rows must read the others by the same form: it is looked at over all of them, once.
  const checked = new Set<string>();
  const checkForm = async (column: RelationColumn, options: RunOptions): Promise<void> => {
    if (forms.has(column.name) || checked.has(column.name)) return;
    const form = likelyForm(relation.rules, column.name, 'number');
    const [unread] = await engine.numbers(
      `SELECT count_if((${presentCell(column.cell, form)}) IS NOT NULL AND (${textValue(column.cell, form)}) IS NULL) FROM ${data}`,
      { signal: options.signal, label },
    );
    if (unread !== 0) await formOf(column, options);
    checked.add(column.name);
  };

  // From a present text to how a profile spells it.
  const textReader = async (
    { cell }: RelationColumn,
    form: TextForm,
    options: RunOptions,
  ): Promise<(text: string) => string> => {
    if (form.type === 'text') return (text) => text;
    if (form.type !== 'boolean')
      return (text) => (form.type === 'date' ? dateText : String)(readTextNumber(text, form) as number);
    const run = { signal: options.signal, label };
    const rows = await engine.rows(`SELECT ${cell}, count(*) FROM ${data} WHERE ${cell} IS NOT NULL GROUP BY 1`, run);
    const spelled = spellingsOfAnswers(rows.map(([text, n]) => [String(text), Number(n)] as const));
    return (text) => spelled[Number(answerOf(text))];
  };

  const cellsOf = async (
    expression: string,
    options: RunOptions & { readonly range?: RowRange },
  ): Promise<(Cell | null)[]> => {
    const cells: (Cell | null)[] = [];
    const rows = keyedRows(engine, relation, [expression], data, options);
    for await (const { chunk } of rows) {
      for (const value of chunk.getColumnValues(0)) cells.push(value as Cell | null);
    }
    return cells;
  };

  return {
    label,
    rowCount,
    columns: relation.columns.map(({ name, type, sourceType }) => ({ name, type, sourceType })),
    rules: relation.rules,

    async profile(names, options = {}) {
      const bins = checkBins(options.bins);
      const mask = checkMask(options.mask, rowCount);
      const found = names.map(find);
      throwIfAborted(options.signal);
      const scope = await openScope(engine, relation, mask, engine.newName('mask'));
      const groups = engine.newName('groups');
      const run = { signal: options.signal, label };
      const reading = { relation, forms, bins };
      try {
        const profiles = new Map<string, ColumnProfile>();
        let rest = await profileByScan(engine, scope, found, profiles, run);
        const report = (): void =>
          options.onProgress?.({ phase: 'profiling', done: profiles.size, total: found.length, unit: 'steps' });
        if (rowCount <= FEW_ROWS) {
          for (let start = 0; start < rest.length; start += GROUPINGS_PER_STATEMENT) {
            report();
            const part = rest.slice(start, start + GROUPINGS_PER_STATEMENT);
            await profileByGroupings(engine, scope, part, profiles, reading, run);
          }
          rest = [];
        }
        for (const column of rest) {
          report();
          profiles.set(column.name, await profileByGroups(engine, scope, column, groups, reading, run));
        }
        return found.map((column) => profiles.get(column.name) as ColumnProfile);
      } finally {
        const dropping = scope.close().then(() => engine.run(`DROP TABLE IF EXISTS ${groups}`));
        dropping.catch(() => undefined);
      }
    },

    async encode(spec, options = {}) {
      const found = spec.columns.map((column) => find(column.column));
      return await withForms(relation, forms, formOf, options, (guessed) =>
        encodeRelation(engine, relation, spec, found, guessed, options),
      );
    },

    async encodeParts(spec, options = {}) {
      const found = spec.columns.map((column) => find(column.column));
      return await withForms(relation, forms, formOf, options, (guessed) =>
        encodeRelationParts(engine, relation, spec, found, guessed, options),
      );
    },

    async texts(name, options = {}) {
      const column = find(name);
      const { spelling = 'profile', ...run } = options;
      if (spelling === 'source') {
        const cells = await cellsOf(column.source ?? column.cell, run);
        return cells.map((cell) => (cell === null ? null : String(cell)));
      }
      if (column.type !== 'text') {
        const cells = await cellsOf(column.cell, run);
        const isDate = column.type === 'date';
        return cells.map((cell) => (cell === null ? null : isDate ? dateText(cell as number) : String(cell)));
      }
      const form = await formOf(column, run);
      const isMissing = missingTest(form);
      const read = await textReader(column, form, run);
      const cells = (await cellsOf(column.cell, run)) as (string | null)[];
      return cells.map((cell) => (cell === null || isMissing(cell) ? null : read(cell)));
    },

    async numbers(name, options = {}) {
      const column = find(name);
      if (options.range !== undefined && column.type === 'text') await checkForm(column, options);
      return await withForms(relation, forms, formOf, options, (guessed) =>
        readNumbers(engine, relation, column, guessed, options),
      );
    },

    async heldBytes() {
      const [bytes] = await engine.numbers('SELECT sum(memory_usage_bytes) FROM duckdb_memory()');
      return OVERHEAD * (bytes ?? 0);
    },

    async fingerprints(names, options = {}) {
      const { meaning = false, ...run } = options;
      const builder = createFingerprintBuilder(rowCount);
      const cells: string[] = [];
      for (const name of names) {
        const column = find(name);
        if (!meaning) cells.push(`hash(${column.cell})`);
        else cells.push(hashOfMeaning(column, column.type === 'text' ? await formOf(column, run) : undefined));
      }
      for (let start = 0; start < cells.length; start += HASHES_PER_SCAN) {
        const part = cells.slice(start, start + HASHES_PER_SCAN);
        // 53 of 64 bits: what a double holds.
        const hashes = await cellsOf(`(hash(${part.join(', ')}) >> 11)::DOUBLE`, run);
        for (const [row, hash] of hashes.entries()) builder.addBits(row, hash as number);
      }
      return { by: 'duckdb', values: builder.values() };
    },

    async nonZeroRows(name, options = {}) {
      const column = find(name);
      const number =
        column.type === 'text' ? textValue(column.cell, await numberForm(column, options)) : `${column.cell}::DOUBLE`;
      const condition = `(${number}) IS DISTINCT FROM 0`;
      const run = { ...options, label };
      const [kept] = (await engine.numbers(`SELECT count(*) FILTER (${condition}) FROM ${data}`, run)) as [number];
      if (kept === rowCount) return undefined;
      const rows = engine.newName('rows');
      // Copied, so that its rows have an order and numbers of their own; beside them it keeps those of the whole.
      const wholeKey = 'whole_key';
      const cells = given.wholeKey === undefined ? `*, (${given.rowKey})::UINTEGER AS ${wholeKey}` : '*';
      await engine.run(`CREATE TABLE ${rows} AS SELECT ${cells} FROM ${data} WHERE ${condition}`, run);
      const place = { name: rows, label: nonZeroLabel(label, name), rowCount: kept, rowKey: 'rowid', wholeKey };
      const copy = { ...given, ...place };
      const close = async (): Promise<void> => {
        await engine.run(`DROP TABLE IF EXISTS ${rows}`);
      };
      try {
        return { ...duckdbTable(engine, copy), rowKeys: await readKeys(engine, copy, options), close };
      } catch (error) {
        await close();
        throw error;
      }
    },

    close: () => engine.close(),
  };
}

// Typed numbers and dates that were said to be missing are, as they are in a file of texts.
function withoutMissingNumbers(relation: Relation): Relation {
  const { missingValues } = relation.rules;
  const columns = relation.columns.map((column) => ({
    ...column,
    cell: presentNumber(column.cell, missingNumbers(missingValues, column.type)),
  }));
  return { ...relation, columns };
}

function checkRowCount(label: string, found: number, expected: number): void {
  if (found === expected) return;
  throw new FewfireError(
    'file-unreadable',
    `${label} gave ${found} rows, expected ${expected}: it changed while it was read; run again when it is complete`,
  );
}

// ---- how texts are read

// A hash of what a cell means, whatever its column: answers are 1 and 0, and so are the numbers that they may be elsewhere.
function hashOfMeaning({ type, cell }: RelationColumn, form: TextForm | undefined): string {
  const hashed = (value: string): string => `WHEN ${value} IS NOT NULL THEN hash(${value})`;
  if (form === undefined) return `CASE ${hashed(type === 'boolean' ? `${cell}::INTEGER::DOUBLE` : cell)} ELSE 0 END`;
  const present = presentCell(cell, form);
  if (form.type === 'number' || form.type === 'date') {
    return `CASE WHEN (${present}) IS NULL THEN 0 ELSE hash(${textValue(cell, form)} + 0) END`;
  }
  const number =
    form.type === 'boolean'
      ? `(lower(${cell}) IN (${YES_WORDS.map(quoteLiteral).join(', ')}))::INTEGER::DOUBLE`
      : `(${textNumber(cell)} + 0)`;
  return `CASE WHEN (${present}) IS NULL THEN 0 ${hashed(number)} ELSE hash(${cell}) END`;
}

/** Of more odd texts than these the most frequent are looked at first, and what they seem to be is checked for all. */
const ODD_TEXTS = 1000;

/** @param groups a table of the different texts `v` of a column and how many rows have each, `n` */
async function formOfGroups(
  engine: Engine,
  { rules, commaFirst }: Relation,
  { name, typed }: RelationColumn,
  groups: string,
  run: Run,
): Promise<TextForm> {
  const [plainCount] = await engine.numbers(
    `SELECT coalesce(sum(n) FILTER (${textNumber('v')} IS NOT NULL), 0) FROM ${groups} WHERE v IS NOT NULL`,
    run,
  );
  const odd = await engine.rows(
    `SELECT v, n FROM ${groups} WHERE v IS NOT NULL AND ${textNumber('v')} IS NULL ORDER BY n DESC, v LIMIT ${ODD_TEXTS}`,
    run,
  );
  // Answers are few, so the plain numbers among them are listed too.
  const few = await engine.rows(`SELECT v, n FROM ${groups} WHERE v IS NOT NULL LIMIT ${ODD_TEXTS}`, run);
  const listed = few.length < ODD_TEXTS ? few : odd;
  const entries = listed.map(([text, n]) => [String(text), Number(n)] as const);
  for (;;) {
    const form = recogniseTexts({ name, entries, plainCount: plainCount ?? 0, typed, commaFirst }, rules);
    if (few.length < ODD_TEXTS) return form;
    // What the texts that were looked at leave open, others may settle: those that it does not read are looked at too.
    const possible: readonly TextForm[] = form.ambiguousDates
      ? (['dmy', 'mdy'] as const).map((date) => ({ ...form, type: 'date', date }))
      : [form];
    const lookedAt = entries.length;
    for (const each of possible) {
      if (each.type !== 'number' && each.type !== 'date') continue;
      const unread = await engine.rows(
        `SELECT v, n FROM ${groups} WHERE (${presentCell('v', each)}) IS NOT NULL AND (${textValue('v', each)}) IS NULL ORDER BY n DESC, v LIMIT 1`,
        run,
      );
      for (const [text, n] of unread) {
        if (!entries.some(([known]) => known === text)) entries.push([String(text), Number(n)]);
      }
    }
    if (entries.length === lookedAt) return form;
  }
}

/** How a column of numbers or dates is to be read, by whom it is asked for as such. */
type FormGuess = (column: RelationColumn, kind: 'number' | 'date') => TextForm;

/**
 * Does what reads texts as numbers by the likeliest form, so that nothing is read twice where that is right; and where it
 * is not, again by the forms found. A column that is of another kind keeps the likeliest form, by which its first odd
 * cell is named.
 * @param task all of the columns' cells must be read by it, or some that are read by the wrong form may pass
 */
async function withForms<T>(
  relation: Relation,
  forms: Forms,
  formOf: (column: RelationColumn, options: RunOptions) => Promise<TextForm>,
  options: RunOptions,
  task: (guessed: FormGuess) => Promise<T>,
): Promise<T> {
  const guessed = new Set<RelationColumn>();
  const guess: FormGuess = (column, kind) => {
    const known = forms.get(column.name);
    if (known === undefined) guessed.add(column);
    return known?.type === kind ? known : likelyForm(relation.rules, column.name, kind);
  };
  try {
    return await task(guess);
  } catch (error) {
    if (!(error instanceof UnreadCell)) throw error;
    if (guessed.size === 0) throw error.refusal;
    for (const column of guessed) await formOf(column, options);
    try {
      return await task(guess);
    } catch (again) {
      throw again instanceof UnreadCell ? again.refusal : again;
    }
  }
}

// A cell that is not what its column should be, read by a form that may be the wrong one.
class UnreadCell extends Error {
  readonly refusal: FewfireError;

  constructor(refusal: FewfireError) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

// ---- rows in their order

/**
 * The rows of a statement over a relation, chunk by chunk. Each chunk has the expressions' columns and then the key; what
 * comes is in the order of the source, every row of the range, or it is an error.
 * @param from the relation, or a selection of it that has the key as `row_key`
 */
async function* keyedRows(
  engine: Engine,
  { label, rowKey, rowCount }: Pick<Relation, 'label' | 'rowKey' | 'rowCount'>,
  expressions: readonly string[],
  from: string,
  options: RunOptions & { readonly onShare?: (share: number) => void; readonly range?: RowRange | undefined },
): AsyncGenerator<{ readonly chunk: DuckDBDataChunk; readonly firstRow: number }> {
  const { signal, onShare, range } = options;
  const { firstRow: start, endRow } = range ?? { firstRow: 0, endRow: rowCount };
  const where = range === undefined ? '' : ` WHERE ${rowKey} >= ${start} AND ${rowKey} < ${endRow}`;
  const sql = `SELECT ${[...expressions, `(${rowKey})::UINTEGER`].join(', ')} FROM ${from}${where}`;
  let firstRow = start;
  for await (const chunk of await engine.run(sql, { signal, onShare, label })) {
    const keys = rawVector(chunk.getColumnVector(expressions.length), Uint32Array);
    if (!allValid(keys.validity.data, chunk.rowCount)) throw outOfOrder(label, 'none', firstRow);
    for (let i = 0; i < chunk.rowCount; i++) {
      if (keys.items[i] !== firstRow + i) throw outOfOrder(label, keys.items[i] + 1, firstRow + i);
    }
    if (firstRow + chunk.rowCount > endRow) checkRowCount(label, firstRow + chunk.rowCount, endRow);
    yield { chunk, firstRow };
    firstRow += chunk.rowCount;
  }
  checkRowCount(label, firstRow, endRow);
}

// Where each row stood in the whole that these are some rows of.
async function readKeys(
  engine: Engine,
  relation: Relation & { readonly wholeKey: string },
  options: RunOptions,
): Promise<Uint32Array> {
  const keys = new Uint32Array(relation.rowCount);
  const { name, wholeKey } = relation;
  for await (const { chunk, firstRow } of keyedRows(engine, relation, [wholeKey], name, options)) {
    keys.set(rawVector(chunk.getColumnVector(0), Uint32Array).items.subarray(0, chunk.rowCount), firstRow);
  }
  return keys;
}

function outOfOrder(label: string, found: number | string, expectedRow: number): FewfireError {
  return new FewfireError(
    'file-unreadable',
    `${label} gave row ${found} where row ${expectedRow + 1} was expected, so nothing was made of its rows; did the file change? run again, and if it stays so, report it as a fault of fewfire`,
  );
}

async function readNumbers(
  engine: Engine,
  relation: Relation,
  column: RelationColumn,
  guessed: FormGuess,
  options: RunOptions & { readonly range?: RowRange },
): Promise<Float64Array> {
  const { label, rowCount, name: data } = relation;
  const form = column.type === 'text' ? guessed(column, 'number') : undefined;
  const isAbsent = form === undefined ? () => false : missingTest(form);
  const start = options.range?.firstRow ?? 0;
  const numbers = new Float64Array((options.range?.endRow ?? rowCount) - start);
  for await (const { chunk, firstRow } of keyedRows(engine, relation, [column.cell], data, options)) {
    let row = firstRow;
    for (const cell of chunk.getColumnValues(0)) {
      const isMissing = cell === null || isAbsent(String(cell));
      const number = isMissing ? Number.NaN : form === undefined ? Number(cell) : readTextNumber(String(cell), form);
      if (!isMissing && (number === undefined || !Number.isFinite(number))) {
        throw new UnreadCell(notANumber(label, column.name, row, String(cell)));
      }
      numbers[row++ - start] = (number as number) + 0;
    }
  }
  return numbers;
}

// ---- profiles

/** The rows a profile is about. */
interface Scope {
  readonly label: string;
  /** What stands behind FROM. */
  readonly from: string;
  /** The condition on rows, or undefined for all. */
  readonly selected: string | undefined;
  readonly rowCount: number;
  readonly totalCount: number;
  close(): Promise<void>;
}

async function openScope(
  engine: Engine,
  { label, name, rowKey, rowCount }: Relation,
  mask: Uint8Array | undefined,
  variable: string,
): Promise<Scope> {
  const scope = { label, from: name, totalCount: rowCount };
  if (mask === undefined) return { ...scope, selected: undefined, rowCount, close: async () => undefined };
  // Looked up by key, where a mask in a table would have to be joined.
  await engine.setBits(variable, mask);
  return {
    ...scope,
    selected: `get_bit(getvariable(${quoteLiteral(variable)}), (${rowKey})::INTEGER) = 1`,
    rowCount: mask.reduce((count, m) => count + Number(m !== 0), 0),
    close: async () => {
      await engine.run(`RESET VARIABLE ${variable}`);
    },
  };
}

type Run = { readonly signal: AbortSignal | undefined; readonly label: string };

// Profiles all boolean columns, and number columns of at most two values, by whole-table aggregates; returns the rest.
async function profileByScan(
  engine: Engine,
  scope: Scope,
  columns: readonly RelationColumn[],
  profiles: Map<string, ColumnProfile>,
  run: Run,
): Promise<RelationColumn[]> {
  const where = scope.selected === undefined ? '' : ` WHERE ${scope.selected}`;
  const scan = async (part: readonly RelationColumn[], aggregates: (column: RelationColumn) => string[]) => {
    const lists = part.map(aggregates);
    const row = await engine.numbers(`SELECT count(*), ${lists.flat().join(', ')} FROM ${scope.from}${where}`, run);
    checkRowCount(scope.label, row[0] ?? 0, scope.rowCount);
    const ends = lists.map((_, i) => lists.slice(0, i + 1).reduce((sum, list) => sum + list.length, 1));
    return lists.map((list, i) => row.slice(ends[i] - list.length, ends[i]));
  };
  const typed = columns.filter((column) => column.type === 'boolean' || column.type === 'number');
  for (let start = 0; start < typed.length; start += COLUMNS_PER_SCAN) {
    const part = typed.slice(start, start + COLUMNS_PER_SCAN);
    const first = await scan(part, ({ type, cell }) =>
      type === 'boolean'
        ? // Not count_if, which is null where no row is selected.
          [`count(${cell})`, `count(*) FILTER (${cell})`]
        : [
            `count(${cell})`,
            `count(*) FILTER (NOT isfinite(${cell}))`,
            `min(CASE WHEN isfinite(${cell}) THEN ${cell} END)`,
            `max(CASE WHEN isfinite(${cell}) THEN ${cell} END)`,
          ],
    );
    const numeric: { column: RelationColumn; present: number; odd: number; low: number; high: number }[] = [];
    part.forEach((column, i) => {
      const [present, second, low, high] = first[i].map((value) => value ?? Number.NaN);
      if (column.type === 'boolean') {
        const counts: [Cell, number][] = [
          [false, present - second],
          [true, second],
        ];
        profiles.set(column.name, profileOfCounts(counted(column, 'boolean', scope, present), counts, 2));
      } else numeric.push({ column, present, odd: second, low: low + 0, high: high + 0 });
    });
    // Columns whose smallest and largest value account for every cell have no third.
    const finite = numeric.filter(({ present, odd }) => present > odd);
    const atEnds =
      finite.length === 0
        ? []
        : await scan(
            finite.map(({ column }) => column),
            ({ cell, name }) => {
              const { low, high } = finite.find(({ column }) => column.name === name) as (typeof finite)[number];
              return [`count_if(${cell} = ${doubleLiteral(low)})`, `count_if(${cell} = ${doubleLiteral(high)})`];
            },
          );
    for (const { column, present, odd, low, high } of numeric) {
      const k = finite.findIndex((entry) => entry.column === column);
      const [atLow, atHigh] = k < 0 ? [0, 0] : atEnds[k].map((value) => value ?? 0);
      if (low < high ? atLow + atHigh < present - odd : atLow < present - odd) continue;
      const counts: [Cell, number][] = [
        [Number.NaN, odd],
        [low, atLow],
      ];
      if (low < high) counts.push([high, atHigh]);
      profiles.set(column.name, profileOfCounts(counted(column, 'number', scope, present), counts, 2));
    }
  }
  return columns.filter((column) => !profiles.has(column.name));
}

function counted({ name }: RelationColumn, type: ColumnType, { rowCount }: Scope, present: number): CountedColumn {
  return { name, type, rowCount, missingCount: rowCount - present };
}

/** How the values of columns are read and described. */
interface Reading {
  readonly relation: Relation;
  readonly forms: Forms;
  readonly bins: number;
}

/** SQL of a column's distinct values `v`: how many rows have each (`n`), and how many of those selected (`k`). */
function groupingOf({ cell }: RelationColumn, { from, selected }: Scope): string {
  const count = selected === undefined ? 'count(*)' : `count(*) FILTER (${selected})`;
  return `SELECT ${cell} AS v, count(*) AS n, ${count} AS k FROM ${from} GROUP BY 1`;
}

// Profiles some columns of a table of few rows, all in one statement.
async function profileByGroupings(
  engine: Engine,
  scope: Scope,
  columns: readonly RelationColumn[],
  profiles: Map<string, ColumnProfile>,
  reading: Reading,
  run: Run,
): Promise<void> {
  // One type per column of the result: texts and numbers have one each.
  const parts = columns.map((column, i) => {
    const value = column.type === 'text' ? 'v AS t, NULL::DOUBLE AS x' : 'NULL AS t, v AS x';
    return `SELECT ${i} AS i, ${value}, n, k FROM (${groupingOf(column, scope)})`;
  });
  const groups: { value: Cell | null; n: number; k: number }[][] = columns.map(() => []);
  for (const [i, t, x, n, k] of await engine.rows(parts.join(' UNION ALL '), run)) {
    groups[Number(i)].push({ value: (t ?? x) as Cell | null, n: Number(n), k: Number(k) });
  }
  columns.forEach((column, i) => {
    const present = groups[i].filter(({ value }) => value !== null);
    checkRowCount(
      scope.label,
      groups[i].reduce((sum, { n }) => sum + n, 0),
      scope.totalCount,
    );
    profiles.set(column.name, profileOfEntries(scope, column, present as CountedValue[], reading));
  });
}

// Profiles one column by counting its distinct values.
async function profileByGroups(
  engine: Engine,
  scope: Scope,
  column: RelationColumn,
  groups: string,
  reading: Reading,
  run: Run,
): Promise<ColumnProfile> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE ${groups} AS ${groupingOf(column, scope)}`, run);
  const [total, missing] = await engine.numbers(
    `SELECT sum(n), coalesce(sum(k) FILTER (v IS NULL), 0) FROM ${groups}`,
    run,
  );
  checkRowCount(scope.label, total ?? 0, scope.totalCount);
  const rows = await engine.rows(`SELECT v, n, k FROM ${groups} WHERE v IS NOT NULL LIMIT ${COUNTED_OUT + 1}`, run);

  if (rows.length <= COUNTED_OUT) {
    const values = rows.map(([value, n, k]) => ({ value: value as Cell, n: Number(n), k: Number(k) }));
    return profileOfEntries(scope, column, values, reading);
  }
  const base = counted(column, column.type as ColumnType, scope, scope.rowCount - (missing ?? 0));
  if (column.type !== 'text') return await profileLargeGroups(engine, base, 'v', groups, reading.bins, run);

  const form = await formOfGroups(engine, reading.relation, column, groups, run);
  reading.forms.set(column.name, form);
  const present = presentCell('v', form);
  const found =
    present === 'v'
      ? []
      : await engine.rows(`SELECT v, k FROM ${groups} WHERE v IS NOT NULL AND (${present}) IS NULL AND k > 0`, run);
  const missingTexts = countedTexts(found.map(([text, k]) => [String(text), Number(k)] as const));
  const missingCount = missingTexts.reduce((sum, { count }) => sum + count, base.missingCount);
  // Only what was said to be missing may be a number too.
  const isSaid = reading.relation.rules.missingValues !== undefined;
  const value =
    form.type === 'text' ? present : isSaid ? whereThere(present, textValue('v', form)) : textValue('v', form);
  const texts = { ...base, type: form.type, form, missingTexts, missingCount };
  return await profileLargeGroups(engine, texts, value, groups, reading.bins, run);
}

/** A distinct value: how many rows have it, and how many of those selected. */
interface CountedValue {
  readonly value: Cell;
  readonly n: number;
  readonly k: number;
}

// A profile from all distinct values.
function profileOfEntries(
  scope: Scope,
  column: RelationColumn,
  values: readonly CountedValue[],
  { relation, forms, bins }: Reading,
): ColumnProfile {
  const presentCount = values.reduce((sum, { k }) => sum + k, 0);
  const base = counted(column, column.type as ColumnType, scope, presentCount);
  if (column.type !== 'text') {
    return profileOfCounts(
      base,
      values.map(({ value, k }) => [value, k] as const),
      bins,
    );
  }
  const texts = values.map(({ value, n }) => [value as string, n] as const);
  let form = forms.get(column.name);
  if (form === undefined) {
    const plainCount = texts.reduce((sum, [text, n]) => sum + (isPlainNumber(text) ? n : 0), 0);
    const { rules, commaFirst } = relation;
    form = recogniseTexts({ name: column.name, entries: texts, plainCount, typed: column.typed, commaFirst }, rules);
    forms.set(column.name, form);
  }
  const answers = form.type === 'boolean' ? spellingsOfAnswers(texts) : undefined;
  const isNumber = form.type === 'number' || form.type === 'date';
  const isMissing = missingTest(form);
  const missing: [string, number][] = [];
  const counts = new Map<Cell, number>();
  for (const { value, k } of values) {
    const text = value as string;
    if (isMissing(text)) {
      missing.push([text, k]);
      continue;
    }
    const read = isNumber
      ? (readTextNumber(text, form) as number)
      : answers === undefined
        ? text
        : answers[Number(answerOf(text))];
    counts.set(read, (counts.get(read) ?? 0) + k);
  }
  const missingTexts = countedTexts(missing);
  const missingCount = missingTexts.reduce((sum, { count }) => sum + count, base.missingCount);
  return profileOfCounts({ ...base, type: form.type, form, missingTexts, missingCount }, counts, bins);
}

/**
 * The same from SQL, for columns of many distinct values.
 * @param value the expression of a value `v` of the groups as it counts, NULL where it is missing
 */
async function profileLargeGroups(
  engine: Engine,
  base: CountedColumn,
  value: string,
  groups: string,
  bins: number,
  run: Run,
): Promise<ColumnProfile> {
  const isNumber = base.type === 'number' || base.type === 'date';
  const values = `(SELECT * FROM (SELECT ${value} AS x, sum(k)::BIGINT AS k FROM ${groups} WHERE v IS NOT NULL AND k > 0 GROUP BY 1) WHERE x IS NOT NULL)`;
  const finite = isNumber ? `(SELECT * FROM ${values} WHERE isfinite(x))` : values;
  const [distinctCount, finiteCount] = await engine.numbers(`SELECT count(*), sum(k) FROM ${finite}`, run);
  const top = await engine.rows(`SELECT x, k FROM ${finite} ORDER BY k DESC, x ASC LIMIT ${PROFILE_VALUE_LIMIT}`, run);
  const total = finiteCount ?? 0;
  const shown = base.type === 'date' ? (x: unknown) => dateText(Number(x)) : String;
  return {
    ...base,
    nonFiniteCount: isNumber ? base.rowCount - base.missingCount - total : 0,
    distinctCount: distinctCount ?? 0,
    values: top.map(([x, k]) => ({ value: shown(x), count: Number(k) })),
    cuts: isNumber ? await cutsOfGroups(engine, finite, total, distinctCount ?? 0, bins, base.type, run) : [],
    ...(base.type === 'date' ? { parts: await partsOfGroups(engine, finite, run) } : {}),
  };
}

async function cutsOfGroups(
  engine: Engine,
  finite: string,
  total: number,
  distinctCount: number,
  bins: number,
  type: ColumnType,
  run: Run,
): Promise<number[]> {
  if (total === 0) return [];
  const ranks = Array.from({ length: bins - 1 }, (_, i) => quantileRank(i + 1, bins, total));
  const holdsRank = ranks.map((rank) => `(upto >= ${rank} AND upto - k < ${rank})`).join(' OR ');
  const few = distinctCount <= bins;
  const rows = await engine.rows(
    `SELECT before, x, after, k FROM (SELECT x, k, lag(x) OVER (ORDER BY x) AS before, lead(x) OVER (ORDER BY x) AS after, sum(k) OVER (ORDER BY x ROWS UNBOUNDED PRECEDING) AS upto FROM ${finite})${few ? '' : ` WHERE ${holdsRank}`} ORDER BY x`,
    run,
  );
  const number = (x: unknown): number | undefined => (x === null ? undefined : Number(x) + 0);
  const found = rows.map(([before, x, after, k]) => ({
    previous: number(before),
    value: Number(x) + 0,
    next: number(after),
    count: Number(k),
  }));
  return cutsAtQuantiles(found, total, bins, type);
}

async function partsOfGroups(engine: Engine, times: string, run: Run): Promise<ColumnProfile['parts']> {
  const counts = async (part: 'weekday' | 'month', names: readonly string[]): Promise<ValueCount[]> => {
    const rows = await engine.rows(`SELECT ${partOfDate('x', part)}, sum(k) FROM ${times} GROUP BY 1`, run);
    const found = new Map(rows.map(([name, k]) => [String(name), Number(k)]));
    return valuesOfParts(new Map(names.map((name) => [name, found.get(name) ?? 0])));
  };
  return { weekday: await counts('weekday', WEEKDAYS), month: await counts('month', MONTHS) };
}

// ---- encoding

/** An encoded column in SQL, over the columns `c<k>` (the cell, NULL where missing) and `x<k>` (the cell as the encoder reads it). */
interface SqlColumn {
  readonly encoded: EncodedColumn;
  readonly reading: ColumnReading;
  /** Whether texts are read as numbers or dates, or as answers. */
  readonly parsed: boolean;
  /** Both columns, as a select list. */
  readonly select: string;
  readonly c: string;
  readonly x: string;
  /** Per code, whether it is a yes. */
  readonly codes: readonly string[];
  /** Whether a non-missing cell is one the encoder knows; undefined when every one is. */
  readonly known: string | undefined;
}

function sqlColumn(
  spec: EncoderSpec,
  { label }: Relation,
  encoded: EncodedColumn,
  column: RelationColumn,
  k: number,
  guessed: FormGuess,
): SqlColumn {
  const isDate = encoded.type === 'date';
  if (isDate && column.type !== 'text' && column.type !== 'date') {
    throw notADate(label, encoded.column, 0, `a ${column.type}`);
  }
  refuseDates(label, encoded, column.type as ColumnType);
  const reading = columnReading(encoded, column.type as ColumnType);
  const c = `c${k}`;
  const x = `x${k}`;
  const isText = column.type === 'text';
  const asValue = isText && (isDate || reading.as === 'number');
  const missing = isText ? missingTextsOf(encoded, column.typed, spec) : [];
  const form = asValue ? guessed(column, isDate ? 'date' : 'number') : undefined;
  const present =
    column.type !== 'text'
      ? presentNumber(column.cell, missingNumbers(spec.missingValues, column.type))
      : presentCell(column.cell, form === undefined ? { type: 'text', missing } : { ...form, missing });
  const value = form !== undefined ? textValue(column.cell, form) : column.cell;
  const whole =
    encoded.part !== undefined ? partOfDate(`(${value})`, encoded.part) : reading.lowerCase ? `lower(${value})` : value;
  // The usual spellings of missing are no numbers, dates or answers; those that were said may be.
  const read = spec.missingValues === undefined || present === column.cell ? whole : whereThere(present, whole);
  const select = `${present} AS ${c}, ${read} AS ${x}`;
  const parsed = asValue || reading.lowerCase;
  if (reading.above !== undefined) {
    const codes = reading.above.map((t) => `${x} > ${doubleLiteral(t)}`);
    return { encoded, reading, parsed, select, c, x, codes, known: `isfinite(${x})` };
  }
  const codes = reading.codes.map((list) => isOneOf(x, list));
  const all = [...new Set([...reading.codes.flat(), ...reading.reference])];
  const known = reading.as === 'boolean' && all.length === 2 ? undefined : isOneOf(x, all);
  return { encoded, reading, parsed, select, c, x, codes, known };
}

function whereThere(present: string, value: string): string {
  return `CASE WHEN (${present}) IS NOT NULL THEN ${value} END`;
}

// The codes, the first of them NULL where the cell is anything but expected. Texts of two values are first looked for in
// the fit's spelling, which is eight times faster than reading every text as a number or a word.
function strictCodes({ codes, known, reading, encoded, parsed, c }: SqlColumn): readonly string[] {
  // Of a boolean read by thresholds a code may be a yes for both, and NULL is neither.
  if (known === undefined)
    return codes.map((code, j) => (j === 0 ? `CASE WHEN ${c} IS NOT NULL THEN ${code} END` : code));
  if (parsed && encoded.coding.kind === 'two-valued') {
    const { yes, no } = encoded.coding;
    const no_ = no === '' ? '' : ` WHEN ${c} = ${quoteLiteral(no)} THEN false`;
    return [`CASE WHEN ${c} = ${quoteLiteral(yes)} THEN true${no_} END`];
  }
  const expected = reading.others ? `${c} IS NOT NULL` : known;
  return codes.map((code, j) => (j === 0 ? `CASE WHEN ${expected} THEN ${code} END` : code));
}

function isOneOf(x: string, cells: readonly Cell[]): string {
  if (cells.length === 0) return 'false';
  if (typeof cells[0] === 'boolean') return cells.length === 2 ? `${x} IS NOT NULL` : cells[0] ? x : `NOT ${x}`;
  const literals = cells.map((cell) => (typeof cell === 'number' ? doubleLiteral(cell) : quoteLiteral(String(cell))));
  return literals.length === 1 ? `${x} = ${literals[0]}` : `${x} IN (${literals.join(', ')})`;
}

/** How a relation's rows are encoded. */
interface Encoding {
  readonly columns: readonly SqlColumn[];
  readonly coordinateCount: number;
  /** The columns' selection, with the key as `row_key`. */
  readonly from: string;
}

function encodingOf(
  relation: Relation,
  spec: EncoderSpec,
  found: readonly RelationColumn[],
  guessed: FormGuess,
): Encoding {
  const columns = spec.columns.map((encoded, k) => sqlColumn(spec, relation, encoded, found[k], k, guessed));
  return {
    columns,
    coordinateCount: spec.columns.reduce((sum, column) => sum + columnCoordinateNames(column).length, 0),
    from: `(SELECT ${columns.map(({ select }) => select).join(', ')}, ${relation.rowKey} AS row_key FROM ${relation.name})`,
  };
}

async function encodeRelation(
  engine: Engine,
  relation: Relation,
  spec: EncoderSpec,
  found: readonly RelationColumn[],
  guessed: FormGuess,
  options: RunOptions,
): Promise<EncodedRows> {
  const { label, rowCount } = relation;
  throwIfAborted(options.signal);
  const encoding = encodingOf(relation, spec, found, guessed);
  const { columns, coordinateCount } = encoding;
  refuseLargePoints(label, rowCount, coordinateCount, options.memoryLimitBytes);

  // Missing cells are likely where there were some, and a column without codes cannot show a NULL.
  const strict = columns.every(({ encoded, codes }) => !encoded.missingCoordinate && codes.length > 0);
  if (strict) {
    const points = createCubePoints(rowCount, coordinateCount);
    const bits = columns.flatMap((column) => strictCodes(column).map((sql) => ({ sql, needs: [column] })));
    if (await pack(engine, relation, bits, points.planes, allRows(relation), options)) {
      return { points, rows: undefined, unseen: [], missing: [] };
    }
  }
  const oddities = await countOddities(engine, relation, encoding, options);
  return { ...(await encodeRange(engine, relation, encoding, allRows(relation), options)), ...oddities };
}

async function encodeRelationParts(
  engine: Engine,
  relation: Relation,
  spec: EncoderSpec,
  found: readonly RelationColumn[],
  guessed: FormGuess,
  options: RunOptions,
): Promise<EncodedParts> {
  throwIfAborted(options.signal);
  const encoding = encodingOf(relation, spec, found, guessed);
  const ranges = rowRanges(relation.rowCount);
  const { label, rowCount } = relation;
  refuseLargePoints(label, Math.min(rowCount, ranges[0].endRow), encoding.coordinateCount, options.memoryLimitBytes);
  const oddities = await countOddities(engine, relation, encoding, options);
  const { onProgress: _, ...quiet } = options;
  const parts = async function* (): AsyncGenerator<EncodedPart> {
    for (const range of ranges) {
      yield { range, ...(await encodeRange(engine, relation, encoding, range, quiet)) };
      options.onProgress?.({ phase: 'encoding', done: range.endRow, total: rowCount, unit: 'rows' });
    }
  };
  return { ...oddities, parts: parts() };
}

function allRows({ rowCount }: Relation): RowRange {
  return { firstRow: 0, endRow: rowCount };
}

// Whatever the rows hold that was not refused: missing and unseen cells are a no, or their row is dropped.
async function encodeRange(
  engine: Engine,
  relation: Relation,
  { columns, coordinateCount }: Encoding,
  range: RowRange,
  options: RunOptions,
): Promise<Pick<EncodedRows, 'points' | 'rows'>> {
  const rowCount = range.endRow - range.firstRow;
  const points = createCubePoints(rowCount, coordinateCount);
  const bits = columns.flatMap((column) =>
    [
      ...column.codes.map((code) => `coalesce(${code}, false)`),
      ...(column.encoded.missingCoordinate ? [`${column.c} IS NULL`] : []),
    ].map((sql) => ({ sql, needs: [column] })),
  );
  await pack(engine, relation, bits, points.planes, range, options);
  const dropping = columns.filter(({ encoded }) => encoded.missing === 'drop');
  if (dropping.length === 0) return { points, rows: undefined };
  const dropped = new Uint8Array(rowCount);
  const anyMissing = dropping.map(({ c }) => `${c} IS NULL`).join(' OR ');
  await pack(engine, relation, [{ sql: anyMissing, needs: dropping }], dropped, range, options);
  const kept = rowsWhere(rowCount, (i) => dropped[i] === 0);
  if (kept.length === rowCount) return { points, rows: undefined };
  return { points: selectRows(points, kept), rows: kept.map((i) => range.firstRow + i) };
}

/** A boolean expression and the columns it reads. */
interface Bit {
  readonly sql: string;
  readonly needs: readonly SqlColumn[];
}

/**
 * Evaluates one boolean expression per coordinate into the planes of a range's rows. False as soon as one is NULL. A scan selects the columns
 * it needs only: with all of them in each, the cost would grow with the square of their number.
 */
async function pack(
  engine: Engine,
  relation: Relation,
  bits: readonly Bit[],
  planes: Uint8Array,
  range: RowRange,
  options: RunOptions,
): Promise<boolean> {
  const { name, rowKey } = relation;
  const rowCount = range.endRow - range.firstRow;
  const bytes: string[] = [];
  for (let first = 0; first < bits.length; first += 8) {
    const terms = bits
      .slice(first, first + 8)
      .map(({ sql }, j) => (j === 0 ? `(${sql})::UTINYINT` : `((${sql})::UTINYINT << ${j})`));
    bytes.push(terms.join(' | '));
  }
  for (let start = 0; start < bytes.length; start += PLANES_PER_SCAN) {
    const part = bytes.slice(start, start + PLANES_PER_SCAN);
    const report = (share: number): void =>
      options.onProgress?.({
        phase: 'encoding',
        done: Math.round(((start + part.length * share) / bytes.length) * rowCount),
        total: rowCount,
        unit: 'rows',
      });
    const needed = new Set(bits.slice(8 * start, 8 * (start + part.length)).flatMap(({ needs }) => needs));
    const from = `(SELECT ${Array.from(needed, ({ select }) => select).join(', ')}, ${rowKey} AS row_key FROM ${name})`;
    const rows = keyedRows(engine, { ...relation, rowKey: 'row_key' }, part, from, {
      ...options,
      onShare: report,
      range: rowCount === relation.rowCount ? undefined : range,
    });
    for await (const { chunk, firstRow } of rows) {
      for (let p = 0; p < part.length; p++) {
        const vector = rawVector(chunk.getColumnVector(p), Uint8Array);
        if (!allValid(vector.validity.data, chunk.rowCount)) return false;
        planes.set(vector.items.subarray(0, chunk.rowCount), (start + p) * rowCount + firstRow - range.firstRow);
      }
    }
    report(1);
  }
  return true;
}

/** A vector as the engine holds it: items, and a bit per item that is valid (null when all are). */
interface RawVector<T> {
  readonly items: T;
  readonly validity: { readonly data: BigUint64Array | null };
}

// DuckDB's vectors keep both private, but reading item by item would take longer than packing does.
function rawVector<T extends Uint8Array | Uint32Array>(vector: DuckDBVector, kind: new () => T): RawVector<T> {
  const { items, validity } = vector as unknown as RawVector<T>;
  if (!(items instanceof kind) || validity?.data === undefined) {
    throw new FewfireError(
      'unsupported',
      'this version of @duckdb/node-api has other vectors than expected; install 1.5',
    );
  }
  return { items, validity };
}

function allValid(words: BigUint64Array | null, count: number): boolean {
  if (words === null) return true;
  for (let i = 0; i < count; i += 64) {
    const mask = count - i >= 64 ? 0xffffffffffffffffn : (1n << BigInt(count - i)) - 1n;
    if ((words[i >> 6] & mask) !== mask) return false;
  }
  return true;
}

// Counts what the strict expressions stumbled over; refuses it or lists it.
async function countOddities(
  engine: Engine,
  { label, rowCount }: Relation,
  { columns, from }: Encoding,
  options: RunOptions,
): Promise<Pick<EncodedRows, 'missing' | 'unseen'>> {
  const run = { signal: options.signal, label };
  const counts: number[][] = [];
  for (let start = 0; start < columns.length; start += COLUMNS_PER_SCAN) {
    const part = columns.slice(start, start + COLUMNS_PER_SCAN);
    const aggregates = part.flatMap(({ c, x, known, encoded, reading }) => {
      const isNumber = reading.as === 'number' && encoded.type === 'number';
      const infinite = isNumber || reading.as === 'date' ? ` OR NOT isfinite(${x})` : '';
      const bad =
        isNumber || encoded.type === 'date' ? `count_if(${c} IS NOT NULL AND (${x} IS NULL${infinite}))` : '0';
      const unseen =
        known === undefined || reading.above !== undefined
          ? '0'
          : `count_if(${c} IS NOT NULL AND ${x} IS NOT NULL AND NOT (${known}))`;
      return [`count(${c})`, bad, unseen];
    });
    const row = await engine.numbers(`SELECT count(*), ${aggregates.join(', ')} FROM ${from}`, run);
    checkRowCount(label, row[0] ?? 0, rowCount);
    part.forEach((_, i) => {
      counts.push(row.slice(1 + 3 * i, 4 + 3 * i).map((count) => count ?? 0));
    });
  }
  const missing = columns
    .map(({ encoded }, k) => ({ ...encoded, count: rowCount - counts[k][0] }))
    .filter(({ count, part }) => count > 0 && part === undefined)
    .map(({ column, count }) => ({ column, count }));
  const refused = refusedMissing(
    label,
    columns.map(({ encoded }) => encoded),
    missing,
    rowCount,
  );
  if (refused !== undefined) throw refused;

  const bad = counts.findIndex((entry) => entry[1] > 0);
  if (bad >= 0) {
    const { encoded, reading, c, x } = columns[bad];
    const infinite = reading.as === 'number' || reading.as === 'date' ? ` OR NOT isfinite(${x})` : '';
    const [[row, cell]] = await engine.rows(
      `SELECT row_key, ${c}::VARCHAR FROM ${from} WHERE ${c} IS NOT NULL AND (${x} IS NULL${infinite}) ORDER BY row_key LIMIT 1`,
      run,
    );
    const refusal = encoded.type === 'date' ? notADate : notANumber;
    throw new UnreadCell(refusal(label, encoded.column, Number(row), String(cell)));
  }

  const unseen: UnseenValue[] = [];
  for (const [k, { encoded, reading, c, x, known }] of columns.entries()) {
    const [presentCount, , unknownCount] = counts[k];
    if (unknownCount === 0 || (reading.others && unknownCount < presentCount)) continue;
    const rows = await engine.rows(
      `SELECT ${x}, count(*) FROM ${from} WHERE ${c} IS NOT NULL AND ${x} IS NOT NULL AND NOT (${known}) GROUP BY 1 ORDER BY 2 DESC, 1 ASC LIMIT ${UNSEEN_LIMIT}`,
      run,
    );
    const shown = reading.as === 'date' ? (value: unknown) => dateText(Number(value)) : String;
    const values = rows.map(([value, count]) => ({
      column: encoded.column,
      value: shown(value),
      count: Number(count),
    }));
    refuseAllUnseen(label, encoded, presentCount, unknownCount, values);
    if (!reading.others) unseen.push(...values);
  }
  return { missing, unseen };
}

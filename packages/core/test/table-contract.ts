/**
 * What every `Table` must do, as generated checks. `makeTable` puts the same cells behind a table of some kind; the
 * oracles here are brute force over the cells and share no code with the tables.
 */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type ColumnProfile,
  createRandom,
  type EncodedColumn,
  type EncoderSpec,
  FewfireError,
  fitEncoder,
  type Table,
} from '../src/index.ts';
import { bitAt, columnCoordinateNames } from '../src/internal.ts';

export type ContractCell = string | number | boolean | null;
export type ContractColumns = Readonly<Record<string, readonly ContractCell[]>>;
export type MakeTable = (columns: ContractColumns) => Promise<Table>;

export interface ContractOptions {
  /** The source has text only (CSV): booleans and numbers come back as texts until they are profiled. */
  readonly textOnly?: boolean;
  /** The source has no NaN and infinity as numbers (JSON). */
  readonly finiteOnly?: boolean;
  /** The source states that texts are texts (Parquet), so that NA is one. */
  readonly typedTexts?: boolean;
  /** Generated tables to try. */
  readonly runs?: number;
}

// ---- the oracle

const MISSING = new Set([
  '?',
  'NA',
  'N/A',
  'n/a',
  'N.A.',
  'n.a.',
  '#N/A',
  '#NA',
  '<NA>',
  'NULL',
  'Null',
  'null',
  'nil',
  'NaN',
  'nan',
  'NAN',
]);
const MISSING_AMONG_NUMBERS = new Set(
  [...MISSING, 'None', 'none', 'NONE', '-', '--', '---', '–', '—', '.', '..', 'unknown', 'Unknown', 'UNKNOWN'].concat([
    'missing',
    'Missing',
  ]),
);
const YES = new Set(['yes', 'y', 'true', 't', '1', 'on']);
const NO = new Set(['no', 'n', 'false', 'f', '0', 'off']);
const SPELLS_NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(inf|infinity)$/i;

// Whole numbers that a double would not tell from their neighbours, or with leading zeros, are texts.
function spellsNumber(cell: string): boolean {
  if (!SPELLS_NUMBER.test(cell)) return false;
  if (!/^[+-]?\d+$/.test(cell)) return true;
  if (/^[+-]?0\d/.test(cell)) return false;
  const whole = BigInt(cell.replace('+', ''));
  return whole < 2n ** 53n && whole > -(2n ** 53n);
}

function trimmed(cell: ContractCell): ContractCell {
  if (typeof cell === 'number' && Number.isNaN(cell)) return null;
  if (typeof cell !== 'string') return cell;
  const text = cell.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
  return text === '' ? null : text;
}

function asNumber(cell: ContractCell): number {
  if (typeof cell !== 'string') return Number(cell);
  const word = cell.toLowerCase().replace(/^[+-]/, '');
  if (word.startsWith('inf')) return cell.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(cell) === 0 ? 0 : Number(cell);
}

interface OracleColumn {
  readonly type: ColumnProfile['type'];
  readonly missing: ReadonlySet<string>;
}

// As a text NaN is a spelling of a missing cell.
function written(raw: readonly ContractCell[], { textOnly = false }: ContractOptions): readonly ContractCell[] {
  return textOnly ? raw.map((cell) => (typeof cell === 'number' && Number.isNaN(cell) ? 'NaN' : cell)) : raw;
}

function oracleColumn(given: readonly ContractCell[], options: ContractOptions): OracleColumn {
  const raw = written(given, options);
  const { textOnly = false, finiteOnly = false, typedTexts = false } = options;
  const present = raw.map(trimmed).filter((cell) => cell !== null);
  const isText = textOnly || new Set(present.map((cell) => typeof cell)).size > 1 || typeof present[0] === 'string';
  // In JSON numbers are whole ones where all are.
  const wide = finiteOnly && present.every((cell) => Number.isInteger(cell) || false);
  if (!isText && present.length > 0) {
    if (typeof present[0] === 'boolean') return { type: 'boolean', missing: new Set() };
    if (!wide || present.every((cell) => spellsNumber(String(cell)))) return { type: 'number', missing: new Set() };
  }
  const texts = present.map(String);
  const words = texts.filter((text) => !MISSING_AMONG_NUMBERS.has(text)).map((text) => text.toLowerCase());
  const isWord = words.every((word) => YES.has(word) || NO.has(word));
  if (isWord && words.some((word) => YES.has(word)) && words.some((word) => NO.has(word))) {
    if (words.some((word) => word !== '0' && word !== '1')) return { type: 'boolean', missing: MISSING_AMONG_NUMBERS };
  }
  if (words.length > 0 && words.every(spellsNumber)) return { type: 'number', missing: MISSING_AMONG_NUMBERS };
  const rare = [...MISSING_AMONG_NUMBERS].filter(
    (text) =>
      new Set(words).size >= 2 && texts.filter((each) => each === text).length <= 0.05 * texts.length && !typedTexts,
  );
  return { type: 'text', missing: typedTexts ? new Set() : new Set([...MISSING, ...rare]) };
}

function clean(raw: ContractCell, { missing }: Pick<OracleColumn, 'missing'>): ContractCell {
  const cell = trimmed(raw);
  return cell !== null && missing.has(String(cell)) ? null : cell;
}

function oracleProfile(
  name: string,
  given: readonly ContractCell[],
  options: ContractOptions,
  mask?: Uint8Array,
  bins = 4,
) {
  const raw = written(given, options);
  const column = oracleColumn(raw, options);
  const { type } = column;
  const isSelected = (_: unknown, row: number): boolean => mask === undefined || mask[row] !== 0;
  const selected = raw.map((cell) => clean(cell, column)).filter(isSelected);
  const values = selected.filter((cell) => cell !== null);
  const numbers = type === 'number' ? values.map((cell) => asNumber(cell) + 0) : [];
  const finite = numbers.filter(Number.isFinite).sort((a, b) => a - b);
  const spelled = type === 'number' ? finite.map(String) : values.map((cell) => oracleSpelling(cell, column, raw));
  const counts = new Map<string, number>();
  for (const value of spelled) counts.set(value, (counts.get(value) ?? 0) + 1);
  const utf8 = (text: string): string => Buffer.from(text).toString('hex');
  const order = (a: string, b: string): number =>
    type === 'number' ? Number(a) - Number(b) : utf8(a) < utf8(b) ? -1 : Number(utf8(a) > utf8(b));
  const byCount = (list: Map<string, number>) =>
    [...list].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count || order(a.value, b.value));
  const missing = new Map<string, number>();
  for (const cell of raw.filter(isSelected)) {
    const text = trimmed(cell);
    if (text === null || !column.missing.has(String(text))) continue;
    missing.set(String(text), (missing.get(String(text)) ?? 0) + 1);
  }
  return {
    name,
    type,
    rowCount: selected.length,
    missingCount: selected.length - values.length,
    nonFiniteCount: numbers.length - finite.length,
    distinctCount: counts.size,
    values: byCount(counts).slice(0, 64),
    missingTexts: [...missing]
      .map(([value, count]) => ({ value, count }))
      .sort((a, b) => b.count - a.count || (utf8(a.value) < utf8(b.value) ? -1 : 1)),
    cuts: type === 'number' ? oracleCuts(finite, bins) : [],
  };
}

// Of answers: as most cells of the whole column spell that one.
function oracleSpelling(cell: ContractCell, { type, missing }: OracleColumn, raw: readonly ContractCell[]): string {
  if (type !== 'boolean' || typeof cell === 'boolean') return String(cell);
  const says = (text: ContractCell): boolean => YES.has(String(text).toLowerCase());
  const counts = new Map<string, number>();
  for (const other of raw.map((each) => clean(each, { missing }))) {
    if (other !== null && says(other) === says(cell)) counts.set(String(other), (counts.get(String(other)) ?? 0) + 1);
  }
  const most = Math.max(...counts.values());
  return [...counts.keys()].filter((text) => counts.get(text) === most).sort()[0];
}

function oracleCuts(sorted: readonly number[], bins: number): number[] {
  const distinct = [...new Set(sorted)];
  const between = (i: number): number => {
    const [a, b] = [distinct[i], distinct[i + 1]];
    const middle = a / 2 + b / 2;
    const short = Number(middle.toPrecision(15));
    return short > a && short < b ? short : middle > a && middle < b ? middle : a;
  };
  const at = new Set<number>();
  if (distinct.length <= bins) for (let i = 0; i + 1 < distinct.length; i++) at.add(between(i));
  else {
    for (let step = 1; step < bins; step++) {
      const quantile = sorted[Math.ceil((step * sorted.length) / bins) - 1];
      const i = distinct.indexOf(quantile);
      const share = sorted.filter((value) => value === quantile).length / sorted.length;
      if (i + 1 < distinct.length) at.add(between(i));
      if (i > 0 && (share > 1 / (2 * bins) || i + 1 === distinct.length)) at.add(between(i - 1));
    }
  }
  return [...at].sort((a, b) => a - b);
}

// A profile without what stands for how its texts are read, which has tests of its own.
function described({ form: _, missingTexts = [], ...profile }: ColumnProfile) {
  return { ...profile, missingTexts };
}

// The bits of one cell for one encoded column, by the words of "Meaning of a yes".
function oracleBits(column: EncodedColumn, raw: ContractCell, read: OracleColumn): number[] {
  const cell = clean(raw, read);
  const { coding } = column;
  const above = (t: number): number => +(cell !== null && asNumber(cell) > t);
  let bits: number[];
  if (coding.kind === 'thresholds') bits = coding.above.map(above);
  else if (column.type === 'number' && coding.kind === 'two-valued' && coding.no !== '') {
    bits = [above((Number(coding.no) + Number(coding.yes)) / 2)];
  } else {
    const values = coding.kind === 'two-valued' ? [coding.yes] : coding.values;
    const says = (text: unknown): boolean => YES.has(String(text).toLowerCase());
    bits = values.map((value) => {
      if (cell === null) return 0;
      if (column.type === 'boolean') return +(says(cell) === says(value));
      return +(column.type === 'number' ? asNumber(cell) === Number(value) : String(cell) === value);
    });
  }
  return column.missingCoordinate ? [...bits, +(cell === null)] : bits;
}

async function expectEncoding(
  table: Table,
  spec: EncoderSpec,
  columns: ContractColumns,
  options: ContractOptions,
): Promise<void> {
  const read = Object.fromEntries(Object.entries(columns).map(([name, cells]) => [name, oracleColumn(cells, options)]));
  const encoded = await table.encode(spec);
  const dropping = spec.columns.filter((column) => column.missing === 'drop').map(({ column }) => column);
  const rowCount = Object.values(columns)[0].length;
  const kept = [...Array(rowCount).keys()].filter((row) =>
    dropping.every((name) => clean(columns[name][row], read[name]) !== null),
  );
  expect([...(encoded.rows ?? Array(rowCount).keys())]).toEqual(kept);
  expect(encoded.rows === undefined).toBe(kept.length === rowCount);
  const expected = kept.map((row) =>
    spec.columns.flatMap((column) => oracleBits(column, columns[column.column][row], read[column.column])),
  );
  const coordinateCount = spec.columns.reduce((sum, column) => sum + columnCoordinateNames(column).length, 0);
  expect([encoded.points.rowCount, encoded.points.coordinateCount]).toEqual([kept.length, coordinateCount]);
  const found = kept.map((_, i) => Array.from({ length: coordinateCount }, (_, j) => bitAt(encoded.points, i, j)));
  expect(found).toEqual(expected);
  const missing = spec.columns
    .map(({ column }) => ({
      column,
      count: columns[column].filter((cell) => clean(cell, read[column]) === null).length,
    }))
    .filter((entry) => entry.count > 0);
  expect(encoded.missing).toEqual(missing);
  await expectParts(table, spec);
}

/** That the parts of a table put together are what it encodes at once. */
export async function expectParts(table: Table, spec: EncoderSpec): Promise<void> {
  const whole = await table.encode(spec);
  const { unseen, missing, parts } = await table.encodeParts(spec);
  expect({ unseen, missing }).toEqual({ unseen: whole.unseen, missing: whole.missing });
  const rows: number[] = [];
  const { rowCount, coordinateCount, planes } = whole.points;
  let end = 0;
  let differences = 0;
  for await (const { range, points, ...part } of parts) {
    expect(range.firstRow).toBe(end);
    end = range.endRow;
    const before = rows.length;
    for (let i = 0; i < points.rowCount; i++) rows.push(part.rows === undefined ? range.firstRow + i : part.rows[i]);
    for (let p = 0; 8 * p < coordinateCount; p++) {
      const found = points.planes.subarray(p * points.rowCount, (p + 1) * points.rowCount);
      const expected = planes.subarray(p * rowCount + before, p * rowCount + before + points.rowCount);
      if (Buffer.compare(found, expected) !== 0) differences++;
    }
    const { column } = spec.columns[0];
    const texts = JSON.stringify((await table.texts(column)).slice(range.firstRow, end));
    expect(JSON.stringify(await table.texts(column, { range })) === texts).toBe(true);
    const numbers = await table.numbers(column).catch(() => undefined);
    if (numbers === undefined) continue;
    const expectedNumbers = Buffer.from(numbers.slice(range.firstRow, end).buffer);
    expect(Buffer.compare(Buffer.from((await table.numbers(column, { range })).buffer), expectedNumbers)).toBe(0);
  }
  expect([end, differences, rows.length]).toEqual([table.rowCount, 0, rowCount]);
  const expectedRows = whole.rows ?? Uint32Array.from({ length: rowCount }, (_, row) => row);
  expect(Buffer.compare(Buffer.from(Uint32Array.from(rows).buffer), Buffer.from(expectedRows.slice().buffer))).toBe(0);
}

// ---- generated tables

const texts = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('a', 'b', 'c', 'yes', 'no', 'é', '🙂', '\uffee', 'x y', "it's", '"q"', 'a,b', '1_0'),
  },
  { weight: 2, arbitrary: fc.constantFrom(' a', 'b ', '\ta', ' ? ', 'NA', '', '?', 'na', 'N/A', 'line\nbreak', '-') },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 6 }).map((text) => text.replaceAll(/[\0\d]/g, '')) },
);
const numericTexts = fc.constantFrom(
  '0',
  '1',
  '1.0',
  '-1',
  '+2',
  '1e3',
  '.5',
  '5.',
  '-0',
  ' 3 ',
  '',
  'NA',
  '1e400',
  'nan',
  '-INF',
);
const numbers = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0.1, -0, 1e21, 5e-324, 123456789.125, 2 ** 53),
);
const maybe = <T>(cell: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(cell, { freq: 5 });

function tableArbitrary(options: ContractOptions): fc.Arbitrary<ContractColumns> {
  const number = options.finiteOnly
    ? numbers
    : fc.oneof({ weight: 30, arbitrary: numbers }, { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Infinity) });
  const kinds: fc.Arbitrary<ContractCell>[] = [
    fc.boolean(),
    maybe(fc.boolean()),
    fc.constantFrom(0, 1),
    number,
    maybe(number),
    texts,
    maybe(texts),
    numericTexts,
    fc.constantFrom('t', 'f'),
    fc.constant('same'),
  ];
  return (
    fc
      .record({
        rowCount: fc.integer({ min: 1, max: 40 }),
        kinds: fc.array(fc.nat(kinds.length - 1), { minLength: 2, maxLength: 7 }),
      })
      .chain(({ rowCount, kinds: chosen }) =>
        fc
          .tuple(...chosen.map((k) => fc.array(kinds[k], { minLength: rowCount, maxLength: rowCount })))
          .map((columns) => Object.fromEntries(columns.map((cells, i) => [`column ${i}`, cells]))),
      )
      // A CSV file of nothing but empty cells in one column has no rows to speak of; keep one column that is never empty.
      .map((columns) => ({ ...columns, row: Object.values(columns)[0].map((_, i) => `r${i}`) }))
  );
}

/** Checks of the `Table` contract for tables that `makeTable` makes. */
export function tableContract(name: string, makeTable: MakeTable, options: ContractOptions = {}): void {
  const textOnly = options.textOnly ?? false;
  const runs = options.runs ?? 25;

  describe(`table contract: ${name}`, () => {
    const open: Table[] = [];
    const make = async (columns: ContractColumns): Promise<Table> => {
      const table = await makeTable(columns);
      open.push(table);
      return table;
    };
    afterEach(async () => {
      for (const table of open.splice(0)) await table.close();
    });
    const profileOf = async (cells: readonly ContractCell[], bins?: number): Promise<ColumnProfile> =>
      (await (await make({ cells, row: cells.map((_, i) => `r${i}`) })).profile(['cells'], { bins }))[0];

    it('describes generated columns, all rows and masked ones, as brute force does', async () => {
      await fc.assert(
        fc.asyncProperty(
          tableArbitrary(options),
          fc.infiniteStream(fc.nat(1)),
          fc.integer({ min: 2, max: 6 }),
          async (columns, stream, bins) => {
            const table = await makeTable(columns);
            try {
              const names = Object.keys(columns);
              expect(table.columns.map((column) => column.name)).toEqual(names);
              expect(table.rowCount).toBe(columns.row.length);
              const mask = Uint8Array.from(columns.row, () => stream.next().value as number);
              const all = await table.profile(names, { bins });
              const some = await table.profile(names, { bins, mask });
              for (const [i, column] of names.entries()) {
                expect(described(all[i])).toEqual(oracleProfile(column, columns[column], options, undefined, bins));
                expect(described(some[i])).toEqual(oracleProfile(column, columns[column], options, mask, bins));
              }
            } finally {
              await table.close();
            }
          },
        ),
        { numRuns: runs, seed: 7 },
      );
    });

    it('encodes generated columns as brute force does, under every policy for missing cells', async () => {
      await fc.assert(
        fc.asyncProperty(
          tableArbitrary(options),
          fc.constantFrom('refuse', 'indicator', 'drop-rows'),
          async (columns, missing) => {
            const table = await makeTable(columns);
            try {
              const profiles = await table.profile(Object.keys(columns));
              const usable = profiles.filter(
                (p) => p.nonFiniteCount === 0 && p.distinctCount > 1 && (missing !== 'refuse' || p.missingCount === 0),
              );
              if (usable.length === 0) return;
              const { spec } = fitEncoder(usable, { missing: missing as 'refuse', keep: Object.keys(columns) });
              await expectEncoding(table, spec, columns, options);
            } finally {
              await table.close();
            }
          },
        ),
        { numRuns: runs, seed: 11 },
      );
    });

    it('gives columns back as texts and numbers', async () => {
      const columns = {
        t: ['a', ' b ', 'NA', null],
        n: ['7.0', '1.50', '', '-0'],
        x: [0.1, 2, null, -3e-7],
        z: ['007', '12', '', '1'],
      };
      const table = await make(columns);
      expect(await table.texts('t')).toEqual(['a', 'b', options.typedTexts === true ? 'NA' : null, null]);
      expect(await table.texts('n')).toEqual(['7', '1.5', null, '0']);
      expect(await table.texts('n', { spelling: 'source' })).toEqual(['7.0', '1.50', null, '-0']);
      expect(await table.texts('z')).toEqual(['007', '12', null, '1']);
      expect(await table.texts('x')).toEqual(['0.1', '2', null, '-3e-7']);
      expect(await table.numbers('n')).toEqual(Float64Array.of(7, 1.5, Number.NaN, 0));
      expect(await table.numbers('x')).toEqual(Float64Array.of(0.1, 2, Number.NaN, -3e-7));
      await expect(table.numbers('t')).rejects.toThrow(/column "t" .* holds "a" in row 1, expected a finite number/);
    });

    it('keeps whole numbers beyond 2^53 apart, and compares them as quantities', async () => {
      const ids = ['9007199254740992', '9007199254740993', '-1750000000000000001', '-1750000000000000000', '12'];
      const large = ['9007199254740991', '-9007199254740991', '1e300', '12', '9007199254740993.0'];
      const table = await make({ ids, large });
      const [profile, numbers] = await table.profile(['ids', 'large']);
      expect(described(profile)).toEqual(oracleProfile('ids', ids, options));
      expect([profile.type, profile.distinctCount]).toEqual(['text', 5]);
      expect([numbers.type, numbers.distinctCount]).toEqual(['number', 5]);
      expect(await table.texts('ids')).toEqual(ids);
      const { spec } = fitEncoder([profile], { keep: ['ids'] });
      expect((await table.encode(spec)).unseen).toEqual([]);
      // New rows of a column that was fitted as numbers: beyond every threshold is beyond every threshold.
      const fitted = fitEncoder(await (await make({ ids: ['1', '2', '3', '-4'] })).profile(['ids']));
      const { points } = await table.encode(fitted.spec);
      const above = fitted.spec.columns[0].coding as { above: readonly number[] };
      expect(Array.from(ids, (_, i) => above.above.map((_t, j) => bitAt(points, i, j)))).toEqual(
        ids.map((id) => above.above.map((t) => Number(Number(id) > t))),
      );
      expect(Array.from(await table.numbers('ids'))).toEqual(ids.map(Number));
    });

    it('describes columns of many distinct values exactly', async () => {
      const rowCount = 5000;
      const cells = Array.from({ length: rowCount }, (_, i) => ((i * 7919) % 3001) / 8);
      const some = Array.from({ length: rowCount }, (_, i) => (i % 11 === 0 ? null : `name ${(i * 31) % 2500}`));
      const spelled = Array.from({ length: rowCount }, (_, i) => (i % 7 === 0 ? `${i}.0` : String(i % 2000)));
      const columns = { cells, some, spelled };
      const table = await make(columns);
      const mask = Uint8Array.from(cells, (_, i) => Number(i % 3 > 0));
      const profiles = await table.profile(Object.keys(columns), { bins: 7 });
      const masked = await table.profile(Object.keys(columns), { bins: 7, mask });
      Object.entries(columns).forEach(([name, values], i) => {
        expect(described(profiles[i])).toEqual(oracleProfile(name, values, options, undefined, 7));
        expect(described(masked[i])).toEqual(oracleProfile(name, values, options, mask, 7));
      });
    });

    it('keeps the order of rows', async () => {
      const rowCount = 30_000;
      const x = Array.from({ length: rowCount }, (_, i) => (i * 48271) % 65537);
      const y = x.map((value) => (value & 1 ? 'odd' : 'even'));
      const table = await make({ x, y });
      // As a plain array: typed ones are compared ten times as slowly.
      expect(Array.from(await table.numbers('x'))).toEqual(x);
      const { spec } = fitEncoder(await table.profile(['y']));
      const { points } = await table.encode(spec);
      expect(Array.from({ length: rowCount }, (_, i) => bitAt(points, i, 0))).toEqual(x.map((value) => value & 1));
    });

    it('gives equal rows equal fingerprints, and no others', async () => {
      const random = createRandom(5);
      const rowCount = 3000;
      const columns = {
        t: Array.from({ length: rowCount }, () => ['a', 'ab', '', 'b', 'é', '🙂', null][random.integer(7)]),
        u: Array.from({ length: rowCount }, () => ['b', 'c', 'bc', '-', null, 'a b'][random.integer(6)]),
        x: Array.from({ length: rowCount }, () => random.integer(40) / 8),
        b: Array.from({ length: rowCount }, () => random.integer(2) === 1),
        ...Object.fromEntries(
          Array.from({ length: 20 }, (_, k) => [
            `c${k}`,
            Array.from({ length: rowCount }, (_, i) => `v${(i + k) % 2}`),
          ]),
        ),
      };
      const names = Object.keys(columns) as (keyof typeof columns)[];
      const rowOf = (row: number): string => JSON.stringify(names.map((name) => trimmed(columns[name][row])));
      const { values } = await (await make(columns)).fingerprints(names);
      const known = new Map<string, number>();
      for (let row = 0; row < rowCount; row++) {
        expect(values[row]).toBe(known.get(rowOf(row)) ?? values[row]);
        known.set(rowOf(row), values[row]);
      }
      expect(known.size).toBeGreaterThan(1500);
      expect(new Set(known.values()).size).toBe(known.size);
    });

    it('fingerprints of other tables go with them, by what cells mean where asked', async () => {
      const texts = await make({ n: ['1', '1.50', '-0', 'x', null, '7.0'], t: ['a', 'b', 'c', 'd', 'e', 'f'] });
      const again = await make({ t: ['f', 'a', 'q'], n: ['7.0', '1', 'x'] });
      const typed = await make({ n: [1, 1.5, 0, 7], t: ['a', 'b', 'c', 'f'] });
      const of = async (table: Table, meaning: boolean): Promise<number[]> =>
        Array.from((await table.fingerprints(['n', 't'], { meaning })).values);
      const spelled = await of(texts, false);
      expect((await of(again, false)).map((value) => spelled.indexOf(value))).toEqual([5, 0, -1]);
      const read = await of(texts, true);
      expect((await of(typed, true)).map((value) => read.indexOf(value))).toEqual([0, 1, 2, 5]);
      // The same rows in other spellings, and one cell after another that is not the same.
      const columns = ['x', 'd', 'b', 'm', 'c'];
      const rows = [
        ['1,5', '5.3.2024', 'ja', '4', 'p'],
        ['1.234,25', '30.12.2023', 'nein', '', 'q'],
        ['-3', '1.1.2020', 'JA', 'NA', 'p'],
      ];
      const others = [
        ['1.5', '2024-03-05', 'true', '4.0', 'p'],
        ['1234.25', '2023-12-30', 'FALSE', '-', 'q'],
        ['-3', '2020-01-01', '1', '', 'p'],
      ];
      const tableOf = async (cells: readonly string[][]): Promise<Table> =>
        await make(Object.fromEntries(columns.map((name, k) => [name, cells.map((row) => row[k])])));
      const meant = async (cells: readonly string[][]): Promise<number[]> =>
        Array.from((await (await tableOf(cells)).fingerprints(columns, { meaning: true })).values);
      const expected = await meant(rows);
      expect(new Set(expected).size).toBe(3);
      expect(await meant(others)).toEqual(expected);
      for (const [k, odd] of ['1.25', '2024-03-06', 'no', '5', 'q'].entries()) {
        const changed = others.map((row, i) => (i === 0 ? row.map((cell, j) => (j === k ? odd : cell)) : row));
        expect((await meant(changed))[0]).not.toBe(expected[0]);
      }
    });

    it('gives the rows that are not 0 in a column as a table of their own', async () => {
      const w = [1, 0, 2, 0, null, 0.5, 0];
      const columns = {
        w,
        v: ['1', '0', '2', '-0.0', null, 'x', '0e3'],
        c: ['p', 'no', 'q', 'such', 'p', 'q', 'value'],
        n: ['1', 'text', '2', 'text', '3', '4.0', 'text'],
        b: [1, 7, 0, 7, 1, 0, 7],
      };
      const kept = [0, 2, 4, 5];
      const expected = Object.fromEntries(
        Object.entries(columns).map(([name, cells]) => [name, kept.map((row) => cells[row])]),
      ) as unknown as ContractColumns;
      const table = await make(columns);
      for (const by of ['w', 'v']) {
        const rows = (await table.nonZeroRows(by)) as Table;
        expect(rows.rowCount).toBe(kept.length);
        expect(rows.label).toContain(`"${by}" is not 0`);
        const names = ['c', 'n', 'b'];
        const mask = Uint8Array.of(1, 1, 0, 1);
        for (const [i, name] of names.entries()) {
          expect(described((await rows.profile(names))[i])).toEqual(oracleProfile(name, expected[name], options));
          expect(described((await rows.profile(names, { mask }))[i])).toEqual(
            oracleProfile(name, expected[name], options, mask),
          );
        }
        const { spec } = fitEncoder(await rows.profile(names));
        await expectEncoding(rows, spec, expected, options);
        expect(await rows.texts('c')).toEqual(['p', 'q', 'p', 'q']);
        expect(Array.from(await rows.numbers('n'))).toEqual([1, 2, 3, 4]);
        expect(Array.from(rows.rowKeys ?? [])).toEqual(kept);
        await rows.close();
      }
      // The whole is as it was; where no row is 0 there is no other table.
      expect(await table.texts('c')).toEqual(columns.c);
      expect(await table.nonZeroRows('c')).toBeUndefined();
      await expect(table.nonZeroRows('x')).rejects.toThrow(/no column "x"/);
    });

    it('keeps the order of many rows that are not 0, and what they are called in the whole', async () => {
      const rowCount = 30_000;
      const x = Array.from({ length: rowCount }, (_, i) => (i * 48271) % 65537);
      const table = await make({ x, w: x.map((value) => value % 3), v: x.map((value) => value % 5) });
      expect(table.rowKeys).toBeUndefined();
      const rows = (await table.nonZeroRows('w')) as Table;
      expect(Array.from(await rows.numbers('x'))).toEqual(x.filter((value) => value % 3 !== 0));
      const keys = x.flatMap((value, row) => (value % 3 !== 0 ? [row] : []));
      expect(Array.from(rows.rowKeys ?? [])).toEqual(keys);
      const fewer = (await rows.nonZeroRows('v')) as Table;
      expect(Array.from(fewer.rowKeys ?? [])).toEqual(keys.filter((row) => x[row] % 5 !== 0));
      await fewer.close();
      await rows.close();
    });

    it('takes any column name', async () => {
      const names = [
        'a b',
        'say "hi"',
        "it's",
        'select',
        'größe',
        '🙂',
        'a,b',
        'a;b',
        '1',
        'c0',
        'data',
        'm',
        'two\nlines',
      ];
      const columns = Object.fromEntries(names.map((name, k) => [name, ['u', 'v', k % 2 ? 'u' : 'v']]));
      const table = await make(columns);
      expect(table.columns.map((column) => column.name)).toEqual(expect.arrayContaining(names));
      const { spec } = fitEncoder(await table.profile(names));
      await expectEncoding(table, spec, columns, options);
    });

    it('packs more coordinates than fit one scan', async () => {
      const columns = Object.fromEntries(
        Array.from({ length: 300 }, (_, k) => [
          `c ${k}`,
          Array.from({ length: 70 }, (_, i) => (Math.imul(i * 300 + k + 1, 0x9e3779b1) >>> 20) & 1),
        ]),
      );
      const table = await make(columns);
      const { spec } = fitEncoder(await table.profile(Object.keys(columns)));
      expect(spec.columns).toHaveLength(300);
      await expectEncoding(table, spec, columns, options);
    });

    it('counts an unseen value as the reference and reports it', async () => {
      const { spec } = fitEncoder([
        ...(await (
          await make({ c: ['p', 'p', 'q', 'r'], two: ['n', 'y', 'n', 'y'], z: [1, 5, 1, 5] })
        ).profile(['c', 'two', 'z'])),
      ]);
      const table = await make({ c: ['q', 's', 's', 't'], two: ['y', 'maybe', 'n', 'y'], z: [5, 2, 4, 2] });
      const encoded = await table.encode(spec);
      expect(encoded.unseen).toEqual([
        { column: 'c', value: 's', count: 2 },
        { column: 'c', value: 't', count: 1 },
        { column: 'two', value: 'maybe', count: 1 },
      ]);
      // Between 1 and 5 a number has not been seen, but a threshold knows what it is near to.
      expect([...encoded.points.planes]).toEqual([0b1101, 0, 0b1000, 0b0100]);
    });

    it('lists at most 20 unseen values of a column', async () => {
      const { spec } = fitEncoder(await (await make({ c: ['p', 'p', 'q', 'r', 'q'] })).profile(['c']));
      const cells = Array.from({ length: 50 }, (_, i) => `v${String(i).padStart(2, '0')}`);
      const table = await make({ c: [...cells, 'q'] });
      const { unseen } = await table.encode(spec);
      expect(unseen.map(({ value }) => value)).toEqual(
        Array.from({ length: 20 }, (_, i) => `v${String(i).padStart(2, '0')}`),
      );
    });

    it('refuses missing cells where there were none, counting them', async () => {
      const { spec } = fitEncoder(await (await make({ a: ['x', 'y'], b: [1, 0] })).profile(['a', 'b']), {
        missing: 'refuse',
      });
      const table = await make({ a: ['x', '', null, 'y'], b: [1, 0, null, 1] });
      const error = await table.encode(spec).catch((e) => e);
      expect(error).toBeInstanceOf(FewfireError);
      expect(error.code).toBe('missing-values');
      expect(error.message).toContain('"a" 2, "b" 1, of 4 rows');
    });

    it('refuses text where numbers were, naming column, row and cell', async () => {
      for (const fitted of [
        [0, 1, 0],
        [1, 2, 3],
      ]) {
        const { spec } = fitEncoder(await (await make({ n: fitted })).profile(['n']));
        const table = await make({ n: [...fitted, 'many'] });
        const error = await table.encode(spec).catch((e) => e);
        expect(error).toBeInstanceOf(FewfireError);
        expect(error.code).toBe('invalid-data');
        expect(error.message).toMatch(/column "n" .* holds "many" in row 4, expected a finite number/);
      }
    });

    it('refuses infinity where numbers were, and takes NaN for missing', async () => {
      const { spec } = fitEncoder(await (await make({ n: [1, 2, 3] })).profile(['n']));
      await expect((await make({ n: ['1', '-inf'] })).encode(spec)).rejects.toThrow(
        /column "n" .* in row 2, expected a finite/,
      );
      const { missing, points } = await (await make({ n: ['3', 'nan'] })).encode(spec);
      expect([missing, [...points.planes]]).toEqual([[{ column: 'n', count: 1 }], [0b11, 0]]);
    });

    it('refuses a column of which no cell is a value that the fit saw', async () => {
      const { spec } = fitEncoder(
        await (await make({ two: ['p', 'q', 'q'], c: ['r', 's', 't'] })).profile(['two', 'c']),
      );
      await expect((await make({ two: ['m', 'f'], c: ['r', 's'] })).encode(spec)).rejects.toThrow(
        /column "two" .* holds "f", "m", expected such as "p", "q"; is it another column/,
      );
      // A few new texts of many may all be new.
      expect((await (await make({ two: ['p', 'q'], c: ['u', 'u'] })).encode(spec)).unseen).toEqual([
        { column: 'c', value: 'u', count: 2 },
      ]);
      const many = Array.from({ length: 40 }, (_, i) => ['p', 'q'][i % 2]);
      await expect((await make({ two: many, c: many })).encode(spec)).rejects.toThrow(/column "c" .* no value/);
    });

    it('reads 0/1, false/true and their texts as each other', async () => {
      const coding = { kind: 'two-valued', no: 'false', yes: 'true' } as const;
      const rest = { column: 'b', missing: 'refuse', missingCoordinate: false } as const;
      const fittedOnBoolean = { columns: [{ ...rest, type: 'boolean', coding } as const] };
      const fittedOnNumber = {
        columns: [{ ...rest, type: 'number', coding: { kind: 'two-valued', no: '0', yes: '1' } } as const],
      };
      const fittedOnText = { columns: [{ ...rest, type: 'text', coding } as const] };
      const bits = async (cells: readonly ContractCell[], spec: EncoderSpec): Promise<number[]> => {
        const { points, unseen } = await (await make({ b: cells })).encode(spec);
        expect(unseen).toEqual([]);
        return [...points.planes];
      };
      for (const spec of [fittedOnBoolean, fittedOnText]) {
        expect(await bits([true, false, true], spec)).toEqual([1, 0, 1]);
        expect(await bits(['true', 'false', 'true'], spec)).toEqual([1, 0, 1]);
      }
      expect(await bits([1, 0, 1], fittedOnBoolean)).toEqual([1, 0, 1]);
      expect(await bits(['1', '0', 'True'], fittedOnBoolean)).toEqual([1, 0, 1]);
      expect(await bits(['1.0', ' 0 ', '1'], fittedOnNumber)).toEqual([1, 0, 1]);
      if (!textOnly) expect(await bits([true, false, true], fittedOnNumber)).toEqual([1, 0, 1]);
    });

    it('cuts halfway between neighbours at quantiles, and on both sides of a tie', async () => {
      expect((await profileOf([5, 1, 1, 1, 9, 1, 1, 2, 3])).cuts).toEqual([1.5, 4]);
      // 80 % at the top: the cut is below it.
      expect((await profileOf([1, 2, 3, 4, ...Array(16).fill(5)])).cuts).toEqual([4.5]);
      expect((await profileOf([9, 8, 7, 6, ...Array(16).fill(5)])).cuts).toEqual([5.5]);
      expect((await profileOf([3, 1, 2], 3)).cuts).toEqual([1.5, 2.5]);
      expect((await profileOf([2, 1, 2, 1])).cuts).toEqual([1.5]);
    });

    it('suggests a name for an unknown column', async () => {
      const table = await make({ colour: ['r', 'g'] });
      await expect(table.profile(['color'])).rejects.toThrow(/no column "color"; did you mean "colour"\?/);
      await expect(table.texts('color')).rejects.toThrow(/did you mean/);
    });

    it('refuses coordinates that do not fit the memory allowed', async () => {
      const table = await make({ a: ['x', 'y', 'x'] });
      const { spec } = fitEncoder(await table.profile(['a']));
      const error = await table.encode(spec, { memoryLimitBytes: 2 }).catch((e) => e);
      expect(error.code).toBe('memory-budget');
    });

    it('rejects with the reason of an abort, and works on afterwards', async () => {
      const table = await make({ a: ['x', 'y', 'x'], n: [1, 2, 3] });
      const { spec } = fitEncoder(await table.profile(['a']));
      const reason = new Error('enough');
      const signal = AbortSignal.abort(reason);
      await expect(table.profile(['a'], { signal })).rejects.toBe(reason);
      await expect(table.encode(spec, { signal })).rejects.toBe(reason);
      await expect(table.texts('a', { signal })).rejects.toBe(reason);
      await expect(table.numbers('n', { signal })).rejects.toBe(reason);
      expect(await table.texts('a')).toEqual(['x', 'y', 'x']);
    });

    it('answers several calls at once', async () => {
      const columns = { a: ['x', 'y', 'x', 'z'], n: ['1', '2', '3', '4'] };
      const table = await make(columns);
      const mask = Uint8Array.of(1, 0, 1, 1);
      const [all, some, n] = await Promise.all([
        table.profile(['a', 'n']),
        table.profile(['a', 'n'], { mask }),
        table.numbers('n'),
      ]);
      expect(described(all[0])).toEqual(oracleProfile('a', columns.a, options));
      expect(described(some[1])).toEqual(oracleProfile('n', columns.n, options, mask));
      expect([...n]).toEqual([1, 2, 3, 4]);
    });
  });
}

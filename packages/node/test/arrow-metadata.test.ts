/** Metadata of Arrow files: what the reader would believe is checked before, and nothing sound is refused. */
import {
  Bool,
  type DataType,
  Dictionary,
  Field,
  Float64,
  Int32,
  List,
  Null,
  RecordBatchReader,
  Schema,
  Struct,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { checkArrowMetadata } from '../src/tables/arrow-metadata.ts';

const pair = new Struct([new Field('left', new Int32()), new Field('right', new List(new Field('item', new Utf8())))]);
// Vectors of its own for each table: the writer spoils those it shares.
const plain = (): Table =>
  new Table({
    number: vectorFromArray([1, 2, 3], new Float64()),
    text: vectorFromArray(['x', 'y', null], new Utf8()),
    flag: vectorFromArray([true, false, null], new Bool()),
    word: vectorFromArray(['a', 'b', 'a'], new Dictionary(new Utf8(), new Int32())),
    nested: vectorFromArray([{ left: 1, right: ['p', 'q'] }, null, { left: 2, right: [] }], pair),
    nothing: vectorFromArray([null, null, null], new Null()),
  });
const withMetadata = (table: Table): Table =>
  new Table(new Schema(table.schema.fields, new Map([['made by', 'hand']]), table.schema.dictionaries), table.batches);
// Dictionaries that are alike and shared, as the file format wants them.
const twice = (table: Table): Table => new Table(table.schema, [...table.batches, ...table.slice(0, 2).batches]);
const wide = Array.from({ length: 700 }, (_, i) => [`c${i}`, vectorFromArray([1, i], new Float64())] as const);
const tables: Readonly<Record<string, Table>> = {
  'columns of every kind': plain(),
  'two batches': twice(plain()),
  'metadata of its own': withMetadata(plain()),
  'no rows': new Table(plain().schema),
  '700 columns': new Table(Object.fromEntries(wide)),
};
const formats = ['file', 'stream'] as const;

function passes(bytes: Uint8Array): boolean {
  try {
    checkArrowMetadata(bytes);
    return true;
  } catch {
    return false;
  }
}

describe.each(Object.entries(tables))('a table with %s', (_, table) => {
  it.each(formats)('passes as a %s', (format) => {
    expect(() => checkArrowMetadata(tableToIPC(table, format))).not.toThrow();
  });
});

describe.each(formats)('a damaged %s', (format) => {
  const whole = tableToIPC(plain(), format);

  it('is refused wherever it is cut, but for a stream between two messages', () => {
    const passing = Array.from(whole.keys()).filter((length) => passes(whole.subarray(0, length)));
    // Less than the eight bytes before a message are none: at the start, after the schema, the dictionary, the batch.
    const ends = passing.filter((length, i) => length - 1 !== passing[i - 1]);
    expect(ends).toHaveLength(format === 'file' ? 1 : 4);
    expect(passing).toHaveLength(format === 'file' ? 4 : 4 * 8);
  });

  it('with any number replaced by a huge one decodes no more columns than it has bytes for', () => {
    const columnCount = ({ children }: DataType): number =>
      (children ?? []).reduce((sum, child) => sum + columnCount(child.type), 1);
    const outcomes = { refused: 0, stumbled: 0, read: 0 };
    for (let at = 0; at + 4 <= whole.length; at += 4) {
      for (const value of [0x7fffffff, 0x00ffffff, 0x0000ffff]) {
        const bytes = whole.slice();
        new DataView(bytes.buffer).setUint32(at, value, true);
        if (!passes(bytes)) {
          outcomes.refused++;
          continue;
        }
        let [columns, rows] = [0, 0];
        try {
          const reader = RecordBatchReader.from(bytes).open();
          columns = reader.schema.fields.reduce((sum, { type }) => sum + columnCount(type), 0);
          for (const batch of reader) rows = Math.max(rows, batch.numRows);
          outcomes.read++;
        } catch {
          outcomes.stumbled++;
        }
        expect(columns).toBeLessThanOrEqual(bytes.length / 4);
        expect(rows).toBeLessThanOrEqual(8 * bytes.length);
      }
    }
    expect(outcomes.refused).toBeGreaterThan(100);
    expect(outcomes.read).toBeGreaterThan(100);
  });
});

/** A stream of one schema: `levels` lists of columns, each of two that are one and the same: 2^levels to a reader. */
function doubledColumns(levels: number): Uint8Array {
  const flat = new DataView(new ArrayBuffer(64 + 20 * levels + 4));
  const point = (at: number, to: number): void => flat.setUint32(at, to - at, true);
  // Where the fields of a message, of a schema and of a column are: offsets in their tables, from slot 0 on.
  const slots = (at: number, tableBytes: number, ...offsets: number[]): void => {
    [4 + 2 * offsets.length, tableBytes, ...offsets].forEach((value, i) => {
      flat.setUint16(at + 2 * i, value, true);
    });
  };
  slots(4, 12, 0, 4, 8);
  slots(16, 8, 0, 4);
  slots(24, 8, 0, 0, 0, 0, 0, 4);
  const message = 40;
  point(0, message);
  flat.setInt32(message, message - 4, true);
  flat.setUint8(message + 4, 1);
  const schema = 52;
  point(message + 8, schema);
  flat.setInt32(schema, schema - 16, true);
  for (let level = 0, pointer = schema + 4; level < levels; level++) {
    const list = 64 + 20 * level;
    const column = list + 12;
    point(pointer, list);
    flat.setUint32(list, 2, true);
    point(list + 4, column);
    point(list + 8, column);
    flat.setInt32(column, column - 24, true);
    pointer = column + 4;
    // The last list of columns is empty.
    point(pointer, list + 20);
  }
  const bytes = new Uint8Array(8 + flat.byteLength);
  new DataView(bytes.buffer).setInt32(0, -1, true);
  new DataView(bytes.buffer).setInt32(4, flat.byteLength, true);
  bytes.set(new Uint8Array(flat.buffer), 8);
  return bytes;
}

it('columns that are many only because lists hold the same ones twice are refused', () => {
  const read = (levels: number): number => RecordBatchReader.from(doubledColumns(levels)).open().schema.fields.length;
  // What is built here is what the reader takes for columns.
  expect(read(3)).toBe(2);
  expect(passes(doubledColumns(3))).toBe(true);
  expect(() => checkArrowMetadata(doubledColumns(60))).toThrow('columns within columns without end');
});

/** Exported models, run where they are meant to run, against `predictPoints`: DuckDB, Node, onnxruntime. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type DuckDBConnection, DuckDBInstance, DuckDBTimestampValue } from '@duckdb/node-api';
import {
  type EncodedColumn,
  exportModel,
  FewfireError,
  type MemoryColumn,
  type Model,
  memoryTable,
  polynomialFromTerms,
} from '@fewfire/core';
import {
  missingTextsOf,
  readDate,
  readNumberForm,
  readOnnxModel,
  SQL_TERM_LIMIT,
  targetClasses,
} from '@fewfire/core/internal';
import * as ort from 'onnxruntime-web';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bitsModel,
  difference,
  type Expected,
  type ExportCase,
  encoderColumns,
  expectedOf,
  exportCases,
  fromResult,
  KEYWORD,
  type RawCell,
  REFUSED,
  RESERVED,
  refusedTable,
  rowsOf,
  rowWith,
  SINCE,
  SINGLE,
} from './export-models.ts';

const cases = exportCases();
const folder = mkdtempSync(join(tmpdir(), 'fewfire-export-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

function expectSame(found: readonly Expected[], expected: readonly Expected[], tolerance: number): void {
  expect(found).toHaveLength(expected.length);
  found.forEach((each, i) => {
    expect(difference(each, expected[i]), `row ${i}: ${JSON.stringify([each, expected[i]])}`).toBeLessThanOrEqual(
      tolerance,
    );
  });
}

it('has cases with ties, rows left out, and every class', async () => {
  const all = (await Promise.all(cases.map(expectedOf))).flat();
  expect(
    all.filter(({ probabilities }) => probabilities?.length === 2 && probabilities[0] === 0.5).length,
  ).toBeGreaterThan(0);
  expect(all.filter(({ prediction }) => prediction === null).length).toBeGreaterThan(0);
  expect(new Set(all.map(({ prediction }) => prediction)).size).toBeGreaterThan(100);
});

describe('sql', () => {
  let connection: DuckDBConnection;
  beforeAll(async () => {
    connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  });
  afterAll(() => connection.closeSync());

  const typeOf = (cells: ExportCase['columns'][string]): string => {
    if (cells instanceof Float32Array) return 'FLOAT';
    const some = cells.find((cell) => cell !== null);
    if (some instanceof Date) return 'TIMESTAMP';
    return typeof some === 'number' ? 'DOUBLE' : typeof some === 'boolean' ? 'BOOLEAN' : 'VARCHAR';
  };

  async function fill(columns: ExportCase['columns']): Promise<void> {
    const types = Object.entries(columns).map(([name, cells]) => `${quoted(name)} ${typeOf(cells)}`);
    await connection.run(`CREATE OR REPLACE TABLE data (row_id INTEGER, ${types.join(', ')})`);
    const marks = ['?', ...types.map(() => '?')].join(', ');
    const insert = await connection.prepare(`INSERT INTO data VALUES (${marks})`);
    for (const [i, row] of rowsOf({ columns }).entries()) {
      insert.bindInteger(1, i);
      for (const [k, cell] of Object.values(row).entries()) {
        if (cell === null || (cell instanceof Date && Number.isNaN(cell.getTime()))) insert.bindNull(k + 2);
        else if (cell instanceof Date)
          insert.bindTimestamp(k + 2, new DuckDBTimestampValue(BigInt(cell.getTime()) * 1000n));
        else if (typeof cell === 'number') insert.bindDouble(k + 2, cell);
        else if (typeof cell === 'boolean') insert.bindBoolean(k + 2, cell);
        else insert.bindVarchar(k + 2, cell);
      }
      await insert.run();
    }
  }

  async function run(sql: string, model: Model): Promise<Expected[]> {
    const reader = await connection.runAndReadAll(sql);
    const names = targetClasses(model.target).map((name) => `probability_${name}`);
    expect(reader.columnNames()).toEqual(['row_id', 'prediction', ...names]);
    return reader.getRows().map((row, i): Expected => {
      expect(row[0]).toBe(i);
      const [prediction, ...chances] = row.slice(1) as (number | string | null)[];
      const none = chances.length === 0 || chances[0] === null;
      return { prediction, probabilities: none ? null : (chances as number[]) };
    });
  }

  it.each(cases)('$name', async ({ model, columns }) => {
    await fill(columns);
    const sql = exportModel(model, { to: 'sql', keep: ['row_id'], name: "x\n'; DROP TABLE data; --" });
    expectSame(await run(sql, model), await expectedOf({ model, columns }), 1e-12);
  });

  it.each(REFUSED)('refuses %j = %j, naming the column', async (column, cell) => {
    const columns = rowWith(column, cell);
    const table = { model: cases[0].model, columns: refusedTable(column, cell) };
    await expect(expectedOf(table)).rejects.toThrow(FewfireError);
    await fill(columns);
    await expect(run(exportModel(cases[0].model, { to: 'sql', keep: ['row_id'] }), cases[0].model)).rejects.toThrow(
      JSON.stringify(column),
    );
  });

  it('refuses booleans where the fit had other texts, which readers of CSV make of t and f', async () => {
    const [{ model }] = cases;
    await fill({ ...rowWith(RESERVED, 'x'), [KEYWORD]: [true] });
    await expect(run(exportModel(model, { to: 'sql', keep: ['row_id'] }), model)).rejects.toThrow(
      `column "${KEYWORD}" holds booleans`,
    );
  });

  it('reads floats as their shortest decimals, decimals as the numbers they are, and any table', async () => {
    const amount = 'f';
    const column: EncodedColumn = {
      ...{ column: amount, type: 'number', missing: 'refuse', missingCoordinate: false },
      coding: { kind: 'thresholds', above: [0.1] },
    };
    const model: Model = {
      ...cases[0].model,
      encoder: { columns: [column] },
      outputs: [
        {
          ...cases[0].model.outputs[0],
          polynomial: polynomialFromTerms(['f>0.1'], [{ coordinates: [0], coefficient: 1 }]),
        },
      ],
    };
    await connection.run(`CREATE SCHEMA s; CREATE TABLE s."t "".x" AS SELECT 0.1::FLOAT AS f`);
    const value = async (table: string): Promise<unknown> =>
      (await connection.runAndReadAll(exportModel(model, { to: 'sql', table }))).getRows()[0][0];
    expect(await value('s."t "".x"')).toBe(1); // the shortest decimal of the float is not above
    await connection.run('CREATE TABLE decimals AS SELECT 0.1::DECIMAL(4,2) AS f');
    expect(await value('decimals')).toBe(1);
  });

  it('reads dates of every type, in every time zone of the session', async () => {
    const model = dateModel();
    const value = async (cell: string): Promise<unknown> => {
      await connection.run(`CREATE OR REPLACE TABLE dates AS SELECT ${cell} AS "at"`);
      return (await connection.runAndReadAll(exportModel(model, { to: 'sql', table: 'dates' }))).getRows()[0][0];
    };
    for (const zone of ['UTC', 'Europe/Paris']) {
      await connection.run(`SET TimeZone = '${zone}'`);
      for (const [cell, date] of [
        ["DATE '2024-03-05'", '2024-03-05'],
        ["DATE '2024-03-06'", '2024-03-06'],
        ["TIMESTAMP '2024-03-05 10:00:00.000001'", '2024-03-05T10:00:00.000001Z'],
        ["TIMESTAMP_S '2024-03-05 10:00:00'", '2024-03-05T10:00'],
        ["TIMESTAMP_MS '2024-03-05 10:00:00.001'", '2024-03-05T10:00:00.001'],
        ["TIMESTAMP_NS '2024-03-05 10:00:00.000001001'", '2024-03-05T10:00:00.000001'],
        ["TIMESTAMPTZ '2024-03-05 23:30:00-01:00'", '2024-03-06 00:30'],
        ["TIMESTAMPTZ '2024-03-06 00:30:00+01:00'", '2024-03-05 23:30'],
        ["TIMESTAMPTZ '1850-01-01 00:00:00+00'", '1850-01-01'],
        ["'2024-03-05 10:00:00.000001 Z'", '2024-03-05 10:00:00.000001'],
      ]) {
        const [expected] = await expectedOf({ model, columns: { at: [date] } });
        expect(await value(cell), `${cell} in ${zone}`).toBeCloseTo(expected.prediction as number, 12);
      }
    }
    await connection.run("SET TimeZone = 'UTC'");
    const [missing] = await expectedOf({ model, columns: { at: [null] } });
    for (const cell of ["TIMESTAMP 'infinity'", "DATE '-infinity'", 'NULL::DATE', "''"]) {
      expect(await value(cell), cell).toBeCloseTo(missing.prediction as number, 12);
    }
    for (const cell of ['20240305', '1.5::DOUBLE', 'true', "TIME '10:00'", '[1]']) {
      await expect(value(cell), cell).rejects.toThrow('column "at" holds');
    }
  });

  it('refuses dates, lists and bytes where the fit had texts or numbers', async () => {
    const [{ model }] = cases;
    const columns = rowWith(RESERVED, 'x');
    for (const [column, cell] of [
      [KEYWORD, "DATE '2024-03-05'"],
      [KEYWORD, "['x']"],
      [RESERVED, "'x'::BLOB"],
      [SINGLE, "TIMESTAMP '2024-03-05 00:00:00'"],
    ]) {
      await fill(columns);
      await connection.run(
        `CREATE OR REPLACE TABLE other AS SELECT * REPLACE (${cell} AS ${quoted(column)}) FROM data`,
      );
      const sql = exportModel(model, { to: 'sql', table: 'other' });
      await expect(connection.runAndReadAll(sql), cell).rejects.toThrow(`column ${JSON.stringify(column)} holds`);
    }
  });

  it('refuses what SQL cannot say', () => {
    const [{ model }] = cases;
    expect(() => exportModel(model, { to: 'sql', table: 'a; DROP TABLE b' })).toThrow(/expected a name such as/);
    expect(() => exportModel(model, { to: 'sql', keep: ['prediction'] })).toThrow(/`keep` names "prediction"/);
    const renamed = (name: string): Model => ({
      ...model,
      encoder: { columns: [{ ...model.encoder.columns[0], column: name }, ...model.encoder.columns.slice(1)] },
    });
    expect(() => exportModel(renamed('CLASS'), { to: 'sql' })).toThrow(/differ only in capital letters/);
    expect(() => exportModel(renamed('a\0'), { to: 'sql' })).toThrow(/NUL/);
    expect(() => exportModel(renamed(''), { to: 'sql' })).toThrow(/no name/);
    const coordinates = Array.from({ length: 250 }, (_, i) => String(i));
    const terms = coordinates.flatMap((_, i) => coordinates.slice(i + 1).map((_, j) => [i, i + 1 + j]));
    const polynomial = polynomialFromTerms(
      coordinates,
      terms.slice(0, SQL_TERM_LIMIT + 1).map((members) => ({ coordinates: members, coefficient: 1 })),
    );
    const large = { ...model, outputs: [{ ...model.outputs[0], polynomial }] };
    expect(() => exportModel(large, { to: 'sql' })).toThrow(/terms; expected at most/);
  });
});

describe('js', () => {
  let count = 0;
  type Predict = (row: object) => { prediction: number | string | null; probabilities?: Record<string, number> | null };

  async function load(source: string): Promise<{ predict: Predict; columns: readonly string[] }> {
    const path = join(folder, `model-${count++}.mjs`);
    writeFileSync(path, source);
    return await import(/* @vite-ignore */ pathToFileURL(path).href);
  }

  it.each(cases)('$name', async ({ model, columns }) => {
    const source = exportModel(model, { to: 'js', name: '*/ \u2028 </script>' });
    expect(source).not.toMatch(/<\/script|\u2028|\/\/#/);
    const { predict, columns: names } = await load(source);
    expect(names).toEqual([...new Set(model.encoder.columns.map(({ column }) => column))]);
    const found = rowsOf({ columns }).map((row) => fromResult(model, predict(row)));
    expectSame(found, await expectedOf({ model, columns }), 1e-12);
  });

  it.each(REFUSED)('refuses %j = %j, naming the column', async (column, cell) => {
    const [{ model }] = cases;
    const columns = rowWith(column, cell);
    await expect(expectedOf({ model, columns: refusedTable(column, cell) })).rejects.toThrow(FewfireError);
    const { predict } = await load(exportModel(model, { to: 'js' }));
    expect(() => predict(rowsOf({ columns })[0])).toThrow(`column ${JSON.stringify(column)} h`);
  });

  it('refuses columns that are not there and cells of types that no table has', async () => {
    const [{ model }] = cases;
    const { predict } = await load(exportModel(model, { to: 'js' }));
    const [row] = rowsOf({ columns: rowWith(RESERVED, 'x') });
    expect(() => predict({})).toThrow('is not in the row');
    expect(() => predict({ ...row, [RESERVED]: [1] })).toThrow('holds a value of type object');
    expect(() => predict({ ...row, [RESERVED]: new Date(0) })).toThrow('holds a value of type Date');
    expect(() => predict({ ...row, [SINGLE]: new Date(0) })).toThrow('holds a value of type Date');
    expect(predict({ ...row, [SINGLE]: 1n })).toEqual(predict({ ...row, [SINGLE]: '1' }));
  });

  it('holds word lists and the reading of dates only where a column needs them', async () => {
    const sizes = ['boolean', 'date', 'number'].map((type) => {
      const columns = encoderColumns('no').filter((column) => column.type === type);
      const small = bitsModel(columns);
      return (['sql', 'js', 'python', 'onnx'] as const).map((to) => {
        const source = exportModel(small, { to });
        return { length: source.length, text: String(typeof source === 'string' ? source : '') };
      });
    });
    sizes[2].slice(0, 3).forEach(({ text }) => {
      expect(text).not.toMatch(/wahr|secondsOf|_seconds|dmy/);
    });
    expect(sizes[1][1].text).not.toContain('wahr');
    expect(sizes[0][1].text.match(/wahr/g)).toHaveLength(1);
    expect(sizes[0][3].length).toBeLessThan(60_000);
  });
});

/** A date column `at`. */
function dateModel(): Model {
  const since = encoderColumns('no').filter(({ column }) => column === SINCE);
  return bitsModel(since.map((column) => ({ ...column, column: 'at' })));
}

it('thresholds lie between the decimals that floats of 32 bits come from, so that these are read alike', async () => {
  const decimals = Array.from({ length: 400 }, (_, i) => Math.round(Math.sin(i) * 1e4) / 1e3);
  const profile = async (cells: MemoryColumn) => (await memoryTable({ x: cells }).profile(['x'], { bins: 16 }))[0];
  const { cuts } = await profile(decimals);
  expect((await profile(Float32Array.from(decimals))).cuts).toEqual(cuts);
  expect(cuts.length).toBeGreaterThan(10);
  for (const x of decimals) {
    expect(cuts.map((cut) => Math.fround(x) > cut)).toEqual(cuts.map((cut) => x > cut));
  }
});

describe('onnx', () => {
  beforeAll(() => {
    ort.env.wasm.numThreads = 1;
  });

  // Inputs are typed: numbers, and dates in seconds, are doubles, all others texts without white space around them. What
  // is to be a double is read here, by rules that other tests check.
  function feedsOf({ model, columns }: ExportCase, names: readonly string[]): Record<string, ort.Tensor> {
    const inputs = new Map(model.encoder.columns.map((encoded) => [encoded.column, encoded]));
    const feeds = [...inputs.values()].map((encoded, k) => {
      const { column, type } = encoded;
      const cells = Array.from<RawCell>(columns[column]).map((cell) =>
        typeof cell === 'string' ? cell.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '') : cell,
      );
      const absent = ['', ...missingTextsOf(encoded, false, model.encoder)];
      const spelling = model.provenance.spellings?.[column];
      const seconds = (text: string): number =>
        readDate(text, spelling?.date ?? 'ymd') ?? readDate(text, 'ymd') ?? Number.NaN;
      const double = (cell: RawCell): number => {
        if (cell === null || (typeof cell === 'string' && absent.includes(cell))) return Number.NaN;
        if (cell instanceof Date) return cell.getTime() / 1e3;
        if (typeof cell !== 'string') return Number(cell);
        if (type === 'date') return seconds(cell);
        return (spelling?.number && readNumberForm(cell, spelling.number)) ?? Number(cell);
      };
      const text = (cell: RawCell): string => (cell === null || Number.isNaN(cell) ? '' : String(cell));
      const shape = [cells.length, 1];
      const tensor =
        type === 'number' || type === 'date'
          ? new ort.Tensor('float64', Float64Array.from(cells, double), shape)
          : new ort.Tensor('string', cells.map(text), shape);
      return [names[k], tensor];
    });
    return Object.fromEntries(feeds);
  }

  async function run(each: ExportCase): Promise<Expected[]> {
    const bytes = exportModel(each.model, { to: 'onnx', name: 'x' });
    const { graph } = readOnnxModel(bytes);
    const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const { prediction, probabilities } = await session.run(
      feedsOf(
        each,
        graph.inputs.map(({ name }) => name),
      ),
    );
    await session.release();
    const width = targetClasses(each.model.target).length;
    expect(prediction.dims).toEqual([prediction.data.length, 1]);
    return Array.from(prediction.data as ArrayLike<number | string>, (cell, i): Expected => {
      if (cell === '' || Number.isNaN(cell)) {
        if (width > 0)
          expect(
            Array.from(probabilities.data as Float64Array)
              .slice(i * width, (i + 1) * width)
              .every(Number.isNaN),
          ).toBe(true);
        return { prediction: null, probabilities: null };
      }
      const chances =
        width === 0 ? null : Array.from(probabilities.data as Float64Array).slice(i * width, (i + 1) * width);
      return { prediction: cell, probabilities: chances };
    });
  }

  it.each(cases)('$name', async (each) => {
    expectSame(await run(each), await expectedOf(each), 1e-12);
  });

  it('knows the weekday and the month of the first and the last day of every month of 400 years', async () => {
    const model = dateModel();
    const at = Array.from({ length: 4900 }, (_, i) => Date.UTC(1599, i, 1)).flatMap((first) => [
      new Date(first - 1),
      new Date(first),
    ]);
    const found = await run({ name: '', model, columns: { at } });
    const expected = await expectedOf({ model, columns: { at } });
    expect(found).toHaveLength(expected.length);
    expect(at.filter((_, i) => difference(found[i], expected[i]) > 1e-12)).toEqual([]);
  });

  it('predicts no rows at all', async () => {
    const each = { ...cases[0], columns: Object.fromEntries(Object.keys(cases[0].columns).map((name) => [name, []])) };
    expect(await run(each)).toEqual([]);
  });

  it('gives NaN or no class where the others refuse', async () => {
    for (const { model } of [cases[0], cases.find(({ name }) => name === 'four classes') as ExportCase]) {
      for (const [column, cell] of REFUSED.filter(([, text]) =>
        ['nan', '', ' ? ', null, '-Infinity', ' N.A. ', '--', 'unknown'].includes(text as string),
      )) {
        const found = await run({ name: '', model, columns: rowWith(column, cell) });
        expect(found).toEqual([{ prediction: null, probabilities: null }]);
      }
    }
  });

  it.each(cases)('$name: a constant that no node uses made ONNX Runtime warn', ({ model }) => {
    const { graph } = readOnnxModel(exportModel(model, { to: 'onnx' }));
    const used = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
    expect(graph.initializers.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
  });

  it('renames inputs that would clash', () => {
    const { graph } = readOnnxModel(exportModel(cases[0].model, { to: 'onnx' }));
    expect(graph.inputs.map(({ name }) => name)).toContain('column_prediction');
    expect(graph.outputs.map(({ name }) => name)).toEqual(['prediction']);
  });
});

/** Exported models, run where they are meant to run, against `predictPoints`: DuckDB, Node, onnxruntime. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import {
  type EncodedColumn,
  exportModel,
  FewfireError,
  type Model,
  polynomialFromTerms,
  readOnnxModel,
  SQL_TERM_LIMIT,
  targetClasses,
} from '@fewfire/core';
import * as ort from 'onnxruntime-web';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  difference,
  type Expected,
  type ExportCase,
  expectedOf,
  exportCases,
  fromResult,
  KEYWORD,
  REFUSED,
  RESERVED,
  refusedColumns,
  rowsOf,
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

  const typeOf = (cells: readonly unknown[]): string => {
    const some = cells.find((cell) => cell !== null);
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
        if (cell === null) insert.bindNull(k + 2);
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
    const columns = refusedColumns(column, cell);
    await expect(expectedOf({ model: cases[0].model, columns })).rejects.toThrow(FewfireError);
    await fill(columns);
    await expect(run(exportModel(cases[0].model, { to: 'sql', keep: ['row_id'] }), cases[0].model)).rejects.toThrow(
      JSON.stringify(column),
    );
  });

  it('refuses booleans where the fit had other texts, which readers of CSV make of t and f', async () => {
    const [{ model }] = cases;
    await fill({ ...refusedColumns(RESERVED, 'x'), [KEYWORD]: [true] });
    await expect(run(exportModel(model, { to: 'sql', keep: ['row_id'] }), model)).rejects.toThrow(
      `column "${KEYWORD}" holds booleans`,
    );
  });

  it('reads floats and decimals as the numbers they are, and any table', async () => {
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
    expect(await value('s."t "".x"')).toBe(-1); // the float is above
    await connection.run('CREATE TABLE decimals AS SELECT 0.1::DECIMAL(4,2) AS f');
    expect(await value('decimals')).toBe(1);
  });

  it('refuses what SQL cannot say', () => {
    const [{ model }] = cases;
    expect(() => exportModel(model, { to: 'sql', table: 'a; DROP TABLE b' })).toThrow(/expected a name such as/);
    expect(() => exportModel(model, { to: 'sql', keep: ['prediction'] })).toThrow(/--keep names "prediction"/);
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
  const run = (source: string, rows: readonly object[]): { prediction: number | string | null }[] => {
    const path = join(folder, 'model.mjs');
    writeFileSync(path, source);
    const script = `import { predict } from ${JSON.stringify(path)};
let text = '';
for await (const chunk of process.stdin) text += chunk;
console.log(JSON.stringify(JSON.parse(text).map((row) => {
  try { return predict(row); } catch (error) { return { error: error.message }; }
})));`;
    const args = ['--input-type=module', '-e', script];
    return JSON.parse(execFileSync(process.execPath, args, { input: JSON.stringify(rows), encoding: 'utf8' }));
  };

  it.each(cases)('$name', async ({ model, columns }) => {
    const source = exportModel(model, { to: 'js', name: '*/ \u2028 </script>' });
    expect(source).not.toMatch(/<\/script|\u2028|\/\/#/);
    const found = run(source, rowsOf({ columns })).map((result) => fromResult(model, result));
    expectSame(found, await expectedOf({ model, columns }), 1e-12);
  });

  it('refuses what the library refuses, naming the column', async () => {
    const [{ model }] = cases;
    const rows = REFUSED.flatMap(([column, cell]) => rowsOf({ columns: refusedColumns(column, cell) }));
    const found = run(exportModel(model, { to: 'js' }), [...rows, {}, { ...rows[0], [RESERVED]: [1] }]);
    REFUSED.forEach(([column], i) => {
      expect(found[i]).toEqual({ error: expect.stringContaining(JSON.stringify(column)) });
    });
    expect(found[REFUSED.length]).toEqual({ error: expect.stringContaining('is not in the row') });
    expect(found).toHaveLength(REFUSED.length + 2);
  });
});

describe('onnx', () => {
  beforeAll(() => {
    ort.env.wasm.numThreads = 1;
  });

  // Inputs are typed: cells of number columns as doubles, all others as texts without white space around them.
  function feedsOf({ model, columns }: ExportCase, names: readonly string[]): Record<string, ort.Tensor> {
    const feeds = model.encoder.columns.map(({ column, type }, k) => {
      const cells = columns[column].map((cell) =>
        typeof cell === 'string' ? cell.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '') : cell,
      );
      const isMissing = (cell: unknown): boolean => cell === null || ['', '?', 'NA'].includes(String(cell));
      const tensor =
        type === 'number'
          ? new ort.Tensor(
              'float64',
              Float64Array.from(cells, (cell) => (isMissing(cell) ? Number.NaN : Number(cell))),
              [cells.length, 1],
            )
          : new ort.Tensor(
              'string',
              cells.map((cell) => (cell === null ? '' : String(cell))),
              [cells.length, 1],
            );
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

  it.each(cases.filter(({ name }) => name !== 'cells of other types'))('$name', async (each) => {
    expectSame(await run(each), await expectedOf(each), 1e-12);
  });

  it('gives NaN or no class where the others refuse', async () => {
    for (const { model } of [cases[0], cases.find(({ name }) => name === 'four classes') as ExportCase]) {
      for (const [column, cell] of REFUSED.filter(([, text]) =>
        ['nan', '', ' ? ', null, '-Infinity'].includes(text as string),
      )) {
        const found = await run({ name: '', model, columns: refusedColumns(column, cell) });
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

/** Models exported to Python, run by python3 with nothing but its standard library; ONNX files, checked by onnx itself. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportModel } from '@fewfire/core';
import { targetClasses } from '@fewfire/core/internal';
import { afterAll, describe, expect, it } from 'vitest';
import { findPython } from '../../../scripts/tools.mjs';
import {
  bitsModel,
  difference,
  type ExportCase,
  encoderColumns,
  expectedOf,
  exportCases,
  fromResult,
  NOTE,
  type RawCell,
  REFUSED,
  rowsOf,
  rowWith,
  SINCE,
  SINGLE,
} from './export-models.ts';

const python = findPython() as string;
const cases = exportCases();
const folder = mkdtempSync(join(tmpdir(), 'fewfire-export-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// -I: without the folders of other packages; -S: without those of the site.
const alone = ['-I', '-S'];
const modelPath = join(folder, 'model.py');
// Cells that JSON cannot hold come as an object of their type and what Python is to make of it.
const driver = `
import datetime, importlib.util, json, math, sys
spec = importlib.util.spec_from_file_location("model", sys.argv[1])
model = importlib.util.module_from_spec(spec)
spec.loader.exec_module(model)
def decoded(cell):
    return eval(cell["python"]) if isinstance(cell, dict) else cell
def one(row):
    try:
        return model.predict({name: decoded(cell) for name, cell in row.items()})
    except ValueError as error:
        return {"error": str(error)}
print(json.dumps([one(row) for row in json.loads(sys.stdin.buffer.read())]))
`;

type Result = { prediction: number | string | null; error?: string };

function run(source: string, rows: readonly object[], options = alone, program = driver): Result[] {
  writeFileSync(modelPath, source);
  const input = JSON.stringify(rows);
  return JSON.parse(execFileSync(python, [...options, '-c', program, modelPath], { input, encoding: 'utf8' }));
}

/** A date is a date where it can be one, and otherwise a time without a zone, or with one. */
function pythonRows(columns: ExportCase['columns']): Record<string, unknown>[] {
  return rowsOf({ columns }).map((row, i) =>
    Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, pythonCell(cell, i)])),
  );
}

function pythonCell(cell: RawCell, i: number): unknown {
  if (cell instanceof Date && Number.isNaN(cell.getTime())) return null;
  if (cell instanceof Date) {
    const micros = BigInt(cell.getTime()) * 1000n;
    const time = `datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=${micros})`;
    if (i % 3 === 0 && cell.getTime() % 864e5 === 0) return { python: `(${time}).date()` };
    if (i % 3 === 1) return { python: time };
    const zone = 'datetime.timezone(datetime.timedelta(hours=-5))';
    return { python: `(${time}).replace(tzinfo=datetime.timezone.utc).astimezone(${zone})` };
  }
  return typeof cell === 'number' && !Number.isFinite(cell) ? { python: `float("${cell}")` } : cell;
}

function csvOf(rows: readonly Record<string, RawCell>[]): string {
  const cell = (value: RawCell): string => `"${String(value ?? '').replaceAll('"', '""')}"`;
  return [Object.keys(rows[0]), ...rows.map((row) => Object.values(row))]
    .map((cells) => `${cells.map(cell).join(',')}\r\n`)
    .join('');
}

describe.skipIf(python === undefined)('python', () => {
  it.each(cases)('$name', async ({ model, columns }) => {
    const source = exportModel(model, { to: 'python', name: '"""\n\u2028 # coding: utf-7' });
    const found = run(source, pythonRows(columns)).map((result) => fromResult(model, result));
    const expected = await expectedOf({ model, columns });
    expect(found).toHaveLength(expected.length);
    found.forEach((each, i) => {
      expect(difference(each, expected[i]), JSON.stringify([each, expected[i]])).toBeLessThanOrEqual(1e-12);
    });
  });

  it('refuses what the library refuses, naming the column', () => {
    const [{ model }] = cases;
    const rows = REFUSED.flatMap(([column, cell]) => pythonRows(rowWith(column, cell)));
    const found = run(exportModel(model, { to: 'python', name: 'named' }), [...rows, {}]);
    for (const [i, result] of found.entries()) {
      expect(result.error, String(REFUSED[i])).toMatch(/^column .* (holds|has no value|is not in the row)/s);
    }
    expect(found).toHaveLength(REFUSED.length + 1);
  });

  it.each(cases.filter(({ name }) => /^four|^number, missing cells: drop|^missing/.test(name)))(
    'as a command, from CSV to CSV: $name',
    async ({ model, columns }) => {
      writeFileSync(modelPath, exportModel(model, { to: 'python' }));
      const input = `\ufeff${csvOf(rowsOf({ columns }))}`;
      const said = execFileSync(python, [...alone, modelPath], { input, encoding: 'utf8' });
      const path = join(folder, 'rows.csv');
      writeFileSync(path, input);
      expect(execFileSync(python, [...alone, modelPath, path], { encoding: 'utf8' })).toBe(said);
      const read = 'import csv, json, sys; print(json.dumps(list(csv.reader(sys.stdin))))';
      const table: string[][] = JSON.parse(
        execFileSync(python, [...alone, '-X', 'utf8', '-c', read], { input: said, encoding: 'utf8' }),
      );
      const names = targetClasses(model.target).map((name) => `probability_${name}`);
      expect(table[0]).toEqual(['prediction', ...names]);
      const expected = await expectedOf({ model, columns });
      expect(table).toHaveLength(expected.length + 1);
      for (const [i, { prediction, probabilities }] of expected.entries()) {
        const [first, ...chances] = table[i + 1];
        if (typeof prediction === 'number') expect(Number(first)).toBeCloseTo(prediction, 11);
        else expect(first).toBe(prediction ?? '');
        chances.forEach((chance, k) => {
          if (probabilities === null) expect(chance).toBe('');
          else expect(Number(chance)).toBeCloseTo(probabilities[k], 12);
        });
      }
    },
  );

  it('refuses dates where the fit had texts or numbers', () => {
    const [{ model }] = cases;
    const rows = [NOTE, SINGLE].map((column) => ({
      ...rowsOf({ columns: rowWith(column, 'a') })[0],
      [column]: { python: 'datetime.date(2024, 3, 5)' },
    }));
    const found = run(exportModel(model, { to: 'python' }), rows);
    for (const { error } of found) expect(error).toMatch(/^column .* holds a value of type date/);
  });

  it('reads cells of numpy and pandas', async () => {
    const rowsFor = (column: string, cells: readonly string[]) => cells.map((cell) => ({ [column]: { python: cell } }));
    const packages = driver.replace('import datetime', 'import numpy as np, pandas as pd, datetime');
    for (const [column, cells, same] of [
      [
        SINGLE,
        ['np.float32(0.15)', 'np.float32(0.7)', 'np.int8(1)', 'np.float16(0.1)', 'np.float64(0.25)', 'np.bool_(True)'],
        [0.15, 0.7, 1, 0.1, 0.25, 1],
      ],
      [
        SINGLE,
        ['np.float32("nan")', 'np.nan', 'pd.NA', 'pd.NaT', 'np.datetime64("NaT")'],
        [null, null, null, null, null],
      ],
      [
        SINCE,
        [
          'pd.Timestamp("2024-03-05")',
          'pd.Timestamp("2024-03-05 10:00:00.5000010")',
          'pd.Timestamp("2024-03-06 00:30", tz="Europe/Paris")',
          'np.datetime64("2024-03-06")',
          'np.datetime64("2024-03-05T10:00:00.500001001", "ns")',
          'pd.NaT',
          'np.datetime64("NaT", "ns")',
          'np.str_("2024-02-29 ")',
        ],
        [
          ...[
            '2024-03-05',
            '2024-03-05 10:00:00.500001',
            '2024-03-05T23:30Z',
            '2024-03-06',
            '2024-03-05 10:00:00.500001',
          ],
          ...[null, null, '2024-02-29'],
        ],
      ],
      [NOTE, ['float("nan")', 'np.nan', 'pd.NA', 'np.str_("b")'], [null, null, null, 'b']],
    ] as const) {
      const model = bitsModel(encoderColumns('no').filter((encoded) => encoded.column === column));
      const found = run(exportModel(model, { to: 'python' }), rowsFor(column, cells), ['-I'], packages);
      for (const [i, cell] of same.entries()) {
        const [expected] = await expectedOf({ model, columns: { [column]: [cell] } });
        expect(
          difference(fromResult(model, found[i]), expected),
          `${cells[i]}: ${JSON.stringify(found[i])}`,
        ).toBeLessThan(1e-12);
      }
    }
  });

  it('as a command, says which row is wrong', () => {
    writeFileSync(modelPath, exportModel(cases[0].model, { to: 'python' }));
    const good = rowWith('x', '');
    const bad = rowWith(...REFUSED[0]);
    const { x: _, ...columns } = good;
    const input = csvOf([...rowsOf({ columns }), ...rowsOf({ columns: bad })]);
    const { status, stderr } = spawnSync(python, [...alone, modelPath], { input, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/^error: row 2: column .*'abc'/s) });
    const lacking = spawnSync(python, [...alone, modelPath], { input: 'a,b\n1,2\n', encoding: 'utf8' });
    expect(lacking.stderr).toMatch(/the header has column .* 0 times/s);
  });
});

describe.skipIf(python === undefined)('onnx', () => {
  it('files pass the checker, shapes inferred', () => {
    const script =
      'import onnx, sys\nfor path in sys.argv[1:]:\n    model = onnx.load(path)\n    onnx.checker.check_model(model, full_check=True)\n    print(len(model.graph.node))';
    const paths = cases.map(({ model }, i) => {
      const path = join(folder, `${i}.onnx`);
      writeFileSync(path, exportModel(model, { to: 'onnx', name: '' }));
      return path;
    });
    const counts = execFileSync(python, ['-c', script, ...paths], { encoding: 'utf8' })
      .trim()
      .split('\n');
    expect(counts).toHaveLength(cases.length);
  });
});

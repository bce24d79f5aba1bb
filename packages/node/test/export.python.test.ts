/** Models exported to Python, run by python3 with nothing but its standard library; ONNX files, checked by onnx itself. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportModel, targetClasses } from '@fewfire/core';
import { afterAll, describe, expect, it } from 'vitest';
import { findPython } from '../../../scripts/tools.mjs';
import {
  difference,
  expectedOf,
  exportCases,
  fromResult,
  type RawCell,
  REFUSED,
  refusedColumns,
  rowsOf,
} from './export-models.ts';

const python = findPython() as string;
const cases = exportCases();
const folder = mkdtempSync(join(tmpdir(), 'fewfire-export-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// -I: without the folders of other packages; -S: without those of the site.
const alone = ['-I', '-S'];
const modelPath = join(folder, 'model.py');
const driver = `
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("model", sys.argv[1])
model = importlib.util.module_from_spec(spec)
spec.loader.exec_module(model)
def one(row):
    try:
        return model.predict(row)
    except ValueError as error:
        return {"error": str(error)}
print(json.dumps([one(row) for row in json.loads(sys.stdin.buffer.read())]))
`;

function run(source: string, rows: readonly object[]): { prediction: number | string | null; error?: string }[] {
  writeFileSync(modelPath, source);
  const input = JSON.stringify(rows);
  return JSON.parse(execFileSync(python, [...alone, '-c', driver, modelPath], { input, encoding: 'utf8' }));
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
    const found = run(source, rowsOf({ columns })).map((result) => fromResult(model, result));
    const expected = await expectedOf({ model, columns });
    expect(found).toHaveLength(expected.length);
    found.forEach((each, i) => {
      expect(difference(each, expected[i]), JSON.stringify([each, expected[i]])).toBeLessThanOrEqual(1e-12);
    });
  });

  it('refuses what the library refuses, naming the column', () => {
    const [{ model }] = cases;
    const rows = REFUSED.flatMap(([column, cell]) => rowsOf({ columns: refusedColumns(column, cell) }));
    const found = run(exportModel(model, { to: 'python', name: 'named' }), [...rows, {}]);
    for (const result of found) expect(result.error).toMatch(/^column .* (holds|has no value|is not in the row)/s);
    expect(found).toHaveLength(REFUSED.length + 1);
  });

  it.each(cases.filter(({ name }) => name.startsWith('four') || name === 'number, missing cells: drop'))(
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

  it('as a command, says which row is wrong', () => {
    writeFileSync(modelPath, exportModel(cases[0].model, { to: 'python' }));
    const good = refusedColumns('x', '');
    const bad = refusedColumns(...REFUSED[0]);
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

/**
 * Rows keep their order beyond one row group of the engine (122,880 rows): `x IN (five texts or more)` once became a join
 * there whose rows came out in another order with two threads, without a word. The target is a copy of a column, so a
 * model of rows in order is always right. `bench/cases/row-order.mjs` is the whole grid of sizes, categories and formats.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { outsideProvenance } from './oracle/check.ts';
import { type Format, writeFiles } from './oracle/files.ts';
import { copiedTable } from './oracle/random-table.ts';
import { readCsv } from './oracle/reference.ts';
import { commandHost, root, temporaryFolder } from './run.ts';

const ROWS = 122_881;
const run = commandHost();
const folder = temporaryFolder();

describe.each([5, 12])(`of ${ROWS} rows with a text column of %i values`, (categoryCount) => {
  const table = copiedTable(ROWS, categoryCount);
  const [ids, target] = ['id', 'target'].map(
    (name) => table.columns.find((column) => column.name === name)?.cells ?? [],
  );
  const place = join(folder, String(categoryCount));
  let sources: Map<Format, string>;
  let models: string[] = [];

  beforeAll(async () => {
    mkdirSync(place);
    sources = await writeFiles(table, place, ['csv', 'parquet'], root);
    models = [];
  });

  it.each([
    ...([
      ['csv', 1],
      ['csv', 2],
      ['csv', 8],
    ] as const),
    ...([
      ['parquet', 1],
      ['parquet', 2],
      ['parquet', 8],
    ] as const),
  ])(
    '%s with threads %i: the copied column is found, and every row has the prediction of its own',
    async (format, threads) => {
      const source = sources.get(format) ?? '';
      const [model, out] = [join(place, 'model.json'), join(place, 'predictions.csv')];
      const rest = ['--threads', String(threads), '--quiet'];
      const choices = ['--degree', '1', '--method', 'ridge', '--folds', '2', '--test', '0', '--intervals', 'none'];
      const fitted = await run([
        'fit',
        source,
        '--target',
        'target',
        '--exclude',
        'id',
        ...choices,
        '--out',
        model,
        ...rest,
      ]);
      expect(fitted).toEqual({ code: 0, stdout: '', stderr: '' });
      models.push(outsideProvenance(readFileSync(model, 'utf8')));

      const predicted = await run(['predict', model, source, '--keep', 'id', '--out', out, ...rest]);
      expect(predicted).toEqual({ code: 0, stdout: '', stderr: '' });
      const [, ...records] = readCsv(readFileSync(out, 'utf8'), ',');
      const wrong = ids.findIndex((id, row) => records[row]?.[0] !== id || records[row][1] !== target[row]);
      expect({ rows: records.length, wrong }).toEqual({ rows: ROWS, wrong: -1 });

      const scored = await run(['score', model, source, '--json', ...rest]);
      expect(JSON.parse(scored.stdout)).toMatchObject({ sampleCount: ROWS, accuracy: 1, auc: 1 });
    },
  );

  it('every one of these models is the same', () => {
    expect(models).toHaveLength(6);
    expect(new Set(models).size).toBe(1);
  });
});

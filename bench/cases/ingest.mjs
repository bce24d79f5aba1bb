/** Reading and encoding 100 boolean columns of 1e6 rows from Parquet, beside DuckDB's own scan of every column. */

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fitEncoder } from '@fewfire/core';
import { openTable } from '@fewfire/node';
import { median, ratio, rootDir, seconds, withTempDir } from '../lib.mjs';

const ROWS = 1_000_000;
const COLUMNS = 100;

async function run() {
  // The engine belongs to the Node package, so it is looked up from there.
  const engine = createRequire(join(rootDir, 'packages', 'node', 'package.json')).resolve('@duckdb/node-api');
  const { DuckDBInstance } = (await import(engine)).default;
  return withTempDir(async (folder) => {
    const file = join(folder, 'booleans.parquet');
    const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
    const connection = await instance.connect();
    const made = Array.from(
      { length: COLUMNS },
      (_, j) => `hash(i * ${COLUMNS} + ${j}) % ${2 + (j % 5)} = 0 AS x${j}`,
    ).join(', ');
    await connection.run(`COPY (SELECT ${made} FROM range(${ROWS}) t(i)) TO '${file}' (FORMAT parquet)`);
    const names = Array.from({ length: COLUMNS }, (_, j) => `x${j}`);
    const scans = [];
    const encodes = [];
    for (let repeat = 0; repeat < 5; repeat++) {
      const start = performance.now();
      // A scan that must look at every cell: the number of trues of every column.
      await connection.run(`SELECT ${names.map((name) => `count_if(${name})`).join(', ')} FROM '${file}'`);
      const scanned = performance.now();
      const table = await openTable(file, { threads: 2 });
      const { spec } = fitEncoder(await table.profile(names));
      const { points } = await table.encode(spec);
      if (points.rowCount !== ROWS || points.coordinateCount !== COLUMNS) throw new Error('rows or columns were lost');
      await table.close();
      scans.push((scanned - start) / 1e3);
      encodes.push((performance.now() - scanned) / 1e3);
    }
    connection.closeSync();
    const [scan, encode] = [median(scans), median(encodes)];
    return {
      rows: [
        {
          what: 'Parquet, 1e6 rows of 100 boolean columns: open, hash the file, profile, encode (2 threads)',
          fewfire: `${seconds(encode)}, ${(ROWS / encode / 1e6).toPrecision(2)}e6 rows/s`,
          peer: `one DuckDB scan of all columns: ${seconds(scan)}`,
          ratio: `${ratio(encode / scan)} of its time`,
        },
      ],
      scans,
      encodes,
    };
  });
}

export const cases = [{ name: 'ingest', peer: 'DuckDB', run }];

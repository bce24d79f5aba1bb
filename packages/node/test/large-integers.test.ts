/** Whole numbers beyond 2^53 stay apart in every format: as classes, as groups, as categories. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fitTable, predictPoints } from '@fewfire/core';
import { afterAll, describe, expect, it } from 'vitest';
import { openTable } from '../src/index.ts';
import { Engine } from '../src/tables/engine.ts';
import { quoteLiteral } from '../src/tables/sql.ts';
import { temporaryDirectory } from './table-files.ts';

const directory = temporaryDirectory();
afterAll(() => directory.remove());
let directoryCount = 0;
const newDirectory = (): string => {
  const path = join(directory.path, String(directoryCount++));
  mkdirSync(path);
  return path;
};

const ids = ['9007199254740992', '9007199254740993', '1750000000000000001'];
const rows = Array.from({ length: 240 }, (_, i) => ({
  a: i % 2,
  b: (i >> 1) % 3 === 0 ? 1 : 0,
  k: (i + (i >> 2)) % 3,
  i,
}));

async function parquet(type: string): Promise<string> {
  const path = join(newDirectory(), 'ids.parquet');
  const engine = await Engine.open({});
  const list = rows.map(({ a, b, k }) => `(${a}, ${b}, ${ids[k]}::${type})`).join(', ');
  await engine.run(`COPY (SELECT * FROM (VALUES ${list}) AS t(a, b, id)) TO ${quoteLiteral(path)} (FORMAT parquet)`);
  await engine.close();
  return path;
}

const sources: Readonly<Record<string, () => Promise<string> | string>> = {
  CSV() {
    const path = join(newDirectory(), 'ids.csv');
    writeFileSync(path, `a,b,id\n${rows.map(({ a, b, k }) => `${a},${b},${ids[k]}`).join('\n')}\n`);
    return path;
  },
  JSON() {
    const path = join(newDirectory(), 'ids.ndjson');
    writeFileSync(path, rows.map(({ a, b, k }) => `{"a":${a},"b":${b},"id":${ids[k]}}\n`).join(''));
    return path;
  },
  'Parquet BIGINT': () => parquet('BIGINT'),
  'Parquet UBIGINT': () => parquet('UBIGINT'),
  'Parquet DECIMAL': () => parquet('DECIMAL(38,0)'),
};

describe.each(Object.entries(sources))('%s', (_name, source) => {
  it('keeps them apart', async () => {
    const table = await openTable(await source());
    const [profile] = await table.profile(['id']);
    expect([profile.type, profile.distinctCount]).toEqual(['text', 3]);
    expect(await table.texts('id')).toEqual(rows.map(({ k }) => ids[k]));
    const { model } = await fitTable(table, { target: 'id', degree: 1, intervals: 'none', folds: 2 });
    expect(model.target).toMatchObject({ kind: 'multiclass', classes: [ids[2], ids[0], ids[1]] });
    const { points } = await table.encode(model.encoder);
    for (const name of new Set((await predictPoints(model, points)).classes)) expect(ids).toContain(name);
    const grouped = await fitTable(table, {
      target: 'a',
      group: 'id',
      degree: 1,
      intervals: 'none',
      folds: 2,
      test: 0,
    });
    expect(grouped.model.training.group).toBe('id');
    const learned = await fitTable(table, { target: 'a', degree: 1, intervals: 'none', folds: 2 });
    expect(learned.model.encoder.columns.find(({ column }) => column === 'id')?.coding).toMatchObject({
      kind: 'categories',
    });
    await table.close();
  });
});

it('a number target of such texts is refused with what to do, and small ids stay numbers', async () => {
  const path = join(newDirectory(), 'sums.csv');
  writeFileSync(
    path,
    `a,sum,id\n${rows.map(({ a, i }) => `${a},${9007199254740993n + 7n * BigInt(i)},${i}`).join('\n')}\n`,
  );
  const table = await openTable(path);
  await expect(fitTable(table, { target: 'sum', task: 'number' })).rejects.toThrow(
    /whole numbers beyond 2\^53 count as texts.*name the column in `number`/,
  );
  expect((await table.profile(['id']))[0].type).toBe('number');
  await table.close();
});

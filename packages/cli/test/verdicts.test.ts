/** What commands say of tests, weights and groups: a test on fitted rows is refused, rows are rows and weights are weights. */
import { copyFileSync, linkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { commandHost, temporaryFolder, writeCsv } from './run.ts';

const run = commandHost();
const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);

// Multiplication by odd numbers scatters well enough for bits.
const bit = (i: number, salt: number): number => (Math.imul(i * 7 + salt, 0x9e3779b1) >>> 17) & 1;
const rows = (from: number, count: number): string[][] =>
  Array.from({ length: count }, (_, k) => {
    const i = from + k;
    return [bit(i, 1), bit(i, 2), i * 37, 'yn'[bit(i, 1) ^ bit(i, 2)], 1 + (i % 3), `g${i % 40}`].map(String);
  });
const header = ['a', 'b', 'x', 'y', 'w', 'g'];
let data: string;

beforeAll(() => {
  data = writeCsv(folder, 'data.csv', [header, ...rows(0, 200)]);
});

const fit = (...args: string[]) =>
  run(['fit', data, '--target', 'y', '--degree', '2', '--intervals', 'none', '--verbose', ...args]);

function linked(link: (from: string, to: string) => void, name: string): string {
  link(data, inFolder(name));
  return inFolder(name);
}

describe('a test on the file that is fitted', () => {
  it.each([
    ['itself', () => data],
    ['a symbolic link to it', () => linked(symlinkSync, 'link.csv')],
    ['a hard link to it', () => linked(linkSync, 'hard.csv')],
    ['a pattern that matches it', () => join(folder, 'dat*.csv')],
  ])('%s, is refused', async (_name, other) => {
    const { code, stdout, stderr } = await fit('--test', other());
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/is also the file that is fitted: its rows were fitted.*--allow-overlap/);
  });

  it('is refused as a copy too, and with rows added', async () => {
    copyFileSync(data, inFolder('copy.csv'));
    expect((await fit('--test', inFolder('copy.csv'))).stderr).toMatch(/copy\.csv has the same bytes as .*data\.csv/);
    const more = writeCsv(folder, 'more.csv', [header, ...rows(120, 160)]);
    const { code, stderr } = await fit('--test', more);
    expect(code).toBe(1);
    expect(stderr).toMatch(/80 of the 160 test rows of .*more\.csv equal a row of .*data\.csv in every column/);
  });

  it('is measured and counted when asked for, and the claim of other rows is made only of other rows', async () => {
    const same = await fit('--test', data, '--allow-overlap');
    expect(same.code).toBe(0);
    expect(same.stdout).toMatch(/200 of 200 test rows also stand among the rows fitted/);
    expect(same.stdout.replace(/\s+/g, ' ')).toContain('200 of the 200 test rows are equal to one of them');
    const other = writeCsv(folder, 'other.csv', [header, ...rows(200, 100)]);
    const apart = await fit('--test', other, '--report', inFolder('apart.html'));
    expect(apart.stdout.replace(/\s+/g, ' ')).toContain('none of the test rows is equal to any of them');
    expect(JSON.parse((await fit('--test', other, '--json')).stdout).testOverlap).toBe(0);
    expect((await fit('--test', '0.2', '--allow-overlap')).stderr).toMatch(
      /--allow-overlap is of a table of test rows/,
    );
  });
});

describe('weights and groups', () => {
  it('are said where rows are counted, by fit, show and score', async () => {
    const model = inFolder('weighed.json');
    const { stdout } = await fit('--weight', 'w', '--group', 'g', '--out', model);
    expect(stdout.replace(/\s+/g, ' ')).toMatch(
      /"y": "y" with 7\d(\.\d+)? % of the weight in "w" \(the positive class\), "n" with the rest/,
    );
    expect(stdout.replace(/\s+/g, ' ')).toMatch(
      /40 test rows set aside first in 8 groups \(by their weights worth \d\d/,
    );
    const scored = await run(['score', model, data]);
    expect(scored.stdout.replace(/\s+/g, ' ')).toMatch(
      /200 rows of .*, weighed by "w" and grouped by "g", in 40 groups/,
    );
    const json = JSON.parse((await run(['score', model, data, '--json'])).stdout);
    expect(json).toMatchObject({ weight: 'w', group: 'g', groupCount: 40, zeroWeightCount: 0, notes: [] });
  });

  it('are missed where a scored table lacks them', async () => {
    const bare = writeCsv(folder, 'bare.csv', [header.slice(0, 4), ...rows(0, 50).map((row) => row.slice(0, 4))]);
    const { code, stdout, stderr } = await run(['score', inFolder('weighed.json'), bare]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/bare\.csv has no column "w", which weighed the rows of the fit: all rows count the same/);
    expect(stderr).toMatch(/bare\.csv has no column "g", which grouped the rows/);
    expect(stdout).not.toContain('weighed by');
  });
});

/** `predict` and `score` say which columns of a file are not as they were at the fit, in parts of a long file too. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { commandHost, temporaryFolder } from './run.ts';

const hosted = commandHost();
const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);
const model = inFolder('model.json');

// A linear congruence: the same rows on every run.
let state = 7;
const uniform = (): number => {
  state = (state * 48271) % 2147483647;
  return state / 2147483647;
};

function rows(count: number, change: (row: (string | number)[]) => (string | number)[] = (row) => row): string {
  const lines = Array.from({ length: count }, () => {
    const age = Math.round(20 + 50 * uniform());
    const member = uniform() < 0.7 ? 'yes' : 'no';
    const closed = uniform() < 0.2 ? 'yes' : 'no';
    const label = Number(age > 40) + Number(member === 'yes') + uniform() > 1.3 ? 'p' : 'q';
    return change([age, member, closed, label]).join(',');
  });
  return `age,member,closed,y\n${lines.join('\n')}\n`;
}

beforeAll(async () => {
  writeFileSync(inFolder('fit.csv'), rows(800));
  writeFileSync(inFolder('fresh.csv'), rows(300));
  // Longer than a part.
  writeFileSync(
    inFolder('odd.csv'),
    rows(40_000, ([age, member, closed, y]) => [12 * (age as number), closed, member, y]),
  );
  const fit = ['fit', inFolder('fit.csv'), '--target', 'y', '--degree', '1', '--intervals', 'none', '--out', model];
  expect((await hosted(fit)).code).toBe(0);
});

const told = [
  /^column "age" is not as it was at the fit: "age>[\d.]+" is yes in 100 % of 40,000 rows, at the fit in [\d.]+ % of 800; are its numbers in another unit(, or negated)?\?$/,
  /^column "member" is not as .*; does it hold what belongs in "closed"\?$/,
  /^column "closed" is not as .*; does it hold what belongs in "member"\?$/,
].map((line) => expect.stringMatching(line));

describe.each(['predict', 'score'])('%s', (command) => {
  it('names the columns and what may have happened', async () => {
    const { code, stderr } = await hosted([command, model, inFolder('odd.csv')]);
    expect(code).toBe(0);
    expect(stderr.trim().split('\n')).toEqual(told);
    expect((await hosted([command, model, inFolder('odd.csv'), '--quiet'])).stderr).toBe('');
  });

  it('says nothing of rows like those of the fit', async () => {
    expect((await hosted([command, model, inFolder('fresh.csv')])).stderr).toBe('');
  });
});

it('score --json has the same', async () => {
  const { stdout } = await hosted(['score', model, inFolder('odd.csv'), '--json']);
  const { drift } = JSON.parse(stdout);
  expect(drift.map(({ column }: { column: string }) => column)).toEqual(['age', 'member', 'closed']);
  expect(drift[1]).toMatchObject({
    rowCount: 40_000,
    expectedRowCount: 800,
    guess: { kind: 'swapped', with: 'closed' },
  });
});

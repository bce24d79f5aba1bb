/** `fewfire optimize` as a process, on models of the examples. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { displayWidth } from '../src/format.ts';
import { chess, commandHost, interruptAtWork, parseCsv, root, temporaryFolder, votes, writeCsv } from './run.ts';

const fewfire = commandHost();
const folder = temporaryFolder();
const votesModel = join(folder, 'votes.json');
const chessModel = join(folder, 'chess.json');
const salaryModel = join(folder, 'salary.json');

beforeAll(async () => {
  const fits = [
    [votes, '--target', 'Class', '--missing', 'indicator', '--degree', '2', '--folds', '2', '--out', votesModel],
    [chess, '--target', 'class', '--degree', '2', '--folds', '2', '--out', chessModel],
    [join(root, 'examples/stackoverflow-salary.csv'), '--target', 'Salary', '--target-transform', 'log'].concat([
      '--degree',
      '1',
      '--folds',
      '2',
      '--out',
      salaryModel,
    ]),
  ];
  for (const args of fits) {
    expect((await fewfire(['fit', ...args, '--method', 'low-degree', '--quiet'])).code).toBe(0);
  }
});

async function optimum(...args: string[]) {
  const { code, stdout, stderr } = await fewfire(['optimize', ...args, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

interface Choice {
  readonly column: string;
  readonly kind: string;
  readonly value?: string;
  readonly isReference: boolean;
}

describe('optimize', () => {
  it('predict gives the configuration found the probability that is stated', async () => {
    for (const [direction, cls] of [
      ['--maximize', 'democrat'],
      ['--minimize', 'democrat'],
      ['--maximize', 'republican'],
    ]) {
      const found = await optimum(votesModel, direction, '--class', cls, '--allow-missing');
      expect(found).toMatchObject({ proof: 'enumerated (exact)', class: cls, gap: 0 });
      const columns = found.columns as Choice[];
      const data = writeCsv(folder, 'best.csv', [
        columns.map(({ column }) => column),
        columns.map(({ value }) => value ?? ''),
      ]);
      const [header, row] = parseCsv((await fewfire(['predict', votesModel, data])).stdout);
      expect(Number(row[header.indexOf(`probability_${cls}`)])).toBeCloseTo(found.prediction, 12);
      // No member of the house is rated beyond it.
      const [, ...rows] = parseCsv((await fewfire(['predict', votesModel, votes])).stdout);
      const rated = rows.map((each) => Number(each[header.indexOf(`probability_${cls}`)]));
      if (direction === '--maximize') expect(Math.max(...rated)).toBeLessThanOrEqual(found.prediction + 1e-12);
      else expect(Math.min(...rated)).toBeGreaterThanOrEqual(found.prediction - 1e-12);
    }
  });

  it('keeps what is fixed and counts what differs', async () => {
    const found = await optimum(chessModel, '--fix', 'bkblk=t,katri=w,wknck=no', '--at-most-k', '2');
    const columns = found.columns as Choice[];
    expect(columns.find(({ column }) => column === 'katri')).toMatchObject({ value: 'w', isFixed: true });
    expect(columns.find(({ column }) => column === 'bkblk')).toMatchObject({ value: 't', isFixed: true });
    expect(columns.find(({ column }) => column === 'wknck')).toMatchObject({ value: 'f', isFixed: true });
    expect(columns.filter(({ isReference }) => !isReference).length).toBeLessThanOrEqual(4);
    const salary = await optimum(salaryModel, '--fix', 'Country=India,YearsCodedJob=7,CompanySizeNumber>15');
    expect(salary.columns.find(({ column }: Choice) => column === 'YearsCodedJob')).toMatchObject({
      kind: 'interval',
      text: '> 5.5 and <= 11.5',
    });
  });

  it('says in 80 columns what was found and how it is proven', async () => {
    const { code, stdout, stderr } = await fewfire(['optimize', chessModel, '--at-most', '3']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const line of stdout.split('\n')) expect(displayWidth(line), line).toBeLessThanOrEqual(80);
    expect(stdout).toContain('highest probability of "class" being "won"');
    expect(stdout).toContain('enumerated (exact)');
  });

  it('a short time leaves a gap around the optimum', async () => {
    const exact = await optimum(chessModel, '--minimize');
    const short = await optimum(chessModel, '--minimize', '--method', 'milp', '--time-limit', '0.5');
    expect(short.proof).toBe('gap remains');
    // The positive class is -1, so its lowest probability is the largest value.
    expect(short.bound).toBeGreaterThanOrEqual(exact.value);
    expect(short.value).toBeLessThanOrEqual(exact.value + 1e-9);
  });

  it('Ctrl-C ends it without a result', async () => {
    expect(await interruptAtWork(['optimize', chessModel, '--method', 'milp'], 'a thread has begun')).toEqual({
      code: 130,
      stdout: '',
      stderr: 'stopped; nothing was written\n',
    });
  });

  it.each<[string, () => string[], RegExp]>([
    ['unknown column', () => [salaryModel, '--fix', 'Countri=India'], /did you mean "Country"\?/],
    ['unknown value', () => [salaryModel, '--fix', 'Country=Indja'], /did you mean "India"\?.*"Germany"/],
    ['no number', () => [salaryModel, '--fix', 'YearsCodedJob=many'], /expected a number/],
    ['no value', () => [salaryModel, '--fix', 'Country'], /Country=<value>/],
    ['missing unknown', () => [salaryModel, '--fix', 'Country='], /cannot be fixed to missing/],
    ['contradiction', () => [salaryModel, '--fix', 'Country=India,Country=Germany'], /contradicts itself/],
    ['no such class', () => [chessModel, '--class', 'draw'], /"won", "nowin"/],
    ['class of a number', () => [salaryModel, '--class', 'high'], /is a number/],
    ['among alone', () => [chessModel, '--among', 'katri'], /without --at-most/],
    ['among unknown', () => [chessModel, '--at-most', '1', '--among', 'katry'], /did you mean "katri"/],
    ['both directions', () => [chessModel, '--maximize', '--minimize'], /cannot be used with/],
    ['half a column', () => [chessModel, '--at-most', '1.5'], /whole number/],
    ['no time', () => [chessModel, '--time-limit', '0'], /above 0/],
  ])('refuses %s', async (_, args, message) => {
    const { code, stdout, stderr } = await fewfire(['optimize', ...args()]);
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

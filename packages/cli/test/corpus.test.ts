/**
 * `npm run corpus`: on the small sets of the examples, with what was planted in some of them; and whether it sees the
 * faults that are planted in a command line made for that.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { synthetic } from '../../../examples/corpus/make-synthetic.mjs';
import { accuracyTable, comparison, rankOf } from '../../../scripts/corpus/accuracy.mjs';
import { cellsOf, readRecords, readTable, toBytes } from '../../../scripts/corpus/csv.mjs';
import { calibrationError, classMeasures, holds, numberMeasures } from '../../../scripts/corpus/measures.mjs';
import { classPositions } from '../../../scripts/corpus/predictions.mjs';
import { failures } from '../../../scripts/corpus/report.mjs';
import { splitRows } from '../../../scripts/corpus/split.mjs';
import { type Finished, finished, root, temporaryFolder, writeCsv } from './run.ts';

const script = join(root, 'scripts/corpus.mjs');
const examples = join(root, 'examples/corpus');
const fake = fileURLToPath(new URL('corpus-fake.mjs', import.meta.url));
const folder = temporaryFolder();

interface Result {
  readonly name: string;
  readonly status: 'ran' | 'refused' | 'failed' | 'not run';
  readonly problems: readonly string[];
  readonly notes: readonly string[];
  readonly reason?: string;
  readonly learned?: string;
  readonly fitRows: number;
  readonly restRows: number;
  readonly score: number;
  readonly logLoss?: number;
  readonly calibrationError?: number;
  readonly betterThanConstant: boolean;
  readonly terms: readonly { readonly coordinates: readonly string[]; readonly coefficient: number }[];
  readonly claim?: { readonly holds: boolean; readonly inside: boolean };
  readonly commands: Readonly<Record<string, { readonly elapsedMs: number; readonly memoryBytes: number }>>;
}

interface Checked extends Finished {
  readonly failed: readonly string[];
  readonly results: readonly Result[];
}

async function corpus(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Checked> {
  const out = join(mkdtempSync(join(folder, 'out-')), 'report.json');
  const child = spawn(process.execPath, [script, ...args, '--out', out], { env: { ...process.env, ...env } });
  const done = await finished(child);
  const record = existsSync(out) ? JSON.parse(readFileSync(out, 'utf8')) : { failed: [], results: [] };
  return { ...done, failed: record.failed, results: record.results };
}

describe('the corpus of the examples', () => {
  const manifest = readTable(readFileSync(join(examples, 'manifest.csv')));
  const cell = (row: readonly string[], name: string): string => row[manifest.names.indexOf(name)];
  const missing = new Set(
    manifest.rows.filter((row) => Number(cell(row, 'missing_cells')) > 0).map((row) => cell(row, 'file')),
  );
  let done: Checked;
  const set = (name: string): Result => done.results.find((result) => result.name === name)!;
  beforeAll(async () => {
    done = await corpus([examples]);
  }, 1_200_000);

  it('is a dozen sets with free licences, each with its source in the README', () => {
    expect(manifest.rows.length).toBeGreaterThanOrEqual(12);
    const readme = readFileSync(join(examples, 'README.md'), 'utf8');
    const files = readdirSync(examples).filter((name) => name.endsWith('.csv.gz'));
    expect(manifest.rows.map((row) => cell(row, 'file')).sort()).toEqual(files.sort());
    for (const row of manifest.rows) {
      expect(['MIT', 'CC BY 4.0', 'CC0 1.0', 'public domain']).toContain(cell(row, 'licence'));
      expect(readme).toContain(cell(row, 'file').replace('.csv.gz', ''));
    }
  });

  it('holds what its script makes', () => {
    for (const [name, text] of Object.entries(synthetic)) {
      expect(gunzipSync(readFileSync(join(examples, `${name}.csv.gz`))).toString()).toBe(text);
    }
  });

  it('is fitted and predicted without a failure; only missing cells are refused', () => {
    expect(done.failed).toEqual([]);
    expect(done.code).toBe(0);
    expect(done.results.map(({ name }) => `${name}.csv.gz`)).toEqual(manifest.rows.map((row) => cell(row, 'file')));
    const left = done.results.filter(({ status }) => status !== 'ran');
    expect(left.filter(({ name, status }) => status !== 'refused' || !missing.has(`${name}.csv.gz`))).toEqual([]);
    for (const row of manifest.rows) expect(done.stdout).toContain(cell(row, 'file').replace('.csv.gz', ''));
  });

  it('has figures that are figures', () => {
    for (const result of done.results.filter(({ status }) => status === 'ran')) {
      expect(Number.isFinite(result.score), result.name).toBe(true);
      if (result.learned !== 'regression') {
        expect(result.score).toBeLessThanOrEqual(1);
        expect(result.logLoss, result.name).toBeGreaterThan(0);
        expect(result.calibrationError, result.name).toBeLessThan(0.5);
      }
      // Node alone takes more than 20 MB.
      expect(result.commands.fit.memoryBytes, result.name).toBeGreaterThan(2e7);
      expect(result.commands.fit.memoryBytes, result.name).toBeLessThan(1e9);
    }
  });

  it('claims intervals that hold on rows left out', () => {
    const claims = done.results.flatMap(({ claim }) => (claim === undefined ? [] : [claim]));
    expect(claims.length).toBeGreaterThanOrEqual(done.results.length - missing.size);
    // Were each to hold with a chance of 95 %, four of a dozen would miss in one draw of 450.
    expect(claims.filter((claim) => !claim.holds).length).toBeLessThan(4);
  });

  it('finds an exclusive or of three columns', () => {
    const [first] = set('s_parity').terms;
    expect(first.coordinates).toEqual(['c', 'f', 'k']);
    // With one label in ten wrong it is the logarithm of the odds of nine to one, 2.2; of 840 rows its standard error is 0.12.
    expect(Math.abs(first.coefficient)).toBeGreaterThan(1.8);
    expect(Math.abs(first.coefficient)).toBeLessThan(2.6);
    expect(set('s_parity').score).toBeGreaterThan(0.85);
  });

  it('finds the planted terms of a number with their coefficients, and no others', () => {
    const { terms, score } = set('s_terms');
    const planted = [
      { coordinates: ['a'], coefficient: 2 },
      { coordinates: ['b', 'e'], coefficient: -1.5 },
      { coordinates: ['h'], coefficient: 1 },
    ];
    expect(terms.slice(0, 3).map(({ coordinates }) => coordinates)).toEqual(planted.map((term) => term.coordinates));
    // Noise of 0.5 over 700 rows: a standard error of 0.02.
    terms.slice(0, 3).forEach(({ coefficient }, i) => {
      expect(Math.abs(coefficient - planted[i].coefficient)).toBeLessThan(0.1);
    });
    for (const { coefficient } of terms.slice(3)) expect(Math.abs(coefficient)).toBeLessThan(0.1);
    // Of a variance of 7.5, 0.25 is noise.
    expect(score).toBeGreaterThan(0.94);
  });

  it('finds the two combinations of a rule over a category, a number and flags', () => {
    const { terms, score } = set('s_rules');
    const pairs = terms.filter(({ coordinates }) => coordinates.length === 2);
    const has = (pattern: RegExp): boolean => pairs.some(({ coordinates }) => pattern.test(coordinates.join(' & ')));
    expect(has(/^region=\w+ & member$/)).toBe(true);
    expect(has(/^age>[\d.]+ & newsletter$/)).toBe(true);
    // Of labels 5 % are wrong, and bins do not cut at 60.
    expect(score).toBeGreaterThan(0.85);
  });

  it('finds nothing where there is nothing', () => {
    expect(set('s_noise').betterThanConstant).toBe(false);
    // 240 coins: 0.5 with a standard error of 0.032.
    expect(Math.abs(set('s_noise').score - 0.5)).toBeLessThan(0.13);
  });
});

describe('the check of a corpus', () => {
  const sets = join(folder, 'sets');
  const x = Array.from({ length: 40 }, (_, i) => (i * 17) % 40);
  const classes = [['x', 'y'], ...x.map((value) => [String(value), value > 10 ? 'yes' : 'no'])];
  const numbers = [['x', 'y'], ...x.map((value) => [String(value), String(2 * value)])];
  const head = ['file', 'target', 'task', 'rows', 'columns', 'missing_cells', 'source', 'licence'];
  const entry = (file: string, task: string, gaps = 0): string[] => [
    ...[file, 'y', task, '40', '1', String(gaps), 'made here', 'own'],
  ];
  beforeAll(() => {
    mkdirSync(sets);
    writeCsv(sets, 'classes.csv', classes);
    writeCsv(sets, 'numbers.csv', numbers);
    writeCsv(
      sets,
      'gaps.csv',
      classes.map(([value, label], i) => [value, i % 5 === 1 ? '' : label]),
    );
    const manifest = [
      entry('classes.csv', 'binary'),
      entry('numbers.csv', 'regression'),
      entry('gaps.csv', 'binary', 3),
    ];
    writeCsv(sets, 'manifest.csv', [head, ...manifest]);
  });

  const check = (only: string, fault: string, ...more: string[]): Promise<Checked> =>
    corpus([sets, '--only', only, '--cli', fake, ...more], { FAKE_FAULT: fault });

  it('passes where there is no fault', async () => {
    const { code, results, failed, stdout } = await check('classes,numbers', 'none', '--strict');
    expect(failed).toEqual([]);
    expect(code).toBe(0);
    expect(results.map(({ score }) => score)).toEqual([1, 1]);
    expect(results.map(({ fitRows, restRows }) => [fitRows, restRows])).toEqual([
      [28, 12],
      [28, 12],
    ]);
    expect(results.map(({ claim }) => claim?.holds)).toEqual([true, true]);
    expect(stdout).toContain('nothing failed');
  });

  it('fits by the method that is asked for', async () => {
    expect((await check('classes', 'fits otherwise', '--method', 'boosting')).code).toBe(0);
    expect((await check('classes', 'fits otherwise')).code).toBe(1);
  });

  it.each([
    ['classes', 'throws', 'fit prints a stack trace'],
    ['classes', 'throws', 'fit ended with 1'],
    ['classes', 'dies', 'fit ended with SIGKILL'],
    ['classes', 'exits', 'fit ended with 3: nothing said'],
    ['classes', 'refuses for another reason', 'too few rows'],
    // The manifest says that none is missing.
    ['classes', 'refuses missing cells', 'values are missing'],
    ['classes', 'traces', 'fit prints a stack trace'],
    ['classes', 'prints NaN', 'fit prints NaN'],
    ['classes', 'predicts NaN', 'row 4: not a finite number but "NaN"'],
    ['numbers', 'predicts NaN', 'row 4: not a finite number but "NaN"'],
    ['numbers', 'predicts infinity', 'row 4: not a finite number but "Infinity"'],
    ['classes', 'leaves a cell empty', 'row 4: not a finite number but ""'],
    ['numbers', 'leaves a cell empty', 'row 4: not a finite number but ""'],
    ['classes', 'loses a row', '11 predictions for 12 rows'],
    ['numbers', 'reverses predictions', 'the rest in another order gets other predictions'],
    ['classes', 'reverses predictions', 'the rest in another order gets other predictions'],
    ['numbers', 'sorts predictions', 'the rest in another order gets other predictions'],
    ['numbers', 'reverses rows', 'of the predictions keeps'],
    ['classes', 'adds up to more', 'row 1: a probability outside of [0, 1]'],
    ['classes', 'predicts the less likely', 'row 3: predicts'],
    ['classes', 'spells classes anew', 'is none of those predicted: Yes, No'],
    ['classes', 'calls the column anew', 'no column "prediction"'],
    ['classes', 'writes no predictions', 'what it left cannot be read: ENOENT'],
    ['classes', 'shows no JSON', 'what it left cannot be read: Unexpected token'],
    ['classes', 'claims nothing finite', 'an interval that is none'],
  ])('fails on %s where the command line %s: %s', async (only, fault, message) => {
    const { code, failed, results, stdout } = await check(only, fault);
    expect(code).toBe(1);
    expect(
      failed.some((line) => line.startsWith(`${only}: `) && line.includes(message)),
      failed.join('\n'),
    ).toBe(true);
    expect(results[0].status).toBe('failed');
    expect(stdout).toContain(`failed 1 (${only})`);
  });

  it('fails on a command that does not end', async () => {
    const { code, failed } = await check('classes', 'hangs', '--timeout', '1.5');
    expect(code).toBe(1);
    expect(failed.join()).toContain('fit was stopped after');
  });

  it.each(['refuses missing cells', 'refuses to predict'])(
    'names a command line that %s, no failure where the manifest knows of some',
    async (fault) => {
      const { code, results, failed, stdout } = await check('gaps', fault);
      expect(failed).toEqual([]);
      expect(code).toBe(0);
      expect(results[0].status).toBe('refused');
      expect(stdout).toContain('refused for missing cells 1 (gaps)');
    },
  );

  it('leaves rows without a target out of the score, and says so', async () => {
    const { results, failed } = await check('gaps', 'none');
    expect(failed).toEqual([]);
    expect(results[0].score).toBe(1);
    expect(results[0].notes.join()).toMatch(/^\d rows without a target$/);
  });

  it('marks a command over 1 GB, and fails there only when strict', async () => {
    const lenient = await check('classes', 'takes memory');
    expect(lenient.failed).toEqual([]);
    expect(lenient.stdout).toContain('over 1 GB of memory: 1 (classes)');
    const strict = await check('classes', 'takes memory', '--strict');
    expect(strict.failed).toEqual(['classes: more than 1 GB of memory']);
    expect(strict.code).toBe(1);
  });

  it('names sets that there was no time for, and fails there only when strict', async () => {
    const none = ['--within', '1e-9'];
    const lenient = await check('classes,numbers', 'none', ...none);
    expect(lenient.failed).toEqual([]);
    expect(lenient.stdout).toContain('not run 2 (classes, numbers)');
    expect((await check('classes', 'none', ...none, '--strict')).failed).toEqual(['classes: not run, out of time']);
  });

  it('says which claims do not hold', async () => {
    const { results, stdout } = await check('classes', 'claims too little');
    expect(results[0].claim).toMatchObject({ holds: false, inside: false });
    expect(stdout).toContain('missed where the rest is better 1 (classes)');
  });

  it('fails where fewer than nine in ten of many claims hold', async () => {
    const { results } = await check('classes', 'claims too little');
    const [missed] = results;
    const kept = { ...missed, claim: { ...missed.claim, holds: true } };
    const many = (missCount: number, count: number): unknown[] =>
      Array.from({ length: count }, (_, i) => ({ ...(i < missCount ? missed : kept), name: `set ${i}` }));
    expect(failures(many(3, 20))).toEqual(['of 20 claimed intervals only 17 hold, fewer than 90 %']);
    expect(failures(many(2, 20))).toEqual([]);
    // Of few claims a share says little.
    expect(failures(many(19, 19))).toEqual([]);
  });

  it('leaves nothing behind when it is stopped', async () => {
    const temporary = mkdtempSync(join(folder, 'tmp-'));
    const mark = join(folder, 'mark');
    const env = {
      ...process.env,
      FAKE_FAULT: 'says where it works',
      FAKE_MARK: mark,
      TMPDIR: temporary,
      TEMP: temporary,
    };
    const child = spawn(process.execPath, [script, sets, '--only', 'classes', '--cli', fake], { env });
    const ended = finished(child);
    while (!existsSync(mark) || readFileSync(mark, 'utf8') === '') await new Promise((go) => setTimeout(go, 20));
    expect(readdirSync(temporary)).toHaveLength(1);
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 130, stdout: '', stderr: 'stopped\n' });
    expect(readdirSync(temporary)).toEqual([]);
    // No signal: only whether the process is there.
    expect(() => process.kill(Number(readFileSync(mark, 'utf8')), 0)).toThrow('ESRCH');
  });

  it.each([
    [[], 'expected one folder'],
    [['nowhere'], 'nowhere is no folder'],
    [['--cake', 'x'], '--cake'],
    [[examples, '--split', '1.5'], '--split is 1.5'],
    [[examples, '--seed', 'x'], '--seed is x'],
    [[examples, '--only', 'iris,tulip'], 'no set is called tulip'],
  ])('says in one line what is wrong with %j', async (args, message) => {
    const child = spawn(process.execPath, [script, ...args]);
    const { code, stdout, stderr } = await finished(child);
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  it.each([
    ['no manifest', undefined, 'has no manifest.csv'],
    [
      'too few columns',
      [
        ['file', 'target'],
        ['classes.csv', 'y'],
      ],
      'lacks the columns task, rows',
    ],
    ['no sets', [head], 'names no sets'],
    ['a set twice', [head, entry('classes.csv', 'binary'), entry('classes.csv', 'binary')], 'names classes twice'],
    ['another task', [head, entry('classes.csv', 'clustering')], 'the task of classes is "clustering"'],
    ['no such file', [head, entry('other.csv', 'binary')], 'there is no file'],
    ['no such target', [head, ['classes.csv', 'z', 'binary', '40', '1', '0', '', '']], 'has no column "z"'],
    ['lost rows', [head, ['classes.csv', 'y', 'binary', '41', '1', '0', '', '']], '40 rows and 1 columns'],
    ['a count that is none', [head, ['classes.csv', 'y', 'binary', '', '1', 'few', '', '']], 'not whole numbers'],
    ['damaged gzip', [head, entry('damaged.csv.gz', 'binary')], 'cannot read'],
  ])('says in one line what is wrong with a folder: %s', async (_, manifest, message) => {
    const own = mkdtempSync(join(folder, 'bad-'));
    writeCsv(own, 'classes.csv', classes);
    writeFileSync(join(own, 'damaged.csv.gz'), gzipSync('x,y\n1,2\n').subarray(0, 15));
    if (manifest !== undefined) writeCsv(own, 'manifest.csv', manifest);
    const child = spawn(process.execPath, [script, own, '--cli', fake]);
    const { code, stderr } = await finished(child);
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});

describe('ranks beside the peers', () => {
  const set = (name: string, learned: string, scores: number[], losses?: number[]) => ({
    ...{ name, learned, fitRows: 1000, score: scores[0], logLoss: losses?.[0] },
    peers: {
      entries: [learned === 'regression' ? 'ridge' : 'logistic', 'forest', 'boosting'].map((peer, k) => ({
        ...{ name: peer, score: scores[k + 1], logLoss: losses?.[k + 1] },
      })),
    },
  });
  const results = [
    set('numbers', 'regression', [0.5, 0.4, 0.6, 0.5]),
    set('classes', 'binary', [0.9, 0.8, 0.9, 0.7], [0.2, 0.3, 0.25, 0.5]),
    { name: 'refused', status: 'refused' },
  ];

  it('share the places of ties', () => {
    expect(rankOf(0.5, [0.5, 0.4, 0.6, 0.5])).toBe(2.5);
    expect(rankOf(0.6, [0.5, 0.4, 0.6, 0.5])).toBe(1);
    const { setCount, meanRanks, logLossGains, lost } = comparison(results);
    expect(setCount).toBe(2);
    expect(meanRanks).toEqual([
      { name: 'fit', rank: 2 },
      { name: 'boosting', rank: 3.25 },
      { name: 'forest', rank: 1.25 },
      { name: 'logistic or ridge', rank: 3.5 },
    ]);
    expect(logLossGains.map(({ median }: { median: number }) => median.toFixed(2))).toEqual(['0.30', '0.05', '0.10']);
    expect(lost).toEqual(['numbers']);
  });

  it('stand above a table, classes first', () => {
    expect(accuracyTable(results).split('\n').slice(2)).toEqual([
      '| classes (1,000) | 0.900, 0.200 | 0.700, 0.500 | 0.900, 0.250 | 0.800, 0.300 |',
      '| numbers (1,000) * | 0.500 | 0.500 | 0.600 | 0.400 |',
    ]);
  });
});

describe('the figures of a corpus', () => {
  it('keeps the bytes of every row', () => {
    const text = '\ufeffa,"b ""c"", d"\r\n"x\ny",é\r\n,"" \n 1 ,\xa0';
    const bytes = Buffer.from(text);
    const { header, rows } = readRecords(bytes);
    expect(cellsOf(header)).toEqual(['a', 'b "c", d']);
    expect(cellsOf(rows[0])).toEqual(['x\ny', 'é']);
    expect(toBytes([header, ...rows]).equals(Buffer.concat([bytes.subarray(3), Buffer.from('\n')]))).toBe(true);
  });

  it('splits rows into two parts, the same for the same seed', () => {
    const { fit, rest } = splitRows(101, 0.7, 5);
    expect(fit).toHaveLength(71);
    expect([...fit, ...rest].sort((a, b) => a - b)).toEqual(Array.from({ length: 101 }, (_, i) => i));
    expect(splitRows(101, 0.7, 5)).toEqual({ fit, rest });
    expect(splitRows(101, 0.7, 6).rest).not.toEqual(rest);
  });

  it('finds classes by their text, or else by their number', () => {
    expect(classPositions(['1.0', '1', 'TRUE', 'x'], ['0', '1', 'true'])).toEqual([1, 1, -1, -1]);
    expect(classPositions(['01', '1'], ['1', '01'])).toEqual([1, 0]);
  });

  it('measures by hand', () => {
    const { score, logLoss } = classMeasures(
      [0, 1, -1],
      [0, 0, 1],
      [
        [0.8, 0.2],
        [0.5, 0.5],
        [0.4, 0.6],
      ],
    );
    expect(score).toBeCloseTo(1 / 3, 12);
    expect(logLoss).toBeCloseTo((-Math.log(0.8) - Math.log(0.5) - Math.log(1e-15)) / 3, 12);
    // Two bins: in one the chances add up to 1.63 and one is right, in the other 0.55 is.
    expect(calibrationError([1, 0, 1], [0.82, 0.81, 0.55])).toBeCloseTo((0.63 + 0.45) / 3, 12);
    expect(numberMeasures([1, 2, 3], [1, 2, 5]).score).toBeCloseTo(1 - 4 / 2, 12);
  });

  it('lets a claim hold as far as both samples allow', () => {
    const claim = { estimate: 0.8, low: 0.7, high: 0.86 };
    // The halves that face each other are 0.06 and 0.08: together 0.1.
    expect(holds(claim, { value: 0.899, low: 0.819, high: 0.91 })).toEqual({ inside: false, holds: true });
    expect(holds(claim, { value: 0.901, low: 0.821, high: 0.99 })).toEqual({ inside: false, holds: false });
    expect(holds(claim, { value: 0.65, low: 0.5, high: 0.75 })).toEqual({ inside: false, holds: false });
    expect(holds(claim, { value: 0.7, low: 0.7, high: 0.7 })).toEqual({ inside: true, holds: true });
  });
});

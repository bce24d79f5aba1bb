/** The commands end to end, on the examples and on tables made here. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { displayWidth } from '../src/format.ts';
import {
  bin,
  chess,
  commandHost,
  type Finished,
  fewfire,
  finished,
  interruptAtWork,
  parseCsv,
  type RunOptions,
  temporaryFolder,
  votes,
  writeCsv,
} from './run.ts';

const hosted = commandHost();
const folder = temporaryFolder();
const inFolder = (name: string): string => join(folder, name);

/** With options, as a process of its own. */
async function succeed(args: readonly string[], options?: RunOptions): Promise<Finished> {
  const done = await (options === undefined ? hosted(args) : fewfire(args, options));
  expect({ code: done.code, stderr: done.code === 0 ? '' : done.stderr }).toEqual({ code: 0, stderr: '' });
  return done;
}

function expectWithin(text: string, width: number): void {
  for (const line of text.split('\n')) expect(displayWidth(line), line).toBeLessThanOrEqual(width);
}

/** What is learned to the last digit where there is no noise. */
const PRODUCTS_OF_TWO = ['--method', 'low-degree', '--degree', '2'];

describe('chess', () => {
  const model = inFolder('chess.json');
  let report = '';

  beforeAll(async () => {
    const args = ['fit', chess, '--target', 'class', '--degree', '2', '--folds', '3', '--out', model, '--verbose'];
    const done = await succeed(args, { env: { NO_COLOR: '1' } });
    expect(done.stderr).toBe('');
    report = done.stdout;
  });

  it('fit reports in 80 columns, without colours, every part', () => {
    expectWithin(report, 80);
    expect(report).not.toContain('\x1b');
    expect(report).toContain('3,196 rows, 37 columns');
    expect(report).toContain('"class": "won" in 1,669 rows (the positive class), "nowin" in 1,527');
    expect(report).toContain('dwipd (yes is "l", no is "g")');
    expect(report).toMatch(/degree 2 .* ± .*<- chosen/);
    const accuracy =
      /accuracy (0\.\d+) \(95 % Clopper-Pearson: (0\.\d+) to (0\.\d+)\) on 639 test rows set\s+aside first; always saying "won": (0\.\d+)/.exec(
        report,
      );
    const [measured, low, high] = (accuracy ?? []).slice(1, 4).map(Number);
    expect(measured).toBeGreaterThanOrEqual(0.98);
    expect(low).toBeLessThan(measured);
    expect(high).toBeGreaterThan(measured);
    expect(accuracy?.[4]).toBe('0.545');
    expect(report).toMatch(/How sure \(12 of \d+\): terms chosen on 1,598 rows and fitted again on 1,598\s+others/);
    expect(report).toContain('fitted anew on all 3,196 rows');
    expect(report).toMatch(/ and \S+ both yes +[+-]\d/);
    expect(report).toContain(`fewfire predict ${model}`);
  });

  it('predict writes a row per row, score and show agree with it', async () => {
    const out = inFolder('chess.csv');
    const { stdout, stderr } = await succeed(['predict', model, chess, '--keep', 'class', '--out', out]);
    expect(stdout).toBe('');
    expect(stderr).toBe(`wrote 3,196 predictions to ${out}\n`);
    const [header, ...rows] = parseCsv(readFileSync(out, 'utf8'));
    expect(header).toEqual(['class', 'prediction', 'probability_won', 'probability_nowin']);
    expect(rows).toHaveLength(3196);
    const truth = parseCsv(readFileSync(chess, 'utf8')).slice(1);
    expect(rows.map((row) => row[0])).toEqual(truth.map((row) => row[row.length - 1]));
    for (const row of rows) expect(Number(row[2]) + Number(row[3])).toBeCloseTo(1, 12);
    const accuracy = rows.filter((row) => row[0] === row[1]).length / rows.length;
    const scored = JSON.parse((await succeed(['score', model, chess, '--json'])).stdout);
    expect(scored).toMatchObject({ task: 'binary', sampleCount: 3196, skippedRowCount: 0, unseen: [] });
    expect(scored.accuracy).toBeCloseTo(accuracy, 12);
    const said = (await succeed(['score', model, chess])).stdout;
    expect(said).toContain('these are the rows the model was fitted on');
    expectWithin(said, 80);
    const shown = (await succeed(['show', model, '--top', '3'], { env: { COLUMNS: '60' } })).stdout;
    expectWithin(shown, 60);
    expect(shown).toContain('Leading combinations (3 of ');
    const json = JSON.parse((await succeed(['show', model, '--top', '3', '--json'])).stdout);
    expect(json.terms).toHaveLength(3);
    expect(json.provenance.command).toContain('fewfire fit ');
    expect(json.provenance.source.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(Object.keys(json.provenance.versions)).toEqual(['fewfire', 'node', 'kernels']);
  });

  it('predict prints CSV, reads standard input, and names unseen values', async () => {
    const text = readFileSync(chess, 'utf8')
      .split('\n')
      .slice(0, 13)
      .join('\n')
      .replaceAll(',l,', ',zz,')
      .replace(',zz,', ',l,');
    const { stdout, stderr } = await succeed(['predict', model, '-'], { input: text });
    expect(parseCsv(stdout)).toHaveLength(13);
    expect(stderr).toMatch(
      /^column "dwipd": the value "zz" in \d+ rows was not in the training data; counted as "g"\n$/,
    );
    expect((await succeed(['predict', model, '-', '--quiet'], { input: text })).stderr).toBe('');
  });

  it('predict writes Parquet that reads back', async () => {
    const out = inFolder('chess.parquet');
    await succeed(['predict', model, chess, '--keep', 'class', '--out', out]);
    const again = JSON.parse((await succeed(['fit', out, '--target', 'class', '--json', '--degree', '1'])).stdout);
    expect(again.sampleCount).toBe(3196);
  });

  it('a reader that has seen enough ends it quietly', async () => {
    const child = spawn(process.execPath, [bin, 'predict', model, chess], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    expect(stderr).toBe('');
  });
});

describe('fit --json', () => {
  it('has the stated shape, whatever the number of threads', async () => {
    const fit = async (threads: string): Promise<Record<string, unknown>> => {
      const args = ['fit', chess, '--target', 'class', '--degree', '1', '--folds', '3', '--json', '--threads', threads];
      const { stdout, stderr } = await succeed(args);
      expect(stderr).toBe('');
      return JSON.parse(stdout);
    };
    const { timingsMs, threads, ...one } = await fit('1');
    const { timingsMs: _, threads: __, ...two } = await fit('2');
    expect(two).toEqual(one);
    expect(threads).toBe(1);
    expect(Object.keys(timingsMs as object)).toEqual(['open', 'read', 'choose', 'fit', 'confirm', 'total']);
    expect(Object.keys(one)).toEqual(
      expect.arrayContaining(
        'task sampleCount coordinateCount degree method lambda basis monomialCount termCount selection test terms encoding dropped seed'.split(
          ' ',
        ),
      ),
    );
    expect(one).toMatchObject({
      task: 'binary',
      sampleCount: 3196,
      coordinateCount: 37,
      degree: 1,
      monomialCount: 38,
      seed: 1,
      test: { sampleCount: 639, baseline: { accuracy: expect.any(Number) }, auc: expect.any(Number) },
      selection: { folds: 3 },
      encoding: { target: { positive: 'won' } },
    });
    const terms = one.terms as { coordinates: string[]; coefficient: number }[];
    expect(terms).toHaveLength(one.termCount as number);
    expect(terms.filter(({ coordinates }) => coordinates.length === 0)).toHaveLength(1);
    const sizes = terms.map(({ coefficient }) => Math.abs(coefficient));
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
  });
});

describe('house votes', () => {
  it('refuses missing values with counts where it was asked to', async () => {
    const { code, stderr } = await fewfire(['fit', votes, '--target', 'Class', '--missing', 'refuse']);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: values are missing .* 16 columns: "handicapped-infants" 12, .*leave out --missing refuse.*\n$/,
    );
  });

  it('makes being missing a coordinate, and says so with counts', async () => {
    const { stdout } = await succeed(['fit', votes, '--target', 'Class', '--degree', '1', '--verbose']);
    expectWithin(stdout, 80);
    expect(stdout).toContain('16 columns make 32 yes/no coordinates');
    expect(stdout).toContain('392 cells had no value, in 16 columns');
  });

  it('drop-rows keeps a row of predictions for every row of data', async () => {
    const model = inFolder('votes.json');
    const args = ['--missing', 'drop-rows', '--degree', '1', '--test', '0', '--quiet', '--out', model];
    expect((await succeed(['fit', votes, '--target', 'Class', ...args])).stdout).toBe('');
    const { stdout, stderr } = await succeed(['predict', model, votes, '--keep', 'Class']);
    const rows = parseCsv(stdout).slice(1);
    expect(rows).toHaveLength(435);
    const empty = rows.filter((row) => row[1] === '');
    expect(empty).toHaveLength(435 - 232);
    expect(empty.every((row) => row[0] !== '' && row[2] === '' && row[3] === '')).toBe(true);
    expect(stderr).toContain('203 rows with missing values: their prediction is empty');
  });
});

describe('several classes', () => {
  it('have a probability each, terms each, and attributions that add up', async () => {
    const rows = Array.from({ length: 240 }, (_, i) => {
      const [a, b] = [i & 1, (i >> 1) & 1];
      return [String(a), b === 1 ? 'yes' : 'no', String((i * 37) % 50), ['red', 'green', 'blue', 'blue'][a + 2 * b]];
    });
    const data = writeCsv(folder, 'colours.csv', [['a', 'b', 'age', 'colour'], ...rows]);
    const model = inFolder('colours.json');
    const { stdout } = await succeed([
      'fit',
      data,
      '--target',
      'colour',
      ...PRODUCTS_OF_TWO,
      '--out',
      model,
      '--verbose',
    ]);
    expectWithin(stdout, 80);
    expect(stdout).toMatch(/3 classes, each learned against the rest: "blue" 120, "green"\s+60, "red" 60/);
    expect(stdout).toMatch(/accuracy 1\.000 [^;]*;\s+always saying the\s+most\s+frequent\s+class/);
    expect(stdout).toMatch(/Leading combinations for "green"/);
    const shown = await succeed(['show', model, '--attributions']);
    expectWithin(shown.stdout, 80);
    expect(shown.stdout).toContain('Level weights for "red"');
    const json = JSON.parse((await succeed(['show', model, '--json'])).stdout);
    expect(json.outputs.map((output: { class: string }) => output.class)).toEqual(['blue', 'green', 'red']);

    const predicted = await succeed(['predict', model, data, '--attributions', 'all-no', '--keep', 'colour']);
    const [header, ...lines] = parseCsv(predicted.stdout);
    expect(header.slice(0, 5)).toEqual(
      'colour prediction probability_blue probability_green probability_red'.split(' '),
    );
    const blue = header.flatMap((name, j) => (/^(baseline|attribution)_blue/.test(name) ? [j] : []));
    expect(blue.map((j) => header[j])).toEqual([
      'baseline_blue',
      ...'a b age'.split(' ').map((c) => `attribution_blue_${c}`),
    ]);
    for (const line of lines) {
      expect(line[1]).toBe(line[0]);
      // No noise: (1 - f)/2 is the indicator of the class.
      const sum = blue.reduce((total, j) => total + Number(line[j]), 0);
      expect(sum).toBeCloseTo(line[0] === 'blue' ? 1 : 0, 3);
    }
  });
});

describe('numbers', () => {
  const rows = Array.from({ length: 200 }, (_, i) => {
    const [a, b] = [i & 1, (i >> 1) & 1];
    return [String(a), b === 1 ? 'yes' : 'no', String(i % 50), String(Math.exp(1 + a + 2 * a * b) + (i % 7) / 100)];
  });

  it('are learned in their unit, or by their logarithm', async () => {
    const data = writeCsv(folder, 'numbers.csv', [['a', 'b', 'age', 'price'], ...rows]);
    for (const transform of ['none', 'log']) {
      const model = inFolder(`price-${transform}.json`);
      const args = [
        'fit',
        data,
        '--target',
        'price',
        '--target-transform',
        transform,
        ...PRODUCTS_OF_TWO,
        '--out',
        model,
        '--verbose',
      ];
      const { stdout } = await succeed(args);
      expectWithin(stdout, 80);
      expect(stdout).toContain(transform === 'log' ? 'learned as its natural logarithm' : '"price", a number');
      expect(stdout).toMatch(/a and b both yes +\+\d/);
      expect(stdout).toContain('age (above 12.5, 24.5, 37.5)');
      const [header, ...predicted] = parseCsv((await succeed(['predict', model, data])).stdout);
      expect(header).toEqual(['prediction']);
      predicted.forEach(([value], i) => {
        expect(Math.abs(Number(value) / Number(rows[i][3]) - 1)).toBeLessThan(0.1);
      });
    }
  });

  it('test rows may come from a file', async () => {
    const data = writeCsv(folder, 'train.csv', [['a', 'b', 'age', 'price'], ...rows.slice(0, 150)]);
    const test = writeCsv(folder, 'test.csv', [['a', 'b', 'age', 'price'], ...rows.slice(150)]);
    const { stdout } = await succeed(['fit', data, '--target', 'price', '--test', test, '--verbose']);
    expect(stdout).toContain('50 test rows of another table');
  });
});

describe('column names of every kind', () => {
  const names = ['two words', 'say "hi"', 'größe', '🙂', 'select', 'x,y', "it's", '100%', 'a=b', 'tab\there', '--flag'];
  const target = 'order by 数据';
  const rows = Array.from({ length: 120 }, (_, i) => {
    const bits = names.map((_, j) => ((i * (2 * j + 7) + j * j) >> (j % 5)) & 1);
    return [...bits.map((bit) => 'ny'[bit]), bits[0] ^ bits[3] ? 'oui 🙂' : 'non'];
  });

  it('work from fit to predictions', async () => {
    const data = writeCsv(folder, 'données 🙂.csv', [[...names, target], ...rows]);
    const model = inFolder('modèle 1.json');
    const fit = await succeed(['fit', data, '--target', target, '--exclude', '"x,y",select', '--out', model]);
    expectWithin(fit.stdout, 80);
    expect(fit.stdout).toContain(`fewfire show '${model}'`);
    const keep = names.map((name) => `"${name.replaceAll('"', '""')}"`).join(',');
    const { stdout } = await succeed(['predict', model, data, '--keep', keep, `--keep=${target}`]);
    const [header, ...predicted] = parseCsv(stdout);
    expect(header).toEqual([...names, target, 'prediction', 'probability_oui 🙂', 'probability_non']);
    expect(predicted.map((row) => row.slice(0, names.length + 1))).toEqual(rows);
    const shown = JSON.parse((await succeed(['show', model, '--json'])).stdout);
    const columns = shown.encoding.columns.map(({ column }: { column: string }) => column);
    expect(columns).toEqual(names.filter((name) => name !== 'x,y' && name !== 'select'));
    expectWithin((await succeed(['show', model])).stdout, 80);
    await succeed(['score', model, data]);
  });
});

describe('Ctrl-C', () => {
  const args = ['fit', '-', '--target', 'class', '--degree', '3', '--folds', '50', '--out', inFolder('never.json')];
  const stopped = { code: 130, stdout: '', stderr: 'stopped; nothing was written\n' };

  it('while reading leaves nothing behind', async () => {
    const child = spawn(process.execPath, [bin, ...args], { stdio: 'pipe' });
    const ended = finished(child);
    // The file is longer than a pipe holds: when it is written the process has read, and waits for more.
    await new Promise((resolve) => child.stdin.write(readFileSync(chess), resolve));
    child.kill('SIGINT');
    expect(await ended).toEqual(stopped);
    expect(readdirSync(folder).filter((name) => name.includes('never'))).toEqual([]);
  });

  it('while working leaves nothing behind', async () => {
    expect(await interruptAtWork(args, 'choosing', { input: readFileSync(chess) })).toEqual(stopped);
    expect(readdirSync(folder).filter((name) => name.includes('never'))).toEqual([]);
  });
});

describe('the programme', () => {
  it('prints help without arguments, and for every command with examples and defaults', async () => {
    const plain = await succeed([], {});
    expect(plain.stdout).toBe((await succeed(['--help'], {})).stdout);
    expectWithin(plain.stdout, 80);
    for (const command of ['fit', 'predict', 'score', 'show', 'optimize']) {
      const { stdout, stderr } = await succeed([command, '--help']);
      expect(stderr).toBe('');
      expectWithin(stdout, 80);
      expect(stdout.match(/^ {2}.*fewfire .*(examples\/|chess\.json)/gm)?.length).toBeGreaterThanOrEqual(2);
    }
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    for (const flag of ['--version', '-V', '-v']) {
      expect(await succeed([flag], {})).toMatchObject({ stdout: `${manifest.version}\n`, stderr: '' });
    }
  });

  it('lists the commands by what they are about', async () => {
    const { stdout } = await succeed([], {});
    const groups = stdout.matchAll(/^(.+):\n((?: {2}[a-z]+ .*\n)+)/gm);
    const named = Array.from(groups, ([, title, lines]) => [
      title,
      lines.match(/^ {2}[a-z]+/gm)?.map((each) => each.trim()),
    ]);
    expect(Object.fromEntries(named.filter(([title]) => title !== 'Examples'))).toEqual({
      Tables: ['fit', 'predict', 'score', 'show', 'export', 'optimize'],
      'Models and networks': ['profile', 'network'],
      'The paper': ['plan', 'reproduce'],
      More: ['completion', 'help'],
    });
  });

  it('help needs neither core nor DuckDB', async () => {
    // A loader that refuses everything of the house but the command line itself, what options are and how fits are told.
    const hook = inFolder('refuse.mjs');
    writeFileSync(
      hook,
      `import { register } from 'node:module';
       const source = \`
         import { statSync } from 'node:fs';
         import { fileURLToPath } from 'node:url';
         // All of core is some 1 MB.
         const isLight = (url) => /packages.core.dist.node.[^/]+.js$/.test(url) && statSync(fileURLToPath(url)).size < 60_000;
         export async function resolve(specifier, context, next) {
           if (/^@/.test(specifier) && !/^@fewfire.core.(options|words)$/.test(specifier)) throw new Error('imported ' + specifier);
           const found = await next(specifier, context);
           if (/packages.(core|node|kernels|report|paper)./.test(found.url) && !isLight(found.url)) {
             throw new Error('imported ' + found.url);
           }
           return found;
         }\`;
       register('data:text/javascript,' + encodeURIComponent(source));`,
    );
    const { code, stdout } = await fewfire(['fit', '--help'], { env: { NODE_OPTIONS: `--import=${hook}` } });
    expect(code).toBe(0);
    expect(stdout).toContain('--target');
    const needing = await fewfire(['fit', chess, '--target', 'class'], { env: { NODE_OPTIONS: `--import=${hook}` } });
    expect(needing.stderr).toContain('imported @fewfire/');
  });

  it('says what to do where nothing is built', async () => {
    expect(existsSync(bin)).toBe(true);
    const copy = inFolder('fewfire.mjs');
    writeFileSync(copy, readFileSync(bin, 'utf8').replace('../dist/node/main.js', './nowhere/main.js'));
    const child = spawn(process.execPath, [copy], { stdio: 'pipe' });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(1);
    expect(stderr).toBe('error: fewfire is not built yet: run npm run setup in the checkout\n');
  });
});

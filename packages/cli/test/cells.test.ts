/**
 * Cells, columns and targets as people have them, each a small table with a known answer: what is recognised, said,
 * fitted, and found again in files of other formats and spellings. The rules are those of `docs/tables.md`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EncoderSpec, encoderCoordinates } from '@fewfire/core';
import { describe, expect, it } from 'vitest';
import type { ModelFile } from './oracle/by-hand.ts';
import { outsideProvenance } from './oracle/check.ts';
import { type Format, writeFiles } from './oracle/files.ts';
import { drawing, type TableColumn } from './oracle/random-table.ts';
import type { Held } from './oracle/reference.ts';
import { commandHost, parseCsv, root, temporaryFolder } from './run.ts';

const run = commandHost();
const folder = temporaryFolder();
let fileCount = 0;

/** Writes a text file and gives its path. */
function file(text: string, extension = 'csv'): string {
  const path = join(folder, `${fileCount++}.${extension}`);
  writeFileSync(path, text);
  return path;
}

type Row = readonly (string | number)[];

function csv(names: string, rows: readonly Row[], delimiter = ','): string {
  const cell = (value: string | number): string => (String(value).includes(delimiter) ? `"${value}"` : String(value));
  const lines = rows.map((row) => row.map(cell).join(delimiter));
  return file(`${[names.split(',').join(delimiter), ...lines].join('\n')}\n`);
}

/** A file of another format with the same cells. @param held how each column is held, text where nothing is said */
async function typed(
  format: Format,
  names: string,
  rows: readonly (readonly (string | number | null)[])[],
  held: Readonly<Record<string, Held>> = {},
): Promise<string> {
  const place = join(folder, String(fileCount++));
  mkdirSync(place);
  const columns = names.split(',').map((name, k): TableColumn => {
    const values = rows.map((row) => (row[k] === null ? null : String(row[k])));
    return {
      name,
      held: Object.hasOwn(held, name) ? held[name] : 'text',
      values,
      cells: values.map((value) => value ?? ''),
    };
  });
  const table = { columns, rowCount: rows.length, delimiter: ',', newline: '\n' };
  return (await writeFiles(table, place, [format], root)).get(format) ?? '';
}

const rowsOf = (count: number, seed: number, row: (draw: () => number, i: number) => Row): Row[] => {
  const draw = drawing(seed);
  return Array.from({ length: count }, (_, i) => row(draw, i));
};
const flip = (draw: () => number, share = 0.5): number => Number(draw() < share);

interface Fit {
  readonly model: string;
  readonly saved: ModelFile;
  /** What was printed. */
  readonly said: string;
}

/** Fits without a test; what it prints has its line breaks as spaces. */
async function fit(data: string, target: string, ...options: string[]): Promise<Fit> {
  const model = join(folder, `${fileCount++}.json`);
  // Few cuts, so that it can be said what they are.
  const few = [
    options.includes('--degree') ? [] : ['--degree', '2'],
    options.includes('--bins') ? [] : ['--bins', '4'],
  ];
  const quick = ['--intervals', 'none', '--test', '0', ...few.flat()];
  const { code, stdout, stderr } = await run([
    'fit',
    data,
    '--target',
    target,
    ...quick,
    '--out',
    model,
    '--verbose',
    ...options,
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return { model, saved: JSON.parse(readFileSync(model, 'utf8')), said: stdout.replace(/\s+/g, ' ') };
}

async function accuracyOf({ model }: Fit, data: string): Promise<number> {
  const { code, stdout, stderr } = await run(['score', model, data, '--json', '--quiet']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout).accuracy;
}

async function predict({ model }: Fit, data: string): Promise<string[]> {
  const { code, stdout, stderr } = await run(['predict', model, data, '--quiet']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [head, ...records] = parseCsv(stdout);
  return records.map((record) => record[head.indexOf('prediction')]);
}

const coordinatesOf = ({ saved }: Fit): string[] =>
  encoderCoordinates(saved.encoder as unknown as EncoderSpec).map(({ name }) => name);
const codingOf = ({ saved }: Fit, column: string): unknown =>
  saved.encoder.columns.find((each) => each.column === column)?.coding;

describe('columns of numbers', () => {
  it('FLOAT columns of Arrow, as of Parquet and DuckDB, count as their shortest decimals', async () => {
    const rows = rowsOf(300, 1, (draw) => {
      const dose = Math.floor(4 * draw()) / 10 + 0.1;
      return [dose.toFixed(1), dose > 0.25 ? 'high' : 'low'];
    });
    const fitted = await fit(csv('dose,y', rows), 'y');
    expect(codingOf(fitted, 'dose')).toEqual({ kind: 'thresholds', above: [0.15, 0.25, 0.35] });
    for (const format of ['parquet', 'arrow', 'duckdb'] as const) {
      const floats = await typed(format, 'dose,y', rows, { dose: 'float' });
      expect([format, await accuracyOf(fitted, floats)]).toEqual([format, 1]);
      const again = await fit(floats, 'y');
      expect([format, codingOf(again, 'dose')]).toEqual([format, codingOf(fitted, 'dose')]);
    }
  });

  it('FLOAT columns are fitted as a text file has them', async () => {
    const rows = rowsOf(400, 3, (draw) => {
      const [dose, half] = [Math.ceil(4 * draw()) / 10, draw() < 0.5 ? '0.1' : '0.7'];
      return [dose.toFixed(1), half, Number(dose > 0.2 === (half === '0.7'))];
    });
    const text = await fit(csv('dose,half,y', rows), 'y');
    const floats = await typed('parquet', 'dose,half,y', rows, { dose: 'float', half: 'float', y: 'whole' });
    expect(await accuracyOf(text, floats)).toBe(1);
    expect(outsideProvenance(readFileSync((await fit(floats, 'y')).model, 'utf8'))).toBe(
      outsideProvenance(readFileSync(text.model, 'utf8')),
    );
  });

  // Most rows at the top value: no quantile has anything above it.
  it.each([0.8, 0.99])('a rating with %f of the rows at the top is cut below it', async (share) => {
    const rows = rowsOf(2000, 4, (draw) => {
      const rating = draw() < share ? 5 : 1 + Math.floor(4 * draw());
      return [rating, flip(draw), Number(rating < 5)];
    });
    const fitted = await fit(csv('rating,b,y', rows), 'y');
    expect(coordinatesOf(fitted)).toEqual(['rating>4.5', 'b']);
    expect(await accuracyOf(fitted, csv('rating,b,y', rows))).toBe(1);
  });

  it('a tie within is cut on both sides', async () => {
    const rows = rowsOf(1000, 5, (draw) => {
      const x = draw() < 0.9 ? 50 : Math.floor(100 * draw());
      return [x, Number(x === 50)];
    });
    const fitted = await fit(csv('x,y', rows), 'y');
    const found = coordinatesOf(fitted);
    expect(found).toHaveLength(2);
    expect(await accuracyOf(fitted, csv('x,y', rows))).toBe(1);
  });

  it('a two where the fit saw 0 and 1 is like 1', async () => {
    const rows = rowsOf(200, 6, (draw) => {
      const children = flip(draw);
      return [children, Math.floor(3 * draw()), children === 1 ? 'true' : 'false'];
    });
    const fitted = await fit(csv('children,b,y', rows), 'y');
    expect(coordinatesOf(fitted)).toEqual(['children', 'b>0.5', 'b>1.5']);
    const others = csv(
      'children,b',
      [0, 1, 2, 3, 0.4, 0.5, 0.6, -1].map((x, i) => [x, i % 3]),
    );
    expect(await predict(fitted, others)).toEqual(['false', 'true', 'true', 'true', 'false', 'false', 'true', 'false']);
  });

  it.each([
    ...[['thousands', '"177,000"', 'with "," between thousands', (x: number) => `${x},000`] as const],
    ...[['money', '$1.77', 'with the sign "$"', (x: number) => `$${(x / 100).toFixed(2)}`] as const],
    ...[['percent', '12 %', 'with the sign "%"', (x: number) => `${x} %`] as const],
    ...[['a long minus', '−1.77', '', (x: number) => (x / 100).toFixed(2).replace('-', '−')] as const],
    ...[['apostrophes', "1'234", 'between thousands', (x: number) => `${x}'000`] as const],
  ])('%s (%s) are numbers, and said to be', async (_, __, words, spell) => {
    const make = (seed: number): Row[] =>
      rowsOf(200, seed, (draw) => {
        const x = (1 + Math.floor(400 * draw())) * (draw() < 0.6 ? 1 : -1);
        return [spell(x), flip(draw), x > 60 ? 'up' : 'down'];
      });
    const fitted = await fit(csv('x,b,y', make(1)), 'y');
    expect(fitted.said).toContain(words);
    expect(fitted.saved.encoder.columns).toMatchObject([{ column: 'x', type: 'number' }, { column: 'b' }]);
    expect(await accuracyOf(fitted, csv('x,b,y', make(2)))).toBeGreaterThan(0.9);
    // One row alone is spelled as the table was.
    const [first] = make(3);
    expect(await predict(fitted, csv('x,b', [first.slice(0, 2)]))).toEqual([first[2]]);
  });

  it('decimal commas of a table are decimal commas where a row alone could have thousands', async () => {
    const rows = rowsOf(200, 8, (draw) => {
      const x = 10 * draw();
      return [x.toFixed(2).replace('.', ','), x > 5 ? 'high' : 'low'];
    });
    const fitted = await fit(csv('x,y', rows, '\t'), 'y');
    expect(await predict(fitted, csv('x', [['3,512']]))).toEqual(['low']);
    expect(await predict(fitted, csv('x', [['3,512'], ['9']]))).toEqual(['low', 'high']);
    expect(await predict(fitted, csv('x', [['3.512'], ['9.25']]))).toEqual(['low', 'high']);
  });

  it('a target with thousands is a number', async () => {
    const rows = rowsOf(200, 9, (draw) => {
      const a = flip(draw);
      return [a, `${a === 1 ? 24 : 5},${100 + Math.floor(800 * draw())}`];
    });
    const { saved } = await fit(csv('a,price', rows), 'price', '--degree', '1');
    expect(saved.target).toMatchObject({ kind: 'regression', column: 'price' });
    const mean = rows.reduce((sum, [, price]) => sum + Number(String(price).replace(',', '')), 0) / rows.length;
    expect(saved.outputs[0].fit.targetMean).toBeCloseTo(mean, 6);
  });

  it('whole numbers beyond 2^53 stay apart, as a class and as a group', async () => {
    const ids = ['9007199254740992', '9007199254740993', '9007199254740994'];
    const rows = rowsOf(300, 10, (draw) => {
      const [a, b] = [flip(draw), flip(draw)];
      return [a, b, ids[a === 1 ? 0 : 1 + b]];
    });
    const fitted = await fit(csv('a,b,y', rows), 'y');
    expect(fitted.saved.target).toMatchObject({ kind: 'multiclass', classes: ids });
    expect(await accuracyOf(fitted, await typed('parquet', 'a,b,y', rows, { y: 'whole' }))).toBe(1);
    const users = rowsOf(300, 11, (draw, i) => [flip(draw), `17500000000000000${10 + Math.floor(i / 10)}`, flip(draw)]);
    const grouped = ['--group', 'user', '--test', '0.2', '--degree', '1'];
    expect((await fit(csv('a,user,y', users), 'y', ...grouped)).said).toContain('on 60 test rows in 6 groups');
  });

  it('NaN of a typed file is missing', async () => {
    const rows = rowsOf(200, 12, (draw) => {
      const x = flip(draw, 0.3) === 1 ? 'NaN' : String(Math.floor(10 * draw()));
      return [x, x === 'NaN' ? 'gone' : 'there'];
    });
    const data = await typed('parquet', 'x,y', rows, { x: 'number' });
    for (const policy of ['auto', 'indicator']) {
      const fitted = await fit(data, 'y', '--missing', policy);
      expect(coordinatesOf(fitted).at(-1)).toBe('x missing');
      expect(await accuracyOf(fitted, data)).toBe(1);
    }
  });

  it('numbers with leading zeros are names, and --number says otherwise', async () => {
    const codes = ['001', '01', '10', '1'];
    const rows = rowsOf(300, 13, (draw) => {
      const code = codes[Math.floor(4 * draw())];
      return [code, flip(draw), code === '01' || code === '10' ? 'yes' : 'no'];
    });
    const data = csv('code,b,y', rows);
    const fitted = await fit(data, 'y');
    expect(fitted.saved.encoder.columns[0]).toMatchObject({ column: 'code', type: 'text' });
    expect(await accuracyOf(fitted, data)).toBe(1);
    const numbers = await fit(data, 'y', '--number', 'code');
    expect(numbers.saved.encoder.columns[0]).toMatchObject({ column: 'code', type: 'number' });
    expect(coordinatesOf(numbers)).toEqual(['code>5.5', 'b']);
  });
});

describe('columns of texts', () => {
  it('a frequent city among 200 rare ones has a coordinate, and the rest is "other"', async () => {
    const rows = rowsOf(3000, 14, (draw) => {
      const city = draw() < 0.4 ? 'BIG' : `v${100 + Math.floor(200 * draw())}`;
      return [city, flip(draw), (city === 'BIG') !== draw() < 0.02 ? 'in' : 'out'];
    });
    const data = csv('city,b,y', rows);
    const fitted = await fit(data, 'y');
    expect(fitted.said).toContain('"other"');
    expect(codingOf(fitted, 'city')).toMatchObject({ kind: 'categories', reference: null });
    expect(coordinatesOf(fitted)).toContain('city=BIG');
    expect(await accuracyOf(fitted, data)).toBeGreaterThan(0.97);
    expect(
      await predict(
        fitted,
        csv('city,b', [
          ['BIG', 0],
          ['never seen', 1],
        ]),
      ),
    ).toEqual(['in', 'out']);
  });

  it('names of columns may be words of languages', async () => {
    const names = [
      '__proto__',
      'constructor',
      'toString',
      'class',
      'select',
      'lambda',
      'None',
      'import',
      'a"b',
      '<b>x</b>',
    ];
    const rows = rowsOf(300, 15, (draw) => {
      const cells = names.map(() => flip(draw));
      return [...cells, cells[0] === cells[1] ? 'same' : 'other'];
    });
    const list = [...names, 'y'].map((name) => name.replace('"', '""'));
    const data = file(`${[list.map((name) => `"${name}"`).join(','), ...rows].join('\n')}\n`);
    const fitted = await fit(data, 'y');
    expect(coordinatesOf(fitted)).toEqual(names);
    expect(await accuracyOf(fitted, data)).toBe(1);
    for (const format of ['ndjson', 'parquet', 'arrow', 'duckdb'] as const) {
      expect([format, await accuracyOf(fitted, await typed(format, [...names, 'y'].join(','), rows))]).toEqual([
        format,
        1,
      ]);
    }
  });
});

describe('missing cells', () => {
  const people = (hole: string): Row[] =>
    rowsOf(1000, 16, (draw) => {
      const [age, smoker] = [20 + Math.floor(50 * draw()), flip(draw, 0.3)];
      const isHole = draw() < 0.03;
      return [isHole ? hole : age, smoker, age > 44 && smoker === 1 ? 'ill' : 'well'];
    });

  it.each(['null', 'NA', 'N/A', '-', 'None', '?', 'nan', 'unknown', '#N/A'])(
    'a few %s among numbers are missing, and said to be',
    async (hole) => {
      const rows = people(hole);
      const count = rows.filter(([age]) => age === hole).length;
      const fitted = await fit(csv('age,smoker,y', rows), 'y');
      expect(fitted.said).toContain(`counted as missing: "age" ("${hole}" ${count})`);
      expect(coordinatesOf(fitted)).toEqual([
        expect.stringMatching(/^age>/),
        expect.stringMatching(/^age>/),
        expect.stringMatching(/^age>/),
        'age missing',
        'smoker',
      ]);
      expect(await accuracyOf(fitted, csv('age,smoker,y', rows))).toBeGreaterThan(0.95);
    },
  );

  it('--missing-values says what is missing instead', async () => {
    const coded = await fit(csv('age,smoker,y', people('-999')), 'y', '--missing-values', 'NA,-999');
    const named = await fit(csv('age,smoker,y', people('NA')), 'y');
    expect(coordinatesOf(coded)).toEqual(coordinatesOf(named));
    const rows = people('NA');
    const kept = await fit(csv('age,smoker,y', rows), 'y', '--missing-values', '');
    const count = rows.filter(([age]) => age === 'NA').length;
    expect(kept.said).toContain(`${1000 - count} of 1000 cells are numbers, the others are "NA"`);
    expect(kept.said).not.toContain('counted as missing');
  });

  it('a number that was said to be missing is above no threshold and in no quantile (it was, in files)', async () => {
    for (const [count, digits] of [
      [300, 0],
      [3000, 3],
    ]) {
      const drawn = rowsOf(count, 5, (draw) => {
        const isHole = draw() < 0.15;
        const size = (100 * draw()).toFixed(digits);
        return [isHole ? 'NA' : size, isHole || Number(size) < 60 ? 'small' : 'large'];
      });
      const coded = drawn.map(([size, y], i) => [size === 'NA' ? ['999', '999.0'][i % 2] : size, y]);
      const named = await fit(csv('size,y', drawn), 'y');
      const sources = [csv('size,y', coded), await typed('parquet', 'size,y', coded, { size: 'number' })];
      for (const source of sources) {
        const fitted = await fit(source, 'y', '--missing-values', '999');
        expect(codingOf(fitted, 'size')).toEqual(codingOf(named, 'size'));
        for (const again of sources)
          expect(await predict(fitted, again)).toEqual(await predict(named, csv('size,y', drawn)));
      }
    }
  });

  it('rows that all have one of the values that are "other" are predicted; many that the fit lists none of are refused', async () => {
    const rows = rowsOf(3000, 36, (draw) => {
      const k = Math.floor(50 * draw() ** 2);
      return [`c${k}`, k % 2 === 0 ? 'a' : 'b'];
    });
    const fitted = await fit(csv('city,y', rows), 'y', '--degree', '1');
    expect(await predict(fitted, csv('city', Array(100).fill(['c49'])))).toHaveLength(100);
    const upper = csv(
      'city',
      rows.map(([city]) => [String(city).toUpperCase()]),
    );
    const { code, stderr } = await run(['predict', fitted.model, upper]);
    expect({ code, said: stderr.includes('has no value that the model has seen') }).toEqual({ code: 1, said: true });
  });

  it('in a list of texts a typed boolean is the one that is spelled so, or that alone says the same', async () => {
    const words = ['ja', 'nein', 'vielleicht', 'true', 'yes'];
    const rowsWith = (count: number): string[][] =>
      rowsOf(400, 34, (draw) => {
        const word = words[Math.floor(count * draw())];
        return [word, word === 'nein' ? 'b' : word === 'true' ? 'c' : 'a'];
      }) as string[][];
    const booleans = await typed('parquet', 'q', [['true'], ['false']], { q: 'boolean' });
    const alone = await fit(csv('q,y', rowsWith(3)), 'y', '--degree', '1');
    expect(await predict(alone, booleans)).toEqual(['a', 'b']);
    // Of three that say yes one is spelled so.
    const three = await fit(csv('q,y', rowsWith(5)), 'y', '--degree', '1');
    expect(await predict(three, booleans)).toEqual(['c', 'b']);
  });

  it('a column of --number in which every cell is missing is left out', async () => {
    const rows = rowsOf(100, 35, (draw, i) => {
      const a = flip(draw);
      return [a, ['NA', '', 'null'][i % 3], a ? 'x' : 'z'];
    });
    const { said } = await fit(csv('a,n,y', rows), 'y', '--number', 'n');
    expect(said).toContain('column "n" was left out: every value is missing');
  });

  it('a date that was said to be missing is missing in every spelling, and where dates are typed', async () => {
    const drawn = rowsOf(400, 38, (draw) => {
      const isHole = draw() < 0.2;
      const time = Date.UTC(2020, 0, 1) + 86_400_000 * Math.floor(900 * draw());
      const day = new Date(time).toISOString().slice(0, 10);
      return [isHole ? 'NA' : day, !isHole && day > '2021-06' ? 'late' : 'early'];
    });
    const named = await fit(csv('d,y', drawn), 'y');
    const spelled = ['1900-01-01', '1900-1-1 00:00', '1900/01/01T01:00+01:00'];
    const coded = drawn.map(([day, y], i) => [day === 'NA' ? spelled[i % 3] : day, y]);
    const held = coded.map(([day, y]) => [String(day).startsWith('1900') ? '1900-01-01' : day, y]);
    for (const source of [csv('d,y', coded), await typed('parquet', 'd,y', held, { d: 'date' })]) {
      const fitted = await fit(source, 'y', '--missing-values', '1900-01-01');
      expect(coordinatesOf(fitted)).toEqual(coordinatesOf(named));
      expect(await predict(fitted, source)).toEqual(await predict(named, csv('d,y', drawn)));
    }
  });

  it('cells without a value and their spellings are counted over the same rows', async () => {
    const rows = rowsOf(200, 37, (draw, i) => {
      const n = Math.floor(90 * draw());
      return [i % 10 === 0 ? 'NA' : n, i % 4 === 0 ? '' : n > 40 ? 'up' : 'down'];
    });
    const { said } = await fit(csv('n,y', rows), 'y');
    // Of 20 cells, half are in rows without a target.
    expect(said).toContain('10 cells had no value, in 1 column: n 10');
    expect(said).toContain('"n" ("NA" 10)');
  });

  it('how many cells of a column are numbers is counted over the same rows as what the others are', async () => {
    // Two rows without a target are read, and not fitted.
    const rows = rowsOf(100, 26, (draw, i) => [
      i < 5 ? 'ask' : i,
      i > 97 ? '' : draw() < 0.5 ? 'in' : 'out',
      flip(draw),
    ]);
    const { said } = await fit(csv('x,y,b', rows), 'y');
    expect(said).toContain('95 of 100 cells are numbers, the others are "ask"');
  });

  it('a class called NA is missing in a file of texts, a class where that is said or the file has types', async () => {
    const rows = rowsOf(200, 17, (draw) => {
      const [a, b] = [flip(draw), flip(draw)];
      return [a, b, a ? 'NA' : b ? 'EU' : 'APAC'];
    });
    const data = csv('a,b,region', rows);
    const guessed = await fit(data, 'region');
    const count = rows.filter(([, , region]) => region === 'NA').length;
    expect(guessed.saved.target).toMatchObject({ kind: 'binary' });
    expect(guessed.said).toContain(`counted as missing: "region" ("NA" ${count}); --missing-values says what is`);
    for (const fitted of [
      await fit(data, 'region', '--missing-values', ''),
      await fit(await typed('parquet', 'a,b,region', rows), 'region'),
    ]) {
      expect(fitted.saved.target).toMatchObject({ kind: 'multiclass', classes: ['APAC', 'EU', 'NA'] });
      expect(await accuracyOf(fitted, data)).toBe(1);
    }
  });
});

describe('answers', () => {
  const make = (no: string, yes: string): Row[] =>
    rowsOf(300, 18, (draw) => {
      const [a, b] = [flip(draw), flip(draw)];
      return [a, b, Number(a !== b)].map((bit) => (bit === 1 ? yes : no));
    });

  it('yes and no of other files, cases and languages mean the same, in columns and in classes', async () => {
    const fitted = await fit(csv('a,b,y', make('False', 'True')), 'y');
    expect(fitted.saved.target).toMatchObject({ positive: 'True', negative: 'False' });
    const wanted = make('False', 'True').map((row) => row[2]);
    const held = { a: 'boolean', b: 'boolean', y: 'boolean' } as const;
    const sources = [
      csv('a,b,y', make('FALSE', 'TRUE')),
      csv('a,b,y', make('nein', 'Ja')),
      csv('a,b,y', make('0', '1')),
      csv('a,b,y', make('нет', 'Да')),
      await typed('parquet', 'a,b,y', make('false', 'true'), held),
      await typed('ndjson', 'a,b,y', make('false', 'true'), held),
      await typed('arrow', 'a,b,y', make('0', '1'), { a: 'whole', b: 'number', y: 'whole' }),
    ];
    for (const [i, source] of sources.entries()) {
      expect([i, await accuracyOf(fitted, source)]).toEqual([i, 1]);
      expect([i, await predict(fitted, source)]).toEqual([i, wanted]);
    }
  });

  it('a column without a value that the fit saw is an error', async () => {
    const fitted = await fit(csv('a,b,y', make('False', 'True')), 'y');
    const { code, stderr } = await run([
      'predict',
      fitted.model,
      csv(
        'a,b',
        make('left', 'right').map((row) => row.slice(0, 2)),
      ),
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: column "a" of .* has no value that the model has seen: it holds "right", "left", expected such as "False", "True"/,
    );
  });
});

describe('columns of dates', () => {
  it('a cut between fractions of a second is called in full, and no longer than it needs', async () => {
    const times = ['00.353', '00.354', '01', '02'].map((second) => `2024-03-05 10:00:${second}`);
    const rows = rowsOf(80, 1, (draw, i) => [times[i % 4], flip(draw)]);
    const fitted = await fit(csv('at,y', rows), 'y', '--degree', '1');
    expect(coordinatesOf(fitted)).toEqual([
      'at>2024-03-05T10:00:00.3535',
      'at>2024-03-05T10:00:00.677',
      'at>2024-03-05T10:00:01.5',
    ]);
  });

  it('dates that were fitted as texts are found again in a typed file, and are called dates where they are not', async () => {
    const rows = rowsOf(100, 25, (draw) => {
      const day = 1 + Math.floor(3 * draw());
      return [`2024-03-0${day}`, day === 2 ? 'two' : 'other'];
    });
    const fitted = await fit(csv('d,y', rows), 'y', '--text', 'd');
    expect(coordinatesOf(fitted)).toHaveLength(2);
    expect(await accuracyOf(fitted, await typed('parquet', 'd,y', rows, { d: 'date' }))).toBe(1);
    const later = rows.map(([d, y]) => [String(d).replace('2024', '2025'), y]);
    const { stderr } = await run(['predict', fitted.model, await typed('parquet', 'd,y', later, { d: 'date' })]);
    expect(stderr).toContain('it holds "2025-03-0');
  });

  it('dates, times and ISO texts are dates: thresholds in time, weekdays and months', async () => {
    const iso = (day: number): string => new Date(Date.UTC(2020, 0, 1) + 86_400_000 * day).toISOString();
    const rows = rowsOf(300, 19, (draw) => {
      const [day, hours] = [Math.floor(300 * draw()), Math.floor(300 * draw())];
      const isSunday = new Date(iso(day)).getUTCDay() === 0;
      return [iso(day).slice(0, 10), iso(hours / 24).slice(0, 19), iso(day + 1).slice(0, 10), Number(isSunday)];
    });
    const data = await typed('parquet', 'd,ts,s,y', rows, { d: 'date', ts: 'timestamp' });
    const fitted = await fit(data, 'y', '--degree', '1');
    expect(fitted.saved.encoder.columns.map(({ column, type, part }) => [column, type, part])).toEqual([
      ...[
        ['d', 'date', undefined],
        ['d', 'date', 'weekday'],
        ['d', 'date', 'month'],
      ],
      ...[
        ['ts', 'date', undefined],
        ['ts', 'date', 'weekday'],
      ],
      ...[
        ['s', 'date', undefined],
        ['s', 'date', 'weekday'],
        ['s', 'date', 'month'],
      ],
    ]);
    expect(await accuracyOf(fitted, data)).toBe(1);
    expect(await accuracyOf(fitted, csv('d,ts,s,y', rows))).toBe(1);
  });

  it.each([
    ...[['5.3.2024', 'the day first', (y: string, m: string, d: string) => `${Number(d)}.${Number(m)}.${y}`] as const],
    ...[['3/25/2024', 'the month first', (y: string, m: string, d: string) => `${m}/${d}/${y}`] as const],
    ...[['2024/03/05', '', (y: string, m: string, d: string) => `${y}/${m}/${d}`] as const],
  ])('%s is a date, also in a row alone', async (_, words, spell) => {
    const rows = rowsOf(200, 20, (draw) => {
      const time = Date.UTC(2024, 0, 1) + 86_400_000 * Math.floor(366 * draw());
      const [y, m, d] = new Date(time).toISOString().slice(0, 10).split('-');
      return [spell(y, m, d), time >= Date.UTC(2024, 6, 1) ? 'late' : 'early'];
    });
    const fitted = await fit(csv('d,y', rows), 'y', '--degree', '1');
    expect(fitted.said).toContain(words);
    expect(fitted.saved.encoder.columns[0]).toMatchObject({ column: 'd', type: 'date' });
    expect(await accuracyOf(fitted, csv('d,y', rows))).toBeGreaterThan(0.95);
    expect(await predict(fitted, csv('d', [[spell('2024', '11', '02')]]))).toEqual(['late']);
    expect(await predict(fitted, csv('d', [['2024-02-11']]))).toEqual(['early']);
  });

  it('dates that read in two orders are texts, also with points in their seconds (the day came first)', async () => {
    const rows = rowsOf(300, 31, (draw) => {
      const [day, month] = [1 + Math.floor(12 * draw()), 1 + Math.floor(12 * draw())];
      return [`${day}/${month}/2024 08:15:${10 + Math.floor(40 * draw())}.5`, flip(draw), month > 6 ? 'late' : 'early'];
    });
    const { saved, said } = await fit(csv('d,a,y', rows), 'y');
    expect(saved.encoder.columns.map((each) => each.column)).toEqual(['a']);
    expect(said).toContain('these are dates in which day and month cannot be told apart');
  });

  // More different texts than are looked at first, sorted so that those alone could be read in two ways.
  it('one late cell tells the order of dates and what a comma is, in long columns too', async () => {
    const rows = rowsOf(9000, 32, (draw, i) => {
      const month = 1 + Math.floor(9 * draw());
      const clock = [10 + Math.floor(14 * draw()), 10 + Math.floor(50 * draw()), 10 + Math.floor(50 * draw())].join(
        ':',
      );
      const number = i === 8000 ? '9,25' : `${1 + Math.floor(8 * draw())},${100 + Math.floor(900 * draw())}`;
      return [`${i === 8000 ? 28 : 1}/${month}/2024 ${clock}`, number, month > 4 ? 'late' : 'early'];
    });
    const fitted = await fit(csv('d,n,y', rows, '\t'), 'y', '--degree', '1', '--intervals', 'none');
    expect(coordinatesOf(fitted)).toContain('d month=April');
    const { above } = codingOf(fitted, 'n') as { above: number[] };
    expect(Math.max(...above)).toBeLessThan(9);
  });
});

describe('classes', () => {
  it('a class called NA that a typed file taught is a class in a file of texts too', async () => {
    const rows = rowsOf(200, 2, (draw) => {
      const [a, b] = [flip(draw), flip(draw)];
      return [a, b, a ? 'NA' : b ? 'EU' : 'APAC'];
    });
    const fitted = await fit(await typed('parquet', 'a,b,region', rows), 'region');
    const text = csv('a,b,region', rows);
    const { stdout } = await run(['score', fitted.model, text, '--json', '--quiet']);
    expect(JSON.parse(stdout)).toMatchObject({ sampleCount: 200, accuracy: 1 });
  });

  it('of one meaning are told apart by their spelling, whatever another file takes its cells for', async () => {
    // Where nothing is missing "?" is a class, and no column of answers has it; in a file of types it is no cell.
    const rows = rowsOf(400, 33, (draw) => {
      const [a, b] = [flip(draw), flip(draw)];
      return [a, b, a === 1 && b === 1 ? '?' : a === 1 ? 'Ja' : b === 1 ? 'JA' : 'nein'];
    });
    const { model } = await fit(csv('a,b,y', rows), 'y', '--missing-values', '');
    const typedRows = await typed(
      'parquet',
      'a,b,y',
      rows.filter((row) => row[2] !== '?'),
    );
    const { stdout } = await run(['score', model, typedRows, '--json', '--quiet']);
    expect(JSON.parse(stdout)).toMatchObject({ accuracy: 1 });
  });

  it('keep their spelling where it has leading zeros', async () => {
    const rows = rowsOf(300, 21, (draw) => {
      const [a, b] = [flip(draw), flip(draw)];
      return [a, b, a === 1 ? '010' : b === 1 ? '007' : '7'];
    });
    const data = csv('a,b,icd', rows);
    const fitted = await fit(data, 'icd');
    expect(fitted.saved.target).toMatchObject({ kind: 'multiclass', classes: ['007', '010', '7'] });
    expect(await predict(fitted, data)).toEqual(rows.map((row) => row[2]));
  });
});

/** Customers who leave mostly with `beta` and without the newsletter: 71 % against 29 %. */
describe('one table in many files', () => {
  const draw = drawing(22);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(of.length * draw())];
  const names = 'id,name,signup,plan,Land,age,dark,beta,sso,newsletter?,tickets,spend,churned'.split(',');
  const rows = Array.from({ length: 2000 }, (_, i) => {
    const [plan, land] = [
      pick(['Free', 'Free', 'Basic', 'Pro']),
      pick(['Österreich', 'España', '日本', "Côte d'Ivoire"]),
    ];
    const [age, dark, beta, sso, news] = [
      18 + Math.floor(60 * draw()),
      draw() < 0.5,
      draw() < 0.3,
      draw() < 0.2,
      draw() < 0.4,
    ];
    const tickets = Math.min(12, Math.floor(-1.6 * Math.log(1 - draw())));
    const signup = new Date(Date.UTC(2020, 0, 1) + 86_400_000 * Math.floor(1800 * draw())).toISOString().slice(0, 10);
    const spend = (20 + (plan === 'Pro' ? 80 : 0) + 30 * draw() - 8 * tickets).toFixed(2);
    const churned = draw() < (beta && !news ? 0.71 : 0.29);
    const words = [dark ? 'yes' : 'no', beta ? 'TRUE' : 'FALSE', String(Number(sso)), news ? 'Y' : 'N'];
    return [
      String(i),
      `Ann, "A" ${i}`,
      signup,
      plan,
      land,
      String(age),
      ...words,
      String(tickets),
      spend,
      churned ? 'Yes' : 'No',
    ];
  });
  const quoted = (cell: string, delimiter: string): string =>
    cell.includes(delimiter) || cell.includes('"') ? `"${cell.replaceAll('"', '""')}"` : cell;
  const text = (table: readonly (readonly string[])[], delimiter: string, newline: string, decimal = '.'): string =>
    [names, ...table.map((row) => row.with(11, row[11].replace('.', decimal)))]
      .map((row) => row.map((cell) => quoted(cell, delimiter)).join(delimiter) + newline)
      .join('');
  const json = rows.map((row) => {
    const numbers = ['id', 'age', 'sso', 'tickets', 'spend'];
    return JSON.stringify(
      Object.fromEntries(names.map((name, k) => [name, numbers.includes(name) ? Number(row[k]) : row[k]])),
    );
  });
  const choices = ['--exclude', 'id,name', '--degree', '2', '--method', 'ridge', '--folds', '2'];

  /** The two columns of the combination that adds most beside single columns. */
  function strongestPair({ saved }: Fit): string[] {
    const pairs = saved.outputs[0].terms.filter(([coordinates]) => coordinates.length === 2);
    const [[coordinates]] = pairs.toSorted((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
    return coordinates.map((j) => encoderCoordinates(saved.encoder as unknown as EncoderSpec)[j].column);
  }

  it('is one model: commas, semicolons and decimal commas, marks and line ends, tabs, JSON', async () => {
    const sources = [
      file(text(rows, ',', '\n')),
      file(`\ufeff${text(rows, ';', '\r\n', ',')}`),
      file(text(rows, ';', '\n', ',')),
      file(text(rows, '\t', '\n'), 'tsv'),
      file(`${json.join('\n')}\n`, 'ndjson'),
      file(`[${json.join(',\n')}]`, 'json'),
    ];
    const models: string[] = [];
    for (const source of sources) {
      const fitted = await fit(source, 'churned', ...choices);
      expect(strongestPair(fitted)).toEqual(['beta', 'newsletter?']);
      models.push(outsideProvenance(readFileSync(fitted.model, 'utf8')));
    }
    for (const model of models) expect(model).toBe(models[0]);
    // The same rows spelled otherwise are no test (they were one where commas were decimal, or dates texts).
    for (const source of sources.slice(1)) {
      const test = await run(['fit', sources[0], '--target', 'churned', '--degree', '1', '--test', source]);
      expect(test.stderr).toMatch(/^error: (\d+) of the \1 test rows of .* equal a row of .* in every column/);
    }
  });

  it.each([
    ['empty cells', 0.03, ['']],
    ['several spellings', 0.06, ['', 'NA', 'n/a', '?', '-']],
  ])('is found out with %s', async (_, share, holes) => {
    const draw = drawing(23);
    const table = rows.map((row) =>
      row.map((cell, k) => (k > 0 && k < 11 && draw() < share ? holes[Math.floor(holes.length * draw())] : cell)),
    );
    const fitted = await fit(file(text(table, ',', '\n')), 'churned', ...choices);
    expect(strongestPair(fitted)).toEqual(['beta', 'newsletter?']);
  });
});

it('an error that needs two flags and one browser is found among rows that are mostly fine', async () => {
  const browsers = ['chrome', 'safari', 'firefox', 'edge'];
  const flags = Array.from({ length: 10 }, (_, k) => `flag_${k}`);
  const rows = rowsOf(20_000, 24, (draw) => {
    const bits = flags.map((_, k) => flip(draw, 0.2 + 0.06 * k));
    const browser = browsers[Math.floor(4 * draw() * draw())];
    const isPlanted = bits[3] === 1 && bits[7] === 1 && browser === 'safari';
    return [draw() < (isPlanted ? 0.3 : 0.005) ? 'yes' : 'no', ...bits, browser];
  });
  const data = csv(['error', ...flags, 'browser'].join(','), rows);
  const fitted = await fit(data, 'error', '--degree', '3', '--method', 'lasso', '--folds', '2');
  const names = coordinatesOf(fitted);
  const triples = fitted.saved.outputs[0].terms.filter(([coordinates]) => coordinates.length === 3);
  const [[largest]] = triples.toSorted((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  expect(largest.map((j) => names[j])).toEqual(['flag_3', 'flag_7', 'browser=safari']);
  const planted = rows.filter((row) => row[4] === 1 && row[8] === 1 && row[11] === 'safari').length;
  const rowsOfIt = fitted.saved.outputs[0].fit.support.find(
    ({ coordinates }) => String(coordinates) === String(largest),
  );
  expect(rowsOfIt?.rows).toBe(planted);
});

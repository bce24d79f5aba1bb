/** `--json` has what the text has: every number that a command prints is in its JSON too, and so is every remark. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { argsOf, commands, openBench, recipes } from './every-command.ts';
import { chess, commandHost, temporaryFolder, writeCsv } from './run.ts';

const hosted = commandHost();
const folder = temporaryFolder();
const { lay } = openBench(hosted);
const inFolder = (name: string): string => join(folder, name);
const model = inFolder('chess.json');
const noise = inFolder('noise.csv');

const known = new Map<string, Promise<string>>();

/** What a command prints; one that was run before is not run again. */
function printed(args: readonly string[]): Promise<string> {
  const run = async (): Promise<string> => {
    const done = await hosted(args);
    expect(done).toMatchObject({ code: 0 });
    return done.stdout;
  };
  const key = args.join('\0');
  const printing = known.get(key) ?? run();
  known.set(key, printing);
  return printing;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** All numbers of JSON, those in its texts and keys and the lengths of its lists included. */
function numbersIn(json: Json): number[] {
  if (json === null || typeof json === 'boolean') return [];
  if (typeof json === 'number') return [json];
  if (typeof json === 'string') return numbersOf(json).map(({ value }) => value);
  if (Array.isArray(json)) return [json.length, ...json.flatMap(numbersIn)];
  return Object.entries(json).flatMap(([name, value]) => [
    ...numbersOf(name).map((each) => each.value),
    ...numbersIn(value),
  ]);
}

interface Printed {
  readonly text: string;
  readonly value: number;
  /** Half a unit of its last digit. */
  readonly tolerance: number;
}

function numbersOf(text: string): Printed[] {
  return Array.from(
    text.matchAll(/(?<![\w.])[-+]?(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(e[-+]?\d+)?(?![\w.]*\w)/g),
    ([all, , part, power]) => ({
      text: all,
      value: Number(all.replaceAll(',', '')),
      tolerance: 0.500001 * 10 ** (-(part?.length ?? 1) + 1 + Number(power?.slice(1) ?? 0)),
    }),
  );
}

/** Numbers of the text that the JSON has not, in any unit that the text may have put it in. */
function lacking(text: string, json: Json): string[] {
  const { classShares = null, sampleCount = null } = json as Record<string, Json>;
  // Rows of a class are its share of the rows.
  const counts = Object.values(classShares ?? {}).map((share) => share * (sampleCount as number));
  const numbers = [...numbersIn(json), ...counts];
  // Shares as per cent, their complement, roots of squares, thousands and millions of bytes, places counted from 1.
  const forms = [
    (v: number) => v,
    (v: number) => 100 * v,
    (v: number) => 1 - v,
    Math.sqrt,
    (v: number) => v / 1e3,
    (v: number) => v / 1e6,
    (v: number) => v + 1,
  ];
  return numbersOf(text)
    .filter(
      ({ value, tolerance }) =>
        !numbers.some((v) =>
          forms.some((form) => Math.abs(form(v) - value) <= tolerance || Math.abs(form(v) + value) <= tolerance),
        ),
    )
    .map((each) => each.text);
}

// Times differ between runs, 80 % is what a figure is about whatever the model, statements have numbers for names, and
// of lists that are cut the text says how much it leaves out; guessing has an AUC of a half.
const noResult =
  /(?<!\w)(guessing:\s+0\.5|in\s+[\d.e+-]+\s+s\b|a row at batch 1:[\s\S]*?\n(?=\S)|make\s+up\s+80\s+%|(Theorem|Lemma)\s+\d\.\d|and\s+[\d,]+\s+more|--top\s+\d+)/g;

const more: Readonly<Record<string, () => readonly string[]>> = {
  'fit of classes': () => ['fit', chess, '--target', 'class', '--degree', '2', '--folds', '3'],
  'fit of classes in detail': () => [...more['fit of classes'](), '--verbose'],
  'fit of numbers': () => ['fit', noise, '--target', 'size', '--method', 'least-squares', '--degree', '1'],
  'fit of numbers in detail': () => [...more['fit of numbers'](), '--verbose'],
  'show of classes': () => ['show', model],
  'show of classes in detail': () => ['show', model, '--verbose'],
  'show with attributions': () => ['show', model, '--attributions', '--top', '5'],
  'score of classes': () => ['score', model, chess],
  'optimize of classes': () => ['optimize', model, '--at-most', '3'],
  'network make': () => ['network', 'make', 'parity', '--inputs', '6', '--size', '3', '--out', inFolder('made.json')],
  'network show of a lift': () => ['network', 'show', inFolder('lift.json')],
  'network show of half-spaces': () => ['network', 'show', inFolder('halfspaces.json')],
  'network certify by sampling': () => [
    'network',
    'certify',
    inFolder('halfspaces.json'),
    '--method',
    'sample',
    '--samples',
    '1000',
  ],
  'plan of a class': () => 'plan --n 100 --s 64 --k 1 --W 0.9 --B 0.5'.split(' '),
  'plan of a lift': () => ['plan', '--network', inFolder('lift.json')],
};

beforeAll(async () => {
  for (const args of [
    ['fit', chess, '--target', 'class', '--method', 'low-degree', '--degree', '2', '--folds', '3', '--out', model],
    ['network', 'make', 'lifted-parity', '--bits', '4', '--subset-size', '2', '--out', inFolder('lift.json')],
    [
      'network',
      'make',
      'halfspaces',
      '--inputs',
      '9',
      '--units',
      '4',
      '--firing-rate',
      '0.1',
      '--out',
      inFolder('halfspaces.json'),
    ],
  ]) {
    await printed(args);
  }
  const rows = Array.from({ length: 150 }, (_, i) => [
    String(i & 1),
    'xyz'[(i * 7) % 3],
    String(((i * 7919) % 1009) / 8),
  ]);
  writeCsv(folder, 'noise.csv', [['a', 'b', 'size'], ...rows]);
});

const withJson = Object.keys(recipes).filter((name) =>
  commands.get(name)?.options.some(({ long }) => long === '--json'),
);

/** Digits behind the point. */
const digitsOf = (text: string): number => text.split('.')[1]?.length ?? 0;

describe('every number of the text is in the JSON', () => {
  it.each([...withJson, ...Object.keys(more)])('%s', async (name) => {
    const args = name in more ? more[name]() : argsOf(recipes[name], lay(recipes[name]));
    const text = await printed(args);
    const json = JSON.parse(await printed([...args, '--json'])) as Json;
    // What is typed next is no result.
    const said = text
      .replace(noResult, '')
      .replace(/(Not saved|Next:)[\s\S]*$/, '')
      .replaceAll(folder, '');
    expect(numbersOf(said).length).toBeGreaterThan(2);
    expect(lacking(said, json)).toEqual([]);
  });

  it('and a number that is not there is missed', async () => {
    const args = more['fit of classes']();
    const text = await printed(args);
    const { test, ...rest } = JSON.parse(await printed([...args, '--json']));
    expect(lacking(text, { ...rest, test })).toEqual([]);
    expect(lacking(text, rest)).not.toEqual([]);
  });
});

describe('every remark of the text is in the JSON', () => {
  const plain = (text: string): string => text.replace(/\s+/g, ' ');

  async function both(args: readonly string[]): Promise<{ text: string; json: Record<string, never> }> {
    return { text: plain(await printed(args)), json: JSON.parse(await printed([...args, '--json'])) };
  }

  it('fit: where it came from and went to, units, and how terms count', async () => {
    const [out, report] = [inFolder('kept.json'), inFolder('kept.html')];
    const { text, json } = await both([
      'fit',
      chess,
      '--target',
      'class',
      '--degree',
      '1',
      '--out',
      out,
      '--report',
      report,
      '--verbose',
    ]);
    expect(json).toMatchObject({ saved: { file: out }, report, source: { label: chess, columnCount: 37 } });
    expect(json.saved).toMatchObject({ byteCount: readFileSync(out).length });
    const { combinationEffect, ...units } = json.units as Record<string, string>;
    for (const unit of Object.values(units)) expect(text).toContain(unit);
    expect((await both(more['fit of classes']())).text).toContain(combinationEffect);
    const terms = json.terms as { coordinates: string[]; effect: number | null; rows: number | null }[];
    expect(terms.filter(({ effect }) => effect === null).map(({ coordinates }) => coordinates)).toEqual([[]]);
    expect((await both(more['fit of classes']())).json).toMatchObject({ saved: null, report: null });
  });

  it('fit: columns and combinations, in their order', async () => {
    const text = await printed(more['fit of classes in detail']());
    const json = JSON.parse(await printed([...more['fit of classes'](), '--json']));
    const bars = Array.from(text.matchAll(/^ {2}(\S+) +[█-▏]+ +\+(\S+) +(\S+)$/gm), ([, column, loss, score]) => [
      column,
      Number(loss),
      Number(score),
    ]);
    expect(bars).toHaveLength(8);
    const { columns } = json.importance as {
      columns: { column: string; lossRise: number; scoreFall: number }[];
    };
    const [, digits] = /\+\d+\.(\d+)/.exec(text.slice(text.indexOf('log-loss  accuracy'))) ?? ['', ''];
    expect(bars).toEqual(
      columns
        .slice(0, 8)
        .map(({ column, lossRise, scoreFall }) => [
          column,
          Number(lossRise.toFixed(digits.length)),
          Number((-scoreFall).toFixed(3)),
        ]),
    );
    expect(columns).toHaveLength(36);
    expect(json.influences).toHaveLength(36);
    const table = text.slice(text.indexOf('Leading combinations'));
    const rows = Array.from(table.matchAll(/^ {2}(\S+(?: and \S+ both)? yes) +([-+][\d.]+) +([\d,]+) +(-?[\d.]+)$/gm));
    expect(rows).toHaveLength(12);
    const terms = json.terms as { coordinates: string[]; coefficient: number; effect: number; rows: number }[];
    for (const [, name, effect, count, coefficient] of rows) {
      const coordinates = name.replace(/( both)? yes$/, '').split(' and ');
      const term = terms.find((each) => each.coordinates.join() === coordinates.join());
      expect(term?.rows).toBe(Number(count.replaceAll(',', '')));
      expect(term?.effect.toFixed(digitsOf(effect))).toBe(Number(effect).toFixed(digitsOf(effect)));
      expect(term?.coefficient.toFixed(digitsOf(coefficient))).toBe(Number(coefficient).toFixed(digitsOf(coefficient)));
    }
    const short = await printed(more['fit of classes']());
    const names = Array.from(short.matchAll(/^ {2}(\S.*?) {2,}\d\S* %/gm), ([, name]) => name);
    const said = (json.combinations as { text: string }[]).map((combination) => combination.text);
    expect(names.length).toBeGreaterThan(5);
    // In their order, those left out whose effect goes the other way.
    expect(names).toEqual(said.filter((each) => names.includes(each)));
  });

  it('score: that these are the rows of the fit', async () => {
    const same = await both(['score', model, chess]);
    expect(same.text).toContain('these are the rows the model was fitted on');
    expect(same.json).toMatchObject({ isDataOfFit: true, data: chess, model });
    const other = inFolder('other.csv');
    writeFileSync(other, readFileSync(chess, 'utf8').split('\n').slice(0, 900).join('\n'));
    const apart = await both(['score', model, other]);
    expect(apart.text).not.toContain('these are the rows the model was fitted on');
    expect(apart.json).toMatchObject({ isDataOfFit: false });
  });

  it('optimize: what is not proved, and of what the value is', async () => {
    const { text, json } = await both(more['optimize of classes']());
    expect(json.unit).toBe('probability of "class" being "won"');
    expect(json.remarks).toHaveLength(2);
    for (const remark of [json.unit, ...(json.remarks as string[])]) expect(text).toContain(remark);
    expect(json.test).toEqual({ sampleCount: 639, betterThanConstant: true });
  });

  it.each(['network show of a lift', 'plan of a lift'])('%s: what is missing, and why', async (name) => {
    const { text, json } = await both(more[name]());
    expect(json.notes).toHaveLength(1);
    for (const note of json.notes as string[]) expect(text).toContain(note);
  });

  it('plan: what each statement is', async () => {
    const { text, json } = await both(more['plan of a class']());
    const meanings = (json.rows as { meaning: string }[]).map(({ meaning }) => meaning);
    expect(new Set(meanings).size).toBe(3);
    for (const meaning of meanings) expect(text).toContain(meaning);
  });

  it('certificates: of what, why, and where', async () => {
    const out = inFolder('certificate.json');
    const args = ['network', 'certify', inFolder('halfspaces.json'), '--out', out];
    const { text, json } = await both(args);
    expect(json).toMatchObject({ file: inFolder('halfspaces.json'), family: 'halfspace', saved: { file: out } });
    expect(text).toContain(json.reason);
    const checked = await both(['network', 'verify', out, inFolder('halfspaces.json')]);
    expect(checked.json).toMatchObject({ certificate: out, network: inFolder('halfspaces.json'), valid: true });
  });
});

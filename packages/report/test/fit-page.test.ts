/** Reports of real fits, of every kind of target and of degenerate ones: safe, well formed, and with core's numbers. */

import {
  createRandom,
  type FitReport,
  type FitTableOptions,
  fitReport,
  fitTable,
  type MemoryColumn,
  type Model,
  memoryTable,
} from '@fewfire/core';
import { shortPercent } from '@fewfire/core/internal';
import { numberText, shareText } from '@fewfire/core/words';
import { fitReportPage } from '@fewfire/report';
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { effectSvg } from '../src/effect-figure.ts';
import { confirmedFigure, levelRows, penaltyFigure, rocFigure, scatterFigure } from '../src/fit-figures.ts';
import { percentText } from '../src/fit-words.ts';
import { gridSvg } from '../src/grid-figure.ts';
import { checkWellFormed, texts } from './markup.ts';

const ROWS = 240;
const random = createRandom(11);
const bits = (): number[] => Array.from({ length: ROWS }, () => random.integer(2));
const plain = { a: bits(), b: bits(), size: Array.from({ length: ROWS }, () => Math.round(100 * random.uniform())) };
const noise = Array.from({ length: ROWS }, () => random.normal());
const targets: Readonly<Record<string, MemoryColumn>> = {
  number: plain.a.map((a, i) => 10 + 3 * (a ^ plain.b[i]) + plain.size[i] / 25 + noise[i]),
  two: plain.a.map((a, i) => (noise[i] > 1 ? 'no' : (a ^ plain.b[i]) === 1 ? 'yes' : 'no')),
  several: plain.a.map((a, i) => (noise[i] > 1 ? 'red' : a === 1 ? 'green' : plain.b[i] === 1 ? 'blue' : 'red')),
};

async function report(
  columns: Readonly<Record<string, MemoryColumn>>,
  options: Partial<FitTableOptions> = {},
): Promise<FitReport> {
  const { model, testRows } = await fitTable(memoryTable(columns), {
    ...{ target: 'y', degree: 2, folds: 2, method: 'low-degree' },
    ...options,
  });
  return fitReport(model, testRows);
}

/** Checks everything that holds for every page, and gives its document. */
function checkedPage(data: FitReport): Document {
  const page = fitReportPage(data);
  checkWellFormed(page.replace(/<style>[\s\S]*?<\/style>/, '<style></style>'));
  expect(page.length).toBeLessThan(1e6);
  const { document } = parseHTML(page);
  expect(
    document.querySelectorAll('script, img, iframe, object, embed, base, form, foreignObject, use, image'),
  ).toHaveLength(0);
  expect(document.querySelectorAll('style')).toHaveLength(1);
  for (const element of document.querySelectorAll('*')) {
    for (const { name, value } of element.attributes) {
      expect(name).not.toMatch(/^(on|style$|src$|srcset$|xlink)/i);
      if (name === 'href') expect(value).toMatch(/^#|^data:,$/);
      if (name !== 'xmlns') expect(value).not.toMatch(/https?:|javascript:|url\(/i);
      if (element.closest('svg') !== null) expect(value).not.toMatch(/NaN|undefined|Infinity/);
    }
  }
  const policy = document.querySelector('meta[http-equiv="Content-Security-Policy"]')?.getAttribute('content');
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/script-src|https?:|\*|unsafe-eval/);
  for (const link of document.querySelectorAll('nav a')) {
    expect(document.getElementById(link.getAttribute('href')?.slice(1) ?? ''), link.textContent).not.toBeNull();
  }
  for (const svg of document.querySelectorAll('svg')) {
    expect(svg.querySelector('title')?.textContent).not.toBe('');
    expect(svg.querySelector('desc')?.textContent).not.toBe('');
    expect(svg.getAttribute('role')).toBe('img');
  }
  // Every number says what it is.
  for (const figure of document.querySelectorAll('figure')) {
    expect(['exact', 'estimate', 'estimate, interval', 'data']).toContain(figure.querySelector('.kind')?.textContent);
  }
  expect(document.body.textContent).not.toMatch(/NaN|undefined|\[object/);
  return document;
}

const titles = (document: Document): string[] =>
  Array.from(document.querySelectorAll('figure h3'), (heading) => heading.firstChild?.textContent?.trim() ?? '');

const cells = (table: Element | null): string[][] =>
  Array.from(table?.querySelectorAll('tbody tr') ?? [], (row) =>
    Array.from(row.querySelectorAll('th, td'), (cell) => cell.textContent ?? ''),
  );

describe('a page', () => {
  it.each([
    ['number', {}, ['Actual against predicted']],
    ['number', { targetTransform: 'log' }, ['Actual against predicted']],
    [
      'two',
      {},
      ['ROC: catching the class against false alarms', 'Reliability of the probabilities', 'Confusion matrix'],
    ],
    ['several', {}, ['ROC: catching the class against false alarms', 'Leading combinations for “blue”']],
  ] as const)('of a target of kind %s %j has its pictures', async (kind, options, expected) => {
    const document = checkedPage(await report({ ...plain, y: targets[kind] }, options));
    expect(titles(document)).toEqual(
      expect.arrayContaining(['Columns that matter most', 'Level weights', ...expected]),
    );
  });

  it('shows the figures that core computed', async () => {
    const data = await report({ ...plain, y: targets.two });
    const document = checkedPage(data);
    const { test } = data.training;
    const measures = cells(document.querySelector('#test table'));
    const sure = test?.intervals?.accuracy;
    expect(measures[0].slice(1)).toEqual([
      percentText(test?.accuracy ?? -1),
      percentText(test?.baseline.accuracy ?? -1),
      `${percentText(sure?.low ?? -1)} to ${percentText(sure?.high ?? -1)} (95 %, Clopper-Pearson)`,
    ]);
    expect(measures[1][1]).toBe(shareText(test?.auc ?? -1));
    const importance = cells(document.querySelector('#columns figure table'));
    expect(importance).toEqual(
      data.training.importance?.columns.map(({ column, lossRise, scoreFall }) => [
        column,
        numberText(lossRise),
        numberText(scoreFall ?? Number.NaN),
      ]),
    );
    const influences = cells(document.querySelector('#columns > details table'));
    expect(influences).toEqual(
      data.influences.filter(({ share }) => share > 0).map(({ column, share }) => [column, percentText(share)]),
    );
    const terms = cells(document.querySelector('#combinations > details figure + div table'));
    expect(terms).toHaveLength(data.outputs[0].terms.length);
    terms.forEach((texts, i) => {
      const [name, effect, rows, coefficient] = texts.length === 5 ? texts.toSpliced(2, 1) : texts;
      const term = data.outputs[0].terms[i];
      for (const coordinate of term.coordinates) expect(name).toContain(coordinate);
      const number = (text: string): number => Number(text.replace('−', '-').replaceAll(',', ''));
      const rounding = (text: string): number => 0.5000001 * 10 ** -(text.split('.')[1]?.length ?? 0);
      expect(Math.abs(number(effect) - term.effect)).toBeLessThan(rounding(effect));
      expect(Math.abs(number(coefficient) - term.coefficient)).toBeLessThan(rounding(coefficient));
      expect(number(rows)).toBe(term.rows);
    });
    const levels = levelRows(data);
    expect(levels.reduce((sum, { share }) => sum + (share ?? 0), 0)).toBeCloseTo(1, 12);
    expect(document.querySelector('#choice')?.textContent).toContain('← chosen');
    expect(document.querySelector('.tiles')?.textContent).toContain(percentText(test?.accuracy ?? -1));
  });

  it('tells combinations with what rows say, and draws every answer to them', async () => {
    for (const [kind, said] of [
      ['two', /%$/],
      ['number', /^[\d.]+$/],
    ] as const) {
      const data = await report({ ...plain, y: targets[kind] });
      const document = checkedPage(data);
      const [output] = data.outputs;
      const rows = cells(document.querySelector('#combinations > .scroll table'));
      expect(rows).toHaveLength(output.combinations.length);
      const place = rows.findIndex(([name]) => name === 'exactly one of a and b');
      const [, inside, outside, , count] = rows[place];
      expect(inside).toMatch(said);
      expect(Number(count)).toBe(plain.a.filter((a, i) => a !== plain.b[i]).length);
      const values = (targets[kind] as readonly (number | string)[]).map((y) =>
        typeof y === 'number' ? y : Number(y === 'yes'),
      );
      const mean = (isIn: (a: number, b: number) => boolean): number => {
        const some = values.filter((_, i) => isIn(plain.a[i], plain.b[i]));
        return some.reduce((sum, value) => sum + value, 0) / some.length;
      };
      const shown = (value: number): string => (kind === 'number' ? inside : `${Math.round(100 * value)} %`);
      expect(inside).toBe(shown(mean((a, b) => a !== b)));
      if (kind === 'number')
        expect(Number(outside)).toBeCloseTo(
          mean((a, b) => a === b),
          1,
        );
      // Four answers, each with what is observed, what the model has, and its rows.
      const svg = document.querySelectorAll('#combinations > .figures svg')[place];
      const texts = Array.from(svg.querySelectorAll('text'), (text) => text.textContent ?? '');
      const both = plain.a.filter((a, i) => a === 1 && plain.b[i] === 1).length;
      expect(texts.filter((text) => text.endsWith(' rows'))).toHaveLength(4);
      expect(texts).toContain(`${both} rows`);
      expect(texts.filter((text) => text.startsWith('model '))).toHaveLength(4);
      for (const answer of ['a', 'not a', 'b', 'not b']) expect(texts).toContain(answer);
      const observed = mean((a, b) => a === 1 && b === 1);
      expect(texts).toContain(kind === 'number' ? numberText(observed) : shortPercent(observed));
    }
  });

  it('draws what core computed', async () => {
    const numbers = (await report({ ...plain, y: targets.number })).picture;
    const classes = (await report({ ...plain, y: targets.several })).picture;
    if (numbers?.kind !== 'numbers' || classes?.kind !== 'classes') throw new Error('other pictures were expected');
    const scatter = scatterFigure(await report({ ...plain, y: targets.number }), numbers);
    expect(scatter.series[0].points).toEqual(
      numbers.points.map(({ actual, predicted }) => ({ x: predicted, y: actual })),
    );
    expect(rocFigure(classes)?.series.map(({ points }) => points.length)).toEqual([
      ...classes.classes.map(({ roc }) => roc.length),
      2,
    ]);
  });

  it('without a test says so, and without test rows says what is missing', async () => {
    const none = checkedPage(await report({ ...plain, y: targets.two }, { test: 0 }));
    expect(none.querySelector('header')?.textContent).toContain('No rows were set aside for a test');
    expect(none.querySelector('.tiles')).toBeNull();
    const { model } = await fitTable(memoryTable({ ...plain, y: targets.two }), { target: 'y', degree: 1 });
    const read = checkedPage(fitReport(model));
    expect(read.querySelector('#test')?.textContent).toContain('which a model file does not keep');
    expect(titles(read)).not.toContain('Confusion matrix');
  });

  it('says of what is not shown to be better than guessing that it is not, and shows it', async () => {
    const y = Array.from({ length: ROWS }, () => random.normal());
    const document = checkedPage(await report({ ...plain, y }, { method: 'least-squares' }));
    expect(document.querySelector('header p')?.textContent).toContain('not shown to be better than guessing');
    for (const id of ['columns', 'combinations', 'levels']) {
      const section = document.getElementById(id) as Element;
      expect(section.querySelectorAll('svg').length).toBeGreaterThan(0);
    }
    const better = checkedPage(await report({ ...plain, y: targets.number }));
    expect(better.querySelector('header')?.textContent).not.toContain('guessing');
  });

  it('of a constant, of one column, and of very few rows is a page too', async () => {
    const { model, testRows } = await fitTable(memoryTable({ ...plain, y: targets.number }), {
      target: 'y',
      degree: 1,
    });
    const [output] = model.outputs;
    const empty = {
      ...output.polynomial,
      termCount: 0,
      offsets: new Uint32Array(1),
      members: new Uint16Array(),
      coefficients: new Float64Array(),
    };
    const constant: Model = { ...model, outputs: [{ ...output, polynomial: empty }] };
    const document = checkedPage(fitReport(constant, testRows));
    expect(document.querySelector('#columns')?.textContent).toContain('the model is a constant');
    expect(document.querySelector('#levels')?.textContent).toContain('all of its weight is at level 0');
    checkedPage(await report({ a: plain.a, y: targets.two }, { degree: 1 }));
    const few = { a: [0, 1, 0, 1, 1, 0], y: ['u', 'v', 'u', 'v', 'v', 'v'] };
    checkedPage(await report(few, { degree: 1, test: 0.2 }));
    checkedPage(await report({ a: few.a, y: [1, 2, 1, 3, 2, 2] }, { degree: 1, test: 0.2, method: 'least-squares' }));
  });

  it('draws intervals where terms were confirmed, and ranges over folds', async () => {
    const table = memoryTable({ ...plain, y: targets.two });
    const { model } = await fitTable(table, { target: 'y', method: 'low-degree', degree: 2, intervals: 'none' });
    const [output] = model.outputs;
    const without = checkedPage(fitReport(model));
    expect(without.querySelector('#combinations')?.textContent).toContain(
      'No intervals are drawn: no rows were kept back',
    );
    expect(output.fit.support).toHaveLength(1);
    const { coordinates } = output.fit.support[0];
    const confirmation = {
      ...({ choosingRowCount: 150, confirmingRowCount: 90, interval: 'bootstrap', confidence: 0.9 } as const),
      simultaneous: false,
      terms: [{ coordinates, estimate: 0.5, standardError: 0.1, low: 0.25, high: 0.75 }],
      collinear: [[0, 1]],
      unsupported: [[1, 2]],
      target: 'what they are for',
    } as const;
    const stability = [{ coordinates, selectedShare: 1, sameSignShare: 0.8, minimum: 0.1, maximum: 0.6 }];
    const fit = { ...output.fit, confirmation, stability };
    const test = model.training.test;
    if (test === null) throw new Error('a test was expected');
    const intervals = { mse: { low: 0.5, high: 0.9, confidence: 0.95, method: 'bootstrap' } } as const;
    const document = checkedPage(
      fitReport({
        ...model,
        outputs: [{ ...output, fit }],
        training: { ...model.training, test: { ...test, intervals } },
      }),
    );
    const text = document.querySelector('#combinations')?.textContent ?? '';
    expect(text).toMatch(/\(90 %, bootstrap, each by itself\) are of another fit than the model’s: 150 rows chose/);
    expect(text).toContain('cannot tell 1 chosen combination from others');
    expect(text).toContain('tells 1 chosen combination from others, which is too little for an interval');
    const [inFigure, folds, leading] = Array.from(
      document.querySelectorAll('#combinations > details table'),
      (table) => cells(table)[0],
    );
    const scale = -0.5 * (-2) ** coordinates.length;
    expect(leading[2]).toBe(
      scale > 0 ? `+${0.25 * scale} to +${0.75 * scale}` : `−${-0.75 * scale} to −${-0.25 * scale}`,
    );
    expect(inFigure[2]).toBe(leading[2]);
    expect(folds.slice(1, 3)).toEqual(['100\u00a0%', '80.0\u00a0%']);
    const svg = document.querySelector('#combinations > details svg');
    expect(svg?.querySelectorAll('path')).toHaveLength(2); // one term and its line in the legend
    expect(cells(document.querySelector('#test table'))[3][3]).toBe('0.5 to 0.9 (95 %, bootstrap)');
  });

  it('names every curve of lasso, refitted lasso and ridge apart, and says whose lambda is per row', async () => {
    const data = await report({ ...plain, y: targets.number });
    const [output] = data.outputs;
    const kinds = output.curves.map(({ method, refit }) => `${method}${refit ? ', refitted' : ''}`);
    expect(new Set(kinds)).toEqual(new Set(['ridge', 'lasso', 'lasso, refitted']));
    const figure = penaltyFigure(data, output);
    const names = figure?.series.map(({ name }) => name) ?? [];
    expect(new Set(names).size).toBe(output.curves.length + 1);
    expect(names).toEqual(expect.arrayContaining(['degree 2, lasso', 'degree 2, lasso, refitted']));
    expect(figure?.x.label).toContain('lasso: per row');
    expect(figure?.seen).toContain('Lambda is per row for lasso');
    const sparse = await report({ ...plain, y: targets.number }, { method: 'lasso' });
    const alone = penaltyFigure(sparse, sparse.outputs[0]);
    expect(alone?.x.label).toBe('penalty lambda, per row');
    expect(alone?.series.map(({ name }) => name)).toEqual(['degree 2', 'degree 2, refitted', 'chosen']);
    const ridge = await report({ ...plain, y: targets.number }, { method: 'ridge' });
    expect(penaltyFigure(ridge, ridge.outputs[0])?.x.label).toBe('penalty lambda');
  });

  it('drew low errors of penalties alike beside one many times as large', async () => {
    const data = await report({ ...plain, y: targets.number }, { degree: 1, method: 'ridge' });
    const [output] = data.outputs;
    const at = (...errors: readonly number[]) => {
      const points = errors.map((mse, i) => ({ lambda: i + 1, mse, standardError: 0.1, chosen: i === 0 }));
      return penaltyFigure(data, { ...output, curves: [{ ...output.curves[0], points }] })?.y.scale;
    };
    expect([at(1, 1.1, 2.5), at(1, 1.1, 1.9), at(0, 1, 9)]).toEqual(['log', 'linear', 'linear']);
  });

  it('counted the terms without the constant, of monomials with it', async () => {
    const { model, testRows } = await fitTable(memoryTable({ ...plain, y: targets.number }), {
      target: 'y',
      degree: 2,
      folds: 2,
      method: 'ridge',
    });
    const [{ polynomial, fit }] = model.outputs;
    expect(polynomial.termCount).toBe(fit.monomialCount);
    const document = checkedPage(fitReport(model, testRows));
    expect(cells(document.querySelector('#choice table'))[0][1]).toBe(`${fit.monomialCount} of ${fit.monomialCount}`);
  });

  it('draws confirmed terms that are not among the leading ones, and says why others have no intervals', async () => {
    const { model } = await fitTable(memoryTable({ ...plain, y: targets.number }), {
      ...{ target: 'y', degree: 2, method: 'low-degree' },
    });
    const few = fitReport(model, null, { terms: 1 });
    const [output] = few.outputs;
    const others = output.confirmation?.others ?? [];
    expect(others.length).toBeGreaterThan(0);
    expect(confirmedFigure(few, output)?.rows.map(({ value, estimate }) => [value, estimate])).toEqual(
      others.map(({ effect, confirmed }) => [
        effect,
        { value: confirmed?.effect, low: confirmed?.low, high: confirmed?.high },
      ]),
    );
    expect(titles(checkedPage(few))).toContain('More combinations with intervals');

    const short = Object.fromEntries(Object.entries(plain).map(([name, values]) => [name, values.slice(0, 50)]));
    const y = plain.a.slice(0, 50).map((a, i) => a + 0.1 * noise[i]);
    const text = checkedPage(await report({ ...short, y }, { degree: 1 })).querySelector('#combinations')?.textContent;
    expect(text).toContain('No intervals are drawn: 50 rows are too few to choose terms on one half');

    // Of several classes only some may have them.
    const several = await report({ ...plain, y: targets.several });
    const [first, ...rest] = several.outputs;
    const notes = [{ kind: 'no-intervals-failed', message: 'only one class' }] as const;
    const mixed = { ...several, outputs: [{ ...first, confirmation: null }, ...rest] };
    const said = checkedPage({ ...mixed, training: { ...several.training, notes } }).querySelector('#combinations');
    expect(said?.textContent).toContain('1 class has none: on one half of the rows, only one class.');
    const [second] = rest;
    if (second.confirmation === null) throw new Error('a confirmation was expected');
    const none = { ...second.confirmation, termCount: 0, others: [], collinear: [], unsupported: [] };
    const bare = { ...second, terms: second.terms.map((term) => ({ ...term, confirmed: null })), confirmation: none };
    const page = checkedPage({ ...several, outputs: [first, bare, ...rest.slice(1)] });
    expect(page.querySelector('#combinations')?.textContent).toContain(
      'the rows that were to choose the combinations chose none',
    );
  });

  it('of a large model stays small and says what is left out', async () => {
    const wide = Object.fromEntries(
      Array.from({ length: 250 }, (_, j) => [`a rather long name of a column, number ${j}`, bits()]),
    );
    const y = Array.from({ length: ROWS }, (_, i) => `class ${i % 20}`);
    const document = checkedPage(await report({ ...wide, y }, { degree: 1, method: 'ridge' }));
    expect(document.querySelector('#columns')?.textContent).toMatch(/50 columns not shown/);
    expect(document.querySelector('#combinations')?.textContent).toContain('8 classes not shown');
  });
});

describe('names from the data', () => {
  const evil = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    ']]><!--',
    "' onload='x",
    'new\nline\tand\u0000nul',
    'שלום עולם',
    '👩‍👩‍👧 family',
    '\u202ereversed',
    '&amp; </style></title></svg>',
    'x'.repeat(300),
  ];

  it('are text everywhere: in columns, values, classes, the target, the label and the command', async () => {
    const target = evil[0];
    const columns = Object.fromEntries(
      evil
        .slice(1)
        .map((name, j) => [
          name,
          Array.from({ length: ROWS }, (_, i) => evil[(i * (j + 3) + random.integer(3)) % evil.length]),
        ]),
    );
    const y = Array.from({ length: ROWS }, (_, i) => evil[(plain.a[i] + 2 * plain.b[i]) % 3]);
    const table = memoryTable({ ...columns, a: plain.a, b: plain.b, [target]: y }, { label: evil[1] });
    const { model, testRows } = await fitTable(table, {
      target,
      degree: 1,
      folds: 2,
      command: evil.join(' '),
      versions: { [evil[0]]: evil[1] },
    });
    const data = fitReport(
      {
        ...model,
        training: {
          ...model.training,
          notes: evil.map((text) => ({ kind: 'text', text })),
          dropped: [{ column: evil[0], reason: evil[1] }],
          missing: [{ column: evil[2], count: 1 }],
        },
      },
      testRows,
    );
    const page = fitReportPage(data);
    expect(page).not.toMatch(/<script|<img|<!--/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
    expect(page).not.toMatch(/[\u0000\u202a-\u202e\u2066-\u2069]/);
    const document = checkedPage(data);
    expect(document.querySelector('h1')?.textContent).toContain(evil[0]);
    expect(document.title).toContain(evil[0]);
    const remarks = Array.from(document.querySelectorAll('#data li'), (item) => item.textContent);
    expect(remarks).toContain(evil[5]);
    expect(remarks).toContain(evil[6]);
    expect(remarks[4]).toBe('new line and\ufffdnul');
    // What runs from right to left is kept apart from the sentence around it.
    expect(Array.from(document.querySelectorAll('bdi'), (name) => name.textContent)).toEqual(
      expect.arrayContaining([evil[5]]),
    );
  });
});

describe('figures of their own', () => {
  it('keep every name inside, however long, and number rows and columns alike', () => {
    const names = ['short', 'm'.repeat(80), '漢字'.repeat(30), '👩‍👩‍👧'.repeat(40)];
    const grid = gridSvg({
      title: 't',
      seen: 's',
      label: 'l',
      names,
      values: names.map((_, i) => names.map((__, j) => i * j)),
      most: 9,
      text: String,
    });
    checkWellFormed(grid);
    const said = texts(grid);
    expect(said.filter((text) => text.endsWith(' 2') || text === '2')).toHaveLength(2);
    expect(said.filter((text) => text.includes('…'))).toHaveLength(3);
    const effect = effectSvg({
      title: 't',
      seen: 's',
      label: 'l',
      rows: names.map((name) => ({ name, value: 0 })),
      legend: { value: 'v', estimate: 'e', range: 'r' },
    });
    checkWellFormed(effect);
    expect(effect).not.toMatch(/NaN|Infinity/);
  });
});

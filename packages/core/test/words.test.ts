/** How numbers are written and what models say, for the terminal and the page alike: word for word. */
import { describe, expect, it } from 'vitest';
import type { Calibration } from '../src/index.ts';
import {
  alignedTexts,
  aucText,
  byteSize,
  calibrationText,
  classCounts,
  classSizes,
  combinationText,
  counted,
  effectUnit,
  errorUnit,
  fitText,
  guessingText,
  isGuessing,
  isSetAside,
  measuredIntervalText,
  numberTargetText,
  numberText,
  overlapText,
  percentText,
  rSquaredText,
  shareText,
  termIntervals,
} from '../src/words.ts';

const number = { kind: 'regression', column: 'y', transform: 'none' } as const;
const logarithm = { ...number, transform: 'log' } as const;
const binary = { kind: 'binary', column: 'y', positive: 'p', negative: 'q' } as const;
const several = { kind: 'multiclass', column: 'y', classes: ['u', 'v', 'w'] } as const;

describe('numbers', () => {
  it('figure', () => {
    expect([0, 0.123456, 12.3456, 1234567, 0.00001234, -2.5, 1e12].map((x) => numberText(x))).toEqual([
      '0',
      '0.123',
      '12.3',
      '1,234,567',
      '1.23e-5',
      '-2.5',
      '1.00e12',
    ]);
  });

  it('share is never rounded to a certainty it is not', () => {
    expect([0, 0.5, 0.9996, 0.0001, 1, 1 - 1e-9].map(shareText)).toEqual([
      '0.000',
      '0.500',
      '0.9996',
      '<0.001',
      '1.000',
      '>0.999999',
    ]);
  });

  it('alignedFigures gives one column the same decimals', () => {
    expect(alignedTexts([0.37061, 0.0072, -0.0053])).toEqual(['0.3706', '0.0072', '-0.0053']);
    expect(alignedTexts([1234.5, 2])).toEqual(['1,235', '2']);
    expect(alignedTexts([14.14, -0.0043])).toEqual(['14.14', '-0.0043']);
    expect(alignedTexts([0, 0])).toEqual(['0', '0']);
    expect(alignedTexts([])).toEqual([]);
  });

  it('percentText neither, whatever the place that tells it', () => {
    expect([0, 0.5, 0.0712, 0.0004, 0.9996, 0.99996, 1 - 1e-9, 1].map(percentText)).toEqual([
      ...['0 %', '50.0 %', '7.1 %', '<0.1 %', '99.96 %', '99.996 %', '>99.9999 %', '100 %'],
    ]);
  });

  it('a zero has no sign, and a count no exponent', () => {
    expect(alignedTexts([-0, 1.5])).toEqual(['0.0', '1.5']);
    expect([counted(1, 'row'), counted(2e9, 'row'), counted(0, 'class', 'classes')]).toEqual([
      ...['1 row', '2,000,000,000 rows', '0 classes'],
    ]);
  });

  it('byteSize', () => {
    expect([12, 1234, 4e9].map(byteSize)).toEqual(['12 bytes', '1.23 kB', '4 GB']);
  });
});

describe('a fit', () => {
  const penalty = { lambda: 26.04, basis: 'parity', refit: false } as const;

  it.each([
    [{ ...penalty, method: 'estimate' }, 'one-pass means'],
    [{ ...penalty, method: 'least-squares' }, 'least squares, no penalty'],
    [{ ...penalty, method: 'ridge' }, 'ridge, lambda 26 on parities'],
    [{ ...penalty, method: 'ridge', basis: 'biased' }, 'ridge, lambda 26 on the biased basis'],
    [{ ...penalty, method: 'logistic' }, 'logistic loss with ridge, lambda 26 on parities'],
    [{ ...penalty, method: 'lasso', lambda: 0.001451 }, 'lasso, lambda 0.00145'],
    [{ ...penalty, method: 'elastic-net', refit: true }, 'elastic net, lambda 26, refitted'],
  ] as const)('%j', (fit, said) => {
    expect(fitText(fit)).toBe(said);
  });

  it('is of a number or classes, whose error and effects have a unit', () => {
    expect([number, logarithm].map(numberTargetText)).toEqual([
      ...['a number', 'a number, learned as its natural logarithm'],
    ]);
    expect([number, logarithm, binary, several].map((target) => errorUnit({ target }))).toEqual([
      ...['in squared units of the target', 'of the natural logarithm', 'against -1/+1', 'against -1/+1'],
    ]);
    expect(effectUnit({ target: number, loss: 'squared' }, '"y"')).toBe('to "y", in its own unit');
    expect(effectUnit({ target: number, loss: 'squared' }, '"y"', 'on')).toBe('on "y", in its own unit');
    expect(effectUnit({ target: logarithm, loss: 'squared' }, '"y"')).toBe(
      'to the natural logarithm of "y" (0.1 is about 10 % more)',
    );
    expect(effectUnit({ target: binary, loss: 'logistic' }, '"p"')).toBe('toward "p", in log-odds');
    expect(effectUnit({ target: several, loss: 'squared' }, 'the class', 'on')).toBe(
      'toward the class, in points of (1 - f)/2, near a probability (0.1 is about 10 %)',
    );
  });

  it('has classes of so many rows, or of so much weight', () => {
    const of = (means: readonly number[], weight?: string) => ({
      training: { sampleCount: 4001, weight },
      outputs: means.map((targetMean) => ({ fit: { targetMean } })),
    });
    expect(classCounts({ target: binary, ...of([0.5]) })).toEqual([1000, 3001]);
    expect(classSizes({ target: binary, ...of([0.5]) })).toEqual(['1,000', '3,001']);
    expect(classSizes({ target: several, ...of([0.5, 0, -0.5]) })).toEqual(['1,000', '2,001', '3,001']);
    expect(classSizes({ target: binary, ...of([0.5], 'w') })).toEqual(['25.0 %', '75.0 %']);
    expect(classSizes({ target: several, ...of([0.5, 0.5, 0], 'w') })).toEqual(['25.0 %', '25.0 %', '50.0 %']);
  });

  it('says how its values are to be read', () => {
    const platt = { kind: 'platt', rowCount: 2557, slope: 2.71834, intercept: 0.1 } as const;
    const said = (target: Parameters<typeof calibrationText>[0]['target'], calibration: Calibration): string =>
      calibrationText({ target, outputs: [{ calibration }] });
    expect(said(binary, platt)).toBe(
      'probability of the positive class = 1 / (1 + exp(2.718 f - 0.1)), from 2,557 held-out rows',
    );
    expect(said(binary, { ...platt, intercept: -0.1 })).toContain('exp(2.718 f + 0.1)');
    expect(said(several, platt)).toBe(
      'probability of each class against the rest by a logistic curve from held-out rows, divided by their sum',
    );
    expect(said(logarithm, { kind: 'smearing', rowCount: 1, factor: 1.23456 })).toBe(
      'prediction = 1.235 exp(f), from 1 held-out row',
    );
    expect(said(number, { kind: 'none' })).toBe('prediction = f');
    expect(said(binary, { kind: 'none' })).toBe('probability from the value itself');
  });
});

describe('a test', () => {
  it('says whether anything was learned, and where its rows are from', () => {
    expect(guessingText('5 test rows', {})).toBe(
      "on 5 test rows the squared error is not better than the constant's by more than two standard errors (or more, where rows or groups are few)",
    );
    expect(guessingText('5 test rows', { accuracy: 0.5 })).toContain('neither accuracy, log-loss, squared error nor ');
    const test = { sampleCount: 5, mse: 1, r2: 0, baseline: { mse: 1 }, betterThanConstant: false };
    expect(isGuessing({ training: { test } })).toBe(true);
    expect(isGuessing({ training: { test: { ...test, betterThanConstant: true } } })).toBe(false);
    expect(isGuessing({ training: { test: null } })).toBe(false);
    expect([isSetAside({ fittedOn: 'all rows' }), isSetAside({ fittedOn: 'rows of a.csv' })]).toEqual([true, false]);
    expect([overlapText(undefined, 59), overlapText(0, 59), overlapText(1056, 1059)]).toEqual([
      '',
      '; none of the test rows is equal to any of them',
      '; 1,056 of the 1,059 test rows are equal to one of them',
    ]);
  });

  it('has measures', () => {
    const interval = { low: 0.9811, high: 0.9962, confidence: 0.95, method: 'Clopper-Pearson' } as const;
    expect(measuredIntervalText(interval, shareText)).toBe('95 % Clopper-Pearson: 0.981 to 0.996');
    expect([0.9, 0.0001, 0, -0.00002, -3.14444, null].map((r2) => rSquaredText({ r2 }))).toEqual([
      ...['0.900', '<0.001', '0', '-2.00e-5', '-3.14', undefined],
    ]);
    expect([1, 0.99996, null, undefined].map((auc) => aucText(auc === undefined ? {} : { auc }))).toEqual([
      ...['1.000', '0.99996', undefined, undefined],
    ]);
  });
});

describe('terms', () => {
  it('are of coordinates that are yes', () => {
    expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(combinationText)).toEqual([
      ...['always yes', 'a yes', 'a and b both yes', 'a, b and c all yes'],
    ]);
  });

  it('have intervals of a kind', () => {
    expect(termIntervals({ confidence: 0.95, interval: 'normal', simultaneous: false })).toEqual([
      ...['95 %', 'normal-theory', 'each by itself'],
    ]);
    expect(termIntervals({ confidence: 0.9, interval: 'bootstrap', simultaneous: true })).toEqual([
      ...['90 %', 'bootstrap', 'all at once'],
    ]);
  });
});

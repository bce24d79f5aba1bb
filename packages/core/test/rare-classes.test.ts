/** A class that some fold is left without: the logistic loss says which, and what to do; the squared loss goes on. */
import { describe, expect, it } from 'vitest';
import { createRandom, fitTable, memoryTable } from '../src/index.ts';
import { checkFoldClasses, foldAssignment } from '../src/internal.ts';
import { noteTexts } from './helpers.ts';

const random = createRandom(17);
const a = Array.from({ length: 200 }, () => random.integer(2));
const b = a.map(() => random.integer(2));
const rare = (count: number, name: string): string[] => a.map((_, i) => (i < count ? name : i % 2 === 0 ? 'u' : 'v'));
const fit = (y: readonly string[], seed: number, loss: 'logistic' | 'squared' = 'logistic') =>
  fitTable(memoryTable({ a, b, y }), { target: 'y', degree: 1, method: 'ridge', loss, seed });

describe('the logistic loss', () => {
  it('names the class that has one row, or none beside the test rows', async () => {
    const found = new Set<string>();
    for (let seed = 1; seed <= 24; seed++) {
      const error = await fit(rare(1, 'zebra'), seed).catch((e) => e);
      expect(error.code).toBe('invalid-data');
      expect(error.message).toMatch(
        /^class "zebra" of target "y" has (one|no) row of the 160 .* expected rows of every class in two folds or more: give more rows of it or leave it out, or use `loss: 'squared'`$/,
      );
      found.add(/(one|no) row/.exec(error.message)?.[0] ?? '');
    }
    expect(found).toEqual(new Set(['one row', 'no row']));
    const two = a.map((_, i) => (i === 3 ? 'yes' : 'no'));
    await expect(fit(two, 1)).rejects.toThrow(/^class "yes" of target "y" has (one|no) row/);
  });

  it('names another way out where one fold happens to hold all rows of a class', () => {
    const target = Float64Array.from({ length: 60 }, (_, i) => (i < 3 ? -1 : 1));
    const names = ['class "p"', 'class "q"'] as const;
    const together = Uint32Array.from(target, (_, i) => (i < 3 ? 2 : i % 5));
    expect(() => checkFoldClasses(together, 5, target, [...names])).toThrow(
      /^class "p" has 3 rows in one of the 5 folds of the 60 .*: choose another `seed` or fewer `folds`, or use `loss: 'squared'`$/,
    );
    expect(() => checkFoldClasses(foldAssignment(60, 5, 1), 5, target, [...names])).not.toThrow();
  });

  it('learns where every fold has both classes without it, and has no intervals where a half has one', async () => {
    const reasons = new Set<string>();
    for (let seed = 1; seed <= 16; seed++) {
      const done = await fit(
        a.map((_, i) => (i < 2 ? 'yes' : 'no')),
        seed,
      ).catch((e) => e);
      if (done instanceof Error) expect(done.message).toMatch(/^class "yes"/);
      else for (const note of noteTexts(done.model)) reasons.add(note);
    }
    for (const note of reasons) expect(note).not.toMatch(/-1|\+1/);
    expect([...reasons].join()).toMatch(/the half of the rows that would confirm the terms has one class only/);
  });
});

it('stacking learns the other classes where one has a row, and says next to nothing of that one', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const y = rare(1, 'zebra').map((name, i) => (name === 'zebra' ? name : a[i] === 1 ? 'u' : 'v'));
    const { model } = await fitTable(memoryTable({ a, b, y }), { target: 'y', seed });
    const zebra = model.target.kind === 'multiclass' ? model.target.classes.indexOf('zebra') : -1;
    expect(model.outputs[zebra].polynomial.termCount).toBe(1);
    expect(model.training.test?.accuracy).toBeGreaterThan(0.95);
  }
});

it('the squared loss learns with a class of one row', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const { model } = await fit(rare(1, 'zebra'), seed, 'squared');
    expect(model.outputs).toHaveLength(3);
    for (const { polynomial } of model.outputs) expect(polynomial.coefficients.every(Number.isFinite)).toBe(true);
  }
});

/** A name that is not there: what was likely meant is suggested, and a list that is cut holds the nearest names. */
import { describe, expect, it } from 'vitest';
import { closestName, nearestFirst, suggestName, unknownColumn } from '../src/internal.ts';

describe('the name likely meant', () => {
  const columns = ['customer_id', 'Monthly Charges', 'tenure-months', 'churned', 'plan', 'zip'];
  it.each([
    ['a slip', 'plam', 'plan'],
    ['two letters changed places', 'chunred', 'churned'],
    ['cut short', 'churn', 'churned'],
    ['cut shorter than half', 'chu', 'churned'],
    ['too long', 'churned_last_year', 'churned'],
    ['another case', 'PLAN', 'plan'],
    ['_ for a space, another case', 'monthly_charges', 'Monthly Charges'],
    ['nothing for a space', 'monthlycharges', 'Monthly Charges'],
    ['a space for -', 'Tenure Months', 'tenure-months'],
    ['the beginning under another spelling', 'monthly_ch', 'Monthly Charges'],
    ['the end', 'months', 'tenure-months'],
    ['more around it', 'the_plan_of_today', 'plan'],
  ])('%s', (_name, typed, meant) => {
    expect(closestName(typed, columns)).toBe(meant);
  });

  it.each(['income', 'x', 'ze', '', '_', 'id'])('none for %j', (typed) => {
    expect(closestName(typed, columns)).toBeUndefined();
  });

  it('one letter stands for no other', () => {
    expect(closestName('a', ['b', 'c'])).toBeUndefined();
    expect(closestName('A', ['b', 'a'])).toBe('a');
  });

  it('the spelling before a slip, a slip before a beginning, the shortest of what it begins', () => {
    expect(closestName('pay_day', ['payday', 'pay_bay'])).toBe('payday');
    expect(closestName('rate', ['rate_2020', 'rats'])).toBe('rats');
    expect(closestName('rate', ['rate_of_all', 'rate_2020'])).toBe('rate_2020');
    expect(closestName('rate', ['my_rate', 'rate_of_all'])).toBe('rate_of_all');
  });

  it('names of separators and of other scripts', () => {
    expect(closestName('__', ['a', '--'])).toBeUndefined();
    expect(closestName('größe', ['Größe_cm'])).toBe('Größe_cm');
    expect(closestName('Ａｇｅ', ['age'])).toBe('age');
  });
});

describe('the list of columns in an error', () => {
  const wide = Array.from({ length: 300 }, (_, i) => `v${i}`);

  it('holds the nearest names, which used to be cut off', () => {
    const error = unknownColumn('date_of_birth', [...wide, 'birth year', 'updated'], 'the table');
    expect(error.code).toBe('unknown-column');
    expect(error.message).toMatch(
      /has no column "date_of_birth"; its columns are "birth year", "updated", "v0".* and 290 more$/,
    );
  });

  it('keeps the order of the table where nothing is cut', () => {
    expect(suggestName('zzz', ['b', 'a', 'zyz_1'], 'it has')).toBe('it has "b", "a", "zyz_1"');
  });

  it('is ranked by any of several names, and keeps every name', () => {
    const ranked = nearestFirst(['alpha beta', 'gamma'], ['x', 'gamma ray', 'y', 'beta of alpha', 'z']);
    expect(ranked).toEqual(['gamma ray', 'beta of alpha', 'x', 'y', 'z']);
    expect(nearestFirst(['q'], wide)).toEqual(wide);
  });
});

import { describe, expect, it } from 'vitest';
import { fitTable, memoryTable } from '../src/index.ts';
import { FIT_OPTIONS } from '../src/internal.ts';

const table = memoryTable({
  a: [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1],
  y: ['n', 'y', 'n', 'y', 'n', 'y', 'n', 'y', 'n', 'n', 'y', 'y'],
});
const fit = (options: object): Promise<unknown> => fitTable(table, { target: 'y', ...options } as { target: string });

describe('options of a fit that the compiler did not see', () => {
  it.each([
    [{ method: 'lass' }, '`method` is "lass"; did you mean "lasso"?'],
    [
      { method: 'xyz' },
      '`method` is "xyz"; expected one of auto, stacking, boosting, low-degree, least-squares, ridge, lasso, elastic-net, estimate',
    ],
    [{ method: 3 }, '`method` is 3; expected one of auto'],
    [{ degre: 3 }, 'fitTable has no option "degre"; did you mean `degree`?'],
    [{ nonsense: 1 }, 'fitTable has no option "nonsense"; expected some of target, degree, method,'],
    [{ degree: '3' }, '`degree` is "3"; expected auto or a whole number from 1 to 64'],
    [{ degree: 0 }, '`degree` is 0; expected auto or a whole number from 1 to 64'],
    [{ bins: 2.5 }, '`bins` is 2.5; expected a whole number from 2 to 64'],
    [{ folds: Number.NaN }, '`folds` is NaN; expected a whole number from 2 to 1000'],
    [{ confidence: 95 }, '`confidence` is 95; expected a number from 0.5 to below 1'],
    [{ l1Ratio: 0 }, '`l1Ratio` is 0; expected a number above 0, up to 1'],
    [{ features: 'a' }, '`features` is "a"; expected a list of texts'],
    [{ exclude: ['a', 1] }, '`exclude` is ["a", "1"]; expected a list of texts'],
    [{ simultaneous: 'yes' }, '`simultaneous` is "yes"; expected true or false'],
    [{ weight: 4 }, '`weight` is 4; expected the name of a column'],
    [{ target: undefined }, '`target` is missing; expected the name of a column'],
    [{ hasOwnProperty: 1 }, 'fitTable has no option "hasOwnProperty"'],
  ])('%j', async (options, message) => {
    await expect(fit(options)).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(fit(options)).rejects.toThrow(message);
  });

  it('may be undefined, or what they are by default', async () => {
    const defaults = Object.fromEntries(
      Object.entries(FIT_OPTIONS).flatMap(([name, spec]) => ('default' in spec ? [[name, spec.default]] : [])),
    );
    expect(Object.keys(defaults)).toContain('bins');
    const undefineds = Object.fromEntries(Object.keys(FIT_OPTIONS).map((name) => [name, undefined]));
    const [given, left, empty] = [
      await fitTable(table, { target: 'y', ...defaults }),
      await fitTable(table, { ...undefineds, target: 'y' }),
      await fitTable(table, { target: 'y' }),
    ];
    expect(given.model).toEqual(empty.model);
    expect(left.model).toEqual(empty.model);
  });
});

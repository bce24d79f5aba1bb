/**
 * Names of coordinates do not collide: column `a` with the value `b=c` and column `a=b` with the value `c`, a column
 * called `x>1` and a threshold of `x`, a column `a missing` and the missing cells of `a` stay apart, from the encoder to
 * what is said of a model.
 */
import { expect, it } from 'vitest';
import {
  createRandom,
  type EncodedColumn,
  encoderCoordinates,
  exportModel,
  fitReport,
  fitTable,
  leadingTerms,
  memoryTable,
  modelAttributions,
  optimiseModel,
  parseModel,
  predictPoints,
  serializeModel,
} from '../src/index.ts';
import { coordinateNamesByColumn } from '../src/internal.ts';

const rest = { missing: 'no', missingCoordinate: false } as const;
const categories = (column: string, values: readonly string[]): EncodedColumn => ({
  ...{ column, type: 'text', coding: { kind: 'categories', reference: 'r', values }, ...rest },
});
const flag = (column: string, yes = '1'): EncodedColumn => ({
  ...{ column, type: 'text', coding: { kind: 'two-valued', no: 'n', yes }, ...rest },
});
const above = (column: string, cuts: readonly number[]): EncodedColumn => ({
  ...{ column, type: 'number', coding: { kind: 'thresholds', above: cuts }, ...rest },
});
const names = (...columns: EncodedColumn[]): string[] => encoderCoordinates({ columns }).map(({ name }) => name);

it('names that are alone stay as they are, others are quoted', () => {
  expect(names(categories('a', ['b', 'c']), flag('b'), flag('c', 'x'), above('d', [1, 2]))).toEqual([
    ...['a=b', 'a=c', 'b', 'c=x', 'd>1', 'd>2'],
  ]);
  expect(names(categories('a', ['b=c', 'd']), categories('a=b', ['c', 'e']))).toEqual([
    ...['"a"="b=c"', 'a=d', '"a=b"="c"', 'a=b=e'],
  ]);
  expect(names(above('x', [1, 2]), flag('x>1'))).toEqual(['"x">1', 'x>2', '"x>1"="1"']);
  const missing = { ...categories('a', ['b', 'c']), missingCoordinate: true };
  expect(names(missing, flag('a missing', 'yes'))).toEqual(['a=b', 'a=c', '"a" missing', '"a missing"="yes"']);
  // A quoted name that is another coordinate's own: that one is quoted too.
  expect(names(flag('a', 'b=c'), flag('a=b', 'c'), flag('"a"="b=c"'))).toEqual([
    ...['"a"="b=c"', '"a=b"="c"', `${JSON.stringify('"a"="b=c"')}="1"`],
  ]);
});

it('are different whatever columns and values are called', () => {
  const random = createRandom(4);
  const text = (): string => Array.from({ length: 1 + random.integer(4) }, () => 'ab=>1" '[random.integer(7)]).join('');
  let quoted = 0;
  for (let k = 0; k < 400; k++) {
    const columns = [...new Set(Array.from({ length: 6 }, text))].map((column) => {
      const one = [flag(column, text()), flag(column), above(column, [1, 11]), categories(column, ['a', '1', text()])];
      const chosen = one[random.integer(4)];
      const { coding } = chosen;
      const distinct = coding.kind === 'categories' ? { ...coding, values: [...new Set(coding.values)] } : coding;
      return { ...chosen, coding: distinct, missingCoordinate: random.integer(2) === 1 };
    });
    const all = names(...columns);
    expect(new Set(all).size).toBe(all.length);
    expect(coordinateNamesByColumn({ columns }).flat()).toEqual(all);
    quoted += all.filter((name) => name.startsWith('"')).length > 0 ? 1 : 0;
  }
  expect(quoted).toBeGreaterThan(50);
});

it('a fit says which of two is meant, and so do its file, its export and what is asked of it', async () => {
  const random = createRandom(8);
  const rows = 400;
  const pick = (list: readonly string[]): string[] =>
    Array.from({ length: rows }, () => list[random.integer(list.length)]);
  const columns = { a: pick(['b=c', 'u', 'u', 'v']), 'a=b': pick(['c', 'u', 'u', 'v']) };
  const y = columns.a.map(
    (value, i) => (value === 'b=c' ? 2 : 0) - (columns['a=b'][i] === 'c' ? 1 : 0) + 0.1 * random.normal(),
  );
  const table = memoryTable({ ...columns, y });
  const { model, testRows } = await fitTable(table, { target: 'y', degree: 2, method: 'low-degree' });
  const [mine, other] = ['"a"="b=c"', '"a=b"="c"'];
  const terms = leadingTerms(model).filter(({ coordinates }) => coordinates.length === 1);
  expect(terms[0].coordinates).toEqual([mine]);
  expect(terms[1].coordinates).toEqual([other]);
  expect(terms[0].effect).toBeCloseTo(2, 1);
  expect(terms[1].effect).toBeCloseTo(-1, 1);

  // The folds' fits are of another encoder; each coordinate has its own share and range.
  const [shown] = fitReport(model, testRows).outputs;
  for (const [name, effect] of [
    [mine, 2],
    [other, -1],
  ] as const) {
    const term = shown.terms.find(({ coordinates }) => coordinates.join() === name);
    expect(term?.confirmed?.effect).toBeCloseTo(effect, 0);
    expect(term?.stability?.sameSignShare).toBe(1);
    expect(term?.stability?.lowest).toBeCloseTo(effect, 0);
  }
  const { coordinates } = await modelAttributions(model);
  expect(coordinates.slice(0, 2).map(({ coordinate }) => coordinate)).toEqual([mine, other]);

  const read = await parseModel(await serializeModel(model), 'm.json');
  expect(read.outputs[0].polynomial.coordinates).toEqual(model.outputs[0].polynomial.coordinates);
  const { points } = await table.encode(read.encoder);
  const { numbers } = await predictPoints(read, points);
  const source = exportModel(model, { to: 'js' });
  const { predict } = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(source)}`)) as {
    predict: (row: object) => { prediction: number };
  };
  for (let i = 0; i < rows; i++) {
    const row = { a: columns.a[i], 'a=b': columns['a=b'][i] };
    expect(predict(row).prediction).toBeCloseTo((numbers as Float64Array)[i], 9);
  }

  const optimum = (fix: string[]) => optimiseModel(read, undefined, { direction: 'maximise', fix });
  expect((await optimum([other])).columns.map(({ yes }) => yes)).toEqual([[mine], [other]]);
  await expect(optimum(['a=b=c'])).rejects.toThrow('"a=b=c" may be a value of the columns "a", "a=b"');
});

import { describe, expect, it } from 'vitest';
import {
  attributeModelRows,
  createRandom,
  fitTable,
  type Model,
  memoryTable,
  predictRow,
  predictTable,
  type Table,
} from '../src/index.ts';

const ROWS = 40_000; // two parts
const random = createRandom(5);
const colours = ['red', 'green', 'blue', 'grey'];
const rows = Array.from({ length: ROWS }, () => ({
  member: random.integer(2) === 1 ? 'yes' : 'no',
  age: 18 + random.integer(60),
  colour: colours[random.integer(4)],
  joined: random.integer(3) === 0 ? null : new Date(Date.UTC(2020, random.integer(12), 5)),
}));
type Row = (typeof rows)[number];
const bought = ({ member, age, colour }: Row): string =>
  (member === 'yes') !== age > 47 || colour === 'blue' ? 'bought' : 'left';
const tableOf = (some: readonly Row[], more: object = {}): Table =>
  memoryTable({
    member: some.map(({ member }) => member),
    age: some.map(({ age }) => age),
    colour: some.map(({ colour }) => colour),
    joined: some.map(({ joined }) => joined),
    ...more,
  });
const outcome = rows.slice(0, 3000).map(bought);
const fitted = async (options: object = {}): Promise<Model> => {
  const table = tableOf(rows.slice(0, 3000), { outcome });
  return (await fitTable(table, { target: 'outcome', degree: 2, intervals: 'none', ...options })).model;
};

let usual: Promise<Model> | undefined;
const fit = (): Promise<Model> => {
  usual ??= fitted();
  return usual;
};

describe('predictTable', () => {
  it('predicts every row in its order, a part at a time, right where the rule is learned', async () => {
    const model = await fit();
    const { parts, unseen, missing, drift } = await predictTable(model, tableOf(rows));
    const classes: string[] = [];
    for await (const { range, rows: kept, prediction } of parts) {
      expect([range.firstRow, kept]).toEqual([classes.length, undefined]);
      classes.push(...(prediction.classes ?? []));
    }
    expect(classes.length).toBe(ROWS);
    const right = classes.filter((name, i) => name === bought(rows[i])).length;
    expect(right / ROWS).toBeGreaterThan(0.95);
    expect([unseen, drift()]).toEqual([[], []]);
    expect(missing).toEqual([{ column: 'joined', count: rows.filter(({ joined }) => joined === null).length }]);
  });

  it('gives attributions that add up, against the average over all rows of all parts', async () => {
    const model = await fitted({ loss: 'squared' });
    const table = tableOf(rows);
    const { points } = await table.encode(model.encoder);
    const whole = await attributeModelRows(model, points, { baseline: 'average', background: points });
    expect(whole.columns).toEqual(['member', 'age', 'colour', 'joined']); // the parts of a date are one column's
    const { parts } = await predictTable(model, table, { attributions: 'average' });
    for await (const { range, attributions, prediction } of parts) {
      const [{ base, values }] = attributions?.outputs ?? [];
      expect(base).toBe(whole.outputs[0].base);
      const { length } = whole.columns;
      expect(values).toEqual(whole.outputs[0].values.subarray(range.firstRow * length, range.endRow * length));
      for (let i = 0; i < prediction.values[0].length; i += 97) {
        const sum = values.subarray(i * length, (i + 1) * length).reduce((total, value) => total + value, base);
        expect(sum).toBeCloseTo((1 - prediction.values[0][i]) / 2, 10);
      }
    }
  });

  it('refuses a table that lacks columns, naming them and which may be meant', async () => {
    const model = await fit();
    const table = memoryTable({ member: ['yes'], Age: [3], colour: ['red'], joined: [null] });
    await expect(predictTable(model, table)).rejects.toThrow(
      'the table lacks 1 of the 4 columns that the model needs: "age"; is "Age" the same column? rename it',
    );
  });
});

describe('predictRow', () => {
  it('is what the table has for the row', async () => {
    const model = await fit();
    const some = rows.slice(500, 540);
    const { parts } = await predictTable(model, tableOf(some));
    for await (const { prediction } of parts) {
      for (const [i, row] of some.entries()) {
        const one = await predictRow(model, { ...row, other: 7 });
        expect(one.prediction).toBe(prediction.classes?.[i]);
        expect([...(one.probabilities ?? [])]).toEqual([
          ['left', prediction.probabilities?.[0][i]],
          ['bought', prediction.probabilities?.[1][i]],
        ]);
        expect(one.missing).toEqual(row.joined === null ? ['joined'] : []);
      }
    }
  });

  it('reads texts as a file has them', async () => {
    const model = await fit();
    const row = { member: 'yes', age: 30, colour: 'red', joined: new Date(Date.UTC(2020, 3, 5)) };
    const asTexts = { member: 'TRUE', age: '30', colour: ' red ', joined: '2020-04-05' };
    expect(await predictRow(model, asTexts)).toEqual(await predictRow(model, row));
  });

  it('predicts numbers, and says what the fit has not seen', async () => {
    const table = tableOf(rows.slice(0, 3000), {
      price: rows.slice(0, 3000).map((row) => (row.colour === 'blue' ? 9 : 4)),
    });
    const model = (await fitTable(table, { target: 'price', task: 'number', intervals: 'none' })).model;
    const row = { member: 'no', age: 30, colour: 'blue', joined: null };
    const blue = await predictRow(model, row);
    expect(blue.prediction).toBeCloseTo(9, 1);
    expect(blue.probabilities).toBeUndefined();
    const odd = await predictRow(model, { ...row, colour: 'violet' });
    expect(odd.prediction).toBeCloseTo(4, 1);
    expect(odd.unseen).toEqual(['colour']);
  });

  it.each([
    [{}, /^the row lacks 4 of the 4 columns that the model needs: "member", "age", "colour", "joined"; it has none$/],
    [{ member: 'perhaps', age: 3, colour: 'red', joined: null }, /"member".*"perhaps"/],
    [{ member: 'yes', age: 'old', colour: 'red', joined: null }, /"age".*"old"/],
  ])('refuses %j', async (row, message) => {
    const model = await fit();
    await expect(predictRow(model, row)).rejects.toThrow(message);
  });

  it('refuses a missing value where rows with one were left out of the fit', async () => {
    const model = await fitted({ missing: 'drop-rows' });
    await expect(predictRow(model, { member: 'yes', age: 30, colour: 'red', joined: null })).rejects.toThrow(
      'the row has no value for "joined"; expected one',
    );
  });
});

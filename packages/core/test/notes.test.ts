/** Notes: what each kind says, word for word; that all come back from a file; and that files with others are refused. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  fitTable,
  type Model,
  memoryTable,
  type Note,
  type NoteKind,
  noteText,
  parseModel,
  serializeModel,
} from '../src/index.ts';
import { checksumOf, intervalObstacle, NOTE_KINDS, remarkTexts } from '../src/internal.ts';
import { createRandom } from './helpers.ts';

const texts = (...counts: [string, number][]) => counts.map(([value, count]) => ({ value, count }));
const withClass = { class: 'a "b"' };

/** By kind: a note, and what it says. */
const SAID: { readonly [K in NoteKind]: readonly (readonly [Extract<Note, { kind: K }>, string])[] } = {
  'missing-targets': [
    [
      { kind: 'missing-targets', column: 'y', count: 3, rowCount: 2500 },
      '3 of 2500 rows have no value in "y", the target, and were left out',
    ],
  ],
  'rows-dropped': [[{ kind: 'rows-dropped', count: 17 }, '17 rows with missing values were dropped']],
  'zero-weights': [
    [
      { kind: 'zero-weights', column: 'w', count: 240, rowCount: 480 },
      '240 of 480 rows have weight 0 in "w" and were left out',
    ],
  ],
  'unequal-weights': [
    [
      { kind: 'unequal-weights', column: 'w', rowCount: 240, effectiveCount: 19.96 },
      'the weights "w" are very unequal: the 240 rows say as much as 20 of equal weight',
    ],
  ],
  'large-group': [
    [
      { kind: 'large-group', column: 'g', group: 'g0', count: 280, rowCount: 300 },
      '280 of 300 rows are in one group of "g", "g0": the fold that holds it is predicted from the other 20 rows at most, so what the folds choose rests on few rows',
    ],
  ],
  'uneven-test': [
    [
      { kind: 'uneven-test', column: 'g', count: 10, rowCount: 303, share: 0.2 },
      '10 of 303 rows were set aside for the test, where a share of 0.2 asks for 61: the groups of "g" are not split',
    ],
  ],
  'missing-texts': [
    [
      { kind: 'missing-texts', columns: [{ column: 'a', texts: texts(['?', 12], ['NA', 1]) }] },
      'counted as missing: "a" ("?" 12, "NA" 1); `missingValues` says what is',
    ],
    [
      {
        kind: 'missing-texts',
        columns: ['a', 'b', 'c', 'd', 'e', 'f'].map((column) => ({
          column,
          texts: texts(['1', 1], ['2', 2], ['3', 3], ['4', 4], ['5', 5]),
        })),
      },
      'counted as missing: "a" ("1" 1, "2" 2, "3" 3, "4" 4), "b" ("1" 1, "2" 2, "3" 3, "4" 4), "c" ("1" 1, "2" 2, "3" 3, "4" 4), "d" ("1" 1, "2" 2, "3" 3, "4" 4) and in 2 more columns; `missingValues` says what is',
    ],
  ],
  'mostly-numbers': [
    [
      { kind: 'mostly-numbers', column: 'p', numberCount: 349, cellCount: 350, others: ['n/k'], otherCount: 1 },
      'column "p" is read as texts: 349 of 350 cells are numbers, the others are "n/k": correct them, or say with `missingValues` that they are missing',
    ],
    [
      { kind: 'mostly-numbers', column: 'p', numberCount: 90, cellCount: 100, others: ['a', 'b'], otherCount: 7 },
      'column "p" is read as texts: 90 of 100 cells are numbers, the others are "a", "b" and 5 more: correct them, or say with `missingValues` that they are missing',
    ],
  ],
  identifier: [
    [
      { kind: 'identifier', column: 'id', distinctCount: 344, rowCount: 345 },
      'column "id" has 344 different numbers in 345 rows: if it is an identifier, leave it out with `exclude`',
    ],
  ],
  'many-values': [
    [
      { kind: 'many-values', column: 'city', distinctCount: 51, keptCount: 32, otherRowCount: 73 },
      'column "city" has 51 different texts: the 32 most frequent have a coordinate each, the others (73 rows) are "other"',
    ],
  ],
  'chosen-on-some-rows': [
    [
      {
        kind: 'chosen-on-some-rows',
        ...{ rowCount: 4096, trainingRowCount: 80000, fewerFor: 'time', budgetSeconds: 60, ...withClass },
      },
      'class "a \\"b\\"": the fit was chosen on 4096 of 80000 rows, to stay within a budget of 60 s',
    ],
    [
      {
        kind: 'chosen-on-some-rows',
        ...{ rowCount: 8000, trainingRowCount: 32000, fewerFor: 'memory', budgetSeconds: 60 },
      },
      'the fit was chosen on 8000 of 32000 rows, to stay within the memory allowed',
    ],
  ],
  'degree-lowered': [
    [
      { kind: 'degree-lowered', asked: 9, degree: 2 },
      'degree 9 is more than there are coordinates: degree 2 has them all',
    ],
    [
      { kind: 'degree-lowered', asked: 9, degree: 2, ...withClass },
      'class "a \\"b\\"": degree 9 is more than there are coordinates: degree 2 has them all',
    ],
  ],
  'path-ended': [
    [
      { kind: 'path-ended', degree: 2, budgetSeconds: 1.5 },
      'the path of lambdas at degree 2 ended early, to stay within a budget of 1.5 s',
    ],
    [
      { kind: 'path-ended', degree: 2, budgetSeconds: 1.5, ...withClass },
      'class "a \\"b\\"": the path of lambdas at degree 2 ended early, to stay within a budget of 1.5 s',
    ],
  ],
  'degree-not-tried': [
    [{ kind: 'degree-not-tried', degree: 4, reason: 'needs 9 GB' }, 'degree 4 and above were not tried: needs 9 GB'],
    [
      { kind: 'degree-not-tried', degree: 4, reason: 'needs 9 GB', ...withClass },
      'class "a \\"b\\"": degree 4 and above were not tried: needs 9 GB',
    ],
  ],
  'not-converged': [
    [
      { kind: 'not-converged', iterations: 2000, relativeGradient: 0.00123, tolerance: 1e-6, dualityGap: null },
      'the fit stopped after 2000 iterations with a gradient of 1.2e-3 of its start, above the wanted 0.000001',
    ],
    [
      {
        ...{ kind: 'not-converged', iterations: 2000, relativeGradient: 0.5, tolerance: 1e-6, dualityGap: 0.0456 },
        ...withClass,
      },
      'the fit of class "a \\"b\\"" stopped after 2000 iterations with a duality gap of 4.6e-2 of the best constant\'s objective',
    ],
  ],
  'few-smearing-rows': [
    [
      { kind: 'few-smearing-rows', column: 'y', support: 1.234, rowCount: 240 },
      'predictions in the unit of "y" are multiplied by a factor that rests on about 1.2 of 240 rows, those whose logarithm was predicted farthest too low: their size says little',
    ],
  ],
  'no-intervals-few-rows': [
    [
      { kind: 'no-intervals-few-rows', rowCount: 40, inGroups: false },
      'no intervals: 40 rows are too few to choose terms on one half and confirm them on the other',
    ],
    [
      { kind: 'no-intervals-few-rows', rowCount: 4000, inGroups: true },
      'no intervals: 4,000 rows in so few groups are too few to choose terms on one half and confirm them on the other',
    ],
  ],
  'no-intervals-one-class': [
    [
      { kind: 'no-intervals-one-class' },
      'no intervals: the half of the rows that would confirm the terms has one class only',
    ],
  ],
  'no-intervals-failed': [
    [
      { kind: 'no-intervals-failed', message: 'there is one class only' },
      'no intervals: on one half of the rows, there is one class only',
    ],
  ],
  leak: [
    [
      { kind: 'leak', name: 'a=b', relation: 'equals' },
      '"a=b" equals the target in every row: if it is made from the target, leave it out with `exclude`',
    ],
    [
      { kind: 'leak', name: 'a=b', relation: 'opposite', ofClass: 'x' },
      '"a=b" is the opposite of the class "x" in every row: if it is made from the target, leave it out with `exclude`',
    ],
    [
      { kind: 'leak', name: 'a', relation: 'equals', rowCount: 30 },
      '"a" equals the target in all 30 rows where it has a value: if it is made from the target, leave it out with `exclude`',
    ],
    [
      { kind: 'leak', name: 'a', relation: 'tells', rowCount: 30 },
      '"a" tells the target in all 30 rows where it has a value: if it is made from the target, leave it out with `exclude`',
    ],
    [
      { kind: 'leak', name: 'a', relation: 'never-falls' },
      '"a" never falls as the target rises, in all rows: if it is made from the target, leave it out with `exclude`',
    ],
    [
      { kind: 'leak', name: 'every row', relation: 'never-rises', rowCount: 30 },
      '"every row" never rises as the target rises, in all 30 rows where it has a value: if it is made from the target, leave it out with `exclude`',
    ],
    [
      { kind: 'leak', name: 'a', relation: 'ranges' },
      '"a" has a range of the target for each of its values, in every row: if it is made from the target, leave it out with `exclude`',
    ],
  ],
  'test-overlap': [
    [
      { kind: 'test-overlap', sharedCount: 56, testCount: 59, chanceCount: 2, columns: 'all' },
      '56 of 59 test rows also stand among the rows fitted, equal in every column, where chance gives about 2',
    ],
    [
      { kind: 'test-overlap', sharedCount: 56, testCount: 59, chanceCount: 2, columns: 'learned' },
      '56 of 59 test rows also stand among the rows fitted, equal in the target and every column learned from, where chance gives about 2',
    ],
  ],
  'test-copies': [
    [
      { kind: 'test-copies', sharedCount: 60, testCount: 80, column: 'x', distinctCount: 190 },
      '60 of 80 test rows equal a fitted row in every column, though "x" has 190 different numbers: if rows were copied, the test flatters; leave the copies out',
    ],
  ],
  'test-unseen': [
    [
      { kind: 'test-unseen', column: 'c', rowCount: 9, values: ['p', 'q', 'r'], valueCount: 5 },
      'test rows: column "c" has values that the training rows do not, in 9 rows ("p", "q", "r" and 2 more); they count as the reference',
    ],
  ],
  'test-missing': [
    [{ kind: 'test-missing', count: 1, rowCount: 50 }, 'test rows: 1 of 50 have missing values and were left out'],
  ],
  'test-zero-weights': [
    [{ kind: 'test-zero-weights', count: 120, rowCount: 240 }, 'test rows: 120 of 240 have weight 0 and were left out'],
  ],
  'no-weight-column': [
    [
      { kind: 'no-weight-column', table: 'new.csv', column: 'w' },
      'new.csv has no column "w", which weighed the rows of the fit: all rows count the same',
    ],
  ],
  'no-group-column': [
    [
      { kind: 'no-group-column', table: 'new.csv', column: 'g' },
      'new.csv has no column "g", which grouped the rows of the fit: rows count as independent',
    ],
  ],
  text: [[{ kind: 'text', text: 'as an older fewfire had it' }, 'as an older fewfire had it']],
};

const NOTES: readonly (readonly [Note, string])[] = Object.values(SAID).flat();

// biome-ignore lint/suspicious/noExplicitAny: a file to be spoiled in any place
type Body = any;

let model: Model;
beforeAll(async () => {
  const random = createRandom(3);
  const a = Array.from({ length: 80 }, () => random.integer(2));
  const y = a.map((bit) => bit + random.normal());
  ({ model } = await fitTable(memoryTable({ a, y }), { target: 'y', degree: 1, intervals: 'none' }));
});

/** A file of that version with these notes, and the checksum they have. */
async function fileWith(version: number, notes: readonly unknown[]): Promise<string> {
  const { format, version: _, checksum: __, ...body } = JSON.parse(await serializeModel(model)) as Body;
  body.training.notes = notes;
  return JSON.stringify({ format, version, checksum: await checksumOf(body), ...body });
}

describe('a note', () => {
  it.each(NOTES)('%j', (note, said) => {
    expect(noteText(note)).toBe(said);
  });

  it('has its words above, whatever its kind', () => {
    expect(Object.keys(SAID).sort()).toEqual([...NOTE_KINDS].sort());
    for (const [kind, notes] of Object.entries(SAID)) {
      expect(notes.length).toBeGreaterThan(0);
      for (const [note] of notes) expect(note.kind).toBe(kind);
    }
  });

  it('says why there are no intervals, or something else', () => {
    const why = NOTES.map(([note]) => intervalObstacle(note)).filter((text) => text !== undefined);
    expect(why).toEqual(
      NOTES.map(([, said]) => /^no intervals: (.*)/.exec(said)?.[1]).filter((text) => text !== undefined),
    );
    expect(why).toHaveLength(4);
    expect(intervalObstacle({ kind: 'text', text: 'no intervals: 40 rows are too few' })).toBe('40 rows are too few');
  });

  it('of a degree not tried is a remark only where the degree is not named elsewhere', () => {
    const reason = 'needs 9 GB';
    const skipped = [{ degree: 4, reason }];
    const told = { kind: 'degree-not-tried', degree: 4, reason } as const;
    const older = { kind: 'text', text: 'degree 4 and above were not tried: needs 9 GB' } as const;
    expect(remarkTexts([told, { ...told, class: 'x' }, older, { kind: 'text', text: 'more' }], skipped)).toEqual([
      'class "x": degree 4 and above were not tried: needs 9 GB',
      'more',
    ]);
    expect(remarkTexts([told], [])).toEqual(['degree 4 and above were not tried: needs 9 GB']);
  });
});

describe('notes in a file', () => {
  it('come back as they were, in their order', async () => {
    const notes = NOTES.map(([note]) => note);
    const text = await serializeModel({ ...model, training: { ...model.training, notes } });
    const again = await parseModel(text, 'm.json');
    expect(again.training.notes).toEqual(notes);
    expect(await serializeModel(again)).toBe(text);
  });

  it.each([2, 3])('of version %i are sentences, and stay so when it is saved again', async (version) => {
    const sentences = ['240 of 480 rows have weight 0 in "w" and were left out', 'and `exclude`'];
    const older = await parseModel(await fileWith(version, sentences), 'm.json');
    expect(older.training.notes).toEqual(sentences.map((text) => ({ kind: 'text', text })));
    const saved = await serializeModel(older);
    expect(JSON.parse(saved)).toMatchObject({ version: 4 });
    expect((await parseModel(saved, 'm.json')).training.notes.map(noteText)).toEqual(sentences);
    await expect(parseModel(await fileWith(version, [{ kind: 'text', text: 'x' }]), 'm.json')).rejects.toThrow(
      /damaged or edited: training\.notes\.0/,
    );
  });

  it.each([
    ['a sentence', 'all is well'],
    ['an unknown kind', { kind: 'rumour', text: 'x' }],
    ['no kind', { text: 'x' }],
    ['a field too few', { kind: 'rows-dropped' }],
    ['a field too many', { kind: 'rows-dropped', count: 3, column: 'x' }],
    ['a count that is none', { kind: 'rows-dropped', count: 2.5 }],
    ['a count below zero', { kind: 'rows-dropped', count: -1 }],
    ['another type', { kind: 'identifier', column: 3, distinctCount: 4, rowCount: 5 }],
    ['an unknown relation', { kind: 'leak', name: 'a', relation: 'resembles' }],
    ['null', null],
  ])('with %s are refused', async (_, note) => {
    await expect(parseModel(await fileWith(4, [note]), 'm.json')).rejects.toThrow(
      /^m\.json is damaged or edited: training\.notes\.0/,
    );
  });
});

/**
 * The sentences that notes are told in, the same on every surface. Names of the data stand in double quotes and options of
 * the library in back-quotes, so that a command line can make flags of them (and of nothing else).
 */
import { listNames } from '../base/index.ts';
import { mostlyNumbersText, type NumberForm } from '../cube/index.ts';
import type { Model, Note, NoteKind, NoteOf, Provenance, SelectionRecord } from '../model/index.ts';
import { skippedText } from './fit.ts';

/**
 * A note as a sentence, without a full stop.
 * @example
 * ```ts
 * import { noteText } from '@fewfire/core';
 *
 * console.log(noteText({ kind: 'rows-dropped', count: 3 })); // 3 rows with missing values were dropped
 * ```
 */
export function noteText(note: Note): string {
  const sentence = (SENTENCES[note.kind] as (note: Note) => string)(note);
  // Of a fit that stopped the class is part of the sentence.
  return note.kind === 'not-converged' || !('class' in note) || note.class === undefined
    ? sentence
    : `class ${quoted(note.class)}: ${sentence}`;
}

const quoted = (name: string): string => JSON.stringify(name);
const roughly = (value: number): number => Number(value.toPrecision(2));

const SENTENCES: { readonly [K in NoteKind]: (note: NoteOf<K>) => string } = {
  'missing-targets': ({ column, count, rowCount }) =>
    `${count} of ${rowCount} rows have no value in ${quoted(column)}, the target, and were left out`,
  'rows-dropped': ({ count }) => `${count} rows with missing values were dropped`,
  'zero-weights': ({ column, count, rowCount }) =>
    `${count} of ${rowCount} rows have weight 0 in ${quoted(column)} and were left out`,
  'unequal-weights': ({ column, rowCount, effectiveCount }) =>
    `the weights ${quoted(column)} are very unequal: the ${rowCount} rows say as much as ${roughly(effectiveCount)} of equal weight`,
  'large-group': ({ column, group, count, rowCount }) =>
    `${count} of ${rowCount} rows are in one group of ${quoted(column)}, ${quoted(group)}: the fold that holds it is predicted from the other ${rowCount - count} rows at most, so what the folds choose rests on few rows`,
  'uneven-test': ({ column, count, rowCount, share }) =>
    `${count} of ${rowCount} rows were set aside for the test, where a share of ${share} asks for ${Math.round(share * rowCount)}: the groups of ${quoted(column)} are not split`,

  'missing-texts': ({ columns }) => {
    const shown = columns.slice(0, 4).map(({ column, texts }) => {
      const counts = texts.slice(0, 4).map(({ value, count }) => `${quoted(value)} ${count}`);
      return `${quoted(column)} (${counts.join(', ')})`;
    });
    const rest = columns.length - shown.length;
    return `counted as missing: ${shown.join(', ')}${rest > 0 ? ` and in ${rest} more columns` : ''}; \`missingValues\` says what is`;
  },
  'mostly-numbers': (note) => `column ${quoted(note.column)} is read as texts: ${mostlyNumbersText(note)}`,
  identifier: ({ column, distinctCount, rowCount }) =>
    `column ${quoted(column)} has ${distinctCount} different numbers in ${rowCount} rows: if it is an identifier, leave it out with \`exclude\``,
  'many-values': ({ column, distinctCount, keptCount, otherRowCount }) =>
    `column ${quoted(column)} has ${distinctCount} different texts: the ${keptCount} most frequent have a coordinate each, the others (${otherRowCount} rows) are "other"`,

  'chosen-on-some-rows': ({ rowCount, trainingRowCount, fewerFor, budgetSeconds }) =>
    `the fit was chosen on ${rowCount} of ${trainingRowCount} rows, to stay within ${fewerFor === 'memory' ? 'the memory allowed' : `a budget of ${budgetSeconds} s`}`,
  'degree-lowered': ({ asked, degree }) =>
    `degree ${asked} is more than there are coordinates: degree ${degree} has them all`,
  'path-ended': ({ degree, budgetSeconds }) =>
    `the path of lambdas at degree ${degree} ended early, to stay within a budget of ${budgetSeconds} s`,
  'degree-not-tried': (note) => skippedText(note),
  'not-converged': ({ iterations, relativeGradient, tolerance, dualityGap, class: name }) => {
    const which = name === undefined ? 'the fit' : `the fit of class ${quoted(name)}`;
    const left =
      dualityGap === null
        ? `a gradient of ${relativeGradient.toExponential(1)} of its start, above the wanted ${tolerance}`
        : `a duality gap of ${dualityGap.toExponential(1)} of the best constant's objective`;
    return `${which} stopped after ${iterations} iterations with ${left}`;
  },
  'few-smearing-rows': ({ column, support, rowCount }) =>
    `predictions in the unit of ${quoted(column)} are multiplied by a factor that rests on about ${roughly(support)} of ${rowCount} rows, those whose logarithm was predicted farthest too low: their size says little`,
  'no-intervals-few-rows': (note) => NO_INTERVALS + intervalObstacle(note),
  'no-intervals-one-class': (note) => NO_INTERVALS + intervalObstacle(note),
  'no-intervals-failed': (note) => NO_INTERVALS + intervalObstacle(note),

  leak: ({ name, relation, ofClass, rowCount }) => {
    const some = `in all ${rowCount} rows where it has a value`;
    const [where, rows] = rowCount === undefined ? ['in every row', 'in all rows'] : [some, some];
    const target = ofClass === undefined ? 'the target' : `the class ${quoted(ofClass)}`;
    const found = {
      equals: `equals ${target} ${where}`,
      opposite: `is the opposite of ${target} ${where}`,
      tells: `tells ${target} ${where}`,
      'never-falls': `never falls as ${target} rises, ${rows}`,
      'never-rises': `never rises as ${target} rises, ${rows}`,
      ranges: `has a range of ${target} for each of its values, ${where}`,
    };
    return `${quoted(name)} ${found[relation]}: if it is made from the target, leave it out with \`exclude\``;
  },

  'test-overlap': ({ sharedCount, testCount, chanceCount, columns }) =>
    `${sharedCount} of ${testCount} test rows also stand among the rows fitted, equal in ${columns === 'all' ? 'every column' : 'the target and every column learned from'}, where chance gives about ${chanceCount}`,
  'test-copies': ({ sharedCount, testCount, column, distinctCount }) =>
    `${sharedCount} of ${testCount} test rows equal a fitted row in every column, though ${quoted(column)} has ${distinctCount} different numbers: if rows were copied, the test flatters; leave the copies out`,
  'test-unseen': ({ column, rowCount, values, valueCount }) =>
    `test rows: column ${quoted(column)} has values that the training rows do not, in ${rowCount} rows (${listNames(values, values.length, valueCount)}); they count as the reference`,
  'test-missing': ({ count, rowCount }) => `test rows: ${count} of ${rowCount} have missing values and were left out`,
  'test-zero-weights': ({ count, rowCount }) => `test rows: ${count} of ${rowCount} have weight 0 and were left out`,

  'no-weight-column': ({ table, column }) =>
    `${table} has no column ${quoted(column)}, which weighed the rows of the fit: all rows count the same`,
  'no-group-column': ({ table, column }) =>
    `${table} has no column ${quoted(column)}, which grouped the rows of the fit: rows count as independent`,

  text: ({ text }) => text,
};

const NO_INTERVALS = 'no intervals: ';

/** Why intervals of terms could not be made, where that is what a note says. */
export function intervalObstacle(note: Note): string | undefined {
  switch (note.kind) {
    case 'no-intervals-few-rows': {
      const rows = `${note.rowCount.toLocaleString('en-US')} rows${note.inGroups ? ' in so few groups' : ''}`;
      return `${rows} are too few to choose terms on one half and confirm them on the other`;
    }
    case 'no-intervals-one-class':
      return 'the half of the rows that would confirm the terms has one class only';
    case 'no-intervals-failed':
      return `on one half of the rows, ${note.message}`;
    case 'text':
      // Files from before version 4 have but the sentence.
      return note.text.startsWith(NO_INTERVALS) ? note.text.slice(NO_INTERVALS.length) : undefined;
    default:
      return undefined;
  }
}

/**
 * Notes as sentences, without those that stand where degrees are compared.
 * @param skipped degrees that are named there
 */
export function remarkTexts(notes: readonly Note[], skipped: SelectionRecord['skipped']): string[] {
  const elsewhere = new Set(skipped.map(skippedText));
  return notes.map(noteText).filter((text) => !elsewhere.has(text));
}

/** All that is to be said of a model's data and fit, in order, but for the degrees that were not tried. */
export function modelRemarks({ training, outputs, provenance }: Model): string[] {
  return [...spellingTexts(provenance), ...remarkTexts(training.notes, outputs[0].fit.selection.skipped)];
}

/** How texts were read where it is not what all programs write: in a line for each spelling. */
export function spellingTexts({ spellings = {} }: Pick<Provenance, 'spellings'>): string[] {
  const columns = new Map<string, string[]>();
  for (const [name, { number, date }] of Object.entries(spellings)) {
    const words = number !== undefined ? numberWords(number) : date === undefined ? '' : DATE_WORDS[date];
    if (words !== '') columns.set(words, [...(columns.get(words) ?? []), name]);
  }
  return Array.from(columns, ([words, names]) => `read as ${words}: ${listNames(names, 6)}`);
}

const DATE_WORDS = { ymd: '', dmy: 'dates, the day first', mdy: 'dates, the month first' } as const;

function numberWords({ decimal, thousands, unit }: NumberForm): string {
  const parts: string[] = [];
  if (decimal === ',') parts.push('decimal commas');
  if (thousands !== '') parts.push(`${JSON.stringify(thousands)} between thousands`);
  if (unit !== '') parts.push(`the sign ${JSON.stringify(unit)}`);
  return parts.length === 0 ? '' : `numbers with ${parts.join(', ')}`;
}

/** Reading the target column: which task it is, and its values as learned. */
import { FewfireError, listNames, listNearest, type RunOptions } from '../base/index.ts';
import {
  answerOf,
  type ColumnProfile,
  compareTexts,
  numberSpellingHint,
  orderTwoValues,
  PROFILE_VALUE_LIMIT,
  type RowRange,
  readNumber,
  readText,
  rowRanges,
  type Table,
} from '../cube/index.ts';
import { type TargetSpec, targetClasses } from './model.ts';

/** `auto`: classes for two different values and for texts, a number otherwise. */
export type Task = 'auto' | 'number' | 'classes';

export interface TargetOptions {
  readonly task?: Task;
  /** The class to call positive; by default the "yes" of the two values. */
  readonly positive?: string;
  readonly transform?: 'none' | 'log';
}

/** Decides the task. @throws FewfireError `invalid-data` for a target that cannot be learned, `invalid-argument` for options that do not fit it */
export function chooseTarget(profile: ColumnProfile, options: TargetOptions): TargetSpec {
  const { name, distinctCount, values } = profile;
  const shown = JSON.stringify(name);
  const transform = options.transform ?? 'none';
  if (profile.nonFiniteCount > 0) {
    throw new FewfireError(
      'invalid-data',
      `target ${shown} is infinite in ${profile.nonFiniteCount} of ${profile.rowCount} rows; expected finite numbers: correct or remove these rows`,
    );
  }
  if (profile.type === 'date') {
    throw new FewfireError(
      'invalid-data',
      `target ${shown} has dates; expected numbers or classes: learn a number made of it, such as the days since a day, or name the column in \`text\` to learn its texts as classes`,
    );
  }
  if (distinctCount < 2) {
    const found = distinctCount === 0 ? 'no value at all' : `only the value ${JSON.stringify(values[0].value)}`;
    throw new FewfireError(
      'invalid-data',
      `target ${shown} has ${found} in ${profile.rowCount} rows; expected numbers that vary, or classes`,
    );
  }
  if (asClasses(profile, options)) {
    if (transform === 'log') {
      throw new FewfireError(
        'invalid-argument',
        `target ${shown} is learned as classes, which have no logarithm; leave out \`targetTransform: 'log'\`, or \`task: 'classes'\``,
      );
    }
    return distinctCount === 2 ? twoClasses(profile, options) : manyClasses(profile, options);
  }
  if (profile.type !== 'number') {
    throw new FewfireError(
      'invalid-data',
      `target ${shown} has texts (${listNames(
        values.map((entry) => entry.value),
        3,
        distinctCount,
      )}); expected numbers for ${transform === 'log' ? "`targetTransform: 'log'`" : "`task: 'number'`"}${numberSpellingHint(profile)}`,
    );
  }
  if (options.positive !== undefined) {
    throw new FewfireError(
      'invalid-argument',
      `target ${shown} has ${distinctCount} different numbers, so it is learned as a number; \`positive\` needs a target with two classes`,
    );
  }
  return { kind: 'regression', column: name, transform };
}

function asClasses({ type, distinctCount }: ColumnProfile, { task, transform }: TargetOptions): boolean {
  if (task === 'classes') return true;
  if (task === 'number' || transform === 'log') return false;
  return distinctCount === 2 || type !== 'number';
}

function twoClasses({ name, type, values }: ColumnProfile, options: TargetOptions): TargetSpec {
  const order = orderTwoValues(values[0].value, values[1].value, type);
  const positive = options.positive ?? order.yes;
  const found = [order.no, order.yes];
  if (!found.includes(positive)) {
    throw new FewfireError(
      'invalid-argument',
      `target ${JSON.stringify(name)} never is ${JSON.stringify(positive)}; its classes are ${listNames(found)}: give one of them to \`positive\``,
    );
  }
  return { kind: 'binary', column: name, positive, negative: positive === order.yes ? order.no : order.yes };
}

// More classes than a profile lists, or classes with one row each, are names or numbers rather than classes.
function manyClasses(profile: ColumnProfile, options: TargetOptions): TargetSpec {
  const { name, type, distinctCount, values } = profile;
  const shown = JSON.stringify(name);
  if (options.positive !== undefined) {
    throw new FewfireError(
      'invalid-argument',
      `target ${shown} has ${distinctCount} classes, each learned against the rest; \`positive\` needs a target with two`,
    );
  }
  const present = profile.rowCount - profile.missingCount;
  if (distinctCount > PROFILE_VALUE_LIMIT || distinctCount > present / 2) {
    throw new FewfireError(
      'invalid-data',
      `target ${shown} has ${distinctCount} different ${type === 'number' ? 'numbers' : 'texts'} in ${present} rows (${listNames(
        values.map((entry) => entry.value),
        3,
        distinctCount,
      )}); expected numbers, or classes: at most ${PROFILE_VALUE_LIMIT}, with two rows each or more${numberSpellingHint(profile)}`,
    );
  }
  const classes = values.map((entry) => entry.value);
  classes.sort(type === 'number' ? (a, b) => Number(a) - Number(b) : compareTexts);
  return { kind: 'multiclass', column: name, classes };
}

// Squared errors and their variance, which is of fourth powers, must neither overflow nor vanish.
const LARGEST = 1e70;
const SMALLEST_RANGE = 1e-70;

function refuseUnsquarable(numbers: Float64Array, firstRow: number, column: string, label: string): void {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const [row, value] of numbers.entries()) {
    if (Math.abs(value) > LARGEST) {
      throw new FewfireError(
        'invalid-data',
        `target ${JSON.stringify(column)} is ${value} in row ${firstRow + row + 1} of ${label}; expected numbers up to ${LARGEST}, whose squares can be added: correct the cell, use another unit, or use \`targetTransform: 'log'\``,
      );
    }
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (high > low && high - low < SMALLEST_RANGE) {
    throw new FewfireError(
      'invalid-data',
      `target ${JSON.stringify(column)} of ${label} varies by ${high - low} only; expected numbers whose differences can be squared: use another unit, or \`targetTransform: 'log'\``,
    );
  }
}

/**
 * The target of every row of a table: numbers (their logarithm under the log transform), or the position of the row's
 * class in `targetClasses`. NaN where missing.
 * @param range the rows to read, if not all
 * @throws FewfireError `invalid-data` for other classes, text among numbers, or a value without logarithm
 */
export async function readTarget(
  table: Table,
  spec: TargetSpec,
  options: RunOptions = {},
  range: RowRange = { firstRow: 0, endRow: table.rowCount },
): Promise<Float64Array> {
  const shown = JSON.stringify(spec.column);
  if (spec.kind === 'regression') {
    const numbers = await table.numbers(spec.column, { ...options, range });
    if (spec.transform === 'none') {
      refuseUnsquarable(numbers, range.firstRow, spec.column, table.label);
      return numbers;
    }
    const bad = numbers.findIndex((value) => value <= 0);
    if (bad >= 0) {
      throw new FewfireError(
        'invalid-data',
        `target ${shown} is ${numbers[bad]} in row ${range.firstRow + bad + 1} of ${table.label}; \`targetTransform: 'log'\` expected numbers above 0`,
      );
    }
    return numbers.map((value) => Math.log(value));
  }
  const classes = targetClasses(spec);
  const position = new Map(classes.map((name, k) => [name, k]));
  // Where all classes are numbers, other spellings of them (1.0 for 1) count too.
  const numbers = classes.map(readNumber);
  const numeric = numbers.every((number) => number !== undefined) && new Set(numbers).size === numbers.length;
  // Where one says yes and the other no, other words for these count too.
  const answers = classes.length === 2 ? classes.map(answerOf) : [];
  const areWords = answers.includes(true) && answers.includes(false);
  const codes = new Float64Array(range.endRow - range.firstRow).fill(Number.NaN);
  for (const { firstRow, endRow } of rowRanges(range.endRow - range.firstRow)) {
    const part = { firstRow: range.firstRow + firstRow, endRow: range.firstRow + endRow };
    // A class as the fit spelled it is that class, whatever the cells here are taken for: NA for missing, Ja for ja.
    const cells = await table.texts(spec.column, { ...options, range: part, spelling: 'source' });
    const known = cells.map((cell) => position.get(readText(cell ?? '') as string));
    const texts = known.includes(undefined) ? await table.texts(spec.column, { ...options, range: part }) : [];
    for (const [i, k] of known.entries()) {
      const text = texts[i];
      if (k !== undefined || text) codes[firstRow + i] = k ?? codeOf(text as string, part.firstRow + i);
    }
  }
  return codes;

  function codeOf(text: string, row: number): number {
    const k = position.get(text) ?? (numeric ? (numbers as (number | undefined)[]).indexOf(readNumber(text)) : -1);
    if (k >= 0) return k;
    const answer = areWords ? answerOf(text) : undefined;
    if (answer !== undefined) return answers.indexOf(answer);
    throw new FewfireError(
      'invalid-data',
      `target ${shown} is ${JSON.stringify(text)} in row ${row + 1} of ${table.label}; expected ${classes.length === 2 ? `${JSON.stringify(classes[0])} or ${JSON.stringify(classes[1])}` : `one of ${listNearest([text], classes, 5)}`}`,
    );
  }
}

/** The target of one output as it is learned: the numbers, or -1 for the output's class (of two: the positive one) and +1 otherwise. */
export function outputTarget(spec: TargetSpec, target: Float64Array, output: number): Float64Array {
  return spec.kind === 'regression' ? target : target.map((value) => (value === output ? -1 : 1));
}

/** How many polynomials a target takes. */
export function outputCount(spec: TargetSpec): number {
  return spec.kind === 'multiclass' ? spec.classes.length : 1;
}

/** Reading the target column: which task it is, and its values as learned. */
import { FewfireError, listNames, type RunOptions } from '../base/index.ts';
import { type ColumnProfile, numberSpellingHint, orderTwoValues, type Table } from '../cube/index.ts';
import type { TargetSpec } from './model.ts';

export interface TargetOptions {
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
      `target ${shown} is NaN or infinite in ${profile.nonFiniteCount} of ${profile.rowCount} rows; expected finite numbers: correct or remove these rows`,
    );
  }
  if (distinctCount < 2) {
    const found = distinctCount === 0 ? 'no value at all' : `only the value ${JSON.stringify(values[0].value)}`;
    throw new FewfireError(
      'invalid-data',
      `target ${shown} has ${found} in ${profile.rowCount} rows; expected numbers that vary, or two classes`,
    );
  }
  if (distinctCount === 2 && transform === 'none') {
    const order = orderTwoValues(values[0].value, values[1].value, profile.type);
    const positive = options.positive ?? order.yes;
    const found = [order.no, order.yes];
    if (!found.includes(positive)) {
      throw new FewfireError(
        'invalid-argument',
        `target ${shown} never is ${JSON.stringify(positive)}; its classes are ${listNames(found)}: give one of them to --positive`,
      );
    }
    return { kind: 'binary', column: name, positive, negative: positive === order.yes ? order.no : order.yes };
  }
  if (profile.type !== 'number') {
    throw new FewfireError(
      'invalid-data',
      `target ${shown} has ${distinctCount} different texts (${listNames(
        values.map((entry) => entry.value),
        3,
      )}); expected numbers, or two classes${numberSpellingHint(profile)}`,
    );
  }
  if (options.positive !== undefined) {
    throw new FewfireError(
      'invalid-argument',
      `target ${shown} has ${distinctCount} different numbers, so it is learned as a number; --positive needs a target with two classes`,
    );
  }
  return { kind: 'regression', column: name, transform };
}

// Squared errors, and sums of them over rows, must neither overflow nor vanish.
const LARGEST = 1e140;
const SMALLEST_RANGE = 1e-140;

function refuseUnsquarable(numbers: Float64Array, column: string, label: string): void {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const [row, value] of numbers.entries()) {
    if (Math.abs(value) > LARGEST) {
      throw new FewfireError(
        'invalid-data',
        `target ${JSON.stringify(column)} is ${value} in row ${row + 1} of ${label}; expected numbers up to ${LARGEST}, whose squares can be added: correct the cell, use another unit, or use --target-transform log`,
      );
    }
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (high > low && high - low < SMALLEST_RANGE) {
    throw new FewfireError(
      'invalid-data',
      `target ${JSON.stringify(column)} of ${label} varies by ${high - low} only; expected numbers whose differences can be squared: use another unit, or --target-transform log`,
    );
  }
}

/**
 * The target of every row of a table as learned: numbers (their logarithm under the log transform), or -1 for the
 * positive and +1 for the negative class. NaN where missing.
 * @throws FewfireError `invalid-data` for other classes, text among numbers, or a value without logarithm
 */
export async function readTarget(table: Table, spec: TargetSpec, options: RunOptions = {}): Promise<Float64Array> {
  const shown = JSON.stringify(spec.column);
  if (spec.kind === 'regression') {
    const numbers = await table.numbers(spec.column, options);
    if (spec.transform === 'none') {
      refuseUnsquarable(numbers, spec.column, table.label);
      return numbers;
    }
    const bad = numbers.findIndex((value) => value <= 0);
    if (bad >= 0) {
      throw new FewfireError(
        'invalid-data',
        `target ${shown} is ${numbers[bad]} in row ${bad + 1} of ${table.label}; --target-transform log expected numbers above 0`,
      );
    }
    return numbers.map((value) => Math.log(value));
  }
  const numeric = Number.isFinite(Number(spec.positive)) && Number.isFinite(Number(spec.negative));
  const texts = await table.texts(spec.column, options);
  return Float64Array.from(texts, (text, row) => {
    if (text === null) return Number.NaN;
    if (text === spec.positive || (numeric && Number(text) === Number(spec.positive))) return -1;
    if (text === spec.negative || (numeric && Number(text) === Number(spec.negative))) return 1;
    throw new FewfireError(
      'invalid-data',
      `target ${shown} is ${JSON.stringify(text)} in row ${row + 1} of ${table.label}; expected ${JSON.stringify(spec.positive)} or ${JSON.stringify(spec.negative)}`,
    );
  });
}

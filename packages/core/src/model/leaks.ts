/**
 * Columns that tell the target in every row, which usually were made from it: a copy, its opposite, the same classes by
 * other names or in finer parts, the number in another unit or rounded. Looked for in the encoded rows, where each column
 * has few patterns; only what passes there is read again as numbers.
 */
import type { RunOptions } from '../base/index.ts';
import {
  bitAt,
  type ColumnProfile,
  columnCoordinateNames,
  type EncodedColumn,
  type EncoderSpec,
} from '../cube/index.ts';
import { targetClasses } from './model.ts';
import type { LabelledPoints, PreparedTable } from './prepare.ts';

const REMEDY = 'if it is made from the target, leave it out with --exclude';
/** In fewer rows, or with fewer to a value, a column tells the target by chance. */
const FEWEST_ROWS = 20;
const ROWS_PER_VALUE = 5;

/** A column of the encoder and where its coordinates stand. */
interface Place {
  readonly column: EncodedColumn;
  readonly names: readonly string[];
  readonly first: number;
}

function places(encoder: EncoderSpec): Place[] {
  let first = 0;
  return encoder.columns.map((column) => {
    const place = { column, names: columnCoordinateNames(column), first };
    first += place.names.length;
    return place;
  });
}

/**
 * Of classes. `data` is what the model was fitted on: the test's encoder may lack coordinates that the model has, and then
 * positions would name the wrong ones.
 */
export async function leakNotes(
  { spec, table, target: targetOfTable }: PreparedTable,
  encoder: EncoderSpec,
  data: LabelledPoints,
  options: RunOptions,
): Promise<string[]> {
  const classes = targetClasses(spec);
  if (classes.length === 0) return [];
  const { points, target } = data;
  const totals = new Uint32Array(classes.length);
  for (const k of target) totals[k]++;
  const notes: string[] = [];
  for (const { column, names, first } of places(encoder)) {
    const equal: string[] = [];
    // Of every pattern of the column's answers, how many rows each class has.
    const patterns = new Map<number, Uint32Array>();
    const patternOf = new Float64Array(target.length);
    for (const [j, name] of names.entries()) {
      const yes = new Uint32Array(classes.length);
      const plane = (first + j) >> 3;
      const bits = points.planes.subarray(plane * points.rowCount, (plane + 1) * points.rowCount);
      const mask = 1 << ((first + j) & 7);
      // Of the coordinates of a category at most one is a yes; thresholds follow from each other.
      const step = column.coding.kind === 'thresholds' && j < column.coding.above.length ? 1 : names.length + j;
      for (let i = 0; i < target.length; i++) {
        if ((bits[i] & mask) === 0) continue;
        yes[target[i]]++;
        patternOf[i] += step;
      }
      for (const [k, className] of classes.entries()) {
        if (classes.length === 2 && k === 1) continue; // the opposite of the first
        const same = yes.every((count, c) => count === (c === k ? totals[c] : 0));
        const opposite = yes.every((count, c) => count === (c === k ? 0 : totals[c]));
        if (!same && !opposite) continue;
        const what = classes.length === 2 ? 'the target' : `the class ${JSON.stringify(className)}`;
        equal.push(`${JSON.stringify(name)} ${same ? 'equals' : 'is the opposite of'} ${what} in every row: ${REMEDY}`);
      }
    }
    if (classes.length === 2 && equal.length > 0) {
      notes.push(...equal);
      continue;
    }
    for (let i = 0; i < target.length; i++) {
      const counts = patterns.get(patternOf[i]) ?? new Uint32Array(classes.length);
      counts[target[i]]++;
      patterns.set(patternOf[i], counts);
    }
    const pure = [...patterns.values()].every((counts) => counts.filter((count) => count > 0).length === 1);
    const numbers =
      !pure && column.coding.kind === 'thresholds' && mayTellClass([...patterns.values()])
        ? await table.numbers(column.column, options)
        : undefined;
    if (
      (pure && enoughRows(target.length, patterns.size)) ||
      (numbers !== undefined && tellsClass(numbers, targetOfTable, classes.length))
    ) {
      notes.push(`${JSON.stringify(column.column)} tells the target in every row: ${REMEDY}`);
    } else notes.push(...equal);
  }
  return notes;
}

// Between quantiles a number that tells the classes need not be cut where they change: then all of a class lie between two
// cuts, or of two classes all rows but those between two cuts lie apart.
function mayTellClass(counts: readonly Uint32Array[]): boolean {
  const mixed = counts.filter((count) => count.filter((rows) => rows > 0).length > 1).length;
  const whole = Array.from(counts[0], (_, k) => counts.filter((count) => count[k] > 0).length === 1);
  return mixed <= 1 || whole.every(Boolean);
}

// Whether numbers tell the class: each number has one, and they are few, or every class has a range of its own.
function tellsClass(numbers: Float64Array, target: Float64Array, classCount: number): boolean {
  const rows = Array.from(numbers.keys()).filter((row) => !Number.isNaN(target[row]) && !Number.isNaN(numbers[row]));
  rows.sort((x, y) => numbers[x] - numbers[y]);
  let values = 0;
  let changes = 1;
  for (const [i, row] of rows.entries()) {
    const before = rows[i - 1];
    const changed = i > 0 && target[row] !== target[before];
    if (i === 0 || numbers[row] !== numbers[before]) values++;
    else if (changed) return false;
    if (changed) changes++;
  }
  return rows.length >= FEWEST_ROWS && (changes === classCount || enoughRows(rows.length, values));
}

function enoughRows(rowCount: number, patternCount: number): boolean {
  return rowCount >= FEWEST_ROWS && rowCount >= ROWS_PER_VALUE * patternCount;
}

/** Of numbers: a column that equals the target, rises or falls with it in every row, or has one value for each of its. */
export async function numberLeakNotes(
  prepared: PreparedTable,
  encoder: EncoderSpec,
  data: LabelledPoints,
  options: RunOptions,
): Promise<string[]> {
  const { table, spec, target, targetProfile, profiles } = prepared;
  if (spec.kind !== 'regression') return [];
  const learned = (value: number): number => (spec.transform === 'log' ? Math.log(value) : value);
  const ordered = new Set<string>();
  const notes: string[] = [];
  for (const place of places(encoder)) {
    if (place.column.coding.kind === 'categories') {
      if (tellsNumber(place, data)) {
        notes.push(`${JSON.stringify(place.column.column)} tells the target in every row: ${REMEDY}`);
      }
    } else if (separates(place, data)) ordered.add(place.column.column);
  }
  const rows = Array.from(target.keys()).filter((row) => !Number.isNaN(target[row]));
  let byTarget: number[] | undefined;
  for (const profile of profiles) {
    const { name, type } = profile;
    if (type !== 'number' || !(ordered.has(name) || alike(profile, targetProfile))) continue;
    const numbers = await table.numbers(name, options);
    if (rows.every((row) => learned(numbers[row]) === target[row])) {
      notes.push(`${JSON.stringify(name)} equals the target in every row: ${REMEDY}`);
      continue;
    }
    byTarget ??= rows.toSorted((a, b) => target[a] - target[b]);
    const way = wayOf(numbers, target, byTarget);
    if (way !== undefined && rows.length >= FEWEST_ROWS) {
      notes.push(
        `${JSON.stringify(name)} never ${way === 'rises' ? 'falls' : 'rises'} as the target rises, in all rows: ${REMEDY}`,
      );
    }
  }
  return notes;
}

// Counts above the profile's limit may be estimates, so they need not be equal.
function alike({ distinctCount }: ColumnProfile, target: ColumnProfile): boolean {
  return distinctCount > 0.75 * target.distinctCount && distinctCount < 1.33 * target.distinctCount;
}

// Whether every coordinate has all its yes rows above all its no rows, or all below: equal targets may be on both sides.
function separates({ names, first }: Place, { points, target }: LabelledPoints): boolean {
  return (
    names.length > 0 &&
    names.every((_, j) => {
      const low = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
      const high = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (let i = 0; i < target.length; i++) {
        const bit = bitAt(points, i, first + j);
        if (target[i] < low[bit]) low[bit] = target[i];
        if (target[i] > high[bit]) high[bit] = target[i];
        if (high[0] > low[1] && high[1] > low[0]) return false;
      }
      return true;
    })
  );
}

// Which way a column goes as the target rises, in every row. It may stay (a rounded copy), and go while the target stays (a
// finer one); a missing cell goes nowhere.
function wayOf(
  numbers: Float64Array,
  target: Float64Array,
  byTarget: readonly number[],
): 'rises' | 'falls' | undefined {
  let rises = true;
  let falls = true;
  let highest = Number.NEGATIVE_INFINITY;
  let lowest = Number.POSITIVE_INFINITY;
  for (let start = 0; start < byTarget.length; ) {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    const value = target[byTarget[start]];
    let end = start;
    for (; end < byTarget.length && target[byTarget[end]] === value; end++) {
      const number = numbers[byTarget[end]];
      if (Number.isNaN(number)) return undefined;
      low = Math.min(low, number);
      high = Math.max(high, number);
    }
    rises &&= low >= highest;
    falls &&= high <= lowest;
    if (!rises && !falls) return undefined;
    highest = Math.max(highest, high);
    lowest = Math.min(lowest, low);
    start = end;
  }
  return highest > lowest ? (rises ? 'rises' : 'falls') : undefined;
}

// Whether each value of a text column stands beside one number only, and there are several.
function tellsNumber({ names, first }: Place, { points, target }: LabelledPoints): boolean {
  const numberOf = new Map<number, number>();
  for (let i = 0; i < target.length; i++) {
    let pattern = 0;
    for (let j = 0; j < names.length; j++) if (bitAt(points, i, first + j) === 1) pattern += j + 1;
    const known = numberOf.get(pattern);
    if (known === undefined) numberOf.set(pattern, target[i]);
    else if (known !== target[i]) return false;
  }
  return enoughRows(target.length, numberOf.size);
}

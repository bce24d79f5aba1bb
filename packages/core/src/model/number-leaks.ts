/**
 * The same of a target of numbers: the number in another unit or rounded, one number for each value of a column, and texts
 * that each stand for a range.
 */
import { logFactorial, type RunOptions } from '../base/index.ts';
import type { ColumnProfile, EncoderSpec } from '../cube/index.ts';
import { jointCounts, logChanceOfOrder, mayBeLuck } from './leak-chance.ts';
import {
  bitsOf,
  cellsThat,
  FEWEST_ROWS,
  hasHiddenValues,
  isFunction,
  leakNote,
  type Place,
  patternsOf,
  places,
  rowsOf,
  tells,
} from './leak-columns.ts';
import type { NoteOf } from './notes.ts';
import type { LabelledPoints, PreparedTable } from './prepare.ts';

/**
 * A column that equals the target, rises or falls with it in every row, has one number for each value, or for
 * each text a range of numbers.
 */
export async function numberLeakNotes(
  prepared: PreparedTable,
  encoder: EncoderSpec,
  data: LabelledPoints,
  options: RunOptions,
): Promise<NoteOf<'leak'>[]> {
  const { spec, target } = prepared;
  if (spec.kind !== 'regression') return [];
  const all = places(encoder);
  const byTarget = rowsOf(target, target).sort((a, b) => target[a] - target[b]);
  const notes: NoteOf<'leak'>[] = [];
  for (const place of all) {
    const note =
      (await orderNote(
        prepared,
        place,
        data,
        { columnCount: all.length, byTarget, isLog: spec.transform === 'log' },
        options,
      )) ?? (await valueNote(prepared, place, data, all.length, options));
    if (note !== undefined) notes.push(note);
  }
  return notes;
}

async function orderNote(
  { table, target, targetProfile, profiles, usableCount }: PreparedTable,
  place: Place,
  data: LabelledPoints,
  about: { readonly columnCount: number; readonly byTarget: Uint32Array; readonly isLog: boolean },
  options: RunOptions,
): Promise<NoteOf<'leak'> | undefined> {
  const { column, type } = place.column;
  const profile = profiles.find(({ name }) => name === column);
  if (type !== 'number' || profile === undefined) return undefined;
  if (!alike(profile, targetProfile) && !separates(place, data)) return undefined;
  const numbers = await table.numbers(column, options);
  const learned = (value: number): number => (about.isLog ? Math.log(value) : value);
  const rows = about.byTarget.filter((row) => !Number.isNaN(numbers[row]));
  const equal = rows.every((row) => learned(numbers[row]) === target[row]);
  const way = equal ? undefined : wayOf(numbers, target, rows);
  if (!equal && (way === undefined || rows.length < FEWEST_ROWS)) return undefined;
  if (mayBeLuck(logChanceOfOrder(jointCounts(numbers, target), Math.log(2)), about.columnCount)) return undefined;
  const relation = equal ? 'equals' : way === 'rises' ? 'never-falls' : 'never-rises';
  return leakNote(place, relation, rows.length, usableCount);
}

// Of a column's values: one number for each, or for texts ranges that do not overlap.
async function valueNote(
  prepared: PreparedTable,
  place: Place,
  { points, target }: LabelledPoints,
  columnCount: number,
  options: RunOptions,
): Promise<NoteOf<'leak'> | undefined> {
  const { type } = place.column;
  const isText = type !== 'number';
  const may = (cells: Float64Array, of: Float64Array): boolean =>
    isFunction(cells, of) || (isText && areApart(cells, of));
  const patterns = patternsOf(place, points);
  let values = patterns;
  let valueTarget = target;
  let usableCount = target.length;
  if (hasHiddenValues(prepared, place)) {
    // Those without a code of their own are all in one pattern, the others must pass by themselves.
    const coded = patterns.map((pattern) => (pattern === 0 ? Number.NaN : pattern));
    const cells = !isText || may(coded, target) ? await cellsThat(may, prepared, place, options) : undefined;
    if (cells === undefined) return undefined;
    values = cells;
    valueTarget = prepared.target;
    usableCount = prepared.usableCount;
  } else if (!may(patterns, target)) return undefined;
  const counts = jointCounts(values, valueTarget);
  if (tells(counts, columnCount)) return leakNote(place, 'tells', counts.rowCount, usableCount);
  if (!isText || counts.rowCount < FEWEST_ROWS || !areApart(values, valueTarget)) return undefined;
  if (mayBeLuck(logChanceOfOrder(counts, logFactorial(counts.values.length)), columnCount)) return undefined;
  return leakNote(place, 'ranges', counts.rowCount, usableCount);
}

// Whether the targets of no two values lie between each other; they may meet.
function areApart(values: Float64Array, target: Float64Array): boolean {
  const rangeOf = new Map<number, { low: number; high: number }>();
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]) || Number.isNaN(target[i])) continue;
    const range = rangeOf.get(values[i]);
    if (range === undefined) rangeOf.set(values[i], { low: target[i], high: target[i] });
    else if (target[i] < range.low) range.low = target[i];
    else if (target[i] > range.high) range.high = target[i];
  }
  const ranges = [...rangeOf.values()].sort((a, b) => a.low - b.low || a.high - b.high);
  return ranges.every(({ low }, i) => i === 0 || low >= ranges[i - 1].high);
}

// Counts above the profile's limit may be estimates, so they need not be equal.
function alike({ distinctCount }: ColumnProfile, target: ColumnProfile): boolean {
  return distinctCount > 0.75 * target.distinctCount && distinctCount < 1.33 * target.distinctCount;
}

// Whether every coordinate has all its yes rows above all its no rows, or all below, where the column has a value: equal
// targets may be on both sides.
function separates({ names, codeCount, first }: Place, { points, target }: LabelledPoints): boolean {
  const missing = codeCount < names.length ? bitsOf(points, first + codeCount) : undefined;
  if (codeCount === 0) return false;
  for (let j = 0; j < codeCount; j++) {
    const { bits, mask } = bitsOf(points, first + j);
    const low = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    const high = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < target.length; i++) {
      if (missing !== undefined && (missing.bits[i] & missing.mask) !== 0) continue;
      const bit = (bits[i] & mask) === 0 ? 0 : 1;
      if (target[i] < low[bit]) low[bit] = target[i];
      if (target[i] > high[bit]) high[bit] = target[i];
      if (high[0] > low[1] && high[1] > low[0]) return false;
    }
  }
  return true;
}

// Which way a column goes as the target rises, in every one of these rows. It may stay (a rounded copy), and go while the
// target stays (a finer one).
function wayOf(numbers: Float64Array, target: Float64Array, byTarget: Uint32Array): 'rises' | 'falls' | undefined {
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
      low = Math.min(low, numbers[byTarget[end]]);
      high = Math.max(high, numbers[byTarget[end]]);
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

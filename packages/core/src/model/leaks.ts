/**
 * Columns that tell a target of classes in every row, which usually were made from it: a copy, its opposite, the same
 * classes by other names, by numbers or in finer parts. Looked for in the encoded rows, where each column has few patterns;
 * only what may pass there is read again as it is. Cells without a value say nothing, and what luck explains
 * (`leak-chance.ts`) is not noted.
 */
import { logFactorial, type RunOptions } from '../base/index.ts';
import type { EncoderSpec } from '../cube/index.ts';
import { type JointCounts, jointCounts, logChanceOfOrder, mayBeLuck } from './leak-chance.ts';
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
import { targetClasses } from './model.ts';
import type { NoteOf } from './notes.ts';
import type { LabelledPoints, PreparedTable } from './prepare.ts';

/**
 * Of classes. `data` is what the model was fitted on: the test's encoder may lack coordinates that the model has, and then
 * positions would name the wrong ones.
 */
export async function leakNotes(
  prepared: PreparedTable,
  encoder: EncoderSpec,
  data: LabelledPoints,
  options: RunOptions,
): Promise<NoteOf<'leak'>[]> {
  const classes = targetClasses(prepared.spec);
  if (classes.length === 0) return [];
  const { points, target } = data;
  const all = places(encoder);
  const notes: NoteOf<'leak'>[] = [];
  for (const place of all) {
    const equal = equalCoordinates(place, data, classes, all.length);
    if (classes.length === 2 && equal.length > 0) {
      notes.push(...equal);
      continue;
    }
    const patterns = patternsOf(place, points);
    const counts = classCounts(patterns, target, classes.length);
    const pure = counts.every((ofPattern) => ofPattern.filter((rows) => rows > 0).length === 1);
    let told: JointCounts | undefined;
    if (pure) {
      const joint = jointCounts(patterns, target);
      if (tells(joint, all.length)) told = joint;
    } else {
      const mayRange = place.column.type === 'number' && mayHaveRanges(counts);
      const cells =
        mayRange || hasHiddenValues(prepared, place)
          ? await cellsThat(isFunction, prepared, place, options)
          : undefined;
      const joint = cells && jointCounts(cells, prepared.target);
      if (joint !== undefined && tells(joint, all.length)) told = joint;
      else if (joint !== undefined && cells !== undefined && mayRange) {
        const ranges = haveRanges(cells, prepared.target, classes.length);
        const chance = logChanceOfOrder(joint, logFactorial(classes.length));
        if (ranges && joint.rowCount >= FEWEST_ROWS && !mayBeLuck(chance, all.length)) told = joint;
      }
    }
    const usableCount = pure ? target.length : prepared.usableCount;
    notes.push(...(told === undefined ? equal : [leakNote(place, 'tells', told.rowCount, usableCount)]));
  }
  return notes;
}

// Notes of coordinates that are the target, its opposite, or one class of several.
function equalCoordinates(
  { names, first }: Place,
  { points, target }: LabelledPoints,
  classes: readonly string[],
  columnCount: number,
): NoteOf<'leak'>[] {
  const rowCount = target.length;
  const totals = new Uint32Array(classes.length);
  for (const k of target) totals[k]++;
  const notes: NoteOf<'leak'>[] = [];
  for (const [j, name] of names.entries()) {
    const { bits, mask } = bitsOf(points, first + j);
    const yes = new Uint32Array(classes.length);
    for (let i = 0; i < rowCount; i++) if ((bits[i] & mask) !== 0) yes[target[i]]++;
    for (const [k, className] of classes.entries()) {
      if (classes.length === 2 && k === 1) continue; // the opposite of the first
      const same = yes.every((count, c) => count === (c === k ? totals[c] : 0));
      const opposite = yes.every((count, c) => count === (c === k ? 0 : totals[c]));
      if (!same && !opposite) continue;
      const sizes = [totals[k], rowCount - totals[k]];
      const chance = logChanceOfOrder({ rowCount, values: sizes, targets: sizes, pairs: sizes }, Math.log(2));
      if (mayBeLuck(chance, columnCount)) continue;
      const ofClass = classes.length === 2 ? {} : { ofClass: className };
      notes.push({ kind: 'leak', name, relation: same ? 'equals' : 'opposite', ...ofClass });
    }
  }
  return notes;
}

// How many rows of each class every pattern has.
function classCounts(patterns: Float64Array, target: Float64Array, classCount: number): Uint32Array[] {
  const counts = new Map<number, Uint32Array>();
  for (let i = 0; i < target.length; i++) {
    if (Number.isNaN(patterns[i])) continue;
    let ofPattern = counts.get(patterns[i]);
    if (ofPattern === undefined) {
      ofPattern = new Uint32Array(classCount);
      counts.set(patterns[i], ofPattern);
    }
    ofPattern[target[i]]++;
  }
  return [...counts.values()];
}

// Between quantiles a number that tells the classes need not be cut where they change: then all of a class lie between two
// cuts, or of two classes all rows but those between two cuts lie apart.
function mayHaveRanges(counts: readonly Uint32Array[]): boolean {
  const mixed = counts.filter((count) => count.filter((rows) => rows > 0).length > 1).length;
  const whole = Array.from(counts[0] ?? [], (_, k) => counts.filter((count) => count[k] > 0).length === 1);
  return mixed <= 1 || whole.every(Boolean);
}

// Whether every class has a range of the numbers of its own.
function haveRanges(numbers: Float64Array, target: Float64Array, classCount: number): boolean {
  const rows = rowsOf(numbers, target).sort((x, y) => numbers[x] - numbers[y]);
  return rows.filter((row, i) => i > 0 && target[row] !== target[rows[i - 1]]).length < classCount;
}

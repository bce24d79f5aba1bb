/**
 * What a fit has to say beside its figures: rows and columns left out, degrees not tried, test rows that differ from the
 * training rows. A note is data: a kind, with the numbers and names it is about; kept in the model. Sentences are made of
 * notes in `words`.
 */
import { effectiveCount } from '../base/index.ts';
import type { ColumnProfile, EncodedRows, EncoderNotes, MostlyNumbers, ValueCount } from '../cube/index.ts';
import type { LowDegreeFit, Selection } from '../learn/index.ts';

/**
 * The fields of every kind of note. `OfColumn` is a `column`; `SomeRows` is `count` of `rowCount` rows; `SharedRows` is
 * `sharedCount` of `testCount` rows; `OfClass` is a `class`, absent where the fits of all classes have the note;
 * `MostlyNumbers` is `numberCount` of `cellCount` cells, `others` the most frequent of the other texts and `otherCount`
 * how many there are; `LeakRelation` is `equals`, `opposite`, `tells`, `never-falls`, `never-rises` or `ranges`.
 */
export interface NoteFields {
  // Rows that are not used, and what the others are worth.
  'missing-targets': SomeRows & OfColumn;
  'rows-dropped': { readonly count: number };
  'zero-weights': SomeRows & OfColumn;
  /** So many rows of equal weight say as much. */
  'unequal-weights': OfColumn & { readonly rowCount: number; readonly effectiveCount: number };
  'large-group': SomeRows & OfColumn & { readonly group: string };
  /** Groups are not split, and another share of the rows was asked for. */
  'uneven-test': SomeRows & OfColumn & { readonly share: number };

  // How cells were read.
  'missing-texts': {
    readonly columns: readonly { readonly column: string; readonly texts: readonly ValueCount[] }[];
  };
  'mostly-numbers': OfColumn & MostlyNumbers;
  identifier: OfColumn & { readonly distinctCount: number; readonly rowCount: number };
  'many-values': OfColumn & {
    readonly distinctCount: number;
    readonly keptCount: number;
    readonly otherRowCount: number;
  };

  // How the fit was chosen and made.
  'chosen-on-some-rows': OfClass & {
    readonly rowCount: number;
    readonly trainingRowCount: number;
    /** What all of them would have had too little of. */
    readonly fewerFor: 'time' | 'memory';
    readonly budgetSeconds: number;
  };
  'degree-lowered': OfClass & { readonly asked: number; readonly degree: number };
  'path-ended': OfClass & { readonly degree: number; readonly budgetSeconds: number };
  /** Nor those above. */
  'degree-not-tried': OfClass & { readonly degree: number; readonly reason: string };
  /** The gap is null where it is the gradient that was to become small. */
  'not-converged': OfClass & {
    readonly iterations: number;
    readonly relativeGradient: number;
    readonly tolerance: number;
    readonly dualityGap: number | null;
  };
  /** Predictions in the unit of a target whose logarithm is learned rest on about so many of these rows. */
  'few-smearing-rows': OfColumn & { readonly support: number; readonly rowCount: number };
  'no-intervals-few-rows': { readonly rowCount: number; readonly inGroups: boolean };
  'no-intervals-one-class': Readonly<Record<never, never>>;
  'no-intervals-failed': { readonly message: string };

  /** A column, or a coordinate of one, that may be made from the target. */
  leak: {
    readonly name: string;
    readonly relation: LeakRelation;
    /** The class it equals or is the opposite of, where there are several. */
    readonly ofClass?: string | undefined;
    /** In which it has a value, where these are not all. */
    readonly rowCount?: number | undefined;
  };

  // The test rows.
  /** Equal in every column, or in the target and those learned from. */
  'test-overlap': SharedRows & { readonly chanceCount: number; readonly columns: 'all' | 'learned' };
  /** The column has so many different numbers that equal rows are no chance. */
  'test-copies': SharedRows & OfColumn & { readonly distinctCount: number };
  /** The first of the values, and how many there are. */
  'test-unseen': OfColumn & {
    readonly rowCount: number;
    readonly values: readonly string[];
    readonly valueCount: number;
  };
  'test-missing': SomeRows;
  'test-zero-weights': SomeRows;

  // A table that is scored lacks what weighed or grouped the rows of the fit.
  'no-weight-column': OfColumn & { readonly table: string };
  'no-group-column': OfColumn & { readonly table: string };

  /** A sentence, of a file from before version 4. */
  text: { readonly text: string };
}

export type LeakRelation = 'equals' | 'opposite' | 'tells' | 'never-falls' | 'never-rises' | 'ranges';

interface OfColumn {
  readonly column: string;
}

interface SomeRows {
  readonly count: number;
  /** Of so many. */
  readonly rowCount: number;
}

interface SharedRows {
  readonly sharedCount: number;
  readonly testCount: number;
}

interface OfClass {
  /** Where not the fits of all classes have the note. */
  readonly class?: string | undefined;
}

/** What a note is about. */
export type NoteKind = keyof NoteFields;

/** A note of one kind. */
export type NoteOf<K extends NoteKind> = { [Each in K]: { readonly kind: Each } & NoteFields[Each] }[K];

/** What a user should know of a fit or a score, as data; `noteText` makes the sentence. */
export type Note = NoteOf<NoteKind>;

/** Notes that may be of one class only. */
export type ClassNote = NoteOf<
  'chosen-on-some-rows' | 'degree-lowered' | 'path-ended' | 'degree-not-tried' | 'not-converged'
>;

/** The delivered fit stops when its gradient is this much smaller than at the best constant. */
export const FIT_TOLERANCE = 1e-6;

/** What a user should know of how the table was read. */
export function tableNotes(notes: EncoderNotes, rowCount: number, usableCount: number): Note[] {
  const list: Note[] = [...notes.warnings];
  if (rowCount < usableCount) list.push({ kind: 'rows-dropped', count: usableCount - rowCount });
  return list;
}

/** Which cells of the columns counted as missing: the texts and how many of each; none when no text did. */
export function missingTextsNotes(profiles: readonly ColumnProfile[]): Note[] {
  const columns = profiles.flatMap(({ name, missingTexts = [] }) =>
    missingTexts.length === 0
      ? []
      : [{ column: name, texts: missingTexts.map(({ value, count }) => ({ value, count })) }],
  );
  return columns.length === 0 ? [] : [{ kind: 'missing-texts', columns }];
}

/** A sample is called small for its rows when its weights make it worth less than this share of them. */
const SMALL_SHARE = 0.25;

/** What a user should know of the weights: rows that weigh nothing, and how few rows the others are worth. */
export function weightsNotes(
  column: string,
  rowCount: number,
  zeroCount: number,
  weights: Float64Array | undefined,
): Note[] {
  const list: Note[] = [];
  if (zeroCount > 0) list.push({ kind: 'zero-weights', column, count: zeroCount, rowCount: zeroCount + rowCount });
  const effective = weights === undefined ? rowCount : effectiveCount(weights);
  if (effective < SMALL_SHARE * rowCount) {
    list.push({ kind: 'unequal-weights', column, rowCount, effectiveCount: effective });
  }
  return list;
}

/** Groups set aside come near the share asked when they differ by less than this part of it. */
const NEAR_SHARE = 0.1;

/** That whole groups do not make up the share of rows that was asked for. */
export function groupedTestNotes(group: string, testCount: number, share: number, rowCount: number): Note[] {
  const wanted = share * rowCount;
  if (Math.abs(testCount - wanted) <= Math.max(1, NEAR_SHARE * wanted)) return [];
  return [{ kind: 'uneven-test', column: group, count: testCount, rowCount, share }];
}

/** A group so large that the fold that holds it is tested on more rows than it is fitted on, or nearly. */
const LARGE_GROUP = 0.4;

/** That one group makes the folds uneven: the choice then rests on few rows. */
export function groupsNotes(
  { group }: { readonly group?: string | undefined },
  {
    clusters,
    groupNames,
  }: { readonly clusters: Uint32Array | undefined; readonly groupNames: readonly string[] | undefined },
  usable: Uint32Array,
): Note[] {
  if (group === undefined || clusters === undefined || groupNames === undefined) return [];
  const sizes = new Uint32Array(groupNames.length);
  for (const row of usable) sizes[clusters[row]]++;
  const most = sizes.indexOf(sizes.reduce((largest, size) => Math.max(largest, size), 0));
  if (sizes[most] < LARGE_GROUP * usable.length) return [];
  return [{ kind: 'large-group', column: group, group: groupNames[most], count: sizes[most], rowCount: usable.length }];
}

/** What a user should know of how the fit was chosen. */
export function selectionNotes(
  selection: Selection,
  trainingCount: number,
  fit: LowDegreeFit,
  requestedDegree: number | 'auto' | undefined,
): ClassNote[] {
  const { rowCount, budgetSeconds, fewerFor = 'time' } = selection;
  const list: ClassNote[] = [];
  if (rowCount < trainingCount) {
    list.push({ kind: 'chosen-on-some-rows', rowCount, trainingRowCount: trainingCount, fewerFor, budgetSeconds });
  }
  // Of stacking a degree is the largest that is allowed.
  const isExact = fit.summary.method !== 'stacking';
  if (isExact && typeof requestedDegree === 'number' && requestedDegree > fit.summary.degree) {
    list.push({ kind: 'degree-lowered', asked: requestedDegree, degree: fit.summary.degree });
  }
  // Where other methods were tried too, how far the lasso came is a detail.
  const alone = selection.candidates.every(({ method }) => method === 'lasso' || method === 'elastic-net');
  for (const degree of alone ? selection.stopped : []) list.push({ kind: 'path-ended', degree, budgetSeconds });
  for (const { degree, reason } of selection.skipped) list.push({ kind: 'degree-not-tried', degree, reason });
  return list;
}

/** What all outputs say is said once, without a class; what some say is said of theirs. */
export function notesOfClasses(
  lists: readonly (readonly ClassNote[])[],
  classOf: (output: number) => string | undefined,
): Note[] {
  const keys = lists.map((list) => new Set(list.map((note) => JSON.stringify(note))));
  const notes = lists.flatMap((list, k) => {
    const name = classOf(k);
    const isShared = (note: ClassNote): boolean => keys.every((others) => others.has(JSON.stringify(note)));
    return list.map((note) => (name === undefined || isShared(note) ? note : { ...note, class: name }));
  });
  return differentNotes(notes);
}

/** Each once. */
export function differentNotes(notes: readonly Note[]): Note[] {
  return [...new Map(notes.map((note) => [JSON.stringify(note), note])).values()];
}

/** What a user should know of how one output was fitted. */
export function outputNotes({ summary }: LowDegreeFit, outputClass: string | undefined): Note[] {
  if (summary.converged) return [];
  const { iterations, relativeGradient, dualityGap } = summary;
  const about = { iterations, relativeGradient, tolerance: FIT_TOLERANCE, dualityGap };
  return [{ kind: 'not-converged', ...about, ...(outputClass !== undefined && { class: outputClass }) }];
}

/** Of so many values that the fit has not seen the first are kept. */
const UNSEEN_KEPT = 3;

/** What the test table has that the training rows did not, and how many of its rows are not used. */
export function testTableNotes(encoded: EncodedRows, rowCount: number, usedCount: number): Note[] {
  const notes: Note[] = [];
  for (const column of new Set(encoded.unseen.map((entry) => entry.column))) {
    const entries = encoded.unseen.filter((entry) => entry.column === column);
    notes.push({
      kind: 'test-unseen',
      column,
      rowCount: entries.reduce((sum, entry) => sum + entry.count, 0),
      values: entries.slice(0, UNSEEN_KEPT).map(({ value }) => value),
      valueCount: entries.length,
    });
  }
  const left = rowCount - usedCount;
  if (left > 0) notes.push({ kind: 'test-missing', count: left, rowCount });
  return notes;
}

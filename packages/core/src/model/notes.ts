/**
 * What a fit has to say beside its figures: rows and columns left out, degrees not tried, test rows
 * that differ from the training rows. Kept in the model and printed with it.
 */
import { effectiveCount, listNames } from '../base/index.ts';
import type { EncodedRows, EncoderNotes, NumberForm } from '../cube/index.ts';
import type { LowDegreeFit, Selection } from '../learn/index.ts';
import type { Provenance } from './model.ts';

/** The delivered fit stops when its gradient is this much smaller than at the best constant. */
export const FIT_TOLERANCE = 1e-6;

/** What a user should know of how the table was read. */
export function tableNotes(notes: EncoderNotes, rowCount: number, usableCount: number): string[] {
  const list = [...notes.warnings];
  if (rowCount < usableCount) list.push(`${usableCount - rowCount} rows with missing values were dropped`);
  return list;
}

/** That rows have no target. */
export function missingTargetsNote(column: string, count: number, rowCount: number): string {
  return `${count} of ${rowCount} rows have no value in ${JSON.stringify(column)}, the target, and were left out`;
}

/** How texts were read where it is not what all programs write: in a line for each spelling. */
export function spellingNotes({ spellings = {} }: Pick<Provenance, 'spellings'>): string[] {
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

/** A sample is called small for its rows when its weights make it worth less than this share of them. */
const SMALL_SHARE = 0.25;

/** What a user should know of the weights: rows that weigh nothing, and how few rows the others are worth. */
export function weightsNotes(
  column: string,
  rowCount: number,
  zeroCount: number,
  weights: Float64Array | undefined,
): string[] {
  const list: string[] = [];
  if (zeroCount > 0) {
    list.push(
      `${zeroCount} of ${zeroCount + rowCount} rows have weight 0 in ${JSON.stringify(column)} and were left out`,
    );
  }
  const effective = weights === undefined ? rowCount : effectiveCount(weights);
  if (effective < SMALL_SHARE * rowCount) {
    list.push(
      `the weights ${JSON.stringify(column)} are very unequal: the ${rowCount} rows say as much as ${Number(effective.toPrecision(2))} of equal weight`,
    );
  }
  return list;
}

/** Groups set aside come near the share asked when they differ by less than this part of it. */
const NEAR_SHARE = 0.1;

/** That whole groups do not make up the share of rows that was asked for. */
export function groupedTestNotes(group: string, testCount: number, share: number, rowCount: number): string[] {
  const wanted = share * rowCount;
  if (Math.abs(testCount - wanted) <= Math.max(1, NEAR_SHARE * wanted)) return [];
  return [
    `${testCount} of ${rowCount} rows were set aside for the test, where a share of ${share} asks for ${Math.round(wanted)}: the groups of ${JSON.stringify(group)} are not split`,
  ];
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
): string[] {
  if (clusters === undefined || groupNames === undefined) return [];
  const sizes = new Uint32Array(groupNames.length);
  for (const row of usable) sizes[clusters[row]]++;
  const most = sizes.indexOf(sizes.reduce((largest, size) => Math.max(largest, size), 0));
  if (sizes[most] < LARGE_GROUP * usable.length) return [];
  return [
    `${sizes[most]} of ${usable.length} rows are in one group of ${JSON.stringify(group)}, ${JSON.stringify(groupNames[most])}: the fold that holds it is predicted from the other ${usable.length - sizes[most]} rows at most, so what the folds choose rests on few rows`,
  ];
}

/** What a user should know of how the fit was chosen. */
export function selectionNotes(
  selection: Selection,
  trainingCount: number,
  fit: LowDegreeFit,
  requestedDegree: number | 'auto' | undefined,
): string[] {
  const list: string[] = [];
  if (selection.rowCount < trainingCount) {
    list.push(
      `degree and penalty were chosen on ${selection.rowCount} of ${trainingCount} rows, to stay within ${selection.fewerFor === 'memory' ? 'the memory allowed' : `a budget of ${selection.budgetSeconds} s`}`,
    );
  }
  if (typeof requestedDegree === 'number' && requestedDegree > fit.summary.degree) {
    list.push(
      `degree ${requestedDegree} is more than there are coordinates: degree ${fit.summary.degree} has them all`,
    );
  }
  // Where other methods were tried too, how far the lasso came is a detail.
  const alone = selection.candidates.every(({ method }) => method === 'lasso' || method === 'elastic-net');
  for (const degree of alone ? selection.stopped : []) {
    list.push(
      `the path of lambdas at degree ${degree} ended early, to stay within a budget of ${selection.budgetSeconds} s`,
    );
  }
  for (const { degree, reason } of selection.skipped) list.push(`degree ${degree} and above were not tried: ${reason}`);
  return list;
}

/** What all outputs say is said once, without a class; what some say is said of theirs. */
export function notesOfClasses(
  lists: readonly (readonly string[])[],
  classOf: (output: number) => string | undefined,
): string[] {
  const shared = (note: string): boolean => lists.every((list) => list.includes(note));
  const notes = lists.flatMap((list, k) => {
    const name = classOf(k);
    return list.map((note) => (name === undefined || shared(note) ? note : `class ${JSON.stringify(name)}: ${note}`));
  });
  return [...new Set(notes)];
}

/** What a user should know of how one output was fitted. */
export function outputNotes(fit: LowDegreeFit, outputClass: string | undefined): string[] {
  if (fit.summary.converged) return [];
  const which = outputClass === undefined ? 'the fit' : `the fit of class ${JSON.stringify(outputClass)}`;
  const { iterations, relativeGradient, dualityGap } = fit.summary;
  const left =
    dualityGap === null
      ? `a gradient of ${relativeGradient.toExponential(1)} of its start, above the wanted ${FIT_TOLERANCE}`
      : `a duality gap of ${dualityGap.toExponential(1)} of the best constant's objective`;
  return [`${which} stopped after ${iterations} iterations with ${left}`];
}

/** What the test table has that the training rows did not, and how many of its rows are not used. */
export function testTableNotes(encoded: EncodedRows, rowCount: number, usedCount: number): string[] {
  const notes: string[] = [];
  for (const column of new Set(encoded.unseen.map((entry) => entry.column))) {
    const values = encoded.unseen.filter((entry) => entry.column === column);
    const rowCount = values.reduce((sum, entry) => sum + entry.count, 0);
    notes.push(
      `test rows: column ${JSON.stringify(column)} has values that the training rows do not, in ${rowCount} rows (${listNames(
        values.map((entry) => entry.value),
        3,
      )}); they count as the reference`,
    );
  }
  const left = rowCount - usedCount;
  if (left > 0) notes.push(`test rows: ${left} of ${rowCount} have missing values and were left out`);
  return notes;
}

/** How steady a choice of terms is: fits on several parts of the rows (folds), term by term. */
import { FewfireError } from '../base/index.ts';
import { createMonomialIndex } from '../cube/index.ts';
import { type Polynomial, type Term, termList } from '../spectrum/index.ts';
import type { FoldTerms } from './folds.ts';

/** How often the folds found a term, and with which coefficients. */
export interface TermStability {
  readonly coordinates: readonly number[];
  /** Share of the folds that select the term: its coefficient is not 0. */
  readonly selectedShare: number;
  /** Share of the folds that select it with the sign that more of them give it. */
  readonly sameSignShare: number;
  /** Least and largest coefficient over the folds that select it. */
  readonly minimum: number;
  readonly maximum: number;
}

/**
 * Every term that some fold selects; those selected most often (and with one sign) first, then by mean size.
 * @param folds the polynomial of each fold, or its terms; all over the same coordinates
 * @throws FewfireError `invalid-argument` without folds or when a fold has a term twice
 */
export function termStability(folds: readonly (Polynomial | readonly Term[])[]): TermStability[] {
  if (folds.length === 0) throw new FewfireError('invalid-argument', 'there are no folds; expected at least one');
  const found = new Map<string, { coordinates: readonly number[]; coefficients: number[] }>();
  folds.forEach((fold, f) => {
    const seen = new Set<string>();
    for (const { coordinates, coefficient } of 'offsets' in fold ? termList(fold) : fold) {
      if (coefficient === 0) continue;
      const sorted = [...coordinates].sort((a, b) => a - b);
      const key = sorted.join(' ');
      if (seen.has(key)) {
        throw new FewfireError('invalid-argument', `fold ${f} has the term [${key}] twice; expected every term once`);
      }
      seen.add(key);
      const entry = found.get(key);
      if (entry === undefined) found.set(key, { coordinates: sorted, coefficients: [coefficient] });
      else entry.coefficients.push(coefficient);
    }
  });
  const size = (coefficients: readonly number[]): number =>
    Math.abs(coefficients.reduce((sum, value) => sum + value, 0)) / folds.length;
  return [...found.values()]
    .map(({ coordinates, coefficients }) => {
      const positive = coefficients.filter((value) => value > 0).length;
      return {
        size: size(coefficients),
        stability: {
          coordinates,
          selectedShare: coefficients.length / folds.length,
          sameSignShare: Math.max(positive, coefficients.length - positive) / folds.length,
          minimum: Math.min(...coefficients),
          maximum: Math.max(...coefficients),
        },
      };
    })
    .sort(
      (a, b) =>
        b.stability.selectedShare - a.stability.selectedShare ||
        b.stability.sameSignShare - a.stability.sameSignShare ||
        b.size - a.size,
    )
    .map(({ stability }) => stability);
}

/**
 * What each fold found of some terms, under names of the caller's own: a term's `at` are its coordinates among those the
 * folds were fitted over, its `coordinates` what it is called in the result. A term of a higher degree than the folds
 * had is in none of them.
 * @param shape of the folds' fits
 */
export function foldTermLists(
  folds: readonly FoldTerms[],
  shape: { readonly coordinateCount: number; readonly degree: number },
  wanted: readonly { readonly at: readonly number[]; readonly coordinates: readonly number[] }[],
): Term[][] {
  const index = createMonomialIndex(shape.coordinateCount, shape.degree);
  const places = new Map<number, readonly number[]>();
  for (const { at, coordinates } of wanted) {
    if (at.length > index.degree) continue;
    places.set(index.indexOf([...at].sort((a, b) => a - b)), coordinates);
  }
  return folds.map(({ at, values }) => {
    const terms: Term[] = [];
    at.forEach((place, i) => {
      const coordinates = places.get(place);
      if (coordinates !== undefined) terms.push({ coordinates, coefficient: values[i] });
    });
    return terms;
  });
}

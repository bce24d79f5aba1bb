/**
 * Heredity of terms: a product is allowed only beside its parts. The parts of a
 * monomial are its subsets with one coordinate fewer; single coordinates have
 * none that matter, the constant being always there.
 */
import type { MonomialIndex } from '../cube/index.ts';

/** A product of two or more coordinates may be non-zero: always; beside at least one of its parts; beside all of them. */
export type Hierarchy = 'none' | 'weak' | 'strong';

/** Indices of the products that the non-zero monomials `support` make eligible, in no particular order. */
export function eligibleProducts(
  index: MonomialIndex,
  support: Iterable<number>,
  hierarchy: 'weak' | 'strong',
): number[] {
  const present = new Set(support);
  const products = new Set<number>();
  for (const at of present) {
    const subset = index.subsetAt(at);
    if (subset.length === 0 || subset.length === index.degree) continue;
    for (let j = 0; j < index.coordinateCount; j++) {
      if (subset.includes(j)) continue;
      const product = [...subset, j].sort((a, b) => a - b);
      if (hierarchy === 'weak' || hasParts(index, present, product, hierarchy)) products.add(index.indexOf(product));
    }
  }
  return [...products];
}

/** The members of `support` whose parts are not in it. */
export function orphans(index: MonomialIndex, support: readonly number[], hierarchy: 'weak' | 'strong'): number[] {
  const present = new Set(support);
  return support.filter((at) => !hasParts(index, present, index.subsetAt(at), hierarchy));
}

function hasParts(
  index: MonomialIndex,
  present: ReadonlySet<number>,
  subset: readonly number[],
  hierarchy: 'weak' | 'strong',
): boolean {
  if (subset.length < 2) return true;
  const isPresent = (left: number): boolean => present.has(index.indexOf(subset.filter((j) => j !== left)));
  return hierarchy === 'weak' ? subset.some(isPresent) : subset.every(isPresent);
}

/**
 * The order of monomials everywhere in fewfire: graded colexicographic. Subsets
 * of fewer coordinates come first; subsets of one size are ordered by their
 * largest coordinate, then the next largest, and so on. The index of a subset
 * does not depend on how many coordinates there are beyond its degree block, and
 * has a closed form: sum_j C(s_j, j+1) within its degree, s ascending.
 */

/**
 * C(n, k), exact while it is below 2^53, Infinity far beyond.
 * @example
 * ```ts
 * import { binomial } from '@fewfire/kernels';
 *
 * console.log(binomial(5, 2)); // 10
 * ```
 */
export function binomial(n: number, k: number): number {
  if (k < 0 || k > n) return 0;
  let result = 1;
  for (let i = 1; i <= Math.min(k, n - k); i++) result = Math.round((result * (n - i + 1)) / i);
  return result;
}

/**
 * D(n, d): how many monomials of degree at most d there are over n coordinates.
 * @example
 * ```ts
 * import { countMonomials } from '@fewfire/kernels';
 *
 * // 1 + 10 + 45
 * console.log(countMonomials(10, 2)); // 56
 * ```
 */
export function countMonomials(coordinateCount: number, degree: number): number {
  let count = 0;
  for (let j = 0; j <= Math.min(degree, coordinateCount); j++) count += binomial(coordinateCount, j);
  return count;
}

/** Index arithmetic for the monomials of degree at most `degree` over `coordinateCount` coordinates. */
export interface MonomialIndex {
  readonly coordinateCount: number;
  readonly degree: number;
  readonly count: number;
  /** First index of each degree, and the total count last: `degree + 2` numbers. */
  readonly offsets: readonly number[];
  /** `choose[j][s]` = C(s, j+1), so that the index of ascending s is offsets[k] + sum_j choose[j][s_j]. */
  readonly choose: readonly Float64Array[];
  /** The index of the ascending subset in `subset[0 .. size)`. */
  indexOf(subset: ArrayLike<number>, size?: number): number;
  /** Calls `visit(subset, size, index)` for every monomial in order; `subset` is reused between calls. */
  forEach(visit: (subset: Uint16Array, size: number, index: number) => void): void;
  /** The ascending subset at an index. */
  subsetAt(index: number): number[];
}

/**
 * The order of the monomials of degree at most d over n coordinates: graded colexicographic.
 * @throws RangeError beyond what can be numbered
 * @example
 * ```ts
 * import { createMonomialIndex } from '@fewfire/kernels';
 *
 * const index = createMonomialIndex(4, 2);
 * console.log(index.count, index.indexOf([0, 1]), index.subsetAt(1)); // 11 5 [ 0 ]
 * ```
 */
export function createMonomialIndex(coordinateCount: number, degree: number): MonomialIndex {
  const top = Math.min(degree, coordinateCount);
  const offsets = [0];
  for (let j = 0; j <= top; j++) offsets.push(offsets[j] + binomial(coordinateCount, j));
  const choose = Array.from({ length: top }, (_, j) =>
    Float64Array.from({ length: coordinateCount }, (_, s) => binomial(s, j + 1)),
  );

  const indexOf = (subset: ArrayLike<number>, size: number = subset.length): number => {
    let index = offsets[size];
    for (let j = 0; j < size; j++) index += choose[j][subset[j]];
    return index;
  };
  const forEach = (visit: (subset: Uint16Array, size: number, index: number) => void): void => {
    const subset = new Uint16Array(Math.max(1, top));
    let index = 0;
    for (let size = 0; size <= top; size++) {
      for (let j = 0; j < size; j++) subset[j] = j;
      for (;;) {
        visit(subset, size, index++);
        // Next in colex order: move the lowest element that can move, and reset those below it.
        let j = 0;
        while (j < size && subset[j] + 1 === (j + 1 < size ? subset[j + 1] : coordinateCount)) j++;
        if (j === size) break;
        subset[j]++;
        for (let k = 0; k < j; k++) subset[k] = k;
      }
    }
  };
  const subsetAt = (index: number): number[] => {
    let size = 0;
    while (index >= offsets[size + 1]) size++;
    let rest = index - offsets[size];
    const subset = new Array<number>(size);
    for (let j = size - 1, s = coordinateCount - 1; j >= 0; j--, s--) {
      while (choose[j][s] > rest) s--;
      subset[j] = s;
      rest -= choose[j][s];
    }
    return subset;
  };
  return { coordinateCount, degree: top, count: offsets[top + 1], offsets, choose, indexOf, forEach, subsetAt };
}

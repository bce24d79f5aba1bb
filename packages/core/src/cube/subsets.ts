/**
 * Which monomials a fit may use: all of degree <= d over the coordinates, less
 * the products of two coordinates of one group (one table column), which are
 * redundant: such a product is an affine combination of the two.
 */
import type { MonomialIndex } from '@fewfire/kernels';
import { FewfireError } from '../base/index.ts';

export { binomial, countMonomials, createMonomialIndex, type MonomialIndex } from '@fewfire/kernels';

/** Coordinates are numbered in 16 bits, in monomials and in the terms of polynomials. */
export const COORDINATE_LIMIT: number = 2 ** 16;

/** @throws FewfireError `unsupported` beyond `COORDINATE_LIMIT` */
export function checkCoordinateCount(coordinateCount: number): void {
  if (coordinateCount <= COORDINATE_LIMIT) return;
  throw new FewfireError(
    'unsupported',
    `there are ${coordinateCount.toLocaleString('en-US')} yes/no coordinates, at most ${COORDINATE_LIMIT.toLocaleString('en-US')} can be learned from; lower \`bins\`, or choose columns with \`features\` or \`exclude\``,
  );
}

/** Indices (graded colexicographic) of the monomials with two coordinates of one group, ascending. */
export function redundantMonomials(index: MonomialIndex, groups: ArrayLike<number> | undefined): Uint32Array {
  if (groups === undefined || index.degree < 2 || new Set(Array.from(groups)).size === groups.length) {
    return new Uint32Array(0);
  }
  const redundant: number[] = [];
  index.forEach((subset, size, at) => {
    for (let j = 0; j < size; j++) {
      for (let k = 0; k < j; k++) {
        if (groups[subset[j]] === groups[subset[k]]) {
          redundant.push(at);
          return;
        }
      }
    }
  });
  return Uint32Array.from(redundant);
}

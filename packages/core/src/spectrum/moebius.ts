/**
 * The Moebius form: f = sum_S m(S) [all of S present], where coordinate i is
 * present when x_i = -1 (bit 1, a yes). m(S), the Harsanyi dividend, is what the
 * whole of S adds beyond all its parts, everything else absent;
 * m(S) = (-2)^|S| sum_{U containing S} f^(U).
 */
import { checkRunOptions, type RunOptions } from '../base/index.ts';
import type { Polynomial } from './polynomial.ts';
import { type SupersetSumOptions, sumOverSupersets } from './subset-sums.ts';

/**
 * Flat like a polynomial, but over products of present-or-not, not of signs: hence a type of its own.
 * Entry t concerns the coordinates `members[offsets[t] .. offsets[t+1])`.
 */
export interface MoebiusForm {
  readonly coordinates: readonly string[];
  readonly termCount: number;
  readonly offsets: Uint32Array;
  readonly members: Uint16Array;
  /** m(S), in units of f. */
  readonly dividends: Float64Array;
}

/**
 * The Moebius form of a polynomial, f(x) = sum of m(S) over the S whose coordinates all have a yes in x; exact zeros
 * are dropped, rounding residue is not.
 * @throws FewfireError `memory-budget`: a term of degree d has 2^d subsets
 * @example
 * ```ts
 * import { moebiusForm, polynomialFromTerms } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * const { members, offsets, dividends } = await moebiusForm(f);
 * for (const [t, value] of dividends.entries()) console.log(`[${members.subarray(offsets[t], offsets[t + 1])}]`, value);
 * // [] 1.5
 * // [0] -2
 * // [1] -2
 * // [2] -1
 * // [0,1] 4
 * ```
 */
export async function moebiusForm(
  polynomial: Polynomial,
  options: Pick<RunOptions, 'signal' | 'memoryLimitBytes'> = {},
): Promise<MoebiusForm> {
  checkRunOptions('moebiusForm', options, {});
  return asMoebiusForm(await sumOverSupersets(polynomial, one, minusTwoPower, options));
}

/**
 * The polynomial of a Moebius form: f^(S) = (-1)^|S| sum_{T containing S} 2^-|T| m(T).
 * @throws FewfireError `memory-budget`: a term of degree d has 2^d subsets
 * @example
 * ```ts
 * import { moebiusForm, polynomialFromMoebius, polynomialFromTerms, termList } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * for (const { coordinates, coefficient } of termList(await polynomialFromMoebius(await moebiusForm(f)))) console.log(coordinates, coefficient);
 * // [ 2 ] 0.5
 * // [ 0, 1 ] 1
 * ```
 */
export async function polynomialFromMoebius(
  form: MoebiusForm,
  options: Pick<RunOptions, 'signal' | 'memoryLimitBytes'> = {},
): Promise<Polynomial> {
  checkRunOptions('polynomialFromMoebius', options, {});
  const { dividends, ...shape } = form;
  return sumOverSupersets(
    { ...shape, coefficients: dividends },
    (termSize) => 2 ** -termSize,
    (size) => (size % 2 === 0 ? 1 : -1),
    options,
  );
}

/**
 * The entries of a Moebius form as objects.
 * @example
 * ```ts
 * import { moebiusForm, polynomialFromTerms } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * console.log(moebiusTermList(await moebiusForm(f))[0]); // { coordinates: [], dividend: 1.5 }
 * ```
 */
export function moebiusTermList(form: MoebiusForm): { coordinates: number[]; dividend: number }[] {
  return Array.from(form.dividends, (dividend, t) => ({
    coordinates: Array.from(form.members.subarray(form.offsets[t], form.offsets[t + 1])),
    dividend,
  }));
}

/**
 * The faithful Banzhaf interactions of order l (Tsai, Yeh & Ravikumar 2023, with uniform weights): the dividends of the
 * best approximation of f by a game of order l, which is the truncation of its Fourier series:
 * (-2)^|S| sum_{U containing S, |U| <= l} f^(U).
 */
export async function faithfulBanzhaf(
  polynomial: Polynomial,
  options: Pick<RunOptions, 'signal' | 'memoryLimitBytes'> & { readonly order: number },
): Promise<MoebiusForm> {
  const limits: SupersetSumOptions = { ...options, largestTerm: options.order };
  return asMoebiusForm(await sumOverSupersets(polynomial, one, minusTwoPower, limits));
}

function asMoebiusForm({ coefficients, ...shape }: Polynomial): MoebiusForm {
  return { ...shape, dividends: coefficients };
}

function one(): number {
  return 1;
}

function minusTwoPower(size: number): number {
  return (-2) ** size;
}

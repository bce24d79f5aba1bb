/**
 * Checks of arguments, shared by the statements: each says what was got and
 * what was expected. Counts are safe integers, scales are finite, so that the
 * arithmetic behind them can overflow to Infinity but never to NaN.
 */
import { FewfireError } from '../base/index.ts';

function reject(name: string, got: unknown, expected: string): never {
  throw new FewfireError('invalid-argument', `${name} is ${String(got)}; expected ${expected}`);
}

/** An integer from `least` to `most`. */
export function checkCount(name: string, value: number, least = 1, most: number = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    reject(
      name,
      value,
      `an integer from ${least} to ${most === Number.MAX_SAFE_INTEGER ? '2^53 - 1' : most.toLocaleString('en-US')}`,
    );
  }
}

/** A finite number of at least 0. */
export function checkScale(name: string, value: number): void {
  if (!(value >= 0) || value === Number.POSITIVE_INFINITY) reject(name, value, 'a finite number of at least 0');
}

/** A finite number above 0. */
export function checkPositive(name: string, value: number): void {
  if (!(value > 0) || value === Number.POSITIVE_INFINITY) reject(name, value, 'a finite number above 0');
}

/** A bound handed on: a number of at least 0, possibly Infinity. */
export function checkBound(name: string, value: number): void {
  if (!(value >= 0)) reject(name, value, 'a number of at least 0');
}

/** A probability strictly between 0 and 1. */
export function checkConfidence(name: string, value: number): void {
  if (!(value > 0 && value < 1)) reject(name, value, 'a probability strictly between 0 and 1');
}

/** A probability in [0, 1]. */
export function checkShare(name: string, value: number): void {
  if (!(value >= 0 && value <= 1)) reject(name, value, 'a number from 0 to 1');
}

/** A noise rate: the probability that a coordinate is flipped, in (0, 1/2]. */
export function checkNoise(name: string, value: number): void {
  if (!(value > 0 && value <= 0.5)) reject(name, value, 'a flipping probability above 0 and at most 1/2');
}

/** The class H_{n,s,k}: unit count s >= 1 and sparsity 1 <= k <= s. */
export function checkUnits(options: { readonly unitCount: number; readonly sparsity: number }): void {
  checkCount('unitCount (s)', options.unitCount);
  checkCount('sparsity (k)', options.sparsity, 1, options.unitCount);
}

/** The class H_{n,s,k} with its scale (W, B). */
export function checkClass(options: {
  readonly inputCount: number;
  readonly unitCount: number;
  readonly sparsity: number;
  readonly weightScale: number;
  readonly biasScale: number;
}): void {
  checkCount('inputCount (n)', options.inputCount);
  checkUnits(options);
  checkScale('weightScale (W)', options.weightScale);
  checkScale('biasScale (B)', options.biasScale);
}

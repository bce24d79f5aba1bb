/** What both logistic fits share: the curve, its logarithm and slope, and what a target of two classes must be. */
import { FewfireError } from '../base/index.ts';

/** @throws FewfireError `invalid-data` */
export function checkTwoClasses(target: Float64Array): void {
  const bad = target.findIndex((value) => value !== 1 && value !== -1);
  if (bad < 0) return;
  throw new FewfireError(
    'invalid-data',
    `the target is ${target[bad]} in row ${bad}; expected -1 (a yes) or +1 (a no) for the logistic loss`,
  );
}

/** Log-odds of +1 by weight. @throws FewfireError `invalid-data` when one class has no weight */
export function bestConstant(target: Float64Array, weights: Float64Array): number {
  let yes = 0;
  let no = 0;
  for (let i = 0; i < target.length; i++) {
    if (target[i] < 0) yes += weights[i];
    else no += weights[i];
  }
  if (yes > 0 && no > 0) return Math.log(no / yes);
  throw new FewfireError(
    'invalid-data',
    `the target is ${yes > 0 ? -1 : 1} in every row of the fit; expected both classes, -1 and +1, for the logistic loss`,
  );
}

/** 1 / (1 + exp(-z)). */
export function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

/** log(1 + exp(z)), without overflow. */
export function softplus(z: number): number {
  return z > 0 ? z + Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z));
}

/** sigma(z) (1 - sigma(z)), exact in both tails. */
export function logisticSlope(z: number): number {
  const tail = Math.exp(-Math.abs(z));
  return tail / (1 + tail) ** 2;
}

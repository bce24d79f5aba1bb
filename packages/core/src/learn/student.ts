/** Student's t, through the incomplete beta function: what a normal quantile becomes when the error's own size is estimated. */
import { FewfireError, normalQuantile, regularizedIncompleteBeta } from '../base/index.ts';

/** Pr[|T| > t] for T of Student's distribution; t at least 0, any positive degrees of freedom. */
export function studentTail(t: number, degreesOfFreedom: number): number {
  return regularizedIncompleteBeta(degreesOfFreedom / (degreesOfFreedom + t * t), degreesOfFreedom / 2, 0.5);
}

/**
 * The t with Pr[|T| > t] = delta, to about 1e-12 relative.
 * @throws FewfireError `invalid-argument` unless 0 < delta < 1 and the degrees of freedom are positive
 */
export function studentQuantile(delta: number, degreesOfFreedom: number): number {
  if (!(delta > 0 && delta < 1 && degreesOfFreedom > 0)) {
    throw new FewfireError(
      'invalid-argument',
      `the t quantile at ${delta} with ${degreesOfFreedom} degrees of freedom; expected a probability inside (0, 1) and positive degrees of freedom`,
    );
  }
  // The tails of t are the heavier ones, so the normal quantile is below it. Bisection on a scale of factors.
  let low = normalQuantile(1 - delta / 2);
  if (degreesOfFreedom > LIKE_NORMAL) return low;
  let high = 2 * low + 1;
  while (studentTail(high, degreesOfFreedom) > delta) high *= 2;
  for (let step = 0; step < 200 && high - low > 1e-13 * high; step++) {
    const middle = (low + high) / 2;
    if (studentTail(middle, degreesOfFreedom) > delta) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** So many degrees of freedom that t and normal quantiles agree to 8 digits. */
const LIKE_NORMAL = 1e8;

/** Pr[|Z| > z] for a standard normal Z, to 8 digits: t with so many degrees of freedom. */
export function normalTail(z: number): number {
  return studentTail(z, LIKE_NORMAL);
}

/**
 * The two searches the statements need. Every value of their free parameter
 * gives a valid bound, so a search that stops early costs tightness only.
 */

const golden = (Math.sqrt(5) - 1) / 2;

/**
 * The least value of cost(t) found for t = ln(1/eta) in [0, 760], that is for
 * the failure probability eta = e^-t of a union bound. A scan brackets the
 * minimum, golden sections refine it.
 */
export function leastOverEta(cost: (t: number) => number): number {
  const last = 760;
  const step = 8;
  let bestAt = 0;
  let best = cost(0);
  for (let t = step; t <= last; t += step) {
    const value = cost(t);
    if (value < best) {
      best = value;
      bestAt = t;
    }
  }
  let low = Math.max(0, bestAt - step);
  let high = Math.min(last, bestAt + step);
  let left = high - golden * (high - low);
  let right = low + golden * (high - low);
  let atLeft = cost(left);
  let atRight = cost(right);
  for (let i = 0; i < 40; i++) {
    if (atLeft <= atRight) {
      high = right;
      right = left;
      atRight = atLeft;
      left = high - golden * (high - low);
      atLeft = cost(left);
    } else {
      low = left;
      left = right;
      atLeft = atRight;
      right = low + golden * (high - low);
      atRight = cost(right);
    }
  }
  return Math.min(best, atLeft, atRight);
}

/**
 * The least integer t >= from with holds(t), for a condition that stays true
 * once it is true; Infinity if it fails up to 1e300. Beyond 2^53 the answer is
 * rounded up to a double.
 */
export function leastInteger(from: number, holds: (t: number) => boolean): number {
  if (holds(from)) return from;
  let low = from;
  let high = Math.max(1, 2 * from);
  while (!holds(high)) {
    low = high;
    high *= 2;
    if (high > 1e300) return Number.POSITIVE_INFINITY;
  }
  while (high - low > 1) {
    const middle = Math.floor(low + (high - low) / 2);
    if (middle <= low || middle >= high) break;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** ceil(x), forgiving a relative excess of 1e-12: that much is the rounding of W^2 or of a rate, not a degree. */
export function ceilCount(x: number): number {
  return Math.ceil(x * (1 - 1e-12));
}

/** The log of an O() statement taken with constant 1: ln x, but at least 1, so that log 1 does not hide a term. */
export function paperLog(lnX: number): number {
  return Math.max(1, lnX);
}

/** a b, and 0 if either is 0 even when the other has overflowed. */
export function product(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : a * b;
}

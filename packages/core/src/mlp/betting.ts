/**
 * Means of numbers from 0 to 1 by betting (Waudby-Smith & Ramdas 2024): whoever bets on "the mean is not m" with fair odds
 * cannot multiply the stake by 1/delta, except with probability delta (Ville 1939). Nothing is assumed of the distribution,
 * and where most numbers are near 0 the limits are far closer than Hoeffding's or Bernstein's: with n zeros the upper limit
 * is about ln(1/delta) / n, which no method that assumes nothing can beat.
 *
 * Bets are a fixed mixture, so that limits do not depend on the order of the numbers. The same bets, carried on as numbers
 * come in, make an alarm that may be looked at after every number.
 */
import { checkConfidenceDelta, FewfireError, type Interval } from '../base/index.ts';

/** [share of the largest bet allowed, share of the stake]. Far from the limit a large bet is best, near it a small one. */
const BETS: readonly (readonly [number, number])[] = [
  [0.95, 0.55],
  [0.4, 0.2],
  [0.15, 0.1],
  [0.05, 0.1],
  [0.015, 0.05],
];

/**
 * Two-sided interval for the mean of independent numbers from 0 to 1: it misses the mean with probability at most
 * `confidenceDelta`, half of it on each side.
 * @throws FewfireError `invalid-argument` without numbers, or for numbers outside 0 to 1
 */
export function bettingInterval(values: Iterable<number>, confidenceDelta: number): Interval {
  checkConfidenceDelta(confidenceDelta);
  const positive: number[] = [];
  let count = 0;
  for (const value of values) {
    if (!(value >= 0 && value <= 1)) {
      throw new FewfireError('invalid-argument', `a number of the sample is ${value}; expected 0 to 1`);
    }
    count++;
    if (value > 0) positive.push(value);
  }
  if (count === 0) throw new FewfireError('invalid-argument', 'the sample is empty; expected at least one number');
  const mean = positive.reduce((sum, value) => sum + value, 0) / count;
  const zeros = count - positive.length;
  const enough = Math.log(2 / confidenceDelta);
  // Both kinds of wealth grow as m moves away from the mean.
  const upper = bisect(mean, 1, (m) => logWealth(positive, zeros, m, -1) < enough);
  const lower = mean === 0 ? 0 : bisect(mean, 0, (m) => logWealth(positive, zeros, m, 1) < enough);
  return [lower, upper];
}

// Stake after betting on every number being above m (side 1) or below (side -1), as a logarithm.
function logWealth(positive: readonly number[], zeros: number, m: number, side: 1 | -1): number {
  const most = side === 1 ? 1 / m : 1 / (1 - m);
  const logs = BETS.map(([bet, stake]) => {
    const by = side * bet * most;
    let sum = Math.log(stake) + zeros * Math.log1p(-by * m);
    for (const value of positive) sum += Math.log1p(by * (value - m));
    return sum;
  });
  const largest = Math.max(...logs);
  return largest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0));
}

// From `inside`, where the condition holds, towards `outside`; errs to the outside.
function bisect(inside: number, outside: number, holds: (m: number) => boolean): number {
  for (let step = 0; step < 40; step++) {
    const middle = (inside + outside) / 2;
    if (holds(middle)) inside = middle;
    else outside = middle;
  }
  return outside;
}

export interface MeanAlarm {
  /** Takes the next number, 0 to 1; true from the alarm on. */
  add(value: number): boolean;
}

/**
 * Rings when numbers from 0 to 1 have, on average, come to lie beyond `limit`. While each number's mean, given those before,
 * is on the right side of it, the chance that it *ever* rings is at most `delta`.
 *
 * A stake that has lost for long would take long to recover, so a share 1 / (t (t + 1)) of it is kept back until the t-th
 * number: the shares add up to 1, and a change after t numbers is found about ln(t^2 / delta) / growth numbers later.
 */
export function createMeanAlarm(limit: number, side: 'above' | 'below', delta: number): MeanAlarm {
  const room = side === 'above' ? limit : limit - 1;
  const wealth = BETS.map(() => 0);
  let count = 0;
  let rings = false;
  return {
    add(value) {
      // Nothing lies beyond a limit of 0 or 1, and nothing can be won by betting on it.
      if (rings || room === 0) return rings;
      count++;
      const surprise = (value - limit) / room;
      let total = 0;
      for (let b = 0; b < BETS.length; b++) {
        const [bet, stake] = BETS[b];
        wealth[b] = (wealth[b] + stake / (count * (count + 1))) * (1 + bet * surprise);
        total += wealth[b];
      }
      rings = total >= 1 / delta;
      return rings;
    },
  };
}

/** Missed mass of single inputs, and what can be stated of its mean. The definition is in calibration.ts. */

/** @param units,values active units in increasing order, and activations; `kept`: those that a screen did not leave out */
export function missedShare(units: Uint32Array, values: Float32Array, kept: Uint32Array): number {
  let total = 0;
  let missed = 0;
  for (let k = 0, at = 0; k < units.length; k++) {
    const mass = Math.abs(values[k]);
    total += mass;
    while (at < kept.length && kept[at] < units[k]) at++;
    if (kept[at] !== units[k]) missed += mass;
  }
  // Sums that are not finite: nothing can be said of shares, and the screen lets every unit of such inputs through.
  return missed === 0 ? 0 : Number.isFinite(total) ? missed / total : 1;
}

/**
 * The mean share to aim for when choosing a threshold, so that the interval measured on `inputCount` other inputs has a fair
 * chance to lie below the target; null where not even a screen that misses nothing would.
 */
export function aimFor(target: number, inputCount: number, confidenceDelta: number): number | null {
  // About what betting costs at the largest bet, and some room for chance.
  const cost = (Math.log(2 / confidenceDelta) + 0.7) / inputCount;
  return 1.1 * cost >= target ? null : Math.min(0.7 * target, Math.max(0.05 * target, target - 1.5 * cost));
}

/** The least number of inputs for which `aimFor` is not null. */
export function leastInputs(target: number, confidenceDelta: number): number {
  return Math.floor((1.1 * (Math.log(2 / confidenceDelta) + 0.7)) / target) + 1;
}

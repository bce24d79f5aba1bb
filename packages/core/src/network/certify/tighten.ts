/**
 * Tightening (THEORY section 7): units without the dead ones, biases raised to b+,
 * the least value above b that <w_j, x> can take on the cube. A unit is active
 * where <w_j, x> >= b_j+. The raised bias comes from the greatest common divisor of
 * the weights, so it is there for every finite network, not only for integers; for
 * sets of weights with few different sums the least attainable value may be higher.
 */
import { type ExactUnit, exactUnit, exactUnits } from '@fewfire/kernels';
import type { SparseNetwork } from '../network.ts';
import { createPauses } from './pauses.ts';

export interface TightenedNetwork {
  /** Every unit in whole numbers. */
  readonly units: readonly ExactUnit[];
  /** Active on no point of the cube. */
  readonly deadUnits: Uint32Array;
  /** Active on every point of the cube. */
  readonly alwaysActiveUnits: Uint32Array;
  /** All but the dead. */
  readonly liveUnits: Uint32Array;
  /** b_j+ of every unit, rounded to a double (exact for integers below 2^53). */
  readonly leastAbove: Float64Array;
}

/** Exact for every network: no rounding decides whether a unit is dead. */
export function tighten(network: Pick<SparseNetwork, 'inputCount' | 'weights' | 'biases'>): TightenedNetwork {
  return sortUnits(exactUnits(network.inputCount, network.weights, network.biases));
}

/** The same with pauses, because millions of weights take seconds. */
export async function tightenWithPauses(
  network: Pick<SparseNetwork, 'inputCount' | 'weights' | 'biases'>,
  signal: AbortSignal | undefined,
): Promise<TightenedNetwork> {
  const { inputCount, weights, biases } = network;
  const pause = createPauses(signal);
  const units: ExactUnit[] = [];
  for (let j = 0; j < biases.length; j++) {
    const turn = pause();
    if (turn !== undefined) await turn;
    units.push(exactUnit(weights.subarray(j * inputCount, (j + 1) * inputCount), biases[j]));
  }
  return sortUnits(units);
}

function sortUnits(units: readonly ExactUnit[]): TightenedNetwork {
  const dead: number[] = [];
  const always: number[] = [];
  const live: number[] = [];
  units.forEach((unit, j) => {
    if (unit.highest < 1n) dead.push(j);
    else live.push(j);
    if (unit.lowest >= 1n) always.push(j);
  });
  return {
    units,
    deadUnits: Uint32Array.from(dead),
    alwaysActiveUnits: Uint32Array.from(always),
    liveUnits: Uint32Array.from(live),
    leastAbove: Float64Array.from(units, (unit) => unit.leastAbove),
  };
}

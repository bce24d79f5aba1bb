/** Labelled samples of a network: points of its domain, its values there, noise and flipped labels if wanted. */
import { checkRunOptions, createRandom, FewfireError, type RunOptions, runOptionsOf } from '../base/index.ts';
import type { CubePoints } from '../cube/index.ts';
import { drawPoints } from './domain.ts';
import { evaluateNetwork } from './network.ts';
import { type AnyNetwork, evaluateTreeNetwork, isTreeNetwork } from './tree-network.ts';

/** Options of `sampleNetwork`. */
export interface SampleOptions extends RunOptions {
  readonly rowCount: number;
  /** Standard deviation of normal noise added to every value. Default 0. */
  readonly noiseSd?: number;
  /** Chance that a row gets the other label; only for networks into {+1,-1} or {0,1}. Default 0. */
  readonly flip?: number;
}

/** At least so many points are looked at for a network's two labels. */
const LABEL_ROWS = 4096;

/** Random rows of a network's domain with its values. */
export interface NetworkSample {
  readonly points: CubePoints;
  /** What a learner sees: the values with flips and noise. */
  readonly target: Float64Array;
  /** h at every point. */
  readonly values: Float64Array;
  readonly flippedCount: number;
}

/**
 * Independent uniform rows of the network's domain. Points depend on the seed alone, so the same rows come with and
 * without noise, and the first rows of a larger sample are those of a smaller one.
 * @throws FewfireError `invalid-argument` (options out of range; flips of a network with other values), `unsupported` (a domain of rows)
 * @example
 * ```ts
 * import { parityNetwork, sampleNetwork } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const { values, target } = await sampleNetwork(network, { rowCount: 3, noiseSd: 0.1, seed: 3 });
 * console.log(values, Array.from(target, (y) => y.toFixed(2))); // Float64Array(3) [ 1, -1, -1 ] [ '0.92', '-0.77', '-0.92' ]
 * ```
 */
export async function sampleNetwork(network: AnyNetwork, options: SampleOptions): Promise<NetworkSample> {
  checkRunOptions('sampleNetwork', options, { rowCount: { need: 'number' }, noiseSd: 'number', flip: 'number' });
  const { rowCount, noiseSd = 0, flip = 0, seed = 1 } = options;
  if (!(noiseSd >= 0 && noiseSd < Number.POSITIVE_INFINITY)) {
    throw new FewfireError('invalid-argument', `noiseSd is ${noiseSd}, expected a number of at least 0`);
  }
  if (!(flip >= 0 && flip <= 1)) {
    throw new FewfireError('invalid-argument', `flip is ${flip}, expected a probability from 0 to 1`);
  }
  const points = drawPoints(network, rowCount, seed);
  const values = await valuesAt(network, points, options);
  const target = values.slice();
  let flippedCount = 0;
  if (flip > 0) {
    // Which two labels there are must not depend on how many rows are wanted.
    const seen =
      rowCount >= LABEL_ROWS ? values : await valuesAt(network, drawPoints(network, LABEL_ROWS, seed), options);
    const other = otherLabel(network, seen);
    const flips = createRandom(seed + 0x0f11b5);
    for (let i = 0; i < rowCount; i++) {
      if (flips.uniform() >= flip) continue;
      target[i] = other(values[i]);
      flippedCount++;
    }
  }
  if (noiseSd > 0) {
    const noise = createRandom(seed + 0x0a0153);
    for (let i = 0; i < rowCount; i++) target[i] += noiseSd * noise.normal();
  }
  return { points, target, values, flippedCount };
}

function valuesAt(network: AnyNetwork, points: CubePoints, options: RunOptions): Promise<Float64Array> {
  const run = runOptionsOf(options);
  return isTreeNetwork(network) ? evaluateTreeNetwork(network, points, run) : evaluateNetwork(network, points, run);
}

function otherLabel(network: AnyNetwork, values: Float64Array): (value: number) => number {
  const odd = values.find((value) => value !== 0 && value !== 1 && value !== -1);
  const hasZero = values.includes(0) || network.provenance.parameters.values === 'zero-one';
  const hasMinus = values.includes(-1);
  if (odd !== undefined || (hasZero && hasMinus)) {
    throw new FewfireError(
      'invalid-argument',
      `labels can be flipped only where a network has two values, +1 and -1 or 0 and 1; this one has ${odd ?? 'all three'}: use noiseSd instead`,
    );
  }
  return hasZero ? (value) => 1 - value : (value) => -value;
}

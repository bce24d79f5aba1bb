/**
 * Remark 3.5: how often more than k units are active at a uniform point of the
 * domain, from independent samples: the Clopper-Pearson upper limit of
 * Pr[|R_x| > k]. The limit holds with probability 1 - confidenceDelta for three
 * ways of choosing k, and only these are offered:
 * - `beforehand`: k does not depend on the samples;
 * - `threshold`: the smallest k whose limit is at most a share fixed beforehand (all
 *   limits fail only together with the first that does), and the share is stated;
 * - `largest-seen`: if Pr[|R_x| > k] exceeds the limit for the largest k seen, no
 *   sample fell there, which has probability at most confidenceDelta.
 */
import { clopperPearsonUpperLimit, FewfireError, type RunOptions } from '../../base/index.ts';
import { bitAt } from '../../cube/index.ts';
import { domainBits, drawnParts } from '../domain.ts';
import type { NetworkDomain } from '../network.ts';
import type { AnyNetwork } from '../tree-network.ts';
import { countRowsExactly } from './rows.ts';
import type { FoundPoint } from './search.ts';
import type { TightenedNetwork } from './tighten.ts';

export interface SampleOptions {
  /** Of `sample`, as the three below. Default 100,000. */
  readonly sampleCount?: number | undefined;
  /** The probability that the limit on the share fails. Default 0.01. */
  readonly confidenceDelta?: number | undefined;
  /** A k chosen beforehand: the share of points with more than k active units is bounded. Default: the most seen. */
  readonly k?: number | undefined;
  /** Or: the smallest k whose limit is at most this share. */
  readonly shareThreshold?: number | undefined;
}

export interface SparsityEstimate {
  readonly k: number;
  readonly choice: 'beforehand' | 'threshold' | 'largest-seen';
  readonly sampleCount: number;
  /** Samples with more than k active units. */
  readonly aboveCount: number;
  /** Pr[|R_x| > k] is at most this, with probability 1 - confidenceDelta over the samples. */
  readonly shareUpperLimit: number;
  readonly confidenceDelta: number;
  readonly seed: number;
  /** histogram[a] samples had a active units. */
  readonly histogram: readonly number[];
}

export async function estimateSparsity(
  network: AnyNetwork,
  tightened: TightenedNetwork,
  domain: Exclude<NetworkDomain, { kind: 'rows' }>,
  options: SampleOptions & RunOptions = {},
): Promise<{ readonly estimate: SparsityEstimate; readonly found: FoundPoint }> {
  const { sampleCount = 100_000, confidenceDelta = 0.01, k, shareThreshold, seed = 1 } = options;
  if (!Number.isInteger(sampleCount) || sampleCount < 1) {
    throw new FewfireError('invalid-argument', `sampleCount is ${sampleCount}, expected a whole number of at least 1`);
  }
  if (k !== undefined && (!Number.isInteger(k) || k < 0)) {
    throw new FewfireError('invalid-argument', `k is ${k}, expected a whole number of at least 0`);
  }
  if (k !== undefined && shareThreshold !== undefined) {
    throw new FewfireError('invalid-argument', 'both k and shareThreshold are given; expected one: the other follows');
  }
  const leastLimit = clopperPearsonUpperLimit(0, sampleCount, confidenceDelta);
  if (shareThreshold !== undefined && !(leastLimit <= shareThreshold && shareThreshold < 1)) {
    const needed = Math.ceil(Math.log(confidenceDelta) / Math.log1p(-shareThreshold));
    throw new FewfireError(
      'invalid-argument',
      `${sampleCount} samples show shares from ${leastLimit.toPrecision(3)} up to 1, shareThreshold is ${shareThreshold}; expected ${shareThreshold > 0 && shareThreshold < 1 ? `at least ${needed} samples` : 'a share between 0 and 1'}`,
    );
  }
  const onDomain = { inputCount: network.inputCount, domain };
  const histogram: number[] = [];
  let found: FoundPoint = { bits: new Uint8Array(0), activeCount: -1 };
  for (const points of drawnParts(onDomain, sampleCount, seed)) {
    const counts = await countRowsExactly(network, tightened, points, options);
    counts.histogram.forEach((count, a) => {
      histogram[a] = (histogram[a] ?? 0) + count;
    });
    if (counts.maximum <= found.activeCount) continue;
    const bits = Uint8Array.from({ length: domainBits(onDomain) }, (_, i) => bitAt(points, counts.maximumRow, i));
    found = { bits, activeCount: counts.maximum };
  }
  const above = (least: number): number => histogram.slice(least + 1).reduce((sum, count) => sum + count, 0);
  const limit = (least: number): number => clopperPearsonUpperLimit(above(least), sampleCount, confidenceDelta);
  let chosen = k ?? found.activeCount;
  let shareUpperLimit = limit(chosen);
  if (shareThreshold !== undefined) {
    chosen = 0;
    while (limit(chosen) > shareThreshold) chosen++;
    shareUpperLimit = shareThreshold;
  }
  return {
    estimate: {
      k: chosen,
      choice: k !== undefined ? 'beforehand' : shareThreshold !== undefined ? 'threshold' : 'largest-seen',
      sampleCount,
      aboveCount: above(chosen),
      shareUpperLimit,
      confidenceDelta,
      seed,
      histogram,
    },
    found,
  };
}

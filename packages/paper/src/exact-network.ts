/** Small networks measured without error: every point of the cube is listed. */
import type { FamilyMember, NetworkClass, RunOptions } from '@fewfire/core';

export interface ExactNetwork {
  /** Its class with the k that was counted, k at least 1. */
  readonly class: NetworkClass;
  /** Q = sum_j p_j u_j^2 ||w_j||^2 with exact rates p_j. */
  readonly scaledFiring: number;
  readonly spectrum: Float64Array;
  readonly averageSensitivity: number;
}

const CHUNK_ROWS = 2 ** 14;

/** Lists the cube: 2^n s n multiplications, so n is at most 20. */
export async function measureExactly({ network }: FamilyMember, options: RunOptions): Promise<ExactNetwork> {
  const core = await import('@fewfire/core/internal');
  const run = { signal: options.signal, threads: options.threads, memoryLimitBytes: options.memoryLimitBytes };
  const { inputCount, unitCount } = network;
  const size = 2 ** inputCount;
  const values = new Float64Array(size);
  const counts = new Float64Array(unitCount);
  let sparsity = 0;
  for (let first = 0; first < size; first += CHUNK_ROWS) {
    const points = core.domainPoints(network, first, Math.min(CHUNK_ROWS, size - first));
    values.set(await core.evaluateNetwork(network, points, run), first);
    const { maximum, unitCounts } = await core.measureSparsity(network, points, run);
    sparsity = Math.max(sparsity, maximum);
    unitCounts.forEach((count, j) => {
      counts[j] += count;
    });
  }
  const { weight, bias } = core.networkScale(network);
  const scaledFiring = core
    .squaredScales(network)
    .reduce((sum, squaredScale, j) => sum + (counts[j] / size) * squaredScale, 0);
  const spectrum = await core.fourierTransform(values, run);
  return {
    class: { inputCount, unitCount, sparsity: Math.max(1, sparsity), weightScale: weight, biasScale: bias },
    scaledFiring,
    spectrum,
    averageSensitivity: core.averageSensitivity(spectrum),
  };
}

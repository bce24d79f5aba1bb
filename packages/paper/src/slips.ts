/** The slips of the published text (docs/theory.md), each with numbers computed here that show it. */
import { numberText as text } from '@fewfire/core/words';
import type { Slip } from '@fewfire/report';

export async function publishedSlips(): Promise<Slip[]> {
  const { anyDistributionSampleCounts } = await import('@fewfire/core');
  return [lemmaSlip(), liftedParitySlip(), sampleCountSlip(anyDistributionSampleCounts)];
}

function lemmaSlip(): Slip {
  const [n, s, k, W, B] = [1024, 64, 4, 1, 8];
  const bias = k ** 3 * B ** 2 * Math.sqrt(Math.log(s));
  const weight = k ** 4 * W ** 2 * Math.sqrt(n) * Math.log(n * s);
  return {
    where: 'Lemma 3.2, and with it Lemma 3.4',
    printed: 'k³B²√(log s) as the second term',
    meant: 'k³B²√(n log s), as the proof gives; the statement is true all the same, by the new Lemma 3.2',
    evidence: `n = ${n}, s = ${s}, k = ${k}, W = ${W}, B = ${B}, constants 1: the second term is ${text(bias)} as printed and ${text(bias * Math.sqrt(n))} by the proof; the first is ${text(weight)}.`,
  };
}

function liftedParitySlip(): Slip {
  // 1[prod y_i = 1] by sum over a of u relu(c - (T - a)^2), T being the sum of |S| signs.
  const error = (size: number, indices: readonly number[], u: number, c: number): number => {
    let sum = 0;
    for (let y = 0; y < 2 ** size; y++) {
      const minus = y.toString(2).replaceAll('0', '').length;
      const T = size - 2 * minus;
      const h = indices.reduce((value, a) => value + u * Math.max(0, c - (T - a) ** 2), 0);
      sum += (h - (minus % 2 === 0 ? 1 : 0)) ** 2;
    }
    return sum / 2 ** size;
  };
  const from = (size: number, fits: (a: number) => boolean): number[] =>
    Array.from({ length: 2 * size + 1 }, (_, i) => i - size).filter(fits);
  const sizes = [3, 4, 5, 6, 7, 8];
  const printed = sizes.map((size) =>
    error(
      size,
      from(size, (a) => a % 2 === 0),
      2,
      0.5,
    ),
  );
  const meant = sizes.map((size) =>
    error(
      size,
      from(size, (a) => (a - size) % 4 === 0),
      0.25,
      4,
    ),
  );
  return {
    where: 'Theorem 1.3, the network that computes a lifted parity',
    printed: 'units 2 relu(1/2 - (T - a)²) over even a',
    meant:
      'over a that leave the rest of |S| modulo 4; T always has the parity of |S|. With 1/4 relu(4 - (T - a)²) W is eight times smaller.',
    evidence: `Mean square error over all points for |S| = ${sizes.join(', ')}: ${printed.map((e) => text(e)).join(', ')} as printed (a constant does as well); ${meant.map((e) => text(e)).join(', ')} as meant.`,
  };
}

function sampleCountSlip(counts: typeof import('@fewfire/core/internal').anyDistributionSampleCounts): Slip {
  const [n, s, k, M, epsilon, c] = [50, 20, 3, 2, 0.1, 10];
  const printed = (scale: number): number => ((scale * M) ** 2 * s * k * n) / (scale ** 2 * epsilon) ** 2;
  const meant = (scale: number): number =>
    counts({
      inputCount: n,
      unitCount: s,
      sparsity: k,
      weightScale: scale * M,
      biasScale: 0,
      radius: 1,
      epsilon: scale ** 2 * epsilon,
      confidenceDelta: 0.05,
    }).published;
  return {
    where: 'Theorem 5.1, the leading term',
    printed: 'M² s k n / ε²',
    meant: 'C_H² M² s k n / ε² with C_H = kM: learning 10 h to error 100 ε is learning h to error ε',
    evidence: `h → ${c} h, ε → ${c ** 2} ε at n = ${n}, s = ${s}, k = ${k}, M = ${M}, ε = ${epsilon}: the printed term changes by the factor ${text(printed(c) / printed(1))}, the corrected count by ${text(meant(c) / meant(1))}.`,
  };
}

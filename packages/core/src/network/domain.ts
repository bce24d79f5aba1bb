/** Points of a network's domain: the lift of bits to their pairs, all points of a small domain, and random points. */
import { createRandom, FewfireError, type Random } from '../base/index.ts';
import { type CubePoints, createCubePoints } from '../cube/index.ts';
import { liftedCount, type NetworkDomain } from './network.ts';

/** The coordinate of y_i y_l, i < l, in the lift of `bitCount` bits: pairs follow the bits, ordered by l, then i (colexicographic). */
export function liftedPair(bitCount: number, i: number, l: number): number {
  return bitCount + (l * (l - 1)) / 2 + i;
}

/**
 * The lift of Theorem 1.3: coordinate i < q is y_i, coordinate `liftedPair(q, i, l)` is y_i y_l. This is the order of
 * monomials of degree 1 and 2 in a polynomial over y.
 */
export function liftPoints(bits: CubePoints): CubePoints {
  const { rowCount, coordinateCount: q } = bits;
  const points = createCubePoints(rowCount, liftedCount(q));
  points.planes.set(bits.planes);
  const set = (coordinate: number, row: number, bit: number): void => {
    points.planes[(coordinate >> 3) * rowCount + row] |= bit << (coordinate & 7);
  };
  for (let l = 1; l < q; l++) {
    const high = bits.planes.subarray((l >> 3) * rowCount, ((l >> 3) + 1) * rowCount);
    for (let i = 0; i < l; i++) {
      const low = bits.planes.subarray((i >> 3) * rowCount, ((i >> 3) + 1) * rowCount);
      const coordinate = liftedPair(q, i, l);
      for (let row = 0; row < rowCount; row++) {
        set(coordinate, row, ((high[row] >> (l & 7)) ^ (low[row] >> (i & 7))) & 1);
      }
    }
  }
  return points;
}

/**
 * The points of a cube or lift with the codes first .. first + count - 1: bit i of the code is coordinate i (bit y_i of a lift).
 * @throws FewfireError `unsupported` for a domain of rows
 * @example
 * ```ts
 * import { domainPoints, parityNetwork } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const points = domainPoints(network, 0, 4);
 * console.log(points.coordinateCount, points.planes); // 3 Uint8Array(4) [ 0, 1, 2, 3 ]
 * ```
 */
export function domainPoints(
  network: { readonly inputCount: number; readonly domain: NetworkDomain },
  first: number,
  count: number,
): CubePoints {
  const bitCount = domainBits(network);
  const points = createCubePoints(count, bitCount);
  for (let p = 0; p * 8 < bitCount; p++) {
    for (let row = 0; row < count; row++) {
      points.planes[p * count + row] = Math.floor((first + row) / 256 ** p) & 255;
    }
  }
  return network.domain.kind === 'lift' ? liftPoints(points) : points;
}

/** How many independent bits a point of the domain has. @throws FewfireError `unsupported` for rows of data */
export function domainBits(network: { readonly inputCount: number; readonly domain: NetworkDomain }): number {
  const { domain } = network;
  if (domain.kind === 'rows') {
    throw new FewfireError(
      'unsupported',
      `the network's domain is rows of ${JSON.stringify(domain.label)}, which cannot be drawn or listed; expected a network on the cube or a lift, or give the points`,
    );
  }
  return domain.kind === 'lift' ? domain.bitCount : network.inputCount;
}

/**
 * Independent uniform points of the network's domain. The first rows of a longer draw are those of a shorter one.
 * @throws FewfireError `unsupported` for rows of data
 */
export function drawPoints(
  network: { readonly inputCount: number; readonly domain: NetworkDomain },
  rowCount: number,
  random: Random | number,
): CubePoints {
  if (!Number.isInteger(rowCount) || rowCount < 0) {
    throw new FewfireError('invalid-argument', `rowCount is ${rowCount}, expected a whole number of at least 0`);
  }
  const source = typeof random === 'number' ? createRandom(random) : random;
  const bitCount = domainBits(network);
  const points = createCubePoints(rowCount, bitCount);
  const planeCount = Math.ceil(bitCount / 8);
  const lastMask = 255 >> (8 * planeCount - bitCount);
  for (let row = 0; row < rowCount; row++) {
    for (let p = 0; p < planeCount; p += 4) {
      const word = source.bits();
      for (let k = 0; k < 4 && p + k < planeCount; k++) {
        const mask = p + k === planeCount - 1 ? lastMask : 255;
        points.planes[(p + k) * rowCount + row] = (word >>> (8 * k)) & mask;
      }
    }
  }
  return network.domain.kind === 'lift' ? liftPoints(points) : points;
}

/** Points that are in memory at a time where many are drawn only to be counted. */
const PART_BYTES = 2 ** 25;

/** The points of `drawPoints`, some at a time. */
export function* drawnParts(
  network: { readonly inputCount: number; readonly domain: NetworkDomain },
  rowCount: number,
  seed: number,
): Generator<CubePoints, void> {
  const random = createRandom(seed);
  const partRows = Math.max(64, Math.floor(PART_BYTES / Math.ceil(network.inputCount / 8)));
  for (let first = 0; first < rowCount; first += partRows) {
    yield drawPoints(network, Math.min(partRows, rowCount - first), random);
  }
}

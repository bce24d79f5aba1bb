/** Networks by their definition, independent of the code under test: plain loops over signs. */
import type { CubePoints, FamilyMember, SparseNetwork } from '../src/index.ts';
import { sign } from './helpers.ts';

export function networkByDefinition(
  network: SparseNetwork,
  points: CubePoints,
  row: number,
): { value: number; active: number[] } {
  let value = 0;
  const active: number[] = [];
  for (let j = 0; j < network.unitCount; j++) {
    let z = -network.biases[j];
    for (let i = 0; i < network.inputCount; i++)
      z += network.weights[j * network.inputCount + i] * sign(points, row, i);
    if (z > 0) {
      value += network.outputWeights[j] * z;
      active.push(j);
    }
  }
  return { value, active };
}

/** Values at, and the largest active set over, all given points; W and B by Definition 1.2. */
export function measureMember(
  { network }: FamilyMember,
  points: CubePoints,
): { values: number[]; k: number; W: number; B: number } {
  const values: number[] = [];
  let k = 0;
  for (let row = 0; row < points.rowCount; row++) {
    const { value, active } = networkByDefinition(network, points, row);
    values.push(value);
    k = Math.max(k, active.length);
  }
  let W = 0;
  let B = 0;
  for (let j = 0; j < network.unitCount; j++) {
    const u = Math.abs(network.outputWeights[j]);
    let square = 0;
    for (let i = 0; i < network.inputCount; i++) square += network.weights[j * network.inputCount + i] ** 2;
    W = Math.max(W, u * Math.sqrt(square));
    B = Math.max(B, u * Math.abs(network.biases[j]));
  }
  return { values, k, W, B };
}

/** Product of the signs of some coordinates. */
export function parityAt(points: CubePoints, row: number, coordinates: readonly number[]): number {
  return coordinates.reduce((product, i) => product * sign(points, row, i), 1);
}

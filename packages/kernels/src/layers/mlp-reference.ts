/**
 * Trained feed-forward layers by definition, one number after the other in single precision: the specification that the
 * kernels agree with bit for bit. (Where the result is NaN, its bits are not specified: WebAssembly leaves them open.)
 */
import type { ReluLayer } from './relu-layer.ts';

/** What a layer gives for one input, and which units were active. */
export interface MlpResult {
  readonly output: Float32Array;
  /** Units whose preactivation is not <= 0, in increasing order; NaN counts as active, so that it reaches the output. */
  readonly activeUnits: Uint32Array;
}

const LANES = 16;

/**
 * The specification: a layer at one input, in the order of sums that all kernels keep.
 * @example
 * ```ts
 * import { referenceMlp } from '@fewfire/kernels';
 *
 * // relu(x0 + x1) - relu(x0 - x1)
 * const layer = {
 *   name: 'layer',
 *   activation: 'relu',
 *   inputWidth: 2,
 *   unitCount: 2,
 *   outputWidth: 1,
 *   up: Float32Array.of(1, 1, 1, -1),
 *   upBias: Float32Array.of(0, 0),
 *   down: Float32Array.of(1, -1),
 *   downBias: Float32Array.of(0),
 * };
 * console.log(referenceMlp(layer, Float32Array.of(1, 1))); // { output: Float32Array(1) [ 2 ], activeUnits: Uint32Array(1) [ 0 ] }
 * ```
 */
export function referenceMlp(layer: ReluLayer, input: Float32Array): MlpResult {
  const { inputWidth, unitCount, outputWidth, up, upBias, linear, linearBias, down, downBias, activation } = layer;
  const output = new Float32Array(outputWidth);
  const activeUnits: number[] = [];
  for (let u = 0; u < unitCount; u++) {
    const z = Math.fround(referenceDot(up, u * inputWidth, input) + upBias[u]);
    if (z <= 0) continue;
    activeUnits.push(u);
    let a = activation === 'squared-relu' ? Math.fround(z * z) : z;
    if (linear !== undefined) {
      const gate = Math.fround(referenceDot(linear, u * inputWidth, input) + (linearBias?.[u] ?? 0));
      a = Math.fround(a * gate);
    }
    for (let o = 0; o < outputWidth; o++) output[o] += Math.fround(a * down[u * outputWidth + o]);
  }
  for (let o = 0; o < outputWidth; o++) output[o] += downBias[o];
  return { output, activeUnits: Uint32Array.from(activeUnits) };
}

/**
 * The dot product of `input` and the `input.length` numbers of `rows` from `start` on, in the order of sums that all
 * kernels keep.
 * @example
 * ```ts
 * import { referenceDot } from '@fewfire/kernels';
 *
 * console.log(referenceDot(Float32Array.of(1, 2, 3, 4), 2, Float32Array.of(1, 1))); // 7
 * ```
 */
export function referenceDot(rows: Float32Array, start: number, input: Float32Array): number {
  const sums = new Float32Array(LANES);
  for (let c = 0; c < input.length; c++) sums[c % LANES] += Math.fround(rows[start + c] * input[c]);
  const v = [0, 1, 2, 3].map((l) =>
    Math.fround(Math.fround(sums[l] + sums[l + 4]) + Math.fround(sums[l + 8] + sums[l + 12])),
  );
  return Math.fround(Math.fround(v[0] + v[1]) + Math.fround(v[2] + v[3]));
}

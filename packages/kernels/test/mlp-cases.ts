/** Small layers and hostile inputs for the sparse feed-forward kernels; shared by tests and bench/cases/mlp-stress.mjs. */
import { type ReluLayer, referenceDot } from '../src/index.ts';

export interface MlpShape {
  readonly inputWidth: number;
  readonly unitCount: number;
  readonly outputWidth: number;
  readonly squared: boolean;
  readonly gated: boolean;
}

/** xorshift32: numbers from 0 to 1. */
export function createStream(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Sum of four uniform numbers, centred: near enough to normal. */
function bell(next: () => number): number {
  return next() + next() + next() + next() - 2;
}

export function makeLayer(shape: MlpShape, seed: number, scale = 1): ReluLayer {
  const { inputWidth: d, unitCount: s, outputWidth: o, squared, gated } = shape;
  const next = createStream(seed);
  const draw = (count: number, factor: number): Float32Array =>
    Float32Array.from({ length: count }, () => factor * bell(next));
  const up = draw(s * d, scale / Math.sqrt(d));
  // A silent unit of zeros, a row of subnormal numbers and rows far from the others.
  if (s > 4) {
    up.fill(0, 0, d);
    for (let c = 0; c < d; c++) up[d + c] *= 1e-41 / scale;
    for (let c = 0; c < d; c++) up[2 * d + c] *= 1e6;
    for (let c = 0; c < d; c++) up[3 * d + c] *= 1e-6;
  }
  return {
    name: 'layer',
    inputWidth: d,
    unitCount: s,
    outputWidth: o,
    activation: squared ? 'squared-relu' : 'relu',
    up,
    upBias: draw(s, scale).map((b) => b - 0.6 * scale),
    ...(gated ? { linear: draw(s * d, scale / Math.sqrt(d)), linearBias: draw(s, scale) } : {}),
    down: draw(s * o, 1),
    downBias: draw(o, 1),
  };
}

/** Orthonormal rows, rank x width. */
export function drawBasis(rank: number, width: number, next: () => number): Float64Array {
  const basis = Float64Array.from({ length: rank * width }, () => bell(next));
  for (let k = 0; k < rank; k++) {
    const row = basis.subarray(k * width, (k + 1) * width);
    for (let j = 0; j < k; j++) {
      const other = basis.subarray(j * width, (j + 1) * width);
      const dot = row.reduce((sum, v, c) => sum + v * other[c], 0);
      for (let c = 0; c < width; c++) row[c] -= dot * other[c];
    }
    const norm = Math.hypot(...row);
    for (let c = 0; c < width; c++) row[c] /= norm;
  }
  return basis;
}

/** The part of a vector within the span of the rows. */
export function intoSpan(vector: Float32Array, basis: Float64Array): Float64Array {
  const d = vector.length;
  const inside = new Float64Array(d);
  for (let k = 0; k < basis.length / d; k++) {
    const row = basis.subarray(k * d, (k + 1) * d);
    const dot = vector.reduce((sum, v, c) => sum + v * row[c], 0);
    for (let c = 0; c < d; c++) inside[c] += dot * row[c];
  }
  return inside;
}

/** Weights within the span of the rows, up to a share `outside` of what was outside, and what makes them special. */
export function nearSpan(weights: ReluLayer, basis: Float64Array, outside: number): ReluLayer {
  const { inputWidth: d, unitCount } = weights;
  const up = weights.up.slice();
  for (let u = 4; u < unitCount; u++) {
    const w = up.subarray(u * d, (u + 1) * d);
    const inside = intoSpan(w, basis);
    for (let c = 0; c < d; c++) w[c] = inside[c] + outside * (w[c] - inside[c]);
  }
  return { ...weights, up };
}

/** Weights that are multiples of the rows, one after the other. */
export function alongRows(weights: ReluLayer, basis: Float64Array): ReluLayer {
  const { inputWidth: d } = weights;
  const up = weights.up.slice();
  for (let u = 4; u < weights.unitCount; u++) {
    const w = up.subarray(u * d, (u + 1) * d);
    const norm = Math.hypot(...w);
    const row = (u * d) % basis.length;
    for (let c = 0; c < d; c++) w[c] = norm * basis[row + c];
  }
  return { ...weights, up };
}

export const INPUT_KINDS = 10;

/** Writes a hostile input of the given kind. */
export function drawInput(kind: number, next: () => number, into: Float32Array): void {
  const d = into.length;
  const one = Math.floor(next() * d);
  const power = 10 ** (Math.floor(next() * 61) - 30);
  const sign = (): number => (next() < 0.5 ? -1 : 1);
  for (let c = 0; c < d; c++) {
    const value =
      kind === 0
        ? bell(next)
        : kind === 1
          ? bell(next) * power
          : kind === 2
            ? c === one
              ? sign() * power
              : 0
            : kind === 3
              ? // Heavy tails: a few coordinates hold all of the norm.
                sign() / (next() + 1e-3) ** 3
              : kind === 4
                ? sign()
                : kind === 5
                  ? bell(next) * 1e-40
                  : kind === 6
                    ? bell(next) * 3e38
                    : kind === 7
                      ? next() < 0.5
                        ? 0
                        : -0
                      : kind === 8
                        ? // Codes of all sizes up to the largest.
                          sign() * 2 ** -Math.floor(next() * 20)
                        : // Just below and above the least input that is screened as it is.
                          bell(next) * 2 ** -100;
    into[c] = Math.max(-3.4e38, Math.min(3.4e38, value));
  }
}

/** Biases that put every unit exactly on the border for this input: z is 0, or one or a few steps above or below. */
export function borderBiases(weights: ReluLayer, input: Float32Array): Float32Array {
  const bits = new Int32Array(1);
  const float = new Float32Array(bits.buffer);
  return Float32Array.from({ length: weights.unitCount }, (_, u) => {
    float[0] = -referenceDot(weights.up, u * weights.inputWidth, input);
    if (!Number.isFinite(float[0]) || float[0] === 0) return (u % 5) * 2 ** -149 - 2 ** -148;
    bits[0] += (u % 5) - 2;
    return Number.isFinite(float[0]) ? float[0] : 0;
  });
}

/** Equal bits, where the bits of a NaN are not compared: WebAssembly leaves them open. */
export function sameBits(a: Float32Array, b: Float32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

/** Small layers and hostile inputs for the sparse feed-forward kernels; shared by tests and bench/cases/mlp-stress.mjs. */
import { type MlpWeights, referenceDot } from '../src/index.ts';

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

export function makeLayer(shape: MlpShape, seed: number, scale = 1): MlpWeights {
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
    inputWidth: d,
    unitCount: s,
    outputWidth: o,
    squared,
    up,
    upBias: draw(s, scale).map((b) => b - 0.6 * scale),
    ...(gated ? { linear: draw(s * d, scale / Math.sqrt(d)), linearBias: draw(s, scale) } : {}),
    down: draw(s * o, 1),
    downBias: draw(o, 1),
  };
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
export function borderBiases(weights: MlpWeights, input: Float32Array): Float32Array {
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

/**
 * Trained feed-forward layers by definition, one number after the other in single precision: the specification that the
 * kernels agree with bit for bit. (Where the result is NaN, its bits are not specified: WebAssembly leaves them open.)
 */
export interface MlpWeights {
  readonly inputWidth: number;
  readonly unitCount: number;
  readonly outputWidth: number;
  /** The activation of an active unit is z, or z squared. */
  readonly squared: boolean;
  /** [unit][input], row-major. */
  readonly up: Float32Array;
  readonly upBias: Float32Array;
  /** Gated layers: the activation is multiplied by linear . x + linearBias. */
  readonly linear?: Float32Array | undefined;
  readonly linearBias?: Float32Array | undefined;
  /** [unit][output], row-major. */
  readonly down: Float32Array;
  readonly downBias: Float32Array;
}

export interface MlpResult {
  readonly output: Float32Array;
  /** Units whose preactivation is not <= 0, in increasing order; NaN counts as active, so that it reaches the output. */
  readonly activeUnits: Uint32Array;
}

const LANES = 16;

export function referenceMlp(weights: MlpWeights, input: Float32Array): MlpResult {
  const { inputWidth, unitCount, outputWidth, up, upBias, linear, linearBias, down, downBias, squared } = weights;
  const output = new Float32Array(outputWidth);
  const activeUnits: number[] = [];
  for (let u = 0; u < unitCount; u++) {
    const z = Math.fround(referenceDot(up, u * inputWidth, input) + upBias[u]);
    if (z <= 0) continue;
    activeUnits.push(u);
    let a = squared ? Math.fround(z * z) : z;
    if (linear !== undefined) {
      const gate = Math.fround(referenceDot(linear, u * inputWidth, input) + (linearBias?.[u] ?? 0));
      a = Math.fround(a * gate);
    }
    for (let o = 0; o < outputWidth; o++) output[o] += Math.fround(a * down[u * outputWidth + o]);
  }
  for (let o = 0; o < outputWidth; o++) output[o] += downBias[o];
  return { output, activeUnits: Uint32Array.from(activeUnits) };
}

/** The dot product in the order of assembly/mlp-sums.ts. */
export function referenceDot(rows: Float32Array, start: number, input: Float32Array): number {
  const sums = new Float32Array(LANES);
  for (let c = 0; c < input.length; c++) sums[c % LANES] += Math.fround(rows[start + c] * input[c]);
  const v = [0, 1, 2, 3].map((l) =>
    Math.fround(Math.fround(sums[l] + sums[l + 4]) + Math.fround(sums[l + 8] + sums[l + 12])),
  );
  return Math.fround(Math.fround(v[0] + v[1]) + Math.fround(v[2] + v[3]));
}

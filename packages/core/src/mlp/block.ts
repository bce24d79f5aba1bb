/**
 * A feed-forward block of a trained network, as its file has it: output = down . a + downBias with
 * a_u = activation(up_u . x + upBias_u), times (linear_u . x + linearBias_u) if gated.
 */
export type MlpActivation = 'relu' | 'squared-relu';

export interface MlpBlock {
  readonly name: string;
  /** Numbers of one input, d. */
  readonly inputWidth: number;
  /** Units, s. */
  readonly unitCount: number;
  readonly outputWidth: number;
  readonly activation: MlpActivation;
  /** unitCount x inputWidth, row-major: one row per unit. The layer whose ReLU decides which units fire. */
  readonly up: Float32Array;
  /** One per unit, added; zeros where the model has none. */
  readonly upBias: Float32Array;
  /** Gated blocks, unitCount x inputWidth: the activation of the `up` unit is multiplied by linear . x + linearBias. */
  readonly linear?: Float32Array;
  readonly linearBias?: Float32Array;
  /** unitCount x outputWidth, row-major: row u is what unit u adds to the output. */
  readonly down: Float32Array;
  /** outputWidth. */
  readonly downBias: Float32Array;
}

const TITLES: Readonly<Record<string, string>> = {
  relu: 'ReLU',
  relu6: 'ReLU6',
  gelu: 'GELU',
  silu: 'SiLU',
  elu: 'ELU',
  selu: 'SELU',
};

/** An activation as people write it: `gelu` is GELU, `gated-silu` gated SiLU. */
export function activationTitle(activation: string): string {
  const gated = activation.startsWith('gated-');
  const bare = gated ? activation.slice(6) : activation;
  const title = bare
    .split('-')
    .map((word) => TITLES[word] ?? word)
    .join(' ');
  return gated ? `gated ${title}` : title;
}

/**
 * One hidden layer of ReLU units, gated or not: for an input x the output is sum_u a_u down_u + downBias with
 * a_u = activation(<up_u, x> + upBias_u), times <linear_u, x> + linearBias_u if gated. A unit is active where
 * <up_u, x> + upBias_u > 0.
 *
 * This is the one form in which trained layers are found, run, timed and screened, and the kernels take it as it is. A
 * sparse network of the paper is its case of one output and inputs of -1 and +1, kept as the paper writes it (biases are
 * subtracted, there is no output bias) because certificates and files of networks are about that; the core's
 * `layerFromNetwork` and `networkFromLayer` go both ways without rounding.
 */
/** What a unit gives where its preactivation z is above 0: z, or z squared; 0 elsewhere. */
export type MlpActivation = 'relu' | 'squared-relu';

/**
 * One hidden layer: for an input x the output is sum_u a_u down_u + downBias with a_u = activation(<up_u, x> +
 * upBias_u),
 * times <linear_u, x> + linearBias_u if gated. Numbers are in single precision where a layer is run, in double
 * precision
 * where one comes from a network.
 */
export interface ReluLayer<Numbers extends Float32Array | Float64Array = Float32Array> {
  /** What messages and files call it. */
  readonly name: string;
  /** Numbers of one input, d. */
  readonly inputWidth: number;
  /** Units, s. */
  readonly unitCount: number;
  readonly outputWidth: number;
  /** Of an active unit: z, or z squared. */
  readonly activation: MlpActivation;
  /** unitCount x inputWidth, row-major: one row per unit. The weights that decide which units fire. */
  readonly up: Numbers;
  /** One per unit, added; zeros where the model has none. */
  readonly upBias: Numbers;
  /** Gated layers, unitCount x inputWidth: the activation of the `up` unit is multiplied by <linear_u, x> + linearBias_u. */
  readonly linear?: Numbers | undefined;
  readonly linearBias?: Numbers | undefined;
  /** unitCount x outputWidth, row-major: row u is what unit u adds to the output. */
  readonly down: Numbers;
  /** outputWidth. */
  readonly downBias: Numbers;
}

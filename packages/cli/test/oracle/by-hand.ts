/**
 * What a model file's polynomials say of rows of bits, and how good that is: plain loops over the numbers in the file,
 * which share nothing with the packages. A no is +1 and a yes is -1; the positive class of a target is -1 too.
 */
import type { Target } from './reference.ts';

/** What is read of a model file. */
export interface ModelFile {
  readonly target: {
    readonly kind: string;
    readonly positive?: string;
    readonly negative?: string;
    readonly classes?: string[];
  };
  readonly loss: 'squared' | 'logistic';
  readonly encoder: { readonly columns: readonly Record<string, unknown>[] };
  readonly outputs: readonly {
    readonly terms: readonly [readonly number[], number][];
    readonly calibration: {
      readonly kind: string;
      readonly slope: number;
      readonly intercept: number;
      readonly factor: number;
    };
    readonly fit: {
      readonly method: string;
      readonly lambda: number;
      readonly basis: string;
      readonly converged: boolean;
      readonly relativeGradient: number;
      readonly targetMean: number;
      readonly support: readonly { readonly coordinates: readonly number[]; readonly rows: number }[];
    };
  }[];
  readonly training: {
    readonly sampleCount: number;
    readonly dropped: readonly { readonly column: string; readonly reason: string }[];
    readonly missing: readonly { readonly column: string; readonly count: number }[];
  };
}

type Bits = readonly Uint8Array[];

/** The product of a term's coordinates in every row. */
function productOf(coordinates: readonly number[], bits: Bits, rowCount: number): Int8Array {
  const product = new Int8Array(rowCount).fill(1);
  for (const j of coordinates) for (let i = 0; i < rowCount; i++) product[i] *= 1 - 2 * bits[j][i];
  return product;
}

/** The value of each output's polynomial in every row. */
export function valuesOf({ outputs }: ModelFile, bits: Bits, rowCount: number): Float64Array[] {
  return outputs.map(({ terms }) => {
    const values = new Float64Array(rowCount);
    for (const [coordinates, coefficient] of terms) {
      const product = productOf(coordinates, bits, rowCount);
      for (let i = 0; i < rowCount; i++) values[i] += coefficient * product[i];
    }
    return values;
  });
}

/** Numbers, or the probability of each class in the order of `Target.classes`. */
export function predictionsOf({ target, outputs }: ModelFile, values: readonly Float64Array[]): Float64Array[] {
  const curves = outputs.map(({ calibration: { kind, slope, intercept, factor } }, k) =>
    values[k].map((f) => {
      if (kind === 'none') return f;
      return kind === 'smearing' ? factor * Math.exp(f) : 1 / (1 + Math.exp(-(slope * -f + intercept)));
    }),
  );
  if (target.kind === 'regression') return curves;
  if (target.kind === 'binary') return [curves[0], curves[0].map((p) => 1 - p)];
  const sums = curves[0].map((_, i) => curves.reduce((sum, curve) => sum + curve[i], 0));
  return curves.map((curve) => curve.map((p, i) => (sums[i] > 0 ? p / sums[i] : 1 / curves.length)));
}

/** The target of an output as it is learned: the number, or -1 for its class and +1 for the others. */
export function learned({ kind, values }: Target, output: number): Float64Array {
  return kind === 'regression' ? values : values.map((place) => (place === output ? -1 : 1));
}

/**
 * How far the polynomial is from solving the least squares it stands for: the norm of the gradient over its terms, as a
 * share of the norm at the best constant. It is small only if bits and targets belong to the same rows.
 */
export function gradientShare(
  model: ModelFile,
  output: number,
  bits: Bits,
  values: Float64Array,
  y: Float64Array,
): number {
  const { terms, fit } = model.outputs[output];
  const mean = y.reduce((sum, value) => sum + value, 0) / y.length;
  let [here, start] = [0, 0];
  for (const [coordinates, coefficient] of terms) {
    const product = productOf(coordinates, bits, y.length);
    let [g, g0] = [coordinates.length > 0 ? fit.lambda * coefficient : 0, 0];
    for (let i = 0; i < y.length; i++) {
      g += (values[i] - y[i]) * product[i];
      g0 += (mean - y[i]) * product[i];
    }
    here += g * g;
    start += g0 * g0;
  }
  return start > 0 ? Math.sqrt(here / start) : 0;
}

/** How far the terms of an `estimate` are, at most, from what they are: means over the rows of target times product. */
export function estimateError({ outputs }: ModelFile, output: number, bits: Bits, y: Float64Array): number {
  const errors = outputs[output].terms.map(([coordinates, coefficient]) => {
    const product = productOf(coordinates, bits, y.length);
    return Math.abs(coefficient - y.reduce((sum, value, i) => sum + value * product[i], 0) / y.length);
  });
  return Math.max(0, ...errors);
}

export interface Score {
  readonly sampleCount: number;
  readonly mse: number;
  readonly r2: number | null;
  readonly accuracy?: number;
  readonly auc?: number | null;
  readonly logLoss?: number;
}

/** @param predictions as they were written, for measures of classes; @param values of the polynomials, for squared errors */
export function scoreOf(
  model: ModelFile,
  target: Target,
  values: readonly Float64Array[],
  predictions: readonly Float64Array[],
): Score {
  const count = target.values.length;
  let [errors, variance] = [0, 0];
  values.forEach((vector, k) => {
    const y = learned(target, k);
    const mean = y.reduce((sum, value) => sum + value, 0) / count;
    for (let i = 0; i < count; i++) {
      const expected = model.loss === 'logistic' ? Math.tanh(vector[i] / 2) : vector[i];
      errors += (y[i] - expected) ** 2;
      variance += (y[i] - mean) ** 2;
    }
  });
  const squared = { sampleCount: count, mse: errors / count, r2: variance > 0 ? 1 - errors / variance : null };
  if (target.kind === 'regression') return squared;
  let [right, surprise] = [0, 0];
  for (let i = 0; i < count; i++) {
    const truth = target.values[i];
    const chances = predictions.map((vector) => vector[i]);
    right += Number(likeliest(chances) === truth);
    surprise -= Math.log(Math.min(1 - 1e-15, Math.max(1e-15, chances[truth])));
  }
  const areas = (target.kind === 'binary' ? [0] : target.classes.map((_, k) => k))
    .map((k) =>
      areaUnder(
        target.values.map((place) => Number(place === k)),
        predictions[k],
      ),
    )
    .filter((area) => !Number.isNaN(area));
  const auc = areas.length === 0 ? null : areas.reduce((sum, area) => sum + area, 0) / areas.length;
  return { ...squared, accuracy: right / count, auc, logLoss: surprise / count };
}

/** The place of the largest chance: of two the second at one half, of more the first among equals. */
export function likeliest(chances: readonly number[]): number {
  return chances.length === 2 ? Number(!(chances[0] > 0.5)) : chances.indexOf(Math.max(...chances));
}

/** The share of pairs, one of each kind, in which the yes has the larger chance; ties are half. By ranks. */
function areaUnder(isYes: Float64Array, chances: Float64Array): number {
  const sorted = Float64Array.from(chances).sort();
  const ranks = new Map<number, { sum: number; count: number }>();
  sorted.forEach((chance, i) => {
    const rank = ranks.get(chance) ?? { sum: 0, count: 0 };
    ranks.set(chance, { sum: rank.sum + i + 1, count: rank.count + 1 });
  });
  let [sum, yes] = [0, 0];
  isYes.forEach((flag, i) => {
    if (flag === 0) return;
    const rank = ranks.get(chances[i]) as { sum: number; count: number };
    sum += rank.sum / rank.count;
    yes++;
  });
  const no = isYes.length - yes;
  return yes > 0 && no > 0 ? (sum - (yes * (yes + 1)) / 2) / (yes * no) : Number.NaN;
}

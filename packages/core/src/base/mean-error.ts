/**
 * A mean with its standard error, in the one place where it is reckoned: for rows that weigh more or less, and for rows
 * in clusters that may depend on each other.
 *
 * What is independent is a unit, a row or a cluster. The error is the jackknife's over units, (x_g - mean of the others)
 * times the unit's share of the weight: a unit that carries most of the weight pulls the mean to itself, and only leaving
 * it out shows how far. It is scaled so as to be unbiased for units whose means vary alike, whatever their weights (for
 * equal weights it is the textbook's s / sqrt(n)), and Satterthwaite's degrees of freedom are those of the same case: n - 1
 * for equal weights, near 1 where one unit carries nearly all.
 */

export interface MeanOptions {
  /** Importance of each row, at least 0; the same for all without it. */
  readonly weights?: ArrayLike<number> | undefined;
  /** Rows of one number belong together and may depend on each other. */
  readonly clusters?: ArrayLike<number> | undefined;
}

/** What is independent: of every row or cluster the weighted sum of its numbers, and its weight, above 0. */
export interface Units {
  readonly sums: Float64Array;
  readonly weights: Float64Array;
  /** Whether all weigh the same. */
  readonly equal: boolean;
}

export interface MeanWithError {
  readonly mean: number;
  /** Infinite where fewer than two units have weight, or one has next to all of it. */
  readonly standardError: number;
}

/** Beyond this share of the weight a unit cannot be left out: rounding would be most of what is left. */
const LARGEST_SHARE = 1 - 1e-6;

export function unitsOf(values: ArrayLike<number>, { weights, clusters }: MeanOptions = {}): Units {
  if (weights === undefined && clusters === undefined) {
    const sums = Float64Array.from(values);
    return { sums, weights: new Float64Array(sums.length).fill(1), equal: true };
  }
  const sums: number[] = [];
  const totals: number[] = [];
  const unitOf = new Map<number, number>();
  for (let i = 0; i < values.length; i++) {
    const weight = weights === undefined ? 1 : weights[i];
    // What weighs nothing may be anything, not a number included.
    if (!(weight > 0)) continue;
    const known = clusters === undefined ? undefined : unitOf.get(clusters[i]);
    const unit = known ?? sums.length;
    if (known === undefined && clusters !== undefined) unitOf.set(clusters[i], unit);
    sums[unit] = (sums[unit] ?? 0) + weight * values[i];
    totals[unit] = (totals[unit] ?? 0) + weight;
  }
  return {
    sums: Float64Array.from(sums),
    weights: Float64Array.from(totals),
    equal: totals.every((total) => total === totals[0]),
  };
}

/** @param drawn numbers of units, each as often as it counts; all of them once without it */
export function meanOfUnits({ sums, weights, equal }: Units, drawn?: Uint32Array): MeanWithError {
  const count = drawn?.length ?? sums.length;
  let sum = 0;
  let total = 0;
  for (let g = 0; g < count; g++) {
    const unit = drawn === undefined ? g : drawn[g];
    sum += sums[unit];
    total += weights[unit];
  }
  const mean = sum / total;
  if (count < 2) return { mean, standardError: Number.POSITIVE_INFINITY };
  let squares = 0;
  if (equal) {
    for (let g = 0; g < count; g++) {
      const unit = drawn === undefined ? g : drawn[g];
      squares += (sums[unit] - mean * weights[unit]) ** 2;
    }
    return { mean, standardError: Math.sqrt((squares * count) / (count - 1)) / total };
  }
  const { shareSquares } = shareMoments(weights, total, drawn);
  let expected = 0;
  for (let g = 0; g < count; g++) {
    const unit = drawn === undefined ? g : drawn[g];
    const share = weights[unit] / total;
    if (share > LARGEST_SHARE) return { mean, standardError: Number.POSITIVE_INFINITY };
    const left = 1 - share;
    squares += ((sums[unit] - mean * weights[unit]) / left) ** 2;
    expected += (share / left) ** 2 * (1 - 2 * share + shareSquares);
  }
  return { mean, standardError: Math.sqrt((squares * shareSquares) / expected) / total };
}

/** Of the standard error of a mean over these units; 0 where it has none. */
export function degreesOfFreedom({ weights, equal }: Units): number {
  const count = weights.length;
  if (equal || count < 2) return Math.max(0, count - 1);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const { shareSquares, largest } = shareMoments(weights, total, undefined);
  if (largest > LARGEST_SHARE) return 0;
  // The jackknife's sum of squares is a quadratic form in the units' means, with the matrix C (I - 1h')(I - h1') C for
  // shares h and c = h / (1 - h); its trace, and that of its square.
  let trace = 0;
  let own = 0;
  let c0 = 0;
  let c1 = 0;
  let c2 = 0;
  for (let g = 0; g < count; g++) {
    const h = weights[g] / total;
    const c = (h / (1 - h)) ** 2;
    trace += c * (1 - 2 * h + shareSquares);
    own += c * c * (1 - 4 * h + 2 * shareSquares);
    c0 += c;
    c1 += c * h;
    c2 += c * h * h;
  }
  const square = own + shareSquares * shareSquares * c0 * c0 + 2 * c2 * c0 - 4 * shareSquares * c1 * c0 + 2 * c1 * c1;
  return trace ** 2 / square;
}

function shareMoments(
  weights: Float64Array,
  total: number,
  drawn: Uint32Array | undefined,
): { shareSquares: number; largest: number } {
  let shareSquares = 0;
  let largest = 0;
  for (let g = 0; g < (drawn?.length ?? weights.length); g++) {
    const share = weights[drawn === undefined ? g : drawn[g]] / total;
    shareSquares += share * share;
    if (share > largest) largest = share;
  }
  return { shareSquares, largest };
}

/** The weighted mean of one number per row, its standard error, and the degrees of freedom of that error. */
export function meanWithError(
  values: ArrayLike<number>,
  options: MeanOptions = {},
): MeanWithError & { readonly degreesOfFreedom: number; readonly unitCount: number } {
  const units = unitsOf(values, options);
  return { ...meanOfUnits(units), degreesOfFreedom: degreesOfFreedom(units), unitCount: units.sums.length };
}

/** Kish's: so many rows of equal weight would say as much as these of unequal weight. */
export function effectiveCount(weights: ArrayLike<number>): number {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i];
    squares += weights[i] * weights[i];
  }
  return squares > 0 ? (sum * sum) / squares : 0;
}

/** A mean of values that came in parts. */
export interface MeanOfParts extends MeanWithError {
  readonly degreesOfFreedom: number;
  /** Kish's number of units. */
  readonly effectiveCount: number;
}

/**
 * The same of values that come a part at a time, all parts with weights or none, and clusters as well. Of rows that are
 * independent and alike only the mean and the squares about it are kept, else the values themselves.
 */
export function createMeanOfParts() {
  let count = 0;
  let mean = 0;
  let squares = 0;
  const parts: Float64Array[] = [];
  const weightParts: Float64Array[] = [];
  const clusterParts: Float64Array[] = [];
  return {
    add(values: Float64Array, weights?: Float64Array, clusters?: ArrayLike<number>): void {
      if (values.length === 0) return;
      if (weights !== undefined || clusters !== undefined) {
        parts.push(values);
        if (weights !== undefined) weightParts.push(weights);
        if (clusters !== undefined) clusterParts.push(Float64Array.from(clusters));
        return;
      }
      // Chan's update: of two parts, the squares about the common mean.
      const partMean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const difference = partMean - mean;
      const total = count + values.length;
      for (const value of values) squares += (value - partMean) ** 2;
      squares += difference ** 2 * ((count * values.length) / total);
      mean += (difference * values.length) / total;
      count = total;
    },
    result(): MeanOfParts {
      if (parts.length === 0) {
        const standardError = count < 2 ? Number.POSITIVE_INFINITY : Math.sqrt(squares / (count - 1) / count);
        return { mean, standardError, effectiveCount: count, degreesOfFreedom: Math.max(0, count - 1) };
      }
      const units = unitsOf(joinParts(parts), {
        weights: weightParts.length > 0 ? joinParts(weightParts) : undefined,
        clusters: clusterParts.length > 0 ? joinParts(clusterParts) : undefined,
      });
      return {
        ...meanOfUnits(units),
        effectiveCount: effectiveCount(units.weights),
        degreesOfFreedom: degreesOfFreedom(units),
      };
    },
  };
}

export function joinParts(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

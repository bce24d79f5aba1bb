/**
 * A fit on a few given terms, by dense algebra, and how uncertain its
 * coefficients are: the part of the intervals that is repeated for every
 * bootstrap sample.
 *
 * The rows come in units (rows, or clusters of rows) with a multiplicity each,
 * copies of a unit counting as different units. The standard errors are the
 * jackknife's: the coefficients change by  d_g = (G - C_g)^-1 A_g^t r_g  when unit
 * g is left out (G the weighted Gram matrix, C_g the unit's part of it), and their
 * covariance is sum_g d_g d_g^t. For least squares on rows that is HC3, on
 * clusters CR3; for the logistic loss it is the same on the last Newton step's
 * least squares. Nothing is assumed of the noise or of the terms that are missing.
 *
 * The degrees of freedom are Satterthwaite's for this estimate under equal normal
 * noise, with its double sum replaced by a bound (Cauchy-Schwarz, one pass instead
 * of one per coefficient), which makes them smaller, never larger:
 * (sum_g s_g (1-h_g))^2 / sum_g s_g^2 (1-h_g). For balanced terms they are
 * rowCount - termCount; for a term whose rows of one sign are few, less than those.
 */
import { cholesky, inverseCholesky, mirror, multiply, pickNumbers, solveCholesky, type Turn } from '../base/index.ts';

/** What a fit of given terms minimises. */
export type RefitLoss = 'squared' | 'logistic';

export interface TermRows {
  readonly rowCount: number;
  /** Columns, the constant included and first. */
  readonly size: number;
  /** +1 and -1, row after row. */
  readonly signs: Int8Array;
  readonly target: Float64Array;
  /** All positive. */
  readonly weights: Float64Array;
  /** Unit g is the rows `units[g] .. units[g + 1])`. */
  readonly units: Uint32Array;
}

export interface TermFit {
  readonly coefficients: Float64Array;
  /** Gram matrix with the loss's curvature as weights, and its inverse. */
  readonly gram: Float64Array;
  readonly inverse: Float64Array;
  /** Curvature of the loss at each row, times its weight. */
  readonly curvature: Float64Array;
  /** Minus the slope of the loss at each row, times its weight. */
  readonly score: Float64Array;
}

export interface TermErrors {
  readonly standardErrors: Float64Array;
  readonly degreesOfFreedom: Float64Array;
  /** Only when asked for. */
  readonly covariance: Float64Array | undefined;
  /** Columns that depend on the others once some unit is left out: its error cannot be told. */
  readonly unsupported: readonly number[];
}

/** About this many multiplications between looks at the clock. */
const CHUNK = 1e6;
const MAX_NEWTON_STEPS = 50;
/** Newton doubles the right digits: after a step this small, relative to 1 + the coefficient, the next would be rounding. */
const LAST_STEP = 1e-6;
/** 1 - leverage below this is 0 but for rounding. */
const LEAST_FREEDOM = 1e-9;

/** sum over rows of rowValue a a^t. */
export async function gramMatrix(rows: TermRows, rowValues: Float64Array, turn: Turn): Promise<Float64Array> {
  const { size, rowCount } = rows;
  const gram = new Float64Array(size * size);
  const chunk = Math.max(1, Math.floor((2 * CHUNK) / size ** 2));
  for (let start = 0; start < rowCount; start += chunk) {
    addGram(rows, rowValues, start, Math.min(rowCount, start + chunk), gram);
    await turn();
  }
  mirror(gram, size);
  return gram;
}

/** Rows of a unit each, those that are alike in signs, target and weight taken together. */
export interface MergedRows {
  readonly rows: TermRows;
  /** The merged row that each row became. */
  readonly unitOf: Uint32Array;
}

/** undefined where less than half of the rows would go. */
export function mergeAlike(rows: TermRows): MergedRows | undefined {
  const { size, rowCount, signs, target, weights } = rows;
  // Classes of rows alike so far, refined by one property after another.
  const unitOf = new Uint32Array(rowCount);
  let classes = new Map<number, number>();
  const refine = (propertyOf: (row: number) => number): boolean => {
    const values = new Map<number, number>();
    const refined = new Map<number, number>();
    for (let i = 0; i < rowCount; i++) {
      const value = propertyOf(i);
      let number = values.get(value);
      if (number === undefined) {
        number = values.size;
        values.set(value, number);
      }
      // Beyond half there is nothing to be gained, and the pairs stay far below 2^53.
      const pair = number * rowCount + unitOf[i];
      let unit = refined.get(pair);
      if (unit === undefined) {
        unit = refined.size;
        if (unit > rowCount / 2) return false;
        refined.set(pair, unit);
      }
      unitOf[i] = unit;
    }
    classes = refined;
    return true;
  };
  if (!refine((i) => target[i]) || !refine((i) => weights[i])) return undefined;
  for (let k = 0; k < size; k++) if (!refine((i) => signs[i * size + k])) return undefined;
  const first = new Uint32Array(classes.size);
  for (let i = rowCount - 1; i >= 0; i--) first[unitOf[i]] = i;
  const merged = new Int8Array(first.length * size);
  first.forEach((row, unit) => {
    merged.set(signs.subarray(row * size, (row + 1) * size), unit * size);
  });
  return {
    rows: {
      rowCount: first.length,
      size,
      signs: merged,
      target: pickNumbers(target, first),
      weights: pickNumbers(weights, first),
      units: Uint32Array.from({ length: first.length + 1 }, (_, unit) => unit),
    },
    unitOf,
  };
}

/** The coefficients of least loss, starting from `start`; undefined when they are not unique or not finite. */
export async function fitTerms(
  rows: TermRows,
  loss: RefitLoss,
  counts: Float64Array | undefined,
  start: Float64Array | undefined,
  turn: Turn,
): Promise<TermFit | undefined> {
  const { size, rowCount } = rows;
  const multiplicity = rowMultiplicity(rows, counts);
  const coefficients = start?.slice() ?? new Float64Array(size);
  const curvature = new Float64Array(rowCount);
  const score = new Float64Array(rowCount);
  const values = new Float64Array(rowCount);
  const rowValues = new Float64Array(rowCount);
  const step = new Float64Array(size);
  let last = loss === 'squared' && counts !== undefined; // exact after one step; the second only polishes
  let gram: Float64Array = new Float64Array(0);
  let factorised = cholesky(gram, 0);
  let height = Number.POSITIVE_INFINITY;
  for (let iteration = 0; iteration <= MAX_NEWTON_STEPS; iteration++) {
    // A step that leads uphill is halved.
    for (let halving = 0; ; halving++) {
      evaluate(rows, coefficients, multiplicity, values);
      const next = differentiate(rows, loss, values, multiplicity, curvature, score);
      if (next <= height * (1 + 1e-12) || halving === 40) {
        height = next;
        break;
      }
      for (let k = 0; k < size; k++) {
        step[k] /= 2;
        coefficients[k] -= step[k];
      }
    }
    if (iteration === 0 || loss === 'logistic') {
      for (let i = 0; i < rowCount; i++) rowValues[i] = multiplicity[i] * curvature[i];
      gram = await gramMatrix(rows, rowValues, turn);
      factorised = cholesky(gram, size);
    }
    const { factor, dependent } = factorised;
    if (dependent.length > 0) return undefined;
    if (iteration > 0 && last) {
      return { coefficients, gram, inverse: inverseCholesky(factor, size), curvature, score };
    }
    for (let i = 0; i < rowCount; i++) rowValues[i] = multiplicity[i] * score[i];
    correlate(rows, rowValues, step);
    solveCholesky(factor, size, step);
    let largest = 0;
    for (let k = 0; k < size; k++) {
      largest = Math.max(largest, Math.abs(step[k]) / (1 + Math.abs(coefficients[k])));
      coefficients[k] += step[k];
    }
    last ||= largest <= LAST_STEP;
    if (loss === 'logistic' && separates(rows, values, multiplicity)) return undefined;
  }
  return undefined;
}

/** The jackknife's standard errors, leaving out one copy of one unit at a time. */
export async function jackknifeErrors(
  rows: TermRows,
  fit: TermFit,
  counts: Float64Array | undefined,
  withCovariance: boolean,
  turn: Turn,
): Promise<TermErrors> {
  const { size, units } = rows;
  const unitCount = units.length - 1;
  const squares = new Float64Array(size);
  const freedom = new Float64Array(size);
  const freedomSquares = new Float64Array(size);
  const covariance = withCovariance ? new Float64Array(size * size) : undefined;
  const unsupported = new Set<number>();
  const left: LeftOut = {
    change: new Float64Array(size),
    spread: new Float64Array(size),
    own: new Float64Array(size),
  };
  let work = 0;
  for (let g = 0; g < unitCount; g++) {
    const count = counts === undefined ? 1 : counts[g];
    if (count === 0) continue;
    const length = units[g + 1] - units[g];
    work += length * size ** 2;
    if (work > CHUNK) {
      work = 0;
      await turn();
    }
    const supported =
      length === 1
        ? leaveOutRow(rows, fit, units[g], left)
        : length <= size
          ? leaveOutFew(rows, fit, units[g], length, left)
          : await leaveOutMany(rows, fit, units[g], length, left, turn);
    if (!supported) {
      for (const k of dependentWithout(rows, fit, g)) unsupported.add(k);
      continue;
    }
    const { change, spread, own } = left;
    for (let k = 0; k < size; k++) {
      squares[k] += count * change[k] * change[k];
      freedom[k] += count * own[k];
      freedomSquares[k] += count * spread[k] * own[k];
    }
    if (covariance !== undefined) {
      for (let a = 0; a < size; a++)
        for (let b = 0; b <= a; b++) covariance[a * size + b] += count * change[a] * change[b];
    }
  }
  if (covariance !== undefined) mirror(covariance, size);
  return {
    standardErrors: squares.map(Math.sqrt),
    degreesOfFreedom: freedom.map((value, k) => (value > 0 ? value ** 2 / freedomSquares[k] : 0)),
    covariance,
    unsupported: [...unsupported].sort((a, b) => a - b),
  };
}

/** What leaving a unit out does to every coefficient. */
interface LeftOut {
  /** d_g. */
  readonly change: Float64Array;
  /** s_g: the squared length of the change's weights on the unit's residuals. */
  readonly spread: Float64Array;
  /** s_g (1 - h_g). */
  readonly own: Float64Array;
}

function leaveOutRow({ size, signs }: TermRows, fit: TermFit, row: number, { change, spread, own }: LeftOut): boolean {
  const from = row * size;
  const curvature = fit.curvature[row];
  let leverage = 0;
  for (let a = 0; a < size; a++) {
    let sum = 0;
    for (let b = 0; b < size; b++) sum += fit.inverse[a * size + b] * signs[from + b];
    change[a] = sum;
    leverage += curvature * sum * signs[from + a];
  }
  const rest = 1 - leverage;
  if (rest < LEAST_FREEDOM) return false;
  for (let k = 0; k < size; k++) {
    own[k] = (curvature * change[k] * change[k]) / rest;
    spread[k] = own[k] / rest;
    change[k] *= fit.score[row] / rest;
  }
  return true;
}

// Rows fewer than columns: with B the rows times the root of the curvature, P = B G^-1, H = P B^t, V = (I - H)^-1 P.
function leaveOutFew(rows: TermRows, fit: TermFit, first: number, length: number, left: LeftOut): boolean {
  const { size, signs } = rows;
  const scaled = new Float64Array(length * size);
  for (let i = 0; i < length; i++) {
    const root = Math.sqrt(fit.curvature[first + i]);
    for (let k = 0; k < size; k++) scaled[i * size + k] = root * signs[(first + i) * size + k];
  }
  const projected = new Float64Array(length * size);
  for (let i = 0; i < length; i++) {
    for (let b = 0; b < size; b++) {
      const value = scaled[i * size + b];
      for (let k = 0; k < size; k++) projected[i * size + k] += value * fit.inverse[b * size + k];
    }
  }
  const rest = new Float64Array(length * length);
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < length; j++) {
      let sum = i === j ? 1 : 0;
      for (let k = 0; k < size; k++) sum -= projected[i * size + k] * scaled[j * size + k];
      rest[i * length + j] = sum;
    }
  }
  const { factor, dependent } = cholesky(rest, length, LEAST_FREEDOM);
  if (dependent.length > 0 || rest.some((value, at) => at % (length + 1) === 0 && value < LEAST_FREEDOM)) return false;
  const column = new Float64Array(length);
  for (let k = 0; k < size; k++) {
    for (let i = 0; i < length; i++) column[i] = projected[i * size + k];
    solveCholesky(factor, length, column);
    let change = 0;
    let spread = 0;
    let own = 0;
    for (let i = 0; i < length; i++) {
      // The residual belonging to B is the score over the root of the curvature.
      change += (column[i] * fit.score[first + i]) / Math.sqrt(fit.curvature[first + i]);
      spread += column[i] * column[i];
      own += column[i] * projected[i * size + k];
    }
    left.change[k] = change;
    left.spread[k] = spread;
    left.own[k] = own;
  }
  return true;
}

// Rows more than columns: X = (G - C)^-1 and the diagonals of X C X and X C G^-1.
async function leaveOutMany(
  rows: TermRows,
  fit: TermFit,
  first: number,
  length: number,
  left: LeftOut,
  turn: Turn,
): Promise<boolean> {
  const { size, signs } = rows;
  const part = new Float64Array(size * size);
  addGram(rows, fit.curvature, first, first + length, part);
  mirror(part, size);
  await turn();
  const without = fit.gram.map((value, at) => value - part[at]);
  const { factor, dependent } = cholesky(without, size);
  if (dependent.length > 0) return false;
  const inverse = inverseCholesky(factor, size);
  await turn();
  const moved = multiply(inverse, part, size);
  left.change.fill(0);
  for (let i = first; i < first + length; i++)
    for (let k = 0; k < size; k++) left.change[k] += fit.score[i] * signs[i * size + k];
  solveCholesky(factor, size, left.change);
  for (let k = 0; k < size; k++) {
    left.spread[k] = 0;
    left.own[k] = 0;
    for (let b = 0; b < size; b++) {
      left.spread[k] += moved[k * size + b] * inverse[b * size + k];
      left.own[k] += moved[k * size + b] * fit.inverse[b * size + k];
    }
  }
  return true;
}

function dependentWithout(rows: TermRows, fit: TermFit, unit: number): readonly number[] {
  const part = new Float64Array(rows.size ** 2);
  addGram(rows, fit.curvature, rows.units[unit], rows.units[unit + 1], part);
  mirror(part, rows.size);
  const without = fit.gram.map((value, at) => value - part[at]);
  const { dependent } = cholesky(without, rows.size, 10 * LEAST_FREEDOM);
  // On the edge of rounding the last column is as good a culprit as any.
  return dependent.length > 0 ? dependent : [rows.size - 1];
}

function rowMultiplicity({ rowCount, units }: TermRows, counts: Float64Array | undefined): Float64Array {
  const multiplicity = new Float64Array(rowCount).fill(1);
  if (counts !== undefined)
    for (let g = 0; g < counts.length; g++) multiplicity.fill(counts[g], units[g], units[g + 1]);
  return multiplicity;
}

// Of rows that count.
function evaluate(
  { size, rowCount, signs }: TermRows,
  coefficients: Float64Array,
  multiplicity: Float64Array,
  values: Float64Array,
): void {
  for (let i = 0; i < rowCount; i++) {
    if (multiplicity[i] === 0) continue;
    const from = i * size;
    let sum = 0;
    for (let k = 0; k < size; k++) sum += coefficients[k] * signs[from + k];
    values[i] = sum;
  }
}

function correlate({ size, rowCount, signs }: TermRows, rowValues: Float64Array, sums: Float64Array): void {
  sums.fill(0);
  for (let i = 0; i < rowCount; i++) {
    const value = rowValues[i];
    if (value === 0) continue;
    const from = i * size;
    for (let k = 0; k < size; k++) sums[k] += value * signs[from + k];
  }
}

// Fills in what a Newton step needs and returns the loss, each with one exponential per row.
function differentiate(
  { target, weights }: TermRows,
  loss: RefitLoss,
  values: Float64Array,
  multiplicity: Float64Array,
  curvature: Float64Array,
  score: Float64Array,
): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    if (multiplicity[i] === 0) continue;
    if (loss === 'squared') {
      const rest = target[i] - values[i];
      curvature[i] = weights[i];
      score[i] = weights[i] * rest;
      sum += multiplicity[i] * weights[i] * (rest * rest) * 0.5;
      continue;
    }
    const margin = target[i] * values[i];
    const tail = Math.exp(-Math.abs(margin));
    const wrong = (margin > 0 ? tail : 1) / (1 + tail); // the chance given to the other class
    // Not below what keeps the score over its root finite.
    curvature[i] = weights[i] * Math.max(1e-280, tail / (1 + tail) ** 2);
    score[i] = weights[i] * target[i] * wrong;
    sum += multiplicity[i] * weights[i] * (Math.max(0, -margin) + Math.log1p(tail));
  }
  return sum;
}

function separates({ target }: TermRows, values: Float64Array, multiplicity: Float64Array): boolean {
  return target.every((y, i) => multiplicity[i] === 0 || y * values[i] > 0);
}

// Adds to the lower triangle.
function addGram(
  { size, signs }: TermRows,
  rowValues: Float64Array,
  start: number,
  end: number,
  gram: Float64Array,
): void {
  for (let i = start; i < end; i++) {
    const value = rowValues[i];
    if (value === 0) continue;
    const from = i * size;
    for (let a = 0; a < size; a++) {
      const product = signs[from + a] < 0 ? -value : value;
      const to = a * size;
      for (let b = 0; b <= a; b++) gram[to + b] += product * signs[from + b];
    }
  }
}

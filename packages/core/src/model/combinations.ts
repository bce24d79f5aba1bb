/**
 * The combinations that a model is told by, and what the rows of the fit say of each: of every answer to all of its
 * yes/no questions how many rows give it, the mean of their targets, and what the model predicts of them.
 *
 * A model has a term for every cut of a number and every part of a product, so terms are gathered by the columns of the
 * table (of texts by their values) that they are of: the more the sum of such terms varies over the rows, the more that
 * set of columns matters. What a larger set says as well as its parts do is told once, by the larger set; and of a set
 * the questions are asked that tell the rows apart best, unless rows that did not choose them have confirmed others.
 */
import { createTurn, pickNumbers, type RunOptions } from '../base/index.ts';
import { type CubePoints, type EncoderSpec, encoderCoordinates, oddAnswers } from '../cube/index.ts';
import { evaluatePolynomial, type Polynomial, termCoordinates } from '../spectrum/index.ts';
import { drawnRows, type LabelledRows, labelledRows } from './column-importance.ts';
import type { Combination, CombinationCell } from './findings.ts';
import { type Calibration, type ConfirmationRecord, predictionFromValues, type TargetSpec } from './model.ts';
import type { LabelledPoints } from './prepare.ts';

export interface CombinationsOf {
  readonly spec: TargetSpec;
  readonly encoder: EncoderSpec;
  readonly calibrations: readonly Calibration[];
  readonly polynomials: readonly Polynomial[];
  /** One per output. */
  readonly confirmations: readonly (ConfirmationRecord | null)[];
  /** The rows of the fit. */
  readonly data: LabelledPoints;
  readonly seed: number;
}

/** Combinations of a model of one output, and of each of several. */
const MOST_COMBINATIONS = 16;
const MOST_OF_A_CLASS = 6;
/** Rows that terms are weighed on: so many, or fewer of many terms. */
const MOST_ROWS = 4000;
const FEWEST_ROWS = 300;
const MOST_CELLS = 1.5e7;
/** Sets of columns looked at, and terms of each. */
const MOST_SETS = 100;
const TERMS_PER_SET = 6;
const MOST_COORDINATES = 4;
/** What varies by less is most likely noise; what other rows have confirmed may be smaller. */
const LEAST_SHARE = 0.005;
const LEAST_CONFIRMED_SHARE = 0.001;
/** Of how well a combination tells rows apart, what a shorter one must reach. */
const SAYS_AS_MUCH = 0.995;
/** A set says what its part says if it varies by this share of it. */
const TOLD_BY_LARGER = 0.25;

/** For every output its combinations, those that matter most first. */
export async function modelCombinations(of: CombinationsOf, options: RunOptions): Promise<Combination[][]> {
  const { spec, polynomials, data, seed } = of;
  const size = Math.max(...polynomials.map(({ members, termCount }) => members.length + termCount));
  const most = Math.max(FEWEST_ROWS, Math.min(MOST_ROWS, Math.floor(MOST_CELLS / (size * polynomials.length))));
  const drawn = drawnRows(data.target.length, most, data.rowKeys, seed);
  const sample = labelledRows(data, drawn);
  const values: Float64Array[] = [];
  for (const polynomial of polynomials) values.push(await evaluatePolynomial(polynomial, sample.points, options));
  const { numbers, probabilities = [] } = predictionFromValues(spec, of.calibrations, values);
  const perOutput = polynomials.length > 1 ? MOST_OF_A_CLASS : MOST_COMBINATIONS;
  const lists: Combination[][] = [];
  for (const [k, polynomial] of polynomials.entries()) {
    const observed = observedTarget(spec, data.target, k);
    const chosen = await chooseCombinations(
      { polynomial, encoder: of.encoder, confirmation: of.confirmations[k], most: perOutput },
      { ...sample, target: pickNumbers(observed, drawn) },
      options,
    );
    lists.push(
      chosen.map(({ coordinates, share }) => ({
        coordinates,
        share,
        cells: combinationCells(coordinates, { ...data, target: observed }, sample.points, numbers ?? probabilities[k]),
      })),
    );
  }
  return lists;
}

/** What the mean of is observed: 1 for the output's class and 0 for others, or the number in its own unit. */
function observedTarget(spec: TargetSpec, target: Float64Array, output: number): Float64Array {
  if (spec.kind !== 'regression') return target.map((value) => Number(value === output));
  return spec.transform === 'log' ? target.map(Math.exp) : target;
}

type Sample = LabelledRows;

interface ColumnSet {
  readonly groups: readonly number[];
  readonly terms: number[];
  variance: number;
  weight: number;
}

async function chooseCombinations(
  {
    polynomial,
    encoder,
    confirmation,
    most,
  }: {
    readonly polynomial: Polynomial;
    readonly encoder: EncoderSpec;
    readonly confirmation: ConfirmationRecord | null;
    readonly most: number;
  },
  sample: Sample,
  { signal }: RunOptions,
): Promise<{ coordinates: readonly number[]; share: number }[]> {
  const groups = questionGroups(encoder);
  const keyOf = (coordinates: ArrayLike<number>): string =>
    [...new Set(Array.from(coordinates, (s) => groups[s]))].sort((a, b) => a - b).join(' ');
  const sets = new Map<string, ColumnSet>();
  for (let t = 0; t < polynomial.termCount; t++) {
    const members = termCoordinates(polynomial, t);
    if (members.length === 0) continue;
    const key = keyOf(members);
    const set = sets.get(key) ?? { groups: key.split(' ').map(Number), terms: [], variance: 0, weight: 0 };
    set.terms.push(t);
    sets.set(key, set);
  }
  const spread = new Float64Array(polynomial.termCount);
  const turn = createTurn(signal);
  for (const set of sets.values()) {
    const wait = turn();
    if (wait !== undefined) await wait;
    set.variance = varianceOf(polynomial, set.terms, sample, spread);
    set.weight = set.variance;
  }
  const total = [...sets.values()].reduce((sum, { variance }) => sum + variance, 0);
  // What varies by rounding only does not vary.
  const leading = [...sets.values()]
    .filter(({ variance }) => variance > 1e-12 * total)
    .sort((a, b) => b.variance - a.variance)
    .slice(0, MOST_SETS);
  const told = new Set<ColumnSet>();
  for (const set of leading.toSorted((a, b) => a.groups.length - b.groups.length)) {
    const larger = leading.filter(
      (other) =>
        other.groups.length > set.groups.length &&
        other.variance >= TOLD_BY_LARGER * set.variance &&
        set.groups.every((group) => other.groups.includes(group)),
    );
    if (larger.length === 0) continue;
    larger.reduce((best, other) => (other.variance > best.variance ? other : best)).weight += set.weight;
    told.add(set);
  }
  const confirmed = new Map<string, { coordinates: readonly number[]; size: number }>();
  for (const { coordinates, low, high, estimate } of confirmation?.terms ?? []) {
    if (coordinates.length === 0 || (low <= 0 && high >= 0)) continue;
    const key = keyOf(coordinates);
    const term = { coordinates, size: Math.abs(estimate) * Math.sqrt(parityVariance(coordinates, sample)) };
    if (term.size > (confirmed.get(key)?.size ?? 0)) confirmed.set(key, term);
  }
  const chosen: { coordinates: readonly number[]; share: number }[] = [];
  const known = new Set<string>();
  for (const set of leading.filter((each) => !told.has(each)).sort((x, y) => y.weight - x.weight)) {
    if (chosen.length === most) break;
    const share = set.weight / total;
    const sure = confirmed.get(set.groups.join(' '));
    if (chosen.length > 0 && share < (sure === undefined ? LEAST_SHARE : LEAST_CONFIRMED_SHARE)) continue;
    const coordinates = sure?.coordinates ?? withoutIdle(tellingCoordinates(polynomial, set, sample, spread), sample);
    // What is left of it may be asked already.
    const key = keyOf(coordinates);
    if (known.has(key)) continue;
    known.add(key);
    chosen.push({ coordinates, share });
  }
  return chosen;
}

// Without questions that hardly help to tell rows apart: where all birds have feathers, "bird" alone says as much.
function withoutIdle(coordinates: readonly number[], sample: Sample): readonly number[] {
  if (coordinates.length < 2) return coordinates;
  const apart = (some: readonly number[]): number => tellingPattern(combinationCells(some, sample)).apart;
  const whole = apart(coordinates);
  const fewer = coordinates.map((left) => coordinates.filter((s) => s !== left));
  const best = fewer.reduce((most, some) => (apart(some) > apart(most) ? some : most));
  return apart(best) >= SAYS_AS_MUCH * whole ? withoutIdle(best, sample) : coordinates;
}

// The cuts of a number ask the same, more or less; every value of a text asks something else.
function questionGroups(encoder: EncoderSpec): number[] {
  const places = new Map<string, number>();
  return encoderCoordinates(encoder).map(({ column, group, key }) => {
    const name = encoder.columns[group].coding.kind === 'categories' ? key : JSON.stringify(column);
    if (!places.has(name)) places.set(name, places.size);
    return places.get(name) as number;
  });
}

// How much the sum of some terms varies over rows; `spread` is told of each by itself.
function varianceOf(
  polynomial: Polynomial,
  terms: readonly number[],
  { points, weights }: Sample,
  spread: Float64Array,
): number {
  const sum = new Float64Array(points.rowCount);
  for (const t of terms) {
    const coefficient = polynomial.coefficients[t];
    const odd = oddAnswers(points, termCoordinates(polynomial, t));
    let oddWeight = 0;
    let total = 0;
    for (let row = 0; row < odd.length; row++) {
      const weight = weights === undefined ? 1 : weights[row];
      sum[row] += odd[row] === 1 ? -coefficient : coefficient;
      oddWeight += odd[row] * weight;
      total += weight;
    }
    spread[t] = Math.abs(coefficient) * Math.sqrt(4 * (oddWeight / total) * (1 - oddWeight / total));
  }
  return varianceOfRows(sum, weights);
}

function parityVariance(coordinates: ArrayLike<number>, { points, weights }: Sample): number {
  return 4 * varianceOfRows(oddAnswers(points, coordinates), weights);
}

function varianceOfRows(values: ArrayLike<number>, weights: Float64Array | undefined): number {
  let [total, mean, squares] = [0, 0, 0];
  for (let row = 0; row < values.length; row++) {
    const weight = weights === undefined ? 1 : weights[row];
    if (weight === 0) continue;
    total += weight;
    const from = values[row] - mean;
    mean += (weight / total) * from;
    squares += weight * from * (values[row] - mean);
  }
  return total > 0 ? squares / total : 0;
}

/** Of a set's terms the one whose answers tell rows apart best; where terms have one coordinate, of all of these. */
function tellingCoordinates(
  polynomial: Polynomial,
  { terms, groups }: ColumnSet,
  sample: Sample,
  spread: Float64Array,
): readonly number[] {
  const lists = terms.map((t) => Array.from(termCoordinates(polynomial, t)));
  // Trees that cut one number twice have terms with two coordinates of one column: one question says as much.
  const plain = lists.map((list, i) => ({ list, t: terms[i] })).filter(({ list }) => list.length === groups.length);
  const usable = plain.length > 0 ? plain : lists.map((list, i) => ({ list, t: terms[i] }));
  const tried =
    groups.length === 1 ? usable : usable.toSorted((a, b) => spread[b.t] - spread[a.t]).slice(0, TERMS_PER_SET);
  let best = tried[0].list.slice(0, MOST_COORDINATES);
  let most = -1;
  for (const { list } of tried) {
    if (list.length > MOST_COORDINATES) continue;
    const cells = combinationCells(list, sample);
    const { apart } = tellingPattern(cells);
    if (apart > most) {
      most = apart;
      best = list;
    }
  }
  return best;
}

/** @param predicted of the sampled rows */
function combinationCells(
  coordinates: readonly number[],
  { points, target, weights }: Sample,
  sampled?: CubePoints,
  predicted?: Float64Array,
): CombinationCell[] {
  const size = 2 ** coordinates.length;
  const counts = new Float64Array(size);
  const totals = new Float64Array(size);
  const sums = new Float64Array(size);
  const cells = answersOf(coordinates, points);
  for (let row = 0; row < cells.length; row++) {
    const weight = weights === undefined ? 1 : weights[row];
    counts[cells[row]]++;
    totals[cells[row]] += weight;
    sums[cells[row]] += weight * target[row];
  }
  const predictedCounts = new Float64Array(size);
  const predictedSums = new Float64Array(size);
  if (sampled !== undefined && predicted !== undefined) {
    for (const [row, cell] of answersOf(coordinates, sampled).entries()) {
      predictedCounts[cell]++;
      predictedSums[cell] += predicted[row];
    }
  }
  return Array.from(counts, (rows, cell) => ({
    rows,
    ...(weights === undefined ? {} : { weight: totals[cell] }),
    observed: totals[cell] > 0 ? sums[cell] / totals[cell] : null,
    predicted: predictedCounts[cell] > 0 ? predictedSums[cell] / predictedCounts[cell] : null,
  }));
}

function answersOf(coordinates: readonly number[], { planes, rowCount }: CubePoints): Uint8Array {
  const answers = new Uint8Array(rowCount);
  for (const [j, s] of coordinates.entries()) {
    const from = (s >> 3) * rowCount;
    const shift = s & 7;
    for (let row = 0; row < rowCount; row++) answers[row] |= ((planes[from + row] >> shift) & 1) << j;
  }
  return answers;
}

type ObservedCell = Omit<CombinationCell, 'predicted'>;

/** Rows that a combination is said of: those of one answer, of any yes, or of an odd number of yeses. */
export type Pattern =
  /** Bit j of `yes` is the answer to question j. */
  { readonly kind: 'all'; readonly yes: number } | { readonly kind: 'any' } | { readonly kind: 'odd' };

/** The rows a pattern is of, and the others. */
export interface PatternRows {
  readonly pattern: Pattern;
  readonly rows: { readonly in: number; readonly out: number };
  /** Means of the target; null where there are no rows. */
  readonly observed: { readonly in: number | null; readonly out: number | null };
  /** By how much the two means differ, squared, times the shares of both: of the variance what it explains. */
  readonly apart: number;
}

/** The pattern that tells rows apart best; of equals the one that is shorter to say. */
export function tellingPattern(cells: readonly ObservedCell[]): PatternRows {
  const size = cells.length;
  const degree = Math.log2(size);
  const negations = (cell: number): number => degree - bitCount(cell);
  const answers = Array.from({ length: size }, (_, cell) => cell).sort((a, b) => negations(a) - negations(b) || b - a);
  const patterns: Pattern[] = answers.map((yes) => (yes === 0 && degree > 1 ? { kind: 'any' } : { kind: 'all', yes }));
  if (degree > 1) patterns.push({ kind: 'odd' });
  let best = patternRows(cells, patterns[0]);
  for (const pattern of patterns.slice(1)) {
    const rows = patternRows(cells, pattern);
    if (rows.apart > best.apart * (1 + 1e-9)) best = rows;
  }
  return best;
}

/** What a pattern's rows are like, and the others. */
export function patternRows(cells: readonly ObservedCell[], pattern: Pattern): PatternRows {
  const rows = { in: 0, out: 0 };
  const weight = { in: 0, out: 0 };
  const sums = { in: 0, out: 0 };
  for (const [place, cell] of cells.entries()) {
    const side = isIn(pattern, place) ? 'in' : 'out';
    const total = cell.weight ?? cell.rows;
    rows[side] += cell.rows;
    weight[side] += total;
    sums[side] += total * (cell.observed ?? 0);
  }
  const mean = (side: 'in' | 'out'): number | null => (weight[side] > 0 ? sums[side] / weight[side] : null);
  const observed = { in: mean('in'), out: mean('out') };
  const share = weight.in / (weight.in + weight.out);
  const apart =
    observed.in === null || observed.out === null ? 0 : share * (1 - share) * (observed.in - observed.out) ** 2;
  return { pattern, rows, observed, apart };
}

function isIn(pattern: Pattern, cell: number): boolean {
  if (pattern.kind === 'all') return cell === pattern.yes;
  return pattern.kind === 'any' ? cell !== 0 : bitCount(cell) % 2 === 1;
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}

/**
 * What a coefficient is times, to be what a pattern adds beyond what its parts do: the difference that being in it makes
 * to the value.
 */
export function patternFactor(pattern: Pattern, degree: number): number {
  if (pattern.kind === 'odd') return -2;
  const product = 2 ** degree;
  // Of "not a" the sign turns; "a or b" is what is left of "neither".
  if (pattern.kind === 'any') return -product;
  return bitCount(pattern.yes) % 2 === 1 ? -product : product;
}

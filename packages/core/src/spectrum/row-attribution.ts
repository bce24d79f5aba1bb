/**
 * Shapley values of single rows: how a polynomial's value at a row, less a
 * baseline value, is shared out among the coordinates. The players are the
 * coordinates; one that takes part has the row's answer, one that does not has
 * the baseline's: "no" (`all-no`), or the answers of a random row of the
 * background, all absent players from the same row (`average`, the
 * interventional value). Both are exact, term by term, because Shapley values
 * are linear in the game:
 *
 * - `all-no`: the term c chi_S at a row with q yeses in S is worth c((-1)^q - 1)
 *   more than at "no", and those q players are interchangeable: -2c/q each if q
 *   is odd, nothing otherwise.
 * - `average`: player i in S gets, over T in S \ {i}, the mean with weights
 *   |T|! (|S|-|T|-1)! / |S|! of c chi_T(x) (x_i m(S\T\i) - m(S\T)), where m(U)
 *   is the mean of chi_U over the background. It depends on the row only through
 *   its answers in S, so a term has a table of 2^|S| cells.
 *
 * Players may be pooled (the coordinates of one table column into that column):
 * where no term has two coordinates of one pool, the pool's Shapley value in the
 * game of the pools is the sum of its coordinates' values.
 */
import { createMonomialOperator, planMonomialOperator } from '@fewfire/kernels';
import { checkRunOptions, createReportingTurn, FewfireError, type RunOptions } from '../base/index.ts';
import { bitAt, type CubePoints, createMonomialIndex } from '../cube/index.ts';
import { type Polynomial, polynomialDegree, termCoordinates } from './polynomial.ts';
import { bitCount } from './spectrum.ts';

/** Options of `attributeRows`. */
export interface RowAttributionOptions extends RunOptions {
  readonly baseline: 'all-no' | 'average';
  /** The rows whose average is the baseline; needed for `average`. */
  readonly background?: CubePoints;
  /** Pool of each coordinate, 0 to `poolCount` - 1; by default every coordinate is a pool of its own. */
  readonly pools?: ArrayLike<number>;
}

/** How the value of each row is shared out among pools of coordinates. */
export interface RowAttributions {
  /** The value of the baseline: f at all no, or the mean of f over the background. */
  readonly base: number;
  readonly poolCount: number;
  /** `rowCount * poolCount` numbers, row by row. A row's numbers and `base` add up to f at the row. */
  readonly values: Float64Array;
}

/** A term's table of averages takes |S| 4^|S| steps. */
const MAX_TERM_SIZE = 10;
/** Rows times coordinates between two looks at the signal: a few milliseconds of work. */
const TURN_STEPS = 2 ** 20;

/**
 * Shapley values of rows: how each row's value, less that of the baseline, is shared out among coordinates, or pools
 * of them.
 * @throws FewfireError `invalid-argument` (points of another encoder, no background, pools that repeat within a term, terms
 *   of more than 10 coordinates), `memory-budget`
 * @example
 * ```ts
 * import { attributeRows, cubePointsFromRows, polynomialFromTerms } from '@fewfire/core';
 *
 * // a b + c / 2
 * const f = polynomialFromTerms(
 *   ['a', 'b', 'c'],
 *   [
 *     { coordinates: [0, 1], coefficient: 1 },
 *     { coordinates: [2], coefficient: 0.5 },
 *   ],
 * );
 * const points = cubePointsFromRows([[1, 0, 1]]);
 * const { base, values } = await attributeRows(f, points, { baseline: 'all-no' });
 * console.log(base, values); // 1.5 Float64Array(3) [ -2, 0, -1 ]
 * ```
 */
export async function attributeRows(
  polynomial: Polynomial,
  points: CubePoints,
  options: RowAttributionOptions,
): Promise<RowAttributions> {
  checkRunOptions('attributeRows', options, {
    baseline: { need: ['all-no', 'average'] },
    background: 'object',
    pools: 'object',
  });
  const n = polynomial.coordinates.length;
  const pools = options.pools ?? Array.from({ length: n }, (_, i) => i);
  checkShapes(polynomial, points, pools, options);
  const poolCount = Array.from({ length: n }, (_, i) => pools[i]).reduce((most, pool) => Math.max(most, pool + 1), 0);
  const values = new Float64Array(points.rowCount * poolCount);
  const meanOf =
    options.baseline === 'average'
      ? await parityMeans(polynomial, options.background as CubePoints, options)
      : undefined;
  let base = 0;
  let steps = 0;
  const turn = createReportingTurn('attributing', options);
  for (let t = 0; t < polynomial.termCount; t++) {
    const subset = termCoordinates(polynomial, t);
    const coefficient = polynomial.coefficients[t];
    base += coefficient * (meanOf === undefined ? 1 : meanOf(subset));
    if (subset.length === 0) continue;
    const table = meanOf === undefined ? allNoTable(subset.length) : averageTable(subset, meanOf);
    addTerm(values, poolCount, points, subset, pools, coefficient, table);
    steps += subset.length * (points.rowCount + table.length);
    if (steps > TURN_STEPS) {
      steps = 0;
      await turn(t, polynomial.termCount);
    }
  }
  return { base, poolCount, values };
}

function checkShapes(
  polynomial: Polynomial,
  points: CubePoints,
  pools: ArrayLike<number>,
  { baseline, background }: RowAttributionOptions,
): void {
  const n = polynomial.coordinates.length;
  const fail = (message: string): never => {
    throw new FewfireError('invalid-argument', message);
  };
  for (const set of background === undefined ? [points] : [points, background]) {
    if (set.coordinateCount !== n) {
      fail(`the points have ${set.coordinateCount} coordinates, the polynomial ${n}; expected the same number`);
    }
  }
  if (pools.length !== n) fail(`there are ${pools.length} pools for ${n} coordinates; expected one per coordinate`);
  if (baseline === 'average' && (background === undefined || background.rowCount === 0)) {
    fail('the baseline is an average and there are no background rows; expected at least one');
  }
  for (let t = 0; t < polynomial.termCount; t++) {
    const subset = termCoordinates(polynomial, t);
    if (subset.length > MAX_TERM_SIZE) {
      fail(`a term has ${subset.length} coordinates; attributions of rows expected at most ${MAX_TERM_SIZE}`);
    }
    const own = new Set(Array.from(subset, (s) => pools[s]));
    if (own.size < subset.length) {
      fail('a term has two coordinates of one pool; expected pools whose coordinates are never multiplied');
    }
  }
}

/** The means of parities over the background, for all subsets of the polynomial's terms: one adjoint of a constant. */
async function parityMeans(
  polynomial: Polynomial,
  background: CubePoints,
  options: RowAttributionOptions,
): Promise<(subset: ArrayLike<number>, size?: number) => number> {
  const { rowCount, coordinateCount } = background;
  const degree = Math.max(1, polynomialDegree(polynomial));
  const { threads } = options;
  const plan = planMonomialOperator({ rowCount, coordinateCount, degree, threads });
  const bytes = plan.memoryBytes + 8 * plan.monomialCount;
  if (bytes > (options.memoryLimitBytes ?? Number.POSITIVE_INFINITY)) {
    throw new FewfireError(
      'memory-budget',
      `averages of ${plan.monomialCount.toLocaleString('en-US')} parities need ${Math.round(bytes / 1e6)} MB, more than allowed; raise \`memoryLimitBytes\` or take the baseline all-no`,
    );
  }
  const operator = await createMonomialOperator(background, { degree, threads });
  try {
    const means = new Float64Array(plan.monomialCount);
    await operator.adjoint(new Float64Array(rowCount).fill(1 / rowCount), means, options.signal);
    const index = createMonomialIndex(coordinateCount, degree);
    return (subset, size) => means[index.indexOf(subset, size)];
  } finally {
    operator.dispose();
  }
}

// Share of the player at position j for the answers `code` (bit 1: yes), entry code * size + j, per unit of coefficient.
function allNoTable(size: number): Float64Array {
  const table = new Float64Array(size * 2 ** size);
  for (let code = 0; code < 2 ** size; code++) {
    const yes = bitCount(code);
    if (yes % 2 === 0) continue;
    for (let j = 0; j < size; j++) if ((code >> j) & 1) table[code * size + j] = -2 / yes;
  }
  return table;
}

function averageTable(
  subset: ArrayLike<number>,
  meanOf: (subset: ArrayLike<number>, size?: number) => number,
): Float64Array {
  const size = subset.length;
  const full = 2 ** size - 1;
  // Means of all subsets of the term, by mask.
  const means = new Float64Array(full + 1);
  const part = new Uint16Array(size);
  for (let mask = 0; mask <= full; mask++) {
    let count = 0;
    for (let j = 0; j < size; j++) if ((mask >> j) & 1) part[count++] = subset[j];
    means[mask] = meanOf(part, count);
  }
  const weights = coalitionWeights(size);
  const table = new Float64Array(size * (full + 1));
  for (let code = 0; code <= full; code++) {
    for (let j = 0; j < size; j++) {
      const own = (code >> j) & 1 ? -1 : 1;
      let sum = 0;
      for (let coalition = 0; coalition <= full; coalition++) {
        if ((coalition >> j) & 1) continue;
        const sign = bitCount(coalition & code) % 2 === 1 ? -1 : 1;
        const absent = full & ~coalition;
        sum += weights[bitCount(coalition)] * sign * (own * means[absent & ~(1 << j)] - means[absent]);
      }
      table[code * size + j] = sum;
    }
  }
  return table;
}

// |T|! (s - |T| - 1)! / s! by |T|.
function coalitionWeights(size: number): Float64Array {
  const weights = new Float64Array(size);
  weights[0] = 1 / size;
  for (let t = 1; t < size; t++) weights[t] = (weights[t - 1] * t) / (size - t);
  return weights;
}

function addTerm(
  values: Float64Array,
  poolCount: number,
  points: CubePoints,
  subset: ArrayLike<number>,
  pools: ArrayLike<number>,
  coefficient: number,
  table: Float64Array,
): void {
  const size = subset.length;
  for (let row = 0; row < points.rowCount; row++) {
    let code = 0;
    for (let j = 0; j < size; j++) code |= bitAt(points, row, subset[j]) << j;
    for (let j = 0; j < size; j++) {
      values[row * poolCount + pools[subset[j]]] += coefficient * table[code * size + j];
    }
  }
}

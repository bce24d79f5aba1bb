/**
 * What `fit` learns where nothing else is asked for: additive curves of the columns with the products of yes/no
 * coordinates that a look at all of them found, and boosted trees, each as good as rows held out say, added by weights
 * of least loss on these rows. All of it is a polynomial, and their weighted sum is one.
 *
 * Products are looked for in all rows, once: what is taken was compared with the largest of all under pure noise, so
 * that rows held out in turn are hardly favoured by having been looked at.
 */
import { createTurn, meanWithError } from '../base/index.ts';
import { type CoordinateColumn, type CubePoints, checkCoordinateCount, separateColumns } from '../cube/index.ts';
import { addPolynomials, type Polynomial, polynomialFromTerms } from '../spectrum/index.ts';
import {
  type AdditiveFeatures,
  additiveFeatures,
  additiveOperator,
  additivePolynomial,
  productFeature,
  withProducts,
} from './additive-features.ts';
import { checkBoostingMemory, growByFolds, growth, ROUND_COUNTS, treeRows } from './boosted-fit.ts';
import { boostTrees, type TreeRows } from './boosting.ts';
import { type Candidate, type Consider, type FoldContext, foldScores, foldWeights, type Stack } from './folds.ts';
import { createLeastSquaresSolver } from './least-squares.ts';
import { createLogisticSolver } from './logistic.ts';
import { checkTwoClasses, sigmoid } from './logit.ts';
import { checkTarget, DENSE, type LowDegreeFit, type LowDegreeOptions, weightedMse } from './low-degree.ts';
import { weightedMean } from './metrics.ts';
import { openProductScreen } from './product-screen.ts';
import { lossOf, type StackedLoss, stackingWeights } from './stacking.ts';
import { treesPolynomial } from './tree-polynomial.ts';

/** Penalties of the additive part, per weight of the rows, from large to small. */
const PENALTIES = [1, 0.3, 0.1, 0.03, 0.01, 0.003, 1e-3, 3e-4];
/** So many in a row without a better error end the path. */
const PATIENCE = 2;
/** What is found is hardly shrunk. */
const LEAST_PENALTY = 1e-4;
/** By how many of its standard errors the gain over the constant on rows held out must be above 0. */
const LEAST_GAIN_ERRORS = 2;
const CHOICE_TOLERANCE = 3e-3;
const FIT_TOLERANCE = 1e-4;
/** For each penalty of a path, which starts where the last one ended; and of one by itself. */
const PATH_ITERATIONS = 30;
const MOST_ITERATIONS = 100;
/** Of the trees, each a polynomial of at most this degree: shallow ones vary less, and of depth 1 they would be curves. */
const TREE_DEPTH = 3;
/** Looks for products: each at what the last ones left. */
const MOST_LOOKS = 3;
/** Chance that in pure noise a look finds any product. */
const FALSE_FINDS = 0.05;
/** Of terms that other rows are to confirm: so many in noise cost nothing but a line. */
const FALSE_CANDIDATES = 1;
/** Of more outputs than this each has one look only. */
const FEW_OUTPUTS = 8;

// To predict with, roughly: nanoseconds per cell and per row of one core, and how many iterations and trees there are as a
// rule.
const CELL_NS = 1.2;
const TREE_CELL_NS = 2.5;
const ROW_NS = 25;
const PLANNED_ITERATIONS = 50;
const PLANNED_TREES = 200;

type Run = Pick<LowDegreeOptions, 'signal'>;

interface Solution {
  readonly coefficients: Float64Array;
  readonly predictions: Float64Array;
}

// Solves for one penalty after another, from large to small.
function createPath(
  features: AdditiveFeatures,
  target: Float64Array,
  rowWeights: Float64Array | undefined,
  loss: StackedLoss,
  tolerance: number,
  mostIterations: number,
  { signal }: Run,
): (penalty: number) => Promise<Solution> {
  const operator = additiveOperator(features, createTurn(signal));
  const problem = { operator, excluded: new Uint32Array(0), target, rowWeights };
  const solver =
    loss === 'logistic'
      ? createLogisticSolver(problem)
      : createLeastSquaresSolver({ ...problem, means: new Float64Array(0) });
  const total = rowWeights?.reduce((sum, weight) => sum + weight, 0) ?? target.length;
  return (penalty) =>
    solver.solve({ lambda: penalty * total, basis: 'parity', tolerance, maxIterations: mostIterations, signal });
}

async function solveAt(penalty: number, ...problem: Parameters<typeof createPath>): Promise<Solution> {
  const solve = createPath(...problem);
  return await solve(penalty);
}

interface AdditiveChoice {
  readonly penalty: number;
  readonly heldOut: Float64Array;
}

async function chooseAdditive(
  features: AdditiveFeatures,
  context: Omit<FoldContext, 'operator' | 'excluded'>,
  loss: StackedLoss,
  penalties: readonly number[] = PENALTIES,
): Promise<AdditiveChoice> {
  const { target, rowWeights, foldOf, heldOutCount, signal, onFit } = context;
  const paths = Array.from({ length: heldOutCount }, (_, fold) =>
    createPath(features, target, foldWeights(foldOf, fold, rowWeights), loss, CHOICE_TOLERANCE, PATH_ITERATIONS, {
      signal,
    }),
  );
  let best: AdditiveChoice | undefined;
  let lowest = Number.POSITIVE_INFINITY;
  let since = 0;
  for (const penalty of penalties) {
    const heldOut = new Float64Array(target.length);
    for (const [fold, solve] of paths.entries()) {
      const { predictions } = await solve(penalty);
      for (let row = 0; row < target.length; row++) if (foldOf[row] === fold) heldOut[row] = predictions[row];
      onFit();
    }
    const error = heldOutLoss(context, heldOut, loss);
    since = error < lowest ? 0 : since + 1;
    if (error < lowest || best === undefined) {
      lowest = error;
      best = { penalty, heldOut };
    }
    if (since === PATIENCE) break;
  }
  return best as AdditiveChoice;
}

function heldOutLoss(
  { target, rowWeights, foldOf, heldOutCount }: Omit<FoldContext, 'operator' | 'excluded'>,
  heldOut: Float64Array,
  loss: StackedLoss,
): number {
  let sum = 0;
  for (let row = 0; row < target.length; row++) {
    if (foldOf[row] < heldOutCount) sum += lossOf(heldOut[row], target[row], loss) * (rowWeights?.[row] ?? 1);
  }
  return sum;
}

interface Problem {
  readonly points: CubePoints;
  readonly rows: TreeRows;
  readonly target: Float64Array;
  readonly rowWeights: Float64Array | undefined;
  readonly loss: StackedLoss;
  readonly outputCount: number;
  /** Without products. */
  readonly curves: AdditiveFeatures;
}

function problemOf(
  points: CubePoints,
  target: Float64Array,
  {
    columns,
    rowWeights,
    loss,
    outputCount = 1,
  }: Pick<Problem, 'rowWeights' | 'loss'> & {
    readonly columns?: readonly CoordinateColumn[] | undefined;
    readonly outputCount?: number | undefined;
  },
): Problem {
  const rows = treeRows(points, columns);
  return { points, rows, target, rowWeights, loss, outputCount, curves: additiveFeatures(rows, rowWeights) };
}

/** Looks for products until there are no more, each time at what a fit with the last ones left over. */
async function findProducts(
  { points, rows, target, rowWeights, loss, outputCount, curves }: Problem,
  penalty: number,
  mostDegree: number,
  run: Run,
): Promise<number[][]> {
  const screen = await openProductScreen(points, rows.columns, mostDegree, run);
  try {
    const products: number[][] = [];
    let features = curves;
    const looks = outputCount > FEW_OUTPUTS ? 1 : MOST_LOOKS;
    for (let look = 0; look < looks && screen.degree > 1; look++) {
      const { predictions } = await solveAt(
        penalty,
        features,
        target,
        rowWeights,
        loss,
        CHOICE_TOLERANCE,
        MOST_ITERATIONS,
        run,
      );
      const residual = target.map((y, row) => {
        const weight = rowWeights?.[row] ?? 1;
        return weight * (loss === 'squared' ? y - predictions[row] : y * sigmoid(-y * predictions[row]));
      });
      const found = await screen.look(residual, products, 2, FALSE_FINDS);
      if (found.length === 0) break;
      products.push(...found);
      features = withProducts(
        features,
        found.map((product) => productFeature(points, product, rowWeights)),
      );
    }
    return products;
  } finally {
    screen.dispose();
  }
}

/**
 * Few terms that go with the target: single coordinates and products, found one after another as products are.
 * @returns their polynomial, of least squares with next to no penalty
 */
export async function fitFoundTerms(
  points: CubePoints,
  target: Float64Array,
  names: readonly string[],
  columns: readonly CoordinateColumn[],
  rowWeights: Float64Array | undefined,
  run: Run,
): Promise<Polynomial> {
  const mean = weightedMean(target, rowWeights);
  let features: AdditiveFeatures = {
    ...{
      rows: { rowCount: points.rowCount, columns: [], codes: new Uint8Array(0) },
      codes: [],
      columns: [],
      products: [],
    },
    count: 1,
  };
  let solution: Solution = {
    coefficients: Float64Array.of(mean),
    predictions: new Float64Array(points.rowCount).fill(mean),
  };
  const screen = await openProductScreen(points, columns, Number.POSITIVE_INFINITY, run);
  try {
    for (let look = 0; look < MOST_LOOKS; look++) {
      const { predictions } = solution;
      const residual = target.map((y, row) => (rowWeights?.[row] ?? 1) * (y - predictions[row]));
      const known = features.products.map(({ coordinates }) => coordinates);
      const found = await screen.look(residual, known, 1, FALSE_CANDIDATES);
      if (found.length === 0) break;
      features = withProducts(
        features,
        found.map((product) => productFeature(points, product, rowWeights)),
      );
      solution = await solveAt(
        LEAST_PENALTY,
        features,
        target,
        rowWeights,
        'squared',
        FIT_TOLERANCE,
        MOST_ITERATIONS,
        run,
      );
    }
  } finally {
    screen.dispose();
  }
  return additivePolynomial(names, features, solution.coefficients);
}

function featuresOf(
  { points, rowWeights, curves }: Problem,
  products: readonly (readonly number[])[],
): AdditiveFeatures {
  return withProducts(
    curves,
    products.map((product) => productFeature(points, product, rowWeights)),
  );
}

// What each row would have if nothing were learned.
function bestConstantOf({ target, rowWeights, loss }: Problem): number {
  const mean = weightedMean(target, rowWeights);
  if (loss === 'squared') return mean;
  // Of one class alone half a row of the other is imagined, or its odds were infinite.
  const most = 1 - 1 / (target.length + 2);
  return 2 * Math.atanh(Math.max(-most, Math.min(most, mean)));
}

// Beside the additive part trees have little to say: some large steps do as well as many small ones.
function stackedGrowth(...shape: Parameters<typeof growth>): ReturnType<typeof growth> {
  return { ...growth(...shape), learningRate: 0.2 };
}

/** Tries the additive part, trees, and both. */
export async function tryStacking(
  context: Omit<FoldContext, 'operator' | 'excluded'>,
  options: {
    readonly degree: number | 'auto';
    readonly loss: StackedLoss;
    readonly columns: readonly CoordinateColumn[] | undefined;
    readonly seed: number;
    readonly outputCount?: number | undefined;
  } & Run,
  consider: Consider,
): Promise<void> {
  const { points, target, rowWeights, foldOf, heldOutCount } = context;
  const { loss } = options;
  if (loss === 'logistic') checkTwoClasses(target);
  const problem = problemOf(points, target, { ...options, rowWeights, loss });
  const { rows } = problem;
  const mostDegree = options.degree === 'auto' ? Number.POSITIVE_INFINITY : options.degree;
  if (loss === 'logistic' && !everyFoldHasBoth(context)) {
    offer(context, loss, nothingLearned(bestConstantOf(problem), target.length), consider);
    return;
  }

  let additive = await chooseAdditive(problem.curves, context, loss);
  const products = await findProducts(problem, additive.penalty, mostDegree, options);
  if (products.length > 0) {
    // With products there is more to be sure of: larger penalties have been tried.
    const at = PENALTIES.indexOf(additive.penalty);
    const left = PENALTIES.slice(Math.max(0, at - 1));
    additive = await chooseAdditive(featuresOf(problem, products), context, loss, left);
  }

  const depth = Math.min(TREE_DEPTH, mostDegree);
  const grown = await growByFolds(rows, context, {
    ...{ seed: options.seed, signal: options.signal },
    ...stackedGrowth(points.rowCount, rows.columns.length, depth, loss, options.outputCount),
  });
  const errors = grown.map((heldOut) => heldOutLoss(context, heldOut, loss));
  const step = errors.reduce((best, error, k) => (error < errors[best] ? k : best), 0);

  const constant = bestConstantOf(problem);
  const held = Float64Array.from(target, (_, row) => (foldOf[row] < heldOutCount ? (rowWeights?.[row] ?? 1) : 0));
  const parts = [additive.heldOut, grown[step]];
  const weights = stackingWeights(parts, constant, target, held, loss);
  const stack: Stack = { additive: weights[0], trees: weights[1], depth };
  const heldOut = new Float64Array(target.length).fill(constant);
  for (const [k, part] of parts.entries()) {
    if (weights[k] === 0) continue;
    for (let row = 0; row < heldOut.length; row++) heldOut[row] += weights[k] * (part[row] - constant);
  }
  const gains = target.map((y, row) => lossOf(constant, y, loss) - lossOf(heldOut[row], y, loss));
  const { mean, standardError } = meanWithError(gains, { weights: held, clusters: context.clusters });
  // The weights were chosen on these rows, so that in pure noise too the stack is a little better than the constant.
  if (!(mean > LEAST_GAIN_ERRORS * standardError)) {
    offer(context, loss, nothingLearned(constant, target.length), consider);
    return;
  }
  const choice = { roundCount: stack.trees > 0 ? ROUND_COUNTS[step] : 0, products: stack.additive > 0 ? products : [] };
  offer(context, loss, { stack, ...choice, heldOut, lambda: additive.penalty }, consider);
}

function nothingLearned(constant: number, rowCount: number) {
  const heldOut = new Float64Array(rowCount).fill(constant);
  return { stack: { additive: 0, trees: 0, depth: 0 }, roundCount: 0, heldOut, products: [], lambda: 0 };
}

function offer(
  context: Omit<FoldContext, 'operator' | 'excluded'>,
  loss: StackedLoss,
  {
    stack,
    roundCount,
    heldOut,
    products,
    lambda,
  }: {
    readonly lambda: number;
    readonly stack: Stack;
    readonly roundCount: number;
    readonly heldOut: Float64Array;
    readonly products: readonly (readonly number[])[];
  },
  consider: Consider,
): void {
  const degree = Math.max(
    stack.additive > 0 ? 1 : 0,
    stack.trees > 0 ? stack.depth : 0,
    ...products.map((product) => product.length),
  );
  const scores = foldScores(context, loss === 'logistic' ? heldOut.map((value) => Math.tanh(value / 2)) : heldOut);
  consider(
    {
      ...{ method: 'stacking', degree, lambda, basis: 'parity', ...DENSE, roundCount, stack, products },
      ...{ termCount: products.length, ...scores, converged: true },
    },
    heldOut,
    [],
  );
}

// Whether rows of both classes are left where a fold is held out: of one class alone there is nothing to learn.
function everyFoldHasBoth({ target, foldOf, heldOutCount }: Omit<FoldContext, 'operator' | 'excluded'>): boolean {
  return Array.from({ length: heldOutCount }, (_, fold) => fold).every((fold) =>
    [-1, 1].every((side) => target.some((value, row) => value === side && foldOf[row] !== fold)),
  );
}

export interface StackedOptions extends LowDegreeOptions {
  readonly loss?: StackedLoss;
  readonly candidate: Candidate;
  readonly columns?: readonly CoordinateColumn[];
  readonly seed?: number;
  /** Whether these are the coordinates that the candidate was chosen on; otherwise its products are looked for anew. */
  readonly sameCoordinates?: boolean;
  /** As in the choice. */
  readonly outputCount?: number;
}

/**
 * Fits what the folds chose.
 * @throws FewfireError `invalid-argument`, `invalid-data`, `memory-budget`
 */
export async function fitStacked(
  points: CubePoints,
  target: Float64Array,
  options: StackedOptions,
): Promise<LowDegreeFit> {
  const { rowCount, coordinateCount } = points;
  const { candidate, loss = 'squared', rowWeights, seed = 1, signal } = options;
  const { lambda, roundCount = 0 } = candidate;
  const stack = candidate.stack as Stack;
  checkCoordinateCount(coordinateCount);
  checkTarget(points, target, rowWeights);
  if (loss === 'logistic') checkTwoClasses(target);
  const columns = options.columns ?? separateColumns(coordinateCount);
  checkBoostingMemory(rowCount, columns.length, stackedBytes(rowCount, columns.length), options, 'curves and trees');
  const names = options.coordinates ?? Array.from({ length: coordinateCount }, (_, i) => `x${i}`);
  const problem = problemOf(points, target, { ...options, columns, rowWeights, loss });
  const { rows } = problem;
  const constant = bestConstantOf(problem);
  let model: Polynomial = polynomialFromTerms(names, [{ coordinates: [], coefficient: constant }]);
  const values = new Float64Array(rowCount).fill(constant);
  const add = (part: Polynomial, predictions: Float64Array, weight: number): void => {
    const beyond = addPolynomials(part, polynomialFromTerms(names, [{ coordinates: [], coefficient: constant }]), -1);
    model = addPolynomials(model, beyond, weight);
    for (let row = 0; row < rowCount; row++) values[row] += weight * (predictions[row] - constant);
  };
  let ofAdditive = stack.additive;
  if (stack.trees > 0 && roundCount > 0) {
    let grown: Float64Array = values;
    const trees = await boostTrees(
      rows,
      target,
      rowWeights,
      { ...stackedGrowth(rowCount, columns.length, stack.depth, loss, options.outputCount), roundCount, seed },
      (round, all) => {
        grown = all;
        options.onProgress?.({ phase: 'fitting', done: round, total: roundCount, unit: 'steps' });
        return true;
      },
      options,
    );
    // Rows that balance exactly, as all answers to a parity do, give no tree a first question, where parts of them did:
    // what trees were to say is left to the products.
    if (trees.left.every((below) => below === 0)) ofAdditive += ofAdditive > 0 ? stack.trees : 0;
    else add(await treesPolynomial(names, columns, trees, createTurn(signal)), grown, stack.trees);
  }
  let products = candidate.products ?? [];
  if (ofAdditive > 0) {
    products =
      options.sameCoordinates === true || products.length === 0
        ? products
        : await findProducts(problem, lambda, candidate.degree, { signal });
    const features = featuresOf(problem, products);
    const solution = await solveAt(lambda, features, target, rowWeights, loss, FIT_TOLERANCE, MOST_ITERATIONS, {
      signal,
    });
    add(additivePolynomial(names, features, solution.coefficients), solution.predictions, ofAdditive);
  }
  const predictions = loss === 'logistic' ? values.map((logOdds) => Math.tanh(logOdds / 2)) : values;
  return {
    model,
    summary: {
      ...{ method: 'stacking', degree: candidate.degree, sampleCount: rowCount, coordinateCount, roundCount },
      ...{ stack, products },
      ...{ monomialCount: model.termCount, lambda, basis: 'parity', ...DENSE, dualityGap: null },
      ...{ termCount: model.termCount, iterations: roundCount, relativeGradient: 0, converged: true },
      trainingMse: weightedMse(target, predictions, rowWeights),
    },
  };
}

/** Predicted seconds of one thread that a choice takes. */
export function stackedSeconds(rowCount: number, columnCount: number, heldOutCount: number): number {
  const cells = rowCount * columnCount;
  const paths = 2 * PENALTIES.length * PLANNED_ITERATIONS * (2 * CELL_NS * cells + ROW_NS * rowCount);
  const trees = PLANNED_TREES * TREE_DEPTH * (TREE_CELL_NS * cells + ROW_NS * rowCount);
  return (heldOutCount * (paths + trees)) / 1e9 + MOST_LOOKS * 0.15;
}

/**
 * Bytes of the rows as the parts see them: codes twice, row after row and column after column, the signs of products, and
 * vectors of the solver and the trees; of a choice those of each fold besides, and what is predicted of rows held out.
 */
export function stackedBytes(rowCount: number, columnCount: number, heldOutCount = 0): number {
  const choosing = heldOutCount === 0 ? 0 : 64 * heldOutCount + 8 * (ROUND_COUNTS.length + 3);
  return rowCount * (2 * columnCount + 24 + 136 + choosing);
}

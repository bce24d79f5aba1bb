/** Boosted trees as a learner and as a choice: how deep and how many, by the rows held out. */
import { createTurn, FewfireError, type RunOptions } from '../base/index.ts';
import {
  type CoordinateColumn,
  type CubePoints,
  checkCoordinateCount,
  columnCodes,
  separateColumns,
} from '../cube/index.ts';
import { type BoostingOptions, boostTrees, type TreeRows } from './boosting.ts';
import { type Consider, type FoldContext, foldScores, foldWeights } from './folds.ts';
import { checkTwoClasses } from './logit.ts';
import {
  checkTarget,
  DEFAULT_MEMORY_BYTES,
  DENSE,
  formatBytes,
  type LowDegreeFit,
  type LowDegreeOptions,
  weightedMse,
} from './low-degree.ts';
import { lossOf } from './stacking.ts';
import { treesPolynomial } from './tree-polynomial.ts';

/** A polynomial of a tree of depth d has 3^d terms and more: beyond this they are no longer few. */
export const MAX_TREE_DEPTH = 5;
/** Depths that are tried where none is given. */
const DEPTHS = [1, 2, 3];
/** Numbers of trees that are compared: beyond twenty in steps of a third or so. */
export const ROUND_COUNTS: readonly number[] = [1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60, 80, 110, 150, 200, 270, 360];
/** Of these in a row without a better error, growing ends. */
const PATIENCE = 2;
const LEARNING_RATE = 0.1;
/** Cells that a tree is grown on: rows beyond are drawn anew for every tree. */
const TREE_CELLS = 1e6;
const FEWEST_TREE_ROWS = 2000;
/** Nanoseconds of one level of a tree, roughly, on one core: per cell, and per row. */
const CELL_NS = 2.5;
const ROW_NS = 15;

export interface BoostedOptions extends LowDegreeOptions {
  readonly loss?: BoostingOptions['loss'];
  /** Trees to grow. */
  readonly roundCount: number;
  /** Which coordinates belong together. By default each stands alone. */
  readonly columns?: readonly CoordinateColumn[];
  readonly seed?: number;
}

/**
 * Boosted trees of depth at most `degree`, as a polynomial.
 * @param target one finite number per row; of the logistic loss -1 or +1, and the polynomial then is the logarithm of the odds of +1
 * @throws FewfireError `invalid-argument`, `invalid-data`, `memory-budget`
 */
export async function fitBoosted(
  points: CubePoints,
  target: Float64Array,
  options: BoostedOptions,
): Promise<LowDegreeFit> {
  const { rowCount, coordinateCount } = points;
  const { degree, roundCount, loss = 'squared', rowWeights } = options;
  checkDepth(degree);
  checkCoordinateCount(coordinateCount);
  checkTarget(points, target, rowWeights);
  if (loss === 'logistic') checkTwoClasses(target);
  const columns = options.columns ?? separateColumns(coordinateCount);
  checkBoostingMemory(rowCount, columns.length, boostingBytes(rowCount, columns.length), options);
  const rows = treeRows(points, columns);
  let values = target;
  const trees = await boostTrees(
    rows,
    target,
    rowWeights,
    { ...growth(rowCount, rows.columns.length, degree, loss), roundCount, seed: options.seed ?? 1 },
    (round, all) => {
      values = all;
      options.onProgress?.({ phase: 'fitting', done: round, total: roundCount, unit: 'steps' });
      return true;
    },
    options,
  );
  const names = options.coordinates ?? Array.from({ length: coordinateCount }, (_, i) => `x${i}`);
  const model = await treesPolynomial(names, columns, trees, createTurn(options.signal));
  const predictions = loss === 'logistic' ? values.map((logOdds) => Math.tanh(logOdds / 2)) : values;
  return {
    model,
    summary: {
      ...{ method: 'boosting', degree, sampleCount: rowCount, coordinateCount, roundCount },
      ...{ monomialCount: model.termCount, lambda: 0, basis: 'parity', ...DENSE, dualityGap: null },
      ...{ termCount: model.termCount, iterations: roundCount, relativeGradient: 0, converged: true },
      trainingMse: weightedMse(target, predictions, rowWeights),
    },
  };
}

/** Seconds of one thread that the choice is predicted to take: all folds and depths, as many trees as may be grown. */
export function boostingSeconds(rowCount: number, columns: number, degree: number | 'auto', folds: number): number {
  const { treeRows: grown } = growth(rowCount, columns, 1, 'squared');
  const levels = depthsOf(degree).reduce((sum, depth) => sum + depth, 0);
  const tree = Math.min(grown, rowCount) * columns * CELL_NS + rowCount * ROW_NS;
  return (folds * levels * (ROUND_COUNTS.at(-1) as number) * tree) / 1e9;
}

/**
 * Bytes of the rows as trees see them, with what is kept of each: value, gradient, curvature, weight, and who is learned
 * from. A choice keeps, of every number of trees, what is predicted too.
 */
export function boostingBytes(rowCount: number, columnCount: number, choosing = false): number {
  // A code is one byte but for columns of more than 255 coordinates, which no encoder makes.
  return rowCount * (columnCount + 48 + (choosing ? 8 * (ROUND_COUNTS.length + 3) : 0));
}

/** @throws FewfireError `memory-budget` */
export function checkBoostingMemory(
  rowCount: number,
  columnCount: number,
  bytes: number,
  { memoryLimitBytes: limit = DEFAULT_MEMORY_BYTES }: RunOptions,
  what = 'boosted trees',
): void {
  if (bytes <= limit) return;
  throw new FewfireError(
    'memory-budget',
    `${what} on ${rowCount.toLocaleString('en-US')} rows of ${columnCount} columns need ${formatBytes(bytes)}, more than the ${formatBytes(limit)} allowed; give fewer rows, choose columns with \`features\` or \`exclude\`, or raise \`memoryLimitBytes\``,
  );
}

/** How many times folds are fitted: each fold at each depth. */
export function boostingFits(degree: number | 'auto', heldOutCount: number): number {
  return depthsOf(degree).length * heldOutCount;
}

/** Tries every depth with growing numbers of trees. */
export async function tryBoosting(
  context: Omit<FoldContext, 'operator' | 'excluded'>,
  options: {
    readonly degree: number | 'auto';
    readonly loss: BoostingOptions['loss'];
    readonly columns: readonly CoordinateColumn[] | undefined;
    readonly seed: number;
  } & Pick<RunOptions, 'signal'>,
  consider: Consider,
): Promise<void> {
  const { points, target } = context;
  const { loss } = options;
  if (loss === 'logistic') checkTwoClasses(target);
  const rows = treeRows(points, options.columns);
  for (const depth of depthsOf(options.degree)) {
    for (const [step, heldOut] of (
      await growByFolds(rows, context, { ...options, ...growth(points.rowCount, rows.columns.length, depth, loss) })
    ).entries()) {
      const scores = foldScores(context, loss === 'logistic' ? heldOut.map((value) => Math.tanh(value / 2)) : heldOut);
      const roundCount = ROUND_COUNTS[step];
      consider(
        {
          ...{ method: 'boosting', degree: depth, lambda: 0, basis: 'parity', ...DENSE, roundCount },
          ...{ termCount: roundCount, ...scores, converged: true },
        },
        heldOut,
        [],
      );
    }
  }
}

/** For each of `ROUND_COUNTS` that every fold came to, what trees predict of rows that were held out. */
export async function growByFolds(
  rows: TreeRows,
  { target, rowWeights, foldOf, heldOutCount, onFit }: Omit<FoldContext, 'operator' | 'excluded'>,
  options: Omit<BoostingOptions, 'roundCount'> & Pick<RunOptions, 'signal'>,
): Promise<Float64Array[]> {
  const predicted = ROUND_COUNTS.map(() => new Float64Array(0));
  let reached = ROUND_COUNTS.length;
  for (let fold = 0; fold < heldOutCount; fold++) {
    let best = Number.POSITIVE_INFINITY;
    let since = 0;
    let step = 0;
    await boostTrees(
      rows,
      target,
      foldWeights(foldOf, fold, rowWeights),
      { ...options, roundCount: ROUND_COUNTS[reached - 1] },
      (round, values) => {
        if (round !== ROUND_COUNTS[step]) return true;
        if (predicted[step].length === 0) predicted[step] = new Float64Array(rows.rowCount);
        let error = 0;
        for (let row = 0; row < values.length; row++) {
          if (foldOf[row] !== fold) continue;
          predicted[step][row] = values[row];
          error += lossOf(values[row], target[row], options.loss) * (rowWeights?.[row] ?? 1);
        }
        since = error < best ? 0 : since + 1;
        best = Math.min(best, error);
        step++;
        return since < PATIENCE;
      },
      options,
    );
    reached = Math.min(reached, step);
    onFit();
  }
  return predicted.slice(0, reached);
}

/** @throws FewfireError `invalid-argument` */
export function checkDepth(degree: number): void {
  if (Number.isInteger(degree) && degree >= 1 && degree <= MAX_TREE_DEPTH) return;
  throw new FewfireError(
    'invalid-argument',
    `\`degree\` is ${degree}; boosted trees have one from 1 to ${MAX_TREE_DEPTH}`,
  );
}

function depthsOf(degree: number | 'auto'): readonly number[] {
  return degree === 'auto' ? DEPTHS : [degree];
}

export function treeRows(
  points: CubePoints,
  columns: readonly CoordinateColumn[] = separateColumns(points.coordinateCount),
): TreeRows {
  return { rowCount: points.rowCount, columns, codes: columnCodes(points, columns) };
}

export function growth(
  rowCount: number,
  columnCount: number,
  depth: number,
  loss: BoostingOptions['loss'],
  outputCount = 1,
): Omit<BoostingOptions, 'roundCount' | 'seed'> {
  return {
    ...{ depth, loss, learningRate: LEARNING_RATE },
    // A leaf says something of more than a few rows; of small tables there are no more.
    leafRows: Math.max(2, Math.min(20, Math.round(rowCount / 50))),
    treeRows: Math.max(FEWEST_TREE_ROWS, Math.floor(TREE_CELLS / outputCount / Math.max(1, columnCount))),
  };
}

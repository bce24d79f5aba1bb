/**
 * Gradient boosting (Friedman 2001, with the second-order gains of Chen and Guestrin 2016) of trees so shallow that each is a
 * polynomial of low degree over the coordinates: what is learned is a polynomial as every other learner gives it, of
 * which no monomial had to be tried that is in no tree.
 *
 * Every split asks one coordinate. A column's rows are counted by code, so that one pass over the rows says how good all
 * of its coordinates are; of two children only the smaller is counted, the other is the difference.
 */
import { createRandom, createTurn, type RunOptions, rowsWhere, sampleSeed } from '../base/index.ts';
import type { ColumnCodes, CoordinateColumn } from '../cube/index.ts';
import { logisticSlope, sigmoid } from './logit.ts';
import { weightedMean } from './metrics.ts';

/** All rows as the trees see them. */
export interface TreeRows {
  readonly rowCount: number;
  readonly columns: readonly CoordinateColumn[];
  /** As `columnCodes` gives them. */
  readonly codes: ColumnCodes;
}

export interface BoostingOptions {
  /** Largest number of questions on the way to a leaf: the degree of the polynomial. */
  readonly depth: number;
  readonly roundCount: number;
  /** Every tree is shrunk by it. */
  readonly learningRate: number;
  /** Targets -1 and +1 under the logistic loss, or any numbers under the squared one. */
  readonly loss: 'squared' | 'logistic';
  /** Fewest rows of a leaf. */
  readonly leafRows: number;
  /** Rows that each tree is grown on, drawn anew; all where there are no more. */
  readonly treeRows: number;
  readonly seed: number;
}

/** Trees, node after node: where `left` is 0 a node is a leaf (a root is never another's child). */
export interface BoostedTrees {
  /** What every row starts with. */
  readonly start: number;
  /** The first node of every tree, in the order they were grown. */
  readonly roots: readonly number[];
  /** Coordinate asked; of a leaf 0. */
  readonly coordinates: readonly number[];
  /** Node for a no; a yes goes to the next one. */
  readonly left: readonly number[];
  /** Of a leaf, shrunk. In the unit of the target; of the logistic loss the logarithm of the odds of +1. */
  readonly values: readonly number[];
}

/** Called after every round with the values of all rows so far; growing ends where it says false. */
export type OnRound = (roundCount: number, values: Float64Array) => boolean;

/** Added to the curvature of a leaf: what a leaf of few rows says is shrunk. */
const LEAF_PENALTY = 1;
/** A split that gains less is rounding. */
const LEAST_GAIN = 1e-10;
/** Under the logistic loss, of a row that is all but certain. */
const LEAST_CURVATURE = 1e-12;

/**
 * @param target of every row
 * @param rowWeights rows of weight 0 are not learned from, and have values like the others; not all of them are 0
 */
export async function boostTrees(
  rows: TreeRows,
  target: Float64Array,
  rowWeights: Float64Array | undefined,
  options: BoostingOptions,
  onRound: OnRound = () => true,
  run: Pick<RunOptions, 'signal'> = {},
): Promise<BoostedTrees> {
  const { depth, roundCount, learningRate, loss, leafRows, treeRows, seed } = options;
  const { rowCount } = rows;
  const turn = createTurn(run.signal);
  const learned = rowsWhere(rowCount, (row) => (rowWeights?.[row] ?? 1) > 0);
  const start = startingValue(weightedMean(target, rowWeights), learned.length, loss);
  const values = new Float64Array(rowCount).fill(start);
  const gradients = new Float64Array(rowCount);
  const curvatures = new Float64Array(rowCount);
  const random = createRandom(sampleSeed({ purpose: 'trees', seed }));
  const trees = {
    start,
    roots: [] as number[],
    coordinates: [] as number[],
    left: [] as number[],
    values: [] as number[],
  };
  const grower = createGrower(rows, gradients, curvatures, depth, leafRows);
  for (let round = 1; round <= roundCount; round++) {
    await turn();
    const drawn = learned.length > treeRows ? drawRows(learned, treeRows, random) : learned.slice();
    setGradients(drawn, target, values, rowWeights, loss, gradients, curvatures);
    const root = trees.left.length;
    grower.grow(drawn, learningRate, trees);
    trees.roots.push(root);
    addTree(rows, trees, root, values);
    if (!onRound(round, values)) break;
  }
  return trees;
}

/** Adds one tree's value to those of all rows. */
function addTree(
  { rowCount, columns, codes }: TreeRows,
  trees: BoostedTrees,
  root: number,
  values: Float64Array,
): void {
  const width = columns.length;
  const { left, coordinates } = trees;
  const end = left.length;
  // What is asked, as a column and the codes that say yes: from `low` to `high`.
  const at = new Uint32Array(end - root);
  const low = new Uint32Array(end - root);
  const high = new Uint32Array(end - root);
  for (let node = root; node < end; node++) {
    if (left[node] === 0) continue;
    const c = columnOf(columns, coordinates[node]);
    const place = coordinates[node] - columns[c].first + 1;
    at[node - root] = c;
    low[node - root] = place;
    high[node - root] = columns[c].kind === 'categories' ? place : columns[c].count;
  }
  for (let row = 0; row < rowCount; row++) {
    let node = root;
    while (left[node] !== 0) {
      const code = codes[row * width + at[node - root]];
      node = left[node] + (code >= low[node - root] && code <= high[node - root] ? 1 : 0);
    }
    values[row] += trees.values[node];
  }
}

function columnOf(columns: readonly CoordinateColumn[], coordinate: number): number {
  let low = 0;
  let high = columns.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (columns[middle].first <= coordinate) low = middle;
    else high = middle - 1;
  }
  return low;
}

// The best constant. Of one class alone half a row of the other is imagined, or its odds were infinite.
function startingValue(mean: number, rowCount: number, loss: BoostingOptions['loss']): number {
  if (loss === 'squared') return mean;
  const most = 1 - 1 / (rowCount + 2);
  return 2 * Math.atanh(Math.max(-most, Math.min(most, mean)));
}

// Of the losses (v - y)^2 / 2 and log(1 + exp(-y v)).
function setGradients(
  drawn: Uint32Array,
  target: Float64Array,
  values: Float64Array,
  rowWeights: Float64Array | undefined,
  loss: BoostingOptions['loss'],
  gradients: Float64Array,
  curvatures: Float64Array,
): void {
  for (const row of drawn) {
    const weight = rowWeights === undefined ? 1 : rowWeights[row];
    if (loss === 'squared') {
      gradients[row] = weight * (values[row] - target[row]);
      curvatures[row] = weight;
    } else {
      gradients[row] = -weight * target[row] * sigmoid(-target[row] * values[row]);
      curvatures[row] = weight * Math.max(LEAST_CURVATURE, logisticSlope(values[row]));
    }
  }
}

// The first of a shuffle, which is kept from round to round: no draw starts anew.
function drawRows(learned: Uint32Array, count: number, random: ReturnType<typeof createRandom>): Uint32Array {
  for (let i = 0; i < count; i++) {
    const j = i + random.integer(learned.length - i);
    const row = learned[i];
    learned[i] = learned[j];
    learned[j] = row;
  }
  // In ascending order rows that are neighbours in memory are read one after the other.
  return learned.slice(0, count).sort();
}

interface Node {
  readonly start: number;
  readonly end: number;
  readonly depth: number;
  /** Its place among the nodes of all trees. */
  readonly at: number;
  readonly gradient: number;
  readonly curvature: number;
  readonly counts: Float64Array | undefined;
}

interface Split {
  readonly gain: number;
  readonly column: number;
  readonly coordinate: number;
  /** Codes that say yes. */
  readonly low: number;
  readonly high: number;
  readonly yesGradient: number;
  readonly yesCurvature: number;
}

/** Per code: sum of gradients, of curvatures, and rows. */
const PER_CODE = 3;

function createGrower(
  { columns, codes }: TreeRows,
  gradients: Float64Array,
  curvatures: Float64Array,
  depth: number,
  leafRows: number,
) {
  const width = columns.length;
  const offsets = new Uint32Array(width + 1);
  for (const [c, { count }] of columns.entries()) offsets[c + 1] = offsets[c] + PER_CODE * (count + 1);
  const size = offsets[width];
  // Counts that are no longer needed are used again.
  const spare: Float64Array[] = [];

  function countRows(rows: Uint32Array, start: number, end: number): Float64Array {
    const counts = spare.pop()?.fill(0) ?? new Float64Array(size);
    for (let i = start; i < end; i++) {
      const row = rows[i];
      const gradient = gradients[row];
      const curvature = curvatures[row];
      const first = row * width;
      for (let c = 0; c < width; c++) {
        const at = offsets[c] + PER_CODE * codes[first + c];
        counts[at] += gradient;
        counts[at + 1] += curvature;
        counts[at + 2]++;
      }
    }
    return counts;
  }

  function bestSplit({ start, end, gradient, curvature, counts }: Node): Split | undefined {
    if (counts === undefined) return undefined;
    const rowCount = end - start;
    const base = gain(gradient, curvature);
    let best: Split | undefined;
    let least = LEAST_GAIN + 1e-9 * base;
    for (let c = 0; c < width; c++) {
      const { kind, first, count } = columns[c];
      let yesGradient = 0;
      let yesCurvature = 0;
      let yesRows = 0;
      // Of thresholds from the last, whose yeses are fewest, so that sums only grow.
      for (let code = count; code >= 1; code--) {
        const at = offsets[c] + PER_CODE * code;
        if (kind === 'categories') {
          yesGradient = counts[at];
          yesCurvature = counts[at + 1];
          yesRows = counts[at + 2];
        } else {
          // Where no row has the code, the question is the one before.
          if (counts[at + 2] === 0) continue;
          yesGradient += counts[at];
          yesCurvature += counts[at + 1];
          yesRows += counts[at + 2];
        }
        if (yesRows < leafRows || rowCount - yesRows < leafRows) continue;
        const gained = gain(yesGradient, yesCurvature) + gain(gradient - yesGradient, curvature - yesCurvature) - base;
        if (gained <= least) continue;
        least = gained;
        const high = kind === 'categories' ? code : count;
        best = { gain: gained, column: c, coordinate: first + code - 1, low: code, high, yesGradient, yesCurvature };
      }
    }
    return best;
  }

  return {
    /** Appends a tree; `rows` end in another order. */
    grow(
      rows: Uint32Array,
      learningRate: number,
      trees: { coordinates: number[]; left: number[]; values: number[] },
    ): void {
      const add = (): number => {
        trees.coordinates.push(0);
        trees.left.push(0);
        trees.values.push(0);
        return trees.left.length - 1;
      };
      let gradient = 0;
      let curvature = 0;
      for (const row of rows) {
        gradient += gradients[row];
        curvature += curvatures[row];
      }
      const canSplit = (start: number, end: number, level: number): boolean =>
        level < depth && end - start >= 2 * leafRows;
      const open: Node[] = [
        {
          ...{ start: 0, end: rows.length, depth: 0, at: add(), gradient, curvature },
          counts: canSplit(0, rows.length, 0) ? countRows(rows, 0, rows.length) : undefined,
        },
      ];
      const noRows = new Uint32Array(rows.length);
      for (let node = open.pop(); node !== undefined; node = open.pop()) {
        const split = bestSplit(node);
        if (split === undefined) {
          trees.values[node.at] = (-learningRate * node.gradient) / (node.curvature + LEAF_PENALTY);
          if (node.counts !== undefined) spare.push(node.counts);
          continue;
        }
        const { start, end } = node;
        const middle = partition(rows, start, end, split, noRows);
        trees.coordinates[node.at] = split.coordinate;
        const left = add();
        const right = add();
        trees.left[node.at] = left;
        const level = node.depth + 1;
        const [ofNo, ofYes] = [canSplit(start, middle, level), canSplit(middle, end, level)];
        let [noCounts, yesCounts]: (Float64Array | undefined)[] = [undefined, undefined];
        const whole = node.counts as Float64Array;
        if (ofNo || ofYes) {
          const fewerNo = middle - start <= end - middle;
          const fewer = fewerNo ? countRows(rows, start, middle) : countRows(rows, middle, end);
          for (let i = 0; i < size; i++) whole[i] -= fewer[i];
          [noCounts, yesCounts] = fewerNo ? [fewer, whole] : [whole, fewer];
          if (!ofNo) noCounts = release(noCounts);
          if (!ofYes) yesCounts = release(yesCounts);
        } else spare.push(whole);
        open.push(
          {
            ...{
              start: middle,
              end,
              depth: level,
              at: right,
              gradient: split.yesGradient,
              curvature: split.yesCurvature,
            },
            counts: yesCounts,
          },
          {
            ...{ start, end: middle, depth: level, at: left },
            gradient: node.gradient - split.yesGradient,
            curvature: node.curvature - split.yesCurvature,
            counts: noCounts,
          },
        );
      }
    },
  };

  function release(counts: Float64Array): undefined {
    spare.push(counts);
  }

  // Rows with a no first, each side in its order; gives where those with a yes begin.
  function partition(
    rows: Uint32Array,
    start: number,
    end: number,
    { column, low, high }: Split,
    yes: Uint32Array,
  ): number {
    let middle = start;
    let count = 0;
    for (let i = start; i < end; i++) {
      const row = rows[i];
      const code = codes[row * width + column];
      if (code >= low && code <= high) yes[count++] = row;
      else rows[middle++] = row;
    }
    rows.set(yes.subarray(0, count), middle);
    return middle;
  }
}

// Twice what the best value of a leaf takes off the loss.
function gain(gradient: number, curvature: number): number {
  return (gradient * gradient) / (curvature + LEAF_PENALTY);
}

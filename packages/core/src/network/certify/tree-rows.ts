/**
 * How many units of a tree network are active at given points: a walk down every
 * tree instead of a sum over every unit. The unit of a leaf is active exactly where
 * the leaf is reached (p literals sum to p there and to at most p - 2 elsewhere), so
 * the walk counts what the definition counts.
 */
import { createTurn, type RunOptions } from '../../base/index.ts';
import type { CubePoints } from '../../cube/index.ts';
import type { DecisionTree } from '../families/index.ts';
import { type TreeNetwork, treesOfNetwork } from '../tree-network.ts';

const PAUSE_ROWS = 4096;

/** Adds to the counts of rows and units. */
export async function countTreeRows(
  network: TreeNetwork,
  points: CubePoints,
  rowCounts: Uint32Array,
  unitCounts: Float64Array,
  { signal, onProgress }: RunOptions,
): Promise<void> {
  const { trees, intercept } = treesOfNetwork(network);
  const { planes, rowCount } = points;
  const turn = createTurn(signal);
  let firstUnit = 0;
  for (const [t, tree] of (trees.length === 0 ? [{ value: 0 }] : trees).entries()) {
    const { coordinate, child, unit, unitCount } = reachedTree(tree, t === 0 ? intercept : 0, firstUnit);
    for (let i = 0; i < rowCount; i++) {
      if (i % PAUSE_ROWS === 0) await turn();
      let node = 0;
      for (let c = coordinate[0]; c >= 0; c = coordinate[node]) {
        node = child[2 * node + ((planes[(c >> 3) * rowCount + i] >> (c & 7)) & 1)];
      }
      if (unit[node] < 0) continue;
      rowCounts[i]++;
      unitCounts[unit[node]]++;
    }
    firstUnit += unitCount;
    onProgress?.({ phase: 'counting active units', done: t + 1, total: trees.length, unit: 'steps' });
  }
}

interface ReachedTree {
  /** -1 at a leaf. */
  readonly coordinate: Int32Array;
  /** `child[2 i]` no and `child[2 i + 1]` yes. */
  readonly child: Int32Array;
  /** The unit of a leaf; -1 at a question and where there is none. */
  readonly unit: Int32Array;
  readonly unitCount: number;
}

// The nodes that some point reaches, from left (no) to right, so that units are numbered as `treeLeaves` lists them.
function reachedTree(tree: DecisionTree, intercept: number, firstUnit: number): ReachedTree {
  const coordinate: number[] = [];
  const child: number[] = [];
  const unit: number[] = [];
  let next = firstUnit;
  interface Answer {
    readonly coordinate: number;
    readonly yes: boolean;
    readonly before: Answer | undefined;
  }
  const stack: { readonly node: DecisionTree; readonly answers: Answer | undefined; readonly link: number }[] = [
    { node: tree, answers: undefined, link: -1 },
  ];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { answers, link } = top;
    let { node } = top;
    while ('coordinate' in node) {
      let given = answers;
      while (given !== undefined && given.coordinate !== node.coordinate) given = given.before;
      if (given === undefined) break;
      node = given.yes ? node.yes : node.no;
    }
    const at = coordinate.length;
    if (link >= 0) child[link] = at;
    child.push(0, 0);
    if ('coordinate' in node) {
      const asked = node.coordinate;
      coordinate.push(asked);
      unit.push(-1);
      stack.push({ node: node.yes, answers: { coordinate: asked, yes: true, before: answers }, link: 2 * at + 1 });
      stack.push({ node: node.no, answers: { coordinate: asked, yes: false, before: answers }, link: 2 * at });
    } else {
      coordinate.push(-1);
      unit.push(node.value + intercept === 0 ? -1 : next++);
    }
  }
  return {
    coordinate: Int32Array.from(coordinate),
    child: Int32Array.from(child),
    unit: Int32Array.from(unit),
    unitCount: next - firstUnit,
  };
}

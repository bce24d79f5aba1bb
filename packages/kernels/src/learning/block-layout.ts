/**
 * Where every monomial stands in the block order that the kernels use, and the
 * items (tuples of blocks) that make up the work. See assembly/block-items.ts
 * for the structs.
 */
import type { OperatorPlan } from '../kernels.ts';
import type { MonomialIndex } from '../subsets.ts';
import { levelSize } from './plan.ts';

interface BlockItem {
  readonly blocks: readonly number[];
  /** First coefficient of the monomials that touch exactly these blocks. */
  readonly own: number;
  /** First coefficient of the monomials with one coordinate in each of these blocks and in one later block. */
  readonly top: number;
}

export interface BlockLayout {
  readonly items: readonly BlockItem[];
  /** Per tuple size k < d: the cells of a 2^(gk) transform that are monomials of degree <= d touching all k blocks. */
  readonly levels: readonly Uint32Array[];
  readonly coefficientCount: number;
}

export function createBlockLayout(plan: OperatorPlan): BlockLayout {
  const { blockBits: g, blockCount, degree, groupSize } = plan;
  const levels = Array.from({ length: degree }, (_, k) => levelCells(g, k, degree));
  const items: BlockItem[] = [];
  let end = 0;
  // Prefixes first and the longest of them first, so that threads finish together.
  for (let k = degree - 1; k >= 0; k--) {
    forEachTuple(blockCount, k, (blocks) => {
      const own = end;
      end += levels[k].length;
      const top = end;
      if (k === degree - 1) {
        const later = blockCount - (k === 0 ? 0 : blocks[k - 1] + 1);
        end += later * g ** degree;
      }
      items.push({ blocks, own, top });
    });
  }
  if (groupSize < 1) throw new RangeError('groupSize must be at least 1');
  return { items, levels, coefficientCount: end };
}

/** positions[canonical index] = index in block order. */
export function blockPositions(plan: OperatorPlan, layout: BlockLayout, index: MonomialIndex): Uint32Array {
  const { blockBits: g, blockCount, degree, groupSize, coordinateCount: n } = plan;
  const positions = new Uint32Array(index.count);
  const subset = new Uint16Array(Math.max(1, degree));
  for (const { blocks, own, top } of layout.items) {
    const k = blocks.length;
    // Own level: block t of the tuple holds bits (k-1-t)g .. of the cell, so lower blocks come from higher bits.
    layout.levels[k].forEach((cell, i) => {
      let size = 0;
      for (let t = 0; t < k; t++) {
        const bits = (cell >>> ((k - 1 - t) * g)) & ((1 << g) - 1);
        for (let j = 0; j < g; j++) if ((bits >> j) & 1) subset[size++] = blocks[t] * g + j;
      }
      if (size === 0 || subset[size - 1] < n) positions[index.indexOf(subset, size)] = own + i;
    });
    if (k !== degree - 1) continue;
    let at = top;
    const first = k === 0 ? 0 : blocks[k - 1] + 1;
    for (let block = first; block < blockCount; ) {
      const group = largestGroup(blockCount - block, groupSize);
      for (let outer = 0; outer < g ** k; outer++) {
        for (let t = k - 1, rest = outer; t >= 0; t--, rest = Math.floor(rest / g))
          subset[t] = blocks[t] * g + (rest % g);
        for (let q = 0; q < group; q++) {
          for (let j = 0; j < g; j++, at++) {
            subset[k] = (block + q) * g + j;
            if (subset[k] < n) positions[index.indexOf(subset, k + 1)] = at;
          }
        }
      }
      block += group;
    }
  }
  return positions;
}

/** The largest of 8, 4, 2, 1 within both limits; the same rule stands in assembly/block-items.ts. */
function largestGroup(blocks: number, limit: number): number {
  const most = Math.min(blocks, limit);
  return most >= 8 ? 8 : most >= 4 ? 4 : most >= 2 ? 2 : 1;
}

function levelCells(g: number, k: number, degree: number): Uint32Array {
  const cells = new Uint32Array(levelSize(g, k, degree));
  let count = 0;
  // Block by block: every non-empty pattern, while the degree allows.
  const extend = (cell: number, used: number, blocksLeft: number): void => {
    if (blocksLeft === 0) {
      cells[count++] = cell;
      return;
    }
    for (let bits = 1; bits < 1 << g; bits++) {
      const size = used + popcount(bits);
      if (size + blocksLeft - 1 <= degree) extend(cell * 2 ** g + bits, size, blocksLeft - 1);
    }
  };
  extend(0, 0, k);
  return cells.sort();
}

function popcount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

function forEachTuple(blockCount: number, size: number, visit: (blocks: number[]) => void): void {
  const blocks: number[] = [];
  const extend = (from: number): void => {
    if (blocks.length === size) {
      visit(blocks.slice());
      return;
    }
    for (let block = from; block <= blockCount - (size - blocks.length); block++) {
      blocks.push(block);
      extend(block + 1);
      blocks.pop();
    }
  };
  extend(0);
}

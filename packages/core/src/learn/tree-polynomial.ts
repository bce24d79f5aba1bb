/**
 * Boosted trees as a polynomial: a leaf is a product, column by column, of sums of coordinates (in 0 and 1: of thresholds
 * one less another, of categories one, or 1 less some), so a tree of depth d has degree d at most. Exact but for rounding.
 */
import type { Turn } from '../base/index.ts';
import type { CoordinateColumn } from '../cube/index.ts';
import { type Polynomial, polynomialFromTerms, type Term } from '../spectrum/index.ts';
import type { BoostedTrees } from './boosting.ts';

/** What the answers so far leave of a column's codes: `codes` from `low` to `high`; of categories those not in `without`. */
interface Left {
  readonly low: number;
  readonly high: number;
  readonly without: readonly number[];
}

/** A sum of coordinates in 0 and 1, `-1` standing for the constant 1. */
type Sum = readonly (readonly [coordinate: number, factor: number])[];

/** @param turn lets others run between trees, of which some thousand leaves take long */
export async function treesPolynomial(
  names: readonly string[],
  columns: readonly CoordinateColumn[],
  trees: BoostedTrees,
  turn: Turn,
): Promise<Polynomial> {
  const columnOf = new Map<number, CoordinateColumn>();
  for (const column of columns) for (let k = 0; k < column.count; k++) columnOf.set(column.first + k, column);
  // Of products of coordinates in 0 and 1.
  const products = new Map<string, number>();
  const add = (key: string, factor: number): void => void products.set(key, (products.get(key) ?? 0) + factor);
  add('', trees.start);

  const walk = (node: number, left: ReadonlyMap<CoordinateColumn, Left>): void => {
    const below = trees.left[node];
    if (below === 0) {
      const sums = Array.from(left, ([column, codes]) => sumOf(column, codes));
      for (const [key, factor] of multiply(sums)) add(key, factor * trees.values[node]);
      return;
    }
    const coordinate = trees.coordinates[node];
    const column = columnOf.get(coordinate) as CoordinateColumn;
    const code = coordinate - column.first + 1;
    const { low, high, without } = left.get(column) ?? { low: 0, high: column.count, without: [] };
    const yes = column.kind === 'categories' ? { low: code, high: code, without } : { low: code, high, without };
    const no =
      column.kind === 'categories' ? { low, high, without: [...without, code] } : { low, high: code - 1, without };
    walk(below, new Map([...left, [column, no]]));
    walk(below + 1, new Map([...left, [column, yes]]));
  };
  for (const root of trees.roots) {
    await turn();
    walk(root, new Map());
  }

  const terms = new Map<string, number>();
  for (const [key, factor] of products) {
    // A coordinate in 0 and 1 is half of 1 less the one in +1 and -1.
    const members = key === '' ? [] : key.split(' ');
    for (let chosen = 0; chosen < 1 << members.length; chosen++) {
      const part = members.filter((_, k) => (chosen >> k) & 1);
      const sign = part.length % 2 === 0 ? 1 : -1;
      const at = part.join(' ');
      terms.set(at, (terms.get(at) ?? 0) + (sign * factor) / 2 ** members.length);
    }
  }
  const list: Term[] = Array.from(terms, ([key, coefficient]) => ({
    coordinates: key === '' ? [] : key.split(' ').map(Number),
    coefficient,
  }));
  return polynomialFromTerms(names, list);
}

function sumOf({ kind, first, count }: CoordinateColumn, { low, high, without }: Left): Sum {
  const at = (code: number): number => first + code - 1;
  if (kind === 'thresholds') {
    const from: Sum = [[low === 0 ? -1 : at(low), 1]];
    return high === count ? from : [...from, [at(high + 1), -1]];
  }
  if (low === high) return without.includes(low) ? [] : [[at(low), 1]];
  return [[-1, 1], ...without.map((code) => [at(code), -1] as const)];
}

function multiply(sums: readonly Sum[]): Map<string, number> {
  let products: [number[], number][] = [[[], 1]];
  for (const sum of sums) {
    products = products.flatMap(([members, factor]) =>
      sum.map(([coordinate, of]): [number[], number] => [
        coordinate < 0 ? members : [...members, coordinate],
        factor * of,
      ]),
    );
  }
  const added = new Map<string, number>();
  for (const [members, factor] of products) {
    const key = members.sort((a, b) => a - b).join(' ');
    added.set(key, (added.get(key) ?? 0) + factor);
  }
  return added;
}

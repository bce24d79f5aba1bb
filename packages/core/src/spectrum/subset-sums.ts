/**
 * Sums over supersets, result(S) = sum_{U containing S} weight(U, S) c_U: what the
 * Moebius form and every interaction index come down to. A term of size d
 * reaches its 2^d subsets, so the cost is the sum of 2^|U| over the terms and is
 * known before anything is allocated.
 */
import { createTurn, FewfireError } from '../base/index.ts';
import { countMonomials } from '../cube/index.ts';
import { type Polynomial, polynomialDegree } from './polynomial.ts';

const DEFAULT_MEMORY_BYTES = 4 * 2 ** 30;
/** Of one entry: 120 to 160 in the map and the sorted list (measured, resident), and the result. */
const ENTRY_BYTES = 200;
/** Beyond so many steps (a few minutes) a sum is refused however few entries it has. */
const MAX_STEPS = 2 ** 28;
/** Beyond so many entries their sorting would hold up everything else for seconds. */
const MAX_ENTRIES = 2 ** 22;

export interface SupersetSumOptions {
  /** Only subsets S of at most this size. */
  readonly order?: number | undefined;
  /** Only terms of at most this size. */
  readonly largestTerm?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly memoryLimitBytes?: number | undefined;
}

/**
 * @param weight of a term of size `termSize` for a subset of size `size`; 0 skips it
 * @param scale of the finished sum, by size of S
 * @returns terms in graded colexicographic order, zeros dropped
 * @throws FewfireError `memory-budget` before anything is allocated
 */
export async function sumOverSupersets(
  polynomial: Polynomial,
  weight: (termSize: number, size: number) => number,
  scale: (size: number) => number,
  options: SupersetSumOptions = {},
): Promise<Polynomial> {
  const { offsets, members, coefficients, coordinates } = polynomial;
  const order = Math.min(options.order ?? Number.POSITIVE_INFINITY, polynomialDegree(polynomial));
  if (!(order >= 0) || (options.order !== undefined && !Number.isInteger(options.order))) {
    throw new FewfireError('invalid-argument', `the order is ${options.order}; expected a whole number, at least 0`);
  }
  const largestTerm = options.largestTerm ?? Number.POSITIVE_INFINITY;
  let steps = 0;
  for (let t = 0; t < polynomial.termCount; t++) {
    const termSize = offsets[t + 1] - offsets[t];
    if (termSize <= largestTerm) steps += countMonomials(termSize, order);
  }
  const entries = Math.min(steps, countMonomials(coordinates.length, order));
  const limit = options.memoryLimitBytes ?? DEFAULT_MEMORY_BYTES;
  if (entries * ENTRY_BYTES > limit || entries > MAX_ENTRIES || steps > MAX_STEPS) {
    throw new FewfireError(
      'memory-budget',
      `the subsets of the terms are up to ${entries.toLocaleString('en-US')} (${steps.toLocaleString('en-US')} steps), ${Math.ceil((entries * ENTRY_BYTES) / 1e6)} MB, with ${Math.floor(limit / 1e6)} MB, ${MAX_ENTRIES.toLocaleString('en-US')} subsets and ${MAX_STEPS.toLocaleString('en-US')} steps allowed; lower the order or truncate the polynomial`,
    );
  }
  // Keys are strings with one character per coordinate: the cheapest hashable sequence there is.
  const sums = new Map<string, number>();
  const turn = createTurn(options.signal);
  for (let t = 0; t < polynomial.termCount; t++) {
    const wait = turn();
    if (wait !== undefined) await wait;
    const end = offsets[t + 1];
    const termSize = end - offsets[t];
    if (termSize > largestTerm) continue;
    const visit = (key: string, from: number): void => {
      const factor = weight(termSize, key.length);
      if (factor !== 0) sums.set(key, (sums.get(key) ?? 0) + factor * coefficients[t]);
      if (key.length === order) return;
      for (let k = from; k < end; k++) visit(key + String.fromCharCode(members[k]), k + 1);
    };
    visit('', offsets[t]);
  }
  return pack(coordinates, sums, scale);
}

function pack(coordinates: readonly string[], sums: Map<string, number>, scale: (size: number) => number): Polynomial {
  const keys: string[] = [];
  let memberCount = 0;
  for (const [key, sum] of sums) {
    if (sum === 0) continue;
    keys.push(key);
    memberCount += key.length;
  }
  keys.sort(compareKeys);
  const offsets = new Uint32Array(keys.length + 1);
  const members = new Uint16Array(memberCount);
  const coefficients = new Float64Array(keys.length);
  let end = 0;
  keys.forEach((key, t) => {
    for (let j = 0; j < key.length; j++) members[end++] = key.charCodeAt(j);
    offsets[t + 1] = end;
    coefficients[t] = scale(key.length) * (sums.get(key) as number);
  });
  return { coordinates, termCount: keys.length, offsets, members, coefficients };
}

// Graded colexicographic.
function compareKeys(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let j = a.length - 1; j >= 0; j--) {
    const difference = a.charCodeAt(j) - b.charCodeAt(j);
    if (difference !== 0) return difference;
  }
  return 0;
}

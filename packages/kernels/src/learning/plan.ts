/**
 * Chooses how to run the monomial operators for n coordinates, degree d and m
 * rows, and predicts time and memory before anything is allocated.
 *
 * The costs are measured constants (nanoseconds on one 2020s core); only their
 * ratios matter, since they only choose between block widths. What decides: a
 * row update costs about half a nanosecond while the histogram stays in the
 * second-level cache and several times that beyond; folding costs per cell.
 */
import type { OperatorPlan, Precision } from '../kernels.ts';
import { binomial, countMonomials } from '../subsets.ts';

const UPDATE_NS = 0.55;
const PREFIX_NS = 0.12;
const CELL_NS = 0.55;
// Histograms up to the first size are free, up to the second a little slower, beyond it much.
const CACHE_BYTES = 256 * 1024;
const CACHE_LIMIT_BYTES = 512 * 1024;
/** Up to this many rows a forward keeps four sums per row, which threads share out; beyond it they share out rows. */
const PARTED_ROWS = 2 ** 18;
const MAX_PREFIX_BITS = 16;
const MAX_CUBE_BITS = 26;
/** Rows whose prefix codes are made at a time; the same number stands in assembly/block-items.ts. */
const PREFIX_CHUNK_ROWS = 2048;
/** Below this much work per thread another thread costs more than it brings. */
const THREAD_WORK_NS = 1e6;

/** What an operator is planned for. */
export interface PlanRequest {
  readonly rowCount: number;
  readonly coordinateCount: number;
  readonly degree: number;
  readonly threads?: number;
  /** Of the adjoint. Default `f64`. */
  readonly precision?: Precision | undefined;
}

export interface MemoryParts {
  readonly codesBytes: number;
  readonly rowBytes: number;
  readonly coefficientBytes: number;
  /** Per thread. */
  readonly scratchBytes: number;
  readonly positionBytes: number;
  readonly itemBytes: number;
}

/**
 * The cheapest plan.
 * @throws RangeError when no method can index the monomials (beyond 2^32 of them).
 * @example
 * ```ts
 * import { planMonomialOperator } from '@fewfire/kernels';
 *
 * const plan = planMonomialOperator({ rowCount: 1000, coordinateCount: 50, degree: 2 });
 * console.log(plan.method); // blocks
 * ```
 */
export function planMonomialOperator(request: PlanRequest): OperatorPlan {
  const { rowCount, coordinateCount: n } = request;
  const degree = Math.min(request.degree, n);
  const monomialCount = countMonomials(n, degree);
  const precision = request.precision ?? 'f64';
  const cellBytes = precision === 'f32' ? 4 : 8;
  // Measured: in f32 wider blocks are worth more than larger groups.
  const groupLimitBytes = precision === 'f32' ? CACHE_BYTES : CACHE_LIMIT_BYTES;
  const shape = { rowCount, coordinateCount: n, degree, monomialCount, precision };
  let best: OperatorPlan | undefined;
  const offer = (candidate: Omit<OperatorPlan, 'memoryBytes' | 'threads' | 'partCount'>): void => {
    if (best !== undefined && best.costNs <= candidate.costNs) return;
    const useful = Math.max(1, Math.floor(candidate.costNs / 2 / THREAD_WORK_NS));
    const threads = candidate.method === 'cube' ? 1 : Math.min(request.threads ?? 1, useful);
    const plan = { ...candidate, threads, partCount: partCount(candidate), memoryBytes: 0 };
    best = { ...plan, memoryBytes: totalBytes(plan) };
  };
  if (n <= MAX_CUBE_BITS)
    offer({
      ...shape,
      method: 'cube',
      blockBits: 0,
      blockCount: 0,
      groupSize: 1,
      costNs: cubeCost(n, rowCount, monomialCount),
    });
  // Folding in f32 takes vectors of four cells, and blocks of one coordinate do not fill them.
  for (let g = precision === 'f32' ? 2 : 1; g <= 8; g++) {
    const blockCount = Math.ceil(n / g);
    // Fewer blocks than the degree leave no tuple to work on, only 2^(gd) cells to hold; then n is small and a cube does.
    if (blockCount < degree && n <= MAX_CUBE_BITS) continue;
    if (g * Math.min(blockCount, degree - 1) > MAX_PREFIX_BITS || g * degree > 24) continue;
    let groupSize = 8;
    while (groupSize > 1 && (groupSize > blockCount || groupSize * 2 ** (g * degree) * cellBytes > groupLimitBytes))
      groupSize /= 2;
    offer({
      ...shape,
      method: 'blocks',
      blockBits: g,
      blockCount,
      groupSize,
      costNs: blockCost(g, blockCount, groupSize, degree, rowCount, cellBytes),
    });
  }
  if (best === undefined || monomialCount >= 2 ** 32) {
    throw new RangeError(`degree ${degree} over ${n} coordinates has ${monomialCount} monomials, too many to index`);
  }
  return best;
}

function cubeCost(n: number, rowCount: number, monomialCount: number): number {
  const cells = 2 ** n;
  const access = cells * 8 > CACHE_BYTES ? 4 : 1.2;
  return 2 * (rowCount * access + cells * (n * 0.2 + 0.3) + monomialCount * 2);
}

function blockCost(
  g: number,
  blockCount: number,
  groupSize: number,
  degree: number,
  rowCount: number,
  cellBytes: number,
): number {
  const cells = 2 ** (g * degree);
  const tuples = binomial(blockCount, degree);
  const prefixes = binomial(blockCount, degree - 1);
  const passes = Math.max(prefixes, tuples / groupSize);
  const bytes = groupSize * cells * cellBytes;
  const miss = bytes <= CACHE_BYTES ? 1 : bytes <= CACHE_LIMIT_BYTES ? 1.3 : 3.5;
  const updates =
    tuples * rowCount * UPDATE_NS * miss + passes * rowCount * (PREFIX_NS * Math.max(1, degree - 1) + 0.5);
  let lower = 0;
  for (let k = 0; k < degree - 1; k++) lower += binomial(blockCount, k) * (rowCount * 0.8 + 2 ** (g * k));
  return (
    2 * (updates + tuples * cells * CELL_NS * (cellBytes / 8) + prefixes * (2 ** (g * (degree - 1)) * 2 + 200) + lower)
  );
}

function partCount(shape: { method: string; degree: number; rowCount: number }): number {
  return shape.method === 'blocks' && shape.degree > 1 && shape.rowCount <= PARTED_ROWS ? 4 : 1;
}

/** Where the bytes of a plan go. */
export function memoryParts(plan: Omit<OperatorPlan, 'memoryBytes'>): MemoryParts {
  const {
    rowCount,
    coordinateCount,
    degree,
    monomialCount,
    method,
    blockBits: g,
    blockCount,
    groupSize,
    partCount,
  } = plan;
  const positionBytes = 4 * monomialCount;
  if (method === 'cube') {
    return {
      codesBytes: 4 * rowCount,
      rowBytes: 8 * rowCount,
      coefficientBytes: 8 * 2 ** coordinateCount,
      scratchBytes: 0,
      positionBytes,
      itemBytes: 0,
    };
  }
  const tableCells = Math.max(2, 2 ** (g * (degree - 1)));
  let itemCount = 0;
  for (let k = 0; k < degree; k++) itemCount += binomial(blockCount, k);
  return {
    codesBytes: blockCount * paddedRows(rowCount),
    rowBytes: 8 * partCount * paddedRows(rowCount),
    coefficientBytes: 8 * blockCoefficientCount(plan),
    scratchBytes: 2 * PREFIX_CHUNK_ROWS + 8 * (tableCells + groupSize * (2 ** (g * degree) + g * tableCells)) + 64,
    positionBytes,
    itemBytes: itemCount * 4 * (3 + degree) + 4 * tableCells * 2,
  };
}

function totalBytes(plan: Omit<OperatorPlan, 'memoryBytes'>): number {
  const parts = memoryParts(plan);
  return (
    65536 +
    parts.codesBytes +
    parts.rowBytes +
    parts.coefficientBytes +
    parts.positionBytes +
    parts.itemBytes +
    plan.threads * parts.scratchBytes
  );
}

/** Rows padded so that vector loads stay inside and blocks start aligned. */
export function paddedRows(rowCount: number): number {
  return Math.ceil((rowCount + 16) / 64) * 64;
}

/** Entries of the coefficient vector in block order, padding of the last block included. */
function blockCoefficientCount(plan: { blockBits: number; blockCount: number; degree: number }): number {
  const { blockBits: g, blockCount, degree } = plan;
  let count = binomial(blockCount, degree) * g ** degree;
  for (let k = 0; k < degree; k++) count += binomial(blockCount, k) * levelSize(g, k, degree);
  return count;
}

/** Monomials of degree <= d that touch each of k given blocks of g coordinates. */
export function levelSize(g: number, k: number, degree: number): number {
  // Coefficients up to z^degree of ((1+z)^g - 1)^k, summed.
  let polynomial = [1];
  for (let t = 0; t < k; t++) {
    const next = new Array<number>(degree + 1).fill(0);
    polynomial.forEach((a, i) => {
      for (let j = 1; j <= g && i + j <= degree; j++) next[i + j] += a * binomial(g, j);
    });
    polynomial = next;
  }
  return polynomial.reduce((sum, a) => sum + a, 0);
}

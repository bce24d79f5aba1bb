/**
 * The adjoint for targets of -1 and +1: y chi_S is a sign at every row, so its
 * sum is the number of rows minus twice the number where bits differ. Exact
 * integers by exclusive or and popcount of bit columns, 64 rows a word.
 *
 * Each monomial costs m / 64 words. Histograms share work between monomials and
 * this does not, so it is 1.4 to 2.8 times as fast at degree 2 with 100 or more
 * coordinates, about even at degree 3, and slower beyond and where coordinates
 * are few: `planSignedEstimate` predicts it for comparison with an operator's
 * plan. Subsets nest from the largest coordinate down, so that one more
 * exclusive or makes y chi_T for the next T; the sums of all T + {s}, s below T,
 * stand side by side in colexicographic order. Rows go by in chunks for which
 * all coordinates stay in the second-level cache.
 */
import { createArena } from '../arena.ts';
import { learning } from '../groups.ts';
import type { KernelVariant, PackedPoints } from '../kernels.ts';
import { bestVariant, compileKernels, createMemory, instantiateKernels } from '../load.ts';
import { countMonomials, createMonomialIndex } from '../subsets.ts';
import { createTurns } from '../turns.ts';
import { columnOffset, LINE_BYTES, PANEL_COLUMNS, WORD_ROWS, writeMask, writePanels } from './columns.ts';
import { createMonomialOperator } from './operator.ts';

const CHUNK_WORDS = 256;
/** Prefixes between two looks at the clock: some milliseconds with a thousand coordinates. */
const TURN_PREFIXES = 64;
/** Measured on one 2020s core, like the constants of plan.ts: a word of one monomial, packing a row, packing a coordinate of a row, starting. */
const WORD_NS = 0.36;
const ROW_NS = 8;
const PACK_NS = 0.02;
const START_NS = 3e5;
/** What a prefix T costs, in monomials: its exclusive or, and the panel of which only a part lies below T. */
const PREFIX_MONOMIALS = 6.5;

/** Options of `signedEstimate`. */
export interface SignedEstimateOptions {
  /** Rows that count: 1, or 0 for rows left out. Default: all. */
  readonly rowWeights?: Float64Array | undefined;
  /** Default: `simd` where the engine has it. */
  readonly variant?: KernelVariant | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The size of a signed estimate. */
export interface SignedEstimateShape {
  readonly rowCount: number;
  readonly coordinateCount: number;
  readonly degree: number;
}

/**
 * Predicted nanoseconds on one thread of a 2020s core, and bytes besides the result.
 * @example
 * ```ts
 * import { planSignedEstimate } from '@fewfire/kernels';
 *
 * const { costNs, memoryBytes } = planSignedEstimate({ rowCount: 1000, coordinateCount: 50, degree: 2 });
 * console.log((costNs / 1e6).toFixed(1), memoryBytes); // 0.3 12864
 * ```
 */
export function planSignedEstimate(shape: SignedEstimateShape): {
  readonly costNs: number;
  readonly memoryBytes: number;
} {
  const { rowCount, coordinateCount, degree } = shape;
  const words = Math.ceil(rowCount / WORD_ROWS);
  const monomials =
    countMonomials(coordinateCount, degree) + PREFIX_MONOMIALS * countMonomials(coordinateCount, degree - 1);
  return {
    costNs: START_NS + monomials * words * WORD_NS + rowCount * (ROW_NS + coordinateCount * PACK_NS),
    memoryBytes: layOut(rowCount, coordinateCount, degree).bytes,
  };
}

/**
 * sums[S] = sum_i w_i y_i chi_S(x_i) for all monomials of degree <= d, in the order of `createMonomialIndex`: exact.
 *
 * @param target one number per row, +1 or -1
 * @throws RangeError for other targets, weights other than 0 and 1, or when the memory cannot be had; the signal's reason
 * @example
 * ```ts
 * import { signedEstimate } from '@fewfire/kernels';
 *
 * // The four points of two coordinates: bit i of a byte is coordinate i, a bit 1 is -1.
 * const points = { rowCount: 4, coordinateCount: 2, planes: Uint8Array.of(0b00, 0b01, 0b10, 0b11) };
 * console.log(await signedEstimate(points, Float64Array.of(1, -1, -1, 1), 2)); // Float64Array(4) [ 0, 0, 0, 4 ]
 * ```
 */
export async function signedEstimate(
  points: PackedPoints,
  target: Float64Array,
  degree: number,
  options: SignedEstimateOptions = {},
): Promise<Float64Array> {
  const { rowWeights, signal } = options;
  const { rowCount, coordinateCount } = points;
  checkSigns(rowCount, target, rowWeights);
  signal?.throwIfAborted();
  const variant = options.variant ?? bestVariant(learning);
  const index = createMonomialIndex(coordinateCount, degree);
  const sums = new Float64Array(index.count);
  if (variant === 'reference') {
    const operator = await createMonomialOperator(points, { degree: index.degree, variant });
    await operator.adjoint(rowWeights === undefined ? target : target.map((y, i) => y * rowWeights[i]), sums, signal);
    return sums;
  }

  const layout = layOut(rowCount, coordinateCount, index.degree);
  const { wordCount, coordinatesAt, spaceAt, targetAt, maskAt, prefixesAt, countsAt } = layout;
  const memory = createMemory(layout.bytes, false);
  const kernels = await instantiateKernels(await compileKernels(learning, variant, false), memory);
  writePanels(points, kernels, memory.buffer, spaceAt, coordinatesAt);
  const total = writeMask(memory.buffer, maskAt, rowCount, rowWeights);
  const bits = new Uint8Array(memory.buffer, targetAt, wordCount * 8);
  for (let i = 0; i < rowCount; i++) {
    bits[i >> 3] |= ((1 - target[i]) >> 1) << (i & 7);
    // At first `sums` holds in how many rows signs differ.
    sums[0] += ((1 - target[i]) / 2) * (rowWeights === undefined ? 1 : rowWeights[i]);
  }
  const counts = new Uint32Array(memory.buffer, countsAt, coordinateCount);
  const panelBytes = wordCount * LINE_BYTES;
  const turn = createTurns();

  // Differing rows of all T + {s}, s < end, in the words from word0 on; the bits of y chi_T are at `bitsAt`.
  const addCounts = (first: number, end: number, bitsAt: number, word0: number, words: number): void => {
    const panelCount = Math.ceil(end / PANEL_COLUMNS);
    const panels = coordinatesAt + word0 * LINE_BYTES;
    kernels.columnDifferences(bitsAt, 8, maskAt + word0 * 8, panels, panelBytes, panelCount, words, countsAt);
    for (let s = 0; s < end; s++) sums[first + s] += counts[s];
  };
  // T grows downwards: `subset[low ..]` are its elements, the lowest of them `end`.
  const subset = new Uint16Array(Math.max(1, index.degree));
  const extend = async (size: number, end: number, bitsAt: number, word0: number, words: number): Promise<void> => {
    const nextAt = prefixesAt + size * CHUNK_WORDS * 8;
    for (let s = 1; s < end; s++) {
      // Elements are stored from the largest; as the j-th smallest of size + 2 (the lowest still free) each adds C(s, j + 1).
      subset[size] = s;
      let first = index.offsets[size + 2];
      for (let k = 0; k <= size; k++) first += index.choose[size + 1 - k][subset[k]];
      const columnAt = coordinatesAt + columnOffset(s, panelBytes) + word0 * LINE_BYTES;
      kernels.columnXorWords(bitsAt, columnAt, nextAt, words);
      addCounts(first, s, nextAt, word0, words);
      if (size + 2 < index.degree) await extend(size + 1, s, nextAt, word0, words);
      // Also within a loop over thousands of coordinates, which takes long by itself.
      if (s % TURN_PREFIXES === 0) await turn(signal);
    }
    await turn(signal);
  };
  for (let word0 = 0; word0 < wordCount; word0 += CHUNK_WORDS) {
    const words = Math.min(CHUNK_WORDS, wordCount - word0);
    const bitsAt = targetAt + word0 * 8;
    if (index.degree >= 1) addCounts(1, coordinateCount, bitsAt, word0, words);
    if (index.degree >= 2) await extend(0, coordinateCount, bitsAt, word0, words);
    await turn(signal);
  }
  for (let at = 0; at < sums.length; at++) sums[at] = total - 2 * sums[at];
  return sums;
}

function layOut(rowCount: number, coordinateCount: number, degree: number) {
  const wordCount = Math.ceil(rowCount / WORD_ROWS);
  const arena = createArena();
  return {
    wordCount,
    coordinatesAt: arena.reserve(Math.ceil(coordinateCount / PANEL_COLUMNS) * wordCount * LINE_BYTES),
    spaceAt: arena.reserve(wordCount * WORD_ROWS),
    targetAt: arena.reserve(wordCount * 8),
    maskAt: arena.reserve(wordCount * 8),
    /** y chi_T in one chunk, for every size of T. */
    prefixesAt: arena.reserve(degree * CHUNK_WORDS * 8),
    countsAt: arena.reserve((coordinateCount + PANEL_COLUMNS) * 4),
    bytes: arena.bytes,
  };
}

function checkSigns(rowCount: number, target: Float64Array, rowWeights: Float64Array | undefined): void {
  if (target.length !== rowCount || (rowWeights !== undefined && rowWeights.length !== rowCount)) {
    throw new RangeError(
      `expected ${rowCount} targets and row weights, got ${target.length} and ${rowWeights?.length ?? 'none'}`,
    );
  }
  for (let i = 0; i < rowCount; i++) {
    if (target[i] !== 1 && target[i] !== -1) throw new RangeError(`target ${target[i]} in row ${i}; expected -1 or +1`);
    const weight = rowWeights === undefined ? 1 : rowWeights[i];
    if (weight !== 0 && weight !== 1) throw new RangeError(`weight ${weight} of row ${i}; expected 0 or 1`);
  }
}

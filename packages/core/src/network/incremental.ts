/**
 * A network at a point that moves by a few coordinates a step, as in chess engines (NNUE), local search or Gray-code
 * walks. A flip costs one row of the weights, and the value is bit for bit that of evaluating the new point from scratch,
 * after any number of steps: preactivations are kept as whole numbers, so nothing drifts.
 *
 * The value is defined exactly (`IncrementalNetwork.value`), which is not quite `evaluateNetwork`: that one rounds every
 * sum. docs/sparse-mlp.md says how the two relate, and when flips stop paying.
 */
import { createIncrementalKernel, type IncrementalKernel, planIncremental } from '@fewfire/kernels';
import { checkRunOptions, createTurn, FewfireError, type RunOptions } from '../base/index.ts';
import type { CubePoints } from '../cube/index.ts';
import { deadUnits, type SparseNetwork } from './network.ts';

/** Options of `createIncrementalNetwork`. */
export interface IncrementalOptions extends RunOptions {
  /** Default: SIMD where the engine has it. Results do not depend on it. */
  readonly variant?: 'simd' | 'scalar' | undefined;
}

/** Options of `IncrementalNetwork.evaluateSequence`. */
export interface SequenceOptions extends RunOptions {
  /**
   * `auto`: at every step flips or, if that adds fewer rows, a refresh; `flip`, `refresh`: always that. The values are the
   * same bits.
   */
  readonly way?: 'auto' | 'flip' | 'refresh' | undefined;
}

/** Where the units of a network are kept. */
export interface UnitKinds {
  /** On i32 lanes, four bytes a weight: units whose numbers are small multiples of one power of two. */
  readonly narrow: number;
  /** On two or more words, eight bytes each a weight, slower in proportion; one word counts too. */
  readonly wide: number;
  /** Left out: no point of the cube makes them active (`deadUnits`). */
  readonly dead: number;
}

/** Totals since the network was prepared. */
export interface IncrementalCounters {
  /** Coordinates flipped. */
  readonly flips: number;
  /** Points that were set from scratch. */
  readonly refreshes: number;
  /** Rows of weights added by both: what the time goes into. */
  readonly rows: number;
}

/** A network at a point that moves: a flip costs one addition a unit. */
export interface IncrementalNetwork {
  readonly network: SparseNetwork;
  readonly memoryBytes: number;
  readonly unitKinds: UnitKinds;
  /** Goes to a row of `points` (the first by default) from scratch. @throws FewfireError `invalid-argument` for others */
  set(points: CubePoints, row?: number): void;
  /**
   * Flips coordinates, one after the other: twice is not at all.
   * @throws FewfireError `invalid-argument` for a coordinate that is not there; then none is flipped
   */
  flip(coordinates: ArrayLike<number>): void;
  /**
   * h here: the sum, from 0 and in increasing order of the active units, of u_j z_j in double precision, where z_j is the
   * exact preactivation rounded once, and a unit is active where the exact one is above 0. Depends on the point alone.
   */
  value(): number;
  /** The exactly active units here, in increasing order. */
  activeUnits(): Uint32Array;
  /**
   * `value()` at every row of `points`, in order, from where this is now; ends at the last row.
   * @throws FewfireError `invalid-argument` for other points; the signal's reason, and this then stays at the row reached
   */
  evaluateSequence(points: CubePoints, options?: SequenceOptions): Promise<Float64Array>;
  /** What was done so far. */
  counters(): IncrementalCounters;
}

/** Steps between looks at the clock: below a millisecond each, usually. */
const PAUSE_ROW_BYTES = 2 ** 22;

/**
 * Prepares a network, at the point of all +1. Copies the weights: later changes of `network` have no effect.
 * @throws FewfireError `memory-budget` beyond `memoryLimitBytes` or the 4 GiB of WebAssembly
 * @example
 * ```ts
 * import { createIncrementalNetwork, parityNetwork } from '@fewfire/core';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const walk = await createIncrementalNetwork(network);
 * walk.flip([0]);
 * console.log(walk.value(), walk.activeUnits()); // -1 Uint32Array(1) [ 1 ]
 * ```
 */
export async function createIncrementalNetwork(
  network: SparseNetwork,
  options: IncrementalOptions = {},
): Promise<IncrementalNetwork> {
  checkRunOptions('createIncrementalNetwork', options, { variant: ['simd', 'scalar'] });
  const { inputCount, unitCount } = network;
  options.signal?.throwIfAborted();
  const dead = deadUnits(network);
  const plan = planIncremental(network, dead);
  const limit = Math.min(options.memoryLimitBytes ?? Infinity, 2 ** 32);
  if (plan.memoryBytes > limit) {
    throw new FewfireError(
      'memory-budget',
      `${unitCount.toLocaleString('en-US')} units of ${inputCount} inputs need ${plan.memoryBytes.toLocaleString('en-US')} bytes for incremental evaluation, ${limit.toLocaleString('en-US')} are allowed; allow more memory (at most 4 GiB), or round the weights to multiples of a power of two`,
    );
  }
  const kernel = await createIncrementalKernel(network, plan, options);
  const unitKinds = { narrow: plan.narrow.length, wide: plan.wide.length, dead: dead.length };
  return wrap(network, kernel, unitKinds, plan.memoryBytes);
}

function wrap(
  network: SparseNetwork,
  kernel: IncrementalKernel,
  unitKinds: UnitKinds,
  memoryBytes: number,
): IncrementalNetwork {
  const { inputCount } = network;
  const planeCount = kernel.bits.length;
  const next = new Uint8Array(planeCount);
  const totals = { flips: 0, refreshes: 0, rows: 0 };

  const copyRow = (points: CubePoints, row: number): void => {
    for (let p = 0; p < planeCount; p++) next[p] = points.planes[p * points.rowCount + row];
    // Bits beyond the last coordinate are not promised to be 0, and would be rows that are not there.
    next[planeCount - 1] &= 255 >> (8 * planeCount - inputCount);
  };
  const refresh = (): void => {
    totals.refreshes++;
    totals.rows += kernel.refresh(next);
  };
  const flip = (coordinates: ArrayLike<number>): void => {
    totals.flips += coordinates.length;
    totals.rows += coordinates.length;
    kernel.flip(coordinates);
  };
  // Coordinates in which `next` is not where the kernel is, and those of `next` that are -1.
  const changed: number[] = [];
  const compare = (): number => {
    changed.length = 0;
    let negativeCount = 0;
    for (let p = 0; p < planeCount; p++) {
      negativeCount += bitCount(next[p]);
      for (let rest = next[p] ^ kernel.bits[p]; rest !== 0; rest &= rest - 1) {
        changed.push(8 * p + 31 - Math.clz32(rest & -rest));
      }
    }
    return negativeCount;
  };

  return {
    network,
    memoryBytes,
    unitKinds,
    set(points, row = 0) {
      checkPoints(network, points);
      if (!Number.isInteger(row) || row < 0 || row >= points.rowCount) {
        throw new FewfireError(
          'invalid-argument',
          `row is ${row}; expected a whole number from 0 to ${points.rowCount - 1}`,
        );
      }
      copyRow(points, row);
      refresh();
    },
    flip(coordinates) {
      for (let k = 0; k < coordinates.length; k++) {
        const i = coordinates[k];
        if (Number.isInteger(i) && i >= 0 && i < inputCount) continue;
        throw new FewfireError(
          'invalid-argument',
          `coordinate ${k} to flip is ${i}; expected a whole number from 0 to ${inputCount - 1}`,
        );
      }
      flip(coordinates);
    },
    value: () => kernel.value(),
    activeUnits: () => kernel.activeUnits(),
    async evaluateSequence(points, options = {}) {
      checkRunOptions('evaluateSequence', options, { way: ['auto', 'flip', 'refresh'] });
      const { way = 'auto', signal, onProgress } = options;
      checkPoints(network, points);
      signal?.throwIfAborted();
      const { rowCount } = points;
      const values = new Float64Array(rowCount);
      const turn = createTurn(signal);
      const pauseRows = Math.max(1, Math.floor((PAUSE_ROW_BYTES * inputCount) / memoryBytes));
      let rowsBefore = totals.rows;
      for (let row = 0; row < rowCount; row++) {
        if (totals.rows - rowsBefore > pauseRows || (row & 255) === 0) {
          rowsBefore = totals.rows;
          const wait = turn();
          if (wait !== undefined) {
            await wait;
            onProgress?.({ phase: 'evaluating a sequence', done: row, total: rowCount, unit: 'rows' });
          }
        }
        copyRow(points, row);
        const negativeCount = compare();
        const refreshRows = Math.min(negativeCount, inputCount - negativeCount);
        if (way === 'refresh' || (way === 'auto' && refreshRows < changed.length)) refresh();
        else flip(changed);
        values[row] = kernel.value();
      }
      onProgress?.({ phase: 'evaluating a sequence', done: rowCount, total: rowCount, unit: 'rows' });
      return values;
    },
    counters: () => ({ ...totals }),
  };
}

function bitCount(byte: number): number {
  let count = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  return count;
}

function checkPoints(network: SparseNetwork, points: CubePoints): void {
  if (points.coordinateCount === network.inputCount) return;
  throw new FewfireError(
    'invalid-argument',
    `the points have ${points.coordinateCount} coordinates, the network ${network.inputCount} inputs; expected the same number`,
  );
}

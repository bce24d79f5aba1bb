/**
 * When screening pays. The model is the time of the sparse way as a share of the dense one, measured once on layers of 512
 * and 1024 inputs; since both give the same bits, a wrong guess costs time and nothing else. It never looks at the clock,
 * so that the same calls in the same order take the same way.
 */
export interface SparseShares {
  /** Of units whose preactivation was computed after the screen, and of active units. */
  readonly evaluated: number;
  readonly active: number;
}

export interface MethodChooser {
  next(inputCount: number): 'sparse' | 'dense';
  /** What the last sparse run found. */
  learn(shares: SparseShares): void;
}

/** Dense runs before the screen is tried again. */
const RETRY_AFTER = 32;

/** Sparse time / dense time. From four inputs on, the dense way shares loads between inputs and is harder to beat. */
export function predictedCost(shares: SparseShares, inputCount: number): number {
  return inputCount < 4
    ? 0.13 + 1.0 * shares.evaluated + 1.0 * shares.active
    : 0.25 + 0.8 * shares.evaluated + 0.6 * shares.active;
}

export function createMethodChooser(): MethodChooser {
  let last: SparseShares = { evaluated: 0, active: 0 };
  let denseRuns = 0;
  return {
    next(inputCount) {
      if (predictedCost(last, inputCount) < 1 || denseRuns >= RETRY_AFTER) {
        denseRuns = 0;
        return 'sparse';
      }
      denseRuns++;
      return 'dense';
    },
    learn(shares) {
      last = shares;
    },
  };
}

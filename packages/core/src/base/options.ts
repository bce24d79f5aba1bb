/** Options every long call takes, and the progress it reports. */

/** How far a call has come: `done` of `total` units. */
export interface Progress {
  /** What is being done, for example `reading` or `choosing degree and ridge strength`. */
  readonly phase: string;
  /** In `unit`, as `total`. */
  readonly done: number;
  /** 0 when it cannot be known. */
  readonly total: number;
  readonly unit: 'rows' | 'bytes' | 'iterations' | 'fits' | 'steps';
}

/** Options every long call takes. */
export interface RunOptions {
  /** Aborting rejects the call with the signal's reason (an AbortError by default) within 100 ms. */
  readonly signal?: AbortSignal | undefined;
  /** Called now and then; what it throws ends the call. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Seed of all randomness in the call; the default is 1. */
  readonly seed?: number | undefined;
  /** Threads to use; results do not depend on it. The default is 1. */
  readonly threads?: number | undefined;
  /** Work that would need more memory than this is refused before it is allocated. */
  readonly memoryLimitBytes?: number | undefined;
}

/** What of a caller's options is for every call, to hand on to one that does not know the others. */
export function runOptionsOf({ signal, onProgress, seed, threads, memoryLimitBytes }: RunOptions): RunOptions {
  return { signal, onProgress, seed, threads, memoryLimitBytes };
}

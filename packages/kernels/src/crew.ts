/**
 * Shares the items of an operation of microseconds between this thread and workers, synchronously. Tickets count down from
 * the number of items, so whoever takes one that is not positive has nothing to do, however late it comes; this thread
 * takes tickets too and then waits only for items that a worker has begun. A worker that is slow to wake costs nothing.
 */
import type { WorkerPool, WorkSource } from './pool.ts';

/** Bytes of the control words, each in a cache line of its own: tickets, items done, sequence number of the operation. */
export const CREW_BYTES: number = 3 * 64;

/**
 * Never ends: workers take items of one small operation after the other and sleep in between, woken through shared memory,
 * because a message costs more than a whole layer. `control` is the byte offset of the control words.
 */
export interface CrewJob {
  readonly plan: number;
  readonly control: number;
}

export const CREW_WORK: WorkSource = `({ plan, control }, { kernels, words }) => {
  const [tickets, done, sequence] = [0, 1, 2].map((word) => (control >>> 2) + 16 * word);
  for (;;) {
    const seen = Atomics.load(words, sequence);
    for (let ticket = Atomics.sub(words, tickets, 1); ticket > 0; ticket = Atomics.sub(words, tickets, 1)) {
      kernels.mlpItem(plan, ticket - 1);
      Atomics.add(words, done, 1);
    }
    for (let k = 0; k < 2000 && Atomics.load(words, sequence) === seen; k++);
    Atomics.wait(words, sequence, seen);
  }
}`;

export interface Crew {
  /** Runs items 0 .. itemCount - 1, each once, in any order, and returns when all are done. */
  run(itemCount: number): void;
}

/** @param runItem what this thread does with an item: the same as the workers, kernels.mlpItem(plan, item) */
export function createCrew(
  pool: WorkerPool<CrewJob>,
  buffer: ArrayBufferLike,
  control: number,
  plan: number,
  runItem: (item: number) => void,
): Crew {
  const words = new Int32Array(buffer);
  const [tickets, done, sequence] = [0, 1, 2].map((word) => (control >>> 2) + 16 * word);
  pool.start({ plan, control });
  return {
    run(itemCount: number): void {
      Atomics.store(words, done, 0);
      Atomics.store(words, tickets, itemCount);
      if (itemCount > 1) {
        Atomics.add(words, sequence, 1);
        Atomics.notify(words, sequence);
      }
      for (let ticket = Atomics.sub(words, tickets, 1); ticket > 0; ticket = Atomics.sub(words, tickets, 1)) {
        runItem(ticket - 1);
        Atomics.add(words, done, 1);
      }
      while (Atomics.load(words, done) < itemCount);
    },
  };
}

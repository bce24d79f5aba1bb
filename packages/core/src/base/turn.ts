/**
 * Letting the event loop run now and then during long loops, so that others get their turn and the loop can be aborted: in
 * the one place where it is done.
 *
 * To be called often. It is `undefined` where it is not yet time, which costs a look at the signal and at the clock; a hot
 * loop then waits for nothing, not even for a microtask: `const wait = turn(); if (wait !== undefined) await wait;`.
 * Elsewhere `await turn()` will do.
 */
import type { Progress, RunOptions } from './options.ts';

/** @throws the signal's reason when aborted */
export type Turn = () => Promise<void> | undefined;

/** A turn that says how far the loop is whenever it has let others run. */
export type ReportingTurn = (done: number, total: number) => Promise<void> | undefined;

/** Between two turns: far from the 100 ms within which an abort is to be noticed, far above what a turn costs. */
const TURN_MS = 12;

export function createTurn(signal: AbortSignal | undefined): Turn {
  let last = performance.now();
  // At each call, because whoever hears of the progress may abort without any turn.
  const look = (): void => signal?.throwIfAborted();
  look();
  return () => {
    look();
    if (performance.now() - last < TURN_MS) return undefined;
    return nextTurn().then(() => {
      last = performance.now();
      look();
    });
  };
}

export function createReportingTurn(
  phase: string,
  { signal, onProgress }: Pick<RunOptions, 'signal' | 'onProgress'>,
  unit: Progress['unit'] = 'steps',
): ReportingTurn {
  const turn = createTurn(signal);
  return (done, total) => turn()?.then(() => onProgress?.({ phase, done, total, unit }));
}

// Lets timers, signals and messages through: resolves in a new turn of the event loop.
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        channel.port1.close();
        resolve();
      };
      channel.port2.postMessage(0);
    }
  });
}

declare const setImmediate: ((callback: () => void) => unknown) | undefined;

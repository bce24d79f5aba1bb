/** Letting the event loop run now and then during long loops, so that they can be aborted. */
import { nextTurn } from './options.ts';

export type Turn = () => Promise<void>;

const TURN_MS = 20;

/** To be awaited often: lets others run, and rejects when aborted, every 20 ms at most. */
export function createTurn(signal: AbortSignal | undefined): Turn {
  let last = performance.now();
  signal?.throwIfAborted();
  return async () => {
    if (performance.now() - last <= TURN_MS) return;
    await nextTurn();
    signal?.throwIfAborted();
    last = performance.now();
  };
}

/** Letting the event loop run now and then during long loops: the only place in this package where it is done. */

/** Between two turns. */
const TURN_MS = 20;

/** Lets the event loop run now and then, and throws when aborted. One per operator, so that short calls in a row share one time budget. */
export function createTurns(): (signal: AbortSignal | undefined) => Promise<void> {
  let lastAt = performance.now();
  return async (signal) => {
    signal?.throwIfAborted();
    if (performance.now() - lastAt < TURN_MS) return;
    await nextTurn();
    lastAt = performance.now();
    signal?.throwIfAborted();
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const immediate = (globalThis as { setImmediate?: (callback: () => void) => void }).setImmediate;
    if (immediate !== undefined) {
      immediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}

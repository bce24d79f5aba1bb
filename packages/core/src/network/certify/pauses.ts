/** Long loops of plain TypeScript call this between steps: it lets the event loop run now and then and throws when aborted. */
import { nextTurn, throwIfAborted } from '../../base/index.ts';

const PAUSE_MS = 12;

export function createPauses(signal: AbortSignal | undefined): () => Promise<void> | undefined {
  let lastAt = performance.now();
  return () => {
    if (performance.now() - lastAt < PAUSE_MS) return undefined;
    return nextTurn().then(() => {
      lastAt = performance.now();
      throwIfAborted(signal);
    });
  };
}

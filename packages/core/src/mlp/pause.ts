/** Long loops over weights and inputs: to let others run, to report and to be stopped. */
import { nextTurn, type RunOptions, throwIfAborted } from '../base/index.ts';

/** Between two looks at the signal. */
const TURN_MS = 30;

/** Lets others run, reports and throws when aborted, if some time has passed. */
export type Pause = (done: number, total: number) => Promise<void>;

export function createPause(phase: string, { signal, onProgress }: RunOptions): Pause {
  let last = performance.now();
  return async (done, total) => {
    if (performance.now() - last < TURN_MS) return;
    onProgress?.({ phase, done, total, unit: 'steps' });
    await nextTurn();
    throwIfAborted(signal);
    last = performance.now();
  };
}

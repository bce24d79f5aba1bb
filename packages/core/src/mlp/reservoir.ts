/**
 * A fixed number of rows drawn evenly from rows that stream by (algorithm R, Vitter 1985): every row has the same chance
 * to be kept, and nobody need know beforehand how many come.
 */
import { createRandom } from '../base/index.ts';

export interface RowReservoir {
  /** Takes rows of `width` numbers. */
  add(rows: Float32Array): void;
  /** The rows kept, row-major. */
  rows(): Float32Array;
}

export function createReservoir(width: number, capacity: number, seed: number): RowReservoir {
  const random = createRandom(seed);
  let kept = new Float32Array(0);
  let seen = 0;
  return {
    add(rows) {
      for (let at = 0; at < rows.length; at += width) {
        const place = seen < capacity ? seen : random.integer(seen + 1);
        seen++;
        if (place >= capacity) continue;
        if ((place + 1) * width > kept.length) kept = grown(kept, Math.min(capacity, 2 * place + 16) * width);
        kept.set(rows.subarray(at, at + width), place * width);
      }
    },
    rows: () => kept.slice(0, Math.min(seen, capacity) * width),
  };
}

function grown(numbers: Float32Array, length: number): Float32Array<ArrayBuffer> {
  const larger = new Float32Array(length);
  larger.set(numbers);
  return larger;
}

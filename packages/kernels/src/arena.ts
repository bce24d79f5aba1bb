/** Lays out one WebAssembly memory: offsets are handed out before the memory exists, then it is made once at the right size. */
export interface Arena {
  /** Reserves `bytes`, aligned to 64, and returns the offset. */
  reserve(bytes: number): number;
  readonly bytes: number;
}

export function createArena(): Arena {
  // Offset 0 stays unused, so that it can stand for "none".
  let end = 64;
  return {
    reserve(bytes: number): number {
      const offset = end;
      end = Math.ceil((end + bytes) / 64) * 64;
      return offset;
    },
    get bytes(): number {
      return end;
    },
  };
}

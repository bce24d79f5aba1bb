/**
 * Seeded random numbers: xoshiro128** (Blackman, Vigna), seeded by splitmix32.
 * The same seed gives the same stream on every platform.
 */
export interface Random {
  /** A uniform number in [0, 1) with 53 random bits. */
  uniform(): number;
  /** A uniform integer in [0, bound), without modulo bias. */
  integer(bound: number): number;
  /** 32 random bits, as an unsigned integer. */
  bits(): number;
  /** A standard normal number. */
  normal(): number;
  /** The integers 0 .. count - 1 in random order. */
  permutation(count: number): Uint32Array;
}

/**
 * A stream of random numbers.
 * @param seed a whole number; the same seed gives the same stream on every platform
 * @example
 * ```ts
 * import { createRandom } from '@fewfire/core';
 *
 * const random = createRandom(7);
 * console.log(random.integer(100), random.integer(100), createRandom(7).integer(100)); // 0 87 0
 * ```
 */
export function createRandom(seed: number): Random {
  let mix = Math.floor(seed) | 0;
  const splitmix = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return z ^ (z >>> 16);
  };
  let a = splitmix();
  let b = splitmix();
  let c = splitmix();
  let d = splitmix();

  const bits = (): number => {
    const m = Math.imul(b, 5);
    const result = Math.imul((m << 7) | (m >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const uniform = (): number => ((bits() >>> 5) * 0x4000000 + (bits() >>> 6)) / 0x20000000000000;
  const integer = (bound: number): number => {
    if (bound > 0x100000000) return Math.floor(uniform() * bound);
    const limit = 0x100000000 - (0x100000000 % bound);
    let value = bits();
    while (value >= limit) value = bits();
    return value % bound;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const permutation = (count: number): Uint32Array => {
    const order = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const j = integer(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  };
  return { uniform, integer, bits, normal, permutation };
}

// A dense network h(x) = sum_j u_j relu(<w_j, x> - b_j) at one point of the cube,
// kept while coordinates flip. Preactivations are whole numbers (src/networks/incremental.ts
// says which), so adding and taking away rows never drifts: a state depends on its
// point alone, not on the way there. Sums wrap, which is exact for results that fit.
//
// The state and every row have the same form: i32 of the narrow units, padded to 128
// bytes, then i64 limbs of the wide ones, padded likewise. Row i is what a flip of
// coordinate i to +1 adds, so that a flip is one sequential read.
//
// plan, u32 words:
//   0 narrowBytes (of a state)  1 wideCount  2 state  3 unit of each narrow slot, u32
//   4 scale of each narrow slot, f64 (a power of two)
//   5 wide units, 16 bytes each: unit u32, byte offset in the state u32, limbs u32, exponent i32
//   6 marks, one bit a unit in u64, zero between calls  7 markWords
//   8 rounded preactivations, f64 [unit]  9 output weights, f64 [unit]
//  10 active units, u32, written  11 their number, written  12, 13 value, f64, written

const TILE: usize = 128;
// Below 2^24 inputs the lower limbs stay below 2^61.
const LIMB_BITS: i64 = 36;
// More than what the limbs below can carry into the highest.
const CARRY: i64 = (<i64>1) << 25;

/** to = from + rows of the first `added` addresses in `list` - rows of the `taken` after them; `wide` bytes follow `narrow` ones. */
export function addRows(from: usize, to: usize, narrow: usize, wide: usize, list: usize, added: usize, taken: usize): void {
  const middle = list + (added << 2);
  const end = middle + (taken << 2);
  if (ASC_FEATURE_SIMD) {
    for (let at: usize = 0; at < narrow; at += TILE) {
      let a = v128.load(from + at);
      let b = v128.load(from + at, 16);
      let c = v128.load(from + at, 32);
      let d = v128.load(from + at, 48);
      let e = v128.load(from + at, 64);
      let f = v128.load(from + at, 80);
      let g = v128.load(from + at, 96);
      let h = v128.load(from + at, 112);
      let p = list;
      for (; p < middle; p += 4) {
        const row = <usize>load<u32>(p) + at;
        a = i32x4.add(a, v128.load(row));
        b = i32x4.add(b, v128.load(row, 16));
        c = i32x4.add(c, v128.load(row, 32));
        d = i32x4.add(d, v128.load(row, 48));
        e = i32x4.add(e, v128.load(row, 64));
        f = i32x4.add(f, v128.load(row, 80));
        g = i32x4.add(g, v128.load(row, 96));
        h = i32x4.add(h, v128.load(row, 112));
      }
      for (; p < end; p += 4) {
        const row = <usize>load<u32>(p) + at;
        a = i32x4.sub(a, v128.load(row));
        b = i32x4.sub(b, v128.load(row, 16));
        c = i32x4.sub(c, v128.load(row, 32));
        d = i32x4.sub(d, v128.load(row, 48));
        e = i32x4.sub(e, v128.load(row, 64));
        f = i32x4.sub(f, v128.load(row, 80));
        g = i32x4.sub(g, v128.load(row, 96));
        h = i32x4.sub(h, v128.load(row, 112));
      }
      v128.store(to + at, a);
      v128.store(to + at, b, 16);
      v128.store(to + at, c, 32);
      v128.store(to + at, d, 48);
      v128.store(to + at, e, 64);
      v128.store(to + at, f, 80);
      v128.store(to + at, g, 96);
      v128.store(to + at, h, 112);
    }
    for (let at = narrow; at < narrow + wide; at += TILE) {
      let a = v128.load(from + at);
      let b = v128.load(from + at, 16);
      let c = v128.load(from + at, 32);
      let d = v128.load(from + at, 48);
      let e = v128.load(from + at, 64);
      let f = v128.load(from + at, 80);
      let g = v128.load(from + at, 96);
      let h = v128.load(from + at, 112);
      let p = list;
      for (; p < middle; p += 4) {
        const row = <usize>load<u32>(p) + at;
        a = i64x2.add(a, v128.load(row));
        b = i64x2.add(b, v128.load(row, 16));
        c = i64x2.add(c, v128.load(row, 32));
        d = i64x2.add(d, v128.load(row, 48));
        e = i64x2.add(e, v128.load(row, 64));
        f = i64x2.add(f, v128.load(row, 80));
        g = i64x2.add(g, v128.load(row, 96));
        h = i64x2.add(h, v128.load(row, 112));
      }
      for (; p < end; p += 4) {
        const row = <usize>load<u32>(p) + at;
        a = i64x2.sub(a, v128.load(row));
        b = i64x2.sub(b, v128.load(row, 16));
        c = i64x2.sub(c, v128.load(row, 32));
        d = i64x2.sub(d, v128.load(row, 48));
        e = i64x2.sub(e, v128.load(row, 64));
        f = i64x2.sub(f, v128.load(row, 80));
        g = i64x2.sub(g, v128.load(row, 96));
        h = i64x2.sub(h, v128.load(row, 112));
      }
      v128.store(to + at, a);
      v128.store(to + at, b, 16);
      v128.store(to + at, c, 32);
      v128.store(to + at, d, 48);
      v128.store(to + at, e, 64);
      v128.store(to + at, f, 80);
      v128.store(to + at, g, 96);
      v128.store(to + at, h, 112);
    }
  } else {
    for (let at: usize = 0; at < narrow; at += 16) {
      let a = load<i32>(from + at);
      let b = load<i32>(from + at, 4);
      let c = load<i32>(from + at, 8);
      let d = load<i32>(from + at, 12);
      let p = list;
      for (; p < middle; p += 4) {
        const row = <usize>load<u32>(p) + at;
        a += load<i32>(row);
        b += load<i32>(row, 4);
        c += load<i32>(row, 8);
        d += load<i32>(row, 12);
      }
      for (; p < end; p += 4) {
        const row = <usize>load<u32>(p) + at;
        a -= load<i32>(row);
        b -= load<i32>(row, 4);
        c -= load<i32>(row, 8);
        d -= load<i32>(row, 12);
      }
      store<i32>(to + at, a);
      store<i32>(to + at, b, 4);
      store<i32>(to + at, c, 8);
      store<i32>(to + at, d, 12);
    }
    for (let at = narrow; at < narrow + wide; at += 16) {
      let a = load<i64>(from + at);
      let b = load<i64>(from + at, 8);
      let p = list;
      for (; p < middle; p += 4) {
        const row = <usize>load<u32>(p) + at;
        a += load<i64>(row);
        b += load<i64>(row, 8);
      }
      for (; p < end; p += 4) {
        const row = <usize>load<u32>(p) + at;
        a -= load<i64>(row);
        b -= load<i64>(row, 8);
      }
      store<i64>(to + at, a);
      store<i64>(to + at, b, 8);
    }
  }
}

/** Active units in increasing order, and their value: the sum, in this order, of u_j times the preactivation rounded once. */
export function readState(plan: usize): void {
  markNarrow(plan);
  markWide(plan);
  const marks = <usize>load<u32>(plan, 24);
  const markWords = <usize>load<u32>(plan, 28);
  const preactivations = <usize>load<u32>(plan, 32);
  const outputs = <usize>load<u32>(plan, 36);
  const list = <usize>load<u32>(plan, 40);
  let to = list;
  let value: f64 = 0;
  for (let w: usize = 0; w < markWords; w++) {
    let bits = load<u64>(marks + (w << 3));
    if (bits == 0) continue;
    store<u64>(marks + (w << 3), 0);
    while (bits != 0) {
      const unit = (w << 6) + <usize>ctz<u64>(bits);
      bits &= bits - 1;
      value += load<f64>(outputs + (unit << 3)) * load<f64>(preactivations + (unit << 3));
      store<u32>(to, <u32>unit);
      to += 4;
    }
  }
  store<u32>(plan, <u32>((to - list) >> 2), 44);
  store<f64>(plan, value, 48);
}

function mark(plan: usize, unit: usize, preactivation: f64): void {
  const cell = <usize>load<u32>(plan, 24) + ((unit >> 6) << 3);
  store<u64>(cell, load<u64>(cell) | ((<u64>1) << (<u64>unit & 63)));
  store<f64>(<usize>load<u32>(plan, 32) + (unit << 3), preactivation);
}

function markNarrow(plan: usize): void {
  const bytes = <usize>load<u32>(plan);
  const state = <usize>load<u32>(plan, 8);
  for (let at: usize = 0; at < bytes; at += 64) {
    let active: u32 = 0;
    if (ASC_FEATURE_SIMD) {
      const zero = i32x4.splat(0);
      const a = i32x4.gt_s(v128.load(state + at), zero);
      const b = i32x4.gt_s(v128.load(state + at, 16), zero);
      const c = i32x4.gt_s(v128.load(state + at, 32), zero);
      const d = i32x4.gt_s(v128.load(state + at, 48), zero);
      if (!v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) continue;
      active = i32x4.bitmask(a) | (i32x4.bitmask(b) << 4) | (i32x4.bitmask(c) << 8) | (i32x4.bitmask(d) << 12);
    } else {
      for (let lane: usize = 0; lane < 16; lane++) {
        active |= <u32>(load<i32>(state + at + (lane << 2)) > 0) << <u32>lane;
      }
    }
    while (active != 0) {
      const slot = (at >> 2) + <usize>ctz<u32>(active);
      active &= active - 1;
      const unit = <usize>load<u32>(<usize>load<u32>(plan, 12) + (slot << 2));
      const scale = load<f64>(<usize>load<u32>(plan, 16) + (slot << 3));
      mark(plan, unit, <f64>load<i32>(state + (slot << 2)) * scale);
    }
  }
}

function markWide(plan: usize): void {
  const wideCount = <usize>load<u32>(plan, 4);
  const state = <usize>load<u32>(plan, 8);
  let record = <usize>load<u32>(plan, 20);
  for (let r: usize = 0; r < wideCount; r++, record += 16) {
    const at = state + <usize>load<u32>(record, 4);
    const limbs = <usize>load<u32>(record, 8);
    const highest = load<i64>(at + ((limbs - 1) << 3));
    if (highest <= -CARRY) continue;
    // Carries upwards: the sign is that of the top, and of what is below it where the top is 0.
    let carry: i64 = 0;
    let below: i64 = 0;
    for (let l: usize = 0; l + 1 < limbs; l++) {
      const sum = load<i64>(at + (l << 3)) + carry;
      carry = sum >> LIMB_BITS;
      below |= sum & (((<i64>1) << LIMB_BITS) - 1);
    }
    const top = highest + carry;
    if (top > 0 || (top == 0 && below != 0)) {
      mark(plan, <usize>load<u32>(record), rounded(at, limbs, top, load<i32>(record, 12)));
    }
  }
}

// The limbs times 2^exponent, rounded to nearest, ties to even: 64 leading bits, the last one set if anything follows
// them, decide as all of them would.
function rounded(at: usize, limbs: usize, top: i64, exponent: i32): f64 {
  let head = <u64>top;
  let exponentOfHead = exponent + <i32>((limbs - 1) * <usize>LIMB_BITS);
  let rest: u64 = 0;
  for (let l = limbs - 1; l > 0; l--) {
    const digit = digitOf(at, l - 1);
    const room = clz<u64>(head);
    if (room == 0) {
      rest |= digit;
    } else if (room >= <u64>LIMB_BITS) {
      head = (head << <u64>LIMB_BITS) | digit;
      exponentOfHead -= <i32>LIMB_BITS;
    } else {
      const left = <u64>LIMB_BITS - room;
      head = (head << room) | (digit >> left);
      exponentOfHead -= <i32>room;
      rest |= digit & (((<u64>1) << left) - 1);
    }
  }
  if (rest != 0) head |= 1;
  return <f64>head * powerOfTwo(exponentOfHead);
}

// A limb after the carries of those below it.
function digitOf(at: usize, limb: usize): u64 {
  let carry: i64 = 0;
  for (let l: usize = 0; l < limb; l++) carry = (load<i64>(at + (l << 3)) + carry) >> LIMB_BITS;
  return <u64>(load<i64>(at + (limb << 3)) + carry) & (((<u64>1) << <u64>LIMB_BITS) - 1);
}

function powerOfTwo(exponent: i32): f64 {
  if (exponent > 1023) return Infinity;
  if (exponent >= -1022) return reinterpret<f64>(<u64>(exponent + 1023) << 52);
  return reinterpret<f64>((<u64>1) << <u64>(exponent + 1074));
}

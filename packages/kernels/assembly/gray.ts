// How many units of a network are active at every point of a cube, by a Gray
// code: neighbouring points differ in one bit, so a preactivation changes by one
// addition (by q of them on the lift of q bits, whose features are the bits and
// their products of two).
//
// Preactivations are integers (src/networks/exact-units.ts), so nothing drifts and ties
// are decided exactly. A unit whose integers do not fit 32 bits runs on rounded
// ones in the last blocks, with the sum of its roundings as a slack; where the
// slack leaves the sign open, the unit is evaluated again from its full integers.
//
// The points come in items of 2^stepBits. An item computes its first point
// afresh, then takes sixteen units at a time through all its points: their
// preactivations and firing counts stay in registers, and the counts per point
// (16 bytes each) in first-level cache.
//
// plan, u32 words:
//   0 stepBits   1 rowsPerStep (1, or q on a lift)  2 featureCount  3 blockCount  4 exactBlocks (rounded ones follow)
//   5 start, i32 [block][16]: preactivations where every bit is 0
//   6 deltas, i32 [block][feature][2][16]: what is added when a feature becomes +1, becomes -1
//   7 slacks, i32 [block - exactBlocks][16]
//   8 features, u32 [feature]: a | b << 8; it is -1 where bit a is 1 (b = 255), or where bits a and b differ
//   9 flips, u32 [bit][rowsPerStep]: the features that bit changes
//  10 limbs, u32 [block - exactBlocks][16][2]: byte offset of i64 [limb][1 + featureCount], number of limbs (lowest first)
//  11 unitCapacity (histogram has one entry more)
// scratch (per thread): u64 best index | u32 best count + 1 | u32 0 | u64 resolved | pad to 64 | histogram u64
//   [unitCapacity + 1] | unit counts u64 [block][16] | sums, 16 bytes [step] | offsets, u32 [step][rowsPerStep] | start rows u32 [featureCount]

const ROW: usize = 64; // bytes of one i32 for each of 16 units
// A thousand limbs add up below 2^63; there are at most 820 features (the lift of 40 bits).
const LIMB_BITS: i64 = 52;

export function grayItems(plan: usize, scratch: usize, item0: u32, item1: u32): void {
  const stepBits = load<u32>(plan);
  const rowsPerStep = <usize>load<u32>(plan, 4);
  const featureCount = <usize>load<u32>(plan, 8);
  const blockCount = <usize>load<u32>(plan, 12);
  const exactBlocks = <usize>load<u32>(plan, 16);
  const start = <usize>load<u32>(plan, 20);
  const deltas = <usize>load<u32>(plan, 24);
  const histogram = scratch + 64;
  const unitCounts = histogram + ((<usize>load<u32>(plan, 44) + 1) << 3);
  const sums = unitCounts + (blockCount << 7);
  const steps = <usize>1 << <usize>stepBits;
  const offsets = sums + (steps << 4);
  const startRows = offsets + ((steps * rowsPerStep) << 2);
  for (let item = item0; item < item1; item++) {
    const first = <u64>item << <u64>stepBits;
    const startCount = listRows(plan, first, steps, offsets, startRows);
    memory.fill(sums, 0, steps << 4);
    for (let block: usize = 0; block < blockCount; block++) {
      const own = deltas + block * featureCount * (2 * ROW);
      const from = start + block * ROW;
      const counts = unitCounts + (block << 7);
      if (block >= exactBlocks) {
        rounded(plan, scratch, first, steps, rowsPerStep, offsets, startRows, startCount, own, from, block - exactBlocks, sums, counts);
      } else if (ASC_FEATURE_SIMD) {
        if (rowsPerStep == 1) exactOneSimd(steps, offsets, startRows, startCount, own, from, sums, counts);
        else exactManySimd(steps, rowsPerStep, offsets, startRows, startCount, own, from, sums, counts);
      } else {
        exactScalar(steps, rowsPerStep, offsets, startRows, startCount, own, from, sums, counts);
      }
    }
    tally(scratch, histogram, first, steps, sums);
  }
}

// Byte offsets, inside a block's deltas, of what to add at every step; and of what takes all-zero bits to the first point.
function listRows(plan: usize, first: u64, steps: usize, offsets: usize, startRows: usize): usize {
  const rowsPerStep = <usize>load<u32>(plan, 4);
  const featureCount = <usize>load<u32>(plan, 8);
  const features = <usize>load<u32>(plan, 32);
  const flips = <usize>load<u32>(plan, 36);
  const point = first ^ (first >> 1);
  let startCount: usize = 0;
  for (let f: usize = 0; f < featureCount; f++) {
    if (isNegative(point, load<u32>(features + (f << 2)))) {
      store<u32>(startRows + (startCount++ << 2), <u32>(f * (2 * ROW) + ROW));
    }
  }
  let to = offsets + (rowsPerStep << 2);
  for (let t: usize = 1; t < steps; t++) {
    const index = first + <u64>t;
    const now = index ^ (index >> 1);
    const list = flips + (<usize>ctz<u64>(index) * rowsPerStep << 2);
    for (let r: usize = 0; r < rowsPerStep; r++) {
      const f = <usize>load<u32>(list + (r << 2));
      store<u32>(to, <u32>(f * (2 * ROW) + (isNegative(now, load<u32>(features + (f << 2))) ? ROW : 0)));
      to += 4;
    }
  }
  return startCount;
}

function isNegative(point: u64, feature: u32): bool {
  const a = <u64>(feature & 255);
  const b = <u64>((feature >> 8) & 255);
  const bit = point >> a;
  return ((b == 255 ? bit : bit ^ (point >> b)) & 1) != 0;
}

function exactOneSimd(steps: usize, offsets: usize, startRows: usize, startCount: usize, deltas: usize, start: usize, sums: usize, counts: usize): void {
  const zero = i32x4.splat(0);
  let a = v128.load(start);
  let b = v128.load(start, 16);
  let c = v128.load(start, 32);
  let d = v128.load(start, 48);
  for (let r: usize = 0; r < startCount; r++) {
    const at = deltas + <usize>load<u32>(startRows + (r << 2));
    a = i32x4.add(a, v128.load(at));
    b = i32x4.add(b, v128.load(at, 16));
    c = i32x4.add(c, v128.load(at, 32));
    d = i32x4.add(d, v128.load(at, 48));
  }
  // A mask is -1 where a unit is active.
  let na = i32x4.gt_s(a, zero);
  let nb = i32x4.gt_s(b, zero);
  let nc = i32x4.gt_s(c, zero);
  let nd = i32x4.gt_s(d, zero);
  v128.store(sums, i32x4.add(v128.load(sums), i32x4.add(i32x4.add(na, nb), i32x4.add(nc, nd))));
  let sum = sums + 16;
  const end = offsets + (steps << 2);
  for (let p = offsets + 4; p < end; p += 4) {
    const at = deltas + <usize>load<u32>(p);
    a = i32x4.add(a, v128.load(at));
    b = i32x4.add(b, v128.load(at, 16));
    c = i32x4.add(c, v128.load(at, 32));
    d = i32x4.add(d, v128.load(at, 48));
    const ma = i32x4.gt_s(a, zero);
    const mb = i32x4.gt_s(b, zero);
    const mc = i32x4.gt_s(c, zero);
    const md = i32x4.gt_s(d, zero);
    na = i32x4.add(na, ma);
    nb = i32x4.add(nb, mb);
    nc = i32x4.add(nc, mc);
    nd = i32x4.add(nd, md);
    v128.store(sum, i32x4.add(v128.load(sum), i32x4.add(i32x4.add(ma, mb), i32x4.add(mc, md))));
    sum += 16;
  }
  addCounts(counts, na);
  addCounts(counts + 32, nb);
  addCounts(counts + 64, nc);
  addCounts(counts + 96, nd);
}

function exactManySimd(steps: usize, rowsPerStep: usize, offsets: usize, startRows: usize, startCount: usize, deltas: usize, start: usize, sums: usize, counts: usize): void {
  const zero = i32x4.splat(0);
  let a = v128.load(start);
  let b = v128.load(start, 16);
  let c = v128.load(start, 32);
  let d = v128.load(start, 48);
  let na = zero;
  let nb = zero;
  let nc = zero;
  let nd = zero;
  let from = startRows;
  let rows = startCount;
  let next = offsets + (rowsPerStep << 2);
  for (let t: usize = 0; t < steps; t++) {
    for (let r: usize = 0; r < rows; r++) {
      const at = deltas + <usize>load<u32>(from + (r << 2));
      a = i32x4.add(a, v128.load(at));
      b = i32x4.add(b, v128.load(at, 16));
      c = i32x4.add(c, v128.load(at, 32));
      d = i32x4.add(d, v128.load(at, 48));
    }
    from = next;
    next += rowsPerStep << 2;
    rows = rowsPerStep;
    const ma = i32x4.gt_s(a, zero);
    const mb = i32x4.gt_s(b, zero);
    const mc = i32x4.gt_s(c, zero);
    const md = i32x4.gt_s(d, zero);
    na = i32x4.add(na, ma);
    nb = i32x4.add(nb, mb);
    nc = i32x4.add(nc, mc);
    nd = i32x4.add(nd, md);
    const sum = sums + (t << 4);
    v128.store(sum, i32x4.add(v128.load(sum), i32x4.add(i32x4.add(ma, mb), i32x4.add(mc, md))));
  }
  addCounts(counts, na);
  addCounts(counts + 32, nb);
  addCounts(counts + 64, nc);
  addCounts(counts + 96, nd);
}

// Adds four negated 32-bit counts to u64 counts.
function addCounts(counts: usize, negated: v128): void {
  v128.store(counts, i64x2.sub(v128.load(counts), i64x2.extend_low_i32x4_s(negated)));
  v128.store(counts, i64x2.sub(v128.load(counts, 16), i64x2.extend_high_i32x4_s(negated)), 16);
}

// The same four units at a time. A point's sum is in the first word of its 16 bytes.
function exactScalar(steps: usize, rowsPerStep: usize, offsets: usize, startRows: usize, startCount: usize, deltas: usize, start: usize, sums: usize, counts: usize): void {
  for (let quad: usize = 0; quad < ROW; quad += 16) {
    let a = load<i32>(start + quad);
    let b = load<i32>(start + quad, 4);
    let c = load<i32>(start + quad, 8);
    let d = load<i32>(start + quad, 12);
    let na: i32 = 0;
    let nb: i32 = 0;
    let nc: i32 = 0;
    let nd: i32 = 0;
    let from = startRows;
    let rows = startCount;
    let next = offsets + (rowsPerStep << 2);
    for (let t: usize = 0; t < steps; t++) {
      for (let r: usize = 0; r < rows; r++) {
        const at = deltas + quad + <usize>load<u32>(from + (r << 2));
        a += load<i32>(at);
        b += load<i32>(at, 4);
        c += load<i32>(at, 8);
        d += load<i32>(at, 12);
      }
      from = next;
      next += rowsPerStep << 2;
      rows = rowsPerStep;
      const ma = <i32>(a > 0);
      const mb = <i32>(b > 0);
      const mc = <i32>(c > 0);
      const md = <i32>(d > 0);
      na += ma;
      nb += mb;
      nc += mc;
      nd += md;
      const sum = sums + (t << 4);
      store<i32>(sum, load<i32>(sum) - (ma + mb + (mc + md)));
    }
    const to = counts + (quad << 1);
    store<u64>(to, load<u64>(to) + <u64>na);
    store<u64>(to, load<u64>(to, 8) + <u64>nb, 8);
    store<u64>(to, load<u64>(to, 16) + <u64>nc, 16);
    store<u64>(to, load<u64>(to, 24) + <u64>nd, 24);
  }
}

// A block with rounded units: |preactivation - true one| <= slack, so above the slack a unit is active and at or
// below minus the slack it is not.
function rounded(plan: usize, scratch: usize, first: u64, steps: usize, rowsPerStep: usize, offsets: usize, startRows: usize, startCount: usize, deltas: usize, start: usize, roundedBlock: usize, sums: usize, counts: usize): void {
  const slacks = <usize>load<u32>(plan, 28) + roundedBlock * ROW;
  if (ASC_FEATURE_SIMD) {
    const zero = i32x4.splat(0);
    const ea = v128.load(slacks);
    const eb = v128.load(slacks, 16);
    const ec = v128.load(slacks, 32);
    const ed = v128.load(slacks, 48);
    let a = v128.load(start);
    let b = v128.load(start, 16);
    let c = v128.load(start, 32);
    let d = v128.load(start, 48);
    let na = zero;
    let nb = zero;
    let nc = zero;
    let nd = zero;
    let from = startRows;
    let rows = startCount;
    let next = offsets + (rowsPerStep << 2);
    for (let t: usize = 0; t < steps; t++) {
      for (let r: usize = 0; r < rows; r++) {
        const at = deltas + <usize>load<u32>(from + (r << 2));
        a = i32x4.add(a, v128.load(at));
        b = i32x4.add(b, v128.load(at, 16));
        c = i32x4.add(c, v128.load(at, 32));
        d = i32x4.add(d, v128.load(at, 48));
      }
      from = next;
      next += rowsPerStep << 2;
      rows = rowsPerStep;
      const ma = i32x4.gt_s(a, ea);
      const mb = i32x4.gt_s(b, eb);
      const mc = i32x4.gt_s(c, ec);
      const md = i32x4.gt_s(d, ed);
      na = i32x4.add(na, ma);
      nb = i32x4.add(nb, mb);
      nc = i32x4.add(nc, mc);
      nd = i32x4.add(nd, md);
      const sum = sums + (t << 4);
      v128.store(sum, i32x4.add(v128.load(sum), i32x4.add(i32x4.add(ma, mb), i32x4.add(mc, md))));
      // Open: not above the slack, but above minus the slack.
      const oa = v128.andnot(i32x4.gt_s(i32x4.add(a, ea), zero), ma);
      const ob = v128.andnot(i32x4.gt_s(i32x4.add(b, eb), zero), mb);
      const oc = v128.andnot(i32x4.gt_s(i32x4.add(c, ec), zero), mc);
      const od = v128.andnot(i32x4.gt_s(i32x4.add(d, ed), zero), md);
      if (v128.any_true(v128.or(v128.or(oa, ob), v128.or(oc, od)))) {
        const open = i32x4.bitmask(oa) | (i32x4.bitmask(ob) << 4) | (i32x4.bitmask(oc) << 8) | (i32x4.bitmask(od) << 12);
        resolve(plan, scratch, first + <u64>t, <u32>open, roundedBlock, sum, counts);
      }
    }
    addCounts(counts, na);
    addCounts(counts + 32, nb);
    addCounts(counts + 64, nc);
    addCounts(counts + 96, nd);
  } else {
    for (let lane: usize = 0; lane < 16; lane++) {
      const slack = load<i32>(slacks + (lane << 2));
      let a = load<i32>(start + (lane << 2));
      let n: i32 = 0;
      let from = startRows;
      let rows = startCount;
      let next = offsets + (rowsPerStep << 2);
      for (let t: usize = 0; t < steps; t++) {
        for (let r: usize = 0; r < rows; r++) a += load<i32>(deltas + (lane << 2) + <usize>load<u32>(from + (r << 2)));
        from = next;
        next += rowsPerStep << 2;
        rows = rowsPerStep;
        const sum = sums + (t << 4);
        if (a > slack) {
          n++;
          store<i32>(sum, load<i32>(sum) - 1);
        } else if (a + slack > 0) {
          resolve(plan, scratch, first + <u64>t, <u32>1 << <u32>lane, roundedBlock, sum, counts);
        }
      }
      const to = counts + (lane << 3);
      store<u64>(to, load<u64>(to) + <u64>n);
    }
  }
}

// Evaluates the open units of a block from their full integers, and counts the active ones.
function resolve(plan: usize, scratch: usize, index: u64, open: u32, roundedBlock: usize, sum: usize, counts: usize): void {
  const point = index ^ (index >> 1);
  const featureCount = <usize>load<u32>(plan, 8);
  const features = <usize>load<u32>(plan, 32);
  const limbs = <usize>load<u32>(plan, 40) + roundedBlock * 128;
  store<u64>(scratch, load<u64>(scratch, 16) + <u64>popcnt<u32>(open), 16);
  while (open != 0) {
    const lane = <usize>ctz<u32>(open);
    open &= open - 1;
    let at = <usize>load<u32>(limbs + (lane << 3));
    const limbCount = load<u32>(limbs + (lane << 3), 4);
    let carry: i64 = 0;
    let lower: i64 = 0; // not 0 when a lower limb is not 0
    let top: i64 = 0;
    for (let l: u32 = 0; l < limbCount; l++) {
      let total = load<i64>(at) + carry;
      at += 8;
      for (let f: usize = 0; f < featureCount; f++) {
        total -= load<i64>(at) & -(<i64>isNegative(point, load<u32>(features + (f << 2))));
        at += 8;
      }
      if (l + 1 == limbCount) {
        top = total;
      } else {
        carry = total >> LIMB_BITS;
        lower |= total & (((<i64>1) << LIMB_BITS) - 1);
      }
    }
    if (top > 0 || (top == 0 && lower != 0)) {
      store<i32>(sum, load<i32>(sum) - 1);
      const to = counts + (lane << 3);
      store<u64>(to, load<u64>(to) + 1);
    }
  }
}

// Counts per point go to the histogram; the first point with the most active units is kept.
function tally(scratch: usize, histogram: usize, first: u64, steps: usize, sums: usize): void {
  let best = load<u32>(scratch, 8);
  for (let t: usize = 0; t < steps; t++) {
    const at = sums + (t << 4);
    const active = <u32>-(load<i32>(at) + load<i32>(at, 4) + (load<i32>(at, 8) + load<i32>(at, 12)));
    const cell = histogram + (<usize>active << 3);
    store<u64>(cell, load<u64>(cell) + 1);
    if (active + 1 > best) {
      best = active + 1;
      store<u32>(scratch, best, 8);
      store<u64>(scratch, first + <u64>t);
    }
  }
}

// Batch evaluation of a network h(x) = sum_j u_j relu(<w_j, x> - b_j) on points
// of the cube, without multiplying by x: for every eight coordinates (one byte
// of a point) and sixteen units, a table holds the 256 signed sums of the
// weights, so that a preactivation is -b plus one table row per byte. The tables
// of a block of sixteen units (32 KB a byte) stay in the second-level cache while
// a chunk of rows goes by, and are then made again for the next block: making
// them costs as much as about 256 rows.
//
// The order of summation is fixed, and `referenceNetwork` (src/networks/network.ts) has
// the same: within a byte from its lowest coordinate up, then -b plus byte after
// byte, the products of a block as a tree over its pairs of units, the blocks in
// order. So SIMD, scalar and reference agree bit for bit.
//
// The host lays out one struct of u32 words, `plan`:
//   0 planes (as in PackedPoints, `rowCount` bytes apart)  1 byteCount (planes)
//   2 rowCount  3 chunkRows  4 blockCount
//   5 weights, f64 [block][8 byteCount coordinates][16 units], zero where padded
//   6 negated biases, f64 [block][16]   7 output weights, f64 [block][16]
//   8 values, f64 [row], zero at the start, or 0 for none
//   9 active units of each row, u32 [row], zero at the start, or 0 for none
//  10 active rows of each unit, i64 [chunk][block][16], zero at the start, if 9 is there
// scratch (per thread): 128 bytes | u32 byteCount list of used bytes, padded to 64
//   | 16 f64 a row of a chunk, if byteCount > PASS | PASS tables of 32 KB.

// Tables of so many bytes are used in one pass over the rows: 512 KB.
const PASS: usize = 16;
const ROW: usize = 128; // bytes of one f64 for each of 16 units
const TABLE: usize = 256 * 128;

// One chunk of rows, blocks [block0, block1) of units. The blocks of a chunk must be done in order.
export function networkItem(plan: usize, chunk: usize, scratch: usize, block0: usize, block1: usize): void {
  const planes = <usize>load<u32>(plan);
  const byteCount = <usize>load<u32>(plan, 4);
  const rowCount = <usize>load<u32>(plan, 8);
  const chunkRows = <usize>load<u32>(plan, 12);
  const blockCount = <usize>load<u32>(plan, 16);
  const weights = <usize>load<u32>(plan, 20);
  const biases = <usize>load<u32>(plan, 24);
  const outputs = <usize>load<u32>(plan, 28);
  const values = <usize>load<u32>(plan, 32);
  const rowCounts = <usize>load<u32>(plan, 36);
  const unitCounts = <usize>load<u32>(plan, 40);

  const row0 = chunk * chunkRows;
  const count = min(chunkRows, rowCount - row0);
  const used = scratch + ROW;
  const partial = used + ((byteCount * 4 + 63) & ~63);
  const tables = byteCount > PASS ? partial + chunkRows * ROW : partial;
  for (let block = block0; block < block1; block++) {
    const own = weights + block * byteCount * 8 * ROW;
    const bias = biases + block * ROW;
    const usedCount = usedBytes(own, byteCount, used);
    let first: usize = 0;
    do {
      const passCount = min(PASS, usedCount - first);
      for (let k: usize = 0; k < passCount; k++) {
        fillTable(own + <usize>load<u32>(used + ((first + k) << 2)) * 8 * ROW, tables + k * TABLE);
      }
      const isLast = first + passCount >= usedCount;
      const list = used + (first << 2);
      const countsAt = rowCounts == 0 ? 0 : rowCounts + (row0 << 2);
      const unitsAt = rowCounts == 0 ? 0 : unitCounts + (chunk * blockCount + block) * ROW;
      const valuesAt = values == 0 ? 0 : values + (row0 << 3);
      if (ASC_FEATURE_SIMD) {
        rowsSimd(planes + row0, rowCount, count, list, passCount, tables, bias, first == 0, isLast, partial, outputs + block * ROW, valuesAt, countsAt, unitsAt);
      } else {
        rowsScalar(planes + row0, rowCount, count, list, passCount, tables, bias, first == 0, isLast, partial, outputs + block * ROW, valuesAt, countsAt, unitsAt, scratch);
      }
      first += PASS;
    } while (first < usedCount);
  }
}

// The bytes of coordinates for which some unit of the block has a weight: the others add zeros.
function usedBytes(weights: usize, byteCount: usize, list: usize): usize {
  let usedCount: usize = 0;
  for (let b: usize = 0; b < byteCount; b++) {
    let isUsed = false;
    const end = weights + (b + 1) * 8 * ROW;
    for (let at = weights + b * 8 * ROW; at < end; at += 8) {
      if (load<f64>(at) != 0) {
        isUsed = true;
        break;
      }
    }
    if (isUsed) store<u32>(list + (usedCount++ << 2), <u32>b);
  }
  return usedCount;
}

// table[code][unit] = sum over the eight coordinates, in order, of +w (bit 0) or -w (bit 1).
function fillTable(weights: usize, table: usize): void {
  memory.fill(table, 0, ROW);
  let half: usize = ROW;
  for (let j: usize = 0; j < 8; j++) {
    const row = weights + j * ROW;
    for (let at: usize = 0; at < half; at += ROW) {
      for (let k: usize = 0; k < ROW; k += 16) {
        const cell = table + at + k;
        if (ASC_FEATURE_SIMD) {
          const w = v128.load(row + k);
          const sum = v128.load(cell);
          v128.store(cell + half, f64x2.sub(sum, w));
          v128.store(cell, f64x2.add(sum, w));
        } else {
          const w0 = load<f64>(row + k);
          const w1 = load<f64>(row + k, 8);
          const s0 = load<f64>(cell);
          const s1 = load<f64>(cell, 8);
          store<f64>(cell + half, s0 - w0);
          store<f64>(cell + half, s1 - w1, 8);
          store<f64>(cell, s0 + w0);
          store<f64>(cell, s1 + w1, 8);
        }
      }
    }
    half <<= 1;
  }
}

function rowsSimd(planes: usize, stride: usize, count: usize, list: usize, passCount: usize, tables: usize, bias: usize, isFirst: bool, isLast: bool, partial: usize, outputs: usize, values: usize, rowCounts: usize, unitCounts: usize): void {
  const zero = f64x2(0, 0);
  for (let i: usize = 0; i < count; i++) {
    const from = isFirst ? bias : partial + i * ROW;
    let a = v128.load(from);
    let b = v128.load(from, 16);
    let c = v128.load(from, 32);
    let d = v128.load(from, 48);
    let e = v128.load(from, 64);
    let f = v128.load(from, 80);
    let g = v128.load(from, 96);
    let h = v128.load(from, 112);
    let table = tables;
    for (let k: usize = 0; k < passCount; k++) {
      const code = <usize>load<u8>(planes + <usize>load<u32>(list + (k << 2)) * stride + i);
      const at = table + (code << 7);
      a = f64x2.add(a, v128.load(at));
      b = f64x2.add(b, v128.load(at, 16));
      c = f64x2.add(c, v128.load(at, 32));
      d = f64x2.add(d, v128.load(at, 48));
      e = f64x2.add(e, v128.load(at, 64));
      f = f64x2.add(f, v128.load(at, 80));
      g = f64x2.add(g, v128.load(at, 96));
      h = f64x2.add(h, v128.load(at, 112));
      table += TABLE;
    }
    if (!isLast) {
      const to = partial + i * ROW;
      v128.store(to, a);
      v128.store(to, b, 16);
      v128.store(to, c, 32);
      v128.store(to, d, 48);
      v128.store(to, e, 64);
      v128.store(to, f, 80);
      v128.store(to, g, 96);
      v128.store(to, h, 112);
      continue;
    }
    if (rowCounts != 0) {
      const ma = f64x2.gt(a, zero);
      const mb = f64x2.gt(b, zero);
      const mc = f64x2.gt(c, zero);
      const md = f64x2.gt(d, zero);
      const me = f64x2.gt(e, zero);
      const mf = f64x2.gt(f, zero);
      const mg = f64x2.gt(g, zero);
      const mh = f64x2.gt(h, zero);
      // A mask is -1 where a unit is active.
      v128.store(unitCounts, i64x2.sub(v128.load(unitCounts), ma));
      v128.store(unitCounts, i64x2.sub(v128.load(unitCounts, 16), mb), 16);
      v128.store(unitCounts, i64x2.sub(v128.load(unitCounts, 32), mc), 32);
      v128.store(unitCounts, i64x2.sub(v128.load(unitCounts, 48), md), 48);
      v128.store(unitCounts, i64x2.sub(v128.load(unitCounts, 64), me), 64);
      v128.store(unitCounts, i64x2.sub(v128.load(unitCounts, 80), mf), 80);
      v128.store(unitCounts, i64x2.sub(v128.load(unitCounts, 96), mg), 96);
      v128.store(unitCounts, i64x2.sub(v128.load(unitCounts, 112), mh), 112);
      const sum = i64x2.add(i64x2.add(i64x2.add(ma, mb), i64x2.add(mc, md)), i64x2.add(i64x2.add(me, mf), i64x2.add(mg, mh)));
      const cell = rowCounts + (i << 2);
      store<u32>(cell, load<u32>(cell) - <u32>(i64x2.extract_lane(sum, 0) + i64x2.extract_lane(sum, 1)));
    }
    if (values != 0) {
      // pmax(z, 0) is 0 where z < 0, else z: one instruction, unlike max.
      a = f64x2.mul(f64x2.pmax(a, zero), v128.load(outputs));
      b = f64x2.mul(f64x2.pmax(b, zero), v128.load(outputs, 16));
      c = f64x2.mul(f64x2.pmax(c, zero), v128.load(outputs, 32));
      d = f64x2.mul(f64x2.pmax(d, zero), v128.load(outputs, 48));
      e = f64x2.mul(f64x2.pmax(e, zero), v128.load(outputs, 64));
      f = f64x2.mul(f64x2.pmax(f, zero), v128.load(outputs, 80));
      g = f64x2.mul(f64x2.pmax(g, zero), v128.load(outputs, 96));
      h = f64x2.mul(f64x2.pmax(h, zero), v128.load(outputs, 112));
      const sum = f64x2.add(f64x2.add(f64x2.add(a, b), f64x2.add(c, d)), f64x2.add(f64x2.add(e, f), f64x2.add(g, h)));
      const cell = values + (i << 3);
      store<f64>(cell, load<f64>(cell) + (f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)));
    }
  }
}

// The same a pair of units at a time; `products` has room for the 16 of a row.
function rowsScalar(planes: usize, stride: usize, count: usize, list: usize, passCount: usize, tables: usize, bias: usize, isFirst: bool, isLast: bool, partial: usize, outputs: usize, values: usize, rowCounts: usize, unitCounts: usize, products: usize): void {
  for (let i: usize = 0; i < count; i++) {
    const from = isFirst ? bias : partial + i * ROW;
    let active: u32 = 0;
    for (let pair: usize = 0; pair < ROW; pair += 16) {
      let a = load<f64>(from + pair);
      let b = load<f64>(from + pair, 8);
      let table = tables + pair;
      for (let k: usize = 0; k < passCount; k++) {
        const code = <usize>load<u8>(planes + <usize>load<u32>(list + (k << 2)) * stride + i);
        const at = table + (code << 7);
        a += load<f64>(at);
        b += load<f64>(at, 8);
        table += TABLE;
      }
      if (!isLast) {
        store<f64>(partial + i * ROW + pair, a);
        store<f64>(partial + i * ROW + pair, b, 8);
        continue;
      }
      if (rowCounts != 0) {
        const cell = unitCounts + pair;
        store<i64>(cell, load<i64>(cell) + <i64>(a > 0));
        store<i64>(cell, load<i64>(cell, 8) + <i64>(b > 0), 8);
        active += <u32>(a > 0) + <u32>(b > 0);
      }
      store<f64>(products + pair, (a < 0 ? 0 : a) * load<f64>(outputs + pair));
      store<f64>(products + pair, (b < 0 ? 0 : b) * load<f64>(outputs + pair, 8), 8);
    }
    if (!isLast) continue;
    if (rowCounts != 0) {
      const cell = rowCounts + (i << 2);
      store<u32>(cell, load<u32>(cell) + active);
    }
    if (values != 0) {
      const cell = values + (i << 3);
      store<f64>(cell, load<f64>(cell) + (lane(products) + lane(products + 8)));
    }
  }
}

function lane(p: usize): f64 {
  return (
    load<f64>(p) + load<f64>(p, 16) + (load<f64>(p, 32) + load<f64>(p, 48)) +
    (load<f64>(p, 64) + load<f64>(p, 80) + (load<f64>(p, 96) + load<f64>(p, 112)))
  );
}

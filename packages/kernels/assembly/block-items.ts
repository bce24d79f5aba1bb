// The block Walsh-Hadamard operators, cut into items that threads can take in
// any order. n coordinates stand in B blocks of g; every monomial of degree <= d
// belongs to the tuple of blocks it touches. An item is a tuple of fewer than d
// blocks with the monomials that touch exactly those blocks; an item of d-1
// blocks (a "prefix") also has, for every later block, the monomials with one
// coordinate in each of the d blocks.
//
// The host lays out two structs of u32 words:
//   plan: 0 degree  1 g  2 rowCount  3 rowStride (bytes between blocks in `codes`)
//         4 codes  5 rowValues (f64)  6 coefficients (f64)  7 levels  8 blockCount
//         9 groupSize (last blocks per pass: 1, 2, 4 or 8)
//   An adjoint in f32 has its row values, coefficients and scratch in f32, and g of at least 2.
//   levels: two words per tuple size k = 0 .. d-1: address and count of the u32
//         cells of the 2^(gk) transform that are monomials touching all k blocks
//   item: 0 tuple size k  1 coefficients of its own level, first index
//         2 coefficients with a later block, first index  3 .. 3+k-1 the blocks, ascending
//
// scratch (per thread), all 16-aligned: prefix codes CHUNK u16 | level table
// 2^(g(d-1)) f64 (at least 2) | groupSize * 2^(g d) f64 | groupSize * g * 2^(g(d-1)) f64.
import { addToRows, expandLast, expandLeading, foldLast, foldLeading, sumRows } from "./block-fold";
import { gather1, gather2, gather4, gather8, gatherPrefix, scatter1, scatter2, scatter4, scatter8, scatterPrefix } from "./block-scatter";
import { transform } from "./walsh";

// Rows whose prefix codes are made at a time: they stay in the first-level cache.
const CHUNK: usize = 2048;

// Cuts blocks out of byte planes: out[i] = bits [shift, shift + g) of the 16-bit word (high[i] << 8 | low[i]).
export function cutBlock(low: usize, high: usize, out: usize, shift: u32, g: u32, rowCount: usize): void {
  const mask: u32 = (1 << g) - 1;
  for (let i: usize = 0; i < rowCount; i++) {
    const word = <u32>load<u8>(low + i) | (<u32>load<u8>(high + i) << 8);
    store<u8>(out + i, <u8>((word >> shift) & mask));
  }
}

export function adjointItem(plan: usize, item: usize, scratch: usize): void {
  adjoint<f64>(plan, item, scratch);
}

export function adjointItemF32(plan: usize, item: usize, scratch: usize): void {
  adjoint<f32>(plan, item, scratch);
}

// coefficients of one item = sums over all rows of rowValues * monomial, both f32 or both f64.
function adjoint<T extends number>(plan: usize, item: usize, scratch: usize): void {
  const degree = load<u32>(plan);
  const g = load<u32>(plan, 4);
  const rowCount = <usize>load<u32>(plan, 8);
  const rowStride = <usize>load<u32>(plan, 12);
  const codes = <usize>load<u32>(plan, 16);
  const rowValues = <usize>load<u32>(plan, 20);
  const coefficients = <usize>load<u32>(plan, 24);
  const levels = <usize>load<u32>(plan, 28);
  const blockCount = load<u32>(plan, 32);
  const groupLimit = <usize>load<u32>(plan, 36);
  const size = load<u32>(item);
  const logCells = g * size;
  const cells: usize = <usize>1 << logCells;

  const prefix = scratch;
  const table = prefix + (CHUNK << 1);
  const histogram = table + (max<usize>(2, <usize>1 << (g * (degree - 1))) << alignof<T>());
  const first = lastBlockStart(item, size, degree, blockCount);

  if (first >= blockCount) {
    memory.fill(table, 0, cells << alignof<T>());
    for (let row: usize = 0; row < rowCount; row += CHUNK) {
      const count = min(CHUNK, rowCount - row);
      prefixCodes(item, size, g, codes, rowStride, row, count, prefix);
      scatterPrefix<T>(prefix, rowValues + (row << alignof<T>()), table, count);
    }
  } else {
    const stride: usize = sizeof<T>() << (<usize>g);
    let out = coefficients + (<usize>load<u32>(item, 8) << alignof<T>());
    let block = first;
    while (block < blockCount) {
      const k = groupSize(blockCount - block, groupLimit);
      memory.fill(histogram, 0, cells * k * stride);
      for (let row: usize = 0; row < rowCount; row += CHUNK) {
        const count = min(CHUNK, rowCount - row);
        prefixCodes(item, size, g, codes, rowStride, row, count, prefix);
        const last = codes + <usize>block * rowStride + row;
        const values = rowValues + (row << alignof<T>());
        if (k == 8) scatter8<T>(prefix, last, rowStride, values, histogram, stride, count);
        else if (k == 4) scatter4<T>(prefix, last, rowStride, values, histogram, stride, count);
        else if (k == 2) scatter2<T>(prefix, last, rowStride, values, histogram, stride, count);
        else scatter1<T>(prefix, last, values, histogram, stride, count);
      }
      if (block == first) sumRows<T>(histogram, k * stride, g, cells, table);
      foldAll<T>(histogram, histogram + (groupLimit * stride << logCells), out, g, size, k);
      out += (power(g, size) * k * <usize>g) << alignof<T>();
      block += <u32>k;
    }
  }
  // What touches only the prefix blocks comes from the sums over the last block.
  transform<T>(table, logCells);
  const level = levels + (<usize>size << 3);
  const picks = <usize>load<u32>(level);
  const pickCount = <usize>load<u32>(level, 4);
  const own = coefficients + (<usize>load<u32>(item, 4) << alignof<T>());
  for (let i: usize = 0; i < pickCount; i++) {
    store<T>(own + (i << alignof<T>()), load<T>(table + (<usize>load<u32>(picks + (i << 2)) << alignof<T>())));
  }
}

// sums[row0 .. row1) += sum over the item's monomials of coefficient * monomial.
export function forwardItem(plan: usize, item: usize, scratch: usize, sums: usize, row0: usize, row1: usize): void {
  const degree = load<u32>(plan);
  const g = load<u32>(plan, 4);
  const rowStride = <usize>load<u32>(plan, 12);
  const codes = <usize>load<u32>(plan, 16);
  const coefficients = <usize>load<u32>(plan, 24);
  const levels = <usize>load<u32>(plan, 28);
  const blockCount = load<u32>(plan, 32);
  const groupLimit = <usize>load<u32>(plan, 36);
  const size = load<u32>(item);
  const logCells = g * size;
  const cells: usize = <usize>1 << logCells;

  const prefix = scratch;
  const table = prefix + (CHUNK << 1);
  const histogram = table + (max<usize>(2, <usize>1 << (g * (degree - 1))) << 3);
  const first = lastBlockStart(item, size, degree, blockCount);

  const level = levels + (<usize>size << 3);
  const picks = <usize>load<u32>(level);
  const pickCount = <usize>load<u32>(level, 4);
  const own = coefficients + (<usize>load<u32>(item, 4) << 3);
  memory.fill(table, 0, cells << 3);
  for (let i: usize = 0; i < pickCount; i++) {
    store<f64>(table + (<usize>load<u32>(picks + (i << 2)) << 3), load<f64>(own + (i << 3)));
  }
  transform<f64>(table, logCells);

  if (first >= blockCount) {
    for (let row = row0; row < row1; row += CHUNK) {
      const count = min(CHUNK, row1 - row);
      prefixCodes(item, size, g, codes, rowStride, row, count, prefix);
      gatherPrefix(prefix, sums + (row << 3), table, count);
    }
    return;
  }
  const stride: usize = <usize>8 << (<usize>g);
  let from = coefficients + (<usize>load<u32>(item, 8) << 3);
  let block = first;
  while (block < blockCount) {
    const k = groupSize(blockCount - block, groupLimit);
    expandAll(from, histogram, histogram + (groupLimit * stride << logCells), g, size, k);
    if (block == first) addToRows(table, k * stride, g, cells, histogram);
    for (let row = row0; row < row1; row += CHUNK) {
      const count = min(CHUNK, row1 - row);
      prefixCodes(item, size, g, codes, rowStride, row, count, prefix);
      const last = codes + <usize>block * rowStride + row;
      const values = sums + (row << 3);
      if (k == 8) gather8(prefix, last, rowStride, values, histogram, stride, count);
      else if (k == 4) gather4(prefix, last, rowStride, values, histogram, stride, count);
      else if (k == 2) gather2(prefix, last, rowStride, values, histogram, stride, count);
      else gather1(prefix, last, values, histogram, stride, count);
    }
    from += (power(g, size) * k * <usize>g) << 3;
    block += <u32>k;
  }
}

// The first later block of a prefix; blockCount for tuples that have none.
function lastBlockStart(item: usize, size: u32, degree: u32, blockCount: u32): u32 {
  if (size + 1 < degree) return blockCount;
  if (size == 0) return 0;
  return load<u32>(item + (<usize>(size - 1) << 2), 12) + 1;
}

function groupSize(blocks: u32, limit: usize): usize {
  const most = min<usize>(blocks, limit);
  return most >= 8 ? 8 : most >= 4 ? 4 : most >= 2 ? 2 : 1;
}

function power(base: u32, exponent: u32): usize {
  let result: usize = 1;
  for (let i: u32 = 0; i < exponent; i++) result *= <usize>base;
  return result;
}

// [2^g]^size [k][2^g] -> [g]^size [k][g], through the two buffers in turn.
function foldAll<T extends number>(histogram: usize, spare: usize, out: usize, g: u32, size: u32, k: usize): void {
  let source = histogram;
  let target = spare;
  let outer: usize = 1;
  let inner: usize = k << (<usize>(g * size));
  for (let axis: u32 = 0; axis < size; axis++) {
    // `inner` cells follow each of the 2^g cells of this axis.
    for (let o: usize = 0; o < outer; o++) {
      foldLeading<T>(source + ((o * inner) << (alignof<T>() + <usize>g)), target + ((o * <usize>g * inner) << alignof<T>()), g, inner);
    }
    outer *= <usize>g;
    inner >>= <usize>g;
    const swap = source;
    source = target;
    target = swap;
  }
  foldLast<T>(source, out, g, outer * k);
}

// [g]^size [k][g] -> [2^g]^size [k][2^g] in `histogram`.
function expandAll(from: usize, histogram: usize, spare: usize, g: u32, size: u32, k: usize): void {
  // The buffers alternate so that the last axis written lands in `histogram`.
  let target = size & 1 ? spare : histogram;
  let outer = power(g, size);
  expandLast(from, target, g, outer * k);
  let inner: usize = k << (<usize>g);
  for (let axis: u32 = 0; axis < size; axis++) {
    const source = target;
    target = source == spare ? histogram : spare;
    outer /= <usize>g;
    for (let o: usize = 0; o < outer; o++) {
      expandLeading(source + ((o * <usize>g * inner) << 3), target + ((o * inner) << (3 + <usize>g)), g, inner);
    }
    inner <<= <usize>g;
  }
}

// prefix[i] = codes of the item's blocks in one u16, the first block highest.
function prefixCodes(item: usize, size: u32, g: u32, codes: usize, rowStride: usize, row: usize, count: usize, prefix: usize): void {
  if (size == 0) {
    memory.fill(prefix, 0, count << 1);
    return;
  }
  for (let t: u32 = 0; t < size; t++) {
    const from = codes + <usize>load<u32>(item + (<usize>t << 2), 12) * rowStride + row;
    let i: usize = 0;
    if (ASC_FEATURE_SIMD) {
      // Whole vectors; `codes` and `prefix` are padded for the last one.
      for (; i < count; i += 8) {
        const code = v128.load_ext<u8>(from + i);
        const at = prefix + (i << 1);
        v128.store(at, t == 0 ? code : v128.or(i16x8.shl(v128.load(at), g), code));
      }
    } else {
      for (; i < count; i++) {
        const at = prefix + (i << 1);
        const code = <u32>load<u8>(from + i);
        store<u16>(at, <u16>(t == 0 ? code : (<u32>load<u16>(at) << g) | code));
      }
    }
  }
}

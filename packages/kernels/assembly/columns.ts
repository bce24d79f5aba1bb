// Chosen parities at all rows as bit columns (a set bit is -1), and what an active-set solver asks of them: inner
// products with one column, inner products with row values, and their linear combination.
//
// Eight columns make a panel, [word][8 columns] of u64, so that the same 64 rows of eight columns are one cache line:
// every loop below reads whole lines, and a thousand columns are 125 streams rather than a thousand.
//
// Sums of row values do not multiply by signs: eight values have 256 signed sums, so a table of them per eight rows
// (or, in the other direction, per eight columns) turns eight additions into one. Every order of summation is fixed:
// within a table from the first value up, the tables side by side as a tree, words (or fours of panels) in order.
import { expandLast } from "./block-fold";

const LINE: usize = 64; // bytes of one word of a panel; also rows of a word
const TABLE: usize = 256 << 3;
const PANELS: usize = 4; // panels that `columnCombination` takes at a time; the host keeps their number a multiple
const CHUNK_WORDS: usize = 256; // rows of a combination that stay in the second-level cache: 128 KB

// plane: a byte per row, bit j of which is coordinate j -> the panel of these eight coordinates.
export function columnsOfPlane(plane: usize, panel: usize, wordCount: usize): void {
  if (ASC_FEATURE_SIMD) {
    for (let i: usize = 0; i < wordCount << 2; i++) {
      let rows = v128.load(plane + (i << 4));
      const to = panel + (i >> 2) * LINE + ((i & 3) << 1);
      // The highest bit of every byte, coordinate after coordinate.
      for (let j: i32 = 56; j >= 0; j -= 8) {
        store<u16>(to + j, <u16>i8x16.bitmask(rows));
        rows = i8x16.add(rows, rows);
      }
    }
  } else {
    for (let i: usize = 0; i < wordCount << 3; i++) {
      const bits = transpose8(load<u64>(plane + (i << 3)));
      const to = panel + (i >> 3) * LINE + (i & 7);
      for (let j: usize = 0; j < 8; j++) store<u8>(to + (j << 3), <u8>(bits >> (<u64>j << 3)));
    }
  }
}

// One column of a panel = exclusive or of columns; `list` has their addresses.
export function columnXor(list: usize, listCount: usize, column: usize, wordCount: usize): void {
  for (let w: usize = 0; w < wordCount; w++) {
    let bits: u64 = 0;
    for (let k: usize = 0; k < listCount; k++) bits ^= load<u64>(<usize>load<u32>(list + (k << 2)) + w * LINE);
    store<u64>(column + w * LINE, bits);
  }
}

// out = bits ^ column, `bits` and `out` being consecutive words.
export function columnXorWords(bits: usize, column: usize, out: usize, wordCount: usize): void {
  for (let w: usize = 0; w < wordCount; w++) {
    store<u64>(out + (w << 3), load<u64>(bits + (w << 3)) ^ load<u64>(column + w * LINE));
  }
}

// Copies a column between places in panels.
export function columnCopy(from: usize, to: usize, wordCount: usize): void {
  for (let w: usize = 0; w < wordCount; w++) store<u64>(to + w * LINE, load<u64>(from + w * LINE));
}

// counts[b] = rows under the mask where column b differs from `column`, u32, for all columns of the panels, which are
// `panelBytes` apart; the words of `column` are `step` bytes apart.
export function columnDifferences(column: usize, step: usize, mask: usize, panels: usize, panelBytes: usize, panelCount: usize, wordCount: usize, counts: usize): void {
  for (let p: usize = 0; p < panelCount; p++) {
    const panel = panels + p * panelBytes;
    const to = counts + (p << 5);
    if (ASC_FEATURE_SIMD) panelDifferencesSimd(column, step, mask, panel, wordCount, to);
    else for (let j: usize = 0; j < 8; j++) store<u32>(to + (j << 2), differences(column, step, mask, panel + (j << 3), wordCount));
  }
}

function differences(column: usize, step: usize, mask: usize, other: usize, wordCount: usize): u32 {
  let count: u64 = 0;
  for (let w: usize = 0; w < wordCount; w++) {
    count += popcnt<u64>((load<u64>(other + w * LINE) ^ load<u64>(column + w * step)) & load<u64>(mask + (w << 3)));
  }
  return <u32>count;
}

// Counts stay in bytes for 31 words, which is as far as they cannot overflow. Measured: twice as fast as the scalar loop.
function panelDifferencesSimd(column: usize, step: usize, mask: usize, panel: usize, wordCount: usize, counts: usize): void {
  const zero = i64x2.splat(0);
  let total0 = zero;
  let total1 = zero;
  let total2 = zero;
  let total3 = zero;
  for (let word0: usize = 0; word0 < wordCount; word0 += 31) {
    const word1 = min(wordCount, word0 + 31);
    let sum0 = zero;
    let sum1 = zero;
    let sum2 = zero;
    let sum3 = zero;
    for (let w = word0; w < word1; w++) {
      const a = v128.load64_splat(column + w * step);
      const m = v128.load64_splat(mask + (w << 3));
      const line = panel + w * LINE;
      sum0 = i8x16.add(sum0, i8x16.popcnt(v128.and(v128.xor(v128.load(line), a), m)));
      sum1 = i8x16.add(sum1, i8x16.popcnt(v128.and(v128.xor(v128.load(line, 16), a), m)));
      sum2 = i8x16.add(sum2, i8x16.popcnt(v128.and(v128.xor(v128.load(line, 32), a), m)));
      sum3 = i8x16.add(sum3, i8x16.popcnt(v128.and(v128.xor(v128.load(line, 48), a), m)));
    }
    total0 = i32x4.add(total0, quarterSums(sum0));
    total1 = i32x4.add(total1, quarterSums(sum1));
    total2 = i32x4.add(total2, quarterSums(sum2));
    total3 = i32x4.add(total3, quarterSums(sum3));
  }
  storePairSums(counts, total0);
  storePairSums(counts + 8, total1);
  storePairSums(counts + 16, total2);
  storePairSums(counts + 24, total3);
}

// Four sums of four bytes each.
function quarterSums(bytes: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(bytes));
}

// The two columns of a vector.
function storePairSums(to: usize, sums: v128): void {
  store<i32>(to, i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1));
  store<i32>(to, i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3), 4);
}

// out[i] = values[i] where the column is +1, -values[i] where it is -1.
export function columnSigned(column: usize, values: usize, out: usize, wordCount: usize): void {
  for (let w: usize = 0; w < wordCount; w++) {
    const bits = load<u64>(column + w * LINE);
    for (let i: usize = 0; i < 64; i++) {
      const at = (w * 64 + i) << 3;
      store<u64>(out + at, load<u64>(values + at) ^ (((bits >> <u64>i) & 1) << 63));
    }
  }
}

// sums[b] = sum of values[i] * column b at i, for all columns of the panels. tables: 8 TABLE.
export function columnCorrelations(values: usize, panels: usize, panelCount: usize, wordCount: usize, sums: usize, tables: usize): void {
  const panelBytes = wordCount * LINE;
  memory.fill(sums, 0, panelCount << 6);
  for (let w: usize = 0; w < wordCount; w++) {
    expandLast(values + (w << 9), tables, 8, 8);
    const lines = panels + w * LINE;
    for (let p: usize = 0; p < panelCount; p++) {
      const line = lines + p * panelBytes;
      const to = sums + (p << 6);
      for (let j: usize = 0; j < 64; j += 8) {
        const at = line + j;
        const a = load<f64>(tables + (<usize>load<u8>(at) << 3));
        const b = load<f64>(tables + (<usize>load<u8>(at, 1) << 3), TABLE);
        const c = load<f64>(tables + (<usize>load<u8>(at, 2) << 3), 2 * TABLE);
        const d = load<f64>(tables + (<usize>load<u8>(at, 3) << 3), 3 * TABLE);
        const e = load<f64>(tables + (<usize>load<u8>(at, 4) << 3), 4 * TABLE);
        const f = load<f64>(tables + (<usize>load<u8>(at, 5) << 3), 5 * TABLE);
        const g = load<f64>(tables + (<usize>load<u8>(at, 6) << 3), 6 * TABLE);
        const h = load<f64>(tables + (<usize>load<u8>(at, 7) << 3), 7 * TABLE);
        store<f64>(to + j, load<f64>(to + j) + (((a + b) + (c + d)) + ((e + f) + (g + h))));
      }
    }
  }
}

// out[i] += sum of coefficients[b] * column b at i, over the columns of the panels. tables: PANELS TABLE + PANELS LINE.
export function columnCombination(coefficients: usize, panels: usize, panelCount: usize, wordCount: usize, out: usize, tables: usize): void {
  const panelBytes = wordCount * LINE;
  const codes = tables + PANELS * TABLE;
  for (let word0: usize = 0; word0 < wordCount; word0 += CHUNK_WORDS) {
    const word1 = min(wordCount, word0 + CHUNK_WORDS);
    for (let p: usize = 0; p < panelCount; p += PANELS) {
      expandLast(coefficients + (p << 6), tables, 8, PANELS);
      for (let w = word0; w < word1; w++) {
        const line = panels + p * panelBytes + w * LINE;
        for (let q: usize = 0; q < PANELS; q++) rowCodes(line + q * panelBytes, codes + q * LINE);
        const rows = out + (w << 9);
        for (let i: usize = 0; i < 64; i++) {
          const at = codes + i;
          const a = load<f64>(tables + (<usize>load<u8>(at) << 3));
          const b = load<f64>(tables + (<usize>load<u8>(at, LINE) << 3), TABLE);
          const c = load<f64>(tables + (<usize>load<u8>(at, 2 * LINE) << 3), 2 * TABLE);
          const d = load<f64>(tables + (<usize>load<u8>(at, 3 * LINE) << 3), 3 * TABLE);
          const to = rows + (i << 3);
          store<f64>(to, load<f64>(to) + ((a + b) + (c + d)));
        }
      }
    }
  }
}

// Bit j of out[i] = bit i of column j, for the 64 rows and eight columns of a line.
function rowCodes(line: usize, out: usize): void {
  for (let k: usize = 0; k < 8; k++) {
    const at = line + k;
    const bytes =
      <u64>load<u8>(at) |
      (<u64>load<u8>(at, 8) << 8) |
      (<u64>load<u8>(at, 16) << 16) |
      (<u64>load<u8>(at, 24) << 24) |
      (<u64>load<u8>(at, 32) << 32) |
      (<u64>load<u8>(at, 40) << 40) |
      (<u64>load<u8>(at, 48) << 48) |
      (<u64>load<u8>(at, 56) << 56);
    store<u64>(out + (k << 3), transpose8(bytes));
  }
}

// Transposes an 8 by 8 matrix of bits: bit 8i + j moves to 8j + i.
function transpose8(bits: u64): u64 {
  let swap = (bits ^ (bits >> 7)) & 0x00aa00aa00aa00aa;
  bits ^= swap ^ (swap << 7);
  swap = (bits ^ (bits >> 14)) & 0x0000cccc0000cccc;
  bits ^= swap ^ (swap << 14);
  swap = (bits ^ (bits >> 28)) & 0x00000000f0f0f0f0;
  return bits ^ swap ^ (swap << 28);
}

// Screens of a calibrated layer: cheaper than the proved one of mlp-screen.ts, and not proved. A unit is left out where an
// estimate of its sum is at most its threshold; how much activation that misses is measured by whoever set the thresholds.
//
// Lookup: every weight is one of four levels (2 bits) times a scale. Two columns make a code of 4 bits, so that the 16
// possible sums of two columns are one register and a swizzle looks them up for 16 units at once.
// Low rank: the estimate is A (V x), with few rows in V, and V, A and x in whole numbers. There may be a first test by the
// leading columns of A alone, so that the others are read for few units; its dots are those of mlp-screen.ts.
//
// The host says where all of this is by `CalibratedPlan` of mlp-plan.ts.
// The numbers of both are the same with and without SIMD, and those of src/layers/mlp-calibrated.ts.
import { CalibratedPlan, MlpRecord, RECORD, UNSCREENED } from "./mlp-plan";
import { dotOfFour, dotsOfFour, quantiseInput, screenListed, screenUnits } from "./mlp-screen";

// The levels of a weight, of the quantiser that loses least of a normal number (Max 1960); negative ones mirror them.
const OUTER: f32 = 1.51;
const INNER: f32 = 0.4528;
// Entries of a table are 64 and up to 63 more or less, so that the sum of two fits 8 bits.
const MIDDLE: i32 = 64;
const STEPS: f32 = 63;
// Below this an input counts as zero, so that 1 / step is finite.
const LEAST_INPUT = reinterpret<f32>(0x0d800000); // 2^-100
// 256 pairs of tables: a sum of so many bytes fits 16 bits.
const PASS_BYTES: usize = 8192;

/** Lists the units that the screen lets through, in increasing order; returns how many. */
export function mlpScreenCalibrated(plan: CalibratedPlan): usize {
  const found = plan.found;
  let count = plan.isLowRank != 0 ? screenLowRank(plan, found) : screenLookup(plan, found);
  // Padding is no unit.
  const unitCount = plan.unitCount;
  while (count > 0 && <usize>load<u32>(found + ((count - 1) << 2)) >= unitCount) count--;
  return count;
}

function screenLowRank(plan: CalibratedPlan, found: usize): usize {
  const bytes = plan.inputBytes;
  const products = plan.tables;
  const rank = plan.rank;
  const inputCodes = plan.inputCodes;
  const codes = plan.codes;
  const input = changetype<MlpRecord>(plan.records);
  const record = changetype<MlpRecord>(plan.records + RECORD);
  quantiseInput(plan.input, bytes, inputCodes, <f32>plan.inputCodeLimit, Infinity, input);
  if (input.mode == UNSCREENED) return listAll(plan, found);
  multiply(plan.projection, plan.projectionScales, rank, inputCodes, bytes >> 2, input.step, products);
  quantiseInput(products, rank << 2, codes, <f32>plan.codeLimit, Infinity, record);
  if (record.mode == UNSCREENED) return listAll(plan, found);
  const scales = plan.scales;
  const count = screenUnits(plan.data, plan.leadColumns, scales, 0, 0, 0, plan.thresholds, codes, record, 0, plan.paddedUnits, found);
  const rows = plan.rows;
  if (rows == 0) return count;
  return screenListed(rows, rank, scales, 0, 0, plan.rowThresholds, codes, record, found, count);
}

// (scale step) row.codes of every row, in f32.
function multiply(rows: usize, scales: usize, rowCount: usize, codes: usize, columns: usize, step: f32, to: usize): void {
  const codesEnd = codes + (columns << 1);
  for (let row: usize = 0; row < rowCount; row += 4) {
    const at = row << 2;
    if (ASC_FEATURE_SIMD) {
      const dots = f32x4.convert_i32x4_s(dotsOfFour(rows, codes, codesEnd));
      v128.store(to + at, f32x4.mul(f32x4.mul(v128.load(scales + at), f32x4.splat(step)), dots));
    } else {
      for (let k: usize = 0; k < 4; k++) {
        const own = at + (k << 2);
        store<f32>(to + own, load<f32>(scales + own) * step * <f32>dotOfFour(rows, k, codes, codesEnd));
      }
    }
    rows += columns << 2;
  }
}

// Nothing is estimated of inputs that are not finite, or so large that sums overflow.
function listAll(plan: CalibratedPlan, found: usize): usize {
  const count = plan.unitCount;
  for (let u: usize = 0; u < count; u++) store<u32>(found + (u << 2), <u32>u);
  return count;
}

function screenLookup(plan: CalibratedPlan, found: usize): usize {
  const bytes = plan.inputBytes;
  const tables = plan.tables;
  const step = fillTables(plan.input, bytes, tables);
  if (!(step < Infinity)) return listAll(plan, found);
  return lookUp(plan.data, tables, bytes << 1, plan.scales, plan.thresholds, step, plan.paddedUnits, found);
}

// For columns 2 g and 2 g + 1 the 16 sums of level times input, in steps of the largest there is; returns the step.
function fillTables(x: usize, bytes: usize, tables: usize): f32 {
  const end = x + bytes;
  let most: f32 = 0;
  if (ASC_FEATURE_SIMD) {
    let pairs = f32x4(0, 0, 0, 0);
    for (let p = x; p < end; p += 16) {
      const v = f32x4.abs(v128.load(p));
      pairs = f32x4.max(pairs, f32x4.add(v, i8x16.shuffle(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)));
    }
    most = max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 2));
  } else {
    for (let p = x; p < end; p += 8) most = max(most, abs(load<f32>(p)) + abs(load<f32>(p, 4)));
  }
  const step: f32 = most < LEAST_INPUT ? 0 : (most * OUTER) / STEPS;
  const inverse: f32 = step == 0 ? 0 : 1 / step;
  const outer = OUTER * inverse;
  const inner = INNER * inverse;
  for (; x < end; x += 8) {
    const x0 = load<f32>(x);
    const x1 = load<f32>(x, 4);
    if (ASC_FEATURE_SIMD) {
      const first = f32x4.add(f32x4.mul(f32x4.splat(x0), f32x4(-outer, -inner, inner, outer)), f32x4.splat(<f32>MIDDLE));
      const far = f32x4.splat(x1 * outer);
      const near = f32x4.splat(x1 * inner);
      v128.store(
        tables,
        i8x16.narrow_i16x8_u(
          i16x8.narrow_i32x4_s(entries(f32x4.sub(first, far)), entries(f32x4.sub(first, near))),
          i16x8.narrow_i32x4_s(entries(f32x4.add(first, near)), entries(f32x4.add(first, far))),
        ),
      );
    } else {
      for (let i: usize = 0; i < 4; i++) {
        const first = x0 * (i == 0 ? -outer : i == 1 ? -inner : i == 2 ? inner : outer) + <f32>MIDDLE;
        store<u8>(tables + i, entry(first - x1 * outer));
        store<u8>(tables + i, entry(first - x1 * inner), 4);
        store<u8>(tables + i, entry(first + x1 * inner), 8);
        store<u8>(tables + i, entry(first + x1 * outer), 12);
      }
    }
    tables += 16;
  }
  return step;
}

function entries(v: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(v));
}

// NaN becomes 0, as in trunc_sat.
function entry(v: f32): u8 {
  return v == v ? <u8>max<f32>(0, min<f32>(255, nearest(v))) : 0;
}

// `codes`: 32 units x 1 pair of columns in 16 bytes; bits 0 to 3 of a byte are one unit, bits 4 to 7 another. Even bytes
// have units 0 to 7 (low bits) and 16 to 23 (high), odd ones 8 to 15 and 24 to 31, since sums of 16 bits take even and
// odd bytes apart. A unit is let through unless  ((sum - 64 pairs) step) scale <= threshold.
function lookUp(codes: usize, tables: usize, tableBytes: usize, scales: usize, thresholds: usize, step: f32, unitCount: usize, to: usize): usize {
  const start = to;
  const tablesEnd = tables + tableBytes;
  const offset = <i32>(tableBytes >> 4) * MIDDLE;
  for (let unit: usize = 0; unit < unitCount; unit += 32) {
    const at = unit << 2;
    let mask: u32 = 0;
    if (ASC_FEATURE_SIMD) {
      const low = i8x16.splat(15);
      let s0 = i32x4.splat(-offset), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
      for (let pass = tables; pass < tablesEnd; pass += PASS_BYTES) {
        const end = min(tablesEnd, pass + PASS_BYTES);
        // Sums of whole 16-bit words (modulo 2^16) and of their upper bytes.
        let a = i16x8.splat(0), aUpper = a, b = a, bUpper = a;
        for (let p = pass; p < end; p += 32) {
          const c = v128.load(codes);
          const e = v128.load(codes, 16);
          const t = v128.load(p);
          const u = v128.load(p, 16);
          const first = i8x16.add(i8x16.swizzle(t, v128.and(c, low)), i8x16.swizzle(u, v128.and(e, low)));
          const second = i8x16.add(i8x16.swizzle(t, i8x16.shr_u(c, 4)), i8x16.swizzle(u, i8x16.shr_u(e, 4)));
          a = i16x8.add(a, first);
          aUpper = i16x8.add(aUpper, i16x8.shr_u(first, 8));
          b = i16x8.add(b, second);
          bUpper = i16x8.add(bUpper, i16x8.shr_u(second, 8));
          codes += 32;
        }
        a = i16x8.sub(a, i16x8.shl(aUpper, 8));
        b = i16x8.sub(b, i16x8.shl(bUpper, 8));
        s0 = i32x4.add(s0, i32x4.extend_low_i16x8_u(a));
        s1 = i32x4.add(s1, i32x4.extend_high_i16x8_u(a));
        s2 = i32x4.add(s2, i32x4.extend_low_i16x8_u(aUpper));
        s3 = i32x4.add(s3, i32x4.extend_high_i16x8_u(aUpper));
        s4 = i32x4.add(s4, i32x4.extend_low_i16x8_u(b));
        s5 = i32x4.add(s5, i32x4.extend_high_i16x8_u(b));
        s6 = i32x4.add(s6, i32x4.extend_low_i16x8_u(bUpper));
        s7 = i32x4.add(s7, i32x4.extend_high_i16x8_u(bUpper));
      }
      const steps = f32x4.splat(step);
      const s = scales + at;
      const h = thresholds + at;
      mask = <u32>(
        through(s0, steps, s, h) |
        (through(s1, steps, s + 16, h + 16) << 4) |
        (through(s2, steps, s + 32, h + 32) << 8) |
        (through(s3, steps, s + 48, h + 48) << 12) |
        (through(s4, steps, s + 64, h + 64) << 16) |
        (through(s5, steps, s + 80, h + 80) << 20) |
        (through(s6, steps, s + 96, h + 96) << 24) |
        (through(s7, steps, s + 112, h + 112) << 28)
      );
    } else {
      for (let k: usize = 0; k < 32; k++) {
        const shift: u32 = k < 16 ? 0 : 4;
        let sum = -offset;
        let code = codes + ((k & 7) << 1) + ((k >> 3) & 1);
        for (let p = tables; p < tablesEnd; p += 16) {
          sum += <i32>load<u8>(p + ((<usize>load<u8>(code) >> shift) & 15));
          code += 16;
        }
        const own = at + (k << 2);
        if (!(<f32>sum * step * load<f32>(scales + own) <= load<f32>(thresholds + own))) mask |= <u32>1 << <u32>k;
      }
      codes += tableBytes;
    }
    for (; mask != 0; mask &= mask - 1) {
      store<u32>(to, <u32>unit + ctz(mask));
      to += 4;
    }
  }
  return (to - start) >> 2;
}

function through(sums: v128, step: v128, scales: usize, thresholds: usize): i32 {
  const estimate = f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(sums), step), v128.load(scales));
  return i32x4.bitmask(f32x4.le(estimate, v128.load(thresholds))) ^ 15;
}

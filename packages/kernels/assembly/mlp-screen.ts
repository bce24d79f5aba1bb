// The screen of a sparse layer: from int8 weights and an int16 input it finds units that surely do not fire. The test is
// rigorous; its proof, with the names used here, is docs/sparse-mlp.md.
//
// `MlpRecord` of mlp-plan.ts holds what the test needs of an input.
//
// A layer may have a first test on few numbers: the input's products with `rank` rows, its projection. What is left goes
// through the int8 test, if it is much. The projection of an input has a record of its own.
import { MlpRecord, SCREENED, UNSCREENED } from "./mlp-plan";

// Norms are sums of f64 with a relative error far below this.
const NORM_SLACK: f64 = 1 + 1 / 1048576.0;
// Below this the step would leave the range where 1 / step is finite; such an input is taken as zero, all of it error.
const LEAST_INPUT = reinterpret<f32>(0x0d800000); // 2^-100

// Input x in steps of t as int16 `codes`, and its record. Inputs that are not finite, or so large that a sum of the
// dense kernel could overflow (A * largest row norm > 2^120, `normLimit` being the quotient), are marked as not screened.
export function quantiseInput(x: usize, bytes: usize, codes: usize, codeLimit: f32, normLimit: f64, record: MlpRecord): void {
  record.mode = UNSCREENED;
  const most = largest(x, bytes);
  // NaN anywhere makes `most` NaN.
  if (!(most < Infinity)) return;
  const t: f32 = most < LEAST_INPUT ? 0 : most / codeLimit;
  const inverse: f32 = t == 0 ? 0 : 1 / t;
  let norm: f64 = 0;
  let error: f64 = 0;
  if (ASC_FEATURE_SIMD) {
    const low = f32x4.splat(-codeLimit);
    const high = f32x4.splat(codeLimit);
    const steps = f64x2.splat(<f64>t);
    const inverses = f32x4.splat(inverse);
    let norms = f64x2(0, 0);
    let errors = norms;
    const end = x + bytes;
    for (; x < end; x += 16) {
      const v = v128.load(x);
      const p = f32x4.max(low, f32x4.min(high, f32x4.nearest(f32x4.mul(v, inverses))));
      const i = i32x4.trunc_sat_f32x4_s(p);
      v128.store64_lane(codes, i16x8.narrow_i32x4_s(i, i), 0);
      codes += 8;
      let w = f64x2.promote_low_f32x4(v);
      let e = f64x2.sub(w, f64x2.mul(steps, f64x2.promote_low_f32x4(p)));
      norms = f64x2.add(norms, f64x2.mul(w, w));
      errors = f64x2.add(errors, f64x2.mul(e, e));
      w = f64x2.promote_low_f32x4(i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
      e = f64x2.sub(w, f64x2.mul(steps, f64x2.promote_low_f32x4(i8x16.shuffle(p, p, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))));
      norms = f64x2.add(norms, f64x2.mul(w, w));
      errors = f64x2.add(errors, f64x2.mul(e, e));
    }
    norm = f64x2.extract_lane(norms, 0) + f64x2.extract_lane(norms, 1);
    error = f64x2.extract_lane(errors, 0) + f64x2.extract_lane(errors, 1);
  } else {
    // The same two sums, of even and of odd columns.
    let oddNorm: f64 = 0;
    let oddError: f64 = 0;
    const end = x + bytes;
    for (; x < end; x += 8) {
      const v = load<f32>(x);
      const w = load<f32>(x, 4);
      const p = max(-codeLimit, min(codeLimit, nearest(v * inverse)));
      const q = max(-codeLimit, min(codeLimit, nearest(w * inverse)));
      store<i16>(codes, <i16>(<i32>p));
      store<i16>(codes, <i16>(<i32>q), 2);
      codes += 4;
      const e = <f64>v - <f64>t * <f64>p;
      const f = <f64>w - <f64>t * <f64>q;
      norm += <f64>v * <f64>v;
      oddNorm += <f64>w * <f64>w;
      error += e * e;
      oddError += f * f;
    }
    norm += oddNorm;
    error += oddError;
  }
  const a = roundedUp(sqrt(norm) * NORM_SLACK);
  if (!(<f64>a <= normLimit)) return;
  record.step = t;
  record.norm = a;
  record.error = roundedUp(sqrt(error) * NORM_SLACK);
  record.mode = SCREENED;
}

// A f32 that is at least v, for v >= 0: one step above the nearest unless v is 0.
export function roundedUp(v: f64): f32 {
  return v == 0 ? 0 : reinterpret<f32>(reinterpret<u32>(<f32>v) + 1);
}

function largest(x: usize, bytes: usize): f32 {
  const end = x + bytes;
  if (ASC_FEATURE_SIMD) {
    let most = f32x4(0, 0, 0, 0);
    for (; x < end; x += 16) most = f32x4.max(most, f32x4.abs(v128.load(x)));
    return max(max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)), max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)));
  }
  let most: f32 = 0;
  for (; x < end; x += 4) most = max(most, abs(load<f32>(x)));
  return most;
}

// Dots of four int8 rows with int16 codes, as i32. Rows as 4 rows x 16 columns in 64 bytes.
// @ts-ignore: decorator
@inline
export function dotsOfFour(rows: usize, codes: usize, codesEnd: usize): v128 {
  let d0 = i32x4(0, 0, 0, 0);
  let d1 = d0;
  let d2 = d0;
  let d3 = d0;
  for (let p = codes; p < codesEnd; p += 32) {
    let v = v128.load(p);
    d0 = i32x4.add(d0, i32x4.dot_i16x8_s(v128.load_ext<i8>(rows), v));
    d1 = i32x4.add(d1, i32x4.dot_i16x8_s(v128.load_ext<i8>(rows, 16), v));
    d2 = i32x4.add(d2, i32x4.dot_i16x8_s(v128.load_ext<i8>(rows, 32), v));
    d3 = i32x4.add(d3, i32x4.dot_i16x8_s(v128.load_ext<i8>(rows, 48), v));
    v = v128.load(p, 16);
    d0 = i32x4.add(d0, i32x4.dot_i16x8_s(v128.load_ext<i8>(rows, 8), v));
    d1 = i32x4.add(d1, i32x4.dot_i16x8_s(v128.load_ext<i8>(rows, 24), v));
    d2 = i32x4.add(d2, i32x4.dot_i16x8_s(v128.load_ext<i8>(rows, 40), v));
    d3 = i32x4.add(d3, i32x4.dot_i16x8_s(v128.load_ext<i8>(rows, 56), v));
    rows += 64;
  }
  return sumsOfFour(d0, d1, d2, d3);
}

// Of row k of such four.
export function dotOfFour(rows: usize, k: usize, codes: usize, codesEnd: usize): i32 {
  let dot: i32 = 0;
  let w = rows + (k << 4);
  for (let p = codes; p < codesEnd; p += 32) {
    for (let c: usize = 0; c < 16; c++) dot += <i32>load<i8>(w + c) * <i32>load<i16>(p + (c << 1));
    w += 64;
  }
  return dot;
}

// Units [unit0, unit1) (multiples of 4) that the test lets through, in order, as u32 at `to`; returns how many.
// A unit is let through unless  (s t) q.p + e1 A + e2 B (+ e3 R) <= threshold, in f32, in this order; NaN lets it through.
// `rows`: int8, 4 units x 16 columns in 64 bytes, so that it is one stream (two streams side by side were 2.5 times slower
// from memory). Arrays of f32: scale s, e1, e2, threshold, and e3 or 0 for a test of three terms; e1 0 for one of the first
// term alone.
export function screenUnits(rows: usize, columns: usize, scales: usize, weightErrors: usize, codeNorms: usize, residuals: usize, thresholds: usize, codes: usize, record: MlpRecord, unit0: usize, unit1: usize, to: usize): usize {
  const start = to;
  const t = record.step;
  const a = record.norm;
  const b = record.error;
  const r = record.residual;
  const codesEnd = codes + (columns << 1);
  let row = rows + unit0 * columns;
  for (let unit = unit0; unit < unit1; unit += 4) {
    const at = unit << 2;
    let mask: i32 = 0;
    if (ASC_FEATURE_SIMD) {
      const dot = f32x4.convert_i32x4_s(dotsOfFour(row, codes, codesEnd));
      let upper = f32x4.mul(f32x4.mul(v128.load(scales + at), f32x4.splat(t)), dot);
      if (weightErrors != 0) {
        upper = f32x4.add(upper, f32x4.mul(v128.load(weightErrors + at), f32x4.splat(a)));
        upper = f32x4.add(upper, f32x4.mul(v128.load(codeNorms + at), f32x4.splat(b)));
      }
      if (residuals != 0) upper = f32x4.add(upper, f32x4.mul(v128.load(residuals + at), f32x4.splat(r)));
      mask = i32x4.bitmask(f32x4.le(upper, v128.load(thresholds + at))) ^ 15;
    } else {
      for (let k: usize = 0; k < 4; k++) {
        const own = at + (k << 2);
        let upper = load<f32>(scales + own) * t * <f32>dotOfFour(row, k, codes, codesEnd);
        if (weightErrors != 0) upper = upper + load<f32>(weightErrors + own) * a + load<f32>(codeNorms + own) * b;
        if (residuals != 0) upper += load<f32>(residuals + own) * r;
        if (!(upper <= load<f32>(thresholds + own))) mask |= 1 << (<i32>k);
      }
    }
    row += columns << 2;
    // Without a branch, which would be foretold wrongly for every fourth group or so: what is not let through is overwritten.
    store<u32>(to, <u32>unit);
    to += (mask & 1) << 2;
    store<u32>(to, <u32>unit + 1);
    to += (mask & 2) << 1;
    store<u32>(to, <u32>unit + 2);
    to += mask & 4;
    store<u32>(to, <u32>unit + 3);
    to += (mask & 8) >> 1;
  }
  return (to - start) >> 2;
}

// The same test for the listed units alone, on rows that stand one after the other (`columns` bytes each); the list is
// replaced by what is let through. Four rows at once, as above.
export function screenListed(rows: usize, columns: usize, scales: usize, weightErrors: usize, codeNorms: usize, thresholds: usize, codes: usize, record: MlpRecord, list: usize, count: usize): usize {
  const t = record.step;
  const a = record.norm;
  const b = record.error;
  const codesEnd = codes + (columns << 1);
  let to = list;
  for (let k: usize = 0; k < count; k += 4) {
    const at = list + (k << 2);
    const last = count - k - 1;
    // The last units may be fewer than four: one of them is tested more than once, and counted once.
    const u0 = <usize>load<u32>(at);
    const u1 = <usize>load<u32>(at + (min<usize>(1, last) << 2));
    const u2 = <usize>load<u32>(at + (min<usize>(2, last) << 2));
    const u3 = <usize>load<u32>(at + (min<usize>(3, last) << 2));
    let mask: i32 = 0;
    if (ASC_FEATURE_SIMD) {
      let d0 = i32x4(0, 0, 0, 0);
      let d1 = d0;
      let d2 = d0;
      let d3 = d0;
      let w0 = rows + u0 * columns;
      let w1 = rows + u1 * columns;
      let w2 = rows + u2 * columns;
      let w3 = rows + u3 * columns;
      for (let p = codes; p < codesEnd; p += 32) {
        let v = v128.load(p);
        d0 = i32x4.add(d0, i32x4.dot_i16x8_s(v128.load_ext<i8>(w0), v));
        d1 = i32x4.add(d1, i32x4.dot_i16x8_s(v128.load_ext<i8>(w1), v));
        d2 = i32x4.add(d2, i32x4.dot_i16x8_s(v128.load_ext<i8>(w2), v));
        d3 = i32x4.add(d3, i32x4.dot_i16x8_s(v128.load_ext<i8>(w3), v));
        v = v128.load(p, 16);
        d0 = i32x4.add(d0, i32x4.dot_i16x8_s(v128.load_ext<i8>(w0, 8), v));
        d1 = i32x4.add(d1, i32x4.dot_i16x8_s(v128.load_ext<i8>(w1, 8), v));
        d2 = i32x4.add(d2, i32x4.dot_i16x8_s(v128.load_ext<i8>(w2, 8), v));
        d3 = i32x4.add(d3, i32x4.dot_i16x8_s(v128.load_ext<i8>(w3, 8), v));
        w0 += 16, w1 += 16, w2 += 16, w3 += 16;
      }
      const dot = f32x4.convert_i32x4_s(sumsOfFour(d0, d1, d2, d3));
      let upper = f32x4.mul(f32x4.mul(fourOf(scales, u0, u1, u2, u3), f32x4.splat(t)), dot);
      if (weightErrors != 0) {
        upper = f32x4.add(upper, f32x4.mul(fourOf(weightErrors, u0, u1, u2, u3), f32x4.splat(a)));
        upper = f32x4.add(upper, f32x4.mul(fourOf(codeNorms, u0, u1, u2, u3), f32x4.splat(b)));
      }
      mask = i32x4.bitmask(f32x4.le(upper, fourOf(thresholds, u0, u1, u2, u3))) ^ 15;
    } else {
      for (let j: usize = 0; j < 4; j++) {
        const unit = j == 0 ? u0 : j == 1 ? u1 : j == 2 ? u2 : u3;
        let dot: i32 = 0;
        let w = rows + unit * columns;
        for (let p = codes; p < codesEnd; p += 2) dot += <i32>load<i8>(w++) * <i32>load<i16>(p);
        const own = unit << 2;
        let upper = load<f32>(scales + own) * t * <f32>dot;
        if (weightErrors != 0) upper = upper + load<f32>(weightErrors + own) * a + load<f32>(codeNorms + own) * b;
        if (!(upper <= load<f32>(thresholds + own))) mask |= 1 << (<i32>j);
      }
    }
    if (last < 3) mask &= (2 << (<i32>last)) - 1;
    store<u32>(to, <u32>u0);
    to += (mask & 1) << 2;
    store<u32>(to, <u32>u1);
    to += (mask & 2) << 1;
    store<u32>(to, <u32>u2);
    to += mask & 4;
    store<u32>(to, <u32>u3);
    to += (mask & 8) >> 1;
  }
  return (to - list) >> 2;
}

function fourOf(values: usize, u0: usize, u1: usize, u2: usize, u3: usize): v128 {
  let v = v128.load32_zero(values + (u0 << 2));
  v = v128.load32_lane(values + (u1 << 2), v, 1);
  v = v128.load32_lane(values + (u2 << 2), v, 2);
  return v128.load32_lane(values + (u3 << 2), v, 3);
}

// [sum a, sum b, sum c, sum d]
export function sumsOfFour(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(
    i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
    i8x16.shuffle(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31),
  );
  const cd = i32x4.add(
    i8x16.shuffle(c, d, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27),
    i8x16.shuffle(c, d, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31),
  );
  return i32x4.add(
    i8x16.shuffle(ab, cd, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
    i8x16.shuffle(ab, cd, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31),
  );
}

// Sums of products of trained feed-forward layers, f32, with one fixed order of summation. The order is the
// specification: the dense and the sparse way of running a layer, every grouping of rows, SIMD, scalar and `referenceMlp`
// (src/layers/mlp-reference.ts) give the same bits because every preactivation is summed like this:
//
//   16 sums start at +0; sum k adds fl(w[c] x[c]) for c = k, k + 16, k + 32, ... in that order;
//   v[l] = (sum[l] + sum[l+4]) + (sum[l+8] + sum[l+12]) for l = 0 .. 3;  dot = (v[0] + v[1]) + (v[2] + v[3]).
//
// Rows are padded with zeros to a multiple of 16 columns. A sum that starts at +0 is never -0 (rounding to nearest gives
// +0 + -0 = +0 and a + -a = +0), so the padding's products +0 change nothing.

/** Bytes of 16 columns. */
export const STEP: usize = 64;

export function dotRow(w: usize, x: usize, bytes: usize): f32 {
  if (ASC_FEATURE_SIMD) return dotRowSimd(w, x, bytes);
  return lane(w, x, bytes, 0) + lane(w, x, bytes, 4) + (lane(w, x, bytes, 8) + lane(w, x, bytes, 12));
}

// The v[l] of the order above; `at` is 4 l.
function lane(w: usize, x: usize, bytes: usize, at: usize): f32 {
  let a: f32 = 0;
  let b: f32 = 0;
  let c: f32 = 0;
  let d: f32 = 0;
  const end = x + bytes;
  for (; x < end; x += STEP) {
    a += load<f32>(w + at) * load<f32>(x + at);
    b += load<f32>(w + at, 16) * load<f32>(x + at, 16);
    c += load<f32>(w + at, 32) * load<f32>(x + at, 32);
    d += load<f32>(w + at, 48) * load<f32>(x + at, 48);
    w += STEP;
  }
  return a + b + (c + d);
}

function dotRowSimd(w: usize, x: usize, bytes: usize): f32 {
  let a = f32x4(0, 0, 0, 0);
  let b = a;
  let c = a;
  let d = a;
  const end = x + bytes;
  for (; x < end; x += STEP) {
    a = f32x4.add(a, f32x4.mul(v128.load(w), v128.load(x)));
    b = f32x4.add(b, f32x4.mul(v128.load(w, 16), v128.load(x, 16)));
    c = f32x4.add(c, f32x4.mul(v128.load(w, 32), v128.load(x, 32)));
    d = f32x4.add(d, f32x4.mul(v128.load(w, 48), v128.load(x, 48)));
    w += STEP;
  }
  return total(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
}

function total(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

// Six rows anywhere in memory at once, so that their cache misses overlap and nothing is decided between them: with a
// branch on the result after every row, evaluating was a third slower from memory. Each row is read twice, first the lower
// and then the upper half of every 64 bytes, because all sums of six rows do not fit the 16 registers; the second reading
// is in the first-level cache. Stores six dots at `to`.
export function dotSixRows(w0: usize, w1: usize, w2: usize, w3: usize, w4: usize, w5: usize, x: usize, bytes: usize, to: usize): void {
  if (ASC_FEATURE_SIMD) {
    const zero = f32x4(0, 0, 0, 0);
    const end = x + bytes;
    let a0 = zero, b0 = zero, a1 = zero, b1 = zero, a2 = zero, b2 = zero, a3 = zero, b3 = zero, a4 = zero, b4 = zero, a5 = zero, b5 = zero;
    for (let p = x; p < end; p += STEP) {
      const u = v128.load(p);
      const v = v128.load(p, 16);
      a0 = f32x4.add(a0, f32x4.mul(v128.load(w0), u));
      b0 = f32x4.add(b0, f32x4.mul(v128.load(w0, 16), v));
      a1 = f32x4.add(a1, f32x4.mul(v128.load(w1), u));
      b1 = f32x4.add(b1, f32x4.mul(v128.load(w1, 16), v));
      a2 = f32x4.add(a2, f32x4.mul(v128.load(w2), u));
      b2 = f32x4.add(b2, f32x4.mul(v128.load(w2, 16), v));
      a3 = f32x4.add(a3, f32x4.mul(v128.load(w3), u));
      b3 = f32x4.add(b3, f32x4.mul(v128.load(w3, 16), v));
      a4 = f32x4.add(a4, f32x4.mul(v128.load(w4), u));
      b4 = f32x4.add(b4, f32x4.mul(v128.load(w4, 16), v));
      a5 = f32x4.add(a5, f32x4.mul(v128.load(w5), u));
      b5 = f32x4.add(b5, f32x4.mul(v128.load(w5, 16), v));
      w0 += STEP, w1 += STEP, w2 += STEP, w3 += STEP, w4 += STEP, w5 += STEP;
    }
    const h0 = f32x4.add(a0, b0), h1 = f32x4.add(a1, b1), h2 = f32x4.add(a2, b2), h3 = f32x4.add(a3, b3), h4 = f32x4.add(a4, b4), h5 = f32x4.add(a5, b5);
    a0 = zero, b0 = zero, a1 = zero, b1 = zero, a2 = zero, b2 = zero, a3 = zero, b3 = zero, a4 = zero, b4 = zero, a5 = zero, b5 = zero;
    w0 -= bytes, w1 -= bytes, w2 -= bytes, w3 -= bytes, w4 -= bytes, w5 -= bytes;
    for (let p = x; p < end; p += STEP) {
      const u = v128.load(p, 32);
      const v = v128.load(p, 48);
      a0 = f32x4.add(a0, f32x4.mul(v128.load(w0, 32), u));
      b0 = f32x4.add(b0, f32x4.mul(v128.load(w0, 48), v));
      a1 = f32x4.add(a1, f32x4.mul(v128.load(w1, 32), u));
      b1 = f32x4.add(b1, f32x4.mul(v128.load(w1, 48), v));
      a2 = f32x4.add(a2, f32x4.mul(v128.load(w2, 32), u));
      b2 = f32x4.add(b2, f32x4.mul(v128.load(w2, 48), v));
      a3 = f32x4.add(a3, f32x4.mul(v128.load(w3, 32), u));
      b3 = f32x4.add(b3, f32x4.mul(v128.load(w3, 48), v));
      a4 = f32x4.add(a4, f32x4.mul(v128.load(w4, 32), u));
      b4 = f32x4.add(b4, f32x4.mul(v128.load(w4, 48), v));
      a5 = f32x4.add(a5, f32x4.mul(v128.load(w5, 32), u));
      b5 = f32x4.add(b5, f32x4.mul(v128.load(w5, 48), v));
      w0 += STEP, w1 += STEP, w2 += STEP, w3 += STEP, w4 += STEP, w5 += STEP;
    }
    store<f32>(to, total(f32x4.add(h0, f32x4.add(a0, b0))));
    store<f32>(to, total(f32x4.add(h1, f32x4.add(a1, b1))), 4);
    store<f32>(to, total(f32x4.add(h2, f32x4.add(a2, b2))), 8);
    store<f32>(to, total(f32x4.add(h3, f32x4.add(a3, b3))), 12);
    store<f32>(to, total(f32x4.add(h4, f32x4.add(a4, b4))), 16);
    store<f32>(to, total(f32x4.add(h5, f32x4.add(a5, b5))), 20);
  } else {
    store<f32>(to, dotRow(w0, x, bytes));
    store<f32>(to, dotRow(w1, x, bytes), 4);
    store<f32>(to, dotRow(w2, x, bytes), 8);
    store<f32>(to, dotRow(w3, x, bytes), 12);
    store<f32>(to, dotRow(w4, x, bytes), 16);
    store<f32>(to, dotRow(w5, x, bytes), 20);
  }
}

// Two rows against four inputs (`x`, `stride` bytes apart): eight dots at `to`, `toStride` bytes from input to input. A
// quarter of the sums at a time, for want of registers: first columns 0 to 3 of every 16, then 4 to 7, and so on.
export function dotRowsOfFour(w0: usize, w1: usize, x: usize, stride: usize, bytes: usize, to: usize, toStride: usize): void {
  if (ASC_FEATURE_SIMD) {
    const zero = f32x4(0, 0, 0, 0);
    let s0 = zero, s1 = zero, s2 = zero, s3 = zero, t0 = zero, t1 = zero, t2 = zero, t3 = zero;
    for (let half: usize = 0; half < 2; half++) {
      let p0 = zero, p1 = zero, p2 = zero, p3 = zero, q0 = zero, q1 = zero, q2 = zero, q3 = zero;
      for (let quarter: usize = 0; quarter < 2; quarter++) {
        let a0 = zero, a1 = zero, a2 = zero, a3 = zero, b0 = zero, b1 = zero, b2 = zero, b3 = zero;
        const from = (half << 5) + (quarter << 4);
        let x0 = x + from;
        let x1 = x0 + stride;
        let x2 = x1 + stride;
        let x3 = x2 + stride;
        for (let at = from; at < bytes; at += STEP) {
          const u = v128.load(w0 + at);
          const v = v128.load(w1 + at);
          let y = v128.load(x0);
          a0 = f32x4.add(a0, f32x4.mul(u, y));
          b0 = f32x4.add(b0, f32x4.mul(v, y));
          y = v128.load(x1);
          a1 = f32x4.add(a1, f32x4.mul(u, y));
          b1 = f32x4.add(b1, f32x4.mul(v, y));
          y = v128.load(x2);
          a2 = f32x4.add(a2, f32x4.mul(u, y));
          b2 = f32x4.add(b2, f32x4.mul(v, y));
          y = v128.load(x3);
          a3 = f32x4.add(a3, f32x4.mul(u, y));
          b3 = f32x4.add(b3, f32x4.mul(v, y));
          x0 += STEP, x1 += STEP, x2 += STEP, x3 += STEP;
        }
        // Sums are never -0, so 0 + sum is the sum: the first of each pair needs no case of its own.
        p0 = f32x4.add(p0, a0), p1 = f32x4.add(p1, a1), p2 = f32x4.add(p2, a2), p3 = f32x4.add(p3, a3);
        q0 = f32x4.add(q0, b0), q1 = f32x4.add(q1, b1), q2 = f32x4.add(q2, b2), q3 = f32x4.add(q3, b3);
      }
      s0 = f32x4.add(s0, p0), s1 = f32x4.add(s1, p1), s2 = f32x4.add(s2, p2), s3 = f32x4.add(s3, p3);
      t0 = f32x4.add(t0, q0), t1 = f32x4.add(t1, q1), t2 = f32x4.add(t2, q2), t3 = f32x4.add(t3, q3);
    }
    store<f32>(to, total(s0));
    store<f32>(to, total(t0), 4);
    to += toStride;
    store<f32>(to, total(s1));
    store<f32>(to, total(t1), 4);
    to += toStride;
    store<f32>(to, total(s2));
    store<f32>(to, total(t2), 4);
    to += toStride;
    store<f32>(to, total(s3));
    store<f32>(to, total(t3), 4);
  } else {
    for (let r: usize = 0; r < 4; r++) {
      store<f32>(to, dotRow(w0, x, bytes));
      store<f32>(to, dotRow(w1, x, bytes), 4);
      x += stride;
      to += toStride;
    }
  }
}

// Fast Walsh-Hadamard transform in place, unnormalised: a[S] becomes
// sum_x (-1)^popcount(x & S) a[x].
//
// Radix 8 (three levels per pass over the data: radix 16 spills registers),
// largest strides first and depth first, so that every level below the cache
// size works on data that is already in cache. All levels add and subtract the
// same pairs in the same order with and without SIMD, so both give equal bits.

// Parts of up to 2^LEAF elements are transformed level by level.
const LEAF: u32 = 11;

export function walshHadamardF64(data: usize, logSize: u32): void {
  transform<f64>(data, logSize);
}

export function walshHadamardF32(data: usize, logSize: u32): void {
  transform<f32>(data, logSize);
}

export function transform<T>(data: usize, logSize: u32): void {
  if (logSize <= LEAF) {
    leaf<T>(data, logSize);
    return;
  }
  const bytes: usize = sizeof<T>() << (<usize>logSize);
  const rest = logSize - LEAF;
  if (rest >= 3) {
    const stride = bytes >> 3;
    radix8<T>(data, stride, stride);
    for (let part: usize = 0; part < 8; part++) transform<T>(data + part * stride, logSize - 3);
  } else if (rest == 2) {
    const stride = bytes >> 2;
    radix4<T>(data, stride, stride);
    for (let part: usize = 0; part < 4; part++) leaf<T>(data + part * stride, logSize - 2);
  } else {
    const stride = bytes >> 1;
    radix2<T>(data, stride, stride);
    leaf<T>(data, logSize - 1);
    leaf<T>(data + stride, logSize - 1);
  }
}

function leaf<T>(data: usize, logSize: u32): void {
  const end = data + (sizeof<T>() << (<usize>logSize));
  let level: u32 = 0;
  if (ASC_FEATURE_SIMD) {
    const lanes: u32 = sizeof<T>() == 8 ? 1 : 2; // log2 of the lanes of a vector
    if (logSize < lanes + 3) {
      while (level < logSize) {
        scalarLevel<T>(data, end, level);
        level++;
      }
      return;
    }
    firstLevels<T>(data, end);
    level = lanes + 3;
  }
  while (level + 3 <= logSize) {
    const stride: usize = sizeof<T>() << (<usize>level);
    for (let at = data; at < end; at += stride << 3) radix8<T>(at, stride, stride);
    level += 3;
  }
  if (level + 2 <= logSize) {
    const stride: usize = sizeof<T>() << (<usize>level);
    for (let at = data; at < end; at += stride << 2) radix4<T>(at, stride, stride);
    level += 2;
  }
  if (level < logSize) {
    const stride: usize = sizeof<T>() << (<usize>level);
    for (let at = data; at < end; at += stride << 1) radix2<T>(at, stride, stride);
  }
}

function scalarLevel<T>(data: usize, end: usize, level: u32): void {
  const half: usize = sizeof<T>() << (<usize>level);
  for (let at = data; at < end; at += half << 1) {
    for (let p = at; p < at + half; p += sizeof<T>()) {
      const a = load<T>(p);
      const b = load<T>(p + half);
      store<T>(p, <T>(a + b));
      store<T>(p + half, <T>(a - b));
    }
  }
}

// The levels inside a vector and the three above them, eight vectors at a time.
function firstLevels<T>(data: usize, end: usize): void {
  for (let p = data; p < end; p += 128) {
    const a = inVector<T>(v128.load(p));
    const b = inVector<T>(v128.load(p, 16));
    const c = inVector<T>(v128.load(p, 32));
    const d = inVector<T>(v128.load(p, 48));
    const e = inVector<T>(v128.load(p, 64));
    const f = inVector<T>(v128.load(p, 80));
    const g = inVector<T>(v128.load(p, 96));
    const h = inVector<T>(v128.load(p, 112));
    const a1 = v128.add<T>(a, b);
    const b1 = v128.sub<T>(a, b);
    const c1 = v128.add<T>(c, d);
    const d1 = v128.sub<T>(c, d);
    const e1 = v128.add<T>(e, f);
    const f1 = v128.sub<T>(e, f);
    const g1 = v128.add<T>(g, h);
    const h1 = v128.sub<T>(g, h);
    const a2 = v128.add<T>(a1, c1);
    const b2 = v128.add<T>(b1, d1);
    const c2 = v128.sub<T>(a1, c1);
    const d2 = v128.sub<T>(b1, d1);
    const e2 = v128.add<T>(e1, g1);
    const f2 = v128.add<T>(f1, h1);
    const g2 = v128.sub<T>(e1, g1);
    const h2 = v128.sub<T>(f1, h1);
    v128.store(p, v128.add<T>(a2, e2));
    v128.store(p, v128.add<T>(b2, f2), 16);
    v128.store(p, v128.add<T>(c2, g2), 32);
    v128.store(p, v128.add<T>(d2, h2), 48);
    v128.store(p, v128.sub<T>(a2, e2), 64);
    v128.store(p, v128.sub<T>(b2, f2), 80);
    v128.store(p, v128.sub<T>(c2, g2), 96);
    v128.store(p, v128.sub<T>(d2, h2), 112);
  }
}

// Negating by a sign flip and adding is the same as subtracting, bit for bit.
function inVector<T>(v: v128): v128 {
  if (sizeof<T>() == 8) {
    const swapped = i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    return f64x2.add(swapped, v128.xor(v, i64x2(0, i64.MIN_VALUE)));
  }
  const s1 = i8x16.shuffle(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
  const w = f32x4.add(s1, v128.xor(v, i32x4(0, i32.MIN_VALUE, 0, i32.MIN_VALUE)));
  const s2 = i8x16.shuffle(w, w, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  return f32x4.add(s2, v128.xor(w, i32x4(0, 0, i32.MIN_VALUE, i32.MIN_VALUE)));
}

// One butterfly over eight runs of `run` bytes, `stride` bytes apart.
function radix8<T>(data: usize, stride: usize, run: usize): void {
  const p1 = data + stride;
  const p2 = p1 + stride;
  const p3 = p2 + stride;
  const p4 = p3 + stride;
  const p5 = p4 + stride;
  const p6 = p5 + stride;
  const p7 = p6 + stride;
  if (ASC_FEATURE_SIMD) {
    for (let i: usize = 0; i < run; i += 16) {
      let a = v128.load(data + i);
      let b = v128.load(p1 + i);
      let c = v128.load(p2 + i);
      let d = v128.load(p3 + i);
      let e = v128.load(p4 + i);
      let f = v128.load(p5 + i);
      let g = v128.load(p6 + i);
      let h = v128.load(p7 + i);
      let t = v128.sub<T>(a, b); a = v128.add<T>(a, b); b = t;
      t = v128.sub<T>(c, d); c = v128.add<T>(c, d); d = t;
      t = v128.sub<T>(e, f); e = v128.add<T>(e, f); f = t;
      t = v128.sub<T>(g, h); g = v128.add<T>(g, h); h = t;
      t = v128.sub<T>(a, c); a = v128.add<T>(a, c); c = t;
      t = v128.sub<T>(b, d); b = v128.add<T>(b, d); d = t;
      t = v128.sub<T>(e, g); e = v128.add<T>(e, g); g = t;
      t = v128.sub<T>(f, h); f = v128.add<T>(f, h); h = t;
      v128.store(data + i, v128.add<T>(a, e));
      v128.store(p1 + i, v128.add<T>(b, f));
      v128.store(p2 + i, v128.add<T>(c, g));
      v128.store(p3 + i, v128.add<T>(d, h));
      v128.store(p4 + i, v128.sub<T>(a, e));
      v128.store(p5 + i, v128.sub<T>(b, f));
      v128.store(p6 + i, v128.sub<T>(c, g));
      v128.store(p7 + i, v128.sub<T>(d, h));
    }
  } else {
    for (let i: usize = 0; i < run; i += sizeof<T>()) {
      let a = load<T>(data + i);
      let b = load<T>(p1 + i);
      let c = load<T>(p2 + i);
      let d = load<T>(p3 + i);
      let e = load<T>(p4 + i);
      let f = load<T>(p5 + i);
      let g = load<T>(p6 + i);
      let h = load<T>(p7 + i);
      let t: T = <T>(a - b); a = <T>(a + b); b = t;
      t = <T>(c - d); c = <T>(c + d); d = t;
      t = <T>(e - f); e = <T>(e + f); f = t;
      t = <T>(g - h); g = <T>(g + h); h = t;
      t = <T>(a - c); a = <T>(a + c); c = t;
      t = <T>(b - d); b = <T>(b + d); d = t;
      t = <T>(e - g); e = <T>(e + g); g = t;
      t = <T>(f - h); f = <T>(f + h); h = t;
      store<T>(data + i, <T>(a + e));
      store<T>(p1 + i, <T>(b + f));
      store<T>(p2 + i, <T>(c + g));
      store<T>(p3 + i, <T>(d + h));
      store<T>(p4 + i, <T>(a - e));
      store<T>(p5 + i, <T>(b - f));
      store<T>(p6 + i, <T>(c - g));
      store<T>(p7 + i, <T>(d - h));
    }
  }
}

function radix4<T>(data: usize, stride: usize, run: usize): void {
  const p1 = data + stride;
  const p2 = p1 + stride;
  const p3 = p2 + stride;
  if (ASC_FEATURE_SIMD) {
    for (let i: usize = 0; i < run; i += 16) {
      const a = v128.load(data + i);
      const b = v128.load(p1 + i);
      const c = v128.load(p2 + i);
      const d = v128.load(p3 + i);
      const s = v128.add<T>(a, b);
      const t = v128.sub<T>(a, b);
      const u = v128.add<T>(c, d);
      const v = v128.sub<T>(c, d);
      v128.store(data + i, v128.add<T>(s, u));
      v128.store(p1 + i, v128.add<T>(t, v));
      v128.store(p2 + i, v128.sub<T>(s, u));
      v128.store(p3 + i, v128.sub<T>(t, v));
    }
  } else {
    for (let i: usize = 0; i < run; i += sizeof<T>()) {
      const a = load<T>(data + i);
      const b = load<T>(p1 + i);
      const c = load<T>(p2 + i);
      const d = load<T>(p3 + i);
      const s: T = <T>(a + b);
      const t: T = <T>(a - b);
      const u: T = <T>(c + d);
      const v: T = <T>(c - d);
      store<T>(data + i, <T>(s + u));
      store<T>(p1 + i, <T>(t + v));
      store<T>(p2 + i, <T>(s - u));
      store<T>(p3 + i, <T>(t - v));
    }
  }
}

function radix2<T>(data: usize, stride: usize, run: usize): void {
  if (ASC_FEATURE_SIMD) {
    for (let i: usize = 0; i < run; i += 16) {
      const a = v128.load(data + i);
      const b = v128.load(data + stride + i);
      v128.store(data + i, v128.add<T>(a, b));
      v128.store(data + stride + i, v128.sub<T>(a, b));
    }
  } else {
    for (let i: usize = 0; i < run; i += sizeof<T>()) {
      const a = load<T>(data + i);
      const b = load<T>(data + stride + i);
      store<T>(data + i, <T>(a + b));
      store<T>(data + stride + i, <T>(a - b));
    }
  }
}

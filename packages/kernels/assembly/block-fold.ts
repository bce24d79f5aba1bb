// The pruned Walsh-Hadamard transform along one axis of 2^g cells: of its 2^g
// outputs only the g of degree one are wanted. Folding adds the two halves of
// the axis after taking their difference, so an axis costs about two additions
// per cell instead of g. Expanding is the transpose.
//
// Cell i of the axis has sign (-1)^(bit j of i) in output j. Every loop adds in
// the same order with and without SIMD.

// source: [2^g][inner] (destroyed) -> target: [g][inner]. `inner` counts T and fills whole vectors of 16 bytes.
export function foldLeading<T extends number>(source: usize, target: usize, g: u32, inner: usize): void {
  const bytes = inner << alignof<T>();
  memory.fill(target, 0, <usize>g * bytes);
  let bit = g;
  // Two bits at a time: the highest two split the axis into four quarters.
  while (bit >= 2) {
    const quarter: usize = (<usize>1 << (bit - 2)) * bytes;
    const high = target + <usize>(bit - 1) * bytes;
    const low = target + <usize>(bit - 2) * bytes;
    for (let at: usize = 0; at < quarter; at += bytes) {
      const p0 = source + at;
      const p1 = p0 + quarter;
      const p2 = p1 + quarter;
      const p3 = p2 + quarter;
      if (ASC_FEATURE_SIMD) {
        for (let i: usize = 0; i < bytes; i += 16) {
          const a = v128.load(p0 + i);
          const b = v128.load(p1 + i);
          const c = v128.load(p2 + i);
          const d = v128.load(p3 + i);
          const sumLow = v128.add<T>(a, b);
          const sumHigh = v128.add<T>(c, d);
          v128.store(high + i, v128.add<T>(v128.load(high + i), v128.sub<T>(sumLow, sumHigh)));
          v128.store(low + i, v128.add<T>(v128.load(low + i), v128.add<T>(v128.sub<T>(a, b), v128.sub<T>(c, d))));
          v128.store(p0 + i, v128.add<T>(sumLow, sumHigh));
        }
      } else {
        for (let i: usize = 0; i < bytes; i += sizeof<T>()) {
          const a = load<T>(p0 + i);
          const b = load<T>(p1 + i);
          const c = load<T>(p2 + i);
          const d = load<T>(p3 + i);
          const sumLow = a + b;
          const sumHigh = c + d;
          store<T>(high + i, load<T>(high + i) + (sumLow - sumHigh));
          store<T>(low + i, load<T>(low + i) + ((a - b) + (c - d)));
          store<T>(p0 + i, sumLow + sumHigh);
        }
      }
    }
    bit -= 2;
  }
  if (bit == 1) {
    for (let i: usize = 0; i < bytes; i += sizeof<T>()) {
      store<T>(target + i, load<T>(source + i) - load<T>(source + bytes + i));
    }
  }
}

// source: rows of [2^g] (destroyed) -> target: rows of [g].
export function foldLast<T extends number>(source: usize, target: usize, g: u32, rowCount: usize): void {
  const rowBytes: usize = sizeof<T>() << (<usize>g);
  for (let r: usize = 0; r < rowCount; r++) {
    for (let bit = <i32>g - 1; bit >= 0; bit--) {
      const half: usize = sizeof<T>() << (<usize>bit);
      const other = source + half;
      // Two running sums, even and odd cells: the two lanes of a vector.
      let even: T = 0;
      let odd: T = 0;
      if (sizeof<T>() == 4 && bit != 0) {
        // Four running sums, whole vectors from bit 2 on; a vector's lanes and the scalar loop add in the same order.
        let third: T = 0;
        let fourth: T = 0;
        if (bit == 1) {
          even = (load<T>(source) - load<T>(other));
          odd = (load<T>(source, 4) - load<T>(other, 4));
          store<T>(source, load<T>(source) + load<T>(other));
          store<T>(source, load<T>(source, 4) + load<T>(other, 4), 4);
        } else if (ASC_FEATURE_SIMD) {
          let sums = i64x2.splat(0);
          for (let i: usize = 0; i < half; i += 16) {
            const a = v128.load(source + i);
            const b = v128.load(other + i);
            sums = v128.add<T>(sums, v128.sub<T>(a, b));
            v128.store(source + i, v128.add<T>(a, b));
          }
          even = v128.extract_lane<T>(sums, 0);
          odd = v128.extract_lane<T>(sums, 1);
          third = v128.extract_lane<T>(sums, 2);
          fourth = v128.extract_lane<T>(sums, 3);
        } else {
          for (let i: usize = 0; i < half; i += 16) {
            const a = source + i;
            const b = other + i;
            even += load<T>(a) - load<T>(b);
            odd += load<T>(a, 4) - load<T>(b, 4);
            third += load<T>(a, 8) - load<T>(b, 8);
            fourth += load<T>(a, 12) - load<T>(b, 12);
            store<T>(a, load<T>(a) + load<T>(b));
            store<T>(a, load<T>(a, 4) + load<T>(b, 4), 4);
            store<T>(a, load<T>(a, 8) + load<T>(b, 8), 8);
            store<T>(a, load<T>(a, 12) + load<T>(b, 12), 12);
          }
        }
        even += third;
        odd += fourth;
      } else if (bit == 0) {
        const a = load<T>(source);
        const b = load<T>(other);
        even = a - b;
      } else if (ASC_FEATURE_SIMD) {
        let sums = i64x2.splat(0);
        for (let i: usize = 0; i < half; i += 16) {
          const a = v128.load(source + i);
          const b = v128.load(other + i);
          sums = v128.add<T>(sums, v128.sub<T>(a, b));
          v128.store(source + i, v128.add<T>(a, b));
        }
        even = v128.extract_lane<T>(sums, 0);
        odd = v128.extract_lane<T>(sums, 1);
      } else {
        for (let i: usize = 0; i < half; i += 16) {
          const a = load<T>(source + i);
          const b = load<T>(other + i);
          const c = load<T>(source + i, 8);
          const d = load<T>(other + i, 8);
          even += a - b;
          odd += c - d;
          store<T>(source + i, a + b);
          store<T>(source + i, c + d, 8);
        }
      }
      store<T>(target + (<usize>bit << alignof<T>()), even + odd);
    }
    source += rowBytes;
    target += <usize>g << alignof<T>();
  }
}

// target[r] = sum of the 2^g cells at source + r * strideBytes.
export function sumRows<T extends number>(source: usize, strideBytes: usize, g: u32, rowCount: usize, target: usize): void {
  const bytes: usize = sizeof<T>() << (<usize>g);
  for (let r: usize = 0; r < rowCount; r++) {
    let even: T = 0;
    let odd: T = 0;
    for (let i: usize = 0; i < bytes; i += 2 * sizeof<T>()) {
      even += load<T>(source + i);
      odd += load<T>(source + i, sizeof<T>());
    }
    store<T>(target + (r << alignof<T>()), even + odd);
    source += strideBytes;
  }
}

// source: [g][inner] -> target: [2^g][inner], target[x] = sum_j (-1)^(bit j of x) source[j].
export function expandLeading(source: usize, target: usize, g: u32, inner: usize): void {
  const bytes = inner << 3;
  for (let i: usize = 0; i < bytes; i += 8) {
    const value = load<f64>(source + i);
    store<f64>(target + i, value);
    store<f64>(target + bytes + i, -value);
  }
  for (let bit: u32 = 1; bit < g; bit++) {
    const half: usize = bytes << (<usize>bit);
    const term = source + <usize>bit * bytes;
    for (let at: usize = 0; at < half; at += bytes) {
      const p0 = target + at;
      const p1 = p0 + half;
      if (ASC_FEATURE_SIMD) {
        for (let i: usize = 0; i < bytes; i += 16) {
          const value = v128.load(p0 + i);
          const t = v128.load(term + i);
          v128.store(p1 + i, f64x2.sub(value, t));
          v128.store(p0 + i, f64x2.add(value, t));
        }
      } else {
        for (let i: usize = 0; i < bytes; i += 8) {
          const value = load<f64>(p0 + i);
          const t = load<f64>(term + i);
          store<f64>(p1 + i, value - t);
          store<f64>(p0 + i, value + t);
        }
      }
    }
  }
}

// source: rows of [g] -> target: rows of [2^g].
export function expandLast(source: usize, target: usize, g: u32, rowCount: usize): void {
  const rowBytes: usize = <usize>8 << (<usize>g);
  for (let r: usize = 0; r < rowCount; r++) {
    const first = load<f64>(source);
    store<f64>(target, first);
    store<f64>(target, -first, 8);
    for (let bit: u32 = 1; bit < g; bit++) {
      const half: usize = <usize>8 << (<usize>bit);
      const t = load<f64>(source + (<usize>bit << 3));
      if (ASC_FEATURE_SIMD) {
        const tt = f64x2.splat(t);
        for (let i: usize = 0; i < half; i += 16) {
          const value = v128.load(target + i);
          v128.store(target + half + i, f64x2.sub(value, tt));
          v128.store(target + i, f64x2.add(value, tt));
        }
      } else {
        for (let i: usize = 0; i < half; i += 8) {
          const value = load<f64>(target + i);
          store<f64>(target + half + i, value - t);
          store<f64>(target + i, value + t);
        }
      }
    }
    source += <usize>g << 3;
    target += rowBytes;
  }
}

// The 2^g cells at target + r * strideBytes += source[r].
export function addToRows(source: usize, strideBytes: usize, g: u32, rowCount: usize, target: usize): void {
  const bytes: usize = <usize>8 << (<usize>g);
  for (let r: usize = 0; r < rowCount; r++) {
    const value = load<f64>(source + (r << 3));
    for (let i: usize = 0; i < bytes; i += 8) store<f64>(target + i, load<f64>(target + i) + value);
    target += strideBytes;
  }
}

// The second half of a feed-forward layer: output[o] = (sum over units, in increasing order, of fl(a_u down[u][o])) + bias.
// The sum starts at +0 and is therefore never -0, so a unit with a_u = +0 changes nothing whatever the sign of its
// weights: leaving silent units out gives the bits that adding all of them gives.

// Adds the listed units (u32 at `units`, their activations f32 at `values`) to the columns [column0, column1), multiples
// of 16 columns. Eight rows at once: one pass over the output for eight.
export function addUnits(down: usize, rowBytes: usize, units: usize, values: usize, count: usize, output: usize, from: usize, to: usize): void {
  if (!ASC_FEATURE_SIMD) {
    for (let k: usize = 0; k < count; k++) {
      addRow(down + <usize>load<u32>(units + (k << 2)) * rowBytes, load<f32>(values + (k << 2)), output, from, to);
    }
    return;
  }
  for (; count >= 8; count -= 8) {
    const v0 = v128.load_splat<f32>(values);
    const v1 = v128.load_splat<f32>(values, 4);
    const v2 = v128.load_splat<f32>(values, 8);
    const v3 = v128.load_splat<f32>(values, 12);
    const v4 = v128.load_splat<f32>(values, 16);
    const v5 = v128.load_splat<f32>(values, 20);
    const v6 = v128.load_splat<f32>(values, 24);
    const v7 = v128.load_splat<f32>(values, 28);
    const r0 = down + <usize>load<u32>(units) * rowBytes;
    const r1 = down + <usize>load<u32>(units, 4) * rowBytes;
    const r2 = down + <usize>load<u32>(units, 8) * rowBytes;
    const r3 = down + <usize>load<u32>(units, 12) * rowBytes;
    const r4 = down + <usize>load<u32>(units, 16) * rowBytes;
    const r5 = down + <usize>load<u32>(units, 20) * rowBytes;
    const r6 = down + <usize>load<u32>(units, 24) * rowBytes;
    const r7 = down + <usize>load<u32>(units, 28) * rowBytes;
    for (let p = from; p < to; p += 16) {
      let sum = v128.load(output + p);
      sum = f32x4.add(sum, f32x4.mul(v128.load(r0 + p), v0));
      sum = f32x4.add(sum, f32x4.mul(v128.load(r1 + p), v1));
      sum = f32x4.add(sum, f32x4.mul(v128.load(r2 + p), v2));
      sum = f32x4.add(sum, f32x4.mul(v128.load(r3 + p), v3));
      sum = f32x4.add(sum, f32x4.mul(v128.load(r4 + p), v4));
      sum = f32x4.add(sum, f32x4.mul(v128.load(r5 + p), v5));
      sum = f32x4.add(sum, f32x4.mul(v128.load(r6 + p), v6));
      sum = f32x4.add(sum, f32x4.mul(v128.load(r7 + p), v7));
      v128.store(output + p, sum);
    }
    units += 32;
    values += 32;
  }
  for (; count > 0; count--) {
    addRow(down + <usize>load<u32>(units) * rowBytes, load<f32>(values), output, from, to);
    units += 4;
    values += 4;
  }
}

// One row times one activation; `from` and `to` are bytes, multiples of 64.
export function addRow(row: usize, value: f32, output: usize, from: usize, to: usize): void {
  if (ASC_FEATURE_SIMD) {
    const v = f32x4.splat(value);
    for (let p = from; p < to; p += 64) {
      const at = output + p;
      const w = row + p;
      const a = f32x4.add(v128.load(at), f32x4.mul(v128.load(w), v));
      const b = f32x4.add(v128.load(at, 16), f32x4.mul(v128.load(w, 16), v));
      const c = f32x4.add(v128.load(at, 32), f32x4.mul(v128.load(w, 32), v));
      const d = f32x4.add(v128.load(at, 48), f32x4.mul(v128.load(w, 48), v));
      v128.store(at, a);
      v128.store(at, b, 16);
      v128.store(at, c, 32);
      v128.store(at, d, 48);
    }
  } else {
    for (let p = from; p < to; p += 4) {
      store<f32>(output + p, load<f32>(output + p) + load<f32>(row + p) * value);
    }
  }
}

// Units [unit0, unit1) of four inputs: `values` and `output` are those of the first, strides in bytes to the next.
// A tile of four inputs and eight columns stays in registers while the units go by.
export function addUnitsOfFour(down: usize, rowBytes: usize, unit0: usize, unit1: usize, values: usize, valueStride: usize, output: usize, outputStride: usize, from: usize, to: usize): void {
  if (!ASC_FEATURE_SIMD) {
    for (let r: usize = 0; r < 4; r++) {
      for (let u = unit0; u < unit1; u++) addRow(down + u * rowBytes, load<f32>(values + (u << 2)), output, from, to);
      values += valueStride;
      output += outputStride;
    }
    return;
  }
  for (let p = from; p < to; p += 32) {
    const y0 = output + p;
    const y1 = y0 + outputStride;
    const y2 = y1 + outputStride;
    const y3 = y2 + outputStride;
    let a0 = v128.load(y0);
    let b0 = v128.load(y0, 16);
    let a1 = v128.load(y1);
    let b1 = v128.load(y1, 16);
    let a2 = v128.load(y2);
    let b2 = v128.load(y2, 16);
    let a3 = v128.load(y3);
    let b3 = v128.load(y3, 16);
    let row = down + unit0 * rowBytes + p;
    let h0 = values + (unit0 << 2);
    let h1 = h0 + valueStride;
    let h2 = h1 + valueStride;
    let h3 = h2 + valueStride;
    for (let u = unit0; u < unit1; u++) {
      const a = v128.load(row);
      const b = v128.load(row, 16);
      let h = v128.load_splat<f32>(h0);
      a0 = f32x4.add(a0, f32x4.mul(a, h));
      b0 = f32x4.add(b0, f32x4.mul(b, h));
      h = v128.load_splat<f32>(h1);
      a1 = f32x4.add(a1, f32x4.mul(a, h));
      b1 = f32x4.add(b1, f32x4.mul(b, h));
      h = v128.load_splat<f32>(h2);
      a2 = f32x4.add(a2, f32x4.mul(a, h));
      b2 = f32x4.add(b2, f32x4.mul(b, h));
      h = v128.load_splat<f32>(h3);
      a3 = f32x4.add(a3, f32x4.mul(a, h));
      b3 = f32x4.add(b3, f32x4.mul(b, h));
      row += rowBytes;
      h0 += 4, h1 += 4, h2 += 4, h3 += 4;
    }
    v128.store(y0, a0);
    v128.store(y0, b0, 16);
    v128.store(y1, a1);
    v128.store(y1, b1, 16);
    v128.store(y2, a2);
    v128.store(y2, b2, 16);
    v128.store(y3, a3);
    v128.store(y3, b3, 16);
  }
}

// Rows as corners of the whole cube: histograms over all 2^n points, for n so
// small that the full transform is cheaper than blocks.

// table[code[i]] += values[i]
export function cubeScatter(codes: usize, values: usize, table: usize, rowCount: usize): void {
  for (let i: usize = 0; i < rowCount; i++) {
    const cell = table + (<usize>load<u32>(codes + (i << 2)) << 3);
    store<f64>(cell, load<f64>(cell) + load<f64>(values + (i << 3)));
  }
}

// values[i] = table[code[i]]
export function cubeGather(codes: usize, values: usize, table: usize, rowCount: usize): void {
  for (let i: usize = 0; i < rowCount; i++) {
    store<f64>(values + (i << 3), load<f64>(table + (<usize>load<u32>(codes + (i << 2)) << 3)));
  }
}

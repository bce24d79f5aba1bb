// Histograms over tuples of blocks, and their mirror image, gathering from a
// table. `prefix` is the u16 code of the first d-1 blocks of each row, `codes`
// the u8 codes of up to eight last blocks, `codeStride` bytes apart.
//
// Layout: histogram[prefix][k][code], T (gathering is f64 only); a cell row of one k takes `stride`
// bytes. One pass over the rows serves eight last blocks, because loading the
// prefix, the value and the loop cost as much as two updates. Measured: unrolling
// over k matters, a stride known at compile time only 7 %.

export function scatter8<T extends number>(prefix: usize, codes: usize, codeStride: usize, values: usize, histogram: usize, stride: usize, rowCount: usize): void {
  const codes1 = codes + codeStride;
  const codes2 = codes1 + codeStride;
  const codes3 = codes2 + codeStride;
  const codes4 = codes3 + codeStride;
  const codes5 = codes4 + codeStride;
  const codes6 = codes5 + codeStride;
  const codes7 = codes6 + codeStride;
  const row = stride << 3;
  for (let i: usize = 0; i < rowCount; i++) {
    const value = load<T>(values + (i << alignof<T>()));
    let at = histogram + <usize>load<u16>(prefix + (i << 1)) * row;
    let cell = at + (<usize>load<u8>(codes + i) << alignof<T>());
    store<T>(cell, load<T>(cell) + value);
    at += stride;
    cell = at + (<usize>load<u8>(codes1 + i) << alignof<T>());
    store<T>(cell, load<T>(cell) + value);
    at += stride;
    cell = at + (<usize>load<u8>(codes2 + i) << alignof<T>());
    store<T>(cell, load<T>(cell) + value);
    at += stride;
    cell = at + (<usize>load<u8>(codes3 + i) << alignof<T>());
    store<T>(cell, load<T>(cell) + value);
    at += stride;
    cell = at + (<usize>load<u8>(codes4 + i) << alignof<T>());
    store<T>(cell, load<T>(cell) + value);
    at += stride;
    cell = at + (<usize>load<u8>(codes5 + i) << alignof<T>());
    store<T>(cell, load<T>(cell) + value);
    at += stride;
    cell = at + (<usize>load<u8>(codes6 + i) << alignof<T>());
    store<T>(cell, load<T>(cell) + value);
    at += stride;
    cell = at + (<usize>load<u8>(codes7 + i) << alignof<T>());
    store<T>(cell, load<T>(cell) + value);
  }
}

export function scatter4<T extends number>(prefix: usize, codes: usize, codeStride: usize, values: usize, histogram: usize, stride: usize, rowCount: usize): void {
  const codes1 = codes + codeStride;
  const codes2 = codes1 + codeStride;
  const codes3 = codes2 + codeStride;
  const row = stride << 2;
  for (let i: usize = 0; i < rowCount; i++) {
    const value = load<T>(values + (i << alignof<T>()));
    let at = histogram + <usize>load<u16>(prefix + (i << 1)) * row;
    let cell = at + (<usize>load<u8>(codes + i) << alignof<T>());
    store<T>(cell, load<T>(cell) + value);
    at += stride;
    cell = at + (<usize>load<u8>(codes1 + i) << alignof<T>());
    store<T>(cell, load<T>(cell) + value);
    at += stride;
    cell = at + (<usize>load<u8>(codes2 + i) << alignof<T>());
    store<T>(cell, load<T>(cell) + value);
    at += stride;
    cell = at + (<usize>load<u8>(codes3 + i) << alignof<T>());
    store<T>(cell, load<T>(cell) + value);
  }
}

export function scatter2<T extends number>(prefix: usize, codes: usize, codeStride: usize, values: usize, histogram: usize, stride: usize, rowCount: usize): void {
  const codes1 = codes + codeStride;
  const row = stride << 1;
  for (let i: usize = 0; i < rowCount; i++) {
    const value = load<T>(values + (i << alignof<T>()));
    let at = histogram + <usize>load<u16>(prefix + (i << 1)) * row;
    let cell = at + (<usize>load<u8>(codes + i) << alignof<T>());
    store<T>(cell, load<T>(cell) + value);
    at += stride;
    cell = at + (<usize>load<u8>(codes1 + i) << alignof<T>());
    store<T>(cell, load<T>(cell) + value);
  }
}

export function scatter1<T extends number>(prefix: usize, codes: usize, values: usize, histogram: usize, stride: usize, rowCount: usize): void {
  for (let i: usize = 0; i < rowCount; i++) {
    const cell = histogram + <usize>load<u16>(prefix + (i << 1)) * stride + (<usize>load<u8>(codes + i) << alignof<T>());
    store<T>(cell, load<T>(cell) + load<T>(values + (i << alignof<T>())));
  }
}

// histogram[prefix[i]] += values[i]
export function scatterPrefix<T extends number>(prefix: usize, values: usize, histogram: usize, rowCount: usize): void {
  for (let i: usize = 0; i < rowCount; i++) {
    const cell = histogram + (<usize>load<u16>(prefix + (i << 1)) << alignof<T>());
    store<T>(cell, load<T>(cell) + load<T>(values + (i << alignof<T>())));
  }
}

export function gather8(prefix: usize, codes: usize, codeStride: usize, values: usize, table: usize, stride: usize, rowCount: usize): void {
  const codes1 = codes + codeStride;
  const codes2 = codes1 + codeStride;
  const codes3 = codes2 + codeStride;
  const codes4 = codes3 + codeStride;
  const codes5 = codes4 + codeStride;
  const codes6 = codes5 + codeStride;
  const codes7 = codes6 + codeStride;
  const row = stride << 3;
  for (let i: usize = 0; i < rowCount; i++) {
    let at = table + <usize>load<u16>(prefix + (i << 1)) * row;
    const a = load<f64>(at + (<usize>load<u8>(codes + i) << 3));
    at += stride;
    const b = load<f64>(at + (<usize>load<u8>(codes1 + i) << 3));
    at += stride;
    const c = load<f64>(at + (<usize>load<u8>(codes2 + i) << 3));
    at += stride;
    const d = load<f64>(at + (<usize>load<u8>(codes3 + i) << 3));
    at += stride;
    const e = load<f64>(at + (<usize>load<u8>(codes4 + i) << 3));
    at += stride;
    const f = load<f64>(at + (<usize>load<u8>(codes5 + i) << 3));
    at += stride;
    const g = load<f64>(at + (<usize>load<u8>(codes6 + i) << 3));
    at += stride;
    const h = load<f64>(at + (<usize>load<u8>(codes7 + i) << 3));
    const out = values + (i << 3);
    store<f64>(out, load<f64>(out) + (((a + b) + (c + d)) + ((e + f) + (g + h))));
  }
}

export function gather4(prefix: usize, codes: usize, codeStride: usize, values: usize, table: usize, stride: usize, rowCount: usize): void {
  const codes1 = codes + codeStride;
  const codes2 = codes1 + codeStride;
  const codes3 = codes2 + codeStride;
  const row = stride << 2;
  for (let i: usize = 0; i < rowCount; i++) {
    let at = table + <usize>load<u16>(prefix + (i << 1)) * row;
    const a = load<f64>(at + (<usize>load<u8>(codes + i) << 3));
    at += stride;
    const b = load<f64>(at + (<usize>load<u8>(codes1 + i) << 3));
    at += stride;
    const c = load<f64>(at + (<usize>load<u8>(codes2 + i) << 3));
    at += stride;
    const d = load<f64>(at + (<usize>load<u8>(codes3 + i) << 3));
    const out = values + (i << 3);
    store<f64>(out, load<f64>(out) + ((a + b) + (c + d)));
  }
}

export function gather2(prefix: usize, codes: usize, codeStride: usize, values: usize, table: usize, stride: usize, rowCount: usize): void {
  const codes1 = codes + codeStride;
  const row = stride << 1;
  for (let i: usize = 0; i < rowCount; i++) {
    const at = table + <usize>load<u16>(prefix + (i << 1)) * row;
    const a = load<f64>(at + (<usize>load<u8>(codes + i) << 3));
    const b = load<f64>(at + stride + (<usize>load<u8>(codes1 + i) << 3));
    const out = values + (i << 3);
    store<f64>(out, load<f64>(out) + (a + b));
  }
}

export function gather1(prefix: usize, codes: usize, values: usize, table: usize, stride: usize, rowCount: usize): void {
  for (let i: usize = 0; i < rowCount; i++) {
    const cell = table + <usize>load<u16>(prefix + (i << 1)) * stride + (<usize>load<u8>(codes + i) << 3);
    const out = values + (i << 3);
    store<f64>(out, load<f64>(out) + load<f64>(cell));
  }
}

// values[i] += table[prefix[i]]
export function gatherPrefix(prefix: usize, values: usize, table: usize, rowCount: usize): void {
  for (let i: usize = 0; i < rowCount; i++) {
    const out = values + (i << 3);
    store<f64>(out, load<f64>(out) + load<f64>(table + (<usize>load<u16>(prefix + (i << 1)) << 3)));
  }
}

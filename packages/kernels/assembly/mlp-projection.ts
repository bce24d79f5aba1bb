// The projection of an input, and the numbers of the first test of mlp-screen.ts. The test is rigorous whatever the rows
// are; its proof, with the names used here, is docs/sparse-mlp.md.
//
// Row k is v_k N_k with N_k of int16; the product with the input t p is v_k t n_k, n_k = N_k . p, a whole number that the
// host keeps within 32 bits by the size of p. The products are quantised as an input is.
import { MlpRecord, UNSCREENED } from "./mlp-plan";
import { quantiseInput, roundedUp, sumsOfFour } from "./mlp-screen";

// Norms are sums of f64 with a relative error far below this.
const NORM_SLACK: f64 = 1 + 1 / 1048576.0;
// More than the roundings of the test and of the products in f32.
const TEST_SLACK: f64 = 1 / 1048576.0;
// What a difference of two squared norms may have lost, as a share of the larger.
const DIFFERENCE_SLACK: f64 = 1 / 1099511627776.0;
// More than all that underflow can lose in the products.
const LEAST_ERROR = reinterpret<f64>(0x39b0000000000000); // 2^-100

// Products of rows [row0, row1) (multiples of 4) with the codes, as i32. `rows`: int16, 4 rows x 8 columns in 64 bytes.
export function projectRows(rows: usize, columns: usize, codes: usize, row0: usize, row1: usize, products: usize): void {
  const codesEnd = codes + (columns << 1);
  let at = rows + ((row0 * columns) << 1);
  for (let row = row0; row < row1; row += 4) {
    const to = products + (row << 2);
    if (ASC_FEATURE_SIMD) {
      let d0 = i32x4(0, 0, 0, 0);
      let d1 = d0;
      let d2 = d0;
      let d3 = d0;
      for (let p = codes; p < codesEnd; p += 16) {
        const v = v128.load(p);
        d0 = i32x4.add(d0, i32x4.dot_i16x8_s(v128.load(at), v));
        d1 = i32x4.add(d1, i32x4.dot_i16x8_s(v128.load(at, 16), v));
        d2 = i32x4.add(d2, i32x4.dot_i16x8_s(v128.load(at, 32), v));
        d3 = i32x4.add(d3, i32x4.dot_i16x8_s(v128.load(at, 48), v));
        at += 64;
      }
      v128.store(to, sumsOfFour(d0, d1, d2, d3));
    } else {
      for (let k: usize = 0; k < 4; k++) {
        let dot: i32 = 0;
        let w = at + (k << 4);
        for (let p = codes; p < codesEnd; p += 16) {
          for (let c: usize = 0; c < 16; c += 2) dot += <i32>load<i16>(w + c) * <i32>load<i16>(p + c);
          w += 64;
        }
        store<i32>(to + (k << 2), dot);
      }
      at += columns << 3;
    }
  }
}

// The whole products of an input (i32, overwritten by what they stand for, f32) to codes and the record of the first test.
// `input` is the record of the input, `inverse` at most 1 / (the largest eigenvalue of V V'), `gamma` the rounding of a dot.
export function quantiseProducts(products: usize, rank: usize, scales: usize, inputCodes: usize, columns: usize, input: MlpRecord, inverse: f64, gamma: f64, to: usize, codeLimit: f32, normLimit: f64, record: MlpRecord): void {
  const t = input.step;
  const end = rank << 2;
  let seen: f64 = 0;
  for (let k: usize = 0; k < end; k += 4) {
    const n = load<i32>(products + k);
    const v = load<f32>(scales + k);
    const y = <f64>v * <f64>n;
    seen += y * y;
    store<f32>(products + k, v * t * <f32>n);
  }
  quantiseInput(products, end, to, codeLimit, normLimit, record);
  if (record.mode == UNSCREENED) return;
  const all = codeSquares(inputCodes, columns);
  const left = max<f64>(0, all - seen * inverse) + all * DIFFERENCE_SLACK;
  const a = <f64>input.norm;
  const b = <f64>input.error;
  const productNorm = <f64>record.norm;
  const productError = <f64>record.error;
  record.norm = roundedUp(a + b);
  record.error = roundedUp(productError + b + gamma * a + TEST_SLACK * (productNorm + productError) + LEAST_ERROR);
  record.residual = roundedUp(<f64>t * sqrt(left) * NORM_SLACK);
}

// Sum of squares, exact: codes are at most 2^15 - 1.
function codeSquares(codes: usize, columns: usize): f64 {
  const end = codes + (columns << 1);
  let sum: i64 = 0;
  if (ASC_FEATURE_SIMD) {
    let sums = i64x2(0, 0);
    for (; codes < end; codes += 16) {
      const v = v128.load(codes);
      const pairs = i32x4.dot_i16x8_s(v, v);
      sums = i64x2.add(sums, i64x2.add(i64x2.extend_low_i32x4_u(pairs), i64x2.extend_high_i32x4_u(pairs)));
    }
    sum = i64x2.extract_lane(sums, 0) + i64x2.extract_lane(sums, 1);
  } else {
    for (; codes < end; codes += 2) {
      const code = <i64>load<i16>(codes);
      sum += code * code;
    }
  }
  return <f64>sum;
}

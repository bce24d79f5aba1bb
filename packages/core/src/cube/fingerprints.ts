/**
 * Fingerprints of rows: a number per row such that equal rows have equal ones and others, as good as surely, do not. Two
 * streams of 32 bits (multiply, add, shift), of which 53 bits become a double: a million rows beside a million others
 * meet by accident once in ten thousand times.
 */

/** Fingerprints of rows, and the way they were taken: those of another way are others. */
export interface Fingerprints {
  readonly by: string;
  readonly values: Float64Array;
}

/** Takes what rows consist of, piece by piece. */
export interface FingerprintBuilder {
  addText(row: number, text: string): void;
  /** @param bits a whole number below 2^53 */
  addBits(row: number, bits: number): void;
  values(): Float64Array;
}

/** No UTF-16 unit: ends a text, so that `ab`, `c` is not `a`, `bc`. */
const END = 0x1_0000;

export function createFingerprintBuilder(rowCount: number): FingerprintBuilder {
  const first = new Uint32Array(rowCount);
  const second = new Uint32Array(rowCount);
  const mix = (row: number, unit: number): void => {
    const a = Math.imul((first[row] ^ unit) + 0x9e3779b9, 0x85ebca6b);
    const b = Math.imul((second[row] ^ unit) + 0x7f4a7c15, 0xc2b2ae35);
    first[row] = a ^ (a >>> 15);
    second[row] = b ^ (b >>> 13);
  };
  return {
    addText(row, text) {
      for (let i = 0; i < text.length; i++) mix(row, text.charCodeAt(i));
      mix(row, END);
    },
    addBits(row, bits) {
      mix(row, bits % 2 ** 32);
      mix(row, Math.floor(bits / 2 ** 32));
    },
    values: () => Float64Array.from(first, (high, row) => (high >>> 11) * 2 ** 32 + second[row]),
  };
}

// What the host and the kernels of feed-forward layers tell each other: structs in memory, a field after the other as C has
// them. These classes are the one list of the fields: the kernels read and write them by name, and scripts/structs.mjs
// makes of them the names and places that the host uses (src/generated/structs.ts). So every field stands on a line of its
// own, with its type and what it is; usize is an offset in memory or a number of things.

/** What a layer is, where its numbers are and how a forward is cut; written by the host, see mlp-items.ts. */
// @ts-ignore: decorator
@unmanaged
export class MlpPlan {
  operation: u32; // which half `mlpItem` does a share of
  inputCount: usize; // inputs in the batch
  columns: usize; // of an input, padded
  paddedUnits: usize;
  outputColumns: usize; // padded
  squared: u32; // 1: the activation is z squared
  unitsPerItem: usize; // of a projection: rows per item
  columnsPerItem: usize; // output columns
  unitsPerPass: usize; // of a batch over `down`
  inputs: usize; // f32 [input][column]
  codes: usize; // i16 [input][column]
  records: usize; // MlpRecord [input]
  up: usize; // f32 [unit][column]
  upBias: usize; // f32 [unit]
  linear: usize; // f32 [unit][column], or 0 if not gated
  linearBias: usize; // f32 [unit]
  down: usize; // f32 [unit][output column]
  downBias: usize; // f32 [output column]
  rows: usize; // int8, as mlp-screen.ts has them; with a projection one after the other instead of four by four
  scales: usize; // s, f32 [unit]
  weightErrors: usize; // e1, f32 [unit]
  codeNorms: usize; // e2, f32 [unit]
  thresholds: usize; // f32 [unit]
  survivors: usize; // u32 [unit]
  activeUnits: usize; // u32 [input][unit]
  activeValues: usize; // f32 [input][unit]: the activations of the active units
  counts: usize; // ItemCounts [item][input]
  activations: usize; // f32 [input][unit], of the dense way
  outputs: usize; // f32 [input][output column]
  cursors: usize; // u32 [item of columns][input]
  codeLimit: u32; // largest code of an input
  unitCount: usize; // without padding
  normLimit: f64; // an input of a larger norm is not screened
  // A first test on a projection of the input, mlp-projection.ts; all 0 without one.
  rank: usize; // padded
  projectionRows: usize; // i16, four rows x 8 columns in 64 bytes
  projectionScales: usize; // f32 [row]
  products: usize; // i32, then f32, [input][row]
  productCodes: usize; // i16 [input][row]
  productRecords: usize; // MlpRecord [input]
  factors: usize; // int8 [unit][row], as mlp-screen.ts has them
  factorScales: usize; // f32 [unit]
  insideErrors: usize; // e1, f32 [unit]
  factorNorms: usize; // e2, f32 [unit]
  residuals: usize; // e3, f32 [unit]
  productCodeLimit: u32; // largest code of a product
  refineAbove: f32; // more than this share of the units goes through the int8 test too
  dotRounding: f64; // gamma
  inverse: f64; // at most 1 / (largest eigenvalue of V V')
}

/** What a test needs of an input (or of its products with a projection), and after the run what became of the units. */
// @ts-ignore: decorator
@unmanaged
export class MlpRecord {
  step: f32; // t
  norm: f32; // A >= |x|; of a projection X
  error: f32; // B >= |x - t p|; of a projection Y
  mode: u32; // UNSCREENED, SCREENED or LISTED
  residual: f32; // R, of a projection: at least what its rows leave of the input
  listedCount: usize; // LISTED: how many units to evaluate stand where survivors do
  activeCount: u32;
  evaluatedCount: u32;
  passedCount: u32; // units let through by a first test
}

/** Of the units of one item, for one input. */
// @ts-ignore: decorator
@unmanaged
export class ItemCounts {
  activeCount: u32;
  evaluatedCount: u32;
  passedCount: u32;
}

/** A calibrated screen, mlp-calibrated.ts; written by the host. What a screen does not have is 0. */
// @ts-ignore: decorator
@unmanaged
export class CalibratedPlan {
  isLowRank: u32;
  inputBytes: usize;
  paddedUnits: usize; // padded to 32
  unitCount: usize;
  input: usize; // f32 [column]
  found: usize; // u32 [unit]
  data: usize; // lookup: codes; low rank: the leading columns of A, int8
  scales: usize; // f32 [unit]
  thresholds: usize; // of the first test, f32 [unit]
  tables: usize; // lookup: u8 [two columns][16]; low rank: V x, f32 [rank]
  projection: usize; // V, int8
  projectionScales: usize; // f32 [row of V]
  rank: usize;
  leadColumns: usize; // leading columns of A; these and the rank are multiples of 16
  inputCodes: usize; // i16 [column]
  inputCodeLimit: u32;
  codes: usize; // of V x, i16 [row of V]
  codeLimit: u32;
  records: usize; // MlpRecord of x and of V x
  rows: usize; // A, int8, row after row, or 0 for one test
  rowThresholds: usize; // of the second test, f32 [unit]
}

/** `MlpRecord.mode`. Nothing can be said of the input: every unit is evaluated. */
export const UNSCREENED: u32 = 0;
export const SCREENED: u32 = 1;
/** The units to evaluate stand where survivors do: one input and one item only. */
export const LISTED: u32 = 2;

/** Bytes from one record to the next, in arrays of them. */
export const RECORD: usize = offsetof<MlpRecord>();
export const COUNTS: usize = offsetof<ItemCounts>();

// The binary of block operators whose adjoint adds in f32; forwards are f64 as in learning.
export { adjointItemF32 as adjointItem, forwardItem, cutBlock } from "./block-items";

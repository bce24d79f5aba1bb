// The binary of learning: operators on monomials, by blocks and on the whole cube, and chosen parities as columns.
// In every binary the host allocates all memory and passes byte offsets; nothing here allocates.
export { adjointItem, forwardItem, cutBlock } from "./block-items";
export { cubeScatter, cubeGather } from "./cube";
export { walshHadamardF64 } from "./walsh";
export { columnsOfPlane, columnXor, columnXorWords, columnCopy, columnDifferences, columnSigned, columnCorrelations, columnCombination } from "./columns";

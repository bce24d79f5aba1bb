// The exports of the WebAssembly binary. The host allocates all memory and
// passes byte offsets; nothing here allocates.
export { walshHadamardF32, walshHadamardF64 } from "./walsh";
export { adjointItem, forwardItem, cutBlock } from "./block-items";
export { networkItem } from "./network-dense";
export { grayItems } from "./gray";
export { addRows, readState } from "./incremental";
export { cubeScatter, cubeGather } from "./cube";
export { columnsOfPlane, columnXor, columnXorWords, columnCopy, columnDifferences, columnSigned, columnCorrelations, columnCombination } from "./columns";
export { mlpFinishProjection, mlpItem, mlpQuantise } from "./mlp-items";
export { mlpScreenCalibrated } from "./mlp-calibrated";

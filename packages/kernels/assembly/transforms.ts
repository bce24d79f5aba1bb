// The binary of the full transform in both precisions.
export { walshHadamardF32, walshHadamardF64 } from "./walsh";

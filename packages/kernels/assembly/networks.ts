// The binary of networks on points of the cube: dense, swept exactly, and at a point that moves.
export { networkItem } from "./network-dense";
export { grayItems } from "./gray";
export { addRows, readState } from "./incremental";

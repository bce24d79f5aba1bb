// The binary of trained feed-forward layers.
export { markListed, mlpFinishProjection, mlpForward, mlpGather, mlpItem, mlpQuantise } from "./mlp-items";
export { mlpScreenCalibrated } from "./mlp-calibrated";

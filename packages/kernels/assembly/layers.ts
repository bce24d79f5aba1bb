// The binary of trained feed-forward layers.
export { mlpFinishProjection, mlpItem, mlpQuantise } from "./mlp-items";
export { mlpScreenCalibrated } from "./mlp-calibrated";

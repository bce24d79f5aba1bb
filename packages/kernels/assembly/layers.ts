// The binary of trained feed-forward layers.
export { listSurvivors, mlpFinishProjection, mlpForward, mlpGather, mlpItem, mlpQuantise } from "./mlp-items";
export { mlpScreenCalibrated } from "./mlp-calibrated";

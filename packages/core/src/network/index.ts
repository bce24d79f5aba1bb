export type { MlpActivation, ReluLayer } from '@fewfire/kernels';
export * from './certify/index.ts';
export * from './certify-degree.ts';
export * from './check-certificate.ts';
export * from './check-layer.ts';
export * from './domain.ts';
export * from './families/index.ts';
export * from './firing-rates.ts';
export * from './hard-instances.ts';
export * from './import-onnx-trees.ts';
export * from './import-trees.ts';
export * from './import-xgboost.ts';
export * from './incremental.ts';
export * from './layer-network.ts';
export * from './measure-function.ts';
export * from './network.ts';
export * from './network-file.ts';
export * from './sample.ts';
export { attributeTreeRows, type TreeAttributionOptions, type TreeAttributions } from './tree-attribution.ts';
export {
  type CategoryCoordinate,
  type ClassRule,
  encodeTreeRows,
  evaluateTreeEnsemble,
  type MissingAnswer,
  predictTrees,
  type ThresholdCoordinate,
  type TreeCoordinate,
  type TreeEnsemble,
  type TreeFeature,
  type TreeLink,
  type TreeModel,
  type TreePredictions,
  treeEnsembleNetwork,
} from './tree-ensemble.ts';
export {
  type AnyNetwork,
  createTreeNetwork,
  evaluateTreeNetwork,
  expandTreeNetwork,
  isTreeNetwork,
  networkOnCube,
  scaleOfNetwork,
  type TreeNetwork,
  treeNetworkScale,
  treeSquaredScales,
  treesOfNetwork,
  unitTreeCount,
} from './tree-network.ts';
export type { QuestionPart, TreeNodes, TreePart } from './tree-part.ts';
export type { TreeImportOptions } from './tree-source.ts';
export * from './tree-spectrum.ts';
export { encodeTreeTable, type TreeColumns, treeColumns } from './tree-table.ts';
export * from './unit-spectra.ts';

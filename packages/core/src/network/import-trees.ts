/** A trained tree ensemble from the bytes of its file: which format it is, is in the bytes and not in the name. */
import { checkOptions, FewfireError } from '../base/index.ts';
import { isUbjson } from '../formats/index.ts';
import { importOnnxTrees } from './import-onnx-trees.ts';
import { importXgboost } from './import-xgboost.ts';
import { otherFile } from './other-models.ts';
import type { TreeModel } from './tree-ensemble.ts';
import type { TreeImportOptions } from './tree-source.ts';

export type TreeFileFormat = 'json' | 'ubjson' | 'onnx';

/** Options of `importTreeModel`. */
export interface TreeFileOptions extends TreeImportOptions {
  /** Of XGBoost: only the trees of the first so many boosting rounds. */
  readonly roundCount?: number | undefined;
  /** Names of the features, in the model's order; needed where it has none and f0, f1, ... are not wanted. */
  readonly featureNames?: readonly string[] | undefined;
}

/** Which format the bytes of a model are in, as far as its first bytes say; undefined for none that is read. */
export function treeFileFormat(bytes: Uint8Array): TreeFileFormat | undefined {
  if (isUbjson(bytes)) return 'ubjson';
  // Behind a byte order mark and white space.
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (bytes[at] === 0x20 || (bytes[at] >= 0x09 && bytes[at] <= 0x0d)) at++;
  if (bytes[at] === 0x7b || bytes[at] === 0x5b) return 'json';
  // A protobuf message begins with the tag of a field: of ONNX the version, or a length-delimited one.
  return bytes[0] === 0x08 ? 'onnx' : undefined;
}

/**
 * Reads a model of any format.
 * @throws FewfireError `model-file` for what is damaged or something else, by name where it is known; `invalid-argument`
 *   for options that do not fit; `unsupported`
 * @example
 * ```ts
 * import { importTreeModel } from '@fewfire/core';
 *
 * // One tree: 1 below an age of 40, else 3; as XGBoost's save_model('model.json') writes it.
 * const tree = {
 *   tree_param: { size_leaf_vector: '0' },
 *   left_children: [1, -1, -1],
 *   right_children: [2, -1, -1],
 *   split_indices: [0, 0, 0],
 *   split_conditions: [40, 1, 3],
 *   default_left: [0, 0, 0],
 * };
 * const learner = {
 *   feature_names: ['age'],
 *   objective: { name: 'reg:squarederror' },
 *   learner_model_param: { num_feature: '1', num_class: '0', base_score: '0' },
 *   gradient_booster: { name: 'gbtree', model: { tree_info: [0], iteration_indptr: [0, 1], trees: [tree] } },
 * };
 * const file = new TextEncoder().encode(JSON.stringify({ learner, version: [2, 1, 0] }));
 * const model = importTreeModel(file);
 * console.log(model.coordinates.map(({ name }) => name), model.outputs[0].trees.length); // [ 'age>=40 or missing' ] 1
 * ```
 */
export function importTreeModel(bytes: Uint8Array, options: TreeFileOptions = {}): TreeModel {
  checkOptions('importTreeModel', options, {
    label: 'string',
    booleanFeatures: 'names',
    missing: ['follow', 'refuse'],
    roundCount: 'number',
    featureNames: 'names',
  });
  const label = options.label ?? 'the model';
  const format = treeFileFormat(bytes);
  if (format === 'json' || format === 'ubjson') return importXgboost(bytes, options);
  const other = otherFile(bytes, label);
  // Fields of protobuf may stand in any order, so a file called .onnx is looked at whatever comes first.
  if (other === undefined && (format === 'onnx' || /\.onnx$/i.test(label))) {
    const { roundCount, ...settings } = options;
    if (roundCount === undefined) return importOnnxTrees(bytes, settings);
    throw new FewfireError(
      'invalid-argument',
      `${label} is ONNX, which does not know boosting rounds; leave \`roundCount\` out`,
    );
  }
  throw (
    other ??
    new FewfireError(
      'model-file',
      `${label} ${bytes.length === 0 ? 'is empty' : 'is no model of trees that is known here'}; expected XGBoost (JSON or UBJSON, as save_model writes it) or ONNX`,
    )
  );
}

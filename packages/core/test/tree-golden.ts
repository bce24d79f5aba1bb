/** The goldens of tree ensembles: models of Debian's XGBoost with rows, margins and classes (see make-tree-goldens.py). */
import { readFileSync } from 'node:fs';
import type { TreeModel } from '@fewfire/core';
import { importOnnxTrees, importXgboost, type XgboostImportOptions } from '@fewfire/core/internal';

/** Those that are there as ONNX too. */
export const ONNX_GOLDENS = ['chess-binary', 'numbers-regression', 'three-classes', 'flags-poisson'];
export const TREE_GOLDENS = [...ONNX_GOLDENS, 'flags-dart', 'sets-early'];

export interface TreeGolden {
  /** The text XGBoost saves. */
  readonly xgboost: string;
  /** The bytes it saves otherwise. */
  readonly ubjson: Uint8Array | null;
  readonly onnx: Uint8Array | null;
  /** NaN is missing. */
  readonly rows: number[][];
  /** Per row, or per row and class. */
  readonly margins: (number | number[])[];
  readonly values: (number | number[])[];
  readonly classes: number[] | null;
}

export function readTreeGolden(name: string): TreeGolden {
  const data = JSON.parse(readFileSync(new URL(`./trees/goldens/${name}.json`, import.meta.url), 'utf8'));
  return {
    xgboost: data.text ?? JSON.stringify(data.model),
    ubjson: data.ubjson === undefined ? null : new Uint8Array(Buffer.from(data.ubjson, 'base64')),
    onnx: data.onnx === null ? null : new Uint8Array(Buffer.from(data.onnx, 'base64')),
    rows: data.rows.map((row: (number | null)[]) => row.map((value) => value ?? Number.NaN)),
    margins: data.margins,
    values: data.values,
    classes: data.classes,
  };
}

export function importGolden(name: string, options: XgboostImportOptions = {}): TreeModel {
  return importXgboost(readTreeGolden(name).xgboost, { label: name, ...options });
}

/** The golden as ONNX; chess and the flags have features that are 0 or 1, which ONNX does not say. */
export function importOnnxGolden(name: string): TreeModel {
  const { features } = importGolden(name);
  const featureNames = features.map((feature) => feature.name);
  const booleanFeatures = features.filter((feature) => feature.boolean).map((feature) => feature.name);
  return importOnnxTrees(readTreeGolden(name).onnx as Uint8Array, { featureNames, booleanFeatures });
}

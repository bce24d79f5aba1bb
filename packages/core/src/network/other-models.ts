/**
 * Files that people have where the model of an import is expected: what they are, by their content and not by their
 * name, and what to do instead. Whoever saved a configuration or trained with another library is not told that the file
 * is damaged.
 */
import { FewfireError } from '../base/index.ts';

const XGBOOST_SAVE = "save the model itself with save_model('model.json')";
const AS_ONNX = 'convert it to ONNX (onnxmltools or skl2onnx) and import that';
/** Bytes at the start that are looked at for words. */
const HEAD_BYTES = 4096;

interface Known {
  readonly is: string;
  readonly todo: string;
}

/** What JSON that has no "learner" is, where it is known. */
export function otherJson(data: unknown, label: string): FewfireError | undefined {
  const known = Array.isArray(data) ? knownList(data) : knownObject(data);
  return known && otherModel(known, label);
}

function knownList([first]: readonly unknown[]): Known | undefined {
  const isNode = typeof first === 'object' && first !== null && 'nodeid' in first;
  return isNode
    ? { is: 'a dump of XGBoost (dump_model, get_dump), which lacks base_score and the objective', todo: XGBOOST_SAVE }
    : undefined;
}

function knownObject(data: unknown): Known | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  if ('format' in data && data.format === 'fewfire-network') {
    return { is: 'a network already', todo: 'use it as it is: fewfire network show, fewfire predict' };
  }
  if ('format' in data && data.format === 'fewfire-model') {
    return { is: 'a model of fewfire fit', todo: 'use it as it is: fewfire show, fewfire predict' };
  }
  if ('tree_info' in data && 'feature_names' in data) {
    return { is: 'a LightGBM model (dump_model)', todo: AS_ONNX };
  }
  if ('oblivious_trees' in data || ('features_info' in data && 'model_info' in data)) {
    return { is: 'a CatBoost model', todo: "save it with save_model(name, format='onnx') and import that" };
  }
  return undefined;
}

/** What a file that is neither JSON, UBJSON nor ONNX is, where it is known. */
export function otherFile(bytes: Uint8Array, label: string): FewfireError | undefined {
  const known = knownFile(bytes, new TextDecoder('latin1').decode(bytes.subarray(0, HEAD_BYTES)));
  return known && otherModel(known, label);
}

function knownFile(bytes: Uint8Array, head: string): Known | undefined {
  const text = head.trimStart();
  if (text.startsWith('booster[') || text.startsWith('digraph')) {
    return { is: 'a dump of XGBoost (dump_model), which lacks base_score and the objective', todo: XGBOOST_SAVE };
  }
  if (/^tree\r?\n(?:.*\r?\n)?version=/.test(text)) return { is: 'a LightGBM model', todo: AS_ONNX };
  if (head.startsWith('CBM1')) {
    return { is: 'a CatBoost model', todo: "save it with save_model(name, format='onnx') and import that" };
  }
  if (/^<(?:\?xml|PMML)/.test(text)) return { is: 'XML, perhaps PMML', todo: AS_ONNX };
  // Protocols 2 to 5 of pickle, and joblib's.
  if (bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5) {
    return {
      is: 'a Python pickle, which is a program and not read here',
      todo: `of XGBoost, load it and ${XGBOOST_SAVE}; of scikit-learn or another library, ${AS_ONNX}`,
    };
  }
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return { is: 'compressed (gzip)', todo: 'unpack it first' };
  if (head.startsWith('PK\u0003\u0004')) return { is: 'a zip archive', todo: 'unpack it first' };
  // The layout before JSON: parameters as bytes, then the names of objective and booster.
  if (head.startsWith('binf') || /(?:binary:|reg:|multi:|rank:|count:|survival:).{1,60}gb(?:tree|linear)/s.test(head)) {
    return { is: 'an XGBoost model in its old binary form', todo: `load it in XGBoost and ${XGBOOST_SAVE}` };
  }
  return undefined;
}

function otherModel({ is, todo }: Known, label: string): FewfireError {
  return new FewfireError('model-file', `${label} is ${is}; ${todo}`);
}

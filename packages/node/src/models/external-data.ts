/**
 * The files beside an ONNX model that hold its weights. A model is somebody else's file: what it names is read only from
 * its own folder or below, so that it cannot have other files of this machine read.
 */
import { realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { FewfireError, type RunOptions } from '@fewfire/core';
import { checkFileSize, readFileBytes } from '../files.ts';

/** A file that was found, not read yet. */
export interface FoundFile {
  /** As the model names it. */
  readonly location: string;
  readonly path: string;
  readonly byteCount: number;
}

/** A file that holds weights of a model. */
export interface ExternalFile extends FoundFile {
  readonly bytes: Uint8Array;
}

/**
 * The files beside a model that hold its weights.
 * @param modelPath the .onnx file
 * @param locations paths of the files as the model names them: `OnnxTensor.place` has them under `location`
 * @throws FewfireError `file-not-found`; `model-file` for paths that leave the folder of the model
 * @example
 * ```ts
 * import { findExternalFiles } from '@fewfire/node';
 *
 * console.log(await findExternalFiles('examples/charlm-relu.onnx', [])); // []
 * ```
 */
export async function findExternalFiles(modelPath: string, locations: readonly string[]): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  for (const location of locations) {
    const path = join(dirname(modelPath), location);
    const parts = location.split(/[\\/]/);
    if (location.startsWith('/') || parts.includes('..') || /^[a-z]:|^\\|\0/i.test(location)) {
      throw outside(modelPath, location, 'which is not inside the folder of the model');
    }
    let real: string;
    try {
      real = await realpath(path);
    } catch (cause) {
      const name = JSON.stringify(location);
      throw new FewfireError(
        'file-not-found',
        `${modelPath} keeps its weights in ${name}, and there is no file ${path}; put ${name} beside the model, under this name`,
        { cause },
      );
    }
    if (!real.startsWith(join(await realpath(dirname(modelPath)), sep))) {
      throw outside(modelPath, location, `which is a link to ${real}, outside of the folder of the model`);
    }
    const byteCount = await checkFileSize(real, { memoryLimitBytes: Number.POSITIVE_INFINITY });
    found.push({ location, path: real, byteCount });
  }
  return found;
}

/**
 * Reads the files that hold weights of a model.
 * @throws FewfireError `file-unreadable`, `memory-budget`
 * @example
 * ```ts
 * import { findExternalFiles, readExternalFiles } from '@fewfire/node';
 *
 * console.log(await readExternalFiles(await findExternalFiles('examples/charlm-relu.onnx', []))); // []
 * ```
 */
export async function readExternalFiles(
  files: readonly FoundFile[],
  options: RunOptions = {},
): Promise<ExternalFile[]> {
  const { signal, memoryLimitBytes = 2 ** 31 } = options;
  const read: ExternalFile[] = [];
  let left = memoryLimitBytes;
  for (const file of files) {
    const bytes = await readFileBytes(file.path, { signal, memoryLimitBytes: left, copies: 1 });
    left -= bytes.length;
    read.push({ ...file, bytes });
  }
  return read;
}

function outside(modelPath: string, location: string, why: string): FewfireError {
  return new FewfireError(
    'model-file',
    `${modelPath} keeps its weights in ${JSON.stringify(location)}, ${why}; only files beside the model are read: put it there and save the model with that name`,
  );
}

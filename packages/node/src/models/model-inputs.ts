/**
 * Inputs for models from files: arrays by name (.npy, .npz, safetensors) or the numeric columns of a table (.csv and
 * what else `openTable` takes), fitted to the inputs of a model and cut into batches. What does not fit is an error that
 * says what was found and what the model asks for.
 */
import { basename } from 'node:path';
import { FewfireError } from '@fewfire/core';
import {
  type ChooseArrays,
  listNames,
  type NumberArray,
  parseNpy,
  parseSafetensorsArrays,
} from '@fewfire/core/internal';
import { readFileBytes } from '../files.ts';
import { type OpenTableOptions, openTable } from '../tables/open-table.ts';
import { parseNpz } from './npz.ts';
import type { ModelInput } from './onnx-runner.ts';

/**
 * Arrays by name. The array of an .npy file is called as the file, the one of a table too: its rows are those of the
 * table, its columns all columns in order.
 * @throws FewfireError `file-not-found`, `file-unreadable`, `unsupported`, `memory-budget`; for tables as `openTable`
 * @example
 * ```ts
 * import { readInputArrays } from '@fewfire/node';
 *
 * const arrays = await readInputArrays('examples/charlm-relu-tokens.npy');
 * console.log([...arrays.keys()]); // [ 'charlm-relu-tokens' ]
 * ```
 */
export async function readInputArrays(
  path: string,
  options: OpenTableOptions & { readonly choose?: ChooseArrays } = {},
): Promise<ReadonlyMap<string, NumberArray>> {
  const { signal, memoryLimitBytes = 2 ** 31, choose } = options;
  const extension = /\.(npy|npz|safetensors)$/i.exec(path)?.[1].toLowerCase();
  if (extension === undefined) return new Map([[basename(path), await readTableArray(path, options)]]);
  const bytes = await readFileBytes(path, { signal, memoryLimitBytes, copies: extension === 'npy' ? 2 : 1 });
  // Beside the bytes.
  const left = memoryLimitBytes - bytes.length;
  if (extension === 'npz') return parseNpz(bytes, path, left, choose);
  if (extension === 'safetensors') return parseSafetensorsArrays(bytes, path, left, choose);
  return new Map([[basename(path).replace(/\.npy$/i, ''), parseNpy(bytes, path, left)]]);
}

async function readTableArray(path: string, options: OpenTableOptions): Promise<NumberArray> {
  const table = await openTable(path, options);
  try {
    const { rowCount, columns } = table;
    const width = columns.length;
    const limit = options.memoryLimitBytes ?? 2 ** 31;
    if (16 * rowCount * width > limit) {
      throw new FewfireError(
        'memory-budget',
        `${path} has ${rowCount} rows of ${width} columns, which takes more memory than allowed; allow more or give fewer rows`,
      );
    }
    const values = new Float64Array(rowCount * width);
    for (const [c, { name }] of columns.entries()) {
      const column = await table.numbers(name, options);
      for (let row = 0; row < rowCount; row++) {
        if (Number.isNaN(column[row])) {
          throw new FewfireError(
            'missing-values',
            `column ${JSON.stringify(name)} of ${path} has no value in row ${row + 1}; expected a number in every cell: a model has no rule for missing ones`,
          );
        }
        values[row * width + c] = column[row];
      }
    }
    return { shape: [rowCount, width], values };
  } finally {
    await table.close();
  }
}

/** How arrays go through a model, batch by batch. */
export interface BatchPlan {
  readonly sampleCount: number;
  /** Where the model takes only this many samples at a time. */
  readonly fixedBatch: number | undefined;
  readonly notes: readonly string[];
  /** The inputs of these samples, in this order; a sample may come twice. */
  pick(samples: readonly number[]): ReadonlyMap<string, NumberArray>;
}

/**
 * Fits arrays to the inputs of a model. Samples run along the first axis of the first input (of the next one, if that is a
 * state, whose samples stand on another axis). In other inputs they run along the axis that the model calls by the same
 * name; without one, along that which is not fixed, or fixed to as many as the model takes at a time, and as long as there
 * are samples. An input that is given for one sample is given to every one, one of fixed shape whole to every batch.
 * @throws FewfireError `invalid-data` for missing inputs and shapes that do not fit
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { openOnnxRunner, planBatches, readInputArrays } from '@fewfire/node';
 *
 * const bytes = await readFile('examples/charlm-relu.onnx');
 * const arrays = await readInputArrays('examples/charlm-relu-tokens.npy');
 * const runner = await openOnnxRunner(bytes, []);
 * const tokens = new Map([[runner.inputs[0].name, [...arrays.values()][0]]]);
 * console.log(planBatches(runner.inputs, tokens, 'charlm-relu.onnx').sampleCount); // 64
 * await runner.close();
 * ```
 */
export function planBatches(
  inputs: readonly ModelInput[],
  arrays: ReadonlyMap<string, NumberArray>,
  label: string,
): BatchPlan {
  const notes: string[] = [];
  const given = givenArrays(inputs, arrays, label, notes);
  const leading = leadingInput(inputs);
  if (leading === undefined) {
    throw new FewfireError('unsupported', `${label} has no input with an axis for samples; expected one`);
  }
  const main = withSampleAxis(leading, given.get(leading.name) as NumberArray);
  given.set(leading.name, main);
  const sampleCount = main.shape[0];
  if (sampleCount === 0 || main.values.length === 0) {
    throw new FewfireError('invalid-data', `the input ${JSON.stringify(leading.name)} is empty; expected a sample`);
  }
  const fixed = leading.shape[0];
  const isFixed = typeof fixed === 'number';
  // The axis of samples of every input that has one.
  const axes = new Map<string, number>();
  const shared: string[] = [];
  for (const input of inputs) {
    const array = given.get(input.name) as NumberArray;
    const { shape } = array;
    const axis = input === leading ? 0 : sampleAxis(input, leading.shape, shape, sampleCount);
    checkShape(input, array, axis, label);
    if (axis !== undefined && shape[axis] === sampleCount) axes.set(input.name, axis);
    else if (axis !== undefined && shape[axis] === 1 && !isFixedShape(input)) {
      // The same for all: repeated as often as there are samples in a run.
      given.set(input.name, array);
      axes.set(input.name, axis);
      shared.push(input.name);
    } else if (!isFixedShape(input)) {
      throw new FewfireError(
        'invalid-data',
        `the input ${JSON.stringify(input.name)} of shape [${shape.join(', ')}] does not go with the ${sampleCount} samples of ${JSON.stringify(leading.name)}; expected as many samples in all inputs`,
      );
    }
  }
  if (shared.length > 0) notes.push(`given for one sample and used for all: ${listNames(shared)}`);
  return {
    sampleCount,
    fixedBatch: isFixed ? fixed : undefined,
    notes,
    pick: (samples) =>
      new Map(
        inputs.map(({ name }) => {
          const array = given.get(name) as NumberArray;
          const axis = axes.get(name);
          const chosen = shared.includes(name) ? samples.map(() => 0) : samples;
          return [name, axis === undefined ? array : samplesOf(array, axis, chosen)];
        }),
      ),
  };
}

// Some models have their state first: [layers, samples, units] beside [samples, ...].
function leadingInput(inputs: readonly ModelInput[]): ModelInput | undefined {
  const withAxes = inputs.filter(({ shape }) => shape.length > 0);
  const [first] = withAxes;
  if (first === undefined || typeof first.shape[0] === 'string') return first;
  const isName = (size: number | string): boolean => typeof size === 'string' && size !== '';
  return withAxes.find(({ shape: [size] }) => isName(size) && first.shape.includes(size)) ?? first;
}

// Recurrent states come as [layers, samples, units].
function sampleAxis(
  { shape }: ModelInput,
  leading: ModelInput['shape'],
  given: readonly number[],
  sampleCount: number,
): number | undefined {
  const [samples, ...others] = leading;
  if (shape[0] === samples && (typeof samples === 'string' || given[0] === sampleCount)) return 0;
  const named = typeof samples === 'string' && samples !== '' ? shape.indexOf(samples) : -1;
  if (named >= 0) return named;
  // A name that another axis of the first input has is no name for samples.
  const isFree = (size: number | string): boolean =>
    typeof size === 'string' ? size === '' || !others.includes(size) : size === samples;
  const along = (length: number): number[] =>
    [...shape.keys()].filter((axis) => isFree(shape[axis]) && given[axis] === length);
  const all = along(sampleCount);
  const one = all.length === 0 ? along(1).filter((axis) => typeof shape[axis] === 'string') : all;
  return one.length === 1 ? one[0] : undefined;
}

/**
 * Which arrays of a file the inputs of a model take: those of their names, or the only one for the only input.
 * @returns the names of arrays by those of inputs, and the arrays that are no inputs
 * @throws FewfireError `invalid-data` for inputs that no array is for
 * @example
 * ```ts
 * import { matchArrays } from '@fewfire/node';
 *
 * const { taken, unused } = matchArrays(['tokens'], ['tokens', 'labels'], 'model.onnx');
 * console.log(taken.get('tokens'), unused); // tokens [ 'labels' ]
 * ```
 */
export function matchArrays(
  inputNames: readonly string[],
  arrayNames: readonly string[],
  label: string,
): { readonly taken: ReadonlyMap<string, string>; readonly unused: readonly string[] } {
  if (inputNames.length === 1 && arrayNames.length === 1) {
    return { taken: new Map([[inputNames[0], arrayNames[0]]]), unused: [] };
  }
  const missing = inputNames.filter((name) => !arrayNames.includes(name));
  if (missing.length > 0) {
    throw new FewfireError(
      'invalid-data',
      `${label} needs ${inputNames.length === 1 ? 'the input' : 'the inputs'} ${listNames(missing)}; the arrays given are ${listNames(arrayNames) || 'none'}: give an .npz file with arrays of these names`,
    );
  }
  const unused = arrayNames.filter((name) => !inputNames.includes(name));
  return { taken: new Map(inputNames.map((name) => [name, name])), unused };
}

/**
 * What is said of arrays that nothing takes.
 * @example
 * ```ts
 * import { unusedNote } from '@fewfire/node';
 *
 * console.log(unusedNote(['labels'])[0]); // arrays that are no inputs of the model are not used: "labels"
 * ```
 */
export function unusedNote(unused: readonly string[]): string[] {
  return unused.length === 0 ? [] : [`arrays that are no inputs of the model are not used: ${listNames(unused)}`];
}

function givenArrays(
  inputs: readonly ModelInput[],
  arrays: ReadonlyMap<string, NumberArray>,
  label: string,
  notes: string[],
): Map<string, NumberArray> {
  const names = inputs.map(({ name }) => name);
  const { taken, unused } = matchArrays(names, [...arrays.keys()], label);
  notes.push(...unusedNote(unused));
  return new Map(names.map((name) => [name, arrays.get(taken.get(name) as string) as NumberArray]));
}

// One sample without the axis of samples is one sample.
function withSampleAxis(input: ModelInput, array: NumberArray): NumberArray {
  return array.shape.length === input.shape.length - 1 ? { ...array, shape: [1, ...array.shape] } : array;
}

function checkShape(input: ModelInput, { shape }: NumberArray, samplesAxis: number | undefined, label: string): void {
  const fits =
    shape.length === input.shape.length &&
    input.shape.every((size, axis) => typeof size === 'string' || size === shape[axis] || axis === samplesAxis);
  if (fits) return;
  throw new FewfireError(
    'invalid-data',
    `input ${JSON.stringify(input.name)} of ${label} has the shape [${input.shape.join(', ')}], and the given array [${shape.join(', ')}]; expected the same lengths where the model has numbers`,
  );
}

function isFixedShape({ shape }: ModelInput): boolean {
  return shape.every((size) => typeof size === 'number');
}

function samplesOf({ shape, values }: NumberArray, axis: number, samples: readonly number[]): NumberArray {
  const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
  const outer = product(shape.slice(0, axis));
  const inner = product(shape.slice(axis + 1));
  const Numbers = values.constructor as new (length: number) => NumberArray['values'];
  const some = new Numbers(outer * samples.length * inner);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const sample of samples) {
      const from = (o * shape[axis] + sample) * inner;
      some.set(values.subarray(from, from + inner) as never, at);
      at += inner;
    }
  }
  return { shape: shape.with(axis, samples.length), values: some };
}

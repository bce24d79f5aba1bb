/**
 * Runs an ONNX model on batches of inputs and hands out values from inside its graph. onnxruntime-web does the work: it
 * needs no install script and is the same in Node and the browser. It blocks its thread, so it has a worker of its own:
 * ending that is how a run is cancelled, and how its memory is given back.
 */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { FewfireError, type RunOptions } from '@fewfire/core';
import { halfToNumber, listNames, type NumberArray, numberToHalf, throwIfAborted } from '@fewfire/core/internal';
import type { ExternalFile } from './external-data.ts';

/** That of `peerDependencies`. */
const RUNTIME_RANGE = '^1.30.0';

// A string, because it must start alike from sources and from built files.
const WORKER_SOURCE = `
const { parentPort, workerData } = require('node:worker_threads');
const ort = require(workerData.runtimePath);
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'fatal';
const told = (error) => ({ error: String(error && error.message || error).slice(0, 600) });
const { model, externalData } = workerData;
const ready = ort.InferenceSession.create(model, { executionProviders: ['wasm'], logSeverityLevel: 4, externalData });
// The runtime has a copy of its own.
delete workerData.model;
delete workerData.externalData;
ready.then(
  (session) => parentPort.postMessage({ inputs: session.inputMetadata }),
  (error) => parentPort.postMessage(told(error)),
);
parentPort.on('message', async ({ feeds, wanted }) => {
  try {
    const session = await ready;
    const tensors = {};
    for (const [name, { type, data, dims }] of Object.entries(feeds)) tensors[name] = new ort.Tensor(type, data, dims);
    const results = await session.run(tensors, wanted);
    const outputs = {};
    for (const name of wanted) outputs[name] = { type: results[name].type, dims: results[name].dims, data: results[name].data };
    parentPort.postMessage({ outputs });
  } catch (error) {
    parentPort.postMessage(told(error));
  }
});
`;

/** What the model says of one of its inputs. */
export interface ModelInput {
  readonly name: string;
  /** As onnxruntime calls it: float32, int64, ... */
  readonly type: string;
  /** A name where the length is not fixed. */
  readonly shape: readonly (number | string)[];
}

/** Rows of numbers, along the last axis of a value of the graph. */
export interface CapturedValue {
  /** In the model; the numbers are single precision in any case. */
  readonly type: string;
  readonly dims: readonly number[];
  readonly numbers: Float32Array;
}

/** A model that is loaded and can be run. */
export interface OnnxRunner {
  readonly inputs: readonly ModelInput[];
  /**
   * @param feeds arrays of the shapes of the inputs, numbers of any type that fits them exactly
   * @param some of the captured values, of which those are left out that are not floating-point numbers; default: all,
   *   which must be such
   * @returns the captured values, by name
   * @throws FewfireError `invalid-data` for numbers that an input cannot hold, and where the model fails on them
   */
  run(feeds: ReadonlyMap<string, NumberArray>, some?: readonly string[]): Promise<ReadonlyMap<string, CapturedValue>>;
  /** Ends the worker. */
  close(): void;
}

type RawData =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Uint16Array
  | Int32Array
  | Uint8Array
  | Int8Array
  | string[];

interface RawTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: RawData;
}

interface WorkerAnswer {
  readonly error?: string;
  readonly inputs?: readonly (ModelInput & { readonly isTensor: boolean })[];
  readonly outputs?: Readonly<Record<string, RawTensor>>;
}

/**
 * Loads a model.
 * @param model the bytes of an .onnx file
 * @param captured names of values of its graph
 * @throws FewfireError `unsupported` where onnxruntime-web is not installed and for operators that it does not have,
 *   `model-file` for what it refuses
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { openOnnxRunner } from '@fewfire/node';
 *
 * const bytes = await readFile('examples/charlm-relu.onnx');
 * const runner = await openOnnxRunner(bytes, []);
 * console.log(runner.inputs.map(({ name }) => name)); // [ 'tokens' ]
 * await runner.close();
 * ```
 */
export async function openOnnxRunner(
  model: Uint8Array,
  captured: readonly string[],
  options: RunOptions & { readonly label?: string; readonly external?: readonly ExternalFile[] } = {},
): Promise<OnnxRunner> {
  const { signal, label = 'the ONNX model', external = [] } = options;
  throwIfAborted(signal);
  const worker = new Worker(WORKER_SOURCE, {
    eval: true,
    workerData: {
      runtimePath: findRuntime(),
      model,
      externalData: external.map(({ location, bytes }) => ({ path: location, data: bytes })),
    },
    // The runtime writes to the console of its thread.
    stdout: true,
    stderr: true,
  });
  try {
    const { error, inputs = [] } = await answerOf(worker, signal);
    if (error !== undefined) throw refused(label, error);
    const known = inputs
      .filter(({ isTensor }) => isTensor)
      // An axis without a length and a name is -1 to the runtime, as a number without a sign.
      .map((input) => ({ ...input, shape: input.shape.map((size) => (isLength(size) ? size : '')) }));
    if (known.length < inputs.length) {
      throw new FewfireError('unsupported', `${label} has inputs that are not tensors; expected tensors only`);
    }
    return {
      inputs: known,
      async run(feeds, some) {
        throwIfAborted(signal);
        const raw = Object.fromEntries(known.map((input) => [input.name, feedOf(input, feeds.get(input.name), label)]));
        const names = some ?? captured;
        const wanted = names.filter((name) => raw[name] === undefined);
        const answer = answerOf(worker, signal);
        worker.postMessage({ feeds: raw, wanted });
        const { error, outputs = {} } = await answer;
        if (error !== undefined) throw failed(label, error);
        const found = names.map((name) => [name, raw[name] ?? outputs[name]] as const);
        const taken = some === undefined ? found : found.filter(([, { type }]) => FLOATS.includes(type));
        return new Map(taken.map(([name, tensor]) => [name, capturedOf(name, tensor, label)]));
      },
      close: () => void worker.terminate(),
    };
  } catch (error) {
    // Not awaited: a blocked thread may take a while to end, and an abort must not wait for it.
    void worker.terminate();
    throw error;
  }
}

// The package is an optional peer: it is larger than all else together, and only ONNX models need it.
function findRuntime(): string {
  try {
    return createRequire(import.meta.url).resolve('onnxruntime-web');
  } catch (cause) {
    throw new FewfireError(
      'unsupported',
      `running ONNX models needs onnxruntime-web, which is not installed with fewfire: npm install onnxruntime-web@${RUNTIME_RANGE}`,
      { cause },
    );
  }
}

function isLength(size: number | string): boolean {
  return typeof size === 'string' || (size >= 0 && size < 2 ** 31);
}

function answerOf(worker: Worker, signal: AbortSignal | undefined): Promise<WorkerAnswer> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      done();
      void worker.terminate();
      reject(signal?.reason);
    };
    const onError = (cause: Error): void => onMessage({ error: cause.message.slice(0, 600) });
    const onExit = (): void => onMessage({ error: 'its thread ended without an answer; is there enough memory?' });
    const onMessage = (answer: WorkerAnswer): void => {
      done();
      resolve(answer);
    };
    const done = (): void => {
      signal?.removeEventListener('abort', onAbort);
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
}

// Messages of the runtime come in several lines, with codes, places in its sources and signatures before them.
function oneLine(error: string): string {
  return error
    .replace(/^.*?ERROR_MESSAGE:\s*/s, '')
    .replace(/^.*(Status Message:|\[ONNXRuntimeError\]\s*:\s*\d+\s*:)\s*/s, '')
    .replace(/\S*\/\S+\.(cc|h):\d+\s*/g, '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300);
}

function refused(label: string, error: string): FewfireError {
  const missing = /not.?implemented|could not find an implementation|is not a registered|not supported|unsupported/i;
  return missing.test(error)
    ? new FewfireError('unsupported', `onnxruntime cannot run ${label}: ${oneLine(error)}`)
    : new FewfireError('model-file', `onnxruntime refuses ${label}: ${oneLine(error)}; expected a valid ONNX model`);
}

function failed(label: string, error: string): FewfireError {
  return new FewfireError(
    'invalid-data',
    `${label} failed on these inputs: ${oneLine(error)}; expected inputs as the model was made for`,
  );
}

/** Whole numbers that types hold: [least, most]. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32_768, 32_767],
  uint16: [0, 65_535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [-(2 ** 53), 2 ** 53],
  bool: [0, 1],
};

const CONSTRUCTORS: Readonly<Record<string, { from(numbers: ArrayLike<number>): RawData }>> = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array as never,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array as never,
  bool: Uint8Array,
};

function feedOf({ name, type }: ModelInput, given: NumberArray | undefined, label: string): RawTensor {
  if (given === undefined) {
    throw new FewfireError('invalid-argument', `${label} needs the input ${JSON.stringify(name)}, which was not given`);
  }
  const { shape: dims, values } = given;
  if (type === 'int64' && values instanceof BigInt64Array) return { type, dims, data: values };
  const numbers = values instanceof BigInt64Array ? Float64Array.from(values, Number) : values;
  const range = RANGES[type];
  if (range !== undefined) {
    const at = numbers.findIndex((value) => !(Number.isInteger(value) && value >= range[0] && value <= range[1]));
    if (at >= 0) {
      throw new FewfireError(
        'invalid-data',
        `input ${JSON.stringify(name)} of ${label} is of type ${type}, and number ${at} of the given ones is ${numbers[at]}; expected whole numbers from ${range[0]} to ${range[1]}`,
      );
    }
  }
  if (type === 'int64') return { type, dims, data: BigInt64Array.from(numbers, (value) => BigInt(value)) };
  if (type === 'float16') return { type, dims, data: Uint16Array.from(numbers, numberToHalf) };
  const array = CONSTRUCTORS[type];
  if (array === undefined) {
    throw new FewfireError(
      'unsupported',
      `input ${JSON.stringify(name)} of ${label} is of type ${type}; expected one of ${listNames(['float16', 'int64', ...Object.keys(CONSTRUCTORS)], 20)}`,
    );
  }
  return { type, dims, data: array.from(numbers) };
}

/** Types that can be captured. */
const FLOATS: readonly string[] = ['float32', 'float16', 'float64'];

function capturedOf(name: string, { type, dims, data }: RawTensor, label: string): CapturedValue {
  if (data instanceof Float32Array) return { type, dims, numbers: data };
  if (type === 'float16') {
    // Node 24 has a type for it, whose numbers need no help.
    const bits = data instanceof Uint16Array;
    const numbers = Float32Array.from(data as Uint16Array, (value) => (bits ? halfToNumber(value) : value));
    return { type, dims, numbers };
  }
  if (data instanceof Float64Array) return { type, dims, numbers: Float32Array.from(data) };
  throw new FewfireError(
    'unsupported',
    `the value ${JSON.stringify(name)} of ${label} is of type ${type}; expected floating-point numbers`,
  );
}

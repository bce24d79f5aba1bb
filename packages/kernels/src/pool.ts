/**
 * Worker threads over one shared memory. A pool belongs to the operator that made it. The worker's source is a string,
 * because it must start alike from sources, from built files and out of a bundle; all arithmetic is in the binary, so the
 * string only takes items off a shared counter. How it does that, the operator says in a string of its own, which stands
 * beside the same loop for this thread: the pool knows no kernel, and a bundle has the loops of the kernels it has.
 */

/**
 * The source of a function (job, thread) that does a job to its end. A thread has `kernels`, the exports of the module given
 * to the pool; `words`, the memory as an Int32Array; `scratch`, the byte offset of its own area; `next(counter)`, the number
 * of the next unit of work by the i32 at that byte offset; and `stopped(counter)`, to be asked between items.
 */
export type WorkSource = string;

export interface WorkerPool<Job> {
  readonly size: number;
  /** Runs a job on every worker; resolves when all have run out of work. */
  run(job: Job): Promise<void>;
  /** Starts a job that ends only with the pool. The pool is of no further use for `run`. */
  start(job: Job): void;
  dispose(): void;
}

/** A stop value for the shared counter: no unit has a number this high. */
export const STOP_COUNTER = 0x40000000;

const workerSource = (work: WorkSource): string => `
const work = ${work};
const start = async ({ module, memory, scratch }) => {
  const kernels = (await WebAssembly.instantiate(module, { env: { memory } })).exports;
  const words = new Int32Array(memory.buffer);
  const next = (counter) => Atomics.add(words, counter >>> 2, 1);
  const stopped = (counter) => Atomics.load(words, counter >>> 2) >= ${STOP_COUNTER};
  return (job) => work(job, { kernels, words, scratch, next, stopped });
};
`;
const nodeSource = (work: WorkSource): string => `${workerSource(work)}
const { parentPort, workerData } = require('node:worker_threads');
start(workerData).then((run) => {
  parentPort.on('message', (job) => { run(job); parentPort.postMessage('done'); });
  parentPort.postMessage('ready');
});`;
const browserSource = (work: WorkSource): string => `${workerSource(work)}
onmessage = async ({ data }) => {
  const run = await start(data);
  onmessage = ({ data: job }) => { run(job); postMessage('done'); };
  postMessage('ready');
};`;

interface Thread {
  post(message: unknown): void;
  /** Resolves at the next message, rejects when the thread fails. */
  next(): Promise<void>;
  terminate(): void;
}

/** Threads this platform can give to shared memory: many in Node, one in a page that is not cross-origin isolated. */
export function threadsAvailable(): boolean {
  return isNode() || (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;
}

/** Starts `scratches.length` workers, one per scratch area. */
export async function createPool<Job>(
  work: WorkSource,
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  scratches: readonly number[],
): Promise<WorkerPool<Job>> {
  const threads = await Promise.all(
    scratches.map((scratch) => {
      const data = { module, memory, scratch };
      return isNode() ? startNodeThread(nodeSource(work), data) : startBrowserThread(browserSource(work), data);
    }),
  );
  return {
    size: threads.length,
    async run(job: Job): Promise<void> {
      const done = threads.map((thread) => thread.next());
      for (const thread of threads) thread.post(job);
      await Promise.all(done);
    },
    start(job: Job): void {
      for (const thread of threads) thread.post(job);
    },
    dispose(): void {
      for (const thread of threads) thread.terminate();
    },
  };
}

function isNode(): boolean {
  return typeof (globalThis as { process?: { versions?: { node?: string } } }).process?.versions?.node === 'string';
}

// The few members of node:worker_threads used here; this package has no Node types, since it also runs in browsers.
interface NodeWorker {
  once(event: string, listener: (value: unknown) => void): void;
  removeListener(event: string, listener: (value: unknown) => void): void;
  postMessage(value: unknown): void;
  terminate(): Promise<number>;
  unref(): void;
  ref(): void;
}

async function startNodeThread(source: string, data: unknown): Promise<Thread> {
  const specifier = 'node:worker_threads';
  const { Worker } = (await import(/* @vite-ignore */ specifier)) as {
    Worker: new (source: string, options: object) => NodeWorker;
  };
  const worker = new Worker(source, { eval: true, workerData: data });
  const thread: Thread = {
    post: (message) => worker.postMessage(message),
    next: () =>
      new Promise((resolve, reject) => {
        // An idle pool must not keep the process alive; a busy one must.
        worker.ref();
        const onMessage = (): void => {
          worker.removeListener('error', onError);
          worker.unref();
          resolve();
        };
        const onError = (error: unknown): void => {
          worker.removeListener('message', onMessage);
          reject(error as Error);
        };
        worker.once('message', onMessage);
        worker.once('error', onError);
      }),
    terminate: () => void worker.terminate(),
  };
  await thread.next();
  return thread;
}

async function startBrowserThread(source: string, data: unknown): Promise<Thread> {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(url);
  const thread: Thread = {
    post: (message) => worker.postMessage(message),
    next: () =>
      new Promise((resolve, reject) => {
        worker.onmessage = () => resolve();
        worker.onerror = (event) => reject(new Error(event.message));
      }),
    terminate: () => worker.terminate(),
  };
  const ready = thread.next();
  thread.post(data);
  await ready;
  URL.revokeObjectURL(url);
  return thread;
}

/**
 * Worker threads over one shared memory. A pool belongs to the operator that
 * made it. The worker's source is a string, because it must start alike from
 * sources, from built files and out of a bundle; all arithmetic is in the
 * binary, so the string only takes items off a shared counter.
 */
export type WorkerJob = MonomialJob | NetworkJob | GrayJob;

/**
 * Never ends: workers take items of one small operation after the other and sleep in between, woken through shared memory,
 * because a message costs more than a whole layer. `control` is the byte offset of the i32 words of `crew.ts`.
 */
export interface CrewJob {
  readonly operation: 'crew';
  readonly plan: number;
  readonly control: number;
}

export interface MonomialJob {
  readonly operation: 'adjoint' | 'forward';
  readonly plan: number;
  readonly items: readonly number[];
  /** Byte offset of the i32 that numbers the next unit of work (an item of `adjoint`, an entry of `units`). */
  readonly counter: number;
  /** What threads take in `forward`. */
  readonly units: readonly ForwardUnit[];
}

/** Chunks of rows are shared out; a thread does the blocks of units of its chunk in order, `blockStep` at a time. */
export interface NetworkJob {
  readonly operation: 'network';
  readonly plan: number;
  readonly counter: number;
  readonly chunkCount: number;
  readonly blockCount: number;
  readonly blockStep: number;
}

/** Batches of items are shared out; every thread sums into its own scratch. */
export interface GrayJob {
  readonly operation: 'gray';
  readonly plan: number;
  readonly counter: number;
  readonly batchCount: number;
  readonly batchItems: number;
  readonly itemCount: number;
}

/** Some of the items (every `step`th from `first`) over a range of rows, summed into one vector. */
export interface ForwardUnit {
  readonly first: number;
  readonly step: number;
  readonly sums: number;
  readonly row0: number;
  readonly row1: number;
}

export interface WorkerPool {
  readonly size: number;
  /** Runs a job on every worker; resolves when all have run out of work. */
  run(job: WorkerJob): Promise<void>;
  /** Starts a job that ends only with the pool. The pool is of no further use for `run`. */
  start(job: CrewJob): void;
  dispose(): void;
}

const WORKER_SOURCE = `
const start = async ({ module, memory, scratch }) => {
  const kernels = (await WebAssembly.instantiate(module, { env: { memory } })).exports;
  const words = new Int32Array(memory.buffer);
  return ({ operation, plan, items, counter, units, chunkCount, blockCount, blockStep, batchCount, batchItems, itemCount, control }) => {
    if (operation === 'crew') {
      const [tickets, done, sequence] = [0, 1, 2].map((word) => (control >> 2) + 16 * word);
      for (;;) {
        const seen = Atomics.load(words, sequence);
        for (let ticket = Atomics.sub(words, tickets, 1); ticket > 0; ticket = Atomics.sub(words, tickets, 1)) {
          kernels.mlpItem(plan, ticket - 1);
          Atomics.add(words, done, 1);
        }
        for (let k = 0; k < 2000 && Atomics.load(words, sequence) === seen; k++);
        Atomics.wait(words, sequence, seen);
      }
    }
    const next = () => Atomics.add(words, counter >> 2, 1);
    if (operation === 'network') {
      for (let chunk = next(); chunk < chunkCount; chunk = next()) {
        for (let block = 0; block < blockCount; block += blockStep) {
          if (Atomics.load(words, counter >> 2) >= 0x40000000) return;
          kernels.networkItem(plan, chunk, scratch, block, Math.min(blockCount, block + blockStep));
        }
      }
      return;
    }
    if (operation === 'gray') {
      for (let b = next(); b < batchCount; b = next()) {
        kernels.grayItems(plan, scratch, b * batchItems, Math.min(itemCount, (b + 1) * batchItems));
      }
      return;
    }
    if (operation === 'adjoint') {
      for (let i = next(); i < items.length; i = next()) kernels.adjointItem(plan, items[i], scratch);
      return;
    }
    for (let u = next(); u < units.length; u = next()) {
      const { first, step, sums, row0, row1 } = units[u];
      for (let i = first; i < items.length; i += step) {
        if (Atomics.load(words, counter >> 2) >= 0x40000000) return;
        kernels.forwardItem(plan, items[i], scratch, sums, row0, row1);
      }
    }
  };
};
`;
const NODE_SOURCE = `${WORKER_SOURCE}
const { parentPort, workerData } = require('node:worker_threads');
start(workerData).then((work) => {
  parentPort.on('message', (job) => { work(job); parentPort.postMessage('done'); });
  parentPort.postMessage('ready');
});`;
const BROWSER_SOURCE = `${WORKER_SOURCE}
onmessage = async ({ data }) => {
  const work = await start(data);
  onmessage = ({ data: job }) => { work(job); postMessage('done'); };
  postMessage('ready');
};`;

/** A stop value for the shared counter: no unit has a number this high, and workers check for it between items. */
export const STOP_COUNTER = 0x40000000;

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
export async function createPool(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  scratches: readonly number[],
): Promise<WorkerPool> {
  const threads = await Promise.all(
    scratches.map((scratch) => (isNode() ? startNodeThread : startBrowserThread)({ module, memory, scratch })),
  );
  return {
    size: threads.length,
    async run(job: WorkerJob): Promise<void> {
      const done = threads.map((thread) => thread.next());
      for (const thread of threads) thread.post(job);
      await Promise.all(done);
    },
    start(job: CrewJob): void {
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

async function startNodeThread(data: unknown): Promise<Thread> {
  const specifier = 'node:worker_threads';
  const { Worker } = (await import(/* @vite-ignore */ specifier)) as {
    Worker: new (source: string, options: object) => NodeWorker;
  };
  const worker = new Worker(NODE_SOURCE, { eval: true, workerData: data });
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

async function startBrowserThread(data: unknown): Promise<Thread> {
  const url = URL.createObjectURL(new Blob([BROWSER_SOURCE], { type: 'text/javascript' }));
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

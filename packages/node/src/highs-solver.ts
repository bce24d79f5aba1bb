/**
 * Mixed-integer programmes by HiGHS (npm `highs`, WebAssembly) for `certifySparsity` and `optimisePolynomial`.
 * `run()` blocks its thread, so every solve has a worker of its own: terminating it
 * is how a solve is cancelled, and how its memory is given back. The persistent
 * model interface is used because only it still knows the dual bound at a time limit.
 * HiGHS is loaded in the worker, so nothing is loaded before the first solve.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { FewfireError, type MilpOptions, type MilpProblem, type MilpResult, type MilpSolver } from '@fewfire/core';

// A string, because it must start alike from sources and from built files.
const WORKER_SOURCE = `
const { parentPort, workerData } = require('node:worker_threads');
const { highsPath, problem, timeLimitSeconds, absoluteGap } = workerData;
(async () => {
  const highs = await require(highsPath)();
  const infinite = (values) => values.map((v) => (v === Infinity ? highs.infinity : v === -Infinity ? -highs.infinity : v));
  const model = highs.createModel({
    numCols: problem.columnCount,
    numRows: problem.rowCount,
    sense: highs.constants.objectiveSense.maximize,
    colCost: problem.objective,
    colLower: infinite(problem.columnLower),
    colUpper: infinite(problem.columnUpper),
    rowLower: infinite(problem.rowLower),
    rowUpper: infinite(problem.rowUpper),
    integrality: Int32Array.from(problem.integer),
    matrix: {
      format: 'csr',
      numCols: problem.columnCount,
      numRows: problem.rowCount,
      starts: problem.rowStarts,
      indices: problem.columns,
      values: problem.values,
    },
  });
  model.options.set({ output_flag: false, time_limit: timeLimitSeconds, mip_rel_gap: 0, mip_abs_gap: absoluteGap });
  model.run();
  const status = model.getModelStatus();
  const isMip = problem.integer.some((v) => v === 1);
  const hasPoint = model.info.get('primal_solution_status') === highs.constants.solutionStatus.feasible;
  const names = Object.fromEntries(Object.entries(highs.constants.modelStatus).map(([name, value]) => [value, name]));
  parentPort.postMessage({
    status: names[status] ?? String(status),
    bound: isMip ? model.info.get('mip_dual_bound') : hasPoint ? model.getObjectiveValue() : Infinity,
    point: hasPoint ? Float64Array.from(model.getSolution().colValue) : undefined,
  });
})().catch((error) => parentPort.postMessage({ error: String(error && error.message || error).slice(0, 300) }));
`;

/** Objectives that count are settled once bound and point are less than one apart. */
const COUNTING_GAP = 0.99;
/** The solver may take this much longer than its limit before it is ended without a result. */
const GRACE_MS = 10_000;
/** The longest that Node's timers wait (24 days); beyond it they fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface WorkerAnswer {
  readonly error?: string;
  readonly status?: string;
  readonly bound?: number;
  readonly point?: Float64Array;
}

/**
 * A solver over HiGHS; needs no disposal.
 * @example
 * ```ts
 * import { certifySparsity, parityNetwork } from '@fewfire/core';
 * import { createHighsSolver } from '@fewfire/node';
 *
 * const { network } = parityNetwork({ inputCount: 3, coordinates: [0, 1] });
 * const { kUpper, upperBound } = await certifySparsity(network, { method: 'milp', solver: createHighsSolver() });
 * console.log(kUpper, upperBound); // 1 solver bound
 * ```
 */
export function createHighsSolver(): MilpSolver {
  const highsPath = createRequire(import.meta.url).resolve('highs');
  // The package does not export its package.json.
  const { version } = JSON.parse(readFileSync(join(dirname(dirname(highsPath)), 'package.json'), 'utf8'));
  return { name: `HiGHS (npm highs ${version})`, solve: (problem, options) => solve(highsPath, problem, options) };
}

async function solve(
  highsPath: string,
  problem: MilpProblem,
  { signal, timeLimitMs, absoluteGap = COUNTING_GAP }: MilpOptions,
): Promise<MilpResult> {
  signal?.throwIfAborted();
  checkProblem(problem, timeLimitMs);
  const worker = new Worker(WORKER_SOURCE, {
    eval: true,
    workerData: { highsPath, problem, timeLimitSeconds: Math.min(timeLimitMs, MAX_TIMER_MS) / 1000, absoluteGap },
    // HiGHS writes to the console of its thread when it aborts.
    stdout: true,
    stderr: true,
  });
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    const answer = await new Promise<WorkerAnswer | undefined>((resolve, reject) => {
      onAbort = () => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      timer = setTimeout(() => resolve(undefined), Math.min(timeLimitMs + GRACE_MS, MAX_TIMER_MS));
      worker.once('message', resolve);
      worker.once('error', (cause) => resolve({ error: cause.message.slice(0, 300) }));
      worker.once('exit', () => resolve({ error: 'its thread ended without an answer' }));
    });
    return resultOf(answer);
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
    // Not awaited: a blocked thread may take a while to end, and an abort must not wait for it.
    void worker.terminate();
  }
}

function resultOf(answer: WorkerAnswer | undefined): MilpResult {
  if (answer === undefined) return { status: 'limit', provenUpperBound: Number.POSITIVE_INFINITY };
  const { error, status, bound, point } = answer;
  if (error !== undefined) {
    throw new FewfireError(
      'invalid-data',
      `HiGHS refused the programme or failed on it (${error}); expected a bounded programme: use another method, or less weight range`,
    );
  }
  const provenUpperBound = bound === undefined || Number.isNaN(bound) ? Number.POSITIVE_INFINITY : bound;
  switch (status) {
    case 'optimal':
      return { status: 'optimal', bestPoint: point, provenUpperBound };
    case 'infeasible':
      return { status: 'infeasible', provenUpperBound: Number.NEGATIVE_INFINITY };
    case 'timeLimit':
    case 'iterationLimit':
    case 'solutionLimit':
    case 'interrupted':
      return { status: 'limit', bestPoint: point, provenUpperBound };
    default:
      throw new FewfireError(
        'invalid-data',
        `HiGHS ended with status ${JSON.stringify(status)}; expected optimal, a limit or infeasible: use another method`,
      );
  }
}

// What HiGHS would take without a word: an empty model, NaN, entries in rows that do not exist.
function checkProblem(problem: MilpProblem, timeLimitMs: number): void {
  const { columnCount, rowCount, objective, columnLower, columnUpper, integer, rowStarts, columns, values } = problem;
  const wrong = (what: string): FewfireError =>
    new FewfireError('invalid-data', `the mixed-integer programme ${what}; expected a programme made by fewfire`);
  if (!(timeLimitMs > 0)) {
    throw new FewfireError('invalid-argument', `timeLimitMs is ${timeLimitMs}, expected a positive number`);
  }
  if (!Number.isInteger(columnCount) || columnCount < 1) throw wrong(`has ${columnCount} columns`);
  if ([objective, columnLower, columnUpper, integer].some((array) => array.length !== columnCount)) {
    throw wrong(`has arrays that are not ${columnCount} columns long`);
  }
  if (
    rowStarts.length !== rowCount + 1 ||
    problem.rowLower.length !== rowCount ||
    problem.rowUpper.length !== rowCount
  ) {
    throw wrong(`has arrays that do not fit ${rowCount} rows`);
  }
  if (columns.length !== values.length || rowStarts[0] !== 0 || rowStarts[rowCount] !== values.length) {
    throw wrong('has a matrix whose parts do not fit');
  }
  for (let r = 0; r < rowCount; r++)
    if (rowStarts[r] > rowStarts[r + 1]) throw wrong(`has row ${r} ending before it starts`);
  if (columns.some((column) => column < 0 || column >= columnCount)) throw wrong('has an entry in no column');
  if (![objective, values].every((array) => array.every(Number.isFinite)))
    throw wrong('has numbers that are not finite');
  const limits = [columnLower, columnUpper, problem.rowLower, problem.rowUpper];
  if (limits.some((array) => array.some(Number.isNaN))) throw wrong('has limits that are not numbers');
}

/**
 * Times a block on its own inputs: the exact sparse way against our dense one, on one thread, row by row and in batches.
 * Both are run in short turns in one process and the fastest turns compared: whatever else the machine does only adds.
 * The first test of the exact way is fitted to every other row and timed on those between; a calibration takes all rows
 * there are, and stands apart because it is not exact.
 * The weights stay in the processor's cache where they fit, as in a model of this block alone: from main memory the
 * sparse way gains more. Times depend on the machine and the moment; nothing else in a profile does.
 */
import type { ReluLayer } from '@fewfire/kernels';
import { createTurn, FewfireError, type RunOptions, runOptionsOf } from '../base/index.ts';
import { calibrateMlp, statableMissedMass } from './calibrate.ts';
import type { BlockTimings, InexactTiming } from './profile.ts';
import { prepareSparseMlp, type SparseMlp } from './sparse-mlp.ts';

/** Batches that are compared, until dense wins. */
const BATCH_SIZES = [2, 4, 8, 12, 16, 24, 32, 64, 128];
const REPEATS = 11;
/** Turns of layers that take long are fewer. */
const LEAST_REPEATS = 3;
const ENOUGH_MS = 2000;
/** One measurement goes on for at least so long, so that the clock's grain does not matter. */
const LEAST_MS = 4;
/** Units times squared inputs, as a measure of the time of fitting: a first test takes some 2 s for 2^30, screens more. */
const MOST_FITTING_WORK = 2 ** 34;
const MOST_CALIBRATION_WORK = 2 ** 32;
/** With fewer rows no missed mass can be stated that is worth it (`statableMissedMass`). */
export const LEAST_CALIBRATION_ROWS = 677;
/** More rows than this are timed for nothing. */
const TIMED_ROWS = 1024;
/** With fewer rows the first test is not fitted, and all of them are for timing. */
const LEAST_FITTING_ROWS = 256;

/**
 * @param rows inputs of the block, row-major, at least one
 * @returns `survivorRate` and `firstTest` over the rows that are timed (not times: they are exact for these rows)
 * @throws FewfireError `invalid-argument` without rows; as `prepareSparseMlp`
 */
export async function timeBlock(block: ReluLayer, rows: Float32Array, options: RunOptions = {}): Promise<BlockTimings> {
  const rowCount = rows.length / block.inputWidth;
  if (rowCount < 1 || !Number.isInteger(rowCount)) {
    throw new FewfireError(
      'invalid-argument',
      `block ${JSON.stringify(block.name)} is timed on ${rows.length} numbers; expected rows of ${block.inputWidth}`,
    );
  }
  const { signal, memoryLimitBytes } = options;
  const { inputWidth, unitCount } = block;
  const work = unitCount * inputWidth ** 2;
  const leftOut: string[] = [];
  const some = everyNth(rows, inputWidth, Math.ceil(rowCount / TIMED_ROWS), 0);
  const isFitted = some.length / inputWidth >= LEAST_FITTING_ROWS && work <= MOST_FITTING_WORK;
  if (!isFitted) leftOut.push(`the first test, ${tooMuch(work, MOST_FITTING_WORK, LEAST_FITTING_ROWS)}`);
  const sampleInputs = isFitted ? everyNth(some, inputWidth, 2, 0) : undefined;
  using sparse = await prepareSparseMlp(block, { ...runOptionsOf(options), threads: 1, path: 'sparse', sampleInputs });
  using dense = await prepareSparseMlp(block, { signal, memoryLimitBytes, path: 'dense' });
  const passed = await passAll({ block, rows: some, rowCount: some.length / inputWidth, sparse, dense, options });
  const timed = isFitted ? everyNth(some, inputWidth, 2, 1) : some;
  const race: Race = { block, rows: timed, rowCount: timed.length / inputWidth, sparse, dense, options };
  const single = await compare(race, 1);
  let denseFromBatch: number | null = single.exactUs < single.denseUs ? null : 1;
  let exactUpToBatch = denseFromBatch === null ? 1 : 0;
  for (const batch of BATCH_SIZES) {
    if (denseFromBatch !== null || batch > race.rowCount) break;
    const { denseUs, exactUs } = await compare(race, batch);
    if (exactUs >= denseUs) denseFromBatch = batch;
    else exactUpToBatch = batch;
  }
  const inexact = await inexactTime(sparse, rows, single.denseUs, work, options);
  if (typeof inexact === 'string') leftOut.push(inexact);
  return {
    ...single,
    ...passed,
    inexact: typeof inexact === 'string' ? null : inexact,
    leftOut,
    denseFromBatch,
    exactUpToBatch,
  };
}

function tooMuch(work: number, most: number, leastRows: number): string {
  return work > most ? 'because fitting it to a block of this size takes minutes' : `which takes ${leastRows} rows`;
}

// The calibrated way at the least missed mass that so many rows can show. Its time is set beside the dense one of the same
// turns. Otherwise why there is none.
async function inexactTime(
  sparse: SparseMlp,
  rows: Float32Array,
  denseUs: number,
  work: number,
  options: RunOptions,
): Promise<InexactTiming | string> {
  const missedMass = statableMissedMass(rows.length / sparse.block.inputWidth);
  if (work > MOST_CALIBRATION_WORK || missedMass === null) {
    return `the inexact way, ${tooMuch(work, MOST_CALIBRATION_WORK, LEAST_CALIBRATION_ROWS)}`;
  }
  using calibrated = await calibrateMlp(sparse, rows, { ...runOptionsOf(options), missedMass });
  if (calibrated.calibration === null) return `the inexact way: ${calibrated.reason}`;
  const { times, missedMass: stated } = calibrated.calibration;
  return { timeUs: (denseUs * times.calibratedUs) / times.denseUs, missedMass: stated };
}

// Rows first, first + step, ...
function everyNth(rows: Float32Array, width: number, step: number, first: number): Float32Array {
  if (step === 1) return rows;
  const count = Math.ceil((rows.length / width - first) / step);
  const some = new Float32Array(count * width);
  for (let i = 0; i < count; i++) {
    const from = (step * i + first) * width;
    some.set(rows.subarray(from, from + width), i * width);
  }
  return some;
}

interface Race {
  readonly block: ReluLayer;
  readonly rows: Float32Array;
  readonly rowCount: number;
  readonly sparse: SparseMlp;
  readonly dense: SparseMlp;
  readonly options: RunOptions;
}

async function passAll({
  block,
  rows,
  rowCount,
  sparse,
  options,
}: Race): Promise<Pick<BlockTimings, 'survivorRate' | 'firstTest'>> {
  const { inputWidth } = block;
  const turn = createTurn(options.signal);
  for (let row = 0; row < rowCount; row++) {
    sparse.forward(rows.subarray(row * inputWidth, (row + 1) * inputWidth));
    const wait = turn();
    if (wait !== undefined) await wait;
  }
  const { evaluated, projected, units } = sparse.counters();
  const rank = sparse.projection?.rank;
  return {
    survivorRate: evaluated / units,
    firstTest: rank === undefined || projected === null ? null : { rank, letThroughRate: projected / units },
  };
}

// Microseconds per row, of the fastest turn of each.
async function compare(race: Race, batch: number): Promise<{ readonly denseUs: number; readonly exactUs: number }> {
  const { sparse, dense, options, block } = race;
  const times: { readonly denseUs: number; readonly exactUs: number }[] = [];
  // The first runs wait for the compiler.
  for (const mlp of [sparse, dense]) passUs(race, mlp, batch);
  const turn = createTurn(options.signal);
  const startedAt = performance.now();
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    if (repeat >= LEAST_REPEATS && performance.now() - startedAt > ENOUGH_MS) break;
    options.onProgress?.({
      phase: `timing ${block.name}, batch ${batch}`,
      done: repeat,
      total: REPEATS,
      unit: 'iterations',
    });
    const exactUs = passUs(race, sparse, batch);
    await turn();
    times.push({ denseUs: passUs(race, dense, batch), exactUs });
    await turn();
  }
  return {
    denseUs: Math.min(...times.map((time) => time.denseUs)),
    exactUs: Math.min(...times.map((time) => time.exactUs)),
  };
}

// Whole batches from the rows in order, from the beginning again where they end.
function passUs({ block, rows, rowCount }: Race, mlp: SparseMlp, batch: number): number {
  const { inputWidth, outputWidth } = block;
  const out = new Float32Array(batch * outputWidth);
  const batchCount = Math.floor(rowCount / batch);
  const startedAt = performance.now();
  let elapsedMs = 0;
  let done = 0;
  // At least 8 different inputs, where there are: their active units differ.
  do {
    const first = (done % batchCount) * batch * inputWidth;
    const input = rows.subarray(first, first + batch * inputWidth);
    if (batch === 1) mlp.forward(input, out);
    else mlp.forwardBatch(input, batch, out);
    done++;
    elapsedMs = performance.now() - startedAt;
  } while (elapsedMs < LEAST_MS || done < Math.min(batchCount, 8));
  return (1000 * elapsedMs) / (done * batch);
}

/**
 * Times a block on its own inputs: the exact sparse way against our dense one, on one thread, row by row and in batches.
 * Both are run in short turns in one process and the fastest turns compared: whatever else the machine does only adds.
 * The first test of the exact way is fitted to every other row and timed on those between.
 * The weights stay in the processor's cache where they fit, as in a model of this block alone: from main memory the
 * sparse way gains more. Times depend on the machine and the moment; nothing else in a profile does.
 */
import { FewfireError, nextTurn, type RunOptions, throwIfAborted } from '../base/index.ts';
import type { MlpBlock } from './block.ts';
import { calibrateMlp } from './calibrate.ts';
import type { BlockTimings } from './profile.ts';
import { prepareSparseMlp, type SparseMlp } from './sparse-mlp.ts';

/** Batches that are compared, until dense wins. */
const BATCH_SIZES = [2, 4, 8, 12, 16, 24, 32, 64, 128];
const REPEATS = 11;
/** One measurement goes on for at least so long, so that the clock's grain does not matter. */
const LEAST_MS = 4;
/** Fewer rows say nothing of a calibration. */
const LEAST_CALIBRATION_ROWS = 400;
/** Units times squared inputs: fitting screens to a larger block takes minutes, which is for the user to start. */
const MOST_FITTING_WORK = 2 ** 32;
/** With fewer rows the first test is not fitted, and all of them are for timing. */
const LEAST_FITTING_ROWS = 256;

/**
 * @param rows inputs of the block, row-major, at least one
 * @returns `survivorRate` and `firstTest` over all rows (not times: they are exact for these rows)
 * @throws FewfireError `invalid-argument` without rows; as `prepareSparseMlp`
 */
export async function timeBlock(block: MlpBlock, rows: Float32Array, options: RunOptions = {}): Promise<BlockTimings> {
  const rowCount = rows.length / block.inputWidth;
  if (rowCount < 1 || !Number.isInteger(rowCount)) {
    throw new FewfireError(
      'invalid-argument',
      `block ${JSON.stringify(block.name)} is timed on ${rows.length} numbers; expected rows of ${block.inputWidth}`,
    );
  }
  const { signal, memoryLimitBytes } = options;
  const isFitted = rowCount >= LEAST_FITTING_ROWS && block.unitCount * block.inputWidth ** 2 <= MOST_FITTING_WORK;
  const sampleInputs = isFitted ? everyOther(rows, block.inputWidth, 0) : undefined;
  using sparse = await prepareSparseMlp(block, { ...options, threads: 1, path: 'sparse', sampleInputs });
  using dense = await prepareSparseMlp(block, { signal, memoryLimitBytes, path: 'dense' });
  const passed = await passAll({ block, rows, rowCount, sparse, dense, options });
  const timed = isFitted ? everyOther(rows, block.inputWidth, 1) : rows;
  const race: Race = { block, rows: timed, rowCount: timed.length / block.inputWidth, sparse, dense, options };
  const single = await compare(race, 1);
  let denseFromBatch: number | null = single.exactUs < single.denseUs ? null : 1;
  let exactUpToBatch = denseFromBatch === null ? 1 : 0;
  for (const batch of BATCH_SIZES) {
    if (denseFromBatch !== null || batch > race.rowCount) break;
    const { denseUs, exactUs } = await compare(race, batch);
    if (exactUs >= denseUs) denseFromBatch = batch;
    else exactUpToBatch = batch;
  }
  const calibratedUs = await calibratedTime(sparse, rows, single.denseUs, options);
  return { ...single, ...passed, calibratedUs, denseFromBatch, exactUpToBatch };
}

// The calibrated way at the usual target, as few rows allow: the missed mass is judged by the bootstrap. Its time is set
// beside the dense one of the same turns. null where it was not found to pay.
async function calibratedTime(
  sparse: SparseMlp,
  rows: Float32Array,
  denseUs: number,
  options: RunOptions,
): Promise<number | null> {
  const { inputWidth, unitCount } = sparse.block;
  if (rows.length / inputWidth < LEAST_CALIBRATION_ROWS) return null;
  if (unitCount * inputWidth ** 2 > MOST_FITTING_WORK) return null;
  using calibrated = await calibrateMlp(sparse, rows, { ...options, intervalMethod: 'bootstrap' });
  if (calibrated.calibration === null) return null;
  const { times } = calibrated.calibration;
  return (denseUs * times.calibratedUs) / times.denseUs;
}

function everyOther(rows: Float32Array, width: number, first: 0 | 1): Float32Array {
  const count = Math.floor((rows.length / width + 1 - first) / 2);
  const some = new Float32Array(count * width);
  for (let i = 0; i < count; i++) {
    const from = (2 * i + first) * width;
    some.set(rows.subarray(from, from + width), i * width);
  }
  return some;
}

interface Race {
  readonly block: MlpBlock;
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
  for (let row = 0; row < rowCount; row++) {
    sparse.forward(rows.subarray(row * inputWidth, (row + 1) * inputWidth));
    if (row % 64 === 63) await pause(options);
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
  for (let turn = 0; turn < REPEATS; turn++) {
    options.onProgress?.({
      phase: `timing ${block.name}, batch ${batch}`,
      done: turn,
      total: REPEATS,
      unit: 'iterations',
    });
    const exactUs = passUs(race, sparse, batch);
    await pause(options);
    times.push({ denseUs: passUs(race, dense, batch), exactUs });
    await pause(options);
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

async function pause({ signal }: RunOptions): Promise<void> {
  await nextTurn();
  throwIfAborted(signal);
}

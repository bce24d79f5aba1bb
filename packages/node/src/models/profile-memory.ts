/**
 * What profiling a model takes in bytes, from the size of a file and the shapes of its blocks, before any of it is had. Factors
 * are measured: the most memory that the system saw, less what every command takes.
 */
import { FewfireError, type FoundBlock, type ReluLayer } from '@fewfire/core';
import type { NumberArray } from '@fewfire/core/internal';
import { byteSize } from '@fewfire/core/words';

/** onnxruntime and its thread, before a model is loaded, beyond what every command takes. */
const RUNTIME_BYTES = 75e6;
/**
 * The bytes of a model while it runs: here, as they go to the runtime's thread, there, in its memory, as its weights, and
 * as those that were packed for its products.
 */
const RUNNING_COPIES = 6;
/** A block that is timed: exact, dense and calibrated kernels, with what is made on the way. */
const TIMED_COPIES = 5;
/** A row and activation that a unit answers most, and the counts of a unit. */
const TOP_BYTES = 80;
const UNIT_BYTES = 64;

/** @throws FewfireError `memory-budget` */
export function checkBytes(needed: number, allowed: number, what: string): void {
  if (needed <= allowed) return;
  throw new FewfireError(
    'memory-budget',
    `${what} needs ${byteSize(needed)}, more than the ${byteSize(Math.max(0, allowed))} allowed; raise \`memoryLimitBytes\``,
  );
}

/** What an ONNX file of this size takes to run, blocks apart. */
export function modelBytes(fileBytes: number): number {
  return RUNTIME_BYTES + RUNNING_COPIES * fileBytes;
}

export interface WatchedShape {
  readonly topCount: number;
  /** Rows kept of every block. */
  readonly keptRowCount: number;
}

/** What stays of blocks while they are watched: weights of those that can be run, kept rows and their copy, counts. */
export function watchedBytes(blocks: readonly (FoundBlock | ReluLayer)[], shape: WatchedShape): number {
  return blocks.reduce((sum, block) => sum + weightBytes(block) + countedBytes(block, shape), 0);
}

function countedBytes(
  { inputWidth, unitCount }: FoundBlock | ReluLayer,
  { topCount, keptRowCount }: WatchedShape,
): number {
  return unitCount * (UNIT_BYTES + topCount * TOP_BYTES) + 2 * 4 * keptRowCount * inputWidth;
}

/** What timing the largest block takes besides. */
export function timedBytes(blocks: readonly (FoundBlock | ReluLayer)[]): number {
  return TIMED_COPIES * Math.max(0, ...blocks.map(weightBytes));
}

function weightBytes(block: FoundBlock | ReluLayer): number {
  const { inputWidth, unitCount, outputWidth } = block;
  if ('sparse' in block && !block.sparse) return 0;
  const isGated = 'linear' in block ? block.linear !== undefined : /^gated-/.test(block.activation);
  return 4 * unitCount * (inputWidth * (isGated ? 2 : 1) + outputWidth);
}

export function arrayBytes(arrays: ReadonlyMap<string, Pick<NumberArray, 'values'>>): number {
  return [...arrays.values()].reduce((sum, { values }) => sum + values.byteLength, 0);
}

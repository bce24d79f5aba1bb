/**
 * Counts zeros at places of a graph that stand in no recognised block, on some of the inputs: enough to tell a value that
 * is mostly zeros from one that is not. A few places at a time, because nobody knows beforehand how large they are.
 */
import { FewfireError, type RunOptions } from '@fewfire/core';
import type { ZeroPlace } from '@fewfire/core/internal';
import type { BatchPlan } from './model-inputs.ts';
import type { OnnxRunner } from './onnx-runner.ts';
import { bytesOf } from './row-check.ts';

/** A place in a graph at which zeros were counted. */
export interface CountedPlace extends ZeroPlace {
  /** Of all its values on the samples it was counted on; null where it could not be counted. */
  readonly zeroShare: number | null;
  readonly sampleCount: number;
  /** Why it was not counted. */
  readonly reason: string | undefined;
}

const PLACES_AT_ONCE = 8;
const SAMPLES = 32;
const SAMPLES_AT_ONCE = 8;

export interface ZeroTask {
  readonly runner: OnnxRunner;
  readonly plan: BatchPlan;
  readonly places: readonly ZeroPlace[];
  readonly sampleCount: number;
  readonly samplesPerRun: number;
  /** Whether fewer than that may be run at once. */
  readonly independent: boolean;
  readonly limitBytes: number;
}

export async function countZeros(
  { runner, plan, places, sampleCount, samplesPerRun, independent, limitBytes }: ZeroTask,
  options: RunOptions = {},
): Promise<readonly CountedPlace[]> {
  const size = independent && plan.fixedBatch === undefined ? Math.min(samplesPerRun, SAMPLES_AT_ONCE) : samplesPerRun;
  const runs = chooseRuns(sampleCount, Math.min(size, sampleCount));
  const counted: CountedPlace[] = [];
  for (let first = 0; first < places.length; first += PLACES_AT_ONCE) {
    const some = places.slice(first, first + PLACES_AT_ONCE);
    const totals = new Map(some.map(({ value }) => [value, { zeros: 0, count: 0 }]));
    let reason: string | undefined;
    for (const samples of runs) {
      options.onProgress?.({ phase: 'counting zeros', done: first, total: places.length, unit: 'steps' });
      try {
        const values = await runner.run(plan.pick(samples), [...totals.keys()]);
        if (2 * bytesOf(values) > limitBytes) reason = 'its values do not fit into the memory allowed';
        for (const [name, { numbers }] of values) {
          const total = totals.get(name) as { zeros: number; count: number };
          total.count += numbers.length;
          for (const number of numbers) if (number === 0) total.zeros++;
        }
      } catch (error) {
        if (!(error instanceof FewfireError)) throw error;
        reason = error.message;
      }
      if (reason !== undefined) break;
    }
    for (const place of some) {
      const { zeros, count } = totals.get(place.value) as { zeros: number; count: number };
      const fails = reason ?? (count === 0 ? 'it holds no floating-point numbers' : undefined);
      counted.push({
        ...place,
        zeroShare: fails === undefined ? zeros / count : null,
        sampleCount: runs.reduce((sum, { length }) => sum + length, 0),
        reason: fails,
      });
    }
  }
  return counted;
}

// Whole runs, evenly spaced; the last may be shorter.
function chooseRuns(sampleCount: number, size: number): readonly (readonly number[])[] {
  const available = Math.ceil(sampleCount / size);
  const count = Math.min(available, Math.ceil(SAMPLES / size));
  return Array.from({ length: count }, (_, r) => {
    const first = Math.floor((r * available) / count) * size;
    return Array.from({ length: Math.min(size, sampleCount - first) }, (_, i) => first + i);
  });
}
